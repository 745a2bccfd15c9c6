/*
 * hash.h: SHA-256, piece by piece.
 */
#ifndef LEM_PG_HASH_H
#define LEM_PG_HASH_H

#include "common/cryptohash.h"

/* Bytes of a SHA-256. */
#define LEM_DIGEST_LENGTH 32

extern pg_cryptohash_ctx *lem_hash_begin(void);

/* Looks at pending interrupts first: pieces should not be long. */
extern void lem_hash_add(pg_cryptohash_ctx *hash, const void *data, Size length);

/* LEM_DIGEST_LENGTH bytes of digest; the context is freed. */
extern void lem_hash_end(pg_cryptohash_ctx *hash, uint8 *digest);

#endif

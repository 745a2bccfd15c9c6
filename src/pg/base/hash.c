/* hash.c: SHA-256, piece by piece. */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/base/hash.h"

pg_cryptohash_ctx *
lem_hash_begin(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	return hash;
}

void
lem_hash_add(pg_cryptohash_ctx *hash, const void *data, Size length)
{
	CHECK_FOR_INTERRUPTS();
	if (pg_cryptohash_update(hash, data, length) < 0)
		elog(ERROR, "could not update SHA-256");
}

void
lem_hash_end(pg_cryptohash_ctx *hash, uint8 *digest)
{
	if (pg_cryptohash_final(hash, digest, LEM_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not finalize SHA-256");
	pg_cryptohash_free(hash);
}

/*
 * toast_read.h: long values that are stored out of line.
 */
#ifndef LEM_PG_TOAST_READ_H
#define LEM_PG_TOAST_READ_H

#include "postgres.h"

/*
 * Read the length bytes (its toast_raw_datum_size without the header) of a value into to, and their
 * SHA-256 into digest, 32 bytes.  There must be an active snapshot that sees the value's row.
 */
extern void lem_toast_read(struct varlena *value, char *to, Size length, uint8 *digest);

#endif

/*
 * toast_read.c: long values that are stored out of line.
 *
 * The server looks up each of a value's chunks, of 2 kB, in an index.  A value that was written at
 * once mostly lies in consecutive pages: then they are read as they lie, which takes a fraction.
 * Wherever anything is not as expected, the server's way is taken.  Bytes are hashed while they are
 * in the processor's cache.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heaptoast.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg/base/compat.h"
#include "pg/base/hash.h"
#include "pg/base/toast_read.h"

/* Chunks that are read before they are hashed: what fits in the processor's cache. */
#define PIECE_CHUNKS 256
#define PIECE ((Size) PIECE_CHUNKS * TOAST_MAX_CHUNK_SIZE)

/* Columns of a table of chunks, which all have them. */
enum chunk_column
{
	CHUNK_VALUE = 1,			/* which value: an OID */
	CHUNK_NUMBER,				/* from 0 */
	CHUNK_DATA
};

/* Where a chunk of a value lies; false if that is not to be found. */
static bool
find_chunk(Relation toast, Oid value, int32 number, ItemPointer place)
{
	List	   *indexes = RelationGetIndexList(toast);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	if (list_length(indexes) != 1)
		return false;			/* it is being rebuilt */
	ScanKeyInit(&keys[0], CHUNK_VALUE, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	ScanKeyInit(&keys[1], CHUNK_NUMBER, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(number));
	scan = systable_beginscan(toast, linitial_oid(indexes), true, GetActiveSnapshot(), 2, keys);
	row = systable_getnext(scan);
	if (row)
		*place = row->t_self;
	systable_endscan(scan);
	list_free(indexes);
	return row != NULL;
}

/* The bytes of a chunk, if it has so many. */
static const char *
chunk_bytes(TupleTableSlot *slot, Size length)
{
	bool		is_null;
	struct varlena *chunk = (struct varlena *) DatumGetPointer(slot_getattr(slot, CHUNK_DATA,
																			&is_null));

	if (is_null || VARATT_IS_EXTERNAL(chunk) || VARATT_IS_COMPRESSED(chunk) ||
		VARSIZE_ANY_EXHDR(chunk) != length)
		return NULL;
	return VARDATA_ANY(chunk);
}

/* Read a value whose chunks lie one after the other; false if they do not. */
static bool
read_in_place(Relation toast, Oid value, char *to, Size length, uint8 *digest)
{
	const int32 chunks = (int32) ((length + TOAST_MAX_CHUNK_SIZE - 1) / TOAST_MAX_CHUNK_SIZE);
	ItemPointerData first;
	ItemPointerData last;
	pg_cryptohash_ctx *hash;
	TupleTableSlot *slot;
	TableScanDesc scan;
	Size		done = 0;
	Size		hashed = 0;
	int32		next = 0;

	if (chunks == 0 || toast->rd_rel->relam != HEAP_TABLE_AM_OID ||
		!find_chunk(toast, value, 0, &first) || !find_chunk(toast, value, chunks - 1, &last))
		return false;

	/* at most twice as many pages as they fill, four on each */
	if (ItemPointerCompare(&first, &last) > 0 ||
		ItemPointerGetBlockNumber(&last) - ItemPointerGetBlockNumber(&first) >
		(BlockNumber) chunks / 2 + 1)
		return false;

	hash = lem_hash_begin();
	slot = table_slot_create(toast, NULL);
	scan = table_beginscan_tidrange(toast, GetActiveSnapshot(), &first, &last);
	while (next < chunks && table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		const Size	size = Min((Size) TOAST_MAX_CHUNK_SIZE, length - done);
		const char *bytes;
		bool		is_null;

		if (DatumGetObjectId(slot_getattr(slot, CHUNK_VALUE, &is_null)) != value)
			continue;
		if (DatumGetInt32(slot_getattr(slot, CHUNK_NUMBER, &is_null)) != next ||
			(bytes = chunk_bytes(slot, size)) == NULL)
			break;
		memcpy(to + done, bytes, size);
		done += size;
		if (++next % PIECE_CHUNKS == 0 || next == chunks)
		{
			lem_hash_add(hash, to + hashed, done - hashed);
			hashed = done;
		}
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	if (next == chunks)
		lem_hash_end(hash, digest);
	else
		pg_cryptohash_free(hash);
	return next == chunks;
}

/* Read a value chunk by chunk. */
static void
read_by_index(Relation toast, Oid value, char *to, Size length, uint8 *digest)
{
	pg_cryptohash_ctx *hash = lem_hash_begin();
	struct varlena *piece = palloc(VARHDRSZ + Min(PIECE, length));

	for (Size done = 0; done < length; done += PIECE)
	{
		const Size	size = Min(PIECE, length - done);

		/* It writes behind the header of the value that it is given, and not the header. */
		table_relation_fetch_toast_slice(toast, value, (int32) length, (int32) done, (int32) size,
										 piece);
		memcpy(to + done, VARDATA(piece), size);
		lem_hash_add(hash, to + done, size);
	}
	pfree(piece);
	lem_hash_end(hash, digest);
}

void
lem_toast_read(struct varlena *value, char *to, Size length, uint8 *digest)
{
	struct varatt_external pointer;
	struct varlena *whole;
	pg_cryptohash_ctx *hash;
	Relation	toast;

	if (VARATT_IS_EXTERNAL_ONDISK(value))
	{
		VARATT_EXTERNAL_GET_POINTER(pointer, value);
		if (VARATT_EXTERNAL_GET_EXTSIZE(pointer) == length)
		{
			toast = table_open(pointer.va_toastrelid, AccessShareLock);
			if (!read_in_place(toast, pointer.va_valueid, to, length, digest))
				read_by_index(toast, pointer.va_valueid, to, length, digest);
			table_close(toast, AccessShareLock);
			return;
		}
	}

	/* A small value, or one that is compressed. */
	whole = pg_detoast_datum_packed(value);
	hash = lem_hash_begin();
	memcpy(to, VARDATA_ANY(whole), length);
	lem_hash_add(hash, to, length);
	lem_hash_end(hash, digest);
	if (whole != value)
		pfree(whole);
}

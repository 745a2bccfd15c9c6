/*
 * table_scan.h: rows of the extension's own tables, found without a query.
 */
#ifndef LEM_PG_TABLE_SCAN_H
#define LEM_PG_TABLE_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* Most columns that a scan finds rows by. */
#define LEM_SCAN_KEYS 2

/* A column and what it must equal; the type is text (collation "C"), int or bigint. */
typedef struct lem_scan_key
{
	const char *column;
	Oid			type;
	Datum		value;
} lem_scan_key;

typedef struct lem_scan
{
	Relation	table;
	SysScanDesc rows;
	HeapTuple	row;			/* the present one; NULL: there are no more */
	bool		pushed;			/* a snapshot */
} lem_scan;

/* A table of the extension; raises 42P01 if it is missing. */
extern Oid	lem_table(const char *schema, const char *table);

/*
 * A snapshot of all that is committed by now, or was done by this transaction, whatever its
 * isolation level, and also in parallel workers.  To be given back.
 */
extern Snapshot lem_snapshot_take(const char *schema);
extern void lem_snapshot_return(Snapshot snapshot);

/*
 * Find the rows of a table that have n keys, by an index that begins with these columns, or one by
 * one where there is no such index that can be used.  Whoever the user is, and as the calling
 * statement sees them (snapshot NULL) or a snapshot does; works in parallel workers and on a
 * standby.  The lock is kept until the end of the transaction, as a query's is.
 */
extern void lem_scan_begin(lem_scan *scan, const char *schema, Snapshot snapshot,
						   const char *table, const char *index, const lem_scan_key *keys, int n);

/* Go to the next row; false if there is none. */
extern bool lem_scan_next(lem_scan *scan);

/* A column of the present row; these columns are never NULL.  Good until the next row. */
extern Datum lem_scan_column(const lem_scan *scan, const char *name);

/* The same of one that can be: false if it is. */
extern bool lem_scan_value(const lem_scan *scan, const char *name, Datum *value);

extern void lem_scan_end(lem_scan *scan);

#endif

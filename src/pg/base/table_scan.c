/*
 * table_scan.c: rows of the extension's own tables, found without a query.
 *
 * The first query of a session that reads a table is parsed, planned and started for the time of
 * many schedules, and every one takes longer than reading the row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "pg/base/errors.h"
#include "pg/base/table_scan.h"

/* The index of a table by its name, if it can be used for any snapshot of this transaction. */
static Oid
usable_index(Oid namespace, Oid table, const char *name)
{
	Oid			found = get_relname_relid(name, namespace);
	Relation	index;
	Form_pg_index form;
	bool		usable;

	if (!OidIsValid(found) || get_rel_relkind(found) != RELKIND_INDEX)
		return InvalidOid;
	index = relation_open(found, AccessShareLock);
	form = index->rd_index;
	usable = form->indrelid == table && form->indisvalid &&
		(!form->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							   TransactionXmin));
	relation_close(index, NoLock);
	return usable ? found : InvalidOid;
}

/* The function that compares a column of a type for equality. */
static RegProcedure
equality(Oid type)
{
	switch (type)
	{
		case TEXTOID:
			return F_TEXTEQ;
		case INT4OID:
			return F_INT4EQ;
		default:
			LEM_ENSURE(type == INT8OID);
			return F_INT8EQ;
	}
}

/* The number of a column. */
static AttrNumber
column_number(const lem_scan *scan, const char *name)
{
	TupleDesc	desc = RelationGetDescr(scan->table);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0)
			return column->attnum;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of table \"%s\" of the extension is missing", name,
					RelationGetRelationName(scan->table))));
	return InvalidAttrNumber;
}

/* A table of the extension; raises 42P01. */
static Oid
find_table(Oid namespace, const char *table)
{
	const Oid	found = get_relname_relid(table, namespace);

	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of the extension is missing", table)));
	return found;
}

Oid
lem_table(const char *schema, const char *table)
{
	return find_table(get_namespace_oid(schema, false), table);
}

Snapshot
lem_snapshot_take(const char *schema)
{
	/* For a table that is not one of the server's catalogs it is a new one each time. */
	return RegisterSnapshot(GetCatalogSnapshot(lem_table(schema, "lem_model")));
}

void
lem_snapshot_return(Snapshot snapshot)
{
	UnregisterSnapshot(snapshot);
}

void
lem_scan_begin(lem_scan *scan, const char *schema, Snapshot snapshot, const char *table,
			   const char *index, const lem_scan_key *keys, int n)
{
	const Oid	namespace = get_namespace_oid(schema, false);
	const Oid	found = find_table(namespace, table);
	ScanKeyData scan_keys[LEM_SCAN_KEYS];
	Oid			by;

	LEM_ENSURE(n <= LEM_SCAN_KEYS);
	scan->table = table_open(found, AccessShareLock);
	scan->row = NULL;
	for (int i = 0; i < n; i++)
		ScanKeyInit(&scan_keys[i], column_number(scan, keys[i].column), BTEqualStrategyNumber,
					equality(keys[i].type), keys[i].value);
	scan->pushed = snapshot == NULL && !ActiveSnapshotSet();
	if (scan->pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	by = usable_index(namespace, found, index);
	scan->rows = systable_beginscan(scan->table, by, OidIsValid(by),
									snapshot ? snapshot : GetActiveSnapshot(), n, scan_keys);
}

bool
lem_scan_next(lem_scan *scan)
{
	scan->row = systable_getnext(scan->rows);
	return HeapTupleIsValid(scan->row);
}

Datum
lem_scan_column(const lem_scan *scan, const char *name)
{
	bool		is_null;
	Datum		value = heap_getattr(scan->row, column_number(scan, name),
									 RelationGetDescr(scan->table), &is_null);

	LEM_ENSURE(!is_null);
	return value;
}

bool
lem_scan_value(const lem_scan *scan, const char *name, Datum *value)
{
	bool		is_null;

	*value = heap_getattr(scan->row, column_number(scan, name), RelationGetDescr(scan->table),
						  &is_null);
	return !is_null;
}

void
lem_scan_end(lem_scan *scan)
{
	systable_endscan(scan->rows);
	if (scan->pushed)
		PopActiveSnapshot();
	table_close(scan->table, NoLock);
}

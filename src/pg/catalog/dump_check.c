/* dump_check.c: whether a role's dump has all that the extension's tables hold. */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"

/* Columns of a row. */
enum
{
	RELATION,
	ROWS,
	SEEN,
	WHOLE,
	COLUMNS
};

/* Rows of a table that the current user sees, as a dump that keeps to row security does. */
static int64
count_seen(const char *schema, const char *table)
{
	char	   *command = psprintf("SELECT pg_catalog.count(*) FROM %s",
								   quote_qualified_identifier(schema, table));
	const int	level = NewGUCNestLevel();

	(void) set_config_option("row_security", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (SPI_execute(command, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", command);
	AtEOXact_GUC(true, level);
	return DatumGetInt64(lem_query_column(0, 1, NULL));
}

static int64
count_all(const char *schema, const char *table)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_run(&query, psprintf("SELECT count(*) FROM %%1$s.%s", quote_identifier(table)));
	return DatumGetInt64(lem_query_column(0, 1, NULL));
}

/*
 * lem_dump_check() RETURNS TABLE (relation name, rows bigint, seen bigint, whole boolean)
 *
 * A row for each table of the extension that dumps include: how many rows it has, how many of them
 * the current user sees (NULL: may not read it), and whether that is all.
 */
LEM_FUNCTION(pg_lem_dump_check);

Datum
pg_lem_dump_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *schema = lem_schema(fcinfo);
	const Oid	namespace = get_namespace_oid(schema, false);
	lem_query	query;
	SPITupleTable *tables;
	uint64		n;

	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == COLUMNS);
	lem_query_connect();
	lem_query_begin(&query, schema);
	n = lem_query_run(&query, "SELECT c.relname FROM pg_extension AS e,"
					  " unnest(e.extconfig) AS t (id) JOIN pg_class AS c ON c.oid = t.id"
					  " WHERE e.extname = 'lem' AND c.relkind = 'r' ORDER BY c.relname");
	tables = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
	{
		bool		is_null;
		const Datum name = SPI_getbinval(tables->vals[i], tables->tupdesc, 1, &is_null);
		const char *table = NameStr(*DatumGetName(name));
		const Oid	id = get_relname_relid(table, namespace);
		const bool	reads = pg_class_aclcheck(id, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
		const int64 rows = count_all(schema, table);
		const int64 seen = reads ? count_seen(schema, table) : 0;
		const Datum values[COLUMNS] = {
			[RELATION] = name, [ROWS] = Int64GetDatum(rows), [SEEN] = Int64GetDatum(seen),
			[WHOLE] = BoolGetDatum(reads && seen == rows)
		};
		const bool	nulls[COLUMNS] = {[SEEN] = !reads};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, unconstify(Datum *, &values[0]),
							 unconstify(bool *, &nulls[0]));
	}
	SPI_finish();
	return (Datum) 0;
}

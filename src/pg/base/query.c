/* query.c: queries on the extension's own tables. */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"

void
lem_query_connect(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
lem_query_begin(lem_query *query, const char *schema)
{
	memset(query, 0, sizeof(*query));
	query->schema = schema;
}

void
lem_query_add(lem_query *query, Oid type, Datum value, bool is_null)
{
	LEM_ENSURE(query->n < LEM_MAX_ARGUMENTS);
	query->types[query->n] = type;
	query->values[query->n] = value;
	query->nulls[query->n++] = is_null ? 'n' : ' ';
}

void
lem_query_add_text(lem_query *query, const char *text)
{
	lem_query_add(query, TEXTOID, text ? CStringGetTextDatum(text) : (Datum) 0, text == NULL);
}

void
lem_query_add_user(lem_query *query, Oid user)
{
	Name		name = palloc0(sizeof(NameData));	/* all of it is stored */

	namestrcpy(name, GetUserNameFromId(user, false));
	lem_query_add(query, NAMEOID, NameGetDatum(name), false);
}

void
lem_query_add_bytes(lem_query *query, const void *data, Size length)
{
	bytea	   *bytes = palloc(VARHDRSZ + length);

	SET_VARSIZE(bytes, VARHDRSZ + length);
	memcpy(VARDATA(bytes), data, length);
	lem_query_add(query, BYTEAOID, PointerGetDatum(bytes), false);
}

void
lem_query_add_array(lem_query *query, Oid element, Datum *values, bool *nulls, int n)
{
	int16		length;
	bool		by_value;
	char		alignment;
	int			bound = 1;

	get_typlenbyvalalign(element, &length, &by_value, &alignment);
	lem_query_add(query, get_array_type(element),
				  PointerGetDatum(construct_md_array(values, nulls, 1, &n, &bound, element, length,
													 by_value, alignment)), false);
}

Oid
lem_query_type(const lem_query *query, const char *name)
{
	const Oid	namespace = get_namespace_oid(query->schema, false);
	const Oid	type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
									   ObjectIdGetDatum(namespace));

	LEM_ENSURE(OidIsValid(type));
	return type;
}

/* Queries whose plans a session keeps. */
#define KEPT_PLANS 16

/* A plan that is kept: by the address of the query's text, and all that its meaning rests on. */
typedef struct kept_plan
{
	const char *text;
	char		schema[NAMEDATALEN];
	int			n;
	Oid			types[LEM_MAX_ARGUMENTS];
	SPIPlanPtr	plan;
} kept_plan;

/*
 * The plan of a query that repeats: one for all arguments.  The server plans it anew where what it rests
 * on has changed.  NULL: it cannot be prepared, as SPI_result says.
 */
static SPIPlanPtr
keep_plan(const lem_query *query, const char *text, const char *command)
{
	static kept_plan kept[KEPT_PLANS];
	kept_plan  *k = kept;
	SPIPlanPtr	plan;

	while (k->text != NULL && k->text != text)
	{
		k++;
		LEM_ENSURE(k < kept + KEPT_PLANS);
	}
	if (k->plan != NULL && k->n == query->n && strcmp(k->schema, query->schema) == 0 &&
		memcmp(k->types, query->types, query->n * sizeof(Oid)) == 0)
		return k->plan;
	plan = SPI_prepare_cursor(command, query->n, (Oid *) query->types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		return NULL;
	if (k->plan != NULL)
		SPI_freeplan(k->plan);
	k->text = text;
	strlcpy(k->schema, query->schema, sizeof(k->schema));
	k->n = query->n;
	memcpy(k->types, query->types, query->n * sizeof(Oid));
	k->plan = plan;
	return plan;
}

/*
 * Run a command that may write, as things are by now, whatever snapshot the transaction has: what it
 * was allowed to do was decided by that as well.
 */
static int
run_latest(lem_query *query, const char *text, const char *command)
{
	SPIPlanPtr	plan;
	int			result;

	/* The command's own snapshot is the latest one already. */
	if (!IsolationUsesXactSnapshot() && query->repeats)
	{
		plan = keep_plan(query, text, command);
		return plan ? SPI_execute_plan(plan, query->values, query->nulls, false, 0) : SPI_result;
	}
	if (!IsolationUsesXactSnapshot())
		return SPI_execute_with_args(command, query->n, query->types,
									 query->values, query->nulls, false, 0);
	plan = SPI_prepare(command, query->n, query->types);
	if (plan == NULL)
		return SPI_result;
	result = SPI_execute_snapshot(plan, query->values, query->nulls,
								  GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	SPI_freeplan(plan);
	return result;
}

/* What the planner may take to be cheaper than an index where it knows too little of the tables. */
static const char *const not_by_index[] = {
	"enable_seqscan", "enable_hashjoin", "enable_mergejoin"
};

static uint64
run(lem_query *query, const char *text, bool reads)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *command = psprintf(text, quote_identifier(query->schema));
	const lem_user user = lem_user_become_owner(query->schema);
	const int	level = NewGUCNestLevel();
	int			result;

	/* No operator or function of the caller's is to be found, as whom we do not run. */
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* Numbers that it puts into JSON, which is kept, are whole. */
	(void) set_config_option("extra_float_digits", "1", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* A query without what is disabled below looks dear enough to be compiled, and is not. */
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	if (query->by_index)
		for (size_t i = 0; i < lengthof(not_by_index); i++)
			(void) set_config_option(not_by_index[i], "off", PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
	if (reads)
		result = SPI_execute_with_args(command, query->n, query->types,
									   query->values, query->nulls, true, 0);
	else
		result = run_latest(query, text, command);
	AtEOXact_GUC(true, level);
	lem_user_restore(user);

	/* SPI leaves its own, which lives to the end of the call. */
	MemoryContextSwitchTo(context);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", command, SPI_result_code_string(result));
	pfree(command);
	return SPI_processed;
}

uint64
lem_query_run(lem_query *query, const char *text)
{
	return run(query, text, false);
}

uint64
lem_query_read(lem_query *query, const char *text)
{
	return run(query, text, true);
}

Datum
lem_query_column(uint64 row, int number, bool *is_null)
{
	bool		ignored;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number,
						 is_null ? is_null : &ignored);
}

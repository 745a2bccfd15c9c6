/* report_data.c: what reports on orders are made of: bars of a user's query, plans. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "pg/bars/bar_rows.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/guard.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"

/* Errors say what they are about. */
static void
bars_context(void *arg)
{
	(void) arg;
	errcontext("query for the bars of a report");
}

/* Check that a text is one query, and find its columns. */
static void
find_columns(const char *text, lem_bar_columns *columns)
{
	MemoryContext context = CurrentMemoryContext;
	SPIPlanPtr	plan = SPI_prepare_cursor(text, 0, NULL, CURSOR_OPT_NO_SCROLL);
	Portal		portal;

	if (plan == NULL || !SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the bars are not given by one query that returns rows"),
				 errhint("Pass a SELECT with the columns series, ts, price and volume.")));
	SPI_freeplan(plan);
	portal = SPI_cursor_open_with_args(NULL, psprintf("SELECT * FROM (%s\n) AS q", text), 0, NULL,
									   NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	lem_bar_columns_find(columns, portal->tupDesc, context);
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(context);
}

/*
 * _lem_report_bars(query text, names text[], since timestamptz, until timestamptz) RETURNS setof
 * (series text, bars lem_bars)
 *
 * The bars of some series, from a time on and before another (NULL: all), of a query with the columns series, ts, price
 * and volume, and close, high, low and features where it has them.  It runs as the caller.  Rows come in the
 * order of their series.
 */
LEM_FUNCTION(pg_lem_report_bars);

Datum
pg_lem_report_bars(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ErrorContextCallback callback = {.previous = error_context_stack, .callback = bars_context};
	const char *schema = quote_identifier(lem_schema(fcinfo));
	Oid			types[] = {TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types) + 1] = {0};
	lem_bar_columns columns;
	const char *bar;
	char	   *bars;
	Size		length;

	lem_refuse_null(PG_ARGISNULL(0), "bars");
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		values[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
	}
	InitMaterializedSRF(fcinfo, 0);
	bars = text_to_cstring(PG_GETARG_TEXT_PP(0));
	length = strlen(bars);

	/* What ends a statement has no place within another. */
	while (length > 0 && strchr(" \t\r\n;", bars[length - 1]) != NULL)
		bars[--length] = '\0';
	lem_query_connect();
	error_context_stack = &callback;
	find_columns(bars, &columns);
	switch (lem_bar_columns_format(&columns))
	{
		case LEM_BARS_PLAIN:
			bar = LEM_BAR_AS_PLAIN;
			break;
		case LEM_BARS_CLOSE:
			bar = LEM_BAR_AS_CLOSE;
			break;
		default:
			bar = psprintf(LEM_BAR_AS_RANGE("%s"), schema);
			break;
	}
	if (SPI_execute_with_args(psprintf("SELECT q.series::pg_catalog.text COLLATE \"C\","
									   " %s.lem_bars(q.ts, %s%s) FROM (%s\n) AS q"
									   " WHERE q.series::pg_catalog.text"
									   " OPERATOR(pg_catalog.=) ANY ($1)"
									   " AND ($2 IS NULL OR q.ts OPERATOR(pg_catalog.>=) $2)"
									   " AND ($3 IS NULL OR q.ts OPERATOR(pg_catalog.<) $3)"
									   " GROUP BY 1 ORDER BY 1", schema, bar,
									   columns.numbers[LEM_BAR_FEATURES] == 0 ? "" :
									   ", q.features", bars),
							  lengthof(types), types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not query bars");
	error_context_stack = callback.previous;
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		Datum		fields[2];
		bool		missing[2];

		fields[0] = lem_query_column(row, 1, &missing[0]);
		fields[1] = lem_query_column(row, 2, &missing[1]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, fields, missing);
	}
	SPI_finish();
	return (Datum) 0;
}

/* A plan that may not be to be had. */
typedef struct plan_job
{
	MemoryContext context;		/* the plan's */
	const char *query;
	Oid			types[3];
	Datum		values[3];
	Datum		plan;
	bool		is_null;
} plan_job;

static void
run_plan(void *arg)
{
	plan_job   *job = arg;
	MemoryContext old = CurrentMemoryContext;

	if (SPI_execute_with_args(job->query, lengthof(job->types), job->types, job->values, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not plan an order");
	job->plan = lem_query_column(0, 1, &job->is_null);
	MemoryContextSwitchTo(job->context);
	if (!job->is_null)
		job->plan = datumCopy(job->plan, false, -1);
	MemoryContextSwitchTo(old);
}

/* Why a report on an order may be without its plan: too few bars, no right to the model, no model. */
static bool
is_no_plan(const ErrorData *error)
{
	return lem_error_is_of_data(error) || error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
}

/*
 * _lem_report_plan(model text, ord lem_order, bars lem_bars) RETURNS lem_slice[]
 *
 * The slices of lem_schedule, or of a baseline where the model is called baseline:NAME.  NULL where
 * these bars, or the caller's rights, do not allow one.
 */
LEM_FUNCTION(pg_lem_report_plan);

Datum
pg_lem_report_plan(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	lem_query	query;
	plan_job	job = {.context = CurrentMemoryContext, .is_null = true};

	lem_query_connect();
	lem_query_begin(&query, schema);
	job.types[0] = TEXTOID;
	job.types[1] = lem_query_type(&query, "lem_order");
	job.types[2] = lem_query_type(&query, "lem_bars");
	for (int i = 0; i < 3; i++)
		job.values[i] = PG_GETARG_DATUM(i);
	schema = quote_identifier(schema);
	job.query = psprintf(strncmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), "baseline:", 9) == 0 ?
						 "SELECT pg_catalog.array_agg(s ORDER BY s.step)"
						 " FROM %s.lem_baseline(pg_catalog.substr($1, 10), $2, $3) AS s" :
						 "SELECT pg_catalog.array_agg(s ORDER BY s.step)"
						 " FROM %s.lem_schedule($1, $2, $3) AS s", schema);
	(void) lem_guard(run_plan, &job, is_no_plan);
	SPI_finish();
	if (job.is_null)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(job.plan);
}

/*
 * _lem_unknown_order(id bigint) RETURNS jsonb
 *
 * Raises 42704: there is no such order, or the caller may not see it.
 */
LEM_FUNCTION(pg_lem_unknown_order);

Datum
pg_lem_unknown_order(PG_FUNCTION_ARGS)
{
	lem_refuse_null(PG_ARGISNULL(0), "id");
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("order %lld does not exist", (long long) PG_GETARG_INT64(0)),
			 errhint("Your orders are listed in the view lem_orders.")));
	PG_RETURN_NULL();
}

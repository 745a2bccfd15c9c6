/* work_bars.c: the bars that orders are worked by. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/market/gaps.h"
#include "core/market/window.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/query.h"
#include "pg/orders/work_bars.h"

/* Rows that are fetched at once. */
#define FETCH_ROWS 10000

/*
 * The query as a part of another.  The other runs under the user's search_path, and qualifies
 * every name.  A bar without a time, price or volume is none.
 */
#define FROM_BARS " FROM (%s\n) AS q WHERE"
#define ARE_BARS \
	" AND q.ts IS NOT NULL AND q.price IS NOT NULL AND q.volume IS NOT NULL" \
	" AND q.ts OPERATOR(pg_catalog.<) $2"
#define OF_SERIES " q.series::pg_catalog.text OPERATOR(pg_catalog.=) "

bool
lem_work_error_is_own(const ErrorData *error)
{
	const char *state = unpack_sql_state(error->sqlerrcode);

	return strncmp(state, "LM", 2) == 0 || error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		error->sqlerrcode == ERRCODE_DATA_CORRUPTED ||
		error->sqlerrcode == ERRCODE_ARRAY_SUBSCRIPT_ERROR ||
		error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/* Errors say what they are about. */
static void
query_context(void *arg)
{
	(void) arg;
	errcontext("query for the bars to work orders by");
}

static void
push_context(ErrorContextCallback *callback)
{
	callback->previous = error_context_stack;
	callback->callback = query_context;
	callback->arg = NULL;
	error_context_stack = callback;
}

/* Open a cursor on a query around the user's, which is its %s. */
static Portal
open_cursor(lem_work_bars *bars, const char *text, int n, Oid *types, Datum *values)
{
	return SPI_cursor_open_with_args(NULL, psprintf(text, bars->query), n, types, values, NULL,
									 false, CURSOR_OPT_NO_SCROLL);
}

void
lem_work_bars_open(lem_work_bars *bars, const char *query, TimestampTz end)
{
	char	   *text = pstrdup(query);
	Size		length = strlen(text);
	ErrorContextCallback callback;
	SPIPlanPtr	plan;
	Portal		portal;

	/* What ends a statement has no place within another. */
	while (length > 0 && strchr(" \t\r\n;", text[length - 1]) != NULL)
		text[--length] = '\0';
	bars->query = text;
	bars->end = end;

	push_context(&callback);
	plan = SPI_prepare_cursor(text, 0, NULL, CURSOR_OPT_NO_SCROLL);
	if (plan == NULL || !SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the bars are not given by one query that returns rows"),
				 errhint("Pass a SELECT with the columns series, ts, price and volume.")));
	SPI_freeplan(plan);
	portal = open_cursor(bars, "SELECT * FROM (%s\n) AS q", 0, NULL, NULL);
	lem_bar_columns_find(&bars->columns, portal->tupDesc, CurrentMemoryContext);
	SPI_cursor_close(portal);
	error_context_stack = callback.previous;
}

/* Run a query around the user's. */
static void
run(lem_work_bars *bars, const char *text, int n, Oid *types, Datum *values)
{
	ErrorContextCallback callback;
	int			result;

	push_context(&callback);
	result = SPI_execute_with_args(psprintf(text, bars->query), n, types, values, NULL, false, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not query bars: %s", SPI_result_code_string(result));
	error_context_stack = callback.previous;
}

static Datum
text_array(int n, Datum *values)
{
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

void
lem_work_bars_last(lem_work_bars *bars, int n, Datum *names, TimestampTz *last)
{
	Oid			types[] = {TEXTARRAYOID, TIMESTAMPTZOID};
	Datum		values[] = {text_array(n, names), TimestampTzGetDatum(bars->end)};

	run(bars,
		"SELECT (SELECT pg_catalog.max(q.ts)" FROM_BARS OF_SERIES "s.name" ARE_BARS ")"
		" FROM pg_catalog.unnest($1) WITH ORDINALITY AS s (name, number) ORDER BY s.number",
		lengthof(types), types, values);
	LEM_ENSURE(SPI_processed == (uint64) n);
	for (int i = 0; i < n; i++)
	{
		bool		is_null;
		Datum		value = lem_query_column(i, 1, &is_null);

		last[i] = is_null ? DT_NOBEGIN : DatumGetTimestampTz(value);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The bar interval of a series, from the last bars before a time; 0: cannot be found. */
static int64
find_interval(lem_work_bars *bars, const lem_config *config, Datum name, TimestampTz start)
{
	const int	count = lem_window_history(config, 0);
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, INT4OID};
	Datum		values[] = {name, TimestampTzGetDatum(start), Int32GetDatum(count)};
	int64_t    *ts = palloc(count * sizeof(int64_t));
	uint64_t   *scratch = palloc(count * sizeof(uint64_t));
	lem_series	series = {.ts = ts};
	int64		interval;

	run(bars,
		"SELECT t.ts FROM (SELECT q.ts" FROM_BARS OF_SERIES "$1" ARE_BARS
		" ORDER BY q.ts DESC LIMIT $3) AS t ORDER BY t.ts", lengthof(types), types, values);
	series.n = SPI_processed;
	for (uint64 i = 0; i < SPI_processed; i++)
		ts[i] = DatumGetTimestampTz(lem_query_column(i, 1, NULL));
	SPI_freetuptable(SPI_tuptable);
	interval = lem_gap_interval(&series, series.n, count, scratch);
	pfree(ts);
	pfree(scratch);
	return interval;
}

TimestampTz
lem_work_bars_since(lem_work_bars *bars, const lem_config *config, const char *name,
					TimestampTz start)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, INT4OID, BOOLOID};
	Datum		values[4];
	int64		interval = 0;
	TimestampTz since = DT_NOBEGIN;
	bool		is_null;
	Datum		value;

	values[0] = CStringGetTextDatum(name);
	values[1] = TimestampTzGetDatum(Min(start, bars->end));
	if (config->bar_interval <= 0)
	{
		interval = find_interval(bars, config, values[0], Min(start, bars->end));
		if (interval <= 0)
			return since;
	}
	values[2] = Int32GetDatum(lem_window_history(config, interval));
	values[3] = BoolGetDatum(config->gaps == LEM_GAPS_SKIP);
	run(bars,
		"SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.>=) $3"
		" THEN LEAST(pg_catalog.min(t.ts),"
		"  CASE WHEN $4 THEN pg_catalog.max(t.ts) OPERATOR(pg_catalog.-) interval '8 days' END) END"
		" FROM (SELECT q.ts" FROM_BARS OF_SERIES "$1" ARE_BARS " ORDER BY q.ts DESC LIMIT $3) AS t",
		lengthof(types), types, values);
	value = lem_query_column(0, 1, &is_null);
	if (!is_null)
		since = DatumGetTimestampTz(value);
	SPI_freetuptable(SPI_tuptable);
	return since;
}

static lem_work_series *
find_series(lem_work_series *series, int n, int last, const char *name)
{
	if (strcmp(series[last].name, name) == 0)
		return &series[last];
	for (int i = 0; i < n; i++)
		if (strcmp(series[i].name, name) == 0)
			return &series[i];
	return NULL;
}

/* What a series is spoilt by. */
static ErrorData *
caught_error(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (!lem_work_error_is_own(error))
		PG_RE_THROW();
	FlushErrorState();
	return error;
}

/* Add a row's bar to its series; a bad one spoils the series. */
static int
add_row(lem_work_bars *bars, HeapTuple tuple, TupleDesc desc, int n, lem_work_series *series,
		int last, MemoryContext context)
{
	MemoryContext row_context = CurrentMemoryContext;
	const char *volatile name = NULL;
	lem_work_series *volatile current = NULL;

	/* Nothing is held here that an error of ours could leave behind. */
	PG_TRY();
	{
		lem_bar_row row;

		if (lem_bar_row_read(&bars->columns, tuple, desc, &row, (const char **) &name))
		{
			current = find_series(series, n, last, name);
			if (current && current->error == NULL)
				lem_builder_add(current->builder, row.ts, row.price, row.volume, row.features,
								row.n_features);
		}
	}
	PG_CATCH();
	{
		ErrorData  *error = caught_error(context);

		if (current == NULL && name)
			current = find_series(series, n, last, name);
		if (current)
			current->error = error;
		MemoryContextSwitchTo(row_context);
	}
	PG_END_TRY();
	return current ? (int) (current - series) : last;
}

/* Put a series in order. */
static void
sort_series(lem_work_series *series)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		lem_builder_series(series->builder, &series->bars);
	}
	PG_CATCH();
	{
		series->error = caught_error(context);
		series->bars.n = 0;
	}
	PG_END_TRY();
}

void
lem_work_bars_load(lem_work_bars *bars, int n, lem_work_series *series, TimestampTz since)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext row_context = AllocSetContextCreate(context, "lem bars rows",
													  ALLOCSET_DEFAULT_SIZES);
	Oid			types[] = {TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[3];
	Datum	   *names = palloc(n * sizeof(Datum));
	ErrorContextCallback callback;
	Portal		portal;
	uint64		rows;
	int			last = 0;

	for (int i = 0; i < n; i++)
	{
		names[i] = CStringGetTextDatum(series[i].name);
		series[i].builder = lem_builder_create(context);
	}
	values[0] = text_array(n, names);
	values[1] = TimestampTzGetDatum(bars->end);
	values[2] = TimestampTzGetDatum(since);
	push_context(&callback);
	portal = open_cursor(bars,
						 "SELECT *" FROM_BARS OF_SERIES "ANY ($1)" ARE_BARS
						 " AND q.ts OPERATOR(pg_catalog.>=) $3", lengthof(types), types, values);
	do
	{
		SPITupleTable *table;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_processed;
		table = SPI_tuptable;
		MemoryContextSwitchTo(row_context);
		for (uint64 i = 0; i < rows; i++)
		{
			last = add_row(bars, table->vals[i], table->tupdesc, n, series, last, context);
			MemoryContextReset(row_context);
		}
		MemoryContextSwitchTo(context);
		SPI_freetuptable(table);
		CHECK_FOR_INTERRUPTS();
	} while (rows > 0);
	SPI_cursor_close(portal);
	error_context_stack = callback.previous;
	MemoryContextDelete(row_context);
	for (int i = 0; i < n; i++)
		if (series[i].error == NULL)
			sort_series(&series[i]);
}

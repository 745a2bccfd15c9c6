/* work_bars.c: the bars that orders are worked by. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/market/gaps.h"
#include "core/market/series.h"
#include "core/market/window.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/guard.h"
#include "pg/base/query.h"
#include "pg/orders/work_bars.h"

/* Series that are asked for their last bars at once. */
#define LAST_AT_ONCE 1000

/*
 * The query as a part of another.  The other runs under the user's search_path, and qualifies
 * every name.  A bar without a time, price or volume is none.
 */
#define FROM_BARS " FROM (%1$s\n) AS q WHERE"
#define ARE_BARS \
	" AND q.ts IS NOT NULL AND q.price IS NOT NULL AND q.volume IS NOT NULL" \
	" AND q.ts OPERATOR(pg_catalog.<) $2"
#define OF_SERIES " q.series::pg_catalog.text OPERATOR(pg_catalog.=) "

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

void
lem_work_bars_open(lem_work_bars *bars, const char *schema, const char *query, TimestampTz now)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *text = pstrdup(query);
	Size		length = strlen(text);
	ErrorContextCallback callback;
	SPIPlanPtr	plan;
	Portal		portal;

	/* What ends a statement has no place within another. */
	while (length > 0 && strchr(" \t\r\n;", text[length - 1]) != NULL)
		text[--length] = '\0';
	bars->schema = schema;
	bars->query = text;
	bars->now = now;

	push_context(&callback);
	plan = SPI_prepare_cursor(text, 0, NULL, CURSOR_OPT_NO_SCROLL);
	if (plan == NULL || !SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the bars are not given by one query that returns rows"),
				 errhint("Pass a SELECT with the columns series, ts, price and volume.")));
	SPI_freeplan(plan);
	portal = SPI_cursor_open_with_args(NULL, psprintf("SELECT * FROM (%s\n) AS q", text), 0, NULL,
									   NULL, NULL, false, CURSOR_OPT_NO_SCROLL);
	lem_bar_columns_find(&bars->columns, portal->tupDesc, context);
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(context);
	error_context_stack = callback.previous;
}

void
lem_work_bars_forget(lem_work_bars *bars)
{
	while (bars->n_plans > 0)
		SPI_freeplan(bars->plans[--bars->n_plans].plan);
}

/* The plan of a query around the user's: each series that is new asks the same of it. */
static SPIPlanPtr
find_plan(lem_work_bars *bars, const char *text, int n, Oid *types)
{
	int			i = 0;

	while (i < bars->n_plans && bars->plans[i].text != text)
		i++;
	if (i == bars->n_plans)
	{
		SPIPlanPtr	plan = SPI_prepare(psprintf(text, bars->query, quote_identifier(bars->schema)),
									   n, types);

		LEM_ENSURE(bars->n_plans < LEM_WORK_PLANS);
		if (plan == NULL)
			elog(ERROR, "could not query bars: %s", SPI_result_code_string(SPI_result));
		bars->plans[i].text = text;
		bars->plans[i].plan = plan;
		bars->n_plans++;
	}
	return bars->plans[i].plan;
}

/*
 * Run a query around the user's, which is its %1$s; %2$s is the extension's schema.  Its text is a literal of
 * this file, by whose address its plan is known.
 */
static void
run(lem_work_bars *bars, const char *text, int n, Oid *types, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback;
	int			result;

	push_context(&callback);
	result = SPI_execute_plan(find_plan(bars, text, n, types), values, NULL, false, 0);
	MemoryContextSwitchTo(context);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not query bars: %s", SPI_result_code_string(result));
	error_context_stack = callback.previous;
}

static Datum
text_array(int n, Datum *values)
{
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
time_array(int n, Datum *values)
{
	return PointerGetDatum(construct_array(values, n, TIMESTAMPTZOID, sizeof(TimestampTz), true,
										   TYPALIGN_DOUBLE));
}

/* Series that are asked for their last bars. */
typedef struct last_bars
{
	lem_work_bars *bars;
	const char *const *names;
	const TimestampTz *known;	/* bars are asked for from there on; NULL: all are */
	TimestampTz before;
	TimestampTz *last;			/* NULL: the times of more of them are asked for */
	int			most;			/* so many */
	lem_work_times *times;
	SPIPlanPtr	all;			/* what asks many series, $1 their names, $2 the time that bars begin
								 * before, and $3 those that they are asked for from, or how many;
								 * NULL: engines over several servers do not plan it */
	SPIPlanPtr	one;			/* what asks one; NULL: not needed yet */
	int			first;			/* those that are asked */
	int			n;
} last_bars;

/* A part of the query for a series whose name is given. */
#define LAST_BAR(name) "SELECT pg_catalog.max(q.ts)::pg_catalog.timestamptz" FROM_BARS OF_SERIES name ARE_BARS
#define LAST_BAR_FROM(name, from) LAST_BAR(name) " AND q.ts OPERATOR(pg_catalog.>=) " from
#define LAST_TIMES(name) \
	"SELECT q.ts::pg_catalog.timestamptz" FROM_BARS OF_SERIES name ARE_BARS \
	" ORDER BY q.ts DESC LIMIT $3"
#define OF_ALL(of_each) \
	"SELECT ARRAY(" of_each ") FROM pg_catalog.unnest($1)" \
	" WITH ORDINALITY AS lem_s (series, number) ORDER BY lem_s.number"
#define OF_ALL_FROM(of_each) \
	"SELECT ARRAY(" of_each ") FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($3))" \
	" WITH ORDINALITY AS lem_s (series, since, number) ORDER BY lem_s.number"

/* The query of many series, or of one. */
static SPIPlanPtr
prepare(const last_bars *l, bool all)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {all ? TEXTARRAYOID : TEXTOID, TIMESTAMPTZOID, INT4OID};
	const char *text;
	ErrorContextCallback callback;
	SPIPlanPtr	plan;

	if (l->times)
		text = all ? OF_ALL(LAST_TIMES("lem_s.series")) : LAST_TIMES("$1");
	else if (l->known)
	{
		types[2] = all ? TIMESTAMPTZARRAYOID : TIMESTAMPTZOID;
		text = all ? OF_ALL_FROM(LAST_BAR_FROM("lem_s.series", "lem_s.since"))
			: LAST_BAR_FROM("$1", "$3");
	}
	else
		text = all ? OF_ALL(LAST_BAR("lem_s.series")) : LAST_BAR("$1");
	push_context(&callback);
	plan = SPI_prepare(psprintf(text, l->bars->query), lengthof(types), types);
	if (plan == NULL)
		elog(ERROR, "could not query bars: %s", SPI_result_code_string(SPI_result));
	MemoryContextSwitchTo(context);
	error_context_stack = callback.previous;
	return plan;
}

/* Ask some series: their names, and the times that bars are asked for from, one or an array. */
static void
ask(const last_bars *l, SPIPlanPtr plan, Datum names, Datum from)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		values[] = {names, TimestampTzGetDatum(l->before),
		l->times ? Int32GetDatum(l->most) : from};
	ErrorContextCallback callback;
	int			result;

	push_context(&callback);
	result = SPI_execute_plan(plan, values, NULL, false, 0);
	MemoryContextSwitchTo(context);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not query bars: %s", SPI_result_code_string(result));
	error_context_stack = callback.previous;
	pfree(DatumGetPointer(names));
}

/* Take what was found of a series, the last bar first. */
static void
found(const last_bars *l, int i, int n, const Datum *ts, const bool *nulls)
{
	if (l->last)
	{
		l->last[i] = n == 0 || (nulls && nulls[0]) ? DT_NOBEGIN : DatumGetTimestampTz(ts[0]);
		return;
	}
	LEM_ENSURE(n <= LEM_TIMES);
	l->times[i].n = n;
	for (int k = 0; k < n; k++)
		l->times[i].ts[k] = DatumGetTimestampTz(ts[n - 1 - k]);
}

/* Ask for all of them at once. */
static void
find_all(void *arg)
{
	const last_bars *l = arg;
	Datum	   *names = palloc(l->n * sizeof(Datum));
	Datum	   *from = palloc(l->n * sizeof(Datum));

	for (int i = 0; i < l->n; i++)
	{
		names[i] = CStringGetTextDatum(l->names[l->first + i]);
		from[i] = TimestampTzGetDatum(l->known ? l->known[l->first + i] : DT_NOBEGIN);
	}
	ask(l, l->all, text_array(l->n, names), time_array(l->n, from));
	LEM_ENSURE(SPI_processed == (uint64) l->n);
	for (int i = 0; i < l->n; i++)
	{
		Datum	   *ts;
		bool	   *nulls;
		int			n;

		deconstruct_array(DatumGetArrayTypeP(lem_query_column(i, 1, NULL)), TIMESTAMPTZOID,
						  sizeof(TimestampTz), true, TYPALIGN_DOUBLE, &ts, &nulls, &n);
		found(l, l->first + i, n, ts, nulls);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Ask for some of them, one by one. */
static void
find_each(void *arg, int first, int n)
{
	const last_bars *l = arg;

	for (int i = first; i < first + n; i++)
	{
		Datum		ts[LEM_TIMES];
		bool		nulls[LEM_TIMES];
		int			count;

		ask(l, l->one, CStringGetTextDatum(l->names[i]),
			TimestampTzGetDatum(l->known ? l->known[i] : DT_NOBEGIN));
		count = (int) SPI_processed;
		LEM_ENSURE(count <= LEM_TIMES);
		for (int k = 0; k < count; k++)
			ts[k] = lem_query_column(k, 1, &nulls[k]);
		found(l, i, count, ts, nulls);
		SPI_freetuptable(SPI_tuptable);
	}
}

/*
 * What need not be everybody's: of the data of one series; and that an engine over several servers has no
 * plan for a query about many of them.
 */
static bool
error_is_of_all(const ErrorData *error)
{
	return lem_error_is_of_data(error) || error->sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED;
}

/* Ask n series for their last bars, some of them at once. */
static void
ask_all(last_bars *l, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem last bars",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);

	l->all = prepare(l, true);
	for (l->first = 0; l->first < n; l->first += l->n)
	{
		ErrorData  *error = NULL;
		ErrorData **errors;

		l->n = Min(LAST_AT_ONCE, n - l->first);
		if (l->all)
		{
			error = lem_guard(find_all, l, error_is_of_all);
			if (error == NULL)
			{
				MemoryContextReset(context);
				continue;
			}
		}
		if (error && error->sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED)
		{
			SPI_freeplan(l->all);
			l->all = NULL;
		}
		if (l->one == NULL)
			l->one = prepare(l, false);
		errors = palloc0(n * sizeof(ErrorData *));
		lem_guard_each(find_each, l, l->first, l->n, lem_error_is_of_data, errors);

		/* An error is told when the series' bars are read. */
		for (int i = l->first; i < l->first + l->n; i++)
			if (errors[i])
				found(l, i, 0, NULL, NULL);
		MemoryContextReset(context);
	}
	if (l->all)
		SPI_freeplan(l->all);
	if (l->one)
		SPI_freeplan(l->one);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}

void
lem_work_bars_last(lem_work_bars *bars, int n, const char *const *names, const TimestampTz *known,
				   TimestampTz before, TimestampTz *last)
{
	last_bars	l = {.bars = bars, .names = names, .known = known, .before = before, .last = last};
	const char **gone;
	TimestampTz *gone_last;
	int			n_gone = 0;

	ask_all(&l, n);
	if (known == NULL)
		return;

	/* Bars that a series had may be gone: what is left of it then? */
	gone = palloc(Max(n, 1) * sizeof(char *));
	gone_last = palloc(Max(n, 1) * sizeof(TimestampTz));
	for (int i = 0; i < n; i++)
		if (last[i] == DT_NOBEGIN && known[i] != DT_NOBEGIN)
			gone[n_gone++] = names[i];
	if (n_gone > 0)
		lem_work_bars_last(bars, n_gone, gone, NULL, before, gone_last);
	for (int i = 0, g = 0; g < n_gone; i++)
		if (last[i] == DT_NOBEGIN && known[i] != DT_NOBEGIN)
			last[i] = gone_last[g++];
	pfree(gone);
	pfree(gone_last);
}

void
lem_work_bars_times(lem_work_bars *bars, int n, const char *const *names, int most,
					lem_work_times *times)
{
	last_bars	l = {.bars = bars, .names = names, .before = bars->now, .most = most,
		.times = times};

	ask_all(&l, n);
}

/* Times from which on a bar of a series is looked for. */
typedef struct bars_from
{
	lem_work_bars *bars;
	const char *name;
	TimestampTz last;
	int			n;
	const TimestampTz *from;
	lem_work_bar *found;
} bars_from;

static void
find_from(void *arg)
{
	const bars_from *f = arg;
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID};
	Datum	   *from = palloc(f->n * sizeof(Datum));
	Datum		values[] = {CStringGetTextDatum(f->name), TimestampTzGetDatum(f->last + 1), 0};

	for (int i = 0; i < f->n; i++)
		from[i] = TimestampTzGetDatum(f->from[i]);
	values[2] = time_array(f->n, from);
	run(f->bars,
		"SELECT s.number, b.ts, b.price, b.volume"
		" FROM pg_catalog.unnest($3) WITH ORDINALITY AS s (told, number)"
		" CROSS JOIN LATERAL (SELECT q.ts, q.price::pg_catalog.float8 AS price,"
		" q.volume::pg_catalog.float8 AS volume" FROM_BARS OF_SERIES "$1" ARE_BARS
		" AND q.ts OPERATOR(pg_catalog.>=) s.told"
		" AND q.volume::pg_catalog.float8 OPERATOR(pg_catalog.>) 0::pg_catalog.float8"
		" ORDER BY q.ts LIMIT 1) AS b",
		lengthof(types), types, values);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		lem_work_bar *bar = &f->found[DatumGetInt64(lem_query_column(row, 1, NULL)) - 1];

		bar->ts = DatumGetTimestampTz(lem_query_column(row, 2, NULL));
		bar->price = DatumGetFloat8(lem_query_column(row, 3, NULL));
		bar->volume = DatumGetFloat8(lem_query_column(row, 4, NULL));
	}
	SPI_freetuptable(SPI_tuptable);
}

void
lem_work_bars_from(lem_work_bars *bars, const char *name, TimestampTz last, int n,
				   const TimestampTz *from, lem_work_bar *found)
{
	bars_from	f = {bars, name, last, n, from, found};

	for (int i = 0; i < n; i++)
		found[i].ts = DT_NOBEGIN;
	if (lem_guard(find_from, &f, lem_error_is_of_data))
		for (int i = 0; i < n; i++)
			found[i].ts = DT_NOBEGIN;
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

/* Questions for when bars are needed from. */
typedef struct since_questions
{
	lem_work_bars *bars;
	lem_work_since *questions;
} since_questions;

static void
find_since(lem_work_bars *bars, lem_work_since *question)
{
	const lem_config *config = question->config;
	const TimestampTz start = Min(question->start, question->last == DT_NOBEGIN ? bars->now
								  : question->last + 1);
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, INT4OID, BOOLOID};
	Datum		values[4];
	int64		interval = 0;
	bool		is_null;
	Datum		value;

	question->since = DT_NOBEGIN;
	values[0] = CStringGetTextDatum(question->name);
	values[1] = TimestampTzGetDatum(start);
	if (config->bar_interval <= 0)
	{
		interval = find_interval(bars, config, values[0], start);
		if (interval <= 0)
			return;
	}
	values[2] = Int32GetDatum(lem_window_history(config, interval));
	values[3] = BoolGetDatum(config->gaps == LEM_GAPS_SKIP);
	run(bars,
		"SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.>=) $3"
		" THEN LEAST(pg_catalog.min(t.ts),"
		"  CASE WHEN $4 THEN pg_catalog.max(t.ts) OPERATOR(pg_catalog.-) interval '29 days' END) END"
		" FROM (SELECT q.ts" FROM_BARS OF_SERIES "$1" ARE_BARS " ORDER BY q.ts DESC LIMIT $3) AS t",
		lengthof(types), types, values);
	value = lem_query_column(0, 1, &is_null);
	if (!is_null)
		question->since = DatumGetTimestampTz(value);
	SPI_freetuptable(SPI_tuptable);
}

static void
answer_since(void *arg, int first, int n)
{
	since_questions *s = arg;

	for (int i = first; i < first + n; i++)
		find_since(s->bars, &s->questions[i]);
}

void
lem_work_bars_since(lem_work_bars *bars, int n, lem_work_since *questions)
{
	since_questions s = {bars, questions};
	ErrorData **errors = palloc0(Max(n, 1) * sizeof(ErrorData *));

	lem_guard_each(answer_since, &s, 0, n, lem_error_is_of_data, errors);
	for (int i = 0; i < n; i++)
		questions[i].error = errors[i];
}

/* Series that are read at once. */
typedef struct reading
{
	lem_work_bars *bars;
	lem_work_series **series;
} reading;

static lem_work_series *
find_series(lem_work_series **series, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(series[i]->name, name) == 0)
			return series[i];
	return NULL;
}

#define READ_SERIES(bar) \
	"SELECT q.series::pg_catalog.text, %2$s.lem_bars(q.ts, " bar ")" FROM_BARS OF_SERIES "ANY ($1)" \
	ARE_BARS " AND q.ts OPERATOR(pg_catalog.>=) $3 GROUP BY 1"

static void
read_series(void *arg, int first, int n)
{
	static const char *const queries[LEM_BARS_RANGE][2] = {
		{READ_SERIES(LEM_BAR_AS_PLAIN), READ_SERIES(LEM_BAR_AS_PLAIN ", q.features")},
		{READ_SERIES(LEM_BAR_AS_CLOSE), READ_SERIES(LEM_BAR_AS_CLOSE ", q.features")},
		{READ_SERIES(LEM_BAR_AS_RANGE("%2$s")), READ_SERIES(LEM_BAR_AS_RANGE("%2$s") ", q.features")}
	};
	reading    *r = arg;
	lem_work_series **series = r->series + first;
	Oid			types[] = {TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum	   *names = palloc(n * sizeof(Datum));
	Datum		values[3];
	TimestampTz since = DT_NOEND;
	const char *query;

	for (int i = 0; i < n; i++)
	{
		names[i] = CStringGetTextDatum(series[i]->name);
		since = Min(since, series[i]->since);
		series[i]->bars = (lem_series) {0};
	}
	values[0] = text_array(n, names);
	values[1] = TimestampTzGetDatum(r->bars->now);
	values[2] = TimestampTzGetDatum(since);
	query = queries[lem_bar_columns_format(&r->bars->columns) - 1]
		[r->bars->columns.numbers[LEM_BAR_FEATURES] > 0];
	run(r->bars, query, lengthof(types), types, values);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		lem_work_series *s =
			find_series(series, n, TextDatumGetCString(lem_query_column(row, 1, NULL)));

		if (s == NULL)
			continue;			/* equal by a collation only: A and a, say */
		lem_bars_view((lem_bars *) PG_DETOAST_DATUM_COPY(lem_query_column(row, 2, NULL)),
					  &s->bars);
		s->bars = lem_series_between(&s->bars, PG_INT64_MIN, s->last + 1);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* By the bars that are needed, the most first. */
static int
compare_since(const void *a, const void *b)
{
	const lem_work_series *x = *(lem_work_series *const *) a;
	const lem_work_series *y = *(lem_work_series *const *) b;

	return x->since < y->since ? -1 : x->since > y->since ? 1 : 0;
}

/* Microseconds of bars that a series needs. */
static double
needed_span(const lem_work_series *series)
{
	return series->since == DT_NOBEGIN ? HUGE_VAL
		: (double) series->last - (double) series->since;
}

void
lem_work_bars_read(lem_work_bars *bars, int n, lem_work_series *series)
{
	reading		r = {bars, palloc(Max(n, 1) * sizeof(lem_work_series *))};
	ErrorData **errors = palloc0(Max(n, 1) * sizeof(ErrorData *));
	int			n_read = 0;
	int			count;

	for (int i = 0; i < n; i++)
		if (!series[i].read && series[i].error == NULL && series[i].since != DT_NOEND)
			r.series[n_read++] = &series[i];
	qsort(r.series, n_read, sizeof(lem_work_series *), compare_since);

	/*
	 * One query reads from one time on: one that needs all of a long history, or much of it, is
	 * not to make others read as much.
	 */
	for (int first = 0; first < n_read; first += count)
	{
		const double span = needed_span(r.series[first]);

		for (count = 1; first + count < n_read; count++)
			if (needed_span(r.series[first + count]) < span / 2)
				break;
		lem_guard_each(read_series, &r, first, count, lem_error_is_of_data, errors);
	}
	for (int i = 0; i < n_read; i++)
	{
		r.series[i]->read = true;
		r.series[i]->error = errors[i];
		if (errors[i])
			r.series[i]->bars = (lem_series) {0};
	}
	pfree(r.series);
	pfree(errors);
}

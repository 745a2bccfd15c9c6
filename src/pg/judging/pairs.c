/* pairs.c: _lem_backtest_pairs: what two strategies came to from the same starts. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/judging/strategy.h"
#include "pg/schedule/order_type.h"

LEM_FUNCTION(pg_lem_backtest_pairs);

/* Columns of _lem_backtest_pairs. */
enum
{
	COLUMN_TS,
	COLUMN_ACHIEVED,
	COLUMN_BENCHMARK,
	COLUMN_BPS,
	COLUMN_BARS_USED,
	COLUMN_COMPLETION,
	COLUMN_OTHER,
	COLUMN_OTHER_USED,
	COLUMN_DIFFERENCE,
	COLUMNS
};

#define FIRST_CAPACITY 1024

/* A start, and what the first strategy came to. */
typedef struct kept_start
{
	int64		ts;
	lem_outcome outcome;
} kept_start;

/* Where starts go. */
typedef struct pair_sink
{
	ReturnSetInfo *rsinfo;
	int			other;			/* the yardstick's outcome, of a start's */
	MemoryContext context;		/* that starts are kept in */
	kept_start *kept;			/* of a run of its own, in order of time */
	Size		n;
	Size		capacity;
	Size		next;			/* the first one that a yardstick's start has not passed */
} pair_sink;

static void
put_pair(pair_sink *sink, int64 ts, const lem_outcome *outcome, const lem_outcome *other)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	nulls[COLUMN_ACHIEVED] = nulls[COLUMN_BENCHMARK] = nulls[COLUMN_BPS] = !outcome->valid;
	nulls[COLUMN_OTHER] = !other->valid;
	nulls[COLUMN_DIFFERENCE] = !outcome->valid || !other->valid;
	values[COLUMN_TS] = TimestampTzGetDatum(ts);
	values[COLUMN_ACHIEVED] = Float8GetDatum(outcome->achieved);
	values[COLUMN_BENCHMARK] = Float8GetDatum(outcome->benchmark);
	values[COLUMN_BPS] = Float8GetDatum(outcome->bps);
	values[COLUMN_BARS_USED] = Int32GetDatum(outcome->bars_used);
	values[COLUMN_COMPLETION] = Float8GetDatum(outcome->completion);
	values[COLUMN_OTHER] = Float8GetDatum(other->bps);
	values[COLUMN_OTHER_USED] = Int32GetDatum(other->bars_used);
	values[COLUMN_DIFFERENCE] = Float8GetDatum(outcome->bps - other->bps);
	tuplestore_putvalues(sink->rsinfo->setResult, sink->rsinfo->setDesc, values, nulls);
}

/* Both strategies in one run. */
static void
put_both(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
		 const lem_outcome *outcomes, const double *allocations)
{
	pair_sink  *sink = arg;
	const int	strategies = lem_backtest_strategies(test);

	(void) allocations;
	for (int i = 0; i < count; i++, outcomes += strategies)
		put_pair(sink, starts[i].ts, outcomes, outcomes + sink->other);
}

/* The first run of two. */
static void
keep_starts(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
			const lem_outcome *outcomes, const double *allocations)
{
	pair_sink  *sink = arg;

	(void) test;
	(void) allocations;
	if (sink->n + count > sink->capacity)
	{
		sink->capacity = Max(2 * sink->capacity, Max(FIRST_CAPACITY, sink->n + count));
		if (sink->capacity > MaxAllocHugeSize / sizeof(kept_start))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many starts of an order: %zu", sink->capacity)));
		if (sink->kept)
			sink->kept = repalloc_huge(sink->kept, sink->capacity * sizeof(kept_start));
		else
			sink->kept = MemoryContextAllocHuge(sink->context,
												sink->capacity * sizeof(kept_start));
	}
	for (int i = 0; i < count; i++, sink->n++)
	{
		sink->kept[sink->n].ts = starts[i].ts;
		sink->kept[sink->n].outcome = outcomes[i];
	}
}

/* The second: of starts that both have. */
static void
match_starts(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
			 const lem_outcome *outcomes, const double *allocations)
{
	pair_sink  *sink = arg;

	(void) test;
	(void) allocations;
	for (int i = 0; i < count; i++)
	{
		while (sink->next < sink->n && sink->kept[sink->next].ts < starts[i].ts)
			sink->next++;
		if (sink->next < sink->n && sink->kept[sink->next].ts == starts[i].ts)
			put_pair(sink, starts[i].ts, &sink->kept[sink->next].outcome, &outcomes[i]);
	}
}

/* Add a baseline to a backtest that is open, by the rules that it has as one of its own. */
static void
read_rules(lem_backtest_settings *settings, const char *model, lem_baseline yardstick, double risk_aversion)
{
	lem_baseline kind;
	const bool	baseline = lem_baseline_named(model, &kind);

	if (yardstick == LEM_BASELINE_OPTIMAL_STOP && !(baseline && kind == yardstick))
		lem_backtest_settings_lead(settings, yardstick);
	if (yardstick == LEM_BASELINE_ALMGREN_CHRISS ||
		(baseline && kind == LEM_BASELINE_ALMGREN_CHRISS))
		settings->test.baselines.risk_aversion = risk_aversion;
}

/* A run of a strategy, beside a baseline if there is one, in a context of its own. */
static void
run(FunctionCallInfo fcinfo, const char *model, const lem_baseline *beside,
	const lem_series *series, lem_backtest_emit emit, pair_sink *sink)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem backtest",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	lem_backtest_settings settings;
	lem_backtest *test = &settings.test;
	lem_backtest arguments;
	double		risk_aversion;

	lem_backtest_default(&arguments);
	arguments.every = PG_GETARG_INT32(4);
	lem_backtest_settings_read(PG_ARGISNULL(5) ? NULL : PG_GETARG_JSONB_P(5),
							   LEM_OPTIONS_RULES | LEM_OPTIONS_WINDOW | LEM_OPTIONS_TEST,
							   &arguments, &settings);
	risk_aversion = test->baselines.risk_aversion;
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(2), &test->order);
	test->series = series;
	if (beside)
	{
		test->n_baselines = 1;
		test->baseline[0] = *beside;
	}
	lem_strategy_open(lem_schema(fcinfo), model, &settings);
	if (beside)
	{
		read_rules(&settings, model, *beside, risk_aversion);
		sink->other = lem_backtest_strategies(test) - 1;
	}
	(void) lem_strategy_run(&settings, false, emit, sink);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * _lem_backtest_pairs(model, yardstick, ord, bars, every, options): setof one row a start, in order of
 * time: what the model came to as in lem_backtest_orders, the gain and bars of the yardstick, and by how
 * much the model gained more.  A baseline as the yardstick has the model's windows, and its starts; of
 * two models the starts are those that both have.  NULLs, and errors, as in lem_backtest_orders.
 */
Datum
pg_lem_backtest_pairs(PG_FUNCTION_ARGS)
{
	static const char *const what[] = {"model", "yardstick", "order", NULL,
	"number of bars from start to start"};
	pair_sink	sink = {0};
	lem_series	series;
	lem_baseline kind;
	char	   *model;
	char	   *yardstick;

	for (int i = 0; i < (int) lengthof(what); i++)
	{
		if (what[i] && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the %s is NULL", what[i])));
	}
	model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	yardstick = text_to_cstring(PG_GETARG_TEXT_PP(1));
	memset(&series, 0, sizeof(series));
	if (!PG_ARGISNULL(3))
		lem_bars_view(PG_GETARG_LEM_BARS_P(3), &series);
	InitMaterializedSRF(fcinfo, 0);
	sink.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	sink.context = CurrentMemoryContext;
	LEM_ENSURE(sink.rsinfo->setDesc->natts == COLUMNS);
	if (lem_baseline_named(yardstick, &kind))
		run(fcinfo, model, &kind, &series, put_both, &sink);
	else
	{
		run(fcinfo, model, NULL, &series, keep_starts, &sink);
		run(fcinfo, yardstick, NULL, &series, match_starts, &sink);
	}
	return (Datum) 0;
}

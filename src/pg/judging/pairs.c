/* pairs.c: _lem_backtest_pairs: what two strategies came to from the same starts. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/market/last.h"
#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/memory.h"
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
	COLUMN_SIGMA,
	COLUMN_FIFTH,
	COLUMN_BAR,
	COLUMN_HORIZON,
	COLUMNS
};

#define FIRST_CAPACITY 1024

/* Moves of the price before a start that its deviation is of. */
#define MOVES 48

/* A start of the first strategy, and what the other came to. */
typedef struct pair
{
	int64		bar;
	int64		ts;
	lem_outcome outcome;
	bool		both;			/* the other has this start, too */
	lem_outcome other;
} pair;

/* Where starts go, in order of time. */
typedef struct pair_sink
{
	int			other;			/* the yardstick's outcome, of a start's; -1: it runs on its own */
	MemoryContext context;		/* that they are kept in */
	pair	   *pairs;
	Size		n;
	Size		capacity;
	Size		next;			/* the first one that a yardstick's start has not passed */
	int			horizon;		/* bars that an order can last, of the strategy where it lasts longest */
} pair_sink;

/* The place of a start in the order of deviations, and then of time. */
typedef struct place
{
	double		sigma;
	Size		pair;
} place;

#define ST_SORT sort_places
#define ST_ELEMENT_TYPE place
#define ST_COMPARE(a, b) ((a)->sigma < (b)->sigma ? -1 : (a)->sigma > (b)->sigma ? 1 : \
						  (a)->pair < (b)->pair ? -1 : 1)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* The first strategy's starts, with those of a yardstick beside it. */
static void
keep_starts(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
			const lem_outcome *outcomes, const double *allocations)
{
	pair_sink  *sink = arg;
	const int	strategies = lem_backtest_strategies(test);

	(void) allocations;
	if (sink->n + count > sink->capacity)
	{
		sink->capacity = Max(2 * sink->capacity, Max(FIRST_CAPACITY, sink->n + count));
		if (sink->capacity > MaxAllocHugeSize / sizeof(pair))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many starts of an order: %zu", sink->capacity)));
		if (sink->pairs)
			sink->pairs = repalloc_huge(sink->pairs, sink->capacity * sizeof(pair));
		else
			sink->pairs = MemoryContextAllocHuge(sink->context, sink->capacity * sizeof(pair));
	}
	for (int i = 0; i < count; i++, outcomes += strategies)
	{
		pair	   *p = &sink->pairs[sink->n++];

		p->bar = starts[i].bar;
		p->ts = starts[i].ts;
		p->outcome = outcomes[0];
		p->both = sink->other >= 0;
		if (p->both)
			p->other = outcomes[sink->other];
	}
}

/* The starts of a yardstick that runs on its own: those that both have count. */
static void
match_starts(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
			 const lem_outcome *outcomes, const double *allocations)
{
	pair_sink  *sink = arg;

	(void) test;
	(void) allocations;
	for (int i = 0; i < count; i++)
	{
		while (sink->next < sink->n && sink->pairs[sink->next].ts < starts[i].ts)
			sink->next++;
		if (sink->next == sink->n || sink->pairs[sink->next].ts != starts[i].ts)
			continue;
		sink->pairs[sink->next].both = true;
		sink->pairs[sink->next].other = outcomes[i];
	}
}

/* The places of the pairs that both strategies have, in order of the deviations; how many. */
static Size
find_places(const pair_sink *sink, const lem_series *series, place *places)
{
	lem_arena	arena = {NULL, 0};
	lem_returns returns;
	Size		n = 0;

	lem_returns_carve(&arena, MOVES, &returns);
	arena = (lem_arena) {lem_alloc_aligned(CurrentMemoryContext, arena.used), 0};
	lem_returns_carve(&arena, MOVES, &returns);
	for (Size i = 0; i < sink->n; i++)
	{
		if (!sink->pairs[i].both)
			continue;
		places[n].sigma = lem_last_price(series, sink->pairs[i].bar, MOVES, false, &returns).rms;
		places[n++].pair = i;
	}
	sort_places(places, n);
	return n;
}

static void
put_pair(ReturnSetInfo *rsinfo, const pair *p, double sigma, int fifth, int horizon)
{
	const lem_outcome *outcome = &p->outcome;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	nulls[COLUMN_ACHIEVED] = nulls[COLUMN_BENCHMARK] = nulls[COLUMN_BPS] = !outcome->valid;
	nulls[COLUMN_OTHER] = !p->other.valid;
	nulls[COLUMN_DIFFERENCE] = !outcome->valid || !p->other.valid;
	values[COLUMN_TS] = TimestampTzGetDatum(p->ts);
	values[COLUMN_ACHIEVED] = Float8GetDatum(outcome->achieved);
	values[COLUMN_BENCHMARK] = Float8GetDatum(outcome->benchmark);
	values[COLUMN_BPS] = Float8GetDatum(outcome->bps);
	values[COLUMN_BARS_USED] = Int32GetDatum(outcome->bars_used);
	values[COLUMN_COMPLETION] = Float8GetDatum(outcome->completion);
	values[COLUMN_OTHER] = Float8GetDatum(p->other.bps);
	values[COLUMN_OTHER_USED] = Int32GetDatum(p->other.bars_used);
	values[COLUMN_DIFFERENCE] = Float8GetDatum(outcome->bps - p->other.bps);
	values[COLUMN_SIGMA] = Float8GetDatum(sigma);
	values[COLUMN_FIFTH] = Int32GetDatum(fifth);
	values[COLUMN_BAR] = Int64GetDatum(p->bar);
	values[COLUMN_HORIZON] = Int32GetDatum(horizon);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * Put the pairs in order of time, in fifths by their deviations, the first of which have one more where
 * their number is no multiple of five.
 */
static void
put_pairs(ReturnSetInfo *rsinfo, const pair_sink *sink, const lem_series *series)
{
	const Size	room = Max(sink->n, 1);
	place	   *places = MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(place));
	double	   *sigma = MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(double));
	int		   *fifth = MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(int));
	const Size	n = find_places(sink, series, places);
	const Size	longer = n % 5 * (n / 5 + 1);	/* pairs in fifths that have one more */

	for (Size i = 0; i < n; i++)
	{
		sigma[places[i].pair] = places[i].sigma;
		fifth[places[i].pair] = 1 + (int) (i < longer ? i / (n / 5 + 1)
										   : n % 5 + (i - longer) / (n / 5));
	}
	for (Size i = 0; i < sink->n; i++)
	{
		if (sink->pairs[i].both)
			put_pair(rsinfo, &sink->pairs[i], sigma[i], fifth[i], sink->horizon);
	}
}

/* Have a baseline that a backtest runs besides judged by the rules that it has in one of its own. */
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
	sink->horizon = Max(sink->horizon, test->order.max_bars > 0 ? test->order.max_bars
						: test->config->n_ahead);
	sink->other = -1;
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
 * time: what the model came to as in lem_backtest_orders, the gain and bars of the yardstick, by how much
 * the model gained more, the deviation of prices over the 48 bars before, which fifth of the starts
 * that puts it in, the start's place in the series, and the bars that an order can last.  A baseline as the yardstick has the model's windows, and its starts; of
 * two models the starts are those that both have.  NULLs, and errors, as in lem_backtest_orders.
 */
Datum
pg_lem_backtest_pairs(PG_FUNCTION_ARGS)
{
	static const char *const what[] = {"model", "yardstick", "order", NULL,
	"number of bars from start to start"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
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
	sink.context = CurrentMemoryContext;
	LEM_ENSURE(rsinfo->setDesc->natts == COLUMNS);
	if (lem_baseline_named(yardstick, &kind))
		run(fcinfo, model, &kind, &series, keep_starts, &sink);
	else
	{
		run(fcinfo, model, NULL, &series, keep_starts, &sink);
		run(fcinfo, yardstick, NULL, &series, match_starts, &sink);
	}
	put_pairs(rsinfo, &sink, &series);
	return (Datum) 0;
}

/* backtest_agg.c: lem_backtest: one row that sums a backtest up. */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "core/judging/summary.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/judging/strategy.h"
#include "pg/schedule/group.h"
#include "pg/schedule/order_type.h"
#include "pg/schedule/network_arrays.h"

LEM_FUNCTION(pg_lem_backtest_accum);
LEM_FUNCTION(pg_lem_backtest_accum_close);
LEM_FUNCTION(pg_lem_backtest_accum_options);
LEM_FUNCTION(pg_lem_backtest_accum_features);
LEM_FUNCTION(pg_lem_backtest_combine);
LEM_FUNCTION(pg_lem_backtest_serialize);
LEM_FUNCTION(pg_lem_backtest_deserialize);
LEM_FUNCTION(pg_lem_backtest_final);
LEM_FUNCTION(pg_lem_backtest);

/* Columns that lem_backtest_result and lem_backtest_figures have in common. */
enum
{
	FIGURE_MEAN,
	FIGURE_STD,
	FIGURE_MEDIAN,
	FIGURE_P5,
	FIGURE_P25,
	FIGURE_P75,
	FIGURE_P95,
	FIGURE_RATIO,
	FIGURE_WIN_RATE,
	FIGURE_BARS_USED,
	FIGURE_COMPLETION,
	FIGURE_COST,
	FIGURE_T,
	FIGURE_LOW,
	FIGURE_HIGH,
	FIGURES
};

/* Columns of lem_backtest_figures: a name, the figures, and then these. */
enum
{
	DIFFERENCE_MEAN,
	DIFFERENCE_STD,
	DIFFERENCE_T,
	DIFFERENCE_LOW,
	DIFFERENCE_HIGH,
	DIFFERENCES
};

/* Columns of lem_backtest_result: these, the figures, and the array of baselines. */
enum
{
	RESULT_MODEL,
	RESULT_ALIGNMENT,
	RESULT_ORDERS,
	RESULT_SKIPPED,
	RESULT_FIRST,
	RESULT_LAST,
	RESULT_FIRSTS
};

/* What is kept of a backtest. */
typedef struct collector
{
	Size		n;
	Size		capacity;
	int64		unpriced;		/* starts without a benchmark */
	double	   *gains;			/* n x strategies */
	int64_t    *places;			/* n */
	lem_tally  *tallies;		/* strategies */
} collector;

static void
collect(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
		const lem_outcome *outcomes, const double *allocations)
{
	collector  *c = arg;
	const Size	row = lem_backtest_strategies(test) * sizeof(double);
	int			kept;

	(void) allocations;
	if (c->n + count > c->capacity)
	{
		c->capacity = Max(2 * c->capacity, c->n + count);
		if (c->capacity > MaxAllocHugeSize / row)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many starts of an order: %zu", c->capacity)));
		if (c->gains == NULL)
		{
			c->gains = MemoryContextAllocHuge(CurrentMemoryContext, c->capacity * row);
			c->places = MemoryContextAllocHuge(CurrentMemoryContext,
											   c->capacity * sizeof(int64_t));
		}
		else
		{
			c->gains = repalloc_huge(c->gains, c->capacity * row);
			c->places = repalloc_huge(c->places, c->capacity * sizeof(int64_t));
		}
	}
	kept = lem_backtest_keep(test, count, starts, outcomes, c->tallies,
							 c->gains + c->n * lem_backtest_strategies(test), c->places + c->n);
	c->n += kept;
	c->unpriced += count - kept;
}

static void
put_interval(const lem_interval *interval, Datum *t, bool *nulls)
{
	t[0] = Float8GetDatum(interval->t);
	t[1] = Float8GetDatum(interval->low);
	t[2] = Float8GetDatum(interval->high);
	nulls[0] = nulls[1] = nulls[2] = !interval->valid;
}

/* The figures of a strategy: NULL without starts, as intervals are where there are none. */
static void
put_figures(const collector *c, int which, const lem_figures *figures, Datum *values, bool *nulls)
{
	const lem_tally means = lem_tally_means(&c->tallies[which], c->n);

	values[FIGURE_MEAN] = Float8GetDatum(figures->gain.mean);
	values[FIGURE_STD] = Float8GetDatum(figures->deviation);
	values[FIGURE_MEDIAN] = Float8GetDatum(figures->median);
	values[FIGURE_P5] = Float8GetDatum(figures->p5);
	values[FIGURE_P25] = Float8GetDatum(figures->p25);
	values[FIGURE_P75] = Float8GetDatum(figures->p75);
	values[FIGURE_P95] = Float8GetDatum(figures->p95);
	values[FIGURE_RATIO] = Float8GetDatum(figures->ratio);
	nulls[FIGURE_RATIO] = !(figures->deviation > 0);
	values[FIGURE_WIN_RATE] = Float8GetDatum(figures->win_rate);
	values[FIGURE_BARS_USED] = Float8GetDatum(means.bars_used);
	values[FIGURE_COMPLETION] = Float8GetDatum(means.completion);
	values[FIGURE_COST] = Float8GetDatum(means.cost_bps);
	put_interval(&figures->gain, values + FIGURE_T, nulls + FIGURE_T);
}

/* A baseline beside the first strategy, as lem_backtest_figures. */
static Datum
figures_datum(TupleDesc desc, const collector *c, int which, lem_baseline kind,
			  const lem_compared *compared)
{
	Datum		values[1 + FIGURES + DIFFERENCES] = {0};
	bool		nulls[1 + FIGURES + DIFFERENCES] = {false};
	Datum	   *difference = values + 1 + FIGURES;

	values[0] = CStringGetTextDatum(lem_baseline_name(kind));
	if (c->n == 0)
		memset(nulls + 1, true, FIGURES + DIFFERENCES);
	else
	{
		put_figures(c, which, &compared->figures, values + 1, nulls + 1);
		difference[DIFFERENCE_MEAN] = Float8GetDatum(compared->difference.mean);
		difference[DIFFERENCE_STD] = Float8GetDatum(compared->difference_deviation);
		put_interval(&compared->difference, difference + DIFFERENCE_T,
					 nulls + 1 + FIGURES + DIFFERENCE_T);
	}
	LEM_ENSURE(desc->natts == lengthof(values));
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* The first strategy's figures, and the others' in an array, as lem_backtest_result. */
static Datum
result_datum(FunctionCallInfo fcinfo, const char *model, const lem_backtest *test,
			 const collector *c, int64 skipped, double *scratch)
{
	const int	strategies = lem_backtest_strategies(test);
	const int	first_baseline = test->model ? 0 : 1;	/* the first one is the strategy itself */
	const int	horizon = test->order.max_bars > 0 ? test->order.max_bars : test->config->n_ahead;
	TupleDesc	desc = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
	Oid			element;
	TupleDesc	figures_desc;
	Datum		values[RESULT_FIRSTS + FIGURES + 1] = {0};
	bool		nulls[RESULT_FIRSTS + FIGURES + 1] = {false};
	Datum		others[LEM_BASELINES];
	Datum		result;

	LEM_ENSURE(desc->natts == lengthof(values));
	element = get_element_type(TupleDescAttr(desc, desc->natts - 1)->atttypid);
	figures_desc = lookup_rowtype_tupdesc(element, -1);
	values[RESULT_MODEL] = CStringGetTextDatum(model);
	values[RESULT_ALIGNMENT] = CStringGetTextDatum(lem_alignment_word(test->alignment));
	values[RESULT_ORDERS] = Int64GetDatum((int64) c->n);
	values[RESULT_SKIPPED] = Int64GetDatum(skipped + c->unpriced);
	if (c->n == 0)
		memset(nulls + RESULT_FIRST, true, lengthof(nulls) - 1 - RESULT_FIRST);
	else
	{
		values[RESULT_FIRST] = TimestampTzGetDatum(test->series->ts[c->places[0]]);
		values[RESULT_LAST] = TimestampTzGetDatum(test->series->ts[c->places[c->n - 1]]);
	}
	for (int j = 0; j < strategies; j++)
	{
		lem_compared compared;

		/* If the interrupt is one that a query survives, the strategy is summed up again. */
		while (c->n > 0 &&
			   lem_compare(c->n, c->gains, strategies, j, c->places, horizon, test->every,
						   scratch, &lem_interrupt_stop, &compared) != LEM_OK)
			CHECK_FOR_INTERRUPTS();
		if (j > 0)
			others[j - 1] = figures_datum(figures_desc, c, j,
										  test->baseline[first_baseline + j - 1], &compared);
		else if (c->n > 0)
			put_figures(c, 0, &compared.figures, values + RESULT_FIRSTS, nulls + RESULT_FIRSTS);
	}
	values[RESULT_FIRSTS + FIGURES] =
		PointerGetDatum(construct_array(others, strategies - 1, element, -1, false,
										TYPALIGN_DOUBLE));
	result = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	ReleaseTupleDesc(figures_desc);
	ReleaseTupleDesc(desc);
	return result;
}

/* A whole backtest, in a context of its own; the model is unpinned, and all but the row given back. */
static Datum
backtest(FunctionCallInfo fcinfo, const char *model, const lem_order *order,
		 const lem_series *series, Jsonb *options)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem backtest",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	lem_backtest_settings settings;
	lem_backtest *test = &settings.test;
	collector	c = {0};
	int64		skipped;
	double	   *scratch;
	Datum		result;

	lem_backtest_settings_read(options, LEM_OPTIONS_RULES | LEM_OPTIONS_WINDOW | LEM_OPTIONS_TEST |
							   LEM_OPTIONS_COMPARE, NULL, &settings);
	test->order = *order;
	test->series = series;
	lem_strategy_open(lem_schema(fcinfo), model, &settings);
	c.tallies = palloc0(lem_backtest_strategies(test) * sizeof(lem_tally));
	skipped = lem_strategy_run(&settings, false, collect, &c);
	scratch = MemoryContextAllocHuge(context, Max(c.n, 1) * sizeof(double));
	MemoryContextSwitchTo(old);
	result = result_datum(fcinfo, model, test, &c, skipped, scratch);
	MemoryContextDelete(context);
	return result;
}

/*
 * _lem_backtest_accum(internal, model, ord, ts, price, volume) returns internal; two more forms have
 * options, or features and options, at the end.
 */
Datum
pg_lem_backtest_accum(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_accum(fcinfo, false, false, false));
}

Datum
pg_lem_backtest_accum_options(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_accum(fcinfo, false, false, true));
}

Datum
pg_lem_backtest_accum_features(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_accum(fcinfo, false, true, true));
}

/*
 * With a close after the volume; at the end there can be options, or features and options.
 */
Datum
pg_lem_backtest_accum_close(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_accum(fcinfo, true, PG_NARGS() > 8, PG_NARGS() > 7));
}

/* _lem_backtest_combine(internal, internal) returns internal: the first gets the second's bars. */
Datum
pg_lem_backtest_combine(PG_FUNCTION_ARGS)
{
	lem_group  *group = lem_group_combine(fcinfo);

	if (group == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(group);
}

/* _lem_backtest_serialize(internal) returns bytea. */
Datum
pg_lem_backtest_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(lem_group_serialize(fcinfo));
}

/* _lem_backtest_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_backtest_deserialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_deserialize(fcinfo));
}

/* _lem_backtest_final(internal) returns lem_backtest_result. */
Datum
pg_lem_backtest_final(PG_FUNCTION_ARGS)
{
	const lem_group *group = lem_group_state(fcinfo);
	lem_series	series;

	lem_builder_series(group->bars, &series);
	PG_RETURN_DATUM(backtest(fcinfo, group->model, &group->order, &series, group->options));
}

/*
 * lem_backtest(model, ord, bars, options) returns lem_backtest_result.  NULL bars are no bars
 * (LM003), NULL options none; a NULL model or order is 22004.
 */
Datum
pg_lem_backtest(PG_FUNCTION_ARGS)
{
	lem_order	order;
	lem_series	series;

	for (int i = 0; i < 2; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the %s is NULL", i == 0 ? "model" : "order")));
	}
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(1), &order);
	memset(&series, 0, sizeof(series));
	if (!PG_ARGISNULL(2))
		lem_bars_view(PG_GETARG_LEM_BARS_P(2), &series);
	PG_RETURN_DATUM(backtest(fcinfo, text_to_cstring(PG_GETARG_TEXT_PP(0)), &order, &series,
							 PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3)));
}

/* backtest.c: lem_baseline and lem_backtest_orders. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/catalog/calendars.h"
#include "pg/judging/strategy.h"
#include "pg/schedule/order_type.h"
#include "pg/schedule/slices.h"

LEM_FUNCTION(pg_lem_baseline);
LEM_FUNCTION(pg_lem_backtest_orders);

/* Columns of lem_backtest_orders. */
enum
{
	COLUMN_TS,
	COLUMN_ACHIEVED,
	COLUMN_BENCHMARK,
	COLUMN_BPS,
	COLUMN_BARS_USED,
	COLUMN_ALLOCATION,
	COLUMN_COST_BPS,
	COLUMN_COMPLETION,
	COLUMN_ALIGNMENT,
	COLUMN_UNALLOCATED,			/* came after 1.0 */
	COLUMNS
};

/* Raise 22004 for an argument that must not be NULL. */
static void
check_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the %s is NULL", what)));
}

/* Argument arg as a series; NULL bars, what lem_bars makes of no rows, are none. */
static void
series_argument(FunctionCallInfo fcinfo, int arg, lem_series *series)
{
	memset(series, 0, sizeof(*series));
	if (!PG_ARGISNULL(arg))
		lem_bars_view(PG_GETARG_LEM_BARS_P(arg), series);
}

/* Argument arg as options, if there are so many; NULL: none. */
static Jsonb *
options_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_NARGS() > arg && !PG_ARGISNULL(arg) ? PG_GETARG_JSONB_P(arg) : NULL;
}

/*
 * lem_baseline(kind, ord, bars [, options]) returns setof lem_slice: one row a bar of the horizon,
 * as lem_schedule's.  Errors: 22004, 22023 (unknown kind), LM003 to LM007, LM014.
 */
Datum
pg_lem_baseline(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	lem_backtest_settings settings;
	lem_baseline kind;
	lem_order	order;
	lem_series	series;
	lem_model_row row;
	lem_clock	clock;
	lem_slice  *slices;
	void	   *memory;
	int			count;
	lem_status	status;
	lem_fault	fault;

	check_argument(fcinfo, 0, "kind");
	check_argument(fcinfo, 1, "order");
	kind = lem_baseline_read(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(1), &order);
	series_argument(fcinfo, 2, &series);
	lem_backtest_settings_read(options_argument(fcinfo, 3), LEM_OPTIONS_RULES | LEM_OPTIONS_WINDOW,
							   NULL, &settings);
	lem_backtest_settings_lead(&settings, kind);
	lem_baseline_windows(&settings, &order, &series, &row);
	clock = lem_config_clock(lem_schema(fcinfo), &row.config, row.time_zone);
	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts <= LEM_SLICE_COLUMNS);

	slices = palloc(row.config.n_ahead * sizeof(lem_slice));
	memory = palloc(lem_baseline_workspace(&row.config) + LEM_ALIGN);
	status = lem_baseline_schedule(kind, &settings.test.baselines, &row.config, &order, &series,
								   &clock, (void *) TYPEALIGN(LEM_ALIGN, memory), slices, &count,
								   &fault);
	lem_baseline_check(status, &fault);
	for (int k = 0; k < count; k++)
	{
		Datum		values[LEM_SLICE_COLUMNS];
		bool		nulls[LEM_SLICE_COLUMNS];

		lem_slice_values(&slices[k], values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	pfree(memory);
	return (Datum) 0;
}

/* Where the rows go. */
typedef struct row_sink
{
	ReturnSetInfo *rsinfo;
	MemoryContext row;			/* reset after each row */
	Datum		alignment;
} row_sink;

static void
put_starts(void *arg, const lem_backtest *test, int count, const lem_backtest_start *starts,
		   const lem_outcome *outcomes, const double *allocations)
{
	const row_sink *sink = arg;
	const int	n_ahead = test->config->n_ahead;
	const int	horizon = test->order.max_bars > 0 ? test->order.max_bars : n_ahead;
	Datum		shares[LEM_MAX_AHEAD];

	for (int i = 0; i < count; i++)
	{
		const lem_outcome *outcome = &outcomes[i];
		MemoryContext old = MemoryContextSwitchTo(sink->row);
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS] = {false};

		for (int k = 0; k < horizon; k++)
			shares[k] = Float8GetDatum(allocations[(Size) i * n_ahead + k]);
		nulls[COLUMN_ACHIEVED] = nulls[COLUMN_BENCHMARK] = nulls[COLUMN_BPS] = !outcome->valid;
		values[COLUMN_TS] = TimestampTzGetDatum(starts[i].ts);
		values[COLUMN_ACHIEVED] = Float8GetDatum(outcome->achieved);
		values[COLUMN_BENCHMARK] = Float8GetDatum(outcome->benchmark);
		values[COLUMN_BPS] = Float8GetDatum(outcome->bps);
		values[COLUMN_BARS_USED] = Int32GetDatum(outcome->bars_used);
		values[COLUMN_ALLOCATION] =
			PointerGetDatum(construct_array(shares, horizon, FLOAT8OID, sizeof(float8),
											FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
		values[COLUMN_COST_BPS] = Float8GetDatum(outcome->cost_bps);
		values[COLUMN_COMPLETION] = Float8GetDatum(outcome->completion);
		values[COLUMN_ALIGNMENT] = sink->alignment;
		values[COLUMN_UNALLOCATED] = Float8GetDatum(outcome->unallocated);
		tuplestore_putvalues(sink->rsinfo->setResult, sink->rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(sink->row);
	}
}

/* The arguments' settings; what options say comes before every and alignment. */
static void
read_settings(FunctionCallInfo fcinfo, lem_backtest_settings *settings)
{
	lem_backtest arguments;

	lem_backtest_default(&arguments);
	arguments.every = PG_GETARG_INT32(3);
	if (arguments.every < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of bars from start to start: %d", PG_GETARG_INT32(3)),
				 errhint("It must be at least 1.")));
	arguments.alignment = lem_alignment_read(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	lem_backtest_settings_read(options_argument(fcinfo, 5),
							   LEM_OPTIONS_RULES | LEM_OPTIONS_WINDOW | LEM_OPTIONS_TEST,
							   &arguments, settings);
}

/*
 * lem_backtest_orders(model, ord, bars, every, alignment, options): setof one row a start.  NULL
 * bars are no bars (LM003), NULL options are none; other NULLs are 22004.  Errors: 22023, LM003,
 * LM006, LM007, LM010, LM014, XX001.
 */
Datum
pg_lem_backtest_orders(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	lem_backtest_settings settings;
	lem_series	series;
	row_sink	sink;

	check_argument(fcinfo, 0, "model");
	check_argument(fcinfo, 1, "order");
	check_argument(fcinfo, 3, "number of bars from start to start");
	check_argument(fcinfo, 4, "alignment");
	read_settings(fcinfo, &settings);
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(1), &settings.test.order);
	series_argument(fcinfo, 2, &series);
	settings.test.series = &series;
	InitMaterializedSRF(fcinfo, 0);
	sink.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	LEM_ENSURE(sink.rsinfo->setDesc->natts <= COLUMNS);
	sink.alignment = CStringGetTextDatum(lem_alignment_word(settings.test.alignment));

	/* The model is unpinned, and all memory given back, with this context. */
	context = AllocSetContextCreate(CurrentMemoryContext, "lem backtest", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	sink.row = AllocSetContextCreate(context, "lem backtest row", ALLOCSET_SMALL_SIZES);
	lem_strategy_open(lem_schema(fcinfo), text_to_cstring(PG_GETARG_TEXT_PP(0)), &settings);
	(void) lem_strategy_run(&settings, true, put_starts, &sink);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

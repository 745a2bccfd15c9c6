/* maker_backtest.c: lem_maker_backtest and lem_maker_fills. */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/base/progress.h"
#include "pg/making/maker_open.h"

LEM_FUNCTION(pg_lem_maker_backtest);
LEM_FUNCTION(pg_lem_maker_fills);

#define FIGURE_COLUMNS 27
#define FILL_COLUMNS 9

static void
check_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the %s is NULL", what)));
}

/* The four arguments of both functions, made ready in the current context. */
static lem_maker_setup *
setup_of_arguments(FunctionCallInfo fcinfo)
{
	lem_maker_setup *setup = palloc0(sizeof(lem_maker_setup));

	check_argument(fcinfo, 0, "model");
	check_argument(fcinfo, 1, "quoting");
	setup->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_quoting_read(PG_GETARG_HEAPTUPLEHEADER(1), &setup->quoting, &setup->given);
	if (!PG_ARGISNULL(2))
		lem_book_view(PG_GETARG_LEM_BOOK_P(2), &setup->book);
	lem_maker_options_read(PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3), &setup->options);
	lem_maker_setup_open(lem_schema(fcinfo), setup);
	return setup;
}

/* Where fills go. */
typedef struct row_sink
{
	ReturnSetInfo *rsinfo;
	const lem_book *book;
	MemoryContext row;
} row_sink;

static void
put_fill(void *arg, const lem_maker_fill *fill)
{
	const row_sink *sink = arg;
	MemoryContext old = MemoryContextSwitchTo(sink->row);
	Datum		values[FILL_COLUMNS];
	bool		nulls[FILL_COLUMNS] = {false};

	nulls[2] = fill->closing;
	values[0] = TimestampTzGetDatum(sink->book->series.ts[fill->bar]);
	values[1] = CStringGetTextDatum(fill->ask ? "ask" : "bid");
	values[2] = Int32GetDatum(fill->level + 1);
	values[3] = Float8GetDatum(fill->price);
	values[4] = Float8GetDatum(fill->quantity);
	values[5] = Float8GetDatum(fill->fee);
	values[6] = Float8GetDatum(fill->position);
	values[7] = Float8GetDatum(fill->mid);
	values[8] = BoolGetDatum(fill->closing);
	tuplestore_putvalues(sink->rsinfo->setResult, sink->rsinfo->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->row);
}

/* Run a setup under one rule of fills; fills go to the sink, if there is one. */
static void
run(const lem_maker_setup *setup, lem_fill_rule rule, row_sink *sink, lem_maker_figures *figures)
{
	lem_maker_rules rules = setup->options.rules;
	const size_t n = setup->book.series.n;
	double	   *wealth = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(double));
	lem_status	status;

	rules.fill = rule;
	do
	{
		/* if the interrupt is one that a query survives, the run starts over */
		CHECK_FOR_INTERRUPTS();
		if (sink)
			tuplestore_clear(sink->rsinfo->setResult);
		status = lem_maker_run(&setup->book, setup->bars, setup->first, n, &setup->strategy,
							   &setup->quoting, &rules, &lem_interrupt_stop,
							   sink ? put_fill : NULL, sink, wealth, figures);
	} while (status == LEM_STOPPED);
	pfree(wealth);
}

/* One row of figures. */
static void
put_figures(ReturnSetInfo *rsinfo, const lem_maker_setup *setup, lem_fill_rule rule)
{
	Datum		values[FIGURE_COLUMNS];
	bool		nulls[FIGURE_COLUMNS] = {false};
	lem_maker_figures f;
	int			c = 0;

	run(setup, rule, NULL, &f);
	values[c++] = CStringGetTextDatum(setup->name);
	values[c++] = CStringGetTextDatum(lem_fill_rule_name(rule));
	values[c++] = Int64GetDatum((int64) f.bars);
	values[c++] = Int64GetDatum(f.episodes);
	values[c++] = Float8GetDatum(f.pnl);
	values[c++] = Float8GetDatum(f.spread_earned);
	values[c++] = Float8GetDatum(f.inventory_gain);
	values[c++] = Float8GetDatum(f.fees);
	values[c++] = Float8GetDatum(f.closing_cost);
	nulls[c] = f.episodes == 0;
	values[c++] = Float8GetDatum(f.epnl);
	nulls[c] = nulls[c + 1] = !f.has_interval;
	values[c++] = Float8GetDatum(f.epnl_low);
	values[c++] = Float8GetDatum(f.epnl_high);
	values[c++] = Float8GetDatum(f.map);
	nulls[c] = f.map == 0;
	values[c++] = Float8GetDatum(f.pnl_map);
	nulls[c] = f.bars == 0;
	values[c++] = Float8GetDatum(f.nd_pnl);
	nulls[c] = f.turnover == 0;
	values[c++] = Float8GetDatum(f.profit_ratio);
	nulls[c] = f.episodes < 2 || f.sharpe == 0;
	values[c++] = Float8GetDatum(f.sharpe);
	values[c++] = Float8GetDatum(f.max_drawdown);
	nulls[c] = f.quoted == 0;
	values[c++] = Float8GetDatum(f.quoted > 0 ? f.filled / f.quoted : 0);
	values[c++] = Int64GetDatum(f.fills);
	values[c++] = Float8GetDatum(f.quoted);
	values[c++] = Float8GetDatum(f.filled);
	values[c++] = Float8GetDatum(f.turnover);
	values[c++] = Float8GetDatum(f.most_position);
	for (int k = 0; k < LEM_MARKOUTS; k++)
	{
		nulls[c] = f.fills == 0;
		values[c++] = Float8GetDatum(f.markout[k]);
	}
	LEM_ENSURE(c == FIGURE_COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * lem_maker_backtest(model, quoting, book, options) returns setof one row of figures a rule of
 * fills: through and touch, and queue where that is asked for.  Errors: 22004, 22023, LM003, LM004,
 * LM010, LM014.
 */
Datum
pg_lem_maker_backtest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext old;
	lem_maker_setup *setup;
	lem_progress progress;
	bool		queue;

	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == FIGURE_COLUMNS);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem maker", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	setup = setup_of_arguments(fcinfo);
	queue = setup->options.rules.fill == LEM_FILL_QUEUE;
	lem_progress_begin(&progress, LEM_PROGRESS_EVALUATION, 0);
	lem_progress_enter(&progress, LEM_PHASE_QUOTING, 0, queue ? 3 : 2);
	put_figures(rsinfo, setup, LEM_FILL_THROUGH);
	lem_progress_done(&progress, 1);
	put_figures(rsinfo, setup, LEM_FILL_TOUCH);
	lem_progress_done(&progress, 2);
	if (queue)
		put_figures(rsinfo, setup, LEM_FILL_QUEUE);
	lem_progress_end(&progress);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * lem_maker_fills(model, quoting, book, options) returns setof the fills of a backtest under the
 * option fill: through where it is not given.  Errors: those of lem_maker_backtest.
 */
Datum
pg_lem_maker_fills(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	lem_maker_setup *setup;
	lem_maker_figures figures;
	row_sink	sink;

	InitMaterializedSRF(fcinfo, 0);
	sink.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	LEM_ENSURE(sink.rsinfo->setDesc->natts == FILL_COLUMNS);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem maker", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	sink.row = AllocSetContextCreate(context, "lem maker fill", ALLOCSET_SMALL_SIZES);
	setup = setup_of_arguments(fcinfo);
	sink.book = &setup->book;
	run(setup, setup->options.rules.fill, &sink, &figures);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

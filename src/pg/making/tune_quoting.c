/* tune_quoting.c: lem_tune_quoting, constants of quotes chosen by what they earn in a book. */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/base/progress.h"
#include "pg/making/maker_open.h"

LEM_FUNCTION(pg_lem_tune_quoting);

/* What is tried. */
static const double thetas[] = {0, 0.5, 1, 2, 4};
static const double etas[] = {0, 0.25, 0.5, 1, 2};
static const double kappas[] = {0.25, 0.5, 1};
static const double steps[] = {-0.25, 0.25, 0.5};	/* of a level's mean size */
static const double participations[] = {0.025, 0.05};	/* less than the default */

/* The profit of a quoting under the rule `through`, the cautious one. */
static double
profit_of(const lem_maker_setup *setup, const lem_quoting *quoting, double *wealth)
{
	lem_maker_rules rules = setup->options.rules;
	lem_maker_figures figures;
	lem_status	status;

	rules.fill = LEM_FILL_THROUGH;
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_maker_run(&setup->book, setup->bars, setup->first, setup->book.series.n,
							   &setup->strategy, quoting, &rules, &lem_interrupt_stop, NULL, NULL,
							   wealth, &figures);
	} while (status == LEM_STOPPED);
	return figures.pnl;
}

/* The mean size of a level, as far as volumes are expected. */
static double
level_size(const lem_maker_setup *setup)
{
	const size_t n = setup->book.series.n;
	double		volume = 0;

	for (size_t i = setup->first; i < n; i++)
		volume += setup->bars[i - setup->base].volume / (double) (n - setup->first);
	return setup->quoting.participation * volume / setup->quoting.levels;
}

/*
 * Try what was not given; the first of equals, from the defaults on, is kept.  Prices first, all
 * together, then how sizes change with the levels, then how much.
 */
static lem_quoting
tune(const lem_maker_setup *setup)
{
	const bool	sloped = setup->quoting.levels > 1 && !setup->given.size_step;
	const double size = sloped ? level_size(setup) : 0;
	const int	n_steps = sloped ? (int) lengthof(steps) : 0;
	const int	n_participations = setup->given.participation ? 0 : (int) lengthof(participations);
	const bool	levels = setup->quoting.levels > 1 && !setup->given.kappa;
	double	   *wealth = MemoryContextAllocHuge(CurrentMemoryContext,
												setup->book.series.n * sizeof(double));
	lem_quoting best = setup->quoting;
	const int	n_thetas = setup->given.theta ? 1 : (int) lengthof(thetas);
	const int	n_etas = setup->given.eta ? 1 : (int) lengthof(etas);
	const int	n_kappas = levels ? (int) lengthof(kappas) : 1;
	double		most;
	lem_progress progress;

	lem_progress_begin(&progress, LEM_PROGRESS_EVALUATION, 0);
	lem_progress_enter(&progress, LEM_PHASE_QUOTING, 0, (int64) n_thetas * n_etas * n_kappas +
					   n_steps + n_participations);
	most = profit_of(setup, &best, wealth);

	for (int t = 0; t < n_thetas; t++)
		for (int e = 0; e < n_etas; e++)
			for (int k = 0; k < n_kappas; k++)
			{
				lem_quoting tried = setup->quoting;
				double		profit;

				if (!setup->given.theta)
					tried.theta = thetas[t];
				if (!setup->given.eta)
					tried.eta = etas[e];
				if (levels)
					tried.kappa = kappas[k];
				profit = profit_of(setup, &tried, wealth);
				lem_progress_done(&progress, progress.done + 1);
				if (profit > most)
				{
					most = profit;
					best = tried;
				}
			}
	for (int i = 0; i < n_steps + n_participations; i++)
	{
		lem_quoting tried = best;
		double		profit;

		if (i < n_steps)
			tried.size_step = lem_multiple(rint(steps[i] * size / tried.lot), tried.lot);
		else
			tried.participation = participations[i - n_steps];
		profit = profit_of(setup, &tried, wealth);
		lem_progress_done(&progress, progress.done + 1);
		if (profit > most)
		{
			most = profit;
			best = tried;
		}
	}
	lem_progress_end(&progress);
	pfree(wealth);
	return best;
}

/*
 * lem_tune_quoting(model, quoting, book, options) returns lem_quoting: the quoting with what it left
 * NULL of theta, eta, kappa, size_step and participation chosen by what it earns in the book.
 * Errors: those of lem_maker_backtest.
 */
Datum
pg_lem_tune_quoting(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[LEM_QUOTING_FIELDS];
	bool		nulls[LEM_QUOTING_FIELDS];
	MemoryContext context;
	MemoryContext old;
	lem_maker_setup *setup;
	lem_quoting best;
	HeapTupleData tuple;
	HeapTupleHeader given;

	for (int i = 0; i < 2; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the %s is NULL", i == 0 ? "model" : "quoting")));
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LEM_ENSURE(desc->natts == LEM_QUOTING_FIELDS);
	given = PG_GETARG_HEAPTUPLEHEADER(1);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem tune", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	setup = palloc0(sizeof(lem_maker_setup));
	setup->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_quoting_read(given, &setup->quoting, &setup->given);
	if (!PG_ARGISNULL(2))
		lem_book_view(PG_GETARG_LEM_BOOK_P(2), &setup->book);
	lem_maker_options_read(PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3), &setup->options);
	lem_maker_setup_open(lem_schema(fcinfo), setup);
	best = tune(setup);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	tuple.t_len = HeapTupleHeaderGetDatumLength(given);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = given;
	heap_deform_tuple(&tuple, desc, values, nulls);
	values[LEM_QUOTING_THETA] = Float8GetDatum(best.theta);
	values[LEM_QUOTING_ETA] = Float8GetDatum(best.eta);
	values[LEM_QUOTING_KAPPA] = Float8GetDatum(best.kappa);
	values[LEM_QUOTING_SIZE_STEP] = Float8GetDatum(best.size_step);
	values[LEM_QUOTING_PARTICIPATION] = Float8GetDatum(best.participation);
	nulls[LEM_QUOTING_THETA] = nulls[LEM_QUOTING_ETA] = nulls[LEM_QUOTING_KAPPA] = false;
	nulls[LEM_QUOTING_SIZE_STEP] = nulls[LEM_QUOTING_PARTICIPATION] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

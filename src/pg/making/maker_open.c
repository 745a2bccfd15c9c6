/* maker_open.c: a strategy, ready to be run. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/base/errors.h"
#include "pg/making/kept_quoting.h"
#include "pg/making/maker_forecast.h"
#include "pg/making/maker_open.h"

static void *
huge(Size n, Size element)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * element);
}

static void
open_baseline(const char *name, lem_maker_setup *setup)
{
	lem_maker_strategy *strategy = &setup->strategy;
	const size_t n = setup->book.series.n;
	int			kind = lem_maker_kind_find(name);

	if (kind < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown baseline \"%s\"", lem_clip_text(name)),
				 errhint("Baselines are \"none\", \"fixed\", \"avellaneda_stoikov\", \"glft\", "
						 "\"microprice\" and \"linear\".")));
	strategy->kind = (lem_maker_kind) kind;
	if (kind == LEM_MAKER_STOIKOV || kind == LEM_MAKER_GLFT)
	{
		if (!lem_intensity_fit(&setup->book, setup->bars, 0, setup->first, setup->quoting.tick,
							   &strategy->intensity))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_SHORT_HISTORY),
					 errmsg("the intensity of fills cannot be fitted to %zu bars", setup->first),
					 errdetail("The bars that baselines learn from must reach several distances "
							   "from the mid."),
					 errhint("Pass more bars, or a larger option fit.")));
	}
	if (kind == LEM_MAKER_LINEAR)
	{
		lem_maker_forecast *forecast = huge(n, sizeof(lem_maker_forecast));
		double	   *scratch = huge(lem_linear_scratch(setup->first), sizeof(double));

		CHECK_FOR_INTERRUPTS();
		(void) lem_linear_forecasts(setup->bars, &setup->book.series, n, 0, setup->first,
									strategy->horizon, scratch, forecast);
		pfree(scratch);
		strategy->forecast = forecast;
	}
}

void
lem_maker_setup_open(const char *schema, lem_maker_setup *setup)
{
	const lem_maker_options *options = &setup->options;
	const Size	prefix = strlen(LEM_MAKER_BASELINE_PREFIX);

	if (setup->book.series.n == 0)
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}
	setup->strategy.ticks = options->ticks;
	setup->strategy.risk_aversion = options->risk_aversion;
	setup->strategy.tau = options->tau;
	setup->strategy.horizon = options->horizon > 0 ? options->horizon : LEM_MAKER_DEFAULT_HORIZON;
	setup->first = setup->quoting_now ? setup->book.series.n :
		(size_t) (options->fit * (double) setup->book.series.n);
	if (strncmp(setup->name, LEM_MAKER_BASELINE_PREFIX, prefix) == 0)
	{
		lem_maker_look(setup, setup->strategy.horizon, NULL);
		open_baseline(setup->name + prefix, setup);
	}
	else
	{
		lem_maker_forecasts(schema, setup, setup->quoting_now ? setup->first - 1 : setup->first,
							setup->quoting_now, NULL);
		lem_quoting_apply_kept(schema, setup->row, &setup->given, &setup->quoting);
	}
}

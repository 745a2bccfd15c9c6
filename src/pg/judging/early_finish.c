/* early_finish.c: lem_early_finish_value: what the right to finish early is worth. */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "pg/bars/bars_type.h"
#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/base/identity.h"
#include "pg/catalog/calendars.h"
#include "pg/judging/backtest_options.h"
#include "pg/catalog/optimum_cache.h"
#include "pg/schedule/order_type.h"

LEM_FUNCTION(pg_lem_early_finish_value);

/* The optimum's value with at least so many bars; volume NULL: bars of equal weight. */
static double
value_of(lem_optimum_problem problem, int min_bars, const double *volume)
{
	lem_optimum *table;
	void	   *workspace;

	problem.min_bars = min_bars;
	if (volume == NULL)
		return lem_optimum_find(&problem)->value;
	table = lem_alloc_aligned(CurrentMemoryContext, lem_optimum_bytes(&problem));
	workspace = lem_alloc_aligned(CurrentMemoryContext, lem_optimum_workspace(&problem));
	while (lem_optimum_solve(&problem, volume, workspace, &lem_interrupt_stop, table) != LEM_OK)
		CHECK_FOR_INTERRUPTS();
	return table->value;
}

/*
 * lem_early_finish_value(ord, bars, options) returns (sigma, bps, money).  Errors: 22004 for a NULL
 * order, LM003 to LM007, LM014.
 */
Datum
pg_lem_early_finish_value(PG_FUNCTION_ARGS)
{
	lem_backtest_settings settings;
	lem_order	order;
	lem_series	series = {0};
	lem_model_row row;
	lem_clock	clock;
	lem_early_finish value;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};
	void	   *memory;
	double	   *volume;
	double		sigma = 0;
	lem_fault	fault;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the order is NULL")));
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(0), &order);
	if (!PG_ARGISNULL(1))
		lem_bars_view(PG_GETARG_LEM_BARS_P(1), &series);
	lem_backtest_settings_read(PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2),
							   LEM_OPTIONS_RULES | LEM_OPTIONS_WINDOW, NULL, &settings);
	lem_backtest_settings_lead(&settings, LEM_BASELINE_OPTIMAL_STOP);
	lem_baseline_windows(&settings, &order, &series, &row);
	clock = lem_config_clock(lem_schema(fcinfo), &row.config, row.time_zone);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 3)
		elog(ERROR, "return type must be a row type");

	volume = palloc(row.config.n_ahead * sizeof(double));
	memory = palloc(lem_baseline_workspace(&row.config) + LEM_ALIGN);
	lem_baseline_check(lem_early_finish_of(&settings.test.baselines.optimal, &row.config, &order,
										   &series, &clock, (void *) TYPEALIGN(LEM_ALIGN, memory),
										   volume, &value, &fault), &fault);
	if (order.min_bars > 0)
	{
		const double *weights = value.weighted ? volume : NULL;

		sigma = value_of(value.problem, value.problem.min_bars, weights) -
			value_of(value.problem, value.longest, weights);
	}
	values[0] = Float8GetDatum(sigma);
	values[1] = Float8GetDatum(sigma * value.bps);
	values[2] = Float8GetDatum(sigma * value.money);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

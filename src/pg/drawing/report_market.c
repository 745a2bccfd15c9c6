/* report_market.c: what reports on backtests say of a series: its shortest gap, how restless it was. */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"
#include "pg/base/compat.h"

/*
 * _lem_report_gap(bars lem_bars) RETURNS interval
 *
 * The shortest time from a bar to the next; NULL: there are not two.
 */
LEM_FUNCTION(pg_lem_report_gap);

Datum
pg_lem_report_gap(PG_FUNCTION_ARGS)
{
	lem_series	series;
	Size		shortest = 1;

	lem_bars_view(PG_GETARG_LEM_BARS_P(0), &series);
	if (series.n < 2)
		PG_RETURN_NULL();
	for (Size i = 2; i < series.n; i++)
	{
		if (series.ts[i] - series.ts[i - 1] < series.ts[shortest] - series.ts[shortest - 1])
			shortest = i;
	}
	return DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(series.ts[shortest]),
							   TimestampTzGetDatum(series.ts[shortest - 1]));
}

/* Moves that a deviation is of. */
#define MOVES 48

/*
 * _lem_report_deviations(bars lem_bars) RETURNS setof (ts timestamptz, sigma float8)
 *
 * The deviation of prices from bar to bar (logarithms, about 0) over the 48 bars before each, or as many
 * as there are; bars with none before are left out.
 */
LEM_FUNCTION(pg_lem_report_deviations);

Datum
pg_lem_report_deviations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	double		squares[MOVES];
	lem_series	series;

	lem_bars_view(PG_GETARG_LEM_BARS_P(0), &series);
	InitMaterializedSRF(fcinfo, 0);
	for (Size i = 2; i < series.n; i++)
	{
		double		move = log(series.price[i - 1] / series.price[i - 2]);
		Size		n = Min(i - 1, MOVES);
		double		sum = 0;
		Datum		values[2];
		bool		nulls[2] = {false};

		CHECK_FOR_INTERRUPTS();
		squares[(i - 2) % MOVES] = move * move;

		/* Anew each time, from the oldest on: what is taken from a running sum again leaves a rest. */
		for (Size k = i - 1 - n; k < i - 1; k++)
			sum += squares[k % MOVES];
		values[0] = TimestampTzGetDatum(series.ts[i]);
		values[1] = Float8GetDatum(sqrt(sum / n));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

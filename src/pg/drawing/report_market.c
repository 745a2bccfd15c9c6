/* report_market.c: what reports on backtests say of a series: its shortest gap. */
#include "postgres.h"

#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"

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

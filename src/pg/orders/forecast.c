/* forecast.c: what is to be expected of an order when it is handed over. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"
#include "pg/base/query.h"
#include "pg/orders/forecast.h"
#include "pg/orders/orders.h"
#include "pg/orders/work_bars.h"

/* What differs from the order by less is rounding. */
#define ROUNDING 1e-9

/* The bars of one series that a query returns; none: the series is not there. */
static lem_series
read_bars(const lem_handed_order *handed, const char *query)
{
	lem_work_bars bars = {0};
	lem_work_series series = {.name = handed->series, .since = DT_NOBEGIN};

	lem_work_bars_open(&bars, handed->schema, query, GetCurrentTimestamp());
	lem_work_bars_last(&bars, 1, &handed->series, bars.now, &series.last);
	lem_work_bars_read(&bars, 1, &series);
	if (series.error)
		ReThrowError(series.error);
	return series.bars;
}

/* Schedule it as the owner of the tables, who may use any model: that its own owner may is known. */
static void
run_schedule(const lem_handed_order *handed, const lem_series *bars, lem_query *query)
{
	lem_baseline kind;

	lem_query_begin(query, handed->schema);
	lem_query_add(query, handed->type, handed->datum, false);
	lem_query_add(query, lem_query_type(query, "lem_bars"), PointerGetDatum(lem_bars_make(bars)),
				  false);
	if (lem_orders_baseline(handed->model, &kind))
	{
		lem_query_add_text(query, lem_baseline_name(kind));
		lem_query_add_text(query, handed->calendar);
		lem_query_run(query,
					  "SELECT sum(quantity), string_agg(DISTINCT reason, ', ' ORDER BY reason)"
					  " FROM %1$s.lem_baseline($3, $1, $2, CASE WHEN $4 IS NOT NULL"
					  " THEN jsonb_build_object('calendar', $4) END)");
	}
	else
	{
		lem_query_add_text(query, handed->model);
		lem_query_run(query,
					  "SELECT sum(quantity), string_agg(DISTINCT reason, ', ' ORDER BY reason)"
					  " FROM %1$s.lem_schedule($3, $1, $2)");
	}
}

char *
lem_orders_forecast(const lem_handed_order *handed, const char *bars)
{
	const double size = handed->order->size;
	const lem_series series = read_bars(handed, bars);
	lem_query	query;
	double		left;
	bool		is_null;
	Datum		reasons;

	if (series.n == 0)
	{
		ereport(WARNING,
				(errmsg("the bars have no series \"%s\"", lem_clip_text(handed->series)),
				 errhint("The order waits for its bars: is it spelt as in the column series?")));
		return NULL;
	}
	run_schedule(handed, &series, &query);
	left = size - DatumGetFloat8(lem_query_column(0, 1, NULL));
	if (left <= ROUNDING * size)
		return NULL;
	reasons = lem_query_column(0, 2, &is_null);
	ereport(NOTICE,
			(errmsg("the order is not expected to be completed: %.6g of %.6g would be left", left,
					size),
			 is_null ? 0 : errdetail("Its slices are bound by: %s.", TextDatumGetCString(reasons)),
			 errhint("Limits, or the time it has, can be changed with lem_amend_order().")));
	return psprintf("{\"expected_unallocated\": %.15g}", left);
}

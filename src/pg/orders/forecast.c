/* forecast.c: what is to be expected of an order when it is handed over. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/execution/schedule.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/base/query.h"
#include "pg/catalog/cache.h"
#include "pg/judging/backtest_options.h"
#include "pg/orders/forecast.h"
#include "pg/orders/work_bars.h"
#include "pg/orders/work_model.h"
#include "pg/schedule/slices.h"

/* What differs from the order by less is rounding. */
#define ROUNDING 1e-9

/* The bars of one series that a query returns; none: the series is not there. */
static lem_series
read_bars(const lem_handed_order *handed, const char *query)
{
	lem_work_bars bars = {0};
	lem_work_series series = {.name = handed->series, .since = DT_NOBEGIN};

	lem_work_bars_open(&bars, handed->schema, query, GetCurrentTimestamp());
	lem_work_bars_last(&bars, 1, &handed->series, NULL, bars.now, &series.last);
	lem_work_bars_read(&bars, 1, &series);
	if (series.error)
		ReThrowError(series.error);
	return series.bars;
}

/* What is expected of an order. */
typedef struct expected
{
	double		quantity;		/* that its slices have, in its unit */
	char	   *reasons;		/* what bounds them; NULL: nothing does */
} expected;

/* By a baseline. */
static expected
by_rule(const lem_handed_order *handed, lem_baseline kind, const lem_series *bars)
{
	lem_query	query;
	expected	answer;
	bool		is_null;
	Datum		reasons;

	lem_query_begin(&query, handed->schema);
	lem_query_add(&query, handed->type, handed->datum, false);
	lem_query_add(&query, lem_query_type(&query, "lem_bars"), PointerGetDatum(lem_bars_make(bars)),
				  false);
	lem_query_add_text(&query, lem_baseline_name(kind));
	lem_query_add_text(&query, handed->calendar);
	lem_query_run(&query,
				  "SELECT sum(quantity), string_agg(DISTINCT reason, ', ' ORDER BY reason)"
				  " FROM %1$s.lem_baseline($3, $1, $2, CASE WHEN $4 IS NOT NULL"
				  " THEN jsonb_build_object('calendar', $4) END)");
	answer.quantity = DatumGetFloat8(lem_query_column(0, 1, NULL));
	reasons = lem_query_column(0, 2, &is_null);
	answer.reasons = is_null ? NULL : TextDatumGetCString(reasons);
	return answer;
}

/* By a model, with the calendar that lem_work will have it work by. */
static expected
by_model(const lem_handed_order *handed, const lem_series *bars)
{
	lem_work_model model = {
		.name = handed->model,
		.owner = GetUserNameFromId(GetUserId(), false),
		.owner_id = GetUserId(),
		.calendar = handed->calendar
	};
	const lem_config *config = &model.row.config;
	const lem_model *loaded;
	lem_slice  *slices;
	bool	   *need;
	void	   *memory;
	expected	answer = {0};
	lem_fault	fault;
	lem_status	status;
	unsigned	told = 0;			/* reasons, as bits */
	int			branch;
	int			count;
	int			failed;

	lem_work_model_find(handed->schema, &model);
	if (model.error)
		ReThrowError(model.error);
	lem_pg_check(lem_schedule_branch(config, handed->order, &branch, &fault), &fault);
	need = palloc0(lem_head_sets(config) * sizeof(bool));
	need[config->shared_heads ? 0 : branch] = true;
	loaded = lem_cache_pin(handed->schema, &model.row, need);
	memory = MemoryContextAllocHuge(CurrentMemoryContext,
									lem_schedule_workspace(loaded, 1, bars) + LEM_ALIGN);
	slices = palloc(config->n_ahead * sizeof(lem_slice));
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_schedule(loaded, LEM_WHOLE, 1, handed->order, bars, &model.clock,
							  (void *) TYPEALIGN(LEM_ALIGN, memory), &lem_interrupt_stop, slices,
							  &count, &failed, &fault);
	} while (status == LEM_STOPPED);
	lem_pg_check(status, &fault);
	for (int k = 0; k < count; k++)
	{
		const char *reason = lem_bound_word(slices[k].by);

		answer.quantity += slices[k].quantity;
		if (reason && !(told & 1u << slices[k].by))
			answer.reasons = answer.reasons ? psprintf("%s, %s", answer.reasons, reason)
				: pstrdup(reason);
		told |= 1u << slices[k].by;
	}
	pfree(memory);
	return answer;
}

char *
lem_orders_forecast(const lem_handed_order *handed, const char *bars)
{
	const double size = handed->order->size;
	const lem_series series = read_bars(handed, bars);
	lem_baseline kind;
	expected	answer;
	double		left;

	if (series.n == 0)
	{
		ereport(WARNING,
				(errmsg("the bars have no series \"%s\"", lem_clip_text(handed->series)),
				 errhint("The order waits for its bars: is it spelt as in the column series?")));
		return NULL;
	}
	answer = lem_baseline_named(handed->model, &kind) ? by_rule(handed, kind, &series)
		: by_model(handed, &series);
	left = size - answer.quantity;
	if (left <= ROUNDING * size)
		return NULL;
	ereport(NOTICE,
			(errmsg("the order is not expected to be completed: %.6g of %.6g would be left", left,
					size),
			 answer.reasons ? errdetail("Its slices are bound by: %s.", answer.reasons) : 0,
			 errhint("Limits, or the time it has, can be changed with lem_amend_order().")));
	return psprintf("{\"expected_unallocated\": %.15g}", left);
}

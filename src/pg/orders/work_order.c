/* work_order.c: one order that is being worked, and what is decided of it. */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "core/market/series.h"
#include "core/orders/decide.h"
#include "pg/base/errors.h"
#include "pg/orders/work_order.h"
#include "pg/schedule/order_type.h"

void
lem_decision_begin(lem_work_order *order, TimestampTz seen)
{
	lem_decision *decision = &order->decision;

	memset(decision, 0, sizeof(*decision));
	decision->started = order->started;
	decision->start = order->start;
	decision->version = order->version;
	decision->seen = Max(order->seen, seen);
	decision->look = DT_NOEND;
}

void
lem_work_order_blame(lem_work_order *order, const ErrorData *error, bool mends)
{
	lem_decision_begin(order, order->decision.seen);
	order->decision.reason = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode),
									  error->message);
	order->decision.outcome = mends ? LEM_OUTCOME_ACTIVE : LEM_OUTCOME_FAILED;
}

/*
 * What was executed in each slice's bar, and, where the order's size has changed, the units of what
 * was decided by the size that it has now.  Of an order that follows its plan it is what its limits
 * let pass; once these have changed, as it was counted before.
 */
static void
read_done(lem_work_order *order)
{
	const bool	notional = order->order.notional;
	lem_limits	limits;
	double		sum = 0;
	int64_t		before = 0;

	if (lem_order_check(&order->order, LEM_MAX_AHEAD, &limits, NULL) != LEM_OK)
		limits.size_lots = 0;
	order->skipped = 0;
	order->n_executed = order->fills ? order->n_slices : order->resized ? order->n_completed : 0;
	while (order->resized && order->n_executed < order->n_slices &&
		   !isnan(order->done[order->n_executed].executed))
		order->n_executed++;
	for (int k = 0; k < order->n_slices; k++)
	{
		const lem_slice_done *done = &order->done[k];
		const double quantity = done->quantity * (notional ? 1 : done->adjusted);
		int64_t		upto;

		order->executed[k] = notional ? done->notional : done->filled;
		order->executed_price[k] = done->filled > 0 ? done->notional / done->filled : NAN;
		if (done->skipped)
		{
			/* The order goes on as if it had been traded. */
			order->executed[k] += quantity;
			order->skipped += quantity;
		}
		else if (!order->fills && k < order->n_executed)
			order->executed[k] = isnan(done->executed) ? quantity
				: done->executed * (notional ? 1 : done->adjusted);
		sum += quantity;
		upto = lem_executed_units(&order->order, &limits, sum);
		if (order->resized)
			order->units[k] = upto - before;
		before = upto;
	}
}

void
lem_work_order_read(lem_work_order *order)
{
	lem_series	bars;

	lem_order_read(DatumGetHeapTupleHeader(order->stored_order), &order->order);
	if (order->started)
	{
		order->order.has_start = true;
		order->order.start_ts = order->start;
	}
	order->order.tracked = order->fills;
	order->order.catch_up = order->catch_up;
	order->order.spread = order->spread;
	read_done(order);
	if (order->stored_bars == (Datum) 0)
		return;
	order->bars = (lem_bars *) PG_DETOAST_DATUM_COPY(order->stored_bars);
	lem_bars_view(order->bars, &bars);
}

void
lem_work_order_see(lem_work_order *order, const lem_series *series)
{
	enum
	{
		HISTORY, TRADED, FRESH, PARTS
	};
	lem_series	parts[PARTS];
	lem_series	now;
	Size		n;

	order->view = lem_series_between(series, order->since, PG_INT64_MAX);
	if (order->bars == NULL)
		return;
	lem_bars_view(order->bars, &parts[TRADED]);
	if (parts[TRADED].n == 0 || parts[TRADED].n_features != series->n_features)
		return;
	/* as a rule bars are what they were, and orders of one series share its memory */
	now = lem_series_between(series, order->order.start_ts,
							 parts[TRADED].ts[parts[TRADED].n - 1] + 1);
	if (lem_series_equal(&now, &parts[TRADED]))
		return;
	parts[HISTORY] = lem_series_between(series, order->since, order->order.start_ts);
	parts[FRESH] = lem_series_between(series, parts[TRADED].ts[parts[TRADED].n - 1] + 1,
									  PG_INT64_MAX);
	n = parts[HISTORY].n + parts[TRADED].n + parts[FRESH].n;
	order->view = lem_series_join(PARTS, parts, series->n_features,
								  MemoryContextAllocHuge(CurrentMemoryContext,
														 lem_series_bytes(n, series->n_features)));
}

/* A digest of all that a decision is made by: model, calendar, order, slices before, bars. */
static void
digest_inputs(const lem_work_model *model, lem_work_order *order)
{
	StringInfoData buffer;
	lem_order	decided = order->order;

	decided.n_decided = order->n_slices;
	decided.decided = order->units;
	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, (const char *) model->row.digest, LEM_DIGEST_LENGTH);
	if (model->clock.calendar)
		appendBinaryStringInfo(&buffer, (const char *) model->calendar_digest, LEM_DIGEST_LENGTH);
	decided.n_executed = order->n_slices;
	decided.executed = order->executed;
	decided.executed_price = order->executed_price;
	lem_order_write(&decided, &buffer);
	if (lem_order_has_bounds(&decided))
		lem_order_write_bounds(&decided, &buffer);
	lem_order_write_decided(&decided, &buffer);
	lem_series_write(&order->view, &buffer);
	lem_catalog_checksum(buffer.data, buffer.len, order->decision.inputs);
	pfree(buffer.data);
}

/* Whether slices whose bars had completed traded in the bars that they trade in now. */
static bool
bars_fit(const lem_work_order *order, const lem_slice *slices, int known)
{
	for (int k = 0; k < order->n_completed; k++)
		if (k >= known || slices[k].ts != order->bar_ts[k])
			return false;
	return true;
}

/*
 * What counts as done, by its order's plan, of a slice whose bar has completed; NaN: all that was
 * decided, or what is filled.
 */
static double
counted(const lem_work_order *order, const lem_slice *slice, int k)
{
	double		adjusted;

	if (order->fills || k >= order->n_slices)
		return NAN;
	adjusted = order->order.notional ? 1 : order->done[k].adjusted;
	return slice->quantity < order->done[k].quantity * adjusted * (1 - 1e-12)
		? slice->quantity / adjusted : NAN;
}

/* The bars since the start, up to the last that a slice traded in; NULL: as stored. */
static const lem_bars *
bars_traded(const lem_work_order *order)
{
	const lem_decision *decision = &order->decision;
	lem_series	traded;

	if (decision->n_completed == 0)
		return NULL;
	traded = lem_series_between(&order->view, decision->start,
								decision->bar_ts[decision->n_completed - 1] + 1);
	return traded.n > 0 ? lem_bars_make(&traded) : NULL;
}

/*
 * From when on bars are the order's, as its first slice is decided.  One without a start begins after
 * the last bar; where it is decided for a bar later than the next, bars that may still come in
 * between are not its own.
 */
static TimestampTz
first_start(const lem_work_order *order, const lem_slice *first)
{
	const TimestampTz start = order->order.has_start ? order->order.start_ts
		: order->view.ts[order->view.n - 1] + 1;

	if (first->state != LEM_SLICE_NEXT)
		return start;
	return Max(start, first->ts - (first->end_ts - first->ts) + 1);
}

/*
 * When an order that waits for its start is to be looked at again: its first slice can become firm
 * by the clock alone.  Each time half of what is left has passed; the last time at the start.
 */
static TimestampTz
next_look(const lem_work_order *order, TimestampTz now)
{
	const TimestampTz start = order->order.start_ts;

	if (!order->order.has_start || start <= now)
		return DT_NOEND;
	return now + Max((start - now) / 2, Min(start - now, USECS_PER_SEC));
}

void
lem_work_order_decide(lem_work_order *order, const lem_work_model *model, const lem_slice *slices,
					  int count, TimestampTz now)
{
	lem_decision *decision = &order->decision;
	int			known = 0;
	int			complete = 0;	/* slices up to the one that completes the order */
	int			n_decided = order->n_slices;

	while (known < count && slices[known].state == LEM_SLICE_DONE)
		known++;
	while (complete < count && (complete == 0 || slices[complete - 1].cumulative < 1))
		complete++;
	if (!bars_fit(order, slices, known))
	{
		decision->reason = "LM005: bars before the order's start have changed, and its slices do "
			"not fit the bars that they traded in";
		return;
	}
	digest_inputs(model, order);
	decision->skips = order->skip;
	decision->version = model->row.version;
	decision->at = now;
	decision->slices = palloc(count * sizeof(lem_slice));
	for (; n_decided < complete; n_decided++)
	{
		const lem_slice *slice = &slices[n_decided];

		if (slice->state == LEM_SLICE_PROJECTED || slice->ts >= order->expires ||
			now >= order->expires)
			break;
		decision->slices[decision->n_slices++] = *slice;
	}
	if (!decision->started && n_decided > 0)
	{
		decision->start = first_start(order, &slices[0]);
		decision->started = true;
	}
	if (!decision->started)
		decision->look = next_look(order, now);
	decision->bar_ts = palloc(count * sizeof(TimestampTz));
	decision->executed = palloc(count * sizeof(double));
	for (int k = order->n_completed; k < known && k < n_decided; k++)
	{
		decision->executed[decision->n_completed] = counted(order, &slices[k], k);
		decision->bar_ts[decision->n_completed++] = slices[k].ts;
	}
	decision->bars = bars_traded(order);
	if (n_decided >= complete && known >= complete)
	{
		double		done = 0;

		for (int k = 0; k < count; k++)
			done += slices[k].quantity;
		for (int k = 0; order->skip && k < decision->n_slices; k++)
			if (decision->slices[k].state == LEM_SLICE_DONE)
				done -= decision->slices[k].quantity;
		done -= order->skipped;
		decision->unallocated = order->order.size - done;
		if (fabs(decision->unallocated) <= 1e-12 * order->order.size)
			decision->unallocated = 0;
		if (decision->unallocated > 0)
			decision->reason = psprintf("%.6g of %.6g could not be traded within its limits",
										decision->unallocated, order->order.size);
		decision->outcome = LEM_OUTCOME_FINISHED;
	}
}

/*
 * work.c: lem_work, the procedure that works orders.
 *
 * Orders are claimed, decided and committed in small lots, so that several sessions can work at the
 * same time, and one that dies loses little: what it held is free again, and undone.  A claim is a
 * lock on the order's row, taken before its slices are read; with the key of a slice, no step is
 * decided twice.
 *
 * A slice that was decided stays.  What its order has left is decided from the allocations as they
 * were decided, and from the bars since the order's start as they were when they were first seen;
 * history before the start is read anew each time.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "core/execution/schedule.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/cache.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"
#include "pg/catalog/stat.h"
#include "pg/orders/work_bars.h"
#include "pg/orders/work_store.h"
#include "pg/schedule/order_type.h"
#include "pg/schedule/network_arrays.h"

/* Orders that are claimed at once. */
#define LOT_ORDERS 64

/* A call. */
typedef struct work
{
	const char *schema;
	Oid			user;
	bool		atomic;			/* within a transaction of the caller's */
	TimestampTz now;
	lem_work_bars bars;
	int64	   *busy;			/* orders that other sessions held */
	int			n_busy;
} work;

/* A model in use by orders of a lot. */
typedef struct lot_model
{
	const char *name;
	const char *owner;			/* of the orders */
	lem_model_row row;
	ErrorData  *error;			/* why it cannot be used */
} lot_model;

/* Orders that are worked together; arrays have an entry an order. */
typedef struct lot
{
	work	   *work;
	int			n;
	lem_work_order *orders;
	int		   *model;			/* in models */
	int		   *series;			/* in series */
	lem_series *bars;			/* as the order sees them */
	int			n_models;
	lot_model  *models;
	int			n_series;
	lem_work_series *serieses;

	/* what a guarded step is about */
	int			current;		/* model */
} lot;

/* The SQLSTATE and message of an error, as an order's reason. */
static const char *
error_text(const ErrorData *error)
{
	return psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
}

/*
 * An order cannot go on.  What better bars can mend is tried again with the next bar; anything else
 * takes a hand.
 */
static void
blame(lem_work_order *order, const ErrorData *error)
{
	const bool	bars = error->sqlerrcode == ERRCODE_LEM_BAD_BAR ||
		error->sqlerrcode == ERRCODE_LEM_DUPLICATE_TIME ||
		error->sqlerrcode == ERRCODE_LEM_NO_BARS ||
		error->sqlerrcode == ERRCODE_LEM_SHORT_HISTORY ||
		error->sqlerrcode == ERRCODE_LEM_MISSING_BARS;

	order->reason = error_text(error);
	order->outcome = bars ? LEM_OUTCOME_ACTIVE : LEM_OUTCOME_FAILED;
}

/* What is wrong according to a fault of the core. */
static ErrorData *
fault_error(const lem_fault *fault)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	/* Only words are found here: there is nothing to undo. */
	PG_TRY();
	{
		lem_pg_raise(fault);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return error;
}

/*
 * Do a part of the work in a subtransaction.  An error that is about models or orders is returned;
 * any other ends the call.
 */
static ErrorData *
guarded(void (*part) (lot *), lot *l)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		part(l);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (!lem_work_error_is_own(error))
		{
			MemoryContextSwitchTo(context);
			CurrentResourceOwner = owner;
			ReThrowError(error);
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

static void
find_model(lot *l)
{
	lot_model  *model = &l->models[l->current];

	const Oid	owner = get_role_oid(model->owner, true);

	/* The caller works on the owner's behalf: it is the owner who must be allowed to. */
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the order's owner, role \"%s\", does not exist", model->owner)));
	lem_rights_find_for(l->work->schema, owner, LEM_RIGHT_USE, model->name, &model->row);
}

/* The models of a lot. */
static void
find_models(lot *l)
{
	l->models = palloc0(l->n * sizeof(lot_model));
	for (int i = 0; i < l->n; i++)
	{
		const lem_work_order *order = &l->orders[i];
		int			m = 0;

		while (m < l->n_models && (strcmp(l->models[m].name, order->model) != 0 ||
								   strcmp(l->models[m].owner, order->owner) != 0))
			m++;
		l->model[i] = m;
		if (m < l->n_models)
			continue;
		l->n_models++;
		l->models[m].name = order->model;
		l->models[m].owner = order->owner;
		l->current = m;
		l->models[m].error = guarded(find_model, l);
	}
}

/* From when on bars are needed for an order whose first slice is not decided. */
static TimestampTz
find_since(lot *l, int i)
{
	const lem_work_order *order = &l->orders[i];
	const TimestampTz start = order->order.has_start ? order->order.start_ts : DT_NOEND;

	for (int j = 0; j < i; j++)
	{
		const lem_work_order *other = &l->orders[j];

		if (l->model[j] == l->model[i] && !other->started && other->reason == NULL &&
			strcmp(other->series, order->series) == 0 &&
			(other->order.has_start ? other->order.start_ts : DT_NOEND) == start)
			return other->since;
	}
	return lem_work_bars_since(&l->work->bars, &l->models[l->model[i]].row.config, order->series,
							   start);
}

/* The series of a lot, with their bars. */
static void
load_bars(lot *l)
{
	TimestampTz since = DT_NOEND;

	l->serieses = palloc0(l->n * sizeof(lem_work_series));
	for (int i = 0; i < l->n; i++)
	{
		lem_work_order *order = &l->orders[i];
		int			s = 0;

		if (l->models[l->model[i]].error)
		{
			blame(order, l->models[l->model[i]].error);
			continue;
		}
		if (!order->started)
			order->since = find_since(l, i);
		since = Min(since, order->since);
		while (s < l->n_series && strcmp(l->serieses[s].name, order->series) != 0)
			s++;
		l->series[i] = s;
		if (s == l->n_series)
			l->serieses[l->n_series++].name = order->series;
	}
	if (l->n_series > 0)
		lem_work_bars_load(&l->work->bars, l->n_series, l->serieses, since);
}

/* Bars first .. end - 1 of a series. */
static lem_series
part_of(const lem_series *series, size_t first, size_t end)
{
	lem_series	part = *series;

	part.n = end > first ? end - first : 0;
	part.ts += first;
	part.price += first;
	part.volume += first;
	if (part.features)
		part.features += first * part.n_features;
	return part;
}

/* Copy a part of a series behind the n bars that are there. */
static size_t
append(lem_series *to, size_t n, const lem_series *part)
{
	memcpy((int64_t *) to->ts + n, part->ts, part->n * sizeof(int64_t));
	memcpy((double *) to->price + n, part->price, part->n * sizeof(double));
	memcpy((double *) to->volume + n, part->volume, part->n * sizeof(double));
	if (to->features && part->features)
		memcpy((double *) to->features + n * to->n_features, part->features,
			   part->n * part->n_features * sizeof(double));
	return n + part->n;
}

/*
 * The bars as an order sees them: history as it is now, the bars that its slices traded in as they
 * were, and those after them.
 */
static lem_series
bars_of(const lem_work_order *order, const lem_series *series)
{
	const size_t first = lem_series_before(series, order->since);
	lem_series	history;
	lem_series	traded;
	lem_series	fresh;
	lem_series	whole;

	if (order->bars == NULL)
		return part_of(series, first, series->n);
	lem_bars_view(order->bars, &traded);
	history = part_of(series, first, lem_series_before(series, order->order.start_ts));
	fresh = part_of(series, lem_series_before(series, traded.ts[traded.n - 1] + 1), series->n);
	if (traded.n_features != series->n_features)
		return part_of(series, first, series->n);

	whole.n = history.n + traded.n + fresh.n;
	whole.n_features = series->n_features;
	whole.ts = palloc_extended(whole.n * sizeof(int64_t), MCXT_ALLOC_HUGE);
	whole.price = palloc_extended(whole.n * sizeof(double), MCXT_ALLOC_HUGE);
	whole.volume = palloc_extended(whole.n * sizeof(double), MCXT_ALLOC_HUGE);
	whole.features = whole.n_features == 0 ? NULL
		: palloc_extended(whole.n * whole.n_features * sizeof(double), MCXT_ALLOC_HUGE);
	(void) append(&whole, append(&whole, append(&whole, 0, &history), &traded), &fresh);
	return whole;
}

/* A digest of all that a decision is made by. */
static void
digest_inputs(const lem_model_row *model, const lem_series *bars, lem_work_order *order)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, (const char *) model->digest, LEM_DIGEST_LENGTH);
	order->order.n_decided = order->n_slices;
	lem_order_write(&order->order, &buffer);
	lem_order_write_decided(&order->order, &buffer);
	lem_series_write(bars, &buffer);
	lem_catalog_checksum(buffer.data, buffer.len, order->inputs);
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

/* The bars since the start, up to the last that a slice traded in. */
static const lem_bars *
bars_traded(const lem_work_order *order, const lem_series *bars)
{
	const int	completed = order->n_completed + order->n_new_completed;
	lem_series	traded;

	if (completed == 0)
		return order->bars;
	traded = part_of(bars, lem_series_before(bars, order->order.start_ts),
					 lem_series_before(bars, order->bar_ts[completed - 1] + 1));
	return traded.n > 0 ? lem_bars_make(&traded) : order->bars;
}

/*
 * Take over what a schedule decides: the next slice, and before it those that were missed.  Nothing
 * is decided of an order that has expired, or for a bar after that.
 */
static void
take_slices(const work *w, const lem_model_row *model, const lem_series *bars,
			lem_work_order *order, const lem_slice *slices, int count)
{
	int			known = 0;
	int			complete = 0;	/* slices up to the one that completes the order */

	while (known < count && slices[known].state == LEM_SLICE_DONE)
		known++;
	while (complete < count && (complete == 0 || slices[complete - 1].cumulative < 1))
		complete++;
	if (!bars_fit(order, slices, known))
	{
		order->reason = "LM005: bars before the order's start have changed, and its slices do not "
			"fit the bars that they traded in";
		return;
	}
	digest_inputs(model, bars, order);
	order->version = model->version;
	order->slices = palloc(count * sizeof(lem_slice));
	for (int k = order->n_slices; k < complete; k++)
	{
		if (slices[k].state == LEM_SLICE_PROJECTED || slices[k].ts >= order->expires ||
			w->now >= order->expires)
			break;
		order->slices[order->n_new++] = slices[k];
		order->units[order->n_slices++] = lem_share_units(slices[k].allocation);
	}
	if (!order->started && order->n_slices > 0)
	{
		/* An order without a start begins after the last bar, whenever the next one comes. */
		if (!order->order.has_start)
			order->order.start_ts = bars->ts[bars->n - 1] + 1;
		order->started = true;
	}
	for (int k = order->n_completed; k < known && k < order->n_slices; k++)
	{
		order->bar_ts[k] = slices[k].ts;
		order->n_new_completed++;
	}
	order->bars = bars_traded(order, bars);
	if (order->n_slices == complete && known >= complete)
		order->outcome = LEM_OUTCOME_FINISHED;
}

/* Schedule some orders of a lot that have the same model, and take over what is decided. */
static void
schedule(lot *l, const lem_model *model, const lem_model_row *row, const int *members, int n)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "lem work", ALLOCSET_DEFAULT_SIZES);
	const lem_clock clock = lem_zone_clock(row->time_zone);
	const int	n_ahead = row->config.n_ahead;
	lem_order  *orders;
	lem_series *series;
	lem_slice  *slices;
	int		   *counts;
	int			failed = 0;
	void	   *memory;
	void	   *workspace;
	lem_fault	fault;
	lem_status	status;

	MemoryContextSwitchTo(scratch);
	orders = palloc(n * sizeof(lem_order));
	series = palloc(n * sizeof(lem_series));
	slices = palloc((Size) n * n_ahead * sizeof(lem_slice));
	counts = palloc(n * sizeof(int));
	for (int i = 0; i < n; i++)
	{
		orders[i] = l->orders[members[i]].order;
		orders[i].n_decided = l->orders[members[i]].n_slices;
		orders[i].decided = l->orders[members[i]].units;
		series[i] = l->bars[members[i]];
	}
	memory = MemoryContextAllocHuge(scratch, lem_schedule_workspace(model, n, series) + LEM_ALIGN);
	workspace = (void *) TYPEALIGN(LEM_ALIGN, memory);
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_schedule(model, n, orders, series, &clock, workspace, &lem_interrupt_stop,
							  slices, counts, &failed, &fault);
	} while (status == LEM_STOPPED);
	MemoryContextSwitchTo(context);
	if (status == LEM_OK)
	{
		for (int i = 0; i < n; i++)
			take_slices(l->work, row, &l->bars[members[i]], &l->orders[members[i]],
						slices + (Size) i * n_ahead, counts[i]);
		MemoryContextDelete(scratch);
		return;
	}

	/* One that cannot be scheduled does not hold up the others. */
	MemoryContextDelete(scratch);
	blame(&l->orders[members[failed]], fault_error(&fault));
	if (failed > 0)
		schedule(l, model, row, members, failed);
	if (failed + 1 < n)
		schedule(l, model, row, members + failed + 1, n - failed - 1);
}

/* Decide the orders of a lot that have the current model. */
static void
decide_model(lot *l)
{
	const lot_model *model = &l->models[l->current];
	bool	   *need = palloc0(lem_head_sets(&model->row.config) * sizeof(bool));
	int		   *members = palloc(l->n * sizeof(int));
	int			n = 0;
	int			batch = Max(lem_forward_batch(&model->row.config), 1);
	const lem_model *loaded;
	instr_time	start;

	lem_stat_start(&start);
	for (int i = 0; i < l->n; i++)
	{
		lem_work_order *order = &l->orders[i];
		int			branch;
		lem_fault	fault;

		if (l->model[i] != l->current || order->reason)
			continue;
		if (lem_schedule_branch(&model->row.config, &order->order, &branch, &fault) != LEM_OK)
		{
			blame(order, fault_error(&fault));
			continue;
		}
		need[model->row.config.shared_heads ? 0 : branch] = true;
		members[n++] = i;
	}
	if (n == 0)
		return;
	loaded = lem_cache_pin(l->work->schema, &model->row, need);
	for (int first = 0; first < n; first += batch)
		schedule(l, loaded, &model->row, members + first, Min(batch, n - first));
	lem_stat_call(&model->row, &start, n, (n + batch - 1) / batch);
}

/* Decide all orders of a lot. */
static void
decide(lot *l)
{
	for (int i = 0; i < l->n; i++)
	{
		lem_work_order *order = &l->orders[i];
		const lem_work_series *series;

		if (order->reason)
			continue;
		series = &l->serieses[l->series[i]];
		if (series->error)
			blame(order, series->error);
		else
		{
			l->bars[i] = bars_of(order, &series->bars);
			if (series->bars.n > 0)
				order->seen = Max(order->seen, series->bars.ts[series->bars.n - 1]);
		}
	}
	for (l->current = 0; l->current < l->n_models; l->current++)
	{
		ErrorData  *error;

		if (l->models[l->current].error)
			continue;
		error = guarded(decide_model, l);
		for (int i = 0; error && i < l->n; i++)
			if (l->model[i] == l->current && l->orders[i].reason == NULL)
			{
				l->orders[i].n_slices -= l->orders[i].n_new;
				l->orders[i].n_new = l->orders[i].n_new_completed = 0;
				blame(&l->orders[i], error);
			}
	}
}

/* Whether a claimed order has bars that it was not looked at with. */
static bool
keep_due(lem_work_order *order, const int64 *ids, const TimestampTz *last, int n)
{
	for (int i = 0; i < n; i++)
		if (ids[i] == order->id)
		{
			/* A series without bars may be one that is misspelt: the order says so. */
			if (order->seen >= last[i] && last[i] != DT_NOBEGIN)
				return false;
			order->seen = Max(order->seen, last[i]);
			return true;
		}
	return false;
}

/* Work some orders, whose series have these last bars. */
static void
work_lot(work *w, const int64 *ids, const TimestampTz *last, int n, bool wait)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem work lot",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	lot			l = {.work = w};
	int			claimed;

	l.orders = lem_work_claim(w->schema, ids, n, wait, &claimed);
	for (int i = 0; i < n && !wait; i++)
	{
		int			j = 0;

		while (j < claimed && l.orders[j].id != ids[i])
			j++;
		if (j == claimed)
			w->busy[w->n_busy++] = ids[i];
	}
	for (int i = 0; i < claimed; i++)
		if (keep_due(&l.orders[i], ids, last, n))
		{
			if (l.n != i)
			{
				l.orders[l.n] = l.orders[i];
				l.orders[l.n].order.decided = l.orders[l.n].units;
			}
			l.n++;
		}
	if (l.n > 0)
	{
		l.model = palloc0(l.n * sizeof(int));
		l.series = palloc0(l.n * sizeof(int));
		l.bars = palloc0(l.n * sizeof(lem_series));
		find_models(&l);
		load_bars(&l);
		decide(&l);
		lem_work_save(w->schema, w->user, l.orders, l.n);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	if (!w->atomic)
	{
		SPI_commit();
		SPI_start_transaction();
		EnsurePortalSnapshotExists();
	}
}

/* The last bars of the series of a list of orders; how many orders have bars not looked at. */
static int
find_due(work *w, lem_due_order *list, int n, int64 *ids, TimestampTz *last)
{
	Datum	   *names = palloc(Max(n, 1) * sizeof(Datum));
	TimestampTz *ends = palloc(Max(n, 1) * sizeof(TimestampTz));
	int			n_series = 0;
	int			due = 0;

	for (int i = 0; i < n; i++)
	{
		int			j = i - 1;

		/* Orders of a model come by series; those of other models repeat a few. */
		if (j >= 0 && strcmp(list[j].series, list[i].series) == 0)
			list[i].last = list[j].last;
		else
		{
			names[n_series] = CStringGetTextDatum(list[i].series);
			list[i].last = n_series++;
		}
	}
	if (n_series > 0)
		lem_work_bars_last(&w->bars, n_series, names, ends);
	for (int i = 0; i < n; i++)
	{
		const TimestampTz end = ends[list[i].last];

		if (end > list[i].seen || end == DT_NOBEGIN)
		{
			ids[due] = list[i].id;
			last[due++] = end;
		}
	}
	return due;
}

/* Work all orders that are due. */
static void
work_all(work *w)
{
	int			n;
	lem_due_order *list = lem_work_list(w->schema, w->user, &n);
	int64	   *ids = palloc(Max(n, 1) * sizeof(int64));
	TimestampTz *last = palloc(Max(n, 1) * sizeof(TimestampTz));
	int			due = find_due(w, list, n, ids, last);

	w->busy = palloc(Max(due, 1) * sizeof(int64));
	for (int first = 0; first < due; first += LOT_ORDERS)
		work_lot(w, ids + first, last + first, Min(LOT_ORDERS, due - first), false);

	/*
	 * Others worked on these.  They are waited for, and what one left undone is done here: once
	 * this returns, every slice is decided.  Within a transaction that keeps its locks two
	 * callers could wait for each other.
	 */
	if (!w->atomic)
		for (int i = 0; i < w->n_busy; i += LOT_ORDERS)
		{
			const int	count = Min(LOT_ORDERS, w->n_busy - i);
			TimestampTz *ends = palloc(count * sizeof(TimestampTz));

			for (int j = 0; j < count; j++)
				for (int k = 0; k < due; k++)
					if (ids[k] == w->busy[i + j])
						ends[j] = last[k];
			work_lot(w, w->busy + i, ends, count, true);
		}
	lem_work_expire(w->schema, w->user, w->now);
}

/*
 * lem_work(bars text, as_of timestamptz DEFAULT NULL)
 *
 * Decides the next slice of every active order of the user's, and of roles whose rights he has,
 * whose bar has completed, by the completed bars that a query returns: columns series, ts, price,
 * volume, and features where models take extra ones.  as_of: work as if it were that time, without
 * the bars from then on.  Commits as it goes, except within a transaction block.
 */
LEM_FUNCTION(pg_lem_work);

Datum
pg_lem_work(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	work		w = {0};

	w.atomic = fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic;
	PreventCommandIfReadOnly("lem_work()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", "bars")));
	context = AllocSetContextCreate(PortalContext ? PortalContext : CurrentMemoryContext,
									"lem work call", ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(w.atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	w.schema = pstrdup(lem_schema(fcinfo));
	w.user = GetUserId();
	w.now = PG_ARGISNULL(1) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(1);
	lem_work_bars_open(&w.bars, text_to_cstring(PG_GETARG_TEXT_PP(0)),
					   PG_ARGISNULL(1) ? DT_NOEND : w.now);
	work_all(&w);
	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

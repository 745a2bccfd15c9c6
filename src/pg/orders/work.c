/*
 * work.c: lem_work, the procedure that works orders.
 *
 * Claims.  An order is worked by who holds a lock on its row (FOR NO KEY UPDATE, as an UPDATE takes
 * it), taken before its slices are read and held until what was decided is committed.  A claim
 * leaves out what another transaction holds (SKIP LOCKED); where it had to follow a row to a newer
 * version, the server asks of that whether the order is still due.  So no step is decided twice,
 * however many sessions work; that a step is a key of lem_child_slice stands behind it.
 *
 * Passes.  A call finds the series that have news since it was noted which bars their orders were
 * looked at with (work_seen.c), reads these orders, asks for the last bars that have ended (work_due.c),
 * and goes through the series whose orders were not looked at with these, in batches: as many series as
 * have about BATCH_ORDERS orders, whose bars are read once.  A batch is claimed, decided, saved and
 * committed.  What is still due after a pass was held by others: a session that works it, which is waited for
 * so that every slice that was due is decided when the call returns; or a transaction that is
 * changing the order and may stay open for hours.  So the wait is bounded (lem.work_wait), and what
 * is left to the next call is told.
 *
 * Order of locks.  Claims never wait for rows, and nothing else is locked before them, so that who
 * works takes no part in a deadlock: who cancels or deletes orders may wait for a batch, a batch
 * never for anyone.  Rows are locked by series and id; slices are added and changed only by who has
 * claimed their order, and need no locks of their own.  Saving goes from slices to orders.
 *
 * Crashes.  A session that dies, or a server, loses the batch it was at: nothing of that is
 * committed, its rows are free again, and the orders are due for the next call.  Notifications are
 * sent by the commit that makes the slices visible: there is none of a slice that is not there.
 * Between an order's slices and what is kept with the order there is no state in which one is
 * committed without the other.
 *
 * Isolation.  A claim must see what others have committed, also since the transaction began.  Under
 * repeatable read or serializable it would fail with 40001 whenever two sessions meet, after having
 * done the work.  Called outside a transaction block, lem_work commits batch by batch, and each of
 * these transactions is read committed, whatever the session's default.  Within a block of another
 * level it refuses to begin.
 *
 * Errors.  What is wrong with a model, a series or an order is found in subtransactions
 * (pg/base/guard.h), and is the reason of the orders that it is about; the others of the batch go
 * on.  What was decided of an order is kept apart from what is stored (work_order.h), and is
 * forgotten where its part of the work fails.
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
#include "storage/latch.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/progress.h"
#include "pg/orders/orders.h"
#include "pg/orders/work_batch.h"
#include "pg/orders/work_due.h"
#include "pg/orders/work_late.h"
#include "pg/orders/work_seen.h"
#include "pg/orders/work_store.h"

/* Orders that are claimed at once. */
#define BATCH_ORDERS 256

/* How often it is asked whether others are done, in milliseconds. */
#define ASK_MS 10

/* Most orders that a message names. */
#define NAMED_ORDERS 10

int			lem_work_wait = 1000;

/* A call. */
typedef struct work
{
	lem_worker	worker;
	bool		atomic;			/* within a transaction of the caller's */
	bool		replays;		/* it was told what time it is */
	lem_work_bars bars;
	lem_progress progress;
} work;

/* Make what was done last, and go on in another transaction, which sees what others commit. */
static void
commit(work *w)
{
	if (w->atomic)
		return;
	lem_work_bars_forget(&w->bars);
	SPI_commit();
	SPI_start_transaction();
	if (IsolationUsesXactSnapshot())
		(void) set_config_option("transaction_isolation", "read committed", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	EnsurePortalSnapshotExists();
}

/* See what others commit from the first claim on; raises 0A000 where that cannot be. */
static void
begin(work *w)
{
	if (!IsolationUsesXactSnapshot())
		return;
	if (w->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("lem_work() cannot run in a transaction of isolation level \"%s\"",
						XactIsoLevel == XACT_SERIALIZABLE ? "serializable" : "repeatable read"),
				 errdetail("It has to see what other sessions decided since the transaction began."),
				 errhint("Call it outside a transaction block, or in one that begins with BEGIN "
						 "ISOLATION LEVEL READ COMMITTED.")));
	commit(w);
}

/* Work due orders of some series, at most BATCH_ORDERS; how many. */
static int
work_orders(work *w, const lem_active_series *due, lem_work_series *series, int n,
			MemoryContext series_context)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem work batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	lem_work_batch batch = {
		.schema = w->worker.schema,
		.feed = &w->worker.feed,
		.now = w->worker.now,
		.replays = w->replays,
		.bars = &w->bars,
		.n_series = n,
		.series = series,
		.series_context = series_context
	};

	batch.orders = lem_work_claim(&w->worker, due, n, BATCH_ORDERS, &batch.n);
	if (batch.n > 0)
	{
		lem_work_batch_decide(&batch);
		lem_work_save(&w->worker, batch.orders, batch.n);
	}
	commit(w);
	lem_progress_done(&w->progress, w->progress.done + batch.n);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	return batch.n;
}

/* Work the due orders of some series, whose bars are read once; how many. */
static int64
work_series(work *w, const lem_active_series *due, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem work series",
												  ALLOCSET_DEFAULT_SIZES);
	lem_work_series *series = MemoryContextAllocZero(context, n * sizeof(lem_work_series));
	int64		worked = 0;
	int64		most = 0;
	int			count;

	for (int i = 0; i < n; i++)
	{
		most += due[i].orders;
		series[i].name = due[i].name;
		series[i].last = due[i].last;
		series[i].since = DT_NOEND;
	}
	do
	{
		count = work_orders(w, due, series, n, context);
		worked += count;
	} while (count == BATCH_ORDERS && worked < most);
	MemoryContextDelete(context);
	return worked;
}

/* Work all orders of some series that are due, but those that others hold; how many. */
static int64
work_due(work *w, const lem_active_series *due, int n)
{
	int64		worked = 0;
	int			count;

	for (int first = 0; first < n; first += count)
	{
		int64		orders = due[first].orders;

		for (count = 1; first + count < n; count++)
		{
			orders += due[first + count].orders;
			if (orders > BATCH_ORDERS)
				break;
		}
		worked += work_series(w, due + first, count);
	}
	return worked;
}

/* Tell that due orders of some series are left. */
static void
tell_left(work *w, const lem_active_series *due, int n)
{
	StringInfoData text;
	int64		orders = 0;
	int			n_ids;
	int64	   *ids = lem_work_due_ids(&w->worker, due, n, NAMED_ORDERS, &n_ids);

	for (int i = 0; i < n; i++)
		orders += due[i].orders;
	initStringInfo(&text);
	for (int i = 0; i < n_ids; i++)
		appendStringInfo(&text, "%s%lld", i > 0 ? ", " : "", (long long) ids[i]);
	if (orders > n_ids)
		appendStringInfoString(&text, ", ...");
	ereport(WARNING,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg_plural("%lld order is held by other transactions, and is left to the next call",
						   "%lld orders are held by other transactions, and are left to the next "
						   "call", orders, (long long) orders),
			 errdetail("They are: %s.", text.data),
			 errhint("Other calls of lem_work() hold orders for as long as they work them; any "
					 "other transaction that changes orders should end soon.")));
}

/*
 * Others hold orders that are due.  What they work is waited for, and what they left undone is done
 * here; but not for longer than lem.work_wait, and not within a transaction that keeps its own
 * claims, where two could wait for each other.
 */
static void
work_left(work *w, lem_active_series *due, int n)
{
	const TimestampTz start = GetCurrentTimestamp();

	for (bool again = false; (n = lem_work_still_due(&w->worker, due, n)) > 0; again = true)
	{
		if (again && (w->atomic || TimestampDifferenceExceeds(start, GetCurrentTimestamp(),
															  lem_work_wait)))
		{
			tell_left(w, due, n);
			return;
		}
		if (work_due(w, due, n) > 0)
			continue;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ASK_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Work all orders that are due. */
static void
work_all(work *w)
{
	int			n;
	int64		orders = 0;
	lem_active_series *due;
	lem_read_series read;

	lem_progress_begin(&w->progress, LEM_PROGRESS_WORK, 0);
	lem_progress_enter(&w->progress, LEM_PHASE_READING, 0, 0);
	due = lem_work_find_due(&w->worker, &w->bars, !w->replays, &read, &n);
	for (int i = 0; i < n; i++)
		orders += due[i].orders;
	if (n > 0)
	{
		lem_progress_enter(&w->progress, LEM_PHASE_DECIDING, 0, orders);
		(void) work_due(w, due, n);
		work_left(w, due, n);
	}
	lem_work_expire(&w->worker);
	commit(w);
	if (!w->atomic && (read.all || read.n > 0))
	{
		lem_work_note_seen(&w->worker, read.names, read.n);
		commit(w);
	}
	lem_work_late(&w->worker, &w->bars);
	lem_progress_end(&w->progress);
}

/*
 * lem_work(bars text, as_of timestamptz DEFAULT NULL, feed text DEFAULT NULL); in 1.0 the first two
 *
 * Decides the next slice of every active order of the user's, and of roles whose rights he has,
 * whose bar has completed, by the completed bars that a query returns: columns series, ts, price,
 * volume, and features where models take extra ones.  Orders are those of a feed.  as_of: work as if
 * it were that time.  Bars that had not ended by then, or by the clock, are left out.  Commits as it
 * goes, except within a transaction block.
 */
LEM_FUNCTION(pg_lem_work);

Datum
pg_lem_work(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	work		w = {0};
	char	   *query;

	w.atomic = fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic;
	PreventCommandIfReadOnly("lem_work()");
	lem_refuse_null(PG_ARGISNULL(0), "bars");
	if (!PG_ARGISNULL(1) && TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite", "as_of")));
	context = AllocSetContextCreate(PortalContext ? PortalContext : CurrentMemoryContext,
									"lem work call", ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(w.atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	w.worker.schema = pstrdup(lem_schema(fcinfo));
	w.worker.user = GetUserId();
	query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	begin(&w);
	lem_worker_find_owners(&w.worker);
	w.worker.feed = lem_feed_find(w.worker.schema, PG_NARGS() <= 2 || PG_ARGISNULL(2)
								  ? LEM_DEFAULT_FEED : text_to_cstring(PG_GETARG_TEXT_PP(2)), false);
	w.replays = !PG_ARGISNULL(1);
	w.worker.now = w.replays ? PG_GETARG_TIMESTAMPTZ(1) : GetCurrentTimestamp();
	lem_work_bars_open(&w.bars, w.worker.schema, query, w.worker.now);
	work_all(&w);
	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

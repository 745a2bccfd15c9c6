/* purge.c: lem_purge, which forgets orders that ended long ago. */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/orders/orders.h"
#include "pg/orders/work_seen.h"

/* Orders that are deleted at once. */
#define PURGE_ORDERS 1000

/* Delete some orders, with all that goes with them; how many.  Parameters as below. */
static uint64
purge_some(lem_query *query)
{
	/* Those that a transaction of another's holds are left to the next call. */
	return lem_query_run(query,
						 "DELETE FROM %1$s.lem_parent_order WHERE id = ANY (ARRAY("
						 "SELECT id FROM %1$s.lem_parent_order WHERE ended_at < $1"
						 " AND state = ANY ('{finished,expired,cancelled}')"
						 " AND owner OPERATOR(%1$s.=) ANY ($3) ORDER BY ended_at LIMIT $2"
						 " FOR UPDATE SKIP LOCKED))");
}

/*
 * lem_purge(before timestamptz)
 *
 * Deletes orders that ended before a time, with their slices and fills: the user's, and those of
 * roles whose rights he has.  Not those that are active or failed.  Commits as it goes, except
 * within a transaction block.
 */
LEM_FUNCTION(pg_lem_purge);

Datum
pg_lem_purge(PG_FUNCTION_ARGS)
{
	const bool	atomic = fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic;
	MemoryContext context;
	MemoryContext old;
	lem_query	query;
	TimestampTz before;
	uint64		purged;

	PreventCommandIfReadOnly("lem_purge()");
	lem_refuse_null(PG_ARGISNULL(0), "before");
	before = PG_GETARG_TIMESTAMPTZ(0);
	context = AllocSetContextCreate(PortalContext ? PortalContext : CurrentMemoryContext,
									"lem purge", ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	lem_query_begin(&query, pstrdup(lem_schema(fcinfo)));
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(before), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(PURGE_ORDERS), false);
	lem_orders_add_owners(&query, GetUserId(), false);
	query.by_index = true;
	do
	{
		purged = purge_some(&query);
		if (!atomic)
		{
			SPI_commit();
			SPI_start_transaction();
			EnsurePortalSnapshotExists();
		}
		CHECK_FOR_INTERRUPTS();
	} while (purged == PURGE_ORDERS);
	if (!atomic)
		lem_work_forget_series(query.schema);
	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

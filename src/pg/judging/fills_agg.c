/* fills_agg.c: the aggregate lem_tca, which makes lem_fills of an order's executions. */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"
#include "pg/base/aggregate.h"
#include "pg/judging/fills_type.h"
#include "pg/schedule/order_type.h"

LEM_FUNCTION(pg_lem_tca_accum);
LEM_FUNCTION(pg_lem_tca_merge_accum);
LEM_FUNCTION(pg_lem_tca_combine);
LEM_FUNCTION(pg_lem_tca_serialize);
LEM_FUNCTION(pg_lem_tca_deserialize);
LEM_FUNCTION(pg_lem_tca_final);

typedef struct tca_state
{
	HeapTupleHeader tuple;		/* the order as it came, to compare others with; may be NULL */
	lem_fill_set *set;
} tca_state;

static void
different_order(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("lem_tca was called with different orders in one group"),
			 errhint("Group by the order.")));
}

/* A state for an order, whose row is copied if there is one. */
static tca_state *
state_create(MemoryContext context, const lem_order *order, HeapTupleHeader tuple)
{
	tca_state  *state = MemoryContextAllocZero(context, sizeof(tca_state));

	state->set = lem_fill_set_create(context, order);
	if (tuple)
	{
		Size		length = HeapTupleHeaderGetDatumLength(tuple);

		state->tuple = MemoryContextAlloc(context, length);
		memcpy(state->tuple, tuple, length);
	}
	return state;
}

/*
 * _lem_tca_accum(internal, order, ts, price, quantity [, fee]) returns internal.  A fill with a NULL is
 * left out, but where it is the fee, which is then 0.  Errors: 22004 for a NULL order, 22023 if orders differ, those of lem_order(), LM001, LM007.
 */
Datum
pg_lem_tca_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	tca_state  *state = PG_ARGISNULL(0) ? NULL : (tca_state *) PG_GETARG_POINTER(0);
	HeapTupleHeader tuple;
	lem_order	order;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the order is NULL")));
	tuple = PG_GETARG_HEAPTUPLEHEADER(1);
	if (state == NULL)
	{
		lem_order_read(tuple, &order);
		state = state_create(context, &order, tuple);
	}
	else if (state->tuple == NULL ||
			 HeapTupleHeaderGetDatumLength(tuple) !=
			 HeapTupleHeaderGetDatumLength(state->tuple) ||
			 memcmp(tuple, state->tuple, HeapTupleHeaderGetDatumLength(tuple)) != 0)
	{
		/* the same order can come in other bytes */
		lem_order_read(tuple, &order);
		if (!lem_order_equal(&order, &state->set->order))
			different_order();
	}
	if (!PG_ARGISNULL(2) && !PG_ARGISNULL(3) && !PG_ARGISNULL(4))
	{
		lem_fill	fill;

		fill.ts = PG_GETARG_TIMESTAMPTZ(2);
		fill.price = PG_GETARG_FLOAT8(3);
		fill.quantity = PG_GETARG_FLOAT8(4);
		fill.fee = PG_NARGS() > 5 && !PG_ARGISNULL(5) ? PG_GETARG_FLOAT8(5) : 0;
		lem_fill_set_add(state->set, &fill);
	}
	PG_RETURN_POINTER(state);
}

/* _lem_tca_merge_accum(internal, lem_fills) returns internal: NULL fills are left out. */
Datum
pg_lem_tca_merge_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	tca_state  *state = PG_ARGISNULL(0) ? NULL : (tca_state *) PG_GETARG_POINTER(0);
	lem_order	order;
	lem_executions executions;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	lem_fills_view(PG_GETARG_LEM_FILLS_P(1), &order, &executions);
	if (state == NULL)
		state = state_create(context, &order, NULL);
	else if (!lem_order_equal(&order, &state->set->order))
		different_order();
	for (Size i = 0; i < executions.n; i++)
	{
		const lem_fill fill = lem_fill_of(&executions, i);

		lem_fill_set_add(state->set, &fill);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_POINTER(state);
}

/* _lem_tca_combine(internal, internal) returns internal.  Errors: 22023. */
Datum
pg_lem_tca_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	tca_state  *to = PG_ARGISNULL(0) ? NULL : (tca_state *) PG_GETARG_POINTER(0);
	const lem_fill_set *from;

	if (PG_ARGISNULL(1))
	{
		if (to == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(to);
	}
	from = ((tca_state *) PG_GETARG_POINTER(1))->set;
	if (to == NULL)
		to = state_create(context, &from->order, NULL);
	else if (!lem_order_equal(&to->set->order, &from->order))
		different_order();
	for (Size i = 0; i < from->n; i++)
		lem_fill_set_add(to->set, &from->fills[i]);
	PG_RETURN_POINTER(to);
}

/* _lem_tca_serialize(internal) returns bytea. */
Datum
pg_lem_tca_serialize(PG_FUNCTION_ARGS)
{
	const tca_state *state = (tca_state *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	lem_order_write(&state->set->order, &buffer);
	lem_fill_set_write(state->set, true, &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_tca_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_tca_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	lem_order	order;
	tca_state  *state;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	lem_order_read_wire(&buffer, &order);
	state = state_create(CurrentMemoryContext, &order, NULL);
	lem_fill_set_read(state->set, true, &buffer);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(state);
}

/* _lem_tca_final(internal) returns lem_fills: NULL without rows. */
Datum
pg_lem_tca_final(PG_FUNCTION_ARGS)
{
	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(lem_fill_set_make(((tca_state *) PG_GETARG_POINTER(0))->set));
}

/*
 * group.h: the state of aggregates that run an order over the bars of a group: one model, one order,
 * the options where there are any, and the bars so far.
 */
#ifndef LEM_PG_GROUP_H
#define LEM_PG_GROUP_H

#include "postgres.h"

#include "access/htup.h"
#include "fmgr.h"
#include "utils/jsonb.h"

#include "core/orders/order.h"
#include "pg/bars/bars_type.h"

typedef struct lem_group
{
	char	   *model;
	Size		model_length;
	HeapTupleHeader tuple;		/* the order as it came, to compare others with; may be NULL */
	lem_order	order;
	Jsonb	   *options;		/* NULL: none */
	lem_builder *bars;
} lem_group;

/*
 * The transition function: (internal, model, ord, ts, price, volume [, close] [, features]
 * [, options]).
 * Errors: 22004 for a NULL model or order, 22023 if they or the options differ between rows, those
 * of lem_order_read and lem_builder_add.
 */
extern lem_group *lem_group_accum(FunctionCallInfo fcinfo, bool close, bool features,
								  bool options);

/* The other support functions; combining nothing with nothing gives NULL. */
extern lem_group *lem_group_combine(FunctionCallInfo fcinfo);
extern bytea *lem_group_serialize(FunctionCallInfo fcinfo);
extern lem_group *lem_group_deserialize(FunctionCallInfo fcinfo);

/* The state that a final function gets, which must not change it; LM003 if there were no rows. */
extern const lem_group *lem_group_state(FunctionCallInfo fcinfo);

#endif

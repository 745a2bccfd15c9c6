/*
 * orders.h: working orders: what the functions that take them in and the procedure that works them
 * share.
 */
#ifndef LEM_PG_ORDERS_H
#define LEM_PG_ORDERS_H

#include "postgres.h"

#include "core/orders/order.h"
#include "pg/base/query.h"

/* GUC lem.notify_details. */
extern bool lem_notify_details;

/* GUC lem.work_wait, milliseconds. */
extern int	lem_work_wait;

/*
 * What LISTEN lem_slice is told about an order o and a step of it (NULL: about the order itself), by
 * a query in whose text this stands: where to look.  Whoever is connected can listen, and can notify
 * as well, so that there is nothing in it to trade on.  With details, for which parameter $1 of the
 * query stands, an event and more pairs of key and value are told along.
 */
#define LEM_NOTIFY(event, step, more) \
	"pg_notify('lem_slice', json_strip_nulls(CASE WHEN $1" \
	" THEN json_build_object('order', o.id, 'step', " step ", 'event', " event "," \
	" 'owner', o.owner, 'series', o.series" more ")" \
	" ELSE json_build_object('order', o.id, 'step', " step ") END)::text)"

/*
 * What makes an active order due without a bar, in an UPDATE of it; so that lem_work finds it, without
 * reading the others (work_seen.c).
 */
#define LEM_LOOK_AGAIN "seen_ts = NULL, changed = pg_current_xact_id()"

/*
 * What an order p that ends before its plan does has left, in an UPDATE of it: what counts as done of
 * its slices may be less than they were.  Of one that goes on from its fills they say what is left.
 */
#define LEM_PLAN_LEFT \
	"unallocated = CASE WHEN coalesce(p.track, 'plan') = 'plan' THEN (p.ord).size - p.quantity" \
	" + coalesce((SELECT sum((c.quantity - c.executed)" \
	" * CASE (p.ord).unit WHEN 'notional' THEN 1 ELSE c.adjusted END)" \
	" FROM %1$s.lem_child_slice AS c WHERE c.order_id = p.id AND NOT c.skipped), 0) END"

/*
 * Owners of orders, or of those that lem_work has to do with, for whom the user acts, as a parameter of type lem_role[];
 * within SPI.
 */
extern void lem_orders_add_owners(lem_query *query, Oid user, bool active);

/*
 * Raise 42704 unless there is such an order, and the user acts for its owner; within SPI.  hold: both
 * stay so until the transaction ends, and no slice is decided meanwhile.
 */
extern void lem_orders_require(const char *schema, int64 id, bool hold);

/* Record that the user did something with an order, with a JSON text or NULL; within SPI. */
extern void lem_orders_event(const char *schema, int64 id, const char *event, const char *detail);

/* Sum an order's fills anew, where one was changed; within SPI, with the order held. */
extern void lem_orders_sum_fills(const char *schema, int64 id);

/* Text as JSON, and a JSON object with one text in it, palloc'd. */
extern char *lem_json_text(const char *value);
extern char *lem_json_pair(const char *key, const char *value);

/* Raise what says that a model cannot keep an order's limits, or cannot be used. */
extern void lem_orders_check(const char *schema, const char *model, const lem_order *order);

#endif

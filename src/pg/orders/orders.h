/*
 * orders.h: working orders: what the functions that take them in and the procedure that works them
 * share.
 */
#ifndef LEM_PG_ORDERS_H
#define LEM_PG_ORDERS_H

#include "postgres.h"

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
 * Owners of orders, or of active ones, for whom the user acts, as a parameter of type lem_role[];
 * within SPI.
 */
extern void lem_orders_add_owners(lem_query *query, Oid user, bool active);

#endif

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
 * What LISTEN lem_slice is told about an order o, by a query in whose text this stands: an event,
 * and more pairs of key and value.  Parameter $1 of the query says whether with details, which
 * all sessions of the database can read.
 */
#define LEM_NOTIFY(event, more) \
	"pg_notify('lem_slice', json_strip_nulls(json_build_object('event', " event "," \
	" 'order', o.id, 'owner', o.owner, 'series', CASE WHEN $1 THEN o.series END" more "))::text)"

/*
 * Owners of orders, or of active ones, for whom the user acts, as a parameter of type lem_role[];
 * within SPI.
 */
extern void lem_orders_add_owners(lem_query *query, Oid user, bool active);

#endif

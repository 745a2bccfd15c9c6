/*
 * forecast.h: what is to be expected of an order when it is handed over.
 */
#ifndef LEM_PG_FORECAST_H
#define LEM_PG_FORECAST_H

#include "postgres.h"

#include "core/orders/order.h"

/* An order that is handed over. */
typedef struct lem_handed_order
{
	const char *schema;			/* of the extension */
	const char *series;
	const char *model;
	const char *calendar;		/* NULL: none */
	const lem_order *order;
	Oid			type;			/* of lem_order */
	Datum		datum;			/* the order as a value of it */
} lem_handed_order;

/*
 * Schedule an order over the bars that a query for lem_work returns by now.  Raises what scheduling
 * does (LM006: its limits cannot complete it, and it is not best effort); warns of a series that is
 * not there; says what is expected to be left.  The event's detail that records that, palloc'd;
 * NULL: nothing is.  Within SPI.
 */
extern char *lem_orders_forecast(const lem_handed_order *handed, const char *bars);

#endif

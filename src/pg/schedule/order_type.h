/*
 * order_type.h: the composite type lem_order.
 */
#ifndef LEM_PG_ORDER_TYPE_H
#define LEM_PG_ORDER_TYPE_H

#include "postgres.h"

#include "access/htup.h"
#include "lib/stringinfo.h"

#include "core/orders/order.h"

/*
 * An order out of a lem_order value, wherever that came from: fields that are NULL take the
 * constructor's defaults.  Raises 22004 for a NULL size, LM006 and LM007 for what no model could
 * accept; an order that passes is held against the model's own limits later.
 */
extern void lem_order_read(HeapTupleHeader tuple, lem_order *order);

/* An order as a lem_order value; type is lem_order's OID. */
extern Datum lem_order_datum(Oid type, const lem_order *order);

/*
 * The same out of the type's fields, in their order; those of 1.0 come first, and are all that
 * there is before the extension is updated.
 */
#define LEM_ORDER_FIELDS_1_0 10
#define LEM_ORDER_FIELDS 17
#define LEM_ORDER_ARRIVAL 15	/* place of arrival_price */
extern void lem_order_from_fields(const Datum *values, const bool *nulls, lem_order *order);

/* Raise LM006 or LM007 for what no model could accept. */
extern void lem_order_validate(const lem_order *order);

/* Do two orders ask for the same? */
extern bool lem_order_equal(const lem_order *a, const lem_order *b);

/*
 * An order's fields of 1.0 in network byte order, the fields after those, what was decided and
 * executed of it before, and an order back.
 */
extern void lem_order_write(const lem_order *order, StringInfo buffer);
extern void lem_order_write_bounds(const lem_order *order, StringInfo buffer);
extern void lem_order_write_decided(const lem_order *order, StringInfo buffer);
extern void lem_order_read_wire(StringInfo buffer, lem_order *order);
extern void lem_order_read_bounds(StringInfo buffer, lem_order *order);

/* Has an order any of the fields that came after 1.0? */
extern bool lem_order_has_bounds(const lem_order *order);

#endif

/* fills.c: what was really traded of orders. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/role.h"
#include "pg/orders/orders.h"

LEM_FUNCTION(pg_lem_record_fill);
LEM_FUNCTION(pg_lem_bust_fill);

/* Longest name that a fill can have. */
#define MAX_FILL_ID 500

/* A fill, as the arguments of lem_record_fill give it. */
typedef struct given_fill
{
	int64		order_id;
	TimestampTz ts;
	double		price;
	double		quantity;
	int			step;			/* 0: as its time says */
	double		fee;
	const char *fill_id;		/* NULL: none */
} given_fill;

/* Raises 22004, LM001 and 22023 for what cannot be a fill. */
static void
read_fill(FunctionCallInfo fcinfo, given_fill *fill)
{
	static const char *const names[] = {"order_id", "ts", "price", "quantity"};

	for (int i = 0; i < (int) lengthof(names); i++)
		lem_refuse_null(PG_ARGISNULL(i), names[i]);
	fill->order_id = PG_GETARG_INT64(0);
	fill->ts = PG_GETARG_TIMESTAMPTZ(1);
	fill->price = PG_GETARG_FLOAT8(2);
	fill->quantity = PG_GETARG_FLOAT8(3);
	fill->step = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT32(4);
	fill->fee = PG_ARGISNULL(5) ? 0 : PG_GETARG_FLOAT8(5);
	fill->fill_id = PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6));
	if (!IS_VALID_TIMESTAMP(fill->ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("a fill's time cannot be %s", timestamptz_to_str(fill->ts))));
	if (!isfinite(fill->price))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("invalid price %s of a fill", lem_number_text(fill->price)),
				 errdetail("A price must be finite.")));
	if (!(fill->quantity > 0 && isfinite(fill->quantity)))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("invalid quantity %s of a fill", lem_number_text(fill->quantity)),
				 errdetail("A quantity must be finite and greater than zero, for sells, too."),
				 errhint("A fill is taken back with lem_bust_fill.")));
	if (!isfinite(fill->price * fill->quantity))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("quantity %s of a fill at %s is out of range",
						lem_number_text(fill->quantity), lem_number_text(fill->price)),
				 errdetail("What it came to, price times quantity, must be finite.")));
	if (!isfinite(fill->fee))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("invalid fee %s of a fill", lem_number_text(fill->fee)),
				 errdetail("A fee must be finite; less than 0 is a rebate.")));
	if (!PG_ARGISNULL(4) && fill->step < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid step %d of a fill", fill->step),
				 errhint("Steps count from 1; NULL leaves it to the fill's time.")));
	if (fill->fill_id && (*fill->fill_id == '\0' || strlen(fill->fill_id) > MAX_FILL_ID))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid fill_id \"%s\"", lem_clip_text(fill->fill_id)),
				 errhint("It has 1 to %d bytes.", MAX_FILL_ID)));
}

/*
 * The fill that was recorded under that name before; 0: none.  The same again is one fill; another
 * is an error (23505).
 */
static int64
find_fill(const char *schema, const given_fill *fill)
{
	lem_query	query;

	if (fill->fill_id == NULL)
		return 0;
	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(fill->order_id), false);
	lem_query_add_text(&query, fill->fill_id);
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(fill->ts), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill->price), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill->quantity), false);
	if (lem_query_run(&query,
					  "SELECT id, ts = $3 AND price = $4 AND quantity = $5"
					  " FROM %1$s.lem_order_fill WHERE order_id = $1 AND fill_id = $2") == 0)
		return 0;
	if (!DatumGetBool(lem_query_column(0, 2, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("fill_id \"%s\" is that of another fill of the order",
						lem_clip_text(fill->fill_id)),
				 errdetail("Fill %lld has another time, price or quantity.",
						   (long long) DatumGetInt64(lem_query_column(0, 1, NULL))),
				 errhint("To correct a fill, bust it and record the right one under another "
						 "fill_id.")));
	return DatumGetInt64(lem_query_column(0, 1, NULL));
}

/* Below zero money comes back: it is no part of a notional.  Raises LM001. */
static void
refuse_notional(const char *schema, const given_fill *fill)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(fill->order_id), false);
	if (lem_query_run(&query, "SELECT FROM %1$s.lem_parent_order"
					  " WHERE id = $1 AND (ord).unit = 'notional'") > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("price %s of a fill is below zero", lem_number_text(fill->price)),
				 errdetail("Order %lld is of a notional, which is traded at prices above zero.",
						   (long long) fill->order_id),
				 errhint("Cancel it, and go on with an order of a quantity.")));
}

void
lem_orders_sum_fills(const char *schema, int64 id)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	query.by_index = true;
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	lem_query_run(&query,
				  "UPDATE %1$s.lem_parent_order AS o SET filled = f.filled,"
				  " fill_notional = f.notional, fees = f.fees"
				  " FROM (SELECT sum(quantity * adjusted) AS filled,"
				  " sum(price * quantity) AS notional, sum(fee) AS fees"
				  " FROM %1$s.lem_order_fill WHERE order_id = $1 AND busted_at IS NULL) AS f"
				  " WHERE o.id = $1");
}

/*
 * lem_record_fill(order_id, ts, price, quantity, step, fee, fill_id) RETURNS bigint
 *
 * Records what was really traded: many fills a slice, in any order, late, more than was asked for,
 * and after the order's end.  The same fill_id again is the same fill, whose number is returned.  From
 * the first fill on the order goes on from its fills, unless it tracks the plan.  Without a step it
 * fills the last slice whose bar had begun.  Errors: 22004, 22023, 42704, LM001, 23505 for the
 * fill_id of another fill.
 */
Datum
pg_lem_record_fill(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	given_fill	fill;
	lem_query	query;
	bool		is_null;
	int64		id;

	read_fill(fcinfo, &fill);
	lem_query_connect();
	lem_orders_require(schema, fill.order_id, true);
	if (fill.price < 0)
		refuse_notional(schema, &fill);
	id = find_fill(schema, &fill);
	if (id > 0)
	{
		SPI_finish();
		PG_RETURN_INT64(id);
	}

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(fill.order_id), false);
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(fill.ts), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(fill.step), fill.step == 0);
	lem_query_run(&query,
				  "SELECT coalesce(max(step) FILTER (WHERE step = $3),"
				  " CASE WHEN $3 IS NULL THEN coalesce(max(step) FILTER"
				  " (WHERE coalesce(bar_ts, ts) <= $2), min(step)) END)"
				  " FROM %1$s.lem_child_slice WHERE order_id = $1");
	fill.step = DatumGetInt32(lem_query_column(0, 1, &is_null));
	if (is_null && !PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no slice %d of order %lld was decided", PG_GETARG_INT32(4),
						(long long) fill.order_id),
				 errhint("Leave step NULL for a fill that no slice asked for.")));

	lem_query_begin(&query, schema);
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	lem_query_add(&query, INT8OID, Int64GetDatum(fill.order_id), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(fill.step), is_null);
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(fill.ts), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill.price), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill.quantity), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill.fee), false);
	lem_query_add_text(&query, fill.fill_id);
	lem_query_add_user(&query, GetUserId());
	lem_query_run(&query,
				  "WITH f AS (INSERT INTO %1$s.lem_order_fill (order_id, step, ts, price, quantity,"
				  " fee, fill_id, recorded_by) VALUES ($2, $3, $4, $5, $6, $7, $8, $9)"
				  " RETURNING id, order_id, step, quantity, price)"
				  " SELECT f.id, " LEM_NOTIFY("'fill'", "f.step",
											  ", 'quantity', f.quantity, 'price', f.price")
				  " FROM f JOIN %1$s.lem_parent_order AS o ON o.id = f.order_id");
	id = DatumGetInt64(lem_query_column(0, 1, NULL));

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(fill.order_id), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill.price), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill.quantity), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(fill.fee), false);
	lem_query_run(&query,
				  "UPDATE %1$s.lem_parent_order SET track = coalesce(track, 'fills'),"
				  " filled = coalesce(filled, 0) + $3,"
				  " fill_notional = coalesce(fill_notional, 0) + $2 * $3,"
				  " fees = coalesce(fees, 0) + $4 WHERE id = $1");
	SPI_finish();
	PG_RETURN_INT64(id);
}

/*
 * Work an order on that had finished with a fill that is taken back.  Its feed may have been dropped
 * since, as none that orders had not ended named: then it is the default one.
 */
static void
reopen(const char *schema, int64 id)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	if (lem_query_run(&query,
					  "UPDATE %1$s.lem_parent_order SET state = 'active', ended_at = NULL,"
					  " paper_done = false, " LEM_LOOK_AGAIN
					  " WHERE id = $1 AND state = 'finished' AND track = 'fills' RETURNING id") == 0)
		return;
	if (lem_query_run(&query,
					  "SELECT FROM %1$s.lem_feed AS f JOIN %1$s.lem_parent_order AS o"
					  " ON o.feed = f.name WHERE o.id = $1 FOR KEY SHARE OF f") == 0)
		lem_query_run(&query,
					  "UPDATE %1$s.lem_parent_order SET feed = DEFAULT"
					  " WHERE id = $1 AND feed <> 'default'");
}

/*
 * lem_bust_fill(fill bigint, reason text DEFAULT NULL) RETURNS boolean
 *
 * Takes a fill back: what it had traded is missing again.  An order that had finished is worked on,
 * as far as it has bars left.  False if it was taken back before.  Errors: 22004, 42704.
 */
Datum
pg_lem_bust_fill(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	lem_query	query;
	int64		order_id;
	bool		found;
	bool		busted;

	lem_refuse_null(PG_ARGISNULL(0), "fill");
	lem_query_connect();
	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
	found = lem_query_run(&query,
						  "SELECT f.order_id, o.owner FROM %1$s.lem_order_fill AS f"
						  " JOIN %1$s.lem_parent_order AS o ON o.id = f.order_id"
						  " WHERE f.id = $1") > 0;
	if (!found || !lem_user_acts_for(schema, GetUserId(),
									 lem_role_id(DatumGetLemRoleP(lem_query_column(0, 2, NULL)))))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("fill %lld does not exist", (long long) PG_GETARG_INT64(0)),
				 errhint("Fills of your orders are in the table lem_order_fill.")));
	order_id = DatumGetInt64(lem_query_column(0, 1, NULL));
	lem_orders_require(schema, order_id, true);
	lem_query_add_user(&query, GetUserId());
	busted = lem_query_run(&query,
						   "UPDATE %1$s.lem_order_fill SET busted_at = clock_timestamp(),"
						   " busted_by = $2 WHERE id = $1 AND busted_at IS NULL RETURNING id") > 0;
	if (busted)
	{
		reopen(schema, order_id);
		lem_orders_sum_fills(schema, order_id);
		lem_orders_event(schema, order_id, "busted",
						 psprintf("{\"fill\": %lld, \"reason\": %s}",
								  (long long) PG_GETARG_INT64(0),
								  PG_ARGISNULL(1) ? "null" : lem_json_text(
									  text_to_cstring(PG_GETARG_TEXT_PP(1)))));
	}
	SPI_finish();
	PG_RETURN_BOOL(busted);
}

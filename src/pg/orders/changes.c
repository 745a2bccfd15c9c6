/*
 * changes.c: changes of mind: pausing, resuming, amending orders, and adjusting them for splits.
 *
 * Each holds the order's row, and so waits for a lem_work that is deciding it; what was decided and
 * filled stays, and each change is recorded with who made it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/judging/strategy.h"
#include "pg/orders/orders.h"
#include "pg/schedule/order_type.h"

LEM_FUNCTION(pg_lem_pause_order);
LEM_FUNCTION(pg_lem_resume_order);
LEM_FUNCTION(pg_lem_amend_order);
LEM_FUNCTION(pg_lem_adjust_order);

/*
 * lem_pause_order(id bigint, reason text DEFAULT NULL) RETURNS boolean
 *
 * No slices are decided of the order until it is resumed; false if it is not active.
 */
Datum
pg_lem_pause_order(PG_FUNCTION_ARGS)
{
	lem_query	query;
	bool		paused;

	lem_refuse_null(PG_ARGISNULL(0), "id");
	lem_query_connect();
	lem_query_begin(&query, lem_schema(fcinfo));
	lem_orders_require(query.schema, PG_GETARG_INT64(0), true);
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
	lem_query_add(&query, TEXTOID, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
				  PG_ARGISNULL(1));
	paused = lem_query_run(&query,
						   "WITH o AS (UPDATE %1$s.lem_parent_order"
						   " SET state = 'paused', reason = $3 WHERE id = $2 AND state = 'active'"
						   " RETURNING id, owner, series, reason)"
						   " SELECT " LEM_NOTIFY("'paused'", "NULL",
												 ", 'reason', pg_catalog.left(o.reason, 300)")
						   " FROM o") > 0;
	if (paused)
		lem_orders_event(query.schema, PG_GETARG_INT64(0), "paused",
						 PG_ARGISNULL(1) ? NULL
						 : lem_json_pair("reason", text_to_cstring(PG_GETARG_TEXT_PP(1))));
	SPI_finish();
	PG_RETURN_BOOL(paused);
}

/*
 * lem_resume_order(id bigint, missed text DEFAULT NULL) RETURNS boolean; in 1.0 the id alone
 *
 * Works an order on that is paused or has failed; false if it is not.  missed: what becomes of
 * slices whose bars completed meanwhile: catch_up (the default after a pause) spreads them over the
 * bars that remain, skip leaves them untraded.  After a failure NULL tells them late.
 */
Datum
pg_lem_resume_order(PG_FUNCTION_ARGS)
{
	const char *missed = NULL;
	lem_query	query;
	bool		resumed;

	lem_refuse_null(PG_ARGISNULL(0), "id");
	if (PG_NARGS() > 1 && !PG_ARGISNULL(1))
	{
		missed = text_to_cstring(PG_GETARG_TEXT_PP(1));
		if (strcmp(missed, "skip") != 0 && strcmp(missed, "catch_up") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid missed \"%s\"", lem_clip_text(missed)),
					 errhint("It is \"skip\" or \"catch_up\".")));
	}
	lem_query_connect();
	lem_query_begin(&query, lem_schema(fcinfo));
	lem_orders_require(query.schema, PG_GETARG_INT64(0), true);
	lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
	if (PG_NARGS() > 1)
	{
		lem_query_add_text(&query, missed);
		resumed = lem_query_run(&query,
								"UPDATE %1$s.lem_parent_order SET state = 'active', reason = NULL,"
								" ended_at = NULL, " LEM_LOOK_AGAIN ", missed = coalesce($2,"
								" CASE state WHEN 'paused' THEN 'catch_up' END)"
								" WHERE id = $1 AND state = ANY ('{paused,failed}')") > 0;
		if (resumed)
			lem_orders_event(query.schema, PG_GETARG_INT64(0), "resumed",
							 missed ? lem_json_pair("missed", missed) : NULL);
	}
	else
		resumed = lem_query_run(&query,
								"UPDATE %1$s.lem_parent_order SET state = 'active', reason = NULL,"
								" ended_at = NULL, " LEM_LOOK_AGAIN " WHERE id = $1"
								" AND state = 'failed'") > 0;
	SPI_finish();
	PG_RETURN_BOOL(resumed);
}

/* An order that is to be changed, and is held until the transaction ends. */
typedef struct held_order
{
	char	   *model;
	lem_order	order;
	Oid			type;			/* of lem_order */
	bool		fills;			/* it goes on from its fills, not from its plan */
	double		filled;			/* or decided, where the plan is tracked; in the order's unit */
	bool		begun;
	TimestampTz start_ts;		/* of one that has begun */
	bool		has_expiry;
	Datum		expires;
} held_order;

/* Hold an order of the user's that has not ended; false if it has.  Raises 42704. */
static bool
hold_order(const char *schema, int64 id, held_order *held)
{
	lem_query	query;
	HeapTupleHeader tuple;
	bool		is_null;
	Datum		value;

	lem_orders_require(schema, id, true);
	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	if (lem_query_run(&query,
					  "SELECT CASE WHEN model_version IS NULL THEN model ELSE"
					  " split_part(model, '@', 1) || '@' || model_version END, ord,"
					  " coalesce(track, 'plan') = 'fills', start_ts, expires_at"
					  " FROM %1$s.lem_parent_order"
					  " WHERE id = $1 AND state = ANY ('{active,paused,failed}')") == 0)
		return false;
	held->model = TextDatumGetCString(lem_query_column(0, 1, NULL));
	if (lem_strategy_is_baseline(held->model) && strchr(held->model, '@') != NULL)
		*strchr(held->model, '@') = '\0';
	tuple = DatumGetHeapTupleHeader(datumCopy(lem_query_column(0, 2, NULL), false, -1));
	lem_order_read(tuple, &held->order);
	held->type = HeapTupleHeaderGetTypeId(tuple);
	value = lem_query_column(0, 4, &is_null);
	held->begun = !is_null;
	held->start_ts = is_null ? 0 : DatumGetTimestampTz(value);
	held->expires = lem_query_column(0, 5, &is_null);
	held->has_expiry = !is_null;
	held->fills = DatumGetBool(lem_query_column(0, 3, NULL));

	/* A query of its own, which sees what whoever held the order before has decided. */
	if (held->fills)
		lem_query_run(&query,
					  "SELECT sum(CASE (o.ord).unit WHEN 'notional' THEN f.price * f.quantity"
					  " ELSE f.quantity * f.adjusted END)"
					  " FROM %1$s.lem_order_fill AS f JOIN %1$s.lem_parent_order AS o"
					  " ON o.id = f.order_id WHERE f.order_id = $1 AND f.busted_at IS NULL");
	else
		lem_query_run(&query,
					  "SELECT sum(coalesce(c.executed, c.quantity)"
					  " * CASE (o.ord).unit WHEN 'notional' THEN 1 ELSE c.adjusted END)"
					  " FROM %1$s.lem_child_slice AS c JOIN %1$s.lem_parent_order AS o"
					  " ON o.id = c.order_id WHERE c.order_id = $1 AND NOT c.skipped");
	value = lem_query_column(0, 1, &is_null);
	held->filled = is_null ? 0 : DatumGetFloat8(value);
	return true;
}

/* Write a changed order down, with when it expires now, the event and what changed. */
static void
store_order(const char *schema, int64 id, const held_order *held, const lem_order *order,
			bool has_expiry, Datum expires, const char *event)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	lem_query_add_user(&query, GetUserId());
	lem_query_add(&query, held->type, lem_order_datum(held->type, &held->order), false);
	lem_query_add(&query, held->type, lem_order_datum(held->type, order), false);
	lem_query_add_text(&query, event);
	lem_query_add(&query, TIMESTAMPTZOID, held->expires, !held->has_expiry);
	lem_query_add(&query, TIMESTAMPTZOID, expires, !has_expiry);
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_order_event (order_id, by, event, detail)"
				  " SELECT $1, $2, $5, jsonb_object_agg(a.key, jsonb_build_array(a.value, b.value))"
				  " FROM jsonb_each(to_jsonb($3) || jsonb_build_object('expires_at', $6)) AS a"
				  " JOIN jsonb_each(to_jsonb($4) || jsonb_build_object('expires_at', $7)) AS b"
				  " USING (key) WHERE a.value <> b.value"
				  " HAVING count(*) > 0 OR $5 <> 'amended'");

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	lem_query_add(&query, held->type, lem_order_datum(held->type, order), false);
	lem_query_add(&query, BOOLOID, BoolGetDatum(held->order.size != order->size), false);
	lem_query_add(&query, TIMESTAMPTZOID, expires, !has_expiry);
	lem_query_run(&query,
				  "UPDATE %1$s.lem_parent_order SET ord = $2, resized = resized OR $3,"
				  " expires_at = $4, " LEM_LOOK_AGAIN " WHERE id = $1");
}

/*
 * Of an order that follows its plan, its limits say what counts as done of slices that were decided:
 * those that are changed now do not.  What is out with the ones before counts as done.
 */
static void
keep_done(const char *schema, int64 id, const held_order *held, const lem_order *order)
{
	static const char *const commands[] = {
		"UPDATE %1$s.lem_parent_order SET resized = true WHERE id = $1",
		"UPDATE %1$s.lem_child_slice SET executed = quantity"
		" WHERE order_id = $1 AND bar_ts IS NULL AND executed IS NULL"
	};
	const lem_order *before = &held->order;

	if (held->fills ||
		(order->max_participation == before->max_participation &&
		 order->has_limit == before->has_limit && order->has_end == before->has_end &&
		 (!order->has_limit || order->limit_price == before->limit_price) &&
		 (!order->has_end || order->end_ts == before->end_ts)))
		return;
	for (size_t i = 0; i < lengthof(commands); i++)
	{
		lem_query	query;

		lem_query_begin(&query, schema);
		lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
		lem_query_run(&query, commands[i]);
	}
}

/* Fields that can be cleared. */
static void
clear_field(const char *field, lem_order *order, bool *expires)
{
	if (strcmp(field, "limit_price") == 0)
		order->has_limit = false;
	else if (strcmp(field, "max_rate") == 0)
		order->max_rate = 1;
	else if (strcmp(field, "max_participation") == 0)
		order->max_participation = 0;
	else if (strcmp(field, "end_ts") == 0)
		order->has_end = false;
	else if (strcmp(field, "min_quantity") == 0)
		order->min_quantity = 0;
	else if (strcmp(field, "expires_at") == 0)
		*expires = true;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of an order cannot be cleared", lem_clip_text(field)),
				 errhint("It is one of limit_price, max_rate, max_participation, end_ts, "
						 "min_quantity and expires_at.")));
}

/* Arguments of lem_amend_order. */
enum
{
	AMEND_ID, AMEND_SIZE, AMEND_LIMIT_PRICE, AMEND_MAX_RATE, AMEND_MAX_PARTICIPATION, AMEND_END_TS,
	AMEND_MIN_QUANTITY, AMEND_BEST_EFFORT, AMEND_EXPIRES_AT, AMEND_CLEAR
};

/* What is to have no limit any more cannot be given one. */
static void
refuse_both(FunctionCallInfo fcinfo, const char *field)
{
	static const struct
	{
		const char *field;
		int			argument;
	}			arguments[] = {
		{"limit_price", AMEND_LIMIT_PRICE}, {"max_rate", AMEND_MAX_RATE},
		{"max_participation", AMEND_MAX_PARTICIPATION}, {"end_ts", AMEND_END_TS},
		{"min_quantity", AMEND_MIN_QUANTITY}, {"expires_at", AMEND_EXPIRES_AT}
	};

	for (size_t i = 0; i < lengthof(arguments); i++)
		if (strcmp(field, arguments[i].field) == 0 && !PG_ARGISNULL(arguments[i].argument))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" of an order cannot be both given and cleared", field)));
}

/* An order that has begun is checked with its start; raises LM006 and 22023. */
static void
check_times(FunctionCallInfo fcinfo, const held_order *held, const lem_order *order)
{
	lem_order	begun = *order;

	if (held->begun)
	{
		begun.has_start = true;
		begun.start_ts = held->start_ts;
	}
	lem_order_validate(&begun);
	if (!PG_ARGISNULL(AMEND_EXPIRES_AT) && begun.has_start &&
		PG_GETARG_TIMESTAMPTZ(AMEND_EXPIRES_AT) <= begun.start_ts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the order would expire before it starts"),
				 errhint("Cancel an order that is not to go on.")));
}

/* A limit that is given must not be 0: that would be none. */
static double
limit_argument(FunctionCallInfo fcinfo, int argument, double before, lem_status status,
			   double size)
{
	lem_fault	fault;

	if (PG_ARGISNULL(argument))
		return before;
	if (PG_GETARG_FLOAT8(argument) == 0)
	{
		lem_fail(&fault, status, NULL, 0, size);
		lem_pg_raise(&fault);
	}
	return PG_GETARG_FLOAT8(argument);
}

/*
 * lem_amend_order(id bigint, size, limit_price, max_rate, max_participation, end_ts, min_quantity,
 * best_effort, expires_at, clear text[]) RETURNS boolean
 *
 * Changes an order from its next slice on; what is NULL stays as it was, what clear names has no
 * limit any more.  False if the order has ended.  Errors: those of handing over such an order, LM006
 * for a size below what is filled, 22023 for what cannot be cleared.
 */
Datum
pg_lem_amend_order(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	held_order	held;
	lem_order	order;
	bool		clear_expiry = false;

	lem_refuse_null(PG_ARGISNULL(AMEND_ID), "id");
	lem_query_connect();
	if (!hold_order(schema, PG_GETARG_INT64(AMEND_ID), &held))
	{
		SPI_finish();
		PG_RETURN_BOOL(false);
	}
	order = held.order;
	if (!PG_ARGISNULL(AMEND_CLEAR))
	{
		Datum	   *fields;
		bool	   *nulls;
		int			n;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(AMEND_CLEAR), TEXTOID, -1, false, TYPALIGN_INT,
						  &fields, &nulls, &n);
		for (int i = 0; i < n; i++)
		{
			const char *field = nulls[i] ? "NULL" : TextDatumGetCString(fields[i]);

			clear_field(field, &order, &clear_expiry);
			refuse_both(fcinfo, field);
		}
	}
	if (!PG_ARGISNULL(AMEND_SIZE))
		order.size = PG_GETARG_FLOAT8(AMEND_SIZE);
	if (!PG_ARGISNULL(AMEND_LIMIT_PRICE))
	{
		order.has_limit = true;
		order.limit_price = PG_GETARG_FLOAT8(AMEND_LIMIT_PRICE);
	}
	if (!PG_ARGISNULL(AMEND_MAX_RATE))
		order.max_rate = PG_GETARG_FLOAT8(AMEND_MAX_RATE);
	order.max_participation = limit_argument(fcinfo, AMEND_MAX_PARTICIPATION,
											 order.max_participation, LEM_BAD_PARTICIPATION,
											 order.size);
	if (!PG_ARGISNULL(AMEND_END_TS))
	{
		order.has_end = true;
		order.end_ts = PG_GETARG_TIMESTAMPTZ(AMEND_END_TS);
	}
	order.min_quantity = limit_argument(fcinfo, AMEND_MIN_QUANTITY, order.min_quantity,
										LEM_BAD_MIN_QUANTITY, order.size);
	if (!PG_ARGISNULL(AMEND_BEST_EFFORT))
		order.best_effort = PG_GETARG_BOOL(AMEND_BEST_EFFORT);
	check_times(fcinfo, &held, &order);
	lem_orders_check(schema, held.model, &order);
	if (order.size != held.order.size && order.size < held.filled * (1 - 1e-12))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
				 errmsg("size %s is below what is done of the order, %s",
						lem_number_text(order.size), lem_number_text(held.filled)),
				 errhint("Cancel the order to trade no more of it.")));

	if (PG_ARGISNULL(AMEND_EXPIRES_AT))
		store_order(schema, PG_GETARG_INT64(AMEND_ID), &held, &order,
					held.has_expiry && !clear_expiry, held.expires, "amended");
	else
		store_order(schema, PG_GETARG_INT64(AMEND_ID), &held, &order, true,
					PG_GETARG_DATUM(AMEND_EXPIRES_AT), "amended");
	keep_done(schema, PG_GETARG_INT64(AMEND_ID), &held, &order);
	SPI_finish();
	PG_RETURN_BOOL(true);
}

/* An order's bars in the shares of now, with all that they have. */
#define SPLIT_PLAIN "b.price / $2, b.volume * $2"
#define SPLIT_CLOSE SPLIT_PLAIN ", b.close / $2"
#define SPLIT_RANGE \
	"ROW(NULL, b.high / $2, b.low / $2, b.close / $2, b.volume * $2, NULL, b.price / $2, NULL)" \
	"::%1$s.lem_trade_bar"
#define OF_BARS(bar) \
	"(SELECT %1$s.lem_bars(b.ts, " bar ") FROM %1$s.lem_unnest_closes(o.bars) AS b)"

/*
 * lem_adjust_order(id bigint, factor float8) RETURNS boolean
 *
 * Adjusts an order for a split: each share is factor shares now.  Size, smallest slice, prices, what
 * was decided and filled, and the bars that its slices traded in are taken in the shares of now; a
 * notional stays.  False if the order has ended.  Errors: 22003 for a factor that is not greater than
 * 0 and finite, those of such an order.
 */
Datum
pg_lem_adjust_order(PG_FUNCTION_ARGS)
{
	static const char *const commands[] = {
		"UPDATE %1$s.lem_child_slice SET adjusted = adjusted * $2,"
		" after_price = after_price / $2, after_volume = after_volume * $2 WHERE order_id = $1",
		"UPDATE %1$s.lem_order_fill SET adjusted = adjusted * $2 WHERE order_id = $1",
		"UPDATE %1$s.lem_paper_fill SET adjusted = adjusted * $2 WHERE order_id = $1",
		"UPDATE %1$s.lem_parent_order AS o SET resized = true,"
		" paper_filled = paper_filled * $2, quantity = (SELECT coalesce(sum("
		"CASE (o.ord).unit WHEN 'notional' THEN c.quantity ELSE c.quantity * c.adjusted END), 0)"
		" FROM %1$s.lem_child_slice AS c WHERE c.order_id = o.id AND NOT c.skipped)"
		" WHERE id = $1",
		"UPDATE %1$s.lem_parent_order AS o SET bars = CASE (SELECT (b.close IS NOT NULL)::int"
		" + (b.high IS NOT NULL)::int + 3 * (b.features IS NOT NULL)::int"
		" FROM %1$s.lem_unnest_closes(o.bars) AS b LIMIT 1)"
		" WHEN 0 THEN " OF_BARS(SPLIT_PLAIN) " WHEN 1 THEN " OF_BARS(SPLIT_CLOSE)
		" WHEN 2 THEN " OF_BARS(SPLIT_RANGE) " WHEN 3 THEN " OF_BARS(SPLIT_PLAIN ", b.features")
		" WHEN 4 THEN " OF_BARS(SPLIT_CLOSE ", b.features")
		" WHEN 5 THEN " OF_BARS(SPLIT_RANGE ", b.features") " END WHERE id = $1 AND bars IS NOT NULL"
	};
	char	   *schema = lem_schema(fcinfo);
	held_order	held;
	lem_order	order;
	double		factor;

	lem_refuse_null(PG_ARGISNULL(0), "id");
	lem_refuse_null(PG_ARGISNULL(1), "factor");
	factor = PG_GETARG_FLOAT8(1);
	if (!(factor > 0 && isfinite(factor)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("factor %s is out of range", lem_number_text(factor)),
				 errhint("It is the number of new shares for each: 2 where a share is split in "
						 "two, 0.1 where ten become one.")));
	lem_query_connect();
	if (!hold_order(schema, PG_GETARG_INT64(0), &held))
	{
		SPI_finish();
		PG_RETURN_BOOL(false);
	}
	order = held.order;
	if (!order.notional)
	{
		order.size *= factor;
		order.min_quantity *= factor;
	}
	order.limit_price /= factor;
	order.arrival_price /= factor;
	lem_order_validate(&order);
	lem_orders_check(schema, held.model, &order);
	store_order(schema, PG_GETARG_INT64(0), &held, &order, held.has_expiry, held.expires,
				"adjusted");
	for (size_t i = 0; i < lengthof(commands); i++)
	{
		lem_query	query;

		lem_query_begin(&query, schema);
		lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
		lem_query_add(&query, FLOAT8OID, Float8GetDatum(factor), false);
		lem_query_run(&query, commands[i]);
	}
	lem_orders_sum_fills(schema, PG_GETARG_INT64(0));
	SPI_finish();
	PG_RETURN_BOOL(true);
}

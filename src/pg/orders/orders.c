/* orders.c: taking in orders that lem_work is to work, cancelling them, and trading on paper. */
#include "postgres.h"

#include <math.h>

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/execution/schedule.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"
#include "pg/orders/orders.h"
#include "pg/schedule/order_type.h"

/* Longest name of a series: it is part of messages, which are at most 8000 bytes. */
#define MAX_SERIES 500

bool		lem_notify_details = false;

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

static void
refuse_null(bool is_null, const char *what)
{
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", what)));
}

void
lem_orders_add_owners(lem_query *query, Oid user, bool active)
{
	lem_query	owners;
	Datum	   *roles;
	int			n = 0;

	lem_query_begin(&owners, query->schema);
	lem_query_run(&owners, active ?
				  "SELECT DISTINCT owner FROM %1$s.lem_parent_order WHERE state = 'active'" :
				  "SELECT DISTINCT owner FROM %1$s.lem_parent_order");
	roles = palloc(Max(SPI_processed, 1) * sizeof(Datum));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		const Datum role = lem_query_column(i, 1, NULL);

		if (lem_user_acts_for(query->schema, user, lem_role_id(DatumGetLemRoleP(role))))
			roles[n++] = role;
	}
	lem_query_add_array(query, lem_query_type(query, "lem_role"), roles, NULL, n);
}

/* Whether an order can be kept within the limits of a model, and its series has a name. */
static void
check_order(const char *schema, const char *series, const char *model, const lem_order *order)
{
	lem_model_row row;
	int			branch;
	lem_fault	fault;

	if (*series == '\0' || strlen(series) > MAX_SERIES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid series \"%s\"", lem_clip_text(series)),
				 errhint("It names the bars' series, in 1 to %d bytes.", MAX_SERIES)));
	lem_rights_find(schema, model, &row);
	lem_pg_check(lem_schedule_branch(&row.config, order, &branch, &fault), &fault);
}

/*
 * lem_submit_order(series text, model text, ord lem_order, expires_at timestamptz DEFAULT NULL)
 * RETURNS bigint
 *
 * Hands over an order, which lem_work works from its next call on; returns the order's id.  Errors:
 * those of scheduling with that model, 22023 for a series without a name and an order that expires
 * before it starts.
 */
LEM_FUNCTION(pg_lem_submit_order);

Datum
pg_lem_submit_order(PG_FUNCTION_ARGS)
{
	char	   *series;
	char	   *model;
	HeapTupleHeader tuple;
	lem_order	order;
	lem_query	query;
	int64		id;

	refuse_null(PG_ARGISNULL(0), "series");
	refuse_null(PG_ARGISNULL(1), "model");
	refuse_null(PG_ARGISNULL(2), "ord");
	series = text_to_cstring(PG_GETARG_TEXT_PP(0));
	model = text_to_cstring(PG_GETARG_TEXT_PP(1));
	tuple = PG_GETARG_HEAPTUPLEHEADER(2);
	lem_order_read(tuple, &order);
	lem_query_begin(&query, lem_schema(fcinfo));
	check_order(query.schema, series, model, &order);
	if (!PG_ARGISNULL(3) && order.has_start && PG_GETARG_TIMESTAMPTZ(3) <= order.start_ts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the order would expire before it starts")));

	connect_spi();
	lem_query_add(&query, TEXTOID, PG_GETARG_DATUM(0), false);
	lem_query_add(&query, TEXTOID, PG_GETARG_DATUM(1), false);
	lem_query_add(&query, HeapTupleHeaderGetTypeId(tuple), PG_GETARG_DATUM(2), false);
	lem_query_add(&query, TIMESTAMPTZOID, PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3),
				  PG_ARGISNULL(3));
	lem_query_add(&query, NAMEOID, CStringGetDatum(GetUserNameFromId(GetUserId(), false)), false);
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_parent_order (series, model, ord, expires_at, owner)"
				  " VALUES ($1, $2, %1$s.lem_order(($3).size, ($3).side, ($3).benchmark, ($3).unit,"
				  " ($3).start_ts, ($3).min_bars, ($3).max_bars, ($3).min_rate, ($3).max_rate,"
				  " ($3).lot), $4, $5) RETURNING id");
	id = DatumGetInt64(lem_query_column(0, 1, NULL));
	SPI_finish();
	PG_RETURN_INT64(id);
}

/* Raises 42704 unless there is such an order, and the user acts for its owner; within SPI. */
static void
require_order(const char *schema, int64 id)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	if (lem_query_run(&query, "SELECT owner FROM %1$s.lem_parent_order"
					  " WHERE id = $1") == 0 ||
		!lem_user_acts_for(schema, GetUserId(),
						   lem_role_id(DatumGetLemRoleP(lem_query_column(0, 1, NULL)))))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("order %lld does not exist", (long long) id),
				 errhint("Your orders are listed in the view lem_orders.")));
}

/*
 * lem_cancel_order(id bigint, reason text DEFAULT NULL) RETURNS boolean
 *
 * No more slices are decided of the order; false if it had ended before.  Waits for a lem_work
 * that is deciding one.
 */
LEM_FUNCTION(pg_lem_cancel_order);

Datum
pg_lem_cancel_order(PG_FUNCTION_ARGS)
{
	lem_query	query;
	bool		cancelled;

	refuse_null(PG_ARGISNULL(0), "id");
	connect_spi();
	lem_query_begin(&query, lem_schema(fcinfo));
	require_order(query.schema, PG_GETARG_INT64(0));
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
	lem_query_add(&query, TEXTOID, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
				  PG_ARGISNULL(1));
	cancelled = lem_query_run(&query,
							  "WITH o AS (UPDATE %1$s.lem_parent_order"
							  " SET state = 'cancelled', reason = $3,"
							  " ended_at = pg_catalog.clock_timestamp()"
							  " WHERE id = $2"
							  " AND state = ANY ('{active,failed}')"
							  " RETURNING id, owner, series, reason)"
							  " SELECT " LEM_NOTIFY("'cancelled'", "NULL",
										 ", 'reason', pg_catalog.left(o.reason, 300)")
							  " FROM o") > 0;
	SPI_finish();
	PG_RETURN_BOOL(cancelled);
}

/*
 * lem_resume_order(id bigint) RETURNS boolean
 *
 * Works an order on that has failed; false if it has not.
 */
LEM_FUNCTION(pg_lem_resume_order);

Datum
pg_lem_resume_order(PG_FUNCTION_ARGS)
{
	lem_query	query;
	bool		resumed;

	refuse_null(PG_ARGISNULL(0), "id");
	connect_spi();
	lem_query_begin(&query, lem_schema(fcinfo));
	require_order(query.schema, PG_GETARG_INT64(0));
	lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
	resumed = lem_query_run(&query,
							"UPDATE %1$s.lem_parent_order SET state = 'active', reason = NULL,"
							" ended_at = NULL, seen_ts = NULL WHERE id = $1"
							" AND state = 'failed'") > 0;
	SPI_finish();
	PG_RETURN_BOOL(resumed);
}

/*
 * lem_paper_fill(order_id bigint DEFAULT NULL, impact float8 DEFAULT 0) RETURNS bigint
 *
 * Fills slices whose bar has completed, of one order or (NULL) all of the user's, at the price of
 * the first bar with volume from the slice's own on; impact: basis points that a slice as large as
 * the bar's volume costs, which falls with the square root of its share.  Returns the number of
 * fills; a slice is filled once.
 */
LEM_FUNCTION(pg_lem_paper_fill);

Datum
pg_lem_paper_fill(PG_FUNCTION_ARGS)
{
	lem_query	query;
	double		impact;
	uint64		fills;

	refuse_null(PG_ARGISNULL(1), "impact");
	impact = PG_GETARG_FLOAT8(1);
	if (!(impact >= 0 && impact < 10000))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("impact %s is out of range", lem_number_text(impact)),
				 errdetail("It is in basis points: from 0, and below 10000.")));
	connect_spi();
	lem_query_begin(&query, lem_schema(fcinfo));
	if (!PG_ARGISNULL(0))
		require_order(query.schema, PG_GETARG_INT64(0));
	lem_query_add(&query, INT8OID, PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0),
				  PG_ARGISNULL(0));
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(impact), false);
	lem_orders_add_owners(&query, GetUserId(), false);
	fills = lem_query_run(&query,
						  "INSERT INTO %1$s.lem_fill (order_id, step, ts, price, quantity)"
						  " SELECT s.order_id, s.step, b.ts, p.price,"
						  " CASE WHEN s.notional THEN s.quantity / p.price ELSE s.quantity END"
						  " FROM (SELECT c.order_id, c.step, c.quantity, c.bar_ts, o.bars,"
						  "  (o.ord).unit = 'notional' AS notional,"
						  "  CASE (o.ord).side WHEN 'sell' THEN -1 ELSE 1 END AS sign"
						  "  FROM %1$s.lem_child_slice AS c"
						  "  JOIN %1$s.lem_parent_order AS o ON o.id = c.order_id"
						  "  WHERE (o.id = $1 OR $1 IS NULL) AND o.owner OPERATOR(%1$s.=) ANY ($3)"
						  "  AND c.bar_ts IS NOT NULL AND c.quantity > 0"
						  "  AND NOT EXISTS (SELECT FROM %1$s.lem_fill AS f"
						  "   WHERE f.order_id = c.order_id AND f.step = c.step)) AS s"
						  " CROSS JOIN LATERAL (SELECT b.ts, b.price, b.volume"
						  "  FROM %1$s.lem_unnest(s.bars) AS b"
						  "  WHERE b.ts >= s.bar_ts AND b.volume > 0 ORDER BY b.ts LIMIT 1) AS b"
						  " CROSS JOIN LATERAL (SELECT b.price * (1 + s.sign * $2 / 10000"
						  "  * pg_catalog.sqrt(LEAST(1, CASE WHEN s.notional"
						  "  THEN s.quantity / b.price ELSE s.quantity END / b.volume))) AS price)"
						  " AS p"
						  " ON CONFLICT DO NOTHING");
	SPI_finish();
	PG_RETURN_INT64((int64) fills);
}

/*
 * lem_parent_order_deleted() RETURNS trigger
 *
 * After a row of lem_parent_order is deleted, its slices and fills go as well.
 */
LEM_FUNCTION(pg_lem_parent_order_deleted);

Datum
pg_lem_parent_order_deleted(PG_FUNCTION_ARGS)
{
	static const char *const commands[] = {
		"DELETE FROM %1$s.lem_child_slice WHERE order_id = $1",
		"DELETE FROM %1$s.lem_fill WHERE order_id = $1"
	};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	lem_query	query;
	TupleDesc	columns;
	int			id;
	Datum		value;
	bool		is_null;

	/* Anyone can put a trigger on a table of his own. */
	lem_query_begin(&query, lem_schema(fcinfo));
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) !=
		get_relname_relid("lem_parent_order", get_namespace_oid(query.schema, false)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("lem_parent_order_deleted is for rows that are deleted from "
						"lem_parent_order")));
	columns = RelationGetDescr(trigger->tg_relation);
	id = SPI_fnumber(columns, "id");
	LEM_ENSURE(id > 0 && SPI_gettypeid(columns, id) == INT8OID);
	value = SPI_getbinval(trigger->tg_trigtuple, columns, id, &is_null);
	LEM_ENSURE(!is_null);

	connect_spi();
	lem_query_add(&query, INT8OID, value, false);
	for (size_t i = 0; i < lengthof(commands); i++)
		lem_query_run(&query, commands[i]);
	SPI_finish();
	return PointerGetDatum(trigger->tg_trigtuple);
}

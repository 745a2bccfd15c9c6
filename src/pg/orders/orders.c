/* orders.c: taking in orders that lem_work is to work, cancelling them, and trading on paper. */
#include "postgres.h"

#include <math.h>

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "core/execution/schedule.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"
#include "pg/judging/backtest_options.h"
#include "pg/orders/feeds.h"
#include "pg/orders/forecast.h"
#include "pg/orders/orders.h"
#include "pg/schedule/order_type.h"

/* Longest name of a series: it is part of messages, which are at most 8000 bytes. */
#define MAX_SERIES 500

bool		lem_notify_details = false;

/* Those of the owners that a query finds for whom the user acts, as a parameter of type lem_role[]. */
static void
add_owners(lem_query *query, Oid user, const char *find)
{
	lem_query	owners;
	Datum	   *roles;
	int			n = 0;

	lem_query_begin(&owners, query->schema);
	owners.by_index = query->by_index;
	lem_query_run(&owners, find);
	roles = palloc(Max(SPI_processed, 1) * sizeof(Datum));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		const Datum role = lem_query_column(i, 1, NULL);

		if (lem_user_acts_for(query->schema, user, lem_role_id(DatumGetLemRoleP(role))))
			roles[n++] = role;
	}
	lem_query_add_array(query, lem_query_type(query, "lem_role"), roles, NULL, n);
}

void
lem_orders_add_owners(lem_query *query, Oid user, bool active)
{
	/* From owner to owner in an index, not over all their orders. */
	add_owners(query, user, active ?
			   "WITH RECURSIVE r (owner) AS ((SELECT owner FROM %1$s.lem_parent_order"
			   " WHERE state IN ('active', 'paused') ORDER BY owner LIMIT 1) UNION ALL"
			   " SELECT (SELECT o.owner FROM %1$s.lem_parent_order AS o"
			   " WHERE o.state IN ('active', 'paused') AND o.owner OPERATOR(%1$s.>) r.owner"
			   " ORDER BY o.owner LIMIT 1) FROM r WHERE r.owner IS NOT NULL)"
			   " SELECT owner FROM r WHERE owner IS NOT NULL"
			   " UNION SELECT o.owner FROM %1$s.lem_child_slice AS c"
			   " JOIN %1$s.lem_parent_order AS o ON o.id = c.order_id"
			   " WHERE c.late AND c.lag IS NOT NULL AND c.after_ts IS NULL AND c.quantity > 0"
			   " AND NOT c.skipped" :
			   "SELECT DISTINCT owner FROM %1$s.lem_parent_order");
}

void
lem_orders_event(const char *schema, int64 id, const char *event, const char *detail)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	lem_query_add_user(&query, GetUserId());
	lem_query_add_text(&query, event);
	lem_query_add_text(&query, detail);
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_order_event (order_id, by, event, detail)"
				  " VALUES ($1, $2, $3, $4::jsonb)");
}

void
lem_orders_check(const char *schema, const char *model, const lem_order *order)
{
	lem_model_row row;
	lem_baseline kind;
	int			branch;
	lem_fault	fault;

	if (lem_baseline_named(model, &kind))
		lem_baseline_config(&row.config, order->max_bars > 0 ? order->max_bars
							: LEM_BASELINE_HORIZON, 0);
	else
		lem_rights_find(schema, model, &row);
	lem_pg_check(lem_schedule_branch(&row.config, order, &branch, &fault), &fault);
}

static void
check_series(const char *series)
{
	if (*series == '\0' || strlen(series) > MAX_SERIES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid series \"%s\"", lem_clip_text(series)),
				 errhint("It names the bars' series, in 1 to %d bytes.", MAX_SERIES)));
}

/* Whether an order of somebody for whom the user acts was worked over a series. */
static bool
was_worked(const char *schema, const char *series)
{
	lem_query	query;
	uint64		rows;

	lem_query_begin(&query, schema);
	query.by_index = true;
	lem_query_add_text(&query, series);
	rows = lem_query_run(&query,
						 "SELECT DISTINCT owner FROM %1$s.lem_parent_order"
						 " WHERE series = $1 AND start_ts IS NOT NULL");
	for (uint64 row = 0; row < rows; row++)
		if (lem_user_acts_for(schema, GetUserId(),
							  lem_role_id(DatumGetLemRoleP(lem_query_column(row, 1, NULL)))))
			return true;
	return false;
}

/* All series that orders were worked over, each found behind the one before in the index. */
#define WORKED_SERIES \
	"SELECT p.series FROM %1$s.lem_parent_order AS p WHERE p.start_ts IS NOT NULL"
static const char *const worked_series =
	"WITH RECURSIVE s AS ((" WORKED_SERIES " ORDER BY p.series LIMIT 1) UNION ALL"
	" SELECT (" WORKED_SERIES " AND p.series > s.series ORDER BY p.series LIMIT 1)"
	" FROM s WHERE s.series IS NOT NULL)"
	" SELECT s.series FROM s WHERE pg_catalog.octet_length(s.series) < 256";

/*
 * A series that no order was ever worked over, while another is spelt almost the same, is likely
 * to be that one.
 */
static void
warn_of_series(const char *schema, const char *series)
{
	const int	length = (int) strlen(series);
	const int	most = Min(2, length / 3);
	const char *nearest = NULL;
	int			distance = most + 1;
	lem_query	query;
	uint64		rows;
	SPITupleTable *known;

	if (most == 0 || length > 255 || was_worked(schema, series))
		return;
	lem_query_begin(&query, schema);
	query.by_index = true;
	rows = lem_query_run(&query, worked_series);
	known = SPI_tuptable;
	for (uint64 row = 0; row < rows; row++)
	{
		const char *name = SPI_getvalue(known->vals[row], known->tupdesc, 1);
		const int	d = varstr_levenshtein_less_equal(name, (int) strlen(name), series, length,
													  1, 1, 1, most, true);

		if (d < distance && was_worked(schema, name))
		{
			distance = d;
			nearest = name;
		}
	}
	if (nearest)
		ereport(WARNING,
				(errmsg("no order was worked over a series \"%s\" yet", series),
				 errhint("Is it \"%s\"?", nearest)));
}

/* Text that is not empty nor very long, or NULL. */
static const char *
label_argument(FunctionCallInfo fcinfo, int number, const char *what)
{
	char	   *label;

	if (PG_NARGS() <= number || PG_ARGISNULL(number))
		return NULL;
	label = text_to_cstring(PG_GETARG_TEXT_PP(number));
	if (*label == '\0' || strlen(label) > MAX_SERIES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s \"%s\"", what, lem_clip_text(label)),
				 errhint("It has 1 to %d bytes.", MAX_SERIES)));
	return label;
}

/*
 * The order that a client has handed over under that name before, 0: none.  The same call again is
 * the same order; another order of that name is an error (23505).
 */
static int64
find_client_order(const char *schema, const char *client_id, const char *series,
				  const char *model)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add_user(&query, GetUserId());
	lem_query_add_text(&query, client_id);
	lem_query_add_text(&query, series);
	lem_query_add_text(&query, model);
	if (lem_query_run(&query,
					  "SELECT id, series = $3 AND model = $4 FROM %1$s.lem_parent_order"
					  " WHERE owner OPERATOR(%1$s.=) %1$s.lem_role_of($1) AND client_id = $2") == 0)
		return 0;
	if (!DatumGetBool(lem_query_column(0, 2, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("client_id \"%s\" is that of another order", lem_clip_text(client_id)),
				 errdetail("Order %lld has another series or model.",
						   (long long) DatumGetInt64(lem_query_column(0, 1, NULL))),
				 errhint("Give each order a client_id of its own.")));
	return DatumGetInt64(lem_query_column(0, 1, NULL));
}

/*
 * lem_submit_order(series text, model text, ord lem_order, expires_at timestamptz DEFAULT NULL,
 * client_id text DEFAULT NULL, track text DEFAULT NULL, basket text DEFAULT NULL, feed text DEFAULT
 * NULL, calendar text DEFAULT NULL, bars text DEFAULT NULL) RETURNS bigint; in 1.0 the first four
 *
 * Hands over an order, which lem_work works from its next call on; returns the order's id, also of
 * the one that the caller has handed over under that client_id before.  With bars, a query as for
 * lem_work, it is scheduled at once, and refused or told what is expected to be left.  Errors: those of
 * scheduling with that model, 22023 for a series without a name and an order that expires before it starts,
 * 23505 for the client_id of another order.
 */
LEM_FUNCTION(pg_lem_submit_order);

Datum
pg_lem_submit_order(PG_FUNCTION_ARGS)
{
	char	   *series;
	char	   *model;
	const char *client_id;
	const char *track;
	const char *basket;
	const char *feed;
	const char *calendar;
	lem_feed	of_feed;
	HeapTupleHeader tuple;
	lem_order	order;
	lem_query	query;
	char	   *forecast = NULL;
	int64		id;

	lem_refuse_null(PG_ARGISNULL(0), "series");
	lem_refuse_null(PG_ARGISNULL(1), "model");
	lem_refuse_null(PG_ARGISNULL(2), "ord");
	series = text_to_cstring(PG_GETARG_TEXT_PP(0));
	model = text_to_cstring(PG_GETARG_TEXT_PP(1));
	tuple = PG_GETARG_HEAPTUPLEHEADER(2);
	client_id = label_argument(fcinfo, 4, "client_id");
	track = label_argument(fcinfo, 5, "track");
	basket = label_argument(fcinfo, 6, "basket");
	feed = label_argument(fcinfo, 7, "feed");
	calendar = label_argument(fcinfo, 8, "calendar");
	if (track && strcmp(track, "plan") != 0 && strcmp(track, "fills") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid track \"%s\"", lem_clip_text(track)),
				 errhint("It is \"plan\" or \"fills\".")));
	lem_order_read(tuple, &order);
	lem_query_begin(&query, lem_schema(fcinfo));
	check_series(series);
	lem_orders_check(query.schema, model, &order);
	if (!PG_ARGISNULL(3) && order.has_start && PG_GETARG_TIMESTAMPTZ(3) <= order.start_ts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the order would expire before it starts")));

	lem_query_connect();
	id = client_id ? find_client_order(query.schema, client_id, series, model) : 0;
	if (id > 0)
	{
		SPI_finish();
		PG_RETURN_INT64(id);
	}
	of_feed = lem_feed_find(query.schema, feed ? feed : LEM_DEFAULT_FEED, true);
	if (calendar)
		lem_calendar_hold(query.schema, calendar);
	warn_of_series(query.schema, series);
	if (PG_NARGS() > 9 && !PG_ARGISNULL(9))
	{
		const Oid	type = HeapTupleHeaderGetTypeId(tuple);
		const lem_handed_order handed = {
			query.schema, series, model, calendar ? calendar : of_feed.calendar, &order, type,
			lem_order_datum(type, &order)
		};

		forecast = lem_orders_forecast(&handed, text_to_cstring(PG_GETARG_TEXT_PP(9)));
	}
	lem_query_add(&query, TEXTOID, PG_GETARG_DATUM(0), false);
	lem_query_add(&query, TEXTOID, PG_GETARG_DATUM(1), false);
	lem_query_add(&query, HeapTupleHeaderGetTypeId(tuple),
				  lem_order_datum(HeapTupleHeaderGetTypeId(tuple), &order), false);
	lem_query_add(&query, TIMESTAMPTZOID, PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3),
				  PG_ARGISNULL(3));
	lem_query_add_user(&query, GetUserId());
	if (PG_NARGS() <= 4)
		lem_query_run(&query,
					  "INSERT INTO %1$s.lem_parent_order (series, model, ord, expires_at, owner)"
					  " VALUES ($1, $2, $3, $4, $5) RETURNING id");
	else
	{
		lem_query_add_text(&query, client_id);
		lem_query_add_text(&query, track);
		lem_query_add_text(&query, basket);
		lem_query_add_text(&query, feed ? feed : LEM_DEFAULT_FEED);
		lem_query_add_text(&query, calendar);

		/* Another session may hand the same one over at this moment. */
		if (lem_query_run(&query,
						  "INSERT INTO %1$s.lem_parent_order (series, model, ord, expires_at,"
						  " owner, client_id, track, basket, feed, calendar)"
						  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
						  " ON CONFLICT (owner, client_id) WHERE client_id IS NOT NULL"
						  " DO NOTHING RETURNING id") == 0)
		{
			id = find_client_order(query.schema, client_id, series, model);
			SPI_finish();
			PG_RETURN_INT64(id);
		}
	}
	id = DatumGetInt64(lem_query_column(0, 1, NULL));
	if (PG_NARGS() > 4)
		lem_orders_event(query.schema, id, "submitted", forecast);
	SPI_finish();
	PG_RETURN_INT64(id);
}

void
lem_orders_require(const char *schema, int64 id, bool hold)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	if (lem_query_run(&query, hold ?
					  "SELECT owner FROM %1$s.lem_parent_order WHERE id = $1 FOR NO KEY UPDATE" :
					  "SELECT owner FROM %1$s.lem_parent_order WHERE id = $1") == 0 ||
		!lem_user_acts_for(schema, GetUserId(),
						   lem_role_id(DatumGetLemRoleP(lem_query_column(0, 1, NULL)))))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("order %lld does not exist", (long long) id),
				 errhint("Your orders are listed in the view lem_orders.")));
}

char *
lem_json_text(const char *value)
{
	StringInfoData text;

	initStringInfo(&text);
	escape_json(&text, value);
	return text.data;
}

char *
lem_json_pair(const char *key, const char *value)
{
	return psprintf("{%s: %s}", lem_json_text(key), lem_json_text(value));
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

	lem_refuse_null(PG_ARGISNULL(0), "id");
	lem_query_connect();
	lem_query_begin(&query, lem_schema(fcinfo));
	lem_orders_require(query.schema, PG_GETARG_INT64(0), true);
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	lem_query_add(&query, INT8OID, PG_GETARG_DATUM(0), false);
	lem_query_add(&query, TEXTOID, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
				  PG_ARGISNULL(1));
	cancelled = lem_query_run(&query,
							  "WITH o AS (UPDATE %1$s.lem_parent_order AS p"
							  " SET state = 'cancelled', reason = $3,"
							  " ended_at = pg_catalog.clock_timestamp(), " LEM_PLAN_LEFT
							  " WHERE id = $2"
							  " AND state = ANY ('{active,failed,paused}')"
							  " RETURNING id, owner, series, reason)"
							  " SELECT " LEM_NOTIFY("'cancelled'", "NULL",
										 ", 'reason', pg_catalog.left(o.reason, 300)")
							  " FROM o") > 0;
	if (cancelled)
		lem_orders_event(query.schema, PG_GETARG_INT64(0), "cancelled",
						 PG_ARGISNULL(1) ? NULL
						 : lem_json_pair("reason", text_to_cstring(PG_GETARG_TEXT_PP(1))));
	SPI_finish();
	PG_RETURN_BOOL(cancelled);
}

/* Whether slices of an order o may be left to be filled, in a query. */
#define ON_PAPER \
	" NOT o.paper_done AND (o.completed > o.papered" \
	" OR o.state = ANY ('{finished,expired,cancelled}'))"

/*
 * Fill slices on paper: of an order $1, or of all of owners $2; impact: $3.  A slice waits while no bar
 * from its own on has volume; once the order has ended there will be none.  One that was late waits for
 * the first bar that began after it was told, whatever becomes of the order (work_late.c).  The orders
 * are held, as their sums are kept with them; slices are those that were there when the command began,
 * which may be fewer than the order says.  One of a size that products with prices may not be finite of
 * is not filled, and does not keep others from being.  Bars are in the shares of now, and so is what is filled.
 */
static const char *const fill_on_paper =
	"WITH o AS MATERIALIZED (SELECT o.id, o.bars, o.papered, o.completed,"
	"  (o.ord).unit = 'notional' AS notional,"
	"  CASE (o.ord).side WHEN 'sell' THEN -1 ELSE 1 END AS sign,"
	"  o.state = ANY ('{finished,expired,cancelled}') AS ended"
	"  FROM %1$s.lem_parent_order AS o"
	"  WHERE (o.id = $1 OR $1 IS NULL) AND o.owner OPERATOR(%1$s.=) ANY ($2) AND" ON_PAPER
	"  FOR NO KEY UPDATE SKIP LOCKED),"
	" s AS MATERIALIZED (SELECT o.id, c.step, b.ts, p.price,"
	"  CASE WHEN o.notional THEN c.quantity / p.price ELSE c.quantity * c.adjusted END AS quantity,"
	"  t.traded AND b.ts IS NULL AS waits, t.late"
	"  FROM o JOIN %1$s.lem_child_slice AS c"
	"  ON c.order_id = o.id AND c.step > o.papered"
	"   AND (c.bar_ts IS NOT NULL OR c.late AND c.lag IS NOT NULL)"
	"  CROSS JOIN LATERAL (SELECT c.quantity > 0 AND c.quantity < 1e150 AND NOT c.skipped"
	"   AND NOT EXISTS (SELECT FROM %1$s.lem_paper_fill AS f"
	"    WHERE f.order_id = c.order_id AND f.step = c.step) AS traded,"
	"   c.late AND c.lag IS NOT NULL AS late) AS t"
	"  LEFT JOIN LATERAL ((SELECT b.ts, b.price, b.volume FROM %1$s.lem_unnest(o.bars) AS b"
	"   WHERE t.traded AND NOT t.late AND b.ts >= c.bar_ts AND b.volume > 0 ORDER BY b.ts LIMIT 1)"
	"   UNION ALL SELECT c.after_ts, c.after_price, c.after_volume"
	"   WHERE t.traded AND t.late AND c.after_ts IS NOT NULL) AS b ON true"
	"  CROSS JOIN LATERAL (SELECT b.price * (1 + o.sign * $3 / 10000"
	"   * pg_catalog.sqrt(LEAST(1, CASE WHEN o.notional"
	"   THEN c.quantity / b.price ELSE c.quantity * c.adjusted END / b.volume))) AS price) AS p),"
	" f AS (INSERT INTO %1$s.lem_paper_fill (order_id, step, ts, price, quantity)"
	"  SELECT s.id, s.step, s.ts, s.price, s.quantity FROM s WHERE s.ts IS NOT NULL"
	"  ON CONFLICT DO NOTHING RETURNING order_id, price, quantity),"
	" u AS (UPDATE %1$s.lem_parent_order AS p SET papered = n.papered,"
	"  paper_done = o.ended AND n.seen >= o.completed AND s.open IS NOT TRUE,"
	"  paper_filled = CASE WHEN f.quantity IS NULL THEN p.paper_filled"
	"   ELSE coalesce(p.paper_filled, 0) + f.quantity END,"
	"  paper_notional = CASE WHEN f.quantity IS NULL THEN p.paper_notional"
	"   ELSE coalesce(p.paper_notional, 0) + f.notional END"
	"  FROM o LEFT JOIN (SELECT s.id, coalesce(min(s.step) FILTER (WHERE s.waits) - 1,"
	"   max(s.step)) AS papered, max(s.step) AS seen, bool_or(s.waits AND s.late) AS open"
	"   FROM s GROUP BY s.id) AS s ON s.id = o.id"
	"  LEFT JOIN (SELECT f.order_id, sum(f.quantity) AS quantity,"
	"   sum(f.price * f.quantity) AS notional FROM f GROUP BY f.order_id) AS f"
	"  ON f.order_id = o.id"
	"  CROSS JOIN LATERAL (SELECT coalesce(s.papered, o.papered) AS papered,"
	"   coalesce(s.seen, o.papered) AS seen) AS n"
	"  WHERE p.id = o.id AND (n.papered > o.papered OR f.quantity IS NOT NULL"
	"  OR (o.ended AND n.seen >= o.completed)))"
	" SELECT count(*) FROM f";

/*
 * lem_paper_fill(order_id bigint DEFAULT NULL, impact float8 DEFAULT 0) RETURNS bigint
 *
 * Fills slices whose bar has completed, of one order or (NULL) all of the user's, at the price of
 * the first bar with volume from the slice's own on, or, where it was late, from when it was told;
 * impact: basis points that a slice as large as
 * the bar's volume costs, which falls with the square root of its share.  Returns the number of
 * fills; a slice is filled once.  Orders that others hold are left to the next call.
 */
LEM_FUNCTION(pg_lem_paper_fill);

Datum
pg_lem_paper_fill(PG_FUNCTION_ARGS)
{
	lem_query	query;
	double		impact;
	int64		fills;

	lem_refuse_null(PG_ARGISNULL(1), "impact");
	impact = PG_GETARG_FLOAT8(1);
	if (!(impact >= 0 && impact < 10000))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("impact %s is out of range", lem_number_text(impact)),
				 errdetail("It is in basis points: from 0, and below 10000.")));
	lem_query_connect();
	lem_query_begin(&query, lem_schema(fcinfo));
	if (!PG_ARGISNULL(0))
		lem_orders_require(query.schema, PG_GETARG_INT64(0), false);
	lem_query_begin(&query, query.schema);
	query.by_index = true;
	lem_query_add(&query, INT8OID, PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0),
				  PG_ARGISNULL(0));
	add_owners(&query, GetUserId(),
			   "SELECT DISTINCT owner FROM %1$s.lem_parent_order AS o WHERE" ON_PAPER);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum(impact), false);
	(void) lem_query_run(&query, fill_on_paper);
	fills = DatumGetInt64(lem_query_column(0, 1, NULL));
	SPI_finish();
	PG_RETURN_INT64(fills);
}

/*
 * _lem_parent_order_deleted() RETURNS trigger
 *
 * After rows of lem_parent_order are deleted by a statement, their slices and fills go as well.
 */
LEM_FUNCTION(pg_lem_parent_order_deleted);

Datum
pg_lem_parent_order_deleted(PG_FUNCTION_ARGS)
{
	static const char *const tables[] = {
		"lem_child_slice", "lem_paper_fill", "lem_order_fill", "lem_order_event"
	};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	lem_query	query;

	/* Anyone can put a trigger on a table of his own. */
	lem_query_begin(&query, lem_schema(fcinfo));
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		trigger->tg_trigger->tgoldtable == NULL ||
		RelationGetRelid(trigger->tg_relation) !=
		get_relname_relid("lem_parent_order", get_namespace_oid(query.schema, false)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_parent_order_deleted is for rows that are deleted from "
						"lem_parent_order")));

	lem_query_connect();
	if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "SPI_register_trigger_data failed");
	query.by_index = true;
	for (size_t i = 0; i < lengthof(tables); i++)
		lem_query_run(&query,
					  psprintf("DELETE FROM %%1$s.%s WHERE order_id IN (SELECT id FROM %s)",
							   tables[i], quote_identifier(trigger->tg_trigger->tgoldtable)));
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * _lem_refuse_update() RETURNS trigger
 *
 * Before rows of orders are updated: only the extension's own functions do, which see to it that what
 * was decided and filled stays, and that changes are recorded.
 */
LEM_FUNCTION(pg_lem_refuse_update);

Datum
pg_lem_refuse_update(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_refuse_update is a trigger function")));
	if (!InLocalUserIdChange())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows of \"%s\" are not to be updated by hand",
						RelationGetRelationName(((TriggerData *) fcinfo->context)->tg_relation)),
				 errhint("Use lem_amend_order, lem_pause_order, lem_resume_order, "
						 "lem_adjust_order, lem_cancel_order, lem_record_fill or "
						 "lem_bust_fill.")));
	return PointerGetDatum(NULL);
}

/*
 * work_seen.c: what is known of series without reading their orders.
 *
 * A call that finds nothing due should not have to read a hundred thousand orders to know that.  So two
 * tables keep, for each feed, what the last call found: lem_series_seen with which bar all active orders
 * of a series were looked at, and lem_feed_seen as of when.
 *
 * Orders change all the time, under the hands of any session, and none is to wait for this or to write
 * into it.  What makes an order due without a bar (it is handed over, amended, resumed, reopened) is
 * done by a transaction that puts its number into the order's column changed.  Both tables are written
 * by one statement, which sees one snapshot: all transactions before that snapshot's xmin had ended, and
 * what they did is in the minimum of its orders.  Whatever an order that the statement did not see, or
 * not so, has been through since, the number it bears is not below that xmin.  What lem_work itself
 * does to an order only takes the bar that it was looked at with ahead.  So of an order that is active
 * one of these holds, in any later snapshot: its number is not below the xmin, or it was looked at with
 * its series' bar in lem_series_seen, or a later one.
 *
 * Who reads both tables and the changed orders in one snapshot therefore misses none.  A number may stay
 * above the xmin for long, where a transaction is open for long; and rows of series may stay behind, where
 * others noted at the same moment, or the call was within a transaction of the caller's.  That costs
 * reading some orders which turn out not to be due.
 *
 * Rows that a dump brings back bear numbers of another server, whose transactions are not those of this
 * one: a trigger gives each row that is inserted the number of the transaction that does it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/orders/work_seen.h"

/* One at a time writes what was seen, and does not wait; false: another does. */
static bool
lock_seen(const char *schema)
{
	const Oid	relation = get_relname_relid("lem_feed_seen", get_namespace_oid(schema, false));

	LEM_ENSURE(OidIsValid(relation));
	return ConditionalLockRelationOid(relation, ShareRowExclusiveLock);
}

lem_seen_series *
lem_work_seen(const lem_worker *worker, int *n)
{
	lem_query	query;
	lem_seen_series *series;
	uint64		rows;
	bool		known = false;

	/* Owners are compared last, so that it is not by theirs that orders are found. */
	*n = 0;
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	lem_query_add(&query, worker->owners_type, worker->owners, false);
	lem_query_add_text(&query, worker->feed.name);
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(worker->now), false);
	rows = lem_query_run(&query,
						 "SELECT s.* FROM (SELECT NULL AS series, NULL AS seen_ts"
						 " FROM %1$s.lem_feed_seen WHERE feed = $2"
						 " UNION ALL SELECT series, seen_ts FROM %1$s.lem_series_seen"
						 " WHERE feed = $2"
						 " UNION ALL SELECT o.series, NULL FROM (SELECT series, owner"
						 " FROM %1$s.lem_parent_order WHERE state = 'active' AND feed = $2 AND changed >="
						 " (SELECT changed FROM %1$s.lem_feed_seen WHERE feed = $2) OFFSET 0) AS o"
						 " WHERE o.owner OPERATOR(%1$s.=) ANY ($1)"
						 " UNION ALL SELECT o.series, NULL FROM (SELECT series, owner"
						 " FROM %1$s.lem_parent_order WHERE state = 'active' AND feed = $2"
						 " AND look_at <= $3 OFFSET 0) AS o"
						 " WHERE o.owner OPERATOR(%1$s.=) ANY ($1)) AS s"
						 " ORDER BY series COLLATE \"C\"");
	series = palloc(Max(rows, 1) * sizeof(lem_seen_series));
	for (uint64 row = 0; row < rows; row++)
	{
		bool		no_name;
		bool		no_bar;
		const Datum name = lem_query_column(row, 1, &no_name);
		const Datum seen = lem_query_column(row, 2, &no_bar);
		const char *series_name;

		known = known || no_name;
		if (no_name)
			continue;
		series_name = TextDatumGetCString(name);
		if (*n == 0 || strcmp(series[*n - 1].name, series_name) != 0)
			series[(*n)++] = (lem_seen_series) {series_name, DT_NOBEGIN, false};
		if (no_bar)
			series[*n - 1].news = true;
		else
			series[*n - 1].seen = DatumGetTimestampTz(seen);
	}
	SPI_freetuptable(SPI_tuptable);
	return known ? series : NULL;
}

void
lem_work_note_seen(const lem_worker *worker, const char *const *names, int n)
{
	lem_query	query;
	Datum	   *series = palloc(Max(n, 1) * sizeof(Datum));

	if (!lock_seen(worker->schema))
		return;
	for (int i = 0; i < n; i++)
		series[i] = CStringGetTextDatum(names[i]);
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	lem_query_add_text(&query, worker->feed.name);
	lem_query_add_array(&query, TEXTOID, series, NULL, n);
	lem_query_run(&query,
				  "WITH f AS MATERIALIZED (SELECT changed FROM %1$s.lem_feed_seen WHERE feed = $1),"
				  " t AS MATERIALIZED (SELECT series FROM unnest($2) AS u (series)"
				  " UNION SELECT o.series FROM %1$s.lem_parent_order AS o WHERE o.state = 'active'"
				  " AND o.changed >= coalesce((SELECT changed FROM f), '0') AND o.feed = $1),"
				  " n AS MATERIALIZED (SELECT t.series, (SELECT min(coalesce(o.seen_ts, '-infinity'))"
				  " FROM %1$s.lem_parent_order AS o WHERE o.series = t.series"
				  " AND o.state = 'active' AND o.feed = $1) AS seen_ts FROM t),"
				  " d AS (DELETE FROM %1$s.lem_series_seen AS s USING n WHERE s.feed = $1"
				  " AND s.series = n.series AND n.seen_ts IS NULL),"
				  " i AS (INSERT INTO %1$s.lem_series_seen AS s (feed, series, seen_ts)"
				  " SELECT $1, series, seen_ts FROM n WHERE seen_ts IS NOT NULL"
				  " ON CONFLICT (feed, series) DO UPDATE SET seen_ts = EXCLUDED.seen_ts"
				  " WHERE s.seen_ts <> EXCLUDED.seen_ts)"
				  " INSERT INTO %1$s.lem_feed_seen AS f (feed, changed)"
				  " VALUES ($1, pg_snapshot_xmin(pg_current_snapshot()))"
				  " ON CONFLICT (feed) DO UPDATE SET changed = EXCLUDED.changed"
				  " WHERE f.changed <> EXCLUDED.changed");
}

void
lem_work_forget_series(const char *schema)
{
	lem_query	query;

	if (!lock_seen(schema))
		return;
	lem_query_begin(&query, schema);
	query.by_index = true;
	lem_query_run(&query,
				  "DELETE FROM %1$s.lem_series_seen AS s WHERE NOT EXISTS (SELECT"
				  " FROM %1$s.lem_parent_order AS o WHERE o.series = s.series"
				  " AND o.state = 'active' AND o.feed = s.feed)");
	lem_query_run(&query,
				  "DELETE FROM %1$s.lem_feed_seen AS s WHERE feed <> 'default' AND NOT EXISTS (SELECT"
				  " FROM %1$s.lem_feed AS f WHERE f.name = s.feed)");
}

/*
 * _lem_order_changed() RETURNS trigger
 *
 * Before an order is inserted: gives it the number of the transaction that does it.
 */
LEM_FUNCTION(pg_lem_order_changed);

Datum
pg_lem_order_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	int			number;
	Datum		value;
	bool		is_null = false;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_order_changed is a trigger function")));
	desc = RelationGetDescr(trigger->tg_relation);
	number = SPI_fnumber(desc, "changed");
	LEM_ENSURE(number > 0);
	value = FullTransactionIdGetDatum(GetTopFullTransactionId());

	/* Updates that another server sends by and by bear its numbers: nothing is known then. */
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
	{
		lem_query	query;

		lem_query_connect();
		lem_query_begin(&query, lem_schema(fcinfo));
		lem_query_run(&query, "DELETE FROM %1$s.lem_feed_seen");
		SPI_finish();
	}
	return PointerGetDatum(heap_modify_tuple_by_cols(trigger->tg_trigtuple, desc, 1, &number,
													 &value, &is_null));
}

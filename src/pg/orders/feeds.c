/* feeds.c: feeds of bars, which orders name: lem_set_feed and lem_drop_feed. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/base/role.h"
#include "pg/catalog/calendars.h"
#include "pg/orders/feeds.h"

/* Longest name of a feed, bytes. */
#define MAX_NAME 500

/* Longest lag that a feed can be given. */
#define MAX_LAG ((int64) 366 * USECS_PER_DAY)

lem_feed
lem_feed_find(const char *schema, const char *name, bool hold)
{
	lem_feed	feed = {pstrdup(name), NULL, PG_INT64_MAX};
	lem_query	query;
	bool		is_null;
	Datum		value;

	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	if (lem_query_run(&query, hold
					  ? "SELECT calendar, max_lag FROM %1$s.lem_feed WHERE name = $1 FOR KEY SHARE"
					  : "SELECT calendar, max_lag FROM %1$s.lem_feed WHERE name = $1") == 0)
	{
		if (strcmp(name, LEM_DEFAULT_FEED) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("feed \"%s\" does not exist", lem_clip_text(name)),
					 errhint("Feeds are listed in the table lem_feed; lem_set_feed() makes one.")));
		return feed;
	}
	value = lem_query_column(0, 1, &is_null);
	if (!is_null)
		feed.calendar = TextDatumGetCString(value);
	value = lem_query_column(0, 2, &is_null);
	if (!is_null)
	{
		const Interval *lag = DatumGetIntervalP(value);

		feed.max_lag = lag->time + (int64) lag->day * USECS_PER_DAY;
	}
	SPI_freetuptable(SPI_tuptable);
	return feed;
}

/* Lock a feed to change it; false: there is none of the name.  Raises 42501; within SPI. */
static bool
lock_feed(const char *schema, const char *name)
{
	const bool	is_default = strcmp(name, LEM_DEFAULT_FEED) == 0;
	lem_query	query;
	bool		found;
	bool		is_null = true;
	Datum		owner = (Datum) 0;

	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	found = lem_query_run(&query,
						  "SELECT owner FROM %1$s.lem_feed WHERE name = $1 FOR UPDATE") > 0;
	if (found)
		owner = lem_query_column(0, 1, &is_null);
	if ((found || is_default) &&
		!(is_default || is_null ? lem_user_administers(schema, GetUserId()) :
		  lem_user_acts_for(schema, GetUserId(), lem_role_id(DatumGetLemRoleP(owner)))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for feed \"%s\"", lem_clip_text(name)),
				 errhint("Only its owner and the extension's can change it; one of another name is "
						 "free to make.")));
	return found;
}

/*
 * lem_set_feed(name text, calendar text DEFAULT NULL, max_lag interval DEFAULT NULL) RETURNS void
 *
 * Makes a feed, or changes one that is the user's; of the feed "default", which is there without,
 * the extension's owner says what holds.  Errors: 22004, 22023, 42501, 42704.
 */
LEM_FUNCTION(pg_lem_set_feed);

Datum
pg_lem_set_feed(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	const char *name;
	const char *calendar = NULL;
	lem_query	query;

	lem_refuse_null(PG_ARGISNULL(0), "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (*name == '\0' || strlen(name) > MAX_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name of a feed: \"%s\"", lem_clip_text(name)),
				 errhint("It has 1 to %d bytes.", MAX_NAME)));
	if (!PG_ARGISNULL(1))
		calendar = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!PG_ARGISNULL(2))
	{
		const Interval *lag = PG_GETARG_INTERVAL_P(2);

		if (lag->month != 0 || lag->day < 0 || lag->day > 366 || lag->time < 0 ||
			lag->time > MAX_LAG || lag->day * USECS_PER_DAY + lag->time > MAX_LAG)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid max_lag of a feed: %s",
							DatumGetCString(DirectFunctionCall1(interval_out,
																IntervalPGetDatum(lag)))),
					 errhint("It is from nothing to 366 days, without months.")));
	}

	lem_query_connect();
	if (calendar)
		lem_calendar_hold(schema, calendar);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	lem_query_add_text(&query, calendar);
	lem_query_add(&query, INTERVALOID, PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2),
				  PG_ARGISNULL(2));
	lem_query_add_user(&query, GetUserId());

	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_feed AS f (name, calendar, max_lag, owner)"
				  " VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE"
				  " SET calendar = EXCLUDED.calendar, max_lag = EXCLUDED.max_lag");

	/* Only now it is certain whose it is: another session may just have made it. */
	(void) lock_feed(schema, name);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * lem_drop_feed(name text) RETURNS boolean
 *
 * Drops a feed that is the user's; false if there is none of the name.  Errors: 22004, 42501, and
 * 2BP01 while orders that have not ended name it.
 */
LEM_FUNCTION(pg_lem_drop_feed);

Datum
pg_lem_drop_feed(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	const char *name;
	lem_query	query;
	bool		found;

	lem_refuse_null(PG_ARGISNULL(0), "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_query_connect();
	found = lock_feed(schema, name);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	if (found && strcmp(name, LEM_DEFAULT_FEED) != 0 &&
		lem_query_run(&query, "SELECT FROM %1$s.lem_parent_order WHERE feed = $1"
					  " AND state IN ('active', 'paused', 'failed') LIMIT 1") > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("feed \"%s\" has orders", lem_clip_text(name)),
				 errhint("Cancel them, or wait until they have ended.")));
	lem_query_run(&query, "DELETE FROM %1$s.lem_feed WHERE name = $1");
	SPI_finish();
	PG_RETURN_BOOL(found);
}

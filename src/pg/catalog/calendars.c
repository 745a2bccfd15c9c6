/*
 * calendars.c: the calendars of the catalog.
 *
 * A calendar is compiled once in a session: its rules become days.  Its row has a version, from a
 * sequence, that each change of it or of its days raises; what was compiled of another is thrown away.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/base/role.h"
#include "pg/base/table_scan.h"
#include "pg/catalog/calendar_json.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/json_read.h"

/* A calendar that was compiled. */
typedef struct compiled
{
	struct compiled *next;
	MemoryContext context;
	Oid			table;			/* of which extension */
	char	   *name;
	int64		version;
	lem_calendar_draft draft;
} compiled;

static compiled *cache;

static void unknown_calendar(const char *name) pg_attribute_noreturn();

static void
unknown_calendar(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("calendar \"%s\" does not exist", lem_clip_text(name)),
			 errhint("Calendars are listed in the table lem_calendar; lem_set_calendar() makes one.")));
}

/* Forget what was compiled of a calendar; NULL: of none. */
static void
forget(compiled *entry)
{
	compiled  **place = &cache;

	while (*place && *place != entry)
		place = &(*place)->next;
	if (*place == NULL)
		return;
	*place = entry->next;
	MemoryContextDelete(entry->context);
}

/* The days of a calendar. */
static void
read_days(lem_calendar_draft *draft, const char *schema, const char *name)
{
	const lem_scan_key key = {"calendar", TEXTOID, CStringGetTextDatum(name)};
	lem_scan	scan;

	lem_scan_begin(&scan, schema, NULL, "lem_calendar_day", "lem_calendar_day_pkey", &key, 1);
	while (lem_scan_next(&scan))
	{
		const DateADT day = DatumGetDateADT(lem_scan_column(&scan, "day"));

		lem_calendar_read_day(draft, day,
							  &DatumGetJsonbPCopy(lem_scan_column(&scan, "sessions"))->root);
	}
	lem_scan_end(&scan);
}

/* Compile a calendar of which the present row of a scan tells. */
static compiled *
compile(const char *schema, const char *name, const lem_scan *scan)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "lem calendar",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	compiled   *entry = palloc0(sizeof(compiled));

	PG_TRY();
	{
		lem_calendar_draft *draft = &entry->draft;

		entry->context = context;
		entry->table = RelationGetRelid(scan->table);
		entry->name = pstrdup(name);
		entry->version = DatumGetInt64(lem_scan_column(scan, "version"));
		lem_calendar_begin(draft, TextDatumGetCString(lem_scan_column(scan, "time_zone")));
		lem_calendar_read_sessions(draft,
								   &DatumGetJsonbPCopy(lem_scan_column(scan, "sessions"))->root);
		lem_calendar_read_rules(draft, &DatumGetJsonbPCopy(lem_scan_column(scan, "rules"))->root);
		read_days(draft, schema, name);
		lem_calendar_finish(draft);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	entry->next = cache;
	cache = entry;
	return entry;
}

const lem_calendar *
lem_calendar_find(const char *schema, const char *name)
{
	const lem_scan_key key = {"name", TEXTOID, CStringGetTextDatum(name)};
	lem_scan	scan;
	compiled   *entry = cache;
	lem_calendar *calendar;
	lem_day_sessions *days;
	lem_session *session;
	int64		version;

	lem_scan_begin(&scan, schema, NULL, "lem_calendar", "lem_calendar_pkey", &key, 1);
	if (!lem_scan_next(&scan))
		unknown_calendar(name);
	version = DatumGetInt64(lem_scan_column(&scan, "version"));
	while (entry && (entry->table != RelationGetRelid(scan.table) ||
					 strcmp(entry->name, name) != 0))
		entry = entry->next;
	if (entry && entry->version != version)
	{
		forget(entry);
		entry = NULL;
	}
	if (entry == NULL)
		entry = compile(schema, name, &scan);
	lem_scan_end(&scan);

	/* A copy: what was compiled can be thrown away while a caller still computes. */
	calendar = palloc(sizeof(lem_calendar));
	*calendar = entry->draft.calendar;
	days = palloc(Max(calendar->n_days, 1) * sizeof(lem_day_sessions));
	memcpy(days, calendar->days, calendar->n_days * sizeof(lem_day_sessions));
	session = palloc(Max(entry->draft.n_sessions, 1) * sizeof(lem_session));
	memcpy(session, calendar->session, entry->draft.n_sessions * sizeof(lem_session));
	calendar->days = days;
	calendar->session = session;
	return calendar;
}

void
lem_calendar_hold(const char *schema, const char *name)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	if (lem_query_run(&query, "SELECT FROM %1$s.lem_calendar WHERE name = $1 FOR KEY SHARE") == 0)
		unknown_calendar(name);
	(void) lem_calendar_find(schema, name);
}

void
lem_calendar_digest(const lem_calendar *calendar, uint8 *digest)
{
	const int	weekdays = lengthof(calendar->weekday);
	const lem_day_sessions *days = calendar->weekday;
	StringInfoData buffer;

	initStringInfo(&buffer);
	appendStringInfoString(&buffer, calendar->clock.arg
						   ? pg_get_timezone_name(calendar->clock.arg) : "UTC");
	for (int i = 0; i < weekdays + calendar->n_days; i++, days++)
	{
		if (i == weekdays)
			days = calendar->days;
		pq_sendint32(&buffer, i < weekdays ? i : days->day);
		pq_sendint32(&buffer, days->count);
		for (int s = 0; s < days->count; s++)
		{
			pq_sendint32(&buffer, calendar->session[days->first + s].open);
			pq_sendint32(&buffer, calendar->session[days->first + s].close);
		}
	}
	lem_catalog_checksum(buffer.data, buffer.len, digest);
	pfree(buffer.data);
}

lem_clock
lem_config_clock(const char *schema, const lem_config *config, pg_tz *time_zone)
{
	lem_clock	clock = lem_zone_clock(time_zone);

	if (config->calendar[0] != '\0')
		clock.calendar = lem_calendar_find(schema, config->calendar);
	return clock;
}

/* Lock a calendar to change it; false: there is none of the name.  Raises 42501; within SPI. */
static bool
lock_calendar(const char *schema, const char *name)
{
	lem_query	query;
	bool		is_null;
	Datum		owner;
	Oid			role = InvalidOid;

	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	if (lem_query_run(&query, "SELECT owner FROM %1$s.lem_calendar WHERE name = $1 FOR UPDATE") == 0)
		return false;
	owner = lem_query_column(0, 1, &is_null);
	if (!is_null)
		role = lem_role_id(DatumGetLemRoleP(owner));
	if (!lem_user_acts_for(schema, GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for calendar \"%s\"", lem_clip_text(name)),
				 errhint("Only its owner and the extension's can change it; one of another name is "
						 "free to make.")));
	return true;
}

/* A part of a definition of a type; NULL: it has none. */
static JsonbValue *
part_of(Jsonb *definition, const char *name, bool array)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&definition->root, name, (int) strlen(name),
													 NULL);

	if (value && !(value->type == jbvBinary &&
				   (array ? JsonContainerIsArray(value->val.binary.data) :
					JsonContainerIsObject(value->val.binary.data))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a calendar must be %s", name,
						array ? "a list" : "an object")));
	return value;
}

/* Raise for keys that a definition does not have. */
static void
check_keys(Jsonb *definition)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;

	if (!JB_ROOT_IS_OBJECT(definition))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a calendar's definition must be a JSON object")));
	it = JsonbIteratorInit(&definition->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(key.val.string.val, key.val.string.len);
		if (strcmp(name, "time_zone") != 0 && strcmp(name, "sessions") != 0 &&
			strcmp(name, "rules") != 0 && strcmp(name, "days") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown key \"%s\" of a calendar", lem_clip_text(name)),
					 errhint("Keys are time_zone, sessions, rules and days.")));
	}
}

/* Raise for a key of "days" that is no day. */
static void
check_days(JsonbValue *days)
{
	JsonbIterator *it = JsonbIteratorInit(days->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	key;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		static const char *const hint = "It must be a date, such as \"2026-12-24\".";
		const char *message;

		if (token != WJB_KEY)
			continue;
		message = psprintf("invalid day of a calendar: %s", lem_json_describe(&key));
		if (DATE_NOT_FINITE(DatumGetDateADT(lem_input(F_DATE_IN,
													  pnstrdup(key.val.string.val,
															   key.val.string.len),
													  ERRCODE_INVALID_PARAMETER_VALUE, message,
													  hint))))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s", message),
					 errhint("%s", hint)));
	}
}

/* Raise for what cannot be compiled of a calendar as it is by now, days included. */
static void
check_stored(const char *schema, const char *name)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	(void) lem_calendar_find(schema, name);
	PopActiveSnapshot();
}

/* A part as a query's parameter, or what stands for one that is left out. */
static void
add_part(lem_query *query, JsonbValue *part, const char *without)
{
	lem_query_add(query, JSONBOID, part ? JsonbPGetDatum(JsonbValueToJsonb(part))
				  : DirectFunctionCall1(jsonb_in, CStringGetDatum(without)), false);
}

/*
 * lem_set_calendar(name text, definition jsonb) RETURNS void
 *
 * Makes a calendar, or another of one that is the user's.  Errors: 22004, 22023, 42501.
 */
LEM_FUNCTION(pg_lem_set_calendar);

Datum
pg_lem_set_calendar(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	char	   *name;
	Jsonb	   *definition;
	JsonbValue *time_zone;
	JsonbValue *sessions;
	JsonbValue *rules;
	JsonbValue *days;
	char	   *zone = "UTC";
	lem_calendar_draft draft;
	lem_query	query;

	lem_refuse_null(PG_ARGISNULL(0), "name");
	lem_refuse_null(PG_ARGISNULL(1), "definition");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	definition = PG_GETARG_JSONB_P(1);
	if (*name == '\0' || strlen(name) > LEM_CALENDAR_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name of a calendar: \"%s\"", lem_clip_text(name)),
				 errhint("It has 1 to %d bytes.", LEM_CALENDAR_NAME)));
	check_keys(definition);
	time_zone = getKeyJsonValueFromContainer(&definition->root, "time_zone", 9, NULL);
	if (time_zone && time_zone->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"time_zone\" of a calendar must be a name")));
	if (time_zone)
		zone = pnstrdup(time_zone->val.string.val, time_zone->val.string.len);
	sessions = part_of(definition, "sessions", false);
	rules = part_of(definition, "rules", true);
	days = part_of(definition, "days", false);
	if (days)
		check_days(days);

	/* What cannot be compiled is not stored. */
	lem_calendar_begin(&draft, zone);
	if (sessions == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a calendar must have sessions on a weekday"),
				 errhint("Pass them as \"sessions\", such as "
						 "{\"Mon-Fri\": [[\"09:30\", \"16:00\"]]}.")));
	lem_calendar_read_sessions(&draft, sessions->val.binary.data);
	if (rules)
		lem_calendar_read_rules(&draft, rules->val.binary.data);

	lem_query_connect();
	(void) lock_calendar(schema, name);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	lem_query_add_text(&query, zone);
	add_part(&query, sessions, "{}");
	add_part(&query, rules, "[]");
	lem_query_add_user(&query, GetUserId());
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_calendar AS c (name, time_zone, sessions, rules, owner)"
				  " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE"
				  " SET time_zone = EXCLUDED.time_zone, sessions = EXCLUDED.sessions,"
				  " rules = EXCLUDED.rules, owner = coalesce(c.owner, EXCLUDED.owner),"
				  " shipped = false, version = EXCLUDED.version");

	/* Only now it is certain whose it is: another session may just have made it. */
	(void) lock_calendar(schema, name);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	lem_query_run(&query, "DELETE FROM %1$s.lem_calendar_day WHERE calendar = $1");
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	add_part(&query, days, "{}");
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_calendar_day (calendar, day, sessions, note)"
				  " SELECT $1, d.key::pg_catalog.date, coalesce(d.value -> 'sessions', '[]'),"
				  " d.value ->> 'note' FROM pg_catalog.jsonb_each($2) AS d");
	SPI_finish();

	check_stored(schema, name);
	PG_RETURN_VOID();
}

/*
 * lem_set_calendar_day(calendar text, day date, sessions jsonb DEFAULT '[]', note text DEFAULT NULL)
 * RETURNS void
 *
 * Makes a day of a calendar an exception: with other sessions, or none ('[]'); sessions NULL: what the
 * rules say again.  Errors: 22004, 22023, 42501, 42704.
 */
LEM_FUNCTION(pg_lem_set_calendar_day);

Datum
pg_lem_set_calendar_day(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	char	   *name;
	lem_query	query;

	lem_refuse_null(PG_ARGISNULL(0), "calendar");
	lem_refuse_null(PG_ARGISNULL(1), "day");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (DATE_NOT_FINITE(PG_GETARG_DATEADT(1)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a calendar's day must be finite")));
	if (!PG_ARGISNULL(2) && (!JB_ROOT_IS_ARRAY(PG_GETARG_JSONB_P(2)) ||
							 JB_ROOT_IS_SCALAR(PG_GETARG_JSONB_P(2))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the sessions of a day must be a list of pairs of times"),
				 errhint("Such as [[\"09:30\", \"13:00\"]], or [] for none.")));
	lem_query_connect();
	if (!lock_calendar(schema, name))
		unknown_calendar(name);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	lem_query_add(&query, DATEOID, PG_GETARG_DATUM(1), false);
	if (PG_ARGISNULL(2))
		lem_query_run(&query,
					  "DELETE FROM %1$s.lem_calendar_day WHERE calendar = $1 AND day = $2");
	else
	{
		lem_query_add(&query, JSONBOID, PG_GETARG_DATUM(2), false);
		lem_query_add(&query, TEXTOID, PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3),
					  PG_ARGISNULL(3));
		lem_query_run(&query,
					  "INSERT INTO %1$s.lem_calendar_day (calendar, day, sessions, note)"
					  " VALUES ($1, $2, $3, $4) ON CONFLICT (calendar, day) DO UPDATE"
					  " SET sessions = EXCLUDED.sessions, note = EXCLUDED.note, shipped = false");
	}
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	lem_query_run(&query, "UPDATE %1$s.lem_calendar SET version = DEFAULT WHERE name = $1");
	SPI_finish();
	check_stored(schema, name);
	PG_RETURN_VOID();
}

/* Feeds, and orders that have not ended, that go by a calendar keep it; models that do are warned of. */
static void
refuse_used(const char *schema, const char *name)
{
	lem_query	query;
	int64		models;

	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	if (lem_query_run(&query,
					  "SELECT pg_catalog.format('feed \"%%s\"', f.name) FROM %1$s.lem_feed AS f"
					  " WHERE f.calendar = $1"
					  " UNION ALL SELECT pg_catalog.format('order %%s', o.id)"
					  " FROM %1$s.lem_parent_order AS o WHERE o.calendar = $1"
					  " AND o.state IN ('active', 'paused', 'failed') LIMIT 1") > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("%s goes by calendar \"%s\"",
						TextDatumGetCString(lem_query_column(0, 1, NULL)), lem_clip_text(name)),
				 errhint("Give feeds another with lem_set_feed(); orders let go of it when they "
						 "end.")));
	lem_query_run(&query, "SELECT count(*) FROM %1$s.lem_model WHERE config ->> 'calendar' = $1");
	models = DatumGetInt64(lem_query_column(0, 1, NULL));
	if (models > 0)
		ereport(WARNING,
				(errmsg_plural("%lld version of models goes by calendar \"%s\", which is dropped",
							   "%lld versions of models go by calendar \"%s\", which is dropped",
							   models, (long long) models, lem_clip_text(name)),
				 errhint("They cannot be used until there is a calendar of that name again.")));
}

/*
 * lem_drop_calendar(name text) RETURNS boolean
 *
 * Drops a calendar that is the user's; false if there is none of the name.  Errors: 22004, 42501, and
 * 2BP01 while feeds or orders that have not ended go by it.
 */
LEM_FUNCTION(pg_lem_drop_calendar);

Datum
pg_lem_drop_calendar(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	const char *name;
	lem_query	query;
	bool		found;

	lem_refuse_null(PG_ARGISNULL(0), "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_query_connect();
	found = lock_calendar(schema, name);
	if (found)
		refuse_used(schema, name);
	lem_query_begin(&query, schema);
	lem_query_add(&query, TEXTOID, PG_GETARG_DATUM(0), false);
	lem_query_run(&query, "DELETE FROM %1$s.lem_calendar_day WHERE calendar = $1");
	lem_query_run(&query, "DELETE FROM %1$s.lem_calendar WHERE name = $1");
	SPI_finish();
	PG_RETURN_BOOL(found);
}

/*
 * _lem_calendar_inserted() RETURNS trigger
 *
 * Before a row of lem_calendar or lem_calendar_day is inserted, one that the extension shipped makes
 * way: the user's comes from a dump.
 */
LEM_FUNCTION(pg_lem_calendar_inserted);

Datum
pg_lem_calendar_inserted(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *schema = lem_schema(fcinfo);
	lem_query	query;
	TupleDesc	columns;
	Oid			table;
	bool		of_days;
	bool		is_null;

	/* Anyone can put a trigger on a table of his own. */
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		((table = RelationGetRelid(trigger->tg_relation)) != lem_table(schema, "lem_calendar") &&
		 table != lem_table(schema, "lem_calendar_day")))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_calendar_inserted is for rows that are inserted into calendars")));
	of_days = table == lem_table(schema, "lem_calendar_day");
	columns = RelationGetDescr(trigger->tg_relation);
	lem_query_connect();
	lem_query_begin(&query, schema);
	lem_query_add(&query, TEXTOID,
				  SPI_getbinval(trigger->tg_trigtuple, columns,
								SPI_fnumber(columns, of_days ? "calendar" : "name"), &is_null),
				  false);
	if (of_days)
	{
		lem_query_add(&query, DATEOID,
					  SPI_getbinval(trigger->tg_trigtuple, columns, SPI_fnumber(columns, "day"),
									&is_null), false);
		lem_query_run(&query, "DELETE FROM %1$s.lem_calendar_day"
					  " WHERE calendar = $1 AND day = $2 AND shipped");
	}
	else
	{
		lem_query_run(&query, "DELETE FROM %1$s.lem_calendar_day WHERE calendar = $1 AND shipped");
		lem_query_run(&query, "DELETE FROM %1$s.lem_calendar WHERE name = $1 AND shipped");
	}
	SPI_finish();
	return PointerGetDatum(trigger->tg_trigtuple);
}

/* A length of bars: microseconds, or months. */
static void
read_interval(const Interval *interval, lem_bar_grid *grid)
{
	grid->months = interval->month;
	grid->interval = interval->month > 0 ? (int64) interval->month * 30 * USECS_PER_DAY
		: (int64) interval->day * USECS_PER_DAY + interval->time;
	if (interval->month < 0 || interval->month > 1200 || grid->interval <= 0 ||
		(interval->month > 0 && (interval->day != 0 || interval->time != 0)) ||
		interval->day < 0 || interval->day > 36500 ||
		grid->interval > 100 * LEM_MAX_BAR_INTERVAL ||
		(grid->months == 0 && grid->interval > LEM_DAY && grid->interval % LEM_DAY != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid interval of bars: %s",
						DatumGetCString(DirectFunctionCall1(interval_out,
														IntervalPGetDatum(interval)))),
				 errhint("It is of a day or less, or of whole days, or of whole months.")));
}

/*
 * lem_calendar_bars(calendar text, from_ts timestamptz, to_ts timestamptz, bar_interval interval)
 * RETURNS SETOF timestamptz
 *
 * The starts of the bars of a calendar, from one time up to before another.  Errors: 22023, 42704.
 */
LEM_FUNCTION(pg_lem_calendar_bars);

Datum
pg_lem_calendar_bars(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	lem_bar_grid grid = {.phase = LEM_PHASE_OPEN};
	int64_t		ts = PG_GETARG_TIMESTAMPTZ(1);
	const int64	end = PG_GETARG_TIMESTAMPTZ(2);

	grid.calendar = lem_calendar_find(lem_schema(fcinfo),
									  text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (TIMESTAMP_NOT_FINITE(ts) || TIMESTAMP_NOT_FINITE(end))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bars of a calendar are between two times that are finite")));
	read_interval(PG_GETARG_INTERVAL_P(3), &grid);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	while (ts < end && lem_bar_from(&grid, ts, &ts) && ts < end)
	{
		Datum		value = TimestampTzGetDatum(ts);
		bool		is_null = false;

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &is_null);
		ts++;
	}
	return (Datum) 0;
}

/*
 * lem_calendar_sessions(calendar text, from_day date, to_day date, OUT day date, OUT opens
 * timestamptz, OUT closes timestamptz) RETURNS SETOF record
 *
 * The sessions of the days from one to another, both included.  Errors: 22023, 42704.
 */
LEM_FUNCTION(pg_lem_calendar_sessions);

Datum
pg_lem_calendar_sessions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const lem_calendar *calendar = lem_calendar_find(lem_schema(fcinfo),
													 text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const DateADT from = PG_GETARG_DATEADT(1);
	const DateADT to = PG_GETARG_DATEADT(2);

	if (DATE_NOT_FINITE(from) || DATE_NOT_FINITE(to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sessions of a calendar are between two days that are finite")));
	InitMaterializedSRF(fcinfo, 0);
	for (int64 day = from; day <= to; day++)
	{
		const lem_day_sessions *of = lem_calendar_day(calendar, day);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < of->count; i++)
		{
			const lem_session_time time = lem_session_of(calendar, day, i);
			Datum		values[3];
			bool		nulls[3] = {false};

			values[0] = DateADTGetDatum((DateADT) day);
			values[1] = TimestampTzGetDatum(time.open);
			values[2] = TimestampTzGetDatum(time.close);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

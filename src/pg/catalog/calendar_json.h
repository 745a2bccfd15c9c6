/*
 * calendar_json.h: calendars as JSON: sessions of weekdays, and rules for the days that are
 * exceptions.
 */
#ifndef LEM_PG_CALENDAR_JSON_H
#define LEM_PG_CALENDAR_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/market/sessions.h"

/* A calendar that is being put together, in the memory context it was begun in. */
typedef struct lem_calendar_draft
{
	lem_calendar calendar;		/* once finished */
	int			n_sessions;
	int			max_sessions;
	lem_session *session;
	int			max_days;
	lem_day_sessions *days;
} lem_calendar_draft;

/* Begin with a time zone; raises 22023 for a name that is none. */
extern void lem_calendar_begin(lem_calendar_draft *draft, const char *time_zone);

/*
 * The sessions of weekdays: {"Mon-Fri": [["09:30", "16:00"]], ...}.  The rules: a list of objects
 * (doc/calendars.md).  Raise 22023, naming what is wrong and where.
 */
extern void lem_calendar_read_sessions(lem_calendar_draft *draft, JsonbContainer *sessions);
extern void lem_calendar_read_rules(lem_calendar_draft *draft, JsonbContainer *rules);

/* The sessions of a day, a list of pairs; it counts before rules, and so must be added after them. */
extern void lem_calendar_read_day(lem_calendar_draft *draft, int day, JsonbContainer *sessions);

/* Put the days in order: of several for one day the last counts. */
extern void lem_calendar_finish(lem_calendar_draft *draft);

#endif

/*
 * sessions.h: when a market trades: sessions of a weekday, other ones (or none) on days that are
 * exceptions, and the starts of the bars within them.
 *
 * Days are numbers since 2000-01-01, in the calendar's time zone; minutes are the wall clock's.
 */
#ifndef LEM_SESSIONS_H
#define LEM_SESSIONS_H

#include "market/calendar.h"

#define LEM_DAY_MINUTES 1440

/*
 * A session of a day, from minute open up to minute close.  It can begin on the day before
 * (open < 0) and end on the day after; it lasts at most 24 hours.
 */
typedef struct lem_session
{
	int			open;			/* -1440 .. 1439 */
	int			close;			/* open + 1 .. open + 1440 */
} lem_session;

/* The sessions of a day: a part of the list of all. */
typedef struct lem_day_sessions
{
	int			day;			/* of an exception: its number */
	int			first;
	int			count;
} lem_day_sessions;

/* A market's sessions: those of a day in time order, none of them overlapping. */
typedef struct lem_calendar
{
	lem_clock	clock;			/* of the market: its time zone alone */
	lem_day_sessions weekday[7];	/* Monday first */
	int			n_days;
	const lem_day_sessions *days;	/* exceptions, by day */
	const lem_session *session;
} lem_calendar;

/* One session as it takes place. */
typedef struct lem_session_time
{
	int64_t		day;			/* whose session it is */
	int64_t		open;			/* instants: from here */
	int64_t		close;			/* up to here */
} lem_session_time;

/* The sessions of a day. */
extern const lem_day_sessions *lem_calendar_day(const lem_calendar *calendar, int64_t day);

/* Session i of a day (0 the first) as it takes place. */
extern lem_session_time lem_session_of(const lem_calendar *calendar, int64_t day, int i);

/* The first session that ends after t: the one that t lies in, or the next; false: there is none. */
extern bool lem_session_after(const lem_calendar *calendar, int64_t t, lem_session_time *session);

/* The last session that begins before t; false: there is none. */
extern bool lem_session_before(const lem_calendar *calendar, int64_t t, lem_session_time *session);

/* Is t within a session? */
extern bool lem_session_open(const lem_calendar *calendar, int64_t t);

/*
 * Bars within sessions.  Bars shorter than a day: with phase LEM_PHASE_OPEN they begin with each
 * session, an interval apart; else they begin where the wall clock's time of day is phase modulo the
 * interval, the first with the open session in it.  Bars of days, weeks (from Monday) and months
 * begin with the first session that these have.
 */
typedef struct lem_bar_grid
{
	const lem_calendar *calendar;
	int64_t		interval;		/* microseconds, > 0 */
	int64_t		phase;
	int			months;			/* > 0: bars of so many months, and interval is about that */
} lem_bar_grid;

#define LEM_PHASE_OPEN (-1)

/* The first bar that begins at or after t; false: there is none. */
extern bool lem_bar_from(const lem_bar_grid *grid, int64_t t, int64_t *ts);

/* The last bar, shorter than a day, that begins before t; false: there is none. */
extern bool lem_bar_before(const lem_bar_grid *grid, int64_t t, int64_t *ts);

/* When the bar that begins at ts ends: after an interval, or with its session. */
extern int64_t lem_bar_end(const lem_bar_grid *grid, int64_t ts);

/* Bars that begin after `after` and before `before`, counted up to a limit. */
extern int64_t lem_bars_between(const lem_bar_grid *grid, int64_t after, int64_t before,
								int64_t limit);

#endif

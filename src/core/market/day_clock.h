/* day_clock.h: the times of day at which bars begin and sessions close. */
#ifndef LEM_DAY_CLOCK_H
#define LEM_DAY_CLOCK_H

#include "market/sessions.h"

/* Times of day of bars, from the session that the last one asked about was in. */
typedef struct day_clock
{
	const lem_clock *clock;
	const lem_calendar *sessions;	/* NULL: no calendar */
	lem_session_time session;
	int64_t		close;			/* time of day at which it ends */
} day_clock;

/* The time of day of a bar, and that at which its session ends (-1: it is in none). */
static inline int64_t
day_time(day_clock *day, int64_t ts, int64_t *close)
{
	if (day->sessions && (ts < day->session.open || ts >= day->session.close))
	{
		if (lem_session_after(day->sessions, ts, &day->session))
			day->close = lem_time_of_day(lem_local_time(day->clock, day->session.close));
		else
			day->session.open = day->session.close = ts + 1;
	}
	*close = day->sessions && ts >= day->session.open ? day->close : -1;
	return lem_time_of_day(lem_local_time(day->clock, ts));
}

#endif

/*
 * calendar.h: wall-clock time from microseconds since 2000-01-01 00:00 (a Saturday), local time
 * already; times before that are negative.
 */
#ifndef LEM_CALENDAR_H
#define LEM_CALENDAR_H

#include "parameters/config.h"

#define LEM_MINUTE INT64_C(60000000)
#define LEM_DAY (1440 * LEM_MINUTE)

/*
 * Wall-clock time of an instant, in the model's time zone: microseconds since 2000-01-01 00:00
 * there.  to_local NULL means UTC.
 */
typedef struct lem_clock
{
	int64_t		(*to_local) (void *arg, int64_t ts);
	void	   *arg;
} lem_clock;

/* Microseconds since midnight: 0 .. LEM_DAY - 1. */
extern int64_t lem_time_of_day(int64_t local);

/* Microseconds since Monday 0:00: 0 .. LEM_WEEK - 1 (config.h). */
extern int64_t lem_time_of_week(int64_t local);

/* Monday 0 .. Sunday 6. */
extern int	lem_day_of_week(int64_t local);

/* Month of the Gregorian calendar, 1 .. 12. */
extern int	lem_month(int64_t local);

#endif

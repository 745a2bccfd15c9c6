/*
 * calendar.h: wall-clock time from microseconds since 2000-01-01 00:00 (a Saturday), local time
 * already; times before that are negative.
 */
#ifndef LEM_CALENDAR_H
#define LEM_CALENDAR_H

#include <stdbool.h>

#include "parameters/config.h"

#define LEM_MINUTE INT64_C(60000000)
#define LEM_DAY (1440 * LEM_MINUTE)

struct lem_calendar;			/* sessions.h */

/*
 * Wall-clock time of an instant, in the model's time zone: microseconds since 2000-01-01 00:00
 * there.  to_local NULL means UTC.
 */
typedef struct lem_clock
{
	int64_t		(*to_local) (void *arg, int64_t ts);
	void	   *arg;
	const struct lem_calendar *calendar;	/* NULL: sessions are those that bars show */
	bool		has_now;
	int64_t		now;			/* bars that had ended by now are known, if there were any, and
								 * no others */
} lem_clock;

/* An instant's wall-clock time; clock NULL means UTC. */
extern int64_t lem_local_time(const lem_clock *clock, int64_t ts);

/*
 * The instant at which the wall clock shows a time: the earlier one where it does so twice, and
 * where clocks jump over it, as if they had not been put forward yet.
 */
extern int64_t lem_utc_time(const lem_clock *clock, int64_t local);

/* Microseconds since midnight: 0 .. LEM_DAY - 1. */
extern int64_t lem_time_of_day(int64_t local);

/* Microseconds since Monday 0:00: 0 .. LEM_WEEK - 1 (config.h). */
extern int64_t lem_time_of_week(int64_t local);

/* Days since 2000-01-01 of a time: negative before. */
extern int64_t lem_day_number(int64_t local);

/* Monday 0 .. Sunday 6. */
extern int	lem_day_of_week(int64_t local);

/* Month of the Gregorian calendar, 1 .. 12. */
extern int	lem_month(int64_t local);

/* A date of the Gregorian calendar: month 1 .. 12, day 1 .. 31. */
typedef struct lem_date
{
	int64_t		year;
	int			month;
	int			day;
} lem_date;

/* The date of a day's number, and the other way round; a month's length. */
extern lem_date lem_date_of_day(int64_t day);
extern int64_t lem_day_of_date(int64_t year, int month, int day);
extern int	lem_month_days(int64_t year, int month);

/* Number of the day of Easter Sunday of a year from 1583 on. */
extern int64_t lem_easter(int64_t year);

#endif

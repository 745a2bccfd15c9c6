/*
 * holidays.h: days that come back each year, by rule.
 */
#ifndef LEM_HOLIDAYS_H
#define LEM_HOLIDAYS_H

#include "market/calendar.h"

typedef enum lem_holiday_kind
{
	LEM_HOLIDAY_DATE,			/* a day of a month */
	LEM_HOLIDAY_WEEKDAY,		/* the nth of a weekday in a month, from its end where n < 0 */
	LEM_HOLIDAY_EASTER			/* Easter Sunday */
} lem_holiday_kind;

typedef struct lem_holiday
{
	lem_holiday_kind kind;
	int			month;			/* 1 .. 12 */
	int			day;			/* 1 .. 31 */
	int			weekday;		/* Monday 0 .. Sunday 6 */
	int			nth;			/* 1 .. 5, or -5 .. -1 */
	int			offset;			/* days after that */
	unsigned	on;				/* bit w: it counts if that is weekday w */
	int			moved[7];		/* and is then moved by so many days */
	int			from;			/* years */
	int			until;
} lem_holiday;

#define LEM_ANY_WEEKDAY 0x7fu

/* Years for which there are rules. */
#define LEM_HOLIDAY_FROM 1900
#define LEM_HOLIDAY_UNTIL 2199

/* The day of a year's holiday, as a number since 2000-01-01; false: that year has none. */
extern bool lem_holiday_day(const lem_holiday *holiday, int year, int64_t *day);

#endif

/* calendar.c: wall-clock time. */
#include "market/calendar.h"

/* Days from 2000-01-01 to 2000-03-01, where the calendar below begins its years. */
#define DAYS_TO_MARCH 60
#define DAYS_400_YEARS 146097

/* a mod b, never negative, of any a and b > 0. */
static int64_t
modulo(int64_t a, int64_t b)
{
	int64_t		m = a % b;

	return m < 0 ? m + b : m;
}

int64_t
lem_time_of_day(int64_t local)
{
	return modulo(local, LEM_DAY);
}

int64_t
lem_time_of_week(int64_t local)
{
	/* The first Monday was 2000-01-03. */
	return modulo(modulo(local, LEM_WEEK) - 2 * LEM_DAY, LEM_WEEK);
}

int
lem_day_of_week(int64_t local)
{
	return (int) (lem_time_of_week(local) / LEM_DAY);
}

int
lem_month(int64_t local)
{
	int64_t		day = (local - lem_time_of_day(local)) / LEM_DAY;
	int64_t		year_of_4;
	int64_t		year;
	int			month;

	/*
	 * Years are counted from March, so that a leap day ends its year, and within the 400 years
	 * after which the calendar repeats.  The last day of four centuries, and of four years, is
	 * the leap day that the division would put into a fifth.
	 */
	day = modulo(day - DAYS_TO_MARCH, DAYS_400_YEARS);
	day -= (day == DAYS_400_YEARS - 1 ? 3 : day / 36524) * 36524;
	year_of_4 = day / 1461;
	day -= year_of_4 * 1461;
	year = day == 1460 ? 3 : day / 365;
	day -= year * 365;

	/* From March, months of 31 and 30 days follow a line of slope 30.6. */
	month = (int) ((day * 5 + 2) / 153);
	return month < 10 ? month + 3 : month - 9;
}

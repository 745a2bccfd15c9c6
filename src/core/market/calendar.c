/* calendar.c: wall-clock time and dates. */
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

/* a / b, rounded down. */
static int64_t
quotient(int64_t a, int64_t b)
{
	return (a - modulo(a, b)) / b;
}

int64_t
lem_local_time(const lem_clock *clock, int64_t ts)
{
	return clock && clock->to_local ? clock->to_local(clock->arg, ts) : ts;
}

int64_t
lem_utc_time(const lem_clock *clock, int64_t local)
{
	int64_t		before;
	int64_t		after;

	if (clock == NULL || clock->to_local == NULL)
		return local;
	/* The offsets half a day to either side: clocks change at most once in between. */
	before = local - (clock->to_local(clock->arg, local - LEM_DAY) - (local - LEM_DAY));
	if (clock->to_local(clock->arg, before) == local)
		return before;
	after = local - (clock->to_local(clock->arg, local + LEM_DAY) - (local + LEM_DAY));
	return clock->to_local(clock->arg, after) == local ? after : before;
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

int64_t
lem_day_number(int64_t local)
{
	return quotient(local, LEM_DAY);
}

int
lem_day_of_week(int64_t local)
{
	return (int) (lem_time_of_week(local) / LEM_DAY);
}

int
lem_month(int64_t local)
{
	return lem_date_of_day(lem_day_number(local)).month;
}

lem_date
lem_date_of_day(int64_t day)
{
	lem_date	date;
	int64_t		centuries;
	int64_t		year_of_4;
	int64_t		year;
	int			month;

	/*
	 * Years are counted from March, so that a leap day ends its year, and within the 400 years
	 * after which the calendar repeats.  The last day of four centuries, and of four years, is
	 * the leap day that the division would put into a fifth.
	 */
	date.year = 2000 + 400 * quotient(day - DAYS_TO_MARCH, DAYS_400_YEARS);
	day = modulo(day - DAYS_TO_MARCH, DAYS_400_YEARS);
	centuries = day == DAYS_400_YEARS - 1 ? 3 : day / 36524;
	day -= centuries * 36524;
	year_of_4 = day / 1461;
	day -= year_of_4 * 1461;
	year = day == 1460 ? 3 : day / 365;
	day -= year * 365;

	/* From March, months of 31 and 30 days follow a line of slope 30.6. */
	month = (int) ((day * 5 + 2) / 153);
	date.year += centuries * 100 + year_of_4 * 4 + year + (month >= 10);
	date.month = month < 10 ? month + 3 : month - 9;
	date.day = (int) (day - (month * 153 + 2) / 5) + 1;
	return date;
}

int64_t
lem_day_of_date(int64_t year, int month, int day)
{
	const int64_t from_march = month > 2 ? year : year - 1;
	const int64_t years = modulo(from_march - 2000, 400);
	const int	m = month > 2 ? month - 3 : month + 9;

	return quotient(from_march - 2000, 400) * DAYS_400_YEARS + years * 365 + years / 4
		- years / 100 + (m * 153 + 2) / 5 + day - 1 + DAYS_TO_MARCH;
}

int
lem_month_days(int64_t year, int month)
{
	return (int) (lem_day_of_date(month < 12 ? year : year + 1, month < 12 ? month + 1 : 1, 1)
				  - lem_day_of_date(year, month, 1));
}

int64_t
lem_easter(int64_t year)
{
	/* Meeus, Jones and Butcher's algorithm for the Gregorian calendar. */
	const int64_t a = year % 19;
	const int64_t b = year / 100;
	const int64_t c = year % 100;
	const int64_t d = b / 4;
	const int64_t e = b % 4;
	const int64_t f = (b + 8) / 25;
	const int64_t g = (b - f + 1) / 3;
	const int64_t h = (19 * a + b - d - g + 15) % 30;
	const int64_t i = c / 4;
	const int64_t k = c % 4;
	const int64_t l = (32 + 2 * e + 2 * i - h - k) % 7;
	const int64_t m = (a + 11 * h + 22 * l) / 451;
	const int64_t n = h + l - 7 * m + 114;

	return lem_day_of_date(year, (int) (n / 31), (int) (n % 31) + 1);
}

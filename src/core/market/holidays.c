/* holidays.c: days that come back each year. */
#include "market/holidays.h"

/* The nth of a weekday in a month; false: it has fewer. */
static bool
nth_weekday(const lem_holiday *holiday, int year, int64_t *day)
{
	const int64_t first = lem_day_of_date(year, holiday->month, 1);
	const int	length = lem_month_days(year, holiday->month);
	const int	ahead = (holiday->weekday - lem_day_of_week(first * LEM_DAY) + 7) % 7;
	const int	count = (length - 1 - ahead) / 7 + 1;
	const int	nth = holiday->nth > 0 ? holiday->nth - 1 : count + holiday->nth;

	*day = first + ahead + 7 * nth;
	return nth >= 0 && nth < count;
}

bool
lem_holiday_day(const lem_holiday *holiday, int year, int64_t *day)
{
	int			weekday;

	if (year < holiday->from || year > holiday->until)
		return false;
	switch (holiday->kind)
	{
		case LEM_HOLIDAY_DATE:
			if (holiday->day > lem_month_days(year, holiday->month))
				return false;
			*day = lem_day_of_date(year, holiday->month, holiday->day);
			break;
		case LEM_HOLIDAY_WEEKDAY:
			if (!nth_weekday(holiday, year, day))
				return false;
			break;
		case LEM_HOLIDAY_EASTER:
			*day = lem_easter(year);
			break;
	}
	*day += holiday->offset;
	weekday = lem_day_of_week(*day * LEM_DAY);
	*day += holiday->moved[weekday];
	return (holiday->on >> weekday & 1) != 0;
}

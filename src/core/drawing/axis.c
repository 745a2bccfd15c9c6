/* axis.c: ticks. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing/axis.h"
#include "drawing/markup.h"
#include "market/calendar.h"

#define SECOND INT64_C(1000000)

/* Steps of clocks; beyond them come months. */
static const int64_t clock_steps[] = {
	SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND,
	LEM_MINUTE, 5 * LEM_MINUTE, 15 * LEM_MINUTE, 30 * LEM_MINUTE,
	60 * LEM_MINUTE, 2 * 60 * LEM_MINUTE, 3 * 60 * LEM_MINUTE, 6 * 60 * LEM_MINUTE,
	12 * 60 * LEM_MINUTE, LEM_DAY, 2 * LEM_DAY, 7 * LEM_DAY, 14 * LEM_DAY
};

static const int month_steps[] = {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 60000};

/* Ends in order, with something between them. */
static void
set_ends(double low, double high, double least, lem_axis *axis)
{
	const double room = fmax(least, fabs(low) * 1e-9);

	axis->low = fmin(low, high);
	axis->high = fmax(low, high);
	if (axis->high - axis->low < room)
	{
		axis->low -= room / 2;
		axis->high += room / 2;
	}
	axis->n = 0;
}

/* A number of which the digits beyond those of the step are left out. */
static void
write_number(double x, double step, char *text)
{
	const int	decimals = step < 1 ? (int) ceil(-log10(step) - 1e-9) : 0;

	if (fabs(x) < step * 1e-6)
		x = 0;
	if (fabs(x) >= 100000 || decimals > 6)
		lem_short_number(x, text);
	else
		snprintf(text, LEM_TICK_TEXT, "%.*f", decimals, x);
}

void
lem_axis_numbers(double low, double high, int most, bool whole, lem_axis *axis)
{
	double		step;
	double		first;

	set_ends(low, high, low == 0 && high == 0 ? 1 : 1e-300, axis);
	step = pow(10, floor(log10((axis->high - axis->low) / most)));
	for (int i = 0; (axis->high - axis->low) / step > most - 1 && i < 60; i++)
		step *= i % 3 == 1 ? 2.5 : 2;
	if (whole)
	{
		axis->low = fmin(axis->low, floor(axis->low / step + 1e-9) * step);
		axis->high = fmax(axis->high, ceil(axis->high / step - 1e-9) * step);
	}
	first = ceil(axis->low / step - 1e-9);
	for (int i = 0; i < most; i++)
	{
		const double at = (first + i) * step;
		lem_tick   *tick = &axis->ticks[axis->n];

		if (at > axis->high + step * 1e-9)
			break;
		tick->at = at;
		write_number(at, step, tick->text);
		axis->n++;
	}
}

/* What a tick says: the time of day within days, else the date. */
static void
write_time(int64_t local, int64_t step, char *text)
{
	const lem_date date = lem_date_of_day(lem_day_number(local));
	const int64_t time = lem_time_of_day(local);

	if (step < LEM_DAY && time != 0)
	{
		const int	minutes = (int) (time / LEM_MINUTE);

		if (step < LEM_MINUTE)
			snprintf(text, LEM_TICK_TEXT, "%02d:%02d:%02d", minutes / 60, minutes % 60,
					 (int) (time % LEM_MINUTE / SECOND));
		else
			snprintf(text, LEM_TICK_TEXT, "%02d:%02d", minutes / 60, minutes % 60);
	}
	else if (step < 28 * LEM_DAY)
		snprintf(text, LEM_TICK_TEXT, "%02d-%02d", date.month, date.day);
	else if (step < 360 * LEM_DAY)
		snprintf(text, LEM_TICK_TEXT, "%" PRId64 "-%02d", date.year, date.month);
	else
		snprintf(text, LEM_TICK_TEXT, "%" PRId64, date.year);
}

static void
add_time(int64_t at, int64_t step, lem_axis *axis)
{
	lem_tick   *tick = &axis->ticks[axis->n++];

	tick->at = (double) at;
	write_time(at, step, tick->text);
}

void
lem_axis_times(double low, double high, int most, lem_axis *axis)
{
	int64_t		first;
	int64_t		last;

	set_ends(low, high, (double) SECOND, axis);
	first = (int64_t) ceil(axis->low);
	last = (int64_t) floor(axis->high);
	for (size_t i = 0; i < sizeof(clock_steps) / sizeof(clock_steps[0]); i++)
	{
		const int64_t step = clock_steps[i];

		/* 2000-01-03 was a Monday: weeks begin there. */
		const int64_t from = step % (7 * LEM_DAY) == 0 ? 2 * LEM_DAY : 0;
		int64_t		at = from + (int64_t) ceil((first - from) / (double) step) * step;

		if ((last - at) / step + 1 > most)
			continue;
		for (; at <= last; at += step)
			add_time(at, step, axis);
		return;
	}
	for (size_t i = 0; i < sizeof(month_steps) / sizeof(month_steps[0]); i++)
	{
		const int	step = month_steps[i];
		const lem_date begin = lem_date_of_day(lem_day_number(first));
		const lem_date end = lem_date_of_day(lem_day_number(last));
		const int64_t months = begin.year * 12 + begin.month - 1;

		if ((end.year * 12 + end.month - 1 - months) / step + 1 > most)
			continue;
		for (int64_t month = months - ((months % step) + step) % step;; month += step)
		{
			const int64_t year = (month - ((month % 12) + 12) % 12) / 12;
			const int64_t at = lem_day_of_date(year, (int) (month - year * 12) + 1, 1) * LEM_DAY;

			if (at > last || axis->n == most)
				break;
			if (at >= first)
				add_time(at, step * 30 * LEM_DAY, axis);
		}
		return;
	}
}

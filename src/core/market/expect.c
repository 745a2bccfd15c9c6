/* expect.c: when the bars to come are expected. */
#include "market/expect.h"
#include "market/gaps.h"

/* Most bars that are counted one by one: a series with such a gap is another series. */
#define MAX_COUNT 1000000

/* Bars that tell what days they are of. */
#define DAY_BARS 32

/* Months are between so many days long. */
#define MIN_MONTH (27 * LEM_DAY + LEM_DAY / 2)
#define MAX_MONTH (31 * LEM_DAY + LEM_DAY / 2)

static const lem_clock utc;

/* Of the bars near the nth: how many have the time of day of the last one? */
static int
same_time(const lem_series *series, const lem_clock *clock, size_t n, size_t near)
{
	const int64_t time = lem_time_of_day(lem_local_time(clock, series->ts[n - 1]));
	int			same = 0;

	for (size_t i = near > DAY_BARS ? near - DAY_BARS : 0; i < near; i++)
		same += lem_time_of_day(lem_local_time(clock, series->ts[i])) == time;
	return same;
}

/* Whether bars of whole days are days of UTC rather than of the wall clock. */
static bool
is_utc_days(const lem_series *series, const lem_clock *clock, size_t n)
{
	const int64_t last = series->ts[n - 1];
	size_t		half_a_year = lem_series_before(series, last - 182 * LEM_DAY);
	int			of_utc = same_time(series, &utc, n, n);
	int			of_clock = same_time(series, clock, n, n);

	if (half_a_year > 0)
	{
		of_utc += same_time(series, &utc, n, half_a_year);
		of_clock += same_time(series, clock, n, half_a_year);
	}
	if (of_utc != of_clock)
		return of_utc > of_clock;
	return lem_time_of_day(last) == 0 && lem_time_of_day(lem_local_time(clock, last)) != 0;
}

/* The first day of a month that is not on a weekend; or the last. */
static int
business_day(int64_t year, int month, bool last)
{
	int			day = last ? lem_month_days(year, month) : 1;

	while (lem_day_of_week(lem_day_of_date(year, month, day) * LEM_DAY) >= 5)
		day += last ? -1 : 1;
	return day;
}

/* Which day of the month a bar of months begins on. */
typedef enum month_day
{
	SAME_DAY, LAST_DAY, FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY
} month_day;

#define MONTH_DAYS 4

static int
day_in_month(month_day rule, int same, int64_t year, int month)
{
	const int	length = lem_month_days(year, month);

	switch (rule)
	{
		case SAME_DAY:
			return same < length ? same : length;
		case LAST_DAY:
			return length;
		default:
			return business_day(year, month, rule == LAST_BUSINESS_DAY);
	}
}

/* The rule that most of the last bars keep. */
static month_day
month_rule(const lem_expect *expect, size_t n)
{
	const lem_series *series = expect->series;
	const lem_date last = lem_date_of_day(lem_day_number(lem_local_time(&expect->clock,
																		series->ts[n - 1])));
	int			keep[MONTH_DAYS] = {0};
	month_day	best = SAME_DAY;

	for (size_t i = n > 12 ? n - 12 : 0; i < n; i++)
	{
		const lem_date date = lem_date_of_day(lem_day_number(lem_local_time(&expect->clock,
																			series->ts[i])));

		for (int rule = 0; rule < MONTH_DAYS; rule++)
			keep[rule] += date.day ==
				day_in_month((month_day) rule, last.day, date.year, date.month);
	}
	for (int rule = 1; rule < MONTH_DAYS; rule++)
	{
		if (keep[rule] > keep[best])
			best = (month_day) rule;
	}
	return best;
}

/* Months that bars of about that length are of: 0 if they are of a number of days. */
static int
find_months(const lem_expect *expect, size_t n, int64_t interval)
{
	const int64_t *ts = expect->series->ts;
	bool		even = n > 3;
	int			months;

	/* No bar is of more than a century; an interval may be any number. */
	if (interval > 100 * 366 * LEM_DAY)
		return 0;
	months = (int) ((interval + 15 * LEM_DAY) / (LEM_DAY * 365 / 12));
	if (months < 1 || interval < months * MIN_MONTH || interval > months * MAX_MONTH)
		return 0;
	for (size_t i = n > 12 ? n - 12 : 0; i + 1 < n; i++)
	{
		const lem_date a = lem_date_of_day(lem_day_number(lem_local_time(&expect->clock, ts[i])));
		const lem_date b = lem_date_of_day(lem_day_number(lem_local_time(&expect->clock,
																		 ts[i + 1])));

		if (((b.year - a.year) * 12 + b.month - a.month) % months != 0)
			return 0;
		even = even && (ts[i + 1] - ts[i]) % interval == 0;
	}
	return even ? 0 : months;
}

/* Greatest common divisor; a >= 0, b > 0. */
static int64_t
divisor(int64_t a, int64_t b)
{
	while (a > 0)
	{
		const int64_t rest = b % a;

		b = a;
		a = rest;
	}
	return b;
}

/*
 * How bars lie within the calendar's sessions: from each session's opening, or at times of the wall
 * clock.  In a thin market the usual distance of bars is more than a bar: then it is the finest of
 * their distances from the opening.
 */
static void
find_phase(lem_expect *expect, size_t n, size_t count)
{
	lem_bar_grid *grid = &expect->grid;
	const lem_series *series = expect->series;
	const int64_t last_time =
		lem_time_of_day(lem_local_time(&expect->clock, series->ts[n - 1])) % grid->interval;
	lem_session_time session = {0, 0, 0};
	int64_t		step = grid->interval;
	int			of_session = 0;
	int			of_clock = 0;
	int			inside = 0;

	grid->phase = LEM_PHASE_OPEN;
	for (size_t i = n > count ? n - count : 0; i < n; i++)
	{
		const int64_t ts = series->ts[i];
		const int64_t time = lem_time_of_day(lem_local_time(&expect->clock, ts));

		of_clock += time % grid->interval == last_time;
		if (ts >= session.close && !lem_session_after(grid->calendar, ts, &session))
			break;
		if (ts < session.open)
			continue;
		inside++;
		of_session += (ts - session.open) % grid->interval == 0;
		step = divisor((ts - session.open) % step, step);
	}
	if (of_session * 10 >= inside * 9)
		return;
	if (of_clock * 10 >= (int) (n < count ? n : count) * 9)
		grid->phase = last_time;
	else if (step >= LEM_MINUTE / 60)
		grid->interval = expect->interval = step;
}

void
lem_expect_look(lem_expect *expect, const lem_config *config, const lem_series *series, size_t n,
				size_t count, int64_t interval, const lem_clock *clock)
{
	const lem_calendar *calendar = clock ? clock->calendar : NULL;
	const lem_clock *own = calendar ? &calendar->clock : clock;

	expect->series = series;
	expect->gaps = config->gaps;
	expect->interval = interval;
	expect->clock = own ? *own : utc;
	expect->by_days = interval % LEM_DAY == 0;
	expect->months = 0;
	expect->by_calendar = calendar != NULL && interval <= LEM_DAY;
	if (interval >= LEM_DAY && own && own->to_local && is_utc_days(series, own, n))
		expect->clock = utc;
	if (interval >= MIN_MONTH)
		expect->months = find_months(expect, n, interval);
	if (expect->by_calendar)
	{
		expect->grid.calendar = calendar;
		expect->grid.interval = interval;
		expect->grid.months = 0;
		expect->grid.phase = LEM_PHASE_OPEN;
		if (interval < LEM_DAY)
			find_phase(expect, n, count);
	}
}

void
lem_expect_open(lem_expect *expect, const lem_config *config, const lem_series *series, size_t n,
				size_t count, int64_t interval, const lem_clock *clock)
{
	lem_expect_look(expect, config, series, n, count, interval, clock);
	expect->habit.series = series;
	expect->habit.clock = &expect->clock;
	expect->habit.interval = expect->interval;
	expect->habit.step = interval < LEM_DAY
		? lem_habit_step(series, n, count, interval) : interval;
}

static lem_status
time_fault(lem_fault *fault, int64_t ts)
{
	lem_fail(fault, LEM_TIME_RANGE, NULL, 0, 0);
	if (fault)
		fault->ts = ts;
	return LEM_TIME_RANGE;
}

/* steps intervals after a time. */
static bool
add_steps(const lem_expect *expect, int64_t ts, uint64_t steps, int64_t *next)
{
	const uint64_t step = (uint64_t) expect->interval;

	if (steps > ((uint64_t) LEM_TIME_END - 1 - (uint64_t) ts) / step)
		return false;
	*next = (int64_t) ((uint64_t) ts + steps * step);
	if (expect->by_days && expect->clock.to_local)
		*next = lem_utc_time(&expect->clock,
							 (int64_t) ((uint64_t) lem_local_time(&expect->clock, ts)
										+ steps * step));
	return true;
}

/* Whole intervals from one time to a later one, not counting one that ends with it. */
static uint64_t
whole_steps(const lem_expect *expect, int64_t from, int64_t to)
{
	if (expect->by_days && expect->clock.to_local)
	{
		from = lem_local_time(&expect->clock, from);
		to = lem_local_time(&expect->clock, to);
	}
	return to <= from ? 0 : ((uint64_t) to - (uint64_t) from - 1) / (uint64_t) expect->interval;
}

/* The bar of months after prev. */
static bool
next_month(const lem_expect *expect, size_t last, int64_t prev, int64_t *next)
{
	const int64_t local = lem_local_time(&expect->clock, prev);
	const lem_date date = lem_date_of_day(lem_day_number(local));
	const lem_date seen = lem_date_of_day(lem_day_number(lem_local_time(&expect->clock,
															expect->series->ts[last])));
	const int64_t month = date.year * 12 + date.month - 1 + expect->months;
	int			day;

	if (prev > LEM_TIME_END - expect->months * 40 * LEM_DAY)
		return false;
	day = day_in_month(month_rule(expect, last + 1), seen.day, month / 12, (int) (month % 12) + 1);
	*next = lem_utc_time(&expect->clock,
						 lem_day_of_date(month / 12, (int) (month % 12) + 1, day) * LEM_DAY
						 + lem_time_of_day(local));
	return *next > prev;
}

/* The bar of a day after prev, of those on which the calendar has a session. */
static bool
next_trading_day(const lem_expect *expect, int64_t prev, int64_t *next)
{
	const int64_t local = lem_local_time(&expect->clock, prev);
	const int64_t time = lem_time_of_day(local);

	for (int64_t day = lem_day_number(local) + 1; day < lem_day_number(local) + 800; day++)
	{
		if (lem_calendar_day(expect->grid.calendar, day)->count == 0)
			continue;
		*next = lem_utc_time(&expect->clock, day * LEM_DAY + time);
		return true;
	}
	return false;
}

/* By the calendar. */
static bool
next_by_calendar(const lem_expect *expect, int64_t prev, int64_t earliest, int64_t *next)
{
	if (expect->interval < LEM_DAY)
		return lem_bar_from(&expect->grid, earliest > prev ? earliest : prev + 1, next);
	do
	{
		if (!next_trading_day(expect, prev, next))
			return false;
		prev = *next;
	} while (*next < earliest);
	return true;
}

/* By the series' own past. */
static bool
next_by_habit(const lem_expect *expect, size_t last, int64_t prev, int64_t earliest, int64_t *next)
{
	if (earliest > prev)
		return lem_habit_first(&expect->habit, last, earliest, next);
	return lem_habit_next(&expect->habit, last, prev, next);
}

lem_status
lem_expect_next(const lem_expect *expect, size_t last, int64_t prev, int64_t earliest,
				int64_t *next, lem_fault *fault)
{
	/* Years and years ahead nothing is known of the wall clock, and arithmetic nears its end. */
	const bool	far = (earliest > prev ? earliest : prev) > LEM_TIME_END - 1000 * LEM_DAY;
	uint64_t	steps = 1;

	if (far)
		;
	else if (expect->by_calendar)
	{
		if (next_by_calendar(expect, prev, earliest, next))
			return lem_time_ok(*next) ? LEM_OK : time_fault(fault, *next);
		return time_fault(fault, prev);
	}
	else if (expect->months > 0)
	{
		bool		found = next_month(expect, last, prev, next);

		while (found && *next < earliest)
			found = next_month(expect, last, *next, next);
		return found ? LEM_OK : time_fault(fault, prev);
	}
	else if (expect->gaps == LEM_GAPS_SKIP && next_by_habit(expect, last, prev, earliest, next))
		return LEM_OK;

	if (earliest > prev)
		steps = whole_steps(expect, prev, earliest) + 1;
	return add_steps(expect, prev, steps, next) ? LEM_OK : time_fault(fault, prev);
}

uint64_t
lem_expect_missing(const lem_expect *expect, int64_t after, int64_t before)
{
	int64_t		limit = before - expect->interval / 2;
	uint64_t	count = 0;
	int64_t		ts;

	if (!expect->by_calendar && expect->months == 0)
		return whole_steps(expect, after, before);
	if (expect->by_calendar && expect->interval < LEM_DAY)
		return (uint64_t) lem_bars_between(&expect->grid, after, before, MAX_COUNT);
	if (after > LEM_TIME_END - 1000 * LEM_DAY)
		return 0;
	while (count < MAX_COUNT && lem_expect_next(expect, expect->series->n - 1, after,
												LEM_TIME_MIN, &ts, NULL) == LEM_OK && ts < limit)
	{
		count++;
		after = ts;
	}
	return count;
}

bool
lem_expect_complete(const lem_expect *expect, size_t last, int64_t start)
{
	const int64_t from = expect->series->ts[last];
	lem_session_time session;
	int64_t		first;

	if (whole_steps(expect, from, start) == 0)
		return true;
	if (expect->by_calendar && expect->interval < LEM_DAY)
	{
		/* Sessions before may have been called off, as a calendar does not know. */
		if (!lem_session_after(expect->grid.calendar, start, &session) || session.open >= start ||
			!lem_bar_from(&expect->grid, session.open, &first) || first >= start)
			return true;
		first -= expect->interval;
		return lem_habit_pauses(&expect->habit, last, start - (first > from ? first : from));
	}
	if (expect->by_calendar || expect->months > 0)
		return lem_expect_missing(expect, from, start) == 0;
	return lem_habit_complete(&expect->habit, last, start);
}

/* When the last session of a bar of a day ends; false: the day has none. */
static bool
day_end(const lem_expect *expect, int64_t ts, int64_t *end)
{
	const int64_t day = lem_day_number(lem_local_time(&expect->clock, ts));
	const lem_calendar *calendar = expect->grid.calendar;
	const int	sessions = lem_calendar_day(calendar, day)->count;

	if (sessions == 0)
		return false;
	*end = lem_session_of(calendar, day, sessions - 1).close;
	return *end > ts;
}

int64_t
lem_expect_end(const lem_expect *expect, int64_t ts)
{
	int64_t		end;

	if (expect->by_calendar && expect->interval < LEM_DAY)
		return lem_bar_end(&expect->grid, ts);
	if (expect->by_calendar && day_end(expect, ts, &end))
		return end;
	if (expect->months > 0 && next_month(expect, expect->series->n - 1, ts, &end))
		return end;
	return add_steps(expect, ts, 1, &end) ? end : LEM_TIME_END - 1;
}

size_t
lem_expect_ended(const lem_config *config, const lem_series *series, size_t count,
				 const lem_clock *clock, int64_t now, uint64_t *scratch)
{
	size_t		n = lem_series_before(series, now);
	int64_t		interval = config->bar_interval;
	lem_expect	expect;

	/* The length of bars is found from those that had begun. */
	if (interval <= 0)
		interval = lem_gap_interval(series, n, count, scratch);
	if (interval <= 0)
		return n;
	lem_expect_open(&expect, config, series, n, count, interval, clock);
	while (n > 0 && lem_expect_end(&expect, series->ts[n - 1]) > now)
		n--;
	return n;
}

/*
 * test_sessions.c: calendars, holidays by rule, and when bars are expected: simulated sessions of
 * 2019 to 2027 in New York, London, Sydney and Tokyo, of futures that trade 23 hours and of
 * currencies, at every opening, with a calendar and by the series' own past alone.
 */
#include <stdlib.h>

#include "check.h"
#include "market/expect.h"
#include "market/holidays.h"
#include "market/sessions.h"
#include "market/window.h"

#define HOUR (60 * LEM_MINUTE)
#define FIRST_YEAR 2019
#define LAST_YEAR 2027

#define MAX_DAYS 400
#define MAX_SESSIONS 40
#define STEPS 12

/* Time zones by their rules. */
typedef enum zone
{
	ZONE_UTC, ZONE_NEW_YORK, ZONE_LONDON, ZONE_SYDNEY, ZONE_TOKYO
} zone;

/* The nth Sunday of a month, or the last. */
static int64_t
sunday(int64_t year, int month, int nth)
{
	static int64_t found[400][13][4];
	int64_t    *known = year >= 1900 && year < 2300 ? &found[year - 1900][month][nth + 1] : NULL;
	const lem_holiday rule = {
		.kind = LEM_HOLIDAY_WEEKDAY, .month = month, .weekday = 6, .nth = nth,
		.on = LEM_ANY_WEEKDAY, .until = 9999
	};
	int64_t		day = 0;

	if (known && *known != 0)
		return *known;
	(void) lem_holiday_day(&rule, (int) year, &day);
	if (known)
		*known = day;
	return day;
}

/* Its year: most often that of the time before. */
static int64_t
year_of(int64_t ts)
{
	static int64_t year;
	static int64_t begin = 1;
	static int64_t end = 0;

	if (ts < begin || ts >= end)
	{
		year = lem_date_of_day(lem_day_number(ts)).year;
		begin = lem_day_of_date(year, 1, 1) * LEM_DAY;
		end = lem_day_of_date(year + 1, 1, 1) * LEM_DAY;
	}
	return year;
}

static int64_t
to_local(void *arg, int64_t ts)
{
	const int64_t year = year_of(ts);

	switch (*(const zone *) arg)
	{
		case ZONE_NEW_YORK:
			if (ts >= sunday(year, 3, 2) * LEM_DAY + 7 * HOUR &&
				ts < sunday(year, 11, 1) * LEM_DAY + 6 * HOUR)
				return ts - 4 * HOUR;
			return ts - 5 * HOUR;
		case ZONE_LONDON:
			if (ts >= sunday(year, 3, -1) * LEM_DAY + HOUR &&
				ts < sunday(year, 10, -1) * LEM_DAY + HOUR)
				return ts + HOUR;
			return ts;
		case ZONE_SYDNEY:
			if (ts >= sunday(year, 4, 1) * LEM_DAY - 8 * HOUR &&
				ts < sunday(year, 10, 1) * LEM_DAY - 8 * HOUR)
				return ts + 10 * HOUR;
			return ts + 11 * HOUR;
		case ZONE_TOKYO:
			return ts + 9 * HOUR;
		case ZONE_UTC:
			break;
	}
	return ts;
}

/* A market, in memory of its own. */
typedef struct market
{
	zone		where;
	lem_calendar sessions;
	lem_day_sessions days[MAX_DAYS];
	lem_session session[MAX_SESSIONS];
	int			n_session;
} market;

static int
add_session(market *m, int open, int close)
{
	m->session[m->n_session] = (lem_session) {open, close};
	return m->n_session++;
}

static void
open_market(market *m, zone where)
{
	*m = (market) {.where = where};
	m->sessions.clock = (lem_clock) {.to_local = to_local, .arg = &m->where};
	m->sessions.days = m->days;
	m->sessions.session = m->session;
}

/* count sessions, the first of which is number `first`, on weekdays from .. to. */
static void
on_weekdays(market *m, int from, int to, int first, int count)
{
	for (int w = from; w <= to; w++)
		m->sessions.weekday[w] = (lem_day_sessions) {0, first, count};
}

static int
by_day(const void *a, const void *b)
{
	return ((const lem_day_sessions *) a)->day - ((const lem_day_sessions *) b)->day;
}

/* Days by a rule with other sessions, or none. */
static void
except(market *m, lem_holiday rule, int first, int count)
{
	if (rule.on == 0)
		rule.on = LEM_ANY_WEEKDAY;
	if (rule.until == 0)
		rule.until = 9999;
	for (int year = FIRST_YEAR - 1; year <= LAST_YEAR + 1; year++)
	{
		int64_t		day;

		if (lem_holiday_day(&rule, year, &day))
			m->days[m->sessions.n_days++] = (lem_day_sessions) {(int) day, first, count};
	}
	qsort(m->days, (size_t) m->sessions.n_days, sizeof(m->days[0]), by_day);
}

static const lem_holiday fixed_christmas = {
	.kind = LEM_HOLIDAY_DATE, .month = 12, .day = 25, .moved = {[5] = -1, [6] = 1}
};

static void
new_york(market *m)
{
	int			half;

	open_market(m, ZONE_NEW_YORK);
	on_weekdays(m, 0, 4, add_session(m, 570, 960), 1);
	half = add_session(m, 570, 780);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 1, .moved = {[6] = 1}},
		   0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 1, .nth = 3}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 2, .nth = 3}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_EASTER, .offset = -2}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 5, .nth = -1}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 6, .day = 19, .from = 2022,
		.moved = {[5] = -1, [6] = 1}}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 7, .day = 4,
		.moved = {[5] = -1, [6] = 1}}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 9, .nth = 1}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 11, .weekday = 3, .nth = 4},
		   0, 0);
	except(m, fixed_christmas, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 11, .weekday = 3, .nth = 4,
		.offset = 1}, half, 1);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 12, .day = 24, .on = 0x0f},
		   half, 1);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 7, .day = 3, .on = 0x0f}, half, 1);
}

static void
london(market *m)
{
	int			half;

	open_market(m, ZONE_LONDON);
	on_weekdays(m, 0, 4, add_session(m, 480, 990), 1);
	half = add_session(m, 480, 750);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_EASTER, .offset = -2}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_EASTER, .offset = 1}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 5, .nth = 1}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 5, .nth = -1}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 8, .nth = -1}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 12, .day = 25, .on = 0x1f}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 12, .day = 26, .on = 0x1f}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 1,
		.moved = {[5] = 2, [6] = 1}}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 12, .day = 24, .on = 0x1f},
		   half, 1);
}

static void
sydney(market *m)
{
	open_market(m, ZONE_SYDNEY);
	on_weekdays(m, 0, 4, add_session(m, 600, 960), 1);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 26,
		.moved = {[5] = 2, [6] = 1}}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_EASTER, .offset = -2}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_EASTER, .offset = 1}, 0, 0);
	except(m, fixed_christmas, 0, 0);
}

/* Two sessions a day. */
static void
tokyo(market *m)
{
	int			first;

	open_market(m, ZONE_TOKYO);
	first = add_session(m, 540, 690);
	add_session(m, 750, 930);
	on_weekdays(m, 0, 4, first, 2);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 2, .on = 0x1f}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 3, .on = 0x1f}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 5, .day = 3,
		.moved = {[5] = 2, [6] = 1}}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 10, .nth = 2}, 0, 0);
}

/* The day's session begins at 18:00 of the evening before. */
static void
futures(market *m)
{
	int			half;

	open_market(m, ZONE_NEW_YORK);
	on_weekdays(m, 0, 4, add_session(m, -360, 1020), 1);
	half = add_session(m, -360, 780);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_EASTER, .offset = -2}, 0, 0);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_WEEKDAY, .month = 9, .nth = 1}, half, 1);
	except(m, fixed_christmas, 0, 0);
}

/* From Sunday 17:00 to Friday 17:00. */
static void
currencies(market *m)
{
	open_market(m, ZONE_NEW_YORK);
	on_weekdays(m, 6, 6, add_session(m, 1020, 2460), 1);
	on_weekdays(m, 0, 3, 0, 1);
	except(m, (lem_holiday) {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 1, .on = 0x1f}, 0, 0);
}

/* Bars of a market. */
typedef struct history
{
	size_t		n;
	int64_t    *ts;
	double	   *price;
	double	   *volume;
} history;

static void
simulate(const market *m, int64_t interval, history *h)
{
	const lem_bar_grid grid = {&m->sessions, interval, LEM_PHASE_OPEN, 0};
	const int64_t end = lem_day_of_date(LAST_YEAR + 1, 1, 1) * LEM_DAY;
	int64_t		ts = lem_day_of_date(FIRST_YEAR, 1, 1) * LEM_DAY;
	size_t		room = 0;

	*h = (history) {0};
	while (lem_bar_from(&grid, ts, &ts) && ts < end)
	{
		if (h->n == room)
		{
			room = 2 * room + 1000;
			h->ts = realloc(h->ts, room * sizeof(int64_t));
			h->price = realloc(h->price, room * sizeof(double));
			h->volume = realloc(h->volume, room * sizeof(double));
		}
		h->ts[h->n] = ts++;
		h->price[h->n] = 100;
		h->volume[h->n++] = 1000;
	}
}

static void
forget(history *h)
{
	free(h->ts);
	free(h->price);
	free(h->volume);
}

typedef struct built
{
	lem_status	status;
	lem_window	window;
	int64_t		ts[STEPS];
} built;

static lem_config
sessions_config(lem_gaps gaps)
{
	lem_config	config = {0};

	config.lookback = 3;
	config.n_ahead = STEPS;
	config.feature_set = LEM_FEATURES_LIST;
	config.norm_window = 20;
	config.gaps = gaps;
	return config;
}

/* The window of an order over bars first .. n - 1. */
static built
build(const lem_config *config, const history *h, size_t first, size_t n, const lem_clock *clock,
	  const int64_t *start)
{
	static lem_real rows[100 * 10];
	static double scratch[100000];
	const lem_series series = {.n = n - first, .ts = h->ts + first, .price = h->price + first,
		.volume = h->volume + first};
	const lem_order order = {.size = 1, .max_rate = 1, .has_start = start != NULL,
		.start_ts = start ? *start : 0};
	lem_fault	fault;
	built		b;

	b.status = lem_window_build(config, &series, &order, clock, scratch, &b.window, rows, b.ts,
								NULL, &fault);
	return b;
}

/* Slices that are as the bars that came, from bar n on, for as long as their session's day lasts. */
static int
wrong_slices(const market *m, const history *h, size_t n, const built *b, bool all)
{
	lem_session_time first;
	int			wrong = b->status != LEM_OK || !b->window.next_known;

	(void) lem_session_after(&m->sessions, h->ts[n], &first);
	for (int i = 0; i < STEPS && n + (size_t) i < h->n && !wrong; i++)
	{
		lem_session_time session;

		(void) lem_session_after(&m->sessions, h->ts[n + (size_t) i], &session);
		if (!all && session.day != first.day)
			break;
		wrong = b->ts[i] != h->ts[n + (size_t) i];
	}
	return wrong;
}

/* Whether a market's usual day of a week is none, or another. */
static bool
is_exception(const market *m, int64_t day)
{
	const lem_day_sessions *of = lem_calendar_day(&m->sessions, day);

	return of >= m->days && of < m->days + m->sessions.n_days;
}

/*
 * Is a day near a change of clocks, or an exception: within two weeks?  Other days are all alike, and
 * only Mondays of them are tried.
 */
static bool
is_near_change(const market *m, int64_t day)
{
	const lem_clock *clock = &m->sessions.clock;

	if (lem_local_time(clock, (day - 14) * LEM_DAY) - (day - 14) * LEM_DAY !=
		lem_local_time(clock, (day + 14) * LEM_DAY) - (day + 14) * LEM_DAY)
		return true;
	for (int64_t d = day - 14; d <= day + 14; d++)
	{
		if (is_exception(m, d))
			return true;
	}
	return lem_day_of_week(day * LEM_DAY) == 0;
}

/* The openings of a market. */
static void
test_market(const char *name, void (*make) (market *), int64_t interval)
{
	static market m;
	history		h;
	lem_clock	by_calendar;
	lem_clock	by_past;
	const lem_config skip = sessions_config(LEM_GAPS_SKIP);
	const lem_config carry = sessions_config(LEM_GAPS_CARRY);
	const size_t weeks = (size_t) (6 * LEM_WEEK / interval);
	int			openings = 0;
	int			wrong[5] = {0};
	int			foreseen = 0;
	int			unforeseen = 0;

	make(&m);
	simulate(&m, interval, &h);
	by_past = m.sessions.clock;
	by_calendar = (lem_clock) {.to_local = NULL, .calendar = &m.sessions};
	for (size_t n = 200; n < h.n; n++)
	{
		const size_t first = n > weeks ? n - weeks : 0;
		lem_session_time session;
		built		b;
		bool		plain = true;

		(void) lem_session_after(&m.sessions, h.ts[n], &session);
		if (session.open != h.ts[n] || h.ts[n] - h.ts[0] < 5 * LEM_WEEK ||
			!is_near_change(&m, session.day))
			continue;
		openings++;
		b = build(&skip, &h, first, n, &by_calendar, NULL);
		wrong[0] += wrong_slices(&m, &h, n, &b, true);
		b = build(&skip, &h, first, n, &by_calendar, &h.ts[n]);
		wrong[1] += wrong_slices(&m, &h, n, &b, true);
		b = build(&carry, &h, first, n, &by_calendar, &h.ts[n]);
		wrong[2] += wrong_slices(&m, &h, n, &b, true);

		/* Of the past alone a holiday to come cannot be known; what is known is the start. */
		b = build(&skip, &h, first, n, &by_past, &h.ts[n]);
		/* A day off between two that trade round the clock looks like bars that are late. */
		if (make == currencies && is_exception(&m, session.day - 1))
			continue;
		wrong[3] += b.status != LEM_OK || !b.window.next_known || b.ts[0] != h.ts[n] ||
			(!is_exception(&m, session.day) && wrong_slices(&m, &h, n, &b, false));
		for (int64_t day = lem_day_number(lem_local_time(&m.sessions.clock, h.ts[n - 1]));
			 day <= session.day; day++)
			plain = plain && !is_exception(&m, day);
		b = build(&skip, &h, first, n, &by_past, NULL);
		if (plain)
		{
			foreseen++;
			wrong[4] += wrong_slices(&m, &h, n, &b, false);
		}
		else
			unforeseen++;
	}
	printf("# %s, bars of %d minutes: %d openings, %d of them after or on a day of exception\n",
		   name, (int) (interval / LEM_MINUTE), openings, unforeseen);
	check(openings > 600, "%s: openings", name);
	check_int(wrong[0], 0, "%s: all slices by the calendar, without a start", name);
	check_int(wrong[1], 0, "%s: and with one", name);
	check_int(wrong[2], 0, "%s: and with bars carried on", name);
	check_int(wrong[3], 0, "%s: slices by the past, with a start", name);
	check_int(wrong[4], 0, "%s: and without one, where no exception lies in between", name);
	forget(&h);
}

static void
test_dates(void)
{
	int			wrong = 0;
	const int64_t from = lem_day_of_date(1500, 1, 1);
	lem_date	date = {1500, 1, 1};

	for (int64_t day = from; day < from + 400000; day++)
	{
		const lem_date have = lem_date_of_day(day);

		wrong += have.year != date.year || have.month != date.month || have.day != date.day;
		wrong += lem_day_of_date(have.year, have.month, have.day) != day;
		wrong += lem_month(day * LEM_DAY) != have.month;
		if (date.day++ == lem_month_days(date.year, date.month))
		{
			date.day = 1;
			if (date.month++ == 12)
			{
				date.month = 1;
				date.year++;
			}
		}
	}
	check_int(wrong, 0, "dates of a thousand years, there and back");
	check(lem_day_of_date(2000, 1, 1) == 0 && lem_day_of_date(1999, 12, 31) == -1, "day 0");
	check(lem_month_days(2000, 2) == 29 && lem_month_days(1900, 2) == 28 &&
		  lem_month_days(2024, 2) == 29 && lem_month_days(2023, 12) == 31, "lengths of months");
	check(lem_easter(2019) == lem_day_of_date(2019, 4, 21) &&
		  lem_easter(2024) == lem_day_of_date(2024, 3, 31) &&
		  lem_easter(2025) == lem_day_of_date(2025, 4, 20) &&
		  lem_easter(2038) == lem_day_of_date(2038, 4, 25) &&
		  lem_easter(2285) == lem_day_of_date(2285, 3, 22), "Easter");
}

static void
test_holidays(void)
{
	lem_holiday fifth = {.kind = LEM_HOLIDAY_WEEKDAY, .month = 2, .weekday = 4, .nth = 5,
		.on = LEM_ANY_WEEKDAY, .until = 9999};
	lem_holiday leap = {.kind = LEM_HOLIDAY_DATE, .month = 2, .day = 29, .on = LEM_ANY_WEEKDAY,
		.until = 9999};
	lem_holiday new_year = {.kind = LEM_HOLIDAY_DATE, .month = 1, .day = 1,
		.on = LEM_ANY_WEEKDAY, .moved = {[5] = -1, [6] = 1}, .until = 9999};
	lem_holiday eve = {.kind = LEM_HOLIDAY_DATE, .month = 12, .day = 24, .on = 0x0f,
		.until = 9999};
	int64_t		day;

	check(!lem_holiday_day(&fifth, 2023, &day) && lem_holiday_day(&fifth, 2008, &day) &&
		  day == lem_day_of_date(2008, 2, 29), "a fifth Friday of February");
	fifth.nth = -5;
	check(!lem_holiday_day(&fifth, 2023, &day) && lem_holiday_day(&fifth, 2008, &day) &&
		  day == lem_day_of_date(2008, 2, 1), "and the fifth from its end");
	check(!lem_holiday_day(&leap, 2023, &day) && lem_holiday_day(&leap, 2024, &day), "leap days");
	check(lem_holiday_day(&new_year, 2022, &day) && day == lem_day_of_date(2021, 12, 31) &&
		  lem_holiday_day(&new_year, 2023, &day) && day == lem_day_of_date(2023, 1, 2) &&
		  lem_holiday_day(&new_year, 2024, &day) && day == lem_day_of_date(2024, 1, 1),
		  "observed on the nearest weekday");
	check(!lem_holiday_day(&eve, 2021, &day) && lem_holiday_day(&eve, 2024, &day),
		  "on some weekdays only");
	eve.from = 2025;
	eve.until = 2026;
	check(!lem_holiday_day(&eve, 2024, &day) && lem_holiday_day(&eve, 2025, &day) &&
		  !lem_holiday_day(&eve, 2027, &day), "in some years only");
}

static void
test_grid(void)
{
	static market m;
	lem_bar_grid grid = {&m.sessions, HOUR, LEM_PHASE_OPEN, 0};
	const int64_t friday = lem_day_of_date(2024, 11, 29) * LEM_DAY + 5 * HOUR;
	int64_t		ts;

	new_york(&m);
	check(lem_bar_from(&grid, friday, &ts) && ts == friday + 9 * HOUR + HOUR / 2, "opening");
	check(lem_bar_from(&grid, ts + 1, &ts) && ts == friday + 10 * HOUR + HOUR / 2, "next bar");
	check(lem_bar_from(&grid, friday + 12 * HOUR + HOUR / 2 + 1, &ts) &&
		  ts == friday + 3 * LEM_DAY + 9 * HOUR + HOUR / 2, "an early close");
	check(lem_bar_end(&grid, friday + 12 * HOUR + HOUR / 2) == friday + 13 * HOUR,
		  "a bar ends with its session");
	check(lem_bar_before(&grid, ts, &ts) && ts == friday + 12 * HOUR + HOUR / 2, "and back");
	check_int(lem_bars_between(&grid, friday, friday + 4 * LEM_DAY, 1000), 4 + 7, "bars of days");
	check_int(lem_bars_between(&grid, friday, friday + 4000 * LEM_DAY, 1000), 1000, "the limit");
	check(!lem_session_open(&m.sessions, friday - LEM_DAY + 12 * HOUR) &&
		  lem_session_open(&m.sessions, friday + 12 * HOUR) &&
		  !lem_session_open(&m.sessions, friday + 13 * HOUR), "open or not");

	grid.phase = 0;
	check(lem_bar_from(&grid, friday, &ts) && ts == friday + 9 * HOUR &&
		  lem_bar_end(&grid, ts) == friday + 10 * HOUR, "bars by the clock");
	check(lem_bar_from(&grid, ts + 1, &ts) && ts == friday + 10 * HOUR, "and the next");
	grid.phase = LEM_PHASE_OPEN;

	grid.interval = LEM_DAY;
	check(lem_bar_from(&grid, friday - LEM_DAY, &ts) && ts == friday + 9 * HOUR + HOUR / 2,
		  "a bar of a day");
	check(lem_bar_end(&grid, ts) == friday + 13 * HOUR, "which ends with its last session");
	grid.interval = LEM_WEEK;
	check(lem_bar_from(&grid, friday, &ts) && ts == friday + 3 * LEM_DAY + 9 * HOUR + HOUR / 2 &&
		  lem_bar_before(&(lem_bar_grid) {&m.sessions, HOUR, LEM_PHASE_OPEN, 0}, ts, &ts),
		  "of a week");
	grid.months = 1;
	grid.interval = 30 * LEM_DAY;
	check(lem_bar_from(&grid, friday + 4 * LEM_DAY, &ts) &&
		  ts == lem_day_of_date(2025, 1, 2) * LEM_DAY + 14 * HOUR + HOUR / 2, "of a month");

	/* A market that never opens. */
	open_market(&m, ZONE_UTC);
	grid = (lem_bar_grid) {&m.sessions, HOUR, LEM_PHASE_OPEN, 0};
	check(!lem_bar_from(&grid, 0, &ts) && !lem_bar_before(&grid, 0, &ts) &&
		  !lem_session_open(&m.sessions, 0) && lem_bars_between(&grid, 0, LEM_WEEK, 10) == 0,
		  "closed for good");
}

/* Local times that are there twice, or not at all. */
static void
test_clock(void)
{
	zone		where = ZONE_NEW_YORK;
	const lem_clock clock = {.to_local = to_local, .arg = &where};
	const int64_t spring = lem_day_of_date(2024, 3, 10) * LEM_DAY;
	const int64_t autumn = lem_day_of_date(2024, 11, 3) * LEM_DAY;
	int			wrong = 0;

	check(lem_utc_time(&clock, spring + HOUR) == spring + 6 * HOUR &&
		  lem_utc_time(&clock, spring + 3 * HOUR) == spring + 7 * HOUR, "around a jump");
	check(lem_utc_time(&clock, spring + 2 * HOUR + HOUR / 2) == spring + 7 * HOUR + HOUR / 2,
		  "within it");
	check(lem_utc_time(&clock, autumn + HOUR) == autumn + 5 * HOUR &&
		  lem_utc_time(&clock, autumn + 2 * HOUR) == autumn + 7 * HOUR, "the first of two");
	for (int64_t ts = spring - 3 * LEM_DAY; ts < spring + 300 * LEM_DAY; ts += HOUR / 2)
	{
		const int64_t local = lem_local_time(&clock, ts);

		wrong += lem_local_time(&clock, lem_utc_time(&clock, local)) != local;
	}
	check_int(wrong, 0, "and back");
}

/* Days, weeks and months of the wall clock. */
static void
test_long_bars(void)
{
	zone		where = ZONE_NEW_YORK;
	const lem_clock clock = {.to_local = to_local, .arg = &where};
	static const lem_gaps treatments[] = {LEM_GAPS_CARRY, LEM_GAPS_SKIP, LEM_GAPS_ERROR};
	static int64_t ts[4000];
	static double ones[4000];
	history		h = {0, ts, ones, ones};
	int			days = 0;
	int			utc_days = 0;
	int			weeks = 0;
	int			months = 0;
	int			moved = 0;

	for (int i = 0; i < 4000; i++)
		ones[i] = 1;
	for (int g = 0; g < 3; g++)
	{
		lem_config	config = sessions_config(treatments[g]);

		/* Midnights of three years. */
		for (h.n = 0; h.n < 1100; h.n++)
			ts[h.n] = lem_utc_time(&clock, (lem_day_of_date(2022, 1, 1) + (int64_t) h.n) * LEM_DAY);
		for (size_t n = 100; n + STEPS < h.n; n++)
		{
			built		b = build(&config, &h, 0, n, &clock, &ts[n]);

			days += b.status != LEM_OK || !b.window.next_known ||
				memcmp(b.ts, ts + n, sizeof(b.ts)) != 0;
			b = build(&config, &h, 0, n, &clock, NULL);
			days += b.status != LEM_OK || memcmp(b.ts, ts + n, sizeof(b.ts)) != 0;
		}
		/* Days of UTC stay days of UTC. */
		for (size_t i = 0; i < h.n; i++)
			ts[i] = (lem_day_of_date(2022, 1, 1) + (int64_t) i) * LEM_DAY;
		for (size_t n = 100; n + STEPS < h.n; n++)
		{
			built		b = build(&config, &h, 0, n, &clock, &ts[n]);

			utc_days += b.status != LEM_OK || memcmp(b.ts, ts + n, sizeof(b.ts)) != 0;
		}
		for (size_t i = 0; i < h.n; i++)
			ts[i] = lem_utc_time(&clock, (lem_day_of_date(2010, 1, 4) + 7 * (int64_t) i) * LEM_DAY);
		for (size_t n = 100; n + STEPS < 800; n++)
		{
			built		b = build(&config, &h, 0, n, &clock, &ts[n]);

			weeks += b.status != LEM_OK || !b.window.next_known ||
				memcmp(b.ts, ts + n, sizeof(b.ts)) != 0;
		}
		for (size_t i = 0; i < 400; i++)
			ts[i] = lem_utc_time(&clock, lem_day_of_date(2000 + (int64_t) i / 12, (int) i % 12 + 1, 1)
								 * LEM_DAY);
		for (size_t n = 60; n + STEPS < 400; n++)
		{
			built		b = build(&config, &h, 0, n, &clock, &ts[n]);

			months += b.status != LEM_OK || !b.window.next_known ||
				memcmp(b.ts, ts + n, sizeof(b.ts)) != 0;
		}
	}

	/* A week whose Monday is a holiday begins on Tuesday: its Monday does not come twice. */
	for (size_t i = 0; i < 300; i++)
		ts[i] = (lem_day_of_date(2010, 1, 4) + 7 * (int64_t) i + (i % 9 == 4)) * LEM_DAY;
	for (size_t n = 60; n + STEPS < 300; n++)
	{
		const lem_config config = sessions_config(LEM_GAPS_SKIP);
		built		b = build(&config, &h, 0, n, NULL, NULL);

		for (int i = 0; i < STEPS; i++)
			moved += b.ts[i] != (lem_day_of_date(2010, 1, 4) + 7 * (int64_t) (n + (size_t) i))
				* LEM_DAY;
	}
	check_int(days, 0, "days of 23, 24 and 25 hours");
	check_int(utc_days, 0, "days of UTC");
	check_int(weeks, 0, "weeks");
	check_int(months, 0, "months");
	check_int(moved, 0, "weeks that began late");
}

/* Minutes without trades: an order is given a start, and starts there. */
static void
test_thin(void)
{
	static market m;
	history		full;
	history		thin;
	lem_clock	clock;
	lem_config	config = sessions_config(LEM_GAPS_SKIP);
	static const int percent[] = {90, 50, 20};
	uint64_t	state = 11;

	new_york(&m);
	simulate(&m, LEM_MINUTE, &full);
	clock = m.sessions.clock;
	thin = (history) {0, malloc(full.n * sizeof(int64_t)), full.price, full.volume};
	for (int p = 0; p < 3; p++)
		for (int calendar = 0; calendar < 2; calendar++)
		{
			int			not_firm = 0;
			int			misplaced = 0;
			int			starts = 0;

			thin.n = 0;
			clock.calendar = calendar ? &m.sessions : NULL;
			for (size_t i = full.n / 2; i < full.n / 2 + 60000; i++)
			{
				state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
				if (thin.n > 20000 / 100 * (size_t) percent[p] && i % 37 == 0)
				{
					const size_t first = thin.n > 12000 ? thin.n - 12000 : 0;
					const built b = build(&config, &thin, first, thin.n, &clock, &full.ts[i]);

					starts++;
					not_firm += b.status != LEM_OK || !b.window.next_known;
					misplaced += b.ts[0] != full.ts[i];
				}
				if ((int) ((state >> 33) % 100) < percent[p])
					thin.ts[thin.n++] = full.ts[i];
			}
			check(starts > 800, "thin: %d starts", starts);
			check_int(not_firm, 0, "thin: bars in %d minutes of 100, %s: firm", percent[p],
					  calendar ? "calendar" : "no calendar");
			/* Where few minutes trade, the past alone can take one for a break. */
			check(misplaced * (percent[p] >= 50 || calendar ? 1000000 : 200) <= starts,
				  "thin: and at their start (%d are not)", misplaced);
		}
	free(thin.ts);
	forget(&full);
}

/* The clock knows that a bar has not come. */
static void
test_now(void)
{
	static market m;
	history		h;
	lem_clock	clock;
	lem_config	config = sessions_config(LEM_GAPS_SKIP);
	const int64_t thursday = lem_day_of_date(2024, 11, 28) * LEM_DAY + 5 * HOUR;
	const int64_t open = 9 * HOUR + HOUR / 2;
	int64_t		start = thursday + LEM_DAY + open;
	size_t		n;
	built		b;

	new_york(&m);
	simulate(&m, 15 * LEM_MINUTE, &h);
	clock = m.sessions.clock;
	for (n = 0; h.ts[n] < thursday;)
		n++;
	b = build(&config, &h, 0, n, &clock, NULL);
	check(b.ts[0] == thursday + open, "without a clock Thanksgiving is a Thursday");
	clock.has_now = true;
	clock.now = thursday + LEM_DAY;
	b = build(&config, &h, 0, n, &clock, NULL);
	check(b.ts[0] == start, "with one it is over");
	clock.now = start + 5000000;
	b = build(&config, &h, 0, n, &clock, NULL);
	check(b.ts[0] == start, "at the opening, its bar is the next");
	clock.now = start + 15 * LEM_MINUTE;
	b = build(&config, &h, 0, n, &clock, NULL);
	check(b.ts[0] == start + 15 * LEM_MINUTE, "until it has ended");
	clock.now = thursday - LEM_DAY + 12 * HOUR;
	b = build(&config, &h, 0, n - 16, &clock, &start);
	check(!b.window.next_known, "a start two days ahead is not firm yet");
	clock.now = start;
	b = build(&config, &h, 0, n - 16, &clock, &start);
	check(b.window.next_known && b.ts[0] == start, "but when it has come");
	clock.now = thursday + 4 * HOUR;
	start = thursday + open;
	b = build(&config, &h, 0, n, &clock, &start);
	check(b.window.next_known && b.ts[0] == start, "and the night before, with all bars there");
	forget(&h);
}

/* Volumes of the day's times, from sessions that end as the day's does. */
static void
test_profile(void)
{
	static market m;
	history		h;
	lem_clock	clock;
	lem_config	config = sessions_config(LEM_GAPS_SKIP);
	static double scratch[100000];
	double		volume[STEPS];
	lem_outlook outlook;
	lem_fault	fault;
	lem_order	order = {.size = 1, .max_rate = 1, .has_start = true};
	int			wrong = 0;
	int			truncated = 0;

	new_york(&m);
	simulate(&m, 30 * LEM_MINUTE, &h);
	clock = (lem_clock) {.calendar = &m.sessions};
	for (size_t i = 0; i < h.n; i++)
	{
		const int64_t local = lem_local_time(&m.sessions.clock, h.ts[i]);

		h.volume[i] = (double) (lem_time_of_day(local) / LEM_MINUTE);
		/* An early close has its own last half hour. */
		if (is_exception(&m, lem_day_number(local)))
			h.volume[i] += 5000;
	}
	for (size_t n = h.n / 2; n < h.n / 2 + 3500; n += 3)
	{
		const size_t first = n - 1200;
		const lem_series series = {.n = n - first, .ts = h.ts + first, .price = h.price,
			.volume = h.volume + first};

		order.start_ts = h.ts[n];
		wrong += lem_window_outlook(&config, &series, &order, &clock, scratch, false, &outlook,
									volume, &fault) != LEM_OK;
		for (int i = 0; i < STEPS; i++)
		{
			const int64_t local = lem_local_time(&m.sessions.clock, h.ts[n + (size_t) i]);

			if (is_exception(&m, lem_day_number(local)))
				truncated++;
			else
				wrong += volume[i] != h.volume[n + (size_t) i];
		}
	}
	check_int(wrong, 0, "profile: days by days that end as they do, however short the window");
	check(truncated > 50, "profile: with early closes among them");
	forget(&h);
}

/* Of the first n bars, those that had ended by now. */
static int
ended(const lem_config *config, const int64_t *ts, size_t n, const lem_clock *clock, int64_t now)
{
	const lem_series series = {.n = n, .ts = ts};
	uint64_t	scratch[8];

	return (int) lem_expect_ended(config, &series, 8, clock, now, scratch);
}

/* Bars that have ended by the clock. */
static void
test_ended(void)
{
	static market m;
	history		h;
	lem_clock	calendar;
	const lem_config any = {0};
	const lem_config minutes = {.bar_interval = 20 * LEM_MINUTE};
	const int64_t january = lem_day_of_date(2025, 1, 1) * LEM_DAY;
	const int64_t months[] = {january - 31 * LEM_DAY, january, january + 31 * LEM_DAY};
	int64_t		days[9];
	int			wrong = 0;
	int			closes = 0;
	size_t		n = 0;

	new_york(&m);
	simulate(&m, HOUR, &h);
	calendar = (lem_clock) {.calendar = &m.sessions};
	while (h.ts[n] < lem_day_of_date(2024, 11, 20) * LEM_DAY)
		n++;

	/* a session's last bar ends with it, also where that is early; the next one has not begun */
	for (; h.ts[n] < lem_day_of_date(2024, 12, 5) * LEM_DAY; n++)
	{
		lem_session_time session;
		int64_t		end = h.ts[n] + HOUR;

		(void) lem_session_after(&m.sessions, h.ts[n], &session);
		closes += session.close < end;
		if (session.close < end)
			end = session.close;
		wrong += ended(&any, h.ts, n + 1, &calendar, end - 1) != (int) n;
		wrong += ended(&any, h.ts, n + 3, &calendar, end) != (int) n + 1;
		wrong += ended(&any, h.ts, n + 1, &m.sessions.clock, h.ts[n] + HOUR - 1) != (int) n;
	}
	check_int(wrong, 0, "ended: with their session, or when their length has passed");
	check(closes >= 9, "ended: sessions close within bars");

	check_int(ended(&any, h.ts, 0, &calendar, h.ts[0]), 0, "ended: no bars");
	check_int(ended(&any, h.ts, 1, NULL, h.ts[0] + 1), 1, "ended: a single one, whose length is not known");
	check_int(ended(&minutes, h.ts, 1, NULL, h.ts[0] + 1), 0, "ended: nor where it is in the config");
	check_int(ended(&minutes, h.ts, 2, NULL, h.ts[1] + 20 * LEM_MINUTE), 2, "ended: by the config's length");
	check_int(ended(&any, h.ts, 9, NULL, h.ts[0] - 1), 0, "ended: all of them are of the future");
	check_int(ended(&any, h.ts, 9, NULL, LEM_TIME_END - 1), 9, "ended: at the end of all time");
	/* the day of the change of clocks in New York has 23 hours */
	for (int i = 0; i < 9; i++)
		days[i] = (lem_day_of_date(2025, 3, 1) + i) * LEM_DAY + 5 * HOUR;
	check_int(ended(&any, days, 9, &m.sessions.clock, days[8] + 23 * HOUR - 1), 8, "ended: a day of 23 hours");
	check_int(ended(&any, days, 9, &m.sessions.clock, days[8] + 23 * HOUR), 9, "ended: and then it has");
	check_int(ended(&any, months, 3, NULL, lem_day_of_date(2025, 3, 1) * LEM_DAY - 1), 2, "ended: a month");
	check_int(ended(&any, months, 3, NULL, lem_day_of_date(2025, 3, 1) * LEM_DAY), 3, "ended: a short one");
	forget(&h);
}

int
main(void)
{
	test_dates();
	test_holidays();
	test_clock();
	test_grid();
	test_long_bars();
	test_now();
	test_ended();
	test_profile();
	test_thin();
	test_market("New York", new_york, 5 * LEM_MINUTE);
	test_market("New York", new_york, 30 * LEM_MINUTE);
	test_market("New York", new_york, 60 * LEM_MINUTE);
	test_market("London", london, 30 * LEM_MINUTE);
	test_market("Sydney", sydney, 30 * LEM_MINUTE);
	test_market("Tokyo", tokyo, 5 * LEM_MINUTE);
	test_market("Tokyo", tokyo, 30 * LEM_MINUTE);
	test_market("Tokyo", tokyo, 60 * LEM_MINUTE);
	test_market("futures", futures, 30 * LEM_MINUTE);
	test_market("futures", futures, 60 * LEM_MINUTE);
	test_market("currencies", currencies, 60 * LEM_MINUTE);
	return check_done();
}

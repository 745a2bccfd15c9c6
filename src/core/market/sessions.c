/* sessions.c: when a market trades. */
#include <stddef.h>

#include "market/sessions.h"

/* Days without a session after which a market is taken for closed for good. */
#define MAX_CLOSED_DAYS 800

/* No session of a day lies further from it than this, clocks' changes included. */
#define REACH_DAYS 3

const lem_day_sessions *
lem_calendar_day(const lem_calendar *calendar, int64_t day)
{
	int			low = 0;
	int			high = calendar->n_days;

	while (low < high)
	{
		const int	middle = low + (high - low) / 2;

		if (calendar->days[middle].day < day)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < calendar->n_days && calendar->days[low].day == day)
		return &calendar->days[low];
	return &calendar->weekday[lem_day_of_week(day * LEM_DAY)];
}

/* Session i of a day as it takes place. */
static lem_session_time
session_time(const lem_calendar *calendar, int64_t day, const lem_day_sessions *of, int i)
{
	const lem_session *session = &calendar->session[of->first + i];
	const int64_t midnight = day * LEM_DAY;
	lem_session_time time;

	time.day = day;
	time.open = lem_utc_time(&calendar->clock, midnight + session->open * LEM_MINUTE);
	time.close = lem_utc_time(&calendar->clock, midnight + session->close * LEM_MINUTE);
	return time;
}

/* Whether t can be in a day's sessions: far from them no clock need be asked. */
static bool
is_near(int64_t day, const lem_session *session, int64_t local)
{
	return local < day * LEM_DAY + session->close * LEM_MINUTE + LEM_DAY / 4;
}

lem_session_time
lem_session_of(const lem_calendar *calendar, int64_t day, int i)
{
	return session_time(calendar, day, lem_calendar_day(calendar, day), i);
}

bool
lem_session_after(const lem_calendar *calendar, int64_t t, lem_session_time *session)
{
	const int64_t local = lem_local_time(&calendar->clock, t);
	const int64_t today = lem_day_number(local);

	for (int64_t day = today - REACH_DAYS + 1; day < today + MAX_CLOSED_DAYS; day++)
	{
		const lem_day_sessions *of = lem_calendar_day(calendar, day);

		for (int i = 0; i < of->count; i++)
		{
			if (!is_near(day, &calendar->session[of->first + i], local))
				continue;
			*session = session_time(calendar, day, of, i);
			if (session->close > t && session->close > session->open)
				return true;
		}
	}
	return false;
}

bool
lem_session_before(const lem_calendar *calendar, int64_t t, lem_session_time *session)
{
	const int64_t today = lem_day_number(lem_local_time(&calendar->clock, t));

	for (int64_t day = today + REACH_DAYS - 1; day > today - MAX_CLOSED_DAYS; day--)
	{
		const lem_day_sessions *of = lem_calendar_day(calendar, day);

		for (int i = of->count - 1; i >= 0; i--)
		{
			*session = session_time(calendar, day, of, i);
			if (session->open < t && session->close > session->open)
				return true;
		}
	}
	return false;
}

bool
lem_session_open(const lem_calendar *calendar, int64_t t)
{
	lem_session_time session;

	return lem_session_after(calendar, t, &session) && session.open <= t;
}

/* The first bar of a session, which begins with it, or has its opening in it. */
static int64_t
first_bar(const lem_bar_grid *grid, const lem_session_time *session)
{
	int64_t		first = session->open;

	if (grid->phase != LEM_PHASE_OPEN)
	{
		const int64_t local = lem_local_time(&grid->calendar->clock, session->open);
		const int64_t behind = (lem_time_of_day(local) - grid->phase) % grid->interval;

		first -= behind < 0 ? behind + grid->interval : behind;
	}
	return first;
}

/* The first bar at or after t that is of a session; false if it has none. */
static bool
bar_in_session(const lem_bar_grid *grid, const lem_session_time *session, int64_t t, int64_t *ts)
{
	const int64_t first = first_bar(grid, session);

	*ts = t <= first ? first : first + (t - first + grid->interval - 1) / grid->interval
		* grid->interval;
	return *ts < session->close;
}

/* Days, or months, that a bar of days or months is of. */
static int64_t
block_length(const lem_bar_grid *grid)
{
	return grid->months > 0 ? grid->months : grid->interval / LEM_DAY;
}

/* Number of the bar of days or months that a day is in. */
static int64_t
block_of(const lem_bar_grid *grid, int64_t day)
{
	const int64_t length = block_length(grid);
	int64_t		from = day - 2;	/* since the Monday 2000-01-03 */

	if (grid->months > 0)
	{
		const lem_date date = lem_date_of_day(day);

		from = (date.year - 2000) * 12 + date.month - 1;
	}
	return from >= 0 ? from / length : -((length - 1 - from) / length);
}

/* The first day of a bar of days or months. */
static int64_t
block_day(const lem_bar_grid *grid, int64_t block)
{
	const int64_t from = block * block_length(grid);

	if (grid->months == 0)
		return from + 2;
	return lem_day_of_date(2000 + (from >= 0 ? from / 12 : -((11 - from) / 12)),
						   (int) ((from % 12 + 12) % 12) + 1, 1);
}

/* The first bar of days or months that opens at or after t. */
static bool
block_from(const lem_bar_grid *grid, int64_t t, int64_t *ts)
{
	const int64_t today = lem_day_number(lem_local_time(&grid->calendar->clock, t));
	const int64_t end = today + MAX_CLOSED_DAYS + 2 * (grid->interval / LEM_DAY);
	int64_t		opened = INT64_MIN; /* the last block with a session */

	for (int64_t day = block_day(grid, block_of(grid, today - REACH_DAYS)); day < end; day++)
	{
		const lem_day_sessions *of = lem_calendar_day(grid->calendar, day);

		if (of->count == 0 || block_of(grid, day) == opened)
			continue;
		opened = block_of(grid, day);
		*ts = session_time(grid->calendar, day, of, 0).open;
		if (*ts >= t)
			return true;
	}
	return false;
}

static inline bool
is_of_days(const lem_bar_grid *grid)
{
	return grid->months > 0 || grid->interval >= LEM_DAY;
}

bool
lem_bar_from(const lem_bar_grid *grid, int64_t t, int64_t *ts)
{
	lem_session_time session;

	if (is_of_days(grid))
		return block_from(grid, t, ts);
	while (lem_session_after(grid->calendar, t, &session))
	{
		if (bar_in_session(grid, &session, t, ts))
			return true;
		/* A bar that began before t covers the rest of the session. */
		t = session.close;
	}
	return false;
}

bool
lem_bar_before(const lem_bar_grid *grid, int64_t t, int64_t *ts)
{
	lem_session_time session;
	int64_t		end = t;

	while (lem_session_before(grid->calendar, end, &session))
	{
		const int64_t first = first_bar(grid, &session);
		const int64_t until = session.close < t ? session.close : t;

		if (first < until)
		{
			*ts = first + (until - 1 - first) / grid->interval * grid->interval;
			return true;
		}
		end = session.open;
	}
	return false;
}

int64_t
lem_bar_end(const lem_bar_grid *grid, int64_t ts)
{
	lem_session_time session;
	int64_t		next;

	if (is_of_days(grid))
	{
		if (!block_from(grid, ts + 1, &next) ||
			!lem_session_before(grid->calendar, next, &session))
			return ts + grid->interval;
		return session.close > ts ? session.close : ts + grid->interval;
	}
	if (!lem_session_after(grid->calendar, ts, &session) || session.open >= ts + grid->interval)
		return ts + grid->interval;
	return session.close < ts + grid->interval ? session.close : ts + grid->interval;
}

int64_t
lem_bars_between(const lem_bar_grid *grid, int64_t after, int64_t before, int64_t limit)
{
	int64_t		count = 0;
	int64_t		t = after + 1;

	while (t < before && count < limit)
	{
		lem_session_time session;
		int64_t		ts;

		if (!lem_bar_from(grid, t, &ts) || ts >= before)
			break;
		if (is_of_days(grid) || !lem_session_after(grid->calendar, ts, &session) ||
			session.close <= ts)
		{
			count++;
			t = ts + 1;
			continue;
		}
		t = session.close < before ? session.close : before;
		count += (t - ts + grid->interval - 1) / grid->interval;
	}
	return count < limit ? count : limit;
}

/* habit.c: when the bars of a series come, as its own past shows. */
#include "market/habit.h"

/* Votes that are asked for at most, and periods that are tried for them. */
#define MAX_VOTES LEM_HABIT_WEEKS
#define MAX_TRIES (MAX_VOTES + 2)

/* Days of history that are looked at for bars at a time of day. */
#define LOOK_BACK_DAYS 28

/* A market is closed where bars lie apart by more than this, or as often as in four hours. */
#define BREAK_TIME (30 * LEM_MINUTE)
#define LONG_BREAK_TIME (240 * LEM_MINUTE)

/* What one week says. */
typedef struct vote
{
	int64_t		ts;				/* the bar that is expected */
	int64_t		hole;			/* time without bars that it ends, 0: none */
	int64_t		since;			/* which had gone on for so long */
	bool		open;			/* the market traded at the time asked about */
} vote;

typedef bool (*ask) (const lem_habit *habit, size_t last, int64_t then, int64_t now,
					 int64_t shift, vote *answer);

static inline int64_t
at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A distance of bars from which on the market may have been closed. */
static inline int64_t
break_time(const lem_habit *habit)
{
	return at_least(habit->interval / 2 * 5, BREAK_TIME);
}

/* Answers that are later by more than this are of holidays. */
static inline int64_t
holiday_time(const lem_habit *habit)
{
	return habit->interval < LEM_DAY ? LONG_BREAK_TIME : LEM_DAY / 2;
}

/* A distance from which on it was closed. */
static inline int64_t
long_break_time(const lem_habit *habit)
{
	if (habit->interval >= LEM_DAY)
		return break_time(habit);
	return at_least(8 * habit->interval, LONG_BREAK_TIME);
}

/* later - earlier, at most INT64_MAX. */
static inline int64_t
elapsed(int64_t earlier, int64_t later)
{
	const uint64_t time = (uint64_t) later - (uint64_t) earlier;

	return time > INT64_MAX ? INT64_MAX : (int64_t) time;
}

/* The time of a bar of the past, as many days on as the question lies after its like then. */
static int64_t
shifted(const lem_habit *habit, int64_t ts, int64_t shift)
{
	return lem_utc_time(habit->clock, lem_local_time(habit->clock, ts) + shift);
}

/* What followed the bar at `then`? */
static bool
ask_next(const lem_habit *habit, size_t last, int64_t then, int64_t now, int64_t shift,
		 vote *answer)
{
	const lem_series *series = habit->series;
	size_t		i = lem_series_before(series, then);
	const bool	exact = i <= last && series->ts[i] == then;
	int64_t		gap;

	/* Where there was no bar, one up to half an interval later stood for it. */
	i = exact ? i + 1 : lem_series_before(series, then + habit->interval / 2);
	if (i == 0 || i > last)
		return false;
	gap = elapsed(then, series->ts[i]);
	answer->open = true;
	answer->hole = answer->since = 0;
	if (gap <= habit->interval / 2 * 3)
	{
		if (habit->interval >= LEM_DAY)
			answer->ts = shifted(habit, series->ts[i], shift);
		else
			answer->ts = now + (exact ? gap : habit->interval);
		return true;
	}
	answer->hole = elapsed(series->ts[i - 1], series->ts[i]);
	answer->ts = shifted(habit, series->ts[i], shift);
	return true;
}

/* What was the first bar from `then` on? */
static bool
ask_first(const lem_habit *habit, size_t last, int64_t then, int64_t now, int64_t shift,
		  vote *answer)
{
	const lem_series *series = habit->series;
	const size_t i = lem_series_before(series, then);
	int64_t		gap;
	int64_t		since;

	if (i == 0 || i > last)
		return false;
	answer->hole = answer->since = 0;
	answer->open = true;
	answer->ts = now;
	if (series->ts[i] == then)
		return true;
	gap = elapsed(series->ts[i - 1], series->ts[i]);
	since = elapsed(series->ts[i - 1], then);
	if (since < habit->step && gap <= habit->interval / 2 * 3 && habit->interval < LEM_DAY)
		answer->ts = now + (series->ts[i] - then);	/* in the midst of a bar */
	else if (since < habit->step && gap < break_time(habit) && habit->interval < LEM_DAY)
		answer->ts = now + (habit->step - since);	/* and the next had no trades */
	else
	{
		answer->open = false;
		answer->hole = gap;
		answer->since = since;
		answer->ts = shifted(habit, series->ts[i], shift);
	}
	return true;
}

/*
 * Ask the periods (weeks, or days) before; their answers, the latest period's first.  A time that lies more than
 * a period after the last bar is asked about as many periods earlier.
 */
static int
collect(const lem_habit *habit, size_t last, int64_t now, int64_t period, ask question, vote *votes)
{
	const int64_t local = lem_local_time(habit->clock, now);
	const int64_t end = lem_local_time(habit->clock, habit->series->ts[last]);
	int64_t		back = local < end ? 1 : elapsed(end, local) / period + 1;
	int			n = 0;

	for (int i = 0; i < MAX_TRIES && n < MAX_VOTES; i++, back++)
	{
		const int64_t shift = back * period;

		if (elapsed(LEM_TIME_MIN, local) < shift)
			break;
		n += question(habit, last, lem_utc_time(habit->clock, local - shift), now, shift,
					  &votes[n]);
	}
	return n;
}

/* The answers of weeks, or of days where there are none. */
static int
answers(const lem_habit *habit, size_t last, int64_t now, ask question, vote *votes)
{
	int			n = collect(habit, last, now, LEM_WEEK, question, votes);

	if (n == 0 && habit->interval < LEM_DAY)
		n = collect(habit, last, now, LEM_DAY, question, votes);
	return n;
}

/* The answer that counts, of n > 0: the first that is not of a holiday. */
static const vote *
chosen(const lem_habit *habit, const vote *votes, int n)
{
	int64_t		earliest = votes[0].ts;
	int			i = 0;

	for (int j = 1; j < n; j++)
		earliest = votes[j].ts < earliest ? votes[j].ts : earliest;
	while (votes[i].ts - earliest > holiday_time(habit))
		i++;
	/* One week with a bar at that time shows more than others without. */
	for (int j = i; j < n && !votes[i].open; j++)
	{
		if (votes[j].open && votes[j].ts - earliest <= holiday_time(habit))
			i = j;
	}
	return &votes[i];
}

/*
 * Do the answers agree with the chosen one on when the bar comes, or (since) on when the last one
 * before had been?  Those of holidays aside, all but one.
 */
static bool
agree(const lem_habit *habit, const vote *votes, int n, const vote *best, bool since)
{
	int			same = 0;
	int			near = 0;

	for (int i = 0; i < n; i++)
	{
		if (votes[i].ts - best->ts > holiday_time(habit))
			continue;
		near++;
		same += since ? votes[i].since == best->since : votes[i].ts == best->ts;
	}
	return same >= (near >= 3 ? near - 1 : near);
}

/*
 * Was there no bar from start up to before end at these times of day, on all days before that are
 * looked at?
 */
static bool
never_traded(const lem_habit *habit, size_t last, int64_t start, int64_t end)
{
	const lem_series *series = habit->series;
	const int64_t local = lem_local_time(habit->clock, start);
	const int64_t back = local < lem_local_time(habit->clock, series->ts[last]) ? 1
		: elapsed(series->ts[last], start) / LEM_DAY + 1;

	for (int64_t day = back; day < back + LOOK_BACK_DAYS; day++)
	{
		const int64_t then = lem_utc_time(habit->clock, local - day * LEM_DAY);
		const size_t i = lem_series_before(series, then);

		if (i == 0)
			break;
		if (i <= last && series->ts[i] < then + (end - start) && series->ts[i] < start)
			return false;
	}
	return true;
}

bool
lem_habit_next(const lem_habit *habit, size_t last, int64_t prev, int64_t *next)
{
	vote		votes[MAX_VOTES];
	const int	n = answers(habit, last, prev, ask_next, votes);
	const vote *best;

	if (n == 0)
		return false;
	best = chosen(habit, votes, n);
	*next = best->ts;
	/* Minutes without trades come at any time, breaks at the same. */
	if (best->hole > 0 && best->hole < break_time(habit) && habit->interval < LEM_DAY &&
		n > 1 && !agree(habit, votes, n, best, false))
		*next = prev + habit->interval;
	return *next > prev;
}

/*
 * There was no bar at start, as the chosen answer has it.  Was the market closed, or were there just
 * no trades?  Breaks begin and end at the same times each week.
 */
static bool
was_closed(const lem_habit *habit, size_t last, int64_t start, const vote *votes, int n,
		   const vote *best)
{
	if (best->hole < long_break_time(habit))
		return agree(habit, votes, n, best, false) && agree(habit, votes, n, best, true) &&
			never_traded(habit, last, start, best->ts);
	if (habit->interval >= LEM_DAY)
		return true;
	if (best->since < break_time(habit))
		return agree(habit, votes, n, best, true);
	if (best->ts - start < break_time(habit))
		return agree(habit, votes, n, best, false);
	return true;
}

/* Does the market trade at start?  If not, *first is when it does. */
static bool
find_first(const lem_habit *habit, size_t last, int64_t start, int64_t *first, bool *open)
{
	vote		votes[MAX_VOTES];
	const int	n = answers(habit, last, start, ask_first, votes);
	const vote *best;

	if (n == 0)
		return false;
	best = chosen(habit, votes, n);
	*first = best->ts;
	*open = best->open || !was_closed(habit, last, start, votes, n, best);
	if (*open && !best->open)
		*first = start;
	return *first >= start;
}

bool
lem_habit_first(const lem_habit *habit, size_t last, int64_t start, int64_t *first)
{
	bool		open;

	return find_first(habit, last, start, first, &open);
}

/* Is the time between bar i - 1 and bar i a break that comes each day? */
static bool
is_daily_break(const lem_habit *habit, size_t last, size_t i)
{
	const int64_t from = habit->series->ts[i - 1] + habit->interval;

	return never_traded(habit, last, from, habit->series->ts[i]);
}

/* The longest that a session went without a bar of late, breaks aside. */
static int64_t
longest_hole(const lem_habit *habit, size_t last)
{
	const lem_series *series = habit->series;
	int64_t		longest = habit->interval;

	for (size_t i = last; i > 0; i--)
	{
		const int64_t gap = elapsed(series->ts[i - 1], series->ts[i]);

		if (elapsed(series->ts[i], series->ts[last]) > LOOK_BACK_DAYS * LEM_DAY)
			break;
		if (gap > longest && gap < break_time(habit) && !is_daily_break(habit, last, i))
			longest = gap;
	}
	return longest;
}

/*
 * When the session that start lies in opened, as in the last week that traded then; not looked for
 * before bars up to `last` are there.
 */
static int64_t
session_open(const lem_habit *habit, size_t last, int64_t start)
{
	const lem_series *series = habit->series;
	const int64_t local = lem_local_time(habit->clock, start);
	const int64_t period =
		elapsed(series->ts[0], series->ts[last]) >= LEM_WEEK ? LEM_WEEK : LEM_DAY;
	int64_t		back = local < lem_local_time(habit->clock, series->ts[last]) ? 1
		: elapsed(series->ts[last], start) / period + 1;

	for (int i = 0; i < MAX_TRIES; i++, back++)
	{
		const int64_t shift = back * period;
		const int64_t then = lem_utc_time(habit->clock, local - shift);
		const int64_t enough = series->ts[last] - shift - LEM_DAY / 8;
		size_t		bar = lem_series_before(series, then + 1);

		/* Was it open then?  If it only had no trades, the bars around lie close together. */
		if (bar == 0 || bar > last ||
			(elapsed(series->ts[bar - 1], then) >= habit->interval &&
			 elapsed(series->ts[bar - 1], series->ts[bar]) >= break_time(habit)))
			continue;
		for (bar--; bar > 0 && series->ts[bar] > enough; bar--)
		{
			const int64_t gap = elapsed(series->ts[bar - 1], series->ts[bar]);

			if (gap >= break_time(habit) ||
				(gap > habit->interval && is_daily_break(habit, last, bar)))
				break;
		}
		return shifted(habit, series->ts[bar], shift);
	}
	return series->ts[last] + habit->interval;
}

bool
lem_habit_pauses(const lem_habit *habit, size_t last, int64_t time)
{
	int64_t		hole;

	if (time <= habit->interval)
		return true;
	/* In a thin market, where more than a bar can be missing, there is no telling. */
	hole = longest_hole(habit, last);
	return hole > habit->interval && (time <= 2 * hole || hole >= habit->interval / 4 * 9);
}

bool
lem_habit_complete(const lem_habit *habit, size_t last, int64_t start)
{
	int64_t		from = habit->series->ts[last];
	int64_t		first;
	bool		open;

	if (elapsed(from, start) <= habit->interval)
		return true;
	if (!find_first(habit, last, start, &first, &open))
		return false;
	if (!open)
		return true;
	from = at_least(from, session_open(habit, last, start) - habit->interval);
	return lem_habit_pauses(habit, last, start - from);
}

bool
lem_habit_sessions(const lem_series *series, size_t n, size_t count, int64_t interval)
{
	const lem_habit habit = {series, NULL, interval, interval};
	const size_t from = n > count ? n - count : 0;
	double		closed = 0;

	if (n < 2)
		return false;
	for (size_t i = from; i + 1 < n; i++)
	{
		const int64_t gap = elapsed(series->ts[i], series->ts[i + 1]);

		if (gap >= break_time(&habit))
			closed += (double) (gap - interval);
	}
	return closed > 0.1 * (double) elapsed(series->ts[from], series->ts[n - 1]);
}

int64_t
lem_habit_step(const lem_series *series, size_t n, size_t count, int64_t interval)
{
	const size_t from = n > count ? n - count : 0;
	int64_t		step = interval;

	for (size_t i = from; i + 1 < n; i++)
	{
		int64_t		gap = elapsed(series->ts[i], series->ts[i + 1]);

		if (gap > interval || gap == step)
			continue;
		while (gap > 0)
		{
			const int64_t rest = step % gap;

			step = gap;
			gap = rest;
		}
	}
	return step;
}

/* profile.c: the volume usual at the time of day of a bar that is expected. */
#include "market/profile.h"

#define VOLUME_UNIT 0x1p-20		/* so that sums cannot overflow */

void
lem_day_bars_carve(lem_arena *arena, lem_day_bars *known)
{
	known->valid = false;
	known->bar = lem_arena_bytes(arena, LEM_DAY_BARS * sizeof(lem_day_bar));
	known->last = lem_arena_bytes(arena, LEM_DAY_BARS * sizeof(size_t));
}

/* A bar of the past adds to a profile, if it is of its time. */
static inline void
add_bar(lem_profile *profile, int64_t time, int64_t close, double volume)
{
	if (profile->time != time)
		return;
	profile->any_volume += volume;
	profile->any_bars++;
	if (profile->close != close)
		return;
	profile->volume += volume;
	profile->bars++;
}

/* A time of day, its bits mixed: the high ones say which chain. */
static inline uint64_t
mixed(int64_t time)
{
	return (uint64_t) time * UINT64_C(0x9e3779b97f4a7c15);
}

/* Which of the chains of n profiles. */
#define CHAIN_BITS 10

static inline int
profile_chain(int64_t time)
{
	return (int) (mixed(time) >> (64 - CHAIN_BITS));
}

/* The sums, from all bars of the window, the last one first. */
static void
ask_all(const lem_profile_window *window, day_clock *day, int n, lem_profile *profile)
{
	lem_place	place = window->row_l;
	int16_t		first[1 << CHAIN_BITS]; /* the profiles of a chain; -1: there are no more */
	int16_t		next[LEM_MAX_AHEAD];

	memset(first, -1, sizeof(first));
	for (int i = 0; i < n; i++)
	{
		int16_t    *chain = &first[profile_chain(profile[i].time)];

		next[i] = *chain;
		*chain = (int16_t) i;
	}
	for (int back = 0; back < window->lag + window->count; back++)
	{
		if (back >= window->lag)
		{
			const lem_bar bar = lem_gap_bar(window->view, place);
			int64_t		close;
			const int64_t time = day_time(day, bar.ts, &close);

			for (int i = first[profile_chain(time)]; i >= 0; i = next[i])
				add_bar(&profile[i], time, close, bar.volume * VOLUME_UNIT);
		}
		if (!lem_gap_back(window->view, &place))
			break;
	}
}

static bool
same_clock(const lem_clock *a, const lem_clock *b)
{
	return a->to_local == b->to_local && (a->to_local == NULL || a->arg == b->arg);
}

static lem_clock
clock_of(const lem_clock *clock)
{
	return clock ? *clock : (lem_clock) {0};
}

/* Are bars of the same series seen in the same way? */
static bool
same_view(const lem_day_bars *known, const lem_profile_window *window, const day_clock *day)
{
	const lem_gap_view *view = window->view;
	const lem_clock clock = clock_of(day->clock);

	if (!known->valid || known->reach != window->lag + window->count ||
		known->series.n != view->series->n || known->series.ts != view->series->ts ||
		known->series.volume != view->series->volume || known->interval != view->interval ||
		known->carry != view->carry || known->by_grid != (view->grid != NULL) ||
		known->by_days != (view->days != NULL) || !same_clock(&known->clock, &clock) ||
		known->sessions != day->sessions)
		return false;
	if (view->days && !same_clock(&known->days, view->days))
		return false;
	return view->grid == NULL || (known->grid.calendar == view->grid->calendar &&
								  known->grid.interval == view->grid->interval &&
								  known->grid.phase == view->grid->phase);
}

/* Begin anew, with no bars. */
static void
forget(lem_day_bars *known, const lem_profile_window *window, const day_clock *day)
{
	const lem_gap_view *view = window->view;
	size_t		places = 64;

	known->reach = window->lag + window->count;
	known->series = *view->series;
	known->interval = view->interval;
	known->carry = view->carry;
	known->by_grid = view->grid != NULL;
	if (view->grid)
		known->grid = *view->grid;
	known->by_days = view->days != NULL;
	known->days = clock_of(view->days);
	known->clock = clock_of(day->clock);
	known->sessions = day->sessions;
	known->valid = true;
	known->newest = 0;
	while (places < (size_t) known->reach)
		places *= 2;
	known->mask = places - 1;
	memset(known->last, 0, places * sizeof(size_t));
}

/* The chain of the bars of a time of day, and of those that share it by chance. */
static inline size_t
chain_of(const lem_day_bars *known, int64_t time)
{
	return (size_t) (mixed(time) >> 32) & known->mask;
}

/* Note the last n bars up to row L, of those that there are. */
static void
note_bars(lem_day_bars *known, const lem_profile_window *window, day_clock *day, int n)
{
	lem_place	place = window->row_l;
	size_t		number;

	known->newest += n;
	number = known->newest + 1;
	for (int i = 0; i < n; i++)
	{
		const lem_bar bar = lem_gap_bar(window->view, place);
		lem_day_bar *noted = &known->bar[--number & known->mask];

		noted->time = day_time(day, bar.ts, &noted->close);
		noted->volume = bar.volume * VOLUME_UNIT;
		if (i + 1 < n && !lem_gap_back(window->view, &place))
			break;
	}
	for (; number <= known->newest; number++)
	{
		lem_day_bar *noted = &known->bar[number & known->mask];
		size_t	   *last = &known->last[chain_of(known, noted->time)];

		noted->before = *last;
		*last = number;
	}
	known->row_l = window->row_l;
}

/* Have the bars of a window at hand, by noting those that came after the last window's. */
static void
follow(lem_day_bars *known, const lem_profile_window *window, day_clock *day)
{
	const int	reach = window->lag + window->count;
	lem_place	place = window->row_l;
	int			more = reach;

	if (same_view(known, window, day) && known->row_l.bar <= place.bar &&
		place.bar - known->row_l.bar < (size_t) reach)
	{
		more = 0;
		while (more < reach && !lem_same_place(&known->row_l, &place))
			more = lem_gap_back(window->view, &place) ? more + 1 : reach;
	}
	if (more == reach)
		forget(known, window, day);
	note_bars(known, window, day, more);
}

/* The sums of a profile, from the bars of its chain, in the same order. */
static void
ask_chain(const lem_day_bars *known, int lag, lem_profile *profile)
{
	size_t		number = known->last[chain_of(known, profile->time)];

	while (number > known->newest - lag)
		number = known->bar[number & known->mask].before;
	while (number > known->newest - known->reach)
	{
		const lem_day_bar *bar = &known->bar[number & known->mask];

		add_bar(profile, bar->time, bar->close, bar->volume);
		number = bar->before;
	}
}

void
lem_profile_sum(lem_day_bars *known, const lem_profile_window *window, day_clock *day, int n,
				lem_profile *profile)
{
	if (known == NULL || window->lag + window->count > LEM_DAY_BARS)
	{
		ask_all(window, day, n, profile);
		return;
	}
	follow(known, window, day);
	for (int i = 0; i < n; i++)
		ask_chain(known, window->lag, &profile[i]);
}

/*
 * profile.h: the volume usual at the time of day of a bar that is expected.
 */
#ifndef LEM_PROFILE_H
#define LEM_PROFILE_H

#include "base/arena.h"
#include "market/day_clock.h"
#include "market/gaps.h"

/* A bar that is expected, and what bars of the past were like that began at its time of day. */
typedef struct lem_profile
{
	int64_t		time;			/* of day */
	int64_t		close;			/* with a calendar: time of day at which its session ends */
	double		volume;			/* sum of volumes in sessions that end then, * 2^-20 */
	int			bars;			/* and how many */
	double		any_volume;		/* in all sessions */
	int			any_bars;
} lem_profile;

/* Which bars are asked: `count` of them, the last one `lag` bars before row L. */
typedef struct lem_profile_window
{
	const lem_gap_view *view;
	lem_place	row_l;
	int			lag;
	int			count;
} lem_profile_window;

/* A bar of the past. */
typedef struct lem_day_bar
{
	int64_t		time;			/* as in a profile */
	int64_t		close;
	double		volume;			/* * 2^-20 */
	size_t		before;			/* number of the last one before it in its chain; 0: none is left */
} lem_day_bar;

/* Bars of the past that are kept, at most: windows that go back farther are not. */
#define LEM_DAY_BARS 65536

/*
 * Bars up to a row L, found by their times of day: those of one window are of the next, but for a few.
 * Sums are the same to the bit with and without.
 */
typedef struct lem_day_bars
{
	bool		valid;
	lem_series	series;			/* of which series, seen how */
	int64_t		interval;
	bool		carry;
	bool		by_grid;
	lem_bar_grid grid;
	bool		by_days;
	lem_clock	days;
	lem_clock	clock;			/* of times of day */
	const lem_calendar *sessions;
	lem_place	row_l;
	int			reach;			/* bars that windows go back */
	size_t		newest;			/* number of row L */
	size_t		mask;			/* places in use, a power of two, less 1 */
	lem_day_bar *bar;			/* by number */
	size_t	   *last;			/* number of the last bar of each chain */
} lem_day_bars;

/* Room for them, and none there. */
extern void lem_day_bars_carve(lem_arena *arena, lem_day_bars *known);

/* Fill in the sums of n profiles, whose times are set.  known: bars that are kept; NULL: nowhere. */
extern void lem_profile_sum(lem_day_bars *known, const lem_profile_window *window, day_clock *day,
							int n, lem_profile *profile);

#endif

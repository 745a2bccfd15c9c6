/*
 * habit.h: when the bars of a series come, as its own past shows: the same times of the wall clock
 * in the weeks before.
 *
 * Up to LEM_HABIT_WEEKS weeks are asked what followed, and each gives one answer.  The latest week's
 * counts, among those that had no holiday: that do not come long after the earliest answer.  With less
 * than a week of history days are asked instead.
 */
#ifndef LEM_HABIT_H
#define LEM_HABIT_H

#include "market/bars.h"
#include "market/calendar.h"

#define LEM_HABIT_WEEKS 4

typedef struct lem_habit
{
	const lem_series *series;
	const lem_clock *clock;		/* of the times that come back */
	int64_t		interval;
	int64_t		step;			/* the finest distance that bars lie apart */
} lem_habit;

/*
 * When the bar after the one at prev is expected, by bars up to `last` of the series; false: the
 * history does not tell.
 */
extern bool lem_habit_next(const lem_habit *habit, size_t last, int64_t prev, int64_t *next);

/*
 * The first bar expected at or after start, as lem_habit_next; where the market trades at that time,
 * though not in every bar, start itself.
 */
extern bool lem_habit_first(const lem_habit *habit, size_t last, int64_t start, int64_t *first);

/*
 * Are all bars before start there, as far as can be told without a clock?  Not if the session that
 * start lies in has had longer to trade than it usually goes without.  Bars of sessions before may be
 * missing: a holiday, or an early close.
 */
extern bool lem_habit_complete(const lem_habit *habit, size_t last, int64_t start);

/* May the market have traded in no bar for so long? */
extern bool lem_habit_pauses(const lem_habit *habit, size_t last, int64_t time);

/*
 * Do the bars of a series (the last `count` of the first n) come in sessions: is the market closed
 * for more than a tenth of the time?
 */
extern bool lem_habit_sessions(const lem_series *series, size_t n, size_t count, int64_t interval);

/* The finest distance of the last `count` of the first n bars, among those up to an interval apart. */
extern int64_t lem_habit_step(const lem_series *series, size_t n, size_t count, int64_t interval);

#endif

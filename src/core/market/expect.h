/*
 * expect.h: when the bars to come are expected: by the calendar, by the series' own past, or an
 * interval apart; and how many should have come between two times.
 *
 * Bars of a day, a week or months are days, weeks and months of the wall clock: a day has 23 or 25
 * hours where clocks change.  Bars of whole days that begin at the same time of UTC through a change
 * of clocks, or at midnight there, are days of UTC.
 */
#ifndef LEM_EXPECT_H
#define LEM_EXPECT_H

#include "market/habit.h"
#include "market/sessions.h"
#include "parameters/config.h"

typedef struct lem_expect
{
	const lem_series *series;
	lem_gaps	gaps;
	int64_t		interval;
	lem_clock	clock;			/* whose days bars of days are; of a calendar, its own */
	bool		by_days;		/* bars of whole days */
	int			months;			/* bars of so many months, 0: they are not */
	bool		by_calendar;
	lem_bar_grid grid;			/* with a calendar */
	lem_habit	habit;
} lem_expect;

/* Learn from the first n >= 1 bars of a series how its bars come, from the last `count` of them. */
extern void lem_expect_open(lem_expect *expect, const lem_config *config,
							const lem_series *series, size_t n, size_t count, int64_t interval,
							const lem_clock *clock);

/* The same for who asks for no bar to come: without habits, which only those functions look at. */
extern void lem_expect_look(lem_expect *expect, const lem_config *config,
							const lem_series *series, size_t n, size_t count, int64_t interval,
							const lem_clock *clock);

/*
 * When the bar after prev is expected, at or after earliest (LEM_TIME_MIN: any), by bars up to
 * `last`.  Errors: LEM_TIME_RANGE.
 */
extern lem_status lem_expect_next(const lem_expect *expect, size_t last, int64_t prev,
								  int64_t earliest, int64_t *next, lem_fault *fault);

/* Bars that should begin after `after` and before `before`, one expected an interval after another. */
extern uint64_t lem_expect_missing(const lem_expect *expect, int64_t after, int64_t before);

/* Are bars before start still to come, as far as can be told without a clock? (gaps = skip) */
extern bool lem_expect_complete(const lem_expect *expect, size_t last, int64_t start);

/* When the bar that begins at ts ends: with its session, with a calendar. */
extern int64_t lem_expect_end(const lem_expect *expect, int64_t ts);

/*
 * Of the bars of a series, of which only the times are looked at: how many of them, the first ones,
 * had ended by now.  Without a length of its bars in the config, it is that of the last `count`.
 * scratch: count numbers.  Where it is not known, all that had begun.
 */
extern size_t lem_expect_ended(const lem_config *config, const lem_series *series, size_t count,
							   const lem_clock *clock, int64_t now, uint64_t *scratch);

#endif

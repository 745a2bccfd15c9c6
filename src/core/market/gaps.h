/*
 * gaps.h: a series as its gap treatment shows it, walked bar by bar without a copy.
 *
 * With gaps = carry, a difference d between neighbouring bars with round(d / interval) = m > 1
 * stands for m - 1 missing bars: last price, zero volume, the last bar's extra features; with a
 * calendar, for the bars that its sessions have between the two.  Otherwise there are only the bars
 * there are.
 */
#ifndef LEM_GAPS_H
#define LEM_GAPS_H

#include "market/bars.h"
#include "market/sessions.h"
#include "parameters/config.h"

typedef struct lem_gap_view
{
	const lem_series *series;
	int64_t		interval;		/* microseconds, > 0 */
	bool		carry;
	const lem_bar_grid *grid;	/* of the calendar; NULL: none */
	const lem_clock *days;		/* bars are of days of this clock; NULL: not, or of UTC */
} lem_gap_view;

/*
 * A place in a view: bar `bar` of the series, or the `carried`th bar carried on after it (with a
 * calendar, one of them, which begins at ts).
 */
typedef struct lem_place
{
	size_t		bar;
	uint64_t	carried;
	int64_t		ts;
} lem_place;

static inline bool
lem_same_place(const lem_place *a, const lem_place *b)
{
	return a->bar == b->bar && a->carried == b->carried && (a->carried == 0 || a->ts == b->ts);
}

/* A bar as the view shows it. */
typedef struct lem_bar
{
	int64_t		ts;
	double		price;
	double		volume;
	size_t		source;			/* bar of the series with its extra features */
} lem_bar;

/* The numbers of the bar at a place. */
extern lem_bar lem_gap_bar(const lem_gap_view *view, lem_place place);

/* Bars missing between bar and bar + 1 of the series, whatever the treatment. */
extern uint64_t lem_gap_missing(const lem_series *series, int64_t interval, size_t bar);

/* The last bar before a time: bar `bar`, or one carried on from it up to there. */
extern lem_place lem_gap_last(const lem_gap_view *view, size_t bar, int64_t before,
							  uint64_t missing);

/* One bar back, or on; false where there is none. */
extern bool lem_gap_back(const lem_gap_view *view, lem_place *place);
extern bool lem_gap_on(const lem_gap_view *view, lem_place *place);

/*
 * The bar interval as found: the (lower) median of the differences between the last `count` of
 * the first n bars; 0 with fewer than two bars.  scratch: count numbers.
 */
extern int64_t lem_gap_interval(const lem_series *series, size_t n, size_t count,
								uint64_t *scratch);

#endif

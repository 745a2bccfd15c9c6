/*
 * gaps.h: a series as its gap treatment shows it, walked bar by bar without a copy.
 *
 * With gaps = carry, a difference d between neighbouring bars with round(d / interval) = m > 1
 * stands for m - 1 missing bars: last price, zero volume, the last bar's extra features.
 * Otherwise there are only the bars there are.
 */
#ifndef LEM_GAPS_H
#define LEM_GAPS_H

#include "market/bars.h"
#include "parameters/config.h"

typedef struct lem_gap_view
{
	const lem_series *series;
	int64_t		interval;		/* microseconds, > 0 */
	bool		carry;
} lem_gap_view;

/* A place in a view: bar `bar` of the series, or the `carried`th bar carried on after it. */
typedef struct lem_place
{
	size_t		bar;
	uint64_t	carried;
} lem_place;

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

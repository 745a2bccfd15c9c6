/*
 * last.h: the last price before an order starts, and how far it moves in a bar.
 */
#ifndef LEM_LAST_H
#define LEM_LAST_H

#include "base/arena.h"
#include "market/bars.h"

typedef struct lem_last
{
	double		price;			/* the last close; without closes the last bar's average */
	double		rms;			/* of log returns of that price: a bar's standard deviation */
	double		estimate;		/* of the last close, from averages alone */
	bool		closes;			/* are there closes? */
	bool		same;			/* and is each bar's price its close? */
} lem_last;

/* Of the averages of a price that moves evenly: what stays to come of what is new in one. */
#define LEM_LAST_THETA 0.26794919243112270647	/* 2 - sqrt(3) */

/* The next estimate of the close, from the one before and a bar's average. */
static inline double
lem_last_estimate(double estimate, double price)
{
	return price + LEM_LAST_THETA * (price - estimate);
}

/* Log returns of a series' prices that were needed before: those of a start are of the next, too. */
typedef struct lem_returns
{
	const double *price;		/* whose; NULL: none yet */
	size_t		first;			/* bars first .. end - 1 have theirs in value */
	size_t		end;
	size_t		places;			/* a power of two: there is room for */
	size_t		mask;			/* those in use, a power of two, less 1 */
	double	   *value;
} lem_returns;

/* Room for count returns, and none there. */
extern void lem_returns_carve(lem_arena *arena, size_t count, lem_returns *returns);

/*
 * What is known of the last price before bar `before` (> 0) of a series, from at most `count`
 * returns; closes false: as if the series had none.  known: returns that are kept; NULL: nowhere.
 */
extern lem_last lem_last_price(const lem_series *series, size_t before, int count, bool closes,
							   lem_returns *known);

/*
 * Closes of the bars that slices trade in, from their times: of the last bar of the series up to
 * each, NaN for slices from `known` on and where the series has none.
 */
extern void lem_last_closes(const lem_series *series, const int64_t *slice_ts, int n, int known,
							double *close);

#endif

/* doubts.c: what makes it doubtful that bars are what they are taken for. */
#include "market/doubts.h"
#include "market/gaps.h"

/* A price that is this far from the one before is asked about: a split of shares, or a bad print. */
#define JUMP 1.5

/* Half of the moves are larger than this for volumes, smaller than that for prices. */
#define VOLUME_MOVE 1.1
#define PRICE_MOVE 1.02

/* Moves that are enough to tell volumes from prices. */
#define MOVES 32

/* Bars that are enough to know their interval, and how far it may be from a model's. */
#define INTERVAL_BARS 8
#define INTERVAL_RATIO 1.5

/* Is one more than `factor` times the other?  Both are greater than 0. */
static bool
is_apart(double a, double b, double factor)
{
	return a > factor * b || b > factor * a;
}

/* Do prices move as volumes do, and volumes as prices? */
static bool
are_swapped(const lem_series *series, size_t first)
{
	size_t		moves = 0;
	size_t		far = 0;		/* of prices */
	size_t		near = 0;		/* of volumes */

	for (size_t i = first + 1; i < series->n; i++)
	{
		const double *p = &series->price[i - 1];
		const double *v = &series->volume[i - 1];

		if (!(p[0] > 0 && p[1] > 0 && v[0] > 0 && v[1] > 0))
			continue;
		moves++;
		far += is_apart(p[0], p[1], VOLUME_MOVE);
		near += !is_apart(v[0], v[1], PRICE_MOVE);
	}
	return moves >= MOVES && 2 * far > moves && 2 * near > moves;
}

/* The time between bars, microseconds; 0 where there are too few to tell. */
static int64_t
interval_of(const lem_series *series)
{
	uint64_t	scratch[LEM_DOUBT_BARS];

	return series->n < INTERVAL_BARS ? 0
		: lem_gap_interval(series, series->n, LEM_DOUBT_BARS, scratch);
}

lem_doubts
lem_series_doubts(const lem_series *series, size_t from, bool first,
				  lem_bar_lengths trained)
{
	lem_doubts	doubts = {0};

	for (size_t i = series->n; i > 1 && i > from && !doubts.jumped; i--)
	{
		const double before = series->price[i - 2];
		const double price = series->price[i - 1];

		doubts.jumped = before > 0 && price > 0 && is_apart(before, price, JUMP);
		doubts.jump = i - 1;
		doubts.ratio = price / before;
	}
	if (!first)
		return doubts;
	doubts.swapped = are_swapped(series, from);
	if (doubts.swapped)
		doubts.jumped = false;
	if (trained.shortest > 0)
	{
		const int64_t interval = interval_of(series);

		if (interval > 0 && ((double) interval * INTERVAL_RATIO < (double) trained.shortest ||
							 (double) interval > (double) trained.longest * INTERVAL_RATIO))
			doubts.interval = interval;
	}
	return doubts;
}

lem_bar_lengths
lem_bar_lengths_with(lem_bar_lengths lengths, const lem_series *series)
{
	const int64_t interval = interval_of(series);

	if (interval <= 0)
		return lengths;
	if (lengths.shortest <= 0 || interval < lengths.shortest)
		lengths.shortest = interval;
	if (interval > lengths.longest)
		lengths.longest = interval;
	return lengths;
}

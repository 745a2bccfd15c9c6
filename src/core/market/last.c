/* last.c: the last price before an order starts, and how far it moves in a bar. */
#include <math.h>
#include <string.h>

#include "market/feature.h"
#include "market/last.h"

/* Averages from which the last close is estimated: the others weigh 1e-9 of it. */
#define ESTIMATE_BARS 16

void
lem_returns_carve(lem_arena *arena, size_t count, lem_returns *returns)
{
	size_t		places = 64;

	while (places < count)
		places *= 2;
	returns->price = NULL;
	returns->places = places;
	returns->mask = 0;
	returns->value = lem_arena_bytes(arena, places * sizeof(double));
}

/* Begin to keep returns of prices, of which n are needed at a time. */
static void
keep_of(lem_returns *known, const double *price, size_t n)
{
	size_t		places = 64;

	while (places < n)
		places *= 2;
	known->mask = places - 1;
	known->price = price;
	known->first = known->end = 0;
}

/* Have the returns of bars first .. end - 1 kept: those that are not yet are worked out. */
static void
keep_returns(lem_returns *known, const double *price, size_t first, size_t end)
{
	const size_t places = known->mask + 1;

	if (first > known->end || end < known->first)
		known->first = known->end = first;
	while (known->first > first)
	{
		known->first--;
		known->value[known->first & known->mask] = lem_log_return(price[known->first - 1],
																  price[known->first]);
	}
	if (known->end - known->first > places)
		known->end = known->first + places;
	for (; known->end < end; known->end++)
		known->value[known->end & known->mask] = lem_log_return(price[known->end - 1],
																price[known->end]);
	if (known->end - known->first > places)
		known->first = known->end - places;
}

/* Sums at a time, one after the other. */
#define LANES 4

/* The sum of the squares of n returns, the first of them that of bar `first` > 0. */
static double
sum_squares(lem_returns *known, const double *price, size_t first, size_t n)
{
	double		sum[LANES] = {0};

	if (known && n > known->places)
		known = NULL;
	if (known && (known->price != price || n > known->mask + 1))
		keep_of(known, price, n);
	if (known)
		keep_returns(known, price, first, first + n);
	for (size_t i = 0; i < n; i++)
	{
		const size_t bar = first + i;
		const double r = known ? known->value[bar & known->mask]
			: lem_log_return(price[bar - 1], price[bar]);

		sum[i % LANES] += r * r;
	}
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

lem_last
lem_last_price(const lem_series *series, size_t before, int count, bool closes,
			   lem_returns *known)
{
	const double *price = closes && series->close ? series->close : series->price;
	const size_t last = before - 1;
	const size_t returns = last < (size_t) count ? last : (size_t) count;
	size_t		first = last < ESTIMATE_BARS ? 0 : last - ESTIMATE_BARS;
	lem_last	seen = {.price = price[last], .closes = price == series->close};

	if (returns > 0)
		seen.rms = sqrt(sum_squares(known, price, before - returns, returns) / (double) returns);
	seen.same = seen.closes && memcmp(price + (last - returns), series->price + (last - returns),
									  (returns + 1) * sizeof(double)) == 0;

	seen.estimate = series->price[first];
	while (first++ < last)
		seen.estimate = lem_last_estimate(seen.estimate, series->price[first]);
	return seen;
}

void
lem_last_closes(const lem_series *series, const int64_t *slice_ts, int n, int known,
				double *close)
{
	size_t		upto = 0;

	for (int k = 0; k < n; k++)
	{
		close[k] = NAN;
		if (k >= known || !series->close)
			continue;
		/* times rise: the next is found from the one before */
		if (k == 0)
			upto = lem_series_before(series, slice_ts[0] + 1);
		while (upto < series->n && series->ts[upto] <= slice_ts[k])
			upto++;
		if (upto > 0)
			close[k] = series->close[upto - 1];
	}
}

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
	returns->index = lem_arena_bytes(arena, places * sizeof(size_t));
	returns->value = lem_arena_bytes(arena, places * sizeof(double));
}

/* Begin to keep returns of other prices, of which at most count are needed at a time. */
static void
keep_of(lem_returns *known, const double *price, size_t count)
{
	size_t		places = 64;

	while (places < known->places && places < count)
		places *= 2;
	memset(known->index, 0, places * sizeof(size_t));
	known->mask = places - 1;
	known->price = price;
}

/* The return of bar i > 0 of prices that the returns are of. */
static inline double
return_of(lem_returns *known, const double *price, size_t i)
{
	size_t		place;

	if (!known)
		return lem_log_return(price[i - 1], price[i]);
	place = i & known->mask;
	if (known->index[place] != i)
	{
		known->index[place] = i;
		known->value[place] = lem_log_return(price[i - 1], price[i]);
	}
	return known->value[place];
}

lem_last
lem_last_price(const lem_series *series, size_t before, int count, bool closes,
			   lem_returns *known)
{
	const double *price = closes && series->close ? series->close : series->price;
	const size_t last = before - 1;
	const size_t returns = last < (size_t) count ? last : (size_t) count;
	size_t		first = last < ESTIMATE_BARS ? 0 : last - ESTIMATE_BARS;
	lem_last	seen = {.price = price[last], .closes = price == series->close, .same = true};
	double		squares = 0;

	if (known && known->price != price)
		keep_of(known, price, count);
	for (size_t i = before - returns; i < before; i++)
	{
		const double r = return_of(known, price, i);

		squares += r * r;
	}
	seen.rms = returns > 0 ? sqrt(squares / (double) returns) : 0;
	for (size_t i = last - returns; i <= last; i++)
		seen.same = seen.same && price[i] == series->price[i];
	seen.same = seen.same && seen.closes;

	seen.estimate = series->price[first];
	while (first++ < last)
		seen.estimate = lem_last_estimate(seen.estimate, series->price[first]);
	return seen;
}

void
lem_last_closes(const lem_series *series, const int64_t *slice_ts, int n, int known,
				double *close)
{
	for (int k = 0; k < n; k++)
	{
		const size_t upto = k < known && series->close
			? lem_series_before(series, slice_ts[k] + 1) : 0;

		close[k] = upto > 0 ? series->close[upto - 1] : NAN;
	}
}

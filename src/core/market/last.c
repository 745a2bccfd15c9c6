/* last.c: the last price before an order starts, and how far it moves in a bar. */
#include <math.h>

#include "market/feature.h"
#include "market/last.h"

/* Averages from which the last close is estimated: the others weigh 1e-9 of it. */
#define ESTIMATE_BARS 16

lem_last
lem_last_price(const lem_series *series, size_t before, int count, bool closes)
{
	const double *price = closes && series->close ? series->close : series->price;
	const size_t last = before - 1;
	const size_t returns = last < (size_t) count ? last : (size_t) count;
	size_t		first = last < ESTIMATE_BARS ? 0 : last - ESTIMATE_BARS;
	lem_last	seen = {.price = price[last], .closes = price == series->close, .same = true};
	double		squares = 0;

	for (size_t i = before - returns; i < before; i++)
	{
		const double r = lem_log_return(price[i - 1], price[i]);

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

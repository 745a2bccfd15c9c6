/* series.c: arithmetic of series. */
#include <string.h>

#include "market/series.h"

lem_series
lem_series_part(const lem_series *series, size_t first, size_t end)
{
	lem_series	part = *series;

	part.n = end > first ? end - first : 0;
	if (part.n == 0)
		return part;
	part.ts += first;
	part.price += first;
	part.volume += first;
	if (part.close)
		part.close += first;
	if (part.high)
	{
		part.high += first;
		part.low += first;
	}
	if (part.features)
		part.features += first * (size_t) part.n_features;
	return part;
}

lem_series
lem_series_between(const lem_series *series, int64_t from, int64_t end)
{
	return lem_series_part(series, lem_series_before(series, from),
						   lem_series_before(series, end));
}

static bool
same_bits(const void *a, const void *b, size_t bytes)
{
	return a == b || (a && b && memcmp(a, b, bytes) == 0);
}

bool
lem_series_equal(const lem_series *a, const lem_series *b)
{
	const size_t bytes = a->n * sizeof(double);

	if (a->n != b->n || a->n_features != b->n_features)
		return false;
	return a->n == 0 || (same_bits(a->ts, b->ts, a->n * sizeof(int64_t)) &&
						 same_bits(a->price, b->price, bytes) &&
						 same_bits(a->volume, b->volume, bytes) &&
						 same_bits(a->features, b->features, bytes * a->n_features) &&
						 same_bits(a->close, b->close, bytes) &&
						 same_bits(a->high, b->high, bytes) &&
						 same_bits(a->low, b->low, bytes));
}

size_t
lem_series_bytes(size_t n, int n_features)
{
	const size_t bar = sizeof(int64_t) + (5 + (size_t) n_features) * sizeof(double);

	return n > SIZE_MAX / bar ? SIZE_MAX : n * bar;
}

lem_series
lem_series_join(int n_parts, const lem_series *parts, int n_features, void *memory)
{
	size_t		n = 0;
	size_t		at = 0;
	int64_t    *ts = memory;
	double	   *price;
	double	   *volume;
	double	   *close;
	double	   *high;
	double	   *low;
	double	   *features;
	bool		closes = true;
	bool		ranges = true;

	for (int i = 0; i < n_parts; i++)
	{
		n += parts[i].n;
		closes = closes && (parts[i].n == 0 || parts[i].close);
		ranges = ranges && (parts[i].n == 0 || parts[i].high);
	}
	price = (double *) (ts + n);
	volume = price + n;
	close = volume + n;
	high = close + n;
	low = high + n;
	features = n_features > 0 ? low + n : NULL;
	for (int i = 0; i < n_parts; i++)
	{
		const lem_series *part = &parts[i];

		if (part->n == 0)
			continue;
		memcpy(ts + at, part->ts, part->n * sizeof(int64_t));
		memcpy(price + at, part->price, part->n * sizeof(double));
		memcpy(volume + at, part->volume, part->n * sizeof(double));
		if (closes)
			memcpy(close + at, part->close, part->n * sizeof(double));
		if (ranges)
		{
			memcpy(high + at, part->high, part->n * sizeof(double));
			memcpy(low + at, part->low, part->n * sizeof(double));
		}
		if (features)
			memcpy(features + at * (size_t) n_features, part->features,
				   part->n * (size_t) n_features * sizeof(double));
		at += part->n;
	}
	return (lem_series) {
		.n = n, .n_features = n_features, .ts = ts, .price = price, .volume = volume,
		.features = features, .close = closes ? close : NULL, .high = ranges ? high : NULL,
		.low = ranges ? low : NULL
	};
}

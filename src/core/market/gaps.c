/* gaps.c: missing bars, and the bar interval. */
#include "market/gaps.h"

/* later - earlier, which can exceed an int64_t. */
static inline uint64_t
elapsed(int64_t earlier, int64_t later)
{
	return (uint64_t) later - (uint64_t) earlier;
}

lem_bar
lem_gap_bar(const lem_gap_view *view, lem_place place)
{
	const lem_series *series = view->series;
	lem_bar		bar;

	bar.ts = (int64_t) ((uint64_t) series->ts[place.bar]
						+ place.carried * (uint64_t) view->interval);
	bar.price = series->price[place.bar];
	bar.volume = place.carried > 0 ? 0 : series->volume[place.bar];
	bar.source = place.bar;
	return bar;
}

uint64_t
lem_gap_missing(const lem_series *series, int64_t interval, size_t bar)
{
	const uint64_t step = (uint64_t) interval;
	uint64_t	bars = (elapsed(series->ts[bar], series->ts[bar + 1]) + step / 2) / step;

	return bars > 1 ? bars - 1 : 0;
}

bool
lem_gap_back(const lem_gap_view *view, lem_place *place)
{
	if (place->carried > 0)
		place->carried--;
	else
	{
		if (place->bar == 0)
			return false;
		place->bar--;
		if (view->carry)
			place->carried = lem_gap_missing(view->series, view->interval, place->bar);
	}
	return true;
}

bool
lem_gap_on(const lem_gap_view *view, lem_place *place)
{
	if (place->bar + 1 >= view->series->n)
		return false;
	if (view->carry &&
		place->carried < lem_gap_missing(view->series, view->interval, place->bar))
		place->carried++;
	else
	{
		place->bar++;
		place->carried = 0;
	}
	return true;
}

/* Sort; the differences of a regular series are nearly in order already. */
static void
sort(uint64_t *a, size_t n)
{
	for (size_t gap = n / 2; gap > 0; gap /= 2)
	{
		for (size_t i = gap; i < n; i++)
		{
			const uint64_t value = a[i];
			size_t		j = i;

			for (; j >= gap && a[j - gap] > value; j -= gap)
				a[j] = a[j - gap];
			a[j] = value;
		}
	}
}

int64_t
lem_gap_interval(const lem_series *series, size_t n, size_t count, uint64_t *scratch)
{
	const size_t used = count < n ? count : n;
	const size_t start = n - used;
	uint64_t	median;

	if (used < 2)
		return 0;
	for (size_t i = 0; i + 1 < used; i++)
		scratch[i] = elapsed(series->ts[start + i], series->ts[start + i + 1]);
	sort(scratch, used - 1);
	median = scratch[(used - 2) / 2];
	return median > INT64_MAX ? INT64_MAX : (int64_t) median;
}

/* gaps.c: missing bars, and the bar interval. */
#include "market/gaps.h"

/* later - earlier, which can exceed an int64_t. */
static inline uint64_t
elapsed(int64_t earlier, int64_t later)
{
	return (uint64_t) later - (uint64_t) earlier;
}

/* When the bar at a place starts. */
static int64_t
place_time(const lem_gap_view *view, lem_place place)
{
	const int64_t ts = view->series->ts[place.bar];
	const uint64_t ahead = place.carried * (uint64_t) view->interval;

	if (place.carried == 0)
		return ts;
	if (view->grid)
		return place.ts;
	if (view->days)
		return lem_utc_time(view->days,
							(int64_t) ((uint64_t) lem_local_time(view->days, ts) + ahead));
	return (int64_t) ((uint64_t) ts + ahead);
}

lem_bar
lem_gap_bar(const lem_gap_view *view, lem_place place)
{
	const lem_series *series = view->series;
	lem_bar		bar;

	bar.ts = place_time(view, place);
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

/*
 * With a calendar: go to the last of its bars before a time, if that is carried on from bar
 * place->bar.
 */
static void
carry_before(const lem_gap_view *view, int64_t before, lem_place *place)
{
	int64_t		ts;

	if (lem_bar_before(view->grid, before, &ts) &&
		ts > view->series->ts[place->bar] + view->interval / 2)
	{
		place->carried = 1;
		place->ts = ts;
	}
	else
		place->carried = 0;
}

lem_place
lem_gap_last(const lem_gap_view *view, size_t bar, int64_t before, uint64_t missing)
{
	lem_place	place = {bar, 0, 0};

	if (view->carry && view->grid)
		carry_before(view, before, &place);
	else if (view->carry)
		place.carried = missing;
	return place;
}

bool
lem_gap_back(const lem_gap_view *view, lem_place *place)
{
	const lem_series *series = view->series;

	if (place->carried > 0)
	{
		if (view->grid)
			carry_before(view, place->ts, place);
		else
			place->carried--;
	}
	else
	{
		if (place->bar == 0)
			return false;
		place->bar--;
		if (view->carry && view->grid)
		{
			if (elapsed(series->ts[place->bar], series->ts[place->bar + 1])
				> (uint64_t) view->interval / 2 * 3)
				carry_before(view, series->ts[place->bar + 1] - view->interval / 2, place);
		}
		else if (view->carry)
			place->carried = lem_gap_missing(series, view->interval, place->bar);
	}
	return true;
}

/* With a calendar: go on to a bar that is missing before the series' next; false: there is none. */
static bool
carry_on(const lem_gap_view *view, lem_place *place)
{
	const int64_t last = place_time(view, *place);
	const int64_t next = view->series->ts[place->bar + 1];
	int64_t		ts;

	if (elapsed(last, next) <= (uint64_t) view->interval / 2 * 3 ||
		!lem_bar_from(view->grid, last + view->interval / 2 + 1, &ts) ||
		ts >= next - view->interval / 2)
		return false;
	place->carried = 1;
	place->ts = ts;
	return true;
}

bool
lem_gap_on(const lem_gap_view *view, lem_place *place)
{
	if (place->bar + 1 >= view->series->n)
		return false;
	if (view->carry && view->grid)
	{
		if (carry_on(view, place))
			return true;
	}
	else if (view->carry &&
			 place->carried < lem_gap_missing(view->series, view->interval, place->bar))
	{
		place->carried++;
		return true;
	}
	place->bar++;
	place->carried = 0;
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
	size_t		regular = 1;
	uint64_t	median;

	if (used < 2)
		return 0;
	median = elapsed(series->ts[start], series->ts[start + 1]);
	while (regular + 1 < used &&
		   elapsed(series->ts[start + regular], series->ts[start + regular + 1]) == median)
		regular++;
	if (regular + 1 < used)
	{
		for (size_t i = 0; i + 1 < used; i++)
			scratch[i] = elapsed(series->ts[start + i], series->ts[start + i + 1]);
		sort(scratch, used - 1);
		median = scratch[(used - 2) / 2];
	}
	return median > INT64_MAX ? INT64_MAX : (int64_t) median;
}

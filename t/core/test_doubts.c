/* test_doubts.c: bars that may not be what they are taken for. */
#include <string.h>

#include "check.h"
#include "market/doubts.h"

#define N 64
#define MINUTE INT64_C(60000000)

static int64_t ts[N];
static double price[N];
static double volume[N];
static const lem_series series = {.n = N, .ts = ts, .price = price, .volume = volume};

/* Prices that move by a thousandth, volumes that double and halve. */
static void
fill(void)
{
	for (int i = 0; i < N; i++)
	{
		ts[i] = i * MINUTE;
		price[i] = 100 + 0.1 * (i % 3);
		volume[i] = 1000 * (1 + i % 2);
	}
}

int
main(void)
{
	const lem_series turned = {.n = N, .ts = ts, .price = volume, .volume = price};
	const lem_series few = {.n = 20, .ts = ts, .price = volume, .volume = price};
	const lem_series none = {.n = 0};
	lem_doubts	d;

	fill();
	d = lem_series_doubts(&series, 0, true, MINUTE);
	check(!d.swapped && !d.jumped && d.interval == 0, "bars that are as they should be");
	d = lem_series_doubts(&turned, 0, true, 0);
	check(d.swapped && !d.jumped, "prices and volumes that are swapped");
	check(!lem_series_doubts(&few, 0, true, 0).swapped, "too few bars to tell");
	d = lem_series_doubts(&none, 0, true, MINUTE);
	check(!d.swapped && !d.jumped && d.interval == 0, "no bars");

	d = lem_series_doubts(&series, 0, true, 5 * MINUTE);
	check_int((int) (d.interval / MINUTE), 1, "bars of another size than the model's");
	for (int i = 0; i < N; i += 8)
		ts[i] += MINUTE / 3;
	check(lem_series_doubts(&series, 0, true, MINUTE).interval == 0, "times that are not even");

	price[40] *= 1.6;
	d = lem_series_doubts(&series, 0, true, 0);
	check(d.jumped && d.jump == 41 && d.ratio < 1, "a price that is there and gone");
	check(!lem_series_doubts(&series, 42, false, 0).jumped, "and was seen before");
	check(lem_series_doubts(&series, 41, false, 0).jumped, "but for its end");
	price[40] = -5;
	price[50] = 0;
	check(!lem_series_doubts(&series, 0, true, 0).jumped, "prices through zero do not jump");
	return check_done();
}

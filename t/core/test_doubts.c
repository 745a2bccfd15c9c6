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
	const lem_bar_lengths unknown = {0};
	const lem_bar_lengths minute = {MINUTE, MINUTE};
	const lem_bar_lengths five = {5 * MINUTE, 5 * MINUTE};
	lem_bar_lengths several = {0};
	lem_doubts	d;

	fill();
	d = lem_series_doubts(&series, 0, true, minute);
	check(!d.swapped && !d.jumped && d.interval == 0, "bars that are as they should be");
	d = lem_series_doubts(&turned, 0, true, unknown);
	check(d.swapped && !d.jumped, "prices and volumes that are swapped");
	check(!lem_series_doubts(&few, 0, true, unknown).swapped, "too few bars to tell");
	d = lem_series_doubts(&none, 0, true, minute);
	check(!d.swapped && !d.jumped && d.interval == 0, "no bars");

	d = lem_series_doubts(&series, 0, true, five);
	check_int((int) (d.interval / MINUTE), 1, "bars of another size than the model's");
	check(lem_series_doubts(&series, 0, true, (lem_bar_lengths) {2 * MINUTE, 5 * MINUTE}).interval > 0,
		  "shorter than all of the model's");
	check(lem_series_doubts(&series, 0, true, (lem_bar_lengths) {MINUTE / 9, MINUTE / 2}).interval > 0,
		  "longer than all of them");
	check(lem_series_doubts(&series, 0, true, (lem_bar_lengths) {MINUTE / 4, 4 * MINUTE}).interval == 0,
		  "bars between the model's");
	several = lem_bar_lengths_with(several, &none);
	check(several.shortest == 0 && several.longest == 0, "no bars have no length");
	several = lem_bar_lengths_with(several, &series);
	check(several.shortest == MINUTE && several.longest == MINUTE, "bars of one length");
	for (int i = 0; i < N; i++)
		ts[i] *= 4;
	several = lem_bar_lengths_with(several, &series);
	check(several.shortest == MINUTE && several.longest == 4 * MINUTE, "bars of several");
	fill();
	for (int i = 0; i < N; i += 8)
		ts[i] += MINUTE / 3;
	check(lem_series_doubts(&series, 0, true, minute).interval == 0, "times that are not even");

	price[40] *= 1.6;
	d = lem_series_doubts(&series, 0, true, unknown);
	check(d.jumped && d.jump == 41 && d.ratio < 1, "a price that is there and gone");
	check(!lem_series_doubts(&series, 42, false, unknown).jumped, "and was seen before");
	check(lem_series_doubts(&series, 41, false, unknown).jumped, "but for its end");
	price[40] = -5;
	price[50] = 0;
	check(!lem_series_doubts(&series, 0, true, unknown).jumped, "prices through zero do not jump");
	return check_done();
}

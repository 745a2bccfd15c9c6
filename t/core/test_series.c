/* test_series.c: cutting series, and joining parts of them. */
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "market/series.h"

static const int64_t ts[] = {-10, 0, 10, 20, 30};
static const double price[] = {1, 2, 3, 4, 5};
static const double volume[] = {10, 20, 30, 40, 50};
static const double features[] = {1, -1, 2, -2, 3, -3, 4, -4, 5, -5};

static void
test_part(void)
{
	const lem_series plain = {.n = 5, .ts = ts, .price = price, .volume = volume};
	const lem_series wide = {
		.n = 5, .n_features = 2, .ts = ts, .price = price, .volume = volume, .features = features,
		.close = price, .high = volume, .low = price
	};
	const lem_series none = {.n = 0};
	lem_series	part = lem_series_part(&wide, 1, 4);

	check(part.n == 3 && part.ts == ts + 1 && part.price == price + 1 &&
		  part.volume == volume + 1 && part.features == features + 2 && part.n_features == 2,
		  "a part shares the series' memory");
	check(part.close == price + 1 && part.high == volume + 1 && part.low == price + 1,
		  "and its closes, highs and lows");
	part = lem_series_part(&plain, 0, 5);
	check(part.n == 5 && part.ts == ts && part.features == NULL, "a part can be the whole");
	check_int(lem_series_part(&plain, 3, 3).n, 0, "an empty part");
	check_int(lem_series_part(&plain, 4, 2).n, 0, "a part that ends before it begins");
	check(lem_series_part(&none, 3, 3).ts == NULL, "a part of nothing");

	part = lem_series_between(&plain, 0, 20);
	check(part.n == 2 && part.ts[0] == 0 && part.ts[1] == 10, "bars from a time to before another");
	check_int(lem_series_between(&plain, INT64_MIN, INT64_MAX).n, 5, "all bars");
	check_int(lem_series_between(&plain, 31, INT64_MAX).n, 0, "bars after the last");
	check_int(lem_series_between(&plain, 1, 10).n, 0, "bars between two");
	check_int(lem_series_between(&none, INT64_MIN, INT64_MAX).n, 0, "bars of nothing");
}

static void
test_equal(void)
{
	static const double other[] = {10, 20, 30, 40, 51};
	const lem_series wide = {
		.n = 5, .n_features = 2, .ts = ts, .price = price, .volume = volume, .features = features,
		.close = price, .high = volume, .low = price
	};
	double		copy[5];
	lem_series	same = wide;

	memcpy(copy, price, sizeof(copy));
	same.price = same.close = copy;
	check(lem_series_equal(&wide, &same), "the same bars elsewhere");
	same.volume = other;
	check(!lem_series_equal(&wide, &same), "another volume");
	same.n = 4;
	check(!lem_series_equal(&wide, &same), "fewer bars");
	same = lem_series_part(&same, 0, 4);
	check_int(lem_series_equal(&same, &(lem_series) {.n = 0}), 0, "none");
	same = wide;
	same.close = NULL;
	check(!lem_series_equal(&wide, &same), "without closes");
	same = wide;
	same.n_features = 0;
	check(!lem_series_equal(&wide, &same), "without features");
	check(lem_series_equal(&(lem_series) {.n = 0}, &(lem_series) {.n = 0}), "no bars are no bars");
}

static void
test_join(void)
{
	const lem_series plain = {.n = 5, .ts = ts, .price = price, .volume = volume};
	const lem_series wide = {
		.n = 5, .n_features = 2, .ts = ts, .price = price, .volume = volume, .features = features,
		.close = price, .high = volume, .low = price
	};
	int64_t		memory[64];
	lem_series	parts[3];
	lem_series	joined;

	parts[0] = lem_series_part(&wide, 0, 2);
	parts[1] = lem_series_part(&plain, 2, 2);
	parts[2] = lem_series_part(&wide, 3, 5);
	check(lem_series_bytes(4, 2) <= sizeof(memory), "room for four bars");
	joined = lem_series_join(3, parts, 2, memory);
	check_int(joined.n, 4, "bars of all parts");
	check(joined.ts[0] == -10 && joined.ts[1] == 0 && joined.ts[2] == 20 && joined.ts[3] == 30,
		  "times one after the other");
	check(joined.price[1] == 2 && joined.price[2] == 4 && joined.volume[0] == 10 &&
		  joined.volume[3] == 50, "their prices and volumes");
	check(joined.n_features == 2 && joined.features[2] == 2 && joined.features[3] == -2 &&
		  joined.features[4] == 4 && joined.features[7] == -5, "their features");

	check(joined.close[1] == 2 && joined.high[2] == 40 && joined.low[3] == 5,
		  "their closes, highs and lows");

	parts[0] = lem_series_part(&wide, 0, 2);
	parts[0].high = parts[0].low = NULL;
	joined = lem_series_join(3, parts, 2, memory);
	check(joined.close[2] == 4 && joined.high == NULL && joined.low == NULL,
		  "what not all parts have is left out");

	parts[0] = lem_series_part(&plain, 4, 5);
	joined = lem_series_join(1, parts, 0, memory);
	check(joined.n == 1 && joined.ts[0] == 30 && joined.features == NULL, "one part without features");
	check_int(lem_series_join(0, NULL, 0, memory).n, 0, "no parts");
	check(lem_series_bytes(SIZE_MAX / 16, 1) == SIZE_MAX, "more bars than memory");
	check_int(lem_series_bytes(0, 3), 0, "no bars take nothing");
}

int
main(void)
{
	test_part();
	test_equal();
	test_join();
	return check_done();
}

/* test_book.c: layouts and checks of books, and the features of a book. */
#include "base/random.h"
#include "check.h"
#include "market/book.h"

#define N 200
#define WIDTH 12

static int64_t ts[N];
static double close_price[N];
static double volume[N];
static double features[N * WIDTH];

/* A random walk as a book of a layout with n_features of the user's own. */
static void
make_book(uint64_t seed, int layout, int n_features, size_t n, lem_book *book)
{
	const int	width = lem_book_width(layout) + n_features;
	lem_series	series = {n, width, ts, close_price, volume, features, NULL, NULL, NULL};
	double		mid = 100;

	for (size_t i = 0; i < n; i++)
	{
		double		row[LEM_BOOK_COLUMNS];
		double		own[WIDTH] = {0};
		const double spread = 0.01 * (1 + (double) lem_random_below(seed, 1, i, 5));
		const double before = mid;

		mid *= exp(0.001 * lem_random_normal(seed, 2, i));
		row[LEM_BOOK_BID] = mid - spread / 2;
		row[LEM_BOOK_ASK] = mid + spread / 2;
		row[LEM_BOOK_BID_SIZE] = (double) lem_random_below(seed, 3, i, 9);
		row[LEM_BOOK_ASK_SIZE] = (double) lem_random_below(seed, 4, i, 9);
		row[LEM_BOOK_OPEN] = before;
		row[LEM_BOOK_CLOSE] = mid;
		row[LEM_BOOK_HIGH] = fmax(before, mid) + 0.01;
		row[LEM_BOOK_LOW] = fmin(before, mid) - 0.01;
		row[LEM_BOOK_VOLUME] = 10 * lem_random_uniform(seed, 5, i);
		row[LEM_BOOK_BUY_VOLUME] = row[LEM_BOOK_VOLUME] * lem_random_uniform(seed, 6, i);
		ts[i] = (int64_t) i * 1000000;
		lem_book_row_check(layout, ts[i], row, own, n_features, features + i * width, NULL);
		close_price[i] = row[LEM_BOOK_CLOSE];
		volume[i] = row[LEM_BOOK_VOLUME];
	}
	check(lem_book_view_of(&series, layout, book), "a book of layout %d", layout);
}

static void
test_layouts(void)
{
	static const int widths[LEM_BOOK_LAYOUTS] = {3, 5, -1, 7, 4, 6, -1, 8};

	for (int layout = 0; layout < LEM_BOOK_LAYOUTS; layout++)
	{
		lem_book	book;

		check_int(lem_book_layout_ok(layout), widths[layout] > 0, "layout %d", layout);
		if (widths[layout] < 0)
			continue;
		check_int(lem_book_width(layout), widths[layout], "columns of layout %d", layout);
		make_book(1, layout, 2, 20, &book);
		check_int(book.n_features, 2, "features of the user's own");
		check_int(lem_book_check(&book, NULL), LEM_OK, "it is good");
		check(lem_book_get(&book, LEM_BOOK_HIGH, 3) >= lem_book_get(&book, LEM_BOOK_LOW, 3),
			  "columns are where they belong");
	}
}

/* Each thing that can be wrong with a row. */
static void
test_rows(void)
{
	const int	all = LEM_BOOK_QUOTES | LEM_BOOK_SIZES | LEM_BOOK_BUYS;
	const double good[LEM_BOOK_COLUMNS] = {99, 101, 5, 0, 100, 102, 98, 101, 10, 4};
	static const struct
	{
		lem_book_column column;
		double		value;
		lem_status	status;
		const char *what;
	}			bad[] = {
		{LEM_BOOK_BID, 0, LEM_BAD_PRICE, "bid 0"},
		{LEM_BOOK_BID, NAN, LEM_BAD_PRICE, "bid NaN"},
		{LEM_BOOK_ASK, INFINITY, LEM_BAD_PRICE, "infinite ask"},
		{LEM_BOOK_ASK, -1, LEM_BAD_PRICE, "negative ask"},
		{LEM_BOOK_BID, 101.5, LEM_BOOK_CROSSED, "crossed quotes"},
		{LEM_BOOK_BID_SIZE, -1, LEM_BOOK_BAD_SIZE, "bid_size below 0"},
		{LEM_BOOK_ASK_SIZE, NAN, LEM_BOOK_BAD_SIZE, "ask_size NaN"},
		{LEM_BOOK_HIGH, 97, LEM_BOOK_BAD_RANGE, "high below low"},
		{LEM_BOOK_OPEN, 97, LEM_BOOK_BAD_RANGE, "open below low"},
		{LEM_BOOK_CLOSE, 103, LEM_BOOK_BAD_RANGE, "close above high"},
		{LEM_BOOK_CLOSE, NAN, LEM_BAD_PRICE, "close NaN"},
		{LEM_BOOK_VOLUME, -1, LEM_BAD_VOLUME, "volume below 0"},
		{LEM_BOOK_VOLUME, INFINITY, LEM_BAD_VOLUME, "infinite volume"},
		{LEM_BOOK_BUY_VOLUME, 11, LEM_BOOK_BAD_BUYS, "more bought than traded"},
		{LEM_BOOK_BUY_VOLUME, NAN, LEM_BOOK_BAD_BUYS, "buy_volume NaN"},
	};
	double		stored[LEM_BOOK_COLUMNS + 1];
	double		row[LEM_BOOK_COLUMNS];
	double		feature = INFINITY;
	lem_fault	fault;

	check_int(lem_book_row_check(all, 7, good, NULL, 0, stored, &fault), LEM_OK, "a good row");
	memcpy(row, good, sizeof(row));
	row[LEM_BOOK_ASK] = row[LEM_BOOK_BID];
	check_int(lem_book_row_check(all, 7, row, NULL, 0, stored, &fault), LEM_OK, "locked quotes");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		memcpy(row, good, sizeof(row));
		row[bad[i].column] = bad[i].value;
		check_int(lem_book_row_check(all, 7, row, NULL, 0, stored, &fault), bad[i].status, "%s",
				  bad[i].what);
		check(fault.ts == 7, "the fault names the time");
	}
	check_int(lem_book_row_check(all, INT64_MAX, good, NULL, 0, stored, &fault), LEM_TIME_RANGE,
			  "time infinity");
	check_int(lem_book_row_check(all, 7, good, &feature, 1, stored, &fault), LEM_BAD_FEATURE,
			  "infinite feature");
	memcpy(row, good, sizeof(row));
	row[LEM_BOOK_BID] = NAN;
	check_int(lem_book_row_check(0, 7, row, NULL, 0, stored, &fault), LEM_OK,
			  "what a layout lacks is not looked at");
}

/* Two bars by hand. */
static void
test_features(void)
{
	const int	layout = LEM_BOOK_QUOTES | LEM_BOOK_SIZES | LEM_BOOK_BUYS;
	static const struct
	{
		double		quotes[4];	/* before, and now: bid, ask, bid_size, ask_size */
		double		now[4];
		double		flow;
	}			flows[] = {
		{{100, 101, 5, 7}, {100, 101, 8, 3}, 7},	/* +8 - 5 - 3 + 7 */
		{{100, 101, 5, 7}, {100.5, 101, 2, 7}, 2},	/* bid up: its whole size */
		{{100, 101, 5, 7}, {99.5, 101, 2, 7}, -5},	/* bid down: what was there */
		{{100, 101, 5, 7}, {100, 100.5, 5, 4}, -4},	/* ask down: its whole size */
		{{100, 101, 5, 7}, {100, 101.5, 5, 4}, 7},	/* ask up: what was there */
	};
	lem_book_feature f;
	lem_book	book;

	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
	{
		const double *quotes[2] = {flows[i].quotes, flows[i].now};
		lem_series	series = {2, 8, ts, close_price, volume, features, NULL, NULL, NULL};

		for (int t = 0; t < 2; t++)
		{
			double		row[LEM_BOOK_COLUMNS] = {
				quotes[t][0], quotes[t][1], quotes[t][2], quotes[t][3], 100, 102, 98, 101, 10, 4
			};

			ts[t] = t;
			close_price[t] = 101;
			volume[t] = 10;
			lem_book_row_check(layout, t, row, NULL, 0, features + t * 8, NULL);
		}
		lem_book_view_of(&series, layout, &book);
		lem_book_feature_at(&book, 1, &f);
		check_near(f.flow, flows[i].flow, 0, "order flow, case %zu", i + 1);
		lem_book_feature_at(&book, 0, &f);
		check(f.flow == 0, "no flow in the first bar");
	}
	lem_book_feature_at(&book, 0, &f);
	check_near(f.mid, 100.5, 0, "mid");
	check_near(f.spread, 1, 0, "spread");
	check_near(f.imbalance, -2.0 / 12, 1e-15, "imbalance");
	check_near(f.microprice, (5 * 101 + 7 * 100.0) / 12, 1e-12, "microprice");
	check_near(f.signed_volume, -2, 0, "signed volume");
}

/* The estimate of a spread: planted by a bounce between bid and ask of a driftless mid. */
static void
test_estimated(void)
{
	enum
	{
		BARS = 20000
	};
	static int64_t times[BARS];
	static double closes[BARS];
	static double volumes[BARS];
	static double columns[BARS * 3];
	lem_series	series = {BARS, 3, times, closes, volumes, columns, NULL, NULL, NULL};
	lem_book	book;
	double		mid = 0;
	double		sum = 0;
	double		least = 1;
	const double half = 0.005;

	for (int i = 0; i < BARS; i++)
	{
		double		high = -1;
		double		low = 1;
		double		last = 0;

		for (int trade = 0; trade < 50; trade++)
		{
			mid += 0.0002 * lem_random_normal(1, i, trade);
			last = mid + (lem_random_bits(2, i, trade) & 1 ? half : -half);
			high = trade == 0 ? last : fmax(high, last);
			low = trade == 0 ? last : fmin(low, last);
		}
		times[i] = i;
		closes[i] = exp(last);
		columns[i * 3] = closes[i];
		columns[i * 3 + 1] = exp(high);
		columns[i * 3 + 2] = exp(low);
	}
	check(lem_book_view_of(&series, 0, &book), "a book without quotes");
	for (int i = 100; i < BARS; i += 100)
	{
		lem_book_feature f;

		lem_book_feature_at(&book, i, &f);
		sum += f.spread / f.mid * f.spread / f.mid / (BARS / 100 - 1);
		least = fmin(least, f.spread / f.mid);
	}
	check_near(sqrt(sum), 2 * half, 0.1 * 2 * half, "the spread that is in the prices is found");
	check(least >= LEM_SPREAD_FLOOR * (1 - 1e-12), "and is never 0");
}

/* No feature of bar i looks at what comes after it. */
static void
test_causality(void)
{
	static const int layouts[] = {0, 1, 3, 4, 5, 7};
	int			differ = 0;

	for (int trial = 0; trial < 1000; trial++)
	{
		const int	layout = layouts[trial % 6];
		const int	width = lem_book_width(layout);
		const size_t t = lem_random_below(9, trial, 0, 78);
		lem_book_feature before;
		lem_book_feature after;
		lem_series	series;
		lem_book	book;

		series = (lem_series) {80, width, ts, close_price, volume, features, NULL, NULL, NULL};
		for (int i = 0; i < 80; i++)
		{
			close_price[i] = 1 + lem_random_uniform(trial, 1, i);
			volume[i] = lem_random_uniform(trial, 2, i);
			for (int j = 0; j < width; j++)
				features[i * width + j] = 1 + lem_random_uniform(trial, 3 + j, i);
		}
		lem_book_view_of(&series, layout, &book);
		lem_book_feature_at(&book, t, &before);
		for (size_t i = t + 1; i < 80; i++)
		{
			close_price[i] *= 3;
			volume[i] *= 5;
			for (int j = 0; j < width; j++)
				features[i * width + j] *= 7;
		}
		lem_book_feature_at(&book, t, &after);
		differ += memcmp(&before, &after, sizeof(before)) != 0;
	}
	check_int(differ, 0, "no feature of 1,000 random books depends on a later bar");
}

int
main(void)
{
	test_layouts();
	test_rows();
	test_features();
	test_estimated();
	test_causality();
	return check_done();
}

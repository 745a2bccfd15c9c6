/* test_bars.c: checks of bars, finding bars by time, the calendar, gaps. */
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "market/bars.h"
#include "market/calendar.h"
#include "market/gaps.h"

static void
test_bar_check(void)
{
	const double features[] = {1, -2, 0};
	const double bad_features[] = {1, NAN, 0};
	lem_fault	fault;

	check_int(lem_bar_check(5, 1, 0, NULL, 0, &fault), LEM_OK, "a bar without volume is good");
	check_int(lem_bar_check(5, 1, 2, features, 3, NULL), LEM_OK, "a bar with features is good");
	check_int(lem_bar_check(5, 0, 2, NULL, 0, &fault), LEM_BAD_PRICE, "price 0");
	check(fault.ts == 5 && fault.have == 0, "the fault names time and price");
	check_int(lem_bar_check(5, -1, 2, NULL, 0, NULL), LEM_BAD_PRICE, "negative price");
	check_int(lem_bar_check(5, NAN, 2, NULL, 0, NULL), LEM_BAD_PRICE, "price NaN");
	check_int(lem_bar_check(5, INFINITY, 2, NULL, 0, NULL), LEM_BAD_PRICE, "infinite price");
	check_int(lem_bar_check(7, 1, -1, NULL, 0, &fault), LEM_BAD_VOLUME, "negative volume");
	check(fault.ts == 7 && fault.have == -1, "the fault names time and volume");
	check_int(lem_bar_check(7, 1, NAN, NULL, 0, NULL), LEM_BAD_VOLUME, "volume NaN");
	check_int(lem_bar_check(7, 1, INFINITY, NULL, 0, NULL), LEM_BAD_VOLUME, "infinite volume");
	check_int(lem_bar_check(7, 1, 1, bad_features, 3, &fault), LEM_BAD_FEATURE, "feature NaN");
	check(fault.ts == 7 && fault.index == 1 && isnan(fault.have), "the fault names the feature");
	check_int(lem_bar_check(INT64_MAX, 1, 1, NULL, 0, &fault), LEM_TIME_RANGE, "time infinity");
	check(fault.ts == INT64_MAX, "the fault names the time");
	check_int(lem_bar_check(INT64_MIN, 1, 1, NULL, 0, NULL), LEM_TIME_RANGE, "time -infinity");
	check_int(lem_bar_check(LEM_TIME_END, 1, 1, NULL, 0, NULL), LEM_TIME_RANGE, "time too late");
	check_int(lem_bar_check(LEM_TIME_END - 1, 1, 1, NULL, 0, NULL), LEM_OK, "the last time");
	check_int(lem_bar_check(LEM_TIME_MIN, 1, 1, NULL, 0, NULL), LEM_OK, "the first time");
}

static void
test_series(void)
{
	int64_t		ts[] = {-10, 0, 10, 20};
	double		price[] = {1, 2, 3, 4};
	double		volume[] = {1, 0, 3, 4};
	double		features[] = {1, 2, 3, 4, 5, 6, 7, 8};
	lem_series	series = {
		.n = 4, .n_features = 2, .ts = ts, .price = price, .volume = volume, .features = features
	};
	lem_fault	fault;

	check_int(lem_series_check(&series, &fault), LEM_OK, "a series is good");
	check_int(lem_series_before(&series, -10), 0, "before the first bar");
	check_int(lem_series_before(&series, -9), 1, "after the first bar");
	check_int(lem_series_before(&series, 10), 2, "before a bar");
	check_int(lem_series_before(&series, 20), 3, "before the last bar");
	check_int(lem_series_before(&series, 21), 4, "after the last bar");
	features[5] = INFINITY;
	check_int(lem_series_check(&series, &fault), LEM_BAD_FEATURE, "a feature in a series");
	check(fault.ts == 10 && fault.index == 1, "the fault names its bar and index");
	features[5] = 6;
	{
		double		close[] = {1, 2, 0, 4};
		double		high[] = {1, 2, 3, 5};
		double		low[] = {1, 1, 3.5, 4};

		series.close = close;
		check_int(lem_series_check(&series, &fault), LEM_BAD_CLOSE, "a close of nothing");
		check(fault.ts == 10 && fault.have == 0, "the fault names its bar and close");
		close[2] = 3;
		check_int(lem_series_check(&series, &fault), LEM_OK, "closes are good");
		series.high = high;
		series.low = low;
		check_int(lem_series_check(&series, &fault), LEM_BAD_RANGE, "a high below the low");
		check(fault.ts == 10 && fault.have == 3 && fault.want == 3.5, "the fault names both");
		low[2] = -1;
		check_int(lem_series_check(&series, &fault), LEM_BAD_RANGE, "a low below nothing");
		low[2] = 3;
		check_int(lem_series_check(&series, &fault), LEM_OK, "highs and lows are good");
		high[0] = INFINITY;
		check_int(lem_series_check(&series, &fault), LEM_BAD_RANGE, "a high without end");
		series.close = series.high = series.low = NULL;
	}
	ts[2] = 0;
	check_int(lem_series_check(&series, &fault), LEM_DUPLICATE_TIME, "the same time twice");
	check(fault.ts == 0, "the fault names the time");
	series.n = 0;
	check_int(lem_series_check(&series, NULL), LEM_OK, "no bars have no fault");
	check_int(lem_series_before(&series, 0), 0, "no bars, none before");
}

/* Every day of 800 years around 2000, and more at random, against the C library. */
static void
test_calendar(void)
{
	const int64_t epoch = INT64_C(946684800);	/* 2000-01-01 in Unix time */
	int			wrong = 0;

	for (int64_t day = -400 * 366; day < 400 * 366; day++)
	{
		const int64_t second = (day * 7919 % 86400 + 86400) % 86400;
		const int64_t local = (day * 86400 + second) * 1000000 + 999999;
		const time_t unix_time = (time_t) (epoch + day * 86400 + second);
		const struct tm tm = *gmtime(&unix_time);

		wrong += lem_month(local) != tm.tm_mon + 1;
		wrong += lem_day_of_week(local) != (tm.tm_wday + 6) % 7;
		wrong += lem_time_of_day(local) != second * 1000000 + 999999;
		wrong += lem_time_of_week(local) !=
			((tm.tm_wday + 6) % 7 * INT64_C(86400) + second) * 1000000 + 999999;
	}
	check_int(wrong, 0, "months, days of the week and times of day of 800 years");
	check_int(lem_day_of_week(0), 5, "2000-01-01 was a Saturday");
	check_int(lem_day_of_week(-1), 4, "the day before was a Friday");
	check_int(lem_month(-1), 12, "in December");
	check_int(lem_time_of_day(-1), LEM_DAY - 1, "just before midnight");
	check_int(lem_time_of_week(2 * LEM_DAY), 0, "weeks begin on Mondays");
	check(lem_month(LEM_TIME_END) >= 1 && lem_month(LEM_TIME_MIN) <= 12 &&
		  lem_day_of_week(INT64_MIN + LEM_WEEK) >= 0, "far times");
}

static void
test_gaps(void)
{
	const int64_t ts[] = {0, 10, 41, 50, 64};
	const double price[] = {1, 2, 3, 4, 5};
	const double volume[] = {10, 20, 30, 40, 50};
	const int64_t carried_ts[] = {0, 10, 20, 30, 41, 50, 64};
	const double carried_price[] = {1, 2, 2, 2, 3, 4, 5};
	const double carried_volume[] = {10, 20, 0, 0, 30, 40, 50};
	const lem_series series = {.n = 5, .ts = ts, .price = price, .volume = volume};
	lem_gap_view view = {.series = &series, .interval = 10, .carry = true};
	lem_place	place = {0};
	uint64_t	scratch[64];
	int64_t		odd[64];
	lem_series	random = {.ts = odd};
	int			wrong = 0;
	int			n = 0;

	do
	{
		lem_bar		bar = lem_gap_bar(&view, place);

		wrong += bar.ts != carried_ts[n] || bar.price != carried_price[n]
			|| bar.volume != carried_volume[n];
		n++;
	} while (lem_gap_on(&view, &place));
	check(n == 7 && wrong == 0, "missing bars are carried on");
	while (n-- > 0)
	{
		wrong += lem_gap_bar(&view, place).ts != carried_ts[n];
		wrong += lem_gap_back(&view, &place) != (n > 0);
	}
	check(wrong == 0, "and the same on the way back");
	view.carry = false;
	place = (lem_place) {0};
	for (n = 1; lem_gap_on(&view, &place); n++)
		;
	check_int(n, 5, "other treatments show the bars there are");

	check_int(lem_gap_interval(&series, 5, 64, scratch), 10, "interval of all bars");
	check_int(lem_gap_interval(&series, 2, 64, scratch), 10, "interval of two bars");
	check_int(lem_gap_interval(&series, 1, 64, scratch), 0, "interval of one bar");
	check_int(lem_gap_interval(&series, 5, 3, scratch), 9, "interval of the last three bars");

	/* The median against its definition. */
	srand(1);
	wrong = 0;
	for (int trial = 0; trial < 2000; trial++)
	{
		int64_t		t = 0;
		int64_t		median;
		int			below = 0;
		int			upto = 0;

		random.n = (size_t) (2 + rand() % 62);
		for (size_t i = 0; i < random.n; i++)
			odd[i] = t += 1 + rand() % (1 + trial % 20);
		median = lem_gap_interval(&random, random.n, 64, scratch);
		for (size_t i = 1; i < random.n; i++)
		{
			below += odd[i] - odd[i - 1] < median;
			upto += odd[i] - odd[i - 1] <= median;
		}
		n = ((int) random.n - 2) / 2;
		wrong += !(below <= n && n < upto);
	}
	check_int(wrong, 0, "the interval is the lower median");
}

int
main(void)
{
	test_bar_check();
	test_series();
	test_calendar();
	test_gaps();
	return check_done();
}

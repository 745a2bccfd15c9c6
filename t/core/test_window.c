/*
 * test_window.c: where windows lie, gaps, expected bars, errors, and causality: what a slice is
 * decided by never depends on its own bar or a later one.
 */
#include <stdlib.h>

#include "check.h"
#include "market/calendar.h"
#include "market/window.h"

#define HOUR (60 * LEM_MINUTE)
#define MONDAY (2 * LEM_DAY)	/* 2000-01-03 */

#define MAX_BARS 2000
#define MAX_ROWS 64
#define MAX_COLUMNS 16
#define MAX_STEPS 16

/* A series that can grow. */
typedef struct bars
{
	size_t		n;
	int64_t		ts[MAX_BARS];
	double		price[MAX_BARS];
	double		volume[MAX_BARS];
	double		features[MAX_BARS];
} bars;

/* A window and its results. */
typedef struct built
{
	lem_status	status;
	lem_fault	fault;
	lem_window	window;
	lem_real	rows[MAX_ROWS * MAX_COLUMNS];
	int64_t		slice_ts[MAX_STEPS];
	double		market[2 * MAX_STEPS];
} built;

static uint64_t state = 7;

static int
random_int(int n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int) ((state >> 33) % (uint64_t) n);
}

static double
random_real(void)
{
	return random_int(1 << 30) * 0x1p-30;
}

static lem_config
small_config(lem_gaps gaps)
{
	lem_config	config = {0};

	config.lookback = 5;
	config.n_ahead = 4;
	config.feature_set = LEM_FEATURES_DEFAULT;
	config.n_named = LEM_DEFAULT_FEATURES;
	config.extra_features = 1;
	config.norm_window = 12;
	config.gaps = gaps;
	return config;
}

static lem_series
series_of(const bars *b, const lem_config *config)
{
	return (lem_series) {
		.n = b->n, .n_features = config->extra_features, .ts = b->ts, .price = b->price,
		.volume = b->volume, .features = b->features
	};
}

static void
add_bar(bars *b, int64_t ts)
{
	b->ts[b->n] = ts;
	b->price[b->n] = b->n > 0 && random_int(8) ? b->price[b->n - 1] * (0.98 + 0.04 * random_real())
		: 100 + random_real();
	b->volume[b->n] = random_int(8) ? 10 * random_real() : 0;
	b->features[b->n] = random_real() - 0.5;
	b->n++;
}

/* Hourly bars from a Monday on. */
static void
hourly(bars *b, int n)
{
	b->n = 0;
	for (int i = 0; i < n; i++)
		add_bar(b, MONDAY + i * HOUR);
}

/* A window over a series, in memory of exactly the size asked for. */
static built
build(const lem_config *config, const bars *b, const int64_t *start)
{
	static built result;
	const lem_series series = series_of(b, config);
	double	   *scratch = malloc(lem_window_scratch(config, &series) * sizeof(double));
	lem_order	order = {0};

	order.size = 1;
	order.max_rate = 1;
	order.has_start = start != NULL;
	order.start_ts = start ? *start : 0;
	memset(&result, 0, sizeof(result));
	result.status = lem_window_build(config, &series, &order, NULL, scratch, &result.window,
									 result.rows, result.slice_ts, result.market, &result.fault);
	free(scratch);
	return result;
}

/* Price column of row r, in the series' own units. */
static double
row_price(const lem_config *config, const built *w, int r, double base)
{
	return w->rows[(size_t) r * lem_inputs(config) + lem_inputs(config) - 2] * base;
}

/* Are rows 0 .. last the same in both, bit for bit? */
static bool
same_rows(const lem_config *config, const built *a, const built *b, int last)
{
	if (last >= lem_rows(config))
		last = lem_rows(config) - 1;
	return memcmp(a->rows, b->rows,
				  (size_t) (last + 1) * lem_inputs(config) * sizeof(lem_real)) == 0;
}

static void
test_place(void)
{
	const lem_config config = small_config(LEM_GAPS_CARRY);
	static bars b;
	int64_t		start;
	built		w;

	hourly(&b, 100);
	w = build(&config, &b, NULL);
	check_int(w.status, LEM_OK, "an order without a start");
	check(w.window.known == 0 && w.window.next_known, "starts right after the last bar");
	check(w.window.interval == HOUR && w.window.norm_window == 12, "interval and window");
	check(w.slice_ts[0] == b.ts[99] + HOUR && w.slice_ts[3] == b.ts[99] + 4 * HOUR,
		  "slices follow each other");
	check_near(row_price(&config, &w, 5, b.price[99]), b.price[99], 1e-5, "row L is the last bar");
	check_near(row_price(&config, &w, 0, b.price[99]), b.price[94], 1e-4, "row 0 lies L before");
	check_near(row_price(&config, &w, 6, b.price[99]), b.price[99], 1e-5,
			   "an expected bar has the last price");
	check(w.market[0] == b.price[99], "in the series' own units");
	/* Twelve bars of history: hours 88 .. 99; the next is hour 100, 4 o'clock, as no other is. */
	{
		double		sum = 0;

		for (int i = 88; i < 100; i++)
			sum += b.volume[i];
		check_near(w.market[1], sum / 12, 1e-12, "and the mean volume without a like hour");
	}

	start = b.ts[60];
	w = build(&config, &b, &start);
	check(w.window.known == 4 && !w.window.next_known, "an order long ago is done");
	check(w.slice_ts[0] == b.ts[60] && w.slice_ts[3] == b.ts[63], "in its bars");
	check(w.market[0] == b.price[60] && w.market[7] == b.volume[63], "with their numbers");
	check_near(row_price(&config, &w, 7, b.price[59]), b.price[61], 1e-4, "the last row");

	start = b.ts[98] - 1;
	w = build(&config, &b, &start);
	check(w.window.known == 2 && w.window.next_known, "two slices done, one next");
	check(w.slice_ts[2] == b.ts[99] + HOUR, "in the bar after the last");

	start = b.ts[99] + HOUR;
	w = build(&config, &b, &start);
	check(w.window.known == 0 && w.window.next_known, "a start with the next bar is next");
	start++;
	w = build(&config, &b, &start);
	check(w.status == LEM_OK && !w.window.next_known, "a later start waits for bars");
	check(w.slice_ts[0] == b.ts[99] + 2 * HOUR, "and begins on the grid");
	start = b.ts[99] + 1000 * LEM_WEEK;
	w = build(&config, &b, &start);
	check(w.status == LEM_OK && !w.window.next_known && w.slice_ts[0] == start,
		  "a start far away");
	check(w.market[1] == 0, "has no volume to go by");
}

/* Expected volumes: the mean of bars at the same local time of day. */
static int64_t
summer_time(void *arg, int64_t ts)
{
	return ts + (ts >= *(int64_t *) arg ? 2 : 1) * HOUR;
}

static void
test_profile(void)
{
	lem_config	config = small_config(LEM_GAPS_CARRY);
	static bars b;
	static built w;
	int64_t		change;
	lem_clock	clock = {.to_local = summer_time, .arg = &change};
	double	   *scratch = malloc(lem_window_scratch(&config, NULL) * sizeof(double));
	lem_order	order = {0};
	lem_series	series;

	config.norm_window = 72;
	hourly(&b, 96);
	for (int i = 0; i < 96; i++)
		b.volume[i] = 100 * (i / 24) + i % 24;
	series = series_of(&b, &config);
	w = build(&config, &b, NULL);
	check_near(w.market[1], 200, 0, "volume at midnight: of three midnights");
	check_near(w.market[5], 202, 0, "volume two hours later");

	/* Clocks go forward when the second day ends: later bars have the next hour's time of day. */
	change = MONDAY + 48 * HOUR;
	order.max_rate = 1;
	w.status = lem_window_build(&config, &series, &order, &clock, scratch, &w.window, w.rows,
								w.slice_ts, w.market, &w.fault);
	check_near(w.market[1], (101 + 200 + 300) / 3.0, 1e-12, "volume by the wall clock");
	free(scratch);
}

static void
test_carry(void)
{
	const lem_config config = small_config(LEM_GAPS_CARRY);
	static bars b;
	static bars full;
	int64_t		start;
	built		w;
	built		v;

	/* Missing bars within history and after the start, against a series that spells them out. */
	b.n = full.n = 0;
	for (int i = 0; i < 60; i++)
	{
		if (i == 40 || i == 41 || i == 45 || i == 50 || i == 51)
		{
			full.ts[i] = MONDAY + i * HOUR;
			full.price[i] = full.price[i - 1];
			full.volume[i] = 0;
			full.features[i] = full.features[i - 1];
		}
		else
		{
			add_bar(&b, MONDAY + i * HOUR);
			full.ts[i] = b.ts[b.n - 1];
			full.price[i] = b.price[b.n - 1];
			full.volume[i] = b.volume[b.n - 1];
			full.features[i] = b.features[b.n - 1];
		}
		full.n++;
	}
	for (int i = 38; i < 62; i++)
	{
		start = MONDAY + i * HOUR - 5;
		w = build(&config, &b, &start);
		v = build(&config, &full, &start);
		check(w.status == LEM_OK && same_rows(&config, &v, &w, MAX_ROWS) &&
			  memcmp(w.slice_ts, v.slice_ts, sizeof(w.slice_ts)) == 0 &&
			  memcmp(w.market, v.market, sizeof(w.market)) == 0 &&
			  w.window.known == v.window.known && w.window.next_known == v.window.next_known,
			  "carried bars are as if they were there (start %d)", i);
	}
	start = MONDAY + 49 * HOUR + 1;
	w = build(&config, &b, &start);
	check(w.window.known == 4 && w.slice_ts[0] == MONDAY + 50 * HOUR && w.market[1] == 0 &&
		  w.slice_ts[2] == MONDAY + 52 * HOUR && w.market[4] == full.price[52],
		  "slices are done in missing bars");
	start = MONDAY + 50 * HOUR + 1;
	w = build(&config, &b, &start);
	check(w.slice_ts[0] == MONDAY + 51 * HOUR, "a missing bar before the start is history");

	/* A gap of years within the history. */
	hourly(&b, 30);
	add_bar(&b, b.ts[29] + 20 * 365 * LEM_DAY);
	w = build(&config, &b, NULL);
	check(w.status == LEM_OK, "a gap of years is carried on");
	check_near(row_price(&config, &w, 4, b.price[30]), b.price[29], 1e-4, "at the last price");
}

static void
test_error(void)
{
	const lem_config config = small_config(LEM_GAPS_ERROR);
	static bars b;
	int64_t		start;
	built		w;

	b.n = 0;
	for (int i = 0; i < 80; i++)
	{
		if (i != 5 && i != 40 && i != 41 && i != 60)
			add_bar(&b, MONDAY + i * HOUR);
	}
	start = MONDAY + 30 * HOUR;
	check_int(build(&config, &b, &start).status, LEM_OK, "no bar missing where it matters");
	start = MONDAY + 38 * HOUR;
	w = build(&config, &b, &start);
	check_int(w.status, LEM_MISSING_BARS, "a bar missing among the slices");
	check(w.fault.ts == MONDAY + 40 * HOUR && w.fault.have == 2, "names the first, and how many");
	start = MONDAY + 36 * HOUR;
	check_int(build(&config, &b, &start).status, LEM_OK, "not if the order is over before");
	start = MONDAY + 40 * HOUR;
	w = build(&config, &b, &start);
	check(w.status == LEM_MISSING_BARS && w.fault.ts == MONDAY + 40 * HOUR, "at the start");
	start = MONDAY + 48 * HOUR;
	w = build(&config, &b, &start);
	check(w.status == LEM_MISSING_BARS && w.fault.ts == MONDAY + 40 * HOUR && w.fault.have == 2,
		  "within the history");
	start = MONDAY + 53 * HOUR + 1;
	check_int(build(&config, &b, &start).status, LEM_MISSING_BARS, "at its beginning");
	start = MONDAY + 54 * HOUR + 1;
	check_int(build(&config, &b, &start).status, LEM_OK, "not before it");
	start = MONDAY + 81 * HOUR;
	w = build(&config, &b, &start);
	check(w.status == LEM_MISSING_BARS && w.fault.ts == MONDAY + 80 * HOUR && w.fault.have == 1,
		  "before a start to come");
	start = MONDAY + 80 * HOUR;
	w = build(&config, &b, &start);
	check(w.status == LEM_OK && w.window.next_known, "the start with the next bar");
}

/* Sessions of six hours on five days a week. */
static void
test_sessions(void)
{
	lem_config	config = small_config(LEM_GAPS_SKIP);
	static bars b;
	int64_t		start;
	built		w;

	config.norm_window = 40;
	b.n = 0;
	for (int day = 0; day < 26; day++)
	{
		if (day % 7 >= 5)
			continue;
		for (int hour = 0; hour < 6; hour++)
			add_bar(&b, MONDAY + day * LEM_DAY + (9 + hour) * HOUR + HOUR / 2);
	}

	/* The last day is the fourth week's Friday. */
	w = build(&config, &b, NULL);
	check(w.status == LEM_OK && w.window.interval == HOUR, "nights are skipped");
	check_near(row_price(&config, &w, 0, b.price[b.n - 1]), b.price[b.n - 6], 1e-4,
			   "rows are the bars there are");
	check(w.slice_ts[0] == MONDAY + 28 * LEM_DAY + 9 * HOUR + HOUR / 2 &&
		  w.slice_ts[3] == w.slice_ts[0] + 3 * HOUR, "the next session opens on Monday");
	start = MONDAY + 28 * LEM_DAY;
	w = build(&config, &b, &start);
	check(w.window.known == 0 && w.window.next_known, "a start on Monday morning is firm");
	start = MONDAY + 28 * LEM_DAY + 9 * HOUR + HOUR / 2;
	check(build(&config, &b, &start).window.next_known, "and one at the opening");
	start++;
	w = build(&config, &b, &start);
	check(!w.window.next_known && w.slice_ts[0] == start - 1 + HOUR, "not one after it");
	start = MONDAY + 28 * LEM_DAY + 13 * HOUR;
	w = build(&config, &b, &start);
	check(w.slice_ts[0] == start + HOUR / 2 && w.slice_ts[2] == start + 20 * HOUR + HOUR / 2,
		  "slices go over to the next day");
	start = MONDAY + 24 * LEM_DAY + 13 * HOUR + HOUR / 2;
	w = build(&config, &b, &start);
	check(w.window.known == 4 && w.slice_ts[1] == start + HOUR &&
		  w.slice_ts[2] == start + 20 * HOUR, "known slices too");
	start = MONDAY + 1000 * LEM_WEEK;
	w = build(&config, &b, &start);
	check(w.status == LEM_OK && w.slice_ts[0] == start + 9 * HOUR + HOUR / 2, "years ahead");

	/* Daily bars, and more slices than a week has days. */
	config.n_ahead = 12;
	config.norm_window = 0;
	b.n = 0;
	for (int day = 0; day < 61; day++)
	{
		if (day % 7 < 5)
			add_bar(&b, MONDAY + day * LEM_DAY);
	}
	w = build(&config, &b, NULL);
	check(w.window.interval == LEM_DAY && w.window.norm_window == 7, "daily bars");
	check(w.slice_ts[0] == MONDAY + 63 * LEM_DAY && w.slice_ts[4] == MONDAY + 67 * LEM_DAY &&
		  w.slice_ts[5] == MONDAY + 70 * LEM_DAY && w.slice_ts[11] == MONDAY + 78 * LEM_DAY,
		  "skip weekends");

	/* Less than a week of history. */
	config = small_config(LEM_GAPS_SKIP);
	hourly(&b, 40);
	w = build(&config, &b, NULL);
	check(w.slice_ts[0] == b.ts[39] + HOUR, "without a week of history the interval counts");
	start = b.ts[39] + 3 * HOUR + 1;
	w = build(&config, &b, &start);
	check(w.slice_ts[0] == b.ts[39] + 4 * HOUR && !w.window.next_known, "up to the start");
}

static void
test_errors(void)
{
	lem_config	config = small_config(LEM_GAPS_CARRY);
	static bars b;
	int64_t		start;
	built		w;

	b.n = 0;
	check_int(build(&config, &b, NULL).status, LEM_NO_BARS, "no bars");
	hourly(&b, 1);
	w = build(&config, &b, NULL);
	check(w.status == LEM_NO_INTERVAL && w.fault.have == 1, "one bar has no interval");
	config.bar_interval = HOUR;
	w = build(&config, &b, NULL);
	check(w.status == LEM_SHORT_HISTORY && w.fault.have == 1 && w.fault.want == 13,
		  "a known interval is not enough");
	config.bar_interval = 0;
	hourly(&b, 100);
	start = b.ts[0];
	w = build(&config, &b, &start);
	check(w.status == LEM_SHORT_HISTORY && w.fault.have == 0, "all bars after the start");
	start = b.ts[12];
	w = build(&config, &b, &start);
	check(w.status == LEM_SHORT_HISTORY && w.fault.have == 12 && w.fault.want == 13,
		  "one bar too few");
	start = b.ts[13];
	check_int(build(&config, &b, &start).status, LEM_OK, "just enough");
	config.norm_window = 6;
	start = b.ts[9];
	w = build(&config, &b, &start);
	check(w.status == LEM_SHORT_HISTORY && w.fault.want == 10, "rows need N bars before them");
	config.norm_window = 0;
	w = build(&config, &b, NULL);
	check(w.status == LEM_SHORT_HISTORY && w.fault.have == 100 && w.fault.want == 169,
		  "a week of bars by default");
	config.norm_window = 12;
	config.extra_features = 2;
	{
		lem_series	series = series_of(&b, &config);
		lem_order	order = {0};

		series.n_features = 1;
		w.status = lem_window_build(&config, &series, &order, NULL, NULL, &w.window, w.rows,
									w.slice_ts, w.market, &w.fault);
		check(w.status == LEM_FEATURE_COUNT && w.fault.have == 1 && w.fault.want == 2,
			  "another number of features");
	}
	config.extra_features = 1;
	start = INT64_MAX;
	w = build(&config, &b, &start);
	check(w.status == LEM_TIME_RANGE && w.fault.ts == INT64_MAX, "start at infinity");
	start = INT64_MIN;
	check_int(build(&config, &b, &start).status, LEM_TIME_RANGE, "start at -infinity");
	start = LEM_TIME_END - 1;
	check_int(build(&config, &b, &start).status, LEM_TIME_RANGE, "slices beyond the last time");
	for (int i = 0; i < 100; i++)
		b.ts[i] = LEM_TIME_END - 50 * (100 - i);
	check_int(build(&config, &b, NULL).status, LEM_TIME_RANGE, "no time left at all");
	for (int gaps = LEM_GAPS_CARRY; gaps <= LEM_GAPS_ERROR; gaps++)
	{
		config.gaps = (lem_gaps) gaps;
		for (int i = 0; i < 100; i++)
			b.ts[i] = i < 99 ? LEM_TIME_MIN + i : LEM_TIME_END - 1;
		w = build(&config, &b, NULL);
		check(w.status == LEM_TIME_RANGE || w.status == LEM_MISSING_BARS,
			  "microseconds and the whole of time (%d)", gaps);
		start = b.ts[99];
		w = build(&config, &b, &start);
		check(w.status == LEM_OK || w.status == LEM_TIME_RANGE || w.status == LEM_MISSING_BARS,
			  "and a start at its end (%d)", gaps);
	}
	hourly(&b, 2);
	b.ts[0] = LEM_TIME_MIN;
	b.ts[1] = LEM_TIME_END - 1;
	check_int(build(&config, &b, NULL).status, LEM_SHORT_HISTORY, "two bars, all time apart");
}

/* Bars with gaps and uneven times, as the treatment allows. */
static void
random_bars(bars *b, int n, lem_gaps gaps, int jitter)
{
	int64_t		grid = MONDAY;

	b->n = 0;
	while (b->n < (size_t) n)
	{
		add_bar(b, grid + (jitter ? random_int(jitter) : 0));
		grid += HOUR;
		if (gaps != LEM_GAPS_ERROR && random_int(6) == 0)
			grid += random_int(5) * HOUR;
	}
}

static void
test_causality(void)
{
	int			changed = 0;
	int			unsteady = 0;
	int			failed = 0;
	int			compared = 0;

	for (int trial = 0; trial < 600; trial++)
	{
		lem_config	config = small_config((lem_gaps) (trial % 3));
		const bool	paper = trial / 3 % 2;
		const int	jitter = trial % 4 == 0 && config.gaps != LEM_GAPS_ERROR ? (int) (HOUR / 8) : 0;
		const int	history = paper ? 345 : 40;
		static bars b;
		static bars other;
		static built before;
		static built now;
		int64_t		start;
		size_t		n;

		if (paper)
		{
			config.feature_set = LEM_FEATURES_PAPER;
			config.price_sigma = false;
			config.n_named = LEM_PAPER_FEATURES;
		}
		if (trial % 5 == 0)
			config.bar_interval = HOUR;
		random_bars(&b, history + 12, config.gaps, jitter);
		if (config.gaps == LEM_GAPS_ERROR)
			start = b.ts[history];
		else
			start = b.ts[history - 1] + 1 + random_int(3) * HOUR / 2 + random_int(2);
		n = 0;
		while (b.ts[n] < start)
			n++;

		/* Bar by bar: what is done or next stays as it is. */
		for (other = b, other.n = n; other.n <= b.n; other.n++)
		{
			int			known;

			now = build(&config, &other, &start);
			failed += now.status != LEM_OK;
			if (other.n == n)
			{
				before = now;
				continue;
			}
			known = before.window.known;
			compared++;
			changed += !same_rows(&config, &before, &now, config.lookback + known);
			changed += memcmp(before.slice_ts, now.slice_ts,
							  (size_t) known * sizeof(int64_t)) != 0;
			changed += memcmp(before.market, now.market,
							  (size_t) known * 2 * sizeof(double)) != 0;
			unsteady += now.window.known < known + (known < config.n_ahead);
			before = now;
		}

		/* For each slice, another course of things from its bar on. */
		for (int i = 0; i < now.window.known; i++)
		{
			int64_t		ts = now.slice_ts[i];

			other = b;
			other.n = 0;
			while (other.n < b.n && b.ts[other.n] < now.slice_ts[i])
				other.n++;
			for (int more = random_int(8); more > 0; more--)
			{
				if (config.gaps != LEM_GAPS_ERROR)
					ts += random_int(3) * HOUR + random_int((int) HOUR);
				add_bar(&other, ts);
				ts += config.gaps == LEM_GAPS_ERROR ? HOUR : HOUR / 2;
			}
			before = build(&config, &other, &start);
			failed += before.status != LEM_OK;

			/* Without a bar after it, a missing one before this slice is not known to be. */
			if (before.window.known < i)
			{
				unsteady += config.gaps != LEM_GAPS_CARRY ||
					other.ts[other.n - 1] >= now.slice_ts[i];
				continue;
			}
			compared++;
			changed += !same_rows(&config, &before, &now, config.lookback + i);
			changed += memcmp(before.slice_ts, now.slice_ts, (size_t) i * sizeof(int64_t)) != 0;
		}
	}
	check_int(failed, 0, "all windows could be built");
	check_int(changed, 0, "no later bar changes what a slice was decided by");
	check_int(unsteady, 0, "a further bar does a further slice");
	check(compared > 5000, "in many cases");
}

/* A slice that is next stays what it is, also before its bar and the start. */
static void
test_firmness(void)
{
	int			broken = 0;
	int			firm = 0;

	for (int trial = 0; trial < 300; trial++)
	{
		const lem_config config = small_config(LEM_GAPS_CARRY);
		static bars b;
		static bars prefix;
		static built before;
		static built now;
		int64_t		start;

		random_bars(&b, 50, config.gaps, 0);
		start = b.ts[30] + random_int(10 * 3600) * INT64_C(1000000);
		now = build(&config, &b, &start);
		for (prefix = b, prefix.n = 20; prefix.n < b.n; prefix.n++)
		{
			before = build(&config, &prefix, &start);
			if (before.status != LEM_OK || !before.window.next_known)
				continue;
			firm++;
			broken += !same_rows(&config, &before, &now,
								 config.lookback + before.window.known);
			broken += now.window.known <= before.window.known;
		}
	}
	check_int(broken, 0, "firm slices stay");
	check(firm > 500, "in many cases");
}

static void
test_invariance(void)
{
	int			moved = 0;
	int			scaled = 0;
	int			odd = 0;

	for (int trial = 0; trial < 200; trial++)
	{
		lem_config	config = small_config((lem_gaps) (trial % 3));
		static bars b;
		static bars other;
		static built a;
		static built c;
		const double price_scale = ldexp(1, random_int(60) - 30);
		const double volume_scale = ldexp(1, random_int(60) - 30);
		const int	cut = random_int(30);
		int64_t		start;

		if (trial % 4 == 3)
			config.bar_interval = HOUR;
		random_bars(&b, 120, config.gaps, 0);
		start = b.ts[115];
		a = build(&config, &b, &start);

		/* Bars before those that are needed. */
		other.n = 0;
		for (size_t i = (size_t) cut; i < b.n; i++)
		{
			other.ts[other.n] = b.ts[i] - (i < 50 ? HOUR / 2 : 0);
			other.price[other.n] = b.price[i] * (i < 50 ? 3 : 1);
			other.volume[other.n] = b.volume[i] + (i < 50);
			other.features[other.n] = b.features[i];
			other.n++;
		}
		c = build(&config, &other, &start);
		odd += a.status != LEM_OK || c.status != LEM_OK;
		moved += !same_rows(&config, &a, &c, MAX_ROWS);

		for (size_t i = 0; i < b.n; i++)
		{
			b.price[i] *= price_scale;
			b.volume[i] *= volume_scale;
		}
		c = build(&config, &b, &start);
		scaled += !same_rows(&config, &a, &c, MAX_ROWS);
		scaled += c.market[4] != a.market[4] * price_scale;
		scaled += c.market[7] != a.market[7] * volume_scale;
	}
	check_int(odd, 0, "all windows could be built");
	check_int(moved, 0, "bars before those that are needed do not matter");
	check_int(scaled, 0, "scaling prices and volumes changes nothing");
}

/* Of orders that are shorter than their model the rows are those of the whole, bit for bit. */
static void
test_near(void)
{
	static bars b;
	lem_config	config = small_config(LEM_GAPS_CARRY);

	config.stop_base = config.shared_steps = true;
	config.n_ahead = 8;
	hourly(&b, 60);
	for (int known = 0; known <= 4; known += 2)
	{
		const int64_t start = b.ts[b.n - (size_t) known - 1] + 1;
		const built whole = build(&config, &b, &start);

		for (int horizon = 1; horizon < config.n_ahead; horizon++)
		{
			const lem_config near = lem_config_near(&config, horizon);
			const lem_config nearer = lem_config_near(&near, horizon - 1);
			const built part = build(&near, &b, &start);
			const built less = build(&nearer, &b, &start);

			check(part.status == LEM_OK && same_rows(&near, &part, &whole, MAX_ROWS) &&
				  memcmp(part.slice_ts, whole.slice_ts, (size_t) near.n_ahead * sizeof(int64_t)) == 0 &&
				  less.status == LEM_OK && same_rows(&nearer, &less, &whole, MAX_ROWS),
				  "rows of %d bars are those of %d, %d of them known", horizon, config.n_ahead, known);
		}
	}
}

int
main(void)
{
	test_place();
	test_profile();
	test_carry();
	test_error();
	test_sessions();
	test_errors();
	test_causality();
	test_firmness();
	test_invariance();
	test_near();
	return check_done();
}

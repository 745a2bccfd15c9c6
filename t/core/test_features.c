/* test_features.c: each feature against numbers worked out by hand, and the reference inputs. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "market/calendar.h"
#include "market/feature.h"
#include "market/window.h"

#define HOUR (60 * LEM_MINUTE)
#define MONDAY (2 * LEM_DAY)	/* 2000-01-03 */
#define LN2 0.69314718055994530942
#define PI 3.14159265358979323846

#define BARS 8
#define ROWS 4
#define TOLERANCE 1e-6

/*
 * L = 3, N = 2: rows 0 .. 3 are bars 2 .. 5, scales are of bars 2 .. 5, the slices trade in bars 6
 * and 7.  Log returns in bars 2 .. 5 are ln 2 times 1, -1, 2, -1.
 */
static double price[BARS] = {4, 1, 2, 1, 4, 2, 2, 2};
static double volume[BARS] = {7, 9, 3, 4, 5, 8, 0, 1};
static double extra[2 * BARS] = {0, 0, 0, 0, 0.25, -1, 0.5, -2, 0.75, 1e300, 1, -4, 2, -5, 3, -6};
static int64_t ts[BARS];

static lem_config
small_config(void)
{
	lem_config	config = {0};

	config.lookback = 3;
	config.n_ahead = 2;
	config.feature_set = LEM_FEATURES_DEFAULT;
	config.n_named = LEM_DEFAULT_FEATURES;
	config.extra_features = 2;
	config.norm_window = 4;
	return config;
}

/* Rows of an order that starts at bar 6, or after the last bar. */
static lem_status
build(const lem_config *config, const lem_series *series, const lem_clock *clock, int64_t start,
	  lem_real *rows)
{
	double	   *scratch = malloc(lem_window_scratch(config, series) * sizeof(double));
	int64_t    *slice_ts = malloc((size_t) config->n_ahead * sizeof(int64_t));
	lem_order	order = {0};
	lem_window	window;
	lem_status	status;

	order.size = 1;
	order.max_rate = 1;
	order.has_start = true;
	order.start_ts = start;
	status = lem_window_build(config, series, &order, clock, scratch, &window, rows, slice_ts,
							  NULL, NULL);
	free(scratch);
	free(slice_ts);
	return status;
}

static lem_series
small_series(int64_t first, int64_t interval)
{
	for (int i = 0; i < BARS; i++)
		ts[i] = first + i * interval;
	return (lem_series) {
		.n = BARS, .n_features = 2, .ts = ts, .price = price, .volume = volume, .features = extra
	};
}

static void
test_default(void)
{
	/* Row 0 is bar 2; bar 0 starts on Tuesday at 3 o'clock. */
	const int64_t first = MONDAY + LEM_DAY + 3 * HOUR;
	const lem_series series = small_series(first, HOUR);
	lem_config	config = small_config();
	const double mean_volume = 5;
	const double sigma = sqrt(27.0 / 16) * LN2;
	const double rms = sqrt(7.0 / 4) * LN2;
	const double returns[ROWS] = {1, -1, 2, -1};
	const double squares[ROWS] = {2.5, 1, 2.5, 2.5};	/* mean of two returns' squares */
	lem_real	rows[ROWS * 12];

	check_int(build(&config, &series, NULL, ts[6], rows), LEM_OK, "rows are built");
	for (int r = 0; r < ROWS; r++)
	{
		const lem_real *row = rows + r * 12;
		const double hours = 5 + r;

		check_near(row[0], log((volume[r + 2] / mean_volume + 0.01) / 1.01), TOLERANCE,
				   "log_volume of row %d", r);
		check_near(row[1], returns[r] * LN2 / sigma, TOLERANCE, "return of row %d", r);
		check_near(row[2], log(sqrt(squares[r]) * LN2 / rms), TOLERANCE, "volatility of row %d", r);
		check_near(row[3], sin(2 * PI * hours / 24), TOLERANCE, "day_sin of row %d", r);
		check_near(row[4], cos(2 * PI * hours / 24), TOLERANCE, "day_cos of row %d", r);
		check_near(row[5], sin(2 * PI * (24 + hours) / 168), TOLERANCE, "week_sin of row %d", r);
		check_near(row[6], cos(2 * PI * (24 + hours) / 168), TOLERANCE, "week_cos of row %d", r);
		check_near(row[7], log(60), TOLERANCE, "log_interval of row %d", r);
		check_near(row[8], extra[2 * (r + 2)], 0, "extra feature of row %d", r);
		if (r != 2)
			check_near(row[9], extra[2 * (r + 2) + 1], 0, "second extra feature of row %d", r);
		check_near(row[10], price[r + 2] / price[5], TOLERANCE, "price of row %d", r);
		check_near(row[11], volume[r + 2] / mean_volume, TOLERANCE, "volume of row %d", r);
	}
	config.price_sigma = true;
	check_int(build(&config, &series, NULL, ts[6], rows), LEM_OK, "rows with price_unit sigma");
	for (int r = 0; r < ROWS; r++)
		check_near(rows[r * 12 + 10], 1 + 0.01 * (price[r + 2] / price[5] - 1) / sigma, TOLERANCE,
				   "distance of the price of row %d", r);
	config.price_sigma = false;
	check(rows[2 * 12 + 9] > 1e38 && isfinite(rows[2 * 12 + 9]),
		  "an extra feature beyond a float's range is cut to it");

	/* One bar later there is a bar without volume among the scales' four. */
	check_int(build(&config, &series, NULL, ts[7], rows), LEM_OK, "rows one bar later");
	check_near(rows[3 * 12], log(0.01 / 1.01), TOLERANCE, "log_volume without volume");
	check_near(rows[3 * 12 + 1], 0, 0, "return of an unchanged price");
	check_near(rows[2 * 12 + 11], 8 / 4.25, TOLERANCE, "volume against the later mean");
}

static void
test_list(void)
{
	const lem_series series = small_series(MONDAY, 2 * HOUR);
	lem_config	config = small_config();
	lem_real	all[ROWS * 12];
	lem_real	rows[ROWS * 7];
	int			wrong = 0;

	build(&config, &series, NULL, ts[6], all);
	config.feature_set = LEM_FEATURES_LIST;
	config.n_named = 3;
	config.named[0] = LEM_FEATURE_LOG_INTERVAL;
	config.named[1] = LEM_FEATURE_RETURN;
	config.named[2] = LEM_FEATURE_DAY_COS;
	build(&config, &series, NULL, ts[6], rows);
	for (int r = 0; r < ROWS; r++)
	{
		wrong += rows[r * 7] != all[r * 12 + 7] || rows[r * 7 + 1] != all[r * 12 + 1];
		wrong += rows[r * 7 + 2] != all[r * 12 + 4];
		wrong += memcmp(rows + r * 7 + 3, all + r * 12 + 8, 4 * sizeof(lem_real)) != 0;
	}
	check_int(wrong, 0, "a list has the same features, in its order");
	check_near(rows[0], log(120), TOLERANCE, "log of the interval in minutes");
}

/* Prices and volumes that scales cannot be taken of, and extremes. */
static void
test_edges(void)
{
	const lem_config config = small_config();
	lem_series	series = small_series(MONDAY, HOUR);
	double		other_price[BARS];
	double		other_volume[BARS] = {0};
	lem_real	rows[ROWS * 12];
	int			odd = 0;

	for (int i = 0; i < BARS; i++)
		other_price[i] = 3;
	series.price = other_price;
	series.volume = other_volume;
	build(&config, &series, NULL, ts[6], rows);
	for (int r = 0; r < ROWS; r++)
		odd += rows[r * 12] != 0 || rows[r * 12 + 1] != 0 || rows[r * 12 + 2] != 0
			|| rows[r * 12 + 10] != 1 || rows[r * 12 + 11] != 0;
	check_int(odd, 0, "no volume and no variation: zeros");

	/* A price that grows at a steady rate: returns differ by rounding only. */
	for (int i = 0; i < BARS; i++)
		other_price[i] = pow(1.001, i);
	build(&config, &series, NULL, ts[6], rows);
	check(rows[1] == 0 && rows[2] == 0 && rows[3 * 12 + 1] == 0, "steady growth has no deviation");

	for (int i = 0; i < BARS; i++)
	{
		other_price[i] = i % 2 ? 1.7e308 : 1e-307;
		other_volume[i] = i % 3 ? 1.7e308 : 5e-324;
	}
	build(&config, &series, NULL, ts[6], rows);
	for (int i = 0; i < ROWS * 12; i++)
		odd += !isfinite(rows[i]);
	check_int(odd, 0, "extreme numbers give finite rows");

	/* A jump in the first slice's bar, which is not among the scales' bars. */
	{
		lem_config	longer = config;
		double		quiet[9];
		double		equal[9];
		int64_t		times[9];
		lem_real	more[5 * 10];

		longer.n_ahead = 3;
		longer.extra_features = 0;
		for (int i = 0; i < 9; i++)
		{
			times[i] = i * HOUR;
			quiet[i] = i == 8 ? 100 : 1 + 0.001 * (i % 2);
			equal[i] = 1;
		}
		series = (lem_series) {.n = 9, .ts = times, .price = quiet, .volume = equal};
		check_int(build(&longer, &series, NULL, times[8], more), LEM_OK, "a jump");
		check(more[4 * 10 + 1] == 10 && more[4 * 10 + 2] == 5, "is cut to the limits");
		check_near(more[4 * 10 + 8], 100 / 1.001, 1e-4, "but for the price");
	}
}

/* New York: summer time from *arg on. */
static int64_t
new_york(void *arg, int64_t t)
{
	return t - (t >= *(int64_t *) arg ? 4 : 5) * HOUR;
}

static void
test_clock(void)
{
	/* 2018-03-11 07:00 UTC, when 2:00 became 3:00; 6644 days and 7 hours after 2000-01-01. */
	int64_t		change = 6644 * LEM_DAY + 7 * HOUR;
	const lem_clock clock = {.to_local = new_york, .arg = &change};
	const lem_series series = small_series(change - 4 * HOUR, HOUR);
	const double local_hours[ROWS] = {0, 1, 3, 4};
	lem_config	config = small_config();
	lem_real	rows[ROWS * 12];

	check_int(build(&config, &series, &clock, ts[6], rows), LEM_OK, "rows in another time zone");
	for (int r = 0; r < ROWS; r++)
	{
		/* Bars 2 .. 5 start 2 and 1 hours before the change, at it, and an hour after. */
		check_near(rows[r * 12 + 3], sin(2 * PI * local_hours[r] / 24), TOLERANCE,
				   "day_sin of %g o'clock", local_hours[r]);
		check_near(rows[r * 12 + 6], cos(2 * PI * (6 * 24 + local_hours[r]) / 168), TOLERANCE,
				   "week_cos of Sunday, %g o'clock", local_hours[r]);
	}
}

/*
 * The reference inputs as bars: their windows, before them what makes up S and the first return,
 * and times that fit their days.  The set "paper" must give them back.
 */
static void
test_paper(const char *set, int lookback, int n_ahead, int batch)
{
	const int	history = LEM_PAPER_WINDOW + 1;	/* bars before row 0 */
	const int	t_rows = lookback + n_ahead - 1;
	const int	n = history + t_rows;
	const size_t cells = (size_t) t_rows * 7;
	lem_config	config = small_config();
	int64_t    *times = malloc((size_t) n * sizeof(int64_t));
	double	   *prices = malloc((size_t) n * sizeof(double));
	double	   *volumes = malloc((size_t) n * sizeof(double));
	lem_real   *rows = malloc(cells * sizeof(lem_real));
	size_t		count;
	double	   *inputs = golden_doubles(set, "inputs.x.bin", &count);
	const double *x = inputs;

	config.lookback = lookback;
	config.n_ahead = n_ahead;
	config.feature_set = LEM_FEATURES_PAPER;
	config.price_sigma = false;
	config.n_named = LEM_PAPER_FEATURES;
	config.extra_features = 0;
	check_int((long long) count, (long long) (batch * cells), "%s: inputs", set);
	for (int sample = 0; sample < batch; sample++, x += cells)
	{
		const lem_series series = {
			.n = (size_t) n, .ts = times, .price = prices, .volume = volumes
		};
		const double s = x[6] / x[0];
		double		sum = 0;
		double		worst[7] = {0};
		int			hour;

		for (int r = 0; r < t_rows; r++)
		{
			prices[history + r] = 50 * x[r * 7 + 5];
			volumes[history + r] = s * x[r * 7 + 6];
			if (r <= lookback - LEM_PAPER_LAG)
				sum += volumes[history + r];
		}
		for (int i = 0; i < history; i++)
		{
			prices[i] = prices[history] / (1 + x[4]);
			volumes[i] = (s - sum) / history;
		}

		/* An hour of January 2018 (6575 days after 2000-01-01) in which row 0 begins. */
		for (hour = 0; hour < 21 * 24; hour++)
		{
			int			r = 0;

			while (r < t_rows && x[r * 7 + 3] ==
				   lem_day_of_week(6575 * LEM_DAY + (hour + r) * HOUR))
				r++;
			if (r == t_rows)
				break;
		}
		for (int i = 0; i < n; i++)
			times[i] = 6575 * LEM_DAY + (hour + i - history) * HOUR;

		check_int(build(&config, &series, NULL, times[history + lookback + 1], rows), LEM_OK,
				  "%s: rows of sample %d", set, sample);
		for (size_t i = 0; i < cells; i++)
			worst[i % 7] = check_worse(worst[i % 7], fabs(rows[i] - x[i]) / fmax(fabs(x[i]), 1e-3));
		check(worst[0] < 1e-2 && worst[1] == 0 && worst[2] == 0 && worst[3] == 0 &&
			  worst[4] < 2e-4 && worst[5] < 1e-6 && worst[6] < 2e-4,
			  "%s: reference inputs of sample %d", set, sample);
		worst[0] = 0;
		for (size_t i = 0; i < cells; i += 7)
			worst[0] = check_worse(worst[0], fabs(rows[i] * s / rows[i + 6] - 1));
		check(worst[0] < 1e-5, "%s: norm_volume is volume / S (%d)", set, sample);

		/* S ends two bars before row L, and begins 336 bars before row 0. */
		volumes[history + lookback - 1] *= 2;
		volumes[history + lookback] *= 2;
		build(&config, &series, NULL, times[history + lookback + 1], rows);
		check_near(rows[6], volumes[history] / s, 1e-6, "%s: S ends two bars before row L", set);
		volumes[0] += s;
		build(&config, &series, NULL, times[history + lookback + 1], rows);
		check_near(rows[6], volumes[history] / s / 2, 1e-6, "%s: S begins at the first bar", set);
		check_int(build(&config, &series, NULL, times[history + lookback], rows),
				  LEM_SHORT_HISTORY, "%s: one bar too few", set);
	}
	free(inputs);
	free(times);
	free(prices);
	free(volumes);
	free(rows);
}

/* Closes, highs and lows: in standard deviations of the price's returns; carried on, not moving. */
static void
test_closes(void)
{
	const int64_t first = MONDAY + LEM_DAY + 3 * HOUR;
	const double sigma = sqrt(27.0 / 16) * LN2;
	lem_series	series = small_series(first, HOUR);
	lem_config	config = small_config();
	double		close[BARS];
	double		high[BARS];
	double		low[BARS];
	lem_real	rows[ROWS * 6];

	for (int i = 0; i < BARS; i++)
	{
		close[i] = price[i] * (1 + 0.01 * i);
		high[i] = close[i] * 1.5;
		low[i] = price[i] * 0.5;
	}
	config.feature_set = LEM_FEATURES_LIST;
	config.n_named = 2;
	config.named[0] = LEM_FEATURE_RANGE;
	config.named[1] = LEM_FEATURE_CLOSE_OFFSET;
	check_int(build(&config, &series, NULL, ts[6], rows), LEM_NO_CLOSES, "no closes");
	series.close = close;
	check_int(build(&config, &series, NULL, ts[6], rows), LEM_NO_RANGES, "no highs and lows");
	series.high = high;
	series.low = low;
	check_int(build(&config, &series, NULL, ts[6], rows), LEM_OK, "rows with closes");
	for (int r = 0; r < ROWS; r++)
	{
		check_near(rows[r * 6], log(3 * (1 + 0.01 * (r + 2))) / sigma, TOLERANCE, "range of row %d",
				   r);
		check_near(rows[r * 6 + 1], log1p(0.01 * (r + 2)) / sigma, TOLERANCE, "offset of row %d", r);
	}

	/* A bar that is missing before the start is carried on: as the last one ended. */
	series.n = 6;
	check_int(build(&config, &series, NULL, ts[5] + 2 * HOUR, rows), LEM_OK,
			  "rows with a bar carried on");
	check(rows[2 * 6] > 0 && rows[3 * 6] == 0, "nothing moves in it");
	check(rows[2 * 6 + 1] > 0 && rows[3 * 6 + 1] == rows[2 * 6 + 1], "its close is the last one's");
	close[5] = 1e9;
	low[5] = 1e-9;
	high[5] = 1e9;
	build(&config, &series, NULL, ts[6], rows);
	check(rows[3 * 6] == 10 && rows[3 * 6 + 1] == 10, "outliers are cut");
}

int
main(void)
{
	test_default();
	test_closes();
	test_list();
	test_edges();
	test_clock();
	test_paper("tiny", 6, 4, 3);
	test_paper("medium", 24, 6, 2);
	return check_done();
}

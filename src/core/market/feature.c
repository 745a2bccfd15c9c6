/* feature.c: the columns of a window. */
#include <float.h>
#include <math.h>

#include "market/calendar.h"
#include "market/feature.h"

#define TWO_PI 6.28318530717958647692

/* Largest number that goes to the network, well within a float. */
#define REAL_LIMIT 3e38

/* Returns whose variance is below this share of their mean square do not vary: it is rounding. */
#define NO_VARIANCE 1e-12

/* Bounds of features, and what keeps a logarithm away from zero. */
#define RETURN_LIMIT 10.0
#define VOLATILITY_LIMIT 5.0
#define VOLATILITY_FLOOR 1e-12
#define VOLUME_FLOOR 0.01

/* Largest distance of a price from that of row L, in standard deviations: prices stay above 0. */
#define PRICE_LIMIT 99.0

static inline double
clip(double x, double limit)
{
	return x > limit ? limit : x < -limit ? -limit : x;
}

static inline lem_real
to_real(double x)
{
	return (lem_real) clip(x, REAL_LIMIT);
}

void
lem_scale_window_of(const lem_config *config, int64_t interval, lem_scale_window *window)
{
	const int	strip = lem_strip_row(config, config->lookback) + 1;	/* up to row L */
	int64_t		bars = config->norm_window;

	if (config->feature_set == LEM_FEATURES_PAPER)
	{
		window->lag = LEM_PAPER_LAG;
		window->count = config->lookback + LEM_PAPER_WINDOW;
		window->history = window->lag + window->count;
	}
	else
	{
		if (bars == 0)
			bars = LEM_WEEK / interval + (LEM_WEEK % interval >= interval - interval / 2);
		if (bars < config->lookback)
			bars = config->lookback;
		if (bars > LEM_MAX_NORM_WINDOW)
			bars = LEM_MAX_NORM_WINDOW;
		if (config->shared_trunk && bars > lem_scale_strip_count(config))
			bars = lem_scale_strip_count(config);
		window->lag = 0;
		window->count = (int) bars;
		window->history = window->count + 1;	/* a return needs the price before */
		if (config->shared_trunk)
			window->history += config->lookback;
	}
	if (window->history < strip)
		window->history = strip;
}

double
lem_log_return(double before, double price)
{
	double		ratio;

	if (price == before)
		return 0;
	ratio = price / before;
	return log(ratio < DBL_MIN ? DBL_MIN : ratio > DBL_MAX ? DBL_MAX : ratio);
}

void
lem_scales_of(const lem_sums *sums, int count, lem_scales *scales)
{
	const double mean = sums->log_return / count;
	const double mean_square = sums->log_return_2 / count;
	const double variance = mean_square - mean * mean;

	scales->sum_volume = sums->volume * 0x1p20;
	scales->mean_volume = sums->volume / count * 0x1p20;
	scales->sigma = variance > NO_VARIANCE * mean_square ? sqrt(variance) : 0;
	scales->rms = sqrt(mean_square);
}

int
lem_scale_strip_count(const lem_config *config)
{
	if (!config->shared_trunk)
		return 0;
	if (config->norm_window > 0)
		return config->norm_window;
	return config->lookback > LEM_MAX_SHARED_WEEK ? config->lookback : LEM_MAX_SHARED_WEEK;
}

/* Sums at a time, one after the other: their order is that of the bars within the window alone. */
#define LANES 4

void
lem_scales_as_of(const lem_scale_strip *strip, int count, int r, lem_scales *scales)
{
	const double *volume = strip->volume + r + 1;
	const double *log_return = strip->log_return + r + 1;
	double		sum[3][LANES] = {{0}};
	lem_sums	sums;
	int			i = 0;

	for (; i + LANES <= count; i += LANES)
		for (int j = 0; j < LANES; j++)
		{
			sum[0][j] += volume[i + j];
			sum[1][j] += log_return[i + j];
			sum[2][j] += log_return[i + j] * log_return[i + j];
		}
	for (; i < count; i++)
	{
		sum[0][0] += volume[i];
		sum[1][0] += log_return[i];
		sum[2][0] += log_return[i] * log_return[i];
	}
	sums.volume = (sum[0][0] + sum[0][1]) + (sum[0][2] + sum[0][3]);
	sums.log_return = (sum[1][0] + sum[1][1]) + (sum[1][2] + sum[1][3]);
	sums.log_return_2 = (sum[2][0] + sum[2][1]) + (sum[2][2] + sum[2][3]);
	lem_scales_of(&sums, count, scales);
}

/* Realised volatility of the last n returns, those of strip indexes i - n + 1 .. i. */
static double
short_volatility(int n, const double *log_return, int i)
{
	double		sum = 0;

	for (int j = i - n + 1; j <= i; j++)
		sum += log_return[j] * log_return[j];
	return sqrt(sum / n);
}

/*
 * What a bar's close tells beside its price.  A bar that is carried on or expected stands where the
 * last one ended: its price is the last bar's, and so is its close.
 */
static double
close_offset(const lem_series *series, const lem_bar *bar, const lem_scales *scales)
{
	if (scales->sigma == 0)
		return 0;
	return clip(lem_log_return(series->price[bar->source], series->close[bar->source])
				/ scales->sigma, RETURN_LIMIT);
}

/* High over low; nothing moves in a bar that is carried on or expected. */
static double
range(const lem_series *series, const lem_bar *bar, const lem_scales *scales)
{
	if (scales->sigma == 0 || bar->ts != series->ts[bar->source])
		return 0;
	return clip(lem_log_return(series->low[bar->source], series->high[bar->source])
				/ scales->sigma, RETURN_LIMIT);
}

/* One named feature, for strip index i. */
static double
feature_value(const lem_config *config, lem_feature feature, const lem_series *series,
			  const lem_strip *strip, int i, int64_t local, int64_t interval,
			  const lem_scales *scales)
{
	switch (feature)
	{
		case LEM_FEATURE_LOG_VOLUME:
			if (scales->mean_volume == 0)
				return 0;
			return log((strip->bars[i].volume / scales->mean_volume + VOLUME_FLOOR)
					   / (1 + VOLUME_FLOOR));
		case LEM_FEATURE_RETURN:
			if (scales->sigma == 0)
				return 0;
			return clip(strip->log_return[i] / scales->sigma, RETURN_LIMIT);
		case LEM_FEATURE_VOLATILITY:
			if (scales->sigma == 0)
				return 0;
			return clip(log((short_volatility(lem_volatility_bars(config), strip->log_return, i)
							 + VOLATILITY_FLOOR) / (scales->rms + VOLATILITY_FLOOR)),
						VOLATILITY_LIMIT);
		case LEM_FEATURE_DAY_SIN:
			return sin(TWO_PI * (double) lem_time_of_day(local) / LEM_DAY);
		case LEM_FEATURE_DAY_COS:
			return cos(TWO_PI * (double) lem_time_of_day(local) / LEM_DAY);
		case LEM_FEATURE_WEEK_SIN:
			return sin(TWO_PI * (double) lem_time_of_week(local) / LEM_WEEK);
		case LEM_FEATURE_WEEK_COS:
			return cos(TWO_PI * (double) lem_time_of_week(local) / LEM_WEEK);
		case LEM_FEATURE_LOG_INTERVAL:
			return log((double) interval / LEM_MINUTE);
		case LEM_FEATURE_CLOSE_OFFSET:
			return close_offset(series, &strip->bars[i], scales);
		case LEM_FEATURE_RANGE:
			return range(series, &strip->bars[i], scales);
		case LEM_FEATURE_NAMES:
			break;
	}
	return 0;
}

/* x / scale, 0 without a scale. */
static inline double
relative(double x, double scale)
{
	return scale > 0 ? x / scale : 0;
}

/* The features of the set "paper", for strip index i. */
static void
paper_features(const lem_strip *strip, int i, int64_t local, int64_t interval,
			   const lem_scales *scales, lem_real *row)
{
	const double s = scales->sum_volume;

	row[0] = to_real(relative(relative(strip->bars[i].volume, s), s));
	row[1] = to_real((double) interval / LEM_MINUTE);
	row[2] = (lem_real) lem_month(local);
	row[3] = (lem_real) lem_day_of_week(local);
	row[4] = to_real(strip->bars[i].price / strip->bars[i - 1].price - 1);
}

/* The price column, from the price's ratio to that of the base row. */
static double
price_column(const lem_config *config, const lem_scales *scales, double ratio)
{
	if (!config->price_sigma)
		return ratio;
	if (scales->sigma == 0)
		return 1;
	return 1 + LEM_PRICE_STEP * clip((ratio - 1) / scales->sigma, PRICE_LIMIT);
}

void
lem_feature_rows(const lem_config *config, const lem_series *series, const lem_clock *clock,
				 int64_t interval, const lem_strip *strip, const lem_scales *scales,
				 int first, lem_real *rows)
{
	const bool	paper = config->feature_set == LEM_FEATURES_PAPER;
	const bool	shared = config->shared_trunk;
	const int	base = lem_strip_row(config, paper ? 0 : config->lookback);
	const double base_price = strip->bars[base].price;
	const double base_volume = paper ? scales->sum_volume : scales->mean_volume;
	const int	extra = config->extra_features;

	for (int r = first; r < lem_rows(config); r++)
	{
		const int	i = lem_strip_row(config, r);
		const lem_bar *bar = &strip->bars[i];
		const int64_t local = lem_local_time(clock, bar->ts);
		lem_real   *row = rows + (size_t) r * lem_inputs(config);

		if (paper)
			paper_features(strip, i, local, interval, scales, row);
		else
		{
			for (int f = 0; f < config->n_named; f++)
			{
				lem_feature feature = config->feature_set == LEM_FEATURES_LIST
					? config->named[f] : (lem_feature) f;

				row[f] = to_real(feature_value(config, feature, series, strip, i, local,
											   interval, shared ? &scales[r] : scales));
			}
		}
		row += config->n_named;
		for (int f = 0; f < extra; f++)
			row[f] = to_real(series->features[bar->source * (size_t) extra + (size_t) f]);
		if (shared)
			continue;
		row += extra;
		row[0] = to_real(price_column(config, scales, bar->price / base_price));
		row[1] = to_real(relative(bar->volume, base_volume));
	}
}

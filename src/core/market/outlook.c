/* outlook.c: scales and inputs of forecasts, bar after bar. */
#include <math.h>
#include <string.h>

#include "market/outlook.h"

/* Parts of a day that have a mean volume of their own. */
#define SLOTS 96

/* Least sigma and spread, of the price; bars between two looks at the stop callback. */
#define LEAST_SIGMA 1e-8
#define LEAST_SPREAD 1e-9
#define STOP_BARS 4096

/* A gap of more than so many bar intervals has no return: the market was closed. */
#define CLOSED_INTERVALS 10

/* Distance of the quantiles 0.1 and 0.9 of a normal distribution, in standard deviations. */
#define NORMAL_WIDTH 2.5631031310892007

/* An exponential mean that is unbiased from its first number. */
typedef struct running_mean
{
	double		keep;
	double		sum;
	double		weight;
} running_mean;

static void
mean_add(running_mean *mean, double x)
{
	mean->sum = mean->keep * mean->sum + (1 - mean->keep) * x;
	mean->weight = mean->keep * mean->weight + (1 - mean->keep);
}

static double
mean_of(const running_mean *mean, double none)
{
	return mean->weight > 0 ? mean->sum / mean->weight : none;
}

/* How much of a day's volume falls into each slot, from the days before today. */
typedef struct season
{
	double		volume[SLOTS];	/* of days that are over */
	double		bars[SLOTS];
	double		all_volume;
	double		all_bars;
	double		today_volume[SLOTS];
	double		today_bars[SLOTS];
	int64_t		day;
	bool		begun;
} season;

static void
season_add(season *s, int64_t local, double volume)
{
	const int64_t time = lem_time_of_day(local);
	const int64_t day = (local - time) / LEM_DAY;
	const int	slot = (int) (time / (LEM_DAY / SLOTS));

	if (s->begun && day != s->day)
	{
		for (int i = 0; i < SLOTS; i++)
		{
			s->volume[i] += s->today_volume[i];
			s->bars[i] += s->today_bars[i];
			s->all_volume += s->today_volume[i];
			s->all_bars += s->today_bars[i];
		}
		memset(s->today_volume, 0, sizeof(s->today_volume));
		memset(s->today_bars, 0, sizeof(s->today_bars));
	}
	s->begun = true;
	s->day = day;
	s->today_volume[slot] += volume;
	s->today_bars[slot] += 1;
}

/* Volume of a bar at a time of the day, of an average bar's. */
static double
season_at(const season *s, int64_t local)
{
	const int	slot = (int) (lem_time_of_day(local) / (LEM_DAY / SLOTS));
	double		share;

	if (s->bars[slot] == 0 || s->all_volume <= 0)
		return 1;
	share = (s->volume[slot] / s->bars[slot]) / (s->all_volume / s->all_bars);
	return fmin(fmax(share, 0.05), 20);
}

static int64_t
local_time(const lem_clock *clock, int64_t ts)
{
	return clock && clock->to_local ? clock->to_local(clock->arg, ts) : ts;
}

static double
clip(double x, double most)
{
	return isfinite(x) ? fmin(fmax(x, -most), most) : 0;
}

lem_status
lem_outlook_fill(const lem_book *book, const lem_clock *clock, int horizon,
				 lem_sessions sessions, const lem_stop *stop, lem_outlook_bar *bars)
{
	const double keep = exp2(-1.0 / LEM_HALF_LIFE);
	const double keep_late = exp2(-1.0 / LEM_LATE_HALF_LIFE);
	const lem_series *series = &book->series;
	running_mean square = {keep, 0, 0};
	running_mean square_late = {keep_late, 0, 0};
	running_mean spread = {keep, 0, 0};
	running_mean volume = {keep, 0, 0};
	running_mean level = {keep, 0, 0};	/* of volume by its season */
	running_mean flow = {keep, 0, 0};
	season		of_day = {.begun = false};
	int64_t		interval = 0;
	int64_t		day = 0;

	for (size_t i = 0; i < series->n; i++)
	{
		lem_outlook_bar *bar = &bars[i];
		const int64_t local = local_time(clock, series->ts[i]);
		const int64_t today = (local - lem_time_of_day(local)) / LEM_DAY;
		const double traded = series->volume[i];
		double		ret = 0;
		double		here;

		if (i % STOP_BARS == 0 && lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_book_feature_at(book, i, &bar->now);
		bar->session = i == 0 ? 0 : bars[i - 1].session +
			(sessions == LEM_SESSIONS_DAY && today != day);
		day = today;
		if (i > 0)
		{
			const int64_t gap = series->ts[i] - series->ts[i - 1];

			interval = interval == 0 || gap < interval ? gap : interval;
			ret = log(bar->now.mid / bars[i - 1].now.mid);
			if (gap / CLOSED_INTERVALS > interval)
				ret = 0;
			else
			{
				mean_add(&square, ret * ret);
				mean_add(&square_late, ret * ret);
			}
		}
		mean_add(&spread, bar->now.spread);
		mean_add(&volume, fmin(traded, 1e300));
		mean_add(&flow, fmin(bar->now.flow * bar->now.flow, 1e300));
		season_add(&of_day, local, fmin(traded, 1e300));
		here = season_at(&of_day, local);
		mean_add(&level, fmin(traded, 1e300) / here);

		bar->sigma = fmin(fmax(sqrt(mean_of(&square, 0)), LEAST_SIGMA), 1);
		bar->mean_spread = fmax(mean_of(&spread, 0), bar->now.mid * LEAST_SPREAD);
		bar->volume = mean_of(&level, 0) *
			season_at(&of_day, local_time(clock, series->ts[i] +
										  (interval < LEM_WEEK ? interval : LEM_WEEK) *
										  (1 + horizon) / 2));

		bar->input[LEM_INPUT_SPREAD] = clip(log(fmax(bar->now.spread,
													 bar->mean_spread * 0.01) /
												bar->mean_spread), 4);
		bar->input[LEM_INPUT_IMBALANCE] = bar->now.imbalance;
		bar->input[LEM_INPUT_FLOW] = clip(bar->now.flow / sqrt(mean_of(&flow, 0)), 5);
		bar->input[LEM_INPUT_SIGNED] = clip(bar->now.signed_volume / mean_of(&volume, 0), 5);
		bar->input[LEM_INPUT_MICROPRICE] = clip((bar->now.microprice / bar->now.mid - 1) /
												bar->sigma, 5);
		bar->input[LEM_INPUT_SPREAD_LEVEL] = (log(bar->mean_spread / bar->now.mid) + 8) / 4;
		bar->input[LEM_INPUT_SIGMA_LEVEL] = (log(bar->sigma) + 8) / 4;
		bar->input[LEM_INPUT_VOLUME] = log1p(traded) - log1p(bar->volume);
		bar->input[LEM_INPUT_RETURN] = clip(ret / bar->sigma, 5);
		bar->input[LEM_INPUT_TREND] = i < 10 || bars[i - 10].session != bar->session ? 0 :
			clip(log(bar->now.mid / bars[i - 10].now.mid) / (bar->sigma * sqrt(10)), 5);
		bar->input[LEM_INPUT_SIGMA] = clip(log(fmax(sqrt(mean_of(&square_late, 0)),
													LEAST_SIGMA) / bar->sigma), 4);
		bar->input[LEM_INPUT_SEASON] = clip(log1p(bar->volume) -
											log1p(mean_of(&volume, 0)), 5);
	}
	return LEM_OK;
}

/* Targets from what the horizon came to. */
static void
set_target(const lem_outlook_bar *now, int horizon, double move, double spread, double volume,
		   double *target)
{
	target[LEM_TASK_MID] = clip(move / horizon / (now->sigma * sqrt(horizon)), 20);
	target[LEM_TASK_SPREAD] = clip(log(fmax(spread / horizon, now->mean_spread * 0.01) /
									   now->mean_spread), 20);
	target[LEM_TASK_VOLUME] = clip(log1p(volume) - log1p(horizon * now->volume), 20);
}

bool
lem_outlook_target(const lem_outlook_bar *bars, const lem_series *series, size_t n, size_t i,
				   int horizon, double *target)
{
	const lem_outlook_bar *now = &bars[i];
	double		move = 0;
	double		spread = 0;
	double		volume = 0;

	if (n - i <= (size_t) horizon || bars[i + horizon].session != now->session)
		return false;
	for (int j = 1; j <= horizon; j++)
	{
		move += bars[i + j].now.mid / now->now.mid - 1;
		spread += bars[i + j].now.spread;
		volume += fmin(series->volume[i + j], 1e300);
	}
	set_target(now, horizon, move, spread, volume, target);
	return true;
}

void
lem_outlook_series(const lem_book *book, const lem_outlook_bar *bars, double *mid,
				   double *features)
{
	const size_t width = LEM_MAKER_INPUTS + (size_t) book->n_features;

	for (size_t i = 0; i < book->series.n; i++)
	{
		mid[i] = bars[i].now.mid;
		memcpy(features + i * width, bars[i].input, sizeof(bars[i].input));
		memcpy(features + i * width + LEM_MAKER_INPUTS, lem_book_features_of(book, i),
			   book->n_features * sizeof(double));
	}
}

void
lem_outlook_back(const lem_series *series, size_t i, lem_outlook_bar *bar)
{
	const double *input = series->features + i * (size_t) series->n_features;

	memset(bar, 0, sizeof(*bar));
	bar->now.mid = series->price[i];
	bar->mean_spread = bar->now.mid * exp(4 * input[LEM_INPUT_SPREAD_LEVEL] - 8);
	bar->now.spread = bar->mean_spread * exp(input[LEM_INPUT_SPREAD]);
	bar->sigma = exp(4 * input[LEM_INPUT_SIGMA_LEVEL] - 8);
	bar->volume = fmax(expm1(log1p(series->volume[i]) - input[LEM_INPUT_VOLUME]), 0);
}

bool
lem_outlook_series_target(const lem_series *series, const lem_clock *clock, size_t i,
						  int horizon, double *target)
{
	lem_outlook_bar now;
	double		move = 0;
	double		spread = 0;
	double		volume = 0;
	int64_t		from;
	int64_t		to;

	if (series->n - i <= (size_t) horizon)
		return false;
	from = local_time(clock, series->ts[i]);
	to = local_time(clock, series->ts[i + horizon]);
	if (from - lem_time_of_day(from) != to - lem_time_of_day(to))
		return false;
	lem_outlook_back(series, i, &now);
	for (int j = 1; j <= horizon; j++)
	{
		lem_outlook_bar then;

		lem_outlook_back(series, i + j, &then);
		move += then.now.mid / now.now.mid - 1;
		spread += then.now.spread;
		volume += fmin(series->volume[i + j], 1e300);
	}
	set_target(&now, horizon, move, spread, volume, target);
	return true;
}

void
lem_outlook_scaled(const lem_series *series, size_t i, int horizon, double mid, double spread,
				   double volume, double *target)
{
	lem_outlook_bar now;

	lem_outlook_back(series, i, &now);
	set_target(&now, horizon, horizon * (mid / now.now.mid - 1), horizon * spread, volume, target);
}

void
lem_outlook_last(const lem_series *series, size_t i, int horizon, double *target)
{
	lem_outlook_bar now;

	lem_outlook_back(series, i, &now);
	set_target(&now, horizon, 0, horizon * now.now.spread,
			   horizon * fmin(series->volume[i], 1e300), target);
}

void
lem_maker_forecast_of(const lem_outlook_bar *bar, int horizon, const double *median, double low,
					  double high, lem_maker_forecast *forecast)
{
	const double unit = bar->now.mid * fmin(bar->sigma * sqrt(horizon), 0.05);

	forecast->mid = bar->now.mid + unit * clip(median[LEM_TASK_MID], 10);
	forecast->mid_low = bar->now.mid + unit * clip(low, 10);
	forecast->mid_high = bar->now.mid + unit * clip(high, 10);
	forecast->spread = bar->mean_spread * exp(clip(median[LEM_TASK_SPREAD], 5));
	forecast->volume = fmax(0, (1 + horizon * bar->volume) *
							exp(clip(median[LEM_TASK_VOLUME], 20)) - 1);
	forecast->sigma = fmax(forecast->mid_high - forecast->mid_low, 0) / NORMAL_WIDTH;
}

/* outlook.c: scales and inputs of forecasts, bar after bar. */
#include <math.h>
#include <string.h>

#include "market/feature.h"
#include "market/outlook.h"

/* Parts of a day that have a mean volume of their own. */
#define SLOTS 96

/* Least sigma and spread, of the price; bars between two looks at the stop callback. */
#define LEAST_SIGMA 1e-8
#define LEAST_SPREAD 1e-9
#define STOP_BARS 4096

/* Bars that a trend is taken over. */
#define TREND 10

/* A gap of more than so many bar intervals has no return: the market was closed. */
#define CLOSED_INTERVALS 10

/* Distance of the quantiles 0.1 and 0.9 of a normal distribution, in standard deviations. */
#define NORMAL_WIDTH 2.5631031310892007

/*
 * An exponential mean that is unbiased from its first number: the weight is that of the numbers so
 * far, which means that began together share.
 */
static inline void
mean_add(double *sum, double keep, double x)
{
	*sum = keep * *sum + (1 - keep) * x;
}

static inline double
mean_of(double sum, double weight)
{
	return weight > 0 ? sum / weight : 0;
}

/* Of finite numbers, without a call. */
static inline double
at_most(double x, double most)
{
	return x < most ? x : most;
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
	int64_t		midnight;		/* of the last bar's day, */
	int			slot;			/* its time, */
	double		share;			/* and what is usual then */
	bool		begun;
} season;

static inline int
slot_of(int64_t time_of_day)
{
	return (int) (time_of_day / (LEM_DAY / SLOTS));
}

/* Volume of a bar at a time of the day, of an average bar's. */
static double
share_of(const season *s, int slot)
{
	double		share;

	if (s->bars[slot] == 0 || s->all_volume <= 0)
		return 1;
	share = (s->volume[slot] / s->bars[slot]) / (s->all_volume / s->all_bars);
	return fmin(fmax(share, 0.05), 20);
}

/* Count a bar of a day (its midnight) in; returns the share at its time, from the days before. */
static double
season_add(season *s, int64_t midnight, int slot, double volume)
{
	if (s->begun && midnight != s->midnight)
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
	if (!s->begun || midnight != s->midnight || slot != s->slot)
		s->share = share_of(s, slot);
	s->begun = true;
	s->midnight = midnight;
	s->slot = slot;
	s->today_volume[slot] += volume;
	s->today_bars[slot] += 1;
	return s->share;
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

/* What goes along with the bars. */
typedef struct progress
{
	double		square;			/* sums of exponential means: of squared returns, */
	double		square_weight;
	double		square_late;
	double		square_late_weight;
	double		weight;			/* and of what each bar has */
	double		spread;
	double		volume;
	double		level;			/* of volume by its season */
	double		flow;
	double		mid[TREND];		/* of the last bars, and their sessions */
	int			session[TREND];
	int64_t		interval;
	int64_t		midnight;		/* of the last bar's day */
	season		of_day;
	lem_spread_estimate estimate;
} progress;

/* The inputs of bar i from its outlook and the bars before. */
static void
set_inputs(const progress *p, const lem_series *series, size_t i, double ret,
		   lem_outlook_bar *bar)
{
	const double traded = series->volume[i];

	bar->input[LEM_INPUT_SPREAD] = clip(log(fmax(bar->now.spread, bar->mean_spread * 0.01) /
											bar->mean_spread), 4);
	bar->input[LEM_INPUT_IMBALANCE] = bar->now.imbalance;
	bar->input[LEM_INPUT_FLOW] = clip(bar->now.flow / sqrt(mean_of(p->flow, p->weight)), 5);
	bar->input[LEM_INPUT_SIGNED] = clip(bar->now.signed_volume / mean_of(p->volume, p->weight), 5);
	bar->input[LEM_INPUT_MICROPRICE] = clip((bar->now.microprice / bar->now.mid - 1) /
											bar->sigma, 5);
	bar->input[LEM_INPUT_SPREAD_LEVEL] = (log(at_most(bar->mean_spread / bar->now.mid, 1e300)) +
										  8) / 4;
	bar->input[LEM_INPUT_SIGMA_LEVEL] = (log(bar->sigma) + 8) / 4;
	bar->input[LEM_INPUT_VOLUME] = log1p(traded) - log1p(bar->volume);
	bar->input[LEM_INPUT_RETURN] = clip(ret / bar->sigma, 5);
	bar->input[LEM_INPUT_TREND] = i < TREND || p->session[i % TREND] != bar->session ? 0 :
		clip(log(bar->now.mid / p->mid[i % TREND]) / (bar->sigma * sqrt(TREND)), 5);
	bar->input[LEM_INPUT_SIGMA] =
		clip(log(fmax(sqrt(mean_of(p->square_late, p->square_late_weight)), LEAST_SIGMA) /
				 bar->sigma), 4);
	bar->input[LEM_INPUT_SEASON] = clip(log1p(bar->volume) -
										log1p(mean_of(p->volume, p->weight)), 5);
}

lem_status
lem_outlook_fill(const lem_book *book, const lem_clock *clock, int horizon,
				 lem_sessions sessions, size_t from, const lem_stop *stop, lem_outlook_bar *bars,
				 const lem_outlook_track *track)
{
	const double keep = exp2(-1.0 / LEM_HALF_LIFE);
	const double keep_late = exp2(-1.0 / LEM_LATE_HALF_LIFE);
	const lem_series *series = &book->series;
	const bool	quoted = (book->layout & LEM_BOOK_QUOTES) != 0;
	const bool	sized = (book->layout & LEM_BOOK_SIZES) != 0;
	progress	p;
	int			session = 0;
	double		before = 0;

	memset(&p, 0, sizeof(p));
	p.midnight = INT64_MIN;
	for (size_t i = 0; i < series->n; i++)
	{
		lem_outlook_bar *bar = i >= from ? &bars[i - from] : NULL;
		const int64_t local = local_time(clock, series->ts[i]);
		const bool	same_day = local >= p.midnight && local - LEM_DAY < p.midnight;
		const double traded = at_most(series->volume[i], 1e300);
		const double estimate = quoted ? 0 : lem_spread_next(&p.estimate, book, i);
		double		mid;
		double		spread;
		double		flow;
		double		whole = 0;	/* the log return, and what of it counts: */
		double		ret = 0;	/* none where the market was closed */

		if (i % STOP_BARS == 0 && lem_stop_asked(stop))
			return LEM_STOPPED;
		if (bar)
		{
			lem_book_feature_with(book, i, estimate, &bar->now);
			mid = bar->now.mid;
			spread = bar->now.spread;
			flow = bar->now.flow;
		}
		else
		{
			const double bid = lem_book_get(book, LEM_BOOK_BID, i);
			const double ask = lem_book_get(book, LEM_BOOK_ASK, i);

			mid = quoted ? 0.5 * bid + 0.5 * ask : series->price[i];
			spread = quoted ? ask - bid : series->price[i] * estimate;
			flow = sized && i > 0 ? lem_book_flow(book, i) : 0;
		}
		if (i > 0)
		{
			const int64_t gap = series->ts[i] - series->ts[i - 1];

			session += sessions == LEM_SESSIONS_DAY && !same_day;
			p.interval = p.interval == 0 || gap < p.interval ? gap : p.interval;
			whole = lem_log_return(before, mid);
			if (gap / CLOSED_INTERVALS <= p.interval)
			{
				ret = whole;
				mean_add(&p.square, keep, ret * ret);
				mean_add(&p.square_weight, keep, 1);
				mean_add(&p.square_late, keep_late, ret * ret);
				mean_add(&p.square_late_weight, keep_late, 1);
			}
		}
		before = mid;
		if (!same_day)
			p.midnight = local - lem_time_of_day(local);
		mean_add(&p.weight, keep, 1);
		mean_add(&p.spread, keep, spread);
		mean_add(&p.volume, keep, traded);
		mean_add(&p.flow, keep, at_most(flow * flow, 1e300));
		mean_add(&p.level, keep, traded / season_add(&p.of_day, p.midnight,
													 slot_of(local - p.midnight), traded));
		if (track)
		{
			track->mid[i] = mid;
			if (track->log_return)
				track->log_return[i] = whole;
		}
		if (bar)
		{
			bar->session = session;
			bar->sigma = fmin(fmax(sqrt(mean_of(p.square, p.square_weight)), LEAST_SIGMA), 1);
			bar->mean_spread = fmax(mean_of(p.spread, p.weight), mid * LEAST_SPREAD);
			bar->volume = mean_of(p.level, p.weight) *
				share_of(&p.of_day, slot_of(lem_time_of_day(
					local_time(clock, series->ts[i] +
							   (p.interval < LEM_WEEK ? p.interval : LEM_WEEK) *
							   (1 + horizon) / 2))));
			set_inputs(&p, series, i, ret, bar);
		}
		p.mid[i % TREND] = mid;
		p.session[i % TREND] = session;
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
lem_outlook_features(const lem_book *book, size_t from, const lem_outlook_bar *bars,
					 double *features)
{
	const size_t width = LEM_MAKER_INPUTS + (size_t) book->n_features;

	for (size_t i = from; i < book->series.n; i++, bars++, features += width)
	{
		memcpy(features, bars->input, sizeof(bars->input));
		if (book->n_features > 0)
			memcpy(features + LEM_MAKER_INPUTS, lem_book_features_of(book, i),
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

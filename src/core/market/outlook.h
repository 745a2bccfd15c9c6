/*
 * outlook.h: what is known of a market at the end of a bar, from it and the bars before it: the
 * scales that forecasts are made in, and a dozen inputs for them.
 */
#ifndef LEM_OUTLOOK_H
#define LEM_OUTLOOK_H

#include "market/book.h"
#include "market/calendar.h"

/* Inputs of forecasts, of the order of 1 each. */
typedef enum lem_maker_input
{
	LEM_INPUT_SPREAD,			/* log(spread / mean spread) */
	LEM_INPUT_IMBALANCE,
	LEM_INPUT_FLOW,				/* order flow / its root mean square */
	LEM_INPUT_SIGNED,			/* signed volume / mean volume */
	LEM_INPUT_MICROPRICE,		/* (microprice / mid - 1) / sigma */
	LEM_INPUT_SPREAD_LEVEL,		/* (log(mean spread / mid) + 8) / 4 */
	LEM_INPUT_SIGMA_LEVEL,		/* (log sigma + 8) / 4 */
	LEM_INPUT_VOLUME,			/* log((1 + volume) / (1 + expected volume)) */
	LEM_INPUT_RETURN,			/* last bar's log return / sigma */
	LEM_INPUT_TREND,			/* ten bars' / (sigma sqrt(10)) */
	LEM_INPUT_SIGMA,			/* log(sigma of late / sigma) */
	LEM_INPUT_SEASON,			/* log((1 + expected volume) / (1 + mean volume)) */
	LEM_MAKER_INPUTS
} lem_maker_input;

/* The three tasks of a forecast. */
typedef enum lem_task
{
	LEM_TASK_MID,
	LEM_TASK_SPREAD,
	LEM_TASK_VOLUME,
	LEM_MAKER_TASKS
} lem_task;

typedef struct lem_outlook_bar
{
	lem_book_feature now;		/* of the bar itself */
	double		sigma;			/* standard deviation of a bar's log return of the mid; > 0 */
	double		mean_spread;	/* exponential mean; > 0 */
	double		volume;			/* expected of each of the horizon's bars */
	int			session;		/* 0, 1, ..: rises at the first bar of each session */
	double		input[LEM_MAKER_INPUTS];
} lem_outlook_bar;

/* Where sessions begin. */
typedef enum lem_sessions
{
	LEM_SESSIONS_DAY,			/* with each local date */
	LEM_SESSIONS_NONE			/* the whole book is one */
} lem_sessions;

/* Half-lives, in bars, of the means; sigma's late one is shorter. */
#define LEM_HALF_LIFE 60
#define LEM_LATE_HALF_LIFE 10

/* The mids of a book, on the way. */
typedef struct lem_outlook_track
{
	double	   *mid;			/* n */
	double	   *log_return;		/* n, or NULL: of the mid, after the bar before; 0 for bar 0 */
} lem_outlook_track;

/*
 * One outlook a bar of [from, n) of the book, for forecasts of so many bars; bars[0] is that of bar
 * from.  It depends on all bars up to its own and on no later one: from says only which outlooks are
 * wanted.  track may be NULL.  clock NULL: UTC.  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_outlook_fill(const lem_book *book, const lem_clock *clock, int horizon,
								   lem_sessions sessions, size_t from, const lem_stop *stop,
								   lem_outlook_bar *bars, const lem_outlook_track *track);

/*
 * What the horizon after bar i came to, in the scales of its outlook (maker page, section a):
 *   y1 = (mean mid / mid - 1) / (sigma sqrt(H));  y2 = log(mean spread / exponential mean);
 *   y3 = log((1 + volume) / (1 + H expected)).
 * False where the book ends, or the session does, before the horizon.
 */
extern bool lem_outlook_target(const lem_outlook_bar *bars, const lem_series *series, size_t n,
							   size_t i, int horizon, double *target);

/*
 * A book's outlook as the features of a series that models of market making read, whose price is the
 * mid: the inputs, then the user's own.  For bars [from, n), bars[0] being the outlook of bar from;
 * features: n - from rows of LEM_MAKER_INPUTS + book->n_features.
 */
extern void lem_outlook_features(const lem_book *book, size_t from, const lem_outlook_bar *bars,
								 double *features);

/* Scales of bar i back from such a series: mid, spread, sigma, mean_spread and volume. */
extern void lem_outlook_back(const lem_series *series, size_t i, lem_outlook_bar *bar);

/*
 * lem_outlook_target from such a series; a session is a local date.  False likewise.
 */
extern bool lem_outlook_series_target(const lem_series *series, const lem_clock *clock, size_t i,
									  int horizon, double *target);

/*
 * Targets (3) as bar i of such a series puts them: of a mean mid, a mean spread and a volume over the
 * horizon, and of the last spread and volume going on, with the mid as it is.
 */
extern void lem_outlook_scaled(const lem_series *series, size_t i, int horizon, double mid,
							   double spread, double volume, double *target);
extern void lem_outlook_last(const lem_series *series, size_t i, int horizon, double *target);

/* A forecast in the market's own units. */
typedef struct lem_maker_forecast
{
	double		mid;			/* mean over the horizon */
	double		mid_low;		/* quantiles 0.1 and 0.9 */
	double		mid_high;
	double		spread;
	double		volume;			/* sum over the horizon */
	double		sigma;			/* the forecast's own standard deviation of the mid, in price */
} lem_maker_forecast;

/* A forecast from targets: medians, and the mid's quantiles. */
extern void lem_maker_forecast_of(const lem_outlook_bar *bar, int horizon, const double *median,
								  double low, double high, lem_maker_forecast *forecast);

#endif

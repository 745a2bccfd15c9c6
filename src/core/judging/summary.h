/*
 * summary.h: what a backtest's starts amount to.
 *
 * Orders that start within a horizon of each other trade in the same bars, so their gains go
 * together.  Intervals allow for it: the variance of a mean is that of Newey and West (1987), with
 * Bartlett weights that fall to 0 over LEM_BANDWIDTH horizons, the distance of two starts counted
 * in bars of the series; the critical value is that of Kiefer and Vogelsang (2005) for such an
 * estimate, from the share that its bandwidth is of the whole time.
 */
#ifndef LEM_SUMMARY_H
#define LEM_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Horizons of a bandwidth; horizons, and starts, that there must be for an interval. */
#define LEM_BANDWIDTH 12
#define LEM_LEAST_HORIZONS 20

/* A mean and its 95 % interval. */
typedef struct lem_interval
{
	double		mean;
	bool		valid;			/* the rest: there were enough starts, and they vary */
	double		error;			/* standard error of the mean */
	double		t;				/* mean / error */
	double		low;
	double		high;
} lem_interval;

typedef struct lem_figures
{
	lem_interval gain;
	double		deviation;		/* standard; 0 with one start */
	double		ratio;			/* mean / deviation; 0 where that is 0 */
	double		median;
	double		p5;				/* percentiles, interpolated */
	double		p25;
	double		p75;
	double		p95;
	double		win_rate;		/* share of starts with a gain > 0 */
} lem_figures;

/*
 * The mean of n > 0 numbers x (one every stride) at rising bars, for orders of so many
 * bars from which every every-th bar can start.
 */
extern void lem_interval_of(size_t n, const double *x, size_t stride, const int64_t *bar,
							int horizon, int64_t every, lem_interval *interval);

/*
 * The mean of n > 0 numbers of orders that begin at the times ts, not falling, many at the same
 * time, and last up to a horizon (microseconds, > 0), and their standard deviation: orders of
 * several series at a time count as one another's neighbours at no distance.
 */
extern void lem_interval_pooled(size_t n, const double *x, const int64_t *ts, int64_t horizon,
								double *deviation, lem_interval *interval);

/* lem_interval_of, and the rest of the figures: LEM_OK or LEM_STOPPED.  scratch: n numbers. */
extern lem_status lem_figures_of(size_t n, const double *x, size_t stride, const int64_t *bar,
								 int horizon, int64_t every, double *scratch,
								 const lem_stop *stop, lem_figures *figures);

/* What strategies of a backtest came to; gains: n x strategies. */
typedef struct lem_compared
{
	lem_figures figures;
	double		difference_deviation;	/* of what the first strategy gained more than this one */
	lem_interval difference;	/* its mean and interval, paired start by start */
} lem_compared;

/*
 * Strategy `which`, and for all but the first how far the first is ahead: LEM_OK or
 * LEM_STOPPED.  scratch: n numbers.
 */
extern lem_status lem_compare(size_t n, const double *gains, int strategies, int which,
							  const int64_t *bar, int horizon, int64_t every, double *scratch,
							  const lem_stop *stop, lem_compared *compared);

#endif

/*
 * feature.h: the columns of a window (model page, section 6).
 *
 * Arithmetic is in double precision; the results are rounded to lem_real, and always finite.
 * Scaling all prices, or with the default features all volumes, by a power of two changes no bit.
 */
#ifndef LEM_FEATURE_H
#define LEM_FEATURE_H

#include "market/gaps.h"
#include "parameters/config.h"

/* Set "paper": S sums the volumes of L + 335 bars, the last of them two before row L. */
#define LEM_PAPER_WINDOW 335
#define LEM_PAPER_LAG 2

/* Where scales are taken: `count` bars, the last of them `lag` bars before row L. */
typedef struct lem_scale_window
{
	int			lag;
	int			count;
	int			history;		/* bars needed up to and including row L; with a shared trunk the
								 * scales of row 0 need theirs */
} lem_scale_window;

/* Sums over a scale window. */
typedef struct lem_sums
{
	double		volume;			/* of volume * 2^-20, so that it cannot overflow */
	double		log_return;
	double		log_return_2;	/* of squares */
} lem_sums;

typedef struct lem_scales
{
	double		sum_volume;		/* S */
	double		mean_volume;
	double		sigma;			/* of log returns about their mean; 0 where they do not vary */
	double		rms;			/* of log returns */
} lem_scales;

/*
 * Bars next to each other, in time order: N before row 0 (for volatilities), rows 0 .. L, and the
 * N bars of the slices.
 */
typedef struct lem_strip
{
	lem_bar    *bars;			/* lem_strip_size() */
	double	   *log_return;		/* the same; [0] is not used */
} lem_strip;

/*
 * What scales as of each row (of a shared trunk) are taken from: `count` bars before row 0, and the
 * rows 0 .. T - 1.
 */
typedef struct lem_scale_strip
{
	double	   *volume;			/* count + T, * 2^-20 */
	double	   *log_return;		/* the same; [0] is not used */
} lem_scale_strip;

/* The most bars that the scales of a config are taken from, where each row has its own. */
extern int	lem_scale_strip_count(const lem_config *config);

/* Scales as of row r: a function of the count bars up to that row, and their returns. */
extern void lem_scales_as_of(const lem_scale_strip *strip, int count, int r, lem_scales *scales);

/* Index in a strip of row r of the window. */
static inline int
lem_strip_row(const lem_config *config, int r)
{
	return lem_volatility_bars(config) + r;
}

/* Bars of a strip. */
static inline size_t
lem_strip_size(const lem_config *config)
{
	return (size_t) lem_strip_row(config, config->lookback + 1) + (size_t) config->n_ahead;
}

/* The scale window of a config for bars that lie interval apart. */
extern void lem_scale_window_of(const lem_config *config, int64_t interval,
								lem_scale_window *window);

/* log(price / before), finite. */
extern double lem_log_return(double before, double price);

/* Scales from the sums over count bars. */
extern void lem_scales_of(const lem_sums *sums, int count, lem_scales *scales);

/*
 * Fill rows `first` and later (of T x C) from a strip, with its log returns, and the scales: T of them
 * with a shared trunk.
 */
extern void lem_feature_rows(const lem_config *config, const lem_series *series,
							 const lem_clock *clock, int64_t interval, const lem_strip *strip,
							 const lem_scales *scales, int first, lem_real *rows);

#endif

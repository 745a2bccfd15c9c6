/*
 * policy_menu.h: the orders that a model on top of the exact optimum learns from and is judged by.
 *
 * Solving a table takes longer than learning from an order, so that orders are drawn from a menu of
 * problems, which are solved once.  A sample has orders of one problem: buys and sells against both
 * benchmarks.
 */
#ifndef LEM_POLICY_MENU_H
#define LEM_POLICY_MENU_H

#include "model/policy.h"
#include "training/dataset.h"

#define LEM_MENU_TRAIN 96		/* at most */
#define LEM_MENU_PARTS 4		/* minima of validation lie a quarter of the horizon apart, */
#define LEM_MENU_OCTAVES 4		/* which is N, N/2, N/4 or N/8 */
#define LEM_MENU_VALID (2 + LEM_MENU_OCTAVES * LEM_MENU_PARTS)	/* at most */
#define LEM_MENU_RATES 32
#define LEM_SIGHTS (LEM_SEES_LAST + 1)

typedef struct lem_menu_entry
{
	bool		early;			/* else it tracks: no table */
	lem_optimum_problem problem;	/* sight: the series' */
} lem_menu_entry;

typedef struct lem_policy_menu
{
	int			n_train;		/* 0: no such model */
	int			n_valid;
	lem_menu_entry entry[LEM_MENU_TRAIN + LEM_MENU_VALID];	/* for training, then validation */
} lem_policy_menu;

/*
 * The menu of a config.  For training: horizons evenly from 2 to N by logarithms, so that each octave has
 * as many; minima, the rates given, risk aversions from 1/4 to 4 and, with impact, sizes from 0 to 10
 * bars' volume, at random from a seed.  For validation, without limits: N bars by minimum (1, and each
 * quarter up to all), one order that tracks, and N/2, N/4 and N/8 bars by minimum (not all bars).
 */
extern void lem_policy_menu_fill(const lem_config *config, int n_rates, const double (*rates)[2],
								 uint64_t seed, lem_policy_menu *menu);

/* The problem of an entry as it is seen in a series; and what is seen of a series. */
extern lem_optimum_problem lem_menu_problem(const lem_menu_entry *entry, lem_optimum_sight sight);
extern lem_optimum_sight lem_policy_sight(const lem_series *series);

/* A sample's numbers beside its rows: of the bars that its slices trade in, and before them. */
typedef struct lem_policy_sample
{
	double		mean_volume;
	double		sigma;
	double		last;
	lem_optimum_sight sight;
	int			entry;			/* drawn */
	bool		notional;
} lem_policy_sample;

/* The numbers of a start's view; what is drawn is the caller's to fill in. */
extern void lem_policy_sample_of(const lem_start_view *view, lem_optimum_sight sight,
								 lem_policy_sample *sample);

/*
 * Turn a sample around, so that what rose falls: rows (T x C; return and close_offset), the loss's
 * market (N x 2: volume, price), and the numbers above.
 */
extern void lem_policy_mirror(const lem_config *config, lem_real *rows, lem_real *loss_market,
							  double *market, double *close, lem_policy_sample *sample);

/* The LEM_POLICY_ORDERS orders of a sample and a problem, whose table is NULL where it tracks. */
extern void lem_policy_orders(const lem_policy_sample *sample, const lem_menu_entry *entry,
							  const lem_optimum *table, const double *market,
							  const double *close, const double *volume,
							  lem_policy_order *orders);

#endif

/*
 * optimal_state.h: where an order stands: what the optimum is asked for.
 *
 * Prices are by the first price, volumes scaled, so that sums cannot overflow.
 */
#ifndef LEM_OPTIMAL_STATE_H
#define LEM_OPTIMAL_STATE_H

#include "orders/order.h"
#include "optimum/optimal_stop.h"

typedef struct lem_optimum_state
{
	lem_optimum_sight sight;
	bool		sell;
	bool		twap;
	double		sigma;			/* of a bar's log return of the last price */
	double		base;			/* what prices are divided by */
	double		last;			/* price, or its estimate */
	double		volume;			/* of the benchmark so far */
	double		volume_price;
	int			bars;
} lem_optimum_state;

/* Where solved tables come from; a table stays good until the next is asked for. */
typedef struct lem_optimum_source
{
	const lem_optimum *(*find) (void *arg, const lem_optimum_problem *problem);	/* NULL: stopped */
	void	   *arg;
} lem_optimum_source;

/* What an order is decided by. */
typedef struct lem_optimal
{
	bool		early;			/* it may finish early; else it tracks its benchmark */
	lem_optimum_problem problem;
	const lem_optimum *table;	/* of the problem; NULL: not found yet, or not early */
	lem_optimum_state state;	/* before the first bar */
	double		mean_volume;
	const double *close;		/* N: of the bars that the slices trade in, NaN: not known */
} lem_optimal;

/* Before the first bar: the last price, or its estimate where averages alone are seen. */
extern void lem_optimum_begin(lem_optimum_state *state, const lem_order *order,
							  lem_optimum_sight sight, double last, double sigma);

/* A bar of the order has completed; close is NaN where it is not known. */
extern void lem_optimum_see(lem_optimum_state *state, double price, double volume, double close);

/* D: how far the benchmark lies ahead of the last price, in sigma; 0 before the first volume. */
extern double lem_optimum_ahead(const lem_optimum_state *state);

/* The next bar's weight in the benchmark, its volume being expected. */
extern double lem_optimum_weight(const lem_optimum_state *state, double volume);

/* Share of what is left that the curve of expected volumes (N) has in bar k. */
extern double lem_curve_share(const double *volume, int k, int horizon);

/*
 * The share of slice k, with `left` left before it; volume (N): what is expected of each bar.  Where
 * the order tracks, as much as the bar is expected to weigh in what is to come.
 */
extern double lem_optimal_share(const lem_optimal *optimal, const lem_optimum_state *state, int k,
								int horizon, double left, const double *volume);

#endif

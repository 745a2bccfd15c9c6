/*
 * outcome.h: what executing a schedule came to: price, benchmark, gain and costs (model page,
 * section 5).
 */
#ifndef LEM_OUTCOME_H
#define LEM_OUTCOME_H

#include "execution/bounds.h"
#include "market/window.h"
#include "orders/order.h"

/* How trading moves prices against the order. */
typedef enum lem_impact
{
	LEM_IMPACT_NONE,
	LEM_IMPACT_SQRT,			/* Y sigma sqrt(q / V), slice by slice */
	LEM_IMPACT_ALMGREN			/* Almgren, Thum, Hauptmann and Li (2005) */
} lem_impact;

/* Coefficients of Almgren et al. (2005): permanent gamma and temporary eta. */
#define LEM_ALMGREN_GAMMA 0.314
#define LEM_ALMGREN_ETA 0.142

typedef struct lem_costs
{
	double		fee_bps;		/* of what is traded */
	lem_impact	impact;
	double		coefficient;	/* multiplies the impact; the Y of LEM_IMPACT_SQRT */
	double		turnover_days;	/* LEM_IMPACT_ALMGREN: days in which all shares are traded once */
} lem_costs;

typedef struct lem_outcome
{
	bool		valid;			/* false: no bar had volume, so there is no benchmark, or nothing
								 * was executed */
	double		achieved;		/* price paid or received, after costs */
	double		benchmark;		/* over the active bars */
	double		cost_bps;		/* fees and impact */
	double		bps;			/* gain over the benchmark after costs; positive is good */
	double		completion;		/* share traded in bars with volume */
	int			bars_used;		/* active bars */
	double		unallocated;	/* of the size, what the order's limits left undone */
} lem_outcome;

/*
 * The outcome of units (the horizon's) in the bars of market (N x 2: price, volume).  A bar is
 * active if it is one of the order's min_bars (all, where it tracks), if nothing had volume before
 * it (VWAP), or if something is left at its start.  With lots, what counts is the whole lots of
 * each slice.  quantity: scratch, as many numbers as the horizon.
 *
 * A schedule in the benchmark's own proportions, to the grain of allocations, gains exactly 0.
 */
extern void lem_outcome_of(const lem_order *order, const lem_limits *limits, const double *market,
						   const int64_t *units, const lem_costs *costs,
						   const lem_outlook *outlook, double *quantity, lem_outcome *outcome);

/*
 * Cost of an order's shares (n of them, as outcomes take them) in basis points: fees and impact,
 * the latter from the outlook before the start alone.  With q the quantity of a slice, X that of
 * the order, V a bar's mean volume, sigma a bar's standard deviation, D the bars of a day:
 *   square root: Y sigma sqrt(q / V), weighted by the shares;
 *   Almgren et al.: eta sigma sqrt(D) (q / V)^0.6, weighted by the shares, plus
 *     gamma / 2 sigma sqrt(D) X / (V D) turnover_days^0.25.
 * Zero impact where the history has no volume; at most the whole price, 10^4.  A sale that would
 * then bring less than nothing costs what it brings (lem_outcome_of).
 */
extern double lem_cost_bps(const lem_order *order, const lem_costs *costs,
						   const lem_outlook *outlook, int n, const double *share);

#endif

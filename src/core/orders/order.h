/*
 * order.h: a parent order, its limits, and the exact projection of what the network proposes.
 *
 * Allocations are kept as whole multiples of 2^-53, so that every partial sum of a schedule is
 * exact in double precision, in any order, and the whole is exactly 1.
 */
#ifndef LEM_ORDER_H
#define LEM_ORDER_H

#include <stdbool.h>

#include "base/status.h"
#include "parameters/config.h"

/* Whole order, in units of allocation. */
#define LEM_UNITS (INT64_C(1) << 53)

typedef struct lem_order
{
	double		size;			/* > 0: quantity or notional */
	bool		sell;
	bool		twap;			/* benchmark, else VWAP */
	bool		notional;		/* unit of size, else quantity */
	bool		has_start;
	int64_t		start_ts;
	int			min_bars;		/* 0: the full horizon, tracking the benchmark */
	int			max_bars;		/* 0: n_ahead */
	double		min_rate;
	double		max_rate;
	double		lot;			/* 0: none */
	bool		has_end;
	int64_t		end_ts;			/* bars that end by it are the order's */
	bool		has_limit;
	double		limit_price;	/* no slice while the last price is worse */
	double		max_participation;	/* share of a bar's volume; 0: no limit */
	double		min_quantity;	/* smallest slice but the last, in the unit of size; 0: none */
	bool		best_effort;	/* do what the limits allow, where that is not all */
	bool		has_arrival;
	double		arrival_price;	/* when it was decided on, for reports */
	bool		has_risk;
	double		risk_aversion;	/* how much dispersion it will bear */

	int			n_decided;		/* steps 0 .. n_decided - 1 were decided before, and stay so */
	const int64_t *decided;		/* n_decided: what they were given, in units */
	bool		tracked;		/* what was executed is known */
	int			n_executed;		/* of steps 0 .. n_executed - 1, whose bars have completed */
	const double *executed;		/* n_executed: in the unit of size */
	const double *executed_price;	/* n_executed, NaN where nothing was; NULL: the bars' */
	bool		catch_up;		/* steps whose bars completed undecided are not told any more */
	bool		spread;			/* what it is behind its plan is spread, whatever its limits */
} lem_order;

typedef struct lem_bounds lem_bounds;

/* What the order allows, in whole units. */
typedef struct lem_limits
{
	int			horizon;		/* bars the order may use: max_bars or N */
	int			min_bars;		/* bars it must stay active: 1 .. horizon */
	int			branch;			/* of the model: min_bars - 1, or N when tracking */
	int			order_case;		/* of the branch: unit * 4 + side * 2 + benchmark */
	int64_t		min_units;
	int64_t		max_units;
	int64_t		size_lots;		/* size in lots, 0: no lots */
	int			n_decided;		/* of the order */
	const int64_t *decided;
	const lem_bounds *bounds;	/* besides the rates (decide.h); NULL: the rates alone */
	uint8_t    *by;				/* N, receives which lem_bound bound each step; or NULL */
} lem_limits;

/* Is an order bound by more than its rates, or is it known what was executed of it? */
static inline bool
lem_order_bounded(const lem_order *order)
{
	return order->has_end || order->has_limit || order->max_participation > 0 ||
		order->min_quantity > 0 || order->best_effort || order->tracked ||
		order->catch_up || order->spread;
}

/*
 * Check an order against a horizon of n_ahead bars and fill in its limits.
 * Errors: those of lem_status headed "orders".
 */
extern lem_status lem_order_check(const lem_order *order, int n_ahead, lem_limits *limits,
								  lem_fault *fault);

/*
 * The allocation in units for step k (0-based), nearest to the proposed share among those from
 * which the order can still be completed within its limits; left is what is not yet allocated.
 * share is a share of the order (not of what is left); anything not finite counts as an equal share.
 */
extern int64_t lem_limits_project(const lem_limits *limits, int k, int64_t left, double share);

/* Units as a share (exact). */
static inline double
lem_units_share(int64_t units)
{
	return (double) units * 0x1p-53;
}

/* And back: the units of an allocation. */
static inline int64_t
lem_share_units(double share)
{
	return (int64_t) (share * 0x1p53);
}

/* Whole lots that units so far come to, in an order with lots: what is done is rounded, not steps. */
extern int64_t lem_order_lots(const lem_limits *limits, int64_t units_so_far);

/*
 * Quantities of a schedule, by cumulative rounding of size times the cumulative allocation, so that
 * each depends on the slices up to its own only.  Without lots they are multiples of the last place
 * of size, and their sum is exactly size in any order.  With lots they are the numbers nearest to
 * whole lots, in the decimals that the lot is written in, and the lots sum to the size's.
 */
extern void lem_order_quantities(const lem_order *order, const lem_limits *limits, int n,
								 const int64_t *units, double *quantity);

#endif

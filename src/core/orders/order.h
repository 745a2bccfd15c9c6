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
	int			n_decided;		/* steps 0 .. n_decided - 1 were decided before, and stay so */
	const int64_t *decided;		/* n_decided: what they were given, in units */
} lem_order;

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
} lem_limits;

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

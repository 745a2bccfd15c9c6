/*
 * bounds.h: what the market lets an order do, from its bars: the bounds that slices are decided
 * within (orders/decide.h).
 */
#ifndef LEM_BOUNDS_H
#define LEM_BOUNDS_H

#include "base/arena.h"
#include "market/window.h"
#include "orders/decide.h"

/* Memory of bounds: arrays of all orders of a plan, N entries an order, and scratch of N. */
typedef struct lem_bounds_arrays
{
	int64_t    *told;
	int64_t    *ahead;
	int64_t    *real;
	int64_t    *executed;
	int		   *end;
	bool	   *worse;
	double	   *weight;
	double	   *price_ratio;
	uint8_t    *by;
	double	   *volume;			/* scratch */
} lem_bounds_arrays;

/* Carve arrays of `steps` entries in all, for orders of n_ahead each. */
extern void lem_bounds_carve(lem_arena *arena, size_t steps, int n_ahead,
							 lem_bounds_arrays *arrays);

/*
 * The bounds of an order whose window is built, with the memory that begins at entry `at` of the
 * arrays; limits gets them, and the horizon that the order's end leaves.
 *
 * Errors, beside those of windows: LEM_END_INFEASIBLE, LEM_MAX_RATE_INFEASIBLE and
 * LEM_PARTICIPATION_INFEASIBLE where what was expected at the start cannot complete an order that
 * is to be completed (no best_effort) and has not begun; LEM_BAD_EXECUTED, LEM_EXECUTED_COUNT.
 */
extern lem_status lem_bounds_set(const lem_config *config, const lem_order *order,
								 const lem_series *series, const lem_clock *clock,
								 const lem_window *window, const int64_t *slice_ts,
								 const double *market, double *scratch,
								 const lem_bounds_arrays *arrays, size_t at, lem_bounds *bounds,
								 lem_limits *limits, lem_fault *fault);

/* Quantity (in the order's unit) that its units leave undone. */
extern double lem_order_unallocated(const lem_order *order, const lem_limits *limits,
									const int64_t *units);

#endif

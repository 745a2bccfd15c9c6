/*
 * quote.h: quotes around a centre (maker page, section b), and the limits that they keep.
 *
 *   bid_j = floor_tick(m* - delta0 - j Delta),  ask_j = ceil_tick(m* + delta0 + j Delta)
 *   size_j = q0 + j d,  q0 = Q / K - d (K - 1) / 2
 */
#ifndef LEM_QUOTE_H
#define LEM_QUOTE_H

#include <stdbool.h>

#include "base/status.h"

#define LEM_MAX_LEVELS 32

/* What a desk asks for. */
typedef struct lem_quoting
{
	int			levels;			/* K, 1 .. LEM_MAX_LEVELS */
	double		tick;			/* > 0 */
	double		lot;			/* > 0 */
	double		max_position;	/* >= 0: |position| stays within it */
	double		participation;	/* rho, 0 .. 1: of the volume that is expected */
	double		theta;			/* lean against the position */
	double		eta;			/* width for the forecast's own sigma */
	double		kappa;			/* distance of levels, of the spread */
	double		size_step;		/* d, of sizes from level to level; lots as numbers */
	double		maker_fee;		/* of the price; negative: a rebate */
	double		taker_fee;
} lem_quoting;

extern void lem_quoting_default(lem_quoting *quoting);

/* LEM_OK, or LEM_CONFIG_RANGE with the field's name, have and want: the nearest that is allowed. */
extern lem_status lem_quoting_check(const lem_quoting *quoting, lem_fault *fault);

typedef struct lem_quote
{
	bool		ask;
	int			level;			/* 0 is the best */
	double		price;			/* whole ticks */
	double		quantity;		/* whole lots, > 0 */
} lem_quote;

/* What quotes are made from, in price and quantity. */
typedef struct lem_quote_plan
{
	double		centre;			/* m* */
	double		bid_distance;	/* delta0 */
	double		ask_distance;
	double		spacing;		/* Delta */
	double		bid_volume;		/* Q, before the position is looked at */
	double		ask_volume;
	double		best_bid;		/* the market: no quote goes through it */
	double		best_ask;
	double		position;		/* now */
	double		most;			/* highest and lowest that quotes which are still out can make it */
	double		least;
} lem_quote_plan;

/*
 * The quotes of a plan: best bid level first, then asks; returns how many (at most 2 levels each).
 * Prices are whole ticks, distinct, greater than zero, and rest beside the market; sizes are whole
 * lots; even if all bids fill, or all asks, the position stays within its limit.
 */
extern int	lem_quote_make(const lem_quoting *quoting, const lem_quote_plan *plan,
						   lem_quote *quotes);

/* A whole number of ticks or lots as the nearest double: 100.14, not 100.14000000000001. */
extern double lem_multiple(double count, double unit);

/* Whole units in x, rounding down (up); a number that misses one by 1e-9 of it counts as one. */
extern double lem_units_down(double x, double unit);
extern double lem_units_up(double x, double unit);

#endif

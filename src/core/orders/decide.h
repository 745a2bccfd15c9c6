/*
 * decide.h: one slice of an order, within its rates and within what the market lets it do.
 *
 * Beside its rates an order can be bound by what a bar takes (a share of its volume, a limit
 * price), by a time to be done by and by a smallest child; and what was really done of it can
 * differ from what was decided.  Live scheduling, backtests and baselines decide here.
 *
 * What is proposed follows a plan of its own, which goes on as if each proposal had been done in
 * full.  What the order is behind that plan (or ahead of it) is spread over the bars that remain.
 */
#ifndef LEM_DECIDE_H
#define LEM_DECIDE_H

#include "orders/order.h"

/* Which limit bound a slice: what it is less than proposed for, or more. */
typedef enum lem_bound
{
	LEM_BOUND_NONE,
	LEM_BOUND_MIN_RATE,
	LEM_BOUND_MAX_RATE,
	LEM_BOUND_PARTICIPATION,
	LEM_BOUND_LIMIT_PRICE,
	LEM_BOUND_MIN_QUANTITY,
	LEM_BOUND_END,				/* its bar does not end in time */
	LEM_BOUND_COMPLETION,		/* more or less than proposed, so that the order can be completed */
	LEM_BOUND_MISSED			/* its bar had completed before anyone was told */
} lem_bound;

/*
 * What the market lets an order do.  Arrays have an entry a step (of N); amounts are in grains:
 * lots, or units where the order has none.  Nothing for step k is made from bars that had not
 * completed when it was decided, but what says so.
 */
struct lem_bounds
{
	int			known;			/* steps whose bar has completed */
	int			horizon;		/* before the order's end is looked at */
	int			min_bars;
	int64_t		whole;			/* the order in grains */
	int64_t		min_rate;		/* in grains; the rates are kept to the lot */
	int64_t		max_rate;
	int64_t		child;			/* smallest slice but the last; 0: none */
	int64_t    *told;			/* most by the bar's expected volume; NULL: no such limit */
	int64_t    *ahead;			/* most by the volumes that were expected at the start */
	int64_t    *real;			/* of known bars, most by their real volume and price; or NULL */
	bool	   *worse;			/* the last price is worse than the limit; or NULL */
	int		   *end;			/* steps that end in time, as seen then; NULL: all */
	double	   *weight;			/* to spread by; NULL: evenly */
	bool		catch_up;		/* known steps that were not decided are told nothing */
	int			n_executed;
	int64_t    *executed;		/* n_executed: units */
	double	   *price_ratio;	/* n_executed: price over the bar's; or NULL */
};

/* Where an order is. */
typedef struct lem_pace
{
	int64_t		left;			/* units not executed */
	int64_t		planned;		/* units left, had all been done as proposed */
} lem_pace;

/* At its start. */
static inline lem_pace
lem_pace_start(void)
{
	return (lem_pace) {LEM_UNITS, LEM_UNITS};
}

/*
 * Step k's units: executed where its bar has completed, decided otherwise.  wanted is the share of
 * the order that is proposed, of pace->planned as what is left.  pace moves on.
 */
extern int64_t lem_limits_decide(const lem_limits *limits, int k, double wanted, lem_pace *pace,
								 lem_bound *by);

/* Steps that the order may use, as seen when step k is decided; more than k. */
extern int	lem_limits_horizon(const lem_limits *limits, int k);

/* Price at which step k was executed over that of its bar. */
extern double lem_limits_price_ratio(const lem_limits *limits, int k);

/* Units as grains, cumulative, and back. */
extern int64_t lem_units_grains(const lem_limits *limits, int64_t units);
extern int64_t lem_grains_units(const lem_limits *limits, int64_t grains);

/*
 * A quantity (in the order's unit) in grains, as a bound: rounded down, or up.  What differs from
 * a whole lot by rounding counts as that lot.
 */
extern int64_t lem_most_grains(const lem_order *order, const lem_limits *limits, double quantity);
extern int64_t lem_least_grains(const lem_order *order, const lem_limits *limits,
								double quantity);

/*
 * The cumulative units of a quantity that was executed in all so far; whole for what rounds to it,
 * and up to whole lots, so that what is left is never more than it is.
 */
extern int64_t lem_executed_units(const lem_order *order, const lem_limits *limits,
								  double quantity);

/* The order and its rates in grains, its smallest child among them. */
extern void lem_bounds_rates(const lem_order *order, const lem_limits *limits,
							 lem_bounds *bounds);

/* Grains by which rates in whole units may miss the whole order. */
extern int64_t lem_whole_slack(const lem_limits *limits);

/* Grains that the order's first `end` steps can take, as expected at its start. */
extern int64_t lem_bounds_capacity(const lem_bounds *bounds, int end);

#endif

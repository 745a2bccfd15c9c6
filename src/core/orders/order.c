/*
 * order.c: checks of orders, their limits in whole units, and the projection onto them.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "orders/order.h"

/* Rates that miss a whole number of bars by less than this (relative) are meant to fit it. */
#define RATE_TOLERANCE 1e-9

/* Decimals of up to 15 digits survive a double. */
#define DECIMAL_LIMIT 1e15

/* Products of two numbers of 53 bits. */
__extension__ typedef unsigned __int128 wide;

/* A fault with an index. */
static lem_status
order_fault(lem_fault *fault, lem_status status, double have, double want, int64_t index)
{
	lem_fail(fault, status, NULL, have, want);
	if (fault)
		fault->index = index;
	return status;
}

/* Make equal shares over j bars keep the limits, where only rounding is in the way. */
static void
fit_bars(lem_limits *limits, int j)
{
	const int64_t floor_units = LEM_UNITS / j;
	const int64_t ceil_units = (LEM_UNITS + j - 1) / j;

	if (limits->min_units > floor_units)
		limits->min_units = floor_units;
	if (limits->max_units < ceil_units)
		limits->max_units = ceil_units;
}

/* Is rate 1 / j for a j of at most horizon, but for the rounding of a double?  0: no. */
static int
unit_fraction(double rate, int horizon)
{
	double		j;

	if (rate * horizon < 0.5)
		return 0;
	j = rint(1 / rate);
	return j <= horizon && fabs(j * rate - 1) <= 4 * DBL_EPSILON ? (int) j : 0;
}

/*
 * The rates in whole units.  They are rounded inwards, then relaxed by what rounding took from an
 * order that fits a number of bars exactly (0.1 in 10 bars).
 */
static lem_status
set_rates(const lem_order *order, lem_limits *limits, lem_fault *fault)
{
	const double low = 1 - RATE_TOLERANCE;
	const double high = 1 + RATE_TOLERANCE;
	int			fitting = 0;
	int			j;

	limits->min_units = (int64_t) ceil(order->min_rate * 0x1p53);
	limits->max_units = (int64_t) floor(order->max_rate * 0x1p53);
	j = unit_fraction(order->max_rate, limits->horizon);
	if (j > 0 && limits->max_units < (LEM_UNITS + j - 1) / j)
		limits->max_units = (LEM_UNITS + j - 1) / j;
	j = unit_fraction(order->min_rate, limits->horizon);
	if (j > 0 && limits->min_units > LEM_UNITS / j)
		limits->min_units = LEM_UNITS / j;

	for (j = limits->min_bars; j <= limits->horizon; j++)
	{
		if (j * limits->min_units <= LEM_UNITS && j * limits->max_units >= LEM_UNITS)
			return LEM_OK;
		if (fitting == 0 && j * order->min_rate <= high && j * order->max_rate >= low)
			fitting = j;
	}
	if (fitting == 0 && order->best_effort)
		return LEM_OK;
	if (fitting == 0)
		return lem_fail(fault, LEM_RATES_INFEASIBLE, NULL, order->min_rate, order->max_rate);
	fit_bars(limits, fitting);
	return LEM_OK;
}

/*
 * The size in lots.  It must be whole to 1e-9, and for large numbers of lots to a thousandth of a
 * lot, unless double precision itself cannot tell.
 */
static lem_status
set_lots(const lem_order *order, lem_limits *limits, lem_fault *fault)
{
	double		lots;
	double		tolerance;

	limits->size_lots = 0;
	if (order->lot == 0)
		return LEM_OK;
	if (!isfinite(order->lot) || order->lot < 0)
		return lem_fail(fault, LEM_BAD_LOT, NULL, order->lot, 0);
	lots = order->size / order->lot;
	if (!(lots <= 0x1p53))
		return lem_fail(fault, LEM_BAD_LOT, NULL, order->lot, 0);
	tolerance = fmax(fmin(RATE_TOLERANCE * lots, 1e-3), 4 * DBL_EPSILON * lots);
	if (lots < 0.5 || fabs(lots - rint(lots)) > tolerance)
		return lem_fail(fault, LEM_SIZE_NOT_LOTS, NULL, order->size, order->lot);
	limits->size_lots = (int64_t) rint(lots);
	return LEM_OK;
}

/* The numbers of limits that the market sets. */
static lem_status
check_market(const lem_order *order, lem_fault *fault)
{
	if (order->has_limit && !isfinite(order->limit_price))
		return lem_fail(fault, LEM_BAD_LIMIT_PRICE, NULL, order->limit_price, 0);
	if (!(order->max_participation >= 0 && order->max_participation <= 1))
		return lem_fail(fault, LEM_BAD_PARTICIPATION, NULL, order->max_participation, 0);
	if (!(order->min_quantity >= 0 && order->min_quantity <= order->size))
		return lem_fail(fault, LEM_BAD_MIN_QUANTITY, NULL, order->min_quantity, order->size);
	if (order->has_arrival && !isfinite(order->arrival_price))
		return lem_fail(fault, LEM_BAD_ARRIVAL, NULL, order->arrival_price, 0);
	if (order->has_risk && !(order->risk_aversion >= 0 && isfinite(order->risk_aversion)))
		return lem_fail(fault, LEM_BAD_RISK, NULL, order->risk_aversion, 0);
	if (order->has_end && order->has_start && order->end_ts <= order->start_ts)
	{
		lem_fail(fault, LEM_END_INFEASIBLE, NULL, 0, 0);
		if (fault)
			fault->ts = order->end_ts;
		return LEM_END_INFEASIBLE;
	}
	return LEM_OK;
}

/* An order of which no slice that the rates allow is large enough.  One that has begun goes on. */
static lem_status
check_child(const lem_order *order, const lem_limits *limits, lem_fault *fault)
{
	double		most = order->max_rate * order->size;

	if (order->min_quantity == 0 || order->best_effort || order->tracked ||
		order->n_decided > 0 || order->n_executed > 0)
		return LEM_OK;
	if (limits->size_lots > 0)	/* rates are kept to the lot */
		most = order->lot * ceil(order->max_rate * (double) limits->size_lots);
	if (order->min_quantity > most * (1 + RATE_TOLERANCE))
		return lem_fail(fault, LEM_MIN_QUANTITY_INFEASIBLE, NULL, order->min_quantity,
						order->max_rate);
	return LEM_OK;
}

lem_status
lem_order_check(const lem_order *order, int n_ahead, lem_limits *limits, lem_fault *fault)
{
	lem_status	status;

	if (!isfinite(order->size) || order->size <= 0)
		return lem_fail(fault, LEM_BAD_SIZE, NULL, order->size, 0);
	if (!(order->min_rate >= 0 && order->min_rate <= order->max_rate && order->max_rate <= 1 &&
		  order->max_rate > 0))
		return lem_fail(fault, LEM_BAD_RATES, NULL, order->min_rate, order->max_rate);
	if (order->max_bars < 0 || order->max_bars > n_ahead)
		return lem_fail(fault, LEM_BAD_MAX_BARS, NULL, order->max_bars, n_ahead);
	limits->horizon = order->max_bars > 0 ? order->max_bars : n_ahead;
	if (order->min_bars < 0 || order->min_bars > limits->horizon)
		return lem_fail(fault, LEM_BAD_MIN_BARS, NULL, order->min_bars, limits->horizon);
	limits->min_bars = order->min_bars > 0 ? order->min_bars : limits->horizon;
	limits->branch = order->min_bars > 0 ? order->min_bars - 1 : n_ahead;
	limits->order_case = order->notional * 4 + order->sell * 2 + order->twap;
	limits->n_decided = order->n_decided;
	limits->decided = order->decided;
	limits->bounds = NULL;
	limits->by = NULL;

	status = check_market(order, fault);
	if (status != LEM_OK)
		return status;
	if (order->max_rate * limits->horizon < 1 - RATE_TOLERANCE && !order->best_effort)
		return order_fault(fault, LEM_MAX_RATE_INFEASIBLE, order->max_rate, 0, limits->horizon);
	if (order->min_rate * limits->min_bars > 1 + RATE_TOLERANCE)
		return order_fault(fault, LEM_MIN_RATE_INFEASIBLE, order->min_rate, 0, limits->min_bars);
	status = set_rates(order, limits, fault);
	if (status != LEM_OK)
		return status;
	status = set_lots(order, limits, fault);
	return status == LEM_OK ? check_child(order, limits, fault) : status;
}

int64_t
lem_limits_project(const lem_limits *limits, int k, int64_t left, double share)
{
	const int	rest = limits->horizon - k - 1;	/* bars after this one */
	const int	forced = limits->min_bars - k - 1;	/* of them, bars it must be active in */
	int64_t		target;
	int64_t		best = -1;

	if (left <= 0 || rest < 0)
		return 0;
	if (rest == 0)
		return left;

	if (!isfinite(share))
		target = left / (rest + 1);
	else if (share <= 0)
		target = 0;
	else if (share >= 1)
		target = LEM_UNITS;
	else
		target = (int64_t) rint(share * 0x1p53);

	/*
	 * What is left after this bar must be what j further active bars can take, for some j: a range
	 * for each.
	 */
	for (int j = forced > 0 ? forced : 0; j <= rest; j++)
	{
		int64_t		low = left - j * limits->max_units;
		int64_t		high = left - j * limits->min_units;
		int64_t		nearest;

		if (low < limits->min_units)
			low = limits->min_units;
		if (high > limits->max_units)
			high = limits->max_units;
		if (low > high)
			continue;
		nearest = target < low ? low : target > high ? high : target;
		if (best < 0 || llabs(nearest - target) < llabs(best - target) ||
			(llabs(nearest - target) == llabs(best - target) && nearest < best))
			best = nearest;
		if (best == target)
			break;
	}

	/* Only a left that no projection left behind gets here without an answer. */
	if (best < 0)
		best = left < limits->max_units ? left : limits->max_units;
	return best;
}

/* round(a * b / c) of numbers up to 2^53, half up. */
static int64_t
scale_round(int64_t a, int64_t b, int64_t c)
{
	return (int64_t) (((wide) a * (wide) b * 2 + (wide) c) / ((wide) c * 2));
}

int64_t
lem_order_lots(const lem_limits *limits, int64_t units_so_far)
{
	return scale_round(units_so_far, limits->size_lots, LEM_UNITS);
}

/*
 * A lot as users write it: numerator / denominator, the shortest decimal that reads as this double.
 * {0, 1}: it has more digits than a double keeps of a decimal, as a third has.
 */
static void
decimal_lot(double lot, int64_t *numerator, double *denominator)
{
	/* powers of ten up to 10^22 are exact */
	*denominator = 1;
	for (int digits = 0; digits <= 22; digits++, *denominator *= 10)
	{
		const double whole = rint(lot * *denominator);

		if (whole >= DECIMAL_LIMIT)
			break;
		if (whole / *denominator == lot)
		{
			*numerator = (int64_t) whole;
			return;
		}
	}
	*numerator = 0;
	*denominator = 1;
}

/* The number nearest to so many lots: 24.23 for 2423 lots of 0.01, not 24.230000000000004. */
static double
lots_quantity(const lem_order *order, const lem_limits *limits, int64_t lots, int64_t numerator,
			  double denominator)
{
	if (lots == 0)
		return 0;
	/* one division of whole numbers is rounded once */
	if (numerator > 0 && (wide) lots * (wide) numerator <= (wide) LEM_UNITS)
		return (double) (lots * numerator) / denominator;
	return order->size * ((double) lots / (double) limits->size_lots);
}

/* Without lots: multiples of the last place of the size, whose sums are exact in any order. */
static void
unit_quantities(const lem_order *order, int n, const int64_t *units, double *quantity)
{
	int			exponent;
	int64_t		whole;			/* size in units of its last place */
	int64_t		units_so_far = 0;
	int64_t		done = 0;		/* quantity so far, in the same units */

	frexp(order->size, &exponent);
	exponent = exponent - DBL_MANT_DIG;
	if (exponent < DBL_MIN_EXP - DBL_MANT_DIG)
		exponent = DBL_MIN_EXP - DBL_MANT_DIG;
	whole = (int64_t) ldexp(order->size, -exponent);

	for (int i = 0; i < n; i++)
	{
		int64_t		upto;

		units_so_far += units[i];
		upto = scale_round(units_so_far, whole, LEM_UNITS);
		quantity[i] = ldexp((double) (upto - done), exponent);
		done = upto;
	}
}

void
lem_order_quantities(const lem_order *order, const lem_limits *limits, int n,
					 const int64_t *units, double *quantity)
{
	int64_t		numerator;
	double		denominator;
	int64_t		units_so_far = 0;
	int64_t		done = 0;

	if (limits->size_lots == 0)
	{
		unit_quantities(order, n, units, quantity);
		return;
	}
	decimal_lot(order->lot, &numerator, &denominator);
	for (int i = 0; i < n; i++)
	{
		int64_t		upto;

		units_so_far += units[i];
		upto = lem_order_lots(limits, units_so_far);
		quantity[i] = lots_quantity(order, limits, upto - done, numerator, denominator);
		done = upto;
	}
}

/* decide.c: one slice of an order, within all of its limits. */
#include <math.h>
#include <stdlib.h>

#include "orders/decide.h"

/* Units by which a slice may differ from what was proposed before a limit is named for it. */
#define NOTICE (LEM_UNITS >> 20)

/* Units by which a quantity and a rate that come to the same may differ. */
#define RATE_UNITS 4

/* Relative difference that is the rounding of quantities. */
#define ROUNDING 1e-12

__extension__ typedef unsigned __int128 wide;

int64_t
lem_units_grains(const lem_limits *limits, int64_t units)
{
	if (limits->size_lots == 0)
		return units;
	return (int64_t) (((wide) units * (wide) limits->size_lots * 2 + (wide) LEM_UNITS)
					  / ((wide) LEM_UNITS * 2));
}

int64_t
lem_grains_units(const lem_limits *limits, int64_t grains)
{
	if (limits->size_lots == 0)
		return grains;
	return (int64_t) ((wide) grains * (wide) LEM_UNITS / (wide) limits->size_lots);
}

static int64_t
whole_grains(const lem_limits *limits)
{
	return limits->size_lots > 0 ? limits->size_lots : LEM_UNITS;
}

int64_t
lem_most_grains(const lem_order *order, const lem_limits *limits, double quantity)
{
	const int64_t whole = whole_grains(limits);
	double		grains;

	if (!(quantity > 0))
		return 0;
	if (quantity >= order->size)
		return whole;
	if (limits->size_lots > 0)
	{
		grains = floor(quantity / order->lot * (1 + ROUNDING));
		return grains >= (double) whole ? whole : (int64_t) grains;
	}

	/* Quantities are differences of rounded sums: two units cover their rounding. */
	grains = floor(quantity / order->size * 0x1p53) - 2;
	return grains > 0 ? (int64_t) grains : 0;
}

int64_t
lem_least_grains(const lem_order *order, const lem_limits *limits, double quantity)
{
	const int64_t whole = whole_grains(limits);
	double		grains;

	if (!(quantity > 0))
		return 0;
	if (quantity >= order->size)
		return whole;
	if (limits->size_lots > 0)
		grains = ceil(quantity / order->lot * (1 - ROUNDING));
	else
		grains = ceil(quantity / order->size * 0x1p53) + 2;
	return grains >= (double) whole ? whole : (int64_t) grains;
}

int64_t
lem_executed_units(const lem_order *order, const lem_limits *limits, double quantity)
{
	if (!(quantity > 0))
		return 0;
	if (quantity >= order->size * (1 - ROUNDING))
		return LEM_UNITS;
	if (limits->size_lots > 0)
	{
		/* A part of a lot leaves less than that lot to be told. */
		const double lots = ceil(quantity / order->lot * (1 - ROUNDING));

		return lots >= (double) limits->size_lots ? LEM_UNITS
			: lem_grains_units(limits, (int64_t) lots);
	}
	return (int64_t) (quantity / order->size * 0x1p53);
}

void
lem_bounds_rates(const lem_order *order, const lem_limits *limits, lem_bounds *bounds)
{
	bounds->whole = whole_grains(limits);
	bounds->min_rate = limits->min_units;
	bounds->max_rate = limits->max_units;
	if (limits->size_lots > 0)
	{
		const wide	lots = (wide) limits->size_lots;

		bounds->min_rate = (int64_t) ((wide) limits->min_units * lots / (wide) LEM_UNITS);
		bounds->max_rate = (int64_t) (((wide) limits->max_units * lots + (wide) LEM_UNITS - 1)
									  / (wide) LEM_UNITS);
	}
	bounds->child = lem_least_grains(order, limits, order->min_quantity);

	/* A smallest slice that is the largest as well, but for how both are rounded. */
	if (limits->size_lots == 0 && bounds->child > bounds->max_rate &&
		bounds->child - bounds->max_rate <= RATE_UNITS)
		bounds->child = bounds->max_rate;
}

int64_t
lem_whole_slack(const lem_limits *limits)
{
	return limits->size_lots > 0 ? 0 : NOTICE >> 20;
}

/* A proposed share in units. */
static int64_t
share_units(double share)
{
	if (!(share > 0))
		return 0;
	return share >= 1 ? LEM_UNITS : (int64_t) rint(share * 0x1p53);
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Most that bar i can take, by what was expected at the start. */
static int64_t
bar_capacity(const lem_bounds *b, int i)
{
	const int64_t most = b->ahead ? smaller(b->max_rate, b->ahead[i]) : b->max_rate;

	return most < b->child ? 0 : most;
}

int64_t
lem_bounds_capacity(const lem_bounds *bounds, int end)
{
	int64_t		sum = 0;

	for (int i = 0; i < end && sum < bounds->whole; i++)
		sum += bar_capacity(bounds, i);
	return smaller(sum, bounds->whole);
}

/*
 * The amount nearest to target, in grains, from which the order can still be completed within its
 * limits as far as they are known; where it cannot, what comes closest to that.  cap: most of this
 * bar.
 */
static int64_t
nearest_amount(const lem_limits *limits, int horizon, int k, int64_t left, int64_t target,
			   int64_t cap)
{
	const lem_bounds *b = limits->bounds;
	const int	rest = horizon - k - 1;
	const int	forced = smaller(b->min_bars, horizon) - k - 1;
	const int64_t least = smaller(b->min_rate, cap);
	int64_t		best = -1;
	int64_t		most_after = 0; /* that bars k + 1 .. k + j can take, and have to */
	int64_t		least_after = 0;
	int64_t		low;
	int64_t		high;

	if (rest == 0)
		return smaller(left, cap);
	for (int j = 0; j <= rest; j++)
	{
		if (j > 0)
		{
			const int64_t most = bar_capacity(b, k + j);

			most_after = smaller(most_after + most, b->whole);
			least_after = smaller(least_after + smaller(b->min_rate, most), b->whole);
		}
		if (j < forced)
			continue;
		low = left - most_after;
		high = left - least_after;
		low = low < least ? least : low;
		high = smaller(high, cap);
		if (low > high)
			continue;
		high = target < low ? low : target > high ? high : target;
		if (best < 0 || llabs(high - target) < llabs(best - target) ||
			(llabs(high - target) == llabs(best - target) && high < best))
			best = high;
		if (best == target)
			break;
	}
	if (best >= 0)
		return best;

	/* It cannot be completed, or not without doing less than the smallest rate. */
	high = smaller(left, cap);
	low = left - most_after;
	low = low < 0 ? 0 : smaller(low, high);
	return target < low ? low : smaller(target, high);
}

/* No child smaller than the smallest, but one that completes the order. */
static int64_t
round_child(const lem_limits *limits, int horizon, int k, int64_t left, int64_t amount,
			int64_t target, int64_t cap)
{
	const lem_bounds *b = limits->bounds;
	const int64_t up = smaller(b->child, left);
	int64_t		after = 0;

	if (amount == 0 || amount >= up)
		return amount;
	for (int i = k + 1; i < horizon && after < left; i++)
		after += bar_capacity(b, i);
	if (up <= cap && (target >= b->child - b->child / 2 || after < left))
		return up;
	return 0;
}

/* Why an amount is not what was proposed. */
static lem_bound
bound_of(const lem_bounds *b, int64_t amount, int64_t target, int64_t left, int64_t cap,
		 lem_bound cap_by)
{
	const int64_t notice = b->whole == LEM_UNITS ? NOTICE : 0;

	target = smaller(target, left);
	if (llabs(amount - target) <= notice)
		return LEM_BOUND_NONE;
	if (amount < target)
		return amount == cap ? cap_by : LEM_BOUND_COMPLETION;
	return amount == b->min_rate ? LEM_BOUND_MIN_RATE : LEM_BOUND_COMPLETION;
}

/* The units that are told for step k, which was not decided before, towards target. */
static int64_t
decide_units(const lem_limits *limits, int horizon, int k, int64_t left_units, int64_t target_units,
			 lem_bound *by)
{
	const lem_bounds *b = limits->bounds;
	const int64_t done = lem_units_grains(limits, LEM_UNITS - left_units);
	const int64_t left = b->whole - done;
	int64_t		target;
	int64_t		cap = b->max_rate;
	lem_bound	cap_by = LEM_BOUND_MAX_RATE;
	int64_t		amount;
	int64_t		child;

	if (left <= 0)
		return left_units;
	target = lem_units_grains(limits, LEM_UNITS - left_units + smaller(target_units, left_units))
		- done;
	if (b->told && b->told[k] <= cap)
	{
		cap = b->told[k];
		cap_by = LEM_BOUND_PARTICIPATION;
	}
	if (b->worse && b->worse[k])
	{
		cap = 0;
		cap_by = LEM_BOUND_LIMIT_PRICE;
	}
	if (k == horizon - 1)
		target = left;
	amount = nearest_amount(limits, horizon, k, left, target, cap);
	if (cap_by == LEM_BOUND_MAX_RATE && left - amount <= lem_whole_slack(limits))
		amount = left;
	*by = bound_of(b, amount, target, left, cap, cap_by);
	child = round_child(limits, horizon, k, left, amount, target, cap);
	if (child != amount)
		*by = LEM_BOUND_MIN_QUANTITY;
	if (child == left)
		return left_units;
	return lem_grains_units(limits, done + child) - (LEM_UNITS - left_units);
}

/* Amount of what the order is behind its plan that step k takes up. */
static int64_t
share_of_missing(const lem_limits *limits, int horizon, int k, int64_t missing)
{
	const lem_bounds *b = limits->bounds;
	double		sum = 0;

	/* Less than a lot is how lots are rounded. */
	if (limits->size_lots > 0 && llabs(missing) <= LEM_UNITS / limits->size_lots)
		return missing;
	for (int i = k; b->weight && i < horizon; i++)
		sum += b->weight[i];
	if (sum > 0)
		return (int64_t) rint((double) missing * (b->weight[k] / sum));
	return missing / (horizon - k);
}

/* Rates alone, and all that is decided is executed. */
static int64_t
decide_plain(const lem_limits *limits, int k, double wanted, lem_pace *pace, lem_bound *by)
{
	const int64_t left = pace->left;
	const int64_t target = smaller(share_units(wanted), left);
	int64_t		units;

	if (k < limits->n_decided)
		units = smaller(limits->decided[k], left);
	else
	{
		units = lem_limits_project(limits, k, left, wanted);
		if (k < limits->horizon - 1 && isfinite(wanted))
		{
			if (target - units > NOTICE)
				*by = units >= limits->max_units - 1 ? LEM_BOUND_MAX_RATE : LEM_BOUND_COMPLETION;
			else if (units - target > NOTICE)
				*by = units <= limits->min_units + 1 ? LEM_BOUND_MIN_RATE : LEM_BOUND_COMPLETION;
		}
	}
	pace->left -= units;
	pace->planned = pace->left;
	return units;
}

int64_t
lem_limits_decide(const lem_limits *limits, int k, double wanted, lem_pace *pace, lem_bound *by)
{
	const lem_bounds *b = limits->bounds;
	lem_limits	own = *limits;
	int64_t		plan;
	int64_t		told;
	int64_t		done;

	*by = LEM_BOUND_NONE;
	if (k >= limits->horizon)
		return 0;
	if (b == NULL)
		return decide_plain(limits, k, wanted, pace, by);

	own.horizon = lem_limits_horizon(limits, k);
	own.min_bars = smaller(b->min_bars, own.horizon);
	plan = pace->planned > 0 ? smaller(lem_limits_project(&own, k, pace->planned, wanted),
									   pace->planned) : 0;
	if (k < limits->n_decided)
		told = smaller(limits->decided[k], pace->left);
	else if (b->end && k >= b->end[k])
	{
		told = 0;
		*by = LEM_BOUND_END;
	}
	else if (b->catch_up && k < b->known)
	{
		told = 0;
		*by = LEM_BOUND_MISSED;
	}
	else
	{
		const int64_t missing = pace->left - pace->planned;
		const int64_t target = plan + share_of_missing(limits, own.horizon, k, missing);

		told = decide_units(limits, own.horizon, k, pace->left, target > 0 ? target : 0, by);
	}
	done = told;
	if (k < b->n_executed)
		done = b->executed[k];
	else if (k < b->known && b->real)
	{
		const int64_t before = LEM_UNITS - pace->left;
		const int64_t grains = lem_units_grains(limits, before);

		if (lem_units_grains(limits, before + told) - grains > b->real[k])
			done = lem_grains_units(limits, grains + b->real[k]) - before;
	}
	done = done < 0 ? 0 : smaller(done, pace->left);
	pace->left -= done;
	pace->planned -= plan;
	return done;
}

int
lem_limits_horizon(const lem_limits *limits, int k)
{
	const lem_bounds *b = limits->bounds;
	const int	horizon = b ? b->horizon : limits->horizon;

	if (b == NULL || b->end == NULL || b->end[k] >= horizon)
		return horizon > k ? horizon : k + 1;
	return b->end[k] > k ? b->end[k] : k + 1;
}

double
lem_limits_price_ratio(const lem_limits *limits, int k)
{
	const lem_bounds *b = limits->bounds;

	return b && b->price_ratio && k < b->n_executed ? b->price_ratio[k] : 1;
}

/* test_order.c: checks of orders, the projection of proposals onto limits, quantities. */
#include <stdlib.h>

#include "check.h"
#include "orders/order.h"

#define MAX_BARS 256

static uint64_t state = 42;

static uint64_t
random_bits(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state ^ state >> 29) * UINT64_C(0x9E3779B97F4A7C15) >> 16;
}

static int
random_int(int n)
{
	return (int) (random_bits() % (uint64_t) n);
}

static double
random_share(void)
{
	return (double) (random_bits() & 0xFFFFFFFFFF) * 0x1p-40;
}

static lem_order
plain_order(void)
{
	lem_order	order = {0};

	order.size = 1000;
	order.max_rate = 1;
	return order;
}

static lem_status
status_of(double min_rate, double max_rate, int min_bars, int max_bars, lem_fault *fault)
{
	lem_order	order = plain_order();
	lem_limits	limits;

	order.min_rate = min_rate;
	order.max_rate = max_rate;
	order.min_bars = min_bars;
	order.max_bars = max_bars;
	return lem_order_check(&order, 12, &limits, fault);
}

static lem_status
lot_status(double size, double lot)
{
	lem_order	order = plain_order();
	lem_limits	limits;

	order.size = size;
	order.lot = lot;
	return lem_order_check(&order, 12, &limits, NULL);
}

static void
test_check(void)
{
	const double bad[] = {0, -1, NAN, INFINITY, -INFINITY};
	lem_order	order = plain_order();
	lem_limits	limits;
	lem_fault	fault;

	check_int(lem_order_check(&order, 12, &limits, &fault), LEM_OK, "a plain order");
	check(limits.horizon == 12 && limits.min_bars == 12 && limits.branch == 12 &&
		  limits.order_case == 0 && limits.min_units == 0 && limits.max_units == LEM_UNITS &&
		  limits.size_lots == 0, "its limits: the full horizon, tracking");
	order.min_bars = 12;
	order.sell = order.notional = order.twap = true;
	check_int(lem_order_check(&order, 12, &limits, &fault), LEM_OK, "twelve bars asked for");
	check(limits.branch == 11 && limits.order_case == 7, "is branch 11, and the last case");
	order.min_bars = 0;
	order.max_bars = 5;
	order.sell = false;
	check_int(lem_order_check(&order, 12, &limits, &fault), LEM_OK, "a shorter horizon");
	check(limits.branch == 12 && limits.horizon == 5 && limits.min_bars == 5 &&
		  limits.order_case == 5, "tracks over that horizon");

	for (int i = 0; i < 5; i++)
	{
		order = plain_order();
		order.size = bad[i];
		check_int(lem_order_check(&order, 12, &limits, NULL), LEM_BAD_SIZE, "size %g", bad[i]);
	}
	check_int(status_of(0.5, 0.4, 0, 0, &fault), LEM_BAD_RATES, "min_rate > max_rate");
	check(fault.have == 0.5 && fault.want == 0.4, "the fault names both rates");
	check_int(status_of(-0.1, 1, 0, 0, NULL), LEM_BAD_RATES, "min_rate < 0");
	check_int(status_of(0, 1.1, 0, 0, NULL), LEM_BAD_RATES, "max_rate > 1");
	check_int(status_of(0, 0, 0, 0, NULL), LEM_BAD_RATES, "max_rate 0");
	check_int(status_of(NAN, 1, 0, 0, NULL), LEM_BAD_RATES, "min_rate NaN");
	check_int(status_of(0, NAN, 0, 0, NULL), LEM_BAD_RATES, "max_rate NaN");
	check_int(status_of(0, INFINITY, 0, 0, NULL), LEM_BAD_RATES, "max_rate infinite");
	check_int(status_of(0, 1, 0, 13, &fault), LEM_BAD_MAX_BARS, "max_bars > N");
	check(fault.have == 13 && fault.want == 12, "the fault names the largest allowed");
	check_int(status_of(0, 1, 0, -1, NULL), LEM_BAD_MAX_BARS, "max_bars < 0");
	check_int(status_of(0, 1, 6, 5, &fault), LEM_BAD_MIN_BARS, "min_bars > max_bars");
	check(fault.have == 6 && fault.want == 5, "the fault names the largest allowed");
	check_int(status_of(0, 1, -1, 5, NULL), LEM_BAD_MIN_BARS, "min_bars < 0");
	check_int(status_of(0, 0.19, 0, 5, &fault), LEM_MAX_RATE_INFEASIBLE, "0.19 in 5 bars");
	check(fault.have == 0.19 && fault.index == 5, "the fault names rate and bars");
	check_int(status_of(0.21, 1, 5, 10, &fault), LEM_MIN_RATE_INFEASIBLE, "0.21 for 5 bars");
	check(fault.have == 0.21 && fault.index == 5, "the fault names rate and bars");
	check_int(status_of(0.1, 1, 0, 0, NULL), LEM_MIN_RATE_INFEASIBLE, "0.1 for all 12 bars");
	check_int(status_of(0.3, 0.32, 1, 0, &fault), LEM_RATES_INFEASIBLE, "neither 3 nor 4 bars");
	check(fault.have == 0.3 && fault.want == 0.32, "the fault names both rates");
	check_int(status_of(0.1, 0.1, 0, 10, NULL), LEM_OK, "0.1 in 10 bars");
	check_int(status_of(0, 1.0 / 3, 0, 3, NULL), LEM_OK, "1/3 in 3 bars");
	check_int(status_of(0, 0.3333333333, 0, 3, NULL), LEM_OK, "0.3333333333 in 3 bars");
	check_int(status_of(0, 0.33333333, 0, 3, NULL), LEM_MAX_RATE_INFEASIBLE, "too little of 1/3");

	check_int(lot_status(1000, 1), LEM_OK, "lots of 1");
	check_int(lot_status(0.3, 0.1), LEM_OK, "lots of 0.1");
	check_int(lot_status(1e7 + 0.01, 0.01), LEM_OK, "many lots");
	check_int(lot_status(1000, 3), LEM_SIZE_NOT_LOTS, "a size that is not whole lots");
	check_int(lot_status(1e9 + 0.5, 1), LEM_SIZE_NOT_LOTS, "a large size and half a lot");
	check_int(lot_status(1, 3), LEM_SIZE_NOT_LOTS, "less than half a lot");
	check_int(lot_status(1000, 1e-14), LEM_BAD_LOT, "more lots than can be counted");
	check_int(lot_status(1e300, 1e-300), LEM_BAD_LOT, "many more");
	check_int(lot_status(1000, -1), LEM_BAD_LOT, "negative lot");
	check_int(lot_status(1000, NAN), LEM_BAD_LOT, "lot NaN");
	check_int(lot_status(1000, INFINITY), LEM_BAD_LOT, "infinite lot");
}

/* An order at random, often with limits that leave no room; it may be infeasible. */
static lem_order
random_order(int n_ahead)
{
	lem_order	order = plain_order();
	int			j = 1 + random_int(n_ahead);

	order.min_bars = random_int(3) == 0 ? 0 : random_int(n_ahead + 1);
	order.max_bars = random_int(3) == 0 ? random_int(n_ahead + 1) : 0;
	switch (random_int(6))
	{
		case 0:
			order.max_rate = 1.0 / j;
			break;
		case 1:
			order.min_rate = order.max_rate = 1.0 / j;
			break;
		case 2:
			order.min_rate = 1.0 / j * random_share();
			order.max_rate = fmin(1, 1.0 / j / fmax(random_share(), 1e-6));
			break;
		case 3:
			order.min_rate = 1.0 / j;
			break;
		case 4:
			order.max_rate = fmin(1, 1.0 / j * (1 + 1e-10 * (random_share() - 0.5)));
			order.min_rate = random_int(2) ? order.max_rate * (1 - 1e-10 * random_share()) : 0;
			break;
		default:
			break;
	}
	order.size = ldexp(1 + random_share(), random_int(60) - 20);
	switch (random_int(4))
	{
		case 0:
			order.lot = 1;
			order.size = 1 + random_int(1000000);
			break;
		case 1:
			order.lot = 0.01;
			order.size = (1 + random_int(1000000)) * 0.01;
			break;
		case 2:
			order.lot = order.size / (1 + random_int(1000));
			break;
		default:
			break;
	}
	return order;
}

static double
random_proposal(int kind, int64_t left)
{
	switch (kind)
	{
		case 0:
			return 0;
		case 1:
			return 1;
		case 2:
			return NAN;
		case 3:
			return -random_share();
		case 4:
			return random_share() * 1e300;
		case 5:
			return random_int(2) ? INFINITY : -INFINITY;
		case 6:
			return (float) lem_units_share(left);
		case 7:
			return random_share() * lem_units_share(left);
		case 8:
			return random_share() * 0.2;
		default:
			return random_proposal(random_int(9), left);
	}
}

/* Each slice is within the order's rates, but for the rounding of tight ones. */
static int
rates_broken(const lem_order *order, const lem_limits *limits, int64_t units)
{
	const double share = lem_units_share(units);
	double		slack = 0;

	/* Equal shares need up to 1e-9 where the order's numbers were that far off. */
	for (int j = 1; j <= limits->horizon; j++)
	{
		if (fabs(j * order->min_rate - 1) < 1.1e-9 || fabs(j * order->max_rate - 1) < 1.1e-9)
		{
			double		off = fmin(fabs(1.0 / j - order->min_rate),
								   fabs(1.0 / j - order->max_rate));

			slack = fmax(slack, 1e-15 + 2 * off);
		}
	}
	return share < order->min_rate - slack || share > order->max_rate + slack;
}

/* Sums of n numbers in three orders that are all exactly whole. */
static int
sums_broken(int n, const double *x, double whole)
{
	double		forward = 0;
	double		backward = 0;
	double		shuffled = 0;
	int			order[MAX_BARS];

	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0; i--)
	{
		int			j = random_int(i + 1);
		int			swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	for (int i = 0; i < n; i++)
	{
		forward += x[i];
		backward += x[n - 1 - i];
		shuffled += x[order[i]];
	}
	return forward != whole || backward != whole || shuffled != whole;
}

static void
test_random_orders(void)
{
	enum
	{
		SUM, RATES, MINIMUM, IDEMPOTENT, QUANTITY_SUM, SHARE_SUM, LOTS, WITHIN_LOT, CAUSAL, KINDS
	};
	static const char *const names[KINDS] = {
		"units sum to the whole order", "slices keep the rates",
		"orders stay active for their minimum", "a feasible proposal stands",
		"quantities, or their lots, sum to the size in any order", "shares sum to 1 in any order",
		"quantities are whole lots", "quantities are within a lot of the shares",
		"quantities depend on the slices before them only"
	};
	int			broken[KINDS] = {0};
	int			feasible = 0;
	int			infeasible = 0;

	while (feasible < 100000)
	{
		const int	n_ahead = 1 + random_int(feasible % 100 == 0 ? MAX_BARS : 24);
		const lem_order order = random_order(n_ahead);
		const int	kind = random_int(12);
		lem_limits	limits;
		int64_t		units[MAX_BARS];
		double		share[MAX_BARS];
		double		quantity[MAX_BARS];
		double		partial[MAX_BARS];
		int64_t		left = LEM_UNITS;
		int			active = 0;
		int			h;

		if (lem_order_check(&order, n_ahead, &limits, NULL) != LEM_OK)
		{
			infeasible++;
			continue;
		}
		feasible++;
		h = limits.horizon;
		for (int k = 0; k < h; k++)
		{
			units[k] = lem_limits_project(&limits, k, left, random_proposal(kind, left));
			broken[IDEMPOTENT] += units[k] !=
				lem_limits_project(&limits, k, left, lem_units_share(units[k]));
			if (left > 0)
			{
				active++;
				broken[RATES] += rates_broken(&order, &limits, units[k]);
			}
			broken[SUM] += units[k] < 0 || units[k] > left;
			left -= units[k];
			share[k] = lem_units_share(units[k]);
		}
		broken[SUM] += left != 0;
		broken[SUM] += lem_limits_project(&limits, h, left, 0.5) != 0;
		broken[MINIMUM] += order.min_rate > 0 && active < limits.min_bars;
		broken[SHARE_SUM] += sums_broken(h, share, 1);

		lem_order_quantities(&order, &limits, h, units, quantity);
		if (order.lot > 0)
		{
			double		lots[MAX_BARS];

			for (int k = 0; k < h; k++)
				lots[k] = rint(quantity[k] / order.lot);
			broken[QUANTITY_SUM] += sums_broken(h, lots, (double) limits.size_lots);
		}
		else
			broken[QUANTITY_SUM] += sums_broken(h, quantity, order.size);
		for (int k = 0; k < h; k++)
		{
			const double grid = order.lot > 0 ? order.lot : order.size * 0x1p-52;

			broken[QUANTITY_SUM] += !(quantity[k] >= 0) || (units[k] == 0 && quantity[k] != 0);
			broken[WITHIN_LOT] += check_beyond(quantity[k] - share[k] * order.size, grid * (1 + 1e-9));
			if (order.lot > 0)
			{
				const double lots = quantity[k] / order.lot;

				broken[LOTS] += check_beyond(lots - rint(lots), 1e-9 * lots);
			}
		}
		lem_order_quantities(&order, &limits, h / 2, units, partial);
		broken[CAUSAL] += memcmp(partial, quantity, (size_t) (h / 2) * sizeof(double)) != 0;
	}
	for (int i = 0; i < KINDS; i++)
		check_int(broken[i], 0, "%s", names[i]);
	check(infeasible > 1000, "some orders were infeasible");
}

/* Can `left` be spent in bars k .. horizon - 1?  By trying everything. */
static bool
can_finish(const lem_limits *limits, int k, int64_t left)
{
	if (left == 0)
		return k >= limits->min_bars || limits->min_units == 0;
	if (k >= limits->horizon)
		return false;
	for (int64_t a = limits->min_units; a <= limits->max_units && a <= left; a++)
	{
		if (a == 0 ? k + 1 < limits->horizon && can_finish(limits, k + 1, left)
			: can_finish(limits, k + 1, left - a))
			return true;
	}
	return false;
}

static void
test_brute_force(void)
{
	int			wrong = 0;
	int			cases = 0;

	for (int trial = 0; trial < 3000; trial++)
	{
		lem_limits	limits = {0};
		int64_t		left = 1 + random_int(12);
		int			k;

		limits.horizon = 1 + random_int(5);
		limits.min_bars = 1 + random_int(limits.horizon);
		limits.min_units = random_int(4);
		limits.max_units = limits.min_units + random_int(5);
		k = random_int(limits.horizon);
		if (limits.max_units == 0 || !can_finish(&limits, k, left))
			continue;
		for (int64_t target = 0; target <= 14; target++)
		{
			int64_t		best = -1;

			for (int64_t a = limits.min_units; a <= limits.max_units && a <= left; a++)
			{
				if (can_finish(&limits, k + 1, left - a) &&
					(best < 0 || llabs(a - target) < llabs(best - target)))
					best = a;
			}
			cases++;
			wrong += best != lem_limits_project(&limits, k, left, lem_units_share(target));
		}
	}
	check_int(wrong, 0, "the projection is the nearest feasible allocation");
	check(cases > 5000, "in many cases");
}

static void
test_tight(void)
{
	lem_order	order = plain_order();
	lem_limits	limits;
	int64_t		left = LEM_UNITS;
	int64_t		least = LEM_UNITS;
	int64_t		most = 0;

	order.min_rate = order.max_rate = 0.1;
	order.max_bars = 10;
	lem_order_check(&order, 12, &limits, NULL);
	for (int k = 0; k < 10; k++)
	{
		int64_t		a = lem_limits_project(&limits, k, left, random_share());

		least = a < least ? a : least;
		most = a > most ? a : most;
		left -= a;
	}
	check(left == 0 && most - least <= 1, "ten bars of a tenth differ by a unit at most");

	/* Without a maximum of ten bars, a tenth a bar finishes in ten and leaves no dust. */
	order = plain_order();
	order.max_rate = 0.1;
	order.min_bars = 1;
	lem_order_check(&order, 20, &limits, NULL);
	left = LEM_UNITS;
	for (int k = 0; k < 10; k++)
		left -= lem_limits_project(&limits, k, left, 1);
	check(left == 0, "the fastest schedule leaves no dust");

	order = plain_order();
	order.size = 0x1p-1074;
	lem_order_check(&order, 4, &limits, NULL);
	{
		const int64_t units[4] = {LEM_UNITS / 4, LEM_UNITS / 4, LEM_UNITS / 4, LEM_UNITS / 4};
		double		quantity[4];

		lem_order_quantities(&order, &limits, 4, units, quantity);
		check(!sums_broken(4, quantity, order.size), "the smallest size there is");
		order.size = 1.7976931348623157e308;
		lem_order_quantities(&order, &limits, 4, units, quantity);
		check(!sums_broken(4, quantity, order.size), "the largest size there is");
	}
}

/* Two slices of `first` lots and the rest: their quantities. */
static void
split_lots(double size, double lot, int64_t first, int64_t *rest, double *quantity)
{
	lem_order	order = plain_order();
	lem_limits	limits;
	int64_t		units[2];

	order.size = size;
	order.lot = lot;
	if (lem_order_check(&order, 2, &limits, NULL) != LEM_OK)
		check(false, "%g in lots of %g", size, lot);
	units[0] = (int64_t) rint((double) first / (double) limits.size_lots * 0x1p53);
	units[1] = LEM_UNITS - units[0];
	*rest = limits.size_lots - first;
	lem_order_quantities(&order, &limits, 2, units, quantity);
}

/*
 * Lots that are not whole numbers: quantities are what a reader of the decimal would store, and as
 * many lots, to the last one, for whoever rounds down.
 */
static void
test_decimal_lots(void)
{
	static const struct
	{
		double		lot;
		int			digits;		/* decimals of the lot, */
		int			times;		/* and how many of the last one it is */
	}			cases[] = {
		{0.1, 1, 1}, {0.01, 2, 1}, {0.001, 3, 1}, {0.05, 2, 5}, {0.0025, 4, 25}, {1e-8, 8, 1},
		{1e-18, 18, 1}, {1.1, 1, 11}, {100, 0, 100}, {0.7, 1, 7}
	};
	int			broken = 0;
	double		quantity[2];
	int64_t		rest;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char		size[64];

		/* 9973 lots: the size is read from its decimal, as a user's is */
		snprintf(size, sizeof(size), "%de-%d", 9973 * cases[i].times, cases[i].digits);
		for (int64_t lots = 0; lots <= 9973; lots += 1 + random_int(50))
		{
			char		text[64];

			split_lots(strtod(size, NULL), cases[i].lot, lots, &rest, quantity);
			snprintf(text, sizeof(text), "%llde-%d", (long long) lots * cases[i].times,
					 cases[i].digits);
			broken += quantity[0] != strtod(text, NULL);
			snprintf(text, sizeof(text), "%llde-%d", (long long) rest * cases[i].times,
					 cases[i].digits);
			broken += quantity[1] != strtod(text, NULL);
		}
	}
	check_int(broken, 0, "quantities in decimal lots are the nearest decimals");

	split_lots(24.23, 0.01, 2423, &rest, quantity);
	check(quantity[0] == 24.23 && quantity[1] == 0, "24.23 in lots of 0.01 is 24.23");
	split_lots(1, 1.0 / 3, 3, &rest, quantity);
	check(quantity[0] == 1, "three lots of a third are one");
	split_lots(1e15, 0.1234567, 1, &rest, quantity);
	check(quantity[0] == 0.1234567, "a lot of an order too large for its decimals");
}

int
main(void)
{
	test_check();
	test_random_orders();
	test_brute_force();
	test_tight();
	test_decimal_lots();
	return check_done();
}

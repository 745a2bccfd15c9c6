/* bounds.c: what the market lets an order do. */
#include <math.h>

#include "execution/bounds.h"

/* Relative difference of rates that is rounding. */
#define RATE_ROUNDING 1e-9

/* What is at hand while bounds are set. */
typedef struct bounds_work
{
	const lem_order *order;
	const lem_limits *limits;
	const double *market;		/* N x 2 */
	const int64_t *slice_ts;	/* N */
	int64_t		interval;
	int			n;				/* N */
	int			known;
	double		first_price;	/* of row L */
} bounds_work;

void
lem_bounds_carve(lem_arena *arena, size_t steps, int n_ahead, lem_bounds_arrays *arrays)
{
	arrays->told = lem_arena_bytes(arena, steps * sizeof(int64_t));
	arrays->ahead = lem_arena_bytes(arena, steps * sizeof(int64_t));
	arrays->real = lem_arena_bytes(arena, steps * sizeof(int64_t));
	arrays->executed = lem_arena_bytes(arena, steps * sizeof(int64_t));
	arrays->end = lem_arena_bytes(arena, steps * sizeof(int));
	arrays->worse = lem_arena_bytes(arena, steps * sizeof(bool));
	arrays->weight = lem_arena_bytes(arena, steps * sizeof(double));
	arrays->price_ratio = lem_arena_bytes(arena, steps * sizeof(double));
	arrays->by = lem_arena_bytes(arena, steps * sizeof(uint8_t));
	arrays->volume = lem_arena_bytes(arena, n_ahead * sizeof(double));
}

/* The last price before step k's bar; where that is still to come, the last price there is. */
static double
price_before(const bounds_work *work, int k)
{
	return k == 0 ? work->first_price : work->market[2 * (k - 1)];
}

static bool
is_worse(const lem_order *order, double price)
{
	return order->sell ? price < order->limit_price : price > order->limit_price;
}

/* What the order may take of a volume, in grains. */
static int64_t
share_of_volume(const bounds_work *work, double volume, double price)
{
	const double most = work->order->max_participation * volume;

	return lem_most_grains(work->order, work->limits,
						   work->order->notional ? most * price : most);
}

/* Participation and limit price. */
static void
set_caps(const bounds_work *work, lem_bounds *b, const double *told)
{
	const lem_order *order = work->order;

	if (order->max_participation == 0)
		b->told = b->ahead = NULL;
	for (int k = 0; b->told && k < work->n; k++)
	{
		b->told[k] = share_of_volume(work, told[k], price_before(work, k));
		b->ahead[k] = share_of_volume(work, b->weight[k], work->first_price);
	}
	if (!order->has_limit)
		b->worse = NULL;
	for (int k = 0; b->worse && k < work->n; k++)
		b->worse[k] = is_worse(order, price_before(work, k));

	if (order->max_participation == 0 && !order->has_limit && !order->has_end)
		b->real = NULL;
	for (int k = 0; b->real && k < work->known; k++)
	{
		const double price = work->market[2 * k];

		b->real[k] = order->max_participation == 0 ? b->whole
			: share_of_volume(work, work->market[2 * k + 1], price);
		if (order->has_limit && is_worse(order, price))
			b->real[k] = 0;
		if (order->has_end && work->slice_ts[k] > order->end_ts - work->interval)
			b->real[k] = 0;
	}
}

/* What was really done. */
static lem_status
set_executed(const bounds_work *work, lem_bounds *b, lem_fault *fault)
{
	const lem_order *order = work->order;
	double		sum = 0;
	int64_t		before = 0;

	/* Of slices that were decided, some bars may not have completed. */
	b->n_executed = order->n_executed;
	if (order->n_decided > 0 && b->n_executed > work->known)
		b->n_executed = work->known;
	if (b->n_executed > work->known)
		return lem_fail(fault, LEM_EXECUTED_COUNT, NULL, order->n_executed, work->known);
	for (int k = 0; k < b->n_executed; k++)
	{
		int64_t		upto;

		if (!(order->executed[k] >= 0 && isfinite(order->executed[k])))
		{
			lem_fail(fault, LEM_BAD_EXECUTED, NULL, order->executed[k], 0);
			if (fault)
				fault->index = k;
			return LEM_BAD_EXECUTED;
		}
		sum += order->executed[k];
		upto = lem_executed_units(order, work->limits, sum);
		b->executed[k] = upto - before;
		before = upto;
		b->price_ratio[k] = 1;
		if (order->executed_price && isfinite(order->executed_price[k]))
			b->price_ratio[k] = order->executed_price[k] / work->market[2 * k];
	}
	return LEM_OK;
}

/* Can the order be completed in its first `steps` steps, as far as could be known at its start? */
static lem_status
check_start(const bounds_work *work, const lem_bounds *b, int steps, lem_fault *fault)
{
	const lem_order *order = work->order;
	int64_t		capacity;
	lem_status	status = LEM_OK;

	if (order->best_effort || order->tracked || order->n_decided > 0)
		return LEM_OK;
	if (steps < 1)
		status = lem_fail(fault, LEM_END_INFEASIBLE, NULL, 0, 0);
	else if (order->max_rate * steps < 1 - RATE_ROUNDING)
		status = lem_fail(fault, LEM_MAX_RATE_INFEASIBLE, NULL, order->max_rate, 0);
	if (fault && status != LEM_OK)
	{
		fault->ts = order->end_ts;
		fault->index = steps;
	}
	if (status != LEM_OK || b->told == NULL)
		return status;
	capacity = lem_bounds_capacity(b, steps);
	if (b->whole - capacity > lem_whole_slack(work->limits))
		return lem_fail(fault, LEM_PARTICIPATION_INFEASIBLE, NULL,
						(double) capacity / (double) b->whole, order->max_participation);
	return LEM_OK;
}

lem_status
lem_bounds_set(const lem_config *config, const lem_order *order, const lem_series *series,
			   const lem_clock *clock, const lem_window *window, const int64_t *slice_ts,
			   const double *market, double *scratch, const lem_bounds_arrays *arrays, size_t at,
			   lem_bounds *bounds, lem_limits *limits, lem_fault *fault)
{
	const size_t before = order->has_start ? lem_series_before(series, order->start_ts) : series->n;
	bounds_work work = {order, limits, market, slice_ts, window->interval, config->n_ahead,
		window->known, series->price[before - 1]};
	int			steps = limits->horizon;
	lem_status	status;

	*bounds = (lem_bounds) {
		.known = window->known,
		.horizon = limits->horizon,
		.min_bars = limits->min_bars,
		.told = arrays->told + at,
		.ahead = arrays->ahead + at,
		.real = arrays->real + at,
		.worse = arrays->worse + at,
		.end = order->has_end ? arrays->end + at : NULL,
		.weight = arrays->weight + at,
		.catch_up = order->catch_up,
		.executed = arrays->executed + at,
		.price_ratio = arrays->price_ratio + at
	};
	lem_bounds_rates(order, limits, bounds);
	status = lem_window_told(config, series, order, clock, scratch, window, slice_ts,
							 arrays->volume, bounds->weight, bounds->end, fault);
	if (status == LEM_OK)
		status = set_executed(&work, bounds, fault);
	if (status != LEM_OK)
		return status;
	set_caps(&work, bounds, arrays->volume);
	if (order->twap)
		bounds->weight = NULL;

	if (bounds->end)
	{
		const int	now = window->known < config->n_ahead ? window->known : config->n_ahead - 1;
		int			shown = bounds->end[now] > now ? bounds->end[now] : 1;

		/* Steps past the end that have been reached are none of the order's. */
		for (int k = 0; k <= now; k++)
			shown = bounds->end[k] > k && k >= shown ? k + 1 : shown;

		/* What was decided stays, also where the end has been moved before it. */
		shown = shown < limits->n_decided ? limits->n_decided : shown;
		steps = bounds->end[0] < steps ? bounds->end[0] : steps;
		if (shown < limits->horizon)
			limits->horizon = shown;
		if (limits->min_bars > limits->horizon)
			limits->min_bars = limits->horizon;
	}
	limits->bounds = bounds;
	return check_start(&work, bounds, steps, fault);
}

double
lem_order_unallocated(const lem_order *order, const lem_limits *limits, const int64_t *units)
{
	int64_t		left = LEM_UNITS;

	for (int k = 0; k < limits->horizon; k++)
		left -= units[k];
	if (limits->size_lots > 0)
		return (double) (limits->size_lots - lem_units_grains(limits, LEM_UNITS - left))
			* order->lot;
	return order->size * lem_units_share(left);
}

/* schedule.c: from orders and bars to schedules. */
#include "execution/schedule.h"
#include "market/series.h"

void
lem_plan_carve(lem_arena *arena, const lem_config *config, const lem_model *model, int n,
			   lem_plan *plan)
{
	const size_t steps = (size_t) n * config->n_ahead;
	const size_t rows = (size_t) n * lem_rows(config) * lem_inputs(config);

	plan->last.there = false;
	plan->extent = LEM_WHOLE;
	plan->steps = lem_arena_bytes(arena, n * sizeof(int));
	plan->limits = lem_arena_bytes(arena, n * sizeof(lem_limits));
	plan->windows = lem_arena_bytes(arena, n * sizeof(lem_window));
	plan->branch = lem_arena_bytes(arena, n * sizeof(int));
	plan->slice_ts = lem_arena_bytes(arena, steps * sizeof(int64_t));
	plan->units = lem_arena_bytes(arena, steps * sizeof(int64_t));
	plan->market = lem_arena_bytes(arena, 2 * steps * sizeof(double));
	plan->rows = lem_arena_reals(arena, rows);
	plan->min_rate = lem_arena_reals(arena, n);
	plan->max_rate = lem_arena_reals(arena, n);
	plan->bounds = lem_arena_bytes(arena, n * sizeof(lem_bounds));
	lem_bounds_carve(arena, steps, config->n_ahead, &plan->arrays);
	plan->policy = lem_arena_bytes(arena, config->stop_base ? n * sizeof(lem_policy_order) : 0);
	plan->expected = lem_arena_bytes(arena, config->stop_base ? steps * sizeof(double) : 0);
	plan->close = lem_arena_bytes(arena, config->stop_base ? steps * sizeof(double) : 0);
	plan->scratch = lem_arena_bytes(arena, lem_window_scratch(config, NULL) * sizeof(double));
	plan->memory = config->shared_trunk ? lem_window_memory_carve(arena, config) : NULL;
	plan->forward = lem_arena_bytes(arena, model ? lem_forward_workspace(model, n, false) : 0);
}

/*
 * Bars that order i's window is built for: where its next slice is all that is wanted, the row that this is
 * decided by is that of the last bar, and none is expected.  Limits look at all bars to come.
 */
static int
bars_shown(const lem_plan *plan, int horizon, const lem_order *order, const lem_series *series)
{
	size_t		known;

	if (plan->extent == LEM_WHOLE || lem_order_bounded(order))
		return horizon;
	known = order->has_start ? series->n - lem_series_before(series, order->start_ts) : 0;
	known = known < (size_t) order->n_decided ? (size_t) order->n_decided : known;
	return known + 2 < (size_t) horizon ? (int) known + 2 : horizon;
}

/*
 * The window of order i, of near->n_ahead bars: that of the order before where it begins at the same bar of
 * the same series.
 */
static lem_status
set_window(lem_plan *plan, const lem_config *config, const lem_config *near, int i,
		   const lem_order *order, const lem_series *series, const lem_clock *clock,
		   lem_fault *fault)
{
	const size_t step = (size_t) i * config->n_ahead;
	const size_t size = (size_t) lem_rows(config) * lem_inputs(config);
	const size_t used = (size_t) lem_rows(near) * lem_inputs(near);
	lem_real   *rows = plan->rows + i * size;
	const int	from = plan->last.order;
	lem_status	status;

	if (plan->last.there && from != i && plan->last.n_ahead == near->n_ahead &&
		plan->last.has_start == order->has_start &&
		(!order->has_start || plan->last.start_ts == order->start_ts) &&
		plan->last.clock == clock && lem_series_equal(&plan->last.series, series))
	{
		const size_t from_step = (size_t) from * config->n_ahead;

		memcpy(rows, plan->rows + from * size, size * sizeof(lem_real));
		memcpy(plan->slice_ts + step, plan->slice_ts + from_step, near->n_ahead * sizeof(int64_t));
		memcpy(plan->market + 2 * step, plan->market + 2 * from_step,
			   2 * near->n_ahead * sizeof(double));
		plan->windows[i] = plan->windows[from];
		return LEM_OK;
	}
	plan->last.there = false;
	/* an order that is shorter than the longest has fewer bars to be expected; its rows end in zeros */
	memset(rows + used, 0, (size - used) * sizeof(lem_real));
	status = lem_window_build_on(plan->memory, near, series, order, clock, plan->scratch,
								 &plan->windows[i], rows, plan->slice_ts + step,
								 plan->market + 2 * step, fault);
	if (status != LEM_OK)
		return status;
	plan->last.there = true;
	plan->last.order = i;
	plan->last.n_ahead = near->n_ahead;
	plan->last.has_start = order->has_start;
	plan->last.start_ts = order->start_ts;
	plan->last.series = *series;
	plan->last.clock = clock;
	plan->last.looked = 0;
	return LEM_OK;
}

/* What is known before order i, whose window is set, and expected of its volumes; config: that of its length. */
static lem_status
set_outlook(lem_plan *plan, const lem_config *config, const lem_optimal_options *options,
			size_t step, int i, const lem_order *order, const lem_series *series,
			const lem_clock *clock, lem_fault *fault)
{
	const int	from = plan->last.order;
	lem_status	status;

	if (plan->last.looked >= config->n_ahead && from != i)
	{
		memcpy(plan->expected + step, plan->policy[from].volume, config->n_ahead * sizeof(double));
		return LEM_OK;
	}
	plan->last.looked = 0;
	status = lem_window_outlook_on(plan->windows[i].memory, config, series, order, clock,
								   plan->scratch, false, &plan->last.outlook,
								   plan->expected + step, fault);
	plan->last.order = i;		/* which has the window as well */
	if (status != LEM_OK)
		return status;
	plan->last.price = lem_optimal_last(options, order, series, &plan->windows[i]);
	plan->last.looked = config->n_ahead;
	return LEM_OK;
}

/*
 * The optimum that the network of order i, whose window and limits are set, moves.  The order's numbers a step
 * begin at `step`; config: that of its length.
 */
static lem_status
set_policy(lem_plan *plan, const lem_config *config, size_t step, int i, const lem_order *order,
		   const lem_series *series, const lem_clock *clock, lem_fault *fault)
{
	const lem_limits *limits = &plan->limits[i];
	lem_policy_order *policy = &plan->policy[i];
	lem_optimal_options options;
	lem_status	status;

	lem_optimal_options_default(&options);
	options.impact = config->impact;
	status = set_outlook(plan, config, &options, step, i, order, series, clock, fault);
	if (status != LEM_OK)
		return status;
	*policy = (lem_policy_order) {
		.sell = order->sell,
		.twap = order->twap,
		.notional = order->notional,
		.horizon = limits->horizon,
		.min_bars = order->min_bars > 0 ? limits->min_bars : limits->horizon,
		.min_rate = order->min_rate,
		.max_rate = order->max_rate,
		.market = plan->market + 2 * step,
		.volume = plan->expected + step
	};
	status = lem_optimal_begin(&options, order, limits, &plan->last.outlook, &plan->last.price,
							   &policy->optimal, fault);
	policy->optimal.close = plan->close + step;
	lem_last_closes(series, plan->slice_ts + step, config->n_ahead, plan->windows[i].known,
					plan->close + step);
	return status;
}

lem_status
lem_plan_set(lem_plan *plan, const lem_config *config, int i, const lem_order *order,
			 const lem_series *series, const lem_clock *clock, lem_fault *fault)
{
	const size_t step = (size_t) i * config->n_ahead;
	lem_status	status = lem_order_check(order, config->n_ahead, &plan->limits[i], fault);
	lem_config	near;
	lem_config	shown;
	int			known;

	if (status != LEM_OK)
		return status;
	near = lem_config_near(config, plan->limits[i].horizon);
	shown = lem_config_near(config, bars_shown(plan, plan->limits[i].horizon, order, series));
	plan->limits[i].by = plan->arrays.by + step;
	plan->branch[i] = plan->limits[i].branch;
	plan->min_rate[i] = (lem_real) order->min_rate;
	plan->max_rate[i] = (lem_real) order->max_rate;
	status = set_window(plan, config, &shown, i, order, series, clock, fault);
	/* of bars that are carried on there are more than of those that are there */
	if (status == LEM_OK && shown.n_ahead < near.n_ahead &&
		plan->windows[i].known + 2 > shown.n_ahead)
		status = set_window(plan, config, &near, i, order, series, clock, fault);
	if (status == LEM_OK && lem_order_bounded(order))
		status = lem_bounds_set(&near, order, series, clock, &plan->windows[i],
								plan->slice_ts + step, plan->market + 2 * step, plan->scratch,
								&plan->arrays, step, &plan->bounds[i], &plan->limits[i], fault);
	if (status == LEM_OK && config->stop_base)
		status = set_policy(plan, &near, step, i, order, series, clock, fault);
	if (status != LEM_OK)
		return status;
	known = plan->windows[i].known;
	plan->steps[i] = plan->extent == LEM_TO_NEXT && known < plan->limits[i].horizon ? known + 1
		: plan->limits[i].horizon;
	return LEM_OK;
}

lem_status
lem_plan_run(lem_plan *plan, const lem_model *model, int n, const lem_stop *stop)
{
	const lem_batch batch = {
		.n = n,
		.rows = plan->rows,
		.min_rate = plan->min_rate,
		.max_rate = plan->max_rate,
		.branch = plan->branch,
		.limits = plan->limits,
		.steps = plan->steps,
		.policy = plan->policy,
		.units = plan->units
	};

	return lem_forward(model, &batch, plan->forward, stop);
}

/* Everything that scheduling works in. */
static void
schedule_carve(lem_arena *arena, const lem_model *model, int n, lem_plan *plan, double **quantity)
{
	lem_plan_carve(arena, &model->config, model, n, plan);
	*quantity = lem_arena_bytes(arena, model->config.n_ahead * sizeof(double));
}

size_t
lem_schedule_workspace(const lem_model *model, int n, const lem_series *series)
{
	lem_arena	arena = {NULL, 0};
	lem_plan	plan;
	double	   *quantity;

	(void) series;
	schedule_carve(&arena, model, n, &plan, &quantity);
	return arena.used;
}

lem_status
lem_schedule_branch(const lem_config *config, const lem_order *order, int *branch,
					lem_fault *fault)
{
	lem_limits	limits;
	lem_status	status = lem_order_check(order, config->n_ahead, &limits, fault);

	if (status == LEM_OK)
		*branch = limits.branch;
	return status;
}

void
lem_plan_slices(const lem_order *order, const lem_limits *limits, int n,
				const lem_window *window, const int64_t *slice_ts, const int64_t *units,
				double *quantity, lem_slice *slices)
{
	int64_t		sum = 0;

	lem_order_quantities(order, limits, n, units, quantity);
	for (int k = 0; k < n; k++)
	{
		sum += units[k];
		slices[k].step = k + 1;
		slices[k].state = k < window->known ? LEM_SLICE_DONE
			: k == window->known && window->next_known ? LEM_SLICE_NEXT : LEM_SLICE_PROJECTED;
		slices[k].ts = slice_ts[k];
		slices[k].end_ts = slices[k].state == LEM_SLICE_NEXT ? window->next_end : LEM_TIME_END - 1;
		slices[k].allocation = lem_units_share(units[k]);
		slices[k].cumulative = lem_units_share(sum);
		slices[k].quantity = quantity[k];
		slices[k].by = limits->by ? (lem_bound) limits->by[k] : LEM_BOUND_NONE;
	}
}

lem_status
lem_schedule(const lem_model *model, lem_extent extent, int n, const lem_order *orders,
			 const lem_series *series, const lem_clock *clock, void *workspace,
			 const lem_stop *stop, lem_slice *slices, int *counts, int *failed, lem_fault *fault)
{
	const lem_config *config = &model->config;
	const int	n_ahead = config->n_ahead;
	lem_arena	arena = {workspace, 0};
	lem_plan	plan;
	double	   *quantity;
	lem_status	status;

	schedule_carve(&arena, model, n, &plan, &quantity);
	plan.extent = extent;
	for (int i = 0; i < n; i++)
	{
		*failed = i;
		if (lem_stop_asked(stop))
			return lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
		status = lem_plan_set(&plan, config, i, &orders[i], &series[i], clock, fault);
		if (status != LEM_OK)
			return status;
	}
	status = lem_plan_run(&plan, model, n, stop);
	if (status != LEM_OK)
		return lem_fail(fault, status, NULL, 0, 0);

	for (int i = 0; i < n; i++)
	{
		const size_t step = (size_t) i * n_ahead;

		counts[i] = plan.steps[i];
		lem_plan_slices(&orders[i], &plan.limits[i], counts[i], &plan.windows[i],
						plan.slice_ts + step, plan.units + step, quantity, slices + step);
	}
	return LEM_OK;
}

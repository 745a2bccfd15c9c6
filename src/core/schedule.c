/* schedule.c: from orders and bars to schedules. */
#include "schedule.h"

/* Buffers of a batch of schedules. */
typedef struct schedule_acts
{
	lem_limits *limits;			/* n */
	lem_window *windows;		/* n */
	int		   *branch;			/* n */
	int64_t    *slice_ts;		/* n x N */
	int64_t    *units;			/* n x N */
	double	   *quantity;		/* N */
	lem_real   *rows;			/* n x T x C */
	lem_real   *min_rate;		/* n */
	lem_real   *max_rate;		/* n */
	double	   *scratch;		/* of the window builder */
	void	   *forward;
} schedule_acts;

static void
schedule_carve(lem_arena *arena, const lem_model *model, int n, const lem_series *series,
			   schedule_acts *acts)
{
	const lem_config *config = &model->config;
	const size_t steps = (size_t) n * config->n_ahead;
	size_t		scratch = 0;

	for (int i = 0; i < n; i++)
	{
		size_t		need = lem_window_scratch(config, &series[i]);

		scratch = need > scratch ? need : scratch;
	}
	acts->limits = lem_arena_bytes(arena, n * sizeof(lem_limits));
	acts->windows = lem_arena_bytes(arena, n * sizeof(lem_window));
	acts->branch = lem_arena_bytes(arena, n * sizeof(int));
	acts->slice_ts = lem_arena_bytes(arena, steps * sizeof(int64_t));
	acts->units = lem_arena_bytes(arena, steps * sizeof(int64_t));
	acts->quantity = lem_arena_bytes(arena, config->n_ahead * sizeof(double));
	acts->rows = lem_arena_reals(arena, (size_t) n * lem_rows(config) * lem_inputs(config));
	acts->min_rate = lem_arena_reals(arena, n);
	acts->max_rate = lem_arena_reals(arena, n);
	acts->scratch = lem_arena_bytes(arena, scratch * sizeof(double));
	acts->forward = lem_arena_bytes(arena, lem_forward_workspace(model, n, false));
}

size_t
lem_schedule_workspace(const lem_model *model, int n, const lem_series *series)
{
	lem_arena	arena = {NULL, 0};
	schedule_acts acts;

	schedule_carve(&arena, model, n, series, &acts);
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

/* One order's slices from its projected allocations. */
static void
write_slices(const lem_order *order, const lem_limits *limits, const lem_window *window,
			 const int64_t *slice_ts, const int64_t *units, double *quantity, lem_slice *slices)
{
	int64_t		sum = 0;

	lem_order_quantities(order, limits, limits->horizon, units, quantity);
	for (int k = 0; k < limits->horizon; k++)
	{
		sum += units[k];
		slices[k].step = k + 1;
		slices[k].state = k < window->known ? LEM_SLICE_DONE
			: k == window->known && window->next_known ? LEM_SLICE_NEXT : LEM_SLICE_PROJECTED;
		slices[k].ts = slice_ts[k];
		slices[k].allocation = lem_units_share(units[k]);
		slices[k].cumulative = lem_units_share(sum);
		slices[k].quantity = quantity[k];
	}
}

lem_status
lem_schedule(const lem_model *model, int n, const lem_order *orders, const lem_series *series,
			 const lem_clock *clock, void *workspace, const lem_stop *stop,
			 lem_slice *slices, int *counts, int *failed, lem_fault *fault)
{
	const lem_config *config = &model->config;
	const int	n_ahead = config->n_ahead;
	const size_t sample = (size_t) lem_rows(config) * lem_inputs(config);
	lem_arena	arena = {workspace, 0};
	schedule_acts acts;
	lem_batch	batch;
	lem_status	status;

	schedule_carve(&arena, model, n, series, &acts);
	for (int i = 0; i < n; i++)
	{
		*failed = i;
		if (lem_stop_asked(stop))
			return lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
		status = lem_order_check(&orders[i], n_ahead, &acts.limits[i], fault);
		if (status != LEM_OK)
			return status;
		status = lem_window_build(config, &series[i], &orders[i], clock, acts.scratch,
								  &acts.windows[i], acts.rows + i * sample,
								  acts.slice_ts + (size_t) i * n_ahead, NULL, fault);
		if (status != LEM_OK)
			return status;
		acts.branch[i] = acts.limits[i].branch;
		acts.min_rate[i] = (lem_real) orders[i].min_rate;
		acts.max_rate[i] = (lem_real) orders[i].max_rate;
	}

	batch = (lem_batch) {
		.n = n,
		.rows = acts.rows,
		.min_rate = acts.min_rate,
		.max_rate = acts.max_rate,
		.branch = acts.branch,
		.limits = acts.limits,
		.units = acts.units
	};
	status = lem_forward(model, &batch, acts.forward, stop);
	if (status != LEM_OK)
		return lem_fail(fault, status, NULL, 0, 0);

	for (int i = 0; i < n; i++)
	{
		counts[i] = acts.limits[i].horizon;
		write_slices(&orders[i], &acts.limits[i], &acts.windows[i],
					 acts.slice_ts + (size_t) i * n_ahead, acts.units + (size_t) i * n_ahead,
					 acts.quantity, slices + (size_t) i * n_ahead);
	}
	return LEM_OK;
}

/* backtest.c: an order from every start that a series has room for. */
#include "judging/backtest.h"

/* Bars that are tried between two looks at the stop callback. */
#define STOP_BARS 64

/* Starts of a batch of baselines: what one remembers of the series begins anew with each. */
#define BASELINE_BATCH 256

/* What a batch works in. */
typedef struct backtest_work
{
	lem_plan	plan;
	lem_outlook *outlook;		/* n */
	double	   *volume;			/* n x N: expected at the start */
	int64_t    *units;			/* N: of a baseline */
	int64_t    *slice_ts;		/* N: of the shifted window, not used */
	double	   *quantity;		/* N */
	double	   *close;			/* N: of the bars that a start's slices trade in */
} backtest_work;

static void
work_carve(lem_arena *arena, const lem_backtest *test, int n, backtest_work *work)
{
	const size_t steps = test->config->n_ahead;

	lem_plan_carve(arena, test->config, test->model, n, &work->plan);

	/* each start is near the one before, whatever the form; orders that come together need not be */
	if (!test->config->shared_trunk)
		work->plan.memory = lem_window_memory_carve(arena, test->config);
	work->outlook = lem_arena_bytes(arena, n * sizeof(lem_outlook));
	work->volume = lem_arena_bytes(arena, n * steps * sizeof(double));
	work->units = lem_arena_bytes(arena, steps * sizeof(int64_t));
	work->slice_ts = lem_arena_bytes(arena, steps * sizeof(int64_t));
	work->quantity = lem_arena_bytes(arena, steps * sizeof(double));
	work->close = lem_arena_bytes(arena, steps * sizeof(double));
}

size_t
lem_backtest_workspace(const lem_backtest *test, int n)
{
	lem_arena	arena = {NULL, 0};
	backtest_work work;

	work_carve(&arena, test, n, &work);
	return arena.used;
}

int
lem_backtest_batch(const lem_backtest *test)
{
	return test->model ? lem_forward_batch(test->config) : BASELINE_BATCH;
}

void
lem_backtest_default(lem_backtest *test)
{
	*test = (lem_backtest) {
		.alignment = LEM_ALIGN_CAUSAL,
		.every = 1,
		.costs = {.coefficient = 1, .turnover_days = 200}
	};
	lem_baseline_options_default(&test->baselines);
}

/* Is any strategy or cost in need of the outlook, or of expected volumes? */
static bool
needs_volume(const lem_backtest *test)
{
	for (int i = 0; i < test->n_baselines; i++)
	{
		if (test->baseline[i] == LEM_BASELINE_VWAP_CURVE ||
			test->baseline[i] == LEM_BASELINE_OPTIMAL_STOP)
			return true;
	}
	return false;
}

static bool
needs_outlook(const lem_backtest *test)
{
	return test->n_baselines > 0 || test->costs.impact != LEM_IMPACT_NONE;
}

/* Faults that make a bar no start, rather than the series unusable. */
static bool
is_no_start(lem_status status)
{
	return status == LEM_SHORT_HISTORY || status == LEM_MISSING_BARS ||
		status == LEM_NO_INTERVAL || status == LEM_END_INFEASIBLE;
}

/*
 * Try bar `bar` of the series as start i of the batch.  LEM_OK with *good false: it is none; with
 * *over true, nor is any later one.
 */
static lem_status
set_start(const lem_backtest *test, backtest_work *work, int64_t bar, int i, bool *good,
		  bool *over, lem_backtest_start *start, lem_fault *fault)
{
	const lem_config *config = test->config;
	lem_plan   *plan = &work->plan;
	lem_order	order = test->order;
	lem_status	status;
	int			horizon;

	*good = false;
	order.has_start = true;
	order.start_ts = test->series->ts[bar];
	if (order.has_end && order.start_ts >= order.end_ts)
	{
		*over = true;
		return LEM_OK;
	}
	status = lem_plan_set(plan, config, i, &order, test->series, test->clock, fault);
	if (is_no_start(status))
		return LEM_OK;
	if (status != LEM_OK)
		return status;
	horizon = plan->limits[i].horizon;
	start->bar = bar;
	start->ts = order.start_ts;
	start->end = plan->slice_ts[(size_t) i * config->n_ahead + horizon - 1];
	if (plan->windows[i].known < horizon || (test->has_until && start->end >= test->until))
	{
		*over = true;
		return LEM_OK;
	}

	if (needs_outlook(test))
	{
		status = lem_window_outlook_on(plan->windows[i].memory, config, test->series, &order,
									   test->clock, plan->scratch,
									   test->costs.impact == LEM_IMPACT_ALMGREN,
									   &work->outlook[i], needs_volume(test)
									   ? work->volume + (size_t) i * config->n_ahead : NULL,
									   fault);
		if (status != LEM_OK)
			return status;
	}
	if (test->model && test->alignment == LEM_ALIGN_PAPER)
	{
		lem_window	shifted;

		/* an instant later the bar at start_ts is the last one before */
		order.start_ts++;
		status = lem_window_build(config, test->series, &order, test->clock, plan->scratch,
								  &shifted,
								  plan->rows + (size_t) i * lem_rows(config) * lem_inputs(config),
								  work->slice_ts, NULL, fault);
		if (is_no_start(status))
			return LEM_OK;
		if (status != LEM_OK)
			return status;
	}
	*good = true;
	return LEM_OK;
}

/* What strategy j of start i came to. */
static void
judge(const lem_backtest *test, const backtest_work *work, int i, const int64_t *units,
	  lem_outcome *outcome, double *allocation)
{
	const int	n_ahead = test->config->n_ahead;
	const lem_limits *limits = &work->plan.limits[i];

	lem_outcome_of(&test->order, limits, work->plan.market + (size_t) i * 2 * n_ahead, units,
				   &test->costs, &work->outlook[i], work->quantity, outcome);
	for (int k = 0; allocation && k < n_ahead; k++)
		allocation[k] = k < limits->horizon ? lem_units_share(units[k]) : 0;
}

/* Units of baseline j at start i. */
static lem_status
decide(const lem_backtest *test, backtest_work *work, int i, int j,
	   const lem_backtest_start *start, lem_fault *fault)
{
	const size_t step = (size_t) i * test->config->n_ahead;
	const lem_plan *plan = &work->plan;
	const bool	optimal_stop = test->baseline[j] == LEM_BASELINE_OPTIMAL_STOP;
	lem_optimal optimal;
	lem_order	order = test->order;

	order.has_start = true;
	order.start_ts = start->ts;
	if (optimal_stop)
	{
		const lem_last last = lem_optimal_last(&test->baselines.optimal, &order, test->series,
											   &plan->windows[i]);
		lem_status	status = lem_optimal_begin(&test->baselines.optimal, &order, &plan->limits[i],
											   &work->outlook[i], &last, &optimal, fault);

		if (status == LEM_OK &&
			lem_optimal_find(&test->baselines.optimal.source, &optimal) != LEM_OK)
			status = lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
		if (status != LEM_OK)
			return status;
		lem_last_closes(test->series, plan->slice_ts + step, test->config->n_ahead,
						plan->windows[i].known, work->close);
		optimal.close = work->close;
	}
	lem_baseline_units(test->baseline[j], &test->baselines, &order, &plan->limits[i],
					   &work->outlook[i], work->volume + step, plan->market + 2 * step,
					   optimal_stop ? &optimal : NULL, work->units);
	return LEM_OK;
}

lem_status
lem_backtest_run(const lem_backtest *test, lem_backtest_cursor *cursor, int n, void *workspace,
				 const lem_stop *stop, lem_backtest_start *starts, lem_outcome *outcomes,
				 double *allocations, int *count, lem_fault *fault)
{
	const lem_series *series = test->series;
	const size_t n_ahead = test->config->n_ahead;
	const int	strategies = lem_backtest_strategies(test);
	lem_backtest_cursor at = *cursor;
	lem_arena	arena = {workspace, 0};
	backtest_work work;
	lem_status	status;
	bool		over = false;
	int			found = 0;
	int			tried = 0;

	*count = 0;
	if (series->n_features != test->config->extra_features)
		return lem_fail(fault, LEM_FEATURE_COUNT, NULL, series->n_features,
						test->config->extra_features);
	work_carve(&arena, test, n, &work);
	if (at.bar == 0)
		at.bar = test->has_from ? (int64_t) lem_series_before(series, test->from) : 1;
	if (at.bar == 0)
		at.bar = 1;
	while (found < n && !over && at.bar < (int64_t) series->n)
	{
		bool		good;

		if (tried++ % STOP_BARS == 0 && lem_stop_asked(stop))
			return lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
		status = set_start(test, &work, at.bar, found, &good, &over, &starts[found], fault);
		if (status != LEM_OK)
			return status;
		if (over)
			break;
		found += good;
		at.started = at.started || good;
		at.skipped += at.started && !good;
		if (!at.started)
			at.bar++;
		else if (test->every > (int64_t) series->n - at.bar)
			at.bar = (int64_t) series->n;
		else
			at.bar += test->every;
	}
	if (over)
		at.bar = (int64_t) series->n;

	if (test->model && found > 0)
	{
		status = lem_plan_run(&work.plan, test->model, found, stop);
		if (status != LEM_OK)
			return lem_fail(fault, status, NULL, 0, 0);
	}
	for (int i = 0; i < found; i++)
	{
		lem_outcome *outcome = outcomes + (size_t) i * strategies;
		double	   *allocation = allocations
			? allocations + (size_t) i * strategies * n_ahead : NULL;

		if (test->model)
		{
			judge(test, &work, i, work.plan.units + (size_t) i * n_ahead, outcome++, allocation);
			if (allocation)
				allocation += n_ahead;
		}
		for (int j = 0; j < test->n_baselines; j++)
		{
			status = decide(test, &work, i, j, &starts[i], fault);
			if (status != LEM_OK)
				return status;
			judge(test, &work, i, work.units, outcome++, allocation);
			if (allocation)
				allocation += n_ahead;
		}
	}
	*cursor = at;
	*count = found;
	return LEM_OK;
}

lem_tally
lem_tally_means(const lem_tally *sums, size_t n)
{
	const double starts = (double) n;

	return (lem_tally) {sums->bars_used / starts, sums->completion / starts,
		sums->cost_bps / starts};
}

int
lem_backtest_keep(const lem_backtest *test, int count, const lem_backtest_start *starts,
				  const lem_outcome *outcomes, lem_tally *tallies, double *gains,
				  int64_t *bars)
{
	const int	strategies = lem_backtest_strategies(test);
	int			kept = 0;

	for (int i = 0; i < count; i++, outcomes += strategies)
	{
		bool		valid = true;

		for (int j = 0; j < strategies; j++)
			valid = valid && outcomes[j].valid;
		if (!valid)
			continue;
		bars[kept++] = starts[i].bar;
		for (int j = 0; j < strategies; j++)
		{
			*gains++ = outcomes[j].bps;
			tallies[j].bars_used += outcomes[j].bars_used;
			tallies[j].completion += outcomes[j].completion;
			tallies[j].cost_bps += outcomes[j].cost_bps;
		}
	}
	return kept;
}

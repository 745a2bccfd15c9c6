/* explain.c: what a model looked at when it decided a slice. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "execution/explain.h"
#include "execution/schedule.h"
#include "model/shared_trunk.h"

/* Buffers: of the pass over the window as it is, and of those over changed ones. */
typedef struct explain_acts
{
	lem_plan	plan;			/* of one order */
	int64_t    *row_ts;			/* T */
	double	   *curve;			/* N */
	double	   *factor;			/* N */
	double	   *finish;			/* N */
	lem_trunk_acts trunk;		/* of one sample */
	lem_alloc_acts alloc;		/* of one task, kept; on top of the optimum none */
	void	   *policy;			/* workspace of the network of shared steps */
	lem_shared_acts shared;		/* of a shared trunk: of one sample, and of changed ones */
	lem_shared_acts changed_shared;
	lem_real   *attention;		/* A x (L + 1): of the rows that the next slice sees */

	int			chunk;			/* windows of a pass */
	lem_trunk_acts changed_trunk;
	lem_alloc_acts changed_alloc;
	lem_real   *rows;			/* chunk x T x C */
	lem_real   *rates;			/* 2 x chunk: min, then max */
	lem_limits *limits;			/* chunk */
	int		   *sample;			/* chunk */
	int		   *branch;			/* chunk */
	int64_t    *units;			/* chunk x N */
	int64_t    *changed;		/* C */
} explain_acts;

static void
explain_carve(lem_arena *arena, const lem_model *model, explain_acts *acts)
{
	const lem_config *config = &model->config;
	const size_t steps = (size_t) config->n_ahead;
	const int	columns = lem_inputs(config);
	const int	most = lem_forward_batch(config);
	const int	chunk = most < columns ? most : columns;

	lem_plan_carve(arena, config, NULL, 1, &acts->plan);
	acts->row_ts = lem_arena_bytes(arena, lem_rows(config) * sizeof(int64_t));
	acts->curve = lem_arena_bytes(arena, steps * sizeof(double));
	acts->factor = lem_arena_bytes(arena, steps * sizeof(double));
	acts->finish = lem_arena_bytes(arena, steps * sizeof(double));
	if (config->shared_trunk)
	{
		lem_shared_acts_carve(arena, config, model->trunk, 1, true, &acts->shared);
		acts->attention = lem_arena_reals(arena, (size_t) config->num_heads
										  * (config->lookback + 1));
	}
	else
		lem_trunk_acts_carve(arena, config, model->trunk, 1, false, &acts->trunk);
	if (config->stop_base)
		acts->policy = lem_arena_bytes(arena, lem_policy_workspace(config, 1));
	else
		lem_alloc_acts_carve(arena, config, 1, true, &acts->alloc);

	acts->chunk = chunk;
	if (config->shared_trunk)
		lem_shared_acts_carve(arena, config, model->trunk, chunk, false, &acts->changed_shared);
	else
		lem_trunk_acts_carve(arena, config, model->trunk, chunk, false, &acts->changed_trunk);
	if (!config->stop_base)
		lem_alloc_acts_carve(arena, config, chunk, false, &acts->changed_alloc);
	acts->rows = lem_arena_reals(arena, (size_t) chunk * lem_rows(config) * columns);
	acts->rates = lem_arena_reals(arena, 2 * (size_t) chunk);
	acts->limits = lem_arena_bytes(arena, chunk * sizeof(lem_limits));
	acts->sample = lem_arena_bytes(arena, chunk * sizeof(int));
	acts->branch = lem_arena_bytes(arena, chunk * sizeof(int));
	acts->units = lem_arena_bytes(arena, chunk * steps * sizeof(int64_t));
	acts->changed = lem_arena_bytes(arena, columns * sizeof(int64_t));
}

size_t
lem_explain_workspace(const lem_model *model)
{
	lem_arena	arena = {NULL, 0};
	explain_acts acts;

	explain_carve(&arena, model, &acts);
	return arena.used;
}

/* The heads that an order's branch has. */
static const lem_head *
heads_of(const lem_model *model, int branch)
{
	return model->heads[model->config.shared_heads ? 0 : branch];
}

/* The order's units on top of the optimum, with the context of a window. */
static void
run_policy(const lem_model *model, const explain_acts *acts, const lem_limits *limits,
		   const lem_real *context, int64_t *units)
{
	const lem_policy_task task = {acts->plan.policy, limits, limits->horizon, context, units};

	lem_policy_units(&model->config, model->kernels, model->heads[0]->policy, 1, &task,
					 acts->policy);
}

/* A trunk of its own for each of n windows, or one for all. */
static lem_status
run_trunk(const lem_model *model, int n, const lem_real *rows, const lem_real *min_rate,
		  const lem_real *max_rate, const lem_trunk_acts *trunk, lem_shared_acts *shared,
		  const lem_stop *stop)
{
	const lem_config *config = &model->config;

	if (!config->shared_trunk)
		return lem_trunk_forward(model->trunk, config, model->kernels, n, rows, min_rate, max_rate,
								 trunk, stop);
	lem_shared_overlay(config, n, rows, shared);
	return lem_shared_forward(model->trunk, config, model->kernels, shared, stop);
}

/* The context of window i of those. */
static const lem_real *
context_of(const lem_model *model, const lem_trunk_acts *trunk, const lem_shared_acts *shared,
		   int i)
{
	const lem_config *config = &model->config;

	return config->shared_trunk ? lem_shared_context(config, shared, i)
		: trunk->context + (size_t) i * (config->n_ahead - 1) * config->hidden_size;
}

/* The schedule, all that its network computed being kept. */
static lem_status
run_actual(const lem_model *model, explain_acts *acts, const lem_stop *stop)
{
	const lem_config *config = &model->config;
	const lem_plan *plan = &acts->plan;
	const int	sample = 0;
	const lem_tasks tasks = {1, &sample, plan->branch, plan->limits};
	const lem_heads_input in = {acts->trunk.context, acts->trunk.inputs, plan->rows,
		plan->min_rate, plan->max_rate, NULL};
	lem_status	status = run_trunk(model, 1, plan->rows, plan->min_rate, plan->max_rate,
								   &acts->trunk, &acts->shared, stop);

	if (status == LEM_OK && config->stop_base)
	{
		status = lem_optimal_find(&model->tables, &plan->policy->optimal);
		if (status == LEM_OK)
			run_policy(model, acts, plan->limits, context_of(model, &acts->trunk, &acts->shared, 0),
					   plan->units);
	}
	else if (status == LEM_OK)
		lem_alloc_forward(config, model->kernels, heads_of(model, plan->branch[0]),
						  &model->trunk->curves, &tasks, &in, &acts->alloc, NULL, 0, NULL,
						  plan->units);
	return status;
}

/* How the branch's heads steered each slice of the order's own case. */
static void
read_heads(const lem_model *model, const explain_acts *acts, lem_explanation *out)
{
	const lem_config *config = &model->config;
	const lem_curves *curves = &model->trunk->curves;
	const lem_limits *limits = &acts->plan.limits[0];
	const int	c = limits->order_case;
	const lem_real *curve = c >= LEM_CASES / 2 ? curves->notional : curves->volume;

	out->horizon = limits->horizon;
	out->slice_ts = acts->plan.slice_ts;
	out->units = acts->plan.units;
	if (config->stop_base)
		return;
	out->factors = limits->horizon < config->n_ahead ? limits->horizon : config->n_ahead - 1;
	for (int k = 0; k < out->horizon; k++)
		acts->curve[k] = curve[((size_t) k * lem_branches(config) + limits->branch) * 2 + c % 2];
	for (int k = 0; k < out->factors; k++)
	{
		const size_t answer = (size_t) k * LEM_CASES + c;

		acts->factor[k] = lem_pow(1 + acts->alloc.mlp[answer], curves->scale[limits->branch]);
		if (config->finish_gate)
			acts->finish[k] = 1 / (1 + exp(-(double) acts->alloc.finish[answer]));
	}
	out->curve = acts->curve;
	out->factor = acts->factor;
	out->finish = config->finish_gate ? acts->finish : NULL;
}

/*
 * The window with the mean of a column over the rows that are seen in all rows of the column, taken
 * about its first number, so that a column that never varies stays as it is.
 */
static void
flatten_column(const lem_config *config, const lem_real *rows, int seen, int column, lem_real *out)
{
	const size_t columns = lem_inputs(config);
	const double begin = rows[column];
	double		sum = 0;

	memcpy(out, rows, lem_rows(config) * columns * sizeof(lem_real));
	for (int r = 0; r < seen; r++)
		sum += rows[r * columns + column] - begin;
	for (int r = 0; r < lem_rows(config); r++)
		out[r * columns + column] = (lem_real) (begin + sum / seen);
}

/* The next slice with each column at its mean; the slices before it stay as they are. */
static lem_status
run_changed(const lem_model *model, explain_acts *acts, int next, const lem_stop *stop)
{
	const lem_config *config = &model->config;
	const lem_plan *plan = &acts->plan;
	const int	columns = lem_inputs(config);
	const size_t window = (size_t) lem_rows(config) * columns;
	const lem_heads_input in = {acts->changed_trunk.context, acts->changed_trunk.inputs,
		acts->rows, acts->rates, acts->rates + acts->chunk, NULL};

	for (int i = 0; i < acts->chunk; i++)
	{
		acts->rates[i] = plan->min_rate[0];
		acts->rates[acts->chunk + i] = plan->max_rate[0];
		acts->limits[i] = plan->limits[0];
		acts->limits[i].n_decided = next;
		acts->limits[i].decided = plan->units;
		acts->limits[i].by = NULL;
		acts->sample[i] = i;
		acts->branch[i] = plan->branch[0];
	}
	for (int first = 0; first < columns; first += acts->chunk)
	{
		const int	n = columns - first < acts->chunk ? columns - first : acts->chunk;
		const lem_tasks tasks = {n, acts->sample, acts->branch, acts->limits};
		lem_status	status;

		for (int i = 0; i < n; i++)
			flatten_column(config, plan->rows, config->lookback + next + 1, first + i,
						   acts->rows + i * window);
		status = run_trunk(model, n, acts->rows, acts->rates, acts->rates + acts->chunk,
						   &acts->changed_trunk, &acts->changed_shared, stop);
		if (status != LEM_OK)
			return status;
		for (int i = 0; config->stop_base && i < n; i++)
			run_policy(model, acts, &acts->limits[i],
					   context_of(model, &acts->changed_trunk, &acts->changed_shared, i),
					   acts->units + (size_t) i * config->n_ahead);
		if (!config->stop_base)
			lem_alloc_forward(config, model->kernels, heads_of(model, plan->branch[0]),
							  &model->trunk->curves, &tasks, &in, &acts->changed_alloc, NULL, 0,
							  NULL, acts->units);
		for (int i = 0; i < n; i++)
			acts->changed[first + i] = acts->units[(size_t) i * config->n_ahead + next];
	}
	return LEM_OK;
}

/* The slice that the network decides next, of `factors` that it decides, 0-based; -1: there is none, or nothing left for it. */
static int
next_slice(const lem_plan *plan, int factors)
{
	const int	known = plan->windows[0].known;
	int64_t		left = LEM_UNITS;

	for (int k = 0; k < known && k < plan->limits[0].horizon; k++)
		left -= plan->units[k];
	return known < factors && left > 0 ? known : -1;
}

/*
 * Of a shared trunk: the decision reads row L + slice and the L before it, and its attention the last of
 * them.
 */
static void
read_shared(const lem_config *config, const explain_acts *acts, lem_explanation *out)
{
	const int	rows = config->lookback + 1;
	const int	span = lem_attention_span(config);
	const int	at = acts->shared.overlay.base[0] + out->next;

	out->rows = rows;
	out->row_ts += out->next;
	out->variable = acts->shared.weights ? acts->shared.weights + (size_t) at * lem_inputs(config)
		: NULL;
	if (!config->attention)
		return;
	memset(acts->attention, 0, (size_t) config->num_heads * rows * sizeof(lem_real));
	for (int head = 0; head < config->num_heads; head++)
		memcpy(acts->attention + (size_t) (head + 1) * rows - span, acts->shared.attention.weights
			   + ((size_t) (at + config->lookback) * config->num_heads + head) * span,
			   span * sizeof(lem_real));
	out->attention = acts->attention;
	out->head_stride = rows;
}

lem_status
lem_explain(const lem_model *model, const lem_order *order, const lem_series *series,
			const lem_clock *clock, void *workspace, const lem_stop *stop, lem_explanation *out,
			lem_fault *fault)
{
	const lem_config *config = &model->config;
	const int	lookback = config->lookback;
	lem_arena	arena = {workspace, 0};
	explain_acts acts;
	lem_plan   *plan = &acts.plan;
	lem_status	status;

	memset(out, 0, sizeof(*out));
	explain_carve(&arena, model, &acts);
	status = lem_plan_set(plan, config, 0, order, series, clock, fault);
	if (status == LEM_OK)
		status = lem_window_times(config, series, order, clock, plan->scratch, acts.row_ts, fault);
	if (status != LEM_OK)
		return status;
	status = run_actual(model, &acts, stop);
	if (status != LEM_OK)
		return lem_fail(fault, status, NULL, 0, 0);
	read_heads(model, &acts, out);

	out->next = next_slice(plan, config->stop_base && out->horizon < config->n_ahead
						   ? out->horizon : config->stop_base ? config->n_ahead - 1
						   : out->factors);
	if (out->next < 0)
		return LEM_OK;
	out->rows = lookback + out->next + 1;
	for (int r = lookback + 1; r < out->rows; r++)
		acts.row_ts[r] = plan->slice_ts[r - lookback - 1];
	out->row_ts = acts.row_ts;
	if (!config->shared_trunk)
		out->variable = acts.trunk.vsn.weights;
	if (config->attention && !config->shared_trunk)
	{
		out->attention = acts.trunk.attention[0].weights + (size_t) out->next * lem_rows(config);
		out->head_stride = (size_t) (config->n_ahead - 1) * lem_rows(config);
	}
	if (config->shared_trunk)
		read_shared(config, &acts, out);
	status = run_changed(model, &acts, out->next, stop);
	if (status != LEM_OK)
		return lem_fail(fault, status, NULL, 0, 0);
	out->changed = acts.changed;
	return LEM_OK;
}

/* Name of feature i, named or extra. */
static void
feature_name(const lem_config *config, int i, char *name)
{
	static const char *const paper[LEM_PAPER_FEATURES] = {"norm_volume", "interval_minutes",
		"month", "day_of_week", "return"};

	if (i >= config->n_named)
		snprintf(name, LEM_INPUT_NAME, "extra_%d", i - config->n_named + 1);
	else if (config->feature_set == LEM_FEATURES_PAPER)
		snprintf(name, LEM_INPUT_NAME, "%s", paper[i]);
	else
		snprintf(name, LEM_INPUT_NAME, "%s",
				 lem_feature_name(config->feature_set == LEM_FEATURES_LIST ? config->named[i]
								  : (lem_feature) i));
}

void
lem_input_name(const lem_config *config, int i, char *name)
{
	if (i < lem_features(config))
		feature_name(config, i, name);
	else
		snprintf(name, LEM_INPUT_NAME, "%s", i == lem_features(config) ? "min_rate" : "max_rate");
}

void
lem_column_name(const lem_config *config, int i, char *name)
{
	if (i < lem_features(config))
		feature_name(config, i, name);
	else
		snprintf(name, LEM_INPUT_NAME, "%s", i == lem_features(config) ? "price" : "volume");
}

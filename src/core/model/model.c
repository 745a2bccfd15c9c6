/* model.c: a model ready to compute, and its forward pass. */
#include <string.h>

#include "model/model.h"
#include "model/policy.h"
#include "model/shared_trunk.h"
#include "model/trunk.h"

/* Order of the last two axes of the reference outputs: 4 sides and benchmarks, then 2 units. */
static const int reference_order[LEM_CASES] = {0, 2, 4, 6, 1, 3, 5, 7};
static const int case_order[LEM_CASES] = {0, 1, 2, 3, 4, 5, 6, 7};

/* Largest workspace that lem_forward_batch() aims at. */
#define WORKSPACE_TARGET ((size_t) 64 << 20)
#define MAX_BATCH 256

/*
 * The 64-byte alignment of a decoded part is kept by carving it from its own start.
 */
size_t
lem_trunk_bytes(const lem_config *config, lem_form form)
{
	lem_arena	arena = {NULL, 0};

	lem_trunk_build(&arena, config, NULL, form);
	return arena.used;
}

const lem_trunk *
lem_trunk_decode(const lem_config *config, const lem_real *part, lem_form form, void *memory)
{
	lem_arena	arena = {memory, 0};

	return lem_trunk_build(&arena, config, part, form);
}

size_t
lem_head_bytes(const lem_config *config)
{
	lem_arena	arena = {NULL, 0};

	lem_head_build(&arena, config, NULL);
	return arena.used;
}

const lem_head *
lem_head_decode(const lem_config *config, const lem_real *part, void *memory)
{
	lem_arena	arena = {memory, 0};

	return lem_head_build(&arena, config, part);
}

/* Buffers of a whole pass. */
typedef struct forward_acts
{
	lem_trunk_acts trunk;
	lem_shared_acts shared;		/* instead of it, with a shared trunk */
	lem_alloc_acts alloc;
	int		   *window;			/* n: whose rows and rates each sample has */
	lem_real   *rows;			/* n x T x C, and n: those, each once */
	lem_real   *min_rate;
	lem_real   *max_rate;
	int		   *sample;			/* of each task of a group */
	int		   *branch;
	lem_real  **allocation;		/* where each task's answers go */
	void	   *policy;			/* workspace of the network of shared steps */
	bool	   *decided;		/* n: orders that it has decided */
} forward_acts;

/* Numbers of a sample's rows. */
static size_t
window_size(const lem_config *config)
{
	return (size_t) lem_rows(config) * lem_inputs(config);
}

static void
carve_policy(lem_arena *arena, const lem_config *config, int n, forward_acts *acts)
{
	acts->policy = lem_arena_bytes(arena, lem_policy_workspace(config, LEM_POLICY_TOGETHER));
	acts->decided = lem_arena_bytes(arena, n * sizeof(bool));
}

/* config: the model's, or that of the batch's longest order, which takes no more. */
static void
forward_carve(lem_arena *arena, const lem_model *model, const lem_config *config, int n,
			  bool all_branches, forward_acts *acts)
{
	/* With shared heads all tasks are one group; else a group has one branch. */
	const int	tasks = all_branches && config->shared_heads ? n * lem_branches(config) : n;

	if (config->shared_trunk)
	{
		lem_shared_acts_carve(arena, config, model->trunk, n, false, &acts->shared);
		carve_policy(arena, config, n, acts);
		return;
	}
	lem_trunk_acts_carve(arena, config, model->trunk, n, false, &acts->trunk);
	if (config->stop_base)
		carve_policy(arena, config, n, acts);
	else
		lem_alloc_acts_carve(arena, config, tasks, false, &acts->alloc);
	acts->window = lem_arena_bytes(arena, n * sizeof(int));
	acts->rows = lem_arena_reals(arena, n * window_size(config));
	acts->min_rate = lem_arena_reals(arena, n);
	acts->max_rate = lem_arena_reals(arena, n);
	acts->sample = lem_arena_bytes(arena, tasks * sizeof(int));
	acts->branch = lem_arena_bytes(arena, tasks * sizeof(int));
	acts->allocation = lem_arena_bytes(arena, tasks * sizeof(lem_real *));
}

size_t
lem_forward_workspace(const lem_model *model, int n, bool all_branches)
{
	lem_arena	arena = {NULL, 0};
	forward_acts acts;

	forward_carve(&arena, model, &model->config, n, all_branches, &acts);
	return arena.used;
}

int
lem_forward_batch(const lem_config *config)
{
	/* The products of each recurrent row and the rows between layers are what grows. */
	size_t		numbers = (size_t) lem_rows(config)
		* ((size_t) (5 + config->n_sub_layers) * config->hidden_size + lem_inputs(config));
	size_t		n = WORKSPACE_TARGET / (numbers * sizeof(lem_real));

	return n < 1 ? 1 : n > MAX_BATCH ? MAX_BATCH : (int) n;
}

/* Steps of order i of a batch with limits that are computed. */
static inline int
steps_of(const lem_batch *batch, int i)
{
	return batch->steps ? batch->steps[i] : batch->limits[i].horizon;
}

/* The config of what is computed of the longest order of a batch. */
static lem_config
near_config(const lem_config *config, const lem_batch *batch)
{
	int			longest = 0;

	if (batch->limits == NULL)
		return *config;
	for (int i = 0; i < batch->n; i++)
	{
		const lem_limits *limits = &batch->limits[i];
		const int	told = limits->bounds ? limits->bounds->horizon : 0;
		const int	horizon = limits->horizon > told ? limits->horizon : told;
		/* a step is decided by the row before it */
		const int	steps = steps_of(batch, i);
		const int	bars = steps < limits->horizon ? steps + 1 : horizon;

		longest = bars > longest ? bars : longest;
	}
	return lem_config_near(config, longest);
}

/*
 * The windows of a batch's samples, each once: many orders of one series have the same, and all that
 * the trunk computes depends on nothing else.  They are `stride` numbers apart in the batch.  How many;
 * none of orders that the network of shared steps has nothing to say of.
 */
static int
gather_windows(const lem_model *model, const lem_config *config, const lem_batch *batch,
			   const forward_acts *acts)
{
	const size_t stride = window_size(&model->config);
	const size_t size = window_size(config);
	int			n = 0;

	for (int i = 0; i < batch->n; i++)
	{
		const lem_real *rows = batch->rows + i * stride;
		int			w = n - 1;

		acts->window[i] = 0;
		if (config->stop_base && lem_policy_silent(model->heads[0]->policy, &batch->policy[i]))
			continue;

		/* Neighbours are alike more often.  Bits count, not values. */
		while (w >= 0 &&
			   (memcmp(&acts->min_rate[w], &batch->min_rate[i], sizeof(lem_real)) != 0 ||
				memcmp(&acts->max_rate[w], &batch->max_rate[i], sizeof(lem_real)) != 0 ||
				memcmp(acts->rows + w * size, rows, size * sizeof(lem_real)) != 0))
			w--;
		if (w < 0)
		{
			w = n++;
			memcpy(acts->rows + w * size, rows, size * sizeof(lem_real));
			acts->min_rate[w] = batch->min_rate[i];
			acts->max_rate[w] = batch->max_rate[i];
		}
		acts->window[i] = w;
	}
	return n;
}

/* Have two orders the same table, or neither any? */
static bool
same_table(const lem_optimal *a, const lem_optimal *b)
{
	return a->early == b->early && (!a->early || lem_optimum_same(&a->problem, &b->problem));
}

/*
 * The network of shared steps.  A table stays good until the next is asked for: orders that have the
 * same are decided together.
 */
static lem_status
forward_policy(const lem_model *model, const lem_config *config, const lem_batch *batch,
			   const forward_acts *acts, const lem_stop *stop)
{
	const size_t context = (size_t) (config->n_ahead - 1) * config->hidden_size;

	memset(acts->decided, 0, batch->n * sizeof(bool));
	for (int first = 0; first < batch->n; first++)
	{
		lem_policy_task tasks[LEM_POLICY_TOGETHER];
		lem_optimal *one = &batch->policy[first].optimal;
		int			n = 0;

		if (acts->decided[first])
			continue;
		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		if (one->early)
		{
			one->table = model->tables.find(model->tables.arg, &one->problem);
			if (one->table == NULL)
				return LEM_STOPPED;
		}
		for (int i = first; i < batch->n && n < LEM_POLICY_TOGETHER; i++)
		{
			lem_policy_order *order = &batch->policy[i];

			if (acts->decided[i] || !same_table(&order->optimal, one))
				continue;
			order->optimal.table = one->table;
			acts->decided[i] = true;
			tasks[n++] = (lem_policy_task) {order, &batch->limits[i], steps_of(batch, i),
				config->shared_trunk ? lem_shared_context(config, &acts->shared, i)
				: acts->trunk.context + acts->window[i] * context,
				batch->units + (size_t) i * model->config.n_ahead};
		}
		lem_policy_units(config, model->kernels, model->heads[0]->policy, n, tasks, acts->policy);
	}
	return LEM_OK;
}

lem_status
lem_forward(const lem_model *model, const lem_batch *batch, void *workspace,
			const lem_stop *stop)
{
	const lem_config near = near_config(&model->config, batch);
	const lem_config *config = &near;
	const bool	all = batch->branch == NULL;
	const int	branches = lem_branches(config);
	const int	n_ahead = config->n_ahead;
	const size_t step_stride = all ? (size_t) branches * LEM_CASES : LEM_CASES;
	lem_arena	arena = {workspace, 0};
	forward_acts acts;
	lem_heads_input in;
	lem_status	status;
	int			windows;

	forward_carve(&arena, model, config, batch->n, all, &acts);
	if (config->shared_trunk)
	{
		lem_shared_overlay(config, batch->n, batch->rows, &acts.shared);
		status = lem_shared_forward(model->trunk, config, model->kernels, &acts.shared, stop);
		return status == LEM_OK ? forward_policy(model, config, batch, &acts, stop) : status;
	}
	windows = gather_windows(model, config, batch, &acts);
	if (windows > 0)
		status = lem_trunk_forward(model->trunk, config, model->kernels, windows, acts.rows,
								   acts.min_rate, acts.max_rate, &acts.trunk, stop);
	else
		status = LEM_OK;
	if (status != LEM_OK)
		return status;
	if (config->stop_base)
		return forward_policy(model, config, batch, &acts, stop);

	in = (lem_heads_input) {acts.trunk.context, acts.trunk.inputs, batch->rows,
		batch->min_rate, batch->max_rate, acts.window};
	for (int set = 0; set < lem_head_sets(config); set++)
	{
		lem_tasks	tasks = {0, acts.sample, acts.branch, batch->limits};

		/* The tasks that this set of heads serves. */
		for (int i = 0; i < batch->n; i++)
			for (int b = 0; b < branches; b++)
			{
				if ((!all && batch->branch[i] != b) || (!config->shared_heads && b != set))
					continue;
				acts.sample[tasks.n] = i;
				acts.branch[tasks.n] = b;
				acts.allocation[tasks.n] = batch->allocation == NULL ? NULL : batch->allocation
					+ (size_t) i * n_ahead * step_stride + (all ? (size_t) b * LEM_CASES : 0);
				tasks.n++;
			}
		if (tasks.n == 0)
			continue;
		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_alloc_forward(config, model->kernels, model->heads[set], &model->trunk->curves,
						  &tasks, &in, &acts.alloc, batch->allocation ? acts.allocation : NULL,
						  step_stride, all ? reference_order : case_order, batch->units);
	}
	return LEM_OK;
}

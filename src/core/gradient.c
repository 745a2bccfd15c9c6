/* gradient.c: loss and gradients of a whole model. */
#include <string.h>

#include "gradient.h"
#include "trunk.h"

/* Order of the last two axes of the reference outputs. */
static const int reference_order[LEM_CASES] = {0, 2, 4, 6, 1, 3, 5, 7};

/* Buffers of a pass forward and back. */
typedef struct gradient_acts
{
	lem_trunk_acts trunk;
	lem_alloc_acts *alloc;		/* one a set of heads */
	int		   *sample;			/* of each task: sets x tasks of a set */
	int		   *branch;
	lem_real   *pred;			/* n x N x (N + 1) x 8 */
	lem_real   *dpred;
	lem_real  **share;			/* where each task's answers begin in pred */
	const lem_real **dshare;	/* and in dpred */
	lem_real   *dcontext;		/* n x (N - 1) x H */
	size_t		scratch;		/* bytes that backward passes need */
	char	   *scratch_base;
} gradient_acts;

/* Tasks of one set of heads: each sample's one branch, or all of them. */
static int
tasks_of_set(const lem_config *config, int n)
{
	return config->shared_heads ? n * lem_branches(config) : n;
}

/* Numbers that the heads read of the trunk: n x (N - 1) x H. */
static size_t
context_size(const lem_config *config, int n)
{
	return (size_t) n * (config->n_ahead - 1) * config->hidden_size;
}

static void
gradient_carve(lem_arena *arena, const lem_model *model, int n, gradient_acts *acts)
{
	const lem_config *config = &model->config;
	const int	sets = lem_head_sets(config);
	const int	tasks = tasks_of_set(config, n);
	const size_t size = (size_t) n * config->n_ahead * lem_branches(config) * LEM_CASES;
	lem_alloc_acts measured;
	lem_tasks	none = {tasks, NULL, NULL, NULL};

	lem_trunk_acts_carve(arena, config, model->trunk, n, true, &acts->trunk);
	acts->alloc = lem_arena_bytes(arena, sets * sizeof(lem_alloc_acts));
	for (int set = 0; set < sets; set++)
		lem_alloc_acts_carve(arena, config, tasks, true,
							 arena->base ? &acts->alloc[set] : &measured);
	acts->sample = lem_arena_bytes(arena, (size_t) sets * tasks * sizeof(int));
	acts->branch = lem_arena_bytes(arena, (size_t) sets * tasks * sizeof(int));
	acts->pred = lem_arena_reals(arena, size);
	acts->dpred = lem_arena_reals(arena, size);
	acts->share = lem_arena_bytes(arena, (size_t) sets * tasks * sizeof(lem_real *));
	acts->dshare = lem_arena_bytes(arena, (size_t) sets * tasks * sizeof(lem_real *));
	acts->dcontext = lem_arena_reals(arena, context_size(config, n));

	/* the two backward passes run one after the other, over the same scratch space */
	acts->scratch = 0;
	lem_alloc_backward(config, model->kernels, NULL, NULL, NULL, &none, NULL, &measured, NULL, 0,
					   NULL, (lem_scratch) {NULL, 0, &acts->scratch}, NULL, NULL, NULL);
	lem_trunk_backward(model->trunk, config, model->kernels, n, NULL, &acts->trunk, NULL,
					   (lem_scratch) {NULL, 0, &acts->scratch}, NULL, NULL);
	acts->scratch_base = lem_arena_bytes(arena, acts->scratch);
}

size_t
lem_gradient_workspace(const lem_model *model, int n)
{
	lem_arena	arena = {NULL, 0};
	gradient_acts acts;

	gradient_carve(&arena, model, n, &acts);
	return arena.used;
}

/* The forward pass, every buffer kept. */
static lem_status
forward(const lem_model *model, const lem_samples *samples, gradient_acts *acts,
		const lem_heads_input *in, const lem_stop *stop)
{
	const lem_config *config = &model->config;
	const int	n = samples->n;
	const int	branches = lem_branches(config);
	const int	tasks_each = tasks_of_set(config, n);
	const size_t step_stride = (size_t) branches * LEM_CASES;
	lem_status	status;

	acts->trunk.dropout = samples->dropout;
	status = lem_trunk_forward(model->trunk, config, model->kernels, n, samples->rows,
							   samples->min_rate, samples->max_rate, &acts->trunk, stop);
	if (status != LEM_OK)
		return status;
	if (samples->dropout)
		lem_dropout_apply(context_size(config, n), samples->dropout->context_mask,
						  acts->trunk.context, acts->trunk.context);
	for (int set = 0; set < lem_head_sets(config); set++)
	{
		const size_t first = (size_t) set * tasks_each;
		lem_tasks	tasks = {tasks_each, acts->sample + first, acts->branch + first, NULL};

		for (int place = 0; place < tasks_each; place++)
		{
			const int	sample = config->shared_heads ? place / branches : place;
			const int	branch = config->shared_heads ? place % branches : set;
			const size_t begin = (size_t) sample * config->n_ahead * step_stride
				+ (size_t) branch * LEM_CASES;

			acts->sample[first + place] = sample;
			acts->branch[first + place] = branch;
			acts->share[first + place] = acts->pred + begin;
			acts->dshare[first + place] = acts->dpred + begin;
		}
		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_alloc_forward(config, model->kernels, model->heads[set], &model->trunk->curves,
						  &tasks, in, &acts->alloc[set], acts->share + first, step_stride,
						  reference_order, NULL);
	}
	return LEM_OK;
}

lem_status
lem_gradient(const lem_model *model, const lem_real *const *parts, const lem_samples *samples,
			 const lem_loss_options *options, void *workspace, const lem_stop *stop,
			 double *loss, lem_real *const *gradient)
{
	const lem_config *config = &model->config;
	const lem_kernels *kern = model->kernels;
	const int	n = samples->n;
	const int	tasks_each = tasks_of_set(config, n);
	lem_arena	arena = {workspace, 0};
	gradient_acts acts;
	lem_heads_input in;
	lem_trunk_offsets at;
	lem_status	status;

	gradient_carve(&arena, model, n, &acts);
	in = (lem_heads_input) {acts.trunk.context, acts.trunk.inputs, samples->rows,
		samples->min_rate, samples->max_rate};
	status = forward(model, samples, &acts, &in, stop);
	if (status != LEM_OK)
		return status;
	*loss = lem_loss(config, options, n, samples->total, acts.pred, samples->market, acts.dpred);
	if (!gradient)
		return LEM_OK;

	lem_trunk_layout(config, &at);
	memset(acts.dcontext, 0, context_size(config, n) * sizeof(lem_real));
	for (int set = 0; set < lem_head_sets(config); set++)
	{
		const size_t first = (size_t) set * tasks_each;
		lem_tasks	tasks = {tasks_each, acts.sample + first, acts.branch + first, NULL};
		lem_curves_gradient dcurves = {gradient[0] + at.scale, gradient[0] + at.volume_curve,
			gradient[0] + at.notional_curve};

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_alloc_backward(config, kern, parts[1 + set], model->heads[set], &model->trunk->curves,
						   &tasks, &in, &acts.alloc[set], acts.dshare + first,
						   (size_t) lem_branches(config) * LEM_CASES, reference_order,
						   (lem_scratch) {acts.scratch_base, 0, NULL}, gradient[1 + set],
						   &dcurves, acts.dcontext);
	}
	if (samples->dropout)
		lem_dropout_apply(context_size(config, n), samples->dropout->context_mask, acts.dcontext,
						  acts.dcontext);
	return lem_trunk_backward(model->trunk, config, kern, n, parts[0], &acts.trunk, acts.dcontext,
							  (lem_scratch) {acts.scratch_base, 0, NULL}, gradient[0], stop);
}

lem_status
lem_gradient_validate(const lem_model *model, const lem_samples *samples,
					  const lem_loss_options *options, void *workspace, const lem_stop *stop,
					  double *loss, double *gain, double *square)
{
	lem_arena	arena = {workspace, 0};
	gradient_acts acts;
	lem_heads_input in;
	lem_status	status;

	gradient_carve(&arena, model, samples->n, &acts);
	in = (lem_heads_input) {acts.trunk.context, acts.trunk.inputs, samples->rows,
		samples->min_rate, samples->max_rate};
	status = forward(model, samples, &acts, &in, stop);
	if (status != LEM_OK)
		return status;
	*loss = lem_loss(&model->config, options, samples->n, samples->total, acts.pred,
					 samples->market, acts.dpred);
	lem_gains(&model->config, samples->n, acts.pred, samples->market, gain, square);
	return LEM_OK;
}

/* gradient.c: loss and gradients of a whole model. */
#include <string.h>

#include "model/quantile.h"
#include "model/shared_trunk.h"
#include "model/trunk.h"
#include "training/gradient.h"
#include "training/policy_loss.h"
#include "training/quantile_loss.h"

/* Order of the last two axes of the reference outputs. */
static const int reference_order[LEM_CASES] = {0, 2, 4, 6, 1, 3, 5, 7};

size_t
lem_gradient_kept(const lem_model *model, int n)
{
	lem_arena	arena = {NULL, 0};
	lem_trunk_acts acts;
	lem_shared_acts shared;

	if (model->config.shared_trunk)
		lem_shared_acts_carve(&arena, &model->config, model->trunk, n, true, &shared);
	else
		lem_trunk_acts_carve(&arena, &model->config, model->trunk, n, true, &acts);
	return arena.used;
}

/* The same with a shared trunk: windows that have rows in common are laid over each other. */
static lem_status
shared_trunk(const lem_model *model, const lem_samples *samples, void *kept, const lem_stop *stop,
			 lem_real *context)
{
	const lem_config *config = &model->config;
	const size_t size = lem_context_size(config);
	lem_arena	arena = {kept, 0};
	lem_shared_acts acts;
	lem_status	status;

	lem_shared_acts_carve(&arena, config, model->trunk, samples->n, true, &acts);
	acts.dropout = samples->dropout;
	lem_shared_overlay(config, samples->n, samples->rows, &acts);
	status = lem_shared_forward(model->trunk, config, model->kernels, &acts, stop);
	if (status != LEM_OK)
		return status;
	for (int i = 0; i < samples->n; i++)
	{
		const lem_real *from = lem_shared_context(config, &acts, i);

		if (samples->dropout)
			lem_dropout_apply(size, samples->dropout->context_mask + i * size, from,
							  context + i * size);
		else
			memcpy(context + i * size, from, size * sizeof(lem_real));
	}
	return LEM_OK;
}

/*
 * The config of the samples' longest order.  Masks of dropout are the whole config's, and a shared trunk
 * has fewer rows to save.
 */
static lem_config
near_config(const lem_config *config, const lem_samples *samples)
{
	return samples->horizon > 0 && !samples->dropout
		? lem_config_near(config, samples->horizon) : *config;
}

/* The first `size` numbers of each of n blocks, which begin `from_stride` and `to_stride` apart. */
static void
copy_beginnings(int n, size_t size, const lem_real *from, size_t from_stride, lem_real *to,
				size_t to_stride)
{
	for (int i = 0; i < n; i++)
		memcpy(to + i * to_stride, from + i * from_stride, size * sizeof(lem_real));
}

lem_status
lem_gradient_trunk(const lem_model *model, const lem_samples *samples, void *kept,
				   const lem_stop *stop, lem_real *inputs, lem_real *context)
{
	const lem_config *whole = &model->config;
	const lem_config near = near_config(whole, samples);
	const lem_config *config = &near;
	const lem_real *rows = samples->rows;
	lem_arena	arena = {kept, 0};
	lem_trunk_acts acts;
	lem_status	status;

	if (config->shared_trunk)
		return shared_trunk(model, samples, kept, stop, context);
	lem_trunk_acts_carve(&arena, config, model->trunk, samples->n, true, &acts);
	acts.dropout = samples->dropout;
	if (config->n_ahead < whole->n_ahead)
	{
		copy_beginnings(samples->n, lem_inputs_size(config), rows, lem_inputs_size(whole), inputs,
						lem_inputs_size(config));
		rows = inputs;
	}
	status = lem_trunk_forward(model->trunk, config, model->kernels, samples->n, rows,
							   samples->min_rate, samples->max_rate, &acts, stop);
	if (status != LEM_OK)
		return status;
	copy_beginnings(samples->n, lem_inputs_size(config), acts.inputs, lem_inputs_size(config),
					inputs, lem_inputs_size(whole));
	if (samples->dropout)
		lem_dropout_apply(samples->n * lem_context_size(config), samples->dropout->context_mask,
						  acts.context, context);
	else
		copy_beginnings(samples->n, lem_context_size(config), acts.context,
						lem_context_size(config), context, lem_context_size(whole));
	return LEM_OK;
}

/* Buffers of the heads' passes. */
typedef struct heads_acts
{
	lem_alloc_acts alloc;
	int			tasks;
	int		   *sample;			/* of each task */
	int		   *branch;
	lem_real   *pred;			/* n x N x branches of the set x 8 */
	lem_real   *dpred;
	lem_real  **share;			/* where each task's answers begin in pred */
	const lem_real **dshare;	/* and in dpred */
	size_t		scratch;		/* bytes that the backward pass needs */
	char	   *scratch_base;
} heads_acts;

static void
heads_carve(lem_arena *arena, const lem_model *model, int n, heads_acts *acts)
{
	const lem_config *config = &model->config;
	const size_t size = (size_t) n * config->n_ahead * lem_set_branches(config) * LEM_CASES;
	lem_tasks	measured = {n * lem_set_branches(config), NULL, NULL, NULL};

	acts->tasks = measured.n;
	lem_alloc_acts_carve(arena, config, acts->tasks, true, &acts->alloc);
	acts->sample = lem_arena_bytes(arena, acts->tasks * sizeof(int));
	acts->branch = lem_arena_bytes(arena, acts->tasks * sizeof(int));
	acts->pred = lem_arena_reals(arena, size);
	acts->dpred = lem_arena_reals(arena, size);
	acts->share = lem_arena_bytes(arena, acts->tasks * sizeof(lem_real *));
	acts->dshare = lem_arena_bytes(arena, acts->tasks * sizeof(lem_real *));
	acts->scratch = 0;
	lem_alloc_backward(config, model->kernels, NULL, NULL, NULL, &measured, NULL, &acts->alloc,
					   NULL, 0, NULL, (lem_scratch) {NULL, 0, &acts->scratch}, false, NULL, NULL,
					   NULL);
	acts->scratch_base = lem_arena_bytes(arena, acts->scratch);
}

/* Buffers of quantile heads' passes. */
typedef struct quantile_acts
{
	lem_real   *hidden;
	lem_real   *raw;
	lem_real   *out;
	lem_real   *dout;
} quantile_acts;

static void
quantile_carve(lem_arena *arena, const lem_config *config, int n, quantile_acts *acts)
{
	acts->hidden = lem_arena_reals(arena, (size_t) n * config->fused_mlp_hidden_dim);
	acts->raw = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
	acts->out = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
	acts->dout = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
}

/* Quantile heads forward, and the loss; a sample's targets are where others' market would be. */
static double
quantile_heads(const lem_config *config, const lem_head *head, const lem_samples *samples,
			   const lem_real *context, void *scratch, quantile_acts *acts)
{
	lem_arena	arena = {scratch, 0};

	quantile_carve(&arena, config, samples->n, acts);
	lem_quantile_forward(config, head->quantiles, samples->n, context, acts->hidden, acts->raw,
						 acts->out);
	return lem_quantile_loss(samples->n, samples->total, acts->out, samples->market,
							 2 * (size_t) config->n_ahead, acts->dout);
}

/* Buffers of the passes of a model on top of the optimum, over n orders. */
typedef struct policy_pass
{
	lem_policy_acts acts;
	int		   *sample;			/* n */
	lem_real   *share;			/* n x N */
	lem_real   *dshare;			/* n x N */
	size_t		scratch;
	char	   *scratch_base;
} policy_pass;

static void
policy_carve(lem_arena *arena, const lem_model *model, int n, bool back, policy_pass *pass)
{
	const lem_config *config = &model->config;
	const size_t shares = (size_t) n * config->n_ahead;

	lem_policy_acts_carve(arena, config, n, back, &pass->acts);
	pass->sample = lem_arena_bytes(arena, n * sizeof(int));
	pass->share = lem_arena_reals(arena, shares);
	pass->dshare = lem_arena_reals(arena, shares);
	pass->scratch = 0;
	if (back)
		lem_policy_backward(config, model->kernels, NULL, NULL, n, NULL, NULL, &pass->acts, NULL,
							(lem_scratch) {NULL, 0, &pass->scratch}, false, NULL, NULL);
	pass->scratch_base = lem_arena_bytes(arena, pass->scratch);
}

size_t
lem_gradient_policy_scratch(const lem_model *model, int n, bool back)
{
	lem_arena	arena = {NULL, 0};
	policy_pass pass;

	policy_carve(&arena, model, n, back, &pass);
	return arena.used;
}

/* The network forward over the samples' orders. */
static void
policy_forward(const lem_model *model, const lem_head *head, const lem_samples *samples,
			   const lem_real *context, void *scratch, bool back, policy_pass *pass)
{
	const lem_config *config = &model->config;
	const int	n = samples->n * samples->n_orders;
	lem_arena	arena = {scratch, 0};

	policy_carve(&arena, model, n, back, pass);
	for (int i = 0; i < n; i++)
		pass->sample[i] = i / samples->n_orders;
	if (samples->base)
	{
		pass->acts.base = samples->base;
		pass->acts.given = samples->given;
	}
	lem_policy_forward(config, model->kernels, head->policy, n, samples->orders, pass->sample,
					   context, &pass->acts, pass->share);
}

/* The loss of the samples' orders, and its gradient into dshare. */
static double
policy_loss(const lem_config *config, const lem_samples *samples, const lem_loss_options *options,
			const policy_pass *pass)
{
	return lem_policy_loss(config, options, samples->n * samples->n_orders,
						   (double) samples->total * samples->n_orders, samples->orders,
						   pass->sample, pass->share, samples->market, pass->dshare);
}

const lem_real *
lem_gradient_policy_shares(const lem_model *model, const lem_head *head,
						   const lem_samples *samples, const lem_real *context, void *scratch)
{
	policy_pass pass;

	policy_forward(model, head, samples, context, scratch, false, &pass);
	return pass.share;
}

size_t
lem_gradient_heads_scratch(const lem_model *model, int n)
{
	lem_arena	arena = {NULL, 0};
	heads_acts	acts;

	if (model->config.horizon > 0)
	{
		quantile_acts quantiles;

		quantile_carve(&arena, &model->config, n, &quantiles);
		return arena.used;
	}
	if (model->config.stop_base)
		return lem_gradient_policy_scratch(model, n * LEM_POLICY_ORDERS, true);
	heads_carve(&arena, model, n, &acts);
	return arena.used;
}

/* Numbers from one step's answers of a task to the next step's. */
static size_t
step_stride(const lem_config *config)
{
	return (size_t) lem_set_branches(config) * LEM_CASES;
}

/* The heads forward, every buffer kept. */
static void
heads_forward(const lem_model *model, const lem_head *head, int set, const heads_acts *acts,
			  const lem_tasks *tasks, const lem_heads_input *in)
{
	const lem_config *config = &model->config;
	const int	branches = lem_set_branches(config);

	for (int task = 0; task < acts->tasks; task++)
	{
		const int	sample = task / branches;
		const int	branch = task % branches;
		const size_t begin = (size_t) sample * config->n_ahead * step_stride(config)
			+ (size_t) branch * LEM_CASES;

		acts->sample[task] = sample;
		acts->branch[task] = config->shared_heads ? branch : set;
		acts->share[task] = acts->pred + begin;
		acts->dshare[task] = acts->dpred + begin;
	}
	lem_alloc_forward(config, model->kernels, head, &model->trunk->curves, tasks, in,
					  &acts->alloc, acts->share, step_stride(config), reference_order, NULL);
}

void
lem_gradient_heads(const lem_model *model, const lem_head *head, int set, const lem_real *part,
				   const lem_samples *samples, const lem_loss_options *options,
				   const lem_real *inputs, const lem_real *context, void *scratch, bool add,
				   double *loss, lem_real *dpart, const lem_curves_gradient *dcurves,
				   lem_real *dcontext)
{
	const lem_config *config = &model->config;
	const lem_heads_input in = {context, inputs, samples->rows, samples->min_rate,
		samples->max_rate, NULL};
	lem_arena	arena = {scratch, 0};
	heads_acts	acts;
	lem_tasks	tasks;

	if (config->horizon > 0)
	{
		quantile_acts quantiles;

		*loss = quantile_heads(config, head, samples, context, scratch, &quantiles);
		lem_quantile_backward(config, head->quantiles, samples->n, context, quantiles.hidden,
							  quantiles.raw, quantiles.dout, add, dpart, dcontext);
		return;
	}
	if (config->stop_base)
	{
		policy_pass pass;

		policy_forward(model, head, samples, context, scratch, true, &pass);
		*loss = policy_loss(config, samples, options, &pass);
		memset(dcontext, 0, samples->n * lem_context_size(config) * sizeof(lem_real));
		lem_policy_backward(config, model->kernels, part, head->policy,
							samples->n * samples->n_orders, samples->orders, pass.sample,
							&pass.acts, pass.dshare, (lem_scratch) {pass.scratch_base, 0, NULL}, add,
							dpart, dcontext);
		return;
	}
	heads_carve(&arena, model, samples->n, &acts);
	tasks = (lem_tasks) {acts.tasks, acts.sample, acts.branch, NULL};
	heads_forward(model, head, set, &acts, &tasks, &in);
	*loss = lem_loss(config, options, set, lem_set_branches(config), samples->n, samples->total,
					 acts.pred, samples->market, acts.dpred);
	memset(dcontext, 0, samples->n * lem_context_size(config) * sizeof(lem_real));
	lem_alloc_backward(config, model->kernels, part, head, &model->trunk->curves, &tasks, &in,
					   &acts.alloc, acts.dshare, step_stride(config), reference_order,
					   (lem_scratch) {acts.scratch_base, 0, NULL}, add, dpart, dcurves, dcontext);
}

void
lem_gradient_heads_forward(const lem_model *model, const lem_head *head, int set,
						   const lem_samples *samples, const lem_loss_options *options,
						   const lem_real *inputs, const lem_real *context, void *scratch,
						   double *loss, double *gain, double *square)
{
	const lem_config *config = &model->config;
	const lem_heads_input in = {context, inputs, samples->rows, samples->min_rate,
		samples->max_rate, NULL};
	lem_arena	arena = {scratch, 0};
	heads_acts	acts;
	lem_tasks	tasks;

	if (config->horizon > 0)
	{
		quantile_acts quantiles;

		/* of a task: squared errors, and those of the naive forecast */
		*loss = quantile_heads(config, head, samples, context, scratch, &quantiles);
		if (gain)
			lem_quantile_errors(samples->n, quantiles.out, samples->market,
								2 * (size_t) config->n_ahead, gain, square);
		return;
	}
	if (config->stop_base)
	{
		policy_pass pass;

		policy_forward(model, head, samples, context, scratch, false, &pass);
		*loss = policy_loss(config, samples, options, &pass);
		return;
	}
	heads_carve(&arena, model, samples->n, &acts);
	tasks = (lem_tasks) {acts.tasks, acts.sample, acts.branch, NULL};
	heads_forward(model, head, set, &acts, &tasks, &in);
	*loss = lem_loss(config, options, set, lem_set_branches(config), samples->n, samples->total,
					 acts.pred, samples->market, acts.dpred);
	if (gain)
		lem_gains(config, set, lem_set_branches(config), samples->n, acts.pred, samples->market,
				  gain, square);
}

/* The scratch space of the trunk's backward pass: the gradient of the context, then the layers'. */
size_t
lem_gradient_trunk_scratch(const lem_model *model, int n)
{
	const lem_config *config = &model->config;
	lem_arena	arena = {NULL, 0};
	lem_trunk_acts acts;
	lem_shared_acts shared;
	size_t		peak = 0;

	if (config->shared_trunk)
		lem_shared_acts_carve(&arena, config, model->trunk, n, true, &shared);
	else
		lem_trunk_acts_carve(&arena, config, model->trunk, n, true, &acts);
	arena.used = 0;
	lem_arena_reals(&arena, n * lem_context_size(config));
	if (config->shared_trunk)
		lem_shared_backward(model->trunk, config, model->kernels, n, NULL, &shared, NULL,
							(lem_scratch) {NULL, 0, &peak}, NULL, NULL);
	else
		lem_trunk_backward(model->trunk, config, model->kernels, n, NULL, &acts, NULL,
						   (lem_scratch) {NULL, 0, &peak}, NULL, NULL);
	return arena.used + peak;
}

lem_status
lem_gradient_trunk_back(const lem_model *model, const lem_real *part, const lem_samples *samples,
						void *kept, const lem_real *dcontext, size_t set_stride, void *scratch,
						const lem_stop *stop, lem_real *gradient)
{
	const lem_config *whole = &model->config;
	const lem_config near = near_config(whole, samples);
	const lem_config *config = &near;
	const size_t each = lem_context_size(config);
	const size_t size = samples->n * each;
	lem_arena	kept_arena = {kept, 0};
	lem_arena	arena = {scratch, 0};
	lem_trunk_acts acts;
	lem_shared_acts shared;
	lem_real   *sum = lem_arena_reals(&arena, size);

	copy_beginnings(samples->n, each, dcontext, lem_context_size(whole), sum, each);
	for (int set = 1; set < lem_head_sets(config); set++)
		for (size_t i = 0; i < size; i++)
			sum[i] += dcontext[set * set_stride + i];
	if (samples->dropout)
		lem_dropout_apply(size, samples->dropout->context_mask, sum, sum);
	if (config->shared_trunk)
	{
		lem_shared_acts_carve(&kept_arena, config, model->trunk, samples->n, true, &shared);
		shared.dropout = samples->dropout;
		return lem_shared_backward(model->trunk, config, model->kernels, samples->n, part, &shared,
								   sum, (lem_scratch) {arena.base + arena.used, 0, NULL}, gradient,
								   stop);
	}
	lem_trunk_acts_carve(&kept_arena, config, model->trunk, samples->n, true, &acts);
	acts.dropout = samples->dropout;
	return lem_trunk_backward(model->trunk, config, model->kernels, samples->n, part, &acts, sum,
							  (lem_scratch) {arena.base + arena.used, 0, NULL}, gradient, stop);
}

/* Buffers of all passes. */
typedef struct all_acts
{
	lem_real   *inputs;
	lem_real   *context;
	lem_real   *dcontext;		/* of each set */
	void	   *kept;
	void	   *scratch;
} all_acts;

static void
all_carve(lem_arena *arena, const lem_model *model, int n, all_acts *acts)
{
	const lem_config *config = &model->config;
	const size_t trunk = lem_gradient_trunk_scratch(model, n);
	const size_t heads = lem_gradient_heads_scratch(model, n);

	acts->inputs = lem_arena_reals(arena, n * lem_inputs_size(config));
	acts->context = lem_arena_reals(arena, n * lem_context_size(config));
	acts->dcontext = lem_arena_reals(arena, (size_t) lem_head_sets(config) * n
									 * lem_context_size(config));
	acts->kept = lem_arena_bytes(arena, lem_gradient_kept(model, n));
	acts->scratch = lem_arena_bytes(arena, trunk > heads ? trunk : heads);
}

size_t
lem_gradient_workspace(const lem_model *model, int n)
{
	lem_arena	arena = {NULL, 0};
	all_acts	acts;

	all_carve(&arena, model, n, &acts);
	return arena.used;
}

lem_status
lem_gradient(const lem_model *model, const lem_real *const *parts, const lem_samples *samples,
			 const lem_loss_options *options, void *workspace, const lem_stop *stop,
			 double *loss, lem_real *const *gradient)
{
	const lem_config *config = &model->config;
	const size_t set_stride = samples->n * lem_context_size(config);
	lem_arena	arena = {workspace, 0};
	all_acts	acts;
	lem_trunk_offsets at;
	lem_status	status;

	all_carve(&arena, model, samples->n, &acts);
	lem_trunk_layout(config, &at);
	status = lem_gradient_trunk(model, samples, acts.kept, stop, acts.inputs, acts.context);
	if (status != LEM_OK)
		return status;
	*loss = 0;
	for (int set = 0; set < lem_head_sets(config); set++)
	{
		double		share;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		if (gradient)
			lem_gradient_heads(model, model->heads[set], set, parts[1 + set], samples, options,
							   acts.inputs, acts.context, acts.scratch, true, &share,
							   gradient[1 + set],
							   &(lem_curves_gradient) {gradient[0] + at.scale,
								   gradient[0] + at.volume_curve, gradient[0] + at.notional_curve},
							   acts.dcontext + set * set_stride);
		else
			lem_gradient_heads_forward(model, model->heads[set], set, samples, options,
									   acts.inputs, acts.context, acts.scratch, &share, NULL,
									   NULL);
		*loss += share;
	}
	return gradient ? lem_gradient_trunk_back(model, parts[0], samples, acts.kept, acts.dcontext,
											  set_stride, acts.scratch, stop, gradient[0])
		: LEM_OK;
}

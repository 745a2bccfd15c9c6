/*
 * allocation.h: the allocation heads and their recurrence over the steps (model page, section 3).
 *
 * The unit of work is a task: one branch of one sample.  Tasks that share a set of heads run
 * together, each step one matrix product for all of them.
 */
#ifndef LEM_ALLOCATION_H
#define LEM_ALLOCATION_H

#include "base/arena.h"
#include "kernels/kernels.h"
#include "model/experts.h"
#include "model/policy.h"
#include "model/quantile.h"
#include "orders/decide.h"
#include "parameters/config.h"

/* Width of the eight MLPs of a step side by side: 8M. */
#define LEM_HEAD_WIDTH(config) (LEM_CASES * (config)->fused_mlp_hidden_dim)

/*
 * Added to sums that divide (model page, section 3).  The sums have no unit: they are of shares of
 * the order, of prices as multiples of one of the window's and of volumes as multiples of its mean,
 * so that this constant is small whatever the market's prices are; and where nothing has been
 * traded it makes running figures 0, with which models have been trained.
 */
#define LEM_TINY ((lem_real) 1e-7)

/* What a price of the price column is with price_unit "sigma": (p / p_L - 1) / (20 sigma). */
static inline lem_real
lem_price_distance(lem_real price)
{
	return (price - 1) / (lem_real) (LEM_PRICE_STEP * LEM_PRICE_UNIT);
}

/* Inputs of a step's MLPs without the branch's one-hot: H + F + 18k. */
static inline int
lem_step_inputs(const lem_config *config, int k)
{
	return config->hidden_size + lem_inputs(config) + 18 * k;
}

/* Numbers of a task's running figures; the first 8 x N are its allocations. */
static inline size_t
lem_alloc_state_size(const lem_config *config)
{
	return (size_t) 18 * config->n_ahead + 2 * LEM_CASES + 3;
}

/* The MLPs of one step; the eight cases share their input. */
typedef struct lem_head_step
{
	lem_packed	kernel_0;		/* H + F + 18k x 8M */
	const lem_real *bias_0;		/* branches or 1 x 8M: with shared heads the branch's one-hot
								 * row is part of its bias */
	lem_packed	kernel_1[LEM_CASES];	/* M x M */
	const lem_real *bias_1;		/* 8M */
	const lem_real *kernel_2;	/* 8 x M */
	const lem_real *bias_2;		/* 8 */
	const lem_real *finish_kernel;	/* 8 x M, or NULL */
	const lem_real *finish_bias;	/* 8 */
} lem_head_step;

/* One set of heads: N - 1 steps. */
typedef struct lem_head
{
	const lem_head_step *steps;	/* NULL in a model of market making */
	lem_quantile_head *quantiles;	/* NULL in others */
	lem_mix    *mix;			/* of a mixture, which has neither */
	lem_policy_head *policy;	/* with base "optimal_stop", instead of steps; else NULL */
} lem_head;

/* What steers the heads' answers, from the trunk's part. */
typedef struct lem_curves
{
	const lem_real *scale;		/* N + 1 */
	const lem_real *volume;		/* N x (N + 1) x 2 (VWAP, TWAP) */
	const lem_real *notional;	/* the same */
} lem_curves;

/*
 * Tasks of one set of heads.  Arrays have an entry a task.  For a backward pass shared heads have all
 * branches of sample 0, then those of sample 1 and so on; separate heads one task a sample.
 */
typedef struct lem_tasks
{
	int			n;
	const int  *sample;
	const int  *branch;
	const lem_limits *limits;	/* an entry a sample, or NULL: the raw network */
} lem_tasks;

/* What the recurrence reads of the samples. */
typedef struct lem_heads_input
{
	const lem_real *context;	/* samples x (N - 1) x H: attention rows L .. L + N - 2 */
	const lem_real *inputs;		/* samples x T x F: standard inputs */
	const lem_real *rows;		/* samples x T x C: for price and volume, the last two columns */
	const lem_real *min_rate;	/* samples */
	const lem_real *max_rate;	/* samples */

	/* Whose context and inputs a sample has: those of samples with the same rows and rates are
	 * there once.  NULL: its own. */
	const int  *window;			/* samples */
} lem_heads_input;

/*
 * Buffers of a pass.  Those marked [N - 1] hold every step where they are kept for a backward
 * pass, and the current step only otherwise.
 */
typedef struct lem_alloc_acts
{
	bool		keep;
	lem_real   *input[LEM_MAX_AHEAD];	/* [N - 1] tasks x (H + F + 18k) */
	lem_real   *hidden_0;		/* [N - 1] tasks x 8M: after the relu */
	lem_real   *hidden_1;		/* [N - 1] tasks x 8M: after the relu */
	lem_real   *mlp;			/* [N - 1] tasks x 8: after the softsign */
	lem_real   *finish;			/* [N - 1] tasks x 8: before the sigmoid; with a finish gate */
	lem_real   *state;			/* tasks x running figures */
	lem_pace   *pace;			/* tasks: of the order's own case, with limits */
} lem_alloc_acts;

extern void lem_alloc_acts_carve(lem_arena *arena, const lem_config *config, int tasks, bool keep,
								 lem_alloc_acts *acts);

/* part: the numbers of one head part.  The head itself is carved first. */
extern lem_head *lem_head_build(lem_arena *arena, const lem_config *config, const lem_real *part);

/*
 * Run the recurrence.  allocation receives the shares: task j, step k, case c at
 * j * task_stride + k * step_stride + case_offset[c].  With limits, units receives the projected
 * allocation of the order's own case, sample * N + k; that case then continues from what was
 * projected, or decided before.
 */
extern void lem_alloc_forward(const lem_config *config, const lem_kernels *kern,
							  const lem_head *head, const lem_curves *curves,
							  const lem_tasks *tasks, const lem_heads_input *in,
							  const lem_alloc_acts *acts, lem_real *const *allocation,
							  size_t step_stride, const int *case_offset, int64_t *units);

/*
 * Gradients of a pass that kept its buffers (without limits), from dshare: task j, step k, case c
 * at dshare[j][k * step_stride + case_offset[c]].
 *
 * dpart (the head part, as stored) is set, or with add added to; dcurves (places as in lem_curves)
 * and dcontext (samples x (N - 1) x H) are added to.  part is the numbers that the head was decoded from.
 */
typedef struct lem_curves_gradient
{
	lem_real   *scale;
	lem_real   *volume;
	lem_real   *notional;
} lem_curves_gradient;

extern void lem_alloc_backward(const lem_config *config, const lem_kernels *kern,
							   const lem_real *part, const lem_head *head,
							   const lem_curves *curves, const lem_tasks *tasks,
							   const lem_heads_input *in, const lem_alloc_acts *acts,
							   const lem_real *const *dshare, size_t step_stride,
							   const int *case_offset, lem_scratch scratch, bool add,
							   lem_real *dpart, const lem_curves_gradient *dcurves,
							   lem_real *dcontext);

#endif

/* allocation.c: the allocation heads and their recurrence. */
#include <math.h>
#include <string.h>

#include "model/allocation.h"
#include "parameters/params.h"

/*
 * Running figures of a task, N numbers each: for every case the past allocations and what the
 * heads read as its running price, then the market's running VWAP and TWAP; behind them the
 * sums they are made of.
 */
typedef struct task_state
{
	lem_real   *allocated;		/* 8 x N */
	lem_real   *price;			/* 8 x N */
	lem_real   *vwap;			/* N */
	lem_real   *twap;			/* N */
	lem_real   *sum_allocated;	/* 8 */
	lem_real   *sum_traded;		/* 8: of a * p for quantity cases, a / p for notional cases */
	lem_real   *market;			/* sums of v * p, v and p */
} task_state;

static void
state_of(const lem_config *config, lem_real *base, task_state *state)
{
	const size_t n = config->n_ahead;

	state->allocated = base;
	state->price = base + LEM_CASES * n;
	state->vwap = base + 2 * LEM_CASES * n;
	state->twap = state->vwap + n;
	state->sum_allocated = state->twap + n;
	state->sum_traded = state->sum_allocated + LEM_CASES;
	state->market = state->sum_traded + LEM_CASES;
}

void
lem_alloc_acts_carve(lem_arena *arena, const lem_config *config, int tasks, bool keep,
					 lem_alloc_acts *acts)
{
	const int	steps = config->n_ahead - 1;
	const size_t kept = (size_t) (keep ? steps : 1) * tasks;

	acts->keep = keep;
	for (int k = steps - 1; k >= 0; k--)
		acts->input[k] = keep || k == steps - 1
			? lem_arena_reals(arena, (size_t) tasks * lem_step_inputs(config, k))
			: acts->input[steps - 1];
	acts->hidden_0 = lem_arena_reals(arena, kept * LEM_HEAD_WIDTH(config));
	acts->hidden_1 = lem_arena_reals(arena, kept * LEM_HEAD_WIDTH(config));
	acts->mlp = lem_arena_reals(arena, kept * LEM_CASES);
	acts->finish = lem_arena_reals(arena, config->finish_gate ? kept * LEM_CASES : 0);
	acts->state = lem_arena_reals(arena, tasks * lem_alloc_state_size(config));
	acts->pace = lem_arena_bytes(arena, tasks * sizeof(lem_pace));
}

lem_head *
lem_head_build(lem_arena *arena, const lem_config *config, const lem_real *part)
{
	const int	m = config->fused_mlp_hidden_dim;
	const int	wide = LEM_HEAD_WIDTH(config);
	const int	one_hot = config->shared_heads ? lem_branches(config) : 0;
	lem_head   *head = lem_arena_bytes(arena, sizeof(lem_head));
	lem_head_step *steps;

	if (config->mixture != LEM_MIXTURE_NONE)
	{
		lem_mix    *mix = lem_mix_build(arena, config, part);

		if (arena->base)
			*head = (lem_head) {NULL, NULL, mix, NULL};
		return head;
	}
	if (config->horizon > 0)
	{
		lem_quantile_head *quantiles = lem_quantile_build(arena, config, part);

		if (arena->base)
			*head = (lem_head) {NULL, quantiles, NULL, NULL};
		return head;
	}
	if (config->stop_base)
	{
		lem_policy_head *policy = lem_policy_build(arena, config, part);

		if (arena->base)
			*head = (lem_head) {NULL, NULL, NULL, policy};
		return head;
	}
	steps = lem_arena_bytes(arena, config->n_ahead * sizeof(lem_head_step));
	if (arena->base)
		*head = (lem_head) {steps, NULL, NULL, NULL};
	for (int k = 0; k < config->n_ahead - 1; k++)
	{
		const int	in = lem_step_inputs(config, k);
		lem_head_offsets at;
		lem_head_step step;
		lem_real   *kernel_0 = lem_arena_reals(arena, lem_packed_size(in, wide));
		lem_real   *bias_0 = lem_arena_reals(arena, (size_t) (one_hot ? one_hot : 1) * wide);

		lem_head_layout(config, k, &at);
		if (arena->base)
		{
			lem_pack(&step.kernel_0, kernel_0, in, wide);
			step.bias_0 = bias_0;
			for (int c = 0; c < LEM_CASES; c++)
			{
				const lem_real *kernel = part + at.kernel_0 + (size_t) c * (in + one_hot) * m;
				const lem_real *bias = part + at.bias_0 + (size_t) c * m;

				lem_pack_columns(kernel_0, in, wide, c * m, kernel, m, m);
				for (int b = 0; b < (one_hot ? one_hot : 1); b++)
					for (int j = 0; j < m; j++)
						bias_0[(size_t) b * wide + c * m + j] = bias[j]
							+ (one_hot ? kernel[(size_t) (in + b) * m + j] : 0);
			}
		}
		for (int c = 0; c < LEM_CASES; c++)
		{
			lem_real   *kernel_1 = lem_arena_reals(arena, lem_packed_size(m, m));

			if (arena->base)
			{
				lem_pack(&step.kernel_1[c], kernel_1, m, m);
				lem_pack_rows(kernel_1, m, m, 0, part + at.kernel_1 + (size_t) c * m * m, m, m);
			}
		}
		step.bias_1 = lem_arena_copy(arena, part, at.bias_1, wide);
		step.kernel_2 = lem_arena_copy(arena, part, at.kernel_2, wide);
		step.bias_2 = lem_arena_copy(arena, part, at.bias_2, LEM_CASES);
		step.finish_kernel = NULL;
		step.finish_bias = NULL;
		if (config->finish_gate)
		{
			step.finish_kernel = lem_arena_copy(arena, part, at.finish_kernel, wide);
			step.finish_bias = lem_arena_copy(arena, part, at.finish_bias, LEM_CASES);
		}
		if (arena->base)
			steps[k] = step;
	}
	return head;
}

static lem_real
sigmoid(lem_real x)
{
	return 1 / (1 + lem_exp(-x));
}

/* softclip(x, u) = x q + u (1 - q), q = sigmoid(10 (u - x)). */
static lem_real
soft_clip(lem_real x, lem_real u)
{
	lem_real	q = sigmoid(10 * (u - x));

	return x * q + u * (1 - q);
}

/* What the MLPs of step k read for a task (model page, section 3). */
static void
gather_input(const lem_config *config, const lem_heads_input *in, int sample, int k,
			 const task_state *state, lem_real *x)
{
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const int	n = config->n_ahead;
	const size_t window = in->window ? in->window[sample] : sample;

	memcpy(x, in->context + (window * (n - 1) + k) * width, width * sizeof(lem_real));
	x += width;
	memcpy(x, in->inputs + (window * lem_rows(config) + config->lookback + k) * inputs,
		   inputs * sizeof(lem_real));
	x += inputs;
	for (int c = 0; c < LEM_CASES; c++, x += k)
		memcpy(x, state->allocated + (size_t) c * n, k * sizeof(lem_real));
	for (int c = 0; c < LEM_CASES; c++, x += k)
		memcpy(x, state->price + (size_t) c * n, k * sizeof(lem_real));
	memcpy(x, state->vwap, k * sizeof(lem_real));
	memcpy(x + k, state->twap, k * sizeof(lem_real));
}

/*
 * Extend the running figures by the bar in which step k traded; case own (-1: none) traded at own_price.
 *
 * With price_unit "sigma" the heads read prices as distances from that of row L in units of 20
 * standard deviations of a bar's return, 0 where nothing has traded.
 */
static void
extend_state(const lem_config *config, int k, lem_real price, lem_real volume, int own,
			 lem_real own_price, task_state *state)
{
	const int	n = config->n_ahead;
	const lem_real level = config->price_sigma ? lem_price_distance(price) : price;
	const lem_real own_level = config->price_sigma ? lem_price_distance(own_price) : own_price;

	for (int c = 0; c < LEM_CASES; c++)
	{
		const bool	notional = c >= LEM_CASES / 2;
		lem_real	a = state->allocated[(size_t) c * n + k];
		lem_real   *running = state->price + (size_t) c * n + k;

		if (c == own)
			state->sum_traded[c] += notional ? a / own_price : a * own_level;
		else
			state->sum_traded[c] += notional ? a / price : a * level;
		if (!notional)
			*running = state->sum_traded[c] / (state->sum_allocated[c] + LEM_TINY);
		else if (config->notional_price)
			*running = config->price_sigma
				? (state->sum_allocated[c] - state->sum_traded[c])
				/ (state->sum_traded[c] + LEM_TINY) / (lem_real) (LEM_PRICE_STEP * LEM_PRICE_UNIT)
				: state->sum_allocated[c] / (state->sum_traded[c] + LEM_TINY);
		else
			*running = state->sum_allocated[c];
	}
	state->market[0] += volume * level;
	state->market[1] += volume;
	state->market[2] += level;
	state->vwap[k] = state->market[0] / (state->market[1] + LEM_TINY);
	state->twap[k] = state->market[2] / (k + 1);
}

/* The eight MLPs of step k, for all tasks: from the gathered inputs to mlp and finish. */
static void
run_mlps(const lem_config *config, const lem_kernels *kern, const lem_head_step *step, int k,
		 const lem_tasks *tasks, const lem_alloc_acts *acts)
{
	const int	m = config->fused_mlp_hidden_dim;
	const int	wide = LEM_HEAD_WIDTH(config);
	const int	inputs = lem_step_inputs(config, k);
	const size_t at = acts->keep ? (size_t) k * tasks->n : 0;
	lem_real   *hidden_0 = acts->hidden_0 + at * wide;
	lem_real   *hidden_1 = acts->hidden_1 + at * wide;

	for (int j = 0; j < tasks->n; j++)
		memcpy(hidden_0 + (size_t) j * wide,
			   step->bias_0 + (config->shared_heads ? (size_t) tasks->branch[j] * wide : 0),
			   wide * sizeof(lem_real));
	kern->matmul(tasks->n, acts->input[k], inputs, &step->kernel_0, NULL, true, hidden_0, wide);
	kern->relu((size_t) tasks->n * wide, hidden_0, hidden_0);
	for (int c = 0; c < LEM_CASES; c++)
		kern->matmul(tasks->n, hidden_0 + c * m, wide, &step->kernel_1[c], step->bias_1 + c * m,
					 false, hidden_1 + c * m, wide);
	kern->relu((size_t) tasks->n * wide, hidden_1, hidden_1);

	for (int j = 0; j < tasks->n; j++)
		for (int c = 0; c < LEM_CASES; c++)
		{
			const lem_real *hidden = hidden_1 + (size_t) j * wide + c * m;
			lem_real	x = kern->dot(m, hidden, step->kernel_2 + (size_t) c * m) + step->bias_2[c];

			acts->mlp[(at + j) * LEM_CASES + c] = x / (1 + lem_fabs(x));
			if (step->finish_kernel)
				acts->finish[(at + j) * LEM_CASES + c] =
					kern->dot(m, hidden, step->finish_kernel + (size_t) c * m)
					+ step->finish_bias[c];
		}
}

/*
 * The share that case c of a branch proposes at step k, from its MLP's answer; finish is NULL
 * without a finish gate.
 */
static lem_real
propose(const lem_config *config, const lem_curves *curves, int branch, int k, int c,
		lem_real mlp, const lem_real *finish, lem_real left, lem_real min_rate, lem_real max_rate)
{
	const lem_real *curve = c >= LEM_CASES / 2 ? curves->notional : curves->volume;
	lem_real	base = curve[((size_t) k * lem_branches(config) + branch) * 2 + c % 2];
	lem_real	raw = lem_pow(1 + mlp, curves->scale[branch]) * base;
	lem_real	excess = left / (config->n_ahead - k) - max_rate;
	lem_real	x = soft_clip(raw + min_rate, max_rate) + (excess > 0 ? excess : 0);

	x = soft_clip(x, left);
	x = x > left ? left : x;
	x = x < 0 ? 0 : x;
	if (finish)
		x += sigmoid(*finish) * (left - x);
	return x;
}

/*
 * The order's own case: keep its limits.  Where the order has fewer bars than the network
 * plans for, the network's share of what is left is stretched to the bars there are.  A step that
 * was decided before is not decided again.
 */
static lem_real
project(const lem_config *config, const lem_limits *limits, int k, lem_real share,
		lem_pace *pace, int64_t *units)
{
	const int	n = config->n_ahead;
	double		wanted = share;
	lem_bound	by;

	/* all that is left is all of it, whatever the rounding of the network's numbers */
	if (share >= (lem_real) lem_units_share(pace->planned))
		wanted = 1;
	if (k < limits->horizon && lem_limits_horizon(limits, k) < n)
		wanted *= (double) (n - k) / (lem_limits_horizon(limits, k) - k);
	*units = lem_limits_decide(limits, k, wanted, pace, &by);
	if (limits->by)
		limits->by[k] = (uint8_t) by;
	return (lem_real) lem_units_share(*units);
}

void
lem_alloc_forward(const lem_config *config, const lem_kernels *kern, const lem_head *head,
				  const lem_curves *curves, const lem_tasks *tasks, const lem_heads_input *in,
				  const lem_alloc_acts *acts, lem_real *const *allocation, size_t step_stride,
				  const int *case_offset, int64_t *units)
{
	const int	n = config->n_ahead;
	const int	columns = lem_inputs(config);

	memset(acts->state, 0, tasks->n * lem_alloc_state_size(config) * sizeof(lem_real));
	for (int j = 0; j < tasks->n; j++)
		acts->pace[j] = lem_pace_start();

	for (int k = 0; k < n; k++)
	{
		const bool	last = k == n - 1;
		const size_t at = acts->keep ? (size_t) k * tasks->n : 0;

		if (!last)
		{
			for (int j = 0; j < tasks->n; j++)
			{
				task_state	state;

				state_of(config, acts->state + j * lem_alloc_state_size(config), &state);
				gather_input(config, in, tasks->sample[j], k, &state,
							 acts->input[k] + (size_t) j * lem_step_inputs(config, k));
			}
			run_mlps(config, kern, &head->steps[k], k, tasks, acts);
		}

		for (int j = 0; j < tasks->n; j++)
		{
			const int	sample = tasks->sample[j];
			const lem_limits *limits = tasks->limits ? &tasks->limits[sample] : NULL;
			task_state	state;

			state_of(config, acts->state + j * lem_alloc_state_size(config), &state);
			for (int c = 0; c < LEM_CASES; c++)
			{
				const size_t answer = (at + j) * LEM_CASES + c;
				const bool	own = limits && c == limits->order_case;
				lem_real	left = own ? (lem_real) lem_units_share(acts->pace[j].planned)
					: 1 - state.sum_allocated[c];
				lem_real	share = left;

				if (!last)
					share = propose(config, curves, tasks->branch[j], k, c, acts->mlp[answer],
									config->finish_gate ? &acts->finish[answer] : NULL, left,
									in->min_rate[sample], in->max_rate[sample]);
				if (own)
					share = project(config, limits, k, share, &acts->pace[j],
									&units[(size_t) sample * n + k]);
				state.allocated[(size_t) c * n + k] = share;
				state.sum_allocated[c] += share;
				if (allocation)
					allocation[j][k * step_stride + case_offset[c]] = share;
			}
			if (k < n - 2)
			{
				const lem_real *bar = in->rows
					+ ((size_t) sample * lem_rows(config) + config->lookback + k + 1) * columns
					+ columns - 2;

				extend_state(config, k, bar[0], bar[1], limits ? limits->order_case : -1,
							 limits ? bar[0] * (lem_real) lem_limits_price_ratio(limits, k) : 0,
							 &state);
			}
		}
	}
}

/*
 * allocation_backward.c: gradients of the allocation recurrence.
 *
 * Steps are undone from the last to the first.  What an allocation is worth reaches it by four ways:
 * the loss, the input of every later MLP (as a past allocation and through the running prices),
 * and what it left for the later steps.
 */
#include <math.h>
#include <string.h>

#include "model/allocation.h"
#include "parameters/params.h"

/* Sums over the steps already undone, one a task and case. */
typedef struct case_sums
{
	lem_real	left;			/* gradients of what was left at later steps */
	lem_real	price_1;		/* of dP / (sum + tiny) at this and later steps */
	lem_real	price_2;		/* of the other term, see undo_price() */
} case_sums;

/* The forward pass's numbers of one task, case and step. */
typedef struct step_numbers
{
	lem_real	left;
	lem_real	min_rate;
	lem_real	max_rate;
	lem_real	scale;
	lem_real	curve;
	lem_real	mlp;			/* after the softsign */
	const lem_real *finish;		/* before the sigmoid, or NULL */
	int			steps_left;		/* N - k */
} step_numbers;

/* Gradients that one proposal passes back. */
typedef struct step_gradients
{
	lem_real	left;
	lem_real	scale;
	lem_real	curve;
	lem_real	mlp;			/* before the softsign */
	lem_real	finish;			/* before the sigmoid */
} step_gradients;

static lem_real
sigmoid(lem_real x)
{
	return 1 / (1 + lem_exp(-x));
}

/* softclip(x, u) and its two slopes. */
static lem_real
soft_clip(lem_real x, lem_real u, lem_real *slope_x, lem_real *slope_u)
{
	lem_real	q = sigmoid(10 * (u - x));
	lem_real	bend = 10 * (x - u) * q * (1 - q);

	*slope_x = q - bend;
	*slope_u = 1 - q + bend;
	return x * q + u * (1 - q);
}

/* Undo propose() of allocation.c: from the gradient of the share. */
static void
undo_proposal(const step_numbers *s, lem_real d, step_gradients *out)
{
	lem_real	base = 1 + s->mlp;
	lem_real	factor = lem_pow(base, s->scale);
	lem_real	excess = s->left / s->steps_left - s->max_rate;
	lem_real	slope_raw;
	lem_real	slope_x;
	lem_real	slope_left;
	lem_real	unused;
	lem_real	x;

	memset(out, 0, sizeof(*out));
	x = soft_clip(factor * s->curve + s->min_rate, s->max_rate, &slope_raw, &unused);
	x = soft_clip(x + (excess > 0 ? excess : 0), s->left, &slope_x, &slope_left);

	if (s->finish)
	{
		lem_real	g = sigmoid(*s->finish);
		lem_real	cut = x > s->left ? s->left : x;

		cut = cut < 0 ? 0 : cut;
		out->finish = d * (s->left - cut) * g * (1 - g);
		out->left += d * g;
		d *= 1 - g;
	}
	/* where a step is cut to what is left, the gradient goes to what is left */
	if (x > s->left)
	{
		out->left += d;
		return;
	}
	if (x < 0)
		return;
	out->left += d * slope_left;
	d *= slope_x;
	if (excess > 0)
		out->left += d / s->steps_left;
	d *= slope_raw;
	out->curve = d * factor;
	if (base > 0)
	{
		lem_real	one = 1 - lem_fabs(s->mlp);

		out->scale = d * s->curve * factor * lem_log(base);
		out->mlp = d * s->curve * s->scale * factor / base * one * one;
	}
}

/*
 * What the running prices of this and later steps pass back to this step's allocation; dprice is the
 * gradient of this step's running price.
 *
 * With A and Q the sums of allocations and of a p (quantity) or a / p (notional) up to step j:
 * P_j = Q / (A + tiny), or A / (Q + tiny), so each a_i, i <= j, gets
 * dP_j (p_i - P_j) / (A + tiny), or dP_j (1 - P_j / p_i) / (Q + tiny).
 *
 * With price_unit "sigma" p is the distance for quantity cases, and P_j of notional cases is
 * (A - Q) / (Q + tiny) / unit = ((A + tiny) / (Q + tiny) - 1) / unit.
 */
static lem_real
undo_price(const lem_config *config, bool notional, lem_real dprice, lem_real sum_allocated,
		   lem_real sum_traded, lem_real price, case_sums *sums)
{
	lem_real	denominator = (notional ? sum_traded : sum_allocated) + LEM_TINY;
	lem_real	running = (notional ? sum_allocated : sum_traded) / denominator;

	if (notional && !config->notional_price)
	{
		sums->price_1 += dprice;
		return sums->price_1;
	}
	if (config->price_sigma)
	{
		if (notional)
		{
			dprice /= (lem_real) (LEM_PRICE_STEP * LEM_PRICE_UNIT);
			running += LEM_TINY / denominator;
		}
		else
			price = lem_price_distance(price);
	}
	sums->price_1 += dprice / denominator;
	sums->price_2 += dprice * running / denominator;
	return notional ? sums->price_1 - sums->price_2 / price
		: sums->price_1 * price - sums->price_2;
}

/* Scratch space of undo_mlps(). */
typedef struct mlp_scratch
{
	lem_real   *dhidden_1;		/* tasks x 8M */
	lem_real   *dhidden_0;		/* tasks x 8M */
	lem_real   *dsample;		/* samples x 8M: the above, summed over a sample's tasks */
	lem_real   *context_back;	/* first kernels transposed and packed: of the context, 8M x H, */
	lem_real   *own_back;		/* and of own inputs that get a gradient, 8M x 16k */
	lem_real   *kernel_1_back;	/* a case's second kernel transposed and packed: M x M */
	lem_real   *dbias_0;		/* tasks of a sample x 8M */
	lem_real   *dstate;			/* tasks x 16k */
} mlp_scratch;

static void
mlp_scratch_carve(lem_scratch *scratch, const lem_config *config, int tasks, int group,
				  mlp_scratch *s)
{
	const int	wide = LEM_HEAD_WIDTH(config);
	const int	last = config->n_ahead - 2;
	const int	m = config->fused_mlp_hidden_dim;

	s->dhidden_1 = lem_scratch_reals(scratch, (size_t) tasks * wide);
	s->dhidden_0 = lem_scratch_reals(scratch, (size_t) tasks * wide);
	s->dsample = lem_scratch_reals(scratch, group > 1 ? (size_t) (tasks / group) * wide : 0);
	s->context_back = lem_scratch_reals(scratch, lem_packed_size(wide, config->hidden_size));
	s->own_back = lem_scratch_reals(scratch, lem_packed_size(wide, 2 * LEM_CASES * last));
	s->kernel_1_back = lem_scratch_reals(scratch, lem_packed_size(m, m));
	s->dbias_0 = lem_scratch_reals(scratch, (size_t) group * wide);
	s->dstate = lem_scratch_reals(scratch, (size_t) tasks * 2 * LEM_CASES * last);
}

/*
 * The last two layers of step k's MLPs: from the gradients of their answers to dhidden_0, that of
 * the first layer before its relu.
 */
static void
undo_last_layers(const lem_config *config, const lem_kernels *kern, const lem_real *part,
				 const lem_head_step *step, const lem_head_offsets *at, int n,
				 const lem_real *hidden_0, const lem_real *hidden_1, const lem_real *dmlp,
				 const lem_real *dfinish, const mlp_scratch *s, bool add, lem_real *dpart)
{
	const lem_real one = 1;
	const int	m = config->fused_mlp_hidden_dim;
	const int	wide = LEM_HEAD_WIDTH(config);

	/* but for the kernels, gradients are added up where they belong */
	if (!add)
	{
		memset(dpart + at->bias_0, 0, wide * sizeof(lem_real));
		memset(dpart + at->bias_1, 0, (at->end - at->bias_1) * sizeof(lem_real));
	}
	memset(s->dhidden_1, 0, (size_t) n * wide * sizeof(lem_real));
	for (int c = 0; c < LEM_CASES; c++)
	{
		const size_t unit = (size_t) c * m;

		for (int j = 0; j < n; j++)
			dpart[at->bias_2 + c] += dmlp[(size_t) j * LEM_CASES + c];
		kern->add_scaled(n, m, dmlp + c, LEM_CASES, hidden_1 + unit, wide,
						 dpart + at->kernel_2 + unit, 0);
		kern->add_scaled(n, m, dmlp + c, LEM_CASES, step->kernel_2 + unit, 0,
						 s->dhidden_1 + unit, wide);
		if (!dfinish)
			continue;
		for (int j = 0; j < n; j++)
			dpart[at->finish_bias + c] += dfinish[(size_t) j * LEM_CASES + c];
		kern->add_scaled(n, m, dfinish + c, LEM_CASES, hidden_1 + unit, wide,
						 dpart + at->finish_kernel + unit, 0);
		kern->add_scaled(n, m, dfinish + c, LEM_CASES, step->finish_kernel + unit, 0,
						 s->dhidden_1 + unit, wide);
	}
	kern->relu_backward((size_t) n * wide, hidden_1, s->dhidden_1);
	kern->add_scaled(n, wide, &one, 0, s->dhidden_1, wide, dpart + at->bias_1, 0);
	for (int c = 0; c < LEM_CASES; c++)
	{
		const size_t unit = (size_t) c * m;
		const size_t kernel_1 = at->kernel_1 + unit * m;
		lem_packed	back;

		kern->outer(m, m, n, hidden_0 + unit, wide, s->dhidden_1 + unit, wide, add,
					dpart + kernel_1, m);
		lem_pack(&back, s->kernel_1_back, m, m);
		lem_pack_rows_transposed(s->kernel_1_back, m, m, 0, part + kernel_1, m, m);
		kern->matmul(n, s->dhidden_1 + unit, wide, &back, NULL, false, s->dhidden_0 + unit, wide);
	}
	kern->relu_backward((size_t) n * wide, hidden_0, s->dhidden_0);
}

/*
 * The first layer, all cases in one product.  Its inputs are those that a sample's tasks have in
 * common, H of the context (whose gradient is added to dcontext) and F, then 18k of the task's own,
 * of which those before the market's figures get a gradient, dstate.
 */
static void
undo_first_layer(const lem_config *config, const lem_kernels *kern, const lem_real *part,
				 const lem_head_offsets *at, int k, int n, int group, const lem_real *input,
				 const mlp_scratch *s, bool add, lem_real *dpart, lem_real *dcontext)
{
	const lem_real one = 1;
	const int	m = config->fused_mlp_hidden_dim;
	const int	wide = LEM_HEAD_WIDTH(config);
	const int	width = config->hidden_size;
	const int	in = lem_step_inputs(config, k);
	const int	common = width + lem_inputs(config);
	const int	own = 2 * LEM_CASES * k;
	const int	one_hot = config->shared_heads ? group : 0;
	const int	samples = n / group;
	const int	context_stride = (config->n_ahead - 1) * width;
	const lem_real *dsample = s->dhidden_0;
	lem_packed	context_back;
	lem_packed	own_back;

	if (group > 1)
	{
		memset(s->dsample, 0, (size_t) samples * wide * sizeof(lem_real));
		for (int i = 0; i < samples; i++)
			kern->add_scaled(group, wide, &one, 0, s->dhidden_0 + (size_t) i * group * wide, wide,
							 s->dsample + (size_t) i * wide, 0);
		dsample = s->dsample;
	}
	memset(s->dbias_0, 0, (size_t) group * wide * sizeof(lem_real));
	for (int b = 0; b < group; b++)
		kern->add_scaled(samples, wide, &one, 0, s->dhidden_0 + (size_t) b * wide, group * wide,
						 s->dbias_0 + (size_t) b * wide, 0);

	lem_pack(&context_back, s->context_back, wide, width);
	lem_pack(&own_back, s->own_back, wide, own);
	for (int c = 0; c < LEM_CASES; c++)
	{
		const lem_real *kernel = part + at->kernel_0 + (size_t) c * (in + one_hot) * m;

		lem_pack_rows_transposed(s->context_back, wide, width, c * m, kernel, m, m);
		lem_pack_rows_transposed(s->own_back, wide, own, c * m, kernel + (size_t) common * m, m, m);
	}
	kern->matmul(samples, dsample, wide, &context_back, NULL, true, dcontext + (size_t) k * width,
				 context_stride);
	kern->matmul(n, s->dhidden_0, wide, &own_back, NULL, false, s->dstate, own);

	for (int c = 0; c < LEM_CASES; c++)
	{
		lem_real   *dkernel = dpart + at->kernel_0 + (size_t) c * (in + one_hot) * m;
		const size_t unit = (size_t) c * m;

		kern->add_scaled(group, m, &one, 0, s->dbias_0 + unit, wide,
						 dpart + at->bias_0 + unit, 0);
		kern->outer(common, m, samples, input, group * in, dsample + unit, wide, add, dkernel, m);
		kern->outer(in - common, m, n, input + common, in, s->dhidden_0 + unit, wide, add,
					dkernel + (size_t) common * m, m);
		dkernel += (size_t) in * m;
		if (one_hot && !add)
			memset(dkernel, 0, (size_t) one_hot * m * sizeof(lem_real));
		if (one_hot)
			kern->add_scaled(group, m, &one, 0, s->dbias_0 + unit, wide, dkernel, m);
	}
}

/* Hand the gradient of a task's past allocations and running prices to where they came from. */
static void
spread_state(const lem_config *config, int k, const lem_real *dstate, lem_real *dallocated,
			 lem_real *dprice)
{
	const int	n = config->n_ahead;

	for (int c = 0; c < LEM_CASES; c++)
		for (int i = 0; i < k; i++)
		{
			dallocated[c * n + i] += dstate[c * k + i];
			dprice[c * n + i] += dstate[(LEM_CASES + c) * k + i];
		}
}

/* Gradients of scale factors and curves, in memory of their own. */
static lem_curves_gradient
curves_carve(lem_scratch *scratch, const lem_config *config)
{
	const size_t branches = lem_branches(config);
	const size_t curve = config->n_ahead * branches * 2;
	lem_curves_gradient own = {
		lem_scratch_reals(scratch, branches),
		lem_scratch_reals(scratch, curve),
		lem_scratch_reals(scratch, curve)
	};

	if (scratch->base)
	{
		memset(own.scale, 0, branches * sizeof(lem_real));
		memset(own.volume, 0, curve * sizeof(lem_real));
		memset(own.notional, 0, curve * sizeof(lem_real));
	}
	return own;
}

/* Add what a branch has of them. */
static void
curves_add(const lem_config *config, int branch, const lem_curves_gradient *from,
		   const lem_curves_gradient *to)
{
	to->scale[branch] += from->scale[branch];
	for (int k = 0; k < config->n_ahead; k++)
		for (int i = 0; i < 2; i++)
		{
			const size_t curve_at = ((size_t) k * lem_branches(config) + branch) * 2 + i;

			to->volume[curve_at] += from->volume[curve_at];
			to->notional[curve_at] += from->notional[curve_at];
		}
}

void
lem_alloc_backward(const lem_config *config, const lem_kernels *kern, const lem_real *part,
				   const lem_head *head, const lem_curves *curves, const lem_tasks *tasks,
				   const lem_heads_input *in, const lem_alloc_acts *acts,
				   const lem_real *const *dshare, size_t step_stride, const int *case_offset,
				   lem_scratch scratch, bool add, lem_real *dpart,
				   const lem_curves_gradient *dcurves, lem_real *dcontext)
{
	const int	n = config->n_ahead;
	const int	columns = lem_inputs(config);
	const int	wide = LEM_HEAD_WIDTH(config);
	const int	group = config->shared_heads ? lem_branches(config) : 1;
	const size_t figures = (size_t) LEM_CASES * n;
	const size_t state = lem_alloc_state_size(config);
	lem_real   *dallocated = lem_scratch_reals(&scratch, tasks->n * figures);
	lem_real   *dprice = lem_scratch_reals(&scratch, tasks->n * figures);
	lem_real   *sum_allocated = lem_scratch_reals(&scratch, tasks->n * figures);
	lem_real   *sum_traded = lem_scratch_reals(&scratch, tasks->n * figures);
	lem_real   *sums = lem_scratch_reals(&scratch, (size_t) tasks->n * LEM_CASES
										 * (sizeof(case_sums) / sizeof(lem_real)));
	lem_real   *dmlp = lem_scratch_reals(&scratch, (size_t) tasks->n * LEM_CASES);
	lem_real   *dfinish = lem_scratch_reals(&scratch, (size_t) tasks->n * LEM_CASES);
	/* others may be adding to the numbers next to this set's: nobody waits for a cache line here */
	const lem_curves_gradient own = curves_carve(&scratch, config);
	mlp_scratch mlp;

	mlp_scratch_carve(&scratch, config, tasks->n, group, &mlp);
	if (!scratch.base)
		return;
	memset(dallocated, 0, tasks->n * figures * sizeof(lem_real));
	memset(dprice, 0, tasks->n * figures * sizeof(lem_real));
	memset(sums, 0, (size_t) tasks->n * LEM_CASES * sizeof(case_sums));

	/* sums up to and including each step, as the forward pass had them */
	for (int j = 0; j < tasks->n; j++)
		for (int c = 0; c < LEM_CASES; c++)
		{
			const lem_real *allocated = acts->state + j * state + (size_t) c * n;
			lem_real	total = 0;
			lem_real	traded = 0;

			for (int k = 0; k < n; k++)
			{
				total += allocated[k];
				if (k < n - 2)
				{
					lem_real	price = in->rows[((size_t) tasks->sample[j] * lem_rows(config)
												  + config->lookback + k + 2) * columns - 2];

					if (c >= LEM_CASES / 2)
						traded += allocated[k] / price;
					else
						traded += allocated[k]
							* (config->price_sigma ? lem_price_distance(price) : price);
				}
				sum_allocated[j * figures + (size_t) c * n + k] = total;
				sum_traded[j * figures + (size_t) c * n + k] = traded;
			}
		}

	for (int k = n - 1; k >= 0; k--)
	{
		const lem_head_step *step = k < n - 1 ? &head->steps[k] : NULL;
		lem_head_offsets at;

		for (int j = 0; j < tasks->n; j++)
		{
			const int	sample = tasks->sample[j];
			const int	branch = tasks->branch[j];

			for (int c = 0; c < LEM_CASES; c++)
			{
				const bool	notional = c >= LEM_CASES / 2;
				const size_t figure = j * figures + (size_t) c * n + k;
				const size_t answer = ((size_t) k * tasks->n + j) * LEM_CASES + c;
				case_sums  *sum = (case_sums *) sums + (size_t) j * LEM_CASES + c;
				lem_real	d = dshare[j][k * step_stride + case_offset[c]] + dallocated[figure]
					- sum->left;
				const size_t curve_at = ((size_t) k * lem_branches(config) + branch) * 2 + c % 2;
				step_numbers numbers;
				step_gradients back;

				if (k < n - 2)
				{
					const lem_real *bar = in->rows + ((size_t) sample * lem_rows(config)
													  + config->lookback + k + 1) * columns
						+ columns - 2;

					d += undo_price(config, notional, dprice[figure], sum_allocated[figure],
									sum_traded[figure], bar[0], sum);
				}
				if (!step)
				{
					sum->left += d;		/* the last step takes what is left */
					continue;
				}
				numbers.left = k > 0 ? 1 - sum_allocated[figure - 1] : 1;
				numbers.min_rate = in->min_rate[sample];
				numbers.max_rate = in->max_rate[sample];
				numbers.scale = curves->scale[branch];
				numbers.curve = (notional ? curves->notional : curves->volume)[curve_at];
				numbers.mlp = acts->mlp[answer];
				numbers.finish = config->finish_gate ? &acts->finish[answer] : NULL;
				numbers.steps_left = n - k;
				undo_proposal(&numbers, d, &back);
				sum->left += back.left;
				own.scale[branch] += back.scale;
				(notional ? own.notional : own.volume)[curve_at] += back.curve;
				dmlp[(size_t) j * LEM_CASES + c] = back.mlp;
				dfinish[(size_t) j * LEM_CASES + c] = back.finish;
			}
		}
		if (!step)
			continue;
		lem_head_layout(config, k, &at);
		undo_last_layers(config, kern, part, step, &at, tasks->n,
						 acts->hidden_0 + (size_t) k * tasks->n * wide,
						 acts->hidden_1 + (size_t) k * tasks->n * wide, dmlp,
						 config->finish_gate ? dfinish : NULL, &mlp, add, dpart);
		undo_first_layer(config, kern, part, &at, k, tasks->n, group, acts->input[k], &mlp, add,
						 dpart, dcontext);
		for (int j = 0; j < tasks->n; j++)
			spread_state(config, k, mlp.dstate + (size_t) j * 2 * LEM_CASES * k,
						 dallocated + j * figures, dprice + j * figures);
	}
	for (int j = 0; j < group; j++)
		curves_add(config, tasks->branch[j], &own, dcurves);
}

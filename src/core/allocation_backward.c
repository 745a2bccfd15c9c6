/*
 * allocation_backward.c: gradients of the allocation recurrence.
 *
 * Steps are undone from the last to the first.  What an allocation is worth reaches it by four ways:
 * the loss, the input of every later MLP (as a past allocation and through the running prices),
 * and what it left for the later steps.
 */
#include <math.h>
#include <string.h>

#include "allocation.h"
#include "blas.h"
#include "params.h"

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
 * (A - Q) / (Q + tiny) / step = ((A + tiny) / (Q + tiny) - 1) / step.
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
			dprice /= (lem_real) LEM_PRICE_STEP;
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

/* y += scale * x. */
static void
add_scaled(int n, lem_real scale, const lem_real *restrict x, lem_real *restrict y)
{
	for (int i = 0; i < n; i++)
		y[i] += scale * x[i];
}

/* y = d * x where h is above zero, else 0: back through a dense layer to one and a relu. */
static void
back_through_relu(int n, lem_real d, const lem_real *restrict x, const lem_real *restrict h,
				  lem_real *restrict y)
{
	for (int i = 0; i < n; i++)
		y[i] = h[i] > 0 ? d * x[i] : 0;
}

/* y += d * x where h is above zero. */
static void
add_through_relu(int n, lem_real d, const lem_real *restrict x, const lem_real *restrict h,
				 lem_real *restrict y)
{
	for (int i = 0; i < n; i++)
		y[i] += h[i] > 0 ? d * x[i] : 0;
}

/* d = 0 where h is not above zero. */
static void
mask_relu(int n, const lem_real *restrict h, lem_real *restrict d)
{
	for (int i = 0; i < n; i++)
		d[i] = h[i] > 0 ? d[i] : 0;
}

/* The MLPs of step k: from the gradients of their two answers to those of weights and input. */
static void
undo_mlps(const lem_config *config, const lem_real *part, const lem_head_step *step, int k,
		  const lem_tasks *tasks, const lem_alloc_acts *acts, const lem_real *dmlp,
		  const lem_real *dfinish, lem_real *dhidden_1, lem_real *dhidden_0, lem_real *dpart,
		  lem_real *dinput)
{
	const int	n = tasks->n;
	const int	m = config->fused_mlp_hidden_dim;
	const int	wide = LEM_HEAD_WIDTH(config);
	const int	in = lem_step_inputs(config, k);
	const int	one_hot = config->shared_heads ? lem_branches(config) : 0;
	const lem_real *hidden_0 = acts->hidden_0 + (size_t) k * n * wide;
	const lem_real *hidden_1 = acts->hidden_1 + (size_t) k * n * wide;
	lem_head_offsets at;

	lem_head_layout(config, k, &at);
	for (int j = 0; j < n; j++)
		for (int c = 0; c < LEM_CASES; c++)
		{
			const size_t place = (size_t) j * wide + (size_t) c * m;
			const lem_real d = dmlp[(size_t) j * LEM_CASES + c];

			dpart[at.bias_2 + c] += d;
			add_scaled(m, d, hidden_1 + place, dpart + at.kernel_2 + (size_t) c * m);
			back_through_relu(m, d, step->kernel_2 + (size_t) c * m, hidden_1 + place,
							  dhidden_1 + place);
			if (dfinish)
			{
				const lem_real f = dfinish[(size_t) j * LEM_CASES + c];

				dpart[at.finish_bias + c] += f;
				add_scaled(m, f, hidden_1 + place, dpart + at.finish_kernel + (size_t) c * m);
				add_through_relu(m, f, step->finish_kernel + (size_t) c * m, hidden_1 + place,
								 dhidden_1 + place);
			}
		}
	for (int c = 0; c < LEM_CASES; c++)
	{
		const size_t kernel_1 = at.kernel_1 + (size_t) c * m * m;
		const size_t kernel_0 = at.kernel_0 + (size_t) c * (in + one_hot) * m;

		lem_gemm(true, false, m, m, n, 1, hidden_0 + c * m, wide, dhidden_1 + c * m, wide, 1,
				 dpart + kernel_1, m);
		lem_gemm(false, true, n, m, m, 1, dhidden_1 + c * m, wide, part + kernel_1, m, 0,
				 dhidden_0 + c * m, wide);
		for (int j = 0; j < n; j++)
		{
			const size_t place = (size_t) j * wide + (size_t) c * m;

			add_scaled(m, 1, dhidden_1 + place, dpart + at.bias_1 + (size_t) c * m);
			mask_relu(m, hidden_0 + place, dhidden_0 + place);
			add_scaled(m, 1, dhidden_0 + place, dpart + at.bias_0 + (size_t) c * m);
			if (one_hot)
				add_scaled(m, 1, dhidden_0 + place,
						   dpart + kernel_0 + (size_t) (in + tasks->branch[j]) * m);
		}
		lem_gemm(true, false, in, m, n, 1, acts->input[k], in, dhidden_0 + c * m, wide, 1,
				 dpart + kernel_0, m);
		lem_gemm(false, true, n, in, m, 1, dhidden_0 + c * m, wide, part + kernel_0, m,
				 c > 0 ? 1 : 0, dinput, in);
	}
}

/* Hand the gradient of a step's input to where it came from. */
static void
spread_input(const lem_config *config, int k, int sample, const lem_real *dinput,
			 lem_real *dcontext, lem_real *dallocated, lem_real *dprice)
{
	const int	n = config->n_ahead;
	const int	width = config->hidden_size;
	lem_real   *to = dcontext + ((size_t) sample * (n - 1) + k) * width;

	for (int i = 0; i < width; i++)
		to[i] += dinput[i];
	dinput += width + lem_inputs(config);
	for (int c = 0; c < LEM_CASES; c++)
		for (int i = 0; i < k; i++)
		{
			dallocated[c * n + i] += dinput[c * k + i];
			dprice[c * n + i] += dinput[(LEM_CASES + c) * k + i];
		}
}

void
lem_alloc_backward(const lem_config *config, const lem_kernels *kern, const lem_real *part,
				   const lem_head *head, const lem_curves *curves, const lem_tasks *tasks,
				   const lem_heads_input *in, const lem_alloc_acts *acts,
				   const lem_real *const *dshare, size_t step_stride, const int *case_offset,
				   lem_scratch scratch, lem_real *dpart, const lem_curves_gradient *dcurves,
				   lem_real *dcontext)
{
	const int	n = config->n_ahead;
	const int	columns = lem_inputs(config);
	const int	wide = LEM_HEAD_WIDTH(config);
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
	lem_real   *dhidden_1 = lem_scratch_reals(&scratch, (size_t) tasks->n * wide);
	lem_real   *dhidden_0 = lem_scratch_reals(&scratch, (size_t) tasks->n * wide);
	lem_real   *dinput = lem_scratch_reals(&scratch, (size_t) tasks->n
										   * lem_step_inputs(config, n - 2));

	(void) kern;
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
				const size_t place = ((size_t) k * lem_branches(config) + branch) * 2 + c % 2;
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
				numbers.curve = (notional ? curves->notional : curves->volume)[place];
				numbers.mlp = acts->mlp[answer];
				numbers.finish = config->finish_gate ? &acts->finish[answer] : NULL;
				numbers.steps_left = n - k;
				undo_proposal(&numbers, d, &back);
				sum->left += back.left;
				dcurves->scale[branch] += back.scale;
				(notional ? dcurves->notional : dcurves->volume)[place] += back.curve;
				dmlp[(size_t) j * LEM_CASES + c] = back.mlp;
				dfinish[(size_t) j * LEM_CASES + c] = back.finish;
			}
		}
		if (!step)
			continue;
		undo_mlps(config, part, step, k, tasks, acts, dmlp, config->finish_gate ? dfinish : NULL,
				  dhidden_1, dhidden_0, dpart, dinput);
		for (int j = 0; j < tasks->n; j++)
			spread_input(config, k, tasks->sample[j],
						 dinput + (size_t) j * lem_step_inputs(config, k), dcontext,
						 dallocated + j * figures, dprice + j * figures);
	}
}

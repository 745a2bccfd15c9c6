/* policy_backward.c: the network of shared steps over many orders, forward and back. */
#include <math.h>

#include "model/policy_train.h"
#include "parameters/params.h"

/* Less than this is nothing left; and shares nearer than this to a rate are bound by it. */
#define NOTHING 1e-9
#define BOUND 1e-9

/* What one order's share of one step came from, and its derivatives. */
struct lem_policy_step
{
	double		x;				/* left before it */
	double		f;				/* the optimum's share of that */
	double		f_by_x;
	double		share_by_x;		/* with f' as it is */
	double		share_by_f;
	double		share_by_z;
};

void
lem_policy_acts_carve(lem_arena *arena, const lem_config *config, int n, bool keep,
					  lem_policy_acts *acts)
{
	const size_t steps = config->n_ahead - 1;
	const size_t kept = (keep ? steps : 1) * n;

	acts->keep = keep;
	acts->given = false;
	acts->count = lem_arena_bytes(arena, steps * sizeof(int));
	acts->task = lem_arena_bytes(arena, steps * n * sizeof(int));
	acts->input = lem_arena_reals(arena, kept * lem_policy_width(config));
	acts->hidden_0 = lem_arena_reals(arena, kept * config->fused_mlp_hidden_dim);
	acts->hidden_1 = lem_arena_reals(arena, kept * config->fused_mlp_hidden_dim);
	acts->steps = lem_arena_bytes(arena, kept * sizeof(struct lem_policy_step));
	acts->states = lem_arena_bytes(arena, n * sizeof(lem_policy_state));
	acts->left = lem_arena_bytes(arena, n * sizeof(double));
	acts->base = lem_arena_bytes(arena, 2 * (size_t) n * config->n_ahead * sizeof(double));
}

/*
 * What the optimum leaves after step k, as base[0] + base[1] x of the x that is left before: a level
 * of its own, but where a rate binds what x leaves.  That level is data: how it depends on x, which
 * is little where trading costs nothing, is not differentiated.
 */
static void
look_up(const lem_policy_order *order, const lem_policy_state *state, int k, double x, double *base)
{
	const double share = lem_optimal_share(&order->optimal, &state->optimum, k, order->horizon, x,
										   order->volume);

	if (!order->optimal.early)
	{
		base[0] = 0;
		base[1] = 1 - share / x;
	}
	else if (fabs(share - order->max_rate) < BOUND || fabs(share - order->min_rate) < BOUND)
	{
		base[0] = -share;
		base[1] = 1;
	}
	else
	{
		base[0] = x - share;
		base[1] = 0;
	}
}

/* The share of step k from the network's answer, within the rates, and what it depends on. */
static double
decide(const lem_policy_order *order, int k, double z, struct lem_policy_step *s)
{
	const int	after = order->horizon - k - 1;
	const int	forced = order->min_bars - k - 1;
	const double needed = s->x - after * order->max_rate;
	const double kept = s->x - (forced > 0 ? forced : 0) * order->min_rate;
	double		by_f;
	double		by_z;
	const double moved = lem_policy_move(s->f, z, &by_f, &by_z);
	double		share = s->x * moved;

	s->share_by_x = moved;
	s->share_by_f = s->x * by_f;
	s->share_by_z = s->x * by_z;
	if (z != 0 && lem_policy_completes(order, k, s->x - share))
	{
		s->share_by_x = 1;
		s->share_by_f = s->share_by_z = 0;
		share = s->x;
	}
	if (share > order->max_rate || share > kept)
	{
		s->share_by_x = kept < order->max_rate;
		s->share_by_f = s->share_by_z = 0;
		share = fmin(order->max_rate, kept);
	}
	if (share < order->min_rate || share < needed)
	{
		s->share_by_x = needed > order->min_rate;
		s->share_by_f = s->share_by_z = 0;
		share = fmax(order->min_rate, needed);
	}
	if (share > s->x)
	{
		s->share_by_x = 1;
		s->share_by_f = s->share_by_z = 0;
		share = s->x;
	}
	return fmax(share, 0);
}

void
lem_policy_forward(const lem_config *config, const lem_kernels *kern, const lem_policy_head *head,
				   int n, const lem_policy_order *orders, const int *sample,
				   const lem_real *context, const lem_policy_acts *acts, lem_real *share)
{
	const int	n_ahead = config->n_ahead;
	const int	width = config->hidden_size;
	const int	in = lem_policy_width(config);
	const int	m = config->fused_mlp_hidden_dim;

	for (int i = 0; i < n; i++)
	{
		lem_policy_begin(&orders[i], &acts->states[i]);
		acts->left[i] = 1;
		memset(share + (size_t) i * n_ahead, 0, n_ahead * sizeof(lem_real));
	}
	for (int k = 0; k < n_ahead - 1; k++)
	{
		const size_t at = acts->keep ? (size_t) k * n : 0;
		int		   *task = acts->task + (size_t) k * n;
		int			count = 0;

		for (int i = 0; i < n; i++)
		{
			const lem_policy_order *order = &orders[i];
			double	   *base = acts->base + 2 * ((size_t) i * n_ahead + k);
			const double x = acts->left[i];
			struct lem_policy_step *s = &acts->steps[at + count];
			lem_real   *input = acts->input + (at + count) * in;

			if (k >= order->horizon - 1 || x <= NOTHING)
				continue;
			if (!acts->given)
				look_up(order, &acts->states[i], k, x, base);
			s->x = x;
			s->f = 1 - base[1] - base[0] / x;
			s->f_by_x = base[0] / (x * x);
			memcpy(input, context + ((size_t) sample[i] * (n_ahead - 1) + k) * width,
				   width * sizeof(lem_real));
			lem_policy_inputs(order, &acts->states[i], k, order->horizon, x, s->f, input + width);
			task[count++] = i;
		}
		acts->count[k] = count;
		if (count > 0)
			lem_policy_hidden(config, kern, head, count, acts->input + at * in,
							  acts->hidden_0 + at * m, acts->hidden_1 + at * m);
		for (int j = 0; j < count; j++)
		{
			const int	i = task[j];
			const lem_real z = lem_policy_answer(config, kern, head, acts->hidden_1 + (at + j) * m,
												 lem_policy_output(&orders[i]));
			const double a = decide(&orders[i], k, z, &acts->steps[at + j]);

			share[(size_t) i * n_ahead + k] = (lem_real) a;
			acts->left[i] -= a;
			lem_policy_see(&orders[i], k, &acts->states[i]);
		}
	}
	for (int i = 0; i < n; i++)
		share[(size_t) i * n_ahead + orders[i].horizon - 1] = (lem_real) acts->left[i];
}

void
lem_policy_backward(const lem_config *config, const lem_kernels *kern, const lem_real *part,
					const lem_policy_head *head, int n, const lem_policy_order *orders,
					const int *sample, const lem_policy_acts *acts, const lem_real *dshare,
					lem_scratch scratch, bool add, lem_real *dpart, lem_real *dcontext)
{
	const int	n_ahead = config->n_ahead;
	const int	width = config->hidden_size;
	const int	in = lem_policy_width(config);
	const int	m = config->fused_mlp_hidden_dim;
	const lem_real one = 1;
	lem_real   *dleft = lem_scratch_reals(&scratch, n);
	lem_real   *dz = lem_scratch_reals(&scratch, n);
	lem_real   *dhidden_1 = lem_scratch_reals(&scratch, (size_t) n * m);
	lem_real   *dhidden_0 = lem_scratch_reals(&scratch, (size_t) n * m);
	lem_real   *dinput = lem_scratch_reals(&scratch, (size_t) n * in);
	lem_real   *numbers_1 = lem_scratch_reals(&scratch, lem_packed_size(m, m));
	lem_real   *numbers_0 = lem_scratch_reals(&scratch, lem_packed_size(m, in));
	lem_packed	back_1;
	lem_packed	back_0;
	lem_policy_offsets at;

	if (!scratch.base)
		return;
	lem_policy_layout(config, &at);
	if (!add)
		memset(dpart, 0, at.end * sizeof(lem_real));
	lem_pack(&back_1, numbers_1, m, m);
	lem_pack_rows_transposed(numbers_1, m, m, 0, part + at.kernel_1, m, m);
	lem_pack(&back_0, numbers_0, m, in);
	lem_pack_rows_transposed(numbers_0, m, in, 0, part + at.kernel_0, m, m);

	/* the last bar takes what is left */
	for (int i = 0; i < n; i++)
		dleft[i] = dshare[(size_t) i * n_ahead + orders[i].horizon - 1];
	for (int k = n_ahead - 2; k >= 0; k--)
	{
		const size_t first = (size_t) k * n;
		const int	count = acts->count[k];
		const int  *task = acts->task + first;
		const lem_real *hidden_0 = acts->hidden_0 + first * m;
		const lem_real *hidden_1 = acts->hidden_1 + first * m;

		if (count == 0)
			continue;
		memset(dhidden_1, 0, (size_t) count * m * sizeof(lem_real));
		for (int j = 0; j < count; j++)
		{
			const int	i = task[j];
			const int	output = lem_policy_output(&orders[i]);
			const struct lem_policy_step *s = &acts->steps[first + j];

			/* what is traded is not left */
			dz[j] = (dshare[(size_t) i * n_ahead + k] - dleft[i]) * (lem_real) s->share_by_z;
			dpart[at.bias_2 + output] += dz[j];
			for (int u = 0; u < m; u++)
			{
				dpart[at.kernel_2 + (size_t) u * LEM_POLICY_OUTPUTS + output] +=
					dz[j] * hidden_1[(size_t) j * m + u];
				dhidden_1[(size_t) j * m + u] = dz[j] * head->kernel_2[(size_t) output * m + u];
			}
		}
		kern->relu_backward((size_t) count * m, hidden_1, dhidden_1);
		kern->add_scaled(count, m, &one, 0, dhidden_1, m, dpart + at.bias_1, 0);
		kern->outer(m, m, count, hidden_0, m, dhidden_1, m, true, dpart + at.kernel_1, m);
		kern->matmul(count, dhidden_1, m, &back_1, NULL, false, dhidden_0, m);
		kern->relu_backward((size_t) count * m, hidden_0, dhidden_0);
		kern->add_scaled(count, m, &one, 0, dhidden_0, m, dpart + at.bias_0, 0);
		kern->outer(in, m, count, acts->input + first * in, in, dhidden_0, m, true,
					dpart + at.kernel_0, m);
		kern->matmul(count, dhidden_0, m, &back_0, NULL, false, dinput, in);
		for (int j = 0; j < count; j++)
		{
			const int	i = task[j];
			const struct lem_policy_step *s = &acts->steps[first + j];
			const lem_real *d = dinput + (size_t) j * in;
			const double da = dshare[(size_t) i * n_ahead + k] - dleft[i];
			const double df = da * s->share_by_f + d[width + LEM_POLICY_SHARE]
				+ s->x * d[width + LEM_POLICY_TRADE];

			dleft[i] += (lem_real) (da * s->share_by_x + df * s->f_by_x + d[width + LEM_POLICY_LEFT]
									+ s->f * d[width + LEM_POLICY_TRADE]);
			kern->add_scaled(1, width, &one, 0, d, in,
							 dcontext + ((size_t) sample[i] * (n_ahead - 1) + k) * width, 0);
		}
	}
}

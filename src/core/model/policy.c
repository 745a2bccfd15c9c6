/* policy.c: the network of shared steps. */
#include <math.h>
#include <string.h>

#include "model/policy.h"
#include "parameters/params.h"

/* Largest of what the network reads in standard deviations. */
#define MOST_SIGMA 10.0

/* What keeps logarithms of volumes and of risk aversions away from infinity. */
#define LEAST_VOLUME 0.01
#define LEAST_AVERSION 0.01

lem_policy_head *
lem_policy_build(lem_arena *arena, const lem_config *config, const lem_real *part)
{
	const int	in = lem_policy_width(config);
	const int	m = config->fused_mlp_hidden_dim;
	lem_policy_head *carved = lem_arena_bytes(arena, sizeof(lem_policy_head));
	lem_policy_head measured;
	lem_policy_head *head = arena->base ? carved : &measured;
	lem_real   *kernel_0 = lem_arena_reals(arena, lem_packed_size(in, m));
	lem_real   *kernel_1 = lem_arena_reals(arena, lem_packed_size(m, m));
	lem_real   *kernel_2 = lem_arena_reals(arena, (size_t) LEM_POLICY_OUTPUTS * m);
	lem_policy_offsets at;

	lem_policy_layout(config, &at);
	if (arena->base)
	{
		lem_pack(&head->kernel_0, kernel_0, in, m);
		lem_pack_columns(kernel_0, in, m, 0, part + at.kernel_0, m, m);
		lem_pack(&head->kernel_1, kernel_1, m, m);
		lem_pack_columns(kernel_1, m, m, 0, part + at.kernel_1, m, m);
		for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
		{
			bool		silent = part[at.bias_2 + o] == 0;

			for (int i = 0; i < m; i++)
			{
				kernel_2[o * m + i] = part[at.kernel_2 + i * LEM_POLICY_OUTPUTS + o];
				silent = silent && kernel_2[o * m + i] == 0;
			}
			head->silent[o] = silent;
		}
	}
	head->kernel_2 = kernel_2;
	head->bias_0 = lem_arena_copy(arena, part, at.bias_0, m);
	head->bias_1 = lem_arena_copy(arena, part, at.bias_1, m);
	head->bias_2 = lem_arena_copy(arena, part, at.bias_2, LEM_POLICY_OUTPUTS);
	return carved;
}

void
lem_policy_begin(const lem_policy_order *order, lem_policy_state *state)
{
	*state = (lem_policy_state) {.optimum = order->optimal.state};
	for (int k = 0; k < order->horizon; k++)
		state->rest += order->volume[k] * 0x1p-20;
}

void
lem_policy_see(const lem_policy_order *order, int k, lem_policy_state *state)
{
	const double price = order->market[2 * k];
	const double volume = order->market[2 * k + 1];

	state->last = state->optimum.last;
	state->average = price / state->optimum.base;
	state->volume += volume * 0x1p-20;
	state->rest = fmax(state->rest - order->volume[k] * 0x1p-20, 0);
	lem_optimum_see(&state->optimum, price, volume, order->optimal.close[k]);
}

/* The move of a price, in standard deviations, so that up is bad for the order. */
static double
moved(const lem_policy_state *state, double from, double to)
{
	double		sigmas;

	if (!(from > 0) || !(to > 0) || !(state->optimum.sigma > 0))
		return 0;
	sigmas = (to / from - 1) / state->optimum.sigma;
	sigmas = fmin(fmax(sigmas, -MOST_SIGMA), MOST_SIGMA);
	return state->optimum.sell ? -sigmas : sigmas;
}

/* ln(a / b), with neither far from the other. */
static double
log_ratio(double a, double b)
{
	return b > 0 ? log(fmin(a / b, 1 / LEAST_VOLUME) + LEAST_VOLUME) : 0;
}

void
lem_policy_inputs(const lem_policy_order *order, const lem_policy_state *state, int k, int horizon,
				  double left, double f, lem_real *x)
{
	const lem_optimum_state *optimum = &state->optimum;
	const lem_optimum_problem *problem = &order->optimal.problem;
	const double mean = order->optimal.mean_volume * 0x1p-20;
	const double next = order->volume[k] * 0x1p-20;
	const int	forced = order->min_bars - k;
	const double all = state->volume + state->rest;
	const double in[LEM_POLICY_INPUTS] = {
		fmin(fmax(lem_optimum_ahead(optimum), -MOST_SIGMA), MOST_SIGMA),
		left,
		f,
		f * left,
		(double) k / horizon,
		log(horizon - k) / 3,
		forced > 0 ? log1p(forced) / 3 : 0,
		forced > 0,
		lem_optimum_weight(optimum, order->volume[k]),
		all > 0 ? state->volume / all : 0,
		log_ratio(next, mean) / 2,
		log_ratio(state->rest / (horizon - k), mean) / 2,
		log_ratio(state->volume, k * mean) / 2,
		order->twap,
		!order->optimal.early,
		order->notional,
		order->sell,
		order->min_rate,
		order->max_rate,
		log(fmax(problem->risk_aversion, LEAST_AVERSION)) / 2,
		log1p(problem->cost),
		k > 0 ? moved(state, state->average, optimum->last)
		+ 0.5 * moved(state, state->last, optimum->last) : 0
	};

	for (int i = 0; i < LEM_POLICY_INPUTS; i++)
		x[i] = (lem_real) in[i];
}

void
lem_policy_hidden(const lem_config *config, const lem_kernels *kern, const lem_policy_head *head,
				  int n, const lem_real *input, lem_real *hidden_0, lem_real *hidden_1)
{
	const int	m = config->fused_mlp_hidden_dim;

	kern->matmul(n, input, lem_policy_width(config), &head->kernel_0, head->bias_0, false, hidden_0,
				 m);
	kern->relu((size_t) n * m, hidden_0, hidden_0);
	kern->matmul(n, hidden_0, m, &head->kernel_1, head->bias_1, false, hidden_1, m);
	kern->relu((size_t) n * m, hidden_1, hidden_1);
}

lem_real
lem_policy_answer(const lem_config *config, const lem_kernels *kern, const lem_policy_head *head,
				  const lem_real *hidden_1, int output)
{
	const int	m = config->fused_mlp_hidden_dim;

	return kern->dot(m, hidden_1, head->kernel_2 + (size_t) output * m) + head->bias_2[output];
}

double
lem_policy_move(double f, double z, double *by_f, double *by_z)
{
	const double inside = fmin(fmax(f, LEM_POLICY_EDGE), 1 - LEM_POLICY_EDGE);
	const double odds = inside / (1 - inside);
	const double moved_odds = odds * exp(fmin(fmax(z, -50), 50));
	const double to = moved_odds / (1 + moved_odds);
	const double slope = to * (1 - to);
	const double answer = f + (to - odds / (1 + odds));	/* f itself with z = 0 */

	if (by_z)
		*by_z = answer < 0 || answer > 1 ? 0 : slope;
	if (by_f)
		*by_f = answer < 0 || answer > 1 ? 0
			: f > LEM_POLICY_EDGE && f < 1 - LEM_POLICY_EDGE ? slope / (inside * (1 - inside)) : 1;
	return fmin(fmax(answer, 0), 1);
}

/* Where an order is while it is decided. */
typedef struct deciding
{
	lem_policy_state state;
	lem_pace	pace;
	double		left;			/* before the step */
	double		f;
	double		share;
} deciding;

/* What orders are decided in. */
typedef struct policy_work
{
	deciding   *orders;			/* n */
	int		   *asked;			/* n: orders that the network is asked of */
	lem_real   *input;			/* n x (H + LEM_POLICY_INPUTS) */
	lem_real   *hidden_0;		/* n x M */
	lem_real   *hidden_1;		/* n x M */
} policy_work;

static void
policy_carve(lem_arena *arena, const lem_config *config, size_t n, policy_work *work)
{
	work->orders = lem_arena_bytes(arena, n * sizeof(deciding));
	work->asked = lem_arena_bytes(arena, n * sizeof(int));
	work->input = lem_arena_reals(arena, n * lem_policy_width(config));
	work->hidden_0 = lem_arena_reals(arena, n * config->fused_mlp_hidden_dim);
	work->hidden_1 = lem_arena_reals(arena, n * config->fused_mlp_hidden_dim);
}

size_t
lem_policy_workspace(const lem_config *config, int n)
{
	lem_arena	arena = {NULL, 0};
	policy_work work;

	policy_carve(&arena, config, n, &work);
	return arena.used;
}

/* What the optimum would do with step k, and what the network reads of it; false: it is not asked. */
static bool
look(const lem_config *config, const lem_policy_head *head, const lem_policy_task *task, int k,
	 deciding *d, lem_real *input)
{
	const lem_policy_order *order = task->order;
	const int	horizon = lem_limits_horizon(task->limits, k);
	const int	width = config->hidden_size;

	d->share = 0;
	if (k < task->limits->n_decided && task->limits->bounds == NULL)
		return false;			/* whatever it would be */
	d->left = lem_units_share(d->pace.planned);
	d->share = lem_optimal_share(&order->optimal, &d->state.optimum, k, horizon, d->left,
								 order->volume);
	if (k >= horizon - 1 || !(d->left > 0) || lem_policy_silent(head, order))
		return false;			/* the last step has no choice */
	d->f = d->share / d->left;
	memcpy(input, task->context + (size_t) k * width, width * sizeof(lem_real));
	lem_policy_inputs(order, &d->state, k, horizon, d->left, d->f, input + width);
	return true;
}

void
lem_policy_units(const lem_config *config, const lem_kernels *kern, const lem_policy_head *head,
				 int n, const lem_policy_task *tasks, void *workspace)
{
	const int	in = lem_policy_width(config);
	const int	m = config->fused_mlp_hidden_dim;
	lem_arena	arena = {workspace, 0};
	policy_work work;
	int			most = 0;

	policy_carve(&arena, config, n, &work);
	for (int i = 0; i < n; i++)
	{
		work.orders[i].pace = lem_pace_start();
		lem_policy_begin(tasks[i].order, &work.orders[i].state);
		most = tasks[i].steps > most ? tasks[i].steps : most;
	}
	for (int k = 0; k < most; k++)
	{
		int			count = 0;

		for (int i = 0; i < n; i++)
			if (k < tasks[i].steps &&
				look(config, head, &tasks[i], k, &work.orders[i], work.input + (size_t) count * in))
				work.asked[count++] = i;
		if (count > 0)
			lem_policy_hidden(config, kern, head, count, work.input, work.hidden_0, work.hidden_1);
		for (int j = 0; j < count; j++)
		{
			deciding   *d = &work.orders[work.asked[j]];
			const double z = lem_policy_answer(config, kern, head, work.hidden_1 + (size_t) j * m,
											   lem_policy_output(tasks[work.asked[j]].order));

			if (z == 0)
				continue;
			d->share = d->left * lem_policy_move(d->f, z, NULL, NULL);
			if (lem_policy_completes(tasks[work.asked[j]].order, k, d->left - d->share))
				d->share = d->left;
		}
		for (int i = 0; i < n; i++)
		{
			const lem_policy_task *task = &tasks[i];
			lem_bound	by;

			if (k >= task->steps)
				continue;
			task->units[k] = lem_limits_decide(task->limits, k, work.orders[i].share,
											   &work.orders[i].pace, &by);
			if (task->limits->by)
				task->limits->by[k] = (uint8_t) by;
			lem_policy_see(task->order, k, &work.orders[i].state);
		}
	}
}

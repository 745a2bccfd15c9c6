/* forecast.c: what models of market making forecast. */
#include <string.h>

#include "model/experts.h"
#include "model/forecast.h"
#include "model/quantile.h"
#include "model/trunk.h"

#define TASKS (LEM_QUANTILE_OUTPUTS / LEM_QUANTILES)

/* Buffers of a forecast. */
typedef struct forecast_acts
{
	lem_trunk_acts trunk;
	lem_real   *rate;			/* n zeros, then n ones */
	lem_real   *hidden;
	lem_real   *raw;
} forecast_acts;

static void
forecast_carve(lem_arena *arena, const lem_model *model, int n, forecast_acts *acts)
{
	lem_trunk_acts_carve(arena, &model->config, model->trunk, n, false, &acts->trunk);
	acts->rate = lem_arena_reals(arena, 2 * (size_t) n);
	acts->hidden = lem_arena_reals(arena, (size_t) n * model->config.fused_mlp_hidden_dim);
	acts->raw = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
}

size_t
lem_forecast_workspace(const lem_model *model, int n)
{
	lem_arena	arena = {NULL, 0};
	forecast_acts acts;

	forecast_carve(&arena, model, n, &acts);
	return arena.used;
}

lem_status
lem_forecast(const lem_model *model, int n, const lem_real *rows, void *workspace,
			 const lem_stop *stop, lem_real *out)
{
	lem_arena	arena = {workspace, 0};
	forecast_acts acts;
	lem_status	status;

	forecast_carve(&arena, model, n, &acts);
	for (int i = 0; i < n; i++)
	{
		acts.rate[i] = 0;
		acts.rate[n + i] = 1;
	}
	status = lem_trunk_forward(model->trunk, &model->config, model->kernels, n, rows, acts.rate,
							   acts.rate + n, &acts.trunk, stop);
	if (status == LEM_OK)
		lem_quantile_forward(&model->config, model->heads[0]->quantiles, n, acts.trunk.context,
							 acts.hidden, acts.raw, out);
	return status;
}

/* Windows that students of one recurrent layer are asked about together: what they take stays near. */
#define TOGETHER 4

/* Buffers of students with a GRU that are asked together, of P pairs of a student and a window. */
typedef struct group_acts
{
	lem_real   *x;				/* P x T x H: what the recurrent layers read */
	lem_real   *input;			/* P x T x 3H: of the gates, from those */
	lem_real   *state;			/* P x 3H: and from the state of the row before */
	lem_real   *gates;			/* P x 2H: z and r */
	lem_real   *g;				/* P x H */
	lem_real   *h;				/* P x H */
} group_acts;

/* Buffers of a forecast of a mixture, of windows that are asked about together. */
typedef struct mixture_acts
{
	lem_expert_acts expert;		/* of students of other layers, one after the other */
	group_acts	group;			/* or of all of them */
	double	   *share;			/* n x R */
	int		   *pick;			/* E x n: windows that a student is asked about */
	int		   *place;			/* E x n: where its answer is; -1: not asked */
	lem_real   *out[LEM_EXPERTS];	/* n x outputs */
	lem_real   *phi;			/* M x D */
} mixture_acts;

static inline bool
in_groups(const lem_config *config)
{
	return config->recurrent == LEM_RECURRENT_GRU;
}

static inline int
together(const lem_config *config, int n)
{
	return in_groups(config) && n > TOGETHER ? TOGETHER : n;
}

static void
mixture_carve(lem_arena *arena, const lem_model *model, int n, mixture_acts *acts)
{
	const lem_experts *experts = model->trunk->experts;
	const size_t width = (size_t) model->config.hidden_size;
	const size_t pairs = (size_t) n * experts->n;
	const size_t kept = pairs * lem_rows(&model->config);

	if (in_groups(&model->config))
	{
		acts->group.x = lem_arena_reals(arena, kept * width);
		acts->group.input = lem_arena_reals(arena, kept * 3 * width);
		acts->group.state = lem_arena_reals(arena, pairs * 3 * width);
		acts->group.gates = lem_arena_reals(arena, pairs * 2 * width);
		acts->group.g = lem_arena_reals(arena, pairs * width);
		acts->group.h = lem_arena_reals(arena, pairs * width);
	}
	else
		lem_expert_acts_carve(arena, &model->config, &experts->expert[0], n, false, &acts->expert);
	acts->share = lem_arena_bytes(arena, (size_t) n * LEM_REGIMES * sizeof(double));
	acts->pick = lem_arena_bytes(arena, (size_t) n * LEM_EXPERTS * sizeof(int));
	acts->place = lem_arena_bytes(arena, (size_t) n * LEM_EXPERTS * sizeof(int));
	for (int e = 0; e < experts->n; e++)
		acts->out[e] = lem_arena_reals(arena, (size_t) n * experts->expert[e].outputs);
	acts->phi = lem_arena_reals(arena, LEM_MEMBERS * LEM_RANDOM_FEATURES);
}

size_t
lem_experts_workspace(const lem_model *model, int n)
{
	lem_arena	arena = {NULL, 0};
	mixture_acts acts;

	mixture_carve(&arena, model, together(&model->config, n), &acts);
	return arena.used;
}

/*
 * Ask students with a GRU (gru.h), all of them row by row: a row of one student is too little work
 * for what it takes to begin it.  asked (E): windows that each is asked about, its part of pick (E x n).
 */
static lem_status
ask_group(const lem_model *model, int n, const lem_real *rows, const int *asked,
		  const mixture_acts *acts, const lem_stop *stop)
{
	const lem_config *config = &model->config;
	const lem_experts *experts = model->trunk->experts;
	const lem_kernels *kern = model->kernels;
	const group_acts *group = &acts->group;
	const int	width = config->hidden_size;
	const int	wide = 3 * width;
	const int	steps = lem_rows(config);
	const int	inputs = lem_inputs(config);
	const size_t size = (size_t) steps * width;
	size_t		pairs = 0;

	for (int e = 0; e < experts->n; e++)
		for (int i = 0; i < asked[e]; i++, pairs++)
			lem_dense_forward(&experts->expert[e].input, kern, steps,
							  rows + (size_t) acts->pick[(size_t) e * n + i] * steps * inputs, inputs,
							  group->x + pairs * size, width);
	kern->tanh(pairs * size, group->x, group->x);
	for (size_t e = 0, at = 0; e < (size_t) experts->n; at += asked[e++])
		if (asked[e] > 0)
			lem_dense_forward(&experts->expert[e].rnn.gru.input, kern, asked[e] * steps,
							  group->x + at * size, width, group->input + at * steps * wide, wide);
	memset(group->h, 0, pairs * width * sizeof(lem_real));
	for (int t = 0; t < steps; t++)
	{
		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		for (size_t e = 0, at = 0; e < (size_t) experts->n; at += asked[e++])
		{
			const lem_gru *gru = &experts->expert[e].rnn.gru;

			if (asked[e] > 0)
				kern->matmul(asked[e], group->h + at * width, width, &gru->recurrent,
							 gru->recurrent_bias, false, group->state + at * wide, wide);
		}
		for (size_t p = 0; p < pairs; p++)
		{
			const lem_real *input = group->input + (p * steps + t) * wide;
			const lem_real *state = group->state + p * wide;
			lem_real   *gates = group->gates + p * 2 * width;

			for (int j = 0; j < 2 * width; j++)
				gates[j] = input[j] + state[j];
		}
		kern->sigmoid(pairs * 2 * width, group->gates, group->gates);
		for (size_t p = 0; p < pairs; p++)
		{
			const lem_real *input = group->input + (p * steps + t) * wide + 2 * width;
			const lem_real *state = group->state + p * wide + 2 * width;
			const lem_real *r = group->gates + p * 2 * width + width;
			lem_real   *g = group->g + p * width;

			for (int j = 0; j < width; j++)
				g[j] = input[j] + r[j] * state[j];
		}
		kern->tanh(pairs * width, group->g, group->g);
		for (size_t p = 0; p < pairs; p++)
		{
			const lem_real *z = group->gates + p * 2 * width;
			const lem_real *g = group->g + p * width;
			lem_real   *h = group->h + p * width;

			for (int j = 0; j < width; j++)
				h[j] = z[j] * h[j] + (1 - z[j]) * g[j];
		}
	}
	for (size_t e = 0, at = 0; e < (size_t) experts->n; e++)
		for (int i = 0; i < asked[e]; i++, at++)
			lem_expert_say(&experts->expert[e], width, group->h + at * width,
				acts->out[e] + (size_t) i * experts->expert[e].outputs);
	return LEM_OK;
}

/* Ask the students about windows that fit the buffers. */
static lem_status
ask(const lem_model *model, int n, const lem_real *rows, const double *volatility,
	const mixture_acts *acts, const lem_stop *stop)
{
	const lem_config *config = &model->config;
	const lem_experts *experts = model->trunk->experts;
	int			asked[LEM_EXPERTS] = {0};

	for (int i = 0; i < n; i++)
		lem_regime_shares(model->heads[0]->mix->regimes, volatility[i],
						  acts->share + i * LEM_REGIMES);
	/* with hajek, a student of a regime that is not there has no say */
	for (int e = 0; e < experts->n; e++)
		for (int i = 0; i < n; i++)
		{
			int		   *place = &acts->place[(size_t) e * n + i];

			*place = e > 0 && config->mixture == LEM_MIXTURE_HAJEK &&
				acts->share[i * LEM_REGIMES + (e - 1) % LEM_REGIMES] <= 0 ? -1 : asked[e];
			if (*place >= 0)
				acts->pick[(size_t) e * n + asked[e]++] = i;
		}
	if (in_groups(config))
		return ask_group(model, n, rows, asked, acts, stop);
	for (int e = 0; e < experts->n; e++)
	{
		const lem_status status = asked[e] == 0 ? LEM_OK :
			lem_expert_forward(&experts->expert[e], config, model->kernels, asked[e], rows,
							   acts->pick + (size_t) e * n, &acts->expert, acts->out[e], stop);

		if (status != LEM_OK)
			return status;
	}
	return LEM_OK;
}

lem_status
lem_experts_forecast(const lem_model *model, int n, const lem_real *rows, const double *volatility,
					 void *workspace, const lem_stop *stop, lem_real *out, double *weights,
					 double *shares)
{
	const lem_config *config = &model->config;
	const lem_experts *experts = model->trunk->experts;
	const size_t window = (size_t) lem_rows(config) * lem_inputs(config);
	const int	most = together(config, n);
	lem_arena	arena = {workspace, 0};
	mixture_acts acts;

	mixture_carve(&arena, model, most, &acts);
	for (int first = 0; first < n; first += most)
	{
		const int	some = n - first < most ? n - first : most;
		const lem_status status = ask(model, some, rows + first * window, volatility + first,
									  &acts, stop);

		if (status != LEM_OK)
			return status;
		for (int i = 0; i < some; i++)
		{
			const size_t at = (size_t) first + i;
			const lem_real *raw[LEM_EXPERTS] = {NULL};

			for (int e = 0; e < experts->n; e++)
			{
				const int	place = acts.place[(size_t) e * some + i];

				if (place >= 0)
					raw[e] = acts.out[e] + (size_t) place * experts->expert[e].outputs;
			}
			lem_experts_join(config, model->heads[0]->mix, acts.share + i * LEM_REGIMES, raw,
							 acts.phi, out + at * LEM_QUANTILE_OUTPUTS,
							 weights ? weights + at * TASKS * LEM_MEMBERS : NULL);
		}
		if (shares)
			memcpy(shares + (size_t) first * LEM_REGIMES, acts.share,
				   (size_t) some * LEM_REGIMES * sizeof(double));
	}
	return LEM_OK;
}

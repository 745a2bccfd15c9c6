/* experts.c: students, and how a mixture joins them. */
#include <math.h>
#include <string.h>

#include "model/experts.h"
#include "model/quantile.h"

#define TASKS 3

/* The student of a task by its place among the task's: the undivided one, then one a regime. */
static int
member(int task, int i)
{
	return i == 0 ? 0 : 1 + task * LEM_REGIMES + i - 1;
}

void
lem_expert_decode(lem_arena *arena, const lem_config *config, int expert,
				  const lem_real *numbers, lem_form form, lem_expert *decoded)
{
	const int	features = lem_features(config);
	const int	width = config->hidden_size;
	const int	outputs = lem_expert_outputs(config, expert);
	lem_expert_offsets at;

	lem_expert_layout(config, expert, &at);
	decoded->outputs = outputs;
	lem_dense_carve(arena, features, width, form, &decoded->input);
	if (arena->base)
		lem_dense_place(&decoded->input, 0, numbers, numbers + (size_t) features * width, width);
	lem_rnn_decode(arena, config, arena->base ? numbers + (at.rnn - at.input) : NULL, form,
				   &decoded->rnn);
	decoded->kernel = lem_arena_copy(arena, numbers, at.output - at.input,
									 (size_t) width * outputs);
	decoded->bias = lem_arena_copy(arena, numbers,
								   at.output - at.input + (int64_t) width * outputs, outputs);
}

lem_experts *
lem_experts_build(lem_arena *arena, const lem_config *config, const lem_real *part, lem_form form)
{
	lem_experts *experts = lem_arena_bytes(arena, sizeof(lem_experts));
	lem_expert	measured;

	for (int e = 0; e < lem_experts_count(config); e++)
	{
		lem_expert_offsets at;

		lem_expert_layout(config, e, &at);
		lem_expert_decode(arena, config, e, arena->base ? part + at.input : NULL, form,
						  arena->base ? &experts->expert[e] : &measured);
	}
	if (arena->base)
		experts->n = lem_experts_count(config);
	return experts;
}

void
lem_mix_means(const lem_real *means, double *theta, double *others, double *others_theta)
{
	const int	d = LEM_RANDOM_FEATURES;
	const int	m = LEM_MEMBERS;

	for (int rt = 0; rt < LEM_REGIMES * TASKS; rt++)
	{
		const lem_real *mu = means + (size_t) rt * m * d;
		double	   *to = theta + (size_t) rt * m * m;
		double	   *mean = others + (size_t) rt * m * d;

		memset(mean, 0, (size_t) m * d * sizeof(double));
		for (int i = 0; i < m; i++)
		{
			double		sum = 0;

			for (int j = 0; j < m; j++)
			{
				double		dot = 0;

				for (int f = 0; f < d; f++)
					dot += (double) mu[i * d + f] * (double) mu[j * d + f];
				to[i * m + j] = dot;
				if (j == i)
					continue;
				sum += dot;
				for (int f = 0; f < d; f++)
					mean[i * d + f] += (double) mu[j * d + f] / (m - 1);
			}
			others_theta[rt * m + i] = sum / (m - 1);
		}
	}
}

lem_mix *
lem_mix_build(lem_arena *arena, const lem_config *config, const lem_real *part)
{
	const size_t d = LEM_RANDOM_FEATURES;
	const size_t sets = LEM_REGIMES * TASKS;
	const size_t m = LEM_MEMBERS;
	lem_mix    *carved = lem_arena_bytes(arena, sizeof(lem_mix));
	lem_mix		measured;
	lem_mix    *mix = arena->base ? carved : &measured;
	lem_mixture_offsets at;

	lem_mixture_layout(config, &at);
	memset(mix, 0, sizeof(*mix));
	mix->regimes = lem_arena_copy(arena, part, at.regimes, LEM_REGIMES);
	if (config->mixture == LEM_MIXTURE_SINGLE)
		return carved;
	mix->frequencies = lem_arena_copy(arena, part, at.frequencies, config->expert_dim * d);
	mix->phases = lem_arena_copy(arena, part, at.phases, d);
	mix->losses = lem_arena_copy(arena, part, at.losses, TASKS * m);
	mix->additive = lem_arena_copy(arena, part, at.additive, TASKS * (m * d + 1));
	mix->theta = lem_arena_bytes(arena, sets * m * m * sizeof(double));
	mix->others = lem_arena_bytes(arena, sets * m * d * sizeof(double));
	mix->others_theta = lem_arena_bytes(arena, sets * m * sizeof(double));
	if (arena->base)
	{
		mix->scale = (double) part[at.scale];
		lem_mix_means(part + at.means, mix->theta, mix->others, mix->others_theta);
	}
	return carved;
}

void
lem_expert_acts_carve(lem_arena *arena, const lem_config *config, const lem_expert *expert, int n,
					  bool keep, lem_expert_acts *acts)
{
	const size_t size = (size_t) n * lem_rows(config) * config->hidden_size;

	acts->x = lem_arena_reals(arena, size);
	acts->y = keep ? lem_arena_reals(arena, size) : acts->x;
	lem_rnn_acts_carve(arena, &expert->rnn, n, lem_rows(config), keep, &acts->rnn);
}

void
lem_expert_say(const lem_expert *expert, int width, const lem_real *h, lem_real *to)
{
	memcpy(to, expert->bias, expert->outputs * sizeof(lem_real));
	for (int a = 0; a < width; a++)
		for (int b = 0; b < expert->outputs; b++)
			to[b] += h[a] * expert->kernel[(size_t) a * expert->outputs + b];
}

lem_status
lem_expert_forward(const lem_expert *expert, const lem_config *config, const lem_kernels *kern,
				   int n, const lem_real *rows, const int *pick, const lem_expert_acts *acts,
				   lem_real *out, const lem_stop *stop)
{
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const size_t window = (size_t) lem_rows(config) * inputs;
	const size_t size = (size_t) lem_rows(config) * width;
	lem_status	status;

	for (int i = 0; i < n; i++)
		lem_dense_forward(&expert->input, kern, lem_rows(config),
						  rows + (size_t) (pick ? pick[i] : i) * window, inputs,
						  acts->x + i * size, width);
	kern->tanh(n * size, acts->x, acts->x);
	status = lem_rnn_forward(&expert->rnn, kern, n, lem_rows(config), acts->x, &acts->rnn, acts->y,
							 stop);
	if (status != LEM_OK)
		return status;
	for (int i = 0; i < n; i++)
		lem_expert_say(expert, width, acts->y + (i + 1) * size - width, out + (size_t) i * expert->outputs);
	return LEM_OK;
}

static double
clip(double x)
{
	return x > 0 ? x < 1 ? x : 1 : 0;
}

void
lem_regime_shares(const lem_real *regimes, double volatility, double *share)
{
	const double half = (double) regimes[2];
	const double low = (double) regimes[0] - volatility;
	const double high = volatility - (double) regimes[1];

	share[0] = half > 0 ? clip(0.5 + low / (2 * half)) : low > 0;
	share[2] = half > 0 ? clip(0.5 + high / (2 * half)) : high >= 0 && low <= 0;
	share[1] = fmax(1 - share[0] - share[2], 0);
}

/*
 * unit cos(x) of n numbers, the cosine within 1e-6 and a rounding of x: plain arithmetic, which
 * compilers put into vectors.  Turns t = x / 2 pi are taken to [-1/2, 1/2] by adding and subtracting a
 * number whose last bit is 1, and cos(2 pi t) is sin(2 pi (1/4 - |t|)).
 */
static void
cosines(int n, lem_real unit, lem_real *x)
{
	const lem_real whole = (lem_real) (sizeof(lem_real) == 4 ? 0x1.8p23 : 0x1.8p52);

	for (int i = 0; i < n; i++)
	{
		const lem_real turns = x[i] * (lem_real) 0.15915494309189535;
		const lem_real t = turns - ((turns + whole) - whole);
		const lem_real s = (lem_real) 0.25 - (t < 0 ? -t : t);
		const lem_real s2 = s * s;

		/* the series of the sine */
		x[i] = unit * s * ((lem_real) 6.283185307179586 + s2 * ((lem_real) -41.34170224039976 +
			s2 * ((lem_real) 81.60524927607504 + s2 * ((lem_real) -76.70585975306136 +
			s2 * ((lem_real) 42.05869394489765 + s2 * ((lem_real) -15.094642576822984 +
			s2 * (lem_real) 3.8199525848482803))))));
	}
}

void
lem_random_features(int k, const lem_real *frequencies, const lem_real *phases, const lem_real *z,
					lem_real *phi)
{
	const lem_real unit = (lem_real) sqrt(2.0 / LEM_RANDOM_FEATURES);

	memcpy(phi, phases, LEM_RANDOM_FEATURES * sizeof(lem_real));
	for (int i = 0; i < k; i++)
		for (int f = 0; f < LEM_RANDOM_FEATURES; f++)
			phi[f] += z[i] * frequencies[(size_t) i * LEM_RANDOM_FEATURES + f];
	cosines(LEM_RANDOM_FEATURES, unit, phi);
}

double
lem_mix_hajek(const lem_mix *mix, int task, int i, const double *share, const lem_real *phi)
{
	double		c = 0;

	for (int r = 0; r < LEM_REGIMES; r++)
	{
		const size_t at = ((size_t) r * TASKS + task) * LEM_MEMBERS + i;
		const double *others = mix->others + at * LEM_RANDOM_FEATURES;
		double		dot = 0;

		if (share[r] <= 0)
			continue;
		for (int f = 0; f < LEM_RANDOM_FEATURES; f++)
			dot += (double) phi[i * LEM_RANDOM_FEATURES + f] * others[f];
		c += share[r] * (dot - mix->others_theta[at]);
	}
	return c;
}

/* The same with what the others say now, in place of what they say on average. */
static double
agreement(const lem_mix *mix, int task, int i, const double *share, const lem_real *phi)
{
	const int	d = LEM_RANDOM_FEATURES;
	double		c = 0;

	for (int j = 0; j < LEM_MEMBERS; j++)
	{
		double		dot = 0;

		if (j == i)
			continue;
		for (int f = 0; f < d; f++)
			dot += (double) phi[i * d + f] * (double) phi[j * d + f];
		for (int r = 0; r < LEM_REGIMES; r++)
			dot -= share[r] * mix->theta[(((size_t) r * TASKS + task) * LEM_MEMBERS + i) *
										 LEM_MEMBERS + j];
		c += dot / (LEM_MEMBERS - 1);
	}
	return c;
}

void
lem_mix_weights(const lem_mix *mix, lem_mixture mixture, int task, const double *share,
				const lem_real *phi, double *weight)
{
	double		c[LEM_MEMBERS];
	double		most = -INFINITY;
	double		sum = 0;

	if (mixture != LEM_MIXTURE_HAJEK && mixture != LEM_MIXTURE_AGREEMENT)
	{
		for (int i = 0; i < LEM_MEMBERS; i++)
			weight[i] = 1.0 / LEM_MEMBERS;
		return;
	}
	for (int i = 0; i < LEM_MEMBERS; i++)
	{
		c[i] = 0;
		if ((i > 0 && share[i - 1] <= 0) || !(mix->scale > 0))
			continue;
		c[i] = (mixture == LEM_MIXTURE_HAJEK ? lem_mix_hajek(mix, task, i, share, phi) :
				agreement(mix, task, i, share, phi)) / mix->scale;
		most = fmax(most, c[i]);
	}
	most = isfinite(most) ? most : 0;
	for (int i = 0; i < LEM_MEMBERS; i++)
	{
		const double loss = fmax((double) mix->losses[task * LEM_MEMBERS + i], 1e-9);

		weight[i] = i > 0 && share[i - 1] <= 0 ? 0 :
			(i == 0 ? 1 : share[i - 1]) / loss * exp(c[i] - most);
		sum += weight[i];
	}
	for (int i = 0; i < LEM_MEMBERS; i++)
		weight[i] = sum > 0 && isfinite(sum) ? weight[i] / sum : 1.0 / LEM_MEMBERS;
}

/* What to add to the mean of the students, as functions of one of them each say. */
static double
additive(const lem_mix *mix, int task, const lem_real *phi)
{
	const int	n = LEM_MEMBERS * LEM_RANDOM_FEATURES;
	const lem_real *weight = mix->additive + (size_t) task * (n + 1);
	double		sum = (double) weight[n];

	for (int f = 0; f < n; f++)
		sum += (double) weight[f] * (double) phi[f];
	return sum;
}

void
lem_experts_join(const lem_config *config, const lem_mix *mix, const double *share,
				 const lem_real *const *raw, lem_real *phi, lem_real *out, double *weights)
{
	const int	each = LEM_QUANTILES + config->expert_dim;

	for (int task = 0; task < TASKS; task++)
	{
		lem_real   *q = out + task * LEM_QUANTILES;
		double		weight[LEM_MEMBERS] = {1};
		double		sum[LEM_QUANTILES] = {0};
		double		more = 0;

		if (config->mixture != LEM_MIXTURE_SINGLE && config->mixture != LEM_MIXTURE_UNIFORM)
			for (int i = 0; i < LEM_MEMBERS; i++)
			{
				const lem_real *of = raw[member(task, i)];

				if (of)
					lem_random_features(config->expert_dim, mix->frequencies, mix->phases,
										of + (i == 0 ? task * each : 0) + LEM_QUANTILES,
										phi + i * LEM_RANDOM_FEATURES);
			}
		if (config->mixture != LEM_MIXTURE_SINGLE)
			lem_mix_weights(mix, config->mixture, task, share, phi, weight);
		if (config->mixture == LEM_MIXTURE_ADDITIVE)
			more = additive(mix, task, phi);
		for (int i = 0; i < LEM_MEMBERS; i++)
		{
			const lem_real *of = config->mixture == LEM_MIXTURE_SINGLE && i > 0 ? NULL :
				raw[member(task, i)];
			lem_real	said[LEM_QUANTILES];

			if (weight[i] == 0 || of == NULL)
				continue;
			lem_quantile_ordered(of + (i == 0 ? task * each : 0), said);
			for (int j = 0; j < LEM_QUANTILES; j++)
				sum[j] += weight[i] * (double) said[j];
		}
		for (int j = 0; j < LEM_QUANTILES; j++)
			q[j] = (lem_real) (sum[j] + more);
		if (weights)
			memcpy(weights + task * LEM_MEMBERS, weight, sizeof(weight));
	}
}

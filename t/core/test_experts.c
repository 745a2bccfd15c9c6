/* test_experts.c: students, what teaches them, and the mixture that joins them. */
#include <stdlib.h>

#include "base/random.h"
#include "books.h"
#include "check.h"
#include "market/window.h"
#include "model/forecast.h"
#include "model/quantile.h"
#include "model/trunk.h"
#include "parameters/initial.h"
#include "training/calibrate.h"
#include "training/probe.h"
#include "training/skill.h"
#include "training/student.h"
#include "training/teacher.h"

#define K 3

static lem_config
small_config(lem_mixture mixture, lem_recurrent recurrent)
{
	lem_config	config;

	lem_config_default(&config);
	config.lookback = 5;
	config.n_ahead = 2;
	config.hidden_size = 4;
	config.num_heads = 2;
	config.num_embedding = 3;
	config.fused_mlp_hidden_dim = 4;
	config.finish_gate = false;
	config.horizon = 3;
	config.quoted = true;
	config.feature_set = LEM_FEATURES_LIST;
	config.n_named = 1;
	config.named[0] = LEM_FEATURE_RETURN;
	config.extra_features = 2;
	config.recurrent = recurrent;
	config.mixture = mixture;
	config.expert_dim = mixture == LEM_MIXTURE_NONE ? 0 : K;
	return config;
}

/* Memory that is given back when all tests are done. */
static void *kept[256];
static int	n_kept;

static void *
aligned(size_t bytes)
{
	return kept[n_kept++] = aligned_alloc(LEM_ALIGN, (bytes + LEM_ALIGN) / LEM_ALIGN * LEM_ALIGN);
}

static void
fill(uint64_t seed, size_t n, double scale, lem_real *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (lem_real) (scale * lem_random_normal(seed, 9, i));
}

/* A mixture's tables, filled with numbers of the right kind. */
static lem_real *
some_mixture(const lem_config *config, uint64_t seed)
{
	lem_mixture_offsets at;
	lem_real   *part = malloc((size_t) lem_part_size(config, 1) * sizeof(lem_real));

	lem_mixture_layout(config, &at);
	fill(seed, (size_t) at.end, 0.1, part);
	part[0] = (lem_real) -0.5;
	part[1] = (lem_real) 0.5;
	part[2] = (lem_real) 0.2;
	if (config->mixture == LEM_MIXTURE_SINGLE)
		return part;
	for (int64_t i = at.frequencies; i < at.phases; i++)
		part[i] *= 10;
	for (int i = 0; i < 3 * LEM_MEMBERS; i++)
		part[at.losses + i] = (lem_real) (0.5 + 0.1 * i);
	part[at.scale] = (lem_real) 0.05;
	return part;
}

static lem_model
make_model(const lem_config *config, lem_form form, lem_real **parts)
{
	static const lem_head *heads[64];
	static int	used;
	lem_model	model = {.config = *config, .kernels = lem_kernels_select()};

	for (int p = 0; p < 2; p++)
		parts[p] = malloc((size_t) lem_part_size(config, p) * sizeof(lem_real));
	lem_initial_weights(config, 7, parts);
	if (config->mixture != LEM_MIXTURE_NONE)
	{
		free(parts[1]);
		parts[1] = some_mixture(config, 3);
	}
	model.trunk = lem_trunk_decode(config, parts[0], form, aligned(lem_trunk_bytes(config, form)));
	heads[used] = lem_head_decode(config, parts[1], aligned(lem_head_bytes(config)));
	model.heads = &heads[used++];
	return model;
}

static void
test_layout(void)
{
	static const lem_mixture mixtures[] = {LEM_MIXTURE_HAJEK, LEM_MIXTURE_SINGLE};
	static const lem_recurrent kinds[] = {LEM_RECURRENT_GRU, LEM_RECURRENT_TKAN, LEM_RECURRENT_LSTM};
	int			same = 0;

	for (int m = 0; m < 2; m++)
		for (int r = 0; r < 3; r++)
		{
			lem_config	config = small_config(mixtures[m], kinds[r]);
			lem_fault	fault;

			same += lem_parameters_check(&config, &fault) == LEM_OK &&
				lem_parameter_count(&config, false) ==
				lem_part_size(&config, 0) + lem_part_size(&config, 1) && lem_part_count(&config) == 2;
		}
	check_int(same, 6, "parts of mixtures are as large as their tensors");
}

static void
test_config(void)
{
	lem_config	config = small_config(LEM_MIXTURE_HAJEK, LEM_RECURRENT_NONE);
	lem_fault	fault;

	check(lem_config_check(&config, &fault) == LEM_CONFIG_RANGE && strcmp(fault.name, "recurrent") == 0,
		  "a student has a recurrent layer");
	config = small_config(LEM_MIXTURE_HAJEK, LEM_RECURRENT_GRU);
	config.horizon = 0;
	check(lem_config_check(&config, &fault) == LEM_CONFIG_RANGE && strcmp(fault.name, "horizon") == 0,
		  "a mixture is one of market making");
	config = small_config(LEM_MIXTURE_NONE, LEM_RECURRENT_GRU);
	config.expert_dim = 2;
	check(lem_config_check(&config, &fault) == LEM_CONFIG_RANGE && strcmp(fault.name, "expert_dim") == 0,
		  "only a mixture has states of students");
}

/* <phi(x), phi(y)> against exp(-|x - y|^2 / 2). */
static void
test_kernel(void)
{
	lem_real	frequencies[K * LEM_RANDOM_FEATURES];
	lem_real	phases[LEM_RANDOM_FEATURES];
	double		worst = 0;
	double		mean = 0;

	for (int i = 0; i < K * LEM_RANDOM_FEATURES; i++)
		frequencies[i] = (lem_real) lem_random_normal(5, 2, (uint64_t) i);
	for (int i = 0; i < LEM_RANDOM_FEATURES; i++)
		phases[i] = (lem_real) (6.283185307179586 * lem_random_uniform(5, 3, (uint64_t) i));
	for (int p = 0; p < 200; p++)
	{
		lem_real	z[2][K];
		lem_real	phi[2][LEM_RANDOM_FEATURES];
		double		dot = 0;
		double		distance = 0;

		for (int s = 0; s < 2; s++)
		{
			fill(100 + 2 * p + s, K, 0.7, z[s]);
			lem_random_features(K, frequencies, phases, z[s], phi[s]);
		}
		for (int f = 0; f < LEM_RANDOM_FEATURES; f++)
			dot += (double) phi[0][f] * (double) phi[1][f];
		for (int i = 0; i < K; i++)
			distance += ((double) z[0][i] - (double) z[1][i]) * ((double) z[0][i] - (double) z[1][i]);
		worst = fmax(worst, fabs(dot - exp(-distance / 2)));
		mean += fabs(dot - exp(-distance / 2)) / 200;
	}
	check(worst < 3 / sqrt(LEM_RANDOM_FEATURES), "random features are within 3 / sqrt(D) of the kernel: %.3f", worst);
	check(mean < 1 / sqrt(LEM_RANDOM_FEATURES), "and on average within 1 / sqrt(D)");
}

/*
 * Four students whose states take three values each, independently: E[T | z_i] over all 81 cases,
 * where T = 2 / (M (M - 1)) sum over pairs of k(z_i, z_j), against E T + 2 / M c_i.
 */
static void
test_hajek(void)
{
	enum
	{
		S = 3,
		D = LEM_RANDOM_FEATURES,
		M = LEM_MEMBERS
	};
	static lem_real phi[M][S][D];
	static lem_real means[LEM_REGIMES * 3 * M * D];
	static double theta[LEM_REGIMES * 3 * M * M];
	static double others[LEM_REGIMES * 3 * M * D];
	static double others_theta[LEM_REGIMES * 3 * M];
	const double share[LEM_REGIMES] = {0, 1, 0};
	const int	task = 2;
	lem_mix		mix = {.theta = theta, .others = others, .others_theta = others_theta};
	double		conditional[M][S] = {{0}};
	double		all = 0;
	double		worst = 0;

	for (int i = 0; i < M; i++)
		for (int s = 0; s < S; s++)
			fill(50 + i * S + s, D, 0.1, phi[i][s]);
	for (int i = 0; i < M; i++)
		for (int f = 0; f < D; f++)
		{
			double		sum = 0;

			for (int s = 0; s < S; s++)
				sum += (double) phi[i][s][f] / S;
			means[((1 * 3 + task) * M + i) * D + f] = (lem_real) sum;
		}
	for (int at = 0; at < 81; at++)
	{
		const int	s[M] = {at % 3, at / 3 % 3, at / 9 % 3, at / 27};
		double		t = 0;

		for (int i = 0; i < M; i++)
			for (int j = i + 1; j < M; j++)
				for (int f = 0; f < D; f++)
					t += 2.0 / (M * (M - 1)) * (double) phi[i][s[i]][f] * (double) phi[j][s[j]][f];
		all += t / 81;
		for (int i = 0; i < M; i++)
			conditional[i][s[i]] += t / 27;
	}
	lem_mix_means(means, theta, others, others_theta);
	for (int i = 0; i < M; i++)
		for (int s = 0; s < S; s++)
		{
			lem_real	now[M * D];
			double		c;

			memset(now, 0, sizeof(now));
			memcpy(now + i * D, phi[i][s], sizeof(phi[i][s]));
			c = lem_mix_hajek(&mix, task, i, share, now);
			worst = fmax(worst, fabs(conditional[i][s] - (all + 2.0 / M * c)));
		}
	check(worst < (sizeof(lem_real) == 8 ? 1e-12 : 1e-6), "Hajek's projection is what enumeration of all pairs says");
}

/* Weights: of students of regimes that are there, all of one sum. */
static void
test_weights(void)
{
	lem_config	config = small_config(LEM_MIXTURE_HAJEK, LEM_RECURRENT_GRU);
	lem_real   *part = some_mixture(&config, 4);
	lem_arena	arena = {aligned(1 << 20), 0};
	lem_mix    *mix = lem_mix_build(&arena, &config, part);
	lem_real	phi[LEM_MEMBERS * LEM_RANDOM_FEATURES];
	double		weight[LEM_MEMBERS];
	double		share[LEM_REGIMES];
	double		sum = 0;

	fill(8, LEM_MEMBERS * LEM_RANDOM_FEATURES, 0.1, phi);
	lem_regime_shares(mix->regimes, -0.4, share);
	check(share[0] > 0 && share[0] < 1 && share[2] == 0, "regimes change into each other around a threshold");
	check_near(share[0] + share[1] + share[2], 1, 1e-12, "shares of regimes sum to 1");
	lem_mix_weights(mix, LEM_MIXTURE_HAJEK, 1, share, phi, weight);
	for (int i = 0; i < LEM_MEMBERS; i++)
		sum += weight[i];
	check(weight[0] > 0 && weight[1] > 0 && weight[3] == 0, "a student of a regime that is not there has no weight");
	check_near(sum, 1, 1e-12, "weights sum to 1");
	lem_mix_weights(mix, LEM_MIXTURE_UNIFORM, 1, share, phi, weight);
	check_near(weight[3], 0.25, 1e-12, "uniform weights are equal");
	free(part);
}

/* A window alone and among others; quantiles in order. */
static void
test_forecast(void)
{
	for (int m = LEM_MIXTURE_HAJEK; m <= LEM_MIXTURE_SINGLE; m++)
	{
		lem_config	config = small_config((lem_mixture) m, LEM_RECURRENT_GRU);
		lem_real   *parts[2];
		lem_model	model = make_model(&config, LEM_FORM_FORWARD, parts);
		const size_t window = (size_t) lem_rows(&config) * lem_inputs(&config);
		lem_real   *rows = malloc(9 * window * sizeof(lem_real));
		void	   *workspace = aligned(lem_experts_workspace(&model, 9));
		lem_real	out[9 * LEM_QUANTILE_OUTPUTS];
		double		weights[9 * 3 * LEM_MEMBERS];
		double		volatility[9];
		int			same = 0;
		int			ordered = 0;

		fill(12, 9 * window, 1, rows);
		for (int i = 0; i < 9; i++)
			volatility[i] = -0.8 + 0.2 * i;
		check(lem_experts_forecast(&model, 9, rows, volatility, workspace, NULL, out, weights, NULL) == LEM_OK,
			  "mixture %d forecasts", m);
		for (int i = 0; i < 9; i++)
		{
			lem_real	one[LEM_QUANTILE_OUTPUTS];

			lem_experts_forecast(&model, 1, rows + i * window, volatility + i, workspace, NULL, one, NULL, NULL);
			same += memcmp(one, out + i * LEM_QUANTILE_OUTPUTS, sizeof(one)) == 0;
			for (int t = 0; t < 9; t += 3)
				ordered += one[t] <= one[t + 1] && one[t + 1] <= one[t + 2] && isfinite(one[t + 1]);
		}
		check_int(same, 9, "mixture %d: a window alone has the bits that it has among others", m);
		check_int(ordered, 27, "mixture %d: quantiles are in order", m);
		free(rows);
		for (int p = 0; p < 2; p++)
			free(parts[p]);
	}
}

/* Students that are asked together say what each says alone. */
static void
test_together(void)
{
	static const lem_recurrent kinds[] = {LEM_RECURRENT_GRU, LEM_RECURRENT_LSTM, LEM_RECURRENT_TKAN};

	for (int k = 0; k < 3; k++)
	{
		lem_config	config = small_config(LEM_MIXTURE_AGREEMENT, kinds[k]);
		lem_real   *parts[2];
		lem_model	model = make_model(&config, LEM_FORM_FORWARD, parts);
		const lem_experts *experts = model.trunk->experts;
		const size_t window = (size_t) lem_rows(&config) * lem_inputs(&config);
		lem_real   *rows = malloc(6 * window * sizeof(lem_real));
		void	   *workspace = aligned(lem_experts_workspace(&model, 6));
		lem_arena	arena = {NULL, 0};
		lem_expert_acts acts;
		lem_real   *said[LEM_EXPERTS];
		lem_real	phi[LEM_MEMBERS * LEM_RANDOM_FEATURES];
		lem_real	out[6 * LEM_QUANTILE_OUTPUTS];
		double		volatility[6];
		double		shares[6 * LEM_REGIMES];
		double		worst = 0;

		fill(14, 6 * window, 1, rows);
		for (int i = 0; i < 6; i++)
			volatility[i] = -0.7 + 0.25 * i;
		lem_expert_acts_carve(&arena, &config, &experts->expert[0], 6, false, &acts);
		arena = (lem_arena) {aligned(arena.used), 0};
		lem_expert_acts_carve(&arena, &config, &experts->expert[0], 6, false, &acts);
		for (int e = 0; e < experts->n; e++)
		{
			said[e] = malloc(6 * experts->expert[e].outputs * sizeof(lem_real));
			(void) lem_expert_forward(&experts->expert[e], &config, model.kernels, 6, rows, NULL,
									  &acts, said[e], NULL);
		}
		check(lem_experts_forecast(&model, 6, rows, volatility, workspace, NULL, out, NULL,
								   shares) == LEM_OK, "layer %d: a mixture forecasts", k);
		for (int i = 0; i < 6; i++)
		{
			const lem_real *raw[LEM_EXPERTS];
			lem_real	one[LEM_QUANTILE_OUTPUTS];

			for (int e = 0; e < experts->n; e++)
				raw[e] = said[e] + (size_t) i * experts->expert[e].outputs;
			lem_experts_join(&config, model.heads[0]->mix, shares + i * LEM_REGIMES, raw, phi, one,
							 NULL);
			for (int j = 0; j < LEM_QUANTILE_OUTPUTS; j++)
				worst = fmax(worst, fabs((double) one[j] - (double) out[i * LEM_QUANTILE_OUTPUTS + j]));
		}
		check(worst < (sizeof(lem_real) == 8 ? 1e-12 : 1e-6),
			  "layer %d: students asked together say what each says alone (%.2g)", k, worst);
		for (int e = 0; e < experts->n; e++)
			free(said[e]);
		free(rows);
		for (int p = 0; p < 2; p++)
			free(parts[p]);
	}
}

/* Cosines without a library. */
static void
test_cosines(void)
{
	const lem_real frequency[LEM_RANDOM_FEATURES] = {0};
	const lem_real z = 0;
	double		worst = 0;

	for (int block = 0; block < 400; block++)
	{
		lem_real	phase[LEM_RANDOM_FEATURES];
		lem_real	phi[LEM_RANDOM_FEATURES];

		for (int f = 0; f < LEM_RANDOM_FEATURES; f++)
			phase[f] = (lem_real) ((block - 200 + f / 128.0) * 0.37);
		lem_random_features(1, frequency, phase, &z, phi);
		for (int f = 0; f < LEM_RANDOM_FEATURES; f++)
			worst = fmax(worst, fabs((double) phi[f] / sqrt(2.0 / LEM_RANDOM_FEATURES) -
									 cos((double) phase[f])));
	}
	check(worst < 1e-5, "random features are cosines: within %.2g", worst);
}

/* What a student of a mixture learns from, for so many samples. */
typedef struct lesson
{
	lem_distill_batch batch;
	lem_real	share[8];
	lem_real	target[24];
	lem_real	teacher[72];
	lem_real	state[8 * 3 * K];
	lem_real	earlier[2][8 * K];
	const lem_real *both[2];
} lesson;

static void
make_lesson(int n, int n_tasks, lesson *l)
{
	fill(21, 24, 1, l->target);
	fill(22, 72, 1, l->teacher);
	fill(23, 8 * 3 * K, 1, l->state);
	fill(24, 8 * K, 1, l->earlier[0]);
	fill(25, 8 * K, 1, l->earlier[1]);
	for (int i = 0; i < 8; i++)
		l->share[i] = (lem_real) (0.2 + 0.1 * i);
	l->both[0] = l->earlier[0];
	l->both[1] = l->earlier[1];
	l->batch = (lem_distill_batch) {n, K, n_tasks, {n_tasks == 3 ? 0 : 1, 1, 2}, l->share,
		l->target, l->teacher, false, l->state, n_tasks == 3 ? 0 : 2, l->both};
}

/* The largest difference of a gradient from central differences, of its largest number. */
static double
difference_of(int n, lem_real *x, const lem_real *gradient, double (*loss) (void *arg), void *arg)
{
	const double step = 1e-6;
	double		worst = 0;
	double		most = 0;

	for (int i = 0; i < n; i++)
	{
		const lem_real was = x[i];
		double		up;
		double		down;

		x[i] = was + (lem_real) step;
		up = loss(arg);
		x[i] = was - (lem_real) step;
		down = loss(arg);
		x[i] = was;
		worst = fmax(worst, fabs((up - down) / (2 * step) - (double) gradient[i]));
		most = fmax(most, fabs((double) gradient[i]));
	}
	return worst / most;
}

typedef struct loss_arg
{
	const lem_distill_weights *weights;
	const lem_distill_batch *batch;
	const lem_config *config;
	int			expert;
	const lem_real *rows;
	lem_real   *x;
	void	   *workspace;
	lem_real   *gradient;
} loss_arg;

static double
loss_of_outputs(void *arg)
{
	loss_arg   *a = arg;

	return lem_distill_loss(a->weights, a->batch, a->x, a->workspace, a->gradient);
}

static double
loss_of_numbers(void *arg)
{
	loss_arg   *a = arg;
	double		loss = 0;

	lem_student_gradient(a->config, lem_kernels_select(), a->expert, a->x, a->weights, a->batch,
						 a->rows, a->workspace, NULL, &loss, a->gradient);
	return loss;
}

static void
test_loss_gradient(void)
{
	static const lem_distill_weights weights[] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1},
	{1, 0.5, 0.3, 0.2}};
	static const char *const names[] = {"targets", "teacher", "state", "correlation", "all"};

	for (int n_tasks = 1; n_tasks <= 3; n_tasks += 2)
		for (int w = 0; w < 5; w++)
		{
			lem_real	raw[8 * 3 * (3 + K)];
			lem_real	draw[8 * 3 * (3 + K)];
			lem_real	again[8 * 3 * (3 + K)];
			double		scratch[2 * 8 * K + 2 * K];
			lesson		l;
			loss_arg	arg = {&weights[w], &l.batch, NULL, 0, NULL, raw, scratch, again};
			const int	n = 8 * n_tasks * (3 + K);

			if (n_tasks == 3 && w == 3)
				continue;		/* the undivided student is first: it has none before it */
			make_lesson(8, n_tasks, &l);
			fill(30, (size_t) n, 1, raw);
			(void) lem_distill_loss(&weights[w], &l.batch, raw, scratch, draw);
			if (sizeof(lem_real) == 8)
				check(difference_of(n, raw, draw, loss_of_outputs, &arg) < 1e-6,
					  "distillation: gradient of the outputs, %s, %d task(s)", names[w], n_tasks);
			else
				check(isfinite(loss_of_outputs(&arg)), "distillation: loss is finite, %s", names[w]);
		}
}

static void
test_student_gradient(void)
{
	static const lem_recurrent kinds[] = {LEM_RECURRENT_GRU, LEM_RECURRENT_LSTM};
	const lem_distill_weights weights = {1, 0.5, 0.3, 0.2};

	for (int r = 0; r < 2; r++)
		for (int expert = 0; expert < LEM_EXPERTS; expert += 5)
		{
			lem_config	config = small_config(LEM_MIXTURE_HAJEK, kinds[r]);
			lem_real   *parts[2];
			lem_expert_offsets at;
			const int	size = (int) lem_student_size(&config, expert);
			const size_t window = (size_t) lem_rows(&config) * lem_inputs(&config);
			lem_real   *rows = malloc(8 * window * sizeof(lem_real));
			lem_real   *gradient = malloc((size_t) size * sizeof(lem_real));
			lem_real   *again = malloc((size_t) size * sizeof(lem_real));
			void	   *workspace = aligned(lem_student_workspace(&config, expert, 8, true));
			lesson		l;
			loss_arg	arg;

			for (int p = 0; p < 2; p++)
				parts[p] = malloc((size_t) lem_part_size(&config, p) * sizeof(lem_real));
			lem_initial_weights(&config, 11, parts);
			lem_expert_layout(&config, expert, &at);
			fill(40, 8 * window, 0.5, rows);
			make_lesson(8, lem_expert_tasks(expert), &l);
			arg = (loss_arg) {&weights, &l.batch, &config, expert, rows, parts[0] + at.input, workspace, gradient};
			check(isfinite(loss_of_numbers(&arg)), "student %d has a loss", expert);
			arg.gradient = again;
			if (sizeof(lem_real) == 8)
				check(difference_of(size, parts[0] + at.input, gradient, loss_of_numbers, &arg) < 1e-5,
					  "student %d: gradient of its weights by central differences", expert);
			free(rows);
			free(gradient);
			free(again);
			for (int p = 0; p < 2; p++)
				free(parts[p]);
		}
}

#define ROWS 600
#define WIDTH 4

typedef struct probe_data
{
	double		target[ROWS * 3];
	double		last[ROWS * 3];
	double		volatility[ROWS];
	double		features[ROWS * 2 * WIDTH];
	lem_probe_rows rows;
} probe_data;

/* Two layers: the second knows the task `known` (-1: none). */
static void
make_probe(uint64_t seed, int known, probe_data *p)
{
	static double scratch[ROWS];

	for (int i = 0; i < ROWS; i++)
	{
		p->volatility[i] = lem_random_normal(seed, 1, (uint64_t) i);
		for (int t = 0; t < 3; t++)
		{
			p->target[i * 3 + t] = lem_random_normal(seed, 2 + t, (uint64_t) i);
			p->last[i * 3 + t] = 0;
		}
		for (int j = 0; j < 2 * WIDTH; j++)
			p->features[i * 2 * WIDTH + j] = lem_random_normal(seed, 10 + j, (uint64_t) i);
		if (known >= 0)
			p->features[i * 2 * WIDTH + WIDTH + 1] += p->target[i * 3 + known];
	}
	p->rows = (lem_probe_rows) {ROWS, ROWS * 6 / 10, ROWS * 6 / 10 + 5, p->target, p->last,
		p->volatility, {0, 0}, seed};
	lem_probe_terciles(p->rows.learn, p->volatility, scratch, p->rows.threshold);
}

static void
test_probe(void)
{
	static probe_data p;
	static bool use[ROWS];
	double	   *scratch = malloc(lem_probe_scratch(ROWS, WIDTH) * sizeof(double));
	lem_probe_figure figure[9];
	int			clear = 0;
	int			quiet = 0;
	int			covered = 0;
	int			all = 0;

	make_probe(1, 1, &p);
	(void) lem_probe_layer(&p.rows, WIDTH, p.features + WIDTH, 2 * WIDTH, scratch, use, NULL, figure);
	for (int f = 0; f < 9; f++)
	{
		clear += f / 3 == 1 && figure[f].z > 5 && figure[f].response > 0.3;
		quiet += f / 3 != 1 && figure[f].z < 5;
	}
	check_int(clear, 3, "the probe sees the task that a layer knows, in each regime");
	check_int(quiet, 6, "and none that it does not know");
	(void) lem_probe_layer(&p.rows, WIDTH, p.features, 2 * WIDTH, scratch, use, NULL, figure);
	check(figure[3].z < 5 && figure[4].z < 5, "nor the task in a layer that does not know it");

	/* nothing to know: the null's interval covers the figure as often as it should */
	for (uint64_t seed = 1; seed <= 400; seed++)
	{
		make_probe(1000 + seed, -1, &p);
		(void) lem_probe_layer(&p.rows, WIDTH, p.features, 2 * WIDTH, scratch, use, NULL, figure);
		all++;
		/* Student's t with 49 degrees of freedom, of one more draw */
		covered += fabs(figure[(seed % 9)].z) < 2.0096 * sqrt(1 + 1.0 / LEM_PROBE_SHIFTS);
	}
	check(covered >= 0.93 * all && covered <= 0.97 * all,
		  "no skill is claimed on shuffled time: 95 %% intervals cover 0 in %.1f %%", 100.0 * covered / all);
	free(scratch);
}

static void
test_decompose(void)
{
	static probe_data p;
	static double state[ROWS * 3 * 2];
	double	   *scratch = malloc(lem_decompose_scratch(ROWS, 2, WIDTH, 2) * sizeof(double));
	double		found[3];
	double		squares = 0;

	make_probe(3, 2, &p);
	lem_decompose(&p.rows, 2, WIDTH, 1, p.features, 2, scratch, state);
	for (int t = 0; t < 3; t++)
	{
		double		dot = 0;
		double		length = 0;

		for (int i = 0; i < ROWS; i++)
		{
			dot += state[(i * 3 + t) * 2] * p.target[i * 3 + 2];
			length += p.target[i * 3 + 2] * p.target[i * 3 + 2];
		}
		found[t] = fabs(dot) / sqrt(length * ROWS);
	}
	check(found[2] > 0.5, "what a layer adds for a task is what it knows of it: %.2f", found[2]);
	for (size_t i = 0; i < p.rows.learn; i++)
		squares += state[(i * 3 + 2) * 2] * state[(i * 3 + 2) * 2] / (double) p.rows.learn;
	check_near(squares, 1, 1e-9, "states have variance 1");

	/* a second layer that is the first again adds nothing */
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < WIDTH; j++)
			p.features[i * 2 * WIDTH + WIDTH + j] = 3 * p.features[i * 2 * WIDTH + j] + 1;
	lem_decompose(&p.rows, 2, WIDTH, 1, p.features, 2, scratch, state);
	check(isfinite(state[0]), "a layer that adds nothing has states all the same");
	free(scratch);
}

static void
test_sketch(void)
{
	static double wide[2][4096];
	double		narrow[2][LEM_TEACHER_WIDTH];
	double		dot = 0;
	double		length = 0;

	for (int s = 0; s < 2; s++)
	{
		for (int i = 0; i < 4096; i++)
			wide[s][i] = lem_random_normal(s + 1, 4, (uint64_t) i);
		lem_teacher_sketch(0, 4096, wide[s], narrow[s]);
	}
	for (int j = 0; j < LEM_TEACHER_WIDTH; j++)
	{
		dot += narrow[0][j] * narrow[1][j] / 4096;
		length += narrow[0][j] * narrow[0][j] / 4096;
	}
	check_near(length, 1, 3 * sqrt(2.0 / LEM_TEACHER_WIDTH), "random signs keep lengths");
	check_near(dot, 0, 3 / sqrt(LEM_TEACHER_WIDTH), "and angles");
}

/* A teacher's layers, and how its forecasts respond to them. */
static void
test_teacher(void)
{
	lem_config	config = small_config(LEM_MIXTURE_NONE, LEM_RECURRENT_GRU);
	lem_real   *parts[2];
	lem_model	model = make_model(&config, LEM_FORM_GRADIENT, parts);
	const int	layers = lem_teacher_layers(&config);
	const size_t window = (size_t) lem_rows(&config) * lem_inputs(&config);
	lem_real   *rows = malloc(6 * window * sizeof(lem_real));
	void	   *workspace = aligned(lem_teacher_workspace(&model, 6, true));
	double	   *features = malloc(6 * (size_t) layers * lem_teacher_width(&config) * sizeof(double));
	double	   *deviation = malloc((size_t) layers * config.hidden_size * sizeof(double));
	double		response[LEM_TEACHER_LAYERS * 3] = {0};
	lem_real	quantiles[6 * LEM_QUANTILE_OUTPUTS];
	char		name[16];
	bool		all = true;

	fill(61, 6 * window, 1, rows);
	for (int i = 0; i < layers * config.hidden_size; i++)
		deviation[i] = 1;
	check(lem_teacher_look(&model, parts[0], 6, rows, workspace, NULL,
						   &(lem_teacher_view) {features, quantiles, NULL, NULL, response, deviation}) == LEM_OK,
		  "a teacher is looked at");
	for (int l = 0; l < layers; l++)
		for (int t = 0; t < 3; t++)
			all = all && response[l * 3 + t] > 0 && isfinite(response[l * 3 + t]);
	check(all, "every task responds to every layer");
	lem_teacher_layer_name(&config, layers - 1, name);
	check_str(name, "attention", "the last layer's name");
	lem_teacher_layer_name(&config, 1, name);
	check_str(name, "recurrent 1", "a recurrent layer's name");
	free(rows);
	free(features);
	free(deviation);
	for (int p = 0; p < 2; p++)
		free(parts[p]);
}

/* Calibration: a student that is right has the weight, and the additive mixture is not worse. */
static void
test_calibrate(void)
{
	enum
	{
		N = 300
	};
	lem_config	config = small_config(LEM_MIXTURE_HAJEK, LEM_RECURRENT_GRU);
	lem_real   *part = some_mixture(&config, 5);
	const lem_real *raw[LEM_EXPERTS];
	static lem_real target[N * 3];
	static double share[N * LEM_REGIMES];
	double	   *scratch = malloc(lem_calibrate_scratch(N) * sizeof(double));
	lem_mixture_offsets at;
	lem_arena	arena = {aligned(1 << 20), 0};
	lem_mix    *mix;
	double		weight = 0;
	double		mean_error = 0;
	double		error = 0;

	fill(71, N * 3, 1, target);
	for (int i = 0; i < N; i++)
		lem_regime_shares(part, -1 + 2.0 * i / N, share + i * LEM_REGIMES);
	for (int e = 0; e < LEM_EXPERTS; e++)
	{
		const int	outputs = lem_expert_outputs(&config, e);
		lem_real   *to = malloc(N * (size_t) outputs * sizeof(lem_real));

		fill(80 + e, N * (size_t) outputs, 1, to);
		/* students of the task 1 in its second regime know its target */
		if (e == 1 + 1 * LEM_REGIMES + 1)
			for (int i = 0; i < N; i++)
			{
				to[i * outputs + 1] = target[i * 3 + 1];
				to[i * outputs] = to[i * outputs + 2] = -3;
			}
		raw[e] = to;
	}
	check(lem_calibrate(&(lem_calibration) {&config, N, raw, target, share, 9}, scratch, NULL, part) == LEM_OK,
		  "a mixture is calibrated");
	lem_mixture_layout(&config, &at);
	check(part[at.losses + LEM_MEMBERS + 2] < 0.1 * part[at.losses + LEM_MEMBERS + 1],
		  "the student that is right has the smallest loss");
	mix = lem_mix_build(&arena, &config, part);
	for (int i = 0; i < N; i++)
	{
		const lem_real *one[LEM_EXPERTS];
		lem_real	phi[LEM_MEMBERS * LEM_RANDOM_FEATURES];
		lem_real	out[LEM_QUANTILE_OUTPUTS];
		double		weights[3 * LEM_MEMBERS];
		lem_config	other = config;

		for (int e = 0; e < LEM_EXPERTS; e++)
			one[e] = raw[e] + (size_t) i * lem_expert_outputs(&config, e);
		lem_experts_join(&config, mix, share + i * LEM_REGIMES, one, phi, out, weights);
		if (share[i * LEM_REGIMES + 1] == 1)
			weight = fmax(weight, 1 - weights[LEM_MEMBERS + 2]);
		other.mixture = LEM_MIXTURE_UNIFORM;
		lem_experts_join(&other, mix, share + i * LEM_REGIMES, one, phi, out, weights);
		mean_error += ((double) out[4] - (double) target[i * 3 + 1]) * ((double) out[4] - (double) target[i * 3 + 1]);
		other.mixture = LEM_MIXTURE_ADDITIVE;
		lem_experts_join(&other, mix, share + i * LEM_REGIMES, one, phi, out, weights);
		error += ((double) out[4] - (double) target[i * 3 + 1]) * ((double) out[4] - (double) target[i * 3 + 1]);
	}
	check(weight < 0.5, "and in its regime the most weight");
	check(error < mean_error, "the additive mixture improves upon the mean where it was calibrated");
	for (int e = 0; e < LEM_EXPERTS; e++)
		free((void *) raw[e]);
	free(part);
	free(scratch);
}

/* Skills against the best naive forecast, and how often their intervals hold what they should. */
static void
test_skill(void)
{
	enum {LEARN = 8000, JUDGE = 500};
	static double target[(LEARN + JUDGE) * 3];
	static double last[(LEARN + JUDGE) * 3];
	lem_naives	naives;
	lem_skill	skill;
	double		value;
	double		low;
	double		high;
	double		nothing[3] = {0};
	int			none = 0;
	int			known = 0;

	/* task 0 lies around 0, task 1 around 5, task 2 goes on as it was */
	for (int i = 0; i < LEARN + JUDGE; i++)
	{
		target[i * 3] = lem_random_normal(3, 1, (uint64_t) i);
		target[i * 3 + 1] = 5 + lem_random_normal(3, 2, (uint64_t) i);
		target[i * 3 + 2] = (i > 0 ? target[i * 3 - 1] : 0) + lem_random_normal(3, 3, (uint64_t) i);
		for (int t = 0; t < 3; t++)
			last[i * 3 + t] = i > 0 ? target[i * 3 - 3 + t] : 0;
	}
	lem_naives_choose(LEARN, target, last, &naives);
	check(naives.best[0] != LEM_NAIVE_LAST && naives.best[1] == LEM_NAIVE_MEAN &&
		  naives.best[2] == LEM_NAIVE_LAST && fabs(naives.mean[1] - 5) < 0.2, "the best naive forecast of each task");
	memset(&skill, 0, sizeof(skill));
	for (int i = 0; i < JUDGE; i++)
	{
		const double *y = target + (LEARN + i) * 3;
		const double said[3] = {0.5 * y[0], naives.mean[1], y[2]};

		lem_skill_add(&skill, &naives, (size_t) i, JUDGE, y, said, last + (LEARN + i) * 3);
	}
	check(lem_skill_of(&skill, 0, &value, &low, &high) && fabs(value - 0.75) < 0.01 && low <= value && value <= high, "half of what comes: skill 3/4");
	check(lem_skill_of(&skill, 1, &value, &low, &high) && value == 0 && low == 0 && high == 0, "the naive forecast itself: none");
	check(lem_skill_of(&skill, 2, &value, &low, &high) && value == 1 && low == 1, "all that comes: 1");
	memset(&skill, 0, sizeof(skill));
	naives.best[0] = LEM_NAIVE_OUTLOOK;
	lem_skill_add(&skill, &naives, 0, 1, nothing, nothing, nothing);
	check(!lem_skill_of(&skill, 0, &value, &low, &high), "nothing to be better at");

	/* a slope on an input that says nothing, or half of what comes; learnt before, judged later */
	for (uint64_t seed = 1; seed <= 400; seed++)
		for (int task = 0; task < 2; task++)
		{
			double		xy = 0;
			double		xx = 0;
			double		slope;

			memset(&skill, 0, sizeof(skill));
			memset(&naives, 0, sizeof(naives));
			for (int i = 0; i < LEARN + JUDGE; i++)
			{
				const double x = lem_random_normal(100 + seed, 1, (uint64_t) i);
				const double y[3] = {task * x + lem_random_normal(100 + seed, 2, (uint64_t) i)};
				double		said[3] = {0};

				if (i < LEARN)
				{
					xy += x * y[0];
					xx += x * x;
					continue;
				}
				slope = xy / xx;
				said[0] = slope * x;
				lem_skill_add(&skill, &naives, (size_t) (i - LEARN), JUDGE, y, said, nothing);
			}
			(void) lem_skill_of(&skill, 0, &value, &low, &high);
			if (task == 0)
				none += low <= 0 && high >= 0;
			else
				known += low <= 0.5 && high >= 0.5;
		}
	check(none >= 0.93 * 400 && none <= 0.97 * 400,
		  "95 %% intervals of skill cover 0 in %.2f %% where there is none", none / 4.0);
	check(known >= 0.93 * 400 && known <= 0.97 * 400,
		  "and the true one in %.2f %% where there is", known / 4.0);
}

#define CAUSAL_BARS 60

/* What a model says at the end of bar t of a book; false where it has no window there. */
static bool
forecast_at(const lem_model *model, const test_book *made, size_t t, double *scratch, lem_real *rows,
			void *workspace, lem_real *out)
{
	static double mid[CAUSAL_BARS];
	static double features[CAUSAL_BARS * LEM_MAKER_INPUTS];
	lem_series	known = made->book.series;
	double		volatility;
	lem_fault	fault;

	book_series(made, mid, features);
	known.price = mid;
	known.features = features;
	known.n_features = LEM_MAKER_INPUTS;
	known.n = t + 1;
	volatility = features[t * LEM_MAKER_INPUTS + LEM_INPUT_SIGMA];
	if (lem_window_past(&model->config, &known, NULL, NULL, scratch, rows, &fault) != LEM_OK)
		return false;
	return (model->config.mixture == LEM_MIXTURE_NONE ?
			lem_forecast(model, 1, rows, workspace, NULL, out) :
			lem_experts_forecast(model, 1, rows, &volatility, workspace, NULL, out, NULL, NULL)) == LEM_OK;
}

/* Changing all bars after t changes no forecast at t: a teacher's and a mixture's. */
static void
test_causality(void)
{
	for (int m = 0; m < 2; m++)
	{
		lem_config	config = small_config(m == 0 ? LEM_MIXTURE_NONE : LEM_MIXTURE_HAJEK, LEM_RECURRENT_GRU);
		lem_model	model;
		lem_real   *parts[2];
		lem_real   *rows;
		void	   *workspace;
		double	   *scratch = NULL;
		int			same = 0;
		int			forecasts = 0;

		config.extra_features = LEM_MAKER_INPUTS;
		config.norm_window = 20;
		config.gaps = LEM_GAPS_SKIP;
		model = make_model(&config, LEM_FORM_FORWARD, parts);
		rows = aligned((size_t) lem_rows(&config) * lem_inputs(&config) * sizeof(lem_real));
		workspace = aligned(m == 0 ? lem_forecast_workspace(&model, 1) : lem_experts_workspace(&model, 1));
		for (uint64_t seed = 1; seed <= 1000; seed++)
		{
			const size_t t = 35 + seed % 20;
			test_book	made;
			lem_real	before[LEM_QUANTILE_OUTPUTS];
			lem_real	after[LEM_QUANTILE_OUTPUTS];

			book_random(seed, LEM_BOOK_QUOTES | LEM_BOOK_SIZES, CAUSAL_BARS, &made);
			if (scratch == NULL)
				scratch = aligned(lem_window_scratch(&config, &made.book.series) * sizeof(double));
			if (!forecast_at(&model, &made, t, scratch, rows, workspace, before))
				continue;
			forecasts++;
			book_change_after(&made, t + 1, 1.5);
			book_look(&made);
			same += forecast_at(&model, &made, t, scratch, rows, workspace, after) &&
				memcmp(before, after, sizeof(before)) == 0 && isfinite(before[1]);
		}
		check(forecasts > 900, "%s: forecasts of random books: %d", m == 0 ? "teacher" : "mixture", forecasts);
		check_int(same, forecasts, "%s: no later bar changes a forecast", m == 0 ? "teacher" : "mixture");
		for (int p = 0; p < 2; p++)
			free(parts[p]);
	}
}

int
main(void)
{
	test_layout();
	test_config();
	test_kernel();
	test_hajek();
	test_weights();
	test_forecast();
	test_together();
	test_cosines();
	test_loss_gradient();
	test_student_gradient();
	test_probe();
	test_decompose();
	test_sketch();
	test_teacher();
	test_calibrate();
	test_skill();
	test_causality();
	while (n_kept > 0)
		free(kept[--n_kept]);
	return check_done();
}

/* test_optimizer.c: Adam steps against the reference, clipping, and the constraints on weights. */
#include <stdlib.h>

#include "base/random.h"
#include "check.h"
#include "golden.h"
#include "training/gradient.h"
#include "training/optimizer.h"

/* The reference's own float32 is within 1e-5; doubles differ by the reference's rounded knots. */
#ifdef LEM_REAL_DOUBLE
#define TOLERANCE 1e-6
#else
#define TOLERANCE 2e-5
#endif

static void *
aligned(size_t bytes)
{
	void	   *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	memset(p, 0, bytes);
	return p;
}

static lem_real **
zeros(const lem_config *config)
{
	lem_real  **parts = calloc((size_t) lem_part_count(config), sizeof(lem_real *));

	for (int p = 0; p < lem_part_count(config); p++)
		parts[p] = aligned((size_t) lem_part_size(config, p) * sizeof(lem_real));
	return parts;
}

static void
free_parts(const lem_config *config, lem_real **parts)
{
	for (int p = 0; p < lem_part_count(config); p++)
		free(parts[p]);
	free(parts);
}

/* What a training of a reference set keeps. */
typedef struct training
{
	lem_config	config;
	lem_model	model;
	const lem_head **heads;
	void	  **memory;
	void	   *workspace;
	lem_samples samples;
	lem_real  **weights;
	lem_real  **gradient;
	lem_real  **m;
	lem_real  **v;
} training;

static training
begin(const char *set)
{
	training	t = {.config = golden_config(set)};
	int			parts = lem_part_count(&t.config);
	int			n = golden_batch(set);
	float	  **numbers = golden_parts(set, &t.config);

	t.heads = calloc((size_t) parts, sizeof(lem_head *));
	t.memory = calloc((size_t) parts, sizeof(void *));
	t.weights = zeros(&t.config);
	t.gradient = zeros(&t.config);
	t.m = zeros(&t.config);
	t.v = zeros(&t.config);
	t.model = (lem_model) {t.config, lem_kernels_select(), NULL, t.heads, {NULL, NULL}};
	for (int p = 0; p < parts; p++)
	{
		for (int64_t i = 0; i < lem_part_size(&t.config, p); i++)
			t.weights[p][i] = numbers[p][i];
		t.memory[p] = aligned(p == 0 ? lem_trunk_bytes(&t.config, LEM_FORM_GRADIENT)
								  : lem_head_bytes(&t.config));
	}
	t.samples = (lem_samples) {n, n, golden_reals(set, "inputs.x.bin", NULL),
		golden_reals(set, "inputs.min_rate.bin", NULL),
		golden_reals(set, "inputs.max_rate.bin", NULL), golden_reals(set, "inputs.y.bin", NULL),
		NULL, 0, NULL, NULL, false, 0};
	golden_free_parts(numbers, &t.config);
	return t;
}

/* Loss of the weights as they are, and the gradient. */
static double
learn(training *t)
{
	const lem_loss_options published = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_PUBLISHED_MASK_SLOPE, 0};
	double		loss;

	t->model.trunk = lem_trunk_decode(&t->config, t->weights[0], LEM_FORM_GRADIENT,
										t->memory[0]);
	for (int p = 1; p < lem_part_count(&t->config); p++)
		t->heads[p - 1] = lem_head_decode(&t->config, t->weights[p], t->memory[p]);
	for (int p = 0; p < lem_part_count(&t->config); p++)
		memset(t->gradient[p], 0, (size_t) lem_part_size(&t->config, p) * sizeof(lem_real));
	if (!t->workspace)
		t->workspace = aligned(lem_gradient_workspace(&t->model, t->samples.n));
	lem_gradient(&t->model, (const lem_real *const *) t->weights, &t->samples, &published,
				 t->workspace, NULL, &loss, t->gradient);
	return loss;
}

static void
end(training *t)
{
	for (int p = 0; p < lem_part_count(&t->config); p++)
		free(t->memory[p]);
	free_parts(&t->config, t->weights);
	free_parts(&t->config, t->gradient);
	free_parts(&t->config, t->m);
	free_parts(&t->config, t->v);
	free(t->workspace);
	free(t->memory);
	free(t->heads);
}

/* Weights against a reference file, tensor by tensor. */
static void
compare(const char *set, int steps, const training *t, float *const *before)
{
	char		name[64];
	golden_file *file;
	double	  **want;
	double		worst = 0;
	char		worst_name[LEM_MAX_TENSOR_NAME] = "none";
	int			moved = 0;

	snprintf(name, sizeof(name), "weights_after_adam%d_f64.safetensors", steps);
	file = golden_open(set, name);
	want = golden_parts_f64(file, &t->config);
	for (int i = 0; i < lem_tensor_count(&t->config); i++)
	{
		lem_tensor	tensor;

		lem_tensor_get(&t->config, i, &tensor);
		for (int p = tensor.head ? 1 : 0; p < (tensor.head ? lem_part_count(&t->config) : 1); p++)
			for (int64_t j = tensor.offset; j < tensor.offset + tensor.slice; j++)
			{
				double		off = fabs(t->weights[p][j] - want[p][j]);

				if (tensor.constant)
					moved += t->weights[p][j] != before[p][j];
				else if (!(off <= worst))
				{
					worst = off;
					snprintf(worst_name, sizeof(worst_name), "%s", tensor.name);
				}
			}
	}
	check_near(worst, 0, TOLERANCE, "%s: weights after %d steps (furthest: %s)", set, steps,
			   worst_name);
	printf("# off by %.3g\n", worst);
	check_int(moved, 0, "%s: knots stay after %d steps", set, steps);
	golden_free_parts(want, &t->config);
	golden_close(file);
}

static void
test_reference(const char *set)
{
	training	t = begin(set);
	float	  **before = golden_parts(set, &t.config);
	lem_adam	adam;

	lem_adam_default(&adam);
	check(adam.rate == 1e-3 && adam.beta_1 == 0.9 && adam.beta_2 == 0.999
		  && adam.epsilon == 1e-7 && adam.clip_norm == 0, "%s: defaults", set);
	for (int step = 0; step <= 3; step++)
	{
		char		path[80];
		double		loss = learn(&t);

		snprintf(path, sizeof(path), "adam/loss_before_step_1_2_3_and_after/%d", step);
		check_near(loss, golden_number(set, "loss_f64.json", path), 1e-5, "%s: loss after %d steps",
				   set, step);
		if (step == 3)
			break;
		for (int p = 0; p < lem_part_count(&t.config); p++)
			lem_adam_step(&adam, step + 1, 1, 0, lem_part_size(&t.config, p), t.gradient[p],
						  t.m[p], t.v[p], t.weights[p]);
		lem_constrain(&t.config, LEM_CURVES_OVER_BRANCHES, t.weights[0]);
		if (step != 1)
			compare(set, step + 1, &t, before);
	}
	golden_free_parts(before, &t.config);
	end(&t);
}

/* Numbers that are there for every index. */
static double
noise(uint64_t stream, int64_t i)
{
	return lem_random_normal(99, stream, (uint64_t) i);
}

#define FORMULA_NUMBERS 101

/* Several steps by the formulas of optimizer.h in double precision. */
static void
test_formula(double scale)
{
	const int	n = FORMULA_NUMBERS;
	lem_adam	adam = {0.01, 0.8, 0.95, 1e-6, 0};
	lem_real	g[FORMULA_NUMBERS];
	lem_real	m[FORMULA_NUMBERS] = {0};
	lem_real	v[FORMULA_NUMBERS] = {0};
	lem_real	w[FORMULA_NUMBERS];
	double		m_want[FORMULA_NUMBERS] = {0};
	double		v_want[FORMULA_NUMBERS] = {0};
	double		w_want[FORMULA_NUMBERS];
	double		worst = 0;

	for (int i = 0; i < n; i++)
		w_want[i] = w[i] = (lem_real) noise(1, i);
	for (int step = 1; step <= 20; step++)
	{
		for (int i = 0; i < n; i++)
		{
			double		x;

			g[i] = (lem_real) (noise(2, step * n + i) * pow(10, i % 9 - 6));
			x = scale * g[i];
			m_want[i] = 0.8 * m_want[i] + 0.2 * x;
			v_want[i] = 0.95 * v_want[i] + 0.05 * x * x;
			w_want[i] -= 0.01 * sqrt(1 - pow(0.95, step)) / (1 - pow(0.8, step)) * m_want[i]
				/ (sqrt(v_want[i]) + 1e-6);
		}
		lem_adam_step(&adam, step, scale, 0, n, g, m, v, w);
	}
	for (int i = 0; i < n; i++)
		worst = check_worse(worst, fabs(w[i] - w_want[i]));
	check_near(worst, 0, sizeof(lem_real) == 4 ? 2e-6 : 1e-14, "20 steps by the formula, scale %g",
			   scale);
}

#define SPLIT_NUMBERS 1003

/* Whoever takes which numbers, the bits are the same. */
static void
test_split(void)
{
	const int	n = SPLIT_NUMBERS;
	lem_adam	adam;
	lem_real   *state[4][4];	/* of each way to split: gradient, m, v, weights */
	int			wrong = 0;

	lem_adam_default(&adam);
	for (int way = 0; way < 4; way++)
		for (int j = 0; j < 4; j++)
			state[way][j] = aligned(n * sizeof(lem_real));
	for (int step = 1; step <= 3; step++)
		for (int way = 0; way < 4; way++)
		{
			static const int pieces[] = {n, 1, 7, 334};

			for (int i = 0; i < n; i++)
			{
				state[way][0][i] = (lem_real) noise(3, step * n + i);
				if (step == 1)
					state[way][3][i] = (lem_real) noise(4, i);
			}
			for (int from = 0; from < n; from += pieces[way])
				lem_adam_step(&adam, step, 0.37, from,
							  from + pieces[way] < n ? from + pieces[way] : n, state[way][0],
							  state[way][1], state[way][2], state[way][3]);
		}
	for (int way = 1; way < 4; way++)
		for (int j = 0; j < 4; j++)
			wrong += memcmp(state[way][j], state[0][j], n * sizeof(lem_real)) != 0;
	check_int(wrong, 0, "how a part is split changes no bit");
	for (int way = 0; way < 4; way++)
		for (int j = 0; j < 4; j++)
			free(state[way][j]);
}

/* The norm, and what it means to clip by it. */
static void
test_clipping(void)
{
	lem_config	config = golden_config("tiny");
	lem_real  **gradient = zeros(&config);
	double		sum = 0;
	double		norm;
	double		again;
	lem_adam	adam;
	lem_real	m = 0;
	lem_real	v = 0;
	lem_real	w = 0;
	lem_real	g = 4;

	check(lem_gradient_norm(&config, (const lem_real *const *) gradient) == 0, "norm of nothing");
	for (int p = 0; p < lem_part_count(&config); p++)
		for (int64_t i = 0; i < lem_part_size(&config, p); i++)
		{
			gradient[p][i] = (lem_real) (noise(5, i + p * 100000) * (p == 0 ? 1e-3 : 10));
			sum += pow(gradient[p][i], 2);
		}
	norm = lem_gradient_norm(&config, (const lem_real *const *) gradient);
	again = lem_gradient_norm(&config, (const lem_real *const *) gradient);
	check_near(norm, sqrt(sum), 1e-12 * sqrt(sum), "norm over all parts");
	check(norm == again, "norm: the same bits again");

	/* numbers whose squares are beyond 32-bit floats */
	gradient[1][3] = (lem_real) 1e30;
	check_near(lem_gradient_norm(&config, (const lem_real *const *) gradient) / 1e30, 1, 1e-6,
			   "norm of a huge gradient");
	gradient[1][3] = NAN;
	check(isnan(lem_gradient_norm(&config, (const lem_real *const *) gradient)),
		  "norm of a gradient that is not a number");
	free_parts(&config, gradient);

	/* a gradient of 4, clipped to 1, is a gradient of 1 */
	lem_adam_default(&adam);
	lem_adam_step(&adam, 1, 0.25, 0, 1, &g, &m, &v, &w);
	check_near(m, 0.1, 1e-7, "clipped: first moment");
	check_near(v, 0.001, 1e-9, "clipped: second moment");
	check_near(w, -1e-3, 1e-8, "clipped: a first step goes as far as the rate");
}

/* What is not trained is not touched: a gradient of 0 from the start moves nothing. */
static void
test_still(void)
{
	lem_adam	adam;
	lem_real	g = 0;
	lem_real	m = 0;
	lem_real	v = 0;
	lem_real	w = (lem_real) 0.333333343;
	const lem_real before = w;

	lem_adam_default(&adam);
	for (int step = 1; step <= 1000; step++)
		lem_adam_step(&adam, step, 1, 0, 1, &g, &m, &v, &w);
	check(w == before && m == 0 && v == 0, "no gradient, no step");

	/* far into a run the correction of the moments' start is gone */
	g = 1;
	m = 1;
	v = 1;
	lem_adam_step(&adam, INT64_C(10000000), 1, 0, 1, &g, &m, &v, &w);
	check_near(w, before - 1e-3, 1e-7, "a late step goes as far as the rate");
}

/* Base curves and scale factors of a trunk, after the constraints over steps. */
static void
test_constraints(void)
{
	lem_config	config = golden_config("tiny");
	const int	steps = config.n_ahead;
	const int	curves = lem_branches(&config) * 2;
	lem_real   *part = aligned((size_t) lem_part_size(&config, 0) * sizeof(lem_real));
	lem_trunk_offsets at;
	double		worst = 0;
	double		least = 1;
	int			others = 0;
	int			changed = 0;

	lem_trunk_layout(&config, &at);
	for (int64_t i = 0; i < at.end; i++)
		part[i] = (lem_real) noise(6, i);
	part[at.scale] = (lem_real) 0.1;
	part[at.scale + 1] = (lem_real) 0.5;
	part[at.scale + 2] = (lem_real) 1.2;
	part[at.scale + 3] = 99;
	part[at.scale + 4] = NAN;
	for (int k = 0; k < steps; k++)
	{
		part[at.volume_curve + k * curves] = 0;	/* nothing left */
		part[at.volume_curve + k * curves + 1] = -1;	/* less than nothing */
		part[at.volume_curve + k * curves + 2] = k == 1 ? (lem_real) 1e-30 : 0;	/* hardly any */
		part[at.volume_curve + k * curves + 3] = k;
		part[at.volume_curve + k * curves + 4] = k == 2 ? NAN : 1;
	}
	lem_constrain(&config, LEM_CURVES_OVER_STEPS, part);

	check(part[at.scale] == (lem_real) 0.5 && part[at.scale + 1] == (lem_real) 0.5
		  && part[at.scale + 2] == (lem_real) 1.2
		  && part[at.scale + 3] == (lem_real) config.max_scale_factor
		  && isnan(part[at.scale + 4]), "scale factors");
	for (int64_t i = 0; i < at.scale; i++)
		others += part[i] != (lem_real) noise(6, i);
	check_int(others, 0, "the rest of the trunk is left alone");
	for (int unit = 0; unit < 2; unit++)
		for (int i = 0; i < curves; i++)
		{
			const lem_real *curve = part + (unit ? at.notional_curve : at.volume_curve) + i;
			double		sum = 0;

			if (unit == 0 && i == 4)
				continue;
			for (int k = 0; k < steps; k++)
			{
				sum += curve[k * curves];
				least = fmin(least, curve[k * curves]);
			}
			worst = check_worse(worst, fabs(sum - 1));
		}
	check_near(worst, 0, 1e-6, "curves sum to 1 over the steps");
	check(least == 0, "curves are not negative");
	for (int k = 0; k < steps; k++)
	{
		const lem_real *curve = part + at.volume_curve + k * curves;

		changed += curve[0] != (lem_real) 0.25 || curve[1] != (lem_real) 0.25
			|| curve[2] != (k == 1) || check_beyond(curve[3] - k / 6.0, 1e-7) || !isnan(curve[4]);
	}
	check_int(changed, 0, "no curve: equal shares; others keep their proportions; NaN stays NaN");

	/* done twice is done once, but for rounding */
	{
		lem_real   *again = aligned((size_t) at.end * sizeof(lem_real));

		memcpy(again, part, (size_t) at.end * sizeof(lem_real));
		lem_constrain(&config, LEM_CURVES_OVER_STEPS, again);
		worst = 0;
		for (int64_t i = at.volume_curve; i < at.end; i++)
			if (!isnan(part[i]))
				worst = check_worse(worst, fabs(again[i] - part[i]));
		check_near(worst, 0, 1e-6, "constraints that hold change nothing");
		free(again);
	}
	free(part);
}

/* The other axis: sums over the branches, of each step, side and unit. */
static void
test_branch_axis(void)
{
	lem_config	config = golden_config("tiny");
	const int	branches = lem_branches(&config);
	lem_real   *part = aligned((size_t) lem_part_size(&config, 0) * sizeof(lem_real));
	lem_trunk_offsets at;
	double		worst = 0;

	lem_trunk_layout(&config, &at);
	for (int64_t i = at.volume_curve; i < at.end; i++)
		part[i] = (lem_real) fabs(noise(7, i));
	for (int b = 0; b < branches; b++)
		part[at.notional_curve + b * 2 + 1] = -1;
	lem_constrain(&config, LEM_CURVES_OVER_BRANCHES, part);
	for (int64_t k = 0; k < 2 * config.n_ahead; k++)
		for (int i = 0; i < 2; i++)
		{
			double		sum = 0;

			for (int b = 0; b < branches; b++)
				sum += part[at.volume_curve + (k * branches + b) * 2 + i];
			worst = check_worse(worst, fabs(sum - 1));
		}
	check_near(worst, 0, 1e-6, "curves sum to 1 over the branches");
	check(part[at.notional_curve + 1] == (lem_real) (1.0 / branches),
		  "no curve over the branches: equal shares");
	free(part);
}

/* Training goes down: the loss after forty clipped steps with the product's own axis. */
static void
test_descent(void)
{
	training	t = begin("tiny_wide");
	lem_adam	adam;
	double		first = 0;
	double		loss = 0;

	lem_adam_default(&adam);
	adam.clip_norm = 0.5;
	for (int step = 1; step <= 40; step++)
	{
		double		norm;

		loss = learn(&t);
		if (step == 1)
			first = loss;
		norm = lem_gradient_norm(&t.config, (const lem_real *const *) t.gradient);
		for (int p = 0; p < lem_part_count(&t.config); p++)
			lem_adam_step(&adam, step, norm > adam.clip_norm ? adam.clip_norm / norm : 1, 0,
						  lem_part_size(&t.config, p), t.gradient[p], t.m[p], t.v[p],
						  t.weights[p]);
		lem_constrain(&t.config, LEM_CURVES_OVER_STEPS, t.weights[0]);
	}
	check(loss < 0.95 * first, "forty steps lower the loss");
	printf("# from %g to %g\n", first, loss);
	end(&t);
}

int
main(void)
{
	for (int s = 0; s < GOLDEN_SETS; s++)
		test_reference(golden_sets[s]);
	test_formula(1);
	test_formula(0.3);
	test_split();
	test_clipping();
	test_still();
	test_constraints();
	test_branch_axis();
	test_descent();
	return check_done();
}

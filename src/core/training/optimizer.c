/* optimizer.c: Adam with clipping by the global norm, and the constraints on weights. */
#include <math.h>

#include "training/optimizer.h"

/* Added to the sums over branches that curves are divided by, as the reference does. */
#define BRANCHES_TINY 1e-7

/* Sums that a norm is made of: the compiler may compute them side by side. */
#define NORM_SUMS 8

void
lem_adam_default(lem_adam *adam)
{
	*adam = (lem_adam) {
		.rate = 1e-3,
		.beta_1 = 0.9,
		.beta_2 = 0.999,
		.epsilon = 1e-7,
		.clip_norm = 0,
	};
}

double
lem_gradient_squares(int64_t begin, int64_t end, const lem_real *gradient)
{
	const lem_real *g = gradient + begin;
	const int64_t size = end - begin;
	const int64_t whole = size - size % NORM_SUMS;
	double		sum[NORM_SUMS] = {0};
	double		total = 0;

	for (int64_t i = 0; i < whole; i += NORM_SUMS)
		for (int j = 0; j < NORM_SUMS; j++)
			sum[j] += (double) g[i + j] * (double) g[i + j];
	for (int64_t i = whole; i < size; i++)
		sum[i - whole] += (double) g[i] * (double) g[i];
	for (int j = 0; j < NORM_SUMS; j++)
		total += sum[j];
	return total;
}

double
lem_gradient_norm(const lem_config *config, const lem_real *const *gradient)
{
	double		total = 0;

	for (int part = 0; part < lem_part_count(config); part++)
		total += lem_gradient_squares(0, lem_part_size(config, part), gradient[part]);
	return sqrt(total);
}

void
lem_adam_step(const lem_adam *adam, int64_t step, double scale, int64_t begin, int64_t end,
			  const lem_real *gradient, lem_real *m, lem_real *v, lem_real *weights)
{
	const double unbias = sqrt(1 - pow(adam->beta_2, (double) step))
		/ (1 - pow(adam->beta_1, (double) step));
	const lem_real rate = (lem_real) (adam->rate * unbias);
	const lem_real keep_1 = (lem_real) adam->beta_1;
	const lem_real take_1 = (lem_real) (1 - adam->beta_1);
	const lem_real keep_2 = (lem_real) adam->beta_2;
	const lem_real take_2 = (lem_real) (1 - adam->beta_2);
	const lem_real epsilon = (lem_real) adam->epsilon;
	const lem_real factor = (lem_real) scale;

	for (int64_t i = begin; i < end; i++)
	{
		const lem_real g = factor * gradient[i];

		m[i] = keep_1 * m[i] + take_1 * g;
		v[i] = keep_2 * v[i] + take_2 * (g * g);
		weights[i] -= rate * m[i] / ((lem_real) sqrt(v[i]) + epsilon);
	}
}

/*
 * One curve, n numbers stride apart: non-negative, and divided by their sum + tiny; equal shares
 * where nothing is left of it.  What is not a number stays that.
 */
static void
constrain_curve(int n, size_t stride, double tiny, lem_real *curve)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
	{
		lem_real   *x = &curve[i * stride];

		*x = *x < 0 ? 0 : *x;
		sum += *x;
	}
	for (int i = 0; i < n; i++)
		curve[i * stride] = (lem_real) (sum == 0 ? 1.0 / n : curve[i * stride] / (sum + tiny));
}

void
lem_constrain(const lem_config *config, lem_curve_axis axis, lem_real *trunk_part)
{
	const int	steps = config->n_ahead;
	const int	branches = lem_branches(config);
	const lem_real most = (lem_real) config->max_scale_factor;
	const lem_real least = (lem_real) LEM_MIN_SCALE_FACTOR;
	lem_trunk_offsets at;

	if (config->stop_base)
		return;
	lem_trunk_layout(config, &at);
	for (int b = 0; b < branches; b++)
	{
		lem_real   *scale = &trunk_part[at.scale + b];

		*scale = *scale < least ? least : *scale > most ? most : *scale;
	}

	/* curves are steps x branches x 2 */
	for (int unit = 0; unit < 2; unit++)
	{
		lem_real   *curve = trunk_part + (unit == 0 ? at.volume_curve : at.notional_curve);

		if (axis == LEM_CURVES_OVER_STEPS)
			for (int i = 0; i < branches * 2; i++)
				constrain_curve(steps, (size_t) branches * 2, 0, curve + i);
		else
			for (int k = 0; k < steps; k++)
				for (int i = 0; i < 2; i++)
					constrain_curve(branches, 2, BRANCHES_TINY,
									curve + (size_t) k * branches * 2 + i);
	}
}

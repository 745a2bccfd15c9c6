/* calibrate.c: what joins the students of a mixture. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/linear.h"
#include "model/quantile.h"
#include "training/calibrate.h"
#include "training/distill_loss.h"

#define TASKS 3
#define PAIRS 2001
#define FEATURES (LEM_MEMBERS * LEM_RANDOM_FEATURES)

/* Streams of random numbers. */
#define PAIR_STREAM 1
#define FREQUENCY_STREAM 2
#define PHASE_STREAM 3

/* The additive mixture: its penalty, and windows that it is learnt from at least. */
#define ADDITIVE_LAMBDA 1.0
#define LEAST_ADDITIVE 50

static int
student_of(int task, int i)
{
	return i == 0 ? 0 : 1 + task * LEM_REGIMES + i - 1;
}

/* What member i of a task says of window s: three numbers of quantiles, then k of state. */
static const lem_real *
said(const lem_calibration *c, int task, int i, size_t s)
{
	const int	e = student_of(task, i);

	return c->raw[e] + s * lem_expert_outputs(c->config, e) +
		(i == 0 ? task * (LEM_QUANTILES + c->config->expert_dim) : 0);
}

/* The median distance of states of a task; 1 where they do not differ. */
static double
bandwidth(const lem_calibration *c, double *distance)
{
	const int	k = c->config->expert_dim;

	for (uint64_t p = 0; p < PAIRS; p++)
	{
		const int	task = (int) lem_random_below(c->seed, PAIR_STREAM, 5 * p, TASKS);
		const lem_real *x = said(c, task,
								 (int) lem_random_below(c->seed, PAIR_STREAM, 5 * p + 1, LEM_MEMBERS),
								 lem_random_below(c->seed, PAIR_STREAM, 5 * p + 2, c->n));
		const lem_real *y = said(c, task,
								 (int) lem_random_below(c->seed, PAIR_STREAM, 5 * p + 3, LEM_MEMBERS),
								 lem_random_below(c->seed, PAIR_STREAM, 5 * p + 4, c->n));

		distance[p] = 0;
		for (int i = LEM_QUANTILES; i < LEM_QUANTILES + k; i++)
			distance[p] += ((double) x[i] - (double) y[i]) * ((double) x[i] - (double) y[i]);
	}
	(void) lem_sort(distance, PAIRS, NULL);
	return distance[PAIRS / 2] > 1e-12 ? sqrt(distance[PAIRS / 2]) : 1;
}

/* phi of all members of a task (M x D) of a window. */
static void
features_of(const lem_calibration *c, const lem_mixture_offsets *at, const lem_real *part,
			int task, size_t s, lem_real *phi)
{
	for (int i = 0; i < LEM_MEMBERS; i++)
		lem_random_features(c->config->expert_dim, part + at->frequencies, part + at->phases,
							said(c, task, i, s) + LEM_QUANTILES, phi + i * LEM_RANDOM_FEATURES);
}

/* mu of a task's students, by regime. */
static void
set_means(const lem_calibration *c, const lem_mixture_offsets *at, int task, double *sum,
		  lem_real *part)
{
	lem_real	phi[FEATURES];
	double		share[LEM_REGIMES] = {0};

	memset(sum, 0, LEM_REGIMES * FEATURES * sizeof(double));
	for (size_t s = 0; s < c->n; s++)
	{
		features_of(c, at, part, task, s, phi);
		for (int r = 0; r < LEM_REGIMES; r++)
		{
			const double p = c->share[s * LEM_REGIMES + r];

			share[r] += p;
			for (int f = 0; p > 0 && f < FEATURES; f++)
				sum[r * FEATURES + f] += p * (double) phi[f];
		}
	}
	for (int r = 0; r < LEM_REGIMES; r++)
		for (int f = 0; f < FEATURES; f++)
			part[at->means + (int64_t) (r * TASKS + task) * FEATURES + f] =
				share[r] > 0 ? (lem_real) (sum[r * FEATURES + f] / share[r]) : 0;
}

/* Losses of a task's students, each in its own regime. */
static void
set_losses(const lem_calibration *c, const lem_mixture_offsets *at, int task, lem_real *part)
{
	for (int i = 0; i < LEM_MEMBERS; i++)
	{
		double		loss = 0;
		double		all = 0;

		for (size_t s = 0; s < c->n; s++)
		{
			const double p = i == 0 ? 1 : c->share[s * LEM_REGIMES + i - 1];
			lem_real	q[LEM_QUANTILES];

			lem_quantile_ordered(said(c, task, i, s), q);
			loss += p * lem_pinball(q, (double) c->target[s * TASKS + task]);
			all += p;
		}
		/* a student whose regime was not there has a loss that leaves it little to say */
		part[at->losses + task * LEM_MEMBERS + i] = all > 0 ? (lem_real) (loss / all) : 1e6f;
	}
}

/* Ridge weights of the residual of the students' mean on functions of one student each. */
static void
set_additive(const lem_calibration *c, const lem_mixture_offsets *at, int task, double *scratch,
			 lem_real *part)
{
	double	   *inputs = scratch;
	double	   *target = inputs + c->n * FEATURES;
	double	   *weights = target + c->n;
	double	   *rest = weights + FEATURES + 1;
	lem_real	phi[FEATURES];
	lem_real   *to = part + at->additive + (int64_t) task * (FEATURES + 1);

	for (int f = 0; f <= FEATURES; f++)
		to[f] = 0;
	if (c->n < LEAST_ADDITIVE)
		return;
	for (size_t s = 0; s < c->n; s++)
	{
		features_of(c, at, part, task, s, phi);
		for (int f = 0; f < FEATURES; f++)
			inputs[s * FEATURES + f] = (double) phi[f];
		target[s] = (double) c->target[s * TASKS + task];
		for (int i = 0; i < LEM_MEMBERS; i++)
			target[s] -= (double) said(c, task, i, s)[1] / LEM_MEMBERS;
	}
	if (!lem_ridge(c->n, FEATURES, 1, inputs, target, NULL, ADDITIVE_LAMBDA, rest, weights))
		return;
	for (int f = 0; f <= FEATURES; f++)
		to[f] = (lem_real) weights[f];
}

size_t
lem_calibrate_scratch(size_t n)
{
	const size_t sets = LEM_REGIMES * TASKS;

	/* theta, others and theirs; then of one task at a time */
	return sets * LEM_MEMBERS * (LEM_MEMBERS + LEM_RANDOM_FEATURES + 1) +
		PAIRS + LEM_REGIMES * FEATURES + n * (FEATURES + 1) + FEATURES + 1 +
		lem_ridge_scratch(FEATURES, 1);
}

lem_status
lem_calibrate(const lem_calibration *c, double *scratch, const lem_stop *stop, lem_real *part)
{
	const size_t sets = LEM_REGIMES * TASKS;
	const int	k = c->config->expert_dim;
	lem_mixture_offsets at;
	lem_mix		mix = {.regimes = NULL};
	double	   *rest;
	double		width;
	double		squares = 0;
	double		sum = 0;
	double		count = 0;

	lem_mixture_layout(c->config, &at);
	if (c->config->mixture == LEM_MIXTURE_SINGLE)
		return LEM_OK;
	mix.theta = scratch;
	mix.others = mix.theta + sets * LEM_MEMBERS * LEM_MEMBERS;
	mix.others_theta = mix.others + sets * FEATURES;
	rest = mix.others_theta + sets * LEM_MEMBERS;
	width = bandwidth(c, rest);
	for (int i = 0; i < k * LEM_RANDOM_FEATURES; i++)
		part[at.frequencies + i] = (lem_real)
			(lem_random_normal(c->seed, FREQUENCY_STREAM, (uint64_t) i) / width);
	for (int f = 0; f < LEM_RANDOM_FEATURES; f++)
		part[at.phases + f] = (lem_real)
			(6.283185307179586 * lem_random_uniform(c->seed, PHASE_STREAM, (uint64_t) f));
	for (int task = 0; task < TASKS; task++)
	{
		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		set_means(c, &at, task, rest, part);
		set_losses(c, &at, task, part);
		set_additive(c, &at, task, rest, part);
	}
	lem_mix_means(part + at.means, mix.theta, mix.others, mix.others_theta);

	/* tau: how much the agreement differs from window to window and student to student */
	for (int task = 0; task < TASKS; task++)
		for (size_t s = 0; s < c->n; s++)
		{
			const double *share = c->share + s * LEM_REGIMES;
			lem_real	phi[FEATURES];

			features_of(c, &at, part, task, s, phi);
			for (int i = 0; i < LEM_MEMBERS; i++)
			{
				double		x;

				if (i > 0 && share[i - 1] <= 0)
					continue;
				x = lem_mix_hajek(&mix, task, i, share, phi);
				sum += x;
				squares += x * x;
				count++;
			}
		}
	part[at.scale] = (lem_real) (count > 0 ?
								 sqrt(fmax(squares / count - (sum / count) * (sum / count), 1e-12)) : 1);
	return LEM_OK;
}

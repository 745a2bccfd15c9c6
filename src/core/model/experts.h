/*
 * experts.h: small students and the mixture that joins them (maker page, sections c and e).
 *
 * A student reads the T rows of a window, all of completed bars: a dense layer with tanh, a recurrent layer, and
 * from its last row a dense layer that gives, of each of the student's tasks, three numbers of
 * quantiles (quantile.h) and k numbers of state, z.
 *
 * A task has M students.  They are compared by random features of a Gaussian kernel,
 *   phi(z) = sqrt(2 / D) cos(z Omega + b),  <phi(z), phi(z')> near exp(-|z - z'|^2 / 2 h^2),
 * and with mu_j = E phi(z_j) and theta_ij = <mu_i, mu_j>, of calibration time and by regime, the
 * Hajek projection of their mean agreement says how far student i agrees with the others:
 *   c_i = (1 / (M - 1)) sum_{j != i} (<phi(z_i), mu_j> - theta_ij),
 *   w_i ~ p_i a_i exp(c_i / tau),  p_i the share of the student's regime, 1 / a_i its loss.
 */
#ifndef LEM_EXPERTS_H
#define LEM_EXPERTS_H

#include "layers/rnn.h"
#include "parameters/params.h"

typedef struct lem_expert
{
	int			outputs;
	lem_dense	input;			/* F -> H */
	lem_rnn		rnn;
	const lem_real *kernel;		/* H x outputs */
	const lem_real *bias;		/* outputs */
} lem_expert;

/* The students, from part 0. */
typedef struct lem_experts
{
	int			n;
	lem_expert	expert[LEM_EXPERTS];
} lem_experts;

/* What joins them, from part 1. */
typedef struct lem_mix
{
	const lem_real *regimes;	/* 3 */
	const lem_real *frequencies;	/* k x D; the rest is not there for a single student */
	const lem_real *phases;		/* D */
	const lem_real *losses;		/* T x M */
	const lem_real *additive;	/* T x (M D + 1) */
	double		scale;			/* tau */
	double	   *theta;			/* R x T x M x M */
	double	   *others;			/* R x T x M x D: mean of the other students' mu */
	double	   *others_theta;	/* R x T x M: mean of theta with the others */
} lem_mix;

extern lem_experts *lem_experts_build(lem_arena *arena, const lem_config *config,
									  const lem_real *part, lem_form form);
extern lem_mix *lem_mix_build(lem_arena *arena, const lem_config *config, const lem_real *part);

/* One student; numbers are its own. */
extern void lem_expert_decode(lem_arena *arena, const lem_config *config, int expert,
							  const lem_real *numbers, lem_form form, lem_expert *decoded);

/* Buffers of one student's pass over n windows. */
typedef struct lem_expert_acts
{
	lem_real   *x;				/* n x T x H: what the recurrent layer reads */
	lem_real   *y;				/* n x T x H; x itself unless they are kept */
	lem_rnn_acts rnn;
} lem_expert_acts;

extern void lem_expert_acts_carve(lem_arena *arena, const lem_config *config,
								  const lem_expert *expert, int n, bool keep,
								  lem_expert_acts *acts);

/*
 * out (n x outputs) of n windows (T x C each): those that pick (n) names, or with NULL all in their
 * order.  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_expert_forward(const lem_expert *expert, const lem_config *config,
									 const lem_kernels *kern, int n, const lem_real *rows,
									 const int *pick, const lem_expert_acts *acts, lem_real *out,
									 const lem_stop *stop);

/* What a student says (outputs) from its last row h (H). */
extern void lem_expert_say(const lem_expert *expert, int width, const lem_real *h, lem_real *to);

/*
 * Shares (LEM_REGIMES, sum 1) of the regimes at a volatility: from the thresholds, changing
 * linearly around each.
 */
extern void lem_regime_shares(const lem_real *regimes, double volatility, double *share);

/* phi(z): D numbers. */
extern void lem_random_features(int k, const lem_real *frequencies, const lem_real *phases,
								const lem_real *z, lem_real *phi);

/* theta, and means over the others, from mu (R x T x M x D). */
extern void lem_mix_means(const lem_real *means, double *theta, double *others,
						  double *others_theta);

/* c_i: how far student i agrees with the others, over what is usual; phi: M x D. */
extern double lem_mix_hajek(const lem_mix *mix, int task, int i, const double *share,
							const lem_real *phi);

/*
 * Weights (M, sum 1) of a task's students, from the shares of the regimes and the features (M x D)
 * of the students that have a share; with agreement of all.
 */
extern void lem_mix_weights(const lem_mix *mix, lem_mixture mixture, int task,
							const double *share, const lem_real *phi, double *weight);

/*
 * The forecast of a window (9, as of lem_quantile_forward()) from what the students say: raw[e] (its outputs) of
 * each student, NULL: not asked.  phi: M x D of scratch; weights (T x M) may be NULL.
 */
extern void lem_experts_join(const lem_config *config, const lem_mix *mix, const double *share,
							 const lem_real *const *raw, lem_real *phi, lem_real *out,
							 double *weights);

#endif

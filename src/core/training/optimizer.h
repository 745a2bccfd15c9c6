/*
 * optimizer.h: Adam with clipping by the global norm, and the constraints on weights.
 */
#ifndef LEM_OPTIMIZER_H
#define LEM_OPTIMIZER_H

#include "parameters/params.h"

typedef struct lem_adam
{
	double		rate;
	double		beta_1;			/* 0.9 */
	double		beta_2;			/* 0.999 */
	double		epsilon;		/* 1e-7, added to sqrt(v) */
	double		clip_norm;		/* > 0: longest gradient of the whole model; 0: none */
} lem_adam;

extern void lem_adam_default(lem_adam *adam);

/* Sum of the squares of numbers [begin, end), in double precision and in a fixed order. */
extern double lem_gradient_squares(int64_t begin, int64_t end, const lem_real *gradient);

/* Length of a gradient over all its parts, in double precision and in a fixed order. */
extern double lem_gradient_norm(const lem_config *config, const lem_real *const *gradient);

/*
 * One step, number `step` from 1: for numbers [begin, end) of one part, m and v and the weights are
 * updated in place; scale multiplies the gradient (clip_norm / norm where that is below 1, else 1).
 * Spline knots have no gradient and stay as they are.
 *   m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 *   w -= rate * sqrt(1 - b2^step) / (1 - b1^step) * m / (sqrt(v) + epsilon)
 */
extern void lem_adam_step(const lem_adam *adam, int64_t step, double scale, int64_t begin,
						  int64_t end, const lem_real *gradient, lem_real *m, lem_real *v,
						  lem_real *weights);

/* Which axis the base curves sum to 1 over. */
typedef enum lem_curve_axis
{
	LEM_CURVES_OVER_STEPS,		/* what a schedule means (model page, section 5) */
	LEM_CURVES_OVER_BRANCHES	/* what the reference vectors' implementation does */
} lem_curve_axis;

/*
 * After a step, on the trunk's part: scale factors into [0.5, max_scale_factor], base curves
 * non-negative and divided by their sum (over branches: + 1e-7, as in the vectors' implementation);
 * a curve of which nothing is left becomes equal shares.
 */
extern void lem_constrain(const lem_config *config, lem_curve_axis axis, lem_real *trunk_part);

#endif

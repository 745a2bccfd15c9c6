/*
 * distill_loss.h: what a student learns from (maker page, section c), of a batch of n samples:
 *
 *   L = 1/n sum_n p_n [ alpha pinball(yhat, y) + beta pinball(yhat, teacher) + gamma/k |z - u|^2 ]
 *       + delta sum_f |corr(z, z_f)|_F^2 / k^2
 *
 * meaned over the student's tasks.  The pinball losses are meaned over the quantiles; of the
 * teacher's each quantile is held against its own.  f: students that were trained before.
 */
#ifndef LEM_DISTILL_LOSS_H
#define LEM_DISTILL_LOSS_H

#include <stdbool.h>

#include "parameters/config.h"

typedef struct lem_distill_weights
{
	double		alpha;
	double		beta;
	double		gamma;
	double		delta;
} lem_distill_weights;

typedef struct lem_distill_batch
{
	int			n;
	int			k;				/* of the states */
	int			n_tasks;
	int			task[3];		/* the student's */
	const lem_real *share;		/* n: p, how much of a sample is the student's */
	const lem_real *target;		/* n x 3: y */
	const lem_real *teacher;	/* n x 9: its quantiles; NULL: there is none */
	bool		median;			/* of which only the medians are known */
	const lem_real *state;		/* n x n_tasks x k: u; NULL: there is none */
	int			n_earlier;
	const lem_real *const *earlier; /* n x k each: z_f; a student of one task only */
} lem_distill_batch;

/*
 * The loss of raw (n x n_tasks (3 + k), as lem_expert_forward() gives it), and its gradient draw,
 * which is set.  scratch: lem_distill_scratch() doubles.
 */
extern size_t lem_distill_scratch(int n, int k);
extern double lem_distill_loss(const lem_distill_weights *weights, const lem_distill_batch *batch,
							   const lem_real *raw, double *scratch, lem_real *draw);

/* The mean pinball loss of a task's quantiles, q (3): pinball(q, y). */
extern double lem_pinball(const lem_real *q, double y);

#endif

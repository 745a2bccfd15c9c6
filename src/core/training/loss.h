/*
 * loss.h: what training minimises (model page, sections 5 and 8).
 *
 * For every sample, branch and case, over the N bars in which the slices trade:
 *   activity w_k = 1 for forced bars (steps up to the branch, and any bar up to and including the
 *   first with volume), else sigmoid(slope * (left - offset)), left being what the order still
 *   holds at the start of bar k;
 *   achieved = sum(w a p) / sum(w a) for quantity, sum(w a) / sum(w a / p) for notional;
 *   benchmark = sum(w v p) / sum(w v), v = 1 for TWAP;  d = (achieved / benchmark - 1) * 100.
 * Each pair of a buy and a sell of branches 0 .. N - 1 counts as f(d_buy - d_sell), each case of
 * branch N as softplus(|d|); the loss is the mean over all of them.
 *
 * Nothing is added to what divides: the reference adds 1e-7 to the benchmark, by which the loss of
 * a price of 1e-7 would be that of a price off by half.  In what unit prices and volumes are must
 * not matter, and a benchmark of positive prices is positive.
 */
#ifndef LEM_LOSS_H
#define LEM_LOSS_H

#include "base/real.h"
#include "parameters/config.h"

typedef enum lem_objective
{
	LEM_OBJECTIVE_SOFTPLUS,		/* f(x) = softplus(x): the published one */
	LEM_OBJECTIVE_MEAN,			/* f(x) = x: risk-neutral */
	LEM_OBJECTIVE_ENTROPIC		/* of models on top of the optimum (policy_loss.h) */
} lem_objective;

typedef struct lem_loss_options
{
	lem_objective objective;
	double		risk_aversion;	/* >= 0: the loss gains risk_aversion * (d_buy^2 + d_sell^2) / 2 */
	double		mask_slope;
	double		mask_offset;
} lem_loss_options;

/* The sharp mask of model page section 8, and the published one. */
#define LEM_SHARP_MASK_SLOPE 150.0
#define LEM_SHARP_MASK_OFFSET (4.0 / 150.0)
#define LEM_PUBLISHED_MASK_SLOPE 50.0

/* A mask that falls from 0.98 to 0.02 while the order is worked off: what training begins with. */
#define LEM_SOFT_MASK_SLOPE 8.0

/*
 * What branches [first, first + count) of n samples add to the loss.  pred (n x N x count x 4 x 2;
 * with all branches as in the reference numbers) are the shares, market (n x N x 2) volume and
 * price; dpred is set to the gradient.  A sum over samples is scaled by 1 / total, the number of
 * samples of the whole batch that these n are a part of.
 */
extern double lem_loss(const lem_config *config, const lem_loss_options *options, int first,
					   int count, int n, int total, const lem_real *pred,
					   const lem_real *market, lem_real *dpred);

/* One branch and case of a sample. */
typedef struct lem_execution
{
	int			n;				/* bars */
	int			branch;
	bool		twap;
	bool		notional;
	const lem_real *share;		/* of step k at share[k * stride] */
	size_t		stride;
	const lem_real *market;		/* N x 2: volume, price */
} lem_execution;

/* d of an execution; slope (N) receives its derivatives by the shares. */
extern double lem_execution_gain(const lem_loss_options *options, const lem_execution *e,
								 double *slope);

/* Shares below this count as nothing left: what float arithmetic leaves of a finished order. */
#define LEM_NOTHING_LEFT 1e-4

/*
 * Gains over the benchmark as a backtest sees them, in basis points, positive is good on both
 * sides: the sum over 8 cases and n samples of each branch of pred (as for lem_loss) is added to
 * gain_sum (N + 1), and of the squares to square_sum.  A bar counts if the order must stay active
 * or has something left at its start.
 */
extern void lem_gains(const lem_config *config, int first, int count, int n,
					  const lem_real *pred, const lem_real *market, double *gain_sum,
					  double *square_sum);

#endif

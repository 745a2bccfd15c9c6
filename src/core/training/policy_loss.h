/*
 * policy_loss.h: what a model on top of the exact optimum minimises, in units of each order's own
 * standard deviation sigma of a bar.
 *
 * u is an order's gain over its benchmark (loss.h) by sigma, less the costs that it plans with,
 * sum(cost a^1.5 / sqrt(v)), v by the mean volume; gamma is its risk aversion.
 *
 *   "entropic"  (exp(-gamma (u - m)) - 1) / gamma, m being what the optimum expects to be worth: its
 *               mean falls as the certainty equivalent -(1 / gamma) ln E exp(-gamma u) rises, and has
 *               its slope where that is m.  Straight on from exponents of LEM_ENTROPIC_STRAIGHT.
 *   "mean"      -u
 *   "softplus"  softplus(-u)
 *
 * An order that tracks its benchmark has u^2 / 2 whatever the objective.
 */
#ifndef LEM_POLICY_LOSS_H
#define LEM_POLICY_LOSS_H

#include "model/policy.h"
#include "training/loss.h"

#define LEM_ENTROPIC_STRAIGHT 2.0

/*
 * The sum over n orders by `total`: orders, their samples' market (N x 2 each: volume, price, as
 * lem_loss), shares (n x N); dshare (n x N) is set.
 */
extern double lem_policy_loss(const lem_config *config, const lem_loss_options *options, int n,
							  double total, const lem_policy_order *orders, const int *sample,
							  const lem_real *share, const lem_real *market, lem_real *dshare);

/*
 * The same of one order alone with a hard mask: its loss; its gain in basis points, positive is good, and
 * u.
 */
extern double lem_policy_judge(const lem_config *config, const lem_loss_options *options,
							   const lem_policy_order *order, const lem_real *share,
							   const lem_real *market, double *bps, double *u);

#endif

/*
 * quantile_loss.h: what training of market making minimises.
 *
 * The pinball loss max(tau u, (tau - 1) u), u = y - q, meaned over samples, tasks and quantiles.
 */
#ifndef LEM_QUANTILE_LOSS_H
#define LEM_QUANTILE_LOSS_H

#include "parameters/config.h"

/*
 * What n samples of a batch of total add to the loss; dout (n x 9) is set to the gradient.  The
 * targets of sample s are target[s * stride] and the next two.
 */
extern double lem_quantile_loss(int n, int total, const lem_real *out, const lem_real *target,
								size_t stride, lem_real *dout);

/* Sums of squared errors of the medians, and of forecasts of 0, by task (3 each): added to. */
extern void lem_quantile_errors(int n, const lem_real *out, const lem_real *target, size_t stride,
								double *error, double *naive);

#endif

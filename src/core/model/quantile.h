/*
 * quantile.h: heads that forecast: quantiles 0.1, 0.5 and 0.9 of mid, spread and volume from the
 * last row of the trunk's context (maker page, section a).
 *
 *   hidden = tanh(c K0 + b0);  r = hidden K1 + b1;
 *   q50 = r1,  q10 = q50 - softplus(r0),  q90 = q50 + softplus(r2)  of each task: never crossed.
 */
#ifndef LEM_QUANTILE_H
#define LEM_QUANTILE_H

#include "base/arena.h"
#include "parameters/config.h"

typedef struct lem_quantile_head
{
	const lem_real *kernel_0;	/* H x M */
	const lem_real *bias_0;
	const lem_real *kernel_1;	/* M x 9 */
	const lem_real *bias_1;
} lem_quantile_head;

extern lem_quantile_head *lem_quantile_build(lem_arena *arena, const lem_config *config,
											 const lem_real *part);

/* hidden (n x M) and raw (n x 9) are kept for the backward pass; out (n x 9): by task, rising. */
extern void lem_quantile_forward(const lem_config *config, const lem_quantile_head *head, int n,
								 const lem_real *context, lem_real *hidden, lem_real *raw,
								 lem_real *out);

/* Of one task: q (3, rising) from r, and back: d (3) becomes the gradient of r. */
extern void lem_quantile_ordered(const lem_real *r, lem_real *q);
extern void lem_quantile_ordered_back(const lem_real *r, lem_real *d);

/*
 * From dout (n x 9, destroyed): dpart (the head's part, as stored) is set, or with add added to;
 * dcontext (n x H) is set.
 */
extern void lem_quantile_backward(const lem_config *config, const lem_quantile_head *head, int n,
								  const lem_real *context, const lem_real *hidden,
								  const lem_real *raw, lem_real *dout, bool add, lem_real *dpart,
								  lem_real *dcontext);

#endif

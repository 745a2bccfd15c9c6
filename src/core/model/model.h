/*
 * model.h: a model ready to compute, and its forward pass.
 */
#ifndef LEM_MODEL_H
#define LEM_MODEL_H

#include "base/arena.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "layers/dense.h"
#include "optimum/optimal_state.h"
#include "orders/order.h"
#include "parameters/config.h"
#include "parameters/params.h"

typedef struct lem_trunk lem_trunk;
typedef struct lem_head lem_head;

/* A model as the forward pass wants it: the trunk and the heads that are loaded. */
typedef struct lem_model
{
	lem_config	config;
	const lem_kernels *kernels;
	const lem_trunk *trunk;
	const lem_head *const *heads;	/* lem_head_sets() entries; NULL: not loaded */
	lem_optimum_source tables;	/* with base "optimal_stop": where those of orders are found */
} lem_model;

/*
 * Bytes that a decoded trunk or head set takes, and decoding one from the numbers of its part
 * into memory of that size, 64-byte aligned.
 */
extern size_t lem_trunk_bytes(const lem_config *config, lem_form form);
extern const lem_trunk *lem_trunk_decode(const lem_config *config, const lem_real *part,
										 lem_form form, void *memory);
extern size_t lem_head_bytes(const lem_config *config);
extern const lem_head *lem_head_decode(const lem_config *config, const lem_real *part, void *memory);

/*
 * A batch of samples.  Each computes one branch, or all of them where branch is NULL.
 */
typedef struct lem_batch
{
	int			n;
	const lem_real *rows;		/* n x T x C: features, price, volume */
	const lem_real *min_rate;	/* n */
	const lem_real *max_rate;	/* n */
	const int  *branch;			/* n, or NULL for all branches */
	const lem_limits *limits;	/* n, or NULL for the raw network */
	const int  *steps;			/* n: so many of each order's steps are computed, others may be; or NULL: all */
	struct lem_policy_order *policy;	/* n, with base "optimal_stop" and limits; their tables are
										 * found on the way */

	/*
	 * Out, with branches: n x N x 8, the share of each case at each step.  With all branches:
	 * n x N x (N + 1) x 4 x 2, as in the reference numbers.
	 */
	lem_real   *allocation;

	/* Out, with limits: n x N, the order's own case after projection, in units; of those steps. */
	int64_t    *units;
} lem_batch;

/* Bytes of workspace (64-byte aligned) that a batch of n needs. */
extern size_t lem_forward_workspace(const lem_model *model, int n, bool all_branches);

/* LEM_OK or LEM_STOPPED. */
extern lem_status lem_forward(const lem_model *model, const lem_batch *batch, void *workspace,
							  const lem_stop *stop);

/* The most samples that should be handed over at once, to keep the workspace small. */
extern int	lem_forward_batch(const lem_config *config);

#endif

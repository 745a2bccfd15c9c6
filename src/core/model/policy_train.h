/*
 * policy_train.h: the network of shared steps over many orders at once, forward and back.
 *
 * Orders are worked without the bounds of a market, in real numbers, within their rates; each step is
 * one product for all orders that still have something left.
 */
#ifndef LEM_POLICY_TRAIN_H
#define LEM_POLICY_TRAIN_H

#include "model/policy.h"

/* Buffers of a pass over n orders: every step's where they are kept for a backward pass. */
typedef struct lem_policy_acts
{
	bool		keep;
	bool		given;			/* base is as another pass left it: nothing is looked up */
	int		   *count;			/* N - 1: orders of a step */
	int		   *task;			/* N - 1 x n: which */
	lem_real   *input;			/* [N - 1] n x (H + LEM_POLICY_INPUTS) */
	lem_real   *hidden_0;		/* [N - 1] n x M */
	lem_real   *hidden_1;		/* [N - 1] n x M */
	struct lem_policy_step *steps;	/* [N - 1] n */
	lem_policy_state *states;	/* n */
	double	   *left;			/* n */
	double	   *base;			/* n x N x 2: what the optimum leaves */
} lem_policy_acts;

extern void lem_policy_acts_carve(lem_arena *arena, const lem_config *config, int n, bool keep,
								  lem_policy_acts *acts);

/*
 * The shares (n x N, 0 from the horizon on) of n orders whose tables are found.  sample: whose context
 * (samples x (N - 1) x H) an order has.
 */
extern void lem_policy_forward(const lem_config *config, const lem_kernels *kern,
							   const lem_policy_head *head, int n, const lem_policy_order *orders,
							   const int *sample, const lem_real *context,
							   const lem_policy_acts *acts, lem_real *share);

/*
 * Gradients of a pass that kept its buffers, what the optimum leaves being taken as given: dpart (the
 * head part, as stored) is set, or with add added to; dcontext is added to.
 */
extern void lem_policy_backward(const lem_config *config, const lem_kernels *kern,
								const lem_real *part, const lem_policy_head *head, int n,
								const lem_policy_order *orders, const int *sample,
								const lem_policy_acts *acts, const lem_real *dshare,
								lem_scratch scratch, bool add, lem_real *dpart,
								lem_real *dcontext);

#endif

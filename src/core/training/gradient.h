/*
 * gradient.h: loss and gradients of a whole model, all branches at once.
 *
 * A gradient is computed in three passes: the trunk forward; each set of heads forward and back;
 * the trunk back.  The trunk's passes go over a few samples at a time, which stay in the cache;
 * heads have more weights than a few samples have work for, so a set takes as many samples as there
 * are.  Who computes which piece is the caller's to choose: lem_gradient() does one after the
 * other.  The model's trunk must have been decoded for gradients (LEM_FORM_GRADIENT).
 */
#ifndef LEM_GRADIENT_H
#define LEM_GRADIENT_H

#include "layers/dropout.h"
#include "model/allocation.h"
#include "model/model.h"
#include "model/policy_train.h"
#include "training/loss.h"

/* Samples to learn from. */
typedef struct lem_samples
{
	int			n;
	int			total;			/* of the batch that these are a part of, for the mean */
	const lem_real *rows;		/* n x T x C */
	const lem_real *min_rate;	/* n */
	const lem_real *max_rate;	/* n */
	const lem_real *market;		/* n x N x 2: volume and price of the bars the slices trade in;
								 * of market making the three targets, and one number unused */
	const lem_dropout *dropout; /* NULL: none */

	/* of a model on top of the optimum: orders of a sample, and n times as many */
	int			n_orders;
	const lem_policy_order *orders;
	double	   *base;			/* orders x N x 2: receives what the optimum leaves; or NULL */
	bool		given;			/* it is there already, of an earlier pass */
	int			horizon;		/* no order is longer: what a trunk of its own need not compute is left out;
								 * 0: the config's N */
} lem_samples;

/* Numbers a sample that the passes hand on: standard inputs, and the context for the heads. */
static inline size_t
lem_inputs_size(const lem_config *config)
{
	return (size_t) lem_rows(config) * lem_inputs(config);
}

static inline size_t
lem_context_size(const lem_config *config)
{
	return (size_t) (config->n_ahead - 1) * config->hidden_size;
}

/* Branches that a set of heads serves: from branch `set` of separate heads, all of shared ones. */
static inline int
lem_set_branches(const lem_config *config)
{
	return config->shared_heads ? lem_branches(config) : 1;
}

/*
 * Bytes (64-byte aligned) that the trunk's forward pass over n samples keeps for its backward pass,
 * and scratch space of the backward pass and of the heads' passes.  The model's trunk is decoded.
 */
extern size_t lem_gradient_kept(const lem_model *model, int n);
extern size_t lem_gradient_trunk_scratch(const lem_model *model, int n);
extern size_t lem_gradient_heads_scratch(const lem_model *model, int n);

/* The same of a model on top of the optimum, for n orders, forward only or back as well. */
extern size_t lem_gradient_policy_scratch(const lem_model *model, int n, bool back);

/* The trunk forward: fills inputs and context (n of each).  LEM_OK or LEM_STOPPED. */
extern lem_status lem_gradient_trunk(const lem_model *model, const lem_samples *samples,
									 void *kept, const lem_stop *stop, lem_real *inputs,
									 lem_real *context);

/*
 * One set of heads, forward and back.  *loss is its share of the samples' share of the loss;
 * dcontext (like context) is set.  dpart (the set's part, as stored) is set, or with add added to;
 * dcurves (places as in lem_curves) is added to for the set's branches.  part holds the numbers
 * that head was decoded from.
 */
extern void lem_gradient_heads(const lem_model *model, const lem_head *head, int set,
							   const lem_real *part, const lem_samples *samples,
							   const lem_loss_options *options, const lem_real *inputs,
							   const lem_real *context, void *scratch, bool add, double *loss,
							   lem_real *dpart, const lem_curves_gradient *dcurves,
							   lem_real *dcontext);

/*
 * The heads' pass of a model on top of the optimum without learning: shares (orders x N) of the
 * samples' orders, in the scratch space.
 */
extern const lem_real *lem_gradient_policy_shares(const lem_model *model, const lem_head *head,
												  const lem_samples *samples,
												  const lem_real *context, void *scratch);

/* The same forward only; gains (lem_gains) are added to gain and square unless they are NULL. */
extern void lem_gradient_heads_forward(const lem_model *model, const lem_head *head, int set,
									   const lem_samples *samples,
									   const lem_loss_options *options, const lem_real *inputs,
									   const lem_real *context, void *scratch, double *loss,
									   double *gain, double *square);

/*
 * The trunk back: gradient (part 0, as stored) is added to.  dcontext of set s begins at
 * s * set_stride; the sets are added in their order.  LEM_OK or LEM_STOPPED: then the gradient is
 * part of one.
 */
extern lem_status lem_gradient_trunk_back(const lem_model *model, const lem_real *part,
										  const lem_samples *samples, void *kept,
										  const lem_real *dcontext, size_t set_stride,
										  void *scratch, const lem_stop *stop,
										  lem_real *gradient);

/* Bytes of workspace (64-byte aligned) for n samples in all passes, one after the other. */
extern size_t lem_gradient_workspace(const lem_model *model, int n);

/*
 * Add the gradient of the samples' share of the loss to gradient (lem_part_count() parts as stored,
 * or NULL: the loss only), and set *loss to that share.  parts are the numbers that the model,
 * with all its heads, was decoded from.  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_gradient(const lem_model *model, const lem_real *const *parts,
							   const lem_samples *samples, const lem_loss_options *options,
							   void *workspace, const lem_stop *stop, double *loss,
							   lem_real *const *gradient);

#endif

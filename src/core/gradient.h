/*
 * gradient.h: loss and gradients of a whole model, all branches at once.
 */
#ifndef LEM_GRADIENT_H
#define LEM_GRADIENT_H

#include "dropout.h"
#include "loss.h"
#include "model.h"

/* Samples to learn from. */
typedef struct lem_samples
{
	int			n;
	int			total;			/* of the batch that these are a part of, for the mean */
	const lem_real *rows;		/* n x T x C */
	const lem_real *min_rate;	/* n */
	const lem_real *max_rate;	/* n */
	const lem_real *market;		/* n x N x 2: volume and price of the bars the slices trade in */
	const lem_dropout *dropout; /* NULL: none */
} lem_samples;

/* Bytes of workspace (64-byte aligned) for n samples. */
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

/*
 * The loss alone; gains (lem_gains) are added to gain and square.
 */
extern lem_status lem_gradient_validate(const lem_model *model, const lem_samples *samples,
										const lem_loss_options *options, void *workspace,
										const lem_stop *stop, double *loss, double *gain,
										double *square);

#endif

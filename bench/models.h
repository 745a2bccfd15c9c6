/*
 * models.h: the models that benchmarks compute with, and what a pass takes by the model page.
 */
#ifndef MODELS_H
#define MODELS_H

#include "model/model.h"

/* The config of a name (bench_config), and a model of it with random weights.  Another name ends the program. */
extern lem_config model_config(const char *name);
extern lem_model *model_open(const char *name);

/* A model with random weights; the spline knots play no part in the arithmetic. */
extern lem_model *model_random(const lem_config *config);

/*
 * Multiply-adds of the products that the model page writes for one sample: trunk, and heads of one
 * branch or of all.  Element-wise work does not count.
 */
extern double model_products(const lem_config *config, bool all_branches);

/*
 * Samples to compute: windows at random hours, all rates free, branch 2 of each.  model_batch_free
 * frees what it points to.
 */
typedef struct model_batch
{
	lem_batch	batch;
	void	   *workspace;
	lem_real   *rows;
	lem_real   *rates;
	int		   *branch;
} model_batch;

extern model_batch model_batch_make(const lem_model *model, int n);
extern void model_batch_free(model_batch *samples);

/* Compute them once. */
extern void model_batch_run(const lem_model *model, const model_batch *samples);

#endif

/*
 * training.h: a training step's gradient, for benchmarks: all branches of a shard of samples.
 */
#ifndef TRAINING_H
#define TRAINING_H

#include "common.h"
#include "gradient.h"

typedef struct training
{
	lem_model	model;
	lem_real  **weights;
	lem_real  **gradient;
	lem_samples samples;
	void	   *workspace;
} training;

/* Random weights and samples; what it takes stays until the program ends. */
static inline training *
training_make(const lem_config *config, int shard, int batch)
{
	const int	parts = lem_part_count(config);
	const size_t window = (size_t) lem_rows(config) * lem_inputs(config);
	const size_t slices = (size_t) shard * config->n_ahead * 2;
	training   *t = aligned(sizeof(training));
	const lem_head **heads = aligned(parts * sizeof(lem_head *));
	lem_real   *rows = aligned(shard * window * sizeof(lem_real));
	lem_real   *rates = aligned(2 * shard * sizeof(lem_real));
	lem_real   *market = aligned(slices * sizeof(lem_real));

	t->weights = aligned(parts * sizeof(lem_real *));
	t->gradient = aligned(parts * sizeof(lem_real *));
	t->model = (lem_model) {*config, lem_kernels_select(), NULL, heads};
	for (int p = 0; p < parts; p++)
	{
		const int64_t n = lem_part_size(config, p);

		t->weights[p] = aligned(n * sizeof(lem_real));
		t->gradient[p] = aligned(n * sizeof(lem_real));
		for (int64_t i = 0; i < n; i++)
			t->weights[p][i] = 0.2f * random_number();
		if (p == 0)
			t->model.trunk = lem_trunk_decode(config, t->weights[p],
											  aligned(lem_trunk_bytes(config)));
		else
			heads[p - 1] = lem_head_decode(config, t->weights[p], aligned(lem_head_bytes(config)));
	}
	bench_windows(config, shard, rows);
	for (int i = 0; i < shard; i++)
		rates[shard + i] = 1;
	for (size_t i = 0; i < slices; i++)
		market[i] = 1 + 0.1f * random_number();
	t->samples = (lem_samples) {shard, batch, rows, rates, rates + shard, market, NULL};
	t->workspace = aligned(lem_gradient_workspace(&t->model, shard));
	return t;
}

/* Add one shard's gradient. */
static inline void
training_run(const training *t)
{
	const lem_loss_options options = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_SHARP_MASK_SLOPE,
		LEM_SHARP_MASK_OFFSET};
	double		loss;

	if (lem_gradient(&t->model, (const lem_real *const *) t->weights, &t->samples, &options,
					 t->workspace, NULL, &loss, t->gradient) != LEM_OK)
		exit(1);
}

#endif

/*
 * training.h: a training step's gradient, for benchmarks: all branches, as a training computes it.
 */
#ifndef TRAINING_H
#define TRAINING_H

#include "common.h"
#include "training/gradient.h"

typedef struct training
{
	lem_model	model;
	lem_real  **weights;
	lem_real  **gradient;
	lem_samples samples;		/* the batch */
	int			shard;
	lem_real   *inputs;
	lem_real   *context;
	lem_real   *dcontext;
	void	  **kept;			/* of each shard */
	void	   *scratch;
} training;

/* Random weights and samples; what it takes stays until the program ends. */
static inline training *
training_make(const lem_config *config, int shard, int batch)
{
	const int	parts = lem_part_count(config);
	const size_t slices = (size_t) batch * config->n_ahead * 2;
	training   *t = aligned(sizeof(training));
	const lem_head **heads = aligned(parts * sizeof(lem_head *));
	lem_real   *rows = aligned(batch * lem_inputs_size(config) * sizeof(lem_real));
	lem_real   *rates = aligned(2 * batch * sizeof(lem_real));
	lem_real   *market = aligned(slices * sizeof(lem_real));

	t->weights = aligned(parts * sizeof(lem_real *));
	t->gradient = aligned(parts * sizeof(lem_real *));
	t->model = (lem_model) {.config = *config, .kernels = lem_kernels_select(), .heads = heads};
	for (int p = 0; p < parts; p++)
	{
		const int64_t n = lem_part_size(config, p);

		t->weights[p] = aligned(n * sizeof(lem_real));
		t->gradient[p] = aligned(n * sizeof(lem_real));
		for (int64_t i = 0; i < n; i++)
			t->weights[p][i] = 0.2f * random_number();
		if (p == 0)
			t->model.trunk = lem_trunk_decode(config, t->weights[p], LEM_FORM_GRADIENT,
											  aligned(lem_trunk_bytes(config, LEM_FORM_GRADIENT)));
		else
			heads[p - 1] = lem_head_decode(config, t->weights[p], aligned(lem_head_bytes(config)));
	}
	bench_windows(config, batch, rows);
	for (int i = 0; i < batch; i++)
		rates[batch + i] = 1;
	for (size_t i = 0; i < slices; i++)
		market[i] = 1 + 0.1f * random_number();
	t->samples = (lem_samples) {
		.n = batch, .total = batch, .rows = rows, .min_rate = rates, .max_rate = rates + batch,
		.market = market
	};
	t->shard = shard;
	t->inputs = aligned(batch * lem_inputs_size(config) * sizeof(lem_real));
	t->context = aligned(batch * lem_context_size(config) * sizeof(lem_real));
	t->dcontext = aligned(lem_head_sets(config) * batch * lem_context_size(config)
						  * sizeof(lem_real));
	t->kept = aligned((batch / shard) * sizeof(void *));
	for (int i = 0; i < batch / shard; i++)
		t->kept[i] = aligned(lem_gradient_kept(&t->model, shard));
	t->scratch = aligned(lem_gradient_trunk_scratch(&t->model, shard)
						 + lem_gradient_heads_scratch(&t->model, batch));
	return t;
}

/* n samples of the batch. */
static inline lem_samples
training_samples(const training *t, int first, int n)
{
	const lem_config *config = &t->model.config;
	lem_samples samples = t->samples;

	samples.n = n;
	samples.rows += first * lem_inputs_size(config);
	samples.min_rate += first;
	samples.max_rate += first;
	samples.market += (size_t) first * config->n_ahead * 2;
	return samples;
}

/* A batch's gradient: the trunk and shared heads a shard at a time, separate heads by all samples. */
static inline void
training_run(const training *t)
{
	const lem_loss_options options = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_SHARP_MASK_SLOPE,
		LEM_SHARP_MASK_OFFSET};
	const lem_config *config = &t->model.config;
	const int	batch = t->samples.n;
	const int	together = config->shared_heads ? t->shard : batch;
	const size_t inputs = lem_inputs_size(config);
	const size_t context = lem_context_size(config);
	lem_trunk_offsets at;
	double		loss;

	lem_trunk_layout(config, &at);
	for (int first = 0; first < batch; first += t->shard)
	{
		const lem_samples samples = training_samples(t, first, t->shard);

		lem_gradient_trunk(&t->model, &samples, t->kept[first / t->shard], NULL,
						   t->inputs + first * inputs, t->context + first * context);
	}
	for (int set = 0; set < lem_head_sets(config); set++)
		for (int first = 0; first < batch; first += together)
		{
			const lem_samples samples = training_samples(t, first, together);
			const lem_curves_gradient dcurves = {t->gradient[0] + at.scale,
				t->gradient[0] + at.volume_curve, t->gradient[0] + at.notional_curve};

			lem_gradient_heads(&t->model, t->model.heads[set], set, t->weights[1 + set], &samples,
							   &options, t->inputs + first * inputs, t->context + first * context,
							   t->scratch, first > 0, &loss, t->gradient[1 + set], &dcurves,
							   t->dcontext + ((size_t) set * batch + first) * context);
		}
	for (int first = 0; first < batch; first += t->shard)
	{
		const lem_samples samples = training_samples(t, first, t->shard);

		lem_gradient_trunk_back(&t->model, t->weights[0], &samples, t->kept[first / t->shard],
								t->dcontext + first * context, batch * context, t->scratch, NULL,
								t->gradient[0]);
	}
}

#endif

/*
 * random_model.h: a model with random weights, for benchmarks.
 */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include "common.h"
#include "model.h"

/* A model with random weights; the spline knots play no part in the arithmetic. */
static inline lem_model *
random_model(const lem_config *config)
{
	lem_model  *model = aligned(sizeof(lem_model));
	const lem_head **heads = aligned(lem_head_sets(config) * sizeof(lem_head *));
	lem_head   *head = NULL;

	*model = (lem_model) {*config, lem_kernels_select(), NULL, heads};
	for (int p = 0; p < 2; p++)
	{
		int64_t		size = lem_part_size(config, p);
		lem_real   *part = aligned(size * sizeof(lem_real));

		for (int64_t i = 0; i < size; i++)
			part[i] = 0.2f * random_number();
		if (p == 0)
			model->trunk = lem_trunk_decode(config, part, aligned(lem_trunk_bytes(config)));
		else
			head = (lem_head *) lem_head_decode(config, part, aligned(lem_head_bytes(config)));
		free(part);
	}
	/* every branch's heads cost the same: one set stands for all, and one branch is asked */
	for (int b = 0; b < lem_head_sets(config); b++)
		heads[b] = head;
	return model;
}

#endif

/* teacher.c: what a model of market making knows layer by layer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "model/quantile.h"
#include "model/trunk.h"
#include "training/teacher.h"

/* Stream of the signs. */
#define SIGNS UINT64_C(0x7ea)

void
lem_teacher_layer_name(const lem_config *config, int layer, char *name)
{
	const int	recurrent = lem_rnn_layers(config);

	if (layer == 0)
		strcpy(name, "selection");
	else if (layer <= recurrent)
		snprintf(name, 16, "recurrent %d", layer);
	else
		strcpy(name, layer == recurrent + 1 ? "enriched" : "attention");
}

void
lem_teacher_sketch(uint64_t seed, int n, const double *from, double *to)
{
	const double unit = 1 / sqrt((double) LEM_TEACHER_WIDTH);

	memset(to, 0, LEM_TEACHER_WIDTH * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		/* LEM_TEACHER_WIDTH signs are the bits of one number */
		const uint64_t bits = lem_random_bits(seed, SIGNS, (uint64_t) i);

		for (int j = 0; j < LEM_TEACHER_WIDTH; j++)
			to[j] += (bits >> j & 1 ? unit : -unit) * from[i];
	}
}

/* Buffers of a look. */
typedef struct look_acts
{
	lem_trunk_acts trunk;
	lem_real   *rate;			/* n zeros, then n ones */
	lem_real   *hidden;
	lem_real   *raw;
	lem_real   *out;			/* n x 9 */
	double	   *wide;			/* H */
	lem_real   *dout;			/* n x 9 */
	lem_real   *dcontext;		/* n x H */
	lem_real   *dlayers;		/* (layers - 1) x n x T x H */
	lem_real   *gradient;		/* of part 0, and of part 1: not used */
	char	   *scratch;
} look_acts;

static void
look_carve(lem_arena *arena, const lem_model *model, int n, bool gradients, look_acts *acts)
{
	const lem_config *config = &model->config;
	const size_t width = config->hidden_size;
	size_t		peak = 0;

	lem_trunk_acts_carve(arena, config, model->trunk, n, true, &acts->trunk);
	acts->rate = lem_arena_reals(arena, 2 * (size_t) n);
	acts->hidden = lem_arena_reals(arena, (size_t) n * config->fused_mlp_hidden_dim);
	acts->raw = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
	acts->out = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
	acts->wide = lem_arena_bytes(arena, width * sizeof(double));
	if (!gradients)
		return;
	acts->dout = lem_arena_reals(arena, (size_t) n * LEM_QUANTILE_OUTPUTS);
	acts->dcontext = lem_arena_reals(arena, n * width);
	acts->dlayers = lem_arena_reals(arena, (size_t) (lem_teacher_layers(config) - 1) * n *
									lem_rows(config) * width);
	acts->gradient = lem_arena_reals(arena, (size_t) (lem_part_size(config, 0) +
													  lem_part_size(config, 1)));
	(void) lem_trunk_backward(model->trunk, config, model->kernels, n, NULL, &acts->trunk, NULL,
							  (lem_scratch) {NULL, 0, &peak}, NULL, NULL);
	acts->scratch = lem_arena_bytes(arena, peak);
}

size_t
lem_teacher_workspace(const lem_model *model, int n, bool gradients)
{
	lem_arena	arena = {NULL, 0};
	look_acts	acts;

	look_carve(&arena, model, n, gradients, &acts);
	return arena.used;
}

/* The row of a layer that a readout sees, of sample i. */
static const lem_real *
layer_row(const lem_config *config, const look_acts *acts, int layer, int i)
{
	const int	recurrent = lem_rnn_layers(config);
	const size_t width = config->hidden_size;
	const size_t at = ((size_t) i * lem_rows(config) + config->lookback) * width;

	if (layer == 0)
		return acts->trunk.vsn_out + at;
	if (layer <= recurrent)
		return acts->trunk.rnn_out[layer - 1] + at;
	if (layer == recurrent + 1)
		return acts->trunk.enriched + at;
	return acts->trunk.context + i * width;
}

/* Lengths of the gradients of one task, added to response (layers x 3). */
static lem_status
respond(const lem_model *model, const lem_real *part, int n, int task, const double *deviation,
		const look_acts *acts, const lem_stop *stop, double *response)
{
	const lem_config *config = &model->config;
	const int	layers = lem_teacher_layers(config);
	const size_t width = config->hidden_size;
	const size_t rows = lem_rows(config);
	lem_trunk_acts trunk = acts->trunk;
	lem_real   *dhead = acts->gradient + lem_part_size(config, 0);
	lem_status	status;

	memset(acts->dout, 0, (size_t) n * LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
	for (int i = 0; i < n; i++)
		acts->dout[(size_t) i * LEM_QUANTILE_OUTPUTS + task * LEM_QUANTILES + 1] = 1;
	lem_quantile_backward(config, model->heads[0]->quantiles, n, trunk.context, acts->hidden,
						  acts->raw, acts->dout, false, dhead, acts->dcontext);
	memset(acts->gradient, 0, (size_t) lem_part_size(config, 0) * sizeof(lem_real));
	trunk.dlayers = acts->dlayers;
	status = lem_trunk_backward(model->trunk, config, model->kernels, n, part, &trunk,
								acts->dcontext, (lem_scratch) {acts->scratch, 0, NULL},
								acts->gradient, stop);
	if (status != LEM_OK)
		return status;
	for (int layer = 0; layer < layers; layer++)
		for (int i = 0; i < n; i++)
		{
			/* attention has one row, the others act by all of theirs */
			const bool	last = layer == layers - 1;
			const lem_real *d = last ? acts->dcontext + i * width :
				acts->dlayers + (((size_t) layer * n + i) * rows) * width;
			double		squares = 0;

			for (size_t j = 0; j < (last ? 1 : rows) * width; j++)
			{
				const double x = (double) d[j] * deviation[layer * width + j % width];

				squares += x * x;
			}
			response[layer * 3 + task] += sqrt(squares);
		}
	return LEM_OK;
}

lem_status
lem_teacher_look(const lem_model *model, const lem_real *part, int n, const lem_real *rows,
				 void *workspace, const lem_stop *stop, const lem_teacher_view *view)
{
	const lem_config *config = &model->config;
	const int	layers = lem_teacher_layers(config);
	const int	width = lem_teacher_width(config);
	const int	h = config->hidden_size;
	lem_arena	arena = {workspace, 0};
	look_acts	acts;
	lem_status	status;

	look_carve(&arena, model, n, view->response != NULL, &acts);
	for (int i = 0; i < n; i++)
	{
		acts.rate[i] = 0;
		acts.rate[n + i] = 1;
	}
	status = lem_trunk_forward(model->trunk, config, model->kernels, n, rows, acts.rate,
							   acts.rate + n, &acts.trunk, stop);
	if (status != LEM_OK)
		return status;
	lem_quantile_forward(config, model->heads[0]->quantiles, n, acts.trunk.context, acts.hidden,
						 acts.raw, acts.out);
	if (view->quantiles)
		memcpy(view->quantiles, acts.out, (size_t) n * LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
	for (int i = 0; i < n; i++)
		for (int layer = 0; layer < layers; layer++)
		{
			const lem_real *row = layer_row(config, &acts, layer, i);

			for (int j = 0; j < h; j++)
				acts.wide[j] = (double) row[j];
			for (int j = 0; view->sums && j < h; j++)
			{
				view->sums[layer * h + j] += acts.wide[j];
				view->squares[layer * h + j] += acts.wide[j] * acts.wide[j];
			}
			if (view->features)
			{
				double	   *to = view->features + ((size_t) i * layers + layer) * width;

				if (h <= width)
					memcpy(to, acts.wide, h * sizeof(double));
				else
					lem_teacher_sketch((uint64_t) layer, h, acts.wide, to);
			}
		}
	for (int task = 0; view->response && task < 3 && status == LEM_OK; task++)
		status = respond(model, part, n, task, view->deviation, &acts, stop, view->response);
	return status;
}

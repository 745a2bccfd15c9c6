/* trunk.c: the shared part of a model. */
#include <string.h>

#include "model/trunk.h"
#include "parameters/params.h"

lem_trunk *
lem_trunk_build(lem_arena *arena, const lem_config *config, const lem_real *part, lem_form form)
{
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const size_t square = (size_t) width * width;
	const size_t branches = config->stop_base ? 0 : lem_branches(config);
	const size_t curve = (size_t) config->n_ahead * branches * 2;
	const bool	build = arena->base != NULL;
	lem_trunk  *carved = lem_arena_bytes(arena, sizeof(lem_trunk));
	lem_trunk	measured;
	lem_trunk  *trunk = build ? carved : &measured;
	lem_trunk_offsets at;

	if (config->mixture != LEM_MIXTURE_NONE)
	{
		lem_experts *experts = lem_experts_build(arena, config, part, form);

		memset(trunk, 0, sizeof(*trunk));
		trunk->experts = experts;
		return carved;
	}
	trunk->experts = NULL;
	lem_trunk_layout(config, &at);
	lem_vsn_decode(arena, inputs, config->num_embedding, width, !config->variable_selection,
				   build ? part + at.embedding : NULL, build ? part + at.vsn_weights : NULL,
				   build ? part + at.vsn_inputs : NULL, form, &trunk->vsn);
	for (int r = 0; r < lem_rnn_layers(config); r++)
		lem_rnn_decode(arena, config, build ? part + at.rnn + r * lem_rnn_size(config) : NULL,
					   form, &trunk->rnn[r]);

	lem_dense_carve(arena, width, 2 * width, form, &trunk->gate);
	for (int half = 0; build && half < 2; half++)
	{
		const lem_real *kernel = part + at.gate + half * (square + width);

		lem_dense_place(&trunk->gate, half * width, kernel, kernel + square, width);
	}
	trunk->norm_gamma = lem_arena_copy(arena, part, at.norm, width);
	trunk->norm_beta = lem_arena_copy(arena, part, at.norm + width, width);
	lem_grn_decode(arena, width, width, width, NULL, build ? part + at.grn : NULL, form,
				   &trunk->grn);
	lem_attention_decode(arena, width, config->attention ? config->num_heads : 0,
						 build ? part + at.attention : NULL, form, &trunk->attention);
	trunk->spans.layer = trunk->attention;
	trunk->spans.span = config->shared_trunk ? lem_attention_span(config) : 0;
	trunk->spans.age = lem_arena_copy(arena, part, at.age, at.scale - at.age);
	trunk->curves.scale = lem_arena_copy(arena, part, at.scale, branches);
	trunk->curves.volume = lem_arena_copy(arena, part, at.volume_curve, curve);
	trunk->curves.notional = lem_arena_copy(arena, part, at.notional_curve, curve);
	return carved;
}

/* Rows whose layers around the recurrence the second-level cache has room for. */
static int
rows_in_cache(const lem_config *config)
{
	return 65536 / (10 * config->hidden_size);
}

/*
 * Samples that go through the layers around the recurrence together: as many as that, so that small
 * models have products of many rows.  All of them where their buffers are kept.
 */
static int
samples_together(const lem_config *config, int n, bool keep)
{
	const int	most = rows_in_cache(config) / lem_rows(config);

	return keep || n < most ? n : most > 0 ? most : 1;
}

/* Rows that buffers have room for: with fewer rows a sample never more (lem_config_near). */
static size_t
buffered_rows(const lem_config *config, int n, bool keep)
{
	const size_t t = lem_rows(config);
	const size_t all = n * t;
	const size_t cached = rows_in_cache(config);

	return keep || all < cached ? all : cached > t ? cached : t;
}

void
lem_trunk_acts_carve(lem_arena *arena, const lem_config *config, const lem_trunk *trunk, int n,
					 bool keep, lem_trunk_acts *acts)
{
	const size_t t = lem_rows(config);
	const size_t width = config->hidden_size;
	const size_t rows = buffered_rows(config, n, keep);
	lem_attention_acts measured;

	acts->keep = keep;
	acts->dropout = NULL;
	acts->dlayers = NULL;
	acts->inputs = lem_arena_reals(arena, n * t * lem_inputs(config));
	acts->vsn_out = lem_arena_reals(arena, n * t * width);
	acts->context = lem_arena_reals(arena, (size_t) n * (config->n_ahead - 1) * width);
	for (int r = 0; r < lem_rnn_layers(config); r++)
	{
		if (keep || r == 0)
		{
			lem_rnn_acts_carve(arena, &trunk->rnn[r], n, (int) t, keep, &acts->rnn[r]);
			acts->rnn_out[r] = lem_arena_reals(arena, n * t * width);
		}
		else
		{
			acts->rnn[r] = acts->rnn[0];
			acts->rnn_out[r] = acts->rnn_out[0];
		}
	}
	acts->encoded = lem_rnn_layers(config) > 0 ? acts->rnn_out[lem_rnn_layers(config) - 1]
		: acts->vsn_out;
	lem_vsn_acts_carve(arena, &trunk->vsn, rows, keep, &acts->vsn);
	acts->gate = lem_arena_reals(arena, rows * 2 * width);
	acts->sum = lem_arena_reals(arena, rows * width);
	acts->normed = lem_arena_reals(arena, rows * width);
	lem_grn_acts_carve(arena, &trunk->grn, rows, &acts->grn);
	acts->enriched = lem_arena_reals(arena, rows * width);
	acts->attention = lem_arena_bytes(arena, n * sizeof(lem_attention_acts));
	for (int i = 0; i < n; i++)
	{
		lem_attention_acts *to = arena->base ? &acts->attention[i] : &measured;

		if (keep || i == 0)
			lem_attention_acts_carve(arena, &trunk->attention, (int) t, config->n_ahead - 1, to);
		else if (arena->base)
			*to = acts->attention[0];
	}
}

/* Standard inputs of a sample: features as they are, then the rates in place of price and volume. */
static void
standard_inputs(const lem_config *config, const lem_real *rows, lem_real min_rate,
				lem_real max_rate, lem_real *x)
{
	const int	inputs = lem_inputs(config);
	const int	t = lem_rows(config);

	memcpy(x, rows, (size_t) t * inputs * sizeof(lem_real));
	for (int r = 0; r < t; r++)
	{
		x[(size_t) r * inputs + inputs - 2] = min_rate;
		x[(size_t) r * inputs + inputs - 1] = max_rate;
	}
}

/* What the gate behind the recurrent layers reads. */
static const lem_real *
gate_input(const lem_trunk_acts *acts)
{
	return acts->dropout ? acts->dropout->encoded : acts->encoded;
}

lem_status
lem_trunk_forward(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern,
				  int n, const lem_real *rows, const lem_real *min_rate, const lem_real *max_rate,
				  const lem_trunk_acts *acts, const lem_stop *stop)
{
	const int	t = lem_rows(config);
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const int	asked = config->n_ahead - 1;
	const int	last = lem_rnn_layers(config) - 1;

	const int	together = samples_together(config, n, acts->keep);

	for (int i = 0; i < n; i++)
		standard_inputs(config, rows + (size_t) i * t * inputs, min_rate[i], max_rate[i],
						acts->inputs + (size_t) i * t * inputs);
	for (int first = 0; first < n; first += together)
	{
		const int	rows_together = (n - first < together ? n - first : together) * t;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_vsn_forward(&trunk->vsn, kern, rows_together,
						acts->inputs + (size_t) first * t * inputs, &acts->vsn,
						acts->vsn_out + (size_t) first * t * width);
	}

	for (int r = 0; r <= last; r++)
	{
		lem_status	status = lem_rnn_forward(&trunk->rnn[r], kern, n, t,
											 r == 0 ? acts->vsn_out : acts->rnn_out[r - 1],
											 &acts->rnn[r], acts->rnn_out[r], stop);

		if (status != LEM_OK)
			return status;
	}

	if (acts->dropout)
		lem_dropout_apply(n * (size_t) t * width, acts->dropout->encoded_mask, acts->encoded,
						  acts->dropout->encoded);
	for (int first = 0; first < n; first += together)
	{
		const int	some = n - first < together ? n - first : together;
		const int	rows_together = some * t;
		const size_t first_row = (size_t) first * t * width;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_dense_forward(&trunk->gate, kern, rows_together, gate_input(acts) + first_row, width,
						  acts->gate, 2 * width);
		kern->glu(rows_together, width, acts->gate, 2 * width, acts->vsn_out + first_row, width,
				  acts->sum, width);
		kern->layer_norm(rows_together, width, acts->sum, width, trunk->norm_gamma,
						 trunk->norm_beta, acts->normed, width);
		lem_grn_forward(&trunk->grn, kern, rows_together, acts->normed, width, &acts->grn,
						acts->enriched, width);
		for (int i = 0; i < some; i++)
		{
			const size_t sample = (size_t) first + i;

			lem_attention_forward(&trunk->attention, kern, t, config->lookback, asked,
								  acts->enriched + (size_t) i * t * width,
								  &acts->attention[sample],
								  acts->context + sample * asked * width);
		}
	}
	return LEM_OK;
}

lem_status
lem_trunk_backward(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern,
				   int n, const lem_real *part, const lem_trunk_acts *acts,
				   const lem_real *dcontext, lem_scratch scratch, lem_real *gradient,
				   const lem_stop *stop)
{
	const int	t = lem_rows(config);
	const int	width = config->hidden_size;
	const int	rows = n * t;
	const int	asked = config->n_ahead - 1;
	const int	last = lem_rnn_layers(config) - 1;
	const size_t size = (size_t) rows * width;
	const size_t square = (size_t) width * width;
	const bool	compute = scratch.base != NULL;
	lem_real   *denriched = lem_scratch_reals(&scratch, size);
	lem_real   *dnormed = lem_scratch_reals(&scratch, size);
	lem_real   *dsum = lem_scratch_reals(&scratch, size);
	lem_real   *dgate = lem_scratch_reals(&scratch, 2 * size);
	lem_real   *drnn = lem_scratch_reals(&scratch, size);
	lem_trunk_offsets at;

	lem_trunk_layout(config, &at);
	if (compute)
	{
		memset(denriched, 0, size * sizeof(lem_real));
		memset(dnormed, 0, size * sizeof(lem_real));
	}
	for (int i = 0; i < (compute ? n : 1); i++)
		lem_attention_backward(&trunk->attention, kern, t, config->lookback, asked,
							   compute ? acts->enriched + (size_t) i * t * width : NULL,
							   compute ? &acts->attention[i] : NULL,
							   compute ? dcontext + (size_t) i * asked * width : NULL, scratch,
							   compute ? gradient + at.attention : NULL,
							   compute ? denriched + (size_t) i * t * width : NULL);
	if (compute && acts->dlayers)
		memcpy(acts->dlayers + (last + 2) * size, denriched, size * sizeof(lem_real));
	lem_grn_backward(&trunk->grn, kern, rows, acts->normed, width, &acts->grn, denriched, width,
					 scratch, compute ? gradient + at.grn : NULL, dnormed, width);
	if (compute)
	{
		lem_real   *dkernel = gradient + at.gate;

		kern->layer_norm_backward(rows, width, acts->sum, width, trunk->norm_gamma, dnormed, width,
								  gradient + at.norm, gradient + at.norm + width, dsum, width);
		kern->glu_backward(rows, width, acts->gate, 2 * width, dsum, width, dgate, 2 * width);
		for (int half = 0; half < 2; half++, dkernel += square + width)
			lem_dense_gradient(width, width, rows, gate_input(acts), width,
							   dgate + half * width, 2 * width, dkernel, dkernel + square);
		lem_dense_backward(&trunk->gate, kern, rows, dgate, 2 * width, false, drnn, width);
		if (acts->dropout)
			lem_dropout_apply(size, acts->dropout->encoded_mask, drnn, drnn);
	}
	for (int r = last; r >= 0; r--)
	{
		const int64_t layer_at = at.rnn + r * lem_rnn_size(config);
		lem_status	status;

		if (compute && acts->dlayers)
			memcpy(acts->dlayers + (r + 1) * size, drnn, size * sizeof(lem_real));
		status = lem_rnn_backward(&trunk->rnn[r], config, kern, n, t,
											  r == 0 ? acts->vsn_out : acts->rnn_out[r - 1],
											  compute ? part + layer_at : NULL, &acts->rnn[r], drnn,
											  scratch, compute ? gradient + layer_at : NULL, drnn,
											  stop);

		if (status != LEM_OK)
			return status;
	}
	/* the residual around the recurrent layers */
	for (size_t i = 0; compute && i < size; i++)
		drnn[i] += dsum[i];
	if (compute && acts->dlayers)
		memcpy(acts->dlayers, drnn, size * sizeof(lem_real));
	lem_vsn_backward(&trunk->vsn, kern, rows, acts->inputs, &acts->vsn, drnn,
					 compute ? part + at.embedding : NULL, compute ? part + at.vsn_inputs : NULL,
					 scratch,
					 compute ? gradient + at.embedding : NULL,
					 compute ? gradient + at.vsn_weights : NULL,
					 compute ? gradient + at.vsn_inputs : NULL);
	return LEM_OK;
}

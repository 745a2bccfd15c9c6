/* trunk.c: the shared part of a model. */
#include <string.h>

#include "params.h"
#include "trunk.h"

/* A copy of n numbers of the part, in the arena. */
static const lem_real *
place(lem_arena *arena, const lem_real *part, int64_t offset, size_t n)
{
	lem_real   *to = lem_arena_reals(arena, n);

	if (arena->base)
		memcpy(to, part + offset, n * sizeof(lem_real));
	return to;
}

lem_trunk *
lem_trunk_build(lem_arena *arena, const lem_config *config, const lem_real *part)
{
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const size_t square = (size_t) width * width;
	const size_t curve = (size_t) config->n_ahead * lem_branches(config) * 2;
	const bool	build = arena->base != NULL;
	lem_trunk  *carved = lem_arena_bytes(arena, sizeof(lem_trunk));
	lem_trunk	measured;
	lem_trunk  *trunk = build ? carved : &measured;
	lem_trunk_offsets at;
	lem_real   *w;
	lem_real   *b;

	lem_trunk_layout(config, &at);
	lem_vsn_decode(arena, inputs, config->num_embedding, width,
				   build ? part + at.embedding : NULL, build ? part + at.vsn_weights : NULL,
				   build ? part + at.vsn_inputs : NULL, &trunk->vsn);
	for (int r = 0; r < config->hidden_rnn_layer; r++)
		lem_tkan_decode(arena, config, build ? part + at.rnn + r * lem_tkan_size(config) : NULL,
						&trunk->rnn[r]);

	w = lem_arena_reals(arena, 2 * square);
	b = lem_arena_reals(arena, 2 * (size_t) width);
	trunk->gate = (lem_dense) {width, 2 * width, w, b};
	for (int half = 0; build && half < 2; half++)
	{
		const lem_real *kernel = part + at.gate + half * (square + width);

		lem_dense_place(w, b, width, 2 * width, half * width, kernel, kernel + square, width);
	}
	trunk->norm_gamma = place(arena, part, at.norm, width);
	trunk->norm_beta = place(arena, part, at.norm + width, width);
	lem_grn_decode(arena, width, width, width, build ? part + at.grn : NULL, &trunk->grn);
	lem_attention_decode(arena, width, config->num_heads, build ? part + at.attention : NULL,
						 &trunk->attention);
	trunk->curves.scale = place(arena, part, at.scale, lem_branches(config));
	trunk->curves.volume = place(arena, part, at.volume_curve, curve);
	trunk->curves.notional = place(arena, part, at.notional_curve, curve);
	return carved;
}

void
lem_trunk_acts_carve(lem_arena *arena, const lem_config *config, const lem_trunk *trunk, int n,
					 lem_trunk_acts *acts)
{
	const size_t rows = lem_rows(config);
	const size_t width = config->hidden_size;

	acts->inputs = lem_arena_reals(arena, n * rows * lem_inputs(config));
	acts->vsn_out = lem_arena_reals(arena, n * rows * width);
	acts->rnn_out = lem_arena_reals(arena, n * rows * width);
	acts->context = lem_arena_reals(arena, (size_t) n * (config->n_ahead - 1) * width);
	lem_tkan_acts_carve(arena, &trunk->rnn[0], n, (int) rows, false, &acts->rnn);
	lem_vsn_acts_carve(arena, &trunk->vsn, rows, &acts->vsn);
	acts->gate = lem_arena_reals(arena, rows * 2 * width);
	acts->sum = lem_arena_reals(arena, rows * width);
	acts->normed = lem_arena_reals(arena, rows * width);
	lem_grn_acts_carve(arena, &trunk->grn, rows, &acts->grn);
	acts->enriched = lem_arena_reals(arena, rows * width);
	lem_attention_acts_carve(arena, &trunk->attention, (int) rows, config->n_ahead - 1,
							 &acts->attention);
}

lem_status
lem_trunk_forward(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern,
				  int n, const lem_real *rows, const lem_real *min_rate, const lem_real *max_rate,
				  const lem_trunk_acts *acts, const lem_stop *stop)
{
	const int	t = lem_rows(config);
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const size_t sample = (size_t) t * width;

	for (int i = 0; i < n; i++)
	{
		lem_real   *x = acts->inputs + (size_t) i * t * inputs;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;

		/* features as they are, then the two rates in place of price and volume */
		memcpy(x, rows + (size_t) i * t * inputs, (size_t) t * inputs * sizeof(lem_real));
		for (int r = 0; r < t; r++)
		{
			x[(size_t) r * inputs + inputs - 2] = min_rate[i];
			x[(size_t) r * inputs + inputs - 1] = max_rate[i];
		}
		lem_vsn_forward(&trunk->vsn, kern, t, x, &acts->vsn, acts->vsn_out + i * sample);
	}

	for (int r = 0; r < config->hidden_rnn_layer; r++)
	{
		lem_status	status = lem_tkan_forward(&trunk->rnn[r], kern, n, t,
											  r == 0 ? acts->vsn_out : acts->rnn_out,
											  &acts->rnn, acts->rnn_out, stop);

		if (status != LEM_OK)
			return status;
	}

	for (int i = 0; i < n; i++)
	{
		lem_dense_forward(&trunk->gate, t, acts->rnn_out + i * sample, width, acts->gate,
						  2 * width);
		kern->glu(t, width, acts->gate, 2 * width, acts->vsn_out + i * sample, width,
				  acts->sum, width);
		kern->layer_norm(t, width, acts->sum, width, trunk->norm_gamma, trunk->norm_beta,
						 acts->normed, width);
		lem_grn_forward(&trunk->grn, kern, t, acts->normed, width, &acts->grn, acts->enriched,
						width);
		lem_attention_forward(&trunk->attention, kern, t, config->lookback, config->n_ahead - 1,
							  acts->enriched, &acts->attention,
							  acts->context + (size_t) i * (config->n_ahead - 1) * width);
	}
	return LEM_OK;
}

/* tkan.c: the temporal KAN layer. */
#include <string.h>

#include "params.h"
#include "tkan.h"

/* Expanded inputs of all sub-layers together. */
static size_t
expanded_total(const lem_tkan *tkan)
{
	size_t		total = 0;

	for (int j = 0; j < tkan->subs; j++)
		total += tkan->kan[j].expanded;
	return total;
}

void
lem_tkan_acts_carve(lem_arena *arena, const lem_tkan *tkan, int n, int rows, bool keep,
					lem_tkan_acts *acts)
{
	const size_t width = tkan->width;
	const size_t subs = tkan->subs;
	const size_t kept = (keep ? (size_t) rows : 1) * n;

	acts->keep = keep;
	acts->input = lem_arena_reals(arena, (size_t) n * rows * (3 + subs) * width);
	acts->gates = lem_arena_reals(arena, kept * 3 * width);
	acts->c = lem_arena_reals(arena, kept * width);
	acts->a = lem_arena_reals(arena, kept * subs * width);
	acts->z = lem_arena_reals(arena, kept * subs * width);
	acts->expanded = lem_arena_reals(arena, kept * expanded_total(tkan));
	acts->y = lem_arena_reals(arena, kept * subs * width);
	acts->s = lem_arena_reals(arena, kept * subs * width);
	acts->o = lem_arena_reals(arena, kept * width);
	acts->h = lem_arena_reals(arena, kept * width);
}

void
lem_tkan_decode(lem_arena *arena, const lem_config *config, const lem_real *tensors,
				lem_tkan *tkan)
{
	const int	width = config->hidden_size;
	const int	subs = config->n_sub_layers;
	const size_t square = (size_t) width * width;
	lem_real   *w;
	lem_real   *b;
	lem_real   *recurrent;
	lem_real   *state;
	lem_real   *mix;
	lem_real   *output;
	lem_real   *output_bias;
	const lem_real *kernel_inputs;

	tkan->width = width;
	tkan->subs = subs;
	tkan->linear = config->tkan_linear;
	w = lem_arena_reals(arena, (3 + subs) * square);
	b = lem_arena_reals(arena, (size_t) (3 + subs) * width);
	recurrent = lem_arena_reals(arena, lem_packed_size(width, 3 * width));
	mix = lem_arena_reals(arena, (size_t) subs * 2 * width);
	tkan->input = (lem_dense) {width, (3 + subs) * width, w, b};
	tkan->mix = mix;

	if (arena->base)
	{
		const lem_real *k = tensors;
		const lem_real *r = k + 3 * square;
		const lem_real *bias = r + 3 * square;

		lem_dense_place(w, b, width, (3 + subs) * width, 0, k, bias, 3 * width);
		lem_pack(&tkan->recurrent, recurrent, width, 3 * width);
		lem_pack_rows(recurrent, width, 3 * width, 0, r, 3 * width, width);
		tensors = bias + 3 * width;
		for (int i = 0; i < subs * 2 * width; i++)
			mix[i] = tensors[i];
		tensors += (size_t) subs * 2 * width;
	}
	kernel_inputs = tensors;
	for (int j = 0; j < subs; j++)
	{
		state = lem_arena_reals(arena, lem_packed_size(width, width));
		if (arena->base)
		{
			lem_dense_place(w, b, width, (3 + subs) * width, (3 + j) * width,
							kernel_inputs + j * square, NULL, width);
			lem_pack(&tkan->state[j], state, width, width);
			lem_pack_rows(state, width, width, 0, kernel_inputs + (subs + j) * square, width,
						  width);
		}
	}
	output = lem_arena_reals(arena, lem_packed_size(subs * width, width));
	output_bias = lem_arena_reals(arena, width);
	tkan->output_bias = output_bias;
	if (arena->base)
	{
		tensors = kernel_inputs + 2 * subs * square;
		lem_pack(&tkan->output, output, subs * width, width);
		lem_pack_rows(output, subs * width, width, 0, tensors, width, subs * width);
		tensors += subs * square;
		for (int i = 0; i < width; i++)
			output_bias[i] = tensors[i];
		tensors += width;
	}
	for (int j = 0; j < subs; j++)
	{
		lem_kan_decode(arena, &config->sub_layer[j], width, tensors, &tkan->kan[j]);
		if (arena->base)
			tensors += lem_sub_layer_size(&config->sub_layer[j], width);
	}
}

/* s' = u * y + v * s, for one sub-layer of one sample. */
static void
mix_state(int width, const lem_real *u, const lem_real *y, const lem_real *s, lem_real *out)
{
	const lem_real *v = u + width;

	for (int i = 0; i < width; i++)
		out[i] = u[i] * y[i] + v[i] * s[i];
}

lem_status
lem_tkan_forward(const lem_tkan *tkan, const lem_kernels *kern, int n, int rows,
				 const lem_real *x, const lem_tkan_acts *acts, lem_real *y, const lem_stop *stop)
{
	const int	width = tkan->width;
	const int	subs = tkan->subs;
	const int	wide = (3 + subs) * width;
	const size_t all = (size_t) subs * width;
	const size_t expanded_step = acts->keep ? n * expanded_total(tkan) : 0;

	/* All that does not depend on the states is one product per sample. */
	for (int i = 0; i < n; i++)
		lem_dense_forward(&tkan->input, rows, x + (size_t) i * rows * width, width,
						  acts->input + (size_t) i * rows * wide, wide);

	for (int t = 0; t < rows; t++)
	{
		const size_t at = acts->keep ? (size_t) t * n : 0;
		const size_t before = acts->keep && t > 0 ? at - n : at;
		lem_real   *gates = acts->gates + at * 3 * width;
		lem_real   *c = acts->c + at * width;
		lem_real   *a = acts->a + at * all;
		lem_real   *z = acts->z + at * all;
		lem_real   *expanded = acts->expanded + expanded_step * t;
		lem_real   *sub_y = acts->y + at * all;
		lem_real   *s = acts->s + at * all;
		lem_real   *o = acts->o + at * width;
		lem_real   *h = acts->h + at * width;
		const lem_real *s_before = acts->s + before * all;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;

		for (int i = 0; i < n; i++)
		{
			const lem_real *in = acts->input + ((size_t) i * rows + t) * wide;

			memcpy(gates + (size_t) i * 3 * width, in, 3 * width * sizeof(lem_real));
			memcpy(a + i * all, in + 3 * width, all * sizeof(lem_real));
		}
		if (t == 0)
		{
			memset(c, 0, (size_t) n * width * sizeof(lem_real));
			memset(s, 0, n * all * sizeof(lem_real));
		}
		else
		{
			if (acts->keep)
				memcpy(c, acts->c + before * width, (size_t) n * width * sizeof(lem_real));
			kern->matmul(n, acts->h + before * width, width, &tkan->recurrent, NULL, true,
						 gates, 3 * width);
			for (int j = 0; j < subs; j++)
				kern->matmul(n, s_before + (size_t) j * width, (int) all, &tkan->state[j], NULL,
							 true, a + (size_t) j * width, (int) all);
		}
		for (int j = 0; j < subs; j++)
		{
			const lem_kan *kan = &tkan->kan[j];

			/* z keeps each sub-layer's rows together, as one block of n rows */
			lem_kan_forward(kan, kern, n, a + (size_t) j * width, (int) all,
							z + (size_t) j * n * width, expanded, sub_y + (size_t) j * width,
							(int) all);
			expanded += (size_t) n * kan->expanded;
		}
		kern->matmul(n, sub_y, (int) all, &tkan->output, tkan->output_bias, false, o, width);

		for (int i = 0; i < n; i++)
		{
			for (int j = 0; j < subs; j++)
			{
				const size_t place = i * all + (size_t) j * width;

				if (t == 0)
					for (int l = 0; l < width; l++)
						s[place + l] = tkan->mix[(size_t) j * 2 * width + l] * sub_y[place + l];
				else
					mix_state(width, tkan->mix + (size_t) j * 2 * width, sub_y + place,
							  s_before + place, s + place);
			}
			kern->cell(width, gates + (size_t) i * 3 * width, tkan->linear, c + (size_t) i * width);
			kern->cell_output(width, o + (size_t) i * width, c + (size_t) i * width,
							  h + (size_t) i * width);
			memcpy(y + ((size_t) i * rows + t) * width, h + (size_t) i * width,
				   width * sizeof(lem_real));
		}
	}
	return LEM_OK;
}

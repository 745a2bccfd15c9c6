/* vsn.c: the variable-selection network. */
#include <string.h>

#include "params.h"
#include "vsn.h"

void
lem_vsn_acts_carve(lem_arena *arena, const lem_vsn *vsn, size_t rows, bool keep,
				   lem_vsn_acts *acts)
{
	const size_t inputs = vsn->embedding.inputs;
	const size_t width = vsn->embedding.width;

	acts->by_input = lem_arena_reals(arena, inputs * rows * width);
	acts->flat = lem_arena_reals(arena, inputs * rows * width);
	acts->weights = NULL;
	if (vsn->plain)
		return;
	lem_grn_acts_carve(arena, &vsn->weights, rows, &acts->weights_grn);
	acts->logits = lem_arena_reals(arena, rows * inputs);
	acts->weights = lem_arena_reals(arena, rows * inputs);
	for (size_t i = 0; i < inputs; i++)
	{
		if (keep || i == 0)
		{
			lem_grn_acts_carve(arena, vsn->inputs, rows, &acts->input_grn[i]);
			acts->input_out[i] = lem_arena_reals(arena, rows * vsn->hidden);
		}
		else
		{
			acts->input_grn[i] = acts->input_grn[0];
			acts->input_out[i] = acts->input_out[0];
		}
	}
}

void
lem_vsn_decode(lem_arena *arena, int inputs, int width, int hidden, bool plain,
			   const lem_real *embedding, const lem_real *weights, const lem_real *grns,
			   lem_vsn *vsn)
{
	lem_real   *kernel = lem_arena_reals(arena, (size_t) inputs * width);
	lem_real   *bias = lem_arena_reals(arena, (size_t) inputs * width);
	lem_grn    *grn;
	lem_grn		measured;

	vsn->hidden = hidden;
	vsn->plain = plain;
	vsn->embedding = (lem_embedding) {inputs, width, kernel, bias};
	for (int i = 0; arena->base && i < inputs; i++)
		for (int e = 0; e < width; e++)
		{
			kernel[i * width + e] = embedding[(size_t) i * 2 * width + e];
			bias[i * width + e] = embedding[(size_t) i * 2 * width + width + e];
		}

	if (plain)
	{
		const size_t size = (size_t) width * inputs * hidden;

		vsn->plain_layer.in = width * inputs;
		vsn->plain_layer.out = hidden;
		vsn->plain_layer.w = lem_arena_copy(arena, weights, 0, size);
		vsn->plain_layer.b = lem_arena_copy(arena, weights, (int64_t) size, hidden);
		return;
	}
	grn = lem_arena_bytes(arena, inputs * sizeof(lem_grn));
	lem_grn_decode(arena, width * inputs, hidden, inputs, weights, &vsn->weights);
	for (int i = 0; i < inputs; i++)
		lem_grn_decode(arena, width, hidden, hidden,
					   arena->base ? grns + i * lem_grn_size(width, hidden, hidden) : NULL,
					   arena->base ? &grn[i] : &measured);
	vsn->inputs = grn;
}

void
lem_vsn_forward(const lem_vsn *vsn, const lem_kernels *kern, int rows, const lem_real *x,
				const lem_vsn_acts *acts, lem_real *y)
{
	const int	inputs = vsn->embedding.inputs;
	const int	width = vsn->embedding.width;
	const int	hidden = vsn->hidden;

	lem_embedding_forward(&vsn->embedding, rows, x, acts->by_input, acts->flat);
	if (vsn->plain)
	{
		lem_dense_forward(&vsn->plain_layer, rows, acts->flat, width * inputs, y, hidden);
		return;
	}
	lem_grn_forward(&vsn->weights, kern, rows, acts->flat, width * inputs, &acts->weights_grn,
					acts->logits, inputs);
	kern->softmax(rows, inputs, acts->logits, inputs, acts->weights, inputs);

	memset(y, 0, (size_t) rows * hidden * sizeof(lem_real));
	for (int i = 0; i < inputs; i++)
	{
		lem_grn_forward(&vsn->inputs[i], kern, rows, acts->by_input + (size_t) i * rows * width,
						width, &acts->input_grn[i], acts->input_out[i], hidden);
		kern->add_scaled(rows, hidden, acts->weights + i, inputs, acts->input_out[i], hidden,
						 y, hidden);
	}
}

/* The same without variable selection. */
static void
plain_backward(const lem_vsn *vsn, int rows, const lem_real *x, const lem_vsn_acts *acts,
			   const lem_real *dy, lem_scratch scratch, lem_real *dembedding, lem_real *dplain)
{
	const int	in = vsn->plain_layer.in;
	const int	hidden = vsn->hidden;
	const size_t embedded = (size_t) rows * in;
	lem_real   *dby_input = lem_scratch_reals(&scratch, embedded);
	lem_real   *dflat = lem_scratch_reals(&scratch, embedded);

	if (!scratch.base)
		return;
	memset(dby_input, 0, embedded * sizeof(lem_real));
	lem_dense_gradient(in, hidden, rows, acts->flat, in, dy, hidden, dplain,
					   dplain + (size_t) in * hidden);
	lem_dense_backward(&vsn->plain_layer, rows, dy, hidden, false, dflat, in);
	lem_embedding_backward(&vsn->embedding, rows, x, dby_input, dflat, dembedding);
}

void
lem_vsn_backward(const lem_vsn *vsn, const lem_kernels *kern, int rows, const lem_real *x,
				 const lem_vsn_acts *acts, const lem_real *dy, lem_scratch scratch,
				 lem_real *dembedding, lem_real *dweights, lem_real *dgrns)
{
	const int	inputs = vsn->embedding.inputs;
	const int	width = vsn->embedding.width;
	const int	hidden = vsn->hidden;
	const size_t embedded = (size_t) rows * inputs * width;
	const bool	compute = scratch.base != NULL;
	lem_real   *dby_input;
	lem_real   *dflat;
	lem_real   *dlogits;
	lem_real   *dout;

	if (vsn->plain)
	{
		plain_backward(vsn, rows, x, acts, dy, scratch, dembedding, dweights);
		return;
	}
	dby_input = lem_scratch_reals(&scratch, embedded);
	dflat = lem_scratch_reals(&scratch, embedded);
	dlogits = lem_scratch_reals(&scratch, (size_t) rows * inputs);
	dout = lem_scratch_reals(&scratch, (size_t) rows * hidden);
	if (compute)
	{
		memset(dby_input, 0, embedded * sizeof(lem_real));
		memset(dflat, 0, embedded * sizeof(lem_real));
	}
	for (int i = 0; i < inputs; i++)
	{
		for (int r = 0; compute && r < rows; r++)
		{
			const lem_real *d = dy + (size_t) r * hidden;
			const lem_real *out = acts->input_out[i] + (size_t) r * hidden;
			lem_real	weight = acts->weights[(size_t) r * inputs + i];
			lem_real	dot = 0;

			for (int j = 0; j < hidden; j++)
			{
				dot += d[j] * out[j];
				dout[(size_t) r * hidden + j] = weight * d[j];
			}
			dlogits[(size_t) r * inputs + i] = dot;
		}
		lem_grn_backward(&vsn->inputs[i], kern, rows,
						 compute ? acts->by_input + (size_t) i * rows * width : NULL, width,
						 &acts->input_grn[i], dout, hidden, scratch,
						 compute ? dgrns + i * lem_grn_size(width, hidden, hidden) : NULL,
						 compute ? dby_input + (size_t) i * rows * width : NULL, width);
	}
	/* softmax: d logit = weight * (d weight - sum of weight * d weight) */
	for (int r = 0; compute && r < rows; r++)
	{
		const lem_real *weights = acts->weights + (size_t) r * inputs;
		lem_real   *d = dlogits + (size_t) r * inputs;
		lem_real	sum = 0;

		for (int i = 0; i < inputs; i++)
			sum += weights[i] * d[i];
		for (int i = 0; i < inputs; i++)
			d[i] = weights[i] * (d[i] - sum);
	}
	lem_grn_backward(&vsn->weights, kern, rows, acts->flat, width * inputs, &acts->weights_grn,
					 dlogits, inputs, scratch, dweights, dflat, width * inputs);
	if (compute)
		lem_embedding_backward(&vsn->embedding, rows, x, dby_input, dflat, dembedding);
}

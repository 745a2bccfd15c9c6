/* vsn.c: the variable-selection network. */
#include <string.h>

#include "layers/vsn.h"
#include "parameters/params.h"

void
lem_vsn_acts_carve(lem_arena *arena, const lem_vsn *vsn, size_t rows, bool keep,
				   lem_vsn_acts *acts)
{
	const size_t inputs = vsn->embedding.inputs;
	const size_t width = vsn->embedding.width;
	const lem_grn shape = {.hidden = vsn->hidden, .out = vsn->hidden, .folded = vsn->folded};

	acts->flat = vsn->folded ? NULL : lem_arena_reals(arena, inputs * rows * width);
	acts->weights = NULL;
	if (vsn->plain)
		return;
	lem_grn_acts_carve(arena, &vsn->weights, rows, &acts->weights_grn);
	acts->logits = lem_arena_reals(arena, rows * inputs);
	acts->weights = lem_arena_reals(arena, rows * inputs);
	acts->table = lem_arena_bytes(arena, lem_distinct_table((int) rows) * sizeof(int));
	acts->distinct = lem_arena_bytes(arena, inputs * sizeof(int));
	for (size_t i = 0; i < inputs; i++)
	{
		acts->index[i] = lem_arena_bytes(arena, rows * sizeof(int));
		acts->values[i] = lem_arena_reals(arena, rows);
		if (keep || i == 0)
		{
			lem_grn_acts_carve(arena, &shape, rows, &acts->input_grn[i]);
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
			   lem_form form, lem_vsn *vsn)
{
	lem_real   *kernel = lem_arena_reals(arena, (size_t) inputs * width);
	lem_real   *bias = lem_arena_reals(arena, (size_t) inputs * width);
	lem_scalar_grn *grn;
	lem_scalar_grn measured;

	vsn->hidden = hidden;
	vsn->plain = plain;
	vsn->folded = form == LEM_FORM_FORWARD;
	vsn->embedding = (lem_embedding) {inputs, width, kernel, bias};
	for (int i = 0; arena->base && i < inputs; i++)
		for (int e = 0; e < width; e++)
		{
			kernel[e * inputs + i] = embedding[(size_t) i * 2 * width + e];
			bias[e * inputs + i] = embedding[(size_t) i * 2 * width + width + e];
		}

	if (plain)
	{
		const int	flat = width * inputs;

		lem_dense_carve(arena, vsn->folded ? inputs : flat, hidden, form, &vsn->plain_layer);
		if (arena->base && vsn->folded)
			lem_embedding_place(&vsn->embedding, &vsn->plain_layer, 0, weights,
								weights + (size_t) flat * hidden, hidden);
		else if (arena->base)
			lem_dense_place(&vsn->plain_layer, 0, weights, weights + (size_t) flat * hidden, hidden);
		return;
	}
	grn = lem_arena_bytes(arena, inputs * sizeof(lem_scalar_grn));
	lem_grn_decode(arena, width * inputs, hidden, inputs, vsn->folded ? &vsn->embedding : NULL,
				   weights, form, &vsn->weights);
	for (int i = 0; i < inputs; i++)
		lem_scalar_grn_decode(arena, width, hidden,
							  arena->base ? embedding + (size_t) i * 2 * width : NULL,
							  arena->base ? grns + i * lem_grn_size(width, hidden, hidden) : NULL, form,
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
	const lem_real *read = vsn->folded ? x : acts->flat;
	const int	read_width = vsn->folded ? inputs : width * inputs;

	if (!vsn->folded)
		lem_embedding_forward(&vsn->embedding, rows, x, acts->flat);
	if (vsn->plain)
	{
		lem_dense_forward(&vsn->plain_layer, kern, rows, read, read_width, y, hidden);
		return;
	}
	lem_grn_forward(&vsn->weights, kern, rows, read, read_width, &acts->weights_grn, acts->logits,
					inputs);
	kern->softmax(rows, inputs, acts->logits, inputs, acts->weights, inputs);

	memset(y, 0, (size_t) rows * hidden * sizeof(lem_real));
	for (int i = 0; i < inputs; i++)
	{
		acts->distinct[i] = lem_distinct(rows, x + i, inputs, acts->table, acts->values[i],
										 acts->index[i]);
		lem_scalar_grn_forward(&vsn->inputs[i], kern, acts->distinct[i], acts->values[i],
							   &acts->input_grn[i], acts->input_out[i]);
		for (int r = 0; r < rows; r++)
			kern->add_scaled(1, hidden, acts->weights + (size_t) r * inputs + i, 0,
							 acts->input_out[i] + (size_t) acts->index[i][r] * hidden, 0,
							 y + (size_t) r * hidden, 0);
	}
}

/* The same without variable selection. */
static void
plain_backward(const lem_vsn *vsn, const lem_kernels *kern, int rows, const lem_real *x,
			   const lem_vsn_acts *acts,
			   const lem_real *dy, lem_scratch scratch, lem_real *dembedding, lem_real *dplain)
{
	const int	in = vsn->plain_layer.in;
	const int	hidden = vsn->hidden;
	lem_real   *dflat = lem_scratch_reals(&scratch, (size_t) rows * in);

	if (!scratch.base)
		return;
	lem_dense_gradient(in, hidden, rows, acts->flat, in, dy, hidden, dplain,
					   dplain + (size_t) in * hidden);
	lem_dense_backward(&vsn->plain_layer, kern, rows, dy, hidden, false, dflat, in);
	lem_embedding_backward(&vsn->embedding, rows, x, dflat, dembedding);
}

void
lem_vsn_backward(const lem_vsn *vsn, const lem_kernels *kern, int rows, const lem_real *x,
				 const lem_vsn_acts *acts, const lem_real *dy, const lem_real *embedding,
				 const lem_real *grns, lem_scratch scratch, lem_real *dembedding,
				 lem_real *dweights, lem_real *dgrns)
{
	const int	inputs = vsn->embedding.inputs;
	const int	width = vsn->embedding.width;
	const int	hidden = vsn->hidden;
	const size_t flat = (size_t) rows * inputs * width;
	const int64_t grn_size = lem_grn_size(width, hidden, hidden);
	const bool	compute = scratch.base != NULL;
	lem_real   *dflat;
	lem_real   *dlogits;
	lem_real   *dout;

	if (vsn->plain)
	{
		plain_backward(vsn, kern, rows, x, acts, dy, scratch, dembedding, dweights);
		return;
	}
	dflat = lem_scratch_reals(&scratch, flat);
	dlogits = lem_scratch_reals(&scratch, (size_t) rows * inputs);
	dout = lem_scratch_reals(&scratch, (size_t) rows * hidden);
	if (!compute)
	{
		/* as if every number occurred once */
		lem_scalar_grn_backward(vsn->inputs, kern, width, rows, NULL, NULL, NULL, NULL, NULL,
								scratch, NULL, NULL);
		lem_grn_backward(&vsn->weights, kern, rows, NULL, 0, &acts->weights_grn, NULL, 0, scratch,
						 NULL, NULL, 0);
		return;
	}
	for (int i = 0; i < inputs; i++)
	{
		memset(dout, 0, (size_t) acts->distinct[i] * hidden * sizeof(lem_real));
		for (int r = 0; r < rows; r++)
		{
			const size_t weight_at = (size_t) r * inputs + i;
			const size_t row = (size_t) acts->index[i][r] * hidden;
			const lem_real *d = dy + (size_t) r * hidden;

			dlogits[weight_at] = kern->dot(hidden, d, acts->input_out[i] + row);
			kern->add_scaled(1, hidden, acts->weights + weight_at, 0, d, 0, dout + row, 0);
		}
		lem_scalar_grn_backward(&vsn->inputs[i], kern, width, acts->distinct[i], acts->values[i],
								&acts->input_grn[i], dout, embedding + (size_t) i * 2 * width,
								grns + i * grn_size, scratch, dembedding + (size_t) i * 2 * width,
								dgrns + i * grn_size);
	}
	/* softmax: d logit = weight * (d weight - sum of weight * d weight) */
	for (int r = 0; r < rows; r++)
	{
		const lem_real *weights = acts->weights + (size_t) r * inputs;
		lem_real   *d = dlogits + (size_t) r * inputs;
		lem_real	sum = 0;

		for (int i = 0; i < inputs; i++)
			sum += weights[i] * d[i];
		for (int i = 0; i < inputs; i++)
			d[i] = weights[i] * (d[i] - sum);
	}
	memset(dflat, 0, flat * sizeof(lem_real));
	lem_grn_backward(&vsn->weights, kern, rows, acts->flat, width * inputs, &acts->weights_grn,
					 dlogits, inputs, scratch, dweights, dflat, width * inputs);
	lem_embedding_backward(&vsn->embedding, rows, x, dflat, dembedding);
}

/* attention.c: causal multi-head self-attention. */
#include <math.h>
#include <string.h>

#include "kernels/blas.h"
#include "layers/attention.h"

void
lem_attention_acts_carve(lem_arena *arena, const lem_attention *attention, int rows, int asked,
						 lem_attention_acts *acts)
{
	const size_t width = attention->width;

	if (attention->heads == 0)
		asked = rows = 0;
	acts->query = lem_arena_reals(arena, asked * width);
	/* products read whole vectors of the last row */
	acts->key_value = lem_arena_reals(arena, rows * 2 * width + LEM_PANEL);
	acts->weights = lem_arena_reals(arena, (size_t) attention->heads * asked * rows);
	acts->mixed = lem_arena_reals(arena, asked * width);
	acts->scores = lem_arena_reals(arena, (size_t) rows * asked);
	acts->packed = lem_arena_reals(arena, attention->heads == 0 ? 0
								   : lem_packed_size((int) width / attention->heads, asked));
}

void
lem_attention_decode(lem_arena *arena, int width, int heads, const lem_real *tensors,
					 lem_form form, lem_attention *attention)
{
	const size_t square = (size_t) width * width;
	const size_t layer = square + width;

	attention->width = width;
	attention->heads = heads;
	if (heads == 0)
		return;
	lem_dense_carve(arena, width, width, form, &attention->query);
	lem_dense_carve(arena, width, 2 * width, form, &attention->key_value);
	lem_dense_carve(arena, width, width, form, &attention->output);
	if (!arena->base)
		return;
	lem_dense_place(&attention->query, 0, tensors, tensors + square, width);
	lem_dense_divide(&attention->query, sqrt((double) width / heads));
	for (int half = 0; half < 2; half++)
	{
		const lem_real *kernel = tensors + (1 + half) * layer;

		lem_dense_place(&attention->key_value, half * width, kernel, kernel + square, width);
	}
	lem_dense_place(&attention->output, 0, tensors + 3 * layer, tensors + 3 * layer + square,
					width);
}

void
lem_attention_forward(const lem_attention *attention, const lem_kernels *kern, int rows,
					  int first, int asked, const lem_real *x, const lem_attention_acts *acts,
					  lem_real *y)
{
	const int	width = attention->width;
	const int	heads = attention->heads;
	const int	depth = heads > 0 ? width / heads : 0;

	if (asked <= 0)
		return;
	if (heads == 0)
	{
		memcpy(y, x + (size_t) first * width, (size_t) asked * width * sizeof(lem_real));
		return;
	}
	lem_dense_forward(&attention->query, kern, asked, x + (size_t) first * width, width, acts->query,
					  width);
	lem_dense_forward(&attention->key_value, kern, rows, x, width, acts->key_value, 2 * width);
	for (int head = 0; head < attention->heads; head++)
	{
		lem_real   *weights = acts->weights + (size_t) head * asked * rows;
		const lem_real *key = acts->key_value + (size_t) head * depth;
		const lem_real *value = key + width;

		lem_packed	packed;

		/* keys times queries, as they need no transpose then; scores are turned instead */
		lem_pack(&packed, acts->packed, depth, asked);
		lem_pack_transposed(acts->packed, depth, asked, 0, acts->query + (size_t) head * depth,
							width, asked);
		kern->matmul(rows, key, 2 * width, &packed, NULL, false, acts->scores, asked);
		for (int r = 0; r < asked; r++)
		{
			lem_real   *row = weights + (size_t) r * rows;
			int			seen = first + r + 1;

			for (int i = 0; i < rows; i++)
				row[i] = i < seen ? acts->scores[(size_t) i * asked + r] : 0;
			kern->softmax(1, seen, row, rows, row, rows);
		}
		packed = (lem_packed) {rows, depth, value, false, 2 * width};
		kern->matmul(asked, weights, rows, &packed, NULL, false, acts->mixed + (size_t) head * depth,
					 width);
	}
	lem_dense_forward(&attention->output, kern, asked, acts->mixed, width, y, width);
}

void
lem_attention_backward(const lem_attention *attention, const lem_kernels *kern, int rows, int first, int asked,
					   const lem_real *x, const lem_attention_acts *acts, const lem_real *dy,
					   lem_scratch scratch, lem_real *gradient, lem_real *dx)
{
	const int	width = attention->width;
	const int	heads = attention->heads;
	const int	depth = heads > 0 ? width / heads : 0;
	const size_t square = (size_t) width * width;
	const size_t layer = square + width;
	lem_real   *dmixed;
	lem_real   *dquery;
	lem_real   *dkey_value;
	lem_real   *dweights;

	if (heads == 0)
	{
		for (size_t i = 0; scratch.base && i < (size_t) asked * width; i++)
			dx[(size_t) first * width + i] += dy[i];
		return;
	}
	dmixed = lem_scratch_reals(&scratch, (size_t) asked * width);
	dquery = lem_scratch_reals(&scratch, (size_t) asked * width);
	dkey_value = lem_scratch_reals(&scratch, (size_t) rows * 2 * width);
	dweights = lem_scratch_reals(&scratch, (size_t) asked * rows);
	if (!scratch.base || asked <= 0)
		return;
	lem_dense_gradient(width, width, asked, acts->mixed, width, dy, width, gradient + 3 * layer,
					   gradient + 3 * layer + square);
	lem_dense_backward(&attention->output, kern, asked, dy, width, false, dmixed, width);
	for (int head = 0; head < attention->heads; head++)
	{
		const lem_real *weights = acts->weights + (size_t) head * asked * rows;
		const size_t at = (size_t) head * depth;
		const lem_real *key = acts->key_value + at;

		lem_gemm(false, true, asked, rows, depth, 1, dmixed + at, width, key + width, 2 * width,
				 0, dweights, rows);
		lem_gemm(true, false, rows, depth, asked, 1, weights, rows, dmixed + at, width, 0,
				 dkey_value + at + width, 2 * width);
		/* softmax; masked weights are 0 and pass nothing on */
		for (int r = 0; r < asked; r++)
		{
			const lem_real *w = weights + (size_t) r * rows;
			lem_real   *d = dweights + (size_t) r * rows;
			lem_real	sum = 0;

			for (int i = 0; i < rows; i++)
				sum += w[i] * d[i];
			for (int i = 0; i < rows; i++)
				d[i] = w[i] * (d[i] - sum);
		}
		lem_gemm(false, false, asked, depth, rows, 1, dweights, rows, key, 2 * width, 0,
				 dquery + at, width);
		lem_gemm(true, false, rows, depth, asked, 1, dweights, rows, acts->query + at, width, 0,
				 dkey_value + at, 2 * width);
	}
	for (int half = 0; half < 2; half++)
		lem_dense_gradient(width, width, rows, x, width, dkey_value + half * width, 2 * width,
						   gradient + (1 + half) * layer, gradient + (1 + half) * layer + square);
	lem_dense_backward(&attention->key_value, kern, rows, dkey_value, 2 * width, true, dx, width);
	lem_dense_backward(&attention->query, kern, asked, dquery, width, true,
					   dx + (size_t) first * width, width);
	/* the query's stored kernel is without the scale that the layer applies */
	for (size_t i = 0; i < (size_t) asked * width; i++)
		dquery[i] /= (lem_real) sqrt((double) depth);
	lem_dense_gradient(width, width, asked, x + (size_t) first * width, width, dquery, width,
					   gradient, gradient + square);
}

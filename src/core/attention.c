/* attention.c: causal multi-head self-attention. */
#include <math.h>

#include "attention.h"
#include "blas.h"

void
lem_attention_acts_carve(lem_arena *arena, const lem_attention *attention, int rows, int asked,
						 lem_attention_acts *acts)
{
	const size_t width = attention->width;

	acts->query = lem_arena_reals(arena, asked * width);
	acts->key_value = lem_arena_reals(arena, rows * 2 * width);
	acts->weights = lem_arena_reals(arena, (size_t) attention->heads * asked * rows);
	acts->mixed = lem_arena_reals(arena, asked * width);
}

void
lem_attention_decode(lem_arena *arena, int width, int heads, const lem_real *tensors,
					 lem_attention *attention)
{
	const size_t square = (size_t) width * width;
	const size_t layer = square + width;
	lem_real   *query = lem_arena_reals(arena, layer);
	lem_real   *key_value = lem_arena_reals(arena, 2 * layer);
	lem_real   *output = lem_arena_reals(arena, layer);

	attention->width = width;
	attention->heads = heads;
	if (!arena->base)
		return;
	attention->query = (lem_dense) {width, width, query, query + square};
	attention->key_value = (lem_dense) {width, 2 * width, key_value, key_value + 2 * square};
	attention->output = (lem_dense) {width, width, output, output + square};

	for (size_t i = 0; i < layer; i++)
		query[i] = (lem_real) (tensors[i] / sqrt((double) width / heads));
	for (int half = 0; half < 2; half++)
	{
		const lem_real *kernel = tensors + (1 + half) * layer;

		lem_dense_place(key_value, key_value + 2 * square, width, 2 * width, half * width,
						kernel, kernel + square, width);
	}
	for (size_t i = 0; i < layer; i++)
		output[i] = tensors[3 * layer + i];
}

void
lem_attention_forward(const lem_attention *attention, const lem_kernels *kern, int rows,
					  int first, int asked, const lem_real *x, const lem_attention_acts *acts,
					  lem_real *y)
{
	const int	width = attention->width;
	const int	depth = width / attention->heads;

	if (asked <= 0)
		return;
	lem_dense_forward(&attention->query, asked, x + (size_t) first * width, width, acts->query,
					  width);
	lem_dense_forward(&attention->key_value, rows, x, width, acts->key_value, 2 * width);
	for (int head = 0; head < attention->heads; head++)
	{
		lem_real   *weights = acts->weights + (size_t) head * asked * rows;
		const lem_real *key = acts->key_value + (size_t) head * depth;
		const lem_real *value = key + width;

		lem_gemm(false, true, asked, rows, depth, 1, acts->query + (size_t) head * depth, width,
				 key, 2 * width, 0, weights, rows);
		for (int r = 0; r < asked; r++)
		{
			lem_real   *row = weights + (size_t) r * rows;
			int			seen = first + r + 1;

			kern->softmax(1, seen, row, rows, row, rows);
			for (int i = seen; i < rows; i++)
				row[i] = 0;
		}
		lem_gemm(false, false, asked, depth, rows, 1, weights, rows, value, 2 * width, 0,
				 acts->mixed + (size_t) head * depth, width);
	}
	lem_dense_forward(&attention->output, asked, acts->mixed, width, y, width);
}

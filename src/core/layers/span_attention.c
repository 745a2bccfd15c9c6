/* span_attention.c: causal self-attention over a fixed number of rows. */
#include <math.h>
#include <string.h>

#include "layers/span_attention.h"

void
lem_span_acts_carve(lem_arena *arena, const lem_span_attention *attention, size_t rows, bool keep,
					lem_span_acts *acts)
{
	const lem_attention *layer = &attention->layer;
	const size_t width = layer->width;
	const size_t weights = (size_t) layer->heads * attention->span;

	acts->keep = keep;
	if (layer->heads == 0)
		return;
	acts->query = lem_arena_reals(arena, rows * width);
	/* products read whole vectors of the last row */
	acts->key_value = lem_arena_reals(arena, rows * 2 * width + LEM_PANEL);
	acts->weights = lem_arena_reals(arena, (keep ? rows : 1) * weights);
	acts->mixed = lem_arena_reals(arena, rows * width);
	acts->scores = lem_arena_reals(arena, (size_t) layer->heads
								   * (attention->span + LEM_SPAN_BLOCK) * LEM_SPAN_BLOCK);
	acts->packed = lem_arena_reals(arena, lem_packed_size((int) width / layer->heads,
														  LEM_SPAN_BLOCK));
}

/* Weights (A x span) of row i of a block, from the block's scores, and what they mix. */
static void
mix_row(const lem_span_attention *attention, const lem_kernels *kern, int i, const lem_real *scores,
		const lem_real *key_value, lem_real *weights, lem_real *mixed)
{
	const int	width = attention->layer.width;
	const int	heads = attention->layer.heads;
	const int	depth = width / heads;
	const int	span = attention->span;

	for (int head = 0; head < heads; head++)
	{
		const lem_real *score = scores + (size_t) head * (span + LEM_SPAN_BLOCK) * LEM_SPAN_BLOCK;
		const lem_real *age = attention->age + (size_t) head * span;
		lem_real   *w = weights + (size_t) head * span;
		const lem_packed value = {span, depth, key_value + width + (size_t) head * depth, false,
			2 * width};

		for (int j = 0; j < span; j++)
			w[j] = score[(size_t) (i + j) * LEM_SPAN_BLOCK + i] + age[span - 1 - j];
		kern->softmax(1, span, w, span, w, span);
		kern->matmul(1, w, span, &value, NULL, false, mixed + (size_t) head * depth, width);
	}
}

void
lem_span_attention_forward(const lem_span_attention *attention, const lem_kernels *kern, size_t at,
						   int rows, int first, const lem_real *x, const lem_span_acts *acts,
						   lem_real *y)
{
	const lem_attention *layer = &attention->layer;
	const int	width = layer->width;
	const int	heads = layer->heads;
	const int	span = attention->span;
	const int	depth = heads > 0 ? width / heads : 0;
	const size_t block_scores = (size_t) (span + LEM_SPAN_BLOCK) * LEM_SPAN_BLOCK;
	lem_real   *query;
	lem_real   *key_value;
	lem_real   *mixed;

	if (first >= rows)
		return;
	if (heads == 0)
	{
		memcpy(y + (size_t) first * width, x + (size_t) first * width,
			   (size_t) (rows - first) * width * sizeof(lem_real));
		return;
	}
	query = acts->query + at * width;
	key_value = acts->key_value + at * 2 * width;
	mixed = acts->mixed + at * width;
	lem_dense_forward(&layer->query, kern, rows - first, x + (size_t) first * width, width,
					  query + (size_t) first * width, width);
	lem_dense_forward(&layer->key_value, kern, rows, x, width, key_value, 2 * width);
	for (int r = first; r < rows; r += LEM_SPAN_BLOCK)
	{
		const int	n = rows - r < LEM_SPAN_BLOCK ? rows - r : LEM_SPAN_BLOCK;
		const lem_real *seen = key_value + (size_t) (r - span + 1) * 2 * width;

		for (int head = 0; head < heads; head++)
		{
			lem_packed	packed;

			/* keys times queries, as they need no transpose then */
			lem_pack(&packed, acts->packed, depth, LEM_SPAN_BLOCK);
			lem_pack_transposed(acts->packed, depth, LEM_SPAN_BLOCK, 0,
								query + (size_t) r * width + (size_t) head * depth, width, n);
			kern->matmul(span - 1 + n, seen + (size_t) head * depth, 2 * width, &packed, NULL, false,
						 acts->scores + head * block_scores, LEM_SPAN_BLOCK);
		}
		for (int i = 0; i < n; i++)
			mix_row(attention, kern, i, acts->scores, seen + (size_t) i * 2 * width,
					acts->weights + (acts->keep ? (at + r + i) * heads * span : 0),
					mixed + (size_t) (r + i) * width);
	}
	lem_dense_forward(&layer->output, kern, rows - first, mixed + (size_t) first * width, width,
					  y + (size_t) first * width, width);
}

/*
 * One row and head back: from the gradient of what it mixed to those of its query, and of the keys and
 * values (row stride 2H) and age biases that it saw, which are added to.
 */
static void
row_backward(int span, int depth, int width, const lem_real *w, const lem_real *query,
			 const lem_real *key, const lem_real *dmixed, lem_real *dw, lem_real *dquery,
			 lem_real *dkey, lem_real *dage)
{
	lem_real	sum = 0;

	for (int j = 0; j < span; j++)
	{
		const lem_real *value = key + (size_t) j * 2 * width + width;
		lem_real   *dvalue = dkey + (size_t) j * 2 * width + width;
		lem_real	d = 0;

		for (int i = 0; i < depth; i++)
		{
			d += dmixed[i] * value[i];
			dvalue[i] += w[j] * dmixed[i];
		}
		dw[j] = d;
		sum += w[j] * d;
	}
	for (int j = 0; j < span; j++)
	{
		const lem_real d = w[j] * (dw[j] - sum);
		const lem_real *k = key + (size_t) j * 2 * width;
		lem_real   *dk = dkey + (size_t) j * 2 * width;

		dage[span - 1 - j] += d;
		for (int i = 0; i < depth; i++)
		{
			dquery[i] += d * k[i];
			dk[i] += d * query[i];
		}
	}
}

void
lem_span_attention_backward(const lem_span_attention *attention, const lem_kernels *kern, size_t at,
							int rows, int first, const lem_real *x, const lem_span_acts *acts,
							const lem_real *dy, lem_scratch scratch, lem_real *gradient,
							lem_real *dage, lem_real *dx)
{
	const lem_attention *layer = &attention->layer;
	const int	width = layer->width;
	const int	heads = layer->heads;
	const int	span = attention->span;
	const int	depth = heads > 0 ? width / heads : 0;
	const int	asked = rows - first;
	const size_t square = (size_t) width * width;
	const size_t tensor = square + width;
	const size_t first_at = (size_t) first * width;
	lem_real   *dmixed;
	lem_real   *dquery;
	lem_real   *dkey_value;
	lem_real   *dweights;

	if (heads == 0)
	{
		for (size_t i = first_at; scratch.base && i < (size_t) rows * width; i++)
			dx[i] += dy[i];
		return;
	}
	dmixed = lem_scratch_reals(&scratch, (size_t) asked * width);
	dquery = lem_scratch_reals(&scratch, (size_t) asked * width);
	dkey_value = lem_scratch_reals(&scratch, (size_t) rows * 2 * width);
	dweights = lem_scratch_reals(&scratch, span);
	if (!scratch.base || asked <= 0)
		return;
	lem_dense_gradient(width, width, asked, acts->mixed + at * width + first_at, width,
					   dy + first_at, width, gradient + 3 * tensor, gradient + 3 * tensor + square);
	lem_dense_backward(&layer->output, kern, asked, dy + first_at, width, false, dmixed, width);
	memset(dquery, 0, (size_t) asked * width * sizeof(lem_real));
	memset(dkey_value, 0, (size_t) rows * 2 * width * sizeof(lem_real));
	for (int r = first; r < rows; r++)
		for (int head = 0; head < heads; head++)
		{
			const size_t head_at = (size_t) head * depth;
			const size_t seen = (size_t) (r - span + 1) * 2 * width + head_at;

			row_backward(span, depth, width, acts->weights + ((at + r) * heads + head) * span,
						 acts->query + (at + r) * width + head_at,
						 acts->key_value + at * 2 * width + seen,
						 dmixed + (size_t) (r - first) * width + head_at, dweights,
						 dquery + (size_t) (r - first) * width + head_at, dkey_value + seen,
						 dage + (size_t) head * span);
		}
	for (int half = 0; half < 2; half++)
		lem_dense_gradient(width, width, rows, x, width, dkey_value + half * width, 2 * width,
						   gradient + (1 + half) * tensor, gradient + (1 + half) * tensor + square);
	lem_dense_backward(&layer->key_value, kern, rows, dkey_value, 2 * width, true, dx, width);
	lem_dense_backward(&layer->query, kern, asked, dquery, width, true, dx + first_at, width);
	/* the query's stored kernel is without the scale that the layer applies */
	for (size_t i = 0; i < (size_t) asked * width; i++)
		dquery[i] /= (lem_real) sqrt((double) depth);
	lem_dense_gradient(width, width, asked, x + first_at, width, dquery, width, gradient,
					   gradient + square);
}

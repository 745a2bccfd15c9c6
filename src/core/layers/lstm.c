/* lstm.c: the long short-term memory layer. */
#include <string.h>

#include "kernels/blas.h"
#include "layers/lstm.h"

void
lem_lstm_acts_carve(lem_arena *arena, const lem_lstm *lstm, int n, int rows, bool keep,
					lem_lstm_acts *acts)
{
	const size_t width = lstm->width;
	const size_t kept = (keep ? (size_t) rows : 1) * n;

	acts->keep = keep;
	acts->input = lem_arena_reals(arena, (size_t) n * rows * 4 * width);
	acts->gates = lem_arena_reals(arena, kept * 4 * width);
	acts->c = lem_arena_reals(arena, kept * width);
	acts->tanh_c = lem_arena_reals(arena, kept * width);
	acts->h = lem_arena_reals(arena, kept * width);
}

void
lem_lstm_decode(lem_arena *arena, int width, const lem_real *tensors, lem_form form,
				 lem_lstm *lstm)
{
	const size_t kernel = (size_t) width * 4 * width;
	lem_real   *recurrent;

	lstm->width = width;
	lem_dense_carve(arena, width, 4 * width, form, &lstm->input);
	recurrent = lem_arena_reals(arena, lem_packed_size(width, 4 * width));
	if (arena->base)
	{
		lem_dense_place(&lstm->input, 0, tensors, tensors + 2 * kernel, 4 * width);
		lem_pack(&lstm->recurrent, recurrent, width, 4 * width);
		lem_pack_rows(recurrent, width, 4 * width, 0, tensors + kernel, 4 * width, width);
	}
}

/* One row of one sample, from the gates before their activations; c is that of the row before. */
static void
cell(const lem_kernels *kern, int width, lem_real *gates, lem_real *c, lem_real *tanh_c,
	 lem_real *h)
{
	const lem_real *i = gates;
	const lem_real *f = gates + width;
	const lem_real *g = gates + 2 * width;
	const lem_real *o = gates + 3 * width;

	kern->sigmoid(2 * (size_t) width, gates, gates);
	kern->tanh(width, g, gates + 2 * width);
	kern->sigmoid(width, o, gates + 3 * width);
	for (int j = 0; j < width; j++)
		c[j] = f[j] * c[j] + i[j] * g[j];
	kern->tanh(width, c, tanh_c);
	for (int j = 0; j < width; j++)
		h[j] = o[j] * tanh_c[j];
}

lem_status
lem_lstm_forward(const lem_lstm *lstm, const lem_kernels *kern, int n, int rows,
				 const lem_real *x, const lem_lstm_acts *acts, lem_real *y, const lem_stop *stop)
{
	const int	width = lstm->width;
	const int	wide = 4 * width;
	const size_t row_size = (size_t) width * sizeof(lem_real);

	for (int i = 0; i < n; i++)
		lem_dense_forward(&lstm->input, kern, rows, x + (size_t) i * rows * width, width,
						  acts->input + (size_t) i * rows * wide, wide);
	for (int t = 0; t < rows; t++)
	{
		const size_t at = acts->keep ? (size_t) t * n : 0;
		const size_t before = acts->keep && t > 0 ? at - n : at;
		lem_real   *gates = acts->gates + at * wide;
		lem_real   *c = acts->c + at * width;
		lem_real   *h = acts->h + at * width;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		for (int i = 0; i < n; i++)
			memcpy(gates + (size_t) i * wide, acts->input + ((size_t) i * rows + t) * wide,
				   4 * row_size);
		if (t == 0)
			memset(c, 0, n * row_size);
		else
		{
			if (acts->keep)
				memcpy(c, acts->c + before * width, n * row_size);
			kern->matmul(n, acts->h + before * width, width, &lstm->recurrent, NULL, true, gates,
						 wide);
		}
		for (int i = 0; i < n; i++)
		{
			const size_t sample_at = (size_t) i * width;

			cell(kern, width, gates + 4 * sample_at, c + sample_at, acts->tanh_c + at * width + sample_at,
				 h + sample_at);
			memcpy(y + ((size_t) i * rows + t) * width, h + sample_at, row_size);
		}
	}
	return LEM_OK;
}

/*
 * One row of one sample: from dh to the gradients before the gates' activations; dc, coming from
 * the row after, becomes that of the row before, whose c is c_before (NULL: zeros).
 */
static void
cell_backward(int width, const lem_real *gates, const lem_real *tanh_c, const lem_real *c_before,
			  const lem_real *dh, lem_real *dc, lem_real *dgates)
{
	for (int j = 0; j < width; j++)
	{
		const lem_real i = gates[j];
		const lem_real f = gates[width + j];
		const lem_real g = gates[2 * width + j];
		const lem_real o = gates[3 * width + j];
		const lem_real d = dc[j] + dh[j] * o * (1 - tanh_c[j] * tanh_c[j]);

		dgates[j] = d * g * i * (1 - i);
		dgates[width + j] = c_before ? d * c_before[j] * f * (1 - f) : 0;
		dgates[2 * width + j] = d * i * (1 - g * g);
		dgates[3 * width + j] = dh[j] * tanh_c[j] * o * (1 - o);
		dc[j] = d * f;
	}
}

lem_status
lem_lstm_backward(const lem_lstm *lstm, const lem_kernels *kern, int n, int rows, const lem_real *x,
				  const lem_real *tensors, const lem_lstm_acts *acts, const lem_real *dy,
				  lem_scratch scratch, lem_real *gradient, lem_real *dx, const lem_stop *stop)
{
	const int	width = lstm->width;
	const int	wide = 4 * width;
	const size_t kernel = (size_t) width * wide;
	const size_t kept = (size_t) rows * n;
	lem_real   *dgates = lem_scratch_reals(&scratch, kept * wide);
	lem_real   *dinput = lem_scratch_reals(&scratch, kept * wide);
	lem_real   *dh = lem_scratch_reals(&scratch, (size_t) n * width);
	lem_real   *dc = lem_scratch_reals(&scratch, (size_t) n * width);

	if (!scratch.base)
		return LEM_OK;
	memset(dh, 0, (size_t) n * width * sizeof(lem_real));
	memset(dc, 0, (size_t) n * width * sizeof(lem_real));
	for (int t = rows - 1; t >= 0; t--)
	{
		const size_t here = (size_t) t * n;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		for (int i = 0; i < n; i++)
		{
			const lem_real *in = dy + ((size_t) i * rows + t) * width;
			lem_real   *to = dh + (size_t) i * width;

			for (int j = 0; j < width; j++)
				to[j] += in[j];
			cell_backward(width, acts->gates + (here + i) * wide, acts->tanh_c + (here + i) * width,
						  t > 0 ? acts->c + (here - n + i) * width : NULL, to,
						  dc + (size_t) i * width, dgates + (here + i) * wide);
			/* the input's product ran sample after sample */
			memcpy(dinput + ((size_t) i * rows + t) * wide, dgates + (here + i) * wide,
				   wide * sizeof(lem_real));
		}
		lem_gemm(false, true, n, width, wide, 1, dgates + here * wide, wide, tensors + kernel,
				 wide, 0, dh, width);
	}
	lem_dense_gradient(width, wide, n * rows, x, width, dinput, wide, gradient,
					   gradient + 2 * kernel);
	lem_dense_gradient(width, wide, (rows - 1) * n, acts->h, width, dgates + (size_t) n * wide,
					   wide, gradient + kernel, NULL);
	lem_dense_backward(&lstm->input, kern, n * rows, dinput, wide, false, dx, width);
	return LEM_OK;
}

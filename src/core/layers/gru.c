/* gru.c: the gated recurrent unit. */
#include <string.h>

#include "kernels/blas.h"
#include "layers/gru.h"

void
lem_gru_acts_carve(lem_arena *arena, const lem_gru *gru, int n, int rows, bool keep,
				   lem_gru_acts *acts)
{
	const size_t width = gru->width;
	const size_t kept = (keep ? (size_t) rows : 1) * n;

	acts->keep = keep;
	acts->input = lem_arena_reals(arena, (size_t) n * rows * 3 * width);
	acts->state = lem_arena_reals(arena, kept * 3 * width);
	acts->gates = lem_arena_reals(arena, kept * 3 * width);
	acts->h = lem_arena_reals(arena, kept * width);
}

void
lem_gru_decode(lem_arena *arena, int width, const lem_real *tensors, lem_form form,
				 lem_gru *gru)
{
	const size_t kernel = (size_t) width * 3 * width;
	lem_real   *recurrent;

	gru->width = width;
	lem_dense_carve(arena, width, 3 * width, form, &gru->input);
	gru->recurrent_bias = lem_arena_copy(arena, tensors, 2 * (int64_t) kernel + 3 * width,
										 3 * (size_t) width);
	recurrent = lem_arena_reals(arena, lem_packed_size(width, 3 * width));
	if (arena->base)
	{
		lem_dense_place(&gru->input, 0, tensors, tensors + 2 * kernel, 3 * width);
		lem_pack(&gru->recurrent, recurrent, width, 3 * width);
		lem_pack_rows(recurrent, width, 3 * width, 0, tensors + kernel, 3 * width, width);
	}
}

/* One row of one sample, from the input's part of the gates; h is that of the row before. */
static void
cell(const lem_kernels *kern, int width, const lem_real *state, lem_real *gates, lem_real *h)
{
	const lem_real *z = gates;
	const lem_real *r = gates + width;
	lem_real   *g = gates + 2 * width;

	for (int j = 0; j < 2 * width; j++)
		gates[j] += state[j];
	kern->sigmoid(2 * (size_t) width, gates, gates);
	for (int j = 0; j < width; j++)
		g[j] += r[j] * state[2 * width + j];
	kern->tanh(width, g, g);
	for (int j = 0; j < width; j++)
		h[j] = z[j] * h[j] + (1 - z[j]) * g[j];
}

lem_status
lem_gru_forward(const lem_gru *gru, const lem_kernels *kern, int n, int rows, const lem_real *x,
				const lem_gru_acts *acts, lem_real *y, const lem_stop *stop)
{
	const int	width = gru->width;
	const int	wide = 3 * width;
	const size_t row_size = (size_t) width * sizeof(lem_real);

	for (int i = 0; i < n; i++)
		lem_dense_forward(&gru->input, kern, rows, x + (size_t) i * rows * width, width,
						  acts->input + (size_t) i * rows * wide, wide);
	for (int t = 0; t < rows; t++)
	{
		const size_t at = acts->keep ? (size_t) t * n : 0;
		const size_t before = acts->keep && t > 0 ? at - n : at;
		lem_real   *state = acts->state + at * wide;
		lem_real   *gates = acts->gates + at * wide;
		lem_real   *h = acts->h + at * width;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		for (int i = 0; i < n; i++)
			memcpy(gates + (size_t) i * wide, acts->input + ((size_t) i * rows + t) * wide,
				   3 * row_size);
		if (t == 0)
		{
			memset(h, 0, n * row_size);
			for (int i = 0; i < n; i++)
				memcpy(state + (size_t) i * wide, gru->recurrent_bias, 3 * row_size);
		}
		else
		{
			if (acts->keep)
				memcpy(h, acts->h + before * width, n * row_size);
			kern->matmul(n, acts->h + before * width, width, &gru->recurrent, gru->recurrent_bias,
						 false, state, wide);
		}
		for (int i = 0; i < n; i++)
		{
			const size_t sample_at = (size_t) i * width;

			cell(kern, width, state + 3 * sample_at, gates + 3 * sample_at, h + sample_at);
			memcpy(y + ((size_t) i * rows + t) * width, h + sample_at, row_size);
		}
	}
	return LEM_OK;
}

/*
 * One row of one sample: from dh to the gradients of the gates before their activations and of k;
 * dh becomes what the row before gets directly, whose h is h_before (NULL: zeros).
 */
static void
cell_backward(int width, const lem_real *state, const lem_real *gates, const lem_real *h_before,
			  lem_real *dh, lem_real *dgates, lem_real *dstate)
{
	for (int j = 0; j < width; j++)
	{
		const lem_real z = gates[j];
		const lem_real r = gates[width + j];
		const lem_real g = gates[2 * width + j];
		const lem_real dz = dh[j] * ((h_before ? h_before[j] : 0) - g) * z * (1 - z);
		const lem_real dg = dh[j] * (1 - z) * (1 - g * g);
		const lem_real dr = dg * state[2 * width + j] * r * (1 - r);

		dgates[j] = dstate[j] = dz;
		dgates[width + j] = dstate[width + j] = dr;
		dgates[2 * width + j] = dg;
		dstate[2 * width + j] = dg * r;
		dh[j] *= z;
	}
}

lem_status
lem_gru_backward(const lem_gru *gru, const lem_kernels *kern, int n, int rows,
				 const lem_real *x, const lem_real *tensors,
				 const lem_gru_acts *acts, const lem_real *dy, lem_scratch scratch,
				 lem_real *gradient, lem_real *dx, const lem_stop *stop)
{
	const int	width = gru->width;
	const int	wide = 3 * width;
	const size_t kernel = (size_t) width * wide;
	const size_t kept = (size_t) rows * n;
	lem_real   *dstate = lem_scratch_reals(&scratch, kept * wide);
	lem_real   *dinput = lem_scratch_reals(&scratch, kept * wide);
	lem_real   *dh = lem_scratch_reals(&scratch, (size_t) n * width);
	lem_real   *dbias;

	if (!scratch.base)
		return LEM_OK;
	memset(dh, 0, (size_t) n * width * sizeof(lem_real));
	for (int t = rows - 1; t >= 0; t--)
	{
		const size_t here = (size_t) t * n;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		for (int i = 0; i < n; i++)
		{
			const size_t row = (size_t) i * rows + t;
			lem_real   *to = dh + (size_t) i * width;

			for (int j = 0; j < width; j++)
				to[j] += dy[row * width + j];
			cell_backward(width, acts->state + (here + i) * wide, acts->gates + (here + i) * wide,
						  t > 0 ? acts->h + (here - n + i) * width : NULL, to, dinput + row * wide,
						  dstate + (here + i) * wide);
		}
		lem_gemm(false, true, n, width, wide, 1, dstate + here * wide, wide, tensors + kernel,
				 wide, 1, dh, width);
	}
	dbias = gradient + 2 * kernel + wide;
	lem_dense_gradient(width, wide, n * rows, x, width, dinput, wide, gradient,
					   gradient + 2 * kernel);
	lem_dense_gradient(width, wide, (rows - 1) * n, acts->h, width, dstate + (size_t) n * wide,
					   wide, gradient + kernel, dbias);
	/* row 0 has no state before it, but the bias */
	for (int i = 0; i < n; i++)
		for (int j = 0; j < wide; j++)
			dbias[j] += dstate[(size_t) i * wide + j];
	lem_dense_backward(&gru->input, kern, n * rows, dinput, wide, false, dx, width);
	return LEM_OK;
}

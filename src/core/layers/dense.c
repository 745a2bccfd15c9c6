/* dense.c: dense layers. */
#include <string.h>

#include "kernels/blas.h"
#include "layers/dense.h"

void
lem_dense_carve(lem_arena *arena, int in, int out, lem_form form, lem_dense *dense)
{
	lem_real   *w = lem_arena_reals(arena, lem_packed_size(in, out));
	lem_real   *back = form == LEM_FORM_GRADIENT
		? lem_arena_reals(arena, lem_packed_size(out, in)) : NULL;
	lem_real   *b = lem_arena_reals(arena, out);

	dense->in = in;
	dense->out = out;
	dense->w = (lem_packed) {in, out, w, false, 0};
	dense->back = (lem_packed) {out, in, back, false, 0};
	dense->b = b;
	if (!arena->base)
		return;
	lem_pack(&dense->w, w, in, out);
	if (back)
		lem_pack(&dense->back, back, out, in);
	memset(b, 0, out * sizeof(lem_real));
}

/* The layer's own memory, which its users only read. */
static lem_real *
writable(const lem_real *p)
{
	return (lem_real *) (uintptr_t) p;
}

void
lem_dense_place(lem_dense *dense, int column, const lem_real *kernel, const lem_real *bias, int out)
{
	lem_pack_columns(writable(dense->w.data), dense->in, dense->out, column, kernel, out, out);
	if (dense->back.data)
		lem_pack_rows_transposed(writable(dense->back.data), dense->out, dense->in, column,
								 kernel, out, out);
	if (bias)
		memcpy(writable(dense->b) + column, bias, out * sizeof(lem_real));
}

void
lem_dense_place_behind(lem_dense *dense, int column, const lem_real *before,
					   const lem_real *before_bias, int inner, const lem_real *kernel,
					   const lem_real *bias, int out)
{
	/* a piece of the kernel: part of its rows, and as many columns as one panel has */
	enum {PIECE = 64};
	const lem_kernels *kern = lem_kernels_select();
	const int	in = dense->in;
	lem_real	data[PIECE * LEM_PANEL];
	int			run;

	for (int j = 0; j < out; j += run)
	{
		lem_real   *to = writable(dense->w.data)
			+ lem_packed_offset(in, dense->out, 0, column + j);
		const int	width = lem_packed_width(dense->out, column + j);

		run = lem_packed_run(column + j, out - j);
		for (int first = 0; first < inner; first += PIECE)
		{
			const int	k = inner - first < PIECE ? inner - first : PIECE;
			lem_packed	piece;

			lem_pack(&piece, data, k, run);
			lem_pack_columns(data, k, run, 0, kernel + (size_t) first * out + j, out, run);
			kern->matmul(in, before + first, inner, &piece, NULL, first > 0, to, width);
		}
	}
	for (int j = 0; j < out; j++)
	{
		double		sum = bias[j];

		for (int i = 0; i < inner; i++)
			sum += (double) before_bias[i] * kernel[(size_t) i * out + j];
		writable(dense->b)[column + j] = (lem_real) sum;
	}
}

static void
divide(lem_real *x, size_t n, double divisor)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (lem_real) (x[i] / divisor);
}

void
lem_dense_divide(lem_dense *dense, double divisor)
{
	divide(writable(dense->w.data), lem_packed_size(dense->in, dense->out), divisor);
	if (dense->back.data)
		divide(writable(dense->back.data), lem_packed_size(dense->out, dense->in), divisor);
	divide(writable(dense->b), dense->out, divisor);
}

void
lem_dense_set(lem_dense *dense, int row, int column, lem_real w)
{
	writable(dense->w.data)[lem_packed_offset(dense->in, dense->out, row, column)] = w;
}

void
lem_dense_set_bias(lem_dense *dense, int column, lem_real b)
{
	writable(dense->b)[column] = b;
}

void
lem_dense_forward(const lem_dense *dense, const lem_kernels *kern, int rows, const lem_real *x,
				  int ldx, lem_real *y, int ldy)
{
	kern->matmul(rows, x, ldx, &dense->w, dense->b, false, y, ldy);
}

void
lem_dense_gradient(int in, int out, int rows, const lem_real *x, int ldx, const lem_real *dy,
				   int lddy, lem_real *dw, lem_real *db)
{
	const lem_kernels *kern = lem_kernels_select();
	const lem_real one = 1;

	kern->outer(in, out, rows, x, ldx, dy, lddy, true, dw, out);
	if (db)
		kern->add_scaled(rows, out, &one, 0, dy, lddy, db, 0);
}

void
lem_dense_backward(const lem_dense *dense, const lem_kernels *kern, int rows, const lem_real *dy,
				   int lddy, bool add, lem_real *dx, int lddx)
{
	kern->matmul(rows, dy, lddy, &dense->back, NULL, add, dx, lddx);
}

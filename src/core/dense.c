/* dense.c: dense layers. */
#include <string.h>

#include "blas.h"
#include "dense.h"

void
lem_dense_forward(const lem_dense *dense, int rows, const lem_real *x, int ldx,
				  lem_real *y, int ldy)
{
	for (int r = 0; r < rows; r++)
		memcpy(y + (size_t) r * ldy, dense->b, dense->out * sizeof(lem_real));
	lem_gemm(false, false, rows, dense->out, dense->in, 1, x, ldx, dense->w, dense->out, 1, y, ldy);
}

void
lem_dense_place(lem_real *w, lem_real *b, int in, int width, int column,
				const lem_real *kernel, const lem_real *bias, int out)
{
	for (int i = 0; i < in; i++)
		for (int j = 0; j < out; j++)
			w[(size_t) i * width + column + j] = kernel[(size_t) i * out + j];
	for (int j = 0; j < out; j++)
		b[column + j] = bias ? bias[j] : 0;
}

void
lem_dense_gradient(int in, int out, int rows, const lem_real *x, int ldx, const lem_real *dy,
				   int lddy, lem_real *dw, lem_real *db)
{
	lem_gemm(true, false, in, out, rows, 1, x, ldx, dy, lddy, 1, dw, out);
	if (db)
		for (int r = 0; r < rows; r++)
			for (int j = 0; j < out; j++)
				db[j] += dy[(size_t) r * lddy + j];
}

void
lem_dense_backward(const lem_dense *dense, int rows, const lem_real *dy, int lddy, bool add,
				   lem_real *dx, int lddx)
{
	lem_gemm(false, true, rows, dense->in, dense->out, 1, dy, lddy, dense->w, dense->out,
			 add ? 1 : 0, dx, lddx);
}

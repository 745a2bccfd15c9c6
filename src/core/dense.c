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

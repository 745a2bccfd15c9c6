/*
 * dense.h: dense layers, y = x . w + b.
 */
#ifndef LEM_DENSE_H
#define LEM_DENSE_H

#include <stdbool.h>

#include "kernels.h"
#include "real.h"

/* A layer for many rows at a time. */
typedef struct lem_dense
{
	int			in;
	int			out;
	const lem_real *w;			/* in x out */
	const lem_real *b;			/* out */
} lem_dense;

/* y (rows x out, row stride ldy) = x (rows x in, row stride ldx) . w + b. */
extern void lem_dense_forward(const lem_dense *dense, int rows, const lem_real *x, int ldx,
							  lem_real *y, int ldy);

/*
 * Gradients: dw (in x out) and db (out, or NULL) of a layer that read x (rows x in) and whose output
 * has the gradient dy (rows x out, row stride lddy) are added to.  Columns of a wider layer have
 * gradients of their own: dy then points at the first of them.
 */
extern void lem_dense_gradient(int in, int out, int rows, const lem_real *x, int ldx,
							   const lem_real *dy, int lddy, lem_real *dw, lem_real *db);

/* dx (rows x in) = dy . w transposed, or added to it. */
extern void lem_dense_backward(const lem_dense *dense, int rows, const lem_real *dy, int lddy,
							   bool add, lem_real *dx, int lddx);

/* Copy a kernel and bias (in x out and out floats) into columns [column, column + out) of a
 * wider layer, w (in x width) and b (width). */
extern void lem_dense_place(lem_real *w, lem_real *b, int in, int width, int column,
							const lem_real *kernel, const lem_real *bias, int out);

#endif

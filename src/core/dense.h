/*
 * dense.h: dense layers, y = x . w + b.
 */
#ifndef LEM_DENSE_H
#define LEM_DENSE_H

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

/* Copy a kernel and bias (in x out and out floats) into columns [column, column + out) of a
 * wider layer, w (in x width) and b (width). */
extern void lem_dense_place(lem_real *w, lem_real *b, int in, int width, int column,
							const lem_real *kernel, const lem_real *bias, int out);

#endif

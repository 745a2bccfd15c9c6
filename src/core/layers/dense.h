/*
 * dense.h: dense layers, y = x . w + b.
 */
#ifndef LEM_DENSE_H
#define LEM_DENSE_H

#include <stdbool.h>

#include "base/arena.h"
#include "kernels/kernels.h"

/*
 * What a model is decoded for.  For a forward pass, layers with nothing but sums between them are
 * folded into one; for gradients every layer stands by itself, with the transpose of its weights.
 */
typedef enum lem_form
{
	LEM_FORM_FORWARD,
	LEM_FORM_GRADIENT
} lem_form;

/* A layer for many rows at a time. */
typedef struct lem_dense
{
	int			in;
	int			out;
	lem_packed	w;				/* in x out */
	lem_packed	back;			/* out x in: w transposed; no data without a backward pass */
	const lem_real *b;			/* out */
} lem_dense;

/* Take the memory of a layer, all zeros until its columns are placed. */
extern void lem_dense_carve(lem_arena *arena, int in, int out, lem_form form, lem_dense *dense);

/* Columns [column, column + out) of a layer: a kernel (in x out) and its bias (out, or NULL). */
extern void lem_dense_place(lem_dense *dense, int column, const lem_real *kernel,
							const lem_real *bias, int out);

/*
 * The same, behind a linear layer before it (in x inner, and its bias): x . (before . kernel) +
 * (before_bias . kernel + bias).  The layer has no transpose.
 */
extern void lem_dense_place_behind(lem_dense *dense, int column, const lem_real *before,
								   const lem_real *before_bias, int inner,
								   const lem_real *kernel, const lem_real *bias, int out);

/* Divide a layer's weights and bias by a number. */
extern void lem_dense_divide(lem_dense *dense, double divisor);

/* One number of the weights, one of the bias, of a layer without a transpose. */
extern void lem_dense_set(lem_dense *dense, int row, int column, lem_real w);
extern void lem_dense_set_bias(lem_dense *dense, int column, lem_real b);

/* y (rows x out, row stride ldy) = x (rows x in, row stride ldx) . w + b. */
extern void lem_dense_forward(const lem_dense *dense, const lem_kernels *kern, int rows,
							  const lem_real *x, int ldx, lem_real *y, int ldy);

/*
 * Gradients: dw (in x out) and db (out, or NULL) of a layer that read x (rows x in) and whose output
 * has the gradient dy (rows x out, row stride lddy) are added to.  Columns of a wider layer have
 * gradients of their own: dy then points at the first of them.
 */
extern void lem_dense_gradient(int in, int out, int rows, const lem_real *x, int ldx,
							   const lem_real *dy, int lddy, lem_real *dw, lem_real *db);

/* dx (rows x in) = dy . w transposed, or added to it. */
extern void lem_dense_backward(const lem_dense *dense, const lem_kernels *kern, int rows,
							   const lem_real *dy, int lddy, bool add, lem_real *dx, int lddx);

#endif

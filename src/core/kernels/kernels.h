/*
 * kernels.h: the primitive operations that all layers are made of.
 *
 * One source, kernels_impl.h, is compiled for each instruction set; lem_kernels_select()
 * picks the best one the processor has.  All matrices are row-major.  Every result depends
 * only on its own row of input, never on the number of rows handed over, so a batch of
 * one and a batch of many give the same bits.
 */
#ifndef LEM_KERNELS_H
#define LEM_KERNELS_H

#include <stdbool.h>

#include "base/real.h"

/* Columns of a full panel of a packed matrix, and of the vectors a panel is made of. */
#define LEM_PANEL 48
#define LEM_VECTOR 16

/*
 * A K x N weight matrix, rearranged once so that the product streams through it: panels of
 * LEM_PANEL columns (the last one LEM_VECTOR, 2 * LEM_VECTOR or LEM_PANEL wide, zero-padded),
 * each stored row by row.
 */
typedef struct lem_packed
{
	int			k;
	int			n;
	const lem_real *data;
	bool		from_last;		/* a product goes over the panels from the last: the same bits */

	/*
	 * Not packed at all: the rows of an ordinary matrix, so many numbers apart; whole vectors are
	 * read of each, of the last one too.
	 */
	int			ld;
} lem_packed;

/* Numbers that a packed K x N matrix takes (a multiple of LEM_VECTOR). */
extern size_t lem_packed_size(int k, int n);

/* Where element (row, column) lies, the width of that column's panel, and how many of the n columns
 * from this one on are in it. */
extern size_t lem_packed_offset(int k, int n, int row, int column);
extern int	lem_packed_width(int n, int column);
extern int	lem_packed_run(int column, int n);

/* Copy columns [column, column + n) of the packed matrix from w (K x n, row stride ldw). */
extern void lem_pack(lem_packed *p, lem_real *data, int k, int n);
extern void lem_pack_columns(lem_real *data, int k, int n_total, int column,
							 const lem_real *w, int ldw, int n);
/* The same from rows of w (n x k): columns of its transpose. */
extern void lem_pack_transposed(lem_real *data, int k, int n_total, int column,
								const lem_real *w, int ldw, int n);
/* The same for rows [row, row + rows) of all columns. */
extern void lem_pack_rows(lem_real *data, int k_total, int n, int row,
						  const lem_real *w, int ldw, int rows);
/* The same from columns of w (n x rows): rows of its transpose. */
extern void lem_pack_rows_transposed(lem_real *data, int k_total, int n, int row,
									 const lem_real *w, int ldw, int rows);

typedef enum lem_activation
{
	LEM_ACTIVATION_LINEAR,
	LEM_ACTIVATION_RELU,
	LEM_ACTIVATION_TANH,
	LEM_ACTIVATION_SIGMOID,
	LEM_ACTIVATION_ELU,
	LEM_ACTIVATION_SOFTPLUS
} lem_activation;

/* Uniform B-spline bases: order P, G intervals over [low, high], G + P bases an input. */
typedef struct lem_spline
{
	int			order;
	int			intervals;
	double		low;
	double		high;
} lem_spline;

/* Highest spline order a config may name. */
#define LEM_MAX_SPLINE_ORDER 5

typedef struct lem_kernels
{
	const char *name;

	/*
	 * c (M x N, row stride ldc) = a (M x K, row stride lda) . w + start, where start is the
	 * bias (N, or NULL for zeros), or with accumulate what c holds.
	 *
	 * A single row reads no weights that its zeros meet; its bits are still those it has among
	 * others, but for the sign of a zero.
	 */
	void		(*matmul) (int m, const lem_real *a, int lda, const lem_packed *w,
						   const lem_real *bias, bool accumulate, lem_real *c, int ldc);

	/*
	 * c (M x N, row stride ldc) = a (K x M, row stride lda), transposed, times b (K x N, row stride
	 * ldb), or that added to what c holds: the gradient of weights.
	 */
	void		(*outer) (int m, int n, int k, const lem_real *a, int lda, const lem_real *b,
						  int ldb, bool add, lem_real *c, int ldc);

	/* The sum of a[i] * b[i]. */
	lem_real	(*dot) (size_t n, const lem_real *a, const lem_real *b);

	/*
	 * y[i] = f(x[i]); x and y may be the same.  Results are off by at most 2 units in the last
	 * place, of tanh and sigmoid by 3; below the normal range by less than the smallest normal
	 * number.
	 */
	void		(*exp) (size_t n, const lem_real *x, lem_real *y);
	void		(*tanh) (size_t n, const lem_real *x, lem_real *y);
	void		(*sigmoid) (size_t n, const lem_real *x, lem_real *y);
	void		(*elu) (size_t n, const lem_real *x, lem_real *y);
	void		(*softplus) (size_t n, const lem_real *x, lem_real *y);
	void		(*relu) (size_t n, const lem_real *x, lem_real *y);

	/* d[i] = 0 where y[i], relu's answer, is not above zero. */
	void		(*relu_backward) (size_t n, const lem_real *y, lem_real *d);

	/* d[i] *= the slope of elu where its answer is y[i]: 1 above zero, y[i] + 1 below. */
	void		(*elu_backward) (size_t n, const lem_real *y, lem_real *d);

	/* Rows of [d | g], each n wide (row stride ldx): y = skip + d * sigmoid(g); skip may be NULL. */
	void		(*glu) (int rows, int n, const lem_real *x, int ldx,
						const lem_real *skip, int ldskip, lem_real *y, int ldy);

	/* y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, row by row over n; two passes. */
	void		(*layer_norm) (int rows, int n, const lem_real *x, int ldx, const lem_real *gamma,
							   const lem_real *beta, lem_real *y, int ldy);

	/* Of the above: dgamma and dbeta are added to, dx is set. */
	void		(*layer_norm_backward) (int rows, int n, const lem_real *x, int ldx,
										const lem_real *gamma, const lem_real *dy, int lddy,
										lem_real *dgamma, lem_real *dbeta, lem_real *dx, int lddx);

	/* Of glu: dx = [dy * sigmoid(g) | dy * d * sigmoid'(g)]; the skip's gradient is dy itself. */
	void		(*glu_backward) (int rows, int n, const lem_real *x, int ldx, const lem_real *dy,
								 int lddy, lem_real *dx, int lddx);

	/*
	 * One row of the recurrent cell's state update: gates (3n, before the sigmoid) are i, f, g;
	 * c = f * c + i * candidate, candidate = tanh(g) or, with linear, g.  gates is overwritten
	 * by its sigmoid.
	 */
	void		(*cell) (int n, lem_real *gates, bool linear, lem_real *c);

	/* h = sigmoid(o) * tanh(c); o is overwritten by its sigmoid. */
	void		(*cell_output) (int n, lem_real *o, const lem_real *c, lem_real *h);

	/*
	 * What the KAN's weights multiply: row = [relu(z) | basis 0 of all z | basis 1 of all
	 * z | ...], each n wide.  A basis is zero where z is outside its knots or not finite.
	 */
	void		(*kan_expand) (const lem_spline *spline, int n, const lem_real *z, lem_real *row);

	/*
	 * dz = gradient of z, from drow: [n wide of the relu | bases of z[0] | bases of z[1] | ...],
	 * input after input, as the weights are stored.
	 */
	void		(*kan_backward) (const lem_spline *spline, int n, const lem_real *z,
								 const lem_real *drow, lem_real *dz);

	/* One row: from dh and the kept o, c, gates (after the sigmoid), with dc coming from the row
	 * after, to the gradients before the sigmoids of o and the gates; dc becomes that of the row
	 * before. */
	void		(*cell_backward) (int n, bool linear, const lem_real *gates, const lem_real *o,
								  const lem_real *c, const lem_real *c_before, const lem_real *dh,
								  lem_real *dc, lem_real *do_, lem_real *dgates);

	/* y = softmax(x) over n, for each row. */
	void		(*softmax) (int rows, int n, const lem_real *x, int ldx, lem_real *y, int ldy);

	/* y += w * x, n wide, with one w a row (stride ldw). */
	void		(*add_scaled) (int rows, int n, const lem_real *w, int ldw,
							   const lem_real *x, int ldx, lem_real *y, int ldy);
} lem_kernels;

/* LayerNorm's epsilon (model page, section 2). */
#define LEM_NORM_EPSILON 1e-3

/* The best set of kernels for this processor. */
extern const lem_kernels *lem_kernels_select(void);

/* Set number i, for tests and benchmarks; NULL past the last, or if the processor lacks it. */
extern const lem_kernels *lem_kernels_get(int i);

/* y[i] = f(x[i]) for any activation. */
extern void lem_activate(const lem_kernels *kern, lem_activation f, size_t n,
						 const lem_real *x, lem_real *y);

#endif

/*
 * grn.h: the gated residual network (model page, section 2).
 *
 *   skip = x W_s + b_s;  e = elu(x W_1 + b_1);  h = e W_2 + b_2;
 *   y = LayerNorm(skip + (h W_d + b_d) * sigmoid(h W_g + b_g))
 *
 * W_s and W_1 share their input, as W_d and W_g do: each pair is one layer here.  Decoded for a forward
 * pass, W_2 and the pair behind it are one layer too.
 */
#ifndef LEM_GRN_H
#define LEM_GRN_H

#include "layers/embedding.h"

typedef struct lem_grn
{
	int			in;
	int			hidden;
	int			out;
	lem_dense	first;			/* in -> out + hidden: skip, then hidden_1 */
	bool		folded;			/* second is part of gate */
	lem_dense	second;			/* hidden -> hidden */
	lem_dense	gate;			/* hidden -> 2 * out: dense, then gated */
	const lem_real *gamma;		/* out */
	const lem_real *beta;		/* out */
} lem_grn;

/* What a forward pass leaves behind, rows x ...; a backward pass reads it. */
typedef struct lem_grn_acts
{
	lem_real   *first;			/* out + hidden: skip, elu */
	lem_real   *second;			/* hidden */
	lem_real   *gate;			/* 2 * out: before the sigmoid */
	lem_real   *sum;			/* out: before the norm */
} lem_grn_acts;

extern void lem_grn_acts_carve(lem_arena *arena, const lem_grn *grn, size_t rows,
							   lem_grn_acts *acts);

/*
 * Decode a GRN from its tensors (in table order; NULL when measuring).  With an embedding, which reads
 * in / E numbers, the first layers read those numbers themselves.
 */
extern void lem_grn_decode(lem_arena *arena, int in, int hidden, int out,
						   const lem_embedding *embedding, const lem_real *tensors, lem_form form,
						   lem_grn *grn);

/* y (rows x out, row stride ldy) of x (rows x in, row stride ldx). */
extern void lem_grn_forward(const lem_grn *grn, const lem_kernels *kern, int rows,
							const lem_real *x, int ldx, const lem_grn_acts *acts,
							lem_real *y, int ldy);

/*
 * dx (rows x in, row stride lddx; NULL if nobody asks) is added to, and gradient (the GRN's tensors in
 * table order) too, from dy (rows x out, row stride lddy).
 */
extern void lem_grn_backward(const lem_grn *grn, const lem_kernels *kern, int rows,
							 const lem_real *x, int ldx, const lem_grn_acts *acts,
							 const lem_real *dy, int lddy, lem_scratch scratch,
							 lem_real *gradient, lem_real *dx, int lddx);

#endif

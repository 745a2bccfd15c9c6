/*
 * scalar_grn.h: the GRN of one embedded input (model page, section 2), a function of one number.
 *
 * An embedding and the dense layers behind it have nothing but sums between them: with the embedding
 * x k + c, the GRN's first layers (skip and hidden, side by side) are x slope + offset, where
 * slope = k W and offset = c W + b.  And as its answer depends on that number alone, it is
 * computed once for each number that occurs.
 */
#ifndef LEM_SCALAR_GRN_H
#define LEM_SCALAR_GRN_H

#include "layers/grn.h"

typedef struct lem_scalar_grn
{
	int			hidden;			/* H: of the hidden layers and of the answer */
	const lem_real *slope;		/* 2H: skip, then hidden_1 */
	const lem_real *offset;		/* 2H */
	bool		folded;			/* second is part of gate */
	lem_dense	second;			/* H -> H */
	lem_dense	gate;			/* H -> 2H: dense, then gated */
	const lem_real *gamma;		/* H */
	const lem_real *beta;		/* H */
} lem_scalar_grn;

/*
 * embedding (kernel, then bias: 2E) and tensors (those of a GRN E -> H -> H, in table order) may be NULL
 * when measuring.
 */
extern void lem_scalar_grn_decode(lem_arena *arena, int width, int hidden,
								  const lem_real *embedding, const lem_real *tensors,
								  lem_form form, lem_scalar_grn *grn);

/* y (n x H) of numbers x (n).  A row's bits depend on its number only. */
extern void lem_scalar_grn_forward(const lem_scalar_grn *grn, const lem_kernels *kern, int n,
								   const lem_real *x, const lem_grn_acts *acts, lem_real *y);

/*
 * The gradients of the embedding and of the tensors are added to, from dy (n x H); embedding and
 * tensors are what the GRN was decoded from.
 */
extern void lem_scalar_grn_backward(const lem_scalar_grn *grn, const lem_kernels *kern, int width,
									int n, const lem_real *x, const lem_grn_acts *acts,
									const lem_real *dy, const lem_real *embedding,
									const lem_real *tensors, lem_scratch scratch,
									lem_real *dembedding, lem_real *dtensors);

/*
 * The different numbers among x[0], x[stride], ..., n of them: values receives each once, in the order of
 * its first place, and index which of them each is.  table is scratch space for lem_distinct_table(n)
 * ints.  Returns how many there are.
 */
extern int	lem_distinct_table(int n);
extern int	lem_distinct(int n, const lem_real *x, int stride, int *table, lem_real *values,
						 int *index);

#endif

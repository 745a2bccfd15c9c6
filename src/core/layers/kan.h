/*
 * kan.h: the sub-layers of a recurrent layer: a Kolmogorov-Arnold layer with B-splines, or a
 * dense layer with an activation (model page, section 2).
 *
 *   z = LayerNorm(a);  y = relu(z) W_b + b_b + S(z) W_s
 */
#ifndef LEM_KAN_H
#define LEM_KAN_H

#include "base/arena.h"
#include "kernels/kernels.h"
#include "parameters/config.h"

typedef struct lem_kan
{
	lem_sub_layer kind;
	int			width;			/* H */
	int			expanded;		/* inputs of weights: H * (1 + bases), or H for a dense layer */
	const lem_real *gamma;		/* H; KAN only */
	const lem_real *beta;		/* H; KAN only */

	/*
	 * expanded x H.  Rows of a KAN: base weights, then spline weights basis after basis (the
	 * stored tensor is input after input): the order in which lem_kernels.kan_expand writes.
	 */
	lem_packed	weights;
	const lem_real *bias;		/* H */
} lem_kan;

extern void lem_kan_decode(lem_arena *arena, const lem_sub_layer *kind, int width,
						   const lem_real *tensors, lem_kan *kan);

/*
 * y (rows x H, row stride ldy) of a (rows x H, row stride lda).  z (rows x H) and expanded
 * (rows x kan->expanded) keep what a backward pass needs.
 */
extern void lem_kan_forward(const lem_kan *kan, const lem_kernels *kern, int rows,
							const lem_real *a, int lda, bool from_last, lem_real *z, lem_real *expanded,
							lem_real *y, int ldy);

/* The transpose of the sub-layer's weights (tensors, as stored), packed in scratch space. */
extern void lem_kan_transpose(const lem_kan *kan, const lem_real *tensors, lem_scratch *scratch,
							  lem_packed *transposed);

/*
 * da (rows x H, row stride ldda) is set from dy (rows x H, row stride lddy), and the norm's part of
 * gradient added to.  dpre (rows x H, row stride lddpre; may be dy) receives the gradient before a
 * dense sub-layer's activation, or a copy of dy.  transposed is of lem_kan_transpose(); gradient is
 * the sub-layer's, as stored.
 */
extern void lem_kan_backward(const lem_kan *kan, const lem_kernels *kern, int rows,
							 const lem_packed *transposed, const lem_real *a, int lda,
							 const lem_real *z, const lem_real *y, int ldy,
							 const lem_real *dy, int lddy, lem_scratch scratch,
							 lem_real *gradient, lem_real *dpre, int lddpre,
							 lem_real *da, int ldda);

/* The weights' and bias's part of gradient, for all rows of a pass at once. */
extern void lem_kan_gradient(const lem_kan *kan, int rows, const lem_real *a, int lda,
							 const lem_real *expanded, const lem_real *dpre, int lddpre,
							 lem_real *gradient);

#endif

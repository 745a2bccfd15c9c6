/*
 * attention.h: causal multi-head self-attention (model page, section 2).
 *
 * q, k, v of each row with biases, q scaled by 1 / sqrt(H / A); row t attends to rows 0 .. t.
 *
 * With 0 heads there is no attention: a row's output is the row itself.
 */
#ifndef LEM_ATTENTION_H
#define LEM_ATTENTION_H

#include "base/arena.h"
#include "layers/dense.h"

typedef struct lem_attention
{
	int			width;			/* H */
	int			heads;			/* A; 0: none */
	lem_dense	query;			/* H -> H, the scale within */
	lem_dense	key_value;		/* H -> 2H: keys, then values */
	lem_dense	output;			/* H -> H */
} lem_attention;

/* What a pass leaves behind; q rows are those asked for, k rows all. */
typedef struct lem_attention_acts
{
	lem_real   *query;			/* asked x H */
	lem_real   *key_value;		/* rows x 2H */
	lem_real   *weights;		/* A x asked x rows: attention weights, 0 where masked */
	lem_real   *mixed;			/* asked x H: before the output layer */
	lem_real   *scores;			/* scratch space: rows x asked */
	lem_real   *packed;			/* scratch space: one head's queries, transposed and packed */
} lem_attention_acts;

extern void lem_attention_acts_carve(lem_arena *arena, const lem_attention *attention, int rows,
									 int asked, lem_attention_acts *acts);

extern void lem_attention_decode(lem_arena *arena, int width, int heads, const lem_real *tensors,
								 lem_form form, lem_attention *attention);

/*
 * y (asked x H): the outputs of rows first .. first + asked - 1 of x (rows x H).
 */
extern void lem_attention_forward(const lem_attention *attention, const lem_kernels *kern,
								  int rows, int first, int asked, const lem_real *x,
								  const lem_attention_acts *acts, lem_real *y);

/*
 * dx (rows x H) is added to, and gradient (the layer's tensors in table order) too, from dy
 * (asked x H).
 */
extern void lem_attention_backward(const lem_attention *attention, const lem_kernels *kern,
								   int rows, int first, int asked,
								   const lem_real *x, const lem_attention_acts *acts,
								   const lem_real *dy, lem_scratch scratch, lem_real *gradient,
								   lem_real *dx);

#endif

/*
 * span_attention.h: causal self-attention in which a row sees a fixed number of rows: itself and those
 * before it, span in all.
 *
 * As attention.h, with a number added to each score by head and age, the rows that lie between the two:
 * without it a row could not tell the order of those that it sees.  A row's output is a function of
 * the rows of its span alone, bit for bit, whatever else is computed with it.
 *
 * Tensor age_bias: A x span, age 0 (the row itself) first.
 */
#ifndef LEM_SPAN_ATTENTION_H
#define LEM_SPAN_ATTENTION_H

#include "layers/attention.h"

/* Rows whose scores are one product. */
#define LEM_SPAN_BLOCK 16

typedef struct lem_span_attention
{
	lem_attention layer;
	int			span;
	const lem_real *age;		/* A x span */
} lem_span_attention;

/* What a pass over rows leaves behind; where nothing is kept, weights are those of one row. */
typedef struct lem_span_acts
{
	bool		keep;
	lem_real   *query;			/* rows x H */
	lem_real   *key_value;		/* rows x 2H */
	lem_real   *weights;		/* [rows x] A x span: oldest row first */
	lem_real   *mixed;			/* rows x H: before the output layer */
	lem_real   *scores;			/* scratch space */
	lem_real   *packed;
} lem_span_acts;

extern void lem_span_acts_carve(lem_arena *arena, const lem_span_attention *attention, size_t rows,
								bool keep, lem_span_acts *acts);

/*
 * y (rows x H): outputs of rows first .. rows - 1 of x (rows x H), of which the first has span - 1
 * rows before it; those before are left alone.  at: where in the buffers the rows begin.
 */
extern void lem_span_attention_forward(const lem_span_attention *attention, const lem_kernels *kern,
									   size_t at, int rows, int first, const lem_real *x,
									   const lem_span_acts *acts, lem_real *y);

/*
 * dx (rows x H), gradient (the layer's tensors in table order) and dage are added to, from dy
 * (rows x H) of rows first and later.
 */
extern void lem_span_attention_backward(const lem_span_attention *attention,
										const lem_kernels *kern, size_t at, int rows, int first,
										const lem_real *x, const lem_span_acts *acts,
										const lem_real *dy, lem_scratch scratch,
										lem_real *gradient, lem_real *dage, lem_real *dx);

#endif

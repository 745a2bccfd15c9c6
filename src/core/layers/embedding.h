/*
 * embedding.h: each standard input's own dense layer 1 -> E (model page, section 2).
 */
#ifndef LEM_EMBEDDING_H
#define LEM_EMBEDDING_H

#include "layers/dense.h"
#include "parameters/config.h"

typedef struct lem_embedding
{
	int			inputs;			/* F */
	int			width;			/* E */
	const lem_real *kernel;		/* E x F */
	const lem_real *bias;		/* E x F */
} lem_embedding;

/* y: rows x (E * F), column e * F + i, of x: rows x F. */
extern void lem_embedding_forward(const lem_embedding *embedding, int rows, const lem_real *x,
								  lem_real *y);

/*
 * Columns [column, column + out) of a dense layer that reads the F numbers themselves instead of their
 * embeddings, as kernel (E * F x out) and bias (out) do: both are sums, so one layer is enough.
 */
extern void lem_embedding_place(const lem_embedding *embedding, lem_dense *dense, int column,
								const lem_real *kernel, const lem_real *bias, int out);

/* gradient (F x (E kernel, E bias), as stored) is added to, from dy (rows x (E * F)). */
extern void lem_embedding_backward(const lem_embedding *embedding, int rows, const lem_real *x,
								   const lem_real *dy, lem_real *gradient);

#endif

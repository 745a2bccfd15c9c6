/*
 * embedding.h: each standard input's own dense layer 1 -> E (model page, section 2).
 */
#ifndef LEM_EMBEDDING_H
#define LEM_EMBEDDING_H

#include "real.h"

typedef struct lem_embedding
{
	int			inputs;			/* F */
	int			width;			/* E */
	const lem_real *kernel;		/* F x E */
	const lem_real *bias;		/* F x E */
} lem_embedding;

/*
 * x: rows x F.  by_input: F blocks of rows x E, input after input, as the per-input GRNs read it;
 * flat: rows x (E * F), column e * F + i, as the variable-selection GRN reads it.
 */
extern void lem_embedding_forward(const lem_embedding *embedding, int rows, const lem_real *x,
								  lem_real *by_input, lem_real *flat);

/*
 * gradient (F x (E kernel, E bias), as stored) is added to, from the gradients of both outputs:
 * dby_input (F x rows x E) and dflat (rows x (E * F)).
 */
extern void lem_embedding_backward(const lem_embedding *embedding, int rows, const lem_real *x,
								   const lem_real *dby_input, const lem_real *dflat,
								   lem_real *gradient);

#endif

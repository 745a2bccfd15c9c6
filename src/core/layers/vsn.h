/*
 * vsn.h: the variable-selection network (model page, section 2).
 *
 * weights = softmax(GRN(flattened embeddings)) over the F inputs;
 * y = sum over inputs i of weights[i] * GRN_i(embedding of input i).
 *
 * Without variable selection y is one dense layer of the flattened embeddings.
 */
#ifndef LEM_VSN_H
#define LEM_VSN_H

#include "layers/embedding.h"
#include "layers/scalar_grn.h"
#include "parameters/config.h"

typedef struct lem_vsn
{
	lem_embedding embedding;
	bool		plain;			/* no variable selection: plain_layer alone */
	bool		folded;			/* the embedding is part of the layers that follow */
	lem_dense	plain_layer;	/* E * F -> H; folded F -> H */
	lem_grn		weights;		/* E * F -> H -> F; folded F -> H -> F */
	const lem_scalar_grn *inputs;	/* F of them */
	int			hidden;			/* H */
} lem_vsn;

/* What a forward pass over rows rows leaves behind; every input's where they are kept. */
typedef struct lem_vsn_acts
{
	lem_real   *flat;			/* rows x (E * F): the embeddings, where they are not folded */
	lem_grn_acts weights_grn;
	lem_real   *logits;			/* rows x F: before the softmax */
	lem_real   *weights;		/* rows x F: the variable weights; NULL where there are none */
	int		   *table;			/* scratch space of lem_distinct() */
	int		   *distinct;		/* F: how many different numbers an input has */
	int		   *index[LEM_MAX_FEATURES + 2];	/* rows: which of them a row has */
	lem_real   *values[LEM_MAX_FEATURES + 2];	/* those numbers; what follows has a row for each */
	lem_grn_acts input_grn[LEM_MAX_FEATURES + 2];
	lem_real   *input_out[LEM_MAX_FEATURES + 2];	/* H */
} lem_vsn_acts;

extern void lem_vsn_acts_carve(lem_arena *arena, const lem_vsn *vsn, size_t rows, bool keep,
							   lem_vsn_acts *acts);

/*
 * embedding, weights and grns are decoded from part 0's tensors; with plain, weights are those of
 * the dense layer and grns are not read.
 */
extern void lem_vsn_decode(lem_arena *arena, int inputs, int width, int hidden, bool plain,
						   const lem_real *embedding, const lem_real *weights, const lem_real *grns,
						   lem_form form, lem_vsn *vsn);

/* y (rows x H) of standard inputs x (rows x F). */
extern void lem_vsn_forward(const lem_vsn *vsn, const lem_kernels *kern, int rows,
							const lem_real *x, const lem_vsn_acts *acts, lem_real *y);

/*
 * The gradients of the three groups of tensors are added to, from dy (rows x H); acts were kept, and
 * embedding and grns are what the network was decoded from.
 */
extern void lem_vsn_backward(const lem_vsn *vsn, const lem_kernels *kern, int rows,
							 const lem_real *x, const lem_vsn_acts *acts, const lem_real *dy,
							 const lem_real *embedding, const lem_real *grns,
							 lem_scratch scratch, lem_real *dembedding,
							 lem_real *dweights, lem_real *dgrns);

#endif

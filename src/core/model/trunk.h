/*
 * trunk.h: the shared part of a model, from a window's rows to the context that the allocation
 * heads read (model page, section 2).
 */
#ifndef LEM_TRUNK_H
#define LEM_TRUNK_H

#include "layers/attention.h"
#include "layers/dropout.h"
#include "layers/rnn.h"
#include "layers/span_attention.h"
#include "layers/vsn.h"
#include "model/allocation.h"
#include "model/experts.h"

typedef struct lem_trunk
{
	lem_vsn		vsn;
	lem_rnn		rnn[LEM_MAX_LAYERS];
	lem_dense	gate;			/* H -> 2H: dense, then gated */
	const lem_real *norm_gamma; /* H */
	const lem_real *norm_beta;	/* H */
	lem_grn		grn;			/* H -> H -> H */
	lem_attention attention;
	lem_span_attention spans;	/* instead of it, of a shared trunk */
	lem_curves	curves;			/* of the heads; kept with the trunk's part */
	lem_experts *experts;		/* of a mixture, which has nothing else of these; else NULL */
} lem_trunk;

/* Buffers of a pass over n samples. */
typedef struct lem_trunk_acts
{
	lem_real   *inputs;			/* n x T x F: standard inputs */
	lem_real   *vsn_out;		/* n x T x H */
	lem_real   *context;		/* n x (N - 1) x H */
	lem_rnn_acts rnn[LEM_MAX_LAYERS];
	lem_real   *rnn_out[LEM_MAX_LAYERS];	/* n x T x H; one for all layers unless kept */
	const lem_real *encoded;	/* the last layer's, or without any vsn_out */
	const lem_dropout *dropout; /* of encoded, where buffers are kept; NULL: none */

	/*
	 * Where the backward pass leaves the gradients of what layers give, n x T x H each: of vsn_out,
	 * each rnn_out and enriched; NULL: nowhere.
	 */
	lem_real   *dlayers;

	/* of some samples at a time (S), or of all n where they are kept for a backward pass */
	bool		keep;
	lem_vsn_acts vsn;
	lem_real   *gate;			/* S x T x 2H */
	lem_real   *sum;			/* S x T x H: before the norm */
	lem_real   *normed;			/* S x T x H */
	lem_grn_acts grn;
	lem_real   *enriched;		/* S x T x H */
	lem_attention_acts *attention;	/* [n] */
} lem_trunk_acts;

extern lem_trunk *lem_trunk_build(lem_arena *arena, const lem_config *config,
								  const lem_real *part, lem_form form);

extern void lem_trunk_acts_carve(lem_arena *arena, const lem_config *config,
								 const lem_trunk *trunk, int n, bool keep, lem_trunk_acts *acts);

/*
 * Fill acts->inputs and acts->context from rows (n x T x C) and rates (n).
 * LEM_STOPPED if stop asks for it.
 */
extern lem_status lem_trunk_forward(const lem_trunk *trunk, const lem_config *config,
									const lem_kernels *kern, int n, const lem_real *rows,
									const lem_real *min_rate, const lem_real *max_rate,
									const lem_trunk_acts *acts, const lem_stop *stop);

/*
 * gradient (part 0, as stored) is added to, from dcontext (n x (N - 1) x H); acts were kept, part
 * is the numbers that the trunk was decoded from.
 */
extern lem_status lem_trunk_backward(const lem_trunk *trunk, const lem_config *config,
									 const lem_kernels *kern, int n, const lem_real *part,
									 const lem_trunk_acts *acts, const lem_real *dcontext,
									 lem_scratch scratch, lem_real *gradient,
									 const lem_stop *stop);

#endif

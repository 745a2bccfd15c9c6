/*
 * dropout.h: numbers left out at random while a model learns.
 *
 * A mask holds a factor for each number: 0 where it is left out, else 1 / (1 - rate), so that sums
 * keep their size.  Two places have one: what the gate behind the recurrent layers reads, and the
 * context that the heads read.
 */
#ifndef LEM_DROPOUT_H
#define LEM_DROPOUT_H

#include "base/real.h"

/* Masks of n samples, and room for what the first one leaves. */
typedef struct lem_dropout
{
	const lem_real *encoded_mask;	/* n x T x H */
	const lem_real *context_mask;	/* n x (N - 1) x H */
	lem_real   *encoded;		/* n x T x H: what the gate reads */
} lem_dropout;

/* Mask number `index` of a stream: size factors, functions of (seed, stream, index, place). */
extern void lem_dropout_draw(double rate, uint64_t seed, uint64_t stream, uint64_t index,
							 size_t size, lem_real *mask);

/* y = x * mask, n numbers; y may be x. */
extern void lem_dropout_apply(size_t n, const lem_real *mask, const lem_real *x, lem_real *y);

#endif

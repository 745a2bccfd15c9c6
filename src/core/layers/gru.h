/*
 * gru.h: the gated recurrent unit, a recurrent layer to compare the TKAN with.
 *
 * Per row, with a state h, zero before row 0, and k = h R + d:
 *   z = sigmoid(x Kz + bz + kz);  r = sigmoid(x Kr + br + kr);
 *   g = tanh(x Kg + bg + r * kg);  h' = z * h + (1 - z) * g
 *
 * Tensors, in table order: K (H x 3H: z, r, g), R (H x 3H), the biases b and d (2 x 3H).
 */
#ifndef LEM_GRU_H
#define LEM_GRU_H

#include "base/arena.h"
#include "base/status.h"
#include "layers/dense.h"

typedef struct lem_gru
{
	int			width;			/* H */
	lem_dense	input;			/* H -> 3H: K with b */
	lem_packed	recurrent;		/* R, H x 3H */
	const lem_real *recurrent_bias; /* d, 3H */
} lem_gru;

/* Buffers of a pass over n samples; [T] as in tkan.h. */
typedef struct lem_gru_acts
{
	bool		keep;			/* all rows are kept */
	lem_real   *input;			/* n x T x 3H */
	lem_real   *state;			/* [T x] n x 3H: k */
	lem_real   *gates;			/* [T x] n x 3H: after their activations */
	lem_real   *h;				/* [T x] n x H */
} lem_gru_acts;

extern void lem_gru_acts_carve(lem_arena *arena, const lem_gru *gru, int n, int rows, bool keep,
							   lem_gru_acts *acts);

extern void lem_gru_decode(lem_arena *arena, int width, const lem_real *tensors,
							lem_form form, lem_gru *gru);

/* y (n x T x H) of x (n x T x H); y may be x.  LEM_STOPPED if stop asks for it. */
extern lem_status lem_gru_forward(const lem_gru *gru, const lem_kernels *kern, int n, int rows,
								  const lem_real *x, const lem_gru_acts *acts, lem_real *y,
								  const lem_stop *stop);

/* As lem_tkan_backward. */
extern lem_status lem_gru_backward(const lem_gru *gru, const lem_kernels *kern, int n, int rows,
								   const lem_real *x,
								   const lem_real *tensors, const lem_gru_acts *acts,
								   const lem_real *dy, lem_scratch scratch, lem_real *gradient,
								   lem_real *dx, const lem_stop *stop);

#endif

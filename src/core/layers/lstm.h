/*
 * lstm.h: the long short-term memory layer, a recurrent layer to compare the TKAN with.
 *
 * Per row, with states h and c, zero before row 0:
 *   (i, f, g, o) = x K + h R + b;  c' = sigmoid(f) * c + sigmoid(i) * tanh(g);
 *   h' = sigmoid(o) * tanh(c')
 *
 * Tensors, in table order: K (H x 4H), R (H x 4H), b (4H).
 */
#ifndef LEM_LSTM_H
#define LEM_LSTM_H

#include "base/arena.h"
#include "base/status.h"
#include "layers/dense.h"

typedef struct lem_lstm
{
	int			width;			/* H */
	lem_dense	input;			/* H -> 4H: K with b */
	lem_packed	recurrent;		/* R, H x 4H */
} lem_lstm;

/* Buffers of a pass over n samples; [T] as in tkan.h. */
typedef struct lem_lstm_acts
{
	bool		keep;			/* all rows are kept */
	lem_real   *input;			/* n x T x 4H */
	lem_real   *gates;			/* [T x] n x 4H: after their activations */
	lem_real   *c;				/* [T x] n x H */
	lem_real   *tanh_c;			/* [T x] n x H */
	lem_real   *h;				/* [T x] n x H */
} lem_lstm_acts;

extern void lem_lstm_acts_carve(lem_arena *arena, const lem_lstm *lstm, int n, int rows, bool keep,
								lem_lstm_acts *acts);

extern void lem_lstm_decode(lem_arena *arena, int width, const lem_real *tensors,
							lem_form form, lem_lstm *lstm);

/* y (n x T x H) of x (n x T x H); y may be x.  LEM_STOPPED if stop asks for it. */
extern lem_status lem_lstm_forward(const lem_lstm *lstm, const lem_kernels *kern, int n, int rows,
								   const lem_real *x, const lem_lstm_acts *acts, lem_real *y,
								   const lem_stop *stop);

/* As lem_tkan_backward. */
extern lem_status lem_lstm_backward(const lem_lstm *lstm, const lem_kernels *kern, int n, int rows,
								   const lem_real *x,
									const lem_real *tensors, const lem_lstm_acts *acts,
									const lem_real *dy, lem_scratch scratch, lem_real *gradient,
									lem_real *dx, const lem_stop *stop);

#endif

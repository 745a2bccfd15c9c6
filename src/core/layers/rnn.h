/*
 * rnn.h: a recurrent layer of the kind that the config names.
 */
#ifndef LEM_RNN_H
#define LEM_RNN_H

#include "layers/gru.h"
#include "layers/lstm.h"
#include "layers/tkan.h"

typedef struct lem_rnn
{
	lem_recurrent kind;
	union
	{
		lem_tkan	tkan;
		lem_lstm	lstm;
		lem_gru		gru;
	};
} lem_rnn;

typedef union lem_rnn_acts
{
	lem_tkan_acts tkan;
	lem_lstm_acts lstm;
	lem_gru_acts gru;
} lem_rnn_acts;

extern void lem_rnn_acts_carve(lem_arena *arena, const lem_rnn *rnn, int n, int rows, bool keep,
							   lem_rnn_acts *acts);

extern void lem_rnn_decode(lem_arena *arena, const lem_config *config, const lem_real *tensors,
						   lem_form form, lem_rnn *rnn);

/* y (n x T x H) of x (n x T x H); y may be x.  LEM_STOPPED if stop asks for it. */
extern lem_status lem_rnn_forward(const lem_rnn *rnn, const lem_kernels *kern, int n, int rows,
								  const lem_real *x, const lem_rnn_acts *acts, lem_real *y,
								  const lem_stop *stop);

/*
 * dx (n x T x H) is set and gradient (the layer's tensors in table order) added to, from dy
 * (n x T x H); dx may be dy.  acts were kept by the forward pass over x; tensors are the layer's
 * own, as stored.
 */
extern lem_status lem_rnn_backward(const lem_rnn *rnn, const lem_config *config,
								   const lem_kernels *kern, int n, int rows, const lem_real *x,
								   const lem_real *tensors, const lem_rnn_acts *acts,
								   const lem_real *dy, lem_scratch scratch, lem_real *gradient,
								   lem_real *dx, const lem_stop *stop);

#endif

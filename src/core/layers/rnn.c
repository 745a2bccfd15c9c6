/* rnn.c: recurrent layers of any kind; without any (LEM_RECURRENT_NONE) there is none to call. */
#include "layers/rnn.h"

void
lem_rnn_acts_carve(lem_arena *arena, const lem_rnn *rnn, int n, int rows, bool keep,
				   lem_rnn_acts *acts)
{
	switch (rnn->kind)
	{
		case LEM_RECURRENT_TKAN:
			lem_tkan_acts_carve(arena, &rnn->tkan, n, rows, keep, &acts->tkan);
			break;
		case LEM_RECURRENT_LSTM:
			lem_lstm_acts_carve(arena, &rnn->lstm, n, rows, keep, &acts->lstm);
			break;
		case LEM_RECURRENT_GRU:
			lem_gru_acts_carve(arena, &rnn->gru, n, rows, keep, &acts->gru);
			break;
		case LEM_RECURRENT_NONE:
			break;
	}
}

void
lem_rnn_decode(lem_arena *arena, const lem_config *config, const lem_real *tensors, lem_form form,
			   lem_rnn *rnn)
{
	rnn->kind = config->recurrent;
	switch (rnn->kind)
	{
		case LEM_RECURRENT_TKAN:
			lem_tkan_decode(arena, config, tensors, form, &rnn->tkan);
			break;
		case LEM_RECURRENT_LSTM:
			lem_lstm_decode(arena, config->hidden_size, tensors, form, &rnn->lstm);
			break;
		case LEM_RECURRENT_GRU:
			lem_gru_decode(arena, config->hidden_size, tensors, form, &rnn->gru);
			break;
		case LEM_RECURRENT_NONE:
			break;
	}
}

lem_status
lem_rnn_forward(const lem_rnn *rnn, const lem_kernels *kern, int n, int rows, const lem_real *x,
				const lem_rnn_acts *acts, lem_real *y, const lem_stop *stop)
{
	switch (rnn->kind)
	{
		case LEM_RECURRENT_TKAN:
			return lem_tkan_forward(&rnn->tkan, kern, n, rows, x, &acts->tkan, y, stop);
		case LEM_RECURRENT_LSTM:
			return lem_lstm_forward(&rnn->lstm, kern, n, rows, x, &acts->lstm, y, stop);
		case LEM_RECURRENT_GRU:
			return lem_gru_forward(&rnn->gru, kern, n, rows, x, &acts->gru, y, stop);
		case LEM_RECURRENT_NONE:
			break;
	}
	return LEM_OK;
}

lem_status
lem_rnn_backward(const lem_rnn *rnn, const lem_config *config, const lem_kernels *kern, int n,
				 int rows, const lem_real *x, const lem_real *tensors, const lem_rnn_acts *acts,
				 const lem_real *dy, lem_scratch scratch, lem_real *gradient, lem_real *dx,
				 const lem_stop *stop)
{
	switch (rnn->kind)
	{
		case LEM_RECURRENT_TKAN:
			return lem_tkan_backward(&rnn->tkan, config, kern, n, rows, x, tensors, &acts->tkan,
									 dy, scratch, gradient, dx, stop);
		case LEM_RECURRENT_LSTM:
			return lem_lstm_backward(&rnn->lstm, kern, n, rows, x, tensors, &acts->lstm, dy, scratch,
									 gradient, dx, stop);
		case LEM_RECURRENT_GRU:
			return lem_gru_backward(&rnn->gru, kern, n, rows, x, tensors, &acts->gru, dy, scratch,
									gradient, dx, stop);
		case LEM_RECURRENT_NONE:
			break;
	}
	return LEM_OK;
}

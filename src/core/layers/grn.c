/* grn.c: the gated residual network. */
#include <string.h>

#include "layers/grn.h"

void
lem_grn_acts_carve(lem_arena *arena, const lem_grn *grn, size_t rows, lem_grn_acts *acts)
{
	acts->first = lem_arena_reals(arena, rows * (grn->out + grn->hidden));
	acts->second = grn->folded ? NULL : lem_arena_reals(arena, rows * grn->hidden);
	acts->gate = lem_arena_reals(arena, rows * 2 * grn->out);
	acts->sum = lem_arena_reals(arena, rows * grn->out);
}

/* Skip and hidden_1 side by side. */
static void
decode_first(lem_arena *arena, const lem_grn *grn, const lem_embedding *embedding,
			 const lem_real *tensors, lem_form form, lem_dense *dense)
{
	const int	out[2] = {grn->out, grn->hidden};

	lem_dense_carve(arena, embedding ? embedding->inputs : grn->in, out[0] + out[1], form, dense);
	for (int half = 0; arena->base && half < 2; half++)
	{
		const lem_real *bias = tensors + (size_t) grn->in * out[half];

		if (embedding)
			lem_embedding_place(embedding, dense, half * out[0], tensors, bias, out[half]);
		else
			lem_dense_place(dense, half * out[0], tensors, bias, out[half]);
		tensors = bias + out[half];
	}
}

/* Dense and gated side by side, on hidden_2's answer or with it folded into them. */
static void
decode_gate(lem_arena *arena, const lem_real *tensors, lem_form form, lem_grn *grn)
{
	const int	hidden = grn->hidden;
	const int	out = grn->out;
	const lem_real *second_bias;

	if (!grn->folded)
		lem_dense_carve(arena, hidden, hidden, form, &grn->second);
	lem_dense_carve(arena, hidden, 2 * out, form, &grn->gate);
	if (!arena->base)
		return;
	second_bias = tensors + (size_t) hidden * hidden;
	if (!grn->folded)
		lem_dense_place(&grn->second, 0, tensors, second_bias, hidden);
	for (int half = 0; half < 2; half++)
	{
		const lem_real *kernel = second_bias + hidden + half * (size_t) (hidden + 1) * out;
		const lem_real *bias = kernel + (size_t) hidden * out;

		if (grn->folded)
			lem_dense_place_behind(&grn->gate, half * out, tensors, second_bias, hidden, kernel,
								   bias, out);
		else
			lem_dense_place(&grn->gate, half * out, kernel, bias, out);
	}
}

void
lem_grn_decode(lem_arena *arena, int in, int hidden, int out, const lem_embedding *embedding,
			   const lem_real *tensors, lem_form form, lem_grn *grn)
{
	const size_t second = (size_t) (in + 1) * (out + hidden);
	const size_t norm = second + (size_t) (hidden + 1) * (hidden + 2 * out);

	grn->in = in;
	grn->hidden = hidden;
	grn->out = out;
	grn->folded = form == LEM_FORM_FORWARD;
	decode_first(arena, grn, embedding, tensors, form, &grn->first);
	decode_gate(arena, arena->base ? tensors + second : tensors, form, grn);
	grn->gamma = lem_arena_copy(arena, tensors, (int64_t) norm, out);
	grn->beta = lem_arena_copy(arena, tensors, (int64_t) norm + out, out);
}

void
lem_grn_forward(const lem_grn *grn, const lem_kernels *kern, int rows, const lem_real *x, int ldx,
				const lem_grn_acts *acts, lem_real *y, int ldy)
{
	const int	out = grn->out;
	const int	wide = out + grn->hidden;
	const lem_real *e = acts->first + out;
	int			lde = wide;

	lem_dense_forward(&grn->first, kern, rows, x, ldx, acts->first, wide);
	for (int r = 0; r < rows; r++)
	{
		lem_real   *hidden = acts->first + (size_t) r * wide + out;

		kern->elu(grn->hidden, hidden, hidden);
	}
	if (!grn->folded)
	{
		lem_dense_forward(&grn->second, kern, rows, e, lde, acts->second, grn->hidden);
		e = acts->second;
		lde = grn->hidden;
	}
	lem_dense_forward(&grn->gate, kern, rows, e, lde, acts->gate, 2 * out);
	kern->glu(rows, out, acts->gate, 2 * out, acts->first, wide, acts->sum, out);
	kern->layer_norm(rows, out, acts->sum, out, grn->gamma, grn->beta, y, ldy);
}

void
lem_grn_backward(const lem_grn *grn, const lem_kernels *kern, int rows, const lem_real *x, int ldx,
				 const lem_grn_acts *acts, const lem_real *dy, int lddy, lem_scratch scratch,
				 lem_real *gradient, lem_real *dx, int lddx)
{
	const int	out = grn->out;
	const int	hidden = grn->hidden;
	const int	wide = out + hidden;
	lem_real   *dsum = lem_scratch_reals(&scratch, (size_t) rows * out);
	lem_real   *dgate = lem_scratch_reals(&scratch, (size_t) rows * 2 * out);
	lem_real   *dsecond = lem_scratch_reals(&scratch, (size_t) rows * hidden);
	lem_real   *dfirst = lem_scratch_reals(&scratch, (size_t) rows * wide);
	lem_real   *dskip_kernel = gradient;
	lem_real   *dhidden_1;
	lem_real   *dhidden_2;
	lem_real   *ddense;
	lem_real   *dgated;
	lem_real   *dnorm;

	if (!scratch.base)
		return;
	dhidden_1 = dskip_kernel + (size_t) (grn->in + 1) * out;
	dhidden_2 = dhidden_1 + (size_t) (grn->in + 1) * hidden;
	ddense = dhidden_2 + (size_t) (hidden + 1) * hidden;
	dgated = ddense + (size_t) (hidden + 1) * out;
	dnorm = dgated + (size_t) (hidden + 1) * out;

	kern->layer_norm_backward(rows, out, acts->sum, out, grn->gamma, dy, lddy, dnorm, dnorm + out,
							  dsum, out);
	kern->glu_backward(rows, out, acts->gate, 2 * out, dsum, out, dgate, 2 * out);
	lem_dense_gradient(hidden, out, rows, acts->second, hidden, dgate, 2 * out, ddense,
					   ddense + (size_t) hidden * out);
	lem_dense_gradient(hidden, out, rows, acts->second, hidden, dgate + out, 2 * out, dgated,
					   dgated + (size_t) hidden * out);
	lem_dense_backward(&grn->gate, kern, rows, dgate, 2 * out, false, dsecond, hidden);
	lem_dense_gradient(hidden, hidden, rows, acts->first + out, wide, dsecond, hidden, dhidden_2,
					   dhidden_2 + (size_t) hidden * hidden);
	lem_dense_backward(&grn->second, kern, rows, dsecond, hidden, false, dfirst + out, wide);
	for (int r = 0; r < rows; r++)
	{
		const lem_real *e = acts->first + (size_t) r * wide + out;
		lem_real   *d = dfirst + (size_t) r * wide;

		memcpy(d, dsum + (size_t) r * out, out * sizeof(lem_real));
		kern->elu_backward(hidden, e, d + out);
	}
	lem_dense_gradient(grn->in, out, rows, x, ldx, dfirst, wide, dskip_kernel,
					   dskip_kernel + (size_t) grn->in * out);
	lem_dense_gradient(grn->in, hidden, rows, x, ldx, dfirst + out, wide, dhidden_1,
					   dhidden_1 + (size_t) grn->in * hidden);
	if (dx)
		lem_dense_backward(&grn->first, kern, rows, dfirst, wide, true, dx, lddx);
}

/* grn.c: the gated residual network. */
#include <string.h>

#include "grn.h"

void
lem_grn_acts_carve(lem_arena *arena, const lem_grn *grn, size_t rows, lem_grn_acts *acts)
{
	acts->first = lem_arena_reals(arena, rows * (grn->out + grn->hidden));
	acts->second = lem_arena_reals(arena, rows * grn->hidden);
	acts->gate = lem_arena_reals(arena, rows * 2 * grn->out);
	acts->sum = lem_arena_reals(arena, rows * grn->out);
}

/* A layer of two side by side, from their tensors; moves *tensors past them. */
static void
decode_pair(lem_arena *arena, int in, int out_1, int out_2, const lem_real **tensors,
			lem_dense *dense)
{
	lem_real   *w = lem_arena_reals(arena, (size_t) in * (out_1 + out_2));
	lem_real   *b = lem_arena_reals(arena, out_1 + out_2);

	dense->in = in;
	dense->out = out_1 + out_2;
	dense->w = w;
	dense->b = b;
	for (int half = 0; half < (out_2 ? 2 : 1); half++)
	{
		int			out = half ? out_2 : out_1;

		if (arena->base)
		{
			lem_dense_place(w, b, in, out_1 + out_2, half ? out_1 : 0, *tensors,
							*tensors + (size_t) in * out, out);
			*tensors += (size_t) (in + 1) * out;
		}
	}
}

void
lem_grn_decode(lem_arena *arena, int in, int hidden, int out, const lem_real *tensors, lem_grn *grn)
{
	lem_real   *norm;

	grn->in = in;
	grn->hidden = hidden;
	grn->out = out;
	decode_pair(arena, in, out, hidden, &tensors, &grn->first);
	decode_pair(arena, hidden, hidden, 0, &tensors, &grn->second);
	decode_pair(arena, hidden, out, out, &tensors, &grn->gate);
	norm = lem_arena_reals(arena, 2 * (size_t) out);
	grn->gamma = norm;
	grn->beta = arena->base ? norm + out : NULL;
	if (arena->base)
		for (int i = 0; i < 2 * out; i++)
			norm[i] = tensors[i];
}

void
lem_grn_forward(const lem_grn *grn, const lem_kernels *kern, int rows, const lem_real *x, int ldx,
				const lem_grn_acts *acts, lem_real *y, int ldy)
{
	const int	out = grn->out;
	const int	wide = out + grn->hidden;

	lem_dense_forward(&grn->first, rows, x, ldx, acts->first, wide);
	for (int r = 0; r < rows; r++)
	{
		lem_real   *e = acts->first + (size_t) r * wide + out;

		kern->elu(grn->hidden, e, e);
	}
	lem_dense_forward(&grn->second, rows, acts->first + out, wide, acts->second, grn->hidden);
	lem_dense_forward(&grn->gate, rows, acts->second, grn->hidden, acts->gate, 2 * out);
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
	lem_dense_backward(&grn->gate, rows, dgate, 2 * out, false, dsecond, hidden);
	lem_dense_gradient(hidden, hidden, rows, acts->first + out, wide, dsecond, hidden, dhidden_2,
					   dhidden_2 + (size_t) hidden * hidden);
	lem_dense_backward(&grn->second, rows, dsecond, hidden, false, dfirst + out, wide);
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
		lem_dense_backward(&grn->first, rows, dfirst, wide, true, dx, lddx);
}

/* kan.c: the sub-layers of a recurrent layer. */
#include "kan.h"
#include "params.h"

void
lem_kan_decode(lem_arena *arena, const lem_sub_layer *kind, int width, const lem_real *tensors,
			   lem_kan *kan)
{
	const int	bases = kind->kan ? lem_bases(&kind->spline) : 0;
	const int	knots = kind->kan ? kind->spline.intervals + 2 * kind->spline.order + 1 : 0;
	lem_real   *norm = lem_arena_reals(arena, 2 * (size_t) width);
	lem_real   *bias = lem_arena_reals(arena, width);
	lem_real   *packed;

	kan->kind = *kind;
	kan->width = width;
	kan->expanded = width * (1 + bases);
	packed = lem_arena_reals(arena, lem_packed_size(kan->expanded, width));
	kan->gamma = norm;
	kan->bias = bias;
	kan->weights = (lem_packed) {kan->expanded, width, packed};
	if (!arena->base)
		return;

	kan->beta = norm + width;
	tensors += (size_t) knots * width;	/* the grid follows from the config */
	lem_pack(&kan->weights, packed, kan->expanded, width);
	lem_pack_rows(packed, kan->expanded, width, 0, tensors, width, width);
	tensors += (size_t) width * width;
	for (int i = 0; i < width; i++)
		bias[i] = tensors[i];
	tensors += width;
	if (!kind->kan)
		return;
	for (int b = 0; b < bases; b++)
		for (int i = 0; i < width; i++)
			lem_pack_rows(packed, kan->expanded, width, width * (1 + b) + i,
						  tensors + ((size_t) i * bases + b) * width, width, 1);
	tensors += (size_t) width * bases * width;
	for (int i = 0; i < 2 * width; i++)
		norm[i] = tensors[i];
}

void
lem_kan_forward(const lem_kan *kan, const lem_kernels *kern, int rows, const lem_real *a, int lda,
				lem_real *z, lem_real *expanded, lem_real *y, int ldy)
{
	if (!kan->kind.kan)
	{
		kern->matmul(rows, a, lda, &kan->weights, kan->bias, false, y, ldy);
		for (int r = 0; r < rows; r++)
			lem_activate(kern, kan->kind.activation, kan->width, y + (size_t) r * ldy,
						 y + (size_t) r * ldy);
		return;
	}
	kern->layer_norm(rows, kan->width, a, lda, kan->gamma, kan->beta, z, kan->width);
	for (int r = 0; r < rows; r++)
		kern->kan_expand(&kan->kind.spline, kan->width, z + (size_t) r * kan->width,
						 expanded + (size_t) r * kan->expanded);
	/* Half of what the weights multiply is zero: for one row, leave it out. */
	if (rows == 1)
		kern->matvec_sparse(expanded, &kan->weights, kan->bias, y);
	else
		kern->matmul(rows, expanded, kan->expanded, &kan->weights, kan->bias, false, y, ldy);
}

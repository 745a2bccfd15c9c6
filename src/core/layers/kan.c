/* kan.c: the sub-layers of a recurrent layer. */
#include <math.h>

#include "layers/dense.h"
#include "layers/kan.h"
#include "parameters/params.h"

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
	kan->weights = (lem_packed) {kan->expanded, width, packed, false, 0};
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
				bool from_last, lem_real *z, lem_real *expanded, lem_real *y, int ldy)
{
	lem_packed	weights = kan->weights;

	weights.from_last = from_last;
	if (!kan->kind.kan)
	{
		kern->matmul(rows, a, lda, &weights, kan->bias, false, y, ldy);
		for (int r = 0; r < rows; r++)
			lem_activate(kern, kan->kind.activation, kan->width, y + (size_t) r * ldy,
						 y + (size_t) r * ldy);
		return;
	}
	kern->layer_norm(rows, kan->width, a, lda, kan->gamma, kan->beta, z, kan->width);
	for (int r = 0; r < rows; r++)
		kern->kan_expand(&kan->kind.spline, kan->width, z + (size_t) r * kan->width,
						 expanded + (size_t) r * kan->expanded);
	kern->matmul(rows, expanded, kan->expanded, &weights, kan->bias, false, y, ldy);
}

/* Places of a sub-layer's tensors within it, as stored. */
typedef struct kan_places
{
	size_t		weights;		/* base weights of a KAN, kernel of a dense layer */
	size_t		bias;
	size_t		spline;
	size_t		norm;			/* gamma, then beta */
} kan_places;

static kan_places
places_of(const lem_kan *kan)
{
	const size_t width = kan->width;
	const lem_spline *spline = &kan->kind.spline;
	kan_places	at;

	at.weights = kan->kind.kan ? width * (spline->intervals + 2 * spline->order + 1) : 0;
	at.bias = at.weights + width * width;
	at.spline = at.bias + width;
	at.norm = at.spline + (kan->kind.kan ? width * lem_bases(spline) * width : 0);
	return at;
}

/* Derivative of an activation, from its own value. */
static lem_real
activation_slope(lem_activation f, lem_real y)
{
	switch (f)
	{
		case LEM_ACTIVATION_RELU:
			return y > 0;
		case LEM_ACTIVATION_TANH:
			return 1 - y * y;
		case LEM_ACTIVATION_SIGMOID:
			return y * (1 - y);
		case LEM_ACTIVATION_ELU:
			return y > 0 ? 1 : y + 1;
		case LEM_ACTIVATION_SOFTPLUS:
			return 1 - (lem_real) exp(-y);
		default:
			return 1;
	}
}

void
lem_kan_transpose(const lem_kan *kan, const lem_real *tensors, lem_scratch *scratch,
				  lem_packed *transposed)
{
	const int	width = kan->width;
	const kan_places at = places_of(kan);
	const int	spline = kan->kind.kan ? width * lem_bases(&kan->kind.spline) : 0;
	lem_real   *data = lem_scratch_reals(scratch, lem_packed_size(width, width + spline));

	if (!data)
		return;
	lem_pack(transposed, data, width, width + spline);
	lem_pack_transposed(data, width, width + spline, 0, tensors + at.weights, width, width);
	if (spline > 0)
		lem_pack_transposed(data, width, width + spline, width, tensors + at.spline, width, spline);
}

void
lem_kan_backward(const lem_kan *kan, const lem_kernels *kern, int rows,
				 const lem_packed *transposed,
				 const lem_real *a, int lda, const lem_real *z, const lem_real *y, int ldy,
				 const lem_real *dy, int lddy, lem_scratch scratch, lem_real *gradient,
				 lem_real *dpre, int lddpre, lem_real *da, int ldda)
{
	const int	width = kan->width;
	const kan_places at = places_of(kan);
	const int	spline = kan->kind.kan ? width * lem_bases(&kan->kind.spline) : 0;
	lem_real   *drow = lem_scratch_reals(&scratch, (size_t) rows * (width + spline));
	lem_real   *dz = lem_scratch_reals(&scratch, (size_t) rows * width);

	if (!scratch.base)
		return;
	for (int r = 0; r < rows; r++)
		for (int i = 0; i < width; i++)
			dpre[(size_t) r * lddpre + i] = dy[(size_t) r * lddy + i]
				* (kan->kind.kan ? 1
				   : activation_slope(kan->kind.activation, y[(size_t) r * ldy + i]));
	if (!kan->kind.kan)
	{
		kern->matmul(rows, dpre, lddpre, transposed, NULL, false, da, ldda);
		return;
	}
	kern->matmul(rows, dpre, lddpre, transposed, NULL, false, drow, width + spline);
	for (int r = 0; r < rows; r++)
		kern->kan_backward(&kan->kind.spline, width, z + (size_t) r * width,
						   drow + (size_t) r * (width + spline), dz + (size_t) r * width);
	kern->layer_norm_backward(rows, width, a, lda, kan->gamma, dz, width, gradient + at.norm,
							  gradient + at.norm + width, da, ldda);
}

void
lem_kan_gradient(const lem_kan *kan, int rows, const lem_real *a, int lda,
				 const lem_real *expanded, const lem_real *dpre, int lddpre, lem_real *gradient)
{
	const int	width = kan->width;
	const kan_places at = places_of(kan);
	const int	bases = kan->kind.kan ? lem_bases(&kan->kind.spline) : 0;

	if (!kan->kind.kan)
	{
		lem_dense_gradient(width, width, rows, a, lda, dpre, lddpre, gradient + at.weights,
						   gradient + at.bias);
		return;
	}
	lem_dense_gradient(width, width, rows, expanded, kan->expanded, dpre, lddpre,
					   gradient + at.weights, gradient + at.bias);
	/* the rows of basis b in the stored tensor lie `bases` rows apart */
	for (int b = 0; b < bases; b++)
		lem_kernels_select()->outer(width, width, rows, expanded + (size_t) (1 + b) * width,
									kan->expanded, dpre, lddpre, true,
									gradient + at.spline + (size_t) b * width, bases * width);
}

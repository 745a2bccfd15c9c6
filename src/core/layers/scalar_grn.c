/* scalar_grn.c: the GRN of one embedded input. */
#include <string.h>

#include "layers/scalar_grn.h"

/* Where the tensors of a GRN E -> H -> H begin (table order). */
typedef struct offsets
{
	size_t		skip;			/* E x H, then the bias */
	size_t		hidden_1;		/* E x H, then the bias */
	size_t		hidden_2;		/* H x H, then the bias */
	size_t		dense;			/* H x H, then the bias */
	size_t		gated;			/* H x H, then the bias */
	size_t		norm;			/* gamma, beta */
} offsets;

static offsets
offsets_of(size_t width, size_t hidden)
{
	const size_t first = (width + 1) * hidden;
	const size_t square = (hidden + 1) * hidden;

	return (offsets) {0, first, 2 * first, 2 * first + square, 2 * first + 2 * square,
		2 * first + 3 * square};
}

void
lem_scalar_grn_decode(lem_arena *arena, int width, int hidden, const lem_real *embedding,
					  const lem_real *tensors, lem_form form, lem_scalar_grn *grn)
{
	const offsets at = offsets_of(width, hidden);
	const size_t square = (size_t) hidden * hidden;
	lem_real   *slope = lem_arena_reals(arena, 2 * (size_t) hidden);
	lem_real   *offset = lem_arena_reals(arena, 2 * (size_t) hidden);

	grn->hidden = hidden;
	grn->slope = slope;
	grn->offset = offset;
	grn->folded = form == LEM_FORM_FORWARD;
	if (!grn->folded)
		lem_dense_carve(arena, hidden, hidden, form, &grn->second);
	lem_dense_carve(arena, hidden, 2 * hidden, form, &grn->gate);
	grn->gamma = lem_arena_copy(arena, tensors, at.norm, hidden);
	grn->beta = lem_arena_copy(arena, tensors, at.norm + hidden, hidden);
	if (!arena->base)
		return;
	if (!grn->folded)
		lem_dense_place(&grn->second, 0, tensors + at.hidden_2, tensors + at.hidden_2 + square,
						hidden);
	for (int half = 0; half < 2; half++)
	{
		const lem_real *kernel = tensors + (half ? at.hidden_1 : at.skip);
		const lem_real *bias = kernel + (size_t) width * hidden;
		const lem_real *answer = tensors + (half ? at.gated : at.dense);

		for (int j = 0; j < hidden; j++)
		{
			double		by_kernel = 0;
			double		by_bias = bias[j];

			for (int e = 0; e < width; e++)
			{
				by_kernel += (double) embedding[e] * kernel[(size_t) e * hidden + j];
				by_bias += (double) embedding[width + e] * kernel[(size_t) e * hidden + j];
			}
			slope[half * hidden + j] = (lem_real) by_kernel;
			offset[half * hidden + j] = (lem_real) by_bias;
		}
		if (grn->folded)
			lem_dense_place_behind(&grn->gate, half * hidden, tensors + at.hidden_2,
								   tensors + at.hidden_2 + square, hidden, answer,
								   answer + square, hidden);
		else
			lem_dense_place(&grn->gate, half * hidden, answer, answer + square, hidden);
	}
}

void
lem_scalar_grn_forward(const lem_scalar_grn *grn, const lem_kernels *kern, int n,
					   const lem_real *x, const lem_grn_acts *acts, lem_real *y)
{
	const int	hidden = grn->hidden;
	const int	wide = 2 * hidden;
	const lem_real *e = acts->first + hidden;
	int			lde = wide;

	for (int r = 0; r < n; r++)
	{
		lem_real   *first = acts->first + (size_t) r * wide;

		memcpy(first, grn->offset, wide * sizeof(lem_real));
		kern->add_scaled(1, wide, x + r, 1, grn->slope, wide, first, wide);
		kern->elu(hidden, first + hidden, first + hidden);
	}
	if (!grn->folded)
	{
		lem_dense_forward(&grn->second, kern, n, e, lde, acts->second, hidden);
		e = acts->second;
		lde = hidden;
	}
	lem_dense_forward(&grn->gate, kern, n, e, lde, acts->gate, wide);
	kern->glu(n, hidden, acts->gate, wide, acts->first, wide, acts->sum, hidden);
	kern->layer_norm(n, hidden, acts->sum, hidden, grn->gamma, grn->beta, y, hidden);
}

/* kernel += a (E) times d (H); da += kernel d. */
static void
undo_fold(const lem_kernels *kern, int width, int hidden, const lem_real *a, const lem_real *d,
		  const lem_real *kernel, lem_real *da, lem_real *dkernel)
{
	kern->add_scaled(width, hidden, a, 1, d, 0, dkernel, hidden);
	for (int e = 0; e < width; e++)
		da[e] += kern->dot(hidden, kernel + (size_t) e * hidden, d);
}

void
lem_scalar_grn_backward(const lem_scalar_grn *grn, const lem_kernels *kern, int width, int n,
						const lem_real *x, const lem_grn_acts *acts, const lem_real *dy,
						const lem_real *embedding, const lem_real *tensors, lem_scratch scratch,
						lem_real *dembedding, lem_real *dtensors)
{
	const lem_real one = 1;
	const int	hidden = grn->hidden;
	const int	wide = 2 * hidden;
	const size_t square = (size_t) hidden * hidden;
	const offsets at = offsets_of(width, hidden);
	lem_real   *dsum = lem_scratch_reals(&scratch, (size_t) n * hidden);
	lem_real   *dgate = lem_scratch_reals(&scratch, (size_t) n * wide);
	lem_real   *dsecond = lem_scratch_reals(&scratch, (size_t) n * hidden);
	lem_real   *dfirst = lem_scratch_reals(&scratch, (size_t) n * hidden);
	lem_real   *dfold = lem_scratch_reals(&scratch, 2 * (size_t) wide);

	if (!scratch.base)
		return;
	kern->layer_norm_backward(n, hidden, acts->sum, hidden, grn->gamma, dy, hidden,
							  dtensors + at.norm, dtensors + at.norm + hidden, dsum, hidden);
	kern->glu_backward(n, hidden, acts->gate, wide, dsum, hidden, dgate, wide);
	for (int half = 0; half < 2; half++)
	{
		const size_t kernel = half ? at.gated : at.dense;
		const lem_real *d = dgate + half * hidden;

		kern->outer(hidden, hidden, n, acts->second, hidden, d, wide, true, dtensors + kernel,
					hidden);
		kern->add_scaled(n, hidden, &one, 0, d, wide, dtensors + kernel + square, 0);
	}
	lem_dense_backward(&grn->gate, kern, n, dgate, wide, false, dsecond, hidden);
	kern->outer(hidden, hidden, n, acts->first + hidden, wide, dsecond, hidden, true,
				dtensors + at.hidden_2, hidden);
	kern->add_scaled(n, hidden, &one, 0, dsecond, hidden, dtensors + at.hidden_2 + square, 0);
	lem_dense_backward(&grn->second, kern, n, dsecond, hidden, false, dfirst, hidden);
	for (int r = 0; r < n; r++)
		kern->elu_backward(hidden, acts->first + (size_t) r * wide + hidden,
						   dfirst + (size_t) r * hidden);

	/* of slope and offset: sums over the rows, with and without the number */
	memset(dfold, 0, 2 * (size_t) wide * sizeof(lem_real));
	kern->add_scaled(n, hidden, x, 1, dsum, hidden, dfold, 0);
	kern->add_scaled(n, hidden, x, 1, dfirst, hidden, dfold + hidden, 0);
	kern->add_scaled(n, hidden, &one, 0, dsum, hidden, dfold + wide, 0);
	kern->add_scaled(n, hidden, &one, 0, dfirst, hidden, dfold + wide + hidden, 0);
	for (int half = 0; half < 2; half++)
	{
		const size_t kernel = half ? at.hidden_1 : at.skip;
		const lem_real *dslope = dfold + half * hidden;
		const lem_real *doffset = dfold + wide + half * hidden;

		undo_fold(kern, width, hidden, embedding, dslope, tensors + kernel, dembedding,
				  dtensors + kernel);
		undo_fold(kern, width, hidden, embedding + width, doffset, tensors + kernel,
				  dembedding + width, dtensors + kernel);
		kern->add_scaled(1, hidden, &one, 0, doffset, 0,
						 dtensors + kernel + (size_t) width * hidden, 0);
	}
}

int
lem_distinct_table(int n)
{
	int			size = 4;

	while (size < 2 * n)
		size *= 2;
	return size;
}

int
lem_distinct(int n, const lem_real *x, int stride, int *table, lem_real *values, int *index)
{
	const int	size = lem_distinct_table(n);
	int			count = 0;

	memset(table, -1, size * sizeof(int));
	for (int r = 0; r < n; r++)
	{
		const lem_real value = x[(size_t) r * stride];
		uint64_t	bits = 0;
		int			bucket;

		/* a number most often is the one before */
		if (r > 0 && memcmp(&value, &values[index[r - 1]], sizeof(value)) == 0)
		{
			index[r] = index[r - 1];
			continue;
		}
		memcpy(&bits, &value, sizeof(value));
		bits *= UINT64_C(0x9e3779b97f4a7c15);
		bucket = (int) (bits >> 32) & (size - 1);
		while (table[bucket] >= 0 && memcmp(&values[table[bucket]], &value, sizeof(value)) != 0)
			bucket = (bucket + 1) & (size - 1);
		if (table[bucket] < 0)
		{
			table[bucket] = count;
			values[count++] = value;
		}
		index[r] = table[bucket];
	}
	return count;
}

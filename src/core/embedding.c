/* embedding.c: the inputs' embeddings. */
#include "embedding.h"

void
lem_embedding_forward(const lem_embedding *embedding, int rows, const lem_real *x,
					  lem_real *by_input, lem_real *flat)
{
	const int	inputs = embedding->inputs;
	const int	width = embedding->width;

	for (int i = 0; i < inputs; i++)
	{
		const lem_real *kernel = embedding->kernel + (size_t) i * width;
		const lem_real *bias = embedding->bias + (size_t) i * width;
		lem_real   *out = by_input + (size_t) i * rows * width;

		for (int r = 0; r < rows; r++)
		{
			lem_real	value = x[(size_t) r * inputs + i];

			for (int e = 0; e < width; e++)
				out[(size_t) r * width + e] = value * kernel[e] + bias[e];
		}
	}
	for (int r = 0; r < rows; r++)
		for (int i = 0; i < inputs; i++)
		{
			const lem_real *in = by_input + ((size_t) i * rows + r) * width;

			for (int e = 0; e < width; e++)
				flat[(size_t) r * width * inputs + (size_t) e * inputs + i] = in[e];
		}
}

void
lem_embedding_backward(const lem_embedding *embedding, int rows, const lem_real *x,
					   const lem_real *dby_input, const lem_real *dflat, lem_real *gradient)
{
	const int	inputs = embedding->inputs;
	const int	width = embedding->width;

	for (int i = 0; i < inputs; i++)
	{
		lem_real   *dkernel = gradient + (size_t) i * 2 * width;
		lem_real   *dbias = dkernel + width;

		for (int r = 0; r < rows; r++)
		{
			const lem_real *d = dby_input + ((size_t) i * rows + r) * width;
			const lem_real *f = dflat + (size_t) r * width * inputs + i;
			lem_real	value = x[(size_t) r * inputs + i];

			for (int e = 0; e < width; e++)
			{
				lem_real	sum = d[e] + f[(size_t) e * inputs];

				dkernel[e] += value * sum;
				dbias[e] += sum;
			}
		}
	}
}

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

/* embedding.c: the inputs' embeddings. */
#include "layers/embedding.h"

void
lem_embedding_forward(const lem_embedding *embedding, int rows, const lem_real *x, lem_real *y)
{
	const int	inputs = embedding->inputs;
	const lem_real *kernel = embedding->kernel;
	const lem_real *bias = embedding->bias;
	const size_t flat = (size_t) embedding->width * inputs;

	for (int r = 0; r < rows; r++)
		for (size_t e = 0; e < flat; e += inputs)
			for (int i = 0; i < inputs; i++)
				y[r * flat + e + i] = x[(size_t) r * inputs + i] * kernel[e + i] + bias[e + i];
}

void
lem_embedding_place(const lem_embedding *embedding, lem_dense *dense, int column,
					const lem_real *kernel, const lem_real *bias, int out)
{
	const int	inputs = embedding->inputs;

	for (int j = 0; j < out; j++)
	{
		double		offset = bias[j];

		for (int i = 0; i < inputs; i++)
		{
			double		slope = 0;

			for (int e = 0; e < embedding->width; e++)
			{
				const size_t row = (size_t) e * inputs + i;

				slope += (double) embedding->kernel[row] * kernel[row * out + j];
				offset += (double) embedding->bias[row] * kernel[row * out + j];
			}
			lem_dense_set(dense, i, column + j, (lem_real) slope);
		}
		lem_dense_set_bias(dense, column + j, (lem_real) offset);
	}
}

void
lem_embedding_backward(const lem_embedding *embedding, int rows, const lem_real *x,
					   const lem_real *dy, lem_real *gradient)
{
	const int	inputs = embedding->inputs;
	const int	width = embedding->width;
	const size_t flat = (size_t) width * inputs;

	for (int e = 0; e < width; e++)
	{
		lem_real	dkernel[LEM_MAX_FEATURES + 2] = {0};
		lem_real	dbias[LEM_MAX_FEATURES + 2] = {0};

		for (int r = 0; r < rows; r++)
		{
			const lem_real *d = dy + r * flat + (size_t) e * inputs;

			for (int i = 0; i < inputs; i++)
			{
				dkernel[i] += x[(size_t) r * inputs + i] * d[i];
				dbias[i] += d[i];
			}
		}
		for (int i = 0; i < inputs; i++)
		{
			gradient[(size_t) i * 2 * width + e] += dkernel[i];
			gradient[(size_t) i * 2 * width + width + e] += dbias[i];
		}
	}
}

/* dropout.c: numbers left out at random while a model learns. */
#include "base/random.h"
#include "layers/dropout.h"

void
lem_dropout_draw(double rate, uint64_t seed, uint64_t stream, uint64_t index, size_t size,
				 lem_real *mask)
{
	const uint64_t least = (uint64_t) (rate * 0x1p32);	/* of 32 bits that keep a number */
	const lem_real kept = (lem_real) (1 / (1 - rate));
	const uint64_t pairs = (size + 1) / 2;

	for (size_t i = 0; i < size; i += 2)
	{
		const uint64_t bits = lem_random_bits(seed, stream, index * pairs + i / 2);

		mask[i] = bits >> 32 < least ? 0 : kept;
		if (i + 1 < size)
			mask[i + 1] = (bits & UINT32_MAX) < least ? 0 : kept;
	}
}

void
lem_dropout_apply(size_t n, const lem_real *mask, const lem_real *x, lem_real *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * mask[i];
}

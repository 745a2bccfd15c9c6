/*
 * random.c: the counter-based generator.
 *
 * Seed and stream are mixed into a key, and the key with the index into the answer.  All of it is
 * whole-number arithmetic but for a last, exact scaling: the answers depend neither on the C
 * library nor on how a compiler arranges floating point.
 */
#include "base/random.h"

/* Odd steps between neighbours: 2^64 times the fractions of the golden ratio and of sqrt 2. */
#define INDEX_STEP UINT64_C(0x9e3779b97f4a7c15)
#define STREAM_STEP UINT64_C(0x6a09e667f3bcc909)

/* A bijection of 64 bits in which each bit of x flips about half of those of the answer. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return x;
}

uint64_t
lem_random_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
	const uint64_t key = mix(mix(seed + INDEX_STEP) ^ (stream + 1) * STREAM_STEP);

	/* twice with the key: streams are not stretches of one long sequence */
	return mix(mix(key + index * INDEX_STEP) ^ key);
}

double
lem_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
	return (double) (lem_random_bits(seed, stream, index) >> 11) * 0x1p-53;
}

uint64_t
lem_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t n)
{
	/* the upper 64 bits of bits * n, by halves; no answer is favoured by more than n in 2^64 */
	const uint64_t bits = lem_random_bits(seed, stream, index);
	const uint64_t low = (bits & UINT32_MAX) * (n & UINT32_MAX);
	const uint64_t mid = (bits >> 32) * (n & UINT32_MAX) + (low >> 32);
	const uint64_t mid_2 = (bits & UINT32_MAX) * (n >> 32) + (mid & UINT32_MAX);

	return (bits >> 32) * (n >> 32) + (mid >> 32) + (mid_2 >> 32);
}

/* Terms of a normal number, two from each draw of 64 bits. */
#define NORMAL_TERMS 12

double
lem_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
	/*
	 * The sum of 12 uniforms on (-1/2, 1/2), exact in whole numbers: its variance is 1, its tails
	 * end at 6, its kurtosis is 2.9.  A transformation by log and cosine would follow the normal
	 * distribution closer, and the last bits of every machine's own library.
	 */
	const uint64_t key = lem_random_bits(seed, stream, index);
	int64_t		sum = NORMAL_TERMS / 2;

	for (int i = 0; i < NORMAL_TERMS / 2; i++)
	{
		const uint64_t bits = mix(key + (uint64_t) (i + 1) * STREAM_STEP);

		sum += (int64_t) (bits >> 32) + (int64_t) (bits & UINT32_MAX) - (INT64_C(1) << 32);
	}
	return (double) sum * 0x1p-32;
}

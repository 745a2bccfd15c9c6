/* test_random.c: the generator's numbers, which must never change, and that they look random. */
#include <stdlib.h>

#include "base/random.h"
#include "check.h"

/* Computed from the formulas by another program: models trained before must train again alike. */
static void
test_known(void)
{
	static const struct
	{
		uint64_t	seed;
		uint64_t	stream;
		uint64_t	index;
		uint64_t	bits;
		double		uniform;
		double		normal;
		uint64_t	below_1000003;
		uint64_t	below_huge;	/* 2^64 - 5 */
	}			known[] = {
		{0, 0, 0, UINT64_C(0xf41b536d2c048917), 0x1.e836a6da58091p-1, 0x1.1e16b23ep-1,
		953544, UINT64_C(17589744497980639506)},
		{0, 0, 1, UINT64_C(0x0bd4b6c0e1db77a2), 0x1.7a96d81c3b6e0p-5, 0x1.21d05605p+0,
		46214, UINT64_C(852507169019099041)},
		{0, 1, 0, UINT64_C(0xc92cf5f29967f632), 0x1.9259ebe532cfep-1, -0x1.112a9e46p-1,
		785844, UINT64_C(14496231722903402030)},
		{1, 0, 0, UINT64_C(0x07b7b96813c04e75), 0x1.edee5a04f0120p-6, -0x1.0f3a51fap+0,
		30147, UINT64_C(556116935662653044)},
		{42, 7, 1000, UINT64_C(0x8402b4b7aa570670), 0x1.0805696f54ae0p-1, 0x1.c23f45cp-6,
		515667, UINT64_C(9512364063889753709)},
		{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_C(0x54bc0d9a54ef8161), 0x1.52f0366953be0p-2,
		0x1.9818694p-1, 330995, UINT64_C(6105770151308656991)},
		{UINT64_C(1) << 63, 1, UINT64_C(1) << 40, UINT64_C(0xe1f3cd4f9646d03a),
		0x1.c3e79a9f2c8dap-1, -0x1.a2614fe8p-3, 882629, UINT64_C(16281582819581808693)},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		const uint64_t seed = known[i].seed;
		const uint64_t stream = known[i].stream;
		const uint64_t index = known[i].index;

		check(lem_random_bits(seed, stream, index) == known[i].bits, "known bits %zu", i);
		check(lem_random_uniform(seed, stream, index) == known[i].uniform, "known uniform %zu", i);
		check(lem_random_normal(seed, stream, index) == known[i].normal, "known normal %zu", i);
		check(lem_random_below(seed, stream, index, 1000003) == known[i].below_1000003
			  && lem_random_below(seed, stream, index, UINT64_MAX - 4) == known[i].below_huge,
			  "known whole numbers %zu", i);
	}
}

#define DRAWS 200000

/* Bounds of these tests are 5 standard deviations of what is measured, or more. */
static void
test_moments(void)
{
	double		sum[5] = {0};
	double		normal[5] = {0};
	double		lag = 0;
	double		before = 0;
	double		least = 1;
	double		most = 0;

	for (int i = 0; i < DRAWS; i++)
	{
		double		u = lem_random_uniform(11, 3, i);
		double		x = lem_random_normal(11, 3, i);

		least = fmin(least, u);
		most = fmax(most, u);
		for (int power = 1; power < 5; power++)
		{
			sum[power] += pow(u - 0.5, power) / DRAWS;
			normal[power] += pow(x, power) / DRAWS;
		}
		lag += (u - 0.5) * before / DRAWS;
		before = u - 0.5;
	}
	check(least >= 0 && least < 1e-4 && most < 1 && most > 1 - 1e-4, "uniforms fill [0, 1)");
	check_near(sum[1], 0, 0.0033, "uniform: mean");
	check_near(sum[2], 1.0 / 12, 0.0009, "uniform: variance");
	check_near(sum[3], 0, 0.0006, "uniform: no skew");
	check_near(sum[4], 1.0 / 80, 0.0003, "uniform: fourth moment");
	check_near(lag, 0, 0.001, "uniform: neighbours are uncorrelated");
	check_near(normal[1], 0, 0.012, "normal: mean");
	check_near(normal[2], 1, 0.016, "normal: variance");
	check_near(normal[3], 0, 0.042, "normal: no skew");
	check_near(normal[4], 2.9, 0.11, "normal: kurtosis of a sum of 12 uniforms");
}

/* Chi-square of counts that should be equal, as a distance from its mean in standard deviations. */
static double
chi_square(const int *count, int cells, int draws)
{
	double		expected = (double) draws / cells;
	double		sum = 0;

	for (int i = 0; i < cells; i++)
		sum += pow(count[i] - expected, 2) / expected;
	return (sum - (cells - 1)) / sqrt(2.0 * (cells - 1));
}

static void
test_counts(void)
{
	static const uint64_t sizes[] = {2, 3, 10, 256, 1000};
	int			count[1024];

	for (int s = 0; s < 5; s++)
	{
		memset(count, 0, sizeof(count));
		for (int i = 0; i < DRAWS; i++)
			count[lem_random_below(5, 9, i, sizes[s])]++;
		check(fabs(chi_square(count, (int) sizes[s], DRAWS)) < 5, "below %d: even counts",
			  (int) sizes[s]);
	}
	check(lem_random_below(5, 9, 0, 1) == 0, "below 1 there is only 0");

	/* each byte of the bits, over each of the three arguments */
	for (int argument = 0; argument < 3; argument++)
		for (int shift = 0; shift < 64; shift += 8)
		{
			memset(count, 0, sizeof(count));
			for (int i = 0; i < DRAWS; i++)
				count[lem_random_bits(argument == 0 ? i : 1, argument == 1 ? i : 2,
									  argument == 2 ? i : 3) >> shift & 255]++;
			check(fabs(chi_square(count, 256, DRAWS)) < 5, "argument %d, bits from %d: even counts",
				  argument, shift);
		}

	/* pairs of neighbours */
	memset(count, 0, sizeof(count));
	for (int i = 0; i < DRAWS; i++)
		count[lem_random_below(6, 0, 2 * (uint64_t) i, 32) * 32
			  + lem_random_below(6, 0, 2 * (uint64_t) i + 1, 32)]++;
	check(fabs(chi_square(count, 1024, DRAWS)) < 5, "pairs of neighbours: even counts");
}

static int
ones(uint64_t x)
{
	int			n = 0;

	for (; x != 0; x &= x - 1)
		n++;
	return n;
}

/* A change of one bit anywhere changes half of the answer's bits. */
static void
test_avalanche(void)
{
	const int	rounds = 2000;
	double		worst = 0;

	for (int argument = 0; argument < 3; argument++)
		for (int bit = 0; bit < 64; bit++)
		{
			double		changed = 0;

			for (int i = 0; i < rounds; i++)
			{
				uint64_t	at[3] = {i, 2 * i + 1, 3 * i};
				uint64_t	bits = lem_random_bits(at[0], at[1], at[2]);

				at[argument] ^= UINT64_C(1) << bit;
				changed += ones(bits ^ lem_random_bits(at[0], at[1], at[2]));
			}
			worst = check_worse(worst, fabs(changed / rounds - 32));
		}
	/* the mean of 2000 rounds varies by 4 / sqrt(2000) = 0.09 */
	check_near(worst, 0, 0.45, "every bit of seed, stream and index changes half of the bits");
}

/* Correlation of what two streams, or two seeds, give at the same and at shifted places. */
static void
test_independence(void)
{
	double		worst = 0;

	for (int shift = -2; shift <= 2; shift++)
	{
		double		streams = 0;
		double		seeds = 0;
		double		swapped = 0;

		for (int i = 2; i < DRAWS + 2; i++)
		{
			double		u = lem_random_uniform(1, 0, i) - 0.5;

			streams += u * (lem_random_uniform(1, 1, i + shift) - 0.5) * 12 / DRAWS;
			seeds += u * (lem_random_uniform(2, 0, i + shift) - 0.5) * 12 / DRAWS;
			swapped += u * (lem_random_uniform(0, 1, i + shift) - 0.5) * 12 / DRAWS;
		}
		worst = check_worse(check_worse(worst, fabs(streams)), check_worse(fabs(seeds), fabs(swapped)));
	}
	check_near(worst, 0, 5 / sqrt(DRAWS), "streams and seeds are independent");
}

static int
compare(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/* Streams are not stretches of one sequence, and near seeds share nothing. */
static void
test_overlap(void)
{
	const int	n = 64 * 64 * 64;
	uint64_t   *bits = malloc(sizeof(uint64_t) * (size_t) n);
	int			same = 0;

	for (int i = 0; i < n; i++)
		bits[i] = lem_random_bits(i / 4096, i / 64 % 64, i % 64);
	qsort(bits, n, sizeof(uint64_t), compare);
	for (int i = 1; i < n; i++)
		same += bits[i] == bits[i - 1];
	check_int(same, 0, "no number twice among 64 seeds, 64 streams and 64 indexes");
	free(bits);
}

int
main(void)
{
	test_known();
	test_moments();
	test_counts();
	test_avalanche();
	test_independence();
	test_overlap();
	return check_done();
}

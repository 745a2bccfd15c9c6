/*
 * kernels_check.h: what the tests of the kernels share: random numbers, guarded memory, and the
 * loop over all sets of kernels that this processor has.
 */
#ifndef KERNELS_CHECK_H
#define KERNELS_CHECK_H

#include <float.h>
#include <stdlib.h>

#include "check.h"
#include "kernels/blas.h"
#include "kernels/kernels.h"

#ifdef LEM_REAL_DOUBLE
#define DIGITS DBL_MANT_DIG
#define MIN_EXP DBL_MIN_EXP
#define SMALLEST DBL_MIN
#define LARGEST DBL_MAX
#define EPSILON DBL_EPSILON
typedef uint64_t pattern;
#else
#define DIGITS FLT_MANT_DIG
#define MIN_EXP FLT_MIN_EXP
#define SMALLEST FLT_MIN
#define LARGEST FLT_MAX
#define EPSILON FLT_EPSILON
typedef uint32_t pattern;
#endif

/* Wide enough that its own rounding does not count, with either number type. */
typedef long double wide;

/* What is never a result: marks memory that must not be written. */
#define CANARY ((lem_real) -7777)

/* The set being tested. */
static const lem_kernels *kern;

static uint64_t random_state = 88172645463325252u;

static inline uint64_t
random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static inline int
random_int(int low, int high)
{
	return low + (int) (random_bits() % (uint64_t) (high - low + 1));
}

static inline lem_real
random_real(double low, double high)
{
	return (lem_real) (low + (high - low) * ((double) (random_bits() >> 11) * 0x1p-53));
}

/* n numbers that end where their memory ends, so that a sanitizer sees any read beyond. */
static inline lem_real *
reals(size_t n)
{
	return malloc((n ? n : 1) * sizeof(lem_real));
}

static inline lem_real *
random_reals(size_t n, double low, double high)
{
	lem_real   *x = reals(n);

	for (size_t i = 0; i < n; i++)
		x[i] = random_real(low, high);
	return x;
}

static inline lem_real *
canaries(size_t n)
{
	lem_real   *x = reals(n);

	for (size_t i = 0; i < n; i++)
		x[i] = CANARY;
	return x;
}

/* Are all numbers of rows x ld that are not in the first n columns as canaries() left them? */
static inline bool
margins_whole(const lem_real *x, int rows, int n, int ld, size_t total)
{
	for (size_t i = 0; i < total; i++)
		if ((i / ld >= (size_t) rows || i % ld >= (size_t) n) && x[i] != CANARY)
			return false;
	return true;
}

static inline bool
same(const lem_real *a, const lem_real *b, size_t n)
{
	return memcmp(a, b, n * sizeof(lem_real)) == 0;
}

static inline wide
wide_sigmoid(wide x)
{
	return 1 / (1 + expl(-x));
}

/* A packed copy of w (k x n, row stride ldw); free its data. */
static inline lem_packed
pack(const lem_real *w, int ldw, int k, int n)
{
	lem_packed	p;
	lem_real   *data = reals(lem_packed_size(k, n));

	lem_pack(&p, data, k, n);
	lem_pack_rows(data, k, n, 0, w, ldw, k);
	return p;
}

/* Run the tests for each set there is. */
static inline void
for_each_set(void (*test) (void))
{
	for (int i = 0; i < 3; i++)
	{
		kern = lem_kernels_get(i);
		if (kern)
			test();
		else
			printf("# this build and processor have no kernels number %d\n", i);
	}
}

#endif

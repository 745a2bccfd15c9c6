/*
 * test_kernels.c: elementwise functions and products of every set of kernels that this processor
 * has, against plain formulas in wider numbers, and what kernels.h promises about bits: they do
 * not depend on how much is done at once.
 */
#include "kernels_check.h"

/* ---------------------------------------------------------------------------------------------
 * Elementwise functions
 */

static wide
wide_exp(wide x)
{
	return expl(x);
}

static wide
wide_tanh(wide x)
{
	return tanhl(x);
}

static wide
wide_elu(wide x)
{
	return x > 0 ? x : expm1l(x);
}

static wide
wide_softplus(wide x)
{
	return fmaxl(x, 0) + log1pl(expl(-fabsl(x)));
}

static wide
wide_relu(wide x)
{
	return x < 0 ? 0 : x;
}

typedef void (*map) (size_t n, const lem_real *x, lem_real *y);

typedef struct function
{
	const char *name;
	size_t		offset;			/* in lem_kernels */
	wide		(*truth) (wide x);
	double		ulps;			/* promised by kernels.h */
} function;

#define FUNCTION(name, ulps) {#name, offsetof(lem_kernels, name), wide_##name, ulps}

static const function functions[] = {
	FUNCTION(exp, 2),
	FUNCTION(tanh, 3),
	FUNCTION(sigmoid, 3),
	FUNCTION(elu, 2),
	FUNCTION(softplus, 2),
	FUNCTION(relu, 0),
};

#define FUNCTIONS ((int) (sizeof(functions) / sizeof(*functions)))

static map
map_of(const lem_kernels *k, const function *f)
{
	map			m;

	memcpy(&m, (const char *) k + f->offset, sizeof(m));
	return m;
}

/* |have - want| in units in the last place of want; of the smallest normal number below those. */
static double
ulps_off(lem_real have, wide want)
{
	int			exponent;

	if (isinf(have) && fabsl(want) > (wide) LARGEST)
		return (have > 0) == (want > 0) ? 0 : INFINITY;
	frexpl(want, &exponent);
	if (want == 0 || exponent < MIN_EXP)
		exponent = MIN_EXP;
	return (double) (fabsl((wide) have - want) / ldexpl(1, exponent - DIGITS));
}

/* Numbers to try: finite ones of all sizes, and dense where the functions bend. */
static lem_real *
arguments(size_t *count)
{
	static const double ranges[] = {1e-3, 0.5, 2, 20, 110, 800};
	const int	per_range = 20001;
	const int	patterns = 100000;
	const int	powers = DIGITS - 2 * MIN_EXP;
	size_t		n = 0;
	lem_real   *x = reals(6 * (size_t) per_range + 4 * powers + patterns + 4);

	for (int r = 0; r < 6; r++)
		for (int i = 0; i < per_range; i++)
			x[n++] = (lem_real) (ranges[r] * (i - per_range / 2) / (per_range / 2));
	/* just below and above the powers of two, denormal ones with them */
	for (int e = MIN_EXP - DIGITS; e < MIN_EXP - DIGITS + powers; e++)
		for (int side = -1; side <= 1; side += 2)
		{
			x[n++] = (lem_real) (side * ldexp(1 - EPSILON, e));
			x[n++] = (lem_real) (side * ldexp(1 + EPSILON, e));
		}
	for (int i = 0; i < patterns; i++)
	{
		pattern		bits = (pattern) random_bits();

		memcpy(&x[n], &bits, sizeof(bits));
		n += isfinite(x[n]);
	}
	x[n++] = 0;
	x[n++] = -(lem_real) 0;
	x[n++] = (lem_real) LARGEST;
	x[n++] = -(lem_real) LARGEST;
	*count = n;
	return x;
}

/* Each function against its formula; with other sets, against what the portable one answers. */
static void
test_functions(void)
{
	size_t		n;
	lem_real   *x = arguments(&n);
	lem_real   *y = reals(n);
	lem_real   *portable = reals(n);

	for (int i = 0; i < FUNCTIONS; i++)
	{
		const function *f = &functions[i];
		double		worst = 0;
		double		worst_tiny = 0;
		double		worst_apart = 0;
		lem_real	at = 0;
		lem_real	edge[3] = {INFINITY, -INFINITY, NAN};

		map_of(kern, f)(n, x, y);
		map_of(lem_kernels_get(0), f)(n, x, portable);
		for (size_t j = 0; j < n; j++)
		{
			wide		want = f->truth(x[j]);
			double		off = ulps_off(y[j], want);
			double		apart = ulps_off(y[j], portable[j]);

			if (fabsl(want) < (wide) SMALLEST)
				worst_tiny = check_worse(worst_tiny, off);
			else if (!(off <= worst))
			{
				worst = isnan(off) ? INFINITY : off;
				at = x[j];
			}
			if (fabsl(want) >= (wide) SMALLEST && !(y[j] == portable[j]))
				worst_apart = check_worse(worst_apart, apart);
		}
		printf("# %s %s: %.2f units in the last place at %.9g, below the normal range %.2f\n",
			   kern->name, f->name, worst, (double) at, worst_tiny);
		check(worst <= f->ulps, "%s: %s within %g units in the last place", kern->name, f->name,
			  f->ulps);
		check(worst_tiny * ldexp(1, MIN_EXP - DIGITS) < SMALLEST,
			  "%s: %s below the normal range", kern->name, f->name);
		check(worst_apart <= 2 * f->ulps, "%s: %s as the portable one", kern->name, f->name);

		map_of(kern, f)(3, edge, edge);
		check(edge[0] == (lem_real) f->truth(INFINITY) && edge[1] == (lem_real) f->truth(-INFINITY),
			  "%s: %s of infinities", kern->name, f->name);
		check(isnan(edge[2]), "%s: %s of NaN", kern->name, f->name);
	}
	free(x);
	free(y);
	free(portable);
}

/* A number's answer has the same bits wherever it stands, in place too; nothing else is written. */
static void
test_positions(void)
{
	enum {LENGTH = 80};
	lem_real   *x = random_reals(LENGTH, -12, 12);
	lem_real   *y = reals(LENGTH);

	x[3] = 0;
	x[20] = INFINITY;
	x[37] = -INFINITY;
	x[38] = (lem_real) -(SMALLEST / 3);
	for (int i = 0; i < FUNCTIONS; i++)
	{
		map			f = map_of(kern, &functions[i]);
		bool		bits = true;
		bool		in_place = true;
		bool		margins = true;

		f(LENGTH, x, y);
		for (int n = 0; n <= 40; n++)
			for (int first = 0; first < 40; first += 3)
			{
				lem_real   *in = reals(n);
				lem_real   *out = canaries(n + 2);

				memcpy(in, x + first, n * sizeof(lem_real));
				f(n, in, out + 1);
				bits &= same(out + 1, y + first, n);
				margins &= out[0] == CANARY && out[n + 1] == CANARY;
				f(n, in, in);
				in_place &= same(in, y + first, n);
				free(in);
				free(out);
			}
		check(bits, "%s: %s has the same bits in any place", kern->name, functions[i].name);
		check(in_place, "%s: %s in place", kern->name, functions[i].name);
		check(margins, "%s: %s writes nothing else", kern->name, functions[i].name);
	}
	free(x);
	free(y);
}

/* ---------------------------------------------------------------------------------------------
 * Products
 */

static void
test_pack(void)
{
	static const int widths[] = {1, 15, 16, 17, 33, 47, 48, 49, 64, 80, 96, 144, 150};
	bool		agree = true;
	bool		picked = true;

	for (int i = 0; i < (int) (sizeof(widths) / sizeof(*widths)); i++)
	{
		const int	n = widths[i];
		const int	k = random_int(1, 20);
		const int	ld = n + i % 3;
		const size_t size = lem_packed_size(k, n);
		lem_real   *w = random_reals((size_t) k * ld, -1, 1);
		lem_real   *columns = reals(size);
		lem_real   *rows = reals(size);
		lem_real   *out = reals(n);
		lem_packed	p;

		check(size % LEM_VECTOR == 0 && size >= (size_t) k * n && size < (size_t) k * (n + 16),
			  "size of a packed %d x %d matrix", k, n);
		lem_pack(&p, columns, k, n);
		for (int done = 0, some; done < n; done += some)
		{
			some = random_int(1, n - done);
			lem_pack_columns(columns, k, n, done, w + done, ld, some);
		}
		lem_pack(&p, rows, k, n);
		for (int done = 0, some; done < k; done += some)
		{
			some = random_int(1, k - done);
			lem_pack_rows(rows, k, n, done, w + (size_t) done * ld, ld, some);
		}
		agree &= same(columns, rows, size);

		/* a row with a single one picks a row of the matrix */
		for (int r = 0; r < k; r++)
		{
			lem_real   *one = calloc(k, sizeof(lem_real));

			one[r] = 1;
			kern->matmul(1, one, k, &p, NULL, false, out, n);
			picked &= same(out, w + (size_t) r * ld, n);
			free(one);
		}
		free(w);
		free(columns);
		free(rows);
		free(out);
	}
	check(agree, "%s: packed by columns and by rows alike", kern->name);
	check(picked, "%s: a packed matrix gives back its rows", kern->name);
}

/* All widths to 150, with other sizes at random, against three loops. */
static void
test_matmul(void)
{
	static const int some_rows[] = {1, 2, 3, 4, 6, 7, 8, 9, 12, 14, 15, 16, 95, 96, 97, 200};
	double		worst = 0;
	bool		margins = true;

	for (int n = 1; n <= 150; n++)
		for (int round = 0; round < 6; round++)
		{
			const int	m = round < 4 ? random_int(1, 40) : some_rows[random_int(0, 15)];
			const int	k = round ? random_int(1, 130) : random_int(1, 4);
			const int	lda = k + random_int(0, 3);
			const int	ldc = n + random_int(0, 3);
			const int	start = (n + round) % 3;	/* nothing, bias, what c holds */
			const size_t total = (size_t) (m + 1) * ldc;
			lem_real   *a = random_reals((size_t) (m - 1) * lda + k, -1, 1);
			lem_real   *w = random_reals((size_t) k * n, -1, 1);
			lem_real   *bias = random_reals(n, -1, 1);
			lem_real   *c = canaries(total);
			lem_real   *want = reals(total);
			lem_packed	p = pack(w, n, k, n);

			for (int r = 0; r < m; r++)
				for (int j = 0; j < n; j++)
				{
					want[(size_t) r * ldc + j] = start == 0 ? 0 : bias[j];
					if (start == 2)
						c[(size_t) r * ldc + j] = bias[j];
				}
			lem_gemm_naive(false, false, m, n, k, 1, a, lda, w, n, 1, want, ldc);
			kern->matmul(m, a, lda, &p, start == 1 ? bias : NULL, start == 2, c, ldc);
			for (int r = 0; r < m; r++)
				for (int j = 0; j < n; j++)
				{
					double		d = fabs(c[(size_t) r * ldc + j] - want[(size_t) r * ldc + j]);

					if (!(d / (k + 2) <= worst))
						worst = isnan(d) ? INFINITY : d / (k + 2);
				}
			margins &= margins_whole(c, m, n, ldc, total);
			free(a);
			free(w);
			free(bias);
			free(c);
			free(want);
			free((void *) p.data);
		}
	check_near(worst, 0, 2 * EPSILON, "%s: products as by three loops", kern->name);
	check(margins, "%s: products write nothing else", kern->name);
}

/* A row's bits do not depend on the rows handed over with it, nor on how its sum starts. */
static void
test_matmul_rows(void)
{
	static const int widths[] = {1, 13, 16, 24, 32, 40, 48, 61, 70, 144, 150};
	enum {ROWS = 40, K = 33};
	bool		bits = true;
	bool		starts = true;

	for (int i = 0; i < (int) (sizeof(widths) / sizeof(*widths)); i++)
	{
		const int	n = widths[i];
		lem_real   *a = random_reals(ROWS * K, -1, 1);
		lem_real   *w = random_reals((size_t) K * n, -1, 1);
		lem_real   *bias = random_reals(n, -1, 1);
		lem_real   *all = reals((size_t) ROWS * n);
		lem_real   *c = reals((size_t) ROWS * n);
		lem_packed	p = pack(w, n, K, n);

		kern->matmul(ROWS, a, K, &p, bias, false, all, n);
		for (int m = 1; m <= ROWS; m++)
			for (int first = 0; first + m <= ROWS; first += m > 3 ? 3 : 1)
			{
				kern->matmul(m, a + first * K, K, &p, bias, false, c, n);
				bits &= same(c, all + (size_t) first * n, (size_t) m * n);
			}
		for (int r = 0; r < ROWS; r++)
			memcpy(c + (size_t) r * n, bias, n * sizeof(lem_real));
		kern->matmul(ROWS, a, K, &p, NULL, true, c, n);
		starts &= same(c, all, (size_t) ROWS * n);
		free(a);
		free(w);
		free(bias);
		free(all);
		free(c);
		free((void *) p.data);
	}
	check(bits, "%s: a row of a product has the same bits among any rows", kern->name);
	check(starts, "%s: a product has the same bits from a bias and onto it", kern->name);
}

static void
test_sparse(void)
{
	static const int inputs[] = {1, 5, 48, 700, 2047, 2048, 2049, 4096, 5000};
	static const int widths[] = {1, 16, 17, 32, 47, 48, 50, 97, 144};
	static const double zeros[] = {0, 0.5, 0.9, 1};
	bool		bits = true;
	bool		margins = true;

	for (int i = 0; i < 9; i++)
		for (int j = 0; j < 9; j++)
		{
			const int	k = inputs[i];
			const int	n = widths[j];
			lem_real   *w = random_reals((size_t) k * n, -1, 1);
			lem_real   *bias = random_reals(n, -1, 1);
			lem_real   *dense = reals(2 * n);
			lem_packed	p = pack(w, n, k, n);

			for (int z = 0; z < 4; z++)
			{
				lem_real   *x = random_reals(2 * k, -1, 1);
				lem_real   *y = canaries(n + 1);
				const lem_real *start = (i + j + z) % 3 ? bias : NULL;

				for (int l = 0; l < k; l++)
					if (random_real(0, 1) < zeros[z] || zeros[z] == 1)
						x[l] = l % 2 ? 0 : -(lem_real) 0;
				memcpy(x + k, x, k * sizeof(lem_real));
				kern->matmul(2, x, k, &p, start, false, dense, n);
				kern->matmul(1, x, k, &p, start, false, y, n);
				bits &= same(y, dense, n);
				margins &= y[n] == CANARY;
				free(x);
				free(y);
			}
			free(w);
			free(bias);
			free(dense);
			free((void *) p.data);
		}
	check(bits, "%s: a row alone, its zeros passed over, has the bits it has among others", kern->name);
	check(margins, "%s: a row alone writes nothing else", kern->name);
}

static void
test_set(void)
{
	test_functions();
	test_positions();
	test_pack();
	test_matmul();
	test_matmul_rows();
	test_sparse();
}

int
main(void)
{
	int			last = 0;

	check(lem_kernels_get(0) && !lem_kernels_get(-1) && !lem_kernels_get(3),
		  "the sets are numbered from 0 to 2");
	for (int i = 1; i < 3; i++)
		if (lem_kernels_get(i))
			last = i;
	check(lem_kernels_select() == lem_kernels_get(last), "the last set there is gets chosen");
	for_each_set(test_set);
	return check_done();
}

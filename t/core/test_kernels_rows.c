/*
 * test_kernels_rows.c: the kernels that work on rows, and the splines, against plain formulas in
 * wider numbers; all sets against each other.
 */
#include "kernels_check.h"

/* ---------------------------------------------------------------------------------------------
 * Rows
 */

/* Rows of n with a middle and a spread against the formula; one at a time gives the same bits. */
static void
norm_case(int n, double middle, double spread, double *worst, bool *bits, bool *margins)
{
	enum {ROWS = 5};
	const int	ld = n + 3;
	const size_t total = (size_t) (ROWS + 1) * ld;
	lem_real   *x = random_reals((size_t) (ROWS - 1) * ld + n, middle - spread, middle + spread);
	lem_real   *gamma = random_reals(n, -2, 2);
	lem_real   *beta = random_reals(n, -2, 2);
	lem_real   *y = canaries(total);
	lem_real   *one = reals(n);

	kern->layer_norm(ROWS, n, x, ld, gamma, beta, y, ld);
	*margins &= margins_whole(y, ROWS, n, ld, total);
	for (int r = 0; r < ROWS; r++)
	{
		const lem_real *in = x + (size_t) r * ld;
		wide		mean = 0;
		wide		variance = 0;
		wide		scale;

		for (int i = 0; i < n; i++)
			mean += in[i];
		mean /= n;
		for (int i = 0; i < n; i++)
			variance += (in[i] - mean) * (in[i] - mean);
		scale = 1 / sqrtl(variance / n + (wide) LEM_NORM_EPSILON);
		for (int i = 0; i < n; i++)
		{
			double		d = (double) (y[(size_t) r * ld + i]
									  - ((in[i] - mean) * scale * gamma[i] + beta[i]));

			/* the mean is off by some units in the last place of the largest numbers */
			d = fabs(d) / ((double) scale * (fabs(middle) + spread) + 1) / (8 + n / 4);
			if (!(d <= *worst))
				*worst = isnan(d) ? INFINITY : d;
		}
		memcpy(one, in, n * sizeof(lem_real));
		kern->layer_norm(1, n, one, n, gamma, beta, one, n);
		*bits &= same(one, y + (size_t) r * ld, n);
	}
	free(x);
	free(gamma);
	free(beta);
	free(y);
	free(one);
}

static void
test_layer_norm(void)
{
	double		worst = 0;
	bool		bits = true;
	bool		margins = true;
	bool		constant = true;

	for (int n = 1; n <= 70; n++)
	{
		lem_real   *gamma = random_reals(n, -2, 2);
		lem_real   *beta = random_reals(n, -2, 2);
		lem_real   *x = random_reals(n, 3, 3);
		lem_real   *y = reals(n);

		norm_case(n, 0, 1, &worst, &bits, &margins);
		norm_case(n, 100, 2, &worst, &bits, &margins);
		norm_case(n, 0, 1e-6, &worst, &bits, &margins);
		norm_case(n, -1e6, 1e6, &worst, &bits, &margins);
		kern->layer_norm(1, n, x, n, gamma, beta, y, n);
		constant &= same(y, beta, n);
		free(gamma);
		free(beta);
		free(x);
		free(y);
	}
	check_near(worst, 0, 4 * EPSILON, "%s: layer norm", kern->name);
	check(bits, "%s: layer norm of a row alone, in place, has the same bits", kern->name);
	check(margins, "%s: layer norm writes nothing else", kern->name);
	check(constant, "%s: layer norm of a constant row is beta", kern->name);
}

static void
test_glu(void)
{
	enum {ROWS = 3};
	double		worst = 0;
	bool		bits = true;
	bool		margins = true;

	for (int n = 1; n <= 50; n++)
		for (int with_skip = 0; with_skip < 2; with_skip++)
		{
			const int	ldx = 2 * n + n % 3;
			const int	lds = n + n % 4;
			const int	ldy = n + 2;
			const size_t total = (size_t) (ROWS + 1) * ldy;
			lem_real   *x = random_reals((size_t) (ROWS - 1) * ldx + 2 * n, -6, 6);
			lem_real   *skip = random_reals((size_t) (ROWS - 1) * lds + n, -1, 1);
			lem_real   *y = canaries(total);
			lem_real   *one = reals(n);

			kern->glu(ROWS, n, x, ldx, with_skip ? skip : NULL, lds, y, ldy);
			margins &= margins_whole(y, ROWS, n, ldy, total);
			for (int r = 0; r < ROWS; r++)
			{
				const lem_real *in = x + (size_t) r * ldx;
				const lem_real *s = skip + (size_t) r * lds;

				for (int i = 0; i < n; i++)
				{
					wide		want = (with_skip ? s[i] : 0) + in[i] * wide_sigmoid(in[n + i]);
					double		d = (double) (y[(size_t) r * ldy + i] - want);

					worst = check_worse(worst, fabs(d) / 8);
				}
				kern->glu(1, n, in, ldx, with_skip ? s : NULL, lds, one, n);
				bits &= same(one, y + (size_t) r * ldy, n);
			}
			free(x);
			free(skip);
			free(y);
			free(one);
		}
	check_near(worst, 0, 2 * EPSILON, "%s: gated linear units", kern->name);
	check(bits, "%s: gated linear units of a row alone have the same bits", kern->name);
	check(margins, "%s: gated linear units write nothing else", kern->name);
}

static void
test_softmax(void)
{
	enum {ROWS = 4};
	static const double middles[] = {0, 1e4, -1e30, 0};
	double		worst = 0;
	bool		bits = true;
	bool		margins = true;
	bool		nothing = true;

	for (int n = 1; n <= 70; n++)
	{
		const int	ld = n + 1;
		const size_t total = (size_t) (ROWS + 1) * ld;
		lem_real   *x = random_reals((size_t) (ROWS - 1) * ld + n, -5, 5);
		lem_real   *y = canaries(total);
		lem_real   *one = reals(n);

		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < n; i++)
				x[(size_t) r * ld + i] += (lem_real) middles[r];
		for (int i = 1; i < n; i += 2)
			x[(size_t) 3 * ld + i] = -INFINITY;
		kern->softmax(ROWS, n, x, ld, y, ld);
		margins &= margins_whole(y, ROWS, n, ld, total);
		for (int r = 0; r < ROWS; r++)
		{
			const lem_real *in = x + (size_t) r * ld;
			const lem_real *out = y + (size_t) r * ld;
			wide		top = in[0];
			wide		sum = 0;

			for (int i = 0; i < n; i++)
				top = fmaxl(top, in[i]);
			for (int i = 0; i < n; i++)
				sum += expl(in[i] - top);
			for (int i = 0; i < n; i++)
			{
				double		d = (double) (out[i] - expl(in[i] - top) / sum);

				worst = check_worse(worst, fabs(d));
				nothing &= !isinf(in[i]) || out[i] == 0;
			}
			memcpy(one, in, n * sizeof(lem_real));
			kern->softmax(1, n, one, n, one, n);
			bits &= same(one, out, n);
		}
		if (n == 1)
			check(y[0] == 1, "%s: softmax of one number is 1", kern->name);
		free(x);
		free(y);
		free(one);
	}
	check_near(worst, 0, 4 * EPSILON, "%s: softmax", kern->name);
	check(nothing, "%s: softmax gives nothing to minus infinity", kern->name);
	check(bits, "%s: softmax of a row alone, in place, has the same bits", kern->name);
	check(margins, "%s: softmax writes nothing else", kern->name);
}

static void
test_add_scaled(void)
{
	enum {ROWS = 4};
	double		worst = 0;
	bool		bits = true;
	bool		margins = true;

	for (int n = 1; n <= 50; n++)
	{
		const int	ldw = 1 + n % 5;
		const int	ldx = n + n % 3;
		const int	ldy = n + 2;
		const size_t total = (size_t) (ROWS + 1) * ldy;
		lem_real   *w = random_reals((size_t) (ROWS - 1) * ldw + 1, -2, 2);
		lem_real   *x = random_reals((size_t) (ROWS - 1) * ldx + n, -2, 2);
		lem_real   *before = random_reals((size_t) ROWS * n, -2, 2);
		lem_real   *y = canaries(total);
		lem_real   *one = reals(n);

		for (int r = 0; r < ROWS; r++)
			memcpy(y + (size_t) r * ldy, before + (size_t) r * n, n * sizeof(lem_real));
		kern->add_scaled(ROWS, n, w, ldw, x, ldx, y, ldy);
		margins &= margins_whole(y, ROWS, n, ldy, total);
		for (int r = 0; r < ROWS; r++)
		{
			for (int i = 0; i < n; i++)
			{
				double		d = y[(size_t) r * ldy + i]
					- (before[(size_t) r * n + i]
					   + (double) w[(size_t) r * ldw] * x[(size_t) r * ldx + i]);

				worst = check_worse(worst, fabs(d) / 6);
			}
			memcpy(one, before + (size_t) r * n, n * sizeof(lem_real));
			kern->add_scaled(1, n, w + (size_t) r * ldw, ldw, x + (size_t) r * ldx, ldx, one, n);
			bits &= same(one, y + (size_t) r * ldy, n);
		}
		free(w);
		free(x);
		free(before);
		free(y);
		free(one);
	}
	check_near(worst, 0, 2 * EPSILON, "%s: sums of scaled rows", kern->name);
	check(bits, "%s: sums of scaled rows, one alone, have the same bits", kern->name);
	check(margins, "%s: sums of scaled rows write nothing else", kern->name);
}

/* Columns of a against columns of b over k rows, with strides, set and added to; against loops. */
static void
outer_case(int m, int n, int k, double *worst, bool *margins)
{
	const int	lda = m + random_int(0, 5);
	const int	ldb = n + random_int(0, 5);
	const int	ldc = n + random_int(0, 5);
	const size_t total = (size_t) m * ldc + 7;
	lem_real   *a = random_reals((size_t) (k - 1) * lda + m, -1, 1);
	lem_real   *b = random_reals((size_t) (k - 1) * ldb + n, -1, 1);
	lem_real   *c = canaries(total);

	for (int add = 0; add < 2; add++)
	{
		kern->outer(m, n, k, a, lda, b, ldb, add, c, ldc);
		for (int i = 0; i < m; i++)
			for (int j = 0; j < n; j++)
			{
				wide		sum = 0;
				double		d;

				for (int l = 0; l < k; l++)
					sum += (wide) a[(size_t) l * lda + i] * b[(size_t) l * ldb + j];
				d = fabs((double) (c[(size_t) i * ldc + j] - (1 + add) * sum));
				d /= EPSILON * (8 + k);
				if (!(d <= *worst))
					*worst = isnan(d) ? INFINITY : d;
			}
	}
	*margins &= margins_whole(c, m, n, ldc, total);
	free(a);
	free(b);
	free(c);
}

static void
test_outer(void)
{
	double		worst = 0;
	bool		margins = true;
	lem_real	kept = 5;

	for (int size = 1; size <= 20; size++)
	{
		outer_case(size, random_int(1, 110), random_int(1, 30), &worst, &margins);
		outer_case(random_int(1, 40), size, random_int(1, 30), &worst, &margins);
		outer_case(random_int(1, 40), random_int(1, 60), size, &worst, &margins);
	}
	outer_case(8, 48, 1, &worst, &margins);
	outer_case(16, 96, 160, &worst, &margins);
	outer_case(130, 49, 161, &worst, &margins);
	outer_case(257, 100, 333, &worst, &margins);
	check(worst < 1, "%s: outer products against loops, off by %.2f of what is allowed", kern->name,
		  worst);
	check(margins, "%s: outer products write nothing else", kern->name);
	kern->outer(0, 1, 1, &kept, 1, &kept, 1, false, &kept, 1);
	kern->outer(1, 0, 1, &kept, 1, &kept, 1, false, &kept, 1);
	kern->outer(1, 1, 0, &kept, 1, &kept, 1, true, &kept, 1);
	check(kept == 5, "%s: nothing times nothing is nothing", kern->name);
	kern->outer(1, 1, 0, &kept, 1, &kept, 1, false, &kept, 1);
	check(kept == 0, "%s: but for a sum over no rows, which is 0", kern->name);
}

static void
test_cell(void)
{
	double		worst = 0;
	double		worst_output = 0;
	bool		gated = true;
	bool		margins = true;

	for (int n = 1; n <= 50; n++)
		for (int linear = 0; linear < 2; linear++)
		{
			lem_real   *raw = random_reals(3 * (size_t) n, -8, 8);
			lem_real   *gates = canaries(3 * (size_t) n + 1);
			lem_real   *sigmoid = reals(3 * (size_t) n);
			lem_real   *before = random_reals(n, -2, 2);
			lem_real   *c = canaries(n + 1);
			lem_real   *o = canaries(n + 1);
			lem_real   *h = canaries(n + 1);

			memcpy(gates, raw, 3 * (size_t) n * sizeof(lem_real));
			memcpy(c, before, n * sizeof(lem_real));
			memcpy(o, raw, n * sizeof(lem_real));
			kern->cell(n, gates, linear, c);
			kern->cell_output(n, o, c, h);
			kern->sigmoid(3 * (size_t) n, raw, sigmoid);
			gated &= same(gates, sigmoid, 3 * (size_t) n) && same(o, sigmoid, n);
			margins &= gates[3 * n] == CANARY && c[n] == CANARY && o[n] == CANARY
				&& h[n] == CANARY;
			for (int i = 0; i < n; i++)
			{
				wide		g = wide_sigmoid(raw[2 * n + i]);
				wide		want = wide_sigmoid(raw[n + i]) * before[i]
					+ wide_sigmoid(raw[i]) * (linear ? g : tanhl(g));
				double		d = (double) (c[i] - want);
				double		e = (double) (h[i] - wide_sigmoid(raw[i]) * tanhl(c[i]));

				worst = check_worse(worst, fabs(d) / 3);
				worst_output = check_worse(worst_output, fabs(e));
			}
			free(raw);
			free(gates);
			free(sigmoid);
			free(before);
			free(c);
			free(o);
			free(h);
		}
	check_near(worst, 0, 2 * EPSILON, "%s: the cell's state", kern->name);
	check_near(worst_output, 0, 2 * EPSILON, "%s: the cell's output", kern->name);
	check(gated, "%s: the cell leaves its gates after the sigmoid", kern->name);
	check(margins, "%s: the cell writes nothing else", kern->name);
}

/* ---------------------------------------------------------------------------------------------
 * Splines
 */

/* Knot i of the extended knots. */
static double
knot(const lem_spline *s, int i)
{
	return s->low + (i - s->order) * (s->high - s->low) / s->intervals;
}

/* Basis b of an order at z, by the recursion of Cox and de Boor. */
static double
basis(const lem_spline *s, int order, int b, double z)
{
	if (!(z >= knot(s, b) && z < knot(s, b + order + 1)))
		return 0;
	if (order == 0)
		return 1;
	return (z - knot(s, b)) / (knot(s, b + order) - knot(s, b)) * basis(s, order - 1, b, z)
		+ (knot(s, b + order + 1) - z) / (knot(s, b + order + 1) - knot(s, b + 1))
		* basis(s, order - 1, b + 1, z);
}

static void
expand_case(const lem_spline *s, int n)
{
	const int	bases = s->intervals + s->order;
	const double spacing = (s->high - s->low) / s->intervals;
	const double reach = (s->order + 0.01) * spacing;
	const size_t total = (size_t) n * (1 + bases);
	lem_real   *z = random_reals(n, s->low - reach - spacing, s->high + reach + spacing);
	lem_real   *row = canaries(total + 1);
	lem_real   *one = reals(1 + bases);

	/* rounding of the place among the knots, and of the range's ends */
	const double tolerance = EPSILON * (4 * (s->intervals + 2 * s->order)
										+ (fabs(s->low) + fabs(s->high)) / spacing);
	double		worst = 0;
	double		worst_sum = 0;
	bool		outside = true;
	bool		relu = true;
	bool		bits = true;

	/* the knots themselves, and what no knot is near */
	for (int i = 0; i <= s->intervals + 2 * s->order && i < n; i++)
		z[i] = (lem_real) knot(s, i);
	if (n > 40)
	{
		z[n - 1] = NAN;
		z[n - 2] = INFINITY;
		z[n - 3] = -INFINITY;
		z[n - 4] = (lem_real) LARGEST;
		z[n - 5] = (lem_real) -LARGEST;
		z[n - 6] = (lem_real) s->low;
		z[n - 7] = (lem_real) s->high;
	}
	kern->kan_expand(s, n, z, row);
	for (int i = 0; i < n; i++)
	{
		double		sum = 0;
		bool		zero = true;

		for (int b = 0; b < bases; b++)
		{
			double		have = row[(size_t) (1 + b) * n + i];
			double		d = isfinite(z[i]) ? fabs(have - basis(s, s->order, b, z[i])) : have;

			worst = check_worse(worst, d);
			sum += have;
			zero &= have == 0;
		}
		if (z[i] >= s->low && z[i] <= s->high)
			worst_sum = check_worse(worst_sum, fabs(sum - 1));
		else if (!(z[i] >= s->low - reach && z[i] <= s->high + reach))
			outside &= zero;
		relu &= isnan(z[i]) ? isnan(row[i]) : row[i] == (z[i] > 0 ? z[i] : 0);
		kern->kan_expand(s, 1, &z[i], one);
		for (int b = 0; b <= bases; b++)
			bits &= isnan(z[i]) || same(&one[b], &row[(size_t) b * n + i], 1);
	}
	check(worst <= tolerance && worst_sum <= bases * tolerance && outside && relu && bits
		  && row[total] == CANARY,
		  "%s: splines of order %d, %d intervals over [%g, %g], %d inputs (%.3g, %.3g)", kern->name,
		  s->order, s->intervals, s->low, s->high, n, worst, worst_sum);
	free(z);
	free(row);
	free(one);
}

/* The backward passes of relu and elu. */
static void
test_activations_backward(void)
{
	for (int n = 1; n <= 40; n += 13)
	{
		lem_real   *y = random_reals(n, -1, 1);
		lem_real   *d = random_reals(n + 1, -1, 1);
		lem_real   *before = reals(n);
		bool		good = true;

		for (int i = 0; i < n; i++)
			y[i] = y[i] > 0 ? y[i] : 0;
		if (n > 20)
			y[17] = NAN;
		d[n] = CANARY;
		memcpy(before, d, n * sizeof(lem_real));
		kern->relu_backward(n, y, d);
		for (int i = 0; i < n; i++)
			good &= d[i] == (y[i] > 0 ? before[i] : 0);
		check(good && d[n] == CANARY, "%s: relu backward, %d numbers", kern->name, n);
		good = true;
		memcpy(before, d, n * sizeof(lem_real));
		for (int i = 0; i < n; i++)
			y[i] = (lem_real) (i % 3 - 0.9);
		kern->elu_backward(n, y, d);
		for (int i = 0; i < n; i++)
			good &= fabs(d[i] - before[i] * (y[i] > 0 ? 1 : y[i] + 1)) <= EPSILON;
		check(good && d[n] == CANARY, "%s: elu backward, %d numbers", kern->name, n);
		free(y);
		free(d);
		free(before);
	}
}

static void
test_expand(void)
{
	static const int widths[] = {1, 7, 16, 61, 128};
	static const lem_spline splines[] = {
		{0, 5, -1, 1}, {0, 1, -1, 1}, {0, 3, -2, 3}, {0, 10, 0, 10}, {0, 20, -100, 50},
		{0, 4, 0.1, 0.7},
	};

	for (int order = 1; order <= LEM_MAX_SPLINE_ORDER; order++)
		for (int i = 0; i < 6; i++)
			for (int j = 0; j < 5; j++)
			{
				lem_spline	s = splines[i];

				s.order = order;
				expand_case(&s, widths[j]);
			}
}

/* ---------------------------------------------------------------------------------------------
 * All sets give the same answers, up to rounding
 */

/* A chain of everything, as the layers use it: 4 rows of 37 from one seed. */
static void
chain(const lem_kernels *k, lem_real *y)
{
	enum {ROWS = 4, N = 37, BASES = 8};
	const lem_spline spline = {3, 5, -1, 1};
	const size_t expanded = N * (1 + BASES);
	lem_real   *x;
	lem_real   *w_1;
	lem_real   *w_2;
	lem_real   *gamma;
	lem_real   *gates = reals(ROWS * 3 * N);
	lem_real   *z = reals(ROWS * N);
	lem_real   *row = reals(expanded);
	lem_packed	p_1;
	lem_packed	p_2;

	random_state = 42;
	x = random_reals(ROWS * N, -1, 1);
	w_1 = random_reals(N * 3 * N, -0.3, 0.3);
	w_2 = random_reals(expanded * N, -0.3, 0.3);
	gamma = random_reals(2 * N, -1, 1);
	p_1 = pack(w_1, 3 * N, N, 3 * N);
	p_2 = pack(w_2, N, (int) expanded, N);
	k->matmul(ROWS, x, N, &p_1, NULL, false, gates, 3 * N);
	k->glu(ROWS, N, gates, 3 * N, x, N, z, N);
	k->layer_norm(ROWS, N, z, N, gamma, gamma + N, z, N);
	for (int r = 0; r < ROWS; r++)
	{
		k->kan_expand(&spline, N, z + r * N, row);
		k->matmul(1, row, (int) expanded, &p_2, gamma, false, y + r * N, N);
		k->cell(N, gates + r * 3 * N, false, y + r * N);
		k->cell_output(N, gates + r * 3 * N, y + r * N, z + r * N);
	}
	k->add_scaled(ROWS, N, z, N, z, N, y, N);
	k->softmax(ROWS, N, z, N, z, N);
	k->add_scaled(ROWS, N, gamma, 1, z, N, y, N);
	free(x);
	free(w_1);
	free(w_2);
	free(gamma);
	free(gates);
	free(z);
	free(row);
	free((void *) p_1.data);
	free((void *) p_2.data);
}

static void
test_agreement(void)
{
	lem_real	portable[4 * 37];
	lem_real	y[4 * 37];
	double		worst = 0;

	chain(lem_kernels_get(0), portable);
	chain(kern, y);
	for (int i = 0; i < 4 * 37; i++)
	{
		double		d = fabs(y[i] - portable[i]);

		worst = check_worse(worst, d);
	}
	check_near(worst, 0, 100 * EPSILON, "%s: a chain of all kernels as the portable ones",
			   kern->name);
}

static void
test_set(void)
{
	test_layer_norm();
	test_glu();
	test_softmax();
	test_add_scaled();
	test_outer();
	test_cell();
	test_expand();
	test_activations_backward();
	test_agreement();
}

int
main(void)
{
	for_each_set(test_set);
	return check_done();
}

/*
 * kernels_impl.h: the primitive operations, written once with vectors of LANES numbers and
 * compiled once for each instruction set (see kernels_avx512.c and its sisters).
 *
 * The including file defines KERNELS_NAME (text), KERNELS_TABLE (symbol), LANES (numbers in a
 * vector register: 4, 8 or 16), TILE_ROWS (2, 6 or 8) and TILE_COLUMNS (LEM_VECTOR or LEM_PANEL):
 * the block of a product that is kept in registers.  What vectors of C cannot say in one
 * instruction, but the instruction set can, it may define too: ISA_LOAD_PART, ISA_STORE_PART,
 * ISA_SUM, ISA_LARGEST, ISA_MIN, ISA_MAX, ISA_SCALE, ISA_LIST_NONZEROS.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

typedef lem_real vec __attribute__((vector_size(LANES * sizeof(lem_real))));
#ifdef LEM_REAL_DOUBLE
typedef int64_t lane;
#else
typedef int32_t lane;
#endif
typedef lane ivec __attribute__((vector_size(LANES * sizeof(lane))));

/* Inputs of a single row's product that are looked at together. */
#define LIST 2048

#define INLINE static inline __attribute__((always_inline))

/* Before loops over a block's registers: an array stays in registers if no index is variable. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
/* Products and sums of one expression are fused always, not where the optimizer happens to. */
#pragma clang fp contract(on)
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

INLINE vec
load(const lem_real *p)
{
	vec			v;

	memcpy(&v, p, sizeof(v));
	return v;
}

INLINE void
store(lem_real *p, vec v)
{
	memcpy(p, &v, sizeof(v));
}

INLINE vec
splat(lem_real x)
{
	return x - (vec) {0};
}

/* The first n (< LANES) numbers of p, the rest filled with one value. */
INLINE vec
load_part(const lem_real *p, size_t n, lem_real fill)
{
#ifdef ISA_LOAD_PART
	return ISA_LOAD_PART(p, n, fill);
#else
	lem_real	buffer[LANES];

	for (int i = 0; i < LANES; i++)
		buffer[i] = fill;
	memcpy(buffer, p, n * sizeof(lem_real));
	return load(buffer);
#endif
}

INLINE void
store_part(lem_real *p, vec v, size_t n)
{
#ifdef ISA_STORE_PART
	ISA_STORE_PART(p, v, n);
#else
	memcpy(p, &v, n * sizeof(lem_real));
#endif
}

INLINE vec
choose(ivec mask, vec yes, vec no)
{
	return (vec) (((ivec) yes & mask) | ((ivec) no & ~mask));
}

INLINE lem_real
sum_lanes(vec v)
{
#ifdef ISA_SUM
	return ISA_SUM(v);
#else
	lem_real	s = 0;

	for (int i = 0; i < LANES; i++)
		s += v[i];
	return s;
#endif
}

INLINE lem_real
largest_lane(vec v)
{
#ifdef ISA_LARGEST
	return ISA_LARGEST(v);
#else
	lem_real	top = v[0];

	for (int i = 1; i < LANES; i++)
		top = v[i] > top ? v[i] : top;
	return top;
#endif
}

/* The smaller, the larger of each pair; b where one is not a number. */
INLINE vec
vmin(vec a, vec b)
{
#ifdef ISA_MIN
	return ISA_MIN(a, b);
#else
	return choose(a < b, a, b);
#endif
}

INLINE vec
vmax(vec a, vec b)
{
#ifdef ISA_MAX
	return ISA_MAX(a, b);
#else
	return choose(a > b, a, b);
#endif
}

#ifdef LEM_REAL_DOUBLE

#define LIBM(name, expression) \
INLINE vec name(vec x) \
{ \
	vec y; \
	for (int i = 0; i < LANES; i++) \
		y[i] = expression; \
	return y; \
}

LIBM(vexp, exp(x[i]))
LIBM(vexpm1, expm1(x[i]))
LIBM(vlog1p, log1p(x[i]))

#else

/* A power of two, as it is multiplied with. */
typedef struct power
{
#ifdef ISA_SCALE
	vec			exponent;
#else
	/* two factors, so that results near the ends of the range overflow and fade as they should */
	vec			scale1;
	vec			scale2;
#endif
} power;

INLINE vec
scale(vec x, power p)
{
#ifdef ISA_SCALE
	return ISA_SCALE(x, p.exponent);
#else
	return x * p.scale1 * p.scale2;
#endif
}

/* Below it exp leaves the normal range, where processors are slow: its answer is 0 there. */
#define SMALLEST (-87.33654f)

/* 2^n and r with x = n ln 2 + r, |r| <= ln 2 / 2, x not below SMALLEST. */
INLINE vec
reduce(vec x, power *p)
{
	const vec	magic = splat(12582912.0f);	/* 1.5 * 2^23: adding it rounds to an integer */
	vec			shifted;
	vec			n;

	x = vmax(splat(SMALLEST), vmin(splat(89.0f), x));
	shifted = x * 1.44269504f + magic;
	n = shifted - magic;
#ifdef ISA_SCALE
	p->exponent = n;
#else
	{
		const ivec	k = (ivec) shifted - (ivec) magic;
		const ivec	half = k >> 1;

		p->scale1 = (vec) ((half + 127) << 23);
		p->scale2 = (vec) ((k - half + 127) << 23);
	}
#endif
	return (x - n * 0.693359375f) + n * 2.12194440e-4f;
}

/* exp(r) - 1 for |r| <= ln 2 / 2: its Taylor series to r^8, error below 1e-9. */
INLINE vec
expm1_reduced(vec r)
{
	vec			p = splat(1.0f / 40320.0f);

	p = p * r + 1.0f / 5040.0f;
	p = p * r + 1.0f / 720.0f;
	p = p * r + 1.0f / 120.0f;
	p = p * r + 1.0f / 24.0f;
	p = p * r + 1.0f / 6.0f;
	p = p * r + 0.5f;
	return r * r * p + r;
}

INLINE vec
vexp(vec x)
{
	power		p;
	vec			r = reduce(x, &p);

	return choose(x < SMALLEST, splat(0), scale(expm1_reduced(r) + 1.0f, p));
}

INLINE vec
vexpm1(vec x)
{
	power		p;
	vec			r = reduce(x, &p);
	vec			one = scale(splat(1), p);

	return expm1_reduced(r) * one + (one - 1.0f);
}

/* log(1 + x) for 0 <= x <= 1, scalar libm: softplus is not on a hot path. */
INLINE vec
vlog1p(vec x)
{
	vec			y;

	for (int i = 0; i < LANES; i++)
		y[i] = log1pf(x[i]);
	return y;
}

#endif

INLINE vec
vabs(vec x)
{
	return choose(x < 0, -x, x);
}

/* tanh |x| = -t / (t + 2) with t = exp(-2 |x|) - 1, which is accurate near zero too. */
INLINE vec
vtanh(vec x)
{
	vec			t = vexpm1(vabs(x) * (lem_real) -2);
	vec			y = -t / (t + (lem_real) 2);

	return choose(x < 0, -y, y);
}

INLINE vec
vsigmoid(vec x)
{
	return (lem_real) 1 / (vexp(-x) + (lem_real) 1);
}

INLINE vec
velu(vec x)
{
	return choose(x > 0, x, vexpm1(choose(x > 0, splat(0), x)));
}

INLINE vec
vrelu(vec x)
{
	return choose(x < 0, splat(0), x);
}

INLINE vec
vsoftplus(vec x)
{
	return vrelu(x) + vlog1p(vexp(-vabs(x)));
}

#define MAP(function, operation) \
static void \
function(size_t n, const lem_real *x, lem_real *y) \
{ \
	size_t		i = 0; \
\
	for (; i + LANES <= n; i += LANES) \
		store(y + i, operation(load(x + i))); \
	if (i < n) \
		store_part(y + i, operation(load_part(x + i, n - i, 0)), n - i); \
}

MAP(map_exp, vexp)
MAP(map_tanh, vtanh)
MAP(map_sigmoid, vsigmoid)
MAP(map_elu, velu)
MAP(map_softplus, vsoftplus)
MAP(map_relu, vrelu)

/* A vector of a row that may end before it, or within it: n numbers are left. */
INLINE vec
load_edge(const lem_real *p, int n)
{
	return n >= LANES ? load(p) : load_part(p, n > 0 ? n : 0, 0);
}

INLINE void
store_edge(lem_real *p, vec v, int n)
{
	if (n >= LANES)
		store(p, v);
	else if (n > 0)
		store_part(p, v, n);
}

/* A block of rows x columns of the product, k long, kept in registers. */
INLINE void
tile(const int rows, const int vectors, int k, const lem_real *a, int lda,
	 const lem_real *w, int ldw, const lem_real *bias, bool accumulate,
	 lem_real *c, int ldc, int columns)
{
	vec			acc[TILE_ROWS][TILE_COLUMNS / LANES];

UNROLL
	for (int r = 0; r < rows; r++)
UNROLL
		for (int v = 0; v < vectors; v++)
		{
			if (!accumulate)
				acc[r][v] = bias ? load(bias + v * LANES) : splat(0);
			else
				acc[r][v] = load_edge(c + (size_t) r * ldc + v * LANES, columns - v * LANES);
		}

	for (int i = 0; i < k; i++)
	{
		vec			b[TILE_COLUMNS / LANES];

UNROLL
		for (int v = 0; v < vectors; v++)
			b[v] = load(w + (size_t) i * ldw + v * LANES);
UNROLL
		for (int r = 0; r < rows; r++)
		{
			vec			x = splat(a[(size_t) r * lda + i]);

UNROLL
			for (int v = 0; v < vectors; v++)
				acc[r][v] = x * b[v] + acc[r][v];
		}
	}

UNROLL
	for (int r = 0; r < rows; r++)
UNROLL
		for (int v = 0; v < vectors; v++)
			store_edge(c + (size_t) r * ldc + v * LANES, acc[r][v], columns - v * LANES);
}

/* All rows of one strip of columns, vectors wide. */
INLINE void
strip(const int vectors, int m, int k, const lem_real *a, int lda, const lem_real *w, int ldw,
	  const lem_real *bias, bool accumulate, lem_real *c, int ldc, int columns)
{
	int			r = 0;

#define TILE(rows) tile(rows, vectors, k, a + (size_t) r * lda, lda, w, ldw, bias, accumulate, \
						c + (size_t) r * ldc, ldc, columns)
	for (; r + TILE_ROWS <= m; r += TILE_ROWS)
		TILE(TILE_ROWS);
#if TILE_ROWS > 4
	if (r + 4 <= m)
	{
		TILE(4);
		r += 4;
	}
#endif
#if TILE_ROWS > 2
	if (r + 2 <= m)
	{
		TILE(2);
		r += 2;
	}
#endif
	for (; r < m; r++)
		TILE(1);
#undef TILE
}

/* The numbers from first on (count of them) of those of x that are not zero, LANES more being written
 * to; returns how many there are. */
INLINE int
list_nonzeros(const lem_real *x, int first, int count, int *list)
{
#ifdef ISA_LIST_NONZEROS
	return ISA_LIST_NONZEROS(x, first, count, list);
#else
	int			found = 0;

	for (int i = first; i < first + count; i++)
	{
		list[found] = i;
		found += x[i] != 0;
	}
	return found;
#endif
}

/*
 * Strips of columns, each vectors wide and so many numbers apart: their rows that meet a nonzero of
 * x, whose numbers are listed.  Two strips at a time keep more reads under way than one.
 */
INLINE void
strips_listed(const int strips, const int vectors, size_t apart, size_t stride, int count,
			  const int *list, const lem_real *x, const lem_real *w, lem_real *y)
{
	vec			acc[2][LEM_PANEL / LANES];

UNROLL
	for (int s = 0; s < strips; s++)
UNROLL
		for (int v = 0; v < vectors; v++)
			acc[s][v] = load(y + (s * vectors + v) * LANES);
	for (int i = 0; i < count; i++)
	{
		const lem_real *row = w + list[i] * stride;
		vec			value = splat(x[list[i]]);

UNROLL
		for (int s = 0; s < strips; s++)
UNROLL
			for (int v = 0; v < vectors; v++)
				acc[s][v] = value * load(row + s * apart + v * LANES) + acc[s][v];
	}
UNROLL
	for (int s = 0; s < strips; s++)
UNROLL
		for (int v = 0; v < vectors; v++)
			store(y + (s * vectors + v) * LANES, acc[s][v]);
}

/*
 * One row: what it costs is reading the weights, so those that would be multiplied by zero (half of
 * what a relu or a spline hands on) are left out.  The bits are those of many rows.
 */
static void
matvec(const lem_real *x, const lem_packed *w, const lem_real *bias, bool accumulate, lem_real *y)
{
	/* pairs of full panels, then what is left, panel by panel */
	const int	pairs = w->n / (2 * LEM_PANEL);
	const int	panels = (w->n + LEM_PANEL - 1) / LEM_PANEL;
	const int	groups = panels - pairs;

	/* Lists of a bounded length; a strip carries on where the list before ended. */
	for (int first = 0; first < w->k; first += LIST)
	{
		int			list[LIST + LANES];
		const int	count = list_nonzeros(x, first, w->k - first < LIST ? w->k - first : LIST,
										  list);

		for (int g = 0; g < groups; g++)
		{
			const int	group = w->from_last ? groups - 1 - g : g;
			const int	column = (group < pairs ? 2 * group : pairs + group) * LEM_PANEL;
			const int	most = group < pairs ? 2 * LEM_PANEL : LEM_PANEL;
			const int	columns = w->n - column < most ? w->n - column : most;
			const int	width = (columns + LEM_VECTOR - 1) / LEM_VECTOR * LEM_VECTOR;
			const lem_real *panel = w->data + (w->ld ? 1 : (size_t) w->k) * column;
			const size_t stride = w->ld ? w->ld : width < LEM_PANEL ? width : LEM_PANEL;
			lem_real	strip[2 * LEM_PANEL] = {0};

			if (accumulate || first > 0 || bias)
				memcpy(strip, (accumulate || first > 0 ? y : bias) + column,
					   columns * sizeof(lem_real));
			if (width == 2 * LEM_PANEL)
				strips_listed(2, LEM_PANEL / LANES, (w->ld ? 1 : (size_t) w->k) * LEM_PANEL, stride,
							  count, list, x, panel, strip);
			else if (width == 3 * LEM_VECTOR)
				strips_listed(1, 3 * LEM_VECTOR / LANES, 0, stride, count, list, x, panel, strip);
			else if (width == 2 * LEM_VECTOR)
				strips_listed(1, 2 * LEM_VECTOR / LANES, 0, stride, count, list, x, panel, strip);
			else
				strips_listed(1, LEM_VECTOR / LANES, 0, stride, count, list, x, panel, strip);
			memcpy(y + column, strip, columns * sizeof(lem_real));
		}
	}
}

static void
matmul(int m, const lem_real *a, int lda, const lem_packed *w, const lem_real *bias,
	   bool accumulate, lem_real *c, int ldc)
{
	/* So many rows of a stay in the second-level cache while all panels pass over them. */
	enum {ROWS_AT_A_TIME = 96};
	const int	panels = (w->n + LEM_PANEL - 1) / LEM_PANEL;

	if (m == 1)
	{
		matvec(a, w, bias, accumulate, c);
		return;
	}
	for (int row = 0; row < m; row += ROWS_AT_A_TIME)
	{
		int			rows = m - row < ROWS_AT_A_TIME ? m - row : ROWS_AT_A_TIME;

		for (int p = 0; p < panels; p++)
		{
			const int	column = (w->from_last ? panels - 1 - p : p) * LEM_PANEL;
			const lem_real *panel = w->data + (w->ld ? 1 : (size_t) w->k) * column;
			int			columns = w->n - column < LEM_PANEL ? w->n - column : LEM_PANEL;
			int			width = (columns + LEM_VECTOR - 1) / LEM_VECTOR * LEM_VECTOR;
			lem_real	padded[LEM_PANEL];
			const lem_real *start = NULL;
			const lem_real *x = a + (size_t) row * lda;
			lem_real   *y = c + (size_t) row * ldc + column;

			if (bias && columns < width)
			{
				memset(padded, 0, sizeof(padded));
				memcpy(padded, bias + column, columns * sizeof(lem_real));
				start = padded;
			}
			else if (bias)
				start = bias + column;

#define STRIP(v, vectors, stride) \
	strip(vectors, rows, w->k, x, lda, panel + (v), stride, start ? start + (v) : NULL, \
		  accumulate, y + (v), ldc, columns - (v))
#if TILE_COLUMNS == LEM_PANEL
			if (w->ld)
				for (int v = 0; v < columns; v += LANES)
					STRIP(v, 1, w->ld);
			else if (width == 3 * LEM_VECTOR)
				STRIP(0, 3 * LEM_VECTOR / LANES, 3 * LEM_VECTOR);
			else if (width == 2 * LEM_VECTOR)
				STRIP(0, 2 * LEM_VECTOR / LANES, 2 * LEM_VECTOR);
			else
				STRIP(0, LEM_VECTOR / LANES, LEM_VECTOR);
#else
			for (int v = 0; v < columns; v += LEM_VECTOR)
				STRIP(v, LEM_VECTOR / LANES, w->ld ? w->ld : width);
#endif
#undef STRIP
		}
	}
}

static lem_real
dot(size_t n, const lem_real *a, const lem_real *b)
{
	vec			sum = splat(0);
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		sum += load(a + i) * load(b + i);
	if (i < n)
		sum += load_part(a + i, n - i, 0) * load_part(b + i, n - i, 0);
	return sum_lanes(sum);
}

static void
glu(int rows, int n, const lem_real *x, int ldx, const lem_real *skip, int ldskip,
	lem_real *y, int ldy)
{
	for (int r = 0; r < rows; r++)
	{
		const lem_real *d = x + (size_t) r * ldx;
		const lem_real *g = d + n;
		const lem_real *s = skip ? skip + (size_t) r * ldskip : NULL;
		lem_real   *out = y + (size_t) r * ldy;
		int			i = 0;

		for (; i + LANES <= n; i += LANES)
		{
			vec			v = load(d + i) * vsigmoid(load(g + i));

			store(out + i, s ? v + load(s + i) : v);
		}
		if (i < n)
		{
			vec			v = load_part(d + i, n - i, 0) * vsigmoid(load_part(g + i, n - i, 0));

			store_part(out + i, s ? v + load_part(s + i, n - i, 0) : v, n - i);
		}
	}
}

/* Mean of a row, and 1 / sqrt(variance + epsilon); two passes. */
INLINE void
norm_row(int n, const lem_real *x, lem_real *mean, lem_real *scale)
{
	vec			sum = splat(0);
	vec			square = splat(0);
	int			i = 0;

	for (; i + LANES <= n; i += LANES)
		sum += load(x + i);
	if (i < n)
		sum += load_part(x + i, n - i, 0);
	*mean = sum_lanes(sum) / n;

	for (i = 0; i + LANES <= n; i += LANES)
	{
		vec			d = load(x + i) - *mean;

		square += d * d;
	}
	if (i < n)
	{
		vec			d = load_part(x + i, n - i, *mean) - *mean;

		square += d * d;
	}
	*scale = (lem_real) (1.0 / sqrt((double) (sum_lanes(square) / n) + LEM_NORM_EPSILON));
}

static void
layer_norm(int rows, int n, const lem_real *x, int ldx, const lem_real *gamma,
		   const lem_real *beta, lem_real *y, int ldy)
{
	for (int r = 0; r < rows; r++)
	{
		const lem_real *in = x + (size_t) r * ldx;
		lem_real   *out = y + (size_t) r * ldy;
		lem_real	mean;
		lem_real	scale;
		int			i = 0;

		norm_row(n, in, &mean, &scale);
		for (; i + LANES <= n; i += LANES)
			store(out + i, (load(in + i) - mean) * scale * load(gamma + i) + load(beta + i));
		if (i < n)
			store_part(out + i, (load_part(in + i, n - i, 0) - mean) * scale
					   * load_part(gamma + i, n - i, 0) + load_part(beta + i, n - i, 0), n - i);
	}
}

static void
cell(int n, lem_real *gates, bool linear, lem_real *c)
{
	int			j = 0;

	map_sigmoid(3 * (size_t) n, gates, gates);
	for (; j + LANES <= n; j += LANES)
	{
		vec			g = load(gates + 2 * n + j);

		store(c + j, load(gates + n + j) * load(c + j)
			  + load(gates + j) * (linear ? g : vtanh(g)));
	}
	if (j < n)
	{
		vec			g = load_part(gates + 2 * n + j, n - j, 0);

		store_part(c + j, load_part(gates + n + j, n - j, 0) * load_part(c + j, n - j, 0)
				   + load_part(gates + j, n - j, 0) * (linear ? g : vtanh(g)), n - j);
	}
}

static void
cell_output(int n, lem_real *o, const lem_real *c, lem_real *h)
{
	int			i = 0;

	for (; i + LANES <= n; i += LANES)
	{
		vec			s = vsigmoid(load(o + i));

		store(o + i, s);
		store(h + i, s * vtanh(load(c + i)));
	}
	if (i < n)
	{
		vec			s = vsigmoid(load_part(o + i, n - i, 0));

		store_part(o + i, s, n - i);
		store_part(h + i, s * vtanh(load_part(c + i, n - i, 0)), n - i);
	}
}

/*
 * The bases that are not zero at z, by the uniform Cox-de Boor recursion: with z in interval j
 * of the extended knots, value[d] belongs to basis j - order + d.
 */
INLINE vec
spline_values(const int order, const lem_spline *spline, vec z, vec *value)
{
	const lem_real per_interval = (lem_real) (spline->intervals / (spline->high - spline->low));
	const int	last = spline->intervals + 2 * order;	/* intervals of the extended knots */
	vec			u = (z - (lem_real) spline->low) * per_interval + (lem_real) order;
	vec			j = splat(-1);
	vec			t;

	/* floor within the knots; -1 outside (also for NaN), where no basis is selected */
	for (int i = 0; i < last; i++)
		j = choose(u >= (lem_real) i, splat((lem_real) i), j);
	j = choose(u >= (lem_real) last, splat(-1), j);
	t = u - j;

	value[0] = splat(1);
	for (int d = 1; d <= order; d++)
	{
		vec			saved = splat(0);

		for (int r = 0; r < d; r++)
		{
			vec			part = value[r] * ((lem_real) 1 / d);

			value[r] = saved + ((lem_real) (r + 1) - t) * part;
			saved = (t + (lem_real) (d - 1 - r)) * part;
		}
		value[d] = saved;
	}
	return j;
}

/*
 * The cubic basis at a distance from its middle, in intervals: 2/3 - d^2 (1 - d / 2) within the
 * inner interval, (2 - d)^3 / 6 in the outer, and 0 from there on, as for what is not a number.
 */
INLINE vec
cubic_basis(vec distance)
{
	vec			d = vabs(distance);
	vec			rest = (lem_real) 2 - d;
	vec			inner = d * d * (d * (lem_real) 0.5 - (lem_real) 1) + (lem_real) (2.0 / 3);
	vec			outer = rest * rest * rest * (lem_real) (1.0 / 6);

	return choose(d < (lem_real) 1, inner, choose(d < (lem_real) 2, outer, splat(0)));
}

INLINE void
expand(const int order, const lem_spline *spline, int n, const lem_real *z, lem_real *row)
{
	const lem_real per_interval = (lem_real) (spline->intervals / (spline->high - spline->low));
	const int	bases = spline->intervals + order;

	for (int i = 0; i < n; i += LANES)
	{
		const int	left = n - i;
		vec			x = load_edge(z + i, left);
		lem_real   *out = row + i;

		store_edge(out, vrelu(x), left);
		if (order == 3)
		{
			/* basis b has its middle at the low end + (b - 1) intervals */
			vec			u = (x - (lem_real) spline->low) * per_interval + (lem_real) 1;

			for (int b = 0; b < bases; b++)
				store_edge(out + (size_t) (b + 1) * n, cubic_basis(u - (lem_real) b), left);
		}
		else
		{
			vec			value[LEM_MAX_SPLINE_ORDER + 1];
			vec			j = spline_values(order, spline, x, value);

			for (int b = 0; b < bases; b++)
			{
				vec			y = splat(0);

				for (int d = 0; d <= order; d++)
					y = choose((j == (lem_real) (b + order - d)) & (j >= 0), value[d], y);
				store_edge(out + (size_t) (b + 1) * n, y, left);
			}
		}
	}
}

static void
kan_expand(const lem_spline *spline, int n, const lem_real *z, lem_real *row)
{
	switch (spline->order)
	{
		case 1:
			expand(1, spline, n, z, row);
			break;
		case 2:
			expand(2, spline, n, z, row);
			break;
		case 3:
			expand(3, spline, n, z, row);
			break;
		case 4:
			expand(4, spline, n, z, row);
			break;
		default:
			expand(LEM_MAX_SPLINE_ORDER, spline, n, z, row);
			break;
	}
}

/* What is not there counts as minus infinity. */
INLINE vec
load_logits(const lem_real *p, int n)
{
	return n >= LANES ? load(p) : load_part(p, n, -INFINITY);
}

static void
softmax(int rows, int n, const lem_real *x, int ldx, lem_real *y, int ldy)
{
	for (int r = 0; r < rows; r++)
	{
		const lem_real *in = x + (size_t) r * ldx;
		lem_real   *out = y + (size_t) r * ldy;
		vec			top = load_logits(in, n);
		vec			sum = splat(0);
		lem_real	factor;

		for (int i = LANES; i < n; i += LANES)
			top = vmax(load_logits(in + i, n - i), top);
		top = splat(largest_lane(top));
		if (n <= LANES)
		{
			vec			e = vexp(load_logits(in, n) - top);

			store_edge(out, e * (1 / sum_lanes(e)), n);
			continue;
		}
		for (int i = 0; i < n; i += LANES)
		{
			vec			e = vexp(load_logits(in + i, n - i) - top);

			sum += e;
			store_edge(out + i, e, n - i);
		}
		factor = 1 / sum_lanes(sum);
		for (int i = 0; i < n; i += LANES)
			store_edge(out + i, load_edge(out + i, n - i) * factor, n - i);
	}
}

static void
add_scaled(int rows, int n, const lem_real *w, int ldw, const lem_real *x, int ldx,
		   lem_real *y, int ldy)
{
	for (int r = 0; r < rows; r++)
	{
		const lem_real *in = x + (size_t) r * ldx;
		lem_real   *out = y + (size_t) r * ldy;
		lem_real	scale = w[(size_t) r * ldw];
		int			i = 0;

		for (; i + LANES <= n; i += LANES)
			store(out + i, load(out + i) + scale * load(in + i));
		if (i < n)
			store_part(out + i, load_part(out + i, n - i, 0) + scale * load_part(in + i, n - i, 0),
					   n - i);
	}
}

#include "kernels/kernels_backward_impl.h"

const lem_kernels KERNELS_TABLE =
{
	.name = KERNELS_NAME,
	.matmul = matmul,
	.outer = outer,
	.dot = dot,
	.exp = map_exp,
	.tanh = map_tanh,
	.sigmoid = map_sigmoid,
	.elu = map_elu,
	.softplus = map_softplus,
	.relu = map_relu,
	.relu_backward = relu_backward,
	.elu_backward = elu_backward,
	.glu = glu,
	.layer_norm = layer_norm,
	.cell = cell,
	.cell_output = cell_output,
	.kan_expand = kan_expand,
	.layer_norm_backward = layer_norm_backward,
	.glu_backward = glu_backward,
	.cell_backward = cell_backward,
	.kan_backward = kan_backward,
	.softmax = softmax,
	.add_scaled = add_scaled,
};

/*
 * wide.h: sums and products in twice the precision of a double.
 *
 * A sum keeps what rounding takes from it, so that numbers can leave it again: after millions of
 * additions and subtractions it is what a fresh sum of the numbers still in it would be.  The low
 * part is itself rounded; `slack` bounds what that lost, and tells when a sum must be taken anew
 * (a very large number has come and gone).
 */
#ifndef LEM_WIDE_H
#define LEM_WIDE_H

#include <math.h>
#include <stdbool.h>

/* A number as an unevaluated sum. */
typedef struct lem_wide
{
	double		high;
	double		low;
} lem_wide;

/* a + b, exactly (Knuth). */
static inline lem_wide
lem_wide_sum(double a, double b)
{
	lem_wide	s;
	double		other;

	s.high = a + b;
	other = s.high - a;
	s.low = (a - (s.high - other)) + (b - other);
	return s;
}

/* a * b, exactly unless it is near the ends of the range (Dekker). */
static inline lem_wide
lem_wide_product(double a, double b)
{
	lem_wide	p;

	p.high = a * b;
#if defined(FP_FAST_FMA) || defined(__FMA__) || defined(__aarch64__)
	p.low = fma(a, b, -p.high);
#else
	{
		const double split = 0x1p27 + 1;
		double		a_high = split * a;
		double		b_high = split * b;
		double		a_low;
		double		b_low;

		a_high -= a_high - a;
		b_high -= b_high - b;
		a_low = a - a_high;
		b_low = b - b_high;
		p.low = ((a_high * b_high - p.high) + a_high * b_low + a_low * b_high) + a_low * b_low;
	}
#endif
	if (!isfinite(p.low))
		p.low = 0;
	return p;
}

/* a / b as a double, rounded once where nothing is near the ends of the range. */
static inline double
lem_wide_quotient(lem_wide a, lem_wide b)
{
	double		q;
	double		more;
	lem_wide	p;

	a = lem_wide_sum(a.high, a.low);
	b = lem_wide_sum(b.high, b.low);
	q = a.high / b.high;
	p = lem_wide_product(q, b.high);
	more = (((a.high - p.high) - p.low) + a.low - q * b.low) / b.high;
	return isfinite(more) ? q + more : q;
}

/* A sum; all zero: empty. */
typedef struct lem_sum_wide
{
	lem_wide	sum;
	double		slack;			/* times 2^-53: bound of what the low part lost */
} lem_sum_wide;

static inline void
lem_wide_add(lem_sum_wide *to, double x)
{
	lem_wide	s = lem_wide_sum(to->sum.high, x);

	to->sum.high = s.high;
	to->sum.low += s.low;
	to->slack += fabs(to->sum.low);
}

/* Add a number of twice the precision. */
static inline void
lem_wide_add_wide(lem_sum_wide *to, lem_wide x)
{
	lem_wide_add(to, x.high);
	to->sum.low += x.low;
	to->slack += fabs(to->sum.low);
}

static inline double
lem_wide_value(const lem_sum_wide *sum)
{
	return sum->sum.high + sum->sum.low;
}

/* May the sum have lost more than 1e-14 of its value? */
static inline bool
lem_wide_worn(const lem_sum_wide *sum)
{
	return sum->slack * 0x1p-53 > 1e-14 * fabs(lem_wide_value(sum));
}

#endif

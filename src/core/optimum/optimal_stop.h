/*
 * optimal_stop.h: the exact optimum of an order that may finish early, where prices have no drift.
 *
 * Prices are in units of a bar's standard deviation sigma, signed so that up is bad for the order.
 * After k bars of the order, x is the share left and D how far the benchmark lies above the last
 * price.  The next bar's average is e1 from that price and the next last price e1 + e2, jointly
 * normal.  With w the bar's weight in the benchmark and x' what is left after it,
 *
 *   D' = (1 - w) D + w e1 - e1 - e2
 *   M_k(D, x) = max over x' of -(1 / gamma) ln E exp(-gamma [(1 - x)(e1 + e2) + (x - x') e2
 *               - cost (x - x')^1.5 + M_{k+1}(D', x')])
 *   M_k(D, 0) = D once k >= min_bars
 *
 * x - x' lies within the rates, and so that the order can be completed.  The integral is one over
 * u = (1 - w) e1 + e2 alone, because what else the exponent has is linear in normal numbers: with
 * K(y, x') = -(1 / gamma) ln E exp(-gamma M_{k+1}(y - u, x')), and l the linear terms,
 *
 *   M_k(D, x) = max over x' of K((1 - w) D + gamma cov(l, u), x') - gamma var(l) / 2 - cost
 *
 * What is kept is K on a grid: a decision is a few interpolations, at any D, x and w.
 */
#ifndef LEM_OPTIMAL_STOP_H
#define LEM_OPTIMAL_STOP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* What is seen of a bar, hence what the "last price" is. */
typedef enum lem_optimum_sight
{
	LEM_SEES_CLOSE,				/* its average and its close */
	LEM_SEES_AVERAGE,			/* its average: the close is estimated (optimal_state.h) */
	LEM_SEES_LAST				/* its price is its close: benchmark and trades are at closes */
} lem_optimum_sight;

/* The largest risk aversion, and the most bars. */
#define LEM_OPTIMUM_MAX_AVERSION 10.0
#define LEM_OPTIMUM_MAX_BARS 1024

typedef struct lem_optimum_problem
{
	int			bars;			/* N: 1 .. LEM_OPTIMUM_MAX_BARS */
	int			min_bars;		/* 1 .. N */
	double		min_rate;
	double		max_rate;		/* as the order's limits: some number of bars fits both */
	double		risk_aversion;	/* gamma: 0 .. LEM_OPTIMUM_MAX_AVERSION, by sigma */
	double		cost;			/* of trading all in a bar of mean volume, in sigma; >= 0 */
	lem_optimum_sight sight;
} lem_optimum_problem;

/* The same problem? */
static inline bool
lem_optimum_same(const lem_optimum_problem *a, const lem_optimum_problem *b)
{
	return a->bars == b->bars && a->min_bars == b->min_bars && a->min_rate == b->min_rate &&
		a->max_rate == b->max_rate && a->risk_aversion == b->risk_aversion &&
		a->cost == b->cost && a->sight == b->sight;
}

/* Covariances of e1 and e2. */
typedef struct lem_optimum_noise
{
	double		v11;
	double		v12;
	double		v22;
} lem_optimum_noise;

extern lem_optimum_noise lem_optimum_noise_of(lem_optimum_sight sight);

/* A solved problem: one block of memory without pointers, that may be copied and shared. */
typedef struct lem_optimum
{
	lem_optimum_problem problem;
	double		value;			/* M_0(0, 1): certainty equivalent of the gain, in sigma */
	size_t		bytes;			/* of the block */
	lem_optimum_noise noise;
	double		gamma;			/* of the recursion, > 0 */
	size_t		nodes_at;		/* offset of the steps' nodes, and of their rows */
	size_t		rows_at;
} lem_optimum;

/* Bytes of the table, and of workspace to solve it in; both 64-byte aligned. */
extern size_t lem_optimum_bytes(const lem_optimum_problem *problem);
extern size_t lem_optimum_workspace(const lem_optimum_problem *problem);

/*
 * Solve.  volume (N, or NULL: equal) are the bars' expected weights in the benchmark, >= 0 with a
 * sum > 0.  LEM_OK or LEM_STOPPED; the problem must be within its ranges.
 */
extern lem_status lem_optimum_solve(const lem_optimum_problem *problem, const double *volume,
									void *workspace, const lem_stop *stop, lem_optimum *table);

/*
 * What should be left after bar k (0-based), with x left before it and D = d; w is the bar's weight
 * in the benchmark (1 in the first bar of it), volume its expected volume by the mean's (for cost).
 * value, unless NULL, receives M_k(d, x).
 */
extern double lem_optimum_left(const lem_optimum *table, int k, double x, double d, double w,
							   double volume, double *value);

#endif

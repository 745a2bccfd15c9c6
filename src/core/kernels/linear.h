/*
 * linear.h: small dense linear algebra in double precision.  Matrices are row by row.
 */
#ifndef LEM_LINEAR_H
#define LEM_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/*
 * Solve A x = b for a symmetric positive definite A (n x n, destroyed) and m right-hand sides
 * (b: n x m, becomes x), by Cholesky.  False if A is not positive definite.
 */
extern bool lem_cholesky_solve(int n, double *a, int m, double *b);

/*
 * Ridge regression of targets (n x m) on inputs (n x p) with an intercept that is not punished:
 * minimises the sum of squares + lambda n sum_j var_j w_j^2, so that the unit of an input does not
 * matter.  weights: (p + 1) x m, the last row the intercept.  An input that does not vary has the
 * weight 0.  scratch: lem_ridge_scratch(p, m) doubles.  use: NULL, or which rows to take.
 */
extern size_t lem_ridge_scratch(int p, int m);
extern bool lem_ridge(size_t n, int p, int m, const double *inputs, const double *targets,
					  const bool *use, double lambda, double *scratch, double *weights);

/* targets (m) of one row of inputs. */
extern void lem_ridge_apply(int p, int m, const double *weights, const double *input,
							double *target);

/*
 * Eigenvalues (n, falling) and eigenvectors (columns of vectors, n x n) of a symmetric matrix
 * (destroyed), by Jacobi's rotations.
 */
extern void lem_eigen(int n, double *a, double *values, double *vectors);

/*
 * Whitening of rows (n x p): mean (p) and transform (p x p), so that (x - mean) transform has
 * covariance I on the directions whose variance is above epsilon of the largest; the others become
 * 0.  scratch: 2 p p + p doubles.
 */
extern void lem_whiten(size_t n, int p, const double *rows, double epsilon, double *scratch,
					   double *mean, double *transform);

/*
 * Partial least squares of one target (n) on centred inputs (n x p): k directions (p x k) with
 * columns of length 1, orthogonal to each other and to those of `before` (p x b, orthonormal);
 * NIPALS with deflation of the inputs.  Returns how many directions there are, at most k.
 * scratch: n p + 2 p + n doubles.
 */
extern int	lem_pls(size_t n, int p, const double *inputs, const double *target, int k,
					int b, const double *before, double *scratch, double *directions);

/* Sort numbers upwards, by a heap: no memory but their own, no bad cases.  LEM_OK or LEM_STOPPED. */
extern lem_status lem_sort(double *x, size_t n, const lem_stop *stop);

#endif

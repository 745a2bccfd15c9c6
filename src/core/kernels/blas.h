/*
 * blas.h: products of matrices that both change (activations, gradients), by a library.
 * Products with fixed weights and few rows go through packed matrices (kernels.h) instead.
 *
 * The core is not linked with a library.  Whoever uses it hands over the library's product, once, by
 * lem_gemm_use: the extension one that loads the library at its first call, programs the one that they
 * are linked with.
 */
#ifndef LEM_BLAS_H
#define LEM_BLAS_H

#include <stdbool.h>

#include "base/real.h"

/*
 * c (m x n) = alpha * op(a) (m x k) . op(b) (k x n) + beta * c, row-major; op transposes where
 * asked.  lda, ldb, ldc are row strides of the matrices as stored.  With beta = 0 what c held does
 * not matter.
 */
typedef void lem_gemm_function(bool transpose_a, bool transpose_b, int m, int n, int k,
							   lem_real alpha, const lem_real *a, int lda,
							   const lem_real *b, int ldb,
							   lem_real beta, lem_real *c, int ldc);

/*
 * The library's, for this process; lem_gemm_naive until then.  What is handed over is called with
 * strides that fit and no empty shapes.
 */
extern void lem_gemm_use(lem_gemm_function *library);

/*
 * That product.  A call whose strides do not fit its shapes is a programming error: c is filled with
 * NaN, so that the answer cannot pass for a result.
 */
extern lem_gemm_function lem_gemm;

/* The same by three loops: the oracle that tests hold lem_gemm against. */
extern lem_gemm_function lem_gemm_naive;

#endif

/*
 * blas.h: products of matrices that both change (activations, gradients), through BLAS.
 * Products with fixed weights and few rows go through packed matrices (kernels.h) instead.
 */
#ifndef LEM_BLAS_H
#define LEM_BLAS_H

#include <stdbool.h>

#include "base/real.h"

/*
 * c (m x n) = alpha * op(a) (m x k) . op(b) (k x n) + beta * c, row-major; op transposes where
 * asked.  lda, ldb, ldc are row strides of the matrices as stored.  With beta = 0 what c held does
 * not matter.  A call whose strides do not fit its shapes is a programming error: c is filled
 * with NaN, so that the answer cannot pass for a result.
 */
extern void lem_gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
					 lem_real alpha, const lem_real *a, int lda, const lem_real *b, int ldb,
					 lem_real beta, lem_real *c, int ldc);

/* The same by three loops: the oracle that tests hold lem_gemm against. */
extern void lem_gemm_naive(bool transpose_a, bool transpose_b, int m, int n, int k,
						   lem_real alpha, const lem_real *a, int lda,
						   const lem_real *b, int ldb, lem_real beta, lem_real *c, int ldc);

/* One thread, where the library has a choice. */
extern void lem_blas_init(void);

/* The library's description of itself. */
extern const char *lem_blas_description(void);

/* The kind of processor that the library chose its code for. */
extern const char *lem_blas_core(void);

/* Threads that a product may use; 0: unknown. */
extern int	lem_blas_threads(void);

#endif

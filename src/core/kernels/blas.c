/* blas.c: products of matrices by the library that was handed over. */
#include <math.h>
#include <stddef.h>

#include "kernels/blas.h"

/* The one choice that is a process's: there is one library in it. */
static lem_gemm_function *product = lem_gemm_naive;

void
lem_gemm_use(lem_gemm_function *library)
{
	product = library;
}

void
lem_gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
		 lem_real alpha, const lem_real *a, int lda, const lem_real *b, int ldb,
		 lem_real beta, lem_real *c, int ldc)
{
	if (m <= 0 || n <= 0 || k <= 0)
		return;
	if (lda < (transpose_a ? m : k) || ldb < (transpose_b ? k : n) || ldc < n)
	{
		for (int i = 0; i < m; i++)
			for (int j = 0; j < n && j < ldc; j++)
				c[(size_t) i * ldc + j] = (lem_real) NAN;
		return;
	}
	product(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void
lem_gemm_naive(bool transpose_a, bool transpose_b, int m, int n, int k,
			   lem_real alpha, const lem_real *a, int lda, const lem_real *b, int ldb,
			   lem_real beta, lem_real *c, int ldc)
{
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
		{
			lem_real   *out = c + (size_t) i * ldc + j;
			lem_real	sum = 0;

			for (int l = 0; l < k; l++)
				sum += a[transpose_a ? (size_t) l * lda + i : (size_t) i * lda + l]
					* b[transpose_b ? (size_t) j * ldb + l : (size_t) l * ldb + j];
			*out = alpha * sum + (beta != 0 ? beta * *out : 0);
		}
}

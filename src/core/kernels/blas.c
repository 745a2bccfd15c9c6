/* blas.c: the one file that knows the BLAS library. */
#include <math.h>

#include <cblas.h>

#include "kernels/blas.h"

/* OpenBLAS's own additions to the interface; other libraries lack them. */
extern void openblas_set_num_threads(int n) __attribute__((weak));
extern int	openblas_get_num_threads(void) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

void
lem_blas_init(void)
{
	if (openblas_set_num_threads)
		openblas_set_num_threads(1);
}

const char *
lem_blas_description(void)
{
	return openblas_get_config ? openblas_get_config() : "unknown BLAS";
}

const char *
lem_blas_core(void)
{
	return openblas_get_corename ? openblas_get_corename() : "unknown";
}

int
lem_blas_threads(void)
{
	return openblas_get_num_threads ? openblas_get_num_threads() : 0;
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
#ifdef LEM_REAL_DOUBLE
	cblas_dgemm
#else
	cblas_sgemm
#endif
		(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
		 transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
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

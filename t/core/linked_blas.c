/* linked_blas.c: the BLAS library that programs are linked with. */
#include <cblas.h>

#include "kernels/blas.h"
#include "linked_blas.h"

/* OpenBLAS's own additions to the interface; other libraries lack them. */
extern void openblas_set_num_threads(int n) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));

static void
gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
	 lem_real alpha, const lem_real *a, int lda, const lem_real *b, int ldb,
	 lem_real beta, lem_real *c, int ldc)
{
#ifdef LEM_REAL_DOUBLE
	cblas_dgemm
#else
	cblas_sgemm
#endif
		(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
		 transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

static void hand_over(void) __attribute__((constructor));

static void
hand_over(void)
{
	if (openblas_set_num_threads)
		openblas_set_num_threads(1);
	lem_gemm_use(gemm);
}

const char *
linked_blas_description(void)
{
	return openblas_get_config ? openblas_get_config() : "unknown BLAS";
}

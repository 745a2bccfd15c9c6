/*
 * blas_library.c: the BLAS library, loaded when it is first needed.
 *
 * The server binds every symbol of what it loads at once, and looks for each in all that it has
 * loaded before: with OpenBLAS, which has thousands, that takes longer than a schedule, in every new
 * session and parallel worker.  So lem is not linked with it.  The core is handed a product that loads
 * the library, its own names first, and hands over the library's (core/kernels/blas.h).
 */
#include "postgres.h"

#include <cblas.h>
#include <dlfcn.h>
#include <unistd.h>

#include "miscadmin.h"

#include "core/kernels/blas.h"
#include "pg/base/blas_library.h"
#include "pg/base/compat.h"

/* Its own symbols before those of the server, where the C library can do that. */
#ifdef RTLD_DEEPBIND
#define LOAD_FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)
#else
#define LOAD_FLAGS (RTLD_NOW | RTLD_LOCAL)
#endif

typedef __typeof__(cblas_sgemm) sgemm_function;

/* OpenBLAS's own additions to the interface; other libraries lack them. */
typedef void (*set_threads_function) (int);
typedef int (*get_threads_function) (void);
typedef char *(*get_text_function) (void);

static struct
{
	sgemm_function *sgemm;		/* NULL: not loaded yet */
	get_threads_function get_threads;
	get_text_function get_config;
	get_text_function get_core;
}			blas;

static void missing(const char *reason) pg_attribute_noreturn();

/* The library cannot be used. */
static void
missing(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FILE),
			 errmsg("could not load library \"%s\": %s", LEM_BLAS_LIBRARY, reason),
			 errhint("lem needs OpenBLAS (libopenblas0-serial) on the server's machine.")));
}

/* Its product, as the core calls it. */
static void
gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
	 lem_real alpha, const lem_real *a, int lda, const lem_real *b, int ldb,
	 lem_real beta, lem_real *c, int ldc)
{
	blas.sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
			   transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Load it, unless it is there, for one thread. */
static void
load(void)
{
	void	   *library;
	sgemm_function *sgemm;
	set_threads_function set_threads;

	if (blas.sgemm)
		return;
	library = dlopen(LEM_BLAS_LIBRARY, LOAD_FLAGS);
	if (library == NULL)
		missing(dlerror());
	sgemm = (sgemm_function *) (uintptr_t) dlsym(library, "cblas_sgemm");
	if (sgemm == NULL)
		missing(dlerror());
	set_threads = (set_threads_function) (uintptr_t) dlsym(library, "openblas_set_num_threads");
	blas.get_threads = (get_threads_function) (uintptr_t) dlsym(library, "openblas_get_num_threads");
	blas.get_config = (get_text_function) (uintptr_t) dlsym(library, "openblas_get_config");
	blas.get_core = (get_text_function) (uintptr_t) dlsym(library, "openblas_get_corename");
	blas.sgemm = sgemm;
	if (set_threads)
		set_threads(1);
	lem_gemm_use(gemm);
}

/* The first product: the library is loaded for it. */
static void
first_gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
		   lem_real alpha, const lem_real *a, int lda, const lem_real *b, int ldb,
		   lem_real beta, lem_real *c, int ldc)
{
	load();
	gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void
lem_blas_library_init(void)
{
	if (strchr(LEM_BLAS_LIBRARY, '/') && access(LEM_BLAS_LIBRARY, R_OK) != 0)
		missing(strerror(errno));
	lem_gemm_use(first_gemm);

	/* What the postmaster loads, its children have. */
	if (process_shared_preload_libraries_in_progress)
		load();
}

const char *
lem_blas_library_file(void)
{
	Dl_info		info;

	load();
	if (dladdr((void *) (uintptr_t) blas.sgemm, &info) == 0 || info.dli_fname == NULL)
		return "unknown";
	return info.dli_fname;
}

const char *
lem_blas_library_description(void)
{
	load();
	return blas.get_config ? blas.get_config() : "unknown BLAS";
}

const char *
lem_blas_library_core(void)
{
	load();
	return blas.get_core ? blas.get_core() : "unknown";
}

int
lem_blas_library_threads(void)
{
	load();
	return blas.get_threads ? blas.get_threads() : 0;
}

/*
 * blas_library.c: the BLAS library, loaded when it is first needed.
 *
 * The server binds every symbol of what it loads at once, and looks for each in all that it has
 * loaded before: with OpenBLAS, which has thousands, that takes longer than a schedule, in every new
 * session and parallel worker.  So lem is not linked with it.  What the core calls of it is here: each
 * function passes its arguments on, once the library is there, loaded with its own names first.
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

extern void openblas_set_num_threads(int n);
extern int	openblas_get_num_threads(void);
extern char *openblas_get_config(void);
extern char *openblas_get_corename(void);

static struct
{
	sgemm_function *sgemm;		/* NULL: not loaded yet */
	set_threads_function set_threads;
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

/* Load it, unless it is there. */
static void
load(void)
{
	void	   *handle;
	sgemm_function *sgemm;

	if (blas.sgemm)
		return;
	handle = dlopen(LEM_BLAS_LIBRARY, LOAD_FLAGS);
	if (handle == NULL)
		missing(dlerror());
	sgemm = (sgemm_function *) (uintptr_t) dlsym(handle, "cblas_sgemm");
	if (sgemm == NULL)
		missing(dlerror());
	blas.set_threads = (set_threads_function) (uintptr_t) dlsym(handle, "openblas_set_num_threads");
	blas.get_threads = (get_threads_function) (uintptr_t) dlsym(handle, "openblas_get_num_threads");
	blas.get_config = (get_text_function) (uintptr_t) dlsym(handle, "openblas_get_config");
	blas.get_core = (get_text_function) (uintptr_t) dlsym(handle, "openblas_get_corename");
	blas.sgemm = sgemm;
	lem_blas_init();
}

void
lem_blas_library_init(void)
{
	if (strchr(LEM_BLAS_LIBRARY, '/') && access(LEM_BLAS_LIBRARY, R_OK) != 0)
		missing(strerror(errno));

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

void
cblas_sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b,
			blasint m, blasint n, blasint k, float alpha, const float *a, blasint lda,
			const float *b, blasint ldb, float beta, float *c, blasint ldc)
{
	load();
	blas.sgemm(layout, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void
openblas_set_num_threads(int n)
{
	load();
	if (blas.set_threads)
		blas.set_threads(n);
}

int
openblas_get_num_threads(void)
{
	load();
	return blas.get_threads ? blas.get_threads() : 0;
}

char *
openblas_get_config(void)
{
	load();
	return blas.get_config ? blas.get_config() : "unknown BLAS";
}

char *
openblas_get_corename(void)
{
	load();
	return blas.get_core ? blas.get_core() : "unknown";
}

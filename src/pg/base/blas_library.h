/*
 * blas_library.h: the BLAS library, loaded when it is first needed.
 */
#ifndef LEM_PG_BLAS_LIBRARY_H
#define LEM_PG_BLAS_LIBRARY_H

/*
 * Hand it to the core; for _PG_init.  Raises an error if the library is not installed.
 */
extern void lem_blas_library_init(void);

/*
 * The file that it was loaded from, its description of itself, the kind of processor that it chose
 * its code for, and the threads that a product may use (0: unknown).  Each loads it.
 */
extern const char *lem_blas_library_file(void);
extern const char *lem_blas_library_description(void);
extern const char *lem_blas_library_core(void);
extern int	lem_blas_library_threads(void);

#endif

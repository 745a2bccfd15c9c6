/*
 * blas_library.h: the BLAS library, loaded when it is first needed.
 */
#ifndef LEM_PG_BLAS_LIBRARY_H
#define LEM_PG_BLAS_LIBRARY_H

/* Where _PG_init is called from: raises an error if the library is not installed. */
extern void lem_blas_library_init(void);

/* The file that it was loaded from; loads it. */
extern const char *lem_blas_library_file(void);

#endif

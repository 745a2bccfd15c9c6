/*
 * linked_blas.h: the BLAS library that programs (tests, benchmarks, fuzz targets) are linked with.
 * It is handed to the core, and held to one thread, before main.
 */
#ifndef LEM_LINKED_BLAS_H
#define LEM_LINKED_BLAS_H

/* The library's description of itself. */
extern const char *linked_blas_description(void);

#endif

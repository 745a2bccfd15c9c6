/* kernels_avx2.c: the kernels for processors with AVX2 and FMA. */
#if defined(__x86_64__) && defined(__AVX2__) && !defined(LEM_REAL_DOUBLE)
#define KERNELS_NAME "avx2"
#define KERNELS_TABLE lem_kernels_avx2
#define LANES 8
#define TILE_ROWS 6
#define TILE_COLUMNS LEM_VECTOR
#include "kernels_impl.h"
#else
typedef int lem_kernels_avx2_not_built;
#endif

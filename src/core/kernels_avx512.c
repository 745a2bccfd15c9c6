/* kernels_avx512.c: the kernels for processors with AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__) && defined(__AVX512F__) && !defined(LEM_REAL_DOUBLE)
#define KERNELS_NAME "avx512"
#define KERNELS_TABLE lem_kernels_avx512
#define LANES 16
#define TILE_ROWS 8
#define TILE_COLUMNS LEM_PANEL
#include "kernels_impl.h"
#else
typedef int lem_kernels_avx512_not_built;
#endif

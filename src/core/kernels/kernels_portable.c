/* kernels_portable.c: the kernels for any processor, with whatever the build's baseline has. */
#define KERNELS_NAME "portable"
#define KERNELS_TABLE lem_kernels_portable
#define LANES 4
#define TILE_ROWS 2
#define TILE_COLUMNS LEM_VECTOR
#include "kernels/kernels_impl.h"

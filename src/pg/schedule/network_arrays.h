/*
 * network_arrays.h: samples for the raw network, handed over as arrays.
 */
#ifndef LEM_PG_NETWORK_ARRAYS_H
#define LEM_PG_NETWORK_ARRAYS_H

#include "postgres.h"

#include "utils/array.h"

#include "pg/catalog/catalog.h"

/* Workspaces of the raw network stay below this where one sample's does, in bytes. */
#define LEM_WORKSPACE_LIMIT ((size_t) 256 << 20)

typedef struct lem_network_arrays
{
	int			n;				/* samples */
	const float *rows;			/* n x T x C */
	const float *min_rate;		/* n */
	const float *max_rate;		/* n */
} lem_network_arrays;

/* Numbers of a float4[] of any shape; raises 22004 for NULL, 22023 for what is not finite. */
extern const float *lem_array_numbers(ArrayType *array, const char *name, int *n);

/* Check x and the rates against a model; raises 22004 and 22023.  Nothing is copied. */
extern void lem_network_arrays_read(const lem_model_row *row, ArrayType *x, ArrayType *min_rate,
							 ArrayType *max_rate, lem_network_arrays *samples);

/* Raise 0A000 for a model that has no allocation networks of its own: it moves the optimum's shares. */
extern void lem_network_check(const lem_config *config);

#endif

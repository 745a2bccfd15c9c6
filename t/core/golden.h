/*
 * golden.h: the reference numbers under t/golden, for test programs.
 *
 * The directory is $LEM_GOLDEN, or t/golden.  Everything returned is malloc'ed and may be left to
 * the end of the program.  What cannot be read ends the program with a message: a test without
 * its numbers must not pass.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "model/model.h"
#include "parameters/config.h"
#include "parameters/params.h"
#include "parameters/safetensors.h"

/* The sets, and their number. */
#define GOLDEN_SETS 3
extern const char *const golden_sets[GOLDEN_SETS];	/* "tiny", "tiny_wide", "medium" */

/* A safetensors file in memory, its header parsed. */
typedef struct golden_file
{
	uint8_t    *bytes;			/* the whole file */
	size_t		size;
	const uint8_t *data;		/* its data section */
	size_t		data_size;
	int			n;				/* tensors, in the order of the header */
	lem_file_tensor *entries;
	void	   *json;			/* json_t, keeps the names alive */
} golden_file;

/* The config that the weights of a set belong to, and the number of samples in its inputs. */
extern lem_config golden_config(const char *set);
extern int	golden_batch(const char *set);

/* Whole files. */
extern uint8_t *golden_bytes(const char *set, const char *name, size_t *size);
extern golden_file *golden_parse(uint8_t *bytes, size_t size, const char *what);
extern golden_file *golden_open(const char *set, const char *name);
extern void golden_close(golden_file *file);

/* A set's weights.safetensors (that of tiny for tiny_wide). */
extern golden_file *golden_weights(const char *set);

/* Entry of a tensor, or NULL. */
extern const lem_file_tensor *golden_entry(const golden_file *file, const char *name);

/* Numbers of a tensor (F32 or F64), and how many; count may be NULL. */
extern double *golden_tensor(const golden_file *file, const char *name, size_t *count);

/* Numbers of a flat file: inputs.*.bin are float32, *_f64.*.bin are float64. */
extern double *golden_doubles(const char *set, const char *name, size_t *count);
extern lem_real *golden_reals(const char *set, const char *name, size_t *count);

/* A number in a JSON file; the path's keys and array indexes are separated by slashes. */
extern double golden_number(const char *set, const char *name, const char *path);

/*
 * All parts of a model (lem_part_count), as lem_trunk_decode and lem_head_decode want them: from
 * the set's weights, or from any file that has all tensors of the config.
 */
extern float **golden_parts(const char *set, const lem_config *config);
extern float **golden_file_parts(const golden_file *file, const lem_config *config);

/*
 * The same places, in double: for gradients (knots are not in those files: zeros) and weights
 * after optimiser steps.
 */
extern double **golden_parts_f64(const golden_file *file, const lem_config *config);

/* Parts of a config without numbers: zeros. */
extern float **golden_empty_parts(const lem_config *config);
extern void golden_free_parts(void *parts, const lem_config *config);

/* Weights for any config, small and reproducible; knots as they must be, norm gains near 1. */
extern float **golden_random_parts(const lem_config *config, uint64_t seed);

/* A model with all its heads, decoded from the numbers of its parts. */
extern lem_model golden_model(const lem_config *config, float *const *parts,
							  const lem_kernels *kernels, lem_form form);

#endif

/*
 * storage.h: the numbers of a model as they are stored and exported: float32, float16 or bfloat16,
 * little-endian.
 */
#ifndef LEM_STORAGE_H
#define LEM_STORAGE_H

#include "parameters/params.h"

/* Bytes of one number. */
extern int	lem_storage_bytes(lem_storage storage);

/* Its name in a safetensors file: "F32", "F16" or "BF16". */
extern const char *lem_storage_dtype(lem_storage storage);

/* n numbers from their bytes, at any alignment; exact. */
extern void lem_storage_load(lem_storage storage, int64_t n, const uint8_t *bytes, float *out);

/* The other way, rounded to the nearest; what is too large becomes infinite. */
extern void lem_storage_save(lem_storage storage, int64_t n, const float *numbers, uint8_t *bytes);

/*
 * The numbers of part p (lem_part_size, finite), as the config stores them, into bytes
 * (lem_storage_bytes each).  With 16 bits a number, knots are those of the config, rounded: they
 * follow from it, and would not be recognised after being rounded twice.
 * LEM_TENSOR_OVERFLOW if a number is too large.
 */
extern lem_status lem_storage_save_part(const lem_config *config, int part,
										const float *numbers, uint8_t *bytes,
										lem_fault *fault);

/* The other way; knots are as exact as floats are. */
extern void lem_storage_load_part(const lem_config *config, int part, const uint8_t *bytes,
								  float *numbers);

#endif

/*
 * safetensors.h: weights to and from the safetensors file format, but for its JSON.
 *
 * A file is an 8-byte little-endian length, a JSON header of that length, and the data.
 * The caller parses the JSON (and writes it); here the entries are checked against the
 * tensors that a config asks for, and copied.
 */
#ifndef LEM_SAFETENSORS_H
#define LEM_SAFETENSORS_H

#include "parameters/params.h"

/* One entry of a file's header. */
typedef struct lem_file_tensor
{
	const char *name;
	int			name_length;
	const char *dtype;			/* "F32", "F16", "BF16", "F64" are understood */
	int			dims;			/* -1: more than LEM_MAX_DIMS */
	int64_t		shape[LEM_MAX_DIMS];
	int64_t		begin;			/* of its bytes within the data */
	int64_t		end;
} lem_file_tensor;

/* Longest header that is accepted, in bytes: ten times that of the largest model. */
#define LEM_MAX_FILE_HEADER (4 << 20)

/*
 * Where the JSON header and the data lie in a file of size bytes.
 * Errors: LEM_FILE_TRUNCATED, LEM_FILE_HEADER.
 */
extern lem_status lem_file_split(const uint8_t *file, size_t size, size_t *header_length,
								 const uint8_t **header, const uint8_t **data, size_t *data_size,
								 lem_fault *fault);

/*
 * Check all entries against the config: every tensor there, none unknown, each of the right
 * shape and within the data, no byte twice (LEM_TENSOR_RANGE) or uncovered, all numbers finite,
 * knots as the config says.
 * match (lem_tensor_count() entries) receives the entry of each tensor of the table.
 */
extern lem_status lem_file_match(const lem_config *config, const lem_file_tensor *entries, int n,
								 const uint8_t *data, size_t data_size, int *match,
								 lem_fault *fault);

/* Copy part p's numbers (lem_part_size) out of checked data, as float32. */
extern void lem_file_read_part(const lem_config *config, const lem_file_tensor *entries,
							   const int *match, const uint8_t *data, int part, float *out);

/*
 * The other way: put part p's numbers into a data section that has all tensors in table order, as
 * the config stores them (lem_storage_bytes() * lem_parameter_count() bytes).
 */
extern void lem_file_write_part(const lem_config *config, int part, const float *in, uint8_t *data);

/* The same for a gradient: float32, and without the tensors that are never trained. */
extern void lem_file_write_gradient(const lem_config *config, int part, const float *in,
									uint8_t *data);

#endif

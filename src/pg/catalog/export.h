/*
 * export.h: writing safetensors files.
 */
#ifndef LEM_PG_EXPORT_H
#define LEM_PG_EXPORT_H

#include "postgres.h"

#include "core/parameters/config.h"

/*
 * A safetensors file with the tensors of a config: those of a gradient, as float32, or all, as the
 * config stores them.
 * metadata is a JSON object in the server's encoding.  *data receives where the data section
 * begins, for lem_file_write_gradient or lem_file_write_part to fill.
 */
extern bytea *lem_export_begin(const lem_config *config, const char *metadata, bool gradient,
							   uint8 **data);

#endif

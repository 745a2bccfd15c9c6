/*
 * weights.c: a safetensors file with random weights for a benchmark's config, on standard output.
 *
 *   weights medium|full
 *
 * The config is in the file's metadata, as lem_import(name, bytes) takes it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "parameters/initial.h"

static void
put(const void *bytes, size_t n)
{
	if (fwrite(bytes, 1, n, stdout) != n)
	{
		perror("write");
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	static char header[1 << 20];
	lem_config	config;
	lem_tensor	tensor;
	lem_real  **parts;
	uint64_t	length;
	int64_t		at = 0;
	int			n = 0;

	if (argc != 2 || !bench_config(&config, argv[1]))
	{
		fprintf(stderr, "usage: weights medium|full\n");
		return 2;
	}

	n += sprintf(header + n, "{\"__metadata__\":{\"lem.config\":\"{\\\"lookback\\\":%d,"
				 "\\\"n_ahead\\\":%d,\\\"hidden_size\\\":%d,\\\"hidden_rnn_layer\\\":2,"
				 "\\\"num_heads\\\":%d,\\\"num_embedding\\\":%d,\\\"fused_mlp_hidden_dim\\\":%d,"
				 "\\\"features\\\":\\\"paper\\\",\\\"heads\\\":\\\"separate\\\","
				 "\\\"finish_gate\\\":false,\\\"notional_state\\\":\\\"allocated\\\"}\"}",
				 config.lookback, config.n_ahead, config.hidden_size, config.num_heads,
				 config.num_embedding, config.fused_mlp_hidden_dim);
	for (int i = 0; i < lem_tensor_count(&config); i++)
	{
		lem_tensor_get(&config, i, &tensor);
		n += sprintf(header + n, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", tensor.name);
		for (int d = 0; d < tensor.dims; d++)
			n += sprintf(header + n, "%s%" PRId64, d ? "," : "", tensor.shape[d]);
		n += sprintf(header + n, "],\"data_offsets\":[%" PRId64 ",%" PRId64 "]}", at,
					 at + 4 * tensor.size);
		at += 4 * tensor.size;
	}
	n += sprintf(header + n, "}");
	length = (uint64_t) n;
	put(&length, 8);
	put(header, n);

	parts = calloc(lem_part_count(&config), sizeof(lem_real *));
	for (int p = 0; p < lem_part_count(&config); p++)
		parts[p] = calloc(lem_part_size(&config, p), sizeof(lem_real));
	lem_initial_weights(&config, 1, parts);
	for (int i = 0; i < lem_tensor_count(&config); i++)
	{
		lem_tensor_get(&config, i, &tensor);
		for (int p = tensor.head ? 1 : 0; p < (tensor.head ? lem_part_count(&config) : 1); p++)
			put(parts[p] + tensor.offset, tensor.slice * sizeof(float));
	}
	return 0;
}

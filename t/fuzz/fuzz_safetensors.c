/*
 * fuzz_safetensors.c: files of weights made of any bytes (libFuzzer).
 *
 * The header is read as lem_import reads it, but for the server's JSON: what is a tensor's entry
 * goes to the core as it is.  A file that is accepted is read and written again.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "parameters/config.h"
#include "parameters/safetensors.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The smallest model there is, so that whole files are a few kilobytes. */
static lem_config
small_config(void)
{
	lem_config	config;

	lem_config_default(&config);
	config.lookback = 2;
	config.n_ahead = 2;
	config.hidden_size = 1;
	config.hidden_rnn_layer = 1;
	config.num_heads = 1;
	config.num_embedding = 1;
	config.fused_mlp_hidden_dim = 1;
	config.feature_set = LEM_FEATURES_LIST;
	config.n_named = 1;
	config.named[0] = LEM_FEATURE_RETURN;
	return config;
}

/* Whole numbers of an array; how many there are, -1 if it is not one. */
static int
numbers(const json_t *array, int64_t *out, int max)
{
	const int	n = (int) json_array_size(array);

	if (!json_is_array(array))
		return -1;
	for (int i = 0; i < n && i < max; i++)
	{
		const json_t *number = json_array_get(array, (size_t) i);

		if (!json_is_integer(number) || json_integer_value(number) < 0
			|| json_integer_value(number) > (INT64_C(1) << 53))
			return -1;
		out[i] = json_integer_value(number);
	}
	return n;
}

static bool
read_entry(const char *name, const json_t *value, lem_file_tensor *entry)
{
	int64_t		offsets[2];

	memset(entry, 0, sizeof(*entry));
	entry->name = name;
	entry->name_length = (int) strlen(name);
	entry->dtype = json_string_value(json_object_get(value, "dtype"));
	entry->dims = numbers(json_object_get(value, "shape"), entry->shape, LEM_MAX_DIMS);
	if (!entry->dtype || entry->dims < 0
		|| numbers(json_object_get(value, "data_offsets"), offsets, 2) != 2)
		return false;
	if (entry->dims > LEM_MAX_DIMS)
		entry->dims = -1;
	entry->begin = offsets[0];
	entry->end = offsets[1];
	return true;
}

/* Files that are accepted can be read and written. */
static void
use(const lem_config *config, const lem_file_tensor *entries, const int *match,
	const uint8_t *data)
{
	uint8_t    *out = malloc(4 * (size_t) lem_parameter_count(config, false));

	for (int part = 0; part < lem_part_count(config); part++)
	{
		float	   *weights = malloc((size_t) lem_part_size(config, part) * sizeof(float));

		lem_file_read_part(config, entries, match, data, part, weights);
		lem_file_write_part(config, part, weights, out);
		free(weights);
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const lem_config config = small_config();
	const int	tensors = lem_tensor_count(&config);
	lem_file_tensor *entries = calloc((size_t) tensors + 1, sizeof(lem_file_tensor));
	int		   *match = calloc((size_t) tensors, sizeof(int));
	const uint8_t *header;
	const uint8_t *data;
	size_t		header_length;
	size_t		data_size;
	lem_fault	fault;
	json_t	   *json = NULL;

	if (lem_file_split(bytes, size, &header_length, &header, &data, &data_size, &fault) == LEM_OK)
		json = json_loadb((const char *) header, header_length, 0, NULL);
	if (json_is_object(json))
	{
		const char *name;
		json_t	   *value;
		bool		good = true;
		int			n = 0;

		json_object_foreach(json, name, value)
			if (good && n <= tensors && strcmp(name, "__metadata__") != 0)
				good = read_entry(name, value, &entries[n++]);
		if (good && lem_file_match(&config, entries, n, data, data_size, match, &fault) == LEM_OK)
			use(&config, entries, match, data);
	}
	json_decref(json);
	free(entries);
	free(match);
	return 0;
}

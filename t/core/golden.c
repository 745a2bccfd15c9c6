/* golden.c: reading the reference numbers. */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

const char *const golden_sets[GOLDEN_SETS] = {"tiny", "tiny_wide", "medium"};

__attribute__((noreturn, format(printf, 1, 2))) static void
die(const char *format, ...)
{
	va_list		args;

	printf("not ok - golden: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

/* Zeroed memory, 64-byte aligned like everything that kernels read. */
static void *
allocate(size_t bytes)
{
	size_t		size = (bytes + 64) / 64 * 64;
	void	   *p = aligned_alloc(64, size);

	if (p == NULL)
		die("out of memory");
	memset(p, 0, size);
	return p;
}

static void
golden_path(char *path, size_t size, const char *set, const char *name)
{
	const char *dir = getenv("LEM_GOLDEN");

	snprintf(path, size, "%s/%s/%s", dir && *dir ? dir : "t/golden", set, name);
}

uint8_t *
golden_bytes(const char *set, const char *name, size_t *size)
{
	char		path[1024];
	FILE	   *file;
	long		length;
	uint8_t    *bytes;

	golden_path(path, sizeof(path), set, name);
	file = fopen(path, "rb");
	if (file == NULL)
		die("cannot open %s (is LEM_GOLDEN set?)", path);
	if (fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0)
		die("cannot measure %s", path);
	rewind(file);
	bytes = allocate((size_t) length + 1);
	if (fread(bytes, 1, (size_t) length, file) != (size_t) length)
		die("cannot read %s", path);
	fclose(file);
	*size = (size_t) length;
	return bytes;
}

static json_t *
golden_json(const char *set, const char *name)
{
	size_t		size;
	uint8_t    *bytes = golden_bytes(set, name, &size);
	json_error_t error;
	json_t	   *json = json_loadb((char *) bytes, size, JSON_DECODE_ANY, &error);

	if (json == NULL)
		die("%s/%s: %s", set, name, error.text);
	free(bytes);
	return json;
}

double
golden_number(const char *set, const char *name, const char *path)
{
	json_t	   *root = golden_json(set, name);
	json_t	   *at = root;
	char		copy[256];
	double		number;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok(copy, "/"); key; key = strtok(NULL, "/"))
		at = json_is_array(at) ? json_array_get(at, (size_t) atoi(key)) : json_object_get(at, key);
	if (!json_is_number(at))
		die("%s/%s: no number %s", set, name, path);
	number = json_number_value(at);
	json_decref(root);
	return number;
}

lem_config
golden_config(const char *set)
{
	const struct
	{
		const char *key;
		size_t		offset;
	}			keys[] = {
		{"lookback", offsetof(lem_config, lookback)},
		{"n_ahead", offsetof(lem_config, n_ahead)},
		{"hidden_size", offsetof(lem_config, hidden_size)},
		{"hidden_rnn_layer", offsetof(lem_config, hidden_rnn_layer)},
		{"num_heads", offsetof(lem_config, num_heads)},
		{"num_embedding", offsetof(lem_config, num_embedding)},
		{"fused_mlp_hidden_dim", offsetof(lem_config, fused_mlp_hidden_dim)},
	};
	lem_config	config;

	lem_config_default(&config);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		*(int *) ((char *) &config + keys[i].offset) =
			(int) golden_number(set, "config.json", keys[i].key);
	config.max_scale_factor = golden_number(set, "config.json", "max_scale_factor");
	config.feature_set = LEM_FEATURES_PAPER;
	config.price_sigma = false;
	config.n_named = LEM_PAPER_FEATURES;
	config.shared_heads = false;
	config.finish_gate = false;
	config.notional_price = false;
	return config;
}

int
golden_batch(const char *set)
{
	return (int) golden_number(set, "config.json", "batch");
}

/* One entry of a header: dtype, shape and place. */
static void
parse_entry(lem_file_tensor *entry, const char *name, json_t *value, const char *what)
{
	json_t	   *shape = json_object_get(value, "shape");
	json_t	   *place = json_object_get(value, "data_offsets");

	entry->name = name;
	entry->name_length = (int) strlen(name);
	entry->dtype = json_string_value(json_object_get(value, "dtype"));
	entry->dims = (int) json_array_size(shape);
	if (entry->dims > LEM_MAX_DIMS)
		die("%s: %s has %d dimensions", what, name, entry->dims);
	for (int i = 0; i < entry->dims; i++)
		entry->shape[i] = json_integer_value(json_array_get(shape, (size_t) i));
	entry->begin = json_integer_value(json_array_get(place, 0));
	entry->end = json_integer_value(json_array_get(place, 1));
}

golden_file *
golden_parse(uint8_t *bytes, size_t size, const char *what)
{
	golden_file *file = allocate(sizeof(*file));
	const uint8_t *header;
	size_t		header_length;
	lem_fault	fault;
	json_error_t error;
	const char *name;
	json_t	   *value;

	file->bytes = bytes;
	file->size = size;
	if (lem_file_split(bytes, size, &header_length, &header, &file->data, &file->data_size,
					   &fault) != LEM_OK)
		die("%s: not a safetensors file", what);
	file->json = json_loadb((const char *) header, header_length, JSON_REJECT_DUPLICATES, &error);
	if (file->json == NULL)
		die("%s: %s", what, error.text);
	file->entries = allocate(sizeof(lem_file_tensor) * json_object_size(file->json));
	json_object_foreach((json_t *) file->json, name, value)
	{
		if (strcmp(name, "__metadata__") != 0)
			parse_entry(&file->entries[file->n++], name, value, what);
	}
	return file;
}

golden_file *
golden_open(const char *set, const char *name)
{
	size_t		size;
	uint8_t    *bytes = golden_bytes(set, name, &size);
	char		what[256];

	snprintf(what, sizeof(what), "%s/%s", set, name);
	return golden_parse(bytes, size, what);
}

void
golden_close(golden_file *file)
{
	json_decref(file->json);
	free(file->entries);
	free(file->bytes);
	free(file);
}

golden_file *
golden_weights(const char *set)
{
	return golden_open(strcmp(set, "tiny_wide") == 0 ? "tiny" : set, "weights.safetensors");
}

const lem_file_tensor *
golden_entry(const golden_file *file, const char *name)
{
	for (int i = 0; i < file->n; i++)
		if (strcmp(file->entries[i].name, name) == 0)
			return &file->entries[i];
	return NULL;
}

/* Bytes of a whole number, the lowest first. */
static uint64_t
little_endian(const uint8_t *bytes, size_t n)
{
	uint64_t	x = 0;

	for (size_t i = n; i-- > 0;)
		x = x << 8 | bytes[i];
	return x;
}

/* Flat little-endian numbers. */
static double *
numbers(const uint8_t *bytes, size_t size, bool wide, size_t *count)
{
	size_t		n = size / (wide ? sizeof(double) : sizeof(float));
	double	   *out = allocate(n * sizeof(double));

	for (size_t i = 0; i < n; i++)
	{
		if (wide)
		{
			const uint64_t bits = little_endian(bytes + i * sizeof(double), sizeof(double));

			memcpy(&out[i], &bits, sizeof(double));
		}
		else
		{
			const uint32_t bits = (uint32_t) little_endian(bytes + i * sizeof(float), sizeof(float));
			float		x;

			memcpy(&x, &bits, sizeof(float));
			out[i] = x;
		}
	}
	if (count)
		*count = n;
	return out;
}

double *
golden_tensor(const golden_file *file, const char *name, size_t *count)
{
	const lem_file_tensor *entry = golden_entry(file, name);

	if (entry == NULL)
		die("no tensor %s", name);
	return numbers(file->data + entry->begin, (size_t) (entry->end - entry->begin),
				   strcmp(entry->dtype, "F64") == 0, count);
}

double *
golden_doubles(const char *set, const char *name, size_t *count)
{
	size_t		size;
	uint8_t    *bytes = golden_bytes(set, name, &size);
	double	   *out = numbers(bytes, size, strstr(name, "_f64.") != NULL, count);

	free(bytes);
	return out;
}

lem_real *
golden_reals(const char *set, const char *name, size_t *count)
{
	size_t		n;
	double	   *from = golden_doubles(set, name, &n);
	lem_real   *out = allocate(n * sizeof(lem_real));

	for (size_t i = 0; i < n; i++)
		out[i] = (lem_real) from[i];
	if (count)
		*count = n;
	free(from);
	return out;
}

/* An array of zeroed parts, each of numbers of the given width. */
static void **
empty_parts(const lem_config *config, size_t width)
{
	int			n = lem_part_count(config);
	void	  **parts = allocate(sizeof(void *) * (size_t) n);

	for (int p = 0; p < n; p++)
		parts[p] = allocate((size_t) lem_part_size(config, p) * width);
	return parts;
}

float **
golden_empty_parts(const lem_config *config)
{
	return (float **) empty_parts(config, sizeof(float));
}

void
golden_free_parts(void *parts, const lem_config *config)
{
	for (int p = 0; p < lem_part_count(config); p++)
		free(((void **) parts)[p]);
	free(parts);
}

float **
golden_file_parts(const golden_file *file, const lem_config *config)
{
	float	  **parts = golden_empty_parts(config);
	int		   *match = allocate(sizeof(int) * (size_t) lem_tensor_count(config));
	lem_fault	fault;

	if (lem_file_match(config, file->entries, file->n, file->data, file->data_size, match,
					   &fault) != LEM_OK)
		die("weights do not fit the config: status %d, tensor %s", fault.status, fault.name);
	for (int p = 0; p < lem_part_count(config); p++)
		lem_file_read_part(config, file->entries, match, file->data, p, parts[p]);
	free(match);
	return parts;
}

float **
golden_parts(const char *set, const lem_config *config)
{
	golden_file *file = golden_weights(set);
	float	  **parts = golden_file_parts(file, config);

	golden_close(file);
	return parts;
}

/* Where a tensor's slices go. */
typedef struct fill
{
	const golden_file *file;
	const lem_config *config;
	double	  **parts;
	float	  **random;
	uint64_t	state;
} fill;

static lem_status
visit_fill(void *arg, int i, const lem_tensor *tensor)
{
	fill	   *f = arg;
	double	   *from;
	size_t		n;

	(void) i;
	if (tensor->constant && golden_entry(f->file, tensor->name) == NULL)
		return LEM_OK;
	from = golden_tensor(f->file, tensor->name, &n);
	if ((int64_t) n != tensor->size)
		die("%s has %zu numbers", tensor->name, n);
	for (int64_t at = 0, p = tensor->head ? 1 : 0; at < tensor->size; at += tensor->slice, p++)
		memcpy(f->parts[p] + tensor->offset, from + at, sizeof(double) * (size_t) tensor->slice);
	free(from);
	return LEM_OK;
}

double **
golden_parts_f64(const golden_file *file, const lem_config *config)
{
	fill		f = {.file = file, .config = config};

	f.parts = (double **) empty_parts(config, sizeof(double));
	lem_tensor_walk(config, visit_fill, &f);
	return f.parts;
}

/* Uniform in [-1, 1): splitmix64. */
static double
uniform(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (double) (z >> 11) * 0x1p-52 - 1;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t		n = strlen(name);
	size_t		m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static lem_status
visit_random(void *arg, int i, const lem_tensor *tensor)
{
	fill	   *f = arg;
	const lem_config *c = f->config;
	double		centre = 0;
	double		spread = 0.1;

	(void) i;
	if (ends_with(tensor->name, "gamma"))
		centre = 1;
	else if (strcmp(tensor->name, "scale_factor") == 0)
		centre = 0.5 * (LEM_MIN_SCALE_FACTOR + c->max_scale_factor);
	else if (ends_with(tensor->name, "_curve"))
	{
		centre = 1.0 / c->n_ahead;
		spread = 0.2 / c->n_ahead;
	}
	else if (tensor->dims > 1)
		spread = sqrt(1.5 / (double) tensor->shape[tensor->dims - 2]);

	for (int64_t at = 0, p = tensor->head ? 1 : 0; at < tensor->size; at += tensor->slice, p++)
		for (int64_t j = 0; j < tensor->slice; j++)
		{
			double		x = centre + spread * uniform(&f->state);

			if (tensor->constant)
				x = lem_spline_knot(&c->sub_layer[tensor->sub_layer].spline,
									(int) (j % tensor->shape[2]));
			f->random[p][tensor->offset + j] = (float) x;
		}
	return LEM_OK;
}

float **
golden_random_parts(const lem_config *config, uint64_t seed)
{
	fill		f = {.config = config, .state = seed};

	f.random = golden_empty_parts(config);
	lem_tensor_walk(config, visit_random, &f);
	return f.random;
}

lem_model
golden_model(const lem_config *config, float *const *parts, const lem_kernels *kernels,
			 lem_form form)
{
	const int	n = lem_part_count(config);
	const lem_head **heads = allocate(sizeof(lem_head *) * (size_t) n);
	lem_model	model = {*config, kernels, NULL, heads, {NULL, NULL}};

	for (int p = 0; p < n; p++)
	{
		size_t		size = (size_t) lem_part_size(config, p);
		lem_real   *from = allocate(size * sizeof(lem_real));

		for (size_t i = 0; i < size; i++)
			from[i] = parts[p][i];
		if (p == 0)
			model.trunk = lem_trunk_decode(config, from, form,
										   allocate(lem_trunk_bytes(config, form)));
		else
			heads[p - 1] = lem_head_decode(config, from, allocate(lem_head_bytes(config)));
		free(from);
	}
	return model;
}

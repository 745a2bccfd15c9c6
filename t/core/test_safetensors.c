/* test_safetensors.c: files of weights, good and bad. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "parameters/storage.h"

/* A file that a test may spoil: its own copy of a reference set's entries and data. */
typedef struct copy
{
	lem_config	config;
	golden_file *file;
	int			n;
	lem_file_tensor *entries;	/* with room for more */
	uint8_t    *data;
	size_t		data_size;
	int		   *match;
} copy;

#define ROOM 20000

static copy
make_copy(void)
{
	copy		c = {.config = golden_config("tiny"), .file = golden_weights("tiny")};

	c.n = c.file->n;
	c.entries = calloc(ROOM, sizeof(lem_file_tensor));
	memcpy(c.entries, c.file->entries, sizeof(lem_file_tensor) * (size_t) c.n);
	/* exactly as large as it is, so that a read beyond its end is seen */
	c.data_size = c.file->data_size;
	c.data = malloc(c.data_size);
	memcpy(c.data, c.file->data, c.data_size);
	c.match = malloc(sizeof(int) * (size_t) lem_tensor_count(&c.config));
	return c;
}

static void
free_copy(copy *c)
{
	golden_close(c->file);
	free(c->entries);
	free(c->data);
	free(c->match);
}

static lem_status
match(copy *c, lem_fault *fault)
{
	memset(fault, 0, sizeof(*fault));
	return lem_file_match(&c->config, c->entries, c->n, c->data, c->data_size, c->match, fault);
}

/* The copy is refused with a status and a tensor's name (NULL: any); then it is dropped. */
static lem_fault
refused(copy *c, lem_status want, const char *name, const char *what)
{
	lem_fault	fault;
	lem_status	status = match(c, &fault);

	check(status == want && fault.status == want && (!name || strcmp(fault.name, name) == 0),
		  "%s (status %d, %s)", what, status, fault.name);
	check_int(lem_file_match(&c->config, c->entries, c->n, c->data, c->data_size, c->match, NULL),
			  want, "%s, without details", what);
	free_copy(c);
	return fault;
}

static lem_file_tensor *
entry(copy *c, const char *name)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->entries[i].name, name) == 0)
			return &c->entries[i];
	return NULL;
}

static void
rename_entry(lem_file_tensor *e, const char *name)
{
	e->name = name;
	e->name_length = (int) strlen(name);
}

#define SCALE "scale_factor"
#define GRID "internal_rnn/1/cell/tkan_sub_layers/0/grid"

static void
test_split(void)
{
	uint8_t		file[64] = {10};
	size_t		header_length;
	size_t		data_size;
	const uint8_t *header;
	const uint8_t *data;
	lem_fault	fault;

#define split(size) \
	lem_file_split(file, (size), &header_length, &header, &data, &data_size, &fault)
	check(split(64) == LEM_OK && header_length == 10 && header == file + 8 && data == file + 18
		  && data_size == 46, "header and data of a file");
	check(split(18) == LEM_OK && data_size == 0, "a file without data");
	check(split(17) == LEM_FILE_TRUNCATED && fault.have == 17 && fault.want == 18,
		  "a header that is cut short");
	check(split(7) == LEM_FILE_TRUNCATED && fault.want == 8, "a length that is cut short");
	check(split(0) == LEM_FILE_TRUNCATED, "an empty file");
	file[0] = 1;
	check(split(64) == LEM_FILE_HEADER && fault.have == 1, "a header too short for JSON");
	file[0] = 0;
	check(split(64) == LEM_FILE_HEADER && fault.want == 2, "an empty header");
	file[3] = 5;
	check(split(64) == LEM_FILE_HEADER && fault.want == LEM_MAX_FILE_HEADER, "a huge header");
	memset(file, 0xff, 8);
	check(split(64) == LEM_FILE_HEADER, "the largest length there is");
#undef split
}

static void
test_missing_and_unknown(void)
{
	copy		c = make_copy();
	char		long_name[400];
	lem_fault	fault;

	check_int(match(&c, &fault), LEM_OK, "the reference file matches");
	free_copy(&c);

	c = make_copy();
	c.n--;
	fault = refused(&c, LEM_TENSOR_MISSING, "base_notional_curve", "last tensor missing");
	check(fault.want_dims == 3 && fault.want_shape[0] == 4 && fault.want_shape[1] == 5
		  && fault.want_shape[2] == 2, "the shape it should have");
	c = make_copy();
	c.n = 0;
	refused(&c, LEM_TENSOR_MISSING, "embedding/dense_layers/0/kernel", "no tensors");

	c = make_copy();
	rename_entry(entry(&c, SCALE), "scale");
	refused(&c, LEM_TENSOR_MISSING, SCALE, "a tensor under another name");
	c = make_copy();
	rename_entry(&c.entries[c.n], "extra");
	c.n++;
	refused(&c, LEM_TENSOR_UNKNOWN, "extra", "an unknown tensor");
	c = make_copy();
	rename_entry(&c.entries[c.n], "");
	c.n++;
	refused(&c, LEM_TENSOR_UNKNOWN, "", "an empty name");
	c = make_copy();
	c.entries[c.n].name = "scale_factor\0x";
	c.entries[c.n].name_length = 14;
	c.n++;
	refused(&c, LEM_TENSOR_UNKNOWN, NULL, "a known name with more behind a zero byte");

	/* two-byte characters after one byte: the cut must not go through one */
	c = make_copy();
	memset(long_name, 0, sizeof(long_name));
	long_name[0] = 'x';
	for (int i = 1; i + 1 < (int) sizeof(long_name) - 1; i += 2)
		memcpy(long_name + i, "\303\251", 2);
	rename_entry(&c.entries[c.n], long_name);
	c.n++;
	fault = refused(&c, LEM_TENSOR_UNKNOWN, NULL, "a name too long for the fault");
	check_int((long long) strlen(fault.name), 111, "it is cut between characters");
	c = make_copy();
	rename_entry(&c.entries[c.n], long_name + 1);
	c.n++;
	fault = refused(&c, LEM_TENSOR_UNKNOWN, NULL, "another such name");
	check_int((long long) strlen(fault.name), 110, "it is cut between characters");

	c = make_copy();
	c.entries[c.n] = *entry(&c, SCALE);
	c.n++;
	refused(&c, LEM_TENSOR_DUPLICATE, SCALE, "one tensor too many, twice there");
	c = make_copy();
	rename_entry(entry(&c, "grn/skip_layer/bias"), SCALE);
	refused(&c, LEM_TENSOR_MISSING, "grn/skip_layer/bias", "one missing and one twice");
	c = make_copy();
	rename_entry(entry(&c, "base_volume_curve"), SCALE);
	refused(&c, LEM_TENSOR_DUPLICATE, SCALE, "one twice and a later one missing");

	/* a hostile header: many entries, all of one name, or all unknown and in front */
	c = make_copy();
	for (c.n = 0; c.n < ROOM; c.n++)
		rename_entry(&c.entries[c.n], SCALE);
	refused(&c, LEM_TENSOR_DUPLICATE, SCALE, "thousands of the same tensor");
	c = make_copy();
	for (c.n = 0; c.n < ROOM; c.n++)
		rename_entry(&c.entries[c.n], "y");
	refused(&c, LEM_TENSOR_UNKNOWN, "y", "thousands of unknown tensors");
}

static void
test_shape_and_type(void)
{
	copy		c = make_copy();
	lem_fault	fault;

	entry(&c, SCALE)->shape[1] = 6;
	fault = refused(&c, LEM_TENSOR_SHAPE, SCALE, "a wrong shape");
	check(fault.have_dims == 4 && fault.have_shape[1] == 6 && fault.want_dims == 4
		  && fault.want_shape[1] == 5, "both shapes");
	c = make_copy();
	entry(&c, SCALE)->dims = 2;
	fault = refused(&c, LEM_TENSOR_SHAPE, SCALE, "too few dimensions");
	check_int(fault.have_dims, 2, "dimensions found");
	c = make_copy();
	entry(&c, SCALE)->dims = -1;
	fault = refused(&c, LEM_TENSOR_SHAPE, SCALE, "too many dimensions");
	check_int(fault.have_dims, -1, "that they are too many");
	c = make_copy();
	entry(&c, SCALE)->shape[1] = -5;
	refused(&c, LEM_TENSOR_SHAPE, SCALE, "a negative dimension");
	c = make_copy();
	entry(&c, SCALE)->shape[1] = INT64_MAX;
	refused(&c, LEM_TENSOR_SHAPE, SCALE, "a huge dimension");
	c = make_copy();
	entry(&c, SCALE)->shape[1] = 0;
	refused(&c, LEM_TENSOR_SHAPE, SCALE, "an empty tensor");
	c = make_copy();
	c.config.hidden_size = 16;
	refused(&c, LEM_TENSOR_SHAPE, "vsn/mlp_dense/hidden_layer_1/kernel", "another width");
	c = make_copy();
	c.config.finish_gate = true;
	refused(&c, LEM_TENSOR_MISSING, "internal_hidden_to_raw_allocation/0/finish_kernel",
			"a config with finish gates, weights without");
	c = make_copy();
	c.config.shared_heads = true;
	refused(&c, LEM_TENSOR_SHAPE, "internal_hidden_to_raw_allocation/0/kernel_0",
			"a config with shared heads, weights without");
	c = make_copy();
	c.config.hidden_rnn_layer = 1;
	refused(&c, LEM_TENSOR_UNKNOWN, "internal_rnn/1/cell/kernel", "a layer more than the config");
	c = make_copy();
	entry(&c, SCALE)->dtype = "I32";
	refused(&c, LEM_TENSOR_TYPE, SCALE, "whole numbers");
	c = make_copy();
	entry(&c, SCALE)->dtype = "";
	refused(&c, LEM_TENSOR_TYPE, SCALE, "an empty type");
	c = make_copy();
	entry(&c, SCALE)->dtype = NULL;
	refused(&c, LEM_TENSOR_TYPE, SCALE, "no type");
}

static void
test_places(void)
{
	const int64_t far[] = {INT64_MIN, -4, INT64_MAX - 20, INT64_MAX};
	copy		c;
	lem_fault	fault;
	size_t		size;

	for (int i = 0; i < 4; i++)
	{
		c = make_copy();
		entry(&c, SCALE)->begin = far[i];
		refused(&c, LEM_TENSOR_RANGE, SCALE, "a beginning outside the data");
		c = make_copy();
		entry(&c, SCALE)->end = far[i];
		refused(&c, LEM_TENSOR_RANGE, SCALE, "an end outside the data");
		c = make_copy();
		entry(&c, SCALE)->begin = far[i];
		entry(&c, SCALE)->end = (int64_t) ((uint64_t) far[i] + 20);
		refused(&c, LEM_TENSOR_RANGE, SCALE, "both outside the data");
	}
	c = make_copy();
	entry(&c, SCALE)->end -= 4;
	refused(&c, LEM_TENSOR_RANGE, SCALE, "too few bytes for the shape");
	c = make_copy();
	entry(&c, SCALE)->end += 4;
	refused(&c, LEM_TENSOR_RANGE, SCALE, "too many bytes for the shape");
	c = make_copy();
	entry(&c, SCALE)->dtype = "F64";
	refused(&c, LEM_TENSOR_RANGE, SCALE, "too few bytes for the type");
	c = make_copy();
	c.data_size -= 1;
	refused(&c, LEM_TENSOR_RANGE, "base_notional_curve", "data that is cut short");
	c = make_copy();
	c.data_size = 0;
	refused(&c, LEM_TENSOR_RANGE, "embedding/dense_layers/0/kernel", "no data");

	c = make_copy();
	entry(&c, SCALE)->begin -= 4;
	entry(&c, SCALE)->end -= 4;
	refused(&c, LEM_TENSOR_RANGE, SCALE, "bytes of two tensors");
	c = make_copy();
	entry(&c, "embedding/dense_layers/3/bias")->begin =
		entry(&c, "embedding/dense_layers/4/bias")->begin;
	entry(&c, "embedding/dense_layers/3/bias")->end =
		entry(&c, "embedding/dense_layers/4/bias")->end;
	refused(&c, LEM_TENSOR_RANGE, "embedding/dense_layers/4/bias", "two tensors in one place");
	c = make_copy();
	for (int i = c.n - 3; i < c.n; i++)
	{
		c.entries[i].begin -= c.entries[c.n - 3].end - c.entries[c.n - 3].begin;
		c.entries[i].end -= c.entries[c.n - 3].end - c.entries[c.n - 3].begin;
	}
	refused(&c, LEM_TENSOR_RANGE, NULL, "tensors that overlap, and data left over");

	c = make_copy();
	size = c.data_size;
	c.data = realloc(c.data, size + 4);
	memset(c.data + size, 0, 4);
	c.data_size = size + 4;
	fault = refused(&c, LEM_TENSOR_HOLE, "", "bytes after the last tensor");
	check_near(fault.have, (double) size, 0, "where they begin");
	c = make_copy();
	c.data = realloc(c.data, size + 8);
	memset(c.data + size, 0, 8);
	c.data_size = size + 8;
	for (int i = 4; i < c.n; i++)
	{
		c.entries[i].begin += 8;
		c.entries[i].end += 8;
	}
	fault = refused(&c, LEM_TENSOR_HOLE, "", "bytes between tensors");
	check_near(fault.have, 48, 0, "where they begin");
}

/* A number's bytes in the file's order, whatever the machine's. */
static void
put_number(uint8_t *to, const void *number, size_t size)
{
	const uint8_t *bytes = number;

	for (size_t i = 0; i < size; i++)
		to[i] = bytes[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : size - 1 - i];
}

static void
put_float(copy *c, const char *name, int64_t i, float x)
{
	put_number(c->data + entry(c, name)->begin + 4 * i, &x, 4);
}

static void
test_numbers(void)
{
	const float bad[] = {NAN, INFINITY, -INFINITY};
	copy		c;
	lem_fault	fault;

	for (int i = 0; i < 3; i++)
	{
		c = make_copy();
		put_float(&c, "base_notional_curve", 39, bad[i]);
		fault = refused(&c, LEM_TENSOR_NOT_FINITE, "base_notional_curve", "a number not finite");
		check(fault.index == 39 && (fault.have == bad[i] || isnan(bad[i])), "which, and where");
	}
	c = make_copy();
	put_float(&c, GRID, 79, NAN);
	refused(&c, LEM_TENSOR_NOT_FINITE, GRID, "a knot that is not finite");
	c = make_copy();
	put_float(&c, GRID, 23, -0.999f);
	fault = refused(&c, LEM_TENSOR_GRID, GRID, "a knot out of place");
	check(fault.index == 23 && fault.have == -0.999f && fault.want == -1, "which, and where");
	c = make_copy();
	put_float(&c, GRID, 23, -1.000005f);
	check_int(match(&c, &fault), LEM_OK, "a knot within rounding");
	free_copy(&c);
	c = make_copy();
	c.config.sub_layer[0].spline.high = 2;
	refused(&c, LEM_TENSOR_GRID, "internal_rnn/0/cell/tkan_sub_layers/0/grid", "another grid");
}

/* Entries in any order, data in any order: the same parts. */
static void
test_order(void)
{
	copy		c = make_copy();
	float	  **want = golden_file_parts(c.file, &c.config);
	float	  **have = golden_empty_parts(&c.config);
	int64_t		position = 0;
	lem_fault	fault;
	bool		same = true;

	for (int i = 0; i < c.n; i++)
	{
		/* a stride that meets every entry once; data from the last to the first */
		const lem_file_tensor *from = &c.file->entries[(i * 7 + 3) % c.n];

		c.entries[c.n - 1 - i] = *from;
		c.entries[c.n - 1 - i].begin = position;
		position += from->end - from->begin;
		c.entries[c.n - 1 - i].end = position;
		memcpy(c.data + position - (from->end - from->begin), c.file->data + from->begin,
			   (size_t) (from->end - from->begin));
	}
	check_int(match(&c, &fault), LEM_OK, "a file in another order");
	for (int p = 0; p < lem_part_count(&c.config); p++)
	{
		lem_file_read_part(&c.config, c.entries, c.match, c.data, p, have[p]);
		same = same && memcmp(have[p], want[p],
							  4 * (size_t) lem_part_size(&c.config, p)) == 0;
	}
	check(same, "the same parts");
	golden_free_parts(want, &c.config);
	golden_free_parts(have, &c.config);
	free_copy(&c);
}

/* Parts, written and read again: the same bits; the reference's data section, byte for byte. */
static void
test_round_trip(const lem_config *config, float **parts, const uint8_t *want, const char *what)
{
	int			n = lem_tensor_count(config);
	const int	bytes = lem_storage_bytes(config->storage);
	size_t		size = (size_t) bytes * (size_t) lem_parameter_count(config, false);
	uint8_t    *data = malloc(size);
	lem_tensor *table = malloc(sizeof(lem_tensor) * (size_t) n);
	lem_file_tensor *entries = calloc((size_t) n, sizeof(lem_file_tensor));
	int		   *found = malloc(sizeof(int) * (size_t) n);
	int64_t		position = 0;
	lem_fault	fault;
	bool		same = true;

	memset(data, 0xff, size);
	for (int p = lem_part_count(config) - 1; p >= 0; p--)
		lem_file_write_part(config, p, parts[p], data);
	if (want)
		check(memcmp(data, want, size) == 0, "%s: the data section, byte for byte", what);
	lem_tensor_table(config, table);
	for (int i = 0; i < n; i++)
	{
		rename_entry(&entries[i], table[i].name);
		entries[i].dtype = lem_storage_dtype(config->storage);
		entries[i].dims = table[i].dims;
		memcpy(entries[i].shape, table[i].shape, sizeof(table[i].shape));
		entries[i].begin = position;
		entries[i].end = position += bytes * table[i].size;
	}
	if (!check_int(lem_file_match(config, entries, n, data, size, found, &fault), LEM_OK,
				   "%s: what was written matches", what))
		printf("# %s\n", fault.name);
	for (int p = 0; p < lem_part_count(config); p++)
	{
		size_t		part = (size_t) lem_part_size(config, p);
		float	   *have = malloc(4 * part);

		lem_file_read_part(config, entries, found, data, p, have);
		same = same && memcmp(have, parts[p], 4 * part) == 0;
		free(have);
	}
	check(same, "%s: the same parts after a round trip", what);
	free(data);
	free(table);
	free(entries);
	free(found);
}

/* The same of parts that are stored with 16 bits a number, knots rounded like the rest. */
static void
test_half_round_trip(const lem_config *config, float **parts, lem_storage storage,
					 const char *what)
{
	lem_config	half = *config;
	float	  **rounded = golden_empty_parts(config);
	char		name[64];

	half.storage = storage;
	for (int p = 0; p < lem_part_count(config); p++)
	{
		const int64_t n = lem_part_size(config, p);
		uint8_t    *bytes = malloc(2 * (size_t) n);

		lem_storage_save_part(&half, p, parts[p], bytes, NULL);
		lem_storage_load_part(&half, p, bytes, rounded[p]);
		free(bytes);
	}
	snprintf(name, sizeof(name), "%s, %s", what, lem_storage_dtype(storage));
	test_round_trip(&half, rounded, NULL, name);
	golden_free_parts(rounded, config);
}

/* Half-precision bits of a number that has them exactly. */
static uint16_t
half_of(float x)
{
	uint32_t	bits;

	memcpy(&bits, &x, 4);
	return x == 0 ? 0 : (uint16_t) ((bits >> 16 & 0x8000)
									| ((bits >> 23 & 0xff) - 112) << 10 | (bits >> 13 & 0x3ff));
}

/* The tensor scale_factor and others as another type, at the end of the data. */
static void
test_types(void)
{
	const float values[5] = {0.5f, -1.25f, 1.5f, 0.0f, 96.0f};
	const char *const types[] = {"F16", "BF16", "F64", "F32"};
	const int	widths[] = {2, 2, 8, 4};

	for (int i = 0; i < 4; i++)
	{
		copy		c = make_copy();
		lem_file_tensor *e = entry(&c, SCALE);
		uint8_t    *data = malloc(c.data_size + 64);
		size_t		shorter = c.data_size - 20;
		lem_trunk_offsets offsets;
		lem_fault	fault;
		float	   *part = malloc(4 * (size_t) lem_part_size(&c.config, 0));

		/* the rest closes ranks; odd beginnings where the type is narrow */
		memcpy(data, c.data, (size_t) e->begin);
		memcpy(data + e->begin, c.data + e->end, c.data_size - (size_t) e->end);
		for (int j = 0; j < c.n; j++)
			if (c.entries[j].begin > e->begin)
			{
				c.entries[j].begin -= 20;
				c.entries[j].end -= 20;
			}
		for (int j = 0; j < 5; j++)
		{
			uint8_t    *to = data + shorter + j * widths[i];
			double		wide = values[j];
			uint16_t	half = half_of(values[j]);
			uint32_t	bits;

			memcpy(&bits, &values[j], 4);
			if (i == 1)
				half = (uint16_t) (bits >> 16);
			if (widths[i] == 2)
				put_number(to, &half, 2);
			else if (widths[i] == 8)
				put_number(to, &wide, 8);
			else
				put_number(to, &bits, 4);
		}
		free(c.data);
		c.data = data;
		c.data_size = shorter + 5 * (size_t) widths[i];
		e->dtype = types[i];
		e->begin = (int64_t) shorter;
		e->end = (int64_t) c.data_size;
		check_int(match(&c, &fault), LEM_OK, "%s is understood", types[i]);
		lem_file_read_part(&c.config, c.entries, c.match, c.data, 0, part);
		lem_trunk_layout(&c.config, &offsets);
		check(memcmp(part + offsets.scale, values, sizeof(values)) == 0, "%s is read", types[i]);

		if (widths[i] == 2)
		{
			/* the smallest subnormal and the largest number, infinity, NaN */
			const uint16_t half[] = {0x8001, i == 0 ? 0x7bff : 0x7f7f};
			const uint16_t bad[] = {i == 0 ? 0x7c00 : 0x7f80, 0xffff};

			put_number(data + shorter, &half[0], 2);
			put_number(data + shorter + 2, &half[1], 2);
			check_int(match(&c, &fault), LEM_OK, "%s: extremes are understood", types[i]);
			lem_file_read_part(&c.config, c.entries, c.match, c.data, 0, part);
			check(part[offsets.scale] == (i == 0 ? -0x1p-24f : -0x1p-133f)
				  && part[offsets.scale + 1] == (i == 0 ? 65504.0f : 0x1.fep127f),
				  "%s: extremes are read", types[i]);
			for (int j = 0; j < 2; j++)
			{
				put_number(data + shorter, &bad[j], 2);
				check(match(&c, &fault) == LEM_TENSOR_NOT_FINITE && fault.index == 0,
					  "%s: %s is refused", types[i], j == 0 ? "infinity" : "NaN");
			}
		}
		if (widths[i] == 8)
		{
			const double large[] = {1e300, -1e300, 1e-300, INFINITY, NAN};

			for (int j = 0; j < 5; j++)
			{
				put_number(data + shorter + 32, &large[j], 8);
				check_int(match(&c, &fault), j == 2 ? LEM_OK : LEM_TENSOR_NOT_FINITE,
						  "F64: %g as a float", large[j]);
			}
		}
		free(part);
		free_copy(&c);
	}
}

int
main(void)
{
	lem_config	config;
	float	  **parts;

	test_split();
	test_missing_and_unknown();
	test_shape_and_type();
	test_places();
	test_numbers();
	test_order();
	test_types();
	for (int i = 0; i < GOLDEN_SETS; i++)
	{
		golden_file *file = golden_weights(golden_sets[i]);

		config = golden_config(golden_sets[i]);
		parts = golden_file_parts(file, &config);
		test_round_trip(&config, parts, file->data, golden_sets[i]);
		test_half_round_trip(&config, parts, LEM_STORAGE_FLOAT16, golden_sets[i]);
		test_half_round_trip(&config, parts, LEM_STORAGE_BFLOAT16, golden_sets[i]);
		golden_free_parts(parts, &config);
		golden_close(file);
	}
	lem_config_default(&config);
	config.n_sub_layers = 2;
	config.sub_layer[1].activation = LEM_ACTIVATION_TANH;
	parts = golden_random_parts(&config, 1);
	test_round_trip(&config, parts, NULL, "the default config with a dense sub-layer");
	golden_free_parts(parts, &config);
	return check_done();
}

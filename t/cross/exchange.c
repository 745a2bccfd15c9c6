/*
 * exchange.c: what one processor writes, for another to read.
 *
 *   exchange write folder
 *   exchange read folder
 *
 * Writes the parts of the reference models as they are stored, in each form of storage, a file a
 * part.  Reads such files: they must be the bytes that this processor would write, and be decoded to
 * the same weights, with which the network gives the reference outputs.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "parameters/storage.h"

#define TOLERANCE 5e-6

static const lem_storage storages[] = {LEM_STORAGE_FLOAT32, LEM_STORAGE_FLOAT16,
LEM_STORAGE_BFLOAT16};

static char *
file_name(const char *folder, const char *set, const char *form, int part)
{
	static char name[1000];

	snprintf(name, sizeof(name), "%s/%s.%s.%d", folder, set, form, part);
	return name;
}

static uint8_t *
read_file(const char *name, size_t size)
{
	uint8_t    *bytes = malloc(size + 1);
	FILE	   *file = fopen(name, "rb");
	size_t		have = 0;

	if (file)
	{
		have = fread(bytes, 1, size + 1, file);
		fclose(file);
	}
	check(have == size, "%s has all its bytes", name);
	return bytes;
}

static void
write_file(const char *name, const uint8_t *bytes, size_t size)
{
	FILE	   *file = fopen(name, "wb");

	check(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, "%s is written", name);
}

/* Largest difference of the network's outputs to the reference. */
static double
worst_output(const char *set, const lem_config *config, float *const *parts)
{
	const int	n = golden_batch(set);
	lem_model	model = golden_model(config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	lem_real   *rows = golden_reals(set, "inputs.x.bin", NULL);
	lem_real   *min_rate = golden_reals(set, "inputs.min_rate.bin", NULL);
	lem_real   *max_rate = golden_reals(set, "inputs.max_rate.bin", NULL);
	size_t		count;
	double	   *want = golden_doubles(set, "outputs_f64.pred.bin", &count);
	lem_real   *have = malloc(count * sizeof(lem_real));
	const size_t bytes = lem_forward_workspace(&model, n, true);
	void	   *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
	lem_batch	batch = {.n = n, .rows = rows, .min_rate = min_rate, .max_rate = max_rate,
		.allocation = have};
	double		worst = 0;

	check(lem_forward(&model, &batch, workspace, NULL) == LEM_OK, "%s: the network runs", set);
	for (size_t i = 0; i < count; i++)
		worst = fmax(worst, fabs(have[i] - want[i]));
	return worst;
}

/* Parts of a set in one form of storage: written, or read and compared. */
static void
exchange(const char *folder, const char *set, lem_storage storage, bool writes)
{
	lem_config	config = golden_config(set);
	float	  **parts = golden_parts(set, &config);
	float	  **read = golden_empty_parts(&config);
	const char *form = lem_storage_dtype(storage);
	bool		same = true;

	config.storage = storage;
	for (int p = 0; p < lem_part_count(&config); p++)
	{
		const int64_t n = lem_part_size(&config, p);
		const size_t size = (size_t) (n * lem_storage_bytes(storage));
		const char *name = file_name(folder, set, form, p);
		uint8_t    *own = malloc(size);
		float	   *loaded = malloc(sizeof(float) * (size_t) n);
		uint8_t    *bytes;

		check_int(lem_storage_save_part(&config, p, parts[p], own, NULL), LEM_OK,
				  "%s, %s: part %d is saved", set, form, p);
		if (writes)
			write_file(name, own, size);
		else
		{
			bytes = read_file(name, size);
			same = same && memcmp(bytes, own, size) == 0;
			lem_storage_load_part(&config, p, bytes, read[p]);
			lem_storage_load_part(&config, p, own, loaded);
			same = same && memcmp(read[p], loaded, sizeof(float) * (size_t) n) == 0;
		}
	}
	if (writes)
		return;
	check(same, "%s, %s: the same bytes, and the same weights from them", set, form);
	if (storage == LEM_STORAGE_FLOAT32)
		check(worst_output(set, &config, read) <= TOLERANCE,
			  "%s: weights that were read give the reference outputs", set);
}

int
main(int argc, char **argv)
{
	const bool	writes = argc == 3 && strcmp(argv[1], "write") == 0;

	if (argc != 3 || (!writes && strcmp(argv[1], "read") != 0))
	{
		fprintf(stderr, "exchange write|read folder\n");
		return 2;
	}
	for (int s = 0; s < GOLDEN_SETS; s++)
		for (size_t i = 0; i < sizeof(storages) / sizeof(*storages); i++)
			exchange(argv[2], golden_sets[s], storages[i], writes);
	return check_done();
}

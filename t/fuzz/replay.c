/*
 * replay.c: runs a fuzz target without libFuzzer, for the short runs of make test: on every file of
 * its corpus, and on changed copies of them.  What is changed follows from the seed, so that a run
 * that failed fails again.
 *
 *   target seed runs corpus-folder...
 *
 * The input of a run that a sanitizer ends is in the file that FUZZ_INPUT names.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS_FILES 1000
#define INPUT_ROOM 20000

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct input
{
	uint8_t    *bytes;
	size_t		size;
} input;

static input corpus[CORPUS_FILES];
static int	n_files;
static uint64_t state;

/* splitmix64 */
static uint64_t
next(void)
{
	uint64_t	z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* From 0 to n - 1; n > 0. */
static size_t
below(size_t n)
{
	return next() % n;
}

static void
fail(const char *what, const char *name)
{
	fprintf(stderr, "replay: %s \"%s\"\n", what, name);
	exit(2);
}

static void
read_file(const char *folder, const char *name)
{
	char		path[4096];
	FILE	   *file = NULL;
	input	   *to = &corpus[n_files];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (n_files == CORPUS_FILES || (file = fopen(path, "rb")) == NULL)
		fail("cannot take", path);
	to->bytes = malloc(INPUT_ROOM);
	if (to->bytes == NULL)
		fail("no memory for", path);
	to->size = fread(to->bytes, 1, INPUT_ROOM, file);
	fclose(file);
	n_files++;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
read_folder(const char *folder)
{
	struct dirent **entries;
	const int	n = scandir(folder, &entries, NULL, by_name);

	if (n < 0)
		fail("cannot read", folder);
	for (int i = 0; i < n; i++)
	{
		if (entries[i]->d_name[0] != '.')
			read_file(folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* Bytes that parsers and numbers are sensitive to. */
static uint8_t
nasty_byte(void)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xf0, '0', '9', '-', '"', '{', '}', '[',
	']', ':', ',', '\\', ' '};

	return below(2) ? bytes[below(sizeof(bytes))] : (uint8_t) next();
}

/* One change; size stays within INPUT_ROOM. */
static void
change(input *in)
{
	const input *other = &corpus[below(n_files)];
	const size_t at = in->size ? below(in->size) : 0;
	const size_t left = in->size - at;
	size_t		n = 1 + below(16);

	switch (below(6))
	{
		case 0:					/* a bit */
			if (in->size)
				in->bytes[at] ^= (uint8_t) (1 << below(8));
			break;
		case 1:					/* some bytes */
			for (size_t i = 0; i < n && i < left; i++)
				in->bytes[at + i] = nasty_byte();
			break;
		case 2:					/* bytes that go */
			n = n < left ? n : left;
			memmove(in->bytes + at, in->bytes + at + n, left - n);
			in->size -= n;
			break;
		case 3:					/* bytes that come */
			if (in->size + n > INPUT_ROOM)
				break;
			memmove(in->bytes + at + n, in->bytes + at, left);
			for (size_t i = 0; i < n; i++)
				in->bytes[at + i] = nasty_byte();
			in->size += n;
			break;
		case 4:					/* an end that is another input's */
			if (other->size == 0)
				break;
			n = below(other->size);
			if (at + other->size - n > INPUT_ROOM)
				break;
			memcpy(in->bytes + at, other->bytes + n, other->size - n);
			in->size = at + other->size - n;
			break;
		case 5:					/* an end that is cut off */
			in->size = at;
			break;
	}
}

/* Run it from memory of just its size, so that a read beyond its end is seen. */
static void
run(const input *in)
{
	const char *keep = getenv("FUZZ_INPUT");
	uint8_t    *exact = malloc(in->size ? in->size : 1);
	FILE	   *file;

	if (exact == NULL)
		fail("no memory for", "an input");
	memcpy(exact, in->bytes, in->size);
	if (keep && (file = fopen(keep, "wb")) != NULL)
	{
		fwrite(in->bytes, 1, in->size, file);
		fclose(file);
	}
	LLVMFuzzerTestOneInput(exact, in->size);
	free(exact);
}

int
main(int argc, char **argv)
{
	static uint8_t room[INPUT_ROOM];
	long		runs;

	if (argc < 4)
		fail("usage: target seed runs corpus-folder...", argv[0]);
	state = strtoull(argv[1], NULL, 10);
	runs = strtol(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++)
		read_folder(argv[i]);
	if (n_files == 0)
		fail("no corpus in", argv[3]);
	for (int i = 0; i < n_files; i++)
		run(&corpus[i]);
	for (long i = 0; i < runs; i++)
	{
		const input *from = &corpus[below(n_files)];
		input		changed = {room, from->size};

		memcpy(room, from->bytes, from->size);
		for (size_t n = 1 + below(5); n > 0; n--)
			change(&changed);
		run(&changed);
	}
	printf("%d files and %ld changed copies\n", n_files, runs);
	return 0;
}

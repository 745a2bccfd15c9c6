/* input.h: numbers out of the bytes of a fuzzer's input. */
#ifndef LEM_FUZZ_INPUT_H
#define LEM_FUZZ_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What is left of the input. */
typedef struct input
{
	const uint8_t *bytes;
	size_t		size;
} input;

/* The next n bytes, or zeros where there are none left. */
static inline void
take(input *in, void *out, size_t n)
{
	const size_t there = n < in->size ? n : in->size;

	memset(out, 0, n);
	memcpy(out, in->bytes, there);
	in->bytes += there;
	in->size -= there;
}

static inline int
take_int(input *in, int low, int high)
{
	uint16_t	x;

	take(in, &x, sizeof(x));
	return low + x % (high - low + 1);
}

static inline double
take_double(input *in)
{
	double		x;

	take(in, &x, sizeof(x));
	return x;
}

/* What must hold, whatever the input is. */
static inline void
ensure(bool good)
{
	if (!good)
		abort();
}

#endif

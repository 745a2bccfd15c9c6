/* storage.c: the numbers of a model as bytes. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "parameters/storage.h"

int
lem_storage_bytes(lem_storage storage)
{
	return storage == LEM_STORAGE_FLOAT32 ? 4 : 2;
}

const char *
lem_storage_dtype(lem_storage storage)
{
	switch (storage)
	{
		case LEM_STORAGE_FLOAT16:
			return "F16";
		case LEM_STORAGE_BFLOAT16:
			return "BF16";
		case LEM_STORAGE_FLOAT32:
			break;
	}
	return "F32";
}

static uint16_t
load_u16(const uint8_t *p)
{
	return (uint16_t) (p[0] | p[1] << 8);
}

static void
save_u16(uint16_t bits, uint8_t *p)
{
	p[0] = (uint8_t) bits;
	p[1] = (uint8_t) (bits >> 8);
}

static float
load_float(const uint8_t *p)
{
	const uint32_t bits = (uint32_t) load_u16(p) | (uint32_t) load_u16(p + 2) << 16;
	float		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static void
save_float(float x, uint8_t *p)
{
	uint32_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	save_u16((uint16_t) bits, p);
	save_u16((uint16_t) (bits >> 16), p + 2);
}

void
lem_storage_load(lem_storage storage, int64_t n, const uint8_t *bytes, float *out)
{
	switch (storage)
	{
		case LEM_STORAGE_FLOAT32:
			for (int64_t i = 0; i < n; i++)
				out[i] = load_float(bytes + 4 * i);
			break;
		case LEM_STORAGE_FLOAT16:
			for (int64_t i = 0; i < n; i++)
				out[i] = lem_half_to_float(load_u16(bytes + 2 * i));
			break;
		case LEM_STORAGE_BFLOAT16:
			for (int64_t i = 0; i < n; i++)
				out[i] = lem_bfloat16_to_float(load_u16(bytes + 2 * i));
			break;
	}
}

void
lem_storage_save(lem_storage storage, int64_t n, const float *numbers, uint8_t *bytes)
{
	switch (storage)
	{
		case LEM_STORAGE_FLOAT32:
			for (int64_t i = 0; i < n; i++)
				save_float(numbers[i], bytes + 4 * i);
			break;
		case LEM_STORAGE_FLOAT16:
			for (int64_t i = 0; i < n; i++)
				save_u16(lem_half_from_float(numbers[i]), bytes + 2 * i);
			break;
		case LEM_STORAGE_BFLOAT16:
			for (int64_t i = 0; i < n; i++)
				save_u16(lem_bfloat16_from_float(numbers[i]), bytes + 2 * i);
			break;
	}
}

/* A part to be saved or loaded. */
typedef struct transfer
{
	const lem_config *config;
	bool		head;			/* of the head parts */
	const float *from;			/* saving */
	uint8_t    *bytes;
	const uint8_t *stored;		/* loading */
	float	   *to;
	lem_fault  *fault;
} transfer;

/* Numbers are looked at this many at a time. */
#define CHUNK 256

/* All of a tensor's numbers, saved with 16 bits, are within the range of these. */
static lem_status
check_range(const transfer *t, const lem_tensor *tensor, const uint8_t *bytes)
{
	for (int64_t start = 0; start < tensor->slice; start += CHUNK)
	{
		const int64_t n = tensor->slice - start < CHUNK ? tensor->slice - start : CHUNK;
		float		saved[CHUNK];

		lem_storage_load(t->config->storage, n, bytes + 2 * start, saved);
		for (int64_t i = 0; i < n; i++)
			if (!isfinite(saved[i]))
			{
				lem_fail(t->fault, LEM_TENSOR_OVERFLOW, tensor->name,
						 t->from[tensor->offset + start + i], 0);
				if (t->fault)
					t->fault->index = start + i;
				return LEM_TENSOR_OVERFLOW;
			}
	}
	return LEM_OK;
}

/* A tensor of knots, a few at a time. */
static void
save_knots(const transfer *t, const lem_tensor *tensor, uint8_t *bytes)
{
	for (int64_t i = 0; i < tensor->slice; i++)
	{
		const float knot = lem_tensor_knot(t->config, tensor, i);

		lem_storage_save(t->config->storage, 1, &knot, bytes + 2 * i);
	}
}

static lem_status
visit_save(void *arg, int i, const lem_tensor *tensor)
{
	const transfer *t = arg;
	const lem_storage storage = t->config->storage;
	uint8_t    *bytes = t->bytes + tensor->offset * lem_storage_bytes(storage);

	(void) i;
	if (tensor->head != t->head)
		return LEM_OK;
	if (tensor->constant && storage != LEM_STORAGE_FLOAT32)
		save_knots(t, tensor, bytes);
	else
		lem_storage_save(storage, tensor->slice, t->from + tensor->offset, bytes);
	return storage == LEM_STORAGE_FLOAT32 ? LEM_OK : check_range(t, tensor, bytes);
}

lem_status
lem_storage_save_part(const lem_config *config, int part, const float *numbers, uint8_t *bytes,
					  lem_fault *fault)
{
	transfer	t = {
		.config = config, .head = part > 0, .from = numbers, .bytes = bytes, .fault = fault
	};

	return lem_tensor_walk(config, visit_save, &t);
}

static lem_status
visit_load(void *arg, int i, const lem_tensor *tensor)
{
	const transfer *t = arg;
	const lem_storage storage = t->config->storage;
	float	   *to = t->to + tensor->offset;

	(void) i;
	if (tensor->head != t->head)
		return LEM_OK;
	if (tensor->constant && storage != LEM_STORAGE_FLOAT32)
		for (int64_t j = 0; j < tensor->slice; j++)
			to[j] = lem_tensor_knot(t->config, tensor, j);
	else
		lem_storage_load(storage, tensor->slice,
						 t->stored + tensor->offset * lem_storage_bytes(storage), to);
	return LEM_OK;
}

void
lem_storage_load_part(const lem_config *config, int part, const uint8_t *bytes, float *numbers)
{
	transfer	t = {.config = config, .head = part > 0, .stored = bytes, .to = numbers};

	lem_tensor_walk(config, visit_load, &t);
}

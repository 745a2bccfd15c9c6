/* safetensors.c: checking and copying the tensors of a safetensors file. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "parameters/safetensors.h"
#include "parameters/storage.h"

typedef enum dtype
{
	DTYPE_UNKNOWN,
	DTYPE_F16,
	DTYPE_BF16,
	DTYPE_F32,
	DTYPE_F64
} dtype;

static dtype
find_dtype(const char *name)
{
	if (name == NULL)
		return DTYPE_UNKNOWN;
	if (strcmp(name, "F32") == 0)
		return DTYPE_F32;
	if (strcmp(name, "F16") == 0)
		return DTYPE_F16;
	if (strcmp(name, "BF16") == 0)
		return DTYPE_BF16;
	if (strcmp(name, "F64") == 0)
		return DTYPE_F64;
	return DTYPE_UNKNOWN;
}

static int
dtype_bytes(dtype type)
{
	return type == DTYPE_F64 ? 8 : type == DTYPE_F32 ? 4 : 2;
}

/* Little-endian, at any alignment. */
static uint64_t
load_u64(const uint8_t *p)
{
	uint64_t	number = 0;

	for (int i = 0; i < 8; i++)
		number |= (uint64_t) p[i] << 8 * i;
	return number;
}

/* A double beyond the range of floats becomes infinite, and so is found not to be finite. */
static float
float_of_double(uint64_t bits)
{
	double		x;

	memcpy(&x, &bits, sizeof(x));
	if (x > FLT_MAX)
		return INFINITY;
	if (x < -FLT_MAX)
		return -INFINITY;
	return (float) x;
}

/* n numbers of a type as float32. */
static void
load_floats(dtype type, const uint8_t *p, int64_t n, float *out)
{
	switch (type)
	{
		case DTYPE_F32:
			lem_storage_load(LEM_STORAGE_FLOAT32, n, p, out);
			break;
		case DTYPE_F64:
			for (int64_t i = 0; i < n; i++)
				out[i] = float_of_double(load_u64(p + 8 * i));
			break;
		case DTYPE_BF16:
			lem_storage_load(LEM_STORAGE_BFLOAT16, n, p, out);
			break;
		case DTYPE_F16:
			lem_storage_load(LEM_STORAGE_FLOAT16, n, p, out);
			break;
		case DTYPE_UNKNOWN:
			break;
	}
}

lem_status
lem_file_split(const uint8_t *file, size_t size, size_t *header_length, const uint8_t **header,
			   const uint8_t **data, size_t *data_size, lem_fault *fault)
{
	uint64_t	length;

	if (size < 8)
		return lem_fail(fault, LEM_FILE_TRUNCATED, NULL, (double) size, 8);
	length = load_u64(file);
	/* the shortest header is {} */
	if (length < 2 || length > LEM_MAX_FILE_HEADER)
		return lem_fail(fault, LEM_FILE_HEADER, NULL, (double) length,
						length < 2 ? 2 : LEM_MAX_FILE_HEADER);
	if (length > size - 8)
		return lem_fail(fault, LEM_FILE_TRUNCATED, NULL, (double) size, (double) length + 8);
	*header_length = (size_t) length;
	*header = file + 8;
	*data = file + 8 + length;
	*data_size = size - 8 - (size_t) length;
	return LEM_OK;
}

/* What lem_file_match hands to its visitors. */
typedef struct file
{
	const lem_config *config;
	const lem_file_tensor *entries;
	int			n;				/* entries to look at */
	const uint8_t *data;
	size_t		data_size;
	int		   *match;
	int			next;			/* where the next tensor probably is */
	lem_fault  *fault;
} file;

/* A fault that names an entry; a long name is cut between characters. */
static lem_status
fail_entry(lem_fault *fault, lem_status status, const lem_file_tensor *entry)
{
	char		name[sizeof(((lem_fault *) 0)->name)];
	int			length = entry->name_length;

	if (length > (int) sizeof(name) - 1)
	{
		length = (int) sizeof(name) - 1;
		while (length > 0 && ((unsigned char) entry->name[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(name, entry->name, (size_t) length);
	name[length] = '\0';
	return lem_fail(fault, status, name, 0, 0);
}

static bool
same_name(const lem_file_tensor *entry, const char *name, size_t length)
{
	return (size_t) entry->name_length == length && memcmp(entry->name, name, length) == 0;
}

/* Find a tensor's entry: exactly one. */
static lem_status
visit_find(void *arg, int i, const lem_tensor *tensor)
{
	file	   *f = arg;
	const size_t length = strlen(tensor->name);
	int			found = -1;

	for (int j = 0, at = f->next; j < f->n; j++, at++)
	{
		if (at >= f->n)
			at = 0;
		if (!same_name(&f->entries[at], tensor->name, length))
			continue;
		if (found >= 0)
			return lem_fail(f->fault, LEM_TENSOR_DUPLICATE, tensor->name, 0, 0);
		found = at;
	}
	if (found < 0)
	{
		lem_fail(f->fault, LEM_TENSOR_MISSING, tensor->name, 0, 0);
		if (f->fault)
		{
			f->fault->want_dims = tensor->dims;
			memcpy(f->fault->want_shape, tensor->shape, sizeof(tensor->shape));
		}
		return LEM_TENSOR_MISSING;
	}
	f->match[i] = found;
	f->next = found + 1;
	return LEM_OK;
}

/*
 * Of more entries than tensors, the first (tensors + 1) must hold an unknown name or the same
 * name twice: only they are looked at, so that a header of a million entries costs no more.
 */
static lem_status
find_surplus(file *f, int count)
{
	for (int at = 0; at <= count; at++)
	{
		bool		known = false;

		for (int i = 0; i < count && !known; i++)
			known = f->match[i] == at;
		if (!known)
			return fail_entry(f->fault, LEM_TENSOR_UNKNOWN, &f->entries[at]);
	}
	return LEM_OK;
}

/* As visit_find, but a tensor may be missing from the entries looked at. */
static lem_status
visit_find_some(void *arg, int i, const lem_tensor *tensor)
{
	file	   *f = arg;
	lem_status	status = visit_find(arg, i, tensor);

	if (status != LEM_TENSOR_MISSING)
		return status;
	f->match[i] = -1;
	return LEM_OK;
}

/* Type, shape and place of a tensor's entry. */
static lem_status
visit_place(void *arg, int i, const lem_tensor *tensor)
{
	const file *f = arg;
	const lem_file_tensor *entry = &f->entries[f->match[i]];
	const dtype type = find_dtype(entry->dtype);
	bool		same = entry->dims == tensor->dims;

	for (int d = 0; same && d < tensor->dims; d++)
		same = entry->shape[d] == tensor->shape[d];
	if (!same)
	{
		lem_fail(f->fault, LEM_TENSOR_SHAPE, tensor->name, 0, 0);
		if (f->fault)
		{
			f->fault->have_dims = entry->dims;
			for (int d = 0; d < entry->dims && d < LEM_MAX_DIMS; d++)
				f->fault->have_shape[d] = entry->shape[d];
			f->fault->want_dims = tensor->dims;
			memcpy(f->fault->want_shape, tensor->shape, sizeof(tensor->shape));
		}
		return LEM_TENSOR_SHAPE;
	}
	if (type == DTYPE_UNKNOWN)
		return lem_fail(f->fault, LEM_TENSOR_TYPE, tensor->name, 0, 0);
	if (entry->begin < 0 || entry->end < entry->begin
		|| (uint64_t) entry->end > (uint64_t) f->data_size
		|| entry->end - entry->begin != tensor->size * dtype_bytes(type))
		return lem_fail(f->fault, LEM_TENSOR_RANGE, tensor->name, (double) entry->begin,
						(double) entry->end);
	return LEM_OK;
}

/* Nothing begins at byte pos, the first one not covered so far: two tensors overlap, or a hole. */
static lem_status
fail_cover(const file *f, int64_t pos)
{
	for (int i = 0; i < f->n; i++)
		for (int j = 0; j < i; j++)
			if (f->entries[i].begin < f->entries[j].end
				&& f->entries[j].begin < f->entries[i].end)
				return fail_entry(f->fault, LEM_TENSOR_RANGE, &f->entries[i]);
	return lem_fail(f->fault, LEM_TENSOR_HOLE, NULL, (double) pos, 0);
}

/*
 * Every byte of the data belongs to exactly one tensor (none is empty: their shapes are checked).
 * Files are nearly always in the order of their data, so the tensor that begins at a byte is
 * looked for after the last one.
 */
static lem_status
check_cover(const file *f)
{
	int64_t		pos = 0;
	int			at = 0;

	for (int placed = 0; placed < f->n; placed++)
	{
		int			tried = 0;

		while (tried < f->n && f->entries[at].begin != pos)
		{
			at = at + 1 < f->n ? at + 1 : 0;
			tried++;
		}
		if (tried == f->n)
			return fail_cover(f, pos);
		pos = f->entries[at].end;
	}
	if ((uint64_t) pos < (uint64_t) f->data_size)
		return lem_fail(f->fault, LEM_TENSOR_HOLE, NULL, (double) pos, 0);
	return LEM_OK;
}

/* How far knots may be from those of the config, relative to 1 or to themselves. */
static double
knot_error(dtype type)
{
	return type == DTYPE_F16 ? 1e-3 : type == DTYPE_BF16 ? 8e-3 : 1e-5;
}

/* Numbers are looked at this many at a time. */
#define CHUNK 256

/* All numbers finite, and knots those of the config. */
static lem_status
visit_numbers(void *arg, int i, const lem_tensor *tensor)
{
	const file *f = arg;
	const lem_file_tensor *entry = &f->entries[f->match[i]];
	const dtype type = find_dtype(entry->dtype);
	const uint8_t *from = f->data + entry->begin;
	const lem_spline *spline = tensor->constant
		? &f->config->sub_layer[tensor->sub_layer].spline : NULL;

	for (int64_t start = 0; start < tensor->size; start += CHUNK)
	{
		float		x[CHUNK];
		int64_t		n = tensor->size - start < CHUNK ? tensor->size - start : CHUNK;

		load_floats(type, from + start * dtype_bytes(type), n, x);
		for (int64_t j = 0; j < n; j++)
		{
			lem_status	status = LEM_OK;
			double		want = 0;

			if (!isfinite(x[j]))
				status = LEM_TENSOR_NOT_FINITE;
			else if (spline)
			{
				want = lem_spline_knot(spline, (int) ((start + j) % tensor->shape[2]));
				if (fabs(x[j] - want) > knot_error(type) * fmax(1, fabs(want)))
					status = LEM_TENSOR_GRID;
			}
			if (status != LEM_OK)
			{
				lem_fail(f->fault, status, tensor->name, x[j], want);
				if (f->fault)
					f->fault->index = start + j;
				return status;
			}
		}
	}
	return LEM_OK;
}

lem_status
lem_file_match(const lem_config *config, const lem_file_tensor *entries, int n,
			   const uint8_t *data, size_t data_size, int *match, lem_fault *fault)
{
	const int	count = lem_tensor_count(config);
	file		f = {config, entries, n, data, data_size, match, 0, fault};
	lem_status	status;

	if (n > count)
	{
		f.n = count + 1;
		status = lem_tensor_walk(config, visit_find_some, &f);
		return status != LEM_OK ? status : find_surplus(&f, count);
	}
	status = lem_tensor_walk(config, visit_find, &f);
	if (status == LEM_OK)
		status = lem_tensor_walk(config, visit_place, &f);
	if (status == LEM_OK)
		status = check_cover(&f);
	if (status == LEM_OK)
		status = lem_tensor_walk(config, visit_numbers, &f);
	return status;
}

/* Copying one part. */
typedef struct transfer
{
	const lem_config *config;
	const lem_file_tensor *entries;
	const int  *match;
	const uint8_t *from;		/* reading: the file's data */
	float	   *out;			/* reading: the part */
	const float *in;			/* writing: the part */
	uint8_t    *to;				/* writing: the file's data */
	int64_t		position;		/* writing: numbers before this tensor */
	bool		gradient;		/* writing: without tensors that are never trained */
	int			part;
} transfer;

/* Where part p's slice of a tensor begins, in numbers; -1 if it has none. */
static int64_t
slice_start(const lem_tensor *tensor, int part)
{
	if (tensor->head != (part > 0))
		return -1;
	return tensor->head ? (part - 1) * tensor->slice : 0;
}

static lem_status
visit_read(void *arg, int i, const lem_tensor *tensor)
{
	const transfer *t = arg;
	const int64_t start = slice_start(tensor, t->part);

	if (start >= 0)
	{
		const lem_file_tensor *entry = &t->entries[t->match[i]];
		const dtype type = find_dtype(entry->dtype);

		/* knots of 16 bits are too coarse to be told from others once they are floats */
		if (tensor->constant && dtype_bytes(type) == 2)
			for (int64_t j = 0; j < tensor->slice; j++)
				t->out[tensor->offset + j] = lem_tensor_knot(t->config, tensor, j);
		else
			load_floats(type, t->from + entry->begin + start * dtype_bytes(type), tensor->slice,
						t->out + tensor->offset);
	}
	return LEM_OK;
}

void
lem_file_read_part(const lem_config *config, const lem_file_tensor *entries, const int *match,
				   const uint8_t *data, int part, float *out)
{
	transfer	t = {
		.config = config, .entries = entries, .match = match, .from = data, .out = out, .part = part
	};

	lem_tensor_walk(config, visit_read, &t);
}

static lem_status
visit_write(void *arg, int i, const lem_tensor *tensor)
{
	transfer   *t = arg;
	const int64_t start = slice_start(tensor, t->part);
	const lem_storage storage = t->gradient ? LEM_STORAGE_FLOAT32 : t->config->storage;

	(void) i;
	if (t->gradient && tensor->constant)
		return LEM_OK;
	if (start >= 0)
		lem_storage_save(storage, tensor->slice, t->in + tensor->offset,
						 t->to + lem_storage_bytes(storage) * (t->position + start));
	t->position += tensor->size;
	return LEM_OK;
}

void
lem_file_write_part(const lem_config *config, int part, const float *in, uint8_t *data)
{
	transfer	t = {.config = config, .in = in, .to = data, .part = part};

	lem_tensor_walk(config, visit_write, &t);
}

void
lem_file_write_gradient(const lem_config *config, int part, const float *in, uint8_t *data)
{
	transfer	t = {.config = config, .in = in, .to = data, .part = part, .gradient = true};

	lem_tensor_walk(config, visit_write, &t);
}

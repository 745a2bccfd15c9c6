/* test_storage.c: numbers of 16 bits, and parts stored as such. */
#include <stdlib.h>

#include "base/half.h"
#include "check.h"
#include "golden.h"
#include "parameters/storage.h"

static uint32_t
bits_of(float x)
{
	uint32_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* What a number of 16 bits is worth by the definition, finite: significant bits, then exponent. */
static double
worth(uint16_t number, int fraction_bits, int bias)
{
	const int	exponent = (number & 0x7fff) >> fraction_bits;
	const int	fraction = number & ((1 << fraction_bits) - 1);
	const double magnitude = exponent == 0 ? ldexp(fraction, 1 - bias - fraction_bits)
		: ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);

	return number & 0x8000 ? -magnitude : magnitude;
}

/* All 65536 numbers of a kind: their worth, and back; the numbers between two of them. */
static void
test_all(const char *kind, float (*to_float) (uint16_t), uint16_t (*from_float) (float),
		 int fraction_bits, int bias)
{
	const uint16_t infinite = (uint16_t) (((1 << (15 - fraction_bits)) - 1) << fraction_bits);
	int			wrong_worth = 0;
	int			wrong_back = 0;
	int			wrong_rounded = 0;

	for (int i = 0; i < 65536; i++)
	{
		const uint16_t number = (uint16_t) i;
		const uint16_t sign = number & 0x8000;
		const uint16_t magnitude = number & 0x7fff;
		const float x = to_float(number);

		if (magnitude > infinite)
			wrong_worth += !isnan(x);
		else if (magnitude == infinite)
			wrong_worth += x != (sign ? -INFINITY : INFINITY);
		else
			wrong_worth += x != worth(number, fraction_bits, bias) || !signbit(x) != !sign;

		if (magnitude > infinite)
			wrong_back += !isnan(to_float(from_float(x)));
		else
			wrong_back += from_float(x) != number;

		if (magnitude < infinite)
		{
			/* the one after the largest would be a power of two */
			const double next = magnitude + 1 < infinite ? fabs(to_float(magnitude + 1))
				: ldexp(1, (infinite >> fraction_bits) - bias);
			const float middle = (float) ((fabs(x) + next) / 2);
			const uint16_t even = (uint16_t) (magnitude + (magnitude & 1));

#define rounded(y) (from_float(sign ? -(y) : (y)) ^ sign)
			wrong_rounded += rounded(middle) != even;
			wrong_rounded += rounded(nextafterf(middle, 0)) != magnitude;
			wrong_rounded += rounded(nextafterf(middle, INFINITY)) != magnitude + 1;
#undef rounded
		}
	}
	check_int(wrong_worth, 0, "%s: what each is worth", kind);
	check_int(wrong_back, 0, "%s: each comes back", kind);
	check_int(wrong_rounded, 0, "%s: to the nearest, ties to even", kind);
	check(isnan(to_float(from_float(NAN))) && isnan(to_float(from_float(-NAN))), "%s: NaN", kind);
	check(from_float(INFINITY) == infinite && from_float(-INFINITY) == (infinite | 0x8000),
		  "%s: infinity", kind);
	check(from_float(0x1p-149f) == 0 && bits_of(to_float(from_float(-0x1p-149f))) == 0x80000000,
		  "%s: the smallest float", kind);
}

static void
test_limits(void)
{
	check(lem_half_from_float(65504) == 0x7bff && lem_half_from_float(65519.996f) == 0x7bff
		  && lem_half_from_float(65520) == 0x7c00, "the largest half");
	check(lem_half_from_float(0x1p-25f) == 0 && lem_half_from_float(0x1.000002p-25f) == 1
		  && lem_half_from_float(0x1p-24f) == 1, "the smallest half");
	check(lem_bfloat16_from_float(0x1.fefffep127f) == 0x7f7f
		  && lem_bfloat16_from_float(0x1.ffp127f) == 0x7f80, "the largest bfloat16");
}

/* A part saved and loaded: each number the nearest one; at odd addresses too. */
static void
test_parts(lem_storage storage, const char *dtype, double error)
{
	lem_config	config = golden_config("tiny");
	golden_file *file = golden_weights("tiny");
	float	  **parts = golden_file_parts(file, &config);
	const int	bytes = storage == LEM_STORAGE_FLOAT32 ? 4 : 2;
	lem_fault	fault;

	config.storage = storage;
	check_int(lem_storage_bytes(storage), bytes, "%s: bytes of a number", dtype);
	check_str(lem_storage_dtype(storage), dtype, "%s: its name", dtype);
	for (int p = 0; p < lem_part_count(&config); p++)
	{
		const int64_t n = lem_part_size(&config, p);
		uint8_t    *stored = malloc((size_t) (n * bytes + 1));
		uint8_t    *again = malloc((size_t) (n * bytes));
		float	   *loaded = malloc(sizeof(float) * (size_t) n);
		double		worst = 0;

		check_int(lem_storage_save_part(&config, p, parts[p], stored + 1, &fault), LEM_OK,
				  "%s: part %d is saved", dtype, p);
		lem_storage_load_part(&config, p, stored + 1, loaded);
		for (int64_t i = 0; i < n; i++)
			worst = check_worse(worst, fabs(loaded[i] - parts[p][i]) / fmax(fabs(parts[p][i]), 0x1p-14));
		check(worst <= error && (error == 0 || worst > error / 16), "%s: rounded", dtype);
		check_int(lem_storage_save_part(&config, p, loaded, again, NULL), LEM_OK,
				  "%s: what was loaded is saved again", dtype);
		check(memcmp(stored + 1, again, (size_t) (n * bytes)) == 0, "%s: to the same bytes", dtype);
		free(stored);
		free(again);
		free(loaded);
	}
	golden_free_parts(parts, &config);
	golden_close(file);
}

/* Numbers too large for a kind are found where they are. */
static void
test_overflow(void)
{
	lem_config	config = golden_config("tiny");
	golden_file *file = golden_weights("tiny");
	float	  **parts = golden_file_parts(file, &config);
	uint8_t    *stored = malloc(4 * (size_t) (lem_part_size(&config, 0) + lem_part_size(&config, 1)));
	lem_fault	fault = {.status = LEM_OK};
	lem_trunk_offsets trunk;
	lem_head_offsets head;

	lem_trunk_layout(&config, &trunk);
	lem_head_layout(&config, 1, &head);
	parts[0][trunk.scale + 2] = -65520;
	config.storage = LEM_STORAGE_FLOAT16;
	check_int(lem_storage_save_part(&config, 0, parts[0], stored, &fault), LEM_TENSOR_OVERFLOW,
			  "a number too large for a half");
	check(fault.status == LEM_TENSOR_OVERFLOW && strcmp(fault.name, "scale_factor") == 0
		  && fault.index == 2 && fault.have == -65520, "which, and where");
	check_int(lem_storage_save_part(&config, 0, parts[0], stored, NULL), LEM_TENSOR_OVERFLOW,
			  "without details");
	check_int(lem_storage_save_part(&config, 1, parts[1], stored, &fault), LEM_OK,
			  "another part is saved");
	config.storage = LEM_STORAGE_BFLOAT16;
	check_int(lem_storage_save_part(&config, 0, parts[0], stored, &fault), LEM_OK,
			  "it is none for bfloat16");
	parts[1][head.kernel_1 + 210] = 3.4e38f;
	check_int(lem_storage_save_part(&config, 1, parts[1], stored, &fault), LEM_TENSOR_OVERFLOW,
			  "a number too large for bfloat16");
	check_str(fault.name, "internal_hidden_to_raw_allocation/1/bias_1", "its tensor");
	config.storage = LEM_STORAGE_FLOAT32;
	check_int(lem_storage_save_part(&config, 1, parts[1], stored, &fault), LEM_OK,
			  "it is none for float32");
	golden_free_parts(parts, &config);
	golden_close(file);
	free(stored);
}

int
main(void)
{
	test_all("half", lem_half_to_float, lem_half_from_float, 10, 15);
	test_all("bfloat16", lem_bfloat16_to_float, lem_bfloat16_from_float, 7, 127);
	test_limits();
	test_parts(LEM_STORAGE_FLOAT32, "F32", 0);
	test_parts(LEM_STORAGE_FLOAT16, "F16", 0x1p-11);
	test_parts(LEM_STORAGE_BFLOAT16, "BF16", 0x1p-8);
	test_overflow();
	return check_done();
}

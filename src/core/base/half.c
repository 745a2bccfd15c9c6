/* half.c: numbers of 16 bits, and floats. */
#include <string.h>

#include "base/half.h"

static float
float_of_bits(uint32_t bits)
{
	float		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint32_t
bits_of_float(float x)
{
	uint32_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* n / 2^shift to the nearest whole number, ties to even; n < 2^31, shift from 1 to 31. */
static uint32_t
shift_rounded(uint32_t n, int shift)
{
	return (n + (((uint32_t) 1 << (shift - 1)) - 1) + (n >> shift & 1)) >> shift;
}

float
lem_half_to_float(uint16_t half)
{
	const uint32_t sign = (uint32_t) (half & 0x8000) << 16;
	const uint32_t exponent = half >> 10 & 0x1f;
	const uint32_t fraction = half & 0x3ff;

	if (exponent == 0x1f)
		return float_of_bits(sign | 0x7f800000 | fraction << 13);
	if (exponent == 0)
		return (sign ? -1.0f : 1.0f) * (float) fraction * 0x1p-24f;
	return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t
lem_half_from_float(float x)
{
	const uint32_t bits = bits_of_float(x);
	const uint32_t sign = bits >> 16 & 0x8000;
	const uint32_t magnitude = bits & 0x7fffffff;
	const int	exponent = (int) (magnitude >> 23);
	uint32_t	half;

	if (magnitude > 0x7f800000)
	{
		const uint32_t fraction = magnitude >> 13 & 0x3ff;

		half = 0x7c00 | (fraction ? fraction : 0x200);
	}
	else if (magnitude >= 0x477ff000)	/* 65520, half way from 65504 to what would be next */
		half = 0x7c00;
	else if (exponent >= 113)
		half = shift_rounded(magnitude - ((uint32_t) 112 << 23), 13);
	else if (exponent >= 102)	/* in units of 2^-24 */
		half = shift_rounded((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
	else
		half = 0;
	return (uint16_t) (sign | half);
}

float
lem_bfloat16_to_float(uint16_t number)
{
	return float_of_bits((uint32_t) number << 16);
}

uint16_t
lem_bfloat16_from_float(float x)
{
	const uint32_t bits = bits_of_float(x);
	const uint32_t sign = bits >> 16 & 0x8000;
	const uint32_t magnitude = bits & 0x7fffffff;

	if (magnitude > 0x7f800000)
		{
		const uint32_t fraction = magnitude >> 16 & 0x7f;

		return (uint16_t) (sign | 0x7f80 | (fraction ? fraction : 0x40));
	}
	return (uint16_t) (sign | shift_rounded(magnitude, 16));
}

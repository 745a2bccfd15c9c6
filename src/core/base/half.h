/*
 * half.h: numbers of 16 bits, and floats.
 *
 * A half (IEEE 754 binary16) has 11 significant bits and reaches from 2^-24 to 65504, a bfloat16 has
 * 8 and reaches as far as a float.  Both are handled as their bits.
 */
#ifndef LEM_HALF_H
#define LEM_HALF_H

#include <stdint.h>

/* Exact: each of them is a float. */
extern float lem_half_to_float(uint16_t half);
extern float lem_bfloat16_to_float(uint16_t number);

/*
 * Rounded to the nearest one, ties to even.  What is beyond the range after rounding becomes
 * infinite; NaN stays NaN.
 */
extern uint16_t lem_half_from_float(float x);
extern uint16_t lem_bfloat16_from_float(float x);

#endif

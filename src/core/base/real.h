/*
 * real.h: the number type of the network and the dimension letters.
 *
 * The product is built with 32-bit floats.  The core's tests also build it with
 * LEM_REAL_DOUBLE, to hold it against double-precision reference numbers and to take
 * central differences.
 *
 * Letters used in shapes throughout the core (model page, section 1):
 *   L lookback, N bars an order may use, T = L + N - 1 rows of a window,
 *   F standard inputs (features + min rate + max rate), C = F columns of a window
 *   (features + price + volume), E embedding width, H hidden width, A heads,
 *   R recurrent layers, S sub-layers of a recurrent layer, M width of the allocation MLPs.
 */
#ifndef LEM_REAL_H
#define LEM_REAL_H

#include <stddef.h>
#include <stdint.h>

/* Schedules are exact in products of two 53-bit numbers (orders/order.c), and counts of samples,
 * weights and bytes are multiplied without a check of what 32 bits could hold. */
#if __SIZEOF_POINTER__ < 8
#error "lem needs a 64-bit machine"
#endif
#ifndef __SIZEOF_INT128__
#error "lem needs a compiler with 128-bit integers (__int128), as gcc and clang have them"
#endif

#ifdef LEM_REAL_DOUBLE
typedef double lem_real;
#define lem_exp exp
#define lem_log log
#define lem_pow pow
#define lem_fabs fabs
#define lem_cos cos
#else
typedef float lem_real;
#define lem_exp expf
#define lem_log logf
#define lem_pow powf
#define lem_fabs fabsf
#define lem_cos cosf
#endif

/* The 8 cases of a branch: unit * 4 + side * 2 + benchmark. */
#define LEM_CASES 8

#endif

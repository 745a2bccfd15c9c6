/*
 * random.h: a seeded generator that gives the same numbers on every machine.
 *
 * Numbers are a function of (seed, stream, index), not of what was asked before: any worker can
 * draw its own without sharing a state, and a resumed run draws what the interrupted one would have.
 */
#ifndef LEM_RANDOM_H
#define LEM_RANDOM_H

#include <stdint.h>

/* 64 well-mixed bits. */
extern uint64_t lem_random_bits(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in [0, 1), a multiple of 2^-53. */
extern double lem_random_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in 0 .. n - 1; n > 0. */
extern uint64_t lem_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t n);

/* Normal, mean 0 and variance 1: a sum of 12 uniforms, so never beyond 6. */
extern double lem_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

#endif

/*
 * arena.h: carving one caller-supplied buffer into aligned pieces.
 *
 * Run the carving once over an arena without memory to learn the size, then again over the
 * buffer: the core itself never allocates.
 */
#ifndef LEM_ARENA_H
#define LEM_ARENA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/real.h"

#define LEM_ALIGN 64

typedef struct lem_arena
{
	char	   *base;			/* NULL: only measure */
	size_t		used;
} lem_arena;

static inline void *
lem_arena_bytes(lem_arena *arena, size_t bytes)
{
	char	   *p = arena->base ? arena->base + arena->used : NULL;

	arena->used += (bytes + LEM_ALIGN - 1) / LEM_ALIGN * LEM_ALIGN;
	return p;
}

static inline lem_real *
lem_arena_reals(lem_arena *arena, size_t n)
{
	return (lem_real *) lem_arena_bytes(arena, n * sizeof(lem_real));
}

/* A copy of n numbers from offset of an array, in the arena; the array may be NULL when measuring. */
static inline const lem_real *
lem_arena_copy(lem_arena *arena, const lem_real *from, int64_t offset, size_t n)
{
	lem_real   *to = lem_arena_reals(arena, n);

	if (arena->base)
		memcpy(to, from + offset, n * sizeof(lem_real));
	return to;
}

/*
 * Scratch space of backward passes: passed by value, so that what a function takes is free again
 * when it returns.  Without memory a pass only measures: it takes what it would take, notes the
 * peak, and computes nothing.
 */
typedef struct lem_scratch
{
	char	   *base;			/* NULL: only measure */
	size_t		used;
	size_t	   *peak;
} lem_scratch;

static inline lem_real *
lem_scratch_reals(lem_scratch *scratch, size_t n)
{
	char	   *p = scratch->base ? scratch->base + scratch->used : NULL;

	scratch->used += (n * sizeof(lem_real) + LEM_ALIGN - 1) / LEM_ALIGN * LEM_ALIGN;
	if (scratch->peak && scratch->used > *scratch->peak)
		*scratch->peak = scratch->used;
	return (lem_real *) p;
}

#endif

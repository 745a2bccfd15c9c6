/*
 * memory.h: large blocks of memory.
 */
#ifndef LEM_PG_MEMORY_H
#define LEM_PG_MEMORY_H

#include "postgres.h"

/*
 * An array for the core in a memory context, aligned as the core asks for and, where it is large, so
 * that it can lie in huge pages.  Freed with the context.
 */
extern void *lem_alloc_aligned(MemoryContext context, Size bytes);

/* Ask for huge pages within a block that is about to be written. */
extern void lem_advise_huge(void *block, Size bytes);

#endif

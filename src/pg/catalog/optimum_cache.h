/*
 * optimum_cache.h: solved tables of the exact optimum, kept by the session and, where the library is
 * in shared_preload_libraries, for all sessions.
 */
#ifndef LEM_PG_OPTIMUM_CACHE_H
#define LEM_PG_OPTIMUM_CACHE_H

#include "postgres.h"

#include "core/optimum/optimal_stop.h"

/*
 * The table of a problem: kept or solved now.  It stays good until the next one is asked for.
 * Raises what interrupts raise.
 */
extern const lem_optimum *lem_optimum_find(const lem_optimum_problem *problem);

/* The same as a callback of the core's; the argument is not looked at. */
extern const lem_optimum *lem_optimum_find_for(void *arg, const lem_optimum_problem *problem);

/* Ask for shared memory, where the library is being preloaded. */
extern void lem_optimum_shared_init(void);

/*
 * What is shared (optimum_shared.c): a copy of a problem's table in the context, NULL if there is
 * none; and leave one for others.
 */
extern lem_optimum *lem_optimum_shared_find(const lem_optimum_problem *problem,
											MemoryContext context);
extern void lem_optimum_shared_keep(const lem_optimum *table);

#endif

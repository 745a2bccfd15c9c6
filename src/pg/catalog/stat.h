/*
 * stat.h: counters of what is done with models, behind the views lem_stat and lem_stat_backend.
 *
 * They are in shared memory where the library is in shared_preload_libraries, else of this session
 * alone.  A call takes one shared lock and a few atomic additions when it ends, nothing a row.
 */
#ifndef LEM_PG_STAT_H
#define LEM_PG_STAT_H

#include "postgres.h"

#include "portability/instr_time.h"

#include "pg/catalog/catalog.h"

/* GUC lem.stat_models: models that are counted at a time. */
extern int	lem_stat_models;

/* Ask for shared memory, where the library is being preloaded. */
extern void lem_stat_init(void);

/* Whether the counters are shared. */
extern bool lem_stat_shared(void);

/*
 * A call that uses a model: start the clock before the model is looked up, and count the call once
 * it has its result.  orders: orders scheduled, or samples; batches: passes of the network.
 */
static inline void
lem_stat_start(instr_time *start)
{
	INSTR_TIME_SET_CURRENT(*start);
}

extern void lem_stat_call(const lem_model_row *row, const instr_time *start, int64 orders,
						  int64 batches);

/* A look into the cache: whether all was there, and the bytes that had to be loaded. */
extern void lem_stat_cache(const lem_model_row *row, bool hit, Size loaded);

/* What this session's cache holds now. */
extern void lem_stat_cache_holds(int models, Size bytes);

#endif

/*
 * shared_cache.h: decoded models in shared memory, one copy for all sessions, where the library is in
 * shared_preload_libraries.
 */
#ifndef LEM_PG_SHARED_CACHE_H
#define LEM_PG_SHARED_CACHE_H

#include "core/model/model.h"
#include "pg/catalog/catalog.h"

/* GUC lem.shared_model_cache_size, kilobytes; 0: none. */
extern int	lem_shared_model_cache_size;

/* Ask for shared memory, where the library is being preloaded. */
extern void lem_shared_cache_init(void);

/*
 * As lem_cache_pin(), of what is shared; NULL if it has no room for the model, or there is none.
 * *loaded receives the bytes that had to be decoded.
 */
extern const lem_model *lem_shared_cache_pin(const char *schema, const lem_model_row *row,
											 const bool *need_heads, Size *loaded);

/* A model is being deleted: once the transaction has committed, so is what is shared of it. */
extern void lem_shared_cache_forget(const uint8 *digest);

#endif

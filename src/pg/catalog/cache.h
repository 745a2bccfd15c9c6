/*
 * cache.h: decoded models, kept per backend under lem.model_cache_size.
 */
#ifndef LEM_PG_CACHE_H
#define LEM_PG_CACHE_H

#include "core/model/model.h"
#include "pg/catalog/catalog.h"

/* GUC lem.model_cache_size, kilobytes. */
extern int	lem_model_cache_size;

/*
 * A model with its trunk and the head sets marked in need_heads (lem_head_sets() entries; NULL: all)
 * decoded, kept from eviction until CurrentMemoryContext is reset or deleted.  Raises LM014 for a
 * model of market making.
 */
extern const lem_model *lem_cache_pin(const char *schema, const lem_model_row *row,
									  const bool *need_heads);

/* A model of market making likewise; raises LM014 for others. */
extern const lem_model *lem_cache_pin_maker(const char *schema, const lem_model_row *row);

#endif

/*
 * kept_quoting.h: constants of quotes that are kept with a model.
 */
#ifndef LEM_PG_KEPT_QUOTING_H
#define LEM_PG_KEPT_QUOTING_H

#include "pg/catalog/catalog.h"
#include "pg/making/quoting_type.h"

/* Take what a quoting left open from what is kept with the model, if anything is. */
extern void lem_quoting_apply_kept(const char *schema, const lem_model_row *row,
								   const lem_quoting_given *given, lem_quoting *quoting);

#endif

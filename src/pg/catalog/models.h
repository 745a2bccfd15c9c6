/*
 * models.h: storing models in the catalog.
 */
#ifndef LEM_PG_MODELS_H
#define LEM_PG_MODELS_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "pg/catalog/catalog.h"

/*
 * Where the numbers of a new model come from: part p's (lem_part_size), into out.  Called twice
 * for each part, in order, with the same answer.
 */
typedef void (*lem_part_source) (void *arg, int part, float *out);

/*
 * Store a new version of a model, and deploy it if it is the first; returns the version.  Raises
 * 42501 unless the user may: a name without versions becomes his, others take the right to train.
 * training_run 0 and metrics NULL: none.
 * With fresh, a model whose config and weights a version of the name has already is not stored
 * again: that version is returned, and *fresh is false.
 */
extern int	lem_models_store(const char *schema, const char *name, const lem_config *config,
							 pg_tz *time_zone, lem_part_source source, void *arg,
							 int64 training_run, Jsonb *metrics, bool *fresh);

/*
 * Make a version the one that the name alone means, or see to it that it is not.  Raise 42501 unless
 * the user may train the model; lem_models_deploy raises LM010 where there is no such version.
 */
extern void lem_models_deploy(const char *schema, const char *name, int version);
extern void lem_models_undeploy(const char *schema, const char *name, int version);

/* Raises an error (42602) unless name can be that of a model. */
extern void lem_models_check_name(const char *name);

#endif

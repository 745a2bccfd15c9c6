/*
 * config_json.h: a model's config as JSON.
 */
#ifndef LEM_PG_CONFIG_JSON_H
#define LEM_PG_CONFIG_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/parameters/config.h"

/*
 * Read a config; keys left out take their defaults.  Raises LM014 for unknown keys and values of
 * the wrong type or out of range, LM015 for a model that would be too large.
 */
extern void lem_config_read(Jsonb *json, lem_config *config, pg_tz **time_zone);

/* The same of a stored config, which may say what is not accepted any more. */
extern void lem_config_read_stored(Jsonb *json, lem_config *config, pg_tz **time_zone);

/* A config with every key, the same text for the same config. */
extern Jsonb *lem_config_write(const lem_config *config, pg_tz *time_zone);

/* The text of a config as it enters a model's digest and an exported file. */
extern char *lem_config_text(Jsonb *json);

#endif

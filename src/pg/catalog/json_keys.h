/*
 * json_keys.h: keys that an object of a JSON text has twice.
 */
#ifndef LEM_PG_JSON_KEYS_H
#define LEM_PG_JSON_KEYS_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Does an object in text have a key twice?  text is valid JSON and json what it was read as, which
 * keeps the last of such keys only.  *key receives the first that comes again, as it is written,
 * palloc'd, or NULL where its spellings differ.
 */
extern bool lem_json_has_duplicates(const char *text, Jsonb *json, char **key);

#endif

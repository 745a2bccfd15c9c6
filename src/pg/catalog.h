/*
 * catalog.h: the tables that hold models.
 */
#ifndef LEM_PG_CATALOG_H
#define LEM_PG_CATALOG_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "core/config.h"
#include "core/window.h"

#define LEM_DIGEST_LENGTH 32

/* A model version as the catalog describes it. */
typedef struct lem_model_row
{
	int64		id;
	char		name[NAMEDATALEN];
	int			version;
	uint8		digest[LEM_DIGEST_LENGTH];
	lem_config	config;
	pg_tz	   *time_zone;
} lem_model_row;

/* Schema the extension lives in: that of the function being called. */
extern char *lem_schema(FunctionCallInfo fcinfo);

/* Look up "name" (its deployed version) or "name@version"; raises LM010. */
extern void lem_catalog_find(const char *schema, const char *model, lem_model_row *row);

/* The numbers of one part, checked against its SHA-256 (raises XX001); palloc'd. */
extern float *lem_catalog_part(const char *schema, const lem_model_row *row, int part);

/* A clock in the model's time zone. */
extern lem_clock lem_model_clock(const lem_model_row *row);

#endif

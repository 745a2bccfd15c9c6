/*
 * catalog.h: the tables that hold models.
 *
 * What is stored, whoever asks: who may have it is for rights.h to say, through which all who act
 * for a user look models up.
 */
#ifndef LEM_PG_CATALOG_H
#define LEM_PG_CATALOG_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "core/market/doubts.h"
#include "core/parameters/config.h"
#include "pg/base/clock.h"
#include "pg/base/compat.h"
#include "pg/base/hash.h"
#include "pg/base/role.h"

/*
 * Format of a stored part: its numbers in the order of the tensor table, little-endian, 1: float32,
 * 2: float16, 3: bfloat16.
 */
#define LEM_PART_FORMAT(storage) (1 + (int) (storage))

/* A model version as the catalog describes it. */
typedef struct lem_model_row
{
	int64		id;
	char		name[NAMEDATALEN];
	int			version;
	uint8		digest[LEM_DIGEST_LENGTH];
	lem_config	config;
	pg_tz	   *time_zone;
	lem_bar_lengths trained;	/* of the bars that it was trained on, or is meant for */
} lem_model_row;

/* Key of a model's metrics: seconds of the bars that it was trained on; where series differ, [shortest,
 * longest]. */
#define LEM_TRAINED_LENGTHS "bar_seconds"

/* The metrics of a model as JSON, palloc'd; NULL if it has none. */
extern char *lem_catalog_metrics(const char *schema, const lem_model_row *row);

/* Look up "name" (its deployed version) or "name@version"; raises LM010. */
extern void lem_catalog_look_up(const char *schema, const char *model, lem_model_row *row);

/*
 * As a snapshot sees it, or the calling statement (snapshot NULL): whether a name has versions;
 * whether a version is there; the owner of a name, palloc'd (NULL: the name was never used); the
 * OIDs of the roles that a right to it was given to, InvalidOid for all roles.
 */
extern bool lem_catalog_has_name(const char *schema, Snapshot snapshot, const char *name);
extern bool lem_catalog_has_model(const char *schema, Snapshot snapshot, int64 id);
extern lem_role *lem_catalog_owner(const char *schema, Snapshot snapshot, const char *name);
extern List *lem_catalog_grantees(const char *schema, Snapshot snapshot, const char *name,
								  const char *right);

/* The name in "name" or "name@version", palloc'd, and the version: LEM_DEPLOYED where none is
 * named, 0 (which no version has) where what follows the @ is not one. */
#define LEM_DEPLOYED (-1)
extern char *lem_catalog_parse(const char *model, int *version);

/* Raise LM010. */
extern void lem_catalog_unknown(const char *schema, const char *model) pg_attribute_noreturn();

/* The numbers of one part, checked against its SHA-256 (raises XX001); palloc'd. */
extern float *lem_catalog_part(const char *schema, const lem_model_row *row, int part);

/* SHA-256 of bytes. */
extern void lem_catalog_checksum(const void *data, size_t length, uint8 *digest);

/* Digest of a model: SHA-256 over its config's text and the checksums of its parts. */
extern void lem_catalog_digest(const char *config, int parts, const uint8 *checksums,
							   uint8 *digest);

/* Between the machine's byte order and little-endian, that of what is stored as float32. */
extern void lem_catalog_swap(float *numbers, size_t n);

#endif

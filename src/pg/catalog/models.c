/* models.c: storing, deploying and dropping models. */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/parameters/storage.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/progress.h"
#include "pg/base/query.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/models.h"
#include "pg/catalog/rights.h"
#include "pg/catalog/shared_cache.h"

/* Longest name of a model; '@' separates it from a version. */
#define MAX_NAME 63

void
lem_models_check_name(const char *name)
{
	static const char letters[] = ".-_0123456789"
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const size_t length = strlen(name);

	if (length >= 1 && length <= MAX_NAME && name[0] != '.' && name[0] != '-' &&
		strspn(name, letters) == length)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_NAME),
			 errmsg("invalid model name \"%s\"", lem_clip_text(name)),
			 errhint("A name has 1 to %d letters, digits, \"_\", \".\" or \"-\", and begins with a letter, a digit or \"_\".",
					 MAX_NAME)));
}

/* Begin to change what a name means: within SPI from now on, and holding the name. */
static void
begin_change(const char *schema, const char *name)
{
	lem_query_connect();
	lem_rights_hold(schema, name);
}

/* A query about a name; $1 is the name. */
static void
begin_query(lem_query *query, const char *schema, const char *name)
{
	lem_query_begin(query, schema);
	lem_query_add_text(query, name);
}

/* A query about a version; $1 is the name, $2 the version. */
static void
begin_version_query(lem_query *query, const char *schema, const char *name, int version)
{
	begin_query(query, schema, name);
	lem_query_add(query, INT4OID, Int32GetDatum(version), false);
}

/* A part's numbers as stored, a palloc'd bytea. */
static bytea *
stored_part(const lem_config *config, lem_part_source source, void *arg, int part)
{
	const int64 n = lem_part_size(config, part);
	const Size	size = VARHDRSZ + n * lem_storage_bytes(config->storage);
	float	   *numbers = palloc(n * sizeof(float));
	bytea	   *data = palloc(size);
	lem_fault	fault;

	CHECK_FOR_INTERRUPTS();
	SET_VARSIZE(data, size);
	source(arg, part, numbers);
	lem_pg_check(lem_storage_save_part(config, part, numbers, (uint8 *) VARDATA(data), &fault),
				 &fault);
	pfree(numbers);
	return data;
}

/* Count a version more of a name, which belongs to who makes it where it had none. */
static void
count_version(const char *schema, const char *name, bool fresh)
{
	lem_query	query;

	begin_query(&query, schema, name);
	lem_query_add_user(&query, GetUserId());
	lem_query_add(&query, BOOLOID, BoolGetDatum(fresh), false);
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_model_name AS n (name, versions, owner) VALUES ($1, 1, $2)"
				  " ON CONFLICT (name) DO UPDATE SET versions = n.versions + 1,"
				  " owner = CASE WHEN $3 THEN %1$s.lem_role_of($2) ELSE n.owner END");
	if (!fresh)
		return;

	/* Nobody has rights to it from before. */
	begin_query(&query, schema, name);
	lem_query_run(&query, "DELETE FROM %1$s.lem_model_right WHERE model = $1");
}

/* The row of a new version; returns its id and version.  fresh: the name had none. */
static int64
insert_model(const char *schema, const char *name, bool fresh, const lem_config *config,
			 Jsonb *json, const uint8 *digest, int64 training_run, Jsonb *metrics, int *version)
{
	const int64 parameters = lem_parameter_count(config, false);
	lem_query	query;

	count_version(schema, name, fresh);
	begin_query(&query, schema, name);
	lem_query_add_user(&query, GetUserId());
	lem_query_add(&query, JSONBOID, JsonbPGetDatum(json), false);
	lem_query_add(&query, INT8OID, Int64GetDatum(parameters), false);
	lem_query_add(&query, INT8OID, Int64GetDatum(parameters * lem_storage_bytes(config->storage)),
				  false);
	lem_query_add_bytes(&query, digest, LEM_DIGEST_LENGTH);
	lem_query_add(&query, INT8OID, Int64GetDatum(training_run), training_run == 0);
	lem_query_add(&query, JSONBOID, metrics ? JsonbPGetDatum(metrics) : (Datum) 0,
				  metrics == NULL);
	LEM_ENSURE(lem_query_run(&query,
							 "INSERT INTO %1$s.lem_model"
							 " (name, version, deployed, created_by, config, parameters, bytes,"
							 " digest, training_run, metrics)"
							 " SELECT name, versions,"
							 " NOT EXISTS (SELECT FROM %1$s.lem_model WHERE name = $1),"
							 " $2, $3, $4, $5, $6, $7, $8"
							 " FROM %1$s.lem_model_name WHERE name = $1"
							 " RETURNING id, version") == 1);
	*version = DatumGetInt32(lem_query_column(0, 2, NULL));
	return DatumGetInt64(lem_query_column(0, 1, NULL));
}

/* The last version of a name that has this digest, 0 if none has; within SPI. */
static int
version_with(const char *schema, const char *name, const uint8 *digest)
{
	lem_query	query;

	begin_query(&query, schema, name);
	lem_query_add_bytes(&query, digest, LEM_DIGEST_LENGTH);
	if (lem_query_run(&query, "SELECT version FROM %1$s.lem_model WHERE name = $1 AND digest = $2"
					  " ORDER BY version DESC LIMIT 1") == 0)
		return 0;
	return DatumGetInt32(lem_query_column(0, 1, NULL));
}

/* A part of a version's numbers. */
static void
insert_part(const char *schema, int64 id, int part, lem_storage storage, const uint8 *checksum,
			bytea *data)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(part), false);
	lem_query_add(&query, INT2OID, Int16GetDatum(LEM_PART_FORMAT(storage)), false);
	lem_query_add_bytes(&query, checksum, LEM_DIGEST_LENGTH);
	lem_query_add(&query, BYTEAOID, PointerGetDatum(data), false);
	lem_query_run(&query, "INSERT INTO %1$s.lem_model_part (model_id, part, format, sha256, data)"
				  " VALUES ($1, $2, $3, $4, $5)");
}

int
lem_models_store(const char *schema, const char *name, const lem_config *config,
				 pg_tz *time_zone, lem_part_source source, void *arg,
				 int64 training_run, Jsonb *metrics, bool *fresh)
{
	const int	parts = lem_part_count(config);
	Jsonb	   *json = lem_config_write(config, time_zone);
	uint8	   *checksums = palloc((Size) parts * LEM_DIGEST_LENGTH);
	uint8		digest[LEM_DIGEST_LENGTH];
	lem_progress progress;
	bool		unused;
	int64		id;
	int			version;

	lem_models_check_name(name);

	/* The row comes first and holds the digest, for which all parts must have been seen. */
	lem_progress_begin(&progress, LEM_PROGRESS_IMPORT, 0);
	lem_progress_enter(&progress, LEM_PHASE_CHECKING, 0, parts);
	for (int i = 0; i < parts; i++)
	{
		bytea	   *data = stored_part(config, source, arg, i);

		lem_catalog_checksum(VARDATA(data), VARSIZE(data) - VARHDRSZ,
							 checksums + i * LEM_DIGEST_LENGTH);
		pfree(data);
		lem_progress_done(&progress, i + 1);
	}
	lem_catalog_digest(lem_config_text(json), parts, checksums, digest);

	begin_change(schema, name);
	unused = lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_TRAIN);
	if (fresh)
	{
		version = version_with(schema, name, digest);
		*fresh = version == 0;
		if (version > 0)
		{
			lem_progress_end(&progress);
			SPI_finish();
			return version;
		}
	}
	id = insert_model(schema, name, unused, config, json, digest, training_run, metrics,
					  &version);
	lem_progress_enter(&progress, LEM_PHASE_STORING, 0, parts);
	for (int i = 0; i < parts; i++)
	{
		bytea	   *data = stored_part(config, source, arg, i);

		insert_part(schema, id, i, config->storage, checksums + i * LEM_DIGEST_LENGTH, data);
		pfree(data);
		lem_progress_done(&progress, i + 1);
	}
	lem_progress_end(&progress);
	SPI_finish();
	return version;
}

void
lem_models_deploy(const char *schema, const char *name, int version)
{
	lem_query	query;

	begin_change(schema, name);
	(void) lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_TRAIN);
	begin_version_query(&query, schema, name, version);
	if (lem_query_run(&query,
					  "SELECT FROM %1$s.lem_model WHERE name = $1 AND version = $2") == 0)
		lem_catalog_unknown(schema, psprintf("%s@%d", name, version));

	/* In two steps: at no moment may a name have two deployed versions. */
	lem_query_run(&query, "UPDATE %1$s.lem_model SET deployed = false"
				  " WHERE name = $1 AND deployed AND version <> $2");
	lem_query_run(&query, "UPDATE %1$s.lem_model SET deployed = true"
				  " WHERE name = $1 AND version = $2 AND NOT deployed");
	SPI_finish();
}

void
lem_models_undeploy(const char *schema, const char *name, int version)
{
	lem_query	query;

	begin_change(schema, name);
	(void) lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_TRAIN);
	begin_version_query(&query, schema, name, version);
	lem_query_run(&query, "UPDATE %1$s.lem_model SET deployed = false"
				  " WHERE name = $1 AND version = $2 AND deployed");
	SPI_finish();
}

/*
 * lem_deploy(name text, version int) RETURNS void
 *
 * From the next statement on, the name without a version means this version.
 */
LEM_FUNCTION(pg_lem_deploy);

Datum
pg_lem_deploy(PG_FUNCTION_ARGS)
{
	lem_refuse_null(PG_ARGISNULL(0), "name");
	lem_refuse_null(PG_ARGISNULL(1), "version");
	lem_models_deploy(lem_schema(fcinfo), text_to_cstring(PG_GETARG_TEXT_PP(0)),
					  PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

/* The deployed version may go only together with the others; within SPI. */
static void
refuse_deployed(lem_query *query, const char *model)
{
	if (lem_query_run(query,
					  "SELECT FROM %1$s.lem_model d WHERE name = $1 AND version = $2 AND deployed"
					  " AND EXISTS (SELECT FROM %1$s.lem_model o WHERE o.name = d.name"
					  " AND o.version <> d.version)") > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("model \"%s\" is the deployed version", model),
				 errhint("Deploy another version with lem_deploy first, or drop all versions by the name alone.")));
}

/* Orders that go on by a model which is not there any more will fail. */
static void
warn_of_orders(const char *schema, const char *model, const char *name, int version)
{
	lem_query	query;
	int64		orders;

	begin_query(&query, schema, name);
	lem_query_add(&query, INT4OID, Int32GetDatum(version), version == LEM_DEPLOYED);
	lem_query_run(&query,
				  "SELECT count(*) FROM %1$s.lem_parent_order WHERE state IN ('active', 'paused')"
				  " AND split_part(model, '@', 1) = $1 AND ($2 IS NULL OR $2::text ="
				  " coalesce(model_version::text, split_part(model, '@', 2)))");
	orders = DatumGetInt64(lem_query_column(0, 1, NULL));
	if (orders > 0)
		ereport(WARNING,
				(errmsg_plural("%lld order that is worked has model \"%s\", which is dropped",
							   "%lld orders that are worked have model \"%s\", which is dropped",
							   orders, (long long) orders, model),
				 errhint("They will fail with their next slice: cancel them, or import the model "
						 "again and resume them.")));
}

/*
 * lem_drop(model text) RETURNS int
 *
 * Drops one version ("name@version") or all of them ("name"); returns how many that were.
 */
LEM_FUNCTION(pg_lem_drop);

Datum
pg_lem_drop(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	char	   *model;
	char	   *name;
	int			version;
	lem_query	query;
	uint64		dropped;

	lem_refuse_null(PG_ARGISNULL(0), "model");
	model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	name = lem_catalog_parse(model, &version);

	begin_change(schema, name);
	(void) lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_DROP);
	if (version == LEM_DEPLOYED)
	{
		begin_query(&query, schema, name);
		dropped = lem_query_run(&query, "DELETE FROM %1$s.lem_model WHERE name = $1");
	}
	else
	{
		begin_version_query(&query, schema, name, version);
		refuse_deployed(&query, model);
		dropped = lem_query_run(&query,
								"DELETE FROM %1$s.lem_model WHERE name = $1 AND version = $2");
	}
	if (dropped == 0)
		lem_catalog_unknown(schema, model);
	warn_of_orders(schema, model, name, version);
	SPI_finish();
	PG_RETURN_INT32((int32) dropped);
}

/*
 * _lem_model_deleted() RETURNS trigger
 *
 * After a row of lem_model is deleted, its parts go as well.
 */
LEM_FUNCTION(pg_lem_model_deleted);

Datum
pg_lem_model_deleted(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	lem_query	query;
	TupleDesc	columns;
	int			id;
	int			digest;
	Datum		value;
	bool		is_null;

	/* Anyone can put a trigger on a table of his own. */
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) !=
		get_relname_relid("lem_model", get_namespace_oid(lem_schema(fcinfo), false)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_model_deleted is for rows that are deleted from lem_model")));
	columns = RelationGetDescr(trigger->tg_relation);
	id = SPI_fnumber(columns, "id");
	digest = SPI_fnumber(columns, "digest");
	LEM_ENSURE(id > 0 && SPI_gettypeid(columns, id) == INT8OID);
	LEM_ENSURE(digest > 0 && SPI_gettypeid(columns, digest) == BYTEAOID);
	value = SPI_getbinval(trigger->tg_trigtuple, columns, digest, &is_null);
	if (!is_null && VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)) == LEM_DIGEST_LENGTH)
		lem_shared_cache_forget((uint8 *) VARDATA_ANY(DatumGetByteaPP(value)));
	value = SPI_getbinval(trigger->tg_trigtuple, columns, id, &is_null);
	LEM_ENSURE(!is_null);

	lem_query_connect();
	lem_query_begin(&query, lem_schema(fcinfo));
	lem_query_add(&query, INT8OID, value, false);
	lem_query_run(&query, "DELETE FROM %1$s.lem_model_part WHERE model_id = $1");
	SPI_finish();
	return PointerGetDatum(trigger->tg_trigtuple);
}

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

/* Run a command that may write, as the tables' owner; %s in it is the schema.  Within SPI. */
static uint64
run(const char *schema, const char *command, int n, const Oid *types, const Datum *values,
	const char *nulls)
{
	char	   *text = psprintf(command, quote_identifier(schema));
	const lem_user user = lem_user_become_owner(schema);
	int			result = SPI_execute_with_args(text, n, unconstify(Oid *, types),
											   unconstify(Datum *, values), nulls, false, 0);

	lem_user_restore(user);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", text, SPI_result_code_string(result));
	return SPI_processed;
}

/* Changes of the list of models come one after the other. */
static void
begin_change(const char *schema)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run(schema, "LOCK TABLE %s.lem_model IN SHARE ROW EXCLUSIVE MODE", 0, NULL, NULL, NULL);
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

static bytea *
bytes(const uint8 *data, int length)
{
	bytea	   *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), data, length);
	return result;
}

/* A name without versions goes to whoever makes one, and nobody has rights to it from before. */
static void
claim_name(const char *schema, const Datum *values, const Oid *types)
{
	run(schema, "UPDATE %s.lem_model_name SET owner = $2 WHERE name OPERATOR(pg_catalog.=) $1",
		2, types, values, NULL);
	run(schema, "DELETE FROM %s.lem_model_right WHERE model OPERATOR(pg_catalog.=) $1",
		1, types, values, NULL);
}

/* The row of a new version; returns its id and version.  fresh: the name had none. */
static int64
insert_model(const char *schema, const char *name, bool fresh, const lem_config *config,
			 Jsonb *json, const uint8 *digest, int64 training_run, Jsonb *metrics, int *version)
{
	static const Oid types[] = {
		TEXTOID, NAMEOID, JSONBOID, INT8OID, INT8OID, BYTEAOID, INT8OID, JSONBOID
	};
	const int64 parameters = lem_parameter_count(config, false);
	Datum		values[] = {
		CStringGetTextDatum(name), CStringGetDatum(GetUserNameFromId(GetUserId(), false)),
		JsonbPGetDatum(json), Int64GetDatum(parameters),
		Int64GetDatum(parameters * lem_storage_bytes(config->storage)),
		PointerGetDatum(bytes(digest, LEM_DIGEST_LENGTH)), Int64GetDatum(training_run),
		metrics ? JsonbPGetDatum(metrics) : (Datum) 0
	};
	char		nulls[] = "        ";
	bool		is_null;

	nulls[6] = training_run == 0 ? 'n' : ' ';
	nulls[7] = metrics == NULL ? 'n' : ' ';
	run(schema,
		"INSERT INTO %s.lem_model_name AS n (name, versions, owner) VALUES ($1, 1, $2)"
		" ON CONFLICT (name) DO UPDATE SET versions = n.versions OPERATOR(pg_catalog.+) 1",
		2, types, values, NULL);
	if (fresh)
		claim_name(schema, values, types);
	run(schema,
		"INSERT INTO %1$s.lem_model"
		" (name, version, deployed, created_by, config, parameters, bytes, digest, training_run,"
		" metrics)"
		" SELECT name, versions,"
		" NOT EXISTS (SELECT FROM %1$s.lem_model WHERE name OPERATOR(pg_catalog.=) $1),"
		" $2, $3, $4, $5, $6, $7, $8"
		" FROM %1$s.lem_model_name WHERE name OPERATOR(pg_catalog.=) $1"
		" RETURNING id, version",
		lengthof(types), types, values, nulls);
	LEM_ENSURE(SPI_processed == 1);
	*version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2,
										   &is_null));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
									   &is_null));
}

/* The last version of a name that has this digest, 0 if none has; within SPI. */
static int
version_with(const char *schema, const char *name, const uint8 *digest)
{
	static const Oid types[] = {TEXTOID, BYTEAOID};
	const Datum values[] = {
		CStringGetTextDatum(name), PointerGetDatum(bytes(digest, LEM_DIGEST_LENGTH))
	};
	bool		is_null;

	if (run(schema,
			"SELECT version FROM %s.lem_model"
			" WHERE name OPERATOR(pg_catalog.=) $1 AND digest OPERATOR(pg_catalog.=) $2"
			" ORDER BY version DESC LIMIT 1",
			lengthof(types), types, values, NULL) == 0)
		return 0;
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
									   &is_null));
}

int
lem_models_store(const char *schema, const char *name, const lem_config *config,
				 pg_tz *time_zone, lem_part_source source, void *arg,
				 int64 training_run, Jsonb *metrics, bool *fresh)
{
	static const Oid types[] = {INT8OID, INT4OID, INT2OID, BYTEAOID, BYTEAOID};
	const int	parts = lem_part_count(config);
	Jsonb	   *json = lem_config_write(config, time_zone);
	uint8	   *checksums = palloc((Size) parts * LEM_DIGEST_LENGTH);
	uint8		digest[LEM_DIGEST_LENGTH];
	bool		unused;
	int64		id;
	int			version;

	lem_models_check_name(name);

	/* The row comes first and holds the digest, for which all parts must have been seen. */
	for (int i = 0; i < parts; i++)
	{
		bytea	   *data = stored_part(config, source, arg, i);

		lem_catalog_checksum(VARDATA(data), VARSIZE(data) - VARHDRSZ,
							 checksums + i * LEM_DIGEST_LENGTH);
		pfree(data);
	}
	lem_catalog_digest(lem_config_text(json), parts, checksums, digest);

	begin_change(schema);
	unused = lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_TRAIN);
	if (fresh)
	{
		version = version_with(schema, name, digest);
		*fresh = version == 0;
		if (version > 0)
		{
			SPI_finish();
			return version;
		}
	}
	id = insert_model(schema, name, unused, config, json, digest, training_run, metrics,
					  &version);
	for (int i = 0; i < parts; i++)
	{
		bytea	   *data = stored_part(config, source, arg, i);
		bytea	   *checksum = bytes(checksums + i * LEM_DIGEST_LENGTH, LEM_DIGEST_LENGTH);
		Datum		values[] = {
			Int64GetDatum(id), Int32GetDatum(i), Int16GetDatum(LEM_PART_FORMAT(config->storage)),
			PointerGetDatum(checksum), PointerGetDatum(data)
		};

		run(schema,
			"INSERT INTO %s.lem_model_part (model_id, part, format, sha256, data)"
			" VALUES ($1, $2, $3, $4, $5)",
			lengthof(types), types, values, NULL);
		pfree(checksum);
		pfree(data);
	}
	SPI_finish();
	return version;
}

static void
refuse_null(bool is_null, const char *what)
{
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", what)));
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
	static const Oid types[] = {TEXTOID, INT4OID};
	char	   *schema = lem_schema(fcinfo);
	char	   *name;
	Datum		values[2];

	refuse_null(PG_ARGISNULL(0), "name");
	refuse_null(PG_ARGISNULL(1), "version");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	values[0] = CStringGetTextDatum(name);
	values[1] = PG_GETARG_DATUM(1);

	begin_change(schema);
	(void) lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_TRAIN);
	if (run(schema,
			"SELECT FROM %s.lem_model"
			" WHERE name OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2",
			2, types, values, NULL) == 0)
		lem_catalog_unknown(schema, psprintf("%s@%d", name, PG_GETARG_INT32(1)));

	/* In two steps: at no moment may a name have two deployed versions. */
	run(schema,
		"UPDATE %s.lem_model SET deployed = false"
		" WHERE name OPERATOR(pg_catalog.=) $1 AND deployed"
		" AND version OPERATOR(pg_catalog.<>) $2",
		2, types, values, NULL);
	run(schema,
		"UPDATE %s.lem_model SET deployed = true"
		" WHERE name OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2"
		" AND NOT deployed",
		2, types, values, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

/* The deployed version may go only together with the others; within SPI. */
static void
refuse_deployed(const char *schema, const char *model, const Oid *types, const Datum *values)
{
	if (run(schema,
			"SELECT FROM %1$s.lem_model d WHERE name OPERATOR(pg_catalog.=) $1"
			" AND version OPERATOR(pg_catalog.=) $2 AND deployed"
			" AND EXISTS (SELECT FROM %1$s.lem_model o WHERE o.name OPERATOR(pg_catalog.=) d.name"
			" AND o.version OPERATOR(pg_catalog.<>) d.version)",
			2, types, values, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("model \"%s\" is the deployed version", model),
				 errhint("Deploy another version with lem_deploy first, or drop all versions by the name alone.")));
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
	static const Oid types[] = {TEXTOID, INT4OID};
	char	   *schema = lem_schema(fcinfo);
	char	   *model;
	char	   *name;
	int			version;
	Datum		values[2];
	uint64		dropped;

	refuse_null(PG_ARGISNULL(0), "model");
	model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	name = lem_catalog_parse(model, &version);
	values[0] = CStringGetTextDatum(name);
	values[1] = Int32GetDatum(version);

	begin_change(schema);
	(void) lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_DROP);
	if (version == LEM_DEPLOYED)
		dropped = run(schema, "DELETE FROM %s.lem_model WHERE name OPERATOR(pg_catalog.=) $1",
					  1, types, values, NULL);
	else
	{
		refuse_deployed(schema, model, types, values);
		dropped = run(schema,
					  "DELETE FROM %s.lem_model WHERE name OPERATOR(pg_catalog.=) $1"
					  " AND version OPERATOR(pg_catalog.=) $2",
					  2, types, values, NULL);
	}
	if (dropped == 0)
		lem_catalog_unknown(schema, model);
	SPI_finish();
	PG_RETURN_INT32((int32) dropped);
}

/*
 * lem_model_deleted() RETURNS trigger
 *
 * After a row of lem_model is deleted, its parts go as well.
 */
LEM_FUNCTION(pg_lem_model_deleted);

Datum
pg_lem_model_deleted(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {INT8OID};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
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
				 errmsg("lem_model_deleted is for rows that are deleted from lem_model")));
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

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run(lem_schema(fcinfo),
		"DELETE FROM %s.lem_model_part WHERE model_id OPERATOR(pg_catalog.=) $1",
		1, types, &value, NULL);
	SPI_finish();
	return PointerGetDatum(trigger->tg_trigtuple);
}

/* catalog.c: reading models from the extension's tables. */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/storage.h"
#include "pg/catalog.h"
#include "pg/compat.h"
#include "pg/config_json.h"
#include "pg/errors.h"
#include "pg/rights.h"

/* Bytes that are hashed between two looks at pending interrupts. */
#define HASH_CHUNK ((size_t) 16 << 20)

/* Configs that a session keeps parsed. */
#define MAX_PARSED 256

/* Columns of the query behind a look-up. */
#define MODEL_COLUMNS "id, name, version, digest"

/* Queries on the tables, prepared once a session for the schema they were last used in. */
typedef struct prepared
{
	const char *query;			/* %s: the schema, quoted */
	int			n_arguments;
	Oid			arguments[3];
	char	   *schema;
	SPIPlanPtr	plan;
} prepared;

static prepared find_deployed = {
	"SELECT " MODEL_COLUMNS " FROM %s.lem_model"
	" WHERE name OPERATOR(pg_catalog.=) $1 AND deployed",
	1, {TEXTOID, InvalidOid}, NULL, NULL
};

static prepared find_version = {
	"SELECT " MODEL_COLUMNS " FROM %s.lem_model"
	" WHERE name OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2",
	2, {TEXTOID, INT4OID}, NULL, NULL
};

static prepared find_config = {
	"SELECT config FROM %s.lem_model WHERE id OPERATOR(pg_catalog.=) $1",
	1, {INT8OID, InvalidOid}, NULL, NULL
};

static prepared find_metrics = {
	"SELECT metrics::pg_catalog.text FROM %s.lem_model"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND metrics IS NOT NULL",
	1, {INT8OID, InvalidOid}, NULL, NULL
};

static prepared find_checksums = {
	"SELECT part, sha256 FROM %s.lem_model_part WHERE model_id OPERATOR(pg_catalog.=) $1"
	" ORDER BY part",
	1, {INT8OID, InvalidOid}, NULL, NULL
};

static prepared find_part = {
	"SELECT data, sha256, format FROM %s.lem_model_part"
	" WHERE model_id OPERATOR(pg_catalog.=) $1 AND part OPERATOR(pg_catalog.=) $2",
	2, {INT8OID, INT4OID}, NULL, NULL
};

static prepared find_rights = {
	"SELECT EXISTS (SELECT FROM %1$s.lem_model WHERE name OPERATOR(pg_catalog.=) $1),"
	" (SELECT owner FROM %1$s.lem_model_name WHERE name OPERATOR(pg_catalog.=) $1),"
	" ARRAY(SELECT grantee FROM %1$s.lem_model_right WHERE model OPERATOR(pg_catalog.=) $1"
	" AND privilege OPERATOR(pg_catalog.=) ANY (ARRAY[$2, $3]))",
	3, {TEXTOID, TEXTOID, TEXTOID}, NULL, NULL
};

static prepared list_versions = {
	"SELECT version FROM %s.lem_model WHERE name OPERATOR(pg_catalog.=) $1"
	" ORDER BY version DESC LIMIT 10",
	1, {TEXTOID, InvalidOid}, NULL, NULL
};

static prepared list_names = {
	"SELECT DISTINCT name FROM %s.lem_model ORDER BY name LIMIT 10",
	0, {InvalidOid, InvalidOid}, NULL, NULL
};

/* Parsed configs by digest, which covers them. */
typedef struct parsed_config
{
	uint8		digest[LEM_DIGEST_LENGTH];	/* key */
	lem_config	config;
	pg_tz	   *time_zone;
} parsed_config;

static HTAB *parsed_configs = NULL;

char *
lem_schema(FunctionCallInfo fcinfo)
{
	Oid			namespace = get_func_namespace(fcinfo->flinfo->fn_oid);
	char	   *name = OidIsValid(namespace) ? get_namespace_name(namespace) : NULL;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("cannot find the schema of the extension")));
	return name;
}

/*
 * Run one of the queries above as the tables' owner, at most limit rows; within SPI.  Read-only, so that it sees what
 * the calling statement sees, and works in parallel workers and on a standby.
 */
static void
run(prepared *p, const char *schema, Datum *values, long limit)
{
	lem_user	user;
	int			result;

	if (p->plan == NULL || strcmp(p->schema, schema) != 0)
	{
		char	   *name = MemoryContextStrdup(TopMemoryContext, schema);
		SPIPlanPtr	plan = SPI_prepare(psprintf(p->query, quote_identifier(schema)),
									   p->n_arguments, p->arguments);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare \"%s\": %s", p->query,
				 SPI_result_code_string(SPI_result));
		if (p->plan)
		{
			SPI_freeplan(p->plan);
			pfree(p->schema);
		}
		p->plan = plan;
		p->schema = name;
	}
	user = lem_user_become_owner(schema);
	result = SPI_execute_plan(p->plan, values, NULL, true, limit);
	lem_user_restore(user);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\": %s", p->query, SPI_result_code_string(SPI_result));
}

/* Column of a row of the last query; these columns are never NULL. */
static Datum
column(uint64 row, int number)
{
	bool		is_null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number,
									  &is_null);

	LEM_ENSURE(!is_null);
	return value;
}

/* What to try where a name is not to be found; within SPI. */
static char *
unknown_hint(const char *schema, const char *name)
{
	Datum		value = CStringGetTextDatum(name);
	StringInfoData hint;

	initStringInfo(&hint);
	run(&list_versions, schema, &value, 0);
	if (SPI_processed > 0)
	{
		bool		more = SPI_processed == 10;

		appendStringInfo(&hint, "Versions of \"%s\":", name);
		for (uint64 i = 0; i < SPI_processed; i++)
			appendStringInfo(&hint, "%s %d", i > 0 ? "," : "", DatumGetInt32(column(i, 1)));
		appendStringInfoString(&hint, more ? ", ..." : ".");
		appendStringInfoString(&hint, " Deploy one with lem_deploy(name, version), or name it as name@version.");
		return hint.data;
	}
	run(&list_names, schema, NULL, 0);
	if (SPI_processed == 0)
		return pstrdup("There are no models yet: import one with lem_import, or train one with lem_train.");
	appendStringInfoString(&hint, "Models are listed in the view lem_models:");
	for (uint64 i = 0; i < SPI_processed; i++)
		appendStringInfo(&hint, "%s %s", i > 0 ? "," : "", TextDatumGetCString(column(i, 1)));
	appendStringInfoString(&hint, SPI_processed == 10 ? ", ..." : ".");
	return hint.data;
}

/* Version of "name@version", or 0 where the text after the @ is not a version. */
static int
parse_version(const char *text)
{
	int64		version = 0;

	if (*text < '1' || *text > '9')
		return 0;
	for (; *text >= '0' && *text <= '9'; text++)
	{
		version = version * 10 + (*text - '0');
		if (version > PG_INT32_MAX)
			return 0;
	}
	return *text == '\0' ? (int) version : 0;
}

/* Running SHA-256, for hashing piece by piece. */
static pg_cryptohash_ctx *
hash_begin(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	return hash;
}

static void
hash_add(pg_cryptohash_ctx *hash, const void *data, size_t length)
{
	if (pg_cryptohash_update(hash, data, length) < 0)
		elog(ERROR, "could not update SHA-256");
}

static void
hash_end(pg_cryptohash_ctx *hash, uint8 *digest)
{
	if (pg_cryptohash_final(hash, digest, LEM_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not finalize SHA-256");
	pg_cryptohash_free(hash);
}

void
lem_catalog_checksum(const void *data, size_t length, uint8 *digest)
{
	pg_cryptohash_ctx *hash = hash_begin();

	for (size_t done = 0; done < length; done += HASH_CHUNK)
	{
		CHECK_FOR_INTERRUPTS();
		hash_add(hash, (const char *) data + done, Min(HASH_CHUNK, length - done));
	}
	hash_end(hash, digest);
}

void
lem_catalog_digest(const char *config, int parts, const uint8 *checksums, uint8 *digest)
{
	pg_cryptohash_ctx *hash = hash_begin();

	hash_add(hash, config, strlen(config));
	hash_add(hash, checksums, (size_t) parts * LEM_DIGEST_LENGTH);
	hash_end(hash, digest);
}

static void corrupted(const lem_model_row *row, int part, const char *detail)
			pg_attribute_noreturn();

/* A stored model is not what was stored; part -1: its row. */
static void
corrupted(const lem_model_row *row, int part, const char *detail)
{
	const char *hint = "Restore the model from a backup, or drop and import it again.";

	if (part >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("model \"%s@%d\" is damaged in part %d", row->name, row->version, part),
				 errdetail("%s", detail),
				 errhint("%s", hint)));
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("model \"%s@%d\" is damaged", row->name, row->version),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* The checksum of a part as stored, or NULL where it cannot be one. */
static const uint8 *
checksum_of(Datum value)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	return VARSIZE_ANY_EXHDR(bytes) == LEM_DIGEST_LENGTH ? (uint8 *) VARDATA_ANY(bytes) : NULL;
}

/*
 * A part's data, in the caller's memory context, checked against its checksum, and its format;
 * within SPI.
 */
static bytea *
find_data(const char *schema, const lem_model_row *row, int part, MemoryContext caller,
		  int *format)
{
	Datum		values[2] = {Int64GetDatum(row->id), Int32GetDatum(part)};
	MemoryContext old;
	const uint8 *stored;
	uint8		computed[LEM_DIGEST_LENGTH];
	bytea	   *data;

	run(&find_part, schema, values, 1);
	if (SPI_processed == 0)
		corrupted(row, part, "It is missing.");
	*format = DatumGetInt16(column(0, 3));
	if (*format < LEM_PART_FORMAT(LEM_STORAGE_FLOAT32) ||
		*format > LEM_PART_FORMAT(LEM_STORAGE_BFLOAT16))
		corrupted(row, part, "Its format is not known.");
	stored = checksum_of(column(0, 2));
	if (stored == NULL)
		corrupted(row, part, "Its checksum does not have the length of one.");

	old = MemoryContextSwitchTo(caller);
	data = (bytea *) PG_DETOAST_DATUM_COPY(column(0, 1));
	MemoryContextSwitchTo(old);
	lem_catalog_checksum(VARDATA(data), VARSIZE(data) - VARHDRSZ, computed);
	if (memcmp(computed, stored, LEM_DIGEST_LENGTH) != 0)
		corrupted(row, part, "Its data and its SHA-256 do not fit each other.");
	return data;
}

/*
 * The text of a model's config and the checksums of its parts must be those that its digest was
 * made of.  If not, find the part to blame: reading them all is affordable then.
 */
static void
check_digest(const char *schema, const lem_model_row *row, const char *config_text)
{
	Datum		id = Int64GetDatum(row->id);
	uint8	   *checksums;
	uint8		digest[LEM_DIGEST_LENGTH];
	int			parts;
	int			format;
	bool		complete = true;

	run(&find_checksums, schema, &id, 0);
	parts = (int) SPI_processed;
	checksums = palloc0((Size) parts * LEM_DIGEST_LENGTH);
	for (int i = 0; complete && i < parts; i++)
	{
		const uint8 *checksum = checksum_of(column(i, 2));

		complete = DatumGetInt32(column(i, 1)) == i && checksum != NULL;
		if (complete)
			memcpy(checksums + i * LEM_DIGEST_LENGTH, checksum, LEM_DIGEST_LENGTH);
	}
	lem_catalog_digest(config_text, parts, checksums, digest);
	if (complete && memcmp(digest, row->digest, LEM_DIGEST_LENGTH) == 0)
		return;
	for (int i = 0; i < parts; i++)
		pfree(find_data(schema, row, i, CurrentMemoryContext, &format));
	corrupted(row, -1, "Its config, its digest and its parts do not fit each other.");
}

/* Fill in the config of a row whose id and digest are known; within SPI. */
static void
find_parsed(const char *schema, lem_model_row *row)
{
	Datum		id = Int64GetDatum(row->id);
	parsed_config *entry;
	Jsonb	   *json;
	bool		found;

	if (parsed_configs == NULL)
	{
		HASHCTL		control = {.keysize = LEM_DIGEST_LENGTH, .entrysize = sizeof(parsed_config)};

		parsed_configs = hash_create("lem configs", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(parsed_configs, row->digest, HASH_FIND, NULL);
	if (entry)
	{
		row->config = entry->config;
		row->time_zone = entry->time_zone;
		return;
	}

	run(&find_config, schema, &id, 1);
	LEM_ENSURE(SPI_processed == 1);
	json = DatumGetJsonbP(column(0, 1));
	check_digest(schema, row, lem_config_text(json));
	lem_config_read(json, &row->config, &row->time_zone);

	if (hash_get_num_entries(parsed_configs) >= MAX_PARSED)
	{
		hash_destroy(parsed_configs);
		parsed_configs = NULL;
		return;					/* the next look-up starts afresh */
	}
	entry = hash_search(parsed_configs, row->digest, HASH_ENTER, &found);
	entry->config = row->config;
	entry->time_zone = row->time_zone;
}

char *
lem_catalog_parse(const char *model, int *version)
{
	const char *at = strrchr(model, '@');

	*version = at ? parse_version(at + 1) : LEM_DEPLOYED;
	return at ? pnstrdup(model, at - model) : pstrdup(model);
}

void
lem_catalog_unknown(const char *schema, const char *model)
{
	int			version;
	char	   *name = lem_catalog_parse(model, &version);

	ereport(ERROR,
			(errcode(ERRCODE_LEM_UNKNOWN_MODEL),
			 errmsg("unknown model \"%s\"", lem_clip_text(model)),
			 errhint("%s", unknown_hint(schema, name))));
}

void
lem_catalog_find(const char *schema, const char *model, lem_model_row *row)
{
	lem_catalog_find_for(schema, GetUserId(), LEM_RIGHT_USE, model, row);
}

void
lem_catalog_find_for(const char *schema, Oid user, lem_right right, const char *model,
					 lem_model_row *row)
{
	int			version;
	char	   *name = lem_catalog_parse(model, &version);
	Datum		values[2] = {CStringGetTextDatum(name), Int32GetDatum(version)};
	const uint8 *digest;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run(version == LEM_DEPLOYED ? &find_deployed : &find_version, schema, values, 1);
	if (SPI_processed == 0)
		lem_catalog_unknown(schema, model);

	memset(row, 0, sizeof(*row));
	row->id = DatumGetInt64(column(0, 1));
	strlcpy(row->name, TextDatumGetCString(column(0, 2)), sizeof(row->name));
	row->version = DatumGetInt32(column(0, 3));
	digest = checksum_of(column(0, 4));
	if (digest == NULL)
		corrupted(row, -1, "Its digest does not have the length of one.");
	memcpy(row->digest, digest, LEM_DIGEST_LENGTH);
	(void) lem_rights_check(schema, user, row->name, right);
	find_parsed(schema, row);
	SPI_finish();
}

char *
lem_catalog_metrics(const char *schema, const lem_model_row *row)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		id = Int64GetDatum(row->id);
	char	   *metrics = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run(&find_metrics, schema, &id, 1);
	if (SPI_processed > 0)
		metrics = MemoryContextStrdup(caller, TextDatumGetCString(column(0, 1)));
	SPI_finish();
	return metrics;
}

bool
lem_catalog_rights(const char *schema, const char *name, const char *right, const char *other,
				   bool latest, const char **owner, ArrayType **grantees)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {
		CStringGetTextDatum(name), CStringGetTextDatum(right), CStringGetTextDatum(other)
	};
	MemoryContext old;
	Datum		value;
	bool		is_null;
	bool		exists;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (latest)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
	}
	run(&find_rights, schema, values, 1);
	if (latest)
		PopActiveSnapshot();
	exists = DatumGetBool(column(0, 1));
	old = MemoryContextSwitchTo(caller);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null);
	*owner = is_null ? NULL : pstrdup(NameStr(*DatumGetName(value)));
	*grantees = DatumGetArrayTypePCopy(column(0, 3));
	MemoryContextSwitchTo(old);
	SPI_finish();
	return exists;
}

float *
lem_catalog_part(const char *schema, const lem_model_row *row, int part)
{
	const lem_storage storage = row->config.storage;
	const int64 n = lem_part_size(&row->config, part);
	MemoryContext caller = CurrentMemoryContext;
	bytea	   *data;
	float	   *numbers;
	int			format;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	data = find_data(schema, row, part, caller, &format);
	if (format != LEM_PART_FORMAT(storage))
		corrupted(row, part, "It does not have the format that the config asks for.");
	if (VARSIZE(data) - VARHDRSZ != (Size) n * lem_storage_bytes(storage))
		corrupted(row, part, "It does not have the length that the config asks for.");
	SPI_finish();

	if (storage != LEM_STORAGE_FLOAT32)
	{
		numbers = palloc(n * sizeof(float));
		lem_storage_load_part(&row->config, part, (uint8 *) VARDATA(data), numbers);
		pfree(data);
		return numbers;
	}

	/* The chunk of memory that held the bytea becomes the array. */
	memmove(data, VARDATA(data), n * sizeof(float));
	lem_catalog_swap((float *) data, n);
	return (float *) data;
}

void
lem_catalog_swap(float *numbers, size_t n)
{
#ifdef WORDS_BIGENDIAN
	for (size_t i = 0; i < n; i++)
	{
		uint32		bits;

		memcpy(&bits, &numbers[i], sizeof(bits));
		bits = pg_bswap32(bits);
		memcpy(&numbers[i], &bits, sizeof(bits));
	}
#else
	(void) numbers;
	(void) n;
#endif
}

/* Wall-clock time in a time zone (the argument), for lem_clock. */
static int64
to_local(void *arg, int64 ts)
{
	pg_time_t	t = timestamptz_to_time_t(ts);
	struct pg_tm *local = pg_localtime(&t, (pg_tz *) arg);

	return local ? ts + (int64) local->tm_gmtoff * USECS_PER_SEC : ts;
}

lem_clock
lem_model_clock(const lem_model_row *row)
{
	lem_clock	clock = {NULL, NULL};

	if (strcmp(pg_get_timezone_name(row->time_zone), "UTC") != 0)
	{
		clock.to_local = to_local;
		clock.arg = row->time_zone;
	}
	return clock;
}

/* catalog.c: reading models from the extension's tables. */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "pgtime.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/parameters/storage.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/hash.h"
#include "pg/base/memory.h"
#include "pg/base/query.h"
#include "pg/base/table_scan.h"
#include "pg/base/toast_read.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/config_json.h"

/* Bytes that are hashed between two looks at pending interrupts. */
#define HASH_CHUNK ((size_t) 16 << 20)

/* No part of a model has a number beyond. */
#define MAX_PART 100000

/* Configs that a session keeps parsed. */
#define MAX_PARSED 256

/* Parsed configs by digest, which covers them, and what the models were trained on. */
typedef struct parsed_config
{
	uint8		digest[LEM_DIGEST_LENGTH];	/* key */
	lem_config	config;
	pg_tz	   *time_zone;
	lem_bar_lengths trained;
} parsed_config;

static HTAB *parsed_configs = NULL;

/* What to try where a name is not to be found; within SPI. */
static char *
unknown_hint(const char *schema, const char *name)
{
	lem_query	query;
	StringInfoData hint;
	uint64		n;

	initStringInfo(&hint);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, name);
	n = lem_query_read(&query, "SELECT version FROM %1$s.lem_model WHERE name = $1"
					   " ORDER BY version DESC LIMIT 10");
	if (n > 0)
	{
		appendStringInfo(&hint, "Versions of \"%s\":", name);
		for (uint64 i = 0; i < n; i++)
			appendStringInfo(&hint, "%s %d", i > 0 ? "," : "",
							 DatumGetInt32(lem_query_column(i, 1, NULL)));
		appendStringInfoString(&hint, n == 10 ? ", ..." : ".");
		appendStringInfoString(&hint, " Deploy one with lem_deploy(name, version), or name it as name@version.");
		return hint.data;
	}
	lem_query_begin(&query, schema);
	n = lem_query_read(&query, "SELECT DISTINCT name FROM %1$s.lem_model ORDER BY name LIMIT 10");
	if (n == 0)
		return pstrdup("There are no models yet: import one with lem_import, or train one with lem_train.");
	appendStringInfoString(&hint, "Models are listed in the view lem_models:");
	for (uint64 i = 0; i < n; i++)
		appendStringInfo(&hint, "%s %s", i > 0 ? "," : "",
						 TextDatumGetCString(lem_query_column(i, 1, NULL)));
	appendStringInfoString(&hint, n == 10 ? ", ..." : ".");
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

void
lem_catalog_checksum(const void *data, size_t length, uint8 *digest)
{
	pg_cryptohash_ctx *hash = lem_hash_begin();

	for (size_t done = 0; done < length; done += HASH_CHUNK)
		lem_hash_add(hash, (const char *) data + done, Min(HASH_CHUNK, length - done));
	lem_hash_end(hash, digest);
}

void
lem_catalog_digest(const char *config, int parts, const uint8 *checksums, uint8 *digest)
{
	pg_cryptohash_ctx *hash = lem_hash_begin();

	lem_hash_add(hash, config, strlen(config));
	lem_hash_add(hash, checksums, (size_t) parts * LEM_DIGEST_LENGTH);
	lem_hash_end(hash, digest);
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

/* A part's data, palloc'd, checked against its checksum; its length and format. */
static char *
find_data(const char *schema, const lem_model_row *row, int part, Size *length, int *format)
{
	const lem_scan_key keys[2] = {
		{"model_id", INT8OID, Int64GetDatum(row->id)}, {"part", INT4OID, Int32GetDatum(part)}
	};
	lem_scan	scan;
	const uint8 *stored;
	uint8		computed[LEM_DIGEST_LENGTH];
	struct varlena *value;
	char	   *data;

	lem_scan_begin(&scan, schema, NULL, "lem_model_part", "lem_model_part_pkey", keys, 2);
	if (!lem_scan_next(&scan))
		corrupted(row, part, "It is missing.");
	*format = DatumGetInt16(lem_scan_column(&scan, "format"));
	if (*format < LEM_PART_FORMAT(LEM_STORAGE_FLOAT32) ||
		*format > LEM_PART_FORMAT(LEM_STORAGE_BFLOAT16))
		corrupted(row, part, "Its format is not known.");
	stored = checksum_of(lem_scan_column(&scan, "sha256"));
	if (stored == NULL)
		corrupted(row, part, "Its checksum does not have the length of one.");

	value = (struct varlena *) DatumGetPointer(lem_scan_column(&scan, "data"));
	*length = toast_raw_datum_size(PointerGetDatum(value)) - VARHDRSZ;
	data = MemoryContextAllocHuge(CurrentMemoryContext, *length);
	lem_advise_huge(data, *length);
	lem_toast_read(value, data, *length, computed);
	if (memcmp(computed, stored, LEM_DIGEST_LENGTH) != 0)
		corrupted(row, part, "Its data and its SHA-256 do not fit each other.");
	lem_scan_end(&scan);
	return data;
}

/*
 * The text of a model's config and the checksums of its parts must be those that its digest was
 * made of.  If not, find the part to blame: reading them all is affordable then.
 */
static void
check_digest(const char *schema, const lem_model_row *row, const char *config_text)
{
	const lem_scan_key key = {"model_id", INT8OID, Int64GetDatum(row->id)};
	lem_scan	scan;
	uint8	   *checksums = NULL;
	uint8		digest[LEM_DIGEST_LENGTH];
	int			parts = 0;
	int			last = -1;
	int			room = 0;
	int			format;
	Size		length;
	bool		complete = true;

	lem_scan_begin(&scan, schema, NULL, "lem_model_part", "lem_model_part_pkey", &key, 1);
	for (; lem_scan_next(&scan); parts++)
	{
		const uint8 *checksum = checksum_of(lem_scan_column(&scan, "sha256"));
		const int	part = DatumGetInt32(lem_scan_column(&scan, "part"));

		complete = complete && part >= 0 && part <= MAX_PART && checksum != NULL;
		if (!complete)
			continue;
		if (part >= room)
		{
			uint8	   *more = palloc0((Size) (2 * part + 16) * LEM_DIGEST_LENGTH);

			if (room > 0)
				memcpy(more, checksums, (Size) room * LEM_DIGEST_LENGTH);
			checksums = more;
			room = 2 * part + 16;
		}
		memcpy(checksums + part * LEM_DIGEST_LENGTH, checksum, LEM_DIGEST_LENGTH);
		last = Max(last, part);
	}
	lem_scan_end(&scan);

	/* Their numbers are unique: as many as the last one says are all of them. */
	complete = complete && parts == last + 1;
	lem_catalog_digest(config_text, complete ? parts : 0, checksums, digest);
	if (complete && memcmp(digest, row->digest, LEM_DIGEST_LENGTH) == 0)
		return;
	for (int i = 0; i < parts; i++)
		pfree(find_data(schema, row, i, &length, &format));
	corrupted(row, -1, "Its config, its digest and its parts do not fit each other.");
}

/* Microseconds of a number of seconds; 0 where it is no length of a bar. */
static int64
length_of(const JsonbValue *seconds)
{
	double		x;

	if (seconds->type != jbvNumeric)
		return 0;
	x = DatumGetFloat8(DirectFunctionCall1(numeric_float8,
										   NumericGetDatum(seconds->val.numeric)));
	return x >= 1e-6 && x <= (double) LEM_MAX_BAR_INTERVAL / USECS_PER_SEC
		? (int64) rint(x * USECS_PER_SEC) : 0;
}

/* What a model's config or else its metrics say of the bars it is for. */
static lem_bar_lengths
find_lengths(const lem_config *config, const lem_scan *scan)
{
	lem_bar_lengths lengths = {config->bar_interval, config->bar_interval};
	Datum		metrics;
	JsonbValue *seconds;

	if (config->bar_interval > 0)
		return lengths;
	lengths = (lem_bar_lengths) {0};
	if (!lem_scan_value(scan, "metrics", &metrics) || !JB_ROOT_IS_OBJECT(DatumGetJsonbP(metrics)))
		return lengths;
	seconds = getKeyJsonValueFromContainer(&DatumGetJsonbP(metrics)->root, LEM_TRAINED_LENGTHS,
										   strlen(LEM_TRAINED_LENGTHS), NULL);
	if (seconds == NULL)
		return lengths;
	if (seconds->type == jbvBinary && JsonContainerIsArray(seconds->val.binary.data) &&
		JsonContainerSize(seconds->val.binary.data) == 2)
	{
		lengths.shortest = length_of(getIthJsonbValueFromContainer(seconds->val.binary.data, 0));
		lengths.longest = length_of(getIthJsonbValueFromContainer(seconds->val.binary.data, 1));
	}
	else
		lengths.shortest = lengths.longest = length_of(seconds);
	return lengths.shortest > 0 && lengths.shortest <= lengths.longest ? lengths
		: (lem_bar_lengths) {0};
}

/* Fill in the config of a row whose id and digest are known. */
static void
find_parsed(const char *schema, lem_model_row *row, const lem_scan *scan)
{
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
		row->trained = entry->trained;
		return;
	}

	json = DatumGetJsonbP(lem_scan_column(scan, "config"));
	check_digest(schema, row, lem_config_text(json));
	lem_config_read_stored(json, &row->config, &row->time_zone);
	row->trained = find_lengths(&row->config, scan);

	if (hash_get_num_entries(parsed_configs) >= MAX_PARSED)
	{
		hash_destroy(parsed_configs);
		parsed_configs = NULL;
		return;					/* the next look-up starts afresh */
	}
	entry = hash_search(parsed_configs, row->digest, HASH_ENTER, &found);
	entry->config = row->config;
	entry->time_zone = row->time_zone;
	entry->trained = row->trained;
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

	lem_query_connect();
	ereport(ERROR,
			(errcode(ERRCODE_LEM_UNKNOWN_MODEL),
			 errmsg("unknown model \"%s\"", lem_clip_text(model)),
			 errhint("%s", unknown_hint(schema, name))));
}

void
lem_catalog_look_up(const char *schema, const char *model, lem_model_row *row)
{
	int			version;
	char	   *name = lem_catalog_parse(model, &version);
	const bool	deployed = version == LEM_DEPLOYED;
	const lem_scan_key keys[2] = {
		{"name", TEXTOID, CStringGetTextDatum(name)}, {"version", INT4OID, Int32GetDatum(version)}
	};
	lem_scan	scan;
	const uint8 *digest;

	lem_scan_begin(&scan, schema, NULL, "lem_model",
				   deployed ? "lem_model_deployed" : "lem_model_name_version_key", keys,
				   deployed ? 1 : 2);
	while (lem_scan_next(&scan) && deployed && !DatumGetBool(lem_scan_column(&scan, "deployed")))
		 /* not this version */ ;
	if (scan.row == NULL)
	{
		lem_scan_end(&scan);
		lem_catalog_unknown(schema, model);
	}

	memset(row, 0, sizeof(*row));
	row->id = DatumGetInt64(lem_scan_column(&scan, "id"));
	strlcpy(row->name, name, sizeof(row->name));
	row->version = DatumGetInt32(lem_scan_column(&scan, "version"));
	digest = checksum_of(lem_scan_column(&scan, "digest"));
	if (digest == NULL)
		corrupted(row, -1, "Its digest does not have the length of one.");
	memcpy(row->digest, digest, LEM_DIGEST_LENGTH);
	find_parsed(schema, row, &scan);
	lem_scan_end(&scan);
}

char *
lem_catalog_metrics(const char *schema, const lem_model_row *row)
{
	MemoryContext caller = CurrentMemoryContext;
	char	   *metrics = NULL;
	lem_query	query;

	lem_query_connect();
	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(row->id), false);
	if (lem_query_read(&query, "SELECT metrics::text FROM %1$s.lem_model"
					   " WHERE id = $1 AND metrics IS NOT NULL") > 0)
		metrics = MemoryContextStrdup(caller, TextDatumGetCString(lem_query_column(0, 1, NULL)));
	SPI_finish();
	return metrics;
}

/* Whether a table has a row with these keys. */
static bool
has_row(const char *schema, Snapshot snapshot, const char *index, const char *column, Oid type,
		Datum value)
{
	const lem_scan_key key = {column, type, value};
	lem_scan	scan;
	bool		found;

	lem_scan_begin(&scan, schema, snapshot, "lem_model", index, &key, 1);
	found = lem_scan_next(&scan);
	lem_scan_end(&scan);
	return found;
}

bool
lem_catalog_has_name(const char *schema, Snapshot snapshot, const char *name)
{
	return has_row(schema, snapshot, "lem_model_name_version_key", "name", TEXTOID,
				   CStringGetTextDatum(name));
}

bool
lem_catalog_has_model(const char *schema, Snapshot snapshot, int64 id)
{
	return has_row(schema, snapshot, "lem_model_pkey", "id", INT8OID, Int64GetDatum(id));
}

lem_role *
lem_catalog_owner(const char *schema, Snapshot snapshot, const char *name)
{
	const lem_scan_key key = {"name", TEXTOID, CStringGetTextDatum(name)};
	lem_scan	scan;
	lem_role   *owner = NULL;

	lem_scan_begin(&scan, schema, snapshot, "lem_model_name", "lem_model_name_pkey", &key, 1);
	if (lem_scan_next(&scan))
	{
		owner = palloc(sizeof(lem_role));
		*owner = *DatumGetLemRoleP(lem_scan_column(&scan, "owner"));
	}
	lem_scan_end(&scan);
	return owner;
}

List *
lem_catalog_grantees(const char *schema, Snapshot snapshot, const char *name, const char *right)
{
	const lem_scan_key keys[2] = {
		{"model", TEXTOID, CStringGetTextDatum(name)},
		{"privilege", TEXTOID, CStringGetTextDatum(right)}
	};
	lem_scan	scan;
	List	   *grantees = NIL;

	lem_scan_begin(&scan, schema, snapshot, "lem_model_right", "lem_model_right_pkey", keys, 2);
	while (lem_scan_next(&scan))
	{
		const lem_role *grantee = DatumGetLemRoleP(lem_scan_column(&scan, "grantee"));
		const Oid	id = lem_role_id(grantee);

		if (OidIsValid(id) || lem_role_is_public(grantee))
			grantees = lappend_oid(grantees, id);
	}
	lem_scan_end(&scan);
	return grantees;
}

float *
lem_catalog_part(const char *schema, const lem_model_row *row, int part)
{
	const lem_storage storage = row->config.storage;
	const int64 n = lem_part_size(&row->config, part);
	char	   *data;
	float	   *numbers;
	Size		length;
	int			format;

	data = find_data(schema, row, part, &length, &format);
	if (format != LEM_PART_FORMAT(storage))
		corrupted(row, part, "It does not have the format that the config asks for.");
	if (length != (Size) n * lem_storage_bytes(storage))
		corrupted(row, part, "It does not have the length that the config asks for.");
	if (storage == LEM_STORAGE_FLOAT32)
	{
		lem_catalog_swap((float *) data, n);
		return (float *) data;
	}
	numbers = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(float));
	lem_storage_load_part(&row->config, part, (uint8 *) data, numbers);
	pfree(data);
	return numbers;
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

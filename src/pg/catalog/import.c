/* import.c: models from safetensors files: lem_import, and lem_install_bundled. */
#include "postgres.h"

#include <sys/stat.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "core/parameters/safetensors.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/installation.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/json_keys.h"
#include "pg/catalog/json_read.h"
#include "pg/catalog/models.h"
#include "pg/catalog/rights.h"

/* Offsets and lengths in a file that are exact in a JSON reader's double. */
#define MAX_OFFSET (INT64CONST(1) << 53)

/* Keys of a safetensors header that are not tensors, and of the metadata with what is ours. */
#define METADATA_KEY "__metadata__"
#define CONFIG_KEY "lem.config"
#define METRICS_KEY "lem.metrics"

/* Names of the bundled models, each quoted and with a comma behind it; the Makefile knows them. */
#ifndef LEM_BUNDLED_MODELS
#define LEM_BUNDLED_MODELS
#endif

/* A file while it is being imported. */
typedef struct import
{
	const uint8 *data;			/* after the header */
	size_t		data_size;
	lem_config	config;
	lem_file_tensor *entries;
	int			n_entries;
	int		   *match;
} import;

static void damaged_entry(const char *name, int length, const char *what)
			pg_attribute_noreturn();

static void
damaged_entry(const char *name, int length, const char *what)
{
	length = pg_mbcliplen(name, length, LEM_MAX_TENSOR_NAME);
	ereport(ERROR,
			(errcode(ERRCODE_LEM_DAMAGED_FILE),
			 errmsg("the weights' header has no valid %s for \"%.*s\"", what, length, name)));
}

/* The header as jsonb: valid text, valid JSON, an object, no key of which comes twice. */
static Jsonb *
parse_header(const uint8 *header, size_t length)
{
	static const char *const message = "the weights' header is not valid JSON";
	char	   *text = pnstrdup((const char *) header, length);
	char	   *twice;
	Jsonb	   *json;

	if (strlen(text) != length || !pg_verify_mbstr(PG_UTF8, text, length, true))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("%s", message),
				 errdetail("It is not UTF-8 text.")));
	text = pg_any_to_server(text, length, PG_UTF8);
	json = DatumGetJsonbP(lem_input(F_JSONB_IN, text, ERRCODE_LEM_DAMAGED_FILE, message, NULL));
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("the weights' header is not a JSON object")));
	if (lem_json_has_duplicates(text, json, &twice))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 twice ? errmsg("the weights' header has the key \"%s\" twice",
								lem_clip_text(twice))
				 : errmsg("the weights' header has a key twice"),
				 errdetail("Readers differ in which of the two they take."),
				 errhint("Write the file again, with one entry for each tensor.")));
	return json;
}

/* What a file's metadata say under a key, as JSON in a string; NULL if nothing. */
static Jsonb *
metadata_of_file(Jsonb *header, const char *key, const char *what)
{
	JsonbValue *metadata = getKeyJsonValueFromContainer(&header->root, METADATA_KEY,
														strlen(METADATA_KEY), NULL);
	JsonbValue *value;

	if (metadata == NULL)
		return NULL;
	if (metadata->type != jbvBinary || !JsonContainerIsObject(metadata->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("the weights' metadata are not a JSON object")));
	value = getKeyJsonValueFromContainer(metadata->val.binary.data, key, strlen(key), NULL);
	if (value == NULL)
		return NULL;
	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("the %s in the weights' metadata %s not a string: %s", what,
						strcmp(key, CONFIG_KEY) == 0 ? "is" : "are", lem_json_describe(value))));
	return DatumGetJsonbP(lem_input(F_JSONB_IN,
									pnstrdup(value->val.string.val, value->val.string.len),
									ERRCODE_LEM_INVALID_CONFIG,
									psprintf("the %s in the weights' metadata %s not valid JSON", what,
											 strcmp(key, CONFIG_KEY) == 0 ? "is" : "are"),
									NULL));
}

/* The metrics that a file carries, NULL if it has none. */
static Jsonb *
metrics_of_file(Jsonb *header)
{
	Jsonb	   *metrics = metadata_of_file(header, METRICS_KEY, "metrics");

	if (metrics && !JB_ROOT_IS_OBJECT(metrics))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("the metrics in the weights' metadata are not a JSON object")));
	return metrics;
}

/* An array of whole numbers: how many there are (-1: it is not one), and the first max of them. */
static int
read_numbers(const JsonbValue *value, int64_t *numbers, int max)
{
	JsonbIterator *it;
	JsonbValue	element;
	int			n;

	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		return -1;
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &element, true);
	n = element.val.array.nElems;
	for (int i = 0; i < n && i < max; i++)
	{
		int64		number;

		(void) JsonbIteratorNext(&it, &element, true);
		if (!lem_json_integer(&element, 0, MAX_OFFSET, &number))
			return -1;
		numbers[i] = number;
	}
	return n;
}

/* One entry: {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}. */
static void
read_entry(const JsonbValue *key, const JsonbValue *value, lem_file_tensor *entry)
{
	const char *name = key->val.string.val;
	const int	length = key->val.string.len;
	JsonbContainer *fields;
	JsonbValue *dtype;
	int64_t		offsets[2];

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		damaged_entry(name, length, "entry");
	fields = value->val.binary.data;
	entry->name = name;
	entry->name_length = length;

	dtype = getKeyJsonValueFromContainer(fields, "dtype", strlen("dtype"), NULL);
	if (dtype == NULL || dtype->type != jbvString)
		damaged_entry(name, length, "dtype");
	entry->dtype = pnstrdup(dtype->val.string.val, dtype->val.string.len);

	entry->dims = read_numbers(getKeyJsonValueFromContainer(fields, "shape", strlen("shape"), NULL),
							   entry->shape, LEM_MAX_DIMS);
	if (entry->dims < 0)
		damaged_entry(name, length, "shape");
	if (entry->dims > LEM_MAX_DIMS)
		entry->dims = -1;

	if (read_numbers(getKeyJsonValueFromContainer(fields, "data_offsets", strlen("data_offsets"),
												  NULL), offsets, 2) != 2)
		damaged_entry(name, length, "data_offsets");
	entry->begin = offsets[0];
	entry->end = offsets[1];
}

/*
 * The entries of a header.  One more than the config has tensors is as good as all of them:
 * names differ, so one of them must be unknown.
 */
static void
read_entries(Jsonb *header, import *in)
{
	const int	max = lem_tensor_count(&in->config) + 1;
	JsonbIterator *it = JsonbIteratorInit(&header->root);
	JsonbIteratorToken token;
	JsonbValue	key;

	in->entries = palloc0(max * sizeof(lem_file_tensor));
	in->n_entries = 0;
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE && in->n_entries < max)
	{
		JsonbValue	value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		if (key.val.string.len != (int) strlen(METADATA_KEY) ||
			memcmp(key.val.string.val, METADATA_KEY, strlen(METADATA_KEY)) != 0)
			read_entry(&key, &value, &in->entries[in->n_entries++]);
	}
}

static void
part_of_file(void *arg, int part, float *out)
{
	import	   *in = arg;

	lem_file_read_part(&in->config, in->entries, in->match, in->data, part, out);
}

/* Store a file as a version of a model (see lem_models_store).  config NULL: the file's own. */
static int
store_file(const char *schema, const char *name, const uint8 *file, size_t size, Jsonb *config,
		   bool *fresh)
{
	const uint8 *header_text;
	size_t		header_length;
	Jsonb	   *header;
	Jsonb	   *metrics = NULL;
	pg_tz	   *time_zone;
	import		in;
	lem_fault	fault;

	lem_models_check_name(name);
	(void) lem_rights_check(schema, GetUserId(), name, LEM_RIGHT_TRAIN);
	lem_pg_check(lem_file_split(file, size, &header_length, &header_text, &in.data, &in.data_size,
								&fault), &fault);
	header = parse_header(header_text, header_length);
	CHECK_FOR_INTERRUPTS();

	/* metrics belong to the config that they were measured with */
	if (config == NULL)
	{
		config = metadata_of_file(header, CONFIG_KEY, "config");
		metrics = metrics_of_file(header);
	}
	if (config == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the weights come without a config"),
				 errhint("Pass the model's config as the third argument of lem_import.")));
	lem_config_read(config, &in.config, &time_zone);

	read_entries(header, &in);
	in.match = palloc(lem_tensor_count(&in.config) * sizeof(int));
	CHECK_FOR_INTERRUPTS();
	lem_pg_check(lem_file_match(&in.config, in.entries, in.n_entries, in.data, in.data_size,
								in.match, &fault), &fault);
	return lem_models_store(schema, name, &in.config, time_zone, part_of_file, &in, 0, metrics,
							fresh);
}

/*
 * lem_import(name text, weights bytea, config jsonb DEFAULT NULL) RETURNS int
 *
 * Stores a safetensors file as a new version of a model; returns the version.  Without config the
 * file's own is taken, from the key "lem.config" of its metadata, and its metrics, if it has any,
 * from "lem.metrics".
 */
LEM_FUNCTION(pg_lem_import);

Datum
pg_lem_import(PG_FUNCTION_ARGS)
{
	bytea	   *file;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", PG_ARGISNULL(0) ? "name" : "weights")));
	file = PG_GETARG_BYTEA_PP(1);
	PG_RETURN_INT32(store_file(lem_schema(fcinfo), text_to_cstring(PG_GETARG_TEXT_PP(0)),
							   (const uint8 *) VARDATA_ANY(file), VARSIZE_ANY_EXHDR(file),
							   PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), NULL));
}

/* The bundled models: files of these names with .safetensors, as the build found them. */
static const char *const bundled[] = {LEM_BUNDLED_MODELS NULL};

static void missing_file(const char *name, const char *path, const char *why)
			pg_attribute_noreturn();

static void
missing_file(const char *name, const char *path, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FILE),
			 errmsg("cannot read the bundled model \"%s\"", name),
			 errdetail("File \"%s\": %s.", path, why),
			 errhint("The server's installation of lem lacks files: install it again.")));
}

/* A bundled model's file, from where the extension is installed; palloc'd. */
static uint8 *
read_bundled(const char *name, size_t *size)
{
	char	   *path;
	uint8	   *bytes;
	FILE	   *file;
	struct stat status;

	path = lem_installed_file(psprintf("%s.safetensors", name));
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL)
		missing_file(name, path, strerror(errno));
	if (fstat(fileno(file), &status) != 0)
		missing_file(name, path, strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_size > (off_t) MaxAllocSize)
		missing_file(name, path, "it is not a file of weights");
	*size = (size_t) status.st_size;
	bytes = palloc(Max(*size, 1));
	if (fread(bytes, 1, *size, file) != *size)
		missing_file(name, path, "it could not be read to its end");
	FreeFile(file);
	return bytes;
}

/*
 * lem_install_bundled() RETURNS TABLE (name text, version int, installed boolean)
 *
 * Stores the models that come with the extension, a row each: the version that has it, and whether
 * it is new.  A model whose config and weights a version of its name has is not stored again.
 */
LEM_FUNCTION(pg_lem_install_bundled);

Datum
pg_lem_install_bundled(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *schema = lem_schema(fcinfo);
	MemoryContext context;

	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem bundled model",
									ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; bundled[i]; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		size_t		size;
		uint8	   *file = read_bundled(bundled[i], &size);
		bool		installed;
		int			version = store_file(schema, bundled[i], file, size, NULL, &installed);
		Datum		values[3] = {
			CStringGetTextDatum(bundled[i]), Int32GetDatum(version), BoolGetDatum(installed)
		};
		bool		nulls[3] = {false};

		MemoryContextSwitchTo(old);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	return (Datum) 0;
}

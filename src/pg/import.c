/* import.c: lem_import, models from safetensors files. */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"

#include "core/safetensors.h"
#include "pg/compat.h"
#include "pg/config_json.h"
#include "pg/errors.h"
#include "pg/models.h"

/* Offsets and lengths in a file that are exact in a JSON reader's double. */
#define MAX_OFFSET (INT64CONST(1) << 53)

/* Keys of a safetensors header that are not tensors, and of the metadata with our config. */
#define METADATA_KEY "__metadata__"
#define CONFIG_KEY "lem.config"

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

/* The header as jsonb: valid text, valid JSON, an object. */
static Jsonb *
parse_header(const uint8 *header, size_t length)
{
	static const char *const message = "the weights' header is not valid JSON";
	char	   *text = pnstrdup((const char *) header, length);
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
	return json;
}

/* The config that a file carries, NULL if it has none. */
static Jsonb *
config_of_file(Jsonb *header)
{
	JsonbValue *metadata = getKeyJsonValueFromContainer(&header->root, METADATA_KEY,
														strlen(METADATA_KEY), NULL);
	JsonbValue *config;

	if (metadata == NULL)
		return NULL;
	if (metadata->type != jbvBinary || !JsonContainerIsObject(metadata->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("the weights' metadata are not a JSON object")));
	config = getKeyJsonValueFromContainer(metadata->val.binary.data, CONFIG_KEY,
										  strlen(CONFIG_KEY), NULL);
	if (config == NULL)
		return NULL;
	if (config->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_DAMAGED_FILE),
				 errmsg("the config in the weights' metadata is not a string: %s",
						lem_json_describe(config))));
	return DatumGetJsonbP(lem_input(F_JSONB_IN,
									pnstrdup(config->val.string.val, config->val.string.len),
									ERRCODE_LEM_INVALID_CONFIG,
									"the config in the weights' metadata is not valid JSON",
									NULL));
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

/*
 * lem_import(name text, weights bytea, config jsonb DEFAULT NULL) RETURNS int
 *
 * Stores a safetensors file as a new version of a model; returns the version.  Without config the
 * file's own is taken, from the key "lem.config" of its metadata.
 */
LEM_FUNCTION(pg_lem_import);

Datum
pg_lem_import(PG_FUNCTION_ARGS)
{
	char	   *name;
	bytea	   *file;
	const uint8 *header_text;
	size_t		header_length;
	Jsonb	   *header;
	Jsonb	   *config;
	pg_tz	   *time_zone;
	import		in;
	lem_fault	fault;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", PG_ARGISNULL(0) ? "name" : "weights")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_models_check_name(name);
	file = PG_GETARG_BYTEA_PP(1);
	lem_pg_check(lem_file_split((const uint8 *) VARDATA_ANY(file), VARSIZE_ANY_EXHDR(file),
								&header_length, &header_text, &in.data, &in.data_size, &fault),
				 &fault);
	header = parse_header(header_text, header_length);
	CHECK_FOR_INTERRUPTS();

	config = PG_ARGISNULL(2) ? config_of_file(header) : PG_GETARG_JSONB_P(2);
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
	PG_RETURN_INT32(lem_models_store(lem_schema(fcinfo), name, &in.config, time_zone,
									 part_of_file, &in, 0, NULL));
}

/* export.c: safetensors files: models (lem_export), and what else has a model's tensors. */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "core/parameters/safetensors.h"
#include "core/parameters/storage.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/export.h"
#include "pg/catalog/rights.h"

/* The length of the header comes first, in 8 bytes. */
#define LENGTH_BYTES 8

/* Adds a tensor's entry to the header (a StringInfo); begin: of its bytes within the data. */
static void
write_entry(StringInfo header, const lem_tensor *tensor, lem_storage storage, int64 begin)
{
	appendStringInfoString(header, ",");
	escape_json(header, tensor->name);
	appendStringInfo(header, ":{\"dtype\":\"%s\",\"shape\":[", lem_storage_dtype(storage));
	for (int i = 0; i < tensor->dims; i++)
		appendStringInfo(header, "%s" INT64_FORMAT, i > 0 ? "," : "", (int64) tensor->shape[i]);
	appendStringInfo(header, "],\"data_offsets\":[" INT64_FORMAT "," INT64_FORMAT "]}",
					 begin, begin + (int64) tensor->size * lem_storage_bytes(storage));
}

/* Numbers of a file: gradients are float32 whatever the model is stored as. */
static lem_storage
file_storage(const lem_config *config, bool gradient)
{
	return gradient ? LEM_STORAGE_FLOAT32 : config->storage;
}

/* The header, padded so that the data begin at a multiple of 8. */
static char *
write_header(const lem_config *config, const char *metadata, bool gradient, size_t *length)
{
	const int	n = lem_tensor_count(config);
	const lem_storage storage = file_storage(config, gradient);
	lem_tensor *table = palloc(n * sizeof(lem_tensor));
	StringInfoData header;
	int64		begin = 0;
	char	   *text;

	initStringInfo(&header);
	appendStringInfo(&header, "{\"__metadata__\":%s", metadata);
	lem_tensor_table(config, table);
	for (int i = 0; i < n; i++)
	{
		if (gradient && table[i].constant)
			continue;
		write_entry(&header, &table[i], storage, begin);
		begin += table[i].size * lem_storage_bytes(storage);
	}
	appendStringInfoChar(&header, '}');
	pfree(table);

	text = pg_server_to_any(header.data, header.len, PG_UTF8);
	if (text != header.data)
	{
		resetStringInfo(&header);
		appendStringInfoString(&header, text);
	}
	while (header.len % 8 != 0)
		appendStringInfoChar(&header, ' ');
	*length = header.len;
	return header.data;
}

bytea *
lem_export_begin(const lem_config *config, const char *metadata, bool gradient, uint8 **data)
{
	size_t		header_length;
	char	   *header = write_header(config, metadata, gradient, &header_length);
	const Size	size = VARHDRSZ + LENGTH_BYTES + header_length
		+ lem_parameter_count(config, gradient)
		* lem_storage_bytes(file_storage(config, gradient));
	bytea	   *file;
	uint8	   *out;

	LEM_ENSURE(AllocSizeIsValid(size));
	file = palloc(size);
	SET_VARSIZE(file, size);
	out = (uint8 *) VARDATA(file);
	for (int i = 0; i < LENGTH_BYTES; i++)
		*out++ = (uint8) ((uint64) header_length >> (8 * i));
	memcpy(out, header, header_length);
	*data = out + header_length;
	pfree(header);
	return file;
}

/*
 * The config, the metrics if the model has any, and nothing that would make files of the same model
 * differ.
 */
static char *
model_metadata(const char *schema, const lem_model_row *row)
{
	const char *metrics = lem_catalog_metrics(schema, row);
	StringInfoData metadata;

	initStringInfo(&metadata);
	appendStringInfoString(&metadata, "{\"format\":\"lem\",\"lem.config\":");
	escape_json(&metadata, lem_config_text(lem_config_write(&row->config, row->time_zone)));
	if (metrics)
	{
		appendStringInfoString(&metadata, ",\"lem.metrics\":");
		escape_json(&metadata, metrics);
	}
	appendStringInfoChar(&metadata, '}');
	return metadata.data;
}

/*
 * lem_export(model text) RETURNS bytea
 *
 * A safetensors file with all of a model's tensors as they are stored, and its config and metrics
 * in the metadata; the same bytes for the same model, whatever its name and version.  STRICT.
 */
LEM_FUNCTION(pg_lem_export);

Datum
pg_lem_export(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	lem_model_row row;
	bytea	   *file;
	uint8	   *data;

	lem_rights_find_for(schema, GetUserId(), LEM_RIGHT_READ,
						text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	file = lem_export_begin(&row.config, model_metadata(schema, &row), false, &data);
	for (int part = 0; part < lem_part_count(&row.config); part++)
	{
		float	   *numbers = lem_catalog_part(schema, &row, part);

		CHECK_FOR_INTERRUPTS();
		lem_file_write_part(&row.config, part, numbers, data);
		pfree(numbers);
	}
	PG_RETURN_BYTEA_P(file);
}

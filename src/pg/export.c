/* export.c: lem_export, models as safetensors files. */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "core/safetensors.h"
#include "pg/catalog.h"
#include "pg/compat.h"
#include "pg/config_json.h"
#include "pg/errors.h"

/* The length of the header comes first, in 8 bytes. */
#define LENGTH_BYTES 8

/* Adds a tensor's entry to the header (a StringInfo); begin: of its bytes within the data. */
static void
write_entry(StringInfo header, const lem_tensor *tensor, int64 begin)
{
	appendStringInfoString(header, ",");
	escape_json(header, tensor->name);
	appendStringInfoString(header, ":{\"dtype\":\"F32\",\"shape\":[");
	for (int i = 0; i < tensor->dims; i++)
		appendStringInfo(header, "%s" INT64_FORMAT, i > 0 ? "," : "", (int64) tensor->shape[i]);
	appendStringInfo(header, "],\"data_offsets\":[" INT64_FORMAT "," INT64_FORMAT "]}",
					 begin, begin + (int64) tensor->size * (int64) sizeof(float));
}

/*
 * The header: the config and nothing that would make files of the same model differ, then all
 * tensors in the order of the table; padded so that the data begin at a multiple of 8.
 */
static char *
write_header(const lem_model_row *row, size_t *length)
{
	const int	n = lem_tensor_count(&row->config);
	lem_tensor *table = palloc(n * sizeof(lem_tensor));
	StringInfoData header;
	int64		begin = 0;
	char	   *text;

	initStringInfo(&header);
	appendStringInfoString(&header, "{\"__metadata__\":{\"format\":\"lem\",\"lem.config\":");
	escape_json(&header, lem_config_text(lem_config_write(&row->config, row->time_zone)));
	appendStringInfoChar(&header, '}');
	lem_tensor_table(&row->config, table);
	for (int i = 0; i < n; i++)
	{
		write_entry(&header, &table[i], begin);
		begin += table[i].size * (int64) sizeof(float);
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

/*
 * lem_export(model text) RETURNS bytea
 *
 * A safetensors file with all of a model's tensors as float32 and its config in the metadata; the
 * same bytes for the same model, whatever its name and version.  STRICT.
 */
LEM_FUNCTION(pg_lem_export);

Datum
pg_lem_export(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	lem_model_row row;
	char	   *header;
	size_t		header_length;
	Size		size;
	bytea	   *file;
	uint8	   *out;

	lem_catalog_find(schema, text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	header = write_header(&row, &header_length);
	size = VARHDRSZ + LENGTH_BYTES + header_length
		+ lem_parameter_count(&row.config, false) * sizeof(float);
	LEM_ENSURE(AllocSizeIsValid(size));
	file = palloc(size);
	SET_VARSIZE(file, size);
	out = (uint8 *) VARDATA(file);
	for (int i = 0; i < LENGTH_BYTES; i++)
		*out++ = (uint8) ((uint64) header_length >> (8 * i));
	memcpy(out, header, header_length);
	out += header_length;
	for (int part = 0; part < lem_part_count(&row.config); part++)
	{
		float	   *numbers = lem_catalog_part(schema, &row, part);

		CHECK_FOR_INTERRUPTS();
		lem_file_write_part(&row.config, part, numbers, out);
		pfree(numbers);
	}
	PG_RETURN_BYTEA_P(file);
}

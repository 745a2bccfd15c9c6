/* bar_rows.c: bars as rows of a query that a user passes. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "pg/bars/bar_rows.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"

static const char *const column_names[] = {"series", "ts", "price", "volume", "features",
"close", "high", "low"};

/* Whether price and volume can be of a type. */
static bool
is_number(Oid type)
{
	return type == FLOAT8OID || type == FLOAT4OID || type == NUMERICOID || type == INT2OID ||
		type == INT4OID || type == INT8OID;
}

double
lem_bar_number(Datum value, Oid type)
{
	switch (type)
	{
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case NUMERICOID:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
		default:
			return DatumGetFloat8(value);
	}
}

static void
wrong_type(const char *column, Oid type, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of the bars has type %s", column, format_type_be(type)),
			 errhint("It must be %s: add a cast to the query.", wanted)));
}

void
lem_bar_number_check(const char *column, Oid type)
{
	if (!is_number(type))
		wrong_type(column, type, "double precision");
}

void
lem_bar_type_check(const char *column, Oid type, Oid wanted, const char *name)
{
	if (type != wanted)
		wrong_type(column, type, name);
}

void
lem_bar_columns_find(lem_bar_columns *columns, TupleDesc desc, MemoryContext context)
{
	Oid			output;
	bool		varlena;

	for (int c = 0; c < LEM_BAR_COLUMNS; c++)
	{
		columns->numbers[c] = 0;
		for (int i = 1; i <= desc->natts; i++)
		{
			if (strcmp(SPI_fname(desc, i), column_names[c]) != 0)
				continue;
			if (columns->numbers[c] != 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the query for the bars has more than one column \"%s\"",
								column_names[c])));
			columns->numbers[c] = i;
			columns->types[c] = SPI_gettypeid(desc, i);
		}
		if (columns->numbers[c] == 0 && c < LEM_BAR_FEATURES)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the query for the bars has no column \"%s\"", column_names[c]),
					 errhint("It must return the columns series, ts, price and volume, and may "
							 "return features, close, high and low.")));
	}
	if (columns->types[LEM_BAR_TS] != TIMESTAMPTZOID)
		wrong_type("ts", columns->types[LEM_BAR_TS], "timestamp with time zone");
	for (int c = LEM_BAR_PRICE; c < LEM_BAR_COLUMNS; c++)
		if (c != LEM_BAR_FEATURES && columns->numbers[c] != 0)
			lem_bar_number_check(column_names[c], columns->types[c]);
	if (columns->numbers[LEM_BAR_FEATURES] != 0 &&
		columns->types[LEM_BAR_FEATURES] != FLOAT8ARRAYOID)
		wrong_type("features", columns->types[LEM_BAR_FEATURES], "double precision[]");
	getTypeOutputInfo(columns->types[LEM_BAR_SERIES], &output, &varlena);
	fmgr_info_cxt(output, &columns->series_output, context);
}

const double *
lem_bar_features(Datum value, int64 ts, int *n)
{
	ArrayType  *array = DatumGetArrayTypeP(value);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the features of the bar at %s have %d dimensions",
						timestamptz_to_str(ts), ARR_NDIM(array)),
				 errhint("Return one-dimensional arrays.")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("a feature of the bar at %s is NULL", timestamptz_to_str(ts)),
				 errhint("Give a missing feature a number, or make the bar's price NULL to leave "
						 "it out.")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (const double *) ARR_DATA_PTR(array);
}

int
lem_bar_columns_format(const lem_bar_columns *columns)
{
	if (columns->numbers[LEM_BAR_CLOSE] == 0)
		return LEM_BARS_PLAIN;
	return columns->numbers[LEM_BAR_HIGH] > 0 && columns->numbers[LEM_BAR_LOW] > 0 ? LEM_BARS_RANGE
		: LEM_BARS_CLOSE;
}

bool
lem_bar_row_read(lem_bar_columns *columns, HeapTuple tuple, TupleDesc desc, lem_bar_row *row,
				 const char **series)
{
	Datum		values[LEM_BAR_COLUMNS] = {0};
	bool		nulls[LEM_BAR_COLUMNS];

	for (int c = 0; c < LEM_BAR_COLUMNS; c++)
	{
		nulls[c] = true;
		if (columns->numbers[c] != 0)
			values[c] = SPI_getbinval(tuple, desc, columns->numbers[c], &nulls[c]);
	}
	if (nulls[LEM_BAR_TS] || nulls[LEM_BAR_PRICE] || nulls[LEM_BAR_VOLUME])
		return false;
	row->bar.ts = DatumGetTimestampTz(values[LEM_BAR_TS]);
	if (nulls[LEM_BAR_SERIES])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the series of the bar at %s is NULL", timestamptz_to_str(row->bar.ts)),
				 errhint("Name the series that each bar belongs to.")));
	row->series = *series = OutputFunctionCall(&columns->series_output, values[LEM_BAR_SERIES]);
	row->bar.price = lem_bar_number(values[LEM_BAR_PRICE], columns->types[LEM_BAR_PRICE]);
	row->bar.volume = lem_bar_number(values[LEM_BAR_VOLUME], columns->types[LEM_BAR_VOLUME]);
	row->bar.format = LEM_BARS_PLAIN;
	if (!nulls[LEM_BAR_CLOSE])
	{
		row->bar.format = LEM_BARS_CLOSE;
		row->bar.close = lem_bar_number(values[LEM_BAR_CLOSE], columns->types[LEM_BAR_CLOSE]);
		if (!nulls[LEM_BAR_HIGH] && !nulls[LEM_BAR_LOW])
		{
			row->bar.format = LEM_BARS_RANGE;
			row->bar.high = lem_bar_number(values[LEM_BAR_HIGH], columns->types[LEM_BAR_HIGH]);
			row->bar.low = lem_bar_number(values[LEM_BAR_LOW], columns->types[LEM_BAR_LOW]);
		}
	}
	row->bar.features = NULL;
	row->bar.n_features = 0;
	if (columns->numbers[LEM_BAR_FEATURES] != 0)
	{
		if (nulls[LEM_BAR_FEATURES])
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("the features of the bar at %s are NULL", timestamptz_to_str(row->bar.ts)),
					 errhint("Return a float8[] for every bar, or leave out the column.")));
		row->bar.features = lem_bar_features(values[LEM_BAR_FEATURES], row->bar.ts,
											 &row->bar.n_features);
	}
	return true;
}

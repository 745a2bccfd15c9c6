/*
 * bars_type.c: input and output of the lem_bars type, and looking into it.
 *
 * Text form: {"2024-01-01 00:00:00+00" 101.5 2000 [0.25 -1], ...}: a bar is its quoted time, price,
 * volume and, in brackets, its features if there are any.  Output is always ISO in UTC with the
 * fewest digits that give each number back, whatever the session's settings are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"
#include "pg/base/text_value.h"

/* Bytes before the arrays. */
#define BARS_HEADER sizeof(lem_bars)

LEM_FUNCTION(pg_lem_bars_in);
LEM_FUNCTION(pg_lem_bars_out);
LEM_FUNCTION(pg_lem_bars_recv);
LEM_FUNCTION(pg_lem_bars_send);
LEM_FUNCTION(pg_lem_bars_count);
LEM_FUNCTION(pg_lem_unnest);

/* Bytes that n bars take on disk; raises 54000 if that is more than a value can have. */
static Size
bars_bytes(Size n, int n_features, const char *type)
{
	Size		bar = sizeof(double) * (3 + n_features);

	if (n > (MaxAllocSize - BARS_HEADER) / bar)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%zu bars with %d features are too many for one %s", n, n_features, type),
				 errdetail("A value holds at most %zu such bars, 1 GB.",
						   (MaxAllocSize - BARS_HEADER) / bar),
				 errhint("Keep only the bars that models need, or use the aggregate lem_schedule, "
						 "which has no such limit.")));
	return BARS_HEADER + n * bar;
}

lem_bars *
lem_series_alloc(Size n, int n_features, uint16 format, const char *type, int64 **ts,
				 double **price, double **volume, double **features)
{
	Size		bytes = bars_bytes(n, n_features, type);
	lem_bars   *bars = palloc(bytes);

	SET_VARSIZE(bars, bytes);
	bars->format = format;
	bars->n_features = (uint16) n_features;
	bars->n = (int64) n;
	*ts = (int64 *) ((char *) bars + BARS_HEADER);
	*price = (double *) (*ts + n);
	*volume = *price + n;
	*features = *volume + n;
	return bars;
}

lem_bars *
lem_series_make(const lem_series *series, uint16 format, const char *type)
{
	int64	   *ts;
	double	   *price;
	double	   *volume;
	double	   *features;
	lem_bars   *bars = lem_series_alloc(series->n, series->n_features, format, type, &ts, &price,
										&volume, &features);

	if (series->n > 0)
	{
		memcpy(ts, series->ts, series->n * sizeof(int64));
		memcpy(price, series->price, series->n * sizeof(double));
		memcpy(volume, series->volume, series->n * sizeof(double));
		if (series->n_features > 0)
			memcpy(features, series->features,
				   series->n * series->n_features * sizeof(double));
	}
	return bars;
}

lem_bars *
lem_bars_make(const lem_series *series)
{
	return lem_series_make(series, LEM_BARS_FORMAT, "lem_bars");
}

void
lem_series_damaged(const char *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("damaged %s value", type)));
}

void
lem_series_view(const lem_bars *bars, const char *type, lem_series *series)
{
	Size		bytes = VARSIZE(bars);
	Size		bar;

	if (bytes < BARS_HEADER || bars->n_features > LEM_BARS_MAX_FEATURES || bars->n < 0)
		lem_series_damaged(type);
	bar = sizeof(double) * (3 + bars->n_features);
	if ((Size) bars->n != (bytes - BARS_HEADER) / bar || (bytes - BARS_HEADER) % bar != 0)
		lem_series_damaged(type);
	series->n = (Size) bars->n;
	series->n_features = bars->n_features;
	series->ts = (const int64_t *) ((const char *) bars + BARS_HEADER);
	series->price = (const double *) (series->ts + series->n);
	series->volume = series->price + series->n;
	series->features = bars->n_features > 0 ? series->volume + series->n : NULL;
	series->close = series->high = series->low = NULL;
}

void
lem_bars_view(const lem_bars *bars, lem_series *series)
{
	lem_series_view(bars, "lem_bars", series);
	if (bars->format != LEM_BARS_FORMAT)
		lem_series_damaged("lem_bars");
}

/* Features in brackets, if there are any; returns how many. */
static int
read_features(lem_reader *reader, double *features)
{
	int			n = 0;

	if (!lem_read_char(reader, '['))
		return 0;
	while (!lem_read_char(reader, ']'))
	{
		double		x = lem_read_number(reader, "a feature, or a closing bracket");

		if (n == LEM_BARS_MAX_FEATURES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a bar has more than %d features", LEM_BARS_MAX_FEATURES)));
		features[n++] = x;
	}
	return n;
}

/*
 * lem_bars_in(cstring) returns lem_bars.  Bars may come in any order; a time without a zone is in
 * the session's.  Errors: 22P02, those of timestamptz and float8, LM001, LM002.
 */
Datum
pg_lem_bars_in(PG_FUNCTION_ARGS)
{
	lem_reader	reader;
	lem_builder *builder = lem_builder_create(CurrentMemoryContext);
	lem_series	series;

	reader.text = reader.at = PG_GETARG_CSTRING(0);
	reader.type = "lem_bars";
	reader.hint = "Bars look like {\"2024-01-01 00:00:00+00\" 101.5 2000, ...}, with features "
		"in brackets after the volume.";
	if (!lem_read_char(&reader, '{'))
		lem_read_fail(&reader, "an opening brace");
	if (!lem_read_char(&reader, '}'))
	{
		do
		{
			double		features[LEM_BARS_MAX_FEATURES];
			int64		ts = lem_read_time(&reader);
			double		price = lem_read_number(&reader, "a price");
			double		volume = lem_read_number(&reader, "a volume");
			int			n_features = read_features(&reader, features);

			lem_builder_add(builder, ts, price, volume, features, n_features);
			CHECK_FOR_INTERRUPTS();
		} while (lem_read_char(&reader, ','));
		if (!lem_read_char(&reader, '}'))
			lem_read_fail(&reader, "a comma or a closing brace");
	}
	lem_read_space(&reader);
	if (*reader.at != '\0')
		lem_read_fail(&reader, "nothing after the closing brace");
	lem_builder_series(builder, &series);
	PG_RETURN_POINTER(lem_bars_make(&series));
}

/* lem_bars_out(lem_bars) returns cstring: lossless, in time order, ISO in UTC. */
Datum
pg_lem_bars_out(PG_FUNCTION_ARGS)
{
	lem_series	series;
	StringInfoData text;

	lem_bars_view(PG_GETARG_LEM_BARS_P(0), &series);
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (Size i = 0; i < series.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(&text, ", ");
		lem_write_time(&text, series.ts[i]);
		lem_write_number(&text, ' ', series.price[i]);
		lem_write_number(&text, ' ', series.volume[i]);
		for (int j = 0; j < series.n_features; j++)
		{
			if (j == 0)
				appendStringInfoString(&text, " [");
			lem_write_number(&text, j > 0 ? ' ' : '\0', series.features[i * series.n_features + j]);
		}
		if (series.n_features > 0)
			appendStringInfoChar(&text, ']');
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/*
 * lem_bars_recv(internal) returns lem_bars: network byte order as bars_type.h says.  The count is
 * held against the message before anything is allocated.  Errors: 22P03, LM001, LM002.
 */
Datum
pg_lem_bars_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int64		n;
	int			n_features;
	int64	   *ts;
	double	   *price;
	double	   *volume;
	double	   *features;
	lem_bars   *bars;
	lem_series	series;
	lem_fault	fault;

	lem_series_read_header(buffer, &n, &n_features);
	bars = lem_series_alloc(n, n_features, LEM_BARS_FORMAT, "lem_bars", &ts, &price, &volume,
							&features);
	lem_series_read(buffer, n, n_features, ts, price, volume, features);
	for (int64 i = 0; i < n; i++)
	{
		if (!IS_VALID_TIMESTAMP(ts[i]) || (i > 0 && ts[i] < ts[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("bar %lld of binary lem_bars has a time that is out of range or order",
							(long long) i + 1)));
	}
	lem_bars_view(bars, &series);
	lem_pg_check(lem_series_check(&series, &fault), &fault);
	PG_RETURN_POINTER(bars);
}

/* lem_bars_send(lem_bars) returns bytea: what lem_bars_recv reads. */
Datum
pg_lem_bars_send(PG_FUNCTION_ARGS)
{
	lem_series	series;
	StringInfoData buffer;

	lem_bars_view(PG_GETARG_LEM_BARS_P(0), &series);
	pq_begintypsend(&buffer);
	lem_series_write(&series, &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

int64
lem_series_count(Datum datum, const char *type, uint16 *format)
{
	struct varlena *start = PG_DETOAST_DATUM_SLICE(datum, 0, BARS_HEADER - VARHDRSZ);
	lem_bars	bars;

	if (VARSIZE_ANY_EXHDR(start) < BARS_HEADER - VARHDRSZ)
		lem_series_damaged(type);
	memcpy((char *) &bars + VARHDRSZ, VARDATA_ANY(start), BARS_HEADER - VARHDRSZ);
	if (bars.n < 0)
		lem_series_damaged(type);
	*format = bars.format;
	return bars.n;
}

/* lem_bars_count(lem_bars) returns bigint: the number of bars; reads the value's header only. */
Datum
pg_lem_bars_count(PG_FUNCTION_ARGS)
{
	uint16		format;
	int64		n = lem_series_count(PG_GETARG_DATUM(0), "lem_bars", &format);

	if (format != LEM_BARS_FORMAT)
		lem_series_damaged("lem_bars");
	PG_RETURN_INT64(n);
}

/*
 * lem_unnest(lem_bars) returns setof (ts, price, volume, features): one row a bar in time order;
 * features is NULL where the bars have none.
 */
Datum
pg_lem_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	lem_series	series;
	MemoryContext row_context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	lem_bars_view(PG_GETARG_LEM_BARS_P(0), &series);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "lem_unnest row",
										ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(row_context);
	for (Size i = 0; i < series.n; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false, false, false, series.n_features == 0};
		Datum		elements[LEM_BARS_MAX_FEATURES];

		CHECK_FOR_INTERRUPTS();
		values[0] = TimestampTzGetDatum(series.ts[i]);
		values[1] = Float8GetDatum(series.price[i]);
		values[2] = Float8GetDatum(series.volume[i]);
		values[3] = (Datum) 0;
		for (int j = 0; j < series.n_features; j++)
			elements[j] = Float8GetDatum(series.features[i * series.n_features + j]);
		if (series.n_features > 0)
			values[3] = PointerGetDatum(construct_array(elements, series.n_features, FLOAT8OID,
														sizeof(float8), FLOAT8PASSBYVAL,
														TYPALIGN_DOUBLE));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}

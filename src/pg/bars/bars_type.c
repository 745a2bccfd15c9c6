/*
 * bars_type.c: input and output of the lem_bars type, and looking into it.
 *
 * Text form: {"2024-01-01 00:00:00+00" 101.5 2000 (101.75 103 100.5) [0.25 -1], ...}: a bar is its
 * quoted time, price, volume and, if there are any, in parentheses its close, or its close, high and
 * low, and in brackets its features.  Output is always ISO in UTC with the
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
LEM_FUNCTION(pg_lem_unnest_closes);

/* Bytes that n bars take on disk; raises 54000 if that is more than a value can have. */
static Size
bars_bytes(Size n, int format, int n_features, const char *type)
{
	Size		bar = sizeof(double) * (lem_bars_width(format) + n_features);

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
lem_series_alloc(Size n, int n_features, uint16 format, const char *type,
				 lem_series_arrays *arrays)
{
	Size		bytes = bars_bytes(n, format, n_features, type);
	lem_bars   *bars = palloc(bytes);
	double	   *at;

	SET_VARSIZE(bars, bytes);
	bars->format = format;
	bars->n_features = (uint16) n_features;
	bars->n = (int64) n;
	memset(arrays, 0, sizeof(*arrays));
	arrays->ts = (int64 *) ((char *) bars + BARS_HEADER);
	arrays->price = (double *) (arrays->ts + n);
	arrays->volume = arrays->price + n;
	at = arrays->volume + n;
	if (format == LEM_BARS_CLOSE || format == LEM_BARS_RANGE)
	{
		arrays->close = at;
		at += n;
	}
	if (format == LEM_BARS_RANGE)
	{
		arrays->high = at;
		arrays->low = at + n;
		at += 2 * n;
	}
	arrays->features = at;
	return bars;
}

lem_bars *
lem_series_make(const lem_series *series, uint16 format, const char *type)
{
	const Size	bytes = series->n * sizeof(double);
	lem_series_arrays to;
	lem_bars   *bars = lem_series_alloc(series->n, series->n_features, format, type, &to);

	if (series->n > 0)
	{
		memcpy(to.ts, series->ts, series->n * sizeof(int64));
		memcpy(to.price, series->price, bytes);
		memcpy(to.volume, series->volume, bytes);
		if (to.close)
			memcpy(to.close, series->close, bytes);
		if (to.high)
		{
			memcpy(to.high, series->high, bytes);
			memcpy(to.low, series->low, bytes);
		}
		if (series->n_features > 0)
			memcpy(to.features, series->features, bytes * series->n_features);
	}
	return bars;
}

lem_bars *
lem_bars_make(const lem_series *series)
{
	return lem_series_make(series, (uint16) lem_series_format(series), "lem_bars");
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
	const double *at;

	if (bytes < BARS_HEADER || bars->n_features > LEM_BARS_MAX_FEATURES || bars->n < 0)
		lem_series_damaged(type);
	bar = sizeof(double) * (lem_bars_width(bars->format) + bars->n_features);
	if ((Size) bars->n != (bytes - BARS_HEADER) / bar || (bytes - BARS_HEADER) % bar != 0)
		lem_series_damaged(type);
	series->n = (Size) bars->n;
	series->n_features = bars->n_features;
	series->ts = (const int64_t *) ((const char *) bars + BARS_HEADER);
	series->price = (const double *) (series->ts + series->n);
	series->volume = series->price + series->n;
	series->close = series->high = series->low = NULL;
	at = series->volume + series->n;
	if (bars->format == LEM_BARS_CLOSE || bars->format == LEM_BARS_RANGE)
	{
		series->close = at;
		at += series->n;
	}
	if (bars->format == LEM_BARS_RANGE)
	{
		series->high = at;
		series->low = at + series->n;
		at += 2 * series->n;
	}
	series->features = bars->n_features > 0 ? at : NULL;
}

void
lem_bars_view(const lem_bars *bars, lem_series *series)
{
	lem_series_view(bars, "lem_bars", series);
	if (bars->format < LEM_BARS_PLAIN || bars->format > LEM_BARS_RANGE)
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

/* The close, or close, high and low, in parentheses, if they are there. */
static void
read_close(lem_reader *reader, lem_bar_input *bar)
{
	bar->format = LEM_BARS_PLAIN;
	if (!lem_read_char(reader, '('))
		return;
	bar->format = LEM_BARS_CLOSE;
	bar->close = lem_read_number(reader, "a close");
	if (lem_read_char(reader, ')'))
		return;
	bar->format = LEM_BARS_RANGE;
	bar->high = lem_read_number(reader, "a high, or a closing parenthesis");
	bar->low = lem_read_number(reader, "a low");
	if (!lem_read_char(reader, ')'))
		lem_read_fail(reader, "a closing parenthesis");
}

/*
 * _lem_bars_in(cstring) returns lem_bars.  Bars may come in any order; a time without a zone is in
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
	reader.hint = "Bars look like {\"2024-01-01 00:00:00+00\" 101.5 2000, ...}, with the close in "
		"parentheses and features in brackets after the volume.";
	if (!lem_read_char(&reader, '{'))
		lem_read_fail(&reader, "an opening brace");
	if (!lem_read_char(&reader, '}'))
	{
		do
		{
			double		features[LEM_BARS_MAX_FEATURES];
			lem_bar_input bar;

			bar.ts = lem_read_time(&reader);
			bar.price = lem_read_number(&reader, "a price");
			bar.volume = lem_read_number(&reader, "a volume");
			read_close(&reader, &bar);
			bar.n_features = read_features(&reader, features);
			bar.features = features;
			lem_builder_add(builder, &bar);
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

/* _lem_bars_out(lem_bars) returns cstring: lossless, in time order, ISO in UTC. */
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
		if (series.close)
		{
			appendStringInfoString(&text, " (");
			lem_write_number(&text, '\0', series.close[i]);
			if (series.high)
			{
				lem_write_number(&text, ' ', series.high[i]);
				lem_write_number(&text, ' ', series.low[i]);
			}
			appendStringInfoChar(&text, ')');
		}
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
 * _lem_bars_recv(internal) returns lem_bars: network byte order as bars_type.h says.  The count is
 * held against the message before anything is allocated.  Errors: 22P03, LM001, LM002.
 */
Datum
pg_lem_bars_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int64		n;
	int			format;
	int			n_features;
	lem_series_arrays arrays;
	const int64 *ts;
	lem_bars   *bars;
	lem_series	series;
	lem_fault	fault;

	lem_series_read_header(buffer, &n, &format, &n_features);
	bars = lem_series_alloc(n, n_features, (uint16) format, "lem_bars", &arrays);
	lem_series_read(buffer, n, n_features, &arrays);
	ts = arrays.ts;
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

/* lem_bars_send(lem_bars) returns bytea: what _lem_bars_recv reads. */
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

	if (format < LEM_BARS_PLAIN || format > LEM_BARS_RANGE)
		lem_series_damaged("lem_bars");
	PG_RETURN_INT64(n);
}

/* Numbers as an array; NULL if there are none. */
static Datum
features_datum(const double *features, int n, bool *null)
{
	Datum		elements[LEM_BARS_MAX_FEATURES];

	*null = n == 0;
	if (n == 0)
		return (Datum) 0;
	for (int j = 0; j < n; j++)
		elements[j] = Float8GetDatum(features[j]);
	return PointerGetDatum(construct_array(elements, n, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The bars of the first argument as rows. */
static Datum
unnest(FunctionCallInfo fcinfo, bool closes)
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
		const double *more[] = {series.close, series.high, series.low};
		Datum		values[7];
		bool		nulls[7] = {false};
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		values[n++] = TimestampTzGetDatum(series.ts[i]);
		values[n++] = Float8GetDatum(series.price[i]);
		values[n++] = Float8GetDatum(series.volume[i]);
		for (int c = 0; closes && c < 3; c++)
		{
			nulls[n] = more[c] == NULL;
			values[n++] = more[c] ? Float8GetDatum(more[c][i]) : (Datum) 0;
		}
		values[n] = features_datum(series.features + i * series.n_features, series.n_features,
								   &nulls[n]);
		LEM_ENSURE(rsinfo->setDesc->natts == n + 1);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}

/*
 * lem_unnest(lem_bars) returns setof (ts, price, volume, features): one row a bar in time order;
 * features is NULL where the bars have none.
 */
Datum
pg_lem_unnest(PG_FUNCTION_ARGS)
{
	return unnest(fcinfo, false);
}

/* lem_unnest_closes(lem_bars): with close, high and low before the features; NULL: not known. */
Datum
pg_lem_unnest_closes(PG_FUNCTION_ARGS)
{
	return unnest(fcinfo, true);
}

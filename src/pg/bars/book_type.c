/*
 * book_type.c: input and output of the lem_book type, and looking into it.
 *
 * Text form: 1 quotes sizes buys {"2024-01-01 00:00:00+00" bid ask bid_size ask_size open high low
 * close volume buy_volume [features], ...}: the number of the format, what the book knows, and its
 * bars with the columns that this implies.  Output is as lem_bars': lossless, ISO in UTC.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/bars/book_type.h"
#include "pg/base/errors.h"
#include "pg/base/text_value.h"

LEM_FUNCTION(pg_lem_book_in);
LEM_FUNCTION(pg_lem_book_out);
LEM_FUNCTION(pg_lem_book_recv);
LEM_FUNCTION(pg_lem_book_send);
LEM_FUNCTION(pg_lem_book_count);
LEM_FUNCTION(pg_lem_book_unnest);
LEM_FUNCTION(pg_lem_book_features);

/* The words for what a layout has, by bit. */
static const char *const layout_words[] = {"quotes", "sizes", "buys"};

/* Columns of lem_book_unnest(lem_book) and of lem_book_features. */
#define UNNEST_COLUMNS (1 + LEM_BOOK_COLUMNS + 1)
#define FEATURE_COLUMNS 9

static void missing(lem_book_column column, int64 ts) pg_attribute_noreturn();

static void
missing(lem_book_column column, int64 ts)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_BAD_BAR),
			 errmsg("the %s is missing at %s", lem_book_column_name(column),
					timestamptz_to_str(ts)),
			 column <= LEM_BOOK_ASK_SIZE ?
			 errhint("Leave the bar out, or use a form of lem_book without %s.",
					 column <= LEM_BOOK_ASK ? "quotes" : "sizes") :
			 errhint("A bar without trades has neither open, high, low nor close, and volume 0.")));
}

/* Set the prices of a bar in which nothing was traded, which only quotes can say there was. */
static void
fill_without_trades(lem_book_row *row)
{
	bool		none = true;

	for (int c = LEM_BOOK_OPEN; c <= LEM_BOOK_CLOSE; c++)
		none = none && row->null[c];
	if (!none || (!row->null[LEM_BOOK_VOLUME] && row->numbers[LEM_BOOK_VOLUME] != 0))
		return;
	for (int c = LEM_BOOK_OPEN; c <= LEM_BOOK_CLOSE; c++)
	{
		row->numbers[c] = 0.5 * row->numbers[LEM_BOOK_BID] + 0.5 * row->numbers[LEM_BOOK_ASK];
		row->null[c] = false;
	}
	row->numbers[LEM_BOOK_VOLUME] = 0;
	row->null[LEM_BOOK_VOLUME] = false;
}

bool
lem_book_row_complete(lem_book_row *row)
{
	if (row->null[LEM_BOOK_BUY_VOLUME])
		row->layout &= ~LEM_BOOK_BUYS;
	row->null[LEM_BOOK_BUY_VOLUME] = false;
	if (!(row->layout & LEM_BOOK_QUOTES) &&
		(row->null[LEM_BOOK_CLOSE] || row->null[LEM_BOOK_VOLUME]))
		return false;
	if ((row->layout & LEM_BOOK_QUOTES) && !row->null[LEM_BOOK_BID] && !row->null[LEM_BOOK_ASK])
		fill_without_trades(row);
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
	{
		if (row->null[c])
			missing((lem_book_column) c, row->ts);
	}
	return true;
}

lem_book_builder *
lem_book_builder_create(MemoryContext context)
{
	lem_book_builder *builder = MemoryContextAllocZero(context, sizeof(lem_book_builder));

	builder->layout = -1;
	builder->bars = lem_builder_create(context);
	return builder;
}

void
lem_book_builder_add(lem_book_builder *builder, int layout, int64 ts, const double *row,
					 const double *features, int n_features)
{
	lem_bar_input bar;
	double		stored[LEM_BOOK_COLUMNS + LEM_BOOK_MAX_FEATURES];
	lem_fault	fault;

	if (!IS_VALID_TIMESTAMP(ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 TIMESTAMP_NOT_FINITE(ts) ?
				 errmsg("a bar's time cannot be %s", timestamptz_to_str(ts)) :
				 errmsg("a bar's time is out of range for type timestamp")));
	if (n_features > LEM_BOOK_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the bar at %s has %d features, the limit is %d", timestamptz_to_str(ts),
						n_features, LEM_BOOK_MAX_FEATURES)));
	if (builder->layout < 0)
	{
		builder->layout = layout;
		builder->n_features = n_features;
	}
	if (layout != builder->layout)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the bar at %s has other columns than the bars before",
						timestamptz_to_str(ts)),
				 errhint("Pass buy_volume for every bar of a book, or for none.")));
	if (n_features != builder->n_features)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the bar at %s has %d features where others have %d",
						timestamptz_to_str(ts), n_features, builder->n_features),
				 errhint("Pass the same features for every bar of a series.")));
	lem_pg_check(lem_book_row_check(layout, ts, row, features, n_features, stored, &fault), &fault);
	bar = (lem_bar_input) {
		.ts = ts, .price = row[LEM_BOOK_CLOSE], .volume = row[LEM_BOOK_VOLUME],
		.format = LEM_BARS_PLAIN, .n_features = lem_book_width(layout) + n_features,
		.features = stored
	};
	lem_builder_add(builder->bars, &bar);
}

lem_bars *
lem_book_make(const lem_series *series, int layout)
{
	return lem_series_make(series, LEM_BOOK_DISK_FORMAT(layout), "lem_book");
}

void
lem_book_view(const lem_bars *value, lem_book *book)
{
	lem_series	series;

	lem_series_view(value, "lem_book", &series);
	if (value->format >> 8 != LEM_BOOK_FORMAT ||
		!lem_book_view_of(&series, value->format & 0xff, book))
		lem_series_damaged("lem_book");
}

/* The words before the bars. */
static int
read_layout(lem_reader *reader)
{
	int			layout = 0;

	lem_read_space(reader);
	if (*reader->at++ != '0' + LEM_BOOK_FORMAT)
	{
		reader->at--;
		lem_read_fail(reader, "the number of the format, 1");
	}
	for (int bit = 0; bit < (int) lengthof(layout_words); bit++)
	{
		Size		length = strlen(layout_words[bit]);

		lem_read_space(reader);
		if (strncmp(reader->at, layout_words[bit], length) != 0)
			continue;
		reader->at += length;
		layout |= 1 << bit;
	}
	if (!lem_book_layout_ok(layout))
		lem_read_fail(reader, "\"quotes\" before \"sizes\"");
	return layout;
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

		if (n == LEM_BOOK_MAX_FEATURES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a bar has more than %d features", LEM_BOOK_MAX_FEATURES)));
		features[n++] = x;
	}
	return n;
}

/*
 * _lem_book_in(cstring) returns lem_book.  Bars may come in any order; a time without a zone is in
 * the session's.  Errors: 22P02, those of timestamptz and float8, LM001, LM002, LM014.
 */
Datum
pg_lem_book_in(PG_FUNCTION_ARGS)
{
	static const char *const wanted[LEM_BOOK_COLUMNS] = {
		"a bid", "an ask", "a bid_size", "an ask_size", "an open", "a high", "a low", "a close",
		"a volume", "a buy_volume"
	};
	lem_reader	reader;
	lem_book_builder *builder = lem_book_builder_create(CurrentMemoryContext);
	lem_series	series;
	int			layout;

	reader.text = reader.at = PG_GETARG_CSTRING(0);
	reader.type = "lem_book";
	reader.hint = "Books look like 1 quotes sizes {\"2024-01-01 00:00:00+00\" bid ask bid_size "
		"ask_size open high low close volume, ...}, with features in brackets at the end.";
	layout = read_layout(&reader);
	if (!lem_read_char(&reader, '{'))
		lem_read_fail(&reader, "an opening brace");
	if (!lem_read_char(&reader, '}'))
	{
		do
		{
			double		features[LEM_BOOK_MAX_FEATURES];
			double		row[LEM_BOOK_COLUMNS] = {0};
			int64		ts = lem_read_time(&reader);
			int			n_features;

			for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
			{
				if (lem_book_has(layout, (lem_book_column) c))
					row[c] = lem_read_number(&reader, wanted[c]);
			}
			n_features = read_features(&reader, features);
			lem_book_builder_add(builder, layout, ts, row, features, n_features);
			CHECK_FOR_INTERRUPTS();
		} while (lem_read_char(&reader, ','));
		if (!lem_read_char(&reader, '}'))
			lem_read_fail(&reader, "a comma or a closing brace");
	}
	lem_read_space(&reader);
	if (*reader.at != '\0')
		lem_read_fail(&reader, "nothing after the closing brace");
	lem_builder_series(builder->bars, &series);
	PG_RETURN_POINTER(lem_book_make(&series, layout));
}

/* _lem_book_out(lem_book) returns cstring: lossless, in time order, ISO in UTC. */
Datum
pg_lem_book_out(PG_FUNCTION_ARGS)
{
	lem_book	book;
	StringInfoData text;

	lem_book_view(PG_GETARG_LEM_BOOK_P(0), &book);
	initStringInfo(&text);
	appendStringInfo(&text, "%d ", LEM_BOOK_FORMAT);
	for (int bit = 0; bit < (int) lengthof(layout_words); bit++)
	{
		if (book.layout & 1 << bit)
			appendStringInfo(&text, "%s ", layout_words[bit]);
	}
	appendStringInfoChar(&text, '{');
	for (Size i = 0; i < book.series.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(&text, ", ");
		lem_write_time(&text, book.series.ts[i]);
		for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
		{
			if (lem_book_has(book.layout, (lem_book_column) c))
				lem_write_number(&text, ' ', lem_book_get(&book, (lem_book_column) c, i));
		}
		for (int j = 0; j < book.n_features; j++)
		{
			if (j == 0)
				appendStringInfoString(&text, " [");
			lem_write_number(&text, j > 0 ? ' ' : '\0', lem_book_features_of(&book, i)[j]);
		}
		if (book.n_features > 0)
			appendStringInfoChar(&text, ']');
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/*
 * _lem_book_recv(internal) returns lem_book: int16 format, int16 layout, then the series as
 * lem_bars_send writes it.  Errors: 22P03, LM001, LM002.
 */
Datum
pg_lem_book_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			format = (int) pq_getmsgint(buffer, sizeof(int16));
	int			layout = (int) pq_getmsgint(buffer, sizeof(int16));
	int64		n;
	int			bars_format;
	int			n_features;
	lem_series_arrays arrays;
	const int64 *ts;
	lem_bars   *value;
	lem_series	series;
	lem_book	book;
	lem_fault	fault;

	if (format != LEM_BOOK_FORMAT || !lem_book_layout_ok(layout))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown format %d, layout %d of binary lem_book", format, layout)));
	lem_series_read_header(buffer, &n, &bars_format, &n_features);
	if (bars_format != LEM_BARS_PLAIN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown format %d of the bars of binary lem_book", bars_format)));
	value = lem_series_alloc(n, n_features, LEM_BOOK_DISK_FORMAT(layout), "lem_book", &arrays);
	lem_series_read(buffer, n, n_features, &arrays);
	ts = arrays.ts;
	for (int64 i = 0; i < n; i++)
	{
		if (!IS_VALID_TIMESTAMP(ts[i]) || (i > 0 && ts[i] < ts[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("bar %lld of binary lem_book has a time that is out of range or order",
							(long long) i + 1)));
	}
	lem_series_view(value, "lem_book", &series);
	if (!lem_book_view_of(&series, layout, &book))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary lem_book of layout %d with %d columns", layout, n_features)));
	lem_pg_check(lem_book_check(&book, &fault), &fault);
	PG_RETURN_POINTER(value);
}

/* lem_book_send(lem_book) returns bytea: what _lem_book_recv reads. */
Datum
pg_lem_book_send(PG_FUNCTION_ARGS)
{
	lem_book	book;
	StringInfoData buffer;

	lem_book_view(PG_GETARG_LEM_BOOK_P(0), &book);
	pq_begintypsend(&buffer);
	pq_sendint16(&buffer, LEM_BOOK_FORMAT);
	pq_sendint16(&buffer, (uint16) book.layout);
	lem_series_write(&book.series, &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* lem_book_count(lem_book) returns bigint: the number of bars; reads the value's header only. */
Datum
pg_lem_book_count(PG_FUNCTION_ARGS)
{
	uint16		format;
	int64		n = lem_series_count(PG_GETARG_DATUM(0), "lem_book", &format);

	if (format >> 8 != LEM_BOOK_FORMAT)
		lem_series_damaged("lem_book");
	PG_RETURN_INT64(n);
}

/*
 * lem_book_unnest(lem_book) returns setof (ts, bid, ask, bid_size, ask_size, open, high, low, close,
 * volume, buy_volume, features): one row a bar in time order; NULL for what the book does not have.
 */
Datum
pg_lem_book_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	lem_book	book;
	MemoryContext row_context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == UNNEST_COLUMNS);
	lem_book_view(PG_GETARG_LEM_BOOK_P(0), &book);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "lem_book_unnest row",
										ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(row_context);
	for (Size i = 0; i < book.series.n; i++)
	{
		Datum		values[UNNEST_COLUMNS] = {0};
		bool		nulls[UNNEST_COLUMNS] = {false};
		Datum		elements[LEM_BOOK_MAX_FEATURES];

		CHECK_FOR_INTERRUPTS();
		values[0] = TimestampTzGetDatum(book.series.ts[i]);
		for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
		{
			nulls[1 + c] = !lem_book_has(book.layout, (lem_book_column) c);
			if (!nulls[1 + c])
				values[1 + c] = Float8GetDatum(lem_book_get(&book, (lem_book_column) c, i));
		}
		for (int j = 0; j < book.n_features; j++)
			elements[j] = Float8GetDatum(lem_book_features_of(&book, i)[j]);
		nulls[UNNEST_COLUMNS - 1] = book.n_features == 0;
		if (book.n_features > 0)
			values[UNNEST_COLUMNS - 1] =
				PointerGetDatum(construct_array(elements, book.n_features, FLOAT8OID,
												sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}

/*
 * lem_book_features(book, tick) returns setof (ts, mid, spread, spread_source, spread_ticks,
 * imbalance, order_flow, microprice, signed_volume): one row a bar, from it and those before it.
 * NULL for what the book's columns do not give, and spread_ticks without a tick.  Errors: 22023.
 */
Datum
pg_lem_book_features(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	lem_book	book;
	double		tick = PG_ARGISNULL(1) ? 0 : PG_GETARG_FLOAT8(1);

	if (!PG_ARGISNULL(1) && !(tick > 0 && isfinite(tick)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid tick %s", lem_number_text(tick)),
				 errdetail("A tick must be finite and greater than zero.")));
	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == FEATURE_COLUMNS);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	lem_book_view(PG_GETARG_LEM_BOOK_P(0), &book);
	for (Size i = 0; i < book.series.n; i++)
	{
		const bool	quotes = (book.layout & LEM_BOOK_QUOTES) != 0;
		const bool	sizes = (book.layout & LEM_BOOK_SIZES) != 0;
		lem_book_feature f;
		Datum		values[FEATURE_COLUMNS];
		bool		nulls[FEATURE_COLUMNS] = {
			false, false, false, false, PG_ARGISNULL(1), !sizes, !sizes || i == 0, !sizes,
			!(book.layout & LEM_BOOK_BUYS)
		};

		CHECK_FOR_INTERRUPTS();
		lem_book_feature_at(&book, i, &f);
		values[0] = TimestampTzGetDatum(book.series.ts[i]);
		values[1] = Float8GetDatum(f.mid);
		values[2] = Float8GetDatum(f.spread);
		values[3] = CStringGetTextDatum(quotes ? "quotes" : "estimated");
		values[4] = Float8GetDatum(tick > 0 ? f.spread / tick : 0);
		values[5] = Float8GetDatum(f.imbalance);
		values[6] = Float8GetDatum(f.flow);
		values[7] = Float8GetDatum(f.microprice);
		values[8] = Float8GetDatum(f.signed_volume);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(DatumGetPointer(values[3]));
	}
	return (Datum) 0;
}

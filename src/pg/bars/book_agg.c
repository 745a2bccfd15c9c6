/* book_agg.c: the aggregate lem_book, whose state is a builder of books. */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "pg/bars/book_type.h"
#include "pg/base/aggregate.h"
#include "pg/base/errors.h"

LEM_FUNCTION(pg_lem_book_accum);
LEM_FUNCTION(pg_lem_book_combine);
LEM_FUNCTION(pg_lem_book_serialize);
LEM_FUNCTION(pg_lem_book_deserialize);
LEM_FUNCTION(pg_lem_book_final);

/* Arguments that each form has after the state and ts, and what it knows. */
static const struct
{
	int			numbers;
	int			layout;
}			forms[] = {
	{5, 0},
	{6, LEM_BOOK_BUYS},
	{7, LEM_BOOK_QUOTES},
	{8, LEM_BOOK_QUOTES | LEM_BOOK_BUYS},
	{9, LEM_BOOK_QUOTES | LEM_BOOK_SIZES},
	{10, LEM_BOOK_QUOTES | LEM_BOOK_SIZES | LEM_BOOK_BUYS},
};

void
lem_book_accum_args(FunctionCallInfo fcinfo, int first, lem_book_builder *builder)
{
	const bool	with_features =
		get_fn_expr_argtype(fcinfo->flinfo, PG_NARGS() - 1) == FLOAT8ARRAYOID;
	const int	numbers = PG_NARGS() - first - 1 - with_features;
	int			form = 0;
	int			arg = first + 1;
	lem_book_row row = {0};
	const double *features = NULL;
	int			n_features = 0;

	if (PG_ARGISNULL(first))
		return;
	row.ts = PG_GETARG_TIMESTAMPTZ(first);
	while (form < (int) lengthof(forms) && forms[form].numbers != numbers)
		form++;
	LEM_ENSURE(form < (int) lengthof(forms));
	row.layout = forms[form].layout;
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
	{
		if (!lem_book_has(row.layout, (lem_book_column) c))
			continue;
		row.null[c] = PG_ARGISNULL(arg);
		row.numbers[c] = row.null[c] ? 0 : PG_GETARG_FLOAT8(arg);
		arg++;
	}
	if (!lem_book_row_complete(&row))
		return;
	if (with_features)
		features = lem_features_argument(fcinfo, PG_NARGS() - 1, row.ts, &n_features);
	lem_book_builder_add(builder, row.layout, row.ts, row.numbers, features, n_features);
}

/*
 * _lem_book_accum(internal, ts [, bid, ask [, bid_size, ask_size]], open, high, low, close, volume
 * [, buy_volume [, features]]) returns internal.  A bar with a NULL time is left out, and one
 * without quotes that has a NULL close or volume; NULL in other places is an error, but for a bar
 * with quotes and without trades, and a buy_volume that is NULL in all bars.
 */
Datum
pg_lem_book_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	lem_book_builder *builder = PG_ARGISNULL(0) ? lem_book_builder_create(context) :
		(lem_book_builder *) PG_GETARG_POINTER(0);

	lem_book_accum_args(fcinfo, 1, builder);
	PG_RETURN_POINTER(builder);
}

void
lem_book_builder_merge(lem_book_builder *to, const lem_book_builder *from)
{
	if (from->layout < 0)
		return;
	if (to->layout >= 0 &&
		(to->layout != from->layout || to->n_features != from->n_features))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("bars of one book have different columns"),
				 errhint("Pass the same columns and features for every bar of a book.")));
	to->layout = from->layout;
	to->n_features = from->n_features;
	lem_builder_merge(to->bars, from->bars);
}

/* _lem_book_combine(internal, internal) returns internal: the first gets the second's bars. */
Datum
pg_lem_book_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	lem_book_builder *to = PG_ARGISNULL(0) ? lem_book_builder_create(context) :
		(lem_book_builder *) PG_GETARG_POINTER(0);
	const lem_book_builder *from = PG_ARGISNULL(1) ? NULL :
		(lem_book_builder *) PG_GETARG_POINTER(1);

	if (from)
		lem_book_builder_merge(to, from);
	PG_RETURN_POINTER(to);
}

void
lem_book_builder_send(const lem_book_builder *builder, StringInfo buffer)
{
	pq_sendint16(buffer, (uint16) (int16) builder->layout);
	pq_sendint16(buffer, (uint16) builder->n_features);
	lem_builder_serialize(builder->bars, buffer);
}

lem_book_builder *
lem_book_builder_receive(StringInfo buffer)
{
	lem_book_builder *builder = palloc0(sizeof(lem_book_builder));

	builder->layout = (int16) pq_getmsgint(buffer, sizeof(int16));
	builder->n_features = (int) pq_getmsgint(buffer, sizeof(int16));
	builder->bars = lem_builder_deserialize(CurrentMemoryContext, buffer);
	return builder;
}

/* _lem_book_serialize(internal) returns bytea. */
Datum
pg_lem_book_serialize(PG_FUNCTION_ARGS)
{
	const lem_book_builder *builder = (lem_book_builder *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	lem_book_builder_send(builder, &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_book_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_book_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	lem_book_builder *builder;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	builder = lem_book_builder_receive(&buffer);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(builder);
}

/* _lem_book_final(internal) returns lem_book: NULL if no bar was kept.  Errors: LM002, 54000. */
Datum
pg_lem_book_final(PG_FUNCTION_ARGS)
{
	const lem_book_builder *builder;
	lem_series	series;

	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	builder = (lem_book_builder *) PG_GETARG_POINTER(0);
	lem_builder_series(builder->bars, &series);
	if (series.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(lem_book_make(&series, builder->layout));
}

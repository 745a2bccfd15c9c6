/* bars_agg.c: the aggregate lem_bars, whose state is a builder. */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"
#include "pg/base/aggregate.h"

LEM_FUNCTION(pg_lem_bars_accum);
LEM_FUNCTION(pg_lem_bars_accum_close);
LEM_FUNCTION(pg_lem_bars_accum_trade_bar);
LEM_FUNCTION(pg_lem_bars_combine);
LEM_FUNCTION(pg_lem_bars_serialize);
LEM_FUNCTION(pg_lem_bars_deserialize);
LEM_FUNCTION(pg_lem_bars_final);

static lem_builder *
builder_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = lem_aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? lem_builder_create(context) :
		(lem_builder *) PG_GETARG_POINTER(0);
}

/* _lem_bars_accum(internal, ts, price, volume [, features]) returns internal. */
Datum
pg_lem_bars_accum(PG_FUNCTION_ARGS)
{
	lem_builder *builder = builder_state(fcinfo);

	lem_builder_add_args(builder, fcinfo, 1, false, PG_NARGS() > 4);
	PG_RETURN_POINTER(builder);
}

/* _lem_bars_accum(internal, ts, price, volume, close [, features]) returns internal. */
Datum
pg_lem_bars_accum_close(PG_FUNCTION_ARGS)
{
	lem_builder *builder = builder_state(fcinfo);

	lem_builder_add_args(builder, fcinfo, 1, true, PG_NARGS() > 5);
	PG_RETURN_POINTER(builder);
}

/* _lem_bars_accum(internal, ts, lem_trade_bar [, features]) returns internal. */
Datum
pg_lem_bars_accum_trade_bar(PG_FUNCTION_ARGS)
{
	lem_builder *builder = builder_state(fcinfo);

	lem_builder_add_trade_bar(builder, fcinfo, 1, PG_NARGS() > 3);
	PG_RETURN_POINTER(builder);
}

/* _lem_bars_combine(internal, internal) returns internal: the first gets the second's bars. */
Datum
pg_lem_bars_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	lem_builder *to = PG_ARGISNULL(0) ? lem_builder_create(context) :
		(lem_builder *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
		lem_builder_merge(to, (lem_builder *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(to);
}

/* _lem_bars_serialize(internal) returns bytea. */
Datum
pg_lem_bars_serialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	lem_builder_serialize((lem_builder *) PG_GETARG_POINTER(0), &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_bars_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_bars_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	lem_builder *builder;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	builder = lem_builder_deserialize(CurrentMemoryContext, &buffer);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(builder);
}

/* _lem_bars_final(internal) returns lem_bars: NULL if no bar was kept.  Errors: LM002, 54000. */
Datum
pg_lem_bars_final(PG_FUNCTION_ARGS)
{
	lem_series	series;

	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	lem_builder_series((lem_builder *) PG_GETARG_POINTER(0), &series);
	if (series.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(lem_bars_make(&series));
}

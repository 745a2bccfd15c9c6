/* trades.c: the aggregate lem_bar, one bar out of its trades. */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "libpq/pqformat.h"
#include "utils/timestamp.h"

#include "core/market/trades.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/aggregate.h"

LEM_FUNCTION(pg_lem_bar_accum);
LEM_FUNCTION(pg_lem_bar_combine);
LEM_FUNCTION(pg_lem_bar_serialize);
LEM_FUNCTION(pg_lem_bar_deserialize);
LEM_FUNCTION(pg_lem_bar_final);

static void bad_trade(const lem_trade *trade, lem_status status) pg_attribute_noreturn();

static void
bad_trade(const lem_trade *trade, lem_status status)
{
	const char *when = timestamptz_to_str(trade->ts);

	if (status == LEM_TIME_RANGE)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("the time of a trade cannot be %s", when),
				 errhint("A trade can be left out by making its time NULL.")));
	if (status == LEM_BAD_PRICE)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("invalid price %s at %s", lem_number_text(trade->price), when),
				 errdetail("A trade's price must be finite."),
				 errhint("A trade can be left out by making its price NULL.")));
	ereport(ERROR,
			(errcode(ERRCODE_LEM_BAD_BAR),
			 errmsg("invalid quantity %s at %s", lem_number_text(trade->quantity), when),
			 errdetail("A quantity must be finite and not negative."),
			 errhint("It can be left out by making it NULL.")));
}

/*
 * _lem_bar_accum(internal, ts, price, quantity [, seq]) returns internal.  A trade whose time, price
 * or quantity is NULL is dropped.  Errors: LM001.
 */
Datum
pg_lem_bar_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	lem_trades *trades = PG_ARGISNULL(0) ? MemoryContextAllocZero(context, sizeof(lem_trades)) :
		(lem_trades *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3))
	{
		lem_trade	trade;
		lem_status	status;

		trade.ts = PG_GETARG_TIMESTAMPTZ(1);
		trade.price = PG_GETARG_FLOAT8(2);
		trade.quantity = PG_GETARG_FLOAT8(3);
		trade.unnumbered = PG_NARGS() > 4 && PG_ARGISNULL(4);
		trade.seq = PG_NARGS() > 4 && !PG_ARGISNULL(4) ? PG_GETARG_INT64(4) : 0;
		status = lem_trades_add(trades, &trade, NULL);
		if (status != LEM_OK)
			bad_trade(&trade, status);
	}
	PG_RETURN_POINTER(trades);
}

/* _lem_bar_combine(internal, internal) returns internal. */
Datum
pg_lem_bar_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	lem_trades *to = PG_ARGISNULL(0) ? MemoryContextAllocZero(context, sizeof(lem_trades)) :
		(lem_trades *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
		lem_trades_merge(to, (lem_trades *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(to);
}

static void
write_trade(StringInfo buffer, const lem_trade *trade)
{
	pq_sendint64(buffer, trade->ts);
	pq_sendint64(buffer, trade->seq);
	pq_sendbyte(buffer, trade->unnumbered);
	pq_sendfloat8(buffer, trade->price);
	pq_sendfloat8(buffer, trade->quantity);
}

static void
read_trade(StringInfo buffer, lem_trade *trade)
{
	trade->ts = pq_getmsgint64(buffer);
	trade->seq = pq_getmsgint64(buffer);
	trade->unnumbered = pq_getmsgbyte(buffer);
	trade->price = pq_getmsgfloat8(buffer);
	trade->quantity = pq_getmsgfloat8(buffer);
}

static void
write_sum(StringInfo buffer, const lem_sum *sum)
{
	pq_sendfloat8(buffer, sum->sum);
	pq_sendfloat8(buffer, sum->rest);
}

static void
read_sum(StringInfo buffer, lem_sum *sum)
{
	sum->sum = pq_getmsgfloat8(buffer);
	sum->rest = pq_getmsgfloat8(buffer);
}

/* _lem_bar_serialize(internal) returns bytea. */
Datum
pg_lem_bar_serialize(PG_FUNCTION_ARGS)
{
	const lem_trades *trades = (lem_trades *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, trades->n);
	write_trade(&buffer, &trades->first);
	write_trade(&buffer, &trades->last);
	pq_sendfloat8(&buffer, trades->high);
	pq_sendfloat8(&buffer, trades->low);
	write_sum(&buffer, &trades->volume);
	write_sum(&buffer, &trades->notional);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_bar_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_bar_deserialize(PG_FUNCTION_ARGS)
{
	lem_trades *trades = palloc0(sizeof(lem_trades));
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	trades->n = pq_getmsgint64(&buffer);
	read_trade(&buffer, &trades->first);
	read_trade(&buffer, &trades->last);
	trades->high = pq_getmsgfloat8(&buffer);
	trades->low = pq_getmsgfloat8(&buffer);
	read_sum(&buffer, &trades->volume);
	read_sum(&buffer, &trades->notional);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(trades);
}

/*
 * _lem_bar_final(internal) returns lem_trade_bar: NULL without trades; vwap is NULL without volume.
 * Errors: 22003 if the volume or the notional overflows.
 */
Datum
pg_lem_bar_final(PG_FUNCTION_ARGS)
{
	const lem_trades *trades;
	lem_trade_bar bar;
	TupleDesc	desc;
	Datum		values[8];
	bool		nulls[8] = {false};

	(void) lem_aggregate_context(fcinfo);
	trades = PG_ARGISNULL(0) ? NULL : (lem_trades *) PG_GETARG_POINTER(0);
	if (trades == NULL || trades->n == 0)
		PG_RETURN_NULL();
	lem_trades_bar(trades, &bar);
	if (!isfinite(bar.volume) || !isfinite(bar.notional))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value out of range: overflow"),
				 errdetail("The %s of %lld trades from %s on is too large.",
						   isfinite(bar.volume) ? "notional" : "volume",
						   (long long) trades->n, timestamptz_to_str(trades->first.ts))));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LEM_ENSURE(desc->natts == 8);
	values[0] = Float8GetDatum(bar.open);
	values[1] = Float8GetDatum(bar.high);
	values[2] = Float8GetDatum(bar.low);
	values[3] = Float8GetDatum(bar.close);
	values[4] = Float8GetDatum(bar.volume);
	values[5] = Float8GetDatum(bar.notional);
	values[6] = Float8GetDatum(bar.vwap);
	nulls[6] = !(bar.volume > 0);
	values[7] = Int64GetDatum(bar.trades);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* order_type.c: making and reading values of the composite type lem_order. */
#include "postgres.h"

#include "access/htup_details.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/schedule/order_type.h"

LEM_FUNCTION(pg_lem_order);

/* Fields of the type, which are the constructor's arguments too. */
enum
{
	ORDER_SIZE,
	ORDER_SIDE,
	ORDER_BENCHMARK,
	ORDER_UNIT,
	ORDER_START_TS,
	ORDER_MIN_BARS,
	ORDER_MAX_BARS,
	ORDER_MIN_RATE,
	ORDER_MAX_RATE,
	ORDER_LOT,
	ORDER_END_TS,
	ORDER_LIMIT_PRICE,
	ORDER_MAX_PARTICIPATION,
	ORDER_MIN_QUANTITY,
	ORDER_BEST_EFFORT,
	ORDER_ARRIVAL_PRICE,
	ORDER_RISK_AVERSION
};

/* A word that is one of two: true for the second; NULL means the first.  Raises LM007. */
static bool
read_word(const char *field, Datum value, bool isnull, const char *first, const char *second)
{
	char	   *word;

	if (isnull)
		return false;
	word = text_to_cstring(DatumGetTextPP(value));
	if (pg_strcasecmp(word, first) != 0 && pg_strcasecmp(word, second) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_ORDER),
				 errmsg("invalid %s of an order: \"%s\"", field, lem_clip_text(word)),
				 errhint("It is \"%s\" or \"%s\".", first, second)));
	return pg_strcasecmp(word, second) == 0;
}

/* A number of bars that, where it is given, is at least 1; 0 where it is not.  Raises LM006. */
static int
read_bar_count(lem_status status, Datum value, bool isnull)
{
	lem_fault	fault;
	int			bars;

	if (isnull)
		return 0;
	bars = DatumGetInt32(value);
	if (bars < 1)
	{
		lem_fail(&fault, status, NULL, bars, LEM_MAX_AHEAD);
		lem_pg_raise(&fault);
	}
	return bars;
}

void
lem_order_validate(const lem_order *order)
{
	lem_order	widest = *order;
	lem_limits	limits;
	lem_fault	fault;

	if (order->has_start && !IS_VALID_TIMESTAMP(order->start_ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_ORDER),
				 errmsg("the start of an order cannot be %s", timestamptz_to_str(order->start_ts)),
				 errhint("Leave start_ts NULL to start right after the last bar.")));

	if (order->has_end && !IS_VALID_TIMESTAMP(order->end_ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_ORDER),
				 errmsg("the end of an order cannot be %s", timestamptz_to_str(order->end_ts)),
				 errhint("Leave end_ts NULL for an order that only its bars limit.")));

	/*
	 * Without max_bars the horizon is the model's.  An order that does not fit the longest there
	 * can be, however early it may finish, fits none.
	 */
	if (widest.max_bars == 0 && widest.min_bars == 0)
		widest.min_bars = 1;
	lem_pg_check(lem_order_check(&widest, LEM_MAX_AHEAD, &limits, &fault), &fault);
}

/* A limit that, where it is given, is not zero.  Raises LM006. */
static double
read_limit(lem_status status, Datum value, bool isnull, double size)
{
	lem_fault	fault;
	double		limit = isnull ? 0 : DatumGetFloat8(value);

	if (!isnull && limit == 0)
	{
		lem_fail(&fault, status, NULL, limit, size);
		lem_pg_raise(&fault);
	}
	return limit;
}

/* The fields that came after 1.0. */
static void
read_bounds(const Datum *values, const bool *nulls, lem_order *order)
{
	order->has_end = !nulls[ORDER_END_TS];
	if (order->has_end)
		order->end_ts = DatumGetTimestampTz(values[ORDER_END_TS]);
	order->has_limit = !nulls[ORDER_LIMIT_PRICE];
	if (order->has_limit)
		order->limit_price = DatumGetFloat8(values[ORDER_LIMIT_PRICE]);
	order->max_participation = read_limit(LEM_BAD_PARTICIPATION, values[ORDER_MAX_PARTICIPATION],
										  nulls[ORDER_MAX_PARTICIPATION], order->size);
	order->min_quantity = read_limit(LEM_BAD_MIN_QUANTITY, values[ORDER_MIN_QUANTITY],
									 nulls[ORDER_MIN_QUANTITY], order->size);
	order->best_effort = !nulls[ORDER_BEST_EFFORT] && DatumGetBool(values[ORDER_BEST_EFFORT]);
	order->has_arrival = !nulls[ORDER_ARRIVAL_PRICE];
	if (order->has_arrival)
		order->arrival_price = DatumGetFloat8(values[ORDER_ARRIVAL_PRICE]);
	order->has_risk = !nulls[ORDER_RISK_AVERSION];
	if (order->has_risk)
		order->risk_aversion = DatumGetFloat8(values[ORDER_RISK_AVERSION]);
}

/* An order out of its fields, checked as far as that is possible without a model. */
void
lem_order_from_fields(const Datum *values, const bool *nulls, lem_order *order)
{
	lem_fault	fault;

	if (nulls[ORDER_SIZE])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the size of an order is NULL")));
	memset(order, 0, sizeof(*order));
	order->size = DatumGetFloat8(values[ORDER_SIZE]);
	order->sell = read_word("side", values[ORDER_SIDE], nulls[ORDER_SIDE], "buy", "sell");
	order->twap = read_word("benchmark", values[ORDER_BENCHMARK], nulls[ORDER_BENCHMARK],
							"vwap", "twap");
	order->notional = read_word("unit", values[ORDER_UNIT], nulls[ORDER_UNIT],
								"quantity", "notional");
	order->has_start = !nulls[ORDER_START_TS];
	if (order->has_start)
		order->start_ts = DatumGetTimestampTz(values[ORDER_START_TS]);
	order->min_bars = read_bar_count(LEM_BAD_MIN_BARS, values[ORDER_MIN_BARS],
									 nulls[ORDER_MIN_BARS]);
	order->max_bars = read_bar_count(LEM_BAD_MAX_BARS, values[ORDER_MAX_BARS],
									 nulls[ORDER_MAX_BARS]);
	order->min_rate = nulls[ORDER_MIN_RATE] ? 0 : DatumGetFloat8(values[ORDER_MIN_RATE]);
	order->max_rate = nulls[ORDER_MAX_RATE] ? 1 : DatumGetFloat8(values[ORDER_MAX_RATE]);
	order->lot = nulls[ORDER_LOT] ? 0 : DatumGetFloat8(values[ORDER_LOT]);
	if (!nulls[ORDER_LOT] && order->lot == 0)
	{
		lem_fail(&fault, LEM_BAD_LOT, NULL, order->lot, 0);
		lem_pg_raise(&fault);
	}
	read_bounds(values, nulls, order);
	lem_order_validate(order);
}

void
lem_order_read(HeapTupleHeader tuple, lem_order *order)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(tuple),
											  HeapTupleHeaderGetTypMod(tuple));
	const int	fields = Max(desc->natts, LEM_ORDER_FIELDS);
	Datum	   *values = palloc(fields * sizeof(Datum));
	bool	   *nulls = palloc(fields * sizeof(bool));
	HeapTupleData data;

	LEM_ENSURE(desc->natts >= LEM_ORDER_FIELDS_1_0);
	memset(nulls, true, fields * sizeof(bool));
	data.t_len = HeapTupleHeaderGetDatumLength(tuple);
	ItemPointerSetInvalid(&data.t_self);
	data.t_tableOid = InvalidOid;
	data.t_data = tuple;
	heap_deform_tuple(&data, desc, values, nulls);
	ReleaseTupleDesc(desc);
	lem_order_from_fields(values, nulls, order);
	pfree(values);
	pfree(nulls);
}

Datum
lem_order_datum(Oid type, const lem_order *order)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum		values[LEM_ORDER_FIELDS];
	bool		nulls[LEM_ORDER_FIELDS] = {false};
	Datum		datum;

	LEM_ENSURE(desc->natts >= LEM_ORDER_FIELDS_1_0 && desc->natts <= LEM_ORDER_FIELDS);
	values[ORDER_SIZE] = Float8GetDatum(order->size);
	values[ORDER_SIDE] = CStringGetTextDatum(order->sell ? "sell" : "buy");
	values[ORDER_BENCHMARK] = CStringGetTextDatum(order->twap ? "twap" : "vwap");
	values[ORDER_UNIT] = CStringGetTextDatum(order->notional ? "notional" : "quantity");
	values[ORDER_START_TS] = TimestampTzGetDatum(order->start_ts);
	nulls[ORDER_START_TS] = !order->has_start;
	values[ORDER_MIN_BARS] = Int32GetDatum(order->min_bars);
	nulls[ORDER_MIN_BARS] = order->min_bars == 0;
	values[ORDER_MAX_BARS] = Int32GetDatum(order->max_bars);
	nulls[ORDER_MAX_BARS] = order->max_bars == 0;
	values[ORDER_MIN_RATE] = Float8GetDatum(order->min_rate);
	values[ORDER_MAX_RATE] = Float8GetDatum(order->max_rate);
	values[ORDER_LOT] = Float8GetDatum(order->lot);
	nulls[ORDER_LOT] = order->lot == 0;
	values[ORDER_END_TS] = TimestampTzGetDatum(order->end_ts);
	nulls[ORDER_END_TS] = !order->has_end;
	values[ORDER_LIMIT_PRICE] = Float8GetDatum(order->limit_price);
	nulls[ORDER_LIMIT_PRICE] = !order->has_limit;
	values[ORDER_MAX_PARTICIPATION] = Float8GetDatum(order->max_participation);
	nulls[ORDER_MAX_PARTICIPATION] = order->max_participation == 0;
	values[ORDER_MIN_QUANTITY] = Float8GetDatum(order->min_quantity);
	nulls[ORDER_MIN_QUANTITY] = order->min_quantity == 0;
	values[ORDER_BEST_EFFORT] = BoolGetDatum(order->best_effort);
	values[ORDER_ARRIVAL_PRICE] = Float8GetDatum(order->arrival_price);
	nulls[ORDER_ARRIVAL_PRICE] = !order->has_arrival;
	values[ORDER_RISK_AVERSION] = Float8GetDatum(order->risk_aversion);
	nulls[ORDER_RISK_AVERSION] = !order->has_risk;
	datum = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	ReleaseTupleDesc(desc);
	return datum;
}

bool
lem_order_equal(const lem_order *a, const lem_order *b)
{
	return a->size == b->size && a->sell == b->sell && a->twap == b->twap &&
		a->notional == b->notional && a->has_start == b->has_start &&
		a->start_ts == b->start_ts && a->min_bars == b->min_bars && a->max_bars == b->max_bars &&
		a->min_rate == b->min_rate && a->max_rate == b->max_rate && a->lot == b->lot &&
		a->has_end == b->has_end && a->end_ts == b->end_ts && a->has_limit == b->has_limit &&
		a->limit_price == b->limit_price && a->max_participation == b->max_participation &&
		a->min_quantity == b->min_quantity && a->best_effort == b->best_effort &&
		a->has_arrival == b->has_arrival && a->arrival_price == b->arrival_price &&
		a->has_risk == b->has_risk && a->risk_aversion == b->risk_aversion;
}

bool
lem_order_has_bounds(const lem_order *order)
{
	return order->has_end || order->has_limit || order->max_participation > 0 ||
		order->min_quantity > 0 || order->best_effort || order->has_arrival || order->has_risk;
}

void
lem_order_write(const lem_order *order, StringInfo buffer)
{
	pq_sendfloat8(buffer, order->size);
	pq_sendint8(buffer, order->sell);
	pq_sendint8(buffer, order->twap);
	pq_sendint8(buffer, order->notional);
	pq_sendint8(buffer, order->has_start);
	pq_sendint64(buffer, order->start_ts);
	pq_sendint32(buffer, order->min_bars);
	pq_sendint32(buffer, order->max_bars);
	pq_sendfloat8(buffer, order->min_rate);
	pq_sendfloat8(buffer, order->max_rate);
	pq_sendfloat8(buffer, order->lot);
}

void
lem_order_write_bounds(const lem_order *order, StringInfo buffer)
{
	pq_sendint8(buffer, order->has_end);
	pq_sendint64(buffer, order->end_ts);
	pq_sendint8(buffer, order->has_limit);
	pq_sendfloat8(buffer, order->limit_price);
	pq_sendfloat8(buffer, order->max_participation);
	pq_sendfloat8(buffer, order->min_quantity);
	pq_sendint8(buffer, order->best_effort);
	pq_sendint8(buffer, order->has_arrival);
	pq_sendfloat8(buffer, order->arrival_price);
	pq_sendint8(buffer, order->has_risk);
	pq_sendfloat8(buffer, order->risk_aversion);
}

void
lem_order_write_decided(const lem_order *order, StringInfo buffer)
{
	pq_sendint32(buffer, order->n_decided);
	for (int k = 0; k < order->n_decided; k++)
		pq_sendint64(buffer, order->decided[k]);
	if (!order->tracked)
		return;
	pq_sendint32(buffer, order->n_executed);
	for (int k = 0; k < order->n_executed; k++)
	{
		pq_sendfloat8(buffer, order->executed[k]);
		pq_sendfloat8(buffer, order->executed_price ? order->executed_price[k] : 0);
	}
}

void
lem_order_read_bounds(StringInfo buffer, lem_order *order)
{
	order->has_end = pq_getmsgbyte(buffer) != 0;
	order->end_ts = pq_getmsgint64(buffer);
	order->has_limit = pq_getmsgbyte(buffer) != 0;
	order->limit_price = pq_getmsgfloat8(buffer);
	order->max_participation = pq_getmsgfloat8(buffer);
	order->min_quantity = pq_getmsgfloat8(buffer);
	order->best_effort = pq_getmsgbyte(buffer) != 0;
	order->has_arrival = pq_getmsgbyte(buffer) != 0;
	order->arrival_price = pq_getmsgfloat8(buffer);
	order->has_risk = pq_getmsgbyte(buffer) != 0;
	order->risk_aversion = pq_getmsgfloat8(buffer);
}

void
lem_order_read_wire(StringInfo buffer, lem_order *order)
{
	memset(order, 0, sizeof(*order));
	order->size = pq_getmsgfloat8(buffer);
	order->sell = pq_getmsgbyte(buffer) != 0;
	order->twap = pq_getmsgbyte(buffer) != 0;
	order->notional = pq_getmsgbyte(buffer) != 0;
	order->has_start = pq_getmsgbyte(buffer) != 0;
	order->start_ts = pq_getmsgint64(buffer);
	order->min_bars = (int) pq_getmsgint(buffer, sizeof(int32));
	order->max_bars = (int) pq_getmsgint(buffer, sizeof(int32));
	order->min_rate = pq_getmsgfloat8(buffer);
	order->max_rate = pq_getmsgfloat8(buffer);
	order->lot = pq_getmsgfloat8(buffer);
}

/*
 * lem_order(size, side, benchmark, unit, start_ts, min_bars, max_bars, min_rate, max_rate, lot,
 * end_ts, limit_price, max_participation, min_quantity, best_effort, arrival_price,
 * risk_aversion) returns lem_order; in 1.0 the first ten.  A NULL stands for the argument's default (22004 for a NULL size).  Errors:
 * LM006, LM007 for what no model could accept.
 */
Datum
pg_lem_order(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[LEM_ORDER_FIELDS];
	bool		nulls[LEM_ORDER_FIELDS];
	lem_order	order;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LEM_ENSURE(desc->natts >= PG_NARGS() && desc->natts <= LEM_ORDER_FIELDS &&
			   PG_NARGS() >= LEM_ORDER_FIELDS_1_0);
	for (int i = 0; i < LEM_ORDER_FIELDS; i++)
	{
		nulls[i] = i >= PG_NARGS() || PG_ARGISNULL(i);
		values[i] = nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	lem_order_from_fields(values, nulls, &order);

	PG_RETURN_DATUM(lem_order_datum(desc->tdtypeid, &order));
}

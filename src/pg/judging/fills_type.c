/*
 * fills_type.c: the lem_fills type: input and output, and growing sets of executions.
 *
 * Text form: the order as a row, then the executions, each with its quoted time, price and quantity:
 * (12000,sell,vwap,quantity,"2026-03-01 22:00:00+00",3,,0,0.4,100) {"2026-03-01 22:05:00+00" 101.5
 * 200, ...}.  An arrival price can follow the order's lot, and a fee an execution's quantity.  Output is in the order of time, ISO in UTC, with the fewest digits that give each
 * number back.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"
#include "pg/base/text_value.h"
#include "pg/judging/fills_type.h"
#include "pg/schedule/order_type.h"

LEM_FUNCTION(pg_lem_fills_in);
LEM_FUNCTION(pg_lem_fills_out);
LEM_FUNCTION(pg_lem_fills_recv);
LEM_FUNCTION(pg_lem_fills_send);
LEM_FUNCTION(pg_lem_fills_unnest);

#define FILLS_FORMAT 1
#define FILLS_FORMAT_EXTENDED 2
#define FILLS_SELL 1
#define FILLS_TWAP 2
#define FILLS_NOTIONAL 4
#define FILLS_FLAGS (FILLS_SELL | FILLS_TWAP | FILLS_NOTIONAL)

/* Bytes of an execution in a value: time, price, quantity and, extended, fee. */
#define EXECUTION_BYTES(extended) (((extended) ? 4 : 3) * sizeof(double))

#define FIRST_CAPACITY 8

#define FILL_LESS(x, y, next) ((x) < (y) ? -1 : (x) > (y) ? 1 : (next))
#define ST_SORT sort_fills
#define ST_ELEMENT_TYPE lem_fill
#define ST_COMPARE(a, b) FILL_LESS((a)->ts, (b)->ts, \
								   FILL_LESS((a)->price, (b)->price, \
											 FILL_LESS((a)->quantity, (b)->quantity, \
													   FILL_LESS((a)->fee, (b)->fee, 0))))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

void
lem_fills_view(const lem_fills *fills, lem_order *order, lem_executions *executions)
{
	const bool	extended = fills->format == FILLS_FORMAT_EXTENDED;
	const Size	header = sizeof(lem_fills) + (extended ? sizeof(double) : 0);
	const Size	each = EXECUTION_BYTES(extended);
	const Size	bytes = VARSIZE(fills);
	const char *arrays = (const char *) fills + header;
	double		arrival = NAN;

	if (bytes < header || (fills->format != FILLS_FORMAT && !extended) ||
		(fills->flags & ~FILLS_FLAGS) != 0 || fills->n < 0 ||
		(Size) fills->n != (bytes - header) / each || (bytes - header) % each != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("damaged lem_fills value")));
	memset(order, 0, sizeof(*order));
	order->size = fills->size;
	order->sell = (fills->flags & FILLS_SELL) != 0;
	order->twap = (fills->flags & FILLS_TWAP) != 0;
	order->notional = (fills->flags & FILLS_NOTIONAL) != 0;
	order->has_start = true;
	order->start_ts = fills->start_ts;
	order->min_bars = fills->min_bars;
	order->max_bars = fills->max_bars;
	order->min_rate = fills->min_rate;
	order->max_rate = fills->max_rate;
	order->lot = fills->lot;
	if (extended)
		memcpy(&arrival, (const char *) fills + sizeof(lem_fills), sizeof(arrival));
	order->has_arrival = !isnan(arrival);
	if (order->has_arrival)
		order->arrival_price = arrival;
	executions->n = (Size) fills->n;
	executions->ts = (const int64_t *) arrays;
	executions->price = (const double *) (executions->ts + executions->n);
	executions->quantity = executions->price + executions->n;
	executions->fee = extended ? executions->quantity + executions->n : NULL;
}

lem_fill_set *
lem_fill_set_create(MemoryContext context, const lem_order *order)
{
	lem_fill_set *set;

	if (!order->has_start)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_ORDER),
				 errmsg("the order has no start"),
				 errdetail("Costs are measured from the time of the decision."),
				 errhint("Set start_ts of the order.")));
	set = MemoryContextAllocZero(context, sizeof(lem_fill_set));
	set->context = context;
	set->order = *order;
	return set;
}

void
lem_fill_set_add(lem_fill_set *set, const lem_fill *fill)
{
	lem_fault	fault;

	if (!IS_VALID_TIMESTAMP(fill->ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 TIMESTAMP_NOT_FINITE(fill->ts) ?
				 errmsg("a fill's time cannot be %s", timestamptz_to_str(fill->ts)) :
				 errmsg("a fill's time is out of range for type timestamp")));
	switch (lem_execution_check(fill->ts, fill->price, fill->quantity, &fault))
	{
		case LEM_OK:
			break;
		case LEM_BAD_PRICE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid price %s at %s", lem_number_text(fill->price),
							timestamptz_to_str(fill->ts)),
					 errdetail("A fill's price must be finite."),
					 errhint("A fill can be left out by making its price NULL.")));
			break;
		case LEM_BAD_VOLUME:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid quantity %s at %s", lem_number_text(fill->quantity),
							timestamptz_to_str(fill->ts)),
					 errdetail("A quantity must be finite and not negative, for sells, too."),
					 errhint("A fill can be left out by making its quantity NULL.")));
			break;
		default:
			lem_pg_raise(&fault);
	}
	if (!isfinite(fill->fee))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("invalid fee %s at %s", lem_number_text(fill->fee),
						timestamptz_to_str(fill->ts)),
				 errdetail("A fee must be finite; it is less than zero for a rebate.")));
	if (fill->ts < set->order.start_ts)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_ORDER),
				 errmsg("a fill at %s is before the start of its order",
						timestamptz_to_str(fill->ts)),
				 errdetail("The order starts at %s.",
						   pstrdup(timestamptz_to_str(set->order.start_ts))),
				 errhint("start_ts is the time of the decision.")));
	if (fill->quantity == 0)
		return;
	if (set->n == set->capacity)
	{
		Size		capacity = Max(2 * set->capacity, FIRST_CAPACITY);

		if (capacity > MaxAllocHugeSize / sizeof(lem_fill))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many fills: %zu", set->n)));
		if (set->fills)
			set->fills = repalloc_huge(set->fills, capacity * sizeof(lem_fill));
		else
			set->fills = MemoryContextAllocHuge(set->context, capacity * sizeof(lem_fill));
		set->capacity = capacity;
	}
	set->fills[set->n++] = *fill;
}

/* Raises 54000 if n fills are too many for one value, or one message. */
static void
check_size(Size n)
{
	const Size	most = (MaxAllocSize - 1024 - sizeof(lem_fills)) / EXECUTION_BYTES(true);

	if (n > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%zu fills are too many for one lem_fills", n),
				 errdetail("A value holds at most %zu, 1 GB.", most)));
}

bool
lem_fill_set_extended(const lem_fill_set *set)
{
	bool		extended = set->order.has_arrival;

	for (Size i = 0; i < set->n && !extended; i++)
		extended = set->fills[i].fee != 0;
	return extended;
}

static double
arrival_of(const lem_order *order)
{
	return order->has_arrival ? order->arrival_price : NAN;
}

lem_fills *
lem_fill_set_make(const lem_fill_set *set)
{
	const lem_order *order = &set->order;
	const bool	extended = lem_fill_set_extended(set);
	const Size	header = sizeof(lem_fills) + (extended ? sizeof(double) : 0);
	Size		n = set->n;
	Size		bytes = header + n * EXECUTION_BYTES(extended);
	lem_fill   *sorted;
	lem_fills  *fills;
	int64	   *ts;
	double	   *price;
	double	   *quantity;
	double	   *fee;

	check_size(n);
	sorted = palloc(Max(n, 1) * sizeof(lem_fill));
	if (n > 0)
		memcpy(sorted, set->fills, n * sizeof(lem_fill));
	sort_fills(sorted, n);
	fills = palloc0(bytes);
	SET_VARSIZE(fills, bytes);
	fills->format = extended ? FILLS_FORMAT_EXTENDED : FILLS_FORMAT;
	fills->flags = (order->sell ? FILLS_SELL : 0) | (order->twap ? FILLS_TWAP : 0) |
		(order->notional ? FILLS_NOTIONAL : 0);
	fills->n = (int64) n;
	fills->size = order->size;
	fills->start_ts = order->start_ts;
	fills->min_bars = order->min_bars;
	fills->max_bars = order->max_bars;
	fills->min_rate = order->min_rate;
	fills->max_rate = order->max_rate;
	fills->lot = order->lot;
	if (extended)
	{
		const double arrival = arrival_of(order);

		memcpy((char *) fills + sizeof(lem_fills), &arrival, sizeof(arrival));
	}
	ts = (int64 *) ((char *) fills + header);
	price = (double *) (ts + n);
	quantity = price + n;
	fee = quantity + n;
	for (Size i = 0; i < n; i++)
	{
		ts[i] = sorted[i].ts;
		price[i] = sorted[i].price;
		quantity[i] = sorted[i].quantity;
		if (extended)
			fee[i] = sorted[i].fee;
	}
	pfree(sorted);
	return fills;
}

void
lem_fill_set_write(const lem_fill_set *set, bool extended, StringInfo buffer)
{
	check_size(set->n);
	if (extended)
		pq_sendfloat8(buffer, arrival_of(&set->order));
	pq_sendint64(buffer, (int64) set->n);
	for (Size i = 0; i < set->n; i++)
	{
		pq_sendint64(buffer, set->fills[i].ts);
		pq_sendfloat8(buffer, set->fills[i].price);
		pq_sendfloat8(buffer, set->fills[i].quantity);
		if (extended)
			pq_sendfloat8(buffer, set->fills[i].fee);
	}
}

void
lem_fill_set_read(lem_fill_set *set, bool extended, StringInfo buffer)
{
	lem_order  *order = &set->order;
	int64		n;
	Size		left;

	if (extended)
	{
		order->arrival_price = pq_getmsgfloat8(buffer);
		order->has_arrival = !isnan(order->arrival_price);
		if (!order->has_arrival)
			order->arrival_price = 0;
		lem_order_validate(order);
	}
	n = pq_getmsgint64(buffer);
	left = buffer->len - buffer->cursor;
	if (n < 0 || (uint64) n > left / EXECUTION_BYTES(extended))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary lem_fills of %lld fills do not fit their %zu bytes",
						(long long) n, left)));
	for (int64 i = 0; i < n; i++)
	{
		lem_fill	fill = {0};

		fill.ts = pq_getmsgint64(buffer);
		fill.price = pq_getmsgfloat8(buffer);
		fill.quantity = pq_getmsgfloat8(buffer);
		if (extended)
			fill.fee = pq_getmsgfloat8(buffer);
		lem_fill_set_add(set, &fill);
		CHECK_FOR_INTERRUPTS();
	}
}

/* What the fields of an order look like. */
static const char order_fields[LEM_ORDER_FIELDS_1_0 + 1] = "nwwwtiinnn";
static const char *const order_names[LEM_ORDER_FIELDS_1_0] = {
	"the order's size", "the order's side", "the order's benchmark", "the order's unit",
	"the order's start", "the order's min_bars", "the order's max_bars", "the order's min_rate",
	"the order's max_rate", "the order's lot"
};

/* One field of an order in the text. */
static Datum
read_field(lem_reader *reader, int field)
{
	const char *name = order_names[field];

	if (order_fields[field] == 'n')
		return Float8GetDatum(lem_read_number(reader, name));
	if (order_fields[field] == 'i')
	{
		double		x = lem_read_number(reader, name);

		if (!(x >= PG_INT32_MIN && x <= PG_INT32_MAX && x == (int32) x))
			lem_read_fail(reader, psprintf("a whole number for %s", name));
		return Int32GetDatum((int32) x);
	}
	if (order_fields[field] == 't')
		return TimestampTzGetDatum(lem_read_time(reader));
	else
	{
		int			length = (int) strspn(reader->at, "abcdefghijklmnopqrstuvwxyz"
										  "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		text	   *word;

		if (length == 0)
			lem_read_fail(reader, name);
		word = cstring_to_text_with_len(reader->at, length);
		reader->at += length;
		return PointerGetDatum(word);
	}
}

/* The order in the text. */
static void
read_order(lem_reader *reader, lem_order *order)
{
	Datum		values[LEM_ORDER_FIELDS];
	bool		nulls[LEM_ORDER_FIELDS];

	memset(nulls, true, sizeof(nulls));
	if (!lem_read_char(reader, '('))
		lem_read_fail(reader, "an opening parenthesis");
	for (int i = 0; i < LEM_ORDER_FIELDS_1_0; i++)
	{
		bool		last = i == LEM_ORDER_FIELDS_1_0 - 1;

		lem_read_space(reader);
		nulls[i] = *reader->at == ',' || *reader->at == ')';
		values[i] = nulls[i] ? (Datum) 0 : read_field(reader, i);
		if (last && lem_read_char(reader, ','))
		{
			nulls[LEM_ORDER_ARRIVAL] = false;
			values[LEM_ORDER_ARRIVAL] =
				Float8GetDatum(lem_read_number(reader, "the order's arrival_price"));
		}
		if (!lem_read_char(reader, last ? ')' : ','))
			lem_read_fail(reader, last ? "a closing parenthesis" : "a comma");
	}
	lem_order_from_fields(values, nulls, order);
}

/*
 * _lem_fills_in(cstring) returns lem_fills.  Fills may come in any order.  Errors: 22P02, those of
 * timestamptz, float8 and lem_order(), LM001, LM007.
 */
Datum
pg_lem_fills_in(PG_FUNCTION_ARGS)
{
	lem_reader	reader;
	lem_order	order;
	lem_fill_set *set;

	reader.text = reader.at = PG_GETARG_CSTRING(0);
	reader.type = "lem_fills";
	reader.hint = "Fills look like (500,buy,vwap,quantity,\"2024-01-01 00:00:00+00\",,,0,1,) "
		"{\"2024-01-01 00:05:00+00\" 101.5 200, ...}.";
	read_order(&reader, &order);
	set = lem_fill_set_create(CurrentMemoryContext, &order);
	if (!lem_read_char(&reader, '{'))
		lem_read_fail(&reader, "an opening brace");
	if (!lem_read_char(&reader, '}'))
	{
		do
		{
			lem_fill	fill = {0};

			fill.ts = lem_read_time(&reader);
			fill.price = lem_read_number(&reader, "a price");
			fill.quantity = lem_read_number(&reader, "a quantity");
			lem_read_space(&reader);
			if (*reader.at != ',' && *reader.at != '}')
				fill.fee = lem_read_number(&reader, "a fee, a comma or a closing brace");
			lem_fill_set_add(set, &fill);
			CHECK_FOR_INTERRUPTS();
		} while (lem_read_char(&reader, ','));
		if (!lem_read_char(&reader, '}'))
			lem_read_fail(&reader, "a comma or a closing brace");
	}
	lem_read_space(&reader);
	if (*reader.at != '\0')
		lem_read_fail(&reader, "nothing after the closing brace");
	PG_RETURN_POINTER(lem_fill_set_make(set));
}

/* _lem_fills_out(lem_fills) returns cstring: lossless. */
Datum
pg_lem_fills_out(PG_FUNCTION_ARGS)
{
	lem_order	order;
	lem_executions executions;
	StringInfoData text;

	lem_fills_view(PG_GETARG_LEM_FILLS_P(0), &order, &executions);
	initStringInfo(&text);
	lem_write_number(&text, '(', order.size);
	appendStringInfo(&text, ",%s,%s,%s,", order.sell ? "sell" : "buy",
					 order.twap ? "twap" : "vwap", order.notional ? "notional" : "quantity");
	lem_write_time(&text, order.start_ts);
	appendStringInfoChar(&text, ',');
	if (order.min_bars > 0)
		appendStringInfo(&text, "%d", order.min_bars);
	appendStringInfoChar(&text, ',');
	if (order.max_bars > 0)
		appendStringInfo(&text, "%d", order.max_bars);
	lem_write_number(&text, ',', order.min_rate);
	lem_write_number(&text, ',', order.max_rate);
	appendStringInfoChar(&text, ',');
	if (order.lot > 0)
		lem_write_number(&text, '\0', order.lot);
	if (order.has_arrival)
		lem_write_number(&text, ',', order.arrival_price);
	appendStringInfoString(&text, ") {");
	for (Size i = 0; i < executions.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(&text, ", ");
		lem_write_time(&text, executions.ts[i]);
		lem_write_number(&text, ' ', executions.price[i]);
		lem_write_number(&text, ' ', executions.quantity[i]);
		if (executions.fee && executions.fee[i] != 0)
			lem_write_number(&text, ' ', executions.fee[i]);
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/*
 * _lem_fills_recv(internal) returns lem_fills: int16 format, the order, and the executions in
 * network byte order.  Errors: 22P03, those of lem_order(), LM001, LM007.
 */
Datum
pg_lem_fills_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			format = (int) pq_getmsgint(buffer, sizeof(int16));
	lem_order	order;
	lem_fill_set *set;

	if (format != FILLS_FORMAT && format != FILLS_FORMAT_EXTENDED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown format %d of binary lem_fills", format)));
	lem_order_read_wire(buffer, &order);
	lem_order_validate(&order);
	set = lem_fill_set_create(CurrentMemoryContext, &order);
	lem_fill_set_read(set, format == FILLS_FORMAT_EXTENDED, buffer);
	PG_RETURN_POINTER(lem_fill_set_make(set));
}

/* A value's executions as a set that points nowhere into it. */
static lem_fill_set *
set_of(const lem_fills *fills)
{
	lem_order	order;
	lem_executions executions;
	lem_fill_set *set;

	lem_fills_view(fills, &order, &executions);
	set = lem_fill_set_create(CurrentMemoryContext, &order);
	for (Size i = 0; i < executions.n; i++)
	{
		const lem_fill fill = lem_fill_of(&executions, i);

		lem_fill_set_add(set, &fill);
	}
	return set;
}

/* lem_fills_send(lem_fills) returns bytea: what _lem_fills_recv reads. */
Datum
pg_lem_fills_send(PG_FUNCTION_ARGS)
{
	lem_fill_set *set = set_of(PG_GETARG_LEM_FILLS_P(0));
	const bool	extended = lem_fill_set_extended(set);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint16(&buffer, extended ? FILLS_FORMAT_EXTENDED : FILLS_FORMAT);
	lem_order_write(&set->order, &buffer);
	lem_fill_set_write(set, extended, &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/*
 * lem_fills_unnest(lem_fills) returns setof (ts, price, quantity, fee; in 1.0 without the fee): one
 * row a fill, in time order.
 */
Datum
pg_lem_fills_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	lem_order	order;
	lem_executions executions;

	InitMaterializedSRF(fcinfo, 0);
	lem_fills_view(PG_GETARG_LEM_FILLS_P(0), &order, &executions);
	for (Size i = 0; i < executions.n; i++)
	{
		const lem_fill fill = lem_fill_of(&executions, i);
		Datum		values[4];
		bool		nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = TimestampTzGetDatum(fill.ts);
		values[1] = Float8GetDatum(fill.price);
		values[2] = Float8GetDatum(fill.quantity);
		values[3] = Float8GetDatum(fill.fee);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* work_store.c: working orders in the tables. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/orders/orders.h"
#include "pg/orders/work_store.h"
#include "pg/schedule/order_type.h"

/* A column that may be NULL, as a time. */
static TimestampTz
time_column(uint64 row, int number, TimestampTz none)
{
	bool		is_null;
	Datum		value = lem_query_column(row, number, &is_null);

	return is_null ? none : DatumGetTimestampTz(value);
}

static char *
text_column(uint64 row, int number)
{
	return TextDatumGetCString(lem_query_column(row, number, NULL));
}

lem_due_order *
lem_work_list(const char *schema, Oid user, int *n)
{
	lem_query	query;
	lem_due_order *list;

	lem_query_begin(&query, schema);
	lem_orders_add_owners(&query, user, true);
	*n = (int) lem_query_run(&query,
							 "SELECT id, series, model, seen_ts FROM %1$s.lem_parent_order"
							 " WHERE state = 'active' AND owner = ANY ($1)"
							 " ORDER BY model, series COLLATE \"C\", id");
	list = palloc(Max(*n, 1) * sizeof(lem_due_order));
	for (int i = 0; i < *n; i++)
	{
		list[i].id = DatumGetInt64(lem_query_column(i, 1, NULL));
		list[i].series = text_column(i, 2);
		list[i].model = text_column(i, 3);
		list[i].seen = time_column(i, 4, DT_NOBEGIN);
		list[i].last = -1;
	}
	SPI_freetuptable(SPI_tuptable);
	return list;
}

static Datum
id_array(const int64 *ids, int n, lem_query *query)
{
	Datum	   *values = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(ids[i]);
	lem_query_add_array(query, INT8OID, values, NULL, n);
	return query->values[query->n - 1];
}

/* An order out of a row of the query below. */
static void
read_order(uint64 row, lem_work_order *order)
{
	bool		is_null;
	Datum		value;

	memset(order, 0, sizeof(*order));
	order->id = DatumGetInt64(lem_query_column(row, 1, NULL));
	order->series = text_column(row, 2);
	order->model = text_column(row, 3);
	value = lem_query_column(row, 4, &is_null);
	if (!is_null)
	{
		int			ignored;

		order->version = DatumGetInt32(value);
		order->model = psprintf("%s@%d", lem_catalog_parse(order->model, &ignored),
								order->version);
	}
	lem_order_read(DatumGetHeapTupleHeader(lem_query_column(row, 5, NULL)), &order->order);
	order->owner = pstrdup(NameStr(*DatumGetName(lem_query_column(row, 6, NULL))));
	value = lem_query_column(row, 7, &is_null);
	order->started = !is_null;
	if (order->started)
	{
		order->order.has_start = true;
		order->order.start_ts = DatumGetTimestampTz(value);
	}
	order->since = time_column(row, 8, DT_NOBEGIN);
	order->seen = time_column(row, 9, DT_NOBEGIN);
	order->expires = time_column(row, 10, DT_NOEND);
	value = lem_query_column(row, 11, &is_null);
	if (!is_null)
		order->bars = (lem_bars *) PG_DETOAST_DATUM_COPY(value);
	order->order.decided = order->units;
}

lem_work_order *
lem_work_claim(const char *schema, const int64 *ids, int n_ids, bool wait, int *n)
{
	lem_query	query;
	lem_work_order *orders;
	uint64		rows;
	int			i = 0;

	lem_query_begin(&query, schema);
	(void) id_array(ids, n_ids, &query);
	*n = (int) lem_query_run(&query, psprintf(
								 "SELECT id, series, model, model_version, ord, owner, start_ts,"
								 " since_ts, seen_ts, expires_at, bars"
								 " FROM %%1$s.lem_parent_order WHERE id = ANY ($1)"
								 " AND state = 'active' ORDER BY id FOR NO KEY UPDATE%s",
								 wait ? "" : " SKIP LOCKED"));
	orders = palloc(Max(*n, 1) * sizeof(lem_work_order));
	for (int row = 0; row < *n; row++)
		read_order(row, &orders[row]);
	SPI_freetuptable(SPI_tuptable);

	/* A query of its own, which sees what whoever held them before has decided. */
	rows = lem_query_run(&query,
						 "SELECT order_id, step, allocation, bar_ts FROM %1$s.lem_child_slice"
						 " WHERE order_id = ANY ($1) ORDER BY order_id, step");
	for (uint64 row = 0; row < rows; row++)
	{
		const int64 id = DatumGetInt64(lem_query_column(row, 1, NULL));
		lem_work_order *order;
		TimestampTz bar;

		while (i < *n && orders[i].id < id)
			i++;
		if (i == *n || orders[i].id > id)
			continue;
		order = &orders[i];
		LEM_ENSURE(DatumGetInt32(lem_query_column(row, 2, NULL)) == order->n_slices + 1 &&
				   order->n_slices < LEM_MAX_AHEAD);
		bar = time_column(row, 4, DT_NOBEGIN);
		if (bar != DT_NOBEGIN && order->n_completed == order->n_slices)
			order->bar_ts[order->n_completed++] = bar;
		order->units[order->n_slices++] =
			lem_share_units(DatumGetFloat8(lem_query_column(row, 3, NULL)));
	}
	SPI_freetuptable(SPI_tuptable);
	return orders;
}

/* Columns of rows that are put together, to be unnested again in a query. */
typedef struct columns
{
	int			n;				/* rows */
	int			width;
	Datum	   *values[LEM_MAX_ARGUMENTS];
	bool	   *nulls[LEM_MAX_ARGUMENTS];
} columns;

static void
columns_begin(columns *c, int rows, int width)
{
	c->n = 0;
	c->width = width;
	for (int i = 0; i < width; i++)
	{
		c->values[i] = palloc(Max(rows, 1) * sizeof(Datum));
		c->nulls[i] = palloc0(Max(rows, 1) * sizeof(bool));
	}
}

static void
columns_add(const columns *c, lem_query *query, const Oid *types)
{
	for (int i = 0; i < c->width; i++)
		lem_query_add_array(query, types[i], c->values[i], c->nulls[i], c->n);
}

static Datum
digest_datum(const uint8 *digest)
{
	bytea	   *bytes = palloc(VARHDRSZ + LEM_DIGEST_LENGTH);

	SET_VARSIZE(bytes, VARHDRSZ + LEM_DIGEST_LENGTH);
	memcpy(VARDATA(bytes), digest, LEM_DIGEST_LENGTH);
	return PointerGetDatum(bytes);
}

/* The slices that were decided. */
static void
save_slices(lem_query *query, Oid user, const lem_work_order *orders, int n)
{
	static const Oid types[] = {
		INT8OID, INT4OID, TIMESTAMPTZOID, FLOAT8OID, FLOAT8OID, FLOAT8OID, BOOLOID, INT4OID,
		BYTEAOID
	};
	columns		c;

	columns_begin(&c, n * LEM_MAX_AHEAD, lengthof(types));
	for (int i = 0; i < n; i++)
	{
		const lem_work_order *order = &orders[i];

		for (int k = 0; k < order->n_new; k++, c.n++)
		{
			const lem_slice *slice = &order->slices[k];

			c.values[0][c.n] = Int64GetDatum(order->id);
			c.values[1][c.n] = Int32GetDatum(slice->step);
			c.values[2][c.n] = TimestampTzGetDatum(slice->ts);
			c.values[3][c.n] = Float8GetDatum(slice->allocation);
			c.values[4][c.n] = Float8GetDatum(slice->cumulative);
			c.values[5][c.n] = Float8GetDatum(slice->quantity);
			c.values[6][c.n] = BoolGetDatum(slice->state == LEM_SLICE_DONE);
			c.values[7][c.n] = Int32GetDatum(order->version);
			c.values[8][c.n] = digest_datum(order->inputs);
		}
	}
	if (c.n == 0)
		return;
	lem_query_add(query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	columns_add(&c, query, types);
	lem_query_add(query, NAMEOID, CStringGetDatum(GetUserNameFromId(user, false)), false);
	lem_query_run(query,
				  "WITH s AS (INSERT INTO %1$s.lem_child_slice (order_id, step, ts, allocation,"
				  " cumulative, quantity, late, model_version, inputs, decided_by)"
				  " SELECT u.*, $11 FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) AS u"
				  " RETURNING *)"
				  " SELECT " LEM_NOTIFY("'slice'",
										", 'step', s.step, 'late', s.late, 'ts', s.ts,"
										" 'side', CASE WHEN $1 THEN (o.ord).side END,"
										" 'unit', CASE WHEN $1 THEN (o.ord).unit END,"
										" 'quantity', CASE WHEN $1 THEN s.quantity END,"
										" 'allocation', CASE WHEN $1 THEN s.allocation END,"
										" 'cumulative', CASE WHEN $1 THEN s.cumulative END")
				  " FROM s JOIN %1$s.lem_parent_order AS o ON o.id = s.order_id"
				  " ORDER BY s.order_id, s.step");
	SPI_freetuptable(SPI_tuptable);
}

/* The bars that slices have traded in by now. */
static void
save_completed(lem_query *query, const lem_work_order *orders, int n)
{
	static const Oid types[] = {INT8OID, INT4OID, TIMESTAMPTZOID};
	columns		c;

	columns_begin(&c, n * LEM_MAX_AHEAD, lengthof(types));
	for (int i = 0; i < n; i++)
	{
		const lem_work_order *order = &orders[i];

		for (int k = 0; k < order->n_new_completed; k++, c.n++)
		{
			c.values[0][c.n] = Int64GetDatum(order->id);
			c.values[1][c.n] = Int32GetDatum(order->n_completed + k + 1);
			c.values[2][c.n] = TimestampTzGetDatum(order->bar_ts[order->n_completed + k]);
		}
	}
	if (c.n == 0)
		return;
	columns_add(&c, query, types);
	lem_query_run(query,
				  "UPDATE %1$s.lem_child_slice AS c SET bar_ts = u.bar_ts"
				  " FROM unnest($1, $2, $3) AS u (order_id, step, bar_ts)"
				  " WHERE c.order_id = u.order_id AND c.step = u.step");
}

/* The orders themselves. */
static void
save_orders(lem_query *query, const lem_work_order *orders, int n)
{
	static const char *const states[] = {"active", "finished", "failed"};
	Oid			types[] = {
		INT8OID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		InvalidOid
	};
	columns		c;

	types[7] = lem_query_type(query, "lem_bars");
	columns_begin(&c, n, lengthof(types));
	for (int i = 0; i < n; i++, c.n++)
	{
		const lem_work_order *order = &orders[i];

		c.values[0][i] = Int64GetDatum(order->id);
		c.values[1][i] = CStringGetTextDatum(states[order->outcome]);
		c.values[2][i] = order->reason ? CStringGetTextDatum(order->reason) : (Datum) 0;
		c.nulls[2][i] = order->reason == NULL;
		c.values[3][i] = Int32GetDatum(order->version);
		c.nulls[3][i] = !order->started;
		c.values[4][i] = TimestampTzGetDatum(order->order.start_ts);
		c.nulls[4][i] = !order->started;
		c.values[5][i] = TimestampTzGetDatum(order->since);
		c.nulls[5][i] = !order->started;
		c.values[6][i] = TimestampTzGetDatum(order->seen);
		c.nulls[6][i] = order->seen == DT_NOBEGIN;
		c.values[7][i] = PointerGetDatum(order->bars);
		c.nulls[7][i] = order->bars == NULL;
	}
	lem_query_add(query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	columns_add(&c, query, types);
	lem_query_run(query,
				  "WITH o AS (UPDATE %1$s.lem_parent_order AS p SET state = u.state,"
				  " reason = u.reason, model_version = u.model_version, start_ts = u.start_ts,"
				  " since_ts = u.since_ts, seen_ts = u.seen_ts, bars = u.bars,"
				  " ended_at = CASE WHEN u.state <> 'active' THEN clock_timestamp() END"
				  " FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) AS u"
				  " (id, state, reason, model_version, start_ts, since_ts, seen_ts, bars)"
				  " WHERE p.id = u.id RETURNING p.id, p.owner, p.series, p.state, p.reason)"
				  " SELECT " LEM_NOTIFY("o.state", ", 'reason', pg_catalog.left(o.reason, 300)")
				  " FROM o WHERE o.state <> 'active' ORDER BY o.id");
	SPI_freetuptable(SPI_tuptable);
}

void
lem_work_save(const char *schema, Oid user, lem_work_order *orders, int n)
{
	lem_query	query;

	if (n == 0)
		return;
	lem_query_begin(&query, schema);
	save_slices(&query, user, orders, n);
	lem_query_begin(&query, schema);
	save_completed(&query, orders, n);
	lem_query_begin(&query, schema);
	save_orders(&query, orders, n);
}

void
lem_work_expire(const char *schema, Oid user, TimestampTz now)
{
	lem_query	query;

	lem_query_begin(&query, schema);
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(now), false);
	lem_orders_add_owners(&query, user, true);
	lem_query_run(&query,
				  "WITH o AS (UPDATE %1$s.lem_parent_order SET state = 'expired',"
				  " ended_at = clock_timestamp(),"
				  " reason = coalesce(reason, 'it was not complete when it expired')"
				  " WHERE id IN (SELECT id FROM %1$s.lem_parent_order WHERE state = 'active'"
				  " AND expires_at <= $2 AND owner = ANY ($3) FOR NO KEY UPDATE SKIP LOCKED)"
				  " RETURNING id, owner, series, reason)"
				  " SELECT " LEM_NOTIFY("'expired'", ", 'reason', o.reason")
				  " FROM o ORDER BY o.id");
	SPI_freetuptable(SPI_tuptable);
}

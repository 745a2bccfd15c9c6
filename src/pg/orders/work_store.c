/* work_store.c: working orders in the tables. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/orders/orders.h"
#include "pg/orders/work_store.h"
#include "pg/schedule/slices.h"

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

/*
 * A query by a worker: parameter $1 is the owners whose orders it is about, $2 their feed, $3 the time
 * of the call.
 */
static void
worker_query(const lem_worker *worker, lem_query *query)
{
	lem_query_begin(query, worker->schema);
	query->by_index = true;
	lem_query_add(query, worker->owners_type, worker->owners, false);
	lem_query_add_text(query, worker->feed.name);
	lem_query_add(query, TIMESTAMPTZOID, TimestampTzGetDatum(worker->now), false);
}

void
lem_worker_find_owners(lem_worker *worker)
{
	lem_query	query;

	lem_query_begin(&query, worker->schema);
	lem_orders_add_owners(&query, worker->user, true);
	worker->owners_type = query.types[0];
	worker->owners = query.values[0];
}

/* What a series' active orders come to, in a query of orders o. */
#define SERIES_SUMS \
	" count(*) AS orders, min(coalesce(o.seen_ts, '-infinity')) AS seen," \
	" bool_or(o.reason IS NULL) AS untold, min(o.look_at) AS look FROM %1$s.lem_parent_order AS o" \
	" WHERE o.state = 'active' AND o.owner OPERATOR(%1$s.=) ANY ($1) AND o.feed = $2"

lem_active_series *
lem_work_list(const lem_worker *worker, const char *const *names, int n_names, int *n)
{
	lem_query	query;
	lem_active_series *list;

	worker_query(worker, &query);
	if (names)
	{
		Datum	   *values = palloc(Max(n_names, 1) * sizeof(Datum));

		for (int i = 0; i < n_names; i++)
			values[i] = CStringGetTextDatum(names[i]);
		lem_query_add_array(&query, TEXTOID, values, NULL, n_names);
		*n = (int) lem_query_run(&query,
								 "SELECT s.series, o.* FROM unnest($4) AS s (series) CROSS JOIN"
								 " LATERAL (SELECT" SERIES_SUMS " AND o.series = s.series OFFSET 0)"
								 " AS o WHERE o.orders > 0 ORDER BY s.series COLLATE \"C\"");
	}
	else
	{
		query.by_index = false; /* all of them are read */
		*n = (int) lem_query_run(&query,
								 "SELECT o.series," SERIES_SUMS
								 " GROUP BY o.series ORDER BY o.series COLLATE \"C\"");
	}
	list = palloc(Max(*n, 1) * sizeof(lem_active_series));
	for (int i = 0; i < *n; i++)
	{
		list[i].name = text_column(i, 1);
		list[i].orders = DatumGetInt64(lem_query_column(i, 2, NULL));
		list[i].seen = time_column(i, 3, DT_NOBEGIN);
		list[i].untold = DatumGetBool(lem_query_column(i, 4, NULL));
		list[i].look = time_column(i, 5, DT_NOEND);
		list[i].last = DT_NOBEGIN;
	}
	SPI_freetuptable(SPI_tuptable);
	return list;
}

/* Whether an order o of a series s is due, in a query. */
#define IS_DUE \
	" o.state = 'active' AND o.owner OPERATOR(%1$s.=) ANY ($1) AND o.feed = $2" \
	" AND CASE WHEN s.last = '-infinity' THEN o.reason IS NULL" \
	" ELSE o.seen_ts IS NULL OR o.seen_ts < s.last OR o.look_at <= $3 END"

/* Those series, as parameters $4 and $5. */
#define OF_SERIES " FROM unnest($4, $5) WITH ORDINALITY AS s (series, last, number)"

/*
 * The due orders of a series s, in a query, with what is to be done with their rows.  A subquery that is
 * not pulled up, so that each series' orders are found by its name: a join would read all active orders
 * for each batch where the planner takes them to be few.
 */
#define EACH_DUE(columns, more) \
	" CROSS JOIN LATERAL (SELECT " columns " FROM %1$s.lem_parent_order AS o" \
	" WHERE o.series = s.series AND" IS_DUE more " OFFSET 0) AS o"

bool
lem_work_is_due(const lem_worker *worker, const lem_active_series *series)
{
	return series->last == DT_NOBEGIN ? series->untold
		: series->seen < series->last || series->look <= worker->now;
}

static void
add_series(lem_query *query, const lem_active_series *series, int n)
{
	Datum	   *names = palloc(Max(n, 1) * sizeof(Datum));
	Datum	   *last = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
	{
		names[i] = CStringGetTextDatum(series[i].name);
		last[i] = TimestampTzGetDatum(series[i].last);
	}
	lem_query_add_array(query, TEXTOID, names, NULL, n);
	lem_query_add_array(query, TIMESTAMPTZOID, last, NULL, n);
}

int
lem_work_still_due(const lem_worker *worker, lem_active_series *series, int n)
{
	lem_query	query;
	uint64		rows;

	if (n == 0)
		return 0;
	worker_query(worker, &query);
	add_series(&query, series, n);
	rows = lem_query_run(&query,
						 "SELECT s.number, count(*)" OF_SERIES EACH_DUE("o.id", "")
						 " GROUP BY s.number ORDER BY s.number");
	for (uint64 row = 0; row < rows; row++)
	{
		series[row] = series[DatumGetInt64(lem_query_column(row, 1, NULL)) - 1];
		series[row].orders = DatumGetInt64(lem_query_column(row, 2, NULL));
	}
	SPI_freetuptable(SPI_tuptable);
	return (int) rows;
}

int64 *
lem_work_due_ids(const lem_worker *worker, const lem_active_series *series, int n, int limit,
				 int *n_ids)
{
	lem_query	query;
	int64	   *ids;

	worker_query(worker, &query);
	add_series(&query, series, n);
	lem_query_add(&query, INT4OID, Int32GetDatum(limit), false);
	*n_ids = (int) lem_query_run(&query,
								 "SELECT o.id" OF_SERIES EACH_DUE("o.id", "")
								 " ORDER BY o.id LIMIT $6");
	ids = palloc(Max(*n_ids, 1) * sizeof(int64));
	for (int i = 0; i < *n_ids; i++)
		ids[i] = DatumGetInt64(lem_query_column(i, 1, NULL));
	SPI_freetuptable(SPI_tuptable);
	return ids;
}

/* A model's name with the version that is fixed; 0: none is. */
static const char *
model_of_version(const char *model, int version)
{
	int			ignored;

	return version > 0 ? psprintf("%s@%d", lem_catalog_parse(model, &ignored), version) : model;
}

lem_series_model *
lem_work_models(const lem_worker *worker, const lem_active_series *series, int n, int *n_models)
{
	lem_query	query;
	lem_series_model *models;

	worker_query(worker, &query);
	add_series(&query, series, n);
	*n_models = (int) lem_query_run(&query,
									"SELECT DISTINCT s.number, o.model, coalesce(o.model_version, 0),"
									" o.owner, o.calendar" OF_SERIES
									" CROSS JOIN LATERAL (SELECT o.* FROM %1$s.lem_parent_order AS o"
									" WHERE o.series = s.series AND o.state = 'active'"
									" AND o.owner OPERATOR(%1$s.=) ANY ($1) AND o.feed = $2 OFFSET 0)"
									" AS o ORDER BY s.number");
	models = palloc0(Max(*n_models, 1) * sizeof(lem_series_model));
	for (int i = 0; i < *n_models; i++)
	{
		const lem_role *owner = DatumGetLemRoleP(lem_query_column(i, 4, NULL));
		lem_work_model *model = &models[i].model;
		bool		is_null;
		const Datum calendar = lem_query_column(i, 5, &is_null);

		models[i].series = (int) DatumGetInt64(lem_query_column(i, 1, NULL)) - 1;
		model->name = model_of_version(text_column(i, 2),
									   DatumGetInt32(lem_query_column(i, 3, NULL)));
		model->owner = lem_role_text(owner);
		model->owner_id = lem_role_id(owner);
		model->calendar = is_null ? worker->feed.calendar : TextDatumGetCString(calendar);
	}
	SPI_freetuptable(SPI_tuptable);
	return models;
}

/* An order out of a row of the query below. */
static void
read_order(uint64 row, lem_work_order *order)
{
	const lem_role *owner;
	bool		is_null;
	Datum		value;

	memset(order, 0, sizeof(*order));
	order->id = DatumGetInt64(lem_query_column(row, 1, NULL));
	order->series = (int) DatumGetInt64(lem_query_column(row, 2, NULL)) - 1;
	value = lem_query_column(row, 4, &is_null);
	if (!is_null)
		order->version = DatumGetInt32(value);
	order->model = model_of_version(text_column(row, 3), order->version);
	/* As they are stored: reading them may fail, which is this order's error. */
	order->stored_order = datumCopy(lem_query_column(row, 5, NULL), false, -1);
	value = lem_query_column(row, 11, &is_null);
	if (!is_null)
		order->stored_bars = datumCopy(value, false, -1);
	owner = DatumGetLemRoleP(lem_query_column(row, 6, NULL));
	order->owner = lem_role_text(owner);
	order->owner_id = lem_role_id(owner);
	value = lem_query_column(row, 7, &is_null);
	order->started = !is_null;
	if (order->started)
		order->start = DatumGetTimestampTz(value);
	order->since = time_column(row, 8, DT_NOBEGIN);
	order->seen = time_column(row, 9, DT_NOBEGIN);
	order->expires = time_column(row, 10, DT_NOEND);

	/* What is to be done of it; the order is told once it is read. */
	order->fills = DatumGetBool(lem_query_column(row, 12, NULL));
	value = lem_query_column(row, 13, &is_null);
	order->skip = !is_null && strcmp(TextDatumGetCString(value), "skip") == 0;
	order->catch_up = !order->skip && (order->fills || !is_null);
	order->resized = DatumGetBool(lem_query_column(row, 14, NULL));
	order->spread = order->resized;
	value = lem_query_column(row, 15, &is_null);
	if (!is_null)
		order->calendar = TextDatumGetCString(value);
}

/* Room for the slices of an order. */
static void
make_room(lem_work_order *order, int n)
{
	LEM_ENSURE(n <= LEM_MAX_AHEAD);
	order->units = palloc(n * sizeof(int64_t));
	order->done = palloc(n * sizeof(lem_slice_done));
	order->bar_ts = palloc(n * sizeof(TimestampTz));
	order->executed = palloc(n * sizeof(double));
	order->executed_price = palloc(n * sizeof(double));
}

/* What was decided of n orders, which stand in the order of their ids. */
static void
read_slices(const lem_worker *worker, lem_work_order *orders, int n)
{
	lem_query	query;
	Datum	   *ids = palloc(Max(n, 1) * sizeof(Datum));
	uint64		rows;
	uint64		next;
	int			i = 0;

	for (int j = 0; j < n; j++)
		ids[j] = Int64GetDatum(orders[j].id);
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	query.repeats = true;
	lem_query_add_array(&query, INT8OID, ids, NULL, n);
	rows = lem_query_run(&query,
						 "SELECT order_id, step, allocation, bar_ts, quantity, adjusted, skipped,"
						 " reason = 'missed', executed FROM %1$s.lem_child_slice"
						 " WHERE order_id = ANY ($1) ORDER BY order_id, step");
	for (uint64 row = 0; row < rows; row++)
	{
		const int64 id = DatumGetInt64(lem_query_column(row, 1, NULL));
		lem_work_order *order;
		TimestampTz bar;
		bool		is_null;
		Datum		missed;
		Datum		executed;

		while (i < n && orders[i].id < id)
			i++;
		LEM_ENSURE(i < n && orders[i].id == id);
		order = &orders[i];
		if (order->n_slices == 0)
		{
			for (next = row + 1; next < rows; next++)
				if (DatumGetInt64(lem_query_column(next, 1, NULL)) != id)
					break;
			make_room(order, (int) (next - row));
		}
		LEM_ENSURE(DatumGetInt32(lem_query_column(row, 2, NULL)) == order->n_slices + 1);
		bar = time_column(row, 4, DT_NOBEGIN);
		if (bar != DT_NOBEGIN && order->n_completed == order->n_slices)
			order->bar_ts[order->n_completed++] = bar;
		executed = lem_query_column(row, 9, &is_null);
		order->done[order->n_slices] = (lem_slice_done) {
			.quantity = DatumGetFloat8(lem_query_column(row, 5, NULL)),
			.adjusted = DatumGetFloat8(lem_query_column(row, 6, NULL)),
			.executed = is_null ? NAN : DatumGetFloat8(executed),
			.skipped = DatumGetBool(lem_query_column(row, 7, NULL))
		};
		missed = lem_query_column(row, 8, &is_null);
		if (!is_null && DatumGetBool(missed))
			order->spread = true;
		order->units[order->n_slices++] =
			lem_share_units(DatumGetFloat8(lem_query_column(row, 3, NULL)));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* What was filled of those of n orders that go on from their fills. */
static void
read_fills(const lem_worker *worker, lem_work_order *orders, int n)
{
	lem_query	query;
	Datum	   *ids = palloc(Max(n, 1) * sizeof(Datum));
	int			n_ids = 0;
	uint64		rows;
	int			i = 0;

	for (int j = 0; j < n; j++)
		if (orders[j].fills && orders[j].n_slices > 0)
			ids[n_ids++] = Int64GetDatum(orders[j].id);
	if (n_ids == 0)
		return;
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	query.repeats = true;
	lem_query_add_array(&query, INT8OID, ids, NULL, n_ids);
	rows = lem_query_run(&query,
						 "SELECT order_id, coalesce(step, 1), sum(quantity * adjusted),"
						 " sum(price * quantity) FROM %1$s.lem_order_fill"
						 " WHERE order_id = ANY ($1) AND busted_at IS NULL"
						 " GROUP BY 1, 2 ORDER BY 1, 2");
	for (uint64 row = 0; row < rows; row++)
	{
		const int64 id = DatumGetInt64(lem_query_column(row, 1, NULL));
		const int	k = DatumGetInt32(lem_query_column(row, 2, NULL)) - 1;

		while (i < n && orders[i].id < id)
			i++;
		LEM_ENSURE(i < n && orders[i].id == id && k >= 0 && k < orders[i].n_slices);
		orders[i].done[k].filled = DatumGetFloat8(lem_query_column(row, 3, NULL));
		orders[i].done[k].notional = DatumGetFloat8(lem_query_column(row, 4, NULL));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* A row of claimed orders. */
typedef struct claimed_row
{
	int64		id;
	uint64		row;
} claimed_row;

static int
compare_ids(const void *a, const void *b)
{
	const int64 x = ((const claimed_row *) a)->id;
	const int64 y = ((const claimed_row *) b)->id;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* The orders of the rows that were claimed, by their ids. */
static lem_work_order *
read_orders(int n)
{
	claimed_row *rows = palloc(Max(n, 1) * sizeof(claimed_row));
	lem_work_order *orders = palloc(Max(n, 1) * sizeof(lem_work_order));

	for (int i = 0; i < n; i++)
		rows[i] = (claimed_row) {DatumGetInt64(lem_query_column(i, 1, NULL)), i};
	qsort(rows, n, sizeof(claimed_row), compare_ids);
	for (int i = 0; i < n; i++)
		read_order(rows[i].row, &orders[i]);
	pfree(rows);
	return orders;
}

lem_work_order *
lem_work_claim(const lem_worker *worker, const lem_active_series *series, int n, int limit,
			   int *claimed)
{
	lem_query	query;
	lem_work_order *orders;

	worker_query(worker, &query);
	query.repeats = true;
	add_series(&query, series, n);
	lem_query_add(&query, INT4OID, Int32GetDatum(limit), false);
	*claimed = (int) lem_query_run(&query,
								   "SELECT o.id, s.number, o.model, o.model_version, o.ord,"
								   " o.owner, o.start_ts, o.since_ts, o.seen_ts, o.expires_at,"
								   " o.bars, coalesce(o.track = 'fills', false), o.missed,"
								   " o.resized, o.calendar" OF_SERIES
								   EACH_DUE("o.*", " ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED")
								   " LIMIT $6");
	orders = read_orders(*claimed);
	SPI_freetuptable(SPI_tuptable);
	if (*claimed == 0)
		return orders;

	/* A query of its own, which sees what whoever held them before has decided. */
	read_slices(worker, orders, *claimed);
	read_fills(worker, orders, *claimed);
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

/* A time span as an interval of hours and less. */
static Datum
interval_datum(int64 span)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = span;
	return IntervalPGetDatum(interval);
}

/* Tell those who listen of slices that were decided, by their numbers, as LEM_NOTIFY would. */
static void
tell_slices(const lem_work_order *orders, int n)
{
	char		payload[80];

	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < orders[i].decision.n_slices; k++)
		{
			snprintf(payload, sizeof(payload), "{\"order\":" INT64_FORMAT ",\"step\":%d}",
					 orders[i].id, orders[i].decision.slices[k].step);
			Async_Notify("lem_slice", payload);
		}
	}
}

/* The slices that were decided. */
static void
save_slices(const lem_worker *worker, const lem_work_order *orders, int n)
{
	static const Oid types[] = {
		INT8OID, INT4OID, TIMESTAMPTZOID, FLOAT8OID, FLOAT8OID, FLOAT8OID, BOOLOID, INT4OID,
		BYTEAOID, TEXTOID, BOOLOID, INTERVALOID, BOOLOID
	};
	lem_query	query;
	columns		c;
	int			rows = 0;

	for (int i = 0; i < n; i++)
		rows += orders[i].decision.n_slices;
	if (rows == 0)
		return;
	columns_begin(&c, rows, lengthof(types));
	for (int i = 0; i < n; i++)
	{
		const lem_decision *decision = &orders[i].decision;

		for (int k = 0; k < decision->n_slices; k++, c.n++)
		{
			const lem_slice *slice = &decision->slices[k];
			const char *reason = lem_bound_word(slice->by);
			const bool	done = slice->state == LEM_SLICE_DONE;
			const int64 lag = decision->at - slice->ts;

			c.values[0][c.n] = Int64GetDatum(orders[i].id);
			c.values[1][c.n] = Int32GetDatum(slice->step);
			c.values[2][c.n] = TimestampTzGetDatum(slice->ts);
			c.values[3][c.n] = Float8GetDatum(slice->allocation);
			c.values[4][c.n] = Float8GetDatum(slice->cumulative);
			c.values[5][c.n] = Float8GetDatum(slice->quantity);
			c.values[6][c.n] = BoolGetDatum(done || slice->end_ts <= decision->at);
			c.values[7][c.n] = Int32GetDatum(decision->version);
			c.values[8][c.n] = digest_datum(decision->inputs);
			c.values[9][c.n] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
			c.nulls[9][c.n] = reason == NULL;
			c.values[10][c.n] = BoolGetDatum(decision->skips && done);
			c.values[11][c.n] = interval_datum(lag);
			c.values[12][c.n] = BoolGetDatum(lag > worker->feed.max_lag);
		}
	}
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	query.repeats = true;
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	columns_add(&c, &query, types);
	lem_query_add_user(&query, worker->user);
#define INSERT_SLICES \
	"INSERT INTO %1$s.lem_child_slice (order_id, step, ts, allocation, cumulative, quantity, late," \
	" model_version, inputs, reason, skipped, lag, lagging, decided_by) SELECT u.*, $15" \
	" FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS u"
	if (!lem_notify_details)
	{
		lem_query_run(&query, INSERT_SLICES);
		tell_slices(orders, n);
		return;
	}
	lem_query_run(&query,
				  "WITH s AS (" INSERT_SLICES " RETURNING *)"
				  " SELECT " LEM_NOTIFY("CASE WHEN s.skipped THEN 'skipped' ELSE 'slice' END", "s.step",
										", 'late', s.late, 'ts', s.ts, 'side', (o.ord).side,"
										" 'unit', (o.ord).unit, 'quantity', s.quantity,"
										" 'allocation', s.allocation, 'cumulative', s.cumulative,"
										" 'reason', s.reason")
				  " FROM s JOIN %1$s.lem_parent_order AS o ON o.id = s.order_id"
				  " ORDER BY s.order_id, s.step");
	SPI_freetuptable(SPI_tuptable);
}

/* The bars that slices have traded in by now, and what counts as done of them. */
static void
save_completed(const lem_worker *worker, const lem_work_order *orders, int n)
{
	static const Oid types[] = {INT8OID, INT4OID, TIMESTAMPTZOID, FLOAT8OID};
	lem_query	query;
	columns		c;
	int			rows = 0;

	for (int i = 0; i < n; i++)
		rows += orders[i].decision.n_completed;
	if (rows == 0)
		return;
	columns_begin(&c, rows, lengthof(types));
	for (int i = 0; i < n; i++)
	{
		const lem_decision *decision = &orders[i].decision;

		for (int k = 0; k < decision->n_completed; k++, c.n++)
		{
			c.values[0][c.n] = Int64GetDatum(orders[i].id);
			c.values[1][c.n] = Int32GetDatum(orders[i].n_completed + k + 1);
			c.values[2][c.n] = TimestampTzGetDatum(decision->bar_ts[k]);
			c.values[3][c.n] = Float8GetDatum(decision->executed[k]);
			c.nulls[3][c.n] = isnan(decision->executed[k]);
		}
	}
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	query.repeats = true;
	columns_add(&c, &query, types);
	lem_query_run(&query,
				  "UPDATE %1$s.lem_child_slice AS c SET bar_ts = u.bar_ts,"
				  " executed = u.executed"
				  " FROM unnest($1, $2, $3, $4) AS u (order_id, step, bar_ts, executed)"
				  " WHERE c.order_id = u.order_id AND c.step = u.step");
}

/* What an order's slices come to with those that were decided now. */
typedef struct slice_sums
{
	int			slices;
	int			completed;
	double		allocated;		/* at most, of those that were decided now */
	double		quantity;		/* to be traded, in the order's unit, by the shares of now */
	TimestampTz last;			/* of those that were decided now; DT_NOBEGIN: none was */
} slice_sums;

static slice_sums
sum_slices(const lem_work_order *order)
{
	const lem_decision *decision = &order->decision;
	slice_sums	sums = {
		.slices = order->n_slices + decision->n_slices,
		.completed = order->n_completed + decision->n_completed,
		.last = DT_NOBEGIN
	};

	for (int k = 0; k < order->n_slices; k++)
		if (!order->done[k].skipped)
			sums.quantity += order->done[k].quantity *
				(order->order.notional ? 1 : order->done[k].adjusted);
	for (int k = 0; k < decision->n_slices; k++)
	{
		const lem_slice *slice = &decision->slices[k];

		if (!(decision->skips && slice->state == LEM_SLICE_DONE))
			sums.quantity += slice->quantity;
		sums.allocated = Max(sums.allocated, slice->cumulative);
		sums.last = Max(sums.last, slice->ts);
	}
	return sums;
}

/* The orders themselves, with the sums over their slices. */
static void
save_orders(const lem_worker *worker, const lem_work_order *orders, int n)
{
	static const char *const states[] = {"active", "finished", "failed"};
	Oid			types[] = {
		INT8OID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		InvalidOid, FLOAT8OID, INT4OID, INT4OID, FLOAT8OID, FLOAT8OID, TIMESTAMPTZOID,
		TIMESTAMPTZOID
	};
	lem_query	query;
	columns		c;

	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	query.repeats = true;
	types[7] = lem_query_type(&query, "lem_bars");
	columns_begin(&c, n, lengthof(types));
	for (int i = 0; i < n; i++, c.n++)
	{
		const lem_decision *decision = &orders[i].decision;
		const slice_sums sums = sum_slices(&orders[i]);

		c.values[0][i] = Int64GetDatum(orders[i].id);
		c.values[1][i] = CStringGetTextDatum(states[decision->outcome]);
		c.values[2][i] = decision->reason ? CStringGetTextDatum(decision->reason) : (Datum) 0;
		c.nulls[2][i] = decision->reason == NULL;
		c.values[3][i] = Int32GetDatum(decision->version);
		c.nulls[3][i] = !decision->started;
		c.values[4][i] = TimestampTzGetDatum(decision->start);
		c.nulls[4][i] = !decision->started;
		c.values[5][i] = TimestampTzGetDatum(orders[i].since);
		c.nulls[5][i] = !decision->started;
		c.values[6][i] = TimestampTzGetDatum(decision->seen);
		c.nulls[6][i] = decision->seen == DT_NOBEGIN;
		c.values[7][i] = PointerGetDatum(decision->bars);
		c.nulls[7][i] = decision->bars == NULL;
		c.values[8][i] = Float8GetDatum(decision->unallocated);
		c.nulls[8][i] = decision->outcome != LEM_OUTCOME_FINISHED || orders[i].fills;
		c.values[9][i] = Int32GetDatum(sums.slices);
		c.values[10][i] = Int32GetDatum(sums.completed);
		c.values[11][i] = Float8GetDatum(sums.allocated);
		c.values[12][i] = Float8GetDatum(sums.quantity);
		c.nulls[12][i] = decision->n_slices == 0;
		c.values[13][i] = TimestampTzGetDatum(sums.last);
		c.nulls[13][i] = sums.last == DT_NOBEGIN;
		c.values[14][i] = TimestampTzGetDatum(decision->look);
		c.nulls[14][i] = decision->look == DT_NOEND;
	}
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	columns_add(&c, &query, types);
	lem_query_add_user(&query, worker->user);
	lem_query_run(&query,
				  "WITH o AS (UPDATE %1$s.lem_parent_order AS p SET state = u.state,"
				  " reason = u.reason, model_version = u.model_version, start_ts = u.start_ts,"
				  " since_ts = u.since_ts, seen_ts = u.seen_ts, bars = coalesce(u.bars, p.bars),"
				  " ended_at = CASE WHEN u.state <> 'active' THEN clock_timestamp() END,"
				  " missed = CASE WHEN u.reason IS NOT NULL THEN p.missed END,"
				  " unallocated = u.unallocated, slices = u.slices, completed = u.completed,"
				  " allocated = greatest(p.allocated, u.allocated),"
				  " quantity = coalesce(u.quantity, p.quantity),"
				  " last_ts = greatest(p.last_ts, u.last_ts), look_at = u.look_at"
				  " FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
				  " AS u (id, state, reason, model_version, start_ts, since_ts, seen_ts, bars,"
				  " unallocated, slices, completed, allocated, quantity, last_ts, look_at)"
				  " WHERE p.id = u.id RETURNING p.id, p.owner, p.series, p.state, p.reason,"
				  " p.unallocated),"
				  " e AS (INSERT INTO %1$s.lem_order_event (order_id, by, event, detail)"
				  " SELECT o.id, $17, o.state, CASE WHEN o.reason IS NOT NULL"
				  " THEN jsonb_build_object('reason', o.reason) END"
				  " FROM o WHERE o.state <> 'active')"
				  " SELECT " LEM_NOTIFY("o.state", "NULL",
										", 'reason', pg_catalog.left(o.reason, 300),"
										" 'unallocated', nullif(o.unallocated, 0)")
				  " FROM o WHERE o.state <> 'active' ORDER BY o.id");
	SPI_freetuptable(SPI_tuptable);
}

void
lem_work_save(const lem_worker *worker, const lem_work_order *orders, int n)
{
	save_slices(worker, orders, n);
	save_completed(worker, orders, n);
	save_orders(worker, orders, n);
}

lem_late_slice *
lem_work_late_list(const lem_worker *worker, int *n)
{
	lem_query	query;
	lem_late_slice *slices;

	worker_query(worker, &query);
	*n = (int) lem_query_run(&query,
							 "SELECT * FROM (SELECT c.order_id, c.step, o.series, c.ts + c.lag AS told"
							 " FROM %1$s.lem_child_slice AS c"
							 " JOIN %1$s.lem_parent_order AS o ON o.id = c.order_id"
							 " WHERE c.late AND c.lag IS NOT NULL AND c.after_ts IS NULL"
							 " AND c.quantity > 0 AND NOT c.skipped"
							 " AND o.owner OPERATOR(%1$s.=) ANY ($1) AND o.feed = $2"
							 " AND c.ts + c.lag < $3 ORDER BY told DESC LIMIT 10000) AS s"
							 " ORDER BY series COLLATE \"C\"");
	slices = palloc(Max(*n, 1) * sizeof(lem_late_slice));
	for (int i = 0; i < *n; i++)
	{
		slices[i].order = DatumGetInt64(lem_query_column(i, 1, NULL));
		slices[i].step = DatumGetInt32(lem_query_column(i, 2, NULL));
		slices[i].series = text_column(i, 3);
		slices[i].told = DatumGetTimestampTz(lem_query_column(i, 4, NULL));
		slices[i].ts = DT_NOBEGIN;
	}
	SPI_freetuptable(SPI_tuptable);
	return slices;
}

void
lem_work_late_save(const lem_worker *worker, const lem_late_slice *slices, int n)
{
	static const Oid types[] = {INT8OID, INT4OID, TIMESTAMPTZOID, FLOAT8OID, FLOAT8OID};
	lem_query	query;
	columns		c;

	columns_begin(&c, n, lengthof(types));
	for (int i = 0; i < n; i++)
	{
		if (slices[i].ts == DT_NOBEGIN)
			continue;
		c.values[0][c.n] = Int64GetDatum(slices[i].order);
		c.values[1][c.n] = Int32GetDatum(slices[i].step);
		c.values[2][c.n] = TimestampTzGetDatum(slices[i].ts);
		c.values[3][c.n] = Float8GetDatum(slices[i].price);
		c.values[4][c.n++] = Float8GetDatum(slices[i].volume);
	}
	if (c.n == 0)
		return;
	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	columns_add(&c, &query, types);
	lem_query_run(&query,
				  "WITH c AS MATERIALIZED (SELECT c.order_id, c.step, u.ts, u.price, u.volume"
				  " FROM unnest($1, $2, $3, $4, $5) AS u (order_id, step, ts, price, volume)"
				  " JOIN %1$s.lem_child_slice AS c USING (order_id, step)"
				  " WHERE c.after_ts IS NULL FOR NO KEY UPDATE OF c SKIP LOCKED)"
				  " UPDATE %1$s.lem_child_slice AS s SET after_ts = c.ts, after_price = c.price,"
				  " after_volume = c.volume FROM c"
				  " WHERE s.order_id = c.order_id AND s.step = c.step");
}

void
lem_work_expire(const lem_worker *worker)
{
	lem_query	query;

	lem_query_begin(&query, worker->schema);
	query.by_index = true;
	lem_query_add(&query, BOOLOID, BoolGetDatum(lem_notify_details), false);
	lem_query_add(&query, TIMESTAMPTZOID, TimestampTzGetDatum(worker->now), false);
	lem_query_add(&query, worker->owners_type, worker->owners, false);
	lem_query_add_user(&query, worker->user);
	lem_query_add_text(&query, worker->feed.name);
	lem_query_run(&query,
				  "WITH o AS (UPDATE %1$s.lem_parent_order AS p SET state = 'expired',"
				  " ended_at = clock_timestamp(), " LEM_PLAN_LEFT ","
				  " reason = coalesce(reason, 'it was not complete when it expired')"
				  " WHERE id IN (SELECT id FROM %1$s.lem_parent_order"
				  " WHERE state IN ('active', 'paused') AND expires_at <= $2"
				  " AND owner OPERATOR(%1$s.=) ANY ($3) AND feed = $5 FOR NO KEY UPDATE SKIP LOCKED)"
				  " RETURNING id, owner, series, reason),"
				  " e AS (INSERT INTO %1$s.lem_order_event (order_id, by, event, detail)"
				  " SELECT o.id, $4, 'expired', jsonb_build_object('reason', o.reason) FROM o)"
				  " SELECT " LEM_NOTIFY("'expired'", "NULL",
										", 'reason', pg_catalog.left(o.reason, 300)")
				  " FROM o ORDER BY o.id");
	SPI_freetuptable(SPI_tuptable);
}

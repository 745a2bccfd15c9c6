-- Scheduling with a model: the aggregates, the functions, and that they agree.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

CREATE FUNCTION pg_temp.error_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE query;
	RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN NEXT SQLSTATE || ': ' || SQLERRM;
	IF context LIKE 'order with%' THEN RETURN NEXT '  ' || split_part(context, E'\n', 1); END IF;
END
$$;

\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('schedule_test', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');

CREATE TABLE schedule_bars AS
SELECT s AS symbol, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts,
	100 * exp(sin((i + s) / 7.0) / 100) AS price, 1000 * (1.1 + sin(i / 3.0 + s)) AS volume,
	greatest(i, 460) AS part
FROM generate_series(1, 480) AS i, generate_series(1, 6) AS s
ORDER BY hashint4(i), s;
ANALYZE schedule_bars;
CREATE TABLE schedule_series AS
SELECT symbol, lem_bars(ts, price, volume) AS bars FROM schedule_bars GROUP BY symbol;

--
-- A schedule has a row for each bar of the horizon, and its allocations sum to 1.
--
SELECT s.step, s.ts, s.allocation BETWEEN 0 AND 0.5 AS limits, s.quantity = 250000 * s.allocation AS quantity, s.state
FROM unnest((SELECT lem_schedule('schedule_test', lem_order(250000, side => 'sell', min_bars => 2, max_rate => 0.5), ts, price, volume)
	FROM schedule_bars WHERE symbol = 1)) AS s;
SELECT o, count(*) AS slices, sum(allocation) = 1 AS whole, sum(quantity) = (ord).size AS size,
	bool_and(mod(quantity::numeric, coalesce((ord).lot, quantity)::numeric) = 0) AS lots, max(cumulative) AS cumulative
FROM (VALUES (1, lem_order(250000)), (2, lem_order(1e6, 'sell', 'twap', 'notional')),
	(3, lem_order(250000, lot => 1000)), (4, lem_order(7, max_bars => 3, lot => 1)),
	(5, lem_order(0.1, min_bars => 1)), (6, lem_order(100, min_rate => 0.25, max_rate => 0.25)),
	(7, lem_order(100, start_ts => '2024-01-20 12:00:00+00')), (8, lem_order(100, max_bars => 1)))
	AS orders(o, ord), schedule_series AS b, lem_schedule('schedule_test@1', ord, bars)
WHERE symbol = 2 GROUP BY o, ord ORDER BY o;

--
-- Lots that are not whole numbers: quantities are clean decimals, and none is lost to who rounds down.
--
CREATE VIEW schedule_decimal_lots AS
SELECT o, size, lot, slices FROM (VALUES (1, 1, 0.001), (2, 1.2, 0.1), (3, 36.35, 0.05), (4, 0.02423, 1e-5), (5, 70.7, 0.7)) AS v(o, size, lot),
	LATERAL (SELECT lem_order(size::float8, start_ts => '2024-01-20 22:00:00+00', lot => lot::float8) AS ord) AS ord,
	LATERAL (SELECT array_agg(s ORDER BY step) AS slices FROM schedule_series, lem_schedule('schedule_test', ord, bars) AS s WHERE symbol = 1
		UNION ALL SELECT array_agg(s ORDER BY step) FROM schedule_series, lem_baseline('twap', ord, bars) AS s WHERE symbol = 1
		UNION ALL SELECT ARRAY[lem_next_slice('schedule_test', ord, ts, price, volume)] FROM schedule_bars WHERE symbol = 1) AS s;
SELECT o, count(*) AS slices, bool_and(mod(quantity::text::numeric, lot) = 0) AS clean,
	bool_and(round(quantity::numeric / lot) * lot = quantity::text::numeric) AS nearest
FROM schedule_decimal_lots, unnest(slices) GROUP BY o ORDER BY o;
SELECT bool_and((SELECT sum(quantity::text::numeric) FROM unnest(slices)) = size) AS whole FROM schedule_decimal_lots WHERE cardinality(slices) > 1;

--
-- All ways to ask give the same schedule.
--
CREATE TABLE schedule_orders AS
SELECT 100 + s AS id, s AS symbol, lem_order(1000 * s, side => CASE s % 2 WHEN 0 THEN 'sell' ELSE 'buy' END,
	min_bars => nullif(s % 5, 0), start_ts => CASE WHEN s > 3 THEN timestamptz '2024-01-20 22:00:00+00' END) AS ord
FROM generate_series(1, 6) AS s;
CREATE VIEW schedule_expected AS
SELECT o.id, s.* FROM schedule_orders AS o JOIN schedule_series AS b USING (symbol),
	lem_schedule('schedule_test', ord, bars) AS s;
SELECT count(*) FROM schedule_expected;
SELECT count(*) AS aggregate_differs FROM (
	SELECT o.id, s.* FROM (SELECT id, lem_schedule('schedule_test', ord, ts, price, volume) AS plan
		FROM schedule_orders JOIN schedule_bars USING (symbol) GROUP BY id) AS o, unnest(plan) AS s
	EXCEPT SELECT * FROM schedule_expected) AS d;
SELECT count(*) AS batch_differs FROM (
	SELECT id, step, ts, allocation, cumulative, quantity, state FROM (SELECT array_agg(id) AS ids, array_agg(ord) AS ords, array_agg(bars) AS series
		FROM schedule_orders JOIN schedule_series USING (symbol)) AS a,
		lem_schedule_batch('schedule_test', ids, ords, series) AS s
	EXCEPT SELECT id, step, ts, allocation, cumulative, quantity, state FROM schedule_expected) AS d;
SELECT array_agg(id ORDER BY place) = '{9,9,9,9,3,3,5,5,5,5}' AS input_order
FROM schedule_series, lem_schedule_batch('schedule_test', '{9,3,5}',
	ARRAY[lem_order(1), lem_order(1, max_bars => 2), lem_order(1)], ARRAY[bars, bars, bars]) WITH ORDINALITY
	AS s(id, step, ts, allocation, cumulative, quantity, state, place)
WHERE symbol = 1;
SELECT count(*) FROM lem_schedule_batch('schedule_test', '{}', '{}', '{}');
-- The limit that bound a slice is said of each, as by lem_schedule.
SELECT count(*) AS slices, count(*) FILTER (WHERE b.reason = 'max_rate') AS bound, bool_and(b.reason IS NOT DISTINCT FROM s.reason) AS same
FROM schedule_series, LATERAL (SELECT lem_order(100, max_rate => 0.3) AS ord) AS o,
	lem_schedule_batch('schedule_test', '{1}', ARRAY[ord], ARRAY[bars]) AS b JOIN lem_schedule('schedule_test', ord, bars) AS s USING (step) WHERE symbol = 1;
BEGIN;
SET LOCAL search_path = pg_catalog;
SELECT count(*) FROM public.schedule_expected;
COMMIT;

-- Parallel plans, whose states travel between processes
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE TABLE schedule_one AS SELECT * FROM schedule_bars WHERE symbol = 3;
ANALYZE schedule_one;
EXPLAIN (COSTS OFF)
SELECT lem_schedule('schedule_test', lem_order(3000, min_bars => 3), ts, price, volume) FROM schedule_one;
SELECT count(*) AS parallel_differs FROM (
	SELECT 103, s.* FROM unnest((SELECT lem_schedule('schedule_test', lem_order(3000, min_bars => 3), ts, price, volume)
		FROM schedule_one)) AS s
	EXCEPT SELECT * FROM schedule_expected) AS d;
SELECT (lem_next_slice('schedule_test', lem_order(3000, min_bars => 3), ts, price, volume)).allocation =
	(SELECT allocation FROM schedule_expected WHERE id = 103 AND state = 'next') AS same FROM schedule_one;
SELECT pg_temp.error_of($$SELECT lem_schedule('schedule_test', lem_order(symbol), ts, price, volume) FROM schedule_bars$$);
SELECT pg_temp.error_of($$SELECT lem_schedule('schedule_test', lem_order(1), ts, price, volume) FROM schedule_bars WHERE symbol = 0$$);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

--
-- Planning again as bars complete: what was decided stays, and the next slice moves on.
--
CREATE TABLE schedule_replans AS
SELECT k, s.* FROM generate_series(0, 5) AS k, LATERAL (
	SELECT lem_schedule('schedule_test', lem_order(1000, start_ts => '2024-01-20 00:00:00+00'), ts, price, volume) AS plan
	FROM schedule_bars WHERE symbol = 1 AND ts < timestamptz '2024-01-20 00:00:00+00' + k * interval '1 hour') AS p, unnest(plan) AS s;
SELECT k, array_agg(state ORDER BY step) AS states,
	bool_and(state = 'projected' OR (ts, allocation, cumulative, quantity) =
		(SELECT ts, allocation, cumulative, quantity FROM schedule_replans AS l WHERE l.k = 5 AND l.step = r.step)) AS kept
FROM schedule_replans AS r GROUP BY k ORDER BY k;
SELECT k, n IS NULL AS none, (n).step, (n).state,
	n IS NULL OR (n).allocation = (SELECT allocation FROM schedule_replans AS l WHERE l.k = 5 AND l.step = (n).step) AS same
FROM generate_series(0, 5) AS k, LATERAL (
	SELECT lem_next_slice('schedule_test', lem_order(1000, start_ts => '2024-01-20 00:00:00+00'), ts, price, volume) AS n
	FROM schedule_bars WHERE symbol = 1 AND ts < timestamptz '2024-01-20 00:00:00+00' + k * interval '1 hour') AS a;

-- Nothing is firm before the bars up to the start are there; nothing is left of an order that is complete.
SELECT (n).step, (n).state FROM (
	SELECT lem_next_slice('schedule_test', lem_order(1000, start_ts => '2024-01-20 00:00:00+00'), ts, price, volume) AS n
	FROM schedule_bars WHERE symbol = 1 AND ts < timestamptz '2024-01-19 20:00:00+00') AS a;
SELECT lem_next_slice('schedule_test', lem_order(1000, start_ts => '2024-01-20 00:00:00+00', min_bars => 1, min_rate => 1), ts, price, volume) IS NULL AS none
FROM schedule_bars WHERE symbol = 1 AND ts < '2024-01-20 01:00:00+00';

-- As window functions: a frame is a group, so one with too little history is an error.
SELECT pg_temp.error_of($$SELECT lem_next_slice('schedule_test', lem_order(5), ts, price, volume) OVER (ORDER BY ts) FROM schedule_bars WHERE symbol = 1$$);
SELECT count(*) AS rows, bool_and(n IS NOT DISTINCT FROM (SELECT lem_next_slice('schedule_test', lem_order(5), b.ts, b.price, b.volume)
	FROM schedule_bars AS b WHERE symbol = 1)) AS same
FROM (SELECT lem_next_slice('schedule_test', lem_order(5), ts, price, volume) OVER () AS n
	FROM schedule_bars WHERE symbol = 1) AS w;
SELECT count(*) AS rows, bool_and(plan = (SELECT lem_schedule('schedule_test', lem_order(5), b.ts, b.price, b.volume)
	FROM schedule_bars AS b WHERE symbol = 1 AND b.part <= w.part)) AS same
FROM (SELECT part, lem_schedule('schedule_test', lem_order(5), ts, price, volume) OVER (ORDER BY part) AS plan
	FROM schedule_bars WHERE symbol = 1) AS w;

--
-- Errors with a model at hand
--
SELECT q, e FROM (VALUES
	($$lem_schedule('schedule_test', lem_order(1), '{}')$$),
	($$lem_schedule('schedule_test', lem_order(1), NULL::lem_bars)$$),
	($$lem_schedule('schedule_test', lem_order(1), ts, NULL, volume) FROM schedule_bars$$),
	($$lem_schedule('schedule_test', lem_order(1, max_bars => 5), bars) FROM schedule_series$$),
	($$lem_schedule('schedule_test', lem_order(1, min_bars => 5), bars) FROM schedule_series$$),
	($$lem_schedule('schedule_test', lem_order(1, max_rate => 0.2), bars) FROM schedule_series$$),
	($$lem_schedule('schedule_test', lem_order(1, min_rate => 0.3), bars) FROM schedule_series$$),
	($$lem_schedule('schedule_test', lem_order(1, start_ts => '2024-01-02 00:00:00+00'), bars) FROM schedule_series WHERE symbol = 1$$),
	($$lem_schedule('schedule_test', lem_order(1), ts, price, volume, array[1]::float8[]) FROM schedule_bars WHERE symbol = 1$$),
	($$lem_schedule('schedule_test', lem_order(1), '{"2024-01-01 00:00:00+00" 1 1}')$$),
	($$lem_schedule('schedule_nothing', lem_order(1), bars) FROM schedule_series$$),
	($$lem_schedule('schedule_test@2', lem_order(1), bars) FROM schedule_series$$),
	($$lem_schedule_batch('schedule_test', '{71,72}', ARRAY[lem_order(1), lem_order(1, max_bars => 5)], ARRAY[bars, bars]) FROM schedule_series$$),
	($$lem_schedule_batch('schedule_test', '{71,72}', ARRAY[lem_order(1), lem_order(1)], ARRAY[bars, '{}']) FROM schedule_series$$),
	($$lem_schedule_batch('schedule_test', '{71,72}', ARRAY[lem_order(1, start_ts => '2024-01-02 00:00:00+00'), lem_order(1)], ARRAY[bars, bars]) FROM schedule_series$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;

-- A statement that is cancelled leaves the session as it was.
SET statement_timeout = '1ms';
\set VERBOSITY sqlstate
SELECT count(*) FROM (SELECT array_agg(i::bigint) AS ids, array_agg(lem_order(i)) AS ords, array_agg(bars) AS series
	FROM generate_series(1, 5000) AS i, schedule_series WHERE symbol = 1) AS a, lem_schedule_batch('schedule_test', ids, ords, series);
\set VERBOSITY default
RESET statement_timeout;
SELECT count(*) FROM schedule_expected;

DROP VIEW schedule_expected, schedule_decimal_lots;
DROP TABLE schedule_bars, schedule_one, schedule_series, schedule_orders, schedule_replans;
SELECT lem_drop('schedule_test');

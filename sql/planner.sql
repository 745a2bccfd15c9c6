-- Plans that the planner chooses by itself, from what functions are said to cost.

SET timezone = 'UTC';
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('planner_test', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');

-- 500 symbols of 400 bars each, partitioned by symbol, and as one series each; an order for each symbol
CREATE TABLE planner_bars (symbol text, ts timestamptz, price float8, volume float8) PARTITION BY HASH (symbol);
CREATE TABLE planner_bars_0 PARTITION OF planner_bars FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE planner_bars_1 PARTITION OF planner_bars FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO planner_bars
SELECT 'S' || s, timestamptz '2026-01-01 00:00:00+00' + b * interval '1 hour', 100 + sin(b * 0.7 + s), 10 + cos(b * 0.3 * s)
FROM generate_series(1, 500) AS s, generate_series(1, 400) AS b;
CREATE TABLE planner_series AS SELECT symbol, lem_bars(ts, price, volume) AS bars FROM planner_bars GROUP BY symbol;
CREATE TABLE planner_orders AS SELECT s AS id, 'S' || s AS symbol, lem_order(100 * s, min_bars => 1 + s % 4) AS ord FROM generate_series(1, 500) AS s;
ANALYZE planner_bars;
ANALYZE planner_series;
ANALYZE planner_orders;

-- Nothing is set but how many workers there may be.
SET max_parallel_workers_per_gather = 2;

-- Groups of a partitioned table: each process has partitions, and in them whole groups.
SET enable_partitionwise_aggregate = on;
EXPLAIN (COSTS OFF) SELECT symbol, lem_schedule('planner_test', lem_order(1000), ts, price, volume) FROM planner_bars GROUP BY symbol;
EXPLAIN (COSTS OFF) SELECT symbol, lem_next_slice('planner_test', lem_order(1000), ts, price, volume) FROM planner_bars GROUP BY symbol;
-- What uses them is shared, too.
EXPLAIN (COSTS OFF) SELECT count(*), sum(cardinality(slices)) FROM (SELECT symbol, lem_schedule('planner_test', lem_order(1000), ts, price, volume) AS slices FROM planner_bars GROUP BY symbol) AS g;
-- Without, processes share the reading, and one of them schedules.
RESET enable_partitionwise_aggregate;
EXPLAIN (COSTS OFF) SELECT symbol, lem_bars(ts, price, volume) FROM planner_bars GROUP BY symbol;

-- Orders over series: tables of a few pages are shared if that is said of one of them.
EXPLAIN (COSTS OFF) SELECT o.id, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s;
ALTER TABLE planner_orders SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT o.id, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s;
EXPLAIN (COSTS OFF) SELECT count(*), sum(s.allocation) FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s;
EXPLAIN (COSTS OFF) SELECT symbol, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol), lem_backtest_orders('planner_test', o.ord, b.bars, every => 24) AS s;
EXPLAIN (COSTS OFF) SELECT symbol, lem_backtest('planner_test', o.ord, b.bars) FROM planner_orders AS o JOIN planner_series AS b USING (symbol);
-- A few orders are not worth workers.
EXPLAIN (COSTS OFF) SELECT o.id, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s WHERE id <= 5;

-- What a function in FROM costs is charged for each order, in a session's first query, too.
CREATE FUNCTION pg_temp.cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$$;
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.cost('SELECT * FROM planner_orders AS o JOIN planner_series AS b USING (symbol), lem_schedule(''planner_test'', o.ord, b.bars)') BETWEEN 500 * 50 AND 600 * 50 AS "that of 500";
\c -
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT o.id, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s;

-- All plans give the same.
SET max_parallel_workers_per_gather = 0;
CREATE TABLE planner_expected AS
SELECT o.id, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s;
SET max_parallel_workers_per_gather = 2;
CREATE TEMP TABLE planner_parallel AS
SELECT o.id, s.* FROM planner_orders AS o JOIN planner_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('planner_test', o.ord, b.bars) AS s;
SELECT count(*), (SELECT count(*) FROM (TABLE planner_parallel EXCEPT TABLE planner_expected) AS d) AS differ FROM planner_parallel;
SET enable_partitionwise_aggregate = on;
SELECT count(*), count(*) FILTER (WHERE plan IS DISTINCT FROM (SELECT array_agg(s ORDER BY s.step) FROM planner_series AS b, lem_schedule('planner_test', lem_order(1000), b.bars) AS s WHERE b.symbol = g.symbol)) AS differ
FROM (SELECT symbol, lem_schedule('planner_test', lem_order(1000), ts, price, volume) AS plan FROM planner_bars GROUP BY symbol) AS g;

SELECT lem_drop('planner_test');
DROP TABLE planner_bars, planner_series, planner_orders, planner_expected;

-- Scheduling over big tables: groups, workers, and partitions give what one symbol at a time gives.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('parallel_test', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');

-- Does the plan of a query, as it was carried out, have a line like this?
CREATE FUNCTION pg_temp.plan_has(query text, line text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	FOR found IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF found ~ line THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END
$$;

-- Forty symbols, their bars in no order, some of them missing or without volume.
CREATE TABLE parallel_bars (symbol text, ts timestamptz, price float8, volume float8);
INSERT INTO parallel_bars
SELECT 'S' || s, ts, CASE WHEN volume > 0 THEN notional / volume END, CASE WHEN hashtext(s || ' ' || ts) % 20 = 0 THEN 0 ELSE volume END
FROM generate_series(1, 40) AS s, simulate_bars('S' || s, days => 20, first_price => 10 * s) AS b
WHERE hashtext(ts || ' ' || s) % 50 <> 0
ORDER BY md5(s || ' ' || ts);
SELECT count(*) BETWEEN 18000 AND 19200 AS bars, count(DISTINCT symbol) AS symbols FROM parallel_bars;
CREATE TABLE parallel_orders AS
SELECT 'S' || s AS symbol, lem_order(1000 * s, side => CASE s % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, min_bars => nullif(s % 5, 0),
	max_rate => CASE s % 3 WHEN 0 THEN 0.4 ELSE 1 END, start_ts => CASE WHEN s % 4 = 0 THEN timestamptz '2026-01-20 20:00:00+00' END) AS ord
FROM generate_series(1, 40) AS s;
ANALYZE parallel_bars;
ANALYZE parallel_orders;

-- One symbol at a time, in time order, by one process
SET max_parallel_workers_per_gather = 0;
CREATE TABLE parallel_expected AS
SELECT symbol, (SELECT array_agg(s ORDER BY s.step) FROM lem_schedule('parallel_test', ord,
	(SELECT lem_bars(ts, price, volume ORDER BY ts) FROM parallel_bars AS b WHERE b.symbol = o.symbol)) AS s) AS plan
FROM parallel_orders AS o;
SELECT count(*), count(DISTINCT plan) AS different, bool_and((SELECT sum(allocation) FROM unnest(plan)) = 1) AS whole FROM parallel_expected;

-- All symbols at once, in the order they lie
CREATE FUNCTION pg_temp.differs(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (%s) AS q (symbol, plan) FULL JOIN parallel_expected AS e USING (symbol) WHERE q.plan IS DISTINCT FROM e.plan', query) INTO result;
	RETURN result;
END
$$;
\set grouped 'SELECT symbol, lem_schedule(''parallel_test'', ord, ts, price, volume) FROM parallel_bars JOIN parallel_orders USING (symbol) GROUP BY symbol'
SELECT pg_temp.differs(:'grouped');
SET enable_hashagg = off;
SELECT pg_temp.plan_has(:'grouped', '^GroupAggregate') AS sorted, pg_temp.differs(:'grouped');
RESET enable_hashagg;
SET enable_sort = off;
SELECT pg_temp.plan_has(:'grouped', '^HashAggregate') AS hashed, pg_temp.differs(:'grouped');
RESET enable_sort;

-- By several processes: each aggregates the bars it reads, the leader puts the groups together.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
ALTER TABLE parallel_bars SET (parallel_workers = 3);
SELECT node, pg_temp.plan_has(:'grouped', node) AS found
FROM unnest(ARRAY['Gather', 'Partial (Hash|Group)Aggregate', 'Finalize (Hash|Group)Aggregate', 'Parallel Seq Scan on parallel_bars', 'Workers Launched: [1-3]']) AS node;
SELECT pg_temp.differs(:'grouped');
SET parallel_leader_participation = off;
SELECT pg_temp.differs(:'grouped');
RESET parallel_leader_participation;
\set single 'SELECT ''S7''::text, lem_schedule(''parallel_test'', (SELECT ord FROM parallel_orders WHERE symbol = ''S7''), ts, price, volume) FROM parallel_bars WHERE symbol = ''S7'''
SELECT pg_temp.plan_has(:'single', 'Partial Aggregate') AND pg_temp.plan_has(:'single', 'Workers Launched: [1-3]') AS parallel;
SELECT pg_temp.differs(:'single') AS all_others;
-- The order comes with each bar; orders that differ are refused, whichever process sees them.
SELECT (SELECT lem_schedule('parallel_test', ord, ts, price, volume) FROM parallel_bars JOIN parallel_orders USING (symbol) WHERE symbol = 'S8' AND volume IS NOT NULL)
	= (SELECT plan FROM parallel_expected WHERE symbol = 'S8') AS same;
DO $$
BEGIN
	PERFORM lem_schedule('parallel_test', ord, ts, price, volume) FROM parallel_bars JOIN parallel_orders USING (symbol);
	RAISE NOTICE 'no error';
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;
-- The function that plans over bars runs in workers, too.
CREATE TABLE parallel_series AS SELECT symbol, lem_bars(ts, price, volume) AS bars FROM parallel_bars GROUP BY symbol;
ALTER TABLE parallel_series SET (parallel_workers = 2);
\set lateral 'SELECT symbol, (SELECT array_agg(s ORDER BY s.step) FROM lem_schedule(''parallel_test'', ord, bars) AS s) FROM parallel_series JOIN parallel_orders USING (symbol)'
SELECT pg_temp.plan_has(:'lateral', 'Gather') AS gathered, pg_temp.differs(:'lateral');

-- Partitions, each aggregated by itself
SET enable_partitionwise_aggregate = on;
SET enable_partitionwise_join = on;
CREATE TABLE parallel_parted (symbol text, ts timestamptz, price float8, volume float8, ord lem_order) PARTITION BY LIST (symbol);
SELECT format('CREATE TABLE parallel_parted_%s PARTITION OF parallel_parted FOR VALUES IN (%s)', p, string_agg(quote_literal('S' || s), ', ' ORDER BY s))
FROM generate_series(1, 40) AS s, LATERAL (SELECT s % 3 AS p) AS part GROUP BY p ORDER BY p \gexec
INSERT INTO parallel_parted SELECT b.*, ord FROM parallel_bars AS b JOIN parallel_orders USING (symbol);
ANALYZE parallel_parted;
\set parted 'SELECT symbol, lem_schedule(''parallel_test'', ord, ts, price, volume) FROM parallel_parted GROUP BY symbol'
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.plan_has(:'parted', '^Append') AND pg_temp.plan_has(:'parted', '-> +(Hash|Group)Aggregate') AS partitionwise;
SELECT pg_temp.differs(:'parted');
-- Partitions that cut through the groups are put together like workers' states.
CREATE TABLE parallel_months (LIKE parallel_parted) PARTITION BY RANGE (ts);
CREATE TABLE parallel_months_1 PARTITION OF parallel_months FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-01-11 00:00:00+00');
CREATE TABLE parallel_months_2 PARTITION OF parallel_months FOR VALUES FROM ('2026-01-11 00:00:00+00') TO ('2026-02-01 00:00:00+00');
INSERT INTO parallel_months SELECT * FROM parallel_parted;
ANALYZE parallel_months;
\set months 'SELECT symbol, lem_schedule(''parallel_test'', ord, ts, price, volume) FROM parallel_months GROUP BY symbol'
SELECT node, pg_temp.plan_has(:'months', node) AS found FROM unnest(ARRAY['Partial (Hash|Group)Aggregate', 'Finalize (Hash|Group)Aggregate', 'Append']) AS node;
SELECT pg_temp.differs(:'months');
SET max_parallel_workers_per_gather = 3;
SELECT pg_temp.plan_has(:'months', 'Gather') AS gathered, pg_temp.differs(:'months');

-- As a window function, over the same groups
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.differs('SELECT DISTINCT symbol, lem_schedule(''parallel_test'', ord, ts, price, volume) OVER (PARTITION BY symbol) FROM parallel_months WHERE symbol IN (''S1'', ''S2'', ''S3'')') AS all_others;

SELECT lem_drop('parallel_test');
DROP TABLE parallel_bars, parallel_orders, parallel_expected, parallel_series, parallel_parted, parallel_months;
DROP FUNCTION simulate_bars, simulate_normal;

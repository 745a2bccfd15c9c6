-- Summaries of backtests: their figures are those of their rows, whatever the plan.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.same(a float8, b float8) RETURNS boolean LANGUAGE sql AS $$
	SELECT coalesce(abs(a - b) <= 1e-9 * (1 + abs(b)), a IS NULL AND b IS NULL)
$$;
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('summary_test', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
CREATE TABLE summary_bars AS
SELECT 'S' || s AS symbol, ts, coalesce(notional / nullif(volume, 0), close) AS price, volume
FROM generate_series(1, 3) AS s, simulate_bars('S' || s, days => 30) WHERE hashtext(s || ts::text) % 20 <> 0
ORDER BY md5(s || ts::text);
ANALYZE summary_bars;
CREATE TABLE summary_series AS SELECT symbol, lem_bars(ts, price, volume) AS bars FROM summary_bars GROUP BY symbol;

--
-- Figures of the model and of each baseline, by plain SQL from the rows of each
--
CREATE TABLE summary_results AS
SELECT symbol, (r).* FROM (SELECT symbol, lem_backtest('summary_test', lem_order(500, 'sell', min_bars => 2), ts, price, volume) AS r FROM summary_bars GROUP BY symbol) AS x;
CREATE TABLE summary_rows AS
SELECT symbol, m AS model, b.* FROM summary_series, unnest('{summary_test,baseline:twap,baseline:stop_rule}'::text[]) AS m,
	lem_backtest_orders(m, lem_order(500, 'sell', min_bars => 2, max_bars => 4), bars) AS b;
CREATE VIEW summary_plain AS
SELECT symbol, model, count(*) AS orders, avg(bps) AS mean_bps, stddev_samp(bps) AS std_bps,
	percentile_cont('{0.5,0.05,0.25,0.75,0.95}'::float8[]) WITHIN GROUP (ORDER BY bps) AS p,
	avg(bps) / nullif(stddev_samp(bps), 0) AS ratio, avg((bps > 0)::int) AS win_rate, avg(bars_used) AS bars_used, avg(completion) AS completion,
	min(ts) AS first_ts, max(ts) AS last_ts
FROM summary_rows GROUP BY symbol, model;
SELECT symbol, r.orders = p.orders AND r.orders > 200 AS orders, r.alignment, r.skipped, r.first_ts = p.first_ts AND r.last_ts = p.last_ts AS times,
	pg_temp.same(r.mean_bps, p.mean_bps) AS mean, pg_temp.same(r.std_bps, p.std_bps) AS std,
	pg_temp.same(r.median_bps, p.p[1]) AND pg_temp.same(r.p5_bps, p.p[2]) AND pg_temp.same(r.p25_bps, p.p[3]) AND pg_temp.same(r.p75_bps, p.p[4]) AND pg_temp.same(r.p95_bps, p.p[5]) AS percentiles,
	pg_temp.same(r.ratio, p.ratio) AS ratio, pg_temp.same(r.win_rate, p.win_rate) AS win_rate, pg_temp.same(r.bars_used, p.bars_used) AS bars_used,
	pg_temp.same(r.completion, p.completion) AS completion, r.cost_bps, r.ci_low < r.mean_bps AND r.mean_bps < r.ci_high AS interval,
	pg_temp.same((r.ci_low + r.ci_high) / 2, r.mean_bps) AS centre, (SELECT array_agg(name) FROM unnest(r.baselines)) AS baselines
FROM summary_results AS r JOIN summary_plain AS p USING (symbol, model) ORDER BY symbol;

-- The baselines run on the model's windows: TWAP, and the paired differences, from rows of the same starts.
SELECT symbol, f.name, pg_temp.same(f.mean_bps, d.mean) AS mean, pg_temp.same(f.std_bps, d.std) AS std, f.bars_used = 4 AS bars_used,
	pg_temp.same(f.difference_bps, d.difference) AS difference, pg_temp.same(f.difference_std, d.difference_std) AS difference_std,
	f.difference_low < f.difference_bps AND f.difference_bps < f.difference_high AS interval
FROM summary_results AS r CROSS JOIN LATERAL unnest(r.baselines) AS f
JOIN LATERAL (SELECT avg(t.bps) AS mean, stddev_samp(t.bps) AS std, avg(m.bps - t.bps) AS difference, stddev_samp(m.bps - t.bps) AS difference_std
	FROM summary_rows AS m JOIN LATERAL lem_backtest_orders('baseline:twap', lem_order(500, 'sell', min_bars => 2, max_bars => 4),
		(SELECT bars FROM summary_series AS s WHERE s.symbol = r.symbol), options => '{"norm_window": 24}') AS t USING (ts)
	WHERE m.symbol = r.symbol AND m.model = 'summary_test') AS d ON true
WHERE f.name = 'twap' ORDER BY symbol;

-- From one function and the other, from a whole series and from rows, by one process and by several
SELECT count(*) AS differ FROM (
	SELECT symbol, lem_backtest('summary_test', lem_order(500, 'sell', min_bars => 2), bars)::text FROM summary_series
	EXCEPT SELECT symbol, lem_backtest('summary_test', lem_order(500, 'sell', min_bars => 2), ts, price, volume)::text FROM summary_bars GROUP BY symbol) AS x;
CREATE TABLE summary_serial AS
SELECT lem_backtest('baseline:stop_rule', lem_order(500, min_bars => 2), ts, price, volume, '{"every": 3, "c": 0.2}')::text AS r FROM summary_bars WHERE symbol = 'S1';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
-- reading is what processes share here, so it must seem dear
SET cpu_tuple_cost = 1;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE summary_bars SET (parallel_workers = 2);
\set query 'SELECT lem_backtest(''baseline:stop_rule'', lem_order(500, min_bars => 2), ts, price, volume, ''{"every": 3, "c": 0.2}'')::text AS r FROM summary_bars WHERE symbol = ''S1'''
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
SELECT pg_temp.plan_has(:'query', 'Workers Launched: [12]') AS launched;
SELECT count(*) AS same FROM summary_serial JOIN (:query) AS p USING (r);
RESET max_parallel_workers_per_gather;
RESET cpu_tuple_cost;

--
-- Options
--
CREATE FUNCTION summary_of(options jsonb, model text DEFAULT 'baseline:twap') RETURNS lem_backtest_result LANGUAGE sql AS $$
	SELECT lem_backtest(model, lem_order(500, min_bars => 2, max_bars => 4), bars, options) FROM summary_series WHERE symbol = 'S1'
$$;
SELECT a.orders > 3 * b.orders AND a.orders < 5 * b.orders AS every, a.first_ts = b.first_ts AS first, (SELECT array_agg(name) FROM unnest(b.baselines)) AS baselines
FROM summary_of('{}') AS a, summary_of('{"every": 4, "baselines": ["stop_rule", "twap"]}') AS b;
SELECT first_ts >= '2026-01-20 00:00+00' AS "from", last_ts < '2026-01-25 00:00+00' AS until, orders BETWEEN 80 AND 120 AS orders
FROM summary_of('{"from": "2026-01-20 00:00+00", "until": "2026-01-25 00:00+00"}');
-- no slice at or after until: all bars after it can go
SELECT a = b AS "later bars do not matter"
FROM summary_of('{"until": "2026-01-25 00:00+00"}') AS a,
	(SELECT lem_backtest('baseline:twap', lem_order(500, min_bars => 2, max_bars => 4), ts, price, volume) AS b FROM summary_bars WHERE symbol = 'S1' AND ts < '2026-01-25 00:00+00') AS x;
SELECT orders, mean_bps IS NULL AS mean, ci_low IS NULL AS interval, cardinality(baselines) AS baselines, first_ts FROM summary_of('{"from": "2027-01-01 00:00+00"}');
SELECT orders < 80 AS few, mean_bps IS NOT NULL AS mean, ci_low IS NULL AS "no interval" FROM summary_of('{"from": "2026-01-28 00:00+00"}');
SELECT pg_temp.same(f.cost_bps, 2) AND pg_temp.same(f.mean_bps, n.mean_bps - 2) AS fee, i.cost_bps > 0 AND pg_temp.same(i.mean_bps + i.cost_bps, n.mean_bps) AS sqrt,
	pg_temp.same(j.cost_bps, 2 * i.cost_bps) AS coefficient, a.cost_bps > 0 AND pg_temp.same(a.mean_bps + a.cost_bps, n.mean_bps) AS almgren
FROM summary_of('{}') AS n, summary_of('{"fee_bps": 2}') AS f, summary_of('{"impact": "sqrt"}') AS i,
	summary_of('{"impact": "sqrt", "impact_coefficient": 2}') AS j, summary_of('{"impact": "almgren2005"}') AS a;
-- Look-ahead is marked, and is no part of the baselines.
SELECT c.alignment, p.alignment, c.orders = p.orders AS orders, c.mean_bps <> p.mean_bps AS differ, (c.baselines[1]).mean_bps = (p.baselines[1]).mean_bps AS baselines
FROM summary_of('{}', 'summary_test') AS c, summary_of('{"alignment": "paper"}', 'summary_test') AS p;
SELECT DISTINCT b.alignment FROM summary_series, lem_backtest_orders('summary_test', lem_order(1), bars, 7, 'paper') AS b;
-- Extra features come before the options; baselines do not look at them.
SELECT (r).orders > 100 AS orders FROM (SELECT lem_backtest('baseline:twap', lem_order(1), ts, price, volume, ARRAY[1.0, 2.0], NULL) AS r FROM summary_bars WHERE symbol = 'S1') AS x;

--
-- Means over several series
--
-- of one series without gaps, the interval of the backtest
CREATE TABLE summary_even AS SELECT 'E' || s AS symbol, lem_bars(ts, coalesce(notional / nullif(volume, 0), close), volume) AS bars FROM generate_series(1, 3) AS s, simulate_bars('E' || s, days => 30) GROUP BY s;
SELECT symbol, i.n = r.orders AS n, pg_temp.same(i.mean, r.mean_bps) AS mean, pg_temp.same(i.std, r.std_bps) AS std, pg_temp.same(i.t, r.t) AS t, pg_temp.same(i.ci_low, r.ci_low) AND pg_temp.same(i.ci_high, r.ci_high) AS interval
FROM summary_even, lem_backtest('baseline:stop_rule', lem_order(1, min_bars => 3), bars) AS r,
	LATERAL (SELECT (lem_mean_interval(bps, ts, '12 hours')).* FROM lem_backtest_orders('baseline:stop_rule', lem_order(1, min_bars => 3), bars)) AS i
ORDER BY symbol;
CREATE TABLE summary_pool AS SELECT symbol, b.* FROM summary_even, lem_backtest_orders('baseline:stop_rule', lem_order(1, min_bars => 3), bars) AS b;
-- the same series twice says nothing more
SELECT a.n = 2 * b.n AS n, pg_temp.same(a.ci_low, b.ci_low) AND pg_temp.same(a.ci_high, b.ci_high) AS same
FROM (SELECT (lem_mean_interval(bps, ts, '12 hours')).* FROM summary_pool, generate_series(1, 2) WHERE symbol = 'E1') AS a,
	(SELECT (lem_mean_interval(bps, ts, '12 hours')).* FROM summary_pool WHERE symbol = 'E1') AS b;
SELECT lem_mean_interval(bps, ts, '12 hours')::text AS serial FROM summary_pool \gset
SET max_parallel_workers_per_gather = 2;
ALTER TABLE summary_pool SET (parallel_workers = 2);
\set query 'SELECT lem_mean_interval(bps, ts, ''12 hours'')::text AS r FROM summary_pool'
SELECT pg_temp.plan_has(:'query', 'Workers Launched: [12]') AS launched;
SELECT r = :'serial' AS same FROM (:query) AS p;
RESET max_parallel_workers_per_gather;
SELECT (r).n, (r).mean = 2 AS mean, pg_temp.same((r).std, sqrt(2)) AS std, (r).t, (r).ci_low FROM (SELECT lem_mean_interval(x, ts, '1 day') AS r FROM (VALUES (1::float8, '2026-01-01'::timestamptz), (3, '2026-01-02'), (NULL, '2026-01-03'), (5, NULL)) AS v (x, ts)) AS m;
SELECT lem_mean_interval(NULL, now(), '1 day') IS NULL AS nothing, lem_mean_interval(1, now(), '1 day') FILTER (WHERE false) IS NULL AS "no rows";
SELECT pg_temp.error_of($$SELECT lem_mean_interval(1, now(), NULL)$$);
SELECT pg_temp.error_of(format($$SELECT lem_mean_interval(1, now(), %L)$$, h)) FROM unnest('{0,-1 hour,1 month,999999999 days,-1 day 30 hours}'::text[]) AS h;
SELECT pg_temp.error_of($$SELECT lem_mean_interval('NaN', '2026-01-01 00:00+00', '1 day')$$);
SELECT pg_temp.error_of($$SELECT lem_mean_interval(1, 'infinity', '1 day')$$);
SELECT pg_temp.error_of($$SELECT lem_mean_interval(1, now(), i * interval '1 day') FROM generate_series(1, 2) AS i$$);

--
-- Errors
--
SELECT pg_temp.error_of($$SELECT lem_backtest('baseline:twap', lem_order(1), ts, price, volume) FROM summary_bars WHERE symbol = 'nobody'$$);
SELECT pg_temp.error_of($$SELECT lem_backtest('baseline:twap', lem_order(1), NULL)$$);
SELECT pg_temp.error_of($$SELECT lem_backtest(NULL, lem_order(1), bars) FROM summary_series$$);
SELECT pg_temp.error_of($$SELECT lem_backtest(NULL, lem_order(1), ts, price, volume) FROM summary_bars$$);
SELECT pg_temp.error_of($$SELECT lem_backtest('baseline:twap', lem_order(1), ts, price, volume) FROM summary_bars$$) LIKE 'LM002:%' AS twice;
SELECT pg_temp.error_of($$SELECT lem_backtest('baseline:twap', lem_order(1), ts, price, volume, jsonb_build_object('every', 1 + extract(hour FROM ts))) FROM summary_bars WHERE symbol = 'S1'$$);
SELECT pg_temp.error_of($$SELECT lem_backtest('summary_test', lem_order(1), ts, price, volume, ARRAY[1.0], '{}') FROM summary_bars WHERE symbol = 'S1'$$);
SELECT pg_temp.error_of(format($$SELECT summary_of('%s')$$, o)) FROM unnest(ARRAY['{"every": 0}', '{"every": 1.5}', '{"baselines": "twap"}', '{"baselines": ["pov"]}', '{"baselines": ["twap", "twap"]}',
	'{"alignment": "paper"}', '{"alignment": 1}', '{"fee_bps": "NaN"}', '{"fee_bps": 1e9}', '{"until": 3}', '{"impact": null}', '{"impact_coefficient": -1}', '{"turnover_days": -1}',
	'{"risk_aversion": -1}', '{"gaps": "fill"}', '{"norm_window": 0}', '{"n_ahead": 3}', '{"seed": 1}', '[1]', '"x"']) AS o;

SELECT lem_drop('summary_test');
DROP FUNCTION summary_of;
DROP VIEW summary_plain;
DROP TABLE summary_bars, summary_series, summary_results, summary_rows, summary_serial, summary_even, summary_pool;
DROP FUNCTION simulate_bars, simulate_normal;

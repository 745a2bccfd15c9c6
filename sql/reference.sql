-- A schedule is the reference network's: the window of a model with the features "paper", built from
-- the bars in SQL and given to lem_forward, has the schedule's allocations, branch by branch.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set tiny `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
\set medium `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
SELECT lem_import('reference_tiny', decode(:'tiny', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
SELECT lem_import('reference_medium', decode(:'medium', 'base64'), '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');

-- Numbered bars; orders start with bar 400, so that row L is bar 399.
CREATE TABLE reference_bars AS
SELECT row_number() OVER (ORDER BY ts)::int AS i, ts, notional / volume AS price, volume FROM simulate_bars('REFERENCE', days => 18);
CREATE TABLE reference_models AS
SELECT name, (config ->> 'lookback')::int AS l, (config ->> 'n_ahead')::int AS n FROM lem_models WHERE name LIKE 'reference_%';

-- The window of section 6's set "paper": rows 0 .. L + N - 2, of seven columns.
CREATE TABLE reference_windows AS
SELECT name, l, n, array_agg(x::float4 ORDER BY i, c) AS x
FROM reference_models,
	LATERAL (SELECT sum(volume) AS s FROM reference_bars WHERE i BETWEEN 397 - (l + 335) + 1 AND 397) AS scale,
	LATERAL (SELECT price AS base FROM reference_bars WHERE i = 399 - l) AS first,
	LATERAL (SELECT i, c, x FROM (SELECT i, ts, price, volume, lag(price) OVER (ORDER BY i) AS before FROM reference_bars) AS b,
		unnest(ARRAY[volume / s / s, 60, extract(month FROM ts), extract(isodow FROM ts) - 1, price / before - 1, price / base, volume / s]) WITH ORDINALITY AS u(x, c)
		WHERE i BETWEEN 399 - l AND 399 - l + l + n - 2) AS cells
GROUP BY name, l, n;
SELECT name, cardinality(x) = (l + n - 1) * 7 AS size FROM reference_windows ORDER BY name;

-- Every branch, side, benchmark and unit, without limits and with some that the network knows of.
CREATE TABLE reference_orders AS
SELECT name, l, n, branch, o, min_rate, max_rate, lem_order(1000, side => CASE o & 2 WHEN 0 THEN 'buy' ELSE 'sell' END, benchmark => CASE o & 1 WHEN 0 THEN 'vwap' ELSE 'twap' END,
	unit => CASE o & 4 WHEN 0 THEN 'quantity' ELSE 'notional' END, start_ts => (SELECT ts FROM reference_bars WHERE i = 400),
	min_bars => CASE WHEN branch < n THEN branch + 1 END, min_rate => min_rate, max_rate => max_rate) AS ord
FROM reference_models, generate_series(0, n) AS branch, generate_series(0, 7) AS o, (VALUES (0::float8, 1::float8), (0.01, 0.9), (0.05, 0.7)) AS r(min_rate, max_rate);

-- lem_forward: step, branch, case (side and benchmark), unit
CREATE TABLE reference_network AS
SELECT name, min_rate, max_rate, lem_forward(name, x, ARRAY[min_rate::float4], ARRAY[max_rate::float4]) AS y
FROM reference_windows, (SELECT DISTINCT min_rate, max_rate FROM reference_orders) AS r;
CREATE TABLE reference_compared AS
SELECT o.name, o.branch, o.o, o.min_rate, o.max_rate, s.step, s.state, s.allocation,
	y[1][s.step][o.branch + 1][(o.o & 3) + 1][(o.o >> 2) + 1] AS expected
FROM reference_orders AS o JOIN reference_network USING (name, min_rate, max_rate),
	LATERAL (SELECT lem_schedule(o.name, o.ord, ts, price, volume) AS plan FROM reference_bars) AS p, unnest(plan) AS s;

SELECT name, max_rate, count(*) FROM reference_compared GROUP BY name, max_rate ORDER BY name, max_rate DESC;
SELECT DISTINCT state FROM reference_compared;
-- Without limits the schedule is the network's; with some, where the network keeps them by itself.
SELECT name, max(abs(allocation - expected)) < 1e-6 AS same FROM reference_compared WHERE max_rate = 1 GROUP BY name ORDER BY name;
SELECT name, count(*) > 20 AS orders, max(off) < 1e-6 AS same FROM (
	SELECT name, branch, o, max_rate, max(abs(allocation - expected)) AS off FROM reference_compared WHERE max_rate < 1
	GROUP BY name, branch, o, max_rate HAVING bool_and(expected BETWEEN min_rate + 1e-6 AND max_rate - 1e-6)) AS c GROUP BY name ORDER BY name;
-- The cases are not all alike, or this would show little.
SELECT name, count(DISTINCT round(expected::numeric, 5)) > 100 AS different FROM reference_compared GROUP BY name ORDER BY name;

-- Bars before the ones that the window and its scales need do not matter, nor do later ones.
SELECT name, bool_and(a.plan = b.plan) AS same FROM reference_orders AS o,
	LATERAL (SELECT lem_schedule(name, ord, ts, price, volume) AS plan FROM reference_bars) AS a,
	LATERAL (SELECT lem_schedule(name, ord, ts, price, volume) AS plan FROM reference_bars WHERE i BETWEEN 397 - (l + 335) + 1 AND 400 + n - 1) AS b
WHERE branch = 2 AND max_rate = 1 GROUP BY name ORDER BY name;

SELECT count(lem_drop(name)) FROM reference_models;
DROP TABLE reference_bars, reference_models, reference_windows, reference_orders, reference_network, reference_compared;
DROP FUNCTION simulate_bars, simulate_normal;

-- Backtests and baselines: they are what live scheduling would have done, and their figures are those of plain SQL.

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
\set weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
SELECT lem_import('backtest_' || gaps, decode(:'weights', 'base64'), jsonb_build_object('gaps', gaps) || '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}')
FROM unnest('{carry,skip}'::text[]) AS gaps;

-- Bars, some of them without volume; each fifth missing in one series, nights in another.
CREATE TABLE backtest_bars AS
SELECT gaps, ts, coalesce(notional / nullif(volume, 0), close) AS price, CASE WHEN hashtext(ts::text) % 9 = 0 THEN 0 ELSE volume END AS volume
FROM unnest('{carry,skip}'::text[]) AS gaps, simulate_bars('BACKTEST', days => 24)
WHERE CASE gaps WHEN 'carry' THEN hashtext('gap ' || ts) % 5 <> 0 ELSE extract(hour FROM ts) NOT BETWEEN 3 AND 6 END;
CREATE TABLE backtest_series AS
SELECT gaps, lem_bars(ts, price, volume) AS bars FROM backtest_bars GROUP BY gaps;

-- Orders of all kinds
CREATE TABLE backtest_cases AS
SELECT i, CASE i % 5 WHEN 0 THEN 'baseline:twap' WHEN 1 THEN 'baseline:vwap_curve' WHEN 2 THEN 'baseline:almgren_chriss'
		WHEN 3 THEN 'baseline:stop_rule' ELSE 'backtest' END AS model,
	lem_order(100 * (i + 1), side => CASE i % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, benchmark => CASE i / 2 % 2 WHEN 0 THEN 'twap' ELSE 'vwap' END,
	unit => CASE i / 4 % 2 WHEN 0 THEN 'notional' ELSE 'quantity' END, min_bars => nullif(i % 4, 0), max_bars => CASE i % 7 WHEN 0 THEN 5 ELSE 6 END,
	max_rate => CASE i % 3 WHEN 0 THEN 0.4 ELSE 1 END, lot => CASE i % 6 WHEN 0 THEN 10 END) AS ord
FROM generate_series(0, 29) AS i;
CREATE TABLE backtest_rows AS
SELECT i, gaps, CASE model WHEN 'backtest' THEN 'backtest_' || gaps ELSE model END AS model, ord, b.*
FROM backtest_cases, backtest_series,
	lem_backtest_orders(CASE model WHEN 'backtest' THEN 'backtest_' || gaps ELSE model END, ord, bars, 11,
		options => CASE WHEN model <> 'backtest' THEN jsonb_build_object('every', 13, 'gaps', gaps, 'norm_window', 60) END) AS b;
SELECT count(DISTINCT i), count(*) > 500 AS many, bool_and(array_length(allocation, 1) = (ord).max_bars) AS horizon,
	bool_and((SELECT sum(a) FROM unnest(allocation) AS a) = 1) AS whole,
	bool_and((SELECT max(a) FROM unnest(allocation) AS a) <= (ord).max_rate) AS limits,
	bool_and(bars_used BETWEEN coalesce((ord).min_bars, (ord).max_bars) AND (ord).max_bars) AS bars_used,
	bool_and(completion BETWEEN 0 AND 1 + 1e-12) AS completion, bool_or(completion < 0.999) AS "slices in bars without volume",
	bool_and(cost_bps = 0) AS free, bool_and(alignment = 'causal') AS causal
FROM backtest_rows;

--
-- Re-planned live, bar by bar: with the bars there were before a slice, that slice is next, and as in the backtest.
--
CREATE FUNCTION backtest_live(model text, gaps text, ord lem_order, bars lem_bars) RETURNS SETOF lem_slice LANGUAGE sql AS $$
	SELECT s.* FROM lem_schedule(model, ord, bars) AS s WHERE model NOT LIKE 'baseline:%'
	UNION ALL
	SELECT s.* FROM lem_baseline(replace(model, 'baseline:', ''), ord, bars, jsonb_build_object('gaps', gaps, 'norm_window', 60)) AS s WHERE model LIKE 'baseline:%'
$$;
CREATE TABLE backtest_replanned AS
SELECT r.i, r.gaps, r.ts, t.step, r.allocation[t.step] AS backtest, s.state, s.allocation AS live
FROM (SELECT *, row_number() OVER (PARTITION BY i, gaps ORDER BY ts) AS n FROM backtest_rows) AS r
JOIN backtest_series AS b ON b.gaps = r.gaps
CROSS JOIN LATERAL lem_order((ord).size, (ord).side, (ord).benchmark, (ord).unit, r.ts, (ord).min_bars, (ord).max_bars, (ord).min_rate, (ord).max_rate, (ord).lot) AS o
CROSS JOIN LATERAL backtest_live(r.model, r.gaps, o, b.bars) AS t
CROSS JOIN LATERAL (SELECT lem_bars(x.ts, x.price, x.volume) AS bars FROM backtest_bars AS x WHERE x.gaps = r.gaps AND x.ts < t.ts) AS l
CROSS JOIN LATERAL backtest_live(r.model, r.gaps, o, l.bars) AS s
WHERE n % 6 = 2 AND s.step = t.step;
SELECT gaps, count(*) > 500 AS many, avg((state = 'next')::int) > 0.7 AS "most are next",
	count(*) FILTER (WHERE state = 'next' AND live <> backtest) AS differ
FROM backtest_replanned GROUP BY gaps ORDER BY gaps;

--
-- The figures, by plain SQL where no bar is missing
--
CREATE TABLE backtest_plain AS
SELECT r.i, r.ts, r.ord, (r.ord).side = 'sell' AS sell, s.*, r.achieved, r.benchmark, r.bps, r.bars_used
FROM backtest_rows AS r
CROSS JOIN LATERAL (
	SELECT CASE (r.ord).unit WHEN 'quantity' THEN sum(a * price) / sum(a) ELSE sum(a) / sum(a / price) END AS plain_achieved,
		CASE (r.ord).benchmark WHEN 'twap' THEN avg(price) FILTER (WHERE active) ELSE sum(price * volume) FILTER (WHERE active) / nullif(sum(volume) FILTER (WHERE active), 0) END AS plain_benchmark,
		count(*) FILTER (WHERE active) AS plain_bars
	FROM (SELECT x.*, k <= coalesce((r.ord).min_bars, (r.ord).max_bars) OR NOT traded OR coalesce(done, 0) < 1 AS active
		FROM (SELECT b.price, b.volume, q.a, row_number() OVER w AS k, sum(q.a) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS done,
				(r.ord).benchmark = 'twap' AND row_number() OVER w > 1 OR coalesce(sum(b.volume) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) > 0 AS traded
			FROM unnest(r.allocation) WITH ORDINALITY AS q(a, step)
			JOIN (SELECT price, volume, row_number() OVER (ORDER BY ts) AS step FROM backtest_bars WHERE gaps = 'skip' AND backtest_bars.ts >= r.ts) AS b USING (step)
			WINDOW w AS (ORDER BY step)) AS x) AS y) AS s
WHERE gaps = 'skip' AND (ord).lot IS NULL;
SELECT count(*) > 200 AS many, bool_and(bars_used = plain_bars) AS bars_used,
	bool_and(abs(achieved / plain_achieved - 1) < 1e-12) AS achieved, bool_and(abs(benchmark / plain_benchmark - 1) < 1e-12) AS benchmark,
	bool_and(abs(bps - 1e4 * (plain_achieved / plain_benchmark - 1) * CASE WHEN sell THEN 1 ELSE -1 END) < 1e-8) AS bps
FROM backtest_plain;

-- A TWAP against TWAP gains nothing at all.
SELECT count(*) > 200 AS many, count(*) FILTER (WHERE bps = 0 AND achieved = benchmark) = count(*) AS exact
FROM backtest_series, lem_backtest_orders('baseline:twap', lem_order(1e6, benchmark => 'twap'), bars) WHERE gaps = 'carry';

-- The impact of "almgren2005" is by the day's 20 bars, at whatever hour a start cuts the days before.
WITH b AS (SELECT *, ln(price / lag(price) OVER (ORDER BY ts)) AS move FROM backtest_bars WHERE gaps = 'skip')
SELECT norm_window, count(*) > 200 AS many, bool_and(abs(o.cost_bps / (1e4 * m.sigma * sqrt(20) * (0.157 * 1000 / (m.volume * 20) * 200 ^ 0.25 + 0.142 * (SELECT sum(a * (a * 1000 / m.volume) ^ 0.6) FROM unnest(o.allocation) AS a))) - 1) < 1e-9) AS cost
FROM backtest_series AS s, unnest('{60,168}'::int[]) AS norm_window, lem_backtest_orders('baseline:twap', lem_order(1000, max_bars => 6), bars, options => jsonb_build_object('impact', 'almgren2005', 'norm_window', norm_window, 'gaps', 'skip')) AS o,
	LATERAL (SELECT avg(w.volume) AS volume, sqrt(avg(w.move * w.move)) AS sigma FROM (SELECT * FROM b WHERE b.ts < o.ts ORDER BY b.ts DESC LIMIT norm_window) AS w) AS m
WHERE s.gaps = 'skip' GROUP BY norm_window ORDER BY norm_window;

-- Impact of orders far beyond what trades has a bound: the whole price, and a sale never brings less than nothing.
SELECT side, impact, count(*) > 200 AS many, bool_and(achieved >= 0) AS positive, bool_and(achieved <= 2.01 * benchmark) AS bounded, bool_and(abs(bps) < 10100) AS gain, min(cost_bps) > 9000 AS dear
FROM backtest_series, unnest('{buy,sell}'::text[]) AS side, unnest('{sqrt,almgren2005}'::text[]) AS impact,
	lem_backtest_orders('baseline:twap', lem_order(1e13, side), bars, options => jsonb_build_object('impact', impact, 'impact_coefficient', 1000)) WHERE gaps = 'carry' GROUP BY side, impact ORDER BY side, impact;

--
-- Errors
--
CREATE VIEW backtest_one AS SELECT bars FROM backtest_series WHERE gaps = 'skip';
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('pov', lem_order(1), bars)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline(NULL, lem_order(1), bars)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('twap', NULL, bars)$$);
SELECT pg_temp.error_of($$SELECT * FROM lem_baseline('twap', lem_order(1), NULL)$$);
SELECT pg_temp.error_of($$SELECT * FROM lem_baseline('twap', lem_order(1), '{"2026-01-01 00:00+00" 1 1, "2026-01-01 01:00+00" 1 1}')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('twap', lem_order(1, max_bars => 4), bars, '{"n_ahead": 3}')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('twap', lem_order(1), bars, '{"n_ahead": "x"}')$$);
SELECT n_ahead, pg_temp.error_of(format($$SELECT * FROM backtest_one, lem_baseline('twap', lem_order(1), bars, '{"n_ahead": %s, "gaps": "skip"}')$$, n_ahead)) FROM unnest('{0,1,257,1025}'::int[]) AS n_ahead;
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('twap', lem_order(1), bars, '{"every": 2}')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('stop_rule', lem_order(1), bars, '{"c": -1}')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_baseline('twap', lem_order(1), bars, '[]')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('nobody', lem_order(1), bars)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('baseline:pov', lem_order(1), bars)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('baseline:twap', lem_order(1), bars, 0)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('baseline:twap', lem_order(1), bars, NULL::int)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('backtest_skip', lem_order(1), bars, alignment => 'future')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('baseline:twap', lem_order(1), bars, alignment => 'paper')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('backtest_skip', lem_order(1, max_bars => 7), bars)$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('backtest_skip', lem_order(1), bars, options => '{"gaps": "skip"}')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('backtest_skip', lem_order(1), bars, options => '{"from": "soon"}')$$);
SELECT pg_temp.error_of($$SELECT * FROM backtest_one, lem_backtest_orders('backtest_skip', lem_order(1), bars, options => '{"impact": "linear"}')$$);
SELECT pg_temp.error_of($$SELECT * FROM lem_backtest_orders('backtest_skip', lem_order(1), NULL)$$);
SELECT pg_temp.error_of($$SELECT * FROM lem_backtest_orders('backtest_skip', lem_order(1), '{"2026-01-01 00:00+00" 1 1 [1], "2026-01-01 01:00+00" 1 1 [1]}')$$);
-- Too few bars for one start: no rows.
SELECT count(*) FROM lem_backtest_orders('backtest_skip', lem_order(1), '{"2026-01-01 00:00+00" 1 1, "2026-01-01 01:00+00" 1 1}');

SELECT sum(lem_drop('backtest_' || gaps)) AS dropped FROM unnest('{carry,skip}'::text[]) AS gaps;
DROP VIEW backtest_one;
DROP TABLE backtest_bars, backtest_series, backtest_cases, backtest_rows, backtest_replanned, backtest_plain;
DROP FUNCTION backtest_live, simulate_bars, simulate_normal;

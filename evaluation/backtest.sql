-- The backtests of one part and symbol, from series with the history that starts need.
\set ON_ERROR_STOP on
-- bars of other lengths than a model was trained on are part of the evaluation, and warned of
SET client_min_messages = error;
SET search_path = evaluation, public;
INSERT INTO gains
SELECT part, :'symbol', b.pos, b.ts, b.storm, b.sigma, d.side, m.benchmark, l.minimum, r.gain, r.used, r.largest
FROM (SELECT p.*, s.step, jsonb_build_object('from', held_out) || CASE WHEN size > 0 THEN '{"impact": "sqrt"}' ELSE '{}' END::jsonb AS options,
		(SELECT jsonb_build_object('n_ahead', config -> 'n_ahead', 'norm_window', config -> 'norm_window', 'gaps', config -> 'gaps')
			FROM lem_models WHERE name = p.model AND deployed) AS windows,
		(SELECT lem_bars(ts, price, volume) FROM bars
			WHERE bars.set = p.set AND symbol = :'symbol' AND ts >= held_out - 60 * CASE file WHEN 'dow_1d' THEN 7 ELSE 1 END * interval '1 day') AS series,
		CASE WHEN size > 0 THEN size * (SELECT avg(volume) * extract(epoch FROM interval '1 day') / extract(epoch FROM s.bar)
			FROM bars WHERE bars.set = p.set AND symbol = :'symbol' AND ts >= held_out - interval '60 days' AND ts < held_out) ELSE 1 END AS quantity
	FROM parts AS p JOIN sets AS s USING (set) JOIN files USING (file) WHERE part = :'part') AS p
CROSS JOIN unnest(minima) AS l (minimum) CROSS JOIN unnest('{buy,sell}'::text[]) AS d (side) CROSS JOIN unnest('{vwap,twap}'::text[]) AS m (benchmark)
CROSS JOIN LATERAL lem_order(quantity, d.side, m.benchmark, min_bars => nullif(l.minimum, 0)) AS ord
CROSS JOIN LATERAL (
	SELECT ts, ARRAY[m.bps, s.bps, t.bps, v.bps, a.bps] AS gain, ARRAY[m.bars_used, s.bars_used, t.bars_used, v.bars_used, a.bars_used] AS used,
		ARRAY(SELECT max(x) FROM (VALUES (1, m.allocation), (2, s.allocation), (3, t.allocation), (4, v.allocation), (5, a.allocation)) AS c (n, allocation),
			unnest(c.allocation) AS x GROUP BY n ORDER BY n) AS largest
	FROM lem_backtest_orders(model, ord, series, step, alignment, options) AS m
	JOIN lem_backtest_orders('baseline:stop_rule', ord, series, step, 'causal', options || windows) AS s USING (ts)
	JOIN lem_backtest_orders('baseline:twap', ord, series, step, 'causal', options || windows) AS t USING (ts)
	JOIN lem_backtest_orders('baseline:vwap_curve', ord, series, step, 'causal', options || windows) AS v USING (ts)
	JOIN lem_backtest_orders('baseline:almgren_chriss', ord, series, step, 'causal', options || windows) AS a USING (ts)) AS r
JOIN bars AS b ON b.set = p.set AND b.symbol = :'symbol' AND b.ts = r.ts
WHERE NOT EXISTS (SELECT FROM unnest(r.gain) AS x WHERE x IS NULL);

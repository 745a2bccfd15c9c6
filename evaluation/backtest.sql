-- The backtests of one part and symbol, from series with the history that starts need.
\set ON_ERROR_STOP on
-- bars of other lengths than a model was trained on are part of the evaluation, and warned of
SET client_min_messages = error;
SET search_path = evaluation, public;
INSERT INTO gains
SELECT part, :'symbol', b.pos, b.ts, b.storm, b.sigma, d.side, m.benchmark, l.minimum, r.gain, r.used, r.largest
FROM (SELECT p.*, s.step, jsonb_build_object('from', held_out) || CASE WHEN size > 0 THEN '{"impact": "sqrt"}' ELSE '{}' END::jsonb AS options,
		(SELECT jsonb_object_agg(key, value) FROM lem_models, jsonb_each(config)
			WHERE name = windows_of AND deployed AND key IN ('n_ahead', 'norm_window', 'bar_interval', 'time_zone', 'gaps')) AS windows,
		(SELECT CASE WHEN closes THEN lem_bars(ts, price, volume, close) ELSE lem_bars(ts, price, volume) END FROM bars
			WHERE bars.set = p.set AND symbol = :'symbol' AND ts >= held_out - 60 * CASE file WHEN 'dow_1d' THEN 7 ELSE 1 END * interval '1 day') AS series,
		CASE WHEN size > 0 THEN size * (SELECT avg(volume) * extract(epoch FROM interval '1 day') / extract(epoch FROM s.bar)
			FROM bars WHERE bars.set = p.set AND symbol = :'symbol' AND ts >= held_out - interval '60 days' AND ts < held_out) ELSE 1 END AS quantity
	FROM parts AS p JOIN sets AS s USING (set) JOIN files USING (file) WHERE part = :'part') AS p
CROSS JOIN unnest(minima) AS l (minimum) CROSS JOIN unnest('{buy,sell}'::text[]) AS d (side) CROSS JOIN unnest('{vwap,twap}'::text[]) AS m (benchmark)
CROSS JOIN LATERAL lem_order(quantity, d.side, m.benchmark, min_bars => nullif(l.minimum, 0), max_bars => horizon, risk_aversion => risk) AS ord
-- A baseline goes by the windows of the model that it stands beside, so that all begin at the same
-- bars: a strategy that did not would have no bars_used there, which the table refuses.
CROSS JOIN LATERAL (
	SELECT ts, ARRAY[m.bps, o.bps, t.bps, v.bps, a.bps, s.bps] AS gain,
		ARRAY[m.bars_used, o.bars_used, t.bars_used, v.bars_used, a.bars_used, s.bars_used] AS used,
		ARRAY(SELECT max(x) FROM (VALUES (1, m.allocation), (2, o.allocation), (3, t.allocation), (4, v.allocation), (5, a.allocation), (6, s.allocation)) AS c (n, allocation),
			unnest(c.allocation[:horizon]) AS x GROUP BY n ORDER BY n) AS largest
	FROM lem_backtest_orders(model, ord, series, step, alignment, CASE WHEN model LIKE 'baseline:%' THEN options || windows ELSE options END) AS m
	FULL JOIN lem_backtest_orders('baseline:optimal_stop', ord, series, step, 'causal', options || windows) AS o USING (ts)
	FULL JOIN lem_backtest_orders('baseline:twap', ord, series, step, 'causal', options || windows) AS t USING (ts)
	FULL JOIN lem_backtest_orders('baseline:vwap_curve', ord, series, step, 'causal', options || windows) AS v USING (ts)
	FULL JOIN lem_backtest_orders('baseline:almgren_chriss', ord, series, step, 'causal', options || windows) AS a USING (ts)
	FULL JOIN lem_backtest_orders('baseline:stop_rule', ord, series, step, 'causal', options || windows) AS s USING (ts)) AS r
JOIN bars AS b ON b.set = p.set AND b.symbol = :'symbol' AND b.ts = r.ts
-- without volume there is no VWAP, for no strategy
WHERE num_nulls(VARIADIC r.gain) < cardinality(r.gain) OR array_position(r.used, NULL) IS NOT NULL;

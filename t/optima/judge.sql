-- Gains over TWAP of sells on fresh bars, in standard deviations of a bar's price change, against
-- what is possible without any information.
CREATE TEMPORARY TABLE fresh AS
SELECT seed, mirrored, known_bars.*
FROM generate_series(1, :series) AS seed, (VALUES (false), (true)) AS m (mirrored),
	 known_bars('fresh ' || seed, 24000, :correlation, mirrored);

CREATE TABLE IF NOT EXISTS gains (model text, min_bars int, optimum float8, gain float8, error float8, bars_used float8);
INSERT INTO gains
SELECT :'model', o.min_bars, o.optimum, avg(g.gain), stddev(g.gain) / sqrt(count(*)), avg(g.used)
FROM (VALUES (1, 0.299), (3, 0.299), (6, 0.257), (9, 0.146), (12, 0)) AS o (min_bars, optimum),
	 LATERAL (
		SELECT avg(b.bps) / 10 AS gain, avg(b.bars_used) AS used
		FROM (SELECT seed, lem_bars(ts, price, volume) AS bars FROM fresh GROUP BY seed, mirrored) AS s,
			 lem_backtest_orders(:'model', lem_order(1, 'sell', 'twap', min_bars => o.min_bars), s.bars, 12) AS b
		GROUP BY s.seed, b.ts OFFSET 0) AS g		-- an order and its mirror image count as one
GROUP BY o.min_bars, o.optimum;

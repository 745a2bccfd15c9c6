-- The exact optimum of orders that may finish early, and bars with closes.
CREATE TABLE walk AS
SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '1 hour' AS ts,
	exp(0.01 * sum(lem_noise) OVER (ORDER BY i)) * 100 AS close, i
FROM (SELECT i, (hashint4(i)::float8 + hashint4(i + 100000) + hashint4(i + 200000)) / 2147483648 AS lem_noise
	FROM generate_series(1, 600) AS i) AS noise;
CREATE TABLE bar AS
SELECT ts, (close + lag(close, 1, close) OVER (ORDER BY ts)) / 2 AS price, 1000 + 100 * (i % 24) AS volume, close,
	close * 1.02 AS high, close * 0.98 AS low, i
FROM walk;

-- Values with closes, and with highs and lows: in and out, as bytes and as rows.
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 (101.75), "2026-01-01 01:00:00+00" 102 0 (102.5)}'::lem_bars;
SELECT '{"2026-01-01 01:00:00+00" 102 5 (102.5 103 101) [1 2], "2026-01-01 00:00:00+00" 101.5 2000 (101.75 104 99) [3 4]}'::lem_bars;
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 ()}'::lem_bars;
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 (1 2)}'::lem_bars;
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 (0)}'::lem_bars;
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 (NaN)}'::lem_bars;
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 (101 99 100)}'::lem_bars;
SELECT '{"2026-01-01 00:00:00+00" 101.5 2000 (101), "2026-01-01 01:00:00+00" 102 5}'::lem_bars;
SELECT lem_bars(ts, price, volume, close)::text::lem_bars::text = lem_bars(ts, price, volume, close)::text AS text,
	lem_bars_count(lem_bars(ts, price, volume, close, ARRAY[close])) AS bars
FROM bar;
CREATE TABLE kept AS
SELECT lem_bars(ts, price, volume) AS plain, lem_bars(ts, price, volume, close ORDER BY volume) AS closes,
	lem_bars(ts, ROW(price, high, low, close, volume, price * volume, price, 1)::lem_trade_bar, ARRAY[i]) AS ranges
FROM bar;
SELECT substr(lem_bars_send(plain), 1, 2) AS plain, substr(lem_bars_send(closes), 1, 2) AS closes,
	substr(lem_bars_send(ranges), 1, 4) AS ranges FROM kept;
SELECT (SELECT count(*) FROM lem_unnest(k.closes) AS u JOIN bar USING (ts) WHERE u.price = bar.price AND u.volume = bar.volume) AS unnest,
	(SELECT count(*) FROM lem_unnest_closes(k.closes) AS u JOIN bar USING (ts)
	 WHERE u.close = bar.close AND u.high IS NULL AND u.features IS NULL) AS closes,
	(SELECT count(*) FROM lem_unnest_closes(k.ranges) AS u JOIN bar USING (ts)
	 WHERE u.close = bar.close AND u.high = bar.high AND u.low = bar.low AND u.features = ARRAY[i::float8]) AS ranges,
	(SELECT count(*) FROM lem_unnest_closes(k.plain) AS u WHERE u.close IS NULL) AS plain
FROM kept AS k;
SELECT current_setting('data_directory') || '/lem_optimum.bin' AS file \gset
COPY kept TO :'file' (FORMAT binary);
CREATE TABLE again (LIKE kept);
COPY again FROM :'file' (FORMAT binary);
SELECT a.plain::text = k.plain::text AS plain, a.closes::text = k.closes::text AS closes, a.ranges::text = k.ranges::text AS ranges
FROM kept AS k, again AS a;
SELECT lem_bars(ts, price, volume, CASE WHEN i < 9 THEN close END ORDER BY ts) FROM bar;
SELECT lem_bars(ts, ROW(price, high, low, NULL, volume, 1, price, 1)::lem_trade_bar) FROM bar WHERE i = 1;
SELECT lem_bars(ts, ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_trade_bar) IS NULL AS dropped FROM bar;

-- The schedule: complete, within the limits, and the same whenever it is asked for.
CREATE FUNCTION optimal(min_bars int, options jsonb, upto int, max_rate float8 DEFAULT 1, benchmark text DEFAULT 'twap')
RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(allocation ORDER BY step)
	FROM (SELECT lem_bars(ts, price, volume, close) AS bars FROM bar WHERE i <= upto) AS b,
		lem_baseline('optimal_stop', lem_order(1000, 'sell', benchmark, min_bars => min_bars, max_rate => max_rate,
			start_ts => '2026-01-20 00:00+00'), bars, options)
$$;
SELECT sum(a) AS done, min(a) >= 0 AS positive, count(*) AS slices FROM unnest(optimal(3, NULL, 600)) AS a;
SELECT max(a) <= 0.21 AS limited, sum(a) AS done FROM unnest(optimal(3, NULL, 600, 0.21)) AS a;
SELECT upto, (optimal(3, NULL, 455 + upto))[:upto] = (optimal(3, NULL, 600))[:upto] AS causal
FROM generate_series(1, 12) AS upto WHERE (optimal(3, NULL, 455 + upto))[:upto] <> (optimal(3, NULL, 600))[:upto];
SELECT optimal(3, '{"close": false}', 600) <> optimal(3, '{"close": true}', 600) AS differ,
	optimal(3, '{"close": true}', 600) = optimal(3, NULL, 600) AS default,
	optimal(3, '{"risk_aversion": 1}', 600) = optimal(3, '{"gamma": 1}', 600) AS named,
	optimal(1, '{"impact": "sqrt", "size": 20}', 600) <> optimal(1, NULL, 600) AS costs,
	max(t.a) - min(t.a) < 1e-9 AS tracks
FROM unnest(optimal(NULL, NULL, 600)) AS t(a);

-- Options that cannot be.
SELECT optimal(3, '{"risk_aversion": 11}', 600);
SELECT optimal(3, '{"gamma": -1}', 600);
SELECT optimal(3, '{"close": 1}', 600);
SELECT optimal(3, '{"size": -1}', 600);
SELECT count(*) FROM kept, lem_baseline('optimal_stop', lem_order(1, min_bars => 2), plain, '{"close": true}');

-- Backtests: the same slices, and a gain that closes add to.
SELECT bool_and(b.allocation = (SELECT array_agg(s.allocation ORDER BY step)
	FROM lem_baseline('optimal_stop', lem_order(1000, 'sell', 'twap', min_bars => 3, start_ts => b.ts), closes,
		'{"norm_window": 48}') AS s)) AS same, count(*) > 10 AS starts
FROM kept, lem_backtest_orders('baseline:optimal_stop', lem_order(1000, 'sell', 'twap', min_bars => 3), closes, 40, 'causal',
	'{"norm_window": 48}') AS b;
SELECT (c).mean_bps > (p).mean_bps AS "closes help", (c).mean_bps > 0 AS gains, (c).orders = (p).orders AS same
FROM (SELECT lem_backtest('baseline:optimal_stop', lem_order(1, 'sell', 'twap', min_bars => 1), ts, price, volume, close, NULL::jsonb) AS c,
		lem_backtest('baseline:optimal_stop', lem_order(1, 'sell', 'twap', min_bars => 1), ts, price, volume, '{}') AS p FROM bar) AS b;
SELECT (lem_backtest('baseline:optimal_stop', lem_order(1, min_bars => 1), ts, price, volume, close, ARRAY[close],
	'{"baselines": ["stop_rule"], "risk_aversion": 0}')).baselines[1].name FROM bar;

-- What the right to finish early is worth.
SELECT m, round(v.sigma::numeric, 2) AS sigma, v.bps > 0 OR m = 12 AS bps,
	abs(v.money / nullif(v.bps, 0) * 1e4 / (10 * (SELECT price FROM bar WHERE i = 600)) - 1) < 1e-9 AS money
FROM kept, generate_series(3, 12, 3) AS m,
	lem_early_finish_value(lem_order(10, 'sell', 'twap', min_bars => m), closes, '{"risk_aversion": 1}') AS v;
SELECT v.sigma BETWEEN 0.3 AND 0.4 AS vwap, w.sigma = 0 AS tracks, x.sigma < v.sigma AS limits
FROM kept, lem_early_finish_value(lem_order(10, min_bars => 1), closes) AS v, lem_early_finish_value(lem_order(10), closes) AS w,
	lem_early_finish_value(lem_order(10, min_bars => 1, min_rate => 0.1, max_rate => 0.15), closes) AS x;
SELECT lem_early_finish_value(NULL, closes) FROM kept;
SELECT lem_early_finish_value(lem_order(1, min_bars => 1), NULL);
SELECT lem_early_finish_value(lem_order(1, min_bars => 1), '{"2026-01-01" 1 1, "2026-01-02" 1 1}');


DROP TABLE walk, bar, kept, again;
DROP FUNCTION optimal;

-- Models that look at closes, highs and lows: trained, scheduled, tested.
SET client_min_messages = warning;
\pset format unaligned
CREATE SCHEMA test_closes;
SET search_path = test_closes, public;

CREATE TABLE bars AS
SELECT 'series ' || s AS series, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts, price,
	1000 * (1.1 + sin(i / 3.0 + s)) AS volume, price * (1 + sin(i + s) / 1000) AS close, price * 1.002 AS high, price * 0.997 AS low
FROM generate_series(1, 400) AS i, generate_series(1, 3) AS s,
	LATERAL (SELECT 100 * exp(sin((i + s) / 5.0) / 50 + (hashint4(i * 10 + s) % 1000) / 1e6) AS price) AS p;
\set config '{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
\set options '{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 50}'

-- The default features take what all bars have; a list takes what it says; without closes all is as it was.
CALL lem_train('plain', 'SELECT series, ts, price, volume FROM bars', :'config', :'options');
CALL lem_train('close', 'SELECT series, ts, price, volume, close FROM bars', :'config', :'options');
CALL lem_train('all', 'SELECT * FROM bars', :'config', :'options');
CALL lem_train('list', 'SELECT * FROM bars', '{"features": ["return", "range"]}'::jsonb || :'config', :'options');
CALL lem_train('unused', 'SELECT * FROM bars', '{"features": ["log_volume", "return", "volatility", "day_sin", "day_cos", "week_sin", "week_cos", "log_interval"]}'::jsonb || :'config', :'options');
SELECT name, config -> 'features' AS features FROM lem_models ORDER BY name;
SELECT count(DISTINCT best_loss) AS losses, count(DISTINCT data_digest) AS data
FROM lem_training_runs WHERE model IN ('plain', 'unused');
SELECT count(DISTINCT data_digest) AS data FROM lem_training_runs;

-- The same weights by any number of processes.
CALL lem_train('all', 'SELECT * FROM bars', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 50, "workers": 3}');
SELECT count(*), count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'all';

-- Bars must have what the model looks at.
\set VERBOSITY terse
CALL lem_train('fails', 'SELECT series, ts, price, volume FROM bars', '{"features": ["close_offset"]}'::jsonb || :'config', :'options');
CALL lem_train('fails', 'SELECT series, ts, price, volume, close FROM bars', '{"features": ["range"]}'::jsonb || :'config', :'options');
SELECT lem_schedule('close', lem_order(1), ts, price, volume) FROM bars WHERE series = 'series 1';
SELECT lem_schedule('all', lem_order(1), ts, price, volume, close) FROM bars WHERE series = 'series 1';
\set VERBOSITY default
SELECT count(*), sum((s).allocation) = 1 AS whole
FROM unnest((SELECT lem_schedule('close', lem_order(1), ts, price, volume, close) FROM bars WHERE series = 'series 1')) AS s;

-- A backtest of it, by the aggregate and over stored bars, is what its schedules come to.
CREATE TABLE stored AS
SELECT lem_bars(ts, ROW(price, high, low, close, volume, price * volume, price, 1)::lem_trade_bar) AS bars FROM bars WHERE series = 'series 1';
SELECT bool_and(b.allocation = (SELECT array_agg(allocation ORDER BY step) FROM lem_schedule('all', lem_order(1, start_ts => b.ts), bars))) AS same,
	count(*) AS starts
FROM stored, lem_backtest_orders('all', lem_order(1), bars, 40) AS b;
SELECT (r).orders > 300 AS orders FROM (SELECT lem_backtest('close', lem_order(1), ts, price, volume, close, NULL::jsonb) AS r FROM bars WHERE series = 'series 1') AS b;

-- Orders are worked with them, also after a split, and planned in reports.
\set query 'SELECT * FROM bars'
SELECT max(ts) - interval '3 hours' AS starts FROM bars \gset
SELECT lem_submit_order('series 1', model, lem_order(1000, start_ts => :'starts')) > 0 AS submitted FROM unnest('{all,close,plain}'::text[]) AS model;
CALL lem_work(:'query', :'starts');
CALL lem_work(:'query', :'starts'::timestamptz + interval '1 hour');
SELECT o.model, o.state, count(*) AS slices, bool_and(s.allocation = p.allocation) AS "as scheduled",
	bool_and(lem_report('order', o.id, :'query') ~ 'planned: as it was expected at the start') AS planned
FROM stored, lem_orders AS o JOIN lem_slices AS s ON s.order_id = o.id, LATERAL lem_schedule(o.model, o.ord, CASE o.model WHEN 'plain' THEN (SELECT lem_bars(u.ts, u.price, u.volume) FROM lem_unnest(bars) AS u) ELSE bars END) AS p
WHERE p.step = s.step GROUP BY o.model, o.state ORDER BY o.model;
SELECT bool_and(lem_adjust_order(id, 2)) AS adjusted FROM lem_orders;
SELECT bool_and(u.close * 2 = b.close AND u.high * 2 = b.high AND u.low * 2 = b.low) AS "in new shares" FROM lem_parent_order AS o, lem_unnest_closes(o.bars) AS u JOIN bars AS b USING (ts) WHERE b.series = 'series 1';
CALL lem_work('SELECT series, ts, price / 2 AS price, volume * 2 AS volume, close / 2 AS close, high / 2 AS high, low / 2 AS low FROM bars', :'starts'::timestamptz + interval '2 hours');
SELECT o.model, o.state, o.reason, count(*) AS slices FROM lem_orders AS o JOIN lem_slices AS s ON s.order_id = o.id GROUP BY o.model, o.state, o.reason ORDER BY o.model;
DELETE FROM lem_parent_order;
DROP SCHEMA test_closes CASCADE;
SELECT count(lem_drop(name)) FROM (SELECT DISTINCT name FROM lem_models WHERE training_run IS NOT NULL) m;
DELETE FROM lem_training_run;

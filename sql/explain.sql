-- Explanations: what a model looked at for the next slice, for models of every kind.
SET client_min_messages = warning;
\set VERBOSITY default
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA test_explain;
SET search_path = test_explain, public;

CREATE TABLE bars AS
SELECT timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts,
	100 * exp(sin(i / 5.0) / 50 + (hashint4(i * 10) % 1000) / 1e6) AS price, 1000 * (1.1 + sin(i / 3.0)) AS volume,
	ARRAY[cos(i / 5.0), i % 7] AS features
FROM generate_series(1, 500) AS i;
CREATE TABLE kinds (name text PRIMARY KEY, config jsonb);
INSERT INTO kinds VALUES ('full', '{}'), ('lstm', '{"recurrent": "lstm"}'), ('gru', '{"recurrent": "gru", "heads": "separate"}'), ('nothing', '{"recurrent": "none"}'),
	('dense', '{"variable_selection": false}'), ('blind', '{"attention": false, "finish_gate": false}'),
	('bare', '{"recurrent": "none", "variable_selection": false, "attention": false}'), ('paper', '{"features": "paper"}'),
	('wide', '{"features": ["volatility", "return"], "extra_features": 2}');
UPDATE kinds SET config = '{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'::jsonb || config;
CREATE VIEW plain AS SELECT ts, price, volume FROM bars;
SELECT format('CALL lem_train(%L, %L, %L, %L)', name, 'SELECT 1 AS series, * FROM ' || CASE name WHEN 'wide' THEN 'bars' ELSE 'plain' END,
	config, '{"epochs": 1, "samples": 32, "batch": 16, "validation_samples": 20, "rate": 0.01, "warmup": 0}') FROM kinds ORDER BY name \gexec

-- Orders before their start, halfway, at their last slice and over; of several units, sides and horizons.
CREATE TABLE orders (id text PRIMARY KEY, ord lem_order);
INSERT INTO orders VALUES ('new', lem_order(100)), ('early', lem_order(100, 'sell', 'twap', min_bars => 1)),
	('half', lem_order(100, 'buy', 'vwap', 'notional', '2024-01-21 19:00+00', max_rate => 0.6)),
	('short', lem_order(100, start_ts => '2024-01-21 20:00+00', max_bars => 2)),
	('last', lem_order(100, start_ts => '2024-01-21 18:00+00')), ('over', lem_order(100, start_ts => '2024-01-21 17:00+00'));
CREATE TABLE e AS SELECT name, id, e.*
FROM kinds, orders, (SELECT lem_bars(ts, price, volume) AS plain, lem_bars(ts, price, volume, features) AS wide FROM bars) AS b,
	lem_explain(name, ord, CASE name WHEN 'wide' THEN wide ELSE plain END) AS e;
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'e' ORDER BY ordinal_position;

-- What there is of each kind: three rows beyond the lookback at most, two heads, one next slice if it is not the last.
SELECT id, kind, min(step) AS first, max(step) AS last, count(*), min(ts), max(ts), count(input) AS inputs, max(head) AS heads
FROM e WHERE name = 'full' GROUP BY id, kind ORDER BY id, kind;
SELECT kind, string_agg(DISTINCT name, ' ' ORDER BY name) FROM e GROUP BY kind ORDER BY kind;

-- Rows sum to 1 where they are weights: those of the inputs in each row, those of the rows for each head.
SELECT kind, count(*) AS sums, bool_and(abs(total - 1) < 1e-5) AS one, bool_and(least >= 0) AS positive
FROM (SELECT kind, sum(value) AS total, min(value) AS least FROM e WHERE kind IN ('variable', 'attention')
	GROUP BY name, id, kind, step, head, CASE kind WHEN 'variable' THEN ts END) AS s GROUP BY kind ORDER BY kind;

-- Allocations are those of the schedule; base curves sum to 1 over the steps.
SELECT count(*), bool_and(s.allocation = e.value AND s.ts = e.ts) AS same
FROM kinds, orders, (SELECT lem_bars(ts, price, volume) AS plain, lem_bars(ts, price, volume, features) AS wide FROM bars) AS b,
	lem_schedule(name, ord, CASE name WHEN 'wide' THEN wide ELSE plain END) AS s JOIN e ON e.kind = 'allocation' AND e.step = s.step
WHERE e.name = kinds.name AND e.id = orders.id;
SELECT bool_and(abs(total - 1) < 1e-5) FROM (SELECT sum(value) AS total FROM e WHERE kind = 'curve' AND id <> 'short' GROUP BY name, id) AS s;
SELECT bool_and(value > 0) FROM e WHERE kind = 'factor';
SELECT bool_and(value > 0 AND value < 1) FROM e WHERE kind = 'finish';

-- Inputs have the names of the config's features.
SELECT name, string_agg(DISTINCT input COLLATE "C", ' ') FILTER (WHERE kind = 'variable') AS variable, string_agg(DISTINCT input COLLATE "C", ' ') FILTER (WHERE kind = 'change') AS change
FROM e WHERE name IN ('full', 'paper', 'wide', 'dense') GROUP BY name ORDER BY name;

-- What moves the next slice.  No price or volume before a slice is done; nothing that never varies; nothing where the limits say it all.
SELECT id, bool_or(value <> 0) AS some, bool_or(value <> 0) FILTER (WHERE input IN ('price', 'volume')) AS market, bool_or(value <> 0) FILTER (WHERE input IN ('log_interval', 'interval_minutes')) AS interval
FROM e WHERE kind = 'change' GROUP BY id ORDER BY id;
SELECT bool_and(abs(value) <= 1) AS range FROM e WHERE kind = 'change';

-- The same again, from another search_path; not all rows fetched.
SET search_path = test_explain;
SELECT count(*) AS rows, count(*) FILTER (WHERE e.value = f.value) AS same
FROM (SELECT public.lem_bars(ts, price, volume) AS b FROM bars) AS s, orders AS o, public.lem_explain('lstm', ord, b) AS f
	JOIN e ON (e.kind, e.step, e.ts) = (f.kind, f.step, f.ts) AND (e.input, e.head) IS NOT DISTINCT FROM (f.input, f.head)
WHERE e.id = o.id AND e.name = 'lstm' AND o.id = 'half';
SET search_path = test_explain, public;
SELECT count(*) FROM (SELECT 1 FROM (SELECT lem_bars(ts, price, volume) AS b FROM bars) AS s, lem_explain('full', lem_order(100), b) LIMIT 5) AS l;

-- Errors are those of the schedule.
CREATE TABLE packed AS SELECT lem_bars(ts, price, volume) AS b FROM bars;
SELECT lem_explain(NULL, lem_order(1), b) FROM packed;
SELECT lem_explain('full', NULL, b) FROM packed;
SELECT lem_explain('full', lem_order(1), NULL);
SELECT lem_explain('nobody', lem_order(1), b) FROM packed;
SELECT lem_explain('full@7', lem_order(1), b) FROM packed;
SELECT lem_explain('full', lem_order(-1), b) FROM packed;
SELECT lem_explain('full', lem_order(1, max_bars => 5), b) FROM packed;
SELECT lem_explain('full', lem_order(1, max_rate => 0.1), b) FROM packed;
SELECT lem_explain('full', lem_order(1, start_ts => '2023-01-01'), b) FROM packed;
SELECT lem_explain('full', lem_order(1, start_ts => 'infinity'), b) FROM packed;
SELECT lem_explain('full', lem_order(1), lem_bars(ts, price, volume)) FROM bars WHERE ts < '2024-01-02';
SELECT lem_explain('wide', lem_order(1), b) FROM packed;
SELECT lem_explain('full', lem_order(1), lem_bars(ts, price, volume, features)) FROM bars;
SELECT count(*) FROM lem_explain('full', lem_order(1), (SELECT b FROM packed));

-- A damaged model
SELECT lem_import('damaged', lem_export('bare'), config || '{"norm_window": 25}') FROM lem_models WHERE name = 'bare';
UPDATE lem_model_part SET data = set_bit(data, 9, 1 - get_bit(data, 9)) FROM lem_model m WHERE m.id = model_id AND name = 'damaged' AND part = 1;
SELECT lem_explain('damaged', lem_order(1), b) FROM packed;

DELETE FROM lem_training_run;
DELETE FROM lem_model;
DELETE FROM lem_model_name;
DROP SCHEMA test_explain CASCADE;

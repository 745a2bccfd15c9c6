-- Warnings of what would go wrong without a word: bars that are not what they are taken for, models that are dropped while
-- orders go on by them, series that are not there.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('doubts', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
CREATE TABLE doubts_bars AS SELECT text 'D' AS series, ts, notional / volume AS price, volume FROM simulate_bars('D', days => 20);

-- Price and volume that are swapped
SELECT count(*) FROM (SELECT lem_bars(ts, volume, price) AS b FROM doubts_bars) AS s, lem_schedule('doubts', lem_order(100), b);
SELECT array_length(lem_schedule('doubts', lem_order(100), ts, volume, price), 1) FROM doubts_bars;
SELECT count(*) > 0 AS starts FROM (SELECT lem_bars(ts, volume, price) AS b FROM doubts_bars) AS s, lem_backtest_orders('baseline:twap', lem_order(100), b);

-- A split that was not taken in: warned of by the last jump, not of one long ago in a schedule
CREATE TABLE doubts_split AS SELECT series, ts, CASE WHEN ts < '2026-01-19' THEN price * 2 ELSE price END AS price, volume FROM doubts_bars;
SELECT count(*) FROM (SELECT lem_bars(ts, price, volume) AS b FROM doubts_split) AS s, lem_schedule('doubts', lem_order(100), b);
SELECT count(*) FROM (SELECT lem_bars(ts, CASE WHEN ts < '2026-01-03' THEN price / 3 ELSE price END, volume) AS b FROM simulate_bars('D', days => 40), LATERAL (SELECT notional / volume AS price) AS p) AS s, lem_schedule('doubts', lem_order(100), b);
SELECT count(*) > 0 AS starts FROM (SELECT lem_bars(ts, CASE WHEN ts < '2026-01-03' THEN price / 3 ELSE price END, volume) AS b FROM doubts_bars) AS s, lem_backtest_orders('doubts', lem_order(100), b);
-- A batch names the order; a statement over many series warns a few times.
SELECT count(*) FROM (SELECT lem_bars(ts, price, volume) AS b FROM doubts_split) AS s, lem_schedule_batch('doubts', '{71,72}', ARRAY[lem_order(1), lem_order(1)], ARRAY[b, b]);
SELECT sum(array_length(s, 1)) AS slices FROM (SELECT i, lem_schedule('doubts', lem_order(100), ts, price, volume) AS s FROM doubts_split, generate_series(1, 20) AS i GROUP BY i) AS s;

-- A model for bars of another size, by its config and by what it was trained on
SELECT lem_import('doubts_minutes', lem_export('doubts'), config || '{"bar_interval": "5 minutes", "gaps": "skip"}') FROM lem_models WHERE name = 'doubts';
SELECT count(*) FROM (SELECT lem_bars(ts, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_minutes', lem_order(100), b);
SET client_min_messages = warning;
CALL lem_train('doubts_trained', 'SELECT series, ts, price, volume FROM doubts_bars', '{"lookback": 4, "n_ahead": 3, "hidden_size": 4, "num_heads": 1, "num_embedding": 2, "fused_mlp_hidden_dim": 4, "norm_window": 24}', '{"epochs": 1, "samples": 64, "batch": 16, "validation_samples": 32}');
RESET client_min_messages;
SELECT metrics -> 'bar_seconds' AS seconds FROM lem_models WHERE name = 'doubts_trained';
SELECT count(*) FROM (SELECT lem_bars(ts, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_trained', lem_order(100), b);
SELECT count(*) FROM (SELECT lem_bars('2026-01-01'::timestamptz + (ts - '2026-01-01') / 12, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_trained', lem_order(100), b);
-- Weights that are taken elsewhere take it along.
SELECT lem_import('doubts_copy', lem_export('doubts_trained')), metrics -> 'bar_seconds' AS seconds FROM lem_models WHERE name = 'doubts_trained';
SELECT count(*) FROM (SELECT lem_bars('2026-01-01'::timestamptz + (ts - '2026-01-01') / 60, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_copy', lem_order(100), b);

-- A model that orders go on by is dropped
SELECT count(lem_submit_order('D', model, lem_order(100))) AS orders FROM unnest('{doubts,doubts@1,doubts_trained@1,doubts_copy}'::text[]) AS model;
SELECT lem_drop('doubts');
SELECT lem_drop('doubts_trained');
SELECT lem_drop('doubts_minutes');
DELETE FROM lem_parent_order;
SELECT lem_drop('doubts_copy');
DELETE FROM lem_training_run WHERE model = 'doubts_trained';

DROP TABLE doubts_bars, doubts_split;
DROP FUNCTION simulate_bars, simulate_normal;

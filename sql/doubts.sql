-- Warnings of what would go wrong without a word: bars that are not what they are taken for, models that are dropped while
-- orders go on by them, series that are not there.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('doubts', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || regexp_replace(SQLERRM, 'take [0-9.e-]+', 'take x');
END
$$;
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
-- One that was trained on bars of several lengths is for those between, too.
SET client_min_messages = warning;
CALL lem_train('doubts_lengths', $$SELECT series, ts, price, volume FROM doubts_bars UNION ALL SELECT 'four', '2025-01-01'::timestamptz + (ts - '2026-01-01') * 4, price, volume FROM doubts_bars$$, '{"lookback": 4, "n_ahead": 3, "hidden_size": 4, "num_heads": 1, "num_embedding": 2, "fused_mlp_hidden_dim": 4, "norm_window": 24}', '{"epochs": 1, "samples": 64, "batch": 16, "validation_samples": 32}');
RESET client_min_messages;
SELECT metrics -> 'bar_seconds' AS seconds FROM lem_models WHERE name = 'doubts_lengths';
SELECT count(*) FROM (SELECT hours, lem_bars('2026-01-01'::timestamptz + (ts - '2026-01-01') * hours, price, volume) AS b FROM doubts_bars, unnest('{1,2,4}'::int[]) AS hours GROUP BY hours) AS s, lem_schedule('doubts_lengths', lem_order(100), b);
SELECT count(*) FROM (SELECT lem_bars('2026-01-01'::timestamptz + (ts - '2026-01-01') / 12, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_lengths', lem_order(100), b);
SELECT count(*) FROM (SELECT lem_bars('2026-01-01'::timestamptz + (ts - '2026-01-01') * 24, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_lengths', lem_order(100), b);
-- Weights that are taken elsewhere take it along.
SELECT lem_import('doubts_copy', lem_export('doubts_trained')), metrics -> 'bar_seconds' AS seconds FROM lem_models WHERE name = 'doubts_trained';
SELECT count(*) FROM (SELECT lem_bars('2026-01-01'::timestamptz + (ts - '2026-01-01') / 60, price, volume) AS b FROM doubts_bars) AS s, lem_schedule('doubts_copy', lem_order(100), b);

-- An order that is handed over with its bars is scheduled at once: refused, or told what is expected to be left.
CREATE TABLE doubts_desk AS SELECT 'DESK' AS series, ts, price, volume FROM doubts_bars;
SELECT lem_submit_order('DESC', 'doubts', lem_order(100), bars => 'SELECT * FROM doubts_desk') > 0 AS taken;
SELECT pg_temp.error_of($$SELECT lem_submit_order('DESK', 'doubts', lem_order(1e9, max_participation => 0.1), bars => 'SELECT * FROM doubts_desk')$$);
SELECT lem_submit_order('DESK', 'baseline:twap', lem_order(100, lot => 10, limit_price => 1, best_effort => true), client_id => 'limit', bars => 'SELECT * FROM doubts_desk') > 0 AS taken;
SELECT lem_submit_order('DESK', 'doubts', lem_order(100, lot => 10), client_id => 'fits', bars => 'SELECT * FROM doubts_desk') > 0 AS taken;
SELECT pg_temp.error_of($$SELECT lem_submit_order('DESK', 'doubts', lem_order(100), bars => 'SELECT * FROM nowhere')$$);
SELECT pg_temp.error_of($$SELECT lem_submit_order('DESK', 'doubts', lem_order(100, start_ts => '2020-01-01'), bars => 'SELECT * FROM doubts_desk')$$);
SELECT client_id, event, detail FROM lem_order_event JOIN lem_parent_order AS o ON o.id = order_id ORDER BY o.id;
-- At the end it says what is left of it.
CALL lem_work('SELECT * FROM doubts_desk', '2026-01-21 00:00+00');
INSERT INTO doubts_desk SELECT 'DESK', t.ts + i * interval '1 hour', 100, 1000 FROM (SELECT max(ts) AS ts FROM doubts_desk) AS t, generate_series(1, 13) AS i;
CALL lem_work('SELECT * FROM doubts_desk', '2026-01-21 13:00+00');
SELECT series, client_id, state, unallocated, reason FROM lem_orders ORDER BY id;
SELECT client_id, detail FROM lem_order_event JOIN lem_parent_order AS o ON o.id = order_id WHERE event = 'finished' ORDER BY o.id;
-- A price that jumps while an order is worked
SELECT lem_submit_order('DESK', 'doubts', lem_order(100)) > 0 AS taken;
CALL lem_work('SELECT * FROM doubts_desk', '2026-01-21 13:00+00');
INSERT INTO doubts_desk SELECT 'DESK', max(ts) + interval '1 hour', 50, 2000 FROM doubts_desk;
CALL lem_work('SELECT * FROM doubts_desk', '2026-01-21 14:00+00');
-- A rule over bars of sessions: the next bar after a session is that of the next one, in lem_work as in lem_baseline.
CREATE TABLE doubts_sessions AS SELECT 'SESSIONS' AS series, ts, 100::float8 AS price, 1000 + 100 * extract(hour FROM ts) AS volume
FROM generate_series(timestamptz '2026-01-05', '2026-02-13 20:00', '1 hour') AS ts WHERE extract(isodow FROM ts) < 6 AND extract(hour FROM ts) BETWEEN 14 AND 20;
SELECT lem_submit_order('SESSIONS', 'baseline:vwap_curve', lem_order(1000, max_bars => 3, start_ts => '2026-02-13 20:00+00')) > 0 AS taken;
CALL lem_work('SELECT * FROM doubts_sessions', '2026-02-13 21:30+00');
SELECT count(*) AS slices, bool_and(s.ts = b.ts AND s.quantity = b.quantity) AS as_planned, max(s.ts) AS next
FROM lem_slices AS s, (SELECT lem_bars(ts, price, volume) AS bars FROM doubts_sessions) AS h,
	lem_baseline('vwap_curve', lem_order(1000, max_bars => 3, start_ts => '2026-02-13 20:00+00'), bars) AS b WHERE s.series = 'SESSIONS' AND b.step = s.step;
DELETE FROM lem_parent_order;
DROP TABLE doubts_desk, doubts_sessions;

-- A model that orders go on by is dropped
SELECT count(lem_submit_order('D', model, lem_order(100))) AS orders FROM unnest('{doubts,doubts@1,doubts_trained@1,doubts_copy}'::text[]) AS model;
SELECT lem_drop('doubts');
SELECT lem_drop('doubts_trained');
SELECT lem_drop('doubts_minutes');
SELECT lem_drop('doubts_lengths');
DELETE FROM lem_parent_order;
SELECT lem_drop('doubts_copy');
DELETE FROM lem_training_run WHERE model IN ('doubts_trained', 'doubts_lengths');

DROP TABLE doubts_bars, doubts_split;
DROP FUNCTION simulate_bars, simulate_normal;

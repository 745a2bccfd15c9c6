-- Models with a trunk for all orders: config, training, schedules, backtests.
SET client_min_messages = warning;
\pset format unaligned
CREATE SCHEMA test_shared_trunk;
SET search_path = test_shared_trunk, public;

CREATE TABLE bars AS
SELECT 'series ' || s AS series, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts, price,
	1000 * (1.1 + sin(i / 3.0 + s)) AS volume, price * (1 + sin(i + s) / 1000) AS close
FROM generate_series(1, 400) AS i, generate_series(1, 3) AS s,
	LATERAL (SELECT 100 * exp(sin((i + s) / 5.0) / 50 + (hashint4(i * 10 + s) % 1000) / 1e6) AS price) AS p;
\set config '{"base": "optimal_stop", "trunk": "shared", "context_rows": 3, "lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
\set options '{"epochs": 2, "samples": 128, "batch": 32, "shard": 8, "validation_samples": 50, "rate": 0.01, "warmup": 0}'

-- What does not go together is refused.
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "shared", "base": "curve"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "common", "base": "optimal_stop"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "shared", "base": "optimal_stop", "lookback": 2}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "shared", "base": "optimal_stop", "context_rows": 0}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "shared", "base": "optimal_stop", "hidden_rnn_layer": 2, "context_rows": 26}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "shared", "base": "optimal_stop", "features": []}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"trunk": "shared", "base": "optimal_stop"}', '{"neighbours": 0}');

-- A training: neighbours by default; without, other weights.
CALL lem_train('shared', 'SELECT * FROM bars', :'config', :'options');
SELECT config ->> 'trunk' AS trunk, config ->> 'context_rows' AS context_rows, jsonb_array_length(config -> 'features') AS features
FROM lem_models WHERE name = 'shared';
SELECT options ->> 'neighbours' AS neighbours FROM lem_training_runs WHERE model = 'shared';
CALL lem_train('alone', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"neighbours": 1}');
SELECT count(DISTINCT digest) AS digests FROM lem_model WHERE name IN ('shared', 'alone');

-- The same weights by any number of processes, and after an interruption.
CALL lem_train('shared', 'SELECT * FROM bars ORDER BY md5(ts::text || series)', :'config', :'options'::jsonb || '{"workers": 3}');
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON lem_training_epoch FOR EACH ROW WHEN (NEW.epoch = 2) EXECUTE FUNCTION disk_full();
\set VERBOSITY terse
CALL lem_train('shared', 'SELECT * FROM bars', :'config', :'options');
\set VERBOSITY default
DROP TRIGGER disk_full ON lem_training_epoch;
DROP FUNCTION disk_full();
CALL lem_train('shared', 'SELECT * FROM bars', '{}', '{"resume": true}');
SELECT count(*), count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'shared';
CALL lem_train('dropped', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"dropout": 0.2}');
CALL lem_train('dropped', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"dropout": 0.2, "workers": 2}');
SELECT count(*), count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'dropped';

-- The network has something to say.
CREATE TABLE stored AS SELECT lem_bars(ts, price, volume, close) AS bars FROM bars WHERE series = 'series 1';
SELECT count(*) > 300 AS starts, bool_or((SELECT max(abs(a - b)) FROM unnest(m.allocation, b.allocation) AS x(a, b)) > 1e-3) AS moved
FROM stored, lem_backtest_orders('shared', lem_order(1, min_bars => 2, max_bars => 4), bars) AS m
	JOIN stored AS s ON true JOIN lem_backtest_orders('baseline:optimal_stop', lem_order(1, min_bars => 2, max_bars => 4), s.bars, 1, 'causal', '{"norm_window": 24}') AS b USING (ts);

-- A backtest's slices are those of schedules from its starts, of all bars or of the last few, alone and in a batch.
CREATE TABLE starts AS SELECT ts, allocation FROM stored, lem_backtest_orders('shared', lem_order(1, min_bars => 2), bars, 7);
SELECT count(*) > 40 AS starts, bool_and(x.allocation = s.allocation) AS all_bars, bool_and(y.allocation = s.allocation) AS last_bars
FROM starts AS s,
	LATERAL (SELECT array_agg(allocation ORDER BY step) FROM stored, lem_schedule('shared', lem_order(1, min_bars => 2, start_ts => s.ts), bars)) AS x(allocation),
	LATERAL (SELECT array_agg((v).allocation ORDER BY (v).step) FROM unnest((SELECT lem_schedule('shared', lem_order(1, min_bars => 2, start_ts => s.ts), b.ts, price, volume, close)
		FROM bars AS b WHERE series = 'series 1' AND b.ts >= s.ts - interval '64 hours')) AS v) AS y(allocation);
WITH numbered AS (SELECT row_number() OVER (ORDER BY ts) AS id, * FROM starts),
	batch AS (SELECT array_agg(id ORDER BY md5(id::text)) AS ids, array_agg(lem_order(1, min_bars => 2, start_ts => ts) ORDER BY md5(id::text)) AS orders FROM numbered)
SELECT count(*) > 40 AS starts, bool_and(x.allocation = n.allocation) AS same
FROM numbered AS n JOIN (SELECT id, array_agg(allocation ORDER BY step) AS allocation
	FROM batch, LATERAL lem_schedule_batch('shared', ids, orders, (SELECT array_agg(bars) FROM stored, unnest(ids))) GROUP BY id) AS x USING (id);

-- Live, an hour at a time, each slice is what the backtest found.
SELECT count(*) AS slices, bool_and((v).allocation = s.allocation[k] AND (v).state = 'next' AND (v).step = k) AS same
FROM (SELECT * FROM starts ORDER BY ts LIMIT 3) AS s, generate_series(1, 4) AS k,
	LATERAL (SELECT lem_next_slice('shared', lem_order(1, start_ts => s.ts, min_bars => 2), b.ts, price, volume, close) AS v FROM bars AS b
		WHERE series = 'series 1' AND b.ts < s.ts + (k - 1) * interval '1 hour') AS n
WHERE (SELECT sum(a) FROM unnest(s.allocation[:k - 1]) AS a) IS DISTINCT FROM 1;

-- Worked hour by hour, orders of one series that started one after the other.
CREATE TABLE submitted AS SELECT row_number() OVER (ORDER BY ts) AS n, ts,
	lem_submit_order('series 1', 'shared', lem_order(1, min_bars => 2, start_ts => ts)) AS id, allocation
FROM (SELECT ts, allocation FROM stored, lem_backtest_orders('shared', lem_order(1, min_bars => 2), bars) ORDER BY ts LIMIT 5) AS s;
DO $$
DECLARE
	hour timestamptz := (SELECT min(ts) FROM submitted);
BEGIN
	FOR h IN 0 .. 10 LOOP
		CALL lem_work(format('SELECT * FROM test_shared_trunk.bars WHERE ts < %L', hour), hour);
		hour := hour + interval '1 hour';
	END LOOP;
END
$$;
SELECT count(*), bool_and(o.state = 'finished') AS finished, bool_and(w.allocation = s.allocation[:cardinality(w.allocation)]) AS same
FROM submitted AS s JOIN lem_orders AS o USING (id), LATERAL (SELECT array_agg(allocation ORDER BY step) AS allocation FROM lem_slices WHERE order_id = s.id) AS w;
DELETE FROM lem_child_slice WHERE order_id IN (SELECT id FROM submitted);
DELETE FROM lem_parent_order WHERE id IN (SELECT id FROM submitted);

-- Out and in again.
SELECT lem_import('shared_copy', lem_export('shared'), config) FROM lem_models WHERE name = 'shared' AND deployed;
SELECT bool_and(a.allocation = b.allocation) AS same FROM stored, lem_schedule('shared', lem_order(1, min_bars => 1), bars) AS a
	JOIN stored AS s ON true JOIN lem_schedule('shared_copy', lem_order(1, min_bars => 1), s.bars) AS b USING (step);

-- What the network looks at: the lookback and the last bar, of which attention sees the last 7.
SELECT kind, count(*), count(DISTINCT e.ts) AS bars, count(DISTINCT input) AS inputs, count(DISTINCT head) AS heads, count(*) FILTER (WHERE value = 0) AS zeros
FROM stored, lem_explain('shared', lem_order(1, min_bars => 1), bars) AS e WHERE kind IN ('variable', 'attention') GROUP BY kind ORDER BY kind;
SELECT bool_and(abs(sum - 1) < 1e-5) AS whole FROM (SELECT sum(value) FROM stored, lem_explain('shared', lem_order(1, min_bars => 1), bars) WHERE kind = 'attention' GROUP BY head) AS s;

DROP SCHEMA test_shared_trunk CASCADE;
SELECT count(lem_drop(name)) FROM unnest('{shared,alone,dropped,shared_copy}'::text[]) AS name;
DELETE FROM lem_training_run;

-- Models on top of the exact optimum: config, training, schedules, backtests.
SET client_min_messages = warning;
\pset format unaligned
CREATE SCHEMA test_base;
SET search_path = test_base, public;

CREATE TABLE bars AS
SELECT 'series ' || s AS series, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts, price,
	1000 * (1.1 + sin(i / 3.0 + s)) AS volume, price * (1 + sin(i + s) / 1000) AS close
FROM generate_series(1, 400) AS i, generate_series(1, 3) AS s,
	LATERAL (SELECT 100 * exp(sin((i + s) / 5.0) / 50 + (hashint4(i * 10 + s) % 1000) / 1e6) AS price) AS p;
\set config '{"base": "optimal_stop", "lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
\set options '{"epochs": 2, "samples": 128, "batch": 32, "shard": 8, "validation_samples": 50}'

-- Either key says the other; what does not go together is refused.
\set VERBOSITY terse
CALL lem_train('fails', 'SELECT * FROM bars', '{"base": "optimal_stop", "steps": "separate"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"base": "optimum"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"impact": "sqrt"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"base": "optimal_stop", "finish_gate": true}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"base": "optimal_stop", "heads": "separate"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"base": "optimal_stop", "features": "paper", "price_unit": "ratio"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"n_ahead": 257}');
CALL lem_train('fails', 'SELECT * FROM bars', '{"base": "optimal_stop", "n_ahead": 1025}');
CALL lem_train('fails', 'SELECT * FROM bars', '{}', '{"objective": "entropic"}');
CALL lem_train('fails', 'SELECT * FROM bars', '{}', '{"mirror": true}');
CALL lem_train('fails', 'SELECT * FROM bars', '{}', '{"shrink": true}');
CALL lem_train('fails', 'SELECT * FROM bars', '{}', '{"average": 1}');
\set VERBOSITY default

-- A training: the base's own options by default, validation by some minima.
CALL lem_train('base', 'SELECT * FROM bars', :'config', :'options');
SELECT config ->> 'base' AS base, config ->> 'steps' AS steps, config ->> 'impact' AS impact, config ->> 'finish_gate' AS finish_gate,
	jsonb_array_length(config -> 'features') AS features, jsonb_array_length(metrics -> 'gain') AS gains FROM lem_models WHERE name = 'base';
SELECT options ->> 'objective' AS objective, options ->> 'average' AS average, options ->> 'mirror' AS mirror, options ->> 'shrink' AS shrink
FROM lem_training_runs WHERE model = 'base';

-- Its outputs were shrunk: the loss is no more than the best epoch's, unless less was kept than would be best by it alone.
SELECT (metrics ->> 'validation_loss')::float8 <= best_loss + 1e-9 OR LEAST((metrics #>> '{shrink,vwap}')::float8, (metrics #>> '{shrink,twap}')::float8) < 1 AS less,
	metrics -> 'shrink' ?& '{vwap,twap,track_vwap,track_twap}' AS outputs,
	(SELECT bool_and(f::float8 IN (0, 0.25, 0.5, 0.75, 1)) FROM jsonb_each_text(metrics -> 'shrink') AS e (output, f)) AS factors
FROM lem_models AS m JOIN lem_training_runs AS r ON run = training_run WHERE name = 'base';

-- The same weights by any number of processes, and after an interruption; others by other options.
CALL lem_train('base', 'SELECT * FROM bars ORDER BY md5(ts::text || series)', :'config', :'options'::jsonb || '{"workers": 3}');
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON lem_training_epoch FOR EACH ROW WHEN (NEW.epoch = 2) EXECUTE FUNCTION disk_full();
\set VERBOSITY terse
CALL lem_train('base', 'SELECT * FROM bars', :'config', :'options');
\set VERBOSITY default
DROP TRIGGER disk_full ON lem_training_epoch;
DROP FUNCTION disk_full();
CALL lem_train('base', 'SELECT * FROM bars', '{}', '{"resume": true}');
SELECT count(*), count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'base';
CALL lem_train('other', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"objective": "mean"}');
CALL lem_train('other', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"average": 0}');
CALL lem_train('other', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"mirror": false}');
CALL lem_train('whole', 'SELECT * FROM bars', :'config', :'options'::jsonb || '{"shrink": false}');
SELECT metrics ? 'shrink' AS shrunk, (metrics ->> 'validation_loss')::float8 = best_loss AS of_the_epoch
FROM lem_models JOIN lem_training_runs ON run = training_run WHERE name = 'whole';
CALL lem_train('other', 'SELECT * FROM bars', '{"impact": "sqrt"}'::jsonb || :'config', :'options');
CALL lem_train('other', 'SELECT series, ts, price, volume FROM bars', :'config', :'options');
SELECT count(DISTINCT digest) AS digests FROM lem_model WHERE name IN ('base', 'other');

-- Weights of an average belong to models of the other base, too.
CALL lem_train('curve', 'SELECT series, ts, price, volume FROM bars', (:'config'::jsonb - 'base'), :'options'::jsonb || '{"average": 0.9}');
CALL lem_train('curve', 'SELECT series, ts, price, volume FROM bars', (:'config'::jsonb - 'base'), :'options'::jsonb || '{"average": 0.9, "workers": 2}');
CALL lem_train('curve', 'SELECT series, ts, price, volume FROM bars', (:'config'::jsonb - 'base'), :'options');
SELECT count(*), count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'curve';

-- With hardly any learning it does what optimal_stop does.
CALL lem_train('still', 'SELECT * FROM bars', :'config', '{"epochs": 1, "samples": 32, "batch": 32, "validation_samples": 50, "rate": 1e-9, "warmup": 1000000}');
CREATE TABLE stored AS SELECT lem_bars(ts, price, volume, close) AS bars FROM bars WHERE series = 'series 1';
SELECT count(*) AS starts, bool_and((SELECT max(abs(a - b)) FROM unnest(m.allocation, b.allocation) AS x(a, b)) < 1e-6) AS same
FROM stored, lem_backtest_orders('still', lem_order(1, min_bars => 2, max_bars => 4), bars, 10) AS m
	JOIN stored AS s ON true JOIN lem_backtest_orders('baseline:optimal_stop', lem_order(1, min_bars => 2, max_bars => 4), s.bars, 10, 'causal', '{"norm_window": 24}') AS b USING (ts);

-- Schedules, in any company; what was executed; tracking; a risk aversion of its own.
SELECT count(*), sum((s).allocation) = 1 AS whole
FROM unnest((SELECT lem_schedule('base', lem_order(1000, min_bars => 2), ts, price, volume, close) FROM bars WHERE series = 'series 1')) AS s;
SELECT count(*), sum(allocation) = 1 AS whole FROM stored, lem_schedule('base', lem_order(1000, 'sell', 'twap'), bars);
SELECT (lem_next_slice('base', lem_order(1000, min_bars => 1), ts, price, volume, close)).state FROM bars WHERE series = 'series 1';
SELECT id, count(*), sum(allocation) = 1 AS whole FROM stored, lem_schedule_batch('base', ARRAY[1, 2], ARRAY[lem_order(1, min_bars => 1), lem_order(1, 'sell', min_bars => 3)], ARRAY[bars, bars]) GROUP BY id ORDER BY id;

-- Out and in again.
SELECT lem_import('copy', lem_export('base'), config) FROM lem_models WHERE name = 'base' AND deployed;
SELECT bool_and(a.allocation = b.allocation) AS same FROM stored, lem_schedule('base', lem_order(1, min_bars => 1), bars) AS a
	JOIN stored AS s ON true JOIN lem_schedule('copy', lem_order(1, min_bars => 1), s.bars) AS b USING (step);

-- What the network looks at; run by itself it has nothing to move.
SELECT e.kind, count(*) > 0 AS rows FROM stored, lem_explain('base', lem_order(1, min_bars => 1), bars) AS e GROUP BY kind ORDER BY kind;
\set VERBOSITY terse
SELECT lem_forward('base', ARRAY[]::float4[], ARRAY[]::float4[], ARRAY[]::float4[]);
SELECT lem_gradient('base', ARRAY[]::float4[], ARRAY[]::float4[], ARRAY[]::float4[], ARRAY[]::float4[]);
\set VERBOSITY default
DROP SCHEMA test_base CASCADE;
SELECT count(lem_drop(name)) FROM (SELECT DISTINCT name FROM lem_models WHERE deployed) m;
DELETE FROM lem_training_run;

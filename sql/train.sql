-- Training: lem_train, its options and errors, and what it leaves behind.
-- Progress is told once a second, so how often depends on the machine: it is not shown here.
SET client_min_messages = warning;
\set VERBOSITY default
\pset format unaligned
CREATE SCHEMA test_train;
SET search_path = test_train, public;

-- Three series of bars that follow from their numbers, their prices swinging around 100.
CREATE TABLE bars AS
SELECT 'series ' || s AS series, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts,
	100 * exp(sin((i + s) / 5.0) / 50 + (hashint4(i * 10 + s) % 1000) / 1e6) AS price,
	1000 * (1.1 + sin(i / 3.0 + s)) AS volume, ARRAY[cos(i / 5.0), s] AS features
FROM generate_series(1, 400) AS i, generate_series(1, 3) AS s;
\set bars 'SELECT * FROM bars'
\set plain 'SELECT series, ts, price, volume FROM bars'
\set config '{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
\set options '{"epochs": 4, "samples": 256, "batch": 32, "validation_samples": 100, "rate": 0.003, "warmup": 4}'

-- One training: a model, and the record of how it came to be.
CALL lem_train('one', :'plain', :'config', :'options');
SELECT name, version, deployed, parameters > 1000 AS parameters, training_run = run AS run, m.config ->> 'lookback' AS lookback,
	metrics ->> 'epoch' AS epoch, jsonb_array_length(metrics -> 'gain') AS gains, jsonb_array_length(metrics -> 'dispersion') AS dispersions
FROM lem_models m JOIN lem_training_runs ON model = name AND model_version = version;
SELECT model, status, started_by = current_user AS mine, started_at <= finished_at AS times, epochs, max_epochs, best_epoch, eta,
	workers, series, bars, train_starts, validation_starts, query, seed, lem_version, model_version, error,
	data_digest <> '' AS digest, kernels <> '' AS kernels, samples_per_s > 0 AS samples_per_s, config -> 'gaps' AS gaps
FROM lem_training_runs;
SELECT options FROM lem_training_runs;
SELECT epoch, best, samples, round(rate::numeric, 6) AS rate, samples_per_s > 0 AS samples_per_s, seconds > 0 AS seconds,
	metrics -> 'validation_samples' AS validation_samples,
	train_loss < lag(train_loss) OVER (ORDER BY epoch) AS falls,
	validation_loss < lag(validation_loss) OVER (ORDER BY epoch) AS validation_falls
FROM lem_training_epochs ORDER BY epoch;
SELECT count(*) AS state FROM lem_training_state;
SELECT count(*), sum((s).allocation) = 1 AS whole
FROM unnest((SELECT lem_schedule('one', lem_order(1000, min_bars => 2), ts, price, volume) FROM bars WHERE series = 'series 1')) s;

-- The same data, config and seed give the same weights: rows in any order, numbers of any type, any number of processes.
CALL lem_train('one', 'SELECT volume, price, ts, series::varchar FROM bars ORDER BY md5(ts::text || series)', :'config', :'options');
CALL lem_train('one', :'plain', :'config', '{"epochs": 4, "samples": 256, "batch": 32, "validation_samples": 100, "rate": 0.003, "warmup": 4, "workers": 1}');
CALL lem_train('one', :'plain', :'config', '{"epochs": 4, "samples": 256, "batch": 32, "validation_samples": 100, "rate": 0.003, "warmup": 4, "workers": 2}');
CALL lem_train('one', :'plain', :'config', '{"epochs": 4, "samples": 256, "batch": 32, "validation_samples": 100, "rate": 0.003, "warmup": 4, "workers": 3}');
SELECT count(*), count(DISTINCT m.digest) AS digests, count(DISTINCT r.data_digest) AS data, count(*) FILTER (WHERE deployed) AS deployed
FROM lem_model m JOIN lem_training_runs r ON r.run = m.training_run WHERE name = 'one';
SELECT workers, status FROM lem_training_runs WHERE model = 'one' ORDER BY run;

-- Another seed, other data, another objective: other weights.
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "seed": 1}');
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "seed": 2}');
CALL lem_train('other', 'SELECT series, ts, price::real AS price, volume::numeric AS volume FROM bars', :'config', '{"epochs": 1, "samples": 64, "batch": 32}');
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "objective": "mean"}');
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "mask": "published"}');
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "risk_aversion": 0.5}');
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "rates": [[0, 1], [0.1, 0.5]]}');
CALL lem_train('other', :'plain', :'config', '{"epochs": 1, "samples": 64, "batch": 32, "validation": 0.3, "clip_norm": 0.1}');
SELECT count(*), count(DISTINCT m.digest) AS digests, count(DISTINCT r.data_digest) AS data
FROM lem_model m JOIN lem_training_runs r ON r.run = m.training_run WHERE name = 'other';
SELECT options -> 'mask_slope' AS slope, options -> 'mask_offset' AS mask_offset, options -> 'mask_start' AS start, options -> 'mask_epochs' AS epochs FROM lem_training_runs WHERE model = 'other' AND options ->> 'mask_slope' <> '150';

-- The unit of prices and of volumes does not matter: powers of two give the same bits, others the same losses.
CALL lem_train('unit', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32}');
CALL lem_train('unit', 'SELECT series, ts, price * 2::float8 ^ -40 AS price, volume * 2::float8 ^ -60 AS volume FROM bars', :'config', '{"epochs": 2, "samples": 64, "batch": 32}');
CALL lem_train('unit', 'SELECT series, ts, price * 2::float8 ^ 130 AS price, volume * 2::float8 ^ 140 AS volume FROM bars', :'config', '{"epochs": 2, "samples": 64, "batch": 32}');
CALL lem_train('unit', 'SELECT series, ts, price * 1e-7 AS price, volume FROM bars', :'config', '{"epochs": 2, "samples": 64, "batch": 32}');
CALL lem_train('unit', 'SELECT series, ts, price * 1e-9 AS price, volume * 1e-9 AS volume FROM bars', :'config', '{"epochs": 2, "samples": 64, "batch": 32}');
CALL lem_train('unit', 'SELECT series, ts, price * 1e9 AS price, volume * 1e-12 AS volume FROM bars', :'config', '{"epochs": 2, "samples": 64, "batch": 32}');
SELECT count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'unit' AND version <= 3;
SELECT max(best_loss) - min(best_loss) < 1e-6 AS losses, count(*) FROM lem_training_runs WHERE model = 'unit';
SELECT lem_drop('unit');

-- Dropout: none gives the bits of a training that does not know it; some gives others, the same with any number of
-- processes and after an interruption.
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON lem_training_epoch FOR EACH ROW WHEN (NEW.epoch = 2) EXECUTE FUNCTION disk_full();
CALL lem_train('resumed', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32, "shard": 8, "dropout": 0.2}');
DROP TRIGGER disk_full ON lem_training_epoch;
DROP FUNCTION disk_full();
\set VERBOSITY sqlstate
CALL lem_train('resumed', :'plain', '{}', '{"resume": true, "dropout": 0.3}');
\set VERBOSITY default
CALL lem_train('resumed', :'plain', '{}', '{"resume": true}');
CALL lem_train('dropout', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32, "shard": 8}');
CALL lem_train('dropout', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32, "shard": 8, "dropout": 0}');
CALL lem_train('dropout', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32, "shard": 8, "dropout": 0.2}');
CALL lem_train('dropout', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32, "shard": 8, "dropout": 0.2, "workers": 3}');
CALL lem_train('dropout', :'plain', :'config', '{"epochs": 2, "samples": 64, "batch": 32, "shard": 8, "dropout": 0.2, "seed": 2}');
SELECT lem_export('dropout@2') = lem_export('dropout@1') AS "dropout 0", lem_export('dropout@3') <> lem_export('dropout@1') AS some,
	lem_export('dropout@4') = lem_export('dropout@3') AS workers, lem_export('resumed') = lem_export('dropout@3') AS resumed, lem_export('dropout@5') <> lem_export('dropout@3') AS seed;

-- Separate heads, sessions with gaps, extra features, a time zone; NULL config and options are defaults.
CALL lem_train('wide', :'bars', '{"lookback": 8, "n_ahead": 3, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24, "heads": "separate", "finish_gate": false, "gaps": "skip", "extra_features": 2, "time_zone": "Europe/Paris"}', '{"epochs": 2, "samples": 64, "batch": 8, "workers": 2}');
CALL lem_train('wide', :'bars', '{"lookback": 8, "n_ahead": 3, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24, "heads": "separate", "finish_gate": false, "gaps": "skip", "extra_features": 2, "time_zone": "Europe/Paris"}', '{"epochs": 2, "samples": 64, "batch": 8}');
SELECT count(*), count(DISTINCT digest) AS digests, min(config ->> 'heads') AS heads FROM lem_model WHERE name = 'wide';

-- Which version the name means.
CALL lem_train('deploy', :'plain', :'config', '{"epochs": 1, "samples": 32, "batch": 32, "deploy": false}');
CALL lem_train('deploy', :'plain', :'config', '{"epochs": 1, "samples": 32, "batch": 32}');
SELECT version, deployed FROM lem_models WHERE name = 'deploy' ORDER BY version;
CALL lem_train('deploy', :'plain', :'config', '{"epochs": 1, "samples": 32, "batch": 32, "deploy": true}');
SELECT version, deployed FROM lem_models WHERE name = 'deploy' ORDER BY version;

-- A warm start: with hardly any learning the loss is that of the model it begins with; its config is the default.
CALL lem_train('warm', :'plain', '{}', '{"init_from": "one@1", "epochs": 1, "samples": 32, "batch": 32, "validation_samples": 100, "rate": 1e-9}');
SELECT w.options ->> 'init_from' AS init_from, w.config = o.config AS same_config, abs(w.best_loss - o.best_loss) < 1e-5 AS same_loss,
	init_digest = m.digest AS digest
FROM lem_training_runs w JOIN lem_training_run t ON t.id = w.run, lem_training_runs o, lem_model m
WHERE w.model = 'warm' AND o.run = m.training_run AND m.name = 'one' AND m.version = 1;
CALL lem_train('warm', :'plain', '{"gaps": "skip"}', '{"init_from": "one", "epochs": 1, "samples": 32, "batch": 32}');
SELECT options ->> 'init_from' AS init_from, config ->> 'gaps' AS gaps FROM lem_training_runs WHERE model = 'warm' ORDER BY run;
CALL lem_train('warm', :'plain', '{"hidden_size": 16}', '{"init_from": "one"}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('warm', :'plain', '{"sub_kan": [{"grid_range": [-2, 2]}]}', '{"init_from": "one"}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('warm', :'plain', '{"heads": "separate"}', '{"init_from": "one"}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('warm', :'plain', '{}', '{"init_from": "one@77"}');
\echo :LAST_ERROR_SQLSTATE

-- The record does not depend on the model.
SELECT lem_drop('one');
SELECT count(*), min(model_version) AS least, max(model_version) AS most FROM lem_training_runs WHERE model = 'one';
CALL lem_train('one', :'plain', :'config', '{"resume": true}');
\echo :LAST_ERROR_SQLSTATE

-- Options.
CALL lem_train('bad', :'plain', :'config', '{"epoch": 3}');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
CALL lem_train('bad', :'plain', :'config', '[]');
CALL lem_train('bad', :'plain', '7', '{}');
CALL lem_train('bad', :'plain', '{"lookbak": 3}', '{}');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE bad_options (options jsonb);
INSERT INTO bad_options VALUES ('{"epochs": 0}'), ('{"epochs": 1.5}'), ('{"epochs": "3"}'), ('{"epochs": 1e100}'), ('{"patience": 0}'), ('{"batch": 0}'), ('{"batch": -5}'),
	('{"batch": 100000}'), ('{"batch": 10, "shard": 3}'), ('{"shard": 0}'), ('{"batch": 8, "shard": 16}'), ('{"samples": -1}'), ('{"validation_samples": 0}'), ('{"validation": 0}'),
	('{"validation": 1}'), ('{"rate": 0}'), ('{"rate": "fast"}'), ('{"rate": 1e50}'), ('{"clip_norm": -1}'), ('{"warmup": -1}'), ('{"decay": 2}'), ('{"decay_patience": 0}'),
	('{"objective": "profit"}'), ('{"objective": 1}'), ('{"risk_aversion": -1}'), ('{"mask": "soft"}'), ('{"mask_slope": 0}'), ('{"mask_offset": 1}'), ('{"mask_start": 0}'), ('{"mask_epochs": -1}'), ('{"mask_epochs": "all"}'), ('{"dropout": -0.1}'), ('{"dropout": 1}'), ('{"dropout": "NaN"}'), ('{"rates": []}'),
	('{"rates": 3}'), ('{"rates": [[0, 1], [0.5]]}'), ('{"rates": [[0.5, 0.2]]}'), ('{"rates": [[0, 1.5]]}'), ('{"rates": [[0, "1"]]}'), ('{"rates": [[0, 0]]}'),
	('{"seed": -1}'), ('{"seed": 1e30}'), ('{"workers": -1}'), ('{"workers": 1000}'), ('{"workers": null}'), ('{"resume": 1}'), ('{"init_from": 3}'), ('{"deploy": "yes"}');
SELECT format('CALL lem_train(%L, %L, %L, %L)', 'bad', '', '{}', options) FROM bad_options ORDER BY options::text COLLATE "C" \gexec

-- The query: what it returns.
\set VERBOSITY default
CALL lem_train('bad', 'SELECT series, ts, price FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, volume, price FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts::timestamp, price, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price::text, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, volume, features::real[] FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', :'plain' || ' WHERE false', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, NULL::float8 AS price, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', :'plain' || $$ WHERE ts < '2024-01-02'$$, :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', :'plain' || $$ WHERE ts < '2024-01-03'$$, :'config', '{"validation": 0.01}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, CASE WHEN ts = ''2024-01-05'' AND series = ''series 2'' THEN float8 ''NaN'' ELSE price END AS price, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, CASE WHEN ts = ''2024-01-05'' THEN numeric ''NaN'' ELSE volume::numeric END AS volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price * 0 AS price, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', :'plain' || ' UNION ALL ' || :'plain', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT NULL AS series, ts, price, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', :'bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', :'plain', '{"extra_features": 1}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, volume, CASE WHEN ts <> ''2024-01-05'' THEN features END AS features FROM bars', '{"extra_features": 2}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, volume, CASE WHEN ts <> ''2024-01-05'' THEN features ELSE ARRAY[1.5] END AS features FROM bars', '{"extra_features": 2}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, volume, ARRAY[1, NULL::float8] AS features FROM bars', '{"extra_features": 2}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, price, volume, ARRAY[features] AS features FROM bars', '{"extra_features": 2}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELEC 1', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT 1; SELECT 2', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', '', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'DELETE FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'DELETE FROM bars RETURNING *', :'config');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', 'SELECT series, ts, 1 / (price - price) AS price, volume FROM bars', :'config');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM bars;

-- Arguments, and where it is called from.
CALL lem_train(NULL, :'plain');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad', NULL);
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('bad@3', :'plain');
\echo :LAST_ERROR_SQLSTATE
BEGIN;
CALL lem_train('bad', :'plain');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
CREATE FUNCTION train() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL lem_train('bad', 'SELECT'); END $$;
SELECT train();
\echo :LAST_ERROR_SQLSTATE
SET default_transaction_read_only = on;
CALL lem_train('bad', :'plain');
\echo :LAST_ERROR_SQLSTATE
RESET default_transaction_read_only;
CALL lem_train('bad', :'plain', NULL, '{"epochs": 0}');
SET lem.training_memory = '1MB';
\set VERBOSITY sqlstate
CALL lem_train('bad', :'plain', :'config', '{"batch": 64, "workers": 2}');
SELECT :'LAST_ERROR_MESSAGE' ~ '^training needs \d+ kB of memory, but lem.training_memory is 1024 kB$' AS figures;
\set VERBOSITY default
CALL lem_train('bad', 'SELECT 1 AS series, to_timestamp(i * 60) AS ts, 1 AS price, 1 AS volume FROM generate_series(1, 100000) AS i', :'config');
\echo :LAST_ERROR_SQLSTATE
RESET lem.training_memory;

-- Nothing of this left a run.
SELECT count(*) FROM lem_training_runs WHERE model = 'bad';

-- From a block that may commit; and with all defaults but the size of the data.
DO $$ BEGIN
	FOR i IN 1..2 LOOP
		CALL lem_train('block', 'SELECT * FROM test_train.bars', '{"lookback": 8, "n_ahead": 2, "hidden_size": 4, "num_heads": 1, "num_embedding": 2, "fused_mlp_hidden_dim": 4, "norm_window": 24, "extra_features": 2}', '{"epochs": 1, "samples": 32, "batch": 32}');
	END LOOP;
END $$;
SELECT count(*), count(DISTINCT digest) AS digests FROM lem_model WHERE name = 'block';

-- A training that diverges: prices so far apart that 32-bit numbers cannot hold both.
CALL lem_train('wild', 'SELECT series, ts, price * CASE WHEN extract(hour FROM ts) % 2 = 0 THEN 1 ELSE 1e300 END AS price, volume FROM bars', :'config', '{"epochs": 3, "samples": 64, "batch": 32}');
\echo :LAST_ERROR_SQLSTATE
SELECT status, epochs, best_epoch, error IS NOT NULL AS error, model_version FROM lem_training_runs WHERE model = 'wild';
SELECT count(*) FROM lem_models WHERE name = 'wild';
CALL lem_train('wild', 'SELECT series, ts, price * CASE WHEN extract(hour FROM ts) % 2 = 0 THEN 1 ELSE 1e300 END AS price, volume FROM bars', :'config', '{"resume": true}');
\echo :LAST_ERROR_SQLSTATE

-- One that diverges later, when a bar is drawn that it did not see before: the best epoch is kept.
CALL lem_train('late', 'SELECT series, ts, CASE WHEN ts = ''2024-01-05 00:00:00+00'' AND series = ''series 1'' THEN 1e300 ELSE price END AS price, volume FROM bars',
	:'config', '{"epochs": 5, "samples": 32, "batch": 32}');
SELECT status, epochs, best_epoch, error, model_version, metrics ->> 'epoch' AS epoch FROM lem_training_runs JOIN lem_models ON name = model WHERE model = 'late';
SELECT count(*) FROM lem_training_state;

-- Rights: anyone may train a model of his own, another's with the right only.
CREATE ROLE regress_lem_trainer;
GRANT USAGE ON SCHEMA test_train TO regress_lem_trainer;
GRANT SELECT ON bars TO regress_lem_trainer;
SET ROLE regress_lem_trainer;
\set VERBOSITY sqlstate
CALL lem_train('late', :'plain', :'config', '{"epochs": 1, "samples": 32, "batch": 32}');
CALL lem_train('mine', :'plain', '{}', '{"epochs": 1, "samples": 32, "batch": 32, "init_from": "late"}');
SELECT count(*) > 0 AS visible, bool_or(query IS NOT NULL) AS queries FROM lem_training_runs JOIN lem_training_epochs USING (run);
SELECT count(*) FROM lem_training_state;
RESET ROLE;
BEGIN;
UPDATE lem_training_run SET model = 'begun', status = 'cancelled' WHERE id = (SELECT max(id) FROM lem_training_run);
COMMIT;
SET ROLE regress_lem_trainer;
CALL lem_train('begun', :'plain', :'config', '{"resume": true}');
\set VERBOSITY terse
CALL lem_train('mine', :'plain', :'config', '{"epochs": 1, "samples": 32, "batch": 32}');
SELECT m.created_by, r.started_by FROM lem_models m JOIN lem_training_runs r ON r.run = m.training_run WHERE name = 'mine';
RESET ROLE;
REVOKE ALL ON bars FROM regress_lem_trainer;
SET ROLE regress_lem_trainer;
CALL lem_train('mine', :'plain', :'config');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Whose a run is not sees neither its query nor what its error says of the bars.
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON lem_training_epoch FOR EACH ROW EXECUTE FUNCTION full_disk();
CALL lem_train('full', :'plain', :'config', '{"epochs": 1, "samples": 32, "batch": 32}');
DROP TRIGGER full_disk ON lem_training_epoch;
SELECT status, query IS NOT NULL AS query, error FROM lem_training_runs WHERE model = 'full';
SET ROLE regress_lem_trainer;
SELECT status, query IS NOT NULL AS query, error FROM lem_training_runs WHERE model = 'full';
RESET ROLE;

-- Tables are found whatever the search path is.
SET search_path = '';
CALL public.lem_train('mine', 'SELECT series, ts, price, volume FROM test_train.bars', :'config', '{"epochs": 1, "samples": 32, "batch": 32}');
SET search_path = test_train, public;
SELECT count(*) FROM lem_models WHERE name = 'mine';

-- A run that is forgotten takes its epochs along.
CREATE TRIGGER deleted AFTER DELETE ON bars FOR EACH ROW EXECUTE FUNCTION _lem_training_run_deleted();
DELETE FROM bars;
SELECT count(*) > 0 AS epochs FROM lem_training_epoch;
DELETE FROM lem_training_run;
SELECT count(*) FROM lem_training_epoch;
SELECT count(lem_drop(name)) FROM (SELECT DISTINCT name FROM lem_models WHERE training_run IS NOT NULL) m;
DROP OWNED BY regress_lem_trainer;
SELECT lem_reassign_owned('regress_lem_trainer', current_user);
DROP ROLE regress_lem_trainer;
DROP SCHEMA test_train CASCADE;

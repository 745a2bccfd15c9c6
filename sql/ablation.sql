-- Models whose layers are replaced or left out: they train, travel and schedule as any other.
SET client_min_messages = warning;
\set VERBOSITY terse
\pset format unaligned
CREATE SCHEMA test_ablation;
SET search_path = test_ablation, public;

CREATE TABLE bars AS
SELECT 'series ' || s AS series, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts,
	100 * exp(sin((i + s) / 5.0) / 50 + (hashint4(i * 10 + s) % 1000) / 1e6) AS price,
	1000 * (1.1 + sin(i / 3.0 + s)) AS volume
FROM generate_series(1, 300) AS i, generate_series(1, 2) AS s;
\set bars 'SELECT * FROM bars'
\set options '{"epochs": 2, "samples": 64, "batch": 16, "shard": 4, "validation_samples": 50, "rate": 0.01, "warmup": 0}'
\set parallel '{"epochs": 2, "samples": 64, "batch": 16, "shard": 4, "validation_samples": 50, "rate": 0.01, "warmup": 0, "workers": 2}'
CREATE FUNCTION config(jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24, "hidden_rnn_layer": 2}'::jsonb || $1
$$;
CREATE TABLE kinds (name text PRIMARY KEY, config jsonb);
INSERT INTO kinds VALUES ('full', '{}'), ('lstm', '{"recurrent": "lstm"}'), ('gru', '{"recurrent": "gru"}'), ('nothing', '{"recurrent": "none"}'),
	('dense', '{"variable_selection": false}'), ('blind', '{"attention": false}'),
	('bare', '{"recurrent": "none", "variable_selection": false, "attention": false}');
UPDATE kinds SET config = config(config);

-- Each trains; with two processes it comes to the same bits.
SELECT format('CALL lem_train(%L, %L, %L, %L)', name, :'bars', config, options)
	FROM kinds, unnest(ARRAY[:'options', :'parallel']) WITH ORDINALITY AS o(options, number) ORDER BY name, number \gexec
SELECT name, count(*) AS versions, count(DISTINCT digest) AS digests, min(m.config ->> 'recurrent') AS recurrent,
	min(m.config ->> 'variable_selection') AS variable_selection, min(m.config ->> 'attention') AS attention,
	min((metrics ->> 'validation_loss')::float8) < 1 AS learnt
FROM lem_model m JOIN kinds USING (name) GROUP BY name ORDER BY name;
-- A model without a part of another has fewer numbers.
SELECT string_agg(name, ' < ' ORDER BY parameters) FROM lem_models WHERE version = 1 AND name IN (SELECT name FROM kinds);

-- What is left out is not in the file, what replaces it is.
CREATE FUNCTION tensors(model text) RETURNS TABLE (tensor text, shape text) LANGUAGE sql AS $$
	SELECT key, value ->> 'shape' FROM (SELECT lem_export(model) AS f) AS e,
		jsonb_each(convert_from(substring(f, 9, get_byte(f, 0) + 256 * get_byte(f, 1) + 65536 * get_byte(f, 2)), 'UTF8')::jsonb)
	WHERE key <> '__metadata__'
$$;
SELECT name, tensor, shape FROM kinds, tensors(name) WHERE tensor ~ '^(internal_rnn/1/cell/[^/]*|vsn/(dense_layer|mlp_dense/skip_layer)/kernel|attention/query/bias)$'
ORDER BY name, tensor COLLATE "C";

-- Import of what was exported: the same model.
SELECT name, lem_import(name, lem_export(name)) FROM kinds ORDER BY name;
SELECT name, count(DISTINCT digest) FROM lem_model JOIN kinds USING (name) GROUP BY name ORDER BY name;

-- Schedules, alone and in a batch: the same bits.
CREATE TABLE orders (id bigint, ord lem_order);
INSERT INTO orders VALUES (1, lem_order(1000)), (2, lem_order(1000, 'sell', min_bars => 1)), (3, lem_order(1000, 'buy', 'twap', min_bars => 2, max_rate => 0.4));
CREATE TABLE plans AS SELECT name, id, lem_schedule(name, ord, ts, price, volume) AS plan
	FROM kinds, bars, orders WHERE series = 'series 1' GROUP BY name, id, ord;
SELECT name, bool_and((SELECT sum(allocation) FROM unnest(plan)) = 1) AS whole, count(DISTINCT plan) AS plans FROM plans GROUP BY name ORDER BY name;
SELECT name, count(*) AS slices, bool_and((plan[step]).allocation = allocation) AS same
FROM kinds, (SELECT array_agg(id ORDER BY id) AS ids, array_agg(ord ORDER BY id) AS ords, array_agg(b) AS series
		FROM orders, (SELECT lem_bars(ts, price, volume) AS b FROM bars WHERE series = 'series 1') AS x) AS a,
	lem_schedule_batch(name, ids, ords, series) AS s JOIN LATERAL (SELECT plan FROM plans p WHERE p.name = kinds.name AND p.id = s.id) AS p ON true
GROUP BY name ORDER BY name;

-- An interrupted training goes on to the same weights.
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON lem_training_epoch FOR EACH ROW WHEN (NEW.epoch = 2) EXECUTE FUNCTION disk_full();
SELECT format('CALL lem_train(%L, %L, %L, %L)', 'resumed_' || name, :'bars', config, :'options') FROM kinds ORDER BY name \gexec
DROP TRIGGER disk_full ON lem_training_epoch;
-- Runs of versions of lem that did not know all keys go on too.
UPDATE lem_training_run SET config = config - '{recurrent,variable_selection,attention}'::text[] WHERE model = 'resumed_full';
SELECT format('CALL lem_train(%L, %L, %L, %L)', 'resumed_' || name, :'bars', '{}', '{"resume": true}') FROM kinds ORDER BY name \gexec
SELECT name, lem_export('resumed_' || name) = lem_export(name || '@1') AS same FROM kinds ORDER BY name;

-- Models and files of such versions: the keys that are missing are those of the full model.
SELECT lem_import('old', lem_export('full'), config - '{recurrent,variable_selection,attention}'::text[]) FROM lem_models WHERE name = 'full' AND version = 1;
SELECT o.digest = f.digest AS same FROM lem_model o, lem_model f WHERE o.name = 'old' AND f.name = 'full' AND f.version = 3;
UPDATE lem_model m SET config = n.config, digest = sha256(convert_to(n.config::text, 'UTF8')
		|| (SELECT string_agg(sha256, '' ORDER BY part) FROM lem_model_part WHERE model_id = m.id))
	FROM (SELECT config - '{recurrent,variable_selection,attention}'::text[] AS config FROM lem_model WHERE name = 'old') AS n WHERE name = 'old';
SELECT name, config ? 'recurrent' AS recurrent FROM lem_model WHERE name = 'old' OR name = 'full' AND version = 3 ORDER BY name;
SELECT lem_import('new', lem_export('old'));
SELECT n.config = f.config AND n.digest = f.digest AS same FROM lem_model n, lem_model f WHERE n.name = 'new' AND f.name = 'full' AND f.version = 3;
SELECT lem_schedule('old', lem_order(1000), ts, price, volume) = (SELECT plan FROM plans WHERE name = 'full' AND id = 1) AS same FROM bars WHERE series = 'series 1';

-- Warm starts only from the same layers; values that are none.
CALL lem_train('warm', :'bars', '{}', '{"init_from": "lstm", "epochs": 1, "samples": 16, "batch": 16}');
SELECT config ->> 'recurrent' AS recurrent FROM lem_models WHERE name = 'warm';
CALL lem_train('warm', :'bars', '{"recurrent": "gru"}', '{"init_from": "lstm", "epochs": 1}');
\echo :LAST_ERROR_SQLSTATE
CALL lem_train('warm', :'bars', '{"attention": false}', '{"init_from": "lstm", "epochs": 1}');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
CALL lem_train('bad', :'bars', '{"recurrent": "rnn"}');
CALL lem_train('bad', :'bars', '{"recurrent": null}');
CALL lem_train('bad', :'bars', '{"variable_selection": "dense"}');
CALL lem_train('bad', :'bars', '{"attention": 1}');
CALL lem_train('bad', :'bars', '{"attentoin": false}');
\echo :LAST_ERROR_SQLSTATE
-- Without attention the heads need not fit the width.
CALL lem_train('odd', :'bars', '{"lookback": 8, "n_ahead": 4, "hidden_size": 9, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "attention": false}', '{"epochs": 1, "samples": 16, "batch": 16}');
SELECT parameters > 0 AS trained FROM lem_models WHERE name = 'odd';
CALL lem_train('odd', :'bars', '{"hidden_size": 9}');

DELETE FROM lem_training_run;
DELETE FROM lem_model;
DELETE FROM lem_model_name;
DROP SCHEMA test_ablation CASCADE;

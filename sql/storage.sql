-- Weights stored with 16 bits a number: import, export, training, and what it changes.
\set VERBOSITY terse
\pset format unaligned
CREATE SCHEMA test_storage;
SET search_path = test_storage, public;
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
CREATE TABLE kinds AS SELECT kind, dtype, place FROM (VALUES ('float32', 'F32', 1), ('float16', 'F16', 2), ('bfloat16', 'BF16', 3)) AS k(kind, dtype, place);
CREATE TABLE config AS SELECT jsonb '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}' AS config;
SELECT lem_import('stored_' || kind, decode(:'weights', 'base64'), config || jsonb_build_object('storage', kind)) FROM kinds, config ORDER BY place;
-- The default
SELECT lem_import('stored_default', decode(:'weights', 'base64'), config), config ->> 'storage' AS unsaid FROM config;
SELECT count(*), count(DISTINCT digest) FROM lem_model WHERE name IN ('stored_default', 'stored_float32');

-- What the catalog holds
CREATE VIEW stored AS SELECT k.place, m.name, m.parameters, m.bytes, m.config ->> 'storage' AS storage, count(*) AS parts,
	string_agg(DISTINCT p.format::text, ' ') AS formats, sum(length(p.data)) AS stored, bool_and(p.sha256 = sha256(p.data)) AS fits
	FROM kinds AS k JOIN lem_model AS m ON m.name = 'stored_' || kind JOIN lem_model_part AS p ON p.model_id = m.id GROUP BY k.place, m.id;
SELECT * FROM stored ORDER BY place;

-- An export has the numbers as they are stored, and importing it gives the same model.
CREATE FUNCTION header(file bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT convert_from(substring(file, 9, n), 'UTF8')::jsonb FROM (SELECT (get_byte(file, 0) + get_byte(file, 1) * 256 + get_byte(file, 2) * 65536) n) s $$;
SELECT kind, (SELECT string_agg(DISTINCT value ->> 'dtype', ' ') FROM jsonb_each(header(lem_export('stored_' || kind))) WHERE key <> '__metadata__') = dtype AS dtype FROM kinds ORDER BY place;
SELECT kind, lem_import('stored_' || kind, lem_export('stored_' || kind)) AS version FROM kinds ORDER BY place;
SELECT name, count(DISTINCT digest) AS digests, count(*) AS versions FROM lem_model WHERE name LIKE 'stored\_%16' GROUP BY name ORDER BY name;
SELECT kind, lem_export('stored_' || kind || '@1') = lem_export('stored_' || kind || '@2') AS same FROM kinds ORDER BY place;
-- From one kind to another by way of a config; what was rounded stays so.
SELECT lem_import('stored_wide', lem_export('stored_float16'), config || '{"storage": "float32"}') FROM config;
SELECT lem_import('stored_narrow', lem_export('stored_wide'), config || '{"storage": "float16"}') FROM config;
SELECT a.digest = b.digest AS same FROM lem_model a, lem_model b WHERE a.name = 'stored_narrow' AND b.name = 'stored_float16' AND b.version = 1;
-- Files with types of 16 bits are stored as float32 unless the config says otherwise.
SELECT lem_import('stored_wide', lem_export('stored_bfloat16'), config) FROM config;
SELECT version, config ->> 'storage' AS storage, parameters * 4 = bytes AS wide FROM lem_models WHERE name = 'stored_wide' ORDER BY version;

-- What it changes: little, and more with fewer bits.
CREATE TABLE series AS SELECT symbol, lem_bars(ts, notional / volume, volume) AS bars FROM unnest('{A,B,C}'::text[]) AS symbol, simulate_bars(symbol, days => 30) GROUP BY symbol;
CREATE TABLE plans AS SELECT kind, symbol, min_bars, step, s.allocation FROM kinds, series, generate_series(1, 6) AS min_bars, lem_schedule('stored_' || kind, lem_order(1, min_bars => min_bars), bars) AS s;
SELECT k.kind, count(*), max(abs(p.allocation - w.allocation)) > 0 AS changed, max(abs(p.allocation - w.allocation)) < CASE k.kind WHEN 'float16' THEN 0.002 ELSE 0.02 END AS little
FROM kinds AS k JOIN plans AS p USING (kind) JOIN plans AS w ON (w.kind, w.symbol, w.min_bars, w.step) = ('float32', p.symbol, p.min_bars, p.step) WHERE k.kind <> 'float32' GROUP BY k.kind, k.place ORDER BY k.place;
SELECT kind, count(*), bool_and(abs(whole - 1) < 1e-12) AS whole FROM (SELECT kind, symbol, min_bars, sum(allocation) AS whole FROM plans GROUP BY 1, 2, 3) AS p GROUP BY kind ORDER BY kind;
SELECT s.allocation = w.allocation AS "as their own numbers" FROM series, lem_schedule('stored_float16', lem_order(1), bars) AS s JOIN lem_schedule('stored_wide@1', lem_order(1), bars) AS w USING (step) WHERE symbol = 'A' AND step = 1;

-- A trained model is stored as its config says; training on from one is training on from its numbers.
SET client_min_messages = warning;
CREATE TABLE bars AS SELECT symbol AS series, ts, notional / volume AS price, volume FROM simulate_bars('A', days => 30) AS b, (SELECT 'A' AS symbol) AS s;
CALL lem_train('trained', 'SELECT * FROM bars', '{"lookback": 8, "n_ahead": 3, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24, "storage": "bfloat16"}', '{"epochs": 1, "samples": 32, "batch": 8}');
CALL lem_train('trained', 'SELECT * FROM bars', '{}', '{"epochs": 1, "samples": 32, "batch": 8, "init_from": "trained@1"}');
SELECT version, config ->> 'storage' AS storage, bytes = parameters * 2 AS half FROM lem_models WHERE name = 'trained' ORDER BY version;
SELECT string_agg(DISTINCT format::text, ' ') AS formats FROM lem_model_part JOIN lem_model ON id = model_id WHERE name = 'trained';
RESET client_min_messages;

-- Gradients are float32 whatever the model is stored as.
SELECT kind, string_agg(DISTINCT value ->> 'dtype', ' ') AS dtypes
FROM kinds, lem_gradient('stored_' || kind, array_fill(1::float4, ARRAY[1, 29, 7]), array_fill(1::float4, ARRAY[1, 6, 2]), '{0}', '{1}') AS g, jsonb_each(header(g)) WHERE key <> '__metadata__' GROUP BY kind ORDER BY kind;

-- Errors: a number too large is named, with its tensor; formats that do not fit.
CREATE TABLE large AS SELECT k.name, overlay(file PLACING k.bytes FROM 9 + length + (header(file) #>> ARRAY[tensor, 'data_offsets', '0'])::int + 4 * k.number) AS file
FROM decode(:'weights', 'base64') AS file, LATERAL (SELECT get_byte(file, 0) + get_byte(file, 1) * 256 + get_byte(file, 2) * 65536 AS length) AS l,
	(VALUES ('65519', 'scale_factor', 3, bytea '\x00ef7f47'), ('65520', 'scale_factor', 3, '\x00f07f47'), ('-70000', 'internal_hidden_to_raw_allocation/4/bias_1', 17, '\x00b888c7'), ('3.4e38', 'grn/skip_layer/bias', 2, '\x9ec97f7f')) AS k(name, tensor, number, bytes);
\set VERBOSITY default
SELECT lem_import('large', file, config || '{"storage": "float16"}') FROM large, config WHERE name = '65519';
SELECT lem_import('large', file, config || '{"storage": "float16"}') FROM large, config WHERE name = '65520';
SELECT lem_import('large', file, config || '{"storage": "float16"}') FROM large, config WHERE name = '-70000';
SELECT lem_import('large', file, config || '{"storage": "bfloat16"}') FROM large, config WHERE name = '-70000';
SELECT lem_import('large', file, config || '{"storage": "bfloat16"}') FROM large, config WHERE name = '3.4e38';
SELECT lem_import('large', file, config || '{"storage": "float32"}') FROM large, config WHERE name = '3.4e38';
SELECT lem_import('large', file, config || '{"storage": "float8"}') FROM large, config WHERE name = '65519';
SELECT lem_import('large', file, config || '{"storage": 16}') FROM large, config WHERE name = '65519';
SELECT name, version FROM lem_models WHERE name = 'large' ORDER BY version;
BEGIN;
UPDATE lem_model_part SET format = 3 FROM lem_model AS m WHERE m.id = model_id AND name = 'stored_float16' AND part = 1;
SELECT lem_export('stored_float16@1');
ROLLBACK;

SELECT lem_drop(name) FROM (SELECT DISTINCT name FROM lem_model WHERE name LIKE 'stored\_%' OR name IN ('large', 'trained') ORDER BY name) AS m;
SET client_min_messages = warning;
DROP SCHEMA test_storage CASCADE;
DELETE FROM lem_training_run;

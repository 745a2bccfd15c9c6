-- Models in the catalog: import, export, versions, and the raw network.
\set VERBOSITY terse
\pset format unaligned
CREATE SCHEMA test_models;
SET search_path = test_models, public;
DELETE FROM lem_model;
DELETE FROM lem_model_name;

-- Reference files, read where psql runs.
\set tiny_weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
\set tiny_x `base64 "$LEM_GOLDEN/tiny/inputs.x.bin"`
\set tiny_min `base64 "$LEM_GOLDEN/tiny/inputs.min_rate.bin"`
\set tiny_max `base64 "$LEM_GOLDEN/tiny/inputs.max_rate.bin"`
\set tiny_pred `base64 "$LEM_GOLDEN/tiny/outputs_f64.pred.bin"`
\set wide_x `base64 "$LEM_GOLDEN/tiny_wide/inputs.x.bin"`
\set wide_min `base64 "$LEM_GOLDEN/tiny_wide/inputs.min_rate.bin"`
\set wide_max `base64 "$LEM_GOLDEN/tiny_wide/inputs.max_rate.bin"`
\set wide_pred `base64 "$LEM_GOLDEN/tiny_wide/outputs_f64.pred.bin"`
\set medium_weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
\set medium_x `base64 "$LEM_GOLDEN/medium/inputs.x.bin"`
\set medium_min `base64 "$LEM_GOLDEN/medium/inputs.min_rate.bin"`
\set medium_max `base64 "$LEM_GOLDEN/medium/inputs.max_rate.bin"`
\set medium_pred `base64 "$LEM_GOLDEN/medium/outputs_f64.pred.bin"`

-- Little-endian floats of a base64 text.
CREATE FUNCTION floats4(text) RETURNS float4[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((CASE WHEN bits >> 31 = 1 THEN -1 ELSE 1 END
			* CASE WHEN bits >> 23 & 255 = 0 THEN (bits & 8388607) * power(2::float8, -149)
				ELSE ((bits & 8388607) + 8388608) * power(2::float8, (bits >> 23 & 255) - 150) END)::float4
		ORDER BY i)
	FROM decode($1, 'base64') b, generate_series(0, length(b) - 4, 4) i,
		LATERAL (SELECT sum(get_byte(b, i + j)::bigint << 8 * j)::bigint bits FROM generate_series(0, 3) j) s
$$;
CREATE FUNCTION floats8(text) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(CASE WHEN bits < 0 THEN -1 ELSE 1 END
			* CASE WHEN bits >> 52 & 2047 = 0 THEN 0
				ELSE ((bits & ((1::bigint << 52) - 1)) + (1::bigint << 52)) * power(2::float8, (bits >> 52 & 2047) - 1075) END
		ORDER BY i)
	FROM decode($1, 'base64') b, generate_series(0, length(b) - 8, 8) i,
		LATERAL (SELECT bit_or(get_byte(b, i + j)::bigint << 8 * j) bits FROM generate_series(0, 7) j) s
$$;
SELECT floats4('AACAPwAAAMAAAAAAAQAAgA==') = '{1,-2,0,-1.4012985e-45}',
	floats8('AAAAAAAA8D8AAAAAAAAAwBgtRFT7IQlA') = '{1,-2,3.141592653589793}';

CREATE TABLE golden (name text, model text, x float4[], min_rate float4[], max_rate float4[], pred float8[]);
INSERT INTO golden VALUES
	('tiny', 'tiny', floats4(:'tiny_x'), floats4(:'tiny_min'), floats4(:'tiny_max'), floats8(:'tiny_pred')),
	('tiny_wide', 'tiny', floats4(:'wide_x'), floats4(:'wide_min'), floats4(:'wide_max'), floats8(:'wide_pred')),
	('medium', 'medium', floats4(:'medium_x'), floats4(:'medium_min'), floats4(:'medium_max'), floats8(:'medium_pred'));

-- A golden set is imported as it is.
SELECT lem_import('tiny', decode(:'tiny_weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
SELECT lem_import('medium', decode(:'medium_weights', 'base64'), '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
SELECT name, version, deployed, parameters, bytes, created_by = current_user AS mine,
	created_at = now() AS now, training_run, metrics FROM lem_models WHERE name = 'tiny';
SELECT created_at <= now() AND created_at > now() - interval '1 hour' AS recent FROM lem_models;
SELECT jsonb_pretty(config) FROM lem_models WHERE name = 'tiny';
SELECT part, format, length(data), sha256 = sha256(data) AS fits FROM lem_model_part
	JOIN lem_model ON id = model_id WHERE name = 'tiny' ORDER BY part;
SELECT attstorage FROM pg_attribute WHERE attrelid = 'lem_model_part'::regclass AND attname = 'data';

-- The raw network gives the reference's answers.
SELECT g.name, array_dims(y),
	(SELECT max(abs(a - b)) < 5e-6 FROM unnest(y, g.pred) t(a, b)) AS same
	FROM golden g, lem_forward(g.model, x, min_rate, max_rate) y ORDER BY g.name;

-- The shape of x does not matter, nor does what else is in the batch.
SELECT lem_forward('tiny', array_agg(row_of ORDER BY i), min_rate, max_rate) = lem_forward('tiny', x, min_rate, max_rate) AS same
	FROM golden, generate_series(0, cardinality(x) / 7 - 1) i, LATERAL (SELECT x[i * 7 + 1:i * 7 + 7] row_of) r
	WHERE name = 'tiny' GROUP BY x, min_rate, max_rate;
SELECT bool_and(one = part) AS same
	FROM (SELECT (SELECT array_agg(v) FROM unnest(lem_forward('tiny', x[i * 63 + 1:i * 63 + 63], min_rate[i + 1:i + 1], max_rate[i + 1:i + 1])) v) AS one,
			(SELECT (array_agg(v))[i * 160 + 1:i * 160 + 160] FROM unnest(y) v) AS part
		FROM golden, lem_forward('tiny', x, min_rate, max_rate) y, generate_series(0, 15) i WHERE name = 'tiny_wide') s;
SELECT lem_forward(NULL, x, min_rate, max_rate) IS NULL AS is_null FROM golden WHERE name = 'tiny';

-- Workers of a parallel query compute the same.
CREATE TABLE many AS SELECT i, x, min_rate, max_rate FROM golden, generate_series(1, 200) i WHERE name = 'tiny';
CREATE TABLE serial AS SELECT sum(('x' || md5(lem_forward('tiny', x, min_rate, max_rate)::text))::bit(32)::bigint) FROM many;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
ALTER TABLE many SET (parallel_workers = 2);
CREATE FUNCTION plan(text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || $1; END $$;
SELECT count(*) FROM plan('SELECT sum((''x'' || md5(lem_forward(''tiny'', x, min_rate, max_rate)::text))::bit(32)::bigint) FROM many') p WHERE p ~ 'Gather';
SELECT sum(('x' || md5(lem_forward('tiny', x, min_rate, max_rate)::text))::bit(32)::bigint) = (SELECT sum FROM serial) AS same FROM many;
COMMIT;

-- Export and import: the same model, and the same bytes.
SELECT lem_import('copy', lem_export('tiny'));
SELECT lem_import('copy', lem_export('tiny'), config) FROM lem_models WHERE name = 'tiny';
SELECT count(*), count(DISTINCT digest), count(DISTINCT config::text) FROM lem_model WHERE name IN ('tiny', 'copy');
SELECT lem_export('copy@1') = lem_export('tiny') AS same, lem_export('copy@2') = lem_export('tiny') AS same_2;
CREATE FUNCTION header(file bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT convert_from(substring(file, 9, n), 'UTF8')::jsonb FROM (SELECT (get_byte(file, 0) + get_byte(file, 1) * 256 + get_byte(file, 2) * 65536) n) s $$;
CREATE FUNCTION file_data(file bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT substring(file, 9 + n) FROM (SELECT (get_byte(file, 0) + get_byte(file, 1) * 256 + get_byte(file, 2) * 65536) n) s $$;
SELECT file_data(file) = file_data(original) AS same_data,
	header(file) - '__metadata__' = header(original) - '__metadata__' AS same_tensors,
	(header(file) #>> '{__metadata__,lem.config}')::jsonb = config AS same_config,
	(length(file) - length(file_data(file))) % 8 AS misaligned
	FROM lem_models, lem_export('tiny') file, decode(:'tiny_weights', 'base64') original WHERE name = 'tiny';
SELECT lem_import('copy', lem_export('medium'));
SELECT lem_export('copy@3') = lem_export('medium') AS same;

-- Another config with the same tensors is another model.
SELECT lem_import('other', lem_export('tiny'), config || '{"gaps": "skip"}') FROM lem_models WHERE name = 'tiny';
SELECT a.digest <> b.digest AS differ FROM lem_model a, lem_model b WHERE a.name = 'other' AND b.name = 'tiny';

CREATE FUNCTION le8(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode(string_agg(lpad(to_hex(n >> 8 * j & 255), 2, '0'), '' ORDER BY j), 'hex') FROM generate_series(0, 7) j $$;
CREATE FUNCTION safetensors(header jsonb, data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT le8(octet_length(header::text)) || convert_to(header::text, 'UTF8') || data $$;

-- A file's tensors can come in any order, and its data too.
SELECT lem_import('copy', safetensors(shuffled, string_agg(substring(d, 1 + begins, ends - begins), '' ORDER BY place)))
	FROM (SELECT d, begins, ends, place, jsonb_object_agg(key, value) OVER () || jsonb_build_object('__metadata__', h -> '__metadata__') AS shuffled
		FROM (SELECT h, d, key, begins, ends, place, value || jsonb_build_object('data_offsets', jsonb_build_array(moved, moved + ends - begins)) AS value
			FROM (SELECT h, d, key, value, begins, ends, row_number() OVER w AS place, sum(ends - begins) OVER w - (ends - begins) AS moved
				FROM lem_export('tiny') file, header(file) h, file_data(file) d, jsonb_each(h - '__metadata__') t,
					LATERAL (SELECT (value #>> '{data_offsets,0}')::int AS begins, (value #>> '{data_offsets,1}')::int AS ends) o
				WINDOW w AS (ORDER BY md5(key))) s) s) s
	GROUP BY shuffled;
SELECT lem_export('copy@4') = lem_export('tiny') AS same;

-- A config is stored complete and in one form.
SELECT lem_import('other', lem_export('tiny'), '{"lookback":6,"n_ahead":4.0,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5e0,"max_scale_factor":1.50,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated","tkan_candidate":"linear","norm_window":500,"bar_interval":"1 day 2:03:04.5","time_zone":"europe/paris","gaps":"error","sub_kan":[3]}');
SELECT config FROM lem_models WHERE name = 'other' AND version = 2;
CREATE FUNCTION stored(change jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	made int;
BEGIN
	made := (SELECT lem_import('other', lem_export('tiny'), config || change) FROM lem_models WHERE name = 'tiny');
	RETURN (SELECT config FROM lem_models WHERE name = 'other' AND version = made);
END $$;
SELECT given, stored(jsonb_build_object('bar_interval', given)) ->> 'bar_interval' AS stored
	FROM unnest('{PT1H,1 hour,01:00,PT60M,PT5M,P1D,24 hours,P1W,PT1.5S,0.75 s,P1DT1M}'::text[]) given;
SELECT given, stored(jsonb_build_object('sub_kan', given)) -> 'sub_kan' AS stored
	FROM jsonb_array_elements('[[null],[{}],[3],[{"grid_range":[-1.0,1e0]}],[{"grid_size":3,"spline_order":3}]]') given;
SELECT given, stored(jsonb_build_object('time_zone', given)) ->> 'time_zone' AS stored
	FROM unnest('{UTC,utc,America/New_York,<+05:45>-05:45,EST5EDT,CET-1CEST,Etc/GMT+5,GMT0,+00}'::text[]) given;
-- An offset that version 1.0 stored goes on to mean what it was trained with, and is exported under a name that says so.
SELECT stored('{"time_zone": "<-05:45>+05:45"}') ->> 'time_zone' AS west;
CREATE TABLE offset_model AS SELECT m.id, config AS west, jsonb_set(config, '{time_zone}', '"+05:45"') AS iso FROM lem_model m WHERE name = 'other' ORDER BY version DESC LIMIT 1;
UPDATE lem_model m SET config = iso, digest = sha256(convert_to(iso::text, 'UTF8') || (SELECT string_agg(sha256, '' ORDER BY part) FROM lem_model_part WHERE model_id = m.id)) FROM offset_model o WHERE o.id = m.id;
SELECT stored = config AS stays FROM (SELECT iso AS stored FROM offset_model) o, lem_model m WHERE name = 'other' ORDER BY version DESC LIMIT 1;
SELECT lem_import('offset', lem_export('other@' || version)) AS again FROM lem_models WHERE name = 'other' ORDER BY version DESC LIMIT 1;
SELECT config = west AS same FROM offset_model, lem_models WHERE name = 'offset';
SELECT lem_drop('offset');


-- The first version is deployed, others by hand; name@version is always that version.
SELECT name, version, deployed FROM lem_models WHERE name = 'copy' ORDER BY version;
SELECT lem_deploy('copy', 3);
SELECT name, version, deployed FROM lem_models WHERE name = 'copy' ORDER BY version;
SELECT lem_export('copy') = lem_export('medium') AS medium, lem_export('copy@1') = lem_export('tiny') AS tiny;
SELECT lem_deploy('copy', 3);
SELECT lem_drop('copy@2');
SELECT name, version, deployed FROM lem_models WHERE name = 'copy' ORDER BY version;
SELECT lem_drop('copy@3');
SELECT lem_deploy('copy', 2);

-- The number of a dropped version never comes back, not even when all of a name are dropped.
SELECT lem_import('again', lem_export('tiny')) AS first, lem_import('again', lem_export('tiny')) AS second;
SELECT lem_drop('again@2');
SELECT lem_import('again', lem_export('tiny')) AS third;
SELECT lem_drop('again');
SELECT lem_import('again', lem_export('tiny')) AS fourth;
SELECT version, deployed FROM lem_models WHERE name = 'again';
SELECT lem_drop('again');

-- What is dropped is gone at once, in this session as well, and is back after a rollback.
BEGIN;
SELECT lem_drop('copy');
SELECT count(*) FROM lem_model_part JOIN lem_model ON id = model_id WHERE name = 'copy';
SAVEPOINT s;
SELECT lem_export('copy');
ROLLBACK TO s;
SELECT lem_import('copy', lem_export('tiny'));
ROLLBACK;
SELECT count(*) FROM lem_model_part JOIN lem_model ON id = model_id WHERE name = 'copy';

-- The functions find their tables whatever the search path is, and hostile operators do not matter.
CREATE FUNCTION never(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = never);
CREATE TABLE lem_model (id int);
SET search_path = test_models, pg_catalog;
SELECT length(public.lem_export('tiny')) > 0 AS found;
SET search_path = '';
SELECT pg_catalog.length(public.lem_export('tiny')) OPERATOR(pg_catalog.>) 0 AS found;
SET search_path = test_models, public;
DROP TABLE test_models.lem_model;

-- The extension can be moved to another schema under a session's feet.
ALTER EXTENSION lem SET SCHEMA test_models;
SELECT length(lem_export('tiny')) > 0 AS found;
SELECT lem_import('copy', lem_export('tiny')) > 0 AS stored;
ALTER EXTENSION lem SET SCHEMA public;
SELECT length(lem_export('copy')) > 0 AS found;

-- The cache keeps what its limit allows, and what is in use.
\c -
SET search_path = test_models, public;
CREATE FUNCTION cached() RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(ident, ' ' ORDER BY ident) FROM pg_backend_memory_contexts WHERE name = 'lem model' $$;
SELECT count(lem_forward(model, x, min_rate, max_rate)) FROM golden;
SELECT cached();
SELECT count(lem_forward('copy@1', x, min_rate, max_rate)) FROM golden WHERE name = 'tiny';
SELECT cached();
SELECT count(1 / (cardinality(lem_forward('medium', x, min_rate, max_rate)) - 672)) FROM golden WHERE name = 'medium';
SET lem.model_cache_size = '1MB';
SELECT count(lem_forward(model, x, min_rate, max_rate)) FROM golden;
SELECT cached() ~ 'medium' AS medium;
SELECT count(lem_forward('medium', x, min_rate, max_rate)) FROM golden WHERE name = 'medium';
SELECT cached();

-- A model is its owner's: others see that it is there, and need rights for more.
CREATE ROLE regress_lem_user;
GRANT USAGE ON SCHEMA test_models TO regress_lem_user;
GRANT SELECT ON golden TO regress_lem_user;
SET ROLE regress_lem_user;
SELECT count(lem_forward('tiny', x, min_rate, max_rate)) FROM golden WHERE name = 'tiny';
SELECT count(*) > 0 AS visible FROM lem_models;
SELECT lem_import('mine', lem_export('tiny'));
SELECT lem_drop('tiny');
SELECT lem_deploy('tiny', 1);
RESET ROLE;
SELECT lem_grant('tiny', 'regress_lem_user', 'read');
SET ROLE regress_lem_user;
SELECT lem_import('mine', lem_export('tiny'));
SELECT created_by, owner FROM lem_models WHERE name = 'mine';
SELECT lem_deploy('mine', 1);
SELECT lem_drop('mine');
RESET ROLE;
SELECT lem_revoke('tiny', 'regress_lem_user', 'read');
BEGIN READ ONLY;
SELECT length(lem_export('tiny')) > 0 AS readable;
SELECT lem_import('mine', lem_export('tiny'));
ROLLBACK;

-- A row that is deleted by hand takes its parts along; the trigger is for that table only.
BEGIN;
DELETE FROM lem_model WHERE name = 'medium';
SELECT count(*) FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model);
ROLLBACK;
BEGIN;
CREATE TABLE mine (id bigint);
INSERT INTO mine SELECT id FROM public.lem_model;
CREATE TRIGGER mine AFTER DELETE ON mine FOR EACH ROW EXECUTE FUNCTION _lem_model_deleted();
DELETE FROM mine;
ROLLBACK;

-- Metrics travel with a model, unless it is imported with a config of its own.
UPDATE lem_model SET metrics = '{"gain": [1.5, 2], "epoch": 3}' WHERE name = 'tiny';
SELECT lem_import('measured', lem_export('tiny')) AS version, lem_import('measured', lem_export('tiny'), config) AS another FROM lem_models WHERE name = 'tiny';
SELECT version, metrics FROM lem_models WHERE name = 'measured' ORDER BY version;
SELECT lem_export('measured@1') = lem_export('tiny') AS same, lem_export('measured@2') = lem_export('tiny') AS same_2;
UPDATE lem_model SET metrics = '[1]' WHERE name = 'tiny';
SELECT lem_import('measured', lem_export('tiny'));
UPDATE lem_model SET metrics = NULL WHERE name = 'tiny';
SELECT lem_drop('measured');

-- How the functions are declared.
SELECT proname, provolatile, proisstrict, proparallel, procost FROM pg_proc
	WHERE proname IN ('lem_import', 'lem_export', 'lem_deploy', 'lem_drop', 'lem_forward') ORDER BY 1;

SELECT lem_drop(name) FROM (SELECT DISTINCT name FROM lem_models) m ORDER BY name;
SELECT count(*) FROM lem_model_part;
SET client_min_messages = warning;
DROP SCHEMA test_models CASCADE;
DROP OWNED BY regress_lem_user;
SELECT lem_reassign_owned('regress_lem_user', current_user);
DROP ROLE regress_lem_user;

-- Gradients of the raw network against the reference.
\set VERBOSITY terse
\pset format unaligned
CREATE SCHEMA test_gradient;
SET search_path = test_gradient, public;
DELETE FROM lem_model;

-- Reference files, read where psql runs.
\set tiny_weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
\set tiny_x `base64 "$LEM_GOLDEN/tiny/inputs.x.bin"`
\set tiny_y `base64 "$LEM_GOLDEN/tiny/inputs.y.bin"`
\set tiny_min `base64 "$LEM_GOLDEN/tiny/inputs.min_rate.bin"`
\set tiny_max `base64 "$LEM_GOLDEN/tiny/inputs.max_rate.bin"`
\set tiny_grads `base64 "$LEM_GOLDEN/tiny/grads_f64.safetensors"`
\set tiny_loss `cat "$LEM_GOLDEN/tiny/loss_f64.json"`
\set wide_x `base64 "$LEM_GOLDEN/tiny_wide/inputs.x.bin"`
\set wide_y `base64 "$LEM_GOLDEN/tiny_wide/inputs.y.bin"`
\set wide_min `base64 "$LEM_GOLDEN/tiny_wide/inputs.min_rate.bin"`
\set wide_max `base64 "$LEM_GOLDEN/tiny_wide/inputs.max_rate.bin"`
\set wide_grads `base64 "$LEM_GOLDEN/tiny_wide/grads_f64.safetensors"`
\set wide_loss `cat "$LEM_GOLDEN/tiny_wide/loss_f64.json"`
\set medium_weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
\set medium_x `base64 "$LEM_GOLDEN/medium/inputs.x.bin"`
\set medium_y `base64 "$LEM_GOLDEN/medium/inputs.y.bin"`
\set medium_min `base64 "$LEM_GOLDEN/medium/inputs.min_rate.bin"`
\set medium_max `base64 "$LEM_GOLDEN/medium/inputs.max_rate.bin"`
\set medium_grads `base64 "$LEM_GOLDEN/medium/grads_f64.safetensors"`
\set medium_loss `cat "$LEM_GOLDEN/medium/loss_f64.json"`

-- Numbers of little-endian bytes.  Plain expressions, which the planner puts in place: there are many.
CREATE FUNCTION float4_at(b bytea, i int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (1 - (get_byte(b, i + 3) >> 7) * 2)
		* CASE WHEN (get_byte(b, i + 3) & 127) + (get_byte(b, i + 2) >> 7) = 0
			THEN (get_byte(b, i) + (get_byte(b, i + 1) << 8) + ((get_byte(b, i + 2) & 127) << 16)) * power(2::float8, -149)
			ELSE (get_byte(b, i) + (get_byte(b, i + 1) << 8) + ((get_byte(b, i + 2) & 127) << 16) + 8388608)
				* power(2::float8, ((get_byte(b, i + 3) & 127) << 1) + (get_byte(b, i + 2) >> 7) - 150) END $$;
CREATE FUNCTION float8_at(b bytea, i int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN (get_byte(b, i + 7) & 127) + (get_byte(b, i + 6) >> 4) = 0 THEN 0
		ELSE (1 - (get_byte(b, i + 7) >> 7) * 2)
			* (get_byte(b, i) + (get_byte(b, i + 1) << 8) + (get_byte(b, i + 2) << 16)
				+ 16777216::float8 * (get_byte(b, i + 3) + (get_byte(b, i + 4) << 8) + (get_byte(b, i + 5) << 16))
				+ 281474976710656::float8 * (16 + (get_byte(b, i + 6) & 15)))
			* power(2::float8, ((get_byte(b, i + 7) & 127) << 4) + (get_byte(b, i + 6) >> 4) - 1075) END $$;
CREATE FUNCTION floats4(text) RETURNS float4[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(float4_at(b, i)::float4 ORDER BY i)
	FROM decode($1, 'base64') b, generate_series(0, length(b) - 4, 4) i $$;
SELECT floats4('AACAPwAAAMAAAAAAAQAAgA==') = '{1,-2,0,-1.4012985e-45}' AS float4,
	float8_at(b, 0) = 1 AND float8_at(b, 8) = -3.141592653589793 AND float8_at(b, 16) = 0 AS float8
	FROM decode('AAAAAAAA8D8YLURU+yEJwAAAAAAAAAAA', 'base64') b;

-- Files and what is in them
CREATE FUNCTION header(file bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT convert_from(substring(file, 9, n), 'UTF8')::jsonb FROM (SELECT (get_byte(file, 0) + get_byte(file, 1) * 256 + get_byte(file, 2) * 65536) n) s $$;
CREATE FUNCTION data_start(file bytea) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT 8 + get_byte(file, 0) + get_byte(file, 1) * 256 + get_byte(file, 2) * 65536 $$;
-- Length of the difference and of the reference for each tensor, and whether its shape is right.
CREATE FUNCTION compare(have bytea, want bytea) RETURNS TABLE (name text, difference float8, length float8, shape boolean) LANGUAGE plpgsql AS $$
DECLARE
	have_start int = data_start(have);
	want_start int = data_start(want);
BEGIN
	RETURN QUERY SELECT t.key, sqrt(sum((a - b) * (a - b))), sqrt(sum(b * b)), bool_and(t.same)
	FROM (SELECT key, h.value -> 'shape' = w.value -> 'shape' AND h.value ->> 'dtype' = 'F32' AND w.value ->> 'dtype' = 'F64' AS same,
			have_start + (h.value #>> '{data_offsets,0}')::int AS h0, want_start + (w.value #>> '{data_offsets,0}')::int AS w0,
			((w.value #>> '{data_offsets,1}')::int - (w.value #>> '{data_offsets,0}')::int) / 8 AS n
			FROM jsonb_each(header(have)) h FULL JOIN jsonb_each(header(want)) w USING (key) WHERE key <> '__metadata__' OFFSET 0) t,
		LATERAL generate_series(0, n - 1) i, LATERAL (SELECT float4_at(have, h0 + i * 4) AS a, float8_at(want, w0 + i * 8) AS b) s
	GROUP BY t.key;
END $$;

CREATE TABLE golden (name text, model text, x float4[], y float4[], min_rate float4[], max_rate float4[], grads bytea, loss float8);
INSERT INTO golden VALUES
	('tiny', 'tiny', floats4(:'tiny_x'), floats4(:'tiny_y'), floats4(:'tiny_min'), floats4(:'tiny_max'), decode(:'tiny_grads', 'base64'), (:'tiny_loss'::jsonb ->> 'lem_loss')::float8),
	('tiny_wide', 'tiny', floats4(:'wide_x'), floats4(:'wide_y'), floats4(:'wide_min'), floats4(:'wide_max'), decode(:'wide_grads', 'base64'), (:'wide_loss'::jsonb ->> 'lem_loss')::float8),
	('medium', 'medium', floats4(:'medium_x'), floats4(:'medium_y'), floats4(:'medium_min'), floats4(:'medium_max'), decode(:'medium_grads', 'base64'), (:'medium_loss'::jsonb ->> 'lem_loss')::float8);
SELECT lem_import('tiny', decode(:'tiny_weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
SELECT lem_import('medium', decode(:'medium_weights', 'base64'), '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');

-- Loss and gradients are the reference's.
CREATE TABLE answer AS SELECT name, lem_gradient(model, x, y, min_rate, max_rate) AS file FROM golden;
SELECT name, abs((header(file) #>> '{__metadata__,loss}')::float8 - loss) < 1e-5 AS loss,
	data_start(file) % 8 AS misaligned
	FROM golden JOIN answer USING (name) ORDER BY name;
CREATE TABLE compared AS SELECT g.name AS golden, c.* FROM golden g JOIN answer a USING (name), compare(a.file, g.grads) c;
SELECT golden, count(*) AS tensors, bool_and(shape) AS shapes, bool_and(difference < 1e-4 * length) AS same
	FROM compared WHERE name <> 'attention/key/bias' GROUP BY golden ORDER BY golden;
SELECT golden, name, difference, length FROM compared WHERE NOT difference < 1e-4 * length AND name <> 'attention/key/bias';
-- A bias of the keys moves all scores of a row alike: its true gradient is 0.
SELECT golden, shape, difference < 1e-7 AS same, length < 1e-7 AS zero FROM compared WHERE name = 'attention/key/bias' ORDER BY golden;
-- Every tensor that is trained is there, in the order of the model's own file, without a gap.
SELECT name, count(*) AS stored, count(*) FILTER (WHERE h ? key) AS trained, max((h #>> ARRAY[key, 'data_offsets', '1'])::int) = max(size) AS covered,
	string_agg(DISTINCT substring(key FROM '[a-z_]*$'), ' ') FILTER (WHERE NOT h ? key) AS not_trained
	FROM (SELECT name, header(file) AS h, length(file) - data_start(file) AS size, header(lem_export(model)) - '__metadata__' AS stored FROM answer JOIN golden USING (name) OFFSET 0) s,
		jsonb_object_keys(stored) key GROUP BY name ORDER BY name;

-- The shapes of the arrays do not matter; the same call gives the same bytes.
SELECT lem_gradient(model, x, (SELECT array_agg(ARRAY[y[2 * i - 1], y[2 * i]] ORDER BY i) FROM generate_series(1, cardinality(y) / 2) i), ARRAY[min_rate], max_rate) = file AS same
	FROM golden JOIN answer USING (name) WHERE name = 'tiny';
SELECT lem_gradient(NULL, x, y, min_rate, max_rate) IS NULL AND lem_gradient(model, x, NULL, min_rate, max_rate) IS NULL AS is_null FROM golden WHERE name = 'tiny';
-- The loss is a mean: samples given a hundred times, in batches, have the same loss and gradients.
SELECT abs((header(file) #>> '{__metadata__,loss}')::float8 - loss) < 1e-5 AS loss, (SELECT bool_and(difference < 1e-4 * length) FROM compare(file, grads) WHERE name <> 'attention/key/bias') AS same
	FROM golden, LATERAL (SELECT lem_gradient(model, array_agg(v ORDER BY i, j), (SELECT array_agg(v ORDER BY i, j) FROM generate_series(1, 100) i, unnest(y) WITH ORDINALITY t(v, j)),
		(SELECT array_agg(v ORDER BY i, j) FROM generate_series(1, 100) i, unnest(min_rate) WITH ORDINALITY t(v, j)), (SELECT array_agg(v ORDER BY i, j) FROM generate_series(1, 100) i, unnest(max_rate) WITH ORDINALITY t(v, j))) AS file
		FROM generate_series(1, 100) i, unnest(x) WITH ORDINALITY t(v, j)) s WHERE golden.name = 'tiny';

-- Workers of a parallel query compute the same.
CREATE TABLE many AS SELECT i, x, y, min_rate, max_rate FROM golden, generate_series(1, 60) i WHERE name = 'tiny';
ALTER TABLE many SET (parallel_workers = 2);
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
CREATE FUNCTION plan(text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || $1; END $$;
SELECT count(*) FROM plan('SELECT min(md5(lem_gradient(''tiny'', x, y, min_rate, max_rate))) FROM many') p WHERE p ~ 'Gather';
SELECT min(md5(lem_gradient('tiny', x, y, min_rate, max_rate))) = min(md5(file)) AND max(md5(lem_gradient('tiny', x, y, min_rate, max_rate))) = min(md5(file)) AS same
	FROM many, answer WHERE name = 'tiny';
COMMIT;

-- What is refused
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || message || coalesce(E'\n  ' || nullif(hint, ''), '');
END $$;
CREATE FUNCTION refused(model text, x text, y text, min_rate text, max_rate text) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('SELECT lem_gradient(%L, %s, %s, %s, %s) FROM test_gradient.golden WHERE name = ''tiny''', model, x, y, min_rate, max_rate)) $$;
\pset tuples_only on
SELECT refused('tiny', 'x', 'y', 'min_rate', 'max_rate');
SELECT refused(m, 'x', 'y', 'min_rate', 'max_rate') FROM unnest('{"",nobody,tiny@2}'::text[]) m;
SELECT refused('tiny', bad, 'y', 'min_rate', 'max_rate') FROM unnest(ARRAY['''{}''', 'x[1:188]', 'x[1:126]', 'x || 1::float4', 'array_replace(x, x[3], NULL)', 'x[1:10] || ARRAY[''NaN'']::float4[] || x[12:189]', 'x[1:188] || ARRAY[''-inf'']::float4[]']) bad;
SELECT refused('tiny', 'x', bad, 'min_rate', 'max_rate') FROM unnest(ARRAY['''{}''', 'y[1:23]', 'y[1:16]', 'y || 1::float4', 'y[1:23] || NULL::float4', 'y[1:23] || ''inf''::float4',
	'y[1:23] || 0::float4', 'y[1:23] || ''-1''::float4', 'y[1:10] || ARRAY[-0.5]::float4[] || y[12:24]', '(-1)::float4 || y[2:24]']) bad;
SELECT refused('tiny', 'x', 'y', bad, 'max_rate') FROM unnest(ARRAY['''{}''', 'min_rate[1:2]', 'min_rate || 0::float4', '''{0,NULL,0}''', '''{0,0,NaN}''']) bad;
SELECT refused('tiny', 'x', 'y', 'min_rate', bad) FROM unnest(ARRAY['''{}''', 'max_rate[1:2]', '''{1,NULL,1}''', '''{1,Infinity,1}''']) bad;
SELECT refused('tiny', 'array_fill(3e38::float4, ARRAY[189])', 'y', 'min_rate', 'max_rate') ~ '^(no error|22003: the loss)' AS huge;
\pset tuples_only off

-- A bar without volume is one; none with volume leave nothing to compare with.
SELECT (header(lem_gradient(model, x, (SELECT array_agg(CASE WHEN i % 2 = 1 THEN 0 ELSE v END ORDER BY i) FROM unnest(y) WITH ORDINALITY t(v, i)), min_rate, max_rate)) #>> '{__metadata__,loss}')::float8 BETWEEN 0.1 AND 10 AS finite
	FROM golden WHERE name = 'tiny';

-- The unit of prices and of volumes does not matter: the loss at 1e-30 of a price is that at the price, and where it is equal to the bit, so are the gradients.
CREATE FUNCTION scaled(y float4[], volume float8, price float8) RETURNS float4[] LANGUAGE sql AS
	$$ SELECT array_agg((v * CASE WHEN i % 2 = 1 THEN volume ELSE price END)::float4 ORDER BY i) FROM unnest(y) WITH ORDINALITY t(v, i) $$;
SELECT name, volume, price, abs((header(lem_gradient(model, x, scaled(y, volume, price), min_rate, max_rate)) #>> '{__metadata__,loss}')::float8 / loss - 1) < 1e-6 AS same
	FROM golden, (VALUES (1, 1e-5), (1, 1e-7), (1, 1e-9), (1, 1e-30), (1, 1e30), (1e-9, 1), (1e-30, 1e-30)) v(volume, price) WHERE name = 'tiny';
SELECT bool_and(lem_gradient(model, x, scaled(y, volume, price), min_rate, max_rate) = file) AS bits
	FROM golden JOIN answer USING (name), (VALUES (1, 2::float8 ^ -30), (2::float8 ^ 40, 1), (2::float8 ^ -60, 2::float8 ^ 60)) v(volume, price) WHERE name = 'tiny';
-- Prices that are all equal leave nothing to gain: ln 2.
SELECT bool_and(abs((header(lem_gradient(model, x, array_fill(price, ARRAY[24]), min_rate, max_rate)) #>> '{__metadata__,loss}')::float8 - ln(2)) < 1e-6) AS ln_2
	FROM golden, unnest('{1,1e-3,1e-5,1e-6,1e-7,1e-20,1e20}'::float4[]) price WHERE name = 'tiny';

-- It can be cancelled, and the next call is as good as the first.
CREATE TABLE large AS SELECT (SELECT array_agg(v ORDER BY i, j) FROM unnest(x) WITH ORDINALITY t(v, j), generate_series(1, 2000) i) AS x, (SELECT array_agg(v ORDER BY i, j) FROM unnest(y) WITH ORDINALITY t(v, j), generate_series(1, 2000) i) AS y,
	array_fill(0::float4, ARRAY[4000]) AS min_rate, array_fill(1::float4, ARRAY[4000]) AS max_rate FROM golden WHERE name = 'medium';
SET statement_timeout = '100ms';
SELECT length(lem_gradient('medium', x, y, min_rate, max_rate)) FROM large;
RESET statement_timeout;
SELECT lem_gradient(model, x, y, min_rate, max_rate) = file AS same FROM golden JOIN answer USING (name) ORDER BY name;

-- How it is declared.
SELECT proname, provolatile, proisstrict, proparallel, procost FROM pg_proc WHERE proname = 'lem_gradient';

SELECT lem_drop(name) FROM (SELECT DISTINCT name FROM lem_models) m ORDER BY name;
SET client_min_messages = warning;
DROP SCHEMA test_gradient CASCADE;

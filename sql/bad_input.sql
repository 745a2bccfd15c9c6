-- What a user can get wrong when asking for a schedule, each with its SQLSTATE, words and hint; and
-- that the session is none the worse for it.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
CREATE SCHEMA test_bad_input;
SET search_path = test_bad_input, public;
DELETE FROM lem_model;
CREATE TABLE files AS SELECT decode(:'weights', 'base64') AS file, jsonb '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}' AS config;
SELECT lem_import('bad_input', file, config) FROM files;
SELECT lem_import('bad_input_skip', file, config || '{"gaps":"skip"}') FROM files;
SELECT lem_import('bad_input_error', file, config || '{"gaps":"error"}') FROM files;
SELECT lem_import('bad_input_hour', file, config || '{"gaps":"error","bar_interval":"PT1H"}') FROM files;

CREATE TABLE bars AS SELECT i, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts, 100 + sin(i / 7.0) AS price, 1000 * (1.1 + sin(i / 3.0)) AS volume
FROM generate_series(1, 480) AS i;
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || coalesce(E'\n  ' || nullif(detail, ''), '') || coalesce(E'\n  ' || nullif(hint, ''), '');
END
$$;
-- A schedule of bars, some of whose columns are something else.
CREATE FUNCTION schedule(ts text DEFAULT 'ts', price text DEFAULT 'price', volume text DEFAULT 'volume', ord text DEFAULT 'lem_order(1000)', model text DEFAULT 'bad_input', source text DEFAULT 'bars')
RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('SELECT lem_schedule(%L, %s, %s, %s, %s) FROM %s', model, ord, ts, price, volume, source))
$$;
CREATE TABLE before AS SELECT lem_schedule('bad_input', lem_order(1000), ts, price, volume) AS plan FROM bars;

-- Prices and volumes of bar 300
SELECT v, schedule(price => format('CASE i WHEN 300 THEN %L ELSE price END', v)) FROM unnest('{NaN,Infinity,-Infinity,0,-0.01,-1e308}'::text[]) AS v;
SELECT v, schedule(volume => format('CASE i WHEN 300 THEN %L ELSE volume END', v)) FROM unnest('{NaN,Infinity,-Infinity,-1e-300}'::text[]) AS v;
-- A bar without a price or a volume is not there: an error only where none may be missing.
SELECT m, schedule(price => 'CASE i WHEN 300 THEN NULL ELSE price END', model => m) FROM unnest('{bad_input,bad_input_skip,bad_input_error,bad_input_hour}'::text[]) AS m;
SELECT schedule(volume => 'CASE WHEN i < 300 THEN volume END');
-- No volume anywhere, or a price that never moves: schedules all the same.
SELECT schedule(volume => '0'), schedule(price => '1'), schedule(price => '1', volume => '0');
SELECT sum(allocation) = 1 AS whole FROM unnest((SELECT lem_schedule('bad_input', lem_order(1000), ts, 1, 0) FROM bars)) AS s;
-- Numbers as large and as small as there are
SELECT schedule(price => v, volume => w) FROM unnest('{1e308,1e-308,4.9e-324}'::text[]) AS v, unnest('{1e308,4.9e-324}'::text[]) AS w;

-- Times
SELECT schedule(ts => 'CASE i WHEN 300 THEN ts - interval ''1 hour'' ELSE ts END');
SELECT schedule(source => '(SELECT * FROM bars UNION ALL SELECT * FROM bars WHERE i = 7) AS bars');
SELECT schedule(ts => 'CASE i WHEN 300 THEN ''infinity'' ELSE ts END');
SELECT schedule(ts => 'CASE i WHEN 480 THEN ''294276-12-31 23:59:59+00'' ELSE ts END');
SELECT s, schedule(ord => format('lem_order(1, start_ts => %L)', s)) FROM unnest('{294276-12-31 23:59:59+00,infinity,-infinity,4713-01-01 00:00:00+00 BC}'::text[]) AS s;
SELECT schedule(ts => 'ts - interval ''6735 years''');
SELECT schedule(ts => 'CASE i WHEN 300 THEN ts + interval ''1 microsecond'' ELSE ts END', model => 'bad_input_error');

-- Too few bars
SELECT schedule(source => 'bars WHERE false');
SELECT schedule(source => 'bars WHERE i = 7');
SELECT schedule(source => 'bars WHERE i = 7', model => 'bad_input_hour');
SELECT schedule(source => 'bars WHERE i <= 2');
SELECT schedule(source => 'bars WHERE i <= 342'), schedule(source => 'bars WHERE i <= 343');
SELECT schedule(ord => 'lem_order(1, start_ts => ''2023-01-01 00:00:00+00'')');
SELECT schedule(price => 'NULL'), schedule(volume => 'NULL'), schedule(ts => 'NULL');
SELECT schedule(source => 'bars WHERE i <> 400', model => 'bad_input_error');
SELECT schedule(ord => 'lem_order(1, start_ts => ''2024-02-01 00:00:00+00'')', model => 'bad_input_error');

-- Models
SELECT schedule(model => m) FROM unnest(ARRAY['', 'none', 'bad_input@7', 'bad_input@', '@1', 'BAD_INPUT', ' bad_input', repeat('m', 1000000), '''; DROP TABLE bars; --', E'\n', 'é']) AS m;
-- Orders
SELECT o, schedule(ord => o) FROM unnest(ARRAY['lem_order(1, ''hold'')', 'lem_order(1, '''')', 'lem_order(1, repeat(''x'', 100000))', 'lem_order(-1)', 'lem_order(''NaN'')', 'lem_order(1, max_bars => 5)',
	'lem_order(1, min_bars => 5)', 'lem_order(1, max_rate => 0.2)', 'lem_order(1, min_bars => 3, min_rate => 0.34)', 'lem_order(1, min_bars => 1, min_rate => 0.4, max_rate => 0.45)', 'lem_order(1e308, lot => 1e-300)', 'NULL']) AS o;

-- Files: the config that comes with the weights
CREATE FUNCTION with_config(config text) RETURNS bytea LANGUAGE sql AS $$
	SELECT decode(string_agg(lpad(to_hex(length(header) >> 8 * j & 255), 2, '0'), '' ORDER BY j), 'hex') || '\x00000000' || convert_to(header, 'UTF8')
	FROM (SELECT '{"__metadata__":{"lem.config":' || to_json(config) || '}}' AS header) AS h, generate_series(0, 3) AS j GROUP BY header
$$;
SELECT left(c, 20), attempt(format('SELECT lem_import(''worse'', %L)', with_config(c))) FROM unnest(ARRAY[repeat('[', 100000), repeat('{"a":', 100000), '{"sub_kan":' || repeat('[', 300) || repeat(']', 300) || '}', '{"lookback":', '{"n_ahead":1e99}', E'\\u0000']) AS c;
SELECT split_part(attempt(format('SELECT lem_import(''worse'', %L, %L)', file, repeat('[', 100000))), E'\n', 1) FROM files;
SELECT attempt(format('SELECT lem_import(''worse'', %L, jsonb_build_object(''sub_kan'', %L::jsonb))', file, repeat('[', 300) || repeat(']', 300))) FROM files;
-- Sizes whose products would overflow
SELECT attempt(format('SELECT lem_import(''worse'', %L, %L)', file, config || c)) FROM files, jsonb_array_elements('[{"hidden_size":2147483647}, {"hidden_size":65536,"num_heads":65536}, {"lookback":4096,"n_ahead":256,"hidden_size":2048,"num_heads":1,"num_embedding":512,"fused_mlp_hidden_dim":2048,"hidden_rnn_layer":8},
	{"n_ahead":256}, {"extra_features":59,"num_embedding":512,"hidden_size":2048}]') AS c;
-- Arrays of the raw network
SELECT attempt('SELECT lem_forward(''bad_input'', ' || a || ')') FROM unnest(ARRAY['array_fill(0::float4, ARRAY[63 * 1000 + 1]), ''{0}'', ''{1}''', 'array_fill(0::float4, ARRAY[9,1,1,1,1,7]), ''{0}'', ''{1}''', 'array_fill(3e38::float4, ARRAY[63]), ''{0}'', ''{1}''', 'array_fill(0::float4, ARRAY[63], ARRAY[5]), ''{0}'', ''{1}''']) AS a;

-- After all that nothing is left behind, and the schedule is what it was.
SELECT count(*) FROM lem_models WHERE name = 'worse';
SELECT (SELECT plan FROM before) = (SELECT lem_schedule('bad_input', lem_order(1000), ts, price, volume) FROM bars) AS same;
SELECT count(lem_drop(name)) FROM (SELECT DISTINCT name FROM lem_models WHERE name LIKE 'bad\_input%') AS m;
SET client_min_messages = warning;
DROP SCHEMA test_bad_input CASCADE;

-- Models that are refused: damaged files, configs that do not fit, unknown names, damaged parts.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA test_model_errors;
SET search_path = test_model_errors, public;
DELETE FROM lem_model;
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`

-- SQLSTATE and words of the error that a statement raises.
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || message || coalesce(E'\n  ' || nullif(detail, ''), '') || coalesce(E'\n  ' || nullif(hint, ''), '');
END $$;

-- A good file, the pieces it is made of, and its config.
CREATE FUNCTION le8(n numeric) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode(string_agg(lpad(to_hex(mod(div(n, 256::numeric ^ j), 256)::int), 2, '0'), '' ORDER BY j), 'hex')
	FROM generate_series(0, 7) j $$;
CREATE FUNCTION safetensors(header text, data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT le8(octet_length(header)) || convert_to(header, 'UTF8') || data $$;
CREATE TABLE good (file bytea, header jsonb, data bytea, config jsonb);
INSERT INTO good
	SELECT file, convert_from(substring(file, 9, n), 'UTF8')::jsonb, substring(file, 9 + n), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}'
	FROM decode(:'weights', 'base64') file, LATERAL (SELECT get_byte(file, 0) + get_byte(file, 1) * 256 AS n) s;
SELECT safetensors(header::text, data) <> file, length(data) FROM good;
CREATE FUNCTION import_file(bytea) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('SELECT lem_import(%L, %L, %L)', 'bad', $1, config)) FROM good $$;
CREATE FUNCTION import_header(jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT import_file(safetensors($1::text, data)) FROM good $$;
CREATE FUNCTION import_config(jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('SELECT lem_import(%L, %L, %L)', 'bad', file, config || $1)) FROM good $$;

-- Names and NULLs
SELECT n, attempt(format('SELECT lem_import(%L, %L)', n, '')) FROM unnest(ARRAY['', 'a@1', '-a', '.', 'a b', 'é', repeat('x', 64), repeat('x', 63), '0', '_.-', NULL]) n;
SELECT attempt('SELECT lem_import(''a'', NULL)');
SELECT attempt('SELECT lem_deploy(NULL, 1)');
SELECT attempt('SELECT lem_deploy(''a'', NULL)');
SELECT attempt('SELECT lem_drop(NULL)');

-- Unknown models
SELECT attempt('SELECT lem_export(''a'')');
SELECT lem_import('good', file, config) FROM good;
SELECT lem_import('good', file, config) FROM good;
SELECT attempt('SELECT lem_export(''a'')');
SELECT attempt('SELECT lem_deploy(''a'', 1)');
SELECT attempt('SELECT lem_drop(''a'')');
SELECT attempt('SELECT lem_deploy(''good'', 3)');
SELECT attempt(format('SELECT lem_export(%L)', 'good@' || v)) FROM unnest('{3,0,-1,01,1x,"",2147483648,99999999999999999999,"1 ",@1}'::text[]) v;
SELECT attempt('SELECT lem_drop(''good@9'')');

-- Lengths of the header that are impossible
SELECT n, import_file(le8(n) || '{}') FROM unnest(ARRAY[0, 1, 3, 2147483648, 4294967298, 9223372036854775808, 18446744073709551615]) n;
SELECT import_file(''), import_file('\x00'), import_file('\x02000000000000');

-- Headers that are not what they should be
SELECT h, import_file(safetensors(h, '')) FROM unnest(ARRAY['{}', '[]', '3', '{"a"}', '{"a":1}', '{"a":{}}', '{"__metadata__":3}', '{"__metadata__":{}}',
	'{"a":{"dtype":3}}', '{"a":{"dtype":"F32"}}', '{"a":{"dtype":"F32","shape":3}}', '{"a":{"dtype":"F32","shape":["x"]}}', '{"a":{"dtype":"F32","shape":[-1]}}',
	'{"a":{"dtype":"F32","shape":[1.5]}}', '{"a":{"dtype":"F32","shape":[1e400]}}', '{"a":{"dtype":"F32","shape":[1]}}', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}',
	'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[-1,4]}}', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}',
	'{"a":"\u0000"}']) h;
SELECT split_part(import_file(safetensors('{"a":1e999999999}', '')), ':', 1), split_part(import_config('{"bar_interval":"9223372036854775807 hours"}'), ':', 1);
SELECT import_file(le8(4) || '\x7b22ff7d'), import_file(le8(4) || '\x7b002020');
SELECT import_file(safetensors(repeat('[', 100000), ''));
SELECT import_file(safetensors(repeat('{"a":', 100000), ''));

-- Headers of the largest size, with as many values or entries as it holds
SELECT import_file(safetensors('{"a":[' || repeat('1,', 2000000) || '1]}', ''));
SELECT import_file(safetensors('{' || repeat('"a":1,', 600000) || '"a":1}', ''));
SELECT import_file(safetensors(rpad('{', 4194305), ''));

-- A file cut short anywhere is refused; one with a bit flipped in the header is taken or refused.
SELECT DISTINCT split_part(import_file(substring(file, 1, cut)), ':', 1) FROM good, generate_series(0, length(file) - 1, 1009) cut;
SELECT split_part(import_file(substring(file, 1, length(file) - 1)), ':', 1) FROM good;
SELECT DISTINCT left(split_part(result, ':', 1), 2) FROM (SELECT import_file(set_bit(file, bit, 1 - get_bit(file, bit))) AS result FROM good, generate_series(0, 8 * (length(file) - length(data)) - 1, 691) bit) s ORDER BY 1;
SELECT count(lem_drop(name)) <= 1 FROM (SELECT DISTINCT name FROM lem_models WHERE name = 'bad') s;

-- Tensors
SELECT import_header(header - 'scale_factor') FROM good;
SELECT import_header(header || '{"extra":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}') FROM good;
SELECT import_header(header - 'scale_factor' || jsonb_build_object('unscale_factor', header -> 'scale_factor')) FROM good;
SELECT import_header(jsonb_set(header, '{scale_factor,shape}', s)) FROM good, jsonb_array_elements('[[5], [1,1,5,1], [1,5,1,1,1], [], [1,5,1,9007199254740992]]') s;
SELECT import_header(jsonb_set(header, '{scale_factor,dtype}', t)) FROM good, jsonb_array_elements('["F16", "F64", "I32", "", "f32"]') t;
SELECT import_header(jsonb_set(header, '{scale_factor,data_offsets}', o)) FROM good, jsonb_array_elements('[[0,20], [20,0], [122528,122548], [122529,122549], [0,9007199254740992], [9007199254740991,9007199254740992]]') o;
SELECT import_file(safetensors(header::text, data || '\x00000000')) FROM good;
SELECT import_file(safetensors(header::text, '')) FROM good;

-- A tensor named twice, and other keys: which one counts depends on who reads.  Also in other spellings; keys of different objects, and colons and braces within strings, are no matter.
SELECT import_file(safetensors(regexp_replace(header::text, '}$', ', "scale_factor": {"dtype":"F32","shape":[1,5,1,1],"data_offsets":[0,20]}}'), data)) FROM good;
SELECT import_file(safetensors(regexp_replace(header::text, '}$', ', "scale_factor": ' || (header ->> 'scale_factor') || '}'), data)) FROM good;
SELECT import_file(safetensors(regexp_replace(header::text, '}$', ', "scale_f\u0061ctor": ' || (header ->> 'scale_factor') || '}'), data)) FROM good;
SELECT import_file(safetensors(replace(header::text, '"dtype"', t), data)) FROM good, unnest(ARRAY['"dtype": "F16", "dtype"', '"a": {"b": [{"dtype": 1}, {"dtype": 2}], "\":\u0022": ":{\"a\":"}, "dtype"', '"a": [1, {"": [], "x": {}, "": 1}], "dtype"']) t;
SELECT import_file(safetensors(replace(header::text, '"__metadata__": {', '"__metadata__": {"x": "1", "x": "2", '), data)) FROM good;
SELECT import_file(safetensors('{"' || repeat('é', 200) || '": 1, "' || repeat('é', 200) || '": 2}', ''));
SELECT lem_drop('bad');

-- Numbers
SELECT import_file(safetensors(header::text, overlay(data placing decode(v, 'hex') from 1 + 4 * 2))) FROM good, unnest('{0000c07f,0000807f,000080ff,010080ff}'::text[]) v;
SELECT import_file(safetensors(header::text, overlay(data placing '\x00000000' from 1 + (header #>> ARRAY['internal_rnn/1/cell/tkan_sub_layers/0/grid', 'data_offsets', '0'])::int))) FROM good;

-- Configs
SELECT attempt(format('SELECT lem_import(%L, %L)', 'bad', file)) FROM good;
SELECT attempt(format('SELECT lem_import(%L, %L, %L)', 'bad', file, c)) FROM good, unnest('{[],3,null,"\"x\""}'::text[]) c;
SELECT c, attempt(format('SELECT lem_import(%L, %L)', 'bad', safetensors(jsonb_set(header, '{__metadata__,lem.config}', c)::text, data))) FROM good, jsonb_array_elements('["", "{", "[]", 3, "{\"lookback\":[]}", "{}"]') c;
SELECT import_config(c) FROM jsonb_array_elements('[{"lookbak":1}, {"":1}, {"LOOKBACK":1}, {"completely":"different"}, {"sub_kans":[3]}]') c;
SELECT import_config(jsonb_build_object(repeat('k', 1000), 1));

-- Every key with values of every kind
SELECT key, string_agg(DISTINCT split_part(import_config(jsonb_build_object(key, value)), ':', 1), ' ')
	FROM unnest('{lookback,n_ahead,hidden_size,hidden_rnn_layer,num_heads,num_embedding,fused_mlp_hidden_dim,extra_features,norm_window}'::text[]) key,
		jsonb_array_elements('[-1, 2147483647, 2147483648, 1000000000, 1e400, -1e400, 1.5, "6", [], {}, true]') value
	GROUP BY key ORDER BY key;
SELECT key, string_agg(DISTINCT split_part(import_config(jsonb_build_object(key, value)), ':', 1), ' ')
	FROM unnest('{max_scale_factor,features,bar_interval,time_zone,gaps,recurrent,variable_selection,attention,heads,finish_gate,notional_state,price_unit,tkan_candidate,sub_kan}'::text[]) key,
		jsonb_array_elements('[-1, 1e400, "", "x", [[]], {"a":1}, ["x"]]') value
	GROUP BY key ORDER BY key;
SELECT key, string_agg(split_part(import_config(jsonb_build_object(key, NULL)), ':', 1), ' ')
	FROM good, jsonb_object_keys('{"lookback":1,"n_ahead":1,"hidden_size":1,"hidden_rnn_layer":1,"num_heads":1,"num_embedding":1,"fused_mlp_hidden_dim":1,"max_scale_factor":1,"features":1,"extra_features":1,"time_zone":1,"gaps":1,"recurrent":1,"variable_selection":1,"attention":1,"heads":1,"finish_gate":1,"notional_state":1,"price_unit":1,"tkan_candidate":1,"sub_kan":1}') key
	GROUP BY key ORDER BY key;

-- What some of them say
SELECT import_config(c) FROM jsonb_array_elements('[{"lookback":1000000000}, {"lookback":1.5}, {"lookback":"6"}, {"n_ahead":0}, {"num_heads":3}, {"norm_window":3}, {"norm_window":0},
	{"max_scale_factor":"x"}, {"max_scale_factor":0}, {"features":"papers"}, {"features":["return","return"]}, {"features":["return",3]}, {"extra_features":64},
	{"bar_interval":"1 month"}, {"bar_interval":"-1 hour"}, {"bar_interval":"0"}, {"bar_interval":"soon"}, {"bar_interval":3600}, {"bar_interval":"400 days"},
	{"time_zone":"Mars/Olympus"}, {"time_zone":3}, {"gaps":"fill"}, {"recurrent":"rnn"}, {"recurrent":true}, {"variable_selection":"dense"}, {"attention":0}, {"heads":"both"}, {"finish_gate":1}, {"notional_state":"x"}, {"price_unit":"x"}, {"price_unit":"sigma"}, {"tkan_candidate":"x"},
	{"sub_kan":[]}, {"sub_kan":"tanh"}, {"sub_kan":["swish"]}, {"sub_kan":[true]}, {"sub_kan":[0]}, {"sub_kan":[6]}, {"sub_kan":[{"order":3}]}, {"sub_kan":[{"grid_size":0}]}, {"sub_kan":[{"grid_size":"x"}]},
	{"sub_kan":[{"grid_range":3}]}, {"sub_kan":[{"grid_range":[1]}]}, {"sub_kan":[{"grid_range":[1,-1]}]}, {"sub_kan":[{"grid_range":[0,1e400]}]}, {"sub_kan":[1,1,1,1,1,1,1,1,1]}]') c;
-- An offset is read east or west by different readers, so it is not taken.
SELECT zone, import_config(jsonb_build_object('time_zone', zone)) FROM unnest('{+05:45,-3,5,+0545,UTC+3,GMT-5:30,Utc-02,+24}'::text[]) zone;
SELECT import_config('{"hidden_size":2048,"n_ahead":256,"num_heads":1,"fused_mlp_hidden_dim":2048}');

-- Configs that are fine but not the weights'
SELECT import_config(c) FROM jsonb_array_elements('[{"n_ahead":5}, {"n_ahead":3}, {"hidden_size":16}, {"num_heads":4}, {"hidden_rnn_layer":1}, {"features":"default"}, {"features":[]}, {"extra_features":1},
	{"recurrent":"lstm"}, {"recurrent":"none"}, {"variable_selection":false}, {"attention":false}, {"heads":"shared"}, {"finish_gate":true}, {"sub_kan":[2]}, {"sub_kan":[3,3]}, {"sub_kan":["tanh"]}, {"sub_kan":[{"grid_range":[-2,2]}]}]') c;

-- Nothing of all this was stored.
SELECT name, version FROM lem_models ORDER BY 1, 2;
SELECT count(*) = 2 * 6 FROM lem_model_part;

-- The raw network's arguments: samples of tiny are 9 rows of 7 numbers.
SELECT a, attempt(format('SELECT lem_forward(%s)', a)) FROM unnest(ARRAY[
	$$'good', '{}', '{}', '{}'$$,
	$$'good', array_fill(0::float4, '{62}'), '{0}', '{1}'$$,
	$$'good', array_fill(0::float4, '{63}'), '{}', '{1}'$$,
	$$'good', array_fill(0::float4, '{63}'), '{0}', '{1,1}'$$,
	$$'good', array_fill(NULL::float4, '{63}'), '{0}', '{1}'$$,
	$$'good', array_fill('NaN'::float4, '{63}'), '{0}', '{1}'$$,
	$$'good', array_fill(0::float4, '{63}'), '{NULL}', '{1}'$$,
	$$'good', array_fill(0::float4, '{63}'), '{0}', '{Infinity}'$$,
	$$'bad', array_fill(0::float4, '{63}'), '{0}', '{1}'$$,
	$$'good', array_fill(0::float4, '{9,7}'), '{{0}}', '{{1}}'$$,
	$$'good', array_fill(0::float4, '{63}'), '{-1}', '{1e30}'$$]) a;

-- Stored models that were damaged.  Each has a digest of its own, so that none is known already.
CREATE FUNCTION damage(number int, change text, use text DEFAULT 'lem_export(%L)') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM lem_import('damaged', file, config || jsonb_build_object('norm_window', 100 + number)) FROM good;
	EXECUTE 'UPDATE ' || change;
	result := attempt('SELECT ' || format(use, 'damaged'));
	PERFORM lem_drop('damaged');
	RETURN result;
END $$;
\set parts 'lem_model_part SET %s FROM lem_model m WHERE m.id = model_id AND name = ''damaged'' AND part = %s'
SELECT damage(1, format(:'parts', 'data = set_bit(data, 4321, 1 - get_bit(data, 4321))', 0));
SELECT damage(2, format(:'parts', 'data = set_bit(data, 0, 1 - get_bit(data, 0))', 5));
SELECT damage(3, format(:'parts', 'sha256 = set_bit(sha256, 255, 1 - get_bit(sha256, 255))', 3));
SELECT damage(4, format(:'parts', 'sha256 = ''''', 3));
SELECT damage(5, format(:'parts', 'data = substring(data, 1, length(data) - 4)', 0));
SELECT damage(6, format(:'parts', 'data = ''''', 1));
SELECT damage(7, format(:'parts', 'format = 2', 2));
SELECT damage(8, format(:'parts', 'part = 6', 4));
SELECT damage(17, format(:'parts', 'part = 6', 5));
SELECT damage(9, 'lem_model SET digest = set_bit(digest, 0, 1 - get_bit(digest, 0)) WHERE name = ''damaged''');
SELECT damage(10, 'lem_model SET digest = '''' WHERE name = ''damaged''');
SELECT damage(11, 'lem_model SET config = config || ''{"gaps":"skip"}'' WHERE name = ''damaged''');
SELECT damage(12, 'lem_model SET config = config || ''{"n_ahead":5}'' WHERE name = ''damaged''');
SELECT damage(13, 'lem_model SET config = config || ''{"unknown":5}'' WHERE name = ''damaged''');
SELECT damage(14, 'lem_model SET config = ''[]'' WHERE name = ''damaged''');
SELECT damage(15, format(:'parts', 'data = set_bit(data, 9, 1 - get_bit(data, 9))', 2), 'lem_forward(%L, array_fill(0::float4, ''{63}''), ''{0}'', ''{1}'')');
SELECT damage(16, 'lem_model SET deployed = deployed WHERE name = ''damaged''');

-- Part of a version that is already known to the session.
BEGIN;
SELECT length(lem_export('good@2'));
UPDATE lem_model_part SET sha256 = sha256('') FROM lem_model m WHERE m.id = model_id AND name = 'good' AND version = 2 AND part = 1;
SELECT attempt('SELECT lem_export(''good@2'')');
SELECT attempt('SELECT lem_export(''good@1'')');
ROLLBACK;

-- A failed load leaves nothing behind, and the model works once it is repaired.
BEGIN;
SELECT lem_import('repaired', file, config || '{"norm_window":99}') FROM good;
UPDATE lem_model_part SET data = set_bit(data, 9, 1 - get_bit(data, 9)) FROM lem_model m WHERE m.id = model_id AND name = 'repaired' AND part = 3;
SELECT attempt($$SELECT lem_forward('repaired', array_fill(0::float4, '{63}'), '{0}', '{1}')$$);
UPDATE lem_model_part SET data = set_bit(data, 9, 1 - get_bit(data, 9)) FROM lem_model m WHERE m.id = model_id AND name = 'repaired' AND part = 3;
SELECT lem_forward('repaired', x, '{0}', '{1}') = lem_forward('good', x, '{0}', '{1}') FROM array_fill(0::float4, '{63}') x;
ROLLBACK;

SELECT lem_drop('good');
SET client_min_messages = warning;
DROP SCHEMA test_model_errors CASCADE;

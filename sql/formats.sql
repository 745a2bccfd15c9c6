-- What is on disk: values and parts of models that older versions wrote can still be read, and the
-- present one writes the same.  The samples are frozen; a new format gets a number and a sample of
-- its own, and those before stay here.  (They are in the byte order of x86-64 and ARM.)

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- lem_bars, format 1: the bytes of a value behind its length
SET client_min_messages = warning;
CREATE TYPE formats_bytes;
CREATE FUNCTION formats_bytes_in(cstring) RETURNS formats_bytes AS 'byteain' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION formats_bytes_out(formats_bytes) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE formats_bytes (INPUT = formats_bytes_in, OUTPUT = formats_bytes_out, INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external);
CREATE CAST (formats_bytes AS lem_bars) WITHOUT FUNCTION;
CREATE CAST (lem_bars AS formats_bytes) WITHOUT FUNCTION;
RESET client_min_messages;
CREATE TABLE formats_bars (name text, stored formats_bytes, written text);
INSERT INTO formats_bars VALUES
	('without features', '\x0100000002000000000000000060e80a47ea020000047ce147ea020000000000006059400000000000805940000000000000000000000000e0699f40', '{"2026-01-01 00:00:00+00" 101.5 0, "2026-01-01 01:00:00+00" 102 2010.46875}'),
	('two features', '\x0100020001000000000000000060e80a47ea02005839b4c876be5940000000000000594000000000000000c0333333333333d33f', '{"2026-01-01 00:00:00+00" 102.976 100 [-2 0.3]}'),
	('none', '\x010000000000000000000000', '{}');
SELECT name, stored::lem_bars::text AS read, stored::lem_bars::text = written AS reads, written::lem_bars::formats_bytes::text = stored::text AS "writes the same" FROM formats_bars;
-- A format of the future, and damage, are refused.
DO $$
DECLARE
	bytes formats_bytes;
BEGIN
	FOREACH bytes IN ARRAY ARRAY['\x040000000000000000000000', '\x0100', '\x010000000100000000000000', '\x010041000000000000000000']::formats_bytes[] LOOP
		BEGIN
			PERFORM bytes::lem_bars::text;
			RAISE NOTICE 'no error';
		EXCEPTION WHEN data_corrupted THEN
			RAISE NOTICE '%', SQLERRM;
		END;
	END LOOP;
END
$$;
-- The binary form of COPY and of clients
\copy (SELECT written::lem_bars FROM formats_bars) TO PROGRAM 'md5sum | cut -c 1-32' BINARY
CREATE TABLE formats_copied (bars lem_bars);
\copy formats_copied FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\001\\0\\0\\0\\064\\0\\001\\0\\002\\0\\0\\0\\0\\0\\0\\0\\001\\0\\002\\352\\107\\012\\350\\140\\0\\100\\131\\276\\166\\310\\264\\071\\130\\100\\131\\0\\0\\0\\0\\0\\0\\300\\0\\0\\0\\0\\0\\0\\0\\077\\323\\063\\063\\063\\063\\063\\063\\377\\377"' BINARY
SELECT bars::text = written AS reads FROM formats_copied, formats_bars WHERE name = 'two features';

-- A stored model, its parts in format 1
\set ECHO none
\i t/formats/model-1.sql
\set ECHO all
SELECT name, version, parameters, bytes, (SELECT count(*) FROM lem_model_part WHERE model_id = m.id) AS parts FROM lem_model AS m WHERE id = 1000000;
CREATE TABLE formats_series AS SELECT lem_bars(ts, 100 + sin(i), 1000 + 100 * (i % 7)) AS bars FROM generate_series(1, 200) AS i, LATERAL (SELECT timestamptz '2026-01-01 00:00:00+00' + i * interval '1 hour' AS ts) AS t;
SELECT step, state, round(allocation::numeric, 3) AS allocation FROM formats_series, lem_schedule('sample', lem_order(1000, min_bars => 1), bars);
SELECT round(sum(allocation)::numeric, 3) AS sum FROM formats_series, lem_schedule('sample', lem_order(1000), bars);
-- It is exported and imported again as the same parts.
SELECT lem_import('formats_again', lem_export('sample'));
SELECT bool_and(a.data = b.data AND a.sha256 = b.sha256) AS same, count(*) AS parts, max(b.format) AS format
FROM lem_model_part AS a JOIN lem_model_part AS b USING (part) WHERE a.model_id = 1000000 AND b.model_id = (SELECT id FROM lem_model WHERE name = 'formats_again');
-- The same with 16 bits a number: format 2 is float16, 3 bfloat16.
\set ECHO none
\i t/formats/model-2.sql
\i t/formats/model-3.sql
\set ECHO all
SELECT name, parameters, bytes, config ->> 'storage' AS storage FROM lem_model WHERE id > 1000000 ORDER BY id;
SELECT name, step, round(s.allocation::numeric, 3) AS allocation, abs(s.allocation - w.allocation) < 0.01 AS near
FROM formats_series, unnest('{sample_2,sample_3}'::text[]) AS name, lem_schedule(name, lem_order(1000, min_bars => 1), bars) AS s JOIN lem_schedule('sample', lem_order(1000, min_bars => 1), bars) AS w USING (step) ORDER BY name, step;
SELECT lem_import('formats_again_2', lem_export('sample_2')), lem_import('formats_again_3', lem_export('sample_3'));
SELECT a.name, a.digest = b.digest AS same FROM lem_model AS a JOIN lem_model AS b ON b.name = 'formats_again' || substr(a.name, 7) WHERE a.id > 1000000 ORDER BY a.id;
SELECT lem_import('formats_again_2', lem_export('sample'), config) FROM lem_model WHERE name = 'sample_2';
SELECT count(DISTINCT digest) AS "rounded as it was" FROM lem_model WHERE name IN ('sample_2', 'formats_again_2');
-- A format of the future is refused, and one that the config does not say.
DO $$
BEGIN
	FOR other IN 2 .. 4 LOOP
		BEGIN
			UPDATE lem_model_part SET format = other WHERE model_id = 1000000 AND part = 0;
			PERFORM lem_export('sample');
		EXCEPTION WHEN data_corrupted THEN
			DECLARE
				detail text;
			BEGIN
				GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
				RAISE NOTICE '%: %: %', other, SQLERRM, detail;
			END;
		END;
	END LOOP;
END
$$;

SELECT lem_drop('formats_again_2'), lem_drop('formats_again_3');
SELECT lem_drop('formats_again');
DELETE FROM lem_model WHERE id BETWEEN 1000000 AND 1000002;
DROP TABLE formats_bars, formats_copied, formats_series;
SET client_min_messages = warning;
DROP TYPE formats_bytes CASCADE;

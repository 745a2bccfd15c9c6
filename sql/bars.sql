-- The type lem_bars and its aggregate.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- What is wrong with a query: SQLSTATE, message, detail and hint.
CREATE FUNCTION pg_temp.error_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE query;
	RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN NEXT SQLSTATE || ': ' || SQLERRM;
	IF detail <> '' THEN RETURN NEXT '  ' || detail; END IF;
	IF hint <> '' THEN RETURN NEXT '  ' || hint; END IF;
END
$$;

-- Does the plan of a query contain a node of this kind?
CREATE FUNCTION pg_temp.plan_has(query text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%' || node || '%' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END
$$;

--
-- Text form
--
SELECT '{}'::lem_bars;
SELECT '{"2024-01-01 00:00:00+00" 101.5 2000}'::lem_bars;
SELECT ' {  "2024-01-01 01:00:00+01"101.5  2000,
	"2024-01-01T02:30:00.000001Z"	1e2 0 } '::lem_bars AS spaces_and_zones;
SELECT '{"2024-01-02 00:00:00+00" 2 20 [3 -4.5], "2024-01-01 00:00:00+00" 1 10 [1e-300 0]}'::lem_bars
	AS sorted;
SELECT '{"0044-03-15 00:00:00+00 BC" 1 1, "12345-01-01 00:00:00+00" 1 1}'::lem_bars AS far_times;

-- Output does not depend on settings and loses nothing.
BEGIN;
SET LOCAL timezone = 'America/New_York';
SET LOCAL datestyle = 'German, DMY';
SET LOCAL extra_float_digits = -15;
SELECT '{"2024-07-01 00:00:00.123456+00" 0.30000000000000004 5e-324, "2024-07-02 00:00:00+00" 1.7976931348623157e308 0.1}'::lem_bars;
SELECT '{"2024-01-01 00:00:00" 1 1}'::lem_bars AS zone_of_the_session;
COMMIT;

CREATE TEMP TABLE walk AS
SELECT timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts,
	100 * exp(sin(i / 7.0)) AS price,
	1000 * (1 + sin(i / 3.0)) * (i % 10) / 7.0 AS volume,
	ARRAY[cos(i / 5.0), (i % 3) / 3.0] AS features,
	i
FROM generate_series(1, 5000) AS i;

SELECT lem_bars_count(b), lem_bars_send(b::text::lem_bars) = lem_bars_send(b) AS same
FROM (SELECT lem_bars(ts, price, volume) AS b FROM walk) AS a;
SELECT lem_bars_count(b), lem_bars_send(b::text::lem_bars) = lem_bars_send(b) AS same
FROM (SELECT lem_bars(ts, price, volume, features) AS b FROM walk) AS a;

-- Malformed text
SELECT t AS input, e FROM unnest(ARRAY[
	'',
	'x',
	'{',
	'{"2024-01-01 00:00:00+00" 1 1',
	'{"2024-01-01 00:00:00+00" 1 1}}',
	'{"2024-01-01 00:00:00+00" 1 1,}',
	'{"2024-01-01 00:00:00+00" 1}',
	'{"2024-01-01 00:00:00+00" 1 1 1}',
	'{2024-01-01 1 1}',
	'{"2024-01-01 00:00:00+00 1 1}',
	'{"2024-13-01 00:00:00+00" 1 1}',
	'{"yesteryear" 1 1}',
	'{"" 1 1}',
	'{"infinity" 1 1}',
	'{"2024-01-01 00:00:00+00" one 1}',
	'{"2024-01-01 00:00:00+00" nan 1}',
	'{"2024-01-01 00:00:00+00" 0x10 1}',
	'{"2024-01-01 00:00:00+00" 1e999 1}',
	'{"2024-01-01 00:00:00+00" 1e-999 1}',
	'{"2024-01-01 00:00:00+00" 1-2 1}',
	'{"2024-01-01 00:00:00+00" -1 1}',
	'{"2024-01-01 00:00:00+00" 0 1}',
	'{"2024-01-01 00:00:00+00" 1 -1}',
	'{"2024-01-01 00:00:00+00" 1 1 [1}',
	'{"2024-01-01 00:00:00+00" 1 1 [1,2]}',
	'{"2024-01-01 00:00:00+00" 1 1 [1], "2024-01-02 00:00:00+00" 1 1}',
	'{"2024-01-01 00:00:00+00" 1 1, "2024-01-01 01:00:00+01" 1 1}'
]) AS t, pg_temp.error_of(format('SELECT %L::lem_bars', t)) WITH ORDINALITY AS e(e, line)
WHERE line = 1;
SELECT pg_temp.error_of($$SELECT '{"2024-01-01" x 1}'::lem_bars$$);
SELECT pg_temp.error_of($$SELECT ('{"' || repeat('1', 100000) || '" 1 1}')::lem_bars$$);
SELECT count(*), max(length(e)) < 500 AS short
FROM pg_temp.error_of($$SELECT repeat('{', 1000000)::lem_bars$$) AS e;
SELECT pg_temp.error_of($$SELECT ('{"2024-01-01 00:00:00+00" 1 1 [' || repeat('1 ', 65) || ']}')::lem_bars$$);
SELECT length((('{"2024-01-01 00:00:00+00" 1 1 [' || repeat('1 ', 64) || ']}')::lem_bars)::text);

--
-- Binary form: through COPY, and what a client could send, as bytea
--
SELECT current_setting('data_directory') || '/lem_bars.bin' AS file \gset
CREATE TEMP TABLE kept (b lem_bars);
CREATE TEMP TABLE copied (b lem_bars);
INSERT INTO kept SELECT lem_bars(ts, price, volume, features) FROM walk;
INSERT INTO kept SELECT lem_bars(ts, price, volume) FROM walk;
INSERT INTO kept VALUES ('{}'), (NULL);
COPY kept TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT lem_bars_count(k.b), lem_bars_send(k.b) IS NOT DISTINCT FROM lem_bars_send(c.b) AS same
FROM (SELECT b, row_number() OVER () AS i FROM kept) AS k
JOIN (SELECT b, row_number() OVER () AS i FROM copied) AS c USING (i);

CREATE TEMP TABLE message (what text, bytes bytea);
INSERT INTO message
WITH good AS (SELECT lem_bars_send('{"2024-01-01 00:00:00+00" 1 10 [7], "2024-01-02 00:00:00+00" 2 20 [8]}') AS g)
SELECT 'as sent', g FROM good
UNION ALL SELECT 'empty', '' FROM good
UNION ALL SELECT 'cut in the header', substr(g, 1, 7) FROM good
UNION ALL SELECT 'cut in the bars', substr(g, 1, length(g) - 1) FROM good
UNION ALL SELECT 'bytes after the bars', g || '\x00' FROM good
UNION ALL SELECT 'format 4', overlay(g PLACING '\x0004' FROM 1) FROM good
UNION ALL SELECT '65535 features', overlay(g PLACING '\xffff' FROM 3) FROM good
UNION ALL SELECT '2^62 bars', overlay(g PLACING '\x4000000000000000' FROM 5) FROM good
UNION ALL SELECT '2^61 bars without features', '\x00010000' || '\x2000000000000000'::bytea FROM good
UNION ALL SELECT '-1 bars', overlay(g PLACING '\xffffffffffffffff' FROM 5) FROM good
UNION ALL SELECT 'fewer bars', overlay(g PLACING '\x0000000000000001' FROM 5) FROM good
UNION ALL SELECT 'time infinity', overlay(g PLACING '\x7fffffffffffffff' FROM 21) FROM good
UNION ALL SELECT 'times fall', overlay(g PLACING '\x8000000000000001' FROM 21) FROM good
UNION ALL SELECT 'same time twice', overlay(g PLACING substr(g, 13, 8) FROM 21) FROM good
UNION ALL SELECT 'price NaN', overlay(g PLACING '\x7ff8000000000000' FROM 29) FROM good
UNION ALL SELECT 'price 0', overlay(g PLACING '\x0000000000000000' FROM 37) FROM good
UNION ALL SELECT 'volume infinite', overlay(g PLACING '\x7ff0000000000000' FROM 45) FROM good
UNION ALL SELECT 'feature NaN', overlay(g PLACING '\x7ff8000000000000' FROM 69) FROM good;
TRUNCATE copied;

-- Let lem_bars read these bytes.
CREATE FUNCTION pg_temp.receive(message bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
	EXECUTE format('COPY copied FROM %L (FORMAT binary)', file);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
SELECT what, pg_temp.receive(bytes, :'file') FROM message;
SELECT * FROM copied;

--
-- The aggregate
--
SELECT lem_bars(ts, price, volume) FROM (VALUES
	(timestamptz '2024-01-03 00:00:00+00', 3::float8, 30::float8),
	('2024-01-01 00:00:00+00', 1, 10),
	('2024-01-02 00:00:00+00', NULL, 20),
	('2024-01-04 00:00:00+00', 4, NULL),
	(NULL, 5, 50),
	('2023-12-31 00:00:00+00', 2, 0)) AS bars(ts, price, volume);
SELECT lem_bars(ts, price, volume, features) FROM (VALUES
	(timestamptz '2024-01-03 00:00:00+00', 3::float8, 30::float8, '{1,2}'::float8[]),
	('2024-01-01 00:00:00+00', NULL, 10, NULL),
	('2024-01-02 00:00:00+00', 2, 20, '{3,4}')) AS bars(ts, price, volume, features);
SELECT lem_bars(ts, price, volume) IS NULL AS no_rows FROM walk WHERE false;
SELECT lem_bars(ts, NULL, volume) IS NULL AS all_dropped FROM walk;
SELECT lem_bars(ts, price, volume) FROM walk WHERE i = 1 AND price > 0 \gset one_
SELECT lem_bars_count(:'one_lem_bars') AS one_row;
SELECT lem_bars_send(lem_bars(ts, price, volume, '{}'::float8[])) = lem_bars_send(lem_bars(ts, price, volume))
	AS no_features FROM walk;

-- Any order of input gives the same value.
SELECT count(DISTINCT b) FROM (
	SELECT lem_bars_send(lem_bars(ts, price, volume, features ORDER BY ts)) AS b FROM walk
	UNION ALL SELECT lem_bars_send(lem_bars(ts, price, volume, features ORDER BY ts DESC)) FROM walk
	UNION ALL SELECT lem_bars_send(lem_bars(ts, price, volume, features ORDER BY hashint4(i))) FROM walk
	) AS a;

-- Errors name the bar.
SELECT q, e FROM (VALUES
	($$ts, CASE i WHEN 7 THEN 'NaN' ELSE price END, volume$$),
	($$ts, CASE i WHEN 7 THEN 'Infinity' ELSE price END, volume$$),
	($$ts, CASE i WHEN 7 THEN 0 ELSE price END, volume$$),
	($$ts, CASE i WHEN 7 THEN -1e-9 ELSE price END, volume$$),
	($$ts, price, CASE i WHEN 7 THEN 'NaN' ELSE volume END$$),
	($$ts, price, CASE i WHEN 7 THEN 'Infinity' ELSE volume END$$),
	($$ts, price, CASE i WHEN 7 THEN -1 ELSE volume END$$),
	($$CASE i WHEN 7 THEN ts + interval '1 hour' ELSE ts END, price, volume$$),
	($$CASE i WHEN 7 THEN '-infinity' ELSE ts END, price, volume$$),
	($$ts, price, volume, CASE i WHEN 7 THEN '{1,NaN}' ELSE features END$$),
	($$ts, price, volume, CASE i WHEN 7 THEN '{1,NULL}' ELSE features END$$),
	($$ts, price, volume, CASE i WHEN 7 THEN NULL ELSE features END$$),
	($$ts, price, volume, CASE i WHEN 7 THEN '{1,2,3}' ELSE features END$$),
	($$ts, price, volume, CASE i WHEN 7 THEN '{{1},{2}}' ELSE features END$$),
	($$ts, price, volume, array_fill(0::float8, ARRAY[65])$$)
	) AS query(q), pg_temp.error_of('SELECT lem_bars(' || q || ') FROM walk') WITH ORDINALITY AS e(e, line)
WHERE line = 1;

-- Groups and FILTER
SELECT i % 3 AS g, lem_bars_count(lem_bars(ts, price, volume)),
	lem_bars_count(lem_bars(ts, price, volume) FILTER (WHERE i <= 10)) AS filtered
FROM walk GROUP BY g ORDER BY g;

-- As a window function: a final call leaves the state as it was.
SELECT i, lem_bars_count(lem_bars(ts, price, volume) OVER (ORDER BY i DESC)) AS running,
	lem_bars_count(lem_bars(ts, price, volume) OVER (ORDER BY i ROWS 2 PRECEDING)) AS moving,
	lem_bars_send(lem_bars(ts, price, volume) OVER (ORDER BY i DESC)) =
	lem_bars_send((SELECT lem_bars(w.ts, w.price, w.volume) FROM walk AS w WHERE w.i BETWEEN walk.i AND 6))
	AS same
FROM walk WHERE i <= 6 ORDER BY i;

-- Parallel plans give the serial answer.
CREATE TABLE lem_test_bars AS SELECT * FROM walk ORDER BY hashint4(i);
ANALYZE lem_test_bars;
SELECT lem_bars_send(lem_bars(ts, price, volume)) AS plain,
	lem_bars_send(lem_bars(ts, price, volume, features)) AS rich FROM lem_test_bars \gset serial_
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT pg_temp.plan_has('SELECT lem_bars(ts, price, volume) FROM lem_test_bars', node) AS parallel, node
FROM (VALUES ('Finalize Aggregate'), ('Partial Aggregate')) AS nodes(node);
SELECT lem_bars_send(lem_bars(ts, price, volume)) = :'serial_plain' AS plain,
	lem_bars_send(lem_bars(ts, price, volume, features)) = :'serial_rich' AS rich
FROM lem_test_bars;
SELECT lem_bars(ts, price, volume) IS NULL AS none,
	(SELECT lem_bars_count(lem_bars(ts, price, volume)) FROM lem_test_bars WHERE i = 17) AS one
FROM lem_test_bars WHERE i < 0;
SELECT pg_temp.error_of('SELECT lem_bars(date_trunc(''day'', ts), price, volume) FROM lem_test_bars WHERE ts < ''2024-01-02 00:00:00+00''');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- Stored out of line, uncompressed; the count reads the start only.
CREATE TABLE lem_test_stored (b lem_bars);
INSERT INTO lem_test_stored SELECT lem_bars(ts, price, volume) FROM lem_test_bars;
SELECT attstorage FROM pg_attribute WHERE attrelid = 'lem_test_stored'::regclass AND attname = 'b';
SELECT lem_bars_count(b), lem_bars_send(b) = :'serial_plain' AS same FROM lem_test_stored;
DROP TABLE lem_test_stored;
DROP TABLE lem_test_bars;

--
-- Looking in
--
SELECT * FROM lem_unnest('{"2024-01-02 00:00:00+00" 2 20 [3 -4.5], "2024-01-01 00:00:00+00" 1 10 [5 0]}');
SELECT * FROM lem_unnest('{"2024-01-02 00:00:00+00" 2 20}');
SELECT count(*) FROM lem_unnest('{}');
SELECT count(*) FROM lem_unnest(NULL);
SELECT lem_unnest('{"2024-01-02 00:00:00+00" 2 20}');
SELECT count(*) AS different
FROM (SELECT ts, price, volume, features FROM walk EXCEPT
	SELECT u.ts, u.price, u.volume, u.features
	FROM (SELECT lem_bars(ts, price, volume, features) AS b FROM walk) AS a, lem_unnest(b) AS u) AS d;
SELECT lem_bars_count(NULL) IS NULL AS null_count;

-- The type lem_book, its aggregates, and the features of a book.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- What is wrong with a query: SQLSTATE and message.
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.plan_has(query text, line text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	FOR found IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF found ~ line THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END
$$;

--
-- Text form
--
SELECT '1 {}'::lem_book, '1 quotes sizes buys {}'::lem_book AS full;
SELECT '1 quotes sizes buys {"2024-01-01 00:01:00+00" 99 101 5 0 100 102 98 101 10 4 [1 -2.5],
	"2024-01-01 00:00:00+00" 100 100 1 2 100 100 100 100 0 0 [3 4]}'::lem_book AS locked_and_sorted;
SELECT '1 quotes{"2024-01-01 00:00:00+00" 99.5 100.5 100 101 99 100 7}'::lem_book AS no_sizes,
	'1{"2024-01-01 00:00:00+00" 100 101 99 100 7}'::lem_book AS no_quotes,
	'1 buys {"2024-01-01 00:00:00+00" 100 101 99 100 7 3}'::lem_book AS buys_only;
SELECT t AS input, pg_temp.error_of(format('SELECT %L::lem_book', t)) FROM unnest(ARRAY[
	'',
	'{}',
	'2 {}',
	'1',
	'1 sizes {}',
	'1 buys quotes {}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 100}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 100 7 3}',
	'1 quotes {"2024-01-01 00:00:00+00" 100 101 99 100 7}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 100 7} x',
	'1 {"2024-01-01 00:00:00+00" 100 98 99 100 7}',
	'1 {"2024-01-01 00:00:00+00" 98 101 99 100 7}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 102 7}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 100 -7}',
	'1 {"2024-01-01 00:00:00+00" nan 101 99 100 7}',
	'1 {"infinity" 100 101 99 100 7}',
	'1 quotes {"2024-01-01 00:00:00+00" 101 100 100 101 99 100 7}',
	'1 quotes sizes {"2024-01-01 00:00:00+00" 99 100 -1 5 100 101 99 100 7}',
	'1 buys {"2024-01-01 00:00:00+00" 100 101 99 100 7 8}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 100 7, "2024-01-01 01:00:00+01" 100 101 99 100 7}',
	'1 {"2024-01-01 00:00:00+00" 100 101 99 100 7 [1], "2024-01-02 00:00:00+00" 100 101 99 100 7}'
]) AS t;
SELECT pg_temp.error_of($$SELECT ('1 {"2024-01-01 00:00:00+00" 100 101 99 100 7 [' || repeat('1 ', 49) || ']}')::lem_book$$);

--
-- The aggregates
--
CREATE TABLE book_walk AS
SELECT timestamptz '2024-01-01 00:00:00+00' + i * interval '1 second' AS ts, i,
	99 + sin(i / 50.0) AS bid, 99 + sin(i / 50.0) + 0.01 * (1 + i % 3) AS ask,
	(i % 7)::float8 AS bid_size, (i % 5)::float8 AS ask_size,
	99 + sin(i / 50.0) AS open, 99.5 + sin(i / 50.0) AS high, 98.5 + sin(i / 50.0) AS low,
	99 + sin(i / 50.0) + 0.1 AS close, (i % 11)::float8 AS volume, (i % 11) / 2.0::float8 AS buy_volume,
	ARRAY[cos(i / 5.0), i % 3] AS features
FROM generate_series(1, 5000) AS i ORDER BY hashint4(i);
ANALYZE book_walk;

-- The nine forms: what each keeps, and nothing is lost by text or by the binary form.
CREATE TABLE book_forms (form text, args text);
INSERT INTO book_forms VALUES
	('trades', 'open, high, low, close, volume'),
	('trades, buys', 'open, high, low, close, volume, buy_volume'),
	('trades, features', 'open, high, low, close, volume, NULL, features'),
	('quotes', 'bid, ask, open, high, low, close, volume'),
	('quotes, buys', 'bid, ask, open, high, low, close, volume, buy_volume'),
	('quotes, buys, features', 'bid, ask, open, high, low, close, volume, buy_volume, features'),
	('sizes', 'bid, ask, bid_size, ask_size, open, high, low, close, volume'),
	('sizes, buys', 'bid, ask, bid_size, ask_size, open, high, low, close, volume, buy_volume'),
	('sizes, buys, features', 'bid, ask, bid_size, ask_size, open, high, low, close, volume, buy_volume, features');
CREATE FUNCTION pg_temp.form_check(args text) RETURNS TABLE (bars bigint, kept text, text_same boolean, rows_same boolean, any_order boolean)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT lem_book_count(b), split_part(b::text, '{', 1), lem_book_send(b::text::lem_book) = lem_book_send(b),
			NOT EXISTS (SELECT u.ts, u.open, u.high, u.low, u.close, u.volume FROM lem_book_unnest(b) AS u
				EXCEPT SELECT w.ts, w.open, w.high, w.low, w.close, w.volume FROM book_walk AS w),
			lem_book_send(b) = lem_book_send(c)
		FROM (SELECT lem_book(ts, %1$s) AS b, lem_book(ts, %1$s ORDER BY ts DESC) AS c FROM book_walk) AS a $q$, args);
END
$$;
SET max_parallel_workers_per_gather = 0;
SELECT form, c.* FROM book_forms, pg_temp.form_check(args) AS c;

-- Parallel plans really run, and give what one process gives.
SELECT lem_book_send(lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume, buy_volume, features)) AS rich,
	lem_book_send(lem_book(ts, open, high, low, close, volume)) AS plain FROM book_walk \gset serial_
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE book_walk SET (parallel_workers = 2);
SELECT node, pg_temp.plan_has('SELECT lem_book(ts, open, high, low, close, volume) FROM book_walk', node) AS found
FROM unnest(ARRAY['Finalize Aggregate', 'Partial Aggregate', 'Workers Launched: [1-2]']) AS node;
SELECT lem_book_send(lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume, buy_volume, features)) = :'serial_rich' AS rich,
	lem_book_send(lem_book(ts, open, high, low, close, volume)) = :'serial_plain' AS plain FROM book_walk;
SELECT pg_temp.error_of($$SELECT lem_book(ts, open, high, low, close, volume, CASE WHEN i % 2 = 0 THEN volume END, features) FROM book_walk$$) ~ '^LM014' AS mixed;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- Bars without trades; what is left out, and what is missing.
SELECT lem_book(ts, bid, ask, open, high, low, close, volume) FROM (VALUES
	(timestamptz '2024-01-02 00:00:00+00', 99::float8, 101::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8),
	('2024-01-01 00:00:00+00', 99, 102, NULL, NULL, NULL, NULL, 0),
	(NULL, 99, 102, 1, 1, 1, 1, 1)) AS r(ts, bid, ask, open, high, low, close, volume);
SELECT lem_book(ts, open, high, low, close, volume) IS NULL AS none FROM book_walk WHERE false;
SELECT lem_book(ts, open, high, low, NULL::float8, volume) IS NULL AS all_left_out FROM book_walk;
SELECT args, pg_temp.error_of(format('SELECT lem_book(%s) FROM book_walk WHERE i < 9', args)) FROM unnest(ARRAY[
	'ts, CASE i WHEN 7 THEN 200 ELSE 99 END, 100, open, high, low, close, volume',
	'ts, CASE i WHEN 7 THEN NULL ELSE bid END, ask, open, high, low, close, volume',
	'ts, bid, CASE i WHEN 7 THEN NULL ELSE ask END, open, high, low, close, volume',
	'ts, bid, CASE i WHEN 7 THEN ''Infinity'' ELSE ask END, open, high, low, close, volume',
	'ts, bid, ask, CASE i WHEN 7 THEN -1 ELSE 1 END, ask_size, open, high, low, close, volume',
	'ts, bid, ask, bid_size, CASE i WHEN 7 THEN NULL ELSE 1 END, open, high, low, close, volume',
	'ts, bid, ask, open, CASE i WHEN 7 THEN 1 ELSE high END, CASE i WHEN 7 THEN 2 ELSE low END, close, volume',
	'ts, bid, ask, open, CASE i WHEN 7 THEN NULL ELSE high END, low, close, volume',
	'ts, bid, ask, open, high, low, close, CASE i WHEN 7 THEN ''NaN'' ELSE volume END',
	'ts, bid, ask, open, high, low, close, CASE i WHEN 7 THEN NULL ELSE volume END',
	'ts, open, high, low, close, volume, CASE i WHEN 7 THEN 100 ELSE 0 END',
	'ts, open, high, low, close, volume, CASE WHEN i > 6 THEN 1::float8 END, features',
	'ts, open, high, low, close, volume, NULL, CASE i WHEN 7 THEN NULL ELSE features END',
	'ts, open, high, low, close, volume, NULL, CASE i WHEN 7 THEN ''{1,NaN}'' ELSE features END',
	'ts, open, high, low, close, volume, NULL, array_fill(0::float8, ARRAY[49])',
	'CASE i WHEN 7 THEN ''infinity'' ELSE ts END, open, high, low, close, volume',
	'CASE i WHEN 7 THEN timestamptz ''2024-01-01 00:00:03+00'' ELSE ts END, open, high, low, close, volume'
]) AS args;

--
-- Binary form: through COPY, and what a client could send, as bytea
--
SELECT current_setting('data_directory') || '/lem_book.bin' AS file \gset
CREATE TEMP TABLE kept (b lem_book);
CREATE TEMP TABLE copied (b lem_book);
INSERT INTO kept SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume, buy_volume, features) FROM book_walk;
INSERT INTO kept SELECT lem_book(ts, open, high, low, close, volume) FROM book_walk;
INSERT INTO kept VALUES ('1 {}'), ('1 quotes {}'), (NULL);
COPY kept TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT lem_book_count(k.b), lem_book_send(k.b) IS NOT DISTINCT FROM lem_book_send(c.b) AS same
FROM (SELECT b, row_number() OVER () AS i FROM kept) AS k
JOIN (SELECT b, row_number() OVER () AS i FROM copied) AS c USING (i);
CREATE TEMP TABLE message (what text, bytes bytea);
INSERT INTO message
WITH good AS (SELECT lem_book_send('1 quotes {"2024-01-01 00:00:00+00" 99 101 100 102 98 101 10, "2024-01-02 00:00:00+00" 99 101 100 102 98 101 10}') AS g)
SELECT 'as sent', g FROM good
UNION ALL SELECT 'empty', '' FROM good
UNION ALL SELECT 'cut in the header', substr(g, 1, 3) FROM good
UNION ALL SELECT 'cut in the bars', substr(g, 1, length(g) - 1) FROM good
UNION ALL SELECT 'bytes after the bars', g || '\x00' FROM good
UNION ALL SELECT 'format 2', overlay(g PLACING '\x0002' FROM 1) FROM good
UNION ALL SELECT 'sizes without quotes', overlay(g PLACING '\x0002' FROM 3) FROM good
UNION ALL SELECT 'layout 99', overlay(g PLACING '\x0063' FROM 3) FROM good
UNION ALL SELECT 'more columns than there are', overlay(g PLACING '\x0007' FROM 3) FROM good
UNION ALL SELECT 'fewer columns: two features', overlay(g PLACING '\x0000' FROM 3) FROM good
UNION ALL SELECT '65535 columns', overlay(g PLACING '\xffff' FROM 7) FROM good
UNION ALL SELECT '2^61 bars', overlay(g PLACING '\x2000000000000000' FROM 9) FROM good
UNION ALL SELECT '-1 bars', overlay(g PLACING '\xffffffffffffffff' FROM 9) FROM good
UNION ALL SELECT 'time infinity', overlay(g PLACING '\x7fffffffffffffff' FROM 25) FROM good
UNION ALL SELECT 'same time twice', overlay(g PLACING substr(g, 17, 8) FROM 25) FROM good
UNION ALL SELECT 'close NaN', overlay(g PLACING '\x7ff8000000000000' FROM 33) FROM good
UNION ALL SELECT 'crossed', overlay(g PLACING '\x7fe0000000000000' FROM 65) FROM good;
TRUNCATE copied;
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

--
-- Looking in
--
SELECT * FROM lem_book_unnest('1 quotes {"2024-01-01 00:00:00+00" 99 101 100 102 98 101 10 [7 8]}'::lem_book);
SELECT count(*) FROM lem_book_unnest('1 {}'::lem_book);
SELECT count(*) FROM lem_book_unnest(NULL::lem_book);
SELECT ts, mid, spread, spread_source, spread_ticks, round(imbalance::numeric, 6) AS imbalance, order_flow,
	round(microprice::numeric, 6) AS microprice, signed_volume
FROM lem_book_features('1 quotes sizes buys {"2024-01-01 00:00:00+00" 100 101 5 7 100 102 98 101 10 4,
	"2024-01-01 00:00:01+00" 100 101 8 3 100 102 98 101 10 10, "2024-01-01 00:00:02+00" 100 100.5 0 0 100 102 98 101 0 0}', 0.25);
SELECT ts, mid, spread > 0 AS positive, spread_source, spread_ticks, imbalance, order_flow, microprice, signed_volume
FROM lem_book_features('1 {"2024-01-01 00:00:00+00" 100 102 98 101 10, "2024-01-01 00:00:01+00" 100 102 98 101 10}');
SELECT count(*) FROM lem_book_features(NULL);
SELECT pg_temp.error_of('SELECT lem_book_features(''1 {}'', 0)'), pg_temp.error_of('SELECT lem_book_features(''1 {}'', ''NaN'')');
-- Without quotes spreads are estimated: the planted one is found.
SELECT abs(sqrt(avg((spread / mid) ^ 2)) / 0.004 - 1) < 0.15 AS planted
FROM (SELECT lem_book(ts, first, high, low, last, 1) AS b FROM (
	SELECT timestamptz '2024-01-01' + i * interval '1 minute' AS ts, (array_agg(p ORDER BY j))[1] AS first, max(p) AS high, min(p) AS low,
		(array_agg(p ORDER BY j DESC))[1] AS last
	FROM generate_series(1, 4000) AS i, generate_series(1, 20) AS j,
		LATERAL (SELECT 100 * exp(CASE WHEN hashint4(i * 100 + j) % 2 = 0 THEN 0.002 ELSE -0.002 END) AS p) AS t
	GROUP BY i) AS bars) AS a, lem_book_features(b) OFFSET 0;

DROP TABLE book_walk, book_forms;

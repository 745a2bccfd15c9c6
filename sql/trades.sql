-- The aggregate lem_bar: bars out of trades.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

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

CREATE TABLE lem_test_trades (ts timestamptz, price float8, quantity float8);
INSERT INTO lem_test_trades VALUES
	('2024-01-01 00:00:30+00', 11, 2),
	('2024-01-01 00:00:10+00', 10, 1),
	('2024-01-01 00:00:50+00', 12.5, 4),
	('2024-01-01 00:00:40+00', 9, 1),
	('2024-01-01 00:01:10+00', 20, 0.5),
	('2024-01-01 00:02:10+00', NULL, 5),
	('2024-01-01 00:02:20+00', 7, NULL),
	(NULL, 7, 5),
	('2024-01-01 00:03:20+00', 8, 0);

SELECT date_bin('1 minute', ts, '2024-01-01') AS minute, (lem_bar(ts, price, quantity)).*
FROM lem_test_trades GROUP BY minute ORDER BY minute;
SELECT lem_bar(ts, price, quantity) IS NULL AS none FROM lem_test_trades WHERE false;

-- Trades of one time keep the order in which they come.
SELECT (lem_bar(ts, price, quantity)).* FROM (VALUES (timestamptz '2026-01-01', 0.95::float8, 10::float8), ('2026-01-01', 0.94, 10)) AS t(ts, price, quantity)
UNION ALL
SELECT (lem_bar(ts, price, quantity ORDER BY price)).*
FROM (VALUES (timestamptz '2024-01-01', 3::float8, 1::float8), ('2024-01-01', 2, 1), ('2024-01-01', 4, 1)) AS t(ts, price, quantity)
UNION ALL
SELECT (lem_bar(ts, price, quantity ORDER BY price DESC)).*
FROM (VALUES (timestamptz '2024-01-01', 3::float8, 1::float8), ('2024-01-01', 2, 1), ('2024-01-01', 4, 1)) AS t(ts, price, quantity);

-- With sequence numbers it does not matter how they come; those without one come last, and time comes first.
SELECT DISTINCT lem_bar(ts, price, 1, seq ORDER BY i * k % 5) AS bar, count(*) OVER () AS ways FROM generate_series(1, 4) AS k,
	(VALUES (1, timestamptz '2026-01-01 00:00+00', 3::float8, 7::bigint), (2, '2026-01-01 00:00+00', 2, 9), (3, '2026-01-01 00:00+00', 4, 8), (4, '2026-01-01 00:00:01+00', 6, 1)) AS t(i, ts, price, seq) GROUP BY k;
SELECT (lem_bar('2026-01-01', price, 1, seq ORDER BY i)).open AS numbered_first, (lem_bar('2026-01-01', price, 1, seq ORDER BY i)).close AS unnumbered_last
FROM (VALUES (1, 1, NULL), (2, 2, 5), (3, 3, NULL), (4, 4, 4), (5, 5, 9223372036854775807), (6, 6, 7)) AS t(i, price, seq);
SELECT (lem_bar('2026-01-01', price, 1, seq ORDER BY i)).open AS arrival_first, (lem_bar('2026-01-01', price, 1, seq ORDER BY i)).close AS arrival_last
FROM (VALUES (1, 5, 3), (2, 2, 3), (3, 4, 3)) AS t(i, price, seq);

-- Trades of whole seconds, 20 of them a second: what a bar moves has no drift that its trades have not.
WITH t AS (SELECT i, '2026-01-01'::timestamptz + (i / 20) * interval '1 s' AS ts, 100 + sum(((i::bigint * 2654435761) % 1000 / 1000.0 - 0.4995) * 0.02) OVER (ORDER BY i) AS p FROM generate_series(0, 7199) i)
SELECT count(*) AS bars, bool_and((b).open = o AND (b).close = c) AS arrival, bool_and((s).open = o AND (s).close = c) AS numbered
FROM (SELECT lem_bar(ts, p, 1 ORDER BY i) AS b, lem_bar(ts, p, 1, i ORDER BY p) AS s, (array_agg(p ORDER BY i))[1]::float8 AS o, (array_agg(p ORDER BY i DESC))[1]::float8 AS c FROM t GROUP BY date_bin('1 min', ts, '2000-01-01')) x;

-- Prices at and below zero are prices (oil on 2020-04-20).
SELECT (lem_bar('2020-04-20 18:00+00'::timestamptz + i * interval '1 min', p, q)).* FROM (VALUES (1, 18, 100), (2, 0, 0), (3, -37.5, 200), (4, -13, 0)) AS t(i, p, q);

-- A VWAP never leaves the range of the prices.
SELECT (b).vwap BETWEEN (b).low AND (b).high AS inside, (b).low = (b).vwap AS exact
FROM (SELECT lem_bar(timestamptz '2024-01-01' + i * interval '1 s', 0.1, 0.1 + i / 3.0) AS b
	FROM generate_series(1, 1000) AS i) AS a;

-- Sums are compensated: small trades after a large one are not lost.
SELECT (b).volume = 1e16::float8 + 10000 AS volume, (b).notional = 1e16::float8 + 10000 AS notional
FROM (SELECT lem_bar(timestamptz '2024-01-01' + i * interval '1 s', 1, CASE i WHEN 0 THEN 1e16 ELSE 1 END) AS b
	FROM generate_series(0, 10000) AS i) AS a;

-- Errors
SELECT q, e FROM (VALUES
	($$lem_bar('2024-01-01', 'NaN', 1)$$),
	($$lem_bar('2024-01-01', 'Infinity', 1)$$),
	($$lem_bar('2024-01-01', '-Infinity', 1)$$),
	($$lem_bar('infinity', 1, 1)$$),
	($$lem_bar('-infinity', 1, 1, 5)$$),
	($$lem_bar('2024-01-01', 1, -1)$$),
	($$lem_bar('2024-01-01', 1, 'NaN')$$),
	($$lem_bar('2024-01-01', 1e200, 1e200)$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;
SELECT e FROM pg_temp.error_of($$SELECT lem_bar('2024-01-01', 1, 1e308) FROM generate_series(1, 2)$$) AS e;

-- As a window function
SELECT ts, (lem_bar(ts, price, quantity) OVER (ORDER BY ts)).trades AS running,
	(lem_bar(ts, price, quantity) OVER (ORDER BY ts ROWS 1 PRECEDING)).high AS moving
FROM lem_test_trades WHERE price IS NOT NULL AND quantity IS NOT NULL AND ts IS NOT NULL ORDER BY ts;

-- Parallel plans give the serial answer.
INSERT INTO lem_test_trades
SELECT timestamptz '2024-02-01 00:00:00+00' + (i * 7919 % 20011) * interval '1 s',
	100 + (i * 31 % 1009) / 64.0, (i * 17 % 257) / 8.0
FROM generate_series(1, 20000) AS i;
ANALYZE lem_test_trades;
SELECT lem_bar(ts, price, quantity) AS bar FROM lem_test_trades \gset serial_
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT lem_bar(ts, price, quantity) FROM lem_test_trades;
SELECT lem_bar(ts, price, quantity)::text = :'serial_bar' AS same FROM lem_test_trades;
SELECT lem_bar(ts, price, quantity) IS NULL AS none FROM lem_test_trades WHERE price < 0;
-- Trades of one time on several workers: their numbers decide.
CREATE TABLE lem_test_numbered AS SELECT i AS seq, timestamptz '2024-02-01' + i / 5000 * interval '1 s' AS ts, (i * 31 % 1009)::float8 AS price FROM generate_series(1, 20000) AS i ORDER BY hashint4(i);
ANALYZE lem_test_numbered;
EXPLAIN (COSTS OFF) SELECT lem_bar(ts, price, 1, seq) FROM lem_test_numbered;
SELECT (b).open = 31 AS open, (b).close = 20000 * 31 % 1009 AS close, (b).trades FROM (SELECT lem_bar(ts, price, 1, seq) AS b FROM lem_test_numbered) AS x;
DROP TABLE lem_test_numbered;
DROP TABLE lem_test_trades;

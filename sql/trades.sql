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

-- Trades at the same time are ordered by price, then quantity, whatever order they come in.
SELECT (lem_bar(ts, price, quantity ORDER BY price)).*
FROM (VALUES (timestamptz '2024-01-01', 3::float8, 1::float8), ('2024-01-01', 2, 1), ('2024-01-01', 4, 1)) AS t(ts, price, quantity)
UNION ALL
SELECT (lem_bar(ts, price, quantity ORDER BY price DESC)).*
FROM (VALUES (timestamptz '2024-01-01', 3::float8, 1::float8), ('2024-01-01', 2, 1), ('2024-01-01', 4, 1)) AS t(ts, price, quantity);

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
	($$lem_bar('2024-01-01', 0, 1)$$),
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
DROP TABLE lem_test_trades;

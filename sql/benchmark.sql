-- Benchmarks: lem_vwap, lem_twap, lem_slippage_bps.

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
-- Equal to a relative 1e-12, NULL to NULL, NaN to NaN?
CREATE FUNCTION pg_temp.near(a float8, b float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL
		WHEN a = b THEN true
		ELSE abs(a - b) <= 1e-12 * abs(b) END
$$;

-- Averages
SELECT lem_vwap(p, v), lem_twap(p) FROM (VALUES (10::float8, 1::float8), (11, 2), (12, 5), (NULL, 7), (99, NULL), (20, 0)) AS t(p, v);
SELECT lem_vwap(p, v) IS NULL AS vwap, lem_twap(p) IS NULL AS twap FROM (VALUES (1::float8, 1::float8)) AS t(p, v) WHERE false;
SELECT lem_vwap(p, v) IS NULL AS "no volume", lem_twap(p) FROM (VALUES (10::float8, 0::float8), (11, 0), (NULL, 2)) AS t(p, v);
-- Whole numbers and numerics are taken as float8.
SELECT lem_vwap(10 + i % 2, i), lem_twap(i::numeric) FROM generate_series(1, 4) AS i;
-- Equal prices have just that average, however odd the volumes; a share of the volumes has the average of the volumes.
SELECT bool_and(vwap = p AND twap = p) AS exact
FROM (SELECT p, lem_vwap(p, 0.1 / i) AS vwap, lem_twap(p) AS twap FROM generate_series(1, 99) AS i, (VALUES (0.1::float8), (1 / 3.0), (1e-3), (98765.4321)) AS t(p) GROUP BY p) AS a;
SELECT lem_vwap(100 + sin(i), i / 7.0) = lem_vwap(100 + sin(i), i / 7.0::float8 / 64) AS share, lem_vwap(100 + sin(i), 0.3) = lem_twap(100 + sin(i)) AS equal
FROM generate_series(1, 1000) AS i;
-- Small rows after a large one are not lost; negative prices are prices.
SELECT lem_vwap(CASE i WHEN 0 THEN 1e16 ELSE 1 END, 1) * 10001 = 1e16::float8 + 10000 AS vwap, lem_twap(-i) FROM generate_series(0, 10000) AS i;
-- What is not finite
SELECT n, lem_vwap(p, v), lem_twap(p)
FROM (VALUES (1, 'NaN'::float8, 1::float8), (2, 1, 'NaN'), (3, 'Infinity', 2), (4, '-Infinity', 2), (5, 'Infinity', 2), (5, '-Infinity', 2),
	(6, 5, 'Infinity'), (7, 'Infinity', 0), (8, 'NaN', 0), (8, 1, 0), (9, 'NaN', NULL), (9, NULL, 'NaN')) AS t(n, p, v)
GROUP BY n ORDER BY n;
SELECT q, e FROM (VALUES
	($$lem_vwap(1, -1)$$),
	($$lem_vwap(1, '-Infinity')$$),
	($$lem_vwap(1e200, 1e200)$$),
	($$lem_vwap(1, x) FROM (VALUES (1e308), (1e308)) AS t(x)$$),
	($$lem_twap(x) FROM (VALUES (1e308), (1e308)) AS t(x)$$),
	($$lem_vwap(1e-300, 1e-300)$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;

-- Moving frames: rows leave, and the average is that of the rows left; also after NaN, infinities, zero volumes and spikes.
CREATE TABLE benchmark_rows AS
SELECT i, timestamptz '2026-01-01' + i * interval '1 s' + (i * 7919 % 1009) * interval '0.7 ms' AS ts,
	CASE WHEN i % 1000 = 500 THEN 'NaN' WHEN i % 1500 = 700 THEN 'Infinity' WHEN i % 1500 = 705 THEN '-Infinity'
		WHEN i % 1700 = 900 THEN NULL WHEN i % 2100 = 1000 THEN 1e290 WHEN i % 2100 = 1003 THEN 1e150 ELSE 100 + 10 * sin(i / 50.0) END AS p,
	CASE WHEN i % 1300 = 800 THEN 'NaN' WHEN i % 1900 = 900 THEN NULL WHEN i % 900 BETWEEN 300 AND 360 THEN 0 ELSE 1 + i * 7919 % 997 / 3.0 END AS v
FROM generate_series(1, 6000) AS i;
CREATE TABLE benchmark_frames AS
SELECT r.i, f.* FROM benchmark_rows AS r,
	LATERAL (SELECT lem_vwap(p, v) AS vwap, lem_twap(p) AS twap, lem_twap(ts, p, ts + interval '1.2 s') AS steps,
		lem_twap(ts, p, r.ts + interval '1 s') AS until
		FROM benchmark_rows AS b WHERE b.i BETWEEN r.i - 30 AND r.i) AS f;
SELECT count(*), bool_and(pg_temp.near(m.vwap, f.vwap)) AS vwap, bool_and(pg_temp.near(m.twap, f.twap)) AS twap, bool_and(pg_temp.near(m.steps, f.steps)) AS steps,
	count(*) FILTER (WHERE m.vwap IS NULL) AS "no volume", count(*) FILTER (WHERE m.vwap = 'NaN') AS nan, count(*) FILTER (WHERE abs(m.vwap) = 'Infinity') AS infinite,
	count(*) FILTER (WHERE m.steps = 'NaN') AS "steps nan"
FROM (SELECT i, lem_vwap(p, v) OVER w AS vwap, lem_twap(p) OVER w AS twap, lem_twap(ts, p, ts + interval '1.2 s') OVER w AS steps
	FROM benchmark_rows WINDOW w AS (ORDER BY i ROWS 30 PRECEDING)) AS m JOIN benchmark_frames AS f USING (i);
-- Frames in falling order of time, and by time
SELECT bool_and(pg_temp.near(down.steps, f.steps)) AS down
FROM (SELECT i + 30 AS i, lem_twap(ts, p, ts + interval '1.2 s') OVER (ORDER BY ts DESC ROWS 30 PRECEDING) AS steps FROM benchmark_rows) AS down
JOIN benchmark_frames AS f USING (i);
SELECT bool_and(pg_temp.near(m.vwap, f.vwap) AND pg_temp.near(m.steps, f.steps)) AS range
FROM (SELECT ts, lem_vwap(p, v) OVER w AS vwap, lem_twap(ts, p, ts + interval '1.2 s') OVER w AS steps
	FROM benchmark_rows WINDOW w AS (ORDER BY ts RANGE BETWEEN '10 s' PRECEDING AND '5 s' FOLLOWING)) AS m,
	LATERAL (SELECT lem_vwap(p, v) AS vwap, lem_twap(ts, p, ts + interval '1.2 s') AS steps
		FROM benchmark_rows AS b WHERE b.ts BETWEEN m.ts - interval '10 s' AND m.ts + interval '5 s') AS f;

-- A long way: after 100,000 rows in and out, no drift from frames taken anew.
CREATE TABLE benchmark_long AS
SELECT i, timestamptz '2026-01-01' + i * interval '1 s' AS ts, 100 * exp(sin(i * 0.37) + 1e-5 * i) AS p, exp(8 * sin(i * 0.11)) AS v FROM generate_series(1, 100000) AS i;
SELECT count(*) AS checked, bool_and(pg_temp.near(m.vwap, f.vwap)) AS vwap, bool_and(pg_temp.near(m.twap, f.twap)) AS twap, bool_and(pg_temp.near(m.steps, f.steps)) AS steps
FROM (SELECT i, lem_vwap(p, v) OVER w AS vwap, lem_twap(p) OVER w AS twap, lem_twap(ts, p, NULL) OVER w AS steps
	FROM benchmark_long WINDOW w AS (ORDER BY i ROWS 99 PRECEDING)) AS m,
	LATERAL (SELECT sum(p * v) / sum(v) AS vwap, avg(p) AS twap, lem_twap(ts, p, NULL) AS steps FROM benchmark_long AS b WHERE m.i % 1000 = 0 AND b.i BETWEEN m.i - 99 AND m.i) AS f
WHERE m.i % 1000 = 0;

-- Steps: each price holds until the next, not beyond its own end; any order of input.
SELECT lem_twap(ts, p, '2026-01-01 00:10') AS until, lem_twap(ts, p, NULL) AS open, lem_twap(ts, p, 'infinity') AS infinite,
	lem_twap(ts, p, ts + interval '1 min') AS own, lem_twap(ts, p, '2026-01-01 00:03') AS early, lem_twap(ts, p, '2026-01-01') IS NULL AS none
FROM (VALUES (timestamptz '2026-01-01 00:04', 20::float8), ('2026-01-01 00:00', 10), ('2026-01-01 00:02', NULL), (NULL, 5), ('2026-01-01 00:08', 30)) AS t(ts, p);
-- Rows of one time count as one, of their mean price.
SELECT lem_twap(ts, p, '2026-01-01 00:06') = 62 / 3.0::float8 AS mean FROM (VALUES (timestamptz '2026-01-01 00:00', 10::float8), ('2026-01-01 00:02', 20), ('2026-01-01 00:02', 22),
	('2026-01-01 00:04', 30), ('2026-01-01 00:04', 32)) AS t(ts, p);
SELECT bool_and(pg_temp.near(m.steps, f.steps)) AS "moving with equal times"
FROM (SELECT i, lem_twap(date_trunc('minute', ts), p, ts + interval '1 min') OVER (ORDER BY i ROWS 149 PRECEDING) AS steps FROM benchmark_rows WHERE i <= 1200) AS m,
	LATERAL (SELECT lem_twap(date_trunc('minute', ts), p, ts + interval '1 min') AS steps FROM benchmark_rows AS b WHERE b.i BETWEEN m.i - 149 AND m.i) AS f
WHERE m.i > 150;
SELECT lem_twap(ts, p, '2026-01-01 00:06') FROM (VALUES (timestamptz '2026-01-01 00:00', 'NaN'::float8), ('2026-01-01 00:02', 20)) AS t(ts, p);
SELECT lem_twap(ts, 5, '294276-12-31') FROM (VALUES (timestamptz '4713-01-01 BC'), ('2026-01-01')) AS t(ts);
SELECT q, e FROM (VALUES
	($$lem_twap('infinity', 1, NULL)$$),
	($$lem_twap(timestamptz '2026-01-01' + i * interval '1 day', 1e300, NULL) FROM generate_series(1, 3) AS i$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;

-- Parallel plans run, and give the serial answer.
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
ANALYZE benchmark_long;
SET max_parallel_workers_per_gather = 0;
\set query 'SELECT lem_vwap(p, v), lem_twap(p), lem_twap(ts, p, ''2026-02-01'') AS steps FROM benchmark_long'
CREATE TABLE benchmark_serial AS :query;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE benchmark_long SET (parallel_workers = 2);
SELECT node, pg_temp.plan_has(:'query', node) AS found FROM unnest(ARRAY['Partial Aggregate', 'Finalize Aggregate', 'Workers Launched: [12]']) AS node;
CREATE TABLE benchmark_parallel AS :query;
SELECT p = s AS same FROM benchmark_parallel AS p, benchmark_serial AS s;
SELECT lem_vwap(p, v) IS NULL AS vwap, lem_twap(p) IS NULL AS twap, lem_twap(ts, p, NULL) IS NULL AS steps FROM benchmark_long WHERE p < 0;
SELECT lem_vwap(p, v), lem_twap(p), lem_twap(ts, p, NULL) FROM benchmark_rows;

-- Slippage: positive is a cost for both sides.
SELECT side, lem_slippage_bps(side, 101, 100) AS above, lem_slippage_bps(side, 99, 100) AS below, lem_slippage_bps(side, 100, 100) AS at,
	lem_slippage_bps(side, 'NaN', 100) AS nan, lem_slippage_bps(side, 100, 'NaN') AS "of nan", lem_slippage_bps(side, NULL, 100) AS "null"
FROM (VALUES ('buy'), ('sell'), ('SELL')) AS t(side);
-- What is beyond the precision of a price counts as none.
SELECT lem_slippage_bps('buy', 100.00000000000001::float8, 100) AS last_place, lem_slippage_bps('buy', 100.000000000001::float8, 100) > 0 AS more;
SELECT q, e FROM (VALUES
	($$lem_slippage_bps('short', 1, 1)$$),
	($$lem_slippage_bps('', 1, 1)$$),
	($$lem_slippage_bps('buy', 1, 0)$$),
	($$lem_slippage_bps('buy', 1, -5)$$),
	($$lem_slippage_bps('sell', 1, 'Infinity')$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;
DROP TABLE benchmark_rows, benchmark_frames, benchmark_long, benchmark_serial, benchmark_parallel;

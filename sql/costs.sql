-- Costs and numbers of rows that the planner is told: with the settings that a server comes with, it
-- finds the parallel plans by itself where there is much to do, and leaves them where there is not.

CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query;
END
$$;
-- Rows that the planner expects of the topmost node that fits.
CREATE FUNCTION pg_temp.expects(query text, node text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		IF line ~ node THEN RETURN substring(line FROM ' rows=(\d+)')::bigint; END IF;
	END LOOP;
	RETURN NULL;
END
$$;

CREATE TABLE costs_bars (symbol text, ts timestamptz, price float8, volume float8);
INSERT INTO costs_bars SELECT 'S' || s, ts, 10 + s, 100 FROM generate_series(1, 200) AS s, generate_series(timestamptz '2026-01-01 00:00:00+00', '2026-02-14 00:00:00+00', '1 hour') AS ts;
CREATE TABLE costs_few AS SELECT * FROM costs_bars WHERE symbol IN ('S1', 'S2');
CREATE TABLE costs_parted (LIKE costs_bars) PARTITION BY HASH (symbol);
SELECT format('CREATE TABLE costs_parted_%s PARTITION OF costs_parted FOR VALUES WITH (MODULUS 4, REMAINDER %s)', i, i) FROM generate_series(0, 3) AS i \gexec
INSERT INTO costs_parted SELECT * FROM costs_bars;
ANALYZE costs_bars;
ANALYZE costs_few;
ANALYZE costs_parted;
\set schedule 'SELECT symbol, lem_schedule(''m'', lem_order(1), ts, price, volume) FROM %s GROUP BY symbol'
\set next 'SELECT symbol, lem_next_slice(''m'', lem_order(1), ts, price, volume) FROM %s GROUP BY symbol'
\set series 'SELECT symbol, lem_bars(ts, price, volume) FROM %s GROUP BY symbol'

-- Many symbols in one table: workers read and collect the bars.
SELECT name, bool_or(line ~ 'Partial .*Aggregate') AS partial, bool_or(line ~ 'Gather') AS gathers
FROM (VALUES ('lem_schedule', :'schedule'), ('lem_next_slice', :'next'), ('lem_bars', :'series')) AS q (name, query), pg_temp.plan(format(query, 'costs_bars')) AS line
GROUP BY name ORDER BY name COLLATE "C";
-- Two symbols: not worth starting workers.
SELECT name, bool_or(line ~ 'Gather') AS gathers
FROM (VALUES ('lem_schedule', :'schedule'), ('lem_bars', :'series')) AS q (name, query), pg_temp.plan(format(query, 'costs_few')) AS line
GROUP BY name ORDER BY name COLLATE "C";
-- Partitions by symbol: workers also run the network, each for the symbols of its partitions.
SET enable_partitionwise_aggregate = on;
SELECT bool_or(line ~ 'Gather') AS gathers, bool_or(line ~ 'Parallel Append') AS "workers take partitions", count(*) FILTER (WHERE line ~ '-> +(Hash|Group)Aggregate') AS "aggregates within", count(*) FILTER (WHERE line ~ 'Partial|Finalize') AS "put together after"
FROM pg_temp.plan(format(:'schedule', 'costs_parted')) AS line;
RESET enable_partitionwise_aggregate;

-- Rows of the functions that return sets
CREATE TABLE costs_series AS SELECT 1::bigint AS id, '{}'::lem_bars AS bars;
ANALYZE costs_series;
SELECT pg_temp.expects('SELECT s.* FROM costs_series, lem_schedule(''m'', lem_order(1), bars) AS s', 'Nested') AS lem_schedule,
	pg_temp.expects('SELECT s.* FROM costs_series, lem_schedule_batch(''m'', ARRAY[1], ARRAY[lem_order(1)], ARRAY[bars]) AS s', 'Nested') AS lem_schedule_batch,
	pg_temp.expects('SELECT s.* FROM costs_series, lem_unnest(bars) AS s', 'Nested') AS lem_unnest;
-- Every function that returns a set says how many rows, every one that runs the network that it costs.
SELECT count(*) FILTER (WHERE proretset AND prorows IN (0, 1) AND proname <> 'lem_forecast') AS "sets without rows", count(*) FILTER (WHERE proname ~ '^lem_(schedule|schedule_batch|forward|gradient)$' AND prokind = 'f' AND procost < 1000) AS cheap
FROM pg_proc WHERE proname LIKE 'lem\_%';

DROP TABLE costs_bars, costs_few, costs_parted, costs_series;

-- The type lem_order, its constructor, and the arguments of the scheduling functions.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

CREATE FUNCTION pg_temp.error_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	context text;
BEGIN
	EXECUTE query;
	RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		context = PG_EXCEPTION_CONTEXT;
	RETURN NEXT SQLSTATE || ': ' || SQLERRM;
	IF detail <> '' THEN RETURN NEXT '  ' || detail; END IF;
	IF hint <> '' THEN RETURN NEXT '  ' || hint; END IF;
	IF context LIKE 'order with%' THEN RETURN NEXT '  ' || split_part(context, E'\n', 1); END IF;
END
$$;

--
-- The constructor
--
SELECT (lem_order(250000)).*;
SELECT (lem_order(1e6, 'sell', 'twap', 'notional', '2024-01-01 12:00:00+00', 3, 10, 0.05, 0.5, 100)).*;
SELECT (lem_order(250000, side => 'sell', min_bars => 6, max_rate => 0.25)).*;
SELECT lem_order(1, 'BUY', 'Twap', 'NOTIONAL') = lem_order(1, 'buy', 'twap', 'notional') AS canonical;
SELECT lem_order(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) = lem_order(1) AS defaults;

-- What no model could accept
SELECT q, e FROM (VALUES
	('NULL'),
	('0'),
	('-5'),
	($$'NaN'::float8$$),
	($$'Infinity'::float8$$),
	($$1, side => 'bye'$$),
	($$1, side => ''$$),
	($$1, benchmark => 'close'$$),
	($$1, unit => 'lots'$$),
	($$1, start_ts => 'infinity'$$),
	('1, min_bars => 0'),
	('1, min_bars => -3'),
	('1, max_bars => 0'),
	('1, max_bars => 1025'),
	('1, min_bars => 6, max_bars => 5'),
	('1, min_rate => -0.1'),
	($$1, min_rate => 'NaN'$$),
	($$1, max_rate => 'NaN'$$),
	('1, max_rate => 0'),
	('1, max_rate => 1.5'),
	('1, min_rate => 0.5, max_rate => 0.25'),
	('1, max_bars => 4, max_rate => 0.2'),
	('1, min_bars => 4, min_rate => 0.3'),
	('1, min_rate => 0.4, max_rate => 0.45'),
	('1, lot => 0'),
	('1, lot => -1'),
	($$1, lot => 'NaN'$$),
	('1, lot => 0.3'),
	('100, lot => 1000')
	) AS query(q), pg_temp.error_of('SELECT lem_order(' || q || ')') AS e;

-- On the edge of what is possible
SELECT (lem_order(100, max_bars => 4, max_rate => 0.25)).max_rate,
	(lem_order(100, min_bars => 3, max_bars => 3, min_rate => 1.0 / 3, max_rate => 1.0 / 3)).min_bars,
	(lem_order(0.3, lot => 0.1)).lot;

--
-- Orders reach the scheduling functions from anywhere, and are checked there again.
--
SELECT q, e FROM (VALUES
	($$ROW(NULL, 'buy', 'vwap', 'quantity', NULL, NULL, NULL, 0, 1, NULL)$$),
	($$ROW(1, 'hold', 'vwap', 'quantity', NULL, NULL, NULL, 0, 1, NULL)$$),
	($$ROW(1, 'buy', 'vwap', 'quantity', NULL, 0, NULL, 0, 1, NULL)$$),
	($$ROW(1, 'buy', 'vwap', 'quantity', NULL, NULL, NULL, 0, 2, NULL)$$),
	($$ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)$$)
	) AS query(q), pg_temp.error_of('SELECT lem_schedule(''m'', ' || replace(q, ')', ', NULL, NULL, NULL, NULL, NULL, NULL, NULL)') || '::lem_order, ''2024-01-01'', 1, 1)') AS e;
SELECT q, e FROM (VALUES
	($$lem_schedule(NULL, lem_order(1), '2024-01-01', 1, 1)$$),
	($$lem_schedule('m', NULL, '2024-01-01', 1, 1)$$),
	($$lem_schedule('m', lem_order(1), '2024-01-01', 1, 1, NULL::float8[])$$),
	($$lem_schedule('m', lem_order(1), '2024-01-01', -1, 1)$$),
	($$lem_schedule('m', lem_order(i), '2024-01-01', 1, 1) FROM generate_series(1, 2) AS i$$),
	($$lem_schedule('m' || i, lem_order(1), '2024-01-01', 1, 1) FROM generate_series(1, 2) AS i$$),
	($$lem_schedule('m', lem_order(1), '2024-01-01', 1, 1) WHERE false$$),
	($$lem_next_slice('m', lem_order(1), '2024-01-01', 1, 1) WHERE false$$),
	($$lem_schedule('m', lem_order(1), '2024-01-01', 1, 1, '{1}'::float8[]) WHERE false$$),
	($$lem_schedule(NULL, lem_order(1), '{}')$$),
	($$lem_schedule('m', NULL, '{}')$$),
	($$lem_schedule('m', lem_order(1), '2024-01-01', 1, 1) FROM generate_series(1, 2)$$),
	($$lem_schedule_batch(NULL, '{1}', ARRAY[lem_order(1)], '{"{}"}')$$),
	($$lem_schedule_batch('m', NULL, ARRAY[lem_order(1)], '{"{}"}')$$),
	($$lem_schedule_batch('m', '{1}', NULL, '{"{}"}')$$),
	($$lem_schedule_batch('m', '{1}', ARRAY[lem_order(1)], NULL)$$),
	($$lem_schedule_batch('m', '{1,2}', ARRAY[lem_order(1)], '{"{}","{}"}')$$),
	($$lem_schedule_batch('m', '{1}', ARRAY[lem_order(1)], '{"{}","{}"}')$$),
	($$lem_schedule_batch('m', '{{1}}', ARRAY[lem_order(1)], '{"{}"}')$$),
	($$lem_schedule_batch('m', '{1,NULL}', ARRAY[lem_order(1), lem_order(1)], '{"{}","{}"}')$$),
	($$lem_schedule_batch('m', '{17,18}', ARRAY[lem_order(1), NULL], '{"{}","{}"}')$$),
	($$lem_schedule_batch('m', '{17,18}', ARRAY[lem_order(1), lem_order(2)], '{"{}",NULL}')$$),
	($$lem_schedule_batch('m', '{17,18}', ARRAY[lem_order(1), ROW(1,'x',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)::lem_order], '{"{}","{}"}')$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;

-- Equal orders in different bytes are one order: the error is about the bars, not the order.
CREATE TEMP TABLE bookings (ord lem_order);
INSERT INTO bookings VALUES (lem_order(5)), (ROW(5, 'BUY', NULL, 'quantity', NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
SELECT e FROM pg_temp.error_of($$SELECT lem_schedule('m', ord, '2024-01-01', 1, 1) FROM bookings$$) AS e;

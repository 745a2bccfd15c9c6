-- The type lem_fills, the aggregate lem_tca, and what lem_tca_report does at the edges and with bad input.

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

-- Text and binary form
SELECT '(500,BUY,,,"2026-01-01 01:00+01",,,,,){"2026-01-01 00:05+00" 101.5 200,"2026-01-01 00:01+00" 0.1 1e-3 , "2026-01-01 00:05+00" 101.25 7, "2026-01-01 00:06" 1 0}'::lem_fills;
SELECT ' ( 12000 , sell , twap , notional , "2026-01-01 00:00+00" , 3 , 12 , 0.1 , 0.4 , 100 ) { } '::lem_fills;
SELECT f::text::lem_fills::text = f::text AS same, lem_fills_send(f) FROM (SELECT '(12000,sell,twap,notional,"2026-01-01",3,12,0.1,0.4,100) {"2026-01-01" 0.3333333333333333 5e-324}'::lem_fills AS f) AS t;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'SQL, DMY';
SELECT '(500,buy,vwap,quantity,"2026-01-01 00:00+00",,,0,1,) {"2026-01-01 00:05:00.25+00" 101.5 200}'::lem_fills;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT * FROM lem_fills_unnest('(500,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-02" 101.5 200, "2026-01-01" 100 7}');
SELECT count(*) FROM lem_fills_unnest(NULL);
CREATE TABLE fills_stored (f lem_fills);
INSERT INTO fills_stored SELECT lem_tca(lem_order(1e6, start_ts => '2026-01-01'), timestamptz '2026-01-01' + i * 7919 % 5000 * interval '1 s', 100 + i, i) FROM generate_series(1, 5000) AS i;
\copy fills_stored TO 'build/regress/fills.bin' BINARY
CREATE TABLE fills_copied (f lem_fills);
\copy fills_copied FROM 'build/regress/fills.bin' BINARY
SELECT c.f::text = s.f::text AS same, pg_column_size(s.f) > 120000 AS stored FROM fills_copied AS c, fills_stored AS s;
SELECT count(*), bool_and(later) AS in_order FROM (SELECT ts >= lag(ts) OVER () AS later FROM fills_stored, lem_fills_unnest(f)) AS l;
SELECT t, e FROM (VALUES (''), ('x'), ('()'), ('(500,buy,vwap,quantity,"2026-01-01",,,0,1) {}'), ('(500,buy,vwap,quantity,"2026-01-01",,,0,1,'), ('(500,buy,vwap,quantity,"2026-01-01",,,0,1,)'),
	('(500,buy,vwap,quantity,,,,0,1,) {}'), ('(,buy,vwap,quantity,"2026-01-01",,,0,1,) {}'), ('(-5,buy,vwap,quantity,"2026-01-01",,,0,1,) {}'), ('(5,short,vwap,quantity,"2026-01-01",,,0,1,) {}'),
	('(5,7,vwap,quantity,"2026-01-01",,,0,1,) {}'), ('(5,buy,vwap,quantity,"2026-01-01",1.5,,0,1,) {}'), ('(5,buy,vwap,quantity,"2026-01-01",1e10,,0,1,) {}'), ('(5,buy,vwap,quantity,"2026-01-01",,,2,1,) {}'),
	('(5,buy,vwap,quantity,"infinity",,,0,1,) {}'), ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1}'), ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1 2'),
	('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1 2,}'), ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {} more'), ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 0 2}'),
	('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1 -2}'), ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2025-12-31" 1 2}'), ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"infinity" 1 2}'),
	('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1e999 2}')) AS t(t), pg_temp.error_of(format('SELECT %L::lem_fills', t)) AS e;
-- Binary values cut short, with other formats, counts, orders and numbers: an error or a good value.
CREATE TABLE fills_hostile (f lem_fills);
DO $$
DECLARE
	good CONSTANT bytea := lem_fills_send('(500,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01 00:05+00" 101.5 200, "2026-01-01 00:06+00" 101.5 200}');
	head CONSTANT bytea := '\x5047434f50590aff0d0a000000000000000000';
	file CONSTANT text := current_setting('data_directory') || '/fills_hostile';
	one bytea;
	large oid;
	refused int := 0;
BEGIN
	FOR i IN 0 .. length(good) - 1 LOOP
		FOREACH one IN ARRAY ARRAY[substr(good, 1, i), set_byte(good, i, 255), set_byte(good, i, 128), set_byte(good, i, get_byte(good, i) # 1)] LOOP
			large := lo_from_bytea(0, head || int2send(1::int2) || int4send(length(one)) || one || int2send(-1::int2));
			PERFORM lo_export(large, file);
			PERFORM lo_unlink(large);
			BEGIN
				EXECUTE format('COPY fills_hostile FROM %L BINARY', file);
			EXCEPTION WHEN OTHERS THEN
				refused := refused + 1;
			END;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'some refused: %', refused > 100;
END
$$;
SELECT count(*) > 50 AS taken, bool_and(f::text::lem_fills::text = f::text) AS good FROM fills_hostile;
DROP TABLE fills_hostile;

-- The aggregate
CREATE TABLE fills_rows (ts timestamptz, price float8, quantity float8);
INSERT INTO fills_rows VALUES ('2026-01-01 00:10', 101, 20), ('2026-01-01 00:05', 100, 10), (NULL, 100, 10), ('2026-01-01 00:06', NULL, 10), ('2026-01-01 00:07', 100, NULL), ('2026-01-01 00:08', 100, 0);
SELECT lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, price, quantity) FROM fills_rows;
SELECT lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, price, quantity) AS "no fill" FROM fills_rows WHERE quantity IS NULL;
SELECT lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, price, quantity) IS NULL AS "no rows" FROM fills_rows WHERE false;
SELECT lem_tca(NULL::lem_fills) IS NULL AS nulls;
SELECT q, e FROM (VALUES
	($$lem_tca(NULL, ts, price, quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(100), ts, price, quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(quantity + 1, start_ts => '2026-01-01'), ts, price, quantity) FROM fills_rows$$),
	($$lem_tca(ROW(100, 'short', NULL, NULL, '2026-01-01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_order, ts, price, quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(100, start_ts => '2026-01-01 00:06'), ts, price, quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, price / 'inf' * 'inf', quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, 'NaN', quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(100, 'sell', start_ts => '2026-01-01'), ts, price, -quantity) FROM fills_rows$$),
	($$lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, price, 'Infinity') FROM fills_rows$$),
	($$lem_tca(lem_order(100, start_ts => '2026-01-01'), '-infinity', price, quantity) FROM fills_rows$$),
	($$lem_tca(f) FROM (VALUES ('(5,buy,vwap,quantity,"2026-01-01",,,0,1,) {}'::lem_fills), ('(6,buy,vwap,quantity,"2026-01-01",,,0,1,) {}')) AS t(f)$$),
	($$lem_tca_report(lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, 1e200, 1e200), NULL) FROM fills_rows$$)
	) AS query(q), pg_temp.error_of('SELECT ' || q) AS e;
-- The same order in other words
SELECT lem_tca(ord, ts, price, quantity) FROM (VALUES (lem_order(100, start_ts => '2026-01-01'), timestamptz '2026-01-01', 1, 2), (ROW(100, 'BUY', NULL, NULL, '2026-01-01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_order, '2026-01-02', 1, 2)) AS t(ord, ts, price, quantity);
SELECT lem_fills_count FROM (SELECT count(*) AS lem_fills_count FROM (SELECT lem_tca(lem_order(100, start_ts => '2026-01-01'), ts, price, quantity) OVER (ORDER BY ts) FROM fills_rows WHERE ts IS NOT NULL) AS w) AS c;

-- The fields of a report, numbers rounded
CREATE FUNCTION pg_temp.show(r lem_tca_report) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT key || ': ' || CASE WHEN value ~ '^-?[0-9.]+(e-?[0-9]+)?$' THEN trim_scale(round(value::numeric, 8))::text ELSE value END
	FROM json_each_text(row_to_json(r)) WHERE key <> 'markouts'
	UNION ALL SELECT 'markouts: ' || array_agg(trim_scale(round(m::numeric, 8)))::text FROM unnest(r.markouts) AS m HAVING count(*) > 0
$$;
-- A report by hand: a buy of 100, decided at 10:00; bars of an hour, in which nothing trades at 12:00
SELECT lem_bars(ts, p, v) AS bars FROM (VALUES (timestamptz '2026-01-01 08:00', 98::float8, 1000::float8), ('2026-01-01 09:00', 100, 1000), ('2026-01-01 10:00', 101, 500), ('2026-01-01 11:00', 102, 300),
	('2026-01-01 12:00', 102.5, 0), ('2026-01-01 13:00', 104, 200), ('2026-01-01 14:00', 105, 1000), ('2026-01-02 00:00', 90, 500)) AS t(ts, p, v) \gset
SELECT pg_temp.show(r) FROM lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,4,0,1,) {"2026-01-01 11:10+00" 102 30, "2026-01-01 12:30+00" 103 30}', :'bars', '{0, 1 hour, 20 hours, -2 hours}') AS r;
-- The same as a sell by money, complete with its second fill
SELECT pg_temp.show(r) FROM lem_tca_report('(6150,sell,twap,notional,"2026-01-01 10:00+00",,,0,1,) {"2026-01-01 11:10+00" 102 30, "2026-01-01 12:30+00" 103 30}', :'bars') AS r;
-- Without fills, bars, history; with one bar; NULL
SELECT (r).fills, (r).fill_rate, (r).bars, (r).unfilled, (r).shortfall, (r).opportunity_cost, (r).delay_cost, (r).achieved_price, (r).vwap_bps, (r).duration, (r).pa_bps, (r).participation_rate
FROM lem_tca_report('(100,sell,vwap,quantity,"2026-01-01 10:00+00",,4,0,1,) {}', :'bars') AS r;
SELECT (r).fills, (r).bars, (r).achieved_price, (r).arrival_price, (r).vwap, (r).shortfall, (r).fill_rate, (r).unfilled
FROM (VALUES (NULL::lem_bars), ('{}')) AS b(bars), lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,4,0,1,) {"2026-01-01 11:00+00" 50 60}', bars) AS r;
SELECT (r).bars, (r).arrival_price, round((r).vwap::numeric, 8) AS vwap, (r).delay_cost, (r).shortfall, (r).open, (r).unfilled FROM lem_tca_report('(100,buy,vwap,notional,"2026-01-01 08:00+00",,,0,1,) {"2026-01-01 08:00+00" 50 1}', :'bars') AS r;
SELECT (r).bars, (r).arrival_price, (r).vwap, (r).end_price FROM lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,,0,1,) {"2026-01-01 11:00+00" 50 100}', '{"2026-01-01 10:00+00" 101 5}', bar_interval => '2 hours') AS r;
SELECT lem_tca_report(NULL, :'bars') IS NULL AS fills, (lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,4,0,1,) {}', :'bars', NULL, NULL, NULL, NULL)).bars AS "nothing chosen";
-- Begun within a bar, over the night, and after the last bar
SELECT (r).bars, (r).arrival_price, (r).vwap FROM lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:30+00",,2,0,1,) {}', :'bars') AS r;
SELECT (r).bars, (r).arrival_price, (r).open, (r).close, (r).day_vwap = (r).vwap AS same FROM lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 20:00+00",,4,0,1,) {"2026-01-02 00:20+00" 91 100}', :'bars', time_zone => 'Asia/Tokyo') AS r;
SELECT (r).bars, (r).arrival_price, (r).open, (r).close FROM lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 14:30+00",,2,0,1,) {}', :'bars') AS r;
SELECT (r).bars, (r).arrival_price, (r).open, (r).end_price, (r).opportunity_cost, (r).markouts FROM lem_tca_report('(100,buy,vwap,quantity,"2027-01-01 20:00+00",,4,0,1,) {"2027-01-02 00:20+00" 91 50}', :'bars', '{1 hour}') AS r;
-- The end of what was not completed: until, else max_bars, else the last bar; never before the last fill
SELECT ord, until, (lem_tca_report(format('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,%s,0,1,) {"2026-01-01 11:30+00" 50 10}', ord)::lem_fills, :'bars', until => until)).bars
FROM (VALUES ('', NULL::timestamptz), ('3', NULL), ('3', '2026-01-01 15:00'), ('', '2026-01-01 13:01'), ('', '2026-01-01 13:00'), ('', '2026-01-01'), ('1', NULL), ('', '-infinity'), ('2', 'infinity')) AS t(ord, until);
-- More than was ordered
SELECT (r).fill_rate, (r).unfilled, (r).bars FROM lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,,0,1,) {"2026-01-01 11:10+00" 102 150}', :'bars') AS r;
SELECT q, e FROM (VALUES ($$'{"2026-01-01" 1 1}'$$), ($$'{}', '{1 month}'$$), ($$'{}', '{500 days}'$$), ($$'{}', '{NULL}'$$), ($$'{}', '{{1 hour},{2 hours}}'$$), ($$'{}', array_fill('1 s'::interval, '{65}')$$),
	($$'{}', time_zone => 'Mars/Olympus'$$), ($$'{}', time_zone => '+05:45'$$), ($$'{}', time_zone => repeat('x', 5000)$$), ($$'{}', bar_interval => '0'$$), ($$'{}', bar_interval => '-1 hour'$$), ($$'{}', bar_interval => '1 year'$$)) AS t(q),
	pg_temp.error_of('SELECT lem_tca_report(''(100,buy,vwap,quantity,"2026-01-01 10:00+00",,4,0,1,) {}'', ' || q || ')') AS e;
-- Fills at and below zero: costs in money are what they are, a markout is a share of nothing.
SELECT (r).notional, (r).achieved_price, (r).arrival_price, round((r).arrival_cost) AS arrival_cost, round((r).arrival_bps) AS arrival_bps, (r).shortfall, (r).fill_rate, (r).markouts
FROM lem_tca_report('(300,sell,vwap,quantity,"2026-01-01 10:00+00",,,0,1,) {"2026-01-01 11:10+00" 18 100, "2026-01-01 12:20+00" 0 50, "2026-01-01 12:30+00" -38 150}', :'bars', '{1 hour}') AS r;
-- A price at the decision that is not above zero: costs in money, no basis points of it, nor what money buys at it
SELECT arrival, by, (r).fill_rate, (r).arrival_cost, (r).arrival_bps, (r).delay_cost, (r).trading_cost, (r).opportunity_cost, (r).shortfall, (r).shortfall_bps, (r).fees_bps, (r).total_cost, (r).total_bps, (r).unfilled, (r).vwap_bps
FROM unnest('{0,-1}'::float8[]) AS arrival, unnest('{quantity,notional}'::text[]) AS by,
	lem_tca_report(format('(50000,buy,vwap,%s,"2026-01-01 01:00+00",,,0,1,) {"2026-01-01 01:05+00" 100 100 1}', by)::lem_fills, '{"2026-01-01 00:00+00" 99 1, "2026-01-01 01:00+00" 101 1}', arrival_price => arrival) AS r;
SELECT weight, (s).orders, (s).shortfall, (s).shortfall_bps, (s).fees_bps, (s).fill_rate
FROM unnest('{quantity,notional,equal}'::text[]) AS weight, LATERAL (SELECT lem_tca_rollup(r, weight) AS s
	FROM unnest('{0,-1,100}'::float8[]) AS arrival, lem_tca_report('(200,sell,vwap,quantity,"2026-01-01 01:00+00",,,0,1,) {"2026-01-01 01:05+00" 100 100 1}', '{"2026-01-01 00:00+00" 99 1, "2026-01-01 01:00+00" 101 1}', arrival_price => arrival) AS r) AS x;
SELECT lem_tca(lem_order(300, 'sell', start_ts => '2026-01-01'), '2026-01-01', p, 1) FROM unnest('{-1,0,2}'::float8[]) AS p;
SELECT (lem_tca_rollup(r)).notional, (lem_tca_rollup(r)).orders FROM (SELECT lem_tca_report(f, :'bars') AS r FROM unnest('{"(300,sell,vwap,quantity,\"2026-01-01 10:00+00\",,,0,1,) {\"2026-01-01 11:10+00\" -18 100}","(300,sell,vwap,quantity,\"2026-01-01 10:00+00\",,,0,1,) {\"2026-01-01 11:10+00\" 18 50}"}'::lem_fills[]) AS f) AS x;
-- The ends of time, and numbers at the ends of their range
SELECT (r).bars, (r).arrival_price, (r).markouts, (r).duration FROM lem_tca_report('(100,buy,vwap,quantity,"4713-01-01 BC",,,0,1,) {"294276-12-31 23:59:59+00" 1 1}',
	'{"4714-11-24 00:00:00+00 BC" 3 1, "294276-12-31 23:00+00" 5 1}', '{366 days,-366 days}', 'infinity', 'America/New_York') AS r;
SELECT (r).arrival_bps, (r).vwap_bps > 1e300 AS vwap, (r).shortfall_bps > 1e300 AS shortfall FROM lem_tca_report('(1e-300,buy,vwap,quantity,"2026-01-01 10:00+00",,,0,1,) {"2026-01-01 10:00+00" 1e300 1e-300}', '{"2026-01-01 09:00+00" 1e-5 1, "2026-01-01 10:00+00" 1e-5 1}') AS r;
-- Rollups of bad reports
SELECT q, e FROM (VALUES ($$lem_tca_rollup(r, 'volume')$$), ($$lem_tca_rollup(r, w)$$), ($$lem_tca_rollup(lem_tca_report(f, b, CASE w WHEN 'equal' THEN '{1 hour}'::interval[] END))$$),
	($$lem_tca_rollup(jsonb_populate_record(r, '{"quantity": -5}'), 'quantity')$$), ($$lem_tca_rollup(jsonb_populate_record(r, '{"notional": 1e308}'))$$),
	($$lem_tca_rollup(jsonb_populate_record(r, '{"vwap_bps": "NaN", "twap_bps": "Infinity", "fills": null, "duration": null}'))$$)) AS t(q),
	pg_temp.error_of('SELECT ' || q || format(' FROM (SELECT *, lem_tca_report(f, b) AS r FROM (VALUES (%1$L::lem_fills, %2$L::lem_bars, ''equal''), (%1$L, %2$L, ''quantity'')) AS v(f, b, w)) AS x', '(100,buy,vwap,quantity,"2026-01-01 10:00+00",,,0,1,) {"2026-01-01 11:10+00" 102 150}', :'bars')) AS e;
DROP TABLE fills_rows, fills_stored, fills_copied;

-- Fees, and an arrival price of the order's own
SELECT '(500,buy,vwap,quantity,"2026-01-01",,,0,1,,99.5){"2026-01-01 00:05+00" 101.5 200 0.75,"2026-01-01 00:01+00" 0.1 1e-3 -2 , "2026-01-01 00:05+00" 101.25 7}'::lem_fills;
SELECT f::text::lem_fills::text = f::text AS same, lem_fills_send(f) FROM (SELECT '(500,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 101.5 200 0.1}'::lem_fills AS f) AS t;
CREATE TABLE fills_fees AS SELECT i, lem_tca(lem_order(1000, start_ts => '2026-01-01', arrival_price => CASE i % 2 WHEN 0 THEN 100.25 END), timestamptz '2026-01-01' + k * interval '1 s', 100 + k, 1, i * k) AS f
FROM generate_series(0, 3) AS i, generate_series(1, 4) AS k GROUP BY i;
\copy fills_fees TO 'build/regress/fills.bin' BINARY
CREATE TABLE fills_fees_copied (LIKE fills_fees);
\copy fills_fees_copied FROM 'build/regress/fills.bin' BINARY
SELECT i, c.f::text = s.f::text AS same, (SELECT sum(fee) FROM lem_fills_unnest(c.f)) AS fees, left(s.f::text, 70) AS begins FROM fills_fees AS s JOIN fills_fees_copied AS c USING (i) ORDER BY i;
SELECT (SELECT sum(fee) FROM lem_fills_unnest(lem_tca(f))) AS put_together FROM (SELECT f FROM fills_fees WHERE i = 3 UNION ALL SELECT f FROM fills_fees_copied WHERE i = 3) AS t;
SELECT q, e FROM (VALUES ($$'(1,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1 1 NaN}'::lem_fills$$), ($$'(1,buy,vwap,quantity,"2026-01-01",,,0,1,) {"2026-01-01" 1 1 1 1}'::lem_fills$$),
	($$'(1,buy,vwap,quantity,"2026-01-01",,,0,1,,Infinity) {}'::lem_fills$$), ($$lem_tca(lem_order(1, start_ts => '2026-01-01'), '2026-01-01', 1, 1, 'Infinity')$$),
	($$lem_tca_report('(1,buy,vwap,quantity,"2026-01-01",,,0,1,) {}', '{}', arrival_price => 'NaN')$$), ($$lem_tca_report('(1,buy,vwap,quantity,"2026-01-01",,,0,1,) {}', '{}', calendar => 'none')$$)) AS query(q),
	pg_temp.error_of('SELECT ' || q) AS e;
SELECT (r).arrival_price, (r).shortfall, (r).fees, (r).total_cost, round((r).fees_bps::numeric, 6) AS fees_bps, round(((r).total_bps - (r).shortfall_bps)::numeric, 6) AS difference
FROM (VALUES (NULL::float8), (98)) AS a(arrival), lem_tca_report('(100,buy,vwap,quantity,"2026-01-01 10:00+00",,4,0,1,,101) {"2026-01-01 11:10+00" 102 30 1.5, "2026-01-01 12:30+00" 103 30 -0.5}', :'bars', arrival_price => arrival) AS r;
SELECT (s).fees, (s).total_cost = (s).shortfall + (s).fees AS total, round(((s).total_bps - (s).shortfall_bps - (s).fees_bps)::numeric, 6) AS difference
FROM (SELECT lem_tca_rollup(r) AS s FROM unnest('{"(100,buy,vwap,quantity,\"2026-01-01 10:00+00\",,4,0,1,,101) {\"2026-01-01 11:10+00\" 102 30 1.5}","(100,buy,vwap,quantity,\"2026-01-01 10:00+00\",,4,0,1,,100) {}"}'::lem_fills[]) AS f, lem_tca_report(f, :'bars') AS r) AS t;

-- Days by a calendar: those of futures begin the evening before, and bars outside of sessions are of none.
SELECT lem_set_calendar('fills', '{"time_zone": "America/Chicago", "sessions": {"Mon-Fri": [["-07:00", "16:00"]]}}');
CREATE TABLE fills_futures AS SELECT lem_bars(ts, 100 + extract(hour FROM ts), 10) AS bars FROM generate_series(timestamptz '2026-01-04 12:00+00', '2026-01-07 12:00+00', '1 hour') AS ts;
SELECT calendar, r.open, r.close, r.day_vwap = (SELECT avg(price) FROM fills_futures, lem_unnest(bars) WHERE ts >= begins AND ts < ends) AS "the day's"
FROM fills_futures, (VALUES (NULL, timestamptz '2026-01-05 00:00+00', timestamptz '2026-01-06 00:00+00'), ('fills', '2026-01-05 23:00+00', '2026-01-06 22:00+00')) AS c(calendar, begins, ends),
	lem_tca_report('(100,buy,vwap,quantity,"2026-01-05 23:00+00",,1,0,1,) {"2026-01-05 23:10+00" 120 100}', bars, calendar => calendar) AS r;
SELECT r.open, r.close FROM fills_futures, lem_tca_report('(100,buy,vwap,quantity,"2026-01-05 22:10+00",,2,0,1,) {"2026-01-05 23:10+00" 120 100}', bars, calendar => 'fills') AS r;
SELECT lem_drop_calendar('fills');
DROP TABLE fills_fees, fills_fees_copied, fills_futures;

-- Transaction cost analysis: lem_tca, lem_tca_report and lem_tca_rollup against queries written by hand.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all

-- Bars of five symbols, in which now and then nothing is traded: for two days of one of them at all.
CREATE TABLE tca_bars AS
SELECT 'S' || s AS symbol, b.ts, b.notional / b.volume AS price,
	CASE WHEN md5(s || ' ' || b.ts) < '2' OR (s = 4 AND b.ts BETWEEN '2026-01-08' AND '2026-01-10') THEN 0 ELSE b.volume END AS volume
FROM generate_series(1, 5) AS s, simulate_bars('S' || s, days => 20, first_price => 10 * s) AS b;
CREATE INDEX ON tca_bars (symbol, ts);
ANALYZE tca_bars;
-- A thousand orders. Kinds: 0 all bars, 1 early finish, 2 partly filled, 3 one fill, 4 no fill, 5 notional, 6 notional and partly filled, 7 begun within a bar, 8 ended by until, 9 without an end.
CREATE TABLE tca_orders AS
SELECT id, kind, 'S' || 1 + id % 5 AS symbol, until,
	lem_order(CASE WHEN kind IN (5, 6) THEN 50000 ELSE 100 * (1 + id % 37) END, CASE id / 10 % 2 WHEN 0 THEN 'buy' ELSE 'sell' END, CASE id / 20 % 2 WHEN 0 THEN 'vwap' ELSE 'twap' END,
		CASE WHEN kind IN (5, 6) THEN 'notional' ELSE 'quantity' END, start_ts, max_bars => CASE WHEN kind < 8 THEN 8 END) AS ord
FROM generate_series(0, 999) AS id,
	LATERAL (SELECT id % 10 AS kind, timestamptz '2026-01-01' + (id * 7919 % 450) * interval '1 hour' + CASE WHEN id % 10 = 7 THEN interval '17 min 3.5 s' ELSE '0' END AS start_ts) AS k,
	LATERAL (SELECT CASE WHEN kind = 8 THEN start_ts + interval '9 hours' END AS until) AS u;
CREATE TABLE tca_fills AS
SELECT o.id, (ord).start_ts + i * interval '1 hour' + CASE WHEN kind = 7 THEN i * interval '7 min' ELSE '0' END AS ts,
	b.price * (1 + 0.001 * sin(o.id + i)) AS price, share * (ord).size / CASE WHEN (ord).unit = 'notional' THEN b.price * (1 + 0.001 * sin(o.id + i)) ELSE 1 END AS quantity
FROM tca_orders AS o, generate_series(0, 7) AS i,
	LATERAL (SELECT CASE kind WHEN 1 THEN CASE WHEN i < 3 THEN 1 / 3.0::float8 END WHEN 2 THEN CASE WHEN i < 4 THEN 0.15 END WHEN 3 THEN CASE WHEN i = 2 THEN 1 END WHEN 4 THEN NULL
		WHEN 6 THEN CASE WHEN i % 2 = 1 THEN 0.2 END WHEN 8 THEN CASE WHEN i < 3 THEN 0.2 END WHEN 9 THEN CASE WHEN i < 6 THEN 0.1 END ELSE 0.125 END AS share) AS s,
	LATERAL (SELECT price FROM tca_bars AS b WHERE b.symbol = o.symbol AND b.ts <= (ord).start_ts + i * interval '1 hour' ORDER BY b.ts DESC LIMIT 1) AS b
WHERE share IS NOT NULL;
SELECT count(*) AS orders, count(DISTINCT id) AS with_fills, (SELECT count(*) FROM tca_fills) AS fills, count(DISTINCT (kind, (ord).side, (ord).benchmark)) AS kinds
FROM tca_orders LEFT JOIN tca_fills AS f USING (id);

-- The report, in four lines
CREATE TABLE tca_reports AS
SELECT o.id, lem_tca_report(t.fills, b.bars, '{1 hour,5 hours}', o.until, 'America/New_York') AS report
FROM tca_orders AS o JOIN (SELECT symbol, lem_bars(ts, price, volume) AS bars FROM tca_bars GROUP BY symbol) AS b USING (symbol)
	JOIN (SELECT id, lem_tca(ord, ts, price, quantity) AS fills FROM tca_orders LEFT JOIN tca_fills USING (id) GROUP BY id) AS t USING (id);

-- The same by hand, in exact decimals
CREATE FUNCTION pg_temp.exact(x float8) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT x::text::numeric * 1.000000000000000000000000000000';
CREATE TABLE tca_b AS
SELECT symbol, ts, ts + interval '1 hour' AS ended, pg_temp.exact(price) AS p, pg_temp.exact(volume) AS v, row_number() OVER (PARTITION BY symbol ORDER BY ts) AS k FROM tca_bars;
CREATE TABLE tca_f AS SELECT id, ts, pg_temp.exact(price) AS p, pg_temp.exact(quantity) AS q FROM tca_fills;
CREATE INDEX ON tca_b (symbol, ended);
CREATE INDEX ON tca_f (id);
ANALYZE tca_b;
ANALYZE tca_f;
CREATE TABLE tca_expected AS
WITH o AS (
	SELECT o.id, symbol, until, (ord).side, (ord).benchmark, (ord).unit = 'notional' AS by_money, (ord).size::numeric, (ord).start_ts, (ord).max_bars,
		CASE (ord).side WHEN 'buy' THEN 1 ELSE -1 END AS sign, count(f.id) AS fills, coalesce(sum(q), 0) AS q, coalesce(sum(p * q), 0) AS a,
		sum(p * q) / sum(q) AS achieved, min(f.ts) AS first_fill, max(f.ts) AS last_fill,
		coalesce(CASE (ord).unit WHEN 'notional' THEN sum(p * q) ELSE sum(q) END, 0) / (ord).size::numeric AS fill_rate
	FROM tca_orders AS o LEFT JOIN tca_f AS f USING (id) GROUP BY o.id, symbol, until, ord
), active AS (
	SELECT o.id, o.side, b.* FROM o CROSS JOIN LATERAL (SELECT k FROM tca_b AS b WHERE b.symbol = o.symbol AND b.ended > o.start_ts ORDER BY ended LIMIT 1) AS first JOIN tca_b AS b USING (symbol)
	WHERE b.ended > o.start_ts AND (b.ts <= o.last_fill OR fill_rate < 1 - 1e-9 AND CASE WHEN until IS NOT NULL THEN b.ts < until
		WHEN max_bars IS NOT NULL THEN b.k < max_bars + first.k ELSE true END)
), market AS (
	SELECT id, count(*) AS bars, sum(v) AS market_volume, sum(p * v) / nullif(sum(v), 0) AS vwap, avg(p) AS twap, (array_agg(p ORDER BY ts DESC))[1] AS end_price,
		coalesce(min(p) FILTER (WHERE v > 0), min(p)) AS low, coalesce(max(p) FILTER (WHERE v > 0), max(p)) AS high, max(ts) AS last_bar
	FROM active GROUP BY id
), x AS (
	SELECT o.*, m.bars, m.market_volume, m.vwap, m.twap, CASE side WHEN 'buy' THEN low ELSE high END AS best, CASE side WHEN 'buy' THEN high ELSE low END AS worst, end_price, d.*,
		(SELECT p FROM tca_b AS b WHERE b.symbol = o.symbol AND ended <= start_ts ORDER BY ended DESC LIMIT 1) AS arrival,
		(SELECT p FROM tca_b AS b WHERE b.symbol = o.symbol AND ended <= first_fill ORDER BY ended DESC LIMIT 1) AS begin_price
	FROM o LEFT JOIN market AS m USING (id), LATERAL (SELECT sum(p * v) / nullif(sum(v), 0) AS day_vwap, (array_agg(p ORDER BY ts))[1] AS open, (array_agg(p ORDER BY ts DESC))[1] AS close
		FROM tca_b AS b WHERE b.symbol = o.symbol AND (b.ts AT TIME ZONE 'America/New_York')::date BETWEEN (start_ts AT TIME ZONE 'America/New_York')::date AND (last_bar AT TIME ZONE 'America/New_York')::date) AS d
), y AS (
	SELECT *, CASE WHEN fill_rate >= 1 - 1e-9 THEN 0 WHEN by_money THEN (size - a) / arrival ELSE size - q END AS left FROM x
), z AS (
	SELECT *, CASE WHEN q > 0 THEN sign * q * (begin_price - arrival) ELSE 0 * arrival END AS delay, CASE WHEN q > 0 THEN sign * q * (achieved - begin_price) ELSE 0 * arrival END AS trading,
		CASE WHEN "left" = 0 THEN 0 * arrival ELSE sign * "left" * (end_price - arrival) END AS opportunity, 1e4 / ((q + "left") * arrival) AS scale FROM y
)
SELECT id, bars, fills, q AS quantity, a AS notional, "left" AS unfilled, fill_rate, market_volume, q / nullif(market_volume, 0) AS participation_rate, achieved AS achieved_price,
	arrival AS arrival_price, vwap, twap, day_vwap, open, close, best, worst, begin_price, end_price,
	sign * (achieved / arrival - 1) * 1e4 AS arrival_bps, sign * (achieved / vwap - 1) * 1e4 AS vwap_bps, sign * (achieved / twap - 1) * 1e4 AS twap_bps, sign * (achieved / day_vwap - 1) * 1e4 AS day_vwap_bps,
	sign * (achieved / open - 1) * 1e4 AS open_bps, sign * (achieved / close - 1) * 1e4 AS close_bps, sign * (achieved / best - 1) * 1e4 AS best_bps, sign * (achieved / worst - 1) * 1e4 AS worst_bps,
	sign * (a - q * arrival) + 0 * achieved AS arrival_cost, sign * (a - q * vwap) + 0 * achieved AS vwap_cost, sign * (a - q * twap) + 0 * achieved AS twap_cost, sign * (a - q * day_vwap) + 0 * achieved AS day_vwap_cost,
	sign * (a - q * open) + 0 * achieved AS open_cost, sign * (a - q * close) + 0 * achieved AS close_cost, sign * (a - q * best) + 0 * achieved AS best_cost, sign * (a - q * worst) + 0 * achieved AS worst_cost,
	delay AS delay_cost, trading AS trading_cost, opportunity AS opportunity_cost, delay + trading + opportunity AS shortfall,
	delay * scale AS delay_bps, trading * scale AS trading_bps, opportunity * scale AS opportunity_bps, (delay + trading + opportunity) * scale AS shortfall_bps,
	-sign * (achieved / CASE benchmark WHEN 'vwap' THEN vwap ELSE twap END - 1) * 1e4 AS pa_bps, m1.bps AS markout_1, m2.bps AS markout_2
FROM z, LATERAL (SELECT sign * (sum(f.q * m.p) / sum(f.q * f.p) - 1) * 1e4 AS bps FROM tca_f AS f, LATERAL (SELECT p FROM tca_b AS b WHERE b.symbol = z.symbol AND ended <= f.ts + interval '1 hour' ORDER BY ended DESC LIMIT 1) AS m
		WHERE f.id = z.id AND f.ts + interval '1 hour' <= (SELECT max(ended) FROM tca_b)) AS m1,
	LATERAL (SELECT sign * (sum(f.q * m.p) / sum(f.q * f.p) - 1) * 1e4 AS bps FROM tca_f AS f, LATERAL (SELECT p FROM tca_b AS b WHERE b.symbol = z.symbol AND ended <= f.ts + interval '5 hours' ORDER BY ended DESC LIMIT 1) AS m
		WHERE f.id = z.id AND f.ts + interval '5 hours' <= (SELECT max(ended) FROM tca_b)) AS m2;

-- Every figure of every order, to a relative 1e-9 (where a difference of prices is nearly none, to a billionth of a basis point or of the money)
CREATE TABLE tca_compared AS
SELECT t.id, key, e.value::numeric AS expected, r.value::numeric AS found
FROM tca_expected AS t CROSS JOIN LATERAL jsonb_each_text(to_jsonb(t) - 'id') AS e
LEFT JOIN (SELECT id, f.key, f.value FROM tca_reports, LATERAL jsonb_each_text(to_jsonb(report) || jsonb_build_object('markout_1', (report).markouts[1], 'markout_2', (report).markouts[2])) AS f) AS r USING (id, key);
SELECT key, count(*) AS orders, count(expected) AS known, count(*) FILTER (WHERE (expected IS NULL) <> (found IS NULL)
	OR abs(expected - found) > 1e-9 * abs(expected) AND abs(expected - found) > 1e-9) AS differ
FROM tca_compared GROUP BY key ORDER BY key COLLATE "C";
SELECT count(*) AS orders, bool_and((report).side = (ord).side AND (report).unit = (ord).unit AND (report).benchmark = (ord).benchmark AND (report).size = (ord).size
	AND (report).start_ts = (ord).start_ts AND (report).first_fill IS NOT DISTINCT FROM f.first AND (report).last_fill IS NOT DISTINCT FROM f.last
	AND (report).duration IS NOT DISTINCT FROM f.last - (ord).start_ts) AS same
FROM tca_orders JOIN tca_reports USING (id) LEFT JOIN (SELECT id, min(ts) AS first, max(ts) AS last FROM tca_fills GROUP BY id) AS f USING (id);

-- Equal slices have no advantage over TWAP, none at all; nor has a share of each bar's volume any slippage to VWAP.
SELECT count(*) AS orders, count(*) FILTER (WHERE (r).pa_bps <> 0 OR (r).twap_cost <> 0) AS differ, count(*) FILTER (WHERE (r).pa_bps IS NULL) AS unknown,
	bool_and((r).fill_rate BETWEEN 1 - 1e-12 AND 1 + 1e-12 AND (r).bars = n) AS whole
FROM (SELECT n, lem_tca_report(lem_tca(ord, b.ts, b.price, size / n), (SELECT lem_bars(ts, price, volume) FROM tca_bars WHERE symbol = 'S1')) AS r
	FROM generate_series(1, 24) AS n, (VALUES (100::float8), (1 / 3.0), (12345.678)) AS s(size), (VALUES ('buy'), ('sell')) AS d(side),
		LATERAL (SELECT lem_order(size, side, 'twap', start_ts => '2026-01-05 07:00+00') AS ord) AS o, tca_bars AS b
	WHERE b.symbol = 'S1' AND b.ts >= (ord).start_ts AND b.ts < (ord).start_ts + n * interval '1 hour' GROUP BY n, size, side, ord) AS x;
SELECT count(*) AS orders, count(*) FILTER (WHERE (r).pa_bps <> 0 OR (r).twap_bps <> 0) AS differ, count(*) FILTER (WHERE (r).pa_bps IS NULL) AS unknown
FROM (SELECT lem_tca_report(fills, bars) AS r
	FROM (SELECT lem_bars(ts, price, volume) AS bars FROM tca_bars WHERE symbol = 'S3') AS m, generate_series(1, 40) AS i, generate_series(4, 12, 2) AS n,
		LATERAL (SELECT lem_order(i / 7.0, CASE i % 2 WHEN 0 THEN 'buy' ELSE 'sell' END, 'twap', start_ts => timestamptz '2026-01-09' + i * interval '5 hours', max_bars => n) AS ord) AS o,
		LATERAL (SELECT lem_tca(ord, b.ts, b.price, s.quantity) AS fills FROM lem_baseline('twap', ord, bars) AS s JOIN tca_bars AS b ON b.symbol = 'S3' AND b.ts = s.ts) AS f) AS x;
SELECT count(*) AS orders, count(*) FILTER (WHERE (r).vwap_bps <> 0 OR (r).vwap_cost <> 0 OR (r).pa_bps <> 0) AS differ, count(*) FILTER (WHERE (r).vwap_bps IS NULL) AS unknown,
	bool_and(abs((r).participation_rate - share) < 1e-12) AS share
FROM (SELECT share, lem_tca_report(lem_tca(ord, b.ts, b.price, b.volume * share), (SELECT lem_bars(ts, price, volume) FROM tca_bars WHERE symbol = 'S2'), until => (ord).start_ts + n * interval '1 hour') AS r
	FROM generate_series(1, 24) AS n, (VALUES (0.125::float8), (0.1), (1 / 3.0), (0.007)) AS s(share), (VALUES ('buy'), ('sell')) AS d(side),
		LATERAL (SELECT lem_order(1e9, side, start_ts => '2026-01-05 07:00+00') AS ord) AS o, tca_bars AS b
	WHERE b.symbol = 'S2' AND b.ts >= (ord).start_ts AND b.ts < (ord).start_ts + n * interval '1 hour' GROUP BY n, share, side, ord) AS x;

-- A sell is the mirror of a buy.
SELECT count(*), bool_and((b).arrival_bps = -(s).arrival_bps AND (b).vwap_bps = -(s).vwap_bps AND (b).day_vwap_cost = -(s).day_vwap_cost AND (b).open_bps = -(s).open_bps
	AND (b).best = (s).worst AND (b).best_bps = -(s).worst_bps AND (b).shortfall = -(s).shortfall AND (b).delay_cost = -(s).delay_cost AND (b).opportunity_bps = -(s).opportunity_bps
	AND (b).pa_bps = -(s).pa_bps AND (b).markouts[1] = -(s).markouts[1]) AS mirrored
FROM (SELECT lem_tca_report(buy, bars, '{2 hours}') AS b, lem_tca_report(sell, bars, '{2 hours}') AS s
	FROM (SELECT symbol, lem_tca(ROW((ord).size, 'buy', (ord).benchmark, (ord).unit, (ord).start_ts, NULL, (ord).max_bars, 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_order, ts, price, quantity) AS buy,
			lem_tca(ROW((ord).size, 'sell', (ord).benchmark, (ord).unit, (ord).start_ts, NULL, (ord).max_bars, 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_order, ts, price, quantity) AS sell
		FROM tca_orders JOIN tca_fills USING (id) WHERE kind = 2 AND id BETWEEN 100 AND 400 AND symbol <> 'S4' GROUP BY id, symbol, ord) AS f
	JOIN (SELECT symbol, lem_bars(ts, price, volume) AS bars FROM tca_bars GROUP BY symbol) AS b USING (symbol)) AS x;

-- Rollups, by each weight
CREATE FUNCTION pg_temp.near(a float8, b float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= 1e-9 * abs(b) + 1e-9 END
$$;
CREATE TABLE tca_flat AS SELECT id, id % 7 AS desk, (report).*, (report).arrival_price * ((report).quantity + (report).unfilled) AS ordered_money FROM tca_reports;
CREATE TABLE tca_rollups AS
SELECT id % 7 AS desk, w AS weight, lem_tca_rollup(report, w) AS r FROM tca_reports, unnest(ARRAY['quantity', 'notional', 'equal']) AS w GROUP BY 1, 2;
SELECT weight, count(*) AS groups, bool_and((r).weight = weight AND (r).orders = o.orders AND (r).filled_orders = o.filled AND (r).fills = o.fills) AS counts,
	bool_and(pg_temp.near((r).quantity, o.quantity) AND pg_temp.near((r).notional, o.notional) AND pg_temp.near((r).unfilled, o.unfilled) AND pg_temp.near((r).market_volume, o.market_volume)) AS sums,
	bool_and(pg_temp.near((r).vwap_cost, o.vwap_cost) AND pg_temp.near((r).worst_cost, o.worst_cost) AND pg_temp.near((r).shortfall, o.shortfall) AND pg_temp.near((r).delay_cost, o.delay_cost)) AS money,
	bool_and(pg_temp.near((r).arrival_bps, o.arrival_bps) AND pg_temp.near((r).vwap_bps, o.vwap_bps) AND pg_temp.near((r).best_bps, o.best_bps) AND pg_temp.near((r).pa_bps, o.pa_bps)) AS bps,
	bool_and(pg_temp.near((r).shortfall_bps, o.shortfall_bps) AND pg_temp.near((r).opportunity_bps, o.opportunity_bps) AND pg_temp.near((r).fill_rate, o.fill_rate)) AS ordered,
	bool_and(pg_temp.near((r).win_rate, o.win_rate) AND pg_temp.near((r).participation_rate, o.participation_rate) AND pg_temp.near((r).markouts[2], o.markout)) AS rates,
	bool_and(pg_temp.near(extract(epoch FROM (r).duration)::float8, o.duration)) AS duration
FROM tca_rollups, LATERAL (
	SELECT count(*) AS orders, count(*) FILTER (WHERE fills > 0) AS filled, sum(fills) AS fills, sum(quantity) AS quantity, sum(notional) AS notional, sum(unfilled) AS unfilled, sum(market_volume) AS market_volume,
		sum(vwap_cost) AS vwap_cost, sum(worst_cost) AS worst_cost, sum(shortfall) AS shortfall, sum(delay_cost) AS delay_cost,
		sum(w * arrival_bps) / sum(w) FILTER (WHERE arrival_bps IS NOT NULL) AS arrival_bps, sum(w * vwap_bps) / sum(w) FILTER (WHERE vwap_bps IS NOT NULL) AS vwap_bps,
		sum(w * best_bps) / sum(w) FILTER (WHERE best_bps IS NOT NULL) AS best_bps, sum(w * pa_bps) / sum(w) FILTER (WHERE pa_bps IS NOT NULL) AS pa_bps,
		sum(u * shortfall_bps) / sum(u) FILTER (WHERE shortfall_bps IS NOT NULL) AS shortfall_bps, sum(u * opportunity_bps) / sum(u) FILTER (WHERE opportunity_bps IS NOT NULL) AS opportunity_bps,
		sum(u * fill_rate) / sum(u) FILTER (WHERE fill_rate IS NOT NULL) AS fill_rate, sum(w * (pa_bps > 0)::int) / sum(w) FILTER (WHERE pa_bps IS NOT NULL) AS win_rate,
		sum(w * participation_rate) / sum(w) FILTER (WHERE participation_rate IS NOT NULL) AS participation_rate, sum(w * markouts[2]) / sum(w) FILTER (WHERE markouts[2] IS NOT NULL) AS markout,
		sum(w * extract(epoch FROM duration)::float8) / sum(w) FILTER (WHERE duration IS NOT NULL) AS duration
	FROM (SELECT *, CASE weight WHEN 'quantity' THEN quantity WHEN 'notional' THEN notional ELSE (fills > 0)::int END AS w,
			CASE weight WHEN 'quantity' THEN quantity + unfilled WHEN 'notional' THEN ordered_money ELSE 1 END AS u FROM tca_flat AS f WHERE f.desk = tca_rollups.desk) AS f) AS o
GROUP BY weight ORDER BY weight;
-- By notional money over money; the win rate of equal weights is a count.
SELECT bool_and(pg_temp.near((r).shortfall_bps, 1e4 * o.shortfall / o.money)) AS shortfall, (SELECT bool_and(pg_temp.near((r).win_rate, wins)) FROM tca_rollups
	JOIN (SELECT desk, count(*) FILTER (WHERE pa_bps > 0)::float8 / count(pa_bps) AS wins FROM tca_flat GROUP BY desk) AS w USING (desk) WHERE weight = 'equal') AS wins
FROM tca_rollups JOIN (SELECT desk, sum(shortfall) AS shortfall, sum(ordered_money) FILTER (WHERE shortfall IS NOT NULL) AS money FROM tca_flat GROUP BY desk) AS o USING (desk) WHERE weight = 'notional';
SELECT lem_tca_rollup(report) = lem_tca_rollup(report, 'Notional') AS "default", lem_tca_rollup(report, NULL) = lem_tca_rollup(report) AS "null" FROM tca_reports;
SELECT lem_tca_rollup(report) IS NULL AS none, lem_tca_rollup(NULL::lem_tca_report, 'equal') IS NULL AS nulls FROM tca_reports WHERE id < 0;
SELECT (r).orders, (r).filled_orders, (r).fill_rate, (r).vwap_bps, (r).win_rate, (r).duration FROM (SELECT lem_tca_rollup(report, 'equal') AS r FROM tca_reports WHERE (report).fills = 0) AS x;

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
CREATE TABLE tca_wide AS SELECT id, id % 5 AS g, symbol, ord, ts, price, quantity FROM tca_orders LEFT JOIN tca_fills USING (id) ORDER BY md5(id || ' ' || ts);
\set fills 'SELECT id, lem_tca(ord, ts, price, quantity) AS fills FROM tca_wide GROUP BY id'
\set few 'SELECT g, lem_tca(lem_order(1e9, start_ts => ''2026-01-01''), ts, price, quantity) AS fills FROM tca_wide GROUP BY 1'
\set rollup 'SELECT lem_tca_rollup(report, ''quantity'') AS r FROM tca_reports'
SET max_parallel_workers_per_gather = 0;
CREATE TABLE tca_serial AS :fills;
CREATE TABLE tca_few AS :few;
CREATE TABLE tca_rollup_serial AS :rollup;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE tca_wide SET (parallel_workers = 2);
ALTER TABLE tca_reports SET (parallel_workers = 2);
ANALYZE tca_wide;
ANALYZE tca_reports;
SELECT node, pg_temp.plan_has(:'few', node) AS fills, pg_temp.plan_has(:'rollup', replace(node, '(Hash|Group)', '')) AS rollup
FROM unnest(ARRAY['Partial (Hash|Group)Aggregate', 'Finalize (Hash|Group)Aggregate', 'Workers Launched: [12]']) AS node;
SELECT count(*) AS groups, count(*) FILTER (WHERE s.fills::text IS DISTINCT FROM p.fills::text) AS differ FROM tca_few AS s FULL JOIN (:few) AS p USING (g);
SELECT count(*) AS orders, count(*) FILTER (WHERE s.fills::text IS DISTINCT FROM p.fills::text) AS differ FROM tca_serial AS s FULL JOIN (:fills) AS p USING (id);
CREATE TABLE tca_rollup_parallel AS :rollup;
SELECT p.r = s.r AS same FROM tca_rollup_serial AS s, tca_rollup_parallel AS p;
\set report 'SELECT count((lem_tca_report(fills, NULL)).achieved_price) FROM tca_serial'
ALTER TABLE tca_serial SET (parallel_workers = 2);
SELECT pg_temp.plan_has(:'report', 'Partial Aggregate') AS reports, count((lem_tca_report(fills, NULL)).achieved_price) FROM tca_serial;
RESET max_parallel_workers_per_gather;

-- Fills of one order, kept by day and put together later
SELECT count(*), bool_and(fills::text = whole::text) AS same
FROM (SELECT id, lem_tca(f.fills) AS fills FROM (SELECT id, lem_tca(ord, ts, price, quantity) AS fills FROM tca_wide GROUP BY id, ts::date) AS f GROUP BY id) AS f
JOIN (SELECT id, fills AS whole FROM tca_serial) AS w USING (id);

DROP TABLE tca_bars, tca_orders, tca_fills, tca_reports, tca_b, tca_f, tca_expected, tca_compared, tca_flat, tca_rollups, tca_wide, tca_serial, tca_few, tca_rollup_serial, tca_rollup_parallel;
DROP FUNCTION simulate_bars, simulate_normal;

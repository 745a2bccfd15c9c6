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

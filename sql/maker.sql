-- Market making: quotings, backtests and fills.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN hint <> '' AND SQLSTATE <> 'LM010' THEN '  ' || hint ELSE '' END;
END
$$;

--
-- lem_quoting
--
SELECT (lem_quoting(1, 0.01, 1, 0.1, 100)).*;
SELECT (lem_quoting(NULL, 0.01, NULL, NULL, 100, 2, 0.5, 1, 3, -0.2, 1.5)).*;
SELECT a AS arguments, pg_temp.error_of(format('SELECT lem_quoting(%s)', a)) FROM unnest(ARRAY[
	'1, NULL, 1, 0.1, 100', '1, 0.01, 1, 0.1, NULL', '0, 0.01, 1, 0.1, 100', '33, 0.01, 1, 0.1, 100', '1, 0, 1, 0.1, 100',
	'1, ''NaN'', 1, 0.1, 100', '1, 0.01, -1, 0.1, 100', '1, 0.01, ''Infinity'', 0.1, 100', '1, 0.01, 1, 1.5, 100',
	'1, 0.01, 1, 0.1, -1', '1, 0.01, 1, 0.1, ''Infinity''', '1, 0.01, 1, 0.1, 100, theta => -1', '1, 0.01, 1, 0.1, 100, eta => ''NaN''',
	'1, 0.01, 1, 0.1, 100, maker_fee_bps => 1e9']) AS a;

--
-- A simulated book: four days of 600 bars; sizes that lead the mid
--
CREATE TABLE maker_bars AS
WITH shocks AS (
	SELECT d, i, (hashint4(d * 7919 + i * 31) % 1000) / 1000.0 AS u, (hashint4(d * 104729 + i * 17) % 1000) / 1000.0 AS v,
		(hashint4(d * 1299709 + i * 13) % 1000) / 1000.0 AS w
	FROM generate_series(1, 4) AS d, generate_series(0, 599) AS i
), walk AS (
	SELECT *, 100 + sum(u) OVER (ORDER BY d, i) * 0.01 AS mid, lead(u) OVER (ORDER BY d, i) AS next FROM shocks
)
SELECT timestamptz '2026-01-05 14:30+00' + d * interval '1 day' + i * interval '1 second' AS ts, round(mid::numeric, 2) - 0.01 AS bid,
	round(mid::numeric, 2) + 0.01 AS ask, 50 + 40 * coalesce(next, 0) AS bid_size, 50 - 40 * coalesce(next, 0) AS ask_size,
	mid AS open, mid + 0.02 + 0.02 * abs(v) AS high, mid - 0.02 - 0.02 * abs(w) AS low, mid AS close, 500 + 400 * v AS volume
FROM walk;
CREATE TABLE maker_book AS SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book FROM maker_bars;
SELECT lem_book_count(book) FROM maker_book;
\set quoting 'lem_quoting(2, 0.01, 1, 0.1, 200, maker_fee_bps => 0.1, taker_fee_bps => 0.5)'

-- Every baseline under both rules: the identity, limits, rates.
SELECT kind, r.fill, r.strategy = 'baseline:' || kind AS named, r.bars, r.episodes,
	abs(r.pnl - (r.spread_earned + r.inventory_gain - r.fees - r.closing_cost)) < 1e-9 * (1 + r.turnover) AS identity,
	abs(r.epnl * r.episodes - r.pnl) < 1e-9 * (1 + r.turnover) AS episodes_sum, r.max_position <= 200 AS limited,
	coalesce(r.fill_rate BETWEEN 0 AND 1, kind = 'none') AS rate, (r.fills > 0) = (kind <> 'none') AS filled
FROM maker_book, unnest(ARRAY['none', 'fixed', 'avellaneda_stoikov', 'glft', 'microprice', 'linear']) WITH ORDINALITY AS k (kind, n),
	lem_maker_backtest('baseline:' || kind, :quoting, book) AS r
ORDER BY n, r.fill DESC;
SELECT fill, fills > 0 AS filled FROM maker_book, lem_maker_backtest('baseline:fixed', :quoting, book, '{"fill": "queue", "queue_share": 0.3}');

-- The fills are those of the figures.
SELECT fill, count(*) FILTER (WHERE NOT f.closing) = r.fills AS fills, abs(sum(f.quantity) FILTER (WHERE NOT f.closing) - r.filled) < 1e-6 AS filled,
	abs(sum(CASE f.side WHEN 'ask' THEN 1 ELSE -1 END * f.quantity * f.price - f.fee) - r.pnl) < 1e-6 AS cash_is_profit,
	sum(CASE f.side WHEN 'ask' THEN -1 ELSE 1 END * f.quantity) = 0 AS flat,
	bool_and(f.price * 100 = round((f.price * 100)::numeric, 6)::float8) AS ticks, bool_and(f.quantity = round(f.quantity) OR f.closing) AS lots,
	bool_and(abs(f.position) <= 200) AS limited, bool_and((f.level IS NULL) = f.closing) AS levels, max(f.level) AS most
FROM maker_book, lem_maker_backtest('baseline:glft', :quoting, book) AS r,
	LATERAL (SELECT * FROM lem_maker_fills('baseline:glft', :quoting, book, jsonb_build_object('fill', r.fill))) AS f
GROUP BY r.fill, r.fills, r.filled, r.pnl ORDER BY fill DESC;

-- By hand: a fixed quote a tick from the mid on five bars; through, touch and queue.
CREATE TABLE five AS SELECT lem_book(ts, 99.9, 100.1, open, high, low, close, 100) AS book FROM (VALUES
	(timestamptz '2026-01-05 14:30+00', 100::float8, 100::float8, 100::float8, 100::float8),
	('2026-01-05 14:31+00', 100, 100, 99.9, 99.9), ('2026-01-05 14:32+00', 100, 100, 99.8, 99.8),
	('2026-01-05 14:33+00', 100, 100.2, 100, 100.2), ('2026-01-05 14:34+00', 100, 100, 100, 100)) AS b (ts, open, high, low, close);
SELECT rule, to_char(f.ts, 'HH24:MI') AS at, f.side, f.price, f.quantity, f.position, f.closing
FROM unnest(ARRAY['through', 'touch', 'queue']) WITH ORDINALITY AS r (rule, n), five,
	lem_maker_fills('baseline:fixed', lem_quoting(1, 0.1, 1, 0.2, 1000000), book, jsonb_build_object('fill', rule, 'fit', 0)) AS f
ORDER BY n, f.ts, f.side;

-- What leads the mid is found: linear beats who does not look; latency takes from it.
SELECT (l.pnl > m.pnl AND l.pnl > 0) AS linear_leads, late.pnl < l.pnl AS latency_costs, w.pnl <= l.pnl AS worst_is_worse
FROM maker_book, lem_maker_backtest('baseline:linear', :quoting, book, '{"horizon": 1}') AS l,
	lem_maker_backtest('baseline:fixed', :quoting, book, '{"horizon": 1}') AS m,
	lem_maker_backtest('baseline:linear', :quoting, book, '{"horizon": 1, "latency": 2}') AS late,
	lem_maker_backtest('baseline:linear', :quoting, book, '{"horizon": 1, "sides": "worst"}') AS w
WHERE l.fill = 'through' AND m.fill = 'through' AND late.fill = 'through' AND w.fill = 'through';

-- Tuning: what was given stays; what is chosen is no worse where it was chosen, on the book that is passed only.
SELECT t.theta = 1.5 AS given, t.eta IS NOT NULL AND t.kappa IS NOT NULL AS chosen, t.size_step IS NOT NULL AS sloped, t.participation = 0.1 AS kept, t.tick, t.maker_fee_bps,
	(SELECT pnl FROM lem_maker_backtest('baseline:linear', t, book, '{"horizon": 1}') WHERE fill = 'through') >=
	(SELECT pnl FROM lem_maker_backtest('baseline:linear', lem_quoting(2, 0.01, 1, 0.1, 200, theta => 1.5), book, '{"horizon": 1}') WHERE fill = 'through') AS no_worse
FROM maker_book, lem_tune_quoting('baseline:linear', lem_quoting(2, 0.01, 1, 0.1, 200, theta => 1.5), book, '{"horizon": 1}') AS t;

SELECT t.participation IN (0.025, 0.05, 0.1) AS chosen,
	(SELECT pnl FROM lem_maker_backtest('baseline:fixed', t, book) WHERE fill = 'through') >=
	(SELECT pnl FROM lem_maker_backtest('baseline:fixed', lem_quoting(2, 0.01, 1, NULL, 200), book) WHERE fill = 'through') AS no_worse
FROM maker_book, lem_tune_quoting('baseline:fixed', lem_quoting(2, 0.01, 1, NULL, 200), book) AS t;

-- Quotes as an aggregate over rows of bars: those of a book of them, in any order, by group and in parallel.
CREATE FUNCTION pg_temp.quotes_of(kind text, book lem_book) RETURNS lem_quote[] LANGUAGE sql AS $$
	SELECT array_agg(ROW(side, level, price, quantity)::lem_quote ORDER BY side = 'ask', level)
	FROM lem_quote('baseline:' || kind, lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), book, 60) $$;
CREATE FUNCTION pg_temp.same(a lem_quote[], b lem_quote[]) RETURNS boolean LANGUAGE sql AS $$ SELECT a = b AND cardinality(a) = 4 $$;
SELECT kind,
	pg_temp.same(lem_quote('baseline:' || kind, lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), 60, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume ORDER BY md5(ts::text)),
		(SELECT pg_temp.quotes_of(kind, book) FROM maker_book)) AS sizes,
	pg_temp.same(lem_quote('baseline:' || kind, lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), 60, ts, bid, ask, open, high, low, close, volume),
		pg_temp.quotes_of(kind, lem_book(ts, bid, ask, open, high, low, close, volume))) AS quotes,
	pg_temp.same(lem_quote('baseline:' || kind, lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), 60, ts, open, high, low, close, volume),
		pg_temp.quotes_of(kind, lem_book(ts, open, high, low, close, volume))) AS bars,
	pg_temp.same(lem_quote('baseline:' || kind, lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), 60, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume, volume / 2),
		pg_temp.quotes_of(kind, lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume, volume / 2))) AS buys,
	pg_temp.same(lem_quote('baseline:' || kind, lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), 60, ts, bid, ask, open, high, low, close, volume, volume / 2, ARRAY[bid_size]),
		pg_temp.quotes_of(kind, lem_book(ts, bid, ask, open, high, low, close, volume, volume / 2, ARRAY[bid_size]))) AS features
FROM maker_bars, unnest(ARRAY['fixed', 'linear', 'microprice']) AS kind GROUP BY kind ORDER BY kind;
SELECT array_agg(quotes = alone ORDER BY day) AS by_group FROM (
	SELECT ts::date AS day, 10 * extract(day FROM ts::date) AS "position", lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book,
		lem_quote('baseline:microprice', lem_quoting(1, 0.01, 1, 0.1, 200), 10 * extract(day FROM ts::date), ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS quotes
	FROM maker_bars GROUP BY ts::date) AS g, LATERAL (SELECT array_agg(ROW(q.*)::lem_quote ORDER BY side = 'ask') AS alone
	FROM lem_quote('baseline:microprice', lem_quoting(1, 0.01, 1, 0.1, 200), book, "position") AS q) AS a;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE maker_bars SET (parallel_workers = 2);
EXPLAIN (COSTS off) SELECT lem_quote('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), 0, ts, open, high, low, close, volume) FROM maker_bars;
SELECT pg_temp.same(lem_quote('baseline:linear', lem_quoting(2, 0.01, 1, 0.1, 200, theta => 2), 60, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume),
	(SELECT pg_temp.quotes_of('linear', book) FROM maker_book)) AS parallel FROM maker_bars;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT lem_quote('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), 0, ts, open, high, low, close, volume) IS NULL AS no_rows FROM maker_bars WHERE false;
SELECT a, pg_temp.error_of(format('SELECT lem_quote(%s, ts, open, high, low, close, volume) FROM maker_bars', a)) FROM unnest(ARRAY[
	$$NULL, lem_quoting(1, 0.01, 1, 0.1, 200), 0$$, $$'baseline:fixed', NULL, 0$$, $$'baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), NULL$$,
	$$'baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), 'NaN'$$, $$'baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), volume$$,
	$$CASE WHEN ts < '2026-01-07' THEN 'baseline:fixed' ELSE 'baseline:none' END, lem_quoting(1, 0.01, 1, 0.1, 200), 0$$,
	$$'baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200, theta => bid), 0$$, $$'baseline:twap', lem_quoting(1, 0.01, 1, 0.1, 200), 0$$,
	$$'no_such_model', lem_quoting(1, 0.01, 1, 0.1, 200), 0$$]) AS a;
SELECT pg_temp.error_of($$SELECT lem_quote('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), 0, NULL, open, high, low, close, volume) FROM maker_bars$$) AS no_bars;

-- Sessions: of days, in a time zone, and none; flat at their ends or not.
SELECT o, r.episodes, r.closing_cost > 0 AS closed FROM maker_book, unnest(ARRAY['{}', '{"sessions": "none"}', '{"sessions": "none", "close": false}',
	'{"close": false}', '{"time_zone": "Asia/Tokyo"}', '{"fit": 0}']) WITH ORDINALITY AS t (o, n),
	lem_maker_backtest('baseline:fixed', :quoting, book, o::jsonb) AS r WHERE r.fill = 'through' ORDER BY n;

-- Later bars change no fill of earlier ones: the baselines learn from what lies before.
SELECT kind, count(*) AS different FROM (
	SELECT kind, f.* FROM maker_book, unnest(ARRAY['glft', 'linear', 'microprice', 'avellaneda_stoikov']) AS kind,
		lem_maker_fills('baseline:' || kind, :quoting, book, '{"fit": 0.25}') AS f WHERE f.ts < '2026-01-08'
	EXCEPT
	SELECT kind, f.* FROM (SELECT lem_book(ts, bid * k, ask * k, bid_size, ask_size, open * k, high * k, low * k, close * k, volume) AS book
			FROM maker_bars, LATERAL (SELECT CASE WHEN ts < '2026-01-08' THEN 1 ELSE 2 END AS k) AS t) AS b,
		unnest(ARRAY['glft', 'linear', 'microprice', 'avellaneda_stoikov']) AS kind,
		lem_maker_fills('baseline:' || kind, :quoting, book, '{"fit": 0.25}') AS f WHERE f.ts < '2026-01-08') AS d
GROUP BY kind;

-- Bad input
SELECT q, pg_temp.error_of('SELECT count(*) FROM maker_book, ' || q) FROM unnest(ARRAY[
	$$lem_maker_backtest(NULL, lem_quoting(1, 0.01, 1, 0.1, 100), book)$$,
	$$lem_maker_backtest('baseline:fixed', NULL, book)$$,
	$$lem_maker_backtest('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 100), NULL)$$,
	$$lem_maker_backtest('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 100), '1 {}')$$,
	$$lem_maker_backtest('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 100), book, NULL)$$,
	$$lem_maker_backtest('baseline:twap', lem_quoting(1, 0.01, 1, 0.1, 100), book)$$,
	$$lem_maker_backtest('', lem_quoting(1, 0.01, 1, 0.1, 100), book)$$,
	$$lem_maker_backtest('no_such_model', lem_quoting(1, 0.01, 1, 0.1, 100), book)$$,
	$$lem_maker_backtest('baseline:fixed', ROW(1, 0, 1, 0.1, 100, NULL, NULL, NULL, NULL, 0, 0)::lem_quoting, book)$$,
	$$lem_maker_backtest('baseline:glft', lem_quoting(1, 0.01, 1, 0.1, 100), '1 quotes {"2026-01-05 14:30+00" 99 101 100 100 100 100 5}')$$,
	$$lem_tune_quoting(NULL, lem_quoting(1, 0.01, 1, 0.1, 100), book)$$,
	$$lem_tune_quoting('baseline:linear', NULL, book)$$,
	$$lem_tune_quoting('baseline:linear', lem_quoting(1, 0.01, 1, 0.1, 100), NULL)$$,
	$$lem_maker_fills(NULL, lem_quoting(1, 0.01, 1, 0.1, 100), book)$$,
	$$lem_maker_fills('baseline:none', lem_quoting(1, 0.01, 1, 0.1, 100), book)$$
]) AS q;
SELECT o, pg_temp.error_of(format('SELECT count(*) FROM maker_book, lem_maker_backtest(''baseline:fixed'', lem_quoting(1, 0.01, 1, 0.1, 100), book, %L)', o))
FROM unnest(ARRAY['[]', '3', '{"fil": 1}', '{"fill": "front"}', '{"fill": 1}', '{"latency": -1}', '{"latency": 1.5}', '{"latency": 17}', '{"sides": null}',
	'{"close": "yes"}', '{"fit": 1}', '{"fit": 1e400}', '{"time_zone": "Mars"}', '{"time_zone": 3}', '{"horizon": 0}', '{"queue_share": 2}',
	'{"sessions": "week"}', '{"map": [1]}', '{"risk_aversion": 0}', '{"ticks": {"a": 1}}']) AS o;
-- Books of one bar, of locked quotes, without quotes, of huge and tiny prices
SELECT b, r.bars, r.pnl = r.spread_earned + r.inventory_gain - r.fees - r.closing_cost AS identity
FROM unnest(ARRAY['1 quotes {"2026-01-05 14:30+00" 99 101 100 100 100 100 5}',
	'1 quotes {"2026-01-05 14:30+00" 100 100 100 100 100 100 5, "2026-01-05 14:31+00" 100 100 100 100 100 100 5}',
	'1 {"2026-01-05 14:30+00" 100 101 99 100 5, "2026-01-05 14:31+00" 100 101 99 100 5}',
	'1 {"2026-01-05 14:30+00" 1e300 1e300 1e300 1e300 1e300, "2026-01-05 14:31+00" 1e-300 1e-300 1e-300 1e-300 0}']) WITH ORDINALITY AS t (b, n),
	lem_maker_backtest('baseline:microprice', lem_quoting(3, 0.01, 1, 0.1, 100), b::lem_book, '{"fit": 0}') AS r
WHERE r.fill = 'through' ORDER BY n;

DROP TABLE maker_bars, maker_book, five;

-- Limits of an order in the market: participation, limit price, end, smallest slice, best effort, and what was executed.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
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
SELECT q, e FROM (VALUES
	('limit_price => ''NaN'''), ('limit_price => ''infinity'''), ('max_participation => 0'), ('max_participation => 1.1'),
	('max_participation => ''NaN'''), ('min_quantity => 0'), ('min_quantity => 101'), ('min_quantity => -1'),
	('min_quantity => 51, max_rate => 0.5'), ('min_quantity => 50, max_rate => 0.5'), ('min_quantity => 51, max_rate => 0.5, best_effort => true'), ('end_ts => ''infinity'''),
	('start_ts => ''2026-01-02'', end_ts => ''2026-01-02'''), ('arrival_price => ''NaN'''), ('risk_aversion => -1'),
	('max_bars => 4, max_rate => 0.2'), ('max_bars => 4, max_rate => 0.2, best_effort => true'),
	('limit_price => 99, max_participation => 0.1, min_quantity => 5, end_ts => ''2026-01-02'', best_effort => NULL, arrival_price => 100, risk_aversion => 0'))
	AS query(q), pg_temp.error_of('SELECT lem_order(100, ' || q || ')') AS e;

\set weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
SELECT lem_import('limits', decode(:'weights', 'base64'), '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
CREATE TABLE limits_bars AS
SELECT ts, coalesce(notional / nullif(volume, 0), close) AS price, CASE WHEN hashtext(ts::text) % 9 = 0 THEN 0 ELSE volume END AS volume
FROM simulate_bars('LIMITS', days => 24);
CREATE TABLE limits_series AS SELECT lem_bars(ts, price, volume) AS bars FROM limits_bars;

-- Orders of all kinds, of up to half of what bars trade
CREATE TABLE limits_cases AS
SELECT i, CASE i % 5 WHEN 0 THEN 'baseline:twap' WHEN 1 THEN 'baseline:vwap_curve' WHEN 2 THEN 'baseline:stop_rule' ELSE 'limits' END AS model,
	lem_order(q.size, side => CASE i % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, benchmark => CASE i / 2 % 2 WHEN 0 THEN 'twap' ELSE 'vwap' END,
		unit => CASE i % 4 WHEN 3 THEN 'notional' ELSE 'quantity' END, min_bars => nullif(i % 3, 0), max_bars => 6,
		max_rate => CASE i % 7 WHEN 0 THEN 0.4 ELSE 1 END, lot => CASE i % 3 WHEN 0 THEN 10 END,
		max_participation => CASE WHEN i % 5 < 4 THEN 0.02 * (1 + i % 4) END, limit_price => CASE i % 4 WHEN 1 THEN m.price END,
		min_quantity => CASE i % 6 WHEN 5 THEN q.size / 20 END, best_effort => true) AS ord
FROM generate_series(0, 59) AS i,
	(SELECT avg(volume) AS volume, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS price FROM limits_bars) AS m,
	LATERAL (SELECT 10 * ceil(m.volume * 6 * (0.001 + 0.5 * (i % 10) / 10) / 10) * CASE i % 4 WHEN 3 THEN 100 ELSE 1 END AS size) AS q;
CREATE TABLE limits_rows AS
SELECT i, model, ord, b.* FROM limits_cases, limits_series,
	lem_backtest_orders(model, ord, bars, 31, options => CASE WHEN model <> 'limits' THEN '{"norm_window": 60}'::jsonb END) AS b;
SELECT count(*) > 500 AS starts, count(DISTINCT i) AS orders, count(*) FILTER (WHERE unallocated > 0) > 50 AS incomplete,
	count(*) FILTER (WHERE unallocated = 0) > 50 AS complete FROM limits_rows;

-- What was traded and what was not are the order, to the lot; no bar took more than its share, or traded at a worse price.
SELECT count(*) FILTER (WHERE abs((SELECT sum(a) FROM unnest(allocation) AS a) * (ord).size + unallocated - (ord).size) > 1e-9 * (ord).size) AS lost,
	count(*) FILTER (WHERE (ord).lot > 0 AND abs(unallocated / (ord).lot - round(unallocated / (ord).lot)) > 1e-9) AS broken_lots FROM limits_rows;
SELECT count(*) AS slices,
	count(*) FILTER (WHERE q > (ord).max_participation * b.volume * CASE (ord).unit WHEN 'notional' THEN b.price ELSE 1 END * (1 + 1e-9)) AS beyond_volume,
	count(*) FILTER (WHERE q > 0 AND CASE (ord).side WHEN 'buy' THEN b.price > (ord).limit_price ELSE b.price < (ord).limit_price END) AS beyond_price,
	count(*) FILTER (WHERE a > (ord).max_rate + 1e-9 AND (ord).lot IS NULL) AS beyond_rate
FROM limits_rows AS r, unnest(allocation) WITH ORDINALITY AS u (a, k), LATERAL (SELECT a * (ord).size AS q) AS q
JOIN LATERAL (SELECT * FROM limits_bars AS b WHERE b.ts >= r.ts ORDER BY b.ts OFFSET k - 1 LIMIT 1) AS b ON true;

-- A backtest's row is the schedule of the same order over the same bars, whatever came after.
CREATE FUNCTION pg_temp.started(o lem_order, start timestamptz) RETURNS lem_order LANGUAGE plpgsql AS $$
BEGIN
	o.start_ts := start;
	RETURN o;
END
$$;
SELECT count(*) AS checked, count(*) FILTER (WHERE s.a <> r.allocation) AS different
FROM (SELECT * FROM limits_rows WHERE i % 3 = 0) AS r, limits_series,
LATERAL (SELECT array_agg(allocation ORDER BY step) AS a FROM (
	SELECT * FROM lem_schedule('limits', pg_temp.started(ord, ts), bars) WHERE r.model = 'limits'
	UNION ALL SELECT * FROM lem_baseline(substr(r.model, 10), pg_temp.started(ord, ts), bars, '{"norm_window": 60}') WHERE r.model <> 'limits') AS s) AS s
WHERE r.model IN ('limits', 'baseline:twap', 'baseline:vwap_curve', 'baseline:stop_rule');
-- The words that slices give for it
SELECT reason, count(*) > 0 AS seen FROM limits_cases, limits_series, LATERAL (SELECT ts FROM limits_bars ORDER BY ts OFFSET 500 LIMIT 1) AS t,
	lem_schedule('limits', pg_temp.started(ord, t.ts), bars) GROUP BY reason ORDER BY reason;
SELECT reason, count(*) FROM limits_series, lem_schedule('limits', lem_order(1000, limit_price => 0.01), bars) GROUP BY reason;
SELECT reason, count(*), sum(quantity) AS quantity FROM limits_series, LATERAL (SELECT max(ts) AS ts FROM limits_bars) AS t,
	lem_schedule('limits', lem_order(1000, lot => 10, start_ts => t.ts + interval '1 minute', end_ts => t.ts + interval '3 hours 30 minutes'), bars) GROUP BY reason;
-- The smallest slice can be the largest as well.
SELECT m, count(*) FILTER (WHERE quantity > 0) AS slices, sum(quantity) AS quantity, min(quantity) FILTER (WHERE quantity > 0) >= least(m * (1 - 1e-12), 100 - 3 * m) AS large
FROM limits_series, unnest('{25,30,50,33.3,34}'::float8[]) AS m, lem_schedule('limits', lem_order(100, min_quantity => m, max_rate => m / 100), bars) GROUP BY m ORDER BY m;
-- An order that cannot be completed is refused, unless it says best effort.
SELECT regexp_replace(e, 'take [0-9.e-]+', 'take x') AS e FROM pg_temp.error_of($$SELECT lem_schedule('limits', lem_order(1e9, max_participation => 0.1), bars) FROM limits_series$$) AS e;
SELECT count(*) AS slices, sum(quantity) < 1e9 AS short, bool_and(reason = 'max_participation') AS said
FROM limits_series, lem_schedule('limits', lem_order(1e9, max_participation => 0.1, best_effort => true), bars);

-- From what was executed: nothing is lost, what was done stays, and what is missing is spread.
CREATE TABLE limits_executed AS
SELECT n, e.executed, s.* FROM limits_series, (SELECT ts AS start FROM limits_bars ORDER BY ts OFFSET 500 LIMIT 1) AS t,
	(VALUES (1, '{}'::float8[]), (2, '{100}'), (3, '{50,0,20}'), (4, '{0,0,0,0}'), (5, '{600,600}'), (6, '{0,0,0,0,0,1000}')) AS e (n, executed),
	LATERAL (SELECT lem_bars(ts, price, volume) AS bars FROM (SELECT * FROM limits_bars ORDER BY ts LIMIT 500 + cardinality(executed)) AS b) AS b,
	lem_schedule('limits', lem_order(1000, lot => 10, start_ts => start), b.bars, executed) AS s;
SELECT n, executed, array_agg(quantity ORDER BY step) FILTER (WHERE state = 'done') AS done, sum(quantity) AS quantity,
	max(quantity) FILTER (WHERE state <> 'done') <= 1000 - sum(quantity) FILTER (WHERE state = 'done') AS within
FROM limits_executed GROUP BY n, executed ORDER BY n;
SELECT q, e FROM (VALUES ('{1,2}'), ('{-1}'), ('{NaN}'), ('{NULL}'), ('{{1}}')) AS query(q), (SELECT ts AS start FROM limits_bars ORDER BY ts DESC LIMIT 1) AS t,
	pg_temp.error_of(format($$SELECT lem_schedule('limits', lem_order(1, start_ts => %L), bars, %L) FROM limits_series$$, start, q)) AS e;
SELECT lem_drop('limits');
DROP TABLE limits_bars, limits_series, limits_cases, limits_rows, limits_executed;
DROP FUNCTION simulate_bars, simulate_normal;

-- What a backtest's row says of an order is what lem_work does with it, hour by hour, where the market fills each slice as far
-- as its bar lets it: the same limits by the same code.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
SELECT lem_import('live', decode(:'weights', 'base64'), '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');
CREATE TABLE live_bars AS
SELECT text 'LIVE' AS series, ts, coalesce(notional / nullif(volume, 0), close) AS price, CASE WHEN hashtext(ts::text) % 9 = 0 THEN 0 ELSE volume END AS volume
FROM simulate_bars('LIVE', days => 24);
CREATE TABLE live_series AS SELECT lem_bars(ts, price, volume) AS bars FROM live_bars;

-- Orders of all kinds, of up to half of what bars trade, that start in one of eight hours of the 22nd day
CREATE TABLE live_cases AS
SELECT i, (ARRAY['baseline:twap', 'baseline:vwap_curve', 'baseline:almgren_chriss', 'baseline:stop_rule', 'baseline:optimal_stop', 'live', 'live', 'live'])[1 + i % 8] AS model, q.start,
	lem_order(q.size, side => CASE i % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, benchmark => CASE i / 2 % 2 WHEN 0 THEN 'twap' ELSE 'vwap' END,
		unit => CASE i % 5 WHEN 3 THEN 'notional' ELSE 'quantity' END, start_ts => q.start, min_bars => nullif(i % 3, 0), max_bars => 6,
		max_rate => CASE i % 7 WHEN 0 THEN 0.2 ELSE 1 END, lot => CASE i % 3 WHEN 0 THEN 10 END,
		max_participation => CASE WHEN i % 9 < 7 THEN 0.02 * (1 + i % 4) END, limit_price => CASE i % 4 WHEN 1 THEN m.price END,
		end_ts => CASE i % 5 WHEN 4 THEN q.start + interval '4 hours' END, min_quantity => CASE i % 6 WHEN 5 THEN q.size / 20 END, best_effort => true) AS ord
FROM generate_series(0, 95) AS i,
	(SELECT avg(volume) AS volume, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FILTER (WHERE ts >= min_ts + interval '21 days') AS price, min(min_ts) AS first
		FROM live_bars, (SELECT min(ts) AS min_ts FROM live_bars) AS l) AS m,
	LATERAL (SELECT 10 * ceil(m.volume * 6 * (0.001 + 0.5 * (i % 10) / 10) / 10) * CASE i % 5 WHEN 3 THEN 100 ELSE 1 END AS size,
		m.first + interval '21 days' + i / 12 * interval '1 hour' AS start) AS q;
CREATE TABLE live_rows AS
SELECT i, ord, model, b.allocation, b.unallocated FROM live_cases, live_series, lem_backtest_orders(model, ord, bars) AS b WHERE b.ts = start;
SELECT count(*) AS orders, count(*) FILTER (WHERE unallocated > 0) > 20 AS incomplete, count(*) FILTER (WHERE unallocated = 0) > 20 AS complete FROM live_rows;
-- Starts from which an end cannot be kept are none.
SELECT count(*) AS starts, max(ts) AS last, bool_and(unallocated < 1e-9) AS complete FROM live_series,
	lem_backtest_orders('baseline:twap', lem_order(100, max_bars => 6, end_ts => '2026-01-22 10:00+00'), bars) WHERE ts >= '2026-01-22';

-- Live: each hour the slices that are due, then the market, which fills them as far as its bar lets it.
CREATE TABLE live_ids AS SELECT i, lem_submit_order('LIVE', model, ord, client_id => 'case ' || i, track => 'fills') AS id FROM live_cases;
DO $$
DECLARE
	hour record;
BEGIN
	FOR hour IN SELECT ts, price, volume FROM live_bars, (SELECT min(start) AS begins, max(start) AS ends FROM live_cases) AS c
		WHERE ts BETWEEN begins AND ends + interval '6 hours' ORDER BY ts
	LOOP
		CALL lem_work('SELECT * FROM live_bars', hour.ts);
		PERFORM lem_record_fill(s.order_id, hour.ts, hour.price, q.quantity / CASE s.unit WHEN 'notional' THEN hour.price ELSE 1 END, s.step, fill_id => 'step ' || s.step)
		FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id,
			LATERAL (SELECT (o.ord).max_participation * hour.volume * CASE s.unit WHEN 'notional' THEN hour.price ELSE 1 END AS most) AS m,
			LATERAL (SELECT CASE WHEN CASE s.side WHEN 'buy' THEN hour.price > (o.ord).limit_price ELSE hour.price < (o.ord).limit_price END THEN 0
				WHEN s.quantity <= m.most OR m.most IS NULL THEN s.quantity
				WHEN o.lot > 0 THEN o.lot * floor(m.most / o.lot) ELSE m.most END AS quantity) AS q
		WHERE s.ts = hour.ts AND s.state = 'next' AND NOT s.late AND q.quantity > 0;
	END LOOP;
	CALL lem_work('SELECT * FROM live_bars', '2026-01-25 00:00+00');
END
$$;
SELECT state, count(*) FROM lem_orders JOIN live_ids USING (id) GROUP BY state;
SELECT r.model, count(*) AS orders, count(*) FILTER (WHERE d.difference > 1e-6) AS different, bool_and(abs(o.unallocated - r.unallocated) <= 1e-6 * o.size) AS "left as said"
FROM live_rows AS r JOIN live_ids USING (i) JOIN lem_orders AS o USING (id),
	LATERAL (SELECT max(abs(a - coalesce(CASE o.unit WHEN 'notional' THEN s.fill_price * s.filled ELSE s.filled END / o.size, 0))) AS difference
		FROM unnest(r.allocation) WITH ORDINALITY AS u (a, step) LEFT JOIN lem_slices AS s ON s.order_id = o.id AND s.step = u.step) AS d
GROUP BY r.model ORDER BY r.model;
-- No limit was broken by what was told, and each is there.
SELECT reason, count(*) > 0 AS seen FROM lem_slices JOIN live_ids ON id = order_id GROUP BY reason ORDER BY reason;

-- Their costs, from the fills that are on record: taken back ones are none, and fees are costs.
SELECT lem_bust_fill(min(id)) FROM lem_order_fill;
SELECT lem_record_fill(id, '2026-01-22 02:00+00', 100, 1, fee => 2.5) > 0 AS filled FROM live_ids WHERE i = 5;
SELECT count(*) AS orders, bool_and(abs(r.fill_rate - CASE o.unit WHEN 'notional' THEN o.fill_price * o.filled ELSE o.filled END / o.size) < 1e-9) AS fill_rates,
	bool_and(abs(r.achieved_price - o.fill_price) < 1e-9) AS prices, sum(r.fees) AS fees, bool_and(abs(r.fees - o.fees) < 1e-9) AS same_fees
FROM live_ids JOIN lem_orders AS o USING (id), live_series, lem_order_tca(id, bars) AS r WHERE o.filled > 0;
SELECT count(*) FILTER (WHERE NOT r.begin_price IS NULL) AS begun, bool_and(r.arrival_price = 42) AS arrival, bool_and(r.bars <= 6) AS within, lem_order_tca(NULL, '{}') IS NULL AS none
FROM live_ids, live_series, lem_order_tca(id, bars, calendar => 'always', arrival_price => 42) AS r WHERE i < 10;
SELECT lem_order_tca(id, bars, calendar => 'none') FROM live_ids, live_series LIMIT 1;
-- An order that is not there is said by every function in the same words, and by their names alone.
\set SHOW_CONTEXT always
SELECT lem_order_fills(-1);
SELECT lem_order_tca(-1, '{}');
SELECT lem_report('order', -1, 'SELECT 1');
SELECT lem_svg('price', -1, 'SELECT 1');
SELECT lem_cancel_order(-1);
\set SHOW_CONTEXT errors

SELECT lem_drop('live');
DELETE FROM lem_parent_order;
DROP TABLE live_bars, live_series, live_cases, live_rows, live_ids;
DROP FUNCTION simulate_bars, simulate_normal;

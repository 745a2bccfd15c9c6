-- Bars come one by one and every order is planned again: what was decided never changes.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/medium/weights.safetensors"`
SELECT lem_import('replan_' || gaps, decode(:'weights', 'base64'), jsonb_build_object('gaps', gaps) || '{"lookback":24,"n_ahead":6,"hidden_size":32,"hidden_rnn_layer":2,"num_heads":4,"num_embedding":8,"fused_mlp_hidden_dim":16,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}')
FROM unnest('{carry,skip,error}'::text[]) AS gaps;

-- Bars, some of them without volume.  Where gaps are carried on, bars are missing at random; where they are skipped,
-- there is a pause each night, and halts after the orders' start.
CREATE TABLE replan_source AS
SELECT gaps, ts, coalesce(notional / nullif(volume, 0), close) AS price, CASE WHEN hashtext(ts::text) % 9 = 0 THEN 0 ELSE volume END AS volume
FROM unnest('{carry,skip,error}'::text[]) AS gaps, simulate_bars('REPLAN', days => 24, first_ts => '2025-12-27 00:00:00+00')
WHERE CASE gaps WHEN 'carry' THEN hashtext('gap ' || ts) % 12 <> 0
	WHEN 'skip' THEN extract(hour FROM ts) NOT BETWEEN 3 AND 6 AND (ts < '2026-01-18 02:00:00+00' OR hashtext('gap ' || ts) % 4 <> 0)
	ELSE true END;
CREATE TABLE replan_bars (LIKE replan_source);
INSERT INTO replan_bars SELECT * FROM replan_source WHERE ts < '2026-01-17 21:00:00+00';

-- Orders of all kinds that start in the days to come
CREATE TABLE replan_orders AS
SELECT gaps || ' ' || i AS id, gaps, lem_order(100 * i, side => CASE i % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, benchmark => CASE i / 2 % 2 WHEN 0 THEN 'twap' ELSE 'vwap' END,
	unit => CASE i / 4 % 2 WHEN 0 THEN 'notional' ELSE 'quantity' END, min_bars => nullif(i % 6, 0), max_bars => CASE i % 7 WHEN 0 THEN 5 END,
	max_rate => CASE i % 3 WHEN 0 THEN 0.4 ELSE 1 END, lot => CASE i % 5 WHEN 0 THEN 10 END,
	start_ts => timestamptz '2026-01-18 00:00:00+00' + (i % 4) * interval '20 minutes') AS ord
FROM unnest('{carry,skip,error}'::text[]) AS gaps, generate_series(1, 16) AS i;

CREATE TABLE replan_slices (id text, bars int, s lem_slice);
DO $$
DECLARE
	next record;
	n int := 0;
BEGIN
	FOR next IN SELECT ts FROM replan_source WHERE ts BETWEEN '2026-01-17 21:00:00+00' AND '2026-01-18 16:00:00+00' GROUP BY ts ORDER BY ts LOOP
		n := n + 1;
		INSERT INTO replan_bars SELECT * FROM replan_source WHERE ts = next.ts;
		-- Where no bar may be missing, those up to the start must be there.
		INSERT INTO replan_slices
		SELECT id, n, s FROM (SELECT id, lem_schedule('replan_' || gaps, ord, ts, price, volume) AS plan
			FROM replan_orders JOIN replan_bars USING (gaps)
			WHERE gaps <> 'error' OR next.ts >= '2026-01-18 00:00:00+00' GROUP BY id, gaps, ord) AS p, unnest(plan) AS s;
	END LOOP;
END
$$;

-- Each done slice is what it was when it was first done, and what it was when it was next.
SELECT count(DISTINCT bars) AS times, count(DISTINCT id) AS orders,
	count(*) FILTER (WHERE (s).state = 'done') > 2000 AS done,
	count(*) FILTER (WHERE (s).state = 'next') > 200 AS next
FROM replan_slices;
SELECT count(*) AS changed FROM (
	SELECT id, (s).step FROM replan_slices WHERE (s).state = 'done'
	GROUP BY id, (s).step HAVING count(DISTINCT s) > 1) AS c;
SELECT count(*) AS fickle FROM replan_slices AS n JOIN replan_slices AS d USING (id)
WHERE (n.s).state = 'next' AND (d.s).state = 'done' AND (n.s).step = (d.s).step
	AND ((n.s).allocation, (n.s).cumulative, (n.s).quantity) <> ((d.s).allocation, (d.s).cumulative, (d.s).quantity);
-- A done slice stays done, and an order is done from its first slice on.
SELECT count(*) AS undone FROM replan_slices AS d JOIN replan_slices AS l USING (id)
WHERE (d.s).state = 'done' AND (l.s).state <> 'done' AND l.bars >= d.bars AND (l.s).step <= (d.s).step;
-- In the end all is done, and was traded in bars that are there, or carried on.
SELECT bool_and((s).state = 'done') AS done, count(*) FILTER (WHERE b.ts IS NULL AND o.gaps <> 'carry') AS nowhere
FROM replan_slices AS r JOIN replan_orders AS o USING (id) LEFT JOIN replan_source AS b ON b.gaps = o.gaps AND b.ts = (r.s).ts
WHERE bars = (SELECT max(bars) FROM replan_slices);
-- Projections are not promises: many of them changed.
SELECT count(*) > 100 AS projections_changed FROM replan_slices AS p JOIN replan_slices AS d USING (id)
WHERE (p.s).state = 'projected' AND (d.s).state = 'done' AND (p.s).step = (d.s).step AND (p.s).allocation <> (d.s).allocation;

-- What a bar that was known already changes: a schedule with a mended bar before it is another one.
CREATE TABLE replan_mended AS
SELECT id, s FROM (SELECT id, lem_schedule('replan_' || gaps, ord, ts, CASE WHEN ts = '2026-01-17 20:00:00+00' THEN price * 1.01 ELSE price END, volume) AS plan
	FROM replan_orders JOIN replan_bars USING (gaps) GROUP BY id, gaps, ord) AS p, unnest(plan) AS s;
SELECT count(*) > 30 AS other_orders FROM (SELECT DISTINCT m.id FROM replan_mended AS m JOIN replan_slices AS r USING (id)
	WHERE r.bars = (SELECT max(bars) FROM replan_slices) AND (m.s).step = (r.s).step AND (m.s).allocation <> (r.s).allocation) AS d;

SELECT count(lem_drop('replan_' || gaps)) FROM unnest('{carry,skip,error}'::text[]) AS gaps;
DROP TABLE replan_source, replan_bars, replan_orders, replan_slices, replan_mended;
DROP FUNCTION simulate_bars, simulate_normal;

-- Views of working orders read what they show, however many orders there are; and show nobody's but
-- those of whoever asks.

SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE ROLE regress_lem_few;
CREATE ROLE regress_lem_many;
CREATE ROLE regress_lem_other;
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('views', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}');

-- 3000 orders of four slices, one in twenty of them active: an order in 100 is of a role with few.
DELETE FROM lem_parent_order;
INSERT INTO lem_parent_order (series, model, ord, owner, state, submitted_at, ended_at, model_version, start_ts, seen_ts,
	slices, completed, allocated, quantity, last_ts, papered, paper_done)
SELECT 'S' || i % 100, 'views', lem_order(1000), CASE WHEN i % 100 = 7 THEN 'regress_lem_few' ELSE 'regress_lem_many' END::name,
	CASE WHEN i % 20 = 0 THEN 'active' ELSE 'finished' END, s.ts, CASE WHEN i % 20 > 0 THEN s.ts + interval '4 hours' END, 1, s.ts, s.ts,
	4, 4 - (i % 20 = 0)::int, 1, 1000, s.ts + interval '4 hours', 4 - (i % 20 = 0)::int, i % 20 > 0
FROM generate_series(1, 3000) AS i, LATERAL (SELECT timestamptz '2026-03-02 00:00:00+00' + i * interval '1 minute' AS ts) AS s;
INSERT INTO lem_child_slice (order_id, step, ts, allocation, cumulative, quantity, late, decided_at, decided_by, model_version, inputs, bar_ts)
SELECT o.id, k, t.ts, 0.25, 0.25 * k, 250, false, t.ts, 'regress_lem_many', 1, '\x00', CASE WHEN k <= o.completed THEN t.ts END
FROM lem_parent_order AS o, generate_series(1, 4) AS k, LATERAL (SELECT o.start_ts + k * interval '1 hour' AS ts) AS t;
VACUUM ANALYZE lem_parent_order, lem_child_slice, lem_paper_fill, lem_order_fill;

-- Rows that the nodes of a query's plan have gone through.
CREATE FUNCTION views_rows(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	RETURN (WITH RECURSIVE nodes AS (
			SELECT plan -> 0 -> 'Plan' AS node
			UNION ALL SELECT p.value FROM nodes, json_array_elements(node -> 'Plans') AS p)
		SELECT sum(((node ->> 'Actual Rows')::numeric + coalesce((node ->> 'Rows Removed by Filter')::numeric, 0)
			+ coalesce((node ->> 'Rows Removed by Join Filter')::numeric, 0)) * (node ->> 'Actual Loops')::numeric) FROM nodes);
END
$$;
-- Before PostgreSQL 15 the views are planned by themselves, and the newest are looked for among all.
CREATE FUNCTION views_few(most numeric, query text, version int DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN current_setting('server_version_num')::int < version THEN 'few' WHEN views_rows <= most THEN 'few' ELSE views_rows || ' rows' END
	FROM views_rows(query)
$$;
CREATE VIEW views_checks AS SELECT what, views_few(most, query, version) FROM (VALUES
	(1, 'newest orders', 100, 'SELECT * FROM lem_orders ORDER BY id DESC LIMIT 20', 150000),
	(2, 'last slices', 2000, 'SELECT * FROM lem_slices ORDER BY decided_at DESC LIMIT 100', 150000),
	(3, 'slices of an order', 100, 'SELECT * FROM lem_slices WHERE order_id = (SELECT max(id) - 3 FROM lem_parent_order) ORDER BY step', 0),
	(4, 'orders of a series', 150, 'SELECT * FROM lem_orders WHERE series = ''S7'' ORDER BY id DESC', 0),
	(5, 'slices since a time', 200, 'SELECT * FROM lem_slices WHERE decided_at > ''2026-03-04 05:50:00+00''', 0),
	(6, 'counts by state', 3100, 'SELECT state, count(*) FROM lem_orders GROUP BY state', 150000),
	(7, 'stale orders', 400, 'SELECT * FROM lem_orders WHERE state = ''active'' AND last_ts < ''2026-03-02 06:00:00+00''', 0)
) AS c (number, what, most, query, version) ORDER BY number;
GRANT SELECT ON views_checks TO PUBLIC;
SELECT * FROM views_checks;
SET ROLE regress_lem_many;
SELECT * FROM views_checks;
RESET ROLE;
-- What was filled on paper is not gone through again.
BEGIN;
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) AS before FROM pg_stat_xact_all_tables WHERE relname = 'lem_child_slice' \gset
SELECT lem_paper_fill();
SELECT sum(seq_tup_read + idx_tup_fetch) - :before AS slices FROM pg_stat_xact_all_tables WHERE relname = 'lem_child_slice';
COMMIT;

-- Each sees his own, and no function in his query sees others'.
CREATE FUNCTION views_seen(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING 'seen: %', $1; RETURN true; END $$;
CREATE FUNCTION views_seen(float8) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING 'seen: %', $1; RETURN true; END $$;
SET ROLE regress_lem_few;
SELECT count(*), min(owner), max(owner) FROM lem_orders;
SELECT count(*), min(owner), max(owner) FROM lem_slices;
SELECT count(*) FROM lem_child_slice;
SELECT count(*) FROM lem_orders WHERE id < (SELECT min(id) + 200 FROM lem_orders) AND views_seen(series);
SELECT count(*) FROM lem_slices WHERE order_id < (SELECT min(id) + 1 FROM lem_orders) AND views_seen(quantity);
SET ROLE regress_lem_other;
SELECT count(*) FROM lem_orders WHERE views_seen(series);
SELECT count(*) FROM lem_slices WHERE views_seen(quantity);
SELECT count(*) FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id WHERE views_seen(s.quantity) OR views_seen(o.series);
RESET ROLE;
-- So it is with a view of somebody's over these that shows orders to others.
CREATE VIEW views_desk AS SELECT * FROM lem_orders;
GRANT SELECT ON views_desk TO PUBLIC;
SET ROLE regress_lem_few;
SELECT count(*) FROM views_desk;
RESET ROLE;
GRANT regress_lem_few TO regress_lem_other;
SET ROLE regress_lem_other;
SELECT count(*) FROM lem_orders;
RESET ROLE;
-- within a transaction as well
BEGIN;
SET LOCAL ROLE regress_lem_other;
SELECT count(*) FROM lem_orders;
RESET ROLE;
REVOKE regress_lem_few FROM regress_lem_other;
SET LOCAL ROLE regress_lem_other;
SELECT count(*) FROM lem_orders;
COMMIT;

--
-- An order's sums are those of its slices and fills
--
DELETE FROM lem_parent_order;
SELECT count(*) FROM lem_child_slice;
CREATE FUNCTION views_sums() RETURNS text LANGUAGE sql AS $$
	SELECT count(*) || ' orders' || coalesce(', not those of ' || string_agg(o.id::text, ', ') FILTER (WHERE NOT (
		(o.slices, o.completed, o.allocated, o.last_ts) IS NOT DISTINCT FROM (c.slices, c.completed, c.allocated, c.last_ts) AND abs(o.quantity - c.quantity) <= 1e-9 * c.quantity
		AND (o.filled IS NULL) = (f.filled IS NULL) AND coalesce(abs(o.filled - f.filled) <= 1e-9 * f.filled AND abs(o.fill_notional - f.notional) <= 1e-9 * f.notional AND abs(o.fees - f.fees) <= 1e-9 * f.fees, true)
		AND (o.paper_filled IS NULL) = (p.filled IS NULL) AND coalesce(abs(o.paper_filled - p.filled) <= 1e-9 * p.filled AND abs(o.paper_notional - p.notional) <= 1e-9 * p.notional, true))), '')
	FROM lem_parent_order AS o,
		LATERAL (SELECT count(*) AS slices, count(bar_ts) AS completed, coalesce(max(cumulative), 0) AS allocated, max(ts) AS last_ts,
			coalesce(sum(CASE WHEN skipped THEN 0 WHEN (o.ord).unit = 'notional' THEN quantity ELSE quantity * adjusted END), 0) AS quantity FROM lem_child_slice WHERE order_id = o.id) AS c,
		LATERAL (SELECT sum(quantity * adjusted) AS filled, sum(price * quantity) AS notional, sum(fee) AS fees FROM lem_order_fill WHERE order_id = o.id AND busted_at IS NULL) AS f,
		LATERAL (SELECT sum(quantity * adjusted) AS filled, sum(price * quantity) AS notional FROM lem_paper_fill WHERE order_id = o.id) AS p
$$;
CREATE FUNCTION views_bars(first int, last int) RETURNS TABLE (series text, ts timestamptz, price float8, volume float8) LANGUAGE sql AS $$
	SELECT s, timestamptz '2026-03-02 09:00:00+00' + i * interval '1 minute', 100 * exp(sin((i + ascii(s)) / 7.0) / 100),
		CASE WHEN s = 'B' AND i IN (2, 4) THEN 0 ELSE 1000 * (1.1 + sin(i / 3.0 + ascii(s))) END
	FROM unnest('{A,B}'::text[]) AS s, generate_series(first, last) AS i
$$;
CREATE TABLE views_bar AS SELECT * FROM views_bars(-400, 0);
CREATE FUNCTION views_now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT max(ts) + interval '1 minute' FROM views_bar $$;
SELECT lem_submit_order('A', 'views', lem_order(1000)) AS a, lem_submit_order('B', 'views', lem_order(1000, min_rate => 0.1)) AS b, lem_submit_order('B', 'views', lem_order(1e6, unit => 'notional', min_rate => 0.1)) AS n \gset
SELECT views_sums();
CALL lem_work('SELECT * FROM views_bar', views_now());
SELECT views_sums();
INSERT INTO views_bar SELECT * FROM views_bars(1, 1);
CALL lem_work('SELECT * FROM views_bar', views_now());
SELECT lem_paper_fill(), lem_paper_fill() AS again, views_sums();
SELECT lem_record_fill(:a, '2026-03-02 09:01:20+00', 101, 7, fee => 0.5) > 0 AS one, lem_record_fill(:a, '2026-03-02 09:01:30+00', 100.5, 20) AS two,
	lem_record_fill(:n, '2026-03-02 09:01:30+00', 100.5, 20, fee => 1) > 0 AS three \gset
SELECT views_sums(), filled, round(fill_price::numeric, 6) AS price, fees FROM lem_orders WHERE id = :a;
SELECT lem_bust_fill(:two);
SELECT views_sums(), filled, fill_price AS price, fees FROM lem_orders WHERE id = :a;
SELECT lem_pause_order(:a);
-- a bar of B without volume
INSERT INTO views_bar SELECT * FROM views_bars(2, 2);
CALL lem_work('SELECT * FROM views_bar', views_now());
SELECT lem_paper_fill(:b), views_sums();
SELECT lem_adjust_order(:b, 2), lem_adjust_order(:n, 2), lem_adjust_order(:a, 0.5), views_sums();
SELECT lem_resume_order(:a, 'skip');
UPDATE views_bar SET price = price / 2, volume = volume * 2 WHERE series = 'B';
UPDATE views_bar SET price = price * 2, volume = volume / 2 WHERE series = 'A';
INSERT INTO views_bar SELECT series, ts, price * CASE series WHEN 'A' THEN 2 ELSE 0.5 END, volume FROM views_bars(3, 3);
CALL lem_work('SELECT * FROM views_bar', views_now());
SELECT views_sums(), bool_or(skipped) AS skipped FROM lem_slices, LATERAL (SELECT state = 'skipped' AS skipped) AS s WHERE order_id = :a GROUP BY 1;
-- what waited for volume is filled with the next bar that has some; after the end of an order nothing waits
SELECT lem_paper_fill(:b), lem_paper_fill(:b) AS again, views_sums();
INSERT INTO views_bar SELECT series, ts, price * CASE series WHEN 'A' THEN 2 ELSE 0.5 END, volume FROM views_bars(4, 4);
CALL lem_work('SELECT * FROM views_bar', views_now());
SELECT id - :a AS n, state FROM lem_orders ORDER BY id;
SELECT lem_paper_fill(:b), lem_paper_fill(:b) AS again, views_sums();
SELECT lem_paper_fill() > 0 AS others, lem_paper_fill() AS again, views_sums();
SELECT id - :a AS n, paper_done, papered < completed AS waits FROM lem_parent_order ORDER BY id;

DELETE FROM lem_parent_order;
DROP VIEW views_checks, views_desk;
DROP FUNCTION views_few, views_rows, views_seen(text), views_seen(float8), views_sums, views_bars, views_now;
DROP TABLE views_bar;
SELECT lem_drop('views');
SELECT lem_reassign_owned(role::lem_role, current_user) FROM unnest('{regress_lem_few,regress_lem_many}'::text[]) AS role;
DROP ROLE regress_lem_few, regress_lem_many, regress_lem_other;

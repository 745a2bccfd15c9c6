-- Working orders: each step once, as a plain schedule would have it, and for good.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('work_' || gaps, decode(:'weights', 'base64'), jsonb_build_object('gaps', gaps) || '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}')
FROM unnest('{carry,skip}'::text[]) AS gaps;

-- A bar a minute, number i of series s.
CREATE FUNCTION work_bar(s text, i int, OUT series text, OUT ts timestamptz, OUT price float8, OUT volume float8) LANGUAGE sql AS $$
	SELECT s, '2026-03-02 09:00:00+00'::timestamptz + i * interval '1 minute', 100 * exp(sin((i + ascii(s)) / 7.0) / 100), 1000 * (1.1 + sin(i / 3.0 + ascii(s)))
$$;
CREATE TABLE work_bars (series text, ts timestamptz, price float8, volume float8, PRIMARY KEY (series, ts));
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B}'::text[]) AS s, generate_series(-400, 0) AS i, work_bar(s, i) AS b;
\set bars 'SELECT * FROM work_bars'
-- The clock shows the end of the last bar.
CREATE FUNCTION work_now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT max(ts) + interval '1 minute' FROM work_bars $$;

-- The schedule that the slices of an order are, if its bars stay as they are.
CREATE FUNCTION work_as_planned(order_id bigint) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and((c.ts, c.allocation, c.cumulative, c.quantity) = (s.ts, s.allocation, s.cumulative, s.quantity))
	FROM lem_parent_order AS o, LATERAL (SELECT lem_bars(b.ts, b.price, b.volume) AS bars FROM work_bars AS b WHERE b.series = o.series) AS b,
		lem_schedule(o.model, lem_order((ord).size, (ord).side, (ord).benchmark, (ord).unit, o.start_ts, (ord).min_bars, (ord).max_bars, (ord).min_rate, (ord).max_rate, (ord).lot), b.bars) AS s
		JOIN lem_child_slice AS c USING (step)
	WHERE o.id = order_id AND c.order_id = o.id
$$;
CREATE VIEW work_orders AS SELECT id - (SELECT min(id) FROM lem_parent_order) + 1 AS n, model, state, slices, round(allocated::numeric, 6) AS allocated, reason FROM lem_orders;
CREATE VIEW work_slices AS SELECT order_id - (SELECT min(id) FROM lem_parent_order) + 1 AS n, step, series, side, to_char(ts, 'HH24:MI') AS bar, to_char(bar_ts, 'HH24:MI') AS traded, state, late, decided_by = current_user AS mine, model_version AS version, length(inputs) AS digest FROM lem_slices;

--
-- From bar to bar
--
SELECT count(lem_submit_order('A', 'work_carry', lem_order(1000))),
	count(lem_submit_order('A', 'work_carry', ROW(5000, 'SELL', 'twap', NULL, NULL, 2, NULL, NULL, 0.6, 100, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_order)),
	count(lem_submit_order('B', 'work_carry@1', lem_order(1e6, unit => 'notional', max_bars => 3))),
	count(lem_submit_order('B', 'work_skip', lem_order(50, start_ts => '2026-03-02 09:02:00+00')));
CALL lem_work(:'bars', work_now());
SELECT * FROM work_slices ORDER BY n, step;
CALL lem_work(:'bars', work_now());
SELECT count(*) FROM lem_slices;
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B}'::text[]) AS s, work_bar(s, 1) AS b;
CALL lem_work(:'bars', work_now());
SELECT * FROM work_slices ORDER BY n, step;
SELECT model, version, calls, orders, batches FROM lem_stat WHERE model LIKE 'work%' ORDER BY model;
-- Missed runs are made up for; a query may end in a semicolon or a comment.
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B}'::text[]) AS s, generate_series(2, 4) AS i, work_bar(s, i) AS b;
CALL lem_work('SELECT volume, price, ts, series FROM work_bars -- all of them ;', work_now());
SELECT * FROM work_slices WHERE step > 2 OR n = 4 ORDER BY n, step;
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B}'::text[]) AS s, generate_series(5, 9) AS i, work_bar(s, i) AS b;
CALL lem_work('SELECT * FROM work_bars ;;  ', work_now());
SELECT *, work_as_planned(n - 1 + (SELECT min(id) FROM lem_parent_order)) AS as_planned FROM work_orders ORDER BY n;
SELECT n, sum(quantity) = size AS size, count(DISTINCT inputs) AS decisions FROM lem_slices, LATERAL (SELECT order_id - (SELECT min(id) FROM lem_parent_order) + 1, size FROM lem_orders WHERE id = order_id) AS o(n, size) GROUP BY n, size ORDER BY n;

-- Filled on paper at the prices of the bars; with impact, worse; once.  Those that were late, in bars after they were told.
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B}'::text[]) AS s, generate_series(10, 12) AS i, work_bar(s, i) AS b;
CALL lem_work(:'bars', work_now());
SELECT lem_paper_fill(min(id)) FROM lem_parent_order;
SELECT lem_paper_fill(impact => 20), lem_paper_fill();
SELECT order_id - (SELECT min(id) FROM lem_parent_order) + 1 AS n, bool_and(paper_filled = quantity OR unit = 'notional') AS filled, bool_and(abs(paper_filled * paper_price / quantity - 1) < 1e-9) AS notional,
	bool_and(paper_price = bar_price) AS at_bar, bool_and((paper_price > bar_price) = (side = 'buy')) AS worse FROM lem_slices WHERE quantity > 0 AND NOT late GROUP BY order_id ORDER BY n;
-- What that cost against the market, by transaction cost analysis
SELECT o.id - (SELECT min(id) FROM lem_parent_order) + 1 AS n, r.fill_rate = 1 AS filled, abs(r.achieved_price / (sum(s.paper_price * s.paper_filled) / sum(s.paper_filled)) - 1) < 1e-12 AS achieved
FROM (SELECT o.id, o.unit, lem_tca(o.ord, s.paper_ts, s.paper_price, s.paper_filled) AS fills FROM lem_orders AS o JOIN lem_slices AS s ON s.order_id = o.id GROUP BY o.id, o.unit) AS o JOIN lem_slices AS s ON s.order_id = o.id,
	LATERAL (SELECT lem_bars(ts, price, volume) AS bars FROM work_bars WHERE series = s.series) AS b, lem_tca_report(o.fills, b.bars) AS r
WHERE o.unit = 'quantity' GROUP BY 1, r.fill_rate, r.achieved_price ORDER BY 1;
SELECT pg_temp.error_of(format('SELECT lem_paper_fill(impact => %s)', impact)) FROM unnest('{NULL,-1,''NaN'',10000}'::text[]) AS impact;

--
-- What is decided stays: corrected bars, late bars, bars that are taken back.
--
DELETE FROM work_bars WHERE ts > '2026-03-02 09:00:00+00';
DELETE FROM lem_parent_order;
CREATE TABLE work_decided AS TABLE lem_child_slice;
SELECT count(lem_submit_order('A', model, lem_order(1000, min_bars => 3))) FROM unnest('{work_carry,work_skip}'::text[]) AS model;
CALL lem_work(:'bars', work_now());
INSERT INTO work_bars SELECT (work_bar('A', 2)).*;
CALL lem_work(:'bars', work_now());
SELECT * FROM work_slices ORDER BY n, step;
INSERT INTO work_decided TABLE lem_child_slice;
INSERT INTO work_bars SELECT (work_bar('A', 1)).*;
UPDATE work_bars SET price = price * 1.1, volume = 5000 WHERE ts IN ('2026-03-02 09:02:00+00', '2026-03-02 08:50:00+00');
CALL lem_work(:'bars', work_now());
INSERT INTO work_bars SELECT (work_bar('A', 3)).*;
DELETE FROM work_bars WHERE ts = '2026-03-02 09:02:00+00';
CALL lem_work(:'bars', work_now());
INSERT INTO work_bars SELECT (work_bar('A', i)).* FROM generate_series(4, 7) AS i;
CALL lem_work(:'bars', work_now());
SELECT * FROM work_slices ORDER BY n, step;
SELECT count(*) AS decided, count(*) FILTER (WHERE (c.allocation, c.cumulative, c.quantity, c.ts, c.inputs) = (d.allocation, d.cumulative, d.quantity, d.ts, d.inputs)) AS stayed FROM work_decided AS d JOIN lem_child_slice AS c USING (order_id, step);
SELECT n, state, allocated FROM work_orders ORDER BY n;
SELECT order_id - (SELECT min(id) FROM lem_parent_order) + 1 AS n, sum(allocation) = 1 AS whole, sum(quantity) = 1000 AS size FROM lem_slices GROUP BY order_id ORDER BY n;

--
-- One that cannot go on does not stop the others.
--
DELETE FROM lem_parent_order;
SELECT lem_import('work_gone', lem_export('work_carry')), lem_import('work_extra', lem_export('work_carry'));
SELECT count(lem_submit_order('A', 'work_carry', lem_order(1000))), count(lem_submit_order('B', 'work_gone', lem_order(1000))),
	count(lem_submit_order('nowhere', 'work_carry', lem_order(1000))), count(lem_submit_order('short', 'work_carry', lem_order(1000))),
	count(lem_submit_order('bad', 'work_carry', lem_order(1000))), count(lem_submit_order('B', 'work_carry', lem_order(1000))),
	count(lem_submit_order('twice', 'work_carry', lem_order(1000)));
INSERT INTO work_bars SELECT (work_bar('short', i)).* FROM generate_series(-20, 7) AS i;
INSERT INTO work_bars SELECT (work_bar('bad', i)).* FROM generate_series(-400, 7) AS i;
UPDATE work_bars SET price = 'NaN' WHERE series = 'bad' AND ts = '2026-03-02 08:00:00+00';
SELECT lem_drop('work_gone');
\set bars 'SELECT * FROM work_bars UNION ALL SELECT ''twice'', ts, price, volume FROM work_bars'
CALL lem_work(:'bars', work_now());
SELECT * FROM work_orders ORDER BY n;
-- Bars are mended: those go on by themselves, the others when they are told to.
UPDATE work_bars SET price = 100 WHERE price = 'NaN';
SELECT lem_import('work_gone', lem_export('work_carry'));
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B,bad}'::text[]) AS s, work_bar(s, 8) AS b;
CALL lem_work(:'bars', work_now());
SELECT n, state, slices, reason FROM work_orders ORDER BY n;
SELECT n, lem_resume_order(n - 1 + (SELECT min(id) FROM lem_parent_order)) FROM work_orders WHERE n < 3 ORDER BY n;
CALL lem_work(:'bars', work_now());
SELECT n, state, slices, reason FROM work_orders WHERE n = 2;
-- The version is fixed with the first slice.
SELECT lem_import('work_gone', lem_export('work_carry')), lem_deploy('work_gone', 3);
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B,bad}'::text[]) AS s, work_bar(s, 9) AS b;
CALL lem_work(:'bars', work_now());
SELECT DISTINCT n, version FROM work_slices WHERE n = 2;

--
-- Cancelled, expired
--
SELECT n, lem_cancel_order(n - 1 + (SELECT min(id) FROM lem_parent_order), CASE WHEN n = 1 THEN 'enough' END) FROM work_orders ORDER BY n;
SELECT n, state, reason FROM work_orders ORDER BY n;
SELECT bool_or(lem_cancel_order(id)) AS again, bool_or(lem_resume_order(id)) AS resumed FROM lem_orders;
\set bars 'SELECT * FROM work_bars'
SELECT count(lem_submit_order('A', 'work_carry', lem_order(1000), expires_at => expires_at)) FROM unnest('{2026-03-02 09:12:00+00,2026-03-02 09:05:00+00,infinity}'::timestamptz[]) AS expires_at;
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B}'::text[]) AS s, generate_series(10, 20) AS i, work_bar(s, i) AS b;
CALL lem_work(:'bars', as_of => '2026-03-02 09:10:00+00');
CALL lem_work(:'bars', as_of => '2026-03-02 09:11:00+00');
CALL lem_work(:'bars', as_of => '2026-03-02 09:12:00+00');
SELECT n, state, slices, reason FROM work_orders ORDER BY n DESC LIMIT 3;
SELECT n, step, bar, traded, state, late FROM work_slices WHERE n > 7 ORDER BY n, step;

--
-- In a transaction, and rolled back
--
BEGIN;
CALL lem_work(:'bars', work_now());
SELECT count(*) FROM work_slices WHERE n = 10;
ROLLBACK;
SELECT count(*) FROM work_slices WHERE n = 10;
DO $$ BEGIN CALL lem_work('SELECT * FROM work_bars', work_now()); END $$;
SELECT count(*) FROM work_slices WHERE n = 10;
BEGIN READ ONLY;
CALL lem_work(:'bars', work_now());
ROLLBACK;
-- In a block of another isolation level it refuses; otherwise its transactions are read committed.
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL lem_work(:'bars', work_now());
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL lem_work(:'bars', work_now());
ROLLBACK;
SET default_transaction_isolation = serializable;
CALL lem_work(:'bars', work_now());
SELECT current_setting('transaction_isolation');
RESET default_transaction_isolation;

--
-- What the query raises for one series is that series' own error, wherever it is raised.
--
DELETE FROM lem_parent_order;
SELECT count(lem_submit_order(series, 'work_carry', lem_order(1000))) FROM unnest('{A,B,bad,nowhere,A}'::text[]) AS series;
CALL lem_work('SELECT series, ts, price / (series <> ''bad'')::int AS price, volume FROM work_bars', work_now());
SELECT * FROM work_orders ORDER BY n;
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B,bad}'::text[]) AS s, work_bar(s, 21) AS b;
CALL lem_work('SELECT series, ts, price, volume FROM work_bars WHERE 1 / (series <> ''A'' OR ts < ''2026-03-02 09:20:00+00'')::int = 1', work_now());
SELECT * FROM work_orders ORDER BY n;
CALL lem_work(:'bars', work_now());
SELECT * FROM work_orders ORDER BY n;
-- Where a query about many series cannot be planned, as over several servers, they are asked one by one.
CREATE SEQUENCE work_asked;
CREATE FUNCTION work_apart() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF nextval('work_asked') = 1 THEN RAISE feature_not_supported; END IF;
	RETURN true;
END $$;
INSERT INTO work_bars SELECT b.* FROM unnest('{A,B,bad}'::text[]) AS s, work_bar(s, 22) AS b;
CALL lem_work('SELECT series, ts, price, volume FROM work_bars WHERE work_apart()', work_now());
SELECT nextval('work_asked') > 1 AS asked;
SELECT * FROM work_orders ORDER BY n;
DROP FUNCTION work_apart;
DROP SEQUENCE work_asked;
-- What is expected of an order when it is handed over goes by the calendar that it will be worked by.
SELECT lem_set_calendar('work', '{"sessions": {"Mon-Fri": [["00:00", "09:23"]]}}');
SELECT lem_set_feed('work', 'work');
SELECT feed, pg_temp.error_of(format('SELECT lem_submit_order(''A'', ''work_carry'', lem_order(1000, end_ts => work_now() + interval ''1 hour''), feed => %L, bars => %L)', feed, :'bars')) AS said
FROM unnest('{default,work}'::text[]) AS feed;
DELETE FROM lem_parent_order WHERE (ord).end_ts IS NOT NULL;
SELECT lem_drop_feed('work'), lem_drop_calendar('work');
-- What ended long ago is purged, with its slices and fills; what is active or failed is not.
SELECT count(lem_cancel_order(id)) > 0 AS cancelled FROM (SELECT id FROM lem_parent_order WHERE state = 'active' ORDER BY id LIMIT 1) AS o;
CALL lem_purge('-infinity');
SELECT count(*) > 0 AS kept FROM lem_parent_order WHERE state = 'cancelled';
BEGIN;
CALL lem_purge('infinity');
ROLLBACK;
SELECT count(*) > 0 AS kept FROM lem_parent_order WHERE state = 'cancelled';
CALL lem_purge('infinity');
SELECT count(*) > 0 AS active, count(*) FILTER (WHERE state NOT IN ('active', 'failed')) AS ended FROM lem_parent_order;
SELECT count(*) FROM lem_child_slice WHERE order_id NOT IN (SELECT id FROM lem_parent_order);
CALL lem_purge(NULL);
-- What is about the query as a whole ends the call.
DELETE FROM lem_parent_order;
CREATE FUNCTION work_gone() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT price FROM work_nowhere); END $$;
SELECT count(lem_submit_order(series, 'work_carry', lem_order(1000))) FROM unnest('{A,B}'::text[]) AS series;
\set VERBOSITY terse
CALL lem_work('SELECT series, ts, price, work_gone() AS volume FROM work_bars', work_now());
\set VERBOSITY default
SELECT * FROM work_orders ORDER BY n;
DROP FUNCTION work_gone;
DELETE FROM lem_parent_order;

--
-- What is refused
--
SELECT query, pg_temp.error_of(query) FROM (VALUES
	('SELECT lem_submit_order(NULL, ''work_carry'', lem_order(1))'),
	('SELECT lem_submit_order(''A'', NULL, lem_order(1))'),
	('SELECT lem_submit_order(''A'', ''work_carry'', NULL)'),
	('SELECT lem_submit_order('''', ''work_carry'', lem_order(1))'),
	('SELECT lem_submit_order(''A'', ''work_none@1'', lem_order(1))'),
	('SELECT lem_submit_order(''A'', ''work_carry'', lem_order(1, max_bars => 5))'),
	('SELECT lem_submit_order(''A'', ''work_carry'', ROW(-1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::lem_order)'),
	('SELECT lem_submit_order(''A'', ''work_carry'', lem_order(1, start_ts => ''2026-03-02 09:00:00+00''), ''2026-03-02 09:00:00+00'')'),
	('SELECT lem_cancel_order(NULL)'),
	('SELECT lem_cancel_order(0)'),
	('SELECT lem_resume_order(0)'),
	('SELECT lem_paper_fill(0)'),
	('CALL lem_work(NULL)'),
	('CALL lem_work('''')'),
	('CALL lem_work(''SELECT 1; SELECT 2'')'),
	('CALL lem_work(''SELECT 1) AS q; DROP TABLE work_bars; --'')'),
	('CALL lem_work(''DELETE FROM work_bars'')'),
	('CALL lem_work(''DELETE FROM work_bars RETURNING *'')'),
	('CALL lem_work(''SELECT * FROM nowhere'')'),
	('CALL lem_work(''SELECT series, ts, price FROM work_bars'')'),
	('CALL lem_work(''SELECT series, ts::text, price, volume FROM work_bars'')')) AS q (query);

SELECT count(lem_drop(name)) FROM (SELECT DISTINCT name FROM lem_models WHERE name LIKE 'work%') AS m;
-- An order that is forgotten takes its slices and fills along.
DELETE FROM lem_parent_order;
SELECT count(*) FROM lem_child_slice;
SELECT count(*) FROM lem_paper_fill;
CREATE TRIGGER deleted AFTER DELETE ON work_bars FOR EACH ROW EXECUTE FUNCTION _lem_parent_order_deleted();
DELETE FROM work_bars;
DROP TABLE work_bars, work_decided;
DROP VIEW work_orders, work_slices;
DROP FUNCTION work_as_planned, work_bar, work_now;

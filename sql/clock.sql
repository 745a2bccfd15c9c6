-- Working orders by the clock: bars that have ended, slices that are late, starts, feeds.

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
SELECT lem_import('clock_' || name, decode(:'weights', 'base64'), config || '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}')
FROM (VALUES ('carry', '{}'::jsonb), ('skip', '{"gaps": "skip"}'), ('minute', '{"bar_interval": "1 minute"}'), ('error', '{"gaps": "error"}')) AS c (name, config);
-- Bars of a series, an interval apart, number 0 at a time.
CREATE FUNCTION clock_bars(s text, zero timestamptz, step interval, first int, last int, OUT series text, OUT ts timestamptz, OUT price float8, OUT volume float8) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT s, zero + i * step, 100 * exp(sin((i + ascii(s)) / 7.0) / 100), 1000 * (1.1 + sin(i / 3.0 + ascii(s))) FROM generate_series(first, last) AS i
$$;
CREATE TABLE clock_table (series text, ts timestamptz, price float8, volume float8, PRIMARY KEY (series, ts));
\set bars 'SELECT * FROM clock_table'
CREATE VIEW clock_slices AS SELECT o.series, c.step, to_char(c.ts, 'DD HH24:MI') AS bar, c.state, c.late, c.lag, c.lagging FROM lem_slices AS c JOIN lem_orders AS o ON o.id = c.order_id;

--
-- A bar of the future finishes nothing.
--
INSERT INTO clock_table SELECT * FROM clock_bars('F', '2026-03-02 00:00+00', '1 hour', -400, 0);
SELECT lem_submit_order('F', 'clock_carry', lem_order(12, lot => 1, max_rate => 0.5)) AS id \gset
CALL lem_work(:'bars', '2026-03-02 01:00:05+00');
INSERT INTO clock_table VALUES ('F', '2026-03-03 02:00+00', 100, 0);
CALL lem_work(:'bars', '2026-03-02 01:00:05+00');
CALL lem_work(:'bars', '2026-03-02 02:00:05+00');
SELECT * FROM clock_slices;
SELECT state FROM lem_orders;
-- Nor does one that is still forming: it is not looked at, and looked at when it has ended.
INSERT INTO clock_table SELECT * FROM clock_bars('F', '2026-03-02 00:00+00', '1 hour', 1, 1);
CALL lem_work(:'bars', '2026-03-02 01:59:59+00');
SELECT count(*) FROM lem_slices;
CALL lem_work(:'bars', '2026-03-02 02:00:00+00');
SELECT * FROM clock_slices ORDER BY step;
DELETE FROM lem_parent_order;
-- By the clock itself, and told; bars of a day that began an hour ago.
DELETE FROM clock_table;
INSERT INTO clock_table SELECT b.* FROM unnest('{G,H}'::text[]) AS s, clock_bars(s, now() - interval '1 hour', '1 day', -400, -1) AS b;
SELECT count(lem_submit_order(s, 'clock_carry', lem_order(12))) FROM unnest('{G,H}'::text[]) AS s;
CALL lem_work(:'bars');
SELECT series, step, state, late, lag BETWEEN '59 minutes' AND '70 minutes' AS lag FROM clock_slices ORDER BY series;
INSERT INTO clock_table SELECT b.* FROM unnest('{G}'::text[]) AS s, clock_bars(s, now() - interval '1 hour', '1 day', 0, 0) AS b;
INSERT INTO clock_table SELECT 'H', now() + interval '30 days', 100, 0;
CALL lem_work(:'bars');
SELECT series, state FROM clock_slices ORDER BY series;
SELECT DISTINCT state FROM lem_orders;
DELETE FROM lem_parent_order;
DELETE FROM clock_table;

--
-- Late is what had ended by the clock, whether or not its bar has come.
--
INSERT INTO clock_table SELECT * FROM clock_bars('L', '2026-03-02 09:00+00', '1 minute', -400, 0);
SELECT count(lem_submit_order('L', 'clock_carry', lem_order(1000, start_ts => '2026-03-02 09:01+00')));
CALL lem_work(:'bars', '2026-03-02 09:01:02+00');
INSERT INTO clock_table SELECT * FROM clock_bars('L', '2026-03-02 09:00+00', '1 minute', 1, 1);
-- a call that comes before the bar
CALL lem_work(:'bars', '2026-03-02 09:02:00+00');
INSERT INTO clock_table SELECT * FROM clock_bars('L', '2026-03-02 09:00+00', '1 minute', 2, 2);
CALL lem_work(:'bars', '2026-03-02 09:04:00+00');
SELECT * FROM clock_slices ORDER BY step;
DELETE FROM lem_parent_order;
-- One without a start begins with the bar that is forming, also where none has come for a while.
SELECT count(lem_submit_order('L', model, lem_order(1000))) FROM unnest('{clock_carry,clock_skip,clock_minute}'::text[]) AS model;
CALL lem_work(:'bars', '2026-03-02 09:30:05+00');
SELECT o.model, to_char(s.ts, 'HH24:MI') AS bar, s.late, s.lag FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id ORDER BY o.id;
-- Bars that come after all are history, and not those of its slices.
INSERT INTO clock_table SELECT * FROM clock_bars('L', '2026-03-02 09:00+00', '1 minute', 3, 30);
CALL lem_work(:'bars', '2026-03-02 09:31:05+00');
SELECT o.model, string_agg(to_char(s.ts, 'HH24:MI') || coalesce(' ' || to_char(s.bar_ts, 'HH24:MI'), ''), ', ' ORDER BY s.step) AS bars, bool_or(s.late) AS late FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id GROUP BY o.id, o.model ORDER BY o.id;
DELETE FROM lem_parent_order;

--
-- Starts, where nothing trades in the minutes before: firm by the clock, without a bar that says so.
--
SELECT count(lem_submit_order('L', model, lem_order(1000, start_ts => '2026-03-02 10:00+00'))) FROM unnest('{clock_carry,clock_skip,clock_minute,clock_error}'::text[]) AS model;
CREATE VIEW clock_firm AS SELECT model, slices, (SELECT lag FROM lem_slices AS s WHERE s.order_id = o.id AND step = 1) AS lag, (SELECT ts FROM lem_slices AS s WHERE s.order_id = o.id AND step = 1) AS bar FROM lem_orders AS o ORDER BY id;
CALL lem_work(:'bars', '2026-03-02 09:31:05+00');
SELECT count(*) FROM lem_slices;
SELECT count(*) FILTER (WHERE look_at BETWEEN '2026-03-02 09:45+00' AND '2026-03-02 09:46+00') AS "half the time" FROM lem_parent_order;
INSERT INTO clock_table SELECT * FROM clock_bars('L', '2026-03-02 09:00+00', '1 minute', 31, 56);
CALL lem_work(:'bars', '2026-03-02 09:57:05+00');
CALL lem_work(:'bars', '2026-03-02 09:59:05+00');
SELECT count(*) FROM lem_slices;
CALL lem_work(:'bars', '2026-03-02 10:00:05+00');
SELECT * FROM clock_firm;
-- The series trades again.
INSERT INTO clock_table SELECT * FROM clock_bars('L', '2026-03-02 09:00+00', '1 minute', 60, 60);
CALL lem_work(:'bars', '2026-03-02 10:01:05+00');
SELECT o.model, string_agg(to_char(s.ts, 'HH24:MI') || coalesce(' ' || to_char(s.bar_ts, 'HH24:MI'), ''), ', ' ORDER BY s.step) AS bars, bool_or(s.late) AS late, o.reason FROM lem_slices AS s RIGHT JOIN lem_orders AS o ON o.id = s.order_id GROUP BY o.id, o.model, o.reason ORDER BY o.id;
DELETE FROM lem_parent_order;
DELETE FROM clock_table;
-- In a thin market the distance of bars is not their length: the config's is, or the calendar's sessions show it.
INSERT INTO clock_table SELECT * FROM clock_bars('T', '2026-03-02 09:00+00', '1 minute', -2400, 0) WHERE extract(epoch FROM ts)::bigint % 420 IN (0, 180);
SELECT count(lem_submit_order('T', 'clock_minute', lem_order(1000)));
CALL lem_work(:'bars', '2026-03-02 09:01:05+00');
SELECT bar, late FROM clock_slices;
DELETE FROM lem_parent_order;
DELETE FROM clock_table;

--
-- Calendars: of an order, of its feed; a session's last bar ends with it.
--
INSERT INTO clock_table SELECT 'N', ts, 100 * exp(sin(row_number() OVER () / 7.0) / 100), 1000 FROM lem_calendar_bars('XNYS', '2023-12-01', '2024-11-29 21:00+00', '1 hour') AS ts;
INSERT INTO clock_table SELECT 'D', day::timestamp AT TIME ZONE 'America/New_York', 100 * exp(sin(row_number() OVER () / 7.0) / 100), 1000 FROM lem_calendar_sessions('XNYS', '2022-12-01', '2024-11-29');
SELECT lem_set_feed('clock_xnys', 'XNYS'), lem_set_feed('clock_plain');
SELECT count(lem_submit_order(s, 'clock_carry', lem_order(1000), feed => 'clock_xnys')), count(lem_submit_order(s, 'clock_carry', lem_order(1000), feed => 'clock_plain', calendar => 'XNYS')), count(lem_submit_order(s, 'baseline:twap', lem_order(1000), feed => 'clock_plain')) FROM unnest('{N,D}'::text[]) AS s;
-- Thanksgiving Friday closes at 13:00 in New York, half an hour into the bar of an hour
CALL lem_work(:'bars', '2024-11-29 17:59:59+00', 'clock_xnys');
SELECT series, ts AT TIME ZONE 'America/New_York' AS bar FROM lem_slices ORDER BY 1;
DELETE FROM lem_parent_order;
SELECT count(lem_submit_order(s, 'clock_carry', lem_order(1000), feed => 'clock_xnys')), count(lem_submit_order(s, 'clock_carry', lem_order(1000), feed => 'clock_plain', calendar => 'XNYS')), count(lem_submit_order(s, 'baseline:twap', lem_order(1000), feed => 'clock_plain')) FROM unnest('{N,D}'::text[]) AS s;
CALL lem_work(:'bars', '2024-11-29 18:00:05+00', 'clock_xnys');
CALL lem_work(:'bars', '2024-11-29 18:00:05+00', 'clock_plain');
SELECT o.feed, o.calendar, o.model, o.series, s.ts AT TIME ZONE 'America/New_York' AS bar, s.late, octet_length(s.inputs) AS digest FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id ORDER BY o.id;
-- The digest of what a slice was decided by has the calendar in it, whoever named it.
SELECT o.series, count(DISTINCT s.inputs) AS digests FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id WHERE o.model = 'clock_carry' GROUP BY o.series ORDER BY 1;
SELECT lem_set_calendar('clock_cal', (SELECT jsonb_build_object('time_zone', time_zone, 'sessions', sessions, 'rules', rules, 'days', '{"2024-12-31": {}}'::jsonb) FROM lem_calendar WHERE name = 'XNYS'));
SELECT count(lem_submit_order(s, 'clock_carry', lem_order(1000), feed => 'clock_xnys', calendar => 'clock_cal')) FROM unnest('{N,D}'::text[]) AS s;
CALL lem_work(:'bars', '2024-11-29 18:00:05+00', 'clock_xnys');
SELECT o.series, count(DISTINCT s.inputs) AS digests FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id WHERE o.model = 'clock_carry' GROUP BY o.series ORDER BY 1;
-- A calendar that orders go by is not dropped; one that is gone fails the orders that name it, and no others.
DO $$ BEGIN PERFORM lem_drop_calendar('clock_cal'); EXCEPTION WHEN dependent_objects_still_exist THEN RAISE INFO 'it is gone by'; END $$;
DELETE FROM lem_calendar WHERE name = 'clock_cal';
SELECT count(lem_submit_order('N', 'clock_carry', lem_order(1000), feed => 'clock_xnys'));
INSERT INTO clock_table SELECT 'N', ts, 100, 1000 FROM lem_calendar_bars('XNYS', '2024-12-02', '2024-12-02 15:00+00', '1 hour') AS ts;
CALL lem_work(:'bars', '2024-12-02 15:30:05+00', 'clock_xnys');
SELECT series, calendar, state, reason FROM lem_orders WHERE feed = 'clock_xnys' AND series = 'N' AND state <> 'cancelled' ORDER BY id;
DELETE FROM lem_parent_order;
DELETE FROM clock_table;

--
-- On paper a slice that was late is traded in the first bar after it was told, whatever became of its order.
--
INSERT INTO clock_table SELECT b.* FROM unnest('{P,Q}'::text[]) AS s, clock_bars(s, '2026-03-02 09:00+00', '1 minute', -400, 0) AS b;
SELECT count(lem_submit_order(s, 'clock_carry', lem_order(1000, start_ts => '2026-03-02 09:01+00'))) FROM unnest('{P,P,Q}'::text[]) AS s;
CALL lem_work(:'bars', '2026-03-02 09:01:05+00');
INSERT INTO clock_table SELECT b.* FROM unnest('{P,Q}'::text[]) AS s, clock_bars(s, '2026-03-02 09:00+00', '1 minute', 1, 3) AS b;
CALL lem_work(:'bars', '2026-03-02 09:04:30+00');
SELECT step, to_char(ts, 'HH24:MI') AS bar, late, lag FROM lem_slices WHERE series = 'Q' ORDER BY step;
SELECT lem_paper_fill(), count(lem_cancel_order(id)) FROM lem_orders WHERE id = (SELECT min(id) FROM lem_orders);
-- the bar of 09:04 began before they were told; in that of 09:05 nothing trades
INSERT INTO clock_table SELECT b.* FROM unnest('{P,Q}'::text[]) AS s, clock_bars(s, '2026-03-02 09:00+00', '1 minute', 4, 8) AS b;
UPDATE clock_table SET volume = 0 WHERE ts = '2026-03-02 09:05+00';
CALL lem_work(:'bars', '2026-03-02 09:06:30+00');
SELECT lem_paper_fill();
CALL lem_work(:'bars', '2026-03-02 09:07:00+00');
SELECT lem_paper_fill(), lem_paper_fill() AS again;
SELECT o.series, o.state, s.step, to_char(s.ts, 'HH24:MI') AS bar, s.late, to_char(s.paper_ts, 'HH24:MI') AS filled, s.paper_price = b.price AS "at its price"
FROM lem_slices AS s JOIN lem_orders AS o ON o.id = s.order_id LEFT JOIN clock_table AS b ON b.series = o.series AND b.ts = s.paper_ts ORDER BY o.id, s.step;
CALL lem_work(:'bars', '2026-03-02 09:09:00+00');
SELECT lem_paper_fill() > 0 AS more;
SELECT count(*) FILTER (WHERE paper_filled IS DISTINCT FROM quantity) AS "not filled", count(*) FILTER (WHERE late AND paper_ts < ts + lag) AS "before they were told" FROM lem_slices WHERE quantity > 0 AND state <> 'ended';
SELECT bool_and(paper_done = (state <> 'active')) FROM lem_parent_order;
DELETE FROM lem_parent_order;
DELETE FROM clock_table;

--
-- How long bars are is found from the last 65, where fewer do not tell.
--
INSERT INTO clock_table SELECT * FROM clock_bars('M', '2026-03-02 09:00+00', '1 minute', -400, 0);
INSERT INTO clock_table SELECT * FROM clock_bars('M', '2026-03-02 09:00+00', '2 minutes', 1, 32);
SELECT count(lem_submit_order('M', 'clock_carry', lem_order(1000)));
CALL lem_work(:'bars', '2026-03-02 10:05:30+00');
SELECT to_char(seen_ts, 'HH24:MI') AS seen FROM lem_parent_order;
INSERT INTO clock_table SELECT * FROM clock_bars('M', '2026-03-02 09:00+00', '2 minutes', 33, 33);
CALL lem_work(:'bars', '2026-03-02 10:07:30+00');
SELECT to_char(seen_ts, 'HH24:MI') AS seen FROM lem_parent_order;
CALL lem_work(:'bars', '2026-03-02 10:08:00+00');
SELECT to_char(seen_ts, 'HH24:MI') AS seen, reason FROM lem_parent_order;
-- Bars that were there are gone; then all of them are.
DELETE FROM clock_table WHERE series = 'M' AND ts > '2026-03-02 10:00+00';
CALL lem_work(:'bars', '2026-03-02 10:09:00+00');
SELECT to_char(seen_ts, 'HH24:MI') AS seen, reason FROM lem_parent_order;
DELETE FROM clock_table WHERE series = 'M';
CALL lem_work(:'bars', '2026-03-02 10:09:00+00');
SELECT to_char(seen_ts, 'HH24:MI') AS seen, reason FROM lem_parent_order;
DELETE FROM lem_parent_order;

--
-- Feeds are apart
--
INSERT INTO clock_table SELECT * FROM clock_bars('A', '2026-03-02 09:00+00', '1 minute', -400, 0);
SELECT lem_set_feed('clock_lag', max_lag => '10 seconds');
SELECT count(lem_submit_order('A', 'clock_carry', lem_order(1000), feed => feed, expires_at => '2026-03-02 09:10+00')) FROM unnest('{clock_plain,clock_lag,NULL}'::text[]) AS feed;
CALL lem_work(:'bars', '2026-03-02 09:01:10+00', 'clock_lag');
CALL lem_work(:'bars', '2026-03-02 09:01:10.5+00', 'clock_plain');
SELECT o.feed, s.lag, s.lagging FROM lem_orders AS o LEFT JOIN lem_slices AS s ON s.order_id = o.id ORDER BY o.id;
INSERT INTO clock_table SELECT * FROM clock_bars('A', '2026-03-02 09:00+00', '1 minute', 1, 1);
CALL lem_work(:'bars', '2026-03-02 09:02:10.000001+00', 'clock_lag');
SELECT o.feed, s.step, s.lag, s.lagging FROM lem_orders AS o JOIN lem_slices AS s ON s.order_id = o.id ORDER BY o.id, step;
-- nor does a call end orders of another
CALL lem_work(:'bars', '2026-03-02 09:20+00', 'clock_lag');
SELECT feed, state FROM lem_orders ORDER BY id;
SELECT query, pg_temp.error_of(query) FROM unnest(ARRAY[
	'CALL lem_work(''SELECT * FROM clock_table'', ''infinity'')',
	'CALL lem_work(''SELECT * FROM clock_table'', feed => ''clock_no'')',
	'SELECT lem_submit_order(''A'', ''clock_carry'', lem_order(1), feed => ''clock_no'')',
	'SELECT lem_submit_order(''A'', ''clock_carry'', lem_order(1), calendar => ''clock_no'')',
	'SELECT lem_set_feed(NULL)',
	'SELECT lem_set_feed('''')',
	'SELECT lem_set_feed(repeat(''x'', 501))',
	'SELECT lem_set_feed(''clock_new'', ''clock_no'')',
	'SELECT lem_set_feed(''clock_new'', max_lag => ''-1 second'')',
	'SELECT lem_set_feed(''clock_new'', max_lag => ''1 month'')',
	'SELECT lem_set_feed(''clock_new'', max_lag => ''1000000000 hours'')',
	'SELECT lem_drop_feed(NULL)',
	'SELECT lem_drop_feed(''clock_plain'')']) AS query;
SELECT lem_drop_feed('clock_lag'), lem_drop_feed('clock_lag');
-- Whose they are; a role that has feeds or calendars stays.
CREATE ROLE regress_lem_feeder;
SET ROLE regress_lem_feeder;
SELECT pg_temp.error_of('SELECT lem_set_feed(''clock_plain'')'), pg_temp.error_of('SELECT lem_drop_feed(''clock_plain'')'), pg_temp.error_of('SELECT lem_set_feed(''default'', max_lag => ''1 second'')');
SELECT lem_set_feed('clock_own', 'always', '1 second'), lem_set_feed('clock_own', 'XNYS', '1 day 1 second'), lem_set_calendar('clock_own', '{"sessions": {"Mon": [["09:00", "17:00"]]}}');
RESET ROLE;
SELECT name, calendar, max_lag FROM lem_feed WHERE owner::text = 'regress_lem_feeder';
DROP ROLE regress_lem_feeder;
SELECT lem_reassign_owned('regress_lem_feeder', current_user);
DROP ROLE regress_lem_feeder;
SELECT (SELECT owner::text = current_user FROM lem_feed WHERE name = 'clock_own') AS feed, (SELECT owner::text = current_user FROM lem_calendar WHERE name = 'clock_own') AS calendar;
SELECT lem_set_feed('default', max_lag => '1 second'), lem_drop_feed('default');

DELETE FROM lem_parent_order;
SELECT count(lem_drop_feed(name)) FROM lem_feed;
SELECT lem_drop_calendar('clock_own');
SELECT count(lem_drop(name)) FROM (SELECT DISTINCT name FROM lem_models WHERE name LIKE 'clock%') AS m;
DROP VIEW clock_slices, clock_firm;
DROP TABLE clock_table;
DROP FUNCTION clock_bars;

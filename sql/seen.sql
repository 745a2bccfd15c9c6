-- What a pass knows without reading orders, and that it misses none for that.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;
-- whatever other tests have left
DELETE FROM lem_parent_order;
DELETE FROM lem_series_seen;
DELETE FROM lem_feed_seen;
CREATE TABLE seen_bars AS
	SELECT 'S' || s AS series, timestamptz '2026-03-02 00:00+00' + h * interval '1 hour' AS ts, 100.0 AS price, 1000.0 AS volume
	FROM generate_series(1, 20) AS s, generate_series(-400, 0) AS h;
CREATE INDEX ON seen_bars (series, ts);
\set bars 'SELECT * FROM seen_bars'
CREATE PROCEDURE pg_temp.next_bar(names text) LANGUAGE sql AS $$
	INSERT INTO seen_bars SELECT series, max(ts) + interval '1 hour', 100, 1000 FROM seen_bars WHERE series LIKE names GROUP BY series
$$;
-- A transaction elsewhere may have kept what was noted from being all: calls until it is.
CREATE PROCEDURE pg_temp.settle(as_of timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 1000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM lem_parent_order AS o JOIN lem_feed_seen AS f USING (feed) WHERE o.changed >= f.changed);
		CALL lem_work('SELECT * FROM seen_bars', as_of);
	END LOOP;
END
$$;
CREATE VIEW seen_orders AS SELECT count(*) AS orders, count(seen_ts) AS seen, min(seen_ts) AS first, max(seen_ts) AS last FROM lem_parent_order WHERE state = 'active';

SELECT count(lem_submit_order('S' || 1 + i % 20, 'baseline:twap', lem_order(1000, max_bars => 100))) FROM generate_series(1, 200) AS i;
SELECT count(*) FROM lem_series_seen;
CALL lem_work(:'bars', '2026-03-02 01:00+00');
SELECT * FROM seen_orders;
SELECT feed, count(*), min(seen_ts), max(seen_ts) FROM lem_series_seen GROUP BY feed;
-- A call that finds nothing due reads none of them, but the one that tells whose there are.
CALL pg_temp.settle('2026-03-02 01:00+00');
ANALYZE lem_parent_order;
SET enable_seqscan = off;
SET enable_hashjoin = off;
BEGIN;
SELECT seq_tup_read + idx_tup_fetch AS before FROM pg_stat_xact_user_tables WHERE relname = 'lem_parent_order' \gset
CALL lem_work(:'bars', '2026-03-02 01:00+00');
SELECT seq_tup_read + idx_tup_fetch - :before < 10 AS few FROM pg_stat_xact_user_tables WHERE relname = 'lem_parent_order';
COMMIT;
RESET enable_seqscan;
RESET enable_hashjoin;

-- A bar of some series: their orders are due, and no others are read.
CALL pg_temp.next_bar('S1%');
CALL lem_work(:'bars', '2026-03-02 02:00+00');
SELECT seen_ts, count(*) FROM lem_parent_order GROUP BY seen_ts ORDER BY seen_ts;
SELECT seen_ts, count(*) FROM lem_series_seen GROUP BY seen_ts ORDER BY seen_ts;
CALL pg_temp.next_bar('S2%');
CALL lem_work(:'bars', '2026-03-02 02:00+00');
CALL pg_temp.next_bar('S_');
SELECT seen_ts, count(*) FROM lem_parent_order GROUP BY seen_ts ORDER BY seen_ts;
CALL lem_work(:'bars', '2026-03-02 03:00+00');
CALL pg_temp.next_bar('S1_');
CALL lem_work(:'bars', '2026-03-02 03:00+00');
CALL pg_temp.next_bar('S20');
CALL lem_work(:'bars', '2026-03-02 03:00+00');
SELECT * FROM seen_orders;

-- Without a bar: one is handed over, amended, resumed.
SELECT min(id) AS one, min(id) + 1 AS two, min(id) + 2 AS three FROM lem_parent_order \gset
SELECT lem_submit_order('S7', 'baseline:twap', lem_order(10)) > 0 AS submitted;
SELECT lem_amend_order(:one, size => 500);
SELECT lem_pause_order(:two);
SELECT orders, seen FROM seen_orders;
CALL lem_work(:'bars', '2026-03-02 03:00+00');
SELECT orders, seen FROM seen_orders;
SELECT lem_resume_order(:two);
BEGIN;
SELECT lem_amend_order(:three, size => 500);
-- within a transaction of the caller's nothing is noted
CALL lem_work(:'bars', '2026-03-02 03:00+00');
SELECT orders, seen FROM seen_orders;
ROLLBACK;
SELECT orders, seen FROM seen_orders;
CALL lem_work(:'bars', '2026-03-02 03:00+00');
SELECT orders, seen FROM seen_orders;
-- A series without bars, and one that no order is of any more.
SELECT lem_submit_order('S99', 'baseline:twap', lem_order(10)) AS id \gset
CALL lem_work(:'bars', '2026-03-02 03:00+00');
SELECT seen_ts, reason IS NOT NULL AS told FROM lem_parent_order WHERE id = :id;
SELECT seen_ts FROM lem_series_seen WHERE series = 'S99';
INSERT INTO seen_bars SELECT 'S99', ts, price, volume FROM seen_bars WHERE series = 'S1';
CALL lem_work(:'bars', '2026-03-02 03:00+00');
SELECT seen_ts, reason, slices FROM lem_parent_order WHERE id = :id;
SELECT lem_cancel_order(:id);
SELECT count(*) FROM lem_series_seen WHERE series = 'S99';
INSERT INTO seen_bars SELECT 'S99', max(ts) + interval '1 hour', 100, 1000 FROM seen_bars WHERE series = 'S99';
CALL lem_work(:'bars', '2026-03-02 04:00+00');
SELECT count(*) FROM lem_series_seen WHERE series = 'S99';
SELECT count(lem_cancel_order(id)) FROM lem_orders WHERE series = 'S3';
CALL lem_purge('2000-01-01');
SELECT count(*) FROM lem_series_seen;
-- Feeds are apart.
SELECT lem_set_feed('seen_feed');
SELECT lem_submit_order('S4', 'baseline:twap', lem_order(10), feed => 'seen_feed') AS id \gset
CALL lem_work(:'bars', '2026-03-02 04:00+00');
SELECT seen_ts FROM lem_parent_order WHERE id = :id;
CALL lem_work(:'bars', '2026-03-02 04:00+00', 'seen_feed');
SELECT seen_ts FROM lem_parent_order WHERE id = :id;
SELECT feed, count(*) FROM lem_series_seen GROUP BY feed ORDER BY feed;
-- A row that is put in bears this server's number, whatever it had; another server's make all unknown.
INSERT INTO lem_parent_order (series, model, ord, owner, seen_ts, changed) SELECT series, model, ord, owner, '2026-03-01', '1' FROM lem_parent_order WHERE series = 'S5' LIMIT 1 RETURNING changed = pg_current_xact_id() AS numbered;
CALL lem_work(:'bars', '2026-03-02 04:00+00');
SELECT min(seen_ts) FROM lem_parent_order WHERE series = 'S5' AND state = 'active';
SET session_replication_role = replica;
INSERT INTO lem_parent_order (series, model, ord, owner) SELECT series, model, ord, owner FROM lem_parent_order WHERE series = 'S5' LIMIT 1;
RESET session_replication_role;
SELECT count(*) FROM lem_feed_seen;
CALL lem_work(:'bars', '2026-03-02 04:00+00');
SELECT count(*) FROM lem_feed_seen;
SELECT orders - seen AS left FROM seen_orders;
-- One that waits for its start is looked at by the clock.
SELECT lem_submit_order('S6', 'baseline:twap', lem_order(10, start_ts => '2026-03-02 08:00+00')) AS id \gset
CALL lem_work(:'bars', '2026-03-02 04:00+00');
SELECT look_at, slices FROM lem_parent_order WHERE id = :id;
CALL lem_work(:'bars', '2026-03-02 05:00+00');
SELECT look_at, slices FROM lem_parent_order WHERE id = :id;
CALL lem_work(:'bars', '2026-03-02 08:00+00');
SELECT look_at, slices FROM lem_parent_order WHERE id = :id;

-- Of a series that has a bar its own orders are read and claimed, also where the planner takes all active orders to be few.
DELETE FROM lem_parent_order;
VACUUM ANALYZE lem_parent_order;
SELECT count(lem_submit_order('S' || 1 + i % 20, 'baseline:twap', lem_order(1000, max_bars => 100))) FROM generate_series(1, 1000) AS i;
CALL lem_work(:'bars', '2026-03-02 08:00+00');
CALL pg_temp.settle('2026-03-02 08:00+00');
INSERT INTO seen_bars VALUES ('S1', '2026-03-02 07:00+00', 100, 1000);
SET enable_seqscan = off;
SET enable_hashjoin = off;
BEGIN;
SELECT seq_tup_read + idx_tup_fetch AS before FROM pg_stat_xact_user_tables WHERE relname = 'lem_parent_order' \gset
CALL lem_work(:'bars', '2026-03-02 08:00+00');
SELECT (seq_tup_read + idx_tup_fetch - :before) / 50 < 15 AS its_own FROM pg_stat_xact_user_tables WHERE relname = 'lem_parent_order';
COMMIT;
RESET enable_seqscan;
RESET enable_hashjoin;
SELECT count(*) FROM lem_parent_order WHERE seen_ts = '2026-03-02 07:00+00';

DELETE FROM lem_parent_order;
CALL lem_work(:'bars', '2026-03-02 08:00+00', 'seen_feed');
SELECT feed FROM lem_feed_seen ORDER BY feed;
SELECT lem_drop_feed('seen_feed');
CALL lem_purge('2000-01-01');
SELECT count(*) FROM lem_series_seen;
SELECT feed FROM lem_feed_seen;
DROP VIEW seen_orders;
DROP TABLE seen_bars;

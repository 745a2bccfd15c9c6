-- What a desk does to orders that are worked, with odd input and at odd moments: fills, changes of mind, feeds and
-- calendars that are dropped, and orders that are handed to another role.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE TABLE changes_bars AS SELECT 'A' AS series, timestamptz '2026-03-01' + i * interval '1 hour' AS ts, 100 + (i % 5) * 0.1 AS price, 1000.0 + 100 * (i % 7) AS volume FROM generate_series(0, 200) AS i;
CREATE FUNCTION changes_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT max(ts) + interval ''1 hour'' FROM changes_bars';
-- One bar more
CREATE PROCEDURE changes_bar() LANGUAGE sql AS 'INSERT INTO changes_bars SELECT ''A'', max(ts) + interval ''1 hour'', 100, 1000 FROM changes_bars';
-- Errors, without numbers of orders
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	details text; hint text;
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS details = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(' / ', SQLSTATE || ': ' || SQLERRM, nullif(details, ''), nullif(hint, '')), '([Oo]rder|Fill) \d+', '\1 N', 'g');
END
$$;
\set bars 'SELECT series, ts, price, volume FROM changes_bars'

-- Fills: what cannot be one, and what can
SELECT lem_submit_order('A', 'baseline:twap', lem_order(100, max_bars => 4, lot => 1), track => 'fills') AS id \gset
CALL lem_work(:'bars', changes_now());
SELECT q, pg_temp.error_of(format('SELECT lem_record_fill(%s, ', :id) || q || ')') AS said FROM unnest(ARRAY[
	$$changes_now(), 'NaN', 3$$, $$changes_now(), '-Infinity', 3$$, $$changes_now(), 100, 0$$, $$changes_now(), 100, -3$$, $$changes_now(), 100, 'Infinity'$$,
	$$changes_now(), 1e300, 1e300$$, $$changes_now(), 100, 3, fee => 'NaN'$$, $$'infinity', 100, 3$$, $$changes_now(), 100, 3, step => 77$$, $$changes_now(), 100, 3, step => 0$$,
	$$changes_now(), 100, 3, fill_id => ''$$, $$NULL, 100, 3$$, $$changes_now(), NULL, 3$$, $$changes_now(), 100, NULL$$,
	$$changes_now(), 100, 3, fee => -0.5, fill_id => 'rebate'$$, $$changes_now(), 100, 3, fill_id => 'rebate'$$, $$changes_now(), 101, 3, fill_id => 'rebate'$$,
	$$'1990-01-01', 0, 2, fill_id => 'free'$$, $$'2090-01-01', -37, 2, fill_id => 'paid'$$]) AS q;
SELECT filled, round(fill_price::numeric, 2) AS fill_price, fees FROM lem_orders WHERE id = :id;
SELECT pg_temp.error_of('SELECT lem_bust_fill(-1)'), pg_temp.error_of('SELECT lem_bust_fill(NULL)');
-- A notional is not traded at prices below zero.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(10000, unit => 'notional', max_bars => 2)) AS notional \gset
SELECT pg_temp.error_of(format('SELECT lem_record_fill(%s, changes_now(), %s, 1)', :notional, price)) AS said FROM unnest('{-37,0}'::float8[]) AS price;
DELETE FROM lem_parent_order WHERE id = :notional;

-- Amended: checked like a new order, with the start of one that has begun; what is both given and cleared is neither
SELECT q, pg_temp.error_of(format('SELECT lem_amend_order(%s, ', :id) || q || ')') AS said FROM unnest(ARRAY[
	'size => 1', $$size => 'NaN'$$, 'size => 100.5', 'max_rate => 0', 'max_rate => 2', 'max_participation => -1', 'max_participation => 0', 'min_quantity => 0', 'min_quantity => 1e9',
	$$end_ts => 'infinity'$$, $$end_ts => '2020-01-01'$$, $$expires_at => '2020-01-01'$$, $$expires_at => '-infinity'$$,
	$$clear => '{size}'$$, $$clear => '{NULL}'$$, $$limit_price => 100, clear => '{limit_price}'$$, $$max_rate => 0.5, clear => '{end_ts,max_rate}'$$]) AS q;
-- Limits are seen as they are by now.
SELECT lem_amend_order(:id, limit_price => 101.5, max_participation => 0.5, best_effort => true);
SELECT size, limit_price, max_participation, best_effort, end_ts, min_quantity, arrival_price, risk_aversion, (ord).limit_price = limit_price AS same FROM lem_orders WHERE id = :id;
SELECT lem_amend_order(:id, clear => '{limit_price,max_participation}');
-- What changes nothing is no event.
SELECT lem_amend_order(:id), lem_amend_order(:id, size => 100), lem_amend_order(:id, size => 90), lem_amend_order(:id, clear => '{limit_price,expires_at}');
SELECT lem_amend_order(:id, expires_at => '2026-06-01', max_rate => 0.9), lem_amend_order(:id, expires_at => '2026-06-01'), lem_amend_order(:id, clear => '{expires_at,max_rate}');
SELECT event, detail FROM lem_order_event WHERE order_id = :id ORDER BY id;
-- An end that is moved before what is decided ends the order there.
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT lem_amend_order(:id, end_ts => (SELECT max(ts) FROM lem_slices WHERE order_id = :id));
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT state, size, filled, unallocated, reason FROM lem_orders WHERE id = :id;
SELECT step, quantity > 0 AS "to trade", state, reason FROM lem_slices WHERE order_id = :id ORDER BY step;

-- What an order that follows its plan has traded stays so when its limits are changed, as does what is out with the
-- limits of before: nothing is traded twice, nor said to be left.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(600, max_bars => 6, best_effort => true)) AS price,
       lem_submit_order('A', 'baseline:twap', lem_order(600, max_bars => 6, best_effort => true, max_participation => 0.5, lot => 1)) AS volume,
       lem_submit_order('A', 'baseline:twap', lem_order(600, max_bars => 6)) AS ending \gset
CALL lem_work(:'bars', changes_now());
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
CALL changes_bar();
-- of 100 a bar takes 60
UPDATE changes_bars SET volume = 120 WHERE ts = (SELECT max(ts) FROM changes_bars);
CALL lem_work(:'bars', changes_now());
SELECT lem_amend_order(:price, limit_price => 99), lem_amend_order(:volume, max_participation => 0.02), lem_amend_order(:ending, end_ts => changes_now() + interval '2 hours', best_effort => true);
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
UPDATE changes_bars SET price = 98 WHERE ts = (SELECT max(ts) FROM changes_bars);
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
-- Its size is not below what is done of it, nor need it be more than what was decided.
SELECT pg_temp.error_of(format('SELECT lem_amend_order(%s, size => 280)', :volume)), lem_amend_order(:volume, size => 500);
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT order_id - :price AS number, step, round(quantity::numeric, 3) AS quantity, state, reason FROM lem_slices WHERE order_id >= :price ORDER BY order_id, step;
SELECT id - :price AS number, state, size, round(quantity::numeric, 3) AS quantity, round(unallocated::numeric, 3) AS unallocated, reason FROM lem_orders WHERE id >= :price ORDER BY id;
-- What is left of one that is cancelled is by what counts as done, too: of the last slice's 100 a bar took 60.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(600, max_bars => 6, best_effort => true, max_participation => 0.5, lot => 1)) AS cancelled \gset
CALL lem_work(:'bars', changes_now());
CALL changes_bar();
UPDATE changes_bars SET volume = 120 WHERE ts = (SELECT max(ts) FROM changes_bars);
CALL lem_work(:'bars', changes_now());
SELECT lem_cancel_order(:cancelled);
SELECT size, slices, quantity, unallocated FROM lem_orders WHERE id = :cancelled;
-- Of one that more was traded of than its size, all but that can be changed.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(100, max_bars => 6)) AS over \gset
SELECT lem_record_fill(:over, changes_now(), 100, 120) > 0 AS filled, lem_amend_order(:over, limit_price => 99, best_effort => true);
SELECT pg_temp.error_of(format('SELECT lem_amend_order(%s, size => 110)', :over));
DELETE FROM lem_parent_order WHERE id >= :price;

-- An order whose end passes before it begins is shown, and held against the market, as any other.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(400, max_bars => 2, end_ts => '2026-01-01', best_effort => true), track => 'fills') AS ending \gset
CALL lem_work(:'bars', changes_now());
SELECT lem_record_fill(:ending, changes_now(), 100, 5) > 0 AS filled;
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT o.state, (o.ord).end_ts, (o.ord).start_ts > o.end_ts AS passed, o.unallocated, r.fill_rate, lem_report('order', o.id, :'bars') LIKE '%shortfall%' AS page
FROM lem_orders AS o, (SELECT lem_bars(ts, price, volume) AS bars FROM changes_bars) AS b, lem_order_tca(o.id, b.bars) AS r WHERE o.id = :ending;
DELETE FROM lem_parent_order WHERE id = :ending;

-- Costs of an order that expired end there, whenever that was seen.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(400, start_ts => changes_now(), max_bars => 4), expires_at => changes_now() + interval '90 minutes') AS expiring \gset
CALL changes_bar();
CALL changes_bar();
CALL changes_bar();
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT o.state, r.bars, r.fill_rate FROM lem_orders AS o, (SELECT lem_bars(ts, price, volume) AS bars FROM changes_bars) AS b, lem_order_tca(:expiring, b.bars) AS r WHERE o.id = :expiring;
DELETE FROM lem_parent_order WHERE id = :expiring;

-- On paper, too, what was filled before a split and after it is in the shares of now, also where the split came in between.
DELETE FROM changes_bars WHERE price < 99;
SELECT lem_submit_order('A', 'baseline:twap', lem_order(400, max_bars => 4)) AS shares, lem_submit_order('A', 'baseline:twap', lem_order(40000, unit => 'notional', max_bars => 4)) AS money \gset
CALL lem_work(:'bars', changes_now());
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT lem_paper_fill();
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
UPDATE changes_bars SET price = price / 2, volume = volume * 2;
SELECT lem_adjust_order(:shares, 2), lem_adjust_order(:money, 2);
SELECT lem_paper_fill(impact => 100);
CALL lem_work(:'bars', changes_now());
INSERT INTO changes_bars SELECT 'A', max(ts) + interval '1 hour', 50, 2000 FROM changes_bars;
CALL lem_work(:'bars', changes_now());
SELECT lem_paper_fill();
SELECT order_id - :shares AS number, step, quantity, adjusted, round(paper_filled::numeric, 3) AS paper_filled, round(paper_price::numeric, 3) AS paper_price FROM lem_slices WHERE order_id >= :shares AND paper_ts IS NOT NULL ORDER BY order_id, step;
SELECT id - :shares AS number, quantity, round(paper_filled::numeric, 3) AS paper_filled, round(paper_price::numeric, 3) AS paper_price,
       abs(paper_filled - (SELECT sum(paper_filled) FROM lem_slices WHERE order_id = id)) < 1e-9 AS "sum of its slices" FROM lem_orders WHERE id >= :shares ORDER BY id;
DELETE FROM lem_parent_order WHERE id >= :shares;
UPDATE changes_bars SET price = price * 2, volume = volume / 2;

-- What no market could fill is not filled on paper, and the rest is.
SELECT lem_submit_order('A', 'baseline:twap', lem_order(1e307, max_bars => 1)) AS huge, lem_submit_order('A', 'baseline:twap', lem_order(10, max_bars => 1)) AS small \gset
CALL lem_work(:'bars', changes_now());
CALL changes_bar();
CALL lem_work(:'bars', changes_now());
SELECT lem_paper_fill() > 0 AS filled;
SELECT id - :huge AS number, state, paper_filled FROM lem_orders WHERE id >= :huge ORDER BY id;
DELETE FROM lem_parent_order WHERE id >= :huge;

-- Where a collation takes a and A to be equal, they are two series yet (without ICU there is no such collation).
DO $$ BEGIN
	CREATE COLLATION changes_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN OTHERS THEN
	CREATE COLLATION changes_ci FROM "C";
END $$;
CREATE TABLE changes_ci (series text COLLATE changes_ci, ts timestamptz, price float8, volume float8);
INSERT INTO changes_ci SELECT * FROM changes_bars;
\set ci 'SELECT series, ts, price, volume FROM changes_ci'
SELECT lem_submit_order('a', 'baseline:twap', lem_order(1), bars => :'ci') AS lower,
       lem_submit_order('A', 'baseline:twap', lem_order(1), bars => :'ci') AS upper \gset
CALL lem_work(:'ci', changes_now());
SELECT series, slices, reason FROM lem_orders WHERE id >= :lower ORDER BY id;
DELETE FROM lem_parent_order WHERE id = :upper;
SELECT lem_amend_order(:lower, size => 2);
CALL lem_work(:'ci', changes_now());
SELECT series, slices, reason FROM lem_orders WHERE id >= :lower ORDER BY id;
DELETE FROM lem_parent_order WHERE id = :lower;
DROP TABLE changes_ci;
DROP COLLATION changes_ci;

-- An order expires with whatever reason it was paused for, also where that is told.
SET lem.notify_details = on;
SELECT lem_submit_order('A', 'baseline:twap', lem_order(1), expires_at => changes_now()) AS expiring \gset
SELECT lem_pause_order(:expiring, repeat('x', 10000));
CALL lem_work(:'bars', changes_now());
RESET lem.notify_details;
SELECT state, length(reason) FROM lem_orders WHERE id = :expiring;
DELETE FROM lem_parent_order WHERE id = :expiring;

-- A feed goes when its orders have ended; one of them that goes on, as a fill is taken back, goes on with the default one.
SELECT lem_set_feed('changes');
SELECT lem_submit_order('A', 'baseline:twap', lem_order(100, max_bars => 4, lot => 1), track => 'fills', feed => 'changes') AS id \gset
CALL lem_work(:'bars', changes_now(), 'changes');
SELECT pg_temp.error_of($$SELECT lem_drop_feed('changes')$$);
SELECT lem_record_fill(:id, changes_now(), 100, 100, fill_id => 'all') AS fill \gset
CALL changes_bar();
CALL lem_work(:'bars', changes_now(), 'changes');
SELECT state, feed FROM lem_orders WHERE id = :id;
SELECT lem_drop_feed('changes');
SELECT lem_bust_fill(:fill);
SELECT state, feed FROM lem_orders WHERE id = :id;
CALL lem_work(:'bars', changes_now());
SELECT step, quantity, state FROM lem_slices WHERE order_id = :id ORDER BY step;

-- What is expected of an order when it is handed over goes by its feed's calendar, where it names none.
SELECT lem_set_calendar('changes', '{"sessions": {"Mon": [["00:00", "01:00"]]}}');
SELECT lem_set_feed('changes', 'changes');
SELECT feed, pg_temp.error_of(format('SELECT lem_submit_order(''A'', ''baseline:twap'', lem_order(100, max_bars => 2, end_ts => changes_now() + interval ''3 hours''), feed => %L, bars => %L)', feed, :'bars')) AS said FROM unnest('{default,changes}'::text[]) AS feed;
DELETE FROM lem_parent_order WHERE id <> :id;
SELECT lem_drop_feed('changes'), lem_drop_calendar('changes');

-- A calendar that feeds and orders go by stays, and models are spoken for.
SELECT lem_set_calendar('changes', '{"sessions": {"Mon-Sun": [["00:00", "24:00"]]}}');
SELECT lem_set_feed('changes', 'changes');
SELECT pg_temp.error_of($$SELECT lem_drop_calendar('changes')$$);
SELECT lem_set_feed('changes', 'always');
SELECT lem_submit_order('A', 'baseline:twap', lem_order(100), calendar => 'changes') AS id \gset
SELECT pg_temp.error_of($$SELECT lem_drop_calendar('changes')$$);
SELECT lem_cancel_order(:id);
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
SELECT lem_import('changes', decode(:'weights', 'base64'), '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated","calendar":"changes"}');
SELECT lem_drop_calendar('changes') AS dropped, lem_drop_calendar('changes') AS again;
SELECT lem_drop('changes'), lem_drop_feed('changes');

-- What is stored of a name is the name, and nothing of what lay behind it in memory.
CREATE FUNCTION pg_temp.unclean() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c record;
	n bigint;
BEGIN
	FOR c IN SELECT attrelid::regclass AS tab, attname FROM pg_attribute JOIN pg_class AS t ON t.oid = attrelid
		WHERE relname ~ '^lem_' AND relkind = 'r' AND atttypid = 'name'::regtype AND attnum > 0 ORDER BY 1, 2
	LOOP
		EXECUTE format('SELECT count(*) FROM %s WHERE NOT record_image_eq(ROW(%I), ROW(%I::text::name))', c.tab, c.attname, c.attname) INTO n;
		IF n > 0 THEN
			RETURN NEXT format('%s.%s: %s', c.tab, c.attname, n);
		END IF;
	END LOOP;
END $$;
SELECT pg_temp.unclean();

-- Orders that are handed to another role: both may have called one by the same name.
CREATE ROLE changes_one;
CREATE ROLE changes_two;
SET ROLE changes_one;
SELECT lem_submit_order('A', 'baseline:twap', lem_order(1), client_id => name) > 0 AS taken FROM unnest('{first,second}'::text[]) AS name;
SET ROLE changes_two;
SELECT lem_submit_order('A', 'baseline:twap', lem_order(2), client_id => 'second') > 0 AS taken;
RESET ROLE;
SELECT lem_reassign_owned('changes_one', 'changes_two');
SELECT regexp_replace(client_id, '\d+', 'N') AS client_id, size, owner FROM lem_orders WHERE owner = 'changes_two' ORDER BY size, client_id;
DELETE FROM lem_parent_order;
SELECT lem_reassign_owned('changes_two', current_user);
DROP ROLE changes_one, changes_two;
-- The triggers of tables are no functions of others.
CREATE TABLE changes_own (name text);
CREATE TRIGGER changes_own BEFORE INSERT ON changes_own FOR EACH ROW EXECUTE FUNCTION _lem_calendar_inserted();
INSERT INTO changes_own VALUES ('XNYS');
SELECT count(*) AS kept FROM lem_calendar WHERE name = 'XNYS';
DROP TABLE changes_bars, changes_own;
DROP FUNCTION changes_now;
DROP PROCEDURE changes_bar;

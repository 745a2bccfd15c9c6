-- Pictures and pages: lem_chart, lem_html, lem_html_table, lem_html_page, lem_svg, lem_report.
\set ECHO none
\i data/simulate.sql
\set ECHO all
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || SQLERRM || CASE WHEN hint = '' THEN '' ELSE ' / ' || hint END;
END $$;

-- What is drawn: one mark a value, nothing where there is none; the same bytes twice
SELECT c LIKE '<svg xmlns="http://www.w3.org/2000/svg" %</svg>' AS "an svg", length(c) - length(replace(c, '<rect class="bar k2"', '')) = 3 * length('<rect class="bar k2"') AS "three bars",
       c = lem_chart('{"title": "A", "series": [{"mark": "bar", "colour": 2, "y": [1, null, 3, -2]}]}') AS "the same twice"
FROM lem_chart('{"title": "A", "series": [{"mark": "bar", "colour": 2, "y": [1, null, 3, -2]}]}') AS c;
SELECT lem_chart('{}') LIKE '<svg%</svg>' AS "nothing to draw", lem_chart('{"times": true, "series": [{"x": [0, 86400], "y": [1, 2]}]}') LIKE '%>01-02<%' AS "times are seconds since 1970",
       length(lem_chart(jsonb_build_object('series', jsonb_build_array(jsonb_build_object('y', (SELECT jsonb_agg(sin(i)) FROM generate_series(1, 50000) AS i)))))) < 100000 AS "a long line is bounded";

-- Whatever names are, they stay text
SELECT name, lem_html(name) !~ '[<>"'']' AS "html", lem_chart(jsonb_build_object('title', name, 'x_label', name, 'y_label', name, 'categories', jsonb_build_array(name), 'series', jsonb_build_array(jsonb_build_object('name', name, 'y', '[1]'::jsonb)))) !~ '<script| onload="' AS "picture",
       lem_html_page(name, '') !~ '<script|<x>' AS "page", lem_html_table(ARRAY[name], jsonb_build_array(jsonb_build_array(name))) !~ '<script|<x>' AS "table"
FROM unnest('{"<script>alert(1)</script>","\" onload=\"x","''","&amp;","<x>"}'::text[]) AS name;
SELECT length(lem_html(repeat('<', 10240))) AS "10 kB", lem_html(E'a\u0001b') AS "control characters", lem_html('שלום') = 'שלום' AS "right to left", lem_html('') = '' AS empty, lem_html(NULL) IS NULL AS "NULL";
SELECT length(lem_chart(jsonb_build_object('title', repeat('<', 10240)))) < 100000 AS "a long title is cut";

-- Wrong JSON
SELECT pg_temp.error_of(format('SELECT lem_chart(%L)', chart)) FROM unnest('{"[]","1","{\"width\": 199}","{\"width\": 1.5}","{\"height\": \"a\"}","{\"series\": 1}","{\"series\": [1]}","{\"series\": [{}]}","{\"series\": [{\"y\": [\"a\"]}]}","{\"series\": [{\"y\": [1], \"x\": []}]}","{\"series\": [{\"y\": [1], \"mark\": \"pie\"}]}","{\"series\": [{\"y\": [1], \"colour\": 8}]}","{\"series\": [{\"z\": [1]}]}","{\"kind\": 1}","{\"zero\": 1}","{\"categories\": [1]}","{\"title\": {}}"}'::text[]) AS chart;
SELECT pg_temp.error_of($$SELECT lem_chart(jsonb_build_object('series', (SELECT jsonb_agg('{"y": []}'::jsonb) FROM generate_series(1, 33))))$$);
SELECT pg_temp.error_of(format('SELECT lem_html_table(%L, %L)', '{a}', cells)) FROM unnest('{"1","{}","[1]","[[{}]]","[[[1]]]"}'::text[]) AS cells;
SELECT cell, lem_html_table('{a}', jsonb_build_array(jsonb_build_array(cell))) AS "a time" FROM unnest('{2026-01-02T15:00:00+00:00,2026-01-02T15:00:01-05:30,2026-01-02T15:00:00.25+01:00,2026-01-02T15:00:00,"2026-01-02T15:00:00<x>",2026-01-02T15:00,-infinity}'::text[]) AS cell;
SELECT lem_html_table(array_fill('a'::text, ARRAY[8]), '[]') LIKE '<div class="table wide">%' AS wide, lem_html_table('{"",NULL}', '[]') LIKE '<div class="table pairs">%' AS pairs;
SELECT lem_html_table('{}', '[]') AS "no columns", lem_html_table('{a,NULL}', '[[1.50, null], [true, "x"], []]') AS cells;

-- Figures in a report are those of the functions they come from
CREATE TABLE report_series AS SELECT lem_bars(ts, notional / volume, volume) AS bars FROM simulate_bars('R', days => 60);
SELECT count(*) AS installed FROM lem_install_bundled();
CREATE FUNCTION pg_temp.figures(page text, section text) RETURNS SETOF float8 LANGUAGE sql AS $$
	SELECT (m[1])::float8 FROM regexp_matches(substring(page FROM '<h2>' || section || '</h2>(.*?)</section>'), 'data-value="([^"]*)"', 'g') AS m
$$;
SELECT array_agg(f) = (SELECT array_agg(x ORDER BY s.step, i) FROM report_series, lem_schedule('crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), bars) AS s JOIN lem_baseline('vwap_curve', lem_order(1000, min_bars => 3, max_bars => 12), bars, '{"n_ahead": 12, "norm_window": 168}') AS v USING (step),
	unnest(ARRAY[s.step, s.allocation, s.cumulative, s.quantity, v.allocation]) WITH ORDINALITY AS u (x, i)) AS "a schedule's figures"
FROM report_series, LATERAL (SELECT lem_report('schedule', 'crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), bars) AS page) AS p, pg_temp.figures(page, 'The plan, and the volume expected') AS f;
SELECT p.f[1] = b.orders AS orders, abs(p.f[2] - b.mean_bps) < 1e-9 AS mean, abs(p.f[3] - b.ci_low) < 1e-9 AND abs(p.f[4] - b.ci_high) < 1e-9 AS interval, abs(p.f[5] - b.std_bps) < 1e-9 AS std,
       abs(p.f[8] - b.median_bps) < 1e-9 AS median, abs(p.f[11] - b.bars_used) < 1e-9 AS "bars used", abs(p.f[24] - (SELECT difference_bps FROM unnest(b.baselines) WHERE name = 'stop_rule')) < 1e-9 AS difference
FROM report_series, LATERAL (SELECT array_agg(f) AS f FROM pg_temp.figures(lem_report('backtest', 'crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), bars), 'Gains against the benchmark') AS f) AS p,
     LATERAL (SELECT (lem_backtest('crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), u.ts, u.price, u.volume)).* FROM lem_unnest(bars) AS u) AS b;
-- Orders of one bar have a plan, too
SELECT ARRAY(SELECT pg_temp.figures(lem_report('schedule', 'crypto_1h', lem_order(1000, max_bars => 1), bars), 'The plan, and the volume expected')) = '{1,1,1,1000,1}' AS "one bar",
       lem_report('schedule', 'crypto_1h', lem_order(1000, min_bars => 1, end_ts => (SELECT max(u.ts) + interval '2 hours' FROM lem_unnest(bars) AS u)), bars) LIKE '%</html>' || chr(10) AS "one that ends after a bar"
FROM report_series;
-- The volume expected is the market's, whatever the order's limits
SELECT (p #> '{0,chart,series,3,y}') = (SELECT jsonb_agg(v.allocation ORDER BY v.step) FROM lem_baseline('vwap_curve', lem_order(1, max_bars => 12), bars, '{"norm_window": 168}') AS v) AS "volume expected",
       (SELECT sum(y::float8) FROM jsonb_array_elements_text(p #> '{0,chart,series,2,y}') AS y) AS "what the limit leaves"
FROM report_series, _lem_schedule_pictures('crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12, limit_price => 0.01, best_effort => true), bars) AS p;
-- Figures are exact, whatever the session's settings
SELECT md5(lem_report('schedule', 'crypto_1h', lem_order(1000, max_bars => 12), bars) || lem_svg('gains', 'crypto_1h', lem_order(1000, max_bars => 12), bars, '{"every": 20}')) AS exact FROM report_series \gset
SET extra_float_digits = -10;
SELECT md5(lem_report('schedule', 'crypto_1h', lem_order(1000, max_bars => 12), bars) || lem_svg('gains', 'crypto_1h', lem_order(1000, max_bars => 12), bars, '{"every": 20}')) = :'exact' AS "the same bytes" FROM report_series;
RESET extra_float_digits;
-- The longest orders can be drawn, in steps
SELECT n, pg_temp.error_of(format($$SELECT lem_chart(%L)$$, jsonb_build_object('categories', (SELECT jsonb_agg(i::text) FROM generate_series(1, n) AS i)))) FROM unnest('{1024,1025}'::int[]) AS n;

-- One file: nothing is fetched, no scripts; the same bytes twice
SELECT page !~* '<script|https?://(?!www\.w3\.org/2000/svg)|url\(|@import' AS "nothing is fetched", page = lem_report('schedule', 'crypto_1h', lem_order(1000, max_bars => 12), bars) AS "the same twice"
FROM report_series, LATERAL (SELECT lem_report('schedule', 'crypto_1h', lem_order(1000, max_bars => 12), bars) AS page) AS p;

-- Pictures alone, and other reports
SELECT kind, lem_svg(kind, 'crypto_1h', lem_order(1000, 'sell', max_bars => 12), bars, '{"every": 20}') LIKE '<svg%</svg>' AS "an svg" FROM report_series, unnest('{schedule,prices,inputs,gains,months,hours}'::text[]) AS kind;
SELECT lem_report('models') LIKE '%<bdi>crypto\_1h</bdi>%' AS models, lem_svg('use') LIKE '<svg%' AS use, lem_report('training', 'no such') LIKE '%There is nothing to show.%' AS "no training";
SELECT lem_report('backtest', 'baseline:twap', lem_order(1), bars, '{"every": 20, "yardstick": "baseline:vwap_curve"}') LIKE '%baseline:vwap\_curve%' AS "another yardstick" FROM report_series;
SELECT lem_report('backtest', 'baseline:twap', lem_order(1), lem_bars(ts, price, volume)) LIKE '%There is nothing to show.%' AS "no starts" FROM report_series, LATERAL (SELECT * FROM lem_unnest(bars) LIMIT 20) AS u;

-- An order that is worked: real fills, part of them and with a fee; figures are those of lem_tca_report
SELECT 'SELECT ''R''::text AS series, u.ts, u.price, u.volume FROM report_series, lem_unnest(bars) AS u WHERE u.ts < ' || quote_literal(max(u.ts) - interval '2 days') AS early,
       'SELECT ''R''::text AS series, u.ts, u.price, u.volume FROM report_series, lem_unnest(bars) AS u;' AS late,
       max(u.ts) - interval '2 days' AS early_end, max(u.ts) + interval '1 hour' AS late_end FROM report_series, lem_unnest(bars) AS u \gset
SELECT lem_submit_order('R', 'crypto_1h', lem_order(1000, 'sell', min_bars => 3, lot => 10, max_participation => 0.5, max_bars => 12), basket => '<b>') AS id \gset
SELECT lem_submit_order('R', 'baseline:twap', lem_order(400, max_bars => 4)) AS paper \gset
SELECT lem_submit_order('S', 'baseline:twap', lem_order(1)) AS other \gset
CALL lem_work(:'early', :'early_end');
SELECT lem_record_fill(:id, s.ts + interval '10 min', u.price * 1.001, s.quantity / 2, fee => 3) > 0 AS filled FROM report_series, lem_slices AS s, lem_unnest(bars) AS u WHERE s.order_id = :id AND u.ts = s.ts;
-- bar by bar, so that each slice is told in time and fills on paper
CREATE PROCEDURE pg_temp.work(query text, from_ts timestamptz, to_ts timestamptz) LANGUAGE plpgsql AS $$
DECLARE
	now timestamptz;
BEGIN
	FOR now IN SELECT generate_series(from_ts, to_ts, interval '1 hour') LOOP
		CALL lem_work(query, now);
	END LOOP;
END $$;
CALL pg_temp.work(:'late', :'early_end', :'late_end');
SELECT lem_paper_fill(:paper) AS "filled on paper";
CREATE FUNCTION pg_temp.tca(id bigint) RETURNS lem_tca_report LANGUAGE sql AS $$
	SELECT lem_tca_report((SELECT lem_tca(o.ord, f.ts, f.price, f.quantity) FROM _lem_report_fills(o.id, NULL) AS f), bars, '{1 hour,5 hours,20 hours}', until => _lem_order_until(o.state, o.last_ts, o.expires_at, o.ended_at))
	FROM lem_orders AS o, report_series WHERE o.id = tca.id
$$;
SELECT abs(p.f[1] - t.delay_bps) < 1e-9 AND abs(p.f[3] - t.trading_bps) < 1e-9 AND abs(p.f[5] - t.opportunity_bps) < 1e-9 AS parts, abs(p.f[2] - t.delay_cost) < 1e-9 AS money,
       abs(p.f[7] - 3e4 / ((t.quantity + t.unfilled) * t.arrival_price)) < 1e-9 AND p.f[8] = 3 AS fees, abs(p.f[9] - t.shortfall_bps - p.f[7]) < 1e-9 AS "all together"
FROM (SELECT array_agg(f) AS f FROM pg_temp.figures(lem_report('order', :id, :'late'), 'Implementation shortfall') AS f) AS p, pg_temp.tca(:id) AS t;
-- by its number the same
SELECT o.state, r.fill_rate, (r.opportunity_cost, r.vwap_bps) = (t.opportunity_cost, t.vwap_bps) AS "as on its page" FROM lem_orders AS o, report_series, lem_order_tca(o.id, bars) AS r, pg_temp.tca(o.id) AS t WHERE o.id = :id;
SELECT array_agg(f) = (SELECT t.markouts FROM pg_temp.tca(:id) AS t) AS markouts FROM pg_temp.figures(lem_report('order', :id, :'late'), 'After the fills') AS f;
SELECT count(*) > 20 AS "planned, decided, filled" FROM pg_temp.figures(lem_report('order', :id, :'late'), 'Planned, decided, filled') AS f;
SELECT page LIKE '%those of the market%' AS real, page LIKE '%&lt;b&gt;%' AND page !~ '<b>' AS escaped, page = lem_report('order', :id, :'late') AS "the same twice", page NOT LIKE '%no plan from the start%' AS planned FROM (SELECT lem_report('order', :id, :'late') AS page) AS p;
SELECT lem_report('order', :paper, :'late') LIKE '%those on paper%' AS paper, lem_report('order', :id, :'late', '{"fills": "paper"}') LIKE '%Nothing of it is filled%' AS "none on paper", lem_report('order', :other, :'late') LIKE '%no bars of this series%' AS "no bars",
       lem_report('order', :paper, :'early' || ' -- that is all', NULL) LIKE '<!DOCTYPE html>%' AS "no options";
SELECT kind, lem_svg(kind, :id, :'late', '{"markouts": ["2 hours"]}') LIKE '<svg%</svg>' AS "an svg" FROM unnest('{price,shares,participation,shortfall,markouts}'::text[]) AS kind;

-- A day's orders: figures are those of lem_tca_rollup; one order has not begun
SELECT ((ord).start_ts AT TIME ZONE 'UTC')::date AS day, (SELECT (submitted_at AT TIME ZONE 'UTC')::date FROM lem_orders WHERE id = :other) AS today FROM lem_orders WHERE id = :id \gset
SELECT p.f[1] = 2 AND p.f[2] = (r).filled_orders AS orders, abs(p.f[3] - (r).fill_rate) < 1e-12 AS filled, abs(p.f[8] - (r).shortfall_bps) < 1e-9 AS shortfall, abs(p.f[9] - (r).shortfall) < 1e-6 AS money, p.f[10] = 3 AS fees
FROM (SELECT lem_tca_rollup(pg_temp.tca(id)) AS r FROM unnest(ARRAY[:id, :paper]) AS id) AS t, (SELECT array_agg(f) AS f FROM pg_temp.figures(lem_report('desk', date :'day', :'late'), 'All together') AS f) AS p;
SELECT lem_report('desk', date '1999-01-01', :'late') LIKE '%There is nothing to show.%' AS "no orders", lem_report('desk', date :'today', :'late') LIKE '%There are no bars of S:%' AS "no bars";
SELECT kind, lem_svg(kind, date :'day', :'late') LIKE '<svg%</svg>' AS "an svg" FROM unnest('{symbol,side,trader,basket,model}'::text[]) AS kind;

-- Market making: figures are those of lem_maker_backtest
SELECT lem_book(ts, price - 0.02, price + 0.02, 50 + 40 * cos(i), 50 - 40 * cos(i), price, price + 0.05 + 0.04 * cos(i * 7.0), price - 0.05 - 0.04 * cos(i * 5.0), price, 1000) AS book
FROM (SELECT '2026-01-05 14:30+00'::timestamptz + i * interval '1 second' AS ts, i, round((100 + sin(i / 40.0))::numeric, 2)::float8 AS price FROM generate_series(1, 400) AS i) AS b \gset
SELECT array_agg(f) FILTER (WHERE n <= 5) = (SELECT ARRAY[pnl, spread_earned, inventory_gain, fees, closing_cost] FROM lem_maker_backtest('baseline:microprice', lem_quoting(2, 0.01, 1, 0.1, 200), :'book') WHERE fill = 'through') AS "the parts of the profit"
FROM pg_temp.figures(lem_report('maker', 'baseline:microprice', lem_quoting(2, 0.01, 1, 0.1, 200), :'book'), 'Where the profit comes from') WITH ORDINALITY AS f (f, n);
SELECT kind, lem_svg(kind, 'baseline:microprice', lem_quoting(2, 0.01, 1, 0.1, 200), :'book', '{"fill": "touch"}') LIKE '<svg%</svg>' AS "an svg" FROM unnest('{pnl,inventory,fills}'::text[]) AS kind;

-- The right to finish early
SELECT array_agg(f) = (SELECT ARRAY[sigma, bps, money] FROM report_series, lem_early_finish_value(lem_order(1000, min_bars => 3, max_bars => 12), bars, '{"n_ahead": 12, "norm_window": 168}') AS w) AS "the right to finish early" FROM report_series, pg_temp.figures(lem_report('schedule', 'crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), bars), 'The right to finish early') AS f;
SELECT lem_report('schedule', 'crypto_1h', lem_order(1000, max_bars => 12), bars) LIKE '%uses all its bars%' AS "has no such right" FROM report_series;

-- Errors
SELECT pg_temp.error_of($$SELECT lem_report('pie')$$);
SELECT pg_temp.error_of($$SELECT lem_report(NULL)$$);
SELECT pg_temp.error_of($$SELECT lem_report('pie', 'crypto_1h', lem_order(1, max_bars => 12), bars) FROM report_series$$);
SELECT pg_temp.error_of($$SELECT lem_svg('pie', 'crypto_1h', lem_order(1, max_bars => 12), bars) FROM report_series$$);
SELECT pg_temp.error_of($$SELECT lem_svg('loss', 'no such')$$);
SELECT pg_temp.error_of($$SELECT lem_report('schedule', 'no such', lem_order(1), bars) FROM report_series$$);
SELECT pg_temp.error_of(format('SELECT lem_report(%L, %s, %L)', kind, id, query)) FROM (VALUES ('pie', :id, ''), ('order', 0, 'SELECT 1'), ('order', :id, 'SELECT 1 AS a'), ('order', :id, 'DROP TABLE report_series'), ('order', :id, 'SELECT 1; SELECT 2'), ('order', :id, 'SELECT FROM'), ('order', :id, 'SELECT ''R'' AS series, ''2026-01-01 00:00+00''::timestamptz AS ts, 0 AS price, 0 AS volume'), ('order', :id, 'SELECT ''R'' AS series, ''2026-01-01 00:00+00''::timestamptz AS ts, 1 / 0 AS price, 0 AS volume')) AS e (kind, id, query);
SELECT split_part(pg_temp.error_of(format('SELECT lem_report(%L, %s)', kind, arguments)), ' / ', 1) AS error FROM (VALUES ('order', 'NULL::bigint, ''SELECT 1'''), ('order', :'id' || ', NULL'), ('pie', 'current_date, '''''), ('desk', 'NULL::date, ''SELECT 1'''), ('pie', '''a'', NULL::lem_quoting, NULL::lem_book')) AS e (kind, arguments);
SELECT pg_temp.error_of(format('SELECT lem_svg(%L, %s)', kind, arguments)) FROM (VALUES ('pie', '1, '''''), ('pie', 'current_date, '''''), ('pie', '''a'', NULL::lem_quoting, NULL::lem_book')) AS e (kind, arguments);
-- Options of reports on orders and on days
SELECT kind, options, pg_temp.error_of(format('SELECT lem_report(%L, %s, %L, %L)', kind, CASE kind WHEN 'order' THEN :'id' ELSE 'current_date' END, :'late', options)) AS error
FROM (VALUES ('order', '{"fils": "paper"}'), ('order', '{"fills": "papr"}'), ('order', '{"fills": null, "markouts": [], "time_zone": null}'), ('order', '{"markouts": "1 hour"}'), ('order', '{"markouts": [3]}'),
	('order', '{"markouts": ["1 hour", "an hour"]}'), ('order', '{"time_zone": "Mars/Olympus"}'), ('order', '{"time_zone": 3}'), ('order', '[]'), ('desk', '{"markouts": ["1 hour"]}'), ('desk', '{"time_zone": "Asia/Tokyo", "fills": "market"}'),
	('desk', '{"time_zone": "+05:45"}')) AS o (kind, options);
-- Options of the other kinds: each is named, and no function that users do not call is where an error was
CREATE FUNCTION pg_temp.context_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE query;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN regexp_replace(context, '\nSQL statement.*', '');
END $$;
SELECT query, pg_temp.error_of(q.whole) AS error, pg_temp.context_of(q.whole) !~ '_lem_' AS "context of what was called"
FROM unnest(ARRAY[$$lem_report('schedule', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"every": 0}')$$, $$lem_svg('inputs', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"every": 0}')$$, $$lem_report('schedule', 'no such', lem_order(1, max_bars => 12), bars, NULL)$$,
	$$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"evry": 2}')$$, $$lem_svg('gains', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"minimum": [3]}')$$, $$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '[]')$$, $$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"every": "x"}')$$,
	$$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"yardstick": 3}')$$, $$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"yardstick": "baseline:pie"}')$$, $$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"minima": 3}')$$,
	$$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"minima": [3, "a"]}')$$, $$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"minima": [99]}')$$, $$lem_report('backtest', 'no such', lem_order(1, max_bars => 12), bars)$$, $$lem_report('backtest', 'crypto_1h', lem_order(1, max_bars => 12), NULL)$$,
	$$lem_svg('minima', 'crypto_1h', lem_order(1, max_bars => 12), bars, '{"every": 100}')$$, $$lem_report('maker', 'baseline:glft', lem_quoting(2, 0.01, 1, 0.1, 200), NULL, '{"fil": "touch"}')$$, $$lem_svg('pnl', 'baseline:glft', lem_quoting(2, 0.01, 1, 0.1, 200), NULL, '{"fil": "touch"}')$$,
	$$lem_report('maker', 'baseline:pie', lem_quoting(2, 0.01, 1, 0.1, 200), NULL)$$, $$lem_report('order', 0, 'SELECT 1')$$, $$lem_svg('price', 0, 'SELECT 1')$$, $$lem_report('desk', current_date, 'SELECT 1', '{"markouts": []}')$$, $$lem_svg('side', current_date, 'SELECT 1', '{"fill": 1}')$$, $$lem_svg('loss', 'no such')$$]) AS query,
	format('SELECT %s FROM report_series', query) AS q (whole);
-- which are checked before they are read, though the planner reads constants (in lem_report, from 18 on)
SELECT pg_temp.error_of($$SELECT p FROM report_series, _lem_backtest_pictures('crypto_1h', lem_order(1, max_bars => 12), bars, '{"every": "x"}') AS p$$);
SELECT lem_report('backtest', 'crypto_1h', lem_order(1000, max_bars => 12), bars, '{"yardstick": null, "minima": null, "every": 50}') = lem_report('backtest', 'crypto_1h', lem_order(1000, max_bars => 12), bars, '{"every": 50}') AS "null is left out",
       lem_report('backtest', 'crypto_1h', lem_order(1000, max_bars => 12), bars, NULL) = lem_report('backtest', 'crypto_1h', lem_order(1000, max_bars => 12), bars) AS "NULL are none" FROM report_series;
-- Nobody sees another's orders
CREATE ROLE report_other;
GRANT SELECT ON report_series TO report_other;
SET ROLE report_other;
SELECT replace(pg_temp.error_of(format('SELECT lem_report(%L, %s, %L)', 'order', :id, :'late')), ' ' || :'id' || ' ', ' N ') AS error;
RESET ROLE;
DROP OWNED BY report_other;
DROP ROLE report_other;
DELETE FROM lem_parent_order;
DROP TABLE report_series;
SELECT lem_drop(name) > 0 AS dropped FROM unnest('{crypto_1h,dow_1d}'::text[]) AS name;
DROP FUNCTION simulate_bars, simulate_normal;

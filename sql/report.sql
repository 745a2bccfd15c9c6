-- Pictures and pages: lem_chart, lem_html, lem_html_table, lem_html_page, lem_svg, lem_report.
\set ECHO none
\i data/simulate.sql
\set ECHO all
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
SELECT lem_html_table('{}', '[]') AS "no columns", lem_html_table('{a,NULL}', '[[1.50, null], [true, "x"], []]') AS cells;

-- Figures in a report are those of the functions they come from
CREATE TABLE report_series AS SELECT lem_bars(ts, notional / volume, volume) AS bars FROM simulate_bars('R', days => 60);
SELECT count(*) AS installed FROM lem_install_bundled();
CREATE FUNCTION pg_temp.figures(page text, section text) RETURNS SETOF float8 LANGUAGE sql AS $$
	SELECT (m[1])::float8 FROM regexp_matches(substring(page FROM '<h2>' || section || '</h2>(.*?)</section>'), 'data-value="([^"]*)"', 'g') AS m
$$;
SELECT array_agg(f) = (SELECT array_agg(x ORDER BY s.step, i) FROM report_series, lem_schedule('crypto_1h', lem_order(1000, min_bars => 3), bars) AS s JOIN lem_baseline('vwap_curve', lem_order(1000, min_bars => 3), bars, '{"n_ahead": 12, "norm_window": 168}') AS v USING (step),
	unnest(ARRAY[s.step, s.allocation, s.cumulative, s.quantity, v.allocation]) WITH ORDINALITY AS u (x, i)) AS "a schedule's figures"
FROM report_series, LATERAL (SELECT lem_report('schedule', 'crypto_1h', lem_order(1000, min_bars => 3), bars) AS page) AS p, pg_temp.figures(page, 'The plan, and the volume expected') AS f;
SELECT p.f[1] = b.orders AS orders, abs(p.f[2] - b.mean_bps) < 1e-9 AS mean, abs(p.f[3] - b.ci_low) < 1e-9 AND abs(p.f[4] - b.ci_high) < 1e-9 AS interval, abs(p.f[5] - b.std_bps) < 1e-9 AS std,
       abs(p.f[8] - b.median_bps) < 1e-9 AS median, abs(p.f[11] - b.bars_used) < 1e-9 AS "bars used", abs(p.f[24] - (SELECT difference_bps FROM unnest(b.baselines) WHERE name = 'stop_rule')) < 1e-9 AS difference
FROM report_series, LATERAL (SELECT array_agg(f) AS f FROM pg_temp.figures(lem_report('backtest', 'crypto_1h', lem_order(1000, min_bars => 3), bars), 'Gains against the benchmark') AS f) AS p,
     LATERAL (SELECT (lem_backtest('crypto_1h', lem_order(1000, min_bars => 3), u.ts, u.price, u.volume)).* FROM lem_unnest(bars) AS u) AS b;

-- One file: nothing is fetched, no scripts; the same bytes twice
SELECT page !~* '<script|https?://(?!www\.w3\.org/2000/svg)|url\(|@import' AS "nothing is fetched", page = lem_report('schedule', 'crypto_1h', lem_order(1000), bars) AS "the same twice"
FROM report_series, LATERAL (SELECT lem_report('schedule', 'crypto_1h', lem_order(1000), bars) AS page) AS p;

-- Pictures alone, and other reports
SELECT kind, lem_svg(kind, 'crypto_1h', lem_order(1000, 'sell'), bars, '{"every": 20}') LIKE '<svg%</svg>' AS "an svg" FROM report_series, unnest('{schedule,prices,inputs,gains,months,hours}'::text[]) AS kind;
SELECT lem_report('models') LIKE '%<bdi>crypto\_1h</bdi>%' AS models, lem_svg('use') LIKE '<svg%' AS use, lem_report('training', 'no such') LIKE '%There is nothing to show.%' AS "no training";
SELECT lem_report('backtest', 'baseline:twap', lem_order(1), bars, '{"every": 20, "yardstick": "baseline:vwap_curve"}') LIKE '%baseline:vwap\_curve%' AS "another yardstick" FROM report_series;
SELECT lem_report('backtest', 'baseline:twap', lem_order(1), lem_bars(ts, price, volume)) LIKE '%There is nothing to show.%' AS "no starts" FROM report_series, LATERAL (SELECT * FROM lem_unnest(bars) LIMIT 20) AS u;

-- Errors
SELECT pg_temp.error_of($$SELECT lem_report('pie')$$);
SELECT pg_temp.error_of($$SELECT lem_report(NULL)$$);
SELECT pg_temp.error_of($$SELECT lem_report('pie', 'crypto_1h', lem_order(1), bars) FROM report_series$$);
SELECT pg_temp.error_of($$SELECT lem_svg('pie', 'crypto_1h', lem_order(1), bars) FROM report_series$$);
SELECT pg_temp.error_of($$SELECT lem_svg('loss', 'no such')$$);
SELECT pg_temp.error_of($$SELECT lem_report('schedule', 'no such', lem_order(1), bars) FROM report_series$$);
SELECT split_part(pg_temp.error_of($$SELECT lem_report('backtest', 'crypto_1h', lem_order(1), bars, '{"what": 1}') FROM report_series$$), ' / ', 1) AS error;
DROP TABLE report_series;
SELECT lem_drop(name) > 0 AS dropped FROM unnest('{crypto_1h,dow_1d}'::text[]) AS name;
DROP FUNCTION simulate_bars, simulate_normal;

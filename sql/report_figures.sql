-- Figures in reports are those of what they come from; names stay text; the same bytes twice: all kinds.
\set ECHO none
\i data/simulate.sql
\set ECHO all
SET timezone = 'UTC';
CREATE TABLE figures_series AS SELECT lem_bars(ts, notional / volume, volume) AS bars FROM simulate_bars('R', days => 60);
SELECT count(*) AS installed FROM lem_install_bundled();
CREATE FUNCTION pg_temp.figures(page text, section text) RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg((m[1])::float8 ORDER BY n) FROM regexp_matches(substring(page FROM '<h2>' || section || '</h2>(.*?)</section>'), 'data-value="([^"]*)"', 'g') WITH ORDINALITY AS m (m, n)
$$;
-- Equal but for the last bits, which sums in another order change; NULLs have no cell
CREATE FUNCTION pg_temp.same(shown float8[], wanted float8[]) RETURNS boolean LANGUAGE sql AS $$
	SELECT cardinality(shown) > 0 AND cardinality(shown) = cardinality(array_remove(wanted, NULL)) AND bool_and(abs(a - b) <= 1e-9 * (1 + abs(b))) FROM unnest(shown, array_remove(wanted, NULL)) AS x (a, b)
$$;

-- A backtest: months, hours, fifths by volatility, minima, the worst
SELECT lem_report('backtest', 'crypto_1h', lem_order(1000, 'sell', min_bars => 3), bars, '{"every": 3, "minima": [2, 5]}') AS page FROM figures_series \gset
CREATE TABLE figures_pairs AS
SELECT m.ts, m.bps, m.bars_used, m.achieved, m.benchmark, m.completion, y.bps AS other
FROM figures_series, lem_backtest_orders('crypto_1h', lem_order(1000, 'sell', min_bars => 3), bars, 3) AS m
	JOIN lem_backtest_orders('baseline:stop_rule', lem_order(1000, 'sell', min_bars => 3), bars, 3, 'causal', '{"n_ahead": 12, "norm_window": 168}') AS y USING (ts);
SELECT pg_temp.same(pg_temp.figures(:'page', 'By month'), array_agg(x ORDER BY m.name, k)) AS months
FROM (SELECT to_char(ts, 'YYYY-MM') AS name, count(*) AS n, avg(bps) AS mean, lem_mean_interval(bps, ts, interval '12 hours') AS i, stddev_samp(bps) AS std, avg(other) AS other FROM figures_pairs GROUP BY 1) AS m,
	unnest(ARRAY[m.n, m.mean, (m.i).ci_low, (m.i).ci_high, m.std, m.other]) WITH ORDINALITY AS u (x, k);
SELECT pg_temp.same(pg_temp.figures(:'page', 'By hour of the start'), array_agg(x ORDER BY h.name, k)) AS hours, :'page' LIKE '%' || string_agg(DISTINCT '<td><bdi>' || h.name || '</bdi></td>', '%') || '%' AS names
FROM (SELECT to_char(ts, 'HH24') AS name, count(*) AS n, avg(bps) AS mean, stddev_samp(bps) AS std, avg(other) AS other FROM figures_pairs GROUP BY 1) AS h,
	unnest(ARRAY[h.n, h.mean, h.std, h.other]) WITH ORDINALITY AS u (x, k);
WITH restless AS (
	SELECT ts, 1e4 * sqrt(avg(move * move) OVER (ORDER BY ts ROWS BETWEEN 48 PRECEDING AND 1 PRECEDING)) AS sigma
	FROM (SELECT u.ts, ln(u.price / lag(u.price) OVER (ORDER BY u.ts)) AS move FROM figures_series, lem_unnest(bars) AS u) AS m
), fifths AS (
	SELECT f.fifth, min(f.sigma) AS low, max(f.sigma) AS high, count(*) AS n, avg(f.bps) AS mean, stddev_samp(f.bps) AS std, avg(f.other) AS other
	FROM (SELECT p.*, r.sigma, ntile(5) OVER (ORDER BY r.sigma, p.ts) AS fifth FROM figures_pairs AS p JOIN restless AS r USING (ts)) AS f GROUP BY f.fifth)
SELECT pg_temp.same(pg_temp.figures(:'page', 'By volatility'), array_agg(x ORDER BY f.fifth, k)) AS volatility
FROM fifths AS f, unnest(ARRAY[f.low, f.high, f.n, f.mean, f.std, f.other]) WITH ORDINALITY AS u (x, k);
SELECT (SELECT bool_and(r.sigma IS NOT DISTINCT FROM w.sigma) AND count(r.ts) = 4 FROM (SELECT ts, sqrt(avg(move * move) OVER (ORDER BY ts ROWS BETWEEN 48 PRECEDING AND 1 PRECEDING)) AS sigma
		FROM (SELECT u.ts, ln(u.price / lag(u.price) OVER (ORDER BY u.ts)) AS move FROM lem_unnest(b) AS u) AS m) AS w LEFT JOIN _lem_report_deviations(b) AS r USING (ts)) AS deviations, _lem_report_gap(b) AS gap,
	_lem_report_gap('{"2026-01-01" 1 1}') IS NULL AS "no gap", (SELECT count(*) FROM _lem_report_deviations('{"2026-01-01" 1 1, "2026-01-02" 2 1}')) AS "no moves before"
FROM (SELECT lem_bars(ts, price, volume) AS b FROM (SELECT u.* FROM figures_series, lem_unnest(bars) AS u LIMIT 6) AS u) AS b;
SELECT pg_temp.same(pg_temp.figures(:'page', 'By minimum'), array_agg(x ORDER BY b.least, k)) AS minima
FROM (SELECT least, (lem_backtest('crypto_1h', lem_order(1000, 'sell', min_bars => least), bars, '{"every": 3}')).* FROM figures_series, unnest('{2,5}'::int[]) AS least) AS b,
	unnest(ARRAY[b.least, b.orders, b.mean_bps, b.ci_low, b.ci_high, b.std_bps, b.bars_used]) WITH ORDINALITY AS u (x, k);
SELECT pg_temp.same(pg_temp.figures(:'page', 'The ten worst orders'), array_agg(x ORDER BY w.bps, w.ts, k)) AS worst
FROM (SELECT * FROM figures_pairs ORDER BY bps, ts LIMIT 10) AS w, unnest(ARRAY[w.achieved, w.benchmark, w.bps, w.bars_used, w.completion, w.other]) WITH ORDINALITY AS u (x, k);
-- Orders that could not trade have no gain, and are in no column of the distribution
SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY u.price) AS low FROM figures_series, lem_unnest(bars) AS u \gset
SELECT (p #>> '{0,cells,0,1}')::int < (SELECT count(*) FROM lem_backtest_orders('baseline:twap', lem_order(1000, limit_price => :low, best_effort => true), bars)) AS "some have none",
       (p #>> '{0,cells,0,1}')::int = (SELECT sum(y::int) FROM jsonb_array_elements_text(p #> '{0,chart,series,0,y}') AS y) AS "the others are drawn"
FROM figures_series, _lem_backtest_pictures('baseline:twap', lem_order(1000, limit_price => :low, best_effort => true), bars, '{}') AS p;

DROP TABLE figures_pairs, figures_series;
SELECT lem_drop(name) > 0 AS dropped FROM unnest('{crypto_1h,dow_1d}'::text[]) AS name;
DROP FUNCTION simulate_bars, simulate_normal;

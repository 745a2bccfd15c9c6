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
SELECT lem_report('backtest', 'crypto_1h', lem_order(1000, 'sell', min_bars => 3, max_bars => 12), bars, '{"every": 3, "minima": [2, 5]}') AS page FROM figures_series \gset
CREATE TABLE figures_pairs AS
SELECT m.ts, m.bps, m.bars_used, m.achieved, m.benchmark, m.completion, y.bps AS other
FROM figures_series, lem_backtest_orders('crypto_1h', lem_order(1000, 'sell', min_bars => 3, max_bars => 12), bars, 3) AS m
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
-- Intervals are those of lem_backtest: over sessions, by how long orders of a baseline can last; its hours are those of its time zone
SELECT name, pg_temp.same((pg_temp.figures(page, 'Gains against the benchmark'))[1:5], ARRAY[b.orders, b.mean_bps, b.ci_low, b.ci_high, b.std_bps]) AS interval, page ~ '<td><bdi>09</bdi></td>' AS "nine o'clock"
FROM (SELECT lem_bars(u.ts, u.price, u.volume) AS bars FROM figures_series, lem_unnest(bars) AS u WHERE extract(hour FROM u.ts) < 8) AS s,
	(VALUES ('long', '{"n_ahead": 16, "norm_window": 48, "gaps": "skip", "time_zone": "Asia/Tokyo"}'::jsonb), ('short', '{"n_ahead": 4, "norm_window": 48, "gaps": "skip", "every": 2}')) AS o (name, options),
	LATERAL lem_report('backtest', 'baseline:stop_rule', lem_order(1000, 'sell', min_bars => 2), bars, options) AS page, LATERAL lem_backtest('baseline:stop_rule', lem_order(1000, 'sell', min_bars => 2), bars, options) AS b;
SELECT pg_temp.same(pg_temp.figures(:'page', 'By minimum'), array_agg(x ORDER BY b.least, k)) AS minima
FROM (SELECT least, (lem_backtest('crypto_1h', lem_order(1000, 'sell', min_bars => least, max_bars => 12), bars, '{"every": 3}')).* FROM figures_series, unnest('{2,5}'::int[]) AS least) AS b,
	unnest(ARRAY[b.least, b.orders, b.mean_bps, b.ci_low, b.ci_high, b.std_bps, b.bars_used]) WITH ORDINALITY AS u (x, k);
SELECT pg_temp.same(pg_temp.figures(:'page', 'The ten worst orders'), array_agg(x ORDER BY w.bps, w.ts, k)) AS worst
FROM (SELECT * FROM figures_pairs ORDER BY bps, ts LIMIT 10) AS w, unnest(ARRAY[w.achieved, w.benchmark, w.bps, w.bars_used, w.completion, w.other]) WITH ORDINALITY AS u (x, k);
-- Orders that could not trade have no gain, and are in no column of the distribution
SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY u.price) AS low FROM figures_series, lem_unnest(bars) AS u \gset
SELECT (p #>> '{0,cells,0,1}')::int < (SELECT count(*) FROM lem_backtest_orders('baseline:twap', lem_order(1000, limit_price => :low, best_effort => true), bars)) AS "some have none",
       (p #>> '{0,cells,0,1}')::int = (SELECT sum(y::int) FROM jsonb_array_elements_text(p #> '{0,chart,series,0,y}') AS y) AS "the others are drawn"
FROM figures_series, _lem_backtest_pictures('baseline:twap', lem_order(1000, limit_price => :low, best_effort => true), bars, '{}') AS p;

-- A training, models and market making
CREATE FUNCTION pg_temp.stays_text(page text) RETURNS boolean LANGUAGE sql AS $$SELECT page LIKE '<!DOCTYPE html>%' AND page !~ '<script|<x>| onload="' AND (SELECT bool_and(m[1]::xml IS DOCUMENT) FROM regexp_matches(page, '<svg.*?</svg>', 'g') AS m)$$;
\set hostile '<script>alert("1")</script><x>'' &amp; שלום'
SET extra_float_digits = -10;
CALL lem_train('pictured', 'SELECT 1 AS series, u.ts, u.price, u.volume FROM figures_series, lem_unnest(bars) AS u',
	'{"lookback": 8, "n_ahead": 4, "hidden_size": 4, "num_heads": 2, "num_embedding": 2, "fused_mlp_hidden_dim": 2, "norm_window": 48}', '{"epochs": 2, "samples": 64}');
RESET extra_float_digits;
SELECT (m.metrics ->> 'validation_loss')::float8 = r.best_loss AS "metrics are exact" FROM lem_models AS m JOIN lem_training_runs AS r ON r.run = m.training_run WHERE m.name = 'pictured';
SELECT pg_temp.same(pg_temp.figures(page, 'The run'), (SELECT ARRAY[run, epochs, max_epochs, best_epoch, best_loss, samples_per_s] FROM lem_training_runs WHERE model = 'pictured')) AS "the run",
       pg_temp.same(pg_temp.figures(page, 'Loss by epoch'), (SELECT array_agg(x ORDER BY e.epoch, k) FROM (SELECT e.* FROM lem_training_epochs AS e JOIN lem_training_runs AS r ON r.run = e.run AND r.model = 'pictured') AS e, unnest(ARRAY[e.epoch, e.train_loss, e.validation_loss, e.rate, e.samples_per_s, e.seconds]) WITH ORDINALITY AS u (x, k))) AS losses,
       pg_temp.same(pg_temp.figures(page, 'Gain and dispersion by epoch'), (SELECT array_agg(x ORDER BY e.epoch, k) FROM (SELECT e.* FROM lem_training_epochs AS e JOIN lem_training_runs AS r ON r.run = e.run AND r.model = 'pictured') AS e,
		unnest(ARRAY[e.epoch, (SELECT avg(g::float8) FROM jsonb_array_elements_text(e.metrics -> 'gain') AS g), (SELECT avg(g::float8) FROM jsonb_array_elements_text(e.metrics -> 'dispersion') AS g)]) WITH ORDINALITY AS u (x, k))) AS gains,
       page = lem_report('training', 'pictured') AS "the same twice"
FROM lem_report('training', 'pictured') AS page;
-- The pairs that a report on a backtest is of: each strategy by its own rules, from the starts of both
CREATE FUNCTION pg_temp.pairs(model text, yardstick text, options jsonb, windows jsonb, OUT starts bigint, OUT same boolean) LANGUAGE sql AS $$
	WITH p AS MATERIALIZED (
		SELECT p.ts, p.achieved, p.benchmark, p.bps, p.bars_used, p.completion, p.other, p.other_used, p.difference
		FROM figures_series, _lem_backtest_pairs(model, yardstick, lem_order(1000, 'sell', min_bars => 2, max_bars => 4), bars, 1, options) AS p
	), w AS MATERIALIZED (
		SELECT m.ts, m.achieved, m.benchmark, m.bps, m.bars_used, m.completion, y.bps, y.bars_used, m.bps - y.bps
		FROM figures_series, lem_backtest_orders(model, lem_order(1000, 'sell', min_bars => 2, max_bars => 4), bars, options => options) AS m
			JOIN lem_backtest_orders(yardstick, lem_order(1000, 'sell', min_bars => 2, max_bars => 4), bars, options => options || windows) AS y USING (ts)
	)
	SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM w) = (SELECT count(*) FROM p) AND NOT EXISTS (SELECT * FROM p EXCEPT SELECT * FROM w)
$$;
SELECT model, yardstick, p.starts > 1000 AS starts, p.same
FROM (VALUES ('pictured', 'crypto_1h', '{}', '{}'), ('crypto_1h', 'pictured', '{}', '{}'), ('baseline:optimal_stop', 'pictured', '{}', '{}'), ('pictured', 'baseline:vwap_curve', '{"fee_bps": 1}', '{"n_ahead": 4, "norm_window": 48}'),
	('baseline:almgren_chriss', 'baseline:optimal_stop', '{"risk_aversion": 0.5}', '{}'), ('baseline:optimal_stop', 'baseline:almgren_chriss', '{"risk_aversion": 0.5}', '{}'), ('baseline:optimal_stop', 'baseline:optimal_stop', '{"risk_aversion": 0.5}', '{}'),
	('baseline:twap', 'baseline:stop_rule', '{"impact": "sqrt"}', '{}')) AS v (model, yardstick, options, windows), pg_temp.pairs(model, yardstick, options::jsonb, windows::jsonb) AS p;
SELECT every, bool_and(abs(p.sigma / w.sigma - 1) < 1e-12) AS deviations, bool_and(p.fifth = w.fifth) AS fifths
FROM figures_series, unnest('{1,145,160,190,220,300,500}'::int[]) AS every, LATERAL _lem_backtest_pairs('baseline:twap', 'baseline:stop_rule', lem_order(1, max_bars => 4), bars, every, '{"norm_window": 20}') AS p
	JOIN LATERAL (SELECT o.ts, m.sigma, ntile(5) OVER (ORDER BY m.sigma, o.ts) AS fifth FROM lem_backtest_orders('baseline:twap', lem_order(1, max_bars => 4), bars, every, options => '{"norm_window": 20}') AS o
		JOIN (SELECT v.ts, sqrt(avg(v.move * v.move) OVER (ORDER BY v.ts ROWS BETWEEN 48 PRECEDING AND 1 PRECEDING)) AS sigma FROM (SELECT u.ts, ln(u.price / lag(u.price) OVER (ORDER BY u.ts)) AS move FROM lem_unnest(bars) AS u) AS v) AS m USING (ts)) AS w USING (ts)
GROUP BY every ORDER BY every;
SELECT (SELECT count(*) FROM _lem_backtest_pairs('pictured', 'baseline:twap', lem_order(1, max_bars => 4), bars, 7, NULL)) = (SELECT count(*) FROM lem_backtest_orders('pictured', lem_order(1, max_bars => 4), bars, 7)) AS "a baseline starts when the model does" FROM figures_series;
SELECT count(*) FROM _lem_backtest_pairs('baseline:twap', NULL, lem_order(1), '{"2026-01-01" 1 1}', 1, '{}');
SELECT count(*) FROM _lem_backtest_pairs('baseline:twap', 'baseline:pie', lem_order(1), '{"2026-01-01" 1 1}', 1, '{}');
SELECT count(*) FROM _lem_backtest_pairs('baseline:twap', 'baseline:twap', lem_order(1), NULL, 1, '{}');
CREATE ROLE "<script>alert(1)</script><x> שלום";
SELECT lem_set_owner('pictured', '<script>alert(1)</script><x> שלום');
SELECT pg_temp.same(pg_temp.figures(page, 'Models'), (SELECT array_agg(x ORDER BY m.name, m.version, k) FROM lem_models AS m LEFT JOIN lem_stat AS s ON s.model = m.name AND s.version = m.version,
		unnest(ARRAY[m.version, m.parameters, m.bytes, s.calls, s.orders]) WITH ORDINALITY AS u (x, k) WHERE x IS NOT NULL)) AS models,
       pg_temp.same(pg_temp.figures(page, 'Orders by model'), (SELECT array_agg(x ORDER BY s.orders DESC, s.model, s.version, k) FROM lem_stat AS s, unnest(ARRAY[s.version, s.calls, s.orders, s.batches, s.total_ms, s.max_ms]) WITH ORDINALITY AS u (x, k))) AS use,
       pg_temp.stays_text(page) AS "names stay text", page = lem_report('models') AS "the same twice"
FROM lem_report('models') AS page;
SELECT kind, pg_temp.stays_text(page) AS "pictures are XML", page = again AS "the same twice" FROM figures_series, unnest('{schedule,backtest}'::text[]) AS kind,
	LATERAL lem_report(kind, 'crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), bars, '{"every": 20}') AS page, LATERAL lem_report(kind, 'crypto_1h', lem_order(1000, min_bars => 3, max_bars => 12), bars, '{"every": 20}') AS again;
SELECT lem_book(ts, price - 0.02, price + 0.02, 50 + 40 * cos(i), 50 - 40 * cos(i), price, price + 0.05 + 0.04 * cos(i * 7.0), price - 0.05 - 0.04 * cos(i * 5.0), price, 1000) AS book
FROM (SELECT '2026-01-05 14:30+00'::timestamptz + i * interval '1 second' AS ts, i, round((100 + sin(i / 40.0))::numeric, 2)::float8 AS price FROM generate_series(1, 400) AS i) AS b \gset
SELECT pg_temp.same(pg_temp.figures(page, 'Where the profit comes from'), (SELECT array_agg(x ORDER BY b.fill, k) FROM lem_maker_backtest('baseline:glft', lem_quoting(2, 0.01, 1, 0.1, 200), :'book', '{"risk_aversion": 0.2}') AS b,
		unnest(ARRAY[b.pnl, b.spread_earned, b.inventory_gain, b.fees, b.closing_cost, b.epnl, b.epnl_low, b.epnl_high, b.sharpe, b.max_drawdown, b.fill_rate, b.turnover, b.map, b.markout_1_bps, b.markout_5_bps, b.markout_20_bps]) WITH ORDINALITY AS u (x, k))) AS profits,
       pg_temp.same(pg_temp.figures(page, 'Fills'), (SELECT array_agg(x ORDER BY f.side, k) FROM (SELECT side, count(*) AS n, sum(quantity) AS quantity, sum(price * quantity) AS money FROM lem_maker_fills('baseline:glft', lem_quoting(2, 0.01, 1, 0.1, 200), :'book', '{"risk_aversion": 0.2}') GROUP BY side) AS f,
		unnest(ARRAY[f.n, f.quantity, f.money, f.money / f.quantity]) WITH ORDINALITY AS u (x, k))) AS fills,
       page = lem_report('maker', 'baseline:glft', lem_quoting(2, 0.01, 1, 0.1, 200), :'book', '{"risk_aversion": 0.2}') AS "the same twice"
FROM lem_report('maker', 'baseline:glft', lem_quoting(2, 0.01, 1, 0.1, 200), :'book', '{"risk_aversion": 0.2}') AS page;

-- An order and its day: names as long as they may be, and from right to left
\set query 'SELECT n.series, u.ts, u.price, u.volume FROM figures_named AS n, figures_series, lem_unnest(bars) AS u'
CREATE TABLE figures_named AS SELECT :'hostile' || repeat('<x>', 140) AS series;
SELECT max(ts) - interval '1 day' AS starts FROM figures_series, lem_unnest(bars) \gset
SELECT lem_submit_order(series, 'crypto_1h', lem_order(1000, 'sell', start_ts => :'starts', min_bars => 3, max_bars => 12), client_id => :'hostile', basket => left(series, 400)) AS id FROM figures_named \gset
CALL lem_work(:'query', :'starts'::timestamptz + interval '1 day');
SELECT sum(lem_record_fill(:id, s.ts + interval '1 min', 100, s.quantity, fee => 1)) > 0 AS filled FROM lem_slices AS s WHERE s.order_id = :id AND s.quantity > 0;
SELECT pg_temp.same(pg_temp.figures(page, 'Against the market'), (SELECT ARRAY[r.arrival_price, r.arrival_bps, r.arrival_cost, r.vwap, r.vwap_bps, r.vwap_cost, r.twap, r.twap_bps, r.twap_cost, r.day_vwap, r.day_vwap_bps, r.day_vwap_cost, r.open, r.open_bps, r.open_cost, r.close, r.close_bps, r.close_cost, r.best, r.best_bps, r.best_cost, r.worst, r.worst_bps, r.worst_cost]
		FROM lem_orders AS o, figures_series, lem_tca_report((SELECT lem_tca(o.ord, f.ts, f.price, f.quantity) FROM _lem_report_fills(o.id, NULL) AS f), bars, until => _lem_order_until(o.state, o.last_ts, o.expires_at, o.ended_at)) AS r WHERE o.id = :id)) AS benchmarks,
       pg_temp.stays_text(page) AS "names stay text", length(page) < 200000 AS bounded, page = lem_report('order', :id, :'query') AS "the same twice"
FROM lem_report('order', :id, :'query') AS page;
SELECT pg_temp.same(pg_temp.figures(page, 'By side'), pg_temp.figures(page, 'All together')) AND pg_temp.same(pg_temp.figures(page, 'By basket'), pg_temp.figures(page, 'By model')) AS "one order is all", pg_temp.stays_text(page) AS "names stay text",
       page = lem_report('desk', (:'starts'::timestamptz AT TIME ZONE 'UTC')::date, :'query') AS "the same twice"
FROM lem_report('desk', (:'starts'::timestamptz AT TIME ZONE 'UTC')::date, :'query') AS page;
-- One that was filled in part ended with its last slice's bar, whenever that was told, and its calendar has the day; after a split
-- it is in new shares
SELECT lem_set_calendar('office', '{"sessions": {"Mon-Sun": [["00:00", "15:00"], ["15:00", "23:00"]]}}');
SELECT lem_submit_order(series, 'baseline:twap', lem_order(1000, 'sell', start_ts => :'starts', max_bars => 3), calendar => 'office') AS part FROM figures_named \gset
CALL lem_work(:'query', :'starts'::timestamptz + interval '1 day');
SELECT count(lem_record_fill(:part, s.ts + interval '1 min', 100, s.quantity / 2, s.step)) FROM lem_slices AS s WHERE s.order_id = :part;
SELECT o.state, o.ended_at > o.last_ts + interval '1 day' AS "told later", r.bars, pg_temp.same(pg_temp.figures(page, 'Against the market'), ARRAY[r.arrival_price, r.arrival_bps, r.arrival_cost, r.vwap, r.vwap_bps, r.vwap_cost, r.twap, r.twap_bps, r.twap_cost, r.day_vwap, r.day_vwap_bps, r.day_vwap_cost, r.open, r.open_bps, r.open_cost, r.close, r.close_bps, r.close_cost, r.best, r.best_bps, r.best_cost, r.worst, r.worst_bps, r.worst_cost]) AS benchmarks,
       pg_temp.same(pg_temp.figures(page, 'Implementation shortfall'), ARRAY[r.delay_bps, r.delay_cost, r.trading_bps, r.trading_cost, r.opportunity_bps, r.opportunity_cost, r.fees_bps, r.fees, r.total_bps, r.total_cost]) AS shortfall
FROM lem_orders AS o, figures_series, lem_order_tca(o.id, bars) AS r, lem_report('order', o.id, :'query') AS page WHERE o.id = :part;
-- A fill from before an order's start says when it was decided on
SELECT lem_record_fill(:part, :'starts'::timestamptz - interval '90 min', 101, 10) > 0 AS early;
SELECT r.first_fill = r.start_ts AS early, pg_temp.same(pg_temp.figures(page, 'Against the market'), ARRAY[r.arrival_price, r.arrival_bps, r.arrival_cost, r.vwap, r.vwap_bps, r.vwap_cost, r.twap, r.twap_bps, r.twap_cost, r.day_vwap, r.day_vwap_bps, r.day_vwap_cost, r.open, r.open_bps, r.open_cost, r.close, r.close_bps, r.close_cost, r.best, r.best_bps, r.best_cost, r.worst, r.worst_bps, r.worst_cost]) AS benchmarks,
       pg_temp.same(pg_temp.figures(page, 'Implementation shortfall'), ARRAY[r.delay_bps, r.delay_cost, r.trading_bps, r.trading_cost, r.opportunity_bps, r.opportunity_cost, r.fees_bps, r.fees, r.total_bps, r.total_cost]) AS shortfall
FROM lem_orders AS o, figures_series, lem_order_tca(o.id, bars) AS r, lem_report('order', o.id, :'query') AS page WHERE o.id = :part;
SELECT lem_submit_order(series, 'baseline:twap', lem_order(1000, 'sell', start_ts => :'starts', max_bars => 4)) AS split FROM figures_named \gset
CALL lem_work(:'query', :'starts');
SELECT lem_adjust_order(:split, 2);
SELECT pg_temp.figures(lem_report('order', :split, :'query'), 'Slices') AS "slice, quantity";

DELETE FROM lem_parent_order;
DELETE FROM lem_training_run WHERE model = 'pictured';
SELECT lem_drop_calendar('office');
DROP TABLE figures_named;
DROP TABLE figures_pairs, figures_series;
SELECT lem_drop(name) > 0 AS dropped FROM unnest('{crypto_1h,dow_1d,pictured}'::text[]) AS name;
SELECT lem_reassign_owned('<script>alert(1)</script><x> שלום', current_user);
DROP ROLE "<script>alert(1)</script><x> שלום";
DROP FUNCTION simulate_bars, simulate_normal;

-- What the report's pages take from the figures: tables as rows of Markdown, and facts.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;

-- Numbers as they are read.
CREATE FUNCTION number(x float8, digits int DEFAULT 1) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(replace(round(x::numeric, digits)::text, '-', '−'), '–')
$$;
CREATE FUNCTION spread(mean float8, deviation float8) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT number(mean) || ' [' || number(deviation, CASE WHEN deviation < 20 THEN 1 ELSE 0 END) || ']'
$$;
CREATE FUNCTION range(low float8, high float8) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN low IS NULL THEN '–' ELSE number(low) || ' to ' || number(high) END
$$;
CREATE FUNCTION line(VARIADIC cells text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT '| ' || string_agg(coalesce(cell, '–'), ' | ' ORDER BY place) || ' |' FROM unnest(cells) WITH ORDINALITY AS c (cell, place)
$$;
CREATE FUNCTION minimum_text(minimum int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE minimum WHEN 0 THEN 'all, tracking' ELSE minimum::text END
$$;
CREATE FUNCTION places(minimum int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE minimum WHEN 0 THEN 99 ELSE minimum END $$;
-- A number with its interval.
CREATE FUNCTION within(x float8, low float8, high float8, digits int DEFAULT 1) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT number(x, digits) || CASE WHEN low IS NULL THEN '' ELSE format(' (%s to %s)', number(low, digits), number(high, digits)) END
$$;
CREATE FUNCTION bars_title(part text, title text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT title || CASE part WHEN 'd_left' THEN ', symbols left out' ELSE '' END
$$;

-- The model beside the optimum, the stopping rule and TWAP.
CREATE VIEW pairs AS
SELECT m.*, o.mean AS optimum_mean, o.deviation AS optimum_deviation, o.ratio AS optimum_ratio, o.low AS optimum_low, o.high AS optimum_high,
	o.used AS optimum_used, o.largest AS optimum_largest, r.mean AS rule_mean, r.deviation AS rule_deviation, r.ratio AS rule_ratio,
	r.low AS rule_low, r.high AS rule_high, r.used AS rule_used, r.largest AS rule_largest, t.mean AS twap_mean, t.deviation AS twap_deviation
FROM figures AS m JOIN figures AS o USING (part, phase, side, benchmark, minimum) JOIN figures AS r USING (part, phase, side, benchmark, minimum)
LEFT JOIN figures AS t ON (t.part, t.phase, t.side, t.benchmark, t.minimum, t.strategy) = (m.part, m.phase, m.side, m.benchmark, m.minimum, 3)
WHERE m.strategy = 1 AND o.strategy = 2 AND r.strategy = 6;

-- What was aimed at before any of this was run: hourly bars of coins, buys and sells together.  A model
-- that hardly moves the optimum is not lower because its last digits are.
CREATE VIEW aims AS
SELECT *, difference > -0.005 AS mean_met, CASE benchmark WHEN 'vwap' THEN spread <= 0.9 ELSE quality > -0.0005 END AS other_met
FROM pairs WHERE part = '1' AND phase = 'all' AND side = 'both' AND minimum IN (1, 3, 6, 9);

-- "met", or whether chance alone could have missed it: the interval reaches the aim.
CREATE FUNCTION met(is_met boolean, could_be boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN is_met THEN 'met' WHEN could_be THEN 'missed, which may be chance' ELSE 'missed' END
$$;
CREATE FUNCTION aims() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| benchmark | at least | orders | mean: model, optimum | model − optimum (95 %) | std: model, optimum | std: model / optimum (95 %) | mean / std: model, optimum | more than the optimum''s (95 %) | mean not lower | std at least 10 % lower | mean / std not lower |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|---|---|---|')) AS h
	UNION ALL
	(SELECT line(upper(benchmark), minimum::text, n::text, number(mean) || ', ' || number(optimum_mean), within(difference, difference_low, difference_high),
		number(deviation) || ', ' || number(optimum_deviation), within(spread, spread_low, spread_high, 2), number(ratio, 2) || ', ' || number(optimum_ratio, 2),
		within(quality, quality_low, quality_high, 2), met(mean_met, difference_high >= 0),
		CASE benchmark WHEN 'vwap' THEN met(other_met, spread_low <= 0.9) END, CASE benchmark WHEN 'twap' THEN met(other_met, quality_high >= 0) END)
	FROM aims ORDER BY benchmark DESC, minimum)
$$;

-- One set: buys and sells together.
CREATE FUNCTION summary(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| benchmark | at least | orders | model: mean [std] | ratio | optimum: mean [std] | ratio | model − optimum (95 %) | std: model / optimum (95 %) | stopping rule: mean [std] | model − rule (95 %) | bars: model, optimum, rule |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(upper(benchmark), minimum_text(minimum), n::text, spread(mean, deviation), number(ratio, 2), spread(optimum_mean, optimum_deviation), number(optimum_ratio, 2),
		within(difference, difference_low, difference_high), within(spread, spread_low, spread_high, 2), spread(rule_mean, rule_deviation),
		within(by_rule, by_rule_low, by_rule_high), format('%s, %s, %s', number(used), number(optimum_used), number(rule_used)))
	FROM pairs WHERE part = wanted AND phase = 'all' AND side = 'both' ORDER BY benchmark DESC, places(minimum))
$$;

-- One set: every side and strategy.
CREATE FUNCTION detail(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| side | benchmark | at least | | orders | mean [std] | ratio | 95 % | bars | largest slice | more than the optimum (95 %) | std by the optimum''s (95 %) | more than the rule (95 %) |'),
		('|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(side, upper(benchmark), minimum_text(minimum), name, n::text, spread(mean, deviation), number(ratio, 2), range(low, high),
		number(used), number(100 * largest, 0) || ' %', CASE WHEN strategy <> 2 THEN within(difference, difference_low, difference_high) END,
		CASE WHEN strategy <> 2 THEN within(spread, spread_low, spread_high, 2) END, CASE WHEN strategy <> 6 THEN within(by_rule, by_rule_low, by_rule_high) END)
	FROM figures JOIN strategies USING (strategy) WHERE part = wanted AND phase = 'all'
	ORDER BY side, benchmark DESC, places(minimum), strategy)
$$;

-- Each minimum duration: what the model gains more than the optimum or the rule, and its dispersion against theirs.
CREATE FUNCTION branches(by text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| at least | buy, VWAP | sell, VWAP | buy, TWAP | sell, TWAP |'), ('|---|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(minimum_text(minimum), max(cell) FILTER (WHERE side = 'buy' AND benchmark = 'vwap'), max(cell) FILTER (WHERE side = 'sell' AND benchmark = 'vwap'),
		max(cell) FILTER (WHERE side = 'buy' AND benchmark = 'twap'), max(cell) FILTER (WHERE side = 'sell' AND benchmark = 'twap'))
	FROM (SELECT minimum, side, benchmark, CASE by WHEN 'rule' THEN within(by_rule, by_rule_low, by_rule_high) || '; ' || number(deviation / nullif(rule_deviation, 0), 2)
			ELSE within(difference, difference_low, difference_high) || '; ' || number(spread, 2) END AS cell
		FROM pairs WHERE part = '1' AND phase = 'all' AND side <> 'both') AS c
	GROUP BY minimum ORDER BY places(minimum))
$$;

-- Orders of other lengths.
CREATE FUNCTION horizons() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | benchmark | at least | orders | model: mean [std] | ratio | optimum: mean [std] | ratio | model − optimum (95 %) | std: model / optimum (95 %) | model − rule (95 %) |'),
		('|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(horizon::text, upper(benchmark), minimum_text(minimum), n::text, spread(mean, deviation), number(ratio, 2), spread(optimum_mean, optimum_deviation), number(optimum_ratio, 2),
		within(difference, difference_low, difference_high), within(spread, spread_low, spread_high, 2), within(by_rule, by_rule_low, by_rule_high))
	FROM pairs JOIN parts USING (part) WHERE (part LIKE 'horizon%' OR (part = '1' AND minimum IN (0, 1, 3, 6, 9))) AND phase = 'all' AND side = 'both'
	ORDER BY benchmark DESC, horizon, places(minimum))
$$;

-- What the risk aversion of an order does.
CREATE VIEW risks AS
SELECT p.*, risk FROM pairs AS p JOIN parts USING (part)
WHERE (part LIKE 'risk%' OR part = '1') AND phase = 'all' AND side = 'both' AND minimum IN (1, 6);
CREATE FUNCTION frontier() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| benchmark | at least | risk aversion | model: mean [std] | ratio | optimum: mean [std] | ratio | model − optimum (95 %) | std: model / optimum (95 %) |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(upper(benchmark), minimum::text, risk::text, spread(mean, deviation), number(ratio, 2), spread(optimum_mean, optimum_deviation), number(optimum_ratio, 2),
		within(difference, difference_low, difference_high), within(spread, spread_low, spread_high, 2))
	FROM risks ORDER BY benchmark DESC, minimum, risk)
$$;

-- Orders that track: dispersion against TWAP's.
CREATE FUNCTION tracking() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | horizon | benchmark | orders | model: mean [std] | TWAP: mean [std] | volume curve: mean [std] | std: model / TWAP (95 %) | std: curve / TWAP (95 %) | std: model / curve |'),
		('|---|--:|---|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(bars_title(part, title), horizon::text, upper(m.benchmark), m.n::text, spread(m.mean, m.deviation), spread(t.mean, t.deviation), spread(v.mean, v.deviation),
		within(m.track, m.track_low, m.track_high, 2), within(v.track, v.track_low, v.track_high, 2), number(m.deviation / nullif(v.deviation, 0), 2))
	FROM parts JOIN sets USING (set) JOIN figures AS m USING (part) JOIN figures AS t USING (part, phase, side, benchmark, minimum)
	JOIN figures AS v USING (part, phase, side, benchmark, minimum)
	WHERE (part IN ('15', '1', '2', '4', 'd', 'd_left') OR part LIKE 'horizon%') AND phase = 'all' AND side = 'both' AND minimum = 0
		AND m.strategy = 1 AND t.strategy = 3 AND v.strategy = 4
	ORDER BY m.benchmark DESC, extract(epoch FROM bar), horizon, part)
$$;

-- The same bars with their moves mirrored at random.
CREATE FUNCTION mirrored() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | at least | model | mirrored | optimum | mirrored | stopping rule | mirrored | model − optimum (95 %) | mirrored (95 %) | model, in σ | mirrored | optimum, in σ | mirrored |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title, minimum_text(minimum), number(a.mean), number(b.mean), number(a.optimum_mean), number(b.optimum_mean), number(a.rule_mean), number(b.rule_mean),
		within(a.difference, a.difference_low, a.difference_high), within(b.difference, b.difference_low, b.difference_high),
		number(a.mean / (1e4 * a.sigma), 2), number(b.mean / (1e4 * b.sigma), 2), number(a.optimum_mean / (1e4 * a.sigma), 2), number(b.optimum_mean / (1e4 * b.sigma), 2))
	FROM pairs AS a JOIN pairs AS b USING (phase, side, benchmark, minimum) JOIN sets ON set = a.part
	WHERE b.part = a.part || 'm' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum > 0
	ORDER BY extract(epoch FROM bar), minimum)
$$;

CREATE FUNCTION storms() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | at least | calm: orders | model: mean [std] | model − optimum (95 %) | std: model / optimum (95 %) | stormy: orders | model: mean [std] | model − optimum (95 %) | std: model / optimum (95 %) |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title, minimum_text(minimum), c.n::text, spread(c.mean, c.deviation), within(c.difference, c.difference_low, c.difference_high), within(c.spread, c.spread_low, c.spread_high, 2),
		s.n::text, spread(s.mean, s.deviation), within(s.difference, s.difference_low, s.difference_high), within(s.spread, s.spread_low, s.spread_high, 2))
	FROM pairs AS c JOIN pairs AS s USING (part, side, benchmark, minimum) JOIN sets ON set = part
	WHERE c.phase = 'calm' AND s.phase = 'storm' AND side = 'both' AND benchmark = 'vwap' AND minimum IN (0, 1, 3, 6, 9, 12)
	ORDER BY extract(epoch FROM bar), places(minimum))
$$;

CREATE FUNCTION look_ahead() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | benchmark | at least | causal: mean [std] | ratio | paper: mean [std] | ratio | look-ahead adds |'), ('|---|---|---|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title, upper(benchmark), minimum_text(minimum), spread(c.mean, c.deviation), number(c.ratio, 2), spread(p.mean, p.deviation), number(p.ratio, 2), number(p.mean - c.mean))
	FROM figures AS p JOIN parts ON parts.part = p.part JOIN sets USING (set)
	CROSS JOIN LATERAL (SELECT sum(n * mean) / sum(n) AS mean, sqrt(sum(n * (deviation ^ 2 + mean ^ 2)) / sum(n) - (sum(n * mean) / sum(n)) ^ 2) AS deviation,
			sum(n * mean) / sum(n) / nullif(sqrt(greatest(sum(n * (deviation ^ 2 + mean ^ 2)) / sum(n) - (sum(n * mean) / sum(n)) ^ 2, 0)), 0) AS ratio
		FROM figures AS c WHERE c.part IN (set, set || '_left') AND (c.phase, c.side, c.benchmark, c.minimum, c.strategy) = (p.phase, p.side, p.benchmark, p.minimum, 1)) AS c
	WHERE alignment = 'paper' AND phase = 'all' AND side = 'both' AND strategy = 1
	ORDER BY extract(epoch FROM bar), benchmark DESC, places(minimum))
$$;

-- Models of the ablation.
CREATE FUNCTION kind_text(kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE kind WHEN 'base' THEN 'as bundled (seed 1)' WHEN 'closes_only' THEN 'from bars with closes alone' WHEN 'version_1' THEN 'the model of 1.0' WHEN 'impact' THEN 'reckons with impact' WHEN 'mean' THEN 'objective "mean"' WHEN 'softplus' THEN 'objective "softplus"'
		WHEN 'curve' THEN 'without the optimum (base "curve")' WHEN 'lstm' THEN 'LSTM for TKAN' WHEN 'gru' THEN 'GRU for TKAN'
		WHEN 'none' THEN 'no recurrent layer' WHEN 'no_selection' THEN 'no variable selection' WHEN 'no_attention' THEN 'no attention' ELSE replace(kind, '_', ' ') END
$$;
CREATE FUNCTION ablation(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| model | numbers | at least 1 | 3 | 6 | 9 | tracking: std |'), ('|---|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(name, max(parameters)::text, max(spread(mean, deviation)) FILTER (WHERE minimum = 1), max(spread(mean, deviation)) FILTER (WHERE minimum = 3),
		max(spread(mean, deviation)) FILTER (WHERE minimum = 6), max(spread(mean, deviation)) FILTER (WHERE minimum = 9), max(number(deviation)) FILTER (WHERE minimum = 0))
	FROM (SELECT number, kind_text(kind) AS name, part, 1 AS strategy, parameters FROM kinds JOIN lem_models ON name = model AND deployed
		UNION ALL SELECT 1000, '`optimal_stop`', part, 2, 0 FROM kinds WHERE kind = 'base'
		UNION ALL SELECT 1001, '`optimal_stop` without closes', 'no_close', 2, 0
		UNION ALL SELECT 1002, '`stop_rule`', part, 6, 0 FROM kinds WHERE kind = 'base') AS k
	JOIN figures USING (part, strategy) WHERE phase = 'all' AND side = 'both' AND benchmark = wanted GROUP BY number, name ORDER BY number)
$$;
-- What each change comes to against the first model.
CREATE FUNCTION worth() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| model | benchmark | at least 1 | 3 | 6 | 9 |'), ('|---|---|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(kind_text(kind), upper(benchmark), max(cell) FILTER (WHERE minimum = 1), max(cell) FILTER (WHERE minimum = 3), max(cell) FILTER (WHERE minimum = 6), max(cell) FILTER (WHERE minimum = 9))
	FROM (SELECT number, kind, benchmark, minimum, within(by_base, by_base_low, by_base_high) || '; ' || within(base_spread, base_spread_low, base_spread_high, 2) AS cell
		FROM kinds JOIN figures USING (part) WHERE kind <> 'base' AND phase = 'all' AND side = 'both' AND strategy = 1) AS c
	GROUP BY number, kind, benchmark ORDER BY number, benchmark DESC)
$$;

-- Models that differ in their seed alone: the mean over them, and its 95 % interval by Student's t.
CREATE VIEW seeds AS
SELECT benchmark, minimum, count(*) AS n, string_agg(number(difference), ', ' ORDER BY number) AS differences, avg(difference) AS difference, stddev(difference) AS difference_between,
	string_agg(number(spread, 2), ', ' ORDER BY number) AS spreads, avg(spread) AS spread, stddev(spread) AS spread_between,
	(ARRAY[NULL, 12.706, 4.303, 3.182, 2.776, 2.571])[count(*)] / sqrt(count(*)) AS student
FROM kinds JOIN figures USING (part) WHERE (kind = 'base' OR kind LIKE 'seed%') AND phase = 'all' AND side = 'both' AND strategy = 1 AND minimum IN (0, 1, 3, 6, 9)
GROUP BY benchmark, minimum;
CREATE FUNCTION seeds() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| benchmark | at least | model − optimum, by seed | mean of seeds (95 %) | std: model / optimum, by seed | mean of seeds (95 %) |'), ('|---|---|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(upper(benchmark), minimum_text(minimum), differences, within(difference, difference - student * difference_between, difference + student * difference_between),
		spreads, within(spread, spread - student * spread_between, spread + student * spread_between, 2))
	FROM seeds ORDER BY benchmark DESC, places(minimum))
$$;

-- With closes and without: the optimum, and the model.
CREATE FUNCTION closes() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| benchmark | at least | optimum with closes: mean [std] | without | closes add (95 %) | std: without / with (95 %) | model with closes: mean [std] | without | closes add (95 %) | std: without / with (95 %) |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(upper(benchmark), minimum_text(minimum),
		spread(max(o.mean), max(o.deviation)), max(spread(n.mean, n.deviation)) FILTER (WHERE n.strategy = 2),
		max(within(-n.by_base, -n.by_base_high, -n.by_base_low)) FILTER (WHERE n.strategy = 2), max(within(n.base_spread, n.base_spread_low, n.base_spread_high, 2)) FILTER (WHERE n.strategy = 2),
		max(spread(b.mean, b.deviation)), max(spread(n.mean, n.deviation)) FILTER (WHERE n.strategy = 1),
		max(within(-n.by_base, -n.by_base_high, -n.by_base_low)) FILTER (WHERE n.strategy = 1),
		max(within(n.base_spread, n.base_spread_low, n.base_spread_high, 2)) FILTER (WHERE n.strategy = 1))
	FROM (SELECT f.*, against FROM figures AS f JOIN parts USING (part) WHERE part = 'no_close') AS n
	JOIN figures AS o USING (phase, side, benchmark, minimum) JOIN figures AS b USING (phase, side, benchmark, minimum)
	WHERE o.part = against AND o.strategy = 2 AND b.part = against AND b.strategy = 1 AND n.strategy <= 2 AND phase = 'all' AND side = 'both'
	GROUP BY benchmark, minimum ORDER BY benchmark DESC, places(minimum))
$$;

CREATE FUNCTION impact(of text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| order, share of a day''s volume | benchmark | at least | model: mean [std] | optimum: mean [std] | stopping rule: mean [std] | TWAP: mean [std] | model − optimum (95 %) | std: model / optimum (95 %) | model − TWAP | largest slice: model, optimum, rule |'), ('|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	WHERE EXISTS (SELECT FROM parts WHERE part LIKE of || '%')
	UNION ALL
	(SELECT line(number(100 * size) || ' %', upper(benchmark), minimum_text(minimum), spread(mean, deviation), spread(optimum_mean, optimum_deviation), spread(rule_mean, rule_deviation), spread(twap_mean, twap_deviation),
		within(difference, difference_low, difference_high), within(spread, spread_low, spread_high, 2), number(mean - twap_mean),
		format('%s, %s, %s %%', number(100 * largest, 0), number(100 * optimum_largest, 0), number(100 * rule_largest, 0)))
	FROM parts JOIN pairs USING (part) WHERE part LIKE of || '%' AND phase = 'all' AND side = 'both' ORDER BY benchmark DESC, minimum, size)
$$;

CREATE FUNCTION data() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | symbols | model | starts from | to | every | starts | σ of a bar, bps | correlation of a move with the one before: VWAPs | closes |'),
		('|---|--:|---|---|---|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title, count(DISTINCT b.symbol)::text, CASE file WHEN 'dow_1d' THEN '`dow_1d`' ELSE '`crypto_1h`' END, held_out::date::text, max(b.ts)::date::text, step::text,
		(SELECT count(*) FROM gains AS g WHERE g.part IN (s.set, s.set || '_left') AND side = 'buy' AND benchmark = 'vwap' AND minimum = 1)::text,
		number(1e4 * avg(sigma), 0), number(corr(move, before), 2), number(corr(close_move, close_before), 2))
	FROM sets AS s JOIN files USING (file) JOIN (SELECT *, lag(move) OVER w AS before, lag(close_move) OVER w AS close_before
		FROM (SELECT *, ln(price / lag(price) OVER w) AS move, ln(close / lag(close) OVER w) AS close_move
			FROM bars WINDOW w AS (PARTITION BY set, symbol ORDER BY ts)) AS b
		WINDOW w AS (PARTITION BY set, symbol ORDER BY ts)) AS b USING (set)
	WHERE b.ts >= held_out GROUP BY s.set, title, file, held_out, step, bar ORDER BY extract(epoch FROM bar), s.set)
$$;
CREATE FUNCTION made() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('- %s: %s s', step, number(seconds, 0)) FROM (SELECT * FROM made ORDER BY number) AS m
$$;
CREATE FUNCTION models() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| model | version | horizon up to | base | reckons with impact | numbers | SHA-256 begins | validation loss |'), ('|---|--:|--:|---|---|--:|---|--:|')) AS h
	UNION ALL (SELECT line('`' || name || '`', m.version::text, (m.config ->> 'n_ahead') || ' bars', '`' || coalesce(m.config ->> 'base', 'curve') || '`',
			CASE WHEN coalesce(m.config ->> 'impact', 'none') = 'none' THEN 'no' ELSE 'yes' END, m.parameters::text, left(encode(m.digest, 'hex'), 16),
			number((m.metrics ->> 'validation_loss')::float8, 4))
		FROM lem_model AS m WHERE name IN ('crypto_1h', 'dow_1d') AND deployed ORDER BY name)
$$;
CREATE FUNCTION stand_in() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT '**The models judged on this page are small stand-ins, not the bundled ones.** Its figures say nothing about those.' FROM settings WHERE name = 'stand_in' AND value <> ''
$$;

-- Facts for the text.
CREATE TABLE facts (name text PRIMARY KEY, value text);
INSERT INTO facts
SELECT file || '_held_out', held_out::date::text FROM files
UNION ALL SELECT file || '_first', first_ts::date::text FROM files
UNION ALL SELECT file || '_last', last_ts::date::text FROM files
UNION ALL SELECT name, value FROM settings WHERE name IN ('samples', 'epochs', 'workers')
UNION ALL SELECT 'models', CASE WHEN value = '' THEN 'trained while this page was made' ELSE 'trained beforehand' END FROM settings WHERE name = 'models'
UNION ALL SELECT 'today', now()::date::text
UNION ALL SELECT 'processor', :'processor'
UNION ALL SELECT 'version', lem_version();

-- Lines of a page: @function(...) stands for the lines it returns, {name} for a fact.
CREATE UNLOGGED TABLE template (number int GENERATED ALWAYS AS IDENTITY, line text);
CREATE FUNCTION rendered(line text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	fact text;
	found text;
BEGIN
	IF line LIKE '@%' THEN
		RETURN QUERY EXECUTE 'SELECT * FROM ' || substr(line, 2);
		RETURN;
	END IF;
	FOR fact IN SELECT m[1] FROM regexp_matches(line, '\{([a-z0-9_]+)\}', 'g') AS m LOOP
		SELECT value INTO STRICT found FROM facts WHERE name = fact;
		line := replace(line, '{' || fact || '}', found);
	END LOOP;
	RETURN NEXT line;
END
$$;

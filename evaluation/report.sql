-- What the report's pages take from the figures: tables as rows of Markdown, sentences, and facts.
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
-- "1 of 2", and what is true of them.
CREATE FUNCTION share(count bigint, total bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT count || ' of ' || total $$;

CREATE VIEW pairs AS
SELECT m.*, r.mean AS rule_mean, r.deviation AS rule_deviation, r.ratio AS rule_ratio, r.low AS rule_low, r.high AS rule_high,
	r.used AS rule_used, r.largest AS rule_largest
FROM figures AS m JOIN figures AS r USING (part, phase, side, benchmark, minimum) WHERE m.strategy = 1 AND r.strategy = 2;

-- One set: buys and sells together.
CREATE FUNCTION summary(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| benchmark | at least | orders | model: mean [std] | ratio | 95 % | stopping rule: mean [std] | ratio | model − rule | 95 % | bars: model, rule |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(upper(benchmark), minimum_text(minimum), n::text, spread(mean, deviation), number(ratio, 2), range(low, high),
		spread(rule_mean, rule_deviation), number(rule_ratio, 2), number(difference), range(difference_low, difference_high),
		number(used) || ', ' || number(rule_used))
	FROM pairs WHERE part = wanted AND phase = 'all' AND side = 'both' ORDER BY benchmark DESC, places(minimum))
$$;

-- One set: every side and strategy.
CREATE FUNCTION detail(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| side | benchmark | at least | | orders | mean [std] | ratio | 95 % | bars | largest slice | model more by | 95 % | than the rule by | 95 % |'),
		('|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(f.side, upper(f.benchmark), minimum_text(f.minimum), name, f.n::text, spread(f.mean, f.deviation), number(f.ratio, 2), range(f.low, f.high),
		number(f.used), number(100 * f.largest, 0) || ' %', CASE WHEN f.strategy > 1 THEN number(m.mean - f.mean) END, CASE f.strategy WHEN 2 THEN range(m.difference_low, m.difference_high) END,
		CASE WHEN f.strategy <> 2 THEN number(f.difference) END, CASE WHEN f.strategy <> 2 THEN range(f.difference_low, f.difference_high) END)
	FROM figures AS f JOIN strategies USING (strategy)
	JOIN figures AS m USING (part, phase, side, benchmark, minimum)
	WHERE part = wanted AND phase = 'all' AND side <> 'both' AND m.strategy = 1
	ORDER BY f.side, f.benchmark DESC, places(f.minimum), f.strategy)
$$;

-- What the rows of a set say together; buys and sells apart, orders that may finish early.
CREATE FUNCTION verdict(wanted text, from_minimum int DEFAULT 1, to_minimum int DEFAULT 12) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('Of %s rows (both sides, both benchmarks, at least %s to %s bars), the model''s mean is above the stopping rule''s in %s; the 95 %% interval of '
		'the difference lies above 0 in %s and below 0 in %s. The model''s standard deviation is at most the rule''s in %s; mean above and standard deviation at most '
		'the rule''s: %s. The model''s mean is above TWAP''s in %s.',
		count(*), min(p.minimum), max(p.minimum), count(*) FILTER (WHERE p.difference > 0), count(*) FILTER (WHERE p.difference_low > 0), count(*) FILTER (WHERE p.difference_high < 0),
		count(*) FILTER (WHERE p.deviation <= p.rule_deviation), count(*) FILTER (WHERE p.difference > 0 AND p.deviation <= p.rule_deviation), count(*) FILTER (WHERE p.mean > t.mean))
	FROM pairs AS p JOIN figures AS t USING (part, phase, side, benchmark, minimum)
	WHERE part = wanted AND phase = 'all' AND side <> 'both' AND minimum BETWEEN from_minimum AND to_minimum AND t.strategy = 3
$$;

-- Each minimum duration: what the model gains more than the rule, and its dispersion against the rule's.
CREATE FUNCTION branches() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| at least | buy, VWAP | sell, VWAP | buy, TWAP | sell, TWAP |'), ('|---|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(minimum_text(minimum), max(cell) FILTER (WHERE side = 'buy' AND benchmark = 'vwap'), max(cell) FILTER (WHERE side = 'sell' AND benchmark = 'vwap'),
		max(cell) FILTER (WHERE side = 'buy' AND benchmark = 'twap'), max(cell) FILTER (WHERE side = 'sell' AND benchmark = 'twap'))
	FROM (SELECT minimum, side, benchmark, format('%s (%s); %s', number(difference), range(difference_low, difference_high), number(deviation / nullif(rule_deviation, 0), 2)) AS cell
		FROM pairs WHERE part = '1' AND phase = 'all' AND side <> 'both') AS c
	GROUP BY minimum ORDER BY places(minimum))
$$;
CREATE FUNCTION branches_twap() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| at least | buy, VWAP | sell, VWAP | buy, TWAP | sell, TWAP |'), ('|---|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(minimum_text(minimum), max(cell) FILTER (WHERE side = 'buy' AND benchmark = 'vwap'), max(cell) FILTER (WHERE side = 'sell' AND benchmark = 'vwap'),
		max(cell) FILTER (WHERE side = 'buy' AND benchmark = 'twap'), max(cell) FILTER (WHERE side = 'sell' AND benchmark = 'twap'))
	FROM (SELECT f.minimum, f.side, f.benchmark, format('%s, %s; %s', spread(f.mean, f.deviation), number(f.ratio, 2), spread(t.mean, t.deviation)) AS cell
		FROM figures AS f JOIN figures AS t USING (part, phase, side, benchmark, minimum)
		WHERE part = '1' AND phase = 'all' AND side <> 'both' AND f.strategy = 1 AND t.strategy = 3) AS c
	GROUP BY minimum ORDER BY places(minimum))
$$;

-- Orders that track: dispersion against TWAP's.
CREATE FUNCTION tracking() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | benchmark | model: mean [std] | TWAP: mean [std] | volume curve: mean [std] | std: model / TWAP | std: curve / TWAP |'),
		('|---|---|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title || CASE part WHEN 'd_left' THEN ', symbols left out' ELSE '' END, upper(m.benchmark), spread(m.mean, m.deviation), spread(t.mean, t.deviation), spread(v.mean, v.deviation),
		number(m.deviation / nullif(t.deviation, 0), 2), number(v.deviation / nullif(t.deviation, 0), 2))
	FROM parts JOIN sets USING (set) JOIN figures AS m USING (part) JOIN figures AS t USING (part, phase, side, benchmark, minimum)
	JOIN figures AS v USING (part, phase, side, benchmark, minimum)
	WHERE part IN ('15', '1', '2', '4', 'd', 'd_left') AND phase = 'all' AND side = 'both' AND minimum = 0 AND m.strategy = 1 AND t.strategy = 3 AND v.strategy = 4
	ORDER BY extract(epoch FROM bar), part, m.benchmark DESC)
$$;

-- The same bars with their moves mirrored at random.
CREATE FUNCTION mirrored() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | at least | model | on mirrored bars | stopping rule | on mirrored bars | model − rule (95 %) | on mirrored bars (95 %) | model, in σ | on mirrored bars, in σ |'),
		('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title, minimum_text(minimum), number(a.mean), number(b.mean), number(a.rule_mean), number(b.rule_mean),
		format('%s (%s)', number(a.difference), range(a.difference_low, a.difference_high)), format('%s (%s)', number(b.difference), range(b.difference_low, b.difference_high)),
		number(a.mean / (1e4 * a.sigma), 2), number(b.mean / (1e4 * b.sigma), 2))
	FROM pairs AS a JOIN pairs AS b USING (phase, side, benchmark, minimum) JOIN sets ON set = a.part
	WHERE b.part = a.part || 'm' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum > 0
	ORDER BY extract(epoch FROM bar), minimum)
$$;

CREATE FUNCTION storms() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| bars | at least | calm: orders | model: mean [std] | model − rule (95 %) | stormy: orders | model: mean [std] | model − rule (95 %) |'),
		('|---|---|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(title, minimum_text(minimum), c.n::text, spread(c.mean, c.deviation), format('%s (%s)', number(c.difference), range(c.difference_low, c.difference_high)),
		s.n::text, spread(s.mean, s.deviation), format('%s (%s)', number(s.difference), range(s.difference_low, s.difference_high)))
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

CREATE FUNCTION kind_text(model text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE model WHEN 'evaluation_tkan' THEN 'full model (TKAN)' WHEN 'evaluation_lstm' THEN 'LSTM for TKAN' WHEN 'evaluation_gru' THEN 'GRU for TKAN'
		WHEN 'evaluation_none' THEN 'no recurrent layer' WHEN 'evaluation_no_selection' THEN 'no variable selection' WHEN 'evaluation_no_attention' THEN 'no attention' ELSE model END
$$;
CREATE FUNCTION ablation() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| model | numbers | validation loss | at least 1 | 3 | 6 | 9 | 12 | more than the rule at 6 (95 %) | tracking: std |'), ('|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(kind_text(model), max(parameters)::text, number(max((metrics ->> 'validation_loss')::float8), 4),
		max(spread(mean, deviation)) FILTER (WHERE minimum = 1), max(spread(mean, deviation)) FILTER (WHERE minimum = 3), max(spread(mean, deviation)) FILTER (WHERE minimum = 6),
		max(spread(mean, deviation)) FILTER (WHERE minimum = 9), max(spread(mean, deviation)) FILTER (WHERE minimum = 12),
		max(format('%s (%s)', number(difference), range(difference_low, difference_high))) FILTER (WHERE minimum = 6), max(number(deviation)) FILTER (WHERE minimum = 0))
	FROM parts JOIN figures USING (part) JOIN lem_models ON name = model
	WHERE part LIKE 'ablation%' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND strategy = 1 GROUP BY model ORDER BY model <> 'evaluation_tkan', model)
	UNION ALL
	(SELECT line('stopping rule', '0', NULL, max(spread(mean, deviation)) FILTER (WHERE minimum = 1), max(spread(mean, deviation)) FILTER (WHERE minimum = 3), max(spread(mean, deviation)) FILTER (WHERE minimum = 6),
		max(spread(mean, deviation)) FILTER (WHERE minimum = 9), max(spread(mean, deviation)) FILTER (WHERE minimum = 12), NULL, max(number(deviation)) FILTER (WHERE minimum = 0))
	FROM figures WHERE part = 'ablation_tkan' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND strategy = 2)
$$;

CREATE FUNCTION left_out() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| symbols | at least | orders | model: mean [std] | ratio | 95 % | stopping rule: mean [std] | model − rule | 95 % |'), ('|---|---|--:|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(CASE part WHEN 'left' THEN 'left out' ELSE 'trained on' END, minimum_text(minimum), n::text, spread(mean, deviation), number(ratio, 2), range(low, high), spread(rule_mean, rule_deviation),
		number(difference), range(difference_low, difference_high))
	FROM pairs WHERE part IN ('left', 'ablation_tkan') AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' ORDER BY part DESC, places(minimum))
$$;

CREATE FUNCTION impact() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| order, share of a day''s volume | at least | model: mean [std] | stopping rule: mean [std] | TWAP: mean [std] | model − rule (95 %) | model − TWAP | largest slice: model, rule |'), ('|--:|---|--:|--:|--:|--:|--:|--:|')) AS h
	UNION ALL
	(SELECT line(number(100 * size) || ' %', minimum_text(minimum), spread(p.mean, p.deviation), spread(rule_mean, rule_deviation), spread(t.mean, t.deviation),
		format('%s (%s)', number(p.difference), range(p.difference_low, p.difference_high)), number(p.mean - t.mean), format('%s, %s %%', number(100 * p.largest, 0), number(100 * rule_largest, 0)))
	FROM parts JOIN pairs AS p USING (part) JOIN figures AS t USING (part, phase, side, benchmark, minimum)
	WHERE size > 0 AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND t.strategy = 3 ORDER BY minimum, size)
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

-- The report in sentences that follow from the figures alone.
CREATE FUNCTION in_short() RETURNS SETOF text LANGUAGE sql AS $$
	WITH one AS (SELECT part, minimum, p.mean, p.difference, p.difference_low, p.difference_high, p.rule_mean, p.deviation, p.rule_deviation, p.sigma, t.mean AS twap, t.deviation AS twap_deviation
		FROM pairs AS p JOIN figures AS t USING (part, phase, side, benchmark, minimum)
		WHERE phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND t.strategy = 3),
	said AS (SELECT *, CASE WHEN difference_low > 0 THEN 'more than chance would make it' WHEN difference_high < 0 THEN 'less by more than chance would make it'
			WHEN difference_low IS NULL THEN 'too few orders for an interval' ELSE 'which may be chance' END AS judgement FROM one)
	SELECT format('- **%s**, orders of at least 6 bars, against VWAP, both sides: the model gains %s basis points in the mean, the stopping rule %s, TWAP %s; '
			'model − rule %s (95 %%: %s): %s. Standard deviations: model %s, rule %s; mean / standard deviation: %s, %s.', CASE part WHEN 'd_left' THEN title || ', symbols left out of training' ELSE title END,
			number(mean), number(rule_mean), number(twap), number(difference), range(difference_low, difference_high), judgement, number(deviation, 0), number(rule_deviation, 0),
			number(mean / nullif(deviation, 0), 2), number(rule_mean / nullif(rule_deviation, 0), 2))
	FROM (SELECT * FROM said JOIN parts USING (part) JOIN sets USING (set) WHERE minimum = 6 AND part IN ('1', '2', '4', '15', 'd', 'd_left') ORDER BY extract(epoch FROM bar), part) AS s
	UNION ALL
	SELECT format('- **Skill or option.** On hourly bars, at least 6 of them, the model gains %s basis points, and %s on the same bars mirrored at random, where nothing from before tells '
			'which way prices go: that much is the worth of finishing early and of trading at average prices, not foresight. The stopping rule: %s and %s.', number(r.mean), number(m.mean), number(r.rule_mean), number(m.rule_mean))
	FROM one AS r, one AS m WHERE r.minimum = 6 AND m.minimum = 6 AND r.part = '1' AND m.part = '1m'
	UNION ALL
	SELECT format('- **Tracking.** Orders that use all of their hourly bars and follow VWAP: the model''s dispersion is %s of TWAP''s.', number(deviation / nullif(twap_deviation, 0), 2)) FROM one WHERE part = '1' AND minimum = 0
	UNION ALL
	SELECT format('- **Look-ahead.** Computed in the published alignment, which cannot be traded, the same model would show %s basis points instead of %s (hourly, at least 6 bars).', number(p.mean), number(r.mean))
	FROM one AS r, one AS p WHERE r.minimum = 6 AND p.minimum = 6 AND r.part = '1' AND p.part = '1_paper'
$$;

CREATE FUNCTION made() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('- %s: %s s', step, number(seconds, 0)) FROM (SELECT * FROM made ORDER BY number) AS m
$$;
CREATE FUNCTION models() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT * FROM (VALUES ('| model | numbers | SHA-256 begins | validation loss |'), ('|---|--:|---|--:|')) AS h
	UNION ALL (SELECT line('`' || name || '`', m.parameters::text, left(encode(m.digest, 'hex'), 16), number((m.metrics ->> 'validation_loss')::float8, 4)) FROM lem_model AS m
		WHERE name IN ('crypto_1h', 'dow_1d') AND deployed ORDER BY name)
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

-- Points of the figures.
-- The figures, as lem_chart draws them.
CREATE FUNCTION plot(wanted text) RETURNS text LANGUAGE sql AS $$
	WITH bounds AS (
		SELECT * FROM pairs WHERE part = '1' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum > 0
	), sizes AS (
		SELECT title || CASE part WHEN 'd_left' THEN ', left out' ELSE '' END AS name, difference / (1e4 * p.sigma) AS x,
			coalesce(difference_low, difference) / (1e4 * p.sigma) AS low, coalesce(difference_high, difference) / (1e4 * p.sigma) AS high,
			row_number() OVER (ORDER BY extract(epoch FROM bar), part) AS place
		FROM pairs AS p JOIN parts USING (part) JOIN sets USING (set)
		WHERE part IN ('15', '1', '2', '4', 'd', 'd_left', '1m', 'dm') AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum = 6
	), months AS (
		SELECT to_char(date_trunc('month', ts), 'YYYY-MM') AS name, avg(gain[1]) AS model, avg(gain[2]) AS rule
		FROM gains WHERE part = '1' AND benchmark = 'vwap' AND minimum = 6 GROUP BY 1
	), ahead AS (
		SELECT c.minimum, c.mean AS causal, p.mean AS paper FROM figures AS c JOIN figures AS p USING (phase, side, benchmark, minimum, strategy)
		WHERE c.part = '1' AND p.part = '1_paper' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND strategy = 1 AND minimum > 0
	), drawn AS (
		SELECT 'minimum' AS name, jsonb_build_object('title', 'Hourly bars: mean gain over VWAP, with 95 % intervals',
			'x_label', 'the order stays active for at least ... bars', 'zero', true, 'series', jsonb_build_array(
			jsonb_build_object('name', 'model', 'mark', 'point', 'x', jsonb_agg(minimum - 0.1 ORDER BY minimum), 'y', jsonb_agg(mean ORDER BY minimum)),
			jsonb_build_object('mark', 'interval', 'colour', 0, 'x', jsonb_agg(minimum - 0.1 ORDER BY minimum), 'y', jsonb_agg(coalesce(high, mean) ORDER BY minimum),
				'base', jsonb_agg(coalesce(low, mean) ORDER BY minimum)),
			jsonb_build_object('name', 'stopping rule', 'mark', 'point', 'colour', 1, 'x', jsonb_agg(minimum + 0.1 ORDER BY minimum), 'y', jsonb_agg(rule_mean ORDER BY minimum)),
			jsonb_build_object('mark', 'interval', 'colour', 1, 'x', jsonb_agg(minimum + 0.1 ORDER BY minimum), 'y', jsonb_agg(coalesce(rule_high, rule_mean) ORDER BY minimum),
				'base', jsonb_agg(coalesce(rule_low, rule_mean) ORDER BY minimum)))) AS chart FROM bounds
		UNION ALL
		SELECT 'dispersion', jsonb_build_object('title', 'Hourly bars: mean gain over VWAP and its dispersion, by minimum duration',
			'x_label', 'standard deviation, basis points; a point for each minimum', 'series', jsonb_build_array(
			jsonb_build_object('name', 'model', 'mark', 'line', 'x', jsonb_agg(deviation ORDER BY minimum), 'y', jsonb_agg(mean ORDER BY minimum)),
			jsonb_build_object('mark', 'point', 'colour', 0, 'x', jsonb_agg(deviation ORDER BY minimum), 'y', jsonb_agg(mean ORDER BY minimum)),
			jsonb_build_object('name', 'stopping rule', 'mark', 'line', 'colour', 1, 'x', jsonb_agg(rule_deviation ORDER BY minimum), 'y', jsonb_agg(rule_mean ORDER BY minimum)),
			jsonb_build_object('mark', 'point', 'colour', 1, 'x', jsonb_agg(rule_deviation ORDER BY minimum), 'y', jsonb_agg(rule_mean ORDER BY minimum)))) FROM bounds
		UNION ALL
		SELECT 'sizes', jsonb_build_object('title', 'Model less stopping rule, at least 6 bars, with 95 % intervals', 'zero', true,
			'categories', jsonb_agg(name ORDER BY place), 'series', jsonb_build_array(
			jsonb_build_object('mark', 'point', 'y', jsonb_agg(x ORDER BY place)),
			jsonb_build_object('mark', 'interval', 'colour', 0, 'y', jsonb_agg(high ORDER BY place), 'base', jsonb_agg(low ORDER BY place)))) FROM sizes
		UNION ALL
		SELECT 'look-ahead', jsonb_build_object('title', 'Hourly bars: the same model in both alignments',
			'x_label', 'the order stays active for at least ... bars', 'zero', true, 'series', jsonb_build_array(
			jsonb_build_object('name', 'published, cannot be traded', 'mark', 'line', 'colour', 1, 'x', jsonb_agg(minimum ORDER BY minimum),
				'y', jsonb_agg(paper ORDER BY minimum)),
			jsonb_build_object('name', 'causal', 'mark', 'line', 'colour', 0, 'x', jsonb_agg(minimum ORDER BY minimum), 'y', jsonb_agg(causal ORDER BY minimum)))) FROM ahead
		UNION ALL
		SELECT 'months', jsonb_build_object('title', 'Hourly bars, at least 6 bars: mean gain over VWAP by month', 'zero', true,
			'categories', jsonb_agg(name ORDER BY name), 'series', jsonb_build_array(
			jsonb_build_object('name', 'model', 'mark', 'line', 'y', jsonb_agg(model ORDER BY name)),
			jsonb_build_object('name', 'stopping rule', 'mark', 'line', 'colour', 1, 'y', jsonb_agg(rule ORDER BY name)))) FROM months
	)
	SELECT lem_chart(chart || jsonb_build_object('width', 760, 'height', 420, 'y_label',
		CASE wanted WHEN 'sizes' THEN 'standard deviations of a bar''s return' ELSE 'basis points' END))
	FROM drawn WHERE name = wanted;
$$;

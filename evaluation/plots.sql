-- The report's figures, as lem_chart draws them.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;

-- A series of a figure, in the order of place.
CREATE FUNCTION drawn_as(name text, mark text, colour int, x jsonb, y jsonb, base jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('name', name, 'mark', mark, 'colour', colour)) || CASE WHEN x IS NULL THEN '{}' ELSE jsonb_build_object('x', x) END
		|| jsonb_build_object('y', y) || CASE WHEN base IS NULL THEN '{}' ELSE jsonb_build_object('base', base) END
$$;

CREATE FUNCTION plot(wanted text) RETURNS text LANGUAGE sql AS $$
	WITH bounds AS (
		SELECT * FROM pairs WHERE part = '1' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum > 0
	), ways AS (
		SELECT w.name, colour, minimum, minimum + at AS x, w.mean, coalesce(w.low, w.mean) AS low, coalesce(w.high, w.mean) AS high, w.deviation
		FROM bounds CROSS JOIN LATERAL (VALUES ('model', 0, -0.15, mean, low, high, deviation), ('stopping rule', 1, 0.15, rule_mean, rule_low, rule_high, rule_deviation),
			('optimum', 2, 0.0, optimum_mean, optimum_low, optimum_high, optimum_deviation)) AS w (name, colour, at, mean, low, high, deviation)
	), minima AS (
		SELECT jsonb_agg(s ORDER BY place, colour) AS series FROM (
			SELECT 0 AS place, colour, drawn_as(name, 'point', colour, jsonb_agg(x ORDER BY minimum), jsonb_agg(mean ORDER BY minimum)) AS s FROM ways GROUP BY name, colour
			UNION ALL SELECT 1, colour, drawn_as(NULL, 'interval', colour, jsonb_agg(x ORDER BY minimum), jsonb_agg(high ORDER BY minimum), jsonb_agg(low ORDER BY minimum))
			FROM ways GROUP BY colour) AS s
	), dispersions AS (
		SELECT jsonb_agg(s ORDER BY place, colour) AS series FROM (
			SELECT place, colour, drawn_as(CASE mark WHEN 'line' THEN name END, mark, colour, jsonb_agg(deviation ORDER BY minimum), jsonb_agg(mean ORDER BY minimum)) AS s
			FROM ways, (VALUES (0, 'line'), (1, 'point')) AS m (place, mark) GROUP BY place, mark, name, colour) AS s
	), risk AS (
		SELECT jsonb_agg(s ORDER BY place, colour) AS series FROM (
			SELECT place, colour, drawn_as(CASE mark WHEN 'line' THEN name || ', at least ' || minimum END, mark, colour, jsonb_agg(deviation ORDER BY risk), jsonb_agg(mean ORDER BY risk)) AS s
			FROM (SELECT minimum, risk, w.* FROM risks CROSS JOIN LATERAL (VALUES ('model', CASE minimum WHEN 1 THEN 0 ELSE 4 END, mean, deviation),
					('optimum', CASE minimum WHEN 1 THEN 2 ELSE 5 END, optimum_mean, optimum_deviation)) AS w (name, colour, mean, deviation)
				WHERE benchmark = 'vwap') AS r, (VALUES (0, 'line'), (1, 'point')) AS m (place, mark) GROUP BY place, mark, name, colour, minimum
			UNION ALL SELECT 1, 1, drawn_as('stopping rule', 'point', 1, jsonb_agg(rule_deviation ORDER BY minimum), jsonb_agg(rule_mean ORDER BY minimum))
			FROM risks WHERE part = '1' AND benchmark = 'vwap') AS s
	), sizes AS (
		SELECT bars_title(part, title) AS name, difference / (1e4 * p.sigma) AS x,
			coalesce(difference_low, difference) / (1e4 * p.sigma) AS low, coalesce(difference_high, difference) / (1e4 * p.sigma) AS high,
			row_number() OVER (ORDER BY extract(epoch FROM bar), part) AS place
		FROM pairs AS p JOIN parts USING (part) JOIN sets USING (set)
		WHERE part IN ('15', '1', '2', '4', 'd', 'd_left', '1m', 'dm') AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum = 6
	), months AS (
		SELECT to_char(date_trunc('month', ts), 'YYYY-MM') AS name, avg(gain[1]) AS model, avg(gain[2]) AS optimum, avg(gain[6]) AS rule
		FROM gains WHERE part = '1' AND benchmark = 'vwap' AND minimum = 6 GROUP BY 1
	), ahead AS (
		SELECT c.minimum, c.mean AS causal, p.mean AS paper FROM figures AS c JOIN figures AS p USING (phase, side, benchmark, minimum, strategy)
		WHERE c.part = '1' AND p.part = '1_paper' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND strategy = 1 AND minimum > 0
	), drawn AS (
		SELECT 'minimum' AS name, jsonb_build_object('title', 'Hourly bars: mean gain over VWAP, with 95 % intervals',
			'x_label', 'the order stays active for at least ... bars', 'zero', true, 'series', series) AS chart FROM minima
		UNION ALL
		SELECT 'dispersion', jsonb_build_object('title', 'Hourly bars: mean gain over VWAP and its dispersion, by minimum duration',
			'x_label', 'standard deviation, basis points; a point for each minimum', 'series', series) FROM dispersions
		UNION ALL
		SELECT 'frontier', jsonb_build_object('title', 'Hourly bars: mean gain over VWAP and its dispersion, by risk aversion',
			'x_label', 'standard deviation, basis points; a point for each risk aversion', 'series', series) FROM risk
		UNION ALL
		SELECT 'sizes', jsonb_build_object('title', 'Model less optimum, at least 6 bars, with 95 % intervals', 'zero', true,
			'categories', jsonb_agg(name ORDER BY place), 'series', jsonb_build_array(
			drawn_as(NULL, 'point', 0, NULL, jsonb_agg(x ORDER BY place)),
			drawn_as(NULL, 'interval', 0, NULL, jsonb_agg(high ORDER BY place), jsonb_agg(low ORDER BY place)))) FROM sizes
		UNION ALL
		SELECT 'look-ahead', jsonb_build_object('title', 'Hourly bars: the same model in both alignments',
			'x_label', 'the order stays active for at least ... bars', 'zero', true, 'series', jsonb_build_array(
			drawn_as('published, cannot be traded', 'line', 1, jsonb_agg(minimum ORDER BY minimum), jsonb_agg(paper ORDER BY minimum)),
			drawn_as('causal', 'line', 0, jsonb_agg(minimum ORDER BY minimum), jsonb_agg(causal ORDER BY minimum)))) FROM ahead
		UNION ALL
		SELECT 'months', jsonb_build_object('title', 'Hourly bars, at least 6 bars: mean gain over VWAP by month', 'zero', true,
			'categories', jsonb_agg(name ORDER BY name), 'series', jsonb_build_array(
			drawn_as('model', 'line', 0, NULL, jsonb_agg(model ORDER BY name)), drawn_as('optimum', 'line', 2, NULL, jsonb_agg(optimum ORDER BY name)),
			drawn_as('stopping rule', 'line', 1, NULL, jsonb_agg(rule ORDER BY name)))) FROM months
	)
	SELECT lem_chart(chart || jsonb_build_object('width', 760, 'height', 420, 'y_label',
		CASE wanted WHEN 'sizes' THEN 'standard deviations of a bar''s return' ELSE 'basis points' END))
	FROM drawn WHERE name = wanted;
$$;

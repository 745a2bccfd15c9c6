-- The report in sentences that follow from the figures alone.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;

-- "not lower (by 1.2 more, 0.3 to 2.1)", "lower by 0.5 (interval −1.1 to 0.1)"
CREATE FUNCTION not_lower(what text, x float8, low float8, high float8, digits int DEFAULT 1) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT what || CASE WHEN round(x::numeric, digits) >= 0 THEN ' not lower: by ' || number(x, digits) || ' more' ELSE ' lower by ' || number(-x, digits) END
		|| CASE WHEN low IS NULL THEN '' ELSE format(' (interval of the difference %s to %s)', number(low, digits), number(high, digits)) END
$$;
-- What an interval says of a difference.
CREATE FUNCTION judged(low float8, high float8) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN low IS NULL THEN 'too few orders for an interval' WHEN low > 0 THEN 'more than chance would make it'
		WHEN high < 0 THEN 'less by more than chance would make it' ELSE 'which may be chance' END
$$;

-- The aims, and each row that misses one.
CREATE FUNCTION aims_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('Of %s rows against VWAP the model''s mean is not lower than the optimum''s in %s, its standard deviation at least 10 %% lower in %s, and both hold in %s. '
		'Of %s rows against TWAP the mean is not lower in %s, mean / standard deviation not lower in %s, and both hold in %s.',
		count(*) FILTER (WHERE vwap), count(*) FILTER (WHERE vwap AND mean_met), count(*) FILTER (WHERE vwap AND other_met), count(*) FILTER (WHERE vwap AND mean_met AND other_met),
		count(*) FILTER (WHERE NOT vwap), count(*) FILTER (WHERE NOT vwap AND mean_met), count(*) FILTER (WHERE NOT vwap AND other_met), count(*) FILTER (WHERE NOT vwap AND mean_met AND other_met))
		|| CASE WHEN bool_and(mean_met AND other_met) THEN ' Every aim is met.' ELSE '' END
	FROM (SELECT *, benchmark = 'vwap' AS vwap FROM aims) AS a
$$;
CREATE FUNCTION missed() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN bool_and(mean_met AND other_met) THEN 'No row misses its aims.' ELSE 'What is missed:' END FROM aims
	UNION ALL SELECT '' FROM aims HAVING NOT bool_and(mean_met AND other_met)
	UNION ALL
	(SELECT format('- %s, at least %s: %s.', upper(benchmark), minimum, concat_ws('; ',
		CASE WHEN NOT mean_met THEN not_lower('the mean', difference, difference_low, difference_high) END,
		CASE WHEN NOT other_met AND benchmark = 'vwap' THEN 'a standard deviation of ' || number(spread, 2) || ' of the optimum''s'
			|| CASE WHEN spread_low IS NULL THEN '' ELSE format(' (interval %s to %s)', number(spread_low, 2), number(spread_high, 2)) END || ', where 0.90 was aimed at' END,
		CASE WHEN NOT other_met AND benchmark = 'twap' THEN not_lower('mean / standard deviation', quality, quality_low, quality_high, 2) END))
	FROM aims WHERE NOT (mean_met AND other_met) ORDER BY benchmark DESC, minimum)
$$;

-- What the rows of a set say together; buys and sells apart, orders that may finish early.
CREATE FUNCTION verdict(wanted text, from_minimum int DEFAULT 1, to_minimum int DEFAULT 12) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('Of %s rows (both sides, both benchmarks, at least %s to %s bars), the model''s mean is above the optimum''s in %s; the 95 %% interval of '
		'the difference lies above 0 in %s and below 0 in %s. The model''s standard deviation is lower than the optimum''s in %s (the interval of their ratio below 1 in %s, above 1 in %s); '
		'mean not lower and standard deviation not higher: %s. Against the stopping rule: the mean above in %s (the interval above 0 in %s, below 0 in %s), the standard deviation at most the rule''s in %s. '
		'The model''s mean is above TWAP''s in %s.',
		count(*), min(minimum), max(minimum), count(*) FILTER (WHERE difference > 0.005), count(*) FILTER (WHERE difference_low > 0), count(*) FILTER (WHERE difference_high < 0),
		count(*) FILTER (WHERE spread < 0.9995), count(*) FILTER (WHERE spread_high < 1), count(*) FILTER (WHERE spread_low > 1), count(*) FILTER (WHERE difference > -0.005 AND spread < 1.0005),
		count(*) FILTER (WHERE by_rule > 0), count(*) FILTER (WHERE by_rule_low > 0), count(*) FILTER (WHERE by_rule_high < 0), count(*) FILTER (WHERE deviation <= rule_deviation),
		count(*) FILTER (WHERE mean > twap_mean))
	FROM pairs WHERE part = wanted AND phase = 'all' AND side <> 'both' AND minimum BETWEEN from_minimum AND to_minimum
$$;

-- The same of some parts, buys and sells together.
CREATE FUNCTION together(wanted text, of text) RETURNS text LANGUAGE sql AS $$
	SELECT format('against %s the mean is not lower in %s of %s rows (the interval of the difference below 0 in %s, above 0 in %s), the standard deviation lower in %s (the interval of their ratio below 1 in %s, above 1 in %s)',
		upper(of), count(*) FILTER (WHERE difference > -0.005), count(*), count(*) FILTER (WHERE difference_high < 0), count(*) FILTER (WHERE difference_low > 0),
		count(*) FILTER (WHERE spread < 0.9995), count(*) FILTER (WHERE spread_high < 1), count(*) FILTER (WHERE spread_low > 1))
	FROM pairs WHERE part LIKE wanted AND phase = 'all' AND side = 'both' AND minimum > 0 AND benchmark = of
$$;
CREATE FUNCTION horizons_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN count(*) = 0 THEN 'The model''s horizon is too short for others.'
		ELSE format('Model beside optimum, over orders of %s bars that may finish early, buys and sells together: %s; %s.',
			string_agg(horizon::text, ', ' ORDER BY horizon), together('horizon%', 'vwap'), together('horizon%', 'twap')) END
		|| coalesce((SELECT format(' Orders of %s bars are not shown: the model''s horizon is %s.', string_agg(bars::text, ', ' ORDER BY bars), max(n_ahead))
			FROM unnest('{6,24,48,96}'::int[]) AS bars, (SELECT (config ->> 'n_ahead')::int AS n_ahead FROM lem_models WHERE name = 'crypto_1h' AND deployed) AS m
			WHERE bars > n_ahead HAVING count(*) > 0), '')
	FROM parts WHERE part LIKE 'horizon%'
$$;
CREATE FUNCTION impact_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN impact = 'none' THEN 'The model was trained without impact and does not reckon with it; the optimum does: its costs are part of what it maximises. '
		ELSE 'Both reckon with it: costs are part of what the optimum maximises, and the model was trained with them. ' END
		|| format('Model beside optimum, over the sizes, buys and sells together: %s; %s.', together('impact%', 'vwap'), together('impact%', 'twap'))
	FROM (SELECT coalesce(config ->> 'impact', 'none') AS impact FROM lem_models WHERE name = 'crypto_1h' AND deployed) AS m
$$;
CREATE FUNCTION aware_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN EXISTS (SELECT FROM kinds WHERE kind = 'impact')
		THEN format('A model of the same training that reckons with impact, beside the optimum: %s; %s.', together('aware%', 'vwap'), together('aware%', 'twap'))
		ELSE 'No model that reckons with impact was judged.' END
$$;
CREATE FUNCTION tracking_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('Hourly bars of coins, orders that follow VWAP: the model''s dispersion is %s of TWAP''s, where at most 0.72 was aimed at: %s. The volume curve''s is %s of TWAP''s.',
		within(m.track, m.track_low, m.track_high, 2), met(m.track <= 0.72, m.track_low <= 0.72), number(v.track, 2))
	FROM figures AS m JOIN figures AS v USING (part, phase, side, benchmark, minimum)
	WHERE part = '1' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum = 0 AND m.strategy = 1 AND v.strategy = 4
$$;
CREATE FUNCTION frontier_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('From a risk aversion of %s to one of %s, VWAP, at least %s bars: the model''s mean goes from %s to %s basis points and its standard deviation from %s to %s; the optimum''s mean from %s to %s, its standard deviation from %s to %s.',
		a.risk, b.risk, minimum, number(a.mean), number(b.mean), number(a.deviation), number(b.deviation), number(a.optimum_mean), number(b.optimum_mean), number(a.optimum_deviation), number(b.optimum_deviation))
	FROM risks AS a JOIN risks AS b USING (benchmark, minimum) WHERE benchmark = 'vwap' AND minimum = 6
		AND a.risk = (SELECT min(risk) FROM risks) AND b.risk = (SELECT max(risk) FROM risks)
$$;

-- Models of the ablation: what each change does, and how much of that seeds do.
CREATE FUNCTION seeds_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN max(n) < 2 THEN 'There is one seed only, so nothing is known of what another would have done.'
		ELSE format('Over %s seeds, orders that may finish early: the model''s mean less the optimum''s differs between seeds by a standard deviation of up to %s basis points (%s in the mean over the rows), the ratio of standard deviations by up to %s. '
			'The interval between seeds of the difference lies above 0 in %s and below 0 in %s of %s rows; that of the ratio of standard deviations below 1 in %s, above 1 in %s.',
			max(n), number(max(difference_between)), number(avg(difference_between)), number(max(spread_between), 2), count(*) FILTER (WHERE difference - student * difference_between > 0),
			count(*) FILTER (WHERE difference + student * difference_between < 0), count(*), count(*) FILTER (WHERE spread + student * spread_between < 1),
			count(*) FILTER (WHERE spread - student * spread_between > 1)) END
	FROM seeds WHERE minimum > 0
$$;
CREATE FUNCTION worth_in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT 'No other models were judged.' FROM kinds HAVING count(*) = 1
	UNION ALL
	(SELECT format('- **%s**: of %s rows, the mean lower than the first model''s by more than chance in %s, higher in %s; by %s basis points in the mean over VWAP rows, %s over TWAP rows. '
		'The standard deviation higher by more than chance in %s, lower in %s.', kind_text(kind), count(*), count(*) FILTER (WHERE by_base_high < 0), count(*) FILTER (WHERE by_base_low > 0),
		number(avg(by_base) FILTER (WHERE benchmark = 'vwap')), number(avg(by_base) FILTER (WHERE benchmark = 'twap')),
		count(*) FILTER (WHERE base_spread_low > 1), count(*) FILTER (WHERE base_spread_high < 1))
	FROM kinds JOIN figures USING (part) WHERE kind <> 'base' AND phase = 'all' AND side = 'both' AND strategy = 1 AND minimum > 0
	GROUP BY number, kind ORDER BY number)
$$;

CREATE FUNCTION in_short() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT '- **Against the exact optimum** (hourly coins, at least 1, 3, 6 and 9 bars, buys and sells together, paired start by start). ' || aims_in_short()
	UNION ALL
	SELECT format('- **%s**, orders of at least 6 bars, against VWAP, both sides: the model gains %s basis points in the mean, the optimum %s, the stopping rule %s, TWAP %s. '
			'Model − optimum %s: %s; model − rule %s: %s. Standard deviations: model %s, optimum %s, rule %s; mean / standard deviation: %s, %s, %s.', bars_title(part, title),
			number(mean), number(optimum_mean), number(rule_mean), number(twap_mean), within(difference, difference_low, difference_high), judged(difference_low, difference_high),
			within(by_rule, by_rule_low, by_rule_high), judged(by_rule_low, by_rule_high), number(deviation, 0), number(optimum_deviation, 0), number(rule_deviation, 0),
			number(ratio, 2), number(optimum_ratio, 2), number(rule_ratio, 2))
	FROM (SELECT * FROM pairs JOIN parts USING (part) JOIN sets USING (set) WHERE minimum = 6 AND part IN ('1', '2', '4', '15', 'd', 'd_left')
			AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' ORDER BY extract(epoch FROM bar), part) AS s
	UNION ALL
	SELECT '- **Other horizons.** ' || h FROM horizons_in_short() AS h
	UNION ALL
	SELECT '- **Tracking.** ' || t FROM tracking_in_short() AS t
	UNION ALL
	SELECT format('- **Skill or option.** On hourly bars, at least 6 of them, the model gains %s basis points against VWAP, and %s on the same bars mirrored at random, where nothing from before tells '
			'which way prices go: that much is the worth of finishing early and of trading at average prices, not foresight. The optimum: %s and %s; the stopping rule: %s and %s.',
			number(r.mean), number(m.mean), number(r.optimum_mean), number(m.optimum_mean), number(r.rule_mean), number(m.rule_mean))
	FROM pairs AS r JOIN pairs AS m USING (phase, side, benchmark, minimum) WHERE r.part = '1' AND m.part = '1m' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum = 6
	UNION ALL
	SELECT format('- **Costs.** %s %s', i, a) FROM impact_in_short() AS i, aware_in_short() AS a
	UNION ALL
	SELECT format('- **Look-ahead.** Computed in the published alignment, which cannot be traded, the same model would show %s basis points instead of %s (hourly, at least 6 bars, VWAP).', number(p.mean), number(r.mean))
	FROM pairs AS r JOIN pairs AS p USING (phase, side, benchmark, minimum) WHERE r.part = '1' AND p.part = '1_paper' AND phase = 'all' AND side = 'both' AND benchmark = 'vwap' AND minimum = 6
$$;

-- What must hold.
SELECT CASE WHEN good THEN 'ok' ELSE 'not ok' END || ' - optima: ' || what
FROM (SELECT model = 'known' AS known, min_bars,
			CASE WHEN model = 'known' AND optimum = 0 THEN abs(gain) <= 0.01
				 WHEN model = 'known' THEN gain >= 0.9 * optimum
				 ELSE gain > optimum END,
			CASE WHEN model = 'known' AND optimum = 0 THEN 'at least 12 bars: nothing is gained'
				 WHEN model = 'known' THEN format('at least %s bars: 90 %% of what can be gained', min_bars)
				 ELSE format('returns that continue, at least %s bars: more than can be gained without knowing', min_bars) END
	  FROM gains) AS checks (known, min_bars, good, what)
ORDER BY known DESC, min_bars;

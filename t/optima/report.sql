-- The table.
\pset footer off
\echo
\echo Gains of a sell over TWAP, in standard deviations of a bar (error: of the mean)
\echo
SELECT CASE model WHEN 'known' THEN 'no information' ELSE 'returns continue (0.25)' END AS bars, min_bars,
	optimum AS "optimum without information", round(gain::numeric, 3) AS gain, round(error::numeric, 3) AS error,
	round((100 * gain / nullif(optimum, 0))::numeric) AS "% of it", round(bars_used::numeric, 1) AS "bars used"
FROM gains ORDER BY model DESC, min_bars;

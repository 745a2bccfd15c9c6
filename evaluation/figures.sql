-- Means, dispersions and intervals from the starts.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;
ANALYZE gains;

-- Starts of the same time taken together, of all symbols; side 'both': buys and sells.  x: the
-- gain; d: what it is more than the stopping rule's.
CREATE UNLOGGED TABLE moments AS
SELECT part, phase, CASE WHEN GROUPING(side) = 1 THEN 'both' ELSE side END AS side, benchmark, minimum, strategy, pos,
	count(*) AS n, sum(x) AS x, sum(x * x) AS xx, sum(d) AS d, sum(d * d) AS dd, sum(used) AS used, sum(largest) AS largest,
	sum(sigma) AS sigma
FROM (SELECT part, p.phase, side, benchmark, minimum, strategy, pos, gain[strategy] AS x, gain[strategy] - gain[2] AS d,
		used[strategy] AS used, largest[strategy] AS largest, sigma
	FROM gains JOIN parts USING (part) CROSS JOIN LATERAL (SELECT 'all' AS phase
			UNION ALL SELECT CASE WHEN storm THEN 'storm' ELSE 'calm' END WHERE part IN ('1', 'd')) AS p,
		strategies WHERE (strategy <= 2 OR p.phase = 'all')) AS g
GROUP BY GROUPING SETS ((part, phase, side, benchmark, minimum, strategy, pos), (part, phase, benchmark, minimum, strategy, pos));

CREATE TABLE sums AS
SELECT part, phase, side, benchmark, minimum, strategy, sum(n) AS n, sum(x) / sum(n) AS mean, sum(d) / sum(n) AS difference,
	sqrt(greatest(sum(xx) - sum(x) ^ 2 / sum(n), 0) / greatest(sum(n) - 1, 1)) AS deviation, sum(used) / sum(n) AS used, sum(largest) / sum(n) AS largest,
	sum(sigma) / sum(n) AS sigma, count(*) AS moments, 1 + max(pos) - min(pos) AS bars
FROM moments GROUP BY part, phase, side, benchmark, minimum, strategy;
ALTER TABLE sums ADD PRIMARY KEY (part, phase, side, benchmark, minimum, strategy);
ANALYZE moments, sums;

-- The interval of lem_backtest (doc/backtesting.md, Intervals) with starts of all symbols at once: the
-- variance of Newey and West with Bartlett weights over M = 12 horizons, which is the mean square of
-- sums over all stretches of M bars, and the critical value of Kiefer and Vogelsang.  A sum changes
-- where a start enters the stretch and where it leaves.
CREATE TABLE figures AS
SELECT s.*, mean / nullif(deviation, 0) AS ratio, e.error, mean - critical * error AS low, mean + critical * error AS high,
	difference - critical * difference_error AS difference_low, difference + critical * difference_error AS difference_high
FROM sums AS s LEFT JOIN (
	SELECT part, phase, side, benchmark, minimum, strategy, sqrt(sum(x ^ 2 * gap) / 144) / s.n AS error,
		sqrt(sum(d ^ 2 * gap) / 144) / s.n AS difference_error
	FROM (SELECT part, phase, side, benchmark, minimum, strategy, sum(x) OVER w AS x, sum(d) OVER w AS d, lead(pos) OVER w - pos AS gap
		FROM (SELECT part, phase, side, benchmark, minimum, strategy, m.pos + enters.pos AS pos, sum(enters.sign * (m.x - m.n * s.mean)) AS x,
				sum(enters.sign * (m.d - m.n * s.difference)) AS d
			FROM moments AS m JOIN sums AS s USING (part, phase, side, benchmark, minimum, strategy), (VALUES (0, 1), (144, -1)) AS enters (pos, sign)
			GROUP BY part, phase, side, benchmark, minimum, strategy, m.pos + enters.pos) AS e
		WINDOW w AS (PARTITION BY part, phase, side, benchmark, minimum, strategy ORDER BY pos)) AS c
	JOIN sums AS s USING (part, phase, side, benchmark, minimum, strategy)
	WHERE s.bars >= 240 AND s.moments >= 20
	GROUP BY part, phase, side, benchmark, minimum, strategy, s.n) AS e USING (part, phase, side, benchmark, minimum, strategy)
CROSS JOIN LATERAL (SELECT 1.96 + 2.9694 * b + 0.4160 * b ^ 2 - 0.5324 * b ^ 3 AS critical FROM (SELECT least(1, 144.0 / s.bars) AS b) AS b) AS k;
ALTER TABLE figures ADD PRIMARY KEY (part, phase, side, benchmark, minimum, strategy);
ANALYZE figures;

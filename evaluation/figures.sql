-- Means, dispersions and intervals from the starts.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;
ANALYZE gains;

-- Starts of the same time taken together, of all symbols; side 'both': buys and sells.  x: gains.
CREATE UNLOGGED TABLE moments AS
SELECT part, phase, CASE WHEN GROUPING(side) = 1 THEN 'both' ELSE side END AS side, benchmark, minimum, strategy, pos,
	count(*) AS n, sum(x) AS x, sum(x * x) AS xx, sum(used) AS used, sum(largest) AS largest, sum(sigma) AS sigma
FROM (SELECT part, p.phase, side, benchmark, minimum, strategy, pos, gain[strategy] AS x, used[strategy] AS used, largest[strategy] AS largest, sigma
	FROM gains JOIN parts USING (part) CROSS JOIN LATERAL (SELECT 'all' AS phase
			UNION ALL SELECT CASE WHEN storm THEN 'storm' ELSE 'calm' END WHERE part IN ('1', 'd')) AS p,
		strategies WHERE (strategy IN (1, 2, 6) OR p.phase = 'all')) AS g
GROUP BY GROUPING SETS ((part, phase, side, benchmark, minimum, strategy, pos), (part, phase, benchmark, minimum, strategy, pos));

CREATE TABLE sums AS
SELECT part, phase, side, benchmark, minimum, strategy, sum(n) AS n, sum(x) / sum(n) AS mean,
	sqrt(greatest(sum(xx) - sum(x) ^ 2 / sum(n), 0) / greatest(sum(n) - 1, 1)) AS deviation, sum(used) / sum(n) AS used, sum(largest) / sum(n) AS largest,
	sum(sigma) / sum(n) AS sigma, count(*) AS moments, 1 + max(pos) - min(pos) AS bars, 12 * max(horizon) AS reach
FROM moments JOIN parts USING (part) GROUP BY part, phase, side, benchmark, minimum, strategy;
ALTER TABLE sums ADD PRIMARY KEY (part, phase, side, benchmark, minimum, strategy);
ANALYZE moments, sums;

-- Differences between parts are paired only if both have the same starts.
DO $$
BEGIN
	IF EXISTS (SELECT FROM sums AS s JOIN parts USING (part) LEFT JOIN sums AS b
			ON b.part = against AND (b.phase, b.side, b.benchmark, b.minimum, b.strategy) = (s.phase, s.side, s.benchmark, s.minimum, s.strategy)
			WHERE against IS NOT NULL AND (s.n, s.moments) IS DISTINCT FROM (b.n, b.moments)) THEN
		RAISE 'models of the ablation were judged on other starts than the first of them';
	END IF;
END
$$;

-- What each moment adds to a mean, to the logarithm of a standard deviation, and to mean / standard
-- deviation: their derivatives, by the delta method.
CREATE UNLOGGED TABLE shares AS
SELECT part, phase, side, benchmark, minimum, strategy, pos, m.x - m.n * mean AS x, v, (m.x - m.n * mean - mean * v) / nullif(deviation, 0) AS q
FROM moments AS m JOIN sums AS s USING (part, phase, side, benchmark, minimum, strategy)
CROSS JOIN LATERAL (SELECT ((m.xx - 2 * mean * m.x + m.n * mean ^ 2) / nullif(deviation, 0) ^ 2 - m.n) / 2 AS v) AS v;
ANALYZE shares;

-- The same of what a strategy has more than the optimum (2), the stopping rule (6), TWAP (3), and itself
-- in the part that this one is held against.
CREATE UNLOGGED TABLE terms AS
SELECT s.part, s.phase, s.side, s.benchmark, s.minimum, s.strategy, s.pos, s.x, s.x - max(s.x) FILTER (WHERE s.strategy = 2) OVER w AS d,
	s.v - max(s.v) FILTER (WHERE s.strategy = 2) OVER w AS spread, s.q - max(s.q) FILTER (WHERE s.strategy = 2) OVER w AS quality,
	s.x - max(s.x) FILTER (WHERE s.strategy = 6) OVER w AS r, s.v - max(s.v) FILTER (WHERE s.strategy = 3) OVER w AS track,
	s.x - b.x AS b, s.v - b.v AS b_spread
FROM shares AS s JOIN parts AS p USING (part)
LEFT JOIN shares AS b ON b.part = p.against
	AND (b.phase, b.side, b.benchmark, b.minimum, b.strategy, b.pos) = (s.phase, s.side, s.benchmark, s.minimum, s.strategy, s.pos)
WINDOW w AS (PARTITION BY s.part, s.phase, s.side, s.benchmark, s.minimum, s.pos);
ANALYZE terms;

-- The interval of lem_backtest (doc/backtesting.md, Intervals) with starts of all symbols at once: the
-- variance of Newey and West with Bartlett weights over M = 12 horizons (reach), which is the mean square
-- of sums over all stretches of M bars, and the critical value of Kiefer and Vogelsang.  A sum changes
-- where a start enters the stretch and where it leaves.
CREATE TABLE errors AS
SELECT part, phase, side, benchmark, minimum, strategy, sqrt(sum(x ^ 2 * gap) / reach) / n AS x, sqrt(sum(d ^ 2 * gap) / reach) / n AS d,
	sqrt(sum(spread ^ 2 * gap) / reach) / n AS spread, sqrt(sum(quality ^ 2 * gap) / reach) / n AS quality, sqrt(sum(r ^ 2 * gap) / reach) / n AS r,
	sqrt(sum(track ^ 2 * gap) / reach) / n AS track, sqrt(sum(b ^ 2 * gap) / reach) / n AS b, sqrt(sum(b_spread ^ 2 * gap) / reach) / n AS b_spread,
	1.96 + 2.9694 * least(1, reach::float8 / bars) + 0.4160 * least(1, reach::float8 / bars) ^ 2 - 0.5324 * least(1, reach::float8 / bars) ^ 3 AS critical
FROM (SELECT part, phase, side, benchmark, minimum, strategy, reach, bars, n, lead(pos) OVER w - pos AS gap, sum(x) OVER w AS x, sum(d) OVER w AS d,
		sum(spread) OVER w AS spread, sum(quality) OVER w AS quality, sum(r) OVER w AS r, sum(track) OVER w AS track, sum(b) OVER w AS b, sum(b_spread) OVER w AS b_spread
	FROM (SELECT part, phase, side, benchmark, minimum, strategy, reach, bars, s.n, t.pos + at AS pos, sum(sign * x) AS x, sum(sign * d) AS d,
			sum(sign * spread) AS spread, sum(sign * quality) AS quality, sum(sign * r) AS r, sum(sign * track) AS track, sum(sign * b) AS b, sum(sign * b_spread) AS b_spread
		FROM terms AS t JOIN sums AS s USING (part, phase, side, benchmark, minimum, strategy), (VALUES (0, 1), (1, -1)) AS e (leaves, sign)
		CROSS JOIN LATERAL (SELECT leaves * reach AS at) AS a
		WHERE s.bars >= 20 * reach / 12 AND s.moments >= 20
		GROUP BY part, phase, side, benchmark, minimum, strategy, reach, bars, s.n, t.pos + at) AS e
	WINDOW w AS (PARTITION BY part, phase, side, benchmark, minimum, strategy ORDER BY pos)) AS c
GROUP BY part, phase, side, benchmark, minimum, strategy, reach, bars, n;

-- A number that differs from another by no more than the order of adding up is that.
CREATE FUNCTION near(x float8, exact float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN abs(x - exact) < 1e-6 THEN exact ELSE x END $$;

-- spread: the standard deviation by the optimum's, where that is one; track: by TWAP's; quality: mean / standard deviation
-- more than the optimum's.
CREATE TABLE figures AS
SELECT s.*, s.mean / nullif(s.deviation, 0) AS ratio, e.x AS error, s.mean - critical * e.x AS low, s.mean + critical * e.x AS high,
	near(s.mean - o.mean, 0) AS difference, near(s.mean - o.mean, 0) - critical * e.d AS difference_low, near(s.mean - o.mean, 0) + critical * e.d AS difference_high,
	near(s.deviation / CASE WHEN o.deviation >= 0.05 THEN o.deviation END, 1) AS spread, near(s.deviation / CASE WHEN o.deviation >= 0.05 THEN o.deviation END, 1) * exp(-critical * e.spread) AS spread_low,
	near(s.deviation / CASE WHEN o.deviation >= 0.05 THEN o.deviation END, 1) * exp(critical * e.spread) AS spread_high,
	quality.is AS quality, quality.is - critical * e.quality AS quality_low, quality.is + critical * e.quality AS quality_high,
	near(s.mean - r.mean, 0) AS by_rule, near(s.mean - r.mean, 0) - critical * e.r AS by_rule_low, near(s.mean - r.mean, 0) + critical * e.r AS by_rule_high,
	s.deviation / nullif(t.deviation, 0) AS track, s.deviation / nullif(t.deviation, 0) * exp(-critical * e.track) AS track_low,
	s.deviation / nullif(t.deviation, 0) * exp(critical * e.track) AS track_high,
	near(s.mean - b.mean, 0) AS by_base, near(s.mean - b.mean, 0) - critical * e.b AS by_base_low, near(s.mean - b.mean, 0) + critical * e.b AS by_base_high,
	near(s.deviation / nullif(b.deviation, 0), 1) AS base_spread, near(s.deviation / nullif(b.deviation, 0), 1) * exp(-critical * e.b_spread) AS base_spread_low,
	near(s.deviation / nullif(b.deviation, 0), 1) * exp(critical * e.b_spread) AS base_spread_high
FROM sums AS s JOIN parts USING (part)
LEFT JOIN errors AS e USING (part, phase, side, benchmark, minimum, strategy)
LEFT JOIN sums AS o ON (o.part, o.phase, o.side, o.benchmark, o.minimum, o.strategy) = (s.part, s.phase, s.side, s.benchmark, s.minimum, 2)
LEFT JOIN sums AS t ON (t.part, t.phase, t.side, t.benchmark, t.minimum, t.strategy) = (s.part, s.phase, s.side, s.benchmark, s.minimum, 3)
LEFT JOIN sums AS r ON (r.part, r.phase, r.side, r.benchmark, r.minimum, r.strategy) = (s.part, s.phase, s.side, s.benchmark, s.minimum, 6)
LEFT JOIN sums AS b ON (b.part, b.phase, b.side, b.benchmark, b.minimum, b.strategy) = (against, s.phase, s.side, s.benchmark, s.minimum, s.strategy)
CROSS JOIN LATERAL (SELECT near(s.mean / nullif(s.deviation, 0) - o.mean / nullif(o.deviation, 0), 0) AS is) AS quality;
ALTER TABLE figures ADD PRIMARY KEY (part, phase, side, benchmark, minimum, strategy);
ANALYZE figures;

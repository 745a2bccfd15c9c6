-- Simulated bars whose best execution is known: log returns are normal with a standard deviation of
-- 0.001 and a correlation from bar to bar; the price has no drift.  mirrored: the same with every
-- return turned round.
\ir ../../data/simulate.sql
CREATE FUNCTION known_bars(seed text, bars int, correlation float8, mirrored boolean)
RETURNS TABLE (ts timestamptz, price float8, volume float8)
LANGUAGE sql IMMUTABLE
AS $$
	WITH RECURSIVE walk (i, r, x) AS (
		SELECT 0, 0.0::float8, 0.0::float8
		UNION ALL
		SELECT i + 1, n.r, x + n.r
		FROM walk, LATERAL (SELECT correlation * walk.r
			+ sqrt(1 - correlation ^ 2) * simulate_normal(seed || ' ' || i) AS r OFFSET 0) AS n
		WHERE i < bars)
	SELECT timestamptz '2020-01-01 00:00+00' + i * interval '1 hour',
		100 * exp(0.001 * CASE WHEN mirrored THEN -x ELSE x END - 0.0000005 * i), 1000
	FROM walk
$$;

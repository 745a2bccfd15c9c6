#!/usr/bin/env bash
# vwap.sh: what benchmarks cost over many rows, and whether moving frames drift.  Runs beside a
# private server (scripts/bench).  BENCH_ROWS rows, 10 million if it is not set.
#
# Milliseconds of lem_vwap(p, v) and of sum(p * v) / sum(v) over the table, alternating, by one
# process; of both over moving frames; and the largest relative difference of 1,000 frames in the
# moving aggregates from the same frames taken anew by plain sums of numerics.
set -euo pipefail
rows=${BENCH_ROWS:-10000000}

sql()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

sql -v rows="$rows" <<'SQL'
CREATE TABLE bench_rows AS
SELECT i, timestamptz '2026-01-01' + i * interval '1 s' AS ts,
	100 * exp(0.3 * sin(i * 1e-5) + 0.01 * sin(i * 1.7)) AS p, exp(4 * sin(i * 0.11)) AS v
FROM generate_series(1, :rows) AS i;
CREATE INDEX ON bench_rows (i);
VACUUM ANALYZE bench_rows;

-- Milliseconds of repeated runs of two queries in turn.
CREATE FUNCTION bench_pair(a text, b text, runs int, OUT first float8, OUT second float8)
	RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
BEGIN
	FOR i IN 0 .. runs LOOP
		started := clock_timestamp();
		EXECUTE a;
		first := 1000 * extract(epoch FROM clock_timestamp() - started);
		started := clock_timestamp();
		EXECUTE b;
		second := 1000 * extract(epoch FROM clock_timestamp() - started);
		IF i > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SQL

# pair "name" query query runs: medians and their ratio
pair()
{
	sql -c 'SET max_parallel_workers_per_gather = 0' -c 'SET jit = off' \
		-c "SELECT format('%-46s %10s ms %10s ms   ratio %s', '$1', round(a::numeric, 1), round(b::numeric, 1), round((a / b)::numeric, 2))
			FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY first) AS a, percentile_cont(0.5) WITHIN GROUP (ORDER BY second) AS b
				FROM bench_pair('$2', '$3', $4)) AS m"
}

echo "$rows rows"
pair 'lem_vwap, sum(p * v) / sum(v)' 'SELECT lem_vwap(p, v) FROM bench_rows' \
	'SELECT sum(p * v) / sum(v) FROM bench_rows' 5
pair 'lem_twap, avg(p)' 'SELECT lem_twap(p) FROM bench_rows' 'SELECT avg(p) FROM bench_rows' 5
pair 'lem_vwap, sums, over 10,000 groups' \
	'SELECT count(x) FROM (SELECT lem_vwap(p, v) AS x FROM bench_rows GROUP BY i % 10000) AS a' \
	'SELECT count(x) FROM (SELECT sum(p * v) / sum(v) AS x FROM bench_rows GROUP BY i % 10000) AS a' 3
pair 'lem_twap(ts, p, NULL), sums' 'SELECT lem_twap(ts, p, NULL) FROM bench_rows' \
	'SELECT sum(p * v) / sum(v) FROM bench_rows' 3
few="FROM bench_rows WHERE i <= 20000 WINDOW w AS"
pair 'lem_vwap, sums, 20,000 frames of 10 rows' \
	"SELECT count(x) FROM (SELECT lem_vwap(p, v) OVER w AS x $few (ROWS 9 PRECEDING)) AS a" \
	"SELECT count(x) FROM (SELECT sum(p * v) OVER w / sum(v) OVER w AS x $few (ROWS 9 PRECEDING)) AS a" 3
pair 'lem_vwap, sums, 20,000 frames of 1,000 rows' \
	"SELECT count(x) FROM (SELECT lem_vwap(p, v) OVER w AS x $few (ROWS 999 PRECEDING)) AS a" \
	"SELECT count(x) FROM (SELECT sum(p * v) OVER w / sum(v) OVER w AS x $few (ROWS 999 PRECEDING)) AS a" 1

sql -v step=$((rows / 1000)) <<'SQL'
SET max_parallel_workers_per_gather = 0;
SET synchronize_seqscans = off;
\timing on
CREATE TEMPORARY TABLE bench_moving AS
SELECT * FROM (SELECT i, lem_vwap(p, v) OVER w AS vwap, lem_twap(p) OVER w AS twap,
		lem_twap(ts, p, ts + interval '1 s') OVER w AS steps
	FROM bench_rows WINDOW w AS (ORDER BY i ROWS 999 PRECEDING)) AS m
WHERE i % :step = 0;
\timing off
SELECT format('frames of 1,000 rows that move over all rows: %s checked, largest relative differences: lem_vwap %s, lem_twap %s, by time %s',
	count(*), max(abs(m.vwap::text::numeric / f.vwap - 1))::real, max(abs(m.twap::text::numeric / f.twap - 1))::real,
	max(abs(m.steps::text::numeric / f.twap - 1))::real)
FROM bench_moving AS m,
	LATERAL (SELECT sum(p::text::numeric * v::text::numeric) / sum(v::text::numeric) AS vwap, avg(p::text::numeric) AS twap
		FROM bench_rows AS b WHERE b.i BETWEEN m.i - 999 AND m.i) AS f;
DROP TABLE bench_rows;
SQL

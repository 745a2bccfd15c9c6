#!/usr/bin/env bash
# vwap.sh: what benchmarks cost over ten million rows, and whether moving frames drift.  Runs beside a
# private server (scripts/bench).
#
# Milliseconds of lem_vwap(p, v) and of sum(p * v) / sum(v) in turn, by one process; the same for
# others; and the largest relative difference of 1,000 frames in the moving aggregates from the same
# frames taken anew by plain sums of numerics.
set -euo pipefail
. bench/common.sh

make_rows
section "Benchmarks over $(thousands $most_rows) rows, one process"

# pair RUNS NAME QUERY NAME QUERY [AIM]: rows for two queries in turn, and for their ratio
pair()
{
	local times

	times=$(turns $(rounds $1) "$3" "$5")
	column 1 <<<"$times" | row "$2" ms
	column 2 <<<"$times" | row "$4" ms
	awk '{ print $1 / $2 }' <<<"$times" | row "$2: times as long" ratio "${6:-}"
}

pair 5 'lem_vwap(p, v)' 'SELECT lem_vwap(p, v) FROM bench_rows' \
	'sum(p * v) / sum(v)' 'SELECT sum(p * v) / sum(v) FROM bench_rows' '<= 1'
pair 5 'lem_twap(p)' 'SELECT lem_twap(p) FROM bench_rows' 'avg(p)' 'SELECT avg(p) FROM bench_rows'
pair 3 'lem_vwap(p, v) of 10,000 groups' \
	'SELECT count(x) FROM (SELECT lem_vwap(p, v) AS x FROM bench_rows GROUP BY i % 10000) AS a' \
	'sum(p * v) / sum(v) of 10,000 groups' \
	'SELECT count(x) FROM (SELECT sum(p * v) / sum(v) AS x FROM bench_rows GROUP BY i % 10000) AS a'
frames=$([ -n "$small" ] && echo 2000 || echo 20000)
few="FROM bench_rows WHERE i <= $frames WINDOW w AS"
for size in 10 1000; do
	pair 3 "lem_vwap(p, v), $(thousands $frames) frames of $size rows" \
		"SELECT count(x) FROM (SELECT lem_vwap(p, v) OVER w AS x $few (ROWS $((size - 1)) PRECEDING)) AS a" \
		"sum(p * v) / sum(v), $(thousands $frames) frames of $size rows" \
		"SELECT count(x) FROM (SELECT sum(p * v) OVER w / sum(v) OVER w AS x $few (ROWS $((size - 1)) PRECEDING)) AS a"
done

moved=$((most_rows / 10))
figures=$(sql -F ' ' -v rows=$moved -v step=$((moved / 1000)) <<'SQL'
SET max_parallel_workers_per_gather = 0;
SET synchronize_seqscans = off;
CREATE TEMPORARY TABLE bench_moving AS
SELECT * FROM (SELECT i, lem_vwap(p, v) OVER w AS vwap, lem_twap(p) OVER w AS twap,
		lem_twap(ts, p, ts + interval '1 hour') OVER w AS steps
	FROM bench_rows WHERE i <= :rows WINDOW w AS (ORDER BY i ROWS 999 PRECEDING)) AS m
WHERE i % :step = 0;
SELECT max(abs(m.vwap::text::numeric / f.vwap - 1))::real, max(abs(m.twap::text::numeric / f.twap - 1))::real,
	max(abs(m.steps::text::numeric / f.twap - 1))::real
FROM bench_moving AS m,
	LATERAL (SELECT sum(p::text::numeric * v::text::numeric) / sum(v::text::numeric) AS vwap, avg(p::text::numeric) AS twap
		FROM bench_rows AS b WHERE b.i BETWEEN m.i - 999 AND m.i) AS f;
SQL
)
moving="frames of 1,000 rows that moved over $(thousands $moved)"
column 1 <<<"$figures" | row "lem_vwap, $moving: largest error" relative '<= 1e-12'
column 2 <<<"$figures" | row "lem_twap, $moving: largest error" relative '<= 1e-12'
column 3 <<<"$figures" | row "lem_twap by time, $moving: largest error" relative '<= 1e-12'

#!/usr/bin/env bash
# parallel.sh: schedules of 500 symbols by one process and by two.  Runs beside a private server of its
# own, in which lem is preloaded: workers are new processes, and have the model at once.
#
# Two kinds of query: groups of a table of bars (partitioned by symbol, so that each process has whole
# groups), and orders LATERAL lem_schedule over a table of series.  The plans are the planner's own;
# the two are workers, which the session's own process only collects from.
set -euo pipefail
weights=$1
. bench/common.sh

if [ -z "${LEM_PARALLEL:-}" ]; then
	LEM_PARALLEL=running exec scripts/server -c autovacuum=off -c shared_buffers=1GB \
		-c shared_preload_libraries=lem bash -c "psql -X -q -c 'CREATE EXTENSION lem' && $0 $1"
fi

symbols=$([ -n "$small" ] && echo 100 || echo 500)
configs='bundled medium'
make_bars
for config in $configs; do
	import $config
done
sql -o /dev/null -v symbols=$symbols <<-'SQL'
	CREATE TABLE parallel_bars (LIKE bench_bars) PARTITION BY HASH (symbol);
	SELECT format('CREATE TABLE parallel_bars_%s PARTITION OF parallel_bars FOR VALUES WITH (MODULUS 32, REMAINDER %1$s)', i)
	FROM generate_series(0, 31) AS i \gexec
	INSERT INTO parallel_bars SELECT 'S' || s, ts, vwap, volume
	FROM bench_bars, generate_series(1, :symbols) AS s WHERE symbol = 'ALPHA';
	CREATE TABLE parallel_series AS SELECT symbol, lem_bars(ts, vwap, volume) AS bars FROM parallel_bars GROUP BY symbol;
	CREATE TABLE parallel_orders AS SELECT s + 1000 * i AS id, 'S' || s AS symbol, lem_order(1000 * i + s, min_bars => 3) AS ord
	FROM generate_series(1, :symbols) AS s, generate_series(1, 4) AS i;
	ALTER TABLE parallel_orders SET (parallel_workers = 2);
	VACUUM ANALYZE parallel_bars, parallel_series, parallel_orders;
SQL

# in_turn QUERY: a line a round: milliseconds by one process, and by two
in_turn()
{
	{
		echo "SET enable_partitionwise_aggregate = on; SET parallel_leader_participation = off;"
		for ((round = 0; round <= $(rounds 7); round++)); do
			for workers in 0 2; do
				echo "SET max_parallel_workers_per_gather = $workers;"
				echo "\\timing on"
				echo "\\o /dev/null"
				echo "$1;"
				echo "\\o"
				echo "\\timing off"
			done
		done
	} | sql | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | paste -d ' ' - - | tail -n +2
}

# compare WHAT QUERY
compare()
{
	local times=$(in_turn "$2")

	awk '{ print $1 }' <<<"$times" | row "$1, one process" ms
	awk '{ print $2 }' <<<"$times" | row "$1, two workers" ms
	awk '{ print $1 / $2 }' <<<"$times" | row "$1, how many times as fast" times "$([ -n "$small" ] || echo '>= 1.8')"
}

section "$symbols symbols, by two processes"
for config in $configs; do
	compare "$config: lem_schedule over bars, grouped by symbol" \
		"SELECT symbol, lem_schedule('$config', lem_order(1000, min_bars => 3), ts, vwap, volume) FROM parallel_bars GROUP BY symbol"
	compare "$config: $((4 * symbols)) orders LATERAL lem_schedule" \
		"SELECT o.id, s.* FROM parallel_orders AS o JOIN parallel_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('$config', o.ord, b.bars) AS s"
done

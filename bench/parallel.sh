#!/usr/bin/env bash
# parallel.sh: schedules of 500 symbols by one process and by two.  Runs beside a private server of its
# own, in which lem is preloaded: workers are new processes, and have the model at once.
#
# Two kinds of query: groups of a table of bars (partitioned by symbol, so that each process has whole
# groups), and orders LATERAL lem_schedule over a table of series.  The plans are the planner's own;
# the two are workers, which the session's own process only collects from.
#
# What is scheduled is used in the database (counted and summed), or all of it is sent to the client.
# Then the session's own process, which makes the rows into text, and the client, which reads it, have
# work too, beside the workers.  What workers cost by themselves, and what two sessions reach that share
# the orders without a parallel plan, are measured as well.
set -euo pipefail
weights=$1
. bench/common.sh

if [ -z "${LEM_PARALLEL:-}" ]; then
	LEM_PARALLEL=running exec scripts/server -c autovacuum=off -c shared_buffers=1GB \
		-c shared_preload_libraries=lem bash -c "psql -X -q -c 'CREATE EXTENSION lem' && $0 $1"
fi

symbols=$([ -n "$small" ] && echo 100 || echo 500)
orders=$([ -n "$small" ] && echo 4 || echo 10)
configs='bundled medium'
make_bars
for config in $configs; do
	import $config
done
sql -o /dev/null -v symbols=$symbols -v orders=$orders <<-'SQL'
	CREATE TABLE parallel_bars (LIKE bench_bars) PARTITION BY HASH (symbol);
	SELECT format('CREATE TABLE parallel_bars_%s PARTITION OF parallel_bars FOR VALUES WITH (MODULUS 32, REMAINDER %1$s)', i)
	FROM generate_series(0, 31) AS i \gexec
	INSERT INTO parallel_bars SELECT 'S' || s, ts, vwap, volume
	FROM bench_bars, generate_series(1, :symbols) AS s WHERE symbol = 'ALPHA';
	CREATE TABLE parallel_series AS SELECT symbol, lem_bars(ts, vwap, volume) AS bars FROM parallel_bars GROUP BY symbol;
	CREATE TABLE parallel_orders AS SELECT s + 1000 * i AS id, 'S' || s AS symbol, lem_order(1000 * i + s, min_bars => 3, max_bars => 6) AS ord
	FROM generate_series(1, :symbols) AS s, generate_series(1, :orders) AS i;
	ALTER TABLE parallel_orders SET (parallel_workers = 2);
	VACUUM ANALYZE parallel_bars, parallel_series, parallel_orders;
SQL

settings="SET jit = off; SET enable_partitionwise_aggregate = on; SET parallel_leader_participation = off;"

# in_turn QUERY [SETTINGS]: a line a round: milliseconds by one process, and by two
in_turn()
{
	local plan=$(sql -c "$settings ${2:-} SET max_parallel_workers_per_gather = 2" -c "EXPLAIN $1")

	[[ $plan == *'Workers Planned: 2'* ]] || { echo "No plan for two workers: $1" >&2; exit 1; }
	{
		echo "$settings ${2:-}"
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

# compare WHAT QUERY [AIM]
compare()
{
	local times
	times=$(in_turn "$2")

	awk '{ print $1 }' <<<"$times" | row "$1, one process" ms
	awk '{ print $2 }' <<<"$times" | row "$1, two workers" ms
	awk '{ print $1 / $2 }' <<<"$times" | row "$1, how many times as fast" times "${3:-}"
}

# at_once QUERY...: milliseconds of queries, each in a session of its own
at_once()
{
	local query started=${EPOCHREALTIME/[.,]/}

	for query; do
		sql -o /dev/null -c "$settings SET max_parallel_workers_per_gather = 0" -c "$query" &
	done
	wait
	echo "$(((${EPOCHREALTIME/[.,]/} - started) / 1000))"
}

# groups CONFIG, laterals CONFIG [CONDITION]: what is selected from
groups()
{
	echo "(SELECT symbol, lem_schedule('$1', lem_order(1000, min_bars => 3, max_bars => $(bars_of "$1")), ts, vwap, volume) AS slices FROM parallel_bars GROUP BY symbol) AS g"
}

laterals()
{
	echo "parallel_orders AS o JOIN parallel_series AS b USING (symbol) CROSS JOIN LATERAL lem_schedule('$1', o.ord, b.bars) AS s ${2:-}"
}

section "$symbols symbols, by two processes"
aim=$([ -n "$small" ] || echo '>= 1.8')
n=$(thousands $((orders * symbols)))
sums='SELECT count(*), sum(s.allocation) FROM'
in_turn 'SELECT count(*) FROM parallel_orders' \
	'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;' |
	awk '{ print $2 - $1 }' | row 'two workers, start and end alone' ms
for config in $configs; do
	compare "$config: lem_schedule over bars, grouped by symbol, counted" \
		"SELECT count(*), sum(cardinality(slices)) FROM $(groups $config)" "$aim"
	compare "$config: lem_schedule over bars, grouped by symbol, all sent" \
		"SELECT * FROM $(groups $config)"
	compare "$config: $n orders LATERAL lem_schedule, summed" "$sums $(laterals $config)" "$aim"
	compare "$config: $n orders LATERAL lem_schedule, all sent" "SELECT o.id, s.* FROM $(laterals $config)"
	for ((round = 0; round < $(rounds 7); round++)); do
		echo "$(at_once "$sums $(laterals $config)")" \
			"$(at_once "$sums $(laterals $config 'WHERE id % 2 = 0')" "$sums $(laterals $config 'WHERE id % 2 = 1')")"
	done | awk '{ print $1 / $2 }' | row "$config: $n orders, a half by each of two sessions, how many times as fast" times
done

#!/usr/bin/env bash
# schedule.sh: what scheduling costs in SQL, in a session that has the model.  Runs beside a private
# server (scripts/bench).
#
# For the bundled model, the medium config and the paper's full one: a call of lem_schedule as a
# statement of its own, and orders a second in lem_schedule_batch, all of one branch.
set -euo pipefail
weights=$1
. bench/common.sh

make_bars
make_turns
queries=()
for config in $(configs); do
	import $config
	most=$(bars_of $config)
	queries+=("SELECT count(*) FROM bench_series, lem_schedule('$config', lem_order(1000, min_bars => 3, max_bars => $most), bars) WHERE symbol = 'ALPHA'")
	for size in 64 500; do
		queries+=("SELECT count(*) FROM lem_schedule_batch('$config', ARRAY(SELECT generate_series(1, $size))::bigint[],
			ARRAY(SELECT lem_order(1000 + i, min_bars => 3, max_bars => $most) FROM generate_series(1, $size) AS i),
			ARRAY(SELECT s.bars FROM generate_series(1, $size) AS i, (SELECT array_agg(symbol ORDER BY symbol) AS all FROM bench_series) AS a,
				bench_series AS s WHERE s.symbol = a.all[1 + i % 4]))")
	done
done
times=$(turns $(rounds 5) "${queries[@]}")

section 'Scheduling in SQL, warm, one process'
i=0
for config in $(configs); do
	i=$((i + 1))
	column $i <<<"$times" | row "$config: lem_schedule" ms
	for size in 64 500; do
		i=$((i + 1))
		column $i <<<"$times" | awk -v size=$size '{ print 1000 * size / $1 }' | row "$config: lem_schedule_batch of $size" orders/s
	done
done

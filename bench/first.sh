#!/usr/bin/env bash
# first.sh: the first schedule in a new backend, and what it takes over a trivial query.  Runs beside two
# private servers: that of scripts/bench, where each backend reads and decodes the model, and one of
# its own, in which lem is preloaded and has the model in shared memory.
set -euo pipefail
weights=$1
. bench/common.sh

make_bars
for config in $(configs); do
	import $config
done
if [ -z "${LEM_FIRST:-}" ]; then
	LEM_FIRST=$PGHOST exec scripts/server -c shared_preload_libraries=lem \
		bash -c "psql -X -q -c 'CREATE EXTENSION lem' && $0 $1"
fi

trivial='SELECT count(*) FROM bench_series;'
call()
{
	echo "SELECT count(*) FROM bench_series, lem_schedule('$1', lem_order(1000, min_bars => 3), bars) WHERE symbol = 'ALPHA';"
}
for config in $(configs); do
	sql -o /dev/null -c "$(call $config)"
done

# rounds x (config, and milliseconds: trivial, first; shared: trivial, first, second)
times=$(for ((round = 0; round < $(rounds 9); round++)); do
	for config in $(configs); do
		echo $config $(PGHOST=$LEM_FIRST first_call "$trivial") $(PGHOST=$LEM_FIRST first_call "$(call $config)") \
			$(first_call "$trivial") $(first_call "$(call $config)") $(first_call "$(call $config) $(call $config)")
	done
done)

section 'The first call in a new backend'
awk '{ print $2 }' <<<"$times" | row 'a trivial query' ms
awk '{ print $4 }' <<<"$times" | row 'a trivial query, lem preloaded' ms
for config in $(configs); do
	own=$(grep "^$config " <<<"$times")
	aim=$([ $config = full ] && echo '<= 60' || true)
	awk '{ print $3 - $2 }' <<<"$own" | row "$config: lem_schedule, nothing cached, over a trivial query" ms "$aim"
	awk '{ print $5 - $4 }' <<<"$own" | row "$config: lem_schedule, model in shared memory, over a trivial query" ms \
		"$([ $config = full ] || echo '<= 5')"
	awk '{ print $5 - $4 - $6 }' <<<"$own" | row "$config: that without the schedule itself (less the call again)" ms '<= 5'
	awk '{ print $6 }' <<<"$own" | row "$config: lem_schedule again in that backend" ms
done

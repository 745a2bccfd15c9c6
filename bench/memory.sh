#!/usr/bin/env bash
# memory.sh: memory of a backend with 1, 10 and 100 models in use.  Runs beside two private servers: that
# of scripts/bench, where each backend has its own cache, and one of its own, in which lem is preloaded
# and keeps models in shared memory.
#
# Models are copies of the bundled one that differ in a key of the config, and one of the full config.
# What counts is memory that belongs to the process alone (Anonymous in /proc/self/smaps_rollup), over
# that of a backend with the same query plans and no model.
set -euo pipefail
weights=$1
. bench/common.sh

make_bars
make_models
[ -n "$small" ] || import full
if [ -z "${LEM_MEMORY:-}" ]; then
	LEM_MEMORY=$PGHOST exec scripts/server -c shared_preload_libraries=lem \
		bash -c "psql -X -q -c 'CREATE EXTENSION lem' && $0 $1"
fi

# used CACHE MODEL...: megabytes of a backend that scheduled with each model; and, of its own cache,
# models and megabytes
used()
{
	local cache=$1 model
	shift

	{
		echo "SET lem.model_cache_size = '$cache';"
		echo 'SELECT count(*) FROM bench_series WHERE lem_bars_count(bars) > 0;'
		for model; do
			echo "SELECT count(*) FROM bench_series, lem_schedule('$model', lem_order(1000, min_bars => 3), bars) WHERE symbol = 'ALPHA';"
		done
		cat <<-'SQL'
			\echo figures
			SELECT substring(pg_read_file('/proc/self/smaps_rollup') FROM 'Anonymous:\s*(\d+)')::float8 * 1024 / 1e6,
				coalesce(max(cached_models), 0), coalesce(max(cached_bytes), 0) / 1e6
			FROM lem_stat_backend WHERE pid = pg_backend_pid();
		SQL
	} | sql -F ' ' | sed '1,/^figures/d'
}

# rows WHAT CACHE MODEL...: rows for a number of models
rows()
{
	local what=$1 cache=$2 figures=
	shift 2

	for ((round = 0; round < $(rounds 3); round++)); do
		figures+="$(used $cache) $(used $cache "$@")"$'\n'
	done
	awk 'NF { print $4 - $1 }' <<<"$figures" | row "$what" MB
	awk 'NF { print $5 }' <<<"$figures" | row "$what: models it keeps" models
}

section 'Memory of a backend'
for server in "$LEM_MEMORY" "$PGHOST"; do
	export PGHOST=$server
	where=$([ "$server" = "$LEM_MEMORY" ] && echo 'own cache' || echo 'shared memory')
	for n in 1 10 $([ -n "$small" ] || echo 100); do
		rows "$n of the bundled size in use, $where" 256MB $(seq -f 'model_%g' $n)
	done
	[ -n "$small" ] || rows "1 of the full config in use, $where" 256MB full
done
[ -n "$small" ] || PGHOST=$LEM_MEMORY rows '100 of the bundled size in use, own cache of 32 MB' 32MB $(seq -f 'model_%g' 100)
sql -c "SELECT sum(bytes) / 1e6 FROM lem_stat_shared_parts()" | row 'models in shared memory, once for all backends' MB

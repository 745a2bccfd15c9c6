#!/usr/bin/env bash
# shared.sh: the first schedule in a new backend with the model in shared memory, and what it takes over a
# trivial query.  Runs beside a private server of its own, in which lem is preloaded.
#
# For the medium config and the paper's full one, with random weights.  Milliseconds, medians; the
# smallest and largest in brackets.
set -euo pipefail
weights=$1
if [ -z "${LEM_SHARED:-}" ]; then
	LEM_SHARED=running exec scripts/server -c shared_preload_libraries=lem bash "$0" "$weights"
fi

sql()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# Milliseconds of the first statement of a backend of its own, some times.
first_calls()
{
	for i in 1 2 3 4 5 6 7 8 9; do
		{ echo '\timing on'; echo "$1"; } | sql | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
	done | sort -g | awk '{ x[NR] = $1 } END { printf "%.2f (%.2f to %.2f)", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sql -c 'CREATE EXTENSION lem' -f data/simulate.sql -c "CREATE TABLE bench_series AS
	SELECT lem_bars(ts, notional / volume, volume) AS bars FROM simulate_bars('ALPHA', days => 40)"
printf '%-8s %-44s %s\n' config figure 'median (min to max)'
for config in medium full; do
	"$weights" $config >"$LEM_SERVER_DIR/weights"
	chmod 644 "$LEM_SERVER_DIR/weights"
	sql -c "SELECT lem_import('$config', pg_read_binary_file('$LEM_SERVER_DIR/weights'))" >/dev/null
	rm -f "$LEM_SERVER_DIR/weights"
	call="SELECT count(*) FROM bench_series, lem_schedule('$config', lem_order(1000, min_bars => 3), bars);"
	sql -o /dev/null -c "$call"
	printf '%-8s %-44s %s\n' $config 'trivial query, first in a backend, ms' "$(first_calls 'SELECT count(*) FROM bench_series;')"
	printf '%-8s %-44s %s\n' $config 'lem_schedule, first in a backend, shared, ms' "$(first_calls "$call")"
	printf '%-8s %-44s %s\n' $config 'lem_schedule, second in a backend, shared, ms' "$(first_calls "$call
$call")"
done

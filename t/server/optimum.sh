# Solved tables of the optimum in shared memory: sessions that find one do what the one did that solved it.
if [ -z "${LEM_SHARED_OPTIMUM:-}" ]; then
	export LEM_SHARED_OPTIMUM=1
	exec scripts/server -c shared_preload_libraries=lem bash "$0"
fi
. t/server/common
sql -c "CREATE EXTENSION lem"
plans="SELECT md5(string_agg(allocation::text, ' ' ORDER BY m, step))
	FROM (SELECT lem_bars('2026-01-01 00:00+00'::timestamptz + i * interval '1 hour', 100 + sin(i / 5.0::float8), 1000) AS bars
		FROM generate_series(0, 299) AS i) AS b, generate_series(1, 8) AS m,
		lem_baseline('optimal_stop', lem_order(500, 'sell', min_bars => m, start_ts => '2026-01-13 00:00+00'), bars)"
first=$(sql -c "$plans")
is "tables have shared memory" \
	"$(sql -c "SELECT allocated_size >= 16 * 1024 * 1024 FROM pg_shmem_allocations WHERE name = 'lem optimum ring'")" t
is "a session takes what another one solved" "$(sql -c "$plans")" "$first"
many=$(for i in 1 2 3 4; do sql -c "$plans" & done; wait)
is "sessions at the same time agree" "$(sort -u <<<"$many")" "$first"
exit $failed

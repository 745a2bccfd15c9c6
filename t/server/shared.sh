# Models in shared memory, where the library is preloaded: one copy for all sessions, loaded once, evicted
# by use, gone when dropped.
if [ -z "${LEM_SHARED:-}" ]; then
	LEM_SHARED=small scripts/server -c shared_preload_libraries=lem -c lem.shared_model_cache_size=256kB bash "$0" || exit 1
	export LEM_SHARED=running
	exec scripts/server -c restart_after_crash=on -c shared_preload_libraries=lem -c lem.shared_model_cache_size=10MB -c max_connections=40 bash "$0"
fi
. t/server/common
sql -c "CREATE EXTENSION lem"
import alpha medium >/dev/null
simulate 18 A B C
sql -c "CREATE TABLE series AS SELECT symbol, lem_bars(ts, price, volume) AS history FROM bars GROUP BY symbol"
if [ "$LEM_SHARED" = small ]; then
	is "a model with no room is kept by the session" \
		"$(sql -c "SELECT count(*) FROM series, lem_schedule('alpha', lem_order(1), history)" -c "SELECT cached_models, cached_bytes = loaded_bytes, cache_misses, cache_hits FROM lem_stat_backend" -c "SELECT count(*) FROM lem_stat_shared")" $'18\n1|t|1|2\n0'
	exit $failed
fi
shared="SELECT model, version, parts, bytes > 0, pins FROM lem_stat_shared ORDER BY model, version"
copies="SELECT count(*), count(DISTINCT (digest, part)), coalesce(sum(pins), 0) FROM lem_stat_shared_parts()"

is "nothing is shared at first" "$(sql -c "$shared")" ""
plan="SELECT string_agg(s.allocation::text, ' ' ORDER BY symbol, step) FROM series, lem_schedule('alpha', lem_order(1, min_bars => 2), history) AS s"
alone=$(PGOPTIONS='-c max_parallel_workers_per_gather=0' sql -c "$plan")
is "a schedule loads what it needs" "$(sql -c "$shared")" "alpha|1|2|t|0"
is "the session itself keeps nothing" "$(sql -c "$plan" -c "SELECT cached_models, cached_bytes FROM lem_stat_backend WHERE pid = pg_backend_pid()")" "$alone"$'\n0|0'
is "another session gets the same schedules, and loads nothing" \
	"$(sql -c "$plan" -c "SELECT cache_misses, loaded_bytes, cache_hits FROM lem_stat_backend WHERE pid = pg_backend_pid()")" "$alone"$'\n0|0|3'
is "it was loaded once" "$(sql -c "SELECT cache_misses, cache_hits, loaded_bytes = (SELECT bytes FROM lem_stat_shared) FROM lem_stat")" "1|8|t"
is "another branch adds its heads" "$(sql -c "SELECT count(*) FROM series, lem_schedule('alpha', lem_order(1, min_bars => 4), history)" -c "$shared")" $'18\nalpha|1|3|t|0'

# Parallel workers
workers=$(sql <<-SQL
	SET parallel_setup_cost = 0;
	SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0;
	ALTER TABLE series SET (parallel_workers = 2);
	SET parallel_leader_participation = off;
	EXPLAIN (COSTS OFF) SELECT symbol, (SELECT count(*) FROM lem_schedule('alpha', lem_order(1, min_bars => 2), history)) AS slices FROM series;
	CREATE TEMP TABLE plan AS SELECT symbol, (SELECT count(*) FROM lem_schedule('alpha', lem_order(1, min_bars => 2), history)) AS slices FROM series;
	SELECT sum(slices) FROM plan;
SQL
)
is "workers of a parallel plan use it" "$(grep -c Gather <<<"$workers") $(tail -1 <<<"$workers") $(sql -c "SELECT cache_misses FROM lem_stat")" "1 18 2"

# Many sessions at once load each part once; what they get is right.
sql -o /dev/null -c "SELECT lem_drop('alpha')"
is "dropped when dropped" "$(sql -c "$copies")" "0|0|0"
import alpha medium >/dev/null
sql -o /dev/null -c "SELECT lem_stat_reset()"
jobs=()
for ((i = 0; i < 12; i++)); do
	sql -o "$LEM_SERVER_DIR/plan.$i" -c "$plan" &
	jobs+=($!)
done
wait "${jobs[@]}"
is "sessions that begin at once get the same" "$(cat "$LEM_SERVER_DIR"/plan.* | sort -u)" "$alone"
is "and made one copy" "$(sql -c "$copies" -c "SELECT s.loaded_bytes = m.bytes FROM lem_stat AS s JOIN lem_stat_shared AS m USING (model)")" $'2|2|0\nt'

# A drop waits for the end of its transaction, and a session that uses the model goes on.
sql -o /dev/null -c "BEGIN; SELECT lem_drop('alpha'); ROLLBACK"
is "a drop that is rolled back drops nothing" "$(sql -c "$copies")" "2|2|0"
sql -c "CREATE TABLE long AS SELECT lem_bars(timestamptz '2026-01-01' + i * interval '1 hour', 100 + sin(i), 1000 + i % 7) AS history FROM generate_series(1, 20000) AS i"
long="SELECT (lem_backtest('alpha', lem_order(1, min_bars => 2), history)).orders > 10000 FROM long"

# begin: a session that judges a model for a while, and has begun
begin()
{
	PGAPPNAME=victim sql -o "$LEM_SERVER_DIR/long" -c "$long" 2>/dev/null &
	for ((tries = 0; tries < 300; tries++)); do
		[ "$(sql -c "SELECT coalesce(sum(pins), 0) > 0 FROM lem_stat_shared_parts()")" = t ] && return
		sleep 0.05
	done
}

begin
is "a call in use pins what it uses" "$(sql -c "SELECT sum(pins), bool_and(pins = 1) FROM lem_stat_shared_parts()")" "2|t"
sql -o /dev/null -c "SELECT lem_drop('alpha')"
is "what is dropped stays as long as it is used" "$(sql -c "$copies")" "2|2|2"
wait $!
is "which goes on" "$(cat "$LEM_SERVER_DIR/long")" t
is "and goes with its last use" "$(sql -c "$copies")" "0|0|0"

# An error, a cancelled statement and an ended session leave no pins.
import alpha medium >/dev/null
sql -c "SELECT 1 / (count(*) - 6) FROM series, lem_schedule('alpha', lem_order(1, min_bars => 2), history) WHERE symbol = 'A'" >/dev/null 2>&1
sql -c "SET statement_timeout = 300; $long" >/dev/null 2>&1
begin
sql -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
wait $!
is "no pins are left" "$(sql -c "SELECT coalesce(sum(pins), 0) FROM lem_stat_shared_parts()")" 0

# Eviction: the area holds a few models; those used last stay, and all keep working.
for ((i = 1; i <= 12; i++)); do
	import "m$i" medium "{\"norm_window\": $((400 + i))}" >/dev/null
	sql -o /dev/null -c "SELECT count(*) FROM series, lem_schedule('m$i', lem_order(1, min_bars => 1), history) AS s" \
		-c "SELECT count(*) FROM lem_forward('m$i', array_fill(1::float4, ARRAY[29, 7]), '{0}', '{1}')"
done
is "the models used last are there" "$(sql -c "SELECT count(*) < 12 AND count(*) > 2, bool_or(model = 'm12'), bool_or(model = 'm1') FROM lem_stat_shared")" "t|t|f"
is "within the limit" "$(sql -c "SELECT sum(bytes) <= 10 * 1024 * 1024 FROM lem_stat_shared_parts()")" t
is "one that was evicted comes back" "$(sql -c "$plan")" "$alone"

# A crash begins afresh.
begin
ok "a session is killed" $LEM_SERVER_AS kill -KILL "$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")"
wait $!
for ((tries = 0; tries < 600; tries++)); do
	sql -c "SELECT 1" >/dev/null 2>&1 && break
	sleep 0.1
done
is "a crash begins afresh" "$(sql -c "$copies" -c "$plan" -c "$copies")" $'0|0|0\n'"$alone"$'\n2|2|0'
exit $failed

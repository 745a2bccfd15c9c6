# Counters in shared memory, where the library is preloaded: of all sessions, those that ended too; each
# keeps models by itself (t/server/shared.sh has those that are shared).
if [ -z "${LEM_STAT:-}" ]; then
	export LEM_STAT=running
	exec scripts/server -c restart_after_crash=on -c shared_preload_libraries=lem -c lem.stat_models=10 -c lem.shared_model_cache_size=0 -c max_connections=30 bash "$0"
fi
. t/server/common
sql -c "CREATE EXTENSION lem"
import alpha tiny >/dev/null
import alpha tiny '{"gaps": "skip"}' >/dev/null
simulate 18 A B C
sql -c "CREATE TABLE series AS SELECT symbol, lem_bars(ts, price, volume) AS history FROM bars GROUP BY symbol"
counts="SELECT version, calls, orders, batches, cache_hits + cache_misses AS looks FROM lem_stat WHERE model = 'alpha' ORDER BY version"

is "the settings are the server's" "$(sql -c "SELECT value FROM lem_build_info() WHERE name = 'statistics'" -c "SHOW lem.stat_models")" $'shared\n10'
sql -o /dev/null -c "SELECT lem_schedule('alpha', lem_order(1), history) FROM series"
sql -o /dev/null -c "SELECT lem_schedule('alpha@2', lem_order(1), history) FROM series WHERE symbol = 'A'"
is "what other sessions did shows" "$(sql -c "$counts")" $'1|3|3|3|3\n2|1|1|1|1'
# a session's process ends a little after its client
for ((tries = 0; tries < 100; tries++)); do
	slots=$(sql -c "SELECT count(*), bool_and(pid = pg_backend_pid()), sum(calls) FROM lem_stat_backend")
	[ "$slots" != "1|t|0" ] || break
	sleep 0.1
done
is "sessions that ended leave their slot" "$slots" "1|t|0"

# Sessions that are still there
coproc session { psql -X -q -A -t; }
pid=$session_PID
echo "SELECT count(*) FROM series, lem_schedule('alpha', lem_order(1), history); SELECT pg_backend_pid();" >&"${session[1]}"
read -r -t 60 slices <&"${session[0]}"
read -r -t 60 backend <&"${session[0]}"
is "a session that goes on" "$slices" 12
is "its totals show to others" "$(sql -c "SELECT calls, orders, cache_misses, cached_models, cached_bytes > 0, loaded_bytes = cached_bytes, total_ms > 0 FROM lem_stat_backend WHERE pid = $backend")" "3|3|1|1|t|t|t"
ok "and its pid is that of the server" test "$(sql -c "SELECT backend_type FROM pg_stat_activity JOIN lem_stat_backend USING (pid) WHERE pid = $backend")" = "client backend"

# Workers of parallel plans count where the leader does.
before=$(sql -c "SELECT calls FROM lem_stat WHERE version = 1")
workers=$(sql <<-'SQL'
	SET parallel_setup_cost = 0;
	SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0;
	ALTER TABLE series SET (parallel_workers = 2);
	SET parallel_leader_participation = off;
	CREATE TEMP TABLE plan AS SELECT symbol, (SELECT count(*) FROM lem_schedule('alpha', lem_order(1), history)) AS slices FROM series;
	EXPLAIN (COSTS OFF) SELECT symbol, (SELECT count(*) FROM lem_schedule('alpha', lem_order(1), history)) AS slices FROM series;
	SELECT sum(slices) FROM plan;
SQL
)
is "a parallel plan" "$(grep -c Gather <<<"$workers") $(tail -1 <<<"$workers")" "1 12"
is "workers' calls are counted" "$(sql -c "SELECT calls - $before FROM lem_stat WHERE version = 1")" 3

# Many at once lose nothing.
jobs=()
for ((i = 0; i < 8; i++)); do
	for ((j = 0; j < 25; j++)); do
		echo "SELECT lem_next_slice('alpha@2', lem_order(1), ts, price, volume) FROM bars WHERE symbol = 'A';"
	done | psql -X -q -o /dev/null &
	jobs+=($!)
done
wait "${jobs[@]}"
is "many sessions at once lose nothing" "$(sql -c "SELECT calls, orders, batches, cache_hits + cache_misses FROM lem_stat WHERE version = 2")" "201|201|201|201"

# Another database has counters of its own.
createdb other
PGDATABASE=other sql -c "CREATE EXTENSION lem"
is "another database shows nothing of this one" "$(PGDATABASE=other sql -c "SELECT count(*) FROM lem_stat UNION ALL SELECT count(*) FROM lem_stat_backend")" $'0\n1'
PGDATABASE=other sql -o /dev/null -c "SELECT lem_stat_reset()"
is "and resets nothing of it" "$(sql -c "SELECT calls FROM lem_stat WHERE version = 2")" 201

# Ten models at a time: those used last stay.
for ((i = 1; i <= 12; i++)); do
	import "m$i" tiny >/dev/null
	sql -o /dev/null -c "SELECT lem_schedule('m$i', lem_order(1), history) FROM series WHERE symbol = 'A'" -c "SELECT lem_schedule('alpha', lem_order(1), history) FROM series WHERE symbol = 'B'"
done
is "the models used last are counted" "$(sql -c "SELECT string_agg(model || ' ' || (calls > 10), ' ' ORDER BY last_call) FROM lem_stat")" "m4 false m5 false m6 false m7 false m8 false m9 false m10 false m11 false m12 false alpha true"

sql -o /dev/null -c "SELECT lem_stat_reset()"
is "a reset forgets all models" "$(sql -c "SELECT count(*) FROM lem_stat")" 0
is "and what sessions counted, not what they keep" "$(sql -c "SELECT calls, orders, loaded_bytes, cached_models FROM lem_stat_backend WHERE pid = $backend")" "0|0|0|1"
echo '\q' >&"${session[1]}"
wait "$pid" 2>/dev/null

# A crash starts them afresh, and does not leave slots taken.
sql -o /dev/null -c "SELECT lem_schedule('alpha', lem_order(1), history) FROM series"
PGAPPNAME=victim psql -X -q -o /dev/null -c "SELECT lem_schedule('alpha', lem_order(1), history) FROM series" -c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
for ((tries = 0; tries < 300; tries++)); do
	[ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'")" = 1 ] && break
	sleep 0.1
done
ok "a session is killed" $LEM_SERVER_AS kill -KILL "$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")"
wait
for ((tries = 0; tries < 600; tries++)); do
	sql -c "SELECT 1" >/dev/null 2>&1 && break
	sleep 0.1
done
is "a crash starts them afresh" "$(sql -c "SELECT count(*) FROM lem_stat" -c "SELECT count(*) FROM lem_stat_backend")" $'0\n1'
sql -o /dev/null -c "SELECT lem_schedule('alpha', lem_order(1), history) FROM series"
is "and they go on" "$(sql -c "SELECT calls FROM lem_stat")" 3
exit $failed

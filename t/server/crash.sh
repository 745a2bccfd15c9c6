# A server that is killed in the middle of imports comes back with whole models and no halves.
if [ -z "${LEM_CRASH:-}" ]; then
	# one of its own: the others would not survive
	export LEM_CRASH=running
	exec scripts/server -c fsync=on -c full_page_writes=on -c synchronous_commit=on -c restart_after_crash=on bash "$0"
fi
. t/server/common
sql -c "CREATE EXTENSION lem"
import whole medium >/dev/null
sum=$(sql -c "SELECT md5(lem_export('whole'))")
statement="SELECT lem_import('half', file, '$(config medium)') FROM reference_weights WHERE name = 'medium'"

# Wait until the server takes queries again.
recovered()
{
	for ((tries = 0; tries < 600; tries++)); do
		sql -c "SELECT 1" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

# Inside a transaction that has not ended
PGAPPNAME=victim psql -X -q -o /dev/null -c "BEGIN" -c "$statement" -c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
for ((tries = 0; tries < 300; tries++)); do
	[ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'")" = 1 ] && break
	sleep 0.1
done
ok "a session is killed" $LEM_SERVER_AS kill -KILL "$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")"
wait
ok "the server recovers" recovered
is "nothing is left of an import without a commit" "$(sql -c "SELECT (SELECT count(*) FROM lem_models WHERE name = 'half'), (SELECT count(*) FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model))")" "0|0"
is "what was there is whole" "$(sql -c "SELECT md5(lem_export('whole'))")" "$sum"

# At any moment of imports without end, however fast the machine is
killed=0
for ((i = 1; i <= 4; i++)); do
	yes "$statement;" | PGAPPNAME=victim psql -X -q -o /dev/null >/dev/null 2>&1 &
	for ((tries = 0; tries < 300; tries++)); do
		pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")
		[ -z "$pid" ] || break
		sleep 0.1
	done
	sleep 0.$((i * 13 + 20))
	! $LEM_SERVER_AS kill -KILL "$pid" || killed=$((killed + 1))
	wait
	recovered || break
done
is "each time in the middle of imports" $killed 4
ok "the server recovers each time" [ $i = 5 ]
is "each version is there as a whole" "$(sql -c "SELECT count(*) > 0, count(*) = max(version), count(DISTINCT md5(lem_export('half@' || version))) FROM lem_models WHERE name = 'half'")" "t|t|1"
is "and has all its parts" "$(sql -c "SELECT count(DISTINCT c), (SELECT count(*) FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model)) FROM (SELECT model_id, count(*) AS c FROM lem_model_part GROUP BY model_id) AS p")" "1|0"
is "imports go on" "$(sql -c "$statement" | grep -cE '^[0-9]+$')" 1
exit $failed

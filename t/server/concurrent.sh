# Sessions that import, deploy, drop and use the same model at the same time.
. t/server/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sql -c "CREATE EXTENSION lem"
is "a first version" "$(import first tiny)" 1

# Two sessions import the same name; the second waits for the first, and gets the next version.
statement="SELECT lem_import('pair', file, '$(config tiny)') FROM reference_weights WHERE name = 'tiny';"
# a session that reads statements from a pipe, and answers on another
coproc one { psql -X -q -A -t 2>&1; }
to_one=${one[1]} from_one=${one[0]}
echo "BEGIN; $statement" >&$to_one
read -r -t 60 answer <&$from_one
is "the first session's version" "$answer" 1
sql -c "$statement" >"$folder/answer" 2>&1 &
second=$!
for ((i = 0; i < 300; i++)); do
	[ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%lem_import(''pair''%' AND wait_event_type = 'Lock' AND datname = current_database()")" = 1 ] && break
	sleep 0.1
done
ok "the second session waits" [ $i -lt 300 ]
echo "COMMIT;" >&$to_one
wait $second
is "the second session's version" "$(cat "$folder/answer")" 2
is "one of them is deployed" "$(sql -c "SELECT version, deployed FROM lem_models WHERE name = 'pair' ORDER BY version")" $'1|t\n2|f'

# The first one is rolled back: its number is free again, and the second is deployed.
statement=${statement//pair/undone}
echo "BEGIN; $statement" >&$to_one
read -r -t 60 answer <&$from_one
sql -c "$statement" >"$folder/answer" 2>&1 &
second=$!
for ((i = 0; i < 300; i++)); do
	[ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%lem_import(''undone''%' AND wait_event_type = 'Lock' AND datname = current_database()")" = 1 ] && break
	sleep 0.1
done
ok "the second session waits for one that is rolled back, too" [ $i -lt 300 ]
echo "ROLLBACK;" >&$to_one
wait $second
is "after a rollback" "$answer $(cat "$folder/answer") $(sql -c "SELECT version, deployed FROM lem_models WHERE name = 'undone'")" "1 1 1|t"
exec {to_one}>&- {from_one}<&-

# Many at once, in no order
for ((i = 0; i < 12; i++)); do
	import crowd tiny "{\"norm_window\": $((100 + i))}" &
done >"$folder/answers" 2>&1
wait
is "twelve imports at once" "$(sort -n "$folder/answers" | tr '\n' ' ')" "1 2 3 4 5 6 7 8 9 10 11 12 "
is "and one version deployed" "$(sql -c "SELECT count(*) FILTER (WHERE deployed), count(*), count(DISTINCT config) FROM lem_models WHERE name = 'crowd'")" "1|12|12"

# Deploying, dropping, importing and scheduling all together: each does it or says why not.
simulate 18 A
sql -c "CREATE TABLE series AS SELECT lem_bars(ts, price, volume) AS history FROM bars"
log=$folder/log
for ((i = 1; i <= 4; i++)); do
	for ((j = 0; j < 12; j++)); do
		echo "SELECT lem_deploy('crowd', 1 + $(((i * 5 + j) % 12)));"
		echo "SELECT lem_schedule('crowd', lem_order(1), history) IS NOT NULL FROM series;"
		echo "SELECT lem_drop('crowd@$(((i * 7 + j * 5) % 12 + 1))');"
		echo "SELECT lem_import('crowd', file, '$(config tiny)') FROM reference_weights WHERE name = 'tiny';"
	done | psql -X -q -A -t -o /dev/null -v VERBOSITY=sqlstate 2>>"$log" &
done
wait
# unknown version; deployed while others exist; a deadlock or a race that one of two must lose
is "what went wrong was foreseen" "$(sed 's/^.*ERROR: *//' "$log" | grep -vxE 'LM010|2BP01|55006|55000|40P01|40001|42704' | sort | uniq -c | head -5)" ""
sort "$log" | uniq -c | sed 's/^/# /'
is "still one version deployed" "$(sql -c "SELECT count(*) FILTER (WHERE deployed), count(DISTINCT version) = count(*) FROM lem_models WHERE name = 'crowd'")" "1|t"
is "and every part is there" "$(sql -c "SELECT count(*) FROM lem_models WHERE name = 'crowd' AND length(lem_export(name || '@' || version)) IS NULL")" 0
is "and no part is left of others" "$(sql -c "SELECT count(*) FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model)")" 0

# A version that is dropped while another session uses it: the plan is finished or refused.
sql -o /dev/null -c "SELECT lem_drop('crowd')"
is "a dropped model" "$(psql -X -q -A -t -v VERBOSITY=sqlstate -c "SELECT lem_schedule('crowd', lem_order(1), history) FROM series" 2>&1)" "ERROR:  LM010"

exit $failed

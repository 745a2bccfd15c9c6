# Orders worked by pg_cron, as doc/operations.md shows it: bars come from a feeder, slices appear, and the run log says
# what happened.  pg_cron counts in minutes: this takes three of them.
if [ -z "${LEM_CRON:-}" ]; then
	export LEM_CRON=running
	exec scripts/server -c shared_preload_libraries=pg_cron -c cron.database_name=postgres -c cron.use_background_workers=on bash "$0"
fi
. t/server/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sql -c "CREATE EXTENSION lem" -c "CREATE EXTENSION pg_cron"
is "a model" "$(import cron tiny)" 1

# A trader submits, the desk works; neither is a superuser.
sql <<-'SQL'
	CREATE ROLE trader LOGIN;
	CREATE ROLE desk LOGIN IN ROLE trader;
	GRANT USAGE ON SCHEMA cron TO desk;
	SELECT FROM lem_grant('cron', 'trader', 'use');
	CREATE TABLE feed AS SELECT s AS symbol, '2026-03-02 09:00:00+00'::timestamptz + m * interval '1 minute' AS ts,
		100 * exp(sin((m + ascii(s)) / 7.0) / 100) AS price, 1000 * (1.1 + sin(m / 3.0 + ascii(s))) AS volume
		FROM unnest('{A,B}'::text[]) AS s, generate_series(-400, 20) AS m;
	CREATE TABLE bars (symbol text, ts timestamptz, price float8, volume float8, PRIMARY KEY (symbol, ts));
	INSERT INTO bars SELECT * FROM feed WHERE ts <= '2026-03-02 09:00:00+00';
	GRANT SELECT ON bars TO desk;
SQL
is "orders" "$(sql -U trader -c "SELECT lem_submit_order('A', 'cron', lem_order(1000, lot => 10)), lem_submit_order('B', 'cron', lem_order(500, 'sell', min_bars => 2))")" "1|2"
is "a job" "$(sql -U desk -c "SELECT cron.schedule('work orders', '* * * * *', \$\$CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars')\$\$)")" 1

# One whose query is wrong: the log says so.
sql -U desk -o /dev/null -c "SELECT cron.schedule('wrong', '* * * * *', \$\$CALL lem_work('SELECT symbol AS series, ts, price FROM bars')\$\$)"

# An execution system listens, from another session.
coproc listener { psql -X -q -A -t 2>&1; }
to=${listener[1]} from=${listener[0]}
echo "LISTEN lem_slice;" >&$to

feed()							# the next bar of each symbol
{
	sql -c "INSERT INTO bars SELECT f.* FROM feed AS f WHERE ts = (SELECT max(ts) + interval '1 minute' FROM bars)"
}

slices()						# wait until orders have so many slices
{
	local tries

	for ((tries = 0; tries < 900; tries++)); do
		[ "$(sql -c "SELECT count(*) FROM lem_child_slice")" -ge "$1" ] && return
		sleep 0.1
	done
	return 1
}

ok "the first slices appear" slices 2
feed
ok "and after a bar the next" slices 4
for ((i = 0; i < 5; i++)); do feed; done
ok "and all that are left" slices 8
is "orders end" "$(sql -c "SELECT id, state, slices, quantity, owner FROM lem_orders ORDER BY id")" $'1|finished|4|1000|trader\n2|finished|4|500|trader'
is "the trader sees his slices, in order" "$(sql -U trader -c "SELECT order_id, string_agg(step || CASE WHEN late THEN ' late' ELSE '' END, ', ' ORDER BY step), min(decided_by) FROM lem_slices GROUP BY order_id ORDER BY order_id")" $'1|1, 2, 3 late, 4 late|desk\n2|1, 2, 3 late, 4 late|desk'
for ((i = 0; i < 50; i++)); do
	[ "$(sql -c "SELECT count(*) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')")" -ge 6 ] && break
	sleep 0.1
done
is "the run log" "$(sql -c "SELECT bool_and(status = CASE jobid WHEN 1 THEN 'succeeded' ELSE 'failed' END), count(*) BETWEEN 3 AND 5, min(username), min(split_part(return_message, E'\n', 1)) FROM cron.job_run_details WHERE status <> 'running' GROUP BY jobid ORDER BY jobid")" $'t|t|desk|CALL\nt|t|desk|ERROR: the query for the bars has no column "volume"'

# What the listener heard: psql tells it after its next answer.
echo "SELECT 'begin'; SELECT 'end';" >&$to
while read -r -t 30 line <&$from && [ "$line" != end ]; do
	echo "$line"
done >"$folder/heard"
exec {to}>&-
wait
is "notifications" "$(sed -n 's/.*payload "\(.*\)" received.*/\1/p' "$folder/heard" | sort | sql -c "CREATE TEMP TABLE heard (payload jsonb)" -c "\\copy heard from pstdin with (format csv, quote e'\\x01', delimiter e'\\x02')" -c "SELECT payload ->> 'event', count(*), count(DISTINCT (payload -> 'order', payload -> 'step')), bool_and((payload ->> 'quantity')::float8 = quantity), string_agg(DISTINCT payload ->> 'series' || ' ' || coalesce(payload ->> 'side', ''), ', ') FROM heard LEFT JOIN lem_child_slice ON order_id = (payload ->> 'order')::bigint AND step = (payload ->> 'step')::int GROUP BY 1 ORDER BY 1")" $'finished|2|2||A , B \nslice|8|8|t|A buy, B sell'

exit $failed

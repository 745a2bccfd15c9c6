# Orders worked by pg_cron, as doc/operations.md shows it, by the clock: bars come two seconds after their minute, the job
# some seconds later, slices are in time, and the run log says what happened and is purged.  pg_cron counts in minutes: this
# takes six of them.
if [ -z "${LEM_CRON:-}" ]; then
	export LEM_CRON=running
	exec scripts/server -c shared_preload_libraries=pg_cron -c cron.database_name=postgres -c cron.use_background_workers=on -c lem.notify_details=on bash "$0"
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
	CREATE SCHEMA AUTHORIZATION desk;
	GRANT USAGE ON SCHEMA cron TO desk;
	SELECT FROM lem_grant('cron', 'trader', 'use');
	-- bars of minutes
	CREATE FUNCTION minutes(first timestamptz, last timestamptz) RETURNS TABLE (symbol text, ts timestamptz, price float8, volume float8) LANGUAGE sql AS $$
		SELECT s, ts, 100 * exp(sin((m + ascii(s)) / 7.0) / 100), 1000 * (1.1 + sin(m / 3.0 + ascii(s)))
		FROM unnest('{A,B}'::text[]) AS s, generate_series(first, last, '1 minute') AS ts, LATERAL (SELECT extract(epoch FROM ts - '2026-01-01 00:00+00')::float8 / 60 AS m) AS m
	$$;
	CREATE TABLE bars (symbol text, ts timestamptz, price float8, volume float8, PRIMARY KEY (symbol, ts));
	INSERT INTO bars SELECT * FROM minutes(date_trunc('minute', now()) - interval '400 minutes', date_trunc('minute', now()) - interval '1 minute');
	GRANT SELECT ON bars TO desk;
SQL
is "orders" "$(sql -U trader -c "SELECT lem_submit_order('A', 'cron', lem_order(1000, lot => 10)), lem_submit_order('B', 'cron', lem_order(500, 'sell', min_bars => 2))")" "1|2"
sql -U desk <<-'SQL'
	CREATE PROCEDURE work_orders() LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_sleep(5);
		CALL lem_work('SELECT symbol AS series, ts, price, volume FROM public.bars');
	END
	$$;
SQL

# The feed: each bar two seconds after it has ended.
touch "$folder/open"
while [ -e "$folder/open" ]; do
	sql -c "INSERT INTO bars SELECT m.* FROM minutes((SELECT max(ts) + interval '1 minute' FROM bars), clock_timestamp() - interval '1 minute 2 seconds') AS m"
	sleep 0.5
done &
feeder=$!
trap 'rm -rf "$folder"; kill $feeder 2>/dev/null; wait' EXIT

is "a job" "$(sql -U desk -c "SELECT cron.schedule('work orders', '* * * * *', 'CALL work_orders()')")" 1
# One whose query is wrong: the log says so.
is "a wrong one" "$(sql -U desk -c "SELECT cron.schedule('wrong', '* * * * *', \$\$CALL lem_work('SELECT symbol AS series, ts, price FROM public.bars')\$\$)")" 2
is "and one that forgets runs" "$(sql -U desk -c "SELECT cron.schedule('forget runs', '17 3 * * *', \$\$DELETE FROM cron.job_run_details WHERE end_time < now() - interval '3 days'\$\$)")" 3

# An execution system listens, from another session.
coproc listener { psql -X -q -A -t 2>&1; }
to=${listener[1]} from=${listener[0]}
echo "LISTEN lem_slice;" >&$to

for ((tries = 0; tries < 480; tries++)); do
	[ "$(sql -c "SELECT count(*) FROM lem_parent_order WHERE state = 'finished'")" = 2 ] && break
	sleep 1
done
rm "$folder/open"
is "orders end" "$(sql -c "SELECT id, state, slices, quantity, owner FROM lem_orders ORDER BY id")" $'1|finished|4|1000|trader\n2|finished|4|500|trader'
is "the trader sees his slices, in order, none late" "$(sql -U trader -c "SELECT order_id, string_agg(step || CASE WHEN late THEN ' late' ELSE '' END, ', ' ORDER BY step), min(decided_by) FROM lem_slices GROUP BY order_id ORDER BY order_id")" $'1|1, 2, 3, 4|desk\n2|1, 2, 3, 4|desk'
is "a minute after another, each told into its bar" "$(sql -c "SELECT bool_and(lag >= '5 seconds' AND lag < '1 minute'), bool_and(ts = first + (step - 1) * interval '1 minute'), bool_and(bar_ts = ts) FROM (SELECT *, min(ts) OVER (PARTITION BY order_id) AS first FROM lem_slices) AS s")" "t|t|t"
sql -c "SELECT format('# slices were told %s to %s seconds into their bars', round(min(extract(epoch FROM lag)), 1), round(max(extract(epoch FROM lag)), 1)) FROM lem_slices"
is "the run log" "$(sql -c "SELECT bool_and(status = CASE jobid WHEN 1 THEN 'succeeded' ELSE 'failed' END), count(*) BETWEEN 3 AND 9, min(username), min(split_part(return_message, E'\n', 1)) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed') GROUP BY jobid ORDER BY jobid")" $'t|t|desk|CALL\nt|t|desk|ERROR: the query for the bars has no column "volume"'
sql -U desk -o /dev/null -c "SELECT cron.unschedule(jobid) FROM cron.job"
is "the desk purges it" "$(sql -U desk -c "WITH d AS (DELETE FROM cron.job_run_details WHERE end_time < clock_timestamp() RETURNING 1) SELECT count(*) > 5 FROM d" -c "SELECT count(*) FROM cron.job_run_details WHERE end_time < now() - interval '5 seconds'")" $'t\n0'
# What the listener heard: psql tells it after its next answer.
echo "SELECT 'begin'; SELECT 'end';" >&$to
while read -r -t 30 line <&$from && [ "$line" != end ]; do
	echo "$line"
done >"$folder/heard"
exec {to}>&-
wait
is "notifications" "$(sed -n 's/.*payload "\(.*\)" received.*/\1/p' "$folder/heard" | sort | sql -c "CREATE TEMP TABLE heard (payload jsonb)" -c "\\copy heard from pstdin with (format csv, quote e'\\x01', delimiter e'\\x02')" -c "SELECT payload ->> 'event', count(*), count(DISTINCT (payload -> 'order', payload -> 'step')), bool_and((payload ->> 'quantity')::float8 = quantity), string_agg(DISTINCT payload ->> 'series' || ' ' || coalesce(payload ->> 'side', ''), ', ') FROM heard LEFT JOIN lem_child_slice ON order_id = (payload ->> 'order')::bigint AND step = (payload ->> 'step')::int GROUP BY 1 ORDER BY 1")" $'finished|2|2||A , B \nslice|8|8|t|A buy, B sell'

exit $failed

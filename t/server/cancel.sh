# Long calls are cancelled, soon, and the session goes on.
. t/server/common
sql -c "CREATE EXTENSION lem"
import cancel medium >/dev/null
simulate 20 A
sql <<-'SQL'
	CREATE TABLE series AS SELECT lem_bars(ts, price, volume) AS history FROM (SELECT * FROM bars ORDER BY ts DESC LIMIT 362) AS b;
	-- what takes a second or more; statements do it many times, so that they are still at it when they are
	-- cancelled, however busy the machine is
	CREATE TABLE batch AS SELECT array_agg(i::bigint) AS ids, array_agg(lem_order(i)) AS ords, array_agg(history) AS histories
		FROM generate_series(1, 15000) AS i, series;
	CREATE TABLE windows AS SELECT array_agg(x) AS x, array_agg(0::float4) AS low, array_agg(1::float4) AS high
		FROM (SELECT array_fill(1::float4, ARRAY[29, 7]) AS x FROM generate_series(1, 30000)) AS w;
	CREATE TABLE many AS SELECT timestamptz '2020-01-01 00:00:00+00' + ((i * 7919::bigint) % 1000003) * interval '1 minute' AS ts, 1::float8 AS price, 1::float8 AS volume
		FROM generate_series(1, 1000000) AS i;
	CREATE TABLE many_series AS SELECT lem_bars(ts, price, volume) AS history FROM many;
	CREATE TABLE many_book AS SELECT lem_book(ts, price, price + 0.5, price - 0.5, price, volume) AS book FROM (SELECT * FROM many LIMIT 100000) AS m;
SQL
slow=0

# cancelled NAME FUNCTION STATEMENT: cancel it by hand, and by a timeout
cancelled()
{
	local log began answered pid tries

	log=$(mktemp)
	PGAPPNAME=victim psql -X -q -A -t -v VERBOSITY=sqlstate -c "SET client_min_messages = warning" -c "SET statement_timeout = '60s'" -c "$3" -c "RESET statement_timeout" -c "SELECT 'alive', count(*) FROM lem_models" >"$log" 2>&1 &
	pid=$!
	for ((tries = 0; tries < 300; tries++)); do
		[ "$(sql -c "SELECT state FROM pg_stat_activity WHERE application_name = 'victim' AND query LIKE '%$2%'")" = active ] && break
		sleep 0.1
	done
	sleep 0.7
	began=$(now)
	sql -o /dev/null -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
	wait $pid
	answered=$(($(now) - began))
	is "$1 is cancelled" "$(grep -v '^$' "$log")" $'ERROR:  57014\nalive|1'
	echo "# $answered ms"
	[ $answered -lt 1000 ] || slow=$((slow + 1))
	# A machine that does other things may take its time; a loop that does not look would take longer.
	ok "$1 is cancelled soon" [ $answered -lt 10000 ]

	began=$(now)
	psql -X -q -A -t -v VERBOSITY=sqlstate -c "SET client_min_messages = warning" -c "SET statement_timeout = '300ms'" -c "$3" -c "RESET statement_timeout" -c "SELECT 'alive', count(*) FROM lem_models" >"$log" 2>&1
	answered=$(($(now) - began))
	is "$1 keeps to statement_timeout" "$(grep -v '^$' "$log")" $'ERROR:  57014\nalive|1'
	ok "$1 keeps to it soon" [ $answered -lt 10300 ]
	rm -f "$log"
}

cancelled "lem_schedule_batch" lem_schedule_batch "SELECT count(*) FROM generate_series(1, 10000) AS i, batch, LATERAL lem_schedule_batch('cancel', ids, ords, histories)"
cancelled "lem_forward" lem_forward "SELECT sum(cardinality(lem_forward('cancel', x, low, high))) FROM windows, generate_series(1, 10000)"
cancelled "lem_schedule, many times" lem_schedule "SELECT count(*) FROM series, generate_series(1, 1000000) AS i, LATERAL lem_schedule('cancel', lem_order(i), history)"
cancelled "lem_explain, many times" lem_explain "SELECT count(*) FROM series, generate_series(1, 1000000) AS i, LATERAL lem_explain('cancel', lem_order(i), history)"
cancelled "lem_backtest" lem_backtest "SELECT sum(r.orders) FROM generate_series(1, 10000) AS i, many_series, LATERAL lem_backtest('cancel', lem_order(1), history) AS r"
cancelled "lem_backtest_orders of a baseline" lem_backtest_orders "SELECT count(*) FROM generate_series(1, 10000) AS i, many_series, LATERAL lem_backtest_orders('baseline:vwap_curve', lem_order(1), history)"
cancelled "lem_bars, unsorted" lem_bars "SELECT sum(lem_bars_count(b)) FROM generate_series(1, 100) AS i, LATERAL (SELECT lem_bars(ts, price + i, volume) AS b FROM many) AS m"
cancelled "lem_import" lem_import "SELECT count(lem_import('never', file, '$(config medium)') * i) FROM reference_weights, generate_series(1, 100000) AS i WHERE name = 'medium'"
cancelled "lem_distill" lem_distill "CALL lem_distill('never', NULL, \$\$SELECT 'A' AS series, ts, price AS open, price AS high, price AS low, price AS close, volume, ARRAY[price, 0, volume]::float8[] AS teacher FROM bars\$\$,
	'{\"spread\": \"estimated\", \"horizon\": 1, \"lookback\": 8, \"norm_window\": 60}', '{\"epochs\": 1000}')"
cancelled "lem_train_maker" lem_train_maker "CALL lem_train_maker('never', \$\$SELECT 'A' AS series, ts, price AS open, price AS high, price AS low, price AS close, volume FROM bars\$\$,
	'{\"spread\": \"estimated\", \"horizon\": 1, \"lookback\": 8, \"norm_window\": 60}', '{\"epochs\": 100000, \"patience\": 100000}')"
cancelled "lem_maker_backtest" lem_maker_backtest "SELECT count(*) FROM generate_series(1, 1000) AS i, many_book, LATERAL lem_maker_backtest('baseline:linear', lem_quoting(1, 0.01, 1, 0.1, 100 + i), book)"
cancelled "lem_tune_quoting" lem_tune_quoting "SELECT count(*) FROM generate_series(1, 1000) AS i, many_book, LATERAL lem_tune_quoting('baseline:fixed', lem_quoting(3, 0.01, 1, NULL, 100 + i), book) AS q"
is "nothing was stored" "$(sql -c "SELECT count(*) FROM lem_models WHERE name <> 'cancel'")" 0

# A session that is told to end does, in the middle of a batch.
PGAPPNAME=victim psql -X -q -c "SELECT count(*) FROM generate_series(1, 10000) AS i, batch, LATERAL lem_schedule_batch('cancel', ids, ords, histories)" >/dev/null 2>&1 &
for ((tries = 0; tries < 300; tries++)); do
	[ "$(sql -c "SELECT state FROM pg_stat_activity WHERE application_name = 'victim'")" = active ] && break
	sleep 0.1
done
sleep 0.5
is "a session is told to end" "$(sql -c "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'victim'")" t
wait
[ $slow = 0 ] || echo "# $slow took more than a second"
exit $failed

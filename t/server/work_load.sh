# Orders over many symbols with bars of a minute, worked by two callers, one of which is killed each minute: every slice
# is decided exactly once, and before its bar has completed.
#
# LEM_LOAD_ORDERS (default 100) over LEM_LOAD_SYMBOLS (10) in LEM_LOAD_MINUTES (4; 10 at most); make check-work tries
# 10,000 over 1,000 in 10.  A minute takes LEM_LOAD_SECONDS here (1), longer where slices are still to be decided, but never more
# than 60.  Each reading of bars takes LEM_LOAD_PAUSE seconds (0.1) more than it would.
if [ -z "${LEM_CRASH:-}" ]; then
	# one of its own: killed servers take other sessions with them
	export LEM_CRASH=running
	exec scripts/server -c fsync=on -c full_page_writes=on -c synchronous_commit=on -c restart_after_crash=on bash "$0"
fi
. t/server/common
folder=$(mktemp -d)
n=${LEM_LOAD_ORDERS:-100}
symbols=${LEM_LOAD_SYMBOLS:-10}
minutes=${LEM_LOAD_MINUTES:-4}
minute=${LEM_LOAD_SECONDS:-1}
# bars take a moment to read, a lot of series after the other, so that there is a middle of a call to be killed in
query="SELECT symbol AS series, ts, price, volume FROM bars, (SELECT pg_sleep(${LEM_LOAD_PAUSE:-0.1})) AS slow"

caller()						# call lem_work again and again, until the file is gone
{
	while [ -e "$folder/open" ]; do
		PGAPPNAME=caller$1 psql -X -q -v ON_ERROR_STOP=1 -c "CALL lem_work('$query', bars_end())" &
		echo $! >"$folder/pid$1"
		wait $! || echo "cut short"
		sleep 0.1
	done
}

recovered()						# wait until the server takes queries again
{
	local tries

	for ((tries = 0; tries < 600; tries++)); do
		sql -c "SELECT 1" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

ask()							# a query's answer, also from a server that is just coming back
{
	recovered && sql -c "$1" 2>/dev/null
}

sql <<-SQL
	CREATE EXTENSION lem;
	CREATE TABLE feed AS SELECT 'S' || s AS symbol, '2026-03-02 09:00:00+00'::timestamptz + m * interval '1 minute' AS ts,
		100 * exp(sin((m + s) / 7.0) / 100 + sin(m * s) / 1000) AS price, 1000 * (1.1 + sin(m / 3.0 + s)) AS volume
		FROM generate_series(1, $symbols) AS s, generate_series(-400, $minutes) AS m;
	CREATE TABLE bars (symbol text, ts timestamptz, price float8, volume float8, fed_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (symbol, ts));
	INSERT INTO bars SELECT * FROM feed WHERE ts < '2026-03-02 09:00:00+00';
	ANALYZE bars;
	-- what time it is: that at which the last bar ends
	CREATE FUNCTION bars_end() RETURNS timestamptz LANGUAGE sql AS \$\$ SELECT max(ts) + interval '1 minute' FROM bars \$\$;
	SET client_min_messages = error;
	CALL lem_train('load', 'SELECT symbol AS series, ts, price, volume FROM bars WHERE symbol IN (''S1'', ''S2'')',
		'{"lookback": 8, "n_ahead": $minutes, "hidden_size": 8, "num_heads": 2, "num_embedding": 3, "fused_mlp_hidden_dim": 6, "hidden_rnn_layer": 1, "norm_window": 60}',
		'{"epochs": 1, "samples": 64, "batch": 32}');
SQL
is "$n orders" "$(sql -c "SELECT count(lem_submit_order('S' || 1 + i % $symbols, 'load', lem_order(100 * i, CASE i % 3 WHEN 0 THEN 'sell' ELSE 'buy' END, min_bars => CASE i % 4 WHEN 0 THEN NULL ELSE $minutes - 1 END, min_rate => 0.01, max_rate => 3.0 / $minutes, lot => CASE i % 5 WHEN 0 THEN 1 END, start_ts => '2026-03-02 09:00:00+00'))) FROM generate_series(1, $n) AS i")" $n
sql -c "CHECKPOINT"

touch "$folder/open"
caller 1 >"$folder/caller1" 2>&1 &
one=$!
caller 2 >"$folder/caller2" 2>&1 &
two=$!
trap 'rm -rf "$folder"; kill $one $two 2>/dev/null; wait' EXIT

# kill_caller KIND: end a call in the middle, by its session (0), its client (1) or its server process (2); fails if no
# call was found for half a minute.  Processes say in their titles when they are at a call, which is soon over.
kill_caller()
{
	local pid began postmaster

	began=$(now)
	while [ $(($(now) - began)) -lt 30000 ]; do
		sleep 0.0$((RANDOM % 10))
		if [ $1 = 1 ]; then
			! kill -KILL "$(cat "$folder/pid$((1 + RANDOM % 2))")" 2>/dev/null || return 0
			continue
		fi
		read -r postmaster 2>/dev/null <"$LEM_SERVER_DIR/data/postmaster.pid" || continue
		pid=$(ps --ppid "$postmaster" -o pid=,args= | awk '/\] CALL$/ { print $1; exit }')
		[ -n "$pid" ] || continue
		! kill -$([ $1 = 0 ] && echo TERM || echo KILL) "$pid" 2>/dev/null || return 0
	done
	return 1
}

undecided="SELECT count(*) FROM lem_parent_order AS o WHERE state = 'active' AND NOT EXISTS (SELECT FROM lem_child_slice AS c WHERE c.order_id = o.id AND c.step > %d) AND coalesce((SELECT max(cumulative) FROM lem_child_slice AS c WHERE c.order_id = o.id), 0) < 1"
killed=0
clients=0						# of them clients: their calls are cut short for certain
RANDOM=7
for ((m = -1; m < minutes; m++)); do
	# the bar of minute m - 1 has completed; slices of minute m are due
	[ $m = -1 ] || ask "INSERT INTO bars SELECT f.* FROM feed AS f WHERE ts = '2026-03-02 08:59:00+00'::timestamptz + $m * interval '1 minute' ON CONFLICT DO NOTHING" >/dev/null
	began=$(now)
	if [ $m -ge 0 ]; then
		! kill_caller $((m % 3)) || killed=$((killed + 1))
		[ $((m % 3)) != 1 ] || clients=$((clients + 1))
	fi
	until [ $(($(now) - began)) -ge $((minute * 1000)) ] && [ "$(ask "$(printf "$undecided" $m)")" = 0 ]; do
		[ $(($(now) - began)) -lt 60000 ] || break
		sleep 0.2
	done
done
ask "INSERT INTO bars SELECT * FROM feed WHERE ts = '2026-03-02 08:59:00+00'::timestamptz + $minutes * interval '1 minute' ON CONFLICT DO NOTHING"
for ((tries = 0; tries < 300; tries++)); do
	[ "$(ask "SELECT count(*) FROM lem_parent_order WHERE state = 'active'")" = 0 ] && break
	sleep 0.2
done
rm "$folder/open"
wait $one $two

is "a caller was killed each minute" $killed $minutes
cut=$(cat "$folder"/caller[12] | grep -c "^cut short")
ok "calls were cut short" [ $cut -ge $clients ]
is "all orders are finished" "$(sql -c "SELECT state, count(*) FROM lem_orders GROUP BY state")" "finished|$n"
is "every slice exactly once" "$(sql -c "SELECT count(*), count(*) FILTER (WHERE whole), count(*) FILTER (WHERE s.quantity = (ord).size), count(*) FILTER (WHERE steps = last AND steps > 1) FROM (SELECT order_id, sum(allocation) = 1 AS whole, sum(quantity) AS quantity, count(*) AS steps, max(step) AS last FROM lem_child_slice GROUP BY order_id) AS s JOIN lem_parent_order ON id = order_id")" "$n|$n|$n|$n"
is "none is late" "$(sql -c "SELECT count(*) FILTER (WHERE c.late), count(*) FILTER (WHERE c.decided_at >= b.fed_at), count(*) FILTER (WHERE b.fed_at IS NULL) FROM lem_child_slice AS c JOIN lem_parent_order AS o ON o.id = c.order_id LEFT JOIN bars AS b ON b.symbol = o.series AND b.ts = c.ts")" "0|0|0"
is "as one schedule would have them" "$(sql -c "
	SELECT bool_and((c.ts, c.allocation, c.quantity) IS NOT DISTINCT FROM (s.ts, s.allocation, s.quantity) OR (c.step IS NULL AND s.allocation = 0)), count(c.step) = (SELECT count(*) FROM lem_child_slice)
	FROM (SELECT array_agg(o.id) AS ids, array_agg(o.ord) AS ords, array_agg(b.bars) AS bars FROM lem_parent_order AS o JOIN (SELECT symbol, lem_bars(ts, price, volume) AS bars FROM bars GROUP BY symbol) AS b ON b.symbol = o.series) AS a,
		lem_schedule_batch('load', ids, ords, bars) AS s LEFT JOIN lem_child_slice AS c ON c.order_id = s.id AND c.step = s.step")" "t|t"
sql -c "SELECT format('# a slice was decided %s s after its bar was due, at most %s s', round(avg(late), 2), round(max(late), 2)) FROM (SELECT extract(epoch FROM c.decided_at - b.fed_at) AS late FROM lem_child_slice AS c JOIN lem_parent_order AS o ON o.id = c.order_id JOIN bars AS b ON b.symbol = o.series AND b.ts = c.ts - interval '1 minute' WHERE c.step > 1) AS d"
echo "# $cut calls were cut short"
exit $failed

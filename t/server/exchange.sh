# A simulated exchange that fills some slices in part, late, at other prices, rejects, busts, halts and splits; callers of
# lem_work are killed and call again.  EXCHANGE_ORDERS: how many orders (make check-exchange: 1000).
. t/server/common
orders=${EXCHANGE_ORDERS:-60}

sql -c "CREATE EXTENSION lem"
import exchange medium '{"n_ahead": 6}' >/dev/null
sql -o /dev/null -v orders="$orders" -f t/exchange/setup.sql
sql -o /dev/null -c "SELECT lem_submit_order(series, model, ord, client_id => 'order ' || i, track => CASE i % 6 WHEN 0 THEN 'plan' ELSE 'fills' END) FROM wanted ORDER BY i"
# handed over again, by one who does not know whether he has
is "orders that are handed over twice" "$(sql -c "SELECT count(*), max(lem_submit_order(series, model, ord, client_id => 'order ' || i)) FROM wanted")" "$orders|$orders"

for hour in $(seq 1 22); do
	work="CALL lem_work('SELECT series, ts, price, volume FROM bars', timestamptz '2026-01-31 23:00+00' + $hour * interval '1 hour')"
	# callers that die: what they held is free again, and what they left undone is done by the next
	if [ $((hour % 3)) -eq 0 ]; then
		psql -X -q -c "$work" >/dev/null 2>&1 &
		sleep 0.0$((hour % 7))
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
	fi
	sql -c "$work" || failed=1
	sql -o /dev/null -v hour="$hour" -f t/exchange/hour.sql || { ok "hour $hour" false; break; }
done
# those that are paused are worked to their end
sql -o /dev/null -c "SELECT lem_resume_order(id, 'skip') FROM lem_orders WHERE state = 'paused'"
sql -o /dev/null -c "INSERT INTO bars SELECT series, ts, CASE series WHEN 'S4' THEN price / 2 ELSE price END, CASE series WHEN 'S4' THEN volume * 2 ELSE volume END FROM market WHERE ts >= timestamptz '2026-02-01 22:00+00'"
sql -c "CALL lem_work('SELECT series, ts, price, volume FROM bars', '2026-02-03 13:00+00')"
sql -f t/exchange/end.sql >"${TMPDIR:-/tmp}/exchange.$$"
{ read -r broken; read -r states; read -r lost; read -r kinds; read -r events; read -r shares; } <"${TMPDIR:-/tmp}/exchange.$$"
rm -f "${TMPDIR:-/tmp}/exchange.$$"
is "limits broken, and slices changed" "$broken" none
is "orders end" "$states" finished
is "filled and unallocated are the order, to the lot" "$lost" 0
is "some orders are completed, some are not" "$kinds" "t|t|t"
ok "changes are recorded ($events kinds)" test "$events" -ge 6
echo "# $orders orders; $shares"
exit $failed

# Copies of a server: a physical standby that schedules and is promoted, and logical replication of
# the catalog and of orders to a server of its own.
if [ -z "${LEM_REPLICATION:-}" ]; then
	# the primary, which publishes
	export LEM_REPLICATION=primary
	exec scripts/server -c wal_level=logical -c lem.stat_models=100 -c shared_preload_libraries=lem bash "$0"
elif [ "$LEM_REPLICATION" = primary ]; then
	# within it, the subscriber
	export LEM_REPLICATION=subscriber PRIMARY_HOST=$PGHOST PRIMARY_DIR=$LEM_SERVER_DIR PRIMARY_BIN=$LEM_SERVER_BIN
	exec scripts/server bash "$0"
fi
. t/server/common
subscriber=$PGHOST
standby=$PRIMARY_DIR/standby
trap '[ -z "$standby_runs" ] || $LEM_SERVER_AS "$PRIMARY_BIN/pg_ctl" -D "$standby" -m immediate -s stop' EXIT
standby_runs=

# at HOST: the server that the functions ask
at() { export PGHOST=$1; }

# eventually QUERY: whether it comes to answer true
eventually()
{
	for ((tries = 0; tries < 600; tries++)); do
		[ "$(sql -c "SELECT ($1)" 2>/dev/null)" = t ] && return
		sleep 0.1
	done
	return 1
}

# What must be the same everywhere: models, schedules to the last bit
picture()
{
	sql <<-'SQL'
		SET timezone = 'UTC';
		SET extra_float_digits = 3;
		SELECT name, version, deployed, parameters, bytes, encode(digest, 'hex'), created_at, created_by, md5(lem_export(name || '@' || version)) FROM lem_model ORDER BY name, version;
		SELECT o.id, s.* FROM orders AS o JOIN series USING (symbol), lem_schedule(o.model, o.ord, history) AS s ORDER BY o.id, s.step;
		SELECT symbol, md5(lem_bars_send(history)) FROM series ORDER BY symbol;
		SELECT series, model, ord, state, owner, submitted_at FROM lem_parent_order ORDER BY id;
		SELECT * FROM lem_child_slice ORDER BY order_id, step;
	SQL
}

tables='lem_model, lem_model_name, lem_model_part, lem_parent_order, lem_child_slice, lem_paper_fill, lem_order_fill, lem_order_event, orders, series'
schema="CREATE EXTENSION lem; CREATE TABLE orders (id bigint PRIMARY KEY, symbol text, model text, ord lem_order); CREATE TABLE series (symbol text PRIMARY KEY, history lem_bars);"

at "$PRIMARY_HOST"
sql -c "$schema"
import alpha tiny >/dev/null
import alpha tiny '{"gaps": "skip"}' >/dev/null
import beta medium '{"time_zone": "Europe/Paris"}' >/dev/null
simulate 18 A B C
sql -o /dev/null <<-'SQL'
	INSERT INTO orders SELECT i, chr(65 + i % 3), (ARRAY['alpha', 'alpha@2', 'beta'])[i % 3 + 1], lem_order(100 * i, min_bars => nullif(i % 5, 0)) FROM generate_series(1, 12) AS i;
	INSERT INTO series SELECT symbol, lem_bars(ts, price, volume) FROM bars GROUP BY symbol;
	SELECT lem_submit_order('A', 'alpha', lem_order(5000, start_ts => (SELECT max(ts) FROM bars) - interval '1 hour', lot => 10));
SQL
work="CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', '$(sql -c "SELECT max(ts) + interval '2 hours' FROM bars")')"
sql -c "$work"
is "slices to replicate" "$(sql -c "SELECT count(*) > 0 FROM lem_child_slice")" t

# Physical standby
$LEM_SERVER_AS pg_basebackup -h "$PRIMARY_HOST" -D "$standby" -R -X stream -c fast
$LEM_SERVER_AS mkdir "$PRIMARY_DIR/standby_socket"
$LEM_SERVER_AS "$PRIMARY_BIN/pg_ctl" -D "$standby" -w -s -l "$standby.log" -o "-c unix_socket_directories=$PRIMARY_DIR/standby_socket" start
standby_runs=yes
copy=$PRIMARY_DIR/standby_socket
picture >"$PRIMARY_DIR/want"
is "a picture to compare" "$(grep -c . "$PRIMARY_DIR/want" | awk '{ print ($1 > 60) }')" 1
at "$copy"
is "the standby is one" "$(sql -c "SELECT pg_is_in_recovery()")" t
picture >"$PRIMARY_DIR/have"
ok "standby: the same models and schedules" cmp -s "$PRIMARY_DIR/want" "$PRIMARY_DIR/have"
is "standby: all groups at once, in parallel" "$(sql -c "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0" -c "SELECT count(lem_next_slice('beta', lem_order(1), ts, price, volume)) OVER (), symbol FROM bars GROUP BY symbol ORDER BY symbol")" $'3|A\n3|B\n3|C'
is "standby: what it does is counted" "$(sql -c "SELECT sum(calls) >= 15 FROM lem_stat")" t
# What writes is refused, and says so.
is "standby: what writes is refused" "$(for call in "SELECT lem_import('alpha', lem_export('alpha'))" "SELECT lem_deploy('alpha', 2)" "SELECT lem_drop('beta')" "$work" \
	"SELECT lem_submit_order('A', 'alpha', lem_order(1))" "SELECT lem_cancel_order(1)" \
	"CALL lem_train('gamma', 'SELECT symbol AS series, ts, price, volume FROM bars', '{\"lookback\": 4, \"n_ahead\": 2, \"hidden_size\": 4, \"num_heads\": 2}')"; do
	psql -X -q -A -t -v VERBOSITY=sqlstate -c "$call" 2>&1; done | sort | uniq -c | sed 's/^ *//')" "7 ERROR:  25006"

# A session on the standby follows what happens on the primary.
coproc session { psql -X -q -A -t; }
ask() { echo "$1" >&"${session[1]}"; read -r -t 60 answer <&"${session[0]}"; echo "$answer"; }
before=$(ask "SELECT md5(array_agg(s)::text) FROM series, lem_schedule('alpha', lem_order(1), history) AS s WHERE symbol = 'A';")
at "$PRIMARY_HOST"
sql -o /dev/null -c "SELECT lem_import('alpha', file, '$(config medium)') FROM reference_weights WHERE name = 'medium'" -c "SELECT lem_deploy('alpha', 3)"
at "$copy"
ok "standby: a new version comes" eventually "EXISTS (SELECT FROM lem_models WHERE name = 'alpha' AND version = 3 AND deployed)"
after=$(ask "SELECT md5(array_agg(s)::text) FROM series, lem_schedule('alpha', lem_order(1), history) AS s WHERE symbol = 'A';")
ok "standby: a session that had the old one takes it" test -n "$before" -a -n "$after" -a "$before" != "$after"
is "standby: the old one is still there" "$(ask "SELECT md5(array_agg(s)::text) FROM series, lem_schedule('alpha@1', lem_order(1), history) AS s WHERE symbol = 'A';")" "$before"
at "$PRIMARY_HOST"
sql -o /dev/null -c "SELECT lem_drop('beta')" -c "DELETE FROM orders WHERE model = 'beta'"
at "$copy"
ok "standby: a model goes" eventually "NOT EXISTS (SELECT FROM lem_models WHERE name = 'beta') AND NOT EXISTS (SELECT FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model))"

# Logical replication: the subscriber has the extension, and gets the rows.
at "$PRIMARY_HOST"
sql -c "CREATE PUBLICATION lem_publication FOR TABLE $tables"
at "$subscriber"
sql -c "$schema"
sql -c "CREATE SUBSCRIPTION lem_subscription CONNECTION 'host=$PRIMARY_HOST port=$PGPORT user=postgres dbname=postgres' PUBLICATION lem_publication" 2>/dev/null
synced()
{
	at "$PRIMARY_HOST"
	local lsn=$(sql -c "SELECT pg_current_wal_insert_lsn()")
	eventually "(SELECT confirmed_flush_lsn >= '$lsn' FROM pg_replication_slots WHERE slot_name = 'lem_subscription')" || return
	picture >"$PRIMARY_DIR/want"
	at "$subscriber"
	eventually "(SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel)" || return
	picture >"$PRIMARY_DIR/have" 2>&1
	diff "$PRIMARY_DIR/want" "$PRIMARY_DIR/have" | cut -c1-200 | head -5 | sed 's/^/# /'
	cmp -s "$PRIMARY_DIR/want" "$PRIMARY_DIR/have"
}
eventually "(SELECT count(*) > 0 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel)"
ok "subscriber: the same models, orders and schedules" synced
at "$PRIMARY_HOST"
sql -o /dev/null -c "SELECT lem_import('alpha', lem_export('alpha@1'), '{\"gaps\": \"error\"}' || (SELECT config FROM lem_models WHERE name = 'alpha' AND version = 1))" 2>/dev/null
sql -o /dev/null -c "SELECT lem_deploy('alpha', 1), lem_drop('alpha@2')" -c "UPDATE orders SET model = 'alpha' WHERE model LIKE 'alpha@%'"
sql -c "DELETE FROM bars WHERE symbol <> 'A'" -c "INSERT INTO bars SELECT symbol, ts + interval '1 hour', price, volume FROM bars WHERE ts = (SELECT max(ts) FROM bars)"
sql -c "$work"
ok "subscriber: it follows imports, drops and slices" synced
at "$subscriber"
is "subscriber: parts of dropped versions are gone" "$(sql -c "SELECT count(*) FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model)")" 0

# The subscriber takes over: sequences are not replicated, and set as operations.md says.
sql -c "DROP SUBSCRIPTION lem_subscription" 2>/dev/null
sql -o /dev/null -c "SELECT setval(pg_get_serial_sequence('lem_model', 'id'), max(id)) FROM lem_model" -c "SELECT setval(pg_get_serial_sequence('lem_parent_order', 'id'), max(id)) FROM lem_parent_order" -c "SELECT setval(pg_get_serial_sequence('lem_order_event', 'id'), greatest(max(id), 1)) FROM lem_order_event"
last=$(sql -c "SELECT versions FROM lem_model_name WHERE name = 'alpha'")
is "subscriber: as a server of its own, versions go on" "$(import alpha tiny)" $((last + 1))
sql -o /dev/null -c "SELECT lem_submit_order('A', 'alpha', lem_order(1))"
is "subscriber: and orders" "$(sql -c "SELECT count(*) FROM lem_parent_order")" 2

# The standby takes over.
echo '\q' >&"${session[1]}"
at "$copy"
sql -o /dev/null -c "SELECT pg_promote()"
ok "standby: promoted" eventually "NOT pg_is_in_recovery()"
last=$(sql -c "SELECT versions FROM lem_model_name WHERE name = 'alpha'")
is "standby: versions go on" "$(import alpha tiny)" $((last + 1))
ok "standby: and orders are worked" sql -c "INSERT INTO bars SELECT symbol, ts + interval '1 hour', price, volume FROM bars WHERE ts = (SELECT max(ts) FROM bars)" -c "$work"
is "standby: and nothing is decided twice" "$(sql -c "SELECT count(*) = count(DISTINCT (order_id, step)), count(*) = max(step) FROM lem_child_slice")" "t|t"
for log in "$standby.log" "$PRIMARY_DIR/log"; do
	LEM_SERVER_DIR=$(mktemp -d) && cp "$log" "$LEM_SERVER_DIR/log" && LEM_SERVER_DIR=$LEM_SERVER_DIR scripts/check-log replication || failed=1
	rm -rf "$LEM_SERVER_DIR"
done
exit $failed

# A server that is killed as a whole in the middle of imports, a training and lem_work: after
# recovery from its crash, and after recovery from a base backup and archived WAL to a point of time
# in that middle, nothing is half written, and all goes on to where it would have come.
if [ -z "${LEM_PITR:-}" ]; then
	export LEM_PITR=running
	exec scripts/server -c fsync=on -c full_page_writes=on -c synchronous_commit=on -c archive_mode=on \
		-c 'archive_command=test ! -f ../archive/%f && cp %p ../archive/%f' bash "$0"
fi
. t/server/common
dir=$LEM_SERVER_DIR
first=$PGHOST
$LEM_SERVER_AS mkdir "$dir/archive" "$dir/second_socket"
trap 'for data in "$dir/data" "$dir/second"; do $LEM_SERVER_AS "$LEM_SERVER_BIN/pg_ctl" -D "$data" -m immediate -s stop 2>/dev/null; done' EXIT

# eventually COMMAND...: whether it succeeds within two minutes
eventually()
{
	for ((tries = 0; tries < 1200; tries++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

sql -c "CREATE EXTENSION lem" -c "SET client_min_messages = warning"
import plan tiny >/dev/null
import whole medium >/dev/null
simulate 18 A
sql <<-'SQL'
	-- a bar a minute, number i
	CREATE FUNCTION minute_bar(i int, OUT series text, OUT ts timestamptz, OUT price float8, OUT volume float8) LANGUAGE sql AS
		$$ SELECT 'M', '2026-03-02 09:00:00+00'::timestamptz + i * interval '1 minute', 100 * exp(sin(i / 7.0) / 100), 1000 * (1.1 + sin(i / 3.0)) $$;
	CREATE TABLE minutes (series text, ts timestamptz, price float8, volume float8, PRIMARY KEY (series, ts));
	INSERT INTO minutes SELECT b.* FROM generate_series(-400, 0) AS i, minute_bar(i) AS b;
	CREATE FUNCTION minutes_end() RETURNS timestamptz LANGUAGE sql AS $$ SELECT max(ts) + interval '1 minute' FROM minutes $$;
	-- slices that are not those of a plain schedule over the same bars
	CREATE FUNCTION unlike_planned() RETURNS bigint LANGUAGE sql AS $$
		SELECT count(*) FROM lem_parent_order AS o, LATERAL (SELECT lem_bars(ts, price, volume) AS bars FROM minutes WHERE series = o.series) AS b,
			lem_schedule(o.model, lem_order((ord).size, (ord).side, start_ts => o.start_ts, min_bars => (ord).min_bars, lot => (ord).lot), b.bars) AS s
			JOIN lem_child_slice AS c USING (step)
		WHERE c.order_id = o.id AND o.start_ts IS NOT NULL AND (c.ts, c.allocation, c.cumulative, c.quantity) IS DISTINCT FROM (s.ts, s.allocation, s.cumulative, s.quantity) $$;
SQL
config='{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
options='{"epochs": 240, "patience": 240, "samples": 256, "batch": 32, "validation_samples": 64, "rate": 0.003}'
query='SELECT symbol AS series, ts, price, volume FROM bars'
train() { PGAPPNAME=trainer psql -X -q -c "SET client_min_messages = warning" -c "CALL lem_train('$1', '$query', '$config', '$2')"; }
digest_of() { sql -c "SELECT digest FROM lem_model WHERE name = '$1' ORDER BY version DESC LIMIT 1"; }
train reference "$options"
digest=$(digest_of reference)

# The load: each loop ends with its server.
importer() { while psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -c "SELECT lem_import('half', lem_export('whole'))"; do sleep 0.2; done; }
worker()
{
	for ((i = 1; i < 10000; i++)); do
		psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -c "INSERT INTO minutes SELECT b.* FROM minute_bar($i) AS b" \
			-c "SELECT lem_submit_order('M', 'plan', lem_order(1000 + 10 * $i, side => CASE $i % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, min_bars => nullif($i % 4, 0), lot => 10))" \
			-c "CALL lem_work('SELECT * FROM minutes', minutes_end())" || break
	done
}

# sane NAME: nothing is half written
sane()
{
	is "$1: models have all their parts" "$(sql -c "SELECT count(*) > 0, count(DISTINCT md5(lem_export('half@' || version))), count(*) = max(version) FROM lem_models WHERE name = 'half'")" "t|1|t"
	is "$1: and no part is left over" "$(sql -c "SELECT count(DISTINCT parts), (SELECT count(*) FROM lem_model_part WHERE model_id NOT IN (SELECT id FROM lem_model)) FROM (SELECT count(*) AS parts FROM lem_model_part JOIN lem_model ON id = model_id WHERE name = 'half' GROUP BY model_id) AS p")" "1|0"
	is "$1: the training is interrupted after whole epochs" "$(sql -c "SELECT status, epochs > 0, epochs = (SELECT count(*) FROM lem_training_epochs AS e WHERE e.run = r.run), (SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM lem_training_state AS s WHERE s.run = r.run GROUP BY kind) AS k) FROM lem_training_runs AS r WHERE model = 'trained'")" "interrupted|t|t|1"
	is "$1: slices are whole: each step once, and no gap" "$(sql -c "SELECT bool_and(n = last), bool_and(abs(sum - cumulative) < 1e-15) FROM (SELECT count(*) AS n, max(step) AS last, sum(allocation) AS sum, max(cumulative) AS cumulative FROM lem_child_slice GROUP BY order_id) AS o")" "t|t"
	is "$1: they are those of plain schedules" "$(sql -c "SELECT unlike_planned()")" 0
}

# goes_on NAME: all comes to where it would have come
goes_on()
{
	train trained '{"resume": true}'
	is "$1: the training resumes to the same weights" "$(digest_of trained)" "$digest"
	last=$(sql -c "SELECT max(version) FROM lem_models WHERE name = 'half'")
	is "$1: imports go on" "$(sql -c "SELECT lem_import('half', lem_export('whole'))")" $((last + 1))
	# one that was submitted last has not begun
	work 'SELECT * FROM minutes' '1 minute'
	sql -c "INSERT INTO minutes SELECT b.* FROM generate_series((SELECT count(*)::int - 400 FROM minutes), (SELECT count(*)::int - 394 FROM minutes)) AS i, minute_bar(i) AS b ON CONFLICT DO NOTHING"
	work 'SELECT * FROM minutes' '1 minute'
	is "$1: all orders come to their end" "$(sql -c "SELECT count(*) > 3, bool_and(state = 'finished'), bool_and(quantity = size) FROM lem_orders")" "t|t|t"
	is "$1: by slices of plain schedules" "$(sql -c "SELECT unlike_planned()")" 0
}

$LEM_SERVER_AS pg_basebackup -h "$first" -D "$dir/second" -c fast -X none 2>/dev/null
importer >/dev/null 2>&1 &
train trained "$options" >/dev/null 2>&1 &
worker >/dev/null 2>&1 &
busy() { [ "$(sql -c "SELECT (SELECT count(*) FROM lem_models WHERE name = 'half') >= $1 AND (SELECT max(epochs) FROM lem_training_runs WHERE model = 'trained') >= $2 AND (SELECT count(*) FROM lem_child_slice) >= $3 AND (SELECT count(*) FROM lem_parent_order) > 3")" = t ]; }
# The training is held between two epochs until the server is killed: it must not come to its end before.
begun() { [ "$(sql -c "SELECT max(epochs) >= 2 FROM lem_training_runs WHERE model = 'trained'")" = t ]; }
eventually begun
PGAPPNAME=holder psql -X -q -o /dev/null -c "BEGIN" -c "LOCK TABLE lem_training_epoch IN SHARE MODE" \
	-c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
ok "all three are under way" eventually busy 1 2 5
point=$(sql -c "SELECT pg_create_restore_point('middle')")
segment=$(sql -c "SELECT pg_walfile_name('$point')")
sql -o /dev/null -c "SELECT pg_switch_wal()"
eventually test -f "$dir/archive/$segment"
eventually busy 2 2 8
is "the training is not over yet" "$(sql -c "SELECT status FROM lem_training_runs WHERE model = 'trained'")" running
# all of its processes, which are those in its folder: one that it had just begun when it was killed
# would wait for ever for what those that are gone held
for ((pass = 0; pass < 5; pass++)); do
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/cwd" 2>/dev/null)" != "$dir/data" ] || kill -KILL "${process#/proc/}" 2>/dev/null
	done
	sleep 0.2
done
wait %1 %2 %3 %4 2>/dev/null

# On the same data
start() { rm -f "$1/postmaster.pid"; $LEM_SERVER_AS "$LEM_SERVER_BIN/pg_ctl" -D "$1" -w -t 300 -s -l "$1.log" -o "-c unix_socket_directories=$2" start; }
ok "killed: the server recovers" eventually start "$dir/data" "$first"
sane killed
goes_on killed
$LEM_SERVER_AS "$LEM_SERVER_BIN/pg_ctl" -D "$dir/data" -m fast -s stop

# To the point in the middle, from the base backup
printf "%s\n" "restore_command = 'cp ../archive/%f %p'" "recovery_target_name = 'middle'" "recovery_target_action = 'promote'" "archive_mode = off" >"$dir/recovery"
$LEM_SERVER_AS sh -c "cat '$dir/recovery' >>'$dir/second/postgresql.conf' && touch '$dir/second/recovery.signal'"
ok "point in time: the server recovers" start "$dir/second" "$dir/second_socket"
export PGHOST=$dir/second_socket
eventually sql -c "SELECT 1 / (NOT pg_is_in_recovery())::int"
sane "point in time"
goes_on "point in time"
for log in "$dir/data.log" "$dir/second.log"; do
	cp "$log" "$dir/log"
	scripts/check-log "pitr" || failed=1
done
exit $failed

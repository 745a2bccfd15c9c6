# pg_upgrade takes models, series, orders and trainings over as they lie on disk: to a new cluster of
# the same version, which goes the same way as to a newer one; or from the older server whose programs
# are in OLD_BIN, lem beside them (OLD_CONFIG is its pg_config), as scripts/test-versions has it.
. t/server/common
folder=$LEM_SERVER_DIR/pg_upgrade
$LEM_SERVER_AS mkdir -p "$folder/socket"
trap 'for data in old new; do $LEM_SERVER_AS "$(bin_of $data)/pg_ctl" -D "$folder/$data" -m immediate -s stop 2>/dev/null; done; rm -rf "$folder"' EXIT
bin=$LEM_SERVER_BIN
old_bin=${OLD_BIN:-$bin}
# programs FOLDER PG_CONFIG: all that pg_upgrade needs into a server's folder of programs
programs()
{
	for program in pg_upgrade pg_dump pg_dumpall pg_restore psql pg_controldata pg_resetwal vacuumdb; do
		[ -x "$1/$program" ] || cp "$("$2" --bindir)/$program" "$1"
	done
}
programs "$bin" "$(scripts/find-pg-config)"
[ -z "${OLD_CONFIG:-}" ] || programs "$old_bin" "$OLD_CONFIG"
bin_of() { if [ "$1" = old ]; then echo "$old_bin"; else echo "$bin"; fi; }
cd_here() { (cd "$folder" && $LEM_SERVER_AS "$@"); }
for data in old new; do
	# checksums are for both or for neither; 18 has them unless told
	options=
	"$(bin_of $data)/initdb" --help | grep -q -- --no-data-checksums && options=--no-data-checksums
	cd_here "$(bin_of $data)/initdb" -D "$folder/$data" -U postgres -A trust -E UTF8 --locale=C --no-sync $options >/dev/null
done
start() { $LEM_SERVER_AS "$(bin_of "$1")/pg_ctl" -D "$folder/$1" -w -t 300 -s -l "$folder/$1.log" -o "-c listen_addresses= -c unix_socket_directories=$folder/socket" start; }
stop() { $LEM_SERVER_AS "$(bin_of "$1")/pg_ctl" -D "$folder/$1" -m fast -s stop; }
picture()
{
	sql <<-'SQL'
		SET timezone = 'UTC';
		SET extra_float_digits = 3;
		SELECT name, version, deployed, config, encode(digest, 'hex'), created_at, md5(lem_export(name || '@' || version)) FROM lem_models JOIN lem_model USING (name, version, deployed, config, created_at) ORDER BY name, version;
		SELECT o.id, s.* FROM orders AS o JOIN series USING (symbol), lem_schedule(o.model, o.ord, history) AS s ORDER BY o.id, s.step;
		SELECT name, owner FROM lem_model_name;
		SELECT symbol, md5(lem_bars_send(history)) FROM series ORDER BY symbol;
		SELECT id, ord, state, bars FROM lem_parent_order ORDER BY id;
		SELECT * FROM lem_child_slice ORDER BY order_id, step;
		SELECT * FROM lem_paper_fill ORDER BY order_id, step;
		SELECT * FROM lem_order_fill ORDER BY id;
		SELECT * FROM lem_order_event ORDER BY id;
		SELECT run, model, status, model_version, best_epoch, best_loss, config, options FROM lem_training_runs ORDER BY run;
		SELECT run, epoch, train_loss, validation_loss FROM lem_training_epochs ORDER BY run, epoch;
	SQL
}

export PGHOST=$folder/socket PGDATABASE=postgres
start old
sql -c "CREATE EXTENSION lem"
import alpha tiny >/dev/null
import alpha tiny '{"gaps": "skip"}' >/dev/null
sql -o /dev/null -c "CREATE ROLE quant" -c "SELECT lem_set_owner('alpha', 'quant')"
simulate 18 A B
sql -o /dev/null <<-'SQL'
	CREATE TABLE orders (id bigint PRIMARY KEY, symbol text, model text, ord lem_order);
	INSERT INTO orders SELECT i, chr(65 + i % 2), (ARRAY['alpha', 'alpha@2'])[i % 2 + 1], lem_order(100 * i, min_bars => nullif(i % 5, 0)) FROM generate_series(1, 6) AS i;
	CREATE TABLE series (symbol text PRIMARY KEY, history lem_bars);
	INSERT INTO series SELECT symbol, lem_bars(ts, price, volume) FROM bars GROUP BY symbol;
	SELECT lem_submit_order('A', 'alpha', lem_order(1000, start_ts => (SELECT max(ts) FROM bars) - interval '1 hour'));
	SELECT max(ts) + interval '1 hour' AS now FROM bars \gset
	CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', :'now');
	SELECT lem_paper_fill();
	SET client_min_messages = warning;
	CALL lem_train('trained', 'SELECT symbol AS series, ts, price, volume FROM bars', '{"lookback": 4, "n_ahead": 2, "hidden_size": 4, "num_heads": 2, "num_embedding": 2, "fused_mlp_hidden_dim": 2, "norm_window": 24}',
		'{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 32}');
SQL
picture >"$folder/want"
is "models, series, orders and a training to take over" "$(grep -c . "$folder/want" | awk '{ print ($1 > 20) }') $(grep -c '|finished|' "$folder/want")" "1 1"
stop old
upgrade() { cd_here "$bin/pg_upgrade" -b "$old_bin" -B "$bin" -d "$folder/old" -D "$folder/new" -s "$folder/socket" -U postgres >"$folder/log" 2>&1; }
ok "pg_upgrade takes the cluster over, from $("$old_bin/postgres" --version) to $("$bin/postgres" --version)" upgrade
grep -q 'Upgrade Complete' "$folder/log" ||
	{ tail -20 "$folder/log"; grep -rhi 'error' "$folder/new/pg_upgrade_output.d" | head -20; } | sed 's/^/# /'
start new
picture >"$folder/have" 2>&1
ok "the same models, schedules and orders" cmp -s "$folder/want" "$folder/have"
diff "$folder/want" "$folder/have" | cut -c1-200 | head -5 | sed 's/^/# /'
is "versions go on" "$(import alpha tiny)" 3
sql -c "INSERT INTO bars SELECT symbol, ts + interval '1 hour', price, volume FROM bars WHERE ts = (SELECT max(ts) FROM bars)"
work "SELECT symbol AS series, ts, price, volume FROM bars"
is "orders go on" "$(sql -c "SELECT count(*), max(step) FROM lem_child_slice")" "4|4"
is "roles are kept again" "$(sql -c "SELECT lem_keep_roles() > 0" -c "DROP ROLE quant" 2>&1 | head -2 | cut -c1-39)" $'t\nERROR:  role "quant" cannot be dropped '
stop new
exit $failed

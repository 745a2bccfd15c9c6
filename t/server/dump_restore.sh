# Dump a database with models and restore it: the same models, the same schedules, and new versions
# go on from where they were.
. t/server/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# fill DATABASE SCHEMA: models with holes in their numbers, bars, orders, and what depends on them
fill()
{
	export PGDATABASE=$1
	sql -c "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS $2; CREATE EXTENSION lem SCHEMA $2" -c "ALTER DATABASE $1 SET search_path = public, $2"
	import alpha tiny >/dev/null
	import alpha tiny '{"gaps": "skip"}' >/dev/null
	import alpha tiny '{"norm_window": 99}' >/dev/null
	import gone tiny >/dev/null
	import beta medium '{"time_zone": "Europe/Paris"}' >/dev/null
	sql -o /dev/null -c "SELECT lem_deploy('alpha', 3), lem_drop('alpha@2'), lem_drop('gone')"
	# another role's, whom a role has no right to by its name alone
	sql -o /dev/null -c "SELECT lem_set_owner('beta', 'dump_owner'), lem_grant('alpha', 'dump_owner', 'read')"
	simulate 18 A B C
	sql <<-'SQL'
		CREATE TABLE orders (id bigint PRIMARY KEY, symbol text, model text, ord lem_order);
		INSERT INTO orders SELECT i, chr(65 + i % 3), (ARRAY['alpha', 'alpha@1', 'beta'])[i % 3 + 1],
			lem_order(100.1 * i, side => CASE i % 2 WHEN 0 THEN 'sell' ELSE 'buy' END, start_ts => CASE i % 4 WHEN 0 THEN timestamptz '2026-01-17 12:00:00+00' END,
				min_bars => nullif(i % 5, 0), max_rate => 0.7)
		FROM generate_series(1, 12) AS i;
		CREATE TABLE series (symbol text PRIMARY KEY, history lem_bars);
		INSERT INTO series SELECT symbol, lem_bars(ts, price, volume) FROM bars GROUP BY symbol;
		CREATE VIEW plans AS SELECT o.id, s.* FROM orders AS o JOIN series USING (symbol), lem_schedule(o.model, o.ord, history) AS s;
		CREATE VIEW grouped AS SELECT o.id, lem_schedule(o.model, o.ord, ts, price, volume) AS plan FROM orders AS o JOIN bars USING (symbol) GROUP BY o.id;
	SQL
	# orders at work, some of them traded on paper, and a training
	sql -o /dev/null <<-'SQL'
		SET client_min_messages = warning;
		SELECT lem_submit_order(symbol, 'alpha', lem_order(1000, start_ts => (SELECT max(ts) FROM bars) - interval '1 hour', min_bars => 2, lot => 10)) FROM unnest('{A,B,C}'::text[]) AS symbol;
		SELECT lem_submit_order('A', 'beta', lem_order(50));
		-- hour by hour, so that none is late
		SELECT max(ts) - interval '1 hour' AS one, max(ts) AS two, max(ts) + interval '1 hour' AS three FROM bars \gset
		CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', :'one');
		CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', :'two');
		CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', :'three');
		SELECT lem_paper_fill();
		SELECT lem_cancel_order(max(id), 'no longer wanted') FROM lem_parent_order;
		CALL lem_train('trained', 'SELECT symbol AS series, ts, price, volume FROM bars', '{"lookback": 4, "n_ahead": 2, "hidden_size": 4, "num_heads": 2, "num_embedding": 2, "fused_mlp_hidden_dim": 2, "norm_window": 24}',
			'{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 32}');
		-- a maker with constants that are kept with it, its students, and books
		CREATE VIEW quoted AS SELECT symbol AS series, ts, price AS open, price + 0.05 AS high, price - 0.05 AS low, price AS close, volume FROM bars;
		CREATE TABLE books AS SELECT series AS symbol, lem_book(ts, open, high, low, close, volume) AS book FROM quoted GROUP BY series;
		CREATE VIEW makings AS SELECT b.symbol, m.name, (SELECT f::text FROM lem_forecast(m.name, book) AS f) AS forecast,
			(SELECT string_agg(q::text, ' ') FROM lem_quote(m.name, lem_quoting(2, 0.001, 1, 0.1, 100000), book, 10) AS q) AS quotes
			FROM books AS b, lem_models AS m WHERE m.config ? 'horizon';
		CALL lem_train_maker('maker', 'SELECT * FROM quoted', '{"spread": "estimated", "horizon": 2, "lookback": 4, "hidden_size": 4, "num_heads": 1, "num_embedding": 2,
			"fused_mlp_hidden_dim": 3, "norm_window": 24, "recurrent": "gru"}', '{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 32}');
		CALL lem_distill('mixture', 'maker', 'SELECT * FROM quoted', '{"hidden_size": 4, "expert_dim": 2}', '{"epochs": 1}');
		SELECT lem_keep_quoting('maker', lem_quoting(1, 1, 1, NULL, 1, eta => 3));
	SQL
}

# What must be the same: schedules to the last bit, models, files.
picture()
{
	sql -d "$1" <<-'SQL'
		SET timezone = 'UTC';
		SET extra_float_digits = 3;
		SELECT p FROM plans AS p ORDER BY id, step;
		SELECT id, md5(plan::text) FROM grouped ORDER BY id;
		SELECT id, name, version, deployed, config, parameters, bytes, encode(digest, 'hex'), created_at, created_by FROM lem_model ORDER BY id;
		SELECT name, version, md5(lem_export(name || '@' || version)) FROM lem_models ORDER BY 1, 2;
		SELECT symbol, md5(lem_bars_send(history)), lem_bars_count(history) FROM series ORDER BY symbol;
		SELECT symbol, md5(lem_book_send(book)), lem_book_count(book) FROM books ORDER BY symbol;
		SELECT 'making', m.* FROM makings AS m ORDER BY symbol, name;
		SELECT 'expert', e.* FROM lem_experts AS e ORDER BY task, regime;
		SELECT 'kept', name, quoting FROM lem_models WHERE name = 'maker';
		SELECT model_id, part, md5(data), format, encode(sha256, 'hex') FROM lem_model_part ORDER BY 1, 2;
		-- whatever else the extension keeps, but for transactions, which are numbered anew
		SELECT format(CASE relkind WHEN 'r' THEN 'SELECT %L, count(*), md5(string_agg(r, E''\n'' ORDER BY r COLLATE "C")) FROM (SELECT (to_jsonb(t) - ''changed'')::text AS r FROM %s AS t) AS t' ELSE 'SELECT %L, last_value, is_called FROM %s' END, relname, c::regclass)
		FROM pg_extension, unnest(extconfig) AS c JOIN pg_class AS k ON k.oid = c WHERE extname = 'lem' ORDER BY relname COLLATE "C" \gexec
	SQL
}

source=$PGDATABASE
sql -c "CREATE ROLE dump_owner LOGIN"
fill "$source" public
picture "$source" >"$folder/want" || failed=1
is "schedules and models to compare" "$(grep -c '^(' "$folder/want") $(grep -cE '^[0-9]+\|[a-z]+\|[0-9]+\|[tf]\|' "$folder/want")" "56 6"
is "and forecasts, quotes, students and constants of makers" "$(grep -cE '^making\|[ABC]\|[a-z]+\|.*(bid|ask)' "$folder/want") $(grep -c '^expert' "$folder/want") $(grep -c '^kept|maker|(1,1,1,,1,,3,' "$folder/want")" "6 12 1"
is "and orders, slices, fills and trainings" "$(grep -E '^lem_(parent_order|child_slice|paper_fill|training_run|training_epoch)\|' "$folder/want" | awk -F '|' '{ print ($2 > 0) }' | sort | uniq -c | sed 's/^ *//')" "5 1"

# As a script, in PostgreSQL's own format, and with the extension in a schema of its own
restore()
{
	local name=$1 target=$2 status=0
	shift 2

	createdb -T template0 "$target"
	"$@" >"$folder/log" 2>&1 || status=1
	# search_path is a property of the database, which a dump leaves out
	[ -z "${path:-}" ] || sql -c "ALTER DATABASE $target SET search_path = $path"
	is "$name restores without a word" "$status$(cat "$folder/log")" "0"
	picture "$target" >"$folder/have" 2>&1
	ok "$name: the same models and schedules" cmp -s "$folder/want" "$folder/have"
	diff "$folder/want" "$folder/have" | cut -c1-300 | head -10 | sed 's/^/# /'
	export PGDATABASE=$target
	is "$name: versions go on" "$(import alpha tiny) $(import gone tiny) $(import beta medium)" "4 2 2"
	is "$name: and so do numbers" "$(sql -c "SELECT count(DISTINCT id) = count(*), max(id) FROM lem_model")" "t|11"
	sql -c "INSERT INTO bars SELECT symbol, ts + interval '1 hour', price, volume FROM bars WHERE ts = (SELECT max(ts) FROM bars)"
	work "SELECT symbol AS series, ts, price, volume FROM bars"
	is "$name: orders go on" "$(sql -c "SELECT count(*) FILTER (WHERE n = last AND n > 2), count(*) FROM (SELECT count(*) AS n, max(step) AS last FROM lem_child_slice GROUP BY order_id) AS o")" "4|4"
	is "$name: no role goes that owns something" "$(psql -X -q -c "DROP ROLE dump_owner" 2>&1 | grep -c 'cannot be dropped')" 1
	is "$name: the extension owns its tables" "$(sql -c "SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND objid IN ('lem_model'::regclass, 'lem_model_part'::regclass, 'lem_models'::regclass)")" 3
}

pg_dump -d "$source" -f "$folder/script.sql"
restore "a script" "${source}_script" psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "${source}_script" -f "$folder/script.sql"
pg_dump -d "$source" -Fc -f "$folder/archive"
restore "an archive" "${source}_archive" pg_restore -d "${source}_archive" -e -j 2 "$folder/archive"
is "a dump of tables leaves out nothing" "$(pg_restore -l "$folder/archive" | grep -cE 'TABLE DATA public lem_model(_part)? |SEQUENCE SET public lem_model_id_seq ')" 3

# A backup role that may read all still does not see all orders: it fails, or leaves them out without a
# word, which the check tells; with BYPASSRLS its dump is whole.
sql -c "CREATE ROLE dump_backup LOGIN" -c "GRANT pg_read_all_data TO dump_backup"
is "who may not read all is told nothing" "$(psql -X -q -U dump_owner -c "SELECT * FROM lem_dump_check()" 2>&1 | grep -c 'permission denied')" 1
check() { sql -d "${2:-$source}" -U "$1" -c "SELECT * FROM lem_dump_check() WHERE relation IN ('lem_model_part', 'lem_paper_fill', 'lem_parent_order') ORDER BY relation"; }
parts=$(sql -d "$source" -c "SELECT count(*) FROM lem_model_part")
fills=$(sql -d "$source" -c "SELECT count(*) FROM lem_paper_fill")
is "a dump that fails for row security" "$(pg_dump -U dump_backup -d "$source" -f /dev/null 2>&1 | grep -c 'row-level security')" 1
ok "a dump that leaves out orders" pg_dump -U dump_backup -d "$source" --enable-row-security -Fc -f "$folder/partial"
is "and has none" "$(pg_restore -a -t lem_parent_order -f - "$folder/partial" | grep -c buy)" 0
is "the check says so" "$(check dump_backup)" "lem_model_part|$parts|$parts|t"$'\n'"lem_paper_fill|$fills|0|f"$'\n'"lem_parent_order|4|0|f"
sql -c "ALTER ROLE dump_backup BYPASSRLS"
is "with BYPASSRLS it is whole" "$(sql -d "$source" -U dump_backup -c "SELECT bool_and(whole), sum(rows) > 0 FROM lem_dump_check()")" "t|t"
ok "and can be dumped" pg_dump -U dump_backup -d "$source" -Fc -f "$folder/whole"
is "with its orders" "$(pg_restore -a -t lem_parent_order -f - "$folder/whole" | grep -c buy)" 4
createdb -T template0 "${source}_whole"
ok "and restored" pg_restore -d "${source}_whole" -e "$folder/whole"
is "to as many rows" "$(check postgres "${source}_whole")" "$(check postgres)"
dropdb "${source}_whole"

# Where a role is missing, what it has is nobody's, whoever takes its name.
sql -c "ALTER ROLE dump_owner RENAME TO dump_owner_elsewhere"
createdb -T template0 "${source}_strange"
ok "a dump restores without its roles" pg_restore -d "${source}_strange" -e "$folder/archive"
sql -d "${source}_strange" -c "CREATE ROLE dump_owner"
is "what they owned is nobody's" "$(sql -d "${source}_strange" -c "SELECT owner, (SELECT owner FROM lem_models WHERE name = 'beta'), lem_has_right('beta', 'drop', 'dump_owner'), lem_has_right('alpha', 'read', 'dump_owner') FROM lem_model_name WHERE name = 'beta'")" "?dump_owner||f|f"
is "until it is given to somebody" "$(sql -d "${source}_strange" -c "SELECT lem_reassign_owned('?dump_owner', 'dump_owner')" -c "SELECT owner, lem_has_right('beta', 'drop', 'dump_owner') FROM lem_models WHERE name = 'beta'" | tail -1)" "dump_owner|t"
dropdb "${source}_strange"
sql -c "DROP ROLE dump_owner" -c "ALTER ROLE dump_owner_elsewhere RENAME TO dump_owner"

createdb "${source}_apart"
fill "${source}_apart" lem_apart
picture "${source}_apart" >"$folder/want"
pg_dump -d "${source}_apart" -f "$folder/apart.sql"
path="public, lem_apart" restore "a schema of its own" "${source}_there" psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "${source}_there" -f "$folder/apart.sql"

# Dropping the extension takes all of it along.
sql -d "${source}_script" -c "SET client_min_messages = warning" -c "DROP EXTENSION lem CASCADE"
is "nothing is left of a dropped extension" "$(sql -d "${source}_script" -c "SELECT count(*) FROM pg_class WHERE relname LIKE 'lem%' UNION ALL SELECT count(*) FROM pg_proc WHERE proname LIKE 'lem%' UNION ALL SELECT count(*) FROM pg_type WHERE typname LIKE 'lem%'" | sort -u)" 0

for database in script archive apart there; do
	dropdb "${source}_$database"
done
exit $failed

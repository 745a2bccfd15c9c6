# ALTER EXTENSION lem UPDATE: from every version that can be installed and has a way to the present
# one, with data in it, to what a fresh install gives.
#
# The versions are those of sql/.  doc/releasing.md says how scripts are named and frozen.
. t/server/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
present=$(sed -n "s/^default_version = '\(.*\)'$/\1/p" lem.control)

# Released scripts are never changed.
is "released scripts are as they were released" "$(cd sql && [ ! -s ../t/upgrade/released.sha256 ] || sha256sum -c --quiet ../t/upgrade/released.sha256 2>&1)" ""

# Everything that the extension consists of, in words that do not depend on the database
picture()
{
	psql -X -d "$1" -c '\dx+ lem'
	# members one by one, as a server's upgrade would write them; numbers of objects differ
	# a user's views say what they were made with, such as functions that have made way
	pg_dump -d "$1" --binary-upgrade --schema-only -T plans -T drafts | sed -E \
		-e '/^-- Dumped|^SELECT pg_catalog\.setval|^\\(un)?restrict |^SELECT pg_catalog\.binary_upgrade_set_next|^-- For binary upgrade, must preserve/d' \
		-e "s/^(-- .*; Schema: )/\1/; s/binary_upgrade_create_empty_extension\(.*/binary_upgrade_create_empty_extension/" |
		awk '/^UPDATE pg_catalog|^WHERE oid|relfrozenxid|SET relfrozenxid/ { next } { print }' | grep -vE '^-- For binary upgrade|^$'
	sql -d "$1" <<-'SQL'
		SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'lem';
		SELECT c::regclass, condition FROM pg_extension, unnest(extconfig, extcondition) AS u (c, condition) WHERE extname = 'lem' ORDER BY c::regclass::text COLLATE "C";
		SELECT pg_describe_object(i.classoid, i.objoid, i.objsubid) AS object, i.privtype, i.initprivs FROM pg_init_privs AS i
		JOIN pg_depend AS d ON d.classid = i.classoid AND d.objid = i.objoid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		JOIN pg_extension AS e ON e.oid = d.refobjid AND extname = 'lem' ORDER BY 1;
	SQL
}

# Schedules and models, to the last bit
answers()
{
	sql -d "$1" <<-'SQL'
		SET timezone = 'UTC';
		SET extra_float_digits = 3;
		SELECT o.id, s.* FROM orders AS o JOIN series USING (symbol), lem_schedule(o.model, o.ord, history) AS s ORDER BY o.id, s.step;
		SELECT md5(lem_bars_send(history)), md5(history::text) FROM series ORDER BY symbol;
		SELECT name, version, deployed, md5(lem_export(name || '@' || version)) FROM lem_models ORDER BY name, version;
	SQL
}

# Data of a user, in an extension of any version
fill()
{
	simulate 18 A B C
	sql -c "
		CREATE TABLE orders (id bigint PRIMARY KEY, symbol text, model text, ord lem_order);
		INSERT INTO orders SELECT i, chr(65 + i % 3), (ARRAY['alpha', 'alpha@1', 'beta'])[i % 3 + 1], lem_order(100 * i, min_bars => nullif(i % 5, 0)) FROM generate_series(1, 12) AS i;
		CREATE TABLE series (symbol text PRIMARY KEY, history lem_bars);
		INSERT INTO series SELECT symbol, lem_bars(ts, price, volume) FROM bars GROUP BY symbol;
		CREATE VIEW plans AS SELECT o.id, s.step, s.ts, s.allocation, s.quantity, s.state FROM orders AS o JOIN series USING (symbol), lem_schedule(o.model, o.ord, history) AS s;
		CREATE VIEW drafts AS SELECT id, lem_order(2 * (ord).size, lot => (ord).size) AS ord FROM orders;"
}

source=$PGDATABASE
sql -c "CREATE EXTENSION lem"
import alpha tiny >/dev/null
import alpha tiny '{"gaps": "skip"}' >/dev/null
import beta medium '{"time_zone": "Europe/Paris"}' >/dev/null
fill
answers "$source" >"$folder/answers"
# orders in flight, with slices that are decided and traded on paper
end=$(sql -c "SELECT max(ts) FROM bars")
sql -o /dev/null -c "SELECT lem_submit_order(symbol, 'alpha', lem_order(500 * ascii(symbol), lot => 10)) FROM series" \
	-c "CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', timestamptz '$end' - interval '3 hours')" \
	-c "CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars', timestamptz '$end' - interval '1 hour')" \
	-c "SELECT lem_paper_fill()"
is "answers to compare" "$(grep -cE '^[0-9]+\|[0-9]+\|.*(next|projected)\|[a-z_]*$' "$folder/answers") $(grep -c '^\(alpha\|beta\)' "$folder/answers")" "56 3"

# members KIND: the tables (r) or sequences (S) that dumps include
members()
{
	sql -c "SELECT c::regclass FROM pg_extension, unnest(extconfig) AS c WHERE extname = 'lem' AND (SELECT relkind FROM pg_class WHERE oid = c) = '$1' ORDER BY c"
}

# walk VERSION: install it, put data in, update, compare
walk()
{
	local from=$1 database="${source}_${1//./_}"

	createdb "$database"
	export PGDATABASE=$database
	ok "$from installs" sql -c "CREATE EXTENSION lem VERSION '$from'" || return
	# what the tables of that version hold elsewhere
	for table in $(members r); do
		columns=$(sql -c "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped")
		# fills on paper were in a table of a plainer name, and orders had fewer fields
		given=$(sed -E "s/\bord\b/ROW((ord).size, (ord).side, (ord).benchmark, (ord).unit, (ord).start_ts, (ord).min_bars, (ord).max_bars, (ord).min_rate, (ord).max_rate, (ord).lot)/" <<<"$columns")
		psql -X -q -d "$source" -c "\\copy (SELECT $given FROM ${table/%lem_fill/lem_paper_fill}) TO '$folder/rows'"
		sql -c "\\copy $table ($columns) FROM '$folder/rows'"
	done
	for sequence in $(members S); do
		sql -o /dev/null -c "SELECT setval('$sequence', $(sql -d "$source" -c "SELECT last_value, is_called FROM $sequence" | sed 's/|/, /; s/t$/true/; s/f$/false/'))"
	done
	fill
	# roles by their names, of which one is another's by the time of the update
	sql -o /dev/null -c "CREATE ROLE update_owner" -c "INSERT INTO lem_model_name (name, versions, owner) VALUES ('owned', 1, 'update_owner'), ('lost', 1, 'update_lost')"
	in_flight="SELECT count(*), count(bar_ts), md5(string_agg(concat_ws(' ', order_id, step, ts, allocation, quantity, late, decided_at, encode(inputs, 'hex')), ',' ORDER BY order_id, step)) FROM lem_child_slice"
	before=$(sql -c "$in_flight")
	paper=$(sql -c "SELECT count(*) > 0, sum(quantity) FROM lem_fill")
	# a dump from before: restored where that version is installed first, and updated then
	pg_dump -Fc -f "$folder/old"
	createdb "${database}_old"
	sql -d "${database}_old" -c "CREATE EXTENSION lem VERSION '$from'"
	ok "$from dumped: restores where $from is installed" pg_restore -e -d "${database}_old" "$folder/old"
	ok "$from dumped: updates to $present" sql -d "${database}_old" -c "ALTER EXTENSION lem UPDATE"
	is "$from dumped: slices in flight" "$(sql -d "${database}_old" -c "$in_flight")" "$before"
	is "$from dumped: fills on paper" "$(sql -d "${database}_old" -c "SELECT count(*) > 0, sum(quantity) FROM lem_paper_fill")" "$paper"
	answers "${database}_old" >"$folder/have" 2>&1
	ok "$from dumped: the same schedules and models" cmp -s "$folder/answers" "$folder/have"
	dropdb "${database}_old"
	createdb "${database}_old"
	ok "$from dumped: does not restore into $present alone" test -n "$(pg_restore -e -d "${database}_old" "$folder/old" 2>&1)"
	dropdb "${database}_old"
	ok "$from updates to $present" sql -c "ALTER EXTENSION lem UPDATE" || return
	is "$from updated: slices in flight" "$(sql -c "$in_flight")" "$before"
	is "$from updated: fills on paper" "$(sql -c "SELECT count(*) > 0, sum(quantity) FROM lem_paper_fill")" "$paper"
	sql -o /dev/null -c "SELECT lem_record_fill(min(id), now(), 100, 10, fill_id => 'x') FROM lem_parent_order" \
		-c "CALL lem_work('SELECT symbol AS series, ts, price, volume FROM bars UNION ALL SELECT symbol, max(ts) + i * interval ''1 hour'', 100, 1000 FROM bars, generate_series(1, 5) AS i GROUP BY symbol, i', timestamptz '$end' + interval '6 hours')"
	is "$from updated: orders in flight go on" "$(sql -c "SELECT string_agg(DISTINCT state, ',') FROM lem_orders" -c "SELECT count(*) > split_part('$before', '|', 1)::int FROM lem_child_slice")" $'finished\nt'
	picture "$database" >"$folder/updated"
	diff "$folder/fresh" "$folder/updated" >"$folder/diff"
	is "$from updated is $present installed" "$(head -40 "$folder/diff")" ""
	answers "$database" >"$folder/have" 2>&1
	ok "$from updated: the same schedules and models" cmp -s "$folder/answers" "$folder/have"
	is "$from updated: versions go on" "$(import alpha tiny) $(import beta medium) $(import gamma tiny)" "3 2 1"
	is "$from updated: owners are roles" "$(sql -c "SELECT name, owner FROM lem_model_name WHERE name IN ('lost', 'owned') ORDER BY name" -c "DELETE FROM lem_model_name WHERE name = 'lost'")" $'lost|?update_lost\nowned|update_owner'
	is "$from updated: who cannot be dropped" "$(sql -c "DROP ROLE update_owner" 2>&1 | grep -c 'cannot be dropped')$(sql -o /dev/null -c "SELECT lem_reassign_owned('update_owner', current_user)" -c "DROP ROLE update_owner" 2>&1)" 1
	is "$from updated: a view from before" "$(sql -c "SELECT count(*) FROM plans")" 56
	is "$from updated: a view that makes orders" "$(sql -c "SELECT count(*), sum((ord).size) > 0 FROM drafts")" "12|t"
	quoted="SELECT symbol AS series, ts, price AS open, price + 0.05 AS high, price - 0.05 AS low, price AS close, volume FROM bars"
	is "$from updated: makers, their students and what is kept with them" "$(sql -c "SET client_min_messages = warning" \
		-c "CALL lem_train_maker('maker', '$quoted', '{\"spread\": \"estimated\", \"horizon\": 2, \"lookback\": 4, \"hidden_size\": 4, \"num_heads\": 1, \"num_embedding\": 2, \"fused_mlp_hidden_dim\": 3, \"norm_window\": 24, \"recurrent\": \"gru\"}', '{\"epochs\": 1, \"samples\": 64, \"batch\": 32}')" \
		-c "CALL lem_distill('students', 'maker', '$quoted', '{\"hidden_size\": 4, \"expert_dim\": 2}', '{\"epochs\": 1}')" \
		-c "SELECT lem_keep_quoting('maker', lem_quoting(1, 1, 1, NULL, 1, eta => 3)), lem_import('copy', lem_export('students'))" \
		-c "SELECT count(*), sum((SELECT count(*) FROM lem_quote(m.name, lem_quoting(2, 0.001, 1, 0.1, 100000), book, 10))) > 0 FROM lem_models AS m,
			(SELECT lem_book(ts, open, high, low, close, volume) AS book FROM ($quoted) AS q WHERE series = 'A') AS b, lem_forecast(m.name, book) WHERE m.config ? 'horizon'" \
		-c "SELECT lem_drop('maker'), lem_drop('students'), lem_drop('copy')")" $'|1\n3|t\n1|1|1'
	is "$from updated: models go with their parts" "$(sql -c "SELECT lem_drop('alpha'), lem_drop('beta'), lem_drop('gamma')" -c "SELECT count(*) FROM lem_model_part")" $'3|2|1\n0'
	# a dump of an updated database is one of the present version
	pg_dump -Fc -f "$folder/dump"
	createdb "${database}_restored"
	ok "$from updated: a dump restores" pg_restore -e -d "${database}_restored" "$folder/dump"
	dropdb "${database}_restored"
	is "$from updated: dropped without a trace" "$(sql -c "SET client_min_messages = error; DROP EXTENSION lem CASCADE" -c "SELECT count(*) FROM pg_class WHERE relname LIKE 'lem%'")" 0
	export PGDATABASE=$source
	dropdb "$database"
}

# A fresh install, with nothing but it
createdb "${source}_fresh"
sql -d "${source}_fresh" -c "CREATE EXTENSION lem"
PGDATABASE=${source}_fresh fill
picture "${source}_fresh" >"$folder/fresh"
dropdb "${source}_fresh"
is "a picture to compare" "$(grep -cE '^CREATE (TABLE|VIEW|FUNCTION|AGGREGATE|TRIGGER).*lem_' "$folder/fresh" | awk '{ print ($1 > 50) }')" 1

versions=$(sql -c "SELECT p.source FROM pg_extension_update_paths('lem') AS p JOIN pg_available_extension_versions AS v ON v.name = 'lem' AND v.version = p.source WHERE p.target = '$present' AND p.path IS NOT NULL ORDER BY 1")
ok "there is a version to come from" test -n "$versions"
for version in $versions; do
	walk "$version"
done

is "the present version is up to date" "$(sql -c "ALTER EXTENSION lem UPDATE" 2>&1)" "NOTICE:  version \"$present\" of extension \"lem\" is already installed"
# One session that works orders while the extension is dropped and created again, also in another schema
createdb "${source}_again"
worked=$(sql -d "${source}_again" <<-'SQL'
	SET client_min_messages = warning;
	CREATE TABLE worked AS SELECT 'A' AS series, '2026-03-02'::timestamptz + h * interval '1 hour' AS ts, 100 AS price, 1000 AS volume FROM generate_series(-400, 0) AS h;
	CREATE SCHEMA one;
	CREATE SCHEMA two;
	CREATE EXTENSION lem SCHEMA one;
	SELECT set_config('search_path', 'public, one, two', false) \gset
	SELECT lem_submit_order('A', 'baseline:twap', lem_order(12)) AS id \gset
	CALL lem_work('TABLE worked', '2026-03-02 01:00+00');
	SELECT count(*) FROM one.lem_slices;
	DROP EXTENSION lem;
	CREATE EXTENSION lem SCHEMA one;
	SELECT lem_submit_order('A', 'baseline:twap', lem_order(12)) AS id \gset
	CALL lem_work('TABLE worked', '2026-03-02 01:00+00');
	SELECT count(*) FROM one.lem_slices;
	DROP EXTENSION lem;
	CREATE EXTENSION lem SCHEMA two;
	SELECT lem_submit_order('A', 'baseline:twap', lem_order(12)) AS id \gset
	CALL lem_work('TABLE worked', '2026-03-02 01:00+00');
	SELECT count(*) FROM two.lem_slices;
SQL
)
dropdb "${source}_again"
is "one session, and the extension made anew" "$worked" $'1\n1\n1'
exit $failed

# The models that come with the extension: nothing is loaded by itself; lem_install_bundled() loads
# each file of data/, once; they schedule; and what is wrong with the installation is said.
. t/server/common
files=(data/*.safetensors)
[ -e "${files[0]}" ] || files=()
names=$(for file in "${files[@]}"; do basename "$file" .safetensors; done | sort)
folder=$(find "$LEM_SERVER_DIR/pg" -name lem.control -printf '%h\n')

# rows WHAT: what lem_install_bundled() says of each model
rows()
{
	for name in $names; do
		echo "$name|$1"
	done
}

sql -c "SET client_min_messages = warning; CREATE EXTENSION lem" -c "CREATE ROLE bundle_user" -c "REVOKE EXECUTE ON FUNCTION lem_install_bundled() FROM PUBLIC"
trap 'sql -c "DROP OWNED BY bundle_user" -c "DROP ROLE bundle_user"' EXIT
is "creating the extension loads no model" "$(sql -c 'SELECT count(*) FROM lem_models')" 0
if [ -n "$names" ]; then
	is "who may not import may not load them" \
		"$(sql -c '\set VERBOSITY sqlstate' -c 'SET ROLE bundle_user' -c 'SELECT lem_install_bundled()' 2>&1 | tail -1)" "ERROR:  42501"
fi
sql -c "GRANT EXECUTE ON FUNCTION lem_install_bundled() TO bundle_user"
is "who may import loads them all" "$(sql -c 'SET ROLE bundle_user' -c 'SELECT * FROM lem_install_bundled()' | sort)" "$(rows '1|t')"
is "once" "$(sql -c 'SET ROLE bundle_user' -c 'SELECT * FROM lem_install_bundled()' | sort)" "$(rows '1|f')"
is "they are deployed" "$(sql -c 'SELECT name FROM lem_models WHERE deployed ORDER BY name')" "$names"

simulate 40 A

# warned NAME HOURS: what a schedule of bars of that length is warned of
warned()
{
	sql -c "SELECT lem_schedule('$1', lem_order(1000, max_bars => 12), timestamptz '2026-01-01' + (ts - '2026-01-01') * $2, price, volume) FROM bars" 2>&1 >/dev/null |
		sed -n 's/^WARNING:  //p'
}

if [ "$(echo $names)" = "crypto_1h dow_1d" ]; then
	is "crypto_1h: bars of 1 to 4 hours are what it is for" "$(warned crypto_1h 1)$(warned crypto_1h 2)$(warned crypto_1h 4)" ""
	is "crypto_1h: bars of days are not" "$(warned crypto_1h 24)" "the bars are 1 day long, and the model was trained on bars of 01:00:00 to 04:00:00"
	is "dow_1d: bars of days are what it is for" "$(warned dow_1d 24)" ""
	is "dow_1d: bars of hours are not" "$(warned dow_1d 1)" "the bars are 01:00:00 long, and the model was trained on bars of 1 day"

	# the models of 1.0, which are known by their digests, did not say it
	old=${PGDATABASE}_old
	columns="name, version, deployed, created_by, config, parameters, bytes"
	digests="CASE name WHEN 'crypto_1h' THEN '\x738cf1161d49f96ffe48f354fc41fb378e5dad90f3349db1654eed52db5dc3b5'::bytea
		ELSE '\xd1db21528a1f0b7e3ce23869eb55513fe26eb27444d98937191c53bfd12e852f' END"
	seconds="SELECT string_agg(name || ' ' || (metrics ->> 'bar_seconds'), ', ' ORDER BY name) FROM lem_models"
	createdb "$old"
	sql -d "$old" -c "CREATE EXTENSION lem VERSION '1.0'"
	sql -c "COPY (SELECT $columns, metrics - 'bar_seconds', $digests FROM lem_model) TO STDOUT" | sql -d "$old" -c "COPY lem_model ($columns, metrics, digest) FROM STDIN"
	is "updated from 1.0, the models say what they are for" \
		"$(sql -d "$old" -c "$seconds" -c "ALTER EXTENSION lem UPDATE" -c "$seconds")" $'\n'"$(sql -c "$seconds")"
	is "which is" "$(sql -c "$seconds")" "crypto_1h [3600, 14400], dow_1d 86400"
	dropdb "$old"
fi
for file in "${files[@]}"; do
	name=$(basename "$file" .safetensors)
	is "$name: a schedule of all its bars" \
		"$(sql -c "SELECT count(*) = (config ->> 'n_ahead')::int, abs(sum((s).allocation) - 1) < 1e-9 FROM lem_models,
			(SELECT unnest(lem_schedule('$name', lem_order(1000, side => 'sell', min_bars => 2), ts, price, volume)) AS s FROM bars) AS p
			WHERE name = '$name' GROUP BY config")" "t|t"
	is "$name: the file, exported and imported, is the same model" \
		"$(sql -c "SELECT lem_import('copy', pg_read_binary_file('$folder/$name.safetensors')) < lem_import('copy', lem_export('$name'))" \
			-c "SELECT count(*), count(DISTINCT digest), count(DISTINCT metrics) FROM lem_model WHERE name IN ('copy', '$name')" \
			-c "SELECT metrics IS NOT NULL FROM lem_models WHERE name = '$name'" -c "SELECT lem_drop('copy')" | tr '\n' ' ')" "t 3|1|1 t 2 "
	is "$name: at most 5 MB" "$(($(stat -c %s "$file") <= 5000000))" 1
	chmod u+w "$folder"

	# an installation that lacks a file, or has another than the server's
	mv "$folder/$name.safetensors" "$folder/kept"
	is "$name: a missing file" "$(sql -c 'SELECT lem_install_bundled()' 2>&1 | sed "s,\"/.*/,\"," )" \
		"ERROR:  cannot read the bundled model \"$name\"
DETAIL:  File \"$name.safetensors\": No such file or directory.
HINT:  The server's installation of lem lacks files: install it again."
	head -c 1000 "$folder/kept" >"$folder/$name.safetensors"
	chmod 644 "$folder/$name.safetensors"
	is "$name: a damaged file" "$(sql -c '\set VERBOSITY sqlstate' -c 'SELECT lem_install_bundled()' 2>&1)" "ERROR:  LM011"
	rm "$folder/$name.safetensors"
	mkdir "$folder/$name.safetensors"
	is "$name: no file at all" "$(sql -c '\set VERBOSITY sqlstate' -c 'SELECT lem_install_bundled()' 2>&1)" "ERROR:  58P01"
	rmdir "$folder/$name.safetensors"
	mv "$folder/kept" "$folder/$name.safetensors"
	is "$name: nothing was stored then" "$(sql -c "SELECT count(*) FROM lem_models WHERE name = '$name'")" 1

	# another model of that name stays deployed beside it
	sql -o /dev/null -c "SELECT lem_import('kept', lem_export('$name')), lem_drop('$name')" \
		-c "SELECT lem_import('$name', lem_export('kept'), config || '{\"norm_window\": 99}') FROM lem_models WHERE name = 'kept'" -c "SELECT lem_drop('kept')"
	is "$name: it is stored beside another model of its name" "$(sql -c "SELECT installed FROM lem_install_bundled() WHERE name = '$name'")" t
	is "$name: which stays deployed" "$(sql -c "SELECT config ->> 'norm_window' FROM lem_models WHERE name = '$name' AND deployed")" 99
done
exit $failed

# Bars and orders spread by symbol over servers of their own: where what is computed, and the same
# schedules as one server gives.
if [ -z "${LEM_DISTRIBUTION:-}" ]; then
	# the coordinator
	export LEM_DISTRIBUTION=coordinator
	exec scripts/server -c wal_level=logical -c shared_preload_libraries=lem bash "$0"
elif [ "$LEM_DISTRIBUTION" = coordinator ]; then
	export LEM_DISTRIBUTION=first COORDINATOR=$PGHOST
	exec scripts/server -c shared_preload_libraries=lem bash "$0"
elif [ "$LEM_DISTRIBUTION" = first ]; then
	export LEM_DISTRIBUTION=second SHARD_1=$PGHOST
	exec scripts/server -c shared_preload_libraries=lem bash "$0"
fi
. t/server/common
SHARD_2=$PGHOST
at() { export PGHOST=$1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One server with everything: what must come out.
at "$COORDINATOR"
sql -c "CREATE EXTENSION lem" -c "CREATE EXTENSION postgres_fdw"
import alpha tiny >/dev/null
import beta medium >/dev/null
simulate 18 A B C D E F G H
sql <<-'SQL'
	CREATE TABLE orders (symbol text, id bigint, model text, ord lem_order);
	INSERT INTO orders SELECT chr(65 + i % 8), i, (ARRAY['alpha', 'beta'])[i % 2 + 1], lem_order(100 * i, side => CASE i % 3 WHEN 0 THEN 'sell' ELSE 'buy' END, min_bars => nullif(i % 4, 0), lot => 1) FROM generate_series(1, 20) AS i;
	CREATE PUBLICATION lem_models FOR TABLE lem_model, lem_model_name, lem_model_part, lem_model_right;
SQL
is "a cluster of three servers" "$(for host in "$COORDINATOR" "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SHOW data_directory"; done | sort -u | wc -l)" 3

# The shards: tables of their own, and the models as the coordinator has them.
for shard in "$SHARD_1" "$SHARD_2"; do
	at "$shard"
	sql -c "CREATE EXTENSION lem" -c "CREATE TABLE bars (symbol text, ts timestamptz, price float8, volume float8)" -c "CREATE TABLE orders (symbol text, id bigint, model text, ord lem_order)"
	sql -c "CREATE SUBSCRIPTION models_$((++number)) CONNECTION 'host=$COORDINATOR port=$PGPORT user=postgres dbname=postgres' PUBLICATION lem_models" 2>/dev/null
done

# The coordinator's view of them: one partition a shard.
at "$COORDINATOR"
for number in 1 2; do
	host=SHARD_$number
	sql <<-SQL
		CREATE SERVER shard_$number FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '${!host}', port '$PGPORT', dbname 'postgres', extensions 'lem', async_capable 'true');
		CREATE USER MAPPING FOR CURRENT_USER SERVER shard_$number OPTIONS (user 'postgres');
	SQL
done
sql <<-'SQL'
	CREATE SCHEMA spread;
	CREATE TABLE spread.bars (symbol text, ts timestamptz, price float8, volume float8) PARTITION BY HASH (symbol);
	CREATE TABLE spread.orders (symbol text, id bigint, model text, ord lem_order) PARTITION BY HASH (symbol);
	SELECT format('CREATE FOREIGN TABLE spread.%1$s_%2$s PARTITION OF spread.%1$s FOR VALUES WITH (MODULUS 2, REMAINDER %3$s) SERVER shard_%2$s OPTIONS (schema_name ''public'', table_name %1$L)', t, i, i - 1)
	FROM unnest('{bars,orders}'::text[]) AS t, generate_series(1, 2) AS i \gexec
	INSERT INTO spread.bars SELECT * FROM bars;
	INSERT INTO spread.orders SELECT * FROM orders;
	ANALYZE spread.bars;
	ANALYZE spread.orders;
SQL
for ((tries = 0; tries < 600; tries++)); do
	[ "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT count(*) FROM lem_model_part JOIN lem_model ON id = model_id"; done | sort -u)" = "$(sql -c "SELECT count(*) FROM lem_model_part")" ] && break
	sleep 0.1
done
is "each shard has symbols, and none has all" "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT count(DISTINCT symbol) BETWEEN 1 AND 7 FROM bars"; done)" $'t\nt'
is "and all models" "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT md5(string_agg(md5(lem_export(name)), '' ORDER BY name)) FROM lem_models"; done | uniq)" "$(sql -c "SELECT md5(string_agg(md5(lem_export(name)), '' ORDER BY name)) FROM lem_models")"

# Who may use a model may do so on every server; roles are made on each.
for host in "$COORDINATOR" "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "CREATE ROLE desk"; done
sql -o /dev/null -c "SELECT lem_grant('alpha', 'desk', 'use')"
for ((tries = 0; tries < 600; tries++)); do
	[ "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT count(*) FROM lem_model_right"; done | sort -u)" = 1 ] && break
	sleep 0.1
done
is "and the rights to them" "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT lem_has_right('alpha', 'use', 'desk'), lem_has_right('beta', 'use', 'desk')"; done)" $'t|f\nt|f'
sql -o /dev/null -c "SELECT lem_revoke('alpha', 'desk', 'use')"
for ((tries = 0; tries < 600; tries++)); do
	[ "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT count(*) FROM lem_model_right"; done | sort -u)" = 0 ] && break
	sleep 0.1
done
is "rights that are taken away go there too" "$(for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "SELECT lem_has_right('alpha', 'use', 'desk')"; done)" $'f\nf'

settings='SET enable_partitionwise_aggregate = on; SET enable_partitionwise_join = on; SET extra_float_digits = 3;'
series='SELECT symbol, lem_bars(ts, price, volume) FROM bars GROUP BY symbol ORDER BY symbol'
trades='SELECT symbol, lem_bar(ts, price, volume) FROM bars GROUP BY symbol ORDER BY symbol'
joined='SELECT symbol, id, lem_schedule(model, ord, ts, price, volume) FROM orders JOIN bars USING (symbol) GROUP BY symbol, id, model ORDER BY id'
next=${joined/lem_schedule/lem_next_slice}
constant="SELECT symbol, lem_next_slice('alpha', lem_order(100), ts, price, volume) FROM bars GROUP BY symbol ORDER BY symbol"
named="SELECT symbol, lem_schedule(model, ord, ts, price, volume) FROM bars JOIN (SELECT DISTINCT ON (symbol) * FROM orders ORDER BY symbol, id) AS o USING (symbol) GROUP BY symbol ORDER BY symbol"

# remote QUERY FUNCTION: in how many scans of shards the function is called there
remote()
{
	psql -X -q -A -t -c "$settings" -c "SET search_path = spread, public" -c "EXPLAIN (VERBOSE, COSTS OFF) $1" | grep 'Remote SQL' | grep -c "$2("
}

# same NAME QUERY: over the shards and on one server
same()
{
	psql -X -q -A -t -c "$settings" -c "SET search_path = public" -c "$2" >"$folder/one" 2>&1
	psql -X -q -A -t -c "$settings" -c "SET search_path = spread, public" -c "$2" >"$folder/spread" 2>&1
	ok "$1: the same as on one server" test -s "$folder/one" -a "$(md5sum <"$folder/one")" = "$(md5sum <"$folder/spread")"
	diff "$folder/one" "$folder/spread" | cut -c1-200 | head -4 | sed 's/^/# /'
}
# calls that a server has counted
calls() { sql -h "$1" -c "SELECT coalesce(sum(calls), 0) FROM lem_stat"; }
for host in "$COORDINATOR" "$SHARD_1" "$SHARD_2"; do sql -o /dev/null -h "$host" -c "SELECT lem_stat_reset()"; done

is "lem_bars is computed by the shards" "$(remote "$series" lem_bars)" 2
same "series" "$series"
is "lem_bar is computed by the shards" "$(remote "$trades" lem_bar)" 2
same "bars of trades" "$trades"
is "the next slices of orders are computed by the shards" "$(remote "$next" lem_next_slice)" 2
same "next slices" "$next"
is "each order by the shard that has it" "$(calls "$SHARD_1") $(calls "$SHARD_2")" "$(for i in 1 2; do sql -c "SELECT count(*) FROM spread.orders_$i"; done | tr '\n' ' ' | sed 's/ $//')"
same "schedules of orders" "$joined"
is "a model that no column names is applied by the coordinator" "$(remote "$constant" lem_next_slice)" 0
same "next slices of one model" "$constant"
for host in "$COORDINATOR" "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "CREATE VIEW bars_of_model AS SELECT b.*, 'alpha'::text AS model FROM public.bars AS b"; done
sql <<-'SQL'
	CREATE TABLE spread.bars_of_model (symbol text, ts timestamptz, price float8, volume float8, model text) PARTITION BY HASH (symbol);
	SELECT format('CREATE FOREIGN TABLE spread.bars_of_model_%1$s PARTITION OF spread.bars_of_model FOR VALUES WITH (MODULUS 2, REMAINDER %2$s) SERVER shard_%1$s OPTIONS (schema_name ''public'', table_name ''bars_of_model'')', i, i - 1)
	FROM generate_series(1, 2) AS i \gexec
	ANALYZE spread.bars_of_model;
SQL
constant="SELECT symbol, lem_next_slice(model, lem_order(100), ts, price, volume) FROM bars_of_model GROUP BY symbol, model ORDER BY symbol"
is "one that a view names, by the shards" "$(remote "$constant" lem_next_slice)" 2
same "next slices of a model that a view names" "$constant"
same "one order a symbol" "$named"

# A view on the shards makes any of their functions remote.
for host in "$SHARD_1" "$SHARD_2"; do
	sql -h "$host" -c "CREATE VIEW plans AS SELECT symbol, s.* FROM (SELECT symbol, lem_bars(ts, price, volume) AS series FROM bars GROUP BY symbol) AS b, lem_schedule('alpha', lem_order(100), series) AS s"
done
sql -c "CREATE TABLE spread.plans (symbol text, step int, ts timestamptz, allocation float8, cumulative float8, quantity float8, state text, reason text) PARTITION BY HASH (symbol)"
for number in 1 2; do
	sql -c "CREATE FOREIGN TABLE spread.plans_$number PARTITION OF spread.plans FOR VALUES WITH (MODULUS 2, REMAINDER $((number - 1))) SERVER shard_$number OPTIONS (schema_name 'public', table_name 'plans')"
done
sql -c "CREATE VIEW plans AS SELECT symbol, s.* FROM (SELECT symbol, lem_bars(ts, price, volume) AS series FROM bars GROUP BY symbol) AS b, lem_schedule('alpha', lem_order(100), series) AS s"
before=$(calls "$COORDINATOR")
same "plans of a view" 'SELECT * FROM plans ORDER BY symbol, step'
is "computed by the shards" "$(($(calls "$COORDINATOR") - before))" 8

# Orders are handed over by the coordinator, each to the shard that has its symbol's bars, worked there,
# and seen together.
number=0
for host in "$SHARD_1" "$SHARD_2"; do
	sql -h "$host" -c "CREATE VIEW desk_slices AS SELECT $((++number)) AS shard, series, order_id, step, ts, allocation, quantity FROM lem_slices"
done
sql <<-'SQL'
	CREATE EXTENSION dblink;
	CREATE FUNCTION submit(symbol text, model text, ord lem_order, client_id text) RETURNS bigint LANGUAGE sql AS $$
		SELECT id FROM dblink(CASE WHEN satisfies_hash_partition('spread.bars'::regclass, 2, 0, symbol) THEN 'shard_1' ELSE 'shard_2' END,
			format('SELECT lem_submit_order(%L, %L, %L::lem_order, client_id => %L)', symbol, model, ord, client_id)) AS r (id bigint)
	$$;
	CREATE TABLE desk_slices (shard int, series text, order_id bigint, step int, ts timestamptz, allocation float8, quantity float8) PARTITION BY LIST (shard);
	CREATE FOREIGN TABLE desk_slices_1 PARTITION OF desk_slices FOR VALUES IN (1) SERVER shard_1 OPTIONS (table_name 'desk_slices');
	CREATE FOREIGN TABLE desk_slices_2 PARTITION OF desk_slices FOR VALUES IN (2) SERVER shard_2 OPTIONS (table_name 'desk_slices');
SQL
is "orders are handed over by the coordinator, once" "$(sql -c "SELECT count(submit(symbol, model, ord, id::text)) FROM orders" -c "SELECT count(submit(symbol, model, ord, id::text)) FROM orders")" $'20\n20'
for host in "$SHARD_1" "$SHARD_2"; do sql -h "$host" -c "DO 'DECLARE t timestamptz := (SELECT max(ts) + interval ''1 hour'' FROM bars); BEGIN CALL lem_work(''SELECT symbol AS series, ts, price, volume FROM bars'', t); END'"; done
sql -o /dev/null -c "SELECT lem_submit_order(symbol, model, ord) FROM orders"
sql -c "DO 'DECLARE t timestamptz := (SELECT max(ts) + interval ''1 hour'' FROM bars); BEGIN CALL lem_work(''SELECT symbol AS series, ts, price, volume FROM bars'', t); END'"
slices="SELECT count(*), md5(string_agg(concat_ws(' ', series, step, ts, allocation, quantity), ',' ORDER BY series, quantity, allocation)) FROM"
is "worked by the shards as by one server" "$(sql -c "SET extra_float_digits = 3" -c "$slices desk_slices")" "$(sql -c "SET extra_float_digits = 3" -c "$slices lem_slices")"
is "twenty slices, on both shards" "$(sql -c "SELECT count(*), count(DISTINCT shard) FROM desk_slices")" "20|2"

# Without the extension's name in the server's options the bars come to the coordinator.
sql -c "ALTER SERVER shard_1 OPTIONS (DROP extensions)" -c "ALTER SERVER shard_2 OPTIONS (DROP extensions)"
is "extensions not named: nothing is computed by the shards" "$(remote "$next" lem_next_slice) $(remote "$series" lem_bars)" "0 0"
same "extensions not named" "$next"
# Without replication: models are copied, version by version, and what is here is left as it is.
at "$SHARD_1"
sync() { sql -c "SELECT string_agg(name || '@' || version || ' ' || action, ', ' ORDER BY name, version) FROM lem_sync_models('host=$COORDINATOR port=$PGPORT user=postgres dbname=postgres')" "$@" 2>&1; }
sql -c "CREATE DATABASE other"
export PGDATABASE=other
sql -c "CREATE EXTENSION lem"
ok "models of others take dblink" grep -q "through the extension dblink" <<<"$(sync)"
sql -c "CREATE SCHEMA links" -c "CREATE EXTENSION dblink SCHEMA links"
is "models are copied" "$(sync)" "alpha@1 copied, beta@1 copied"
is "and are the same" "$(sql -c "SELECT md5(string_agg(md5(lem_export(name)), '' ORDER BY name)) FROM lem_models")" "$(sql -h "$COORDINATOR" -d postgres -c "SELECT md5(string_agg(md5(lem_export(name)), '' ORDER BY name)) FROM lem_models")"
is "once" "$(sync)" "alpha@1 same, beta@1 same"
sql -h "$COORDINATOR" -d postgres -o /dev/null -c "SELECT lem_import('alpha', lem_export('beta'), NULL)" -c "SELECT lem_deploy('alpha', 2)" -c "SELECT lem_import('alpha', lem_export('alpha'), NULL)" -c "SELECT lem_drop('alpha@1')" -c "SELECT lem_grant('beta', 'desk', 'use')" -c "SELECT lem_import('gamma', lem_export('beta'), NULL)"
sql -o /dev/null -c "SELECT lem_import('gamma', lem_export('alpha'), NULL)"
is "what is missing, what is deployed, and what differs" "$(sync)" "alpha@2 copied, alpha@3 copied, beta@1 same, gamma@1 different"
is "versions that are here only stay" "$(sql -c "SELECT string_agg(name || '@' || version || CASE WHEN deployed THEN '*' ELSE '' END, ' ' ORDER BY name, version) FROM lem_models")" "alpha@1 alpha@2* alpha@3 beta@1* gamma@1*"
sql -o /dev/null -c "SELECT lem_drop('beta')"
sync >/dev/null
is "a name that is new here brings its rights" "$(sql -c "SELECT lem_has_right('beta', 'use', 'desk')")" t
ok "others may not" grep -q "permission denied for function lem_sync_models" <<<"$(sql -c "SET ROLE desk" -c "SELECT lem_sync_models('')" 2>&1)"
exit $failed

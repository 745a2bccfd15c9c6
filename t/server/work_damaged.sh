# A damaged page under the bars of one series, and one under what is kept of an order: each is the error of the orders
# that it is about, the others are decided, and nothing that was open when it was found is left behind.
if [ -z "${LEM_CRASH:-}" ]; then
	# one of its own, which is killed to forget its buffers
	export LEM_CRASH=running
	exec scripts/server -c restart_after_crash=on bash "$0"
fi
. t/server/common
sql -c "CREATE EXTENSION lem"
sql -o /dev/null <<-'SQL'
	SET client_min_messages = error;
	CREATE TABLE train AS SELECT 'T' AS series, timestamptz '2026-03-02 09:00:00+00' + i * interval '1 minute' AS ts,
		100 * exp(sin(i / 7.0) / 100) AS price, 1000 * (1.1 + sin(i / 3.0)) AS volume, ARRAY(SELECT sin(i * k) FROM generate_series(1, 20) AS k) AS features
		FROM generate_series(1, 300) AS i;
	CALL lem_train('damaged', 'SELECT * FROM train', '{"extra_features": 20, "lookback": 4, "n_ahead": 12, "hidden_size": 4, "num_heads": 2, "num_embedding": 2, "fused_mlp_hidden_dim": 2, "norm_window": 24}',
		'{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 32}');
SQL
query="SELECT * FROM bars"

# Rows so long that features lie in a TOAST table, so that reading them fails by itself.
sql <<-'SQL'
	CREATE TABLE bars (series text, ts timestamptz, price float8, volume float8, features float8[], filling text) WITH (toast_tuple_target = 128);
	ALTER TABLE bars ALTER features SET STORAGE EXTERNAL, ALTER filling SET STORAGE PLAIN;
	INSERT INTO bars SELECT s, timestamptz '2026-03-02 09:00:00+00' + i * interval '1 minute',
		100 * exp(sin((i + ascii(s)) / 7.0) / 100), 1000 * (1.1 + sin(i / 3.0 + ascii(s))), ARRAY(SELECT sin(i * k) FROM generate_series(1, 20) AS k), repeat('.', 2000)
		FROM unnest('{A,B,C}'::text[]) AS s, generate_series(1, 300) AS i ORDER BY s, i;
	CREATE INDEX ON bars (series, ts);
SQL
is "orders" "$(sql -c "SELECT count(lem_submit_order(s, 'damaged', lem_order(1000))) FROM unnest('{A,B,B,C}'::text[]) AS s")" 4

# damage TABLE PAGE: overwrite a page of its TOAST table on disk, and forget what is in memory
damage()
{
	local file tries

	sql -c "CHECKPOINT"
	file=$LEM_SERVER_DIR/data/$(sql -c "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = '$1'::regclass")
	head -c 8192 /dev/zero | tr '\0' 'x' | dd of="$file" bs=8192 seek="$2" conv=notrunc status=none
	$LEM_SERVER_AS kill -KILL "$(sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'")"
	for ((tries = 0; tries < 600; tries++)); do
		sleep 0.1
		sql -c "SELECT 1" >/dev/null 2>&1 && break
	done
}

# about the end of B's features
damage bars $(($(sql -c "SELECT pg_relation_size(reltoastrelid) / 8192 * 2 / 3 FROM pg_class WHERE oid = 'bars'::regclass")))
is "reading the page fails" "$(psql -X -q -A -t -v VERBOSITY=sqlstate -c "SELECT count(features[1] + 1) FROM bars WHERE series = 'B'" 2>&1)" "ERROR:  XX001"
warnings=$(sql -c "CALL lem_work('$query', '2026-03-02 14:01:00+00')" 2>&1)
is "nothing is left open" "$warnings" ""
is "the others are decided" "$(sql -c "SELECT id, state, slices, left(reason, 6) FROM lem_orders ORDER BY id")" $'1|active|1|\n2|active|0|XX001:\n3|active|0|XX001:\n4|active|1|'
is "and again when there is a new bar" "$(sql -c "INSERT INTO bars SELECT series, ts + interval '1 minute', price, volume, features, filling FROM bars WHERE series <> 'B' AND ts = '2026-03-02 14:00:00+00'" -c "CALL lem_work('$query', '2026-03-02 14:02:00+00')" -c "SELECT id, slices FROM lem_orders ORDER BY id" 2>&1)" $'1|2\n2|0\n3|0\n4|2'

# What is kept of an order: a few bars, which are read again each time.
sql -o /dev/null <<-'SQL'
	ALTER TABLE lem_parent_order SET (toast_tuple_target = 128);
	ALTER TABLE lem_parent_order ALTER bars SET STORAGE EXTERNAL, ALTER reason SET STORAGE PLAIN;
	SET session_replication_role = replica;	-- by hand, as only a test does
	UPDATE lem_parent_order SET reason = repeat('.', 2000), bars = (SELECT lem_bars(ts, price, volume, features) FROM lem_unnest(bars)) WHERE id = 4;
SQL
damage lem_parent_order 0
is "an order's own bars" "$(sql -c "INSERT INTO bars SELECT series, ts + interval '1 minute', price, volume, features, filling FROM bars WHERE series <> 'B' AND ts = '2026-03-02 14:01:00+00'" -c "CALL lem_work('$query', '2026-03-02 14:03:00+00')" -c "SELECT id, state, slices, left(reason, 6) FROM lem_orders WHERE id IN (1, 4) ORDER BY id" 2>&1)" $'1|active|3|\n4|failed|2|XX001:'
exit $failed

#!/usr/bin/env bash
# How far long jobs are, as other sessions see it: trainings within an epoch, backtests, passes of
# lem_work, imports; who may see what; nothing is left when they end, however that is.
set -uo pipefail
cd "$(dirname "$0")/../.."
. t/server/common

# seen CONDITION ACTION: wait until lem_progress has a row that fits, then act on its backend, all in
# one session; what was seen
seen()
{
	sql <<-SQL
		SET client_min_messages = warning;
		CREATE TABLE IF NOT EXISTS was_seen (pid int, usename name, kind text, model text, phase text, done bigint, total bigint, since timestamptz, time_left interval);
		TRUNCATE was_seen;
		DO \$\$
		BEGIN
			FOR i IN 1 .. 60000 LOOP
				PERFORM pg_stat_clear_snapshot();
				INSERT INTO was_seen SELECT * FROM lem_progress WHERE $1 LIMIT 1;
				EXIT WHEN FOUND;
				PERFORM pg_sleep(0.001);
			END LOOP;
			PERFORM pg_cancel_backend(pid) FROM was_seen;
		END \$\$;
		SELECT $2 FROM was_seen;
	SQL
}

# nothing is shown any more, once the sessions have ended
none_left()
{
	for ((i = 0; i < 600; i++)); do
		[ "$(sql -c 'SELECT count(*) FROM lem_progress')" = 0 ] && return
		sleep 0.1
	done
	return 1
}

sql -c 'CREATE EXTENSION lem'
simulate 60 A
sql -c "INSERT INTO bars SELECT 'L', '1970-01-01'::timestamptz + i * interval '1 hour', 100 + sin(i / 100.0), 1000 FROM generate_series(1, 400000) AS i" \
	-c "CREATE TABLE long AS SELECT lem_bars(ts, price, volume) AS bars FROM bars WHERE symbol = 'L'"

sql -c "CALL lem_train('m', 'SELECT symbol AS series, ts, price, volume FROM bars WHERE symbol = ''A''',
	'{\"lookback\": 8, \"n_ahead\": 4, \"hidden_size\": 8, \"num_heads\": 2, \"num_embedding\": 4, \"fused_mlp_hidden_dim\": 8, \"norm_window\": 48}',
	'{\"epochs\": 1000, \"samples\": 4096, \"batch\": 32, \"patience\": 1000}')" >/dev/null 2>&1 &
is 'a training shows how far it is within an epoch' "$(seen "kind = 'training' AND phase ~ '^epoch [0-9]+: learning$' AND done > 0" \
	"usename || ' ' || model || ' ' || (done <= total AND total = 128 AND since <= clock_timestamp() AND time_left >= interval '0')")" 'postgres m true'
wait $!
ok 'nothing of it is left when it is cancelled' none_left

sql -c "SELECT count(*) FROM long, lem_backtest_orders('baseline:vwap_curve', lem_order(1000), bars)" >/dev/null 2>&1 &
is 'a backtest shows how far it is' "$(seen "kind = 'backtest' AND done > 0" "phase || ' of ' || total")" 'going through bars of 400000'
wait $!
ok 'nothing of it is left when it is cancelled, either' none_left

# A function in the query for the bars sees the pass that it is part of.
sql <<'SQL'
CREATE TABLE within (kind text, phase text, done bigint, total bigint);
CREATE FUNCTION look() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_stat_clear_snapshot();
	INSERT INTO within SELECT kind, phase, done, total FROM lem_progress WHERE pid = pg_backend_pid();
	RETURN 'A';
END $$;
SELECT count(lem_submit_order('A', 'baseline:twap', lem_order(100))) FROM generate_series(1, 3) \gset
CALL lem_work('SELECT look() AS series, ts, price, volume FROM (SELECT * FROM bars WHERE symbol = ''A'' ORDER BY ts DESC LIMIT 100) AS b', '2026-03-02 00:00+00');
SQL
is 'a pass of lem_work shows what it is at' "$(sql -c "SELECT string_agg(DISTINCT kind || ': ' || phase || COALESCE(' of ' || total, ''), ', ') FROM within")" \
	'work: deciding orders of 3, work: reading bars'
ok 'nothing is left of it' none_left

# An import, seen from a trigger; a job within another does not show.
sql <<'SQL'
TRUNCATE within;
CREATE FUNCTION look_too() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.look(); RETURN NEW; END $$;
ALTER FUNCTION look() SET search_path = public;
CREATE TRIGGER look BEFORE INSERT ON lem_model_part FOR EACH ROW EXECUTE FUNCTION look_too();
SELECT count(*) AS installed FROM lem_install_bundled() \gset
DROP TRIGGER look ON lem_model_part;
SQL
is 'an import shows its parts' "$(sql -c "SELECT string_agg(DISTINCT kind || ': ' || phase || ' ' || (done < total), ', ') FROM within")" 'import: storing parts true'
ok 'nothing is left of that' none_left

# What others do is theirs; the client that asks is told.
sql -c 'CREATE ROLE other' -c 'CREATE ROLE watcher IN ROLE pg_read_all_stats'
cat >"$LEM_SERVER_DIR/roles.sql" <<'SQL'
CREATE TABLE others (role name, rows bigint, kinds bigint);
CREATE FUNCTION look_as() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	who name;
BEGIN
	FOREACH who IN ARRAY '{other,watcher}'::name[] LOOP
		PERFORM pg_stat_clear_snapshot();
		EXECUTE format('SET LOCAL ROLE %I', who);
		INSERT INTO others SELECT who, count(*), count(kind) FROM lem_progress;
		RESET ROLE;
	END LOOP;
	RETURN 'A';
END $$;
GRANT INSERT ON others TO PUBLIC;
BEGIN;
CALL lem_work('SELECT look_as() AS series, ts, price, volume FROM (SELECT * FROM bars WHERE symbol = ''A'' ORDER BY ts DESC LIMIT 1) AS b', '2026-03-02 00:00+00');
COMMIT;
SELECT string_agg(DISTINCT role || ' ' || rows || ' ' || kinds, ', ') FROM others;
SQL
is 'others see that there is a job, and those who may read statistics which' "$(sql -f "$LEM_SERVER_DIR/roles.sql")" 'other 1 0, watcher 1 1'
told=$(psql -X -q -c 'SET lem.progress_notices = on' -c 'SET statement_timeout = 20000' \
	-c "SELECT count(*) FROM long, lem_backtest_orders('baseline:optimal_stop', lem_order(1000, min_bars => 3), bars)" 2>&1)
ok 'a client that asks is told once a second' grep -qE '^NOTICE:  backtest, going through bars: [0-9]+ of 400000$' <<<"$told"
exit $failed

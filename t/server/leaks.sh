# Ten thousand calls of each function, good and failing, in one session: its memory does not grow.
. t/server/common
sql -c "CREATE EXTENSION lem"
# the weights do not mind what features they are given; these need few bars
import leak tiny '{"features": ["log_volume", "return", "volatility", "day_sin", "day_cos"], "norm_window": 6}' >/dev/null
simulate 18 A
calls=${LEM_LEAK_CALLS:-10000}
export PGOPTIONS="-c jit=off"	# which would compile each call

sql <<-'SQL'
	CREATE TABLE few AS SELECT * FROM bars ORDER BY ts DESC LIMIT 16;
	CREATE TABLE series AS SELECT lem_bars(ts, price, volume) AS history FROM few;
	CREATE TABLE long_series AS SELECT lem_bars(ts, price, volume) AS history FROM bars;
	CREATE TABLE text_series AS SELECT history::text AS text, lem_bars_send(history) AS sent FROM series;
	CREATE TABLE window_rows AS SELECT array_fill(1::float4, ARRAY[9, 7]) AS x;
	-- Files that fail late: with a weight that is not finite, and with a header cut short.
	CREATE TABLE bad_files AS SELECT overlay(file PLACING '\x0000c07f'::bytea FROM length(file) - 3) AS infinite, substring(file, 1, 4000) AS short FROM reference_weights WHERE name = 'tiny';

	-- Memory of this session: what PostgreSQL knows of, and all of the process but what it shares.
	CREATE FUNCTION context_bytes() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
	CREATE FUNCTION process_bytes() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
	DECLARE
		pages text[] := string_to_array(pg_read_file('/proc/' || pg_backend_pid() || '/statm'), ' ');
	BEGIN
		RETURN (pages[2]::bigint - pages[3]::bigint) * 4096;
	EXCEPTION WHEN OTHERS THEN
		RETURN 0;				-- no such file here
	END
	$$;

	-- Run a statement many times; errors are the expected one, or raised.
	CREATE FUNCTION repeat_call(statement text, calls int, expected text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. calls LOOP
			BEGIN
				EXECUTE statement;
				IF expected <> '00000' THEN RAISE 'there was no error'; END IF;
			EXCEPTION WHEN OTHERS THEN
				IF SQLSTATE <> expected THEN RAISE; END IF;
			END;
		END LOOP;
	END
	$$;
	-- What it grew by in the last of three rounds; the others fill caches.
	CREATE FUNCTION growth(statement text, calls int, expected text, OUT contexts bigint, OUT process bigint) LANGUAGE plpgsql AS $$
	DECLARE
		contexts_before bigint := 0;
		process_before bigint := 0;
		now bigint;
	BEGIN
		FOR round IN 1 .. 3 LOOP
			PERFORM repeat_call(statement, CASE round WHEN 3 THEN calls ELSE calls / 50 + 5 END, expected);
			now := context_bytes();
			contexts := now - contexts_before;
			contexts_before := now;
			now := process_bytes();
			process := now - process_before;
			process_before := now;
		END LOOP;
	END
	$$;
SQL

# leak NAME SQLSTATE STATEMENT [DIVISOR]: no allocation that is left behind takes less than 16 bytes
leak()
{
	local answer

	answer=$(sql -v name="$1" -v statement="$3" -v expected="$2" -v calls="$((calls / ${4:-1}))" <<-'SQL' 2>&1
		SET plan_cache_mode = force_generic_plan;
		SELECT contexts < :calls * 8 AND process < 4000000, contexts, process FROM growth(:'statement', :calls, :'expected');
	SQL
	)
	ok "$1, $((calls / ${4:-1})) calls" [ "${answer%%|*}" = t ]
	[ "${answer%%|*}" = t ] || echo "# ${answer//$'\n'/$'\n'# }"
}

leak "lem_order" 00000 "SELECT lem_order(1000, side => 'sell', min_bars => 3)"
leak "lem_order fails" LM007 "SELECT lem_order(1000, side => 'bye')"
leak "lem_bars" 00000 "SELECT lem_bars(ts, price, volume) FROM few"
leak "lem_bars unsorted" 00000 "SELECT lem_bars(ts, price, volume ORDER BY ts DESC) FROM few" 4
leak "lem_bars fails" LM001 "SELECT lem_bars(ts, -price, volume) FROM few"
leak "lem_bars fails late" LM002 "SELECT lem_bars('2026-01-01', price, volume) FROM few"
leak "lem_bars as text" 00000 "SELECT text::lem_bars::text FROM text_series" 10
leak "lem_bars as text fails" 22P02 "SELECT (rtrim(text, '}') || ', x')::lem_bars FROM text_series" 10
leak "lem_unnest" 00000 "SELECT * FROM series, lem_unnest(history)" 4
leak "lem_unnest, a row of it" 00000 "SELECT lem_unnest(history) FROM series LIMIT 1"
leak "lem_bar" 00000 "SELECT lem_bar(ts, price, volume) FROM few"
leak "lem_bar fails" LM001 "SELECT lem_bar(ts, price, -1) FROM few"
leak "lem_schedule" 00000 "SELECT lem_schedule('leak', lem_order(1000, min_bars => 2), ts, price, volume) FROM few"
leak "lem_schedule fails at the first bar" LM001 "SELECT lem_schedule('leak', lem_order(1000), ts, 'NaN', volume) FROM few"
leak "lem_schedule fails at the last bar" LM001 "SELECT lem_schedule('leak', lem_order(1000), ts, CASE ts WHEN (SELECT min(ts) FROM few) THEN 0 ELSE price END, volume) FROM few"
leak "lem_schedule fails for want of history" LM004 "SELECT lem_schedule('leak', lem_order(1000), ts, price, volume) FROM (SELECT * FROM few LIMIT 9) AS f"
leak "lem_schedule fails for want of a model" LM010 "SELECT lem_schedule('none', lem_order(1000), ts, price, volume) FROM few"
leak "lem_schedule fails at the order" LM006 "SELECT lem_schedule('leak', lem_order(1000, min_bars => 5), ts, price, volume) FROM few"
leak "lem_schedule with two orders" 22023 "SELECT lem_schedule('leak', lem_order(1 + volume), ts, price, volume) FROM few"
leak "lem_schedule of lem_bars" 00000 "SELECT * FROM series, lem_schedule('leak', lem_order(1000), history)"
leak "lem_schedule of lem_bars fails" LM004 "SELECT * FROM series, lem_schedule('leak', lem_order(1000, start_ts => '2026-01-02'), history)"
leak "lem_schedule in a window" 00000 "SELECT lem_schedule('leak', lem_order(1000), ts, price, volume) OVER (ORDER BY price > 0) FROM few"
leak "lem_next_slice" 00000 "SELECT lem_next_slice('leak', lem_order(1000), ts, price, volume) FROM few"
leak "lem_next_slice fails" LM003 "SELECT lem_next_slice('leak', lem_order(1000), ts, NULL, volume) FROM few"
leak "lem_schedule_batch" 00000 "SELECT * FROM series, lem_schedule_batch('leak', '{1,2,3}', ARRAY[lem_order(1), lem_order(2), lem_order(3, min_bars => 1)], ARRAY[history, history, history])" 2
leak "lem_schedule_batch fails at the last" LM006 "SELECT * FROM series, lem_schedule_batch('leak', '{1,2,3}', ARRAY[lem_order(1), lem_order(2), lem_order(3, min_bars => 5)], ARRAY[history, history, history])"
leak "lem_explain" 00000 "SELECT * FROM series, lem_explain('leak', lem_order(1000, min_bars => 2), history)" 4
leak "lem_explain, a row of it" 00000 "SELECT lem_explain('leak', lem_order(1000), history) FROM series LIMIT 1" 4
leak "lem_explain fails" LM004 "SELECT * FROM series, lem_explain('leak', lem_order(1000, start_ts => '2026-01-02'), history)"
leak "lem_baseline" 00000 "SELECT * FROM series, lem_baseline('vwap_curve', lem_order(1000, max_bars => 4), history, '{\"norm_window\": 8}')" 4
leak "lem_baseline fails" LM004 "SELECT * FROM series, lem_baseline('twap', lem_order(1000), history)" 4
leak "lem_backtest_orders" 00000 "SELECT * FROM series, lem_backtest_orders('leak', lem_order(1000, min_bars => 2), history)" 4
leak "lem_backtest_orders fails" LM014 "SELECT * FROM series, lem_backtest_orders('leak', lem_order(1000), history, options => '{\"impact\": 1}')" 4
leak "lem_backtest" 00000 "SELECT lem_backtest('leak', lem_order(1000, min_bars => 2), ts, price, volume, '{\"every\": 2}') FROM few" 4
leak "lem_backtest fails" LM006 "SELECT lem_backtest('leak', lem_order(1000, max_bars => 7), ts, price, volume) FROM few" 4
leak "lem_forward" 00000 "SELECT lem_forward('leak', x, '{0}', '{1}') FROM window_rows"
leak "lem_forward fails" 22023 "SELECT lem_forward('leak', x, '{0,0}', '{1}') FROM window_rows"
leak "lem_export" 00000 "SELECT lem_export('leak')" 4
leak "lem_export fails" LM010 "SELECT lem_export('leak@9')"
leak "lem_import fails" LM011 "SELECT lem_import('bad', short) FROM bad_files" 4
leak "lem_import fails late" LM013 "SELECT lem_import('bad', infinite, '$(config tiny)') FROM bad_files" 4
leak "lem_import fails at the config" LM014 "SELECT lem_import('bad', infinite, '{\"gaps\": 3}') FROM bad_files" 4
# each in a transaction of its own: what one has changed it has to remember
statement="SELECT lem_import('good', file, '$(config tiny)'), lem_drop('good') FROM reference_weights WHERE name = 'tiny';"
answer=$({
	for ((i = 0; i < 3; i++)); do
		for ((j = 0; j < (i < 2 ? 20 : calls / 20); j++)); do
			echo "$statement"
		done
		echo "SELECT context_bytes() AS now \\gset"
		[ $i = 1 ] && echo '\set before :now'
	done
	echo "\\echo growth :now :before"
} | sql | grep growth)
read -r _ now before <<<"$answer"
ok "lem_import and lem_drop are called" [ -n "$before" ]
ok "lem_import and lem_drop, $((calls / 20)) times" [ $((now - before)) -lt 4000 ]

leak "lem_deploy" 00000 "SELECT lem_deploy('leak', 1)"
leak "lem_deploy fails" LM010 "SELECT lem_deploy('leak', 7)"

# Models that are loaded and thrown out again, and ones that cannot be loaded
import large medium >/dev/null
import other medium '{"norm_window": 77}' >/dev/null
sql -c "ALTER DATABASE $PGDATABASE SET lem.model_cache_size = '1MB'"
leak "a cache too small" 00000 "SELECT lem_schedule('large', lem_order(1), history), lem_schedule('other', lem_order(1), history) FROM long_series" 10
sql -o /dev/null -c "UPDATE lem_model_part SET data = set_bit(data, 99, 1 - get_bit(data, 99)) WHERE part = 1 AND model_id = (SELECT id FROM lem_model WHERE name = 'other')"
leak "a damaged part" XX001 "SELECT lem_schedule('other', lem_order(1, min_bars => 1), history) FROM long_series" 4
exit $failed

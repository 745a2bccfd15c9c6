# Orders at the openings of six markets from 2019 to 2027, in all weeks with a change of clocks in New York, London or Sydney,
# with a holiday or an early close: their slices are stamped as the calendar says and told in time, with a start and
# without.  Where there are bars of SPY in ../shared/data, at each opening of theirs, too.
#
# SESSIONS_FIRST, SESSIONS_LAST: years.
. t/server/common
first=${SESSIONS_FIRST:-2019}
last=${SESSIONS_LAST:-2027}
spy=../shared/data/spy_1m.csv.gz

sql -c "CREATE EXTENSION lem"
import sessions_carry tiny >/dev/null
import sessions_skip tiny '{"gaps": "skip"}' >/dev/null
sql -o /dev/null -v first="$first" -v last="$last" -f t/minutes/sessions.sql
sql -c "CREATE FUNCTION calendar_of(market text) RETURNS text LANGUAGE sql AS \$\$ SELECT CASE WHEN market LIKE 'SPY%' THEN 'XNYS' ELSE market END \$\$"
ok "openings of all markets" test "$(sql -c "SELECT count(DISTINCT market) FROM openings")" = 6
sql -o /dev/null -f t/minutes/openings.sql
is "simulated sessions, $first to $last" "$(sql -c "SELECT count(*) FROM broken" -c "SELECT * FROM broken ORDER BY opens LIMIT 5")" 0
sql -c "SELECT format('# %s: %s openings', market, count(*)) FROM openings GROUP BY market ORDER BY market"

if [ ! -e "$spy" ]; then
	echo "# no bars of SPY here: simulated sessions alone"
	exit $failed
fi
sql -o /dev/null <<-SQL
	CREATE TABLE minutes (symbol text, ts timestamptz, open float8, high float8, low float8, close float8, volume float8);
	\\copy minutes (symbol, ts, open, high, low, close, volume) FROM PROGRAM 'zcat $spy' (FORMAT csv, HEADER)
	TRUNCATE bars, openings, broken;
	INSERT INTO markets VALUES ('SPY5', '5 minutes'), ('SPY30', '30 minutes');
	SELECT lem_set_feed(m, 'XNYS') FROM unnest('{SPY5,SPY30}'::text[]) AS m;
SQL
sql -o /dev/null <<-'SQL'
	INSERT INTO bars SELECT 'SPY' || n, to_timestamp(floor(extract(epoch FROM ts) / 60 / n) * 60 * n) AS bar, sum(close * volume) / sum(volume), sum(volume)
	FROM minutes, unnest('{5,30}'::int[]) AS n GROUP BY n, bar;
	-- from the session on before which there are as many bars as a model needs
	INSERT INTO openings SELECT market, step, s.day, opens FROM markets, LATERAL (SELECT min(ts) AS begins, max(ts) AS ends, count(*) AS n FROM bars WHERE series = market) AS b,
		lem_calendar_sessions('XNYS', begins::date, ends::date) AS s
	WHERE market LIKE 'SPY%' AND (SELECT count(*) FROM bars WHERE series = market AND ts < opens) >= 343;
SQL
is "bars of SPY" "$(sql -c "SELECT market, count(*) > 10, bool_and(opens AT TIME ZONE 'America/New_York' - (opens AT TIME ZONE 'America/New_York')::date = '09:30'), min(opens) < '2025-11-02' AND max(opens) > '2025-11-02' FROM openings GROUP BY market ORDER BY market")" $'SPY30|t|t|t\nSPY5|t|t|t'
sql -o /dev/null -f t/minutes/openings.sql
is "openings of SPY" "$(sql -c "SELECT count(*) FROM broken" -c "SELECT * FROM broken ORDER BY opens LIMIT 5")" 0
sql -c "SELECT format('# %s: %s openings', market, count(*)) FROM openings GROUP BY market ORDER BY market"
exit $failed

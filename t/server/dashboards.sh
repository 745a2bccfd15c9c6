# Every query of the dashboards, the alerts and the collector is run, over a database with something in
# all of it; and the metrics are what they say.
set -uo pipefail
. t/server/common
sql -c 'CREATE EXTENSION lem' -c 'SELECT FROM lem_install_bundled()' -f data/demo/bars.sql -f data/demo/simulate.sql >/dev/null
sql -o /dev/null <<'SQL'
SET client_min_messages = warning;
\set query 'SELECT symbol AS series, ts, vwap AS price, volume FROM bars'
CALL lem_train('mine', 'SELECT symbol AS series, ts, vwap AS price, volume FROM bars',
	'{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 48}',
	'{"epochs": 2, "samples": 64, "seed": 1}');
SELECT lem_submit_order('ALPHA', 'crypto_1h', lem_order(1200, 'sell', start_ts => '2026-02-20 00:00+00', min_bars => 3, lot => 10, max_bars => 12)),
	lem_submit_order('BETA', 'baseline:twap', lem_order(500)), lem_submit_order('GAMMA', 'baseline:twap', lem_order(500)),
	lem_submit_order('BETA', 'mine', lem_order(500, max_bars => 2, start_ts => '2026-03-01 23:00+00'));
CALL lem_work(:'query', '2026-03-02 00:00+00');
SELECT lem_pause_order(3), lem_record_fill(2, '2026-03-02 00:10+00', 1, 10);
SELECT count(*) FROM bars GROUP BY symbol HAVING lem_schedule('mine', lem_order(10), ts, vwap, volume) IS NOT NULL;
SQL

# runs NAME SQL: a query with Grafana's macros in it can be run
runs()
{
	local text=$2

	text=$(sed -E "s/\\\$__timeFilter\(([a-z_.]+)\)/\1 BETWEEN '2000-01-01' AND '2100-01-01'/g" <<<"$text")
	if sql -o /dev/null -c "$text" 2>"$LEM_SERVER_DIR/error"; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/# /' "$LEM_SERVER_DIR/error"
		failed=1
	fi
}

for file in grafana/lem-*.json grafana/provisioning/alerting/*.yaml; do
	# JSON, with a line of comment before it where it is YAML, too
	sed '/^#/d' "$file" >"$LEM_SERVER_DIR/file"
	queries=$(sql <<-SQL
		\set content \`cat "$LEM_SERVER_DIR/file"\`
		SELECT replace(q #>> '{}', E'\n', ' ') FROM jsonb_path_query(:'content'::jsonb, 'strict \$.**.rawSql') AS q;
	SQL
	)
	number=0
	while read -r query; do
		number=$((number + 1))
		runs "$file, query $number" "$query"
	done < <(sort -u <<<"$queries")
	ok "$file has queries" [ $number -ge 4 ]
done
is 'panels do not cover each other, and none is nameless' "$(for file in grafana/lem-*.json; do sql <<-SQL
	\set content \`cat "$file"\`
	WITH p AS (SELECT p, (p #>> '{gridPos,x}')::int AS x, (p #>> '{gridPos,y}')::int AS y, (p #>> '{gridPos,w}')::int AS w, (p #>> '{gridPos,h}')::int AS h
		FROM jsonb_array_elements(:'content'::jsonb -> 'panels') AS p)
	SELECT p ->> 'title' FROM p WHERE COALESCE(p ->> 'title', '') = '' OR x + w > 24
	UNION ALL SELECT a.p ->> 'title' FROM p AS a, p AS b WHERE a.p <> b.p AND a.x < b.x + b.w AND b.x < a.x + a.w AND a.y < b.y + b.h AND b.y < a.y + a.h;
	SQL
done)" ''

# The collector: every metric that there is, with all of its labels, and no other.
collector=grafana/lem.collector.yml
while read -r query; do
	runs "$collector: $query" "$query"
done < <(awk '/^    query: \|/ { on = 1; next } /^  - / { if (text) print text; on = 0; text = "" } on { sub(/^ +/, ""); text = text " " $0 } END { if (text) print text }' "$collector")
is 'the collector has every metric of the documentation' "$(sed -n 's/^  - metric_name: //p' "$collector" | sort)" \
	"$(sed -n '/^### `lem_metrics`/,/^### /p' doc/monitoring.md | grep '^| `' | cut -d'|' -f2 | grep -o '`[a-z_]*`' | tr -d '`' | sort)"
is 'every metric that there is, is one of these' "$(sql -c 'SELECT DISTINCT name FROM lem_metrics()' | grep -vxFf <(sed -n 's/^  - metric_name: //p' "$collector"))" ''
is 'orders by state' "$(sql -c "SELECT string_agg(labels ->> 'state' || ' ' || value, ', ' ORDER BY labels) FROM lem_metrics() WHERE name = 'lem_orders'")" \
	"$(sql -c "SELECT string_agg(state || ' ' || n, ', ' ORDER BY jsonb_build_object('state', state)) FROM (SELECT s.state, count(o.id) AS n FROM unnest('{active,paused,failed,finished,cancelled,expired}'::text[]) AS s (state) LEFT JOIN lem_orders AS o USING (state) GROUP BY s.state) AS x WHERE n > 0 OR state IN ('active', 'paused', 'failed')")"
is 'slices that were late' "$(sql -c "SELECT value FROM lem_metrics() WHERE name = 'lem_slices_day' AND labels ->> 'late' = 'true'")" "$(sql -c 'SELECT count(*) FROM lem_slices WHERE late')"
is 'calls of a model' "$(sql -c "SELECT count(*) FROM lem_metrics() WHERE name = 'lem_trainings_day' AND labels ->> 'status' = 'finished' AND value = 1")" 1
is 'the age of a feed' "$(sql -c "SELECT bool_and(abs(m.value - extract(epoch FROM clock_timestamp() - o.seen_ts)) < 600) FROM lem_metrics() AS m JOIN lem_parent_order AS o ON o.series = m.labels ->> 'series' WHERE m.name = 'lem_feed_age_seconds' AND o.state = 'active'")" t
sql -c 'CREATE ROLE nobody'
is 'who sees no orders counts none' "$(sql -c 'SET ROLE nobody' -c "SELECT sum(value) FROM lem_metrics() WHERE name IN ('lem_orders', 'lem_slices_day')")" 0
exit $failed

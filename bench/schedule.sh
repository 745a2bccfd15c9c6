#!/usr/bin/env bash
# schedule.sh: what scheduling costs in SQL.  Runs beside a private server (scripts/bench).
#
# For the medium config and the paper's full one, with random weights: the first call in a new
# backend and what it takes over a trivial query, a warm call of lem_schedule(), and orders a second
# in lem_schedule_batch().  Medians; the smallest and largest in brackets.
set -euo pipefail
weights=$1

sql()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# Milliseconds of the last statement of a script, in a backend of its own.
first_call()
{
	{ echo '\timing on'; echo "$1"; } | psql -X -q -A -t -v ON_ERROR_STOP=1 |
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
}

median()
{
	sort -g | awk '{ x[NR] = $1 } END { printf "%.2f (%.2f to %.2f)", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sql -f data/simulate.sql
sql <<'SQL'
CREATE TABLE bench_bars AS
	SELECT s.symbol, b.ts, coalesce(b.notional / nullif(b.volume, 0), b.close) AS vwap, b.volume
	FROM (VALUES ('ALPHA'), ('BETA'), ('GAMMA'), ('DELTA')) AS s(symbol),
		 simulate_bars(s.symbol, days => 40) AS b;
CREATE TABLE bench_series AS
	SELECT symbol, lem_bars(ts, vwap, volume) AS bars FROM bench_bars GROUP BY symbol;
VACUUM ANALYZE bench_bars, bench_series;

-- Milliseconds of repeated warm calls of one schedule.
CREATE FUNCTION bench_warm(model text, calls int) RETURNS SETOF float8
LANGUAGE plpgsql AS $$
DECLARE
	series lem_bars := (SELECT bars FROM bench_series WHERE symbol = 'ALPHA');
	started timestamptz;
BEGIN
	FOR i IN 0 .. calls LOOP
		started := clock_timestamp();
		PERFORM * FROM lem_schedule(model, lem_order(1000, min_bars => 3), series);
		IF i > 0 THEN
			RETURN NEXT 1000 * extract(epoch FROM clock_timestamp() - started);
		END IF;
	END LOOP;
END $$;

-- Orders a second in batches of a size; all of one branch.
CREATE FUNCTION bench_batch(model text, size int, calls int) RETURNS SETOF float8
LANGUAGE plpgsql AS $$
DECLARE
	ids bigint[] := ARRAY(SELECT generate_series(1, size));
	ords lem_order[] := ARRAY(SELECT lem_order(1000 + i, min_bars => 3) FROM generate_series(1, size) AS i);
	series lem_bars[];
	started timestamptz;
BEGIN
	WITH s AS (SELECT bars, row_number() OVER (ORDER BY symbol) - 1 AS n FROM bench_series)
	SELECT array_agg(s.bars ORDER BY i) INTO series
	FROM generate_series(1, size) AS i JOIN s ON s.n = i % 4;
	FOR i IN 0 .. calls LOOP
		started := clock_timestamp();
		PERFORM count(*) FROM lem_schedule_batch(model, ids, ords, series);
		IF i > 0 THEN
			RETURN NEXT size / extract(epoch FROM clock_timestamp() - started);
		END IF;
	END LOOP;
END $$;
SQL

printf '%-8s %-44s %s\n' config figure 'median (min to max)'
for config in medium full; do
	"$weights" $config >"$LEM_SERVER_DIR/weights"
	chmod 644 "$LEM_SERVER_DIR/weights"
	sql -c "SELECT lem_import('$config', pg_read_binary_file('$LEM_SERVER_DIR/weights'))" >/dev/null
	rm -f "$LEM_SERVER_DIR/weights"
	calls=$([ $config = full ] && echo 15 || echo 200)
	call="SELECT count(*) FROM bench_series, lem_schedule('$config', lem_order(1000, min_bars => 3), bars) WHERE symbol = 'ALPHA';"
	trivial=$(for i in 1 2 3 4 5 6 7; do first_call 'SELECT count(*) FROM bench_series;'; done | median)
	first=$(for i in 1 2 3 4 5 6 7; do first_call "$call"; done | median)
	warm=$(sql -c "SELECT bench_warm('$config', $calls)" | median)
	printf '%-8s %-44s %s\n' $config 'trivial query, first in a backend, ms' "$trivial"
	printf '%-8s %-44s %s\n' $config 'lem_schedule, first in a backend, ms' "$first"
	printf '%-8s %-44s %s\n' $config 'lem_schedule, warm, ms' "$warm"
	for size in 1 64 500; do
		rate=$(sql -c "SELECT bench_batch('$config', $size, $([ $config = full ] && echo 3 || echo 9))" | median)
		printf '%-8s %-44s %s\n' $config "lem_schedule_batch of $size, orders a second" "$rate"
	done
done

#!/usr/bin/env bash
# orders.sh: passes of lem_work over many orders.  Runs beside a private server (scripts/bench).
#
# Orders are worked over hourly bars, 601 a symbol and one more each pass, by the bundled model; in a steady
# pass each order has one slice to be decided.  LEM_BENCH_ORDERS is sizes to measure, each orders/symbols: what
# a pass takes at the largest number, as it grows from the smallest, is the exponent e of time ~ orders ^ e, one
# for each round.  Aims are those for 100,000 orders over 10,000 symbols, and for what does not depend on them.
set -euo pipefail
. bench/common.sh

install_bundled
query="SELECT symbol AS series, ts, price, volume FROM bench_order_bars"
start='2026-03-02 00:00:00+00'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Bars of some symbols from hour $2 to hour $3 after the start.
add_bars()
{
	sql -c "INSERT INTO bench_order_bars
		SELECT 'S' || s, timestamptz '$start' + h * interval '1 hour',
			100 * exp(sin((h + s) / 7.0) / 100 + sin(h * s) / 1000), 1000 * (1.1 + sin(h / 3.0 + s))
		FROM generate_series(1, $1) AS s, generate_series($2, $3) AS h"
}

# The end of hour $1 after the start, in SQL.
at()
{
	echo "timestamptz '$start' + $(($1 + 1)) * interval '1 hour'"
}

# Seconds of a call of lem_work at the end of hour $1; the most private memory of its session goes to $folder/memory, in kB, and
# what it used of the processor to $folder/cpu, in seconds.
pass()
{
	local sampler call

	rm -f "$folder/pid"
	# a call that ends before it is looked at leaves zeros
	echo 0 | tee "$folder/memory" >"$folder/cpu"
	{
		echo "\\copy (SELECT pg_backend_pid()) TO $folder/pid"
		echo '\timing on'
		echo "CALL lem_work('$query', $(at $1));"
	} | sql >"$folder/time" &
	call=$!
	{
		until [ -s "$folder/pid" ]; do sleep 0.02; done
		local pid most=0 now
		pid=$(cat "$folder/pid")
		while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
			[ "$now" -le $most ] || most=$now
			echo $most >"$folder/memory"
			awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$pid/stat" >"$folder/cpu.now" 2>/dev/null &&
				[ -s "$folder/cpu.now" ] && mv "$folder/cpu.now" "$folder/cpu"
			sleep 0.1
		done
	} &
	sampler=$!
	wait $call
	sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$folder/time" | awk '{ print $1 / 1000 }'
	kill $sampler 2>/dev/null || true
	wait $sampler 2>/dev/null || true
}

wal()
{
	sql -c "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
}

# measure ORDERS SYMBOLS
measure()
{
	local orders=$1 symbols=$2 what steady= both=
	[ "$1/$2" != 100000/10000 ] || steady='<= 15' both='<= 8.5'
	what="$(thousands "$1") orders over $(thousands "$2") symbols"

	sql <<-SQL
		SET client_min_messages = warning;
		DROP TABLE IF EXISTS bench_order_bars;
		CREATE TABLE bench_order_bars (symbol text, ts timestamptz, price float8, volume float8);
		TRUNCATE lem_parent_order, lem_child_slice;
	SQL
	add_bars "$symbols" -600 0
	sql -c "CREATE INDEX ON bench_order_bars (symbol, ts)" -c "VACUUM ANALYZE bench_order_bars" -c "
		SELECT count(lem_submit_order('S' || 1 + i % $symbols, 'crypto_1h', lem_order(100 * i,
			CASE i % 3 WHEN 0 THEN 'sell' ELSE 'buy' END, min_bars => CASE i % 2 WHEN 0 THEN 4 END, max_bars => 12)))
		FROM generate_series(1, $orders) AS i" -o /dev/null
	pass 0 >"$folder/first"
	awk -v f="$(cat "$folder/memory")" 'BEGIN { print f / 1024 }' >"$folder/most"
	row "first pass, $what" s <"$folder/first"

	: >"$folder/steady"
	: >"$folder/wal"
	: >"$folder/used"
	for ((h = 1; h <= $(rounds 3); h++)); do
		add_bars "$symbols" $h $h
		before=$(wal)
		pass $h >>"$folder/steady"
		cat "$folder/cpu" >>"$folder/used"
		echo $((($(wal) - before) / orders)) >>"$folder/wal"
		awk -v f="$(cat "$folder/memory")" 'BEGIN { print f / 1024 }' >>"$folder/most"
	done
	row "steady pass, $what" s "$steady" <"$folder/steady"
	cp "$folder/steady" "$folder/steady.$orders"
	row "processor time of it, $what" s <"$folder/used"
	row "WAL a slice, $what" bytes <"$folder/wal"
	row "private memory of a pass, $what" MB '<= 60' <"$folder/most"
	for ((i = 0; i < $(rounds 3); i++)); do pass $((h - 1)); done | row "nothing due, $what" s '<= 0.2'

	# two callers
	for ((i = 0; i < $(rounds 3); i++, h++)); do
		add_bars "$symbols" $h $h
		began=$EPOCHREALTIME
		sql -c "CALL lem_work('$query', $(at $h))" &
		sql -c "CALL lem_work('$query', $(at $h))"
		wait
		awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { print ended - began }'
	done | row "steady pass by two callers, $what" s "$both"
}

section 'Working orders'
sizes=${LEM_BENCH_ORDERS:-$([ -n "$small" ] && echo 20/10 40/20 || echo 1000/500 10000/5000 100000/10000)}
for size in $sizes; do
	measure "${size%/*}" "${size#*/}"
done
if [ "$(wc -w <<<"$sizes")" -gt 1 ]; then
	numbers=$(for size in $sizes; do echo "${size%/*}"; done)
	paste -d ' ' $(for n in $numbers; do echo "$folder/steady.$n"; done) | exponents $numbers |
		row "steady pass: orders, $(head -1 <<<"$numbers") to $(tail -1 <<<"$numbers")" exponent 'own 1'
fi

section 'Views of working orders'
each=$([ -n "$small" ] && echo 100 || echo 100000)
sql -o /dev/null <<-SQL
	TRUNCATE lem_parent_order, lem_child_slice;
	SELECT lem_submit_order('S1', 'crypto_1h', lem_order(1000, max_bars => 12));
	-- $each orders of ten slices, traded on paper; one in twenty is active
	INSERT INTO lem_parent_order (series, model, ord, owner, state, submitted_at, ended_at, model_version, start_ts, seen_ts,
		slices, completed, allocated, quantity, last_ts, papered, paper_done, bars)
	SELECT 'S' || i % 1000, o.model, o.ord, o.owner, CASE WHEN s.active THEN 'active' ELSE 'finished' END,
		s.ts, CASE WHEN NOT s.active THEN s.ts + interval '10 hours' END, 1, s.ts, s.ts + interval '10 hours',
		10, 10 - s.active::int, 1, 1000, s.ts + interval '10 hours', 10 - s.active::int, NOT s.active, b.bars
	FROM (SELECT * FROM lem_parent_order LIMIT 1) AS o, generate_series(1, $each) AS i,
		LATERAL (SELECT i % 20 = 0 AS active, timestamptz '$start' + i * interval '1 minute' AS ts) AS s,
		LATERAL (SELECT lem_bars(s.ts + k * interval '1 hour', 100, 1000) AS bars FROM generate_series(1, 10) AS k) AS b;
	INSERT INTO lem_child_slice (order_id, step, ts, allocation, cumulative, quantity, late, decided_at, decided_by, model_version, inputs, bar_ts)
	SELECT o.id, k, t.ts, 0.1, 0.1 * k, 100, false, t.ts, 'bench', 1, sha256(''), CASE WHEN k <= o.completed THEN t.ts END
	FROM lem_parent_order AS o, generate_series(1, 10) AS k, LATERAL (SELECT o.start_ts + k * interval '1 hour' AS ts) AS t
	WHERE o.start_ts IS NOT NULL;
	INSERT INTO lem_paper_fill (order_id, step, ts, price, quantity)
	SELECT order_id, step, bar_ts, 100, quantity FROM lem_child_slice WHERE bar_ts IS NOT NULL;
	-- written to disk, as by the next checkpoint of a server at work: of commits that are not, VACUUM marks no page
	CHECKPOINT;
	VACUUM ANALYZE lem_parent_order, lem_child_slice, lem_paper_fill, lem_order_fill;
SQL
make_turns
end=$(sql -c "SELECT max(decided_at) - interval '10 minutes' FROM lem_child_slice")
names=('newest 20 orders' 'last 100 slices' "one order's slices" "one series' orders" 'slices since a time' 'counts by state' 'stale orders'
	'lem_paper_fill with nothing to do')
queries=('SELECT count(*) FROM (SELECT * FROM lem_orders ORDER BY id DESC LIMIT 20) AS q'
	'SELECT count(*) FROM (SELECT * FROM lem_slices ORDER BY decided_at DESC LIMIT 100) AS q'
	"SELECT count(*) FROM (SELECT * FROM lem_slices WHERE order_id = (SELECT max(id) - 7 FROM lem_parent_order) ORDER BY step OFFSET 0) AS q"
	"SELECT count(*) FROM (SELECT * FROM lem_orders WHERE series = 'S7' ORDER BY id DESC OFFSET 0) AS q"
	"SELECT count(*) FROM (SELECT * FROM lem_slices WHERE decided_at > '$end' OFFSET 0) AS q"
	'SELECT count(*) FROM (SELECT state, count(*) FROM lem_orders GROUP BY state) AS q'
	"SELECT count(*) FROM (SELECT id FROM lem_orders WHERE state = 'active' AND last_ts < '$start' OFFSET 0) AS q"
	'SELECT lem_paper_fill()')
times=$(turns $(rounds 3) "${queries[@]}")
for i in "${!names[@]}"; do
	column $((i + 1)) <<<"$times" | row "${names[$i]}, $(thousands $((10 * each))) slices" ms '<= 20'
done
began=$EPOCHREALTIME
sql -c "CALL lem_purge(timestamptz '$start' + $((each / 2 + 600)) * interval '1 minute')"
awk -v began="$began" -v ended="$EPOCHREALTIME" -v n=$((each / 2)) 'BEGIN { print n * 0.95 / (ended - began) }' | row 'lem_purge' orders/s

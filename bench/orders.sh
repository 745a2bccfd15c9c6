#!/usr/bin/env bash
# orders.sh: passes of lem_work over many orders.  Runs beside a private server (scripts/bench).
#
# Orders are worked over hourly bars, 601 a symbol and one more each pass, by the bundled model; in a steady
# pass each order has one slice to be decided.  LEM_BENCH_ORDERS is sizes to measure, each orders/symbols.
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

# Seconds of a call of lem_work; the most private memory of its session goes to $folder/memory, in kB, and
# what it used of the processor to $folder/cpu, in seconds.
pass()
{
	local began=$EPOCHREALTIME sampler

	rm -f "$folder/pid"
	sql -c "\\copy (SELECT pg_backend_pid()) TO $folder/pid" -c "CALL lem_work('$query')" &
	local call=$!
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
	awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { print ended - began }'
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
	local orders=$1 symbols=$2 what
	what="$(thousands "$1") orders over $(thousands "$2") symbols"

	sql <<-SQL
		DROP TABLE IF EXISTS bench_order_bars;
		CREATE TABLE bench_order_bars (symbol text, ts timestamptz, price float8, volume float8);
		TRUNCATE lem_parent_order, lem_child_slice;
	SQL
	add_bars "$symbols" -600 0
	sql -c "CREATE INDEX ON bench_order_bars (symbol, ts)" -c "VACUUM ANALYZE bench_order_bars" -c "
		SELECT count(lem_submit_order('S' || 1 + i % $symbols, 'crypto_1h', lem_order(100 * i,
			CASE i % 3 WHEN 0 THEN 'sell' ELSE 'buy' END, min_bars => CASE i % 2 WHEN 0 THEN 4 END)))
		FROM generate_series(1, $orders) AS i" -o /dev/null
	pass >"$folder/first"
	awk -v f="$(cat "$folder/memory")" 'BEGIN { print f / 1024 }' >"$folder/most"
	row "first pass, $what" s <"$folder/first"

	: >"$folder/steady"
	: >"$folder/wal"
	: >"$folder/used"
	for ((h = 1; h <= $(rounds 3); h++)); do
		add_bars "$symbols" $h $h
		before=$(wal)
		pass >>"$folder/steady"
		cat "$folder/cpu" >>"$folder/used"
		echo $((($(wal) - before) / orders)) >>"$folder/wal"
		awk -v f="$(cat "$folder/memory")" 'BEGIN { print f / 1024 }' >>"$folder/most"
	done
	row "steady pass, $what" s <"$folder/steady"
	row "processor time of it, $what" s <"$folder/used"
	row "WAL a slice, $what" bytes <"$folder/wal"
	row "private memory of a pass, $what" MB '<= 60' <"$folder/most"
	for ((i = 0; i < $(rounds 3); i++)); do pass; done | row "nothing due, $what" s '<= 0.2'

	# two callers
	for ((i = 0; i < $(rounds 3); i++, h++)); do
		add_bars "$symbols" $h $h
		began=$EPOCHREALTIME
		sql -c "CALL lem_work('$query')" &
		sql -c "CALL lem_work('$query')"
		wait
		awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { print ended - began }'
	done | row "steady pass by two callers, $what" s
	sql -c "SELECT format('# slices at step %s: %s', step, count(*)) FROM lem_child_slice GROUP BY step ORDER BY step" >&2
}

section 'Working orders'
sizes=${LEM_BENCH_ORDERS:-$([ -n "$small" ] && echo 20/10 40/20 || echo 1000/500 10000/5000 100000/10000)}
for size in $sizes; do
	measure "${size%/*}" "${size#*/}"
done

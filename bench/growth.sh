#!/usr/bin/env bash
# growth.sh: how the time of statements grows with bars, orders and models.  Runs beside a private server
# (scripts/bench).
#
# Each row is the exponent e of time ~ size ^ e, by least squares of the logarithms, one for each round in
# which all sizes are timed in turn; the algorithm's own is beside it.
set -euo pipefail
. bench/common.sh

make_bars
make_rows
make_models
sizes=$([ -n "$small" ] && echo 2000 20000 || echo 10000 100000 1000000 10000000)
largest=${sizes##* }

# growth WHAT ROUNDS QUERY SIZE...: a row for a query in which @ stands for the size
growth()
{
	local what=$1 runs=$2 query=$3 queries=() size times
	shift 3

	for size; do
		queries+=("${query//@/$size}")
	done
	times=$(turns $(rounds $runs) "${queries[@]}")
	exponents "$@" <<<"$times" | row "$what, $1 to ${!#}" exponent 'own 1'
	last=$(column $# <<<"$times")
}

section 'Growth of statements, one process: time ~ size ^ exponent'
growth 'bars: lem_bars' 3 'SELECT lem_bars_count(lem_bars(ts, p, v)) FROM bench_rows WHERE i <= @' $sizes
build=$last
growth 'bars: lem_vwap' 3 'SELECT lem_vwap(p, v) FROM bench_rows WHERE i <= @' $sizes
growth 'bars: lem_schedule of rows' 3 "SELECT lem_schedule('crypto_1h', lem_order(1, min_bars => 3, max_bars => 12), ts, p, v) FROM bench_rows WHERE i <= @" $sizes
sql -c 'CREATE TABLE bench_long (n int, bars lem_bars)'
for size in $sizes; do
	sql -c "INSERT INTO bench_long SELECT $size, lem_bars(ts, p, v) FROM bench_rows WHERE i <= $size"
done
growth 'bars: lem_schedule of a stored lem_bars' 3 "SELECT count(*) FROM bench_long, lem_schedule('crypto_1h', lem_order(1, min_bars => 3, max_bars => 12), bars) WHERE n = @" $sizes
sql -c 'DROP TABLE bench_long'
growth 'bars: lem_backtest, a start every 100 bars' 3 \
	"SELECT lem_backtest('crypto_1h', lem_order(1, min_bars => 3, max_bars => 12), bars, '{\"every\": 100}') FROM (SELECT lem_bars(ts, p, v) AS bars FROM bench_rows WHERE i <= @) AS b" \
	$([ -n "$small" ] && echo 2000 20000 || echo 10000 30000 100000)
growth 'starts: lem_backtest' 3 \
	"SELECT lem_backtest('crypto_1h', lem_order(1, min_bars => 3, max_bars => 12), bars, '{}') FROM (SELECT lem_bars(ts, p, v) AS bars FROM bench_rows WHERE i <= @ + 180) AS b" \
	$([ -n "$small" ] && echo 50 100 || echo 200 600 2000)
growth 'orders: lem_schedule_batch' 3 \
	"SELECT count(*) FROM lem_schedule_batch('crypto_1h', ARRAY(SELECT generate_series(1, @))::bigint[],
		ARRAY(SELECT lem_order(1000 + i, min_bars => 3, max_bars => 12) FROM generate_series(1, @) AS i),
		ARRAY(SELECT bars FROM bench_series, generate_series(1, @) WHERE symbol = 'ALPHA'))" \
	$([ -n "$small" ] && echo 10 100 || echo 10 30 100 300 1000 3000)
growth 'orders: lem_schedule, LATERAL' 3 \
	"SELECT count(*) FROM bench_series, generate_series(1, @) AS i, lem_schedule('crypto_1h', lem_order(1000 + i, min_bars => 3, max_bars => 12), bars) WHERE symbol = 'ALPHA'" \
	$([ -n "$small" ] && echo 10 100 || echo 10 30 100 300 1000)
growth 'models: lem_schedule with each' 5 \
	"SELECT count(*) FROM bench_series, generate_series(1, @) AS i, lem_schedule('model_' || i, lem_order(1000, min_bars => 3, max_bars => 12), bars) WHERE symbol = 'ALPHA'" \
	1 3 10 $([ -n "$small" ] || echo 30 100)

section 'Building lem_bars, one process'
awk -v n=$largest '{ print 1000 * n / $1 }' <<<"$build" | row "lem_bars of $(thousands $largest) rows in time order" rows/s
n=$((most_rows / 10))
mixed="(SELECT ts, p, v FROM bench_rows WHERE i <= $n ORDER BY i * 7919::bigint % 1000003) AS r"
turns $(rounds 3) "SELECT lem_bars_count(lem_bars(ts, p, v)) FROM $mixed" "SELECT count(p + v) FROM $mixed" |
	awk -v n=$n '{ print 1000 * n / ($1 - $2) }' | row "lem_bars of $(thousands $n) rows in another order" rows/s

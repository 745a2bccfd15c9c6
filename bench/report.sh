#!/usr/bin/env bash
# report.sh: a page on a backtest of many orders.  Runs beside a private server (scripts/bench).
#
# Orders start at every bar of an hourly series; the page compares the exact optimum with the stopping rule, each
# with a backtest of its own.
set -euo pipefail
. bench/common.sh

starts=$([ -n "$small" ] && echo 2000 || echo 100000)
sql -v bars=$((starts + 178)) <<-'SQL'
	CREATE TABLE bench_reported AS
		SELECT lem_bars(timestamptz '2015-01-01' + i * interval '1 hour', 100 * exp(0.3 * sin(i * 1e-3) + 0.01 * sin(i * 1.7)),
			exp(sin(i * 0.26)), 100 * exp(0.3 * sin(i * 1e-3) + 0.01 * sin(i * 1.7 + 0.3))) AS bars
		FROM generate_series(1, :bars) AS i;
SQL
report="lem_report('backtest', 'baseline:optimal_stop', lem_order(1000, min_bars => 3), bars)"
section 'Reports'
make_turns
turns $(rounds 3) "SELECT count(lem_backtest('baseline:optimal_stop', lem_order(1000, min_bars => 3), bars)) FROM bench_reported" \
	"SELECT $report FROM bench_reported" >"$LEM_SERVER_DIR/turns"
what="of $(thousands "$starts") orders"
column 1 <"$LEM_SERVER_DIR/turns" | awk '{ print $1 / 1000 }' | row "backtest $what by the optimum" s
column 2 <"$LEM_SERVER_DIR/turns" | awk '{ print $1 / 1000 }' | row "report $what" s '<= 2'
sql -c "SELECT length($report) / 1e6 FROM bench_reported" | row 'size of it' MB '<= 2'

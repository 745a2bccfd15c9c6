#!/usr/bin/env bash
# Bars, fills and books in their binary forms, written by the server of one processor and read by that
# of another:
#
#   scripts/server t/cross/forms.sh write FOLDER
#   scripts/server t/cross/forms.sh read FOLDER
#
# Each value is a file of COPY ... (FORMAT binary).  What is read must be the value that this server
# makes itself, and be sent on as the same bytes.  All numbers are exact: multiples of powers of 2.  A
# file of weights travels as well.
set -uo pipefail
cd "$(dirname "$0")/../.."
. t/server/common
action=$1
folder=$2

# The rows that all values are of, in an order that is not that of time
rows="(SELECT timestamptz '2026-01-01' + i * 7919 % 5003 * interval '1 min' AS ts,
	100 + i % 64 / 8.0::float8 AS price, 1 + i % 1000 / 16.0::float8 AS volume,
	100 + i % 64 / 8.0::float8 AS close, i % 7 / 4.0::float8 AS feature FROM generate_series(1, 5000) AS i) AS r"
bar="ROW(price, price + 1, price - 1, close, volume, price * volume, price, 7)::lem_trade_bar"
book="ts, price - 0.5, price + 0.5, volume, volume + 1, price, price + 1, price - 1, close, volume,
	volume / 2"
values=(
	"bars|lem_bars(ts, price, volume)"
	"bars_features|lem_bars(ts, price, volume, ARRAY[feature, -feature])"
	"bars_closes|lem_bars(ts, price, volume, close)"
	"bars_ranges|lem_bars(ts, $bar)"
	"bars_all|lem_bars(ts, $bar, ARRAY[feature])"
	"fills|lem_tca(lem_order(1e6, start_ts => '2026-01-01'), ts, price, volume)"
	"book|lem_book($book)"
	"book_features|lem_book($book, ARRAY[feature])"
)

export PGOPTIONS='-c client_min_messages=warning'
sql -c "CREATE EXTENSION IF NOT EXISTS lem" -c "SELECT lem_install_bundled()" >/dev/null

for value in "${values[@]}"; do
	name=${value%%|*}
	made="SELECT ${value#*|} AS v FROM $rows"
	file=$folder/$name
	if [ "$action" = write ]; then
		sql -c "COPY ($made) TO STDOUT (FORMAT binary)" >"$file"
		ok "$name is written" [ -s "$file" ]
	else
		sql -c "DROP TABLE IF EXISTS read_$name" -c "CREATE TABLE read_$name AS $made LIMIT 0" \
			-c "COPY read_$name FROM STDIN (FORMAT binary)" <"$file"
		is "$name is read, value and bytes" "$(sql -c "
			SELECT m.v::text = r.v::text, lem_${name%%_*}_send(m.v) = lem_${name%%_*}_send(r.v)
			FROM ($made) AS m, read_$name AS r")" 't|t'
	fi
done

if [ "$action" = write ]; then
	sql -c "COPY (SELECT lem_export('crypto_1h') AS file) TO STDOUT (FORMAT binary)" >"$folder/weights"
	ok "weights are written" [ -s "$folder/weights" ]
else
	sql -c "DROP TABLE IF EXISTS read_weights" -c "CREATE TABLE read_weights (file bytea)" \
		-c "COPY read_weights FROM STDIN (FORMAT binary)" <"$folder/weights"
	is "weights are read, and sent on as the same bytes" "$(sql -c "
		SELECT file = lem_export('crypto_1h'), lem_import('travelled', file, config) > 0
		FROM read_weights, lem_models WHERE name = 'crypto_1h'")" 't|t'
fi
exit $failed

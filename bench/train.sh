#!/usr/bin/env bash
# train.sh: what training costs through lem_train.  Runs beside a private server (scripts/bench).
#
# For the medium config and the paper's full one, both in the published form that the reference
# framework has (separate heads, no finish gate): samples a second with one process and with two,
# how that scales, and the most memory that the leading process had.  Medians; the smallest and
# largest in brackets.
set -euo pipefail

sql()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

median()
{
	sort -g | awk '{ x[NR] = $1 } END { printf "%.1f (%.1f to %.1f)", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sql -f data/simulate.sql -c "
	CREATE TABLE train_bars AS
	SELECT s.symbol, b.ts, b.close AS price, b.volume
	FROM (VALUES ('ALPHA'), ('BETA')) AS s(symbol), simulate_bars(s.symbol, days => 50) AS b"

published='"features": "paper", "heads": "separate", "finish_gate": false, "notional_state": "allocated", "hidden_rnn_layer": 2'
medium='"lookback": 24, "n_ahead": 6, "hidden_size": 32, "num_heads": 4, "num_embedding": 8, "fused_mlp_hidden_dim": 16'
full='"lookback": 120, "n_ahead": 12, "hidden_size": 200, "num_heads": 8, "num_embedding": 20, "fused_mlp_hidden_dim": 100'

# run CONFIG SAMPLES EPOCHS WORKERS: samples a second of each epoch but the first, and megabytes
run()
{
	sql <<-SQL 2>/dev/null
		SET lem.training_memory = '16GB';
		SET client_min_messages = warning;
		CALL lem_train('bench', 'SELECT symbol AS series, ts, price, volume FROM train_bars',
			'{$1, $published}', '{"epochs": $3, "patience": $3, "samples": $2, "validation_samples": 16, "workers": $4, "deploy": false}');
		SELECT 'rate', samples_per_s FROM lem_training_epochs WHERE run = (SELECT max(run) FROM lem_training_runs) AND epoch > 1;
		SELECT 'kB', substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)');
		SELECT 'workers', workers FROM lem_training_runs ORDER BY run DESC LIMIT 1;
		SELECT lem_drop('bench');
	SQL
}

printf '%-8s %-10s %-30s %8s\n' config processes 'samples a second' MB
for config in medium full; do
	samples=$([ $config = full ] && echo 128 || echo 2560)
	rates=()
	for workers in 1 2; do
		answer=$(run "${!config}" "$samples" 4 $workers)
		rate=$(grep '^rate' <<<"$answer" | cut -d'|' -f2 | median)
		rates+=("${rate%% *}")
		printf '%-8s %-10s %-30s %8d\n' $config "$(grep '^workers' <<<"$answer" | cut -d'|' -f2)" "$rate" \
			$(($(grep '^kB' <<<"$answer" | cut -d'|' -f2) / 1000))
	done
	echo "${rates[@]}" | awk -v config=$config '{ printf "%-8s two processes do %.2f times as much as one\n", config, $2 / $1 }'
done

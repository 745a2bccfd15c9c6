#!/usr/bin/env bash
# train.sh: what training costs through lem_train.  Runs beside a private server (scripts/bench).
#
# For the form of the bundled models of 1.0 (small), and the medium and the paper's full one in the published form
# (separate heads, no finish gate): samples a second with one process and with two, how that scales,
# and the most memory that the leading process had.  A round is a training, and its figure is that of
# its fastest epoch but the first.  An epoch takes a second or more, as those of trainings do.
set -euo pipefail
. bench/common.sh

make_bars
published='"features": "paper", "heads": "separate", "finish_gate": false, "notional_state": "allocated", "hidden_rnn_layer": 2'
of_small='"lookback": 32, "n_ahead": 12, "hidden_size": 32, "hidden_rnn_layer": 1, "num_heads": 4, "num_embedding": 8, "fused_mlp_hidden_dim": 32'
of_medium="\"lookback\": 24, \"n_ahead\": 6, \"hidden_size\": 32, \"num_heads\": 4, \"num_embedding\": 8, \"fused_mlp_hidden_dim\": 16, $published"
of_full="\"lookback\": 120, \"n_ahead\": 12, \"hidden_size\": 200, \"num_heads\": 8, \"num_embedding\": 20, \"fused_mlp_hidden_dim\": 100, $published"

# run CONFIG SAMPLES EPOCHS WORKERS: samples a second, and megabytes
run()
{
	sql -F ' ' <<-SQL 2>/dev/null
		SET lem.training_memory = '16GB';
		SET client_min_messages = warning;
		CALL lem_train('bench', 'SELECT symbol AS series, ts, vwap AS price, volume FROM bench_bars',
			'{$1}', '{"epochs": $3, "patience": $3, "samples": $2, "validation_samples": 16, "workers": $4, "deploy": false}');
		SELECT max(samples_per_s), substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')::float8 / 1000
		FROM lem_training_epochs WHERE run = (SELECT max(run) FROM lem_training_runs) AND epoch > 1;
		SELECT lem_drop('bench') \g /dev/null
	SQL
}

section 'Training through lem_train'
for config in $([ -n "$small" ] && echo medium || echo small medium full); do
	epochs=3 of=of_$config
	case $small$config in
		full) samples=64 epochs=2 ;;
		medium) samples=5120 ;;
		small) samples=2560 ;;
		*) samples=64 ;;
	esac
	figures=
	for ((round = 0; round < $(rounds 3); round++)); do
		figures+="$(run "${!of}" $samples $epochs 1) $(run "${!of}" $samples $epochs 2)"$'\n'
	done
	figures=${figures%$'\n'}
	column 1 <<<"$figures" | row "$config: one process" samples/s
	column 3 <<<"$figures" | row "$config: two processes" samples/s
	awk '{ print $3 / $1 }' <<<"$figures" | row "$config: two processes against one" ratio
	column 2 <<<"$figures" | row "$config: memory of the process that leads" MB
done

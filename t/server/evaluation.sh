# The evaluation report, made from simulated bars with tiny models in place of the bundled ones.
set -uo pipefail
. t/server/common
work=$(mktemp -d "${TMPDIR:-/tmp}/lem-evaluation.XXXXXX")
trap 'rm -rf "$work"' EXIT

sql -c 'CREATE EXTENSION lem' -f data/simulate.sql
bars_file "$work" crypto_1h '1 hour' 90 '2026-01-01 00:00+00' BTCUSDT LTCUSDT
bars_file "$work" crypto_1m '15 minutes' 11 '2027-01-01 00:00+00' FILUSDT
bars_file "$work" dow_1d '1 day' 500 '2024-01-01 00:00+00' AAPL WMT

# A model of the ablation that was trained before.
small='{"lookback": 8, "n_ahead": 16, "base": "optimal_stop", "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
mkdir "$work/models"
sql -v config="$small" <<-'SQL'
	SET client_min_messages = warning;
	CALL lem_train('seeded', 'SELECT 1 AS series, ts, notional / volume AS price, volume, close FROM simulate_bars(''BTCUSDT'', days => 30)', :'config',
		'{"epochs": 1, "samples": 64, "validation_samples": 64}');
SQL
sql -c "SELECT encode(lem_export('seeded'), 'base64')" | base64 -d >"$work/models/seed_2.safetensors"

if BARS_DIR=$work MODELS_DIR=$work/models KINDS='seed_2 closes_only impact curve' OUT=$work/out STAND_IN=yes SAMPLES=64 EPOCHS=1 WORKERS=2 STEPS='{"15": 17, "1": 15, "2": 7, "4": 5, "d": 5}' \
	CONFIG=$small timeout 900 scripts/evaluation >"$work/log" 2>&1; then
	echo "ok - the report is made"
else
	echo "not ok - the report is made"
	sed 's/^/# /' "$work/log"
	exit 1
fi
is 'without errors or warnings' "$(grep -iE 'error|warning|fatal' "$work/log")" ''
report=$work/out/evaluation.md
is 'nothing is left to fill in' "$(grep -nE '^@|\{[a-z]' "$report" "$work/out/evaluation-tables.md")" ''
is 'no table is empty' "$(awk '/^\|---/ { getline; if ($0 !~ /^\|/) print FILENAME ": " FNR }' "$report" "$work/out/evaluation-tables.md")" ''
is 'numbers are finite' "$(grep -niE '\| *-?(nan|inf)' "$report" "$work/out/evaluation-tables.md")" ''
is 'it says that the models are stand-ins' "$(grep -c 'small stand-ins' "$report")" 1
# 13 minimum durations, two sides and both, two benchmarks, six strategies
is 'every strategy of every order' "$(awk '/^## Hourly/ { on = 1; next } /^##/ { on = 0 } on && /^\| (both|buy|sell)/' "$work/out/evaluation-tables.md" | wc -l)" 468
is 'each aim is judged by an interval' "$(awk '/^### Against/ { on = 1; next } /^##/ { on = 0 } on' "$report" | grep -cE '^\| (VWAP|TWAP) .* to .* to .* to .*(met|missed)')" 8
is 'models of the ablation, the bundled one among them' "$(grep -cE '^\| (as bundled|seed 2|from bars with closes|reckons with impact|without the optimum)' "$report")" 18
is 'costs of the bundled model, and of one that reckons with them' "$(awk '/^## What a trade/ { on = 1; next } /^##/ { on = 0 } on' "$report" | grep -cE '^\| [0-9.]+ % \| (VWAP|TWAP)')" 24
is 'an order that tracks with TWAP gains nothing against it' \
	"$(grep -E '\| TWAP \| [^|]* \| twap \|' "$work/out/evaluation-tables.md" | grep -cvF '| 0.0 [0.0] |')" 0
is 'six figures, and that of the README' "$(grep -lE '</svg>' "$work"/out/figures/*.svg | wc -l)" 7
is 'links to figures that are there' \
	"$(grep -oE '\(figures/[^)]*\)' "$report" | tr -d '()' | while read -r image; do [ -f "$work/out/$image" ] || echo "$image"; done)" ''
BARS_DIR=$work/none scripts/evaluation >"$work/log" 2>&1
ok 'a folder without bars is an error' [ $? != 0 ]
ok 'which names it' grep -q "$work/none" "$work/log"
exit $failed

# The evaluation report, made from simulated bars with tiny models in place of the bundled ones.
set -uo pipefail
. t/server/common
work=$(mktemp -d "${TMPDIR:-/tmp}/lem-evaluation.XXXXXX")
trap 'rm -rf "$work"' EXIT

sql -f data/simulate.sql
bars_file "$work" crypto_1h '1 hour' 60 '2026-01-01 00:00+00' BTCUSDT LTCUSDT
bars_file "$work" crypto_1m '15 minutes' 11 '2027-01-01 00:00+00' FILUSDT
bars_file "$work" dow_1d '1 day' 500 '2024-01-01 00:00+00' AAPL WMT

if BARS_DIR=$work OUT=$work/out STAND_IN=yes SAMPLES=64 EPOCHS=1 WORKERS=2 STEPS='{"15": 17, "1": 11, "2": 7, "4": 5, "d": 5}' \
	CONFIG='{"lookback": 8, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}' \
	timeout 300 scripts/evaluation >"$work/log" 2>&1; then
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
# 13 minimum durations, two sides, two benchmarks, five strategies
is 'every strategy of every order' "$(awk '/^## Hourly/ { on = 1; next } /^##/ { on = 0 } on && /^\| (buy|sell)/' "$work/out/evaluation-tables.md" | wc -l)" 260
is 'an order that tracks with TWAP gains nothing against it' \
	"$(grep -E '\| TWAP \| [^|]* \| twap \|' "$work/out/evaluation-tables.md" | grep -cvF '| 0.0 [0.0] |')" 0
is 'five figures' "$(grep -lE '</svg>' "$work"/out/figures/*.svg | wc -l)" 5
is 'links to figures that are there' \
	"$(grep -oE '\(figures/[^)]*\)' "$report" | tr -d '()' | while read -r image; do [ -f "$work/out/$image" ] || echo "$image"; done)" ''
BARS_DIR=$work/none scripts/evaluation >"$work/log" 2>&1
ok 'a folder without bars is an error' [ $? != 0 ]
ok 'which names it' grep -q "$work/none" "$work/log"
exit $failed

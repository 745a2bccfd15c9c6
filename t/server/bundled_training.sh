# The bundled models trained again, for a moment, from simulated bars: the commands of data/train work,
# and what comes out is a model of their config.
. t/server/common
work=$(mktemp -d "${TMPDIR:-/tmp}/lem-bundled.XXXXXX")
trap 'rm -rf "$work"' EXIT

sql -c "CREATE EXTENSION lem" -f data/simulate.sql
bars_file "$work" crypto_1h '1 hour' 80 '2020-07-01 00:00+00' BTCUSDT LTCUSDT
bars_file "$work" dow_1d '1 day' 2200 '2010-01-01 00:00+00' AAPL WMT
mkdir "$work/out"
BARS_DIR=$work OUT=$work/out WORKERS=1 CHANGES='{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 32, "mask_epochs": 0}' \
	timeout 900 scripts/bundled >"$work/log" 2>&1
status=$?
is 'the bundled models are trained' "$status" 0
is 'without errors or warnings' "$(grep -iE 'error|warning|fatal' "$work/log")" ''
for model in crypto_1h dow_1d; do
	cp "$work/out/$model.safetensors" "$LEM_SERVER_DIR/trained"
	cp "data/$model.safetensors" "$LEM_SERVER_DIR/bundled"
	chmod 644 "$LEM_SERVER_DIR/trained" "$LEM_SERVER_DIR/bundled"
	is "$model: a model with the config of the bundled one, and other weights" \
		"$(sql -o /dev/null -c "SELECT lem_import('$model', pg_read_binary_file('$LEM_SERVER_DIR/' || file)) FROM unnest('{trained,bundled}'::text[]) AS file" \
			-c '\o' -c "SELECT count(*), count(DISTINCT config), count(DISTINCT digest) FROM lem_model WHERE name = '$model'")" '2|1|2'
done
exit $failed

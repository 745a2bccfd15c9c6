#!/usr/bin/env bash
# storage.sh: what storing weights with 16 bits a number changes.  Runs beside a private server
# (scripts/bench).
#
# A model trained for a short while on simulated bars, and each bundled model, imported three times:
# as float32, float16 and bfloat16.  The bytes stored; the largest difference of an allocation from
# float32's over schedules of all durations; the mean gain of backtests in basis points (positive is
# good), and its difference from float32's.
set -euo pipefail
. bench/common.sh

make_bars
install_bundled
if [ -n "$small" ]; then
	days=10 every=20 models=crypto_1h
else
	days=120 every=3 models='simulated crypto_1h dow_1d'
fi
sql -v days=$days -v train=$([ -n "$small" ] && echo false || echo true) <<'SQL'
SET client_min_messages = warning;
CREATE TABLE storage_bars AS
	SELECT symbol, ts, notional / volume AS price, volume
	FROM unnest('{ALPHA,BETA,GAMMA,DELTA}'::text[]) AS symbol, simulate_bars(symbol, days => :days);
CREATE TABLE storage_series AS
	SELECT symbol, lem_bars(ts, price, volume) AS bars FROM storage_bars GROUP BY symbol;
\if :train
	CALL lem_train('simulated', 'SELECT symbol AS series, ts, price, volume FROM storage_bars',
		'{"lookback": 24, "n_ahead": 12, "hidden_size": 32, "hidden_rnn_layer": 1, "num_heads": 4, "num_embedding": 8, "fused_mlp_hidden_dim": 32}',
		'{"epochs": 3, "samples": 1024, "validation_samples": 256}');
\endif

CREATE FUNCTION storage_change(model text, every int, OUT storage text, OUT bytes bigint, OUT largest float8,
	OUT gain float8, OUT change float8) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	kinds text[] := '{float32,float16,bfloat16}';
	base float8;
BEGIN
	CREATE TEMPORARY TABLE plans (kind text, symbol text, min_bars int, step int, allocation float8) ON COMMIT DROP;
	FOREACH storage IN ARRAY kinds LOOP
		PERFORM lem_import('storage_' || storage, lem_export(model), config || jsonb_build_object('storage', storage))
		FROM lem_models WHERE name = model;
		INSERT INTO plans SELECT storage, symbol, n, (s).step, (s).allocation
		FROM storage_series, generate_series(1, 12) AS n,
			lem_schedule('storage_' || storage, lem_order(1, min_bars => n, max_bars => 12), bars) AS s;
		SELECT m.bytes INTO bytes FROM lem_models AS m WHERE name = 'storage_' || storage;
		SELECT max(abs(p.allocation - w.allocation)) INTO largest
		FROM plans AS p JOIN plans AS w USING (symbol, min_bars, step) WHERE p.kind = storage AND w.kind = 'float32';
		SELECT avg((r).mean_bps) INTO gain
		FROM (SELECT lem_backtest('storage_' || storage, lem_order(1, min_bars => 3, max_bars => 12), bars, jsonb_build_object('every', every)) AS r FROM storage_series) AS b;
		base := coalesce(base, gain);
		change := gain - base;
		PERFORM lem_drop('storage_' || storage);
		RETURN NEXT;
	END LOOP;
	DROP TABLE plans;
END $$;
SQL

section 'Weights of 16 bits: what changes'
for model in $models; do
	sql -F ' ' -c "SELECT storage, bytes, largest, gain, change FROM storage_change('$model', $every)" |
		while read -r storage bytes largest gain change; do
			echo $bytes | row "$model, $storage: stored" bytes
			[ $storage = float32 ] && echo "$gain" | row "$model, $storage: mean gain" 'basis points' && continue
			echo $largest | row "$model, $storage: largest difference of an allocation" 'of the order'
			echo "$change" | row "$model, $storage: change in the mean gain" 'basis points'
		done
done

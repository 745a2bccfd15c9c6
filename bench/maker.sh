#!/usr/bin/env bash
# maker.sh: what forecasts and quotes of market making cost in SQL, in a session that has the models.
# Runs beside a private server (scripts/bench).
#
# A teacher and a mixture of its students, of the sizes of the report on market making, which hardly
# learnt anything: a statement for each call, with the book at hand, of 300 bars and of more; and a run
# through a book, by bar, less the same run with fixed quotes.
set -euo pipefail
. bench/common.sh

sql -o /dev/null <<-'SQL'
	SET timezone = 'UTC';
	SET client_min_messages = warning;
	CREATE TABLE maker_bars AS
	WITH shocks AS (
		SELECT i, (hashint4(i * 31) % 1000) / 1000.0 AS u, (hashint4(i * 17) % 1000) / 1000.0 AS v FROM generate_series(1, 3000) AS i
	), walk AS (
		SELECT *, 100 + sum(u) OVER (ORDER BY i) * 0.01 AS mid FROM shocks
	)
	SELECT 'X' AS series, timestamptz '2026-01-05 14:30+00' + i * interval '1 second' AS ts, mid - 0.01 AS bid, mid + 0.01 AS ask,
		50 + 40 * v AS bid_size, 50 - 40 * v AS ask_size, mid AS open, mid + 0.04 AS high, mid - 0.04 AS low, mid AS close,
		1000 + 400 * v AS volume
	FROM walk;
	CALL lem_train_maker('teacher', 'SELECT * FROM maker_bars', '{"horizon": 10, "lookback": 32, "hidden_size": 48, "num_heads": 4,
		"num_embedding": 8, "fused_mlp_hidden_dim": 32, "features": ["log_volume", "return", "volatility"], "recurrent": "tkan"}',
		'{"epochs": 1, "batch": 64, "samples": 128, "validation_samples": 64}');
	CALL lem_distill('mixture', 'teacher', 'SELECT * FROM maker_bars', '{"lookback": 16, "hidden_size": 8}',
		'{"epochs": 1, "samples": 256, "validation_samples": 192}');

	-- Microseconds of a statement that gets a book ($1) of so many bars, the fastest of some.
	CREATE FUNCTION microseconds(statement text, bars int) RETURNS float8 LANGUAGE plpgsql AS $$
	DECLARE
		book lem_book;
		started timestamptz;
		best float8 := 'Infinity';
	BEGIN
		SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) INTO book
		FROM (SELECT * FROM maker_bars ORDER BY ts LIMIT bars) AS b;
		EXECUTE format('CREATE OR REPLACE FUNCTION run(book lem_book) RETURNS void LANGUAGE plpgsql AS %L',
			format('BEGIN FOR i IN 1 .. 50 LOOP PERFORM FROM %s; END LOOP; END', statement));
		FOR i IN 1 .. 10 LOOP
			started := clock_timestamp();
			PERFORM run(book);
			best := least(best, extract(epoch FROM clock_timestamp() - started) * 1e6 / 50);
		END LOOP;
		RETURN best;
	END $$;
	CREATE FUNCTION a_bar(model text) RETURNS float8 LANGUAGE plpgsql AS $$
	DECLARE
		book lem_book;
		started timestamptz;
	BEGIN
		SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) INTO book FROM maker_bars;
		started := clock_timestamp();
		PERFORM FROM lem_maker_backtest(model, lem_quoting(1, 0.01, 1, 0.05, 1000), book, '{"fit": 0.5}');
		RETURN extract(epoch FROM clock_timestamp() - started) * 1e6 / 1500;
	END $$;
SQL
# measures in turn: a machine that is busy for a while is so for all of them
times=$(for round in $(seq "$(rounds 5)"); do
	sql -F ' ' -c "SELECT microseconds(forecast, 300), microseconds(forecast, 3000),
			microseconds(format('lem_quote(%L, lem_quoting(3, 0.01, 1, 0.05, 1000), book, 100)', model), 300),
			a_bar(model) - a_bar('baseline:fixed')
		FROM unnest(ARRAY['teacher', 'mixture']) AS model, format('lem_forecast(%L, book)', model) AS forecast" | paste -s -d ' '
done)

section 'Market making in SQL, warm, one process'
i=0
for model in teacher mixture; do
	aim=$([ $model = mixture ] && echo '<= 50' || true)
	for what in 'lem_forecast, a book of 300 bars' 'lem_forecast, a book of 3,000 bars' 'lem_quote, a book of 300 bars' \
		'lem_maker_backtest, a bar'; do
		i=$((i + 1))
		column $i <<<"$times" | row "$model: $what" us "$([[ $what = *' 300 '* ]] && echo "$aim" || true)"
	done
done

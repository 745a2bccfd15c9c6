-- Train the bundled model crypto_1h: bars of 1, 2 and 4 hours, from a table bars with hourly ones
-- (symbol, ts, open, high, low, close, volume, notional).  Bars from 2020-11-30 on, the last 15 % of the
-- file's time, are left for judging it.  Each series is there twice, with closes and without, so that the
-- model knows bars of both kinds.
SELECT $$WITH longer AS (
		SELECT symbol || ' ' || hours || ' h' AS series,
			date_bin(make_interval(hours => hours), ts, '2000-01-03 00:00+00') AS ts,
			coalesce(sum(notional) / nullif(sum(volume), 0), (array_agg(close ORDER BY ts DESC))[1]) AS price,
			sum(volume) AS volume,
			(array_agg(close ORDER BY ts DESC))[1] AS close
		FROM bars, unnest('{1,2,4}'::int[]) AS hours
		WHERE ts < '2020-11-30 00:00+00'
		GROUP BY symbol, hours, 2)
	SELECT series, ts, price, volume, close FROM longer
	UNION ALL
	SELECT series || ', price only', ts, price, volume, NULL FROM longer$$ AS query \gset

CALL lem_train('crypto_1h', :'query',
	config => '{"lookback": 32, "n_ahead": 96, "base": "optimal_stop"}',
	options => jsonb_build_object('epochs', 25, 'samples', 32000, 'shard', 8, 'rate', 0.0005, 'warmup', 300, 'decay_patience', 3, 'patience', 8,
		'validation', 0.1, 'validation_samples', 1024, 'workers', :workers) || :'changes'::jsonb);

-- Train the bundled model crypto_1h: bars of 1, 2 and 4 hours, from a table bars with hourly ones
-- (symbol, ts, open, high, low, close, volume, notional).  Bars from 2020-11-30 on, the last 15 % of the
-- file's time, are left for judging it.
CALL lem_train('crypto_1h',
	$$SELECT symbol || ' ' || hours || ' h' AS series,
		date_bin(make_interval(hours => hours), ts, '2000-01-03') AS ts,
		coalesce(sum(notional) / nullif(sum(volume), 0), (array_agg(close ORDER BY ts DESC))[1]) AS price,
		sum(volume) AS volume
	FROM bars, unnest('{1,2,4}'::int[]) AS hours
	WHERE ts < '2020-11-30'
	GROUP BY symbol, hours, 2$$,
	config => '{"lookback": 32, "n_ahead": 12}',
	options => jsonb_build_object('epochs', 24, 'samples', 20000, 'mask_epochs', 10, 'rate', 0.003, 'decay_patience', 2, 'patience', 6,
		'risk_aversion', 0.1, 'validation', 0.1, 'workers', :workers));

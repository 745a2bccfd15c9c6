-- Train the bundled model crypto_1h: bars of 1, 2 and 4 hours, from a table bars with hourly ones
-- (symbol, ts, open, high, low, close, volume, notional).  Bars from 2020-11-30 on, the last 15 % of the
-- file's time, are left for judging it.
SELECT $$SELECT symbol || ' ' || hours || ' h' AS series,
		date_bin(make_interval(hours => hours), ts, '2000-01-03') AS ts,
		coalesce(sum(notional) / nullif(sum(volume), 0), (array_agg(close ORDER BY ts DESC))[1]) AS price,
		sum(volume) AS volume
	FROM bars, unnest('{1,2,4}'::int[]) AS hours
	WHERE ts < '2020-11-30'
	GROUP BY symbol, hours, 2$$ AS query \gset

CALL lem_train('crypto_1h', :'query',
	config => '{"lookback": 32, "n_ahead": 12}',
	options => jsonb_build_object('epochs', 32, 'samples', 32000, 'mask_epochs', 12, 'rate', 0.003, 'decay_patience', 2, 'patience', 8,
		'risk_aversion', 0.2, 'validation', 0.1, 'workers', :workers) || :'changes'::jsonb);

-- From there on with less risk.  A network that is to avoid it from the start does not learn when to
-- finish.
CALL lem_train('crypto_1h', :'query',
	options => jsonb_build_object('init_from', 'crypto_1h', 'epochs', 8, 'samples', 32000, 'mask_epochs', 0, 'rate', 0.001, 'decay_patience', 1,
		'risk_aversion', 0.5, 'validation', 0.1, 'workers', :workers, 'deploy', true) || :'changes'::jsonb);

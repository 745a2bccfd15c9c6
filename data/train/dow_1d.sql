-- Train the bundled model dow_1d: daily bars of shares, from a table bars with them (symbol, ts, open,
-- high, low, close, volume, notional).  Four symbols, and bars from 2016-06-06 on, the last 15 % of the
-- file's time, are left for judging it.  The source has no VWAP: a bar's price is (high + low + close) / 3.
-- Each series is there twice, with closes and without, so that the model knows bars of both kinds.
CALL lem_train('dow_1d',
	$$WITH days AS (
		SELECT symbol AS series, ts, (high + low + close) / 3 AS price, volume, close
		FROM bars
		WHERE ts < '2016-06-06 00:00+00' AND symbol NOT IN ('AXP', 'CAT', 'IBM', 'WMT'))
	SELECT series, ts, price, volume, close FROM days
	UNION ALL
	SELECT series || ', price only', ts, price, volume, NULL FROM days$$,
	config => '{"lookback": 32, "n_ahead": 96, "base": "optimal_stop", "norm_window": 63, "gaps": "skip"}',
	options => jsonb_build_object('epochs', 25, 'samples', 32000, 'shard', 8, 'rate', 0.0005, 'warmup', 300, 'decay_patience', 3, 'patience', 8,
		'validation', 0.1, 'validation_samples', 1024, 'workers', :workers) || :'changes'::jsonb);

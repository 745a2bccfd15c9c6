-- Train the bundled model dow_1d: daily bars of shares, from a table bars with them (symbol, ts, open,
-- high, low, close, volume, notional).  Four symbols, and bars from 2016-06-06 on, the last 15 % of the
-- file's time, are left for judging it.  The source has no VWAP: a bar's price is (high + low + close) / 3.
CALL lem_train('dow_1d',
	$$SELECT symbol AS series, ts, (high + low + close) / 3 AS price, volume
	FROM bars
	WHERE ts < '2016-06-06' AND symbol NOT IN ('AXP', 'CAT', 'IBM', 'WMT')$$,
	config => '{"lookback": 32, "n_ahead": 12, "norm_window": 63, "gaps": "skip"}',
	options => jsonb_build_object('epochs', 24, 'samples', 20000, 'mask_epochs', 10, 'rate', 0.003, 'decay_patience', 2, 'patience', 6,
		'risk_aversion', 0.1, 'validation', 0.1, 'workers', :workers) || :'changes'::jsonb);

-- Three symbols, 60 days of hourly bars.
\ir ../simulate.sql
INSERT INTO bars (symbol, ts, open, high, low, close, volume, notional)
SELECT symbol, b.*
FROM (VALUES ('ALPHA', 100, 0.03, 1000000),
			 ('BETA', 2.5, 0.05, 20000000),
			 ('GAMMA', 4000, 0.02, 50000)) AS s (symbol, price, volatility, volume),
	 simulate_bars(symbol, first_price => price, daily_volatility => volatility,
				   daily_volume => volume) AS b;

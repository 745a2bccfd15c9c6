-- The demo's table of bars.  vwap is the bar's own average price; where a source has no notional it
-- is approximated, and a bar in which nothing traded has its close.
CREATE TABLE bars (
	symbol text,
	ts timestamptz,
	open float8,
	high float8,
	low float8,
	close float8,
	volume float8,
	notional float8,
	vwap float8 GENERATED ALWAYS AS (
		CASE WHEN notional > 0 AND volume > 0 THEN notional / volume
			 WHEN volume > 0 THEN (high + low + close) / 3
			 ELSE close END) STORED,
	PRIMARY KEY (symbol, ts)
);

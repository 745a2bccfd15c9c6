-- The demo's quotes: what a market maker without a position would quote after the last bar.
\set ECHO queries
SELECT q.side, q.level, q.price, q.quantity
FROM (SELECT lem_book(ts, open, greatest(high, open, close), least(low, open, close), close, volume) AS book,
		  power(10, floor(log(max(close))) - 3) AS tick, greatest(floor(avg(volume) / 1000), 1) AS lot
	  FROM bars WHERE symbol = :'symbol') AS b,
	 lem_quote('baseline:linear', lem_quoting(2, tick, lot, 0.05, 1000 * lot), book, 0) AS q;
\set ECHO none

-- Sets of bars from the files that were loaded, and what of each is held out.
\set ON_ERROR_STOP on
SET timezone = 'UTC';
SET client_min_messages = warning;
SET search_path = evaluation, public;

-- The last 15 % of time of a file is held out, from a midnight on.  The file of minutes is not
-- learnt from at all; its first nine days are history.
CREATE TABLE files AS
SELECT file, min(ts) AS first_ts, max(ts) AS last_ts, count(DISTINCT symbol) AS symbols, count(*) AS bars,
	CASE file WHEN 'crypto_1m' THEN min(ts) + interval '9 days'
		ELSE date_trunc('day', min(ts) + 0.85 * (date_trunc('day', max(ts), 'UTC') + interval '1 day' - min(ts)), 'UTC') END AS held_out
FROM loaded GROUP BY file;

-- step: bars between the starts of a backtest, sharing no factor with the bars of a day (a week of
-- days), so that all times of the day are met.
CREATE TABLE sets (set text PRIMARY KEY, title text, file text, bar interval, step int, mirrored boolean);
INSERT INTO sets
SELECT set, title, file, bar, (:'steps'::jsonb ->> replace(set, 'm', ''))::int, set LIKE '%m'
FROM (VALUES ('15', '15 minutes', 'crypto_1m', interval '15 minutes'), ('1', '1 hour', 'crypto_1h', '1 hour'),
	('2', '2 hours', 'crypto_1h', '2 hours'), ('4', '4 hours', 'crypto_1h', '4 hours'), ('d', '1 day', 'dow_1d', '1 day'),
	('1m', '1 hour, mirrored', 'crypto_1h', '1 hour'), ('dm', '1 day, mirrored', 'dow_1d', '1 day')) AS s (set, title, file, bar);

-- Bars with their VWAP as the price: where the source has no notional, (high + low + close) / 3;
-- the close where nothing traded.  Of sets that nothing is trained on, what starts need as history.
CREATE TEMPORARY TABLE plain AS
SELECT set, symbol, date_bin(bar, ts, '2000-01-01 00:00+00') AS ts,
	CASE WHEN count(notional) = 0 THEN (max(high) + min(low) + (array_agg(close ORDER BY ts DESC))[1]) / 3
		ELSE coalesce(nullif(sum(notional), 0) / nullif(sum(volume), 0), (array_agg(close ORDER BY ts DESC))[1]) END AS price,
	sum(volume) AS volume, (array_agg(close ORDER BY ts DESC))[1] AS close
FROM sets JOIN files USING (file) JOIN loaded USING (file)
WHERE NOT mirrored AND (set IN ('1', 'd') OR ts >= held_out - interval '60 days') GROUP BY set, symbol, 3;

-- Mirrored bars: the logarithms of a bar's moves, from the close before to its VWAP and its close,
-- all change their sign or do not, by a coin (a hash).  Volumes, the sizes of moves and where in a
-- bar its VWAP lies stay as they are; which way prices go does not follow from anything before.
INSERT INTO plain
SELECT set, symbol, ts, exp(level - sign * ln(close / before) + sign * ln(price / before)), volume, exp(level)
FROM (SELECT *, ln(first_value(close) OVER w) + sum(sign * ln(close / before)) OVER w AS level
	FROM (SELECT m.set, symbol, ts, price, volume, close, coalesce(lag(close) OVER w, close) AS before, 1 - 2 * (hashtext(symbol || ts::text) & 1) AS sign
		FROM sets AS m JOIN files USING (file) JOIN plain AS p ON mirrored AND m.set = p.set || 'm'
		WHERE ts >= held_out - 60 * CASE m.set WHEN 'dm' THEN 7 ELSE 1 END * interval '1 day'
		WINDOW w AS (PARTITION BY m.set, symbol ORDER BY ts)) AS b
	WINDOW w AS (PARTITION BY set, symbol ORDER BY ts)) AS b;

-- Places in time; volatility over the 48 bars before a bar, and whether it is among a series' tenth
-- of held-out bars with the most.
CREATE TABLE bars AS
SELECT set, symbol, ts, price, volume, close, sigma, NULL::boolean AS storm, CASE file WHEN 'dow_1d' THEN dense_rank() OVER (PARTITION BY set ORDER BY ts)
		ELSE floor(extract(epoch FROM ts) / extract(epoch FROM bar)) END::bigint AS pos
FROM (SELECT *, sqrt(avg(move ^ 2) OVER (PARTITION BY set, symbol ORDER BY ts ROWS BETWEEN 48 PRECEDING AND 1 PRECEDING)) AS sigma
	FROM (SELECT *, ln(price / lag(price) OVER (PARTITION BY set, symbol ORDER BY ts)) AS move FROM plain) AS b) AS b
JOIN sets USING (set);
CREATE INDEX ON bars (set, symbol, ts);
UPDATE bars SET storm = sigma > high
FROM sets JOIN files USING (file) JOIN (SELECT set, symbol, percentile_cont(0.9) WITHIN GROUP (ORDER BY sigma) AS high
	FROM bars JOIN sets USING (set) JOIN files USING (file) WHERE ts >= held_out GROUP BY set, symbol) AS t USING (set)
WHERE sets.set = bars.set AND t.symbol = bars.symbol AND bars.ts >= held_out;
VACUUM ANALYZE bars;

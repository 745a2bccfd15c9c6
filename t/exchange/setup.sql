-- A simulated exchange: series whose volumes are known beforehand, orders of all kinds, and a ledger of its own.
SET timezone = 'UTC';
\set ON_ERROR_STOP 1

-- A number in [0, 1) that depends on a text alone
CREATE FUNCTION luck(what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5(what), 1, 8))::bit(32)::bigint / 4294967296.0 $$;

-- What is usual at each hour, exactly, until orders start; then bars are off by half or more, and some are halted.
CREATE FUNCTION usual(at timestamptz) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT 1000.0 + 200 * extract(hour FROM at AT TIME ZONE 'UTC') $$;
CREATE TABLE market AS
SELECT 'S' || s AS series, ts, 100 * (1 + 0.02 * sin(extract(epoch FROM ts) / 20000 + s)) AS price,
	CASE WHEN ts < '2026-02-01' THEN usual(ts) ELSE usual(ts) * (0.4 + luck('v' || s || ts)) END AS volume
FROM generate_series(1, 8) AS s, generate_series(timestamptz '2026-01-01', '2026-02-03 12:00', '1 hour') AS ts
WHERE NOT (s % 3 = 0 AND ts >= '2026-02-01 07:00' AND ts < '2026-02-01 09:00');
CREATE TABLE bars (series text, ts timestamptz, price float8, volume float8);
INSERT INTO bars SELECT * FROM market WHERE ts < '2026-02-01';
CREATE INDEX ON bars (series, ts);
-- Shares of a series are split in two at that time; prices and volumes before are taken in new shares from then on.
CREATE TABLE splits AS SELECT 'S4' AS series, timestamptz '2026-02-01 06:00' AS ts;

CREATE TABLE wanted AS
SELECT i, 'S' || 1 + i % 8 AS series, CASE i % 3 WHEN 0 THEN 'baseline:twap' WHEN 1 THEN 'baseline:vwap_curve' ELSE 'exchange' END AS model,
	lem_order(q.size, CASE i % 2 WHEN 0 THEN 'buy' ELSE 'sell' END, CASE i % 5 WHEN 0 THEN 'twap' ELSE 'vwap' END,
		unit => CASE i % 11 WHEN 5 THEN 'notional' ELSE 'quantity' END, start_ts => timestamptz '2026-02-01' + (i % 5) * interval '1 hour',
		min_bars => CASE i % 4 WHEN 3 THEN 3 END, max_rate => CASE i % 6 WHEN 1 THEN 0.35 ELSE 1 END, lot => CASE i % 3 WHEN 0 THEN 10 END,
		end_ts => CASE i % 7 WHEN 2 THEN timestamptz '2026-02-01 08:00' END, limit_price => CASE i % 9 WHEN 4 THEN 100 END,
		max_participation => CASE i % 10 WHEN 0 THEN NULL ELSE 0.02 + 0.2 * luck('p' || i) END,
		min_quantity => CASE i % 8 WHEN 6 THEN q.size / 25 END, best_effort => true) AS ord
FROM generate_series(1, :orders) AS i,
	-- 0.1 to 50 per cent of a day's volume
	LATERAL (SELECT 10 * ceil(79200 * 0.001 * power(500, luck('q' || i)) / 10) * CASE i % 11 WHEN 5 THEN 100 ELSE 1 END AS size) AS q;

-- What the exchange did, in the shares of then; what the test saw of slices when they were new
CREATE TABLE ledger (name text PRIMARY KEY, order_id bigint, ts timestamptz, price float8, quantity float8, step int,
	due int, fill bigint, busted boolean NOT NULL DEFAULT false);
CREATE TABLE seen (order_id bigint, step int, slice text, PRIMARY KEY (order_id, step));
CREATE TABLE broken (hour int, order_id bigint, step int, what text);
CREATE TABLE known (order_id bigint PRIMARY KEY, executed float8);

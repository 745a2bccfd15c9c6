-- Models of market making: training, forecasts, quotes and backtests.

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN hint <> '' AND SQLSTATE <> 'LM010' THEN '  ' || hint ELSE '' END;
END
$$;

-- Sizes that lead the mid by a bar; three days.
CREATE TABLE maker_quotes AS
WITH shocks AS (
	SELECT d, i, (hashint4(d * 7919 + i * 31) % 1000) / 1000.0 AS u, (hashint4(d * 104729 + i * 17) % 1000) / 1000.0 AS v
	FROM generate_series(1, 3) AS d, generate_series(0, 499) AS i
), walk AS (
	SELECT *, 100 + sum(u) OVER (ORDER BY d, i) * 0.01 AS mid, lead(u) OVER (ORDER BY d, i) AS next FROM shocks
)
SELECT 'X' AS series, timestamptz '2026-01-05 14:30+00' + d * interval '1 day' + i * interval '1 second' AS ts, mid - 0.01 AS bid, mid + 0.01 AS ask,
	50 + 40 * coalesce(next, 0) AS bid_size, 50 - 40 * coalesce(next, 0) AS ask_size, mid AS open, mid + 0.02 + 0.02 * abs(v) AS high, mid - 0.02 - 0.02 * abs(v) AS low,
	mid AS close, 500 + 400 * v AS volume
FROM walk;
CREATE TABLE maker_days AS
SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book,
	lem_book(ts, open, high, low, close, volume) AS trades FROM maker_quotes;
\set small '{"horizon": 1, "lookback": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 60, "features": ["return"], "recurrent": "gru"}'
CALL lem_train_maker('planted', 'SELECT * FROM maker_quotes', :'small', '{"epochs": 6, "batch": 32, "rate": 0.01, "seed": 5}');
SELECT name, version, deployed, config ->> 'horizon' AS horizon, config ->> 'spread' AS spread, config ->> 'extra_features' AS extra,
	(metrics #>> '{skill,mid}')::float8 > 0.3 AS mid_found, metrics #> '{skill,spread}' AS always_two_ticks, metrics ? 'validation_loss' AS loss
FROM lem_models WHERE name = 'planted';
SELECT model, status, model_version, train_starts > 700 AS starts FROM lem_training_runs WHERE model = 'planted';

-- Forecasts: in order, near the market; nothing before the last bar's end is looked past.
SELECT f.ts, f.mid_low <= f.mid AND f.mid <= f.mid_high AS ordered, abs(f.mid / 100 - 1) < 0.1 AS near, f.spread > 0 AND f.spread < 1 AS spread,
	f.volume BETWEEN 100 AND 2000 AS volume, f.regime, f.weights
FROM maker_days, lem_forecast('planted', book) AS f;
SELECT count(*) AS different FROM (
	SELECT ts, side, level, price, quantity, "position" FROM maker_days, lem_maker_fills('planted', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.3}') WHERE ts < '2026-01-08'
	EXCEPT
	SELECT ts, side, level, price, quantity, "position" FROM
		(SELECT lem_book(ts, bid * k, ask * k, bid_size, ask_size, open * k, high * k, low * k, close * k, volume * k) AS book
			FROM maker_quotes, LATERAL (SELECT CASE WHEN ts < '2026-01-08' THEN 1 ELSE 2 END AS k) AS t) AS b,
		lem_maker_fills('planted', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.3}') WHERE ts < '2026-01-08') AS d;
-- It leans the way that the sizes do.
SELECT corr(f.mid - (q.bid + q.ask) / 2, q.bid_size - q.ask_size) > 0.8 AS leans
FROM (SELECT * FROM maker_quotes WHERE ts >= '2026-01-08 14:34+00' ORDER BY ts LIMIT 60) AS q,
	LATERAL (SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book FROM maker_quotes AS w
		WHERE w.ts <= q.ts AND w.ts > q.ts - interval '4 minutes') AS b,
	lem_forecast('planted', book) AS f;

-- Quotes: whole ticks and lots, beside the market, within the limit.
SELECT p AS "position", count(*) FILTER (WHERE side = 'bid') AS bids, count(*) FILTER (WHERE side = 'ask') AS asks,
	bool_and(quantity = round(quantity) AND quantity > 0) AS lots, bool_and(abs(price * 100 - round(price * 100)) < 1e-6) AS ticks,
	bool_and(CASE side WHEN 'bid' THEN price < ask ELSE price > bid END) AS post_only,
	coalesce(sum(quantity) FILTER (WHERE side = 'bid'), 0) <= 60 - p AS bought, coalesce(sum(quantity) FILTER (WHERE side = 'ask'), 0) <= 60 + p AS sold
FROM maker_days, (SELECT bid, ask FROM maker_quotes ORDER BY ts DESC LIMIT 1) AS m, unnest(ARRAY[-60, -30, 0, 59, 60]) AS p,
	lem_quote('planted', lem_quoting(3, 0.01, 1, 0.2, 60), book, p) AS q
GROUP BY p ORDER BY p;
SELECT kind, count(*) > 0 AS quotes FROM maker_days, unnest(ARRAY['none', 'fixed', 'glft', 'linear', 'microprice', 'avellaneda_stoikov']) AS kind
LEFT JOIN LATERAL lem_quote('baseline:' || kind, lem_quoting(1, 0.01, 1, 0.2, 60), (SELECT book FROM maker_days), 0) AS q ON true
WHERE q.price IS NOT NULL GROUP BY kind ORDER BY kind;

-- A backtest on bars that it did not learn from: knowing what leads the mid earns more than not.
SELECT m.strategy, m.fill, m.pnl > f.pnl AS beats_fixed, m.fills > 0 AS fills,
	abs(m.pnl - (m.spread_earned + m.inventory_gain - m.fees - m.closing_cost)) < 1e-9 * m.turnover AS identity
FROM maker_days, lem_maker_backtest('planted', lem_quoting(1, 0.01, 1, 0.1, 200, eta => 0), book, '{"fit": 0.7}') AS m,
	lem_maker_backtest('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), book, '{"fit": 0.7}') AS f WHERE m.fill = f.fill ORDER BY m.fill DESC;

-- Constants of quotes that are kept with a version: what a quoting leaves open is taken from them, what it says is not.
CREATE FUNCTION pg_temp.best(q lem_quoting) RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(price ORDER BY side = 'ask', level) FROM maker_days, lem_quote('planted', q, book, 30) $$;
SELECT lem_keep_quoting('planted@1', lem_quoting(1, 0.5, 1, NULL, 10, eta => 9, size_step => 2));
SELECT quoting FROM lem_models WHERE name = 'planted';
SELECT pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60)) = pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60, eta => 9, size_step => 2)) AS taken,
	pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60)) <> pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60, eta => 0.5)) AS given,
	pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60)) = (SELECT array_agg(q.price ORDER BY q.side = 'ask', q.level) FROM (SELECT lem_quote('planted', lem_quoting(2, 0.01, 1, 0.2, 60), 30,
		ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS quotes FROM maker_quotes) AS s, unnest(quotes) AS q) AS in_the_aggregate;
SELECT m.pnl = n.pnl AS in_backtests FROM maker_days, lem_maker_backtest('planted', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.7}') AS m,
	lem_maker_backtest('planted', lem_quoting(2, 0.01, 1, 0.1, 200, eta => 9, size_step => 2), book, '{"fit": 0.7}') AS n WHERE m.fill = n.fill AND m.fill = 'touch';
SELECT lem_keep_quoting('planted', lem_tune_quoting('planted', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.7}')) FROM maker_days;
SELECT m.pnl >= n.pnl AS tuned FROM maker_days, lem_maker_backtest('planted', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.7}') AS m,
	lem_maker_backtest('planted', lem_quoting(2, 0.01, 1, 0.1, 200, 1, 0.5, 0.5, 0), book, '{"fit": 0.7}') AS n WHERE m.fill = n.fill AND m.fill = 'through';
SELECT lem_keep_quoting('planted', NULL);
SELECT pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60)) = pg_temp.best(lem_quoting(2, 0.01, 1, 0.2, 60, 1, 0.5, 0.5, 0)) AS forgotten;
CREATE ROLE maker_stranger;
SET ROLE maker_stranger;
\set VERBOSITY terse
SELECT lem_keep_quoting('planted', lem_quoting(1, 0.01, 1, 0.1, 200));
\set VERBOSITY default
RESET ROLE;
DROP ROLE maker_stranger;
SELECT lem_keep_quoting(NULL, lem_quoting(1, 0.01, 1, 0.1, 200));
SELECT lem_keep_quoting('baseline:glft', lem_quoting(1, 0.01, 1, 0.1, 200));
SELECT lem_keep_quoting('planted', ROW(1, 0, 1, 0.1, 100, NULL, NULL, NULL, NULL, 0, 0)::lem_quoting);
BEGIN READ ONLY;
SELECT lem_keep_quoting('planted', NULL);
ROLLBACK;

-- The same bits again, and by two processes; an interrupted run goes on as if it had not been.
CALL lem_train_maker('again', 'SELECT * FROM maker_quotes ORDER BY md5(ts::text)', :'small', '{"epochs": 2, "batch": 32, "rate": 0.01, "seed": 5}');
CALL lem_train_maker('team', 'SELECT * FROM maker_quotes', :'small', '{"epochs": 2, "batch": 32, "rate": 0.01, "seed": 5, "workers": 2}');
CREATE FUNCTION pg_temp.weights(model text) RETURNS bytea LANGUAGE sql AS $$
	WITH f AS (SELECT lem_export(model) AS b), h AS (SELECT b, get_byte(b, 0) + 256 * get_byte(b, 1) + 65536 * get_byte(b, 2) AS n FROM f)
	SELECT substr(b, 9 + n) FROM h $$;
SELECT pg_temp.weights('again') = pg_temp.weights('team') AS same_bits;
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON lem_training_epoch FOR EACH ROW WHEN (NEW.epoch = 2) EXECUTE FUNCTION disk_full();
CALL lem_train_maker('resumed', 'SELECT * FROM maker_quotes', :'small', '{"epochs": 2, "batch": 32, "rate": 0.01, "seed": 5}');
DROP TRIGGER disk_full ON lem_training_epoch;
DROP FUNCTION disk_full();
SELECT status, epochs, model_version FROM lem_training_runs WHERE model = 'resumed';
\set VERBOSITY sqlstate
CALL lem_train_maker('resumed', 'SELECT * FROM maker_quotes WHERE ts < ''2026-01-08 14:35+00''', '{}', '{"resume": true}');
CALL lem_train('resumed', 'SELECT series, ts, close AS price, volume FROM maker_quotes', '{}', '{"resume": true}');
\set VERBOSITY default
CALL lem_train_maker('resumed', 'SELECT * FROM maker_quotes', '{}', '{"resume": true}');
SELECT pg_temp.weights('resumed') = pg_temp.weights('team') AS resumed;
SELECT lem_import('imported', lem_export('planted'));
SELECT count(*) AS different FROM (SELECT f.* FROM maker_days, lem_forecast('planted', book) AS f EXCEPT SELECT f.* FROM maker_days, lem_forecast('imported', book) AS f) AS d;

-- Without quotes: a model of its own, and neither reads the other's books.
CALL lem_train_maker('estimated', 'SELECT series, ts, open, high, low, close, volume, ARRAY[bid_size - ask_size]::float8[] AS features FROM maker_quotes',
	'{"horizon": 1, "spread": "estimated", "lookback": 4, "hidden_size": 4, "num_heads": 1, "num_embedding": 2, "fused_mlp_hidden_dim": 4, "norm_window": 60, "features": ["return"], "recurrent": "gru", "extra_features": 1}',
	'{"epochs": 1, "batch": 32}');
SELECT f.mid > 0 AS mid, f.spread > 0 AS spread FROM
	(SELECT lem_book(ts, open, high, low, close, volume, NULL, ARRAY[bid_size - ask_size]::float8[]) AS book FROM maker_quotes) AS b, lem_forecast('estimated', book) AS f;
SELECT q, pg_temp.error_of('SELECT count(*) FROM maker_days, ' || q) FROM unnest(ARRAY[
	$$lem_forecast('planted', trades)$$,
	$$lem_forecast('estimated', book)$$,
	$$lem_forecast('estimated', trades)$$,
	$$lem_forecast('planted', '1 quotes {}')$$,
	$$lem_forecast('planted', '1 quotes {"2026-01-05 14:30+00" 99 101 100 100 100 100 5}')$$,
	$$lem_forecast('no_such_model', book)$$,
	$$lem_forecast('baseline:glft', book)$$,
	$$lem_quote('planted', lem_quoting(1, 0.01, 1, 0.1, 100), book, NULL)$$,
	$$lem_quote('planted', lem_quoting(1, 0.01, 1, 0.1, 100), book, 'NaN')$$,
	$$lem_quote('planted', lem_quoting(1, 0.01, 1, 0.1, 100), NULL, 0)$$,
	$$lem_quote(NULL, lem_quoting(1, 0.01, 1, 0.1, 100), book, 0)$$,
	$$lem_schedule('planted', lem_order(100), '{"2026-01-05 14:30+00" 1 1}')$$,
	$$lem_explain('planted', lem_order(100), '{"2026-01-05 14:30+00" 1 1}')$$
]) AS q;
CALL lem_train_maker('bad', 'SELECT series, ts, close AS price, volume FROM maker_quotes');
CALL lem_train_maker('bad', 'SELECT series, ts, bid, open, high, low, close, volume FROM maker_quotes');
CALL lem_train_maker('bad', 'SELECT series, ts, ask AS bid, bid AS ask, open, high, low, close, volume FROM maker_quotes');
CALL lem_train_maker('bad', 'SELECT series, ts, open, high, low, close, volume FROM maker_quotes');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes', '{"horizon": 0}');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes', '{"n_ahead": 3}');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes', '{"extra_features": 2}');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes WHERE false');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes ORDER BY ts LIMIT 100');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes', '{"spread": "estimated"}');
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes', '{"spread": "guessed"}');
CALL lem_train_maker(NULL, 'SELECT * FROM maker_quotes');
CALL lem_train('bad', 'SELECT series, ts, close AS price, volume FROM maker_quotes', '{"horizon": 5, "n_ahead": 2, "finish_gate": false}');
BEGIN;
CALL lem_train_maker('bad', 'SELECT * FROM maker_quotes');
ROLLBACK;
SELECT count(*) FROM lem_models WHERE name = 'bad';

-- A model whose config has a calendar reads windows by it: nothing is carried through the night.
CREATE TABLE maker_sessions AS
SELECT 'X' AS series, timestamptz '2026-01-05 14:30+00' + d * interval '1 day' + i * interval '5 minutes' AS ts, p AS open, p + 0.5 AS high, p - 0.5 AS low, p AS close,
	1000 + 100 * (hashint4(d * 7 + i) % 10) AS volume
FROM generate_series(0, 3) AS d, generate_series(0, 77) AS i, LATERAL (SELECT 100 + (hashint4(d * 31 + i * 17) % 100) / 100.0 AS p) AS price;
CALL lem_train_maker('sessions', 'SELECT * FROM maker_sessions', '{"horizon": 1, "spread": "estimated", "lookback": 16, "hidden_size": 4, "num_heads": 1, "num_embedding": 2,
	"fused_mlp_hidden_dim": 4, "norm_window": 40, "features": ["return", "volatility"], "recurrent": "gru", "gaps": "carry", "bar_interval": "PT5M", "calendar": "XNYS"}', '{"epochs": 1, "batch": 32}');
SELECT lem_import('no_sessions', lem_export('sessions'), (SELECT config - 'calendar' FROM lem_models WHERE name = 'sessions')) AS version;
SELECT model, count(*) AS forecasts, count(DISTINCT mid) AS different FROM (
	SELECT CASE WHEN last < '2026-01-08 15:30+00' THEN 'early' ELSE 'late' END AS model, f.mid
	FROM unnest(ARRAY[timestamptz '2026-01-08 14:50+00', '2026-01-08 20:30+00']) AS last,
		LATERAL (SELECT lem_book(ts, open, high, low, close, volume) AS book FROM maker_sessions WHERE ts <= last) AS b,
		unnest(ARRAY['sessions', 'no_sessions']) AS m, lem_forecast(m, book) AS f) AS d GROUP BY model ORDER BY model;
DROP TABLE maker_sessions;

SELECT sum(lem_drop(m)) AS dropped FROM unnest(ARRAY['planted', 'again', 'team', 'resumed', 'imported', 'estimated', 'sessions', 'no_sessions']) AS m;
DELETE FROM lem_training_run WHERE model IN ('planted', 'again', 'team', 'resumed', 'estimated', 'sessions');
DROP TABLE maker_quotes, maker_days;

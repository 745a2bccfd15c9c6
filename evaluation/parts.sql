-- The parts of the report: a model on the held-out bars of a set's symbols.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;

-- minima: minimum durations; 0 for orders that use all bars and track their benchmark.
-- size: the order's share of the mean volume of a day before the held-out time, for impact; 0: none.
-- horizon: bars that an order may use.  risk: its risk aversion.  closes: bars have them.
-- windows_of: whose windows baselines take.  against: a part with the same orders and starts, to compare with.
CREATE TABLE parts (part text PRIMARY KEY, set text, model text, symbols text[], alignment text DEFAULT 'causal', minima int[],
	size float8 DEFAULT 0, horizon int DEFAULT 12, risk float8 DEFAULT 1, closes boolean DEFAULT true, windows_of text, against text);
CREATE FUNCTION symbols_of(wanted text, but text[] DEFAULT '{}') RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(DISTINCT symbol ORDER BY symbol) FROM loaded WHERE file = wanted AND symbol <> ALL (but)
$$;
INSERT INTO parts (part, set, model, symbols, alignment, minima)
SELECT part, set, model, symbols_of(file), alignment, minima::int[]
FROM (VALUES ('1', 'crypto_1h', 'causal', '{0,1,2,3,4,5,6,7,8,9,10,11,12}'), ('2', 'crypto_1h', 'causal', '{0,1,3,6,9,12}'),
		('4', 'crypto_1h', 'causal', '{0,1,3,6,9,12}'), ('15', 'crypto_1h', 'causal', '{0,1,3,6,9,12}'),
		('1m', 'crypto_1h', 'causal', '{0,1,3,6,9,12}'), ('1', 'crypto_1h', 'paper', '{0,1,3,6,9,12}'))
	AS p (set, model, alignment, minima)
JOIN sets USING (set) CROSS JOIN LATERAL (SELECT set || CASE alignment WHEN 'paper' THEN '_paper' ELSE '' END AS part) AS x;
INSERT INTO parts (part, set, model, symbols, alignment, minima)
SELECT part, set, 'dow_1d', symbols, alignment, '{0,1,3,6,9,12}'
FROM (VALUES ('d', 'd', 'causal', symbols_of('dow_1d', '{AXP,CAT,IBM,WMT}')),
		('d_left', 'd', 'causal', ARRAY(SELECT s FROM unnest(symbols_of('dow_1d')) AS s WHERE s = ANY ('{AXP,CAT,IBM,WMT}'))),
		('dm', 'dm', 'causal', symbols_of('dow_1d')), ('d_paper', 'd', 'paper', symbols_of('dow_1d')))
	AS p (part, set, alignment, symbols);

-- Orders of other lengths, as far as the model goes: minima of one bar, a quarter, half and three quarters.
INSERT INTO parts (part, set, model, symbols, minima, horizon)
SELECT 'horizon_' || bars, '1', 'crypto_1h', symbols_of('crypto_1h'),
	ARRAY(SELECT DISTINCT m FROM unnest(ARRAY[0, 1, round(bars / 4.0), bars / 2, round(bars * 3 / 4.0)]::int[]) AS m ORDER BY m), bars
FROM unnest('{6,24,48,96}'::int[]) AS bars
WHERE bars <= (SELECT (config ->> 'n_ahead')::int FROM lem_models WHERE name = 'crypto_1h' AND deployed);
-- Other risk aversions.
INSERT INTO parts (part, set, model, symbols, minima, risk)
SELECT 'risk_' || risk, '1', 'crypto_1h', symbols_of('crypto_1h'), '{1,6}', risk
FROM unnest('{0.25,0.5,2,4}'::float8[]) AS risk;
-- With the square-root impact of orders of some sizes.
INSERT INTO parts (part, set, model, symbols, minima, size)
SELECT 'impact_' || size, '1', 'crypto_1h', symbols_of('crypto_1h'), '{3,6}', size
FROM unnest(ARRAY[0.001, 0.01, 0.1]) AS size;

-- Models of the ablation, each beside the first of them; that one is judged in part 1 already where it
-- is the bundled one.  And that one on bars without closes.
INSERT INTO parts (part, set, model, symbols, minima)
SELECT part, '1', model, symbols_of('crypto_1h'), '{0,1,3,6,9}' FROM kinds WHERE part <> '1';
INSERT INTO parts (part, set, model, symbols, minima, closes)
SELECT 'no_close', '1', model, symbols_of('crypto_1h'), '{0,1,3,6,9}', false FROM kinds WHERE kind = 'base';
-- One that reckons with impact, with the impact of orders as above.
INSERT INTO parts (part, set, model, symbols, minima, size)
SELECT replace(parts.part, 'impact', 'aware'), set, kinds.model, symbols, minima, size
FROM parts, kinds WHERE parts.part LIKE 'impact%' AND kind = 'impact';
UPDATE parts SET against = (SELECT part FROM kinds WHERE kind = 'base')
WHERE part = 'no_close' OR part IN (SELECT part FROM kinds WHERE kind <> 'base');
UPDATE parts SET windows_of = CASE WHEN model LIKE 'baseline:%' THEN 'crypto_1h' ELSE model END;

-- What one start of an order came to, a number a strategy.
CREATE UNLOGGED TABLE gains (part text, symbol text, pos bigint, ts timestamptz, storm boolean, sigma float8, side text,
	benchmark text, minimum int, gain float8[] CHECK (array_position(gain, NULL) IS NULL), used int[] CHECK (array_position(used, NULL) IS NULL),
	largest float8[]);
CREATE TABLE strategies (strategy int PRIMARY KEY, name text);
INSERT INTO strategies VALUES (1, 'model'), (2, 'optimal_stop'), (3, 'twap'), (4, 'vwap_curve'), (5, 'almgren_chriss'), (6, 'stop_rule');

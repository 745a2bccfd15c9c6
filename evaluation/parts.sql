-- The parts of the report: a model on the held-out bars of a set's symbols.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = evaluation, public;

-- minima: minimum durations; 0 for orders that use all bars and track their benchmark.
-- size: the order's share of the mean volume of a day before the held-out time, for impact; 0: none.
CREATE TABLE parts (part text PRIMARY KEY, set text, model text, symbols text[], alignment text DEFAULT 'causal', minima int[],
	size float8 DEFAULT 0);
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
-- Models trained here, without two symbols, which one of them is judged on too.
INSERT INTO parts (part, set, model, symbols, minima)
SELECT 'ablation_' || kind, '1', 'evaluation_' || kind, symbols_of('crypto_1h', '{LTCUSDT,SOLUSDT}'), '{0,1,3,6,9,12}'
FROM unnest('{tkan,lstm,gru,none,no_selection,no_attention}'::text[]) AS kind;
INSERT INTO parts (part, set, model, symbols, minima)
SELECT 'left', '1', 'evaluation_tkan', ARRAY(SELECT s FROM unnest(symbols_of('crypto_1h')) AS s WHERE s = ANY ('{LTCUSDT,SOLUSDT}')), '{0,1,3,6,9,12}';
-- With the square-root impact of orders of some sizes.
INSERT INTO parts (part, set, model, symbols, minima, size)
SELECT 'impact_' || size, '1', 'crypto_1h', symbols_of('crypto_1h'), '{3,6}', size
FROM unnest(ARRAY[0.001, 0.01, 0.1]) AS size;

-- What one start of an order came to: strategies are the model, stop_rule, twap, vwap_curve,
-- almgren_chriss.
CREATE UNLOGGED TABLE gains (part text, symbol text, pos bigint, ts timestamptz, storm boolean, sigma float8, side text,
	benchmark text, minimum int, gain float8[], used int[], largest float8[]);
CREATE TABLE strategies (strategy int PRIMARY KEY, name text);
INSERT INTO strategies VALUES (1, 'model'), (2, 'stop_rule'), (3, 'twap'), (4, 'vwap_curve'), (5, 'almgren_chriss');

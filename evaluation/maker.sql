-- The report on market making (scripts/maker-evaluation): Markdown on standard output.
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lem;
CREATE TABLE taq (symbol text, ts timestamptz, bid float8, ask float8, bid_size float8, ask_size float8, open float8, high float8, low float8, close float8,
	volume float8, notional float8, trades int);
\copy taq FROM PROGRAM 'zcat "$BARS_DIR/taq_xxx_1s.csv.gz"' CSV HEADER
CREATE TABLE b3 (symbol text, ts timestamptz, bid float8, ask float8, open float8, high float8, low float8, close float8, volume float8, notional float8,
	buy_volume float8, sell_volume float8, trades int, events int);
\copy b3 FROM PROGRAM 'zcat "$BARS_DIR/b3_1min.csv.gz"' CSV HEADER
CREATE TABLE shfe (symbol text, ts timestamptz, open float8, high float8, low float8, close float8, volume float8, open_interest float8);
\copy shfe FROM PROGRAM 'zcat "$BARS_DIR/shfe_futures_5min.csv.gz"' CSV HEADER

-- The books, how they are quoted, and the moment from which on they are judged: their last 40 %.
CREATE TABLE books AS
SELECT 1 AS n, 'one NYSE stock, 1 s' AS name, 'maker_taq' AS model, lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book,
	lem_quoting(1, 0.01, 1, 0.05, 1000) AS quoting FROM taq
UNION ALL SELECT 2, 'PETR4, 1 min', 'maker_b3', lem_book(ts, bid, ask, open, high, low, close, volume, buy_volume), lem_quoting(1, 0.01, 100, 0.05, 20000) FROM b3
UNION ALL SELECT 3, 'RB2305, 5 min', NULL, lem_book(ts, open, high, low, close, volume), lem_quoting(1, 1, 1, 0.05, 500) FROM shfe WHERE symbol = 'RB2305'
UNION ALL SELECT 4, 'AG2306, 5 min', NULL, lem_book(ts, open, high, low, close, volume), lem_quoting(1, 1, 1, 0.05, 500) FROM shfe WHERE symbol = 'AG2306';
CREATE TABLE cut AS
SELECT n, max(u.ts) FILTER (WHERE i <= 0.6 * c) AS ts FROM books, LATERAL (SELECT ts, row_number() OVER (ORDER BY ts) AS i, count(*) OVER () AS c
	FROM lem_book_unnest(book)) AS u GROUP BY n;

\set config '{"horizon": 10, "lookback": 16, "hidden_size": 16, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 16, "features": ["log_volume", "return", "volatility"], "recurrent": "gru"}'
SELECT format('{"epochs": %s, "batch": 64, "rate": 0.003, "samples": 4096}', :'epochs') AS options \gset
SELECT format('SELECT symbol AS series, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume FROM taq WHERE ts <= %L', ts) AS query FROM cut WHERE n = 1 \gset
CALL lem_train_maker('maker_taq', :'query', :'config', :'options');
SELECT format('SELECT symbol AS series, ts, bid, ask, open, high, low, close, volume, buy_volume FROM b3 WHERE ts <= %L', ts) AS query FROM cut WHERE n = 2 \gset
CALL lem_train_maker('maker_b3', :'query', :'config', :'options');

\qecho '# Evaluation of market making'
\qecho
\qecho 'Written by `make maker-evaluation`. What earlier bars teach (the first 60 % of each file) is judged on the later 40 %, in which'
\qecho 'nothing was learnt. The books are small samples: one session of a stock of one venue, whose prices or sizes may have been altered;'
\qecho 'a book of PETR4 that was rebuilt, fit for the logic of fills and not for claims of profit; and two futures without quotes, whose'
\qecho 'spreads are estimated. No figure here says that a maker earns money. Fees are 0, quotes are 5 % of the expected volume, and no'
\qecho 'constant of any strategy was tuned.'
\qecho
\qecho '## Profit'
\qecho
\qecho 'Each strategy under the fills `through` and `touch`; the truth lies between. EPnL is the mean profit of a session with its 95 %'
\qecho 'interval, MAP the mean absolute position. See [the reference](market-making.md#lem_maker_backtest).'
\qecho
\qecho '| book | strategy | fill | EPnL | 95 % interval | MAP | PnLMAP | Sharpe | fills | markout after 1 bar, bps |'
\qecho '|---|---|---|---|---|---|---|---|---|---|'
SELECT format('| %s | %s | %s | %s | %s to %s | %s | %s | %s | %s | %s |', name, CASE k.s WHEN model THEN 'model' ELSE replace(k.s, 'baseline:', '') END, r.fill,
	round(r.epnl::numeric, 2), coalesce(round(r.epnl_low::numeric, 2)::text, '-'), coalesce(round(r.epnl_high::numeric, 2)::text, '-'), round(r.map::numeric, 1),
	coalesce(round(r.pnlmap::numeric, 3)::text, '-'), coalesce(round(r.sharpe::numeric, 2)::text, '-'), r.fills, coalesce(round(r.markout_1_bps::numeric, 2)::text, '-'))
FROM books, unnest(ARRAY['baseline:none', 'baseline:fixed', 'baseline:avellaneda_stoikov', 'baseline:glft', 'baseline:microprice', 'baseline:linear', model]) WITH ORDINALITY AS k (s, i),
	LATERAL lem_maker_backtest(k.s, quoting, book, '{"fit": 0.6}') AS r
WHERE k.s IS NOT NULL ORDER BY n, i, r.fill DESC;
\qecho
\qecho '## Forecasts'
\qecho
\qecho 'Skill of the two small models on the last part of their own training time, which they did not learn from: 1 less the squared error'
\qecho 'of the median as a share of that of the last mid, the mean spread and the expected volume; ten bars ahead.'
\qecho
\qecho '| book | mid | spread | volume |'
\qecho '|---|---|---|---|'
SELECT format('| %s | %s | %s | %s |', b.name, round((metrics #>> '{skill,mid}')::numeric, 3), round((metrics #>> '{skill,spread}')::numeric, 3),
	round((metrics #>> '{skill,volume}')::numeric, 3))
FROM books AS b JOIN lem_models AS m ON m.name = b.model ORDER BY n;
\qecho
\qecho 'Spread and volume can be forecast, the mid hardly: a maker that claims to know the mid is to be doubted first.'

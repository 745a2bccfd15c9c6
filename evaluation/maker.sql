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

-- A larger teacher on each of the two books with quotes, its students, and one of equal size that nobody taught.
\set teacher '{"horizon": 10, "lookback": 32, "hidden_size": 48, "num_heads": 4, "num_embedding": 8, "fused_mlp_hidden_dim": 32, "features": ["log_volume", "return", "volatility"], "recurrent": "tkan"}'
\set students '{"lookback": 16, "hidden_size": 8}'
\set alone '{"lookback": 16, "hidden_size": 32, "mixture": "single"}'
SELECT format('{"epochs": %s, "batch": 64, "rate": 0.003, "samples": 2048, "validation_samples": 1024}', :'epochs') AS options \gset
SELECT format('SELECT symbol AS series, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume FROM taq WHERE ts <= %L', ts) AS query FROM cut WHERE n = 1 \gset
CALL lem_train_maker('teacher_taq', :'query', :'teacher', :'options');
CALL lem_distill('students_taq', 'teacher_taq', :'query', :'students', '{"samples": 3000}');
CALL lem_distill('alone_taq', 'teacher_taq', :'query', :'alone', '{"samples": 3000, "beta": 0, "gamma": 0, "delta": 0}');
SELECT format('SELECT symbol AS series, ts, bid, ask, open, high, low, close, volume, buy_volume FROM b3 WHERE ts <= %L', ts) AS query FROM cut WHERE n = 2 \gset
CALL lem_train_maker('teacher_b3', :'query', :'teacher', :'options');
CALL lem_distill('students_b3', 'teacher_b3', :'query', :'students', '{"samples": 3000}');
CALL lem_distill('alone_b3', 'teacher_b3', :'query', :'alone', '{"samples": 3000, "beta": 0, "gamma": 0, "delta": 0}');
SELECT sum(lem_import(replace(name, 'students', m), lem_export(name), config || jsonb_build_object('mixture', m))) AS imported
FROM lem_models, unnest(ARRAY['agreement', 'additive', 'uniform']) AS m WHERE name LIKE 'students%' \gset
CREATE TABLE students AS
SELECT b.n, b.name, k.kind, k.i, replace(b.model, 'maker', k.prefix) AS model
FROM books AS b, (VALUES (1, 'teacher', 'teacher'), (2, 'single student, not taught', 'alone'), (3, 'mixture: hajek', 'students'), (4, 'mixture: agreement', 'agreement'),
	(5, 'mixture: additive', 'additive'), (6, 'mixture: uniform', 'uniform')) AS k (i, kind, prefix) WHERE b.model IS NOT NULL;
-- Time of a forecast: of a run through the later bars, less that of fixed quotes, which forecast nothing; the best of three.
CREATE TABLE timing (n int, model text, us float8);
CREATE PROCEDURE measure() LANGUAGE plpgsql AS $$
DECLARE
	s record;
	begun timestamptz;
BEGIN
	FOR s IN SELECT b.n, m.model, b.book, b.quoting FROM books AS b JOIN (SELECT n, model FROM students UNION ALL SELECT n, 'baseline:fixed' FROM books WHERE model IS NOT NULL) AS m USING (n),
		generate_series(1, 3) LOOP
		begun := clock_timestamp();
		PERFORM * FROM lem_maker_backtest(s.model, s.quoting, s.book, '{"fit": 0.6}');
		INSERT INTO timing VALUES (s.n, s.model, extract(epoch FROM clock_timestamp() - begun) * 1e6 / (0.4 * lem_book_count(s.book)));
	END LOOP;
END $$;
CALL measure();

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
\qecho
\qecho '## Teacher, students and mixtures'
\qecho
\qecho 'A larger model teaches ten small students, which are joined in each of the four ways; beside them a single student of about half their size'
\qecho 'together, to which nobody taught anything. Skill as above, on the last third of the validation time, where neither students nor mixtures'
\qecho 'learnt anything, but for the teacher, which chose its best epoch by all of validation time; profit on the later 40 % of the file. Time of a'
\qecho 'forecast is that of a run less the same run with fixed quotes, with windows and features, by bar, while the machine had other work: compare the'
\qecho 'rows, and not with other tables.'
\qecho
\qecho '| book | model | parameters | mid | spread | volume | EPnL, through | EPnL, touch | us a forecast | times faster than the teacher |'
\qecho '|---|---|---|---|---|---|---|---|---|---|'
WITH times AS (
	SELECT n, model, min(us) AS us FROM timing GROUP BY 1, 2
), costs AS (
	SELECT t.n, t.model, greatest(t.us - f.us, 0) AS us FROM times AS t JOIN times AS f USING (n) WHERE f.model = 'baseline:fixed'
)
SELECT format('| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |', s.name, s.kind, m.parameters,
	coalesce(round((k.skill ->> 'mid')::numeric, 3)::text, '-'), coalesce(round((k.skill ->> 'spread')::numeric, 3)::text, '-'), coalesce(round((k.skill ->> 'volume')::numeric, 3)::text, '-'),
	round(r.through::numeric, 2), round(r.touch::numeric, 2), round(c.us::numeric, 1), coalesce(round((t.us / nullif(c.us, 0))::numeric, 1)::text, '-'))
FROM students AS s JOIN lem_models AS m ON m.name = s.model JOIN books AS b USING (n)
	JOIN costs AS c ON c.n = s.n AND c.model = s.model JOIN costs AS t ON t.n = s.n AND t.model = replace(b.model, 'maker', 'teacher')
	JOIN lem_models AS h ON h.name = replace(b.model, 'maker', 'students')
	CROSS JOIN LATERAL (SELECT CASE s.i WHEN 1 THEN h.metrics -> 'teacher_skill' WHEN 2 THEN m.metrics -> 'skill'
		ELSE h.metrics -> 'mixtures' -> replace(s.kind, 'mixture: ', '') END AS skill) AS k
	CROSS JOIN LATERAL (SELECT max(epnl) FILTER (WHERE fill = 'through') AS through, max(epnl) FILTER (WHERE fill = 'touch') AS touch
		FROM lem_maker_backtest(s.model, b.quoting, b.book, '{"fit": 0.6}')) AS r
ORDER BY s.n, s.i;

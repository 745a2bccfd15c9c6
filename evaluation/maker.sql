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

-- A book in which nothing leads to anything: the bars of the first one in another order, each with the move, the spread, the sizes
-- and the trades that it had.
CREATE TABLE shuffled AS
WITH bars AS (
	SELECT *, (bid + ask) / 2 AS mid, (bid + ask) / 2 - lag((bid + ask) / 2, 1, (bid + ask) / 2) OVER (ORDER BY ts) AS move,
		row_number() OVER (ORDER BY ts) AS place, row_number() OVER (ORDER BY md5(ts::text)) AS other FROM taq
)
SELECT a.symbol, a.ts, b.mid + c.bid - c.mid AS bid, b.mid + c.ask - c.mid AS ask, c.bid_size, c.ask_size, b.mid + c.open - c.mid AS open,
	b.mid + c.high - c.mid AS high, b.mid + c.low - c.mid AS low, b.mid + c.close - c.mid AS close, c.volume
FROM bars AS a JOIN bars AS c ON c.other = a.place
	JOIN (SELECT a.place, (SELECT mid FROM bars ORDER BY place LIMIT 1) + sum(c.move) OVER (ORDER BY a.place) AS mid FROM bars AS a JOIN bars AS c ON c.other = a.place) AS b
	ON b.place = a.place;

-- The books, how they are quoted, and the moment from which on they are judged: their last 40 %.
CREATE TABLE books AS
SELECT 1 AS n, 'one NYSE stock, 1 s' AS name, 'taq' AS model, lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book,
	lem_quoting(1, 0.01, 1, 0.05, 1000) AS quoting,
	'SELECT symbol AS series, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume FROM taq WHERE ts <= %L' AS query FROM taq
UNION ALL SELECT 2, 'PETR4, 1 min', 'b3', lem_book(ts, bid, ask, open, high, low, close, volume, buy_volume), lem_quoting(1, 0.01, 100, 0.05, 20000),
	'SELECT symbol AS series, ts, bid, ask, open, high, low, close, volume, buy_volume FROM b3 WHERE ts <= %L' FROM b3
UNION ALL SELECT 3, 'RB2305, 5 min', 'shfe', lem_book(ts, open, high, low, close, volume), lem_quoting(1, 1, 1, 0.05, 500),
	'SELECT symbol AS series, ts, open, high, low, close, volume FROM shfe WHERE ts <= %L' FROM shfe WHERE symbol = 'RB2305'
UNION ALL SELECT 4, 'AG2306, 5 min', 'shfe', lem_book(ts, open, high, low, close, volume), lem_quoting(1, 1, 1, 0.05, 500),
	NULL FROM shfe WHERE symbol = 'AG2306'
UNION ALL SELECT 5, 'the stock, bars shuffled', 'shuffled', lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume), lem_quoting(1, 0.01, 1, 0.05, 1000),
	'SELECT symbol AS series, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume FROM shuffled WHERE ts <= %L' FROM shuffled;
CREATE TABLE cut AS
SELECT n, max(u.ts) FILTER (WHERE i <= 0.6 * c) AS ts FROM books, LATERAL (SELECT ts, row_number() OVER (ORDER BY ts) AS i, count(*) OVER () AS c
	FROM lem_book_unnest(book)) AS u GROUP BY n;

UPDATE cut SET ts = (SELECT min(ts) FROM cut WHERE n IN (3, 4)) WHERE n = 3;

-- On each book a teacher, its students, and one student of about their size together that nobody taught.
\set teacher '{"horizon": 10, "lookback": 32, "hidden_size": 64, "num_heads": 4, "num_embedding": 8, "fused_mlp_hidden_dim": 32, "features": ["log_volume", "return", "volatility"], "recurrent": "tkan"}'
\set students '{"lookback": 16, "hidden_size": 8}'
\set alone '{"lookback": 16, "hidden_size": 44, "mixture": "single"}'
SELECT format('{"epochs": %s, "batch": 64, "rate": 0.003, "samples": 2048, "validation_samples": 1024}', :'epochs') AS options \gset
SELECT format('CALL lem_train_maker(%L, %L, %L, %L)', 'teacher_' || model, format(query, ts),
		CASE n WHEN 3 THEN :'teacher'::jsonb || '{"spread": "estimated", "norm_window": 60}' ELSE :'teacher'::jsonb END, :'options'),
	format('CALL lem_distill(%L, %L, %L, %L, %L)', 'students_' || model, 'teacher_' || model, format(query, ts), :'students', '{"samples": 3000, "epochs": 20}'),
	format('CALL lem_distill(%L, %L, %L, %L, %L)', 'alone_' || model, 'teacher_' || model, format(query, ts), :'alone',
		'{"samples": 3000, "epochs": 20, "beta": 0, "gamma": 0, "delta": 0}')
FROM books JOIN cut USING (n) WHERE query IS NOT NULL ORDER BY n \gexec
SELECT sum(lem_import(replace(name, 'students', m), lem_export(name), config || jsonb_build_object('mixture', m))) AS imported
FROM lem_models, unnest(ARRAY['agreement', 'additive', 'uniform']) AS m WHERE name LIKE 'students%' \gset
CREATE TABLE students AS
SELECT b.n, b.name, CASE n WHEN 3 THEN 'twenty futures of SHFE, 5 min' ELSE b.name END AS learnt, k.kind, k.i, k.prefix || b.model AS model
FROM books AS b, (VALUES (1, 'teacher', 'teacher_'), (2, 'single student, not taught', 'alone_'), (3, 'mixture: hajek', 'students_'), (4, 'mixture: agreement', 'agreement_'),
	(5, 'mixture: additive', 'additive_'), (6, 'mixture: uniform', 'uniform_')) AS k (i, kind, prefix);

-- Time of a forecast: of a call of lem_forecast with a book of the last 300 bars, and by bar of a run through the later bars less one of
-- fixed quotes, which forecast nothing; the best of some, all in turn.
CREATE TABLE timing (n int, model text, call float8, us float8);
CREATE PROCEDURE measure() LANGUAGE plpgsql AS $$
DECLARE
	s record;
	begun timestamptz;
	call float8;
BEGIN
	FOR s IN SELECT b.n, m.model, b.book, b.quoting, CASE b.n
			WHEN 1 THEN (SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) FROM (SELECT * FROM taq ORDER BY ts DESC LIMIT 300) AS u)
			WHEN 2 THEN (SELECT lem_book(ts, bid, ask, open, high, low, close, volume, buy_volume) FROM (SELECT * FROM b3 ORDER BY ts DESC LIMIT 300) AS u)
			ELSE (SELECT lem_book(ts, open, high, low, close, volume) FROM (SELECT * FROM shfe WHERE symbol = 'RB2305' ORDER BY ts DESC LIMIT 300) AS u) END AS late
		FROM generate_series(1, 8) AS turn, books AS b JOIN (SELECT n, model FROM students UNION ALL SELECT n, 'baseline:fixed' FROM books) AS m USING (n)
		WHERE b.n < 4 ORDER BY turn, b.n LOOP
		call := NULL;
		IF s.model NOT LIKE 'baseline:%' THEN
			PERFORM FROM lem_forecast(s.model, s.late);
			begun := clock_timestamp();
			FOR i IN 1 .. 50 LOOP
				PERFORM FROM lem_forecast(s.model, s.late);
			END LOOP;
			call := extract(epoch FROM clock_timestamp() - begun) * 1e6 / 50;
		END IF;
		begun := clock_timestamp();
		PERFORM FROM lem_maker_backtest(s.model, s.quoting, s.book, '{"fit": 0.6}');
		INSERT INTO timing VALUES (s.n, s.model, call, extract(epoch FROM clock_timestamp() - begun) * 1e6 / (0.4 * lem_book_count(s.book)));
	END LOOP;
END $$;
CALL measure();

-- A skill and its interval.
CREATE FUNCTION shown(skill jsonb, bounds jsonb, task text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(format('%s (%s to %s)', round((skill ->> task)::numeric, 3), round((bounds #>> ARRAY[task, '0'])::numeric, 3),
		round((bounds #>> ARRAY[task, '1'])::numeric, 3)), '-') $$;

\qecho '# Evaluation of market making'
\qecho
\qecho 'Written by `make maker-evaluation`. What earlier bars teach (the first 60 % of each file) is judged on the later 40 %, in which'
\qecho 'nothing was learnt. The books are small samples: one session of a stock of one venue, whose prices or sizes may have been altered;'
\qecho 'a book of PETR4 that was rebuilt, fit for the logic of fills and not for claims of profit; and two futures without quotes, whose'
\qecho 'spreads are estimated and whose models learnt from twenty of them. No figure here says that a maker earns money. Fees are 0, quotes'
\qecho 'are 5 % of the expected volume, and no constant of any strategy was tuned.'
\qecho
\qecho '## Forecasts: teacher, students and mixtures'
\qecho
\qecho 'A larger model teaches ten small students, which are joined in each of the four ways; beside them a single student of about their size'
\qecho 'together, to which nobody taught anything, and a ridge on a dozen inputs (`linear`). Skill, ten bars ahead, is 1 less the squared error of'
\qecho 'the median as a share of that of the best naive forecast, which is the outlook, the mean or the last bar, whichever was best in the time'
\qecho 'that was learnt from. It is judged on the last third of the validation time, where neither students nor mixtures nor the ridge learnt'
\qecho 'anything, but for the teacher, which chose its best epoch by all of validation time. In parentheses is the 95 % interval over ten blocks of'
\qecho 'time. In the last book the bars of the first one stand in another order: there is nothing to know.'
\qecho
\qecho '| book | forecaster | parameters | mid | spread | volume |'
\qecho '|---|---|---|---|---|---|'
SELECT format('| %s | %s | %s | %s | %s | %s |', name, kind, parameters, shown(skill, bounds, 'mid'), shown(skill, bounds, 'spread'), shown(skill, bounds, 'volume'))
FROM (
	SELECT s.n, s.i, s.learnt AS name, s.kind, m.parameters::text AS parameters,
		CASE s.i WHEN 1 THEN h.metrics -> 'teacher_skill' WHEN 2 THEN m.metrics -> 'skill' ELSE h.metrics -> 'mixtures' -> replace(s.kind, 'mixture: ', '') END AS skill,
		CASE s.i WHEN 1 THEN h.metrics -> 'teacher_interval' WHEN 2 THEN m.metrics -> 'skill_interval'
			ELSE h.metrics -> 'mixtures_interval' -> replace(s.kind, 'mixture: ', '') END AS bounds
	FROM students AS s JOIN books AS b USING (n) JOIN lem_models AS m ON m.name = s.model JOIN lem_models AS h ON h.name = 'students_' || b.model
	UNION ALL
	SELECT s.n, 0, s.learnt, 'linear', '39', h.metrics -> 'linear_skill', h.metrics -> 'linear_interval'
	FROM students AS s JOIN books AS b USING (n) JOIN lem_models AS h ON h.name = 'students_' || b.model WHERE s.i = 1
) AS r WHERE n <> 4 ORDER BY n, i;
\qecho
\qecho 'Spread and volume can be forecast, the mid hardly: a maker that claims to know the mid is to be doubted first.'
\qecho
\qecho '## Time of a forecast'
\qecho
\qecho 'Of a call of `lem_forecast` with a book of 300 bars at hand, all of it: finding the model, outlook and window, the network, the row. And of a'
\qecho 'forecast in a run through the later bars, where sixty-four are computed together: the run''s time less that of the same run with fixed quotes,'
\qecho 'by bar. Microseconds, one process, while the machine had other work: compare the rows. `make bench BENCH=maker` measures the network alone.'
\qecho
\qecho '| book | model | us a call | times faster than the teacher | us in a run | times faster |'
\qecho '|---|---|---|---|---|---|'
WITH times AS (
	SELECT n, model, min(call) AS call, min(us) AS us FROM timing GROUP BY 1, 2
), costs AS (
	SELECT t.n, t.model, t.call, greatest(t.us - f.us, 0) AS us FROM times AS t JOIN times AS f USING (n) WHERE f.model = 'baseline:fixed'
)
SELECT format('| %s | %s | %s | %s | %s | %s |', s.name, s.kind, round(c.call::numeric, 1), round((t.call / c.call)::numeric, 1), round(c.us::numeric, 1),
	coalesce(round((t.us / nullif(c.us, 0))::numeric, 1)::text, '-'))
FROM students AS s JOIN books AS b USING (n) JOIN costs AS c ON c.n = s.n AND c.model = s.model JOIN costs AS t ON t.n = s.n AND t.model = 'teacher_' || b.model
ORDER BY s.n, s.i;
\qecho
\qecho '## Profit'
\qecho
\qecho 'Each strategy under the fills `through` and `touch`; the truth lies between. EPnL is the mean profit of a session with its 95 %'
\qecho 'interval, MAP the mean absolute position. See [the reference](market-making.md#lem_maker_backtest).'
\qecho
\qecho '| book | strategy | fill | EPnL | 95 % interval | MAP | PnLMAP | Sharpe | fills | markout after 1 bar, bps |'
\qecho '|---|---|---|---|---|---|---|---|---|---|'
SELECT format('| %s | %s | %s | %s | %s to %s | %s | %s | %s | %s | %s |', b.name, k.kind, r.fill,
	round(r.epnl::numeric, 2), coalesce(round(r.epnl_low::numeric, 2)::text, '-'), coalesce(round(r.epnl_high::numeric, 2)::text, '-'), round(r.map::numeric, 1),
	coalesce(round(r.pnlmap::numeric, 3)::text, '-'), coalesce(round(r.sharpe::numeric, 2)::text, '-'), r.fills, coalesce(round(r.markout_1_bps::numeric, 2)::text, '-'))
FROM books AS b JOIN (SELECT n, i, kind, 'baseline:' || kind AS model FROM books, unnest(ARRAY['none', 'fixed', 'avellaneda_stoikov', 'glft', 'microprice', 'linear'])
		WITH ORDINALITY AS k (kind, i) UNION ALL SELECT n, 6 + i, kind, model FROM students) AS k USING (n),
	LATERAL lem_maker_backtest(k.model, b.quoting, b.book, '{"fit": 0.6}') AS r
WHERE b.n < 5 ORDER BY b.n, k.i, r.fill DESC;

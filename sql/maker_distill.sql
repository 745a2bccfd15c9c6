-- Students of market making: probe, distillation, mixtures and their forecasts.

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
CREATE TABLE lesson_quotes AS
WITH shocks AS (
	SELECT d, i, (hashint4(d * 7919 + i * 31) % 1000) / 1000.0 AS u, (hashint4(d * 104729 + i * 17) % 1000) / 1000.0 AS v
	FROM generate_series(1, 3) AS d, generate_series(0, 499) AS i
), walk AS (
	SELECT *, 100 + sum(u) OVER (ORDER BY d, i) * 0.01 AS mid, lead(u) OVER (ORDER BY d, i) AS next FROM shocks
)
SELECT 'X' AS series, timestamptz '2026-01-05 14:30+00' + d * interval '1 day' + i * interval '1 second' AS ts, mid - 0.01 AS bid, mid + 0.01 AS ask,
	50 + 40 * coalesce(next, 0) AS bid_size, 50 - 40 * coalesce(next, 0) AS ask_size, mid AS open, mid + 0.02 + 0.02 * abs(v) AS high, mid - 0.02 - 0.02 * abs(v) AS low,
	mid AS close, 500 + 400 * v AS volume, lead(mid) OVER (ORDER BY d, i) AS next_mid
FROM walk;
CREATE TABLE lesson_book AS
SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book FROM lesson_quotes;
\set quotes 'SELECT series, ts, bid, ask, bid_size, ask_size, open, high, low, close, volume FROM lesson_quotes'
CALL lem_train_maker('teacher', :'quotes',
	'{"horizon": 1, "lookback": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 60, "features": ["return"], "recurrent": "gru"}',
	'{"epochs": 6, "batch": 32, "rate": 0.01, "seed": 5}');

-- The probe: what is planted is seen, in a layer of the teacher's, in every regime.
SELECT count(*) AS rows, count(DISTINCT layer) AS layers, bool_and(share BETWEEN 0 AND 1) AS shares, bool_and(gradient > 0) AS gradients
FROM lesson_book, lem_probe('teacher', book);
SELECT task, max(z) > 5 AS clears_the_null, max(response) > 0.3 AS seen FROM lesson_book, lem_probe('teacher', book) WHERE task = 'mid' GROUP BY task ORDER BY task;

-- Distillation, in each mixture.
CALL lem_distill('students', 'teacher', :'quotes', '{"hidden_size": 6, "expert_dim": 2}', '{"epochs": 8, "batch": 16}');
SELECT name, version, deployed, config ->> 'mixture' AS mixture, config ->> 'recurrent' AS recurrent, config ->> 'lookback' AS lookback,
	(metrics #>> '{skill,mid}')::float8 > 0.3 AS mid_found, metrics ->> 'teacher' AS teacher, (metrics #>> '{teacher_skill,mid}')::float8 > 0.3 AS taught,
	(SELECT count(*) FROM jsonb_object_keys(metrics -> 'mixtures')) AS mixtures
FROM lem_models WHERE name = 'students';
SELECT task, count(*) AS students, array_agg(regime ORDER BY regime NULLS FIRST) AS regimes, count(layer) AS layers, bool_and(calibration_loss > 0) AS losses,
	round(sum(weight)::numeric, 4) AS weight FROM lem_experts WHERE model = 'students' GROUP BY task ORDER BY task;
SELECT f.mid_low <= f.mid AND f.mid <= f.mid_high AS ordered, abs(f.mid / 100 - 1) < 0.1 AS near, f.spread BETWEEN 0 AND 1 AS spread, f.volume BETWEEN 100 AND 2000 AS volume,
	f.regime BETWEEN 1 AND 3 AS regime, cardinality(f.weights) AS weights, round((SELECT sum(w) FROM unnest(f.weights) AS w)::numeric, 6) AS sum
FROM lesson_book, lem_forecast('students', book) AS f;
SELECT count(*) > 0 AS quotes FROM lesson_book, lem_quote('students', lem_quoting(2, 0.01, 1, 0.1, 200), book, 0);
SELECT m.fill, m.fills > 0 AS fills, m.pnl > f.pnl AS beats_fixed
FROM lesson_book, lem_maker_backtest('students', lem_quoting(1, 0.01, 1, 0.1, 200, eta => 0), book, '{"fit": 0.7}') AS m,
	lem_maker_backtest('baseline:fixed', lem_quoting(1, 0.01, 1, 0.1, 200), book, '{"fit": 0.7}') AS f WHERE m.fill = f.fill ORDER BY m.fill DESC;

-- What students weigh, as a picture; a teacher has none.
SELECT m, lem_svg('experts', m, lem_quoting(1, 0.01, 1, 0.1, 200), book) LIKE '<svg%undivided%wild%</svg>' AS picture,
	lem_report('maker', m, lem_quoting(1, 0.01, 1, 0.1, 200), book) LIKE '%Weights of students%' AS page
FROM lesson_book, unnest(ARRAY['students', 'students@1']) AS m ORDER BY m;
SELECT lem_svg('experts', 'teacher', lem_quoting(1, 0.01, 1, 0.1, 200), book) FROM lesson_book;

-- No later bar changes what students do.
SELECT count(*) AS different FROM (
	SELECT ts, side, level, price, quantity, "position" FROM lesson_book, lem_maker_fills('students', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.3}') WHERE ts < '2026-01-08'
	EXCEPT
	SELECT ts, side, level, price, quantity, "position" FROM
		(SELECT lem_book(ts, bid * k, ask * k, bid_size, ask_size, open * k, high * k, low * k, close * k, volume * k) AS book
			FROM lesson_quotes, LATERAL (SELECT CASE WHEN ts < '2026-01-08' THEN 1 ELSE 2 END AS k) AS t) AS b,
		lem_maker_fills('students', lem_quoting(2, 0.01, 1, 0.1, 200), book, '{"fit": 0.3}') WHERE ts < '2026-01-08') AS d;

-- Who may not read a teacher learns nothing from it; nor adds versions to another's students.
CREATE ROLE regress_maker_stranger;
GRANT SELECT ON lesson_quotes, lesson_book TO regress_maker_stranger;
SET ROLE regress_maker_stranger;
CALL lem_distill('theirs', 'teacher', :'quotes');
CALL lem_distill('students', NULL, :'quotes');
SELECT count(*) FROM lesson_book, lem_probe('teacher', book);
RESET ROLE;
REVOKE ALL ON lesson_quotes, lesson_book FROM regress_maker_stranger;
DROP ROLE regress_maker_stranger;

-- Exported and imported like any model; the other ways of joining are keys of the config.
SELECT lem_import('students_copy', lem_export('students'));
SELECT count(*) AS different FROM (SELECT f.* FROM lesson_book, lem_forecast('students', book) AS f EXCEPT SELECT f.* FROM lesson_book, lem_forecast('students_copy', book) AS f) AS d;
SELECT count(*) FROM lem_experts WHERE model = 'students_copy';
SELECT m, lem_import('as_' || m, lem_export('students'), (SELECT config FROM lem_models WHERE name = 'students') || jsonb_build_object('mixture', m)) AS version
FROM unnest(ARRAY['agreement', 'additive', 'uniform']) AS m;
SELECT m, abs(f.mid / 100 - 1) < 0.1 AS near, f.mid_low <= f.mid_high AS ordered, cardinality(f.weights) AS weights
FROM lesson_book, unnest(ARRAY['agreement', 'additive', 'uniform']) AS m, lem_forecast('as_' || m, book) AS f ORDER BY m;

-- The same students from the same bars, options and seed; one student alone.
CALL lem_distill('again', 'teacher', :'quotes', '{"hidden_size": 6, "expert_dim": 2}', '{"epochs": 8, "batch": 16}');
SELECT lem_export('again') = lem_export('students') AS same_bits;
CALL lem_distill('single', 'teacher', :'quotes', '{"hidden_size": 6, "expert_dim": 2, "mixture": "single"}', '{"epochs": 2, "deploy": false}');
SELECT deployed FROM lem_models WHERE name = 'single';
SELECT cardinality(f.weights) AS weights FROM lesson_book, lem_forecast('single@1', book) AS f;

-- A teacher in columns: its forecasts, and features that are wider than a layer.
\set columns 'SELECT *, CASE WHEN next_mid IS NOT NULL THEN ARRAY[next_mid, 0.02, volume]::float8[] END AS teacher, (SELECT array_agg(((coalesce(next_mid, close) - close) * (1 + j % 7))::float8 ORDER BY j) FROM generate_series(1, 200) AS j) AS teacher_features FROM lesson_quotes'
CALL lem_distill('columns', NULL, :'columns', '{"horizon": 1, "lookback": 4, "norm_window": 60, "features": ["return"], "hidden_size": 6, "expert_dim": 2, "recurrent": "tkan"}', '{"epochs": 8, "batch": 16, "alpha": 0}');
SELECT (metrics #>> '{teacher_skill,mid}')::float8 > 0.9 AS taught_well, (metrics #>> '{skill,mid}')::float8 > 0.2 AS learnt, metrics ? 'teacher' AS named,
	(SELECT count(DISTINCT layer) FROM lem_experts WHERE model = 'columns') AS layers FROM lem_models WHERE name = 'columns';

-- What is refused.
CALL lem_distill('bad', 'teacher', :'quotes', '{"lookback": 8}');
CALL lem_distill('bad', 'teacher', :'quotes', '{"horizon": 2}');
CALL lem_distill('bad', 'teacher', :'quotes', '{"mixture": "none"}');
CALL lem_distill('bad', 'teacher', :'quotes', '{"mixture": "best"}');
CALL lem_distill('bad', 'teacher', :'quotes', '{"expert_dim": 0}');
CALL lem_distill('bad', 'teacher', :'quotes', '{"recurrent": "none"}');
CALL lem_distill('bad', 'teacher', :'quotes', '[]');
CALL lem_distill('bad', 'teacher', :'quotes', '{}', '{"epoch": 3}');
CALL lem_distill('bad', 'teacher', :'quotes', '{}', '{"epochs": 0}');
CALL lem_distill('bad', 'teacher', :'quotes', '{}', '{"beta": "much"}');
CALL lem_distill('bad', 'students', :'quotes');
CALL lem_distill('bad', 'no_such_model', :'quotes');
CALL lem_distill('bad', 'teacher', 'SELECT * FROM lesson_quotes ORDER BY ts LIMIT 150');
CALL lem_distill('bad', NULL, :'quotes', '{"horizon": 1, "lookback": 4, "norm_window": 60}');
CALL lem_distill('bad', NULL, 'SELECT *, ARRAY[1.0]::float8[] AS teacher FROM lesson_quotes', '{"horizon": 1, "lookback": 4, "norm_window": 60}');
CALL lem_distill('bad', NULL, 'SELECT *, ARRAY[100, 0.02, ''NaN'']::float8[] AS teacher FROM lesson_quotes', '{"horizon": 1, "lookback": 4, "norm_window": 60}');
CALL lem_distill('bad', NULL, 'SELECT *, 1 AS teacher FROM lesson_quotes', '{"horizon": 1, "lookback": 4, "norm_window": 60}');
CALL lem_distill(NULL, 'teacher', :'quotes');
CALL lem_distill('bad', 'teacher', NULL);
CALL lem_train_maker('bad', :'quotes', '{"mixture": "hajek", "expert_dim": 2, "recurrent": "gru"}');
BEGIN;
CALL lem_distill('bad', 'teacher', :'quotes');
ROLLBACK;
SELECT q, pg_temp.error_of('SELECT count(*) FROM lesson_book, ' || q) FROM unnest(ARRAY[
	$$lem_probe('students', book)$$,
	$$lem_probe('teacher', '1 quotes {}')$$,
	$$lem_probe('teacher', '1 {}')$$,
	$$lem_probe('teacher', book, '{"samples": 5}')$$,
	$$lem_probe('no_such_model', book)$$,
	$$lem_forecast('students', '1 quotes {"2026-01-05 14:30+00" 99 101 100 100 100 100 5}')$$,
	$$lem_schedule('students', lem_order(100), '{"2026-01-05 14:30+00" 1 1}')$$
]) AS q;
SELECT count(*) FROM lem_models WHERE name = 'bad';

-- A file may say anything about its students.
SELECT lem_import('strange', lem_export('students_copy'));
UPDATE lem_model SET metrics = '{"experts": [{"regime": "x", "loss": "y", "weight": 1e400}, 7, null]}' WHERE name = 'strange';
SELECT layer, task, regime, calibration_loss, weight FROM lem_experts WHERE model = 'strange';

-- A planted imbalance of which a line sees a fifth: teacher and mixture beat who is blind, and a ridge has at most its share.
CREATE TABLE bent_quotes AS
WITH shocks AS (
	SELECT d, i, (hashint4(d * 7919 + i * 31) % 1000) / 1000.0 AS b, (hashint4(d * 104729 + i * 17) % 1000) / 1000.0 AS v
	FROM generate_series(1, 4) AS d, generate_series(0, 499) AS i
), walk AS (
	SELECT *, 100 + sum(0.5 * b + 2 * abs(b) - 1) OVER (ORDER BY d, i) * 0.01 AS mid, lead(b) OVER (ORDER BY d, i) AS next FROM shocks
)
SELECT 'X' AS series, timestamptz '2026-01-05 14:30+00' + d * interval '1 day' + i * interval '1 second' AS ts, mid - 0.01 AS bid, mid + 0.01 AS ask,
	50 + 40 * coalesce(next, 0) AS bid_size, 50 - 40 * coalesce(next, 0) AS ask_size, mid AS open, mid + 0.02 + 0.02 * abs(v) AS high, mid - 0.02 - 0.02 * abs(v) AS low,
	mid AS close, 500 + 400 * v AS volume
FROM walk;
CREATE TABLE bent_book AS SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book FROM bent_quotes;
\set bent 'SELECT * FROM bent_quotes WHERE ts < ''2026-01-09'''
CALL lem_train_maker('bent', :'bent',
	'{"horizon": 1, "lookback": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 60, "features": ["return"], "recurrent": "gru"}',
	'{"epochs": 12, "batch": 32, "rate": 0.01, "seed": 5}');
CALL lem_distill('bent_students', 'bent', :'bent', '{"hidden_size": 8, "expert_dim": 2}', '{"epochs": 20, "batch": 16}');
SELECT (metrics #>> '{linear_skill,mid}')::float8 < 0.3 AS line_has_its_share, (metrics #>> '{teacher_skill,mid}')::float8 > 0.5 AS teacher_more,
	(metrics #>> '{skill,mid}')::float8 > 0.5 AS mixture_more, (metrics #>> '{skill_interval,mid,0}')::float8 > (metrics #>> '{linear_interval,mid,1}')::float8 AS beyond_intervals,
	(SELECT count(*) FROM jsonb_object_keys(metrics -> 'mixtures_interval')) AS mixtures, metrics #>> '{naive,mid}' IN ('outlook', 'mean', 'last') AS naive
FROM lem_models WHERE name = 'bent_students';
SELECT g.fill, t.pnl > g.pnl AS teacher_beats_glft, s.pnl > g.pnl AS mixture_beats_glft, t.pnl > l.pnl AND s.pnl > l.pnl AS and_the_line
FROM bent_book, lem_maker_backtest('baseline:glft', lem_quoting(1, 0.01, 1, 0.1, 200, eta => 0), book, '{"fit": 0.75}') AS g,
	lem_maker_backtest('bent', lem_quoting(1, 0.01, 1, 0.1, 200, eta => 0), book, '{"fit": 0.75}') AS t,
	lem_maker_backtest('bent_students', lem_quoting(1, 0.01, 1, 0.1, 200, eta => 0), book, '{"fit": 0.75}') AS s,
	lem_maker_backtest('baseline:linear', lem_quoting(1, 0.01, 1, 0.1, 200, eta => 0), book, '{"fit": 0.75, "horizon": 1}') AS l
WHERE g.fill = t.fill AND g.fill = s.fill AND g.fill = l.fill ORDER BY g.fill DESC;
SELECT sum(lem_drop(m)) AS dropped FROM unnest(ARRAY['bent', 'bent_students']) AS m;
DELETE FROM lem_training_run WHERE model = 'bent';
DROP TABLE bent_quotes, bent_book;

SELECT sum(lem_drop(m)) AS dropped FROM unnest(ARRAY['teacher', 'students', 'students_copy', 'as_agreement', 'as_additive', 'as_uniform', 'again', 'single', 'columns', 'strange']) AS m;
DELETE FROM lem_training_run WHERE model = 'teacher';
DROP TABLE lesson_quotes, lesson_book;

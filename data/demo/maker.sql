-- The demonstration model of market making: a teacher and its students, from a simulated book.
\set ON_ERROR_STOP on
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lem;
\i data/simulate.sql
\i data/simulate_book.sql
CREATE TABLE simulated AS SELECT 'DEMO' AS series, * FROM simulate_book('DEMO', days => 4, lead => 2);
CREATE TABLE judged AS
SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book FROM simulated;
CALL lem_train_maker('demo_teacher', 'SELECT * FROM simulated WHERE ts < ''2026-01-08''',
	'{"horizon": 1, "lookback": 8, "hidden_size": 16, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 60,
	  "features": ["return", "log_volume"], "recurrent": "gru"}', '{"epochs": 8, "batch": 32, "rate": 0.005}');
CALL lem_distill('demo_maker', 'demo_teacher', 'SELECT * FROM simulated WHERE ts < ''2026-01-08''', '{"hidden_size": 8}');
SELECT lem_keep_quoting('demo_maker', lem_tune_quoting('demo_maker', lem_quoting(2, 0.01, 1, 0.1, 500), book, '{"fit": 0.6}'))
FROM (SELECT lem_book(ts, bid, ask, bid_size, ask_size, open, high, low, close, volume) AS book FROM simulated WHERE ts < '2026-01-08') AS b
\g /dev/null

\echo 'Skill of the model, of its teacher and of a ridge, where none of them learnt anything; of the mid there is 0.57 to know:'
SELECT task, round((metrics -> 'skill' ->> task)::numeric, 2) AS mixture, round((metrics -> 'teacher_skill' ->> task)::numeric, 2) AS teacher,
	round((metrics -> 'linear_skill' ->> task)::numeric, 2) AS linear
FROM lem_models, unnest(ARRAY['mid', 'spread', 'volume']) AS task WHERE name = 'demo_maker';
\echo 'Its students, and what they weigh:'
SELECT task, regime, layer, round(weight::numeric, 3) AS weight FROM lem_experts WHERE model = 'demo_maker' ORDER BY task, regime NULLS FIRST;
\echo 'What it would quote after the last bar, with 100 in hand:'
\set ECHO queries
SELECT q.* FROM judged, lem_quote('demo_maker', lem_quoting(2, 0.01, 1, NULL, 500), book, 100) AS q;
\set ECHO none
\echo 'The last day, in which nothing was learnt or tuned: profit of a session, of all fills and of those beyond the price:'
SELECT m AS strategy, r.fill, round(r.pnl::numeric, 2) AS pnl, r.fills, round(r.markout_1_bps::numeric, 2) AS markout_bps
FROM judged, unnest(ARRAY['demo_maker', 'baseline:linear', 'baseline:glft']) WITH ORDINALITY AS k (m, n),
	lem_maker_backtest(m, lem_quoting(2, 0.01, 1, NULL, 500), book, '{"fit": 0.75, "horizon": 1}') AS r ORDER BY n, r.fill DESC;

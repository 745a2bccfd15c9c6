-- What the client of a fuzzed server uses: models, bars and orders.
SET client_min_messages = warning;
CREATE EXTENSION lem;
\i data/simulate.sql
\set tiny `base64 "t/golden/tiny/weights.safetensors"`
CREATE TABLE file AS SELECT decode(:'tiny', 'base64') AS bytes,
	'{"lookback":6,"n_ahead":4,"hidden_size":8,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"hidden_rnn_layer":2,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}'::jsonb AS config;
SELECT lem_import('tiny', bytes, config) FROM file \g /dev/null
CREATE TABLE bars AS SELECT symbol, ts, notional / volume AS price, volume FROM unnest('{A,B}'::text[]) AS symbol, simulate_bars(symbol, days => 20);
CREATE TABLE series AS SELECT symbol, lem_bars(ts, price, volume) AS bars FROM bars GROUP BY symbol;
INSERT INTO series SELECT 'one', lem_bars(ts, price, volume) FROM (SELECT * FROM bars LIMIT 1) AS b;
INSERT INTO series SELECT 'odd', lem_bars(ts, price, volume, ARRAY[1, 2]) FROM (SELECT * FROM bars WHERE symbol = 'A' LIMIT 50) AS b;
CALL lem_train('small', 'SELECT symbol AS series, ts, price, volume FROM bars',
	'{"lookback": 4, "n_ahead": 3, "hidden_size": 4, "num_heads": 1, "num_embedding": 2, "fused_mlp_hidden_dim": 3, "norm_window": 24}', '{"epochs": 1, "samples": 64}');
CREATE TABLE books AS
SELECT 'sizes' AS name, lem_book(ts, price - 0.01, price + 0.01, volume, volume, price, price + 0.05, price - 0.05, price, volume) AS book FROM bars WHERE symbol = 'A'
UNION ALL SELECT 'quotes', lem_book(ts, price, price, price, price + 0.05, price - 0.05, price, volume) FROM bars WHERE symbol = 'A'
UNION ALL SELECT 'trades', lem_book(ts, price, price + 0.05, price - 0.05, price, volume, volume / 2, ARRAY[1, 2]) FROM (SELECT * FROM bars WHERE symbol = 'B' LIMIT 60) AS b
UNION ALL SELECT 'one', lem_book(ts, price, price, price, price, volume) FROM (SELECT * FROM bars LIMIT 1) AS b;
CREATE VIEW maker_bars AS SELECT symbol AS series, ts, price - 0.01 AS bid, price + 0.01 AS ask, volume AS bid_size, volume AS ask_size, price AS open,
	price + 0.05 AS high, price - 0.05 AS low, price AS close, volume FROM bars;
CALL lem_train_maker('maker', 'SELECT * FROM maker_bars', '{"horizon": 2, "lookback": 4, "hidden_size": 4, "num_heads": 1, "num_embedding": 2,
	"fused_mlp_hidden_dim": 3, "norm_window": 24, "recurrent": "gru"}', '{"epochs": 1, "samples": 64, "batch": 16}');
CALL lem_distill('mixture', 'maker', 'SELECT * FROM maker_bars', '{"hidden_size": 4, "expert_dim": 2}', '{"epochs": 1}');
CREATE ROLE fuzz_user;
GRANT SELECT ON bars, series, file, books TO fuzz_user;

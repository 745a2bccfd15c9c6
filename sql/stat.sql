-- Versions, build and counters: what is seen of lem while it runs (of this session, as nothing is
-- preloaded here; t/server/stat.sh has the shared counters).

SET timezone = 'UTC';
\set ECHO none
\i data/simulate.sql
\set ECHO all
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
\set config '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}'
SELECT lem_import('stat_test', decode(:'weights', 'base64'), :'config') FROM generate_series(1, 2);

-- The library's version is that of the installed objects, with a number for fixes.
SELECT lem_version() ~ '^[0-9]+\.[0-9]+\.[0-9]+$' AS three_numbers, lem_version() LIKE extversion || '.%' AS fits
FROM pg_extension WHERE extname = 'lem';
SELECT name, value <> '' AND value <> 'unknown' AS known FROM lem_build_info();
SELECT value = current_setting('server_version') AS running FROM lem_build_info() WHERE name = 'server';
SELECT name, value FROM lem_build_info() WHERE name IN ('number type', 'statistics', 'blas threads') ORDER BY name COLLATE "C";
SELECT count(*) FROM lem_build_info() WHERE name = 'compiler options' AND value LIKE '%-O3%' OR name = 'kernels' AND value IN ('portable', 'avx2', 'avx512');

-- Nothing yet
SELECT * FROM lem_stat;
SELECT pid = pg_backend_pid() AS mine, calls, orders, batches, total_ms, cache_hits, cache_misses, loaded_bytes, cached_models, cached_bytes FROM lem_stat_backend;

CREATE TABLE stat_bars AS SELECT 'S' || s AS symbol, ts, notional / volume AS price, volume FROM generate_series(1, 3) AS s, simulate_bars('S' || s, days => 18);
CREATE VIEW stat_calls AS SELECT model, version, calls, orders, batches, cache_hits, cache_misses, total_ms > 0 AND max_ms > 0 AND max_ms <= total_ms AS timed,
	last_call >= since AND since > now() - interval '1 hour' AS dated FROM lem_stat ORDER BY model COLLATE "C", version;

-- An aggregate is a call a group, a batch is one call of many orders; both versions by their numbers.
SELECT sum(cardinality(plan)) FROM (SELECT lem_schedule('stat_test', lem_order(1), ts, price, volume) AS plan FROM stat_bars GROUP BY symbol) AS s;
SELECT * FROM stat_calls;
SELECT count(*) FROM (SELECT array_agg(bars) AS b FROM (SELECT lem_bars(ts, price, volume) AS bars FROM stat_bars GROUP BY symbol) AS s) AS a,
	lem_schedule_batch('stat_test@1', '{1,2,3}', ARRAY[lem_order(1), lem_order(2), lem_order(3, min_bars => 2)], b);
SELECT count(*) FROM lem_schedule('stat_test@2', lem_order(1), (SELECT lem_bars(ts, price, volume) FROM stat_bars WHERE symbol = 'S1'));
SELECT (lem_next_slice('stat_test@2', lem_order(1, min_bars => 1), ts, price, volume)).step FROM stat_bars WHERE symbol = 'S1';
SELECT cardinality(lem_forward('stat_test@2', array_fill(0.5::float4, ARRAY[2, 9, 7]), '{0,0}', '{1,1}'));
SELECT * FROM stat_calls;
-- Two versions that are the same model share what is decoded of it: only what the other lacked was loaded.
SELECT version, loaded_bytes > 0 AS loaded, loaded_bytes < (SELECT cached_bytes FROM lem_stat_backend) AS part FROM lem_stat ORDER BY version;
SELECT b.calls = s.calls AS calls, b.orders = s.orders AS orders, b.batches = s.batches AS batches, b.cache_hits = s.hits AS hits, b.cache_misses = s.misses AS misses,
	b.loaded_bytes = s.loaded AS loaded, b.cached_bytes = s.loaded AS kept, cached_models, abs(b.total_ms - s.ms) < 1e-6 AS time
FROM lem_stat_backend AS b, (SELECT sum(calls) AS calls, sum(orders) AS orders, sum(batches) AS batches, sum(cache_hits) AS hits, sum(cache_misses) AS misses,
	sum(loaded_bytes) AS loaded, sum(total_ms) AS ms FROM lem_stat) AS s;

-- A call that fails is not counted, but what it looked up is.
DO $$
BEGIN
	PERFORM lem_schedule('stat_test@2', lem_order(1), '{}');
EXCEPTION WHEN SQLSTATE 'LM003' THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;
SELECT version, calls, cache_hits + cache_misses AS looks FROM lem_stat ORDER BY version;

-- What was counted of a dropped version stays, until it is reset; the cache keeps what it has.
SELECT lem_drop('stat_test');
SELECT count(*) FROM lem_stat;
SELECT lem_stat_reset();
SELECT count(*) FROM lem_stat;
SELECT calls, orders, batches, total_ms, cache_hits, cache_misses, loaded_bytes, cached_models > 0 AS kept FROM lem_stat_backend;

-- Anyone may look, who resets is granted.
CREATE ROLE regress_lem_stat;
SET ROLE regress_lem_stat;
SELECT count(*) FROM lem_stat;
SELECT count(*) FROM lem_stat_backend;
SELECT count(*) > 5 AS rows FROM lem_build_info();
DO $$
BEGIN
	PERFORM lem_stat_reset();
EXCEPTION WHEN insufficient_privilege THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;
RESET ROLE;
DROP ROLE regress_lem_stat;

-- The setting bounds the models that are counted; the server's owner sets it.
SHOW lem.stat_models;
SET lem.stat_models = 10;

DROP VIEW stat_calls;
DROP TABLE stat_bars;
DROP FUNCTION simulate_bars, simulate_normal;

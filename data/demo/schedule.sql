-- The demo itself; needs the table bars with data, and the variables symbol and gaps.
\set ON_ERROR_STOP on
\pset footer off
SET timezone = 'UTC';
SET extra_float_digits = -9;	-- six digits are enough to read
ANALYZE bars;

\echo
\echo == The bars =======================================================================
\echo
\set ECHO queries
SELECT symbol, count(*) AS bars, min(ts) AS first, max(ts) AS last
FROM bars GROUP BY symbol ORDER BY symbol;
\set ECHO none

\echo == A model ========================================================================
\echo
\set ECHO queries
SELECT * FROM lem_install_bundled();
\set ECHO none
SELECT CASE :'gaps' WHEN 'skip' THEN 'dow_1d' ELSE 'crypto_1h' END AS model \gset
SELECT count(*) > 0 AS bundled FROM lem_models WHERE name = :'model' \gset
\if :bundled
SELECT :'gaps' = 'error' AS strict \gset
\if :strict
SELECT lem_import('demo', lem_export(:'model'), config || '{"gaps": "error"}') AS version
FROM lem_models WHERE name = :'model';
\set model demo
\endif
\else
\set model demo
\echo These are reference weights: random numbers that test the arithmetic. Nobody trained
\echo them, so what follows shows how schedules are made and read, not how good one can be.
\echo
\lo_import t/golden/medium/weights.safetensors
\set weights :LASTOID
\set ECHO queries
SELECT lem_import('demo', lo_get(:weights), '{
	"lookback": 24, "n_ahead": 6, "hidden_size": 32, "hidden_rnn_layer": 2, "num_heads": 4,
	"num_embedding": 8, "fused_mlp_hidden_dim": 16, "max_scale_factor": 1.5, "features": "paper",
	"heads": "separate", "finish_gate": false, "notional_state": "allocated"}'
	|| jsonb_build_object('gaps', :'gaps')) AS version;
\set ECHO none
\lo_unlink :weights
\endif
\set ECHO queries
SELECT name, version, deployed, parameters, bytes FROM lem_models;
\set ECHO none

\echo == An order to start now ==========================================================
\echo
\echo Sell 12,000, in at most six bars and at least three, in lots of 100, never more than
\echo 40 % in one bar. The slice in state next is firm; the projected ones will be decided
\echo again as their bars come.
\echo
\set ECHO queries
SELECT s.*
FROM unnest((SELECT lem_schedule(:'model',
								 lem_order(12000, side => 'sell', min_bars => 3, max_bars => 6,
										   max_rate => 0.4, lot => 100),
								 ts, vwap, volume)
			 FROM bars WHERE symbol = :'symbol')) AS s;
\set ECHO none

\echo == The same order, begun three bars ago ===========================================
\echo
SELECT ts AS start FROM bars WHERE symbol = :'symbol' ORDER BY ts DESC LIMIT 1 OFFSET 2 \gset
\set ECHO queries
SELECT s.*
FROM unnest((SELECT lem_schedule(:'model',
								 lem_order(12000, side => 'sell', start_ts => :'start',
										   min_bars => 3, max_bars => 6, max_rate => 0.4,
										   lot => 100),
								 ts, vwap, volume)
			 FROM bars WHERE symbol = :'symbol')) AS s;
\set ECHO none

\echo == An order of the past, against the market =======================================
\echo
\echo Buy for the VWAP of six bars, from eight bars before the end of the data: every slice
\echo is what the model decided with the bars before it.
\echo
SELECT ts AS start FROM bars WHERE symbol = :'symbol' ORDER BY ts DESC LIMIT 1 OFFSET 7 \gset
\set ECHO queries
CREATE TEMPORARY TABLE done AS
SELECT s.*, b.vwap AS price, b.volume
FROM unnest((SELECT lem_schedule(:'model', lem_order(12000, start_ts => :'start', max_bars => 6),
								 ts, vwap, volume)
			 FROM bars WHERE symbol = :'symbol')) AS s
JOIN bars b ON b.symbol = :'symbol' AND b.ts = s.ts
WHERE s.state = 'done';

SELECT step, ts, allocation, cumulative, quantity, price FROM done ORDER BY step;

SELECT achieved, vwap, (achieved / vwap - 1) * 1e4 AS bps_over_vwap,
	   twap, (achieved / twap - 1) * 1e4 AS bps_over_twap
FROM (SELECT sum(quantity * price) / sum(quantity) AS achieved,
			 sum(volume * price) / sum(volume) AS vwap,
			 avg(price) AS twap
	  FROM done) AS prices;
\set ECHO none

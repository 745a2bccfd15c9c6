-- Train one model on what is not held out of a file, as a bundled one is trained (data/train): bars of 1, 2
-- and 4 hours of coins, or daily ones of shares; each series with closes and, unless closes alone are asked for,
-- without.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT format($$WITH longer AS (%s) SELECT series, ts, price, volume, close FROM longer%s$$, CASE file WHEN 'dow_1d' THEN format($$SELECT symbol AS series, ts, price, volume, close FROM evaluation.bars
		WHERE set = 'd' AND symbol <> ALL ('{AXP,CAT,IBM,WMT}') AND ts < %L$$, held_out)
	ELSE format($$SELECT symbol || ' ' || hours || ' h' AS series, date_bin(make_interval(hours => hours), ts, '2000-01-03 00:00+00') AS ts,
			coalesce(sum(notional) / nullif(sum(volume), 0), (array_agg(close ORDER BY ts DESC))[1]) AS price, sum(volume) AS volume,
			(array_agg(close ORDER BY ts DESC))[1] AS close
		FROM evaluation.loaded, unnest('{1,2,4}'::int[]) AS hours WHERE file = 'crypto_1h' AND ts < %L GROUP BY symbol, hours, 2$$, held_out) END,
	CASE WHEN NOT :'closes_only'::boolean THEN ' UNION ALL SELECT series || '', price only'', ts, price, volume, NULL FROM longer' END) AS query,
	jsonb_build_object('samples', :'samples'::int, 'epochs', :'epochs'::int, 'workers', :'workers'::int, 'shard', 8, 'rate', 0.0005, 'warmup', 300,
		'validation', 0.1, 'validation_samples', 1024, 'patience', 8, 'decay_patience', 3, 'seed', 1) || :'options'::jsonb AS options
FROM evaluation.files WHERE file = :'file' \gset
CALL lem_train(:'model', :'query', :'config', :'options');

-- Train one model on what is not held out of a file, without some symbols.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT format($$SELECT symbol AS series, ts, price, volume FROM evaluation.bars
	WHERE set = %L AND symbol <> ALL (%L) AND ts < %L$$, CASE file WHEN 'dow_1d' THEN 'd' ELSE '1' END, :'but', held_out) AS query,
	coalesce(nullif(:'config', '')::jsonb, (SELECT config FROM lem_models WHERE name = 'crypto_1h' AND deployed))
		|| :'changes'::jsonb AS config,
	jsonb_build_object('samples', :'samples'::int, 'epochs', :'epochs'::int, 'workers', :'workers'::int, 'seed', 1,
		'validation_samples', 1024, 'rate', 0.003, 'risk_aversion', 0.1) AS options
FROM evaluation.files WHERE file = :'file' \gset
CALL lem_train(:'model', :'query', :'config', :'options');

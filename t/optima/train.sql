-- Train a model on known_bars() with the variables model and correlation.  Small: one feature, a
-- short history.
CALL lem_train(:'model',
	format('SELECT 1 AS series, ts, price, volume FROM known_bars(%L, 120000, %s, false)', :'model', :'correlation'),
	'{"lookback": 8, "n_ahead": 12, "hidden_size": 16, "hidden_rnn_layer": 1, "num_heads": 2, "num_embedding": 4,
	  "fused_mlp_hidden_dim": 16, "features": ["return"], "norm_window": 64, "bar_interval": "PT1H"}',
	jsonb_build_object('objective', 'mean', 'rate', 0.003, 'batch', 64, 'samples', 12800, 'epochs', :epochs,
		'mask_start', 6, 'mask_epochs', :epochs * 6 / 10, 'patience', 100, 'decay_patience', 1, 'decay', 0.6,
		'rates', '[[0, 1]]'::jsonb, 'validation', 0.1, 'validation_samples', 4096, 'workers', :workers));

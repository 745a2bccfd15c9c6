-- What the isolation tests share: the extension, and the file and the config of a small model.
CREATE EXTENSION lem;
\set file `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
CREATE TABLE weights AS
	SELECT decode(:'file', 'base64') AS file,
		'{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}'::jsonb AS config;
GRANT SELECT ON weights TO PUBLIC;

-- A version more of a model; the number that it gets.
CREATE FUNCTION import(model text) RETURNS int LANGUAGE sql
	AS 'SELECT lem_import(model, file, config) FROM weights';

-- Roles of the sessions; the server is private.  Models of theirs go before each permutation.
CREATE ROLE lem_a;
CREATE ROLE lem_b;
CREATE ROLE lem_desk;
CREATE FUNCTION forget_models() RETURNS void LANGUAGE sql
	AS 'DELETE FROM lem_model; DELETE FROM lem_model_name; DELETE FROM lem_model_right';

-- Bars of two series, seven hours from 09:00 on, and a training that takes no time.
CREATE TABLE bars AS
	SELECT s AS series, timestamptz '2026-03-02 09:00:00+00' + i * interval '1 minute' AS ts,
		100 * exp(sin((i + ascii(s)) / 7.0) / 100) AS price,
		1000 * (1.1 + sin(i / 3.0 + ascii(s))) AS volume
	FROM unnest('{A,B}'::text[]) AS s, generate_series(1, 420) AS i;
GRANT SELECT ON bars TO PUBLIC;
CREATE PROCEDURE train(model text) LANGUAGE plpgsql AS $$
BEGIN
	CALL lem_train(model, 'SELECT * FROM bars',
		'{"lookback": 4, "n_ahead": 2, "hidden_size": 4, "num_heads": 2, "num_embedding": 2, "fused_mlp_hidden_dim": 2, "norm_window": 24}',
		'{"epochs": 1, "samples": 64, "batch": 32, "validation_samples": 32}');
END
$$;

-- A calendar of one day a week; a specification has no room for the braces.
CREATE FUNCTION sessions_on(day text) RETURNS jsonb LANGUAGE sql
	AS $$ SELECT jsonb_build_object('sessions', jsonb_build_object(day, '[["09:00", "10:00"]]'::jsonb)) $$;

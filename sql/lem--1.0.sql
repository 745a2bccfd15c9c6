/* sql/lem--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION lem" to load this file. \quit

-- Nothing here names a schema: the extension can be created in, and moved to, any schema.

-- Types

CREATE TYPE lem_bars;

CREATE FUNCTION lem_bars_in(cstring) RETURNS lem_bars
	AS 'MODULE_PATHNAME', 'pg_lem_bars_in' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION lem_bars_out(lem_bars) RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_lem_bars_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION lem_bars_recv(internal) RETURNS lem_bars
	AS 'MODULE_PATHNAME', 'pg_lem_bars_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_bars_send(lem_bars) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_bars_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

-- Doubles hardly compress: values are stored as they are, out of line where they are long.
CREATE TYPE lem_bars (
	INPUT = lem_bars_in,
	OUTPUT = lem_bars_out,
	RECEIVE = lem_bars_recv,
	SEND = lem_bars_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE lem_bars
	IS 'a series of completed bars in time order: ts, price, volume, optional extra features';
COMMENT ON FUNCTION lem_bars_in(cstring) IS 'I/O';
COMMENT ON FUNCTION lem_bars_out(lem_bars) IS 'I/O';
COMMENT ON FUNCTION lem_bars_recv(internal) IS 'I/O';
COMMENT ON FUNCTION lem_bars_send(lem_bars) IS 'I/O';

CREATE TYPE lem_order AS (
	size float8,
	side text,
	benchmark text,
	unit text,
	start_ts timestamptz,
	min_bars int,
	max_bars int,
	min_rate float8,
	max_rate float8,
	lot float8
);
COMMENT ON TYPE lem_order IS 'a parent order: its size, side, benchmark and limits';

CREATE TYPE lem_slice AS (
	step int,
	ts timestamptz,
	allocation float8,
	cumulative float8,
	quantity float8,
	state text
);
COMMENT ON TYPE lem_slice IS 'one slice of a schedule: what to trade in one bar';

CREATE TYPE lem_trade_bar AS (
	open float8,
	high float8,
	low float8,
	close float8,
	volume float8,
	notional float8,
	vwap float8,
	trades bigint
);
COMMENT ON TYPE lem_trade_bar IS 'one bar made of trades';

CREATE FUNCTION lem_order(size float8, side text DEFAULT 'buy', benchmark text DEFAULT 'vwap',
	unit text DEFAULT 'quantity', start_ts timestamptz DEFAULT NULL, min_bars int DEFAULT NULL,
	max_bars int DEFAULT NULL, min_rate float8 DEFAULT 0, max_rate float8 DEFAULT 1,
	lot float8 DEFAULT NULL) RETURNS lem_order
	AS 'MODULE_PATHNAME', 'pg_lem_order' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
	COST 10;
COMMENT ON FUNCTION lem_order(float8, text, text, text, timestamptz, int, int, float8, float8,
	float8)
	IS 'make a parent order';

-- Models: catalog

CREATE TABLE lem_model (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL,
	version int NOT NULL CHECK (version > 0),
	deployed boolean NOT NULL,
	config jsonb NOT NULL,
	parameters bigint NOT NULL,
	bytes bigint NOT NULL,
	digest bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	created_by name NOT NULL,
	training_run bigint,
	metrics jsonb,
	UNIQUE (name, version)
);
CREATE UNIQUE INDEX lem_model_deployed ON lem_model (name) WHERE deployed;
COMMENT ON TABLE lem_model IS 'models, a row a version; change it with the functions only';
COMMENT ON COLUMN lem_model.deployed IS 'the version that the name alone means';
COMMENT ON COLUMN lem_model.parameters IS 'numbers in all tensors';
COMMENT ON COLUMN lem_model.bytes IS 'bytes of the stored parts';
COMMENT ON COLUMN lem_model.digest
	IS 'SHA-256 over the text of the config and the checksums of the parts';

-- Versions are counted by name for good: the number of a dropped one never comes back.
CREATE TABLE lem_model_name (
	name text COLLATE "C" PRIMARY KEY,
	versions int NOT NULL,
	owner name NOT NULL
);
COMMENT ON TABLE lem_model_name IS 'names of models, and the last version number each has had';
COMMENT ON COLUMN lem_model_name.owner IS 'name of the role that the model belongs to';

-- Roles are kept by name, as in dumps: their numbers differ from server to server.
CREATE TABLE lem_model_right (
	model text COLLATE "C" NOT NULL,
	privilege text NOT NULL CHECK (privilege IN ('use', 'read', 'train', 'drop')),
	grantee name NOT NULL,
	grantor name NOT NULL,
	PRIMARY KEY (model, privilege, grantee)
);
COMMENT ON TABLE lem_model_right IS 'rights to models; change it with lem_grant and lem_revoke';
COMMENT ON COLUMN lem_model_right.grantee IS 'name of a role, or public: all of them';

-- No foreign key: pg_restore with more than one job loads the two tables in any order.
CREATE TABLE lem_model_part (
	model_id bigint NOT NULL,
	part int NOT NULL,
	format smallint NOT NULL,
	sha256 bytea NOT NULL,
	data bytea NOT NULL,
	PRIMARY KEY (model_id, part)
);
-- out of line and not compressed: a part is read whole, and weights do not compress
ALTER TABLE lem_model_part ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE lem_model_part IS 'weights of models in parts; change it with the functions only';
COMMENT ON COLUMN lem_model_part.part
	IS '0: what all branches share; from 1: the heads of a branch, or the shared heads';
COMMENT ON COLUMN lem_model_part.format 
	IS 'numbers, little-endian, tensor after tensor, 1: float32, 2: float16, 3: bfloat16';
COMMENT ON COLUMN lem_model_part.sha256 IS 'SHA-256 of the data, checked when they are loaded';

CREATE VIEW lem_models AS
	SELECT m.name, m.version, m.deployed, m.parameters, m.bytes, m.config, m.created_by,
		m.created_at, m.training_run, m.metrics, n.owner
	FROM lem_model AS m
	LEFT JOIN lem_model_name AS n ON n.name OPERATOR(pg_catalog.=) m.name;
COMMENT ON VIEW lem_models IS 'models, a row a version';

-- What models there are, and who may do what with them, everyone may know; not their weights.
GRANT SELECT ON lem_model, lem_model_name, lem_model_right, lem_models TO PUBLIC;
REVOKE SELECT ON lem_model_part FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_model', '');
SELECT pg_catalog.pg_extension_config_dump('lem_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lem_model_name', '');
SELECT pg_catalog.pg_extension_config_dump('lem_model_part', '');
SELECT pg_catalog.pg_extension_config_dump('lem_model_right', '');

CREATE FUNCTION lem_model_deleted() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_model_deleted' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_model_deleted() IS 'trigger function: delete the parts of a deleted model';
CREATE TRIGGER lem_model_deleted AFTER DELETE ON lem_model
	FOR EACH ROW EXECUTE FUNCTION lem_model_deleted();

CREATE FUNCTION lem_import(name text, weights bytea, config jsonb DEFAULT NULL) RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_import' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION lem_import(text, bytea, jsonb)
	IS 'store a safetensors file as a new version of a model';

CREATE FUNCTION lem_install_bundled(OUT name text, OUT version int, OUT installed boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_install_bundled' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	COST 100000 ROWS 2;
COMMENT ON FUNCTION lem_install_bundled() IS 'store the models that come with the extension';

CREATE FUNCTION lem_export(model text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_export' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION lem_export(text) IS 'a model as a safetensors file';

CREATE FUNCTION lem_deploy(name text, version int) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_deploy' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_deploy(text, int)
	IS 'make a version the one that the name alone means';

CREATE FUNCTION lem_drop(model text) RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_drop' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_drop(text)
	IS 'drop one version (name@version) or all versions (name) of a model';

CREATE FUNCTION lem_forward(model text, x float4[], min_rate float4[], max_rate float4[])
	RETURNS float4[]
	AS 'MODULE_PATHNAME', 'pg_lem_forward' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION lem_forward(text, float4[], float4[], float4[])
	IS 'the raw network: shares of all branches and cases';

CREATE FUNCTION lem_gradient(model text, x float4[], y float4[], min_rate float4[],
	max_rate float4[]) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_gradient' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION lem_gradient(text, float4[], float4[], float4[], float4[])
	IS 'the raw network: loss, and its derivatives by all weights, as a safetensors file';

-- Rights

CREATE FUNCTION lem_acts_for(role name) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_acts_for' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_acts_for(name)
	IS 'whether the current user has the rights of a role, or administers the extension';

CREATE FUNCTION lem_grant(model text, role name, privilege text) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_grant' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_grant(text, name, text) IS 'give a role a right to a model';

CREATE FUNCTION lem_revoke(model text, role name, privilege text) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_revoke' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_revoke(text, name, text) IS 'take a right to a model from a role';

CREATE FUNCTION lem_set_owner(model text, role name) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_set_owner' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_set_owner(text, name) IS 'give a model to another role';

CREATE FUNCTION lem_has_right(model text, privilege text, role name DEFAULT CURRENT_USER)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_has_right' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION lem_has_right(text, text, name) IS 'whether a role has a right to a model';

-- Models: end

-- Training

CREATE TABLE lem_training_run (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model text COLLATE "C" NOT NULL,
	status text NOT NULL
		CHECK (status IN ('running', 'finished', 'diverged', 'cancelled', 'failed')),
	started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	finished_at timestamptz,
	started_by name NOT NULL,
	query text NOT NULL,
	data_digest bytea NOT NULL,
	init_digest bytea,
	series int NOT NULL,
	bars bigint NOT NULL,
	train_starts bigint NOT NULL,
	validation_starts bigint NOT NULL,
	config jsonb NOT NULL,
	options jsonb NOT NULL,
	seed bigint NOT NULL,
	lem_version text NOT NULL,
	kernels text NOT NULL,
	workers int,
	epochs int NOT NULL DEFAULT 0,
	step bigint NOT NULL DEFAULT 0,
	rate_scale float8 NOT NULL,
	best_epoch int NOT NULL DEFAULT 0,
	best_loss float8,
	stale int NOT NULL DEFAULT 0,
	decay_stale int NOT NULL DEFAULT 0,
	error text,
	model_version int
);
CREATE INDEX lem_training_run_model ON lem_training_run (model, id);
COMMENT ON TABLE lem_training_run
	IS 'trainings, a row a run, with all that repeats it; delete a row to forget a run';
COMMENT ON COLUMN lem_training_run.model IS 'name of the model; its versions may be gone';
COMMENT ON COLUMN lem_training_run.query IS 'the query for the bars';
COMMENT ON COLUMN lem_training_run.data_digest
	IS 'SHA-256 over the series'' names and their bars in time order';
COMMENT ON COLUMN lem_training_run.init_digest
	IS 'digest of the model that the options'' init_from names';
COMMENT ON COLUMN lem_training_run.train_starts IS 'starts of orders to learn from';
COMMENT ON COLUMN lem_training_run.validation_starts IS 'starts of orders to judge by';
COMMENT ON COLUMN lem_training_run.kernels IS 'the instruction set that it was computed with';
COMMENT ON COLUMN lem_training_run.workers IS 'processes that computed it';
COMMENT ON COLUMN lem_training_run.epochs IS 'epochs completed';
COMMENT ON COLUMN lem_training_run.step IS 'steps of the optimiser taken';
COMMENT ON COLUMN lem_training_run.rate_scale IS 'of the learning rate, by decays so far';
COMMENT ON COLUMN lem_training_run.best_epoch IS 'epoch with the least validation loss; 0: none yet';
COMMENT ON COLUMN lem_training_run.stale IS 'epochs since the best one';
COMMENT ON COLUMN lem_training_run.decay_stale IS 'epochs since the best one or the last decay';
COMMENT ON COLUMN lem_training_run.model_version IS 'the version that the run ended with';

-- No foreign keys: pg_restore with more than one job loads the tables in any order.
CREATE TABLE lem_training_epoch (
	run bigint NOT NULL,
	epoch int NOT NULL,
	finished_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	train_loss float8,
	validation_loss float8,
	rate float8 NOT NULL,
	samples bigint NOT NULL,
	train_seconds float8 NOT NULL,
	seconds float8 NOT NULL,
	metrics jsonb NOT NULL,
	PRIMARY KEY (run, epoch)
);
COMMENT ON TABLE lem_training_epoch IS 'epochs of trainings, a row an epoch';
COMMENT ON COLUMN lem_training_epoch.rate IS 'learning rate of the last step';
COMMENT ON COLUMN lem_training_epoch.samples IS 'samples learnt from';
COMMENT ON COLUMN lem_training_epoch.train_seconds IS 'time that took';
COMMENT ON COLUMN lem_training_epoch.seconds IS 'time with validation';
COMMENT ON COLUMN lem_training_epoch.metrics
	IS 'of validation: mean and dispersion of gains by branch, in basis points';

CREATE TABLE lem_training_state (
	run bigint NOT NULL,
	kind text COLLATE "C" NOT NULL,
	part int NOT NULL,
	sha256 bytea NOT NULL,
	data bytea NOT NULL,
	PRIMARY KEY (run, kind, part)
);
ALTER TABLE lem_training_state ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE lem_training_state
	IS 'what unfinished trainings resume from; change it with the procedure only';
COMMENT ON COLUMN lem_training_state.kind
	IS 'weights, adam_m and adam_v after the last epoch; best: weights after the best one';

-- A run whose session is gone is said to be interrupted: each holds a lock on its id.
CREATE VIEW lem_training_runs AS
	SELECT r.id AS run, r.model,
		CASE WHEN r.status OPERATOR(pg_catalog.=) 'running' AND NOT l.alive THEN 'interrupted'
			ELSE r.status END AS status,
		r.started_at, r.updated_at, r.finished_at, r.started_by, r.epochs,
		(r.options OPERATOR(pg_catalog.->>) 'epochs')::int AS max_epochs, r.best_epoch, r.best_loss,
		e.train_loss, e.validation_loss, e.samples_per_s,
		CASE WHEN r.status OPERATOR(pg_catalog.=) 'running' AND l.alive AND e.seconds IS NOT NULL
			THEN pg_catalog.make_interval(secs => GREATEST(0, e.seconds
				OPERATOR(pg_catalog.*) ((r.options OPERATOR(pg_catalog.->>) 'epochs')::int
					OPERATOR(pg_catalog.-) r.epochs)
				OPERATOR(pg_catalog.-) EXTRACT(epoch FROM pg_catalog.clock_timestamp()
					OPERATOR(pg_catalog.-) r.updated_at)::float8)) END AS eta,
		r.workers, r.series, r.bars, r.train_starts, r.validation_starts,
		CASE WHEN lem_acts_for(r.started_by) THEN r.query END AS query, r.data_digest,
		r.config, r.options, r.seed, r.lem_version, r.kernels, r.model_version, r.error
	FROM lem_training_run AS r
	CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_catalog.pg_locks AS k
		WHERE k.locktype OPERATOR(pg_catalog.=) 'object'
		AND k.database OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_database
			WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
		AND k.classid OPERATOR(pg_catalog.=) 'lem_training_run'::pg_catalog.regclass::oid
		AND k.objid OPERATOR(pg_catalog.=) (r.id OPERATOR(pg_catalog.%) 4294967296)::oid
		AND k.objsubid OPERATOR(pg_catalog.=) 2) AS alive) AS l
	LEFT JOIN LATERAL (SELECT pg_catalog.avg(e.seconds) AS seconds,
			pg_catalog.sum(e.samples) OPERATOR(pg_catalog./)
				NULLIF(pg_catalog.sum(e.train_seconds), 0) AS samples_per_s,
			(pg_catalog.array_agg(e.train_loss ORDER BY e.epoch DESC))[1] AS train_loss,
			(pg_catalog.array_agg(e.validation_loss ORDER BY e.epoch DESC))[1] AS validation_loss
		FROM lem_training_epoch AS e WHERE e.run OPERATOR(pg_catalog.=) r.id) AS e ON true;
COMMENT ON VIEW lem_training_runs IS 'trainings, a row a run, also while they run';
COMMENT ON COLUMN lem_training_runs.status
	IS 'running, finished, diverged, cancelled, failed, or interrupted where the session is gone';
COMMENT ON COLUMN lem_training_runs.eta IS 'time left, if no epoch is saved by stopping early';

CREATE VIEW lem_training_epochs AS
	SELECT e.run, r.model, e.epoch, e.finished_at, e.train_loss, e.validation_loss,
		e.epoch OPERATOR(pg_catalog.=) r.best_epoch AS best, e.rate, e.samples,
		e.samples OPERATOR(pg_catalog./) NULLIF(e.train_seconds, 0) AS samples_per_s, e.seconds,
		e.metrics
	FROM lem_training_epoch AS e JOIN lem_training_run AS r ON r.id OPERATOR(pg_catalog.=) e.run;
COMMENT ON VIEW lem_training_epochs IS 'epochs of trainings, a row an epoch';

GRANT SELECT ON lem_training_runs, lem_training_epochs TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_training_run', '');
SELECT pg_catalog.pg_extension_config_dump('lem_training_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lem_training_epoch', '');
SELECT pg_catalog.pg_extension_config_dump('lem_training_state', '');

CREATE FUNCTION lem_training_run_deleted() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_training_run_deleted' LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION lem_training_run_deleted()
	IS 'trigger function: delete the epochs and the state of a deleted training';
CREATE TRIGGER lem_training_run_deleted AFTER DELETE ON lem_training_run
	FOR EACH ROW EXECUTE FUNCTION lem_training_run_deleted();

CREATE PROCEDURE lem_train(model text, bars text, config jsonb DEFAULT '{}',
	options jsonb DEFAULT '{}')
	AS 'MODULE_PATHNAME', 'pg_lem_train' LANGUAGE C;
COMMENT ON PROCEDURE lem_train(text, text, jsonb, jsonb)
	IS 'train a model on the bars of a query, and store it as a new version';

-- Training: end

-- Monitoring

CREATE FUNCTION lem_version() RETURNS text
	AS 'MODULE_PATHNAME', 'pg_lem_version' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_version() IS 'version of the library that is loaded';

CREATE FUNCTION lem_build_info(OUT name text, OUT value text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_build_info' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100
	ROWS 12;
COMMENT ON FUNCTION lem_build_info() IS 'what the library was built with and runs on';

CREATE FUNCTION lem_stat_models(OUT model text, OUT version int, OUT calls bigint,
	OUT orders bigint, OUT batches bigint, OUT total_ms float8, OUT max_ms float8,
	OUT cache_hits bigint, OUT cache_misses bigint, OUT loaded_bytes bigint,
	OUT last_call timestamptz, OUT since timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_stat_models' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	COST 100 ROWS 20;
COMMENT ON FUNCTION lem_stat_models() IS 'what the view lem_stat shows';

CREATE FUNCTION lem_stat_backends(OUT pid int, OUT calls bigint, OUT orders bigint,
	OUT batches bigint, OUT total_ms float8, OUT cache_hits bigint, OUT cache_misses bigint,
	OUT loaded_bytes bigint, OUT cached_models bigint, OUT cached_bytes bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_stat_backends' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	COST 100 ROWS 20;
COMMENT ON FUNCTION lem_stat_backends() IS 'what the view lem_stat_backend shows';

CREATE VIEW lem_stat AS
	SELECT model, version, calls, orders, batches, total_ms, max_ms, cache_hits, cache_misses,
		loaded_bytes, last_call, since
	FROM lem_stat_models();
COMMENT ON VIEW lem_stat IS 'what was done with models, a row a version';

CREATE VIEW lem_stat_backend AS
	SELECT pid, calls, orders, batches, total_ms, cache_hits, cache_misses, loaded_bytes,
		cached_models, cached_bytes
	FROM lem_stat_backends();
COMMENT ON VIEW lem_stat_backend IS 'what backends did with models and keep of them, a row a backend';

CREATE FUNCTION lem_stat_shared_parts(OUT digest bytea, OUT part int, OUT bytes bigint,
	OUT pins int) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_stat_shared_parts' LANGUAGE C VOLATILE STRICT
	PARALLEL RESTRICTED COST 100 ROWS 20;
COMMENT ON FUNCTION lem_stat_shared_parts() IS 'what the view lem_stat_shared sums up';

CREATE VIEW lem_stat_shared AS
	SELECT m.name AS model, m.version, pg_catalog.count(*) AS parts,
		pg_catalog.sum(s.bytes)::bigint AS bytes, pg_catalog.max(s.pins) AS pins
	FROM lem_stat_shared_parts() AS s
		JOIN lem_model AS m ON m.digest OPERATOR(pg_catalog.=) s.digest
	GROUP BY m.name, m.version;
COMMENT ON VIEW lem_stat_shared IS 'models in shared memory, a row a version';

GRANT SELECT ON lem_stat, lem_stat_backend, lem_stat_shared TO PUBLIC;

CREATE FUNCTION lem_stat_reset() RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_stat_reset' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	COST 100;
COMMENT ON FUNCTION lem_stat_reset() IS 'forget what lem_stat and lem_stat_backend have counted';
REVOKE EXECUTE ON FUNCTION lem_stat_reset() FROM PUBLIC;

-- Monitoring: end

-- Bars

CREATE FUNCTION lem_bars_count(bars lem_bars) RETURNS bigint
	AS 'MODULE_PATHNAME', 'pg_lem_bars_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bars_count(lem_bars) IS 'number of bars';

CREATE FUNCTION lem_unnest(bars lem_bars, OUT ts timestamptz, OUT price float8, OUT volume float8,
	OUT features float8[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	ROWS 1000;
COMMENT ON FUNCTION lem_unnest(lem_bars) IS 'bars as rows, in time order';

CREATE FUNCTION lem_bars_accum(internal, timestamptz, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bars_accum(internal, timestamptz, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_bars_accum(internal, timestamptz, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bars_accum(internal, timestamptz, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION lem_bars_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_bars_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_bars_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_bars_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_bars_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_bars_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_bars_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_bars_final(internal) RETURNS lem_bars
	AS 'MODULE_PATHNAME', 'pg_lem_bars_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION lem_bars_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_bars(ts timestamptz, price float8, volume float8) (
	SFUNC = lem_bars_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_bars_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_bars_combine,
	SERIALFUNC = lem_bars_serialize,
	DESERIALFUNC = lem_bars_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bars(timestamptz, float8, float8)
	IS 'bars as one value, in any order of input';

CREATE AGGREGATE lem_bars(ts timestamptz, price float8, volume float8, features float8[]) (
	SFUNC = lem_bars_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_bars_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_bars_combine,
	SERIALFUNC = lem_bars_serialize,
	DESERIALFUNC = lem_bars_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bars(timestamptz, float8, float8, float8[])
	IS 'bars with extra features as one value, in any order of input';

CREATE FUNCTION lem_bar_accum(internal, timestamptz, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bar_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bar_accum(internal, timestamptz, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_bar_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bar_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bar_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_bar_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_bar_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bar_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_bar_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bar_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bar_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_bar_final(internal) RETURNS lem_trade_bar
	AS 'MODULE_PATHNAME', 'pg_lem_bar_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_bar_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_bar(ts timestamptz, price float8, quantity float8) (
	SFUNC = lem_bar_accum,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = lem_bar_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_bar_combine,
	SERIALFUNC = lem_bar_serialize,
	DESERIALFUNC = lem_bar_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bar(timestamptz, float8, float8)
	IS 'one bar made of trades, in any order of input';

-- Scheduling

-- One unit of COST is about 20 ns, that of a simple operator.  A schedule takes from 0.1 ms by a small
-- model to 15 ms by one of the paper's size, a backtest from 5 ms for a month of bars to seconds for
-- years: the costs are those of ordinary cases.
CREATE FUNCTION lem_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_support(internal) IS 'planner support function';

CREATE FUNCTION lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8, float8[])
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8[])
	IS 'aggregate transition function';
CREATE FUNCTION lem_schedule_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_schedule_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_schedule_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_schedule_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_schedule_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_schedule_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_schedule_final(internal) RETURNS lem_slice[]
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_final' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 20000;
COMMENT ON FUNCTION lem_schedule_final(internal) IS 'aggregate final function';
CREATE FUNCTION lem_next_slice_final(internal) RETURNS lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_next_slice_final' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 20000;
COMMENT ON FUNCTION lem_next_slice_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_schedule(model text, ord lem_order, ts timestamptz, price float8,
	volume float8) (
	SFUNC = lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_schedule_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_schedule_combine,
	SERIALFUNC = lem_schedule_serialize,
	DESERIALFUNC = lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_schedule(text, lem_order, timestamptz, float8, float8)
	IS 'schedule of an order over bars';

CREATE AGGREGATE lem_schedule(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, features float8[]) (
	SFUNC = lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_schedule_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_schedule_combine,
	SERIALFUNC = lem_schedule_serialize,
	DESERIALFUNC = lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_schedule(text, lem_order, timestamptz, float8, float8, float8[])
	IS 'schedule of an order over bars with extra features';

CREATE AGGREGATE lem_next_slice(model text, ord lem_order, ts timestamptz, price float8,
	volume float8) (
	SFUNC = lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_next_slice_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_schedule_combine,
	SERIALFUNC = lem_schedule_serialize,
	DESERIALFUNC = lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_next_slice(text, lem_order, timestamptz, float8, float8)
	IS 'the slice of an order to trade now over bars';

CREATE AGGREGATE lem_next_slice(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, features float8[]) (
	SFUNC = lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_next_slice_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_schedule_combine,
	SERIALFUNC = lem_schedule_serialize,
	DESERIALFUNC = lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_next_slice(text, lem_order, timestamptz, float8, float8, float8[])
	IS 'the slice of an order to trade now over bars with extra features';

CREATE FUNCTION lem_schedule(model text, ord lem_order, bars lem_bars) RETURNS SETOF lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_schedule' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 20000 ROWS 12 SUPPORT lem_support;
COMMENT ON FUNCTION lem_schedule(text, lem_order, lem_bars) IS 'schedule of an order over bars';

CREATE FUNCTION lem_schedule_batch(model text, ids bigint[], ords lem_order[], bars lem_bars[],
	OUT id bigint, OUT step int, OUT ts timestamptz, OUT allocation float8, OUT cumulative float8,
	OUT quantity float8, OUT state text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_batch' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1200 SUPPORT lem_support;
COMMENT ON FUNCTION lem_schedule_batch(text, bigint[], lem_order[], lem_bars[])
	IS 'schedules of many orders, each over its own bars, in one pass';

CREATE FUNCTION lem_explain(model text, ord lem_order, bars lem_bars, OUT kind text, OUT step int,
	OUT ts timestamptz, OUT input text, OUT head int, OUT value float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_explain' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 200000 ROWS 1000 SUPPORT lem_support;
COMMENT ON FUNCTION lem_explain(text, lem_order, lem_bars)
	IS 'what a model looked at for the next slice of an order';

-- Judging: benchmarks

CREATE FUNCTION lem_vwap_accum(internal, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_vwap_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_vwap_accum(internal, float8, float8) IS 'aggregate transition function';
CREATE FUNCTION lem_vwap_remove(internal, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_vwap_remove' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_vwap_remove(internal, float8, float8)
	IS 'aggregate inverse transition function';
CREATE FUNCTION lem_vwap_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_vwap_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_vwap_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_vwap_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_vwap_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_vwap_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_vwap_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_vwap_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_vwap_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_vwap_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'pg_lem_vwap_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_vwap_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_vwap(price float8, volume float8) (
	SFUNC = lem_vwap_accum,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = lem_vwap_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_vwap_combine,
	SERIALFUNC = lem_vwap_serialize,
	DESERIALFUNC = lem_vwap_deserialize,
	MSFUNC = lem_vwap_accum,
	MINVFUNC = lem_vwap_remove,
	MSTYPE = internal,
	MSSPACE = 128,
	MFINALFUNC = lem_vwap_final,
	MFINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_vwap(float8, float8)
	IS 'volume-weighted average price';

CREATE FUNCTION lem_twap_accum(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_twap_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_twap_accum(internal, float8) IS 'aggregate transition function';
CREATE FUNCTION lem_twap_remove(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_twap_remove' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_twap_remove(internal, float8)
	IS 'aggregate inverse transition function';

CREATE AGGREGATE lem_twap(price float8) (
	SFUNC = lem_twap_accum,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = lem_vwap_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_vwap_combine,
	SERIALFUNC = lem_vwap_serialize,
	DESERIALFUNC = lem_vwap_deserialize,
	MSFUNC = lem_twap_accum,
	MINVFUNC = lem_twap_remove,
	MSTYPE = internal,
	MSSPACE = 128,
	MFINALFUNC = lem_vwap_final,
	MFINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_twap(float8)
	IS 'average price of bars, each counting the same';

CREATE FUNCTION lem_twap_step_accum(internal, timestamptz, float8, timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_twap_step_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_twap_step_accum(internal, timestamptz, float8, timestamptz)
	IS 'aggregate transition function';
CREATE FUNCTION lem_twap_step_remove(internal, timestamptz, float8, timestamptz)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_twap_step_remove' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_twap_step_remove(internal, timestamptz, float8, timestamptz)
	IS 'aggregate inverse transition function';
CREATE FUNCTION lem_twap_step_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_twap_step_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_twap_step_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_twap_step_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_twap_step_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_twap_step_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_twap_step_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_twap_step_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_twap_step_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_twap_step_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'pg_lem_twap_step_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_twap_step_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_twap(ts timestamptz, price float8, until timestamptz) (
	SFUNC = lem_twap_step_accum,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = lem_twap_step_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_twap_step_combine,
	SERIALFUNC = lem_twap_step_serialize,
	DESERIALFUNC = lem_twap_step_deserialize,
	MSFUNC = lem_twap_step_accum,
	MINVFUNC = lem_twap_step_remove,
	MSTYPE = internal,
	MSSPACE = 16384,
	MFINALFUNC = lem_twap_step_final,
	MFINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_twap(timestamptz, float8, timestamptz)
	IS 'time-weighted average of a price that holds from each row to the next';

CREATE FUNCTION lem_slippage_bps(side text, achieved float8, benchmark float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'pg_lem_slippage_bps' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_slippage_bps(text, float8, float8)
	IS 'basis points by which a price is worse than a benchmark, for either side';

-- Judging: benchmarks: end

-- Backtests

CREATE FUNCTION lem_baseline(kind text, ord lem_order, bars lem_bars) RETURNS SETOF lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_baseline' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000 ROWS 12 SUPPORT lem_support;
COMMENT ON FUNCTION lem_baseline(text, lem_order, lem_bars)
	IS 'schedule of an order by a simple rule, to compare models with';
CREATE FUNCTION lem_baseline(kind text, ord lem_order, bars lem_bars, options jsonb)
	RETURNS SETOF lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_baseline' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000 ROWS 12 SUPPORT lem_support;
COMMENT ON FUNCTION lem_baseline(text, lem_order, lem_bars, jsonb)
	IS 'schedule of an order by a simple rule with options';

CREATE FUNCTION lem_backtest_orders(model text, ord lem_order, bars lem_bars,
	every int DEFAULT 1, alignment text DEFAULT 'causal', options jsonb DEFAULT NULL,
	OUT ts timestamptz, OUT achieved float8, OUT benchmark float8, OUT bps float8,
	OUT bars_used int, OUT allocation float8[], OUT cost_bps float8, OUT completion float8,
	OUT alignment text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_orders' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1000 SUPPORT lem_support;
COMMENT ON FUNCTION lem_backtest_orders(text, lem_order, lem_bars, int, text, jsonb)
	IS 'what an order would have come to, a row a start';

CREATE TYPE lem_backtest_figures AS (
	name text,
	mean_bps float8,
	std_bps float8,
	median_bps float8,
	p5_bps float8,
	p25_bps float8,
	p75_bps float8,
	p95_bps float8,
	ratio float8,
	win_rate float8,
	bars_used float8,
	completion float8,
	cost_bps float8,
	t float8,
	ci_low float8,
	ci_high float8,
	difference_bps float8,
	difference_std float8,
	difference_t float8,
	difference_low float8,
	difference_high float8
);
COMMENT ON TYPE lem_backtest_figures
	IS 'what a baseline came to in a backtest, and how far the model is ahead of it';

CREATE TYPE lem_backtest_result AS (
	model text,
	alignment text,
	orders bigint,
	skipped bigint,
	first_ts timestamptz,
	last_ts timestamptz,
	mean_bps float8,
	std_bps float8,
	median_bps float8,
	p5_bps float8,
	p25_bps float8,
	p75_bps float8,
	p95_bps float8,
	ratio float8,
	win_rate float8,
	bars_used float8,
	completion float8,
	cost_bps float8,
	t float8,
	ci_low float8,
	ci_high float8,
	baselines lem_backtest_figures[]
);
COMMENT ON TYPE lem_backtest_result IS 'what a backtest came to';

CREATE FUNCTION lem_backtest(model text, ord lem_order, bars lem_bars, options jsonb DEFAULT NULL)
	RETURNS lem_backtest_result
	AS 'MODULE_PATHNAME', 'pg_lem_backtest' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION lem_backtest(text, lem_order, lem_bars, jsonb)
	IS 'what an order would have come to, over all starts';

CREATE FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8,
	float8)
	IS 'aggregate transition function';

CREATE FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8, jsonb)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_accum_options' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8,
	float8, jsonb)
	IS 'aggregate transition function';

CREATE FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8[], jsonb)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_accum_features' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8,
	float8, float8[], jsonb)
	IS 'aggregate transition function';
CREATE FUNCTION lem_backtest_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_backtest_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_backtest_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_backtest_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_backtest_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_backtest_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_backtest_final(internal) RETURNS lem_backtest_result
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_final' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION lem_backtest_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_backtest(model text, ord lem_order, ts timestamptz, price float8,
	volume float8) (
	SFUNC = lem_backtest_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_backtest_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_backtest_combine,
	SERIALFUNC = lem_backtest_serialize,
	DESERIALFUNC = lem_backtest_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_backtest(text, lem_order, timestamptz, float8, float8)
	IS 'what an order would have come to, over all starts in bars';

CREATE AGGREGATE lem_backtest(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, options jsonb) (
	SFUNC = lem_backtest_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_backtest_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_backtest_combine,
	SERIALFUNC = lem_backtest_serialize,
	DESERIALFUNC = lem_backtest_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_backtest(text, lem_order, timestamptz, float8, float8, jsonb)
	IS 'what an order would have come to, over all starts in bars, with options';

CREATE AGGREGATE lem_backtest(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, features float8[], options jsonb) (
	SFUNC = lem_backtest_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_backtest_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_backtest_combine,
	SERIALFUNC = lem_backtest_serialize,
	DESERIALFUNC = lem_backtest_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_backtest(text, lem_order, timestamptz, float8, float8, float8[],
	jsonb)
	IS 'what an order would have come to, over all starts in bars, with features and options';

CREATE TYPE lem_mean_interval AS (
	n bigint,
	mean float8,
	std float8,
	t float8,
	ci_low float8,
	ci_high float8
);
COMMENT ON TYPE lem_mean_interval IS 'a mean of gains of orders that overlap, and its interval';

CREATE FUNCTION lem_mean_interval_accum(internal, float8, timestamptz, interval) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_mean_interval_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_mean_interval_accum(internal, float8, timestamptz, interval)
	IS 'aggregate transition function';
CREATE FUNCTION lem_mean_interval_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_mean_interval_combine' LANGUAGE C IMMUTABLE
	CALLED ON NULL INPUT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_mean_interval_combine(internal, internal)
	IS 'aggregate combine function';
CREATE FUNCTION lem_mean_interval_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_mean_interval_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_mean_interval_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_mean_interval_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_mean_interval_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_mean_interval_deserialize(bytea, internal)
	IS 'aggregate deserial function';
CREATE FUNCTION lem_mean_interval_final(internal) RETURNS lem_mean_interval
	AS 'MODULE_PATHNAME', 'pg_lem_mean_interval_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION lem_mean_interval_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_mean_interval(x float8, ts timestamptz, horizon interval) (
	SFUNC = lem_mean_interval_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_mean_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_mean_interval_combine,
	SERIALFUNC = lem_mean_interval_serialize,
	DESERIALFUNC = lem_mean_interval_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_mean_interval(float8, timestamptz, interval)
	IS 'mean of gains of orders that overlap, of one series or several, and its interval';

-- Backtests: end
-- Working orders

CREATE TABLE lem_parent_order (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	series text NOT NULL,
	model text COLLATE "C" NOT NULL,
	ord lem_order NOT NULL,
	state text NOT NULL DEFAULT 'active'
		CHECK (state IN ('active', 'finished', 'expired', 'cancelled', 'failed')),
	owner name NOT NULL,
	submitted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	expires_at timestamptz,
	ended_at timestamptz,
	reason text,
	model_version int,
	start_ts timestamptz,
	since_ts timestamptz,
	seen_ts timestamptz,
	bars lem_bars
);
CREATE INDEX lem_parent_order_active ON lem_parent_order (id) WHERE state = 'active';
COMMENT ON TABLE lem_parent_order
	IS 'orders that lem_work works; change it with the functions only';
COMMENT ON COLUMN lem_parent_order.series IS 'the bars'' series, as the query for them names it';
COMMENT ON COLUMN lem_parent_order.owner IS 'name of the role that submitted it';
COMMENT ON COLUMN lem_parent_order.reason IS 'why it ended, or why its next slice is not decided';
COMMENT ON COLUMN lem_parent_order.model_version
	IS 'version of the model that decides it, fixed with the first slice';
COMMENT ON COLUMN lem_parent_order.start_ts
	IS 'bars from here on are the order''s, fixed with the first slice';
COMMENT ON COLUMN lem_parent_order.since_ts IS 'bars before are not needed';
COMMENT ON COLUMN lem_parent_order.seen_ts IS 'the last bar when it was last looked at';
COMMENT ON COLUMN lem_parent_order.bars
	IS 'bars that its slices traded in, as they were when they were first seen';

-- No foreign key: pg_restore with more than one job loads the tables in any order.
CREATE TABLE lem_child_slice (
	order_id bigint NOT NULL,
	step int NOT NULL CHECK (step > 0),
	ts timestamptz NOT NULL,
	allocation float8 NOT NULL,
	cumulative float8 NOT NULL,
	quantity float8 NOT NULL,
	late boolean NOT NULL,
	decided_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	decided_by name NOT NULL,
	model_version int NOT NULL,
	inputs bytea NOT NULL,
	bar_ts timestamptz,
	PRIMARY KEY (order_id, step)
);
COMMENT ON TABLE lem_child_slice
	IS 'slices that were decided, a row a slice, for good; change it with the functions only';
COMMENT ON COLUMN lem_child_slice.ts IS 'start of the bar that it is to trade in, as expected';
COMMENT ON COLUMN lem_child_slice.late IS 'decided after its bar had completed';
COMMENT ON COLUMN lem_child_slice.inputs
	IS 'SHA-256 over all that it was decided by: model, order, bars, slices before';
COMMENT ON COLUMN lem_child_slice.bar_ts IS 'the bar it traded in; NULL until that has completed';

CREATE TABLE lem_fill (
	order_id bigint NOT NULL,
	step int NOT NULL,
	ts timestamptz NOT NULL,
	price float8 NOT NULL,
	quantity float8 NOT NULL,
	filled_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	PRIMARY KEY (order_id, step)
);
COMMENT ON TABLE lem_fill IS 'slices that were traded on paper; change it with the function only';
COMMENT ON COLUMN lem_fill.quantity IS 'what was traded, for orders in notional as well';

-- Everyone sees the orders of the roles whose rights he has.
ALTER TABLE lem_parent_order ENABLE ROW LEVEL SECURITY;
ALTER TABLE lem_child_slice ENABLE ROW LEVEL SECURITY;
ALTER TABLE lem_fill ENABLE ROW LEVEL SECURITY;
CREATE POLICY lem_parent_order_owner ON lem_parent_order USING (lem_acts_for(owner));
CREATE POLICY lem_child_slice_owner ON lem_child_slice
	USING (EXISTS (SELECT FROM lem_parent_order AS o WHERE o.id = order_id));
CREATE POLICY lem_fill_owner ON lem_fill
	USING (EXISTS (SELECT FROM lem_parent_order AS o WHERE o.id = order_id));

-- The views read the tables as their owner, whom no policy holds, and so ask again.
CREATE VIEW lem_slices WITH (security_barrier) AS
	SELECT c.order_id, c.step, o.series, (o.ord).side, (o.ord).unit, c.ts, c.allocation,
		c.cumulative, c.quantity,
		CASE WHEN c.bar_ts IS NOT NULL THEN 'done' WHEN o.state = 'active' THEN 'next'
			ELSE 'ended' END AS state,
		c.late, c.decided_at, c.decided_by, c.model_version, c.inputs, c.bar_ts,
		b.price AS bar_price, b.volume AS bar_volume, f.ts AS fill_ts, f.price AS fill_price,
		f.quantity AS filled, o.owner
	FROM lem_child_slice AS c
	JOIN lem_parent_order AS o ON o.id = c.order_id
	LEFT JOIN LATERAL lem_unnest(o.bars) AS b ON b.ts = c.bar_ts
	LEFT JOIN lem_fill AS f ON f.order_id = c.order_id AND f.step = c.step
	WHERE lem_acts_for(o.owner);
COMMENT ON VIEW lem_slices IS 'slices of working orders, a row a slice';

CREATE VIEW lem_orders WITH (security_barrier) AS
	SELECT o.id, o.series, o.model, o.model_version, o.state, (o.ord).size, (o.ord).side,
		(o.ord).benchmark, (o.ord).unit, (o.ord).start_ts, (o.ord).min_bars, (o.ord).max_bars,
		(o.ord).min_rate, (o.ord).max_rate, (o.ord).lot, o.submitted_at, o.expires_at, o.ended_at,
		o.reason, c.slices, c.allocated, c.quantity, c.last_ts, f.filled, f.fill_price, o.owner,
		lem_order((o.ord).size, (o.ord).side, (o.ord).benchmark, (o.ord).unit,
			COALESCE((o.ord).start_ts, o.start_ts), (o.ord).min_bars, (o.ord).max_bars,
			(o.ord).min_rate, (o.ord).max_rate, (o.ord).lot) AS ord
	FROM lem_parent_order AS o
	CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS slices,
			COALESCE(pg_catalog.max(c.cumulative), 0) AS allocated,
			COALESCE(pg_catalog.sum(c.quantity), 0) AS quantity, pg_catalog.max(c.ts) AS last_ts
		FROM lem_child_slice AS c WHERE c.order_id = o.id) AS c
	CROSS JOIN LATERAL (SELECT pg_catalog.sum(f.quantity) AS filled,
			pg_catalog.sum(f.price * f.quantity) / NULLIF(pg_catalog.sum(f.quantity), 0)
				AS fill_price
		FROM lem_fill AS f WHERE f.order_id = o.id) AS f
	WHERE lem_acts_for(o.owner);
COMMENT ON VIEW lem_orders IS 'working orders, a row an order';
COMMENT ON COLUMN lem_orders.slices IS 'slices decided so far';
COMMENT ON COLUMN lem_orders.allocated IS 'share of the order that they have';
COMMENT ON COLUMN lem_orders.last_ts IS 'bar of the last of them';
COMMENT ON COLUMN lem_orders.ord IS 'the order with its start, for lem_tca';

GRANT SELECT ON lem_parent_order, lem_child_slice, lem_fill, lem_orders, lem_slices TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_parent_order', '');
SELECT pg_catalog.pg_extension_config_dump('lem_parent_order_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lem_child_slice', '');
SELECT pg_catalog.pg_extension_config_dump('lem_fill', '');

CREATE FUNCTION lem_parent_order_deleted() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_parent_order_deleted' LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION lem_parent_order_deleted()
	IS 'trigger function: delete the slices and fills of a deleted order';
CREATE TRIGGER lem_parent_order_deleted AFTER DELETE ON lem_parent_order
	FOR EACH ROW EXECUTE FUNCTION lem_parent_order_deleted();

CREATE FUNCTION lem_submit_order(series text, model text, ord lem_order,
	expires_at timestamptz DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'pg_lem_submit_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_submit_order(text, text, lem_order, timestamptz)
	IS 'hand over an order for lem_work to work';

CREATE FUNCTION lem_cancel_order(id bigint, reason text DEFAULT NULL) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_cancel_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_cancel_order(bigint, text)
	IS 'stop working an order; false if it had ended before';

CREATE FUNCTION lem_resume_order(id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_resume_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_resume_order(bigint)
	IS 'work an order on that has failed; false if it has not';

CREATE PROCEDURE lem_work(bars text, as_of timestamptz DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'pg_lem_work' LANGUAGE C;
COMMENT ON PROCEDURE lem_work(text, timestamptz)
	IS 'decide the next slice of every active order whose bar has completed, by the bars of a query';

CREATE FUNCTION lem_paper_fill(order_id bigint DEFAULT NULL, impact float8 DEFAULT 0)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'pg_lem_paper_fill' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION lem_paper_fill(bigint, float8)
	IS 'trade slices on paper, at the prices of their bars; the number of new fills';

-- Working orders: end

-- Judging: transaction cost analysis

CREATE TYPE lem_fills;

CREATE FUNCTION lem_fills_in(cstring) RETURNS lem_fills
	AS 'MODULE_PATHNAME', 'pg_lem_fills_in' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION lem_fills_out(lem_fills) RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_lem_fills_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION lem_fills_recv(internal) RETURNS lem_fills
	AS 'MODULE_PATHNAME', 'pg_lem_fills_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_fills_send(lem_fills) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_fills_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE TYPE lem_fills (
	INPUT = lem_fills_in,
	OUTPUT = lem_fills_out,
	RECEIVE = lem_fills_recv,
	SEND = lem_fills_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE lem_fills IS 'an order with its fills in time order: ts, price, quantity';
COMMENT ON FUNCTION lem_fills_in(cstring) IS 'I/O';
COMMENT ON FUNCTION lem_fills_out(lem_fills) IS 'I/O';
COMMENT ON FUNCTION lem_fills_recv(internal) IS 'I/O';
COMMENT ON FUNCTION lem_fills_send(lem_fills) IS 'I/O';

CREATE FUNCTION lem_fills_unnest(fills lem_fills, OUT ts timestamptz, OUT price float8,
	OUT quantity float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_fills_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	ROWS 100;
COMMENT ON FUNCTION lem_fills_unnest(lem_fills) IS 'fills as rows, in time order';

CREATE TYPE lem_tca_report AS (
	side text,
	unit text,
	benchmark text,
	size float8,
	start_ts timestamptz,
	first_fill timestamptz,
	last_fill timestamptz,
	duration interval,
	bars bigint,
	fills bigint,
	quantity float8,
	notional float8,
	unfilled float8,
	fill_rate float8,
	market_volume float8,
	participation_rate float8,
	achieved_price float8,
	arrival_price float8,
	vwap float8,
	twap float8,
	day_vwap float8,
	open float8,
	close float8,
	best float8,
	worst float8,
	begin_price float8,
	end_price float8,
	arrival_bps float8,
	vwap_bps float8,
	twap_bps float8,
	day_vwap_bps float8,
	open_bps float8,
	close_bps float8,
	best_bps float8,
	worst_bps float8,
	arrival_cost float8,
	vwap_cost float8,
	twap_cost float8,
	day_vwap_cost float8,
	open_cost float8,
	close_cost float8,
	best_cost float8,
	worst_cost float8,
	delay_cost float8,
	trading_cost float8,
	opportunity_cost float8,
	shortfall float8,
	delay_bps float8,
	trading_bps float8,
	opportunity_bps float8,
	shortfall_bps float8,
	pa_bps float8,
	markouts float8[]
);
COMMENT ON TYPE lem_tca_report IS 'what the fills of an order cost against the market';

CREATE TYPE lem_tca_summary AS (
	weight text,
	orders bigint,
	filled_orders bigint,
	fills bigint,
	quantity float8,
	notional float8,
	unfilled float8,
	fill_rate float8,
	market_volume float8,
	participation_rate float8,
	duration interval,
	arrival_bps float8,
	vwap_bps float8,
	twap_bps float8,
	day_vwap_bps float8,
	open_bps float8,
	close_bps float8,
	best_bps float8,
	worst_bps float8,
	arrival_cost float8,
	vwap_cost float8,
	twap_cost float8,
	day_vwap_cost float8,
	open_cost float8,
	close_cost float8,
	best_cost float8,
	worst_cost float8,
	delay_cost float8,
	trading_cost float8,
	opportunity_cost float8,
	shortfall float8,
	delay_bps float8,
	trading_bps float8,
	opportunity_bps float8,
	shortfall_bps float8,
	pa_bps float8,
	win_rate float8,
	markouts float8[]
);
COMMENT ON TYPE lem_tca_summary IS 'what the fills of many orders cost against the market';

CREATE FUNCTION lem_tca_accum(internal, lem_order, timestamptz, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_tca_accum(internal, lem_order, timestamptz, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_tca_merge_accum(internal, lem_fills) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_merge_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_merge_accum(internal, lem_fills) IS 'aggregate transition function';
CREATE FUNCTION lem_tca_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_tca_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_tca_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_tca_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_tca_final(internal) RETURNS lem_fills
	AS 'MODULE_PATHNAME', 'pg_lem_tca_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_tca(ord lem_order, ts timestamptz, price float8, quantity float8) (
	SFUNC = lem_tca_accum,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = lem_tca_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_tca_combine,
	SERIALFUNC = lem_tca_serialize,
	DESERIALFUNC = lem_tca_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_tca(lem_order, timestamptz, float8, float8)
	IS 'an order with its fills, in any order of input';

CREATE AGGREGATE lem_tca(fills lem_fills) (
	SFUNC = lem_tca_merge_accum,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = lem_tca_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_tca_combine,
	SERIALFUNC = lem_tca_serialize,
	DESERIALFUNC = lem_tca_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_tca(lem_fills)
	IS 'fills of one order, put together';

CREATE FUNCTION lem_tca_report(fills lem_fills, bars lem_bars, markouts interval[] DEFAULT NULL,
	until timestamptz DEFAULT NULL, time_zone text DEFAULT 'UTC',
	bar_interval interval DEFAULT NULL) RETURNS lem_tca_report
	AS 'MODULE_PATHNAME', 'pg_lem_tca_report' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION lem_tca_report(lem_fills, lem_bars, interval[], timestamptz, text, interval)
	IS 'what the fills of an order cost against the bars of the market';

CREATE FUNCTION lem_tca_rollup_accum(internal, lem_tca_report) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_rollup_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_rollup_accum(internal, lem_tca_report)
	IS 'aggregate transition function';
CREATE FUNCTION lem_tca_rollup_accum(internal, lem_tca_report, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_rollup_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_rollup_accum(internal, lem_tca_report, text)
	IS 'aggregate transition function';
CREATE FUNCTION lem_tca_rollup_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_rollup_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_rollup_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_tca_rollup_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_tca_rollup_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_rollup_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_tca_rollup_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_rollup_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_rollup_deserialize(bytea, internal)
	IS 'aggregate deserial function';
CREATE FUNCTION lem_tca_rollup_final(internal) RETURNS lem_tca_summary
	AS 'MODULE_PATHNAME', 'pg_lem_tca_rollup_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_tca_rollup_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_tca_rollup(report lem_tca_report) (
	SFUNC = lem_tca_rollup_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = lem_tca_rollup_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_tca_rollup_combine,
	SERIALFUNC = lem_tca_rollup_serialize,
	DESERIALFUNC = lem_tca_rollup_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_tca_rollup(lem_tca_report)
	IS 'reports of many orders, merged by notional';

CREATE AGGREGATE lem_tca_rollup(report lem_tca_report, weight text) (
	SFUNC = lem_tca_rollup_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = lem_tca_rollup_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_tca_rollup_combine,
	SERIALFUNC = lem_tca_rollup_serialize,
	DESERIALFUNC = lem_tca_rollup_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_tca_rollup(lem_tca_report, text)
	IS 'reports of many orders, merged by quantity, by notional, or equally';

-- Judging: transaction cost analysis: end

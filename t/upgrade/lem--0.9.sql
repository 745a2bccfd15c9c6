/* lem--0.9.sql: the sample of an older version that the test of upgrades begins with; frozen */

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
	created_by name NOT NULL DEFAULT CURRENT_USER,
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

CREATE TABLE lem_model_part (
	model_id bigint NOT NULL REFERENCES lem_model ON DELETE CASCADE,
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
COMMENT ON COLUMN lem_model_part.format IS '1: float32, little-endian, tensor after tensor';
COMMENT ON COLUMN lem_model_part.sha256 IS 'SHA-256 of the data, checked when they are loaded';

CREATE VIEW lem_models AS
	SELECT name, version, deployed, parameters, bytes, config, created_by, created_at,
		training_run, metrics
	FROM lem_model;
COMMENT ON VIEW lem_models IS 'models, a row a version';

GRANT SELECT ON lem_model, lem_model_part, lem_models TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_model', '');
SELECT pg_catalog.pg_extension_config_dump('lem_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lem_model_part', '');

CREATE FUNCTION lem_import(name text, weights bytea, config jsonb DEFAULT NULL) RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_import' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION lem_import(text, bytea, jsonb)
	IS 'store a safetensors file as a new version of a model';

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

-- Models: end

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
	PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION lem_schedule_final(internal) IS 'aggregate final function';
CREATE FUNCTION lem_next_slice_final(internal) RETURNS lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_next_slice_final' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100000;
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
	PARALLEL SAFE COST 100000 ROWS 12;
COMMENT ON FUNCTION lem_schedule(text, lem_order, lem_bars) IS 'schedule of an order over bars';

CREATE FUNCTION lem_schedule_batch(model text, ids bigint[], ords lem_order[], bars lem_bars[],
	OUT id bigint, OUT step int, OUT ts timestamptz, OUT allocation float8, OUT cumulative float8,
	OUT quantity float8, OUT state text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_batch' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1200;
COMMENT ON FUNCTION lem_schedule_batch(text, bigint[], lem_order[], lem_bars[])
	IS 'schedules of many orders, each over its own bars, in one pass';

/* sql/lem--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION lem UPDATE TO '1.1'" to load this file. \quit

-- Nothing here names a schema: the extension can be created in, and moved to, any schema.

-- Names

-- What nobody calls begins with an underscore, so that \df lem_* shows what is called: functions of
-- aggregates, triggers and the planner, input and output of types.  What refers to them goes on.  Those
-- that send values stay: they say what bytes a value has.
ALTER FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8)
	RENAME TO _lem_backtest_accum;
ALTER FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8, jsonb)
	RENAME TO _lem_backtest_accum;
ALTER FUNCTION lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8, float8[], jsonb)
	RENAME TO _lem_backtest_accum;
ALTER FUNCTION lem_backtest_combine(internal, internal) RENAME TO _lem_backtest_combine;
ALTER FUNCTION lem_backtest_deserialize(bytea, internal) RENAME TO _lem_backtest_deserialize;
ALTER FUNCTION lem_backtest_final(internal) RENAME TO _lem_backtest_final;
ALTER FUNCTION lem_backtest_serialize(internal) RENAME TO _lem_backtest_serialize;
ALTER FUNCTION lem_bar_accum(internal, timestamptz, float8, float8) RENAME TO _lem_bar_accum;
ALTER FUNCTION lem_bar_combine(internal, internal) RENAME TO _lem_bar_combine;
ALTER FUNCTION lem_bar_deserialize(bytea, internal) RENAME TO _lem_bar_deserialize;
ALTER FUNCTION lem_bar_final(internal) RENAME TO _lem_bar_final;
ALTER FUNCTION lem_bar_serialize(internal) RENAME TO _lem_bar_serialize;
ALTER FUNCTION lem_bars_accum(internal, timestamptz, float8, float8) RENAME TO _lem_bars_accum;
ALTER FUNCTION lem_bars_accum(internal, timestamptz, float8, float8, float8[])
	RENAME TO _lem_bars_accum;
ALTER FUNCTION lem_bars_combine(internal, internal) RENAME TO _lem_bars_combine;
ALTER FUNCTION lem_bars_deserialize(bytea, internal) RENAME TO _lem_bars_deserialize;
ALTER FUNCTION lem_bars_final(internal) RENAME TO _lem_bars_final;
ALTER FUNCTION lem_bars_in(cstring) RENAME TO _lem_bars_in;
ALTER FUNCTION lem_bars_out(lem_bars) RENAME TO _lem_bars_out;
ALTER FUNCTION lem_bars_recv(internal) RENAME TO _lem_bars_recv;
ALTER FUNCTION lem_bars_serialize(internal) RENAME TO _lem_bars_serialize;
ALTER FUNCTION lem_fills_in(cstring) RENAME TO _lem_fills_in;
ALTER FUNCTION lem_fills_out(lem_fills) RENAME TO _lem_fills_out;
ALTER FUNCTION lem_fills_recv(internal) RENAME TO _lem_fills_recv;
ALTER FUNCTION lem_mean_interval_accum(internal, float8, timestamptz, interval)
	RENAME TO _lem_mean_interval_accum;
ALTER FUNCTION lem_mean_interval_combine(internal, internal) RENAME TO _lem_mean_interval_combine;
ALTER FUNCTION lem_mean_interval_deserialize(bytea, internal)
	RENAME TO _lem_mean_interval_deserialize;
ALTER FUNCTION lem_mean_interval_final(internal) RENAME TO _lem_mean_interval_final;
ALTER FUNCTION lem_mean_interval_serialize(internal) RENAME TO _lem_mean_interval_serialize;
ALTER FUNCTION lem_model_deleted() RENAME TO _lem_model_deleted;
ALTER FUNCTION lem_next_slice_final(internal) RENAME TO _lem_next_slice_final;
ALTER FUNCTION lem_parent_order_deleted() RENAME TO _lem_parent_order_deleted;
ALTER FUNCTION lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8)
	RENAME TO _lem_schedule_accum;
ALTER FUNCTION lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8, float8[])
	RENAME TO _lem_schedule_accum;
ALTER FUNCTION lem_schedule_combine(internal, internal) RENAME TO _lem_schedule_combine;
ALTER FUNCTION lem_schedule_deserialize(bytea, internal) RENAME TO _lem_schedule_deserialize;
ALTER FUNCTION lem_schedule_final(internal) RENAME TO _lem_schedule_final;
ALTER FUNCTION lem_schedule_serialize(internal) RENAME TO _lem_schedule_serialize;
ALTER FUNCTION lem_support(internal) RENAME TO _lem_support;
ALTER FUNCTION lem_tca_accum(internal, lem_order, timestamptz, float8, float8)
	RENAME TO _lem_tca_accum;
ALTER FUNCTION lem_tca_combine(internal, internal) RENAME TO _lem_tca_combine;
ALTER FUNCTION lem_tca_deserialize(bytea, internal) RENAME TO _lem_tca_deserialize;
ALTER FUNCTION lem_tca_final(internal) RENAME TO _lem_tca_final;
ALTER FUNCTION lem_tca_merge_accum(internal, lem_fills) RENAME TO _lem_tca_merge_accum;
ALTER FUNCTION lem_tca_rollup_accum(internal, lem_tca_report) RENAME TO _lem_tca_rollup_accum;
ALTER FUNCTION lem_tca_rollup_accum(internal, lem_tca_report, text) RENAME TO _lem_tca_rollup_accum;
ALTER FUNCTION lem_tca_rollup_combine(internal, internal) RENAME TO _lem_tca_rollup_combine;
ALTER FUNCTION lem_tca_rollup_deserialize(bytea, internal) RENAME TO _lem_tca_rollup_deserialize;
ALTER FUNCTION lem_tca_rollup_final(internal) RENAME TO _lem_tca_rollup_final;
ALTER FUNCTION lem_tca_rollup_serialize(internal) RENAME TO _lem_tca_rollup_serialize;
ALTER FUNCTION lem_tca_serialize(internal) RENAME TO _lem_tca_serialize;
ALTER FUNCTION lem_training_run_deleted() RENAME TO _lem_training_run_deleted;
ALTER FUNCTION lem_twap_accum(internal, float8) RENAME TO _lem_twap_accum;
ALTER FUNCTION lem_twap_remove(internal, float8) RENAME TO _lem_twap_remove;
ALTER FUNCTION lem_twap_step_accum(internal, timestamptz, float8, timestamptz)
	RENAME TO _lem_twap_step_accum;
ALTER FUNCTION lem_twap_step_combine(internal, internal) RENAME TO _lem_twap_step_combine;
ALTER FUNCTION lem_twap_step_deserialize(bytea, internal) RENAME TO _lem_twap_step_deserialize;
ALTER FUNCTION lem_twap_step_final(internal) RENAME TO _lem_twap_step_final;
ALTER FUNCTION lem_twap_step_remove(internal, timestamptz, float8, timestamptz)
	RENAME TO _lem_twap_step_remove;
ALTER FUNCTION lem_twap_step_serialize(internal) RENAME TO _lem_twap_step_serialize;
ALTER FUNCTION lem_vwap_accum(internal, float8, float8) RENAME TO _lem_vwap_accum;
ALTER FUNCTION lem_vwap_combine(internal, internal) RENAME TO _lem_vwap_combine;
ALTER FUNCTION lem_vwap_deserialize(bytea, internal) RENAME TO _lem_vwap_deserialize;
ALTER FUNCTION lem_vwap_final(internal) RENAME TO _lem_vwap_final;
ALTER FUNCTION lem_vwap_remove(internal, float8, float8) RENAME TO _lem_vwap_remove;
ALTER FUNCTION lem_vwap_serialize(internal) RENAME TO _lem_vwap_serialize;

-- Types and bars

ALTER TYPE lem_order
	ADD ATTRIBUTE end_ts timestamptz CASCADE,
	ADD ATTRIBUTE limit_price float8 CASCADE,
	ADD ATTRIBUTE max_participation float8 CASCADE,
	ADD ATTRIBUTE min_quantity float8 CASCADE,
	ADD ATTRIBUTE best_effort boolean CASCADE,
	ADD ATTRIBUTE arrival_price float8 CASCADE,
	ADD ATTRIBUTE risk_aversion float8 CASCADE;
ALTER TYPE lem_slice ADD ATTRIBUTE reason text CASCADE;

-- A function cannot be given more arguments.  That of 1.0 makes way and stays under another name,
-- whether anything depends on it or not: views that were made with it go on, and restore.
ALTER FUNCTION lem_order(float8, text, text, text, timestamptz, int, int, float8, float8, float8)
	RENAME TO _lem_order_1_0;
COMMENT ON FUNCTION _lem_order_1_0(float8, text, text, text, timestamptz, int, int, float8, float8,
	float8) IS 'lem_order of version 1.0, for what was made with it';
CREATE FUNCTION lem_order(size float8, side text DEFAULT 'buy', benchmark text DEFAULT 'vwap',
	unit text DEFAULT 'quantity', start_ts timestamptz DEFAULT NULL, min_bars int DEFAULT NULL,
	max_bars int DEFAULT NULL, min_rate float8 DEFAULT 0, max_rate float8 DEFAULT 1,
	lot float8 DEFAULT NULL, end_ts timestamptz DEFAULT NULL, limit_price float8 DEFAULT NULL,
	max_participation float8 DEFAULT NULL, min_quantity float8 DEFAULT NULL,
	best_effort boolean DEFAULT false, arrival_price float8 DEFAULT NULL,
	risk_aversion float8 DEFAULT NULL) RETURNS lem_order
	AS 'MODULE_PATHNAME', 'pg_lem_order' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
	COST 10;
COMMENT ON FUNCTION lem_order(float8, text, text, text, timestamptz, int, int, float8, float8,
	float8, timestamptz, float8, float8, float8, boolean, float8, float8)
	IS 'make a parent order';

CREATE FUNCTION _lem_bar_accum(internal, timestamptz, float8, float8, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bar_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_bar_accum(internal, timestamptz, float8, float8, bigint)
	IS 'aggregate transition function';
CREATE AGGREGATE lem_bar(ts timestamptz, price float8, quantity float8, seq bigint) (
	SFUNC = _lem_bar_accum,
	STYPE = internal,
	SSPACE = 160,
	FINALFUNC = _lem_bar_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_bar_combine,
	SERIALFUNC = _lem_bar_serialize,
	DESERIALFUNC = _lem_bar_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bar(timestamptz, float8, float8, bigint)
	IS 'one bar made of trades, those of one time by their sequence numbers';
COMMENT ON AGGREGATE lem_bar(timestamptz, float8, float8)
	IS 'one bar made of trades, those of one time as they come';

CREATE FUNCTION _lem_bars_accum(internal, timestamptz, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_accum_close' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_bars_accum(internal, timestamptz, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_bars_accum(internal, timestamptz, float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_accum_close' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_bars_accum(internal, timestamptz, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_bars_accum(internal, timestamptz, lem_trade_bar) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_accum_trade_bar' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_bars_accum(internal, timestamptz, lem_trade_bar)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_bars_accum(internal, timestamptz, lem_trade_bar, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bars_accum_trade_bar' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_bars_accum(internal, timestamptz, lem_trade_bar, float8[])
	IS 'aggregate transition function';

CREATE AGGREGATE lem_bars(ts timestamptz, price float8, volume float8, close float8) (
	SFUNC = _lem_bars_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_bars_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_bars_combine,
	SERIALFUNC = _lem_bars_serialize,
	DESERIALFUNC = _lem_bars_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bars(timestamptz, float8, float8, float8)
	IS 'bars with closes as one value, in any order of input';
CREATE AGGREGATE lem_bars(ts timestamptz, price float8, volume float8, close float8,
	features float8[]) (
	SFUNC = _lem_bars_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_bars_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_bars_combine,
	SERIALFUNC = _lem_bars_serialize,
	DESERIALFUNC = _lem_bars_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bars(timestamptz, float8, float8, float8, float8[])
	IS 'bars with closes and extra features as one value';
CREATE AGGREGATE lem_bars(ts timestamptz, bar lem_trade_bar) (
	SFUNC = _lem_bars_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_bars_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_bars_combine,
	SERIALFUNC = _lem_bars_serialize,
	DESERIALFUNC = _lem_bars_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bars(timestamptz, lem_trade_bar)
	IS 'bars made of trades as one value';
CREATE AGGREGATE lem_bars(ts timestamptz, bar lem_trade_bar, features float8[]) (
	SFUNC = _lem_bars_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_bars_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_bars_combine,
	SERIALFUNC = _lem_bars_serialize,
	DESERIALFUNC = _lem_bars_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bars(timestamptz, lem_trade_bar, float8[])
	IS 'bars made of trades, with extra features, as one value';

CREATE FUNCTION lem_unnest_closes(bars lem_bars, OUT ts timestamptz, OUT price float8,
	OUT volume float8, OUT close float8, OUT high float8, OUT low float8, OUT features float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_unnest_closes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION lem_unnest_closes(lem_bars)
	IS 'bars as rows, in time order, with closes, highs and lows';

-- Types and bars: end

-- Models: rights and catalog

-- Roles as tables keep them: numbers that are written as names

CREATE TYPE lem_role;

CREATE FUNCTION _lem_role_in(cstring) RETURNS lem_role
	AS 'MODULE_PATHNAME', 'pg_lem_role_in' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION _lem_role_out(lem_role) RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_lem_role_out' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION _lem_role_recv(internal) RETURNS lem_role
	AS 'MODULE_PATHNAME', 'pg_lem_role_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION _lem_role_send(lem_role) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_role_send' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE TYPE lem_role (
	INPUT = _lem_role_in,
	OUTPUT = _lem_role_out,
	RECEIVE = _lem_role_recv,
	SEND = _lem_role_send,
	INTERNALLENGTH = 68,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE lem_role
	IS 'a role, written as its name; "?name" is a role that is gone, and stays nobody';
COMMENT ON FUNCTION _lem_role_in(cstring) IS 'I/O';
COMMENT ON FUNCTION _lem_role_out(lem_role) IS 'I/O';
COMMENT ON FUNCTION _lem_role_recv(internal) IS 'I/O';
COMMENT ON FUNCTION _lem_role_send(lem_role) IS 'I/O';

CREATE FUNCTION lem_role_of(role name) RETURNS lem_role
	AS 'MODULE_PATHNAME', 'pg_lem_role_of' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_role_of(name) IS 'the role of a name';
CREATE FUNCTION lem_role_name(role lem_role) RETURNS name
	AS 'MODULE_PATHNAME', 'pg_lem_role_name' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_role_name(lem_role) IS 'the name of a role, NULL if it is gone';
CREATE CAST (name AS lem_role) WITH FUNCTION lem_role_of(name) AS ASSIGNMENT;
CREATE CAST (lem_role AS name) WITH FUNCTION lem_role_name(lem_role) AS IMPLICIT;

CREATE FUNCTION _lem_role_lt(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_lt(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION _lem_role_le(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_le(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION _lem_role_eq(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_eq(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION _lem_role_ne(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_ne(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION _lem_role_ge(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_ge(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION _lem_role_gt(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_gt(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION _lem_role_cmp(lem_role, lem_role) RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_role_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_role_cmp(lem_role, lem_role) IS 'less, equal or greater, for indexes';
CREATE OPERATOR < (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = _lem_role_lt, COMMUTATOR = >,
	NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = _lem_role_le, COMMUTATOR = >=,
	NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR = (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = _lem_role_eq, COMMUTATOR = =,
	NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel
);
CREATE OPERATOR <> (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = _lem_role_ne, COMMUTATOR = <>,
	NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR >= (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = _lem_role_ge, COMMUTATOR = <=,
	NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR > (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = _lem_role_gt, COMMUTATOR = <,
	NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR CLASS lem_role_ops DEFAULT FOR TYPE lem_role USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 _lem_role_cmp(lem_role, lem_role);

CREATE FUNCTION _lem_acts_for_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_acts_for_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	COST 1;
COMMENT ON FUNCTION _lem_acts_for_support(internal) IS 'planner support of lem_acts_for';
CREATE FUNCTION lem_acts_for(role lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_acts_for_role' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1
	SUPPORT _lem_acts_for_support;
COMMENT ON FUNCTION lem_acts_for(lem_role)
	IS 'whether the current user has the rights of a role, or administers the extension';

-- Owners, and who has rights, as such roles.  A column in the place of another, so that views on the
-- views below stay; a name that no role has becomes nobody.

ALTER TABLE lem_model_name ADD COLUMN owner_role lem_role;
UPDATE lem_model_name SET owner_role = owner;
ALTER TABLE lem_model_name ALTER COLUMN owner_role SET NOT NULL;
CREATE OR REPLACE VIEW lem_models AS
	SELECT m.name, m.version, m.deployed, m.parameters, m.bytes, m.config, m.created_by,
		m.created_at, m.training_run, m.metrics, lem_role_name(n.owner_role) AS owner
	FROM lem_model AS m
	LEFT JOIN lem_model_name AS n ON n.name OPERATOR(pg_catalog.=) m.name;
ALTER TABLE lem_model_name DROP COLUMN owner;
ALTER TABLE lem_model_name RENAME COLUMN owner_role TO owner;
COMMENT ON COLUMN lem_model_name.owner IS 'the role that the model belongs to';

-- the server compares text of keys by the collation "C"
ALTER TABLE lem_model_right ALTER COLUMN privilege TYPE text COLLATE "C";
ALTER TABLE lem_model_right ADD COLUMN grantee_role lem_role;
UPDATE lem_model_right SET grantee_role = grantee;
ALTER TABLE lem_model_right DROP COLUMN grantee;
DELETE FROM lem_model_right AS r WHERE EXISTS (SELECT FROM lem_model_right AS o
	WHERE o.model = r.model AND o.privilege = r.privilege AND o.grantee_role = r.grantee_role
	AND o.ctid < r.ctid);
ALTER TABLE lem_model_right RENAME COLUMN grantee_role TO grantee;
ALTER TABLE lem_model_right ADD PRIMARY KEY (model, privilege, grantee);
COMMENT ON COLUMN lem_model_right.grantee IS 'a role, or public: all of them';

ALTER TABLE lem_training_run ADD COLUMN starter lem_role;
UPDATE lem_training_run SET starter = started_by;
ALTER TABLE lem_training_run ALTER COLUMN starter SET NOT NULL;
CREATE OR REPLACE VIEW lem_training_runs AS
	SELECT r.id AS run, r.model,
		CASE WHEN r.status OPERATOR(pg_catalog.=) 'running' AND NOT l.alive THEN 'interrupted'
			ELSE r.status END AS status,
		r.started_at, r.updated_at, r.finished_at,
		lem_role_name(r.starter) AS started_by, r.epochs,
		(r.options OPERATOR(pg_catalog.->>) 'epochs')::int AS max_epochs, r.best_epoch, r.best_loss,
		e.train_loss, e.validation_loss, e.samples_per_s,
		CASE WHEN r.status OPERATOR(pg_catalog.=) 'running' AND l.alive AND e.seconds IS NOT NULL
			THEN pg_catalog.make_interval(secs => GREATEST(0, e.seconds
				OPERATOR(pg_catalog.*) ((r.options OPERATOR(pg_catalog.->>) 'epochs')::int
					OPERATOR(pg_catalog.-) r.epochs)
				OPERATOR(pg_catalog.-) EXTRACT(epoch FROM pg_catalog.clock_timestamp()
					OPERATOR(pg_catalog.-) r.updated_at)::float8)) END AS eta,
		r.workers, r.series, r.bars, r.train_starts, r.validation_starts,
		CASE WHEN lem_acts_for(r.starter) THEN r.query END AS query, r.data_digest,
		r.config, r.options, r.seed, r.lem_version, r.kernels, r.model_version,
		CASE WHEN lem_acts_for(r.starter) THEN r.error END AS error
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
ALTER TABLE lem_training_run DROP COLUMN started_by;
ALTER TABLE lem_training_run RENAME COLUMN starter TO started_by;

ALTER TABLE lem_parent_order ADD COLUMN owner_role lem_role;
UPDATE lem_parent_order SET owner_role = owner;
ALTER TABLE lem_parent_order ALTER COLUMN owner_role SET NOT NULL;
ALTER POLICY lem_parent_order_owner ON lem_parent_order USING (lem_acts_for(owner_role));
CREATE OR REPLACE VIEW lem_slices WITH (security_barrier) AS
	SELECT c.order_id, c.step, o.series, (o.ord).side, (o.ord).unit, c.ts, c.allocation,
		c.cumulative, c.quantity,
		CASE WHEN c.bar_ts IS NOT NULL THEN 'done' WHEN o.state = 'active' THEN 'next'
			ELSE 'ended' END AS state,
		c.late, c.decided_at, c.decided_by, c.model_version, c.inputs, c.bar_ts,
		b.price AS bar_price, b.volume AS bar_volume, f.ts AS fill_ts, f.price AS fill_price,
		f.quantity AS filled, lem_role_name(o.owner_role) AS owner
	FROM lem_child_slice AS c
	JOIN lem_parent_order AS o ON o.id = c.order_id
	LEFT JOIN LATERAL lem_unnest(o.bars) AS b ON b.ts = c.bar_ts
	LEFT JOIN lem_fill AS f ON f.order_id = c.order_id AND f.step = c.step
	WHERE lem_acts_for(o.owner_role);
CREATE OR REPLACE VIEW lem_orders WITH (security_barrier) AS
	SELECT o.id, o.series, o.model, o.model_version, o.state, (o.ord).size, (o.ord).side,
		(o.ord).benchmark, (o.ord).unit, (o.ord).start_ts, (o.ord).min_bars, (o.ord).max_bars,
		(o.ord).min_rate, (o.ord).max_rate, (o.ord).lot, o.submitted_at, o.expires_at, o.ended_at,
		o.reason, c.slices, c.allocated, c.quantity, c.last_ts, f.filled, f.fill_price,
		lem_role_name(o.owner_role) AS owner,
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
	WHERE lem_acts_for(o.owner_role);
ALTER TABLE lem_parent_order DROP COLUMN owner;
ALTER TABLE lem_parent_order RENAME COLUMN owner_role TO owner;
COMMENT ON COLUMN lem_parent_order.owner IS 'the role that submitted it';

-- No role goes while it owns something or has rights.  On a subscriber as well.

CREATE FUNCTION _lem_role_kept() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_role_kept' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION _lem_role_kept()
	IS 'trigger function: keep a role that a row names from being dropped';
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF owner ON lem_model_name
	FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
ALTER TABLE lem_model_name ENABLE ALWAYS TRIGGER lem_role_kept;
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF grantee ON lem_model_right
	FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
ALTER TABLE lem_model_right ENABLE ALWAYS TRIGGER lem_role_kept;
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF started_by ON lem_training_run
	FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
ALTER TABLE lem_training_run ENABLE ALWAYS TRIGGER lem_role_kept;
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF owner ON lem_parent_order
	FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
ALTER TABLE lem_parent_order ENABLE ALWAYS TRIGGER lem_role_kept;

CREATE FUNCTION lem_keep_roles() RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_keep_roles' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION lem_keep_roles()
	IS 'keep all roles that own something or have rights from being dropped, after pg_upgrade';

CREATE FUNCTION lem_reassign_owned(role lem_role, successor name) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_reassign_owned' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_reassign_owned(lem_role, name)
	IS 'give all that a role owns in the extension to another, so that it can be dropped';

CREATE FUNCTION lem_sync_models(connection text, OUT name text, OUT version int,
	OUT action text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_sync_models' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000000 ROWS 10;
COMMENT ON FUNCTION lem_sync_models(text)
	IS 'copy the versions of models that another server has and this one does not, through dblink';

-- What the bundled models of 1.0 were trained on, which their files say by now
UPDATE lem_model SET metrics = metrics || jsonb_build_object('bar_seconds', t.seconds)
FROM (VALUES ('\x738cf1161d49f96ffe48f354fc41fb378e5dad90f3349db1654eed52db5dc3b5'::bytea, '[3600, 14400]'::jsonb),
	('\xd1db21528a1f0b7e3ce23869eb55513fe26eb27444d98937191c53bfd12e852f', '86400')) AS t (digest, seconds)
WHERE lem_model.digest = t.digest AND NOT lem_model.metrics ? 'bar_seconds';

-- Models: rights and catalog: end

-- Calendars

-- Each change of a calendar, or of its days, gives it another version: sessions keep what they
-- compiled of the last one.
CREATE SEQUENCE lem_calendar_version_seq;
CREATE TABLE lem_calendar (
	name text COLLATE "C" PRIMARY KEY,
	time_zone text NOT NULL,
	sessions jsonb NOT NULL,
	rules jsonb NOT NULL DEFAULT '[]',
	owner lem_role,
	shipped boolean NOT NULL DEFAULT false,
	version bigint NOT NULL DEFAULT nextval('lem_calendar_version_seq')
);
COMMENT ON TABLE lem_calendar
	IS 'when markets trade; change it with the functions only';
COMMENT ON COLUMN lem_calendar.sessions IS 'by weekday, in the time zone''s wall-clock time';
COMMENT ON COLUMN lem_calendar.rules IS 'days that come back each year, and their sessions';
COMMENT ON COLUMN lem_calendar.owner IS 'the role that can change it; NULL: the extension''s owner';
COMMENT ON COLUMN lem_calendar.shipped IS 'it comes with the extension, and no dump has it';
CREATE TABLE lem_calendar_day (
	calendar text COLLATE "C",
	day date,
	sessions jsonb NOT NULL DEFAULT '[]',
	note text,
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (calendar, day)
);
COMMENT ON TABLE lem_calendar_day
	IS 'days of calendars that are exceptions to their rules; change it with the functions only';
COMMENT ON COLUMN lem_calendar_day.sessions IS 'of that day; none: []';
GRANT SELECT ON lem_calendar, lem_calendar_day TO PUBLIC;

-- Round the clock, and New York from 1985-09-30 on.
INSERT INTO lem_calendar (name, time_zone, sessions, rules, shipped) VALUES
('always', 'UTC', '{"Mon-Sun": [["00:00", "24:00"]]}', '[]', true),
('XNYS', 'America/New_York', '{"Mon-Fri": [["09:30", "16:00"]]}', '[
{"name": "New Year''s Day", "month": 1, "day": 1, "observed": {"Sun": 1}},
{"name": "Martin Luther King Jr. Day", "month": 1, "weekday": "Mon", "nth": 3, "from": 1998},
{"name": "Washington''s Birthday", "month": 2, "weekday": "Mon", "nth": 3, "from": 1971},
{"name": "Good Friday", "easter": -2},
{"name": "Memorial Day", "month": 5, "weekday": "Mon", "nth": -1, "from": 1971},
{"name": "Juneteenth", "month": 6, "day": 19, "observed": {"Sat": -1, "Sun": 1}, "from": 2022},
{"name": "Independence Day", "month": 7, "day": 4, "observed": {"Sat": -1, "Sun": 1}},
{"name": "Labor Day", "month": 9, "weekday": "Mon", "nth": 1},
{"name": "Thanksgiving Day", "month": 11, "weekday": "Thu", "nth": 4},
{"name": "Christmas Day", "month": 12, "day": 25, "observed": {"Sat": -1, "Sun": 1}},
{"name": "before Independence Day", "month": 7, "day": 3, "on": ["Mon", "Tue", "Thu"], "from": 1995, "sessions": [["09:30", "13:00"]]},
{"name": "before Independence Day", "month": 7, "day": 3, "on": ["Wed"], "from": 2013, "sessions": [["09:30", "13:00"]]},
{"name": "after Independence Day", "month": 7, "day": 5, "on": ["Fri"], "from": 1995, "until": 2012, "sessions": [["09:30", "13:00"]]},
{"name": "after Thanksgiving Day", "month": 11, "weekday": "Thu", "nth": 4, "offset": 1, "from": 1993, "sessions": [["09:30", "13:00"]]},
{"name": "Christmas Eve", "month": 12, "day": 24, "on": ["Mon", "Tue", "Wed", "Thu"], "from": 1993, "sessions": [["09:30", "13:00"]]}
]', true);
INSERT INTO lem_calendar_day (calendar, day, sessions, note, shipped) VALUES
('XNYS', '1985-09-27', '[]', 'Hurricane Gloria', true),
('XNYS', '1992-11-27', '[["09:30", "14:00"]]', 'after Thanksgiving Day', true),
('XNYS', '1994-04-27', '[]', 'mourning for President Nixon', true),
('XNYS', '1997-12-26', '[["09:30", "13:00"]]', 'after Christmas Day', true),
('XNYS', '1999-12-31', '[["09:30", "13:00"]]', 'before New Year''s Day', true),
('XNYS', '2001-09-11', '[]', 'attacks on the World Trade Center', true),
('XNYS', '2001-09-12', '[]', 'attacks on the World Trade Center', true),
('XNYS', '2001-09-13', '[]', 'attacks on the World Trade Center', true),
('XNYS', '2001-09-14', '[]', 'attacks on the World Trade Center', true),
('XNYS', '2003-12-26', '[["09:30", "13:00"]]', 'after Christmas Day', true),
('XNYS', '2004-06-11', '[]', 'mourning for President Reagan', true),
('XNYS', '2007-01-02', '[]', 'mourning for President Ford', true),
('XNYS', '2012-10-29', '[]', 'Hurricane Sandy', true),
('XNYS', '2012-10-30', '[]', 'Hurricane Sandy', true),
('XNYS', '2018-12-05', '[]', 'mourning for President G. H. W. Bush', true),
('XNYS', '2025-01-09', '[]', 'mourning for President Carter', true);

SELECT pg_catalog.pg_extension_config_dump('lem_calendar_version_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lem_calendar', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('lem_calendar_day', 'WHERE NOT shipped');

CREATE FUNCTION _lem_calendar_inserted() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_calendar_inserted' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION _lem_calendar_inserted()
	IS 'trigger function: what was shipped makes way for what a dump has';
CREATE TRIGGER lem_calendar_inserted BEFORE INSERT ON lem_calendar
	FOR EACH ROW EXECUTE FUNCTION _lem_calendar_inserted();
CREATE TRIGGER lem_calendar_day_inserted BEFORE INSERT ON lem_calendar_day
	FOR EACH ROW EXECUTE FUNCTION _lem_calendar_inserted();

CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF owner ON lem_calendar
	FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
ALTER TABLE lem_calendar ENABLE ALWAYS TRIGGER lem_role_kept;

CREATE FUNCTION lem_set_calendar(name text, definition jsonb) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_set_calendar' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_set_calendar(text, jsonb) IS 'say when a market trades';
CREATE FUNCTION lem_set_calendar_day(calendar text, day date, sessions jsonb DEFAULT '[]',
	note text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_set_calendar_day' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_set_calendar_day(text, date, jsonb, text)
	IS 'make a day of a calendar an exception';
CREATE FUNCTION lem_drop_calendar(name text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_drop_calendar' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_drop_calendar(text) IS 'drop a calendar';
CREATE FUNCTION lem_calendar_bars(calendar text, from_ts timestamptz, to_ts timestamptz,
	bar_interval interval) RETURNS SETOF timestamptz
	AS 'MODULE_PATHNAME', 'pg_lem_calendar_bars' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
	ROWS 1000;
COMMENT ON FUNCTION lem_calendar_bars(text, timestamptz, timestamptz, interval)
	IS 'starts of the bars of a calendar''s sessions';
CREATE FUNCTION lem_calendar_sessions(calendar text, from_day date, to_day date, OUT day date,
	OUT opens timestamptz, OUT closes timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_calendar_sessions' LANGUAGE C STABLE STRICT PARALLEL SAFE
	COST 1000 ROWS 300;
COMMENT ON FUNCTION lem_calendar_sessions(text, date, date)
	IS 'sessions of a calendar''s days';

-- Calendars: end

-- Scheduling

CREATE FUNCTION lem_schedule(model text, ord lem_order, bars lem_bars, executed float8[])
	RETURNS SETOF lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_schedule' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
	COST 20000 ROWS 12 SUPPORT _lem_support;
COMMENT ON FUNCTION lem_schedule(text, lem_order, lem_bars, float8[])
	IS 'schedule of an order over bars, from what was executed in each completed bar';

CREATE FUNCTION _lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_accum_close' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_accum_close' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_schedule_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8, float8[])
	IS 'aggregate transition function';
CREATE AGGREGATE lem_schedule(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, close float8) (
	SFUNC = _lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_schedule_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_schedule_combine,
	SERIALFUNC = _lem_schedule_serialize,
	DESERIALFUNC = _lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_schedule(text, lem_order, timestamptz, float8, float8, float8)
	IS 'schedule of an order over bars with closes';
CREATE AGGREGATE lem_schedule(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, close float8, features float8[]) (
	SFUNC = _lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_schedule_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_schedule_combine,
	SERIALFUNC = _lem_schedule_serialize,
	DESERIALFUNC = _lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_schedule(text, lem_order, timestamptz, float8, float8, float8, float8[])
	IS 'schedule of an order over bars with closes and extra features';
CREATE AGGREGATE lem_next_slice(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, close float8) (
	SFUNC = _lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_next_slice_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_schedule_combine,
	SERIALFUNC = _lem_schedule_serialize,
	DESERIALFUNC = _lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_next_slice(text, lem_order, timestamptz, float8, float8, float8)
	IS 'slice to trade now, from bars with closes';
CREATE AGGREGATE lem_next_slice(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, close float8, features float8[]) (
	SFUNC = _lem_schedule_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_next_slice_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_schedule_combine,
	SERIALFUNC = _lem_schedule_serialize,
	DESERIALFUNC = _lem_schedule_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_next_slice(text, lem_order, timestamptz, float8, float8, float8, float8[])
	IS 'slice to trade now, from bars with closes and extra features';

ALTER FUNCTION lem_schedule_batch(text, bigint[], lem_order[], lem_bars[])
	RENAME TO _lem_schedule_batch_1_0;
COMMENT ON FUNCTION _lem_schedule_batch_1_0(text, bigint[], lem_order[], lem_bars[])
	IS 'lem_schedule_batch of version 1.0, for what was made with it';
CREATE FUNCTION lem_schedule_batch(model text, ids bigint[], ords lem_order[], bars lem_bars[],
	OUT id bigint, OUT step int, OUT ts timestamptz, OUT allocation float8, OUT cumulative float8,
	OUT quantity float8, OUT state text, OUT reason text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_schedule_batch' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1200 SUPPORT _lem_support;
COMMENT ON FUNCTION lem_schedule_batch(text, bigint[], lem_order[], lem_bars[])
	IS 'schedules of many orders, each over its own bars, in one pass';

-- Scheduling: end

-- The optimum

CREATE FUNCTION lem_early_finish_value(ord lem_order, bars lem_bars, options jsonb DEFAULT NULL,
	OUT sigma float8, OUT bps float8, OUT money float8)
	RETURNS record
	AS 'MODULE_PATHNAME', 'pg_lem_early_finish_value' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 3000000;
COMMENT ON FUNCTION lem_early_finish_value(lem_order, lem_bars, jsonb)
	IS 'what the right to finish early is worth at the start of an order';

-- The optimum: end

-- Working orders

-- Orders are claimed by their series; what changes while one is active is in no index, so that its
-- new version finds room beside the old one.
DROP INDEX lem_parent_order_active;
CREATE INDEX lem_parent_order_active ON lem_parent_order (series, id) WHERE state = 'active';
ALTER TABLE lem_parent_order SET (fillfactor = 50);
ALTER TABLE lem_child_slice SET (fillfactor = 45);

-- What desks ask for: a series' orders, orders by their state, the last slices and those since a
-- time; and what lem_purge deletes.
CREATE INDEX lem_parent_order_series ON lem_parent_order (series, id);
CREATE INDEX lem_parent_order_state ON lem_parent_order (state, id) INCLUDE (owner);
CREATE INDEX lem_parent_order_owner ON lem_parent_order (owner) WHERE state IN ('active', 'paused');
CREATE INDEX lem_parent_order_worked ON lem_parent_order (series) WHERE start_ts IS NOT NULL;
CREATE INDEX lem_parent_order_ended ON lem_parent_order (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX lem_parent_order_expires ON lem_parent_order (owner, expires_at)
	WHERE state IN ('active', 'paused') AND expires_at IS NOT NULL;
CREATE INDEX lem_child_slice_decided ON lem_child_slice (decided_at);

CREATE PROCEDURE lem_purge(before timestamptz)
	AS 'MODULE_PATHNAME', 'pg_lem_purge' LANGUAGE C;
COMMENT ON PROCEDURE lem_purge(timestamptz)
	IS 'delete orders that ended before a time, with their slices and fills';

-- Of all orders that a statement deletes at once, not one by one.
DROP TRIGGER lem_parent_order_deleted ON lem_parent_order;
CREATE TRIGGER lem_parent_order_deleted AFTER DELETE ON lem_parent_order
	REFERENCING OLD TABLE AS deleted
	FOR EACH STATEMENT EXECUTE FUNCTION _lem_parent_order_deleted();

ALTER TABLE lem_parent_order
	ADD COLUMN track text CHECK (track IN ('plan', 'fills')),
	ADD COLUMN client_id text,
	ADD COLUMN basket text,
	ADD COLUMN missed text CHECK (missed IN ('skip', 'catch_up')),
	ADD COLUMN resized boolean NOT NULL DEFAULT false,
	ADD COLUMN unallocated float8,
	ADD COLUMN feed text COLLATE "C" NOT NULL DEFAULT 'default',
	ADD COLUMN calendar text,
	ADD COLUMN look_at timestamptz,
	ADD COLUMN changed xid8 NOT NULL DEFAULT '0',
	DROP CONSTRAINT lem_parent_order_state_check,
	ADD CONSTRAINT lem_parent_order_state_check
		CHECK (state IN ('active', 'paused', 'finished', 'expired', 'cancelled', 'failed'));
CREATE UNIQUE INDEX lem_parent_order_client ON lem_parent_order (owner, client_id)
	WHERE client_id IS NOT NULL;
COMMENT ON COLUMN lem_parent_order.track
	IS 'what it goes on from: fills, or the plan; NULL: the plan, until a fill is recorded';
COMMENT ON COLUMN lem_parent_order.client_id IS 'the owner''s own name for it';
COMMENT ON COLUMN lem_parent_order.basket IS 'a label of orders that belong together';
COMMENT ON COLUMN lem_parent_order.missed
	IS 'what becomes of slices that were missed while it was paused; NULL: it was not';
COMMENT ON COLUMN lem_parent_order.resized
	IS 'its size or limits have changed: allocations are of the size when they were decided';
COMMENT ON COLUMN lem_parent_order.feed IS 'whose calls of lem_work work it';
COMMENT ON COLUMN lem_parent_order.calendar
	IS 'when its market trades; NULL: as its feed says, or else its model';
COMMENT ON COLUMN lem_parent_order.look_at
	IS 'when to look at it again, though no bar has come; NULL: not';
COMMENT ON COLUMN lem_parent_order.changed
	IS 'the transaction that handed it over, or last made it due without a bar';
COMMENT ON COLUMN lem_parent_order.unallocated IS 'what a finished order''s plan left undone';

-- What lem_work knows without reading all orders: with which bar a series' active orders were looked at, and as
-- of which transactions; orders that others have changed are found by an index.
CREATE INDEX lem_parent_order_look ON lem_parent_order (look_at)
	WHERE state = 'active' AND look_at IS NOT NULL;
CREATE INDEX lem_parent_order_changed ON lem_parent_order (changed) WHERE state = 'active';
CREATE TABLE lem_series_seen (
	feed text COLLATE "C" NOT NULL,
	series text NOT NULL,
	seen_ts timestamptz NOT NULL,
	PRIMARY KEY (feed, series)
) WITH (fillfactor = 50);
COMMENT ON TABLE lem_series_seen
	IS 'bars with which all active orders of a series were looked at; lem_work writes it';
CREATE TABLE lem_feed_seen (
	feed text COLLATE "C" PRIMARY KEY,
	changed xid8 NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE lem_feed_seen
	IS 'that all orders are counted in lem_series_seen which were changed by transactions before one';
CREATE FUNCTION _lem_order_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_order_changed' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1;
COMMENT ON FUNCTION _lem_order_changed()
	IS 'trigger function: number the transaction that inserts an order';
CREATE TRIGGER lem_order_changed BEFORE INSERT ON lem_parent_order
	FOR EACH ROW EXECUTE FUNCTION _lem_order_changed();
ALTER TABLE lem_parent_order ENABLE ALWAYS TRIGGER lem_order_changed;

-- An order's sums over its slices and fills, kept by the statements that write those.
ALTER TABLE lem_parent_order
	ADD COLUMN slices bigint NOT NULL DEFAULT 0,
	ADD COLUMN completed int NOT NULL DEFAULT 0,
	ADD COLUMN allocated float8 NOT NULL DEFAULT 0,
	ADD COLUMN quantity float8 NOT NULL DEFAULT 0,
	ADD COLUMN last_ts timestamptz,
	ADD COLUMN filled float8,
	ADD COLUMN fill_notional float8,
	ADD COLUMN fees float8,
	ADD COLUMN papered int NOT NULL DEFAULT 0,
	ADD COLUMN paper_done boolean NOT NULL DEFAULT false,
	ADD COLUMN paper_filled float8,
	ADD COLUMN paper_notional float8;
COMMENT ON COLUMN lem_parent_order.slices IS 'slices decided so far';
COMMENT ON COLUMN lem_parent_order.completed IS 'those of them whose bar has completed';
COMMENT ON COLUMN lem_parent_order.allocated IS 'share of the order that its slices have';
COMMENT ON COLUMN lem_parent_order.quantity
	IS 'what its slices are to trade, in the shares of now; without those that are skipped';
COMMENT ON COLUMN lem_parent_order.last_ts IS 'bar of the last slice';
COMMENT ON COLUMN lem_parent_order.filled
	IS 'what was really traded, in the shares of now; NULL: nothing was recorded';
COMMENT ON COLUMN lem_parent_order.fill_notional IS 'what that was worth';
COMMENT ON COLUMN lem_parent_order.fees IS 'of the fills';
COMMENT ON COLUMN lem_parent_order.papered
	IS 'slices that lem_paper_fill has no more to do with, from the first on';
COMMENT ON COLUMN lem_parent_order.paper_done IS 'it has ended, and these are all';
COMMENT ON COLUMN lem_parent_order.paper_filled
	IS 'what was traded on paper, in the shares of now; NULL: nothing';
COMMENT ON COLUMN lem_parent_order.paper_notional IS 'what that was worth';
CREATE INDEX lem_parent_order_paper ON lem_parent_order (id) WHERE NOT paper_done;

ALTER TABLE lem_child_slice
	ADD COLUMN reason text,
	ADD COLUMN skipped boolean NOT NULL DEFAULT false,
	ADD COLUMN adjusted float8 NOT NULL DEFAULT 1,
	ADD COLUMN executed float8,
	ADD COLUMN lag interval,
	ADD COLUMN lagging boolean NOT NULL DEFAULT false,
	ADD COLUMN after_ts timestamptz,
	ADD COLUMN after_price float8,
	ADD COLUMN after_volume float8;
CREATE INDEX lem_child_slice_late ON lem_child_slice (order_id)
	WHERE late AND lag IS NOT NULL AND after_ts IS NULL AND quantity > 0 AND NOT skipped;
COMMENT ON COLUMN lem_child_slice.after_ts
	IS 'of one that was late, the first bar with volume that began after it was told; NULL: none yet';
COMMENT ON COLUMN lem_child_slice.late IS 'decided after its bar had ended by the clock';
COMMENT ON COLUMN lem_child_slice.lag
	IS 'from its bar''s start to the decision, by the clock or as_of; NULL: decided by version 1.0';
COMMENT ON COLUMN lem_child_slice.lagging IS 'the lag was more than its feed''s max_lag';
COMMENT ON COLUMN lem_child_slice.reason IS 'the limit that bound it; NULL: none';
COMMENT ON COLUMN lem_child_slice.skipped
	IS 'missed while the order was paused, and not to be traded any more';
COMMENT ON COLUMN lem_child_slice.adjusted
	IS 'quantity times this is in the shares of now (splits since it was decided)';
COMMENT ON COLUMN lem_child_slice.executed
	IS 'what its order, tracking its plan, goes on from, where limits kept it from being all of it';

-- What is traded on paper bears a name that says so; fills are those of the market.
ALTER TABLE lem_fill RENAME TO lem_paper_fill;
ALTER TABLE lem_paper_fill RENAME CONSTRAINT lem_fill_pkey TO lem_paper_fill_pkey;
ALTER POLICY lem_fill_owner ON lem_paper_fill RENAME TO lem_paper_fill_owner;
ALTER TABLE lem_paper_fill ADD COLUMN adjusted float8 NOT NULL DEFAULT 1;
COMMENT ON COLUMN lem_paper_fill.adjusted
	IS 'quantity times this is in the shares of now, price over this (splits since)';

CREATE TABLE lem_order_fill (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	order_id bigint NOT NULL,
	step int,
	ts timestamptz NOT NULL,
	price float8 NOT NULL,
	quantity float8 NOT NULL,
	fee float8 NOT NULL DEFAULT 0,
	fill_id text,
	adjusted float8 NOT NULL DEFAULT 1,
	recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	recorded_by name NOT NULL,
	busted_at timestamptz,
	busted_by name,
	UNIQUE (order_id, fill_id)
);
CREATE INDEX lem_order_fill_order ON lem_order_fill (order_id, step);
COMMENT ON TABLE lem_order_fill
	IS 'what was really traded of orders; change it with the functions only';
COMMENT ON COLUMN lem_order_fill.step IS 'the slice that it fills; NULL: none had been decided';
COMMENT ON COLUMN lem_order_fill.quantity
	IS 'as it was traded, for orders in notional as well';
COMMENT ON COLUMN lem_order_fill.fill_id IS 'the market''s own name for it';
COMMENT ON COLUMN lem_order_fill.adjusted
	IS 'quantity times this is in the shares of now, price over this (splits since)';
COMMENT ON COLUMN lem_order_fill.busted_at IS 'when it was taken back; NULL: it stands';

CREATE TABLE lem_order_event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	order_id bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	by name NOT NULL,
	event text NOT NULL,
	detail jsonb
);
CREATE INDEX lem_order_event_order ON lem_order_event (order_id, id);
COMMENT ON TABLE lem_order_event
	IS 'what became of orders, when and by whom; the functions write it';
COMMENT ON COLUMN lem_order_event.detail IS 'what changed, from and to';

-- Of a row that is read its own order is looked up: EXISTS would collect all orders first, for the
-- last of many slices as well.
ALTER TABLE lem_order_fill ENABLE ROW LEVEL SECURITY;
ALTER TABLE lem_order_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY lem_order_fill_owner ON lem_order_fill
	USING ((SELECT lem_acts_for(o.owner) FROM lem_parent_order AS o WHERE o.id = order_id));
CREATE POLICY lem_order_event_owner ON lem_order_event
	USING ((SELECT lem_acts_for(o.owner) FROM lem_parent_order AS o WHERE o.id = order_id));
ALTER POLICY lem_child_slice_owner ON lem_child_slice
	USING ((SELECT lem_acts_for(o.owner) FROM lem_parent_order AS o WHERE o.id = order_id));
ALTER POLICY lem_paper_fill_owner ON lem_paper_fill
	USING ((SELECT lem_acts_for(o.owner) FROM lem_parent_order AS o WHERE o.id = order_id));
GRANT SELECT ON lem_order_fill, lem_order_event TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_order_fill', '');
SELECT pg_catalog.pg_extension_config_dump('lem_order_fill_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lem_order_event', '');
SELECT pg_catalog.pg_extension_config_dump('lem_order_event_id_seq', '');

UPDATE lem_parent_order AS o SET slices = c.slices, completed = c.completed,
	allocated = c.allocated, quantity = c.quantity, last_ts = c.last_ts
FROM (SELECT order_id, pg_catalog.count(*) AS slices, pg_catalog.count(bar_ts) AS completed,
		pg_catalog.max(cumulative) AS allocated, pg_catalog.sum(quantity) AS quantity,
		pg_catalog.max(ts) AS last_ts
	FROM lem_child_slice GROUP BY order_id) AS c
WHERE c.order_id = o.id;
UPDATE lem_parent_order AS o SET paper_filled = p.filled, paper_notional = p.notional
FROM (SELECT order_id, pg_catalog.sum(quantity) AS filled,
		pg_catalog.sum(price * quantity) AS notional
	FROM lem_paper_fill GROUP BY order_id) AS p
WHERE p.order_id = o.id;

-- Rows are changed by the functions alone, which see to it that they fit each other.
CREATE FUNCTION _lem_refuse_update() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_refuse_update' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1;
COMMENT ON FUNCTION _lem_refuse_update()
	IS 'trigger function: refuse updates by anyone but the functions';
CREATE TRIGGER lem_parent_order_update BEFORE UPDATE ON lem_parent_order
	FOR EACH STATEMENT EXECUTE FUNCTION _lem_refuse_update();
CREATE TRIGGER lem_child_slice_update BEFORE UPDATE ON lem_child_slice
	FOR EACH STATEMENT EXECUTE FUNCTION _lem_refuse_update();
CREATE TRIGGER lem_order_fill_update BEFORE UPDATE ON lem_order_fill
	FOR EACH STATEMENT EXECUTE FUNCTION _lem_refuse_update();
CREATE TRIGGER lem_order_event_update BEFORE UPDATE ON lem_order_event
	FOR EACH STATEMENT EXECUTE FUNCTION _lem_refuse_update();
CREATE TRIGGER lem_paper_fill_update BEFORE UPDATE ON lem_paper_fill
	FOR EACH STATEMENT EXECUTE FUNCTION _lem_refuse_update();

CREATE OR REPLACE VIEW lem_slices WITH (security_barrier) AS
	SELECT c.order_id, c.step, o.series, (o.ord).side, (o.ord).unit, c.ts, c.allocation,
		c.cumulative, c.quantity,
		CASE WHEN c.skipped THEN 'skipped' WHEN c.bar_ts IS NOT NULL THEN 'done'
			WHEN o.state = 'active' THEN 'next' WHEN o.state = 'paused' THEN 'paused'
			ELSE 'ended' END AS state,
		c.late, c.decided_at, c.decided_by, c.model_version, c.inputs, c.bar_ts,
		b.price AS bar_price, b.volume AS bar_volume, f.ts AS fill_ts, f.price AS fill_price,
		f.quantity AS filled, lem_role_name(o.owner) AS owner, c.reason, c.adjusted, p.ts AS paper_ts,
		p.price / p.adjusted AS paper_price, p.quantity * p.adjusted AS paper_filled, c.lag,
		c.lagging
	FROM lem_child_slice AS c
	JOIN lem_parent_order AS o ON o.id = c.order_id
	LEFT JOIN LATERAL lem_unnest(o.bars) AS b ON b.ts = c.bar_ts
	LEFT JOIN LATERAL (SELECT pg_catalog.max(f.ts) AS ts,
			pg_catalog.sum(f.quantity * f.adjusted) AS quantity,
			pg_catalog.sum(f.price * f.quantity)
				/ NULLIF(pg_catalog.sum(f.quantity * f.adjusted), 0) AS price
		FROM lem_order_fill AS f
		WHERE f.order_id = c.order_id AND f.step = c.step AND f.busted_at IS NULL) AS f ON true
	LEFT JOIN lem_paper_fill AS p ON p.order_id = c.order_id AND p.step = c.step
	WHERE lem_acts_for(o.owner);

-- An order with its start is not checked as a new one: its end may have passed before it began.
CREATE OR REPLACE VIEW lem_orders WITH (security_barrier) AS
	SELECT o.id, o.series, o.model, o.model_version, o.state, (o.ord).size, (o.ord).side,
		(o.ord).benchmark, (o.ord).unit, (o.ord).start_ts, (o.ord).min_bars, (o.ord).max_bars,
		(o.ord).min_rate, (o.ord).max_rate, (o.ord).lot, o.submitted_at, o.expires_at, o.ended_at,
		o.reason, o.slices, o.allocated, o.quantity, o.last_ts, o.filled,
		o.fill_notional / NULLIF(o.filled, 0) AS fill_price, lem_role_name(o.owner) AS owner,
		ROW((o.ord).size, (o.ord).side, (o.ord).benchmark, (o.ord).unit,
			COALESCE((o.ord).start_ts, o.start_ts), (o.ord).min_bars, (o.ord).max_bars,
			(o.ord).min_rate, (o.ord).max_rate, (o.ord).lot, (o.ord).end_ts, (o.ord).limit_price,
			(o.ord).max_participation, (o.ord).min_quantity, COALESCE((o.ord).best_effort, false),
			(o.ord).arrival_price, (o.ord).risk_aversion)::lem_order AS ord,
		o.client_id, o.basket, COALESCE(o.track, 'plan') AS track, o.fees,
		CASE WHEN o.state IN ('active', 'paused', 'failed') THEN NULL
			WHEN o.track = 'fills' THEN (o.ord).size - COALESCE(CASE (o.ord).unit
				WHEN 'notional' THEN o.fill_notional ELSE o.filled END, 0)
			ELSE COALESCE(o.unallocated, (o.ord).size - o.quantity) END AS unallocated,
		o.paper_filled, o.paper_notional / NULLIF(o.paper_filled, 0) AS paper_price, o.feed, o.calendar,
		(o.ord).end_ts, (o.ord).limit_price, (o.ord).max_participation, (o.ord).min_quantity,
		(o.ord).best_effort, (o.ord).arrival_price, (o.ord).risk_aversion
	FROM lem_parent_order AS o
	WHERE lem_acts_for(o.owner);
-- a series of the bars of an order, more often than a long one
ALTER FUNCTION lem_unnest(lem_bars) ROWS 100;
-- A barrier is planned by itself: the newest orders are not found by an index.  From 15 on the
-- policies of the tables, which hold for whoever asks, stand in its place; what a query adds is
-- asked after them, and the planner sees the whole.  The views' own condition holds for those whom
-- policies do not bind, and for views on these that others own.
DO $$
BEGIN
	IF pg_catalog.current_setting('server_version_num')::int >= 150000 THEN
		ALTER VIEW lem_orders RESET (security_barrier);
		ALTER VIEW lem_orders SET (security_invoker = true);
		ALTER VIEW lem_slices RESET (security_barrier);
		ALTER VIEW lem_slices SET (security_invoker = true);
	END IF;
END
$$;
COMMENT ON COLUMN lem_orders.filled IS 'what was really traded, in the shares of now';
COMMENT ON COLUMN lem_orders.unallocated
	IS 'of an order that has ended, what was not traded; less than nothing: more was than its size';

ALTER FUNCTION lem_submit_order(text, text, lem_order, timestamptz)
	RENAME TO _lem_submit_order_1_0;
COMMENT ON FUNCTION _lem_submit_order_1_0(text, text, lem_order, timestamptz)
	IS 'lem_submit_order of version 1.0, for what was made with it';
CREATE FUNCTION lem_submit_order(series text, model text, ord lem_order,
	expires_at timestamptz DEFAULT NULL, client_id text DEFAULT NULL, track text DEFAULT NULL,
	basket text DEFAULT NULL, feed text DEFAULT NULL, calendar text DEFAULT NULL,
	bars text DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'pg_lem_submit_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_submit_order(text, text, lem_order, timestamptz, text, text, text, text,
	text, text)
	IS 'hand over an order for lem_work to work';

ALTER FUNCTION lem_resume_order(bigint) RENAME TO _lem_resume_order_1_0;
COMMENT ON FUNCTION _lem_resume_order_1_0(bigint)
	IS 'lem_resume_order of version 1.0, for what was made with it';
CREATE FUNCTION lem_resume_order(id bigint, missed text DEFAULT NULL) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_resume_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_resume_order(bigint, text)
	IS 'work an order on that is paused or has failed; false if it is not';

CREATE FUNCTION lem_pause_order(id bigint, reason text DEFAULT NULL) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_pause_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_pause_order(bigint, text)
	IS 'decide no slices of an order until it is resumed; false if it is not active';

CREATE FUNCTION lem_amend_order(id bigint, size float8 DEFAULT NULL,
	limit_price float8 DEFAULT NULL, max_rate float8 DEFAULT NULL,
	max_participation float8 DEFAULT NULL, end_ts timestamptz DEFAULT NULL,
	min_quantity float8 DEFAULT NULL, best_effort boolean DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL, clear text[] DEFAULT NULL) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_amend_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_amend_order(bigint, float8, float8, float8, float8, timestamptz, float8,
	boolean, timestamptz, text[])
	IS 'change an order from its next slice on; false if it has ended';

CREATE FUNCTION lem_adjust_order(id bigint, factor float8) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_adjust_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_adjust_order(bigint, float8)
	IS 'adjust an order for a split: factor new shares for each; false if it has ended';

CREATE FUNCTION lem_record_fill(order_id bigint, ts timestamptz, price float8, quantity float8,
	step int DEFAULT NULL, fee float8 DEFAULT 0, fill_id text DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'pg_lem_record_fill' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_record_fill(bigint, timestamptz, float8, float8, int, float8, text)
	IS 'record what was really traded of an order; the fill''s number';

CREATE FUNCTION lem_bust_fill(fill bigint, reason text DEFAULT NULL) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_bust_fill' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_bust_fill(bigint, text)
	IS 'take a fill back; false if it was taken back before';

-- Feeds.  That of orders that name none, "default", is there without a row.
CREATE TABLE lem_feed (
	name text COLLATE "C" PRIMARY KEY,
	calendar text,
	max_lag interval,
	owner lem_role NOT NULL
);
COMMENT ON TABLE lem_feed IS 'feeds of bars, which orders name; change it with the functions only';
COMMENT ON COLUMN lem_feed.calendar IS 'when its markets trade; NULL: as models say';
COMMENT ON COLUMN lem_feed.max_lag
	IS 'slices that are decided later into their bar are lagging; NULL: none is';
COMMENT ON COLUMN lem_feed.owner IS 'the role that can change it; "default": the extension''s owner';
GRANT SELECT ON lem_feed TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_feed', '');
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF owner ON lem_feed
	FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
ALTER TABLE lem_feed ENABLE ALWAYS TRIGGER lem_role_kept;

-- All tables that name roles are there.
SELECT lem_keep_roles();

CREATE FUNCTION lem_set_feed(name text, calendar text DEFAULT NULL, max_lag interval DEFAULT NULL)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_set_feed' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_set_feed(text, text, interval)
	IS 'make or change a feed of bars, which orders can name';
CREATE FUNCTION lem_drop_feed(name text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_drop_feed' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_drop_feed(text)
	IS 'drop a feed that has no orders any more; false if there is none of the name';

ALTER PROCEDURE lem_work(text, timestamptz) RENAME TO _lem_work_1_0;
COMMENT ON PROCEDURE _lem_work_1_0(text, timestamptz)
	IS 'lem_work of version 1.0, for what was made with it';
CREATE PROCEDURE lem_work(bars text, as_of timestamptz DEFAULT NULL, feed text DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'pg_lem_work' LANGUAGE C;
COMMENT ON PROCEDURE lem_work(text, timestamptz, text)
	IS 'decide the next slice of every active order whose bar has completed, by the bars of a query';

-- Working orders: end

-- Judging

ALTER FUNCTION lem_backtest_orders(text, lem_order, lem_bars, int, text, jsonb)
	RENAME TO _lem_backtest_orders_1_0;
COMMENT ON FUNCTION _lem_backtest_orders_1_0(text, lem_order, lem_bars, int, text, jsonb)
	IS 'lem_backtest_orders of version 1.0, for what was made with it';
CREATE FUNCTION lem_backtest_orders(model text, ord lem_order, bars lem_bars,
	every int DEFAULT 1, alignment text DEFAULT 'causal', options jsonb DEFAULT NULL,
	OUT ts timestamptz, OUT achieved float8, OUT benchmark float8, OUT bps float8,
	OUT bars_used int, OUT allocation float8[], OUT cost_bps float8, OUT completion float8,
	OUT alignment text, OUT unallocated float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_orders' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1000 SUPPORT _lem_support;
COMMENT ON FUNCTION lem_backtest_orders(text, lem_order, lem_bars, int, text, jsonb)
	IS 'what an order would have come to, a row a start';

CREATE FUNCTION _lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_accum_close' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8, jsonb)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8, float8[], jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_accum_close' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_backtest_accum(internal, text, lem_order, timestamptz, float8, float8,
	float8, float8[], jsonb)
	IS 'aggregate transition function';
CREATE AGGREGATE lem_backtest(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, close float8, options jsonb) (
	SFUNC = _lem_backtest_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_backtest_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_backtest_combine,
	SERIALFUNC = _lem_backtest_serialize,
	DESERIALFUNC = _lem_backtest_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_backtest(text, lem_order, timestamptz, float8, float8, float8, jsonb)
	IS 'what an order would have come to, over all starts in bars with closes';
CREATE AGGREGATE lem_backtest(model text, ord lem_order, ts timestamptz, price float8,
	volume float8, close float8, features float8[], options jsonb) (
	SFUNC = _lem_backtest_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_backtest_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_backtest_combine,
	SERIALFUNC = _lem_backtest_serialize,
	DESERIALFUNC = _lem_backtest_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_backtest(text, lem_order, timestamptz, float8, float8, float8, float8[],
	jsonb)
	IS 'what an order would have come to, over all starts in bars with closes and features';

ALTER TYPE lem_tca_report
	ADD ATTRIBUTE fees float8 CASCADE,
	ADD ATTRIBUTE fees_bps float8 CASCADE,
	ADD ATTRIBUTE total_cost float8 CASCADE,
	ADD ATTRIBUTE total_bps float8 CASCADE;
ALTER TYPE lem_tca_summary
	ADD ATTRIBUTE fees float8 CASCADE,
	ADD ATTRIBUTE fees_bps float8 CASCADE,
	ADD ATTRIBUTE total_cost float8 CASCADE,
	ADD ATTRIBUTE total_bps float8 CASCADE;

CREATE FUNCTION _lem_tca_accum(internal, lem_order, timestamptz, float8, float8, float8)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_tca_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_tca_accum(internal, lem_order, timestamptz, float8, float8, float8)
	IS 'aggregate transition function';
CREATE AGGREGATE lem_tca(ord lem_order, ts timestamptz, price float8, quantity float8, fee float8) (
	SFUNC = _lem_tca_accum,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = _lem_tca_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_tca_combine,
	SERIALFUNC = _lem_tca_serialize,
	DESERIALFUNC = _lem_tca_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_tca(lem_order, timestamptz, float8, float8, float8)
	IS 'an order with its fills and their fees, in any order of input';

ALTER FUNCTION lem_fills_unnest(lem_fills) RENAME TO _lem_fills_unnest_1_0;
COMMENT ON FUNCTION _lem_fills_unnest_1_0(lem_fills)
	IS 'lem_fills_unnest of version 1.0, for what was made with it';
CREATE FUNCTION lem_fills_unnest(fills lem_fills, OUT ts timestamptz, OUT price float8,
	OUT quantity float8, OUT fee float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_fills_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	ROWS 100;
COMMENT ON FUNCTION lem_fills_unnest(lem_fills) IS 'fills as rows, in time order';

ALTER FUNCTION lem_tca_report(lem_fills, lem_bars, interval[], timestamptz, text, interval)
	RENAME TO _lem_tca_report_1_0;
COMMENT ON FUNCTION _lem_tca_report_1_0(lem_fills, lem_bars, interval[], timestamptz, text, interval)
	IS 'lem_tca_report of version 1.0, for what was made with it';
CREATE FUNCTION lem_tca_report(fills lem_fills, bars lem_bars, markouts interval[] DEFAULT NULL,
	until timestamptz DEFAULT NULL, time_zone text DEFAULT 'UTC',
	bar_interval interval DEFAULT NULL, calendar text DEFAULT NULL,
	arrival_price float8 DEFAULT NULL) RETURNS lem_tca_report
	AS 'MODULE_PATHNAME', 'pg_lem_tca_report' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION lem_tca_report(lem_fills, lem_bars, interval[], timestamptz, text, interval,
	text, float8)
	IS 'what the fills of an order cost against the bars of the market';

-- VOLATILE: nothing is to be told before it is known that the order is not there.
CREATE FUNCTION _lem_unknown_order(id bigint) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_lem_unknown_order' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_unknown_order(bigint) IS 'raises that there is no such order';

-- What costs are measured of, from when on: of an order's limits none but the rates.
CREATE FUNCTION _lem_order_measured(ord lem_order, starts timestamptz) RETURNS lem_order
	LANGUAGE sql STABLE PARALLEL SAFE COST 1
	RETURN lem_order((ord).size, (ord).side, (ord).benchmark, (ord).unit, starts, (ord).min_bars,
		(ord).max_bars, (ord).min_rate, (ord).max_rate, (ord).lot, best_effort => true,
		arrival_price => (ord).arrival_price);
COMMENT ON FUNCTION _lem_order_measured(lem_order, timestamptz)
	IS 'an order without its limits in the market, for its costs';

-- Orders that lem_work works, by their numbers: what stands of their fills, in the shares of now.
-- The decision is the order's start, or the first fill where one came before that.
CREATE FUNCTION lem_order_fills(order_id bigint) RETURNS lem_fills
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT lem_tca(_lem_order_measured(o.ord,
		LEAST(COALESCE((o.ord).start_ts, o.submitted_at), l.first_ts)), f.ts, f.price / f.adjusted,
		f.quantity * f.adjusted, f.fee)
	FROM lem_orders AS o
	CROSS JOIN LATERAL (SELECT min(f.ts) AS first_ts FROM lem_order_fill AS f
		WHERE f.order_id = o.id AND f.busted_at IS NULL) AS l
	LEFT JOIN lem_order_fill AS f ON f.order_id = o.id AND f.busted_at IS NULL
	WHERE o.id = lem_order_fills.order_id
	HAVING CASE WHEN count(o.id) = 0 AND lem_order_fills.order_id IS NOT NULL
		THEN _lem_unknown_order(lem_order_fills.order_id) IS NULL ELSE true END;
END;
COMMENT ON FUNCTION lem_order_fills(bigint)
	IS 'an order that is worked, with its fills, for lem_tca_report';

-- When an order ended that was not completed, for its costs: with its last slice's bar, or before.
CREATE FUNCTION _lem_order_until(state text, last_ts timestamptz, expires_at timestamptz,
	ended_at timestamptz) RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE COST 1
	RETURN CASE state WHEN 'finished' THEN last_ts + interval '1 microsecond'
		WHEN 'expired' THEN LEAST(expires_at, ended_at) WHEN 'cancelled' THEN ended_at END;
COMMENT ON FUNCTION _lem_order_until(text, timestamptz, timestamptz, timestamptz)
	IS 'when an order ended, for its costs';

CREATE FUNCTION lem_order_tca(order_id bigint, bars lem_bars, markouts interval[] DEFAULT NULL,
	until timestamptz DEFAULT NULL, time_zone text DEFAULT 'UTC',
	bar_interval interval DEFAULT NULL, calendar text DEFAULT NULL,
	arrival_price float8 DEFAULT NULL) RETURNS lem_tca_report
	LANGUAGE sql STABLE PARALLEL SAFE COST 2000
BEGIN ATOMIC
	SELECT lem_tca_report(lem_order_fills(lem_order_tca.order_id), bars, markouts,
		COALESCE(until, _lem_order_until(o.state, o.last_ts, o.expires_at, o.ended_at)),
		time_zone, bar_interval, COALESCE(lem_order_tca.calendar, o.calendar),
		lem_order_tca.arrival_price)
	FROM (SELECT) AS one LEFT JOIN lem_orders AS o ON o.id = lem_order_tca.order_id;
END;
COMMENT ON FUNCTION lem_order_tca(bigint, lem_bars, interval[], timestamptz, text, interval, text,
	float8)
	IS 'what the fills of an order that is worked cost against the bars of the market';

-- Judging: end

-- Training

-- Training: end

-- Market making

CREATE TYPE lem_book;

CREATE FUNCTION _lem_book_in(cstring) RETURNS lem_book
	AS 'MODULE_PATHNAME', 'pg_lem_book_in' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION _lem_book_out(lem_book) RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_lem_book_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION _lem_book_recv(internal) RETURNS lem_book
	AS 'MODULE_PATHNAME', 'pg_lem_book_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_book_send(lem_book) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_book_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
CREATE TYPE lem_book (
	INPUT = _lem_book_in,
	OUTPUT = _lem_book_out,
	RECEIVE = _lem_book_recv,
	SEND = lem_book_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE lem_book
	IS 'a series of book bars in time order: quotes at the end of each bar, the trades inside it';
COMMENT ON FUNCTION _lem_book_in(cstring) IS 'I/O';
COMMENT ON FUNCTION _lem_book_out(lem_book) IS 'I/O';
COMMENT ON FUNCTION _lem_book_recv(internal) IS 'I/O';
COMMENT ON FUNCTION lem_book_send(lem_book) IS 'I/O';

CREATE FUNCTION lem_book_count(book lem_book) RETURNS bigint
	AS 'MODULE_PATHNAME', 'pg_lem_book_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_count(lem_book) IS 'number of bars';

CREATE FUNCTION lem_book_unnest(book lem_book, OUT ts timestamptz, OUT bid float8, OUT ask float8,
	OUT bid_size float8, OUT ask_size float8, OUT open float8, OUT high float8, OUT low float8,
	OUT close float8, OUT volume float8, OUT buy_volume float8, OUT features float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_book_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	ROWS 1000;
COMMENT ON FUNCTION lem_book_unnest(lem_book) IS 'book bars as rows, in time order';

CREATE FUNCTION lem_book_features(book lem_book, tick float8 DEFAULT NULL, OUT ts timestamptz,
	OUT mid float8, OUT spread float8, OUT spread_source text, OUT spread_ticks float8,
	OUT imbalance float8, OUT order_flow float8, OUT microprice float8, OUT signed_volume float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_book_features' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100 ROWS 1000;
COMMENT ON FUNCTION lem_book_features(lem_book, float8)
	IS 'what each bar of a book says of its mid, spread, imbalance and flow';

CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_book_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION _lem_book_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION _lem_book_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_book_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION _lem_book_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION _lem_book_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION _lem_book_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION _lem_book_final(internal) RETURNS lem_book
	AS 'MODULE_PATHNAME', 'pg_lem_book_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_book_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_book(ts timestamptz, open float8, high float8, low float8, close float8,
	volume float8) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8)
	IS 'book bars without quotes as one value, in any order of input';

CREATE AGGREGATE lem_book(ts timestamptz, open float8, high float8, low float8, close float8,
	volume float8, buy_volume float8) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8)
	IS 'book bars without quotes, with takers'' buys, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, open float8, high float8, low float8, close float8,
	volume float8, buy_volume float8, features float8[]) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8[])
	IS 'book bars without quotes, with extra features, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, open float8, high float8,
	low float8, close float8, volume float8) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8)
	IS 'book bars without sizes as one value, in any order of input';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, open float8, high float8,
	low float8, close float8, volume float8, buy_volume float8) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8)
	IS 'book bars without sizes, with takers'' buys, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, open float8, high float8,
	low float8, close float8, volume float8, buy_volume float8, features float8[]) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8[])
	IS 'book bars without sizes, with extra features, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, bid_size float8,
	ask_size float8, open float8, high float8, low float8, close float8, volume float8) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8)
	IS 'book bars as one value, in any order of input';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, bid_size float8,
	ask_size float8, open float8, high float8, low float8, close float8, volume float8,
	buy_volume float8) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8, float8)
	IS 'book bars, with takers'' buys, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, bid_size float8,
	ask_size float8, open float8, high float8, low float8, close float8, volume float8,
	buy_volume float8, features float8[]) (
	SFUNC = _lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_book_combine,
	SERIALFUNC = _lem_book_serialize,
	DESERIALFUNC = _lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8, float8, float8[])
	IS 'book bars, with extra features, as one value';

CREATE TYPE lem_quoting AS (
	levels int,
	tick float8,
	lot float8,
	participation float8,
	max_position float8,
	theta float8,
	eta float8,
	kappa float8,
	size_step float8,
	maker_fee_bps float8,
	taker_fee_bps float8
);
COMMENT ON TYPE lem_quoting IS 'how a market maker quotes: levels, sizes, widths, limits and fees';

CREATE FUNCTION lem_quoting(levels int, tick float8, lot float8, participation float8,
	max_position float8, theta float8 DEFAULT NULL, eta float8 DEFAULT NULL,
	kappa float8 DEFAULT NULL, size_step float8 DEFAULT NULL, maker_fee_bps float8 DEFAULT 0,
	taker_fee_bps float8 DEFAULT 0) RETURNS lem_quoting
	AS 'MODULE_PATHNAME', 'pg_lem_quoting' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
	COST 10;
COMMENT ON FUNCTION lem_quoting(int, float8, float8, float8, float8, float8, float8, float8,
	float8, float8, float8)
	IS 'say how a market maker quotes';

CREATE FUNCTION lem_maker_backtest(model text, quoting lem_quoting, book lem_book,
	options jsonb DEFAULT '{}', OUT strategy text, OUT fill text, OUT bars bigint,
	OUT episodes bigint, OUT pnl float8, OUT spread_earned float8, OUT inventory_gain float8,
	OUT fees float8, OUT closing_cost float8, OUT epnl float8, OUT epnl_low float8,
	OUT epnl_high float8, OUT map float8, OUT pnlmap float8, OUT nd_pnl float8,
	OUT profit_ratio float8, OUT sharpe float8, OUT max_drawdown float8, OUT fill_rate float8,
	OUT fills bigint, OUT quoted float8, OUT filled float8, OUT turnover float8,
	OUT max_position float8, OUT markout_1_bps float8, OUT markout_5_bps float8,
	OUT markout_20_bps float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_maker_backtest' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 2;
COMMENT ON FUNCTION lem_maker_backtest(text, lem_quoting, lem_book, jsonb)
	IS 'what quotes would have earned in a book, under each rule of fills';

CREATE FUNCTION lem_maker_fills(model text, quoting lem_quoting, book lem_book,
	options jsonb DEFAULT '{}', OUT ts timestamptz, OUT side text, OUT level int,
	OUT price float8, OUT quantity float8, OUT fee float8, OUT "position" float8, OUT mid float8,
	OUT closing boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_maker_fills' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION lem_maker_fills(text, lem_quoting, lem_book, jsonb)
	IS 'the fills of a backtest of market making';

CREATE PROCEDURE lem_train_maker(model text, query text, config jsonb DEFAULT '{}',
	options jsonb DEFAULT '{}')
	AS 'MODULE_PATHNAME', 'pg_lem_train_maker' LANGUAGE C;
COMMENT ON PROCEDURE lem_train_maker(text, text, jsonb, jsonb)
	IS 'train a model of market making on the book bars of a query, as a new version';

CREATE PROCEDURE lem_distill(student text, teacher text, query text, config jsonb DEFAULT '{}',
	options jsonb DEFAULT '{}')
	AS 'MODULE_PATHNAME', 'pg_lem_distill' LANGUAGE C;
COMMENT ON PROCEDURE lem_distill(text, text, text, jsonb, jsonb)
	IS 'train small students of a teacher of market making, joined in a mixture, as a new version';

CREATE FUNCTION lem_probe(model text, book lem_book, options jsonb DEFAULT '{}', OUT layer text,
	OUT task text, OUT regime int, OUT response float8, OUT null_mean float8, OUT null_sd float8,
	OUT z float8, OUT share float8, OUT gradient float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_probe' LANGUAGE C STABLE STRICT PARALLEL SAFE
	COST 10000000 ROWS 36;
COMMENT ON FUNCTION lem_probe(text, lem_book, jsonb)
	IS 'which layer of a model of market making serves which task in which regime';

-- The students of mixtures, from what their models say about themselves, which a file that was
-- imported may say in any form.
CREATE VIEW lem_experts AS
SELECT m.name AS model, m.version, e.expert ->> 'layer' AS layer, e.expert ->> 'task' AS task,
	CASE WHEN e.expert ->> 'regime' IN ('1', '2', '3')
		THEN (e.expert ->> 'regime')::int END AS regime,
	CASE WHEN pg_catalog.jsonb_typeof(e.expert -> 'loss') = 'number'
		AND pg_catalog.abs((e.expert ->> 'loss')::numeric) < 1e300
		THEN (e.expert ->> 'loss')::numeric::float8 END AS calibration_loss,
	CASE WHEN pg_catalog.jsonb_typeof(e.expert -> 'weight') = 'number'
		AND pg_catalog.abs((e.expert ->> 'weight')::numeric) < 1e300
		THEN (e.expert ->> 'weight')::numeric::float8 END AS weight
FROM lem_models AS m,
	LATERAL pg_catalog.jsonb_array_elements(
		CASE WHEN pg_catalog.jsonb_typeof(m.metrics -> 'experts') = 'array'
			THEN m.metrics -> 'experts' ELSE '[]' END) AS e (expert);
COMMENT ON VIEW lem_experts IS 'students of mixtures of market making, and what they weigh';
GRANT SELECT ON lem_experts TO PUBLIC;

CREATE FUNCTION lem_forecast(model text, book lem_book, OUT ts timestamptz, OUT mid float8,
	OUT mid_low float8, OUT mid_high float8, OUT spread float8, OUT volume float8,
	OUT regime int, OUT weights float8[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_forecast' LANGUAGE C STABLE STRICT PARALLEL SAFE
	COST 100000 ROWS 1;
COMMENT ON FUNCTION lem_forecast(text, lem_book)
	IS 'forecast of mid, spread and volume after the last bar of a book';

CREATE FUNCTION lem_quote(model text, quoting lem_quoting, book lem_book, "position" float8,
	options jsonb DEFAULT '{}', OUT side text, OUT level int, OUT price float8,
	OUT quantity float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_quote' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
	COST 100000 ROWS 10;
COMMENT ON FUNCTION lem_quote(text, lem_quoting, lem_book, float8, jsonb)
	IS 'quotes for the bar after the last one of a book';

CREATE FUNCTION lem_tune_quoting(model text, quoting lem_quoting, book lem_book,
	options jsonb DEFAULT '{}') RETURNS lem_quoting
	AS 'MODULE_PATHNAME', 'pg_lem_tune_quoting' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10000000;
COMMENT ON FUNCTION lem_tune_quoting(text, lem_quoting, lem_book, jsonb)
	IS 'choose what a quoting leaves open by what it earns in a book';

CREATE TYPE lem_quote AS (side text, level int, price float8, quantity float8);
COMMENT ON TYPE lem_quote IS 'a quote of a market maker';

CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION _lem_quote_accum(internal, text, lem_quoting, float8, timestamptz, float8,
	float8, float8, float8, float8, float8, float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION _lem_quote_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION _lem_quote_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION _lem_quote_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_quote_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION _lem_quote_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION _lem_quote_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_quote_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION _lem_quote_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION _lem_quote_final(internal) RETURNS lem_quote[]
	AS 'MODULE_PATHNAME', 'pg_lem_quote_final' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION _lem_quote_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	open float8, high float8, low float8, close float8, volume float8) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8)
	IS 'quotes after the last of some book bars without quotes';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	open float8, high float8, low float8, close float8, volume float8, buy_volume float8) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8)
	IS 'quotes after the last of some book bars without quotes, with takers'' buys';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	open float8, high float8, low float8, close float8, volume float8, buy_volume float8,
	features float8[]) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8[])
	IS 'quotes after the last of some book bars without quotes, with takers'' buys and extra features';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	bid float8, ask float8, open float8, high float8, low float8, close float8, volume float8) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8)
	IS 'quotes after the last of some book bars without sizes';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	bid float8, ask float8, open float8, high float8, low float8, close float8, volume float8,
	buy_volume float8) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8, float8)
	IS 'quotes after the last of some book bars without sizes, with takers'' buys';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	bid float8, ask float8, open float8, high float8, low float8, close float8, volume float8,
	buy_volume float8, features float8[]) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8, float8, float8[])
	IS 'quotes after the last of some book bars without sizes, with takers'' buys and extra features';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	bid float8, ask float8, bid_size float8, ask_size float8, open float8, high float8,
	low float8, close float8, volume float8) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8, float8, float8)
	IS 'quotes after the last of some book bars';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	bid float8, ask float8, bid_size float8, ask_size float8, open float8, high float8,
	low float8, close float8, volume float8, buy_volume float8) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8, float8, float8, float8)
	IS 'quotes after the last of some book bars, with takers'' buys';

CREATE AGGREGATE lem_quote(model text, quoting lem_quoting, "position" float8, ts timestamptz,
	bid float8, ask float8, bid_size float8, ask_size float8, open float8, high float8,
	low float8, close float8, volume float8, buy_volume float8, features float8[]) (
	SFUNC = _lem_quote_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = _lem_quote_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = _lem_quote_combine,
	SERIALFUNC = _lem_quote_serialize,
	DESERIALFUNC = _lem_quote_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_quote(text, lem_quoting, float8, timestamptz, float8, float8, float8,
	float8, float8, float8, float8, float8, float8, float8, float8[])
	IS 'quotes after the last of some book bars, with takers'' buys and extra features';

-- Constants of quotes, kept with a version of a model.
ALTER TABLE lem_model ADD COLUMN quoting lem_quoting;
COMMENT ON COLUMN lem_model.quoting IS 'what quotings that leave it open take: see lem_keep_quoting';
CREATE OR REPLACE VIEW lem_models AS
	SELECT m.name, m.version, m.deployed, m.parameters, m.bytes, m.config, m.created_by,
		m.created_at, m.training_run, m.metrics, lem_role_name(n.owner) AS owner, m.quoting
	FROM lem_model AS m
	LEFT JOIN lem_model_name AS n ON n.name OPERATOR(pg_catalog.=) m.name;

CREATE FUNCTION lem_keep_quoting(model text, quoting lem_quoting) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_keep_quoting' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION lem_keep_quoting(text, lem_quoting)
	IS 'keep the constants of a quoting with a model';

-- Market making: end

-- Pictures

CREATE FUNCTION lem_chart(chart jsonb) RETURNS text
	AS 'MODULE_PATHNAME', 'pg_lem_chart' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION lem_chart(jsonb) IS 'a picture with axes, as SVG, of what the JSON has';

CREATE FUNCTION lem_html(value text) RETURNS text
	AS 'MODULE_PATHNAME', 'pg_lem_html' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_html(text) IS 'text as it stands in HTML or XML, whatever it is';

CREATE FUNCTION lem_html_table(head text[], cells jsonb) RETURNS text
	AS 'MODULE_PATHNAME', 'pg_lem_html_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION lem_html_table(text[], jsonb)
	IS 'a table in HTML: an array of rows, each an array of cells';

CREATE FUNCTION lem_html_page(title text, body text) RETURNS text
	AS 'MODULE_PATHNAME', 'pg_lem_html_page' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION lem_html_page(text, text) IS 'a whole page of HTML about some markup';

CREATE FUNCTION _lem_unknown_kind(kind text, kinds text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_lem_unknown_kind' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION _lem_unknown_kind(text, text) IS 'raises that there is no such report or picture';

-- The windows of a model as options, so that a baseline runs over the same ones.
CREATE FUNCTION _lem_windows_of(model text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT COALESCE((SELECT jsonb_strip_nulls(jsonb_build_object(
			'n_ahead', m.config -> 'n_ahead', 'norm_window', m.config -> 'norm_window',
			'bar_interval', m.config -> 'bar_interval', 'time_zone', m.config -> 'time_zone',
			'gaps', m.config -> 'gaps', 'calendar', m.config -> 'calendar'))
		FROM lem_models AS m
		WHERE m.name = split_part(model, '@', 1)
			AND CASE WHEN position('@' IN model) > 0 THEN m.version::text = split_part(model, '@', 2)
				ELSE m.deployed END), '{}'::jsonb);
END;
COMMENT ON FUNCTION _lem_windows_of(text)
	IS 'what a model''s config says of its windows, as options of baselines';

CREATE FUNCTION _lem_schedule_pictures(model text, ord lem_order, bars lem_bars) RETURNS SETOF jsonb
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000000 ROWS 1
BEGIN ATOMIC
	WITH s AS MATERIALIZED (
		SELECT * FROM lem_schedule(model, ord, bars)
	), v AS MATERIALIZED (
		-- the market's volume, not what the order's own limits leave of it
		SELECT v.step, v.allocation FROM lem_baseline('vwap_curve',
			lem_order(1, start_ts => (ord).start_ts, max_bars => (ord).max_bars, end_ts => (ord).end_ts), bars,
			_lem_windows_of(model) || jsonb_build_object('n_ahead', (SELECT count(*) FROM s))) AS v
	), e AS MATERIALIZED (
		SELECT * FROM lem_explain(model, ord, bars)
	), changes AS (
		SELECT c.input, c.value,
			(SELECT w.value FROM e AS w WHERE w.kind = 'variable' AND w.input = c.input
				ORDER BY w.ts DESC LIMIT 1) AS weight
		FROM e AS c WHERE c.kind = 'change' ORDER BY abs(c.value) DESC, c.input LIMIT 12
	), looked AS (
		SELECT e.ts, sum(e.value) / max(max(e.head)) OVER () AS weight
		FROM e WHERE e.kind = 'attention' GROUP BY e.ts
	), early AS MATERIALIZED (
		SELECT w.* FROM lem_early_finish_value(ord, bars,
			_lem_windows_of(model) || jsonb_build_object('n_ahead', (SELECT count(*) FROM s))) AS w
		WHERE (ord).min_bars IS NOT NULL
	), past AS (
		SELECT b.ts, b.price, b.volume FROM lem_unnest(bars) AS b
		WHERE b.ts >= (SELECT min(ts) FROM looked) OR NOT EXISTS (SELECT FROM looked)
		ORDER BY b.ts DESC LIMIT 400
	)
	SELECT jsonb_build_array(
		(SELECT jsonb_build_object('name', 'schedule', 'title', 'The plan, and the volume expected',
			'note', 'Shares of the order by bar; done: as it was decided, next: firm, projected: will be decided again.',
			'chart', jsonb_build_object('title', 'Share of the order by bar', 'y_label', 'share', 'zero', true,
				'overlay', true, 'categories', jsonb_agg(s.step::text ORDER BY s.step),
				'series', jsonb_build_array(
					jsonb_build_object('name', 'done', 'mark', 'bar', 'colour', 6, 'y',
						jsonb_agg(CASE WHEN s.state = 'done' THEN s.allocation END ORDER BY s.step)),
					jsonb_build_object('name', 'next', 'mark', 'bar', 'colour', 1, 'y',
						jsonb_agg(CASE WHEN s.state = 'next' THEN s.allocation END ORDER BY s.step)),
					jsonb_build_object('name', 'projected', 'mark', 'bar', 'colour', 0, 'y',
						jsonb_agg(CASE WHEN s.state = 'projected' THEN s.allocation END ORDER BY s.step)),
					jsonb_build_object('name', 'expected volume', 'mark', 'line', 'colour', 2, 'y',
						jsonb_agg(v.allocation ORDER BY s.step)))),
			'head', '["bar", "begins", "state", "share", "so far", "quantity", "expected volume"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(s.step, s.ts, s.state, s.allocation, s.cumulative, s.quantity,
				v.allocation) ORDER BY s.step))
			FROM s LEFT JOIN v USING (step)),
		(SELECT jsonb_build_object('name', 'early', 'title', 'The right to finish early',
			'note', CASE WHEN count(*) = 0 THEN 'The order uses all its bars.' ELSE 'What it is worth at the start, for prices '
				'without drift: the best schedule with it less the best without it.' END, 'chart', NULL,
			'head', '["of a bar''s deviation", "bps", "money"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(w.sigma, w.bps, w.money)), '[]'::jsonb))
			FROM early AS w),
		(SELECT jsonb_build_object('name', 'prices', 'title', 'The bars that were looked at',
			'note', 'Prices, and how much attention went to each bar (all heads together).',
			'chart', jsonb_build_object('title', 'Price', 'times', true, 'series', jsonb_build_array(
				jsonb_build_object('mark', 'line',
					'x', jsonb_agg(EXTRACT(epoch FROM p.ts) ORDER BY p.ts), 'y', jsonb_agg(p.price ORDER BY p.ts)))),
			'head', '["bar", "price", "volume", "attention"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(p.ts, p.price, p.volume, l.weight) ORDER BY p.ts))
			FROM past AS p LEFT JOIN looked AS l USING (ts)),
		(SELECT jsonb_build_object('name', 'inputs', 'title', 'What moved the next slice',
			'note', 'By how much the next share would be larger if the input had been as usual; the weight that variable '
				'selection gave to it in the row that decides.',
			'chart', jsonb_build_object('title', 'Change of the next share by input', 'y_label', 'share',
				'categories', COALESCE(jsonb_agg(c.input ORDER BY abs(c.value) DESC, c.input), '[]'::jsonb),
				'series', jsonb_build_array(jsonb_build_object('mark', 'bar', 'y',
					COALESCE(jsonb_agg(c.value ORDER BY abs(c.value) DESC, c.input), '[]'::jsonb)))),
			'head', '["input", "change", "weight"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(c.input, c.value, c.weight)
				ORDER BY abs(c.value) DESC, c.input), '[]'::jsonb))
			FROM changes AS c));
END;
COMMENT ON FUNCTION _lem_schedule_pictures(text, lem_order, lem_bars)
	IS 'the pictures of a schedule and their figures';

CREATE FUNCTION _lem_report_options(kind text, options jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_lem_report_options' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION _lem_report_options(text, jsonb)
	IS 'the options of a report, checked';

CREATE FUNCTION _lem_backtest_pairs(model text, yardstick text, ord lem_order, bars lem_bars, every int,
	options jsonb, OUT ts timestamptz, OUT achieved float8, OUT benchmark float8, OUT bps float8,
	OUT bars_used int, OUT completion float8, OUT other float8, OUT other_used int,
	OUT difference float8, OUT sigma float8, OUT fifth int, OUT bar bigint, OUT horizon int) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_pairs' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1000 SUPPORT _lem_support;
COMMENT ON FUNCTION _lem_backtest_pairs(text, text, lem_order, lem_bars, int, jsonb)
	IS 'what an order would have come to by a model and by a yardstick, a row a start';

CREATE FUNCTION _lem_backtest_pictures(model text, ord lem_order, bars lem_bars, options jsonb)
	RETURNS SETOF jsonb LANGUAGE sql STABLE PARALLEL SAFE COST 10000000 ROWS 1
BEGIN ATOMIC
	WITH given AS (
		SELECT COALESCE(options ->> 'yardstick', 'baseline:stop_rule') AS yardstick,
			-- checked here: with a constant the planner reads it before anything is run
			COALESCE((_lem_report_options('backtest', options) ->> 'every')::int, 1) AS every,
			options - 'yardstick' - 'every' - 'minima' AS options, options -> 'minima' AS minima,
			COALESCE(_lem_windows_of(model) ->> 'time_zone', options ->> 'time_zone', 'UTC') AS time_zone
	), pairs AS MATERIALIZED (
		-- intervals go by bars, as those of lem_backtest do: they are counted as a clock's seconds
		SELECT p.*, to_timestamp(p.bar) AS bar_time, p.horizon * interval '1 second' AS lasts
		FROM given AS g, _lem_backtest_pairs(model, g.yardstick, ord, bars, g.every, g.options) AS p
	), totals AS MATERIALIZED (
		SELECT 1 AS place, model AS name, count(p.bps) AS orders, avg(p.bps) AS mean, stddev_samp(p.bps) AS std,
			percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY p.bps) AS p,
			avg((p.bps > 0)::int::float8) AS wins, avg(p.bars_used) AS bars_used,
			lem_mean_interval(p.bps, p.bar_time, p.lasts) AS i
		FROM pairs AS p
		UNION ALL SELECT 2, (SELECT yardstick FROM given), count(p.other), avg(p.other), stddev_samp(p.other),
			percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY p.other),
			avg((p.other > 0)::int::float8), avg(p.other_used),
			lem_mean_interval(p.other, p.bar_time, p.lasts)
		FROM pairs AS p
		UNION ALL SELECT 3, 'difference', count(p.difference), avg(p.difference), stddev_samp(p.difference),
			percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY p.difference),
			avg((p.difference > 0)::int::float8), NULL,
			lem_mean_interval(p.difference, p.bar_time, p.lasts)
		FROM pairs AS p
	), edges AS MATERIALIZED (
		SELECT q[1] AS low, GREATEST(q[2], q[1] + 1e-9) AS high
		FROM (SELECT percentile_cont('{0.005,0.995}'::float8[]) WITHIN GROUP (ORDER BY b.bps) AS q
			FROM (SELECT bps FROM pairs UNION ALL SELECT other FROM pairs) AS b) AS x
	), counted AS (
		SELECT width_bucket(LEAST(GREATEST(b.bps, e.low), e.high - (e.high - e.low) * 1e-9), e.low, e.high, 40) AS bucket,
			sum(b.mine) AS mine, sum(b.theirs) AS theirs
		FROM (SELECT bps, 1 AS mine, 0 AS theirs FROM pairs UNION ALL SELECT other, 0, 1 FROM pairs) AS b, edges AS e
		WHERE b.bps IS NOT NULL GROUP BY 1
	), histogram AS (
		SELECT b.bucket, e.low + (b.bucket - 0.5) * (e.high - e.low) / 40 AS middle, COALESCE(c.mine, 0) AS mine,
			COALESCE(c.theirs, 0) AS theirs
		FROM edges AS e CROSS JOIN generate_series(1, 40) AS b (bucket) LEFT JOIN counted AS c ON c.bucket = b.bucket
	), months AS (
		SELECT to_char(x.month, 'YYYY-MM') AS name, x.*
		FROM (SELECT date_trunc('month', p.ts AT TIME ZONE g.time_zone) AS month,
				count(*) AS n, avg(p.bps) AS mean, stddev_samp(p.bps) AS std, avg(p.other) AS other,
				lem_mean_interval(p.bps, p.bar_time, p.lasts) AS i
			FROM pairs AS p, given AS g GROUP BY 1) AS x
	), hours AS (
		SELECT to_char(x.hour, 'FM00') AS name, x.*
		FROM (SELECT date_part('hour', p.ts AT TIME ZONE g.time_zone) AS hour,
				count(*) AS n, avg(p.bps) AS mean, stddev_samp(p.bps) AS std, avg(p.other) AS other
			FROM pairs AS p, given AS g GROUP BY 1) AS x
	), volatility AS (
		SELECT p.fifth, count(*) AS n, min(p.sigma) * 1e4 AS low, max(p.sigma) * 1e4 AS high, avg(p.bps) AS mean,
			stddev_samp(p.bps) AS std, avg(p.other) AS other
		FROM pairs AS p GROUP BY p.fifth
	), minima AS (
		SELECT x.value AS least, b.*
		FROM given AS g, jsonb_array_elements_text(CASE WHEN jsonb_typeof(g.minima) = 'array' THEN g.minima ELSE '[]'::jsonb END) AS x,
			lem_backtest(_lem_backtest_pictures.model, jsonb_populate_record(ord, jsonb_build_object('min_bars', x.value::int)), bars,
				g.options || jsonb_build_object('every', g.every)) AS b
	), worst AS (
		SELECT * FROM pairs ORDER BY bps, ts LIMIT 10
	)
	SELECT jsonb_build_array(
		(SELECT jsonb_build_object('name', 'gains', 'title', 'Gains against the benchmark',
			'note', 'Basis points of the benchmark, positive is good; the outermost half percent at either end stands in the last column.',
			'warning', (SELECT CASE WHEN (t.i).ci_low IS NULL THEN 'There are too few orders for an interval of the difference.'
					WHEN (t.i).ci_low <= 0 AND (t.i).ci_high >= 0
						THEN 'The interval of the paired difference covers 0: these bars do not show which of the two is better.' END
				FROM totals AS t WHERE t.place = 3),
			'chart', jsonb_build_object('title', 'Distribution of gains', 'x_label', 'bps', 'y_label', 'orders', 'zero', true,
				'series', jsonb_build_array(
					jsonb_build_object('name', model, 'mark', 'bar', 'x', jsonb_agg(h.middle ORDER BY h.bucket),
						'y', jsonb_agg(h.mine ORDER BY h.bucket)),
					jsonb_build_object('name', (SELECT yardstick FROM given), 'mark', 'step', 'colour', 1,
						'x', jsonb_agg(h.middle ORDER BY h.bucket), 'y', jsonb_agg(h.theirs ORDER BY h.bucket)))),
			'head', '["strategy", "orders", "mean", "from", "to", "std", "ratio", "5 %", "median", "95 %", "wins", "bars used"]'::jsonb,
			'cells', (SELECT jsonb_agg(jsonb_build_array(t.name, t.orders, t.mean, (t.i).ci_low, (t.i).ci_high, t.std,
				t.mean / NULLIF(t.std, 0), t.p[1], t.p[2], t.p[3], t.wins, t.bars_used) ORDER BY t.place) FROM totals AS t))
			FROM histogram AS h),
		(SELECT jsonb_build_object('name', 'months', 'title', 'By month',
			'note', 'Months in the model''s time zone; mean gain with its 95 % interval, where there are enough orders for one.',
			'chart', jsonb_build_object('title', 'Mean gain by month', 'y_label', 'bps', 'zero', true,
				'categories', jsonb_agg(m.name ORDER BY m.name),
				'series', jsonb_build_array(
					jsonb_build_object('name', model, 'mark', 'bar', 'y', jsonb_agg(m.mean ORDER BY m.name)),
					jsonb_build_object('name', '95 %', 'mark', 'interval', 'colour', 6,
						'y', jsonb_agg((m.i).ci_high ORDER BY m.name), 'base', jsonb_agg((m.i).ci_low ORDER BY m.name)))),
			'head', '["month", "orders", "mean", "from", "to", "std", "yardstick''s mean"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(m.name, m.n, m.mean, (m.i).ci_low, (m.i).ci_high, m.std, m.other)
				ORDER BY m.name))
			FROM months AS m),
		(SELECT jsonb_build_object('name', 'hours', 'title', 'By hour of the start',
			'note', 'Hours of the day in the model''s time zone.',
			'chart', jsonb_build_object('title', 'Mean gain by hour', 'y_label', 'bps', 'zero', true,
				'categories', jsonb_agg(x.name ORDER BY x.name),
				'series', jsonb_build_array(
					jsonb_build_object('name', model, 'mark', 'bar', 'y', jsonb_agg(x.mean ORDER BY x.name)),
					jsonb_build_object('name', (SELECT yardstick FROM given), 'mark', 'point', 'colour', 1,
						'y', jsonb_agg(x.other ORDER BY x.name)))),
			'head', '["hour", "orders", "mean", "std", "yardstick''s mean"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(x.name, x.n, x.mean, x.std, x.other) ORDER BY x.name))
			FROM hours AS x),
		(SELECT jsonb_build_object('name', 'volatility', 'title', 'By volatility',
			'note', 'Fifths of the starts by the deviation of prices over the 48 bars before, in basis points a bar.',
			'chart', jsonb_build_object('title', 'Mean gain by volatility', 'y_label', 'bps', 'zero', true,
				'categories', COALESCE(jsonb_agg(round(v.low::numeric, 1) || ' to ' || round(v.high::numeric, 1) ORDER BY v.fifth), '[]'::jsonb),
				'series', jsonb_build_array(
					jsonb_build_object('name', model, 'mark', 'bar', 'y', COALESCE(jsonb_agg(v.mean ORDER BY v.fifth), '[]'::jsonb)),
					jsonb_build_object('name', (SELECT yardstick FROM given), 'mark', 'point', 'colour', 1,
						'y', COALESCE(jsonb_agg(v.other ORDER BY v.fifth), '[]'::jsonb)))),
			'head', '["from", "to", "orders", "mean", "std", "yardstick''s mean"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(v.low, v.high, v.n, v.mean, v.std, v.other) ORDER BY v.fifth), '[]'::jsonb))
			FROM volatility AS v),
		(SELECT jsonb_build_object('name', 'minima', 'title', 'By minimum',
			'note', CASE WHEN count(*) = 0 THEN 'The option minima lists numbers of bars after which the order may end, to be shown beside each other.'
				ELSE 'Mean and deviation by the number of bars after which the order may end.' END,
			'chart', CASE WHEN count(*) > 0 THEN jsonb_build_object('title', 'Mean gain by minimum', 'y_label', 'bps', 'zero', true,
				'categories', jsonb_agg(x.least ORDER BY x.least::int), 'series', jsonb_build_array(
					jsonb_build_object('name', _lem_backtest_pictures.model, 'mark', 'bar', 'y', jsonb_agg(x.mean_bps ORDER BY x.least::int)),
					jsonb_build_object('name', '95 %', 'mark', 'interval', 'colour', 6,
						'y', jsonb_agg(x.ci_high ORDER BY x.least::int), 'base', jsonb_agg(x.ci_low ORDER BY x.least::int)))) END,
			'head', '["minimum", "orders", "mean", "from", "to", "std", "bars used"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(x.least::int, x.orders, x.mean_bps, x.ci_low, x.ci_high, x.std_bps, x.bars_used)
				ORDER BY x.least::int), '[]'::jsonb))
			FROM minima AS x),
		(SELECT jsonb_build_object('name', 'worst', 'title', 'The ten worst orders', 'chart', NULL,
			'head', '["start", "achieved", "benchmark", "gain", "bars used", "completion", "yardstick''s gain"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(w.ts, w.achieved, w.benchmark, w.bps, w.bars_used, w.completion, w.other)
				ORDER BY w.bps, w.ts))
			FROM worst AS w))
	FROM (SELECT count(*) AS n FROM pairs) AS c WHERE c.n > 0;
END;
COMMENT ON FUNCTION _lem_backtest_pictures(text, lem_order, lem_bars, jsonb)
	IS 'the pictures of a backtest and their figures';

CREATE FUNCTION _lem_training_pictures(model text) RETURNS SETOF jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1
BEGIN ATOMIC
	WITH r AS (
		SELECT * FROM lem_training_runs AS r WHERE r.model = _lem_training_pictures.model ORDER BY r.run DESC LIMIT 1
	), e AS MATERIALIZED (
		SELECT e.*, (SELECT avg(g::float8) FROM jsonb_array_elements_text(e.metrics -> 'gain') AS g) AS gain,
			(SELECT avg(d::float8) FROM jsonb_array_elements_text(e.metrics -> 'dispersion') AS d) AS dispersion
		FROM lem_training_epochs AS e WHERE e.run = (SELECT r.run FROM r)
	)
	SELECT jsonb_build_array(
		(SELECT jsonb_build_object('name', 'run', 'title', 'The run', 'chart', NULL,
			'head', '["model", "run", "status", "epochs", "of", "best epoch", "best loss", "samples/s", "time left", "by", "since", "error"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(r.model, r.run, r.status, r.epochs, r.max_epochs, r.best_epoch, r.best_loss,
				r.samples_per_s, r.eta::text, r.started_by, r.started_at, r.error)))
			FROM r),
		(SELECT jsonb_build_object('name', 'loss', 'title', 'Loss by epoch',
			'chart', jsonb_build_object('title', 'Loss by epoch', 'x_label', 'epoch', 'series', jsonb_build_array(
				jsonb_build_object('name', 'training', 'mark', 'line', 'x', COALESCE(jsonb_agg(e.epoch ORDER BY e.epoch), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(e.train_loss ORDER BY e.epoch), '[]'::jsonb)),
				jsonb_build_object('name', 'validation', 'mark', 'line', 'x', COALESCE(jsonb_agg(e.epoch ORDER BY e.epoch), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(e.validation_loss ORDER BY e.epoch), '[]'::jsonb)))),
			'head', '["epoch", "training loss", "validation loss", "best", "rate", "samples/s", "seconds"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(e.epoch, e.train_loss, e.validation_loss, e.best, e.rate, e.samples_per_s,
				e.seconds) ORDER BY e.epoch), '[]'::jsonb))
			FROM e),
		(SELECT jsonb_build_object('name', 'gain', 'title', 'Gain and dispersion by epoch',
			'note', 'On validation time, the mean over branches (minimum durations), in basis points.',
			'chart', jsonb_build_object('title', 'Gain and dispersion by epoch', 'x_label', 'epoch', 'y_label', 'bps', 'series',
				jsonb_build_array(
				jsonb_build_object('name', 'gain', 'mark', 'line', 'x', COALESCE(jsonb_agg(e.epoch ORDER BY e.epoch), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(e.gain ORDER BY e.epoch), '[]'::jsonb)),
				jsonb_build_object('name', 'dispersion', 'mark', 'line', 'x', COALESCE(jsonb_agg(e.epoch ORDER BY e.epoch), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(e.dispersion ORDER BY e.epoch), '[]'::jsonb)))),
			'head', '["epoch", "gain", "dispersion"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(e.epoch, e.gain, e.dispersion) ORDER BY e.epoch), '[]'::jsonb))
			FROM e))
	WHERE EXISTS (SELECT FROM r);
END;
COMMENT ON FUNCTION _lem_training_pictures(text)
	IS 'the pictures of a model''s last training and their figures';

CREATE FUNCTION _lem_models_pictures() RETURNS SETOF jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1
BEGIN ATOMIC
	SELECT jsonb_build_array(
		(SELECT jsonb_build_object('name', 'models', 'title', 'Models', 'chart', NULL,
			'head', '["model", "version", "deployed", "owner", "by", "since", "parameters", "bytes", "calls", "orders", "last call"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(m.name, m.version, m.deployed, m.owner, m.created_by, m.created_at,
				m.parameters, m.bytes, s.calls, s.orders, s.last_call) ORDER BY m.name, m.version), '[]'::jsonb))
			FROM lem_models AS m LEFT JOIN lem_stat AS s ON s.model = m.name AND s.version = m.version),
		(SELECT jsonb_build_object('name', 'use', 'title', 'Orders by model',
			'note', 'Orders that models were used for since statistics began.',
			'chart', jsonb_build_object('title', 'Orders by model', 'y_label', 'orders', 'zero', true,
				'categories', COALESCE(jsonb_agg(s.model || '@' || s.version ORDER BY s.orders DESC, s.model, s.version), '[]'::jsonb),
				'series', jsonb_build_array(jsonb_build_object('mark', 'bar', 'y',
					COALESCE(jsonb_agg(s.orders ORDER BY s.orders DESC, s.model, s.version), '[]'::jsonb)))),
			'head', '["model", "version", "calls", "orders", "batches", "total ms", "longest ms"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(s.model, s.version, s.calls, s.orders, s.batches, s.total_ms, s.max_ms)
				ORDER BY s.orders DESC, s.model, s.version), '[]'::jsonb))
			FROM (SELECT * FROM lem_stat ORDER BY orders DESC, model, version LIMIT 20) AS s));
END;
COMMENT ON FUNCTION _lem_models_pictures() IS 'the pictures of all models and their figures';

-- Orders.  Bars come from a query of the caller's; where there are real fills, these are shown, else
-- those on paper.
CREATE FUNCTION _lem_report_bars(query text, names text[], since timestamptz, until timestamptz,
	OUT series text, OUT bars lem_bars) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_report_bars' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION _lem_report_bars(text, text[], timestamptz, timestamptz)
	IS 'bars of some series, from a query of the user''s';

CREATE FUNCTION _lem_report_plan(model text, ord lem_order, bars lem_bars) RETURNS lem_slice[]
	AS 'MODULE_PATHNAME', 'pg_lem_report_plan' LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 30000;
COMMENT ON FUNCTION _lem_report_plan(text, lem_order, lem_bars)
	IS 'the slices of a plan; NULL where none can be made';

-- Fills of an order, in the shares of now; kind: market, paper, or NULL: market where there are any.
CREATE FUNCTION _lem_report_fills(id bigint, kind text, OUT step int, OUT ts timestamptz,
	OUT price float8, OUT quantity float8, OUT fee float8, OUT paper boolean) RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 20
BEGIN ATOMIC
	WITH real AS (
		SELECT f.step, f.ts, f.price / f.adjusted AS price, f.quantity * f.adjusted AS quantity, f.fee
		FROM lem_order_fill AS f WHERE f.order_id = _lem_report_fills.id AND f.busted_at IS NULL
	)
	SELECT r.step, r.ts, r.price, r.quantity, r.fee, false FROM real AS r WHERE kind IS DISTINCT FROM 'paper'
	UNION ALL
	SELECT p.step, p.ts, p.price / p.adjusted, p.quantity * p.adjusted, 0, true
	FROM lem_paper_fill AS p
	WHERE p.order_id = _lem_report_fills.id AND kind IS DISTINCT FROM 'market'
		AND (kind = 'paper' OR NOT EXISTS (SELECT FROM real));
END;
COMMENT ON FUNCTION _lem_report_fills(bigint, text) IS 'fills of an order for a report';

CREATE FUNCTION _lem_order_pictures(id bigint, bars text, options jsonb) RETURNS SETOF jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE COST 1000000 ROWS 1
BEGIN ATOMIC
	WITH o AS MATERIALIZED (
		SELECT o.*, (o.ord).start_ts AS starts, (o.ord).max_participation AS most,
			CASE WHEN o.model LIKE 'baseline:%' OR position('@' IN o.model) > 0 THEN o.model
				ELSE o.model || COALESCE('@' || o.model_version, '') END AS by
		FROM lem_orders AS o WHERE o.id = _lem_order_pictures.id
	), s AS MATERIALIZED (
		SELECT s.*, sum(CASE WHEN s.state = 'skipped' THEN 0 WHEN s.unit = 'notional' THEN s.quantity
				ELSE s.quantity * s.adjusted END) OVER (ORDER BY s.step) / o.size AS decided
		FROM lem_slices AS s JOIN o ON s.order_id = o.id
	), f AS MATERIALIZED (
		SELECT f.* FROM o, _lem_report_fills(o.id, options ->> 'fills') AS f
	), given AS MATERIALIZED (
		SELECT b.bars FROM o, _lem_report_bars(_lem_order_pictures.bars, ARRAY[o.series], NULL, NULL) AS b
	), every AS (
		SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY g.gap) AS gap
		FROM (SELECT u.ts - lag(u.ts) OVER (ORDER BY u.ts) AS gap FROM given AS b, lem_unnest(b.bars) AS u
			ORDER BY u.ts DESC LIMIT 512) AS g
	), ends AS (
		SELECT CASE WHEN o.state IN ('active', 'paused', 'failed') THEN 'infinity'
			ELSE GREATEST((SELECT max(s.ts) FROM s), (SELECT max(f.ts) FROM f), o.starts) + 12 * e.gap END AS ts
		FROM o, every AS e
	), market AS MATERIALIZED (
		SELECT u.ts, u.price, u.volume, sum(u.price * u.volume) OVER w / NULLIF(sum(u.volume) OVER w, 0) AS vwap,
			u.ts + e.gap > o.starts AS active
		FROM o, every AS e, ends, given AS b, lem_unnest(b.bars) AS u
		WHERE u.ts >= o.starts - 12 * e.gap AND u.ts <= ends.ts
		WINDOW w AS (PARTITION BY u.ts + e.gap > o.starts ORDER BY u.ts)
	), horizons AS (
		SELECT CASE WHEN jsonb_typeof(options -> 'markouts') = 'array'
			THEN ARRAY(SELECT h.value::interval FROM jsonb_array_elements_text(options -> 'markouts')
				WITH ORDINALITY AS h (value, place) ORDER BY h.place)
			ELSE (SELECT ARRAY[e.gap, 5 * e.gap, 20 * e.gap] FROM every AS e WHERE e.gap IS NOT NULL) END AS after
	), cost AS MATERIALIZED (
		SELECT r.* FROM o, horizons AS h, given AS b,
			LATERAL (SELECT lem_tca(_lem_order_measured(o.ord, LEAST(o.starts, (SELECT min(x.ts) FROM f AS x))),
					f.ts, f.price, f.quantity) AS fills
				FROM (SELECT) AS one LEFT JOIN f ON true) AS t,
			lem_tca_report(t.fills, b.bars, h.after,
				until => _lem_order_until(o.state, o.last_ts, o.expires_at, o.ended_at),
				time_zone => COALESCE(options ->> 'time_zone', 'UTC'), calendar => o.calendar) AS r
		WHERE o.starts IS NOT NULL
	), fees AS (
		SELECT COALESCE(sum(f.fee), 0) AS fee,
			COALESCE(sum(f.fee), 0) * 1e4 / NULLIF((SELECT GREATEST((c.quantity + c.unfilled) * c.arrival_price, 0) FROM cost AS c), 0) AS bps
		FROM f
	), parts AS MATERIALIZED (
		SELECT p.*, sum(p.bps) OVER (ORDER BY p.place) AS top FROM cost AS c, fees, LATERAL (VALUES
			(1, 'delay', c.delay_bps, c.delay_cost), (2, 'trading', c.trading_bps, c.trading_cost),
			(3, 'opportunity', c.opportunity_bps, c.opportunity_cost), (4, 'fees', fees.bps, fees.fee))
			AS p (place, name, bps, cost)
	), plan AS MATERIALIZED (
		SELECT p.step, p.ts, p.cumulative, p.allocation
		FROM o, _lem_report_bars(_lem_order_pictures.bars, ARRAY[o.series], NULL, o.starts) AS b,
			unnest(_lem_report_plan(o.by, o.ord, b.bars)) AS p
	), steps AS MATERIALIZED (
		SELECT COALESCE(s.step, p.step) AS step, s.ts, p.ts AS planned_ts, p.cumulative AS planned, s.decided,
			s.state, CASE WHEN s.unit = 'notional' THEN s.quantity ELSE s.quantity * s.adjusted END AS quantity,
			s.late, s.reason, s.bar_price, s.bar_volume, x.filled, x.money, x.price,
			x.filled / NULLIF(s.bar_volume, 0) AS participation,
			CASE WHEN s.step IS NOT NULL THEN COALESCE(sum(CASE WHEN o.unit = 'notional' THEN x.money ELSE x.filled END)
				OVER (ORDER BY COALESCE(s.step, p.step)), 0) / o.size END AS done
		FROM s FULL JOIN plan AS p ON p.step = s.step CROSS JOIN o
		LEFT JOIN LATERAL (SELECT sum(f.quantity) AS filled, sum(f.price * f.quantity) AS money,
				sum(f.price * f.quantity) / NULLIF(sum(f.quantity), 0) AS price FROM f WHERE f.step = s.step) AS x ON true
	)
	SELECT jsonb_build_array(
		(SELECT jsonb_build_object('name', 'order', 'title', 'The order',
			'note', CASE WHEN NOT EXISTS (SELECT FROM f) THEN 'Nothing of it is filled.'
				WHEN (SELECT bool_or(f.paper) FROM f) THEN 'Its fills are those on paper.' ELSE 'Its fills are those of the market.' END,
			'warning', CASE WHEN NOT EXISTS (SELECT FROM given) THEN 'The query has no bars of this series.' END,
			'chart', NULL, 'head', '["", ""]'::jsonb,
			'cells', (SELECT jsonb_agg(jsonb_build_array(v.name, v.value) ORDER BY v.place)
				FROM (VALUES (1, 'id', to_jsonb(o.id)), (2, 'series', to_jsonb(o.series)), (3, 'model', to_jsonb(o.by)),
					(4, 'state', to_jsonb(o.state)), (5, 'reason', to_jsonb(o.reason)), (6, 'side', to_jsonb(o.side)),
					(7, 'size', to_jsonb(o.size)), (8, 'unit', to_jsonb(o.unit)), (9, 'benchmark', to_jsonb(o.benchmark)),
					(10, 'decided on', to_jsonb(o.starts)), (11, 'ended', to_jsonb(o.ended_at)),
					(12, 'limit price', to_jsonb((o.ord).limit_price)), (13, 'at most of volume', to_jsonb(o.most)),
					(14, 'done by', to_jsonb((o.ord).end_ts)), (15, 'tracks', to_jsonb(o.track)),
					(16, 'owner', to_jsonb(o.owner)), (17, 'client''s name', to_jsonb(o.client_id)),
					(18, 'basket', to_jsonb(o.basket)), (19, 'slices', to_jsonb(o.slices)),
					(20, 'filled', to_jsonb((SELECT sum(f.quantity) FROM f))),
					(21, 'share filled', to_jsonb((SELECT c.fill_rate FROM cost AS c))),
					(22, 'price', to_jsonb((SELECT c.achieved_price FROM cost AS c))),
					(23, 'fees', to_jsonb((SELECT fees.fee FROM fees))),
					(24, 'left over', to_jsonb(o.unallocated))) AS v (place, name, value)
				WHERE v.value IS NOT NULL))
			FROM o),
		(SELECT jsonb_build_object('name', 'price', 'title', 'Price and running VWAP',
			'note', 'The VWAP runs from the bar in which the order was decided on.',
			'chart', jsonb_build_object('title', 'Price and running VWAP', 'times', true, 'series', jsonb_build_array(
				jsonb_build_object('name', 'price', 'mark', 'line',
					'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM m.ts) ORDER BY m.ts), '[]'::jsonb), 'y', COALESCE(jsonb_agg(m.price ORDER BY m.ts), '[]'::jsonb)),
				jsonb_build_object('name', 'VWAP', 'mark', 'line', 'colour', 2,
					'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM m.ts) ORDER BY m.ts), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(CASE WHEN m.active THEN m.vwap END ORDER BY m.ts), '[]'::jsonb)),
				(SELECT jsonb_build_object('name', 'fills', 'mark', 'point', 'colour', 1,
					'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM f.ts) ORDER BY f.ts, f.price), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(f.price ORDER BY f.ts, f.price), '[]'::jsonb)) FROM f))),
			'head', '["bar", "price", "volume", "running VWAP"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(m.ts, m.price, m.volume, CASE WHEN m.active THEN m.vwap END) ORDER BY m.ts), '[]'::jsonb))
			FROM market AS m),
		(SELECT jsonb_build_object('name', 'shares', 'title', 'Planned, decided, filled',
			'note', CASE WHEN EXISTS (SELECT FROM plan) THEN 'Shares of the order so far; planned: as it was expected at the start.'
				ELSE 'Shares of the order so far. There is no plan from the start: these bars, or your rights to the model, do not allow one.' END,
			'chart', jsonb_build_object('title', 'Share of the order so far', 'zero', true,
				'categories', COALESCE(jsonb_agg(t.step::text ORDER BY t.step), '[]'::jsonb), 'series', jsonb_build_array(
				jsonb_build_object('name', 'planned', 'mark', 'line', 'colour', 6, 'y', COALESCE(jsonb_agg(t.planned ORDER BY t.step), '[]'::jsonb)),
				jsonb_build_object('name', 'decided', 'mark', 'line', 'colour', 0, 'y', COALESCE(jsonb_agg(t.decided ORDER BY t.step), '[]'::jsonb)),
				jsonb_build_object('name', 'filled', 'mark', 'point', 'colour', 1, 'y', COALESCE(jsonb_agg(t.done ORDER BY t.step), '[]'::jsonb)))),
			'head', '["slice", "planned", "decided", "filled"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(t.step, t.planned, t.decided, t.done) ORDER BY t.step), '[]'::jsonb))
			FROM steps AS t),
		(SELECT jsonb_build_object('name', 'participation', 'title', 'Participation',
			'note', 'What was filled of each slice over the volume of its bar.',
			'chart', jsonb_build_object('title', 'Share of the bar''s volume', 'zero', true,
				'categories', COALESCE(jsonb_agg(t.step::text ORDER BY t.step), '[]'::jsonb), 'series', jsonb_build_array(
				jsonb_build_object('name', 'filled', 'mark', 'bar', 'y', COALESCE(jsonb_agg(t.participation ORDER BY t.step), '[]'::jsonb)),
				jsonb_build_object('name', 'at most', 'mark', 'step', 'colour', 7, 'y', COALESCE(jsonb_agg((SELECT o.most FROM o) ORDER BY t.step), '[]'::jsonb)))),
			'head', '["slice", "filled", "bar''s volume", "participation"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(t.step, t.filled, t.bar_volume, t.participation) ORDER BY t.step), '[]'::jsonb))
			FROM steps AS t WHERE t.ts IS NOT NULL),
		(SELECT jsonb_build_object('name', 'shortfall', 'title', 'Implementation shortfall',
			'note', 'Against the price at the decision, in basis points of the order on paper; positive is a cost.',
			'chart', jsonb_build_object('title', 'Implementation shortfall', 'y_label', 'bps', 'zero', true, 'overlay', true,
				'categories', COALESCE(jsonb_agg(p.name ORDER BY p.place), '[]'::jsonb) || '["all"]'::jsonb,
				'series', jsonb_build_array(
					jsonb_build_object('mark', 'bar', 'base', COALESCE(jsonb_agg(p.top - p.bps ORDER BY p.place), '[]'::jsonb) || '[null]'::jsonb,
						'y', COALESCE(jsonb_agg(p.top ORDER BY p.place), '[]'::jsonb) || '[null]'::jsonb),
					jsonb_build_object('mark', 'bar', 'colour', 6, 'y', COALESCE(jsonb_agg(NULL::float8 ORDER BY p.place), '[]'::jsonb)
						|| jsonb_build_array(sum(p.bps))))),
			'head', '["part", "bps", "money"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(p.name, p.bps, p.cost) ORDER BY p.place), '[]'::jsonb)
				|| jsonb_build_array(jsonb_build_array('all', sum(p.bps), sum(p.cost))))
			FROM parts AS p),
		(SELECT jsonb_build_object('name', 'benchmarks', 'title', 'Against the market',
			'note', 'Positive basis points are a cost, for buys and sells alike.', 'chart', NULL,
			'head', '["benchmark", "price", "bps", "money"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(b.name, b.price, b.bps, b.cost) ORDER BY b.place), '[]'::jsonb))
			FROM cost AS c, LATERAL (VALUES (1, 'arrival', c.arrival_price, c.arrival_bps, c.arrival_cost),
				(2, 'VWAP', c.vwap, c.vwap_bps, c.vwap_cost), (3, 'TWAP', c.twap, c.twap_bps, c.twap_cost),
				(4, 'day''s VWAP', c.day_vwap, c.day_vwap_bps, c.day_vwap_cost), (5, 'open', c.open, c.open_bps, c.open_cost),
				(6, 'close', c.close, c.close_bps, c.close_cost), (7, 'best', c.best, c.best_bps, c.best_cost),
				(8, 'worst', c.worst, c.worst_bps, c.worst_cost)) AS b (place, name, price, bps, cost)),
		(SELECT jsonb_build_object('name', 'markouts', 'title', 'After the fills',
			'note', 'How far the market had moved after the fills, in the order''s direction.',
			'chart', jsonb_build_object('title', 'Markouts', 'y_label', 'bps', 'zero', true,
				'categories', COALESCE(jsonb_agg(m.after::text ORDER BY m.place), '[]'::jsonb), 'series', jsonb_build_array(
				jsonb_build_object('mark', 'bar', 'y', COALESCE(jsonb_agg(m.bps ORDER BY m.place), '[]'::jsonb)))),
			'head', '["after", "bps"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(m.after::text, m.bps) ORDER BY m.place), '[]'::jsonb))
			FROM horizons AS h, cost AS c, unnest(h.after, c.markouts) WITH ORDINALITY AS m (after, bps, place)),
		(SELECT jsonb_build_object('name', 'slices', 'title', 'Slices',
			'note', 'Which limit made a slice other than the model proposed is its reason.', 'chart', NULL,
			'head', '["slice", "bar", "state", "quantity", "filled", "price", "bar''s price", "late", "reason"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(t.step, t.ts, t.state, t.quantity, t.filled, t.price, t.bar_price, t.late, t.reason)
				ORDER BY t.step), '[]'::jsonb))
			FROM steps AS t WHERE t.ts IS NOT NULL),
		(SELECT jsonb_build_object('name', 'events', 'title', 'What became of it', 'chart', NULL,
			'head', '["when", "who", "what", ""]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(e.at, e.by, e.event, e.detail::text) ORDER BY e.id), '[]'::jsonb))
			FROM o JOIN lem_order_event AS e ON e.order_id = o.id))
	WHERE EXISTS (SELECT FROM o);
END;
COMMENT ON FUNCTION _lem_order_pictures(bigint, text, jsonb)
	IS 'the pictures of an order that is worked and their figures';

CREATE FUNCTION _lem_desk_pictures(day date, bars text, options jsonb) RETURNS SETOF jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE COST 10000000 ROWS 1
BEGIN ATOMIC
	WITH zone AS (
		SELECT COALESCE(options ->> 'time_zone', 'UTC') AS name
	), o AS MATERIALIZED (
		SELECT o.id, o.series, o.side, o.owner, o.basket, o.model, o.state, o.size, o.unit, o.ord, o.calendar,
			_lem_order_until(o.state, o.last_ts, o.expires_at, o.ended_at) AS until,
			COALESCE((o.ord).start_ts, o.submitted_at) AS starts,
			(SELECT count(*) FROM lem_child_slice AS c WHERE c.order_id = o.id AND c.late) AS late
		FROM zone, lem_orders AS o
		WHERE COALESCE((o.ord).start_ts, o.submitted_at) >= day::timestamp AT TIME ZONE zone.name
			AND COALESCE((o.ord).start_ts, o.submitted_at) < (day + 1)::timestamp AT TIME ZONE zone.name
	), b AS MATERIALIZED (
		SELECT b.series, b.bars FROM zone, _lem_report_bars(_lem_desk_pictures.bars,
			ARRAY(SELECT DISTINCT o.series FROM o), (day - 7)::timestamp AT TIME ZONE zone.name, NULL) AS b
	), t AS MATERIALIZED (
		SELECT o.id, r AS report, f.fee
		FROM zone, o JOIN b USING (series) CROSS JOIN LATERAL (
			SELECT lem_tca(_lem_order_measured(o.ord, LEAST(o.starts, f.first_ts)), f.ts, f.price, f.quantity) AS fills,
				COALESCE(sum(f.fee), 0) AS fee
			FROM (SELECT) AS one LEFT JOIN (SELECT x.*, min(x.ts) OVER () AS first_ts
				FROM _lem_report_fills(o.id, options ->> 'fills') AS x) AS f ON true) AS f
		CROSS JOIN LATERAL lem_tca_report(f.fills, b.bars, until => o.until, time_zone => zone.name,
			calendar => o.calendar) AS r
		WHERE (o.ord).start_ts IS NOT NULL
	), grouped AS MATERIALIZED (
		SELECT g.kind, g.place, g.name, count(*) AS orders, sum(o.late) AS late, sum(t.fee) AS fee, lem_tca_rollup(t.report) AS r
		FROM o LEFT JOIN t USING (id), LATERAL (VALUES (0, 'all', 'all'), (1, 'symbol', o.series), (2, 'side', o.side),
			(3, 'trader', o.owner::text), (4, 'basket', COALESCE(o.basket, '(none)')), (5, 'model', o.model)) AS g (place, kind, name)
		GROUP BY g.kind, g.place, g.name
	), shown AS MATERIALIZED (
		SELECT g.kind, g.place, g.name, g.orders, g.late, g.fee, (g.r).filled_orders, (g.r).fill_rate, (g.r).notional,
			(g.r).participation_rate, (g.r).arrival_bps, (g.r).vwap_bps, (g.r).shortfall_bps, (g.r).shortfall, (g.r).win_rate,
			row_number() OVER (PARTITION BY g.kind ORDER BY (g.r).notional DESC NULLS LAST, g.name) AS rank
		FROM grouped AS g
	)
	SELECT jsonb_agg(p.picture ORDER BY p.place) FROM (
		SELECT -1 AS place, jsonb_build_object('name', 'states', 'title', 'Orders',
			'note', 'Orders that were decided on that day, by the state they are in now.',
			'warning', (SELECT 'There are no bars of ' || string_agg(DISTINCT o.series, ', ') || ': what needs them is left out.'
				FROM o WHERE NOT EXISTS (SELECT FROM b WHERE b.series = o.series)),
			'chart', NULL, 'head', '["state", "orders", "late slices"]'::jsonb,
			'cells', COALESCE((SELECT jsonb_agg(jsonb_build_array(x.state, x.n, x.late) ORDER BY x.state)
				FROM (SELECT o.state, count(*) AS n, sum(o.late) AS late FROM o GROUP BY o.state) AS x), '[]'::jsonb)) AS picture
		UNION ALL
		SELECT s.place, jsonb_build_object('name', s.kind,
			'title', CASE s.kind WHEN 'all' THEN 'All together' ELSE 'By ' || s.kind END,
			'note', 'Means are weighted by money; positive basis points are a cost.'
				|| CASE WHEN count(*) > 100 THEN ' The hundred with the most money are shown.' ELSE '' END,
			'chart', CASE WHEN s.kind IN ('symbol', 'side', 'trader', 'basket', 'model') THEN jsonb_build_object(
				'title', 'Shortfall by ' || s.kind, 'y_label', 'bps', 'zero', true,
				'categories', jsonb_agg(s.name ORDER BY s.rank) FILTER (WHERE s.rank <= 40), 'series', jsonb_build_array(
				jsonb_build_object('mark', 'bar', 'y', jsonb_agg(s.shortfall_bps ORDER BY s.rank) FILTER (WHERE s.rank <= 40)))) END,
			'head', jsonb_build_array(s.kind) || '["orders", "filled", "share filled", "money", "participation", "arrival", "VWAP", "shortfall", "in money", "fees", "wins", "late slices"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(s.name, s.orders, s.filled_orders, s.fill_rate, s.notional, s.participation_rate, s.arrival_bps,
				s.vwap_bps, s.shortfall_bps, s.shortfall, s.fee, s.win_rate, s.late) ORDER BY s.rank) FILTER (WHERE s.rank <= 100))
		FROM shown AS s GROUP BY s.kind, s.place
		UNION ALL
		SELECT 6, jsonb_build_object('name', 'costly', 'title', 'The twenty that cost most', 'chart', NULL,
			'head', '["order", "symbol", "side", "trader", "basket", "state", "share filled", "VWAP", "shortfall", "in money", "fees"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(w.id, w.series, w.side, w.owner, w.basket, w.state, (w.report).fill_rate,
				(w.report).vwap_bps, (w.report).shortfall_bps, (w.report).shortfall, w.fee) ORDER BY (w.report).shortfall DESC, w.id), '[]'::jsonb))
		FROM (SELECT o.*, t.report, t.fee FROM o JOIN t USING (id) WHERE (t.report).shortfall IS NOT NULL
			ORDER BY (t.report).shortfall DESC, o.id LIMIT 20) AS w) AS p
	WHERE EXISTS (SELECT FROM o);
END;
COMMENT ON FUNCTION _lem_desk_pictures(date, text, jsonb)
	IS 'the pictures of a day''s orders and their figures';

CREATE FUNCTION _lem_maker_pictures(model text, quoting lem_quoting, book lem_book, options jsonb)
	RETURNS SETOF jsonb LANGUAGE sql STABLE PARALLEL SAFE COST 10000000 ROWS 1
BEGIN ATOMIC
	WITH b AS MATERIALIZED (
		SELECT * FROM lem_maker_backtest(model, quoting, book, options)
	), f AS MATERIALIZED (
		SELECT f.*, row_number() OVER () AS place FROM lem_maker_fills(model, quoting, book, options) AS f
	), skill AS (
		SELECT s.key AS task, s.value::float8 AS skill FROM lem_models AS m, jsonb_each_text(m.metrics -> 'skill') AS s
		WHERE m.name = split_part(model, '@', 1)
			AND CASE WHEN position('@' IN model) > 0 THEN m.version::text = split_part(model, '@', 2) ELSE m.deployed END
			AND jsonb_typeof(m.metrics -> 'skill') = 'object'
	), experts AS (
		SELECT e.* FROM lem_experts AS e JOIN lem_models AS m ON m.name = e.model AND m.version = e.version
		WHERE e.model = split_part(_lem_maker_pictures.model, '@', 1) AND e.task IN ('mid', 'spread', 'volume')
			AND CASE WHEN position('@' IN _lem_maker_pictures.model) > 0 THEN e.version::text = split_part(_lem_maker_pictures.model, '@', 2) ELSE m.deployed END
	), said AS (
		SELECT t.task, t.n AS task_number, r.regime, r.n AS regime_number,
			(SELECT avg(e.weight) FROM experts AS e WHERE e.task = t.task AND e.regime IS NOT DISTINCT FROM r.regime) AS weight
		FROM (VALUES ('mid', 1), ('spread', 2), ('volume', 3)) AS t (task, n), (VALUES (NULL::int, 1), (1, 2), (2, 3), (3, 4)) AS r (regime, n)
		WHERE EXISTS (SELECT FROM experts)
	)
	SELECT jsonb_build_array(
		(SELECT jsonb_build_object('name', 'pnl', 'title', 'Where the profit comes from',
			'note', 'By rule of fills: the truth lies between through and touch.',
			'warning', CASE WHEN bool_or(b.epnl_low <= 0 AND b.epnl_high >= 0)
				THEN 'An interval of the profit by episode covers 0: this book does not show whether these quotes earn anything.' END,
			'chart', jsonb_build_object('title', 'Profit by part', 'zero', true,
				'categories', '["spread", "inventory", "fees", "closing", "all"]'::jsonb,
				'series', jsonb_agg(jsonb_build_object('name', b.fill, 'mark', 'bar', 'y',
					jsonb_build_array(b.spread_earned, b.inventory_gain, - b.fees, - b.closing_cost, b.pnl)) ORDER BY b.fill)),
			'head', '["fills", "profit", "spread", "inventory", "fees", "closing", "by episode", "from", "to", "Sharpe", "drawdown", "filled", "turnover", "mean position", "1 bar", "5 bars", "20 bars"]'::jsonb,
			'cells', jsonb_agg(jsonb_build_array(b.fill, b.pnl, b.spread_earned, b.inventory_gain, b.fees, b.closing_cost, b.epnl,
				b.epnl_low, b.epnl_high, b.sharpe, b.max_drawdown, b.fill_rate, b.turnover, b.map, b.markout_1_bps, b.markout_5_bps,
				b.markout_20_bps) ORDER BY b.fill)) FROM b),
		(SELECT jsonb_build_object('name', 'inventory', 'title', 'Inventory',
			'note', 'The position after each fill' || CASE WHEN count(*) > 1000 THEN '; the first thousand are in the table.' ELSE '.' END,
			'chart', jsonb_build_object('title', 'Position', 'times', true, 'zero', true, 'series', jsonb_build_array(
				jsonb_build_object('mark', 'step', 'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM f.ts) ORDER BY f.place), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(f."position" ORDER BY f.place), '[]'::jsonb)))),
			'head', '["bar", "side", "level", "price", "quantity", "fee", "position", "mid", "closing"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(f.ts, f.side, f.level, f.price, f.quantity, f.fee, f."position", f.mid, f.closing)
				ORDER BY f.place) FILTER (WHERE f.place <= 1000), '[]'::jsonb)) FROM f),
		(SELECT jsonb_build_object('name', 'fills', 'title', 'Fills',
			'note', 'Prices of fills, against the mid at the start of their bar.',
			'chart', jsonb_build_object('title', 'Fills', 'times', true, 'series', jsonb_build_array(
				jsonb_build_object('name', 'mid', 'mark', 'line', 'colour', 6, 'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM f.ts) ORDER BY f.place), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(f.mid ORDER BY f.place), '[]'::jsonb)),
				jsonb_build_object('name', 'bids', 'mark', 'point', 'colour', 2,
					'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM f.ts) ORDER BY f.place) FILTER (WHERE f.side = 'bid' AND f.place <= 4000), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(f.price ORDER BY f.place) FILTER (WHERE f.side = 'bid' AND f.place <= 4000), '[]'::jsonb)),
				jsonb_build_object('name', 'asks', 'mark', 'point', 'colour', 7,
					'x', COALESCE(jsonb_agg(EXTRACT(epoch FROM f.ts) ORDER BY f.place) FILTER (WHERE f.side = 'ask' AND f.place <= 4000), '[]'::jsonb),
					'y', COALESCE(jsonb_agg(f.price ORDER BY f.place) FILTER (WHERE f.side = 'ask' AND f.place <= 4000), '[]'::jsonb)))),
			'head', '["side", "fills", "quantity", "money", "mean price"]'::jsonb,
			'cells', COALESCE((SELECT jsonb_agg(jsonb_build_array(x.side, x.n, x.quantity, x.money, x.money / NULLIF(x.quantity, 0)) ORDER BY x.side)
				FROM (SELECT f.side, count(*) AS n, sum(f.quantity) AS quantity, sum(f.price * f.quantity) AS money FROM f GROUP BY f.side) AS x), '[]'::jsonb))
			FROM f),
		(SELECT jsonb_build_object('name', 'skill', 'title', 'Skill by task',
			'note', 'How much smaller the squared error of the model''s median was on validation time than that of the outlook without it.',
			'chart', CASE WHEN count(*) > 0 THEN jsonb_build_object('title', 'Skill by task', 'zero', true,
				'categories', jsonb_agg(s.task ORDER BY s.task), 'series', jsonb_build_array(
				jsonb_build_object('mark', 'bar', 'y', jsonb_agg(s.skill ORDER BY s.task)))) END,
			'head', '["task", "skill"]'::jsonb,
			'cells', COALESCE(jsonb_agg(jsonb_build_array(s.task, s.skill) ORDER BY s.task), '[]'::jsonb)) FROM skill AS s),
		(SELECT jsonb_build_object('name', 'experts', 'title', 'Weights of students',
			'note', 'Of a mixture: mean weights of its students where it was judged, the undivided one and those of the regimes from calm to wild.',
			'chart', CASE WHEN count(*) > 0 THEN jsonb_build_object('title', 'Weights of students', 'zero', true,
				'categories', '["undivided", "calm", "middle", "wild"]'::jsonb,
				'series', jsonb_agg(jsonb_build_object('name', t.task, 'mark', 'bar', 'y', t.weights) ORDER BY t.task_number)) END,
			'head', '["task", "regime", "layer", "calibration loss", "weight"]'::jsonb,
			'cells', COALESCE((SELECT jsonb_agg(jsonb_build_array(e.task, e.regime, e.layer, e.calibration_loss, e.weight) ORDER BY e.task, e.regime NULLS FIRST)
				FROM experts AS e), '[]'::jsonb))
			FROM (SELECT s.task, s.task_number, jsonb_agg(s.weight ORDER BY s.regime_number) AS weights FROM said AS s GROUP BY s.task, s.task_number) AS t));
END;
COMMENT ON FUNCTION _lem_maker_pictures(text, lem_quoting, lem_book, jsonb)
	IS 'the pictures of a backtest of market making and their figures';

-- Pictures and figures as a page: a picture, its table, and what is to be said of them.
CREATE FUNCTION _lem_pictures_page(title text, pictures jsonb) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 10000
BEGIN ATOMIC
	SELECT lem_html_page(title, COALESCE(string_agg(
		'<section><h2>' || lem_html(p.value ->> 'title') || '</h2>'
		|| COALESCE('<p class="warning">' || lem_html(p.value ->> 'warning') || '</p>', '')
		|| COALESCE('<p>' || lem_html(p.value ->> 'note') || '</p>', '')
		|| CASE WHEN jsonb_typeof(p.value -> 'chart') = 'object'
			THEN '<figure>' || lem_chart(p.value -> 'chart') || '</figure>' ELSE '' END
		|| CASE WHEN jsonb_array_length(p.value -> 'cells') > 40 THEN '<details><summary>Figures</summary>' ELSE '' END
		|| CASE WHEN jsonb_array_length(p.value -> 'cells') = 0 THEN '' ELSE lem_html_table(ARRAY(SELECT h.value FROM jsonb_array_elements_text(p.value -> 'head')
			WITH ORDINALITY AS h (value, place) ORDER BY h.place), p.value -> 'cells') END
		|| CASE WHEN jsonb_array_length(p.value -> 'cells') > 40 THEN '</details>' ELSE '' END
		|| '</section>', '' ORDER BY p.place), '<p>There is nothing to show.</p>'))
	FROM jsonb_array_elements(pictures) WITH ORDINALITY AS p (value, place);
END;
COMMENT ON FUNCTION _lem_pictures_page(text, jsonb) IS 'pictures and their figures as a page of HTML';

-- One of several pictures.
CREATE FUNCTION _lem_picture(kind text, pictures jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_lem_picture' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION _lem_picture(text, jsonb) IS 'the chart of one of several pictures';

-- The functions with pictures are called in FROM: there the planner makes them part of the calling
-- query, so that the context of an error is what the user called.  Options are checked for a schedule,
-- too, which uses none of them.  Numbers go through JSON, which writes them as extra_float_digits says.
CREATE FUNCTION lem_report(kind text, model text, ord lem_order, bars lem_bars,
	options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT CASE kind
		WHEN 'schedule' THEN _lem_pictures_page('Schedule by ' || model,
			(SELECT p FROM _lem_schedule_pictures(model, ord, bars) AS p
				WHERE _lem_report_options('backtest', options) IS NOT NULL))
		WHEN 'backtest' THEN _lem_pictures_page('Backtest of ' || model,
			(SELECT p FROM _lem_backtest_pictures(model, ord, bars, COALESCE(options, '{}'::jsonb)) AS p
				WHERE _lem_report_options('backtest', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'schedule and backtest, of a model, an order and bars')::text END;
END;
COMMENT ON FUNCTION lem_report(text, text, lem_order, lem_bars, jsonb)
	IS 'a page of HTML on a schedule or a backtest';

CREATE FUNCTION lem_report(kind text, model text DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT CASE kind
		WHEN 'training' THEN _lem_pictures_page('Training of ' || COALESCE(model, ''),
			(SELECT p FROM _lem_training_pictures(model) AS p))
		WHEN 'models' THEN _lem_pictures_page('Models', (SELECT p FROM _lem_models_pictures() AS p))
		ELSE _lem_unknown_kind(kind, 'training, of a model, and models; schedule and backtest take an order and bars, too')::text END;
END;
COMMENT ON FUNCTION lem_report(text, text) IS 'a page of HTML on a training, or on all models';

CREATE FUNCTION lem_svg(kind text, model text, ord lem_order, bars lem_bars,
	options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT lem_chart(CASE WHEN kind IN ('schedule', 'prices', 'inputs')
		THEN _lem_picture(kind, (SELECT p FROM _lem_schedule_pictures(model, ord, bars) AS p
			WHERE _lem_report_options('backtest', options) IS NOT NULL))
		WHEN kind IN ('gains', 'months', 'hours', 'volatility', 'minima')
		THEN _lem_picture(kind, (SELECT p FROM _lem_backtest_pictures(model, ord, bars, COALESCE(options, '{}'::jsonb)) AS p
			WHERE _lem_report_options('backtest', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'schedule, prices, inputs, gains, months, hours, volatility and, with the option minima, minima') END);
END;
COMMENT ON FUNCTION lem_svg(text, text, lem_order, lem_bars, jsonb)
	IS 'a picture of a schedule or a backtest, as SVG';

CREATE FUNCTION lem_svg(kind text, model text DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT lem_chart(CASE WHEN kind IN ('loss', 'gain')
		THEN _lem_picture(kind, (SELECT p FROM _lem_training_pictures(model) AS p))
		WHEN kind = 'use' THEN _lem_picture(kind, (SELECT p FROM _lem_models_pictures() AS p))
		ELSE _lem_unknown_kind(kind, 'loss and gain, of a model''s training, and use; those of schedules and backtests take an order and bars, too') END);
END;
COMMENT ON FUNCTION lem_svg(text, text) IS 'a picture of a training, or of all models, as SVG';

CREATE FUNCTION lem_report(kind text, id bigint, bars text, options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE COST 1000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT CASE WHEN kind = 'order' AND NOT EXISTS (SELECT FROM lem_orders AS o WHERE o.id = lem_report.id)
		THEN _lem_unknown_order(id)::text ELSE CASE kind
		WHEN 'order' THEN _lem_pictures_page('Order ' || COALESCE(id::text, '') || COALESCE(': ' || (SELECT o.side || ' ' || o.series
				FROM lem_orders AS o WHERE o.id = lem_report.id), ''),
			(SELECT p FROM _lem_order_pictures(id, bars, options) AS p
				WHERE _lem_report_options('order', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'order, of an order''s id and a query for bars')::text END END;
END;
COMMENT ON FUNCTION lem_report(text, bigint, text, jsonb) IS 'a page of HTML on an order that is worked';

CREATE FUNCTION lem_report(kind text, day date, bars text, options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE COST 10000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT CASE kind
		WHEN 'desk' THEN _lem_pictures_page('Orders of ' || COALESCE(to_char(day, 'YYYY-MM-DD'), ''),
			(SELECT p FROM _lem_desk_pictures(day, bars, options) AS p
				WHERE _lem_report_options('desk', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'desk, of a day and a query for bars')::text END;
END;
COMMENT ON FUNCTION lem_report(text, date, text, jsonb) IS 'a page of HTML on a day''s orders';

CREATE FUNCTION lem_report(kind text, model text, quoting lem_quoting, book lem_book,
	options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 10000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT CASE kind
		WHEN 'maker' THEN _lem_pictures_page('Market making by ' || COALESCE(model, ''),
			(SELECT p FROM _lem_maker_pictures(model, quoting, book, COALESCE(options, '{}'::jsonb)) AS p
				WHERE _lem_report_options('maker', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'maker, of a model, a quoting and a book')::text END;
END;
COMMENT ON FUNCTION lem_report(text, text, lem_quoting, lem_book, jsonb)
	IS 'a page of HTML on a backtest of market making';

CREATE FUNCTION lem_svg(kind text, id bigint, bars text, options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE COST 1000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT lem_chart(CASE WHEN kind IN ('price', 'shares', 'participation', 'shortfall', 'markouts')
		THEN CASE WHEN NOT EXISTS (SELECT FROM lem_orders AS o WHERE o.id = lem_svg.id)
			THEN _lem_unknown_order(id) ELSE _lem_picture(kind, (SELECT p FROM _lem_order_pictures(id, bars, options) AS p
				WHERE _lem_report_options('order', options) IS NOT NULL)) END
		ELSE _lem_unknown_kind(kind, 'price, shares, participation, shortfall and markouts') END);
END;
COMMENT ON FUNCTION lem_svg(text, bigint, text, jsonb) IS 'a picture of an order that is worked, as SVG';

CREATE FUNCTION lem_svg(kind text, day date, bars text, options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE COST 10000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT lem_chart(CASE WHEN kind IN ('symbol', 'side', 'trader', 'basket', 'model')
		THEN _lem_picture(kind, (SELECT p FROM _lem_desk_pictures(day, bars, options) AS p
			WHERE _lem_report_options('desk', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'symbol, side, trader, basket and model') END);
END;
COMMENT ON FUNCTION lem_svg(text, date, text, jsonb) IS 'a picture of a day''s orders, as SVG';

CREATE FUNCTION lem_svg(kind text, model text, quoting lem_quoting, book lem_book,
	options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 10000000
	SET extra_float_digits = 1
BEGIN ATOMIC
	SELECT lem_chart(CASE WHEN kind IN ('pnl', 'inventory', 'fills', 'skill', 'experts')
		THEN _lem_picture(kind, (SELECT p FROM _lem_maker_pictures(model, quoting, book, COALESCE(options, '{}'::jsonb)) AS p
			WHERE _lem_report_options('maker', options) IS NOT NULL))
		ELSE _lem_unknown_kind(kind, 'pnl, inventory, fills, skill and experts') END);
END;
COMMENT ON FUNCTION lem_svg(text, text, lem_quoting, lem_book, jsonb)
	IS 'a picture of a backtest of market making, as SVG';

-- Pictures: end

-- Monitoring

CREATE FUNCTION lem_dump_check(OUT relation name, OUT rows bigint, OUT seen bigint,
	OUT whole boolean) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_dump_check' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	COST 10000 ROWS 20;
COMMENT ON FUNCTION lem_dump_check()
	IS 'rows of the tables that dumps include, and how many of them the current user sees';
REVOKE EXECUTE ON FUNCTION lem_dump_check() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lem_dump_check() TO pg_read_all_data;

-- Progress of long jobs, as pg_stat_progress_... of the server's own.
CREATE FUNCTION _lem_progress(OUT pid int, OUT role oid, OUT kind text, OUT object bigint,
	OUT phase text, OUT done bigint, OUT total bigint, OUT since timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_progress' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100
	ROWS 10;
COMMENT ON FUNCTION _lem_progress() IS 'how far the long jobs of the database are';
CREATE VIEW lem_progress AS
	SELECT p.pid, pg_catalog.pg_get_userbyid(p.role) AS usename, p.kind,
		CASE p.kind WHEN 'training' THEN r.model
			WHEN 'backtest' THEN m.name OPERATOR(pg_catalog.||) '@'
				OPERATOR(pg_catalog.||) m.version::pg_catalog.text END AS model,
		p.phase, p.done, p.total, p.since,
		CASE WHEN p.done OPERATOR(pg_catalog.>) 0 AND p.total OPERATOR(pg_catalog.>=) p.done
			THEN (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) p.since)
				OPERATOR(pg_catalog.*) ((p.total OPERATOR(pg_catalog.-) p.done)::float8
					OPERATOR(pg_catalog./) p.done::float8) END AS time_left
	FROM _lem_progress() AS p
	LEFT JOIN lem_training_run AS r ON p.kind OPERATOR(pg_catalog.=) 'training'
		AND r.id OPERATOR(pg_catalog.=) p.object
	LEFT JOIN lem_model AS m ON p.kind OPERATOR(pg_catalog.=) 'backtest'
		AND m.id OPERATOR(pg_catalog.=) p.object;
COMMENT ON VIEW lem_progress IS 'how far trainings, backtests, imports and passes of lem_work are';
COMMENT ON COLUMN lem_progress.phase IS 'what it is at; done, total and since are of it';
COMMENT ON COLUMN lem_progress.total IS 'NULL: not known';
COMMENT ON COLUMN lem_progress.time_left IS 'of the phase, if it goes on as it went';
GRANT SELECT ON lem_progress TO PUBLIC;

CREATE INDEX lem_order_fill_recorded ON lem_order_fill (recorded_at);

-- Figures for exporters.  A day and an hour back, by indexes: what is counted does not grow with what
-- is kept.
CREATE FUNCTION lem_metrics(OUT name text, OUT labels jsonb, OUT value float8)
	RETURNS SETOF record LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100000 ROWS 100
BEGIN ATOMIC
	WITH feeds AS (
		SELECT o.series, max(o.seen_ts) AS seen,
			(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY g.gap) FROM (
				SELECT b.ts - lag(b.ts) OVER (ORDER BY b.ts) AS gap FROM lem_parent_order AS p, lem_unnest(p.bars) AS b
				WHERE p.id = max(o.id)) AS g) AS gap
		FROM lem_parent_order AS o WHERE o.state = 'active' AND o.seen_ts IS NOT NULL GROUP BY o.series
	), slices AS (
		SELECT c.late, c.decided_at > now() - interval '1 hour' AS hour FROM lem_child_slice AS c
		WHERE c.decided_at > now() - interval '1 day'
	)
	SELECT 'lem_info', jsonb_build_object('version', lem_version(), 'statistics',
			(SELECT b.value FROM lem_build_info() AS b WHERE b.name = 'statistics')), 1::float8
	UNION ALL
	SELECT 'lem_orders', jsonb_build_object('state', s.state), count(o.state)::float8
	FROM unnest('{active,paused,failed}'::text[]) AS s (state)
	LEFT JOIN lem_parent_order AS o ON o.state = s.state GROUP BY s.state
	UNION ALL
	SELECT 'lem_orders', jsonb_build_object('state', o.state), count(*)::float8 FROM lem_parent_order AS o
	WHERE o.ended_at > now() - interval '1 day' AND o.state IN ('finished', 'expired', 'cancelled') GROUP BY o.state
	UNION ALL
	SELECT 'lem_slices_day', jsonb_build_object('late', l.late), count(s.late)::float8
	FROM unnest('{f,t}'::boolean[]) AS l (late) LEFT JOIN slices AS s USING (late) GROUP BY l.late
	UNION ALL
	SELECT 'lem_slices_hour', jsonb_build_object('late', l.late), count(s.late) FILTER (WHERE s.hour)::float8
	FROM unnest('{f,t}'::boolean[]) AS l (late) LEFT JOIN slices AS s USING (late) GROUP BY l.late
	UNION ALL
	SELECT 'lem_fills_day', '{}'::jsonb, count(*)::float8 FROM lem_order_fill AS f
	WHERE f.recorded_at > now() - interval '1 day' AND f.busted_at IS NULL
	UNION ALL
	SELECT 'lem_feed_age_seconds', jsonb_build_object('series', f.series),
		EXTRACT(epoch FROM clock_timestamp() - f.seen)::float8 FROM feeds AS f
	UNION ALL
	SELECT 'lem_feed_age_bars', jsonb_build_object('series', f.series),
		EXTRACT(epoch FROM clock_timestamp() - f.seen)::float8 / EXTRACT(epoch FROM f.gap)::float8
	FROM feeds AS f WHERE f.gap > interval '0'
	UNION ALL
	SELECT m.name, jsonb_build_object('model', s.model, 'version', s.version), m.value
	FROM lem_stat AS s, LATERAL (VALUES ('lem_model_calls_total', s.calls::float8), ('lem_model_orders_total', s.orders::float8),
		('lem_model_seconds_total', s.total_ms / 1000), ('lem_model_max_seconds', s.max_ms / 1000),
		('lem_model_cache_hits_total', s.cache_hits::float8), ('lem_model_cache_misses_total', s.cache_misses::float8))
		AS m (name, value)
	UNION ALL
	SELECT 'lem_cached_bytes', '{}'::jsonb, COALESCE(sum(b.cached_bytes), 0)::float8 FROM lem_stat_backend AS b
	UNION ALL
	SELECT 'lem_trainings_day', jsonb_build_object('status', r.status), count(*)::float8 FROM lem_training_runs AS r
	WHERE r.status = 'running' OR r.updated_at > now() - interval '1 day' GROUP BY r.status
	UNION ALL
	SELECT 'lem_training_epoch', jsonb_build_object('model', r.model, 'run', r.run), r.epochs::float8
	FROM lem_training_runs AS r WHERE r.status = 'running'
	UNION ALL
	SELECT 'lem_training_loss', jsonb_build_object('model', r.model, 'run', r.run, 'of', l.name), l.value
	FROM lem_training_runs AS r, LATERAL (VALUES ('training', r.train_loss), ('validation', r.validation_loss)) AS l (name, value)
	WHERE r.status = 'running' AND l.value IS NOT NULL
	UNION ALL
	SELECT 'lem_progress_ratio', jsonb_build_object('pid', p.pid, 'kind', p.kind, 'phase', p.phase), p.done::float8 / p.total
	FROM lem_progress AS p WHERE p.total > 0;
END;
COMMENT ON FUNCTION lem_metrics() IS 'figures for exporters, of what the caller may see';

-- Monitoring: end

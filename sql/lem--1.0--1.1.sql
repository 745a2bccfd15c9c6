/* sql/lem--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION lem UPDATE TO '1.1'" to load this file. \quit

-- Nothing here names a schema: the extension can be created in, and moved to, any schema.

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
	RENAME TO lem_order_1_0;
COMMENT ON FUNCTION lem_order_1_0(float8, text, text, text, timestamptz, int, int, float8, float8,
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

CREATE FUNCTION lem_bar_accum(internal, timestamptz, float8, float8, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_bar_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_bar_accum(internal, timestamptz, float8, float8, bigint)
	IS 'aggregate transition function';
CREATE AGGREGATE lem_bar(ts timestamptz, price float8, quantity float8, seq bigint) (
	SFUNC = lem_bar_accum,
	STYPE = internal,
	SSPACE = 160,
	FINALFUNC = lem_bar_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_bar_combine,
	SERIALFUNC = lem_bar_serialize,
	DESERIALFUNC = lem_bar_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_bar(timestamptz, float8, float8, bigint)
	IS 'one bar made of trades, those of one time by their sequence numbers';
COMMENT ON AGGREGATE lem_bar(timestamptz, float8, float8)
	IS 'one bar made of trades, those of one time as they come';

-- Types and bars: end

-- Models: rights and catalog

-- Roles as tables keep them: numbers that are written as names

CREATE TYPE lem_role;

CREATE FUNCTION lem_role_in(cstring) RETURNS lem_role
	AS 'MODULE_PATHNAME', 'pg_lem_role_in' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_role_out(lem_role) RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_lem_role_out' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_role_recv(internal) RETURNS lem_role
	AS 'MODULE_PATHNAME', 'pg_lem_role_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_role_send(lem_role) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_role_send' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE TYPE lem_role (
	INPUT = lem_role_in,
	OUTPUT = lem_role_out,
	RECEIVE = lem_role_recv,
	SEND = lem_role_send,
	INTERNALLENGTH = 68,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE lem_role
	IS 'a role, written as its name; "?name" is a role that is gone, and stays nobody';
COMMENT ON FUNCTION lem_role_in(cstring) IS 'I/O';
COMMENT ON FUNCTION lem_role_out(lem_role) IS 'I/O';
COMMENT ON FUNCTION lem_role_recv(internal) IS 'I/O';
COMMENT ON FUNCTION lem_role_send(lem_role) IS 'I/O';

CREATE FUNCTION lem_role_of(role name) RETURNS lem_role
	AS 'MODULE_PATHNAME', 'pg_lem_role_of' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_role_of(name) IS 'the role of a name';
CREATE FUNCTION lem_role_name(role lem_role) RETURNS name
	AS 'MODULE_PATHNAME', 'pg_lem_role_name' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_role_name(lem_role) IS 'the name of a role, NULL if it is gone';
CREATE CAST (name AS lem_role) WITH FUNCTION lem_role_of(name) AS ASSIGNMENT;
CREATE CAST (lem_role AS name) WITH FUNCTION lem_role_name(lem_role) AS IMPLICIT;

CREATE FUNCTION lem_role_lt(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_lt(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION lem_role_le(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_le(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION lem_role_eq(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_eq(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION lem_role_ne(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_ne(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION lem_role_ge(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_ge(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION lem_role_gt(lem_role, lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_role_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_gt(lem_role, lem_role) IS 'implementation of operators';
CREATE FUNCTION lem_role_cmp(lem_role, lem_role) RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_role_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_role_cmp(lem_role, lem_role) IS 'less, equal or greater, for indexes';
CREATE OPERATOR < (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = lem_role_lt, COMMUTATOR = >,
	NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = lem_role_le, COMMUTATOR = >=,
	NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR = (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = lem_role_eq, COMMUTATOR = =,
	NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel
);
CREATE OPERATOR <> (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = lem_role_ne, COMMUTATOR = <>,
	NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR >= (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = lem_role_ge, COMMUTATOR = <=,
	NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR > (
	LEFTARG = lem_role, RIGHTARG = lem_role, FUNCTION = lem_role_gt, COMMUTATOR = <,
	NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR CLASS lem_role_ops DEFAULT FOR TYPE lem_role USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 lem_role_cmp(lem_role, lem_role);

CREATE FUNCTION lem_acts_for(role lem_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'pg_lem_acts_for_role' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
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

CREATE FUNCTION lem_role_kept() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_role_kept' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION lem_role_kept()
	IS 'trigger function: keep a role that a row names from being dropped';
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF owner ON lem_model_name
	FOR EACH ROW EXECUTE FUNCTION lem_role_kept();
ALTER TABLE lem_model_name ENABLE ALWAYS TRIGGER lem_role_kept;
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF grantee ON lem_model_right
	FOR EACH ROW EXECUTE FUNCTION lem_role_kept();
ALTER TABLE lem_model_right ENABLE ALWAYS TRIGGER lem_role_kept;
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF started_by ON lem_training_run
	FOR EACH ROW EXECUTE FUNCTION lem_role_kept();
ALTER TABLE lem_training_run ENABLE ALWAYS TRIGGER lem_role_kept;
CREATE TRIGGER lem_role_kept BEFORE INSERT OR UPDATE OF owner ON lem_parent_order
	FOR EACH ROW EXECUTE FUNCTION lem_role_kept();
ALTER TABLE lem_parent_order ENABLE ALWAYS TRIGGER lem_role_kept;

CREATE FUNCTION lem_keep_roles() RETURNS int
	AS 'MODULE_PATHNAME', 'pg_lem_keep_roles' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION lem_keep_roles()
	IS 'keep all roles that own something or have rights from being dropped, after pg_upgrade';
SELECT lem_keep_roles();

CREATE FUNCTION lem_reassign_owned(role lem_role, successor name) RETURNS void
	AS 'MODULE_PATHNAME', 'pg_lem_reassign_owned' LANGUAGE C VOLATILE CALLED ON NULL INPUT
	PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_reassign_owned(lem_role, name)
	IS 'give the models, orders and trainings of a role to another, so that it can be dropped';

-- Models: rights and catalog: end

-- Calendars

-- Calendars: end

-- Scheduling

CREATE FUNCTION lem_schedule(model text, ord lem_order, bars lem_bars, executed float8[])
	RETURNS SETOF lem_slice
	AS 'MODULE_PATHNAME', 'pg_lem_schedule' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
	COST 20000 ROWS 12 SUPPORT lem_support;
COMMENT ON FUNCTION lem_schedule(text, lem_order, lem_bars, float8[])
	IS 'schedule of an order over bars, from what was executed in each completed bar';

-- Scheduling: end

-- The optimum

-- The optimum: end

-- Working orders

-- Orders are claimed by their series; what changes while one is active is in no index, so that its
-- new version finds room beside the old one.
DROP INDEX lem_parent_order_active;
CREATE INDEX lem_parent_order_active ON lem_parent_order (series, id) WHERE state = 'active';
ALTER TABLE lem_parent_order SET (fillfactor = 50);
ALTER TABLE lem_child_slice SET (fillfactor = 70);

-- Working orders: end

-- Judging

ALTER FUNCTION lem_backtest_orders(text, lem_order, lem_bars, int, text, jsonb)
	RENAME TO lem_backtest_orders_1_0;
COMMENT ON FUNCTION lem_backtest_orders_1_0(text, lem_order, lem_bars, int, text, jsonb)
	IS 'lem_backtest_orders of version 1.0, for what was made with it';
CREATE FUNCTION lem_backtest_orders(model text, ord lem_order, bars lem_bars,
	every int DEFAULT 1, alignment text DEFAULT 'causal', options jsonb DEFAULT NULL,
	OUT ts timestamptz, OUT achieved float8, OUT benchmark float8, OUT bps float8,
	OUT bars_used int, OUT allocation float8[], OUT cost_bps float8, OUT completion float8,
	OUT alignment text, OUT unallocated float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_lem_backtest_orders' LANGUAGE C STABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1000000 ROWS 1000 SUPPORT lem_support;
COMMENT ON FUNCTION lem_backtest_orders(text, lem_order, lem_bars, int, text, jsonb)
	IS 'what an order would have come to, a row a start';

-- Judging: end

-- Training

-- Training: end

-- Market making

CREATE TYPE lem_book;

CREATE FUNCTION lem_book_in(cstring) RETURNS lem_book
	AS 'MODULE_PATHNAME', 'pg_lem_book_in' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION lem_book_out(lem_book) RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_lem_book_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION lem_book_recv(internal) RETURNS lem_book
	AS 'MODULE_PATHNAME', 'pg_lem_book_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION lem_book_send(lem_book) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_book_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
CREATE TYPE lem_book (
	INPUT = lem_book_in,
	OUTPUT = lem_book_out,
	RECEIVE = lem_book_recv,
	SEND = lem_book_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE lem_book
	IS 'a series of book bars in time order: quotes at the end of each bar, the trades inside it';
COMMENT ON FUNCTION lem_book_in(cstring) IS 'I/O';
COMMENT ON FUNCTION lem_book_out(lem_book) IS 'I/O';
COMMENT ON FUNCTION lem_book_recv(internal) IS 'I/O';
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

CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8, float8)
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8, float8,
	float8, float8, float8, float8, float8, float8[]) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_accum' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_book_accum(internal, timestamptz, float8, float8, float8, float8,
	float8, float8, float8, float8, float8, float8, float8[])
	IS 'aggregate transition function';
CREATE FUNCTION lem_book_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_combine' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_book_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION lem_book_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_lem_book_serialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_book_serialize(internal) IS 'aggregate serial function';
CREATE FUNCTION lem_book_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_book_deserialize' LANGUAGE C IMMUTABLE STRICT
	PARALLEL SAFE COST 10;
COMMENT ON FUNCTION lem_book_deserialize(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION lem_book_final(internal) RETURNS lem_book
	AS 'MODULE_PATHNAME', 'pg_lem_book_final' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT
	PARALLEL SAFE COST 100;
COMMENT ON FUNCTION lem_book_final(internal) IS 'aggregate final function';

CREATE AGGREGATE lem_book(ts timestamptz, open float8, high float8, low float8, close float8,
	volume float8) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8)
	IS 'book bars without quotes as one value, in any order of input';

CREATE AGGREGATE lem_book(ts timestamptz, open float8, high float8, low float8, close float8,
	volume float8, buy_volume float8) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8)
	IS 'book bars without quotes, with takers'' buys, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, open float8, high float8, low float8, close float8,
	volume float8, buy_volume float8, features float8[]) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8[])
	IS 'book bars without quotes, with extra features, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, open float8, high float8,
	low float8, close float8, volume float8) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8)
	IS 'book bars without sizes as one value, in any order of input';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, open float8, high float8,
	low float8, close float8, volume float8, buy_volume float8) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8)
	IS 'book bars without sizes, with takers'' buys, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, open float8, high float8,
	low float8, close float8, volume float8, buy_volume float8, features float8[]) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8[])
	IS 'book bars without sizes, with extra features, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, bid_size float8,
	ask_size float8, open float8, high float8, low float8, close float8, volume float8) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8)
	IS 'book bars as one value, in any order of input';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, bid_size float8,
	ask_size float8, open float8, high float8, low float8, close float8, volume float8,
	buy_volume float8) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lem_book(timestamptz, float8, float8, float8, float8, float8, float8,
	float8, float8, float8, float8)
	IS 'book bars, with takers'' buys, as one value';

CREATE AGGREGATE lem_book(ts timestamptz, bid float8, ask float8, bid_size float8,
	ask_size float8, open float8, high float8, low float8, close float8, volume float8,
	buy_volume float8, features float8[]) (
	SFUNC = lem_book_accum,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = lem_book_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = lem_book_combine,
	SERIALFUNC = lem_book_serialize,
	DESERIALFUNC = lem_book_deserialize,
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

-- Market making: end

-- Pictures

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

-- Monitoring: end

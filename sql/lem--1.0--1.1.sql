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

-- Monitoring: end

/* sql/lem--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION lem UPDATE TO '1.1'" to load this file. \quit

-- Nothing here names a schema: the extension can be created in, and moved to, any schema.

-- Types and bars

-- Types and bars: end

-- Models: rights and catalog

-- Models: rights and catalog: end

-- Calendars

-- Calendars: end

-- Scheduling

-- Scheduling: end

-- The optimum

-- The optimum: end

-- Working orders

-- Working orders: end

-- Judging

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

-- Rights to models and orders, as three roles: one that makes a model, one that may use it, one that may not.

SET timezone = 'UTC';
CREATE FUNCTION public.rights_error(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
\set weights `base64 "$LEM_GOLDEN/tiny/weights.safetensors"`
CREATE SCHEMA rights;
CREATE TABLE rights.weights AS SELECT decode(:'weights', 'base64') AS file, '{"lookback":6,"n_ahead":4,"hidden_size":8,"hidden_rnn_layer":2,"num_heads":2,"num_embedding":3,"fused_mlp_hidden_dim":5,"max_scale_factor":1.5,"features":"paper","heads":"separate","finish_gate":false,"notional_state":"allocated"}'::jsonb AS config;
CREATE TABLE rights.bars AS SELECT s AS series, '2026-03-02 09:00:00+00'::timestamptz + i * interval '1 minute' AS ts, 100 * exp(sin((i + ascii(s)) / 7.0) / 100) AS price, 1000 * (1.1 + sin(i / 3.0 + ascii(s))) AS volume
FROM unnest('{A,B}'::text[]) AS s, generate_series(-400, 0) AS i;
ANALYZE rights.bars;
CREATE ROLE regress_lem_maker;
CREATE ROLE regress_lem_user;
CREATE ROLE regress_lem_stranger;
CREATE ROLE regress_lem_desk;
GRANT USAGE ON SCHEMA rights TO regress_lem_maker, regress_lem_user, regress_lem_stranger, regress_lem_desk;
GRANT SELECT ON rights.weights TO regress_lem_maker;
GRANT SELECT ON rights.bars TO regress_lem_user, regress_lem_stranger;

-- What each may do with a model, put to the test.
CREATE TABLE rights.attempts (n int, needs text, query text);
INSERT INTO rights.attempts VALUES
	(1, 'use', 'SELECT lem_schedule(''owned'', lem_order(1), ts, price, volume) FROM rights.bars WHERE series = ''A'''),
	(2, 'use', 'SELECT lem_next_slice(''owned'', lem_order(1), ts, price, volume) FROM rights.bars WHERE series = ''A'''),
	(3, 'use', 'SELECT s FROM (SELECT lem_bars(ts, price, volume) AS b FROM rights.bars WHERE series = ''A'') AS b, lem_schedule(''owned@1'', lem_order(1), b) AS s'),
	(4, 'use', 'SELECT s FROM (SELECT lem_bars(ts, price, volume) AS b FROM rights.bars WHERE series = ''A'') AS b, lem_schedule_batch(''owned'', ''{1}'', ARRAY[lem_order(1)], ARRAY[b]) AS s'),
	(5, 'use', 'SELECT lem_forward(''owned'', array_fill(1::float4, ARRAY[63]), ''{0}'', ''{1}'')'),
	(6, 'use', 'SELECT s FROM (SELECT lem_bars(ts, price, volume) AS b FROM rights.bars WHERE series = ''A'') AS b, lem_explain(''owned'', lem_order(1), b) AS s'),
	(7, 'use', 'SELECT lem_submit_order(''A'', ''owned'', lem_order(1))'),
	(8, 'read', 'SELECT lem_export(''owned'')'),
	(9, 'read', 'SELECT lem_gradient(''owned'', array_fill(1::float4, ARRAY[63]), array_fill(1::float4, ARRAY[8]), ''{0}'', ''{1}'')'),
	(10, 'train', 'SELECT lem_deploy(''owned'', 1)'),
	(11, 'train', 'SELECT lem_import(''owned'', ''\x00'')'),
	(12, 'drop', 'SELECT lem_drop(''owned@99'')'),
	(13, 'owner', 'SELECT lem_grant(''owned'', ''public'', ''use'')'),
	(14, 'owner', 'SELECT lem_revoke(''owned'', ''public'', ''use'')'),
	(15, 'nobody', 'SELECT count(*) FROM lem_model_part'),
	(16, 'nobody', 'UPDATE lem_model SET deployed = false'),
	(17, 'nobody', 'INSERT INTO lem_model_right VALUES (''owned'', ''read'', current_user, current_user)'),
	(18, 'nobody', 'UPDATE lem_model_name SET owner = current_user'),
	(19, 'nobody', 'SELECT count(*) FROM lem_training_state');
GRANT SELECT ON rights.attempts TO PUBLIC;
CREATE FUNCTION rights.denied() RETURNS text LANGUAGE sql AS 'SELECT string_agg(n || '' '' || needs, '', '' ORDER BY n) FROM rights.attempts WHERE rights_error(query) ~ ''^42501''';

--
-- Who makes a model owns it
--
SET ROLE regress_lem_maker;
SELECT lem_import('owned', file, config) FROM rights.weights;
SELECT name, created_by, owner FROM lem_models WHERE name = 'owned';
SELECT lem_deploy('owned', 1), length(lem_export('owned')) > 0 AS weights;
SET ROLE regress_lem_stranger;
SELECT rights.denied();
SET ROLE regress_lem_user;
SELECT rights_error(query) FROM rights.attempts WHERE n IN (1, 8, 10, 12, 13) ORDER BY n;

--
-- Each right by itself, granted and revoked
--
RESET ROLE;
CREATE TABLE rights.found (r text, denied text);
GRANT SELECT, INSERT ON rights.found TO PUBLIC;
DO $$
DECLARE
	r text;
BEGIN
	FOREACH r IN ARRAY '{use,read,train,drop,all}'::text[] LOOP
		SET LOCAL ROLE regress_lem_maker;
		PERFORM lem_grant('owned', 'regress_lem_user', r);
		SET LOCAL ROLE regress_lem_user;
		INSERT INTO rights.found SELECT r || ': ' || lem_has_right('owned', 'use') || lem_has_right('owned', 'read') || lem_has_right('owned', 'train') || lem_has_right('owned', 'drop'), rights.denied();
		SET LOCAL ROLE regress_lem_maker;
		PERFORM lem_revoke('owned', 'regress_lem_user', upper(r));
	END LOOP;
END
$$;
SELECT * FROM rights.found;
SELECT count(*) FROM lem_model_right;

-- By membership, and to all
SET ROLE regress_lem_maker;
SELECT lem_grant('owned', 'regress_lem_desk', 'use'), lem_grant('owned', 'regress_lem_desk', 'use');
RESET ROLE;
SELECT lem_has_right('owned', 'use', 'regress_lem_user'), lem_has_right('owned', 'use', 'regress_lem_desk'), lem_has_right('owned', 'drop', 'regress_lem_maker'), lem_has_right('owned', 'drop');
GRANT regress_lem_desk TO regress_lem_user;
SELECT lem_has_right('owned', 'use', 'regress_lem_user');
ALTER ROLE regress_lem_user NOINHERIT;
REVOKE regress_lem_desk FROM regress_lem_user;
GRANT regress_lem_desk TO regress_lem_user;
SELECT lem_has_right('owned', 'use', 'regress_lem_user') AS inherited;
REVOKE regress_lem_desk FROM regress_lem_user;
ALTER ROLE regress_lem_user INHERIT;
SET ROLE regress_lem_maker;
SELECT lem_revoke('owned', 'regress_lem_desk', 'all'), lem_grant('owned', 'public', 'use');
SELECT * FROM lem_model_right ORDER BY privilege, grantee;
SET ROLE regress_lem_stranger;
SELECT rights.denied();

-- In a parallel plan, with the weights read in the workers
SET ROLE regress_lem_user;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET lem.model_cache_size = '1MB';
EXPLAIN (COSTS OFF) SELECT series, cardinality(lem_schedule('owned', lem_order(1), ts, price, volume)) FROM rights.bars GROUP BY series;
SELECT series, cardinality(lem_schedule('owned', lem_order(1), ts, price, volume)) FROM rights.bars GROUP BY series ORDER BY series;
EXPLAIN (COSTS OFF) SELECT count(lem_forward('owned', array_fill((volume * 0 + 1)::float4, ARRAY[63]), '{0}', '{1}')) FROM rights.bars;
SELECT count(lem_forward('owned', array_fill((volume * 0 + 1)::float4, ARRAY[63]), '{0}', '{1}')) FROM rights.bars;
SET ROLE regress_lem_maker;
SELECT lem_revoke('owned', 'public', 'use');
SET ROLE regress_lem_user;
SELECT series, cardinality(lem_schedule('owned', lem_order(1), ts, price, volume)) FROM rights.bars GROUP BY series ORDER BY series;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
RESET lem.model_cache_size;

-- Through a function that runs as its owner, and not through one that runs as the caller
RESET ROLE;
CREATE FUNCTION rights.as_maker() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT cardinality(lem_forward(''owned'', array_fill(1::float4, ARRAY[63]), ''{0}'', ''{1}''))';
CREATE FUNCTION rights.as_caller() RETURNS int LANGUAGE sql AS 'SELECT cardinality(lem_forward(''owned'', array_fill(1::float4, ARRAY[63]), ''{0}'', ''{1}''))';
ALTER FUNCTION rights.as_maker() OWNER TO regress_lem_maker;
ALTER FUNCTION rights.as_caller() OWNER TO regress_lem_maker;
SET ROLE regress_lem_user;
SELECT rights.as_maker();
SELECT rights.as_caller();
SELECT rights.as_maker(), current_user;

-- Nothing of the caller's runs as somebody else: operators and functions in his search_path
RESET ROLE;
CREATE SCHEMA trap AUTHORIZATION regress_lem_user;
SET ROLE regress_lem_user;
CREATE FUNCTION trap.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trapped as %', current_user; RETURN true; END $$;
CREATE FUNCTION trap.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trapped as %', current_user; RETURN true; END $$;
CREATE FUNCTION trap.trap(name, name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trapped as %', current_user; RETURN true; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.trap);
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.trap);
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.trap);
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trapped as %', current_user; RETURN now(); END $$;
CREATE FUNCTION trap.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trapped as %', current_user; END $$;
SET search_path = trap, pg_catalog, public;
SELECT lem_forward('owned', array_fill(1::float4, ARRAY[63]), '{0}', '{1}');
SELECT lem_drop('owned');
SELECT lem_grant('owned', 'public', 'use');
SELECT lem_cancel_order(id) FROM (SELECT max(id) AS id FROM lem_orders) AS o;
CALL lem_work('SELECT * FROM rights.bars', '2026-03-02 09:02:00+00');
SELECT lem_paper_fill();
CREATE TABLE trap.lem_model (id bigint);
CREATE TRIGGER trap AFTER DELETE ON trap.lem_model FOR EACH ROW EXECUTE FUNCTION public._lem_model_deleted();
INSERT INTO trap.lem_model SELECT id FROM public.lem_model;
DELETE FROM trap.lem_model;
RESET search_path;

-- What is refused
SELECT rights_error(query) FROM unnest(ARRAY['lem_grant(NULL, ''public'', ''use'')', 'lem_grant(''owned'', NULL, ''use'')', 'lem_grant(''owned'', ''public'', NULL)',
	'lem_grant(''owned'', ''public'', ''sell'')', 'lem_grant(''nowhere'', ''public'', ''use'')', 'lem_has_right(''owned'', ''all'')', 'lem_has_right(''nowhere'', ''use'')', 'lem_has_right(''owned'', ''use'', ''nobody at all'')']) AS call, LATERAL (SELECT 'SELECT ' || call) AS q (query);
SET ROLE regress_lem_maker;
SELECT lem_grant('owned', 'nobody at all', 'use');
\set VERBOSITY sqlstate
SELECT lem_set_owner('owned', 'regress_lem_user');
\set VERBOSITY default
RESET ROLE;
SELECT lem_set_owner('owned', 'regress_lem_desk');
SET ROLE regress_lem_maker;
SELECT lem_drop('owned');
RESET ROLE;
SELECT lem_set_owner('owned', 'regress_lem_maker');

-- To give a model to a role takes SET ROLE to it (from 16 on membership can go without).
RESET ROLE;
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE 'GRANT regress_lem_desk TO regress_lem_maker WITH SET FALSE, INHERIT TRUE';
	END IF;
END
$$;
SET ROLE regress_lem_maker;
SELECT rights_error('SELECT lem_set_owner(''owned'', ''regress_lem_desk'')') ~ '^42501' AS refused, rights_error('SELECT lem_reassign_owned(current_user::text::lem_role, ''regress_lem_desk'')') ~ '^42501' AS "and for all";
RESET ROLE;
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE 'REVOKE regress_lem_desk FROM regress_lem_maker';
	END IF;
END
$$;

-- A name that is free again is anyone's, without the rights of before
SET ROLE regress_lem_maker;
SELECT lem_grant('owned', 'regress_lem_stranger', 'all');
SELECT lem_import('second', lem_export('owned')), lem_drop('second');
SET ROLE regress_lem_stranger;
SELECT lem_import('second', lem_export('owned'));
SELECT version, owner FROM lem_models WHERE name = 'second';
SET ROLE regress_lem_maker;
SELECT lem_drop('second');
SELECT lem_revoke('owned', 'regress_lem_stranger', 'all'), lem_grant('owned', 'regress_lem_user', 'use');

--
-- Orders are seen and worked by their owners, and by roles that have their rights
--
RESET ROLE;
GRANT regress_lem_user TO regress_lem_desk;
REVOKE SELECT ON rights.bars FROM regress_lem_user;
CREATE FUNCTION rights.seen(OUT orders bigint, OUT slices bigint, OUT parent bigint, OUT child bigint, OUT fills bigint) LANGUAGE sql AS 'SELECT (SELECT count(*) FROM lem_orders), (SELECT count(*) FROM lem_slices), (SELECT count(*) FROM lem_parent_order), (SELECT count(*) FROM lem_child_slice), (SELECT count(*) FROM lem_paper_fill)';
DELETE FROM lem_parent_order;
SELECT lem_submit_order('A', 'owned', lem_order(1000)) AS mine \gset
SET ROLE regress_lem_user;
SELECT lem_submit_order('A', 'owned', lem_order(1000)) AS theirs \gset
SELECT lem_submit_order('B', 'owned', lem_order(1000)) AS b \gset
SELECT series, owner FROM lem_orders ORDER BY id;
SELECT rights_error(format('SELECT lem_cancel_order(%s)', :mine)) ~ '^42704.*does not exist$' AS hidden;
SET ROLE regress_lem_stranger;
CALL lem_work('SELECT * FROM rights.bars', '2026-03-02 09:02:00+00');
SELECT * FROM rights.seen();
SELECT rights_error(format('SELECT lem_cancel_order(%s)', :theirs)) ~ '^42704' AS cancel, rights_error(format('SELECT lem_resume_order(%s)', :theirs)) ~ '^42704' AS resume, rights_error(format('SELECT lem_paper_fill(%s)', :theirs)) ~ '^42704' AS fill;
SELECT rights_error(query) FROM unnest('{DELETE FROM lem_parent_order,UPDATE lem_child_slice SET quantity = 0,INSERT INTO lem_paper_fill SELECT 1,SELECT nextval(''lem_parent_order_id_seq'')}'::text[]) AS query;
-- The desk may work them, but not read the bars: the query runs as the caller.
SET ROLE regress_lem_desk;
CALL lem_work('SELECT * FROM rights.bars', '2026-03-02 09:02:00+00');
RESET ROLE;
GRANT SELECT ON rights.bars TO regress_lem_desk;
ALTER TABLE rights.bars ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_a ON rights.bars USING (series = 'A');
SET ROLE regress_lem_desk;
CALL lem_work('SELECT * FROM rights.bars', '2026-03-02 09:02:00+00');
SELECT series, state, slices, reason, owner FROM lem_orders ORDER BY id;
SELECT decided_by FROM lem_slices;
SELECT * FROM rights.seen();
SET ROLE regress_lem_user;
SELECT * FROM rights.seen();
-- The right that counts is the owner's, at each decision.
SET ROLE regress_lem_maker;
SELECT lem_revoke('owned', 'regress_lem_user', 'use');
RESET ROLE;
INSERT INTO rights.bars SELECT series, ts + interval '1 minute', price, volume FROM rights.bars WHERE ts = '2026-03-02 09:00:00+00';
CALL lem_work('SELECT * FROM rights.bars', '2026-03-02 09:02:00+00');
SELECT owner = current_user AS mine, series, state, slices, reason FROM lem_orders ORDER BY id;
SELECT * FROM rights.seen();

DELETE FROM lem_parent_order;

--
-- lem_has_right has one answer for a statement, whatever that changes, and is for parallel plans
--
SELECT lem_has_right('owned', 'train', 'regress_lem_user') AS before, lem_grant('owned', 'regress_lem_user', 'train'), lem_has_right('owned', 'train', 'regress_lem_user') AS meanwhile;
SELECT lem_has_right('owned', 'train', 'regress_lem_user') AS afterwards;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE rights.bars DISABLE ROW LEVEL SECURITY;
GRANT CREATE ON SCHEMA rights TO regress_lem_desk;
SET ROLE regress_lem_desk;
CREATE TABLE rights.parallel AS SELECT r, count(*) FILTER (WHERE lem_has_right('owned', r)) AS n FROM rights.bars, unnest('{use,read,train,drop}'::text[]) AS r GROUP BY r;
SELECT r, n > 0 AS has FROM rights.parallel ORDER BY r;
RESET ROLE;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
-- Keys are compared as text in the collation "C".
SELECT a.attrelid::regclass, attname, collname FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation
WHERE attrelid IN ('lem_model_name'::regclass, 'lem_model_right'::regclass) AND atttypid = 'text'::regtype ORDER BY 1, 2;

--
-- Roles are kept as roles: what one owns goes with it where it is called otherwise, and to nobody else
--
SELECT 'regress_lem_maker'::lem_role, 'nobody at all'::lem_role, '?regress_lem_maker'::lem_role, 'public'::lem_role, '?public'::lem_role, E'\\?odd'::lem_role;
SELECT lem_role_name('regress_lem_maker'), lem_role_name('nobody at all'), lem_role_name('?regress_lem_maker'), lem_role_name('public'), lem_role_of('regress_lem_user') = 'regress_lem_user' AS same;
SELECT a, b, a = b AS equal, (_lem_role_cmp(a, b) <> 0) = (a <> b) AS cmp, (a < b) = (b > a) AS less, (a <= b) = (b >= a) AS "not greater"
FROM unnest('{regress_lem_user,?regress_lem_user,public}'::lem_role[]) AS a, unnest('{regress_lem_user,?regress_lem_user}'::lem_role[]) AS b ORDER BY a::text COLLATE "C", b::text COLLATE "C";
SET ROLE regress_lem_user;
SELECT lem_acts_for('regress_lem_user'::lem_role), lem_acts_for('?regress_lem_user'::lem_role), lem_acts_for('regress_lem_maker'::lem_role);
SET ROLE regress_lem_maker;
SELECT lem_grant('owned', 'regress_lem_user', 'use');
SET ROLE regress_lem_user;
SELECT lem_submit_order('A', 'owned', lem_order(1000)) > 0 AS submitted;
RESET ROLE;
-- Not while it owns something or has rights; DROP OWNED knows nothing of either.
DROP OWNED BY regress_lem_maker, regress_lem_user;
DROP ROLE regress_lem_maker;
DROP ROLE regress_lem_user;
-- Another name, and another role of the first one
ALTER ROLE regress_lem_maker RENAME TO regress_lem_renamed;
ALTER ROLE regress_lem_user RENAME TO regress_lem_trader;
CREATE ROLE regress_lem_maker;
CREATE ROLE regress_lem_user;
SELECT owner FROM lem_models WHERE name = 'owned';
SELECT owner FROM lem_orders;
SELECT privilege, grantee FROM lem_model_right ORDER BY privilege, grantee;
SELECT lem_has_right('owned', 'drop', 'regress_lem_renamed') AS renamed, lem_has_right('owned', 'use', 'regress_lem_maker') AS maker,
	lem_has_right('owned', 'use', 'regress_lem_trader') AS trader, lem_has_right('owned', 'use', 'regress_lem_user') AS "user";
SET ROLE regress_lem_user;
SELECT count(*) FROM lem_orders;
SET ROLE regress_lem_trader;
SELECT count(*) FROM lem_orders;
RESET ROLE;
DROP ROLE regress_lem_maker, regress_lem_user;
ALTER ROLE regress_lem_renamed RENAME TO regress_lem_maker;
ALTER ROLE regress_lem_trader RENAME TO regress_lem_user;
-- Rows with names that no role has when they are restored are nobody's, whoever takes the name.
INSERT INTO lem_model_name (name, versions, owner) VALUES ('elsewhere', 1, 'regress_lem_gone'), ('before', 1, '?regress_lem_user');
CREATE ROLE regress_lem_gone;
SELECT name, owner, lem_role_name(owner) FROM lem_model_name WHERE name IN ('elsewhere', 'before') ORDER BY name;
SET ROLE regress_lem_gone;
SELECT rights_error(query) FROM unnest(ARRAY['SELECT lem_reassign_owned(''?regress_lem_gone'', current_user)', 'SELECT lem_reassign_owned(''regress_lem_maker'', current_user)', 'SELECT lem_keep_roles()']) AS query;
RESET ROLE;
SELECT rights_error('SELECT lem_reassign_owned(' || a || ')') FROM unnest(ARRAY['NULL, current_user', '''regress_lem_gone'', NULL', '''regress_lem_gone'', ''nobody at all''', '''public'', current_user']) AS a;
SELECT lem_reassign_owned('?regress_lem_gone', 'regress_lem_gone');
SELECT name, owner, lem_role_name(owner) FROM lem_model_name WHERE name IN ('elsewhere', 'before') ORDER BY name;
-- Handing over: models, orders and trainings; rights go, and so may the role.
GRANT regress_lem_desk, regress_lem_maker TO regress_lem_gone;
SET ROLE regress_lem_gone;
SELECT lem_reassign_owned('regress_lem_maker', 'regress_lem_desk');
RESET ROLE;
SELECT lem_reassign_owned('regress_lem_user', 'regress_lem_desk'), lem_reassign_owned('regress_lem_gone', 'regress_lem_desk');
SELECT owner FROM lem_models WHERE name = 'owned';
SELECT owner FROM lem_orders;
SELECT count(*) FROM lem_model_right;
DROP ROLE regress_lem_gone;
-- What pg_upgrade leaves behind: the entries that keep roles
DELETE FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND refobjid = 'regress_lem_desk'::regrole AND classid = 'pg_class'::regclass AND objsubid > 0;
SELECT lem_keep_roles() > 0 AS kept, lem_keep_roles() > 0 AS again;
SELECT objid::regclass, count(*) FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND refobjid = 'regress_lem_desk'::regrole AND classid = 'pg_class'::regclass AND objsubid > 0 GROUP BY 1 ORDER BY 1;
-- The trigger is for the tables of the extension.
CREATE TABLE rights.mine (owner lem_role);
CREATE TRIGGER kept BEFORE INSERT ON rights.mine FOR EACH ROW EXECUTE FUNCTION _lem_role_kept();
INSERT INTO rights.mine VALUES ('regress_lem_desk');
DELETE FROM lem_parent_order;
DELETE FROM lem_model_name WHERE name IN ('elsewhere', 'before');

SELECT lem_drop('owned');
SET client_min_messages = warning;
DROP SCHEMA rights CASCADE;
DROP FUNCTION rights_error;
SELECT lem_reassign_owned(role::lem_role, current_user) FROM unnest('{regress_lem_maker,regress_lem_user,regress_lem_stranger,regress_lem_desk}'::text[]) AS role;
DROP ROLE regress_lem_maker, regress_lem_user, regress_lem_stranger, regress_lem_desk;

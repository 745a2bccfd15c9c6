/*
 * lem--0.9--1.0.sql: from the sample of an older version to the one in development.
 *
 * What changed of that which version 0.9 has is written here.  What it lacks altogether the test
 * adds as it stands in sql/lem--1.0.sql: sections (one begins with a line like "-- Training") that 0.9
 * has not, and in the other sections paragraphs that create what neither 0.9 nor this file creates.
 * So this file stays as it is while new things come.
 */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION lem UPDATE TO '1.0'" to load this file. \quit

-- Versions are counted by name for good, and names have owners.
CREATE TABLE lem_model_name (
	name text COLLATE "C" PRIMARY KEY,
	versions int NOT NULL,
	owner name NOT NULL
);
COMMENT ON TABLE lem_model_name IS 'names of models, and the last version number each has had';
COMMENT ON COLUMN lem_model_name.owner IS 'name of the role that the model belongs to';
GRANT SELECT ON lem_model_name TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_model_name', '');
INSERT INTO lem_model_name
	SELECT DISTINCT ON (name) name, pg_catalog.max(version) OVER (PARTITION BY name), created_by
	FROM lem_model ORDER BY name, version;
ALTER TABLE lem_model ALTER COLUMN created_by DROP DEFAULT;
CREATE OR REPLACE VIEW lem_models AS
	SELECT m.name, m.version, m.deployed, m.parameters, m.bytes, m.config, m.created_by,
		m.created_at, m.training_run, m.metrics, n.owner
	FROM lem_model AS m
	LEFT JOIN lem_model_name AS n ON n.name OPERATOR(pg_catalog.=) m.name;

-- Rights to models; weights are nobody's to read.
CREATE TABLE lem_model_right (
	model text COLLATE "C" NOT NULL,
	privilege text NOT NULL CHECK (privilege IN ('use', 'read', 'train', 'drop')),
	grantee name NOT NULL,
	grantor name NOT NULL,
	PRIMARY KEY (model, privilege, grantee)
);
COMMENT ON TABLE lem_model_right IS 'rights to models; change it with lem_grant and lem_revoke';
COMMENT ON COLUMN lem_model_right.grantee IS 'name of a role, or public: all of them';
GRANT SELECT ON lem_model_right TO PUBLIC;
REVOKE SELECT ON lem_model_part FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_model_right', '');

-- Parts are deleted by a trigger, not by a foreign key.
ALTER TABLE lem_model_part DROP CONSTRAINT lem_model_part_model_id_fkey;
CREATE FUNCTION lem_model_deleted() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_model_deleted' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_model_deleted() IS 'trigger function: delete the parts of a deleted model';
CREATE TRIGGER lem_model_deleted AFTER DELETE ON lem_model
	FOR EACH ROW EXECUTE FUNCTION lem_model_deleted();

-- Parts may hold numbers of 16 bits.
COMMENT ON COLUMN lem_model_part.format
	IS 'numbers, little-endian, tensor after tensor, 1: float32, 2: float16, 3: bfloat16';

-- What the planner is told.
CREATE FUNCTION lem_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_lem_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION lem_support(internal) IS 'planner support function';
ALTER FUNCTION lem_schedule_final(internal) COST 20000;
ALTER FUNCTION lem_next_slice_final(internal) COST 20000;
ALTER FUNCTION lem_schedule(text, lem_order, lem_bars) COST 20000 SUPPORT lem_support;
ALTER FUNCTION lem_schedule_batch(text, bigint[], lem_order[], lem_bars[]) SUPPORT lem_support;

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

-- Versions are counted by name for good.
CREATE TABLE lem_model_name (
	name text COLLATE "C" PRIMARY KEY,
	versions int NOT NULL
);
COMMENT ON TABLE lem_model_name IS 'names of models, and the last version number each has had';
GRANT SELECT ON lem_model_name TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('lem_model_name', '');
INSERT INTO lem_model_name SELECT name, pg_catalog.max(version) FROM lem_model GROUP BY name;

-- Parts are deleted by a trigger, not by a foreign key.
ALTER TABLE lem_model_part DROP CONSTRAINT lem_model_part_model_id_fkey;
CREATE FUNCTION lem_model_deleted() RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_lem_model_deleted' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION lem_model_deleted() IS 'trigger function: delete the parts of a deleted model';
CREATE TRIGGER lem_model_deleted AFTER DELETE ON lem_model
	FOR EACH ROW EXECUTE FUNCTION lem_model_deleted();

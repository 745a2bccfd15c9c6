/*
 * lem--0.9--1.0.sql: from the sample of an older version to the one in development.
 *
 * Only what changed in the sections that version 0.9 has is written here.  The test adds, as they
 * stand in sql/lem--1.0.sql, the sections that 0.9 has not (a section begins with a line like
 * "-- Training"), so that this file stays as it is while new sections come.
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

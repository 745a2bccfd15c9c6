-- What is wrong with META.json by the PGXN Meta Spec, version 1.0.0 (https://pgxn.org/spec): one row
-- a fault, none if it is valid: pg_temp.faults(file).

CREATE FUNCTION pg_temp.is_text(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
	RETURN coalesce(jsonb_typeof(value) = 'string' AND value #>> '{}' <> '', false);
-- At least two characters, no blanks, slashes or control characters
CREATE FUNCTION pg_temp.is_term(value text) RETURNS boolean LANGUAGE sql IMMUTABLE
	RETURN length(value) >= 2 AND value !~ '[[:space:][:cntrl:]/\\]';
CREATE FUNCTION pg_temp.is_tag(value text) RETURNS boolean LANGUAGE sql IMMUTABLE
	RETURN length(value) BETWEEN 1 AND 256 AND value !~ '[[:cntrl:]/\\]';
-- A semantic version: three numbers without leading zeros, and perhaps a word
CREATE FUNCTION pg_temp.is_version(value text) RETURNS boolean LANGUAGE sql IMMUTABLE
	RETURN value ~ '^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([a-zA-Z][-0-9A-Za-z]*|-[-0-9A-Za-z.]+)?(\+[-0-9A-Za-z.]+)?$';
-- 0 (any version), a version, or comparisons with commas between
CREATE FUNCTION pg_temp.is_range(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
	RETURN value = '0' OR value #>> '{}' = '0' OR coalesce((SELECT bool_and(pg_temp.is_version(regexp_replace(part, '^\s*(<=|<|>=|>|==|!=)?\s*', '')))
		FROM regexp_split_to_table(value #>> '{}', '\s*,\s*') AS part), false);
CREATE FUNCTION pg_temp.is_url(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
	RETURN pg_temp.is_text(value) AND value #>> '{}' ~ '^[a-z][a-z0-9+.-]*://[^[:space:]]+$';
-- The keys of an object, none where it is not one
CREATE FUNCTION pg_temp.keys(value jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_object_keys(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END)
$$;
-- The values of a list, or a single value
CREATE FUNCTION pg_temp.elements(value jsonb) RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END)
$$;
CREATE FUNCTION pg_temp.unknown_keys(place text, value jsonb, known text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
	SELECT place || ': unknown key ' || key FROM pg_temp.keys(value) AS key WHERE key <> ALL (string_to_array(known, ' ')) AND key !~ '^[xX]_.'
$$;

CREATE FUNCTION pg_temp.faults(meta jsonb) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT 'the file is not an object' WHERE jsonb_typeof(meta) <> 'object'
	UNION ALL SELECT pg_temp.unknown_keys('top', meta, 'abstract maintainer license meta-spec name provides version description generated_by no_index prereqs release_status resources tags')
	UNION ALL SELECT key || ': missing or not text' FROM unnest('{abstract,name,version}'::text[]) AS key WHERE NOT pg_temp.is_text(meta -> key)
	UNION ALL SELECT 'name: not a term' WHERE NOT pg_temp.is_term(meta ->> 'name')
	UNION ALL SELECT 'version: not a semantic version' WHERE NOT pg_temp.is_version(meta ->> 'version')
	UNION ALL SELECT 'maintainer: missing or not text' WHERE meta -> 'maintainer' IS NULL OR EXISTS (SELECT FROM pg_temp.elements(meta -> 'maintainer') AS e WHERE NOT pg_temp.is_text(e))
	UNION ALL SELECT 'license: missing' WHERE meta -> 'license' IS NULL
	UNION ALL SELECT 'license: unknown ' || e::text FROM pg_temp.elements(meta -> 'license') AS e WHERE jsonb_typeof(e) <> 'object' AND (e #>> '{}') <> ALL
		('{agpl_3,apache_1_1,apache_2_0,artistic_1,artistic_2,bsd,freebsd,gfdl_1_2,gfdl_1_3,gpl_1,gpl_2,gpl_3,lgpl_2_1,lgpl_3_0,mit,mozilla_1_0,mozilla_1_1,openssl,perl_5,postgresql,qpl_1_0,ssleay,sun,zlib,open_source,restricted,unrestricted,unknown}')
	UNION ALL SELECT 'license: ' || key || ' has no URL' FROM pg_temp.keys(meta -> 'license') AS key WHERE NOT pg_temp.is_url(meta -> 'license' -> key)
	UNION ALL SELECT 'provides: missing or empty' WHERE NOT EXISTS (SELECT FROM pg_temp.keys(meta -> 'provides'))
	UNION ALL SELECT fault FROM pg_temp.keys(meta -> 'provides') AS key, LATERAL (SELECT meta -> 'provides' -> key AS p) AS provided, LATERAL (
		SELECT 'provides: ' || key || ' is not a term' AS fault WHERE NOT pg_temp.is_term(key)
		UNION ALL SELECT pg_temp.unknown_keys('provides ' || key, p, 'file version abstract docfile')
		UNION ALL SELECT 'provides ' || key || ': ' || k || ' is not text' FROM unnest('{file,version}'::text[]) AS k WHERE NOT pg_temp.is_text(p -> k)
		UNION ALL SELECT 'provides ' || key || ': ' || k || ' is not text' FROM unnest('{abstract,docfile}'::text[]) AS k WHERE p ? k AND NOT pg_temp.is_text(p -> k)
		UNION ALL SELECT 'provides ' || key || ': version' WHERE NOT pg_temp.is_version(p ->> 'version')) AS f
	UNION ALL SELECT 'meta-spec: version' WHERE meta #>> '{meta-spec,version}' IS DISTINCT FROM '1.0.0'
	UNION ALL SELECT 'meta-spec: url' WHERE meta -> 'meta-spec' ? 'url' AND meta #>> '{meta-spec,url}' !~ '^https?://(www\.|master\.)?pgxn\.org/(meta/)?spec(\.txt|\.html|/)?$'
	UNION ALL SELECT pg_temp.unknown_keys('meta-spec', meta -> 'meta-spec', 'version url')
	UNION ALL SELECT key || ': not text' FROM unnest('{description,generated_by}'::text[]) AS key WHERE meta ? key AND NOT pg_temp.is_text(meta -> key)
	UNION ALL SELECT 'release_status: ' || (meta ->> 'release_status') WHERE meta ->> 'release_status' NOT IN ('stable', 'testing', 'unstable')
	UNION ALL SELECT 'tags: not a list' WHERE jsonb_typeof(meta -> 'tags') <> 'array'
	UNION ALL SELECT 'tags: ' || e::text FROM pg_temp.elements(meta -> 'tags') AS e WHERE NOT (pg_temp.is_text(e) AND pg_temp.is_tag(e #>> '{}'))
	UNION ALL SELECT pg_temp.unknown_keys('prereqs', meta -> 'prereqs', 'configure build test runtime develop')
	UNION ALL SELECT pg_temp.unknown_keys('prereqs ' || phase, meta -> 'prereqs' -> phase, 'requires recommends suggests conflicts') FROM pg_temp.keys(meta -> 'prereqs') AS phase
	UNION ALL SELECT 'prereqs ' || phase || ' ' || kind || ' ' || what FROM pg_temp.keys(meta -> 'prereqs') AS phase, pg_temp.keys(meta -> 'prereqs' -> phase) AS kind, pg_temp.keys(meta -> 'prereqs' -> phase -> kind) AS what
		WHERE NOT (pg_temp.is_term(what) AND pg_temp.is_range(meta -> 'prereqs' -> phase -> kind -> what))
	UNION ALL SELECT pg_temp.unknown_keys('no_index', meta -> 'no_index', 'file directory')
	UNION ALL SELECT pg_temp.unknown_keys('resources', meta -> 'resources', 'homepage bugtracker repository')
	UNION ALL SELECT 'resources: homepage' WHERE meta -> 'resources' ? 'homepage' AND NOT pg_temp.is_url(meta #> '{resources,homepage}')
	UNION ALL SELECT pg_temp.unknown_keys('bugtracker', meta #> '{resources,bugtracker}', 'web mailto')
	UNION ALL SELECT pg_temp.unknown_keys('repository', meta #> '{resources,repository}', 'url web type')
$$;

-- Everything the extension shows, so that a change of a name, a signature or a mark is seen.

-- Unaligned, so that a new function changes its own line only.
\pset format unaligned
\pset footer off

SELECT p.oid::regprocedure AS function,
	CASE p.prokind WHEN 'f' THEN 'function' WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'window' END AS kind,
	CASE WHEN p.proretset THEN 'setof ' ELSE '' END || p.prorettype::regtype AS returns,
	CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
	p.proisstrict AS strict,
	CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
	p.procost AS cost, p.prorows AS rows
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE e.extname = 'lem' ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C";

-- Aggregates: all can be combined, and none changes its state in the final function.
SELECT a.aggfnoid::regprocedure AS aggregate,
	a.aggcombinefn <> 0 AND (a.aggtranstype <> 'internal'::regtype OR (a.aggserialfn <> 0 AND a.aggdeserialfn <> 0)) AS combines,
	a.aggfinalmodify = 'r' AS read_only
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
JOIN pg_aggregate AS a ON d.classid = 'pg_proc'::regclass AND d.objid = a.aggfnoid
WHERE e.extname = 'lem' ORDER BY a.aggfnoid::regprocedure::text COLLATE "C";

-- \df lem_* shows what is called: functions of aggregates, types, triggers, operators and the planner have other names.
-- Those that send values say what bytes they have.
WITH support AS (
	SELECT u.oid FROM pg_aggregate, unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]) AS u (oid)
	UNION SELECT u.oid FROM pg_type, unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze]) AS u (oid)
	UNION SELECT tgfoid FROM pg_trigger UNION SELECT oprcode FROM pg_operator UNION SELECT amproc FROM pg_amproc UNION SELECT prosupport FROM pg_proc)
SELECT p.oid::regprocedure AS "shown, and not to be called"
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE e.extname = 'lem' AND p.proname LIKE 'lem\_%'
	AND (p.oid IN (SELECT oid FROM support) OR p.prorettype IN ('internal'::regtype, 'trigger'::regtype) OR 'internal'::regtype = ANY (p.proargtypes) OR p.proname LIKE '%\_1\_0')
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- What has no comment.
SELECT pg_describe_object(d.classid, d.objid, 0) AS uncommented
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'lem' AND d.deptype = 'e' AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
	AND NOT EXISTS (SELECT FROM pg_description AS c WHERE c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = 0)
	AND NOT EXISTS (SELECT FROM pg_type AS t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typelem <> 0 OR t.typrelid <> 0))
	AND NOT EXISTS (SELECT FROM pg_class AS t WHERE d.classid = 'pg_class'::regclass AND t.oid = d.objid AND t.relkind IN ('c', 'i', 'S'))
ORDER BY 1;

/*
 * sync.c: models of another server.
 *
 * The other server is asked through the extension dblink, as the user that calls: whom it lets in, and
 * with what, is for dblink to say.  What comes back is checked by its checksums and written as the
 * owner of the tables, for users who administer the extension.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/models.h"
#include "pg/catalog/rights.h"

/* A synchronisation. */
typedef struct model_sync
{
	const char *schema;
	const char *dblink;			/* its function, qualified */
	Datum		connection;
	const char *remote;			/* schema of the extension there, quoted */
	ReturnSetInfo *result;
} model_sync;

/* A version as the other server has it. */
typedef struct remote_model
{
	int64		id;
	char	   *name;
	int			version;
	bool		deployed;
	char	   *config;
	Datum		digest;
} remote_model;

/* Columns of the result. */
enum
{
	NAME, VERSION, ACTION, COLUMNS
};

/* Ask the other server; columns: of the answer, with their types.  The rows are in SPI_tuptable. */
static uint64
ask(const model_sync *s, const char *columns, const char *query)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {s->connection, CStringGetTextDatum(query)};
	const int	result =
		SPI_execute_with_args(psprintf("SELECT * FROM %s($1, $2) AS r (%s)", s->dblink, columns),
							  lengthof(types), types, values, NULL, false, 0);

	MemoryContextSwitchTo(context);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not ask the other server: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/* Find dblink here, and the extension there. */
static void
find_extensions(model_sync *s)
{
	lem_query	query;

	lem_query_begin(&query, s->schema);
	if (lem_query_run(&query,
					  "SELECT quote_ident(n.nspname) || '.dblink' FROM pg_extension AS e"
					  " JOIN pg_namespace AS n ON n.oid = e.extnamespace"
					  " WHERE e.extname = 'dblink'") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("models of other servers are read through the extension dblink"),
				 errhint("Create it with CREATE EXTENSION dblink.")));
	s->dblink = TextDatumGetCString(lem_query_column(0, 1, NULL));
	if (ask(s, "name pg_catalog.text",
			"SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e"
			" JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"
			" WHERE e.extname = 'lem'") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the other database does not have the extension lem")));
	s->remote = TextDatumGetCString(lem_query_column(0, 1, NULL));
}

/* Raise that what came over is not what it should be. */
static void
refuse_damaged(const remote_model *model)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("model \"%s@%d\" of the other server does not have its checksums", model->name,
					model->version)));
}

static const uint8 *
checksum_of(const remote_model *model, Datum value)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(bytes) != LEM_DIGEST_LENGTH)
		refuse_damaged(model);
	return (const uint8 *) VARDATA_ANY(bytes);
}

/* Copy the parts of a version into a row that is there, one at a time, and check them. */
static void
copy_parts(const model_sync *s, const remote_model *model, int64 id)
{
	const int	parts = (int) ask(s, "sha256 pg_catalog.bytea",
								  psprintf("SELECT sha256 FROM %s.lem_model_part WHERE model_id = %lld"
										   " ORDER BY part", s->remote, (long long) model->id));
	uint8	   *checksums = palloc(Max(parts, 1) * LEM_DIGEST_LENGTH);
	uint8		digest[LEM_DIGEST_LENGTH];
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem sync part",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);

	for (int i = 0; i < parts; i++)
		memcpy(checksums + i * LEM_DIGEST_LENGTH,
			   checksum_of(model, lem_query_column(i, 1, NULL)), LEM_DIGEST_LENGTH);
	lem_catalog_digest(model->config, parts, checksums, digest);
	if (memcmp(digest, checksum_of(model, model->digest), LEM_DIGEST_LENGTH) != 0)
		refuse_damaged(model);
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < parts; i++)
	{
		lem_query	query;
		SPITupleTable *part;
		bytea	   *data;

		CHECK_FOR_INTERRUPTS();
		if (ask(s, "format pg_catalog.int2, data pg_catalog.bytea",
				psprintf("SELECT format, data FROM %s.lem_model_part WHERE model_id = %lld AND"
						 " part = %d", s->remote, (long long) model->id, i)) != 1)
			refuse_damaged(model);
		part = SPI_tuptable;
		data = DatumGetByteaPP(lem_query_column(0, 2, NULL));
		lem_catalog_checksum(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), digest);
		if (memcmp(digest, checksums + i * LEM_DIGEST_LENGTH, LEM_DIGEST_LENGTH) != 0)
			refuse_damaged(model);
		lem_query_begin(&query, s->schema);
		lem_query_add(&query, INT8OID, Int64GetDatum(id), false);
		lem_query_add(&query, INT4OID, Int32GetDatum(i), false);
		lem_query_add(&query, INT2OID, lem_query_column(0, 1, NULL), false);
		lem_query_add_bytes(&query, digest, LEM_DIGEST_LENGTH);
		lem_query_add(&query, BYTEAOID, PointerGetDatum(data), false);
		lem_query_run(&query,
					  "INSERT INTO %1$s.lem_model_part (model_id, part, format, sha256, data)"
					  " VALUES ($1, $2, $3, $4, $5)");

		/* Parts can be large; a session has one of them at a time. */
		SPI_freetuptable(part);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	pfree(checksums);
}

/* A name that has no versions here: it belongs to whom it belongs there, with the rights to it. */
static void
copy_name(const model_sync *s, const char *name, int versions, const char *owner, SPITupleTable *rights)
{
	lem_query	query;

	lem_query_begin(&query, s->schema);
	lem_query_add_text(&query, name);
	lem_query_add(&query, INT4OID, Int32GetDatum(versions), false);
	lem_query_add_text(&query, owner);
	lem_query_add_user(&query, GetUserId());
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_model_name AS n (name, versions, owner)"
				  " SELECT $1, $2, CASE WHEN %1$s.lem_role_name(o) IS NULL"
				  " THEN %1$s.lem_role_of($4) ELSE o END FROM CAST($3 AS %1$s.lem_role) AS o"
				  " ON CONFLICT (name) DO UPDATE SET"
				  " versions = greatest(n.versions, excluded.versions), owner = excluded.owner");
	lem_query_begin(&query, s->schema);
	lem_query_add_text(&query, name);
	lem_query_run(&query, "DELETE FROM %1$s.lem_model_right WHERE model = $1");
	for (uint64 i = 0; i < rights->numvals; i++)
	{
		if (strcmp(SPI_getvalue(rights->vals[i], rights->tupdesc, 1), name) != 0)
			continue;
		lem_query_begin(&query, s->schema);
		for (int column = 1; column <= 4; column++)
			lem_query_add_text(&query, SPI_getvalue(rights->vals[i], rights->tupdesc, column));
		lem_query_run(&query,
					  "INSERT INTO %1$s.lem_model_right (model, privilege, grantee, grantor)"
					  " SELECT $1, $2, g, $4::name FROM CAST($3 AS %1$s.lem_role) AS g"
					  " WHERE %1$s.lem_role_name(g) IS NOT NULL");
	}
}

/* Write down what was done with a version. */
static void
tell(const model_sync *s, const remote_model *model, const char *action)
{
	Datum		values[COLUMNS] = {
		[NAME] = CStringGetTextDatum(model->name), [VERSION] = Int32GetDatum(model->version),
		[ACTION] = CStringGetTextDatum(action)
	};
	bool		nulls[COLUMNS] = {false};

	tuplestore_putvalues(s->result->setResult, s->result->setDesc, values, nulls);
}

/*
 * lem_sync_models(connection text, OUT name text, OUT version int, OUT action text)
 * RETURNS SETOF record
 *
 * Copies the versions of models that another server has and this one does not, and deploys what is
 * deployed there.  A row a version of the other server: copied, same (it is here), different (another
 * one of that number is here, and stays).  Errors: 22004, 42501, 55000 without dblink, XX001 for what
 * does not have its checksums, those of dblink.
 */
LEM_FUNCTION(pg_lem_sync_models);

Datum
pg_lem_sync_models(PG_FUNCTION_ARGS)
{
	model_sync	s = {.schema = lem_schema(fcinfo)};
	SPITupleTable *models;
	SPITupleTable *rights;
	uint64		n;

	PreventCommandIfReadOnly("lem_sync_models()");
	lem_refuse_null(PG_ARGISNULL(0), "connection");
	if (!lem_user_administers(s.schema, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", "lem_sync_models"),
				 errdetail("It is for the role that owns the extension's tables.")));
	InitMaterializedSRF(fcinfo, 0);
	s.result = (ReturnSetInfo *) fcinfo->resultinfo;
	LEM_ENSURE(s.result->setDesc->natts == COLUMNS);
	s.connection = PG_GETARG_DATUM(0);
	lem_query_connect();
	find_extensions(&s);
	(void) ask(&s, "model pg_catalog.text, privilege pg_catalog.text, grantee pg_catalog.text,"
			   " grantor pg_catalog.text",
			   psprintf("SELECT model, privilege, grantee::text, grantor FROM %s.lem_model_right"
						" ORDER BY 1, 2, 3", s.remote));
	rights = SPI_tuptable;
	n = ask(&s, "id pg_catalog.int8, name pg_catalog.text, version pg_catalog.int4,"
			" deployed pg_catalog.bool, config pg_catalog.text, digest pg_catalog.bytea,"
			" versions pg_catalog.int4, owner pg_catalog.text, parameters pg_catalog.int8,"
			" bytes pg_catalog.int8, created_at pg_catalog.timestamptz,"
			" created_by pg_catalog.name, metrics pg_catalog.jsonb",
			psprintf("SELECT m.id, m.name, m.version, m.deployed, m.config::text, m.digest,"
					 " n.versions, n.owner::text, m.parameters, m.bytes, m.created_at,"
					 " m.created_by, m.metrics FROM %1$s.lem_model AS m"
					 " JOIN %1$s.lem_model_name AS n ON n.name = m.name"
					 " ORDER BY m.name COLLATE \"C\", m.version", s.remote));
	models = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
	{
		Datum		row[13];
		bool		nulls[13];
		remote_model model;
		lem_query	query;
		bool		same;
		bool		is_here;

		CHECK_FOR_INTERRUPTS();
		for (int column = 0; column < (int) lengthof(row); column++)
			row[column] = SPI_getbinval(models->vals[i], models->tupdesc, column + 1,
										&nulls[column]);
		model = (remote_model) {
			.id = DatumGetInt64(row[0]), .name = TextDatumGetCString(row[1]),
			.version = DatumGetInt32(row[2]), .deployed = DatumGetBool(row[3]),
			.config = TextDatumGetCString(row[4]), .digest = row[5]
		};
		lem_models_check_name(model.name);
		lem_rights_hold(s.schema, model.name);
		lem_query_begin(&query, s.schema);
		lem_query_add_text(&query, model.name);
		if (lem_query_run(&query, "SELECT FROM %1$s.lem_model WHERE name = $1 LIMIT 1") == 0)
			copy_name(&s, model.name, DatumGetInt32(row[6]), TextDatumGetCString(row[7]), rights);
		lem_query_add(&query, INT4OID, row[2], false);
		lem_query_add(&query, BYTEAOID, model.digest, false);
		is_here = lem_query_run(&query,
								"SELECT digest = $3 FROM %1$s.lem_model"
								" WHERE name = $1 AND version = $2") > 0;
		same = is_here && DatumGetBool(lem_query_column(0, 1, NULL));
		if (!is_here)
		{
			lem_query_add_text(&query, model.config);
			for (int column = 8; column < (int) lengthof(row); column++)
				lem_query_add(&query, SPI_gettypeid(models->tupdesc, column + 1), row[column],
							  nulls[column]);
			lem_query_run(&query,
						  "INSERT INTO %1$s.lem_model (name, version, deployed, digest, config,"
						  " parameters, bytes, created_at, created_by, metrics)"
						  " VALUES ($1, $2, false, $3, $4::jsonb, $5, $6, $7, $8, $9)"
						  " RETURNING id");
			copy_parts(&s, &model, DatumGetInt64(lem_query_column(0, 1, NULL)));
			lem_query_begin(&query, s.schema);
			lem_query_add_text(&query, model.name);
			lem_query_add(&query, INT4OID, row[2], false);
			lem_query_run(&query,
						  "UPDATE %1$s.lem_model_name SET versions = $2"
						  " WHERE name = $1 AND versions < $2");
		}
		if (model.deployed && (same || !is_here))
		{
			lem_query_begin(&query, s.schema);
			lem_query_add_text(&query, model.name);
			lem_query_add(&query, INT4OID, row[2], false);
			lem_query_run(&query,
						  "UPDATE %1$s.lem_model SET deployed = false"
						  " WHERE name = $1 AND deployed AND version <> $2");
			lem_query_run(&query,
						  "UPDATE %1$s.lem_model SET deployed = true"
						  " WHERE name = $1 AND version = $2 AND NOT deployed");
		}
		tell(&s, &model, same ? "same" : is_here ? "different" : "copied");
	}
	SPI_finish();
	return (Datum) 0;
}

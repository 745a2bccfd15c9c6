/* train_run.c: the record of trainings. */
#include "postgres.h"

#include <math.h>

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/rights.h"
#include "pg/training/train_run.h"

/* Most parameters of a command below. */
#define MAX_VALUES 16

/* What the locks on the table's objects stand for: their last number. */
enum
{
	LOCK_NAME = 1,				/* object: hash of a model's name */
	LOCK_RUN					/* object: a run; the view lem_training_runs looks for it */
};

/* Kinds of numbers in a run's state. */
static const char *const state_kinds[] = {"weights", "adam_m", "adam_v", "best"};

/* A command and its parameters, while they are put together. */
typedef struct command
{
	const char *text;			/* %1$s: the schema, quoted */
	int			n;
	Oid			types[MAX_VALUES];
	Datum		values[MAX_VALUES];
	char		nulls[MAX_VALUES];
} command;

static void
add(command *c, Oid type, Datum value)
{
	LEM_ENSURE(c->n < MAX_VALUES);
	c->types[c->n] = type;
	c->values[c->n] = value;
	c->nulls[c->n] = ' ';
	c->n++;
}

static void
add_null(command *c, Oid type)
{
	add(c, type, (Datum) 0);
	c->nulls[c->n - 1] = 'n';
}

static void
add_text(command *c, const char *text)
{
	if (text)
		add(c, TEXTOID, CStringGetTextDatum(text));
	else
		add_null(c, TEXTOID);
}

static void
add_number(command *c, double x)
{
	if (isfinite(x))
		add(c, FLOAT8OID, Float8GetDatum(x));
	else
		add_null(c, FLOAT8OID);
}

static void
add_bytes(command *c, const void *data, Size length)
{
	bytea	   *bytes = palloc(VARHDRSZ + length);

	SET_VARSIZE(bytes, VARHDRSZ + length);
	memcpy(VARDATA(bytes), data, length);
	add(c, BYTEAOID, PointerGetDatum(bytes));
}

/* Run it as the tables' owner; returns the number of rows. */
static uint64
run_command(const lem_run *run, command *c)
{
	char	   *text = psprintf(c->text, quote_identifier(run->schema));
	const lem_user user = lem_user_become_owner(run->schema);
	int			result = SPI_execute_with_args(text, c->n, c->types, c->values, c->nulls, false,
											   0);

	lem_user_restore(user);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", text, SPI_result_code_string(result));
	return SPI_processed;
}

/* A column of the only row that the last command returned. */
static Datum
column(int number, bool *is_null)
{
	bool		ignored;

	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number,
						 is_null ? is_null : &ignored);
}

void
lem_run_open(lem_run *run, const char *schema, const char *model)
{
	run->schema = schema;
	run->model = model;
	run->kernels = pstrdup(lem_kernels_select()->name);
	run->table = get_relname_relid("lem_training_run", get_namespace_oid(schema, false));
	if (!OidIsValid(run->table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of the extension is missing", "lem_training_run")));
	run->unused = lem_rights_check(schema, GetUserId(), model, LEM_RIGHT_TRAIN);
}

/*
 * A lock of the session on an object of the table of runs: it outlives commits, and goes with an
 * abort or the session's end, however that comes.
 */
static LOCKTAG
lock_tag(const lem_run *run, uint32 object, int meaning)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, run->table, object, meaning);
	return tag;
}

static LOCKTAG
name_tag(const lem_run *run)
{
	return lock_tag(run, hash_bytes((const unsigned char *) run->model, strlen(run->model)),
					LOCK_NAME);
}

/* The run's own lock, which shows that it is alive. */
static void
lock_run(const lem_run *run)
{
	const LOCKTAG tag = lock_tag(run, (uint32) run->id, LOCK_RUN);

	(void) LockAcquire(&tag, ExclusiveLock, true, false);
}

bool
lem_run_try_lock(const lem_run *run)
{
	const LOCKTAG tag = name_tag(run);

	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	if (run->id != 0)
		lock_run(run);
	return true;
}

void
lem_run_lock(const lem_run *run)
{
	if (!lem_run_try_lock(run))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("model \"%s\" is being trained by another session", run->model),
				 errhint("The view lem_training_runs shows how far it is.")));
}

void
lem_run_unlock(const lem_run *run)
{
	const LOCKTAG name = name_tag(run);
	const LOCKTAG own = lock_tag(run, (uint32) run->id, LOCK_RUN);

	(void) LockRelease(&own, ExclusiveLock, true);
	(void) LockRelease(&name, ExclusiveLock, true);
}

/* A digest as stored. */
static void
read_digest(Datum value, uint8 *digest)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	LEM_ENSURE(VARSIZE_ANY_EXHDR(bytes) == LEM_DIGEST_LENGTH);
	memcpy(digest, VARDATA_ANY(bytes), LEM_DIGEST_LENGTH);
}

void
lem_run_find(lem_run *run)
{
	command		c = {
		.text = "SELECT id, data_digest, init_digest, config, options, epochs, step, rate_scale,"
		" best_epoch, best_loss, stale, decay_stale, kernels, started_by"
		" FROM %1$s.lem_training_run WHERE model OPERATOR(pg_catalog.=) $1"
		" AND status OPERATOR(pg_catalog.=) ANY ('{running,cancelled,failed}')"
		" ORDER BY id DESC LIMIT 1"
	};
	lem_train_state *state = &run->state;
	bool		is_null;
	Datum		value;

	add_text(&c, run->model);
	if (run_command(run, &c) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no unfinished training of model \"%s\" to resume", run->model),
				 errhint("Leave out the option resume to begin a new one.")));
	run->id = DatumGetInt64(column(1, NULL));
	if (run->unused &&
		!lem_user_acts_for(run->schema, GetUserId(), NameStr(*DatumGetName(column(14, NULL)))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to resume training run %lld of model \"%s\"",
						(long long) run->id, run->model),
				 errdetail("Another role began it, and the name has no owner yet.")));
	read_digest(column(2, NULL), run->data_digest);
	value = column(3, &is_null);
	run->from_model = !is_null;
	if (!is_null)
		read_digest(value, run->init_digest);
	run->config = DatumGetJsonbPCopy(column(4, NULL));
	run->options = DatumGetJsonbPCopy(column(5, NULL));
	lem_train_state_init(state);
	state->epoch = DatumGetInt32(column(6, NULL));
	state->step = DatumGetInt64(column(7, NULL));
	state->rate_scale = DatumGetFloat8(column(8, NULL));
	state->best_epoch = DatumGetInt32(column(9, NULL));
	value = column(10, &is_null);
	if (!is_null)
		state->best_loss = DatumGetFloat8(value);
	state->stale = DatumGetInt32(column(11, NULL));
	state->decay_stale = DatumGetInt32(column(12, NULL));
	run->kernels = TextDatumGetCString(column(13, NULL));
	run->best_stored = state->best_epoch != state->epoch;
}

void
lem_run_insert(lem_run *run, const lem_train_data *data, const lem_dataset *dataset, int64 seed)
{
	command		c = {
		.text = "INSERT INTO %1$s.lem_training_run (model, status, query, data_digest, init_digest,"
		" series, bars, train_starts, validation_starts, config, options, seed, lem_version,"
		" kernels, rate_scale, started_by)"
		" SELECT $1, 'running', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, extversion, $12, 1, $13"
		" FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'lem'"
		" RETURNING id"
	};

	add_text(&c, run->model);
	add_text(&c, run->query);
	add_bytes(&c, run->data_digest, LEM_DIGEST_LENGTH);
	if (run->from_model)
		add_bytes(&c, run->init_digest, LEM_DIGEST_LENGTH);
	else
		add_null(&c, BYTEAOID);
	add(&c, INT4OID, Int32GetDatum(data->n_series));
	add(&c, INT8OID, Int64GetDatum(data->bars));
	add(&c, INT8OID, Int64GetDatum((int64) dataset->n_train));
	add(&c, INT8OID, Int64GetDatum((int64) dataset->n_valid));
	add(&c, JSONBOID, JsonbPGetDatum(run->config));
	add(&c, JSONBOID, JsonbPGetDatum(run->options));
	add(&c, INT8OID, Int64GetDatum(seed));
	add_text(&c, run->kernels);
	add(&c, NAMEOID, CStringGetDatum(GetUserNameFromId(GetUserId(), false)));
	LEM_ENSURE(run_command(run, &c) == 1);
	run->id = DatumGetInt64(column(1, NULL));
	lock_run(run);
}

void
lem_run_restart(const lem_run *run)
{
	command		c = {
		.text = "UPDATE %1$s.lem_training_run SET status = 'running', error = NULL, finished_at = NULL,"
		" updated_at = pg_catalog.clock_timestamp(), query = $2, kernels = $3"
		" WHERE id OPERATOR(pg_catalog.=) $1"
	};

	add(&c, INT8OID, Int64GetDatum(run->id));
	add_text(&c, run->query);
	add_text(&c, lem_kernels_select()->name);
	run_command(run, &c);
	lock_run(run);
}

void
lem_run_workers(const lem_run *run, int workers)
{
	command		c = {
		.text = "UPDATE %1$s.lem_training_run SET workers = $2 WHERE id OPERATOR(pg_catalog.=) $1"
	};

	add(&c, INT8OID, Int64GetDatum(run->id));
	add(&c, INT4OID, Int32GetDatum(workers));
	run_command(run, &c);
}

static void state_damaged(const lem_run *run, const char *kind, int part, const char *detail)
			pg_attribute_noreturn();

static void
state_damaged(const lem_run *run, const char *kind, int part, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the state of training run %lld is damaged in \"%s\", part %d",
					(long long) run->id, kind, part),
			 errdetail("%s", detail),
			 errhint("Begin a new training, without the option resume.")));
}

static void
load_part(const lem_run *run, const char *kind, int part, lem_real *out, Size bytes)
{
	command		c = {
		.text = "SELECT data, sha256 FROM %1$s.lem_training_state WHERE run OPERATOR(pg_catalog.=) $1"
		" AND kind OPERATOR(pg_catalog.=) $2 AND part OPERATOR(pg_catalog.=) $3"
	};
	uint8		stored[LEM_DIGEST_LENGTH];
	uint8		computed[LEM_DIGEST_LENGTH];
	bytea	   *data;

	add(&c, INT8OID, Int64GetDatum(run->id));
	add_text(&c, kind);
	add(&c, INT4OID, Int32GetDatum(part));
	if (run_command(run, &c) == 0)
		state_damaged(run, kind, part, "It is missing.");
	data = DatumGetByteaPP(column(1, NULL));
	read_digest(column(2, NULL), stored);
	if (VARSIZE_ANY_EXHDR(data) != bytes)
		state_damaged(run, kind, part, "It does not have the length that the config asks for.");
	lem_catalog_checksum(VARDATA_ANY(data), bytes, computed);
	if (memcmp(stored, computed, LEM_DIGEST_LENGTH) != 0)
		state_damaged(run, kind, part, "Its data and its SHA-256 do not fit each other.");
	memcpy(out, VARDATA_ANY(data), bytes);
	lem_catalog_swap(out, bytes / sizeof(lem_real));
	SPI_freetuptable(SPI_tuptable);
}

static void
save_part(const lem_run *run, const char *kind, int part, const lem_real *numbers, Size bytes)
{
	command		c = {
		.text = "INSERT INTO %1$s.lem_training_state (run, kind, part, sha256, data)"
		" VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (run, kind, part) DO UPDATE"
		" SET sha256 = EXCLUDED.sha256, data = EXCLUDED.data"
	};
	bytea	   *data = palloc(VARHDRSZ + bytes);
	uint8		checksum[LEM_DIGEST_LENGTH];

	CHECK_FOR_INTERRUPTS();
	SET_VARSIZE(data, VARHDRSZ + bytes);
	memcpy(VARDATA(data), numbers, bytes);
	lem_catalog_swap((float *) VARDATA(data), bytes / sizeof(lem_real));
	lem_catalog_checksum(VARDATA(data), bytes, checksum);
	add(&c, INT8OID, Int64GetDatum(run->id));
	add_text(&c, kind);
	add(&c, INT4OID, Int32GetDatum(part));
	add_bytes(&c, checksum, LEM_DIGEST_LENGTH);
	add(&c, BYTEAOID, PointerGetDatum(data));
	run_command(run, &c);
	pfree(data);
}

/* The parts of a kind of numbers, in the order of state_kinds. */
static lem_real **
numbers_of(const lem_run_numbers *numbers, size_t kind)
{
	lem_real  **const parts[] = {numbers->weights, numbers->m, numbers->v, numbers->best};

	return parts[kind];
}

void
lem_run_load(const lem_run *run, const lem_run_numbers *numbers)
{
	const size_t kinds = lengthof(state_kinds) - (run->best_stored ? 0 : 1);

	for (size_t kind = 0; kind < kinds; kind++)
		for (int p = 0; p < lem_part_count(numbers->config); p++)
			load_part(run, state_kinds[kind], p, numbers_of(numbers, kind)[p],
					  lem_part_size(numbers->config, p) * sizeof(lem_real));
}

/* Sums of validation as JSON: mean and dispersion of gains by branch, in basis points. */
static char *
epoch_metrics(const lem_validation *validation, int branches)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"validation_samples\": " INT64_FORMAT, (int64) validation->samples);
	for (int i = 0; i < 2; i++)
	{
		appendStringInfoString(&out, i == 0 ? ", \"gain\": [" : ", \"dispersion\": [");
		for (int b = 0; b < branches; b++)
		{
			double		mean_and_deviation[2];

			lem_validation_gain(validation, b, &mean_and_deviation[0], &mean_and_deviation[1]);
			appendStringInfo(&out, "%s%.6f", b > 0 ? ", " : "", mean_and_deviation[i]);
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

static void
save_epoch_row(const lem_run *run, const lem_run_numbers *numbers, const lem_epoch *epoch)
{
	command		c = {
		.text = "INSERT INTO %1$s.lem_training_epoch (run, epoch, train_loss, validation_loss, rate,"
		" samples, train_seconds, seconds, metrics)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::pg_catalog.jsonb)"
	};

	add(&c, INT8OID, Int64GetDatum(run->id));
	add(&c, INT4OID, Int32GetDatum(run->state.epoch));
	add_number(&c, epoch->train_loss);
	add_number(&c, epoch->validation.loss / (double) epoch->validation.samples);
	add_number(&c, epoch->rate);
	add(&c, INT8OID, Int64GetDatum(epoch->samples));
	add_number(&c, epoch->train_seconds);
	add_number(&c, epoch->seconds);
	add_text(&c, epoch_metrics(&epoch->validation, lem_branches(numbers->config)));
	run_command(run, &c);
}

static void
save_run_row(const lem_run *run)
{
	const lem_train_state *state = &run->state;
	command		c = {
		.text = "UPDATE %1$s.lem_training_run SET updated_at = pg_catalog.clock_timestamp(),"
		" epochs = $2, step = $3, rate_scale = $4, best_epoch = $5, best_loss = $6, stale = $7,"
		" decay_stale = $8 WHERE id OPERATOR(pg_catalog.=) $1"
	};

	add(&c, INT8OID, Int64GetDatum(run->id));
	add(&c, INT4OID, Int32GetDatum(state->epoch));
	add(&c, INT8OID, Int64GetDatum(state->step));
	add_number(&c, state->rate_scale);
	add(&c, INT4OID, Int32GetDatum(state->best_epoch));
	add_number(&c, state->best_loss);
	add(&c, INT4OID, Int32GetDatum(state->stale));
	add(&c, INT4OID, Int32GetDatum(state->decay_stale));
	if (run_command(run, &c) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the row of training run %lld is gone", (long long) run->id)));
}

void
lem_run_save(lem_run *run, const lem_run_numbers *numbers, const lem_epoch *epoch)
{
	const bool	best_is_last = run->state.best_epoch == run->state.epoch;

	save_epoch_row(run, numbers, epoch);
	save_run_row(run);
	for (size_t kind = 0; kind < lengthof(state_kinds); kind++)
	{
		/* The best epoch's weights are kept apart once they are not the last epoch's. */
		if (strcmp(state_kinds[kind], "best") == 0 && (best_is_last || run->best_stored))
			continue;
		for (int p = 0; p < lem_part_count(numbers->config); p++)
			save_part(run, state_kinds[kind], p, numbers_of(numbers, kind)[p],
					  lem_part_size(numbers->config, p) * sizeof(lem_real));
	}
	run->best_stored = !best_is_last;
}

Jsonb *
lem_run_metrics(const lem_run *run)
{
	command		c = {
		.text = "SELECT metrics OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('epoch', epoch,"
		" 'train_loss', train_loss, 'validation_loss', validation_loss)"
		" FROM %1$s.lem_training_epoch WHERE run OPERATOR(pg_catalog.=) $1"
		" AND epoch OPERATOR(pg_catalog.=) $2"
	};

	add(&c, INT8OID, Int64GetDatum(run->id));
	add(&c, INT4OID, Int32GetDatum(run->state.best_epoch));
	if (run_command(run, &c) == 0)
		return NULL;
	return DatumGetJsonbPCopy(column(1, NULL));
}

static void
set_status(const lem_run *run, const char *status, const char *error, int version)
{
	command		c = {
		.text = "UPDATE %1$s.lem_training_run SET updated_at = pg_catalog.clock_timestamp(),"
		" finished_at = pg_catalog.clock_timestamp(), status = $2, error = $3,"
		" model_version = $4 WHERE id OPERATOR(pg_catalog.=) $1"
	};

	add(&c, INT8OID, Int64GetDatum(run->id));
	add_text(&c, status);
	add_text(&c, error);
	if (version > 0)
		add(&c, INT4OID, Int32GetDatum(version));
	else
		add_null(&c, INT4OID);
	run_command(run, &c);
}

void
lem_run_finish(const lem_run *run, const char *status, const char *error, int version)
{
	command		c = {
		.text = "DELETE FROM %1$s.lem_training_state WHERE run OPERATOR(pg_catalog.=) $1"
	};

	set_status(run, status, error, version);
	add(&c, INT8OID, Int64GetDatum(run->id));
	run_command(run, &c);
}

void
lem_run_fail(const lem_run *run, const char *status, const char *error)
{
	set_status(run, status, error, 0);
}

/*
 * lem_training_run_deleted() RETURNS trigger
 *
 * After a row of lem_training_run is deleted, its epochs and its state go as well.
 */
LEM_FUNCTION(pg_lem_training_run_deleted);

Datum
pg_lem_training_run_deleted(PG_FUNCTION_ARGS)
{
	static const char *const commands[] = {
		"DELETE FROM %1$s.lem_training_epoch WHERE run OPERATOR(pg_catalog.=) $1",
		"DELETE FROM %1$s.lem_training_state WHERE run OPERATOR(pg_catalog.=) $1"
	};
	const lem_run run = {.schema = lem_schema(fcinfo)};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	columns;
	int			id;
	Datum		value;
	bool		is_null;

	/* Anyone can put a trigger on a table of his own. */
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) !=
		get_relname_relid("lem_training_run", get_namespace_oid(run.schema, false)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("lem_training_run_deleted is for rows that are deleted from "
						"lem_training_run")));
	columns = RelationGetDescr(trigger->tg_relation);
	id = SPI_fnumber(columns, "id");
	LEM_ENSURE(id > 0 && SPI_gettypeid(columns, id) == INT8OID);
	value = SPI_getbinval(trigger->tg_trigtuple, columns, id, &is_null);
	LEM_ENSURE(!is_null);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (size_t i = 0; i < lengthof(commands); i++)
	{
		command		c = {.text = commands[i]};

		add(&c, INT8OID, value);
		run_command(&run, &c);
	}
	SPI_finish();
	return PointerGetDatum(trigger->tg_trigtuple);
}

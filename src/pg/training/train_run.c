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

#include "core/training/skill.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"
#include "pg/training/train_run.h"

/* What the locks on the table's objects stand for: their last number. */
enum
{
	LOCK_NAME = 1,				/* object: hash of a model's name */
	LOCK_RUN					/* object: a run; the view lem_training_runs looks for it */
};

/* Kinds of numbers in a run's state. */
static const char *const state_kinds[] = {"weights", "adam_m", "adam_v", "average", "best"};

/* A number; NULL where it is not finite. */
static void
add_number(lem_query *query, double x)
{
	lem_query_add(query, FLOAT8OID, Float8GetDatum(x), !isfinite(x));
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
	lem_query	query;
	lem_train_state *state = &run->state;
	bool		is_null;
	Datum		value;

	lem_query_begin(&query, run->schema);
	lem_query_add_text(&query, run->model);
	if (lem_query_run(&query,
					  "SELECT id, data_digest, init_digest, config, options, epochs, step,"
					  " rate_scale, best_epoch, best_loss, stale, decay_stale, kernels, started_by"
					  " FROM %1$s.lem_training_run WHERE model = $1"
					  " AND status = ANY ('{running,cancelled,failed}')"
					  " ORDER BY id DESC LIMIT 1") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no unfinished training of model \"%s\" to resume", run->model),
				 errhint("Leave out the option resume to begin a new one.")));
	run->id = DatumGetInt64(lem_query_column(0, 1, NULL));
	if (run->unused &&
		!lem_user_acts_for(run->schema, GetUserId(),
						   lem_role_id(DatumGetLemRoleP(lem_query_column(0, 14, NULL)))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to resume training run %lld of model \"%s\"",
						(long long) run->id, run->model),
				 errdetail("Another role began it, and the name has no owner yet.")));
	read_digest(lem_query_column(0, 2, NULL), run->data_digest);
	value = lem_query_column(0, 3, &is_null);
	run->from_model = !is_null;
	if (!is_null)
		read_digest(value, run->init_digest);
	run->config = DatumGetJsonbPCopy(lem_query_column(0, 4, NULL));
	run->options = DatumGetJsonbPCopy(lem_query_column(0, 5, NULL));
	lem_train_state_init(state);
	state->epoch = DatumGetInt32(lem_query_column(0, 6, NULL));
	state->step = DatumGetInt64(lem_query_column(0, 7, NULL));
	state->rate_scale = DatumGetFloat8(lem_query_column(0, 8, NULL));
	state->best_epoch = DatumGetInt32(lem_query_column(0, 9, NULL));
	value = lem_query_column(0, 10, &is_null);
	if (!is_null)
		state->best_loss = DatumGetFloat8(value);
	state->stale = DatumGetInt32(lem_query_column(0, 11, NULL));
	state->decay_stale = DatumGetInt32(lem_query_column(0, 12, NULL));
	run->kernels = TextDatumGetCString(lem_query_column(0, 13, NULL));
	run->best_stored = state->best_epoch != state->epoch;
}

void
lem_run_insert(lem_run *run, const lem_train_data *data, const lem_dataset *dataset, int64 seed)
{
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add_text(&query, run->model);
	lem_query_add_text(&query, run->query);
	lem_query_add_bytes(&query, run->data_digest, LEM_DIGEST_LENGTH);
	if (run->from_model)
		lem_query_add_bytes(&query, run->init_digest, LEM_DIGEST_LENGTH);
	else
		lem_query_add(&query, BYTEAOID, (Datum) 0, true);
	lem_query_add(&query, INT4OID, Int32GetDatum(data->n_series), false);
	lem_query_add(&query, INT8OID, Int64GetDatum(data->bars), false);
	lem_query_add(&query, INT8OID, Int64GetDatum((int64) dataset->n_train), false);
	lem_query_add(&query, INT8OID, Int64GetDatum((int64) dataset->n_valid), false);
	lem_query_add(&query, JSONBOID, JsonbPGetDatum(run->config), false);
	lem_query_add(&query, JSONBOID, JsonbPGetDatum(run->options), false);
	lem_query_add(&query, INT8OID, Int64GetDatum(seed), false);
	lem_query_add_text(&query, run->kernels);
	lem_query_add_user(&query, GetUserId());
	LEM_ENSURE(lem_query_run(&query,
							 "INSERT INTO %1$s.lem_training_run (model, status, query, data_digest,"
							 " init_digest, series, bars, train_starts, validation_starts, config,"
							 " options, seed, lem_version, kernels, rate_scale, started_by)"
							 " SELECT $1, 'running', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
							 " extversion, $12, 1, $13"
							 " FROM pg_catalog.pg_extension WHERE extname = 'lem'"
							 " RETURNING id") == 1);
	run->id = DatumGetInt64(lem_query_column(0, 1, NULL));
	lock_run(run);
}

void
lem_run_restart(const lem_run *run)
{
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add_text(&query, run->query);
	lem_query_add_text(&query, lem_kernels_select()->name);
	lem_query_run(&query,
				  "UPDATE %1$s.lem_training_run SET status = 'running', error = NULL,"
				  " finished_at = NULL, updated_at = clock_timestamp(), query = $2, kernels = $3"
				  " WHERE id = $1");
	lock_run(run);
}

void
lem_run_workers(const lem_run *run, int workers)
{
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(workers), false);
	lem_query_run(&query, "UPDATE %1$s.lem_training_run SET workers = $2 WHERE id = $1");
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
	lem_query	query;
	uint8		stored[LEM_DIGEST_LENGTH];
	uint8		computed[LEM_DIGEST_LENGTH];
	bytea	   *data;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add_text(&query, kind);
	lem_query_add(&query, INT4OID, Int32GetDatum(part), false);
	if (lem_query_run(&query,
					  "SELECT data, sha256 FROM %1$s.lem_training_state WHERE run = $1"
					  " AND kind = $2 AND part = $3") == 0)
		state_damaged(run, kind, part, "It is missing.");
	data = DatumGetByteaPP(lem_query_column(0, 1, NULL));
	read_digest(lem_query_column(0, 2, NULL), stored);
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
	lem_query	query;
	bytea	   *data = palloc(VARHDRSZ + bytes);
	uint8		checksum[LEM_DIGEST_LENGTH];

	CHECK_FOR_INTERRUPTS();
	SET_VARSIZE(data, VARHDRSZ + bytes);
	memcpy(VARDATA(data), numbers, bytes);
	lem_catalog_swap((float *) VARDATA(data), bytes / sizeof(lem_real));
	lem_catalog_checksum(VARDATA(data), bytes, checksum);
	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add_text(&query, kind);
	lem_query_add(&query, INT4OID, Int32GetDatum(part), false);
	lem_query_add_bytes(&query, checksum, LEM_DIGEST_LENGTH);
	lem_query_add(&query, BYTEAOID, PointerGetDatum(data), false);
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_training_state (run, kind, part, sha256, data)"
				  " VALUES ($1, $2, $3, $4, $5)"
				  " ON CONFLICT (run, kind, part) DO UPDATE"
				  " SET sha256 = EXCLUDED.sha256, data = EXCLUDED.data");
	pfree(data);
}

/* The parts of a kind of numbers, in the order of state_kinds. */
static lem_real **
numbers_of(const lem_run_numbers *numbers, size_t kind)
{
	lem_real  **const parts[] = {numbers->weights, numbers->m, numbers->v, numbers->average,
		numbers->best};

	return parts[kind];
}

void
lem_run_load(const lem_run *run, const lem_run_numbers *numbers)
{
	const size_t kinds = lengthof(state_kinds) - (run->best_stored ? 0 : 1);

	for (size_t kind = 0; kind < kinds; kind++)
		for (int p = 0; numbers_of(numbers, kind) && p < lem_part_count(numbers->config); p++)
			load_part(run, state_kinds[kind], p, numbers_of(numbers, kind)[p],
					  lem_part_size(numbers->config, p) * sizeof(lem_real));
}

/*
 * Sums of validation of a model of market making as JSON: how much less than the naive forecast's
 * its squared errors are, by task; null where that makes none but what rounding leaves, as of a spread
 * that is always a tick.
 */
static char *
maker_metrics(const lem_validation *validation)
{
	static const char *const tasks[] = {"mid", "spread", "volume"};
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"validation_samples\": " INT64_FORMAT ", \"skill\": {",
					 (int64) validation->samples);
	for (int task = 0; task < (int) lengthof(tasks); task++)
	{
		appendStringInfo(&out, "%s\"%s\": ", task > 0 ? ", " : "", tasks[task]);
		if (validation->square[task] > LEM_SKILL_LEAST * (double) validation->samples)
			appendStringInfo(&out, "%.6f", 1 - validation->gain[task] / validation->square[task]);
		else
			appendStringInfoString(&out, "null");
	}
	appendStringInfoString(&out, "}}");
	return out.data;
}

/*
 * Sums of validation as JSON: mean and dispersion of gains by branch, in basis points; some: not all
 * branches were tried, and are null.
 */
static char *
epoch_metrics(const lem_validation *validation, int branches, bool some)
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
			if (some && validation->square[b] == 0)
				appendStringInfo(&out, "%snull", b > 0 ? ", " : "");
			else
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
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(run->state.epoch), false);
	add_number(&query, epoch->train_loss);
	add_number(&query, epoch->validation.loss / (double) epoch->validation.samples);
	add_number(&query, epoch->rate);
	lem_query_add(&query, INT8OID, Int64GetDatum(epoch->samples), false);
	add_number(&query, epoch->train_seconds);
	add_number(&query, epoch->seconds);
	lem_query_add_text(&query, numbers->config->horizon > 0 ? maker_metrics(&epoch->validation) :
					   epoch_metrics(&epoch->validation, lem_branches(numbers->config),
									 numbers->config->stop_base));
	lem_query_run(&query,
				  "INSERT INTO %1$s.lem_training_epoch (run, epoch, train_loss, validation_loss,"
				  " rate, samples, train_seconds, seconds, metrics)"
				  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)");
}

static void
save_run_row(const lem_run *run)
{
	const lem_train_state *state = &run->state;
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(state->epoch), false);
	lem_query_add(&query, INT8OID, Int64GetDatum(state->step), false);
	add_number(&query, state->rate_scale);
	lem_query_add(&query, INT4OID, Int32GetDatum(state->best_epoch), false);
	add_number(&query, state->best_loss);
	lem_query_add(&query, INT4OID, Int32GetDatum(state->stale), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(state->decay_stale), false);
	if (lem_query_run(&query,
					  "UPDATE %1$s.lem_training_run SET updated_at = clock_timestamp(),"
					  " epochs = $2, step = $3, rate_scale = $4, best_epoch = $5, best_loss = $6,"
					  " stale = $7, decay_stale = $8 WHERE id = $1") != 1)
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
		for (int p = 0; numbers_of(numbers, kind) && p < lem_part_count(numbers->config); p++)
			save_part(run, state_kinds[kind], p, numbers_of(numbers, kind)[p],
					  lem_part_size(numbers->config, p) * sizeof(lem_real));
	}
	run->best_stored = !best_is_last;
}

Jsonb *
lem_run_metrics(const lem_run *run, lem_bar_lengths lengths, const char *own)
{
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add(&query, INT4OID, Int32GetDatum(run->state.best_epoch), false);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum((double) lengths.shortest / USECS_PER_SEC),
				  lengths.shortest <= 0);
	lem_query_add(&query, FLOAT8OID, Float8GetDatum((double) lengths.longest / USECS_PER_SEC),
				  lengths.longest <= lengths.shortest);
	lem_query_add_text(&query, own ? own : "{}");
	if (lem_query_run(&query,
					  "SELECT metrics || jsonb_build_object('epoch', epoch,"
					  " 'train_loss', train_loss, 'validation_loss', validation_loss)"
					  " || jsonb_strip_nulls(jsonb_build_object('" LEM_TRAINED_LENGTHS "',"
					  " CASE WHEN $4 IS NULL THEN to_jsonb($3) ELSE jsonb_build_array($3, $4) END))"
					  " || $5::jsonb"
					  " FROM %1$s.lem_training_epoch WHERE run = $1"
					  " AND epoch = $2") == 0)
		return NULL;
	return DatumGetJsonbPCopy(lem_query_column(0, 1, NULL));
}

static void
set_status(const lem_run *run, const char *status, const char *error, int version)
{
	lem_query	query;

	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_add_text(&query, status);
	lem_query_add_text(&query, error);
	lem_query_add(&query, INT4OID, Int32GetDatum(version), version == 0);
	lem_query_run(&query,
				  "UPDATE %1$s.lem_training_run SET updated_at = clock_timestamp(),"
				  " finished_at = clock_timestamp(), status = $2, error = $3,"
				  " model_version = $4 WHERE id = $1");
}

void
lem_run_finish(const lem_run *run, const char *status, const char *error, int version)
{
	lem_query	query;

	set_status(run, status, error, version);
	lem_query_begin(&query, run->schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(run->id), false);
	lem_query_run(&query, "DELETE FROM %1$s.lem_training_state WHERE run = $1");
}

void
lem_run_fail(const lem_run *run, const char *status, const char *error)
{
	set_status(run, status, error, 0);
}

/*
 * _lem_training_run_deleted() RETURNS trigger
 *
 * After a row of lem_training_run is deleted, its epochs and its state go as well.
 */
LEM_FUNCTION(pg_lem_training_run_deleted);

Datum
pg_lem_training_run_deleted(PG_FUNCTION_ARGS)
{
	static const char *const commands[] = {
		"DELETE FROM %1$s.lem_training_epoch WHERE run = $1",
		"DELETE FROM %1$s.lem_training_state WHERE run = $1"
	};
	const char *schema = lem_schema(fcinfo);
	lem_query	query;
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	columns;
	int			id;
	Datum		value;
	bool		is_null;

	/* Anyone can put a trigger on a table of his own. */
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) !=
		get_relname_relid("lem_training_run", get_namespace_oid(schema, false)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_training_run_deleted is for rows that are deleted from "
						"lem_training_run")));
	columns = RelationGetDescr(trigger->tg_relation);
	id = SPI_fnumber(columns, "id");
	LEM_ENSURE(id > 0 && SPI_gettypeid(columns, id) == INT8OID);
	value = SPI_getbinval(trigger->tg_trigtuple, columns, id, &is_null);
	LEM_ENSURE(!is_null);

	lem_query_connect();
	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, value, false);
	for (size_t i = 0; i < lengthof(commands); i++)
		lem_query_run(&query, commands[i]);
	SPI_finish();
	return PointerGetDatum(trigger->tg_trigtuple);
}

/*
 * stat.c: counters of what is done with models: lem_stat, lem_stat_backend, lem_stat_reset.
 *
 * A table of models, in which the one that was not used for longest makes room for a new one, and a
 * slot for each backend.  The lock guards which models are in the table; the counters themselves
 * are atomic, so that sessions that schedule take it shared.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/stat.h"

#define TRANCHE "lem_stat"

int			lem_stat_models = 1000;

/* What is counted, of a model and of a backend alike. */
typedef enum stat_counter
{
	STAT_CALLS,
	STAT_ORDERS,
	STAT_BATCHES,
	STAT_TIME,					/* microseconds */
	STAT_HITS,
	STAT_MISSES,
	STAT_LOADED,				/* bytes */
	STAT_COUNTERS
} stat_counter;

/* Which model: a version of a name in a database.  Hashed as bytes. */
typedef struct stat_key
{
	Oid			database;
	int32		version;
	char		name[NAMEDATALEN];
} stat_key;

typedef struct stat_model
{
	stat_key	key;
	TimestampTz since;
	pg_atomic_uint64 used;		/* time of the last use */
	pg_atomic_uint64 called;	/* time of the last call; 0: none yet */
	pg_atomic_uint64 longest;	/* microseconds of the longest call */
	pg_atomic_uint64 counters[STAT_COUNTERS];
} stat_model;

/* A backend's slot; only the backend itself takes it and gives it back. */
typedef struct stat_backend
{
	pg_atomic_uint32 pid;		/* 0: free */
	Oid			database;
	pg_atomic_uint64 cached_models;
	pg_atomic_uint64 cached_bytes;
	pg_atomic_uint64 counters[STAT_COUNTERS];
} stat_backend;

/* Slots of shared memory. */
typedef struct stat_slots
{
	int			n;
	stat_backend slot[FLEXIBLE_ARRAY_MEMBER];
} stat_slots;

static HTAB *models = NULL;		/* stat_model by key */
static stat_slots *slots = NULL;	/* NULL: the counters are of this session alone */
static LWLock *lock = NULL;		/* NULL likewise */
static stat_backend *mine = NULL;	/* NULL before the first use, or if there is no slot */
static shmem_startup_hook_type next_shmem_startup = NULL;

LEM_FUNCTION(pg_lem_stat_models);
LEM_FUNCTION(pg_lem_stat_backends);
LEM_FUNCTION(pg_lem_stat_reset);

static Size
slots_size(int n)
{
	return add_size(offsetof(stat_slots, slot), mul_size(n, sizeof(stat_backend)));
}

/* Ask for shared memory. */
static void
request_memory(void)
{
	RequestAddinShmemSpace(add_size(slots_size(lem_max_backends()),
									hash_estimate_size(lem_stat_models, sizeof(stat_model))));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

LEM_SHMEM_REQUEST(request_memory)

static void
zero_counters(pg_atomic_uint64 *counters)
{
	for (int i = 0; i < STAT_COUNTERS; i++)
		pg_atomic_init_u64(&counters[i], 0);
}

static void
zero_backend(stat_backend *backend)
{
	pg_atomic_init_u32(&backend->pid, 0);
	pg_atomic_init_u64(&backend->cached_models, 0);
	pg_atomic_init_u64(&backend->cached_bytes, 0);
	zero_counters(backend->counters);
}

/* Find or make the shared memory. */
static void
startup_memory(void)
{
	const int	n = lem_max_backends();
	HASHCTL		control = {.keysize = sizeof(stat_key), .entrysize = sizeof(stat_model)};
	bool		found;

	if (next_shmem_startup)
		next_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	slots = ShmemInitStruct("lem_stat backends", slots_size(n), &found);
	if (!found)
	{
		slots->n = n;
		for (int i = 0; i < n; i++)
			zero_backend(&slots->slot[i]);
	}
	models = ShmemInitHash("lem_stat models", lem_stat_models, lem_stat_models, &control,
						   HASH_ELEM | HASH_BLOBS);
	lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	LWLockRelease(AddinShmemInitLock);
}

void
lem_stat_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	register_shmem_request();
	next_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_memory;
}

bool
lem_stat_shared(void)
{
	return slots != NULL;
}

static void
lock_models(LWLockMode mode)
{
	if (lock)
		LWLockAcquire(lock, mode);
}

static void
unlock_models(void)
{
	if (lock)
		LWLockRelease(lock);
}

/* Give the slot back when the process ends. */
static void
leave(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pg_atomic_write_u32(&mine->pid, 0);
	mine = NULL;
}

/* The table and this backend's slot, at the first use in a session. */
static void
join(void)
{
	if (models == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(stat_key), .entrysize = sizeof(stat_model)};

		models = hash_create("lem_stat models", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	if (mine)
		return;
	if (slots == NULL)
		mine = MemoryContextAlloc(TopMemoryContext, sizeof(stat_backend));
	else if (LEM_PROCESS_NUMBER < slots->n)
	{
		mine = &slots->slot[LEM_PROCESS_NUMBER];
		on_shmem_exit(leave, (Datum) 0);
	}
	else
		return;
	zero_backend(mine);
	mine->database = MyDatabaseId;
	pg_write_barrier();
	pg_atomic_write_u32(&mine->pid, (uint32) MyProcPid);
}

/* Forget the model that was not used for longest; under the exclusive lock. */
static void
evict(void)
{
	HASH_SEQ_STATUS scan;
	stat_model *model;
	stat_model *oldest = NULL;

	hash_seq_init(&scan, models);
	while ((model = hash_seq_search(&scan)) != NULL)
		if (oldest == NULL ||
			pg_atomic_read_u64(&model->used) < pg_atomic_read_u64(&oldest->used))
			oldest = model;
	if (oldest)
		(void) hash_search(models, &oldest->key, HASH_REMOVE, NULL);
}

static stat_model *
enter(const stat_key *key, TimestampTz now)
{
	stat_model *model;
	bool		found;

	while (hash_get_num_entries(models) >= lem_stat_models)
		evict();
	model = hash_search(models, key, HASH_ENTER, &found);
	if (!found)
	{
		model->since = now;
		pg_atomic_init_u64(&model->used, (uint64) now);
		pg_atomic_init_u64(&model->called, 0);
		pg_atomic_init_u64(&model->longest, 0);
		zero_counters(model->counters);
	}
	return model;
}

/* A model's counters, to be released with unlock_models. */
static stat_model *
find(const lem_model_row *row, TimestampTz now)
{
	stat_key	key;
	stat_model *model;

	memset(&key, 0, sizeof(key));
	key.database = MyDatabaseId;
	key.version = row->version;
	strlcpy(key.name, row->name, sizeof(key.name));
	lock_models(LW_SHARED);
	model = hash_search(models, &key, HASH_FIND, NULL);
	if (model == NULL)
	{
		unlock_models();
		lock_models(LW_EXCLUSIVE);
		model = enter(&key, now);
	}
	pg_atomic_write_u64(&model->used, (uint64) now);
	return model;
}

/* Add to a counter of the model and of this backend. */
static void
add(stat_model *model, stat_counter counter, int64 n)
{
	if (n == 0)
		return;
	pg_atomic_fetch_add_u64(&model->counters[counter], n);
	if (mine)
		pg_atomic_fetch_add_u64(&mine->counters[counter], n);
}

void
lem_stat_call(const lem_model_row *row, const instr_time *start, int64 orders, int64 batches)
{
	const TimestampTz now = GetCurrentTimestamp();
	instr_time	taken;
	uint64		time;
	uint64		longest;
	stat_model *model;

	INSTR_TIME_SET_CURRENT(taken);
	INSTR_TIME_SUBTRACT(taken, *start);
	time = INSTR_TIME_GET_MICROSEC(taken);

	join();
	model = find(row, now);
	add(model, STAT_CALLS, 1);
	add(model, STAT_ORDERS, orders);
	add(model, STAT_BATCHES, batches);
	add(model, STAT_TIME, (int64) time);
	pg_atomic_write_u64(&model->called, (uint64) now);
	longest = pg_atomic_read_u64(&model->longest);
	while (longest < time &&
		   !pg_atomic_compare_exchange_u64(&model->longest, &longest, time))
		;
	unlock_models();
}

void
lem_stat_cache(const lem_model_row *row, bool hit, Size loaded)
{
	stat_model *model;

	join();
	model = find(row, GetCurrentTimestamp());
	add(model, hit ? STAT_HITS : STAT_MISSES, 1);
	add(model, STAT_LOADED, (int64) loaded);
	unlock_models();
}

void
lem_stat_cache_holds(int count, Size bytes)
{
	join();
	if (mine == NULL)
		return;
	pg_atomic_write_u64(&mine->cached_models, (uint64) count);
	pg_atomic_write_u64(&mine->cached_bytes, (uint64) bytes);
}

static Datum
count_datum(pg_atomic_uint64 *counter)
{
	return Int64GetDatum((int64) pg_atomic_read_u64(counter));
}

/* Microseconds as milliseconds. */
static Datum
time_datum(pg_atomic_uint64 *counter)
{
	return Float8GetDatum((double) pg_atomic_read_u64(counter) / 1000.0);
}

/*
 * lem_stat_models() returns setof (model, version, calls, orders, batches, total_ms, max_ms,
 * cache_hits, cache_misses, loaded_bytes, last_call, since): the models of this database.
 */
Datum
pg_lem_stat_models(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HASH_SEQ_STATUS scan;
	stat_model *model;

	InitMaterializedSRF(fcinfo, 0);
	join();
	lock_models(LW_SHARED);
	hash_seq_init(&scan, models);
	while ((model = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[12];
		bool		nulls[12] = {false};

		if (model->key.database != MyDatabaseId)
			continue;
		values[0] = CStringGetTextDatum(model->key.name);
		values[1] = Int32GetDatum(model->key.version);
		values[2] = count_datum(&model->counters[STAT_CALLS]);
		values[3] = count_datum(&model->counters[STAT_ORDERS]);
		values[4] = count_datum(&model->counters[STAT_BATCHES]);
		values[5] = time_datum(&model->counters[STAT_TIME]);
		values[6] = time_datum(&model->longest);
		values[7] = count_datum(&model->counters[STAT_HITS]);
		values[8] = count_datum(&model->counters[STAT_MISSES]);
		values[9] = count_datum(&model->counters[STAT_LOADED]);
		values[10] = count_datum(&model->called);
		nulls[10] = DatumGetInt64(values[10]) == 0;
		values[11] = TimestampTzGetDatum(model->since);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	unlock_models();
	return (Datum) 0;
}

static void
put_backend(ReturnSetInfo *rsinfo, stat_backend *backend)
{
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = Int32GetDatum((int32) pg_atomic_read_u32(&backend->pid));
	pg_read_barrier();
	if (DatumGetInt32(values[0]) == 0 || backend->database != MyDatabaseId)
		return;
	values[1] = count_datum(&backend->counters[STAT_CALLS]);
	values[2] = count_datum(&backend->counters[STAT_ORDERS]);
	values[3] = count_datum(&backend->counters[STAT_BATCHES]);
	values[4] = time_datum(&backend->counters[STAT_TIME]);
	values[5] = count_datum(&backend->counters[STAT_HITS]);
	values[6] = count_datum(&backend->counters[STAT_MISSES]);
	values[7] = count_datum(&backend->counters[STAT_LOADED]);
	values[8] = count_datum(&backend->cached_models);
	values[9] = count_datum(&backend->cached_bytes);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * lem_stat_backends() returns setof (pid, calls, orders, batches, total_ms, cache_hits,
 * cache_misses, loaded_bytes, cached_models, cached_bytes): the backends of this database that have
 * used a model, or this one.
 */
Datum
pg_lem_stat_backends(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	join();
	if (slots)
	{
		for (int i = 0; i < slots->n; i++)
			put_backend(rsinfo, &slots->slot[i]);
	}
	else
		put_backend(rsinfo, mine);
	return (Datum) 0;
}

/* Zero what a backend of this database has counted; what its cache holds stays. */
static void
reset_backend(stat_backend *backend)
{
	if (pg_atomic_read_u32(&backend->pid) == 0 || backend->database != MyDatabaseId)
		return;
	for (int i = 0; i < STAT_COUNTERS; i++)
		pg_atomic_write_u64(&backend->counters[i], 0);
}

/* lem_stat_reset() returns void: forget what was counted in this database. */
Datum
pg_lem_stat_reset(PG_FUNCTION_ARGS)
{
	HASH_SEQ_STATUS scan;
	stat_model *model;

	(void) fcinfo;
	join();
	lock_models(LW_EXCLUSIVE);
	hash_seq_init(&scan, models);
	while ((model = hash_seq_search(&scan)) != NULL)
		if (model->key.database == MyDatabaseId)
			(void) hash_search(models, &model->key, HASH_REMOVE, NULL);
	unlock_models();
	if (slots)
	{
		for (int i = 0; i < slots->n; i++)
			reset_backend(&slots->slot[i]);
	}
	else
		reset_backend(mine);
	PG_RETURN_VOID();
}

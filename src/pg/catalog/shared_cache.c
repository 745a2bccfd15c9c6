/*
 * shared_cache.c: decoded models in shared memory, one copy for all processes.
 *
 * What there is
 * -------------
 * Two things in the server's main shared memory, which every process has at the same address: a
 * hash table, the directory, with an entry for each decoded part (the trunk, a set of heads) by
 * database, digest of the model and number of the part; and an area that the parts are decoded
 * into.  As the address is the same everywhere, pointers within a decoded part are good in every
 * process.  A part that is ready is never written again, so reading its numbers takes no lock.  A
 * model's digest covers its config and all its weights: two parts of one key have the same
 * numbers, and an entry never has to be brought up to date, only to be removed.
 *
 * The life of a part
 * ------------------
 * absent -> entered (pinned by its maker, not ready) -> ready -> [dropped] -> removed.
 *
 * Whoever needs a part that is absent reads its numbers from the catalog first, into memory of its
 * own, because that can fail, wait and be cancelled.  Then it enters the part, decodes it and
 * marks it ready.  Nothing between these can raise an error or look for interrupts, so no part
 * stays unready for good, and whoever finds one so waits for no more than the decoding.  Two
 * processes may read the same numbers at a time; the slower one finds the entry when it wants to
 * make one, and throws its numbers away.
 *
 * A call pins each part that it uses, for as long as the memory context lives that it was made in:
 * a callback gives the pins back, also where an error ends the call.  Pins that are left when the
 * process ends are given back by leave().  Parts without pins may be evicted for others, the one
 * that was not used for longest first.  When a transaction that deleted a model commits, its parts
 * are removed; those that are pinned are marked dropped, and whoever gives back the last pin
 * removes them.  If there is no room, because all that is there is pinned, the caller gets NULL
 * and decodes the model in memory of its own (cache.c): nobody waits for room.
 *
 * What is locked
 * --------------
 * One lightweight lock for all of it:
 *   shared: to look a part up, to pin it, and to give back a pin of one that is not dropped;
 *   exclusive: to enter, evict and remove parts, and to set `ready` and `dropped`.
 * Pins and the times of use are atomic, as several processes change them under the shared lock.
 * Whether a part has no pins is asked under the exclusive lock only: then nobody can be adding
 * one. (unpin() must not drop the last pin of a dropped part under the shared lock, since two
 * might; it keeps its pin while it goes on to the exclusive lock, so the part cannot vanish in
 * between.)
 *
 * Order: the lock is taken before the area's own locks (dsa_allocate, dsa_free), never the other
 * way round.  No catalog is read, no memory is allocated in this process and no condition variable
 * is waited for while it is held; lem_stat_shared_parts() copies entries under it and makes rows
 * later. Waiting for a part to be ready holds no pin and no lock, so processes cannot wait for
 * each other in a circle: the maker waits for nobody.
 *
 * What is left behind
 * -------------------
 * An error or a cancelled call: nothing, see above.  A process that is ended (SIGTERM, FATAL):
 * nothing, leave() runs.  A process that crashes may hold the lock, have pins or be in the middle
 * of decoding: the postmaster then restarts all processes and makes shared memory anew, so the
 * cache begins empty.  A transaction that deletes a model and aborts leaves the model and its
 * parts as they were; after PREPARE TRANSACTION the parts stay until they are evicted, as their
 * digest tells what they are.  After a restart, or on a standby that replays a deletion, parts of
 * a model that is gone are only room that the next eviction takes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/dsa.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "core/parameters/params.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/optimum_cache.h"
#include "pg/catalog/shared_cache.h"

#define TRANCHE "lem_shared_cache"

/* Parts that the directory has room for. */
#define MAX_PARTS 4096

int			lem_shared_model_cache_size = 262144;

/* Which part: hashed as bytes. */
typedef struct part_key
{
	Oid			database;
	int32		part;
	uint8		digest[LEM_DIGEST_LENGTH];
} part_key;

typedef struct shared_part
{
	part_key	key;
	bool		ready;			/* decoded; under the lock */
	bool		dropped;		/* to be removed by whoever unpins it last; under the lock */
	dsa_pointer memory;
	const void *decoded;
	Size		bytes;
	pg_atomic_uint32 pins;
	pg_atomic_uint64 used;		/* the clock when it was pinned last */
} shared_part;

typedef struct shared_cache
{
	ConditionVariable decoded;	/* a part has become ready */
	pg_atomic_uint64 clock;		/* pins so far */
} shared_cache;

/* The parts that one call has pinned, released with the memory context of the call. */
typedef struct shared_pin
{
	MemoryContextCallback callback;
	dlist_node	node;			/* in pins, while it holds any */
	int			n;
	shared_part **parts;
	lem_model	model;
} shared_pin;

static shared_cache *cache = NULL;	/* NULL: nothing is shared */
static HTAB *parts = NULL;		/* shared_part by key */
static void *area_memory = NULL;	/* what the area is made in */
static dsa_area *area = NULL;	/* NULL before the first use in this process */
static LWLock *lock = NULL;
static dlist_head pins = DLIST_STATIC_INIT(pins);
static List *forgotten = NIL;	/* digests, in TopTransactionContext */
static shmem_startup_hook_type next_shmem_startup = NULL;

/* Bytes of the area. */
static Size
area_size(void)
{
	return Max((Size) lem_shared_model_cache_size * 1024, dsa_minimum_size());
}

static void
request_memory(void)
{
	Size		size = add_size(MAXALIGN(sizeof(shared_cache)), area_size());

	RequestAddinShmemSpace(add_size(size, hash_estimate_size(MAX_PARTS, sizeof(shared_part))));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

LEM_SHMEM_REQUEST(request_memory)

static void
startup_memory(void)
{
	HASHCTL		control = {.keysize = sizeof(part_key), .entrysize = sizeof(shared_part)};
	bool		found;

	if (next_shmem_startup)
		next_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	parts = ShmemInitHash("lem shared parts", MAX_PARTS, MAX_PARTS, &control,
						  HASH_ELEM | HASH_BLOBS);
	area_memory = ShmemInitStruct("lem shared models", area_size(), &found);
	cache = ShmemInitStruct("lem shared cache", sizeof(shared_cache), &found);
	if (!found)
	{
		dsa_area   *made;

		ConditionVariableInit(&cache->decoded);
		pg_atomic_init_u64(&cache->clock, 0);
		made = dsa_create_in_place(area_memory, area_size(), lock->tranche, NULL);
		dsa_pin(made);
		dsa_set_size_limit(made, area_size());
		dsa_detach(made);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
lem_shared_cache_init(void)
{
	if (!process_shared_preload_libraries_in_progress || lem_shared_model_cache_size == 0)
		return;
	register_shmem_request();
	next_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_memory;
}

/* Remove a part that nobody has pinned; under the exclusive lock. */
static void
remove_part(shared_part *part)
{
	dsa_free(area, part->memory);
	(void) hash_search(parts, &part->key, HASH_REMOVE, NULL);
}

/* Give back one pin of a part. */
static void
unpin(shared_part *part)
{
	bool		remove;

	LWLockAcquire(lock, LW_SHARED);
	remove = part->dropped;
	if (!remove)
		(void) pg_atomic_sub_fetch_u32(&part->pins, 1);
	LWLockRelease(lock);
	if (!remove)
		return;

	/* the pin is kept until here, so the part is still the same one */
	LWLockAcquire(lock, LW_EXCLUSIVE);
	if (pg_atomic_sub_fetch_u32(&part->pins, 1) == 0)
		remove_part(part);
	LWLockRelease(lock);
}

static void
release(shared_pin *pin)
{
	if (pin->n == 0)
		return;
	dlist_delete(&pin->node);
	while (pin->n > 0)
		unpin(pin->parts[--pin->n]);
}

static void
release_pin(void *arg)
{
	release(arg);
}

/* Pins that are left when the process ends. */
static void
leave(int code, Datum arg)
{
	(void) code;
	(void) arg;
	while (!dlist_is_empty(&pins))
		release(dlist_container(shared_pin, node, dlist_head_node(&pins)));
	dsa_release_in_place(area_memory);
}

/* The area, at the first use in a process. */
static void
join(void)
{
	MemoryContext old;

	if (area)
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	area = dsa_attach_in_place(area_memory, NULL);
	dsa_pin_mapping(area);
	MemoryContextSwitchTo(old);
	on_shmem_exit(leave, (Datum) 0);
}

/* Remove the part that was not used for longest, if there is one without pins; exclusive lock. */
static bool
evict(void)
{
	HASH_SEQ_STATUS scan;
	shared_part *part;
	shared_part *oldest = NULL;

	hash_seq_init(&scan, parts);
	while ((part = hash_seq_search(&scan)) != NULL)
		if (pg_atomic_read_u32(&part->pins) == 0 &&
			(oldest == NULL ||
			 pg_atomic_read_u64(&part->used) < pg_atomic_read_u64(&oldest->used)))
			oldest = part;
	if (oldest == NULL)
		return false;
	remove_part(oldest);
	return true;
}

/* A new part, pinned and not ready, with memory for bytes; NULL: no room.  Exclusive lock. */
static shared_part *
enter(const part_key *key, Size bytes)
{
	shared_part *part;
	dsa_pointer memory;
	bool		found;

	while ((memory = dsa_allocate_extended(area, bytes + LEM_ALIGN,
										   DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM)) == InvalidDsaPointer)
		if (!evict())
			return NULL;
	while (hash_get_num_entries(parts) >= MAX_PARTS)
		if (!evict())
		{
			dsa_free(area, memory);
			return NULL;
		}
	part = hash_search(parts, key, HASH_ENTER_NULL, &found);
	if (part == NULL)
	{
		dsa_free(area, memory);
		return NULL;
	}
	part->ready = false;
	part->dropped = false;
	part->memory = memory;
	part->decoded = NULL;
	part->bytes = bytes;
	pg_atomic_init_u32(&part->pins, 1);
	pg_atomic_init_u64(&part->used, pg_atomic_add_fetch_u64(&cache->clock, 1));
	return part;
}

/* A part that is there, pinned as soon as it is ready; NULL if it is not there. */
static shared_part *
find(const part_key *key)
{
	shared_part *part;
	bool		ready;

	for (;;)
	{
		LWLockAcquire(lock, LW_SHARED);
		part = hash_search(parts, key, HASH_FIND, NULL);
		ready = part && part->ready;
		if (ready)
		{
			(void) pg_atomic_add_fetch_u32(&part->pins, 1);
			pg_atomic_write_u64(&part->used, pg_atomic_add_fetch_u64(&cache->clock, 1));
		}
		LWLockRelease(lock);
		if (part == NULL || ready)
			break;
		ConditionVariableSleep(&cache->decoded, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return part;
}

static Size
part_bytes(const lem_config *config, int part)
{
	return part == 0 ? lem_trunk_bytes(config, LEM_FORM_FORWARD) : lem_head_bytes(config);
}

/* Pin a part, decoding it if need be; NULL: no room. */
static shared_part *
pin_part(const char *schema, const lem_model_row *row, int number, Size *loaded)
{
	part_key	key = {.database = MyDatabaseId, .part = number};
	shared_part *part;
	float	   *numbers;
	char	   *memory;

	memcpy(key.digest, row->digest, LEM_DIGEST_LENGTH);
	part = find(&key);
	if (part)
		return part;

	numbers = lem_catalog_part(schema, row, number);
	LWLockAcquire(lock, LW_EXCLUSIVE);
	while (hash_search(parts, &key, HASH_FIND, NULL))
	{
		/* another process was faster */
		LWLockRelease(lock);
		part = find(&key);
		if (part)
		{
			pfree(numbers);
			return part;
		}
		LWLockAcquire(lock, LW_EXCLUSIVE);
	}
	part = enter(&key, part_bytes(&row->config, number));
	LWLockRelease(lock);
	if (part)
	{
		memory = (char *) TYPEALIGN(LEM_ALIGN, dsa_get_address(area, part->memory));
		if (number == 0)
			part->decoded = lem_trunk_decode(&row->config, numbers, LEM_FORM_FORWARD, memory);
		else
			part->decoded = lem_head_decode(&row->config, numbers, memory);
		LWLockAcquire(lock, LW_EXCLUSIVE);
		part->ready = true;
		LWLockRelease(lock);
		ConditionVariableBroadcast(&cache->decoded);
		*loaded += part->bytes;
	}
	pfree(numbers);
	return part;
}

const lem_model *
lem_shared_cache_pin(const char *schema, const lem_model_row *row, const bool *need_heads,
					 Size *loaded)
{
	const int	n = lem_part_count(&row->config);
	const lem_head **heads;
	shared_pin *pin;
	Size		needed = 0;

	*loaded = 0;
	if (cache == NULL)
		return NULL;
	for (int i = 0; i < n; i++)
		if (i == 0 || need_heads == NULL || need_heads[i - 1])
			needed += part_bytes(&row->config, i) + 2 * LEM_ALIGN;
	if (needed > area_size() - area_size() / 16)
		return NULL;				/* some of the area is its own book-keeping */
	join();

	pin = palloc0(sizeof(shared_pin));
	pin->parts = palloc(n * sizeof(shared_part *));
	heads = palloc0((n - 1) * sizeof(lem_head *));
	pin->callback.func = release_pin;
	pin->callback.arg = pin;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &pin->callback);
	pin->model.config = row->config;
	pin->model.kernels = lem_kernels_select();
	pin->model.tables = (lem_optimum_source) {lem_optimum_find_for, NULL};
	pin->model.heads = heads;
	for (int i = 0; i < n; i++)
	{
		shared_part *part;

		if (i > 0 && need_heads && !need_heads[i - 1])
			continue;
		part = pin_part(schema, row, i, loaded);
		if (part == NULL)
		{
			release(pin);
			return NULL;
		}
		if (pin->n == 0)
			dlist_push_head(&pins, &pin->node);
		pin->parts[pin->n++] = part;
		if (i == 0)
			pin->model.trunk = part->decoded;
		else
			heads[i - 1] = part->decoded;
	}
	return &pin->model;
}

/*
 * lem_stat_shared_parts() returns setof (digest, part, bytes, pins): the parts of this database's
 * models that are in shared memory, and how many calls are using them.
 */
LEM_FUNCTION(pg_lem_stat_shared_parts);

Datum
pg_lem_stat_shared_parts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HASH_SEQ_STATUS scan;
	shared_part *found;
	shared_part *part;
	int			n = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (cache == NULL)
		return (Datum) 0;

	/* copied first: rows are not made under the lock */
	found = palloc(MAX_PARTS * sizeof(shared_part));
	LWLockAcquire(lock, LW_SHARED);
	hash_seq_init(&scan, parts);
	while ((part = hash_seq_search(&scan)) != NULL)
		if (part->key.database == MyDatabaseId)
			found[n++] = *part;
	LWLockRelease(lock);
	for (int i = 0; i < n; i++)
	{
		bytea	   *digest = palloc(VARHDRSZ + LEM_DIGEST_LENGTH);
		Datum		values[4];
		bool		nulls[4] = {false};

		SET_VARSIZE(digest, VARHDRSZ + LEM_DIGEST_LENGTH);
		memcpy(VARDATA(digest), found[i].key.digest, LEM_DIGEST_LENGTH);
		values[0] = PointerGetDatum(digest);
		values[1] = Int32GetDatum(found[i].key.part);
		values[2] = Int64GetDatum((int64) found[i].bytes);
		values[3] = Int32GetDatum((int32) pg_atomic_read_u32(&found[i].pins));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Remove what is shared of a model, or let whoever uses it do so. */
static void
drop_model(const uint8 *digest)
{
	HASH_SEQ_STATUS scan;
	shared_part *part;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	hash_seq_init(&scan, parts);
	while ((part = hash_seq_search(&scan)) != NULL)
	{
		if (part->key.database != MyDatabaseId ||
			memcmp(part->key.digest, digest, LEM_DIGEST_LENGTH) != 0)
			continue;
		if (pg_atomic_read_u32(&part->pins) == 0)
			remove_part(part);
		else
			part->dropped = true;
	}
	LWLockRelease(lock);
}

/* At the end of a transaction that deleted models. */
static void
end_transaction(XactEvent event, void *arg)
{
	ListCell   *cell;

	(void) arg;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			foreach(cell, forgotten)
				drop_model(lfirst(cell));
			forgotten = NIL;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forgotten = NIL;
			break;
		default:
			break;
	}
}

void
lem_shared_cache_forget(const uint8 *digest)
{
	static bool registered = false;
	MemoryContext old;
	uint8	   *copy;

	if (cache == NULL)
		return;
	join();
	if (!registered)
		RegisterXactCallback(end_transaction, NULL);
	registered = true;
	old = MemoryContextSwitchTo(TopTransactionContext);
	copy = palloc(LEM_DIGEST_LENGTH);
	memcpy(copy, digest, LEM_DIGEST_LENGTH);
	forgotten = lappend(forgotten, copy);
	MemoryContextSwitchTo(old);
}

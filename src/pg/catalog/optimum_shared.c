/*
 * optimum_shared.c: solved tables in shared memory.
 *
 * A ring of bytes that tables are written into one after the other, and a directory of those that
 * are whole.  A table written over others takes them out of the directory.  Tables are copied, in
 * under the exclusive lock and out under the shared one, which takes microseconds where solving
 * takes milliseconds: nothing is pinned.  A process that dies in between leaves no half table,
 * since the directory is changed last, and a crash begins with an empty one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "pg/base/compat.h"
#include "pg/base/memory.h"
#include "pg/catalog/optimum_cache.h"

#define TRANCHE "lem_optimum_tables"
#define RING_BYTES ((Size) 16 * 1024 * 1024)
#define MOST_TABLES 512

typedef struct shared_table
{
	lem_optimum_problem problem;
	Size		at;				/* in the ring */
	Size		bytes;			/* 0: nothing here */
} shared_table;

typedef struct shared_tables
{
	Size		next;			/* where the next table goes */
	int			next_entry;
	shared_table tables[MOST_TABLES];
} shared_tables;

static shared_tables *shared = NULL;	/* NULL: nothing is shared */
static char *ring = NULL;
static LWLock *lock = NULL;
static shmem_startup_hook_type next_shmem_startup = NULL;

static void
request_memory(void)
{
	RequestAddinShmemSpace(add_size(MAXALIGN(sizeof(shared_tables)), RING_BYTES));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

LEM_SHMEM_REQUEST(request_memory)

static void
startup_memory(void)
{
	bool		found;

	if (next_shmem_startup)
		next_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	ring = ShmemInitStruct("lem optimum ring", RING_BYTES, &found);
	shared = ShmemInitStruct("lem optimum tables", sizeof(shared_tables), &found);
	if (!found)
		memset(shared, 0, sizeof(shared_tables));
	LWLockRelease(AddinShmemInitLock);
}

void
lem_optimum_shared_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	register_shmem_request();
	next_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_memory;
}

static const shared_table *
find(const lem_optimum_problem *problem)
{
	for (int i = 0; i < MOST_TABLES; i++)
	{
		if (shared->tables[i].bytes > 0 &&
			lem_optimum_same(&shared->tables[i].problem, problem))
			return &shared->tables[i];
	}
	return NULL;
}

lem_optimum *
lem_optimum_shared_find(const lem_optimum_problem *problem, MemoryContext context)
{
	lem_optimum *copy;
	const shared_table *here;

	if (shared == NULL)
		return NULL;
	copy = lem_alloc_aligned(context, lem_optimum_bytes(problem));
	LWLockAcquire(lock, LW_SHARED);
	here = find(problem);
	if (here)
		memcpy(copy, ring + here->at, here->bytes);
	LWLockRelease(lock);
	return here ? copy : NULL;
}

void
lem_optimum_shared_keep(const lem_optimum *table)
{
	if (shared == NULL || table->bytes > RING_BYTES / 2)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	if (find(&table->problem) == NULL)
	{
		const Size	at = shared->next + table->bytes > RING_BYTES ? 0 : shared->next;
		shared_table *entry = &shared->tables[shared->next_entry];

		entry->bytes = 0;
		for (int i = 0; i < MOST_TABLES; i++)
		{
			shared_table *other = &shared->tables[i];

			if (other->at < at + table->bytes && at < other->at + other->bytes)
				other->bytes = 0;
		}
		memcpy(ring + at, table, table->bytes);
		entry->problem = table->problem;
		entry->at = at;
		entry->bytes = table->bytes;
		shared->next = at + MAXALIGN(table->bytes);
		shared->next_entry = (shared->next_entry + 1) % MOST_TABLES;
	}
	LWLockRelease(lock);
}

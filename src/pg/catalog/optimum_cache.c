/* optimum_cache.c: solved tables that the session keeps. */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/catalog/optimum_cache.h"

/* Memory that a session keeps tables in; the last one is kept whatever its size. */
#define MOST_BYTES ((Size) 32 * 1024 * 1024)

typedef struct kept_table
{
	dlist_node	node;			/* in tables, used last first */
	lem_optimum *table;
} kept_table;

static MemoryContext context = NULL;
static dlist_head tables = DLIST_STATIC_INIT(tables);
static Size kept_bytes = 0;

static lem_optimum *
solve(const lem_optimum_problem *problem)
{
	lem_optimum *table = lem_alloc_aligned(CurrentMemoryContext, lem_optimum_bytes(problem));
	void	   *workspace = lem_alloc_aligned(CurrentMemoryContext,
											  lem_optimum_workspace(problem));

	/* If the interrupt is one that a query survives, it is solved from the beginning. */
	while (lem_optimum_solve(problem, NULL, workspace, &lem_interrupt_stop, table) != LEM_OK)
		CHECK_FOR_INTERRUPTS();
	return table;
}

/* Keep a copy of a table, and let others go that were not used for longest. */
static const lem_optimum *
keep(const lem_optimum *table)
{
	kept_table *kept = MemoryContextAlloc(context, sizeof(kept_table));

	kept->table = MemoryContextAllocHuge(context, table->bytes);
	memcpy(kept->table, table, table->bytes);
	dlist_push_head(&tables, &kept->node);
	kept_bytes += table->bytes;
	while (kept_bytes > MOST_BYTES && dlist_has_next(&tables, dlist_head_node(&tables)))
	{
		kept_table *oldest = dlist_container(kept_table, node, dlist_tail_node(&tables));

		dlist_delete(&oldest->node);
		kept_bytes -= oldest->table->bytes;
		pfree(oldest->table);
		pfree(oldest);
	}
	return kept->table;
}

const lem_optimum *
lem_optimum_find(const lem_optimum_problem *problem)
{
	dlist_mutable_iter iter;
	MemoryContext work;
	MemoryContext old;
	lem_optimum *table;
	const lem_optimum *kept;

	dlist_foreach_modify(iter, &tables)
	{
		kept_table *here = dlist_container(kept_table, node, iter.cur);

		if (lem_optimum_same(&here->table->problem, problem))
		{
			dlist_move_head(&tables, &here->node);
			return here->table;
		}
	}
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "lem optimum tables",
										ALLOCSET_DEFAULT_SIZES);
	work = AllocSetContextCreate(CurrentMemoryContext, "lem optimum", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	table = lem_optimum_shared_find(problem, work);
	if (table == NULL)
	{
		table = solve(problem);
		lem_optimum_shared_keep(table);
	}
	kept = keep(table);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return kept;
}

const lem_optimum *
lem_optimum_find_for(void *arg, const lem_optimum_problem *problem)
{
	(void) arg;
	return lem_optimum_find(problem);
}

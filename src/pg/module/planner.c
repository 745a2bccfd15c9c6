/*
 * planner.c: what the planner is told of functions that take long.
 *
 * COST in the install script says how long a call takes.  The planner charges it for each row, except
 * in one place: a function in FROM that it runs again for each row of what stands before it (orders,
 * LATERAL lem_schedule(...)).  There it takes the cost for that of the first row alone, as if the
 * result were kept, and so sees no reason to share such a query among processes.
 */
#include "postgres.h"

#include "nodes/pathnodes.h"
#include "optimizer/paths.h"
#include "utils/lsyscache.h"

#include "pg/base/compat.h"
#include "pg/module/planner.h"

LEM_FUNCTION(pg_lem_support);

/* _lem_support of this database, once the planner has asked it. */
static Oid	support = InvalidOid;
static set_rel_pathlist_hook_type next_set_rel_pathlist = NULL;

/* Whether one of the functions of a FROM item is one that _lem_support speaks for. */
static bool
is_supported(const RangeTblEntry *rte)
{
	ListCell   *cell;

	if (!OidIsValid(support))
		return false;
	foreach(cell, rte->functions)
	{
		const Node *expression = ((RangeTblFunction *) lfirst(cell))->funcexpr;

		if (expression && IsA(expression, FuncExpr) &&
			get_func_support(((const FuncExpr *) expression)->funcid) == support)
			return true;
	}
	return false;
}

/*
 * A scan that starts from the beginning costs what lies between the first row and the last.  Where
 * the function runs anew each time that is all of it.
 */
static void
charge_each_run(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (next_set_rel_pathlist)
		next_set_rel_pathlist(root, rel, rti, rte);
	if (rte->rtekind != RTE_FUNCTION || rel->lateral_relids == NULL || !is_supported(rte))
		return;
	foreach(cell, rel->pathlist)
	{
		Path	   *path = lfirst(cell);

		if (path->pathtype == T_FunctionScan)
			path->startup_cost = 0;
	}
}

void
lem_planner_init(void)
{
	next_set_rel_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = charge_each_run;
}

/*
 * _lem_support(internal) RETURNS internal
 *
 * The planner's support function of those that compute with models.  It leaves estimates to COST and
 * ROWS, but the planner asks it before it makes paths: the library is loaded then, in a session's
 * first query, too.
 */
Datum
pg_lem_support(PG_FUNCTION_ARGS)
{
	support = fcinfo->flinfo->fn_oid;
	PG_RETURN_POINTER(NULL);
}

/* tables.c: solved tables of optimal_stop, kept while a program runs. */
#include <stdlib.h>
#include <string.h>

#include "tables.h"

#define MOST_TABLES 512

static lem_optimum *tables[MOST_TABLES];
static int	solved;

static const lem_optimum *
find(void *arg, const lem_optimum_problem *problem)
{
	void	   *workspace;
	lem_optimum **place;

	(void) arg;
	for (int i = 0; i < MOST_TABLES && tables[i]; i++)
	{
		if (lem_optimum_same(&tables[i]->problem, problem))
			return tables[i];
	}
	place = &tables[solved++ % MOST_TABLES];
	free(*place);
	*place = aligned_alloc(64, lem_optimum_bytes(problem));
	workspace = aligned_alloc(64, lem_optimum_workspace(problem));
	lem_optimum_solve(problem, NULL, workspace, NULL, *place);
	free(workspace);
	return *place;
}

lem_optimum_source
tables_source(void)
{
	return (lem_optimum_source) {find, NULL};
}

int
tables_solved(void)
{
	return solved;
}

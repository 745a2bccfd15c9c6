/* guard.c: parts of a job that may fail without failing the whole. */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "pg/base/compat.h"
#include "pg/base/guard.h"

bool
lem_error_is_of_data(const ErrorData *error)
{
	/*
	 * Classes of SQLSTATEs: data, cardinality, constraints, functions that users write, limits.
	 * Not what concerns everyone: a cancelled statement, a full disk, a table that is gone.
	 */
	static const char *const classes[] = {"LM", "22", "21", "23", "2F", "38", "39", "P0", "54"};
	const char *state = unpack_sql_state(error->sqlerrcode);

	for (size_t i = 0; i < lengthof(classes); i++)
		if (strncmp(state, classes[i], 2) == 0)
			return true;
	return error->sqlerrcode == ERRCODE_DATA_CORRUPTED ||
		error->sqlerrcode == ERRCODE_INDEX_CORRUPTED;
}

ErrorData *
lem_guard(void (*part) (void *arg), void *arg, lem_error_filter filter)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		part(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!filter(error))
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/* A part for some things. */
typedef struct span
{
	void		(*part) (void *arg, int first, int n);
	void	   *arg;
	int			first;
	int			n;
} span;

static void
do_span(void *arg)
{
	const span *s = arg;

	s->part(s->arg, s->first, s->n);
}

void
lem_guard_each(void (*part) (void *arg, int first, int n), void *arg, int first, int n,
			   lem_error_filter filter, ErrorData **errors)
{
	span		s = {part, arg, first, n};
	ErrorData  *error;

	if (n == 0)
		return;
	error = lem_guard(do_span, &s, filter);
	if (error == NULL)
		return;
	CHECK_FOR_INTERRUPTS();
	if (n == 1)
	{
		errors[first] = error;
		return;
	}
	FreeErrorData(error);
	lem_guard_each(part, arg, first, n / 2, filter, errors);
	lem_guard_each(part, arg, first + n / 2, n - n / 2, filter, errors);
}

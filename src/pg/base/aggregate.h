/*
 * aggregate.h: what the aggregates' support functions share.
 */
#ifndef LEM_PG_AGGREGATE_H
#define LEM_PG_AGGREGATE_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "pg/base/compat.h"

/* The context that aggregate states live in; raises if the caller is not an aggregate. */
static inline MemoryContext
lem_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* Read a serialized state in place, with the pq_getmsg functions. */
static inline void
lem_read_state(const bytea *bytes, StringInfo buffer)
{
	buffer->data = (char *) VARDATA_ANY(bytes);
	buffer->len = (int) VARSIZE_ANY_EXHDR(bytes);
	buffer->maxlen = buffer->len;
	buffer->cursor = 0;
}

#endif

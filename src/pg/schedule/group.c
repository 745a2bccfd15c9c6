/* group.c: the state of aggregates that run an order over the bars of a group. */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "pg/base/errors.h"
#include "pg/base/aggregate.h"
#include "pg/schedule/group.h"
#include "pg/schedule/order_type.h"

/* Raise 22004 for an argument that must not be NULL. */
static void
null_argument(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("the %s is NULL", what)));
}

/* The state is one for all rows of a group. */
static void
different_argument(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the %s is not the same for all bars of a group", what),
			 errhint("Group the bars by whatever the %s depends on, or use lem_schedule_batch.",
					 what)));
}

/* Options (NULL: none) in the context. */
static Jsonb *
keep_options(MemoryContext context, const Jsonb *options)
{
	Jsonb	   *kept;

	if (options == NULL)
		return NULL;
	kept = MemoryContextAlloc(context, VARSIZE(options));
	memcpy(kept, options, VARSIZE(options));
	return kept;
}

/* The same options?  Equal objects are stored as equal bytes. */
static bool
same_options(const Jsonb *a, const Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* A state for the model, order and options of the arguments. */
static lem_group *
create_group(FunctionCallInfo fcinfo, const Jsonb *options, MemoryContext context)
{
	lem_group  *group = MemoryContextAllocZero(context, sizeof(lem_group));
	const text *model = PG_GETARG_TEXT_PP(1);
	HeapTupleHeader tuple = PG_GETARG_HEAPTUPLEHEADER(2);

	lem_order_read(tuple, &group->order);
	group->model_length = VARSIZE_ANY_EXHDR(model);
	group->model = MemoryContextAlloc(context, group->model_length + 1);
	memcpy(group->model, VARDATA_ANY(model), group->model_length);
	group->model[group->model_length] = '\0';
	group->tuple = MemoryContextAlloc(context, HeapTupleHeaderGetDatumLength(tuple));
	memcpy(group->tuple, tuple, HeapTupleHeaderGetDatumLength(tuple));
	group->options = keep_options(context, options);
	group->bars = lem_builder_create(context);
	return group;
}

/* Hold the arguments' model, order and options against the state's. */
static void
check_group(FunctionCallInfo fcinfo, const Jsonb *options, const lem_group *group)
{
	const text *model = PG_GETARG_TEXT_PP(1);
	HeapTupleHeader tuple = PG_GETARG_HEAPTUPLEHEADER(2);
	lem_order	order;

	if (VARSIZE_ANY_EXHDR(model) != group->model_length ||
		memcmp(VARDATA_ANY(model), group->model, group->model_length) != 0)
		different_argument("model");
	if (!same_options(options, group->options))
		different_argument("set of options");
	if (group->tuple &&
		HeapTupleHeaderGetDatumLength(tuple) == HeapTupleHeaderGetDatumLength(group->tuple) &&
		memcmp(tuple, group->tuple, HeapTupleHeaderGetDatumLength(tuple)) == 0)
		return;

	/* The same order can have come in other bytes, from a table say. */
	lem_order_read(tuple, &order);
	if (!lem_order_equal(&order, &group->order))
		different_argument("order");
}

lem_group *
lem_group_accum(FunctionCallInfo fcinfo, bool close, bool features, bool options)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	const int	last = PG_NARGS() - 1;
	const Jsonb *given = NULL;
	lem_group  *group;

	if (PG_ARGISNULL(1))
		null_argument("model");
	if (PG_ARGISNULL(2))
		null_argument("order");
	if (options && !PG_ARGISNULL(last))
		given = PG_GETARG_JSONB_P(last);
	if (PG_ARGISNULL(0))
		group = create_group(fcinfo, given, context);
	else
	{
		group = (lem_group *) PG_GETARG_POINTER(0);
		check_group(fcinfo, given, group);
	}
	lem_builder_add_args(group->bars, fcinfo, 3, close, features);
	return group;
}

lem_group *
lem_group_combine(FunctionCallInfo fcinfo)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	lem_group  *to = PG_ARGISNULL(0) ? NULL : (lem_group *) PG_GETARG_POINTER(0);
	const lem_group *from = PG_ARGISNULL(1) ? NULL : (lem_group *) PG_GETARG_POINTER(1);

	if (from == NULL)
		return to;
	if (to == NULL)
	{
		to = MemoryContextAllocZero(context, sizeof(lem_group));
		to->model_length = from->model_length;
		to->model = MemoryContextStrdup(context, from->model);
		to->order = from->order;
		to->options = keep_options(context, from->options);
		to->bars = lem_builder_create(context);
	}
	else if (strcmp(to->model, from->model) != 0)
		different_argument("model");
	else if (!same_options(to->options, from->options))
		different_argument("set of options");
	else if (!lem_order_equal(&to->order, &from->order))
		different_argument("order");
	lem_builder_merge(to->bars, from->bars);
	return to;
}

bytea *
lem_group_serialize(FunctionCallInfo fcinfo)
{
	const lem_group *group = (lem_group *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, (uint32) group->model_length);
	pq_sendbytes(&buffer, group->model, (int) group->model_length);
	lem_order_write(&group->order, &buffer);
	lem_order_write_bounds(&group->order, &buffer);
	pq_sendint8(&buffer, group->options != NULL);
	if (group->options)
	{
		StringInfoData text;

		initStringInfo(&text);
		(void) JsonbToCString(&text, &group->options->root, VARSIZE(group->options));
		pq_sendint32(&buffer, (uint32) text.len);
		pq_sendbytes(&buffer, text.data, text.len);
		pfree(text.data);
	}
	lem_builder_serialize(group->bars, &buffer);
	return pq_endtypsend(&buffer);
}

/* A counted string; its length. */
static char *
read_string(StringInfo buffer, Size *length)
{
	*length = pq_getmsgint(buffer, sizeof(int32));
	return pnstrdup(pq_getmsgbytes(buffer, (int) *length), *length);
}

lem_group *
lem_group_deserialize(FunctionCallInfo fcinfo)
{
	lem_group  *group = palloc0(sizeof(lem_group));
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	group->model = read_string(&buffer, &group->model_length);
	lem_order_read_wire(&buffer, &group->order);
	lem_order_read_bounds(&buffer, &group->order);
	if (pq_getmsgbyte(&buffer))
	{
		Size		length;
		char	   *text = read_string(&buffer, &length);

		group->options = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	}
	group->bars = lem_builder_deserialize(CurrentMemoryContext, &buffer);
	pq_getmsgend(&buffer);
	return group;
}

const lem_group *
lem_group_state(FunctionCallInfo fcinfo)
{
	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}
	return (lem_group *) PG_GETARG_POINTER(0);
}

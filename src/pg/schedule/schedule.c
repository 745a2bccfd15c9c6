/*
 * schedule.c: lem_schedule and lem_next_slice: from a model, orders and bars in SQL to slices.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/execution/schedule.h"
#include "pg/bars/bars_type.h"
#include "pg/bars/doubts.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/catalog/use.h"
#include "pg/schedule/group.h"
#include "pg/schedule/order_type.h"
#include "pg/schedule/slices.h"

LEM_FUNCTION(pg_lem_schedule_accum);
LEM_FUNCTION(pg_lem_schedule_accum_close);
LEM_FUNCTION(pg_lem_schedule_combine);
LEM_FUNCTION(pg_lem_schedule_serialize);
LEM_FUNCTION(pg_lem_schedule_deserialize);
LEM_FUNCTION(pg_lem_schedule_final);
LEM_FUNCTION(pg_lem_next_slice_final);
LEM_FUNCTION(pg_lem_schedule);
LEM_FUNCTION(pg_lem_schedule_batch);

/* What is to be scheduled. */
typedef struct schedule_job
{
	const char *schema;
	const char *model;
	lem_extent	extent;
	int			n;
	const lem_order *orders;	/* n */
	const lem_series *series;	/* n */
	const int64 *ids;			/* n, to name an order in errors; or NULL */
	int			current;		/* the order that an error would be about; n: none */

	/* Receives order i's slices, in the caller's memory context. */
	void		(*emit) (void *arg, int i, const lem_slice *slices, int count);
	void	   *arg;
} schedule_job;

/* Which head sets the orders need; checks every order against the model on the way. */
static void
needed_heads(void *arg, const lem_config *config, bool *need)
{
	schedule_job *job = arg;

	for (job->current = 0; job->current < job->n; job->current++)
	{
		int			branch;
		lem_fault	fault;

		lem_pg_check(lem_schedule_branch(config, &job->orders[job->current], &branch, &fault),
					 &fault);
		need[config->shared_heads ? 0 : branch] = true;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Schedule orders [first, first + n) in a context of their own, and hand them out in old. */
static void
run_chunk(schedule_job *job, const lem_model *model, const lem_clock *clock, int first, int n,
		  MemoryContext old)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem schedule batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	const int	n_ahead = model->config.n_ahead;
	lem_slice  *slices = palloc((Size) n * n_ahead * sizeof(lem_slice));
	int		   *counts = palloc(n * sizeof(int));
	Size		bytes = lem_schedule_workspace(model, n, job->series + first);
	void	   *workspace = lem_alloc_aligned(context, bytes);
	lem_status	status;

	for (;;)
	{
		int			failed = 0;
		lem_fault	fault;

		status = lem_schedule(model, job->extent, n, job->orders + first, job->series + first, clock,
							  workspace, &lem_interrupt_stop, slices, counts, &failed, &fault);
		if (status == LEM_OK)
			break;
		job->current = status == LEM_STOPPED ? job->n : first + failed;
		if (status != LEM_STOPPED)
			lem_pg_raise(&fault);

		/* If this comes back, the interrupt was one that a query survives: start over. */
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(old);
	for (int i = 0; i < n; i++)
	{
		job->current = first + i;
		job->emit(job->arg, first + i, slices + (Size) i * n_ahead, counts[i]);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}

/* Names the order in errors of a batch. */
static void
job_error_context(void *arg)
{
	const schedule_job *job = arg;

	if (job->current < job->n)
		errcontext("order with id %lld", (long long) job->ids[job->current]);
}

/*
 * Run a job: find the model, load what it takes, schedule in chunks.  All memory but what emit
 * keeps is given back, and the model unpinned, before this returns or with the error it raises.
 */
static void
run_job(schedule_job *job)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem schedule",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorContextCallback callback;
	lem_use		use;
	int			chunk;
	int64		batches = 0;

	job->current = job->n;
	if (job->ids)
	{
		callback.callback = job_error_context;
		callback.arg = job;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
	}
	lem_use_begin(&use, job->schema, LEM_RIGHT_USE, job->model, needed_heads, job);
	for (job->current = 0; job->current < job->n; job->current++)
	{
		if (job->series[job->current].n == 0)
		{
			lem_fault	fault;

			lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
			lem_pg_raise(&fault);
		}
		lem_warn_of_bars(NULL, &job->series[job->current],
						 lem_doubt_from(&job->series[job->current]), true,
						 use.row.trained);
	}
	chunk = Max(lem_forward_batch(&use.row.config), 1);
	for (int first = 0; first < job->n; first += chunk)
	{
		CHECK_FOR_INTERRUPTS();
		run_chunk(job, use.model, &use.clock, first, Min(chunk, job->n - first), old);
		batches++;
	}
	lem_use_end(&use, job->n, batches);
	if (job->ids)
		error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Raise 22004 for an argument that must not be NULL. */
static void
null_argument(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("the %s is NULL", what)));
}

/*
 * _lem_schedule_accum(internal, model, ord, ts, price, volume [, features]) returns internal.
 * Errors: 22004 for a NULL model or order, 22023 if they differ between rows, those of
 * lem_order_read and lem_builder_add.
 */
Datum
pg_lem_schedule_accum(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_accum(fcinfo, false, PG_NARGS() > 6, false));
}

/* The same with a close after the volume. */
Datum
pg_lem_schedule_accum_close(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_accum(fcinfo, true, PG_NARGS() > 7, false));
}

/* _lem_schedule_combine(internal, internal) returns internal: the first gets the second's bars. */
Datum
pg_lem_schedule_combine(PG_FUNCTION_ARGS)
{
	lem_group  *group = lem_group_combine(fcinfo);

	if (group == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(group);
}

/* _lem_schedule_serialize(internal) returns bytea. */
Datum
pg_lem_schedule_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(lem_group_serialize(fcinfo));
}

/* _lem_schedule_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_schedule_deserialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(lem_group_deserialize(fcinfo));
}

/* A copy of a schedule of one order. */
typedef struct one_schedule
{
	lem_slice  *slices;
	int			count;
} one_schedule;

static void
keep_slices(void *arg, int i, const lem_slice *slices, int count)
{
	one_schedule *kept = arg;

	(void) i;
	kept->slices = palloc(count * sizeof(lem_slice));
	memcpy(kept->slices, slices, count * sizeof(lem_slice));
	kept->count = count;
}

/* The schedule of an aggregate's state, which is not changed.  Errors: LM003 and all others. */
static void
schedule_group(FunctionCallInfo fcinfo, lem_extent extent, one_schedule *kept)
{
	const lem_group *group = lem_group_state(fcinfo);
	lem_series	series;
	schedule_job job;

	lem_builder_series(group->bars, &series);
	memset(&job, 0, sizeof(job));
	job.schema = lem_schema(fcinfo);
	job.model = group->model;
	job.extent = extent;
	job.n = 1;
	job.orders = &group->order;
	job.series = &series;
	job.emit = keep_slices;
	job.arg = kept;
	run_job(&job);
}

/* _lem_schedule_final(internal) returns lem_slice[]: one slice a bar of the horizon. */
Datum
pg_lem_schedule_final(PG_FUNCTION_ARGS)
{
	one_schedule kept;

	schedule_group(fcinfo, LEM_WHOLE, &kept);
	PG_RETURN_DATUM(lem_slices_datum(lem_slice_type(fcinfo), kept.slices, kept.count));
}

/*
 * _lem_next_slice_final(internal) returns lem_slice: the slice to trade now, in state "next".
 * Where bars are missing before it, so that none is firm, the first that is not done, in state
 * "projected".  NULL once all slices are done or nothing is left of the order.
 */
Datum
pg_lem_next_slice_final(PG_FUNCTION_ARGS)
{
	one_schedule kept;
	int			i = 0;

	schedule_group(fcinfo, LEM_TO_NEXT, &kept);
	while (i < kept.count && kept.slices[i].state == LEM_SLICE_DONE)
		i++;
	if (i == kept.count || (i > 0 && kept.slices[i - 1].cumulative == 1))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(lem_slice_datum(lem_slice_type(fcinfo), &kept.slices[i]));
}

/* Where a set-returning function's rows go. */
typedef struct slice_sink
{
	ReturnSetInfo *rsinfo;
	const int64 *ids;			/* n, the first column; or NULL: no such column */
	MemoryContext row;			/* reset after each row */
} slice_sink;

static void
put_slices(void *arg, int i, const lem_slice *slices, int count)
{
	slice_sink *sink = arg;
	int			first = sink->ids ? 1 : 0;
	Datum		values[1 + LEM_SLICE_COLUMNS];
	bool		nulls[1 + LEM_SLICE_COLUMNS] = {false};

	for (int k = 0; k < count; k++)
	{
		MemoryContext old = MemoryContextSwitchTo(sink->row);

		if (sink->ids)
			values[0] = Int64GetDatum(sink->ids[i]);
		lem_slice_values(&slices[k], values + first, nulls + first);
		tuplestore_putvalues(sink->rsinfo->setResult, sink->rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(sink->row);
	}
}

/* Set up the sink of a set-returning function that puts out so many columns. */
static void
open_sink(FunctionCallInfo fcinfo, slice_sink *sink, const int64 *ids)
{
	InitMaterializedSRF(fcinfo, 0);
	sink->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	sink->ids = ids;
	sink->row = AllocSetContextCreate(CurrentMemoryContext, "lem slice row",
									  ALLOCSET_SMALL_SIZES);
	LEM_ENSURE(sink->rsinfo->setDesc->natts <= LEM_SLICE_COLUMNS + (ids ? 1 : 0));
}

/*
 * What was executed in each completed bar of an order, from a float8[].  Raises 22004 for a NULL
 * in it, 2202E for more than one dimension; the numbers are checked with the bars.
 */
static void
read_executed(FunctionCallInfo fcinfo, int argument, lem_order *order)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(argument);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("executed quantities have %d dimensions", ARR_NDIM(array)),
				 errhint("Pass a one-dimensional array.")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an executed quantity is NULL"),
				 errhint("A bar in which nothing was executed has 0.")));
	order->tracked = true;
	order->n_executed = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	order->executed = (const double *) ARR_DATA_PTR(array);
}

/*
 * lem_schedule(model, ord, bars [, executed]) returns setof lem_slice: one row a bar of the
 * horizon.  With executed, what was really done in the order's completed bars, in its unit: it
 * goes on from there.  NULL bars, what lem_bars makes of no rows, are no bars (LM003); a NULL model or order is 22004.
 */
Datum
pg_lem_schedule(PG_FUNCTION_ARGS)
{
	lem_order	order;
	lem_series	series;
	slice_sink	sink;
	schedule_job job;

	if (PG_ARGISNULL(0))
		null_argument("model");
	if (PG_ARGISNULL(1))
		null_argument("order");
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(1), &order);
	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
		read_executed(fcinfo, 3, &order);
	memset(&series, 0, sizeof(series));
	if (!PG_ARGISNULL(2))
		lem_bars_view(PG_GETARG_LEM_BARS_P(2), &series);
	open_sink(fcinfo, &sink, NULL);
	memset(&job, 0, sizeof(job));
	job.schema = lem_schema(fcinfo);
	job.model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	job.n = 1;
	job.orders = &order;
	job.series = &series;
	job.emit = put_slices;
	job.arg = &sink;
	run_job(&job);
	return (Datum) 0;
}

/* Elements of a one-dimensional array argument. */
typedef struct array_argument
{
	Datum	   *values;
	bool	   *nulls;
	int			n;
} array_argument;

static void
read_array(FunctionCallInfo fcinfo, int arg, const char *what, array_argument *array)
{
	ArrayType  *value;
	int16		length;
	bool		by_value;
	char		alignment;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the array of %s is NULL", what)));
	value = PG_GETARG_ARRAYTYPE_P(arg);
	if (ARR_NDIM(value) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the array of %s has %d dimensions", what, ARR_NDIM(value)),
				 errhint("Pass a one-dimensional array.")));
	get_typlenbyvalalign(ARR_ELEMTYPE(value), &length, &by_value, &alignment);
	deconstruct_array(value, ARR_ELEMTYPE(value), length, by_value, alignment,
					  &array->values, &array->nulls, &array->n);
}

static void
check_lengths(const array_argument *ids, const array_argument *other, const char *what)
{
	if (other->n != ids->n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are %d %s for %d ids", other->n, what, ids->n),
				 errhint("Pass one order and one series of bars for each id.")));
}

/*
 * lem_schedule_batch(model, ids, ords, bars) returns setof (id, slice columns): order i over
 * series i, many in one pass, rows in the order of the arrays.  Errors name the order's id in their
 * context; 22004 for NULLs anywhere, 2202E for arrays of different lengths.
 */
Datum
pg_lem_schedule_batch(PG_FUNCTION_ARGS)
{
	array_argument ids;
	array_argument orders;
	array_argument bars;
	int64	   *id_values;
	lem_order  *order_values;
	lem_series *series;
	slice_sink	sink;
	schedule_job job;
	ErrorContextCallback callback;

	if (PG_ARGISNULL(0))
		null_argument("model");
	read_array(fcinfo, 1, "ids", &ids);
	read_array(fcinfo, 2, "orders", &orders);
	read_array(fcinfo, 3, "bars", &bars);
	check_lengths(&ids, &orders, "orders");
	check_lengths(&ids, &bars, "series of bars");

	id_values = palloc(Max(ids.n, 1) * sizeof(int64));
	order_values = palloc(Max(ids.n, 1) * sizeof(lem_order));
	series = palloc(Max(ids.n, 1) * sizeof(lem_series));
	memset(&job, 0, sizeof(job));
	job.schema = lem_schema(fcinfo);
	job.model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	job.n = ids.n;
	job.orders = order_values;
	job.series = series;
	job.ids = id_values;
	job.emit = put_slices;
	job.arg = &sink;

	for (int i = 0; i < ids.n; i++)
	{
		if (ids.nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("id number %d is NULL", i + 1)));
		id_values[i] = DatumGetInt64(ids.values[i]);
	}
	callback.callback = job_error_context;
	callback.arg = &job;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	for (job.current = 0; job.current < job.n; job.current++)
	{
		int			i = job.current;

		if (orders.nulls[i])
			null_argument("order");
		if (bars.nulls[i])
			null_argument("series of bars");
		lem_order_read(DatumGetHeapTupleHeader(orders.values[i]), &order_values[i]);
		lem_bars_view((lem_bars *) PG_DETOAST_DATUM(bars.values[i]), &series[i]);
		CHECK_FOR_INTERRUPTS();
	}
	error_context_stack = callback.previous;

	open_sink(fcinfo, &sink, id_values);
	run_job(&job);
	return (Datum) 0;
}

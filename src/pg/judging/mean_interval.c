/* mean_interval.c: lem_mean_interval: the mean of gains of orders that overlap, and its interval. */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "libpq/pqformat.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "core/judging/summary.h"
#include "pg/base/errors.h"
#include "pg/base/aggregate.h"

LEM_FUNCTION(pg_lem_mean_interval_accum);
LEM_FUNCTION(pg_lem_mean_interval_combine);
LEM_FUNCTION(pg_lem_mean_interval_serialize);
LEM_FUNCTION(pg_lem_mean_interval_deserialize);
LEM_FUNCTION(pg_lem_mean_interval_final);

/* Columns of the type lem_mean_interval. */
enum
{
	COLUMN_N,
	COLUMN_MEAN,
	COLUMN_STD,
	COLUMN_T,
	COLUMN_LOW,
	COLUMN_HIGH,
	COLUMNS
};

#define FIRST_CAPACITY 64

/* A number and when its order began. */
typedef struct number
{
	int64		ts;
	double		x;
} number;

typedef struct number_state
{
	int64		horizon;		/* microseconds */
	Size		n;
	Size		capacity;
	number	   *numbers;
} number_state;

/* Sorted by number, too, so that sums do not depend on the order of rows. */
#define ST_SORT sort_numbers
#define ST_ELEMENT_TYPE number
#define ST_COMPARE(a, b) ((a)->ts != (b)->ts ? ((a)->ts < (b)->ts ? -1 : 1) : \
						  (a)->x < (b)->x ? -1 : (a)->x > (b)->x ? 1 : 0)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* Microseconds of a horizon, which must be positive and without months. */
static int64
read_horizon(FunctionCallInfo fcinfo, int arg)
{
	const Interval *interval;
	int64		length;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the horizon is NULL")));
	interval = PG_GETARG_INTERVAL_P(arg);
	if (interval->month != 0 || interval->day > PG_INT32_MAX / 2 || interval->day < 0 ||
		interval->time < 0 || interval->time > PG_INT64_MAX / 4 ||
		(length = interval->day * USECS_PER_DAY + interval->time) <= 0 ||
		length > PG_INT64_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid horizon"),
				 errhint("It must be an interval above 0, without months.")));
	return length;
}

/* Make room for more numbers. */
static void
reserve(MemoryContext context, number_state *state, Size more)
{
	Size		capacity = Max(state->capacity, FIRST_CAPACITY / 2);

	if (state->capacity - state->n >= more)
		return;
	do
		capacity *= 2;
	while (capacity - state->n < more);
	if (capacity > MaxAllocHugeSize / sizeof(number))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many numbers: %zu", capacity)));
	if (state->numbers)
		state->numbers = repalloc_huge(state->numbers, capacity * sizeof(number));
	else
		state->numbers = MemoryContextAllocHuge(context, capacity * sizeof(number));
	state->capacity = capacity;
}

static void
different_horizon(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the horizon is not the same for all rows of a group"),
			 errhint("Pass the longest one.")));
}

/*
 * _lem_mean_interval_accum(internal, x, ts, horizon) returns internal.  A row with a NULL x or ts is
 * left out.  Errors: 22004 for a NULL horizon; 22023 for a horizon that is not above 0, or differs
 * between rows, and for an x or ts that is not finite.
 */
Datum
pg_lem_mean_interval_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	number_state *state = PG_ARGISNULL(0) ? NULL : (number_state *) PG_GETARG_POINTER(0);
	const int64 horizon = read_horizon(fcinfo, 3);

	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(number_state));
		state->horizon = horizon;
	}
	else if (state->horizon != horizon)
		different_horizon();
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	if (!isfinite(PG_GETARG_FLOAT8(1)) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(2)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a number or its time is not finite: %s at %s",
						lem_number_text(PG_GETARG_FLOAT8(1)),
						timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(2)))));
	reserve(context, state, 1);
	state->numbers[state->n].ts = PG_GETARG_TIMESTAMPTZ(2);
	state->numbers[state->n].x = PG_GETARG_FLOAT8(1);
	state->n++;
	PG_RETURN_POINTER(state);
}

/* _lem_mean_interval_combine(internal, internal) returns internal: the first gets all. */
Datum
pg_lem_mean_interval_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	number_state *to = PG_ARGISNULL(0) ? NULL : (number_state *) PG_GETARG_POINTER(0);
	const number_state *from = PG_ARGISNULL(1) ? NULL : (number_state *) PG_GETARG_POINTER(1);

	if (from == NULL)
	{
		if (to == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(to);
	}
	if (to == NULL)
	{
		to = MemoryContextAllocZero(context, sizeof(number_state));
		to->horizon = from->horizon;
	}
	else if (to->horizon != from->horizon)
		different_horizon();
	reserve(context, to, from->n);
	memcpy(to->numbers + to->n, from->numbers, from->n * sizeof(number));
	to->n += from->n;
	PG_RETURN_POINTER(to);
}

/* _lem_mean_interval_serialize(internal) returns bytea. */
Datum
pg_lem_mean_interval_serialize(PG_FUNCTION_ARGS)
{
	const number_state *state = (number_state *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, state->horizon);
	pq_sendint64(&buffer, (int64) state->n);
	for (Size i = 0; i < state->n; i++)
	{
		pq_sendint64(&buffer, state->numbers[i].ts);
		pq_sendfloat8(&buffer, state->numbers[i].x);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_mean_interval_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_mean_interval_deserialize(PG_FUNCTION_ARGS)
{
	number_state *state = palloc0(sizeof(number_state));
	StringInfoData buffer;
	Size		n;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	state->horizon = pq_getmsgint64(&buffer);
	n = (Size) pq_getmsgint64(&buffer);
	LEM_ENSURE(n <= (Size) buffer.len / sizeof(number));
	reserve(CurrentMemoryContext, state, n);
	for (; state->n < n; state->n++)
	{
		state->numbers[state->n].ts = pq_getmsgint64(&buffer);
		state->numbers[state->n].x = pq_getmsgfloat8(&buffer);
	}
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(state);
}

/* The state's numbers in the order of time, in two arrays. */
static void
sorted_numbers(const number_state *state, double **x, int64_t **ts)
{
	const Size	n = state->n;
	number	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(number));

	memcpy(sorted, state->numbers, n * sizeof(number));
	sort_numbers(sorted, n);
	*x = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(double));
	*ts = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(int64_t));
	for (Size i = 0; i < n; i++)
	{
		(*x)[i] = sorted[i].x;
		(*ts)[i] = sorted[i].ts;
	}
	pfree(sorted);
}

/* _lem_mean_interval_final(internal) returns lem_mean_interval: NULL without a number. */
Datum
pg_lem_mean_interval_final(PG_FUNCTION_ARGS)
{
	const number_state *state = PG_ARGISNULL(0) ? NULL : (number_state *) PG_GETARG_POINTER(0);
	TupleDesc	desc;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	double	   *x;
	int64_t    *ts;
	double		deviation;
	lem_interval interval;
	HeapTuple	tuple;

	(void) lem_aggregate_context(fcinfo);
	if (state == NULL || state->n == 0)
		PG_RETURN_NULL();
	sorted_numbers(state, &x, &ts);
	lem_interval_pooled(state->n, x, ts, state->horizon, &deviation, &interval);
	pfree(x);
	pfree(ts);
	nulls[COLUMN_T] = nulls[COLUMN_LOW] = nulls[COLUMN_HIGH] = !interval.valid;
	values[COLUMN_N] = Int64GetDatum((int64) state->n);
	values[COLUMN_MEAN] = Float8GetDatum(interval.mean);
	values[COLUMN_STD] = Float8GetDatum(deviation);
	values[COLUMN_T] = Float8GetDatum(interval.t);
	values[COLUMN_LOW] = Float8GetDatum(interval.low);
	values[COLUMN_HIGH] = Float8GetDatum(interval.high);
	desc = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
	LEM_ENSURE(desc->natts == COLUMNS);
	tuple = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}

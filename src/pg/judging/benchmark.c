/*
 * benchmark.c: the aggregates lem_vwap and lem_twap, which rows can leave again as a window's frame
 * moves, and slippage.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/judging/benchmark.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/aggregate.h"

LEM_FUNCTION(pg_lem_vwap_accum);
LEM_FUNCTION(pg_lem_vwap_remove);
LEM_FUNCTION(pg_lem_vwap_combine);
LEM_FUNCTION(pg_lem_vwap_serialize);
LEM_FUNCTION(pg_lem_vwap_deserialize);
LEM_FUNCTION(pg_lem_vwap_final);
LEM_FUNCTION(pg_lem_twap_accum);
LEM_FUNCTION(pg_lem_twap_remove);
LEM_FUNCTION(pg_lem_twap_step_accum);
LEM_FUNCTION(pg_lem_twap_step_remove);
LEM_FUNCTION(pg_lem_twap_step_combine);
LEM_FUNCTION(pg_lem_twap_step_serialize);
LEM_FUNCTION(pg_lem_twap_step_deserialize);
LEM_FUNCTION(pg_lem_twap_step_final);
LEM_FUNCTION(pg_lem_slippage_bps);

/* The state in argument 0, made if there is none yet. */
static inline lem_average *
average_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = lem_aggregate_context(fcinfo);

	if (likely(!PG_ARGISNULL(0)))
		return (lem_average *) PG_GETARG_POINTER(0);
	return MemoryContextAllocZero(context, sizeof(lem_average));
}

/* A row that cannot be added. */
static void
raise_average(const lem_fault *fault)
{
	if (fault->status == LEM_BAD_VOLUME)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("invalid volume %s", lem_number_text(fault->have)),
				 errdetail("A volume must not be negative."),
				 errhint("A row can be left out by making its volume NULL.")));
	lem_pg_raise(fault);
}

/*
 * _lem_vwap_accum(internal, price, volume) returns internal.  A row with a NULL is left out.
 * Errors: LM001 for a negative volume, 22003.
 */
Datum
pg_lem_vwap_accum(PG_FUNCTION_ARGS)
{
	lem_average *average = average_state(fcinfo);
	lem_fault	fault;

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) &&
		lem_average_add(average, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), &fault) != LEM_OK)
		raise_average(&fault);
	PG_RETURN_POINTER(average);
}

/* _lem_vwap_remove(internal, price, volume) returns internal: NULL if the frame must be added anew. */
Datum
pg_lem_vwap_remove(PG_FUNCTION_ARGS)
{
	lem_average *average = average_state(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) &&
		!lem_average_remove(average, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(average);
}

/* _lem_twap_accum(internal, price) returns internal.  Errors: 22003. */
Datum
pg_lem_twap_accum(PG_FUNCTION_ARGS)
{
	lem_average *average = average_state(fcinfo);
	lem_fault	fault;

	if (!PG_ARGISNULL(1) &&
		lem_average_add(average, PG_GETARG_FLOAT8(1), 1, &fault) != LEM_OK)
		raise_average(&fault);
	PG_RETURN_POINTER(average);
}

/* _lem_twap_remove(internal, price) returns internal: NULL if the frame must be added anew. */
Datum
pg_lem_twap_remove(PG_FUNCTION_ARGS)
{
	lem_average *average = average_state(fcinfo);

	if (!PG_ARGISNULL(1) && !lem_average_remove(average, PG_GETARG_FLOAT8(1), 1))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(average);
}

/* _lem_vwap_combine(internal, internal) returns internal.  Errors: 22003. */
Datum
pg_lem_vwap_combine(PG_FUNCTION_ARGS)
{
	lem_average *to = average_state(fcinfo);
	lem_fault	fault;

	if (!PG_ARGISNULL(1))
		lem_pg_check(lem_average_merge(to, (lem_average *) PG_GETARG_POINTER(1), &fault), &fault);
	PG_RETURN_POINTER(to);
}

static void
write_sum(StringInfo buffer, const lem_sum_wide *sum)
{
	pq_sendfloat8(buffer, sum->sum.high);
	pq_sendfloat8(buffer, sum->sum.low);
	pq_sendfloat8(buffer, sum->slack);
}

static void
read_sum(StringInfo buffer, lem_sum_wide *sum)
{
	sum->sum.high = pq_getmsgfloat8(buffer);
	sum->sum.low = pq_getmsgfloat8(buffer);
	sum->slack = pq_getmsgfloat8(buffer);
}

/* _lem_vwap_serialize(internal) returns bytea. */
Datum
pg_lem_vwap_serialize(PG_FUNCTION_ARGS)
{
	const lem_average *average = (lem_average *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, average->n);
	write_sum(&buffer, &average->weight);
	write_sum(&buffer, &average->product);
	pq_sendint64(&buffer, average->nan);
	pq_sendint64(&buffer, average->above);
	pq_sendint64(&buffer, average->below);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_vwap_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_vwap_deserialize(PG_FUNCTION_ARGS)
{
	lem_average *average = palloc0(sizeof(lem_average));
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	average->n = pq_getmsgint64(&buffer);
	read_sum(&buffer, &average->weight);
	read_sum(&buffer, &average->product);
	average->nan = pq_getmsgint64(&buffer);
	average->above = pq_getmsgint64(&buffer);
	average->below = pq_getmsgint64(&buffer);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(average);
}

/* _lem_vwap_final(internal) returns float8: NULL without volume. */
Datum
pg_lem_vwap_final(PG_FUNCTION_ARGS)
{
	double		value;

	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0) || !lem_average_value((lem_average *) PG_GETARG_POINTER(0), &value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* A step function, and the memory its rows lie in. */
typedef struct step_state
{
	MemoryContext context;
	size_t		capacity;
	lem_steps	steps;
} step_state;

#define FIRST_CAPACITY 16

static step_state *
step_create(MemoryContext context)
{
	step_state *state = MemoryContextAllocZero(context, sizeof(step_state));

	state->context = context;
	state->steps.rising = true;
	return state;
}

/* The state in argument 0, made if there is none yet. */
static step_state *
step_state_arg(FunctionCallInfo fcinfo)
{
	MemoryContext context = lem_aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? step_create(context) : (step_state *) PG_GETARG_POINTER(0);
}

/*
 * Make room for one more row.  Where rows have left, at least half of them, the others move to the
 * front; else capacity doubles.  Either way adding and taking out n rows takes O(n).
 */
static void
step_reserve(step_state *state)
{
	lem_steps  *steps = &state->steps;
	size_t		gone = steps->first;

	if (steps->end < state->capacity)
		return;
	if (gone > 0 && gone >= state->capacity / 2)
	{
		memmove(steps->rows, steps->rows + gone, (steps->end - gone) * sizeof(lem_step));
		steps->first = 0;
		steps->end -= gone;
		steps->first_end -= gone;
		steps->last -= gone;
		return;
	}
	state->capacity = state->capacity == 0 ? FIRST_CAPACITY : 2 * state->capacity;
	if (state->capacity > MaxAllocHugeSize / sizeof(lem_step))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows: %zu", state->capacity)));
	if (steps->rows)
		steps->rows = repalloc_huge(steps->rows, state->capacity * sizeof(lem_step));
	else
		steps->rows = MemoryContextAllocHuge(state->context, state->capacity * sizeof(lem_step));
}

static void
step_push(step_state *state, const lem_step *row)
{
	lem_fault	fault;

	step_reserve(state);
	lem_pg_check(lem_steps_push(&state->steps, row, &fault), &fault);
}

/* The row in arguments 1 to 3 (ts, price, until); false if it is left out.  Errors: LM001. */
static bool
step_row(FunctionCallInfo fcinfo, lem_step *row)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return false;
	row->ts = PG_GETARG_TIMESTAMPTZ(1);
	if (TIMESTAMP_NOT_FINITE(row->ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("the time of a price cannot be %s", timestamptz_to_str(row->ts)),
				 errhint("A row can be left out by making its time NULL.")));
	row->price = PG_GETARG_FLOAT8(2);
	row->until = PG_ARGISNULL(3) ? LEM_STEP_OPEN : PG_GETARG_TIMESTAMPTZ(3);
	return true;
}

/*
 * _lem_twap_step_accum(internal, ts, price, until) returns internal.  A row with a NULL time or
 * price is left out; until NULL or infinity is the next row's time.  Errors: LM001, 22003, 54000.
 */
Datum
pg_lem_twap_step_accum(PG_FUNCTION_ARGS)
{
	step_state *state = step_state_arg(fcinfo);
	lem_step	row;

	if (step_row(fcinfo, &row))
		step_push(state, &row);
	PG_RETURN_POINTER(state);
}

/*
 * _lem_twap_step_remove(internal, ts, price, until) returns internal: NULL if the frame must be added
 * anew, as where rows did not come in time order.
 */
Datum
pg_lem_twap_step_remove(PG_FUNCTION_ARGS)
{
	step_state *state = step_state_arg(fcinfo);
	lem_step	row;

	if (step_row(fcinfo, &row) && !lem_steps_pop(&state->steps, &row))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* _lem_twap_step_combine(internal, internal) returns internal. */
Datum
pg_lem_twap_step_combine(PG_FUNCTION_ARGS)
{
	step_state *to = step_state_arg(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		const lem_steps *from = &((step_state *) PG_GETARG_POINTER(1))->steps;

		for (size_t i = from->first; i < from->end; i++)
		{
			CHECK_FOR_INTERRUPTS();
			step_push(to, &from->rows[i]);
		}
		to->steps.nan += from->nan;
		to->steps.above += from->above;
		to->steps.below += from->below;
	}
	PG_RETURN_POINTER(to);
}

/* Bytes of a row on the wire. */
#define STEP_BYTES (3 * sizeof(int64))

/* _lem_twap_step_serialize(internal) returns bytea.  Errors: 54000 beyond 1 GB. */
Datum
pg_lem_twap_step_serialize(PG_FUNCTION_ARGS)
{
	const lem_steps *steps = &((step_state *) PG_GETARG_POINTER(0))->steps;
	size_t		n = steps->end - steps->first;
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	if (n > (MaxAllocSize - 1024) / STEP_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%zu rows are too many to be sent between processes", n),
				 errhint("Set max_parallel_workers_per_gather to 0.")));
	pq_begintypsend(&buffer);
	enlargeStringInfo(&buffer, (int) (n * STEP_BYTES + 4 * sizeof(int64)));
	pq_sendint64(&buffer, steps->nan);
	pq_sendint64(&buffer, steps->above);
	pq_sendint64(&buffer, steps->below);
	pq_sendint64(&buffer, (int64) n);
	for (size_t i = steps->first; i < steps->end; i++)
	{
		pq_sendint64(&buffer, steps->rows[i].ts);
		pq_sendint64(&buffer, steps->rows[i].until);
		pq_sendfloat8(&buffer, steps->rows[i].price);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_twap_step_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_twap_step_deserialize(PG_FUNCTION_ARGS)
{
	step_state *state = step_create(CurrentMemoryContext);
	StringInfoData buffer;
	int64		n;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	state->steps.nan = pq_getmsgint64(&buffer);
	state->steps.above = pq_getmsgint64(&buffer);
	state->steps.below = pq_getmsgint64(&buffer);
	n = pq_getmsgint64(&buffer);
	for (int64 i = 0; i < n; i++)
	{
		lem_step	row;

		row.ts = pq_getmsgint64(&buffer);
		row.until = pq_getmsgint64(&buffer);
		row.price = pq_getmsgfloat8(&buffer);
		step_push(state, &row);
	}
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(state);
}

#define STEP_LESS(x, y, next) ((x) < (y) ? -1 : (x) > (y) ? 1 : (next))
#define ST_SORT sort_steps
#define ST_ELEMENT_TYPE lem_step
#define ST_COMPARE(a, b) STEP_LESS((a)->ts, (b)->ts, \
								   STEP_LESS((a)->price, (b)->price, \
											 STEP_LESS((a)->until, (b)->until, 0)))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* A copy of a step function in time order, in the current context. */
static step_state *
step_sorted(const lem_steps *steps)
{
	step_state *sorted = step_create(CurrentMemoryContext);
	size_t		n = steps->end - steps->first;
	lem_step   *rows = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(lem_step));

	memcpy(rows, steps->rows + steps->first, n * sizeof(lem_step));
	sort_steps(rows, n);
	for (size_t i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		step_push(sorted, &rows[i]);
	}
	pfree(rows);
	sorted->steps.nan = steps->nan;
	sorted->steps.above = steps->above;
	sorted->steps.below = steps->below;
	return sorted;
}

/* _lem_twap_step_final(internal) returns float8: NULL if no time passes.  Errors: 22003. */
Datum
pg_lem_twap_step_final(PG_FUNCTION_ARGS)
{
	const lem_steps *steps;
	step_state *sorted = NULL;
	double		value;
	bool		known;
	lem_fault	fault;

	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	steps = &((step_state *) PG_GETARG_POINTER(0))->steps;
	if (!steps->rising)
	{
		sorted = step_sorted(steps);
		steps = &sorted->steps;
	}
	lem_pg_check(lem_steps_value(steps, &value, &known, &fault), &fault);
	if (sorted)
	{
		pfree(sorted->steps.rows);
		pfree(sorted);
	}
	if (!known)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/*
 * lem_slippage_bps(side, achieved, benchmark) returns float8: basis points of the benchmark by which
 * the achieved price is worse.  Errors: LM007 for an unknown side, 22023 for a benchmark that is not
 * finite and greater than zero.
 */
Datum
pg_lem_slippage_bps(PG_FUNCTION_ARGS)
{
	const text *side = PG_GETARG_TEXT_PP(0);
	int			length = (int) VARSIZE_ANY_EXHDR(side);
	double		achieved = PG_GETARG_FLOAT8(1);
	double		benchmark = PG_GETARG_FLOAT8(2);
	bool		sell = length == 4 && pg_strncasecmp(VARDATA_ANY(side), "sell", 4) == 0;

	if (!sell && !(length == 3 && pg_strncasecmp(VARDATA_ANY(side), "buy", 3) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_ORDER),
				 errmsg("invalid side: \"%s\"", lem_clip_text(text_to_cstring(side))),
				 errhint("It is \"buy\" or \"sell\".")));
	if (isnan(benchmark))
		PG_RETURN_FLOAT8(benchmark);
	if (!(benchmark > 0) || isinf(benchmark))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid benchmark %s", lem_number_text(benchmark)),
				 errdetail("A benchmark must be finite and greater than zero."),
				 errhint("Where there is no benchmark, pass NULL.")));
	PG_RETURN_FLOAT8(lem_slippage(sell, achieved, benchmark) * LEM_BPS);
}

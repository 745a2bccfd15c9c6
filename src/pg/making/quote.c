/* quote.c: lem_quote, the quotes at the end of a book, or of an aggregate's bars. */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "pg/base/aggregate.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/making/maker_open.h"

LEM_FUNCTION(pg_lem_quote);
LEM_FUNCTION(pg_lem_quote_accum);
LEM_FUNCTION(pg_lem_quote_combine);
LEM_FUNCTION(pg_lem_quote_serialize);
LEM_FUNCTION(pg_lem_quote_deserialize);
LEM_FUNCTION(pg_lem_quote_final);

#define QUOTE_COLUMNS 4

/* Numbers of an aggregate's state, the levels aside. */
#define QUOTE_NUMBERS 11

static void
check_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the %s is NULL", what)));
}

/* The quotes at the end of the setup's book; returns how many. */
static int
quotes_now(const char *schema, lem_maker_setup *setup, double position, lem_quote *quotes)
{
	lem_quote_plan plan;

	setup->quoting_now = true;
	lem_maker_setup_open(schema, setup);
	if (!lem_maker_plan(&setup->strategy, &setup->quoting, setup->bars,
						setup->book.series.n - 1 - setup->base, position, 0, &plan))
		return 0;
	return lem_quote_make(&setup->quoting, &plan, quotes);
}

static void
quote_values(const lem_quote *quote, Datum *values)
{
	values[0] = CStringGetTextDatum(quote->ask ? "ask" : "bid");
	values[1] = Int32GetDatum(quote->level + 1);
	values[2] = Float8GetDatum(quote->price);
	values[3] = Float8GetDatum(quote->quantity);
}

static double
check_position(double position)
{
	if (!isfinite(position))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid position %s", lem_number_text(position)),
				 errdetail("A position must be finite.")));
	return position;
}

/*
 * lem_quote(model, quoting, book, position, options) returns setof (side, level, price, quantity):
 * the quotes for the bar after the book's last one.  Baselines learn from the whole book.  Errors:
 * 22004, 22023, LM003, LM004, LM010, LM014, 42501.
 */
Datum
pg_lem_quote(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext old;
	lem_maker_setup *setup;
	lem_quote	quotes[2 * LEM_MAX_LEVELS];
	double		position;
	int			n;

	check_argument(fcinfo, 0, "model");
	check_argument(fcinfo, 1, "quoting");
	check_argument(fcinfo, 3, "position");
	position = check_position(PG_GETARG_FLOAT8(3));
	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == QUOTE_COLUMNS);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem quote", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	setup = palloc0(sizeof(lem_maker_setup));
	setup->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_quoting_read(PG_GETARG_HEAPTUPLEHEADER(1), &setup->quoting, &setup->given);
	if (!PG_ARGISNULL(2))
		lem_book_view(PG_GETARG_LEM_BOOK_P(2), &setup->book);
	lem_maker_options_read(PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4), &setup->options);
	n = quotes_now(lem_schema(fcinfo), setup, position, quotes);
	for (int i = 0; i < n; i++)
	{
		Datum		values[QUOTE_COLUMNS];
		bool		nulls[QUOTE_COLUMNS] = {false};

		quote_values(&quotes[i], values);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* What lem_quote(model, quoting, position, bars) has seen. */
typedef struct quote_state
{
	const char *model;
	HeapTupleHeader tuple;		/* the quoting as it came first; NULL: it came from another process */
	lem_quoting quoting;
	lem_quoting_given given;
	double		position;
	lem_book_builder *book;
} quote_state;

static void different_argument(const char *what) pg_attribute_noreturn();

static void
different_argument(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the %s differs between rows", what),
			 errhint("Group the rows by it.")));
}

static bool
same_quoting(const quote_state *a, const quote_state *b)
{
	const lem_quoting *p = &a->quoting;
	const lem_quoting *q = &b->quoting;

	return p->levels == q->levels && p->tick == q->tick && p->lot == q->lot &&
		p->max_position == q->max_position && p->participation == q->participation &&
		p->theta == q->theta && p->eta == q->eta && p->kappa == q->kappa &&
		p->size_step == q->size_step && p->maker_fee == q->maker_fee &&
		p->taker_fee == q->taker_fee && memcmp(&a->given, &b->given, sizeof(a->given)) == 0;
}

static void
check_same(const quote_state *a, const quote_state *b)
{
	if (strcmp(a->model, b->model) != 0)
		different_argument("model");
	if (!same_quoting(a, b))
		different_argument("quoting");
	if (a->position != b->position)
		different_argument("position");
}

/* Do a row's model, quoting and position come in the bytes in which they came first? */
static bool
came_before(const quote_state *state, const text *model, const quote_state *row)
{
	const Size	length = VARSIZE_ANY_EXHDR(model);
	const Size	size = HeapTupleHeaderGetDatumLength(row->tuple);

	return state->position == row->position && state->tuple &&
		strlen(state->model) == length && memcmp(state->model, VARDATA_ANY(model), length) == 0 &&
		HeapTupleHeaderGetDatumLength(state->tuple) == size &&
		memcmp(state->tuple, row->tuple, size) == 0;
}

/*
 * _lem_quote_accum(internal, model, quoting, position, ts, ..) returns internal: bars as of lem_book.
 * Errors: 22004, 22023 (model, quoting or position differ between rows), those of lem_book.
 */
Datum
pg_lem_quote_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	quote_state *state = PG_ARGISNULL(0) ? NULL : (quote_state *) PG_GETARG_POINTER(0);
	quote_state row;

	check_argument(fcinfo, 1, "model");
	check_argument(fcinfo, 2, "quoting");
	check_argument(fcinfo, 3, "position");
	row.tuple = PG_GETARG_HEAPTUPLEHEADER(2);
	row.position = PG_GETARG_FLOAT8(3);
	if (state == NULL || !came_before(state, PG_GETARG_TEXT_PP(1), &row))
	{
		row.model = text_to_cstring(PG_GETARG_TEXT_PP(1));
		lem_quoting_read(row.tuple, &row.quoting, &row.given);
		(void) check_position(row.position);
		if (state)
			check_same(state, &row);
	}
	if (state == NULL)
	{
		const Size	size = HeapTupleHeaderGetDatumLength(row.tuple);

		state = MemoryContextAlloc(context, sizeof(quote_state));
		*state = row;
		state->model = MemoryContextStrdup(context, row.model);
		state->tuple = MemoryContextAlloc(context, size);
		memcpy(state->tuple, row.tuple, size);
		state->book = lem_book_builder_create(context);
	}
	lem_book_accum_args(fcinfo, 4, state->book);
	PG_RETURN_POINTER(state);
}

/* _lem_quote_combine(internal, internal) returns internal: the first gets the second's bars. */
Datum
pg_lem_quote_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	quote_state *to = PG_ARGISNULL(0) ? NULL : (quote_state *) PG_GETARG_POINTER(0);
	const quote_state *from = PG_ARGISNULL(1) ? NULL : (quote_state *) PG_GETARG_POINTER(1);

	if (from == NULL)
	{
		if (to == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(to);
	}
	if (to == NULL)
	{
		to = MemoryContextAlloc(context, sizeof(quote_state));
		*to = *from;
		to->tuple = NULL;
		to->model = MemoryContextStrdup(context, from->model);
		to->book = lem_book_builder_create(context);
	}
	else
		check_same(to, from);
	lem_book_builder_merge(to->book, from->book);
	PG_RETURN_POINTER(to);
}

/* The numbers of a state, in the order in which they travel. */
static void
state_numbers(quote_state *state, double **numbers)
{
	lem_quoting *q = &state->quoting;
	double	   *all[QUOTE_NUMBERS] = {
		&q->tick, &q->lot, &q->max_position, &q->participation, &q->theta, &q->eta, &q->kappa,
		&q->size_step, &q->maker_fee, &q->taker_fee, &state->position
	};

	memcpy(numbers, all, sizeof(all));
}

/* _lem_quote_serialize(internal) returns bytea. */
Datum
pg_lem_quote_serialize(PG_FUNCTION_ARGS)
{
	quote_state *state = (quote_state *) PG_GETARG_POINTER(0);
	double	   *numbers[QUOTE_NUMBERS];
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	state_numbers(state, numbers);
	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, (uint32) strlen(state->model));
	pq_sendbytes(&buffer, state->model, (int) strlen(state->model));
	pq_sendint32(&buffer, (uint32) state->quoting.levels);
	for (int i = 0; i < QUOTE_NUMBERS; i++)
		pq_sendfloat8(&buffer, *numbers[i]);
	pq_sendbyte(&buffer, state->given.theta | state->given.eta << 1 | state->given.kappa << 2 |
				state->given.size_step << 3 | state->given.participation << 4);
	lem_book_builder_send(state->book, &buffer);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_quote_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_quote_deserialize(PG_FUNCTION_ARGS)
{
	quote_state *state = palloc0(sizeof(quote_state));
	double	   *numbers[QUOTE_NUMBERS];
	StringInfoData buffer;
	int			length;
	int			given;

	(void) lem_aggregate_context(fcinfo);
	state_numbers(state, numbers);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	length = (int) pq_getmsgint(&buffer, 4);
	state->model = pnstrdup(pq_getmsgbytes(&buffer, length), length);
	state->quoting.levels = (int) pq_getmsgint(&buffer, 4);
	for (int i = 0; i < QUOTE_NUMBERS; i++)
		*numbers[i] = pq_getmsgfloat8(&buffer);
	given = pq_getmsgbyte(&buffer);
	state->given = (lem_quoting_given) {given & 1, given & 2, given & 4, given & 8, given & 16};
	state->book = lem_book_builder_receive(&buffer);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(state);
}

/*
 * _lem_quote_final(internal) returns lem_quote[]: NULL without rows.  Errors: those of lem_quote, and
 * LM002.
 */
Datum
pg_lem_quote_final(PG_FUNCTION_ARGS)
{
	const Oid	type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	const quote_state *state;
	MemoryContext context;
	MemoryContext old;
	lem_maker_setup *setup;
	lem_series	series;
	lem_quote	quotes[2 * LEM_MAX_LEVELS];
	Datum		elements[2 * LEM_MAX_LEVELS];
	TupleDesc	desc;
	int			n;

	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (quote_state *) PG_GETARG_POINTER(0);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem quote", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	setup = palloc0(sizeof(lem_maker_setup));
	setup->name = state->model;
	setup->quoting = state->quoting;
	setup->given = state->given;
	lem_builder_series(state->book->bars, &series);
	if (series.n > 0)
		LEM_ENSURE(lem_book_view_of(&series, state->book->layout, &setup->book));
	lem_maker_options_read(NULL, &setup->options);
	n = quotes_now(lem_schema(fcinfo), setup, state->position, quotes);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	desc = lookup_rowtype_tupdesc(type, -1);
	LEM_ENSURE(desc->natts == QUOTE_COLUMNS);
	for (int i = 0; i < n; i++)
	{
		Datum		values[QUOTE_COLUMNS];
		bool		nulls[QUOTE_COLUMNS] = {false};

		quote_values(&quotes[i], values);
		elements[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	ReleaseTupleDesc(desc);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, n, type, -1, false, TYPALIGN_DOUBLE));
}

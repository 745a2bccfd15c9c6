/* quote.c: lem_quote, the quotes at the end of a book. */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/making/maker_open.h"

LEM_FUNCTION(pg_lem_quote);

#define QUOTE_COLUMNS 4

static void
check_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the %s is NULL", what)));
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
	lem_quote_plan plan;
	lem_quote	quotes[2 * LEM_MAX_LEVELS];
	double		position;
	int			n = 0;

	check_argument(fcinfo, 0, "model");
	check_argument(fcinfo, 1, "quoting");
	check_argument(fcinfo, 3, "position");
	position = PG_GETARG_FLOAT8(3);
	if (!isfinite(position))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid position %s", lem_number_text(position)),
				 errdetail("A position must be finite.")));
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
	setup->quoting_now = true;
	lem_maker_setup_open(lem_schema(fcinfo), setup);
	if (lem_maker_plan(&setup->strategy, &setup->quoting, setup->bars,
					   setup->book.series.n - 1 - setup->base, position, 0, &plan))
		n = lem_quote_make(&setup->quoting, &plan, quotes);
	for (int i = 0; i < n; i++)
	{
		Datum		values[QUOTE_COLUMNS];
		bool		nulls[QUOTE_COLUMNS] = {false};

		values[0] = CStringGetTextDatum(quotes[i].ask ? "ask" : "bid");
		values[1] = Int32GetDatum(quotes[i].level + 1);
		values[2] = Float8GetDatum(quotes[i].price);
		values[3] = Float8GetDatum(quotes[i].quantity);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

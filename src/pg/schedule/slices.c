/* slices.c: slices of a schedule as SQL sees them. */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "pg/base/errors.h"
#include "pg/schedule/slices.h"

static const char *
state_word(lem_slice_state state)
{
	switch (state)
	{
		case LEM_SLICE_DONE:
			return "done";
		case LEM_SLICE_NEXT:
			return "next";
		case LEM_SLICE_PROJECTED:
			return "projected";
	}
	elog(ERROR, "lem: internal error: slice state %d", (int) state);
	pg_unreachable();
}

const char *
lem_bound_word(lem_bound by)
{
	switch (by)
	{
		case LEM_BOUND_NONE:
			return NULL;
		case LEM_BOUND_MIN_RATE:
			return "min_rate";
		case LEM_BOUND_MAX_RATE:
			return "max_rate";
		case LEM_BOUND_PARTICIPATION:
			return "max_participation";
		case LEM_BOUND_LIMIT_PRICE:
			return "limit_price";
		case LEM_BOUND_MIN_QUANTITY:
			return "min_quantity";
		case LEM_BOUND_END:
			return "end_ts";
		case LEM_BOUND_COMPLETION:
			return "completion";
		case LEM_BOUND_MISSED:
			return "missed";
	}
	elog(ERROR, "lem: internal error: bound %d", (int) by);
	pg_unreachable();
}

void
lem_slice_values(const lem_slice *slice, Datum *values, bool *nulls)
{
	const char *reason = lem_bound_word(slice->by);

	memset(nulls, false, LEM_SLICE_COLUMNS * sizeof(bool));
	values[0] = Int32GetDatum(slice->step);
	values[1] = TimestampTzGetDatum(slice->ts);
	values[2] = Float8GetDatum(slice->allocation);
	values[3] = Float8GetDatum(slice->cumulative);
	values[4] = Float8GetDatum(slice->quantity);
	values[5] = CStringGetTextDatum(state_word(slice->state));
	values[6] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	nulls[6] = reason == NULL;
}

static Datum
form_slice(TupleDesc desc, const lem_slice *slice)
{
	Datum		values[LEM_SLICE_COLUMNS];
	bool		nulls[LEM_SLICE_COLUMNS];

	LEM_ENSURE(desc->natts >= LEM_SLICE_COLUMNS_1_0 && desc->natts <= LEM_SLICE_COLUMNS);
	lem_slice_values(slice, values, nulls);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
lem_slice_datum(Oid type, const lem_slice *slice)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum		datum;

	datum = form_slice(desc, slice);
	ReleaseTupleDesc(desc);
	return datum;
}

Datum
lem_slices_datum(Oid type, const lem_slice *slices, int n)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum	   *elements = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		elements[i] = form_slice(desc, &slices[i]);
	ReleaseTupleDesc(desc);
	return PointerGetDatum(construct_array(elements, n, type, -1, false, TYPALIGN_DOUBLE));
}

Oid
lem_slice_type(FunctionCallInfo fcinfo)
{
	Oid			type = get_func_rettype(fcinfo->flinfo->fn_oid);
	Oid			element = get_element_type(type);

	return OidIsValid(element) ? element : type;
}

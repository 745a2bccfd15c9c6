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

void
lem_slice_values(const lem_slice *slice, Datum *values)
{
	values[0] = Int32GetDatum(slice->step);
	values[1] = TimestampTzGetDatum(slice->ts);
	values[2] = Float8GetDatum(slice->allocation);
	values[3] = Float8GetDatum(slice->cumulative);
	values[4] = Float8GetDatum(slice->quantity);
	values[5] = CStringGetTextDatum(state_word(slice->state));
}

static Datum
form_slice(TupleDesc desc, const lem_slice *slice)
{
	Datum		values[LEM_SLICE_COLUMNS];
	bool		nulls[LEM_SLICE_COLUMNS] = {false};

	lem_slice_values(slice, values);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
lem_slice_datum(Oid type, const lem_slice *slice)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum		datum;

	LEM_ENSURE(desc->natts == LEM_SLICE_COLUMNS);
	datum = form_slice(desc, slice);
	ReleaseTupleDesc(desc);
	return datum;
}

Datum
lem_slices_datum(Oid type, const lem_slice *slices, int n)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum	   *elements = palloc(Max(n, 1) * sizeof(Datum));

	LEM_ENSURE(desc->natts == LEM_SLICE_COLUMNS);
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

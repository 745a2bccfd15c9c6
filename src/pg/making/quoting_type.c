/* quoting_type.c: making and reading values of the composite type lem_quoting. */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/typcache.h"

#include "pg/base/errors.h"
#include "pg/making/quoting_type.h"

LEM_FUNCTION(pg_lem_quoting);

static void
take_number(const Datum *values, const bool *nulls, int field, double unit, double *number)
{
	if (!nulls[field])
		*number = DatumGetFloat8(values[field]) * unit;
}

/* A quoting out of its fields. */
static void
quoting_from_fields(const Datum *values, const bool *nulls, lem_quoting *quoting,
					lem_quoting_given *given)
{
	lem_fault	fault;

	if (nulls[LEM_QUOTING_TICK] || nulls[LEM_QUOTING_MAX_POSITION])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the %s of a quoting is NULL",
						nulls[LEM_QUOTING_TICK] ? "tick" : "max_position")));
	lem_quoting_default(quoting);
	if (!nulls[LEM_QUOTING_LEVELS])
		quoting->levels = DatumGetInt32(values[LEM_QUOTING_LEVELS]);
	take_number(values, nulls, LEM_QUOTING_TICK, 1, &quoting->tick);
	take_number(values, nulls, LEM_QUOTING_LOT, 1, &quoting->lot);
	take_number(values, nulls, LEM_QUOTING_PARTICIPATION, 1, &quoting->participation);
	take_number(values, nulls, LEM_QUOTING_MAX_POSITION, 1, &quoting->max_position);
	take_number(values, nulls, LEM_QUOTING_THETA, 1, &quoting->theta);
	take_number(values, nulls, LEM_QUOTING_ETA, 1, &quoting->eta);
	take_number(values, nulls, LEM_QUOTING_KAPPA, 1, &quoting->kappa);
	take_number(values, nulls, LEM_QUOTING_SIZE_STEP, 1, &quoting->size_step);
	take_number(values, nulls, LEM_QUOTING_MAKER_FEE, 1e-4, &quoting->maker_fee);
	take_number(values, nulls, LEM_QUOTING_TAKER_FEE, 1e-4, &quoting->taker_fee);
	*given = (lem_quoting_given) {
		.theta = !nulls[LEM_QUOTING_THETA],
		.eta = !nulls[LEM_QUOTING_ETA],
		.kappa = !nulls[LEM_QUOTING_KAPPA],
		.size_step = !nulls[LEM_QUOTING_SIZE_STEP],
		.participation = !nulls[LEM_QUOTING_PARTICIPATION]
	};
	if (lem_quoting_check(quoting, &fault) != LEM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("field \"%s\" of a quoting is out of range: %s", fault.name,
						lem_number_text(fault.have)),
				 errhint("The nearest value that is allowed is %s.",
						 lem_number_text(fault.want))));
}

void
lem_quoting_read(HeapTupleHeader tuple, lem_quoting *quoting, lem_quoting_given *given)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(tuple),
											  HeapTupleHeaderGetTypMod(tuple));
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	HeapTupleData data;

	LEM_ENSURE(desc->natts >= LEM_QUOTING_FIELDS);
	data.t_len = HeapTupleHeaderGetDatumLength(tuple);
	ItemPointerSetInvalid(&data.t_self);
	data.t_tableOid = InvalidOid;
	data.t_data = tuple;
	heap_deform_tuple(&data, desc, values, nulls);
	ReleaseTupleDesc(desc);
	quoting_from_fields(values, nulls, quoting, given);
	pfree(values);
	pfree(nulls);
}

/*
 * lem_quoting(levels, tick, lot, participation, max_position, theta, eta, kappa, size_step,
 * maker_fee_bps, taker_fee_bps) returns lem_quoting.  NULL for theta, eta, kappa, size_step and
 * participation: what the model has.  Errors: 22004 (tick or max_position), LM014 (out of range).
 */
Datum
pg_lem_quoting(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[LEM_QUOTING_FIELDS];
	bool		nulls[LEM_QUOTING_FIELDS];
	lem_quoting quoting;
	lem_quoting_given given;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LEM_ENSURE(desc->natts == LEM_QUOTING_FIELDS && PG_NARGS() == LEM_QUOTING_FIELDS);
	for (int i = 0; i < LEM_QUOTING_FIELDS; i++)
	{
		nulls[i] = PG_ARGISNULL(i);
		values[i] = nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	quoting_from_fields(values, nulls, &quoting, &given);
	values[LEM_QUOTING_LEVELS] = Int32GetDatum(quoting.levels);
	values[LEM_QUOTING_LOT] = Float8GetDatum(quoting.lot);
	if (nulls[LEM_QUOTING_MAKER_FEE])
		values[LEM_QUOTING_MAKER_FEE] = Float8GetDatum(0);
	if (nulls[LEM_QUOTING_TAKER_FEE])
		values[LEM_QUOTING_TAKER_FEE] = Float8GetDatum(0);
	nulls[LEM_QUOTING_LEVELS] = nulls[LEM_QUOTING_LOT] = false;
	nulls[LEM_QUOTING_MAKER_FEE] = nulls[LEM_QUOTING_TAKER_FEE] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* quoting_type.c: making and reading values of the composite type lem_quoting. */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/typcache.h"

#include "pg/base/errors.h"
#include "pg/making/quoting_type.h"

LEM_FUNCTION(pg_lem_quoting);

/* Fields of the type, which are the constructor's arguments too. */
enum
{
	QUOTING_LEVELS,
	QUOTING_TICK,
	QUOTING_LOT,
	QUOTING_PARTICIPATION,
	QUOTING_MAX_POSITION,
	QUOTING_THETA,
	QUOTING_ETA,
	QUOTING_KAPPA,
	QUOTING_SIZE_STEP,
	QUOTING_MAKER_FEE,
	QUOTING_TAKER_FEE
};

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

	if (nulls[QUOTING_TICK] || nulls[QUOTING_MAX_POSITION])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the %s of a quoting is NULL",
						nulls[QUOTING_TICK] ? "tick" : "max_position")));
	lem_quoting_default(quoting);
	if (!nulls[QUOTING_LEVELS])
		quoting->levels = DatumGetInt32(values[QUOTING_LEVELS]);
	take_number(values, nulls, QUOTING_TICK, 1, &quoting->tick);
	take_number(values, nulls, QUOTING_LOT, 1, &quoting->lot);
	take_number(values, nulls, QUOTING_PARTICIPATION, 1, &quoting->participation);
	take_number(values, nulls, QUOTING_MAX_POSITION, 1, &quoting->max_position);
	take_number(values, nulls, QUOTING_THETA, 1, &quoting->theta);
	take_number(values, nulls, QUOTING_ETA, 1, &quoting->eta);
	take_number(values, nulls, QUOTING_KAPPA, 1, &quoting->kappa);
	take_number(values, nulls, QUOTING_SIZE_STEP, 1, &quoting->size_step);
	take_number(values, nulls, QUOTING_MAKER_FEE, 1e-4, &quoting->maker_fee);
	take_number(values, nulls, QUOTING_TAKER_FEE, 1e-4, &quoting->taker_fee);
	*given = (lem_quoting_given) {
		.theta = !nulls[QUOTING_THETA],
		.eta = !nulls[QUOTING_ETA],
		.kappa = !nulls[QUOTING_KAPPA],
		.size_step = !nulls[QUOTING_SIZE_STEP],
		.participation = !nulls[QUOTING_PARTICIPATION]
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
	values[QUOTING_LEVELS] = Int32GetDatum(quoting.levels);
	values[QUOTING_LOT] = Float8GetDatum(quoting.lot);
	if (nulls[QUOTING_MAKER_FEE])
		values[QUOTING_MAKER_FEE] = Float8GetDatum(0);
	if (nulls[QUOTING_TAKER_FEE])
		values[QUOTING_TAKER_FEE] = Float8GetDatum(0);
	nulls[QUOTING_LEVELS] = nulls[QUOTING_LOT] = false;
	nulls[QUOTING_MAKER_FEE] = nulls[QUOTING_TAKER_FEE] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

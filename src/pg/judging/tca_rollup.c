/* tca_rollup.c: lem_tca_rollup, the costs of many orders, merged. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "pg/base/errors.h"
#include "pg/base/aggregate.h"
#include "pg/judging/tca_fields.h"

LEM_FUNCTION(pg_lem_tca_rollup_accum);
LEM_FUNCTION(pg_lem_tca_rollup_combine);
LEM_FUNCTION(pg_lem_tca_rollup_serialize);
LEM_FUNCTION(pg_lem_tca_rollup_deserialize);
LEM_FUNCTION(pg_lem_tca_rollup_final);

/* State of lem_tca_rollup. */
typedef struct rollup_state
{
	lem_weighting weighting;
	lem_rollup	rollup;
} rollup_state;

static const char *const weight_names[] = {"quantity", "notional", "equal"};

/* The weighting that a text names.  Raises 22023. */
static lem_weighting
read_weighting(const text *name)
{
	char	   *word = text_to_cstring(name);

	for (int i = 0; i < (int) lengthof(weight_names); i++)
	{
		if (pg_strcasecmp(word, weight_names[i]) == 0)
		{
			pfree(word);
			return (lem_weighting) i;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid weight of a rollup: \"%s\"", lem_clip_text(word)),
			 errhint("It is \"quantity\", \"notional\" or \"equal\".")));
	return LEM_WEIGHT_EQUAL;
}

/* The weighting must be one for a group, as must the number of markouts. */
static void
check_same(bool same, const char *what)
{
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lem_tca_rollup was called with different %s in one group", what)));
}

static double
take_number(const lem_row *row, int field)
{
	return row->nulls[field] ? NAN : DatumGetFloat8(row->values[field]);
}

static void
take_numbers(const lem_row *row, int field, double *x, int n)
{
	for (int i = 0; i < n; i++)
		x[i] = take_number(row, field + i);
}

/* The markouts of a report; returns how many. */
static int
take_markouts(const lem_row *row, double *x)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (row->nulls[REPORT_MARKOUTS])
		return 0;
	deconstruct_array(DatumGetArrayTypeP(row->values[REPORT_MARKOUTS]), FLOAT8OID, sizeof(float8),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, &n);
	check_same(n <= LEM_MAX_MARKOUTS, "numbers of markouts");
	for (int i = 0; i < n; i++)
		x[i] = nulls[i] ? NAN : DatumGetFloat8(values[i]);
	return n;
}

/* A count out of a report, or 0. */
static int64
take_count(const lem_row *row, int field)
{
	return row->nulls[field] ? 0 : DatumGetInt64(row->values[field]);
}

/* What a rollup takes from a row of lem_tca_report. */
static void
take_report(const lem_row *row, lem_tca *report, double *duration, int *n_markouts)
{
	memset(report, 0, sizeof(*report));
	report->executions = take_count(row, REPORT_FILLS);
	report->quantity = take_number(row, REPORT_QUANTITY);
	report->notional = take_number(row, REPORT_NOTIONAL);
	report->unfilled = take_number(row, REPORT_UNFILLED);
	report->fill_rate = take_number(row, REPORT_FILL_RATE);
	report->market_volume = take_number(row, REPORT_MARKET_VOLUME);
	report->participation = take_number(row, REPORT_PARTICIPATION);
	take_numbers(row, REPORT_PRICE, report->price, LEM_REFERENCES);
	take_numbers(row, REPORT_BPS, report->bps, LEM_REFERENCES);
	take_numbers(row, REPORT_COST, report->cost, LEM_REFERENCES);
	take_numbers(row, REPORT_PART_COST, report->part_cost, LEM_SHORTFALL_PARTS);
	take_numbers(row, REPORT_PART_BPS, report->part_bps, LEM_SHORTFALL_PARTS);
	report->advantage = take_number(row, REPORT_ADVANTAGE);
	report->fees = take_number(row, REPORT_FEES);
	report->fees_bps = take_number(row, REPORT_FEES_BPS);
	report->total = take_number(row, REPORT_TOTAL_COST);
	report->total_bps = take_number(row, REPORT_TOTAL_BPS);
	*n_markouts = take_markouts(row, report->markouts);
	*duration = NAN;
	if (!row->nulls[REPORT_DURATION])
	{
		const Interval *interval = DatumGetIntervalP(row->values[REPORT_DURATION]);

		*duration = (double) interval->time +
			(double) USECS_PER_DAY * (interval->day + (double) DAYS_PER_MONTH * interval->month);
	}
}

/*
 * _lem_tca_rollup_accum(internal, report [, weight]) returns internal.  A NULL report is left out;
 * without a weight, or with NULL, orders count by notional.  Errors: 22023, LM001, 22003.
 */
Datum
pg_lem_tca_rollup_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	rollup_state *state = PG_ARGISNULL(0) ? NULL : (rollup_state *) PG_GETARG_POINTER(0);
	lem_weighting weighting = LEM_WEIGHT_NOTIONAL;
	HeapTupleHeader tuple;
	HeapTupleData data;
	TupleDesc	desc;
	Datum		values[REPORT_FIELDS];
	bool		nulls[REPORT_FIELDS];
	lem_row		row = {values, nulls};
	lem_tca		report;
	double		duration;
	int			n_markouts;
	lem_status	status;
	lem_fault	fault;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (PG_NARGS() > 2 && !PG_ARGISNULL(2))
		weighting = read_weighting(PG_GETARG_TEXT_PP(2));
	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(rollup_state));
		state->weighting = weighting;
	}
	check_same(weighting == state->weighting, "weights");

	tuple = PG_GETARG_HEAPTUPLEHEADER(1);
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(tuple),
								  HeapTupleHeaderGetTypMod(tuple));
	LEM_ENSURE(desc->natts == REPORT_FIELDS || desc->natts == REPORT_FIELDS_1_0);
	memset(nulls, true, sizeof(nulls));
	data.t_len = HeapTupleHeaderGetDatumLength(tuple);
	ItemPointerSetInvalid(&data.t_self);
	data.t_tableOid = InvalidOid;
	data.t_data = tuple;
	heap_deform_tuple(&data, desc, values, nulls);
	ReleaseTupleDesc(desc);
	take_report(&row, &report, &duration, &n_markouts);
	check_same(state->rollup.orders == 0 || n_markouts == state->rollup.n_markouts,
			   "numbers of markouts");
	status = lem_rollup_add(&state->rollup, &report, duration, n_markouts, weighting, &fault);
	if (status == LEM_BAD_VOLUME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the weight of a report is negative: %s", lem_number_text(fault.have))));
	lem_pg_check(status, &fault);
	PG_RETURN_POINTER(state);
}

/* _lem_tca_rollup_combine(internal, internal) returns internal.  Errors: 22023, 22003. */
Datum
pg_lem_tca_rollup_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = lem_aggregate_context(fcinfo);
	rollup_state *to = PG_ARGISNULL(0) ? NULL : (rollup_state *) PG_GETARG_POINTER(0);
	const rollup_state *from;
	lem_fault	fault;

	if (PG_ARGISNULL(1))
	{
		if (to == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(to);
	}
	from = (rollup_state *) PG_GETARG_POINTER(1);
	if (to == NULL)
	{
		to = MemoryContextAlloc(context, sizeof(rollup_state));
		*to = *from;
		PG_RETURN_POINTER(to);
	}
	check_same(to->weighting == from->weighting, "weights");
	check_same(to->rollup.n_markouts == from->rollup.n_markouts, "numbers of markouts");
	lem_pg_check(lem_rollup_merge(&to->rollup, &from->rollup, &fault), &fault);
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

static void
write_mean(StringInfo buffer, const lem_average *mean)
{
	pq_sendint64(buffer, mean->n);
	write_sum(buffer, &mean->weight);
	write_sum(buffer, &mean->product);
	pq_sendint64(buffer, mean->nan);
	pq_sendint64(buffer, mean->above);
	pq_sendint64(buffer, mean->below);
}

static void
read_mean(StringInfo buffer, lem_average *mean)
{
	mean->n = pq_getmsgint64(buffer);
	read_sum(buffer, &mean->weight);
	read_sum(buffer, &mean->product);
	mean->nan = pq_getmsgint64(buffer);
	mean->above = pq_getmsgint64(buffer);
	mean->below = pq_getmsgint64(buffer);
}

/* _lem_tca_rollup_serialize(internal) returns bytea. */
Datum
pg_lem_tca_rollup_serialize(PG_FUNCTION_ARGS)
{
	const rollup_state *state = (rollup_state *) PG_GETARG_POINTER(0);
	const lem_rollup *rollup = &state->rollup;
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, state->weighting);
	pq_sendint64(&buffer, rollup->orders);
	pq_sendint64(&buffer, rollup->executed);
	pq_sendint64(&buffer, rollup->executions);
	for (int i = 0; i < LEM_SUMS; i++)
		write_sum(&buffer, &rollup->sums[i]);
	for (int i = 0; i < LEM_MEANS; i++)
		write_mean(&buffer, &rollup->means[i]);
	pq_sendint32(&buffer, rollup->n_markouts);
	for (int i = 0; i < rollup->n_markouts; i++)
		write_mean(&buffer, &rollup->markouts[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* _lem_tca_rollup_deserialize(bytea, internal) returns internal. */
Datum
pg_lem_tca_rollup_deserialize(PG_FUNCTION_ARGS)
{
	rollup_state *state = palloc0(sizeof(rollup_state));
	lem_rollup *rollup = &state->rollup;
	StringInfoData buffer;

	(void) lem_aggregate_context(fcinfo);
	lem_read_state(PG_GETARG_BYTEA_PP(0), &buffer);
	state->weighting = (lem_weighting) pq_getmsgint(&buffer, sizeof(int32));
	rollup->orders = pq_getmsgint64(&buffer);
	rollup->executed = pq_getmsgint64(&buffer);
	rollup->executions = pq_getmsgint64(&buffer);
	for (int i = 0; i < LEM_SUMS; i++)
		read_sum(&buffer, &rollup->sums[i]);
	for (int i = 0; i < LEM_MEANS; i++)
		read_mean(&buffer, &rollup->means[i]);
	rollup->n_markouts = (int) pq_getmsgint(&buffer, sizeof(int32));
	LEM_ENSURE(rollup->n_markouts >= 0 && rollup->n_markouts <= LEM_MAX_MARKOUTS);
	for (int i = 0; i < rollup->n_markouts; i++)
		read_mean(&buffer, &rollup->markouts[i]);
	pq_getmsgend(&buffer);
	PG_RETURN_POINTER(state);
}

/* A mean, or NaN where no report had the figure. */
static double
mean_of(const lem_average *mean)
{
	double		value;

	return lem_average_value(mean, &value) ? value : NAN;
}

/* _lem_tca_rollup_final(internal) returns lem_tca_summary: NULL without reports. */
Datum
pg_lem_tca_rollup_final(PG_FUNCTION_ARGS)
{
	const rollup_state *state;
	const lem_rollup *rollup;
	TupleDesc	desc;
	Datum		values[SUMMARY_FIELDS] = {0};
	bool		nulls[SUMMARY_FIELDS];
	lem_row		row = {values, nulls};
	double		sums[LEM_SUMS];
	double		means[LEM_MEANS];
	double		markouts[LEM_MAX_MARKOUTS];

	(void) lem_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (rollup_state *) PG_GETARG_POINTER(0);
	rollup = &state->rollup;
	for (int i = 0; i < LEM_SUMS; i++)
		sums[i] = lem_wide_value(&rollup->sums[i]);
	for (int i = 0; i < LEM_MEANS; i++)
		means[i] = mean_of(&rollup->means[i]);
	for (int i = 0; i < rollup->n_markouts; i++)
		markouts[i] = mean_of(&rollup->markouts[i]);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LEM_ENSURE(desc->natts == SUMMARY_FIELDS || desc->natts == SUMMARY_FIELDS_1_0);
	memset(nulls, true, sizeof(nulls));
	lem_row_put(&row, SUMMARY_WEIGHT, CStringGetTextDatum(weight_names[state->weighting]));
	lem_row_put(&row, SUMMARY_ORDERS, Int64GetDatum(rollup->orders));
	lem_row_put(&row, SUMMARY_FILLED_ORDERS, Int64GetDatum(rollup->executed));
	lem_row_put(&row, SUMMARY_FILLS, Int64GetDatum(rollup->executions));
	lem_row_number(&row, SUMMARY_QUANTITY, sums[LEM_SUM_QUANTITY]);
	lem_row_number(&row, SUMMARY_NOTIONAL, sums[LEM_SUM_NOTIONAL]);
	lem_row_number(&row, SUMMARY_UNFILLED, sums[LEM_SUM_UNFILLED]);
	lem_row_number(&row, SUMMARY_FILL_RATE, means[LEM_MEAN_FILL_RATE]);
	lem_row_number(&row, SUMMARY_MARKET_VOLUME, sums[LEM_SUM_MARKET_VOLUME]);
	lem_row_number(&row, SUMMARY_PARTICIPATION, means[LEM_MEAN_PARTICIPATION]);
	if (fabs(means[LEM_MEAN_DURATION]) < (double) PG_INT64_MAX / 2)
	{
		Interval   *duration = palloc0(sizeof(Interval));

		duration->time = (int64) rint(means[LEM_MEAN_DURATION]);
		lem_row_put(&row, SUMMARY_DURATION,
					DirectFunctionCall1(interval_justify_hours, IntervalPGetDatum(duration)));
	}
	lem_row_numbers(&row, SUMMARY_BPS, means + LEM_MEAN_BPS, LEM_REFERENCES);
	lem_row_numbers(&row, SUMMARY_COST, sums + LEM_SUM_COST, LEM_REFERENCES);
	lem_row_numbers(&row, SUMMARY_PART_COST, sums + LEM_SUM_PART, LEM_SHORTFALL_PARTS);
	lem_row_numbers(&row, SUMMARY_PART_BPS, means + LEM_MEAN_PART, LEM_SHORTFALL_PARTS);
	lem_row_number(&row, SUMMARY_ADVANTAGE, means[LEM_MEAN_ADVANTAGE]);
	lem_row_number(&row, SUMMARY_WIN_RATE, means[LEM_MEAN_WINS]);
	lem_row_number(&row, SUMMARY_FEES, sums[LEM_SUM_FEES]);
	lem_row_number(&row, SUMMARY_FEES_BPS, means[LEM_MEAN_FEES]);
	lem_row_number(&row, SUMMARY_TOTAL_COST, sums[LEM_SUM_TOTAL]);
	lem_row_number(&row, SUMMARY_TOTAL_BPS, means[LEM_MEAN_TOTAL]);
	if (rollup->n_markouts > 0)
		lem_row_array(&row, SUMMARY_MARKOUTS, markouts, rollup->n_markouts);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

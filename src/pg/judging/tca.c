/* tca.c: lem_tca_report, what the executions of one order cost. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"
#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/calendars.h"
#include "pg/judging/fills_type.h"
#include "pg/judging/tca_fields.h"
#include "pg/schedule/network_arrays.h"

LEM_FUNCTION(pg_lem_tca_report);

void
lem_row_put(lem_row *row, int field, Datum value)
{
	row->values[field] = value;
	row->nulls[field] = false;
}

void
lem_row_number(lem_row *row, int field, double x)
{
	if (!isnan(x))
		lem_row_put(row, field, Float8GetDatum(x));
}

void
lem_row_numbers(lem_row *row, int field, const double *x, int n)
{
	for (int i = 0; i < n; i++)
		lem_row_number(row, field + i, x[i]);
}

void
lem_row_array(lem_row *row, int field, const double *x, int n)
{
	Datum		elements[LEM_MAX_MARKOUTS];
	bool		nulls[LEM_MAX_MARKOUTS];
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = isnan(x[i]);
		elements[i] = Float8GetDatum(x[i]);
	}
	lem_row_put(row, field, PointerGetDatum(construct_md_array(elements, nulls, 1, &n, &lower, FLOAT8OID,
													 sizeof(float8), FLOAT8PASSBYVAL,
													 TYPALIGN_DOUBLE)));
}

/* An interval in microseconds, at most a year to either side.  Raises 22023. */
static int64
interval_length(const Interval *interval, const char *what)
{
	int64		length;

	/* months have no length */
	if (interval->month != 0 ||
		pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &length) ||
		pg_add_s64_overflow(length, interval->time, &length) ||
		length > LEM_MAX_BAR_INTERVAL || length < -LEM_MAX_BAR_INTERVAL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s", what),
				 errdetail("It is an interval of at most 366 days, without months.")));
	return length;
}

/* The horizons of an interval[]; returns how many. */
static int
read_markouts(ArrayType *array, int64 *markouts)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("markouts have %d dimensions", ARR_NDIM(array)),
				 errhint("Pass a one-dimensional array.")));
	deconstruct_array(array, INTERVALOID, sizeof(Interval), false, TYPALIGN_DOUBLE, &values,
					  &nulls, &n);
	if (n > LEM_MAX_MARKOUTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%d markouts, the limit is %d", n, LEM_MAX_MARKOUTS)));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a markout is NULL")));
		markouts[i] = interval_length(DatumGetIntervalP(values[i]), "markout");
	}
	return n;
}

/* A clock in the time zone of that name. */
static lem_clock
read_zone(const text *name)
{
	char	   *zone = text_to_cstring(name);
	char	   *hint;
	pg_tz	   *tz = lem_zone_find(zone, &hint);

	if (tz == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", lem_clip_text(zone)),
				 hint ? errhint("%s", hint) : 0));
	return lem_zone_clock(tz);
}

/* A report as a row of lem_tca_report. */
static void
put_report(lem_row *row, const lem_order *order, const lem_tca *report, int n_markouts)
{
	lem_row_put(row, REPORT_SIDE, CStringGetTextDatum(order->sell ? "sell" : "buy"));
	lem_row_put(row, REPORT_UNIT, CStringGetTextDatum(order->notional ? "notional" : "quantity"));
	lem_row_put(row, REPORT_BENCHMARK, CStringGetTextDatum(order->twap ? "twap" : "vwap"));
	lem_row_number(row, REPORT_SIZE, order->size);
	lem_row_put(row, REPORT_START_TS, TimestampTzGetDatum(order->start_ts));
	if (report->executions > 0)
	{
		lem_row_put(row, REPORT_FIRST_FILL, TimestampTzGetDatum(report->first_ts));
		lem_row_put(row, REPORT_LAST_FILL, TimestampTzGetDatum(report->last_ts));
		/* all of time is longer than an interval can be */
		if ((uint64) report->last_ts - (uint64) order->start_ts <= PG_INT64_MAX)
			lem_row_put(row, REPORT_DURATION,
						DirectFunctionCall2(timestamp_mi, TimestampGetDatum(report->last_ts),
											TimestampGetDatum(order->start_ts)));
	}
	lem_row_put(row, REPORT_BARS, Int64GetDatum(report->bars));
	lem_row_put(row, REPORT_FILLS, Int64GetDatum(report->executions));
	lem_row_number(row, REPORT_QUANTITY, report->quantity);
	lem_row_number(row, REPORT_NOTIONAL, report->notional);
	lem_row_number(row, REPORT_UNFILLED, report->unfilled);
	lem_row_number(row, REPORT_FILL_RATE, report->fill_rate);
	lem_row_number(row, REPORT_MARKET_VOLUME, report->market_volume);
	lem_row_number(row, REPORT_PARTICIPATION, report->participation);
	lem_row_number(row, REPORT_ACHIEVED, report->achieved);
	lem_row_numbers(row, REPORT_PRICE, report->price, LEM_REFERENCES);
	lem_row_number(row, REPORT_BEGIN_PRICE, report->begin_price);
	lem_row_number(row, REPORT_END_PRICE, report->end_price);
	lem_row_numbers(row, REPORT_BPS, report->bps, LEM_REFERENCES);
	lem_row_numbers(row, REPORT_COST, report->cost, LEM_REFERENCES);
	lem_row_numbers(row, REPORT_PART_COST, report->part_cost, LEM_SHORTFALL_PARTS);
	lem_row_numbers(row, REPORT_PART_BPS, report->part_bps, LEM_SHORTFALL_PARTS);
	lem_row_number(row, REPORT_ADVANTAGE, report->advantage);
	lem_row_number(row, REPORT_FEES, report->fees);
	lem_row_number(row, REPORT_FEES_BPS, report->fees_bps);
	lem_row_number(row, REPORT_TOTAL_COST, report->total);
	lem_row_number(row, REPORT_TOTAL_BPS, report->total_bps);
	if (n_markouts > 0)
		lem_row_array(row, REPORT_MARKOUTS, report->markouts, n_markouts);
}

/*
 * lem_tca_report(fills, bars, markouts, until, time_zone, bar_interval, calendar, arrival_price) returns
 * lem_tca_report; in 1.0 the first six.  NULL fills give NULL; NULL bars are no bars; other arguments
 * that are NULL are left out.  Errors: 22004, 22023, 2202E, 42704, 54000, LM005, 22003.
 */
Datum
pg_lem_tca_report(PG_FUNCTION_ARGS)
{
	lem_order	order;
	lem_executions executions;
	lem_series	series = {0};
	lem_tca_options options = {0};
	int64		horizons[LEM_MAX_MARKOUTS];
	lem_tca		report;
	lem_fault	fault;
	lem_status	status;
	TupleDesc	desc;
	Datum		values[REPORT_FIELDS] = {0};
	bool		nulls[REPORT_FIELDS];
	lem_row		row = {values, nulls};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	lem_fills_view(PG_GETARG_LEM_FILLS_P(0), &order, &executions);
	if (!PG_ARGISNULL(1))
		lem_bars_view(PG_GETARG_LEM_BARS_P(1), &series);
	options.markouts = horizons;
	if (!PG_ARGISNULL(2))
		options.n_markouts = read_markouts(PG_GETARG_ARRAYTYPE_P(2), horizons);
	options.has_until = !PG_ARGISNULL(3);
	if (options.has_until)
		options.until = PG_GETARG_TIMESTAMPTZ(3);
	if (!PG_ARGISNULL(4))
		options.clock = read_zone(PG_GETARG_TEXT_PP(4));
	if (!PG_ARGISNULL(5))
	{
		options.interval = interval_length(PG_GETARG_INTERVAL_P(5), "bar_interval");
		if (options.interval <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bar_interval must be greater than zero")));
	}

	if (PG_NARGS() > 6 && !PG_ARGISNULL(6))
		options.clock.calendar = lem_calendar_find(lem_schema(fcinfo),
												   text_to_cstring(PG_GETARG_TEXT_PP(6)));
	options.has_arrival = PG_NARGS() > 7 && !PG_ARGISNULL(7);
	if (options.has_arrival)
		options.arrival_price = PG_GETARG_FLOAT8(7);
	if (!isfinite(options.arrival_price))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrival_price must be finite")));

	while ((status = lem_tca_report(&order, &executions, &series, &options, &lem_interrupt_stop,
									&report, &fault)) == LEM_STOPPED)
		CHECK_FOR_INTERRUPTS();
	if (status == LEM_NO_INTERVAL)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_MISSING_BARS),
				 errmsg("the interval between bars cannot be determined"),
				 errhint("Pass at least two bars, or the argument bar_interval.")));
	lem_pg_check(status, &fault);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LEM_ENSURE(desc->natts == REPORT_FIELDS || desc->natts == REPORT_FIELDS_1_0);
	memset(nulls, true, sizeof(nulls));
	put_report(&row, &order, &report, options.n_markouts);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* explain.c: lem_explain: what a model looked at for the next slice, as rows. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/execution/explain.h"
#include "core/execution/schedule.h"
#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/use.h"
#include "pg/schedule/order_type.h"
#include "pg/schedule/network_arrays.h"

LEM_FUNCTION(pg_lem_explain);

enum
{
	COLUMN_KIND,
	COLUMN_STEP,
	COLUMN_TS,
	COLUMN_INPUT,
	COLUMN_HEAD,
	COLUMN_VALUE,
	COLUMNS
};

/* Where the rows go. */
typedef struct row_sink
{
	ReturnSetInfo *rsinfo;
	MemoryContext row;			/* reset after each row */
} row_sink;

/* A row; input NULL and head 0: without. */
static void
put(const row_sink *sink, const char *kind, int step, int64 ts, const char *input, int head,
	double value)
{
	MemoryContext old = MemoryContextSwitchTo(sink->row);
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	values[COLUMN_KIND] = CStringGetTextDatum(kind);
	values[COLUMN_STEP] = Int32GetDatum(step);
	values[COLUMN_TS] = TimestampTzGetDatum(ts);
	values[COLUMN_INPUT] = input ? CStringGetTextDatum(input) : (Datum) 0;
	nulls[COLUMN_INPUT] = input == NULL;
	values[COLUMN_HEAD] = Int32GetDatum(head);
	nulls[COLUMN_HEAD] = head == 0;
	values[COLUMN_VALUE] = Float8GetDatum(value);
	tuplestore_putvalues(sink->rsinfo->setResult, sink->rsinfo->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->row);
}

/* The rows about the next slice. */
static void
put_next(const row_sink *sink, const lem_config *config, const lem_explanation *e)
{
	const int	inputs = lem_inputs(config);
	const int	step = e->next + 1;
	char		name[LEM_INPUT_NAME];

	for (int r = 0; e->variable && r < e->rows; r++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < inputs; i++)
		{
			lem_input_name(config, i, name);
			put(sink, "variable", step, e->row_ts[r], name, 0,
				e->variable[(size_t) r * inputs + i]);
		}
	}
	for (int head = 0; e->attention && head < config->num_heads; head++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int r = 0; r < e->rows; r++)
			put(sink, "attention", step, e->row_ts[r], NULL, head + 1,
				e->attention[head * e->head_stride + r]);
	}
	for (int i = 0; i < inputs; i++)
	{
		lem_column_name(config, i, name);
		put(sink, "change", step, e->slice_ts[e->next], name, 0,
			lem_units_share(e->changed[i] - e->units[e->next]));
	}
}

/* The rows about every slice. */
static void
put_slices(const row_sink *sink, const lem_explanation *e)
{
	for (int k = 0; e->curve && k < e->horizon; k++)
		put(sink, "curve", k + 1, e->slice_ts[k], NULL, 0, e->curve[k]);
	for (int k = 0; k < e->factors; k++)
		put(sink, "factor", k + 1, e->slice_ts[k], NULL, 0, e->factor[k]);
	for (int k = 0; e->finish && k < e->factors; k++)
		put(sink, "finish", k + 1, e->slice_ts[k], NULL, 0, e->finish[k]);
	for (int k = 0; k < e->horizon; k++)
		put(sink, "allocation", k + 1, e->slice_ts[k], NULL, 0, lem_units_share(e->units[k]));
}

/* The set of heads that an order needs. */
static void
needed_heads(void *arg, const lem_config *config, bool *need)
{
	int			branch;
	lem_fault	fault;

	lem_pg_check(lem_schedule_branch(config, arg, &branch, &fault), &fault);
	need[config->shared_heads ? 0 : branch] = true;
}

/* Find the model, load what the order needs of it, explain. */
static void
explain(FunctionCallInfo fcinfo, lem_order *order, const lem_series *series,
		const row_sink *sink)
{
	lem_use		use;
	void	   *memory;
	lem_explanation explanation;
	lem_fault	fault;

	lem_use_begin(&use, lem_schema(fcinfo), LEM_RIGHT_USE, text_to_cstring(PG_GETARG_TEXT_PP(0)),
				  needed_heads, order);
	memory = MemoryContextAllocHuge(CurrentMemoryContext,
									lem_explain_workspace(use.model) + LEM_ALIGN);
	for (;;)
	{
		lem_status	status = lem_explain(use.model, order, series, &use.clock,
										 (void *) TYPEALIGN(LEM_ALIGN, memory),
										 &lem_interrupt_stop, &explanation, &fault);

		if (status == LEM_OK)
			break;
		if (status != LEM_STOPPED)
			lem_pg_raise(&fault);

		/* If this comes back, the interrupt was one that a query survives: start over. */
		CHECK_FOR_INTERRUPTS();
	}
	put_slices(sink, &explanation);
	if (explanation.next >= 0)
		put_next(sink, &use.row.config, &explanation);
	lem_use_end(&use, 1, 1);
}

/*
 * lem_explain(model, ord, bars): setof (kind, step, ts, input, head, value).  Errors as
 * lem_schedule: NULL bars are no bars (LM003), a NULL model or order is 22004.
 */
Datum
pg_lem_explain(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	lem_order	order;
	lem_series	series;
	row_sink	sink;

	for (int i = 0; i < 2; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the %s is NULL", i == 0 ? "model" : "order")));
	lem_order_read(PG_GETARG_HEAPTUPLEHEADER(1), &order);
	memset(&series, 0, sizeof(series));
	if (!PG_ARGISNULL(2))
		lem_bars_view(PG_GETARG_LEM_BARS_P(2), &series);
	InitMaterializedSRF(fcinfo, 0);
	sink.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	LEM_ENSURE(sink.rsinfo->setDesc->natts == COLUMNS);

	/* The model is unpinned, and all memory given back, with this context. */
	context = AllocSetContextCreate(CurrentMemoryContext, "lem explain", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	sink.row = AllocSetContextCreate(context, "lem explain row", ALLOCSET_SMALL_SIZES);
	explain(fcinfo, &order, &series, &sink);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

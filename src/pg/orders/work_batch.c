/* work_batch.c: orders that are worked together. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/execution/schedule.h"
#include "core/market/series.h"
#include "pg/bars/doubts.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/guard.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/cache.h"
#include "pg/catalog/stat.h"
#include "pg/judging/backtest_options.h"
#include "pg/orders/work_batch.h"
#include "pg/catalog/optimum_cache.h"

/* The workspace of orders that go through the network together is kept to about this, in bytes. */
#define WORKSPACE_TARGET ((Size) 16 << 20)

/* A part of the work that is about one model. */
typedef struct model_work
{
	lem_work_batch *batch;
	lem_work_model *model;
	const lem_model *loaded;
	bool	   *need;			/* head sets */
	int			n;
	int		   *members;		/* n: orders of the batch */
} model_work;

/* Whether an order has nothing more to be decided in this batch: a reason was found. */
static bool
is_blamed(const lem_work_order *order)
{
	return order->decision.reason != NULL;
}

static void
raise_fault(void *fault)
{
	lem_pg_raise(fault);
}

/* An order cannot go on for a fault of the core, which better bars may mend. */
static void
blame_fault(lem_work_order *order, lem_fault *fault)
{
	ErrorData  *error = lem_guard(raise_fault, fault, lem_error_is_of_data);
	const bool	bars = error->sqlerrcode == ERRCODE_LEM_BAD_BAR ||
		error->sqlerrcode == ERRCODE_LEM_DUPLICATE_TIME ||
		error->sqlerrcode == ERRCODE_LEM_NO_BARS ||
		error->sqlerrcode == ERRCODE_LEM_SHORT_HISTORY ||
		error->sqlerrcode == ERRCODE_LEM_MISSING_BARS;

	lem_work_order_blame(order, error, bars);
}

/* Whether an order is worked by a model, with a calendar (NULL: none of its own, nor its feed's). */
static bool
is_used(const lem_work_model *model, const lem_work_order *order, const char *calendar)
{
	return strcmp(model->name, order->model) == 0 && strcmp(model->owner, order->owner) == 0 &&
		(model->calendar && calendar ? strcmp(model->calendar, calendar) == 0
		 : model->calendar == calendar);
}

/* What the clock shows while orders are decided. */
static TimestampTz
time_of_deciding(const lem_work_batch *batch)
{
	return batch->replays ? batch->now : Max(batch->now, GetCurrentTimestamp());
}

/* A model's clock, by which what had ended by the time of the call is known. */
static lem_clock
clock_of(const model_work *work)
{
	lem_clock	clock = work->model->clock;

	clock.has_now = true;
	clock.now = work->batch->now;
	return clock;
}

/* The models of a batch. */
static void
find_models(lem_work_batch *batch)
{
	batch->model = palloc0(batch->n * sizeof(int));
	batch->models = palloc0(batch->n * sizeof(lem_work_model));
	batch->n_models = 0;
	for (int i = 0; i < batch->n; i++)
	{
		lem_work_order *order = &batch->orders[i];
		const char *calendar = order->calendar ? order->calendar : batch->feed->calendar;
		lem_work_model *model;
		int			m = 0;

		while (m < batch->n_models && !is_used(&batch->models[m], order, calendar))
			m++;
		batch->model[i] = m;
		model = &batch->models[m];
		if (m == batch->n_models)
		{
			batch->n_models++;
			model->name = order->model;
			model->owner = order->owner;
			model->owner_id = order->owner_id;
			model->calendar = calendar;
			lem_work_model_find(batch->schema, model);
		}
		if (model->error)
			lem_work_order_blame(order, model->error, false);
	}
}

static void
read_orders(void *arg, int first, int n)
{
	lem_work_batch *batch = arg;

	for (int i = first; i < first + n; i++)
		lem_work_order_read(&batch->orders[i]);
}

/* From when on orders need bars of their series: stored with those that have slices. */
static void
find_since(lem_work_batch *batch)
{
	lem_work_since *questions = palloc(batch->n * sizeof(lem_work_since));
	int		   *asked = palloc(batch->n * sizeof(int));
	lem_config	rule;			/* of whichever: its bars may turn out to come in sessions */
	int			n = 0;

	lem_baseline_config(&rule, LEM_BASELINE_HORIZON, 0);
	rule.gaps = LEM_GAPS_SKIP;
	for (int i = 0; i < batch->n; i++)
	{
		const lem_work_order *order = &batch->orders[i];
		const lem_work_model *model = &batch->models[batch->model[i]];
		lem_work_since question = {
			.config = model->is_rule ? &rule : &model->row.config,
			.name = batch->series[order->series].name,
			.last = batch->series[order->series].last,
			.start = order->order.has_start ? order->order.start_ts : DT_NOEND
		};
		int			q = 0;

		asked[i] = -1;
		if (order->started || is_blamed(order))
			continue;
		while (q < n && (questions[q].name != question.name ||
						 questions[q].config != question.config ||
						 questions[q].start != question.start))
			q++;
		if (q == n)
			questions[n++] = question;
		asked[i] = q;
	}
	lem_work_bars_since(batch->bars, n, questions);
	for (int i = 0; i < batch->n; i++)
	{
		lem_work_order *order = &batch->orders[i];

		if (asked[i] >= 0 && questions[asked[i]].error)
			lem_work_order_blame(order, questions[asked[i]].error, true);
		else if (asked[i] >= 0)
			order->since = questions[asked[i]].since;
	}
	pfree(questions);
	pfree(asked);
}

/* Warn of what is doubtful about an order's bars: all of them at first, then of those that are new. */
static void
warn_of_bars(const char *series, const lem_work_order *order, const lem_work_model *model)
{
	const bool	first = order->n_slices == 0;

	lem_warn_of_bars(series, &order->view, first ? lem_doubt_from(&order->view)
					 : lem_series_before(&order->view, order->seen + 1), first,
					 model->row.trained);
}

/* Read the bars of the series that orders need. */
static void
read_series(lem_work_batch *batch)
{
	MemoryContext context = CurrentMemoryContext;
	bool	   *warned = palloc0(batch->n_series * sizeof(bool));

	for (int i = 0; i < batch->n; i++)
	{
		const lem_work_order *order = &batch->orders[i];
		lem_work_series *series = &batch->series[order->series];

		if (is_blamed(order) || order->since >= series->since)
			continue;
		series->since = order->since;
		series->read = false;
	}
	MemoryContextSwitchTo(batch->series_context);
	lem_work_bars_read(batch->bars, batch->n_series, batch->series);
	MemoryContextSwitchTo(context);
	for (int i = 0; i < batch->n; i++)
	{
		lem_work_order *order = &batch->orders[i];
		const lem_work_series *series = &batch->series[order->series];

		if (is_blamed(order))
			continue;
		if (series->error)
			lem_work_order_blame(order, series->error, true);
		else
		{
			const lem_work_model *model = &batch->models[batch->model[i]];

			lem_work_order_see(order, &series->bars);
			if (!warned[order->series])
				warn_of_bars(series->name, order, model);
			warned[order->series] = true;
			if (series->bars.n > 0)
				lem_decision_begin(order, series->bars.ts[series->bars.n - 1]);
		}
	}
}

/* Schedule orders of one model, and take over what is decided. */
static void
schedule(void *arg, int first, int n)
{
	const model_work *work = arg;
	const int	n_ahead = work->model->row.config.n_ahead;
	const int  *members = work->members + first;
	lem_work_order *all = work->batch->orders;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "lem work", ALLOCSET_DEFAULT_SIZES);
	const lem_clock clock = clock_of(work);
	lem_order  *orders;
	lem_series *series;
	lem_slice  *slices;
	int		   *counts;
	int			failed = 0;
	void	   *memory;
	void	   *workspace;
	lem_fault	fault;
	lem_status	status;

	MemoryContextSwitchTo(scratch);
	orders = palloc(n * sizeof(lem_order));
	series = palloc(n * sizeof(lem_series));
	slices = palloc((Size) n * n_ahead * sizeof(lem_slice));
	counts = palloc(n * sizeof(int));
	for (int i = 0; i < n; i++)
	{
		const lem_work_order *order = &all[members[i]];

		orders[i] = order->order;
		orders[i].n_decided = order->n_slices;
		orders[i].decided = order->units;
		orders[i].n_executed = order->n_executed;
		orders[i].executed = order->executed;
		orders[i].executed_price = order->executed_price;
		series[i] = order->view;
	}
	memory = MemoryContextAllocHuge(scratch,
									lem_schedule_workspace(work->loaded, n, series) + LEM_ALIGN);
	workspace = (void *) TYPEALIGN(LEM_ALIGN, memory);
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_schedule(work->loaded, LEM_TO_NEXT, n, orders, series, &clock, workspace,
							  &lem_interrupt_stop, slices, counts, &failed, &fault);
	} while (status == LEM_STOPPED);
	MemoryContextSwitchTo(context);
	if (status == LEM_OK)
	{
		for (int i = 0; i < n; i++)
		{
			lem_work_order *order = &all[members[i]];

			lem_decision_begin(order, order->decision.seen);
			lem_work_order_decide(order, work->model, slices + (Size) i * n_ahead, counts[i],
								  time_of_deciding(work->batch));
		}
		MemoryContextDelete(scratch);
		return;
	}

	/* One that cannot be scheduled does not hold up the others. */
	MemoryContextDelete(scratch);
	blame_fault(&all[members[failed]], &fault);
	if (failed > 0)
		schedule(arg, first, failed);
	if (failed + 1 < n)
		schedule(arg, first + failed + 1, n - failed - 1);
}

/* Schedule orders by a rule, and take over what is decided. */
static void
follow_rule(void *arg, int first, int n)
{
	const model_work *work = arg;
	const lem_clock clock = clock_of(work);
	lem_baseline_options options;

	lem_baseline_options_default(&options);
	options.optimal.source = (lem_optimum_source) {lem_optimum_find_for, NULL};
	for (int i = first; i < first + n; i++)
	{
		lem_work_order *order = &work->batch->orders[work->members[i]];
		lem_order	wanted = order->order;
		lem_series	before;
		lem_config	config;
		lem_slice  *slices;
		int			count;
		void	   *memory;
		lem_fault	fault;

		CHECK_FOR_INTERRUPTS();
		wanted.n_decided = order->n_slices;
		wanted.decided = order->units;
		wanted.n_executed = order->n_executed;
		wanted.executed = order->executed;
		wanted.executed_price = order->executed_price;
		lem_baseline_config(&config, wanted.max_bars > 0 ? wanted.max_bars : LEM_BASELINE_HORIZON,
							order->view.n_features);
		before = lem_series_between(&order->view, PG_INT64_MIN,
									wanted.has_start ? wanted.start_ts : PG_INT64_MAX);
		config.gaps = lem_shown_gaps(&config, &before, order->n_slices == 0);
		slices = palloc(config.n_ahead * sizeof(lem_slice));
		memory = palloc(lem_baseline_workspace(&config) + LEM_ALIGN);
		if (lem_baseline_schedule(work->model->rule, &options, &config, &wanted, &order->view, &clock,
								  (void *) TYPEALIGN(LEM_ALIGN, memory), slices, &count, &fault)
			!= LEM_OK)
			blame_fault(order, &fault);
		else
		{
			lem_decision_begin(order, order->decision.seen);
			lem_work_order_decide(order, work->model, slices, count,
								  time_of_deciding(work->batch));
		}
		pfree(memory);
		pfree(slices);
	}
}

/* Decide the orders of a batch that follow a rule. */
static void
decide_rule(lem_work_batch *batch, int number)
{
	model_work	work = {.batch = batch, .model = &batch->models[number]};
	ErrorData **errors = palloc0(batch->n * sizeof(ErrorData *));

	work.members = palloc(batch->n * sizeof(int));
	for (int i = 0; i < batch->n; i++)
		if (batch->model[i] == number && !is_blamed(&batch->orders[i]))
			work.members[work.n++] = i;
	lem_guard_each(follow_rule, &work, 0, work.n, lem_error_is_of_data, errors);
	for (int i = 0; i < work.n; i++)
		if (errors[i])
			lem_work_order_blame(&batch->orders[work.members[i]], errors[i], false);
}

static void
load_model(void *arg)
{
	model_work *work = arg;

	work->loaded = lem_cache_pin(work->batch->schema, &work->model->row, work->need);
}

/* Most orders that go through a model together. */
static int
most_together(const lem_model *model, int n)
{
	int			most = Min(Max(lem_forward_batch(&model->config), 1), n);

	while (most > 1 && lem_schedule_workspace(model, most, NULL) > WORKSPACE_TARGET)
		most = (most + 1) / 2;
	return most;
}

/*
 * Orders of one series that begin at the same bar next to each other, the longest first: the next one takes
 * the window of the one before over, with what is expected, and the trunk computes it once.
 */
static int
compare_windows(const void *a, const void *b, void *arg)
{
	const lem_work_batch *batch = arg;
	const int	number[] = {*(const int *) a, *(const int *) b};
	const lem_work_order *x = &batch->orders[number[0]];
	const lem_work_order *y = &batch->orders[number[1]];

	if (x->series != y->series)
		return x->series < y->series ? -1 : 1;
	if (x->order.has_start != y->order.has_start)
		return x->order.has_start ? 1 : -1;
	if (x->order.has_start && x->order.start_ts != y->order.start_ts)
		return x->order.start_ts < y->order.start_ts ? -1 : 1;
	if (x->order.max_bars != y->order.max_bars)	/* 0: as long as can be */
		return (unsigned) x->order.max_bars - 1 > (unsigned) y->order.max_bars - 1 ? -1 : 1;
	return number[0] < number[1] ? -1 : 1;
}

/* Decide the orders of a batch that have a model. */
static void
decide_model(lem_work_batch *batch, int number)
{
	lem_work_model *model = &batch->models[number];
	const lem_config *config = &model->row.config;
	model_work	work = {.batch = batch, .model = model};
	ErrorData  *error;
	ErrorData **errors;
	instr_time	start;
	int			most;

	lem_stat_start(&start);
	work.need = palloc0(lem_head_sets(config) * sizeof(bool));
	work.members = palloc(batch->n * sizeof(int));
	for (int i = 0; i < batch->n; i++)
	{
		lem_work_order *order = &batch->orders[i];
		int			branch;
		lem_fault	fault;

		if (batch->model[i] != number || is_blamed(order))
			continue;
		if (lem_schedule_branch(config, &order->order, &branch, &fault) != LEM_OK)
		{
			blame_fault(order, &fault);
			continue;
		}
		work.need[config->shared_heads ? 0 : branch] = true;
		work.members[work.n++] = i;
	}
	if (work.n == 0)
		return;
	error = lem_guard(load_model, &work, lem_work_model_error);
	for (int i = 0; error && i < work.n; i++)
		lem_work_order_blame(&batch->orders[work.members[i]], error, false);
	if (error)
		return;
	qsort_arg(work.members, work.n, sizeof(int), compare_windows, batch);
	most = most_together(work.loaded, work.n);
	errors = palloc0(work.n * sizeof(ErrorData *));
	for (int first = 0; first < work.n; first += most)
		lem_guard_each(schedule, &work, first, Min(most, work.n - first), lem_error_is_of_data,
					   errors);
	for (int i = 0; i < work.n; i++)
		if (errors[i])
			lem_work_order_blame(&batch->orders[work.members[i]], errors[i], false);
	lem_stat_call(&model->row, &start, work.n, (work.n + most - 1) / most);
}

void
lem_work_batch_decide(lem_work_batch *batch)
{
	ErrorData **errors = palloc0(Max(batch->n, 1) * sizeof(ErrorData *));

	for (int i = 0; i < batch->n; i++)
		lem_decision_begin(&batch->orders[i], batch->series[batch->orders[i].series].last);
	find_models(batch);
	lem_guard_each(read_orders, batch, 0, batch->n, lem_error_is_of_data, errors);
	for (int i = 0; i < batch->n; i++)
		if (errors[i])
			lem_work_order_blame(&batch->orders[i], errors[i], false);
	find_since(batch);
	read_series(batch);
	for (int m = 0; m < batch->n_models; m++)
	{
		if (batch->models[m].error == NULL && batch->models[m].is_rule)
			decide_rule(batch, m);
		else if (batch->models[m].error == NULL)
			decide_model(batch, m);
	}
}

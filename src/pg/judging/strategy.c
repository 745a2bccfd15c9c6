/* strategy.c: running a backtest of a model, or of a baseline named as one. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/bars/doubts.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/base/progress.h"
#include "pg/catalog/cache.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/rights.h"
#include "pg/catalog/stat.h"
#include "pg/judging/strategy.h"
#include "pg/schedule/network_arrays.h"

bool
lem_strategy_is_baseline(const char *model)
{
	return strncmp(model, LEM_BASELINE_PREFIX, strlen(LEM_BASELINE_PREFIX)) == 0;
}

/* A copy of a clock that lives as long as the context. */
static const lem_clock *
keep_clock(const char *schema, const lem_model_row *row)
{
	lem_clock  *clock = palloc(sizeof(lem_clock));

	*clock = lem_config_clock(schema, &row->config, row->time_zone);
	return clock;
}

/* The baseline comes first; those to compare it with follow, without itself. */
static void
lead_with(lem_backtest *test, lem_baseline kind)
{
	lem_baseline others[LEM_BASELINES];
	int			n = 0;

	for (int i = 0; i < test->n_baselines; i++)
	{
		if (test->baseline[i] != kind)
			others[n++] = test->baseline[i];
	}
	test->baseline[0] = kind;
	memcpy(test->baseline + 1, others, n * sizeof(lem_baseline));
	test->n_baselines = n + 1;
}

static void
open_baseline(const char *name, lem_backtest_settings *settings, lem_model_row *row)
{
	lem_backtest *test = &settings->test;
	lem_baseline kind;

	if (test->alignment == LEM_ALIGN_PAPER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a baseline cannot be aligned as \"paper\""),
				 errhint("Baselines read no windows; all of them are causal.")));
	kind = lem_baseline_read(name);
	lem_backtest_settings_lead(settings, kind);
	lead_with(test, kind);
	lem_baseline_windows(settings, &test->order, test->series, row);
	test->model = NULL;
}

static void
open_model(const char *schema, const char *model, lem_backtest_settings *settings,
		   lem_model_row *row)
{
	bool	   *need;
	int			branch;
	lem_fault	fault;

	if (settings->window)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the options n_ahead, norm_window, bar_interval, time_zone, gaps and calendar "
						"are for backtests of baselines"),
				 errhint("With a model, its config says them.")));
	lem_rights_find(schema, model, row);
	need = palloc0(lem_head_sets(&row->config) * sizeof(bool));
	lem_pg_check(lem_schedule_branch(&row->config, &settings->test.order, &branch, &fault), &fault);
	need[row->config.shared_heads ? 0 : branch] = true;
	settings->test.model = lem_cache_pin(schema, row, need);
}

void
lem_strategy_open(const char *schema, const char *model, lem_backtest_settings *settings)
{
	lem_backtest *test = &settings->test;
	lem_model_row *row = palloc0(sizeof(lem_model_row));

	lem_stat_start(&settings->start);
	settings->row = row;
	if (lem_strategy_is_baseline(model))
		open_baseline(model + strlen(LEM_BASELINE_PREFIX), settings, row);
	else
		open_model(schema, model, settings, row);
	test->config = &row->config;
	test->clock = keep_clock(schema, row);
	if (test->series->n == 0)
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}
	lem_warn_of_bars(NULL, test->series, 0, true, row->trained);
}

int64
lem_strategy_run(const lem_backtest_settings *settings, bool allocations,
				   lem_backtest_emit emit, void *arg)
{
	const lem_backtest *test = &settings->test;
	const int	n = lem_backtest_batch(test);
	const int	strategies = lem_backtest_strategies(test);
	const Size	outcomes_size = (Size) n * strategies;
	lem_backtest_cursor cursor = {0};
	lem_backtest_start *starts = palloc(n * sizeof(lem_backtest_start));
	lem_outcome *outcomes = palloc(outcomes_size * sizeof(lem_outcome));
	double	   *shares = NULL;
	void	   *memory;
	void	   *workspace;
	lem_progress progress;
	int64		total = 0;
	int64		batches = 0;
	int			count;

	if (allocations)
		shares = palloc(outcomes_size * test->config->n_ahead * sizeof(double));
	memory = MemoryContextAllocHuge(CurrentMemoryContext,
									lem_backtest_workspace(test, n) + LEM_ALIGN);
	workspace = (void *) TYPEALIGN(LEM_ALIGN, memory);
	lem_progress_begin(&progress, LEM_PROGRESS_BACKTEST, test->model ? settings->row->id : 0);
	lem_progress_enter(&progress, LEM_PHASE_STARTS, 0, (int64) test->series->n);
	do
	{
		lem_fault	fault;
		lem_status	status;

		CHECK_FOR_INTERRUPTS();
		status = lem_backtest_run(test, &cursor, n, workspace, &lem_interrupt_stop, starts,
								  outcomes, shares, &count, &fault);

		/* If the interrupt is one that a query survives, the batch starts over. */
		if (status == LEM_STOPPED)
		{
			count = 1;
			continue;
		}
		lem_pg_check(status, &fault);
		if (count > 0)
			emit(arg, test, count, starts, outcomes, shares);
		total += count;
		batches += count > 0;
		lem_progress_done(&progress, cursor.bar);
	} while (count > 0);
	if (test->model)
		lem_stat_call(settings->row, &settings->start, total, batches);
	lem_progress_end(&progress);
	pfree(memory);
	return cursor.skipped;
}

/*
 * work_due.c: the series whose orders are due, by their last bars that have ended.
 *
 * A bar has ended by the clock when its length has passed, or its session has closed.  The length is
 * found from the series' last bars, and where by that the last one has not ended, asked of the models
 * of its orders: their configs can say the length, and they, orders and the feed a calendar.  What
 * has ended by one of them has ended for all orders of the series.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/market/expect.h"
#include "pg/orders/work_due.h"

/* Series of which the times are looked at together. */
#define TIMES_AT_ONCE 1000

/* Most series that a message names. */
#define NAMED_SERIES 5

/* How many of a series' last bars had ended by the time of the call, by a config and a clock. */
static size_t
count_ended(const lem_work_bars *bars, const lem_work_times *times, const lem_config *config,
			const lem_clock *clock)
{
	const lem_series series = {.n = times->n, .ts = times->ts};
	uint64_t	scratch[LEM_TIMES];

	return lem_expect_ended(config, &series, LEM_TIMES, clock, bars->now, scratch);
}

/* Ask the models of a series' orders which of its last bars have ended. */
static void
ask_models(const lem_worker *worker, const lem_work_bars *bars, const lem_active_series *series,
		   int n, const lem_work_times *times, size_t *ended)
{
	int			n_models;
	lem_series_model *models = lem_work_models(worker, series, n, &n_models);

	for (int i = 0; i < n_models; i++)
	{
		const int	s = models[i].series;
		lem_work_model *model = &models[i].model;
		size_t		count;

		lem_work_model_find(worker->schema, model);
		if (model->error)
			continue;			/* which is told with its orders */
		count = count_ended(bars, &times[s], &model->row.config, &model->clock);
		ended[s] = Max(ended[s], count);
	}
}

/* As lem_work_find_ended(), of not too many. */
static void
find_ended(const lem_worker *worker, lem_work_bars *bars, lem_active_series *series, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem ended bars",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	const char **names = palloc(n * sizeof(char *));
	lem_work_times *times = palloc(n * sizeof(lem_work_times));
	lem_active_series *asked = palloc(n * sizeof(lem_active_series));
	int		   *number = palloc(n * sizeof(int));
	lem_work_times *asked_times = palloc(n * sizeof(lem_work_times));
	size_t	   *ended = palloc0(n * sizeof(size_t));
	int			n_asked = 0;
	lem_config	config = {0};

	for (int i = 0; i < n; i++)
		names[i] = series[i].name;
	lem_work_bars_times(bars, n, names, times);
	for (int i = 0; i < n; i++)
	{
		const size_t count = count_ended(bars, &times[i], &config, NULL);

		series[i].last = count > 0 ? times[i].ts[count - 1] : DT_NOBEGIN;
		if (count == (size_t) times[i].n)
			continue;
		ended[n_asked] = count;
		number[n_asked] = i;
		asked_times[n_asked] = times[i];
		asked[n_asked++] = series[i];
	}
	if (n_asked > 0)
		ask_models(worker, bars, asked, n_asked, asked_times, ended);
	for (int i = 0; i < n_asked; i++)
		if (ended[i] > 0)
			series[number[i]].last = asked_times[i].ts[ended[i] - 1];
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}

void
lem_work_find_ended(const lem_worker *worker, lem_work_bars *bars, lem_active_series *series, int n)
{
	for (int first = 0; first < n; first += TIMES_AT_ONCE)
		find_ended(worker, bars, series + first, Min(TIMES_AT_ONCE, n - first));
}

/* Tell of series whose last bar had not ended. */
static void
tell_forming(const char *const *names, int n)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < Min(n, NAMED_SERIES); i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names[i]);
	if (n > NAMED_SERIES)
		appendStringInfoString(&text, ", ...");
	ereport(WARNING,
			(errmsg_plural("%d series has bars that have not ended, which are left out",
						   "%d series have bars that have not ended, which are left out", n, n),
			 errdetail("They are of: %s.", text.data),
			 errhint("The query is to return completed bars only, by the times at which they "
					 "begin.")));
}

lem_active_series *
lem_work_find_due(const lem_worker *worker, lem_work_bars *bars, bool warn, int *n_due)
{
	int			n;
	lem_active_series *series = lem_work_list(worker, &n);
	const char **names = palloc(Max(n, 1) * sizeof(char *));
	TimestampTz *last = palloc(Max(n, 1) * sizeof(TimestampTz));
	int			n_forming = 0;
	int			candidates = 0;

	for (int i = 0; i < n; i++)
		names[i] = series[i].name;
	lem_work_bars_last(bars, n, names, warn ? DT_NOEND : worker->now, last);
	for (int i = 0; i < n; i++)
	{
		series[i].last = last[i];
		if (!lem_work_is_due(worker, &series[i]))
			continue;
		last[candidates] = last[i];
		series[candidates++] = series[i];
	}
	*n_due = 0;
	lem_work_find_ended(worker, bars, series, candidates);
	for (int i = 0; i < candidates; i++)
	{
		if (last[i] > series[i].last)
			names[n_forming++] = series[i].name;
		if (lem_work_is_due(worker, &series[i]))
			series[(*n_due)++] = series[i];
	}
	if (warn && n_forming > 0)
		tell_forming(names, n_forming);
	pfree(names);
	pfree(last);
	return series;
}

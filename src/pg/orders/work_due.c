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
#include "pg/orders/work_seen.h"

/* Series of which the times are looked at together. */
#define TIMES_AT_ONCE 1000

/*
 * Of so many times the distances are half of those of LEM_TIMES times: where none of them is longer
 * than a while, the length that is found from LEM_TIMES, their median, is not either.
 */
#define FEW_TIMES ((LEM_TIMES + 1) / 2)

/* Bars of months end by the calendar, not after a length. */
#define MONTH (27 * USECS_PER_DAY)

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

/*
 * Whether a series' last bar has ended for certain, by its last FEW_TIMES times: the length that its
 * bars are found to have is not longer than what has passed since.
 */
static bool
has_ended(const lem_work_bars *bars, const lem_work_times *times)
{
	uint64		passed;			/* differences of times that may be infinite */

	if (times->n < FEW_TIMES)
		return false;
	passed = (uint64) bars->now - (uint64) times->ts[times->n - 1];
	for (int i = 0; i + 1 < times->n; i++)
		if ((uint64) times->ts[i + 1] - (uint64) times->ts[i] > passed)
			return false;
	return passed < MONTH;
}

/* The last times of n series, as many as it takes to tell whether they have ended. */
static void
find_times(lem_work_bars *bars, int n, const char *const *names, lem_work_times *times)
{
	const char **more = palloc(n * sizeof(char *));
	int		   *number = palloc(n * sizeof(int));
	lem_work_times *more_times;
	int			n_more = 0;

	lem_work_bars_times(bars, n, names, FEW_TIMES, times);
	for (int i = 0; i < n; i++)
	{
		if (times[i].n < FEW_TIMES || has_ended(bars, &times[i]))
			continue;
		number[n_more] = i;
		more[n_more++] = names[i];
	}
	if (n_more == 0)
		return;
	more_times = palloc(n_more * sizeof(lem_work_times));
	lem_work_bars_times(bars, n_more, more, LEM_TIMES, more_times);
	for (int i = 0; i < n_more; i++)
		times[number[i]] = more_times[i];
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
	find_times(bars, n, names, times);
	for (int i = 0; i < n; i++)
	{
		const size_t count = has_ended(bars, &times[i]) ? (size_t) times[i].n
			: count_ended(bars, &times[i], &config, NULL);

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

/* The time that a bar begins before, to be asked for: all of them, where bars of the future are told. */
static TimestampTz
asked_before(const lem_worker *worker, bool warn)
{
	return warn ? DT_NOEND : worker->now;
}

/*
 * Of what is known of n series, those whose orders are to be read: which have a bar that these were not
 * all looked at with, or none, or something else than a bar may have made one due.  Sets the last bars
 * of those that were asked for it.
 */
static void
find_news(const lem_worker *worker, lem_work_bars *bars, bool warn, int n,
		  const lem_seen_series *seen, lem_read_series *read, TimestampTz *last)
{
	const char **names = palloc(Max(n, 1) * sizeof(char *));
	TimestampTz *known = palloc(Max(n, 1) * sizeof(TimestampTz));
	TimestampTz *found = palloc(Max(n, 1) * sizeof(TimestampTz));
	int			asked = 0;

	for (int i = 0; i < n; i++)
	{
		if (seen[i].news)
			continue;
		names[asked] = seen[i].name;
		known[asked++] = seen[i].seen;
	}
	lem_work_bars_last(bars, asked, names, known, asked_before(worker, warn), found);
	for (int i = 0, a = 0; i < n; i++)
	{
		const TimestampTz bar = seen[i].news ? DT_NOBEGIN : found[a++];

		if (!seen[i].news && bar != DT_NOBEGIN && bar <= seen[i].seen)
			continue;
		last[read->n] = bar;
		read->names[read->n++] = seen[i].name;
	}
	pfree(names);
	pfree(known);
	pfree(found);
}

/* The series whose orders are to be read, and these; their last bars are set where last is to hold them. */
static lem_active_series *
read_series(const lem_worker *worker, lem_work_bars *bars, bool warn, lem_read_series *read, int *n)
{
	int			n_seen;
	lem_seen_series *seen = lem_work_seen(worker, &n_seen);
	lem_active_series *series;
	TimestampTz *last;

	*read = (lem_read_series) {0, NULL, seen == NULL};
	if (read->all)
		return lem_work_list(worker, NULL, 0, n);
	last = palloc(Max(n_seen, 1) * sizeof(TimestampTz));
	read->names = palloc(Max(n_seen, 1) * sizeof(char *));
	find_news(worker, bars, warn, n_seen, seen, read, last);
	*n = 0;
	if (read->n == 0)
		return NULL;
	series = lem_work_list(worker, read->names, read->n, n);
	for (int i = 0, r = 0; i < *n; i++)
	{
		while (strcmp(read->names[r], series[i].name) != 0)
			r++;
		series[i].last = last[r];
	}
	return series;
}

lem_active_series *
lem_work_find_due(const lem_worker *worker, lem_work_bars *bars, bool warn, lem_read_series *read,
				  int *n_due)
{
	int			n;
	lem_active_series *series = read_series(worker, bars, warn, read, &n);
	const char **names = palloc(Max(n, 1) * sizeof(char *));
	TimestampTz *seen = palloc(Max(n, 1) * sizeof(TimestampTz));
	TimestampTz *last = palloc(Max(n, 1) * sizeof(TimestampTz));
	int			n_asked = 0;
	int			n_forming = 0;
	int			candidates = 0;

	for (int i = 0; i < n; i++)
	{
		if (series[i].last != DT_NOBEGIN)
			continue;
		names[n_asked] = series[i].name;
		seen[n_asked++] = series[i].seen;
	}
	lem_work_bars_last(bars, n_asked, names, seen, asked_before(worker, warn), last);
	for (int i = 0, a = 0; a < n_asked; i++)
		if (series[i].last == DT_NOBEGIN)
			series[i].last = last[a++];
	for (int i = 0; i < n; i++)
	{
		if (!lem_work_is_due(worker, &series[i]))
			continue;
		last[candidates] = series[i].last;
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
	pfree(seen);
	pfree(last);
	return series;
}

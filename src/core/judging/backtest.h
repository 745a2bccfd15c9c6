/*
 * backtest.h: what an order would have come to, from every start that a series has room for.
 *
 * A start is a bar of the series with enough history before it, and the order's whole horizon from
 * it on.  Its slices are those that scheduling with that start_ts on the same bars gives, bit for
 * bit: both set plans (schedule.h).  Starts are taken in time order, a batch at a time.
 */
#ifndef LEM_BACKTEST_H
#define LEM_BACKTEST_H

#include "execution/schedule.h"
#include "judging/baseline.h"
#include "judging/outcome.h"

/* Which bars the model sees (model page, section 4). */
typedef enum lem_alignment
{
	LEM_ALIGN_CAUSAL,			/* row L is the last bar before the start */
	LEM_ALIGN_PAPER				/* row L is the bar that slice 0 trades in: look-ahead */
} lem_alignment;

typedef struct lem_backtest
{
	const lem_model *model;		/* NULL: baselines only */
	const lem_config *config;	/* of the model, or that of the windows of baselines */
	const lem_series *series;
	const lem_clock *clock;
	lem_order	order;			/* its start is not looked at */
	int			n_baselines;
	lem_baseline baseline[LEM_BASELINES];

	lem_alignment alignment;	/* of the model; baselines are causal */
	int64_t		every;			/* bars from start to start, from the first one on */
	bool		has_from;
	int64_t		from;			/* no start before it */
	bool		has_until;
	int64_t		until;			/* no slice at or after it */
	lem_costs	costs;
	lem_baseline_options baselines;
} lem_backtest;

/* All as in the header's comments by default: causal, every start, no costs. */
extern void lem_backtest_default(lem_backtest *test);

/* Where a backtest is; zero at its beginning. */
typedef struct lem_backtest_cursor
{
	int64_t		bar;			/* the next to be tried */
	int64_t		skipped;		/* bars so far that could not be a start; after the first one */
	bool		started;
} lem_backtest_cursor;

typedef struct lem_backtest_start
{
	int64_t		bar;			/* of the series, the first to trade in */
	int64_t		ts;
	int64_t		end;			/* time of the horizon's last bar */
} lem_backtest_start;

/* Strategies: the model, if there is one, and then the baselines. */
static inline int
lem_backtest_strategies(const lem_backtest *test)
{
	return (test->model != NULL) + test->n_baselines;
}

/* Starts that should be asked for at once, and bytes of workspace (64-byte aligned) for n. */
extern int	lem_backtest_batch(const lem_backtest *test);
extern size_t lem_backtest_workspace(const lem_backtest *test, int n);

/*
 * The next starts, at most n: starts (n), outcomes (n x strategies) and, unless NULL, allocations
 * (n x strategies x N, 0 beyond the horizon).  count is how many there were: 0 at the end.
 * The cursor moves on only with LEM_OK.  Bars without enough history, with gaps = error those with a
 * bar missing, and those too late for the order's end are no starts; other faults are returned.
 */
extern lem_status lem_backtest_run(const lem_backtest *test, lem_backtest_cursor *cursor, int n,
								   void *workspace, const lem_stop *stop,
								   lem_backtest_start *starts, lem_outcome *outcomes,
								   double *allocations, int *count, lem_fault *fault);

/* Sums over a strategy's starts, and their means. */
typedef struct lem_tally
{
	double		bars_used;
	double		completion;
	double		cost_bps;
} lem_tally;

extern lem_tally lem_tally_means(const lem_tally *sums, size_t n);

/*
 * Keep what a summary needs of a batch: gains (n x strategies) and bars (n) from their ends on,
 * and the sums; how many starts that were.  A start without a benchmark is left out.
 */
extern int	lem_backtest_keep(const lem_backtest *test, int count,
							  const lem_backtest_start *starts, const lem_outcome *outcomes,
							  lem_tally *tallies, double *gains, int64_t *bars);

#endif

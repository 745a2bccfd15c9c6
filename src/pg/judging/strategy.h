/*
 * strategy.h: what a backtest runs: a model, or a baseline named as one.
 */
#ifndef LEM_PG_STRATEGY_H
#define LEM_PG_STRATEGY_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/judging/backtest_options.h"

/* Does a backtest of this name run a baseline? */
extern bool lem_strategy_is_baseline(const char *model);

/*
 * Complete a backtest, its order and series being set: find the model and pin it, or set up the
 * baseline as the first of test->baseline.  Everything lives in the current memory context.  Raises LM003,
 * LM006, LM010, LM014 and 22023.
 */
extern void lem_strategy_open(const char *schema, const char *model,
								lem_backtest_settings *settings);

/* A baseline's or backtest's rows: receives each batch. */
typedef void (*lem_backtest_emit) (void *arg, const lem_backtest *test, int count,
								   const lem_backtest_start *starts,
								   const lem_outcome *outcomes, const double *allocations);

/* Run a backtest to its end, with allocations if asked for; returns how many bars were skipped. */
extern int64 lem_strategy_run(const lem_backtest_settings *settings, bool allocations,
								lem_backtest_emit emit, void *arg);

#endif

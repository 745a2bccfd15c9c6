/*
 * backtest_options.h: the options of backtests and baselines as JSON.
 */
#ifndef LEM_PG_BACKTEST_OPTIONS_H
#define LEM_PG_BACKTEST_OPTIONS_H

#include "postgres.h"

#include "portability/instr_time.h"
#include "utils/jsonb.h"

#include "core/judging/backtest.h"
#include "pg/catalog/catalog.h"

/* Groups of options: of baselines' rules, of their windows, and of backtests. */
#define LEM_OPTIONS_RULES 1
#define LEM_OPTIONS_WINDOW 2
#define LEM_OPTIONS_TEST 4
#define LEM_OPTIONS_COMPARE 8
/* of reports on backtests, besides: they are checked, and read in SQL */
#define LEM_OPTIONS_REPORT 16

typedef struct lem_backtest_settings
{
	lem_backtest test;			/* what the options say, the rest by default */
	Jsonb	   *window;			/* options of the group WINDOW, as keys of a config; NULL: none */
	int			n_ahead;		/* one of them; 0: it was not given */
	bool		has_risk_aversion;	/* risk_aversion was given */

	/* set when the backtest is opened (strategy.h) */
	lem_model_row *row;			/* of the model, or the windows of a baseline */
	instr_time	start;			/* of the call */
} lem_backtest_settings;

/*
 * Read options of the groups that are allowed, NULL: none are given, over what was set before, NULL: the
 * defaults.  Raises LM014 for unknown keys
 * and values of the wrong type or out of range.
 */
extern void lem_backtest_settings_read(Jsonb *json, int groups, const lem_backtest *before,
									   lem_backtest_settings *settings);

/*
 * The options are for a baseline of its own, not for others beside it: whose risk aversion was
 * given.  Raises LM014.
 */
extern void lem_backtest_settings_lead(lem_backtest_settings *settings, lem_baseline kind);

/* The words for an alignment: from one (22023 if it is none), and to one. */
extern lem_alignment lem_alignment_read(const char *word);
extern const char *lem_alignment_word(lem_alignment alignment);

/* A baseline by its name; raises 22023. */
extern lem_baseline lem_baseline_read(const char *name);

/* A model's name cannot have a colon: what begins so is a baseline.  Which, if it is one; raises 22023. */
#define LEM_BASELINE_PREFIX "baseline:"
extern bool lem_baseline_named(const char *model, lem_baseline *kind);

/*
 * The windows of baselines without a model: config, and the row's time zone.  Raises LM014.
 */
extern void lem_baseline_windows(const lem_backtest_settings *settings, const lem_order *order,
								 const lem_series *series, lem_model_row *row);

/* Raise a fault of a baseline without a model; LEM_OK raises none. */
extern void lem_baseline_check(lem_status status, const lem_fault *fault);

/*
 * How bars that are missing count where nobody says: as ones without trades, or not at all in a
 * series that shows sessions, which is told where it is asked for.
 */
extern lem_gaps lem_shown_gaps(const lem_config *config, const lem_series *series, bool tell);

#endif

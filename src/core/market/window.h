/*
 * window.h: from a series and an order to the rows that a model reads.
 *
 * Row L is the last completed bar before the order's start; rows L + 1 .. T - 1 are the bars it
 * trades in, real where they are there and expected ones after (model page, section 4).
 */
#ifndef LEM_WINDOW_H
#define LEM_WINDOW_H

#include "base/arena.h"
#include "base/real.h"
#include "market/bars.h"
#include "market/calendar.h"
#include "market/recall.h"
#include "orders/order.h"
#include "parameters/config.h"

/* Where a window lies. */
typedef struct lem_window
{
	lem_window_memory *memory;	/* that it was built with; NULL: none */
	int64_t		interval;		/* bar interval, microseconds */
	int			norm_window;	/* bars over which scales are taken (paper: L + 335) */
	int			known;			/* slices 0 .. known - 1 are done: their bar has completed */
	bool		next_known;		/* slice `known` is next: the bar before it has completed */
	int64_t		next_end;		/* when the bar of slice `known` ends; with known = N, never */
} lem_window;

/* Returns that are kept with its memory; NULL: none. */
static inline lem_returns *
lem_window_returns(const lem_window *window)
{
	return window->memory ? &window->memory->returns : NULL;
}

/*
 * Numbers of scratch space (doubles, allocated memory) that lem_window_build needs at most.  The
 * bound is the same for all series, however long.
 */
extern size_t lem_window_scratch(const lem_config *config, const lem_series *series);

/*
 * Bars of a series, up to row L, that windows are made from where bars lie interval apart; interval
 * 0: that the interval is found from, where the config does not give it.  Expected times with
 * gaps = skip depend on the last weeks of the series besides (habit.h).
 */
extern int	lem_window_history(const lem_config *config, int64_t interval);

/*
 * Fill rows (T x C: features, price, volume) and slice_ts (N times, the starts of the bars the
 * slices trade in).  market (N x 2 doubles: price, volume; may be NULL) receives the bars that the
 * slices trade in, in the series' own units, real for the known ones and expected for the others.
 * Nothing in row r depends on a bar after row r or row L, whichever is later; with a shared trunk
 * rows are C features, and nothing in row r depends on a bar after it.
 * The series must pass lem_series_check.  Errors: those of lem_status headed "bars".
 */
extern lem_status lem_window_build(const lem_config *config, const lem_series *series,
								   const lem_order *order, const lem_clock *clock,
								   double *scratch, lem_window *window, lem_real *rows,
								   int64_t *slice_ts, double *market, lem_fault *fault);

/* The same with a memory, which may be NULL, of windows before, and for those after. */
extern lem_status lem_window_build_on(lem_window_memory *memory, const lem_config *config,
									  const lem_series *series, const lem_order *order,
									  const lem_clock *clock, double *scratch,
									  lem_window *window, lem_real *rows, int64_t *slice_ts,
									  double *market, lem_fault *fault);

/*
 * The rows of a model whose rows are all of completed bars (of market making: N = 2), row L being
 * the series' last bar: those of lem_window_build for an order without a start, at a fraction of its
 * cost, because no bar to come is looked for.  log_return (n; may be NULL): lem_log_return() of each
 * bar's price after the one before, where the caller has them.  scratch and errors as there.
 */
extern lem_status lem_window_past(const lem_config *config, const lem_series *series,
								  const lem_clock *clock, const double *log_return,
								  double *scratch, lem_real *rows, lem_fault *fault);

/*
 * When the bars of rows 0 .. L start (row_ts: L + 1 times); row L + 1 + i is the bar of slice i.
 * scratch and errors as lem_window_build.
 */
extern lem_status lem_window_times(const lem_config *config, const lem_series *series,
								   const lem_order *order, const lem_clock *clock,
								   double *scratch, int64_t *row_ts, lem_fault *fault);

/*
 * What was expected of the bars that an order's slices trade in, from the window's known and
 * slice_ts.  told (N): the volume of bar k, expected when slice k was decided; ahead (N): what was
 * expected of it at the start; end (N, may be NULL): steps whose bars end by the order's end, as
 * expected when slice k was decided.  Both times and volumes are expected from bars before alone.
 * scratch and errors as lem_window_build.
 */
extern lem_status lem_window_told(const lem_config *config, const lem_series *series,
								  const lem_order *order, const lem_clock *clock,
								  double *scratch, const lem_window *window,
								  const int64_t *slice_ts, double *told, double *ahead, int *end,
								  lem_fault *fault);

/* What is known of a market before an order starts. */
typedef struct lem_outlook
{
	double		price;			/* of row L */
	double		mean_volume;	/* of the scale window's bars */
	double		rms;			/* of their log returns: a bar's standard deviation */
	double		day_bars;		/* with days: bars of a day, by the scale window; >= 1 */
} lem_outlook;

/*
 * The outlook of an order, and the volumes (N) expected for the bars that its slices trade in,
 * from bars before its start alone; volume may be NULL.  scratch and errors as lem_window_build.
 */
extern lem_status lem_window_outlook(const lem_config *config, const lem_series *series,
									 const lem_order *order, const lem_clock *clock,
									 double *scratch, bool days, lem_outlook *outlook,
									 double *volume, lem_fault *fault);

/* The same with the memory, which may be NULL, of the window that was built before. */
extern lem_status lem_window_outlook_on(lem_window_memory *memory, const lem_config *config,
										const lem_series *series, const lem_order *order,
										const lem_clock *clock, double *scratch, bool days,
										lem_outlook *outlook, double *volume, lem_fault *fault);

#endif

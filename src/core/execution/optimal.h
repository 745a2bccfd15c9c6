/*
 * optimal.h: the baseline "optimal_stop": the exact optimum (optimum/optimal_stop.h) for an order
 * over a series.
 *
 * Tables are solved for bars of equal expected volume; a bar's weight in the benchmark is taken from
 * the volumes there were and the one expected when it is decided.
 */
#ifndef LEM_EXECUTION_OPTIMAL_H
#define LEM_EXECUTION_OPTIMAL_H

#include "market/last.h"
#include "market/window.h"
#include "optimum/optimal_state.h"

/* Which price is seen of a bar. */
typedef enum lem_optimal_close
{
	LEM_CLOSE_KNOWN,			/* the close where the series has closes, else the average */
	LEM_CLOSE_USED,				/* the close: an error without */
	LEM_CLOSE_UNUSED			/* the average */
} lem_optimal_close;

typedef struct lem_optimal_options
{
	double		risk_aversion;	/* by a bar's standard deviation; the order's own goes before it */
	lem_optimal_close close;
	bool		impact;			/* square-root costs are part of the optimum */
	double		coefficient;	/* of them */
	double		size;			/* in a bar's mean volumes; < 0: the order's own */
	lem_optimum_source source;
} lem_optimal_options;

extern void lem_optimal_options_default(lem_optimal_options *options);

/*
 * The problem of an order, with what is known of the market before its bar `before` of the series;
 * sees and sigma: what the last price is, and how far it moves.  Errors: LEM_NO_CLOSES.
 */
extern lem_status lem_optimal_problem(const lem_optimal_options *options, const lem_order *order,
									  const lem_limits *limits, const lem_outlook *outlook,
									  const lem_last *last, lem_optimum_problem *problem,
									  lem_optimum_state *state, lem_fault *fault);

/* The last price before an order that has a window. */
extern lem_last lem_optimal_last(const lem_optimal_options *options, const lem_order *order,
								 const lem_series *series, const lem_window *window);

/*
 * Set an order up, but for its table.  Errors: LEM_NO_CLOSES.
 */
extern lem_status lem_optimal_begin(const lem_optimal_options *options, const lem_order *order,
									const lem_limits *limits, const lem_outlook *outlook,
									const lem_last *last, lem_optimal *optimal, lem_fault *fault);

/* Find its table, if it has one: LEM_OK or LEM_STOPPED. */
extern lem_status lem_optimal_find(const lem_optimum_source *source, lem_optimal *optimal);

#endif

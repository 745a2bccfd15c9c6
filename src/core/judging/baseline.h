/*
 * baseline.h: schedules without a model, to judge models by.
 *
 * All are causal, slice k being decided from bars before its own, and keep the order's limits.
 */
#ifndef LEM_BASELINE_H
#define LEM_BASELINE_H

#include "execution/schedule.h"
#include "execution/optimal.h"

typedef enum lem_baseline
{
	LEM_BASELINE_TWAP,			/* "twap": the same share in each bar */
	LEM_BASELINE_VWAP_CURVE,	/* "vwap_curve": in proportion to the volume usual at each time */
	LEM_BASELINE_ALMGREN_CHRISS,	/* "almgren_chriss": least cost and risk */
	LEM_BASELINE_STOP_RULE,		/* "stop_rule": the same share, and finish when ahead */
	LEM_BASELINE_OPTIMAL_STOP	/* "optimal_stop": the optimum where prices have no drift */
} lem_baseline;

#define LEM_BASELINES 5

/* Name of a baseline, and the other way round (-1: unknown). */
extern const char *lem_baseline_name(lem_baseline kind);
extern int	lem_baseline_find(const char *name);

/* Bars that an order without max_bars may use, where no model says. */
#define LEM_BASELINE_HORIZON 12

typedef struct lem_baseline_options
{
	double		c;				/* stop_rule: how far ahead, in a bar's standard deviations */
	double		risk_aversion;	/* almgren_chriss: lambda, by unit of money */
	lem_optimal_options optimal;
} lem_baseline_options;

extern void lem_baseline_options_default(lem_baseline_options *options);

/*
 * The horizon's units, from the outlook and the expected volumes (N) before the start, and the bars
 * that the slices trade in (market, N x 2: price, volume).
 *
 * twap: left / bars to go.
 * vwap_curve: left * volume of the bar / volume of the bars to go, as expected at the start.
 * almgren_chriss: with x(k) what is left before slice k of h, x(k + 1) / x(k) =
 *   sinh(kappa (h - k - 1)) / sinh(kappa (h - k)), cosh(kappa) = 1 + lambda sigma^2 / (2 eta),
 *   sigma = a bar's standard deviation of the price, eta = sigma / (a bar's mean volume): trading a
 *   bar's usual volume in one bar costs one standard deviation; no permanent impact.
 * stop_rule: as twap; once min_bars bars have passed, and the order (its done part at its own price,
 *   the rest at the last price) is ahead of the benchmark so far by more than c standard deviations
 *   of a bar, all that is left, as far as the limits allow.  Never early where the order tracks.
 * optimal_stop: see optimal.h; where the order tracks, as twap, or with VWAP as vwap_curve.  optimal
 *   is set up for the order; NULL for the others.
 */
extern void lem_baseline_units(lem_baseline kind, const lem_baseline_options *options,
							   const lem_order *order, const lem_limits *limits,
							   const lem_outlook *outlook, const double *volume,
							   const double *market, const lem_optimal *optimal, int64_t *units);

/* A config of windows for baselines alone: no network, n_ahead bars, other keys by default. */
extern void lem_baseline_config(lem_config *config, int n_ahead, int extra_features);

/*
 * Schedule an order, as lem_schedule does with a model; config is that of the windows.  slices has
 * room for N; count receives the horizon.  workspace: lem_baseline_workspace bytes, 64-byte aligned.
 */
extern size_t lem_baseline_workspace(const lem_config *config);
extern lem_status lem_baseline_schedule(lem_baseline kind, const lem_baseline_options *options,
										const lem_config *config, const lem_order *order,
										const lem_series *series, const lem_clock *clock,
										void *workspace, lem_slice *slices, int *count,
										lem_fault *fault);

/* What the value of finishing early is taken from. */
typedef struct lem_early_finish
{
	lem_optimum_problem problem;
	int			longest;		/* bars that the order can use at its least rate */
	bool		weighted;		/* by the volumes expected; else bars weigh the same */
	double		bps;			/* of a value of 1 sigma */
	double		money;
} lem_early_finish;

/*
 * The problem of an order that has not started, and the volumes (N) expected of its bars.
 * workspace, and errors, as lem_baseline_schedule.
 */
extern lem_status lem_early_finish_of(const lem_optimal_options *options,
									  const lem_config *config, const lem_order *order,
									  const lem_series *series, const lem_clock *clock,
									  void *workspace, double *volume, lem_early_finish *value,
									  lem_fault *fault);

#endif

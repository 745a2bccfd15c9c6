/* optimal.c: the exact optimum for an order over a series. */
#include <math.h>

#include "execution/optimal.h"
#include "orders/decide.h"

/* Costs are taken from 8 to the octave, so that few tables serve many orders. */
#define COSTS_AN_OCTAVE 8
#define LEAST_COST 1e-4

void
lem_optimal_options_default(lem_optimal_options *options)
{
	*options = (lem_optimal_options) {.risk_aversion = 1, .coefficient = 1, .size = -1};
}

/* The cost of trading all in a bar of mean volume, in sigma. */
static double
cost_of(const lem_optimal_options *options, const lem_order *order, const lem_outlook *outlook,
		double sigma)
{
	double		bars = options->size;
	double		cost;

	if (!options->impact || !(sigma > 0))
		return 0;
	if (bars < 0)
	{
		if (!(outlook->mean_volume > 0))
			return 0;
		bars = order->size / outlook->mean_volume;
		if (order->notional)
			bars /= outlook->price;
	}
	cost = options->coefficient * sqrt(bars) * outlook->rms / sigma;
	if (!(cost > LEAST_COST))
		return 0;
	return exp2(rint(log2(fmin(cost, 1e6)) * COSTS_AN_OCTAVE) / COSTS_AN_OCTAVE);
}

lem_status
lem_optimal_problem(const lem_optimal_options *options, const lem_order *order,
					const lem_limits *limits, const lem_outlook *outlook, const lem_last *last,
					lem_optimum_problem *problem, lem_optimum_state *state, lem_fault *fault)
{
	lem_optimum_sight sight = LEM_SEES_AVERAGE;
	const int	bars = lem_limits_horizon(limits, 0);	/* as expected at the start */
	double		sigma = last->rms;

	if (options->close == LEM_CLOSE_USED && !last->closes)
		return lem_fail(fault, LEM_NO_CLOSES, NULL, 0, 0);
	if (last->closes)
		sight = last->same ? LEM_SEES_LAST : LEM_SEES_CLOSE;
	else
		sigma *= sqrt(1.5);		/* averages of a bar move by less than closes */
	*problem = (lem_optimum_problem) {
		.bars = bars,
		.min_bars = limits->min_bars < bars ? limits->min_bars : bars,
		.min_rate = lem_units_share(limits->min_units),
		.max_rate = lem_units_share(limits->max_units),
		.risk_aversion = fmin(order->has_risk ? order->risk_aversion : options->risk_aversion,
							  LEM_OPTIMUM_MAX_AVERSION),
		.cost = cost_of(options, order, outlook, sigma),
		.sight = sight
	};
	lem_optimum_begin(state, order, sight, last->closes ? last->price : last->estimate, sigma);
	return LEM_OK;
}

lem_last
lem_optimal_last(const lem_optimal_options *options, const lem_order *order,
				 const lem_series *series, const lem_window *window)
{
	const size_t before = order->has_start ? lem_series_before(series, order->start_ts) : series->n;

	return lem_last_price(series, before, window->norm_window, options->close != LEM_CLOSE_UNUSED,
						  lem_window_returns(window));
}

lem_status
lem_optimal_begin(const lem_optimal_options *options, const lem_order *order,
				  const lem_limits *limits, const lem_outlook *outlook, const lem_last *last,
				  lem_optimal *optimal, lem_fault *fault)
{
	lem_status	status = lem_optimal_problem(options, order, limits, outlook, last,
											 &optimal->problem, &optimal->state, fault);

	optimal->mean_volume = outlook->mean_volume;
	optimal->early = order->min_bars > 0;
	optimal->table = NULL;
	return status;
}

lem_status
lem_optimal_find(const lem_optimum_source *source, lem_optimal *optimal)
{
	if (!optimal->early)
		return LEM_OK;
	optimal->table = source->find(source->arg, &optimal->problem);
	return optimal->table ? LEM_OK : LEM_STOPPED;
}

/* policy_loss.c: what a model on top of the exact optimum minimises. */
#include <math.h>
#include <string.h>

#include "training/policy_loss.h"

/* An order without a standard deviation is judged by this one: nothing is divided by 0. */
#define LEAST_SIGMA 1e-9

/* Risk aversions below count as none. */
#define LEAST_AVERSION 1e-3

/* The gain in sigma, and its derivatives by the shares (horizon); *bps in basis points. */
static double
gain(const lem_loss_options *options, const lem_policy_order *order, const lem_real *share,
	 const lem_real *market, double *slope, double *bps)
{
	const lem_execution e = {
		.n = order->horizon,
		.branch = order->min_bars - 1,
		.twap = order->twap,
		.notional = order->notional,
		.share = share,
		.stride = 1,
		.market = market
	};
	const double sigma = fmax(order->optimal.state.sigma, LEAST_SIGMA);
	const double sign = order->sell ? 1 : -1;
	const double mean = order->optimal.mean_volume;
	const double cost = order->optimal.problem.cost;
	double		u = sign * lem_execution_gain(options, &e, slope) / 100;

	*bps = 1e4 * u;
	u /= sigma;
	for (int k = 0; k < order->horizon; k++)
	{
		const double volume = order->market[2 * k + 1] / mean;
		const double a = fmax(share[k], 0);
		const double dear = cost > 0 && mean > 0 && volume > 0 ? cost / sqrt(volume) : cost;

		slope[k] *= sign / (100 * sigma);
		if (!(dear > 0))
			continue;
		u -= dear * a * sqrt(a);
		slope[k] -= 1.5 * dear * sqrt(a);
	}
	return u;
}

/* The loss of a gain, and its slope. */
static double
objective(const lem_loss_options *options, const lem_policy_order *order, double u, double *slope)
{
	const double gamma = order->optimal.problem.risk_aversion;
	double		exponent;
	double		value;

	if (!order->optimal.early)
	{
		*slope = u;
		return 0.5 * u * u;
	}
	if (options->objective == LEM_OBJECTIVE_SOFTPLUS)
	{
		*slope = -1 / (1 + exp(u));
		return fmax(-u, 0) + log1p(exp(-fabs(u)));
	}
	*slope = -1;
	if (options->objective == LEM_OBJECTIVE_MEAN || gamma < LEAST_AVERSION)
		return -u;
	exponent = gamma * (order->optimal.table->value - u);
	value = exp(fmin(exponent, LEM_ENTROPIC_STRAIGHT));
	*slope = -value;
	if (exponent > LEM_ENTROPIC_STRAIGHT)
		value *= 1 + exponent - LEM_ENTROPIC_STRAIGHT;
	return (value - 1) / gamma;
}

double
lem_policy_loss(const lem_config *config, const lem_loss_options *options, int n, double total,
				const lem_policy_order *orders, const int *sample, const lem_real *share,
				const lem_real *market, lem_real *dshare)
{
	const size_t steps = config->n_ahead;
	double		sum = 0;

	memset(dshare, 0, n * steps * sizeof(lem_real));
	for (int i = 0; i < n; i++)
	{
		double		slope[LEM_MAX_AHEAD];
		double		by_gain;
		double		bps;
		const double u = gain(options, &orders[i], share + i * steps,
							  market + (size_t) sample[i] * steps * 2, slope, &bps);

		sum += objective(options, &orders[i], u, &by_gain);
		for (int k = 0; k < orders[i].horizon; k++)
			dshare[i * steps + k] = (lem_real) (by_gain * slope[k] / total);
	}
	return sum / total;
}

double
lem_policy_judge(const lem_config *config, const lem_loss_options *options,
				 const lem_policy_order *order, const lem_real *share, const lem_real *market,
				 double *bps, double *u)
{
	lem_loss_options hard = *options;
	double		slope[LEM_MAX_AHEAD];
	double		by_gain;

	(void) config;
	hard.mask_slope = INFINITY;
	hard.mask_offset = LEM_NOTHING_LEFT;
	*u = gain(&hard, order, share, market, slope, bps);
	return objective(&hard, order, *u, &by_gain);
}

/* optimal_state.c: where an order stands. */
#include <math.h>

#include "optimum/optimal_state.h"

#define VOLUME_UNIT 0x1p-20

/* D without a standard deviation: as far as tables go, and farther. */
#define FAR 1e6

void
lem_optimum_begin(lem_optimum_state *state, const lem_order *order, lem_optimum_sight sight,
				  double last, double sigma)
{
	*state = (lem_optimum_state) {
		.sight = sight, .sell = order->sell, .twap = order->twap, .sigma = sigma,
		.base = last, .last = 1
	};
}

void
lem_optimum_see(lem_optimum_state *state, double price, double volume, double close)
{
	const double theta = 2 - sqrt(3);
	const double p = price / state->base;
	const double v = state->twap ? 1 : volume * VOLUME_UNIT;

	state->volume += v;
	state->volume_price += v * p;
	if (state->sight == LEM_SEES_AVERAGE)
		state->last = p + theta * (p - state->last);
	else if (isfinite(close))
		state->last = close / state->base;
	else
		state->last = p;
	state->bars++;
}

double
lem_optimum_ahead(const lem_optimum_state *state)
{
	double		ahead;

	if (state->volume <= 0 || !(state->last > 0))
		return 0;
	ahead = state->volume_price / state->volume / state->last - 1;
	if (state->sell)
		ahead = -ahead;
	if (ahead == 0)
		return 0;
	return state->sigma > 0 ? fmin(fmax(ahead / state->sigma, -FAR), FAR) : copysign(FAR, ahead);
}

double
lem_optimum_weight(const lem_optimum_state *state, double volume)
{
	const double v = state->twap ? 1 : volume * VOLUME_UNIT;

	if (state->volume <= 0)
		return 1;
	return v > 0 ? v / (state->volume + v) : 0;
}

double
lem_curve_share(const double *volume, int k, int horizon)
{
	double		most = 0;
	double		sum = 0;

	for (int j = k; j < horizon; j++)
		most = volume[j] > most ? volume[j] : most;
	if (most <= 0)
		return 1.0 / (horizon - k);
	for (int j = k; j < horizon; j++)
		sum += volume[j] / most;
	return volume[k] / most / sum;
}

double
lem_optimal_share(const lem_optimal *optimal, const lem_optimum_state *state, int k, int horizon,
				  double left, const double *volume)
{
	const double relative = optimal->mean_volume > 0 ? volume[k] / optimal->mean_volume : 1;
	double		after;

	if (!optimal->early)
		return state->twap ? left / (horizon - k) : left * lem_curve_share(volume, k, horizon);
	if (k >= optimal->problem.bars)
		return left;
	after = lem_optimum_left(optimal->table, k, left, lem_optimum_ahead(state),
							 lem_optimum_weight(state, volume[k]), relative, NULL);
	return left - after;
}

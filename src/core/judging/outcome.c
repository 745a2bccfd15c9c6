/* outcome.c: what executing a schedule came to. */
#include <math.h>

#include "judging/outcome.h"

/*
 * Shares are whole multiples of 2^-53 and weights of a benchmark are rounded in a few operations:
 * a smaller difference between the two is rounding.
 */
#define GRAIN 0x1p-50

/*
 * The most that impact can cost, in basis points: the whole price.  The laws of impact are for
 * orders that are a part of what trades; beyond it they know no end.
 */
#define MAX_IMPACT 1e4

double
lem_cost_bps(const lem_order *order, const lem_costs *costs, const lem_outlook *outlook, int n,
			 const double *share)
{
	double		bars;			/* the order, in mean volumes of a bar */
	double		impact = 0;

	if (costs->impact == LEM_IMPACT_NONE || outlook->mean_volume <= 0)
		return costs->fee_bps;
	bars = order->size / outlook->mean_volume;
	if (order->notional)
		bars /= outlook->price;
	if (costs->impact == LEM_IMPACT_SQRT)
	{
		for (int k = 0; k < n; k++)
			impact += share[k] * sqrt(share[k] * bars);
		impact *= outlook->rms;
	}
	else
	{
		const double daily = outlook->rms * sqrt(outlook->day_bars);

		for (int k = 0; k < n; k++)
			impact += share[k] * pow(share[k] * bars, 0.6);
		impact = daily * (LEM_ALMGREN_ETA * impact
						  + LEM_ALMGREN_GAMMA / 2 * bars / outlook->day_bars
						  * pow(costs->turnover_days, 0.25));
	}
	impact *= 1e4 * costs->coefficient;
	return costs->fee_bps + (impact < MAX_IMPACT ? impact : MAX_IMPACT);
}

/*
 * Each slice's share of the order as it is executed, into share; how many bars are active.
 */
static int
executed_shares(const lem_order *order, const lem_limits *limits, const double *market,
				const int64_t *units, double *share)
{
	const int	n = limits->horizon;
	const bool	lots = limits->size_lots > 0;
	const double whole = lots ? (double) limits->size_lots : 0x1p53;
	double		left = whole;
	bool		traded = false;
	int			active = 0;
	int64_t		units_so_far = 0;
	int64_t		lots_so_far = 0;

	for (int k = 0; k < n; k++)
	{
		share[k] = (double) units[k];
		if (lots)
		{
			int64_t		upto;

			units_so_far += units[k];
			upto = lem_order_lots(limits, units_so_far);
			share[k] = (double) (upto - lots_so_far);
			lots_so_far = upto;
		}
	}
	for (int k = 0; k < n; k++)
	{
		if (k < limits->min_bars || !traded || left > 0)
			active = k + 1;
		traded = traded || order->twap || market[2 * k + 1] > 0;
		left -= share[k];		/* exact: whole lots, or multiples of one grain */
		share[k] /= whole;
	}
	return active;
}

void
lem_outcome_of(const lem_order *order, const lem_limits *limits, const double *market,
			   const int64_t *units, const lem_costs *costs, const lem_outlook *outlook,
			   double *quantity, lem_outcome *outcome)
{
	double	   *share = quantity;
	const int	active = executed_shares(order, limits, market, units, share);
	double		most = 0;		/* volume of a bar: what sums are scaled by */
	double		sum_v = 0;
	double		sum_vp = 0;
	double		done = 0;		/* share that was executed */
	double		off = 0;		/* of the price, relative to the benchmark */

	outcome->bars_used = active;
	outcome->completion = 0;
	for (int k = 0; k < active; k++)
	{
		const double volume = market[2 * k + 1];

		most = volume > most ? volume : most;
		outcome->completion += volume > 0 ? share[k] : 0;
		done += share[k];
	}
	outcome->unallocated = limits->bounds ? lem_order_unallocated(order, limits, units) : 0;
	outcome->valid = (order->twap || most > 0) && done > 0;
	outcome->cost_bps = lem_cost_bps(order, costs, outlook, active, share);
	if (!outcome->valid)
		return;

	/* The price, and the costs, are those of what was executed. */
	if (limits->bounds && done < 1)
	{
		const double impact = (outcome->cost_bps - costs->fee_bps) / done;

		outcome->cost_bps = costs->fee_bps + (impact < MAX_IMPACT ? impact : MAX_IMPACT);
		for (int k = 0; k < active; k++)
			share[k] /= done;
	}

	for (int k = 0; k < active; k++)
	{
		const double weight = order->twap ? 1 : market[2 * k + 1] / most;

		sum_v += weight;
		sum_vp += weight * (market[2 * k] / market[0]);
	}
	outcome->benchmark = market[0] * (sum_vp / sum_v);

	/*
	 * By how much shares differ from the benchmark's own: for quantities the market's volumes, for
	 * notionals its turnovers.
	 */
	for (int k = 0; k < active; k++)
	{
		const double ratio = market[2 * k] / outcome->benchmark;
		const double weight = (order->twap ? 1 : market[2 * k + 1] / most) / sum_v;
		const double more = share[k] - (order->notional ? weight * ratio : weight);

		if (fabs(more) > GRAIN)
			off += order->notional ? more / ratio : more * ratio;
	}
	if (order->notional)
		off = -off / (1 + off);
	/* a sale brings nothing at worst */
	if (order->sell && outcome->cost_bps > 1e4 * (1 + off))
		outcome->cost_bps = 1e4 * (1 + off);
	outcome->bps = 1e4 * (order->sell ? off : -off) - outcome->cost_bps;
	if (order->sell && outcome->cost_bps == 1e4 * (1 + off))
		outcome->achieved = 0;
	else if (outcome->cost_bps == 0)
		outcome->achieved = outcome->benchmark * (1 + off);
	else
		outcome->achieved = outcome->benchmark
			* (1 + (order->sell ? outcome->bps : -outcome->bps) * 1e-4);
}

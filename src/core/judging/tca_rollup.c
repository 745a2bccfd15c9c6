/* tca_rollup.c: the figures of many orders, merged. */
#include "judging/tca.h"

static lem_status
add_sum(lem_sum_wide *sum, double x, lem_fault *fault)
{
	if (isnan(x))
		return LEM_OK;
	lem_wide_add(sum, x);
	return isfinite(sum->sum.high) ? LEM_OK : lem_fail(fault, LEM_OVERFLOW, NULL, 0, 0);
}

static lem_status
add_mean(lem_average *mean, double x, double weight, lem_fault *fault)
{
	return isnan(x) || isnan(weight) ? LEM_OK : lem_average_add(mean, x, weight, fault);
}

lem_status
lem_rollup_add(lem_rollup *rollup, const lem_tca *report, double duration, int n_markouts,
			   lem_weighting weighting, lem_fault *fault)
{
	const double ordered = report->quantity + report->unfilled;
	double		done_weight = report->executions > 0 ? 1 : 0;
	double		order_weight = 1;
	lem_status	status = LEM_OK;

	if (weighting == LEM_WEIGHT_QUANTITY)
	{
		done_weight = report->quantity;
		order_weight = ordered;
	}
	else if (weighting == LEM_WEIGHT_NOTIONAL)
	{
		/* money that changed hands, whichever way: prices may be negative */
		done_weight = fabs(report->notional);
		order_weight = ordered * fabs(report->price[LEM_ARRIVAL]);
	}
	rollup->orders++;
	rollup->executed += report->executions > 0;
	rollup->executions += report->executions;
	rollup->n_markouts = n_markouts;

#define SUM(which, x) \
	if (status == LEM_OK) \
		status = add_sum(&rollup->sums[which], (x), fault)
#define MEAN(which, x, weight) \
	if (status == LEM_OK) \
		status = add_mean(&rollup->means[which], (x), (weight), fault)
	SUM(LEM_SUM_QUANTITY, report->quantity);
	SUM(LEM_SUM_NOTIONAL, report->notional);
	SUM(LEM_SUM_UNFILLED, report->unfilled);
	SUM(LEM_SUM_MARKET_VOLUME, report->market_volume);
	SUM(LEM_SUM_FEES, report->fees);
	SUM(LEM_SUM_TOTAL, report->total);
	MEAN(LEM_MEAN_FEES, report->fees_bps, order_weight);
	MEAN(LEM_MEAN_TOTAL, report->total_bps, order_weight);
	MEAN(LEM_MEAN_FILL_RATE, report->fill_rate, order_weight);
	MEAN(LEM_MEAN_PARTICIPATION, report->participation, done_weight);
	MEAN(LEM_MEAN_DURATION, duration, done_weight);
	MEAN(LEM_MEAN_ADVANTAGE, report->advantage, done_weight);
	MEAN(LEM_MEAN_WINS, isnan(report->advantage) ? NAN : report->advantage > 0, done_weight);
	for (int i = 0; i < LEM_REFERENCES; i++)
	{
		SUM(LEM_SUM_COST + i, report->cost[i]);
		MEAN(LEM_MEAN_BPS + i, report->bps[i], done_weight);
	}
	for (int i = 0; i < LEM_SHORTFALL_PARTS; i++)
	{
		SUM(LEM_SUM_PART + i, report->part_cost[i]);
		MEAN(LEM_MEAN_PART + i, report->part_bps[i], order_weight);
	}
#undef SUM
#undef MEAN
	for (int i = 0; i < n_markouts && status == LEM_OK; i++)
		status = add_mean(&rollup->markouts[i], report->markouts[i], done_weight, fault);
	return status;
}

lem_status
lem_rollup_merge(lem_rollup *to, const lem_rollup *from, lem_fault *fault)
{
	lem_status	status = LEM_OK;

	to->orders += from->orders;
	to->executed += from->executed;
	to->executions += from->executions;
	if (from->orders > 0)
		to->n_markouts = from->n_markouts;
	for (int i = 0; i < LEM_SUMS; i++)
	{
		lem_wide_add_wide(&to->sums[i], from->sums[i].sum);
		if (!isfinite(to->sums[i].sum.high))
			return lem_fail(fault, LEM_OVERFLOW, NULL, 0, 0);
	}
	for (int i = 0; i < LEM_MEANS && status == LEM_OK; i++)
		status = lem_average_merge(&to->means[i], &from->means[i], fault);
	for (int i = 0; i < to->n_markouts && status == LEM_OK; i++)
		status = lem_average_merge(&to->markouts[i], &from->markouts[i], fault);
	return status;
}

/*
 * test_limits.c: schedules keep their orders' limits, whatever the order, the model and its
 * weights; orders that nothing could keep are refused.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "plans.h"

/* Is there a number of bars that fits both rates?  Exactly 1 / j does, and next to it nothing. */
static bool
rates_fit(const lem_order *order, int horizon, int min_bars, double slack)
{
	for (int j = min_bars; j <= horizon; j++)
		if (j * order->min_rate <= 1 + slack && j * order->max_rate >= 1 - slack)
			return true;
	return false;
}

/* What an order that cannot be kept must be told, if it cannot for more than rounding. */
static lem_status
infeasible_status(const lem_order *order, int n_ahead)
{
	const int	horizon = order->max_bars > 0 ? order->max_bars : n_ahead;
	const int	min_bars = order->min_bars > 0 ? order->min_bars : horizon;

	if (min_bars > horizon)
		return LEM_BAD_MIN_BARS;
	if (order->max_rate * horizon < 1 - 1e-8)
		return LEM_MAX_RATE_INFEASIBLE;
	if (order->min_rate * min_bars > 1 + 1e-8)
		return LEM_MIN_RATE_INFEASIBLE;
	return rates_fit(order, horizon, min_bars, 1e-8) ? LEM_OK : LEM_RATES_INFEASIBLE;
}

/* Limits that a schedule does not keep, by kind. */
typedef struct broken
{
	int			length;
	int			sum;
	int			rates;
	int			complete;
	int			min_bars;
	int			lots;
	int			size;
	int			share;
} broken;

/* What sums are taken of: lots, which are whole; without them the quantity itself. */
static double
lots_of(const lem_order *order, double quantity)
{
	return order->lot > 0 ? rint(quantity / order->lot) : quantity;
}

static void
check_plan(const plan *p, const lem_order *order, simulate_rates kind, int n_ahead, broken *count)
{
	const int	horizon = order->max_bars > 0 ? order->max_bars : n_ahead;
	const int	min_bars = order->min_bars > 0 ? order->min_bars : horizon;
	const double slack = kind == SIMULATE_RATES_FREE ? 0
		: kind == SIMULATE_RATES_FRACTION ? 1e-15 : 1.01e-9;
	double		forward = 0;
	double		backward = 0;
	double		quantity = 0;
	double		back_quantity = 0;
	int			active = 0;

	if (p->status != LEM_OK || p->n != horizon)
	{
		count->length++;
		return;
	}
	for (int k = 0; k < p->n; k++)
	{
		const lem_slice *slice = &p->slices[k];
		const bool	complete = forward == 1;
		const double even = slice->allocation * order->size;

		forward += slice->allocation;
		count->length += slice->step != k + 1;
		count->length += k > 0 && slice->ts <= p->slices[k - 1].ts;
		count->sum += slice->cumulative != forward;
		if (complete)
			count->complete += slice->allocation != 0 || slice->quantity != 0;
		else
		{
			active++;
			count->rates += !(slice->allocation >= order->min_rate * (1 - slack) &&
							  slice->allocation <= order->max_rate * (1 + slack));
		}
		quantity += lots_of(order, slice->quantity);
		count->share += !(slice->quantity >= 0 && fabs(slice->quantity - even)
						  <= (order->lot > 0 ? order->lot : 0) + order->size * 0x1p-51);
		if (order->lot > 0)
		{
			const double lots = slice->quantity / order->lot;

			count->lots += check_beyond(lots - rint(lots), 1e-9 * fmax(1, lots));
		}
	}
	for (int k = p->n - 1; k >= 0; k--)
	{
		backward += p->slices[k].allocation;
		back_quantity += lots_of(order, p->slices[k].quantity);
	}
	count->sum += forward != 1 || backward != 1;
	count->size += quantity != lots_of(order, order->size)
		|| back_quantity != lots_of(order, order->size);
	count->min_bars += order->min_rate > 0 && active < min_bars;
}

static void
test_constraints(void)
{
	static simulate_bars bars[8];
	static plan plans[PLAN_BATCH];
	lem_model	models[4];
	lem_series	series[PLAN_BATCH];
	lem_order	orders[PLAN_BATCH];
	simulate_rates rates[PLAN_BATCH];
	simulate_random random = {2024};
	broken		count = {0};
	int			kept = 0;
	int			refused = 0;
	int			wrong = 0;
	int			unnamed = 0;

	for (int m = 0; m < 4; m++)
	{
		lem_config	config = plan_small_config();
		float	  **parts;

		config.lookback = 3;
		config.n_ahead = m % 2 ? 12 : 5;
		config.hidden_size = 4;
		config.num_embedding = 2;
		config.fused_mlp_hidden_dim = 4;
		config.shared_heads = m < 2;
		config.finish_gate = m != 1;
		parts = golden_random_parts(&config, 7 + m);

		/* Weights that make the heads go to extremes. */
		for (int p = 1; m > 1 && p < lem_part_count(&config); p++)
			for (int64_t i = 0; i < lem_part_size(&config, p); i++)
				parts[p][i] *= 4;
		models[m] = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	}
	for (int s = 0; s < 8; s++)
		simulate_start(&bars[s], 50 + s, (simulate_market) (s % 4), 0, 80);

	for (int round = 0; kept < TRIALS(100000); round++)
	{
		const lem_model *model = &models[round % 4];
		const int	n_ahead = model->config.n_ahead;
		int			n = 0;
		int			failed = -1;

		while (n < PLAN_BATCH)
		{
			const simulate_bars *from = &bars[simulate_int(&random, 8)];
			lem_status	want;
			lem_limits	limits;
			int			first;

			rates[n] = simulate_order(&random, n_ahead, &orders[n]);
			orders[n].has_start = simulate_int(&random, 2);
			orders[n].start_ts = from->ts[60 + simulate_int(&random, 20)] - 1;
			series[n] = simulate_series(from, from->n, false);
			want = infeasible_status(&orders[n], n_ahead);

			/* Where nothing but rounding is in the way the answer is the order's check's. */
			if (want == LEM_OK && (rates[n] == SIMULATE_RATES_FREE ||
								   lem_order_check(&orders[n], n_ahead, &limits, NULL) == LEM_OK))
			{
				n++;
				continue;
			}
			refused++;
			first = n > 0 ? n - 1 : 0;
			wrong += want == LEM_OK || plan_orders(model, n - first + 1, orders + first,
												   series + first, plans, &failed) != want;
			unnamed += failed != n - first;
		}
		plan_orders(model, n, orders, series, plans, &failed);
		for (int i = 0; i < n; i++)
			check_plan(&plans[i], &orders[i], rates[i], n_ahead, &count);
		kept += n;
	}
	printf("# %d orders kept, %d refused\n", kept, refused);
	check_int(count.length, 0, "limits: %d schedules, of the right bars", kept);
	check_int(count.sum, 0, "limits: allocations sum to exactly 1, in either order");
	check_int(count.rates, 0, "limits: active slices lie between min_rate and max_rate");
	check_int(count.complete, 0, "limits: nothing is traded once the order is complete");
	check_int(count.min_bars, 0, "limits: the order is active for min_bars");
	check_int(count.lots, 0, "limits: lots are whole");
	check_int(count.size, 0, "limits: quantities sum to exactly the size, in either order");
	check_int(count.share, 0, "limits: a quantity is its share of the size, to a lot");
	check(refused > kept / 20, "limits: %d orders refused", refused);
	check_int(wrong, 0, "limits: infeasible orders are, for the right reason");
	check_int(unnamed, 0, "limits: the order that failed is named");
}

/* Weights that no import lets in, and numbers out of all proportion: still a schedule. */
static void
test_broken_weights(void)
{
	const float values[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0};
	static simulate_bars bars;
	simulate_random random = {5};

	simulate_start(&bars, 1, SIMULATE_HALTS, 0, 100);
	for (int v = 0; v < 6; v++)
	{
		lem_config	config = plan_small_config();
		float	  **parts;
		lem_model	model;
		broken		count = {0};

		config.shared_heads = v % 2;
		parts = golden_random_parts(&config, 3);
		for (int p = 0; p < lem_part_count(&config); p++)
			for (int64_t i = 0; i < lem_part_size(&config, p); i++)
				parts[p][i] = values[v];
		model = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
		for (int trial = 0; trial < 50; trial++)
		{
			lem_order	order;
			lem_limits	limits;
			simulate_rates kind;
			plan		p;

			do
				kind = simulate_order(&random, config.n_ahead, &order);
			while (lem_order_check(&order, config.n_ahead, &limits, NULL) != LEM_OK);
			p = plan_order(&model, &order, simulate_series(&bars, bars.n, false));
			check_plan(&p, &order, kind, config.n_ahead, &count);
		}
		check(count.length + count.sum + count.rates + count.complete + count.min_bars + count.lots
			  + count.size + count.share == 0, "all weights %g: limits are kept", values[v]);
		golden_free_parts(parts, &config);
	}
}

int
main(void)
{
	test_constraints();
	test_broken_weights();
	return check_done();
}

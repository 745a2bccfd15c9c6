/*
 * test_bounds.c: orders that the market bounds: participation, limit price, end, smallest child,
 * and fills that are not what was decided.
 */
#include <stdlib.h>

#include "check.h"
#include "judging/baseline.h"
#include "plans.h"

#define N 12
#define FIRST 600				/* bar that orders start in */

static lem_config config;
static void *workspace;

/* The schedule of an order over the first n bars. */
static lem_status
schedule(lem_baseline kind, const lem_order *order, const simulate_bars *bars, size_t n,
		 lem_slice *slices, int *count)
{
	const lem_series series = simulate_series(bars, n, false);
	lem_baseline_options options;
	lem_fault	fault;

	lem_baseline_options_default(&options);
	return lem_baseline_schedule(kind, &options, &config, order, &series, NULL, workspace, slices,
								 count, &fault);
}

/* What the bars' volumes were expected to be at the start. */
static void
expected_volumes(const lem_order *order, const simulate_bars *bars, double *volume)
{
	const lem_series series = simulate_series(bars, FIRST, false);
	double	   *scratch = malloc(lem_window_scratch(&config, NULL) * sizeof(double));
	lem_outlook outlook;
	lem_fault	fault;

	(void) lem_window_outlook(&config, &series, order, NULL, scratch, false, &outlook, volume,
							  &fault);
	free(scratch);
}

static bool
worse(const lem_order *order, double price)
{
	return order->sell ? price < order->limit_price : price > order->limit_price;
}

/* An order with some limits, of up to half of what bars trade. */
static lem_order
random_bounded(simulate_random *random, const simulate_bars *bars)
{
	const double price = bars->price[FIRST - 1];
	lem_order	order = {.max_rate = 1, .has_start = true, .best_effort = true};
	double		mean = 0;

	for (int i = FIRST - 48; i < FIRST; i++)
		mean += bars->volume[i] / 48;
	order.start_ts = bars->ts[FIRST];
	order.sell = simulate_int(random, 2);
	order.twap = simulate_int(random, 2);
	order.notional = simulate_int(random, 4) == 0;
	order.max_bars = simulate_int(random, 3) == 0 ? 1 + simulate_int(random, N) : 0;
	order.lot = simulate_int(random, 2) ? 1 : 0;
	order.size = 1 + floor(mean * N * (0.001 + 0.5 * simulate_real(random))
						   * (order.notional ? price : 1));
	if (simulate_int(random, 3))
		order.max_participation = 0.01 + 0.3 * simulate_real(random);
	if (simulate_int(random, 3) == 0)
		order.max_rate = 0.05 + 0.5 * simulate_real(random);
	if (simulate_int(random, 3) == 0)
	{
		order.has_limit = true;
		order.limit_price = price * (1 + 0.01 * simulate_normal(random));
	}
	if (simulate_int(random, 3) == 0)
	{
		order.has_end = true;
		order.end_ts = order.start_ts + (1 + simulate_int(random, N)) * SIMULATE_HOUR;
	}
	if (simulate_int(random, 3) == 0)
		order.min_quantity = 1 + floor(order.size * 0.1 * simulate_real(random));
	if (order.min_quantity > order.size)
		order.min_quantity = order.size;
	return order;
}

/* Limits that a slice broke, with what was known when it was told. */
static int
limits_broken(const lem_order *order, const lem_slice *slice, double last_price, double expected,
			  double left)
{
	const double q = slice->quantity;
	const double lot = order->lot;
	int			broken = 0;

	broken += !(q >= 0) || q > left + 1e-9 * order->size;
	broken += q > order->max_rate * order->size * (1 + 1e-12) + lot;
	if (order->max_participation > 0)
		broken += q > order->max_participation * expected * (order->notional ? last_price : 1)
			* (1 + 1e-12);
	if (order->has_limit && worse(order, last_price))
		broken += q != 0;
	if (order->has_end && slice->ts + SIMULATE_HOUR > order->end_ts)
		broken += q != 0;
	if (q != 0 && q < order->min_quantity * (1 - 1e-12))
		broken += check_beyond(q - left, 1e-9 * order->size);
	if (lot > 0)
		broken += q != floor(q);
	return broken;
}

/* Orders worked bar by bar, filled in part or not at all. */
static void
test_live(void)
{
	simulate_random random = {7};
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	int			broken = 0;
	int			failed = 0;
	int			moved = 0;
	int			unsaid = 0;
	int			off = 0;
	int			complete = 0;

	for (int trial = 0; trial < TRIALS(2000); trial++)
	{
		lem_order	order;
		lem_slice	slices[N];
		double		expected[N];
		double		executed[N];
		int64_t		decided[N];
		double		sum = 0;
		int			count = 0;
		int			horizon;

		simulate_start(bars, (uint64_t) trial, SIMULATE_ALWAYS, 0, FIRST + N);
		order = random_bounded(&random, bars);
		horizon = order.max_bars > 0 ? order.max_bars : N;
		expected_volumes(&order, bars, expected);
		order.tracked = true;
		order.decided = decided;
		order.executed = executed;
		for (int k = 0; k < horizon; k++)
		{
			const double last_price = bars->price[FIRST + k - 1];
			const lem_slice *slice = &slices[k];

			order.n_decided = order.n_executed = k;
			failed += schedule(LEM_BASELINE_VWAP_CURVE, &order, bars, FIRST + k, slices, &count)
				!= LEM_OK;
			if (k >= count)
				break;
			broken += limits_broken(&order, slice, last_price, expected[k], order.size - sum);
			for (int j = 0; j < k; j++)
				moved += check_beyond(slices[j].quantity - executed[j], 1e-9 * order.size);
			decided[k] = lem_share_units(slice->allocation);

			/* in full, in part, or nothing at all */
			executed[k] = slice->quantity;
			if (simulate_int(&random, 3) == 0)
				executed[k] *= simulate_real(&random);
			if (simulate_int(&random, 5) == 0)
				executed[k] = 0;
			if (order.lot > 0)
				executed[k] = floor(executed[k]);
			sum += executed[k];
			unsaid += slice->by == LEM_BOUND_NONE && k == horizon - 1 &&
				check_beyond(slice->quantity - (order.size - sum + executed[k]), 1e-9 * order.size) &&
				slice->quantity == 0;
		}
		complete += sum >= order.size * (1 - 1e-12);
		off += sum > order.size * (1 + 1e-12);
	}
	check_int(failed, 0, "orders with limits can be worked");
	check_int(broken, 0, "no slice breaks a limit, whatever was filled");
	check_int(moved, 0, "what was executed is what schedules show of completed bars");
	check_int(unsaid, 0, "a last slice of nothing says why");
	check_int(off, 0, "never more than the size");
	check(complete > TRIALS(2000) / 50, "some are completed all the same");
	free(bars);
}

/* What bars could take is executed: a schedule of completed bars is what was told live, and done. */
static void
test_held(void)
{
	simulate_random random = {8};
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	int			different = 0;
	int			exceeded = 0;
	int			short_of = 0;

	for (int trial = 0; trial < TRIALS(1000); trial++)
	{
		const lem_baseline kind = (lem_baseline) simulate_int(&random, LEM_BASELINES);
		lem_order	order;
		lem_slice	slices[N];
		lem_slice	whole[N];
		int64_t		decided[N];
		int			count;
		int			all;

		simulate_start(bars, (uint64_t) trial, trial % 2 ? SIMULATE_ALWAYS : SIMULATE_HALTS, 0,
					   FIRST + 2 * N);
		order = random_bounded(&random, bars);
		if (schedule(kind, &order, bars, FIRST + 2 * N, whole, &all) != LEM_OK)
			continue;
		order.decided = decided;
		for (size_t n = FIRST; n < FIRST + 2 * N; n++)
		{
			if (schedule(kind, &order, bars, n, slices, &count) != LEM_OK)
			{
				different++;
				break;
			}
			for (int k = 0; k < count; k++)
			{
				if (slices[k].state == LEM_SLICE_DONE)
					different += slices[k].allocation != whole[k].allocation;
				if (slices[k].state == LEM_SLICE_PROJECTED || k < order.n_decided)
					continue;
				order.n_decided = k + 1;
				decided[k] = lem_share_units(slices[k].allocation);
				if (slices[k].state == LEM_SLICE_NEXT && bars->ts[n] == whole[k].ts)
				{
					short_of += whole[k].quantity < slices[k].quantity;
					exceeded += whole[k].quantity > slices[k].quantity;
				}
			}
		}
		for (int k = 0; k < all; k++)
		{
			size_t		n = FIRST;
			double		most = order.size;

			while (n < FIRST + 2 * N && bars->ts[n] < whole[k].ts)
				n++;
			if (n == FIRST + 2 * N || bars->ts[n] != whole[k].ts)
				continue;
			if (order.max_participation > 0)
				most = order.max_participation * bars->volume[n]
					* (order.notional ? bars->price[n] : 1);
			if (order.has_limit && worse(&order, bars->price[n]))
				most = 0;
			exceeded += whole[k].quantity > most * (1 + 1e-12);
		}
	}
	check_int(different, 0, "done slices are what was told and the bars could take");
	check_int(exceeded, 0, "no bar takes more than its real volume and price allow");
	check(short_of > 100, "some take less than was told");
	free(bars);
}

/* What a halt kept is spread over the bars that remain. */
static void
test_halt(void)
{
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	lem_order	order = {.size = 1200, .lot = 1, .twap = true, .max_rate = 1, .has_start = true,
		.tracked = true};
	const double executed[4] = {100, 0, 0, 0};
	lem_slice	slices[N];
	int			count;
	int			uneven = 0;
	double		sum = 0;

	simulate_start(bars, 3, SIMULATE_ALWAYS, 0, FIRST + N);
	order.start_ts = bars->ts[FIRST];
	order.n_executed = 4;
	order.executed = executed;
	order.catch_up = true;
	check_int(schedule(LEM_BASELINE_TWAP, &order, bars, FIRST + 4, slices, &count), LEM_OK,
			  "an order goes on after a halt");
	for (int k = 4; k < N; k++)
		uneven += check_beyond(slices[k].quantity - 1100.0 / 8, 1);
	for (int k = 0; k < N; k++)
		sum += slices[k].quantity;
	check_int(uneven, 0, "what it missed is spread evenly");
	check(sum == order.size && slices[1].quantity == 0, "and completes it, to the lot");
	check_int(slices[1].by, LEM_BOUND_MISSED, "slices that were missed say so");

	/* More than was asked for, early: nothing is left to do, and nothing is negative. */
	{
		const double over[2] = {100, 1150};

		order.n_executed = 2;
		order.executed = over;
		check_int(schedule(LEM_BASELINE_TWAP, &order, bars, FIRST + 2, slices, &count), LEM_OK,
				  "an order that was overfilled");
		sum = 0;
		for (int k = 2; k < N; k++)
			sum += fabs(slices[k].quantity);
		check(sum == 0, "is told nothing more");
	}
	free(bars);
}

/* Orders that cannot be completed are refused at their start, unless they say best effort. */
static void
test_refused(void)
{
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	lem_order	order = {.size = 1, .max_rate = 1, .has_start = true};
	lem_slice	slices[N];
	double		expected[N];
	double		sum = 0;
	int			count;

	simulate_start(bars, 5, SIMULATE_ALWAYS, 0, FIRST + N);
	order.start_ts = bars->ts[FIRST];
	expected_volumes(&order, bars, expected);
	for (int k = 0; k < N; k++)
		sum += expected[k];
	order.max_participation = 0.1;
	order.size = 0.0999 * sum;
	check_int(schedule(LEM_BASELINE_VWAP_CURVE, &order, bars, FIRST, slices, &count), LEM_OK,
			  "an order just within its participation");
	order.size = 0.1001 * sum;
	check_int(schedule(LEM_BASELINE_VWAP_CURVE, &order, bars, FIRST, slices, &count),
			  LEM_PARTICIPATION_INFEASIBLE, "one that is not");
	order.best_effort = true;
	check_int(schedule(LEM_BASELINE_VWAP_CURVE, &order, bars, FIRST, slices, &count), LEM_OK,
			  "and with best effort");
	check(slices[N - 1].cumulative > 0.99 && slices[N - 1].cumulative < 1,
		  "which leaves what does not fit");
	check_int(slices[0].by, LEM_BOUND_PARTICIPATION, "and says what bound its slices");
	order.best_effort = false;
	order.max_participation = 0;
	order.has_end = true;
	order.end_ts = order.start_ts + SIMULATE_HOUR / 2;
	check_int(schedule(LEM_BASELINE_TWAP, &order, bars, FIRST, slices, &count),
			  LEM_END_INFEASIBLE, "an order without a bar before its end");
	order.end_ts = order.start_ts + 4 * SIMULATE_HOUR;
	check_int(schedule(LEM_BASELINE_TWAP, &order, bars, FIRST, slices, &count), LEM_OK,
			  "an order with an end");
	check(count == 4 && slices[3].cumulative == 1, "has the bars before it as its horizon");
	order.max_rate = 0.2;
	check_int(schedule(LEM_BASELINE_TWAP, &order, bars, FIRST, slices, &count),
			  LEM_MAX_RATE_INFEASIBLE, "which its rate must allow for");
	free(bars);
}

/* An order's horizon ends with its end, however many bars come after; what was decided stays. */
static void
test_end(void)
{
	static const int64_t decided[] = {LEM_UNITS / 8, LEM_UNITS / 8, LEM_UNITS / 8, LEM_UNITS / 8,
	LEM_UNITS / 8};
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	lem_order	order = {.size = 1, .sell = true, .twap = true, .max_rate = 1, .has_start = true,
		.has_end = true, .best_effort = true};
	lem_slice	slices[N];
	double		first = 0;
	bool		same = true;
	int			count;

	simulate_start(bars, 5, SIMULATE_ALWAYS, 0, FIRST + N);
	order.start_ts = bars->ts[FIRST];
	order.end_ts = order.start_ts + 4 * SIMULATE_HOUR;
	for (int n = 0; n <= N; n++)
	{
		check_int(schedule(LEM_BASELINE_ALMGREN_CHRISS, &order, bars, FIRST + n, slices, &count),
				  LEM_OK, "%d bars of an order with an end", n);
		same = same && count == 4 && (n == 0 || slices[0].allocation == first);
		first = slices[0].allocation;
	}
	check(same, "bars after an order's end add no slices, and change none");
	order.n_decided = 5;
	order.decided = decided;
	order.end_ts = order.start_ts + 2 * SIMULATE_HOUR;
	check_int(schedule(LEM_BASELINE_TWAP, &order, bars, FIRST + 6, slices, &count), LEM_OK,
			  "an end that was moved before what was decided");
	check(count == 5 && slices[4].cumulative == 0.25, "keeps its steps, and adds nothing");
	free(bars);
}

int
main(void)
{
	lem_baseline_config(&config, N, 0);
	config.norm_window = 48;
	workspace = plan_memory(lem_baseline_workspace(&config));
	test_live();
	test_held();
	test_halt();
	test_refused();
	test_end();
	free(workspace);
	return check_done();
}

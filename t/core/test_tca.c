/* test_tca.c: checks of transaction cost analysis by hand. */
#include "check.h"
#include "judging/tca.h"

#define HOUR INT64_C(3600000000)

static const int64_t bar_ts[] = {8 * HOUR, 9 * HOUR, 10 * HOUR, 11 * HOUR, 12 * HOUR, 13 * HOUR,
14 * HOUR, 24 * HOUR};
static const double bar_price[] = {98, 100, 101, 102, 102.5, 104, 105, 90};
static const double bar_volume[] = {1000, 1000, 500, 300, 0, 200, 1000, 500};
static const lem_series series = {
	.n = 8, .ts = bar_ts, .price = bar_price, .volume = bar_volume
};

static const int64_t fill_ts[] = {11 * HOUR + HOUR / 6, 12 * HOUR + HOUR / 2};
static const double fill_price[] = {102, 103};
static const double fill_quantity[] = {30, 30};
static const lem_executions fills = {2, fill_ts, fill_price, fill_quantity, NULL};
static const lem_executions none = {0, NULL, NULL, NULL, NULL};

static int
stop_now(void *arg)
{
	(void) arg;
	return 1;
}

static void
test_partly_filled(void)
{
	const lem_order order = {.size = 100, .has_start = true, .start_ts = 10 * HOUR, .max_bars = 4,
		.max_rate = 1};
	const int64_t horizons[] = {0, HOUR, 20 * HOUR};
	const lem_tca_options options = {.n_markouts = 3, .markouts = horizons};
	const lem_stop stop = {stop_now, NULL};
	lem_tca		r;
	lem_fault	fault;

	check_int(lem_tca_report(&order, &fills, &series, &options, NULL, &r, &fault), LEM_OK,
			  "a report");
	check(r.bars == 4 && r.quantity == 60 && r.notional == 6150 && r.unfilled == 40,
		  "what was done and left");
	check(r.achieved == 102.5 && r.price[LEM_ARRIVAL] == 100 && r.begin_price == 101 &&
		  r.end_price == 104, "prices of the order's times");
	check(r.price[LEM_INTERVAL_VWAP] == 101.9 && r.price[LEM_INTERVAL_TWAP] == 102.375 &&
		  r.price[LEM_DAY_VWAP] == 101.225, "averages of the market");
	check(r.price[LEM_OPEN] == 98 && r.price[LEM_CLOSE] == 105, "open and close");
	check(r.price[LEM_BEST] == 101 && r.price[LEM_WORST] == 104, "best and worst");
	check(r.part_cost[LEM_DELAY] == 60 && r.part_cost[LEM_TRADING] == 90 &&
		  r.part_cost[LEM_OPPORTUNITY] == 160 && r.part_cost[LEM_SHORTFALL] == 310,
		  "parts of the shortfall");
	check_near(r.part_bps[LEM_SHORTFALL], 310, 1e-9, "shortfall in basis points");
	check_near(r.bps[LEM_ARRIVAL], 250, 1e-9, "slippage against arrival");
	check_near(r.participation, 0.06, 1e-15, "participation");
	check_near(r.markouts[1], (0.5 * (102 + 102.5) / 102.5 - 1) * 1e4, 1e-9, "a markout");
	check(isnan(r.markouts[2]), "a markout beyond the bars");
	check_int(lem_tca_report(&order, &fills, &series, &options, &stop, &r, &fault), LEM_STOPPED,
			  "a report is stopped");
}

static void
test_edges(void)
{
	const lem_order order = {.size = 100, .sell = true, .has_start = true, .start_ts = 10 * HOUR,
		.max_rate = 1};
	const lem_series empty = {.n = 0};
	const lem_series one = {
		.n = 1, .ts = bar_ts, .price = bar_price, .volume = bar_volume
	};
	const lem_tca_options options = {0};
	const lem_tca_options until = {.has_until = true, .until = 12 * HOUR};
	lem_order	late = order;
	lem_tca		r;
	lem_fault	fault;

	check_int(lem_tca_report(&order, &none, &series, &until, NULL, &r, &fault), LEM_OK, "no fill");
	check(isnan(r.achieved) && isnan(r.bps[LEM_ARRIVAL]) && isnan(r.advantage) && r.bars == 2 &&
		  r.part_cost[LEM_OPPORTUNITY] == -200 && r.part_cost[LEM_SHORTFALL] == -200,
		  "opportunity is all there is");
	check_int(lem_tca_report(&order, &fills, &empty, &options, NULL, &r, &fault), LEM_OK,
			  "no bars");
	check(r.achieved == 102.5 && isnan(r.price[LEM_ARRIVAL]) && isnan(r.price[LEM_CLOSE]) &&
		  r.bars == 0, "what can be known without a market");
	check_int(lem_tca_report(&order, &fills, &one, &options, NULL, &r, &fault), LEM_NO_INTERVAL,
			  "one bar has no interval");
	late.start_ts = LEM_TIME_END - 1;
	check_int(lem_tca_report(&late, &none, &series, &options, NULL, &r, &fault), LEM_OK,
			  "an order at the end of time");
	check(r.bars == 0 && r.price[LEM_ARRIVAL] == 90 && isnan(r.price[LEM_OPEN]),
		  "has the last price as arrival, and no market");
	late.start_ts = LEM_TIME_MIN;
	check_int(lem_tca_report(&late, &none, &series, &options, NULL, &r, &fault), LEM_OK,
			  "an order at the beginning of time");
	check(r.bars == 8 && isnan(r.price[LEM_ARRIVAL]), "has no arrival price");
	check_int(lem_execution_check(0, 1, 0, NULL), LEM_OK, "an execution of nothing");
	check_int(lem_execution_check(0, NAN, 1, NULL), LEM_BAD_PRICE, "at no price");
	check_int(lem_execution_check(0, 0, 1, NULL), LEM_OK, "for nothing");
	check_int(lem_execution_check(7, 1, NAN, &fault), LEM_BAD_VOLUME, "of an unknown quantity");
	check(fault.ts == 7, "the fault names the time");
	check_int(lem_execution_check(INT64_MAX, 1, 1, NULL), LEM_TIME_RANGE, "at no time");
}

/* Reports merged at once, or in two halves. */
static void
test_rollup(void)
{
	const lem_order order = {.size = 60, .has_start = true, .start_ts = 10 * HOUR, .max_rate = 1};
	const lem_tca_options options = {0};
	lem_rollup	all = {0};
	lem_rollup	halves[2] = {{0}, {0}};
	lem_tca		r;
	lem_fault	fault;

	check_int(lem_tca_report(&order, &fills, &series, &options, NULL, &r, &fault), LEM_OK,
			  "a report to merge");
	for (int i = 0; i < 10; i++)
	{
		r.bps[LEM_ARRIVAL] = i % 3 == 0 ? NAN : i;
		r.advantage = i - 4;
		r.quantity = 1 + i;
		check_int(lem_rollup_add(&all, &r, 5, 0, LEM_WEIGHT_QUANTITY, &fault), LEM_OK,
				  "report %d", i);
		(void) lem_rollup_add(&halves[i % 2], &r, 5, 0, LEM_WEIGHT_QUANTITY, &fault);
	}
	check_int(lem_rollup_merge(&halves[0], &halves[1], &fault), LEM_OK, "halves");
	for (int k = 0; k < 2; k++)
	{
		const lem_rollup *rollup = k == 0 ? &all : &halves[0];
		double		bps;
		double		wins = NAN;

		check(lem_average_value(&rollup->means[LEM_MEAN_BPS + LEM_ARRIVAL], &bps) &&
			  lem_average_value(&rollup->means[LEM_MEAN_WINS], &wins), "means are known");
		check_near(bps, (2 * 1 + 3 * 2 + 5 * 4 + 6 * 5 + 8 * 7 + 9 * 8) / 33.0, 1e-12,
				   "a weighted mean of what is known");
		check_near(wins, (6 + 7 + 8 + 9 + 10) / 55.0, 1e-15, "the weighted win rate");
		check(rollup->orders == 10 && lem_wide_value(&rollup->sums[LEM_SUM_QUANTITY]) == 55,
			  "counts and sums");
	}
	r.quantity = -1;
	check_int(lem_rollup_add(&all, &r, 5, 0, LEM_WEIGHT_QUANTITY, &fault), LEM_BAD_VOLUME,
			  "a negative weight");
}

int
main(void)
{
	test_partly_filled();
	test_edges();
	test_rollup();
	return check_done();
}

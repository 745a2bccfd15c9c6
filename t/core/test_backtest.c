/*
 * test_backtest.c: outcomes, baselines, backtests and their intervals.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "judging/backtest.h"
#include "judging/summary.h"
#include "plans.h"
#include "tables.h"

#define HOUR SIMULATE_HOUR
#define STEPS 12

static const lem_costs free_of_cost = {.coefficient = 1, .turnover_days = 200};
static const lem_outlook outlook = {.price = 100, .mean_volume = 1000, .rms = 0.01,
	.day_bars = 24};

static lem_order
simple_order(bool sell, bool twap, bool notional, int min_bars)
{
	return (lem_order) {.size = 1000, .sell = sell, .twap = twap, .notional = notional,
		.min_bars = min_bars, .max_rate = 1};
}

/* Units in proportion to weights. */
static void
units_of(int n, const double *weight, int64_t *units)
{
	double		sum = 0;
	int64_t		left = LEM_UNITS;
	int			largest = 0;

	for (int k = 0; k < n; k++)
	{
		sum += weight[k];
		largest = weight[k] > weight[largest] ? k : largest;
	}
	for (int k = 0; k < n; k++)
	{
		units[k] = (int64_t) rint(weight[k] / sum * 0x1p53);
		left -= units[k];
	}
	units[largest] += left;
}

static lem_outcome
outcome_of(const lem_order *order, const double *market, const int64_t *units,
		   const lem_costs *costs)
{
	lem_limits	limits;
	lem_outcome outcome;
	double		quantity[STEPS];

	lem_order_check(order, STEPS, &limits, NULL);
	lem_outcome_of(order, &limits, market, units, costs, &outlook, quantity, &outcome);
	return outcome;
}

static void
random_market(simulate_random *random, double *market)
{
	for (int k = 0; k < STEPS; k++)
	{
		market[2 * k] = (k == 0 ? 100 : market[2 * k - 2]) * exp(0.01 * simulate_normal(random));
		market[2 * k + 1] = simulate_int(random, 6) == 0 ? 0 : 1000 * simulate_real(random);
	}
	market[2 * simulate_int(random, STEPS) + 1] = 10;
}

/* Schedules in a benchmark's own proportions gain exactly nothing. */
static void
test_exact(void)
{
	simulate_random random = {1};
	int			inexact = 0;

	for (int i = 0; i < 4000; i++)
	{
		const bool	twap = i % 2;
		const bool	notional = i / 2 % 2;
		const lem_order order = simple_order(i / 4 % 2, twap, notional, 0);
		double		market[2 * STEPS];
		double		weight[STEPS];
		int64_t		units[STEPS];
		lem_outcome outcome;

		random_market(&random, market);
		for (int k = 0; k < STEPS; k++)
			weight[k] = (twap ? 1 : market[2 * k + 1]) * (notional ? market[2 * k] : 1);
		units_of(STEPS, weight, units);
		outcome = outcome_of(&order, market, units, &free_of_cost);
		inexact += outcome.bps != 0 || outcome.achieved != outcome.benchmark || !outcome.valid;
	}
	check_int(inexact, 0, "schedules in the benchmark's proportions gain exactly 0");
}

/* Against the sums of the model page as they stand. */
static void
test_outcome(void)
{
	simulate_random random = {2};
	double		worst = 0;
	int			wrong_bars = 0;

	for (int i = 0; i < 4000; i++)
	{
		const int	min_bars = simulate_int(&random, STEPS + 1);
		const lem_order order = simple_order(i % 2, i / 2 % 2, i / 4 % 2, min_bars);
		const int	end = 1 + simulate_int(&random, STEPS);
		double		market[2 * STEPS];
		double		weight[STEPS] = {0};
		int64_t		units[STEPS];
		lem_outcome outcome;
		double		traded = 0;
		double		volume = 0;
		double		volume_price = 0;
		double		benchmark;
		double		achieved;
		double		bps;
		int			last;
		int			active = 0;

		random_market(&random, market);
		for (int k = 0; k < end; k++)
			weight[k] = simulate_int(&random, 3) == 0 ? 0 : simulate_real(&random);
		weight[end - 1] = 1;
		units_of(STEPS, weight, units);
		last = end;
		for (int k = 0; k < STEPS; k++)
		{
			if (!(k < (min_bars == 0 ? STEPS : min_bars) || k < last
				  || (!order.twap && volume == 0)))
				break;
			active++;
			traded += order.notional ? lem_units_share(units[k]) / market[2 * k]
				: lem_units_share(units[k]) * market[2 * k];
			volume += order.twap ? 1 : market[2 * k + 1];
			volume_price += (order.twap ? 1 : market[2 * k + 1]) * market[2 * k];
		}
		benchmark = volume_price / volume;
		achieved = order.notional ? 1 / traded : traded;
		bps = 1e4 * (achieved / benchmark - 1) * (order.sell ? 1 : -1);
		outcome = outcome_of(&order, market, units, &free_of_cost);
		wrong_bars += outcome.bars_used != active;
		worst = check_worse(worst, fabs(outcome.benchmark / benchmark - 1));
		worst = check_worse(worst, fabs(outcome.achieved / achieved - 1));
		worst = check_worse(worst, fabs(outcome.bps - bps) * 1e-4);
	}
	check_int(wrong_bars, 0, "bars in which an order is active");
	check_near(worst, 0, 1e-13, "achieved price, benchmark and gain as the model page has them");
}

static void
test_costs(void)
{
	const lem_costs sqrt_costs = {.fee_bps = 2, .impact = LEM_IMPACT_SQRT, .coefficient = 0.5};
	const lem_costs almgren = {.impact = LEM_IMPACT_ALMGREN, .coefficient = 1,
		.turnover_days = 256};
	const lem_outlook daily = {.price = 50, .mean_volume = 1.2e6 / 78, .rms = 0.02 / sqrt(78),
		.day_bars = 78};
	const lem_outlook silent = {.price = 50, .rms = 0.01};
	double		market[2 * STEPS];
	double		share[STEPS];
	int64_t		units[STEPS];
	lem_order	order = simple_order(false, true, false, 0);
	lem_outcome outcome;

	for (int k = 0; k < STEPS; k++)
	{
		market[2 * k] = 100;
		market[2 * k + 1] = 1000;
		share[k] = 1;
	}
	units_of(STEPS, share, units);
	/* 1,000 in 12 slices where a bar has 1,000: half a percent times sqrt(1 / 12), and the fee */
	outcome = outcome_of(&order, market, units, &sqrt_costs);
	check_near(outcome.cost_bps, 2 + 0.5 * 100 * sqrt(1.0 / STEPS), 1e-9, "square-root impact");
	check_near(outcome.bps, -outcome.cost_bps, 1e-9, "costs come off the gain");
	check_near(outcome.achieved, 100 * (1 + 1e-4 * outcome.cost_bps), 1e-9, "and are paid");
	order.sell = true;
	outcome = outcome_of(&order, market, units, &sqrt_costs);
	check_near(outcome.achieved, 100 * (1 - 1e-4 * outcome.cost_bps), 1e-9, "also by sellers");

	/* a million times what trades: no law of impact knows of it, and nobody pays for selling */
	order.size = 1e9;
	outcome = outcome_of(&order, market, units, &sqrt_costs);
	check(outcome.achieved == 0 && outcome.bps == -1e4, "a sale brings nothing at worst");
	order.sell = false;
	outcome = outcome_of(&order, market, units, &sqrt_costs);
	check_near(outcome.cost_bps, 2 + 1e4, 1e-9, "impact costs the whole price at most");
	check_near(outcome.achieved, 100 * (2 + 2e-4), 1e-9, "and twice the price is paid");

	/* a tenth of a day's volume, traded evenly over a day: their equations in days */
	order.size = 1.2e5;
	for (int k = 0; k < STEPS; k++)
		share[k] = 1.0 / 78;
	check_near(lem_cost_bps(&order, &almgren, &daily, STEPS, share),
			   1e4 * (0.314 / 2 * 0.02 * 0.1 * 4
					  + 0.142 * 0.02 * pow(0.1, 0.6) * STEPS / 78), 1e-9,
			   "impact of Almgren et al.");
	order.notional = true;
	order.size = 1.2e5 * 50;
	check_near(lem_cost_bps(&order, &almgren, &daily, STEPS, share),
			   1e4 * (0.314 / 2 * 0.02 * 0.1 * 4
					  + 0.142 * 0.02 * pow(0.1, 0.6) * STEPS / 78), 1e-9,
			   "and of a notional");
	check_near(lem_cost_bps(&order, &almgren, &silent, STEPS, share), 0, 0,
			   "no impact where there was no volume");
}

/* A market without drift, and a clock that ticks hours. */
#define LONG_BARS 30000

typedef struct long_bars
{
	int64_t		ts[LONG_BARS];
	double		price[LONG_BARS];
	double		volume[LONG_BARS];
	double		close[LONG_BARS];
} long_bars;

static lem_series
driftless(long_bars *bars, simulate_random *random, int n, double sigma)
{
	double		price = 100;

	for (int i = 0; i < n; i++)
	{
		price += 100 * sigma * simulate_normal(random);
		bars->ts[i] = i * HOUR;
		bars->price[i] = bars->close[i] = price;
		bars->volume[i] = 1000 * exp(0.5 * simulate_normal(random)
									 + cos(6.2831853 * (i % 24) / 24));
	}
	return (lem_series) {
		.n = n, .ts = bars->ts, .price = bars->price, .volume = bars->volume, .close = bars->close
	};
}

/* A backtest to its end: gains (n x strategies) and places; how many starts. */
static int
run_test(const lem_backtest *test, int batch, int most, lem_backtest_start *starts,
		 lem_outcome *outcomes, double *allocations, lem_status *status)
{
	const int	strategies = lem_backtest_strategies(test);
	const size_t bytes = lem_backtest_workspace(test, batch);
	void	   *workspace = plan_memory(bytes);
	lem_backtest_cursor cursor = {0};
	lem_fault	fault;
	int			done = 0;
	int			count;

	memset(workspace, 0xff, bytes);
	do
	{
		const size_t at = (size_t) done * strategies;

		*status = lem_backtest_run(test, &cursor, batch < most - done ? batch : most - done,
								   workspace, NULL, starts + done, outcomes + at,
								   allocations ? allocations + at * test->config->n_ahead : NULL,
								   &count, &fault);
		if (*status != LEM_OK)
			break;
		done += count;
	} while (count > 0 && done < most);
	free(workspace);
	return done;
}

/* Every row is what scheduling with that start gives, for all kinds of orders and models. */
static void
test_live(void)
{
	static simulate_bars bars;
	static lem_backtest_start starts[SIMULATE_BARS];
	static lem_outcome outcomes[SIMULATE_BARS];
	static double allocations[SIMULATE_BARS * PLAN_STEPS];
	simulate_random random = {3};
	int			rows = 0;
	int			differ = 0;
	int			failed = 0;

	for (int i = 0; i < TRIALS(40); i++)
	{
		lem_config	config = plan_small_config();
		lem_model	model;
		lem_backtest test;
		lem_series	series;
		lem_status	status;
		int			n;

		config.gaps = (lem_gaps) (i % 2);
		config.shared_heads = config.finish_gate = i / 2 % 2;
		model = golden_model(&config, golden_random_parts(&config, 50 + i % 4),
							 lem_kernels_select(), LEM_FORM_FORWARD);
		simulate_start(&bars, 500 + i, i % 2 ? SIMULATE_SESSIONS_HALTS : SIMULATE_HALTS, 0, 150);
		series = simulate_series(&bars, bars.n, false);
		lem_backtest_default(&test);
		test.model = &model;
		test.config = &model.config;
		test.series = &series;
		test.order = plan_feasible_order(&random, config.n_ahead);
		test.every = 1 + simulate_int(&random, 5);
		n = run_test(&test, 1 + simulate_int(&random, 30), SIMULATE_BARS, starts, outcomes,
					 allocations, &status);
		failed += status != LEM_OK;
		for (int j = 0; j < n; j++)
		{
			lem_order	order = test.order;
			plan		live;

			order.has_start = true;
			order.start_ts = starts[j].ts;
			live = plan_order(&model, &order, series);
			rows++;
			failed += live.status != LEM_OK;
			for (int k = 0; k < live.n; k++)
				differ += live.slices[k].allocation != allocations[j * config.n_ahead + k];
		}
	}
	check_int(failed, 0, "backtests run");
	check(rows > TRIALS(500), "starts enough: %d", rows);
	check_int(differ, 0, "slices of a backtest are those of the schedule with that start");
}

/* The paper's alignment reads what the schedule of a bar later would, and says no more starts. */
static void
test_paper(void)
{
	static simulate_bars bars;
	static lem_backtest_start starts[2][SIMULATE_BARS];
	static lem_outcome outcomes[2][SIMULATE_BARS];
	static double allocations[2][SIMULATE_BARS * PLAN_STEPS];
	lem_config	config = plan_small_config();
	lem_model	model = golden_model(&config, golden_random_parts(&config, 7),
									 lem_kernels_select(), LEM_FORM_FORWARD);
	lem_series	series;
	lem_backtest test;
	lem_status	status;
	int			n[2];
	int			differ = 0;
	int			same = 0;

	simulate_start(&bars, 9, SIMULATE_ALWAYS, 0, 120);
	series = simulate_series(&bars, bars.n, false);
	lem_backtest_default(&test);
	test.model = &model;
	test.config = &model.config;
	test.series = &series;
	test.order = simple_order(true, false, false, 2);
	for (int a = 0; a < 2; a++)
	{
		test.alignment = (lem_alignment) a;
		n[a] = run_test(&test, 16, SIMULATE_BARS, starts[a], outcomes[a], allocations[a], &status);
	}
	check(n[0] == n[1] && n[0] > 50, "as many starts in both alignments");
	for (int i = 0; i + 1 < n[0]; i++)
		for (int k = 0; k < config.n_ahead; k++)
		{
			differ += allocations[1][i * config.n_ahead + k]
				!= allocations[0][(i + 1) * config.n_ahead + k];
			same += allocations[1][i * config.n_ahead + k] == allocations[0][i * config.n_ahead + k];
		}
	check_int(differ, 0, "aligned as the paper: the slices of a bar later");
	check(same < (n[0] - 1) * config.n_ahead, "which are others");
}

/* Baselines are causal: what a slice is depends on no later bar. */
static void
test_causal(void)
{
	simulate_random random = {11};
	lem_baseline_options options;
	int			changed = 0;
	int			broken = 0;

	lem_baseline_options_default(&options);
	options.optimal.source = tables_source();
	for (int i = 0; i < TRIALS(4000); i++)
	{
		const lem_baseline kind = (lem_baseline) (i % LEM_BASELINES);
		const lem_order order = plan_feasible_order(&random, STEPS);
		const int	from = simulate_int(&random, STEPS);
		double		volume[STEPS];
		double		market[2 * STEPS];
		int64_t		units[2][STEPS];
		int64_t		sum = 0;
		double		close[STEPS];
		lem_optimal optimal = {.close = close};
		lem_limits	limits;

		lem_order_check(&order, STEPS, &limits, NULL);
		random_market(&random, market);
		if (kind == LEM_BASELINE_OPTIMAL_STOP)
		{
			const lem_last last = {
				.price = market[0], .rms = 0.01, .estimate = market[0],
				.closes = i % 3 > 0, .same = i % 3 == 1
			};
			lem_optimum_problem problem;

			options.optimal.impact = simulate_int(&random, 2);
			lem_optimal_problem(&options.optimal, &order, &limits, &outlook, &last, &problem,
								&optimal.state, NULL);
			if (order.min_bars > 0)
				optimal.table = options.optimal.source.find(NULL, &problem);
		}
		for (int k = 0; k < STEPS; k++)
			close[k] = i % 3 > 0 ? market[2 * k] * exp(0.01 * simulate_normal(&random)) : NAN;
		for (int k = 0; k < STEPS; k++)
			volume[k] = simulate_int(&random, 5) == 0 ? 0 : simulate_real(&random);
		lem_baseline_units(kind, &options, &order, &limits, &outlook, volume, market, &optimal,
						   units[0]);
		for (int k = from; k < STEPS; k++)
		{
			market[2 * k] *= exp(simulate_normal(&random));
			market[2 * k + 1] = 5000 * simulate_real(&random);
			close[k] *= exp(simulate_normal(&random));
		}
		lem_baseline_units(kind, &options, &order, &limits, &outlook, volume, market, &optimal,
						   units[1]);
		for (int k = 0; k <= from && k < limits.horizon; k++)
			changed += units[0][k] != units[1][k];
		for (int k = 0; k < limits.horizon; k++)
		{
			sum += units[0][k];
			broken += units[0][k] > limits.max_units || units[0][k] < 0;
		}
		broken += sum != LEM_UNITS;
	}
	check_int(changed, 0, "no slice of a baseline depends on its own bar or a later one");
	check_int(broken, 0, "baselines keep the limits, and complete orders");
}

/* What Almgren and Chriss' schedule is, from their closed form. */
static void
test_almgren_chriss(void)
{
	const lem_order order = simple_order(true, false, false, 0);
	lem_baseline_options options;
	lem_limits	limits;
	double		market[2 * STEPS];
	double		worst = 0;
	int64_t		units[STEPS];

	lem_baseline_options_default(&options);
	lem_order_check(&order, STEPS, &limits, NULL);
	for (int k = 0; k < STEPS; k++)
		market[2 * k] = market[2 * k + 1] = 100;
	for (int i = 0; i < 8; i++)
	{
		/* sigma = 1, eta = 1 / 1000: kappa~^2 = 1000 lambda */
		const double lambda = pow(10, i - 8);
		const double kappa = acosh(1 + 1000 * lambda / 2);
		double		left = 1;

		options.risk_aversion = lambda;
		lem_baseline_units(LEM_BASELINE_ALMGREN_CHRISS, &options, &order, &limits, &outlook, NULL,
						   market, NULL, units);
		for (int k = 0; k < STEPS; k++)
		{
			left -= lem_units_share(units[k]);
			worst = check_worse(worst, fabs(left - sinh(kappa * (STEPS - 1 - k)) / sinh(kappa * STEPS)));
		}
	}
	check_near(worst, 0, 1e-9, "Almgren and Chriss' holdings");
}

/*
 * Driftless bars: nothing gains beyond the value of finishing early.  Optimum for 12 bars, a
 * risk-neutral seller against TWAP, in standard deviations of a bar's price change.
 */
static void
test_no_skill(long_bars *bars)
{
	static const int min_bars[] = {3, 6, 9, 12};
	static const double optimum[] = {0.299, 0.257, 0.146, 0};
	static lem_backtest_start starts[LONG_BARS];
	static lem_outcome outcomes[LONG_BARS * LEM_BASELINES];
	static double gains[LONG_BARS * LEM_BASELINES];
	static int64_t places[LONG_BARS];
	const double sigma = 1e-4;	/* small, so that prices stay about 100 */
	simulate_random random = {12};
	lem_series	series = driftless(bars, &random, TRIALS(LONG_BARS), sigma);
	lem_config	config;
	lem_backtest test;

	lem_baseline_config(&config, STEPS, 0);
	config.norm_window = 48;
	lem_backtest_default(&test);
	test.config = &config;
	test.series = &series;
	test.n_baselines = LEM_BASELINES;
	for (int b = 0; b < LEM_BASELINES; b++)
		test.baseline[b] = (lem_baseline) b;
	test.baselines.optimal.source = tables_source();
	test.baselines.optimal.risk_aversion = 0;
	for (int i = 0; i < 4; i++)
	{
		lem_status	status;
		int			n;

		test.order = simple_order(true, true, false, min_bars[i]);
		n = run_test(&test, 64, LONG_BARS, starts, outcomes, NULL, &status);
		for (int j = 0; j < n; j++)
			places[j] = starts[j].bar;
		for (int j = 0; j < n * LEM_BASELINES; j++)
			gains[j] = outcomes[j].bps / (1e4 * sigma);
		for (int b = 0; b < LEM_BASELINES; b++)
		{
			const bool	early = b == LEM_BASELINE_STOP_RULE || b == LEM_BASELINE_OPTIMAL_STOP;
			const double most = early ? optimum[i] : 0;
			lem_interval interval;

			lem_interval_of(n, gains + b, LEM_BASELINES, places, STEPS, 1, &interval);
			check(interval.mean - 2 * interval.error <= most,
				  "no skill without drift: %s from %d bars, %.3f +- %.3f (at most %.3f)",
				  lem_baseline_name((lem_baseline) b), min_bars[i], interval.mean,
				  interval.error, most);
			if (b == LEM_BASELINE_STOP_RULE && i < 3)
				check(interval.low > 0, "finishing early has its value");
			if (b == LEM_BASELINE_OPTIMAL_STOP)
				check(interval.mean + 3 * interval.error >= most,
					  "optimal_stop earns the optimum from %d bars, %.3f +- %.3f of %.3f",
					  min_bars[i], interval.mean, interval.error, most);
		}
	}
}

/* Nor does a model that was trained on nothing; with any weights it could only be luck. */
static void
test_no_skill_model(long_bars *bars)
{
	static const int min_bars[] = {3, 12};
	static const double optimum[] = {0.299, 0};
	static lem_backtest_start starts[LONG_BARS];
	static lem_outcome outcomes[LONG_BARS];
	static double gains[LONG_BARS];
	static int64_t places[LONG_BARS];
	const double sigma = 1e-4;
	simulate_random random = {15};
	lem_series	series = driftless(bars, &random, TRIALS(6000), sigma);
	lem_config	config = plan_small_config();
	lem_model	model;
	lem_backtest test;

	config.n_ahead = STEPS;
	config.finish_gate = true;
	config.shared_heads = true;
	model = golden_model(&config, golden_random_parts(&config, 60), lem_kernels_select(),
						 LEM_FORM_FORWARD);
	lem_backtest_default(&test);
	test.model = &model;
	test.config = &model.config;
	test.series = &series;
	for (int i = 0; i < 2; i++)
	{
		lem_interval interval;
		lem_status	status;
		int			n;

		test.order = simple_order(true, true, false, min_bars[i]);
		n = run_test(&test, 64, LONG_BARS, starts, outcomes, NULL, &status);
		for (int j = 0; j < n; j++)
		{
			places[j] = starts[j].bar;
			gains[j] = outcomes[j].bps / (1e4 * sigma);
		}
		lem_interval_of(n, gains, 1, places, STEPS, 1, &interval);
		check(interval.mean - 2 * interval.error <= optimum[i],
			  "no skill without drift: a model from %d bars, %.3f +- %.3f (at most %.3f)",
			  min_bars[i], interval.mean, interval.error, optimum[i]);
	}
}

/*
 * Intervals cover 0 where it is the truth: a TWAP against VWAP whose volumes have nothing to do with
 * the prices, from every start and every fifth, and its paired difference to the volume curve.  Of
 * 3,000 repetitions 2,843, 2,841 and 2,857 did.
 */
static void
test_coverage(long_bars *bars)
{
	enum
	{
		REPETITIONS = 400, BARS = 1200
	};
	static lem_backtest_start starts[BARS];
	static lem_outcome outcomes[2 * BARS];
	static double gains[2 * BARS];
	static double differences[BARS];
	static int64_t places[BARS];
	static const char *const names[3] = {"every start", "every fifth start", "paired difference"};
	simulate_random random = {17};
	lem_config	config;
	int			covered[3] = {0};
	int			tried[3] = {0};

	lem_baseline_config(&config, STEPS, 0);
	config.norm_window = 24;
	for (int r = 0; r < TRIALS(REPETITIONS); r++)
	{
		lem_series	series = driftless(bars, &random, BARS, 1e-4);
		lem_backtest test;
		lem_status	status;

		lem_backtest_default(&test);
		test.config = &config;
		test.series = &series;
		test.n_baselines = 2;
		test.baseline[0] = LEM_BASELINE_TWAP;
		test.baseline[1] = LEM_BASELINE_VWAP_CURVE;
		test.order = simple_order(r % 2, false, false, 0);
		for (int c = 0; c < 2; c++)
		{
			lem_interval interval;
			int			n;

			test.every = c == 0 ? 1 : 5;
			n = run_test(&test, 64, BARS, starts, outcomes, NULL, &status);
			for (int i = 0; i < n; i++)
			{
				places[i] = starts[i].bar;
				gains[i] = outcomes[2 * i].bps;
				differences[i] = outcomes[2 * i].bps - outcomes[2 * i + 1].bps;
			}
			lem_interval_of(n, gains, 1, places, STEPS, test.every, &interval);
			tried[c] += interval.valid;
			covered[c] += interval.valid && interval.low <= 0 && interval.high >= 0;
			if (c == 1)
				continue;
			lem_interval_of(n, differences, 1, places, STEPS, test.every, &interval);
			tried[2] += interval.valid;
			covered[2] += interval.valid && interval.low <= 0 && interval.high >= 0;
		}
	}
	for (int c = 0; c < 3; c++)
	{
		check_int(tried[c], TRIALS(REPETITIONS), "intervals, %s", names[c]);
		if (TRIALS(REPETITIONS) == REPETITIONS)
			check(covered[c] >= 0.93 * REPETITIONS && covered[c] <= 0.97 * REPETITIONS,
				  "95 %% intervals cover the truth in %d of %d, %s", covered[c], REPETITIONS,
				  names[c]);
	}
}

/* Figures of numbers known by heart. */
static void
test_figures(void)
{
	double		x[101];
	double		scratch[101];
	int64_t		place[101];
	lem_figures figures;

	for (int i = 0; i < 101; i++)
	{
		x[i] = (i * 37) % 101 - 20;
		place[i] = i;
	}
	lem_figures_of(101, x, 1, place, 2, 1, scratch, NULL, &figures);
	check_near(figures.gain.mean, 30, 1e-12, "mean");
	check_near(figures.deviation, sqrt(101 * 102 / 12.0), 1e-9, "standard deviation");
	check(figures.median == 30 && figures.p5 == -15 && figures.p25 == 5 && figures.p75 == 55 &&
		  figures.p95 == 75, "percentiles");
	check_near(figures.win_rate, 80.0 / 101, 1e-12, "win rate");
	check(figures.gain.valid && figures.gain.low < 30 && figures.gain.high > 30, "interval");
	lem_figures_of(1, x, 1, place, 2, 1, scratch, NULL, &figures);
	check(!figures.gain.valid && figures.median == x[0] && figures.deviation == 0, "one start");
	for (int i = 0; i < 101; i++)
		x[i] = 0.1;
	lem_figures_of(101, x, 1, place, 2, 1, scratch, NULL, &figures);
	check(!figures.gain.valid, "no interval where nothing varies");
}

/*
 * Numbers of several series that go together at each time: pooled, they say no more than their mean
 * at each time does.
 */
static void
test_pooled(void)
{
	enum
	{
		TIMES = 600, SERIES = 4
	};
	static double x[TIMES * SERIES];
	static int64_t ts[TIMES * SERIES];
	static double mean[TIMES];
	static int64_t place[TIMES];
	simulate_random random = {16};
	lem_interval pooled;
	lem_interval single;
	double		deviation;

	for (int i = 0; i < TIMES; i++)
	{
		const double common = simulate_normal(&random);

		mean[i] = 0;
		place[i] = i;
		for (int j = 0; j < SERIES; j++)
		{
			x[i * SERIES + j] = common + 0.3 * simulate_normal(&random);
			ts[i * SERIES + j] = i * HOUR;
			mean[i] += x[i * SERIES + j] / SERIES;
		}
	}
	lem_interval_pooled(TIMES * SERIES, x, ts, 6 * HOUR, &deviation, &pooled);
	lem_interval_of(TIMES, mean, 1, place, 6, 1, &single);
	check_near(pooled.mean, single.mean, 1e-12, "mean of pooled series");
	check_near(pooled.error, single.error, 1e-12, "its error is that of the means at each time");
	check_near(pooled.low, single.low, 1e-12, "and so is its interval");
	check(deviation > 0.9 && deviation < 1.2, "deviation of pooled series");
	lem_interval_pooled(SERIES * 19, x, ts, 6 * HOUR, &deviation, &pooled);
	check(!pooled.valid, "no interval from few times, however many series");
	lem_interval_pooled(1, x, ts, 6 * HOUR, &deviation, &pooled);
	check(!pooled.valid && pooled.mean == x[0], "one number");
}

int
main(void)
{
	static long_bars bars;

	test_exact();
	test_outcome();
	test_costs();
	test_live();
	test_paper();
	test_causal();
	test_almgren_chriss();
	test_figures();
	test_pooled();
	test_no_skill(&bars);
	test_no_skill_model(&bars);
	test_coverage(&bars);
	return check_done();
}

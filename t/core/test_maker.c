/* test_maker.c: quotes, fills, runs and baselines of market making. */
#include <stdlib.h>

#include "base/random.h"
#include "books.h"
#include "check.h"
#include "making/figures.h"
#include "market/feature.h"

#define MOST 200000

static double wealth[MOST];
static lem_maker_forecast forecasts[MOST];

static lem_quoting
quoting_of(double tick, double lot, double limit)
{
	lem_quoting q;

	lem_quoting_default(&q);
	q.tick = tick;
	q.lot = lot;
	q.max_position = limit;
	return q;
}

/* Whole ticks, whole lots, distinct and falling prices, limits and post-only: any plan. */
static void
test_quotes(void)
{
	int			bad_price = 0;
	int			bad_lot = 0;
	int			crossing = 0;
	int			beyond = 0;
	int			unsorted = 0;
	int			made = 0;
	lem_quote	quotes[2 * LEM_MAX_LEVELS];

	for (int trial = 0; trial < 20000; trial++)
	{
		static const double ticks[] = {0.01, 0.25, 1, 0.0001, 1.0 / 3};
		static const double lots[] = {1, 0.1, 100, 0.001};
		const double tick = ticks[trial % 5];
		const double lot = lots[trial % 4];
		const double mid = exp(3 * lem_random_normal(1, 1, trial));
		lem_quoting q = quoting_of(tick, lot, lot * (double) lem_random_below(1, 2, trial, 40));
		lem_quote_plan plan = {
			.centre = mid * (1 + 0.1 * lem_random_normal(1, 3, trial)),
			.bid_distance = mid * 0.02 * lem_random_normal(1, 4, trial),
			.ask_distance = mid * 0.02 * lem_random_normal(1, 5, trial),
			.spacing = mid * 0.01 * lem_random_uniform(1, 6, trial),
			.bid_volume = lot * 100 * lem_random_uniform(1, 7, trial),
			.ask_volume = lot * 100 * lem_random_uniform(1, 8, trial),
			.best_bid = mid * (1 - 0.01 * lem_random_uniform(1, 9, trial)),
			.best_ask = mid * (1 + 0.01 * lem_random_uniform(1, 10, trial)),
		};
		double		sums[2] = {0};
		double		before[2] = {INFINITY, -INFINITY};
		int			n;

		q.levels = 1 + trial % LEM_MAX_LEVELS;
		q.size_step = lot * lem_random_normal(1, 11, trial);
		plan.position = q.max_position * (2 * lem_random_uniform(1, 12, trial) - 1);
		plan.position = lem_multiple(lem_units_down(plan.position, lot), lot);
		plan.most = plan.least = plan.position;
		n = lem_quote_make(&q, &plan, quotes);
		made += n;
		for (int i = 0; i < n; i++)
		{
			const lem_quote *quote = &quotes[i];

			bad_price += fabs(quote->price / tick - rint(quote->price / tick)) > 1e-6 ||
				!(quote->price > 0);
			bad_lot += fabs(quote->quantity / lot - rint(quote->quantity / lot)) > 1e-6 ||
				!(quote->quantity > 0);
			crossing += quote->ask ? quote->price <= plan.best_bid : quote->price >= plan.best_ask;
			unsorted += quote->ask ? quote->price <= before[1] : quote->price >= before[0];
			before[quote->ask] = quote->price;
			sums[quote->ask] += quote->quantity;
		}
		beyond += plan.position + sums[0] > q.max_position + 1e-9 * lot ||
			plan.position - sums[1] < -q.max_position - 1e-9 * lot;
	}
	check(made > 100000, "there are quotes to look at");
	check_int(bad_price, 0, "prices are whole ticks above 0");
	check_int(bad_lot, 0, "sizes are whole lots above 0");
	check_int(crossing, 0, "no quote goes through the market");
	check_int(beyond, 0, "no fill goes beyond the limit of the position");
	check_int(unsorted, 0, "levels have prices of their own");
	check_near(lem_multiple(10014, 0.01), 100.14, 0, "a tick of 0.01 gives clean decimals");
}

/* One plan by hand: mid 100, delta0 0.05, Delta 0.02, Q 9 in three levels that grow by 1. */
static void
test_plan(void)
{
	lem_quoting q = quoting_of(0.01, 1, 10);
	lem_quote_plan plan = {
		.centre = 100, .bid_distance = 0.05, .ask_distance = 0.05, .spacing = 0.02,
		.bid_volume = 9, .ask_volume = 9, .best_bid = 99.99, .best_ask = 100.01
	};
	static const struct
	{
		double		price;
		double		quantity;
	}			want[] = {{99.95, 2}, {99.93, 3}, {99.91, 4}, {100.05, 2}, {100.07, 3}, {100.09, 4}};
	lem_quote	quotes[2 * LEM_MAX_LEVELS];
	lem_fault	fault;

	q.levels = 3;
	q.size_step = 1;
	check_int(lem_quoting_check(&q, &fault), LEM_OK, "a quoting that is good");
	check_int(lem_quote_make(&q, &plan, quotes), 6, "three levels a side");
	for (int i = 0; i < 6; i++)
		check(quotes[i].price == want[i].price && quotes[i].quantity == want[i].quantity,
			  "quote %d is what it is by hand", i);
	/* half long: bids are half as large, asks stay */
	plan.position = plan.most = plan.least = 5;
	check_int(lem_quote_make(&q, &plan, quotes), 5, "half long: Q of bids 4.5, levels 0, 1, 2");
	check(quotes[0].quantity == 1 && quotes[0].level == 1 && quotes[1].quantity == 2,
		  "lots are rounded down");
	plan.position = plan.most = plan.least = 10;
	check_int(lem_quote_make(&q, &plan, quotes), 3, "at the limit: asks only");
	check(quotes[0].ask, "asks");
	plan.centre = NAN;
	check_int(lem_quote_make(&q, &plan, quotes), 0, "no quotes around NaN");
	q.tick = 0;
	check_int(lem_quoting_check(&q, &fault), LEM_CONFIG_RANGE, "tick 0");
	check_str(fault.name, "tick", "the fault names the field");
	q.tick = NAN;
	check_int(lem_quoting_check(&q, NULL), LEM_CONFIG_RANGE, "tick NaN");
	q = quoting_of(0.01, 1, INFINITY);
	check_int(lem_quoting_check(&q, NULL), LEM_CONFIG_RANGE, "a position without limit");
	q = quoting_of(0.01, 1, 1);
	q.levels = 33;
	check_int(lem_quoting_check(&q, NULL), LEM_CONFIG_RANGE, "33 levels");
}

/* A book of ten bars by hand. */
#define TEN 10

static int64_t ten_ts[TEN];
static double ten_price[TEN];
static double ten_volume[TEN];
static double ten_columns[TEN * 5];
static lem_outlook_bar ten_bars[TEN];

static void
make_ten(lem_book *book)
{
	/* low, high, close, volume; the mid is 100 throughout, the quotes 99.9 and 100.1 */
	static const double rows[TEN][4] = {
		{100, 100, 100, 100},
		{99.9, 100, 99.9, 100},		/* touches a bid at 99.9 */
		{99.8, 100, 99.8, 100},		/* through it by half the range */
		{99.9, 100.1, 100.1, 100},	/* touches both */
		{99.8, 100.2, 100.2, 100},	/* through both, closes high */
		{99.8, 100.2, 99.8, 100},	/* through both, closes low */
		{99.8, 100.2, 100, 0},		/* nothing traded */
		{99.8, 99.8, 99.8, 100},	/* all of it below */
		{100, 100.3, 100.3, 30},	/* 2/3 above an ask at 100.1 */
		{100, 100, 100, 100},
	};
	lem_series	series = {TEN, 5, ten_ts, ten_price, ten_volume, ten_columns, NULL, NULL, NULL};

	for (int i = 0; i < TEN; i++)
	{
		double		row[LEM_BOOK_COLUMNS] = {99.9, 100.1, 0, 0, 0, 0, 0, 0, 0, 0};

		row[LEM_BOOK_LOW] = rows[i][0];
		row[LEM_BOOK_HIGH] = rows[i][1];
		row[LEM_BOOK_OPEN] = row[LEM_BOOK_CLOSE] = rows[i][2];
		row[LEM_BOOK_VOLUME] = rows[i][3];
		ten_ts[i] = i * INT64_C(60000000);
		ten_price[i] = rows[i][2];
		ten_volume[i] = rows[i][3];
		lem_book_row_check(LEM_BOOK_QUOTES, ten_ts[i], row, NULL, 0, ten_columns + i * 5, NULL);
	}
	lem_book_view_of(&series, LEM_BOOK_QUOTES, book);
	lem_outlook_fill(book, NULL, 1, LEM_SESSIONS_DAY, 0, NULL, ten_bars, NULL);
}

/* What was filled, bar by bar: bids positive, asks negative; closings are left out. */
static void
note_fill(void *arg, const lem_maker_fill *fill)
{
	double	   *filled = arg;

	if (!fill->closing)
		filled[fill->bar + (fill->ask ? TEN : 0)] += fill->quantity;
}

static void
run_ten(const lem_maker_rules *rules, const double *bids, const double *asks, const char *what)
{
	lem_maker_strategy strategy = {.kind = LEM_MAKER_FIXED, .ticks = 1};
	lem_quoting q = quoting_of(0.1, 1, 1e13);
	lem_maker_figures figures;
	double		filled[2 * TEN] = {0};
	lem_book	book;

	make_ten(&book);
	/* the volume that is expected is that of the first bar */
	q.participation = 0.2;
	for (int i = 0; i < TEN; i++)
		ten_bars[i].volume = 50;
	check_int(lem_maker_run(&book, ten_bars, 0, TEN, &strategy, &q, rules, NULL, note_fill, filled,
							wealth, &figures), LEM_OK, "%s: it runs", what);
	for (int i = 0; i < TEN; i++)
	{
		check_near(filled[i], bids[i], 0, "%s: bids filled in bar %d", what, i);
		check_near(filled[TEN + i], asks[i], 0, "%s: asks filled in bar %d", what, i);
	}
	check_near(figures.pnl, figures.spread_earned + figures.inventory_gain - figures.fees -
			   figures.closing_cost, 1e-9, "%s: the identity", what);
}

/*
 * Quotes of 10 at 99.9 and 100.1; of each bar's volume at most 20 %, times the share beyond the
 * price.  Bar 8: 30 * 0.2 * 2/3 = 4.
 */
static void
test_ten_bars(void)
{
	static const double through_bids[TEN] = {0, 0, 10, 0, 5, 5, 0, 10, 0, 0};
	static const double through_asks[TEN] = {0, 0, 0, 0, 5, 5, 0, 0, 4, 0};
	static const double touch_bids[TEN] = {0, 10, 10, 10, 10, 10, 0, 10, 0, 0};
	static const double touch_asks[TEN] = {0, 0, 0, 10, 10, 10, 0, 0, 6, 0};
	static const double queue_bids[TEN] = {0, 5, 10, 5, 5, 5, 0, 10, 0, 0};
	static const double queue_asks[TEN] = {0, 0, 0, 5, 5, 5, 0, 0, 4, 0};
	static const double worst_bids[TEN] = {0, 0, 10, 0, 0, 5, 0, 10, 0, 0};
	static const double worst_asks[TEN] = {0, 0, 0, 0, 5, 0, 0, 0, 4, 0};
	lem_maker_rules rules = {.fill = LEM_FILL_THROUGH, .close = true};

	run_ten(&rules, through_bids, through_asks, "through");
	rules.worst = true;
	run_ten(&rules, worst_bids, worst_asks, "worst");
	rules.worst = false;
	rules.fill = LEM_FILL_TOUCH;
	run_ten(&rules, touch_bids, touch_asks, "touch");
	rules.fill = LEM_FILL_QUEUE;
	rules.queue_share = 0.25;
	run_ten(&rules, queue_bids, queue_asks, "queue");
	/* the first quotes live a bar later, and none is left for the session's last bar less one */
	rules.fill = LEM_FILL_THROUGH;
	rules.latency = 1;
	run_ten(&rules, through_bids, through_asks, "latency 1");
}

/* Where it is known what takers sold and bought, only that fills bids and asks. */
static void
test_sides(void)
{
	int64_t		ts = 0;
	double		price = 100;
	double		volume = 100;
	double		columns[6];
	double		row[LEM_BOOK_COLUMNS] = {99, 101, 0, 0, 100, 102, 98, 100, 100, 30};
	lem_series	series = {1, 6, &ts, &price, &volume, columns, NULL, NULL, NULL};
	lem_book	book;
	lem_maker_rules rules = {.fill = LEM_FILL_TOUCH};
	lem_quoting q = quoting_of(1, 1, 100);
	lem_quote	bid = {.ask = false, .price = 99, .quantity = 100};
	lem_quote	ask = {.ask = true, .price = 101, .quantity = 100};

	q.participation = 0.5;
	lem_book_row_check(LEM_BOOK_QUOTES | LEM_BOOK_BUYS, 0, row, NULL, 0, columns, NULL);
	lem_book_view_of(&series, LEM_BOOK_QUOTES | LEM_BOOK_BUYS, &book);
	check_near(lem_fill_quantity(&rules, &q, &book, 0, &bid, 0), 35, 1e-12, "sells fill bids");
	check_near(lem_fill_quantity(&rules, &q, &book, 0, &ask, 0), 15, 1e-12, "buys fill asks");
	check_near(lem_fill_quantity(&rules, &q, &book, 0, &ask, 5), 10, 1e-12,
			   "less what better levels took");
	rules.fill = LEM_FILL_THROUGH;
	check_near(lem_fill_quantity(&rules, &q, &book, 0, &ask, 0), 15 * 0.25, 1e-12,
			   "through: the share beyond the price");
}

/* What a random run is checked for. */
typedef struct audit
{
	double		limit;
	double		lot;
	double		tick;
	double		position;
	int			bad;
	size_t		bar;
	uint64_t	hash;
	size_t		until;
} audit;

static void
audit_fill(void *arg, const lem_maker_fill *fill)
{
	audit	   *a = arg;

	a->position += (fill->ask ? -1 : 1) * fill->quantity;
	a->bad += fabs(a->position - fill->position) > 1e-6 * a->lot;
	a->bad += fabs(fill->position) > a->limit * (1 + 1e-12);
	a->bad += fill->bar < a->bar;
	a->bad += !(fill->quantity > 0) || !(fill->price > 0) || !isfinite(fill->fee);
	a->bar = fill->bar;
	if (fill->bar <= a->until && !fill->closing)
	{
		const uint64_t *bits = (const uint64_t *) (const void *) &fill->price;

		a->hash = lem_random_bits(a->hash, *bits, fill->bar * 2 + fill->ask);
	}
}

static lem_maker_strategy
random_strategy(uint64_t seed, const test_book *made, size_t n)
{
	lem_maker_strategy s = {
		.kind = (lem_maker_kind) (1 + seed % 5),
		.ticks = (double) lem_random_below(seed, 20, 0, 4),
		.risk_aversion = 0.5,
		.intensity = {1, 100 / made->bars[0].now.mid},
		.tau = 20,
		.horizon = 10,
		.forecast = forecasts
	};

	for (size_t i = 0; i < n; i++)
	{
		const double median[LEM_MAKER_TASKS] = {
			made->bars[i].input[LEM_INPUT_IMBALANCE], 0.1, -0.1
		};

		lem_maker_forecast_of(&made->bars[i], 10, median, median[0] - 1, median[0] + 1,
							  &forecasts[i]);
	}
	return s;
}

static void
random_rules(uint64_t seed, lem_quoting *q, lem_maker_rules *rules, const test_book *made)
{
	*q = quoting_of(made->bars[0].now.mid * 0.0005, 0.5 + (double) lem_random_below(seed, 21, 0, 3),
					0.5 * (double) lem_random_below(seed, 22, 0, 400));
	q->levels = 1 + (int) lem_random_below(seed, 23, 0, 5);
	q->size_step = lem_random_normal(seed, 24, 0);
	q->maker_fee = 1e-4 * lem_random_normal(seed, 25, 0);
	q->taker_fee = 2e-4 * lem_random_uniform(seed, 26, 0);
	*rules = (lem_maker_rules) {
		.fill = (lem_fill_rule) (seed / 5 % 3),
		.queue_share = lem_random_uniform(seed, 27, 0),
		.worst = lem_random_below(seed, 28, 0, 2),
		.latency = (int) lem_random_below(seed, 29, 0, 4),
		.close = lem_random_below(seed, 30, 0, 2),
		.map_in_position = lem_random_below(seed, 31, 0, 2),
	};
}

/* The identity, the limits, and no NaN, on 1,000 random runs; and no look ahead. */
static void
test_random_runs(void)
{
	static const int layouts[] = {0, 1, 3, 4, 5, 7};
	int			broken = 0;
	int			bad = 0;
	int			looks_ahead = 0;
	int			not_finite = 0;
	double		worst = 0;
	int64_t		fills = 0;

	for (uint64_t seed = 1; seed <= 1000; seed++)
	{
		const size_t n = 150;
		lem_maker_figures figures;
		lem_maker_rules rules;
		lem_quoting q;
		test_book	made;
		lem_maker_strategy strategy;
		audit		seen = {.lot = 1, .hash = 1, .until = 100};
		uint64_t	hash;
		double		sum;

		book_random(seed, layouts[seed % 6], n, &made);
		random_rules(seed, &q, &rules, &made);
		strategy = random_strategy(seed, &made, n);
		seen.limit = q.max_position;
		if (lem_maker_run(&made.book, made.bars, 5, n, &strategy, &q, &rules, NULL, audit_fill,
						  &seen, wealth, &figures) != LEM_OK)
			abort();
		fills += figures.fills;
		bad += seen.bad;
		sum = figures.spread_earned + figures.inventory_gain - figures.fees - figures.closing_cost;
		worst = fmax(worst, fabs(figures.pnl - sum) / fmax(1, figures.turnover));
		broken += fabs(figures.pnl - sum) > 1e-9 * fmax(1, figures.turnover);
		for (const double *x = &figures.pnl; x < &figures.markout[LEM_MARKOUTS]; x++)
		{
			if ((const char *) x != (const char *) &figures.has_interval &&
				(const char *) x != (const char *) &figures.fills)
				not_finite += !isfinite(*x);
		}

		/* other bars after 100 change no quote and no fill up to there */
		hash = seen.hash;
		book_change_after(&made, 101, 1.5);
		book_look(&made);
		strategy = random_strategy(seed, &made, n);
		seen = (audit) {.lot = 1, .hash = 1, .until = 100, .limit = q.max_position};
		(void) lem_maker_run(&made.book, made.bars, 5, n, &strategy, &q, &rules, NULL, audit_fill,
							 &seen, wealth, &figures);
		looks_ahead += seen.hash != hash;
	}
	check(fills > 10000, "there are fills: %lld", (long long) fills);
	check_int(broken, 0, "the identity holds on 1,000 random runs (worst %.2g)", worst);
	check_int(bad, 0, "positions stay within their limits, fills are in order");
	check_int(not_finite, 0, "all figures are finite");
	check_int(looks_ahead, 0, "no later bar changes a quote, on 1,000 random books");
}

/*
 * What GLFT earns a bar in book_market, from its own formulas and a Markov chain over the position:
 * with orders of one lot, the probability that a bar reaches a quote d away is
 * 1 - exp(-a exp(-kappa d)).
 */
static double
glft_theory(const lem_maker_strategy *strategy, const lem_quoting *q, const lem_outlook_bar *bar)
{
	enum
	{
		MOST_LOTS = 20
	};
	const int	limit = (int) q->max_position;
	double		p[2][2 * MOST_LOTS + 1] = {{0}};
	double		d[2][2 * MOST_LOTS + 1] = {{0}};
	double		pi[2 * MOST_LOTS + 1] = {0};
	double		gain = 0;

	for (int state = 0; state <= 2 * limit; state++)
	{
		lem_quote	quotes[2 * LEM_MAX_LEVELS];
		lem_quote_plan plan;
		int			n;

		lem_maker_plan(strategy, q, bar, 0, state - limit, 0, &plan);
		n = lem_quote_make(q, &plan, quotes);
		for (int i = 0; i < n; i++)
		{
			const int	ask = quotes[i].ask;

			d[ask][state] = fabs(quotes[i].price - bar->now.mid);
			p[ask][state] = -expm1(-strategy->intensity.a *
								   exp(-strategy->intensity.kappa * d[ask][state]));
		}
	}
	pi[limit] = 1;
	for (int step = 0; step < 20000; step++)
	{
		double		next[2 * MOST_LOTS + 1] = {0};

		for (int s = 0; s <= 2 * limit; s++)
		{
			const double up = p[0][s] * (1 - p[1][s]);
			const double down = p[1][s] * (1 - p[0][s]);

			if (s < 2 * limit)
				next[s + 1] += pi[s] * up;
			if (s > 0)
				next[s - 1] += pi[s] * down;
			next[s] += pi[s] * (1 - up - down);
		}
		memcpy(pi, next, sizeof(pi));
	}
	for (int s = 0; s <= 2 * limit; s++)
		gain += pi[s] * (p[0][s] * d[0][s] + p[1][s] * d[1][s]);
	return gain;
}

/* In a market of exponential intensities kappa and a are found, and GLFT earns what it should. */
static void
test_glft(void)
{
	const size_t n = 100000;
	const double a = 0.8;
	const double kappa = 25;
	const double sigma = 0.01;
	lem_maker_strategy strategy = {.kind = LEM_MAKER_GLFT, .risk_aversion = 0.1, .tau = 1,
		.horizon = 1};
	lem_maker_rules rules = {.fill = LEM_FILL_THROUGH, .close = false};
	lem_maker_figures figures;
	lem_maker_figures other;
	lem_intensity intensity;
	lem_quoting q = quoting_of(0.001, 1, 5);
	test_book	made;
	double		theory;
	double		best = 0;

	book_market(7, n, 1000, sigma, a, kappa, 0.002, 0, &made);
	check(lem_intensity_fit(&made.book, made.bars, 0, n, 0.001, &intensity), "a fit");
	check_near(intensity.kappa, kappa, 0.05 * kappa, "kappa is found within 5 %%");
	check_near(intensity.a, a, 0.05 * a, "and a");

	/* one order is one lot, whatever the volume: nothing limits a fill */
	for (size_t i = 0; i < n; i++)
		made.bars[i].volume = 1;
	q.participation = 1;
	strategy.intensity = (lem_intensity) {a, kappa};
	for (size_t i = 0; i < n; i++)
		made.bars[i].sigma = sigma / made.bars[i].now.mid;
	check_int(lem_maker_run(&made.book, made.bars, 0, n, &strategy, &q, &rules, NULL, NULL, NULL,
							wealth, &figures), LEM_OK, "it runs");
	theory = 1000.0 * (999.0 / 1000) * glft_theory(&strategy, &q, &made.bars[0]);
	check(figures.has_interval && figures.epnl_low <= theory && theory <= figures.epnl_high,
		  "GLFT earns what its theory says: %.4g within %.4g .. %.4g", theory, figures.epnl_low,
		  figures.epnl_high);
	check(figures.epnl_low > 0, "and that is more than nothing");
	/* wider and narrower: no risk-neutral width beats 1 / kappa by more than its interval */
	for (int ticks = 5; ticks <= 150; ticks += 5)
	{
		lem_maker_strategy fixed = {.kind = LEM_MAKER_FIXED, .ticks = ticks};

		(void) lem_maker_run(&made.book, made.bars, 0, n, &fixed, &q, &rules, NULL, NULL, NULL,
							 wealth, &other);
		best = fmax(best, other.epnl_low);
	}
	check(best <= figures.epnl_high, "no fixed width claims more");
}

/* A planted imbalance that leads the mid: forecasts by ridge beat what does not look at it. */
static void
test_linear(void)
{
	const size_t n = 60000;
	lem_maker_strategy strategy = {.kind = LEM_MAKER_LINEAR, .horizon = 1,
		.forecast = forecasts};
	lem_maker_strategy glft = {.kind = LEM_MAKER_GLFT, .risk_aversion = 0.1, .tau = 1,
		.horizon = 1, .intensity = {0.8, 25}};
	lem_maker_rules rules = {.fill = LEM_FILL_THROUGH};
	lem_maker_figures figures;
	lem_maker_figures blind;
	lem_quoting q = quoting_of(0.001, 1, 5);
	test_book	made;
	double	   *scratch = malloc(lem_linear_scratch(n / 2) * sizeof(double));
	double		own = 0;
	double		naive = 0;

	book_market(3, n, 1000, 0.02, 0.8, 25, 0.002, 1, &made);
	for (size_t i = 0; i < n; i++)
		made.bars[i].volume = 1;
	q.participation = 1;
	q.eta = 1;
	check(lem_linear_forecasts(made.bars, &made.book.series, n, 0, n / 2, 1, scratch, forecasts),
		  "a ridge");
	for (size_t i = n / 2; i + 1 < n; i++)
	{
		const double next = made.bars[i + 1].now.mid;

		if (made.bars[i + 1].session != made.bars[i].session)
			continue;
		own += (next - forecasts[i].mid) * (next - forecasts[i].mid);
		naive += (next - made.bars[i].now.mid) * (next - made.bars[i].now.mid);
	}
	check(1 - own / naive > 0.2, "it finds the planted move: skill %.2f", 1 - own / naive);
	(void) lem_maker_run(&made.book, made.bars, n / 2, n, &strategy, &q, &rules, NULL, NULL, NULL,
						 wealth, &figures);
	(void) lem_maker_run(&made.book, made.bars, n / 2, n, &glft, &q, &rules, NULL, NULL, NULL,
						 wealth, &blind);
	check(figures.epnl_low > blind.epnl_high, "and earns more than who is blind: %.4g .. %.4g "
		  "against %.4g .. %.4g", figures.epnl_low, figures.epnl_high, blind.epnl_low,
		  blind.epnl_high);
	check(!lem_linear_forecasts(made.bars, &made.book.series, n, 0, 20, 1, scratch, forecasts),
		  "twenty bars are too few to learn from");
	check_near(forecasts[5].mid, made.bars[5].now.mid, 0, "then the mid stays where it is");
	free(scratch);
}

/* Stops, and nothing to do. */
static int
stop_always(void *arg)
{
	(void) arg;
	return 1;
}

static void
test_edges(void)
{
	const lem_stop stop = {stop_always, NULL};
	lem_maker_strategy strategy = {.kind = LEM_MAKER_NONE};
	lem_maker_rules rules = {.fill = LEM_FILL_THROUGH, .close = true};
	lem_quoting q = quoting_of(0.01, 1, 5);
	lem_maker_figures figures;
	test_book	made;

	book_random(1, 1, 50, &made);
	check_int(lem_maker_run(&made.book, made.bars, 0, 50, &strategy, &q, &rules, &stop, NULL, NULL,
							wealth, &figures), LEM_STOPPED, "a run that is stopped");
	check_int(lem_outlook_fill(&made.book, NULL, 1, LEM_SESSIONS_DAY, 0, &stop, made.bars, NULL),
			  LEM_STOPPED, "an outlook that is stopped");
	(void) lem_maker_run(&made.book, made.bars, 0, 50, &strategy, &q, &rules, NULL, NULL, NULL,
						 wealth, &figures);
	check(figures.pnl == 0 && figures.fills == 0, "who quotes nothing earns nothing");
	(void) lem_maker_run(&made.book, made.bars, 7, 7, &strategy, &q, &rules, NULL, NULL, NULL,
						 wealth, &figures);
	check_int(figures.bars, 0, "no bars");
	(void) lem_maker_run(&made.book, made.bars, 7, 8, &strategy, &q, &rules, NULL, NULL, NULL,
						 wealth, &figures);
	check_int(figures.bars, 0, "one bar");
	check_near(lem_t_quantile(1), 12.706, 1e-3, "Student's t, 1 degree of freedom");
	check_near(lem_t_quantile(4), 2.7764, 2e-3, "4");
	check_near(lem_t_quantile(9), 2.2622, 1e-4, "9");
	check_near(lem_t_quantile(1e9), 1.95996, 1e-5, "and many");
	check_int(lem_maker_kind_find("glft"), LEM_MAKER_GLFT, "a baseline by name");
	check_int(lem_maker_kind_find("GLFT"), -1, "names are lower case");
	check_int(lem_fill_rule_find("queue"), LEM_FILL_QUEUE, "a rule by name");
}

/*
 * Outlooks do not depend on which of them are wanted, nor estimated spreads on whether they are found
 * bar after bar or for one bar alone.
 */
static void
test_outlook(void)
{
	static lem_outlook_bar some[300];
	static double mid[300];
	static double log_return[300];
	const lem_outlook_track track = {mid, log_return};
	int			differ = 0;
	int			spreads = 0;
	int			mids = 0;

	for (int seed = 1; seed <= 32; seed++)
	{
		static const int layouts[] = {0, LEM_BOOK_QUOTES, LEM_BOOK_QUOTES | LEM_BOOK_SIZES,
			LEM_BOOK_QUOTES | LEM_BOOK_SIZES | LEM_BOOK_BUYS, LEM_BOOK_BUYS};
		const size_t from = (size_t) seed * 9;
		test_book	made;

		book_random(seed, layouts[seed % 5], 300, &made);
		differ += lem_outlook_fill(&made.book, NULL, 10, LEM_SESSIONS_DAY, from, NULL, some,
								   &track) != LEM_OK;
		differ += memcmp(some, made.bars + from, (300 - from) * sizeof(some[0])) != 0;
		for (size_t i = 0; i < 300; i++)
		{
			lem_book_feature alone;

			lem_book_feature_at(&made.book, i, &alone);
			spreads += memcmp(&alone, &made.bars[i].now, sizeof(alone)) != 0;
			mids += mid[i] != alone.mid ||
				log_return[i] != (i == 0 ? 0 : lem_log_return(mid[i - 1], mid[i]));
		}
	}
	check_int(differ, 0, "outlooks of the last bars are those of all bars");
	check_int(spreads, 0, "features bar after bar are those of each bar alone");
	check_int(mids, 0, "mids and their returns on the way");
}

/* A price that all but vanishes after others: inputs stay finite. */
static void
test_tiny_price(void)
{
	static const double prices[] = {100, 100.5, 100.25, 5e-309, 100};
	static int64_t ts[5];
	static double close[5];
	static double volume[5];
	static double columns[5 * LEM_BOOK_COLUMNS];
	lem_series	series = {.n = 5, .n_features = lem_book_width(0), .ts = ts, .price = close,
		.volume = volume, .features = columns};
	lem_outlook_bar bars[5];
	lem_book	book;
	int			finite = 0;

	for (int i = 0; i < 5; i++)
	{
		double		row[LEM_BOOK_COLUMNS] = {0};

		row[LEM_BOOK_OPEN] = row[LEM_BOOK_CLOSE] = row[LEM_BOOK_HIGH] = row[LEM_BOOK_LOW] = prices[i];
		row[LEM_BOOK_HIGH] *= i % 2 ? 1.1 : 1.2;
		close[i] = prices[i];
		ts[i] = (int64_t) i * 60000000;
		check(lem_book_row_check(0, ts[i], row, NULL, 0, columns + i * lem_book_width(0), NULL) == LEM_OK,
			  "bar %d passes", i);
	}
	check(lem_book_view_of(&series, 0, &book), "a book");
	(void) lem_outlook_fill(&book, NULL, 10, LEM_SESSIONS_DAY, 0, NULL, bars, NULL);
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < LEM_MAKER_INPUTS; j++)
			finite += isfinite(bars[i].input[j]) != 0;
	check_int(finite, 5 * LEM_MAKER_INPUTS, "inputs are finite where a price all but vanishes");
}

int
main(void)
{
	test_quotes();
	test_tiny_price();
	test_outlook();
	test_plan();
	test_ten_bars();
	test_sides();
	test_random_runs();
	test_glft();
	test_linear();
	test_edges();
	return check_done();
}

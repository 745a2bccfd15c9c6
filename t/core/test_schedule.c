/*
 * test_schedule.c: whole schedules.  What a slice is never depends on its own bar or a later one,
 * nor on what is computed beside it.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "plans.h"

/* The same numbers, bit for bit (but for the times, if told so)? */
static bool
same_slice(const lem_slice *a, const lem_slice *b, bool times)
{
	return a->step == b->step && (!times || a->ts == b->ts) &&
		memcmp(&a->allocation, &b->allocation, sizeof(double)) == 0 &&
		memcmp(&a->cumulative, &b->cumulative, sizeof(double)) == 0 &&
		memcmp(&a->quantity, &b->quantity, sizeof(double)) == 0;
}

static bool
same_plan(const plan *a, const plan *b)
{
	bool		same = a->status == b->status && a->n == b->n;

	for (int k = 0; same && k < a->n; k++)
		same = a->slices[k].state == b->slices[k].state &&
			same_slice(&a->slices[k], &b->slices[k], true);
	return same;
}

static int
done_slices(const plan *p)
{
	int			n = 0;

	while (n < p->n && p->slices[n].state == LEM_SLICE_DONE)
		n++;
	return n;
}

static void
use_paper_features(lem_config *config)
{
	config->feature_set = LEM_FEATURES_PAPER;
	config->price_sigma = false;
	config->n_named = LEM_PAPER_FEATURES;
	config->norm_window = 0;
}

/* Models of all kinds, most with random weights. */
#define MODELS 6

static const char *const model_names[MODELS] = {
	"reference weights", "paper features", "paper features, shared heads",
	"default features, shared heads", "default features", "named and extra features"
};

static lem_model
make_model(int which)
{
	lem_config	config = plan_small_config();

	if (which == 0)
	{
		config = golden_config("medium");
		return golden_model(&config, golden_parts("medium", &config), lem_kernels_select(),
							LEM_FORM_FORWARD);
	}
	config.shared_heads = which == 2 || which == 3 || which == 5;
	config.finish_gate = which != 4;
	config.notional_price = which != 1;
	config.hidden_rnn_layer = 1 + which % 2;
	if (which < 3)
		use_paper_features(&config);
	if (which == 3)
		config.norm_window = 0;
	if (which == 5)
	{
		config.feature_set = LEM_FEATURES_LIST;
		config.n_named = 3;
		config.named[0] = LEM_FEATURE_VOLATILITY;
		config.named[1] = LEM_FEATURE_LOG_VOLUME;
		config.named[2] = LEM_FEATURE_RETURN;
		config.extra_features = SIMULATE_FEATURES;
	}
	return golden_model(&config, golden_random_parts(&config, 100 + which), lem_kernels_select(),
						LEM_FORM_FORWARD);
}

/* Bars that are surely enough before an order's start. */
static int
history_of(const lem_config *config)
{
	if (config->feature_set == LEM_FEATURES_PAPER)
		return config->lookback + 350;
	return config->norm_window > 0 ? 60 : 200;
}

/* What the tests of causality count. */
typedef struct tally
{
	int			schedules;
	int			failed;			/* schedules that could not be made */
	int			compared;		/* slices held against later ones */
	int			changed;		/* done slices that later bars changed */
	int			fickle;			/* next slices that were not done so */
	int			stuck;			/* next slices that a further bar did not do */
	int			own;			/* slices that their own bar or a later one changed */
	int			before;			/* slices that the bar before them changed */
} tally;

/* Change bar i out of recognition; its time stays. */
static void
change_bar(simulate_bars *bars, size_t i)
{
	simulate_random *random = &bars->random;

	bars->price[i] *= exp(0.2 * simulate_normal(random));
	bars->volume[i] = simulate_int(random, 4) == 0 ? 0
		: bars->volume[i] * 3 * simulate_real(random) + 10;
	for (int f = 0; f < SIMULATE_FEATURES; f++)
		bars->features[i * SIMULATE_FEATURES + (size_t) f] += simulate_normal(random);
}

static lem_series
series_of(const lem_model *model, const simulate_bars *bars, size_t n)
{
	return simulate_series(bars, n, model->config.extra_features > 0);
}

/* The series grows bar by bar, from before the order's start. */
static plan
grow(const lem_model *model, const lem_order *order, const simulate_bars *bars, size_t before,
	 bool steady, tally *count)
{
	const lem_gaps gaps = model->config.gaps;
	plan		last = {.status = LEM_STOPPED};

	for (size_t n = before - (steady ? 2 : 0); n <= bars->n; n++)
	{
		plan		now = plan_order(model, order, series_of(model, bars, n));
		const int	was_done = last.status == LEM_OK ? done_slices(&last) : 0;

		count->schedules++;
		if (now.status != LEM_OK)
		{
			/* without the bars up to the start some are missing */
			count->failed += !(gaps == LEM_GAPS_ERROR && n < before &&
							   now.status == LEM_MISSING_BARS);
			continue;
		}
		for (int k = 0; last.status == LEM_OK && k < last.n; k++)
		{
			const lem_slice *then = &last.slices[k];
			const bool	times = then->state == LEM_SLICE_DONE ||
				(steady && gaps == LEM_GAPS_CARRY);

			/*
			 * A first slice can be firm before its start's eve only by the session's hours, which
			 * a halt belies.
			 */
			if (then->state == LEM_SLICE_PROJECTED ||
				(k == 0 && n <= before && gaps == LEM_GAPS_SKIP &&
				 order->start_ts - bars->ts[n - 2] > SIMULATE_HOUR))
				continue;
			count->compared++;
			if (then->state == LEM_SLICE_DONE)
				count->changed += now.slices[k].state != LEM_SLICE_DONE ||
					!same_slice(then, &now.slices[k], times);
			else
			{
				count->fickle += !same_slice(then, &now.slices[k], times);
				count->stuck += now.slices[k].state
					!= (n > before ? LEM_SLICE_DONE : LEM_SLICE_NEXT);
			}
		}
		count->stuck += last.status == LEM_OK && was_done > done_slices(&now);
		last = now;
	}
	return last;
}

/* Other bars from slice k's own on. */
static void
change_course(const lem_model *model, const lem_order *order, const simulate_bars *bars,
			  const plan *known, int k, tally *count)
{
	static simulate_bars other;
	const lem_gaps gaps = model->config.gaps;
	const lem_slice *slices = known->slices;
	lem_series	series = series_of(model, bars, bars->n);
	const size_t own = lem_series_before(&series, slices[k].ts);
	plan		now;
	int64_t		ts = slices[k].ts;

	/* The same times with other numbers, of one bar or of all. */
	other = *bars;
	other.random.state += own;
	if (own < bars->n && simulate_int(&other.random, 2))
		change_bar(&other, own + (size_t) simulate_int(&other.random, (int) (bars->n - own)));
	else
		for (size_t i = own; i < bars->n; i++)
			change_bar(&other, i);
	now = plan_order(model, order, series_of(model, &other, other.n));
	count->failed += now.status != LEM_OK;
	for (int j = 0; j <= k; j++)
		count->own += now.slices[j].state != LEM_SLICE_DONE ||
			!same_slice(&slices[j], &now.slices[j], true);

	/* Other times. */
	other.n = own;
	for (int more = simulate_int(&other.random, 8); more > 0; more--)
	{
		if (gaps != LEM_GAPS_ERROR)
			ts += simulate_int(&other.random, 3) * SIMULATE_HOUR
				+ simulate_int(&other.random, 3600000) * INT64_C(1000);
		simulate_add(&other, ts);
		ts += gaps == LEM_GAPS_ERROR ? SIMULATE_HOUR : SIMULATE_HOUR / 2;
	}
	now = plan_order(model, order, series_of(model, &other, other.n));
	count->failed += now.status != LEM_OK;

	/* Without a bar after it, a missing one before this slice is not known to be. */
	if (done_slices(&now) >= k)
		for (int j = 0; j <= k; j++)
			count->own += !same_slice(&slices[j], &now.slices[j], j < k);

	/* The bar before it should matter, or all this shows nothing. */
	other = *bars;
	change_bar(&other, own - 1);
	now = plan_order(model, order, series_of(model, &other, other.n));
	count->before += !same_slice(&slices[k], &now.slices[k], false);
	count->schedules += 3;
	count->compared += 2 * k + 2;
}

static void
test_causality(const lem_model *models)
{
	tally		count = {0};
	int			slices = 0;

	for (int trial = 0; trial < TRIALS(1000); trial++)
	{
		static const simulate_market markets[][2] = {
			[LEM_GAPS_CARRY] = {SIMULATE_HALTS, SIMULATE_SESSIONS},
			[LEM_GAPS_SKIP] = {SIMULATE_SESSIONS_HALTS, SIMULATE_SESSIONS},
			[LEM_GAPS_ERROR] = {SIMULATE_ALWAYS, SIMULATE_ALWAYS}
		};
		static simulate_bars bars;
		lem_model	model = models[trial % MODELS];
		const int	history = history_of(&model.config);
		simulate_random random = {(uint64_t) trial};
		lem_order	order = plan_feasible_order(&random, model.config.n_ahead);
		plan		last;
		size_t		before;
		int			jitter;

		model.config.gaps = (lem_gaps) (trial / MODELS % 3);
		if (trial % 5 == 0)
			model.config.bar_interval = SIMULATE_HOUR;
		jitter = model.config.gaps != LEM_GAPS_ERROR && trial % 4 == 0
			? (int) (SIMULATE_HOUR / 8) : 0;
		simulate_start(&bars, (uint64_t) trial, markets[model.config.gaps][trial / 18 % 2],
					   jitter, history + model.config.n_ahead + simulate_int(&random, 8) - 2);
		if (trial % 4 != 1)
		{
			/* limits that bind would hide what the model decides */
			order.min_rate = 0;
			order.max_rate = 1;
		}
		order.has_start = true;
		order.start_ts = model.config.gaps == LEM_GAPS_ERROR ? bars.ts[history]
			: bars.ts[history - 1] + 1 + simulate_int(&random, 4) * SIMULATE_HOUR
			- simulate_int(&random, 2);
		for (before = 0; bars.ts[before] < order.start_ts;)
			before++;

		last = grow(&model, &order, &bars, before, jitter == 0, &count);
		for (int k = 0; k < done_slices(&last); k++, slices++)
			change_course(&model, &order, &bars, &last, k, &count);
	}
	printf("# %d schedules, %d slices held against others\n", count.schedules, count.compared);
	check_int(count.failed, 0, "causality: %d orders can all be scheduled", TRIALS(1000));
	check_int(count.changed, 0, "causality: done slices stay, bit for bit, as bars come");
	check_int(count.fickle, 0, "causality: the next slice is done as it was announced");
	check_int(count.stuck, 0, "causality: each further bar does a further slice");
	check_int(count.own, 0, "causality: no bar changes its own slice or one before it");
	check(slices > TRIALS(4000), "causality: %d slices tried", slices);
	check(count.before > slices / 2, "causality: the bar before does change a slice");
}

/* Orders that start after the last bar: only the next slice is firm, and no time is given. */
static void
test_without_start(const lem_model *models)
{
	bool		same = true;

	for (int trial = 0; trial < TRIALS(200); trial++)
	{
		static simulate_bars bars;
		const lem_model *model = &models[trial % MODELS];
		simulate_random random = {(uint64_t) trial};
		lem_order	order = plan_feasible_order(&random, model->config.n_ahead);
		plan		open;
		plan		dated;

		simulate_start(&bars, (uint64_t) trial, SIMULATE_HALTS, 0, history_of(&model->config));
		open = plan_order(model, &order, series_of(model, &bars, bars.n));
		order.has_start = true;
		order.start_ts = bars.ts[bars.n - 1] + SIMULATE_HOUR;
		dated = plan_order(model, &order, series_of(model, &bars, bars.n));
		same = same && same_plan(&open, &dated) && open.status == LEM_OK &&
			open.slices[0].state == LEM_SLICE_NEXT && open.slices[0].ts == order.start_ts &&
			(open.n == 1 || open.slices[1].state == LEM_SLICE_PROJECTED);
	}
	check(same, "an order without a start starts with the bar after the last");
}

/*
 * Orders computed together, with other branches and series beside them, or the same, come out as
 * alone.
 */
static void
test_batch(const lem_model *models)
{
	static simulate_bars bars[PLAN_BATCH];
	static plan together[PLAN_BATCH];
	lem_order	orders[PLAN_BATCH];
	lem_series	series[PLAN_BATCH];

	for (int m = 0; m < MODELS; m++)
		for (int i = 0; i < 3; i++)
		{
			lem_model	model = models[m];
			simulate_random random = {(uint64_t) m};
			bool		same = true;
			bool		parts = true;
			int			failed;

			model.kernels = lem_kernels_get(i);
			if (model.kernels == NULL)
				continue;
			for (int j = 0; j < PLAN_BATCH; j++)
			{
				const int	n = history_of(&model.config) + simulate_int(&random, 20);

				simulate_start(&bars[j], (uint64_t) j, (simulate_market) (j % 2), 0, n);
				orders[j] = plan_feasible_order(&random, model.config.n_ahead);
				orders[j].has_start = simulate_int(&random, 2);
				orders[j].start_ts = bars[j].ts[n - simulate_int(&random, 10) - 1];
				series[j] = series_of(&model, &bars[j], bars[j].n);

				/* Some have the window of another, which is computed once. */
				if (j % 4 == 3)
				{
					const int	other = j - 1 - simulate_int(&random, 3);

					orders[j] = orders[other];
					orders[j].size = 2 * orders[other].size;
					orders[j].sell = !orders[other].sell;
					series[j] = series[other];
				}
			}
			same = plan_orders(&model, PLAN_BATCH, orders, series, together, &failed) == LEM_OK;
			for (int j = 0; j < PLAN_BATCH; j++)
			{
				plan		alone = plan_order(&model, &orders[j], series[j]);

				same = same && same_plan(&together[j], &alone);
			}
			for (int n = 1; n < PLAN_BATCH; n += 7)
			{
				static plan some[PLAN_BATCH];
				const int	first = PLAN_BATCH - n;

				parts = parts && plan_orders(&model, n, orders + first, series + first, some,
											 &failed) == LEM_OK;
				for (int j = 0; j < n; j++)
					parts = parts && same_plan(&some[j], &together[first + j]);
			}
			check(same, "%s, %s: %d orders at once give the bits of each alone", model_names[m],
				  model.kernels->name, PLAN_BATCH);
			check(parts, "%s, %s: and of smaller batches", model_names[m], model.kernels->name);
		}
}

/*
 * Slices that were decided before stay as they are, whatever the bars say now: with the same bars
 * nothing changes, with others what is left is still allocated exactly.
 */
static void
test_decided(const lem_model *models)
{
	static simulate_bars bars[2];
	int			changed = 0;
	bool		same = true;
	bool		kept = true;
	bool		whole = true;

	for (int trial = 0; trial < TRIALS(400); trial++)
	{
		const lem_model *model = &models[trial % MODELS];
		const int	n = history_of(&model->config);
		simulate_random random = {(uint64_t) trial};
		lem_order	order = plan_feasible_order(&random, model->config.n_ahead);
		int64_t		units[PLAN_STEPS];
		plan		first;
		plan		again;
		plan		other;
		double		sum = 0;

		for (int b = 0; b < 2; b++)
			simulate_start(&bars[b], (uint64_t) (2 * trial + b), SIMULATE_ALWAYS, 0, n + 20);
		order.has_start = true;
		order.start_ts = bars[0].ts[n];
		first = plan_order(model, &order, series_of(model, &bars[0], bars[0].n));
		order.n_decided = simulate_int(&random, first.n + 1);
		order.decided = units;
		for (int k = 0; k < first.n; k++)
			units[k] = (int64_t) (first.slices[k].allocation * 0x1p53);
		again = plan_order(model, &order, series_of(model, &bars[0], bars[0].n));
		other = plan_order(model, &order, series_of(model, &bars[1], bars[1].n));
		same = same && first.status == LEM_OK && same_plan(&first, &again);
		for (int k = 0; k < first.n; k++)
		{
			if (k < order.n_decided)
				kept = kept && other.slices[k].allocation == first.slices[k].allocation &&
					other.slices[k].quantity == first.slices[k].quantity;
			else
				changed += other.slices[k].allocation != first.slices[k].allocation;
			sum += other.slices[k].allocation;
		}
		whole = whole && sum == 1;
	}
	check(same, "decided slices: with the same bars the schedule is the same");
	check(kept, "decided slices: with other bars they stay");
	check(whole, "decided slices: what is left is allocated");
	check(changed > 0, "decided slices: by the other bars");
}

static int
stop_now(void *arg)
{
	int		   *polls = arg;

	return --*polls < 0;
}

/* No orders at all, failures on the way, and a stop. */
static void
test_edges(const lem_model *model, const char *name)
{
	static simulate_bars bars;
	simulate_random random = {9};
	lem_order	orders[3];
	lem_series	series[3];
	plan		plans[3];
	int			failed;
	int			polls;

	check_int(plan_orders(model, 0, NULL, NULL, NULL, &failed), LEM_OK,
			  "%s: no orders: no schedules", name);
	simulate_start(&bars, 1, SIMULATE_HALTS, 0, history_of(&model->config));
	for (int i = 0; i < 3; i++)
	{
		orders[i] = plan_feasible_order(&random, model->config.n_ahead);
		series[i] = series_of(model, &bars, bars.n);
	}
	series[1].n = 0;
	check_int(plan_orders(model, 3, orders, series, plans, &failed), LEM_NO_BARS,
			  "%s: no bars", name);
	check_int(failed, 1, "%s: names the order", name);
	series[1].n = 5;
	check_int(plan_orders(model, 3, orders, series, plans, &failed), LEM_SHORT_HISTORY,
			  "%s: too few bars", name);
	check(failed == 1 && plans[0].fault.have >= 5 && plans[0].fault.want > plans[0].fault.have,
		  "%s: names the order and the numbers", name);
	series[1] = series[0];
	orders[2].size = NAN;
	check_int(plan_orders(model, 3, orders, series, plans, &failed), LEM_BAD_SIZE,
			  "%s: no size", name);
	check_int(failed, 2, "%s: names the order", name);
	orders[2] = orders[0];
	check_int(plan_orders(model, 3, orders, series, plans, &failed), LEM_OK, "%s: mended", name);

	/* A stop is obeyed wherever it comes, until there are none left. */
	for (polls = 0; polls < 10000; polls++)
	{
		int			left = polls;
		const lem_stop stop = {stop_now, &left};
		void	   *workspace = plan_memory(lem_schedule_workspace(model, 3, series));
		lem_slice	slices[3 * PLAN_STEPS];
		int			counts[3];
		lem_fault	fault;
		lem_status	status = lem_schedule(model, LEM_WHOLE, 3, orders, series, NULL, workspace, &stop, slices,
										  counts, &failed, &fault);

		free(workspace);
		if (status == LEM_OK)
			break;
		if (status != LEM_STOPPED || fault.status != LEM_STOPPED)
			polls = 10000;
	}
	check(polls > 3 && polls < 10000, "%s: stops at any poll", name);
}

int
main(void)
{
	lem_model	models[MODELS];

	for (int m = 0; m < MODELS; m++)
		models[m] = make_model(m);
	test_causality(models);
	test_without_start(models);
	test_batch(models);
	test_decided(models);
	for (int m = 0; m < MODELS; m += 3)
		test_edges(&models[m], model_names[m]);
	return check_done();
}

/*
 * test_shared_trunk.c: a trunk for all orders and starts: a row's numbers and a slice are the same
 * whatever is computed with them, however many bars there are, live or in hindsight.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "judging/backtest.h"
#include "market/last.h"
#include "model/shared_trunk.h"
#include "plans.h"
#include "tables.h"
#include "training/gradient.h"

#define BARS 240
#define STARTS 40

static lem_config
shared_config(void)
{
	lem_config	config = plan_small_config();

	config.stop_base = config.shared_steps = config.shared_trunk = true;
	config.finish_gate = false;
	config.context_rows = 4;
	return config;
}

static lem_model
random_model(const lem_config *config, uint64_t seed, lem_form form)
{
	lem_model	model = golden_model(config, golden_random_parts(config, seed),
									 lem_kernels_select(), form);

	model.tables = tables_source();
	return model;
}

/* A series without its first bars. */
static lem_series
without_first(lem_series series, size_t n)
{
	series.n -= n;
	series.ts += n;
	series.price += n;
	series.volume += n;
	return series;
}

static int
differences(const plan *a, const plan *b)
{
	int			n = a->status != b->status || a->n != b->n;

	for (int k = 0; n == 0 && k < a->n; k++)
		n += a->slices[k].allocation != b->slices[k].allocation ||
			a->slices[k].ts != b->slices[k].ts;
	return n;
}

static lem_order
order_from(simulate_random *random, int n_ahead, int64_t start)
{
	lem_order	order = plan_feasible_order(random, n_ahead);

	order.has_start = true;
	order.start_ts = start;
	return order;
}

/* A bar's row is the same for every start whose window has it. */
static void
test_rows(lem_gaps gaps, simulate_market market)
{
	static simulate_bars bars;
	lem_config	config = shared_config();
	const int	inputs = lem_inputs(&config);
	const int	t = lem_rows(&config);
	double	   *scratch;
	lem_real   *rows[2];
	int64_t		slice_ts[PLAN_STEPS];
	int			different = 0;
	int			compared = 0;

	config.gaps = gaps;
	simulate_start(&bars, 5, market, 0, BARS);
	scratch = plan_memory(lem_window_scratch(&config, NULL) * sizeof(double));
	for (int w = 0; w < 2; w++)
		rows[w] = plan_memory(lem_inputs_size(&config) * sizeof(lem_real));
	for (int bar = 60; bar + config.n_ahead < BARS; bar++)
	{
		const lem_series series = simulate_series(&bars, bars.n, false);
		bool		good = true;

		for (int w = 0; w < 2; w++)
		{
			const lem_order order = {.size = 1, .has_start = true, .start_ts = bars.ts[bar + w],
				.max_rate = 1};
			lem_window	window;

			good = good && lem_window_build(&config, &series, &order, NULL, scratch, &window,
											rows[w], slice_ts, NULL, NULL) == LEM_OK;
		}
		if (!good || bars.ts[bar + 1] - bars.ts[bar] != SIMULATE_HOUR ||
			bars.ts[bar] - bars.ts[bar - 1] != SIMULATE_HOUR)
			continue;
		compared++;
		different += memcmp(rows[0] + inputs, rows[1],
							(size_t) (t - 1) * inputs * sizeof(lem_real)) != 0;
	}
	check(compared > BARS / 8, "%d windows stand next to each other", compared);
	check_int(different, 0, "and have their rows in common, to the bit");
	for (int w = 0; w < 2; w++)
		free(rows[w]);
	free(scratch);
}

/* A window of an order, and its outlook, with or without a memory of those before. */
typedef struct built
{
	lem_status	status;
	lem_status	looked;
	lem_real	rows[24 * 16];
	int64_t		slice_ts[PLAN_STEPS];
	double		market[2 * PLAN_STEPS];
	double		volume[PLAN_STEPS];
	lem_outlook outlook;
	int			known;
	double		rms;
} built;

static void
build(lem_window_memory *memory, const lem_config *config, const lem_series *series,
	  const lem_order *order, double *scratch, built *to)
{
	lem_window	window;

	memset(to, 0, sizeof(*to));
	to->status = lem_window_build_on(memory, config, series, order, NULL, scratch, &window, to->rows,
									 to->slice_ts, to->market, NULL);
	if (to->status != LEM_OK)
		return;
	to->known = window.known;
	to->looked = lem_window_outlook_on(window.memory, config, series, order, NULL, scratch, false,
									   &to->outlook, to->volume, NULL);
	to->rms = lem_last_price(series, lem_series_before(series, order->start_ts), window.norm_window,
							 true, lem_window_returns(&window)).rms;
}

/* With what the windows before left, windows are what they are without, bit for bit. */
static void
test_memory(bool shared, lem_gaps gaps, simulate_market market, int n_ahead)
{
	static simulate_bars bars[2];
	static built with;
	static built without;
	lem_config	config = shared_config();
	simulate_random random = {41 + market};
	lem_arena	arena = {NULL, 0};
	lem_window_memory *memory;
	double	   *scratch;
	void	   *room;
	int			start = 60;
	int			good = 0;
	int			different = 0;

	config.shared_trunk = shared;
	config.gaps = gaps;
	config.n_ahead = n_ahead;
	scratch = plan_memory(lem_window_scratch(&config, NULL) * sizeof(double));
	lem_window_memory_carve(&arena, &config);
	room = plan_memory(arena.used);
	memset(room, 0xff, arena.used);
	arena = (lem_arena) {room, 0};
	memory = lem_window_memory_carve(&arena, &config);
	for (int s = 0; s < 2; s++)
		simulate_start(&bars[s], 90 + s, market, 0, BARS);
	for (int i = 0; i < TRIALS(4000); i++)
	{
		const int	kind = simulate_int(&random, 12);
		lem_series	series = simulate_series(&bars[i / 500 % 2], BARS, false);
		lem_order	order = {.size = 1, .has_start = true, .max_rate = 1};

		/* on by a few bars, again, anywhere, or live */
		start += kind < 7 ? simulate_int(&random, 4) : 0;
		if (kind == 8 || start >= BARS)
			start = 20 + simulate_int(&random, BARS - 20);
		if (kind == 9 && start > 30)
			series.n = start + simulate_int(&random, BARS - start);
		order.start_ts = series.ts[start] + (kind == 10 ? 1 - simulate_int(&random, 3) : 0);
		build(memory, &config, &series, &order, scratch, &with);
		build(NULL, &config, &series, &order, scratch, &without);
		good += without.status == LEM_OK;
		different += memcmp(&with, &without, sizeof(with)) != 0;
	}
	check(good > TRIALS(4000) / 2, "%d windows", good);
	check_int(different, 0, "are the same with a memory of those before");
	free(room);
	free(scratch);
}

/* Nothing in a row is from a bar after it. */
static void
test_causal(void)
{
	static simulate_bars bars;
	lem_config	config = shared_config();
	const int	inputs = lem_inputs(&config);
	double	   *scratch = plan_memory(lem_window_scratch(&config, NULL) * sizeof(double));
	lem_real   *rows[2];
	int64_t		slice_ts[PLAN_STEPS];
	lem_window	window;
	int			wrong = 0;

	simulate_start(&bars, 6, SIMULATE_ALWAYS, 0, BARS);
	for (int w = 0; w < 2; w++)
		rows[w] = plan_memory(lem_inputs_size(&config) * sizeof(lem_real));
	for (int r = 0; r < lem_rows(&config); r++)
	{
		const int	start = BARS - config.n_ahead;
		const lem_order order = {.size = 1, .has_start = true, .start_ts = bars.ts[start],
			.max_rate = 1};
		const int	bar = start - 1 - config.lookback + r;
		const lem_series series = simulate_series(&bars, bars.n, false);
		const double price = bars.price[bar];
		const double volume = bars.volume[bar];

		for (int w = 0; w < 2; w++)
		{
			if (w == 1)
			{
				bars.price[bar] *= 1.5;
				bars.volume[bar] *= 3;
			}
			check_int(lem_window_build(&config, &series, &order, NULL, scratch, &window, rows[w],
									   slice_ts, NULL, NULL), LEM_OK, "a window");
		}
		bars.price[bar] = price;
		bars.volume[bar] = volume;
		wrong += memcmp(rows[0], rows[1], (size_t) r * inputs * sizeof(lem_real)) != 0 ||
			memcmp(rows[0] + r * inputs, rows[1] + r * inputs, inputs * sizeof(lem_real)) == 0;
	}
	check_int(wrong, 0, "a bar changes rows from its own on");
	for (int w = 0; w < 2; w++)
		free(rows[w]);
	free(scratch);
}

/* Orders at random starts, some of the same: alone, together, with fewer bars, live and afterwards. */
static void
test_company(lem_recurrent recurrent, bool attention, int layers)
{
	static simulate_bars bars[2];
	lem_config	config = shared_config();
	lem_model	model;
	simulate_random random = {12 + recurrent};
	lem_order	orders[STARTS];
	lem_series	series[STARTS];
	plan		together[STARTS];
	int			history;
	int			alone = 0;
	int			fewer = 0;
	int			live = 0;
	int			failed;

	config.recurrent = recurrent;
	config.attention = attention;
	config.hidden_rnn_layer = layers;
	model = random_model(&config, 3, LEM_FORM_FORWARD);
	history = lem_window_history(&config, SIMULATE_HOUR);
	for (int s = 0; s < 2; s++)
		simulate_start(&bars[s], 70 + s, SIMULATE_ALWAYS, 0, BARS);
	for (int i = 0; i < STARTS; i++)
	{
		const simulate_bars *of = &bars[i / 7 % 2];
		const int	start = history + simulate_int(&random, i % 3 == 0 ? 100 : 10);

		orders[i] = order_from(&random, config.n_ahead, of->ts[start]);
		series[i] = simulate_series(of, of->n, false);
	}
	check_int(plan_orders(&model, STARTS, orders, series, together, &failed), LEM_OK,
			  "a batch is scheduled");
	for (int i = 0; i < STARTS; i++)
	{
		const plan	one = plan_order(&model, &orders[i], series[i]);
		const size_t start = lem_series_before(&series[i], orders[i].start_ts);
		const plan	least = plan_order(&model, &orders[i],
									   without_first(series[i], start - history));

		alone += differences(&one, &together[i]);
		fewer += differences(&one, &least);
		for (int k = 0; k < one.n; k++)
		{
			lem_series	so_far = series[i];
			plan		then;

			so_far.n = start + k;
			then = plan_order(&model, &orders[i], so_far);
			live += then.status != LEM_OK || then.slices[k].state != LEM_SLICE_NEXT ||
				then.slices[k].allocation != one.slices[k].allocation;
		}
	}
	check_int(alone, 0, "slices do not depend on an order's company");
	check_int(fewer, 0, "nor on bars before the history that is needed");
	check_int(live, 0, "and are, slice by slice, what was decided live");
}

/* Backtests find the slices that scheduling does, whatever their batches. */
static void
test_backtest(lem_gaps gaps, simulate_market market)
{
	static simulate_bars bars;
	lem_config	config = shared_config();
	lem_model	model;
	lem_series	series;
	lem_backtest test;
	lem_backtest_cursor cursor = {0};
	lem_backtest_start starts[16];
	lem_outcome outcomes[16];
	double		allocations[16 * PLAN_STEPS];
	void	   *workspace;
	int			different = 0;
	int			total = 0;
	int			count;

	config.gaps = gaps;
	model = random_model(&config, 4, LEM_FORM_FORWARD);
	simulate_start(&bars, 31, market, 0, BARS);
	series = simulate_series(&bars, bars.n, false);
	lem_backtest_default(&test);
	test.model = &model;
	test.config = &config;
	test.series = &series;
	test.order = (lem_order) {.size = 1, .min_bars = 2, .max_rate = 1};
	workspace = plan_memory(lem_backtest_workspace(&test, 16));
	do
	{
		check_int(lem_backtest_run(&test, &cursor, 1 + total % 16, workspace, NULL, starts,
								   outcomes, allocations, &count, NULL), LEM_OK, "starts");
		for (int i = 0; i < count; i++)
		{
			lem_order	order = test.order;
			plan		one;

			order.has_start = true;
			order.start_ts = starts[i].ts;
			one = plan_order(&model, &order, series);
			for (int k = 0; k < one.n; k++)
				different += one.slices[k].allocation != allocations[i * config.n_ahead + k];
		}
		total += count;
	} while (count > 0);
	check(total > BARS / 8, "%d starts", total);
	check_int(different, 0, "a backtest's slices are those of schedules");
	free(workspace);
}

/* Each row is computed once, and its context is that of a window alone. */
static void
test_overlay(void)
{
	const lem_config config = shared_config();
	const lem_model model = random_model(&config, 8, LEM_FORM_GRADIENT);
	const size_t inputs = lem_inputs(&config);
	const size_t window = lem_inputs_size(&config);
	const size_t context = lem_context_size(&config);
	const int	t = lem_rows(&config);
	const int	offset[] = {0, 3, 3, 5, 1, 90, 92, 4, 200};
	const int	n = sizeof(offset) / sizeof(offset[0]);
	simulate_random random = {19};
	lem_real	sequence[300 * 16];
	lem_real   *rows = plan_memory(n * window * sizeof(lem_real));
	lem_real   *all = plan_memory(n * context * sizeof(lem_real));
	lem_real   *one = plan_memory(context * sizeof(lem_real));
	lem_arena	arena = {NULL, 0};
	lem_shared_acts acts;
	void	   *memory;
	int			different = 0;

	for (size_t i = 0; i < 300 * inputs; i++)
		sequence[i] = (lem_real) simulate_normal(&random);
	for (int i = 0; i < n; i++)
		memcpy(rows + i * window, sequence + offset[i] * inputs, window * sizeof(lem_real));

	lem_shared_acts_carve(&arena, &config, model.trunk, n, false, &acts);
	memory = plan_memory(arena.used);
	arena = (lem_arena) {memory, 0};
	lem_shared_acts_carve(&arena, &config, model.trunk, n, false, &acts);
	lem_shared_overlay(&config, n, rows, &acts);
	check_int(lem_overlay_rows(&acts.overlay), (t + 5) + (t + 2) + t, "rows are laid over each other");
	check_int(lem_overlay_runs(&acts.overlay), 3, "in three runs");
	free(memory);

	for (int i = -1; i < n; i++)
	{
		const lem_samples samples = {.n = i < 0 ? n : 1, .total = 1,
			.rows = i < 0 ? rows : rows + i * window};
		void	   *kept = plan_memory(lem_gradient_kept(&model, samples.n));

		check_int(lem_gradient_trunk(&model, &samples, kept, NULL, NULL, i < 0 ? all : one), LEM_OK,
				  "a pass of training");
		different += i >= 0 && memcmp(all + i * context, one, context * sizeof(lem_real)) != 0;
		free(kept);
	}
	check_int(different, 0, "contexts are those of windows alone, to the bit");
	free(rows);
	free(all);
	free(one);
}

static void
test_configs(void)
{
	lem_config	config = shared_config();
	lem_fault	fault;

	check(lem_config_check(&config, NULL) == LEM_OK, "a shared trunk");
	config.context_rows = config.lookback + 2;
	check(lem_config_check(&config, &fault) == LEM_CONFIG_RANGE &&
		  strcmp(fault.name, "context_rows") == 0 && fault.want == config.lookback + 1,
		  "states must begin within the lookback");
	config.context_rows = 0;
	check(lem_config_check(&config, NULL) == LEM_CONFIG_RANGE, "and a row before their own");
	config = shared_config();
	config.hidden_rnn_layer = 3;
	config.context_rows = 4;
	check(lem_config_check(&config, &fault) == LEM_CONFIG_RANGE && fault.want == 3,
		  "of all layers together");
	config = shared_config();
	config.stop_base = config.shared_steps = false;
	check(lem_config_check(&config, &fault) == LEM_CONFIG_RANGE && strcmp(fault.name, "trunk") == 0,
		  "not without the optimum");
	config = shared_config();
	config.feature_set = LEM_FEATURES_LIST;
	config.n_named = 0;
	check(lem_config_check(&config, NULL) == LEM_CONFIG_RANGE, "nor without features");
}

int
main(void)
{
	test_configs();
	test_rows(LEM_GAPS_CARRY, SIMULATE_ALWAYS);
	test_rows(LEM_GAPS_CARRY, SIMULATE_HALTS);
	test_rows(LEM_GAPS_SKIP, SIMULATE_SESSIONS);
	test_memory(true, LEM_GAPS_CARRY, SIMULATE_ALWAYS, 6);
	test_memory(false, LEM_GAPS_CARRY, SIMULATE_ALWAYS, 6);
	test_memory(true, LEM_GAPS_CARRY, SIMULATE_SESSIONS_HALTS, 6);
	test_memory(false, LEM_GAPS_CARRY, SIMULATE_SESSIONS_HALTS, 6);
	test_memory(true, LEM_GAPS_SKIP, SIMULATE_SESSIONS, 6);
	test_memory(false, LEM_GAPS_SKIP, SIMULATE_SESSIONS, 6);
	test_memory(true, LEM_GAPS_SKIP, SIMULATE_HALTS, 14);
	test_memory(false, LEM_GAPS_SKIP, SIMULATE_HALTS, 14);
	test_memory(true, LEM_GAPS_ERROR, SIMULATE_ALWAYS, 3);
	test_memory(false, LEM_GAPS_ERROR, SIMULATE_ALWAYS, 3);
	test_causal();
	for (int kind = 0; kind <= LEM_RECURRENT_NONE; kind++)
		test_company((lem_recurrent) kind, true, 1);
	test_company(LEM_RECURRENT_GRU, true, 2);
	test_company(LEM_RECURRENT_GRU, false, 1);
	test_backtest(LEM_GAPS_CARRY, SIMULATE_ALWAYS);
	test_backtest(LEM_GAPS_CARRY, SIMULATE_HALTS);
	test_backtest(LEM_GAPS_SKIP, SIMULATE_SESSIONS);
	test_overlay();
	return check_done();
}

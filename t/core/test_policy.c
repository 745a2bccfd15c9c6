/*
 * test_policy.c: models on top of the exact optimum: their shares without a network's say, and
 * with it.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "judging/baseline.h"
#include "market/series.h"
#include "parameters/initial.h"
#include "plans.h"
#include "tables.h"
#include "training/gradient.h"
#include "training/policy_menu.h"
#include "training/shrink.h"

#define BARS 200

/* Closes of simulated bars: between a bar's average and the next one's. */
static void
make_closes(simulate_random *random, const simulate_bars *bars, double *close)
{
	for (size_t i = 0; i < bars->n; i++)
		close[i] = bars->price[i] * exp(0.003 * simulate_normal(random));
}

static bool
same_slices(int n, const lem_slice *a, const lem_slice *b)
{
	for (int k = 0; k < n; k++)
		if (a[k].step != b[k].step || a[k].state != b[k].state || a[k].ts != b[k].ts ||
			a[k].allocation != b[k].allocation || a[k].cumulative != b[k].cumulative ||
			a[k].quantity != b[k].quantity || a[k].by != b[k].by)
			return false;
	return true;
}

static lem_config
policy_config(int n_ahead)
{
	lem_config	config = plan_small_config();

	config.n_ahead = n_ahead;
	config.stop_base = config.shared_steps = true;
	config.finish_gate = false;
	return config;
}

/* A model of weights that training begins with. */
static lem_model
fresh_model(const lem_config *config)
{
	float	  **parts = golden_empty_parts(config);
	lem_model	model;

#ifdef LEM_REAL_DOUBLE
	double	  **numbers = calloc(lem_part_count(config), sizeof(double *));

	for (int p = 0; p < lem_part_count(config); p++)
		numbers[p] = calloc(lem_part_size(config, p), sizeof(double));
	lem_initial_weights(config, 1, numbers);
	for (int p = 0; p < lem_part_count(config); p++)
		for (int64_t i = 0; i < lem_part_size(config, p); i++)
			parts[p][i] = (float) numbers[p][i];
#else
	lem_initial_weights(config, 1, parts);
#endif
	model = golden_model(config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	model.tables = tables_source();
	return model;
}

/* Random orders of a few rates and minima, some bound by the market. */
static lem_order
random_order(simulate_random *random, const lem_config *config, const simulate_bars *bars)
{
	lem_order	order;
	lem_limits	limits;

	do
	{
		simulate_order(random, config->n_ahead, &order);
		order.min_rate = simulate_int(random, 4) == 0 ? 0.05 : 0;
		order.max_rate = simulate_int(random, 3) == 0 ? 0.5 : 1;
	} while (lem_order_check(&order, config->n_ahead, &limits, NULL) != LEM_OK);
	order.has_start = true;
	order.start_ts = bars->ts[60 + simulate_int(random, BARS - 60)] - 1;
	if (simulate_int(random, 4) == 0)
	{
		order.max_participation = 0.2;
		order.size = 500;
		order.lot = 0;
		order.best_effort = true;
	}
	if (simulate_int(random, 8) == 0)
	{
		order.has_risk = true;
		order.risk_aversion = 3;
	}
	return order;
}

/* With nothing to say a model schedules what the baseline does, to the bit. */
static void
test_base(void)
{
	static simulate_bars bars[4];
	static double close[4][SIMULATE_BARS];
	static lem_slice slices[PLAN_STEPS];
	const lem_config config = policy_config(6);
	const lem_model model = fresh_model(&config);
	void	   *workspace = plan_memory(lem_baseline_workspace(&config));
	lem_baseline_options options;
	simulate_random random = {77};
	int			different = 0;
	int			early = 0;
	int			kept = 0;
	int			failed = 0;

	lem_baseline_options_default(&options);
	options.optimal.source = tables_source();
	for (int s = 0; s < 4; s++)
	{
		simulate_start(&bars[s], 50 + s, (simulate_market) s, 0, BARS);
		make_closes(&random, &bars[s], close[s]);
	}
	for (; kept < TRIALS(10000); kept++)
	{
		const int	s = simulate_int(&random, 4);
		const lem_order order = random_order(&random, &config, &bars[s]);
		lem_series	series = simulate_series(&bars[s], bars[s].n, false);
		plan		have;
		int			count;
		lem_fault	fault;

		if (simulate_int(&random, 2))
			series.close = close[s];
		if (lem_baseline_schedule(LEM_BASELINE_OPTIMAL_STOP, &options, &config, &order, &series,
								  NULL, workspace, slices, &count, &fault) != LEM_OK)
		{
			failed++;
			continue;
		}
		have = plan_order(&model, &order, series);
		if (have.status != LEM_OK || have.n != count ||
			!same_slices(count, have.slices, slices))
			different++;
		early += slices[count - 1].cumulative == 1 && slices[count - 1].allocation == 0;
	}
	check_int(different, 0, "%d orders are scheduled as optimal_stop does, to the bit",
			  kept - failed);
	check(failed < kept / 100, "%d orders could not be", failed);
	check(early > kept / 20, "%d of them finish early", early);
}

/* A network that has something to say: other shares, all limits kept, in any company. */
static void
test_moved(void)
{
	static simulate_bars bars;
	static double close[SIMULATE_BARS];
	lem_config	config = policy_config(6);
	float	  **parts = golden_random_parts(&config, 3);
	lem_model	model = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	lem_model	fresh = fresh_model(&config);
	lem_order	orders[PLAN_BATCH];
	lem_series	series[PLAN_BATCH];
	plan		plans[PLAN_BATCH];
	simulate_random random = {78};
	int			moved = 0;
	int			alone = 0;
	int			broken = 0;
	int			crumbs = 0;
	int			failed;

	model.tables = tables_source();
	simulate_start(&bars, 9, SIMULATE_ALWAYS, 0, BARS);
	make_closes(&random, &bars, close);
	for (int i = 0; i < PLAN_BATCH; i++)
	{
		orders[i] = random_order(&random, &config, &bars);
		series[i] = simulate_series(&bars, bars.n, false);
		series[i].close = close;
	}
	check_int(plan_orders(&model, PLAN_BATCH, orders, series, plans, &failed), LEM_OK,
			  "a batch is scheduled");
	for (int i = 0; i < PLAN_BATCH; i++)
	{
		const plan	one = plan_order(&model, &orders[i], series[i]);
		const plan	base = plan_order(&fresh, &orders[i], series[i]);
		double		sum = 0;

		alone += one.n != plans[i].n ||
			!same_slices(one.n, one.slices, plans[i].slices);
		moved += !same_slices(one.n, one.slices, base.slices);
		for (int k = 0; k < one.n; k++)
		{
			sum += one.slices[k].allocation;
			broken += one.slices[k].allocation < 0 ||
				one.slices[k].allocation > orders[i].max_rate + 1e-12;
			crumbs += orders[i].min_bars > 0 && k + 1 >= orders[i].min_bars &&
				one.slices[k].by == LEM_BOUND_NONE && one.slices[k].allocation > 0 &&
				1 - sum > 1e-9 && 1 - sum < LEM_POLICY_LEAST &&
				one.slices[k].allocation < orders[i].max_rate - 1e-9;
		}
		broken += orders[i].best_effort ? sum > 1 : sum != 1;
	}
	check_int(alone, 0, "an order's slices do not depend on its company");
	check(moved > PLAN_BATCH / 2, "the network moves shares");
	check_int(broken, 0, "limits are kept");
	check_int(crumbs, 0, "an order that may end does not go on for a crumb of it");
}

/*
 * Nothing is kept of the outputs against TWAP: such orders are scheduled as optimal_stop does, without the trunk,
 * whose weights are no numbers here, and others as before.
 */
static void
test_silent(void)
{
	static simulate_bars bars;
	lem_config	config = policy_config(6);
	float	  **parts = golden_random_parts(&config, 3);
	const lem_model whole = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	lem_model	models[3] = {whole, whole, fresh_model(&config)};
	lem_order	orders[PLAN_BATCH];
	lem_series	series[PLAN_BATCH];
	plan		plans[3][PLAN_BATCH];
	simulate_random random = {79};
	lem_policy_offsets at;
	int			against[2] = {0, 0};
	int			different = 0;
	int			lost = 0;
	int			failed;

	lem_policy_layout(&config, &at);
	for (int o = 1; o < LEM_POLICY_OUTPUTS; o += 2)
	{
		for (int i = 0; i < config.fused_mlp_hidden_dim; i++)
			parts[1][at.kernel_2 + i * LEM_POLICY_OUTPUTS + o] = 0;
		parts[1][at.bias_2 + o] = 0;
	}
	models[1] = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	simulate_start(&bars, 9, SIMULATE_ALWAYS, 0, BARS);
	for (int i = 0; i < PLAN_BATCH; i++)
	{
		orders[i] = random_order(&random, &config, &bars);
		series[i] = simulate_series(&bars, bars.n, false);
	}
	for (int m = 0; m < 3; m++)
	{
		models[m].tables = tables_source();
		check_int(plan_orders(&models[m], PLAN_BATCH, orders, series, plans[m], &failed), LEM_OK,
				  "a batch is scheduled");
	}
	for (int64_t i = 0; i < lem_part_size(&config, 0); i++)
		parts[0][i] = NAN;
	models[1] = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
	models[1].tables = tables_source();
	for (int i = 0; i < PLAN_BATCH; i++)
	{
		const plan *as = &plans[orders[i].twap ? 2 : 0][i];

		against[orders[i].twap]++;
		different += !same_slices(as->n, as->slices, plans[1][i].slices);
		if (orders[i].twap)
		{
			const plan	one = plan_order(&models[1], &orders[i], series[i]);

			lost += one.n != as->n || !same_slices(one.n, one.slices, as->slices);
		}
	}
	check(against[0] > 0 && against[1] > 0, "%d orders against VWAP, %d against TWAP", against[0],
		  against[1]);
	check_int(different, 0, "outputs that say nothing leave orders to the optimum, and others alone");
	check_int(lost, 0, "without the trunk");
}

/* Decide the first slices of an order as a model did when there were n bars fewer. */
static void
decide_first(const lem_model *model, lem_order *order, const lem_series *series, int n, int64_t *units)
{
	lem_series	then = *series;
	plan		p;
	int			known = 0;

	then.n -= (size_t) n;
	p = plan_order(model, order, then);
	while (known < p.n && p.slices[known].state == LEM_SLICE_DONE)
		known++;
	order->n_decided = known < p.n && p.slices[known].state == LEM_SLICE_NEXT ? known + 1 : known;
	order->decided = units;
	for (int k = 0; k < order->n_decided; k++)
		units[k] = lem_share_units(p.slices[k].allocation);
}

/* What the test of extents counts. */
typedef struct extents
{
	int			compared;
	int			different;
	int			shorter;		/* that were not computed to their horizon */
	int			carried;		/* that had more bars than the series */
	int			decided;		/* with slices that were decided before */
} extents;

static void
compare_extents(const lem_model *model, int n, const lem_order *orders, const lem_series *series,
				extents *e)
{
	const int	n_ahead = model->config.n_ahead;
	const size_t bytes = lem_schedule_workspace(model, n, series);
	void	   *workspace = plan_memory(bytes);
	lem_slice	slices[2][PLAN_BATCH * PLAN_STEPS];
	int			counts[2][PLAN_BATCH];
	bool		good = true;

	for (int extent = LEM_WHOLE; extent <= LEM_TO_NEXT; extent++)
	{
		int			failed;

		memset(workspace, 0xff, bytes);
		good = good && lem_schedule(model, (lem_extent) extent, n, orders, series, NULL, workspace,
									NULL, slices[extent], counts[extent], &failed, NULL) == LEM_OK;
	}
	e->different += !good;
	for (int i = 0; good && i < n; i++)
	{
		const lem_slice *whole = slices[LEM_WHOLE] + i * n_ahead;
		const size_t since = series[i].n - lem_series_before(&series[i], orders[i].start_ts);
		int			known = 0;

		while (known < counts[LEM_WHOLE][i] && whole[known].state == LEM_SLICE_DONE)
			known++;
		e->compared++;
		e->shorter += counts[LEM_TO_NEXT][i] < counts[LEM_WHOLE][i];
		e->carried += orders[i].has_start && (size_t) known > since;
		e->decided += orders[i].n_decided > 0;
		e->different += counts[LEM_TO_NEXT][i] != (known < counts[LEM_WHOLE][i] ? known + 1 : known) ||
			!same_slices(counts[LEM_TO_NEXT][i], whole, slices[LEM_TO_NEXT] + i * n_ahead);
	}
	free(workspace);
}

/*
 * What is computed up to the next slice is that of the whole schedule, to the bit: of orders of all lengths, some
 * with a start in common, whatever was decided of them, and with bars that are missing.
 */
static void
test_extents(bool shared_trunk)
{
	static simulate_bars bars[4];
	lem_config	config = policy_config(12);
	float	  **parts;
	extents		e = {0};
	simulate_random random = {80};

	config.shared_trunk = shared_trunk;
	parts = golden_random_parts(&config, 3);
	for (int s = 0; s < 4; s++)
		simulate_start(&bars[s], 60 + s, (simulate_market) s, 0, BARS);
	for (int trial = 0; trial < TRIALS(300); trial++)
	{
		lem_order	orders[PLAN_BATCH];
		lem_series	series[PLAN_BATCH];
		int64_t		units[PLAN_BATCH][PLAN_STEPS];
		lem_model	model;
		int			n = 0;

		config.gaps = (lem_gaps) (trial % 3);
		model = golden_model(&config, parts, lem_kernels_select(), LEM_FORM_FORWARD);
		model.tables = tables_source();
		for (int i = 0; i < 16; i++)
		{
			const int	s = simulate_int(&random, 4);

			orders[n] = random_order(&random, &config, &bars[s]);
			series[n] = simulate_series(&bars[s], 150 + simulate_int(&random, 40), false);
			orders[n].start_ts = series[n].ts[series[n].n - 1 - simulate_int(&random, 14)] - 1;
			if (n > 0 && i % 2)
			{
				series[n] = series[n - 1];
				orders[n].start_ts = orders[n - 1].start_ts;
			}
			orders[n].has_start = simulate_int(&random, 8) > 0;
			if (i % 3 == 0 && orders[n].has_start)
				decide_first(&model, &orders[n], &series[n], simulate_int(&random, 3), units[n]);
			n += plan_order(&model, &orders[n], series[n]).status == LEM_OK;
		}
		compare_extents(&model, n, orders, series, &e);
	}
	check_int(e.different, 0, "%d schedules up to the next slice are those of all slices",
			  e.compared);
	check(e.shorter > e.compared / 4 && e.decided > e.compared / 8,
		  "%d of them are shorter, %d go on from what was decided", e.shorter, e.decided);
	check(e.carried > 0, "%d had bars that were carried on", e.carried);
}

static void
test_move(void)
{
	const double h = 1e-6;

	for (double f = 0; f <= 1; f += 0.05)
	{
		double		by_f;
		double		by_z;

		check(lem_policy_move(f, 0, &by_f, &by_z) == f, "%g stays where it is", f);
		check(by_z > 0 && by_f > 0, "but can be moved");
		for (double z = -2.02; z < 2.5; z += 0.5)
		{
			const double to = lem_policy_move(f, z, &by_f, &by_z);

			check(to >= 0 && to <= 1, "a share of what is left");
			if (to > h && to < 1 - h && f > h && f < 1 - h)
			{
				check_near((lem_policy_move(f, z + h, NULL, NULL) -
							lem_policy_move(f, z - h, NULL, NULL)) / (2 * h), by_z, 1e-6,
						   "its slope by the answer");
				check_near((lem_policy_move(f + h, z, NULL, NULL) -
							lem_policy_move(f - h, z, NULL, NULL)) / (2 * h), by_f, 1e-6,
						   "and by the optimum's share");
			}
		}
	}
	check(lem_policy_move(0, 5, NULL, NULL) > 0.7 && lem_policy_move(1, -5, NULL, NULL) < 0.3 &&
		  lem_policy_move(0.5, 1e9, NULL, NULL) == 1, "nothing becomes much, and all little");
}

/*
 * Gradients by central differences along a direction in each tensor, what the optimum leaves being
 * given: orders of all kinds over random markets.
 */
#define SAMPLES 4
#define STEPS 6
#define LONGER 9				/* N of a model whose orders have STEPS bars at most */

typedef struct graded
{
	lem_config	config;
	lem_model	model;
	lem_real  **parts;
	void	   *memory[2];
	lem_policy_order orders[SAMPLES * LEM_POLICY_ORDERS];
	double		bars[SAMPLES][2 * STEPS];
	double		close[SAMPLES][STEPS];
	double		volume[SAMPLES][STEPS];
	double		base[SAMPLES * LEM_POLICY_ORDERS * LONGER * 2];
	lem_real	market[SAMPLES * LONGER * 2];
	lem_real	rates[2][SAMPLES];
	lem_real   *rows;
	lem_samples samples;
} graded;

static double
graded_loss(graded *g, const lem_loss_options *options, lem_real *const *gradient)
{
	const lem_head *heads[1];
	void	   *workspace;
	double		loss = NAN;

	g->model.trunk = lem_trunk_decode(&g->config, g->parts[0], LEM_FORM_GRADIENT, g->memory[0]);
	heads[0] = lem_head_decode(&g->config, g->parts[1], g->memory[1]);
	g->model.heads = heads;
	workspace = plan_memory(lem_gradient_workspace(&g->model, SAMPLES));
	check_int(lem_gradient(&g->model, (const lem_real *const *) g->parts, &g->samples, options,
						   workspace, NULL, &loss, gradient), LEM_OK, "a loss is computed");
	free(workspace);
	return loss;
}

static void
make_orders(graded *g, simulate_random *random)
{
	const size_t steps = g->config.n_ahead;

	for (int s = 0; s < SAMPLES; s++)
	{
		lem_start_view view = {.market = g->bars[s], .close = g->close[s],
			.volume = g->volume[s]};
		const lem_menu_entry entry = {s < SAMPLES - 1,
			{s == 1 ? 4 : STEPS, s < SAMPLES - 1 ? 1 + s : STEPS, s == 2 ? 0.05 : 0,
				s == 1 ? 0.5 : 1, 0.5 + s, s == 2 ? 0.1 : 0, LEM_SEES_CLOSE}};
		const lem_optimum_problem problem = lem_menu_problem(&entry, LEM_SEES_CLOSE);
		const lem_optimum_source source = tables_source();
		lem_policy_sample sample;
		double		price = 100;

		for (int k = 0; k < STEPS; k++)
		{
			g->bars[s][2 * k] = price * exp(0.006 * simulate_normal(random));
			price *= exp(0.01 * simulate_normal(random));
			g->close[s][k] = price;
			g->bars[s][2 * k + 1] = 500 + 1000 * simulate_real(random);
			g->volume[s][k] = 1000;
			g->market[2 * (s * steps + k)] = (lem_real) (g->bars[s][2 * k + 1] / 2048);
			g->market[2 * (s * steps + k) + 1] = (lem_real) (g->bars[s][2 * k] / 128);
		}
		view.outlook.mean_volume = 1000;
		view.last = (lem_last) {100, 0.01, 100, true, false};
		lem_policy_sample_of(&view, LEM_SEES_CLOSE, &sample);
		sample.notional = s == 2;
		lem_policy_orders(&sample, &entry, entry.early ? source.find(NULL, &problem) : NULL,
						  g->bars[s], g->close[s], g->volume[s],
						  g->orders + s * LEM_POLICY_ORDERS);
		g->rates[0][s] = (lem_real) problem.min_rate;
		g->rates[1][s] = (lem_real) problem.max_rate;
	}
}

/* A trunk for all: samples that have rows in common with those before, and one that has none. */
static void
overlap_rows(const lem_config *config, lem_real *rows)
{
	const size_t window = lem_inputs_size(config);
	const size_t inputs = lem_inputs(config);

	for (int s = 1; s < SAMPLES - 1; s++)
	{
		const size_t moved = s * inputs;

		memcpy(rows + s * window, rows + (s - 1) * window + moved,
			   (window - moved) * sizeof(lem_real));
	}
}

/* A model of random weights, its samples, and room for a gradient. */
static void
open_graded(graded *g, lem_config config, simulate_random *random, lem_real **gradient)
{
	float	  **numbers;
	size_t		cells;

	g->config = config;
	numbers = golden_random_parts(&g->config, 11);
	g->model = (lem_model) {g->config, lem_kernels_select(), NULL, NULL, {NULL, NULL}};
	g->parts = calloc(2, sizeof(lem_real *));
	for (int p = 0; p < 2; p++)
	{
		const int64_t size = lem_part_size(&g->config, p);

		g->parts[p] = plan_memory(size * sizeof(lem_real));
		gradient[p] = plan_memory(size * sizeof(lem_real));
		memset(gradient[p], 0, size * sizeof(lem_real));
		for (int64_t i = 0; i < size; i++)
			g->parts[p][i] = numbers[p][i];
	}
	g->memory[0] = plan_memory(lem_trunk_bytes(&g->config, LEM_FORM_GRADIENT));
	g->memory[1] = plan_memory(lem_head_bytes(&g->config));
	make_orders(g, random);
	cells = SAMPLES * lem_inputs_size(&g->config);
	g->rows = plan_memory(cells * sizeof(lem_real));
	for (size_t i = 0; i < cells; i++)
		g->rows[i] = (lem_real) simulate_normal(random);
	if (config.shared_trunk)
		overlap_rows(&config, g->rows);
	g->samples = (lem_samples) {.n = SAMPLES, .total = SAMPLES, .rows = g->rows,
		.min_rate = g->rates[0], .max_rate = g->rates[1], .market = g->market,
		.n_orders = LEM_POLICY_ORDERS, .orders = g->orders, .base = g->base};
}

static void
close_graded(graded *g, lem_real **gradient)
{
	for (int p = 0; p < 2; p++)
	{
		free(g->parts[p]);
		free(gradient[p]);
		free(g->memory[p]);
	}
	free(g->parts);
	free(g->rows);
}

static void
test_gradient(lem_objective objective, lem_config config)
{
	static graded g;
	const lem_loss_options options = {objective, 0, 20, 0.1};
	simulate_random random = {5 + objective};
	lem_real   *gradient[2];
	double		loss;

	open_graded(&g, config, &random, gradient);
	loss = graded_loss(&g, &options, gradient);
	check(isfinite(loss), "a loss");
	g.samples.given = true;
	check(graded_loss(&g, &options, NULL) == loss, "the same with what the optimum leaves given");

	for (int i = 0; i < lem_tensor_count(&g.config); i++)
	{
		const double h = sizeof(lem_real) == sizeof(double) ? 1e-6 : 1e-2;
		lem_tensor	tensor;
		lem_real   *part;
		double		slope = 0;
		double		length = 0;
		double		difference;
		lem_real	had[4096];
		double		direction[4096];

		lem_tensor_get(&g.config, i, &tensor);
		if (tensor.constant || tensor.slice > 4096)
			continue;
		part = g.parts[tensor.head] + tensor.offset;
		for (int64_t j = 0; j < tensor.slice; j++)
		{
			had[j] = part[j];
			direction[j] = simulate_normal(&random);
			slope += direction[j] * gradient[tensor.head][tensor.offset + j];
			length += fabs(direction[j] * gradient[tensor.head][tensor.offset + j]);
		}
		for (int64_t j = 0; j < tensor.slice; j++)
			part[j] = had[j] + (lem_real) (h * direction[j]);
		difference = graded_loss(&g, &options, NULL);
		for (int64_t j = 0; j < tensor.slice; j++)
			part[j] = had[j] - (lem_real) (h * direction[j]);
		difference -= graded_loss(&g, &options, NULL);
		memcpy(part, had, tensor.slice * sizeof(lem_real));
		if (sizeof(lem_real) == sizeof(double))
			check_near(difference / (2 * h), slope, 1e-5 * length + 1e-8, "gradient of %s",
					   tensor.name);
	}
	close_graded(&g, gradient);
}

/* More hidden numbers than the network has inputs; the small config has fewer. */
static void
test_wide(void)
{
	lem_config	config = policy_config(STEPS);

	config.fused_mlp_hidden_dim = lem_policy_width(&config) + 10;
	test_gradient(LEM_OBJECTIVE_ENTROPIC, config);
}

/* The loss and the gradient of orders that do not use all steps are the same without the other rows. */
static void
test_shorter(lem_config config)
{
	static graded g;
	const lem_loss_options options = {LEM_OBJECTIVE_ENTROPIC, 0, 20, 0.1};
	simulate_random random = {9};
	lem_real   *whole[2];
	lem_real   *shorter[2];
	double		loss;

	open_graded(&g, config, &random, whole);
	for (int p = 0; p < 2; p++)
	{
		shorter[p] = plan_memory(lem_part_size(&config, p) * sizeof(lem_real));
		memset(shorter[p], 0, lem_part_size(&config, p) * sizeof(lem_real));
	}
	loss = graded_loss(&g, &options, whole);
	g.samples.horizon = STEPS;
	check(graded_loss(&g, &options, shorter) == loss, "the same loss from fewer rows");
	for (int p = 0; p < 2; p++)
	{
		double		most = 0;
		double		off = 0;

		for (int64_t i = 0; i < lem_part_size(&config, p); i++)
		{
			most = fmax(most, fabs(whole[p][i]));
			off = fmax(off, fabs(whole[p][i] - shorter[p][i]));
		}
		/* products of other sizes are added up in another order */
		check(most > 0 && off <= most * (sizeof(lem_real) == sizeof(double) ? 1e-13 : 1e-5),
			  "and the same gradient: %g of %g", off, most);
		free(shorter[p]);
	}
	close_graded(&g, whole);
}

/* Orders of every length: a shorter trunk never takes more room than the whole. */
static void
test_room(void)
{
	const lem_config config = policy_config(96);
	lem_model	model = fresh_model(&config);

	for (int n = 1; n <= 9; n += 4)
	{
		const size_t whole = lem_forward_workspace(&model, n, false);
		const size_t kept = lem_gradient_kept(&model, n);
		const size_t scratch = lem_gradient_trunk_scratch(&model, n);

		for (int horizon = 2; horizon < config.n_ahead; horizon++)
		{
			lem_model	near = model;

			near.config = lem_config_near(&config, horizon);
			check(near.config.n_ahead == horizon &&
				  lem_forward_workspace(&near, n, false) <= whole &&
				  lem_gradient_kept(&near, n) <= kept &&
				  lem_gradient_trunk_scratch(&near, n) <= scratch,
				  "%d samples of %d bars have room", n, horizon);
		}
	}
}

/* Of a trunk for all orders: recurrent layers of each kind, and without. */
static void
test_shared_gradients(void)
{
	lem_config	config = policy_config(STEPS);

	config.shared_trunk = true;
	config.context_rows = 3;
	for (int kind = 0; kind <= LEM_RECURRENT_NONE; kind++)
	{
		config.recurrent = (lem_recurrent) kind;
		test_gradient(LEM_OBJECTIVE_ENTROPIC, config);
	}
	config.recurrent = LEM_RECURRENT_GRU;
	config.hidden_rnn_layer = 2;
	config.variable_selection = false;
	test_gradient(LEM_OBJECTIVE_ENTROPIC, config);
	config.attention = false;
	test_gradient(LEM_OBJECTIVE_ENTROPIC, config);
}

static void
test_mirror(void)
{
	lem_config	config = policy_config(4);
	double		bars[8] = {101, 5, 102, 6, 99, 7, 98, 8};
	double		close[4] = {101.5, 102.5, 98, NAN};
	lem_real	market[8] = {5, 1.01f, 6, 1.02f, 7, 0.99f, 8, 0.98f};
	lem_real   *rows = plan_memory(lem_inputs_size(&config) * sizeof(lem_real));
	lem_policy_sample sample = {.last = 100};

	for (size_t i = 0; i < lem_inputs_size(&config); i++)
		rows[i] = 1;
	lem_policy_mirror(&config, rows, market, bars, close, &sample);
	check_near(log(bars[2] / bars[0]), -log(102.0 / 101), 1e-12, "prices move the other way");
	check_near(log(close[1] / 100), -log(102.5 / 100), 1e-12, "and closes");
	check_near(log(market[3] / market[1]), -log(1.02 / 1.01), 1e-6, "in the loss as well");
	check(isnan(close[3]) && bars[1] == 5 && market[0] == 5, "what is unknown, and volumes stay");
	check(rows[LEM_FEATURE_RETURN] == -1 && rows[LEM_FEATURE_LOG_VOLUME] == 1,
		  "returns turn, volumes do not");
	free(rows);
}

static void
test_menu(void)
{
	const double rates[3][2] = {{0, 1}, {0, 0.25}, {0.02, 1}};

	for (int n = 2; n <= 1024; n = n * 3 / 2 + 1)
	{
		lem_config	config = policy_config(n);
		lem_policy_menu menu;
		lem_policy_menu again;
		int			bad = 0;

		config.impact = true;
		lem_policy_menu_fill(&config, 3, rates, 1, &menu);
		lem_policy_menu_fill(&config, 3, rates, 1, &again);
		check(memcmp(&menu, &again, sizeof(menu)) == 0, "a menu of %d bars is that of its seed", n);
		for (int e = 0; e < menu.n_train + menu.n_valid; e++)
		{
			const lem_optimum_problem *p = &menu.entry[e].problem;
			const lem_order order = {.size = 1, .min_bars = p->min_bars, .max_bars = p->bars,
				.min_rate = p->min_rate, .max_rate = p->max_rate};
			lem_limits	limits;

			bad += p->bars < 2 || lem_order_check(&order, n, &limits, NULL) != LEM_OK ||
				p->risk_aversion < 0.25 || p->risk_aversion > 4 || p->cost < 0;
		}
		check_int(bad, 0, "its orders can be kept");
		check(menu.n_train >= 8 && menu.n_valid >= 3, "and there are some");
		for (int horizon = n; horizon >= 8; horizon /= 2)
		{
			int			trained = 0;
			int			judged = 0;

			for (int e = 0; e < menu.n_train; e++)
				trained += menu.entry[e].problem.bars <= horizon &&
					menu.entry[e].problem.bars > horizon / 4;
			for (int e = menu.n_train; e < menu.n_train + menu.n_valid; e++)
				judged += menu.entry[e].problem.bars == horizon;
			check(trained > 0, "orders of %d bars or up to a quarter of it are learnt from", horizon);
			check(horizon <= n / 16 || judged > 0 || n >> 3 > horizon,
				  "and orders of %d bars validate", horizon);
		}
	}
}

/* Trials with these losses; the optimum's gains are 1 in the mean and 2 in dispersion, as all others are. */
static void
trials_of(const double loss[LEM_SHRINK_FACTORS][LEM_POLICY_OUTPUTS],
		  lem_shrink_trial trial[LEM_SHRINK_FACTORS])
{
	memset(trial, 0, LEM_SHRINK_FACTORS * sizeof(lem_shrink_trial));
	for (int i = 0; i < LEM_SHRINK_FACTORS; i++)
		for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
		{
			trial[i].loss[o] = loss[i][o];
			for (int e = 0; e < 3; e++)
			{
				trial[i].mean[e][o] = 1 << e;
				trial[i].deviation[e][o] = 2 << e;
			}
		}
}

/* Outputs are shrunk to what has the least loss; with none left a model does what the optimum does. */
static void
test_shrink(void)
{
	const double loss[LEM_SHRINK_FACTORS][LEM_POLICY_OUTPUTS] = {
		{3, 1, 2, NAN}, {2, 2, 2, NAN}, {1, 3, 2, NAN}, {2, 4, 2, NAN}, {3, 5, 1, NAN}};
	const double holes[LEM_SHRINK_FACTORS][LEM_POLICY_OUTPUTS] = {
		{NAN, 1, 1, 1}, {1, 1, 1, 1}, {INFINITY, 1, 1, 1}, {NAN, 1, 1, 1}, {1, 1, 1, 1}};
	const double falling[LEM_SHRINK_FACTORS][LEM_POLICY_OUTPUTS] = {
		{5, 5, 5, 5}, {4, 4, 4, 4}, {3, 3, 3, 3}, {2, 2, 2, 2}, {1, 1, 1, 1}};
	lem_shrink_trial trial[LEM_SHRINK_FACTORS];
	lem_validation sums;
	double		factor[LEM_POLICY_OUTPUTS];
	const lem_config config = policy_config(4);
	const int64_t size = lem_part_size(&config, 1);
	lem_real   *part = plan_memory(size * sizeof(lem_real));
	lem_policy_offsets at;
	int			wrong = 0;

	lem_policy_layout(&config, &at);
	trials_of(loss, trial);
	check(isnan(lem_shrink_choose(trial, factor)), "what cannot be judged has no loss");
	check(factor[0] == 0.5 && factor[1] == 0 && factor[2] == 1 && factor[3] == 0,
		  "the least loss, the smallest of equals, and nothing of what cannot be judged");
	factor[3] = 0.25;
	for (int64_t i = 0; i < size; i++)
		part[i] = 8;
	lem_shrink_outputs(&config, factor, part, part);
	for (int64_t i = 0; i < size; i++)
		wrong += part[i] != (i < at.kernel_2 ? 8 :
							 8 * (lem_real) factor[(i - at.kernel_2) % LEM_POLICY_OUTPUTS]);
	check_int(wrong, 0, "outputs are multiplied, and nothing else");
	trials_of(holes, trial);
	check(lem_shrink_choose(trial, factor) == 4 && factor[0] == 0.25,
		  "what cannot be judged is not chosen before what can");

	/* a mean that is lower, in all, for less dispersion, and more dispersion for a higher one */
	trials_of(falling, trial);
	trial[4].mean[2][0] -= 0.02;
	trial[4].mean[0][0] += 0.004;
	trial[4].deviation[1][0] /= 2;
	trial[3].deviation[0][1] *= 1.1;
	trial[3].mean[0][1] += 1;
	trial[4].deviation[0][1] = NAN;
	trial[4].mean[0][2] -= 1;
	trial[4].deviation[0][3] += 1;
	check(lem_shrink_choose(trial, factor) == 2 + 3 + 1 + 1 && factor[0] == 0.75 &&
		  factor[1] == 0.5 && factor[2] == 1 && factor[3] == 1,
		  "nothing is given up against the optimum, but where orders track it is their loss that counts");
	trial[4].mean[0][0] += 0.002;
	trial[3].deviation[2][1] /= 1.2;
	check(lem_shrink_choose(trial, factor) == 1 + 2 + 1 + 1 && factor[0] == 1 && factor[1] == 0.75,
		  "over all problems, each in the optimum's standard deviations");

	memset(&sums, 0, sizeof(sums));
	sums.samples = 2;
	sums.output[1] = 3;
	for (int i = 0; i < 4; i++)
	{
		sums.worth[5][1] += i;
		sums.worth_square[5][1] += i * i;
	}
	lem_shrink_try(&sums, &trial[0]);
	check(trial[0].loss[1] == 1.5 && trial[0].mean[5][1] == 1.5 &&
		  fabs(trial[0].deviation[5][1] - sqrt(1.25)) < 1e-12 && trial[0].deviation[4][1] == 0,
		  "means and standard deviations of buys and sells of all samples");
	free(part);
}

static void
test_sizes(void)
{
	lem_config	config;

	lem_config_default(&config);
	config.stop_base = config.shared_steps = true;
	config.finish_gate = false;
	config.n_ahead = 78;
	check(lem_config_check(&config, NULL) == LEM_OK &&
		  lem_parameter_count(&config, false) <= 1000000, "78 bars take a million parameters at most");
	config.n_ahead = 1024;
	check(lem_config_check(&config, NULL) == LEM_OK, "1024 bars");
	config.n_ahead = 1025;
	check(lem_config_check(&config, NULL) == LEM_CONFIG_RANGE, "1025 bars");
	config.n_ahead = 12;
	config.shared_steps = false;
	check(lem_config_check(&config, NULL) == LEM_CONFIG_RANGE, "a base without shared steps");
}

int
main(void)
{
	test_sizes();
	test_move();
	test_menu();
	test_shrink();
	test_mirror();
	test_gradient(LEM_OBJECTIVE_ENTROPIC, policy_config(STEPS));
	test_gradient(LEM_OBJECTIVE_MEAN, policy_config(STEPS));
	test_gradient(LEM_OBJECTIVE_SOFTPLUS, policy_config(STEPS));
	test_wide();
	test_shared_gradients();
	test_shorter(policy_config(LONGER));
	test_room();
	test_base();
	test_moved();
	test_silent();
	test_extents(false);
	test_extents(true);
	return check_done();
}

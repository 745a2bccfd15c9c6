/*
 * bench_optimum.c: the exact optimum, and training on top of it, on one core.
 *
 * Solving a table, without and with the cost of the order's own size; one decision from it; a whole
 * schedule by a model, its table solved; the networks of many orders over one series, as in a pass of
 * lem_work; and samples a second of whole training steps (drawing, forward, back): each order or sample
 * with a trunk of its own, and one trunk for all.
 */
#include "common.h"
#include "execution/schedule.h"
#include "models.h"
#include "training/train.h"
#include "../t/core/tables.h"

#define HOUR (INT64_C(3600) * 1000000)
#define BARS 3000
#define SOLVES 4
#define DECISIONS 100000
#define TRAININGS 3

static int64_t ts[BARS];
static double price[BARS];
static double volume[BARS];
static double closes[BARS];

static void
bench_solve(int rounds)
{
	static const char *const names[SOLVES] = {"12 bars", "12 bars, with costs", "390 bars",
	"390 bars, with costs"};
	static const char *const targets[SOLVES] = {"<= 50", "<= 50", "<= 2000", "<= 2000"};

	for (int i = 0; i < (bench_small() ? 2 : SOLVES); i++)
	{
		const int	bars = i < 2 ? 12 : 390;
		const lem_optimum_problem problem = {bars, 1, 0, 1, 1, i % 2 == 0 ? 0 : 0.1,
			LEM_SEES_CLOSE};
		lem_optimum *table = aligned(lem_optimum_bytes(&problem));
		void	   *workspace = aligned(lem_optimum_workspace(&problem));
		const int	times = i < 2 ? rounds : rounds < 3 ? rounds : 3;
		double		ms[MAX_ROUNDS];
		double		us[MAX_ROUNDS];
		double		sum = 0;
		char		what[100];

		for (int round = 0; round < times; round++)
		{
			double		start = now();

			lem_optimum_solve(&problem, NULL, workspace, NULL, table);
			ms[round] = 1e3 * (now() - start);
			start = now();
			for (int j = 0; j < DECISIONS; j++)
				sum += lem_optimum_left(table, 1 + j % (bars - 1), 0.3 + 0.5 * (j % 7) / 7,
										random_number(), 1.0 / (2 + j % (bars - 1)), 1, NULL);
			us[round] = 1e6 * (now() - start) / DECISIONS;
		}
		snprintf(what, sizeof(what), "optimal_stop solved, %s", names[i]);
		bench_row(what, "ms", times, ms, targets[i]);
		snprintf(what, sizeof(what), "a slice from its table, %s", names[i]);
		bench_row(what, "us", times, us, isnan(sum) ? "wrong" : "<= 10");
		free(table);
		free(workspace);
	}
}

/* The series that orders and samples are of. */
static lem_series
series_of(int n)
{
	return (lem_series) {.n = n, .ts = ts, .price = price, .volume = volume, .close = closes};
}

/*
 * Milliseconds that the networks of orders over one series take, from 12 starts, each with rates of its
 * own; they track their benchmark, so that no table is looked up.
 */
#define ORDERS 240

static void
bench_pass(const char *const names[2], int rounds)
{
	const lem_series series = series_of(BARS);
	double		ms[2][MAX_ROUNDS];
	char		what[100];

	for (int i = 0; i < 2; i++)
	{
		lem_model  *model = model_open(i == 0 ? "optimum" : "shared");
		lem_arena	arena = {NULL, 0};
		lem_plan	plan;

		model->tables = tables_source();
		lem_plan_carve(&arena, &model->config, model, ORDERS, &plan);
		arena = (lem_arena) {aligned(arena.used), 0};
		lem_plan_carve(&arena, &model->config, model, ORDERS, &plan);
		for (int j = 0; j < ORDERS; j++)
		{
			const lem_order order = {.size = 1, .has_start = true,
				.start_ts = ts[BARS - 1 - j % 12], .sell = j % 2, .max_rate = 0.25 + 0.002 * j};

			if (lem_plan_set(&plan, &model->config, j, &order, &series, NULL, NULL) != LEM_OK)
				exit(1);
		}
		for (int round = -1; round < rounds; round++)
		{
			const double start = now();

			if (lem_plan_run(&plan, model, ORDERS, NULL) != LEM_OK)
				exit(1);
			if (round >= 0)
				ms[i][round] = 1e3 * (now() - start);
		}
		snprintf(what, sizeof(what), "%d orders of one series, 12 starts, each with its rates, %s",
				 ORDERS, names[i]);
		bench_row(what, "ms", rounds, ms[i], "");
	}
}

/* Milliseconds that a model of so many bars takes to schedule an order over all of them. */
static void
bench_schedule(int bars, const char *target, int rounds)
{
	const lem_series series = series_of(BARS);
	const lem_order order = {.size = 1, .max_rate = 1, .min_bars = bars / 4};
	lem_config	config = model_config("optimum");
	lem_arena	arena = {NULL, 0};
	lem_plan	plan;
	lem_model  *model;
	double		ms[MAX_ROUNDS];
	char		what[100];

	config.n_ahead = bars;
	model = model_random(&config);
	model->tables = tables_source();
	lem_plan_carve(&arena, &config, model, 1, &plan);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_plan_carve(&arena, &config, model, 1, &plan);
	for (int round = -1; round < rounds; round++)
	{
		const double start = now();

		if (lem_plan_set(&plan, &config, 0, &order, &series, NULL, NULL) != LEM_OK ||
			lem_plan_run(&plan, model, 1, NULL) != LEM_OK)
			exit(1);
		if (round >= 0)
			ms[round] = 1e3 * (now() - start);
	}
	snprintf(what, sizeof(what), "an order over %d bars scheduled", bars);
	bench_row(what, "ms", rounds, ms, target);
}

/* A training of one group of shards a step. */
typedef struct policy_training
{
	lem_config	config;
	lem_series	series;
	lem_dataset dataset;
	lem_train_options options;
	lem_train_policy policy;
	lem_optimum_sight sight;
	lem_real   *weights[2];
	lem_real   *gradient[2];
	const lem_head *head;
	lem_model	model;
	lem_train_buffers buffers;
	void	   *kept[LEM_GROUP_SAMPLES];
	lem_train_job job;
} policy_training;

static policy_training *
training_open(const char *name, int n_ahead)
{
	policy_training *t = aligned(sizeof(policy_training));
	lem_arena	arena = {NULL, 0};
	double	   *scratch;
	lem_start  *starts;
	const lem_optimum_source source = tables_source();
	int			failed;

	t->config = model_config(name);
	t->config.n_ahead = n_ahead;
	t->series = series_of(BARS);
	t->dataset = (lem_dataset) {.config = &t->config, .n_series = 1, .series = &t->series};
	starts = aligned(lem_dataset_capacity(&t->config, 1, &t->series) * sizeof(lem_start));
	scratch = aligned(lem_dataset_scratch(&t->config, 1, &t->series) * sizeof(double));
	if (lem_dataset_fill(&t->dataset, 0.1, scratch,
						 aligned(lem_inputs_size(&t->config) * sizeof(lem_real)), starts, NULL,
						 &failed, NULL) != LEM_OK)
		exit(1);
	lem_train_options_default(&t->options, t->config.n_ahead);
	lem_train_options_policy(&t->options);
	if (t->config.shared_trunk)
		lem_train_options_shared(&t->options);
	lem_policy_menu_fill(&t->config, t->options.n_rates,
						 (const double (*)[2]) t->options.rates, 1, &t->policy.menu);
	if (bench_small())
		t->policy.menu.n_train = 2;
	t->sight = LEM_SEES_CLOSE;
	t->policy.sight = &t->sight;
	t->policy.tables[t->sight] = aligned(t->policy.menu.n_train * sizeof(lem_optimum *));
	for (int e = 0; e < t->policy.menu.n_train; e++)
	{
		const lem_optimum_problem problem = lem_menu_problem(&t->policy.menu.entry[e], t->sight);

		if (t->policy.menu.entry[e].early)
			t->policy.tables[t->sight][e] = source.find(source.arg, &problem);
	}
	for (int p = 0; p < 2; p++)
	{
		const int64_t size = lem_part_size(&t->config, p);

		t->weights[p] = aligned(size * sizeof(lem_real));
		t->gradient[p] = aligned(size * sizeof(lem_real));
		for (int64_t i = 0; i < size; i++)
			t->weights[p][i] = 0.1f * random_number();
	}
	t->head = lem_head_decode(&t->config, t->weights[1], aligned(lem_head_bytes(&t->config)));
	t->model = (lem_model) {t->config, lem_kernels_select(), NULL, &t->head, {NULL, NULL}};
	t->model.trunk = lem_trunk_decode(&t->config, t->weights[0], LEM_FORM_GRADIENT,
									  aligned(lem_trunk_bytes(&t->config, LEM_FORM_GRADIENT)));
	lem_train_buffers_carve(&arena, &t->config, &t->options, &t->buffers);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_train_buffers_carve(&arena, &t->config, &t->options, &t->buffers);
	for (int i = 0; i < lem_train_group_shards(&t->options); i++)
		t->kept[i] = aligned(lem_train_kept(&t->model, &t->options));
	t->job = (lem_train_job) {.model = &t->model, .dataset = &t->dataset, .options = &t->options,
		.buffers = &t->buffers, .policy = &t->policy,
		.scratch = aligned(lem_train_scratch(&t->model, &t->dataset, &t->options))};
	return t;
}

/* Samples a second of some steps. */
static double
training_run(policy_training *t, int steps)
{
	const double start = now();

	for (int step = 0; step < steps; step++, t->job.step++)
	{
		const int	slots = lem_train_slots(&t->job);

		for (int i = 0; i < slots; i++)
			lem_train_trunk(&t->job, i, t->kept[i], t->gradient[0]);
		for (int i = 0; i < slots; i++)
		{
			double		loss;

			lem_train_heads(&t->job, t->head, 0, i, t->weights[1], false, &loss, t->gradient[1],
							NULL);
		}
		for (int i = 0; i < slots; i++)
			lem_train_trunk_back(&t->job, t->weights[0], i, t->kept[i], t->gradient[0]);
	}
	return steps * t->options.batch / (now() - start);
}

int
main(void)
{
	static const char *const names[2] = {"a trunk for each", "one trunk for all"};
	static const struct
	{
		const char *config;
		int			bars;
		const char *name;
		const char *target;
	}			trained[TRAININGS] = {
		{"optimum", 12, "12 bars, a trunk for each", ""},
		{"shared", 12, "12 bars, one trunk for all", ""},
		{"optimum", 78, "78 bars, a trunk for each", ">= 1000"},
	};
	const int	rounds = bench_rounds(5);
	const int	steps = bench_small() ? 1 : 8;
	policy_training *trainings[TRAININGS];
	double		rates[TRAININGS][MAX_ROUNDS];
	char		what[100];

	for (int i = 0; i < BARS; i++)
	{
		ts[i] = i * HOUR;
		price[i] = i == 0 ? 100 : price[i - 1] * exp(0.02 * random_number());
		volume[i] = 1000 * exp(random_number() + cos(i * 3.14159 / 12));
		closes[i] = price[i] * exp(0.01 * random_number());
	}
	bench_section("The exact optimum, one core");
	bench_solve(rounds);
	bench_section("Networks on top of the optimum, one core");
	bench_pass(names, rounds);
	bench_schedule(78, "<= 1", rounds);
	bench_schedule(390, "<= 5", rounds);
	for (int i = 0; i < TRAININGS; i++)
		trainings[i] = training_open(trained[i].config, trained[i].bars);
	for (int round = -1; round < rounds; round++)
		for (int i = 0; i < TRAININGS; i++)
		{
			const double rate = training_run(trainings[i], steps);

			if (round >= 0)
				rates[i][round] = rate;
		}
	for (int i = 0; i < TRAININGS; i++)
	{
		snprintf(what, sizeof(what), "training, %s", trained[i].name);
		bench_row(what, "samples/s", rounds, rates[i], trained[i].target);
	}
	return 0;
}

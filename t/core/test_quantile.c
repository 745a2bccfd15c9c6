/* test_quantile.c: models of market making: quantile heads, their loss, samples and gradients. */
#include <stdlib.h>

#include "base/random.h"
#include "books.h"
#include "check.h"
#include "market/feature.h"
#include "model/forecast.h"
#include "model/quantile.h"
#include "parameters/initial.h"
#include "training/dataset.h"
#include "training/gradient.h"
#include "training/quantile_loss.h"

#define SAMPLES 6

static void
maker_config(lem_config *config)
{
	lem_fault	fault;

	lem_config_default(config);
	config->horizon = 5;
	config->quoted = true;
	config->n_ahead = 2;
	config->lookback = 4;
	config->hidden_size = 4;
	config->num_heads = 2;
	config->num_embedding = 2;
	config->fused_mlp_hidden_dim = 3;
	config->hidden_rnn_layer = 1;
	config->finish_gate = false;
	config->extra_features = LEM_MAKER_INPUTS;
	config->norm_window = 30;
	config->gaps = LEM_GAPS_SKIP;
	check_int(lem_config_check(config, &fault), LEM_OK, "a config of market making");
}

/* A model of its own memory. */
typedef struct owned
{
	lem_model	model;
	const lem_head *head;
	const lem_head *const *heads;
	lem_real   *parts[2];
	void	   *trunk_memory;
	void	   *head_memory;
} owned;

static void *
aligned(size_t bytes)
{
	return aligned_alloc(LEM_ALIGN, (bytes / LEM_ALIGN + 1) * LEM_ALIGN);
}

static void
decode(owned *o)
{
	o->model.trunk = lem_trunk_decode(&o->model.config, o->parts[0], LEM_FORM_GRADIENT,
									  o->trunk_memory);
	o->head = lem_head_decode(&o->model.config, o->parts[1], o->head_memory);
	o->model.heads = &o->head;
}

static void
create(owned *o, const lem_config *config)
{
	memset(o, 0, sizeof(*o));
	o->model.config = *config;
	o->model.kernels = lem_kernels_select();
	o->trunk_memory = aligned(lem_trunk_bytes(config, LEM_FORM_GRADIENT));
	o->head_memory = aligned(lem_head_bytes(config));
	check_int(lem_part_count(config), 2, "a trunk and one set of heads");
	for (int p = 0; p < 2; p++)
		o->parts[p] = calloc((size_t) lem_part_size(config, p), sizeof(lem_real));
	lem_initial_weights(config, 3, o->parts);
	decode(o);
}

static void
destroy(owned *o)
{
	free(o->trunk_memory);
	free(o->head_memory);
	free(o->parts[0]);
	free(o->parts[1]);
}

/* By central differences, over every trainable number, in the number type of the build. */
static void
test_gradient(void)
{
	const double step = sizeof(lem_real) == 8 ? 1e-5 : 1e-2;
	const double allowed = sizeof(lem_real) == 8 ? 1e-6 : 0.1;
	lem_config	config;
	owned		o;
	lem_real   *rows;
	lem_real	zeros[SAMPLES] = {0};
	lem_real	ones[SAMPLES];
	lem_real	market[SAMPLES * 4];
	lem_real   *gradient[2];
	lem_loss_options options = {0};
	lem_samples samples;
	void	   *workspace;
	double		loss;
	double		worst = 0;
	int			looked_at = 0;
	size_t		size;

	maker_config(&config);
	create(&o, &config);
	size = (size_t) lem_rows(&config) * lem_inputs(&config);
	rows = malloc(SAMPLES * size * sizeof(lem_real));
	for (size_t i = 0; i < SAMPLES * size; i++)
		rows[i] = (lem_real) lem_random_normal(1, 1, i);
	for (int i = 0; i < SAMPLES; i++)
		ones[i] = 1;
	/* far from the kinks, on either side */
	for (int i = 0; i < SAMPLES * 4; i++)
		market[i] = i % 2 ? 9 : -9;
	samples = (lem_samples) {.n = SAMPLES, .total = SAMPLES, .rows = rows, .min_rate = zeros,
		.max_rate = ones, .market = market};
	for (int p = 0; p < 2; p++)
		gradient[p] = calloc((size_t) lem_part_size(&config, p), sizeof(lem_real));
	workspace = aligned(lem_gradient_workspace(&o.model, SAMPLES));
	check_int(lem_gradient(&o.model, (const lem_real *const *) o.parts, &samples, &options,
						   workspace, NULL, &loss, gradient), LEM_OK, "a gradient");
	check(loss > 0 && isfinite(loss), "a loss");
	for (int p = 0; p < 2; p++)
	{
		lem_trunk_offsets at;

		lem_trunk_layout(&config, &at);
		for (int64_t i = 0; i < lem_part_size(&config, p); i++)
		{
			const lem_real kept = o.parts[p][i];
			double		up;
			double		down;

			/* knots are constants; scale and curves have no part in it */
			if (p == 0 && (gradient[p][i] == 0 || i >= at.scale))
				continue;
			o.parts[p][i] = kept + (lem_real) step;
			decode(&o);
			(void) lem_gradient(&o.model, (const lem_real *const *) o.parts, &samples, &options,
								workspace, NULL, &up, NULL);
			o.parts[p][i] = kept - (lem_real) step;
			decode(&o);
			(void) lem_gradient(&o.model, (const lem_real *const *) o.parts, &samples, &options,
								workspace, NULL, &down, NULL);
			o.parts[p][i] = kept;
			worst = fmax(worst, fabs((up - down) / (2 * step) - gradient[p][i]));
			looked_at++;
		}
	}
	decode(&o);
	check(looked_at > 300, "numbers that the loss depends on: %d", looked_at);
	check(worst < allowed, "the gradient is that of central differences (%.2g)", worst);

	/* a forecast is what the pass of training gives, and never crosses */
	{
		lem_real	out[SAMPLES * LEM_QUANTILE_OUTPUTS];
		void	   *memory = aligned(lem_forecast_workspace(&o.model, SAMPLES));
		double		again = 0;
		lem_real	dout[SAMPLES * LEM_QUANTILE_OUTPUTS];
		int			crossed = 0;

		check_int(lem_forecast(&o.model, SAMPLES, rows, memory, NULL, out), LEM_OK, "a forecast");
		again = lem_quantile_loss(SAMPLES, SAMPLES, out, market, 4, dout);
		check_near(again, loss, 1e-5, "its loss is that of training");
		for (int i = 0; i < SAMPLES * LEM_QUANTILE_OUTPUTS; i++)
			crossed += i % 3 > 0 && out[i] < out[i - 1];
		check_int(crossed, 0, "quantiles do not cross");
		free(memory);
	}
	for (int p = 0; p < 2; p++)
		free(gradient[p]);
	free(workspace);
	free(rows);
	destroy(&o);
}

/* Pinball by hand. */
static void
test_loss(void)
{
	const lem_real out[LEM_QUANTILE_OUTPUTS] = {-1, 0, 1, -1, 0, 1, -1, 0, 1};
	const lem_real target[3] = {2, 0, -2};
	lem_real	dout[LEM_QUANTILE_OUTPUTS];
	double		error[3] = {0};
	double		naive[3] = {0};

	/* 0.1 * 3 + 0.5 * 2 + 0.9 * 1; 0.1 * 1 + 0 + 0.1 * 1; and the first's mirror image */
	check_near(lem_quantile_loss(1, 1, out, target, 3, dout), (2.2 + 0.2 + 2.2) / 9, 1e-12,
			   "the pinball loss");
	check_near(dout[0], -0.1 / 9, 1e-7, "its slope below a target");
	check_near(dout[8], 0.1 / 9, 1e-7, "and above one");
	lem_quantile_errors(1, out, target, 3, error, naive);
	check(error[0] == 4 && naive[0] == 4 && error[1] == 0, "squared errors of the medians");
}

/* Targets from a series of the outlook are those from the outlook. */
static void
test_targets(void)
{
	static double mid[400];
	static double features[400 * LEM_MAKER_INPUTS];
	test_book	made;
	lem_series	series;
	double		worst = 0;
	int			differ = 0;
	int			both = 0;

	for (int seed = 1; seed <= 20; seed++)
	{
		book_random(seed, seed % 2 ? 7 : 1, 400, &made);
		book_series(&made, mid, features);
		series = (lem_series) {400, LEM_MAKER_INPUTS, made.book.series.ts, mid,
			made.book.series.volume, features, NULL, NULL, NULL};
		for (size_t i = 0; i < 400; i++)
		{
			double		a[LEM_MAKER_TASKS];
			double		b[LEM_MAKER_TASKS];
			const bool	has = lem_outlook_target(made.bars, &made.book.series, 400, i, 10, a);

			differ += has != lem_outlook_series_target(&series, NULL, i, 10, b);
			both += has;
			for (int t = 0; has && t < LEM_MAKER_TASKS; t++)
				worst = fmax(worst, fabs(a[t] - b[t]) *
							 (t == LEM_TASK_SPREAD && made.bars[i].input[LEM_INPUT_SPREAD] < -3.9
							  ? 0 : 1));
		}
	}
	check_int(differ, 0, "the same bars have targets");
	check(both > 1000, "and there are some: %d", both);
	check(worst < 0.05, "targets are the same up to spreads of 0 (%.2g)", worst);
}

/* A clock whose offset changes in the midst of the books. */
static int64_t
shifting(void *arg, int64_t ts)
{
	(void) arg;
	return ts + (ts < 400 * LEM_MINUTE ? -5 : -4) * 60 * LEM_MINUTE;
}

/* Windows of completed bars alone are those that a search for bars to come would have given. */
static void
test_past(void)
{
	static const lem_gaps gaps[] = {LEM_GAPS_SKIP, LEM_GAPS_CARRY, LEM_GAPS_ERROR};
	static const lem_order none = {.size = 1, .max_rate = 1};
	static double mid[120];
	static double log_return[120];
	static double features[120 * LEM_MAKER_INPUTS];
	const lem_clock clock = {.to_local = shifting};
	int			differ = 0;
	int			built = 0;
	int			refused = 0;
	lem_config	base;

	maker_config(&base);
	for (int seed = 1; seed <= 60; seed++)
	{
		const lem_clock *at = seed % 2 ? &clock : NULL;
		test_book	made;
		lem_config	config = base;
		lem_series	series;
		double	   *scratch;
		lem_real   *rows[2];

		config.gaps = gaps[seed % 3];
		config.bar_interval = seed % 5 == 0 ? LEM_MINUTE : 0;
		config.feature_set = seed % 4 == 0 ? LEM_FEATURES_PAPER : config.feature_set;
		config.norm_window = 5 + seed % 30;
		book_random(seed, 7, 120, &made);
		book_series(&made, mid, features);
		for (size_t i = 0; i < 120; i++)
			log_return[i] = i == 0 ? 0 : lem_log_return(mid[i - 1], mid[i]);
		series = (lem_series) {120, LEM_MAKER_INPUTS, made.book.series.ts, mid,
			made.book.series.volume, features, NULL, NULL, NULL};
		if (config.feature_set == LEM_FEATURES_PAPER)
			config.n_named = 5;
		scratch = malloc(lem_window_scratch(&config, &series) * sizeof(double));
		for (int i = 0; i < 2; i++)
			rows[i] = malloc((size_t) lem_rows(&config) * lem_inputs(&config) * sizeof(lem_real));
		for (size_t n = 0; n <= 120; n += n < 40 ? 1 : 7)
		{
			lem_series	known = series;
			lem_window	window;
			int64_t		slice_ts[2];
			lem_fault	fault[2];
			lem_status	status[2];

			known.n = n;
			status[0] = lem_window_build(&config, &known, &none, at, scratch, &window, rows[0],
										 slice_ts, NULL, &fault[0]);
			status[1] = lem_window_past(&config, &known, at, n % 2 ? log_return : NULL, scratch,
										rows[1], &fault[1]);
			built += status[0] == LEM_OK;
			refused += status[0] != LEM_OK;
			differ += status[0] != status[1] ||
				(status[0] != LEM_OK && (fault[0].have != fault[1].have ||
										 fault[0].want != fault[1].want)) ||
				(status[0] == LEM_OK &&
				 memcmp(rows[0], rows[1], (size_t) lem_rows(&config) * lem_inputs(&config) *
						sizeof(lem_real)) != 0);
		}
		for (int i = 0; i < 2; i++)
			free(rows[i]);
		free(scratch);
	}
	check(built > 500 && refused > 500, "windows of both kinds: %d, and %d without", built,
		  refused);
	check_int(differ, 0, "a window of completed bars does not depend on how it is made");
}

/* Starts have their whole horizon on their side of the cut. */
static void
test_dataset(void)
{
	static double mid[2000];
	static double features[2000 * LEM_MAKER_INPUTS];
	lem_config	config;
	lem_dataset dataset;
	lem_series	series;
	lem_start  *starts;
	double	   *scratch;
	lem_real   *rows;
	lem_real	market[4];
	test_book	made;
	lem_fault	fault;
	int			failed;
	int			late = 0;
	int			finite = 0;

	maker_config(&config);
	book_market(1, 2000, 500, 0.01, 0.8, 25, 0.002, 1, &made);
	book_series(&made, mid, features);
	series = (lem_series) {2000, LEM_MAKER_INPUTS, made.book.series.ts, mid,
		made.book.series.volume, features, NULL, NULL, NULL};
	dataset = (lem_dataset) {.config = &config, .n_series = 1, .series = &series};
	starts = malloc(lem_dataset_capacity(&config, 1, &series) * sizeof(lem_start));
	scratch = malloc(lem_dataset_scratch(&config, 1, &series) * sizeof(double));
	rows = malloc((size_t) lem_rows(&config) * lem_inputs(&config) * sizeof(lem_real));
	check_int(lem_dataset_fill(&dataset, 0.25, scratch, rows, starts, NULL, &failed, &fault),
			  LEM_OK, "a data set");
	check(dataset.n_train > 1000 && dataset.n_valid > 300, "with starts: %zu and %zu",
		  dataset.n_train, dataset.n_valid);
	for (size_t i = 0; i < dataset.n_train; i++)
		late += series.ts[dataset.train[i].bar + config.horizon - 1] >= dataset.cut;
	check_int(late, 0, "no horizon of training reaches beyond the cut");
	for (size_t i = 0; i < dataset.n_train; i++)
	{
		lem_dataset_sample(&dataset, &dataset.train[i], scratch, rows, market);
		for (int t = 0; t < 3; t++)
			finite += isfinite(market[t]) != 0;
	}
	check_int(finite, 3 * (long long) dataset.n_train, "targets are finite");
	free(starts);
	free(scratch);
	free(rows);
}

/* What a config of market making cannot be. */
static void
test_config(void)
{
	lem_config	good;
	lem_config	bad;
	lem_fault	fault;

	maker_config(&good);
	bad = good;
	bad.horizon = -1;
	check_int(lem_config_check(&bad, &fault), LEM_CONFIG_RANGE, "horizon -1");
	bad.horizon = LEM_MAX_HORIZON + 1;
	check_int(lem_config_check(&bad, &fault), LEM_CONFIG_RANGE, "horizon too far");
	bad = good;
	bad.n_ahead = 3;
	check_int(lem_config_check(&bad, &fault), LEM_CONFIG_RANGE, "n_ahead 3");
	bad = good;
	bad.shared_heads = false;
	check_int(lem_config_check(&bad, &fault), LEM_CONFIG_RANGE, "separate heads");
	bad = good;
	bad.finish_gate = true;
	check_int(lem_config_check(&bad, &fault), LEM_CONFIG_RANGE, "a finish gate");
	{
		lem_tensor	tensor;
		int64_t		sum = 0;

		for (int i = 0; i < lem_tensor_count(&good); i++)
		{
			lem_tensor_get(&good, i, &tensor);
			sum += tensor.size;
		}
		check_int(sum, lem_part_size(&good, 0) + lem_part_size(&good, 1),
				  "the table and the layout agree");
	}
}

int
main(void)
{
	test_config();
	test_loss();
	test_gradient();
	test_targets();
	test_past();
	test_dataset();
	return check_done();
}

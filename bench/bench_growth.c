/*
 * bench_growth.c: how the time of a forward pass, and of a training step, grows with the sizes.
 *
 * Each row is the exponent e of time ~ size ^ e, by least squares of the logarithms, one for each
 * round in which all sizes are timed in turn.  The algorithm's own is the same fit to the products
 * that the model page writes (models.h).
 */
#include <stddef.h>

#include "models.h"
#include "training.h"

#define MOST_SIZES 8
#define BATCH (-1)

typedef struct growth
{
	const char *what;			/* which size grows */
	int			offset;			/* of it in lem_config, or BATCH */
	bool		train;			/* a training step, else a forward pass */
	int			batch;
	int			n;
	int			size[MOST_SIZES];
} growth;

/* A timed piece of work. */
typedef struct work
{
	const lem_model *model;
	model_batch samples;
	training   *training;
} work;

/* The slope of log(y) over log(x). */
static double
slope(int n, const int *x, const double *y)
{
	double		mean = 0;
	double		above = 0;
	double		below = 0;

	for (int i = 0; i < n; i++)
		mean += log(x[i]) / n;
	for (int i = 0; i < n; i++)
	{
		above += (log(x[i]) - mean) * log(y[i]);
		below += (log(x[i]) - mean) * (log(x[i]) - mean);
	}
	return above / below;
}

static void
run(const void *arg)
{
	const work *w = arg;

	if (w->training)
		training_run(w->training);
	else
		model_batch_run(w->model, &w->samples);
}

static void
measure(const growth *g, int rounds)
{
	const int	n = bench_small() ? 2 : g->n;
	work		works[MOST_SIZES] = {0};
	double		products[MOST_SIZES];
	double		times[MOST_SIZES] = {0};
	double		exponents[MAX_ROUNDS];
	char		what[100];
	char		own[32];

	for (int i = 0; i < n; i++)
	{
		const int	batch = g->offset == BATCH ? g->size[i] : g->batch;
		lem_config	config;

		lem_config_default(&config);
		if (g->offset != BATCH)
			*(int *) ((char *) &config + g->offset) = g->size[i];
		products[i] = batch * model_products(&config, g->train);
		if (g->train)
			works[i].training = training_make(&config, batch, batch);
		else
		{
			works[i].model = model_random(&config);
			works[i].samples = model_batch_make(works[i].model, batch);
		}
		run(&works[i]);
	}
	for (int round = 0; round < rounds; round++)
	{
		for (int i = 0; i < n; i++)
			times[i] = fastest(run, &works[i], 0.02);
		exponents[round] = slope(n, g->size, times);
		if (getenv("LEM_BENCH_TIMES"))
			for (int i = 0; i < n; i++)
				fprintf(stderr, "%s %d: %.6g ms, %.4g G products/s\n", g->what, g->size[i],
						1e3 * times[i], products[i] / times[i] / 1e9);
	}
	snprintf(what, sizeof(what), "%s, %s: %d to %d", g->train ? "training step" : "forward pass",
			 g->what, g->size[0], g->size[n - 1]);
	snprintf(own, sizeof(own), "own %.2f", slope(n, g->size, products));
	bench_row(what, "exponent", rounds, exponents, own);
}

int
main(void)
{
	static const growth all[] = {
		{"lookback L, batch 1", offsetof(lem_config, lookback), false, 1, 8,
		{32, 64, 128, 256, 512, 1024, 2048, 4096}},
		{"bars N, batch 1", offsetof(lem_config, n_ahead), false, 1, 6, {4, 8, 16, 32, 64, 128}},
		{"bars N, batch 64", offsetof(lem_config, n_ahead), false, 64, 5, {4, 8, 16, 32, 64}},
		{"width H, batch 1", offsetof(lem_config, hidden_size), false, 1, 5,
		{32, 64, 128, 256, 512}},
		{"width H, batch 16", offsetof(lem_config, hidden_size), false, 16, 5,
		{32, 64, 128, 256, 512}},
		{"batch", BATCH, false, 0, 6, {1, 4, 16, 64, 256, 1024}},
		{"lookback L, batch 16", offsetof(lem_config, lookback), true, 16, 5,
		{32, 64, 128, 256, 512}},
		{"bars N, batch 16", offsetof(lem_config, n_ahead), true, 16, 4, {4, 8, 16, 32}},
		{"width H, batch 16", offsetof(lem_config, hidden_size), true, 16, 4, {32, 64, 128, 256}},
		{"batch", BATCH, true, 0, 4, {4, 16, 64, 256}},
	};

	bench_section("Growth of the network, one core: time ~ size ^ exponent");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		measure(&all[i], bench_rounds(3));
	return 0;
}

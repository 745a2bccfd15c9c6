/*
 * bench_train.c: time of one training step's gradient, all branches, on one core.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blas.h"
#include "gradient.h"

#define ROUNDS 5

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *
aligned(size_t bytes)
{
	void	   *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	if (!p)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	memset(p, 0, bytes);
	return p;
}

static float
random_number(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (float) ((double) (state >> 11) * 0x1p-53 - 0.5);
}

static void
bench(const char *name, lem_config *config, int batch, int shard)
{
	const lem_loss_options options = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_SHARP_MASK_SLOPE,
		LEM_SHARP_MASK_OFFSET};
	int			parts = lem_part_count(config);
	lem_real  **weights = calloc(parts, sizeof(lem_real *));
	lem_real  **gradient = calloc(parts, sizeof(lem_real *));
	const lem_head **heads = calloc(parts, sizeof(lem_head *));
	lem_model	model = {*config, lem_kernels_select(), NULL, heads};
	size_t		size = (size_t) lem_rows(config) * lem_inputs(config);
	lem_real   *rows = aligned(shard * size * sizeof(lem_real));
	lem_real   *rates = aligned(2 * shard * sizeof(lem_real));
	lem_real   *market = aligned((size_t) shard * config->n_ahead * 2 * sizeof(lem_real));
	lem_samples samples = {shard, batch, rows, rates, rates + shard, market};
	double		times[ROUNDS];
	void	   *workspace;
	double		loss;

	for (int p = 0; p < parts; p++)
	{
		int64_t		n = lem_part_size(config, p);

		weights[p] = aligned(n * sizeof(lem_real));
		gradient[p] = aligned(n * sizeof(lem_real));
		for (int64_t i = 0; i < n; i++)
			weights[p][i] = 0.2f * random_number();
		if (p == 0)
			model.trunk = lem_trunk_decode(config, weights[p], aligned(lem_trunk_bytes(config)));
		else
			heads[p - 1] = lem_head_decode(config, weights[p], aligned(lem_head_bytes(config)));
	}
	for (size_t i = 0; i < shard * size; i++)
		rows[i] = 1 + random_number();
	for (int i = 0; i < shard; i++)
		rates[shard + i] = 1;
	for (int i = 0; i < shard * config->n_ahead * 2; i++)
		market[i] = 1 + 0.1f * random_number();
	workspace = aligned(lem_gradient_workspace(&model, shard));
	for (int round = -1; round < ROUNDS; round++)
	{
		double		start = now();

		for (int done = 0; done < batch; done += shard)
			lem_gradient(&model, (const lem_real *const *) weights, &samples, &options, workspace,
						 NULL, &loss, gradient);
		if (round >= 0)
			times[round] = (now() - start) / batch;
	}
	for (int i = 0; i < ROUNDS; i++)
		for (int j = i + 1; j < ROUNDS; j++)
			if (times[j] < times[i])
			{
				double		t = times[i];

				times[i] = times[j];
				times[j] = t;
			}
	printf("%-10s %6d %6d %14.3f %10.3f %10.3f %12.1f %12.1f\n", name, batch, shard,
		   times[ROUNDS / 2] * 1e3, times[0] * 1e3, times[ROUNDS - 1] * 1e3,
		   1 / times[ROUNDS / 2], lem_gradient_workspace(&model, shard) / 1e6);
	for (int p = 0; p < parts; p++)
	{
		free(weights[p]);
		free(gradient[p]);
		free((void *) (p == 0 ? (const void *) model.trunk : (const void *) heads[p - 1]));
	}
	free(weights);
	free(gradient);
	free(heads);
	free(rows);
	free(rates);
	free(market);
	free(workspace);
}

static void
set_sizes(lem_config *c, int lookback, int n_ahead, int hidden, int heads, int embedding, int mlp)
{
	lem_config_default(c);
	c->lookback = lookback;
	c->n_ahead = n_ahead;
	c->hidden_size = hidden;
	c->hidden_rnn_layer = 2;
	c->num_heads = heads;
	c->num_embedding = embedding;
	c->fused_mlp_hidden_dim = mlp;
	c->feature_set = LEM_FEATURES_PAPER;
	c->n_named = LEM_PAPER_FEATURES;
	c->shared_heads = false;
	c->finish_gate = false;
	c->notional_price = false;
}

int
main(void)
{
	lem_config	config;

	lem_blas_init();
	printf("%-10s %6s %6s %14s %10s %10s %12s %12s\n", "config", "batch", "shard", "ms a sample",
		   "min", "max", "samples/s", "MB");
	set_sizes(&config, 24, 6, 32, 4, 8, 16);
	bench("medium", &config, 64, 16);
	bench("medium", &config, 64, 64);
	lem_config_default(&config);
	bench("default", &config, 64, 16);
	bench("default", &config, 64, 64);
	set_sizes(&config, 120, 12, 200, 8, 20, 100);
	bench("full", &config, 64, 16);
	return 0;
}

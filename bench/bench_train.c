/*
 * bench_train.c: time of one training step's gradient, all branches, on one core.
 */
#include <math.h>

#include "blas.h"
#include "common.h"
#include "gradient.h"

#define ROUNDS 5

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
	lem_samples samples = {shard, batch, rows, rates, rates + shard, market, NULL};
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
	bench_windows(config, shard, rows);
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
	qsort(times, ROUNDS, sizeof(double), by_value);
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

int
main(void)
{
	lem_config	config;

	lem_blas_init();
	printf("%-10s %6s %6s %14s %10s %10s %12s %12s\n", "config", "batch", "shard", "ms a sample",
		   "min", "max", "samples/s", "MB");
	bench_config(&config, "medium");
	bench("medium", &config, 64, 16);
	bench("medium", &config, 64, 64);
	lem_config_default(&config);
	bench("default", &config, 64, 16);
	bench("default", &config, 64, 64);
	bench_config(&config, "full");
	bench("full", &config, 64, 16);
	return 0;
}

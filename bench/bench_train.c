/*
 * bench_train.c: time of one training step's gradient, all branches, on one core.
 */
#include <math.h>

#include "blas.h"
#include "common.h"
#include "gradient.h"

#define ROUNDS 5

/* Memory of a batch's passes. */
typedef struct passes
{
	lem_samples all;
	int			shard;
	lem_real   *inputs;
	lem_real   *context;
	lem_real   *dcontext;
	void	  **kept;			/* of each shard */
	void	   *scratch;
	size_t		bytes;
} passes;

static void *
counted(passes *p, size_t bytes)
{
	p->bytes += bytes;
	return aligned(bytes);
}

/* The samples of one shard. */
static lem_samples
shard_of(const lem_config *config, const passes *p, int first)
{
	lem_samples samples = p->all;

	samples.n = p->shard;
	samples.rows += first * lem_inputs_size(config);
	samples.min_rate += first;
	samples.max_rate += first;
	samples.market += (size_t) first * config->n_ahead * 2;
	return samples;
}

/*
 * The gradient of a batch as a training computes it: the trunk a shard at a time, separate heads by
 * all samples.
 */
static void
run(const lem_model *model, const passes *p, lem_real *const *weights, lem_real *const *gradient)
{
	const lem_loss_options options = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_SHARP_MASK_SLOPE,
		LEM_SHARP_MASK_OFFSET};
	const lem_config *config = &model->config;
	const int	together = config->shared_heads ? p->shard : p->all.n;
	const size_t inputs = lem_inputs_size(config);
	const size_t context = lem_context_size(config);
	lem_trunk_offsets at;
	double		loss;

	lem_trunk_layout(config, &at);
	for (int first = 0; first < p->all.n; first += p->shard)
	{
		const lem_samples samples = shard_of(config, p, first);

		lem_gradient_trunk(model, &samples, p->kept[first / p->shard], NULL,
						   p->inputs + first * inputs, p->context + first * context);
	}
	for (int set = 0; set < lem_head_sets(config); set++)
		for (int first = 0; first < p->all.n; first += together)
		{
			lem_samples samples = shard_of(config, p, first);

			samples.n = together;
			lem_gradient_heads(model, model->heads[set], set, weights[1 + set], &samples, &options,
							   p->inputs + first * inputs, p->context + first * context,
							   p->scratch, first > 0, &loss, gradient[1 + set],
							   &(lem_curves_gradient) {gradient[0] + at.scale,
								   gradient[0] + at.volume_curve,
								   gradient[0] + at.notional_curve},
							   p->dcontext + ((size_t) set * p->all.n + first) * context);
		}
	for (int first = 0; first < p->all.n; first += p->shard)
	{
		const lem_samples samples = shard_of(config, p, first);

		lem_gradient_trunk_back(model, weights[0], &samples, p->kept[first / p->shard],
								p->dcontext + first * context, p->all.n * context, p->scratch,
								NULL, gradient[0]);
	}
}

static void
bench(const char *name, lem_config *config, int batch, int shard)
{
	int			parts = lem_part_count(config);
	lem_real  **weights = calloc(parts, sizeof(lem_real *));
	lem_real  **gradient = calloc(parts, sizeof(lem_real *));
	const lem_head **heads = calloc(parts, sizeof(lem_head *));
	lem_model	model = {*config, lem_kernels_select(), NULL, heads};
	lem_real   *rows = aligned(batch * lem_inputs_size(config) * sizeof(lem_real));
	lem_real   *rates = aligned(2 * batch * sizeof(lem_real));
	lem_real   *market = aligned((size_t) batch * config->n_ahead * 2 * sizeof(lem_real));
	passes		p = {.all = {batch, batch, rows, rates, rates + batch, market, NULL},
		.shard = shard};
	double		times[ROUNDS];

	for (int i = 0; i < parts; i++)
	{
		int64_t		n = lem_part_size(config, i);

		weights[i] = aligned(n * sizeof(lem_real));
		gradient[i] = aligned(n * sizeof(lem_real));
		for (int64_t j = 0; j < n; j++)
			weights[i][j] = 0.2f * random_number();
		if (i == 0)
			model.trunk = lem_trunk_decode(config, weights[i], aligned(lem_trunk_bytes(config)));
		else
			heads[i - 1] = lem_head_decode(config, weights[i], aligned(lem_head_bytes(config)));
	}
	bench_windows(config, batch, rows);
	for (int i = 0; i < batch; i++)
		rates[batch + i] = 1;
	for (int i = 0; i < batch * config->n_ahead * 2; i++)
		market[i] = 1 + 0.1f * random_number();
	p.inputs = counted(&p, batch * lem_inputs_size(config) * sizeof(lem_real));
	p.context = counted(&p, batch * lem_context_size(config) * sizeof(lem_real));
	p.dcontext = counted(&p, lem_head_sets(config) * batch * lem_context_size(config)
						 * sizeof(lem_real));
	p.scratch = counted(&p, lem_gradient_trunk_scratch(&model, shard)
						+ lem_gradient_heads_scratch(&model, batch));
	p.kept = calloc(batch / shard, sizeof(void *));
	for (int i = 0; i < batch / shard; i++)
		p.kept[i] = counted(&p, lem_gradient_kept(&model, shard));
	for (int round = -1; round < ROUNDS; round++)
	{
		double		start = now();

		run(&model, &p, weights, gradient);
		if (round >= 0)
			times[round] = (now() - start) / batch;
	}
	qsort(times, ROUNDS, sizeof(double), by_value);
	printf("%-10s %6d %6d %14.3f %10.3f %10.3f %12.1f %12.1f\n", name, batch, shard,
		   times[ROUNDS / 2] * 1e3, times[0] * 1e3, times[ROUNDS - 1] * 1e3,
		   1 / times[ROUNDS / 2], p.bytes / 1e6);
	for (int i = 0; i < parts; i++)
	{
		free(weights[i]);
		free(gradient[i]);
		free((void *) (i == 0 ? (const void *) model.trunk : (const void *) heads[i - 1]));
	}
	for (int i = 0; i < batch / shard; i++)
		free(p.kept[i]);
	free(p.kept);
	free(p.inputs);
	free(p.context);
	free(p.dcontext);
	free(p.scratch);
	free(weights);
	free(gradient);
	free(heads);
	free(rows);
	free(rates);
	free(market);
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

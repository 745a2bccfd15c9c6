/*
 * bench_forward.c: time of the forward pass, and its share of the machine's own sgemm peak.
 *
 * For each config and batch size: microseconds a sample (median of interleaved rounds, with the
 * smallest and largest), GFLOP/s of useful work (the products of the trunk and of the order's own
 * branch, two operations a multiply-add, counted as the model page writes them), and the ratio to
 * the peak of a large sgemm measured in the same round.  Weights are random.
 */
#include <math.h>

#include "blas.h"
#include "common.h"
#include "random_model.h"

#define ROUNDS 9
#define PEAK_SIZE 1536

typedef struct bench_case
{
	const char *name;
	lem_config	config;
	int			batch;
	double		flops;			/* a sample */
	double		seconds[ROUNDS];	/* a sample */
} bench_case;

/* Multiply-adds of the products for one order. */
static double
useful_flops(const lem_config *c)
{
	double		t = lem_rows(c);
	double		h = c->hidden_size;
	double		e = c->num_embedding;
	double		f = lem_inputs(c);
	double		m = c->fused_mlp_hidden_dim;
	double		steps = c->n_ahead - 1;
	double		vsn = f * (e + 2 * e * h + h * h + 2 * h * h)
		+ e * f * (f + h) + h * h + 2 * h * f + f * h;
	double		rnn = 0;
	double		after = 2 * h * h + 5 * h * h + 2 * h * h;
	double		heads = 0;

	for (int j = 0; j < c->n_sub_layers; j++)
		rnn += h * h * (c->sub_layer[j].kan ? 1 + lem_bases(&c->sub_layer[j].spline) : 1)
			+ 3 * h * h;
	rnn = c->hidden_rnn_layer * (rnn + 6 * h * h);
	for (int k = 0; k < c->n_ahead - 1; k++)
		heads += LEM_CASES * ((h + f + 18 * k) * m + m * m + m);
	return 2 * (t * (vsn + rnn + after) + steps * (2 * h * h + 2 * t * h) + heads);
}

static double
sgemm_peak(void)
{
	static float *a,
			   *b,
			   *c;
	double		start;

	if (!a)
	{
		a = aligned(PEAK_SIZE * PEAK_SIZE * sizeof(float));
		b = aligned(PEAK_SIZE * PEAK_SIZE * sizeof(float));
		c = aligned(PEAK_SIZE * PEAK_SIZE * sizeof(float));
		for (int i = 0; i < PEAK_SIZE * PEAK_SIZE; i++)
		{
			a[i] = random_number();
			b[i] = random_number();
		}
	}
	start = now();
	lem_gemm(false, false, PEAK_SIZE, PEAK_SIZE, PEAK_SIZE, 1, a, PEAK_SIZE, b, PEAK_SIZE, 0, c,
			 PEAK_SIZE);
	return 2.0 * PEAK_SIZE * PEAK_SIZE * PEAK_SIZE / (now() - start);
}

static void
time_case(bench_case *bench, const lem_model *model, int round)
{
	const lem_config *config = &bench->config;
	size_t		size = (size_t) lem_rows(config) * lem_inputs(config);
	lem_real   *rows = aligned(bench->batch * size * sizeof(lem_real));
	lem_real   *rates = aligned(2 * bench->batch * sizeof(lem_real));
	int		   *branch = aligned(bench->batch * sizeof(int));
	lem_real   *out = aligned((size_t) bench->batch * config->n_ahead * LEM_CASES
							  * sizeof(lem_real));
	void	   *workspace = aligned(lem_forward_workspace(model, bench->batch, false));
	lem_batch	batch = {.n = bench->batch, .rows = rows, .min_rate = rates,
		.max_rate = rates + bench->batch, .branch = branch, .allocation = out};
	double		best = INFINITY;
	double		spent = 0;

	bench_windows(config, bench->batch, rows);
	for (int i = 0; i < bench->batch; i++)
		rates[bench->batch + i] = 1;
	lem_forward(model, &batch, workspace, NULL);
	while (spent < 0.15)
	{
		double		start = now();
		double		t;

		lem_forward(model, &batch, workspace, NULL);
		t = now() - start;
		spent += t;
		best = t < best ? t : best;
	}
	bench->seconds[round] = best / bench->batch;
	free(rows);
	free(rates);
	free(branch);
	free(out);
	free(workspace);
}

int
main(void)
{
	static const int batches[] = {1, 64, 256};
	bench_case	cases[6];
	lem_model  *models[2];
	double		peaks[ROUNDS];
	double		peak;

	lem_blas_init();
	for (int i = 0; i < 6; i++)
	{
		cases[i].name = i < 3 ? "medium" : "full";
		bench_config(&cases[i].config, cases[i].name);
		cases[i].batch = batches[i % 3];
		cases[i].flops = useful_flops(&cases[i].config);
		if (i % 3 == 0)
			models[i / 3] = random_model(&cases[i].config);
	}

	for (int round = 0; round < ROUNDS; round++)
	{
		peaks[round] = sgemm_peak();
		for (int i = 0; i < 6; i++)
			time_case(&cases[i], models[i / 3], round);
	}
	qsort(peaks, ROUNDS, sizeof(double), by_value);
	peak = peaks[ROUNDS / 2];

	printf("kernels %s; %s\n", models[0]->kernels->name, lem_blas_description());
	printf("sgemm peak, one thread: %.1f GFLOP/s (%.1f to %.1f)\n\n", peak / 1e9,
		   peaks[0] / 1e9, peaks[ROUNDS - 1] / 1e9);
	printf("%-8s %6s %12s %21s %9s %8s\n", "config", "batch", "us a sample", "(min to max)",
		   "GFLOP/s", "of peak");
	for (int i = 0; i < 6; i++)
	{
		double	   *s = cases[i].seconds;

		qsort(s, ROUNDS, sizeof(double), by_value);
		printf("%-8s %6d %12.1f %10.1f %10.1f %9.1f %7.0f%%\n", cases[i].name, cases[i].batch,
			   s[ROUNDS / 2] * 1e6, s[0] * 1e6, s[ROUNDS - 1] * 1e6,
			   cases[i].flops / s[ROUNDS / 2] / 1e9,
			   100 * cases[i].flops / s[ROUNDS / 2] / peak);
	}
	printf("\nmemory of one branch, full config: trunk %.1f MB, heads %.1f MB, workspace %.1f MB\n",
		   lem_trunk_bytes(&cases[3].config) / 1e6, lem_head_bytes(&cases[3].config) / 1e6,
		   lem_forward_workspace(models[1], 1, false) / 1e6);
	return 0;
}

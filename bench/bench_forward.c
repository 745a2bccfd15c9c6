/*
 * bench_forward.c: time of the forward pass, and its share of the machine's own sgemm peak.
 *
 * For the small, the medium and the full config, and batches of several sizes: microseconds an
 * order, GFLOP/s of useful work (two operations for each multiply-add of models.h, the trunk's and
 * those of the order's own branch), and the ratio to the peak of a large sgemm measured in the same
 * round.  A round's figure is the fastest of the calls that a tenth of a second has room for.
 */
#include "../t/core/linked_blas.h"
#include "common.h"
#include "kernels/blas.h"
#include "models.h"

#define CONFIGS 3
#define BATCHES 3
#define PEAK_SIZE 1536

typedef struct bench_case
{
	const char *name;
	const lem_model *model;
	int			n;				/* batch */
	const char *us;				/* targets */
	const char *share;
	double		flops;			/* an order */
	model_batch samples;
	double		seconds[MAX_ROUNDS];	/* an order */
	double		ratio[MAX_ROUNDS];	/* to the round's peak */
} bench_case;

/* Operations a second of one large product. */
static double
sgemm_peak(void)
{
	static float *a,
			   *b,
			   *c;
	double		best = INFINITY;
	double		spent = 0;

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
	while (spent < 0.1)
	{
		const double start = now();
		double		t;

		lem_gemm(false, false, PEAK_SIZE, PEAK_SIZE, PEAK_SIZE, 1, a, PEAK_SIZE, b, PEAK_SIZE, 0,
				 c, PEAK_SIZE);
		t = now() - start;
		spent += t;
		best = fmin(best, t);
	}
	return 2.0 * PEAK_SIZE * PEAK_SIZE * PEAK_SIZE / best;
}

static void
run_case(const void *arg)
{
	const bench_case *bench = arg;

	model_batch_run(bench->model, &bench->samples);
}

int
main(void)
{
	static const char *const names[CONFIGS] = {"small", "medium", "full"};
	static const int batches[BATCHES] = {1, 64, 256};
	static const char *const targets[CONFIGS][BATCHES][2] = {
		{{"", ""}, {"", ""}, {"", ""}},
		{{"<= 600", ""}, {"<= 80", ""}, {"", ""}},
		{{"<= 12000", ""}, {"<= 6000", ">= 60"}, {"", ""}}};
	static bench_case cases[CONFIGS * BATCHES];
	const int	n_cases = bench_small() ? 2 * BATCHES : CONFIGS * BATCHES;
	const int	rounds = bench_rounds(7);
	double		peaks[MAX_ROUNDS];
	const lem_model *model = NULL;
	char		what[100];

	for (int i = 0; i < n_cases; i++)
	{
		bench_case *bench = &cases[i];

		if (i % BATCHES == 0)
			model = model_open(names[i / BATCHES]);
		bench->name = names[i / BATCHES];
		bench->model = model;
		bench->n = batches[i % BATCHES];
		bench->us = targets[i / BATCHES][i % BATCHES][0];
		bench->share = targets[i / BATCHES][i % BATCHES][1];
		bench->flops = 2 * model_products(&model->config, false);
		bench->samples = model_batch_make(model, bench->n);
		model_batch_run(model, &bench->samples);
	}

	for (int round = 0; round < rounds; round++)
	{
		const double peak = sgemm_peak();

		for (int i = 0; i < n_cases; i++)
		{
			cases[i].seconds[round] = fastest(run_case, &cases[i], 0.1) / cases[i].n;
			cases[i].ratio[round] = 100 * cases[i].flops / cases[i].seconds[round] / peak;
		}
		peaks[round] = peak / 1e9;
	}

	bench_section("The network, one branch, warm, one core");
	printf("kernels %s; %s\n", model->kernels->name, linked_blas_description());
	bench_row("sgemm of the BLAS library, 1536 x 1536", "GFLOP/s", rounds, peaks, "");
	for (int i = 0; i < n_cases; i++)
	{
		bench_case *bench = &cases[i];
		double		values[MAX_ROUNDS];

		for (int r = 0; r < rounds; r++)
			values[r] = bench->seconds[r] * 1e6;
		snprintf(what, sizeof(what), "%s, batch %d: an order", bench->name, bench->n);
		bench_row(what, "us", rounds, values, bench->us);
		for (int r = 0; r < rounds; r++)
			values[r] = bench->flops / bench->seconds[r] / 1e9;
		snprintf(what, sizeof(what), "%s, batch %d: useful work", bench->name, bench->n);
		bench_row(what, "GFLOP/s", rounds, values, "");
		snprintf(what, sizeof(what), "%s, batch %d: share of the sgemm", bench->name, bench->n);
		bench_row(what, "%", rounds, bench->ratio, bench->share);
	}
	return 0;
}

/*
 * bench_backtest.c: processor time and memory of backtests, on one core.
 *
 * One order from each of 30,000 starts of hourly bars: a model for hourly bars (L 32, N 12, H 32, one
 * recurrent layer, shared heads, finish gate) with random weights alone, the four baselines alone, and
 * all of them side by side.  The workspace is the same for any number of bars.
 */
#include <math.h>

#include "backtest.h"
#include "blas.h"
#include "random_model.h"

#define STARTS 30000
#define BARS (STARTS + 168 + 12)
#define HOUR (INT64_C(3600) * 1000000)

static int64_t ts[BARS];
static double price[BARS];
static double volume[BARS];

static void
make_bars(void)
{
	for (int i = 0; i < BARS; i++)
	{
		ts[i] = i * HOUR;
		price[i] = i == 0 ? 100 : price[i - 1] * exp(0.02 * random_number());
		volume[i] = 1000 * exp(random_number() + cos(i * 3.14159 / 12));
	}
}

static void
bench(const char *name, const lem_model *model, const lem_config *config, int n_baselines)
{
	const lem_series series = {BARS, 0, ts, price, volume, NULL};
	lem_backtest_cursor cursor = {0};
	lem_backtest test;
	lem_backtest_start *starts;
	lem_outcome *outcomes;
	void	   *workspace;
	clock_t		start;
	double		seconds;
	long		done = 0;
	int			count;
	int			n;

	lem_backtest_default(&test);
	test.model = model;
	test.config = config;
	test.series = &series;
	test.order = (lem_order) {.size = 1, .min_bars = 3, .max_rate = 1};
	test.n_baselines = n_baselines;
	for (int i = 0; i < n_baselines; i++)
		test.baseline[i] = (lem_baseline) i;
	n = lem_backtest_batch(&test);
	workspace = aligned(lem_backtest_workspace(&test, n));
	starts = aligned(n * sizeof(lem_backtest_start));
	outcomes = aligned((size_t) n * lem_backtest_contestants(&test) * sizeof(lem_outcome));
	start = clock();
	do
	{
		if (lem_backtest_run(&test, &cursor, n, workspace, NULL, starts, outcomes, NULL, &count,
							 NULL) != LEM_OK)
			exit(1);
		done += count;
	} while (count > 0);
	seconds = (double) (clock() - start) / CLOCKS_PER_SEC;
	printf("%-20s %8ld %10.2f %12.0f %10.1f %14d %10.1f\n", name, done, seconds, done / seconds,
		   seconds / done * 1e6, n, lem_backtest_workspace(&test, n) / 1e6);
	free(workspace);
	free(starts);
	free(outcomes);
}

int
main(void)
{
	lem_config	config;
	lem_config	windows;
	lem_model  *model;

	lem_blas_init();
	make_bars();
	lem_config_default(&config);
	config.lookback = 32;
	config.n_ahead = 12;
	config.hidden_size = 32;
	config.hidden_rnn_layer = 1;
	config.num_heads = 4;
	config.num_embedding = 8;
	config.fused_mlp_hidden_dim = 32;
	config.shared_heads = true;
	config.finish_gate = true;
	model = random_model(&config);
	lem_baseline_config(&windows, 12, 0);
	printf("kernels %s\n", model->kernels->name);
	printf("%-20s %8s %10s %12s %10s %14s %10s\n", "", "starts", "seconds", "starts/s", "us a start",
		   "starts a batch", "MB");
	bench("model", model, &config, 0);
	bench("baselines", NULL, &windows, LEM_BASELINES);
	bench("side by side", model, &config, LEM_BASELINES);
	return 0;
}

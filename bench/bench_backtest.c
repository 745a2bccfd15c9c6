/*
 * bench_backtest.c: speed of backtests, on one core.
 *
 * One order from each of thousands of starts of hourly bars: a model of the form of 1.0 alone, the four
 * baselines alone, and all of them side by side; models on top of the exact optimum, each start with a
 * trunk of its own and one trunk for all.  The workspace is the same for any number of bars.
 */
#include "common.h"
#include "judging/backtest.h"
#include "models.h"
#include "../t/core/tables.h"

#define MOST_STARTS 4000
#define MOST_BARS (MOST_STARTS + 168 + 12)
#define HOUR (INT64_C(3600) * 1000000)
#define CASES 5

static int64_t ts[MOST_BARS];
static double price[MOST_BARS];
static double volume[MOST_BARS];
static double closes[MOST_BARS];

static void
make_bars(int bars)
{
	for (int i = 0; i < bars; i++)
	{
		ts[i] = i * HOUR;
		price[i] = i == 0 ? 100 : price[i - 1] * exp(0.02 * random_number());
		volume[i] = 1000 * exp(random_number() + cos(i * 3.14159 / 12));
		closes[i] = price[i] * exp(0.01 * random_number());
	}
}

/* Starts a second, and bytes of workspace. */
static double
run(const lem_model *model, const lem_config *config, int bars, int n_baselines, double *bytes)
{
	const lem_series series = {.n = bars, .ts = ts, .price = price, .volume = volume,
		.close = model && model->config.stop_base ? closes : NULL};
	lem_backtest_cursor cursor = {0};
	lem_backtest test;
	lem_backtest_start *starts;
	lem_outcome *outcomes;
	void	   *workspace;
	double		start;
	long		done = 0;
	int			count;
	int			n;

	lem_backtest_default(&test);
	test.baselines.optimal.source = tables_source();
	test.model = model;
	test.config = config;
	test.series = &series;
	test.order = (lem_order) {.size = 1, .min_bars = 3, .max_rate = 1};
	test.n_baselines = n_baselines;
	for (int i = 0; i < n_baselines; i++)
		test.baseline[i] = (lem_baseline) i;
	n = lem_backtest_batch(&test);
	*bytes = lem_backtest_workspace(&test, n);
	workspace = aligned(lem_backtest_workspace(&test, n));
	starts = aligned(n * sizeof(lem_backtest_start));
	outcomes = aligned((size_t) n * lem_backtest_strategies(&test) * sizeof(lem_outcome));
	start = now();
	do
	{
		if (lem_backtest_run(&test, &cursor, n, workspace, NULL, starts, outcomes, NULL, &count,
							 NULL) != LEM_OK)
			exit(1);
		done += count;
	} while (count > 0);
	start = now() - start;
	free(workspace);
	free(starts);
	free(outcomes);
	return done / start;
}

int
main(void)
{
	static const char *const names[CASES] = {"a model of the form of 1.0", "the baselines",
		"the model and the baselines", "a model on top of the optimum",
	"a model on top of the optimum, one trunk for all"};
	static const char *const targets[CASES] = {"", "", "", "", ">= 40000"};
	const int	bars = (bench_small() ? 200 : MOST_STARTS) + 168 + 12;
	const int	rounds = bench_rounds(5);
	const lem_model *model = model_open("small");
	lem_model  *on_top[2] = {model_open("optimum"), model_open("shared")};
	double		rates[CASES][MAX_ROUNDS];
	double		bytes[CASES];
	lem_config	windows;
	char		what[100];

	make_bars(bars);
	lem_baseline_config(&windows, 12, 0);
	for (int i = 0; i < 2; i++)
		on_top[i]->tables = tables_source();
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < CASES; i++)
		{
			const lem_model *of = i == 1 ? NULL : i > 2 ? on_top[i - 3] : model;

			rates[i][round] = run(of, of ? &of->config : &windows, bars,
								  i == 1 || i == 2 ? LEM_BASELINES : 0, &bytes[i]);
		}

	bench_section("Backtests, one core");
	for (int i = 0; i < CASES; i++)
	{
		snprintf(what, sizeof(what), "%s: orders backtested", names[i]);
		bench_row(what, "starts/s", rounds, rates[i], targets[i]);
	}
	for (int i = 0; i < CASES; i++)
	{
		bytes[i] /= 1e6;
		snprintf(what, sizeof(what), "%s: memory, for any number of bars", names[i]);
		bench_row(what, "MB", 1, &bytes[i], "");
	}
	return 0;
}

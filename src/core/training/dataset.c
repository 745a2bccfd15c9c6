/* dataset.c: what a model learns from. */
#include <math.h>
#include <string.h>

#include "market/outlook.h"
#include "training/dataset.h"

size_t
lem_dataset_capacity(const lem_config *config, int n_series, const lem_series *series)
{
	size_t		total = 0;

	for (int s = 0; s < n_series; s++)
		if (series[s].n > (size_t) lem_reach(config))
			total += series[s].n - lem_reach(config);
	return total;
}

/* Doubles that the memory of windows takes. */
static size_t
memory_numbers(const lem_config *config)
{
	lem_arena	arena = {NULL, 0};

	if (config->shared_trunk)
		lem_window_memory_carve(&arena, config);
	return arena.used / sizeof(double);
}

size_t
lem_dataset_scratch(const lem_config *config, int n_series, const lem_series *series)
{
	size_t		most = 0;

	for (int s = 0; s < n_series; s++)
	{
		size_t		need = lem_window_scratch(config, &series[s]);

		most = need > most ? need : most;
	}
	/* behind it the market's bars and the slices' times, and the memory of windows */
	return most + 3 * (size_t) config->n_ahead + memory_numbers(config);
}

lem_window_memory *
lem_dataset_memory(const lem_dataset *dataset, double *scratch)
{
	const lem_config *config = dataset->config;
	lem_arena	arena = {(char *) (scratch + lem_dataset_scratch(config, dataset->n_series,
																 dataset->series)
								   - memory_numbers(config)), 0};

	return config->shared_trunk ? lem_window_memory_carve(&arena, config) : NULL;
}

/* Build one start's window; market and times lie at the end of scratch. */
static lem_status
build(const lem_dataset *dataset, const lem_start *start, lem_window_memory *memory,
	  double *scratch, lem_window *window, lem_real *rows, double **market, lem_fault *fault)
{
	const lem_config *config = dataset->config;
	const int	n = config->n_ahead;
	const lem_series *series = &dataset->series[start->series];
	const lem_order order = {.size = 1, .has_start = true, .start_ts = start->ts,
		.max_rate = 1};
	int64_t    *slice_ts;

	*market = scratch;
	slice_ts = (int64_t *) (scratch + 2 * n);
	return lem_window_build_on(memory, config, series, &order, dataset->clock, scratch + 3 * n,
							   window, rows, slice_ts, *market, fault);
}

/* The first moment from which on at most `wanted` of the starts lie. */
static int64_t
find_cut(const lem_start *starts, size_t n, size_t wanted)
{
	int64_t		low = INT64_MIN;	/* more than wanted lie from here on */
	int64_t		high = INT64_MAX;

	while (high - 1 > low)
	{
		int64_t		middle = (low >> 1) + (high >> 1) + (low & high & 1);
		size_t		later = 0;

		for (size_t i = 0; i < n; i++)
			later += starts[i].ts >= middle;
		if (later > wanted)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static void
swap(lem_start *a, lem_start *b)
{
	lem_start	c = *a;

	*a = *b;
	*b = c;
}

/* The last completed bar of a start of market making, and its targets (3). */
static bool
targets_of(const lem_dataset *dataset, const lem_start *start, double *target)
{
	return lem_outlook_series_target(&dataset->series[start->series], dataset->clock,
									 (size_t) start->bar - 1, dataset->config->horizon, target);
}

/* Is there something to learn from a start? */
static bool
has_target(const lem_dataset *dataset, const lem_start *start)
{
	double		target[LEM_MAKER_TASKS];

	return dataset->config->horizon == 0 || targets_of(dataset, start, target);
}

lem_status
lem_dataset_fill(lem_dataset *dataset, double valid_fraction, double *scratch, lem_real *rows,
				 lem_start *starts, const lem_stop *stop, int *failed, lem_fault *fault)
{
	const int	n = dataset->config->n_ahead;
	const int	reach = lem_reach(dataset->config);
	lem_window_memory *memory = lem_dataset_memory(dataset, scratch);
	size_t		count = 0;
	size_t		n_train = 0;
	size_t		n_valid = 0;

	for (int s = 0; s < dataset->n_series; s++)
	{
		const lem_series *series = &dataset->series[s];

		*failed = s;
		for (int64_t bar = 1; bar + reach <= (int64_t) series->n; bar++)
		{
			lem_start	start = {series->ts[bar], bar, s};
			lem_window	window;
			double	   *market;
			lem_status	status;

			if (bar % 256 == 0 && lem_stop_asked(stop))
				return lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
			if (!has_target(dataset, &start))
				continue;
			status = build(dataset, &start, memory, scratch, &window, rows, &market, fault);
			if (status == LEM_OK && window.known >= n)
				starts[count++] = start;
			else if (status != LEM_OK && status != LEM_SHORT_HISTORY
					 && status != LEM_MISSING_BARS && status != LEM_NO_INTERVAL)
				return status;
		}
	}
	dataset->cut = find_cut(starts, count, (size_t) ((double) count * valid_fraction));

	/* training starts to the front, validation starts behind them, what is neither to the end */
	for (size_t i = 0; i < count; i++)
		if (dataset->series[starts[i].series].ts[starts[i].bar + reach - 1] < dataset->cut)
			swap(&starts[n_train++], &starts[i]);
	for (size_t i = n_train; i < count; i++)
		if (starts[i].bar >= reach
			&& dataset->series[starts[i].series].ts[starts[i].bar - reach] >= dataset->cut)
			swap(&starts[n_train + n_valid++], &starts[i]);
	dataset->train = starts;
	dataset->n_train = n_train;
	dataset->valid = starts + n_train;
	dataset->n_valid = n_valid;
	return LEM_OK;
}

/* The market of a sample from the bars that its slices trade in. */
static void
scale_market(const lem_dataset *dataset, const lem_start *start, const double *bars,
			 lem_real *market)
{
	const int	n = dataset->config->n_ahead;
	double		most = 0;
	int			price_scale;
	int			volume_scale;

	if (dataset->config->horizon > 0)
	{
		double		target[LEM_MAKER_TASKS] = {0};

		(void) targets_of(dataset, start, target);
		memset(market, 0, 2 * (size_t) n * sizeof(lem_real));
		for (int task = 0; task < LEM_MAKER_TASKS; task++)
			market[task] = (lem_real) target[task];
		return;
	}
	for (int k = 0; k < n; k++)
		most = fmax(most, bars[2 * k + 1]);
	frexp(bars[0], &price_scale);
	frexp(most, &volume_scale);
	for (int k = 0; k < n; k++)
	{
		market[2 * k] = (lem_real) ldexp(bars[2 * k + 1], -volume_scale);
		market[2 * k + 1] = (lem_real) ldexp(bars[2 * k], -price_scale);
	}
}

void
lem_dataset_sample(const lem_dataset *dataset, const lem_start *start, double *scratch,
				   lem_real *rows, lem_real *market)
{
	lem_window	window;
	double	   *bars;

	build(dataset, start, NULL, scratch, &window, rows, &bars, NULL);
	scale_market(dataset, start, bars, market);
}

void
lem_dataset_look(const lem_dataset *dataset, const lem_start *start, lem_window_memory *memory,
				 double *scratch, lem_real *rows, lem_real *market, lem_start_view *view)
{
	const int	n = dataset->config->n_ahead;
	const lem_series *series = &dataset->series[start->series];
	const lem_order order = {.size = 1, .has_start = true, .start_ts = start->ts,
		.max_rate = 1};
	lem_window	window;
	double	   *bars;

	build(dataset, start, memory, scratch, &window, rows, &bars, NULL);
	scale_market(dataset, start, bars, market);
	memcpy(view->market, bars, 2 * (size_t) n * sizeof(double));
	lem_last_closes(series, (const int64_t *) (scratch + 2 * n), n, window.known, view->close);
	view->last = lem_last_price(series, (size_t) start->bar, window.norm_window, true,
								lem_window_returns(&window));
	lem_window_outlook_on(window.memory, dataset->config, series, &order, dataset->clock,
						  scratch + 3 * n, false, &view->outlook, view->volume, NULL);
}

/* dataset.c: what a model learns from. */
#include <stdlib.h>

#include "dataset.h"

size_t
lem_dataset_capacity(const lem_config *config, int n_series, const lem_series *series)
{
	size_t		total = 0;

	for (int s = 0; s < n_series; s++)
		if (series[s].n > (size_t) config->n_ahead)
			total += series[s].n - config->n_ahead;
	return total;
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
	/* behind it the market's bars and the slices' times */
	return most + 3 * (size_t) config->n_ahead;
}

/* Build one start's window; market and times lie at the end of scratch. */
static lem_status
build(const lem_dataset *dataset, const lem_start *start, double *scratch, lem_window *window,
	  lem_real *rows, double **market, lem_fault *fault)
{
	const lem_config *config = dataset->config;
	const int	n = config->n_ahead;
	const lem_series *series = &dataset->series[start->series];
	const lem_order order = {.size = 1, .has_start = true, .start_ts = start->ts,
		.max_rate = 1};
	int64_t    *slice_ts;

	*market = scratch;
	slice_ts = (int64_t *) (scratch + 2 * n);
	return lem_window_build(config, series, &order, dataset->clock, scratch + 3 * n, window, rows,
							slice_ts, *market, fault);
}

static int
by_time(const void *a, const void *b)
{
	const lem_start *x = a;
	const lem_start *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return (x->series > y->series) - (x->series < y->series);
}

lem_status
lem_dataset_fill(lem_dataset *dataset, double valid_fraction, double *scratch, lem_real *rows,
				 lem_start *starts, const lem_stop *stop, int *failed, lem_fault *fault)
{
	const int	n = dataset->config->n_ahead;
	size_t		count = 0;
	size_t		kept = 0;
	size_t		first_valid;

	for (int s = 0; s < dataset->n_series; s++)
	{
		const lem_series *series = &dataset->series[s];

		*failed = s;
		for (int64_t bar = 1; bar + n <= (int64_t) series->n; bar++)
		{
			lem_start	start = {series->ts[bar], bar, s};
			lem_window	window;
			double	   *market;
			lem_status	status;

			if (bar % 256 == 0 && lem_stop_asked(stop))
				return lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
			status = build(dataset, &start, scratch, &window, rows, &market, fault);
			if (status == LEM_OK && window.known >= n)
				starts[count++] = start;
			else if (status != LEM_OK && status != LEM_SHORT_HISTORY
					 && status != LEM_MISSING_BARS && status != LEM_NO_INTERVAL)
				return status;
		}
	}
	qsort(starts, count, sizeof(lem_start), by_time);

	/* training starts keep their places at the front, validation starts move up behind them */
	first_valid = count - (size_t) ((double) count * valid_fraction);
	dataset->cut = first_valid < count ? starts[first_valid].ts : INT64_MAX;
	dataset->train = starts;
	dataset->n_train = 0;
	for (size_t i = 0; i < count; i++)
	{
		const lem_series *series = &dataset->series[starts[i].series];
		lem_start	start = starts[i];

		if (series->ts[start.bar + n - 1] < dataset->cut)
		{
			starts[dataset->n_train++] = start;
			kept = dataset->n_train;
		}
		else if (start.bar >= n && series->ts[start.bar - n] >= dataset->cut)
			starts[kept++] = start;
	}
	dataset->valid = starts + dataset->n_train;
	dataset->n_valid = kept - dataset->n_train;
	return LEM_OK;
}

void
lem_dataset_sample(const lem_dataset *dataset, const lem_start *start, double *scratch,
				   lem_real *rows, lem_real *market)
{
	lem_window	window;
	double	   *bars;

	build(dataset, start, scratch, &window, rows, &bars, NULL);
	for (int k = 0; k < dataset->config->n_ahead; k++)
	{
		market[2 * k] = (lem_real) bars[2 * k + 1];
		market[2 * k + 1] = (lem_real) bars[2 * k];
	}
}

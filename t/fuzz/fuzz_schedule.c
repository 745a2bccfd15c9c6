/*
 * fuzz_schedule.c: series of bars, orders and configs made of any bytes (libFuzzer), from the
 * checks to the rows that a model reads and to the projection of a schedule.
 *
 * Whatever passes the checks must give rows of finite numbers, and slices that sum to the order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/bars.h"
#include "market/window.h"
#include "orders/order.h"
#include "parameters/params.h"
#include "input.h"

#define MAX_BARS 256

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int64_t
take_time(input *in)
{
	int64_t		x;

	take(in, &x, sizeof(x));
	return x;
}

static void
take_config(input *in, lem_config *config)
{
	lem_config_default(config);
	config->lookback = take_int(in, -1, 20);
	config->n_ahead = take_int(in, -1, 14);
	config->norm_window = take_int(in, -1, 40);
	config->extra_features = take_int(in, -1, 3);
	config->gaps = (lem_gaps) take_int(in, LEM_GAPS_CARRY, LEM_GAPS_ERROR);
	config->bar_interval = take_int(in, 0, 3) == 0 ? take_time(in) : 0;
	config->price_sigma = take_int(in, 0, 1);
	if (take_int(in, 0, 3) == 0)
	{
		config->feature_set = LEM_FEATURES_PAPER;
		config->n_named = LEM_PAPER_FEATURES;
	}
}

static void
take_order(input *in, lem_order *order)
{
	const int	flags = take_int(in, 0, 31);

	memset(order, 0, sizeof(*order));
	order->size = flags & 16 ? 1000 : take_double(in);
	order->sell = flags & 1;
	order->twap = flags & 2;
	order->notional = flags & 4;
	order->has_start = flags & 8;
	order->start_ts = take_time(in);
	order->min_bars = take_int(in, 0, 14);
	order->max_bars = take_int(in, 0, 14);
	order->min_rate = take_int(in, 0, 3) == 0 ? take_double(in) : 0;
	order->max_rate = take_int(in, 0, 3) == 0 ? take_double(in) : 1;
	order->lot = take_int(in, 0, 3) == 0 ? take_double(in) : 0;
}

/* Bars: any numbers at all, or small steps of time with plain prices, so that some pass. */
static void
take_bars(input *in, size_t n, int n_features, int64_t *ts, double *price, double *volume,
		  double *features)
{
	int64_t		last = take_time(in);

	for (size_t i = 0; i < n; i++)
	{
		const int	kind = take_int(in, 0, 255);

		ts[i] = kind == 0 ? take_time(in)
			: (int64_t) ((uint64_t) last + UINT64_C(60000000) * (kind % 16 == 1 ? 3 : 1));
		price[i] = kind == 0 ? take_double(in) : 100 + kind;
		volume[i] = kind == 0 ? take_double(in) : kind % 8 == 0 ? 0 : kind;
		for (int f = 0; f < n_features; f++)
			features[i * (size_t) n_features + (size_t) f] = kind == 0 ? take_double(in) : kind;
		last = ts[i];
	}
}

/* Shares of any kind are turned into slices that sum to the order. */
static void
check_projection(input *in, const lem_order *order, const lem_limits *limits)
{
	int64_t		units[LEM_MAX_AHEAD];
	double		quantity[LEM_MAX_AHEAD];
	int64_t		left = LEM_UNITS;
	double		sum = 0;

	for (int k = 0; k < limits->horizon; k++)
	{
		units[k] = lem_limits_project(limits, k, left, take_double(in));
		ensure(units[k] >= 0 && units[k] <= left);
		left -= units[k];
	}
	ensure(left == 0);
	lem_order_quantities(order, limits, limits->horizon, units, quantity);
	for (int k = 0; k < limits->horizon; k++)
	{
		ensure(quantity[k] >= 0);
		sum += quantity[k];
	}
	/* a size may miss its lots by 1e-9 of itself */
	ensure(fabs(sum - order->size) <= (order->lot > 0 ? 2e-9 : 1e-12) * order->size * limits->horizon);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	input		in = {bytes, size};
	lem_config	config;
	lem_order	order;
	lem_limits	limits;
	lem_fault	fault;
	lem_window	window;
	size_t		n;

	take_config(&in, &config);
	take_order(&in, &order);
	if (lem_parameters_check(&config, &fault) != LEM_OK
		|| lem_order_check(&order, config.n_ahead, &limits, &fault) != LEM_OK)
		return 0;
	check_projection(&in, &order, &limits);

	n = (size_t) take_int(&in, 0, MAX_BARS);
	{
		int64_t    *ts = calloc(n + 1, sizeof(int64_t));
		double	   *price = calloc(n + 1, sizeof(double));
		double	   *volume = calloc(n + 1, sizeof(double));
		double	   *features = calloc((n + 1) * (size_t) (config.extra_features + 1),
									  sizeof(double));
		const lem_series series = {
			.n = n, .n_features = config.extra_features, .ts = ts, .price = price, .volume = volume,
			.features = config.extra_features > 0 ? features : NULL
		};

		take_bars(&in, n, config.extra_features, ts, price, volume, features);
		if (lem_series_check(&series, &fault) == LEM_OK)
		{
			const size_t cells = (size_t) lem_rows(&config) * (size_t) lem_inputs(&config);
			double	   *scratch = calloc(lem_window_scratch(&config, &series), sizeof(double));
			lem_real   *rows = calloc(cells, sizeof(lem_real));
			int64_t    *slice_ts = calloc((size_t) config.n_ahead, sizeof(int64_t));
			double	   *market = calloc((size_t) config.n_ahead * 2, sizeof(double));

			if (lem_window_build(&config, &series, &order, NULL, scratch, &window, rows, slice_ts,
								 market, &fault) == LEM_OK)
			{
				for (size_t i = 0; i < cells; i++)
					ensure(isfinite(rows[i]));
				for (int i = 1; i < config.n_ahead; i++)
					ensure(slice_ts[i] > slice_ts[i - 1]);
				ensure(window.known >= 0 && window.known <= config.n_ahead);
			}
			free(scratch);
			free(rows);
			free(slice_ts);
			free(market);
		}
		free(ts);
		free(price);
		free(volume);
		free(features);
	}
	return 0;
}

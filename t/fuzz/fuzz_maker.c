/*
 * fuzz_maker.c: books, quotings and rules made of any bytes (libFuzzer), from the checks of bars to
 * outlooks, windows, quotes and runs.
 *
 * Whatever passes the checks must give inputs and rows of finite numbers and quotes in whole ticks and
 * lots that keep their limits; where prices and sizes are those of a market, a run's profit is the sum
 * of its parts.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "making/simulate.h"
#include "market/window.h"
#include "parameters/params.h"
#include "input.h"

#define MAX_BARS 96

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A book in memory of its own. */
typedef struct made_book
{
	lem_book	book;
	int64_t		ts[MAX_BARS];
	double		price[MAX_BARS];
	double		volume[MAX_BARS];
	double		columns[MAX_BARS * LEM_BOOK_COLUMNS];
	bool		plain;			/* all numbers are those of a market */
} made_book;

/* A row: any numbers at all, or prices near 100. */
static bool
take_row(input *in, double *row)
{
	const int	kind = take_int(in, 0, 255);
	const double mid = 100 + kind % 32 * 0.25;

	if (kind == 0)
	{
		for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
			row[c] = take_double(in);
		return false;
	}
	row[LEM_BOOK_BID] = mid - kind % 3 * 0.25;
	row[LEM_BOOK_ASK] = mid + kind % 5 * 0.25;
	row[LEM_BOOK_BID_SIZE] = kind % 7;
	row[LEM_BOOK_ASK_SIZE] = kind % 11;
	row[LEM_BOOK_OPEN] = row[LEM_BOOK_CLOSE] = mid;
	row[LEM_BOOK_HIGH] = mid + kind % 4;
	row[LEM_BOOK_LOW] = mid - kind % 6;
	row[LEM_BOOK_VOLUME] = kind % 8 == 0 ? 0 : kind;
	row[LEM_BOOK_BUY_VOLUME] = row[LEM_BOOK_VOLUME] / 2;
	return true;
}

/* Rows that pass the checks, in the order of time. */
static bool
take_book(input *in, made_book *made)
{
	const int	layout = take_int(in, 0, LEM_BOOK_LAYOUTS - 1);
	const int	wanted = take_int(in, 0, MAX_BARS);
	lem_series	series;
	int64_t		last;
	size_t		n = 0;

	take(in, &last, sizeof(last));
	made->plain = true;
	if (!lem_book_layout_ok(layout))
		return false;
	for (int i = 0; i < wanted; i++)
	{
		double		row[LEM_BOOK_COLUMNS];
		int64_t		ts = last;
		const bool	plain = take_row(in, row);
		const int	step = take_int(in, 0, 31);
		lem_fault	fault;

		if (step == 0)
			take(in, &ts, sizeof(ts));
		else
			ts = (int64_t) ((uint64_t) last + UINT64_C(60000000) * (step == 1 ? 3000 : step < 4 ? step : 1));
		if (!(n == 0 || ts > made->ts[n - 1]) ||
			lem_book_row_check(layout, ts, row, NULL, 0,
							   made->columns + n * (size_t) lem_book_width(layout), &fault) != LEM_OK)
			continue;
		made->ts[n] = last = ts;
		made->price[n] = row[LEM_BOOK_CLOSE];
		made->volume[n] = row[LEM_BOOK_VOLUME];
		made->plain = made->plain && plain;
		n++;
	}
	series = (lem_series) {
		.n = n, .n_features = lem_book_width(layout), .ts = made->ts, .price = made->price,
		.volume = made->volume, .features = made->columns
	};
	ensure(lem_book_view_of(&series, layout, &made->book));
	return n > 0;
}

static void
take_quoting(input *in, lem_quoting *q)
{
	lem_quoting_default(q);
	q->levels = take_int(in, 0, LEM_MAX_LEVELS + 1);
	q->tick = take_int(in, 0, 3) == 0 ? take_double(in) : 0.25;
	q->lot = take_int(in, 0, 3) == 0 ? take_double(in) : 1;
	q->max_position = take_int(in, 0, 3) == 0 ? take_double(in) : 40;
	q->participation = take_int(in, 0, 3) == 0 ? take_double(in) : 0.3;
	q->theta = take_int(in, 0, 3) == 0 ? take_double(in) : 1;
	q->eta = take_int(in, 0, 3) == 0 ? take_double(in) : 0.5;
	q->size_step = take_int(in, 0, 3) == 0 ? take_double(in) : 0;
	q->maker_fee = take_int(in, 0, 3) == 0 ? take_double(in) : 1e-5;
}

/* The window of a bar, if there is one, is of finite numbers. */
static void
check_window(input *in, const made_book *made, const double *mid, const double *log_return,
			 const double *features)
{
	lem_series	series = made->book.series;
	lem_config	config;
	lem_fault	fault;
	double	   *scratch;
	lem_real   *rows;

	lem_config_default(&config);
	config.horizon = 2;
	config.quoted = true;
	config.n_ahead = 2;
	config.finish_gate = false;
	config.extra_features = LEM_MAKER_INPUTS;
	config.lookback = take_int(in, 2, 12);
	config.norm_window = take_int(in, 1, 40);
	config.gaps = (lem_gaps) take_int(in, LEM_GAPS_CARRY, LEM_GAPS_ERROR);
	if (lem_parameters_check(&config, &fault) != LEM_OK)
		return;
	series.n = (size_t) take_int(in, 0, (int) series.n);
	series.price = mid;
	series.features = features;
	series.n_features = LEM_MAKER_INPUTS;
	scratch = calloc(lem_window_scratch(&config, &series), sizeof(double));
	rows = calloc((size_t) lem_rows(&config) * lem_inputs(&config), sizeof(lem_real));
	if (lem_window_past(&config, &series, NULL, take_int(in, 0, 1) ? log_return : NULL, scratch, rows,
						&fault) == LEM_OK)
	{
		for (int i = 0; i < lem_rows(&config) * lem_inputs(&config); i++)
			ensure(isfinite(rows[i]));
	}
	free(scratch);
	free(rows);
}

/* Quotes in whole ticks and lots, beside the market, within the limit. */
static void
check_quotes(const lem_quoting *q, const lem_quote_plan *plan)
{
	lem_quote	quotes[2 * LEM_MAX_LEVELS];
	const int	n = lem_quote_make(q, plan, quotes);
	double		sum[2] = {0, 0};

	ensure(n >= 0 && n <= 2 * q->levels);
	for (int i = 0; i < n; i++)
	{
		ensure(isfinite(quotes[i].price) && quotes[i].price > 0);
		ensure(isfinite(quotes[i].quantity) && quotes[i].quantity > 0);
		ensure(i == 0 || quotes[i].ask != quotes[i - 1].ask ||
			   (quotes[i].ask ? quotes[i].price > quotes[i - 1].price
				: quotes[i].price < quotes[i - 1].price));
		ensure(quotes[i].ask ? quotes[i].price > plan->best_bid : quotes[i].price < plan->best_ask);
		sum[quotes[i].ask] += quotes[i].quantity;
	}
	ensure(sum[0] == 0 || plan->most + sum[0] <= q->max_position * (1 + 1e-9) + 1e-9);
	ensure(sum[1] == 0 || plan->least - sum[1] >= -q->max_position * (1 + 1e-9) - 1e-9);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static made_book made;
	static lem_outlook_bar bars[MAX_BARS];
	static double mid[MAX_BARS];
	static double log_return[MAX_BARS];
	static double features[MAX_BARS * LEM_MAKER_INPUTS];
	static double wealth[MAX_BARS];
	static lem_maker_forecast forecasts[MAX_BARS];
	input		in = {bytes, size};
	lem_maker_strategy strategy = {.ticks = 1, .risk_aversion = 0.1, .tau = 100, .horizon = 2};
	lem_maker_rules rules;
	lem_maker_figures figures;
	lem_quoting quoting;
	lem_fault	fault;
	size_t		n;
	double	   *scratch;

	if (!take_book(&in, &made))
		return 0;
	n = made.book.series.n;
	ensure(lem_outlook_fill(&made.book, NULL, take_int(&in, 1, 20), LEM_SESSIONS_DAY, 0, NULL, bars,
							&(lem_outlook_track) {mid, log_return}) == LEM_OK);
	for (size_t i = 0; i < n; i++)
	{
		lem_book_feature alone;

		lem_book_feature_at(&made.book, i, &alone);
		ensure(memcmp(&alone, &bars[i].now, sizeof(alone)) == 0);
		ensure(bars[i].sigma > 0 && bars[i].mean_spread > 0 && bars[i].volume >= 0);
		for (int j = 0; j < LEM_MAKER_INPUTS; j++)
			ensure(isfinite(bars[i].input[j]));
	}
	lem_outlook_features(&made.book, 0, bars, features);
	check_window(&in, &made, mid, log_return, features);

	take_quoting(&in, &quoting);
	if (lem_quoting_check(&quoting, &fault) != LEM_OK)
		return 0;
	strategy.kind = (lem_maker_kind) take_int(&in, LEM_MAKER_NONE, LEM_MAKER_LINEAR);
	if ((strategy.kind == LEM_MAKER_STOIKOV || strategy.kind == LEM_MAKER_GLFT) &&
		!lem_intensity_fit(&made.book, bars, 0, n, quoting.tick, &strategy.intensity))
		return 0;
	if (strategy.kind == LEM_MAKER_LINEAR)
	{
		scratch = calloc(lem_linear_scratch(n), sizeof(double));
		(void) lem_linear_forecasts(bars, &made.book.series, n, 0, n, 2, scratch, forecasts);
		free(scratch);
		strategy.forecast = forecasts;
	}
	for (size_t i = 0; i < n; i++)
	{
		const double position = (take_int(&in, 0, 200) - 100) / 100.0 * quoting.max_position;
		lem_quote_plan plan;

		if (lem_maker_plan(&strategy, &quoting, bars, i, position, 0, &plan))
			check_quotes(&quoting, &plan);
	}
	rules = (lem_maker_rules) {
		.fill = (lem_fill_rule) take_int(&in, 0, LEM_FILL_RULES - 1), .queue_share = 0.5,
		.worst = take_int(&in, 0, 1), .latency = take_int(&in, 0, LEM_MAX_LATENCY),
		.close = take_int(&in, 0, 1), .map_in_position = take_int(&in, 0, 1)
	};
	ensure(lem_maker_run(&made.book, bars, (size_t) take_int(&in, 0, (int) n), n, &strategy, &quoting,
						 &rules, NULL, NULL, NULL, wealth, &figures) == LEM_OK);
	ensure(figures.most_position <= quoting.max_position * (1 + 1e-9) + 1e-9);
	if (made.plain)
		ensure(fabs(figures.pnl - (figures.spread_earned + figures.inventory_gain - figures.fees -
								   figures.closing_cost)) <= 1e-9 * (1 + figures.turnover));
	return 0;
}

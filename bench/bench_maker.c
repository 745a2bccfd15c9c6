/*
 * bench_maker.c: time of a forecast of market making: of a teacher's network, of a mixture's of ten
 * students, and of what comes before either of them, the outlook of a book and the rows of a window.
 *
 * The configs are those of the report on market making (evaluation/maker.sql), with random weights.
 */
#include "common.h"
#include "market/outlook.h"
#include "market/window.h"
#include "model/forecast.h"
#include "models.h"

#define BARS 300
#define BATCHES 2
#define MOST 64

/* A book of one-second bars with quotes and sizes. */
static int64_t ts[BARS];
static double price[BARS];
static double volume[BARS];
static double columns[BARS * LEM_BOOK_COLUMNS];
static lem_outlook_bar bars[BARS];
static double mid[BARS];
static double log_return[BARS];
static double features[BARS * LEM_MAKER_INPUTS];

static lem_book
make_book(void)
{
	const int	layout = LEM_BOOK_QUOTES | LEM_BOOK_SIZES;
	lem_series	series = {
		.n = BARS, .n_features = lem_book_width(layout), .ts = ts, .price = price, .volume = volume,
		.features = columns
	};
	lem_book	book;
	double		at = 100;

	for (int i = 0; i < BARS; i++)
	{
		double		row[LEM_BOOK_COLUMNS] = {0};

		at += 0.01 * random_number();
		row[LEM_BOOK_BID] = at - 0.01;
		row[LEM_BOOK_ASK] = at + 0.01;
		row[LEM_BOOK_BID_SIZE] = 100 + 90 * random_number();
		row[LEM_BOOK_ASK_SIZE] = 100 + 90 * random_number();
		row[LEM_BOOK_OPEN] = row[LEM_BOOK_CLOSE] = at;
		row[LEM_BOOK_HIGH] = at + 0.01;
		row[LEM_BOOK_LOW] = at - 0.01;
		row[LEM_BOOK_VOLUME] = 1000 + 900 * random_number();
		ts[i] = (int64_t) i * 1000000;
		price[i] = at;
		volume[i] = row[LEM_BOOK_VOLUME];
		if (lem_book_row_check(layout, ts[i], row, NULL, 0,
							   columns + (size_t) i * lem_book_width(layout), NULL) != LEM_OK)
			exit(1);
	}
	if (!lem_book_view_of(&series, layout, &book))
		exit(1);
	return book;
}

/* A teacher or its students. */
static lem_config
make_config(lem_mixture mixture)
{
	const bool	students = mixture != LEM_MIXTURE_NONE;
	lem_config	c;

	lem_config_default(&c);
	c.horizon = 10;
	c.quoted = true;
	c.n_ahead = 2;
	c.lookback = students ? 16 : 32;
	c.hidden_size = students ? 8 : 48;
	c.num_heads = 4;
	c.num_embedding = 8;
	c.fused_mlp_hidden_dim = 32;
	c.hidden_rnn_layer = 1;
	c.finish_gate = false;
	c.feature_set = LEM_FEATURES_LIST;
	c.n_named = 3;
	c.named[0] = LEM_FEATURE_LOG_VOLUME;
	c.named[1] = LEM_FEATURE_RETURN;
	c.named[2] = LEM_FEATURE_VOLATILITY;
	c.extra_features = LEM_MAKER_INPUTS;
	c.norm_window = 240;
	c.gaps = LEM_GAPS_SKIP;
	c.recurrent = students ? LEM_RECURRENT_GRU : LEM_RECURRENT_TKAN;
	c.mixture = mixture;
	c.expert_dim = students ? 4 : 0;
	return c;
}

/* What is timed. */
typedef struct maker_case
{
	const lem_model *model;
	lem_book	book;
	int			n;				/* windows in a batch; 0: from the book to a window */
	lem_real   *rows;
	double	   *volatility;
	double	   *scratch;
	lem_real   *out;
	void	   *workspace;
	double		seconds[MAX_ROUNDS];	/* a forecast */
} maker_case;

/* The window of the book's last bar, from nothing. */
static void
make_window(const maker_case *c)
{
	const lem_config *config = &c->model->config;
	const size_t from = BARS - (size_t) lem_rows(config);
	const lem_outlook_track track = {mid, log_return};
	lem_series	series = c->book.series;
	lem_fault	fault;

	if (lem_outlook_fill(&c->book, NULL, config->horizon, LEM_SESSIONS_DAY, from, NULL, bars,
						 &track) != LEM_OK)
		exit(1);
	lem_outlook_features(&c->book, from, bars, features + from * LEM_MAKER_INPUTS);
	series.price = mid;
	series.features = features;
	series.n_features = LEM_MAKER_INPUTS;
	if (lem_window_past(config, &series, NULL, log_return, c->scratch, c->rows, &fault) != LEM_OK)
		exit(1);
}

static void
run_case(const void *arg)
{
	const maker_case *c = arg;
	lem_status	status = LEM_OK;

	if (c->n == 0)
		make_window(c);
	else if (c->model->config.mixture == LEM_MIXTURE_NONE)
		status = lem_forecast(c->model, c->n, c->rows, c->workspace, NULL, c->out);
	else
		status = lem_experts_forecast(c->model, c->n, c->rows, c->volatility, c->workspace, NULL,
									  c->out, NULL, NULL);
	if (status != LEM_OK)
		exit(1);
}

static maker_case
open_case(const lem_model *model, const lem_book *book, int n)
{
	const lem_config *config = &model->config;
	const size_t size = (size_t) lem_rows(config) * lem_inputs(config);
	lem_series	series = book->series;
	maker_case	c = {.model = model, .book = *book, .n = 0};

	series.n_features = LEM_MAKER_INPUTS;
	c.rows = aligned(MOST * size * sizeof(lem_real));
	c.volatility = aligned(MOST * sizeof(double));
	c.scratch = aligned(lem_window_scratch(config, &series) * sizeof(double));
	c.out = aligned(MOST * LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
	c.workspace = aligned(config->mixture == LEM_MIXTURE_NONE ? lem_forecast_workspace(model, MOST)
						  : lem_experts_workspace(model, MOST));
	/* windows of one book; in every other one of them volatility lies between two regimes */
	make_window(&c);
	for (int i = 1; i < MOST; i++)
		memcpy(c.rows + i * size, c.rows, size * sizeof(lem_real));
	for (int i = 0; i < MOST; i++)
		c.volatility[i] = i % 2 ? 0.45 : 0;
	c.n = n;
	return c;
}

int
main(void)
{
	static const int batches[BATCHES] = {1, MOST};
	static const char *const names[2] = {"teacher", "mixture"};
	static maker_case cases[2 * (1 + BATCHES)];
	const int	n_cases = 2 * (1 + BATCHES);
	const int	rounds = bench_rounds(7);
	const lem_book book = make_book();

	for (int m = 0; m < 2; m++)
	{
		const lem_config config = make_config(m == 0 ? LEM_MIXTURE_NONE : LEM_MIXTURE_HAJEK);
		const lem_model *model = model_random(&config);

		cases[m] = open_case(model, &book, 0);
		for (int b = 0; b < BATCHES; b++)
			cases[2 + m * BATCHES + b] = open_case(model, &book, batches[b]);
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < n_cases; i++)
			cases[i].seconds[round] = fastest(run_case, &cases[i], 0.05) * 1e6 /
				(cases[i].n > 0 ? cases[i].n : 1);

	bench_section("A forecast of market making, one core, without a server");
	for (int i = 0; i < n_cases; i++)
	{
		char		what[100];

		if (cases[i].n == 0)
			snprintf(what, sizeof(what), "%s: from a book of %d bars to a window", names[i], BARS);
		else
			snprintf(what, sizeof(what), "%s: the network, batch %d", names[(i - 2) / BATCHES],
					 cases[i].n);
		bench_row(what, "us", rounds, cases[i].seconds, "");
	}
	return 0;
}

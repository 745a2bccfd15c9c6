/* maker_forecast.c: forecasts of a model over a book, and lem_forecast. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/market/window.h"
#include "core/model/forecast.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/catalog/cache.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/rights.h"
#include "pg/catalog/stat.h"
#include "pg/making/maker_forecast.h"

LEM_FUNCTION(pg_lem_forecast);

#define FORECAST_COLUMNS 8

/* Most bars whose forecasts are computed together. */
#define BATCH 64

static void *
huge(Size n, Size element)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * element);
}

/* The book must be like those that the model learnt from. */
static void
check_book(const lem_model_row *row, const lem_book *book)
{
	const bool	quoted = (book->layout & LEM_BOOK_QUOTES) != 0;
	const int	own = row->config.extra_features - LEM_MAKER_INPUTS;

	if (quoted != row->config.quoted)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the book has %s, but model \"%s@%d\" learnt from %s",
						quoted ? "quotes" : "no quotes", row->name, row->version,
						quoted ? "estimated spreads" : "quotes"),
				 errhint("One model never mixes spreads of quotes with estimated ones.")));
	if (book->n_features != own)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the book has %d features, but model \"%s@%d\" takes %d",
						book->n_features, row->name, row->version, own)));
}

/* A forecast that there is not. */
static void
no_forecast(lem_maker_forecast *forecast)
{
	forecast->mid = forecast->mid_low = forecast->mid_high = NAN;
	forecast->spread = forecast->volume = forecast->sigma = NAN;
}

/* What a pass over bars needs. */
typedef struct pass
{
	const lem_model *model;
	lem_series	series;			/* of the whole book; features of bars that windows read */
	const double *log_return;	/* of its prices */
	lem_clock	clock;
	double	   *scratch;
	lem_real   *rows;			/* BATCH windows */
	lem_real   *out;
	double	   *weights;		/* of mixtures: n x 3 x M, */
	double	   *shares;			/* n x R, */
	double		volatility[BATCH];	/* and what their regimes are told by */
	void	   *workspace;
	int			n;				/* windows in the batch */
	size_t		bar[BATCH];
	lem_maker_said *said;		/* receives what the last bar's mixture says; NULL: not asked */
} pass;

/* Forecasts of the batch in hand; bars and forecasts begin with bar `base` of the book. */
static void
run_batch(pass *p, size_t base, const lem_outlook_bar *bars, lem_maker_forecast *forecasts)
{
	const int	horizon = p->model->config.horizon;
	lem_status	status;

	if (p->n == 0)
		return;
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (p->model->config.mixture != LEM_MIXTURE_NONE)
			status = lem_experts_forecast(p->model, p->n, p->rows, p->volatility, p->workspace,
										  &lem_interrupt_stop, p->out, p->weights, p->shares);
		else
			status = lem_forecast(p->model, p->n, p->rows, p->workspace, &lem_interrupt_stop,
								  p->out);
	} while (status == LEM_STOPPED);
	for (int i = 0; i < p->n; i++)
	{
		const lem_real *q = p->out + i * LEM_QUANTILE_OUTPUTS;
		const double median[LEM_MAKER_TASKS] = {q[1], q[4], q[7]};

		lem_maker_forecast_of(&bars[p->bar[i] - base], horizon, median, q[0], q[2],
							  &forecasts[p->bar[i] - base]);
	}
	if (p->said && p->model->config.mixture != LEM_MIXTURE_NONE)
	{
		const double *share = p->shares + (p->n - 1) * LEM_REGIMES;

		p->said->regime = share[2] > share[0] && share[2] > share[1] ? 3 :
			share[0] > share[1] ? 1 : 2;
		p->said->members = p->model->config.mixture == LEM_MIXTURE_SINGLE ? 1 : LEM_MEMBERS;
		memcpy(p->said->weight, p->weights + (p->n - 1) * 3 * LEM_MEMBERS,
			   sizeof(p->said->weight));
	}
	p->n = 0;
}

/* Add the window at the end of a bar to the batch; false if there is too little history for it. */
static bool
add_window(pass *p, size_t bar, bool strict)
{
	const lem_config *config = &p->model->config;
	const size_t size = (size_t) lem_rows(config) * lem_inputs(config);
	lem_series	known = p->series;
	lem_status	status;
	lem_fault	fault;

	known.n = bar + 1;
	status = lem_window_past(config, &known, &p->clock, p->log_return, p->scratch,
							 p->rows + p->n * size, &fault);
	if (status == LEM_OK)
	{
		p->volatility[p->n] =
			known.features[bar * (size_t) known.n_features + LEM_INPUT_SIGMA];
		p->bar[p->n++] = bar;
		return true;
	}
	if (status != LEM_SHORT_HISTORY && status != LEM_NO_INTERVAL && status != LEM_MISSING_BARS)
		lem_pg_raise(&fault);
	if (strict && status == LEM_SHORT_HISTORY)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_SHORT_HISTORY),
				 errmsg("the book has %s bars, but the model needs %s",
						lem_number_text(fault.have), lem_number_text(fault.want)),
				 errhint("Pass more history.")));
	if (strict)
		lem_pg_raise(&fault);
	return false;
}

void
lem_maker_forecasts(const char *schema, lem_maker_setup *setup, size_t from, bool strict,
					lem_maker_said *said)
{
	const size_t n = setup->book.series.n;
	const size_t width = LEM_MAKER_INPUTS + (size_t) setup->book.n_features;
	lem_model_row *row = palloc0(sizeof(lem_model_row));
	lem_outlook_track track = {huge(n, sizeof(double)), huge(n, sizeof(double))};
	double	   *features = huge(n * width, sizeof(double));
	lem_maker_forecast *forecasts;
	const lem_config *config = &row->config;
	pass	   *p = palloc0(sizeof(pass));
	instr_time	start;
	const int	most = (int) Min(Max(n - Min(from, n), 1), BATCH);
	size_t		made = 0;

	lem_stat_start(&start);
	lem_rights_find(schema, setup->name, row);
	p->model = lem_cache_pin_maker(schema, row);
	check_book(row, &setup->book);
	setup->row = row;
	setup->options.time_zone = row->time_zone;
	setup->strategy.kind = LEM_MAKER_FORECAST;
	setup->strategy.horizon = config->horizon;
	/* outlooks are needed from the first row of the first window on */
	setup->base = strict && n > (size_t) lem_rows(config) ? n - lem_rows(config) : 0;
	forecasts = huge(n - setup->base, sizeof(lem_maker_forecast));
	setup->strategy.forecast = forecasts;
	lem_maker_look(setup, config->horizon, &track);
	lem_outlook_features(&setup->book, setup->base, setup->bars, features + setup->base * width);

	p->series = setup->book.series;
	p->series.price = track.mid;
	p->log_return = track.log_return;
	p->series.features = features;
	p->series.n_features = (int) width;
	p->clock = lem_config_clock(schema, config, row->time_zone);
	p->scratch = huge(lem_window_scratch(config, &p->series), sizeof(double));
	p->rows = huge((Size) most * lem_rows(config) * lem_inputs(config), sizeof(lem_real));
	p->out = palloc(most * LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
	p->weights = palloc(most * 3 * LEM_MEMBERS * sizeof(double));
	p->shares = palloc(most * LEM_REGIMES * sizeof(double));
	p->said = said;
	p->workspace = lem_alloc_aligned(CurrentMemoryContext,
									 config->mixture != LEM_MIXTURE_NONE ?
									 lem_experts_workspace(p->model, most) :
									 lem_forecast_workspace(p->model, most));
	for (size_t i = setup->base; i < n; i++)
	{
		if (i >= from && add_window(p, i, strict && i == n - 1))
			made++;
		else
			no_forecast(&forecasts[i - setup->base]);
		if (p->n == most)
			run_batch(p, setup->base, setup->bars, forecasts);
	}
	run_batch(p, setup->base, setup->bars, forecasts);
	lem_stat_call(row, &start, (int64) made, 1);
	pfree(p->rows);
	pfree(features);
	pfree(track.log_return);
	pfree(track.mid);
}

/*
 * lem_forecast(model, book) returns one row: the forecast at the end of the last bar.  Errors:
 * LM003, LM004, LM010, LM014, 42501.
 */
Datum
pg_lem_forecast(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext old;
	lem_maker_setup *setup;
	const lem_maker_forecast *f;
	lem_maker_said said;
	Datum		values[FORECAST_COLUMNS] = {0};
	bool		nulls[FORECAST_COLUMNS] = {false};
	size_t		n;

	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == FORECAST_COLUMNS);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem forecast", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	setup = palloc0(sizeof(lem_maker_setup));
	setup->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_book_view(PG_GETARG_LEM_BOOK_P(1), &setup->book);
	lem_maker_options_read(NULL, &setup->options);
	n = setup->book.series.n;
	if (n == 0)
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}
	memset(&said, 0, sizeof(said));
	lem_maker_forecasts(lem_schema(fcinfo), setup, n - 1, true, &said);
	f = &setup->strategy.forecast[n - 1 - setup->base];
	values[0] = TimestampTzGetDatum(setup->book.series.ts[n - 1]);
	values[1] = Float8GetDatum(f->mid);
	values[2] = Float8GetDatum(f->mid_low);
	values[3] = Float8GetDatum(f->mid_high);
	values[4] = Float8GetDatum(f->spread);
	values[5] = Float8GetDatum(f->volume);
	/* regimes and weights are those of mixtures */
	nulls[6] = nulls[7] = said.regime == 0;
	if (said.regime > 0)
	{
		Datum		weights[3 * LEM_MEMBERS];
		int			m = 0;

		for (int t = 0; t < 3; t++)
			for (int i = 0; i < said.members; i++)
				weights[m++] = Float8GetDatum(said.weight[t * LEM_MEMBERS + i]);
		values[6] = Int32GetDatum(said.regime);
		values[7] = PointerGetDatum(construct_array(weights, m, FLOAT8OID, sizeof(float8),
													FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

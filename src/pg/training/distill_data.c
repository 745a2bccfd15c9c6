/* distill_data.c: samples in the order of time, and what a teacher says of them. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/market/outlook.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/bars/bar_rows.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/rights.h"
#include "pg/training/distill_data.h"
#include "pg/training/train_prepare.h"

/* Windows that a teacher looks at together. */
#define TOGETHER 32

/* Windows whose gradients are looked at, and samples to learn from at least. */
#define GRADIENT_WINDOWS 256
#define LEAST_SAMPLES 100
#define LEAST_VALID 30

/* Widest features of a teacher in columns. */
#define MOST_FEATURES 4096

/* Rows that are fetched at once. */
#define FETCH_ROWS 1000

/* Share of the samples whose time teaches readouts. */
#define PROBE_LEARN 0.6

const char *const lem_task_names[3] = {"mid", "spread", "volume"};

static void *
huge(Size n, Size element)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * element);
}

lem_teacher *
lem_teacher_open(const char *schema, const char *name)
{
	lem_teacher *teacher = palloc0(sizeof(lem_teacher));
	const lem_config *config = &teacher->row.config;
	const lem_head **heads = palloc0(sizeof(lem_head *));
	float	   *head;

	lem_rights_find_for(schema, GetUserId(), LEM_RIGHT_READ, name, &teacher->row);
	if (config->horizon == 0 || config->mixture != LEM_MIXTURE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("model \"%s@%d\" cannot teach", teacher->row.name, teacher->row.version),
				 errdetail("A teacher is a model of market making that is not a mixture itself."),
				 errhint("Train one with lem_train_maker.")));
	teacher->clock = lem_config_clock(schema, config, teacher->row.time_zone);
	teacher->part = lem_catalog_part(schema, &teacher->row, 0);
	head = lem_catalog_part(schema, &teacher->row, 1);
	teacher->model.config = *config;
	teacher->model.kernels = lem_kernels_select();
	teacher->model.trunk = lem_trunk_decode(config, teacher->part, LEM_FORM_GRADIENT,
											lem_alloc_aligned(CurrentMemoryContext,
															  lem_trunk_bytes(config,
																			  LEM_FORM_GRADIENT)));
	heads[0] = lem_head_decode(config, head, lem_alloc_aligned(CurrentMemoryContext,
																lem_head_bytes(config)));
	teacher->model.heads = heads;
	pfree(head);
	return teacher;
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

/* At most `most` of n starts, evenly spread over their time. */
static Size
spread(const lem_start *from, Size n, Size most, lem_start *to)
{
	lem_start  *sorted = huge(n, sizeof(lem_start));
	const Size	count = Min(n, most);

	memcpy(sorted, from, n * sizeof(lem_start));
	qsort(sorted, n, sizeof(lem_start), by_time);
	for (Size i = 0; i < count; i++)
		to[i] = sorted[i * n / count];
	pfree(sorted);
	return count;
}

static void
too_few(const lem_lesson *lesson)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_SHORT_HISTORY),
			 errmsg("too little to learn from: %lld bars have %zu samples for students and %zu for "
					"validation", (long long) lesson->data.bars, lesson->n_train, lesson->n_valid),
			 errhint("Select more bars, or lower lookback or norm_window.")));
}

void
lem_lesson_choose(lem_lesson *lesson, const lem_config *config, const lem_clock *clock,
				  const lem_distill_options *options)
{
	lem_dataset *dataset = &lesson->dataset;
	lem_start  *starts;
	lem_real   *rows;
	double	   *scratch;
	lem_status	status;
	int			failed = 0;
	lem_fault	fault;

	*dataset = (lem_dataset) {
		.config = config,
		.clock = clock,
		.n_series = lesson->data.n_series,
		.series = lesson->data.series
	};
	starts = huge(lem_dataset_capacity(config, dataset->n_series, dataset->series) + 1,
				  sizeof(lem_start));
	rows = huge((Size) lem_rows(config) * lem_inputs(config), sizeof(lem_real));
	scratch = huge(lem_dataset_scratch(config, dataset->n_series, dataset->series),
				   sizeof(double));
	do
	{
		CHECK_FOR_INTERRUPTS();
		memset(&fault, 0, sizeof(fault));
		status = lem_dataset_fill(dataset, options->validation, scratch, rows, starts,
								  &lem_interrupt_stop, &failed, &fault);
	} while (status == LEM_STOPPED);
	lem_pg_check(status, &fault);
	lesson->reach = lem_reach(config);
	lesson->start = huge((Size) options->samples + options->validation_samples,
						 sizeof(lem_start));
	lesson->n_train = spread(dataset->train, dataset->n_train, options->samples, lesson->start);
	lesson->n_valid = spread(dataset->valid, dataset->n_valid, options->validation_samples,
							 lesson->start + lesson->n_train);
	lesson->n = lesson->n_train + lesson->n_valid;
	if (lesson->n_train < LEAST_SAMPLES || lesson->n_valid < LEAST_VALID)
		too_few(lesson);
	lesson->target = huge(lesson->n * 3, sizeof(double));
	lesson->last = huge(lesson->n * 3, sizeof(double));
	lesson->volatility = huge(lesson->n, sizeof(double));
	for (Size i = 0; i < lesson->n; i++)
	{
		const lem_start *start = &lesson->start[i];
		const lem_series *series = &lesson->data.series[start->series];
		const size_t bar = (size_t) start->bar - 1;

		LEM_ENSURE(lem_outlook_series_target(series, clock, bar, config->horizon,
											 lesson->target + i * 3));
		lem_outlook_last(series, bar, config->horizon, lesson->last + i * 3);
		lesson->volatility[i] = series->features[bar * series->n_features + LEM_INPUT_SIGMA];
	}
	pfree(starts);
	pfree(rows);
	pfree(scratch);
}

/* One pass of a teacher over samples [0, n): what is not NULL in the view's arrays moves on. */
static void
look_at(const lem_lesson *lesson, const lem_teacher *teacher, Size n, Size step,
		lem_teacher_view view)
{
	const lem_config *config = &teacher->row.config;
	const Size	window = (Size) lem_rows(config) * lem_inputs(config);
	const lem_dataset dataset = {
		.config = config,
		.clock = &teacher->clock,
		.n_series = lesson->data.n_series,
		.series = lesson->data.series
	};
	double	   *scratch = huge(lem_dataset_scratch(config, dataset.n_series, dataset.series),
							   sizeof(double));
	lem_real   *rows = huge(TOGETHER * window, sizeof(lem_real));
	lem_real   *market = palloc(2 * (Size) config->n_ahead * sizeof(lem_real));
	void	   *workspace = lem_alloc_aligned(CurrentMemoryContext,
											  lem_teacher_workspace(&teacher->model, TOGETHER,
																	view.response != NULL));

	for (Size i = 0; i < n; i += TOGETHER)
	{
		const int	some = (int) Min(n - i, TOGETHER);
		lem_status	status;

		for (int s = 0; s < some; s++)
			lem_dataset_sample(&dataset, &lesson->start[(i + s) * step], scratch,
							   rows + s * window, market);
		do
		{
			CHECK_FOR_INTERRUPTS();
			status = lem_teacher_look(&teacher->model, teacher->part, some, rows, workspace,
									  &lem_interrupt_stop, &view);
		} while (status == LEM_STOPPED);
		if (view.features)
			view.features += (Size) some * lesson->layers * lesson->width;
		if (view.quantiles)
			view.quantiles += (Size) some * LEM_QUANTILE_OUTPUTS;
	}
	pfree(scratch);
	pfree(rows);
}

void
lem_lesson_look(lem_lesson *lesson, const lem_teacher *teacher)
{
	const lem_config *config = &teacher->row.config;
	const Size	h = config->hidden_size;
	const Size	step = Max(lesson->n_train / GRADIENT_WINDOWS, 1);
	const Size	n = lesson->n_train / step;
	double	   *sums;
	double	   *squares;
	double		mean[3] = {0};
	double		square[3] = {0};

	lesson->layers = lem_teacher_layers(config);
	lesson->width = lem_teacher_width(config);
	lesson->quantiles = huge(lesson->n * LEM_QUANTILE_OUTPUTS, sizeof(lem_real));
	lesson->features = huge(lesson->n * lesson->layers * lesson->width, sizeof(double));
	sums = palloc0(lesson->layers * h * sizeof(double));
	squares = palloc0(lesson->layers * h * sizeof(double));
	lesson->response = palloc0(lesson->layers * 3 * sizeof(double));
	look_at(lesson, teacher, lesson->n, 1, (lem_teacher_view) {lesson->features,
		lesson->quantiles, sums, squares, NULL, NULL});
	for (Size j = 0; j < lesson->layers * h; j++)
	{
		sums[j] /= (double) lesson->n;
		squares[j] = sqrt(fmax(squares[j] / (double) lesson->n - sums[j] * sums[j], 0));
	}
	look_at(lesson, teacher, n, step, (lem_teacher_view) {NULL, NULL, NULL, NULL,
		lesson->response, squares});

	/* in units of the forecasts' own deviation */
	for (Size i = 0; i < lesson->n; i++)
		for (int t = 0; t < 3; t++)
		{
			const double y = lesson->quantiles[i * LEM_QUANTILE_OUTPUTS + t * LEM_QUANTILES + 1];

			mean[t] += y / (double) lesson->n;
			square[t] += y * y / (double) lesson->n;
		}
	for (int l = 0; l < lesson->layers; l++)
		for (int t = 0; t < 3; t++)
		{
			const double deviation = sqrt(fmax(square[t] - mean[t] * mean[t], 0));

			lesson->response[l * 3 + t] = deviation > 0 ?
				lesson->response[l * 3 + t] / (double) n / deviation : 0;
		}
	pfree(sums);
	pfree(squares);
}

static int
find_series(const lem_train_data *data, const char *name)
{
	int			low = 0;
	int			high = data->n_series;

	while (low < high)
	{
		const int	middle = (low + high) / 2;
		const int	order = strcmp(name, data->names[middle]);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* The bar of a series at a time, or -1. */
static int64
find_bar(const lem_series *series, int64 ts)
{
	size_t		low = 0;
	size_t		high = series->n;

	while (low < high)
	{
		const size_t middle = (low + high) / 2;

		if (series->ts[middle] == ts)
			return (int64) middle;
		if (series->ts[middle] < ts)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* The numbers of a teacher's column; NULL where it is NULL. */
static const double *
teacher_numbers(HeapTuple tuple, TupleDesc desc, int column, int64 ts, int *n)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, column, &isnull);
	const double *numbers;

	if (isnull)
		return NULL;
	numbers = lem_bar_features(value, ts, n);
	for (int i = 0; i < *n; i++)
		if (!isfinite(numbers[i]))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("\"%s\" of the bar at %s has a number that is not finite",
							SPI_fname(desc, column), timestamptz_to_str(ts))));
	return numbers;
}

/* What the columns of one row say of a sample. */
static void
read_teacher(lem_lesson *lesson, Size at, HeapTuple tuple, TupleDesc desc, const int *columns,
			 int64 ts, bool *said)
{
	const lem_start *start = &lesson->start[at];
	const lem_series *series = &lesson->data.series[start->series];
	int			n;
	const double *numbers = teacher_numbers(tuple, desc, columns[2], ts, &n);
	double		target[3];

	if (numbers == NULL)
		return;
	if (n != 3 || !(numbers[0] > 0) || !(numbers[1] >= 0) || !(numbers[2] >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("\"teacher\" of the bar at %s does not have three forecasts",
						timestamptz_to_str(ts)),
				 errhint("It must have the mean mid and the mean spread over the horizon, and its "
						 "volume.")));
	lem_outlook_scaled(series, (size_t) start->bar - 1, lesson->dataset.config->horizon,
					   numbers[0], numbers[1], numbers[2], target);
	for (int t = 0; t < 3; t++)
		for (int q = 0; q < LEM_QUANTILES; q++)
			lesson->quantiles[at * LEM_QUANTILE_OUTPUTS + t * LEM_QUANTILES + q] =
				(lem_real) target[t];
	if (lesson->layers > 0)
	{
		double	   *to = lesson->features + at * lesson->width;

		numbers = teacher_numbers(tuple, desc, columns[3], ts, &n);
		if (numbers == NULL || n < 1 || n > MOST_FEATURES ||
			(lesson->given > 0 && n != lesson->given))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("\"teacher_features\" of the bar at %s does not have the features of the "
							"others", timestamptz_to_str(ts)),
					 errhint("It must have 1 to %d numbers, as many as in other bars.",
							 MOST_FEATURES)));
		lesson->given = n;
		memset(to, 0, lesson->width * sizeof(double));
		if (n <= lesson->width)
			memcpy(to, numbers, n * sizeof(double));
		else
			lem_teacher_sketch(0, n, numbers, to);
	}
	*said = true;
}

/* Leave out samples of which the teacher says nothing. */
static void
keep_said(lem_lesson *lesson, const bool *said)
{
	Size		kept = 0;
	Size		train = 0;

	for (Size i = 0; i < lesson->n; i++)
	{
		if (!said[i])
			continue;
		train += i < lesson->n_train;
		lesson->start[kept] = lesson->start[i];
		memmove(lesson->target + kept * 3, lesson->target + i * 3, 3 * sizeof(double));
		memmove(lesson->last + kept * 3, lesson->last + i * 3, 3 * sizeof(double));
		lesson->volatility[kept] = lesson->volatility[i];
		memmove(lesson->quantiles + kept * LEM_QUANTILE_OUTPUTS,
				lesson->quantiles + i * LEM_QUANTILE_OUTPUTS,
				LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
		if (lesson->layers > 0)
			memmove(lesson->features + kept * lesson->width, lesson->features + i * lesson->width,
					lesson->width * sizeof(double));
		kept++;
	}
	lesson->n_train = train;
	lesson->n_valid = kept - train;
	lesson->n = kept;
	if (lesson->n_train < LEAST_SAMPLES || lesson->n_valid < LEAST_VALID)
		too_few(lesson);
}

void
lem_lesson_columns(lem_lesson *lesson, const char *query)
{
	static const char *const names[] = {"series", "ts", "teacher", "teacher_features"};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "lem teacher rows",
													  ALLOCSET_DEFAULT_SIZES);
	SPIPlanPtr	plan = SPI_prepare_cursor(query, 0, NULL, CURSOR_OPT_NO_SCROLL);
	bool	   *said = huge(lesson->n, sizeof(bool));
	int32	  **map = palloc(lesson->data.n_series * sizeof(int32 *));
	int			columns[4];
	Portal		portal;
	Oid			output;
	bool		varlena;
	FmgrInfo	series_output;
	uint64		rows;

	memset(said, 0, lesson->n * sizeof(bool));
	for (int s = 0; s < lesson->data.n_series; s++)
	{
		map[s] = huge(lesson->data.series[s].n, sizeof(int32));
		memset(map[s], -1, lesson->data.series[s].n * sizeof(int32));
	}
	for (Size i = 0; i < lesson->n; i++)
		map[lesson->start[i].series][lesson->start[i].bar - 1] = (int32) i;
	LEM_ENSURE(plan != NULL);
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (int c = 0; c < 4; c++)
	{
		columns[c] = SPI_fnumber(portal->tupDesc, names[c]);
		if (columns[c] <= 0)
			columns[c] = 0;
		if (columns[c] == 0 && c < 3)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the query for the bars has no column \"%s\"", names[c]),
					 errhint("Without a teacher's name it must return its forecasts, float8[] in the "
							 "column teacher, and may return its features, float8[] in the column "
							 "teacher_features.")));
		if (columns[c] > 0 && c >= 2)
			lem_bar_type_check(names[c], SPI_gettypeid(portal->tupDesc, columns[c]),
							   FLOAT8ARRAYOID, "double precision[]");
	}
	getTypeOutputInfo(SPI_gettypeid(portal->tupDesc, columns[0]), &output, &varlena);
	fmgr_info_cxt(output, &series_output, CurrentMemoryContext);
	lesson->median = true;
	lesson->layers = columns[3] > 0;
	lesson->width = LEM_TEACHER_WIDTH;
	lesson->quantiles = huge(lesson->n * LEM_QUANTILE_OUTPUTS, sizeof(lem_real));
	lesson->features = lesson->layers > 0 ? huge(lesson->n * lesson->width, sizeof(double)) : NULL;
	do
	{
		SPITupleTable *table;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_processed;
		table = SPI_tuptable;
		for (uint64 i = 0; i < rows; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);
			bool		no_ts;
			bool		no_series;
			Datum		ts = SPI_getbinval(table->vals[i], table->tupdesc, columns[1], &no_ts);
			Datum		name = SPI_getbinval(table->vals[i], table->tupdesc, columns[0],
											 &no_series);

			if (!no_ts && !no_series)
			{
				const int	s = find_series(&lesson->data,
											OutputFunctionCall(&series_output, name));
				const int64 bar = s < 0 ? -1 : find_bar(&lesson->data.series[s],
														DatumGetTimestampTz(ts));

				if (bar >= 0 && map[s][bar] >= 0)
					read_teacher(lesson, map[s][bar], table->vals[i], table->tupdesc, columns,
								 DatumGetTimestampTz(ts), &said[map[s][bar]]);
			}
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
		}
		SPI_freetuptable(table);
		CHECK_FOR_INTERRUPTS();
	} while (rows > 0);
	SPI_cursor_close(portal);
	SPI_freeplan(plan);
	MemoryContextDelete(row_context);
	keep_said(lesson, said);
}

lem_probe_figure *
lem_lesson_probe(const lem_lesson *lesson, int seed, lem_probe_rows *rows)
{
	const Size	n = lesson->n_train;
	lem_probe_figure *figures = palloc0(Max(lesson->layers, 1) * 3 * LEM_REGIMES *
										sizeof(lem_probe_figure));
	double	   *scratch = huge(lem_probe_scratch(n, lesson->width), sizeof(double));
	bool	   *use = huge(n, sizeof(bool));
	const Size	learn = (Size) (PROBE_LEARN * (double) n);

	*rows = (lem_probe_rows) {
		.n = n,
		.learn = learn,
		.judge = Min(learn + lesson->reach, n),
		.target = lesson->target,
		.last = lesson->last,
		.volatility = lesson->volatility,
		.seed = (uint64_t) seed
	};
	lem_probe_terciles(learn, lesson->volatility, scratch, rows->threshold);
	for (int l = 0; l < lesson->layers; l++)
	{
		lem_status	status;

		do
		{
			CHECK_FOR_INTERRUPTS();
			status = lem_probe_layer(rows, lesson->width, lesson->features + (Size) l * lesson->width,
									 (Size) lesson->layers * lesson->width, scratch, use,
									 &lem_interrupt_stop, figures + l * 3 * LEM_REGIMES);
		} while (status == LEM_STOPPED);
	}
	pfree(scratch);
	pfree(use);
	return figures;
}

/*
 * distill.c: lem_distill, the procedure that trains the students of a mixture.
 *
 * The bars are read and the teacher is looked up in one transaction; the students are then trained
 * without a snapshot, one after the other, and what they came to is stored in another transaction.
 * Nothing is stored before that: a call that is cancelled leaves nothing behind.
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "core/base/random.h"
#include "core/market/outlook.h"
#include "core/model/quantile.h"
#include "core/parameters/initial.h"
#include "core/training/calibrate.h"
#include "core/training/optimizer.h"
#include "core/training/student.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/models.h"
#include "pg/catalog/rights.h"
#include "pg/training/distill.h"
#include "pg/training/train_prepare.h"

LEM_FUNCTION(pg_lem_distill);

/* Longest gradient of a batch. */
#define CLIP_NORM 1.0

/* Half of the change from one regime to the next, of the distance of their thresholds. */
#define REGIME_CHANGE 0.25

/* Stream of random numbers. */
#define SHUFFLE_STREAM UINT64_C(0xd15)

static void *
huge(Size n, Size element)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * element);
}

/* How much of a sample is a student's. */
static double
share_of(const lem_distillation *d, int expert, Size i)
{
	return expert == 0 ? 1 : d->share[i * LEM_REGIMES + lem_student_regime(expert)];
}

static void
require_memory(Size bytes)
{
	if (bytes > (Size) lem_training_memory * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_MODEL_TOO_LARGE),
				 errmsg("distillation needs %zu kB of memory, but lem.training_memory is %d kB",
						(bytes + 1023) / 1024, lem_training_memory),
				 errhint("Raise lem.training_memory, or lower the options samples and "
						 "validation_samples, or lookback.")));
}

/* Keys that decide which windows there are: a student's must be those of its teacher. */
static void
check_like_teacher(const lem_distillation *d)
{
	const lem_config *student = &d->config;
	const lem_config *teacher = &d->teacher->row.config;
	const char *key = student->horizon != teacher->horizon ? "horizon" :
		student->quoted != teacher->quoted ? "spread" :
		student->extra_features != teacher->extra_features ? "extra_features" :
		student->gaps != teacher->gaps ? "gaps" :
		student->bar_interval != teacher->bar_interval ? "bar_interval" :
		strcmp(student->calendar, teacher->calendar) != 0 ? "calendar" :
		d->time_zone != d->teacher->row.time_zone ? "time_zone" :
		student->lookback > teacher->lookback ? "lookback" :
		student->norm_window > teacher->norm_window ? "norm_window" : NULL;

	if (key)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("config key \"%s\" of the students does not fit that of their teacher \"%s@%d\"",
						key, d->teacher->row.name, d->teacher->row.version),
				 errhint("Leave it out to have the teacher's; lookback and norm_window may be "
						 "smaller.")));
}

/* What the students are: the teacher's config, or that of a new model, with what was given. */
static void
read_config(lem_distillation *d, Jsonb *given)
{
	Jsonb	   *base;
	char	   *defaults;

	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("a model's config must be a JSON object")));
	if (d->teacher)
		base = lem_config_write(&d->teacher->row.config, d->teacher->row.time_zone);
	else
		base = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												  CStringGetDatum(lem_maker_config_defaults())));
	base = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(base),
		DirectFunctionCall1(jsonb_in,
							CStringGetDatum("{\"recurrent\": \"gru\", \"hidden_size\": 16, "
											"\"hidden_rnn_layer\": 1, \"num_heads\": 1, "
											"\"mixture\": \"hajek\", \"expert_dim\": 4}"))));
	defaults = JsonbToCString(NULL, &base->root, VARSIZE(base));
	lem_config_read(lem_maker_config(given, defaults), &d->config, &d->time_zone);
	if (d->config.mixture == LEM_MIXTURE_NONE || d->config.horizon == 0 ||
		d->config.extra_features < LEM_MAKER_INPUTS)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the config is not one of students"),
				 errdetail("It has a \"horizon\" of at least 1, and a \"mixture\" that is not "
						   "\"none\".")));
	if (d->teacher)
		check_like_teacher(d);
}

/* Bars, samples, and what the teacher says of them. */
static void
read_lesson(lem_distillation *d)
{
	const lem_config *config = d->teacher ? &d->teacher->row.config : &d->config;
	lem_lesson *lesson = &d->lesson;

	d->clock = lem_config_clock(d->schema, &d->config, d->time_zone);
	lem_train_data_read_book(d->query, config->extra_features, config->quoted, &d->clock,
							 config->horizon, (Size) lem_training_memory * 1024, &lesson->data);
	lem_lesson_choose(lesson, config, d->teacher ? &d->teacher->clock : &d->clock, &d->options);
	if (d->teacher == NULL)
		lem_lesson_columns(lesson, d->query);
	lem_training_commit();
	if (d->teacher)
		lem_lesson_look(lesson, d->teacher);
}

/* Which layer serves each student best. */
static void
choose_layers(lem_distillation *d)
{
	const lem_lesson *lesson = &d->lesson;

	d->figures = lem_lesson_probe(lesson, d->options.seed, &d->rows);
	for (int tr = 0; tr < 3 * LEM_REGIMES; tr++)
	{
		d->layer[tr] = lesson->layers > 0 ? 0 : -1;
		for (int l = 1; l < lesson->layers; l++)
			if (d->figures[l * 3 * LEM_REGIMES + tr].response >
				d->figures[d->layer[tr] * 3 * LEM_REGIMES + tr].response)
				d->layer[tr] = l;
	}
}

/* What those layers add to the ones before, for the samples to learn from. */
static void
decompose(lem_distillation *d)
{
	const lem_lesson *lesson = &d->lesson;
	const int	k = d->config.expert_dim;
	lem_probe_rows rows = d->rows;
	double	   *scratch;

	if (lesson->layers == 0)
		return;
	rows.learn = rows.judge = rows.n;
	scratch = huge(lem_decompose_scratch(rows.n, lesson->layers, lesson->width, k),
				   sizeof(double));
	for (int tr = 0; tr < 3 * LEM_REGIMES; tr++)
	{
		const int	l = d->layer[tr];

		CHECK_FOR_INTERRUPTS();
		if (d->state[l])
			continue;
		d->state[l] = huge(rows.n * 3 * k, sizeof(double));
		lem_decompose(&rows, lesson->layers, lesson->width, l, lesson->features, k, scratch,
					  d->state[l]);
	}
	pfree(scratch);
}

/* Windows, shares of regimes, and which validation samples do what. */
static void
prepare(lem_distillation *d)
{
	const lem_lesson *lesson = &d->lesson;
	const lem_config *config = &d->config;
	const lem_dataset dataset = {
		.config = config,
		.clock = &d->clock,
		.n_series = lesson->data.n_series,
		.series = lesson->data.series
	};
	const Size	third = lesson->n_valid / 3;
	const Size	gap = Min((Size) lesson->reach, third / 4);
	double	   *scratch = huge(lem_dataset_scratch(config, dataset.n_series, dataset.series),
							   sizeof(double));
	lem_real   *market = palloc(2 * (Size) config->n_ahead * sizeof(lem_real));
	lem_mixture_offsets at;
	const double *threshold = d->rows.threshold;

	d->window = (Size) lem_rows(config) * lem_inputs(config);
	require_memory(lesson->n * d->window * sizeof(lem_real) +
				   (Size) lesson->data.bars * (3 + lesson->data.n_features) * sizeof(double) +
				   lesson->n * Max(lesson->layers, 1) * lesson->width * sizeof(double));
	d->windows = huge(lesson->n * d->window, sizeof(lem_real));
	for (Size i = 0; i < lesson->n; i++)
	{
		if (i % 256 == 0)
			CHECK_FOR_INTERRUPTS();
		lem_dataset_sample(&dataset, &lesson->start[i], scratch, d->windows + i * d->window,
						   market);
	}
	pfree(scratch);
	d->select = third - gap;
	d->calibrate = third;
	d->calibrated = 2 * third - gap;
	d->judge = 2 * third;

	for (int p = 0; p < 2; p++)
		d->parts[p] = huge(lem_part_size(config, p), sizeof(lem_real));
	lem_initial_weights(config, (uint64) d->options.seed, d->parts);
	lem_mixture_layout(config, &at);
	d->parts[1][at.regimes] = (lem_real) threshold[0];
	d->parts[1][at.regimes + 1] = (lem_real) threshold[1];
	d->parts[1][at.regimes + 2] = (lem_real) (REGIME_CHANGE * (threshold[1] - threshold[0]));
	d->share = huge(lesson->n * LEM_REGIMES, sizeof(double));
	for (Size i = 0; i < lesson->n; i++)
		lem_regime_shares(d->parts[1] + at.regimes, lesson->volatility[i],
						  d->share + i * LEM_REGIMES);
}

/* A student while it is trained. */
typedef struct pupil
{
	int			expert;
	int64		size;			/* of its numbers */
	lem_real   *numbers;		/* in the mixture */
	lem_real   *best;
	lem_real   *m;
	lem_real   *v;
	lem_real   *gradient;
	int		   *order;			/* samples that are its own */
	Size		n;
	void	   *workspace;
	lem_real   *rows;			/* of a batch, and what is learnt of it */
	lem_real   *share;
	lem_real   *target;
	lem_real   *teacher;
	lem_real   *state;
	lem_real   *earlier[LEM_EXPERTS];
	lem_real   *out;
	int64		step;
} pupil;

static void
pupil_create(lem_distillation *d, int expert, pupil *p)
{
	const lem_config *config = &d->config;
	const int	batch = d->options.batch;
	const int	k = config->expert_dim;
	lem_expert_offsets at;

	lem_expert_layout(config, expert, &at);
	memset(p, 0, sizeof(*p));
	p->expert = expert;
	p->size = lem_student_size(config, expert);
	p->numbers = d->parts[0] + at.input;
	p->best = palloc(p->size * sizeof(lem_real));
	p->m = palloc0(p->size * sizeof(lem_real));
	p->v = palloc0(p->size * sizeof(lem_real));
	p->gradient = palloc(p->size * sizeof(lem_real));
	p->order = huge(d->lesson.n_train, sizeof(int));
	for (Size i = 0; i < d->lesson.n_train; i++)
		if (share_of(d, expert, i) > 0)
			p->order[p->n++] = (int) i;
	p->workspace = lem_alloc_aligned(CurrentMemoryContext,
									 Max(lem_student_workspace(config, expert, batch, true),
										 lem_student_workspace(config, expert, batch, false)));
	p->rows = huge(batch * d->window, sizeof(lem_real));
	p->share = palloc(batch * sizeof(lem_real));
	p->target = palloc(batch * 3 * sizeof(lem_real));
	p->teacher = palloc(batch * LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
	p->state = palloc0(batch * 3 * k * sizeof(lem_real));
	for (int e = 1; e < expert; e++)
		p->earlier[e - 1] = palloc(batch * k * sizeof(lem_real));
	p->out = palloc((Size) batch * lem_expert_outputs(config, expert) * sizeof(lem_real));
}

/* The order of samples of an epoch (Fisher and Yates), by the seed. */
static void
shuffle(const lem_distillation *d, pupil *p, int epoch)
{
	const uint64 stream = SHUFFLE_STREAM + ((uint64) p->expert << 32) + epoch;

	for (Size i = p->n; i > 1; i--)
	{
		const Size	j = lem_random_below((uint64) d->options.seed, stream, i, i);
		const int	was = p->order[i - 1];

		p->order[i - 1] = p->order[j];
		p->order[j] = was;
	}
}

/* Gather samples [first, first + n) of the epoch's order. */
static void
gather(const lem_distillation *d, pupil *p, Size first, int n, lem_distill_batch *batch)
{
	const lem_lesson *lesson = &d->lesson;
	const int	k = d->config.expert_dim;
	const int	tasks = lem_expert_tasks(p->expert);

	for (int s = 0; s < n; s++)
	{
		const Size	i = p->order[first + s];

		memcpy(p->rows + s * d->window, d->windows + i * d->window, d->window * sizeof(lem_real));
		p->share[s] = (lem_real) share_of(d, p->expert, i);
		for (int t = 0; t < 3; t++)
			p->target[s * 3 + t] = (lem_real) lesson->target[i * 3 + t];
		if (lesson->quantiles)
			memcpy(p->teacher + s * LEM_QUANTILE_OUTPUTS,
				   lesson->quantiles + i * LEM_QUANTILE_OUTPUTS,
				   LEM_QUANTILE_OUTPUTS * sizeof(lem_real));
		for (int t = 0; lesson->layers > 0 && t < tasks; t++)
		{
			/* the undivided student learns what the middle regime's does */
			const int	task = p->expert == 0 ? t : lem_student_task(p->expert);
			const int	regime = p->expert == 0 ? 1 : lem_student_regime(p->expert);
			const double *u = d->state[d->layer[task * LEM_REGIMES + regime]] +
				(i * 3 + task) * k;

			for (int c = 0; c < k; c++)
				p->state[(s * tasks + t) * k + c] = (lem_real) u[c];
		}
		for (int e = 1; e < p->expert; e++)
			memcpy(p->earlier[e - 1] + s * k, d->earlier[e] + i * k, k * sizeof(lem_real));
	}
	*batch = (lem_distill_batch) {
		.n = n,
		.k = k,
		.n_tasks = tasks,
		.task = {p->expert == 0 ? 0 : lem_student_task(p->expert), 1, 2},
		.share = p->share,
		.target = p->target,
		.teacher = lesson->quantiles ? p->teacher : NULL,
		.median = lesson->median,
		.state = lesson->layers > 0 ? p->state : NULL,
		.n_earlier = Max(p->expert - 1, 0),
		.earlier = (const lem_real *const *) p->earlier
	};
}

/* What a student says of samples [first, first + n) of the windows: out (n x outputs). */
static void
ask(const lem_distillation *d, const pupil *p, Size first, Size n, lem_real *out)
{
	const int	outputs = lem_expert_outputs(&d->config, p->expert);

	for (Size i = 0; i < n; i += d->options.batch)
	{
		const int	some = (int) Min(n - i, (Size) d->options.batch);
		lem_status	status;

		do
		{
			CHECK_FOR_INTERRUPTS();
			status = lem_student_forward(&d->config, lem_kernels_select(), p->expert, p->numbers,
										 some, d->windows + (first + i) * d->window, p->workspace,
										 &lem_interrupt_stop, out + i * outputs);
		} while (status == LEM_STOPPED);
	}
}

/* A student's quantiles of one of its tasks. */
static void
quantiles_of(const lem_distillation *d, int t, const lem_real *raw, lem_real *q)
{
	lem_quantile_ordered(raw + t * (LEM_QUANTILES + d->config.expert_dim), q);
}

/* Its mean pinball loss in its own regime, on the samples that choose the epoch. */
static double
loss_of(const lem_distillation *d, const pupil *p, const lem_real *raw)
{
	const int	tasks = lem_expert_tasks(p->expert);
	const int	outputs = lem_expert_outputs(&d->config, p->expert);
	double		loss = 0;
	double		all = 0;

	for (Size i = 0; i < d->select; i++)
	{
		const Size	at = d->lesson.n_train + i;
		const double share = share_of(d, p->expert, at);

		for (int t = 0; t < tasks; t++)
		{
			lem_real	q[LEM_QUANTILES];

			quantiles_of(d, t, raw + i * outputs, q);
			loss += share / tasks *
				lem_pinball(q, d->lesson.target[at * 3 + (p->expert == 0 ? t : lem_student_task(p->expert))]);
		}
		all += share;
	}
	return all > 0 ? loss / all : 0;
}

static void
train_epoch(const lem_distillation *d, pupil *p, int epoch)
{
	const int	size = d->options.batch;
	const int64 steps = (int64) ((p->n + size - 1) / size) * d->options.epochs;
	lem_adam	adam;

	lem_adam_default(&adam);
	shuffle(d, p, epoch);
	for (Size first = 0; first < p->n; first += size)
	{
		lem_distill_batch batch;
		lem_status	status;
		double		loss;
		double		norm;

		gather(d, p, first, (int) Min(p->n - first, (Size) size), &batch);
		do
		{
			CHECK_FOR_INTERRUPTS();
			status = lem_student_gradient(&d->config, lem_kernels_select(), p->expert, p->numbers,
										  &d->options.weights, &batch, p->rows, p->workspace,
										  &lem_interrupt_stop, &loss, p->gradient);
		} while (status == LEM_STOPPED);
		norm = sqrt(lem_gradient_squares(0, p->size, p->gradient));
		if (!isfinite(loss) || !isfinite(norm))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_NOT_FINITE),
					 errmsg("the distillation of model \"%s\" diverged: the loss is %s", d->name,
							lem_number_text(loss)),
					 errhint("Look for extreme numbers among the bars, or lower the option rate.")));
		adam.rate = d->options.rate * (1 - (double) p->step / (double) (steps + 1));
		p->step++;
		lem_adam_step(&adam, p->step, norm > CLIP_NORM ? CLIP_NORM / norm : 1, 0, p->size,
					  p->gradient, p->m, p->v, p->numbers);
	}
}

/* Train one student, and keep what it says of all samples. */
static void
train_student(lem_distillation *d, int expert)
{
	const lem_lesson *lesson = &d->lesson;
	const int	k = d->config.expert_dim;
	const int	outputs = lem_expert_outputs(&d->config, expert);
	MemoryContext keep = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(keep, "lem student", ALLOCSET_DEFAULT_SIZES);
	pupil		p;

	d->raw[expert] = huge(lesson->n_valid * outputs, sizeof(lem_real));
	if (expert > 0)
		d->earlier[expert] = huge(lesson->n_train * k, sizeof(lem_real));
	MemoryContextSwitchTo(context);
	pupil_create(d, expert, &p);
	d->loss[expert] = INFINITY;
	for (int epoch = 0; epoch < d->options.epochs; epoch++)
	{
		double		loss;

		train_epoch(d, &p, epoch);
		ask(d, &p, lesson->n_train, d->select, d->raw[expert]);
		loss = loss_of(d, &p, d->raw[expert]);
		if (loss < d->loss[expert])
		{
			d->loss[expert] = loss;
			memcpy(p.best, p.numbers, p.size * sizeof(lem_real));
		}
	}
	if (!isfinite(d->loss[expert]))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_NOT_FINITE),
				 errmsg("the distillation of model \"%s\" diverged", d->name),
				 errhint("Look for extreme numbers among the bars, or lower the option rate.")));
	memcpy(p.numbers, p.best, p.size * sizeof(lem_real));
	ask(d, &p, lesson->n_train, lesson->n_valid, d->raw[expert]);
	if (expert > 0)
	{
		lem_real   *raw = huge(lesson->n_train * outputs, sizeof(lem_real));

		ask(d, &p, 0, lesson->n_train, raw);
		for (Size i = 0; i < lesson->n_train; i++)
			memcpy(d->earlier[expert] + i * k, raw + i * outputs + LEM_QUANTILES,
				   k * sizeof(lem_real));
	}
	MemoryContextSwitchTo(keep);
	MemoryContextDelete(context);
	if (expert == 0)
		ereport(NOTICE,
				(errmsg("undivided student of %d: loss %.6f", lem_experts_count(&d->config),
						d->loss[0])));
	else
		ereport(NOTICE,
				(errmsg("student %d of %d, %s in regime %d: loss %.6f", expert + 1,
						lem_experts_count(&d->config), lem_task_names[lem_student_task(expert)],
						lem_student_regime(expert) + 1, d->loss[expert])));
}

/* What joins them. */
static void
calibrate(lem_distillation *d)
{
	const lem_lesson *lesson = &d->lesson;
	const Size	first = lesson->n_train + d->calibrate;
	const Size	n = d->calibrated - d->calibrate;
	const lem_real *raw[LEM_EXPERTS] = {NULL};
	lem_real   *target = huge(n * 3, sizeof(lem_real));
	double	   *scratch = huge(lem_calibrate_scratch(n), sizeof(double));
	lem_status	status;

	for (Size i = 0; i < n * 3; i++)
		target[i] = (lem_real) lesson->target[first * 3 + i];
	for (int e = 0; e < lem_experts_count(&d->config); e++)
		raw[e] = d->raw[e] + d->calibrate * lem_expert_outputs(&d->config, e);
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_calibrate(&(lem_calibration) {&d->config, n, raw, target,
			d->share + first * LEM_REGIMES, (uint64) d->options.seed}, scratch,
			&lem_interrupt_stop, d->parts[1]);
	} while (status == LEM_STOPPED);
	pfree(scratch);
	pfree(target);
}

static void
part_of(void *arg, int part, float *out)
{
	const lem_distillation *d = arg;

	memcpy(out, d->parts[part], lem_part_size(&d->config, part) * sizeof(float));
}

static void
store(lem_distillation *d)
{
	d->version = lem_models_store(d->schema, d->name, &d->config, d->time_zone, part_of, d, 0,
								  d->metrics, NULL);
	if (d->options.deploy_given && d->options.deploy)
		lem_models_deploy(d->schema, d->name, d->version);
	else if (d->options.deploy_given)
		lem_models_undeploy(d->schema, d->name, d->version);
	lem_training_commit();
	ereport(NOTICE,
			(errmsg("model \"%s@%d\" stored: %d student%s", d->name, d->version,
					lem_experts_count(&d->config),
					lem_experts_count(&d->config) == 1 ? "" : "s")));
}

static Jsonb *
object_argument(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	return PG_GETARG_JSONB_P_COPY(i);
}

/*
 * lem_distill(student text, teacher text, query text, config jsonb DEFAULT '{}',
 * options jsonb DEFAULT '{}')
 *
 * Trains the students of a mixture on the book bars that a query returns, from a model or, where
 * teacher is NULL, from the columns teacher and teacher_features, and stores them as a new version.
 * Commits, so it must not be called within a transaction block.
 */
Datum
pg_lem_distill(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	lem_distillation *d;

	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("lem_distill cannot run inside a transaction block"),
				 errhint("Call it on its own: it commits when the bars are read.")));
	PreventCommandIfReadOnly("lem_distill()");
	lem_refuse_null(PG_ARGISNULL(0), "student");
	lem_refuse_null(PG_ARGISNULL(2), "query");

	/* Lives as long as the CALL, whatever transactions come and go. */
	context = AllocSetContextCreate(PortalContext, "lem distillation", ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	d = palloc0(sizeof(lem_distillation));
	d->schema = lem_schema(fcinfo);
	d->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	d->query = text_to_cstring(PG_GETARG_TEXT_PP(2));
	lem_models_check_name(d->name);
	(void) lem_rights_check(d->schema, GetUserId(), d->name, LEM_RIGHT_TRAIN);
	lem_distill_options_read(PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P_COPY(4), &d->options);
	if (!PG_ARGISNULL(1))
		d->teacher = lem_teacher_open(d->schema, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	read_config(d, object_argument(fcinfo, 3));
	read_lesson(d);
	choose_layers(d);
	decompose(d);
	prepare(d);
	for (int e = 0; e < lem_experts_count(&d->config); e++)
		train_student(d, e);
	calibrate(d);
	lem_distill_measure(d);
	store(d);
	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

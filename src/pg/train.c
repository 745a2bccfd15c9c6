/*
 * train.c: lem_train, the procedure that trains a model.
 *
 * It prepares in one transaction and commits a row for the run; then every epoch is computed
 * without a snapshot and saved in a transaction of its own.  Whatever ends it, what it takes to go
 * on from the last epoch is in the tables.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"
#include "utils/resowner.h"

#include "core/initial.h"
#include "core/train.h"
#include "pg/compat.h"
#include "pg/config_json.h"
#include "pg/errors.h"
#include "pg/models.h"
#include "pg/train.h"
#include "pg/train_options.h"
#include "pg/train_run.h"
#include "pg/train_workers.h"

/* Least time between two messages, and between two titles of the process, in milliseconds. */
#define MESSAGE_MS 1000
#define TITLE_MS 200

int			lem_training_memory = 2 * 1024 * 1024;

/* A training while it runs. */
typedef struct training
{
	MemoryContext context;
	lem_run		run;
	lem_train_settings settings;
	lem_config	config;
	pg_tz	   *time_zone;
	lem_model_row from;			/* the model to start from, if run.from_model */

	lem_train_data data;		/* until the block holds a copy */
	MemoryContext data_context;
	lem_dataset dataset;
	lem_clock	clock;

	bool		begun;			/* the run's row is committed */
	lem_train_team *team;
	int			processes;		/* that compute */
	lem_train_member *member;
	lem_run_numbers numbers;	/* weights, m and v in the block; best in own memory */
	lem_epoch	epoch;			/* being computed */
	char	   *diverged;		/* where it did; NULL: it did not */
	int			version;		/* of the model in the end; 0: none */

	instr_time	last_message;
	instr_time	last_title;
} training;

/* Make a change of the tables permanent, and begin another transaction. */
static void
commit(void)
{
	SPI_commit();
	SPI_start_transaction();
}

/*
 * Do work in a subtransaction: should it fail, the transaction around it is as before, and our
 * own connection to SPI is the current one.
 */
static void
guarded(void (*work) (training *), training *t)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(t);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ReThrowError(error);
	}
	PG_END_TRY();
}

static double
seconds_since(instr_time since)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, since);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* Whether so much time has passed since *last, which is now if so. */
static bool
is_due(instr_time *last, int milliseconds)
{
	if (!INSTR_TIME_IS_ZERO(*last) && seconds_since(*last) * 1000 < milliseconds)
		return false;
	INSTR_TIME_SET_CURRENT(*last);
	return true;
}

/* Tell the client and the process's title how far the training is. */
static void
show_progress(training *t, int64 step, int64 steps, double loss)
{
	const int	epoch = t->run.state.epoch + 1;

	if (update_process_title && is_due(&t->last_title, TITLE_MS))
	{
		char		title[NAMEDATALEN + 128];

		snprintf(title, sizeof(title), "CALL lem_train %s: epoch %d/%d, batch %lld/%lld",
				 t->run.model, epoch, t->settings.core.epochs, (long long) step,
				 (long long) steps);
		set_ps_display(title);
	}
	if (is_due(&t->last_message, MESSAGE_MS))
		ereport(NOTICE,
				(errmsg("epoch %d of at most %d, batch %lld of %lld: loss %.6f", epoch,
						t->settings.core.epochs, (long long) step, (long long) steps, loss)));
}

/* One object, with the keys of another added or in their place. */
static Jsonb *
overlay(Jsonb *under, Jsonb *over)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(under),
											  JsonbPGetDatum(over)));
}

static void
require_same(const training *t, const char *what, Jsonb *had, Jsonb *given)
{
	const char *difference = lem_json_difference(had, given);

	if (difference)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("training run %lld of model \"%s\" cannot be resumed with another %s",
						(long long) t->run.id, t->run.model, what),
				 errdetail("%s.", difference),
				 errhint("Leave out what is to stay as it was, or leave out the option resume to "
						 "begin a new training.")));
}

static void
require_object(Jsonb *json, const char *what)
{
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("%s must be a JSON object", what)));
}

/* The config and options of the run that is to go on; what is given again must be the same. */
static void
read_resumed(training *t, Jsonb *config, Jsonb *options)
{
	lem_run    *run = &t->run;
	Jsonb	   *had_config;
	Jsonb	   *had_options;

	lem_run_find(run);
	had_config = run->config;
	had_options = run->options;
	lem_config_read(overlay(had_config, config), &t->config, &t->time_zone);
	run->config = lem_config_write(&t->config, t->time_zone);
	require_same(t, "config", had_config, run->config);
	lem_train_settings_read(lem_train_settings_resume(had_options, options), t->config.n_ahead,
							&t->settings);
	run->options = lem_train_settings_write(&t->settings);
	require_same(t, "option", had_options, run->options);
	if (strcmp(run->kernels, lem_kernels_select()->name) != 0)
		ereport(WARNING,
				(errmsg("the training began with the instruction set %s, and goes on with %s",
						run->kernels, lem_kernels_select()->name),
				 errdetail("The last digits of the weights may differ from those of a training "
						   "that was not interrupted.")));
}

/* The model to start from, by its version; what the config leaves out is as there. */
static Jsonb *
read_init_from(training *t, Jsonb *config)
{
	lem_run    *run = &t->run;

	lem_catalog_find(run->schema, t->settings.init_from, &t->from);
	t->settings.init_from = psprintf("%s@%d", t->from.name, t->from.version);
	if (run->id == 0)
		memcpy(run->init_digest, t->from.digest, LEM_DIGEST_LENGTH);
	else if (memcmp(run->init_digest, t->from.digest, LEM_DIGEST_LENGTH) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" is not the one that training run %lld began with",
						t->settings.init_from, (long long) run->id)));
	run->from_model = true;
	return overlay(lem_config_write(&t->from.config, t->from.time_zone), config);
}

/* A visit of a tensor of the new model: the one to start from must have the same. */
static lem_status
compare_tensor(void *arg, int i, const lem_tensor *want)
{
	const training *t = arg;
	lem_tensor	have;
	bool		same;

	lem_tensor_get(&t->from.config, i, &have);
	same = strcmp(have.name, want->name) == 0 && have.dims == want->dims;
	for (int d = 0; same && d < want->dims; d++)
		same = have.shape[d] == want->shape[d];
	if (same && want->constant)
		same = memcmp(&t->from.config.sub_layer[want->sub_layer].spline,
					  &t->config.sub_layer[want->sub_layer].spline, sizeof(lem_spline)) == 0;
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
				 errmsg("training cannot start from model \"%s\": tensor \"%s\" is not as the "
						"config asks for", t->settings.init_from, want->name),
				 errhint("Leave out the config to train on with the model's own.")));
	return LEM_OK;
}

/* The config and options of a new run. */
static void
read_new(training *t, Jsonb *config, Jsonb *options)
{
	if (t->settings.init_from)
		config = read_init_from(t, config);
	lem_config_read(config, &t->config, &t->time_zone);
	if (t->settings.init_from)
	{
		char	   *from = t->settings.init_from;

		if (lem_tensor_count(&t->from.config) != lem_tensor_count(&t->config))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
					 errmsg("training cannot start from model \"%s\": it has other tensors than the "
							"config asks for", from),
					 errhint("Leave out the config to train on with the model's own.")));
		(void) lem_tensor_walk(&t->config, compare_tensor, t);
		lem_train_settings_read(options, t->config.n_ahead, &t->settings);
		t->settings.init_from = from;
	}
	else
		lem_train_settings_read(options, t->config.n_ahead, &t->settings);
	t->run.config = lem_config_write(&t->config, t->time_zone);
	t->run.options = lem_train_settings_write(&t->settings);
}

/* Name, lock, config and options; what is wrong with them is found before any bar is read. */
static void
read_arguments(training *t, Jsonb *config, Jsonb *options)
{
	lem_config	defaults;

	require_object(config, "a model's config");
	require_object(options, "the options of a training");
	lem_config_default(&defaults);
	lem_train_settings_read(options, defaults.n_ahead, &t->settings);
	lem_run_lock(&t->run);
	if (t->settings.resume)
	{
		read_resumed(t, config, options);
		if (t->settings.init_from && t->run.state.epoch == 0)
			(void) read_init_from(t, config);
	}
	else
	{
		lem_train_state_init(&t->run.state);
		read_new(t, config, options);
	}
}

static int
interrupt_asked(void *arg)
{
	(void) arg;
	return INTERRUPTS_PENDING_CONDITION() && INTERRUPTS_CAN_BE_PROCESSED();
}

static void
raise_too_little(const training *t, const lem_fault *fault)
{
	const lem_dataset *set = &t->dataset;

	ereport(ERROR,
			(errcode(ERRCODE_LEM_SHORT_HISTORY),
			 errmsg("too little to train on: %d series with %lld bars have %zu starts of orders for "
					"training and %zu for validation", t->data.n_series,
					(long long) t->data.bars, set->n_train, set->n_valid),
			 fault->status == LEM_SHORT_HISTORY ?
			 errdetail("A start needs %s bars of history and the %d bars that the order may use; "
					   "those for validation also lie %d bars behind the others.",
					   lem_number_text(fault->want), t->config.n_ahead, t->config.n_ahead) :
			 errdetail("A start needs the bars of its history and the %d bars that the order may "
					   "use, without gaps that the config does not allow.", t->config.n_ahead),
			 errhint("Select more bars, or lower lookback or norm_window.")));
}

/* The bars of the query, and where imaginary orders can start in them. */
static void
read_data(training *t)
{
	lem_run    *run = &t->run;
	const lem_stop stop = {interrupt_asked, NULL};
	uint8		digest[LEM_DIGEST_LENGTH];
	lem_start  *starts;
	lem_real   *rows;
	double	   *scratch;
	lem_status	status;
	int			failed = 0;
	lem_fault	fault;

	lem_train_data_read(run->query, t->config.extra_features, (Size) lem_training_memory * 1024,
						&t->data);
	commit();
	memcpy(digest, run->data_digest, LEM_DIGEST_LENGTH);
	memcpy(run->data_digest, t->data.digest, LEM_DIGEST_LENGTH);
	if (run->id != 0 && memcmp(digest, t->data.digest, LEM_DIGEST_LENGTH) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("training run %lld of model \"%s\" cannot be resumed with other bars",
						(long long) run->id, run->model),
				 errdetail("The query returned %d series with %lld bars, but not those that the run "
						   "began with.", t->data.n_series, (long long) t->data.bars),
				 errhint("Select the bars up to the time at which the run began, or leave out the "
						 "option resume to begin a new training.")));

	t->clock = lem_zone_clock(t->time_zone);
	t->dataset = (lem_dataset) {
		.config = &t->config,
		.clock = &t->clock,
		.n_series = t->data.n_series,
		.series = t->data.series
	};
	starts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(lem_start)
									* (lem_dataset_capacity(&t->config, t->data.n_series,
															t->data.series) + 1));
	rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(lem_real)
								  * lem_rows(&t->config) * lem_inputs(&t->config));
	scratch = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double)
									 * lem_dataset_scratch(&t->config, t->data.n_series,
														   t->data.series));
	do
	{
		CHECK_FOR_INTERRUPTS();
		memset(&fault, 0, sizeof(fault));
		status = lem_dataset_fill(&t->dataset, t->settings.core.validation, scratch, rows, starts,
								  &stop, &failed, &fault);
	} while (status == LEM_STOPPED);
	lem_pg_check(status, &fault);
	if (t->dataset.n_train == 0 || t->dataset.n_valid == 0)
		raise_too_little(t, &fault);
}

static void
require_memory(const training *t, Size bytes)
{
	if (bytes > (Size) lem_training_memory * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_MODEL_TOO_LARGE),
				 errmsg("training needs %zu kB of memory, but lem.training_memory is %d kB",
						(bytes + 1023) / 1024, lem_training_memory),
				 errdetail("That is for %lld parameters, %d gradients of them, %lld bars and %d "
						   "process%s.",
						   (long long) lem_parameter_count(&t->config, false),
						   lem_train_shards(&t->settings.core), (long long) t->data.bars,
						   Max(t->settings.workers, 1), t->settings.workers > 1 ? "es" : ""),
				 errhint("Raise lem.training_memory, or lower the options batch / shard or workers, "
						 "or the model's sizes.")));
}

/*
 * Hold what the training needs against the limit, before it is allocated as far as can be: what
 * decoded models and workspaces take is known once there is a model.
 */
static void
check_memory(training *t, const lem_train_head *head)
{
	const lem_config *config = &t->config;
	const Size	processes = Max(t->settings.workers, 1);
	const Size	numbers = lem_parameter_count(config, false) * sizeof(lem_real);
	const Size	block = lem_train_block_bytes(head, t->data.series);
	const Size	known = block + numbers + processes * lem_train_model_bytes(config);
	MemoryContext context;
	MemoryContext old;
	lem_train_member probe;
	Size		workspace;

	require_memory(t, known);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem training probe",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	t->numbers.config = config;
	lem_train_model_create(&probe, config, lem_train_parts(config));
	workspace = lem_train_workspace(&probe.model, &t->dataset, &t->settings.core);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	require_memory(t, known + processes * workspace);
}

/* Weights to begin with, into the block. */
static void
begin_weights(training *t)
{
	const lem_run *run = &t->run;
	lem_real  **weights = t->numbers.weights;

	if (run->state.epoch > 0)
	{
		lem_run_load(run, &t->numbers);
		if (!run->best_stored)
			lem_train_parts_copy(&t->config, t->numbers.best, weights);
	}
	else if (run->from_model)
	{
		for (int p = 0; p < lem_part_count(&t->config); p++)
		{
			float	   *part = lem_catalog_part(run->schema, &t->from, p);

			memcpy(weights[p], part, lem_part_size(&t->config, p) * sizeof(lem_real));
			pfree(part);
		}
	}
	else
		lem_initial_weights(&t->config, t->settings.core.seed, weights);
}

/* The run's row: from here on others see it, and it can be resumed. */
static void
begin_run(training *t)
{
	if (t->run.id == 0)
		lem_run_insert(&t->run, &t->data, &t->dataset, (int64) t->settings.core.seed);
	else
		lem_run_restart(&t->run);
}

static void
save_workers(training *t)
{
	lem_run_workers(&t->run, t->processes);
}

/* Everything that computing takes; the bars move into the block. */
static void
begin_computing(training *t)
{
	lem_train_head head;
	lem_train_view *view;

	lem_train_head_init(&head, &t->config, pg_get_timezone_name(t->time_zone), &t->settings.core,
						&t->data, &t->dataset);
	check_memory(t, &head);
	guarded(begin_run, t);
	commit();
	t->begun = true;

	t->team = lem_train_team_create(lem_train_block_bytes(&head, t->data.series),
									t->settings.workers);
	lem_train_block_fill(lem_train_team_memory(t->team), &head, &t->data, &t->dataset);
	MemoryContextDelete(t->data_context);
	view = lem_train_block_view(lem_train_team_memory(t->team));
	t->numbers = (lem_run_numbers) {
		.config = &t->config,
		.weights = view->weights,
		.m = view->m,
		.v = view->v,
		.best = lem_train_parts(&t->config)
	};
	guarded(begin_weights, t);
	commit();
	t->member = lem_train_member_create(view);
	t->dataset = t->member->dataset;
	t->processes = lem_train_team_start(t->team, t->member, t->run.model);
	guarded(save_workers, t);
	commit();
}

/* Take note that numbers are not finite any more. */
static bool
check_finite(training *t, double x, const char *what, int64 step)
{
	if (isfinite(x))
		return true;
	t->diverged = psprintf("%s is %s in epoch %d, step %lld", what, lem_number_text(x),
						   t->run.state.epoch + 1, (long long) step);
	return false;
}

/* One step of the optimiser; false if the training diverges. */
static bool
train_step(training *t, int64 step, double *loss)
{
	lem_train_view *view = t->member->view;
	lem_train_head *head = view->head;
	const lem_train_options *options = &t->settings.core;
	const int64 ranges = lem_train_ranges(&t->config);
	double		norm;

	head->epoch = t->run.state.epoch;
	head->epoch_step = step;
	lem_train_team_run(t->team, LEM_TASK_GRADIENT, head->shards);
	*loss = 0;
	for (int s = 0; s < head->shards; s++)
		*loss += view->losses[s];
	lem_train_team_run(t->team, LEM_TASK_REDUCE, ranges);
	norm = lem_gradient_norm(&t->config, (const lem_real *const *) view->gradient[0]);
	if (!check_finite(t, *loss, "the loss", step + 1) ||
		!check_finite(t, norm, "the length of the gradient", step + 1))
		return false;

	head->step = ++t->run.state.step;
	head->rate = lem_train_rate(options, &t->run.state, head->step);
	head->scale = options->adam.clip_norm > 0 && norm > options->adam.clip_norm
		? options->adam.clip_norm / norm : 1;
	lem_train_team_run(t->team, LEM_TASK_ADAM, ranges);
	lem_constrain(&t->config, LEM_CURVES_OVER_STEPS, view->weights[0]);
	head->weights_version++;
	return true;
}

/* All weights are finite. */
static bool
check_weights(training *t)
{
	for (int p = 0; p < lem_part_count(&t->config); p++)
	{
		const lem_real *weights = t->numbers.weights[p];
		const int64 n = lem_part_size(&t->config, p);

		for (int64 i = 0; i < n; i++)
			if (!isfinite(weights[i]))
				return check_finite(t, weights[i], "a weight", t->run.state.step);
	}
	return true;
}

/* Judge an epoch; false if the training has diverged. */
static bool
validate(training *t)
{
	lem_train_view *view = t->member->view;
	lem_validation *sums = &t->epoch.validation;

	lem_train_team_run(t->team, LEM_TASK_VALIDATE, view->head->validation_shards);
	memset(sums, 0, sizeof(*sums));
	for (int64 s = 0; s < view->head->validation_shards; s++)
		lem_validation_add(sums, &view->validation[s]);
	return check_finite(t, sums->loss, "the validation loss", t->run.state.step) &&
		check_weights(t);
}

static void
save_epoch(training *t)
{
	lem_run_save(&t->run, &t->numbers, &t->epoch);
}

/* One epoch; false if the training diverges in it. */
static bool
train_epoch(training *t)
{
	const int64 steps = lem_train_steps(&t->dataset, &t->settings.core);
	instr_time	begun;
	double		sum = 0;

	INSTR_TIME_SET_CURRENT(begun);
	memset(&t->epoch, 0, sizeof(t->epoch));
	for (int64 step = 0; step < steps; step++)
	{
		double		loss;

		if (!train_step(t, step, &loss))
			return false;
		sum += loss;
		show_progress(t, step + 1, steps, sum / (double) (step + 1));
	}
	t->epoch.train_loss = sum / (double) steps;
	t->epoch.rate = t->member->view->head->rate;
	t->epoch.samples = steps * t->settings.core.batch;
	t->epoch.train_seconds = seconds_since(begun);
	if (!validate(t))
		return false;
	t->epoch.seconds = seconds_since(begun);
	if (lem_train_epoch_end(&t->settings.core, &t->run.state,
							t->epoch.validation.loss / (double) t->epoch.validation.samples))
		lem_train_parts_copy(&t->config, t->numbers.best, t->numbers.weights);
	guarded(save_epoch, t);
	commit();
	return true;
}

static void
part_of_best(void *arg, int part, float *out)
{
	const training *t = arg;

	memcpy(out, t->numbers.best[part], lem_part_size(&t->config, part) * sizeof(float));
}

/* Whether the new version is the one that the name means, where an option says so. */
static void
set_deployed(const training *t)
{
	const char *schema = quote_identifier(t->run.schema);
	Oid			types[] = {TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(t->run.model), Int32GetDatum(t->version)};
	int			result = 0;

	if (t->settings.deploy == LEM_DEPLOY_ALWAYS)
		result = SPI_execute_with_args(psprintf("SELECT %s.lem_deploy($1, $2)", schema), 2, types,
									   values, NULL, false, 0);
	else if (t->settings.deploy == LEM_DEPLOY_NEVER)
		result = SPI_execute_with_args(psprintf("UPDATE %s.lem_model SET deployed = false"
												" WHERE name OPERATOR(pg_catalog.=) $1"
												" AND version OPERATOR(pg_catalog.=) $2"
												" AND deployed", schema),
									   2, types, values, NULL, false, 0);
	if (result < 0)
		elog(ERROR, "could not deploy: %s", SPI_result_code_string(result));
}

/* The best epoch becomes a version of the model. */
static void
finish_run(training *t)
{
	lem_run    *run = &t->run;

	t->version = lem_models_store(run->schema, run->model, &t->config, t->time_zone, part_of_best,
								  t, run->id, lem_run_metrics(run));
	set_deployed(t);
	lem_run_finish(run, t->diverged ? "diverged" : "finished", t->diverged, t->version);
}

static void
tell_end(const training *t)
{
	const lem_train_state *state = &t->run.state;

	if (t->diverged)
		ereport(WARNING,
				(errmsg("the training diverged: %s", t->diverged),
				 errdetail("Model \"%s@%d\" is that of epoch %d, the best one before.",
						   t->run.model, t->version, state->best_epoch),
				 errhint("Lower the option rate, or set clip_norm.")));
	ereport(NOTICE,
			(errmsg("model \"%s@%d\" stored: epoch %d of %d, validation loss %.6f", t->run.model,
					t->version, state->best_epoch, state->epoch, state->best_loss)));
}

static void
train(training *t)
{
	while (t->diverged == NULL && !lem_train_done(&t->settings.core, &t->run.state))
		if (!train_epoch(t))
			break;
	lem_train_team_stop(t->team, true);
	if (t->diverged && t->run.state.best_epoch == 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_NOT_FINITE),
				 errmsg("the training of model \"%s\" diverged: %s", t->run.model, t->diverged),
				 errdetail("No epoch was completed, and no model is stored."),
				 errhint("Look for extreme numbers among the bars, lower the option rate, or set "
						 "clip_norm.")));
	guarded(finish_run, t);
	commit();
	lem_run_unlock(&t->run);
	tell_end(t);
}

/* Take note of the error that ends the run, in a transaction of its own. */
static void
record_failure(training *t, const ErrorData *error)
{
	const char *status = error->sqlerrcode == ERRCODE_QUERY_CANCELED ? "cancelled" : "failed";
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		SPI_rollback();
		SPI_start_transaction();

		/* The locks went with the transaction; the run may be another session's already. */
		if (lem_run_try_lock(&t->run))
		{
			if (t->diverged)
				lem_run_finish(&t->run, "diverged", error->message, 0);
			else
				lem_run_fail(&t->run, status, error->message);
			commit();
			lem_run_unlock(&t->run);
		}
	}
	PG_CATCH();
	{
		/* The error to be told is the one before. */
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

/* From the arguments to the stored model, or an error that is in the run's row. */
static void
run_training(training *t, Jsonb *config, Jsonb *options)
{
	read_arguments(t, config, options);
	t->data_context = AllocSetContextCreate(t->context, "lem training data",
											ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(t->data_context);
	read_data(t);
	MemoryContextSwitchTo(t->context);
	begin_computing(t);
	train(t);
}

static void
require_argument(bool is_null, const char *what)
{
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", what)));
}

static Jsonb *
object_argument(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	return PG_GETARG_JSONB_P_COPY(i);
}

/*
 * lem_train(model text, bars text, config jsonb DEFAULT '{}', options jsonb DEFAULT '{}')
 *
 * Trains a model on the bars that a query returns (columns series, ts, price, volume, and features
 * where the config has extra_features) and stores it as a new version.  NULL config or options: {}.
 * Commits, so it must not be called within a transaction block.
 */
LEM_FUNCTION(pg_lem_train);

Datum
pg_lem_train(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	training   *t;
	char	   *model;
	Jsonb	   *config;
	Jsonb	   *options;

	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("lem_train cannot run inside a transaction block"),
				 errhint("Call it on its own: it commits after each epoch.")));
	PreventCommandIfReadOnly("lem_train()");
	require_argument(PG_ARGISNULL(0), "model");
	require_argument(PG_ARGISNULL(1), "bars");

	/* Lives as long as the CALL, whatever transactions come and go. */
	context = AllocSetContextCreate(PortalContext, "lem training", ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	t = palloc0(sizeof(training));
	t->context = context;
	t->run.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	config = object_argument(fcinfo, 2);
	options = object_argument(fcinfo, 3);
	model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_models_check_name(model);
	lem_run_open(&t->run, lem_schema(fcinfo), model);

	PG_TRY();
	{
		run_training(t, config, options);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (t->team)
			lem_train_team_stop(t->team, false);
		if (t->begun)
			record_failure(t, error);
		ReThrowError(error);
	}
	PG_END_TRY();

	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

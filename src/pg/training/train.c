/*
 * train.c: lem_train, the procedure that trains a model.
 *
 * It prepares in one transaction and commits a row for the run; then every epoch is computed
 * without a snapshot and saved in a transaction of its own.  Whatever ends it, what it takes to go
 * on from the last epoch is in the tables.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"

#include "core/training/shrink.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/models.h"
#include "pg/catalog/rights.h"
#include "pg/training/distill_options.h"
#include "pg/training/train_prepare.h"

/* Least time between two messages, and between two titles of the process, in milliseconds. */
#define MESSAGE_MS 1000
#define TITLE_MS 200

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
show_progress(lem_training *t, int64 step, int64 steps, double loss)
{
	const int	epoch = t->run.state.epoch + 1;

	lem_progress_done(&t->progress, step);
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

/* Take note that numbers are not finite any more. */
static bool
check_finite(lem_training *t, double x, const char *what, int64 step)
{
	if (isfinite(x))
		return true;
	t->diverged = psprintf("%s is %s in epoch %d, step %lld", what, lem_number_text(x),
						   t->run.state.epoch + 1, (long long) step);
	return false;
}

/* All passes over a group of samples. */
static void
run_group(lem_training *t, int64 group, bool validating)
{
	lem_train_head *head = t->member->view->head;
	const lem_train_job job = {
		.dataset = &t->dataset,
		.options = &t->settings.core,
		.validating = validating,
		.group = group
	};
	const int	slots = lem_train_slots(&job);

	head->validating = validating;
	head->group = group;
	if (t->config.shared_heads)
	{
		lem_train_team_run(t->team, LEM_TASK_WHOLE, slots);
		return;
	}
	lem_train_team_run(t->team, LEM_TASK_TRUNK, slots);
	lem_train_team_run(t->team, LEM_TASK_HEADS, lem_train_head_pieces(&t->config, slots));
	if (!validating)
		lem_train_team_run(t->team, LEM_TASK_TRUNK_BACK, slots);
}

/* One step of the optimiser; false if the training diverges. */
static bool
train_step(lem_training *t, int64 step)
{
	lem_train_view *view = t->member->view;
	lem_train_head *head = view->head;
	const lem_train_options *options = &t->settings.core;
	const int64 groups = lem_train_groups(options);
	const int64 ranges = lem_train_ranges(&t->config, lem_part_count(&t->config));

	head->epoch = t->run.state.epoch;
	head->epoch_step = step;
	for (int64 group = 0; group < groups; group++)
	{
		run_group(t, group, false);
		if (group + 1 < groups)
			lem_train_team_run(t->team, LEM_TASK_REDUCE,
							   lem_train_ranges(&t->config,
												lem_train_sharded_parts(&t->config)));
	}
	lem_train_team_run(t->team, LEM_TASK_SQUARES, ranges);
	if (!lem_train_step_begin(options, &t->run.state, lem_train_tallies(head), view->losses,
							  ranges, view->squares, &head->step))
		return check_finite(t, head->step.loss, "the loss", step + 1) &&
			check_finite(t, head->step.norm, "the length of the gradient", step + 1);
	lem_train_team_run(t->team, LEM_TASK_ADAM, ranges);
	lem_train_step_end(&t->config, view->weights[0]);
	if (view->average)
		lem_train_step_end(&t->config, view->average[0]);
	head->weights_version++;
	return true;
}

/* All weights are finite. */
static bool
check_weights(lem_training *t)
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

/* All groups of validation, of passes times as many, and what they come to. */
static void
run_validation(lem_training *t, int epoch, int pass, int passes, lem_validation *sums)
{
	lem_train_view *view = t->member->view;
	const int64 groups = lem_validation_groups(&t->dataset, &t->settings.core);

	if (pass == 0)
		lem_progress_enter(&t->progress, LEM_PHASE_VALIDATING, epoch, groups * passes);
	for (int64 group = 0; group < groups; group++)
	{
		run_group(t, group, true);
		lem_progress_done(&t->progress, groups * pass + group + 1);
	}
	memset(sums, 0, sizeof(*sums));
	for (int i = 0; i < lem_train_tallies(view->head); i++)
		lem_validation_add(sums, &view->validation[i]);
}

/* Judge an epoch; false if the training has diverged. */
static bool
validate(lem_training *t)
{
	lem_validation *sums = &t->epoch.validation;

	run_validation(t, t->run.state.epoch + 1, 0, 1, sums);
	return check_finite(t, sums->loss, "the validation loss", t->run.state.step) &&
		check_weights(t);
}

static void
save_epoch(lem_training *t)
{
	lem_run_save(&t->run, &t->numbers, &t->epoch);
}

/* One epoch; false if the training diverges in it. */
static bool
train_epoch(lem_training *t)
{
	const int64 steps = lem_train_steps(&t->dataset, &t->settings.core);
	instr_time	begun;
	double		sum = 0;

	INSTR_TIME_SET_CURRENT(begun);
	memset(&t->epoch, 0, sizeof(t->epoch));
	lem_progress_enter(&t->progress, LEM_PHASE_LEARNING, t->run.state.epoch + 1, steps);
	for (int64 step = 0; step < steps; step++)
	{
		if (!train_step(t, step))
			return false;
		sum += t->member->view->head->step.loss;
		show_progress(t, step + 1, steps, sum / (double) (step + 1));
	}
	t->epoch.train_loss = sum / (double) steps;
	t->epoch.rate = t->member->view->head->step.rate;
	t->epoch.samples = steps * t->settings.core.batch;
	t->epoch.train_seconds = seconds_since(begun);
	if (!validate(t))
		return false;
	t->epoch.seconds = seconds_since(begun);
	if (lem_train_epoch_end(&t->settings.core, &t->run.state,
							t->epoch.validation.loss / (double) t->epoch.validation.samples))
		lem_train_parts_copy(&t->config, t->numbers.best,
							 t->numbers.average ? t->numbers.average : t->numbers.weights);
	lem_progress_enter(&t->progress, LEM_PHASE_SAVING, t->run.state.epoch, 0);
	lem_training_guarded(save_epoch, t);
	lem_training_commit();
	return true;
}

/*
 * Shrink the best epoch's outputs (shrink.h): validated from where an epoch's weights are validated from,
 * which nobody needs any more.
 */
static void
shrink(lem_training *t)
{
	lem_train_view *view = t->member->view;
	lem_real  **judged = view->average ? view->average : view->weights;
	lem_shrink_trial *trial = palloc(LEM_SHRINK_FACTORS * sizeof(lem_shrink_trial));
	double		factor[LEM_POLICY_OUTPUTS];
	lem_validation sums;

	lem_train_parts_copy(&t->config, judged, t->numbers.best);
	for (int i = 0; i < LEM_SHRINK_FACTORS; i++)
	{
		for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
			factor[o] = lem_shrink_factor(i);
		lem_shrink_outputs(&t->config, factor, t->numbers.best[1], judged[1]);
		view->head->weights_version++;
		run_validation(t, t->run.state.best_epoch, i, LEM_SHRINK_FACTORS, &sums);
		lem_shrink_try(&sums, &trial[i]);
	}
	t->final_loss = lem_shrink_choose(trial, factor);
	pfree(trial);
	lem_shrink_outputs(&t->config, factor, t->numbers.best[1], t->numbers.best[1]);
	t->own_metrics = psprintf("{\"shrink\": {\"vwap\": %s, \"twap\": %s, \"track_vwap\": %s, "
							  "\"track_twap\": %s}, \"validation_loss\": %s}",
							  lem_number_text(factor[0]), lem_number_text(factor[1]),
							  lem_number_text(factor[2]), lem_number_text(factor[3]),
							  lem_number_text(t->final_loss));
}

static void
part_of_best(void *arg, int part, float *out)
{
	const lem_training *t = arg;

	memcpy(out, t->numbers.best[part], lem_part_size(&t->config, part) * sizeof(float));
}

/* Whether the new version is the one that the name means, where an option says so. */
static void
set_deployed(const lem_training *t)
{
	if (t->settings.deploy == LEM_DEPLOY_ALWAYS)
		lem_models_deploy(t->run.schema, t->run.model, t->version);
	else if (t->settings.deploy == LEM_DEPLOY_NEVER)
		lem_models_undeploy(t->run.schema, t->run.model, t->version);
}

/* The best epoch becomes a version of the model. */
static void
finish_run(lem_training *t)
{
	lem_run    *run = &t->run;

	t->version = lem_models_store(run->schema, run->model, &t->config, t->time_zone, part_of_best,
								  t, run->id, lem_run_metrics(run, t->lengths, t->own_metrics), NULL);
	set_deployed(t);
	lem_run_finish(run, t->diverged ? "diverged" : "finished", t->diverged, t->version);
}

static void
tell_end(const lem_training *t)
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
					t->version, state->best_epoch, state->epoch, t->final_loss)));
}

static void
train(lem_training *t)
{
	while (t->diverged == NULL && !lem_train_done(&t->settings.core, &t->run.state))
		if (!train_epoch(t))
			break;
	t->final_loss = t->run.state.best_loss;
	if (t->settings.core.shrink && t->run.state.best_epoch > 0)
		shrink(t);
	lem_train_team_stop(t->team, true);
	if (t->diverged && t->run.state.best_epoch == 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_NOT_FINITE),
				 errmsg("the training of model \"%s\" diverged: %s", t->run.model, t->diverged),
				 errdetail("No epoch was completed, and no model is stored."),
				 errhint("Look for extreme numbers among the bars, lower the option rate, or set "
						 "clip_norm.")));
	lem_training_guarded(finish_run, t);
	lem_training_commit();
	lem_run_unlock(&t->run);
	tell_end(t);
}

/* Take note of the error that ends the run, in a transaction of its own. */
static void
record_failure(lem_training *t, const ErrorData *error)
{
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
				lem_run_fail(&t->run,
							 error->sqlerrcode == ERRCODE_QUERY_CANCELED ? "cancelled" : "failed",
							 error->message);
			lem_training_commit();
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

static Jsonb *
object_argument(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	return PG_GETARG_JSONB_P_COPY(i);
}

static JsonbValue *
find_key(Jsonb *json, const char *key)
{
	return JB_ROOT_IS_OBJECT(json) ?
		getKeyJsonValueFromContainer(&json->root, key, strlen(key), NULL) : NULL;
}

/*
 * The config and options of market making: what is left out has defaults of its own, unless a run is
 * resumed that has them already.
 */
static void
maker_arguments(Jsonb **config, Jsonb **options)
{
	const JsonbValue *resume = find_key(*options, "resume");
	const bool	resumed = resume && resume->type == jbvBool && resume->val.boolean;

	if (!JB_ROOT_IS_OBJECT(*config) || !JB_ROOT_IS_OBJECT(*options))
		return;					/* an error soon */
	*config = lem_maker_config(*config, resumed ? "{}" : lem_maker_config_defaults());
	if (!resumed)
		*options = lem_json_over("{\"rates\": [[0, 1]], \"mask_epochs\": 0}", *options);
}

/* A call of lem_train or lem_train_maker. */
static void
train_call(FunctionCallInfo fcinfo, bool making)
{
	const char *name = making ? "lem_train_maker" : "lem_train";
	MemoryContext context;
	MemoryContext old;
	lem_training *t;
	char	   *model;
	Jsonb	   *config;
	Jsonb	   *options;

	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run inside a transaction block", name),
				 errhint("Call it on its own: it commits after each epoch.")));
	PreventCommandIfReadOnly(making ? "lem_train_maker()" : "lem_train()");
	lem_refuse_null(PG_ARGISNULL(0), "model");
	lem_refuse_null(PG_ARGISNULL(1), making ? "query" : "bars");

	/* Lives as long as the CALL, whatever transactions come and go. */
	context = AllocSetContextCreate(PortalContext, "lem training", ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	t = palloc0(sizeof(lem_training));
	t->context = context;
	t->making = making;
	t->run.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	config = object_argument(fcinfo, 2);
	options = object_argument(fcinfo, 3);
	if (making)
		maker_arguments(&config, &options);
	model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	lem_models_check_name(model);
	lem_run_open(&t->run, lem_schema(fcinfo), model);

	PG_TRY();
	{
		lem_training_read(t, config, options);
		lem_progress_begin(&t->progress, LEM_PROGRESS_TRAINING, 0);
		lem_progress_enter(&t->progress, LEM_PHASE_READING, 0, 0);
		lem_training_begin(t);
		t->progress.object = t->run.id;
		train(t);
		lem_progress_end(&t->progress);
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
}

/*
 * lem_train(model text, bars text, config jsonb DEFAULT '{}', options jsonb DEFAULT '{}')
 *
 * Trains a model on the bars that a query returns (columns series, ts, price, volume, and features
 * where the config has extra_features) and stores it as a new version.  NULL config or options
 * are {}.  Commits, so it must not be called within a transaction block.
 */
LEM_FUNCTION(pg_lem_train);

Datum
pg_lem_train(PG_FUNCTION_ARGS)
{
	train_call(fcinfo, false);
	PG_RETURN_VOID();
}

/*
 * lem_train_maker(model text, query text, config jsonb DEFAULT '{}', options jsonb DEFAULT '{}')
 *
 * Trains a model of market making likewise, on the book bars that a query returns (book_rows.h).
 */
LEM_FUNCTION(pg_lem_train_maker);

Datum
pg_lem_train_maker(PG_FUNCTION_ARGS)
{
	train_call(fcinfo, true);
	PG_RETURN_VOID();
}

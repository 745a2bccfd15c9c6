/* train_prepare.c: getting a training ready to compute. */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "core/market/gaps.h"
#include "core/market/outlook.h"
#include "core/parameters/initial.h"
#include "pg/bars/doubts.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/rights.h"
#include "pg/training/train_prepare.h"

int			lem_training_memory = 2 * 1024 * 1024;

void
lem_training_commit(void)
{
	SPI_commit();
	SPI_start_transaction();
}

void
lem_training_guarded(void (*work) (lem_training *), lem_training *t)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext work_context = AllocSetContextCreate(context, "lem training record",
													   ALLOCSET_DEFAULT_SIZES);

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(work_context);
	PG_TRY();
	{
		work(t);
		ReleaseCurrentSubTransaction();
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
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	MemoryContextDelete(work_context);
}

/* One object, with the keys of another added or in their place. */
static Jsonb *
overlay(Jsonb *under, Jsonb *over)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(under),
											  JsonbPGetDatum(over)));
}

static void
require_same(const lem_training *t, const char *what, Jsonb *had, Jsonb *given)
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
read_resumed(lem_training *t, Jsonb *config, Jsonb *options)
{
	lem_run    *run = &t->run;
	Jsonb	   *had_config;
	Jsonb	   *had_options;

	lem_run_find(run);

	/* Complete: an earlier version of lem may not have known every key. */
	lem_config_read_stored(run->config, &t->config, &t->time_zone);
	had_config = lem_config_write(&t->config, t->time_zone);
	lem_train_settings_read(run->options, &t->config, &t->settings);
	had_options = lem_train_settings_write(&t->settings);
	lem_config_read(overlay(had_config, config), &t->config, &t->time_zone);
	run->config = lem_config_write(&t->config, t->time_zone);
	require_same(t, "config", had_config, run->config);
	lem_train_settings_read(lem_train_settings_resume(had_options, options), &t->config,
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
read_init_from(lem_training *t, Jsonb *config)
{
	lem_run    *run = &t->run;

	lem_rights_find_for(run->schema, GetUserId(), LEM_RIGHT_READ, t->settings.init_from, &t->from);
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
	const lem_training *t = arg;
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
read_new(lem_training *t, Jsonb *config, Jsonb *options)
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
		lem_train_settings_read(options, &t->config, &t->settings);
		t->settings.init_from = from;
	}
	else
		lem_train_settings_read(options, &t->config, &t->settings);
	t->run.config = lem_config_write(&t->config, t->time_zone);
	t->run.options = lem_train_settings_write(&t->settings);
}

/* Name, lock, config and options; what is wrong with them is found before any bar is read. */
static void
read_arguments(lem_training *t, Jsonb *config, Jsonb *options)
{
	lem_config	defaults;

	require_object(config, "a model's config");
	require_object(options, "the options of a training");
	lem_config_default(&defaults);
	lem_train_settings_read(options, &defaults, &t->settings);
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
	lem_train_settings_fit(&t->settings, &t->config);
}

static void
raise_too_little(const lem_training *t, const lem_fault *fault)
{
	const lem_dataset *set = &t->dataset;
	const int	reach = lem_reach(&t->config);
	const char *uses = t->making ? "the forecast is of" : "the order may use";

	ereport(ERROR,
			(errcode(ERRCODE_LEM_SHORT_HISTORY),
			 errmsg("too little to train on: %d series with %lld bars have %zu starts of %s for "
					"training and %zu for validation", t->data.n_series,
					(long long) t->data.bars, set->n_train,
					t->making ? "forecasts" : "orders", set->n_valid),
			 fault->status == LEM_SHORT_HISTORY ?
			 errdetail("A start needs %s bars of history and the %d bars that %s; those for "
					   "validation also lie %d bars behind the others.",
					   lem_number_text(fault->want), reach, uses, reach) :
			 errdetail("A start needs the bars of its history and the %d bars that %s, without "
					   "gaps that the config does not allow.", reach, uses),
			 errhint("Select more bars, or lower lookback or norm_window.")));
}

/* Does the model look at closes, or will it, should the bars of a new run have them? */
static bool
wants_closes(const lem_training *t)
{
	return t->config.stop_base ||
		lem_config_has_feature(&t->config, LEM_FEATURE_CLOSE_OFFSET) ||
		lem_config_has_feature(&t->config, LEM_FEATURE_RANGE) ||
		(t->run.id == 0 && !t->run.from_model &&
		 t->config.feature_set == LEM_FEATURES_DEFAULT);
}

/* The default features of a new model take closes, highs and lows where all bars have them. */
static void
take_closes(lem_training *t)
{
	lem_config	config = t->config;
	bool		closes = true;
	bool		ranges = true;

	if (t->run.id != 0 || t->run.from_model || config.feature_set != LEM_FEATURES_DEFAULT)
		return;
	for (int s = 0; s < t->data.n_series; s++)
	{
		closes = closes && t->data.series[s].close;
		ranges = ranges && t->data.series[s].high;
	}
	if (!closes)
		return;
	lem_config_features_of(&config, ranges);
	if (lem_parameters_check(&config, NULL) != LEM_OK)
		return;
	t->config = config;
	t->run.config = lem_config_write(&t->config, t->time_zone);
}

/* The bars of the query, and where imaginary orders can start in them. */
static void
read_data(lem_training *t)
{
	lem_run    *run = &t->run;
	uint8		digest[LEM_DIGEST_LENGTH];
	lem_start  *starts;
	lem_real   *rows;
	double	   *scratch;
	lem_status	status;
	int			failed = 0;
	lem_fault	fault;

	t->clock = lem_config_clock(t->run.schema, &t->config, t->time_zone);
	if (t->making)
		lem_train_data_read_book(run->query, t->config.extra_features, t->config.quoted,
								 &t->clock, t->config.horizon, (Size) lem_training_memory * 1024,
								 &t->data);
	else
	{
		lem_train_data_read(run->query, t->config.extra_features, wants_closes(t),
							(Size) lem_training_memory * 1024, &t->data);
		take_closes(t);
		for (int i = 0; i < t->data.n_series; i++)
			lem_warn_of_bars(t->data.names[i], &t->data.series[i], 0, true,
							 (lem_bar_lengths) {0});
	}
	for (int i = 0; i < t->data.n_series; i++)
		t->lengths = lem_bar_lengths_with(t->lengths, &t->data.series[i]);
	lem_training_commit();
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
								  &lem_interrupt_stop, &failed, &fault);
	} while (status == LEM_STOPPED);
	lem_pg_check(status, &fault);
	if (t->dataset.n_train == 0 || t->dataset.n_valid == 0)
		raise_too_little(t, &fault);
}

/* Models of the two kinds are trained on different bars. */
static void
check_kind(const lem_training *t)
{
	if (!t->making && t->config.horizon > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the config has a \"horizon\": it is one of market making"),
				 errhint("Train it with lem_train_maker.")));
	if (t->config.mixture != LEM_MIXTURE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the config has a \"mixture\": it is one of students"),
				 errhint("Train them with lem_distill.")));
	if (t->making && (t->config.horizon == 0 || t->config.extra_features < LEM_MAKER_INPUTS))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the config is not one of market making"),
				 errdetail("It has a \"horizon\" of at least 1, and %d \"extra_features\" before "
						   "the bars' own.", LEM_MAKER_INPUTS)));
}

void
lem_training_read(lem_training *t, Jsonb *config, Jsonb *options)
{
	MemoryContext old;

	read_arguments(t, config, options);
	check_kind(t);
	t->data_context = AllocSetContextCreate(t->context, "lem training data",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(t->data_context);
	read_data(t);
	MemoryContextSwitchTo(old);
}

static void
require_memory(const lem_training *t, Size bytes)
{
	if (bytes > (Size) lem_training_memory * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_MODEL_TOO_LARGE),
				 errmsg("training needs %zu kB of memory, but lem.training_memory is %d kB",
						(bytes + 1023) / 1024, lem_training_memory),
				 errdetail("That is for %lld parameters, %d shards of %d samples at a time, %lld bars "
						   "and %d process%s.",
						   (long long) lem_parameter_count(&t->config, false),
						   lem_train_group_shards(&t->settings.core), t->settings.core.shard,
						   (long long) t->data.bars,
						   Max(t->settings.workers, 1), t->settings.workers > 1 ? "es" : ""),
				 errhint("Raise lem.training_memory, or lower the options shard or workers, "
						 "or the model's sizes.")));
}

/*
 * Hold what the training needs against the limit, before it is allocated as far as can be: what
 * the passes take is known once there is a trunk.
 */
static void
check_memory(lem_training *t, const lem_train_head *head)
{
	const lem_config *config = &t->config;
	const int	processes = Max(t->settings.workers, 1);
	const Size	numbers = lem_parameter_count(config, false) * sizeof(lem_real);
	const Size	known = lem_train_block_bytes(head, t->data.series) + numbers
		+ lem_train_models_bytes(config, processes);

	require_memory(t, known);
	t->numbers.config = config;
	require_memory(t, known + lem_train_passes_bytes(head, &t->dataset, processes));
}

/* Weights to begin with, into the block. */
static void
begin_weights(lem_training *t)
{
	const lem_run *run = &t->run;
	lem_real  **weights = t->numbers.weights;

	if (run->state.epoch > 0)
	{
		lem_run_load(run, &t->numbers);
		if (!run->best_stored)
			lem_train_parts_copy(&t->config, t->numbers.best,
								 t->numbers.average ? t->numbers.average : weights);
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
begin_run(lem_training *t)
{
	if (t->run.id == 0)
		lem_run_insert(&t->run, &t->data, &t->dataset, (int64) t->settings.core.seed);
	else
		lem_run_restart(&t->run);
}

static void
save_workers(lem_training *t)
{
	lem_run_workers(&t->run, t->processes);
}

void
lem_training_begin(lem_training *t)
{
	lem_train_head head;
	lem_train_view *view;

	lem_train_head_init(&head, &t->config, pg_get_timezone_name(t->time_zone), &t->settings.core,
						&t->data, &t->dataset);
	strlcpy(head.schema, t->run.schema, sizeof(head.schema));
	check_memory(t, &head);
	lem_training_guarded(begin_run, t);
	lem_training_commit();
	t->begun = true;

	t->team = lem_train_team_create(lem_train_block_bytes(&head, t->data.series),
									t->settings.workers);
	lem_train_block_fill(lem_train_team_memory(t->team), &head, &t->data, &t->dataset);
	lem_train_block_solve(lem_train_team_memory(t->team));

	/* The bars have moved into the block. */
	MemoryContextDelete(t->data_context);
	view = lem_train_block_view(lem_train_team_memory(t->team));
	t->numbers = (lem_run_numbers) {
		.config = &t->config,
		.weights = view->weights,
		.m = view->m,
		.v = view->v,
		.average = view->average,
		.best = lem_train_parts(&t->config)
	};
	lem_training_guarded(begin_weights, t);
	lem_training_commit();
	t->member = lem_train_member_create(view);
	t->dataset = t->member->dataset;
	t->processes = lem_train_team_start(t->team, t->member, t->run.model);
	lem_training_guarded(save_workers, t);
	lem_training_commit();
}

/* train_options.c: the options of lem_train from JSON and back. */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/json_read.h"
#include "pg/training/train_options.h"

/* Samples of a shard, at most, where the option is left out. */
#define DEFAULT_SHARD 16

static const char *const objective_words[] = {
	[LEM_OBJECTIVE_SOFTPLUS] = "softplus", [LEM_OBJECTIVE_MEAN] = "mean",
	[LEM_OBJECTIVE_ENTROPIC] = "entropic", NULL
};
static const char *const mask_words[] = {"sharp", "published", NULL};

static void
read_deploy(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_train_settings *settings = target;

	if (value->type != jbvBool)
		lem_keys_refuse(keys, key->name, value, "true or false");
	settings->deploy = value->val.boolean ? LEM_DEPLOY_ALWAYS : LEM_DEPLOY_NEVER;
}

static void
read_workers(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_train_settings *settings = target;
	int64		number;

	if (!lem_json_integer(value, 0, LEM_TRAIN_MAX_WORKERS, &number))
		lem_keys_refuse(keys, key->name, value,
						psprintf("a number of processes from 0 to %d", LEM_TRAIN_MAX_WORKERS));
	settings->workers = (int) number;
}

/* Keys are read in the order of their length: mask comes before the options that it sets. */
static void
read_mask(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_train_settings *settings = target;
	lem_loss_options *loss = &settings->core.loss;

	if (lem_keys_word(keys, key->name, value, mask_words) == 0)
	{
		loss->mask_slope = LEM_SHARP_MASK_SLOPE;
		loss->mask_offset = LEM_SHARP_MASK_OFFSET;
		settings->core.mask_start = LEM_SOFT_MASK_SLOPE;
	}
	else
	{
		loss->mask_slope = LEM_PUBLISHED_MASK_SLOPE;
		loss->mask_offset = 0;
		settings->core.mask_start = LEM_PUBLISHED_MASK_SLOPE;
	}
}

static void
read_init_from(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_train_settings *settings = target;

	if (value->type == jbvNull)
		settings->init_from = NULL;
	else if (value->type == jbvString)
		settings->init_from = pnstrdup(value->val.string.val, value->val.string.len);
	else
		lem_keys_refuse(keys, key->name, value, "a model, as name or name@version");
}

/* [[min, max], ...] */
static void
read_rates(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_train_settings *settings = target;
	const char *wanted = psprintf("a list of 1 to %d pairs [min_rate, max_rate]",
								  LEM_MAX_RATE_PAIRS);
	JsonbIterator *it;
	int			n;

	it = lem_json_array(value, &n);
	if (it == NULL || n < 1 || n > LEM_MAX_RATE_PAIRS)
		lem_keys_refuse(keys, key->name, value, wanted);
	settings->core.n_rates = n;
	for (int i = 0; i < n; i++)
	{
		JsonbIterator *pair_it;
		JsonbValue	pair;
		JsonbValue	rate;
		const char *name = psprintf("%s[%d]", key->name, i);
		int			pair_n;

		(void) JsonbIteratorNext(&it, &pair, true);
		pair_it = lem_json_array(&pair, &pair_n);
		if (pair_it == NULL || pair_n != 2)
			lem_keys_refuse(keys, name, &pair, "a pair [min_rate, max_rate]");
		for (int j = 0; j < 2; j++)
		{
			(void) JsonbIteratorNext(&pair_it, &rate, true);
			settings->core.rates[i][j] = lem_keys_number(keys, name, &rate);
		}
	}
}

#define SETTING(name) offsetof(lem_train_settings, name)
#define OPTION(name) offsetof(lem_train_settings, core.name)

static const lem_key option[] = {
	{"epochs", LEM_KEY_INT, .field = OPTION(epochs)},
	{"patience", LEM_KEY_INT, .field = OPTION(patience)},
	{"batch", LEM_KEY_INT, .field = OPTION(batch)},
	{"shard", LEM_KEY_INT, .field = OPTION(shard)},
	{"samples", LEM_KEY_WHOLE, .field = OPTION(samples)},
	{"validation_samples", LEM_KEY_WHOLE, .field = OPTION(validation_samples)},
	{"validation", LEM_KEY_NUMBER, .field = OPTION(validation)},
	{"rate", LEM_KEY_NUMBER, .field = OPTION(adam.rate)},
	{"clip_norm", LEM_KEY_NUMBER, .field = OPTION(adam.clip_norm)},
	{"warmup", LEM_KEY_INT, .field = OPTION(warmup)},
	{"decay", LEM_KEY_NUMBER, .field = OPTION(decay)},
	{"decay_patience", LEM_KEY_INT, .field = OPTION(decay_patience)},
	{"objective", LEM_KEY_WORD, .field = OPTION(loss.objective), .words = objective_words},
	{"risk_aversion", LEM_KEY_NUMBER, .field = OPTION(loss.risk_aversion)},
	{"mask", LEM_KEY_OWN, .read = read_mask},
	{"mask_slope", LEM_KEY_NUMBER, .field = OPTION(loss.mask_slope)},
	{"mask_offset", LEM_KEY_NUMBER, .field = OPTION(loss.mask_offset)},
	{"dropout", LEM_KEY_NUMBER, .field = OPTION(dropout)},
	{"mask_start", LEM_KEY_NUMBER, .field = OPTION(mask_start)},
	{"mask_epochs", LEM_KEY_INT, .field = OPTION(mask_epochs)},
	{"rates", LEM_KEY_OWN, .read = read_rates},
	{"average", LEM_KEY_NUMBER, .field = OPTION(average)},
	{"mirror", LEM_KEY_FLAG, .field = OPTION(mirror)},
	{"shrink", LEM_KEY_FLAG, .field = OPTION(shrink)},
	{"neighbours", LEM_KEY_INT, .field = OPTION(neighbours)},
	{"seed", LEM_KEY_WHOLE, .field = OPTION(seed)},
	{"workers", LEM_KEY_OWN, .read = read_workers},
	{"resume", LEM_KEY_FLAG, .field = SETTING(resume)},
	{"init_from", LEM_KEY_OWN, .read = read_init_from},
	{"deploy", LEM_KEY_OWN, .read = read_deploy},
};

static const lem_keys options = {
	option, lengthof(option), "the options of a training", "option", "options", .nearest = false
};

static void raise_option(const lem_fault *fault) pg_attribute_noreturn();

/* What the core finds wrong with an option. */
static void
raise_option(const lem_fault *fault)
{
	const char *have = lem_number_text(fault->have);
	const char *want = lem_number_text(fault->want);

	if (fault->status == LEM_CONFIG_RANGE && strcmp(fault->name, "rates") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("option \"rates\" has an impossible pair: min_rate %s, max_rate %s", have,
						want),
				 errhint("Rates are shares of an order in one bar: 0 <= min_rate <= max_rate <= 1, "
						 "and max_rate > 0.")));
	if (fault->status == LEM_CONFIG_RANGE && strcmp(fault->name, "shard") == 0 &&
		fault->have >= 1 && fault->have <= fault->want)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("option \"shard\" does not divide the batch: %s of %s", have, want)));
	if (fault->status == LEM_CONFIG_RANGE)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("option \"%s\" is out of range: %s", fault->name, have),
				 errhint("The nearest value that is allowed is %s.", want)));
	lem_pg_raise(fault);
}

static JsonbValue *
get(Jsonb *json, const char *name)
{
	return getKeyJsonValueFromContainer(&json->root, name, strlen(name), NULL);
}

void
lem_train_settings_fit(const lem_train_settings *settings, const lem_config *config)
{
	lem_fault	fault;

	if (lem_train_options_fit(&settings->core, config, &fault) != LEM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("option \"%s\" is for models with \"base\" \"optimal_stop\"", fault.name),
				 errhint("Leave it out, or set the config key.")));
}

void
lem_train_settings_read(Jsonb *json, const lem_config *config, lem_train_settings *settings)
{
	JsonbValue *shard;
	lem_fault	fault;

	memset(settings, 0, sizeof(*settings));
	lem_train_options_default(&settings->core, config->n_ahead);
	settings->policy = config->stop_base;
	if (settings->policy)
		lem_train_options_policy(&settings->core);
	settings->shared = config->shared_trunk;
	if (settings->shared)
		lem_train_options_shared(&settings->core);
	settings->core.shard = 0;
	lem_keys_read(&options, 0, json, settings);
	shard = get(json, "shard");
	if (shard && settings->core.shard == 0)
		lem_keys_refuse(&options, "shard", shard, "a divisor of the batch");

	/* Left out: the largest divisor of the batch that is not larger than usual. */
	if (settings->core.shard == 0)
	{
		int			shard = Max(1, Min(DEFAULT_SHARD, settings->core.batch));

		while (settings->core.batch % shard != 0)
			shard--;
		settings->core.shard = shard;
	}
	if (!lem_json_has(json, "mask_epochs"))
		settings->core.mask_epochs = Max(0, Min(settings->policy ? settings->core.mask_epochs
												: LEM_MASK_EPOCHS, settings->core.epochs / 2));
	if (lem_train_options_check(&settings->core, &fault) != LEM_OK)
		raise_option(&fault);
}

static void
write_rates(StringInfo out, const lem_train_options *options)
{
	for (int i = 0; i < options->n_rates; i++)
		appendStringInfo(out, "%s[%s, %s]", i > 0 ? ", " : "",
						 lem_number_text(options->rates[i][0]),
						 lem_number_text(options->rates[i][1]));
}

Jsonb *
lem_train_settings_write(const lem_train_settings *settings)
{
	const lem_train_options *o = &settings->core;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out,
					 "{\"epochs\": %d, \"patience\": %d, \"batch\": %d, \"shard\": %d, "
					 "\"samples\": " INT64_FORMAT ", \"validation_samples\": " INT64_FORMAT ", "
					 "\"validation\": %s, \"rate\": %s, \"clip_norm\": %s, \"warmup\": %d, "
					 "\"decay\": %s, \"decay_patience\": %d, \"objective\": \"%s\", "
					 "\"risk_aversion\": %s, \"mask_slope\": %s, \"mask_offset\": %s, \"dropout\": %s, "
					 "\"mask_start\": %s, \"mask_epochs\": %d, \"rates\": [",
					 o->epochs, o->patience, o->batch, o->shard, (int64) o->samples,
					 (int64) o->validation_samples, lem_number_text(o->validation),
					 lem_number_text(o->adam.rate), lem_number_text(o->adam.clip_norm), o->warmup,
					 lem_number_text(o->decay), o->decay_patience,
					 objective_words[o->loss.objective],
					 lem_number_text(o->loss.risk_aversion), lem_number_text(o->loss.mask_slope),
					 lem_number_text(o->loss.mask_offset), lem_number_text(o->dropout),
					 lem_number_text(o->mask_start), o->mask_epochs);
	write_rates(&out, o);
	appendStringInfo(&out, "], \"seed\": " INT64_FORMAT ", \"init_from\": ", (int64) o->seed);
	if (settings->init_from)
		escape_json(&out, settings->init_from);
	else
		appendStringInfoString(&out, "null");

	/* options of trainings of other models stay what they were */
	if (settings->policy || o->average > 0)
		appendStringInfo(&out, ", \"average\": %s", lem_number_text(o->average));
	if (settings->policy)
		appendStringInfo(&out, ", \"mirror\": %s, \"shrink\": %s", o->mirror ? "true" : "false",
						 o->shrink ? "true" : "false");
	if (settings->shared || o->neighbours > 1)
		appendStringInfo(&out, ", \"neighbours\": %d", o->neighbours);
	appendStringInfoChar(&out, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* An object without one of its keys. */
static Jsonb *
without(Jsonb *json, const char *name)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(json),
											  CStringGetTextDatum(name)));
}

Jsonb *
lem_train_settings_resume(Jsonb *run, Jsonb *given)
{
	JsonbValue *had = get(run, "init_from");
	JsonbValue *wanted = get(given, "init_from");

	/* A mask by name stands for slopes and an offset, which is how a run keeps it. */
	if (lem_json_has(given, "mask"))
	{
		run = without(run, "mask_slope");
		run = without(run, "mask_offset");
		run = without(run, "mask_start");
	}

	/* A name without a version stands for the version that the run began with. */
	if (had && wanted && had->type == jbvString && wanted->type == jbvString &&
		had->val.string.len > wanted->val.string.len &&
		memcmp(had->val.string.val, wanted->val.string.val, wanted->val.string.len) == 0 &&
		had->val.string.val[wanted->val.string.len] == '@')
		given = without(given, "init_from");
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(run),
											  JsonbPGetDatum(given)));
}

char *
lem_json_difference(Jsonb *had, Jsonb *given)
{
	JsonbIterator *it = JsonbIteratorInit(&given->root);
	JsonbIteratorToken token;
	JsonbValue	key;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		JsonbValue	value;
		JsonbValue *other;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		other = getKeyJsonValueFromContainer(&had->root, key.val.string.val, key.val.string.len,
											 NULL);
		if (other && compareJsonbContainers(&JsonbValueToJsonb(other)->root,
											&JsonbValueToJsonb(&value)->root) == 0)
			continue;
		return psprintf("\"%.*s\" was %s, and is %s now", key.val.string.len, key.val.string.val,
						other ? lem_json_describe(other) : "not set", lem_json_describe(&value));
	}
	return NULL;
}

/* train_options.c: the options of lem_train from JSON and back. */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"
#include "pg/training/train_options.h"

/* Integers that JSON readers agree about. */
#define MAX_EXACT (INT64CONST(1) << 53)

/* Samples of a shard, at most, where the option is left out. */
#define DEFAULT_SHARD 16

typedef struct option_key option_key;

/* A key: how its value is read, and where it goes. */
struct option_key
{
	const char *name;
	void		(*read) (const option_key *key, const JsonbValue *value,
						 lem_train_settings *settings);
	size_t		field;
};

static void bad_option(const char *name, const JsonbValue *value, const char *wanted)
			pg_attribute_noreturn();

static void
bad_option(const char *name, const JsonbValue *value, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("invalid value for option \"%s\": %s", name, lem_json_describe(value)),
			 errhint("It must be %s.", wanted)));
}

static double
read_double(const char *name, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		bad_option(name, value, "a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

static void
read_int_option(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	int64		number;

	if (!lem_json_integer(value, PG_INT32_MIN, PG_INT32_MAX, &number))
		bad_option(key->name, value, "an integer within its range");
	*(int *) ((char *) settings + key->field) = (int) number;
}

static void
read_count_option(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	int64		number;

	if (!lem_json_integer(value, 0, MAX_EXACT, &number))
		bad_option(key->name, value, "a whole number");
	*(int64_t *) ((char *) settings + key->field) = number;
}

static void
read_number_option(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	*(double *) ((char *) settings + key->field) = read_double(key->name, value);
}

static void
read_bool_option(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	if (value->type != jbvBool)
		bad_option(key->name, value, "true or false");
	*(bool *) ((char *) settings + key->field) = value->val.boolean;
}

static void
read_deploy(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	if (value->type != jbvBool)
		bad_option(key->name, value, "true or false");
	settings->deploy = value->val.boolean ? LEM_DEPLOY_ALWAYS : LEM_DEPLOY_NEVER;
}

static void
read_workers(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	int64		number;

	if (!lem_json_integer(value, 0, LEM_TRAIN_MAX_WORKERS, &number))
		bad_option(key->name, value, psprintf("a number of processes from 0 to %d",
											  LEM_TRAIN_MAX_WORKERS));
	settings->workers = (int) number;
}

static void
read_objective(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	if (lem_json_is(value, "softplus"))
		settings->core.loss.objective = LEM_OBJECTIVE_SOFTPLUS;
	else if (lem_json_is(value, "mean"))
		settings->core.loss.objective = LEM_OBJECTIVE_MEAN;
	else if (lem_json_is(value, "entropic"))
		settings->core.loss.objective = LEM_OBJECTIVE_ENTROPIC;
	else
		bad_option(key->name, value, "\"softplus\", \"mean\" or \"entropic\"");
}

/* Keys are read in the order of their length: mask comes before the options that it sets. */
static void
read_mask(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	lem_loss_options *loss = &settings->core.loss;

	if (lem_json_is(value, "sharp"))
	{
		loss->mask_slope = LEM_SHARP_MASK_SLOPE;
		loss->mask_offset = LEM_SHARP_MASK_OFFSET;
		settings->core.mask_start = LEM_SOFT_MASK_SLOPE;
	}
	else if (lem_json_is(value, "published"))
	{
		loss->mask_slope = LEM_PUBLISHED_MASK_SLOPE;
		loss->mask_offset = 0;
		settings->core.mask_start = LEM_PUBLISHED_MASK_SLOPE;
	}
	else
		bad_option(key->name, value, "\"sharp\" or \"published\"");
}

static void
read_init_from(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	if (value->type == jbvNull)
		settings->init_from = NULL;
	else if (value->type == jbvString)
		settings->init_from = pnstrdup(value->val.string.val, value->val.string.len);
	else
		bad_option(key->name, value, "a model, as name or name@version");
}

/* The elements of an array, n of them; NULL if it is not one. */
static JsonbIterator *
array_begin(const JsonbValue *value, int *n)
{
	JsonbIterator *it;
	JsonbValue	ignored;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		return NULL;
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &ignored, true);
	*n = ignored.val.array.nElems;
	return it;
}

/* [[min, max], ...] */
static void
read_rates(const option_key *key, const JsonbValue *value, lem_train_settings *settings)
{
	const char *wanted = psprintf("a list of 1 to %d pairs [min_rate, max_rate]",
								  LEM_MAX_RATE_PAIRS);
	JsonbIterator *it;
	int			n;

	it = array_begin(value, &n);
	if (it == NULL || n < 1 || n > LEM_MAX_RATE_PAIRS)
		bad_option(key->name, value, wanted);
	settings->core.n_rates = n;
	for (int i = 0; i < n; i++)
	{
		JsonbIterator *pair_it;
		JsonbValue	pair;
		JsonbValue	rate;
		int			pair_n;

		(void) JsonbIteratorNext(&it, &pair, true);
		pair_it = array_begin(&pair, &pair_n);
		if (pair_it == NULL || pair_n != 2)
			bad_option(psprintf("%s[%d]", key->name, i), &pair, "a pair [min_rate, max_rate]");
		for (int j = 0; j < 2; j++)
		{
			(void) JsonbIteratorNext(&pair_it, &rate, true);
			settings->core.rates[i][j] = read_double(psprintf("%s[%d]", key->name, i), &rate);
		}
	}
}

#define SETTING(name) offsetof(lem_train_settings, name)
#define OPTION(name) offsetof(lem_train_settings, core.name)

static const option_key keys[] = {
	{"epochs", read_int_option, OPTION(epochs)},
	{"patience", read_int_option, OPTION(patience)},
	{"batch", read_int_option, OPTION(batch)},
	{"shard", read_int_option, OPTION(shard)},
	{"samples", read_count_option, OPTION(samples)},
	{"validation_samples", read_count_option, OPTION(validation_samples)},
	{"validation", read_number_option, OPTION(validation)},
	{"rate", read_number_option, OPTION(adam.rate)},
	{"clip_norm", read_number_option, OPTION(adam.clip_norm)},
	{"warmup", read_int_option, OPTION(warmup)},
	{"decay", read_number_option, OPTION(decay)},
	{"decay_patience", read_int_option, OPTION(decay_patience)},
	{"objective", read_objective, 0},
	{"risk_aversion", read_number_option, OPTION(loss.risk_aversion)},
	{"mask", read_mask, 0},
	{"mask_slope", read_number_option, OPTION(loss.mask_slope)},
	{"mask_offset", read_number_option, OPTION(loss.mask_offset)},
	{"dropout", read_number_option, OPTION(dropout)},
	{"mask_start", read_number_option, OPTION(mask_start)},
	{"mask_epochs", read_int_option, OPTION(mask_epochs)},
	{"rates", read_rates, 0},
	{"average", read_number_option, OPTION(average)},
	{"mirror", read_bool_option, OPTION(mirror)},
	{"neighbours", read_int_option, OPTION(neighbours)},
	{"seed", read_count_option, OPTION(seed)},
	{"workers", read_workers, 0},
	{"resume", read_bool_option, SETTING(resume)},
	{"init_from", read_init_from, 0},
	{"deploy", read_deploy, 0},
};

static void unknown_option(const JsonbValue *name) pg_attribute_noreturn();

static void
unknown_option(const JsonbValue *name)
{
	StringInfoData hint;

	initStringInfo(&hint);
	appendStringInfoString(&hint, "Known options are");
	for (size_t i = 0; i < lengthof(keys); i++)
		appendStringInfo(&hint, "%s %s", i == 0 ? "" : ",", keys[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown option %s", lem_json_describe(name)),
			 errhint("%s.", hint.data)));
}

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
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;
	lem_fault	fault;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the options of a training must be a JSON object")));
	memset(settings, 0, sizeof(*settings));
	lem_train_options_default(&settings->core, config->n_ahead);
	settings->policy = config->stop_base;
	if (settings->policy)
		lem_train_options_policy(&settings->core);
	settings->shared = config->shared_trunk;
	if (settings->shared)
		lem_train_options_shared(&settings->core);
	settings->core.shard = 0;
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		const option_key *known = NULL;
		JsonbValue	value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		for (size_t i = 0; known == NULL && i < lengthof(keys); i++)
			if (lem_json_is(&key, keys[i].name))
				known = &keys[i];
		if (known == NULL)
			unknown_option(&key);
		known->read(known, &value, settings);
		if (strcmp(known->name, "shard") == 0 && settings->core.shard == 0)
			bad_option(known->name, &value, "a divisor of the batch");
	}

	/* Left out: the largest divisor of the batch that is not larger than usual. */
	if (settings->core.shard == 0)
	{
		int			shard = Max(1, Min(DEFAULT_SHARD, settings->core.batch));

		while (settings->core.batch % shard != 0)
			shard--;
		settings->core.shard = shard;
	}
	if (get(json, "mask_epochs") == NULL)
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
					 o->loss.objective == LEM_OBJECTIVE_ENTROPIC ? "entropic" :
					 o->loss.objective == LEM_OBJECTIVE_MEAN ? "mean" : "softplus",
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
		appendStringInfo(&out, ", \"mirror\": %s", o->mirror ? "true" : "false");
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
	if (get(given, "mask"))
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

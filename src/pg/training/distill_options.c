/* distill_options.c: the options of lem_distill and lem_probe as JSON, and configs of makers. */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "core/market/outlook.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"
#include "pg/training/distill_options.h"

typedef enum value_kind
{
	VALUE_NUMBER,				/* a double within low and high */
	VALUE_COUNT,				/* an int likewise */
	VALUE_DEPLOY				/* a bool, which may be left out */
} value_kind;

typedef struct option_key
{
	const char *name;
	value_kind	kind;
	size_t		field;
	double		low;
	double		high;
} option_key;

#define FIELD(name) offsetof(lem_distill_options, name)

static const option_key keys[] = {
	{"epochs", VALUE_COUNT, FIELD(epochs), 1, 1000},
	{"batch", VALUE_COUNT, FIELD(batch), 2, 4096},
	{"rate", VALUE_NUMBER, FIELD(rate), 1e-9, 1},
	{"samples", VALUE_COUNT, FIELD(samples), 100, 10000000},
	{"validation_samples", VALUE_COUNT, FIELD(validation_samples), 30, 10000000},
	{"validation", VALUE_NUMBER, FIELD(validation), 0.01, 0.9},
	{"alpha", VALUE_NUMBER, FIELD(weights.alpha), 0, 1e6},
	{"beta", VALUE_NUMBER, FIELD(weights.beta), 0, 1e6},
	{"gamma", VALUE_NUMBER, FIELD(weights.gamma), 0, 1e6},
	{"delta", VALUE_NUMBER, FIELD(weights.delta), 0, 1e6},
	{"seed", VALUE_COUNT, FIELD(seed), 0, PG_INT32_MAX},
	{"deploy", VALUE_DEPLOY, 0, 0, 0},
};

static void bad_option(const option_key *key, const JsonbValue *value, const char *wanted)
			pg_attribute_noreturn();

static void
bad_option(const option_key *key, const JsonbValue *value, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("invalid value for option \"%s\": %s", key->name, lem_json_describe(value)),
			 errhint("It must be %s.", wanted)));
}

static void
read_value(const option_key *key, const JsonbValue *value, lem_distill_options *options)
{
	void	   *to = (char *) options + key->field;
	double		number = NAN;
	int64		count;

	switch (key->kind)
	{
		case VALUE_NUMBER:
			if (value->type == jbvNumeric)
				number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															NumericGetDatum(value->val.numeric)));
			if (!(number >= key->low && number <= key->high))
				bad_option(key, value, psprintf("a number from %s to %s",
												lem_number_text(key->low),
												lem_number_text(key->high)));
			*(double *) to = number;
			break;
		case VALUE_COUNT:
			if (!lem_json_integer(value, (int64) key->low, (int64) key->high, &count))
				bad_option(key, value, psprintf("a whole number from %.0f to %.0f", key->low,
												key->high));
			*(int *) to = (int) count;
			break;
		case VALUE_DEPLOY:
			if (value->type != jbvBool)
				bad_option(key, value, "true or false");
			options->deploy_given = true;
			options->deploy = value->val.boolean;
			break;
	}
}

static void unknown_option(const JsonbValue *name) pg_attribute_noreturn();

static void
unknown_option(const JsonbValue *name)
{
	StringInfoData hint;

	initStringInfo(&hint);
	for (size_t i = 0; i < lengthof(keys); i++)
		appendStringInfo(&hint, "%s %s", i == 0 ? "" : ",", keys[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown option %s", lem_json_describe(name)),
			 errhint("Known options are%s.", hint.data)));
}

void
lem_distill_options_read(Jsonb *json, lem_distill_options *options)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;

	*options = (lem_distill_options) {
		.epochs = 10,
		.batch = 32,
		.rate = 0.01,
		.samples = 4096,
		.validation_samples = 2048,
		.validation = 0.25,
		.weights = {1, 1, 0.1, 0.02},
		.seed = 1
	};
	if (json == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the options must be a JSON object")));
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
		read_value(known, &value, options);
	}
}

Jsonb *
lem_json_over(const char *defaults, Jsonb *given)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  DirectFunctionCall1(jsonb_in,
																  CStringGetDatum(defaults)),
											  JsonbPGetDatum(given)));
}

char *
lem_maker_config_defaults(void)
{
	return psprintf("{\"horizon\": 10, \"spread\": \"quotes\", \"n_ahead\": 2, "
					"\"lookback\": 32, \"norm_window\": 240, \"gaps\": \"skip\", "
					"\"finish_gate\": false, \"extra_features\": %d}", LEM_MAKER_INPUTS);
}

Jsonb *
lem_maker_config(Jsonb *given, const char *defaults)
{
	const JsonbValue *extra;
	int64		own;

	if (!JB_ROOT_IS_OBJECT(given))
		return given;			/* an error soon */
	extra = getKeyJsonValueFromContainer(&given->root, "extra_features", strlen("extra_features"),
										 NULL);
	if (extra && lem_json_integer(extra, 0, LEM_MAX_FEATURES, &own))
		given = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(given),
			DirectFunctionCall1(jsonb_in,
								CStringGetDatum(psprintf("{\"extra_features\": %d}",
														 (int) own + LEM_MAKER_INPUTS)))));
	return lem_json_over(defaults, given);
}

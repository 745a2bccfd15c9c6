/* distill_options.c: the options of lem_distill and lem_probe as JSON, and configs of makers. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "core/market/outlook.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/json_read.h"
#include "pg/training/distill_options.h"

/* A bool, which may be left out. */
static void
read_deploy(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_distill_options *options = target;

	if (value->type != jbvBool)
		lem_keys_refuse(keys, key->name, value, "true or false");
	options->deploy_given = true;
	options->deploy = value->val.boolean;
}

#define FIELD(name) offsetof(lem_distill_options, name)

static const lem_key option[] = {
	{"epochs", LEM_KEY_INT, FIELD(epochs), 1, 1000, .read = NULL},
	{"batch", LEM_KEY_INT, FIELD(batch), 2, 4096, .read = NULL},
	{"rate", LEM_KEY_NUMBER, FIELD(rate), 1e-9, 1, .read = NULL},
	{"samples", LEM_KEY_INT, FIELD(samples), 100, 10000000, .read = NULL},
	{"validation_samples", LEM_KEY_INT, FIELD(validation_samples), 30, 10000000, .read = NULL},
	{"validation", LEM_KEY_NUMBER, FIELD(validation), 0.01, 0.9, .read = NULL},
	{"alpha", LEM_KEY_NUMBER, FIELD(weights.alpha), 0, 1e6, .read = NULL},
	{"beta", LEM_KEY_NUMBER, FIELD(weights.beta), 0, 1e6, .read = NULL},
	{"gamma", LEM_KEY_NUMBER, FIELD(weights.gamma), 0, 1e6, .read = NULL},
	{"delta", LEM_KEY_NUMBER, FIELD(weights.delta), 0, 1e6, .read = NULL},
	{"seed", LEM_KEY_INT, FIELD(seed), 0, PG_INT32_MAX, .read = NULL},
	{"deploy", LEM_KEY_OWN, .read = read_deploy},
};

static const lem_keys options = {
	option, lengthof(option), "the options", "option", "options", .nearest = false
};

void
lem_distill_options_read(Jsonb *json, lem_distill_options *settings)
{
	*settings = (lem_distill_options) {
		.epochs = 10,
		.batch = 32,
		.rate = 0.01,
		.samples = 4096,
		.validation_samples = 2048,
		.validation = 0.25,
		.weights = {1, 1, 0.1, 0.02},
		.seed = 1
	};
	if (json)
		lem_keys_read(&options, 0, json, settings);
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

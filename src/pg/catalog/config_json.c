/* config_json.c: a model's config from JSON and back. */
#include "postgres.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"

#include "core/parameters/params.h"
#include "pg/base/clock.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/json_read.h"

/* Choices of the keys that take one of two or three words; places are what the config holds. */
static const char *const gaps_words[] = {"carry", "skip", "error", NULL};
static const char *const heads_words[] = {"separate", "shared", NULL};
static const char *const notional_words[] = {"allocated", "price", NULL};
static const char *const price_words[] = {"ratio", "sigma", NULL};
static const char *const candidate_words[] = {"tanh", "linear", NULL};
static const char *const spread_words[] = {"estimated", "quotes", NULL};
static const char *const mixture_words[] = {"none", "hajek", "agreement", "additive", "uniform", "single", NULL};
static const char *const base_words[] = {"curve", "optimal_stop", NULL};
static const char *const steps_words[] = {"separate", "shared", NULL};
static const char *const impact_words[] = {"none", "sqrt", NULL};
static const char *const trunk_words[] = {"separate", "shared", NULL};
static const char *const storage_words[] = {"float32", "float16", "bfloat16", NULL};
static const char *const recurrent_words[] = {"tkan", "lstm", "gru", "none", NULL};

/* A config while it is being read. */
typedef struct reading
{
	lem_config	config;
	pg_tz	   *time_zone;
	bool		stored;			/* by this version or one before */
} reading;

static void
read_norm_window_key(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
					 void *target)
{
	reading    *r = target;

	r->config.norm_window = 0;
	if (value->type == jbvNull)
		return;
	r->config.norm_window = lem_keys_int(keys, key->name, value);
	if (r->config.norm_window == 0)
		lem_keys_refuse(keys, key->name, value,
						"a number of bars, at least lookback, or null for one week");
}

static void
read_bar_interval_key(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
					  void *target)
{
	reading    *r = target;
	static const char *const wanted = "an interval of at most 366 days, without months, such as "
	"\"PT1H\" or \"P1D\", or null for that of the bars";
	char	   *text;
	Interval   *interval;
	int64		length;

	r->config.bar_interval = 0;
	if (value->type == jbvNull)
		return;
	if (value->type != jbvString)
		lem_keys_refuse(keys, key->name, value, wanted);
	text = pnstrdup(value->val.string.val, value->val.string.len);
	interval = DatumGetIntervalP(lem_input(F_INTERVAL_IN, text, ERRCODE_LEM_INVALID_CONFIG,
										   psprintf("invalid value for config key \"%s\": %s",
													key->name, lem_json_describe(value)),
										   psprintf("It must be %s.", wanted)));

	/* Months have no length; those of an infinite interval are not zero either. */
	if (interval->month != 0 ||
		pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &length) ||
		pg_add_s64_overflow(length, interval->time, &length) ||
		length <= 0 || length > LEM_MAX_BAR_INTERVAL)
		lem_keys_refuse(keys, key->name, value, wanted);
	r->config.bar_interval = length;
}

static void
read_time_zone_key(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
				   void *target)
{
	reading    *r = target;
	static const char *const wanted = "the name of a time zone, such as \"UTC\" or "
	"\"Europe/Paris\"";
	char	   *name;
	char	   *hint;

	if (value->type != jbvString)
		lem_keys_refuse(keys, key->name, value, wanted);
	name = pnstrdup(value->val.string.val, value->val.string.len);
	r->time_zone = lem_zone_find(name, &hint);
	if (hint && r->stored)
		r->time_zone = pg_tzset(name);
	else if (hint)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("invalid value for config key \"%s\": %s", key->name,
						lem_json_describe(value)),
				 errhint("%s", hint)));
	if (r->time_zone == NULL)
		lem_keys_refuse(keys, key->name, value, wanted);
}

static void
read_calendar_key(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
				  void *target)
{
	lem_config *c = &((reading *) target)->config;

	memset(c->calendar, 0, sizeof(c->calendar));
	if (value->type == jbvNull)
		return;
	if (value->type != jbvString || value->val.string.len == 0 ||
		value->val.string.len >= LEM_CONFIG_CALENDAR)
		lem_keys_refuse(keys, key->name, value,
						"the name of a calendar, such as \"XNYS\", or null");
	memcpy(c->calendar, value->val.string.val, value->val.string.len);
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

static void
read_feature_list(const lem_keys *keys, const lem_key *key, const JsonbValue *value, lem_config *c)
{
	const char *wanted = "\"default\", \"paper\" or a list of features' names";
	JsonbIterator *it;
	int			n;

	it = lem_json_array(value, &n);
	if (it == NULL)
		lem_keys_refuse(keys, key->name, value, wanted);
	c->feature_set = LEM_FEATURES_LIST;
	c->n_named = 0;
	for (int i = 0; i < n; i++)
	{
		const char *words[LEM_FEATURE_NAMES + 1] = {NULL};
		const char *name = psprintf("%s[%d]", key->name, i);
		JsonbValue	element;
		int			place;

		for (int j = 0; j < LEM_FEATURE_NAMES; j++)
			words[j] = lem_feature_name((lem_feature) j);
		(void) JsonbIteratorNext(&it, &element, true);
		place = lem_keys_word(keys, name, &element, words);
		for (int j = 0; j < c->n_named; j++)
			if (c->named[j] == (lem_feature) place)
				lem_keys_refuse(keys, name, &element, "a feature that is not in the list yet");
		c->named[c->n_named++] = (lem_feature) place;
	}
}

static void
read_features_key(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
				  void *target)
{
	lem_config *c = &((reading *) target)->config;

	if (lem_json_is(value, "default"))
	{
		c->feature_set = LEM_FEATURES_DEFAULT;
		c->n_named = LEM_DEFAULT_FEATURES;
	}
	else if (lem_json_is(value, "paper"))
	{
		c->feature_set = LEM_FEATURES_PAPER;
		c->n_named = LEM_PAPER_FEATURES;
	}
	else
		read_feature_list(keys, key, value, c);
}

/* [low, high] */
static void
read_grid_range(const lem_keys *keys, const char *name, const JsonbValue *value, lem_spline *spline)
{
	JsonbIterator *it;
	JsonbValue	end;
	int			n;

	it = lem_json_array(value, &n);
	if (it == NULL || n != 2)
		lem_keys_refuse(keys, name, value, "a list of two numbers");
	(void) JsonbIteratorNext(&it, &end, true);
	spline->low = lem_keys_number(keys, name, &end);
	(void) JsonbIteratorNext(&it, &end, true);
	spline->high = lem_keys_number(keys, name, &end);
}

/* An element of sub_kan that is an object: a KAN, keys left out being the default's. */
static void
read_spline(const lem_keys *keys, const char *name, const JsonbValue *value, lem_spline *spline)
{
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	key;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		JsonbValue	field;
		char	   *path;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &field, true);
		path = psprintf("%s.%s", name,
						lem_clip_text(pnstrdup(key.val.string.val, key.val.string.len)));
		if (lem_json_is(&key, "spline_order"))
			spline->order = lem_keys_int(keys, path, &field);
		else if (lem_json_is(&key, "grid_size"))
			spline->intervals = lem_keys_int(keys, path, &field);
		else if (lem_json_is(&key, "grid_range"))
			read_grid_range(keys, path, &field, spline);
		else
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("unknown key %s in config key \"%s\"", lem_json_describe(&key), name),
					 errhint("Keys of a sub-layer are spline_order, grid_size and grid_range.")));
	}
}

static void
read_sub_kan_key(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
				 void *target)
{
	lem_config *c = &((reading *) target)->config;
	lem_config	defaults;
	JsonbIterator *it;
	int			n;

	it = lem_json_array(value, &n);
	if (it == NULL)
		lem_keys_refuse(keys, key->name, value, "a list of sub-layers");
	if (n < 1 || n > LEM_MAX_SUB_LAYERS)
		lem_keys_refuse(keys, key->name, value,
						psprintf("a list of 1 to %d sub-layers", LEM_MAX_SUB_LAYERS));
	lem_config_default(&defaults);
	c->n_sub_layers = n;
	for (int i = 0; i < n; i++)
	{
		lem_sub_layer *sub = &c->sub_layer[i];
		char	   *name = psprintf("%s[%d]", key->name, i);
		JsonbValue	element;

		(void) JsonbIteratorNext(&it, &element, true);
		*sub = defaults.sub_layer[0];
		if (element.type == jbvString)
		{
			const char *words[LEM_ACTIVATION_SOFTPLUS + 2] = {NULL};

			for (int j = 0; j <= LEM_ACTIVATION_SOFTPLUS; j++)
				words[j] = lem_activation_name((lem_activation) j);
			memset(sub, 0, sizeof(*sub));
			sub->activation = (lem_activation) lem_keys_word(keys, name, &element, words);
		}
		else if (element.type == jbvNumeric)
			sub->spline.order = lem_keys_int(keys, name, &element);
		else if (is_object(&element))
			read_spline(keys, name, &element, &sub->spline);
		else if (element.type != jbvNull)
			lem_keys_refuse(keys, name, &element,
							"null, a spline order, an object or an activation");
	}
}

#define FIELD(name) offsetof(reading, config.name)

static const lem_key config_key[] = {
	{"lookback", LEM_KEY_INT, .field = FIELD(lookback)},
	{"n_ahead", LEM_KEY_INT, .field = FIELD(n_ahead)},
	{"hidden_size", LEM_KEY_INT, .field = FIELD(hidden_size)},
	{"hidden_rnn_layer", LEM_KEY_INT, .field = FIELD(hidden_rnn_layer)},
	{"num_heads", LEM_KEY_INT, .field = FIELD(num_heads)},
	{"num_embedding", LEM_KEY_INT, .field = FIELD(num_embedding)},
	{"fused_mlp_hidden_dim", LEM_KEY_INT, .field = FIELD(fused_mlp_hidden_dim)},
	{"max_scale_factor", LEM_KEY_NUMBER, .field = FIELD(max_scale_factor)},
	{"features", LEM_KEY_OWN, .read = read_features_key},
	{"extra_features", LEM_KEY_INT, .field = FIELD(extra_features)},
	{"norm_window", LEM_KEY_OWN, .read = read_norm_window_key},
	{"bar_interval", LEM_KEY_OWN, .read = read_bar_interval_key},
	{"time_zone", LEM_KEY_OWN, .read = read_time_zone_key},
	{"calendar", LEM_KEY_OWN, .read = read_calendar_key},
	{"gaps", LEM_KEY_WORD, .field = FIELD(gaps), .words = gaps_words},
	{"recurrent", LEM_KEY_WORD, .field = FIELD(recurrent), .words = recurrent_words},
	{"variable_selection", LEM_KEY_FLAG, .field = FIELD(variable_selection)},
	{"attention", LEM_KEY_FLAG, .field = FIELD(attention)},
	{"heads", LEM_KEY_CHOICE, .field = FIELD(shared_heads), .words = heads_words},
	{"finish_gate", LEM_KEY_FLAG, .field = FIELD(finish_gate)},
	{"notional_state", LEM_KEY_CHOICE, .field = FIELD(notional_price), .words = notional_words},
	{"price_unit", LEM_KEY_CHOICE, .field = FIELD(price_sigma), .words = price_words},
	{"tkan_candidate", LEM_KEY_CHOICE, .field = FIELD(tkan_linear), .words = candidate_words},
	{"sub_kan", LEM_KEY_OWN, .read = read_sub_kan_key},
	{"storage", LEM_KEY_WORD, .field = FIELD(storage), .words = storage_words},
	{"base", LEM_KEY_CHOICE, .field = FIELD(stop_base), .words = base_words},
	{"steps", LEM_KEY_CHOICE, .field = FIELD(shared_steps), .words = steps_words},
	{"impact", LEM_KEY_CHOICE, .field = FIELD(impact), .words = impact_words},
	{"trunk", LEM_KEY_CHOICE, .field = FIELD(shared_trunk), .words = trunk_words},
	{"context_rows", LEM_KEY_INT, .field = FIELD(context_rows)},
	{"horizon", LEM_KEY_INT, .field = FIELD(horizon)},
	{"spread", LEM_KEY_CHOICE, .field = FIELD(quoted), .words = spread_words},
	{"mixture", LEM_KEY_WORD, .field = FIELD(mixture), .words = mixture_words},
	{"expert_dim", LEM_KEY_INT, .field = FIELD(expert_dim)},
};

static const lem_keys config_keys = {
	config_key, lengthof(config_key), "a model's config", "config key", "keys", .nearest = true
};

/* A value of a key as JSON has it; NULL: the key's values are no words. */
static const char *
word_of(const lem_key *key, double value)
{
	if (key->kind == LEM_KEY_FLAG)
		return value != 0 ? "true" : "false";
	return key->words ? psprintf("\"%s\"", key->words[(int) value]) : NULL;
}

/* Raise for a value that is one of its key's words, but does not go with the other keys. */
static void
refuse_word(const lem_fault *fault)
{
	for (size_t i = 0; i < lengthof(config_key); i++)
	{
		if (strcmp(config_key[i].name, fault->name) == 0 && word_of(&config_key[i], fault->have))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("config key \"%s\" cannot be %s with the config's other keys",
							fault->name, word_of(&config_key[i], fault->have)),
					 errhint("They go with %s.", word_of(&config_key[i], fault->want))));
	}
}

static void
read_config(Jsonb *json, bool stored, lem_config *config, pg_tz **time_zone)
{
	reading		r = {.time_zone = pg_tzset("UTC"), .stored = stored};
	bool		base;
	bool		steps;
	lem_status	status;
	lem_fault	fault;

	lem_config_default(&r.config);
	lem_keys_read(&config_keys, 0, json, &r);
	*config = r.config;
	base = lem_json_has(json, "base");
	steps = lem_json_has(json, "steps");
	if (config->feature_set == LEM_FEATURES_PAPER)
	{
		if (config->price_sigma && lem_json_has(json, "price_unit"))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("config key \"price_unit\" cannot be \"sigma\" with the features \"paper\""),
					 errhint("That set has no standard deviation to measure prices by; leave the key out.")));
		config->price_sigma = false;
	}

	/* Either of the two keys says the other, and there is no gate to finish by. */
	if (base && !steps)
		config->shared_steps = config->stop_base;
	if (steps && !base)
		config->stop_base = config->shared_steps;
	if (base && steps && config->stop_base != config->shared_steps)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("config keys \"base\" and \"steps\" do not go together: \"%s\" and \"%s\"",
						base_words[config->stop_base], steps_words[config->shared_steps]),
				 errhint("\"optimal_stop\" goes with \"shared\", \"curve\" with \"separate\".")));
	if (config->stop_base && !lem_json_has(json, "finish_gate"))
		config->finish_gate = false;
	if (config->shared_trunk && !config->stop_base)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("config key \"trunk\" cannot be \"shared\" with \"base\" \"%s\"",
						base_words[config->stop_base]),
				 errhint("Models on top of the exact optimum have a trunk for all orders: say \"base\": \"optimal_stop\", or leave \"trunk\" out.")));
	status = lem_parameters_check(config, &fault);
	if (status == LEM_CONFIG_RANGE)
		refuse_word(&fault);
	lem_pg_check(status, &fault);
	*time_zone = r.time_zone;
}

void
lem_config_read(Jsonb *json, lem_config *config, pg_tz **time_zone)
{
	read_config(json, false, config, time_zone);
}

void
lem_config_read_stored(Jsonb *json, lem_config *config, pg_tz **time_zone)
{
	read_config(json, true, config, time_zone);
}

/* An interval as ISO 8601 text: P1DT2H, PT5M, PT0.5S. */
static void
write_interval(StringInfo out, int64 length)
{
	const int64 days = length / USECS_PER_DAY;
	const int64 hours = length % USECS_PER_DAY / USECS_PER_HOUR;
	const int64 minutes = length % USECS_PER_HOUR / USECS_PER_MINUTE;
	const int64 seconds = length % USECS_PER_MINUTE / USECS_PER_SEC;
	const int64 fraction = length % USECS_PER_SEC;

	appendStringInfoString(out, "\"P");
	if (days > 0)
		appendStringInfo(out, INT64_FORMAT "D", days);
	if (length % USECS_PER_DAY > 0)
		appendStringInfoChar(out, 'T');
	if (hours > 0)
		appendStringInfo(out, INT64_FORMAT "H", hours);
	if (minutes > 0)
		appendStringInfo(out, INT64_FORMAT "M", minutes);
	if (fraction > 0)
	{
		appendStringInfo(out, INT64_FORMAT ".%06d", seconds, (int) fraction);
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
		appendStringInfoChar(out, 'S');
	}
	else if (seconds > 0)
		appendStringInfo(out, INT64_FORMAT "S", seconds);
	appendStringInfoChar(out, '"');
}

static void
write_features(StringInfo out, const lem_config *c)
{
	if (c->feature_set == LEM_FEATURES_DEFAULT)
		appendStringInfoString(out, "\"default\"");
	else if (c->feature_set == LEM_FEATURES_PAPER)
		appendStringInfoString(out, "\"paper\"");
	else
	{
		appendStringInfoChar(out, '[');
		for (int i = 0; i < c->n_named; i++)
			appendStringInfo(out, "%s\"%s\"", i > 0 ? ", " : "", lem_feature_name(c->named[i]));
		appendStringInfoChar(out, ']');
	}
}

static void
write_sub_layers(StringInfo out, const lem_config *c)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < c->n_sub_layers; i++)
	{
		const lem_sub_layer *sub = &c->sub_layer[i];

		if (i > 0)
			appendStringInfoString(out, ", ");
		if (sub->kan)
			appendStringInfo(out,
							 "{\"spline_order\": %d, \"grid_size\": %d, \"grid_range\": [%s, %s]}",
							 sub->spline.order, sub->spline.intervals,
							 lem_number_text(sub->spline.low), lem_number_text(sub->spline.high));
		else
			appendStringInfo(out, "\"%s\"", lem_activation_name(sub->activation));
	}
	appendStringInfoChar(out, ']');
}

Jsonb *
lem_config_write(const lem_config *c, pg_tz *time_zone)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out,
					 "{\"lookback\": %d, \"n_ahead\": %d, \"hidden_size\": %d, "
					 "\"hidden_rnn_layer\": %d, \"num_heads\": %d, \"num_embedding\": %d, "
					 "\"fused_mlp_hidden_dim\": %d, \"max_scale_factor\": %s, \"features\": ",
					 c->lookback, c->n_ahead, c->hidden_size, c->hidden_rnn_layer, c->num_heads,
					 c->num_embedding, c->fused_mlp_hidden_dim,
					 lem_number_text(c->max_scale_factor));
	write_features(&out, c);
	appendStringInfo(&out, ", \"extra_features\": %d, \"norm_window\": ", c->extra_features);
	if (c->norm_window > 0)
		appendStringInfo(&out, "%d", c->norm_window);
	else
		appendStringInfoString(&out, "null");
	appendStringInfoString(&out, ", \"bar_interval\": ");
	if (c->bar_interval > 0)
		write_interval(&out, c->bar_interval);
	else
		appendStringInfoString(&out, "null");
	appendStringInfoString(&out, ", \"time_zone\": ");
	escape_json(&out, lem_zone_name(time_zone));
	appendStringInfo(&out,
					 ", \"gaps\": \"%s\", \"recurrent\": \"%s\", \"variable_selection\": %s, "
					 "\"attention\": %s, \"heads\": \"%s\", \"finish_gate\": %s, "
					 "\"notional_state\": \"%s\", \"price_unit\": \"%s\", "
					 "\"tkan_candidate\": \"%s\", \"sub_kan\": ",
					 gaps_words[c->gaps], recurrent_words[c->recurrent],
					 c->variable_selection ? "true" : "false", c->attention ? "true" : "false",
					 heads_words[c->shared_heads],
					 c->finish_gate ? "true" : "false", notional_words[c->notional_price],
					 price_words[c->price_sigma], candidate_words[c->tkan_linear]);
	write_sub_layers(&out, c);
	appendStringInfo(&out, ", \"storage\": \"%s\"", storage_words[c->storage]);

	/* of models of market making only: configs of others, and their digests, stay what they are */
	if (c->horizon > 0)
		appendStringInfo(&out, ", \"horizon\": %d, \"spread\": \"%s\"", c->horizon,
						 spread_words[c->quoted]);
	if (c->mixture != LEM_MIXTURE_NONE)
		appendStringInfo(&out, ", \"mixture\": \"%s\", \"expert_dim\": %d",
						 mixture_words[c->mixture], c->expert_dim);
	if (c->stop_base)
		appendStringInfo(&out, ", \"base\": \"%s\", \"steps\": \"%s\", \"impact\": \"%s\"",
						 base_words[c->stop_base], steps_words[c->shared_steps],
						 impact_words[c->impact]);
	if (c->shared_trunk)
		appendStringInfo(&out, ", \"trunk\": \"%s\", \"context_rows\": %d",
						 trunk_words[c->shared_trunk], c->context_rows);
	/* Only where there is one: models have the digests that they had before there were calendars. */
	if (c->calendar[0] != '\0')
	{
		appendStringInfoString(&out, ", \"calendar\": ");
		escape_json(&out, c->calendar);
	}
	appendStringInfoChar(&out, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

char *
lem_config_text(Jsonb *json)
{
	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

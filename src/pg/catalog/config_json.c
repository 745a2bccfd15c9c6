/* config_json.c: a model's config from JSON and back. */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "core/parameters/params.h"
#include "pg/base/clock.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"

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
	lem_config *config;
	pg_tz	   *time_zone;
	bool		price_unit;		/* these keys were there */
	bool		base;
	bool		steps;
	bool		finish_gate;
	bool		stored;			/* by this version or one before */
} reading;

typedef struct config_key config_key;

/* A key of a config: how its value is read, and where it goes. */
struct config_key
{
	const char *name;
	void		(*read) (const config_key *key, JsonbValue *value, reading *r);
	size_t		field;
	const char *const *words;
};

char *
lem_json_describe(const JsonbValue *value)
{
	char	   *text;

	switch (value->type)
	{
		case jbvNull:
			return pstrdup("null");
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			break;
		case jbvString:
			text = palloc(value->val.string.len + 3);
			snprintf(text, value->val.string.len + 3, "\"%.*s\"", value->val.string.len,
					 value->val.string.val);
			break;
		case jbvBinary:
			text = JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
			break;
		default:
			return pstrdup("?");
	}
	return lem_clip_text(text);
}

static void bad_value(const char *name, const JsonbValue *value, const char *wanted)
			pg_attribute_noreturn();

static void
bad_value(const char *name, const JsonbValue *value, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("invalid value for config key \"%s\": %s", name, lem_json_describe(value)),
			 errhint("It must be %s.", wanted)));
}

bool
lem_json_integer(const JsonbValue *value, int64 low, int64 high, int64 *out)
{
	Datum		number;
	double		rounded;

	if (value->type != jbvNumeric)
		return false;
	number = NumericGetDatum(value->val.numeric);

	/* A number out of the range of double comes back as infinity. */
	rounded = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, number));
	if (!(rounded >= (double) low && rounded <= (double) high) || rounded != floor(rounded))
		return false;
	*out = (int64) rounded;
	return DatumGetBool(DirectFunctionCall2(numeric_eq, number,
											NumericGetDatum(int64_to_numeric(*out))));
}

Datum
lem_input(Oid function, const char *text, int sqlstate, const char *message, const char *hint)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		result = 0;

	PG_TRY();
	{
		result = OidInputFunctionCall(function, unconstify(char *, text), InvalidOid, -1);
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("%s", message),
				 errdetail("%s.", error->message),
				 hint ? errhint("%s", hint) : 0));
	}
	PG_END_TRY();
	return result;
}

bool
lem_json_is(const JsonbValue *value, const char *word)
{
	return value->type == jbvString && value->val.string.len == (int) strlen(word) &&
		memcmp(value->val.string.val, word, value->val.string.len) == 0;
}

/* Place of a string value in a NULL-terminated list of words, or -1. */
static int
find_word(const JsonbValue *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (lem_json_is(value, words[i]))
			return i;
	return -1;
}

/* Words as "a", "b" or "c". */
static char *
list_words(const char *const *words)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; words[i]; i++)
		appendStringInfo(&list, "%s\"%s\"",
						 i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return list.data;
}

/* Ranges proper are the core's to check; here a number only has to fit its type. */
static int
read_int(const char *name, const JsonbValue *value)
{
	int64		number;

	if (!lem_json_integer(value, PG_INT32_MIN, PG_INT32_MAX, &number))
		bad_value(name, value, "an integer within its range");
	return (int) number;
}

static double
read_number(const char *name, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		bad_value(name, value, "a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

static void
read_int_key(const config_key *key, JsonbValue *value, reading *r)
{
	*(int *) ((char *) r->config + key->field) = read_int(key->name, value);
}

static void
read_number_key(const config_key *key, JsonbValue *value, reading *r)
{
	*(double *) ((char *) r->config + key->field) = read_number(key->name, value);
}

static void
read_bool_key(const config_key *key, JsonbValue *value, reading *r)
{
	if (value->type != jbvBool)
		bad_value(key->name, value, "true or false");
	*(bool *) ((char *) r->config + key->field) = value->val.boolean;
}

/* Keys with two words are booleans, true for the second. */
static void
read_words_key(const config_key *key, JsonbValue *value, reading *r)
{
	int			place = find_word(value, key->words);

	if (place < 0)
		bad_value(key->name, value, list_words(key->words));
	*(bool *) ((char *) r->config + key->field) = place == 1;
}

static void
read_price_unit_key(const config_key *key, JsonbValue *value, reading *r)
{
	read_words_key(key, value, r);
	r->price_unit = true;
}

static void
read_base_key(const config_key *key, JsonbValue *value, reading *r)
{
	read_words_key(key, value, r);
	r->base = true;
}

static void
read_steps_key(const config_key *key, JsonbValue *value, reading *r)
{
	read_words_key(key, value, r);
	r->steps = true;
}

static void
read_finish_gate_key(const config_key *key, JsonbValue *value, reading *r)
{
	read_bool_key(key, value, r);
	r->finish_gate = true;
}

static void
read_gaps_key(const config_key *key, JsonbValue *value, reading *r)
{
	int			place = find_word(value, key->words);

	if (place < 0)
		bad_value(key->name, value, list_words(key->words));
	r->config->gaps = (lem_gaps) place;
}

static void
read_recurrent_key(const config_key *key, JsonbValue *value, reading *r)
{
	int			place = find_word(value, key->words);

	if (place < 0)
		bad_value(key->name, value, list_words(key->words));
	r->config->recurrent = (lem_recurrent) place;
}

static void
read_mixture_key(const config_key *key, JsonbValue *value, reading *r)
{
	int			place = find_word(value, key->words);

	if (place < 0)
		bad_value(key->name, value, list_words(key->words));
	r->config->mixture = (lem_mixture) place;
}

static void
read_storage_key(const config_key *key, JsonbValue *value, reading *r)
{
	int			place = find_word(value, key->words);

	if (place < 0)
		bad_value(key->name, value, list_words(key->words));
	r->config->storage = (lem_storage) place;
}

static void
read_norm_window_key(const config_key *key, JsonbValue *value, reading *r)
{
	r->config->norm_window = 0;
	if (value->type == jbvNull)
		return;
	r->config->norm_window = read_int(key->name, value);
	if (r->config->norm_window == 0)
		bad_value(key->name, value, "a number of bars, at least lookback, or null for one week");
}

static void
read_bar_interval_key(const config_key *key, JsonbValue *value, reading *r)
{
	static const char *const wanted = "an interval of at most 366 days, without months, such as "
	"\"PT1H\" or \"P1D\", or null for that of the bars";
	char	   *text;
	Interval   *interval;
	int64		length;

	r->config->bar_interval = 0;
	if (value->type == jbvNull)
		return;
	if (value->type != jbvString)
		bad_value(key->name, value, wanted);
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
		bad_value(key->name, value, wanted);
	r->config->bar_interval = length;
}

static void
read_time_zone_key(const config_key *key, JsonbValue *value, reading *r)
{
	static const char *const wanted = "the name of a time zone, such as \"UTC\" or "
	"\"Europe/Paris\"";

	char	   *name;
	char	   *hint;

	if (value->type != jbvString)
		bad_value(key->name, value, wanted);
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
		bad_value(key->name, value, wanted);
}

static void
read_calendar_key(const config_key *key, JsonbValue *value, reading *r)
{
	lem_config *c = r->config;

	memset(c->calendar, 0, sizeof(c->calendar));
	if (value->type == jbvNull)
		return;
	if (value->type != jbvString || value->val.string.len == 0 ||
		value->val.string.len >= LEM_CONFIG_CALENDAR)
		bad_value(key->name, value, "the name of a calendar, such as \"XNYS\", or null");
	memcpy(c->calendar, value->val.string.val, value->val.string.len);
}

/* Go over the elements of an array, n of them. */
static JsonbIterator *
array_begin(JsonbValue *value, int *n)
{
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	JsonbValue	ignored;

	(void) JsonbIteratorNext(&it, &ignored, true);
	*n = ignored.val.array.nElems;
	return it;
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) &&
		!JsonContainerIsScalar(value->val.binary.data);
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

static void
read_feature_list(const config_key *key, JsonbValue *value, lem_config *c)
{
	const char *wanted = "\"default\", \"paper\" or a list of features' names";
	JsonbIterator *it;
	int			n;

	if (!is_array(value))
		bad_value(key->name, value, wanted);
	it = array_begin(value, &n);
	c->feature_set = LEM_FEATURES_LIST;
	c->n_named = 0;
	for (int i = 0; i < n; i++)
	{
		const char *words[LEM_FEATURE_NAMES + 1] = {NULL};
		JsonbValue	element;
		int			place;

		for (int j = 0; j < LEM_FEATURE_NAMES; j++)
			words[j] = lem_feature_name((lem_feature) j);
		(void) JsonbIteratorNext(&it, &element, true);
		place = find_word(&element, words);
		if (place < 0)
			bad_value(psprintf("%s[%d]", key->name, i), &element, list_words(words));
		for (int j = 0; j < c->n_named; j++)
			if (c->named[j] == (lem_feature) place)
				bad_value(psprintf("%s[%d]", key->name, i), &element,
						  "a feature that is not in the list yet");
		c->named[c->n_named++] = (lem_feature) place;
	}
}

static void
read_features_key(const config_key *key, JsonbValue *value, reading *r)
{
	lem_config *c = r->config;

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
		read_feature_list(key, value, c);
}

/* [low, high] */
static void
read_grid_range(const char *name, JsonbValue *value, lem_spline *spline)
{
	JsonbIterator *it;
	JsonbValue	end;
	int			n;

	if (!is_array(value))
		bad_value(name, value, "a list of two numbers");
	it = array_begin(value, &n);
	if (n != 2)
		bad_value(name, value, "a list of two numbers");
	(void) JsonbIteratorNext(&it, &end, true);
	spline->low = read_number(name, &end);
	(void) JsonbIteratorNext(&it, &end, true);
	spline->high = read_number(name, &end);
}

/* An element of sub_kan that is an object: a KAN, keys left out being the default's. */
static void
read_spline(const char *name, JsonbValue *value, lem_spline *spline)
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
			spline->order = read_int(path, &field);
		else if (lem_json_is(&key, "grid_size"))
			spline->intervals = read_int(path, &field);
		else if (lem_json_is(&key, "grid_range"))
			read_grid_range(path, &field, spline);
		else
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("unknown key %s in config key \"%s\"", lem_json_describe(&key), name),
					 errhint("Keys of a sub-layer are spline_order, grid_size and grid_range.")));
	}
}

static void
read_sub_kan_key(const config_key *key, JsonbValue *value, reading *r)
{
	lem_config *c = r->config;
	lem_config	defaults;
	JsonbIterator *it;
	int			n;

	if (!is_array(value))
		bad_value(key->name, value, "a list of sub-layers");
	it = array_begin(value, &n);
	if (n < 1 || n > LEM_MAX_SUB_LAYERS)
		bad_value(key->name, value, psprintf("a list of 1 to %d sub-layers", LEM_MAX_SUB_LAYERS));
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
			int			place;

			for (int j = 0; j <= LEM_ACTIVATION_SOFTPLUS; j++)
				words[j] = lem_activation_name((lem_activation) j);
			place = find_word(&element, words);
			if (place < 0)
				bad_value(name, &element, list_words(words));
			memset(sub, 0, sizeof(*sub));
			sub->activation = (lem_activation) place;
		}
		else if (element.type == jbvNumeric)
			sub->spline.order = read_int(name, &element);
		else if (is_object(&element))
			read_spline(name, &element, &sub->spline);
		else if (element.type != jbvNull)
			bad_value(name, &element, "null, a spline order, an object or an activation");
	}
}

#define FIELD(name) offsetof(lem_config, name)

static const config_key keys[] = {
	{"lookback", read_int_key, FIELD(lookback), NULL},
	{"n_ahead", read_int_key, FIELD(n_ahead), NULL},
	{"hidden_size", read_int_key, FIELD(hidden_size), NULL},
	{"hidden_rnn_layer", read_int_key, FIELD(hidden_rnn_layer), NULL},
	{"num_heads", read_int_key, FIELD(num_heads), NULL},
	{"num_embedding", read_int_key, FIELD(num_embedding), NULL},
	{"fused_mlp_hidden_dim", read_int_key, FIELD(fused_mlp_hidden_dim), NULL},
	{"max_scale_factor", read_number_key, FIELD(max_scale_factor), NULL},
	{"features", read_features_key, 0, NULL},
	{"extra_features", read_int_key, FIELD(extra_features), NULL},
	{"norm_window", read_norm_window_key, 0, NULL},
	{"bar_interval", read_bar_interval_key, 0, NULL},
	{"time_zone", read_time_zone_key, 0, NULL},
	{"calendar", read_calendar_key, 0, NULL},
	{"gaps", read_gaps_key, 0, gaps_words},
	{"recurrent", read_recurrent_key, 0, recurrent_words},
	{"variable_selection", read_bool_key, FIELD(variable_selection), NULL},
	{"attention", read_bool_key, FIELD(attention), NULL},
	{"heads", read_words_key, FIELD(shared_heads), heads_words},
	{"finish_gate", read_finish_gate_key, FIELD(finish_gate), NULL},
	{"notional_state", read_words_key, FIELD(notional_price), notional_words},
	{"price_unit", read_price_unit_key, FIELD(price_sigma), price_words},
	{"tkan_candidate", read_words_key, FIELD(tkan_linear), candidate_words},
	{"sub_kan", read_sub_kan_key, 0, NULL},
	{"storage", read_storage_key, 0, storage_words},
	{"base", read_base_key, FIELD(stop_base), base_words},
	{"steps", read_steps_key, FIELD(shared_steps), steps_words},
	{"impact", read_words_key, FIELD(impact), impact_words},
	{"trunk", read_words_key, FIELD(shared_trunk), trunk_words},
	{"context_rows", read_int_key, FIELD(context_rows), NULL},
	{"horizon", read_int_key, FIELD(horizon), NULL},
	{"spread", read_words_key, FIELD(quoted), spread_words},
	{"mixture", read_mixture_key, 0, mixture_words},
	{"expert_dim", read_int_key, FIELD(expert_dim), NULL},
};

static void unknown_key(const JsonbValue *name) pg_attribute_noreturn();

/* Say which keys there are, and which one was probably meant. */
static void
unknown_key(const JsonbValue *name)
{
	StringInfoData hint;
	const char *nearest = NULL;
	int			distance = 4;	/* further away than this is another word */

	for (size_t i = 0; i < lengthof(keys) && name->val.string.len < NAMEDATALEN; i++)
	{
		int			d = varstr_levenshtein(name->val.string.val, name->val.string.len,
										   keys[i].name, strlen(keys[i].name), 1, 1, 1, true);

		if (d < distance)
		{
			distance = d;
			nearest = keys[i].name;
		}
	}
	initStringInfo(&hint);
	if (nearest)
		appendStringInfo(&hint, "Perhaps you meant \"%s\". ", nearest);
	appendStringInfoString(&hint, "Known keys are");
	for (size_t i = 0; i < lengthof(keys); i++)
		appendStringInfo(&hint, "%s %s", i == 0 ? "" : ",", keys[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown config key %s", lem_json_describe(name)),
			 errhint("%s.", hint.data)));
}

static void
read_config(Jsonb *json, bool stored, lem_config *config, pg_tz **time_zone)
{
	reading		r = {.config = config, .stored = stored};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;
	lem_fault	fault;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("a model's config must be a JSON object")));
	lem_config_default(config);
	r.time_zone = pg_tzset("UTC");
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		const config_key *known = NULL;
		JsonbValue	value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		for (size_t i = 0; known == NULL && i < lengthof(keys); i++)
			if (lem_json_is(&key, keys[i].name))
				known = &keys[i];
		if (known == NULL)
			unknown_key(&key);
		known->read(known, &value, &r);
	}
	if (config->feature_set == LEM_FEATURES_PAPER)
	{
		if (r.price_unit && config->price_sigma)
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("config key \"price_unit\" cannot be \"sigma\" with the features \"paper\""),
					 errhint("That set has no standard deviation to measure prices by; leave the key out.")));
		config->price_sigma = false;
	}

	/* Either of the two keys says the other, and there is no gate to finish by. */
	if (r.base && !r.steps)
		config->shared_steps = config->stop_base;
	if (r.steps && !r.base)
		config->stop_base = config->shared_steps;
	if (r.base && r.steps && config->stop_base != config->shared_steps)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("config keys \"base\" and \"steps\" do not go together: \"%s\" and \"%s\"",
						base_words[config->stop_base], steps_words[config->shared_steps]),
				 errhint("\"optimal_stop\" goes with \"shared\", \"curve\" with \"separate\".")));
	if (config->stop_base && !r.finish_gate)
		config->finish_gate = false;
	if (config->shared_trunk && !config->stop_base)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("config key \"trunk\" cannot be \"shared\" with \"base\" \"%s\"",
						base_words[config->stop_base]),
				 errhint("Models on top of the exact optimum have a trunk for all orders: say \"base\": \"optimal_stop\", or leave \"trunk\" out.")));
	lem_pg_check(lem_parameters_check(config, &fault), &fault);
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

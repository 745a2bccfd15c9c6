/* maker_options.c: the options of market making's backtests from JSON. */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"
#include "pg/making/maker_options.h"

/* How a value is read. */
typedef enum value_kind
{
	VALUE_NUMBER,				/* a double within low and high */
	VALUE_COUNT,				/* an int likewise */
	VALUE_FLAG,					/* a bool */
	VALUE_WORD,					/* one of words, as an int or, if flag, as a bool */
	VALUE_ZONE
} value_kind;

typedef struct option_key
{
	const char *name;
	value_kind	kind;
	size_t		field;
	double		low;
	double		high;
	const char *words[4];
	bool		flag;
} option_key;

#define FIELD(name) offsetof(lem_maker_options, name)

static const option_key keys[] = {
	{"fill", VALUE_WORD, FIELD(rules.fill), 0, 0, {"through", "touch", "queue"}, false},
	{"queue_share", VALUE_NUMBER, FIELD(rules.queue_share), 0, 1, {NULL}, false},
	{"sides", VALUE_WORD, FIELD(rules.worst), 0, 0, {"both", "worst"}, true},
	{"latency", VALUE_COUNT, FIELD(rules.latency), 0, LEM_MAX_LATENCY, {NULL}, false},
	{"close", VALUE_FLAG, FIELD(rules.close), 0, 0, {NULL}, false},
	{"map", VALUE_WORD, FIELD(rules.map_in_position), 0, 0, {"all", "position"}, true},
	{"sessions", VALUE_WORD, FIELD(sessions), 0, 0, {"day", "none"}, false},
	{"time_zone", VALUE_ZONE, FIELD(time_zone), 0, 0, {NULL}, false},
	{"horizon", VALUE_COUNT, FIELD(horizon), 1, LEM_MAKER_MAX_HORIZON, {NULL}, false},
	{"fit", VALUE_NUMBER, FIELD(fit), 0, 0.95, {NULL}, false},
	{"ticks", VALUE_NUMBER, FIELD(ticks), 0, 1e9, {NULL}, false},
	{"risk_aversion", VALUE_NUMBER, FIELD(risk_aversion), 1e-6, 1e6, {NULL}, false},
	{"tau", VALUE_NUMBER, FIELD(tau), 1e-6, 1e9, {NULL}, false},
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
read_number(const option_key *key, const JsonbValue *value, double *to)
{
	double		number = NAN;

	if (value->type == jbvNumeric)
		number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(value->val.numeric)));
	if (!(number >= key->low && number <= key->high))
		bad_option(key, value, psprintf("a number from %s to %s", lem_number_text(key->low),
										lem_number_text(key->high)));
	*to = number;
}

/* One of a key's words: its place. */
static int
read_word(const option_key *key, const JsonbValue *value)
{
	StringInfoData wanted;

	initStringInfo(&wanted);
	for (int i = 0; i < (int) lengthof(key->words) && key->words[i]; i++)
	{
		if (lem_json_is(value, key->words[i]))
			return i;
		appendStringInfo(&wanted, "%s\"%s\"", i == 0 ? "one of " : ", ", key->words[i]);
	}
	bad_option(key, value, wanted.data);
}

static void
read_value(const option_key *key, const JsonbValue *value, lem_maker_options *options)
{
	void	   *to = (char *) options + key->field;
	int64		count;

	switch (key->kind)
	{
		case VALUE_NUMBER:
			read_number(key, value, to);
			break;
		case VALUE_COUNT:
			if (!lem_json_integer(value, (int64) key->low, (int64) key->high, &count))
				bad_option(key, value, psprintf("a whole number from %.0f to %.0f", key->low,
												key->high));
			*(int *) to = (int) count;
			break;
		case VALUE_FLAG:
			if (value->type != jbvBool)
				bad_option(key, value, "true or false");
			*(bool *) to = value->val.boolean;
			break;
		case VALUE_WORD:
			if (key->flag)
				*(bool *) to = read_word(key, value) == 1;
			else
				*(int *) to = read_word(key, value);
			break;
		case VALUE_ZONE:
			{
				char	   *hint = NULL;

				*(pg_tz **) to = value->type != jbvString ? NULL :
					lem_zone_find(pnstrdup(value->val.string.val, value->val.string.len), &hint);
				if (*(pg_tz **) to == NULL)
					bad_option(key, value, "the name of a time zone, such as \"UTC\"");
				break;
			}
	}
}

static void unknown_option(const JsonbValue *name) pg_attribute_noreturn();

static void
unknown_option(const JsonbValue *name)
{
	StringInfoData hint;

	initStringInfo(&hint);
	for (size_t i = 0; i < lengthof(keys); i++)
		appendStringInfo(&hint, "%s %s", hint.len == 0 ? "" : ",", keys[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown option %s", lem_json_describe(name)),
			 errhint("Known options are%s.", hint.data)));
}

void
lem_maker_options_read(Jsonb *json, lem_maker_options *options)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	name;

	memset(options, 0, sizeof(*options));
	options->rules.close = true;
	options->rules.queue_share = 0.5;
	options->time_zone = pg_tzset("UTC");
	options->fit = 0.5;
	options->ticks = 1;
	options->risk_aversion = 0.1;
	options->tau = 100;
	if (json == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the options must be a JSON object")));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &name, true)) != WJB_DONE)
	{
		const option_key *known = NULL;
		JsonbValue	value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		for (size_t i = 0; known == NULL && i < lengthof(keys); i++)
		{
			if (lem_json_is(&name, keys[i].name))
				known = &keys[i];
		}
		if (known == NULL)
			unknown_option(&name);
		read_value(known, &value, options);
		options->fill_given = options->fill_given || known->field == FIELD(rules.fill);
	}
}

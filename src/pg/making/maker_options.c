/* maker_options.c: the options of market making's backtests from JSON. */
#include "postgres.h"

#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/catalog/json_read.h"
#include "pg/making/maker_options.h"

static const char *const fill_words[] = {"through", "touch", "queue", NULL};
static const char *const sides_words[] = {"both", "worst", NULL};
static const char *const map_words[] = {"all", "position", NULL};
static const char *const sessions_words[] = {"day", "none", NULL};

static void
read_zone(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_maker_options *options = target;
	char	   *hint;

	options->time_zone = value->type != jbvString ? NULL :
		lem_zone_find(pnstrdup(value->val.string.val, value->val.string.len), &hint);
	if (options->time_zone == NULL)
		lem_keys_refuse(keys, key->name, value, "the name of a time zone, such as \"UTC\"");
}

#define FIELD(name) offsetof(lem_maker_options, name)

static const lem_key option[] = {
	{"fill", LEM_KEY_WORD, .field = FIELD(rules.fill), .words = fill_words},
	{"queue_share", LEM_KEY_NUMBER, FIELD(rules.queue_share), 0, 1, .read = NULL},
	{"sides", LEM_KEY_CHOICE, .field = FIELD(rules.worst), .words = sides_words},
	{"latency", LEM_KEY_INT, FIELD(rules.latency), 0, LEM_MAX_LATENCY, .read = NULL},
	{"close", LEM_KEY_FLAG, .field = FIELD(rules.close)},
	{"map", LEM_KEY_CHOICE, .field = FIELD(rules.map_in_position), .words = map_words},
	{"sessions", LEM_KEY_WORD, .field = FIELD(sessions), .words = sessions_words},
	{"time_zone", LEM_KEY_OWN, .read = read_zone},
	{"horizon", LEM_KEY_INT, FIELD(horizon), 1, LEM_MAKER_MAX_HORIZON, .read = NULL},
	{"fit", LEM_KEY_NUMBER, FIELD(fit), 0, 0.95, .read = NULL},
	{"ticks", LEM_KEY_NUMBER, FIELD(ticks), 0, 1e9, .read = NULL},
	{"risk_aversion", LEM_KEY_NUMBER, FIELD(risk_aversion), 1e-6, 1e6, .read = NULL},
	{"tau", LEM_KEY_NUMBER, FIELD(tau), 1e-6, 1e9, .read = NULL},
};

static const lem_keys options = {
	option, lengthof(option), "the options", "option", "options", .nearest = false
};

void
lem_maker_options_read(Jsonb *json, lem_maker_options *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->rules.close = true;
	settings->rules.queue_share = 0.5;
	settings->time_zone = pg_tzset("UTC");
	settings->fit = 0.5;
	settings->ticks = 1;
	settings->risk_aversion = 0.1;
	settings->tau = 100;
	if (json == NULL)
		return;
	lem_keys_read(&options, 0, json, settings);
	settings->fill_given = lem_json_has(json, "fill");
}

/* backtest_options.c: the options of backtests and baselines from JSON. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/market/gaps.h"
#include "core/market/habit.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"
#include "pg/catalog/json_read.h"
#include "pg/catalog/optimum_cache.h"
#include "pg/judging/backtest_options.h"

static const char *const alignment_words[] = {
	[LEM_ALIGN_CAUSAL] = "causal", [LEM_ALIGN_PAPER] = "paper", NULL
};
static const char *const impact_words[] = {
	[LEM_IMPACT_NONE] = "none", [LEM_IMPACT_SQRT] = "sqrt", [LEM_IMPACT_ALMGREN] = "almgren2005", NULL
};

/* True: closes are needed; false: they are not looked at. */
static void
read_close(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_backtest *test = &((lem_backtest_settings *) target)->test;

	if (value->type != jbvBool)
		lem_keys_refuse(keys, key->name, value, "true or false");
	test->baselines.optimal.close = value->val.boolean ? LEM_CLOSE_USED : LEM_CLOSE_UNUSED;
}

static void
read_every(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_backtest *test = &((lem_backtest_settings *) target)->test;
	int64		number;

	if (!lem_json_integer(value, 1, PG_INT32_MAX, &number))
		lem_keys_refuse(keys, key->name, value, "a number of bars of at least 1");
	test->every = number;
}

/* A time, or null for none; false for null. */
static bool
read_time(const lem_keys *keys, const lem_key *key, const JsonbValue *value, int64 *ts)
{
	static const char *const wanted = "a time, such as \"2026-01-01 00:00+00\", or null";

	if (value->type == jbvNull)
		return false;
	if (value->type != jbvString)
		lem_keys_refuse(keys, key->name, value, wanted);
	*ts = DatumGetTimestampTz(lem_input(F_TIMESTAMPTZ_IN,
										pnstrdup(value->val.string.val, value->val.string.len),
										ERRCODE_LEM_INVALID_CONFIG,
										psprintf("invalid value for option \"%s\": %s", key->name,
												 lem_json_describe(value)),
										psprintf("It must be %s.", wanted)));
	return true;
}

static void
read_from(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_backtest *test = &((lem_backtest_settings *) target)->test;

	test->has_from = read_time(keys, key, value, &test->from);
}

static void
read_until(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_backtest *test = &((lem_backtest_settings *) target)->test;

	test->has_until = read_time(keys, key, value, &test->until);
}

/* A list of names of baselines, none twice. */
static void
read_baselines(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	lem_backtest *test = &((lem_backtest_settings *) target)->test;
	static const char *const wanted = "a list of different baselines: \"twap\", \"vwap_curve\", "
	"\"almgren_chriss\", \"stop_rule\", \"optimal_stop\"";
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		lem_keys_refuse(keys, key->name, value, wanted);
	it = JsonbIteratorInit(value->val.binary.data);
	test->n_baselines = 0;
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		int			kind = -1;

		if (token != WJB_ELEM)
			continue;
		if (item.type == jbvString)
			kind = lem_baseline_find(pnstrdup(item.val.string.val, item.val.string.len));
		for (int i = 0; i < test->n_baselines; i++)
		{
			if ((int) test->baseline[i] == kind)
				kind = -1;
		}
		if (kind < 0)
			lem_keys_refuse(keys, key->name, value, wanted);
		test->baseline[test->n_baselines++] = (lem_baseline) kind;
	}
}

/* What a report holds a backtest against: a model or a baseline; null is as if it were left out. */
static void
read_yardstick(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	(void) target;
	if (value->type != jbvNull && value->type != jbvString)
		lem_keys_refuse(keys, key->name, value, "a model, or a baseline such as \"baseline:twap\"");
}

static void
read_minimum(const lem_keys *keys, const char *name, const JsonbValue *element)
{
	int64		bars;

	if (!lem_json_integer(element, 1, PG_INT32_MAX, &bars))
		lem_keys_refuse(keys, name, element, "a number of bars of at least 1");
}

/* The shortest orders that a report compares, in bars; null is as if they were left out. */
static void
read_minima(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	(void) target;
	if (value->type != jbvNull)
		lem_keys_each(keys, key, value, "a list of numbers of bars, such as [3, 6]", read_minimum);
}

/* Keys of a config are read with the others of one (below). */
static void
read_window(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	(void) keys;
	(void) key;
	(void) value;
	(void) target;
}

#define FIELD(name) offsetof(lem_backtest_settings, test.name)

static const lem_key option[] = {
	{"c", LEM_KEY_NUMBER, FIELD(baselines.c), 0, 1e6, .groups = LEM_OPTIONS_RULES},
	{"risk_aversion", LEM_KEY_NUMBER, FIELD(baselines.risk_aversion), 0, 1e15, .groups = LEM_OPTIONS_RULES},
	{"gamma", LEM_KEY_NUMBER, FIELD(baselines.optimal.risk_aversion), 0, LEM_OPTIMUM_MAX_AVERSION, .groups = LEM_OPTIONS_RULES},
	{"close", LEM_KEY_OWN, .read = read_close, .groups = LEM_OPTIONS_RULES},
	{"size", LEM_KEY_NUMBER, FIELD(baselines.optimal.size), 0, 1e9, .groups = LEM_OPTIONS_RULES},
	{"n_ahead", LEM_KEY_INT, offsetof(lem_backtest_settings, n_ahead), 1, LEM_MAX_AHEAD, .groups = LEM_OPTIONS_WINDOW},
	{"norm_window", LEM_KEY_OWN, .read = read_window, .groups = LEM_OPTIONS_WINDOW},
	{"bar_interval", LEM_KEY_OWN, .read = read_window, .groups = LEM_OPTIONS_WINDOW},
	{"time_zone", LEM_KEY_OWN, .read = read_window, .groups = LEM_OPTIONS_WINDOW},
	{"gaps", LEM_KEY_OWN, .read = read_window, .groups = LEM_OPTIONS_WINDOW},
	{"calendar", LEM_KEY_OWN, .read = read_window, .groups = LEM_OPTIONS_WINDOW},
	{"every", LEM_KEY_OWN, .read = read_every, .groups = LEM_OPTIONS_TEST},
	{"alignment", LEM_KEY_WORD, .field = FIELD(alignment), .words = alignment_words,
	.groups = LEM_OPTIONS_TEST},
	{"from", LEM_KEY_OWN, .read = read_from, .groups = LEM_OPTIONS_TEST},
	{"until", LEM_KEY_OWN, .read = read_until, .groups = LEM_OPTIONS_TEST},
	{"fee_bps", LEM_KEY_NUMBER, FIELD(costs.fee_bps), -1e4, 1e4, .groups = LEM_OPTIONS_TEST},
	{"impact", LEM_KEY_WORD, .field = FIELD(costs.impact), .words = impact_words,
	.groups = LEM_OPTIONS_RULES | LEM_OPTIONS_TEST},
	{"impact_coefficient", LEM_KEY_NUMBER, FIELD(costs.coefficient), 0, 1e6, .groups = LEM_OPTIONS_RULES | LEM_OPTIONS_TEST},
	{"turnover_days", LEM_KEY_NUMBER, FIELD(costs.turnover_days), 0, 1e9, .groups = LEM_OPTIONS_TEST},
	{"baselines", LEM_KEY_OWN, .read = read_baselines, .groups = LEM_OPTIONS_COMPARE},
	{"yardstick", LEM_KEY_OWN, .read = read_yardstick, .groups = LEM_OPTIONS_REPORT},
	{"minima", LEM_KEY_OWN, .read = read_minima, .groups = LEM_OPTIONS_REPORT},
};

static const lem_keys options = {
	option, lengthof(option), "the options", "option", "options", .nearest = false
};

/*
 * The options that are keys of a config, as one whose windows need no more bars than its norm_window;
 * NULL: there are none.  n_ahead is among them, but not in it: a baseline has none of the networks that
 * a config's bounds are for.
 */
static Jsonb *
read_windows(Jsonb *json)
{
	JsonbParseState *window = NULL;
	JsonbValue	name = {.type = jbvString, .val.string = {8, "lookback"}};
	JsonbValue	two = {.type = jbvNumeric, .val.numeric = int64_to_numeric(2)};
	bool		found = false;

	pushJsonbValue(&window, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&window, WJB_KEY, &name);
	pushJsonbValue(&window, WJB_VALUE, &two);
	for (size_t i = 0; i < lengthof(option); i++)
	{
		JsonbValue *value;

		if (option[i].groups != LEM_OPTIONS_WINDOW)
			continue;
		name.val.string.val = unconstify(char *, option[i].name);
		name.val.string.len = (int) strlen(option[i].name);
		value = getKeyJsonValueFromContainer(&json->root, option[i].name, name.val.string.len,
											 NULL);
		if (value == NULL)
			continue;
		found = true;
		if (option[i].kind != LEM_KEY_OWN)
			continue;
		pushJsonbValue(&window, WJB_KEY, &name);
		pushJsonbValue(&window, WJB_VALUE, value);
	}
	return found ? JsonbValueToJsonb(pushJsonbValue(&window, WJB_END_OBJECT, NULL)) : NULL;
}

void
lem_backtest_settings_read(Jsonb *json, int groups, const lem_backtest *before,
						   lem_backtest_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	if (before)
		settings->test = *before;
	else
		lem_backtest_default(&settings->test);
	settings->test.baselines.optimal.source =
		(lem_optimum_source) {lem_optimum_find_for, NULL};
	if (groups & LEM_OPTIONS_COMPARE)
	{
		settings->test.n_baselines = LEM_BASELINES;
		for (int i = 0; i < LEM_BASELINES; i++)
			settings->test.baseline[i] = (lem_baseline) i;
	}
	if (json == NULL)
		return;
	lem_keys_read(&options, groups, json, settings);
	settings->has_risk_aversion = lem_json_has(json, "risk_aversion");
	settings->test.baselines.optimal.impact = settings->test.costs.impact == LEM_IMPACT_SQRT;
	settings->test.baselines.optimal.coefficient = settings->test.costs.coefficient;
	settings->window = read_windows(json);
}

void
lem_backtest_settings_lead(lem_backtest_settings *settings, lem_baseline kind)
{
	lem_baseline_options *rules = &settings->test.baselines;
	lem_baseline_options defaults;

	if (kind != LEM_BASELINE_OPTIMAL_STOP || !settings->has_risk_aversion)
		return;
	if (rules->risk_aversion > LEM_OPTIMUM_MAX_AVERSION)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the risk aversion of \"optimal_stop\" cannot be %s",
						lem_number_text(rules->risk_aversion)),
				 errhint("It is by a bar's standard deviation, and at most %s.",
						 lem_number_text(LEM_OPTIMUM_MAX_AVERSION))));
	lem_baseline_options_default(&defaults);
	rules->optimal.risk_aversion = rules->risk_aversion;
	rules->risk_aversion = defaults.risk_aversion;
}

lem_alignment
lem_alignment_read(const char *word)
{
	if (pg_strcasecmp(word, "causal") == 0)
		return LEM_ALIGN_CAUSAL;
	if (pg_strcasecmp(word, "paper") == 0)
		return LEM_ALIGN_PAPER;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid alignment: \"%s\"", lem_clip_text(word)),
			 errhint("It is \"causal\" or \"paper\".")));
}

const char *
lem_alignment_word(lem_alignment alignment)
{
	return alignment == LEM_ALIGN_PAPER ? "paper" : "causal";
}

lem_baseline
lem_baseline_read(const char *name)
{
	int			kind = lem_baseline_find(name);

	if (kind < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown baseline \"%s\"", lem_clip_text(name)),
				 errhint("Baselines are \"twap\", \"vwap_curve\", \"almgren_chriss\", "
						 "\"stop_rule\" and \"optimal_stop\".")));
	return (lem_baseline) kind;
}

bool
lem_baseline_named(const char *model, lem_baseline *kind)
{
	if (strncmp(model, LEM_BASELINE_PREFIX, strlen(LEM_BASELINE_PREFIX)) != 0)
		return false;
	*kind = lem_baseline_read(model + strlen(LEM_BASELINE_PREFIX));
	return true;
}

/* Differences between bars that tell whether they come in sessions. */
#define SESSION_BARS 2000

lem_gaps
lem_shown_gaps(const lem_config *config, const lem_series *series, bool tell)
{
	uint64_t	scratch[64];
	int64		interval = config->bar_interval;

	if (interval <= 0)
		interval = lem_gap_interval(series, series->n, lengthof(scratch), scratch);
	if (interval <= 0 || !lem_habit_sessions(series, series->n, SESSION_BARS, interval))
		return LEM_GAPS_CARRY;
	if (tell)
		ereport(NOTICE,
				(errmsg("the bars come in sessions: \"gaps\" is taken to be \"skip\""),
				 errdetail("More than a tenth of the time has no bars, in stretches of several."),
				 errhint("The option \"gaps\" says it: \"carry\" plays nights and weekends as "
						 "bars without volume.")));
	return LEM_GAPS_SKIP;
}

void
lem_baseline_windows(const lem_backtest_settings *settings, const lem_order *order,
					 const lem_series *series, lem_model_row *row)
{
	lem_config *config = &row->config;
	lem_config	given;
	bool		has_gaps = false;

	memset(row, 0, sizeof(*row));
	lem_baseline_config(config, order->max_bars > 0 ? order->max_bars : LEM_BASELINE_HORIZON,
						series->n_features);
	row->time_zone = pg_tzset("UTC");
	if (settings->window)
	{
		/* A key that was given replaces its default; the check of configs has passed it. */
		lem_config_read(settings->window, &given, &row->time_zone);
		if (settings->n_ahead > 0)
			config->n_ahead = settings->n_ahead;
		config->norm_window = given.norm_window;
		config->bar_interval = given.bar_interval;
		memcpy(config->calendar, given.calendar, sizeof(config->calendar));
		has_gaps = getKeyJsonValueFromContainer(&settings->window->root, "gaps", 4, NULL) != NULL;
		if (has_gaps)
			config->gaps = given.gaps;
	}
	if (!has_gaps)
		config->gaps = lem_shown_gaps(config, series, true);
}

void
lem_baseline_check(lem_status status, const lem_fault *fault)
{
	if (status == LEM_SHORT_HISTORY)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_SHORT_HISTORY),
				 errmsg("the order has %s completed bars before its start, but the baseline needs "
						"%s", lem_number_text(fault->have), lem_number_text(fault->want)),
				 errhint("Pass more history, or a smaller norm_window.")));
	lem_pg_check(status, fault);
}

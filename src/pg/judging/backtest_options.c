/* backtest_options.c: the options of backtests and baselines from JSON. */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/market/gaps.h"
#include "core/market/habit.h"
#include "pg/base/errors.h"
#include "pg/catalog/config_json.h"
#include "pg/judging/backtest_options.h"
#include "pg/catalog/optimum_cache.h"

typedef struct option_key option_key;

/* A key: its group, how its value is read, where it goes, and the range of a number. */
struct option_key
{
	const char *name;
	int			group;
	void		(*read) (const option_key *key, const JsonbValue *value, lem_backtest *test);
	size_t		field;
	double		low;
	double		high;
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
read_number(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	const char *wanted = psprintf("a number from %s to %s", lem_number_text(key->low),
								  lem_number_text(key->high));
	double		number;

	if (value->type != jbvNumeric)
		bad_option(key, value, wanted);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= key->low && number <= key->high))
		bad_option(key, value, wanted);
	*(double *) ((char *) test + key->field) = number;
}

/* True: closes are needed; false: they are not looked at. */
static void
read_close(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	if (value->type != jbvBool)
		bad_option(key, value, "true or false");
	test->baselines.optimal.close = value->val.boolean ? LEM_CLOSE_USED : LEM_CLOSE_UNUSED;
}

static void
read_every(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	int64		number;

	if (!lem_json_integer(value, 1, PG_INT32_MAX, &number))
		bad_option(key, value, "a number of bars of at least 1");
	test->every = number;
}

static void
read_alignment(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	if (lem_json_is(value, "causal"))
		test->alignment = LEM_ALIGN_CAUSAL;
	else if (lem_json_is(value, "paper"))
		test->alignment = LEM_ALIGN_PAPER;
	else
		bad_option(key, value, "\"causal\" or \"paper\"");
}

static void
read_impact(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	if (lem_json_is(value, "none"))
		test->costs.impact = LEM_IMPACT_NONE;
	else if (lem_json_is(value, "sqrt"))
		test->costs.impact = LEM_IMPACT_SQRT;
	else if (lem_json_is(value, "almgren2005"))
		test->costs.impact = LEM_IMPACT_ALMGREN;
	else
		bad_option(key, value, "\"none\", \"sqrt\" or \"almgren2005\"");
}

/* A time, or null for none; false for null. */
static bool
read_time(const option_key *key, const JsonbValue *value, int64 *ts)
{
	static const char *const wanted = "a time, such as \"2026-01-01 00:00+00\", or null";

	if (value->type == jbvNull)
		return false;
	if (value->type != jbvString)
		bad_option(key, value, wanted);
	*ts = DatumGetTimestampTz(lem_input(F_TIMESTAMPTZ_IN,
										pnstrdup(value->val.string.val, value->val.string.len),
										ERRCODE_LEM_INVALID_CONFIG,
										psprintf("invalid value for option \"%s\": %s", key->name,
												 lem_json_describe(value)),
										psprintf("It must be %s.", wanted)));
	return true;
}

static void
read_from(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	test->has_from = read_time(key, value, &test->from);
}

static void
read_until(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	test->has_until = read_time(key, value, &test->until);
}

/* A list of names of baselines, none twice. */
static void
read_baselines(const option_key *key, const JsonbValue *value, lem_backtest *test)
{
	static const char *const wanted = "a list of different baselines: \"twap\", \"vwap_curve\", "
	"\"almgren_chriss\", \"stop_rule\", \"optimal_stop\"";
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		bad_option(key, value, wanted);
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
			bad_option(key, value, wanted);
		test->baseline[test->n_baselines++] = (lem_baseline) kind;
	}
}

#define FIELD(name) offsetof(lem_backtest, name)

static const option_key keys[] = {
	{"c", LEM_OPTIONS_RULES, read_number, FIELD(baselines.c), 0, 1e6},
	{"risk_aversion", LEM_OPTIONS_RULES, read_number, FIELD(baselines.risk_aversion), 0, 1e15},
	{"gamma", LEM_OPTIONS_RULES, read_number, FIELD(baselines.optimal.risk_aversion), 0,
	LEM_OPTIMUM_MAX_AVERSION},
	{"close", LEM_OPTIONS_RULES, read_close, 0, 0, 0},
	{"size", LEM_OPTIONS_RULES, read_number, FIELD(baselines.optimal.size), 0, 1e9},
	{"n_ahead", LEM_OPTIONS_WINDOW, NULL, 0, 0, 0},
	{"norm_window", LEM_OPTIONS_WINDOW, NULL, 0, 0, 0},
	{"bar_interval", LEM_OPTIONS_WINDOW, NULL, 0, 0, 0},
	{"time_zone", LEM_OPTIONS_WINDOW, NULL, 0, 0, 0},
	{"gaps", LEM_OPTIONS_WINDOW, NULL, 0, 0, 0},
	{"calendar", LEM_OPTIONS_WINDOW, NULL, 0, 0, 0},
	{"every", LEM_OPTIONS_TEST, read_every, 0, 0, 0},
	{"alignment", LEM_OPTIONS_TEST, read_alignment, 0, 0, 0},
	{"from", LEM_OPTIONS_TEST, read_from, 0, 0, 0},
	{"until", LEM_OPTIONS_TEST, read_until, 0, 0, 0},
	{"fee_bps", LEM_OPTIONS_TEST, read_number, FIELD(costs.fee_bps), -1e4, 1e4},
	{"impact", LEM_OPTIONS_RULES | LEM_OPTIONS_TEST, read_impact, 0, 0, 0},
	{"impact_coefficient", LEM_OPTIONS_RULES | LEM_OPTIONS_TEST, read_number, FIELD(costs.coefficient), 0, 1e6},
	{"turnover_days", LEM_OPTIONS_TEST, read_number, FIELD(costs.turnover_days), 0, 1e9},
	{"baselines", LEM_OPTIONS_COMPARE, read_baselines, 0, 0, 0},
};

static void unknown_option(const JsonbValue *name, int groups) pg_attribute_noreturn();

static void
unknown_option(const JsonbValue *name, int groups)
{
	StringInfoData hint;

	initStringInfo(&hint);
	for (size_t i = 0; i < lengthof(keys); i++)
	{
		if (keys[i].group & groups)
			appendStringInfo(&hint, "%s %s", hint.len == 0 ? "" : ",", keys[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown option %s", lem_json_describe(name)),
			 errhint("Known options are%s.", hint.data)));
}

/* A config whose windows need no more bars than its norm_window. */
static void
begin_window(JsonbParseState **window)
{
	JsonbValue	name = {.type = jbvString, .val.string = {8, "lookback"}};
	JsonbValue	two = {.type = jbvNumeric, .val.numeric = int64_to_numeric(2)};

	pushJsonbValue(window, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(window, WJB_KEY, &name);
	pushJsonbValue(window, WJB_VALUE, &two);
}

void
lem_backtest_settings_read(Jsonb *json, int groups, const lem_backtest *before,
						   lem_backtest_settings *settings)
{
	JsonbParseState *window = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	name;

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
			if ((keys[i].group & groups) && lem_json_is(&name, keys[i].name))
				known = &keys[i];
		}
		if (known == NULL)
			unknown_option(&name, groups);
		if (lem_json_is(&name, "risk_aversion"))
			settings->has_risk_aversion = true;
		if (known->read)
			known->read(known, &value, &settings->test);
		else
		{
			if (window == NULL)
				begin_window(&window);
			settings->has_n_ahead = settings->has_n_ahead || lem_json_is(&name, "n_ahead");
			pushJsonbValue(&window, WJB_KEY, &name);
			pushJsonbValue(&window, WJB_VALUE, &value);
		}
	}
	settings->test.baselines.optimal.impact = settings->test.costs.impact == LEM_IMPACT_SQRT;
	settings->test.baselines.optimal.coefficient = settings->test.costs.coefficient;
	if (window)
		settings->window = JsonbValueToJsonb(pushJsonbValue(&window, WJB_END_OBJECT, NULL));
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
		if (settings->has_n_ahead)
			config->n_ahead = given.n_ahead;
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

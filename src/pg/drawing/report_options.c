/* report_options.c: the options of reports. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"

#include "pg/base/clock.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/catalog/json_read.h"
#include "pg/judging/backtest_options.h"
#include "pg/making/maker_options.h"

/* Groups of options: of reports on orders that are worked, and on a day's. */
#define OF_ORDER 1
#define OF_DESK 2

static const char *const fills_words[] = {"market", "paper", NULL};

/* null is as if it were left out. */
static void
read_fills(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	(void) target;
	if (value->type != jbvNull)
		(void) lem_keys_word(keys, key->name, value, fills_words);
}

static void
read_time_zone(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	char	   *hint = NULL;

	(void) target;
	if (value->type == jbvNull)
		return;
	if (value->type != jbvString ||
		lem_zone_find(pnstrdup(value->val.string.val, value->val.string.len), &hint) == NULL ||
		hint != NULL)
		lem_keys_refuse(keys, key->name, value, "the name of a time zone, such as \"UTC\"");
}

static void
read_markout(const lem_keys *keys, const char *name, const JsonbValue *element)
{
	if (element->type != jbvString)
		lem_keys_refuse(keys, name, element, "an interval, such as \"5 minutes\"");
	(void) lem_input(F_INTERVAL_IN, pnstrdup(element->val.string.val, element->val.string.len),
					 ERRCODE_LEM_INVALID_CONFIG,
					 psprintf("invalid value for option \"%s\": %s", name,
							  lem_json_describe(element)),
					 "It must be an interval, such as \"5 minutes\".");
}

static void
read_markouts(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	(void) target;
	if (value->type != jbvNull)
		lem_keys_each(keys, key, value, "a list of intervals, such as [\"5 minutes\"]", read_markout);
}

static const lem_key option[] = {
	{"fills", LEM_KEY_OWN, .read = read_fills, .groups = OF_ORDER | OF_DESK},
	{"time_zone", LEM_KEY_OWN, .read = read_time_zone, .groups = OF_ORDER | OF_DESK},
	{"markouts", LEM_KEY_OWN, .read = read_markouts, .groups = OF_ORDER},
};

static const lem_keys options = {
	option, lengthof(option), "the options", "option", "options", .nearest = false
};

/*
 * _lem_report_options(kind text, options jsonb) RETURNS jsonb
 *
 * The options of a report of that kind (order, desk, backtest, maker), {} where there are none; raises
 * LM014 for unknown ones, and values of a wrong type.
 */
LEM_FUNCTION(pg_lem_report_options);

Datum
pg_lem_report_options(PG_FUNCTION_ARGS)
{
	lem_backtest_settings of_backtest;
	lem_maker_options of_maker;
	const char *kind;
	Jsonb	   *json;

	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	kind = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	json = PG_GETARG_JSONB_P(1);
	if (strcmp(kind, "backtest") == 0)
		lem_backtest_settings_read(json, LEM_OPTIONS_RULES | LEM_OPTIONS_WINDOW | LEM_OPTIONS_TEST |
								   LEM_OPTIONS_REPORT, NULL, &of_backtest);
	else if (strcmp(kind, "maker") == 0)
		lem_maker_options_read(json, &of_maker);
	else
		lem_keys_read(&options, strcmp(kind, "order") == 0 ? OF_ORDER : OF_DESK, json, NULL);
	PG_RETURN_JSONB_P(json);
}

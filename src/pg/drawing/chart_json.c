/* chart_json.c: a chart from JSON. */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/parameters/config.h"
#include "pg/base/errors.h"
#include "pg/catalog/json_read.h"
#include "pg/drawing/chart_json.h"

/* Most categories of a chart, each of which is a text: the bars of the longest order. */
#define MAX_CATEGORIES LEM_MAX_AHEAD

static const char *const mark_words[LEM_MARKS] = {
	[LEM_MARK_LINE] = "line", [LEM_MARK_STEP] = "step", [LEM_MARK_BAR] = "bar",
	[LEM_MARK_BAND] = "band", [LEM_MARK_POINT] = "point", [LEM_MARK_INTERVAL] = "interval"
};

static void bad_value(const char *key, const JsonbValue *value, const char *wanted)
			pg_attribute_noreturn();

static void
bad_value(const char *key, const JsonbValue *value, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("invalid value for \"%s\" of a chart: %s", key, lem_json_describe(value)),
			 errhint("It must be %s.", wanted)));
}

static lem_words
read_words(const char *key, const JsonbValue *value)
{
	char	   *text;

	if (value->type == jbvNull)
		return (lem_words) {NULL, 0};
	if (value->type != jbvString)
		bad_value(key, value, "a text");

	/* The core reads UTF-8. */
	text = pnstrdup(value->val.string.val, value->val.string.len);
	text = pg_server_to_any(text, value->val.string.len, PG_UTF8);
	return (lem_words) {text, strlen(text)};
}

static int
read_integer(const char *key, const JsonbValue *value, int low, int high)
{
	int64		number;

	if (!lem_json_integer(value, low, high, &number))
		bad_value(key, value, psprintf("a whole number from %d to %d", low, high));
	return (int) number;
}

static bool
read_bool(const char *key, const JsonbValue *value)
{
	if (value->type != jbvBool)
		bad_value(key, value, "true or false");
	return value->val.boolean;
}

static JsonbContainer *
read_array(const char *key, const JsonbValue *value, int most)
{
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		bad_value(key, value, "a list");
	if (JsonContainerSize(value->val.binary.data) > (uint32) most)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("\"%s\" of a chart has %u elements, more than %d", key,
						JsonContainerSize(value->val.binary.data), most),
				 errhint("Draw fewer: a picture shows about a thousand.")));
	return value->val.binary.data;
}

/* A number; null is nothing there, and a text is a time. */
static double
read_number(const char *key, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NAN;
		case jbvNumeric:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													  NumericGetDatum(value->val.numeric)));
		default:
			bad_value(key, value, "a list of numbers and nulls");
	}
}

static double *
read_numbers(const char *key, const JsonbValue *value, int *n)
{
	JsonbContainer *array = read_array(key, value, LEM_CHART_NUMBERS);
	JsonbIterator *it = JsonbIteratorInit(array);
	double	   *numbers = palloc_extended(sizeof(double) * (JsonContainerSize(array) + 1),
										  MCXT_ALLOC_HUGE);
	JsonbValue	item;
	JsonbIteratorToken token;

	*n = 0;
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			numbers[(*n)++] = read_number(key, &item);
	}
	return numbers;
}

static void
read_categories(const JsonbValue *value, lem_chart *chart)
{
	JsonbContainer *array = read_array("categories", value, MAX_CATEGORIES);
	JsonbIterator *it = JsonbIteratorInit(array);
	lem_words  *categories = palloc(sizeof(lem_words) * (JsonContainerSize(array) + 1));
	JsonbValue	item;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			categories[chart->n_categories++] = read_words("categories", &item);
	}
	chart->categories = categories;
}

static bool
is_key(const JsonbValue *key, const char *name)
{
	return key->val.string.len == (int) strlen(name) &&
		memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

static void unknown_key(const JsonbValue *key, const char *keys) pg_attribute_noreturn();

static void
unknown_key(const JsonbValue *key, const char *keys)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown key of a chart: \"%s\"",
					lem_clip_text(pnstrdup(key->val.string.val, key->val.string.len))),
			 errhint("Keys are %s.", keys)));
}

static void
read_series(const JsonbValue *value, lem_series_drawn *series)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	item;
	JsonbIteratorToken token;
	int			n_x = -1;
	int			n_y = -1;
	int			n_base = -1;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		bad_value("series", value, "a list of objects");
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &item, true);
		if (is_key(&key, "name"))
			series->name = read_words("name", &item);
		else if (is_key(&key, "mark"))
		{
			int			mark = 0;

			while (mark < LEM_MARKS &&
				   !(item.type == jbvString && is_key(&item, mark_words[mark])))
				mark++;
			if (mark == LEM_MARKS)
				bad_value("mark", &item, "\"line\", \"step\", \"bar\", \"band\", \"point\" or \"interval\"");
			series->mark = (lem_mark) mark;
		}
		else if (is_key(&key, "colour"))
			series->colour = read_integer("colour", &item, 0, LEM_COLOURS - 1);
		else if (is_key(&key, "x"))
			series->x = read_numbers("x", &item, &n_x);
		else if (is_key(&key, "y"))
			series->y = read_numbers("y", &item, &n_y);
		else if (is_key(&key, "base"))
			series->base = read_numbers("base", &item, &n_base);
		else
			unknown_key(&key, "name, mark, colour, x, y and base in a series");
	}
	if (n_y < 0 || (n_x >= 0 && n_x != n_y) || (n_base >= 0 && n_base != n_y))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the lists of a series differ in length: x has %d, y has %d, base has %d elements",
						Max(n_x, 0), Max(n_y, 0), Max(n_base, 0)),
				 errhint("A series has y, and as many numbers in x and base where it has them.")));
	series->n = n_y;
}

static void
read_all_series(const JsonbValue *value, lem_chart *chart)
{
	JsonbContainer *array = read_array("series", value, LEM_CHART_SERIES);
	JsonbIterator *it = JsonbIteratorInit(array);
	lem_series_drawn *series = palloc0(sizeof(lem_series_drawn) * (JsonContainerSize(array) + 1));
	JsonbValue	item;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		series[chart->n_series].colour = chart->n_series % LEM_COLOURS;
		read_series(&item, &series[chart->n_series++]);
	}
	chart->series = series;
}

void
lem_chart_read(Jsonb *json, lem_chart *chart)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	item;
	JsonbIteratorToken token;

	*chart = (lem_chart) {.width = 480, .height = 260};
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("a chart must be a JSON object")));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &item, true);
		if (is_key(&key, "title"))
			chart->title = read_words("title", &item);
		else if (is_key(&key, "x_label"))
			chart->x_label = read_words("x_label", &item);
		else if (is_key(&key, "y_label"))
			chart->y_label = read_words("y_label", &item);
		else if (is_key(&key, "width"))
			chart->width = read_integer("width", &item, 200, 2000);
		else if (is_key(&key, "height"))
			chart->height = read_integer("height", &item, 120, 2000);
		else if (is_key(&key, "times"))
			chart->x_times = read_bool("times", &item);
		else if (is_key(&key, "zero"))
			chart->y_zero = read_bool("zero", &item);
		else if (is_key(&key, "overlay"))
			chart->overlay = read_bool("overlay", &item);
		else if (is_key(&key, "categories"))
			read_categories(&item, chart);
		else if (is_key(&key, "series"))
			read_all_series(&item, chart);
		else
			unknown_key(&key, "title, x_label, y_label, width, height, times, zero, overlay, categories and series");
	}

	/* Times come as seconds since 1970, as EXTRACT(epoch FROM ...) gives them. */
	for (int s = 0; chart->x_times && s < chart->n_series; s++)
	{
		double	   *x = (double *) chart->series[s].x;

		for (int i = 0; x && i < chart->series[s].n; i++)
			x[i] = (x[i] - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (double) SECS_PER_DAY) * USECS_PER_SEC;
	}
}

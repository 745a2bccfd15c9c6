/* calendar_json.c: calendars as JSON. */
#include "postgres.h"

#include "pgtime.h"
#include "utils/builtins.h"

#include "core/market/holidays.h"
#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/catalog/calendar_json.h"
#include "pg/catalog/json_read.h"

static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static void invalid(const char *what, const JsonbValue *value, const char *wanted)
			pg_attribute_noreturn();

static void
invalid(const char *what, const JsonbValue *value, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s of a calendar: %s", what,
					value ? lem_json_describe(value) : "none"),
			 errhint("It must be %s.", wanted)));
}

void
lem_calendar_begin(lem_calendar_draft *draft, const char *time_zone)
{
	char	   *hint;
	pg_tz	   *tz = lem_zone_find(time_zone, &hint);

	memset(draft, 0, sizeof(*draft));
	if (tz == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", lem_clip_text(time_zone)),
				 errhint("%s", hint ? hint : "Time zones are listed in pg_timezone_names.")));
	draft->calendar.clock = lem_zone_clock(tz);
	draft->max_sessions = 16;
	draft->session = palloc(draft->max_sessions * sizeof(lem_session));
	draft->max_days = 256;
	draft->days = palloc(draft->max_days * sizeof(lem_day_sessions));
}

/* Minutes from midnight of "09:30", "24:00" or "-06:00", the evening before. */
static int
read_time(const JsonbValue *value)
{
	static const char *const wanted = "a time such as \"09:30\", or \"-06:00\" for six hours before "
	"midnight";
	const char *text;
	int			length;
	int			at = 0;
	int			minutes = 0;

	if (value == NULL || value->type != jbvString)
		invalid("time", value, wanted);
	text = value->val.string.val;
	length = value->val.string.len;
	at = length > 0 && text[0] == '-';
	if (length - at != 5 || text[at + 2] != ':')
		invalid("time", value, wanted);
	for (int i = 0; i < 5; i++)
		if (i != 2 && (text[at + i] < '0' || text[at + i] > '9'))
			invalid("time", value, wanted);
	minutes = ((text[at] - '0') * 10 + text[at + 1] - '0') * 60
		+ (text[at + 3] - '0') * 10 + text[at + 4] - '0';
	if (text[at + 3] > '5' || minutes > LEM_DAY_MINUTES)
		invalid("time", value, wanted);
	return at ? -minutes : minutes;
}

static bool
is_container(const JsonbValue *value, bool array)
{
	return value && value->type == jbvBinary &&
		(array ? JsonContainerIsArray(value->val.binary.data) &&
		 !JsonContainerIsScalar(value->val.binary.data) :
		 JsonContainerIsObject(value->val.binary.data));
}

/* Add a list of sessions: where they are. */
static lem_day_sessions
read_list(lem_calendar_draft *draft, JsonbContainer *list)
{
	static const char *const wanted = "a list of pairs of times, such as [[\"09:30\", \"16:00\"]], "
	"each after the one before";
	const int	count = JsonContainerSize(list);
	lem_day_sessions of = {.first = draft->n_sessions, .count = count};

	for (int i = 0; i < count; i++)
	{
		JsonbValue *pair = getIthJsonbValueFromContainer(list, i);
		lem_session session;

		if (!is_container(pair, true) || JsonContainerSize(pair->val.binary.data) != 2)
			invalid("session", pair, wanted);
		session.open = read_time(getIthJsonbValueFromContainer(pair->val.binary.data, 0));
		session.close = read_time(getIthJsonbValueFromContainer(pair->val.binary.data, 1));
		/* Up to the same time of the next day. */
		if (session.close <= session.open)
			session.close += LEM_DAY_MINUTES;
		if (session.open >= LEM_DAY_MINUTES || session.close - session.open > LEM_DAY_MINUTES ||
			session.close <= session.open ||
			(i > 0 && session.open < draft->session[draft->n_sessions - 1].close))
			invalid("session", pair, wanted);
		if (draft->n_sessions == draft->max_sessions)
		{
			draft->max_sessions *= 2;
			draft->session = repalloc(draft->session,
									  draft->max_sessions * sizeof(lem_session));
		}
		draft->session[draft->n_sessions++] = session;
	}
	return of;
}

/* The weekday at the start of a text of some length: 0 .. 6. */
static int
find_weekday(const char *text, int length)
{
	for (int w = 0; w < 7; w++)
		if (length == 3 && pg_strncasecmp(text, weekdays[w], 3) == 0)
			return w;
	return -1;
}

void
lem_calendar_read_sessions(lem_calendar_draft *draft, JsonbContainer *sessions)
{
	static const char *const wanted = "a weekday or a range of them, such as \"Mon-Fri\"";
	JsonbIterator *it = JsonbIteratorInit(sessions);
	JsonbIteratorToken token;
	JsonbValue	key;
	lem_calendar *calendar = &draft->calendar;
	bool		any = false;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		JsonbValue	value;
		lem_day_sessions of;
		int			from;
		int			to;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		from = to = find_weekday(key.val.string.val, key.val.string.len);
		if (key.val.string.len == 7 && key.val.string.val[3] == '-')
		{
			from = find_weekday(key.val.string.val, 3);
			to = find_weekday(key.val.string.val + 4, 3);
		}
		if (from < 0 || to < 0)
			invalid("weekday", &key, wanted);
		if (!is_container(&value, true))
			invalid("sessions", &value, "a list of pairs of times");
		of = read_list(draft, value.val.binary.data);
		any = any || of.count > 0;
		for (int w = from;; w = (w + 1) % 7)
		{
			calendar->weekday[w] = of;
			if (w == to)
				break;
		}
	}
	if (!any)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a calendar must have sessions on a weekday"),
				 errhint("Pass them as \"sessions\", such as "
						 "{\"Mon-Fri\": [[\"09:30\", \"16:00\"]]}.")));
	for (int w = 0; w < 7; w++)
	{
		const lem_day_sessions *day = &calendar->weekday[w];
		const lem_day_sessions *next = &calendar->weekday[(w + 1) % 7];

		if (day->count > 0 && next->count > 0 &&
			draft->session[day->first + day->count - 1].close - LEM_DAY_MINUTES >
			draft->session[next->first].open)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the sessions of %s reach into those of the next day", weekdays[w])));
	}
}

static void
add_day(lem_calendar_draft *draft, lem_day_sessions of)
{
	lem_calendar *calendar = &draft->calendar;

	if (calendar->n_days == draft->max_days)
	{
		draft->max_days *= 2;
		draft->days = repalloc(draft->days, draft->max_days * sizeof(lem_day_sessions));
	}
	draft->days[calendar->n_days++] = of;
}

void
lem_calendar_read_day(lem_calendar_draft *draft, int day, JsonbContainer *sessions)
{
	lem_day_sessions of = read_list(draft, sessions);

	of.day = day;
	add_day(draft, of);
}

/* A field of a rule; NULL: it has none. */
static JsonbValue *
field(JsonbContainer *rule, const char *name)
{
	return getKeyJsonValueFromContainer(rule, name, (int) strlen(name), NULL);
}

/* A field that is a whole number. */
static bool
read_number(JsonbContainer *rule, const char *name, int low, int high, int *out)
{
	JsonbValue *value = field(rule, name);
	int64		number;

	if (value == NULL)
		return false;
	if (!lem_json_integer(value, low, high, &number))
		invalid(psprintf("\"%s\" of a rule", name), value,
				psprintf("a whole number from %d to %d", low, high));
	*out = (int) number;
	return true;
}

static int
read_weekday(const char *name, const JsonbValue *value)
{
	int			weekday = value->type == jbvString
		? find_weekday(value->val.string.val, value->val.string.len) : -1;

	if (weekday < 0)
		invalid(psprintf("\"%s\" of a rule", name), value,
				"\"Mon\", \"Tue\", \"Wed\", \"Thu\", \"Fri\", \"Sat\" or \"Sun\"");
	return weekday;
}

/* "observed": {"Sat": -1, "Sun": 1} */
static void
read_observed(JsonbValue *value, lem_holiday *holiday)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;

	if (!is_container(value, false))
		invalid("\"observed\" of a rule", value, "an object such as {\"Sat\": -1, \"Sun\": 1}");
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		JsonbValue	days;
		int64		number;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &days, true);
		if (!lem_json_integer(&days, -6, 6, &number))
			invalid("\"observed\" of a rule", &days, "a number of days from -6 to 6");
		holiday->moved[read_weekday("observed", &key)] = (int) number;
	}
}

/* Raise for a key that no rule has. */
static void
check_keys(JsonbContainer *rule)
{
	static const char *const known[] = {
		"name", "month", "day", "weekday", "nth", "easter", "offset", "on", "observed", "from", "until",
		"sessions"
	};
	JsonbIterator *it = JsonbIteratorInit(rule);
	JsonbIteratorToken token;
	JsonbValue	key;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		bool		found = false;

		if (token != WJB_KEY)
			continue;
		for (size_t i = 0; i < lengthof(known); i++)
			found = found || (key.val.string.len == (int) strlen(known[i]) &&
							  memcmp(key.val.string.val, known[i], key.val.string.len) == 0);
		if (!found)
			invalid("key of a rule", &key, "name, month, day, weekday, nth, easter, offset, on, "
					"observed, from, until or sessions");
	}
}

static void
read_rule(lem_calendar_draft *draft, JsonbValue *value)
{
	lem_holiday holiday = {
		.on = LEM_ANY_WEEKDAY, .from = LEM_HOLIDAY_FROM, .until = LEM_HOLIDAY_UNTIL
	};
	JsonbContainer *rule;
	JsonbValue *part;
	lem_day_sessions of = {0};
	bool		by_date;

	if (!is_container(value, false))
		invalid("rule", value, "an object");
	rule = value->val.binary.data;
	check_keys(rule);
	by_date = read_number(rule, "month", 1, 12, &holiday.month);
	if (read_number(rule, "easter", -366, 366, &holiday.offset) == by_date)
		invalid("rule", value, "of a \"month\" or of \"easter\"");
	if (!by_date)
		holiday.kind = LEM_HOLIDAY_EASTER;
	else if (read_number(rule, "day", 1, 31, &holiday.day))
		holiday.kind = LEM_HOLIDAY_DATE;
	else if ((part = field(rule, "weekday")) != NULL &&
			 read_number(rule, "nth", -5, 5, &holiday.nth) && holiday.nth != 0)
	{
		holiday.kind = LEM_HOLIDAY_WEEKDAY;
		holiday.weekday = read_weekday("weekday", part);
	}
	else
		invalid("rule", value, "of a \"day\", or of a \"weekday\" and \"nth\", of its \"month\"");
	if (by_date)
		(void) read_number(rule, "offset", -366, 366, &holiday.offset);
	(void) read_number(rule, "from", 0, 9999, &holiday.from);
	(void) read_number(rule, "until", 0, 9999, &holiday.until);
	holiday.from = Max(holiday.from, LEM_HOLIDAY_FROM);
	holiday.until = Min(holiday.until, LEM_HOLIDAY_UNTIL);
	part = field(rule, "on");
	if (part)
	{
		if (!is_container(part, true))
			invalid("\"on\" of a rule", part, "a list of weekdays");
		holiday.on = 0;
		for (uint32 i = 0; i < JsonContainerSize(part->val.binary.data); i++)
			holiday.on |= 1u << read_weekday("on", getIthJsonbValueFromContainer(
													 part->val.binary.data, i));
	}
	part = field(rule, "observed");
	if (part)
		read_observed(part, &holiday);
	part = field(rule, "sessions");
	if (part)
	{
		if (!is_container(part, true))
			invalid("\"sessions\" of a rule", part, "a list of pairs of times");
		of = read_list(draft, part->val.binary.data);
	}
	for (int year = holiday.from; year <= holiday.until; year++)
	{
		int64_t		day;

		if (!lem_holiday_day(&holiday, year, &day))
			continue;
		of.day = (int) day;
		add_day(draft, of);
	}
}

void
lem_calendar_read_rules(lem_calendar_draft *draft, JsonbContainer *rules)
{
	for (uint32 i = 0; i < JsonContainerSize(rules); i++)
		read_rule(draft, getIthJsonbValueFromContainer(rules, i));
}

/* A day with its place in the list that it was read from. */
typedef struct placed_day
{
	lem_day_sessions of;
	int			place;
} placed_day;

static int
compare_days(const void *a, const void *b)
{
	const placed_day *x = a;
	const placed_day *y = b;

	if (x->of.day != y->of.day)
		return x->of.day < y->of.day ? -1 : 1;
	return x->place - y->place;
}

void
lem_calendar_finish(lem_calendar_draft *draft)
{
	lem_calendar *calendar = &draft->calendar;
	const int	n = calendar->n_days;
	placed_day *list = palloc(Max(n, 1) * sizeof(placed_day));
	int			kept = 0;

	for (int i = 0; i < n; i++)
		list[i] = (placed_day) {draft->days[i], i};
	qsort(list, n, sizeof(placed_day), compare_days);
	for (int i = 0; i < n; i++)
		if (i + 1 == n || list[i + 1].of.day != list[i].of.day)
			draft->days[kept++] = list[i].of;
	pfree(list);
	calendar->n_days = kept;
	calendar->days = draft->days;
	calendar->session = draft->session;
}

/* test_chart.c: markup, ticks and charts. */
#include <stdlib.h>

#include "check.h"
#include "drawing/axis.h"
#include "drawing/chart.h"
#include "drawing/markup.h"
#include "market/calendar.h"

#define ROOM (4 << 20)

static char buffer[ROOM];
static size_t used;

static void
keep(void *arg, const char *text, size_t n)
{
	(void) arg;
	if (used + n < ROOM)
	{
		memcpy(buffer + used, text, n);
		used += n;
		buffer[used] = '\0';
	}
}

static const lem_sink sink = {keep, NULL};

static const char *
text_of(const char *text, size_t n, size_t most)
{
	used = 0;
	buffer[0] = '\0';
	lem_put_text(&sink, text, n, most);
	return buffer;
}

static const char *
number_of(double x, int decimals)
{
	used = 0;
	lem_put_number(&sink, x, decimals);
	return buffer;
}

static const char *
short_of(double x)
{
	static char text[LEM_SHORT_NUMBER];

	lem_short_number(x, text);
	return text;
}

/* Is it well-formed: tags that close what is open, quoted attributes, known entities? */
static bool
well_formed(const char *s)
{
	char		open[64][32];
	int			depth = 0;

	while (*s)
	{
		if (*s == '&')
		{
			if (strncmp(s, "&lt;", 4) != 0 && strncmp(s, "&gt;", 4) != 0 && strncmp(s, "&amp;", 5) != 0 &&
				strncmp(s, "&quot;", 6) != 0 && strncmp(s, "&#39;", 5) != 0)
				return false;
			s++;
		}
		else if (*s == '<' && s[1] == '/')
		{
			const size_t n = strcspn(s + 2, ">");

			if (depth == 0 || strlen(open[depth - 1]) != n || strncmp(open[depth - 1], s + 2, n) != 0)
				return false;
			depth--;
			s += n + 3;
		}
		else if (*s == '<')
		{
			const size_t n = strcspn(s + 1, " />");

			if (depth == 64 || n == 0 || n > 31)
				return false;
			memcpy(open[depth], s + 1, n);
			open[depth++][n] = '\0';
			for (s += 1 + n; *s && *s != '>' && *s != '/';)
			{
				if (*s++ != ' ')
					return false;
				s += strcspn(s, "=<>");
				if (s[0] != '=' || s[1] != '"')
					return false;
				s += 2;
				s += strcspn(s, "\"<>");
				if (*s++ != '"')
					return false;
			}
			if (*s == '/')
			{
				depth--;
				s++;
			}
			if (*s++ != '>')
				return false;
		}
		else
			s++;
	}
	return depth == 0;
}

static void
test_markup(void)
{
	check_str(text_of("plain", 5, 0), "plain", "text stays text");
	check_str(text_of("<a href='x\"'>&", 14, 0), "&lt;a href=&#39;x&quot;&#39;&gt;&amp;", "markup is escaped");
	check_str(text_of("a\x01" "b\x7F", 4, 0), "a&#65533;b&#65533;", "control characters are replaced");
	check_str(text_of("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, 0), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "longer characters stay");
	check_str(text_of("\xC0\xAF", 2, 0), "&#65533;&#65533;", "overlong ones are replaced");
	check_str(text_of("\xED\xA0\x80", 3, 0), "&#65533;&#65533;&#65533;", "and surrogates");
	check_str(text_of("\xE2\x82", 2, 0), "&#65533;&#65533;", "and what is cut off");
	check_str(text_of("\xEF\xBF\xBF", 3, 0), "&#65533;&#65533;&#65533;", "and no characters");
	check_str(text_of("abcdef", 6, 4), "abc&#8230;", "long text is cut");
	check_str(text_of("abcd", 4, 4), "abcd", "text that fits is not");
	check_str(text_of("a<cdef", 6, 2), "a&#8230;", "an entity is not cut in two");
	check_str(text_of("", 0, 4), "", "no text");

	check_str(number_of(1.5, 2), "1.5", "no zeros at the end");
	check_str(number_of(-0.001, 2), "0", "no minus zero");
	check_str(number_of(100, 0), "100", "zeros of whole numbers stay");
	check_str(number_of(1e300, 0), number_of(1e300, 0), "large numbers fit");
	check_str(number_of(NAN, 2), "&#8211;", "NaN is a dash");
	check_str(short_of(0), "0", "short: 0");
	check_str(short_of(12), "12", "short: 12");
	check_str(short_of(0.12345), "0.1235", "short: four digits");
	check_str(short_of(99999), "99999", "short: below a hundred thousand");
	check_str(short_of(123456), "123.5k", "short: thousands");
	check_str(short_of(-12345678), "-12.35M", "short: millions");
	check_str(short_of(3e-7), "3e-07", "short: tiny");
}

static void
check_axis(const lem_axis *axis, double low, double high, int most, const char *name)
{
	bool		rising = true;
	bool		within = true;

	for (int i = 0; i < axis->n; i++)
	{
		rising = rising && (i == 0 || axis->ticks[i].at > axis->ticks[i - 1].at);
		within = within && axis->ticks[i].at >= axis->low - 1e-9 * fabs(axis->low) &&
			axis->ticks[i].at <= axis->high + 1e-9 * fabs(axis->high);
	}
	check(axis->low <= fmin(low, high) && axis->high >= fmax(low, high) && axis->high > axis->low &&
		  axis->n >= 1 && axis->n <= most && rising && within, "axis of %s: %d ticks in order", name, axis->n);
}

static void
test_axes(void)
{
	static const double ends[][2] = {{0, 1}, {0, 0}, {5, 5}, {-3, 7}, {1e-12, 2e-12}, {1e15, 1e15 + 1},
	{-1e9, 1e9}, {7, -3}, {0.1, 0.3}, {99.99, 100.01}, {1e300, 1.5e300}, {-5, -5}};
	lem_axis	axis;
	char		name[64];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		snprintf(name, sizeof(name), "%g to %g", ends[i][0], ends[i][1]);
		lem_axis_numbers(ends[i][0], ends[i][1], 8, true, &axis);
		check_axis(&axis, ends[i][0], ends[i][1], 8, name);
	}
	lem_axis_numbers(0, 1, 6, true, &axis);
	check(axis.n == 6 && strcmp(axis.ticks[1].text, "0.2") == 0 && strcmp(axis.ticks[5].text, "1.0") == 0,
		  "ticks from 0 to 1 are fifths");
	lem_axis_numbers(-1, 1, 5, true, &axis);
	check(axis.n == 5 && strcmp(axis.ticks[2].text, "0.0") == 0, "zero is written as zero");

	lem_axis_times(0, (double) (6 * 60 * LEM_MINUTE), 8, &axis);
	check_axis(&axis, 0, (double) (6 * 60 * LEM_MINUTE), 8, "six hours");
	check_str(axis.ticks[0].text, "01-01", "midnight is said as the day");
	check_str(axis.ticks[1].text, "01:00", "hours are said as times of day");
	lem_axis_times(0, (double) (90 * LEM_DAY), 8, &axis);
	check_axis(&axis, 0, (double) (90 * LEM_DAY), 8, "ninety days");
	check_str(axis.ticks[0].text, "01-03", "weeks begin on Monday");
	lem_axis_times((double) (-400 * LEM_DAY), (double) (800 * LEM_DAY), 8, &axis);
	check_axis(&axis, (double) (-400 * LEM_DAY), (double) (800 * LEM_DAY), 8, "three years, from before 2000");
	lem_axis_times((double) (-36500 * LEM_DAY), (double) (36500 * LEM_DAY), 8, &axis);
	check_axis(&axis, (double) (-36500 * LEM_DAY), (double) (36500 * LEM_DAY), 8, "two centuries");
	lem_axis_times(1000, 1000, 8, &axis);
	check(axis.high > axis.low, "a moment is given some room");
}

static lem_words
words(const char *text)
{
	return (lem_words) {text, strlen(text)};
}

static int
always(void *arg)
{
	(void) arg;
	return 1;
}

static size_t
count(const char *what)
{
	size_t		n = 0;

	for (const char *at = strstr(buffer, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

#define MANY 200000

static void
test_charts(void)
{
	static double many_x[MANY];
	static double many_y[MANY];
	static const double y[] = {1, NAN, 3, -2, INFINITY, 4};
	static const double base[] = {0, 1, 2, -3, 0, 2};
	static const lem_words names[] = {{"one", 3}, {"<two>", 5}, {"three", 5}, {"four", 4}, {"five", 4},
	{"six", 3}};
	lem_series_drawn series[LEM_MARKS];
	lem_chart	chart = {.title = {"A \"title\" & <more>", 18}, .width = 480, .height = 260, .series = series,
		.x_label = {"step", 4}, .y_label = {"bps", 3}};
	static char first[ROOM];
	size_t		first_used;
	const lem_stop stop = {always, NULL};

	for (int m = 0; m < LEM_MARKS; m++)
	{
		series[m] = (lem_series_drawn) {.name = words("<script>"), .mark = (lem_mark) m, .colour = m, .n = 6,
			.y = y, .base = base};
		chart.n_series = m + 1;
		used = 0;
		check_int(lem_chart_draw(&chart, NULL, &sink), LEM_OK, "a chart of %d series is drawn", m + 1);
		check(well_formed(buffer), "it is well-formed");
		check(strstr(buffer, "<script") == NULL && strstr(buffer, "nan") == NULL && strstr(buffer, "inf") == NULL,
			  "names are text, and what is not finite is not drawn");
	}
	chart.n_categories = 6;
	chart.categories = names;
	used = 0;
	lem_chart_draw(&chart, NULL, &sink);
	check(well_formed(buffer) && strstr(buffer, ">&lt;two&gt;<"), "categories are named, as text");
	memcpy(first, buffer, used + 1);
	first_used = used;
	used = 0;
	lem_chart_draw(&chart, NULL, &sink);
	check(used == first_used && memcmp(first, buffer, used) == 0, "the same data give the same bytes");

	/* nothing to draw */
	chart = (lem_chart) {.title = words("empty"), .width = 200, .height = 120};
	used = 0;
	check_int(lem_chart_draw(&chart, NULL, &sink), LEM_OK, "a chart of nothing is drawn");
	check(well_formed(buffer), "and well-formed");

	/* one bar a value, with the heights in proportion */
	chart = (lem_chart) {.title = words("bars"), .width = 400, .height = 200, .n_series = 1, .series = series};
	series[0] = (lem_series_drawn) {.mark = LEM_MARK_BAR, .n = 6, .y = base};
	used = 0;
	lem_chart_draw(&chart, NULL, &sink);
	check_int(count("class=\"bar k0\""), 6, "a bar a value");

	/* a long line is bounded, and keeps its extremes */
	for (int i = 0; i < MANY; i++)
	{
		many_x[i] = (double) i * LEM_MINUTE;
		many_y[i] = sin(i * 0.01);
	}
	many_y[123456] = 5;
	chart = (lem_chart) {.title = words("long"), .width = 480, .height = 260, .x_times = true, .n_series = 1,
		.series = series};
	series[0] = (lem_series_drawn) {.mark = LEM_MARK_LINE, .n = MANY, .x = many_x, .y = many_y};
	used = 0;
	check_int(lem_chart_draw(&chart, NULL, &sink), LEM_OK, "a line of many points is drawn");
	check(used < 80000, "its size follows from the picture's, not from the points' number: %zu bytes", used);
	many_y[123456] = sin(1234.56);
	memcpy(first, buffer, used + 1);
	first_used = used;
	used = 0;
	lem_chart_draw(&chart, NULL, &sink);
	check(used != first_used || memcmp(first, buffer, used) != 0, "one point far out is not lost");
	used = 0;
	check_int(lem_chart_draw(&chart, &stop, &sink), LEM_STOPPED, "drawing stops where asked to");
}

int
main(void)
{
	test_markup();
	test_axes();
	test_charts();
	return check_done();
}

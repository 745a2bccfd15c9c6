/* markup.c: text of SVG and HTML. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing/markup.h"

/* As references, which any encoding can hold. */
#define REPLACEMENT "&#65533;"
#define ELLIPSIS "&#8230;"
#define DASH "&#8211;"
#define INFINITE "&#8734;"

void
lem_put(const lem_sink *sink, const char *markup)
{
	sink->put(sink->arg, markup, strlen(markup));
}

/*
 * Bytes of the character that begins here, at most n: 0 if it is none that XML allows (it is cut
 * off, overlong, a surrogate, a control character, or U+FFFE and U+FFFF).
 */
static size_t
character_length(const unsigned char *s, size_t n)
{
	const unsigned char c = s[0];
	const size_t length = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
	uint32_t	code;

	if (length == 0 || length > n)
		return 0;
	if (length == 1)
		return c >= 0x20 && c != 0x7F ? 1 : c == '\t' || c == '\n' || c == '\r' ? 1 : 0;
	code = c & (0xFF >> (length + 1));
	for (size_t i = 1; i < length; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3F);
	}
	if ((length == 2 && code < 0xA0) || (length == 3 && code < 0x800) ||
		(length == 4 && (code < 0x10000 || code > 0x10FFFF)) ||
		(code >= 0xD800 && code <= 0xDFFF) || code == 0xFFFE || code == 0xFFFF)
		return 0;
	return length;
}

/* What stands for a character that markup reads as its own; NULL: itself. */
static const char *
entity(char c)
{
	switch (c)
	{
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '&':
			return "&amp;";
		case '"':
			return "&quot;";
		case '\'':
			return "&#39;";
		default:
			return NULL;
	}
}

void
lem_put_text(const lem_sink *sink, const char *text, size_t n, size_t most)
{
	size_t		plain = 0;		/* where what was not put yet begins */
	size_t		at = 0;

	for (size_t shown = 1; at < n; shown++)
	{
		const size_t length = character_length((const unsigned char *) text + at, n - at);
		const char *instead = length == 0 ? REPLACEMENT : length == 1 ? entity(text[at]) : NULL;

		if (most > 0 && shown == most && at + (length ? length : 1) < n)
		{
			sink->put(sink->arg, text + plain, at - plain);
			lem_put(sink, ELLIPSIS);
			return;
		}
		if (instead)
		{
			sink->put(sink->arg, text + plain, at - plain);
			lem_put(sink, instead);
			at += length ? length : 1;
			plain = at;
		}
		else
			at += length;
	}
	sink->put(sink->arg, text + plain, at - plain);
}

/* Take zeros from a number's end, and the point that is left there; "-0" is "0". */
static void
trim(char *text)
{
	size_t		n = strlen(text);

	if (strchr(text, '.'))
	{
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
		text[n] = '\0';
	}
	if (strcmp(text, "-0") == 0)
		strcpy(text, "0");
}

void
lem_put_number(const lem_sink *sink, double x, int decimals)
{
	char		text[400];

	if (isnan(x))
	{
		lem_put(sink, DASH);
		return;
	}
	if (isinf(x))
	{
		lem_put(sink, x < 0 ? "-" INFINITE : INFINITE);
		return;
	}
	snprintf(text, sizeof(text), "%.*f", decimals, x);
	trim(text);
	lem_put(sink, text);
}

void
lem_short_number(double x, char *text)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	int			unit = 0;
	int			decimals = 0;
	double		shown = x;

	if (isnan(x) || isinf(x))
	{
		strcpy(text, isnan(x) ? "-" : x < 0 ? "-inf" : "inf");
		return;
	}
	if (x != 0 && (fabs(x) < 1e-4 || fabs(x) >= 1e15))
	{
		snprintf(text, LEM_SHORT_NUMBER, "%.3g", x);
		return;
	}
	while (unit < 4 && fabs(shown) >= (unit == 0 ? 99999.5 : 999.95))
	{
		shown /= 1000;
		unit++;
	}
	while (decimals < 6 && shown != 0 && fabs(shown) < 1000 / pow(10, decimals))
		decimals++;
	snprintf(text, LEM_SHORT_NUMBER, "%.*f", decimals, shown);
	trim(text);
	strcpy(text + strlen(text), units[unit]);
}

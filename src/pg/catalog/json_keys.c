/*
 * json_keys.c: keys that an object of a JSON text has twice.
 *
 * jsonb keeps the last of them without a word, and a safetensors header with two entries of one
 * name means different weights to different readers.  So keys are counted in the text, and held
 * against those that jsonb was left with; only where some are missing is the text searched.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/catalog/json_keys.h"

/* A key in a text, within its quotes, and the object that it belongs to, by its number. */
typedef struct text_key
{
	const char *start;
	size_t		length;
	int			object;
} text_key;

/* Behind the string that begins at text. */
static const char *
skip_string(const char *text)
{
	for (text++; *text != '"'; text++)
		if (*text == '\\')
			text++;
	return text + 1;
}

/* A key is a string with a colon behind it, and colons are nowhere else outside of strings. */
static int64
keys_in_text(const char *text)
{
	int64		n = 0;

	while (*text)
	{
		n += *text == ':';
		text = *text == '"' ? skip_string(text) : text + 1;
	}
	return n;
}

static int64
keys_in_jsonb(Jsonb *json)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int64		n = 0;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
		n += token == WJB_KEY;
	return n;
}

/* The keys of a text, n of them, each with its object. */
static text_key *
collect_keys(const char *text, int64 n)
{
	text_key   *keys = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(text_key));
	int			size = 64;
	int		   *inside = palloc(size * sizeof(int));	/* objects, outermost first */
	int			depth = 0;
	int			objects = 0;
	text_key	string = {NULL, 0, 0};	/* the last one */
	int64		found = 0;

	while (*text)
	{
		if (*text == '"')
		{
			const char *end = skip_string(text);

			string.start = text + 1;
			string.length = end - text - 2;
			text = end;
			continue;
		}
		if (*text == '{')
		{
			if (depth == size)
			{
				size *= 2;
				inside = repalloc(inside, size * sizeof(int));
			}
			inside[depth++] = objects++;
		}
		else if (*text == '}')
			depth--;
		else if (*text == ':')
		{
			string.object = inside[depth - 1];
			keys[found++] = string;
		}
		text++;
	}
	return keys;
}

/* By object and spelling; equal ones in the order of the text. */
static int
compare_keys(const void *left, const void *right)
{
	const text_key *a = left;
	const text_key *b = right;
	int			order;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	order = memcmp(a->start, b->start, Min(a->length, b->length));
	if (order != 0)
		return order;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

bool
lem_json_has_duplicates(const char *text, Jsonb *json, char **key)
{
	const int64 n = keys_in_text(text);
	const text_key *first = NULL;
	text_key   *keys;

	*key = NULL;
	if (n == keys_in_jsonb(json))
		return false;
	keys = collect_keys(text, n);
	CHECK_FOR_INTERRUPTS();
	qsort(keys, n, sizeof(text_key), compare_keys);
	CHECK_FOR_INTERRUPTS();
	for (int64 i = 1; i < n; i++)
		if (keys[i].object == keys[i - 1].object && keys[i].length == keys[i - 1].length &&
			memcmp(keys[i].start, keys[i - 1].start, keys[i].length) == 0 &&
			(first == NULL || keys[i].start < first->start))
			first = &keys[i];
	if (first)
		*key = pnstrdup(first->start, first->length);
	return true;
}

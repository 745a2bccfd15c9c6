/* json_read.c: values of JSON, and objects whose keys are known: options and configs. */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/json_read.h"

/* Integers that JSON readers agree about. */
#define MAX_EXACT (INT64CONST(1) << 53)

char *
lem_json_describe(const JsonbValue *value)
{
	char	   *text;

	switch (value->type)
	{
		case jbvNull:
			return pstrdup("null");
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			break;
		case jbvString:
			text = palloc(value->val.string.len + 3);
			snprintf(text, value->val.string.len + 3, "\"%.*s\"", value->val.string.len,
					 value->val.string.val);
			break;
		case jbvBinary:
			text = JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
			break;
		default:
			return pstrdup("?");
	}
	return lem_clip_text(text);
}

bool
lem_json_integer(const JsonbValue *value, int64 low, int64 high, int64 *out)
{
	Datum		number;
	double		rounded;

	if (value->type != jbvNumeric)
		return false;
	number = NumericGetDatum(value->val.numeric);

	/* A number out of the range of double comes back as infinity. */
	rounded = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, number));
	if (!(rounded >= (double) low && rounded <= (double) high) || rounded != floor(rounded))
		return false;
	*out = (int64) rounded;
	return DatumGetBool(DirectFunctionCall2(numeric_eq, number,
											NumericGetDatum(int64_to_numeric(*out))));
}

Datum
lem_input(Oid function, const char *text, int sqlstate, const char *message, const char *hint)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		result = 0;

	PG_TRY();
	{
		result = OidInputFunctionCall(function, unconstify(char *, text), InvalidOid, -1);
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("%s", message),
				 errdetail("%s.", error->message),
				 hint ? errhint("%s", hint) : 0));
	}
	PG_END_TRY();
	return result;
}

bool
lem_json_is(const JsonbValue *value, const char *word)
{
	return value->type == jbvString && value->val.string.len == (int) strlen(word) &&
		memcmp(value->val.string.val, word, value->val.string.len) == 0;
}

bool
lem_json_has(Jsonb *json, const char *key)
{
	return getKeyJsonValueFromContainer(&json->root, key, strlen(key), NULL) != NULL;
}

JsonbIterator *
lem_json_array(const JsonbValue *value, int *n)
{
	JsonbIterator *it;
	JsonbValue	ignored;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		return NULL;
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &ignored, true);
	*n = ignored.val.array.nElems;
	return it;
}

void
lem_keys_refuse(const lem_keys *keys, const char *name, const JsonbValue *value,
				const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("invalid value for %s \"%s\": %s", keys->one, name, lem_json_describe(value)),
			 errhint("It must be %s.", wanted)));
}

void
lem_keys_each(const lem_keys *keys, const lem_key *key, const JsonbValue *value, const char *wanted,
			  void (*read) (const lem_keys *keys, const char *name, const JsonbValue *element))
{
	int			n;
	JsonbIterator *it = lem_json_array(value, &n);

	if (it == NULL)
		lem_keys_refuse(keys, key->name, value, wanted);
	for (int i = 0; i < n; i++)
	{
		JsonbValue	element;

		(void) JsonbIteratorNext(&it, &element, true);
		read(keys, psprintf("%s[%d]", key->name, i), &element);
	}
}

/* A number of any size: one that is too large for a double is infinite. */
double
lem_keys_number(const lem_keys *keys, const char *name, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		lem_keys_refuse(keys, name, value, "a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

int
lem_keys_int(const lem_keys *keys, const char *name, const JsonbValue *value)
{
	int64		number;

	if (!lem_json_integer(value, PG_INT32_MIN, PG_INT32_MAX, &number))
		lem_keys_refuse(keys, name, value, "an integer within its range");
	return (int) number;
}

int
lem_keys_word(const lem_keys *keys, const char *name, const JsonbValue *value,
			  const char *const *words)
{
	StringInfoData list;

	for (int i = 0; words[i]; i++)
		if (lem_json_is(value, words[i]))
			return i;
	initStringInfo(&list);
	for (int i = 0; words[i]; i++)
		appendStringInfo(&list, "%s\"%s\"",
						 i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	lem_keys_refuse(keys, name, value, list.data);
}

static double
number_within(const lem_keys *keys, const lem_key *key, const JsonbValue *value)
{
	double		number = NAN;

	if (!(key->low < key->high))
		return lem_keys_number(keys, key->name, value);
	if (value->type == jbvNumeric)
		number = lem_keys_number(keys, key->name, value);
	if (!(number >= key->low && number <= key->high))
		lem_keys_refuse(keys, key->name, value,
						psprintf("a number from %s to %s", lem_number_text(key->low),
								 lem_number_text(key->high)));
	return number;
}

static int
int_within(const lem_keys *keys, const lem_key *key, const JsonbValue *value)
{
	int64		number;

	if (!(key->low < key->high))
		return lem_keys_int(keys, key->name, value);
	if (!lem_json_integer(value, (int64) key->low, (int64) key->high, &number))
		lem_keys_refuse(keys, key->name, value,
						psprintf("a whole number from %.0f to %.0f", key->low, key->high));
	return (int) number;
}

static void
read_value(const lem_keys *keys, const lem_key *key, const JsonbValue *value, void *target)
{
	void	   *to = (char *) target + key->field;
	int64		whole;

	switch (key->kind)
	{
		case LEM_KEY_NUMBER:
			*(double *) to = number_within(keys, key, value);
			break;
		case LEM_KEY_INT:
			*(int *) to = int_within(keys, key, value);
			break;
		case LEM_KEY_WHOLE:
			if (!lem_json_integer(value, 0, MAX_EXACT, &whole))
				lem_keys_refuse(keys, key->name, value, "a whole number");
			*(int64_t *) to = whole;
			break;
		case LEM_KEY_FLAG:
			if (value->type != jbvBool)
				lem_keys_refuse(keys, key->name, value, "true or false");
			*(bool *) to = value->val.boolean;
			break;
		case LEM_KEY_WORD:
			*(int *) to = lem_keys_word(keys, key->name, value, key->words);
			break;
		case LEM_KEY_CHOICE:
			*(bool *) to = lem_keys_word(keys, key->name, value, key->words) == 1;
			break;
		case LEM_KEY_OWN:
			key->read(keys, key, value, target);
			break;
	}
}

static bool
is_of(const lem_key *key, int groups)
{
	return key->groups == 0 || (key->groups & groups) != 0;
}

/* The key that an unknown one is nearest to, NULL if to none. */
static const char *
nearest_key(const lem_keys *keys, int groups, const JsonbValue *name)
{
	const char *nearest = NULL;
	int			distance = 4;	/* further away than this is another word */

	for (int i = 0; i < keys->n && name->val.string.len < NAMEDATALEN; i++)
	{
		const char *known = keys->key[i].name;
		int			d;

		if (!is_of(&keys->key[i], groups))
			continue;
		d = varstr_levenshtein(name->val.string.val, name->val.string.len, known, strlen(known),
							   1, 1, 1, true);
		if (d < distance)
		{
			distance = d;
			nearest = known;
		}
	}
	return nearest;
}

static void refuse_key(const lem_keys *keys, int groups, const JsonbValue *name)
			pg_attribute_noreturn();

/* Say which keys there are. */
static void
refuse_key(const lem_keys *keys, int groups, const JsonbValue *name)
{
	const char *nearest = keys->nearest ? nearest_key(keys, groups, name) : NULL;
	const char *comma = "";
	StringInfoData hint;

	initStringInfo(&hint);
	if (nearest)
		appendStringInfo(&hint, "Perhaps you meant \"%s\". ", nearest);
	appendStringInfo(&hint, "Known %s are", keys->all);
	for (int i = 0; i < keys->n; i++)
	{
		if (!is_of(&keys->key[i], groups))
			continue;
		appendStringInfo(&hint, "%s %s", comma, keys->key[i].name);
		comma = ",";
	}
	ereport(ERROR,
			(errcode(ERRCODE_LEM_INVALID_CONFIG),
			 errmsg("unknown %s %s", keys->one, lem_json_describe(name)),
			 errhint("%s.", hint.data)));
}

void
lem_keys_read(const lem_keys *keys, int groups, Jsonb *json, void *target)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	name;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("%s must be a JSON object", keys->object)));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &name, true)) != WJB_DONE)
	{
		const lem_key *known = NULL;
		JsonbValue	value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		for (int i = 0; known == NULL && i < keys->n; i++)
			if (is_of(&keys->key[i], groups) && lem_json_is(&name, keys->key[i].name))
				known = &keys->key[i];
		if (known == NULL)
			refuse_key(keys, groups, &name);
		read_value(keys, known, &value, target);
	}
}

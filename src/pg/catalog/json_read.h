/*
 * json_read.h: values of JSON, and objects whose keys are known: options and configs.
 */
#ifndef LEM_PG_JSON_READ_H
#define LEM_PG_JSON_READ_H

#include "postgres.h"

#include "utils/jsonb.h"

/* A JSON number as a whole number within [low, high]; false if it is not one. */
extern bool lem_json_integer(const JsonbValue *value, int64 low, int64 high, int64 *out);

/* Whether a JSON value is this word: a key's name, or a string. */
extern bool lem_json_is(const JsonbValue *value, const char *word);

/* A JSON value for a message, cut to a readable length; palloc'd. */
extern char *lem_json_describe(const JsonbValue *value);

/* Whether an object has a key. */
extern bool lem_json_has(Jsonb *json, const char *key);

/* Go over the elements of an array, n of them; NULL: the value is not one. */
extern JsonbIterator *lem_json_array(const JsonbValue *value, int *n);

/*
 * Call the input function of a type on text.  What it finds wrong with the text is raised
 * under another SQLSTATE and message, its own message becoming the detail.
 */
extern Datum lem_input(Oid function, const char *text, int sqlstate, const char *message,
					   const char *hint);

/* How the value of a key is read. */
typedef enum lem_key_kind
{
	LEM_KEY_NUMBER,				/* double; from low to high, where these differ */
	LEM_KEY_INT,				/* int; likewise */
	LEM_KEY_WHOLE,				/* int64, at least 0, that JSON readers agree about */
	LEM_KEY_FLAG,				/* bool */
	LEM_KEY_WORD,				/* int: the place of one of words */
	LEM_KEY_CHOICE,				/* bool: true for the second of two words */
	LEM_KEY_OWN					/* as `read` does it */
} lem_key_kind;

typedef struct lem_key lem_key;
typedef struct lem_keys lem_keys;

struct lem_key
{
	const char *name;
	lem_key_kind kind;
	size_t		field;			/* where in the target the value goes */
	double		low;
	double		high;
	const char *const *words;	/* a list that NULL ends */
	void		(*read) (const lem_keys *keys, const lem_key *key, const JsonbValue *value,
						 void *target);
	int			groups;			/* it is one of; 0: of all */
};

/* The keys of an object, and what they are called in messages. */
struct lem_keys
{
	const lem_key *key;
	int			n;
	const char *object;			/* "the options" */
	const char *one;			/* "option" */
	const char *all;			/* "options" */
	bool		nearest;		/* say which one was probably meant by an unknown one */
};

/*
 * Read an object into a target, key by key in the order in which jsonb keeps them: shorter ones first.
 * Keys that are not of the groups are unknown.  Raises LM014 for unknown keys and values of a wrong
 * type or range.
 */
extern void lem_keys_read(const lem_keys *keys, int groups, Jsonb *json, void *target);

/* Raise LM014 for a value of a key, or a part of it. */
extern void lem_keys_refuse(const lem_keys *keys, const char *name, const JsonbValue *value,
							const char *wanted) pg_attribute_noreturn();

/* Read each element of a key's list, which is named as in key[0]; LM014 unless it is a list. */
extern void lem_keys_each(const lem_keys *keys, const lem_key *key, const JsonbValue *value,
						  const char *wanted,
						  void (*read) (const lem_keys *keys, const char *name,
										const JsonbValue *element));

/* Values of parts of a key: as an integer, a number, the place of one of words. */
extern int	lem_keys_int(const lem_keys *keys, const char *name, const JsonbValue *value);
extern double lem_keys_number(const lem_keys *keys, const char *name, const JsonbValue *value);
extern int	lem_keys_word(const lem_keys *keys, const char *name, const JsonbValue *value,
						  const char *const *words);

#endif

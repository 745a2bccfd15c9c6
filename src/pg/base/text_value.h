/*
 * text_value.h: reading and writing the text form of the extension's types.
 */
#ifndef LEM_PG_TEXT_VALUE_H
#define LEM_PG_TEXT_VALUE_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "pg/base/compat.h"

/* Where the text of a value is being read. */
typedef struct lem_reader
{
	const char *text;
	const char *at;
	const char *type;			/* its name, for errors */
	const char *hint;			/* what values look like */
} lem_reader;

/* Syntax error (22P02) at the reader's place. */
extern void lem_read_fail(const lem_reader *reader, const char *expected)
			pg_attribute_noreturn();

extern void lem_read_space(lem_reader *reader);

/* Take the character if it is next. */
extern bool lem_read_char(lem_reader *reader, char c);

/* A time in double quotes; without a zone it is in the session's. */
extern int64 lem_read_time(lem_reader *reader);

/* A number; what: what is expected, for the error. */
extern double lem_read_number(lem_reader *reader, const char *what);

/* A time in double quotes, ISO in UTC; ts must be finite and in range. */
extern void lem_write_time(StringInfo text, int64 ts);

/* The fewest digits that give x back, after the character `before` unless that is 0. */
extern void lem_write_number(StringInfo text, char before, double x);

#endif

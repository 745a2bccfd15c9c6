/*
 * query.h: queries on the extension's own tables.
 */
#ifndef LEM_PG_QUERY_H
#define LEM_PG_QUERY_H

#include "postgres.h"

#include "executor/spi.h"

/* Most arguments of a query. */
#define LEM_MAX_ARGUMENTS 20

/* A query that is put together: arguments are added in order, as $1, $2 ... */
typedef struct lem_query
{
	const char *schema;
	bool		by_index;		/* few rows of large tables: whatever statistics say, by an index */
	bool		repeats;		/* its text is a literal, and its plan is kept by the session */
	int			n;
	Oid			types[LEM_MAX_ARGUMENTS];
	Datum		values[LEM_MAX_ARGUMENTS];
	char		nulls[LEM_MAX_ARGUMENTS + 1];
} lem_query;

/* Connect to SPI, within which queries are run. */
extern void lem_query_connect(void);

extern void lem_query_begin(lem_query *query, const char *schema);
extern void lem_query_add(lem_query *query, Oid type, Datum value, bool is_null);

/* Text, NULL where there is none; bytes, copied, as bytea. */
extern void lem_query_add_text(lem_query *query, const char *text);
extern void lem_query_add_user(lem_query *query, Oid user);	/* its name */
extern void lem_query_add_bytes(lem_query *query, const void *data, Size length);

/* n elements of a type of fixed length as an array; nulls may be NULL. */
extern void lem_query_add_array(lem_query *query, Oid element, Datum *values, bool *nulls, int n);

/* A type of the extension. */
extern Oid	lem_query_type(const lem_query *query, const char *name);

/*
 * Run it as the owner of the tables and with a search_path of pg_catalog, within SPI; %1$s in the
 * text is the schema.  Returns the number of rows, in SPI_tuptable; the current memory context
 * stays what it was.
 *
 * lem_query_run may write, and sees all that is committed by now or was done by this transaction,
 * whatever its isolation level.  lem_query_read sees what the calling statement sees, and works in
 * parallel workers and on a standby.
 */
extern uint64 lem_query_run(lem_query *query, const char *text);
extern uint64 lem_query_read(lem_query *query, const char *text);

/* A column of a row of the last query. */
extern Datum lem_query_column(uint64 row, int number, bool *is_null);

#endif

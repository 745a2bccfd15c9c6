/*
 * book_rows.h: book bars as rows of a query that a user passes: columns series, ts, open, high, low,
 * close and volume, and bid and ask, bid_size and ask_size, buy_volume, features where there are
 * any, in any order.
 */
#ifndef LEM_PG_BOOK_ROWS_H
#define LEM_PG_BOOK_ROWS_H

#include "pg/bars/bar_rows.h"
#include "pg/bars/book_type.h"

/* Where the columns are in the query's rows; those of numbers by enum lem_book_column. */
typedef struct lem_book_columns
{
	int			series;
	int			ts;
	int			features;		/* 0: none */
	int			numbers[LEM_BOOK_COLUMNS];	/* 0: none */
	Oid			types[LEM_BOOK_COLUMNS];
	Oid			series_type;
	int			layout;
	FmgrInfo	series_output;
} lem_book_columns;

/* Find the columns of a query's result, and check their types; raises 22023 and 42804. */
extern void lem_book_columns_find(lem_book_columns *columns, TupleDesc desc,
								  MemoryContext context);

/*
 * A row's series (in the current context), and its bar into the builder that is found for it.  A
 * row with a NULL time is dropped, and one without quotes that has a NULL close or volume: then
 * the answer is false.  Raises 22004 for a NULL series, LM001 for what is missing or wrong.
 */
typedef lem_book_builder *(*lem_book_find) (void *arg, const char *series);

extern bool lem_book_row_read(lem_book_columns *columns, HeapTuple tuple, TupleDesc desc,
							  lem_book_find find, void *arg, const char **series);

#endif

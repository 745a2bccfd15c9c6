/*
 * bar_rows.h: bars as rows of a query that a user passes: columns series, ts, price, volume, and
 * close, high, low and features where there are any, in any order.
 */
#ifndef LEM_PG_BAR_ROWS_H
#define LEM_PG_BAR_ROWS_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "fmgr.h"

#include "pg/bars/bars_type.h"

/* The columns. */
enum
{
	LEM_BAR_SERIES,
	LEM_BAR_TS,
	LEM_BAR_PRICE,
	LEM_BAR_VOLUME,
	LEM_BAR_FEATURES,
	LEM_BAR_CLOSE,
	LEM_BAR_HIGH,
	LEM_BAR_LOW,
	LEM_BAR_COLUMNS
};

/* Where they are in the query's rows. */
typedef struct lem_bar_columns
{
	int			numbers[LEM_BAR_COLUMNS];	/* 0: none */
	Oid			types[LEM_BAR_COLUMNS];
	FmgrInfo	series_output;
} lem_bar_columns;

/* One row. */
typedef struct lem_bar_row
{
	const char *series;
	lem_bar_input bar;
} lem_bar_row;

/* A column of numbers as a double, and raise 42804 for a column of another type. */
extern double lem_bar_number(Datum value, Oid type);
extern void lem_bar_number_check(const char *column, Oid type);
extern void lem_bar_type_check(const char *column, Oid type, Oid wanted, const char *name);

/* The numbers of a bar's features, which must all be there (LM001, 2202E). */
extern const double *lem_bar_features(Datum value, int64 ts, int *n);

/* Find the columns of a query's result, and check their types; raises 22023 and 42804. */
extern void lem_bar_columns_find(lem_bar_columns *columns, TupleDesc desc, MemoryContext context);

/* The format of bars of all that the columns have: closes, and with them highs and lows. */
extern int	lem_bar_columns_format(const lem_bar_columns *columns);

/*
 * What lem_bars takes of a row q of such a query behind its time, as SQL, for each of these formats;
 * schema: that of lem_trade_bar, or what stands for it in a text to be formatted.
 */
#define LEM_BAR_NUMBER(column) "q." column "::pg_catalog.float8"
#define LEM_BAR_AS_PLAIN LEM_BAR_NUMBER("price") ", " LEM_BAR_NUMBER("volume")
#define LEM_BAR_AS_CLOSE LEM_BAR_AS_PLAIN ", " LEM_BAR_NUMBER("close")
#define LEM_BAR_AS_RANGE(schema) \
	"ROW(NULL, " LEM_BAR_NUMBER("high") ", " LEM_BAR_NUMBER("low") ", " LEM_BAR_NUMBER("close") \
	", " LEM_BAR_NUMBER("volume") ", NULL, " LEM_BAR_NUMBER("price") ", NULL)::" schema ".lem_trade_bar"

/*
 * The bar of a row, in the current memory context; false for one with a NULL time, price or volume,
 * which is dropped.  *series receives its series as soon as that is known, for messages.
 * Raises 22004 for a NULL series, LM001 and 2202E for features that are not numbers.
 */
extern bool lem_bar_row_read(lem_bar_columns *columns, HeapTuple tuple, TupleDesc desc,
							 lem_bar_row *row, const char **series);

#endif

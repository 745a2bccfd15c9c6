/* book_rows.c: book bars as rows of a query that a user passes. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "pg/bars/book_rows.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"

/* The number of a column; 0: there is none.  Raises 22023 for two of the name. */
static int
find_column(TupleDesc desc, const char *name)
{
	int			found = 0;

	for (int i = 1; i <= desc->natts; i++)
	{
		if (strcmp(SPI_fname(desc, i), name) != 0)
			continue;
		if (found != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the query for the bars has more than one column \"%s\"", name)));
		found = i;
	}
	return found;
}

static void
require_column(int number, const char *name)
{
	if (number == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query for the bars has no column \"%s\"", name),
				 errhint("It must return the columns series, ts, open, high, low, close and "
						 "volume, and may return bid and ask, bid_size and ask_size, buy_volume "
						 "and features.")));
}

void
lem_book_columns_find(lem_book_columns *columns, TupleDesc desc, MemoryContext context)
{
	Oid			output;
	bool		varlena;

	memset(columns, 0, sizeof(*columns));
	columns->series = find_column(desc, "series");
	columns->ts = find_column(desc, "ts");
	columns->features = find_column(desc, "features");
	require_column(columns->series, "series");
	require_column(columns->ts, "ts");
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
	{
		const char *name = lem_book_column_name((lem_book_column) c);

		columns->numbers[c] = find_column(desc, name);
		if (columns->numbers[c] == 0)
			continue;
		columns->types[c] = SPI_gettypeid(desc, columns->numbers[c]);
		lem_bar_number_check(name, columns->types[c]);
	}
	if (columns->numbers[LEM_BOOK_BID] || columns->numbers[LEM_BOOK_ASK])
		columns->layout |= LEM_BOOK_QUOTES;
	if (columns->numbers[LEM_BOOK_BID_SIZE] || columns->numbers[LEM_BOOK_ASK_SIZE])
		columns->layout |= LEM_BOOK_QUOTES | LEM_BOOK_SIZES;
	if (columns->numbers[LEM_BOOK_BUY_VOLUME])
		columns->layout |= LEM_BOOK_BUYS;
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
	{
		if (lem_book_has(columns->layout, (lem_book_column) c))
			require_column(columns->numbers[c], lem_book_column_name((lem_book_column) c));
	}
	lem_bar_type_check("ts", SPI_gettypeid(desc, columns->ts), TIMESTAMPTZOID,
					   "timestamp with time zone");
	if (columns->features)
		lem_bar_type_check("features", SPI_gettypeid(desc, columns->features), FLOAT8ARRAYOID,
						   "double precision[]");
	columns->series_type = SPI_gettypeid(desc, columns->series);
	getTypeOutputInfo(columns->series_type, &output, &varlena);
	fmgr_info_cxt(output, &columns->series_output, context);
}

bool
lem_book_row_read(lem_book_columns *columns, HeapTuple tuple, TupleDesc desc, lem_book_find find,
				  void *arg, const char **series)
{
	lem_book_row row = {.layout = columns->layout};
	const double *features = NULL;
	int			n_features = 0;
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, columns->ts, &isnull);

	if (isnull)
		return false;
	row.ts = DatumGetTimestampTz(value);
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
	{
		if (!lem_book_has(columns->layout, (lem_book_column) c))
			continue;
		value = SPI_getbinval(tuple, desc, columns->numbers[c], &row.null[c]);
		if (!row.null[c])
			row.numbers[c] = lem_bar_number(value, columns->types[c]);
	}
	value = SPI_getbinval(tuple, desc, columns->series, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the series of the bar at %s is NULL", timestamptz_to_str(row.ts)),
				 errhint("Name the series that each bar belongs to.")));
	*series = OutputFunctionCall(&columns->series_output, value);
	if (!lem_book_row_complete(&row))
		return false;
	if (columns->features)
	{
		value = SPI_getbinval(tuple, desc, columns->features, &isnull);
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("the features of the bar at %s are NULL", timestamptz_to_str(row.ts)),
					 errhint("Return a float8[] for every bar, or leave out the column.")));
		features = lem_bar_features(value, row.ts, &n_features);
	}
	lem_book_builder_add(find(arg, *series), row.layout, row.ts, row.numbers, features,
						 n_features);
	return true;
}

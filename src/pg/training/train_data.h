/*
 * train_data.h: the bars that a model is trained on, from a query.
 */
#ifndef LEM_PG_TRAIN_DATA_H
#define LEM_PG_TRAIN_DATA_H

#include "postgres.h"

#include "core/market/bars.h"
#include "core/market/book.h"
#include "core/market/calendar.h"
#include "pg/catalog/catalog.h"

typedef struct lem_train_data
{
	int			n_series;
	const char **names;			/* n_series, in the order of their bytes */
	lem_series *series;			/* n_series */
	int			n_features;		/* extra features a bar, the same for all */
	int64		bars;
	uint8		digest[LEM_DIGEST_LENGTH];
} lem_train_data;

/*
 * Run a query and keep its bars in the current memory context: at most limit bytes of them; their
 * closes, highs and lows as if they had none, unless closes says so.  Within SPI.  Raises 22023 and 42804 for columns that are missing or of the wrong type, LM001 and
 * LM002 for bad bars, LM003 where there are none, LM014 where they do not have n_features extra
 * features, LM015 for too many, and whatever is wrong with the query.
 */
extern void lem_train_data_read(const char *query, int n_features, bool closes, Size limit,
								lem_train_data *data);

/*
 * The same of a query that returns book bars (book_rows.h), as series that models of market making
 * read (outlook.h): n_features is LEM_MAKER_INPUTS and the bars' own.  quoted: with quotes.
 */
extern void lem_train_data_read_book(const char *query, int n_features, bool quoted,
									 const lem_clock *clock, int horizon, Size limit,
									 lem_train_data *data);

/* A book as the series that models of market making read, palloc'd. */
extern void lem_train_book_series(const lem_book *book, const lem_clock *clock, int horizon,
								  lem_series *series);

#endif

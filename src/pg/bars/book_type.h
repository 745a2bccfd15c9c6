/*
 * book_type.h: the lem_book type, a series whose features are the columns of a book.
 */
#ifndef LEM_PG_BOOK_TYPE_H
#define LEM_PG_BOOK_TYPE_H

#include "core/market/book.h"
#include "pg/bars/bars_type.h"

/*
 * On disk a lem_book is what a lem_bars is, with a format of its own: this number in the upper
 * byte, the book's layout in the lower one.
 */
#define LEM_BOOK_FORMAT 1
#define LEM_BOOK_DISK_FORMAT(layout) ((uint16) (LEM_BOOK_FORMAT << 8 | (layout)))

#define PG_GETARG_LEM_BOOK_P(n) PG_GETARG_LEM_BARS_P(n)

/* Detoasted datum as a book; the arrays point into it.  Raises XX001 if it is damaged. */
extern void lem_book_view(const lem_bars *value, lem_book *book);

/* A book as a datum, palloc'd; raises 54000 if it is too large for one. */
extern lem_bars *lem_book_make(const lem_series *series, int layout);

/* A bar as it comes: numbers, and which of those that its layout has are NULL. */
typedef struct lem_book_row
{
	int			layout;
	int64		ts;
	double		numbers[LEM_BOOK_COLUMNS];
	bool		null[LEM_BOOK_COLUMNS];
} lem_book_row;

/*
 * Complete a row: a buy_volume that is NULL is not part of its layout, and a bar with quotes and
 * without trades has the mid for its prices.  False for one that is left out: without quotes, and
 * with a NULL close or volume.  Raises LM001 for what is missing.
 */
extern bool lem_book_row_complete(lem_book_row *row);

/* A growing book in any order: its layout is that of its first bar. */
typedef struct lem_book_builder
{
	int			layout;			/* -1 before the first bar */
	int			n_features;		/* the user's own */
	lem_builder *bars;
} lem_book_builder;

extern lem_book_builder *lem_book_builder_create(MemoryContext context);

/*
 * Check a row (LEM_BOOK_COLUMNS numbers) and add it; raises LM001, LM014 and 54000 for another
 * layout, or another number of features, than the rows before.
 */
extern void lem_book_builder_add(lem_book_builder *builder, int layout, int64 ts,
								 const double *row, const double *features, int n_features);

/*
 * Add a row of an aggregate's arguments, ts being argument `first`, to a book: the rules of lem_book
 * (book_agg.c).
 */
extern void lem_book_accum_args(FunctionCallInfo fcinfo, int first, lem_book_builder *builder);

/* The first gets the second's bars; raises LM014 for other columns. */
extern void lem_book_builder_merge(lem_book_builder *to, const lem_book_builder *from);

/* A state on its way between processes. */
extern void lem_book_builder_send(const lem_book_builder *builder, StringInfo buffer);
extern lem_book_builder *lem_book_builder_receive(StringInfo buffer);

#endif

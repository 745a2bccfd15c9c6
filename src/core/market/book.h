/*
 * book.h: a series of book bars: the quotes at the end of each bar, and the trades inside it.
 *
 * A book is a series (bars.h) whose price is the close and whose features are the book's other
 * columns in the order of enum lem_book_column, those that its layout has, then the user's own
 * features.  Whatever sorts, merges, stores or sends bars does so with books.
 */
#ifndef LEM_BOOK_H
#define LEM_BOOK_H

#include "market/bars.h"

/* What a book knows besides open, high, low, close and volume. */
#define LEM_BOOK_QUOTES 1		/* bid and ask */
#define LEM_BOOK_SIZES 2		/* their sizes; only with quotes */
#define LEM_BOOK_BUYS 4			/* volume of takers' buys */
#define LEM_BOOK_LAYOUTS 8

/* Columns of a row as it is checked; each layout keeps some of them. */
typedef enum lem_book_column
{
	LEM_BOOK_BID,
	LEM_BOOK_ASK,
	LEM_BOOK_BID_SIZE,
	LEM_BOOK_ASK_SIZE,
	LEM_BOOK_OPEN,
	LEM_BOOK_HIGH,
	LEM_BOOK_LOW,
	LEM_BOOK_CLOSE,
	LEM_BOOK_VOLUME,
	LEM_BOOK_BUY_VOLUME,
	LEM_BOOK_COLUMNS
} lem_book_column;

/* Most features of the user's own that a book can have. */
#define LEM_BOOK_MAX_FEATURES 48

typedef struct lem_book
{
	lem_series	series;			/* price: the close */
	int			layout;
	int			place[LEM_BOOK_COLUMNS];	/* in series.features; -1: not there, or in series */
	int			n_features;		/* the user's own, the last ones of series.features */
} lem_book;

/* Is a column part of a layout? */
extern bool lem_book_has(int layout, lem_book_column column);

/* Its name: "bid" and so on. */
extern const char *lem_book_column_name(lem_book_column column);

/* A layout that there can be. */
static inline bool
lem_book_layout_ok(int layout)
{
	return layout >= 0 && layout < LEM_BOOK_LAYOUTS &&
		((layout & LEM_BOOK_QUOTES) || !(layout & LEM_BOOK_SIZES));
}

/* Columns that a layout keeps in a series' features. */
extern int	lem_book_width(int layout);

/* A series of that layout as a book; false if it is too narrow for it. */
extern bool lem_book_view_of(const lem_series *series, int layout, lem_book *book);

/*
 * Check a row (LEM_BOOK_COLUMNS numbers, those that the layout lacks ignored) and put it into what a
 * series keeps: LEM_OK, or LEM_TIME_RANGE, LEM_BAD_PRICE (name), LEM_BAD_VOLUME, LEM_BOOK_CROSSED,
 * LEM_BOOK_BAD_SIZE (name), LEM_BOOK_BAD_RANGE (name), LEM_BOOK_BAD_BUYS, LEM_BAD_FEATURE.
 * stored: lem_book_width(layout) + n_features.
 */
extern lem_status lem_book_row_check(int layout, int64_t ts, const double *row,
									 const double *features, int n_features, double *stored,
									 lem_fault *fault);

/* A whole book: every row, and times rising (LEM_DUPLICATE_TIME). */
extern lem_status lem_book_check(const lem_book *book, lem_fault *fault);

/* A column of bar i; 0 for one that the book does not have. */
static inline double
lem_book_get(const lem_book *book, lem_book_column column, size_t i)
{
	if (column == LEM_BOOK_CLOSE)
		return book->series.price[i];
	if (column == LEM_BOOK_VOLUME)
		return book->series.volume[i];
	if (book->place[column] < 0)
		return 0;
	return book->series.features[i * (size_t) book->series.n_features + book->place[column]];
}

/* The user's own features of bar i: n_features numbers. */
static inline const double *
lem_book_features_of(const lem_book *book, size_t i)
{
	return book->series.features + (i + 1) * (size_t) book->series.n_features - book->n_features;
}

/* The first n bars of a book. */
static inline lem_book
lem_book_first(const lem_book *book, size_t n)
{
	lem_book	first = *book;

	first.series.n = n;
	return first;
}

/* What is derived from one bar and those before it. */
typedef struct lem_book_feature
{
	double		mid;			/* of the quotes; without quotes the close */
	double		spread;			/* quoted; without quotes the estimate of Abdi and Ranaldo (2017) */
	double		bid;			/* quoted, or mid - spread / 2 */
	double		ask;
	double		imbalance;		/* (b - a) / (b + a) of the sizes; 0 without them */
	double		flow;			/* order-flow imbalance against the bar before (Cont, Kukanov,
								 * Stoikov 2014); 0 without sizes, and in the first bar */
	double		microprice;		/* quotes weighted with the opposite sizes; without sizes the mid */
	double		signed_volume;	/* buys - sells by takers; 0 where they are not known */
} lem_book_feature;

/* Pairs of bars that an estimated spread looks back on, and the least it can be, of the mid. */
#define LEM_SPREAD_PAIRS 60
#define LEM_SPREAD_FLOOR 1e-6

/* The features of bar i; it looks at no later bar. */
extern void lem_book_feature_at(const lem_book *book, size_t i, lem_book_feature *feature);

/* Estimated spreads of bar after bar, from the first one on: what goes along. */
typedef struct lem_spread_estimate
{
	double		term[LEM_SPREAD_PAIRS];
	double		close;			/* log of the last bar's close, and the middle of its logs of high */
	double		middle;			/* and low */
} lem_spread_estimate;

/* The estimate at bar i, of the price; called for bars 0, 1, .. in turn. */
extern double lem_spread_next(lem_spread_estimate *estimate, const lem_book *book, size_t i);

/* The features of bar i with such an estimate, which books with quotes have no use for. */
extern void lem_book_feature_with(const lem_book *book, size_t i, double estimate,
								  lem_book_feature *feature);

/* Order flow alone, of bar i > 0 of a book with sizes. */
extern double lem_book_flow(const lem_book *book, size_t i);

#endif

/*
 * books.h: simulated books for the tests of market making.
 */
#ifndef BOOKS_H
#define BOOKS_H

#include "making/simulate.h"

#define BOOK_MOST 200000

/* A book and its outlook, in static memory; one at a time. */
typedef struct test_book
{
	lem_book	book;
	lem_outlook_bar *bars;
} test_book;

/* Anything that passes the checks: n bars of a layout, by a seed. */
extern void book_random(uint64_t seed, int layout, size_t n, test_book *made);

/*
 * A market whose mid moves by sigma a bar without drift, whatever is quoted, and whose trades reach
 * a distance d below (above) the mid before the bar with intensity a exp(-kappa d), volume without
 * limit.  Sessions of so many bars, a day each; imbalance: how far the sizes lead the mid, in
 * standard deviations of its next move (0: they say nothing).
 */
extern void book_market(uint64_t seed, size_t n, size_t session, double sigma, double a,
						double kappa, double spread, double imbalance, test_book *made);

/* Take the outlook of a book that was changed. */
extern void book_look(test_book *made);

/* Its outlook as a series of models: mids (n), and features (n x (LEM_MAKER_INPUTS + own)). */
extern void book_series(const test_book *made, double *mid, double *features);

/* Change every number of bars from `from` on, so that the book is still valid. */
extern void book_change_after(test_book *made, size_t from, double factor);

#endif

/*
 * maker_setup.h: a book and a strategy, ready to be run.
 */
#ifndef LEM_PG_MAKER_SETUP_H
#define LEM_PG_MAKER_SETUP_H

#include "postgres.h"

#include "pg/bars/book_type.h"
#include "pg/making/maker_options.h"
#include "pg/making/quoting_type.h"

/* What names of baselines begin with, where a model is asked for. */
#define LEM_MAKER_BASELINE_PREFIX "baseline:"

/* Bars that a forecast looks ahead where nothing says so. */
#define LEM_MAKER_DEFAULT_HORIZON 10

typedef struct lem_maker_setup
{
	const char *name;			/* of the strategy */
	lem_book	book;
	lem_maker_options options;
	lem_quoting quoting;
	lem_quoting_given given;
	bool		quoting_now;	/* at the end of the book, rather than through it */
	size_t		base;			/* bars, and forecasts of the strategy, begin with this bar of the book */
	lem_outlook_bar *bars;		/* one a bar of [base, n) */
	size_t		first;			/* the bar at whose end the first decision is */
	lem_maker_strategy strategy;
	const struct lem_model_row *row;	/* of a model; NULL: a baseline */
} lem_maker_setup;

/*
 * Take the outlook of the setup's book from its base on, in the current memory context.  track may be
 * NULL.
 */
extern void lem_maker_look(lem_maker_setup *setup, int horizon, const lem_outlook_track *track);

#endif

/*
 * maker_forecast.h: forecasts of a model of market making over a book.
 */
#ifndef LEM_PG_MAKER_FORECAST_H
#define LEM_PG_MAKER_FORECAST_H

#include "pg/making/maker_setup.h"

/* What a mixture says beside its forecast; zeros of other models. */
typedef struct lem_maker_said
{
	int			regime;			/* 1 .. LEM_REGIMES, the one with the largest share */
	int			members;		/* of a task */
	double		weight[3 * LEM_MEMBERS];	/* by task */
} lem_maker_said;

/*
 * Take the outlook of the setup's book as the model of its name does, and forecast at the ends of
 * bars [from, n): strategy.forecast has one for each bar, of NaN where there is too little history.
 * strict: only the last bar's is wanted, setup's base becomes the first bar that it reads, and too
 * little history is an error (LM004).  The model stays pinned until the current
 * memory context is reset.  Raises LM010, 42501, and LM014 for a book that is not like those that
 * the model learnt from.  said, unless it is NULL: of the last bar.
 */
extern void lem_maker_forecasts(const char *schema, lem_maker_setup *setup, size_t from,
								bool strict, lem_maker_said *said);

#endif

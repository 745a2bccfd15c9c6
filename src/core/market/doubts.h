/*
 * doubts.h: what makes it doubtful that bars are what they are taken for.  Nothing of it is an
 * error: who passes the bars is told, and may be right.
 */
#ifndef LEM_DOUBTS_H
#define LEM_DOUBTS_H

#include "market/bars.h"

/* Bars, from the last one on back, that are enough to look at for a schedule. */
#define LEM_DOUBT_BARS 512

/* Lengths of the bars that a model was trained on, microseconds; 0: not known. */
typedef struct lem_bar_lengths
{
	int64_t		shortest;
	int64_t		longest;
} lem_bar_lengths;

typedef struct lem_doubts
{
	bool		swapped;		/* prices move as volumes do, and volumes as prices */
	bool		jumped;			/* a price is more than 1.5 times another bar's next to it */
	size_t		jump;			/* the last bar that is so far from the one before */
	double		ratio;			/* its price over that one's */
	int64_t		interval;		/* the bars', where the model was trained on others; else 0 */
} lem_doubts;

/*
 * Look at bars `from` and later of a series; the first time, also at what the bars are.  trained: of a
 * model, {0} where there is none.  A market that trades at and below zero does not jump.
 */
extern lem_doubts lem_series_doubts(const lem_series *series, size_t from, bool first,
									lem_bar_lengths trained);

/* Lengths with those of one series more, which count where it has bars enough to tell. */
extern lem_bar_lengths lem_bar_lengths_with(lem_bar_lengths lengths, const lem_series *series);

/* The bar from which the last LEM_DOUBT_BARS of a series are looked at. */
static inline size_t
lem_doubt_from(const lem_series *series)
{
	return series->n > LEM_DOUBT_BARS ? series->n - LEM_DOUBT_BARS : 0;
}

#endif

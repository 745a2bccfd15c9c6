/*
 * doubts.h: warnings about bars that may not be what they are taken for.
 */
#ifndef LEM_PG_DOUBTS_H
#define LEM_PG_DOUBTS_H

#include "postgres.h"

#include "core/market/doubts.h"

/*
 * Warn of what is doubtful about bars `from` and later of a series: of its name, NULL where it has
 * none.  first: whether it is asked what the bars are.  trained: of the
 * model, {0} where there is none.  A statement over many series warns a few times only.
 */
extern void lem_warn_of_bars(const char *name, const lem_series *series, Size from, bool first,
							 lem_bar_lengths trained);

#endif

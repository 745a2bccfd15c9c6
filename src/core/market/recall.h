/*
 * recall.h: what windows have in common with the one before.
 *
 * Orders that start near each other on one series have most of their histories in common, and with a shared
 * trunk their rows.  A row is a function of the bars up to its own: where the bars are the same it is copied.
 */
#ifndef LEM_RECALL_H
#define LEM_RECALL_H

#include "base/arena.h"
#include "base/real.h"
#include "market/feature.h"
#include "market/last.h"
#include "market/profile.h"
#include "parameters/config.h"

/* A row L whose history was too short. */
typedef struct lem_short_history
{
	bool		there;
	lem_series	series;
	int64_t		interval;
	bool		by_days;
	lem_place	row_l;
	int			bars;			/* that there are up to it */
} lem_short_history;

/* The last window that was built, and returns.  The bits of a window are the same with and without. */
typedef struct lem_window_memory
{
	bool		valid;
	lem_series	series;			/* of which series, seen how */
	lem_gap_view view;			/* whose pointers say no more than that there was something */
	int			count;			/* bars of a scale window */
	lem_place	row_l;
	lem_scales	scales;			/* as of row L */
	lem_strip	strip;
	lem_scale_strip scale_strip;
	lem_bar    *before;			/* 2N + L + 1: the bars of the strip before it was moved */
	lem_real   *rows;			/* T x C, of a shared trunk */
	lem_returns returns;
	lem_day_bars day_bars;
	lem_short_history too_short;
} lem_window_memory;

/*
 * Room for it, with nothing in it yet; NULL where windows have to look at all bars, or are the paper's.
 * The bars must stay while it is used.
 */
extern lem_window_memory *lem_window_memory_carve(lem_arena *arena, const lem_config *config);

/*
 * Does the history of row L, at a place of a view, continue the last window's?  Then move that along by
 * so many rows (shift), and fill in the strips up to row L, and scales.  False: nothing is done.
 */
extern bool lem_recall_history(lem_window_memory *memory, const lem_config *config,
							   const lem_gap_view *view, int count, lem_place row_l, int *shift);

/*
 * Where bars are carried on: how many there are up to row L, if that follows one whose history was too
 * short by few bars; else 0.  And keep such a one.
 */
extern int	lem_recall_short(const lem_window_memory *memory, const lem_gap_view *view, int most,
							 lem_place row_l);
extern void lem_recall_keep_short(lem_window_memory *memory, const lem_gap_view *view,
								  lem_place row_l, int bars);

/* Is it the last window's, row for row up to row L? */
extern bool lem_recall_same(const lem_window_memory *memory, const lem_gap_view *view, int count,
							lem_place row_l);

/*
 * With the bars of the strip complete: move along the rows that were there before, from row 0 on to the
 * first whose bar was not.  How many they are.
 */
extern int	lem_recall_rows(lem_window_memory *memory, const lem_config *config, int shift);

/* A window is complete, and the next one may recall it. */
extern void lem_recall_keep(lem_window_memory *memory, const lem_gap_view *view, int count,
							lem_place row_l, const lem_scales *scales);

#endif

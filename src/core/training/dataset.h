/*
 * dataset.h: what a model learns from: starts of imaginary orders in series of bars.
 *
 * A start is a bar with enough history before it and N bars from it on.  Time is split once: all
 * bars that a training start trades in lie before the cut; a validation start lies at least N bars
 * behind it.
 */
#ifndef LEM_DATASET_H
#define LEM_DATASET_H

#include "market/last.h"
#include "market/window.h"

typedef struct lem_start
{
	int64_t		ts;
	int64_t		bar;			/* index in its series */
	int32_t		series;
} lem_start;

typedef struct lem_dataset
{
	const lem_config *config;
	const lem_clock *clock;
	int			n_series;
	const lem_series *series;
	int64_t		cut;			/* first moment that training must not touch */
	size_t		n_train;
	const lem_start *train;
	size_t		n_valid;
	const lem_start *valid;
} lem_dataset;

/* The most starts that series can have, and doubles of scratch that building a sample needs. */
extern size_t lem_dataset_capacity(const lem_config *config, int n_series,
								   const lem_series *series);
extern size_t lem_dataset_scratch(const lem_config *config, int n_series,
								  const lem_series *series);

/* The memory of windows (window.h) in the scratch space, with nothing in it; NULL: none is needed. */
extern lem_window_memory *lem_dataset_memory(const lem_dataset *dataset, double *scratch);

/*
 * Find all usable starts, series after series, and split them at a moment: the last valid_fraction
 * of them (by time) is for validation.  starts has lem_dataset_capacity() entries; rows has T x C.
 * A series that lacks bars or history has no starts; other faults of its bars are returned.
 */
extern lem_status lem_dataset_fill(lem_dataset *dataset, double valid_fraction, double *scratch,
								   lem_real *rows, lem_start *starts, const lem_stop *stop,
								   int *failed, lem_fault *fault);

/*
 * One sample: rows (T x C) and market (N x 2: volume, price) of a start.  The market's numbers are
 * divided by powers of two, the price by one near the first bar's and the volume by one near the
 * largest: the loss does not see the unit, and numbers of any size keep their digits in a float.
 */
extern void lem_dataset_sample(const lem_dataset *dataset, const lem_start *start,
							   double *scratch, lem_real *rows, lem_real *market);

/* What there is to know of a start besides, in its series' own units. */
typedef struct lem_start_view
{
	double	   *market;			/* N x 2: price and volume of the bars that the slices trade in */
	double	   *close;			/* N: of them; NaN: not known */
	double	   *volume;			/* N: what was expected of them */
	lem_outlook outlook;
	lem_last	last;
} lem_start_view;

/*
 * The same sample, and the view of its start, whose arrays are the caller's; with the memory of windows
 * before, or NULL.
 */
extern void lem_dataset_look(const lem_dataset *dataset, const lem_start *start,
							 lem_window_memory *memory, double *scratch, lem_real *rows,
							 lem_real *market, lem_start_view *view);

#endif

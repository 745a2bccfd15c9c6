/*
 * probe.h: which layer of a teacher serves which task in which regime (maker page, section d), and
 * what of it a student is to learn (section c).
 *
 * Rows are in the order of time.  Those before `learn` teach a readout, those from `judge` on judge
 * it: the rows between are left out, so that no horizon reaches over the border.
 */
#ifndef LEM_PROBE_H
#define LEM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "parameters/config.h"

/* Shifts of time that give the null. */
#define LEM_PROBE_SHIFTS 50

typedef struct lem_probe_rows
{
	size_t		n;
	size_t		learn;
	size_t		judge;
	const double *target;		/* n x 3 */
	const double *last;			/* n x 3: what the last bar's values forecast */
	const double *volatility;	/* n */
	double		threshold[2];	/* of the regimes */
	uint64_t	seed;			/* of the shifts */
} lem_probe_rows;

typedef struct lem_probe_figure
{
	double		response;		/* F = 1 - SSE(readout) / SSE(the best naive forecast) */
	double		null_mean;		/* of the same for targets shifted in time */
	double		null_sd;
	double		z;				/* (F - null_mean) / null_sd */
	bool		known;			/* there were rows enough */
} lem_probe_figure;

/* Terciles of volatility over the first n rows. */
extern void lem_probe_terciles(size_t n, const double *volatility, double *scratch,
							   double *threshold);

/*
 * Probe one layer (rows of width numbers, stride apart): figure (3 tasks x R regimes).  The readout
 * of a regime is learnt from its rows alone.  scratch: lem_probe_scratch() doubles, use: n bools.
 * LEM_OK or LEM_STOPPED.
 */
extern size_t lem_probe_scratch(size_t n, int width);
extern lem_status lem_probe_layer(const lem_probe_rows *rows, int width, const double *features,
								  size_t stride, double *scratch, bool *use,
								  const lem_stop *stop, lem_probe_figure *figure);

/*
 * What layer `layer` of features (n x layers x width) adds to those before it, for each task k
 * numbers a row of it: state (n x 3 x k), with variance 1 over the first `learn` rows, from which
 * alone everything is learnt.  Directions that there are not are 0.  scratch:
 * lem_decompose_scratch() doubles.
 */
extern size_t lem_decompose_scratch(size_t n, int layers, int width, int k);
extern void lem_decompose(const lem_probe_rows *rows, int layers, int width, int layer,
						  const double *features, int k, double *scratch, double *state);

#endif

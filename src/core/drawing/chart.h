/*
 * chart.h: one picture with axes, as a whole <svg> that stands by itself or within a page.
 *
 * A chart draws what it is given and works nothing out: figures come from the functions that know
 * them.  It has no scripts and no identifiers, takes its colours from a style of its own (light, dark
 * and print), and names its data for readers that cannot see it.
 */
#ifndef LEM_CHART_H
#define LEM_CHART_H

#include "base/status.h"
#include "drawing/markup.h"

typedef enum lem_mark
{
	LEM_MARK_LINE,				/* points joined */
	LEM_MARK_STEP,				/* each value holds from its x to the next one's */
	LEM_MARK_BAR,				/* from base (or 0) to y, about x */
	LEM_MARK_BAND,				/* between base and y */
	LEM_MARK_POINT,
	LEM_MARK_INTERVAL			/* a whisker between base and y, at x */
} lem_mark;

#define LEM_MARKS 6

/* Colours that a chart has; a series' colour is one of them. */
#define LEM_COLOURS 8

/* Most numbers of all series of a chart, and most series. */
#define LEM_CHART_NUMBERS 2000000
#define LEM_CHART_SERIES 32

/* Text that need not end with a zero. */
typedef struct lem_words
{
	const char *text;
	size_t		n;
} lem_words;

typedef struct lem_series_drawn
{
	lem_words	name;			/* of the legend; empty: not in it */
	lem_mark	mark;
	int			colour;			/* 0 .. LEM_COLOURS - 1 */
	int			n;
	const double *x;			/* n, rising for lines, steps and bands; NULL: 0, 1, 2 ... */
	const double *y;			/* n; NaN: nothing there */
	const double *base;			/* n; NULL: 0 */
} lem_series_drawn;

typedef struct lem_chart
{
	lem_words	title;
	lem_words	x_label;
	lem_words	y_label;
	int			width;			/* units of the picture, 200 .. 2000 */
	int			height;			/* 120 .. 2000 */
	bool		x_times;		/* x are microseconds since 2000-01-01 00:00, local time */
	int			n_categories;	/* > 0: x are 0, 1, ... and called so */
	const lem_words *categories;
	bool		y_zero;			/* the axis begins at 0, whatever the values */
	bool		overlay;		/* series of bars stand at the same place, not side by side */
	int			n_series;
	const lem_series_drawn *series;
} lem_chart;

/* Draw; LEM_STOPPED if asked to, with what was drawn until then put. */
extern lem_status lem_chart_draw(const lem_chart *chart, const lem_stop *stop, const lem_sink *sink);

#endif

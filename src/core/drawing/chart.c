/* chart.c: one picture with axes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing/axis.h"
#include "drawing/chart.h"

/* Room around the plot, in units of the picture. */
#define LEFT 56
#define RIGHT 12
#define TOP 30
#define BOTTOM 34
#define LABEL_ROOM 16			/* more, where an axis has a label */
#define LEGEND_ROOM 18

/* About how wide a letter is. */
#define LETTER 6.2

/* Columns of a plot within which a line is drawn by its extremes: two a unit. */
#define COLUMNS_A_UNIT 2

/* Longest names shown, in letters. */
#define TITLE_LETTERS 90
#define NAME_LETTERS 32

static const char style[] =
"<style>"
".lem-svg{--ink:#1f2328;--soft:#59636e;--grid:#d8dee4;--c0:#0969da;--c1:#bc4c00;--c2:#1a7f37;--c3:#8250df;"
"--c4:#bf3989;--c5:#9a6700;--c6:#57606a;--c7:#cf222e;max-width:100%;height:auto;"
"font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
"@media screen and (prefers-color-scheme:dark){.lem-svg{--ink:#e6edf3;--soft:#9198a1;--grid:#3d444d;--c0:#4493f8;"
"--c1:#f0883e;--c2:#3fb950;--c3:#ab7df8;--c4:#db61a2;--c5:#d29922;--c6:#9198a1;--c7:#f85149}}"
".lem-svg text{fill:var(--ink)}.lem-svg .soft{fill:var(--soft)}.lem-svg .title{font-weight:600;font-size:13px}"
".lem-svg .grid{stroke:var(--grid)}.lem-svg .zero{stroke:var(--soft)}"
".lem-svg .line{fill:none;stroke-width:1.6;stroke-linejoin:round}.lem-svg .band{fill-opacity:.18;stroke:none}"
".lem-svg .k0{stroke:var(--c0);fill:var(--c0)}.lem-svg .k1{stroke:var(--c1);fill:var(--c1)}"
".lem-svg .k2{stroke:var(--c2);fill:var(--c2)}.lem-svg .k3{stroke:var(--c3);fill:var(--c3)}"
".lem-svg .k4{stroke:var(--c4);fill:var(--c4)}.lem-svg .k5{stroke:var(--c5);fill:var(--c5)}"
".lem-svg .k6{stroke:var(--c6);fill:var(--c6)}.lem-svg .k7{stroke:var(--c7);fill:var(--c7)}"
".lem-svg .bar,.lem-svg .point,.lem-svg .band{stroke:none}.lem-svg .line{fill:none}"
"</style>";

/* A drawing in progress. */
typedef struct drawing
{
	const lem_chart *chart;
	const lem_sink *sink;
	const lem_stop *stop;
	lem_axis	x;
	lem_axis	y;
	double		left;			/* the plot */
	double		right;
	double		top;
	double		bottom;
	double		bar;			/* width of a bar */
	int			bars;			/* series of bars, which stand side by side */
} drawing;

static double
series_x(const lem_series_drawn *series, int i)
{
	return series->x ? series->x[i] : i;
}

static double
series_base(const lem_series_drawn *series, int i)
{
	return series->base ? series->base[i] : 0;
}

static bool
has_base(const lem_series_drawn *series)
{
	return series->mark == LEM_MARK_BAR || series->mark == LEM_MARK_BAND ||
		series->mark == LEM_MARK_INTERVAL;
}

static double
place_x(const drawing *d, double x)
{
	return d->left + (x - d->x.low) / (d->x.high - d->x.low) * (d->right - d->left);
}

static double
place_y(const drawing *d, double y)
{
	return d->bottom - (y - d->y.low) / (d->y.high - d->y.low) * (d->bottom - d->top);
}

/* ` name="number"`, in hundredths of a unit. */
static void
put_attribute(const drawing *d, const char *name, double x)
{
	lem_put(d->sink, " ");
	lem_put(d->sink, name);
	lem_put(d->sink, "=\"");
	lem_put_number(d->sink, x, 2);
	lem_put(d->sink, "\"");
}

static void
put_words(const drawing *d, lem_words words, size_t most)
{
	lem_put_text(d->sink, words.text ? words.text : "", words.text ? words.n : 0, most);
}

/* A text at a place; anchor start, middle or end. */
static void
put_label(const drawing *d, double x, double y, const char *classes, const char *anchor,
		  lem_words words, size_t most)
{
	lem_put(d->sink, "<text");
	put_attribute(d, "x", x);
	put_attribute(d, "y", y);
	lem_put(d->sink, " class=\"");
	lem_put(d->sink, classes);
	lem_put(d->sink, "\" text-anchor=\"");
	lem_put(d->sink, anchor);
	lem_put(d->sink, "\">");
	put_words(d, words, most);
	lem_put(d->sink, "</text>");
}

static void
put_rule(const drawing *d, double x1, double y1, double x2, double y2, const char *classes)
{
	lem_put(d->sink, "<line");
	put_attribute(d, "x1", x1);
	put_attribute(d, "y1", y1);
	put_attribute(d, "x2", x2);
	put_attribute(d, "y2", y2);
	lem_put(d->sink, " class=\"");
	lem_put(d->sink, classes);
	lem_put(d->sink, "\"/>");
}

static lem_words
words_of(const char *text)
{
	return (lem_words) {text, strlen(text)};
}

static void
widen(double x, double *low, double *high)
{
	if (!isfinite(x))
		return;
	*low = fmin(*low, x);
	*high = fmax(*high, x);
}

/* The least distance between neighbours of series of bars, for their width. */
static double
least_gap(const lem_chart *chart)
{
	double		gap = INFINITY;

	for (int s = 0; s < chart->n_series; s++)
	{
		const lem_series_drawn *series = &chart->series[s];

		for (int i = 1; series->mark == LEM_MARK_BAR && i < series->n; i++)
		{
			const double distance = fabs(series_x(series, i) - series_x(series, i - 1));

			if (distance > 0)
				gap = fmin(gap, distance);
		}
	}
	return gap;
}

/* The axes' ends, from all that is drawn. */
static void
set_axes(drawing *d)
{
	const lem_chart *chart = d->chart;
	double		x_low = INFINITY;
	double		x_high = -INFINITY;
	double		y_low = INFINITY;
	double		y_high = -INFINITY;
	double		gap;

	d->bars = 0;
	for (int s = 0; s < chart->n_series; s++)
	{
		const lem_series_drawn *series = &chart->series[s];

		d->bars += series->mark == LEM_MARK_BAR && !(chart->overlay && d->bars > 0);
		for (int i = 0; i < series->n; i++)
		{
			widen(series_x(series, i), &x_low, &x_high);
			widen(series->y[i], &y_low, &y_high);
			if (has_base(series))
				widen(series_base(series, i), &y_low, &y_high);
		}
	}
	if (chart->n_categories > 0)
	{
		x_low = 0;
		x_high = chart->n_categories - 1;
	}
	if (!isfinite(x_low))
		x_low = 0, x_high = 1;
	if (!isfinite(y_low))
		y_low = 0, y_high = 1;
	if (chart->y_zero)
		widen(0, &y_low, &y_high);

	gap = chart->n_categories > 0 ? 1 : least_gap(chart);
	if (!isfinite(gap))
		gap = x_high > x_low ? x_high - x_low : 1;
	if (d->bars > 0 || chart->n_categories > 0)
	{
		x_low -= gap / 2;
		x_high += gap / 2;
	}
	if (chart->x_times)
		lem_axis_times(x_low, x_high, (int) fmax(2, fmin(8, chart->width / 75.0)), &d->x);
	else
		lem_axis_numbers(x_low, x_high, (int) fmax(2, fmin(10, chart->width / 60.0)), false, &d->x);
	lem_axis_numbers(y_low, y_high, (int) fmax(3, fmin(8, chart->height / 36.0)), true, &d->y);
	d->bar = gap / (d->x.high - d->x.low) * (d->right - d->left) * 0.8 / (d->bars > 0 ? d->bars : 1);
}

static void
draw_axes(const drawing *d)
{
	const lem_chart *chart = d->chart;
	const double middle = (d->left + d->right) / 2;

	for (int i = 0; i < d->y.n; i++)
	{
		const double y = place_y(d, d->y.ticks[i].at);

		put_rule(d, d->left, y, d->right, y, d->y.ticks[i].at == 0 ? "zero" : "grid");
		put_label(d, d->left - 6, y + 4, "soft", "end", words_of(d->y.ticks[i].text), 0);
	}
	if (chart->n_categories > 0)
	{
		/* as many names as there is room for */
		const double room = (d->right - d->left) / chart->n_categories;
		const size_t letters = (size_t) fmax(3, fmin(NAME_LETTERS, room / LETTER));
		const int	every = (int) fmax(1, ceil(3 * LETTER / room));

		for (int i = 0; i < chart->n_categories; i += every)
			put_label(d, place_x(d, i), d->bottom + 16, "soft", "middle", chart->categories[i],
					  letters);
	}
	else
	{
		for (int i = 0; i < d->x.n; i++)
			put_label(d, place_x(d, d->x.ticks[i].at), d->bottom + 16, "soft", "middle",
					  words_of(d->x.ticks[i].text), 0);
	}
	if (chart->x_label.n > 0)
		put_label(d, middle, d->bottom + 16 + LABEL_ROOM, "soft", "middle", chart->x_label,
				  TITLE_LETTERS);
	if (chart->y_label.n > 0)
		put_label(d, d->left, d->top - 8, "soft", "start", chart->y_label, TITLE_LETTERS);
}

/* The class of a series' marks. */
static void
put_class(const drawing *d, const char *kind, const lem_series_drawn *series)
{
	char		text[32];

	snprintf(text, sizeof(text), " class=\"%s k%d\"", kind, series->colour);
	lem_put(d->sink, text);
}

static void
put_point(const drawing *d, char how, double x, double y)
{
	const char	text[2] = {how, '\0'};

	lem_put(d->sink, text);
	lem_put_number(d->sink, x, 1);
	lem_put(d->sink, " ");
	lem_put_number(d->sink, y, 1);
}

/*
 * A line or steps.  Where many points fall into one column of the picture, its first, lowest, highest
 * and last one are drawn, in their order: that looks the same, and the size is bounded by the width.
 */
static lem_status
draw_line(const drawing *d, const lem_series_drawn *series)
{
	const bool	step = series->mark == LEM_MARK_STEP;
	bool		pen_down = false;
	double		last_y = 0;
	int			i = 0;

	lem_put(d->sink, "<path");
	put_class(d, "line", series);
	lem_put(d->sink, " d=\"");
	while (i < series->n)
	{
		const double column = floor(place_x(d, series_x(series, i)) * COLUMNS_A_UNIT);
		int			pick[4];
		int			n = 0;
		int			low = i;
		int			high = i;
		int			end = i;

		if (i % 1024 == 0 && lem_stop_asked(d->stop))
			return LEM_STOPPED;
		if (!isfinite(series->y[i]) || !isfinite(series_x(series, i)))
		{
			pen_down = false;
			i++;
			continue;
		}
		while (end + 1 < series->n && isfinite(series->y[end + 1]) &&
			   floor(place_x(d, series_x(series, end + 1)) * COLUMNS_A_UNIT) == column)
		{
			end++;
			if (series->y[end] < series->y[low])
				low = end;
			if (series->y[end] > series->y[high])
				high = end;
		}
		pick[n++] = i;
		if (low < high ? low > i : high > i)
			pick[n++] = low < high ? low : high;
		if (low != high && (low > high ? low : high) < end)
			pick[n++] = low > high ? low : high;
		if (end > pick[n - 1])
			pick[n++] = end;
		for (int k = 0; k < n; k++)
		{
			const double x = place_x(d, series_x(series, pick[k]));
			const double y = place_y(d, series->y[pick[k]]);

			if (step && pen_down)
				put_point(d, 'L', x, last_y);
			put_point(d, pen_down ? 'L' : 'M', x, y);
			pen_down = true;
			last_y = y;
		}
		i = end + 1;
	}
	if (step && pen_down)
		put_point(d, 'L', d->right, last_y);
	lem_put(d->sink, "\"/>");
	return LEM_OK;
}

/* Runs of a band: there along its upper edge, back along its lower one. */
static lem_status
draw_band(const drawing *d, const lem_series_drawn *series)
{
	int			i = 0;

	lem_put(d->sink, "<path");
	put_class(d, "band", series);
	lem_put(d->sink, " d=\"");
	while (i < series->n)
	{
		int			end = i;

		if (lem_stop_asked(d->stop))
			return LEM_STOPPED;
		while (end < series->n && isfinite(series->y[end]) && isfinite(series_base(series, end)))
			end++;
		for (int k = i; k < end; k++)
			put_point(d, k == i ? 'M' : 'L', place_x(d, series_x(series, k)), place_y(d, series->y[k]));
		for (int k = end - 1; k >= i; k--)
			put_point(d, 'L', place_x(d, series_x(series, k)), place_y(d, series_base(series, k)));
		if (end > i)
			lem_put(d->sink, "Z");
		i = end + 1;
	}
	lem_put(d->sink, "\"/>");
	return LEM_OK;
}

/* Bars, points and whiskers, one element each. */
static lem_status
draw_marks(const drawing *d, const lem_series_drawn *series, int bar)
{
	for (int i = 0; i < series->n; i++)
	{
		const double x = place_x(d, series_x(series, i));
		const double y = place_y(d, series->y[i]);
		const double base = place_y(d, series_base(series, i));

		if (i % 1024 == 0 && lem_stop_asked(d->stop))
			return LEM_STOPPED;
		if (!isfinite(x) || !isfinite(y) || !isfinite(base))
			continue;
		switch (series->mark)
		{
			case LEM_MARK_BAR:
				lem_put(d->sink, "<rect");
				put_class(d, "bar", series);
				put_attribute(d, "x", x + d->bar * (bar - d->bars / 2.0));
				put_attribute(d, "y", fmin(y, base));
				put_attribute(d, "width", fmax(d->bar, 0.3));
				put_attribute(d, "height", fabs(y - base));
				break;
			case LEM_MARK_INTERVAL:
				lem_put(d->sink, "<line");
				put_class(d, "whisker", series);
				put_attribute(d, "x1", x);
				put_attribute(d, "y1", y);
				put_attribute(d, "x2", x);
				put_attribute(d, "y2", base);
				break;
			default:
				lem_put(d->sink, "<circle");
				put_class(d, "point", series);
				put_attribute(d, "cx", x);
				put_attribute(d, "cy", y);
				lem_put(d->sink, " r=\"2.4\"");
				break;
		}
		lem_put(d->sink, "/>");
	}
	return LEM_OK;
}

/* The names of the series, below the plot; what does not fit is left out. */
static void
draw_legend(const drawing *d)
{
	double		x = d->left;
	const double y = d->chart->height - 8;

	for (int s = 0; s < d->chart->n_series; s++)
	{
		const lem_series_drawn *series = &d->chart->series[s];
		const double width = 16 + LETTER * fmin((double) series->name.n, NAME_LETTERS) + 14;

		if (series->name.n == 0)
			continue;
		if (x + width > d->right + 14)
			break;
		lem_put(d->sink, "<rect");
		put_class(d, series->mark == LEM_MARK_BAND ? "band" : "bar", series);
		put_attribute(d, "x", x);
		put_attribute(d, "y", y - 8);
		lem_put(d->sink, " width=\"10\" height=\"8\"/>");
		put_label(d, x + 14, y, "soft", "start", series->name, NAME_LETTERS);
		x += width;
	}
}

lem_status
lem_chart_draw(const lem_chart *chart, const lem_stop *stop, const lem_sink *sink)
{
	drawing		d = {.chart = chart, .sink = sink, .stop = stop};
	char		text[128];
	bool		legend = false;
	int			bar = 0;

	for (int s = 0; s < chart->n_series; s++)
		legend = legend || chart->series[s].name.n > 0;
	d.left = LEFT;
	d.right = chart->width - RIGHT;
	d.top = TOP + (chart->y_label.n > 0 ? LABEL_ROOM : 0);
	d.bottom = chart->height - BOTTOM + 8 - (chart->x_label.n > 0 ? LABEL_ROOM : 0) -
		(legend ? LEGEND_ROOM : 0);
	set_axes(&d);

	snprintf(text, sizeof(text),
			 "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lem-svg\" role=\"img\""
			 " width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\"", chart->width, chart->height, chart->width,
			 chart->height);
	lem_put(sink, text);
	lem_put(sink, " aria-label=\"");
	put_words(&d, chart->title, 0);
	lem_put(sink, "\"><title>");
	put_words(&d, chart->title, 0);
	lem_put(sink, "</title>");
	lem_put(sink, style);
	put_label(&d, d.left, 18, "title", "start", chart->title, TITLE_LETTERS);
	draw_axes(&d);
	for (int s = 0; s < chart->n_series; s++)
	{
		const lem_series_drawn *series = &chart->series[s];
		lem_status	status;

		if (series->mark == LEM_MARK_LINE || series->mark == LEM_MARK_STEP)
			status = draw_line(&d, series);
		else if (series->mark == LEM_MARK_BAND)
			status = draw_band(&d, series);
		else
			status = draw_marks(&d, series, bar);
		bar += series->mark == LEM_MARK_BAR && !chart->overlay;
		if (status != LEM_OK)
			return status;
	}
	if (legend)
		draw_legend(&d);
	lem_put(sink, "</svg>");
	return LEM_OK;
}

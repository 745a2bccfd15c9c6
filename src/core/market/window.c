/*
 * window.c: from a series and an order to the rows that a model reads.
 *
 * Everything that a slice is decided by is taken from bars before it: the interval and the scales
 * from history up to row L, each later row from its own bar.  Only expected bars look further:
 * they stand where no bar has completed yet.
 */
#include "base/arena.h"
#include "market/calendar.h"
#include "market/expect.h"
#include "market/feature.h"
#include "market/profile.h"
#include "market/recall.h"
#include "market/window.h"

/* Bars from which the interval is taken, at least. */
#define INTERVAL_BARS 64

/* The work in hand. */
typedef struct window_work
{
	const lem_config *config;
	const lem_series *series;
	const lem_order *order;
	const lem_clock *clock;
	bool		has_start;		/* from when on bars are the order's: as it says, */
	int64_t		start_ts;		/* or by the clock */

	lem_strip	strip;
	lem_scale_strip scale_strip;	/* of a shared trunk */
	lem_scales *row_scales;		/* T: as of each row */
	uint64_t   *differences;	/* interval_bars() */
	lem_profile *profile;		/* N: of expected bars */

	bool		returns;		/* sum returns up, too */
	const double *log_return;	/* of the series' bars, where the caller has them; or NULL */
	bool		rows;			/* of a shared trunk: fill the scale strip, from which their scales are */
	lem_window_memory *memory;	/* to build on; NULL: none */
	lem_window_memory *known;	/* of the window before, whose bars are looked at; NULL: none */
	int			shift;			/* by how many rows it was moved; -1: nothing is recalled */
	size_t		n_history;		/* bars of the series before the start */
	lem_expect	expect;
	lem_gap_view view;
	lem_place	row_l;
	lem_place	oldest;			/* of the history used */
	lem_scale_window scale_window;
	lem_scales	scales;
} window_work;

static size_t
interval_bars(const lem_config *config)
{
	return config->lookback + 1 > INTERVAL_BARS ? (size_t) config->lookback + 1 : INTERVAL_BARS;
}

int
lem_window_history(const lem_config *config, int64_t interval)
{
	const int	found_from = (int) interval_bars(config);
	lem_scale_window scale;

	if (config->bar_interval > 0)
		interval = config->bar_interval;
	if (interval <= 0)
		return found_from;
	lem_scale_window_of(config, interval, &scale);
	return scale.history > found_from ? scale.history : found_from;
}

static void
work_carve(lem_arena *arena, const lem_config *config, window_work *work)
{
	const size_t steps = (size_t) config->n_ahead;
	const size_t strip = lem_strip_size(config);

	work->strip.bars = lem_arena_bytes(arena, strip * sizeof(lem_bar));
	work->strip.log_return = lem_arena_bytes(arena, strip * sizeof(double));
	if (config->shared_trunk)
	{
		const size_t bars = (size_t) lem_scale_strip_count(config) + lem_rows(config);

		work->scale_strip.volume = lem_arena_bytes(arena, bars * sizeof(double));
		work->scale_strip.log_return = lem_arena_bytes(arena, bars * sizeof(double));
		work->row_scales = lem_arena_bytes(arena, lem_rows(config) * sizeof(lem_scales));
	}
	work->differences = lem_arena_bytes(arena, interval_bars(config) * sizeof(uint64_t));
	work->profile = lem_arena_bytes(arena, steps * sizeof(lem_profile));
}

size_t
lem_window_scratch(const lem_config *config, const lem_series *series)
{
	lem_arena	arena = {NULL, 0};
	window_work work;

	(void) series;
	work_carve(&arena, config, &work);
	return (arena.used + sizeof(double) - 1) / sizeof(double);
}

/* The part of the strip with the bars that the slices trade in; row L lies before it. */
static inline lem_bar *
slice_bars(const window_work *work)
{
	return work->strip.bars + lem_strip_row(work->config, work->config->lookback + 1);
}

/* A fault that concerns the time ts. */
static lem_status
time_fault(lem_fault *fault, lem_status status, int64_t ts, double have)
{
	lem_fail(fault, status, NULL, have, 0);
	if (fault)
		fault->ts = ts;
	return status;
}

/*
 * Bars that should lie between the series' last bar before the start and the start: missing, or not
 * there yet.
 */
static uint64_t
bars_awaited(const window_work *work)
{
	return lem_expect_missing(&work->expect, work->series->ts[work->n_history - 1],
							  work->start_ts);
}

/*
 * Row L: the last bar before the start; with gaps = carry, one carried on from the series' last
 * bar before it, up to the start.  When the next bar came does not matter: that is later news.
 */
static lem_place
find_row_l(const window_work *work)
{
	const size_t last = work->n_history - 1;

	if (!work->has_start || !work->view.carry)
		return (lem_place) {last, 0, 0};
	return lem_gap_last(&work->view, last, work->start_ts,
						work->view.grid ? 0 : bars_awaited(work));
}

/* Are the bars of the scale window kept, for rows that are scaled by them or windows that follow? */
static inline bool
fills_strip(const window_work *work)
{
	return work->rows || work->memory;
}

/*
 * The history up to row L where only the bars count that there are: the strip's first part, and the
 * sums over the scale window, in the order in which read_history() takes them.
 */
static lem_status
read_bars(window_work *work, lem_fault *fault)
{
	const lem_series *series = work->series;
	const lem_scale_window *scale = &work->scale_window;
	const int	strip_l = lem_strip_row(work->config, work->config->lookback);
	const size_t last = work->row_l.bar;
	lem_sums	sums = {0, 0, 0};

	if (last + 1 < (size_t) scale->history)
		return lem_fail(fault, LEM_SHORT_HISTORY, NULL, (double) (last + 1), scale->history);
	for (int i = 0; i <= strip_l; i++)
	{
		const size_t at = last - (size_t) (strip_l - i);

		work->strip.bars[i] = (lem_bar) {series->ts[at], series->price[at], series->volume[at], at};
	}
	for (int back = scale->lag; back < scale->lag + scale->count; back++)
		sums.volume += series->volume[last - back] * 0x1p-20;
	for (int back = 0; work->returns && back < scale->count; back++)
	{
		const size_t at = last - back;
		const double r = work->log_return ? work->log_return[at]
			: lem_log_return(series->price[at - 1], series->price[at]);

		sums.log_return += r;
		sums.log_return_2 += r * r;
	}
	if (fills_strip(work))
	{
		const int	wide_l = scale->count + work->config->lookback;
		const int	first = wide_l < scale->history ? 0 : wide_l + 1 - scale->history;

		for (int i = first; i <= wide_l; i++)
			work->scale_strip.volume[i] = series->volume[last - (size_t) (wide_l - i)] * 0x1p-20;
		for (int i = first + 1; i <= wide_l; i++)
		{
			const size_t at = last - (size_t) (wide_l - i);

			work->scale_strip.log_return[i] = lem_log_return(series->price[at - 1],
															 series->price[at]);
		}
	}
	work->oldest = (lem_place) {last + 1 - (size_t) scale->history, 0, 0};
	lem_scales_of(&sums, scale->count, &work->scales);
	return LEM_OK;
}

/*
 * Walk the history back from row L: the strip's first part, and the sums over the scale window.
 */
static lem_status
read_history(window_work *work, lem_fault *fault)
{
	const lem_config *config = work->config;
	const lem_scale_window *scale = &work->scale_window;
	const int	strip_l = lem_strip_row(config, config->lookback);
	const int	wide_l = scale->count + config->lookback;	/* row L in the scale strip */
	lem_place	place = work->row_l;
	lem_sums	sums = {0, 0, 0};
	double		later_price = 0;
	const bool	fill = fills_strip(work);
	int			bars;

	if (!work->view.carry)
		return read_bars(work, fault);
	bars = work->memory ? lem_recall_short(work->memory, &work->view, config->n_ahead, place) : 0;
	if (bars > 0 && bars < scale->history)
	{
		lem_recall_keep_short(work->memory, &work->view, place, bars);
		return lem_fail(fault, LEM_SHORT_HISTORY, NULL, bars, scale->history);
	}
	for (int back = 0; back < scale->history; back++)
	{
		lem_bar		bar;

		if (back > 0 && !lem_gap_back(&work->view, &place))
		{
			if (work->memory)
				lem_recall_keep_short(work->memory, &work->view, work->row_l, back);
			return lem_fail(fault, LEM_SHORT_HISTORY, NULL, back, scale->history);
		}
		bar = lem_gap_bar(&work->view, place);
		if (back <= strip_l)
			work->strip.bars[strip_l - back] = bar;
		if (back >= scale->lag && back < scale->lag + scale->count)
			sums.volume += bar.volume * 0x1p-20;
		if (work->returns && back > 0 && (back <= scale->count || fill))
		{
			double		r = lem_log_return(bar.price, later_price);

			if (back <= scale->count)
			{
				sums.log_return += r;
				sums.log_return_2 += r * r;
			}
			if (fill && back <= wide_l)
				work->scale_strip.log_return[wide_l - back + 1] = r;
		}
		if (fill && back <= wide_l)
			work->scale_strip.volume[wide_l - back] = bar.volume * 0x1p-20;
		later_price = bar.price;
	}
	work->oldest = place;
	lem_scales_of(&sums, scale->count, &work->scales);
	return LEM_OK;
}

/* Put the bars there are after row L into the strip; how many, at most N. */
static int
read_known(window_work *work)
{
	lem_bar    *bars = slice_bars(work);
	lem_place	place = work->row_l;
	int			known = 0;

	if (!work->has_start)
		return 0;
	while (known < work->config->n_ahead && lem_gap_on(&work->view, &place))
		bars[known++] = lem_gap_bar(&work->view, place);
	return known;
}

/* Bars that are missing between bar i of the series and the next. */
static uint64_t
bars_missing(const window_work *work, size_t i)
{
	const lem_expect *expect = &work->expect;
	const int64_t from = work->series->ts[i];
	const int64_t to = work->series->ts[i + 1];

	if (expect->by_calendar && expect->interval < LEM_DAY)
		return lem_expect_missing(expect, from + expect->interval / 2, to - expect->interval / 2);
	if (expect->by_calendar || expect->months > 0)
		return lem_expect_missing(expect, from, to);
	return lem_gap_missing(work->series, work->view.interval, i);
}

/* gaps = error: no bar may be missing from the first needed to the last known. */
static lem_status
check_gaps(const window_work *work, int known, lem_fault *fault)
{
	const lem_series *series = work->series;
	const size_t last = work->row_l.bar + (size_t) known;
	double		missing = 0;
	int64_t		first = 0;

	for (size_t i = work->oldest.bar; i <= last; i++)
	{
		uint64_t	here = 0;

		if (i < last)
			here = bars_missing(work, i);
		else if (known == 0 && work->has_start)
			here = bars_awaited(work);
		if (here > 0 && missing == 0)
			first = series->ts[i] + work->view.interval;
		missing += (double) here;
	}
	if (missing > 0)
		return time_fault(fault, LEM_MISSING_BARS, first, missing);
	return LEM_OK;
}

/* What had ended by the clock's time is known; with gaps = error, what is missing is an error. */
static inline bool
knows_now(const window_work *work)
{
	return work->clock && work->clock->has_now && work->config->gaps != LEM_GAPS_ERROR;
}

/*
 * The order's start.  With gaps = carry, one without a bar since its start has traded in none that
 * had ended by now: it starts with the bar of now, and those before are carried on.
 */
static void
find_start(window_work *work)
{
	const lem_order *order = work->order;
	const int64_t last = work->series->ts[work->n_history - 1];
	int64_t		first;
	int64_t		now;

	work->has_start = order->has_start;
	work->start_ts = order->start_ts;
	if (!knows_now(work) || !work->view.carry || work->n_history < work->series->n)
		return;
	now = work->clock->now - work->view.interval + 1;
	if (lem_expect_next(&work->expect, work->n_history - 1, last,
						order->has_start ? order->start_ts : LEM_TIME_MIN, &first, NULL) != LEM_OK
		|| lem_expect_end(&work->expect, first) > work->clock->now || !lem_time_ok(now) ||
		now <= first)
		return;
	work->has_start = true;
	work->start_ts = now;
}

/*
 * From when on slice i is expected: the first not before the start, and where no bar has come since,
 * none that has ended by now.
 */
static int64_t
earliest_time(const window_work *work, int i)
{
	const int64_t last = work->series->ts[work->n_history - 1];
	int64_t		earliest = LEM_TIME_MIN;
	uint64_t	steps;

	if (i > 0)
		return earliest;
	if (work->has_start)
		earliest = work->start_ts;
	if (!knows_now(work) || work->view.carry || work->n_history < work->series->n ||
		work->clock->now - work->view.interval < earliest ||
		work->clock->now - work->view.interval < last + work->expect.habit.step)
		return earliest;
	/* The first that lies as the last one does. */
	steps = ((uint64_t) (work->clock->now - work->view.interval) - (uint64_t) last)
		/ (uint64_t) work->expect.habit.step + 1;
	return (int64_t) ((uint64_t) last + steps * (uint64_t) work->expect.habit.step);
}

/*
 * With no slice done yet: is the first one firm?  Not if bars may still come before the start.  Any of
 * them may be missing where nothing traded: the clock says whether they can still come, and without
 * one, with gaps = skip, what the series has shown so far.
 */
static bool
first_is_firm(const window_work *work, int64_t first)
{
	const lem_order *order = work->order;
	const size_t last = work->n_history - 1;

	if (!order->has_start)
		return true;
	if (knows_now(work))
	{
		int64_t		next;

		if (order->start_ts <= work->clock->now)
			return true;
		return lem_expect_next(&work->expect, last, work->series->ts[last],
							   work->clock->now - work->view.interval + 1, &next, NULL) == LEM_OK
			&& next >= first;
	}
	if (work->config->gaps == LEM_GAPS_SKIP)
		return lem_expect_complete(&work->expect, last, order->start_ts);
	return bars_awaited(work) == 0;
}

/*
 * Bars that expected volumes are taken from: the scale window's.  Of sessions, at least a week's
 * worth, whatever the model's window leaves of it.
 */
static int
profile_bars(const window_work *work)
{
	const lem_scale_window *scale = &work->scale_window;
	int64_t		week = LEM_WEEK / work->view.interval;

	if (week > LEM_MAX_NORM_WINDOW)
		week = LEM_MAX_NORM_WINDOW;
	if (work->config->gaps != LEM_GAPS_SKIP && !work->expect.by_calendar)
		week = 0;
	return scale->count > week ? scale->count : (int) week;
}

/*
 * Volumes of expected bars from slice `known` on: the mean of the bars with the same time of day,
 * with a calendar of those whose sessions end at the same time, else of all of them.
 */
static void
expect_volumes(window_work *work, int known)
{
	const int	steps = work->config->n_ahead;
	const lem_profile_window window = {&work->view, work->row_l, work->scale_window.lag,
		profile_bars(work)};
	lem_window_memory *memory = work->memory ? work->memory : work->known;
	lem_bar    *bars = slice_bars(work);
	day_clock	day = {.clock = work->clock};

	if (work->expect.by_calendar && work->view.interval < LEM_DAY)
	{
		day.clock = &work->expect.clock;
		day.sessions = work->expect.grid.calendar;
	}
	for (int i = known; i < steps; i++)
	{
		work->profile[i] = (lem_profile) {0};
		work->profile[i].time = day_time(&day, bars[i].ts, &work->profile[i].close);
	}
	lem_profile_sum(memory ? &memory->day_bars : NULL, &window, &day, steps - known,
					work->profile + known);
	for (int i = known; i < steps; i++)
	{
		const lem_profile *p = &work->profile[i];

		bars[i].volume = p->bars > 0 ? p->volume / p->bars * 0x1p20
			: p->any_bars > 0 ? p->any_volume / p->any_bars * 0x1p20
			: work->scales.mean_volume;
	}
}

/*
 * The bars that are still to come: last price, the volume usual at that time, the last bar's extra
 * features.
 */
static lem_status
expect_bars(window_work *work, int known, lem_fault *fault)
{
	const int	steps = work->config->n_ahead;
	lem_bar    *bars = slice_bars(work);

	for (int i = known; i < steps; i++)
	{
		lem_status	status;

		bars[i] = bars[i - 1];	/* row L before slice 0 */
		status = lem_expect_next(&work->expect, bars[i].source, bars[i - 1].ts,
								 earliest_time(work, i), &bars[i].ts, fault);
		if (status != LEM_OK)
			return status;
	}
	if (known < steps)
		expect_volumes(work, known);
	return LEM_OK;
}

/*
 * How the bars before an order's start lie.  ahead: bars to come will be asked for.
 */
static lem_status
open_view(window_work *work, const lem_config *config, const lem_series *series,
		  const lem_order *order, const lem_clock *clock, bool ahead, double *scratch,
		  lem_fault *fault)
{
	lem_arena	arena = {(char *) scratch, 0};
	int64_t		interval = config->bar_interval;

	work->config = config;
	work->series = series;
	work->order = order;
	work->clock = clock;
	work_carve(&arena, config, work);

	if (series->n == 0)
		return lem_fail(fault, LEM_NO_BARS, NULL, 0, 0);
	if (series->n_features != config->extra_features)
		return lem_fail(fault, LEM_FEATURE_COUNT, NULL, series->n_features,
						config->extra_features);
	if (!series->close && lem_config_has_feature(config, LEM_FEATURE_CLOSE_OFFSET))
		return lem_fail(fault, LEM_NO_CLOSES, NULL, 0, 0);
	if (!series->high && lem_config_has_feature(config, LEM_FEATURE_RANGE))
		return lem_fail(fault, LEM_NO_RANGES, NULL, 0, 0);
	if (order->has_start && !lem_time_ok(order->start_ts))
		return time_fault(fault, LEM_TIME_RANGE, order->start_ts, 0);
	work->n_history = order->has_start ? lem_series_before(series, order->start_ts) : series->n;

	if (interval <= 0)
		interval = lem_gap_interval(series, work->n_history, interval_bars(config),
									work->differences);
	if (interval <= 0 && work->n_history > 0)
		return lem_fail(fault, LEM_NO_INTERVAL, NULL, (double) work->n_history, 2);
	/* Without an interval a week is taken for one bar: the least history there can be. */
	lem_scale_window_of(config, interval > 0 ? interval : LEM_WEEK, &work->scale_window);
	if (work->n_history == 0)
		return lem_fail(fault, LEM_SHORT_HISTORY, NULL, 0, work->scale_window.history);

	(ahead ? lem_expect_open : lem_expect_look) (&work->expect, config, series, work->n_history,
												 interval_bars(config), interval, clock);
	work->view.series = series;
	work->view.interval = work->expect.interval;
	work->view.carry = config->gaps == LEM_GAPS_CARRY;
	work->view.grid = NULL;
	work->view.days = work->expect.by_days && work->expect.clock.to_local
		? &work->expect.clock : NULL;
	if (work->expect.by_calendar && interval < LEM_DAY)
		work->view.grid = &work->expect.grid;
	else if (work->expect.by_calendar)
		work->view.carry = false;	/* a day without a bar had no session */
	return LEM_OK;
}

/* The history before an order's start: from nothing to scales, and the strip up to row L. */
static lem_status
open_history(window_work *work, const lem_config *config, const lem_series *series,
			 const lem_order *order, const lem_clock *clock, double *scratch, lem_fault *fault)
{
	lem_status	status = open_view(work, config, series, order, clock, true, scratch, fault);

	if (status != LEM_OK)
		return status;
	work->log_return = NULL;
	find_start(work);
	work->row_l = find_row_l(work);
	work->shift = -1;
	if (work->memory)
	{
		/* what is gathered is gathered there */
		work->strip = work->memory->strip;
		work->scale_strip = work->memory->scale_strip;
		if (lem_recall_history(work->memory, config, &work->view, work->scale_window.count,
							   work->row_l, &work->shift))
		{
			work->scales = work->memory->scales;
			return LEM_OK;
		}
		work->memory->valid = false;
	}
	if (work->known && lem_recall_same(work->known, &work->view, work->scale_window.count,
									   work->row_l))
	{
		work->scales = work->known->scales;
		slice_bars(work)[-1] = lem_gap_bar(&work->view, work->row_l);
		return LEM_OK;
	}
	return read_history(work, fault);
}

/* Scales as of rows `first` and later, when the strip is complete. */
static void
scale_rows(const window_work *work, int first)
{
	const lem_config *config = work->config;
	const int	count = work->scale_window.count;

	for (int r = config->lookback + 1; r < lem_rows(config); r++)
	{
		const int	i = lem_strip_row(config, r);

		work->scale_strip.volume[count + r] = work->strip.bars[i].volume * 0x1p-20;
		work->scale_strip.log_return[count + r] = work->strip.log_return[i];
	}
	for (int r = first; r < lem_rows(config); r++)
		lem_scales_as_of(&work->scale_strip, count, r, &work->row_scales[r]);
}

/* Rows of a shared trunk, each scaled as of itself; those that a window before had are copied. */
static void
fill_rows(const window_work *work, lem_real *rows)
{
	const lem_config *config = work->config;
	lem_window_memory *memory = work->memory;
	const int	kept = work->shift < 0 ? 0 : lem_recall_rows(memory, config, work->shift);
	const int	strip_l = lem_strip_row(config, config->lookback);

	for (int i = kept > 0 ? lem_strip_row(config, kept) : 1; i <= strip_l + config->n_ahead; i++)
		work->strip.log_return[i] = lem_log_return(work->strip.bars[i - 1].price,
												   work->strip.bars[i].price);
	scale_rows(work, kept);
	lem_feature_rows(config, work->series, work->clock, work->view.interval, &work->strip,
					 work->row_scales, kept, memory ? memory->rows : rows);
	if (!memory)
		return;
	memcpy(rows, memory->rows, (size_t) lem_rows(config) * lem_inputs(config) * sizeof(lem_real));
	lem_recall_keep(memory, &work->view, work->scale_window.count, work->row_l, &work->scales);
}

lem_status
lem_window_build(const lem_config *config, const lem_series *series, const lem_order *order,
				 const lem_clock *clock, double *scratch, lem_window *window, lem_real *rows,
				 int64_t *slice_ts, double *market, lem_fault *fault)
{
	return lem_window_build_on(NULL, config, series, order, clock, scratch, window, rows, slice_ts,
							   market, fault);
}

lem_status
lem_window_build_on(lem_window_memory *memory, const lem_config *config, const lem_series *series,
					const lem_order *order, const lem_clock *clock, double *scratch,
					lem_window *window, lem_real *rows, int64_t *slice_ts, double *market,
					lem_fault *fault)
{
	window_work work;
	lem_status	status;

	work.returns = config->feature_set != LEM_FEATURES_PAPER;
	work.rows = config->shared_trunk;
	work.memory = memory;
	work.known = NULL;
	window->memory = work.memory;
	status = open_history(&work, config, series, order, clock, scratch, fault);
	if (status != LEM_OK)
		return status;
	window->interval = work.view.interval;
	window->norm_window = work.scale_window.count;
	window->known = read_known(&work);
	if (config->gaps == LEM_GAPS_ERROR)
	{
		status = check_gaps(&work, window->known, fault);
		if (status != LEM_OK)
			return status;
	}
	status = expect_bars(&work, window->known, fault);
	if (status != LEM_OK)
		return status;
	window->next_known = window->known > 0 ? window->known < config->n_ahead
		: first_is_firm(&work, slice_bars(&work)[0].ts);
	window->next_end = window->known < config->n_ahead
		? lem_expect_end(&work.expect, slice_bars(&work)[window->known].ts) : LEM_TIME_END - 1;

	if (config->shared_trunk)
		fill_rows(&work, rows);
	else
	{
		const int	slices = lem_strip_row(config, config->lookback + 1);

		/* those up to row L were recalled with the bars */
		for (int i = work.shift < 0 ? 1 : slices; i < slices + config->n_ahead; i++)
			work.strip.log_return[i] = lem_log_return(work.strip.bars[i - 1].price,
													  work.strip.bars[i].price);
		lem_feature_rows(config, series, clock, work.view.interval, &work.strip, &work.scales, 0,
						 rows);
		if (work.memory)
			lem_recall_keep(work.memory, &work.view, work.scale_window.count, work.row_l,
							&work.scales);
	}

	for (int i = 0; i < config->n_ahead; i++)
	{
		const lem_bar *bar = &slice_bars(&work)[i];

		slice_ts[i] = bar->ts;
		if (market)
		{
			market[2 * i] = bar->price;
			market[2 * i + 1] = bar->volume;
		}
	}
	return LEM_OK;
}

lem_status
lem_window_past(const lem_config *config, const lem_series *series, const lem_clock *clock,
				const double *log_return, double *scratch, lem_real *rows, lem_fault *fault)
{
	static const lem_order none = {.size = 1, .max_rate = 1};
	const int	strip_l = lem_strip_row(config, config->lookback);
	window_work work;
	lem_status	status;

	work.returns = config->feature_set != LEM_FEATURES_PAPER;
	work.rows = false;
	work.memory = NULL;
	status = open_view(&work, config, series, &none, clock, false, scratch, fault);
	if (status != LEM_OK)
		return status;
	work.log_return = work.view.carry ? NULL : log_return;
	work.has_start = false;
	work.row_l = (lem_place) {series->n - 1, 0, 0};
	status = read_history(&work, fault);
	if (status == LEM_OK && config->gaps == LEM_GAPS_ERROR)
		status = check_gaps(&work, 0, fault);
	if (status != LEM_OK)
		return status;
	for (int i = 1; i <= strip_l; i++)
		work.strip.log_return[i] = work.log_return
			? work.log_return[work.strip.bars[i].source]
			: lem_log_return(work.strip.bars[i - 1].price, work.strip.bars[i].price);
	lem_feature_rows(config, series, clock, work.view.interval, &work.strip, &work.scales, 0,
					 rows);
	return LEM_OK;
}

lem_status
lem_window_times(const lem_config *config, const lem_series *series, const lem_order *order,
				 const lem_clock *clock, double *scratch, int64_t *row_ts, lem_fault *fault)
{
	window_work work;
	lem_status	status;

	work.returns = work.rows = false;
	work.memory = NULL;
	work.known = NULL;
	status = open_history(&work, config, series, order, clock, scratch, fault);
	for (int r = 0; status == LEM_OK && r <= config->lookback; r++)
		row_ts[r] = work.strip.bars[lem_strip_row(config, r)].ts;
	return status;
}

/*
 * Bars of a day, the mean over the days (of its local time) that the scale window has whole: it begins
 * and ends within one.  Without any it is the day of which it has most.
 */
static double
bars_a_day(const window_work *work)
{
	const lem_scale_window *scale = &work->scale_window;
	lem_place	place = work->row_l;
	int64_t		day = 0;
	int			bars = 0;		/* of the day */
	int			most = 0;
	int			whole_bars = 0;
	int			days = 0;		/* later ones than it */

	for (int back = 0; back < scale->count; back++)
	{
		const int64_t local = lem_local_time(work->clock, lem_gap_bar(&work->view, place).ts);
		const int64_t midnight = local - lem_time_of_day(local);

		if (back > 0 && midnight != day)
		{
			if (days++ > 0)
				whole_bars += bars;
			bars = 0;
		}
		day = midnight;
		bars++;
		most = bars > most ? bars : most;
		lem_gap_back(&work->view, &place);
	}
	return days > 1 ? (double) whole_bars / (days - 1) : most;
}

lem_status
lem_window_outlook(const lem_config *config, const lem_series *series, const lem_order *order,
				   const lem_clock *clock, double *scratch, bool days, lem_outlook *outlook,
				   double *volume, lem_fault *fault)
{
	return lem_window_outlook_on(NULL, config, series, order, clock, scratch, days, outlook, volume,
								 fault);
}

lem_status
lem_window_outlook_on(lem_window_memory *memory, const lem_config *config,
					  const lem_series *series, const lem_order *order, const lem_clock *clock,
					  double *scratch, bool days, lem_outlook *outlook, double *volume,
					  lem_fault *fault)
{
	window_work work;
	lem_status	status;

	work.returns = true;
	work.rows = false;
	work.memory = NULL;
	work.known = memory;
	status = open_history(&work, config, series, order, clock, scratch, fault);
	if (status != LEM_OK)
		return status;
	outlook->price = lem_gap_bar(&work.view, work.row_l).price;
	outlook->mean_volume = work.scales.mean_volume;
	outlook->rms = work.scales.rms;
	outlook->day_bars = days ? bars_a_day(&work) : 0;
	if (volume)
	{
		status = expect_bars(&work, 0, fault);
		if (status != LEM_OK)
			return status;
		for (int i = 0; i < config->n_ahead; i++)
			volume[i] = slice_bars(&work)[i].volume;
	}
	return LEM_OK;
}

/* Steps whose bars end by the order's end, the bar of step k being expected at ts. */
static lem_status
steps_in_time(const window_work *work, size_t last, int k, int64_t ts, int *end, lem_fault *fault)
{
	const int64_t by = work->order->end_ts;
	int			n = k;

	while (n < work->config->n_ahead && by >= ts && by >= lem_expect_end(&work->expect, ts))
	{
		lem_status	status;

		if (++n == work->config->n_ahead)
			break;
		status = lem_expect_next(&work->expect, last, ts, LEM_TIME_MIN, &ts, fault);
		if (status != LEM_OK)
			return status;
	}
	*end = n;
	return LEM_OK;
}

lem_status
lem_window_told(const lem_config *config, const lem_series *series, const lem_order *order,
				const lem_clock *clock, double *scratch, const lem_window *window,
				const int64_t *slice_ts, double *told, double *ahead, int *end, lem_fault *fault)
{
	const int	n = config->n_ahead;
	window_work work;
	lem_bar    *bars;
	bool		moved = false;
	lem_status	status;

	work.returns = work.rows = false;
	work.memory = NULL;
	work.known = NULL;
	status = open_history(&work, config, series, order, clock, scratch, fault);
	if (status == LEM_OK)
		status = expect_bars(&work, 0, fault);
	if (status != LEM_OK)
		return status;
	bars = slice_bars(&work);
	for (int k = 0; k < n; k++)
		ahead[k] = told[k] = bars[k].volume;

	for (int k = 0; k < n; k++)
	{
		size_t		last = work.row_l.bar;
		int64_t		ts = bars[k].ts;

		if (k > window->known)
			ts = slice_ts[k];
		else if (k > 0)
		{
			last = lem_series_before(series, slice_ts[k - 1] + 1) - 1;
			status = lem_expect_next(&work.expect, last, slice_ts[k - 1], LEM_TIME_MIN, &ts,
									 fault);
		}
		if (status == LEM_OK && end && k <= window->known)
			status = steps_in_time(&work, last, k, ts, &end[k], fault);
		else if (end)
			end[k] = end[window->known];
		if (status != LEM_OK)
			return status;
		moved = moved || ts != bars[k].ts;
		bars[k].ts = ts;
	}
	if (moved)
	{
		expect_volumes(&work, 0);
		for (int k = 0; k < n; k++)
			told[k] = bars[k].volume;
	}
	return LEM_OK;
}

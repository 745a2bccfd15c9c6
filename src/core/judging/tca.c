/* tca.c: transaction cost analysis of one order. */
#include "judging/tca.h"
#include "market/calendar.h"
#include "market/feature.h"
#include "market/gaps.h"
#include "market/sessions.h"

/* An order is complete if no more than this share of it is left. */
#define LEFT_TOLERANCE 1e-9

/* Bars from which the interval is taken, at most. */
#define INTERVAL_BARS 512

/* Rows between polls for a stop. */
#define POLL_EVERY 65536

/* What the figures are made of. */
typedef struct work
{
	const lem_order *order;
	const lem_executions *executions;
	const lem_series *series;
	const lem_clock *clock;
	const lem_stop *stop;
	lem_fault  *fault;
	double		sign;			/* 1 for a buy, -1 for a sell */
	int64_t		interval;
	bool		complete;
	size_t		begin;			/* bars in which the order was active: begin .. end - 1 */
	size_t		end;
} work;

lem_status
lem_execution_check(int64_t ts, double price, double quantity, lem_fault *fault)
{
	lem_status	status = LEM_OK;

	if (!lem_time_ok(ts))
		status = lem_fail(fault, LEM_TIME_RANGE, NULL, 0, 0);
	else if (!isfinite(price))
		status = lem_fail(fault, LEM_BAD_PRICE, NULL, price, 0);
	else if (!(isfinite(quantity) && quantity >= 0))
		status = lem_fail(fault, LEM_BAD_VOLUME, NULL, quantity, 0);
	if (status != LEM_OK && fault)
		fault->ts = ts;
	return status;
}

/* a + b, kept within an int64_t. */
static int64_t
later(int64_t a, int64_t b)
{
	if (b < 0)
		return a < INT64_MIN - b ? INT64_MIN : a + b;
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* Number of bars that had ended by ts. */
static size_t
ended_by(const work *w, int64_t ts)
{
	return lem_series_before(w->series, later(ts, 1 - w->interval));
}

/* The market's price at a time. */
static double
price_at(const work *w, int64_t ts)
{
	const size_t n = ended_by(w, ts);

	return n > 0 ? w->series->price[n - 1] : NAN;
}

static lem_status
stopped(const work *w)
{
	return lem_stop_asked(w->stop) ? lem_fail(w->fault, LEM_STOPPED, NULL, 0, 0) : LEM_OK;
}

/* Sum up the executions. */
static lem_status
sum_executions(work *w, lem_tca *report)
{
	const lem_executions *executions = w->executions;
	lem_sum_wide quantity = {{0, 0}, 0};
	lem_sum_wide notional = {{0, 0}, 0};
	lem_sum_wide fees = {{0, 0}, 0};
	double		done;

	for (size_t i = 0; i < executions->n; i++)
	{
		lem_wide_add(&quantity, executions->quantity[i]);
		lem_wide_add_wide(&notional,
						  lem_wide_product(executions->quantity[i], executions->price[i]));
		if (executions->fee)
			lem_wide_add(&fees, executions->fee[i]);
		if (i % POLL_EVERY == POLL_EVERY - 1 && stopped(w) != LEM_OK)
			return LEM_STOPPED;
	}
	report->executions = (int64_t) executions->n;
	report->quantity = lem_wide_value(&quantity);
	report->notional = lem_wide_value(&notional);
	report->fees = lem_wide_value(&fees);
	if (!isfinite(report->quantity) || !isfinite(report->notional) || !isfinite(report->fees))
		return lem_fail(w->fault, LEM_OVERFLOW, NULL, 0, 0);
	if (executions->n > 0)
	{
		report->first_ts = executions->ts[0];
		report->last_ts = executions->ts[executions->n - 1];
	}
	report->achieved = report->quantity > 0 ? lem_wide_quotient(notional.sum, quantity.sum) : NAN;
	done = w->order->notional ? report->notional : report->quantity;
	report->fill_rate = done / w->order->size;
	w->complete = done >= w->order->size * (1 - LEFT_TOLERANCE);
	return LEM_OK;
}

/* Find the bars in which the order was active. */
static void
find_active(work *w, const lem_tca_options *options, const lem_tca *report)
{
	const size_t n = w->series->n;
	size_t		traded = w->executions->n > 0 ?
		lem_series_before(w->series, report->last_ts + 1) : 0;

	w->begin = ended_by(w, w->order->start_ts);
	if (w->complete)
		w->end = traded;
	else
	{
		if (options->has_until)
			w->end = lem_series_before(w->series, options->until);
		else if (w->order->max_bars > 0 && (size_t) w->order->max_bars < n - w->begin)
			w->end = w->begin + (size_t) w->order->max_bars;
		else
			w->end = n;
		if (w->end < traded)
			w->end = traded;
	}
	if (w->end < w->begin)
		w->end = w->begin;
}

/* Prices of the bars in which the order was active. */
static lem_status
active_prices(const work *w, lem_tca *report)
{
	const lem_series *series = w->series;
	const bool	sell = w->order->sell;
	lem_average vwap = {0};
	lem_average twap = {0};
	double		low = NAN;
	double		high = NAN;
	bool		volume = false;

	for (size_t i = w->begin; i < w->end; i++)
	{
		const double price = series->price[i];

		if (lem_average_add(&vwap, price, series->volume[i], w->fault) != LEM_OK ||
			lem_average_add(&twap, price, 1, w->fault) != LEM_OK)
			return LEM_OVERFLOW;
		/* where there was volume, only prices with volume could be had */
		if (series->volume[i] > 0 && !volume)
		{
			volume = true;
			low = high = price;
		}
		if (series->volume[i] > 0 || !volume)
		{
			low = fmin(low, price);
			high = fmax(high, price);
		}
		if (i % POLL_EVERY == 0 && stopped(w) != LEM_OK)
			return LEM_STOPPED;
	}
	report->bars = (int64_t) (w->end - w->begin);
	report->market_volume = lem_wide_value(&vwap.weight);
	if (report->market_volume > 0)
		report->participation = report->quantity / report->market_volume;
	(void) lem_average_value(&vwap, &report->price[LEM_INTERVAL_VWAP]);
	(void) lem_average_value(&twap, &report->price[LEM_INTERVAL_TWAP]);
	report->price[LEM_BEST] = sell ? high : low;
	report->price[LEM_WORST] = sell ? low : high;
	if (w->end > w->begin)
		report->end_price = series->price[w->end - 1];
	return LEM_OK;
}

/*
 * The day of an instant: by its wall clock, or with a calendar that of the session it lies in, or
 * else of the next one.
 */
static int64_t
day_of(const work *w, int64_t ts)
{
	lem_session_time session;

	if (w->clock->calendar && lem_session_after(w->clock->calendar, ts, &session))
		return session.day;
	return lem_day_number(lem_local_time(w->clock->calendar ? &w->clock->calendar->clock : w->clock,
										 ts));
}

/* Is a bar one of its day: with a calendar, does it lie in a session? */
static bool
is_of_day(const work *w, int64_t ts)
{
	lem_session_time session;

	return w->clock->calendar == NULL ||
		(lem_session_after(w->clock->calendar, ts, &session) &&
		 session.open < later(ts, w->interval));
}

/* Number of bars that began before a day (binary search). */
static size_t
before_day(const work *w, int64_t day)
{
	size_t		low = 0;
	size_t		high = w->series->n;

	while (low < high)
	{
		const size_t middle = low + (high - low) / 2;

		if (day_of(w, w->series->ts[middle]) < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Prices of the days on which the order was active. */
static lem_status
day_prices(const work *w, lem_tca *report)
{
	const lem_series *series = w->series;
	const int64_t first_day = day_of(w, w->order->start_ts);
	int64_t		last_day = first_day;
	size_t		begin;
	size_t		end;
	lem_average vwap = {0};

	if (w->end > w->begin)
		last_day = day_of(w, series->ts[w->end - 1]);
	if (last_day < first_day)
		last_day = first_day;
	begin = before_day(w, first_day);
	end = before_day(w, last_day + 1);
	for (size_t i = begin; i < end; i++)
	{
		if (i % POLL_EVERY == 0 && stopped(w) != LEM_OK)
			return LEM_STOPPED;
		if (!is_of_day(w, series->ts[i]))
			continue;
		if (lem_average_add(&vwap, series->price[i], series->volume[i], w->fault) != LEM_OK)
			return LEM_OVERFLOW;
		if (isnan(report->price[LEM_OPEN]))
			report->price[LEM_OPEN] = series->price[i];
		report->price[LEM_CLOSE] = series->price[i];
	}
	(void) lem_average_value(&vwap, &report->price[LEM_DAY_VWAP]);
	return LEM_OK;
}

/*
 * Slippage against each price, in basis points and money.  Only an arrival price that was passed can be
 * zero or less, of which there are no basis points.
 */
static void
slippage(const work *w, lem_tca *report)
{
	double		worse;

	for (int i = 0; i < LEM_REFERENCES; i++)
	{
		if (report->price[i] <= 0)
		{
			report->bps[i] = NAN;
			report->cost[i] = report->quantity > 0 ?
				w->sign * (report->notional - report->quantity * report->price[i]) : NAN;
			continue;
		}
		worse = lem_slippage(w->order->sell, report->achieved, report->price[i]);
		report->bps[i] = worse * LEM_BPS;
		report->cost[i] = worse * report->price[i] * report->quantity;
	}
	report->advantage = 0 - report->bps[w->order->twap ? LEM_INTERVAL_TWAP : LEM_INTERVAL_VWAP];
}

/* The implementation shortfall and its parts. */
static void
shortfall(const work *w, lem_tca *report)
{
	const double arrival = report->price[LEM_ARRIVAL];
	const double quantity = report->quantity;
	double	   *cost = report->part_cost;
	double		left;
	double		paper;			/* the whole order's money on paper; NaN: no share of it has a meaning */

	if (quantity > 0)
	{
		report->begin_price = price_at(w, report->first_ts);
		cost[LEM_DELAY] = w->sign * quantity * (report->begin_price - arrival);
		cost[LEM_TRADING] = w->sign * quantity * (report->achieved - report->begin_price);
	}
	else
		cost[LEM_DELAY] = cost[LEM_TRADING] = isnan(arrival) ? NAN : 0;
	if (w->complete)
		left = 0;
	else if (w->order->notional)
		left = arrival > 0 ? (w->order->size - report->notional) / arrival : NAN;
	else
		left = w->order->size - quantity;
	report->unfilled = left;
	cost[LEM_OPPORTUNITY] = isnan(arrival) ? NAN : 0;
	if (left != 0)
		cost[LEM_OPPORTUNITY] = w->sign * left * (report->end_price - arrival);
	cost[LEM_SHORTFALL] = cost[LEM_DELAY] + cost[LEM_TRADING] + cost[LEM_OPPORTUNITY];
	paper = arrival > 0 ? (quantity + left) * arrival : NAN;
	for (int i = 0; i < LEM_SHORTFALL_PARTS; i++)
	{
		/* no negative zero where a sell's part is nothing */
		cost[i] += 0.0;
		report->part_bps[i] = cost[i] / paper * LEM_BPS;
	}
	report->fees_bps = report->fees / paper * LEM_BPS;
	report->total = cost[LEM_SHORTFALL] + report->fees;
	report->total_bps = report->part_bps[LEM_SHORTFALL] + report->fees_bps;
}

/* How the market moved after the executions, by each horizon. */
static lem_status
markouts(const work *w, const lem_tca_options *options, lem_tca *report)
{
	const lem_executions *executions = w->executions;
	const lem_series *series = w->series;
	int64_t		known;			/* the last time of which the market's price is known */

	if (series->n == 0)
		return LEM_OK;
	known = later(series->ts[series->n - 1], w->interval);
	for (int h = 0; h < options->n_markouts; h++)
	{
		lem_sum_wide moved = {{0, 0}, 0};
		lem_sum_wide base = {{0, 0}, 0};

		for (size_t i = 0; i < executions->n; i++)
		{
			const int64_t ts = later(executions->ts[i], options->markouts[h]);
			const double price = ts <= known ? price_at(w, ts) : NAN;
			lem_wide	paid = lem_wide_product(executions->quantity[i], executions->price[i]);

			if (i % POLL_EVERY == POLL_EVERY - 1 && stopped(w) != LEM_OK)
				return LEM_STOPPED;
			if (isnan(price))
				continue;
			lem_wide_add_wide(&base, paid);
			lem_wide_add_wide(&moved, lem_wide_product(executions->quantity[i], price));
			paid.high = -paid.high;
			paid.low = -paid.low;
			lem_wide_add_wide(&moved, paid);
		}
		/* no share of money that was not paid */
		if (lem_wide_value(&base) > 0)
			report->markouts[h] = w->sign * lem_wide_value(&moved) / lem_wide_value(&base) * LEM_BPS
				+ 0.0;
	}
	return LEM_OK;
}

/* Every figure unknown. */
static void
clear_report(lem_tca *report)
{
	*report = (lem_tca) {0};
	report->participation = NAN;
	report->begin_price = NAN;
	report->end_price = NAN;
	for (int i = 0; i < LEM_REFERENCES; i++)
		report->price[i] = NAN;
	for (int i = 0; i < LEM_MAX_MARKOUTS; i++)
		report->markouts[i] = NAN;
}

lem_status
lem_tca_report(const lem_order *order, const lem_executions *executions,
			   const lem_series *series, const lem_tca_options *options, const lem_stop *stop,
			   lem_tca *report, lem_fault *fault)
{
	uint64_t	differences[INTERVAL_BARS];
	lem_status	status;
	work		w = {.order = order, .executions = executions, .series = series,
		.clock = &options->clock, .stop = stop, .fault = fault};

	clear_report(report);
	w.sign = order->sell ? -1 : 1;
	w.interval = options->interval;
	if (w.interval <= 0)
		w.interval = lem_gap_interval(series, series->n, INTERVAL_BARS, differences);
	if (w.interval <= 0 && series->n > 0)
		return lem_fail(fault, LEM_NO_INTERVAL, NULL, 0, 0);
	if (w.interval > LEM_MAX_BAR_INTERVAL)
		w.interval = LEM_MAX_BAR_INTERVAL;
	if (w.interval <= 0)
		w.interval = 1;
	status = sum_executions(&w, report);
	if (status != LEM_OK)
		return status;
	find_active(&w, options, report);
	report->price[LEM_ARRIVAL] = options->has_arrival ? options->arrival_price
		: order->has_arrival ? order->arrival_price : price_at(&w, order->start_ts);
	status = active_prices(&w, report);
	if (status == LEM_OK)
		status = day_prices(&w, report);
	if (status != LEM_OK)
		return status;
	slippage(&w, report);
	shortfall(&w, report);
	return markouts(&w, options, report);
}

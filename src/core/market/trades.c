/* trades.c: one bar out of its trades. */
#include <math.h>
#include <stddef.h>

#include "market/bars.h"
#include "market/trades.h"

static void
sum_add(lem_sum *s, double x)
{
	double		total = s->sum + x;

	if (fabs(s->sum) >= fabs(x))
		s->rest += (s->sum - total) + x;
	else
		s->rest += (x - total) + s->sum;
	s->sum = total;
}

/* An infinite sum has no meaningful rest. */
static double
sum_value(const lem_sum *s)
{
	return isfinite(s->sum) ? s->sum + s->rest : s->sum;
}

/* Is a before b for a reason other than that it was added first? */
static bool
trade_before(const lem_trade *a, const lem_trade *b)
{
	if (a->ts != b->ts)
		return a->ts < b->ts;
	if (a->unnumbered != b->unnumbered)
		return b->unnumbered;
	return a->seq < b->seq;
}

lem_status
lem_trades_add(lem_trades *trades, const lem_trade *trade, lem_fault *fault)
{
	lem_status	status = LEM_OK;
	lem_trades	one = {.n = 1, .first = *trade, .last = *trade,
		.high = trade->price, .low = trade->price};

	if (!lem_time_ok(trade->ts))
		status = lem_fail(fault, LEM_TIME_RANGE, NULL, 0, 0);
	else if (!isfinite(trade->price))
		status = lem_fail(fault, LEM_BAD_PRICE, NULL, trade->price, 0);
	else if (!(isfinite(trade->quantity) && trade->quantity >= 0))
		status = lem_fail(fault, LEM_BAD_VOLUME, NULL, trade->quantity, 0);
	if (status != LEM_OK)
	{
		if (fault)
			fault->ts = trade->ts;
		return status;
	}
	one.volume.sum = trade->quantity;
	one.notional.sum = trade->price * trade->quantity;
	lem_trades_merge(trades, &one);
	return LEM_OK;
}

void
lem_trades_merge(lem_trades *to, const lem_trades *from)
{
	if (from->n == 0)
		return;
	if (to->n == 0)
	{
		*to = *from;
		return;
	}
	to->n += from->n;
	if (trade_before(&from->first, &to->first))
		to->first = from->first;
	if (!trade_before(&from->last, &to->last))
		to->last = from->last;
	if (from->high > to->high)
		to->high = from->high;
	if (from->low < to->low)
		to->low = from->low;
	sum_add(&to->volume, from->volume.sum);
	to->volume.rest += from->volume.rest;
	sum_add(&to->notional, from->notional.sum);
	to->notional.rest += from->notional.rest;
}

void
lem_trades_bar(const lem_trades *trades, lem_trade_bar *bar)
{
	double		vwap = 0;

	bar->open = trades->first.price;
	bar->high = trades->high;
	bar->low = trades->low;
	bar->close = trades->last.price;
	bar->volume = sum_value(&trades->volume);
	bar->notional = sum_value(&trades->notional);
	bar->trades = trades->n;
	if (bar->volume > 0)
	{
		/* rounding, and notionals too small for a double, must not carry it out of the range */
		vwap = bar->notional / bar->volume;
		if (!(vwap >= bar->low))
			vwap = bar->low;
		if (vwap > bar->high)
			vwap = bar->high;
	}
	bar->vwap = vwap;
}

/* simulate.c: quotes against a book, bar after bar. */
#include <math.h>
#include <string.h>

#include "making/figures.h"
#include "making/simulate.h"

#define STOP_BARS 1024

static const char *const rule_names[LEM_FILL_RULES] = {"through", "touch", "queue"};

const char *
lem_fill_rule_name(lem_fill_rule rule)
{
	return rule_names[rule];
}

int
lem_fill_rule_find(const char *name)
{
	for (int i = 0; i < LEM_FILL_RULES; i++)
	{
		if (strcmp(name, rule_names[i]) == 0)
			return i;
	}
	return -1;
}

double
lem_fill_quantity(const lem_maker_rules *rules, const lem_quoting *quoting, const lem_book *book,
				  size_t bar, const lem_quote *quote, double taken)
{
	const double high = lem_book_get(book, LEM_BOOK_HIGH, bar);
	const double low = lem_book_get(book, LEM_BOOK_LOW, bar);
	const double beyond = quote->ask ? high - quote->price : quote->price - low;
	double		volume = book->series.volume[bar];
	double		share;

	/* takers sell into bids and buy from asks */
	if (book->layout & LEM_BOOK_BUYS)
	{
		const double buys = lem_book_get(book, LEM_BOOK_BUY_VOLUME, bar);

		volume = quote->ask ? buys : volume - buys;
	}
	if (beyond > 0)
		share = beyond >= high - low ? 1 : beyond / (high - low);
	else
		share = 0;
	if (rules->fill == LEM_FILL_TOUCH && beyond >= 0)
		share = 1;
	if (rules->fill == LEM_FILL_QUEUE && beyond == 0)
		share = rules->queue_share;
	return fmin(quote->quantity, fmax(quoting->participation * volume * share - taken, 0));
}

/* Quotes on their way: those that live in one bar. */
typedef struct batch
{
	int			n;
	lem_quote	quotes[2 * LEM_MAX_LEVELS];
} batch;

/* A run while it goes on. */
typedef struct run
{
	const lem_book *book;
	const lem_outlook_bar *bars;
	const lem_quoting *quoting;
	const lem_maker_rules *rules;
	lem_fill_sink sink;
	void	   *arg;
	size_t		end;
	lem_maker_figures *figures;
	double		lots;			/* the position, in whole lots */
	double		cash;
	lem_markout_sums markouts;
} run;

static double
position_of(const run *r)
{
	return lem_multiple(r->lots, r->quoting->lot);
}

static void
take(run *r, size_t bar, const lem_quote *quote, double lots)
{
	const double quantity = lem_multiple(lots, r->quoting->lot);
	const double mid = r->bars[bar - 1].now.mid;
	lem_maker_fill fill = {
		.bar = bar,
		.ask = quote->ask,
		.level = quote->level,
		.price = quote->price,
		.quantity = quantity,
		.fee = r->quoting->maker_fee * quote->price * quantity,
		.mid = mid
	};
	const double side = quote->ask ? -1 : 1;

	r->lots += side * lots;
	r->cash -= side * quote->price * quantity + fill.fee;
	fill.position = position_of(r);
	r->figures->spread_earned += side * (mid - quote->price) * quantity;
	r->figures->fees += fill.fee;
	r->figures->filled += quantity;
	r->figures->turnover += quote->price * quantity;
	r->figures->fills++;
	r->figures->most_position = fmax(r->figures->most_position, fabs(fill.position));
	lem_markout_add(&r->markouts, r->bars, r->end, &fill);
	if (r->sink)
		r->sink(r->arg, &fill);
}

/* Does a side of a batch fill in a bar at all? */
static bool
side_fills(const run *r, size_t bar, const batch *live, bool ask)
{
	for (int i = 0; i < live->n; i++)
	{
		if (live->quotes[i].ask == ask &&
			lem_units_down(lem_fill_quantity(r->rules, r->quoting, r->book, bar,
											 &live->quotes[i], 0), r->quoting->lot) >= 1)
			return true;
	}
	return false;
}

/* What happens to live quotes in a bar. */
static void
fill_bar(run *r, size_t bar, const batch *live)
{
	const double close = r->book->series.price[bar];
	const double mid = r->bars[bar - 1].now.mid;
	bool		sides[2] = {true, true};	/* bids, asks */

	if (r->rules->worst && close != mid && side_fills(r, bar, live, false) &&
		side_fills(r, bar, live, true))
		sides[close > mid ? 0 : 1] = false;
	for (int ask = 0; ask < 2; ask++)
	{
		double		taken = 0;

		for (int i = 0; sides[ask] && i < live->n; i++)
		{
			const lem_quote *quote = &live->quotes[i];
			double		lots;

			if (quote->ask != (ask == 1))
				continue;
			lots = lem_units_down(lem_fill_quantity(r->rules, r->quoting, r->book, bar, quote,
													taken), r->quoting->lot);
			if (!(lots >= 1))
				continue;
			taken += lem_multiple(lots, r->quoting->lot);
			take(r, bar, quote, lots);
		}
	}
}

/* Flat at the opposite quote, at the end of a session's last bar. */
static void
close_position(run *r, size_t bar)
{
	const lem_book_feature *now = &r->bars[bar].now;
	const double position = position_of(r);
	const double price = position > 0 ? now->bid : now->ask;
	lem_maker_fill fill = {
		.bar = bar,
		.ask = position > 0,
		.closing = true,
		.price = price,
		.quantity = fabs(position),
		.fee = r->quoting->taker_fee * price * fabs(position),
		.mid = now->mid
	};

	if (position == 0)
		return;
	r->cash += position * price - fill.fee;
	r->lots = 0;
	r->figures->closing_cost += position * (now->mid - price) + fill.fee;
	r->figures->turnover += price * fill.quantity;
	if (r->sink)
		r->sink(r->arg, &fill);
}

/* Quotes that arrive where the market went through their price are refused: they are post-only. */
static void
refuse_crossed(const run *r, size_t bar, batch *live)
{
	const lem_book_feature *now = &r->bars[bar - 1].now;
	int			n = 0;

	for (int i = 0; i < live->n; i++)
	{
		const lem_quote *quote = &live->quotes[i];

		if (quote->ask ? quote->price > now->bid : quote->price < now->ask)
			live->quotes[n++] = *quote;
	}
	live->n = n;
}

/* Bars after i within its session. */
static size_t
bars_left(const lem_outlook_bar *bars, size_t i, size_t *session_end, size_t end)
{
	if (*session_end <= i || bars[*session_end - 1].session != bars[i].session)
		*session_end = i + 1;
	while (*session_end < end && bars[*session_end].session == bars[i].session)
		(*session_end)++;
	return *session_end - 1 - i;
}

lem_status
lem_maker_run(const lem_book *book, const lem_outlook_bar *bars, size_t first, size_t end,
			  const lem_maker_strategy *strategy, const lem_quoting *quoting,
			  const lem_maker_rules *rules, const lem_stop *stop, lem_fill_sink sink, void *arg,
			  double *wealth, lem_maker_figures *figures)
{
	const int	latency = rules->latency;
	batch		flying[LEM_MAX_LATENCY + 1];	/* by bar, modulo latency + 1 */
	run			r = {
		.book = book, .bars = bars, .quoting = quoting, .rules = rules, .sink = sink,
		.arg = arg, .end = end, .figures = figures
	};
	lem_episodes episodes;
	double		spreads = 0;
	size_t		held = 0;
	size_t		session_end = 0;

	memset(figures, 0, sizeof(*figures));
	memset(flying, 0, sizeof(flying));
	lem_episodes_init(&episodes);
	if (first >= end)
		return LEM_OK;
	wealth[0] = 0;
	for (size_t t = first; t + 1 < end; t++)
	{
		const bool	same = bars[t + 1].session == bars[t].session;
		const size_t left = bars_left(bars, t, &session_end, end);
		batch	   *live;

		if (t % STOP_BARS == 0 && lem_stop_asked(stop))
			return LEM_STOPPED;
		if (left > (size_t) latency)
		{
			batch	   *next = &flying[(t + 1 + latency) % (latency + 1)];
			lem_quote_plan plan;

			/*
			 * The batch's place holds what lived a round ago.  The position can change by all
			 * that is out; the formulas know when the session ends only if it is closed then.
			 */
			next->n = 0;
			if (lem_maker_plan(strategy, quoting, bars, t, position_of(&r),
							   rules->close && bars[end - 1].session != bars[t].session ?
							   (double) left : 0, &plan))
			{
				for (int b = 0; b <= latency; b++)
				{
					for (int i = 0; &flying[b] != next && i < flying[b].n; i++)
					{
						if (flying[b].quotes[i].ask)
							plan.least -= flying[b].quotes[i].quantity;
						else
							plan.most += flying[b].quotes[i].quantity;
					}
				}
				next->n = lem_quote_make(quoting, &plan, next->quotes);
			}
		}
		live = &flying[(t + 1) % (latency + 1)];
		if (same)
		{
			if (latency > 0)
				refuse_crossed(&r, t + 1, live);
			for (int i = 0; i < live->n; i++)
				figures->quoted += live->quotes[i].quantity;
			fill_bar(&r, t + 1, live);
			figures->bars++;
			spreads += bars[t + 1].now.spread;
		}
		live->n = 0;
		figures->inventory_gain += position_of(&r) * (bars[t + 1].now.mid - bars[t].now.mid);
		figures->map += fabs(position_of(&r));
		held += r.lots != 0;

		/* the end of a session, if it is known to be one */
		if (rules->close && (t + 2 == end || bars[t + 2].session != bars[t + 1].session))
			close_position(&r, t + 1);
		wealth[t + 1 - first] = r.cash + position_of(&r) * bars[t + 1].now.mid;
		if (t + 2 == end || bars[t + 2].session != bars[t + 1].session)
			lem_episodes_add(&episodes, wealth[t + 1 - first]);
	}
	figures->pnl = end - first > 1 ? wealth[end - 1 - first] : 0;
	figures->map = end - first < 2 ? 0 : rules->map_in_position ?
		(held > 0 ? figures->map / (double) held : 0) : figures->map / (double) (end - 1 - first);
	lem_figures_finish(&episodes, &r.markouts, end - first, wealth,
					   figures->bars > 0 ? spreads / (double) figures->bars : 0, figures);
	return LEM_OK;
}

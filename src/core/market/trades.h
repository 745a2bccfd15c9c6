/*
 * trades.h: one bar out of its trades.
 *
 * Trades are ordered by time, those of one time by their sequence numbers where they have some, and
 * those that are still equal as they were added.  Nothing else may decide: by price, the bar would
 * open at the lowest and close at the highest of trades of one time.
 */
#ifndef LEM_TRADES_H
#define LEM_TRADES_H

#include <stdbool.h>

#include "base/status.h"

/* A sum, and what rounding took from it (Neumaier). */
typedef struct lem_sum
{
	double		sum;
	double		rest;
} lem_sum;

typedef struct lem_trade
{
	int64_t		ts;
	int64_t		seq;			/* within one time; 0 without numbers */
	bool		unnumbered;		/* comes behind those of its time that have a number */
	double		price;
	double		quantity;
} lem_trade;

/* The trades so far; all zero: none. */
typedef struct lem_trades
{
	int64_t		n;
	lem_trade	first;
	lem_trade	last;
	double		high;
	double		low;
	lem_sum		volume;			/* of quantities */
	lem_sum		notional;		/* of price * quantity */
} lem_trades;

typedef struct lem_trade_bar
{
	double		open;
	double		high;
	double		low;
	double		close;
	double		volume;
	double		notional;
	double		vwap;			/* within low .. high; 0 without volume */
	int64_t		trades;
} lem_trade_bar;

/*
 * Add a trade, behind those that were added before if nothing else tells.  Prices may be negative.
 * Errors: LEM_TIME_RANGE, LEM_BAD_PRICE, LEM_BAD_VOLUME (the quantity); trades is as before.
 */
extern lem_status lem_trades_add(lem_trades *trades, const lem_trade *trade, lem_fault *fault);

/* Add all trades of another bar, behind those there are if nothing else tells. */
extern void lem_trades_merge(lem_trades *to, const lem_trades *from);

/* The bar of n > 0 trades; volume and notional are infinite if they overflow. */
extern void lem_trades_bar(const lem_trades *trades, lem_trade_bar *bar);

#endif

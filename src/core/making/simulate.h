/*
 * simulate.h: a run of quotes through a book, and what it came to (maker page, section f).
 *
 * Quotes are decided at the end of bar t and live in bar t + 1 + latency.  The profit is, exactly,
 *   sum side (m - p) quantity + sum q (m' - m) - fees - closing cost,
 * m and m' being the mids at the start and the end of the bar of a fill, q the position after it.
 */
#ifndef LEM_MAKER_SIMULATE_H
#define LEM_MAKER_SIMULATE_H

#include "making/figures.h"
#include "making/strategy.h"

typedef enum lem_fill_rule
{
	LEM_FILL_THROUGH,			/* a price beyond the quote traded */
	LEM_FILL_TOUCH,				/* the quote's price traded */
	LEM_FILL_QUEUE,				/* through, and a share of what traded at the price itself */
	LEM_FILL_RULES
} lem_fill_rule;

#define LEM_MAX_LATENCY 16

typedef struct lem_maker_rules
{
	lem_fill_rule fill;
	double		queue_share;	/* phi */
	bool		worst;			/* of two sides in one bar only the one that the close went against */
	int			latency;		/* bars */
	bool		close;			/* flat at the end of each session */
	bool		map_in_position;	/* mean |position| over bars with one */
} lem_maker_rules;

extern const char *lem_fill_rule_name(lem_fill_rule rule);
extern int	lem_fill_rule_find(const char *name);

/* Called for each fill, in time order. */
typedef void (*lem_fill_sink) (void *arg, const lem_maker_fill *fill);

/*
 * What one quote gets in a bar: quantity before rounding, given what the better levels of its side
 * took already.
 */
extern double lem_fill_quantity(const lem_maker_rules *rules, const lem_quoting *quoting,
								const lem_book *book, size_t bar, const lem_quote *quote,
								double taken);

/*
 * Run a strategy through bars [first, end): the first decision is at the end of bar first, the last
 * fill in bar end - 1.  wealth: end - first doubles of scratch, which receive the wealth after each
 * bar.  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_maker_run(const lem_book *book, const lem_outlook_bar *bars, size_t first,
								size_t end, const lem_maker_strategy *strategy,
								const lem_quoting *quoting, const lem_maker_rules *rules,
								const lem_stop *stop, lem_fill_sink sink, void *arg,
								double *wealth, lem_maker_figures *figures);

#endif

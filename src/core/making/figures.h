/*
 * figures.h: what a run of quotes came to, from its wealth bar by bar.
 */
#ifndef LEM_MAKER_FIGURES_H
#define LEM_MAKER_FIGURES_H

#include "market/outlook.h"

#define LEM_MARKOUTS 3

extern const int lem_markout_bars[LEM_MARKOUTS];	/* 1, 5, 20 */

typedef struct lem_maker_fill
{
	size_t		bar;			/* in which it filled */
	bool		ask;
	bool		closing;		/* the position closed at the session's end */
	int			level;
	double		price;
	double		quantity;
	double		fee;
	double		position;		/* after it */
	double		mid;			/* at the start of the bar */
} lem_maker_fill;

typedef struct lem_maker_figures
{
	size_t		bars;			/* in which quotes could live */
	int64_t		episodes;
	double		pnl;
	double		spread_earned;
	double		inventory_gain;
	double		fees;
	double		closing_cost;
	double		epnl;			/* mean of an episode, with a 95 % interval */
	bool		has_interval;
	double		epnl_low;
	double		epnl_high;
	double		map;			/* mean |position| */
	double		pnl_map;		/* pnl / map; 0 without a position */
	double		nd_pnl;			/* pnl / mean spread */
	double		profit_ratio;	/* pnl / value traded */
	double		sharpe;			/* over episodes; 0 where it is not known */
	double		max_drawdown;
	double		quoted;			/* quantity */
	double		filled;
	double		turnover;		/* value of all fills and closings */
	double		most_position;	/* largest |position| */
	int64_t		fills;
	double		markout[LEM_MARKOUTS];	/* mean, basis points, by quantity; 0 without a fill */
} lem_maker_figures;

/* Profits of episodes, one after the other. */
typedef struct lem_episodes
{
	int64_t		n;
	double		before;			/* wealth at the end of the last one */
	double		mean;			/* by Welford's recurrence */
	double		squares;
} lem_episodes;

extern void lem_episodes_init(lem_episodes *episodes);
extern void lem_episodes_add(lem_episodes *episodes, double wealth);

/* How the mid moved after fills. */
typedef struct lem_markout_sums
{
	double		sum[LEM_MARKOUTS];
	double		quantity[LEM_MARKOUTS];
} lem_markout_sums;

/* A fill whose markouts lie before end and in its session. */
extern void lem_markout_add(lem_markout_sums *sums, const lem_outlook_bar *bars, size_t end,
							const lem_maker_fill *fill);

/* Student's t: the 97.5 % quantile, n > 0 degrees of freedom (Hill 1970). */
extern double lem_t_quantile(double n);

/* Episodes below which intervals are taken over blocks of bars, and how many those are. */
#define LEM_LEAST_EPISODES 8
#define LEM_BLOCKS 10

/*
 * Set everything that is not a plain sum.  The interval of the mean episode is Student's over
 * episodes, or over LEM_BLOCKS blocks of time where there are too few of them.
 */
extern void lem_figures_finish(const lem_episodes *episodes, const lem_markout_sums *markouts,
							   size_t n, const double *wealth, double mean_spread,
							   lem_maker_figures *figures);

#endif

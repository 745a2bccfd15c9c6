/*
 * tca.h: transaction cost analysis: what the executions of an order cost against the market.
 *
 * Costs are positive for buys and sells alike.  A figure that cannot be known (no executions, no
 * volume, no bar before the decision) is NaN.  Prices of the market are those of completed bars:
 * the price at a time is that of the last bar that had ended by then.
 */
#ifndef LEM_TCA_H
#define LEM_TCA_H

#include "judging/benchmark.h"
#include "market/bars.h"
#include "market/window.h"
#include "orders/order.h"

/* Executions of an order, in the order of time. */
typedef struct lem_executions
{
	size_t		n;
	const int64_t *ts;			/* n, rising, not before the order's start */
	const double *price;		/* n, of any sign */
	const double *quantity;		/* n, > 0, whatever the order's unit */
	const double *fee;			/* n, finite, money, less than 0 for a rebate; NULL: none */
} lem_executions;

/* One execution's numbers, the price of any sign: LEM_OK, LEM_TIME_RANGE, LEM_BAD_PRICE or LEM_BAD_VOLUME (quantity). */
extern lem_status lem_execution_check(int64_t ts, double price, double quantity,
									  lem_fault *fault);

/* Prices that executions are measured against. */
typedef enum lem_reference
{
	LEM_ARRIVAL,				/* at the order's start */
	LEM_INTERVAL_VWAP,			/* over the bars in which the order was active */
	LEM_INTERVAL_TWAP,
	LEM_DAY_VWAP,				/* over the days on which it was active */
	LEM_OPEN,					/* first and last bar of these days */
	LEM_CLOSE,
	LEM_BEST,					/* lowest for a buy, highest for a sell, while it was active */
	LEM_WORST,
	LEM_REFERENCES
} lem_reference;

/* Parts of the implementation shortfall. */
typedef enum lem_shortfall
{
	LEM_DELAY,					/* the market's move from the start to the first execution */
	LEM_TRADING,				/* achieved price against the price at the first execution */
	LEM_OPPORTUNITY,			/* the market's move from the start to the end, of what is left */
	LEM_SHORTFALL,				/* their sum */
	LEM_SHORTFALL_PARTS
} lem_shortfall;

#define LEM_MAX_MARKOUTS 64

typedef struct lem_tca_options
{
	int64_t		interval;		/* of the bars, microseconds; 0: as found */
	bool		has_until;
	int64_t		until;			/* end of an order that was not completed */
	lem_clock	clock;			/* tells where days begin; with a calendar, its trading days */
	bool		has_arrival;
	double		arrival_price;	/* instead of the order's own, or the market's */
	int			n_markouts;
	const int64_t *markouts;	/* microseconds after an execution */
} lem_tca_options;

typedef struct lem_tca
{
	int64_t		executions;
	int64_t		first_ts;		/* of the executions, if there are any */
	int64_t		last_ts;
	int64_t		bars;			/* in which the order was active */
	double		quantity;		/* executed */
	double		notional;
	double		unfilled;		/* quantity; of a notional order, at the arrival price */
	double		fill_rate;
	double		market_volume;	/* while the order was active */
	double		participation;
	double		achieved;
	double		begin_price;	/* of the market at the first execution */
	double		end_price;		/* of the market at the order's end */
	double		price[LEM_REFERENCES];
	double		bps[LEM_REFERENCES];
	double		cost[LEM_REFERENCES];	/* money */
	double		part_bps[LEM_SHORTFALL_PARTS];	/* of the order at the arrival price */
	double		part_cost[LEM_SHORTFALL_PARTS];
	double		fees;			/* money */
	double		fees_bps;		/* of the order at the arrival price, as the parts are */
	double		total;			/* shortfall and fees: money */
	double		total_bps;
	double		advantage;		/* bps better than the order's benchmark */
	double		markouts[LEM_MAX_MARKOUTS]; /* bps that the market moved the order's way */
} lem_tca;

/*
 * The figures of an order with a start, which must pass lem_order_check.  The arrival price is that
 * of the options, or the order's, or the market's at its start.  Errors: LEM_NO_INTERVAL,
 * LEM_OVERFLOW, LEM_STOPPED.
 */
extern lem_status lem_tca_report(const lem_order *order, const lem_executions *executions,
								 const lem_series *series, const lem_tca_options *options,
								 const lem_stop *stop, lem_tca *report, lem_fault *fault);

/* What the reports of many orders are weighted by. */
typedef enum lem_weighting
{
	LEM_WEIGHT_QUANTITY,
	LEM_WEIGHT_NOTIONAL,
	LEM_WEIGHT_EQUAL
} lem_weighting;

/* Sums of a rollup. */
typedef enum lem_rollup_sum
{
	LEM_SUM_QUANTITY,
	LEM_SUM_NOTIONAL,
	LEM_SUM_UNFILLED,
	LEM_SUM_MARKET_VOLUME,
	LEM_SUM_COST,				/* LEM_REFERENCES of them */
	LEM_SUM_PART = LEM_SUM_COST + LEM_REFERENCES,	/* LEM_SHORTFALL_PARTS */
	LEM_SUM_FEES = LEM_SUM_PART + LEM_SHORTFALL_PARTS,
	LEM_SUM_TOTAL,
	LEM_SUMS
} lem_rollup_sum;

/* Weighted means of a rollup. */
typedef enum lem_rollup_mean
{
	LEM_MEAN_FILL_RATE,			/* weighted by what was ordered, as are the parts */
	LEM_MEAN_PARTICIPATION,		/* the others by what was executed */
	LEM_MEAN_DURATION,
	LEM_MEAN_BPS,				/* LEM_REFERENCES of them */
	LEM_MEAN_PART = LEM_MEAN_BPS + LEM_REFERENCES,	/* LEM_SHORTFALL_PARTS */
	LEM_MEAN_ADVANTAGE = LEM_MEAN_PART + LEM_SHORTFALL_PARTS,
	LEM_MEAN_WINS,				/* 1 where the advantage is greater than 0 */
	LEM_MEAN_FEES,				/* weighted by what was ordered, as are the parts */
	LEM_MEAN_TOTAL,
	LEM_MEANS
} lem_rollup_mean;

/* Reports of many orders, merged; all zero: none. */
typedef struct lem_rollup
{
	int64_t		orders;
	int64_t		executed;		/* orders with executions */
	int64_t		executions;
	lem_sum_wide sums[LEM_SUMS];
	lem_average means[LEM_MEANS];
	int			n_markouts;
	lem_average markouts[LEM_MAX_MARKOUTS];
} lem_rollup;

/*
 * Add a report; of its figures, those that are NaN are left out.  duration: microseconds, or NaN.
 * Errors: LEM_BAD_VOLUME (a weight is negative), LEM_OVERFLOW.
 */
extern lem_status lem_rollup_add(lem_rollup *rollup, const lem_tca *report, double duration,
								 int n_markouts, lem_weighting weighting, lem_fault *fault);

/* Add all reports of another rollup, with the same number of markouts.  Errors: LEM_OVERFLOW. */
extern lem_status lem_rollup_merge(lem_rollup *to, const lem_rollup *from, lem_fault *fault);

#endif

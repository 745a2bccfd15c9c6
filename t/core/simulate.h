/*
 * simulate.h: random numbers, market bars and orders for the tests of the core.
 */
#ifndef SIMULATE_H
#define SIMULATE_H

#include "market/bars.h"
#include "orders/order.h"

#define SIMULATE_HOUR (INT64_C(3600) * 1000000)
#define SIMULATE_MONDAY (INT64_C(2) * 86400 * 1000000)	/* 2000-01-03 */

#define SIMULATE_BARS 1200
#define SIMULATE_FEATURES 2

/* A generator; its state is the seed. */
typedef struct simulate_random
{
	uint64_t	state;
} simulate_random;

/* Whole numbers in [0, n), reals in [0, 1), and standard normal numbers. */
extern int	simulate_int(simulate_random *random, int n);
extern double simulate_real(simulate_random *random);
extern double simulate_normal(simulate_random *random);

/* When bars come: hours on end, with halts, or in sessions of weekdays from 9:00 to 16:00. */
typedef enum simulate_market
{
	SIMULATE_ALWAYS,
	SIMULATE_HALTS,
	SIMULATE_SESSIONS,
	SIMULATE_SESSIONS_HALTS
} simulate_market;

/* Hourly bars of one symbol, which can grow. */
typedef struct simulate_bars
{
	simulate_random random;
	simulate_market market;
	int			jitter;			/* bars come up to so many microseconds late */
	double		level;			/* logarithm of the volatility, against its average */
	int64_t		next;			/* hour of the next bar, if the market is open then */
	size_t		n;
	int64_t		ts[SIMULATE_BARS];
	double		price[SIMULATE_BARS];
	double		volume[SIMULATE_BARS];
	double		features[SIMULATE_BARS * SIMULATE_FEATURES];
} simulate_bars;

/*
 * n bars: a geometric walk whose volatility comes in clusters, volume by the hour of the day, some
 * bars without volume, some that repeat the price before.
 */
extern void simulate_start(simulate_bars *bars, uint64_t seed, simulate_market market, int jitter,
						   int n);

/* One more bar, at ts. */
extern void simulate_add(simulate_bars *bars, int64_t ts);

/* The first n of the bars, with or without their features. */
extern lem_series simulate_series(const simulate_bars *bars, size_t n, bool features);

/* How a random order's rates were chosen, which says how exactly they are kept. */
typedef enum simulate_rates
{
	SIMULATE_RATES_FREE,		/* no limits, or with room */
	SIMULATE_RATES_FRACTION,	/* 1 / j: none, but for the rounding of a double */
	SIMULATE_RATES_NEAR			/* 1 / j but for a part in 10^10 */
} simulate_rates;

/* An order for at most n_ahead bars, of any size, side, benchmark and unit; often infeasible. */
extern simulate_rates simulate_order(simulate_random *random, int n_ahead, lem_order *order);

#endif

/* simulate.c: random numbers, market bars and orders. */
#include <math.h>
#include <string.h>

#include "simulate.h"

#define DAY (24 * SIMULATE_HOUR)
#define TWO_PI 6.28318530717958647692

/* splitmix64 */
static uint64_t
random_bits(simulate_random *random)
{
	uint64_t	z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int
simulate_int(simulate_random *random, int n)
{
	return (int) (random_bits(random) % (uint64_t) n);
}

double
simulate_real(simulate_random *random)
{
	return (double) (random_bits(random) >> 11) * 0x1p-53;
}

double
simulate_normal(simulate_random *random)
{
	double		radius = sqrt(-2 * log(simulate_real(random) + 0x1p-54));

	return radius * cos(TWO_PI * simulate_real(random));
}

void
simulate_add(simulate_bars *bars, int64_t ts)
{
	simulate_random *random = &bars->random;
	const double hour = (double) (ts % DAY) / (double) SIMULATE_HOUR;
	const size_t i = bars->n++;

	bars->level = 0.97 * bars->level + 0.12 * simulate_normal(random);
	bars->ts[i] = ts;
	if (i == 0)
		bars->price[i] = exp(3 * simulate_normal(random));
	else if (simulate_int(random, 25) == 0)
		bars->price[i] = bars->price[i - 1];
	else
		bars->price[i] = bars->price[i - 1]
			* exp(0.006 * exp(bars->level) * simulate_normal(random));
	bars->volume[i] = simulate_int(random, 20) == 0 ? 0
		: 1000 * (1 + 0.5 * cos(TWO_PI * (hour - 14) / 24))
		* exp(0.5 * bars->level + 0.4 * simulate_normal(random));
	for (int f = 0; f < SIMULATE_FEATURES; f++)
		bars->features[i * SIMULATE_FEATURES + (size_t) f] = simulate_normal(random);
}

/* Does the market trade in the hour at ts? */
static bool
is_open(simulate_market market, int64_t ts)
{
	const int64_t day = ts / DAY - SIMULATE_MONDAY / DAY;
	const int64_t hour = ts % DAY / SIMULATE_HOUR;

	if (market != SIMULATE_SESSIONS && market != SIMULATE_SESSIONS_HALTS)
		return true;
	return day % 7 < 5 && hour >= 9 && hour < 16;
}

void
simulate_start(simulate_bars *bars, uint64_t seed, simulate_market market, int jitter, int n)
{
	const bool	halts = market == SIMULATE_HALTS || market == SIMULATE_SESSIONS_HALTS;

	bars->random.state = seed;
	bars->market = market;
	bars->jitter = jitter;
	bars->level = 0;
	bars->next = SIMULATE_MONDAY;
	bars->n = 0;
	while (bars->n < (size_t) n)
	{
		const int64_t late = jitter > 0 ? simulate_int(&bars->random, jitter) : 0;

		if (is_open(market, bars->next))
			simulate_add(bars, bars->next + late);
		bars->next += SIMULATE_HOUR;
		if (halts && simulate_int(&bars->random, 12) == 0)
			bars->next += (1 + simulate_int(&bars->random, 4)) * SIMULATE_HOUR;
	}
}

lem_series
simulate_series(const simulate_bars *bars, size_t n, bool features)
{
	return (lem_series) {
		.n = n, .n_features = features ? SIMULATE_FEATURES : 0, .ts = bars->ts,
		.price = bars->price, .volume = bars->volume, .features = features ? bars->features : NULL
	};
}

simulate_rates
simulate_order(simulate_random *random, int n_ahead, lem_order *order)
{
	const int	j = 1 + simulate_int(random, n_ahead);
	simulate_rates rates = SIMULATE_RATES_FREE;

	memset(order, 0, sizeof(*order));
	order->max_rate = 1;
	order->sell = simulate_int(random, 2);
	order->twap = simulate_int(random, 2);
	order->notional = simulate_int(random, 2);
	order->min_bars = simulate_int(random, 3) == 0 ? 0 : simulate_int(random, n_ahead + 1);
	order->max_bars = simulate_int(random, 3) == 0 ? simulate_int(random, n_ahead + 1) : 0;
	switch (simulate_int(random, 8))
	{
		case 0:
			order->max_rate = 1.0 / j;
			rates = SIMULATE_RATES_FRACTION;
			break;
		case 1:
			order->min_rate = order->max_rate = 1.0 / j;
			rates = SIMULATE_RATES_FRACTION;
			break;
		case 2:
			order->min_rate = 1.0 / j;
			rates = SIMULATE_RATES_FRACTION;
			break;
		case 3:
			order->max_rate = fmin(1, 1.0 / j * (1 + 1e-10 * (simulate_real(random) - 0.5)));
			if (simulate_int(random, 2))
				order->min_rate = order->max_rate * (1 - 1e-10 * simulate_real(random));
			rates = SIMULATE_RATES_NEAR;
			break;
		case 4:
		case 5:
			order->min_rate = 1.0 / j * simulate_real(random);
			order->max_rate = fmin(1, 1.0 / j / fmax(simulate_real(random), 1e-6));
			break;
		case 6:
			order->max_rate = simulate_real(random);
			order->min_rate = order->max_rate * simulate_real(random);
			break;
		default:
			break;
	}
	order->size = ldexp(1 + simulate_real(random), simulate_int(random, 60) - 20);
	switch (simulate_int(random, 5))
	{
		case 0:
			order->lot = 1;
			order->size = 1 + simulate_int(random, 1000000);
			break;
		case 1:
			order->lot = 0.01;
			order->size = (1 + simulate_int(random, 1000000)) * 0.01;
			break;
		case 2:
			order->lot = order->size / (1 + simulate_int(random, 1000));
			break;
		default:
			break;
	}
	return rates;
}

/*
 * bars.h: a series of completed bars, and its checks.
 *
 * Times are microseconds since 2000-01-01 00:00 UTC, the start of a bar.
 */
#ifndef LEM_BARS_H
#define LEM_BARS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Times there can be: those of PostgreSQL's timestamptz, 4714 BC to 294276 AD, without infinity. */
#define LEM_TIME_MIN (-INT64_C(211813488000000000))
#define LEM_TIME_END INT64_C(9223371331200000000)	/* the first that is too late */

static inline bool
lem_time_ok(int64_t ts)
{
	return ts >= LEM_TIME_MIN && ts < LEM_TIME_END;
}

typedef struct lem_series
{
	size_t		n;
	int			n_features;		/* extra features a bar */
	const int64_t *ts;			/* n, rising strictly */
	const double *price;		/* n, the bar's VWAP or close; > 0 */
	const double *volume;		/* n, >= 0 */
	const double *features;		/* n x n_features, or NULL */
	const double *close;		/* n, > 0; NULL: not known */
	const double *high;			/* n, of both or neither; only with close */
	const double *low;			/* n, 0 < low <= high */
} lem_series;

/*
 * One bar's numbers: LEM_OK, LEM_TIME_RANGE, LEM_BAD_PRICE, LEM_BAD_VOLUME or LEM_BAD_FEATURE.
 */
extern lem_status lem_bar_check(int64_t ts, double price, double volume, const double *features,
								int n_features, lem_fault *fault);

/* A bar's close, high and low: LEM_OK, LEM_BAD_CLOSE or LEM_BAD_RANGE. */
extern lem_status lem_bar_check_close(int64_t ts, double close, lem_fault *fault);
extern lem_status lem_bar_check_range(int64_t ts, double high, double low, lem_fault *fault);

/* A whole series: every bar's numbers, and times rising (LEM_DUPLICATE_TIME). */
extern lem_status lem_series_check(const lem_series *series, lem_fault *fault);

/* Number of bars with ts < t (binary search). */
extern size_t lem_series_before(const lem_series *series, int64_t t);

#endif

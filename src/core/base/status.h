/*
 * status.h: how the core says that something is wrong.
 *
 * Functions that can fail return a lem_status and, where a lem_fault is handed in, fill it
 * with the details.  The core words nothing: src/pg/base/errors.c turns a fault into an error with
 * SQLSTATE and HINT.
 */
#ifndef LEM_STATUS_H
#define LEM_STATUS_H

#include <stdint.h>

typedef enum lem_status
{
	LEM_OK = 0,
	LEM_STOPPED,				/* the stop callback asked for it */

	/* bars */
	LEM_BAD_PRICE,				/* ts, have: not finite or <= 0 */
	LEM_BAD_VOLUME,				/* ts, have: not finite or < 0 */
	LEM_BAD_FEATURE,			/* ts, index, have: not finite */
	LEM_BAD_CLOSE,				/* ts, have: not finite or <= 0 */
	LEM_BAD_RANGE,				/* ts, have = high, want = low: not finite, or not 0 < low <= high */
	LEM_NO_CLOSES,				/* closes are needed */
	LEM_NO_RANGES,				/* highs and lows are needed */
	LEM_DUPLICATE_TIME,			/* ts */
	LEM_NO_BARS,
	LEM_SHORT_HISTORY,			/* have, want: completed bars before the start */
	LEM_MISSING_BARS,			/* ts: first missing time; have: how many (gaps = error) */
	LEM_NO_INTERVAL,			/* bar interval neither configured nor to be found */
	LEM_FEATURE_COUNT,			/* have, want: extra features a bar */
	LEM_TIME_RANGE,				/* ts: a time to come is out of range */
	LEM_OVERFLOW,				/* a sum is beyond the range of doubles */

	/* orders */
	LEM_BAD_SIZE,				/* have */
	LEM_BAD_RATES,				/* have = min_rate, want = max_rate: not 0 <= min <= max <= 1, max > 0 */
	LEM_BAD_MIN_BARS,			/* have, want = largest allowed */
	LEM_BAD_MAX_BARS,			/* have, want = largest allowed (n_ahead) */
	LEM_MAX_RATE_INFEASIBLE,	/* have = max_rate, index = max_bars: max_rate * max_bars < 1 */
	LEM_MIN_RATE_INFEASIBLE,	/* have = min_rate, index = min_bars: min_rate * min_bars > 1 */
	LEM_RATES_INFEASIBLE,		/* no number of bars fits both rates; have, want as LEM_BAD_RATES */
	LEM_BAD_LOT,				/* have */
	LEM_SIZE_NOT_LOTS,			/* have = size, want = lot */
	LEM_BAD_LIMIT_PRICE,		/* have: not finite */
	LEM_BAD_PARTICIPATION,		/* have: not 0 < share <= 1 */
	LEM_BAD_MIN_QUANTITY,		/* have, want = size */
	LEM_MIN_QUANTITY_INFEASIBLE,	/* have, want = max_rate: no slice can be as large */
	LEM_BAD_ARRIVAL,			/* have: not finite */
	LEM_BAD_RISK,				/* have */
	LEM_END_INFEASIBLE,			/* ts: no bar of the order ends by it */
	LEM_PARTICIPATION_INFEASIBLE,	/* have = share of the order that bars can take; want = limit */
	LEM_BAD_EXECUTED,			/* index, have: not finite or < 0 */
	LEM_EXECUTED_COUNT,			/* have = numbers, want = bars that have completed */

	/* configs; name = the key */
	LEM_CONFIG_RANGE,			/* name, have, want (nearest allowed value) */
	LEM_CONFIG_HEADS,			/* have = hidden_size, want = num_heads: not divisible */
	LEM_CONFIG_TOO_LARGE,		/* have = parameters, want = most allowed */

	/* books; ts, name = the column */
	LEM_BOOK_CROSSED,			/* have = bid > want = ask */
	LEM_BOOK_BAD_SIZE,			/* have: not finite or < 0 */
	LEM_BOOK_BAD_RANGE,			/* have: beyond want, the low or the high */
	LEM_BOOK_BAD_BUYS,			/* have: not within 0 and want, the volume */

	/* weights; name = the tensor */
	LEM_FILE_TRUNCATED,			/* have, want: bytes */
	LEM_FILE_HEADER,			/* the header's length is impossible; have, want: bytes */
	LEM_TENSOR_MISSING,			/* name, shape_want */
	LEM_TENSOR_UNKNOWN,			/* name */
	LEM_TENSOR_DUPLICATE,		/* name */
	LEM_TENSOR_SHAPE,			/* name, shape_have, shape_want */
	LEM_TENSOR_TYPE,			/* name */
	LEM_TENSOR_RANGE,			/* name: its bytes lie outside the file, or do not fit its shape */
	LEM_TENSOR_HOLE,			/* have: first byte of the data that no tensor covers */
	LEM_TENSOR_NOT_FINITE,		/* name, index, have */
	LEM_TENSOR_GRID,			/* name, index, have, want: spline knots are not the config's */
	LEM_TENSOR_OVERFLOW			/* name, index, have: too large for the config's storage */
} lem_status;

#define LEM_MAX_DIMS 4

typedef struct lem_fault
{
	lem_status	status;
	char		name[112];		/* tensor or config key */
	int64_t		ts;				/* microseconds since 2000-01-01 00:00 UTC */
	int64_t		index;
	double		have;
	double		want;
	int			have_dims;
	int			want_dims;
	int64_t		have_shape[LEM_MAX_DIMS];
	int64_t		want_shape[LEM_MAX_DIMS];
} lem_fault;

/* Fill in a fault and return its status; name may be NULL. */
extern lem_status lem_fail(lem_fault *fault, lem_status status, const char *name,
						   double have, double want);

/* Polled in long loops: a true answer makes the loop return LEM_STOPPED. */
typedef struct lem_stop
{
	int			(*asked) (void *arg);
	void	   *arg;
} lem_stop;

static inline int
lem_stop_asked(const lem_stop *stop)
{
	return stop && stop->asked && stop->asked(stop->arg);
}

#endif

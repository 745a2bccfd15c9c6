/* book.c: layouts of books, their checks, and the features of a book. */
#include <math.h>
#include <string.h>

#include "market/book.h"

static const char *const column_names[LEM_BOOK_COLUMNS] = {
	"bid", "ask", "bid_size", "ask_size", "open", "high", "low", "close", "volume", "buy_volume"
};

const char *
lem_book_column_name(lem_book_column column)
{
	return column_names[column];
}

bool
lem_book_has(int layout, lem_book_column column)
{
	switch (column)
	{
		case LEM_BOOK_BID:
		case LEM_BOOK_ASK:
			return (layout & LEM_BOOK_QUOTES) != 0;
		case LEM_BOOK_BID_SIZE:
		case LEM_BOOK_ASK_SIZE:
			return (layout & LEM_BOOK_SIZES) != 0;
		case LEM_BOOK_BUY_VOLUME:
			return (layout & LEM_BOOK_BUYS) != 0;
		default:
			return true;
	}
}

/* Close and volume lie in the series itself. */
static bool
is_feature(int layout, lem_book_column column)
{
	return column != LEM_BOOK_CLOSE && column != LEM_BOOK_VOLUME && lem_book_has(layout, column);
}

int
lem_book_width(int layout)
{
	int			width = 0;

	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
		width += is_feature(layout, (lem_book_column) c);
	return width;
}

bool
lem_book_view_of(const lem_series *series, int layout, lem_book *book)
{
	int			width = 0;

	if (!lem_book_layout_ok(layout))
		return false;
	memset(book, 0, sizeof(*book));
	book->series = *series;
	book->layout = layout;
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
		book->place[c] = is_feature(layout, (lem_book_column) c) ? width++ : -1;
	if (series->n == 0 && series->n_features == 0)
		return true;
	book->n_features = series->n_features - width;
	return book->n_features >= 0 && book->n_features <= LEM_BOOK_MAX_FEATURES;
}

/* A fault of the bar at ts, in a column. */
static lem_status
row_fault(lem_fault *fault, lem_status status, int64_t ts, lem_book_column column, double have,
		  double want)
{
	lem_fail(fault, status, column_names[column], have, want);
	if (fault)
		fault->ts = ts;
	return status;
}

/* The prices of a row: positive and finite, the quotes not crossed, all within low and high. */
static lem_status
check_prices(int layout, int64_t ts, const double *row, lem_fault *fault)
{
	static const lem_book_column prices[] = {
		LEM_BOOK_BID, LEM_BOOK_ASK, LEM_BOOK_OPEN, LEM_BOOK_HIGH, LEM_BOOK_LOW, LEM_BOOK_CLOSE
	};

	for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++)
	{
		const double x = row[prices[i]];

		if (lem_book_has(layout, prices[i]) && (!isfinite(x) || x <= 0))
			return row_fault(fault, LEM_BAD_PRICE, ts, prices[i], x, 0);
	}
	if ((layout & LEM_BOOK_QUOTES) && row[LEM_BOOK_BID] > row[LEM_BOOK_ASK])
		return row_fault(fault, LEM_BOOK_CROSSED, ts, LEM_BOOK_BID, row[LEM_BOOK_BID],
						 row[LEM_BOOK_ASK]);
	if (row[LEM_BOOK_HIGH] < row[LEM_BOOK_LOW])
		return row_fault(fault, LEM_BOOK_BAD_RANGE, ts, LEM_BOOK_HIGH, row[LEM_BOOK_HIGH],
						 row[LEM_BOOK_LOW]);
	if (row[LEM_BOOK_OPEN] < row[LEM_BOOK_LOW] || row[LEM_BOOK_CLOSE] < row[LEM_BOOK_LOW])
		return row_fault(fault, LEM_BOOK_BAD_RANGE, ts,
						 row[LEM_BOOK_OPEN] < row[LEM_BOOK_LOW] ? LEM_BOOK_OPEN : LEM_BOOK_CLOSE,
						 fmin(row[LEM_BOOK_OPEN], row[LEM_BOOK_CLOSE]), row[LEM_BOOK_LOW]);
	if (row[LEM_BOOK_OPEN] > row[LEM_BOOK_HIGH] || row[LEM_BOOK_CLOSE] > row[LEM_BOOK_HIGH])
		return row_fault(fault, LEM_BOOK_BAD_RANGE, ts,
						 row[LEM_BOOK_OPEN] > row[LEM_BOOK_HIGH] ? LEM_BOOK_OPEN : LEM_BOOK_CLOSE,
						 fmax(row[LEM_BOOK_OPEN], row[LEM_BOOK_CLOSE]), row[LEM_BOOK_HIGH]);
	return LEM_OK;
}

lem_status
lem_book_row_check(int layout, int64_t ts, const double *row, const double *features,
				   int n_features, double *stored, lem_fault *fault)
{
	static const lem_book_column sizes[] = {LEM_BOOK_BID_SIZE, LEM_BOOK_ASK_SIZE};
	lem_status	status;
	int			width = 0;

	if (!lem_time_ok(ts))
		return row_fault(fault, LEM_TIME_RANGE, ts, LEM_BOOK_CLOSE, 0, 0);
	status = check_prices(layout, ts, row, fault);
	if (status != LEM_OK)
		return status;
	for (int i = 0; i < 2; i++)
	{
		const double x = row[sizes[i]];

		if ((layout & LEM_BOOK_SIZES) && (!isfinite(x) || x < 0))
			return row_fault(fault, LEM_BOOK_BAD_SIZE, ts, sizes[i], x, 0);
	}
	if (!isfinite(row[LEM_BOOK_VOLUME]) || row[LEM_BOOK_VOLUME] < 0)
		return row_fault(fault, LEM_BAD_VOLUME, ts, LEM_BOOK_VOLUME, row[LEM_BOOK_VOLUME], 0);
	if ((layout & LEM_BOOK_BUYS) &&
		!(row[LEM_BOOK_BUY_VOLUME] >= 0 && row[LEM_BOOK_BUY_VOLUME] <= row[LEM_BOOK_VOLUME]))
		return row_fault(fault, LEM_BOOK_BAD_BUYS, ts, LEM_BOOK_BUY_VOLUME,
						 row[LEM_BOOK_BUY_VOLUME], row[LEM_BOOK_VOLUME]);
	for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
	{
		if (is_feature(layout, (lem_book_column) c))
			stored[width++] = row[c];
	}
	for (int i = 0; i < n_features; i++)
	{
		if (!isfinite(features[i]))
		{
			row_fault(fault, LEM_BAD_FEATURE, ts, LEM_BOOK_CLOSE, features[i], 0);
			if (fault)
				fault->index = i;
			return LEM_BAD_FEATURE;
		}
		stored[width + i] = features[i];
	}
	return LEM_OK;
}

lem_status
lem_book_check(const lem_book *book, lem_fault *fault)
{
	double		stored[LEM_BOOK_COLUMNS + LEM_BOOK_MAX_FEATURES];

	for (size_t i = 0; i < book->series.n; i++)
	{
		double		row[LEM_BOOK_COLUMNS];
		lem_status	status;

		for (int c = 0; c < LEM_BOOK_COLUMNS; c++)
			row[c] = lem_book_get(book, (lem_book_column) c, i);
		status = lem_book_row_check(book->layout, book->series.ts[i], row,
									lem_book_features_of(book, i), book->n_features, stored,
									fault);
		if (status != LEM_OK)
			return status;
		if (i > 0 && book->series.ts[i] <= book->series.ts[i - 1])
			return row_fault(fault, LEM_DUPLICATE_TIME, book->series.ts[i], LEM_BOOK_CLOSE, 0, 0);
	}
	return LEM_OK;
}

/* Take a bar in, and with the one before it as a pair. */
static void
add_bar(lem_spread_estimate *estimate, const lem_book *book, size_t i, bool pair)
{
	const double middle = 0.5 * (log(lem_book_get(book, LEM_BOOK_HIGH, i)) +
								 log(lem_book_get(book, LEM_BOOK_LOW, i)));

	if (pair)
		estimate->term[(i - 1) % LEM_SPREAD_PAIRS] =
			(estimate->close - estimate->middle) * (estimate->close - middle);
	estimate->close = log(book->series.price[i]);
	estimate->middle = middle;
}

/*
 * The spread, of the price: s^2 = max(0, 4 E[(c_t - h_t)(c_t - h_{t+1})]) over n pairs of bars (Abdi
 * and Ranaldo 2017, equation 11), c the log of the close, h the middle of the logs of high and low.
 * The terms are summed in the order in which they are kept, by four sums.
 */
static double
spread_of(const double *term, size_t n)
{
	double		sum[4] = {0, 0, 0, 0};
	size_t		t = 0;

	if (n == 0)
		return LEM_SPREAD_FLOOR;
	for (; t + 4 <= n; t += 4)
		for (int k = 0; k < 4; k++)
			sum[k] += term[t + k];
	for (; t < n; t++)
		sum[0] += term[t];
	/* no spread is wider than the price itself: quotes around it stay positive */
	return fmin(fmax(sqrt(fmax(0, 4 * ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (double) n)),
					 LEM_SPREAD_FLOOR), 1);
}

double
lem_spread_next(lem_spread_estimate *estimate, const lem_book *book, size_t i)
{
	add_bar(estimate, book, i, i > 0);
	/* summed anew: it is the number that a look at this bar alone gives */
	return spread_of(estimate->term, i < LEM_SPREAD_PAIRS ? i : LEM_SPREAD_PAIRS);
}

static double
estimated_spread(const lem_book *book, size_t i)
{
	const size_t first = i > LEM_SPREAD_PAIRS ? i - LEM_SPREAD_PAIRS : 0;
	lem_spread_estimate estimate = {.close = 0};

	for (size_t t = first; t <= i; t++)
		add_bar(&estimate, book, t, t > first);
	return spread_of(estimate.term, i - first);
}

/* What the best bid and ask were made to take or lose against the bar before. */
double
lem_book_flow(const lem_book *book, size_t i)
{
	const double bid = lem_book_get(book, LEM_BOOK_BID, i);
	const double ask = lem_book_get(book, LEM_BOOK_ASK, i);
	const double bid_before = lem_book_get(book, LEM_BOOK_BID, i - 1);
	const double ask_before = lem_book_get(book, LEM_BOOK_ASK, i - 1);
	double		flow = 0;

	if (bid >= bid_before)
		flow += lem_book_get(book, LEM_BOOK_BID_SIZE, i);
	if (bid <= bid_before)
		flow -= lem_book_get(book, LEM_BOOK_BID_SIZE, i - 1);
	if (ask <= ask_before)
		flow -= lem_book_get(book, LEM_BOOK_ASK_SIZE, i);
	if (ask >= ask_before)
		flow += lem_book_get(book, LEM_BOOK_ASK_SIZE, i - 1);
	return flow;
}

void
lem_book_feature_at(const lem_book *book, size_t i, lem_book_feature *feature)
{
	lem_book_feature_with(book, i, (book->layout & LEM_BOOK_QUOTES) ? 0 : estimated_spread(book, i),
						  feature);
}

void
lem_book_feature_with(const lem_book *book, size_t i, double estimate, lem_book_feature *feature)
{
	const double close = book->series.price[i];

	memset(feature, 0, sizeof(*feature));
	if (book->layout & LEM_BOOK_QUOTES)
	{
		feature->bid = lem_book_get(book, LEM_BOOK_BID, i);
		feature->ask = lem_book_get(book, LEM_BOOK_ASK, i);
		feature->mid = 0.5 * feature->bid + 0.5 * feature->ask;
		feature->spread = feature->ask - feature->bid;
	}
	else
	{
		feature->mid = close;
		feature->spread = close * estimate;
		feature->bid = close - 0.5 * feature->spread;
		feature->ask = close + 0.5 * feature->spread;
	}
	feature->microprice = feature->mid;
	if (book->layout & LEM_BOOK_SIZES)
	{
		const double bid_size = lem_book_get(book, LEM_BOOK_BID_SIZE, i);
		const double ask_size = lem_book_get(book, LEM_BOOK_ASK_SIZE, i);
		const double most = fmax(bid_size, ask_size);

		if (most > 0)
		{
			/* of the larger one, so that no sum overflows */
			const double b = bid_size / most;
			const double a = ask_size / most;

			feature->imbalance = (b - a) / (b + a);
			feature->microprice = feature->mid + 0.5 * feature->imbalance * feature->spread;
		}
		if (i > 0)
			feature->flow = lem_book_flow(book, i);
	}
	if (book->layout & LEM_BOOK_BUYS)
		feature->signed_volume = 2 * lem_book_get(book, LEM_BOOK_BUY_VOLUME, i) -
			book->series.volume[i];
}

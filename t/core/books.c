/* books.c: simulated books for the tests of market making. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "books.h"

static int64_t ts[BOOK_MOST];
static double price[BOOK_MOST];
static double volume[BOOK_MOST];
static double columns[BOOK_MOST * LEM_BOOK_COLUMNS];
static lem_outlook_bar outlook[BOOK_MOST];

static void
put(int layout, size_t i, const double *row)
{
	lem_fault	fault;

	if (lem_book_row_check(layout, ts[i], row, NULL, 0,
						   columns + i * (size_t) lem_book_width(layout), &fault) != LEM_OK)
		abort();
	price[i] = row[LEM_BOOK_CLOSE];
	volume[i] = row[LEM_BOOK_VOLUME];
}

void
book_look(test_book *made)
{
	made->bars = outlook;
	if (lem_outlook_fill(&made->book, NULL, 10, LEM_SESSIONS_DAY, 0, NULL, outlook, NULL) != LEM_OK)
		abort();
}

void
book_series(const test_book *made, double *mid, double *features)
{
	for (size_t i = 0; i < made->book.series.n; i++)
		mid[i] = made->bars[i].now.mid;
	lem_outlook_features(&made->book, 0, made->bars, features);
}

static void
finish(int layout, size_t n, test_book *made)
{
	lem_series	series = {
		.n = n, .n_features = lem_book_width(layout), .ts = ts, .price = price, .volume = volume,
		.features = columns
	};

	if (!lem_book_view_of(&series, layout, &made->book))
		abort();
	book_look(made);
}

void
book_random(uint64_t seed, int layout, size_t n, test_book *made)
{
	double		mid = exp(4 * lem_random_normal(seed, 0, 0));
	int64_t		at = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		row[LEM_BOOK_COLUMNS];
		double		before = mid;
		const double spread = mid * 0.001 * (double) lem_random_below(seed, 1, i, 5);
		const bool	quiet = lem_random_below(seed, 2, i, 4) == 0;

		mid *= exp(0.002 * lem_random_normal(seed, 3, i));
		row[LEM_BOOK_BID] = mid - spread / 2;
		row[LEM_BOOK_ASK] = mid + spread / 2;
		row[LEM_BOOK_BID_SIZE] = (double) lem_random_below(seed, 4, i, 50);
		row[LEM_BOOK_ASK_SIZE] = (double) lem_random_below(seed, 5, i, 50);
		row[LEM_BOOK_OPEN] = before;
		row[LEM_BOOK_CLOSE] = mid;
		row[LEM_BOOK_HIGH] = fmax(before, mid) * (1 + 0.002 * lem_random_uniform(seed, 6, i));
		row[LEM_BOOK_LOW] = fmin(before, mid) * (1 - 0.002 * lem_random_uniform(seed, 7, i));
		row[LEM_BOOK_VOLUME] = quiet ? 0 : (double) lem_random_below(seed, 8, i, 1000);
		row[LEM_BOOK_BUY_VOLUME] = floor(row[LEM_BOOK_VOLUME] * lem_random_uniform(seed, 9, i));
		at += 60000000 * (1 + (int64_t) lem_random_below(seed, 10, i, 20) / 19 * 600);
		ts[i] = at;
		put(layout, i, row);
	}
	finish(layout, n, made);
}

void
book_market(uint64_t seed, size_t n, size_t session, double sigma, double a, double kappa,
			double spread, double imbalance, test_book *made)
{
	double		mid = 100;
	double		next = sigma * lem_random_normal(seed, 1, 0);

	for (size_t i = 0; i < n; i++)
	{
		double		row[LEM_BOOK_COLUMNS];
		const double before = mid;
		double		reach[2];
		double		lean;

		mid += next;
		next = sigma * lem_random_normal(seed, 1, i + 1);
		lean = tanh(imbalance * next / sigma + lem_random_normal(seed, 2, i));
		for (int side = 0; side < 2; side++)
		{
			const double e = -log1p(-lem_random_uniform(seed, 3 + side, i));

			reach[side] = (log(a) - log(fmax(e, 1e-300))) / kappa;
		}
		row[LEM_BOOK_BID] = mid - spread / 2;
		row[LEM_BOOK_ASK] = mid + spread / 2;
		row[LEM_BOOK_BID_SIZE] = 500 * (1 + lean);
		row[LEM_BOOK_ASK_SIZE] = 500 * (1 - lean);
		row[LEM_BOOK_HIGH] = before + reach[1];
		row[LEM_BOOK_LOW] = before - reach[0];
		/* a side that is not reached does not hide how far the other one was */
		if (reach[1] > 0)
			row[LEM_BOOK_LOW] = fmin(row[LEM_BOOK_LOW], row[LEM_BOOK_HIGH]);
		else if (reach[0] > 0)
			row[LEM_BOOK_HIGH] = fmax(row[LEM_BOOK_LOW], row[LEM_BOOK_HIGH]);
		else
			row[LEM_BOOK_HIGH] = row[LEM_BOOK_LOW] = before;
		row[LEM_BOOK_OPEN] = row[LEM_BOOK_CLOSE] =
			fmin(fmax(before, row[LEM_BOOK_LOW]), row[LEM_BOOK_HIGH]);
		row[LEM_BOOK_VOLUME] = 1000;
		row[LEM_BOOK_BUY_VOLUME] = 500;
		ts[i] = (int64_t) (i / session) * LEM_DAY + (int64_t) (i % session) * 1000000;
		put(LEM_BOOK_QUOTES | LEM_BOOK_SIZES, i, row);
	}
	finish(LEM_BOOK_QUOTES | LEM_BOOK_SIZES, n, made);
}

void
book_change_after(test_book *made, size_t from, double factor)
{
	const size_t width = (size_t) made->book.series.n_features;

	for (size_t i = from; i < made->book.series.n; i++)
	{
		price[i] *= factor;
		volume[i] *= factor;
		for (size_t j = 0; j < width; j++)
			columns[i * width + j] *= factor;
	}
}

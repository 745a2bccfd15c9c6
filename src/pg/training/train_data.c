/* train_data.c: the bars that a model is trained on, from a query. */
#include "postgres.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "core/market/outlook.h"
#include "pg/bars/bar_rows.h"
#include "pg/bars/book_rows.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/hash.h"
#include "pg/base/interrupt.h"
#include "pg/training/train_data.h"

/* Rows that are fetched at once. */
#define FETCH_ROWS 10000

/* Numbers that are hashed at once. */
#define HASH_NUMBERS 4096

/* A series while it is being read; found by its name. */
typedef struct named_series
{
	const char *name;			/* key */
	lem_builder *bars;
	lem_book_builder *book;		/* of books, whose bars it holds */
} named_series;

/* The work in hand. */
typedef struct reader
{
	MemoryContext context;		/* keeps the bars */
	HTAB	   *series;
	bool		books;
	lem_bar_columns columns;
	lem_book_columns book_columns;
	named_series *last;			/* of the row before */
	int64		bars;
	const char *current;		/* for messages: the series that is looked at */
} reader;

static uint32
name_hash(const void *key, Size size)
{
	const char *name = *(const char *const *) key;

	(void) size;
	return hash_bytes((const unsigned char *) name, (int) strlen(name));
}

static int
name_match(const void *a, const void *b, Size size)
{
	(void) size;
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The series of this name, a new one if need be. */
static named_series *
find_series(reader *r, const char *name)
{
	named_series *found;
	bool		known;

	if (r->last && strcmp(r->last->name, name) == 0)
		return r->last;
	found = hash_search(r->series, &name, HASH_ENTER, &known);
	if (!known)
	{
		found->name = MemoryContextStrdup(r->context, name);
		found->book = r->books ? lem_book_builder_create(r->context) : NULL;
		found->bars = r->books ? found->book->bars : lem_builder_create(r->context);
	}
	r->last = found;
	return found;
}

static lem_book_builder *
find_book(void *arg, const char *name)
{
	return find_series(arg, name)->book;
}

/* Keep the bar of one row; a bar with a NULL time, price or volume is dropped. */
static void
read_row(reader *r, HeapTuple tuple, TupleDesc desc)
{
	lem_bar_row row;

	r->current = NULL;
	if (r->books)
	{
		r->bars += lem_book_row_read(&r->book_columns, tuple, desc, find_book, r, &r->current);
		return;
	}
	if (!lem_bar_row_read(&r->columns, tuple, desc, &row, &r->current))
		return;
	lem_builder_add(find_series(r, row.series)->bars, &row.bar);
	r->bars++;
}

/* More bars than may be kept. */
static void
check_limit(const reader *r, int n_features, Size limit)
{
	const int	more = (r->columns.numbers[LEM_BAR_CLOSE] > 0) +
		2 * (r->columns.numbers[LEM_BAR_HIGH] > 0);
	const Size	bytes = (Size) r->bars * (3 + more + n_features) * sizeof(double);

	if (bytes > limit)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_MODEL_TOO_LARGE),
				 errmsg("training needs more than %zu kB of memory for its bars, but "
						"lem.training_memory is %zu kB", bytes / 1024, limit / 1024),
				 errhint("Select fewer bars, or raise lem.training_memory.")));
}

/* Errors say which series they are about. */
static void
reader_context(void *arg)
{
	const reader *r = arg;

	if (r->current)
		errcontext("series \"%s\" of the bars to train on", r->current);
	else
		errcontext("query for the bars to train on");
}

/* Fetch all rows. */
static void
fetch(reader *r, const char *query, int n_features, Size limit)
{
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "lem training rows",
													  ALLOCSET_DEFAULT_SIZES);
	SPIPlanPtr	plan = SPI_prepare_cursor(query, 0, NULL, CURSOR_OPT_NO_SCROLL);
	Portal		portal;
	uint64		rows;

	if (plan == NULL || !SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the bars are not given by one query that returns rows"),
				 r->books ?
				 errhint("Pass a SELECT with the columns series, ts, bid, ask, open, high, low, "
						 "close and volume.") :
				 errhint("Pass a SELECT with the columns series, ts, price and volume.")));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	if (r->books)
		lem_book_columns_find(&r->book_columns, portal->tupDesc, r->context);
	else
		lem_bar_columns_find(&r->columns, portal->tupDesc, r->context);
	do
	{
		SPITupleTable *table;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_processed;
		table = SPI_tuptable;
		for (uint64 i = 0; i < rows; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);

			read_row(r, table->vals[i], table->tupdesc);
			MemoryContextSwitchTo(old);
			r->current = NULL;
			MemoryContextReset(row_context);
		}
		SPI_freetuptable(table);
		check_limit(r, n_features, limit);
		CHECK_FOR_INTERRUPTS();
	} while (rows > 0);
	SPI_cursor_close(portal);
	SPI_freeplan(plan);
	MemoryContextDelete(row_context);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(named_series *const *) a)->name, (*(named_series *const *) b)->name);
}

/* The series in the order of their names. */
static named_series **
sorted_series(HTAB *series, int n)
{
	named_series **list = palloc(n * sizeof(named_series *));
	HASH_SEQ_STATUS scan;
	named_series *found;
	int			i = 0;

	hash_seq_init(&scan, series);
	while ((found = hash_seq_search(&scan)) != NULL)
		list[i++] = found;
	LEM_ENSURE(i == n);
	qsort(list, n, sizeof(named_series *), by_name);
	return list;
}

/* n 8-byte numbers in network byte order. */
static void
hash_numbers(pg_cryptohash_ctx *hash, const void *numbers, Size n)
{
	uint64		chunk[HASH_NUMBERS];

	for (Size done = 0; done < n; done += HASH_NUMBERS)
	{
		const Size	count = Min(n - done, HASH_NUMBERS);

		memcpy(chunk, (const uint64 *) numbers + done, count * sizeof(uint64));
		for (Size i = 0; i < count; i++)
			chunk[i] = pg_hton64(chunk[i]);
		lem_hash_add(hash, chunk, count * sizeof(uint64));
	}
}

/* SHA-256 over names, sizes and numbers, independent of the order of rows and of the machine. */
static void
digest_data(lem_train_data *data)
{
	pg_cryptohash_ctx *hash = lem_hash_begin();

	PG_TRY();
	{
		for (int s = 0; s < data->n_series; s++)
		{
			const lem_series *series = &data->series[s];
			const uint64 sizes[2] = {series->n, (uint64) series->n_features};

			lem_hash_add(hash, data->names[s], strlen(data->names[s]) + 1);
			hash_numbers(hash, sizes, lengthof(sizes));
			hash_numbers(hash, series->ts, series->n);
			hash_numbers(hash, series->price, series->n);
			hash_numbers(hash, series->volume, series->n);
			if (series->close)
				hash_numbers(hash, series->close, series->n);
			if (series->high)
			{
				hash_numbers(hash, series->high, series->n);
				hash_numbers(hash, series->low, series->n);
			}
			if (series->n_features > 0)
				hash_numbers(hash, series->features, series->n * series->n_features);
		}
		if (pg_cryptohash_final(hash, data->digest, LEM_DIGEST_LENGTH) < 0)
			elog(ERROR, "could not finalize SHA-256");
	}
	PG_FINALLY();
	{
		pg_cryptohash_free(hash);
	}
	PG_END_TRY();
}

/* Read all rows of a query: the series in the order of their names, n of them. */
static named_series **
read_query(reader *r, const char *query, int n_features, Size limit, int *n)
{
	HASHCTL		control = {
		.keysize = sizeof(const char *),
		.entrysize = sizeof(named_series),
		.hash = name_hash,
		.match = name_match,
		.hcxt = CurrentMemoryContext
	};

	r->series = hash_create("lem training series", 64, &control,
							HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	fetch(r, query, n_features, limit);
	if (r->bars == 0)
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}
	*n = (int) hash_get_num_entries(r->series);
	return sorted_series(r->series, *n);
}

/* Set up data for so many series. */
static void
begin_data(const reader *r, int n, int n_features, lem_train_data *data)
{
	data->n_series = n;
	data->n_features = n_features;
	data->bars = r->bars;
	data->names = palloc(n * sizeof(char *));
	data->series = palloc(n * sizeof(lem_series));
}

/* A series must have the features that the config says. */
static void
check_features(int have, int want)
{
	if (have != want)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the bars have %d extra features, but the config has extra_features %d",
						have, want),
				 errhint("Return that many in the column features, or change the config.")));
}

void
lem_train_data_read(const char *query, int n_features, bool closes, Size limit,
					lem_train_data *data)
{
	reader		r = {.context = CurrentMemoryContext};
	ErrorContextCallback callback = {error_context_stack, reader_context, &r};
	named_series **list;
	int			n;

	error_context_stack = &callback;
	list = read_query(&r, query, n_features, limit, &n);
	begin_data(&r, n, n_features, data);
	for (int s = 0; s < n; s++)
	{
		r.current = data->names[s] = list[s]->name;
		lem_builder_series(list[s]->bars, &data->series[s]);
		check_features(data->series[s].n_features, n_features);
		if (!closes)
			data->series[s].close = data->series[s].high = data->series[s].low = NULL;
	}
	r.current = NULL;
	digest_data(data);
	error_context_stack = callback.previous;
}

void
lem_train_book_series(const lem_book *book, const lem_clock *clock, int horizon, lem_series *series)
{
	const Size	n = book->series.n;
	const int	width = LEM_MAKER_INPUTS + book->n_features;
	lem_outlook_bar *bars = MemoryContextAllocHuge(CurrentMemoryContext,
												   n * sizeof(lem_outlook_bar));
	double	   *mid = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(double));
	double	   *features = MemoryContextAllocHuge(CurrentMemoryContext,
												  n * width * sizeof(double));
	lem_status	status;

	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_outlook_fill(book, clock, horizon, LEM_SESSIONS_DAY, 0, &lem_interrupt_stop,
								  bars, &(lem_outlook_track) {mid, NULL});
	} while (status == LEM_STOPPED);
	lem_outlook_features(book, 0, bars, features);
	pfree(bars);
	*series = book->series;
	series->n_features = width;
	series->price = mid;
	series->features = features;
}

void
lem_train_data_read_book(const char *query, int n_features, bool quoted, const lem_clock *clock,
						 int horizon, Size limit, lem_train_data *data)
{
	reader		r = {.context = CurrentMemoryContext, .books = true};
	ErrorContextCallback callback = {error_context_stack, reader_context, &r};
	named_series **list;
	int			n;

	error_context_stack = &callback;
	list = read_query(&r, query, n_features, limit, &n);
	if (((r.book_columns.layout & LEM_BOOK_QUOTES) != 0) != quoted)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the bars have %s, but the config has \"spread\" \"%s\"",
						quoted ? "no quotes" : "quotes", quoted ? "quotes" : "estimated"),
				 errhint("One model never mixes spreads of quotes with estimated ones.")));
	begin_data(&r, n, n_features, data);
	for (int s = 0; s < n; s++)
	{
		lem_series	sorted;
		lem_book	book;

		r.current = data->names[s] = list[s]->name;
		lem_builder_series(list[s]->bars, &sorted);
		LEM_ENSURE(lem_book_view_of(&sorted, list[s]->book->layout, &book));
		check_features(book.n_features, n_features - LEM_MAKER_INPUTS);
		lem_train_book_series(&book, clock, horizon, &data->series[s]);
	}
	r.current = NULL;
	digest_data(data);
	error_context_stack = callback.previous;
}

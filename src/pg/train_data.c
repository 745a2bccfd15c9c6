/* train_data.c: the bars that a model is trained on, from a query. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/bars_type.h"
#include "pg/compat.h"
#include "pg/errors.h"
#include "pg/train_data.h"

/* Rows that are fetched at once. */
#define FETCH_ROWS 10000

/* Numbers that are hashed at once. */
#define HASH_NUMBERS 4096

/* The columns, in the order of the constants below. */
static const char *const column_names[] = {"series", "ts", "price", "volume", "features"};

enum
{
	COLUMN_SERIES,
	COLUMN_TS,
	COLUMN_PRICE,
	COLUMN_VOLUME,
	COLUMN_FEATURES,
	COLUMNS
};

/* A series while it is being read; found by its name. */
typedef struct named_series
{
	const char *name;			/* key */
	lem_builder *bars;
} named_series;

/* The work in hand. */
typedef struct reader
{
	MemoryContext context;		/* keeps the bars */
	HTAB	   *series;
	int			numbers[COLUMNS];	/* of the columns in the query's rows; 0: none */
	Oid			types[COLUMNS];
	FmgrInfo	series_output;
	named_series *last;			/* of the row before */
	int64		bars;
	const char *current;		/* for messages: the series that is looked at */
} reader;

Size
lem_train_data_bytes(int64 bars, int n_features)
{
	return (Size) bars * (3 + n_features) * sizeof(double);
}

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

/* Whether price and volume can be of a type. */
static bool
is_number(Oid type)
{
	return type == FLOAT8OID || type == FLOAT4OID || type == NUMERICOID || type == INT2OID ||
		type == INT4OID || type == INT8OID;
}

/* One of those types as a double. */
static double
number_of(Datum value, Oid type)
{
	switch (type)
	{
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case NUMERICOID:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
		default:
			return DatumGetFloat8(value);
	}
}

static void
wrong_type(const char *column, Oid type, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of the bars has type %s", column, format_type_be(type)),
			 errhint("It must be %s: add a cast to the query.", wanted)));
}

/* Find the columns of the query's result, and check their types. */
static void
find_columns(reader *r, TupleDesc desc)
{
	Oid			output;
	bool		varlena;

	for (int c = 0; c < COLUMNS; c++)
	{
		r->numbers[c] = 0;
		for (int i = 1; i <= desc->natts; i++)
		{
			if (strcmp(SPI_fname(desc, i), column_names[c]) != 0)
				continue;
			if (r->numbers[c] != 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the query for the bars has more than one column \"%s\"",
								column_names[c])));
			r->numbers[c] = i;
			r->types[c] = SPI_gettypeid(desc, i);
		}
		if (r->numbers[c] == 0 && c != COLUMN_FEATURES)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the query for the bars has no column \"%s\"", column_names[c]),
					 errhint("It must return the columns series, ts, price and volume, and may "
							 "return features.")));
	}
	if (r->types[COLUMN_TS] != TIMESTAMPTZOID)
		wrong_type("ts", r->types[COLUMN_TS], "timestamp with time zone");
	for (int c = COLUMN_PRICE; c <= COLUMN_VOLUME; c++)
		if (!is_number(r->types[c]))
			wrong_type(column_names[c], r->types[c], "double precision");
	if (r->numbers[COLUMN_FEATURES] != 0 && r->types[COLUMN_FEATURES] != FLOAT8ARRAYOID)
		wrong_type("features", r->types[COLUMN_FEATURES], "double precision[]");
	getTypeOutputInfo(r->types[COLUMN_SERIES], &output, &varlena);
	fmgr_info_cxt(output, &r->series_output, r->context);
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
		found->bars = lem_builder_create(r->context);
	}
	r->last = found;
	return found;
}

/* The numbers of a bar's features, which must all be there. */
static const double *
features_of(Datum value, int64 ts, int *n)
{
	ArrayType  *array = DatumGetArrayTypeP(value);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the features of the bar at %s have %d dimensions",
						timestamptz_to_str(ts), ARR_NDIM(array)),
				 errhint("Return one-dimensional arrays.")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("a feature of the bar at %s is NULL", timestamptz_to_str(ts)),
				 errhint("Give a missing feature a number, or make the bar's price NULL to leave it "
						 "out.")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (const double *) ARR_DATA_PTR(array);
}

/* Keep the bar of one row; a bar with a NULL time, price or volume is dropped. */
static void
read_row(reader *r, HeapTuple row, TupleDesc desc)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS];
	const double *features = NULL;
	int			n_features = 0;
	int64		ts;

	for (int c = 0; c < COLUMNS; c++)
	{
		nulls[c] = true;
		if (r->numbers[c] != 0)
			values[c] = SPI_getbinval(row, desc, r->numbers[c], &nulls[c]);
	}
	r->current = NULL;
	if (nulls[COLUMN_TS] || nulls[COLUMN_PRICE] || nulls[COLUMN_VOLUME])
		return;
	ts = DatumGetTimestampTz(values[COLUMN_TS]);
	if (nulls[COLUMN_SERIES])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the series of the bar at %s is NULL", timestamptz_to_str(ts)),
				 errhint("Name the series that each bar belongs to.")));
	r->current = OutputFunctionCall(&r->series_output, values[COLUMN_SERIES]);
	if (r->numbers[COLUMN_FEATURES] != 0)
	{
		if (nulls[COLUMN_FEATURES])
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("the features of the bar at %s are NULL", timestamptz_to_str(ts)),
					 errhint("Return a float8[] for every bar, or leave out the column.")));
		features = features_of(values[COLUMN_FEATURES], ts, &n_features);
	}
	lem_builder_add(find_series(r, r->current)->bars, ts,
					number_of(values[COLUMN_PRICE], r->types[COLUMN_PRICE]),
					number_of(values[COLUMN_VOLUME], r->types[COLUMN_VOLUME]),
					features, n_features);
	r->bars++;
}

/* More bars than may be kept. */
static void
check_limit(const reader *r, int n_features, Size limit)
{
	const Size	bytes = lem_train_data_bytes(r->bars, n_features);

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
				 errhint("Pass a SELECT with the columns series, ts, price and volume.")));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	find_columns(r, portal->tupDesc);
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

static void
hash_add(pg_cryptohash_ctx *hash, const void *data, Size length)
{
	if (pg_cryptohash_update(hash, data, length) < 0)
		elog(ERROR, "could not update SHA-256");
}

/* n 8-byte numbers in network byte order. */
static void
hash_numbers(pg_cryptohash_ctx *hash, const void *numbers, Size n)
{
	uint64		chunk[HASH_NUMBERS];

	for (Size done = 0; done < n; done += HASH_NUMBERS)
	{
		const Size	count = Min(n - done, HASH_NUMBERS);

		CHECK_FOR_INTERRUPTS();
		memcpy(chunk, (const uint64 *) numbers + done, count * sizeof(uint64));
		for (Size i = 0; i < count; i++)
			chunk[i] = pg_hton64(chunk[i]);
		hash_add(hash, chunk, count * sizeof(uint64));
	}
}

/* SHA-256 over names, sizes and numbers, independent of the order of rows and of the machine. */
static void
digest_data(lem_train_data *data)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	PG_TRY();
	{
		for (int s = 0; s < data->n_series; s++)
		{
			const lem_series *series = &data->series[s];
			const uint64 sizes[2] = {series->n, (uint64) series->n_features};

			hash_add(hash, data->names[s], strlen(data->names[s]) + 1);
			hash_numbers(hash, sizes, lengthof(sizes));
			hash_numbers(hash, series->ts, series->n);
			hash_numbers(hash, series->price, series->n);
			hash_numbers(hash, series->volume, series->n);
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

void
lem_train_data_read(const char *query, int n_features, Size limit, lem_train_data *data)
{
	HASHCTL		control = {
		.keysize = sizeof(const char *),
		.entrysize = sizeof(named_series),
		.hash = name_hash,
		.match = name_match,
		.hcxt = CurrentMemoryContext
	};
	reader		r = {.context = CurrentMemoryContext};
	ErrorContextCallback callback = {error_context_stack, reader_context, &r};
	named_series **list;
	int			n;

	r.series = hash_create("lem training series", 64, &control,
						   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	error_context_stack = &callback;
	fetch(&r, query, n_features, limit);
	if (r.bars == 0)
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}

	n = (int) hash_get_num_entries(r.series);
	list = sorted_series(r.series, n);
	data->n_series = n;
	data->n_features = n_features;
	data->bars = r.bars;
	data->names = palloc(n * sizeof(char *));
	data->series = palloc(n * sizeof(lem_series));
	for (int s = 0; s < n; s++)
	{
		r.current = data->names[s] = list[s]->name;
		lem_builder_series(list[s]->bars, &data->series[s]);
		if (data->series[s].n_features != n_features)
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("the bars have %d extra features, but the config has extra_features %d",
							data->series[s].n_features, n_features),
					 errhint("Return that many in the column features, or change the config.")));
	}
	r.current = NULL;
	digest_data(data);
	error_context_stack = callback.previous;
}

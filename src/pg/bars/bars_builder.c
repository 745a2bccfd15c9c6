/* bars_builder.c: a growing set of bars, and bars in network byte order. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/bars/bars_type.h"
#include "pg/base/errors.h"

#define FIRST_CAPACITY 32
#define NO_FEATURES_YET (-1)

struct lem_builder
{
	MemoryContext context;
	Size		n;
	Size		capacity;
	int			n_features;		/* of the first bar; NO_FEATURES_YET before it */
	int			format;			/* of the first bar */
	bool		rising;			/* bars came in time order, no time twice */
	int64	   *ts;
	double	   *price;
	double	   *volume;
	double	   *close;			/* NULL before format 2 */
	double	   *high;			/* NULL before format 3 */
	double	   *low;
	double	   *features;		/* NULL without features */
};

/* What the sort moves around. */
typedef struct bar_place
{
	int64		ts;
	Size		place;
} bar_place;

#define ST_SORT sort_bar_places
#define ST_ELEMENT_TYPE bar_place
#define ST_COMPARE(a, b) ((a)->ts < (b)->ts ? -1 : (a)->ts > (b)->ts ? 1 : 0)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* An array of n elements, palloc'd, of whatever size. */
static void *
huge_array(Size n, Size element)
{
	if (n > MaxAllocHugeSize / element)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many bars: %zu", n)));
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * element);
}

lem_builder *
lem_builder_create(MemoryContext context)
{
	lem_builder *builder = MemoryContextAllocZero(context, sizeof(lem_builder));

	builder->context = context;
	builder->n_features = NO_FEATURES_YET;
	builder->rising = true;
	return builder;
}

static void *
grow_array(MemoryContext context, void *array, Size n, Size element)
{
	if (n > MaxAllocHugeSize / element)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many bars: %zu", n)));
	return array ? repalloc_huge(array, n * element) : MemoryContextAllocHuge(context, n * element);
}

/* Make room for more bars: capacity at least doubles, so that adding n bars takes O(n). */
static void
builder_reserve(lem_builder *builder, Size more)
{
	Size		capacity = Max(builder->capacity, FIRST_CAPACITY / 2);

	if (builder->capacity - builder->n >= more)
		return;
	do
		capacity *= 2;
	while (capacity - builder->n < more);
	builder->ts = grow_array(builder->context, builder->ts, capacity, sizeof(int64));
	builder->price = grow_array(builder->context, builder->price, capacity, sizeof(double));
	builder->volume = grow_array(builder->context, builder->volume, capacity, sizeof(double));
	if (builder->format >= LEM_BARS_CLOSE)
		builder->close = grow_array(builder->context, builder->close, capacity, sizeof(double));
	if (builder->format >= LEM_BARS_RANGE)
	{
		builder->high = grow_array(builder->context, builder->high, capacity, sizeof(double));
		builder->low = grow_array(builder->context, builder->low, capacity, sizeof(double));
	}
	if (builder->n_features > 0)
		builder->features = grow_array(builder->context, builder->features, capacity,
									   builder->n_features * sizeof(double));
	builder->capacity = capacity;
}

/* What a bar of a format has besides its price. */
static const char *
format_words(int format)
{
	return format == LEM_BARS_RANGE ? "a close, a high and a low" :
		format == LEM_BARS_CLOSE ? "a close" : "no close";
}

/* The first bar says which numbers, and how many features, all have. */
static void
builder_set_format(lem_builder *builder, int format, int n_features, int64 ts)
{
	if (n_features > LEM_BARS_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the bar at %s has %d features, the limit is %d", timestamptz_to_str(ts),
						n_features, LEM_BARS_MAX_FEATURES)));
	if (builder->n_features == NO_FEATURES_YET)
	{
		builder->n_features = n_features;
		builder->format = format;
	}
	if (builder->format != format)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("the bar at %s has %s where others have %s", timestamptz_to_str(ts),
						format_words(format), format_words(builder->format)),
				 errhint("Pass the same numbers for every bar of a series.")));
	if (builder->n_features != n_features)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the bar at %s has %d features where others have %d",
						timestamptz_to_str(ts), n_features, builder->n_features),
				 errhint("Pass the same features for every bar of a series.")));
}

void
lem_builder_add(lem_builder *builder, const lem_bar_input *bar)
{
	const int64 ts = bar->ts;
	const int	n_features = bar->n_features;
	lem_fault	fault;
	Size		n = builder->n;

	if (!IS_VALID_TIMESTAMP(ts))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 TIMESTAMP_NOT_FINITE(ts) ?
				 errmsg("a bar's time cannot be %s", timestamptz_to_str(ts)) :
				 errmsg("a bar's time is out of range for type timestamp")));
	builder_set_format(builder, bar->format, n_features, ts);
	lem_pg_check(lem_bar_check(ts, bar->price, bar->volume, bar->features, n_features, &fault),
				 &fault);
	if (bar->format >= LEM_BARS_CLOSE)
		lem_pg_check(lem_bar_check_close(ts, bar->close, &fault), &fault);
	if (bar->format >= LEM_BARS_RANGE)
		lem_pg_check(lem_bar_check_range(ts, bar->high, bar->low, &fault), &fault);
	builder_reserve(builder, 1);
	if (n > 0 && ts <= builder->ts[n - 1])
		builder->rising = false;
	builder->ts[n] = ts;
	builder->price[n] = bar->price;
	builder->volume[n] = bar->volume;
	if (bar->format >= LEM_BARS_CLOSE)
		builder->close[n] = bar->close;
	if (bar->format >= LEM_BARS_RANGE)
	{
		builder->high[n] = bar->high;
		builder->low[n] = bar->low;
	}
	if (n_features > 0)
		memcpy(builder->features + n * n_features, bar->features, n_features * sizeof(double));
	builder->n = n + 1;
}

void
lem_builder_merge(lem_builder *to, const lem_builder *from)
{
	Size		n = to->n;

	if (from->n == 0)
		return;
	builder_set_format(to, from->format, from->n_features, from->ts[0]);
	builder_reserve(to, from->n);
	if (!from->rising || (n > 0 && from->ts[0] <= to->ts[n - 1]))
		to->rising = false;
	memcpy(to->ts + n, from->ts, from->n * sizeof(int64));
	memcpy(to->price + n, from->price, from->n * sizeof(double));
	memcpy(to->volume + n, from->volume, from->n * sizeof(double));
	if (to->format >= LEM_BARS_CLOSE)
		memcpy(to->close + n, from->close, from->n * sizeof(double));
	if (to->format >= LEM_BARS_RANGE)
	{
		memcpy(to->high + n, from->high, from->n * sizeof(double));
		memcpy(to->low + n, from->low, from->n * sizeof(double));
	}
	if (to->n_features > 0)
		memcpy(to->features + n * to->n_features, from->features,
			   from->n * to->n_features * sizeof(double));
	to->n = n + from->n;
}

/* A copy of n numbers in the order of places; NULL of none. */
static const double *
copy_sorted(const double *numbers, const bar_place *places, Size n)
{
	double	   *copy;

	if (numbers == NULL)
		return NULL;
	copy = huge_array(n, sizeof(double));
	for (Size i = 0; i < n; i++)
		copy[i] = numbers[places[i].place];
	return copy;
}

/* Sorted copies of the builder's arrays. */
static void
builder_sort(const lem_builder *builder, lem_series *series)
{
	Size		n = builder->n;
	Size		width = series->n_features;
	bar_place  *places = huge_array(n, sizeof(bar_place));
	int64	   *ts = huge_array(n, sizeof(int64));
	double	   *features = width > 0 ? huge_array(n, width * sizeof(double)) : NULL;

	for (Size i = 0; i < n; i++)
	{
		places[i].ts = builder->ts[i];
		places[i].place = i;
	}
	sort_bar_places(places, n);
	for (Size i = 0; i < n; i++)
	{
		Size		from = places[i].place;

		if (i > 0 && places[i].ts == places[i - 1].ts)
		{
			lem_fault	fault;

			lem_fail(&fault, LEM_DUPLICATE_TIME, NULL, 0, 0);
			fault.ts = places[i].ts;
			lem_pg_raise(&fault);
		}
		ts[i] = places[i].ts;
		if (width > 0)
			memcpy(features + i * width, builder->features + from * width, width * sizeof(double));
	}
	series->ts = ts;
	series->price = copy_sorted(builder->price, places, n);
	series->volume = copy_sorted(builder->volume, places, n);
	series->close = copy_sorted(builder->close, places, n);
	series->high = copy_sorted(builder->high, places, n);
	series->low = copy_sorted(builder->low, places, n);
	series->features = features;
	pfree(places);
}

/* The builder's arrays as they are. */
static void
builder_view(const lem_builder *builder, lem_series *series)
{
	series->n = builder->n;
	series->n_features = Max(builder->n_features, 0);
	series->ts = builder->ts;
	series->price = builder->price;
	series->volume = builder->volume;
	series->features = series->n_features > 0 ? builder->features : NULL;
	series->close = builder->close;
	series->high = builder->high;
	series->low = builder->low;
}

void
lem_builder_series(const lem_builder *builder, lem_series *series)
{
	builder_view(builder, series);
	if (!builder->rising)
		builder_sort(builder, series);
}

const double *
lem_features_argument(FunctionCallInfo fcinfo, int arg, int64 ts, int *n_features)
{
	ArrayType  *array;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("the features of the bar at %s are NULL", timestamptz_to_str(ts)),
				 errhint("Pass a float8[] for every bar, or leave out the features argument.")));
	array = PG_GETARG_ARRAYTYPE_P(arg);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the features of the bar at %s have %d dimensions",
						timestamptz_to_str(ts), ARR_NDIM(array)),
				 errhint("Pass a one-dimensional array.")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_BAD_BAR),
				 errmsg("a feature of the bar at %s is NULL", timestamptz_to_str(ts)),
				 errhint("Give a missing feature a number, or make the bar's price NULL to leave "
						 "it out.")));
	LEM_ENSURE(ARR_ELEMTYPE(array) == FLOAT8OID);
	*n_features = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (const double *) ARR_DATA_PTR(array);
}

void
lem_builder_add_args(lem_builder *builder, FunctionCallInfo fcinfo, int arg, bool with_close,
					 bool with_features)
{
	lem_bar_input bar = {.format = LEM_BARS_PLAIN};

	if (PG_ARGISNULL(arg) || PG_ARGISNULL(arg + 1) || PG_ARGISNULL(arg + 2))
		return;
	bar.ts = PG_GETARG_TIMESTAMPTZ(arg);
	bar.price = PG_GETARG_FLOAT8(arg + 1);
	bar.volume = PG_GETARG_FLOAT8(arg + 2);
	if (with_close)
	{
		if (PG_ARGISNULL(arg + 3))
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("the close of the bar at %s is NULL", timestamptz_to_str(bar.ts)),
					 errhint("Pass a close for every bar, or leave out the argument.")));
		bar.format = LEM_BARS_CLOSE;
		bar.close = PG_GETARG_FLOAT8(arg + 3);
	}
	if (with_features)
		bar.features = lem_features_argument(fcinfo, arg + 3 + with_close, bar.ts,
											 &bar.n_features);
	lem_builder_add(builder, &bar);
}

void
lem_builder_add_trade_bar(lem_builder *builder, FunctionCallInfo fcinfo, int arg,
						  bool with_features)
{
	static const char *const columns[] = {"vwap", "volume", "close", "high", "low"};
	lem_bar_input bar = {.format = LEM_BARS_RANGE};
	double	   *const to[] = {&bar.price, &bar.volume, &bar.close, &bar.high, &bar.low};
	HeapTupleHeader tuple;

	if (PG_ARGISNULL(arg) || PG_ARGISNULL(arg + 1))
		return;
	bar.ts = PG_GETARG_TIMESTAMPTZ(arg);
	tuple = PG_GETARG_HEAPTUPLEHEADER(arg + 1);
	for (int i = 0; i < (int) lengthof(columns); i++)
	{
		bool		null;
		Datum		value = GetAttributeByName(tuple, columns[i], &null);

		if (null && i < 2)
			return;
		if (null)
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("the %s of the bar at %s is NULL", columns[i],
							timestamptz_to_str(bar.ts))));
		*to[i] = DatumGetFloat8(value);
	}
	if (with_features)
		bar.features = lem_features_argument(fcinfo, arg + 2, bar.ts, &bar.n_features);
	lem_builder_add(builder, &bar);
}

/* n 8-byte values to the buffer, which has room for them. */
static void
write_values(StringInfo buffer, const void *values, Size n)
{
	char	   *to = buffer->data + buffer->len;

	for (Size i = 0; i < n; i++)
	{
		uint64		x;

		memcpy(&x, (const char *) values + i * sizeof(x), sizeof(x));
		x = pg_hton64(x);
		memcpy(to + i * sizeof(x), &x, sizeof(x));
	}
	buffer->len += n * sizeof(uint64);
	buffer->data[buffer->len] = '\0';
}

/* And back. */
static void
read_values(StringInfo buffer, void *values, Size n)
{
	const char *from = pq_getmsgbytes(buffer, n * sizeof(uint64));

	for (Size i = 0; i < n; i++)
	{
		uint64		x;

		memcpy(&x, from + i * sizeof(x), sizeof(x));
		x = pg_ntoh64(x);
		memcpy((char *) values + i * sizeof(x), &x, sizeof(x));
	}
}

/* Bytes of one bar. */
static Size
bar_bytes(int format, int n_features)
{
	return sizeof(uint64) * (lem_bars_width(format) + n_features);
}

Size
lem_series_wire_size(const lem_series *series)
{
	return 2 * sizeof(int16) + sizeof(int64) + series->n *
		bar_bytes(lem_series_format(series), series->n_features);
}

void
lem_series_write(const lem_series *series, StringInfo buffer)
{
	Size		bytes = lem_series_wire_size(series);

	if (bytes >= MaxAllocSize - buffer->len)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%zu bars are too many to be sent at once", series->n),
				 errdetail("They take %zu bytes, the limit is 1 GB.", bytes),
				 errhint("Where a parallel plan sends them between processes, set "
						 "max_parallel_workers_per_gather to 0.")));
	enlargeStringInfo(buffer, (int) bytes);
	pq_sendint16(buffer, (uint16) lem_series_format(series));
	pq_sendint16(buffer, (uint16) series->n_features);
	pq_sendint64(buffer, (int64) series->n);
	write_values(buffer, series->ts, series->n);
	write_values(buffer, series->price, series->n);
	write_values(buffer, series->volume, series->n);
	if (series->close)
		write_values(buffer, series->close, series->n);
	if (series->high)
	{
		write_values(buffer, series->high, series->n);
		write_values(buffer, series->low, series->n);
	}
	if (series->n_features > 0)
		write_values(buffer, series->features, series->n * series->n_features);
}

void
lem_series_read_header(StringInfo buffer, int64 *n, int *format, int *n_features)
{
	Size		left;

	*format = (int) pq_getmsgint(buffer, sizeof(int16));
	if (*format < LEM_BARS_PLAIN || *format > LEM_BARS_RANGE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown format %d of binary lem_bars", *format)));
	*n_features = (int) pq_getmsgint(buffer, sizeof(int16));
	if (*n_features > LEM_BARS_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary lem_bars with %d features, the limit is %d", *n_features,
						LEM_BARS_MAX_FEATURES)));
	*n = pq_getmsgint64(buffer);
	left = buffer->len - buffer->cursor;
	if (*n < 0 || (uint64) *n > left / bar_bytes(*format, *n_features))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary lem_bars of %lld bars with %d features do not fit their %zu bytes",
						(long long) *n, *n_features, left)));
}

void
lem_series_read(StringInfo buffer, int64 n, int n_features, const lem_series_arrays *to)
{
	read_values(buffer, to->ts, n);
	read_values(buffer, to->price, n);
	read_values(buffer, to->volume, n);
	if (to->close)
		read_values(buffer, to->close, n);
	if (to->high)
	{
		read_values(buffer, to->high, n);
		read_values(buffer, to->low, n);
	}
	if (n_features > 0)
		read_values(buffer, to->features, n * n_features);
}

void
lem_builder_serialize(const lem_builder *builder, StringInfo buffer)
{
	lem_series	series;

	builder_view(builder, &series);
	lem_series_write(&series, buffer);
}

lem_builder *
lem_builder_deserialize(MemoryContext context, StringInfo buffer)
{
	lem_builder *builder = lem_builder_create(context);
	int64		n;
	int			format;
	int			n_features;
	lem_series_arrays arrays;

	lem_series_read_header(buffer, &n, &format, &n_features);
	if (n == 0)
		return builder;
	builder->n_features = n_features;
	builder->format = format;
	builder_reserve(builder, n);
	arrays = (lem_series_arrays) {
		builder->ts, builder->price, builder->volume, builder->close, builder->high, builder->low,
		builder->features
	};
	lem_series_read(buffer, n, n_features, &arrays);
	builder->n = n;
	for (int64 i = 1; i < n; i++)
	{
		if (builder->ts[i] <= builder->ts[i - 1])
		{
			builder->rising = false;
			break;
		}
	}
	return builder;
}

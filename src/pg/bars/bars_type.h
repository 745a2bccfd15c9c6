/*
 * bars_type.h: the lem_bars type, and the builder behind every aggregate over bars.
 */
#ifndef LEM_PG_BARS_TYPE_H
#define LEM_PG_BARS_TYPE_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "core/market/bars.h"
#include "core/parameters/config.h"
#include "pg/base/compat.h"

/*
 * A series on disk.  After the header: n times (int64), n prices, n volumes, from format 2 on n
 * closes, in format 3 n highs and n lows, and n * n_features features (all float8), each array in
 * native byte order (as float8[] is).  A series is written in the least format that holds it, so
 * that bars without closes are what they were in 1.0.
 */
typedef struct lem_bars
{
	int32		vl_len_;
	uint16		format;			/* 1 .. 3; of books see book_type.h */
	uint16		n_features;
	int64		n;
} lem_bars;

#define LEM_BARS_PLAIN 1		/* time, price, volume */
#define LEM_BARS_CLOSE 2		/* and close */
#define LEM_BARS_RANGE 3		/* and high and low */

/* Numbers of a bar in a format, besides its features; books have those of format 1. */
static inline int
lem_bars_width(int format)
{
	return format == LEM_BARS_CLOSE ? 4 : format == LEM_BARS_RANGE ? 6 : 3;
}

static inline int
lem_series_format(const lem_series *series)
{
	return series->high ? LEM_BARS_RANGE : series->close ? LEM_BARS_CLOSE : LEM_BARS_PLAIN;
}

/* The arrays of a series that is to be filled. */
typedef struct lem_series_arrays
{
	int64	   *ts;
	double	   *price;
	double	   *volume;
	double	   *close;			/* NULL before format 2 */
	double	   *high;			/* NULL before format 3 */
	double	   *low;
	double	   *features;
} lem_series_arrays;

/* Most extra features a bar can have: no model takes more. */
#define LEM_BARS_MAX_FEATURES LEM_MAX_FEATURES

/* Detoasted datum as a series; the arrays point into it.  Raises XX001 if it is damaged. */
extern void lem_bars_view(const lem_bars *bars, lem_series *series);
#define PG_GETARG_LEM_BARS_P(n) ((lem_bars *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* A series as a datum, palloc'd; raises 54000 if it is too large for one. */
extern lem_bars *lem_bars_make(const lem_series *series);

/*
 * Values of types that hold a series: one of n bars, its arrays to be filled in; a series as one; a
 * datum's series, its format unchecked (XX001 if it is damaged); its number of bars and format,
 * from the header alone.  type: its name, for errors.
 */
extern lem_bars *lem_series_alloc(Size n, int n_features, uint16 format, const char *type,
								  lem_series_arrays *arrays);
extern lem_bars *lem_series_make(const lem_series *series, uint16 format, const char *type);
extern void lem_series_view(const lem_bars *bars, const char *type, lem_series *series);
extern int64 lem_series_count(Datum datum, const char *type, uint16 *format);
extern void lem_series_damaged(const char *type) pg_attribute_noreturn();

/* A growing set of bars in any order. */
typedef struct lem_builder lem_builder;

/* One bar. */
typedef struct lem_bar_input
{
	int64		ts;
	double		price;
	double		volume;
	int			format;			/* which of these there are */
	double		close;
	double		high;
	double		low;
	int			n_features;
	const double *features;		/* or NULL */
} lem_bar_input;

extern lem_builder *lem_builder_create(MemoryContext context);
/*
 * Add a copy of one bar; the first one says which numbers all have.  Raises LM001 for bad numbers
 * and for others than the first bar's, LM014 for another number of features.
 */
extern void lem_builder_add(lem_builder *builder, const lem_bar_input *bar);
extern void lem_builder_merge(lem_builder *to, const lem_builder *from);
/*
 * The bars in time order: where they came in order, the builder's own memory (good until the
 * next bar is added), else a sorted copy in the current context.  The builder is not changed.
 * Raises LM002 for the same time twice.
 */
extern void lem_builder_series(const lem_builder *builder, lem_series *series);
extern void lem_builder_serialize(const lem_builder *builder, StringInfo buffer);
extern lem_builder *lem_builder_deserialize(MemoryContext context, StringInfo buffer);

/*
 * Add the bar in arguments arg .. arg + 2 (ts, price, volume), with a close arg + 3, and with
 * features the one after that (float8[]).  A bar with a NULL time, price or volume is dropped.
 */
extern void lem_builder_add_args(lem_builder *builder, FunctionCallInfo fcinfo, int arg,
								 bool with_close, bool with_features);

/*
 * Add the bar in arguments arg and arg + 1 (ts, lem_trade_bar) and, with features, arg + 2: its
 * price is the VWAP.  One without is dropped.
 */
extern void lem_builder_add_trade_bar(lem_builder *builder, FunctionCallInfo fcinfo, int arg,
									  bool with_features);

/* The numbers of argument arg, a float8[] without NULLs; raises LM001 and 2202E. */
extern const double *lem_features_argument(FunctionCallInfo fcinfo, int arg, int64 ts,
										   int *n_features);

/*
 * Bars in network byte order: int16 format, int16 n_features, int64 n, then all times, prices,
 * volumes, by the format closes, highs and lows, and features.  The size in bytes; reading checks it against what is there, and
 * leaves the numbers unchecked.
 */
extern Size lem_series_wire_size(const lem_series *series);
extern void lem_series_write(const lem_series *series, StringInfo buffer);
extern void lem_series_read_header(StringInfo buffer, int64 *n, int *format, int *n_features);
extern void lem_series_read(StringInfo buffer, int64 n, int n_features,
							const lem_series_arrays *to);

#endif

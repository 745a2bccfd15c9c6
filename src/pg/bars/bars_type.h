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
 * A series on disk.  After the header: n times (int64), n prices, n volumes, n * n_features
 * features (float8), each array in native byte order (as float8[] is).
 */
typedef struct lem_bars
{
	int32		vl_len_;
	uint16		format;			/* 1 */
	uint16		n_features;
	int64		n;
} lem_bars;

#define LEM_BARS_FORMAT 1

/* Most extra features a bar can have: no model takes more. */
#define LEM_BARS_MAX_FEATURES LEM_MAX_FEATURES

/* Detoasted datum as a series; the arrays point into it.  Raises XX001 if it is damaged. */
extern void lem_bars_view(const lem_bars *bars, lem_series *series);
#define PG_GETARG_LEM_BARS_P(n) ((lem_bars *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* A series as a datum, palloc'd; raises 54000 if it is too large for one. */
extern lem_bars *lem_bars_make(const lem_series *series);

/* A growing set of bars in any order. */
typedef struct lem_builder lem_builder;

extern lem_builder *lem_builder_create(MemoryContext context);
/* Add a copy of one bar; raises LM001 for bad numbers. features: n_features numbers, or NULL. */
extern void lem_builder_add(lem_builder *builder, int64 ts, double price, double volume,
							const double *features, int n_features);
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
 * Add the bar in arguments arg .. arg + 2 (ts, price, volume) and, with features, arg + 3
 * (float8[]).  A bar with a NULL time, price or volume is dropped.
 */
extern void lem_builder_add_args(lem_builder *builder, FunctionCallInfo fcinfo, int arg,
								 bool with_features);

/*
 * Bars in network byte order: int16 format, int16 n_features, int64 n, then all times, prices,
 * volumes and features.  The size in bytes; reading checks it against what is there, and
 * leaves the numbers unchecked.
 */
extern Size lem_series_wire_size(const lem_series *series);
extern void lem_series_write(const lem_series *series, StringInfo buffer);
extern void lem_series_read_header(StringInfo buffer, int64 *n, int *n_features);
extern void lem_series_read(StringInfo buffer, int64 n, int n_features, int64 *ts, double *price,
							double *volume, double *features);

#endif

/*
 * bars_type.h: the lem_bars type, and the builder behind every aggregate over bars.
 */
#ifndef LEM_PG_BARS_TYPE_H
#define LEM_PG_BARS_TYPE_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "core/bars.h"

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

/* Detoasted argument as a series; the arrays point into it. */
extern void lem_bars_view(const lem_bars *bars, lem_series *series);
#define PG_GETARG_LEM_BARS_P(n) ((lem_bars *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* A growing set of bars in any order. */
typedef struct lem_builder lem_builder;

extern lem_builder *lem_builder_create(MemoryContext context);
/* Add a copy of one bar; raises LM001 for bad numbers. features: n_features numbers, or NULL. */
extern void lem_builder_add(lem_builder *builder, int64 ts, double price, double volume,
							const double *features, int n_features);
extern void lem_builder_merge(lem_builder *to, const lem_builder *from);
/* Sorted copy of the bars as a series, in the current context; the builder is not changed.
 * Raises LM002 for the same time twice. */
extern void lem_builder_series(const lem_builder *builder, lem_series *series);
extern void lem_builder_serialize(const lem_builder *builder, StringInfo buffer);
extern lem_builder *lem_builder_deserialize(MemoryContext context, StringInfo buffer);

#endif

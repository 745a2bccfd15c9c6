/*
 * series.h: arithmetic of series: cutting one, and joining parts of several.
 */
#ifndef LEM_SERIES_H
#define LEM_SERIES_H

#include "market/bars.h"

/* Bars first .. end - 1 of a series, which it shares memory with; none if end <= first. */
extern lem_series lem_series_part(const lem_series *series, size_t first, size_t end);

/* Bars with from <= ts < end. */
extern lem_series lem_series_between(const lem_series *series, int64_t from, int64_t end);

/* Have two series the same bars, bit for bit, and know the same of them? */
extern bool lem_series_equal(const lem_series *a, const lem_series *b);

/* Bytes of memory that lem_series_join needs for n bars; SIZE_MAX: more than there can be. */
extern size_t lem_series_bytes(size_t n, int n_features);

/*
 * The bars of some parts (n_parts), one after the other, copied into memory of
 * lem_series_bytes(their sum, n_features) bytes, 8-byte aligned.  Parts without bars may have any
 * n_features; the others must have n_features.  Closes, and highs and lows, are joined where all
 * parts with bars have them.
 */
extern lem_series lem_series_join(int n_parts, const lem_series *parts, int n_features,
								  void *memory);

#endif

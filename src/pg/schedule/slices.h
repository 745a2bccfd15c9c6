/*
 * slices.h: slices of a schedule as SQL sees them.
 */
#ifndef LEM_PG_SLICES_H
#define LEM_PG_SLICES_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"

#include "core/execution/schedule.h"

/* Columns of lem_slice; the last came after 1.0, and after the extension's update. */
#define LEM_SLICE_COLUMNS 7
#define LEM_SLICE_COLUMNS_1_0 6

/* The columns of a slice; only the last, which limit bound it, can be NULL. */
extern void lem_slice_values(const lem_slice *slice, Datum *values, bool *nulls);

/* The word for a limit; NULL for none. */
extern const char *lem_bound_word(lem_bound by);

/* A slice as lem_slice, and n of them as lem_slice[]; type is lem_slice's OID. */
extern Datum lem_slice_datum(Oid type, const lem_slice *slice);
extern Datum lem_slices_datum(Oid type, const lem_slice *slices, int n);

/* lem_slice's OID, from the function being called, which returns lem_slice or lem_slice[]. */
extern Oid	lem_slice_type(FunctionCallInfo fcinfo);

#endif

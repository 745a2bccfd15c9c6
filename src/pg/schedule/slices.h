/*
 * slices.h: slices of a schedule as SQL sees them.
 */
#ifndef LEM_PG_SLICES_H
#define LEM_PG_SLICES_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"

#include "core/execution/schedule.h"

/* Columns of lem_slice. */
#define LEM_SLICE_COLUMNS 6

/* The six columns of a slice, none of them NULL. */
extern void lem_slice_values(const lem_slice *slice, Datum *values);

/* A slice as lem_slice, and n of them as lem_slice[]; type is lem_slice's OID. */
extern Datum lem_slice_datum(Oid type, const lem_slice *slice);
extern Datum lem_slices_datum(Oid type, const lem_slice *slices, int n);

/* lem_slice's OID, from the function being called, which returns lem_slice or lem_slice[]. */
extern Oid	lem_slice_type(FunctionCallInfo fcinfo);

#endif

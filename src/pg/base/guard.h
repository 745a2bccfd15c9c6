/*
 * guard.h: parts of a job that may fail without failing the whole.
 *
 * A part runs in a subtransaction, which is what undoes it: buffers, relations, locks and rows are
 * given back as they were.  What it changed in memory is the caller's to undo.
 */
#ifndef LEM_PG_GUARD_H
#define LEM_PG_GUARD_H

#include "postgres.h"

/* Whether an error concerns the part alone; any other ends the job. */
typedef bool (*lem_error_filter) (const ErrorData *error);

/* Errors of what users store and compute: data, their limits, their own raises, damaged pages. */
extern bool lem_error_is_of_data(const ErrorData *error);

/* Do a part; NULL, or its error, in the current memory context. */
extern ErrorData *lem_guard(void (*part) (void *arg), void *arg, lem_error_filter filter);

/*
 * Do a part for things first .. first + n - 1 at once; where it fails, for each half of them again,
 * down to those that it fails for, whose errors[] are set.  Doing it again must undo what it did
 * before.
 */
extern void lem_guard_each(void (*part) (void *arg, int first, int n), void *arg, int first, int n,
						   lem_error_filter filter, ErrorData **errors);

#endif

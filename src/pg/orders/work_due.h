/*
 * work_due.h: the series whose orders are due, by their last bars that have ended.
 */
#ifndef LEM_PG_WORK_DUE_H
#define LEM_PG_WORK_DUE_H

#include "postgres.h"

#include "pg/orders/work_store.h"

/* Series whose orders were read to find those that are due, by name. */
typedef struct lem_read_series
{
	int			n;
	const char **names;
	bool		all;			/* nothing was known of any */
} lem_read_series;

/*
 * The series of which orders are due, by name, with their last bars that had ended by the time of the
 * call.  warn: tell of bars that had not.
 */
extern lem_active_series *lem_work_find_due(const lem_worker *worker, lem_work_bars *bars,
											bool warn, lem_read_series *read, int *n_due);

/* Set the last bars of n series to those that had ended by the time of the call. */
extern void lem_work_find_ended(const lem_worker *worker, lem_work_bars *bars,
								lem_active_series *series, int n);

#endif

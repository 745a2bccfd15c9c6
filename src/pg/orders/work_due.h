/*
 * work_due.h: the series whose orders are due, by their last bars that have ended.
 */
#ifndef LEM_PG_WORK_DUE_H
#define LEM_PG_WORK_DUE_H

#include "postgres.h"

#include "pg/orders/work_store.h"

/*
 * The series of which orders are due, by name, with their last bars that had ended by the time of the
 * call.  warn: tell of bars that had not.
 */
extern lem_active_series *lem_work_find_due(const lem_worker *worker, lem_work_bars *bars,
											bool warn, int *n_due);

/* Set the last bars of n series to those that had ended by the time of the call. */
extern void lem_work_find_ended(const lem_worker *worker, lem_work_bars *bars,
								lem_active_series *series, int n);

#endif

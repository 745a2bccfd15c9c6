/*
 * work_late.h: the bars that slices which were late are traded in on paper.
 */
#ifndef LEM_PG_WORK_LATE_H
#define LEM_PG_WORK_LATE_H

#include "postgres.h"

#include "pg/orders/work_store.h"

/*
 * Write down, of slices that were told when their bar had ended, the first bar with volume that began
 * after that, once it has ended; also of orders that have ended since.
 */
extern void lem_work_late(const lem_worker *worker, lem_work_bars *bars);

#endif

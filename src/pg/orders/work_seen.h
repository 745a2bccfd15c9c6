/*
 * work_seen.h: what is known of series without reading their orders: a bar with which all of them were
 * looked at.
 */
#ifndef LEM_PG_WORK_SEEN_H
#define LEM_PG_WORK_SEEN_H

#include "postgres.h"

#include "pg/orders/work_store.h"

/* A series that may have active orders. */
typedef struct lem_seen_series
{
	const char *name;
	TimestampTz seen;			/* all were looked at with this bar; DT_NOBEGIN: none is known */
	bool		news;			/* one may be due whatever the bars */
} lem_seen_series;

/*
 * All series with active orders of the worker's feed and maybe others, by name; NULL: of none anything
 * is known.
 */
extern lem_seen_series *lem_work_seen(const lem_worker *worker, int *n);

/*
 * Write down with which bars the orders of n series, and of those in which some were changed since it was
 * done last, were looked at.  In a transaction of its own, which holds no orders; another's that does the
 * same is not waited for, and it is not done then.
 */
extern void lem_work_note_seen(const lem_worker *worker, const char *const *names, int n);

/* Forget series that have no active orders, and feeds that are gone; not while another call notes what was seen. */
extern void lem_work_forget_series(const char *schema);

#endif

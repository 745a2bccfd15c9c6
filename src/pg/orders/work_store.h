/*
 * work_store.h: working orders in the tables: claiming them, and writing down what was decided.
 *
 * All of it is called within SPI; a claim holds until the transaction ends.
 */
#ifndef LEM_PG_WORK_STORE_H
#define LEM_PG_WORK_STORE_H

#include "postgres.h"

#include "pg/base/query.h"
#include "pg/orders/feeds.h"
#include "pg/orders/work_bars.h"
#include "pg/orders/work_order.h"

/* A series with active orders. */
typedef struct lem_active_series
{
	const char *name;
	int64		orders;			/* active ones, or those that are due */
	TimestampTz seen;			/* the earliest bar that all were looked at with; DT_NOBEGIN: none */
	TimestampTz look;			/* the earliest time to look at one without a bar; DT_NOEND: none */
	bool		untold;			/* one has no reason yet */
	TimestampTz last;			/* the series' last bar, for the caller's use */
} lem_active_series;

/* Who works. */
typedef struct lem_worker
{
	const char *schema;
	Oid			user;
	Oid			owners_type;	/* of lem_role[] */
	Datum		owners;			/* whose orders the user works */
	lem_feed	feed;			/* of which orders */
	TimestampTz now;
} lem_worker;

/* Set the owners, in the current memory context. */
extern void lem_worker_find_owners(lem_worker *worker);

/* Those of n series that have active orders, by name; of all series, where names is NULL. */
extern lem_active_series *lem_work_list(const lem_worker *worker, const char *const *names,
										int n_names, int *n);

/*
 * Whether orders of a series are due: it has a bar that they were not looked at with, or it is time
 * to look at one that waits for its start.  Where it has none at all, until they say so: it may be
 * one that is misspelt.
 */
extern bool lem_work_is_due(const lem_worker *worker, const lem_active_series *series);

/* Models that orders of n series, which may be due, are worked by: each once a series. */
typedef struct lem_series_model
{
	int			series;
	lem_work_model model;		/* what is given of it */
} lem_series_model;

extern lem_series_model *lem_work_models(const lem_worker *worker,
										 const lem_active_series *series, int n, int *n_models);

/* Keep those of n series of which orders are still due, and count these; the number left. */
extern int	lem_work_still_due(const lem_worker *worker, lem_active_series *series, int n);

/* Ids of at most limit orders that are due, of n series. */
extern int64 *lem_work_due_ids(const lem_worker *worker, const lem_active_series *series, int n,
							   int limit, int *n_ids);

/*
 * Claim due orders of n series, at most limit; those that another transaction holds are left out.
 */
extern lem_work_order *lem_work_claim(const lem_worker *worker, const lem_active_series *series,
									  int n, int limit, int *claimed);

/* Write down what was decided of n orders, and tell those who listen. */
extern void lem_work_save(const lem_worker *worker, const lem_work_order *orders, int n);

/* A slice that was late, and is traded on paper in the first bar after it was told. */
typedef struct lem_late_slice
{
	int64		order;
	int			step;
	const char *series;
	TimestampTz told;
	TimestampTz ts;				/* that bar; DT_NOBEGIN: it has not come */
	double		price;
	double		volume;
} lem_late_slice;

/* Those whose bar is not known, by series; the newest, where there are very many. */
extern lem_late_slice *lem_work_late_list(const lem_worker *worker, int *n);

/* Write down the bars of those of n that have one; what others hold is left to them. */
extern void lem_work_late_save(const lem_worker *worker, const lem_late_slice *slices, int n);

/* End orders that have expired by the time of the call. */
extern void lem_work_expire(const lem_worker *worker);

#endif

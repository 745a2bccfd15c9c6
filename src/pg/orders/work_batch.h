/*
 * work_batch.h: orders that are worked together: from claimed orders to what is decided of them.
 */
#ifndef LEM_PG_WORK_BATCH_H
#define LEM_PG_WORK_BATCH_H

#include "postgres.h"

#include "pg/orders/feeds.h"
#include "pg/orders/work_bars.h"
#include "pg/orders/work_model.h"
#include "pg/orders/work_order.h"

/* A batch. */
typedef struct lem_work_batch
{
	/* given */
	const char *schema;
	const lem_feed *feed;
	TimestampTz now;			/* bars that had ended by then are known */
	bool		replays;		/* and it is that time; else it is what the clock shows */
	lem_work_bars *bars;
	int			n_series;
	lem_work_series *series;	/* those that orders refer to; what is read of them stays read */
	MemoryContext series_context;	/* that their bars are read into */
	int			n;
	lem_work_order *orders;

	/* worked out */
	int		   *model;			/* n: in models */
	int			n_models;
	lem_work_model *models;
} lem_work_batch;

/*
 * Decide the orders of a batch: each has a decision then, or a reason why not.  An error that is
 * about one model, series or order concerns that one alone; any other is raised.
 */
extern void lem_work_batch_decide(lem_work_batch *batch);

#endif

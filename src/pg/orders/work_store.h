/*
 * work_store.h: working orders in the tables: claiming them, and writing down what was decided.
 *
 * All of it is called within SPI; a claim holds until the transaction ends.
 */
#ifndef LEM_PG_WORK_STORE_H
#define LEM_PG_WORK_STORE_H

#include "postgres.h"

#include "core/execution/schedule.h"
#include "pg/bars/bars_type.h"
#include "pg/base/query.h"
#include "pg/catalog/catalog.h"

/* An order that may be due. */
typedef struct lem_due_order
{
	int64		id;
	const char *series;
	const char *model;
	TimestampTz seen;			/* the last bar it was looked at with; DT_NOBEGIN: none */
	int			last;			/* where its series' last bar is, for the caller's use */
} lem_due_order;

/* What becomes of an order. */
typedef enum lem_outcome
{
	LEM_OUTCOME_ACTIVE,
	LEM_OUTCOME_FINISHED,
	LEM_OUTCOME_FAILED
} lem_outcome;

/* An order that is being worked. */
typedef struct lem_work_order
{
	/* as stored */
	int64		id;
	const char *series;
	const char *model;			/* with the version, once that is fixed */
	const char *owner;
	lem_order	order;			/* with its start, once that is fixed */
	bool		started;		/* slices are decided */
	TimestampTz seen;
	TimestampTz since;			/* DT_NOBEGIN: all bars */
	TimestampTz expires;		/* DT_NOEND: never */
	const lem_bars *bars;		/* that its slices traded in; or NULL */
	int			n_slices;
	int64_t		units[LEM_MAX_AHEAD];	/* of slices decided, new ones included */
	int			n_completed;
	TimestampTz bar_ts[LEM_MAX_AHEAD];	/* the bars they traded in, new ones included */

	/* as worked */
	int			n_new;
	lem_slice  *slices;			/* n_new: to be added */
	int			n_new_completed;
	int			version;
	uint8		inputs[LEM_DIGEST_LENGTH];
	lem_outcome outcome;
	const char *reason;			/* NULL: none */
} lem_work_order;

/* Active orders of owners that the user acts for, by model, series and id. */
extern lem_due_order *lem_work_list(const char *schema, Oid user, int *n);

/*
 * Claim those orders of a list that are still active; with wait, wait for those that another
 * session holds, else leave them out.  In the order of their ids.
 */
extern lem_work_order *lem_work_claim(const char *schema, const int64 *ids, int n_ids, bool wait,
									  int *n);

/* Write down what was decided of n orders, and tell those who listen. */
extern void lem_work_save(const char *schema, Oid user, lem_work_order *orders, int n);

/* End the user's orders that have expired by a time. */
extern void lem_work_expire(const char *schema, Oid user, TimestampTz now);

#endif
